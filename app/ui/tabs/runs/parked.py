"""The ideas put aside, in a window of their own beside this one: why, and when to look at them again. And
the forms that put one aside, change one that is, and begin a run: by hand, of a parked idea, or of another
run's.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any, Final

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.records.applying import Seen
from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.record import Record, read_record
from app.services.records.stored_times import epoch_of
from app.services.records.tables import PLANNING_PARKED_IDEAS, PLANNING_RUNS, Table
from app.services.runs import parking
from app.services.runs import statuses as planning
from app.services.runs.parking import EDITED, IDEA, MONTHS, NOTE, REASON, REFINED, NewRun
from app.services.text import counted, readable
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import NamesRun, create_act, delete_act, open_run_act, record_act
from app.ui.tabs.common.declared import TabSpec
from app.ui.tabs.common.form_fields import LinesEditor, TenantField
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Icon, Kind, Tone
from app.ui.widgets import formatting
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FieldValue, FormDialog, checked
from app.ui.widgets.formatting import first_line
from models.engine import Database
from models.schema import StoredTable
from models.status import RunMode, RunStatus

_LABELS: Final = {
    IDEA: "Idea",
    REFINED: "Refined idea",
    REASON: "Reason",
    MONTHS: "Revisit after months",
    NOTE: "Note on the estimate",
}
_LINES: Final = {IDEA: 2, REFINED: 2, REASON: 2, NOTE: 2}
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
_DUE_LONGEST: Final = "due 11 mo ago"
"""What the column of when to look again has room for, whatever stands in it now."""


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
            editor = LinesEditor(_LINES[name], parking.LONGEST_IDEA)
            editor.setPlainText(known.get(name, ""))
            there = editor.value()
        check = checked(_CHECKS[name], there if as_stored else None)
        form.add_field(name, _LABELS[name], editor, check)


def _texts(form: FormDialog) -> dict[str, str]:
    found: dict[str, FieldValue] = form.values()
    return {name: str(found[name]) for name in EDITED if name in found}


DUE = "due"
_SIZE, _LEAST = (1120, 620), (440, 200)
_PARKED_AT = PLANNING_PARKED_IDEAS.names.index("created_at")


class ParkedIdeas(RecordTab):
    """The list of ideas put aside; those that are due stand out, and can be shown alone. `jump` asks for an
    idea's run; `due_found(count)` says how many are due whenever they have been read.
    """

    margin = 0
    narrow = 620
    """Less than that of a tab: no menu bar has its acts, where the inspector is folded."""
    opens = "edit"
    due_found = Signal(int)
    spec = TabSpec(
        PLANNING_PARKED_IDEAS,
        Icon.IDEA,
        ("No parked ideas", "An idea can be put aside here, or from a run."),
        invites=True,
        keys={
            "create": ("Ctrl+Shift+N", "New idea…"),
            "edit": ("F2", "Edit…"),
            "promote": ("P", "Promote to a run…"),
            **declared.DELETE,
        },
    )
    _ids: tuple[Any, ...] | None = None
    _wants_due = False

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        self._folded: dict[bool, bool] = {}
        super().__init__(context, parent)

    def special_columns(self) -> declared.Special:
        revisits = {
            "text": lambda value, row: self._revisit(row[_PARKED_AT], value),
            "tone": lambda value, row: Tone.WARN if self._is_due(row[_PARKED_AT], value) else None,
            "icon": lambda value, row: Icon.BELL if self._is_due(row[_PARKED_AT], value) else None,
            "tooltip": lambda value, row: self._moment(row[_PARKED_AT], value),
            "hint": "Counted in months from the day the idea was parked",
            "right": False,
        }
        return {"reason": {"dim": True}, "revisit_estimate_months": revisits}

    def build_inspector(self) -> None:
        super().build_inspector()
        self.table.columns.set_widest(self.model.column_of("revisit_estimate_months"), (_DUE_LONGEST,))
        self.inspector.empty.set(Icon.INFO, "Nothing selected", "Select an idea to see all of it.")

    def top_widgets(self) -> list[QWidget]:
        self.chips = CountChips("View")
        self._offer(None)
        self.chips.changed.connect(lambda key: self._choose(key == DUE))
        return [self.chips]

    def fold_inspector(self, folded: bool) -> None:
        """Chosen for this window alone, which may be wide beside a narrow one, and the other way round."""
        self._folded[self.is_narrow] = folded
        self.fold(folded)

    def fold_as_chosen(self) -> None:
        self.fold(self._folded.get(self.is_narrow, self.is_narrow))

    def load(self, database: Database, record_id: Any) -> NamesRun:
        record = read_record(database, PLANNING_PARKED_IDEAS, record_id)
        run_id = record.text("run_id") or None
        return NamesRun(record, run_id, None if run_id is None else planning.idea_of(database, run_id))

    def add_acts(self) -> None:
        add = self.commands.add
        new = create_act(self, lambda: park_form(self.context, None, self).open_once(), parking.IDEA)
        add(replace(new, kind=Kind.SECONDARY))  # the dialog's own button is filled
        promote = partial(self.current.when_whole, self._promote, by_form=True)
        add(record_act("promote", "", Icon.RUNS, promote, self._refuse_promotion))
        edit, single = (
            partial(self.current.when_whole, self._edit, by_form=True),
            partial(self.selection.refusal, single=True),
        )
        add(record_act("edit", "", Icon.EDIT, edit, single))
        add(open_run_act(self, partial(self.selection.refusal, single=True, writes=False)))
        add(delete_act(self, lambda: parking.delete, "idea"))

    def show_details(self, record: NamesRun) -> None:
        idea, stored = record.record, record.record["created_at"]
        at = epoch_of(stored)
        since = readable(stored) if at is None else formatting.relative_time(at, self.context.clock())
        self.inspector.set_header(idea.text("idea"), f"parked {since}", is_told=True)
        months = idea["revisit_estimate_months"]
        said = dict.fromkeys((self._revisit(stored, months), revisit(months)))
        field: dict[str, Any] = {"value": ", ".join(said)}
        if self._is_due(stored, months):
            field["tone"] = Tone.WARN
        self.fields.set_fields(
            declared.fields(self.context, idea, revisit_estimate_months=field if months is not None else {})
        )

    def narrowed(self, query: ListQuery) -> ListQuery:
        if self._ids is None:
            return query
        return replace(query, choices=(*query.choices, ("id", self._ids)))

    def read_beside(self, query: ListQuery) -> None:
        self.context.runner.read(
            parking.due, self.context.clock(), on_done=self._know_due, on_failed=lambda _: self._offer(None)
        )

    def hear(self, change: Change, initiator: object) -> None:
        super().hear(change, initiator)
        if self.spec.table.name in change.tables:
            self.read_beside(self.query())

    def set_filter_text(self, text: str) -> None:
        had, self._ids, self._wants_due = self._ids is not None, None, False
        self.chips.set_key(None)
        super().set_filter_text(text)
        if had:
            self.filters_changed()

    def _choose(self, due: bool) -> None:
        self._wants_due = due
        if due:
            self.read_beside(self.query())
        elif self._ids is not None:
            self._ids = None
            self.filters_changed()

    def _know_due(self, ids: tuple[Any, ...]) -> None:
        self._offer(len(ids))
        self.due_found.emit(len(ids))
        if self._wants_due and ids != self._ids:
            self._ids = ids
            self.filters_changed()

    def _offer(self, count: int | None) -> None:
        self.chips.set_chips([Choice(None, "All"), Choice(DUE, "Due", count)])

    def _is_due(self, parked: object, months: object) -> bool:
        at = parking.due_at(parked, months)
        return at is not None and at <= self.context.clock()

    def _revisit(self, parked: object, months: object) -> str:
        at = parking.due_at(parked, months)
        if at is None:
            return revisit(months)
        if at > self.context.clock():
            return formatting.day(at, self.context.settings.utc_times)
        return f"due {formatting.relative_time(at, self.context.clock())}"

    def _moment(self, parked: object, months: object) -> str | None:
        at = parking.due_at(parked, months)
        if at is None:
            return None
        return f"{revisit(months)}: {formatting.absolute_time(at, self.context.settings.utc_times)}"

    def _edit(self, named: NamesRun) -> None:
        form = edit_idea_form(self.context, named.record, self)
        form.outdated.connect(self.reload)
        form.open_once()

    def _promote(self, named: NamesRun) -> None:
        promote_form(self.context, named.record, self).open_once()

    def _refuse_promotion(self) -> str | None:
        return self.selection.refusal(single=True) or self.context.without(PLANNING_RUNS.name)


class _Held(QWidget):
    """Holds what scrolls by itself, its one child: a dialog is not to grow with what is selected in it."""

    def __init__(self) -> None:
        super().__init__()
        self.setMinimumSize(*_LEAST)

    def resizeEvent(self, event: QResizeEvent) -> None:
        for page in self.children():
            if isinstance(page, QWidget):
                page.setGeometry(self.rect())


class ParkedIdeasDialog(Dialog):
    """Stands beside the window, which stays usable."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(
            context.theme,
            "Parked ideas",
            "Put aside, to be looked at again. They belong to the platform, not to a tenant.",
            parent=parent,
        )
        held = _Held()
        self.add_widget(held, 1)
        self.page = ParkedIdeas(context, held)  # where it stays: what is moved is styled again
        self.set_close_button()
        self.page.commands.update()
        QShortcut(QKeySequence.StandardKey.Undo, self).activated.connect(context.undo_wanted)
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self.page.filters.focus_text)
        self.open_as_large_as(QSize(*_SIZE))
        self.page.table.setFocus()


def revisit(months: Any) -> str:
    """ "after 6 months", from when it was parked; nothing where there is no estimate."""
    if not isinstance(months, int):
        return "" if months is None else str(months)
    return "now" if months <= 0 else f"after {counted(months, 'month')}"
