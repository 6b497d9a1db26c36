"""Ideas put aside: why, and when to look at them again."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from PySide6.QtCore import QSize, Signal
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Column
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.record import Record, read_record
from app.services.records.tables import PLANNING_PARKED_IDEAS, PLANNING_RUNS
from app.ui.shell.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import filter_hint
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.common.selection import CurrentRecord
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import FieldList
from app.ui.widgets.filter_row import FilterRow
from app.ui.widgets.formatting import counted, relative_time, tooltip
from app.ui.widgets.panes import Inspector, ListEmptyState, MasterDetail
from models.errors import TableMissing, TenantAdminError

IDEAS, RUNS = PLANNING_PARKED_IDEAS.name, PLANNING_RUNS.name
_EMPTY = ("No parked ideas", "The planner has put nothing aside.")
_SIZE = QSize(1120, 620)


@dataclass(frozen=True, slots=True)
class IdeaDetail:
    """A parked idea, and whether the file has the run it comes from."""

    record: Record
    has_run: bool


class ParkedIdeasDialog(Dialog):
    """`ParkedIdeasDialog(context, parent=None)`; stands beside the window, which stays usable.

    `reload()` reads again what it shows. `run_wanted(run_id)` asks to show the run an idea comes from.
    """

    run_wanted = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(
            context.theme,
            "Parked ideas",
            "Put aside by the planner, to be looked at again. They belong to the platform, not to a tenant.",
            parent=parent,
        )
        self._context = context
        theme, settings = context.theme, context.settings
        self.filters = FilterRow(theme, filter_hint(PLANNING_PARKED_IDEAS), noun=PLANNING_PARKED_IDEAS.noun)
        self.table = DataTable(
            theme,
            "Parked ideas",
            load=partial(settings.column_state.get, IDEAS),
            save=partial(settings.column_state.set, IDEAS),
        )
        self.list = ListController(context, IDEAS, self._columns(), self.table, self)
        self.table.columns.set_main(self.list.model.column_of(PLANNING_PARKED_IDEAS.main))
        hidden = [column.name for column in PLANNING_PARKED_IDEAS.listed if column.hidden]
        self.table.columns.hide_at_first([self.list.model.column_of(name) for name in hidden])
        self.empty_state = ListEmptyState(theme, Icon.IDEA, "idea", _EMPTY)
        self.empty_state.clear_wanted.connect(self.filters.clear)
        self.table.set_empty_state(self.empty_state)
        load = partial(_detail, context.lists)
        self.current = CurrentRecord(context.runner, self.list, load, self)
        self.inspector = Inspector(theme, "Nothing selected", "Select an idea to see all of it.")
        self.fields = FieldList(theme)
        self.inspector.add_widget(self.fields)
        self.inspector.add_stretch()
        self.run_button = push_button(theme, "Open run", icon=Icon.RUNS)
        self.run_button.clicked.connect(self._open_run)
        self.inspector.set_actions([self.run_button])
        self.add_widget(self.filters)
        self.add_widget(MasterDetail(self.table, self.inspector), 1)
        close = push_button(theme, "Close")
        close.setDefault(True)
        close.clicked.connect(self.close)
        self.set_buttons([close])
        self.resize(_SIZE)

        self.filters.changed.connect(self.reload)
        self.list.model.sort_requested.connect(self._sort_by)
        self._sort: tuple[str | None, bool] = (None, False)
        self.list.loaded.connect(self._loaded)
        self.list.failed.connect(self._failed)
        self.current.came.connect(self._show)
        self.current.left.connect(self.inspector.show_empty)
        self.table.opened.connect(lambda index: self._open_run())

    def reload(self) -> None:
        """Reads again, keeping selection, scroll position, order and filter."""
        self.list.show(self._query())
        self.current.reload()

    def _columns(self) -> Sequence[Column]:
        revisits = {
            "text": lambda value, row: revisit(value),
            "hint": "Counted from the day the idea was parked",
            "right": False,
        }
        return declared.columns(
            self._context, PLANNING_PARKED_IDEAS, reason={"dim": True}, revisit_estimate_months=revisits
        )

    def _query(self) -> ListQuery:
        sort, descending = self._sort
        return ListQuery(IDEAS, text=self.filters.values().text, sort=sort, descending=descending)

    def _sort_by(self, column: str, descending: bool) -> None:
        self._sort = (column, descending)
        self.reload()

    def _loaded(self, total: int) -> None:
        self.filters.set_count(total)
        if total == 0:
            self.empty_state.explain(filtered=self._query().filtered)

    def _failed(self, error: TenantAdminError) -> None:
        self.filters.set_count(None)
        self.empty_state.explain_failure(error)
        self.inspector.show_empty()

    def _show(self, idea_id: object, detail: IdeaDetail) -> None:
        idea, at = detail.record, detail.record["created_at"]
        since = relative_time(at, self._context.clock()) if isinstance(at, int) else str(at)
        self.inspector.set_header(idea.text("idea"), f"parked {since}")
        months = revisit(idea["revisit_estimate_months"])
        self.fields.set_fields(
            declared.fields(self._context, idea, revisit_estimate_months={"value": months})
        )
        self.run_button.setEnabled(detail.has_run)
        self.run_button.setToolTip(tooltip("" if detail.has_run else _no_run(idea)))
        self.inspector.show_record()

    def _open_run(self) -> None:
        self.current.when_whole(self._want_run)

    def _want_run(self, detail: IdeaDetail) -> None:
        if detail.has_run:
            self.run_wanted.emit(detail.record.text("run_id"))


def revisit(months: Any) -> str:
    """ "in 6 months"; nothing where there is no estimate."""
    if not isinstance(months, int):
        return "" if months is None else str(months)
    return "now" if months <= 0 else f"in {counted(months, 'month')}"


def _no_run(idea: Record) -> str:
    return "Its run is no longer in this file." if idea["run_id"] else "This idea names no run."


def _detail(lists: Lists, database: Any, idea_id: str) -> IdeaDetail:
    """Raises `NotFound`."""
    record = read_record(database, PLANNING_PARKED_IDEAS, idea_id)
    try:
        has_run = bool(record["run_id"]) and lists.key_of(database, RUNS, record.text("run_id")) is not None
    except TableMissing:
        has_run = False
    return IdeaDetail(record, has_run)
