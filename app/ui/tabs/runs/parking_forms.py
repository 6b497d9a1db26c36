"""The forms that put an idea aside, change one that is, and begin a run: by hand, of a parked idea, or of
another run's.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.records import parking
from app.services.records.change import Change
from app.services.records.parking import EDITED, IDEA, MONTHS, NOTE, REASON, REFINED, NewRun
from app.services.records.record import Record
from app.services.records.seen import Seen
from app.services.records.tables import PLANNING_PARKED_IDEAS, PLANNING_RUNS, Table
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import LinesEditor, TenantField
from app.ui.widgets.form_dialog import FieldValue, FormDialog, checked
from app.ui.widgets.formatting import first_line
from models.schema import StoredTable
from models.status import RunMode, RunStatus

_LABELS: Final = {
    IDEA: "Idea",
    REFINED: "Refined idea",
    REASON: "Reason",
    MONTHS: "Revisit after months",
    NOTE: "Note on the estimate",
}
_LINES: Final = {IDEA: 3, REFINED: 2, REASON: 2, NOTE: 2}
_CHECKS: Final[Mapping[str, Callable[[str], object]]] = {
    IDEA: parking.valid_idea,
    REFINED: parking.valid_refined,
    REASON: parking.valid_reason,
    MONTHS: parking.valid_months,
    NOTE: parking.valid_note,
}
_NOT_STARTED: Final = "Only the row is added: nothing is sent to the platform, and no workflow begins."
_STATUSES: Final = {
    RunStatus.PAUSED: "Paused: it waits for approval",
    RunStatus.RUNNING: "Running: as if a workflow were at work",
}
_AS_IT_IS: Final = "(database's own)"


def park_form(context: Context, run: Record | None, parent: QWidget | None = None) -> FormDialog:
    """Puts an idea aside, that of a run or a new one."""
    title = "Park an idea" if run is None else "Park this run’s idea"
    sentence = (
        "" if run is None else f"The run itself stays as it is, {run.text('status') or 'without a status'}."
    )
    form = FormDialog(context.theme, title, sentence, action="Park idea", parent=parent)
    stored = _stored(context, PLANNING_PARKED_IDEAS)
    known = {} if run is None else {name: run.text(name) for name in (IDEA, REFINED)}
    _add_texts(form, stored, known, as_stored=bool(known))
    form.add_asked(() if stored is None else PLANNING_PARKED_IDEAS.asks_for(stored))
    form.editor(IDEA if run is None or REASON not in form.values() else REASON).setFocus()

    def park() -> None:
        run_id = None if run is None else run["id"]
        form.write(context.act, parking.park, _texts(form), run_id, form.asked())

    form.set_clean()
    form.submitted.connect(park)
    return form


def edit_idea_form(context: Context, idea: Record, parent: QWidget | None = None) -> FormDialog:
    form = FormDialog(context.theme, "Edit parked idea", action="Save", parent=parent)
    stored = _stored(context, PLANNING_PARKED_IDEAS)
    _add_texts(form, stored, {name: idea.text(name) for name in EDITED}, as_stored=True)
    form.set_clean()
    form.editor(IDEA).setFocus()

    def save() -> None:
        texts, edited = _texts(form), form.edited()
        values = {name: text for name, text in texts.items() if name in edited}
        form.write(partial(context.act, seen=_seen(idea, texts)), parking.update, idea["id"], values)

    form.submitted.connect(save)
    return form


def promote_form(context: Context, idea: Record, parent: QWidget | None = None) -> FormDialog:
    sentence = f"The idea is then no longer parked; Undo parks it again. {_NOT_STARTED}"
    form = _RunForm(context, ("Promote to a run", sentence, "Promote"), idea, parent=parent)
    stored = _stored(context, PLANNING_PARKED_IDEAS)
    seen = _seen(idea, [name for name in EDITED if stored is None or name in stored.columns])
    form.submitted.connect(lambda: form.begin(parking.promote, idea["id"], seen))
    return form


def new_run_form(context: Context, tenant: str | None, parent: QWidget | None = None) -> FormDialog:
    form = _RunForm(context, ("New run", _NOT_STARTED, "Create run"), None, tenant=tenant, parent=parent)
    form.submitted.connect(lambda: form.begin(parking.create_run, None))
    return form


def copy_run_form(context: Context, run: Record, parent: QWidget | None = None) -> FormDialog:
    sentence = f"Its status, scores, config and artifacts are not copied. {_NOT_STARTED}"
    tenant = run.unknown.get("tenant_id")
    of = tenant if isinstance(tenant, str) else None
    words = "New run of this idea", sentence, "Create run"
    form = _RunForm(context, words, run, tenant=of, parent=parent)
    form.submitted.connect(lambda: form.begin(parking.create_run, run["id"]))
    return form


class _RunForm(FormDialog):
    """What a run begins with, of the idea in `source`, if any."""

    def __init__(
        self,
        context: Context,
        words: tuple[str, str, str],
        source: Record | None,
        *,
        tenant: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        title, sentence, action = words
        super().__init__(context.theme, title, sentence, action=action, parent=parent)
        self._context = context
        stored = _stored(context, PLANNING_RUNS)
        if stored is not None and stored.tenant_column is not None:
            field = TenantField(context.tenants, tenant, context.erased)
            self.add_field("tenant_id", "Tenant", field, field.check)
        known = {} if source is None else {name: source.text(name) for name in (IDEA, REFINED)}
        _add_texts(self, stored, known, (IDEA, REFINED), as_stored=bool(known))
        status = QComboBox()
        for one in parking.BEGINS_AS:
            status.addItem(_STATUSES[one], str(one))
        self.add_field("status", "Status", status)
        if stored is None or "mode" in stored.columns:
            mode = QComboBox()
            default = "" if stored is None else stored.defaults.get("mode", "").strip("'")
            own = f"{default} (default)" if default in map(str, RunMode) else _AS_IT_IS
            of = source.text("mode") if source is not None and source.table is PLANNING_RUNS else ""
            for one_mode in dict.fromkeys(("", *map(str, RunMode), of)):
                mode.addItem(first_line(one_mode) or own, one_mode)
            mode.setCurrentIndex(mode.findData(of))
            self.add_field("mode", "Mode", mode)
        # What the copied run refers to comes along.
        asked = () if stored is None else PLANNING_RUNS.asks_for(stored)
        comes = () if source is None or source.table is not PLANNING_RUNS else ("idea_id",)
        self.add_asked([name for name in asked if name not in ("tenant_id", *comes)])
        self.set_clean()
        self.editor(IDEA).setFocus()

    def begin(self, function: Callable[..., Change], of: Any, seen: Seen | None = None) -> None:
        values = {name: str(value) for name, value in self.values().items()}
        new = NewRun(
            values[IDEA],
            values.get(REFINED, ""),
            RunStatus(values["status"]),
            values.get("mode") or None,
            values.get("tenant_id"),
        )
        act = self._context.act if seen is None else partial(self._context.act, seen=seen)
        self.write(act, function, *_target(function, new, of), self.asked())


def _target(function: Callable[..., Change], new: NewRun, of: Any) -> tuple[Any, Any]:
    """A parked idea is promoted to a run; a run may be made like another one."""
    return (of, new) if function is parking.promote else (new, of)


def _seen(idea: Record, names: Iterable[str]) -> Seen:
    """What a form shows of a parked idea, which must be so still when it is written."""
    return {(PLANNING_PARKED_IDEAS.name, idea["id"]): {name: idea[name] for name in names}}


def _stored(context: Context, table: Table) -> StoredTable | None:
    return context.opened.schema.stored.get(table.name)


def _add_texts(
    form: FormDialog,
    stored: StoredTable | None,
    known: Mapping[str, str],
    names: tuple[str, ...] = EDITED,
    *,
    as_stored: bool = False,
) -> None:
    """Fields for those of the columns that the file has; with `as_stored` what is there may stay as it is,
    whatever it is.
    """
    for name in names:
        if stored is not None and name not in stored.columns and name != IDEA:
            continue
        editor: QLineEdit | LinesEditor
        if name == MONTHS:
            editor = QLineEdit(first_line(known.get(name, "")))
            editor.setPlaceholderText("None: it never becomes due")
            there = editor.text()
        else:
            editor = LinesEditor(_LINES[name])
            editor.setPlainText(known.get(name, ""))
            there = editor.value()
        check = checked(_CHECKS[name], there if as_stored else None)
        form.add_field(name, _LABELS[name], editor, check)


def _texts(form: FormDialog) -> dict[str, str]:
    found: dict[str, FieldValue] = form.values()
    return {name: str(found[name]) for name in EDITED if name in found}
