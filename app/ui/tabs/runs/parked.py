"""The ideas put aside, in a window of their own beside this one: why, and when to look at them again."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut
from PySide6.QtWidgets import QPushButton, QWidget

from app.itemmodels.columns import Tone
from app.services.records import parking
from app.services.records import runs as planning
from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.record import read_record
from app.services.records.tables import PLANNING_PARKED_IDEAS, PLANNING_RUNS
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.acts import NamesRun, create_act, delete_act, open_run_act, record_act
from app.ui.tabs.common.declared import TabSpec, epoch
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs.parking_forms import edit_idea_form, park_form, promote_form
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.actions import ButtonIn
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import CountChips
from app.ui.widgets.dialogs import Dialog
from models.engine import Database
from models.errors import TenantAdminError

DUE = "due"
_SIZE, _LEAST = (1120, 620), (440, 200)
_PARKED_AT = PLANNING_PARKED_IDEAS.names.index("created_at")


class ParkedIdeas(RecordTab):
    """The list of ideas put aside; those that are due stand out, and can be shown alone. `jump` asks for an
    idea's run; `due_found(count)` says how many are due whenever they have been read.
    """

    margin = 0
    opens = "edit"
    due_found = Signal(int)
    spec = TabSpec(
        PLANNING_PARKED_IDEAS,
        Icon.IDEA,
        ("No parked ideas", "An idea can be put aside here, or from a run."),
        invites=True,
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
        self.inspector.empty.set(Icon.INFO, "Nothing selected", "Select an idea to see all of it.")

    def top_widgets(self) -> list[QWidget]:
        self.chips = CountChips("View")
        self._offer(None)
        self.chips.changed.connect(lambda key: self._choose(key == DUE))
        return [self.chips]

    def inspector_buttons(self) -> Sequence[QPushButton]:
        """None there: they stand below, in sight where the inspector is folded away, too."""
        return ()

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
        add(
            create_act(
                self, "New idea…", lambda: park_form(self.context, None, self).open_once(), parking.IDEA
            )
        )
        add(
            record_act(
                "promote",
                "Promote to a run…",
                Icon.RUNS,
                lambda: self.current.when_whole(self._promote),
                self._refuse_promotion,
                "P",
            )
        )
        edit, single = (
            partial(self.current.when_whole, self._edit),
            partial(self.selection.refusal, single=True),
        )
        add(record_act("edit", "Edit…", Icon.EDIT, edit, single, "F2"))
        add(open_run_act(self, partial(self.selection.refusal, single=True, writes=False)))
        add(delete_act(self, lambda: parking.delete, "idea", to_the_last=True))

    def show_details(self, record: NamesRun) -> None:
        idea, stored = record.record, record.record["created_at"]
        at = epoch(stored)
        since = formatting.plain(stored) if at is None else formatting.relative_time(at, self.context.clock())
        self.inspector.set_header(idea.text("idea"), f"parked {since}")
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
            parking.due, self.context.clock(), on_done=self._know_due, on_failed=self._due_not_read
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

    def _due_not_read(self, error: TenantAdminError) -> None:
        self._offer(None)

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
        return f"due since {formatting.relative_time(at, self.context.clock()).removesuffix(' ago')}"

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
        self.set_close_button(left=self.page.commands.buttons(ButtonIn.INSPECTOR))
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
