"""What every tab is made of: a filter row, a table of any length, and an inspector."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, ClassVar

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton, QSplitter, QVBoxLayout, QWidget

from app.itemmodels.columns import Column, Row
from app.itemmodels.roles import Role
from app.services.errors import Cancelled, TableMissing, TenantAdminError
from app.services.list_query import ListQuery, Value
from app.services.listing import Lists
from app.services.scope import EVERYONE, Scope
from app.services.tables import SPECS
from app.ui.actions import Actions, ActionSpec, Place
from app.ui.context import Context
from app.ui.icons import Icon
from app.ui.list_controller import ListController
from app.ui.tabs.exporting import Exporter
from app.ui.theme import Kind
from app.ui.widgets.buttons import push_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.empty_state import EmptyState
from app.ui.widgets.filter_row import FilterRow, FilterValues, Pick
from app.ui.widgets.inspector import Inspector
from app.ui.widgets.picker import Choice
from app.workers.task_runner import Task

MARGIN = 16
GAP = 12
_INSPECTOR, _LEAST_INSPECTOR, _LEAST_HEIGHT = 400, 320, 160
LOOKED_AT = 300
"""Selected rows asked whether an act applies to them; the act itself asks every one."""


@dataclass(frozen=True, slots=True)
class TabSpec:
    """What one tab is about.

    `picks` are the columns with a pick list, `empty` a title and a sentence, `main` the column that takes
    the room the others leave, `hidden` those shown only when asked for.
    """

    table: str
    title: str
    icon: str
    hint: str
    noun: tuple[str, str]
    empty: tuple[str, str]
    picks: tuple[Pick, ...] = ()
    dates: bool = False
    main: str = ""
    hidden: tuple[str, ...] = ()


class RecordTab(QWidget):
    """The anatomy that all tabs share. A tab fills in its columns, its inspector and its acts.

    A subclass sets `spec` and implements `columns`, `build_inspector`, `load`, `show_details` and `add_acts`.
    It reads only through `context.tasks` and changes only through `context.act`. Nothing is read before
    `activate()` is called, which the frame does when the tab is looked at.

    Signals: `jump(table, record_id)` asks the frame to show a record elsewhere; `details_shown(record_id)`
    when the inspector shows a record; `history_wanted(record_id)` asks for its audit entries.
    """

    jump = Signal(str, object)
    details_shown = Signal(object)
    history_wanted = Signal(str)
    spec: ClassVar[TabSpec]

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.context = context
        theme, settings = context.theme, context.settings
        self._scope = EVERYONE
        self._stale = True
        self._wanted_record: object = None
        self._goes_on = False
        self._reading: Task | None = None
        self._choice_tasks: list[Task] = []
        self._choice_values: dict[str, dict[str, Value]] = {pick.key: {} for pick in self.spec.picks}
        self._sort: tuple[str, bool] | None = None
        self.shown_id: object = None
        self._details: tuple[object, Any] | None = None
        self._after_shown: tuple[object, Callable[[Any], object]] | None = None

        self.filters = FilterRow(
            theme, self.spec.hint, picks=self.spec.picks, dates=self.spec.dates, noun=self.spec.noun
        )
        self.table = DataTable(
            theme,
            self.spec.title,
            load=partial(settings.column_state, self.spec.table),
            save=partial(settings.set_column_state, self.spec.table),
        )
        self.list = ListController(context, self.spec.table, self.columns(), self.table, self)
        self.model = self.list.model
        self.table.hide_at_first([self.model.column_of(name) for name in self.spec.hidden])
        if self.spec.main:
            self.table.set_main_column(self.model.column_of(self.spec.main))
        self._show_default_order()
        self.inspector = Inspector(theme)
        self.commands = Actions(theme, self.table, self)
        self.exporter = Exporter(context, self.spec.table, self)
        self._clear_button = push_button(theme, "Clear filters", kind=Kind.SECONDARY, icon=Icon.CLOSE)
        self._clear_button.clicked.connect(self.clear_filters)
        self._empty = EmptyState(theme, self.spec.icon, "", "", (self._clear_button,))
        self.table.set_empty_state(self._empty)
        self.add_acts()
        self.build_inspector()
        self.inspector.set_actions(self.inspector_buttons())
        self._lay_out()

        self.filters.changed.connect(self._filters_changed)
        self.model.sort_requested.connect(self._sort_by)
        self.model.dataChanged.connect(self._rows_came)
        self.list.loaded.connect(self._loaded)
        self.list.failed.connect(self._not_loaded)
        self.table.selection_changed.connect(self._selection_changed)
        self.table.menu_requested.connect(self._show_menu)
        self.commands.update()

    # what a tab fills in

    def columns(self) -> Sequence[Column]:
        """The table's columns, in order."""
        raise NotImplementedError

    def build_inspector(self) -> None:
        """Adds the parts of the inspector, once."""
        raise NotImplementedError

    def load(self) -> Callable[..., Any]:
        """The service function that reads one record: `function(database, record_id)`."""
        raise NotImplementedError

    def show_details(self, record: Any) -> None:
        """Fills the inspector with a record that `load` has read."""
        raise NotImplementedError

    def add_acts(self) -> None:
        """Adds the tab's actions to `commands`."""
        raise NotImplementedError

    def inspector_buttons(self) -> Sequence[QPushButton]:
        """The buttons at the inspector's foot."""
        return self.commands.buttons(Place.INSPECTOR)

    def choice_label(self, column: str, value: Value) -> str:
        """The words for a value in a pick list."""
        return "(none)" if value is None else str(value)

    def extra_choices(self) -> Mapping[str, tuple[Value, ...]]:
        """Filters from elsewhere than the filter row: column to values."""
        return {}

    def counted(self) -> Sequence[str]:
        """The columns whose values are counted: those with a pick list."""
        return [pick.key for pick in self.spec.picks]

    def show_counts(self, column: str, found: Sequence[tuple[Value, int]]) -> None:
        """Takes the values of a counted column, with their counts under the other filters."""
        self._show_choices(column, found)

    def choose_value(self, column: str, value: Value) -> bool:
        """Filters by a value elsewhere than in the filter row; False where there is no place for it."""
        return False

    # what the frame uses

    @property
    def title(self) -> str:
        return self.spec.title

    @property
    def icon(self) -> str:
        return self.spec.icon

    @property
    def table_name(self) -> str:
        return self.spec.table

    @property
    def scope(self) -> Scope:
        return self._scope

    def activate(self) -> None:
        """Called when the tab is looked at: reads what is out of date."""
        if self._stale and self.isVisibleTo(self.window()):
            self._stale = False
            self.reload()

    def mark_stale(self) -> None:
        """Something it shows may have changed."""
        self._stale = True

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        """Whether a change of these tables may change what it shows."""
        return self.spec.table in tables

    def set_scope(self, scope: Scope) -> None:
        """Restricts it to a tenant; read when it is looked at."""
        if scope != self._scope:
            self._scope = scope
            self._stale = True

    def reload(self) -> None:
        """Reads again, keeping selection, scroll position, order and filters."""
        self.list.show(self.query())
        self._read_choices()
        if self.shown_id is not None:
            self._read_record(self.shown_id)

    def show_record(self, record_id: object) -> None:
        """Selects a record and scrolls to it, clearing the filters if they hide it."""
        self._wanted_record = record_id
        self._stale = False
        self.list.show(self.query())
        self._read_choices()

    def set_filter_text(self, text: str) -> None:
        """Filters by a text, as if typed."""
        self.filters.set_values(replace(FilterValues(), text=text))

    def clear_filters(self) -> None:
        self.filters.clear()

    def export(self) -> None:
        """Asks where to, and exports every row that the filters keep."""
        self.exporter.ask(self.query())

    def focus_filter(self) -> None:
        self.filters.focus_text()

    def stop(self) -> None:
        """Keeps what the user arranged; nothing is read after it."""
        self.table.save_columns()
        self.list.stop()
        if self._by_hand:
            self.context.settings.set_splitter_state(self.spec.table, self._splitter.saveState())

    # selection and acts

    def query(self) -> ListQuery:
        """What the table shall show."""
        values = self.filters.values()
        settings = self.context.settings
        since, until = values.dates.bounds(self.context.clock(), settings.utc_times)
        chosen: dict[str, tuple[Value, ...]] = {
            column: (self._choice_values[column].get(key, key),) for column, key in values.picks
        }
        chosen.update(self.extra_choices())
        sort, descending = self._sort or (None, False)
        return ListQuery(
            table=self.spec.table,
            scope=self._scope,
            text=values.text,
            choices=tuple(sorted(chosen.items())),
            since=since,
            until=until,
            sort=sort,
            descending=descending,
        )

    def selected_count(self) -> int:
        return self.list.selected_count()

    def selected_records(self) -> list[Row]:
        """The selected rows that are at hand, at most some hundreds: enough to say what applies to them."""
        found = (self.model.record(row) for row in self.table.selected_rows()[:LOOKED_AT])
        return [record for record in found if record is not None]

    def with_selected(self, use: Callable[[list[Any]], Any]) -> None:
        """Calls `use` with the ids of exactly the rows selected now, read off the interface thread."""
        query, keys = self.list.selected_keys()
        lists = self.context.lists
        self.context.tasks.read(
            lambda database: list(lists.record_ids(database, query, keys)),
            on_done=lambda ids: use(ids) if ids else None,
        )

    def add_history_act(self) -> None:
        """Adds the act that shows everything the audit chain says of the selected record."""
        self.commands.add(
            ActionSpec(
                "history",
                "Audit history",
                Icon.HISTORY,
                lambda: self.with_selected(lambda ids: self.history_wanted.emit(str(ids[0]))),
                partial(self.refuse_unless_selected, single=True, writes=False),
                "Ctrl+H",
            )
        )

    def when_shown(self, use: Callable[[Any], object]) -> None:
        """Calls `use` with the whole current record, as soon as the inspector shows that one."""
        wanted = self.list.current_id()
        if self._details is not None and self._details[0] == wanted:
            use(self._details[1])
        elif wanted is not None:
            self._after_shown = (wanted, use)

    def refuse_unless_selected(self, *, single: bool = False, writes: bool = True) -> str | None:
        """Why an act on the selection cannot apply; None when it can."""
        if writes and self.context.cannot_write:
            return self.context.cannot_write
        count = self.selected_count()
        if count == 0:
            return f"Select a {self.spec.noun[0]} first."
        if single and count > 1:
            return f"Select a single {self.spec.noun[0]}."
        return None

    # within

    def _lay_out(self) -> None:
        for button in self.commands.buttons(Place.FILTER_ROW):
            self.filters.add_trailing(button)
        self._splitter = QSplitter(Qt.Orientation.Horizontal)
        self._splitter.addWidget(self.table)
        self._splitter.addWidget(self.inspector)
        self._splitter.setChildrenCollapsible(False)
        self._splitter.setHandleWidth(GAP)
        self._splitter.setStretchFactor(0, 1)
        self._splitter.setStretchFactor(1, 0)
        self._splitter.setMinimumHeight(_LEAST_HEIGHT)
        self._splitter.splitterMoved.connect(self._arranged_by_hand)
        self._by_hand = False
        state = self.context.settings.splitter_state(self.spec.table)
        if not state.isEmpty():
            self._by_hand = self._splitter.restoreState(state)
        column = QVBoxLayout(self)
        column.setContentsMargins(MARGIN, MARGIN, MARGIN, MARGIN)
        column.setSpacing(GAP)
        for top in self.top_widgets():
            column.addWidget(top)
        if self.show_filter_row_alone():
            column.addWidget(self.filters)
        for below in self.below_filters():
            column.addWidget(below)
        column.addWidget(self._splitter, 1)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_width()

    def _share_width(self) -> None:
        if not self._by_hand:
            room = self._splitter.width() - GAP
            inspector = min(_INSPECTOR, max(_LEAST_INSPECTOR, room // 3))
            self._splitter.setSizes([room - inspector, inspector])

    def _arranged_by_hand(self) -> None:
        self._by_hand = True

    def top_widgets(self) -> Sequence[QWidget]:
        """What stands above the filter row."""
        return ()

    def below_filters(self) -> Sequence[QWidget]:
        """What stands between the filter row and the table."""
        return ()

    def read_beside(self, query: ListQuery) -> None:
        """Reads what else the tab shows of the rows that the filters keep."""

    def show_filter_row_alone(self) -> bool:
        """Whether the filter row has a line of its own."""
        return True

    def _show_default_order(self) -> None:
        spec = SPECS[self.spec.table]
        if spec.sort in [column.name for column in self.model.columns]:
            order = Qt.SortOrder.DescendingOrder if spec.descending else Qt.SortOrder.AscendingOrder
            self.table.show_order(self.model.column_of(spec.sort), order)

    def _filters_changed(self) -> None:
        self._wanted_record = None  # the person looks for something else by now
        self.list.show(self.query())
        self._read_choices()

    def _sort_by(self, column: str, descending: bool) -> None:
        self._sort = (column, descending)
        self.list.show(self.query())

    def _loaded(self, total: int) -> None:
        filtered = self.query().filtered
        self.filters.set_count(total)
        if total == 0:
            title, sentence = self.spec.empty
            if filtered:
                title, sentence = "No match", f"No {self.spec.noun[0]} matches these filters."
            self._empty.set(Icon.SEARCH if filtered else self.spec.icon, title, sentence)
        self._clear_button.setVisible(filtered)
        self.commands.update()
        if self._goes_on:
            self._goes_on = False
            self._choose_neighbour()
        if self._wanted_record is not None:
            wanted, self._wanted_record = self._wanted_record, None
            self.list.jump(wanted, on_missing=partial(self._not_in_list, wanted))

    def go_on(self) -> None:
        """The selected rows are about to go by the person's own act; the next one takes their place."""
        self._goes_on = True

    def _choose_neighbour(self) -> None:
        current = self.table.currentIndex()
        if current.isValid() and not self.table.selectionModel().hasSelection():
            self.table.select_row(current.row())

    def _not_in_list(self, record_id: object) -> None:
        if self.query().filtered:
            self.clear_filters()
            self._wanted_record = record_id

    def _not_loaded(self, error: TenantAdminError) -> None:
        if isinstance(error, Cancelled):
            return
        self.filters.set_count(None)
        self._clear_button.hide()
        title = "Not in this file" if isinstance(error, TableMissing) else "Cannot be shown"
        self._empty.set(Icon.WARNING, title, str(error))
        self.inspector.show_empty()
        self.commands.update()

    def _selection_changed(self) -> None:
        self.commands.update()
        record_id = self.list.current_id()
        if not self.table.selectionModel().hasSelection():
            # A neighbour is current when the selected row has gone, but nobody has chosen it.
            self.shown_id = None
            self.inspector.show_empty()
        elif record_id is not None and record_id != self.shown_id:
            self.shown_id = record_id
            self._read_record(record_id)

    def _rows_came(self) -> None:
        """A record chosen before its row was at hand, by End or from elsewhere, can be read now."""
        record_id = self.list.current_id()
        if record_id is not None and record_id != self.shown_id:
            self._selection_changed()
        else:
            self.commands.update()

    def _read_record(self, record_id: object) -> None:
        if self._reading is not None:
            self._reading.cancel()
        self._reading = self.context.tasks.read(
            self.load(), record_id, on_done=partial(self._show_record, record_id), on_failed=self._record_gone
        )

    def _show_record(self, record_id: object, record: Any) -> None:
        self._details = (record_id, record)
        self.show_details(record)
        self.inspector.show_record()
        self.commands.update()
        self._share_width()
        self.details_shown.emit(self.shown_id)
        waiting, self._after_shown = self._after_shown, None
        if waiting is not None and waiting[0] == record_id:
            waiting[1](record)

    def _record_gone(self, error: TenantAdminError) -> None:
        self.shown_id = self._details = None
        self.inspector.show_empty()

    def _read_choices(self) -> None:
        for task in self._choice_tasks:
            task.cancel()
        query = self.query()
        self._choice_tasks = [
            self.context.tasks.read(
                partial(_choices, self.context.lists),
                query,
                column,
                on_done=partial(self.show_counts, column),
                on_failed=lambda error: None,
            )
            for column in self.counted()
        ]
        self.read_beside(query)

    def _show_choices(self, column: str, found: Sequence[tuple[Value, int]]) -> None:
        values = {f"{type(value).__name__}:{value!s}": value for value, _ in found}
        self._choice_values[column].update(values)
        choices = [
            Choice(key, self.choice_label(column, value), count)
            for (key, value), (_, count) in zip(values.items(), found, strict=True)
        ]
        self.filters.set_choices(column, choices, sum(count for _, count in found))

    def _show_menu(self, index: QModelIndex, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.commands.fill(menu)
        if index.isValid():
            menu.addSeparator()
            self._add_value_filter(menu, index)
            self.exporter.add_copy_menu(menu, self.list.selected_keys)
            cell = menu.addAction("Copy this value")
            value = str(index.data(Role.WHOLE) or index.data() or "")
            cell.triggered.connect(lambda: QGuiApplication.clipboard().setText(value))
        menu.popup(where)

    def _add_value_filter(self, menu: QMenu, index: QModelIndex) -> None:
        value = index.data(Role.WHOLE) or index.data()
        column = self.model.columns[index.column()].name
        if not value:
            return
        act = menu.addAction("Filter by this value")
        act.triggered.connect(lambda: self._filter_by(column, index, str(value)))

    def _filter_by(self, column: str, index: QModelIndex, text: str) -> None:
        values = self.filters.values()
        record = self.model.record(index.row())
        wanted = record[SPECS[self.spec.table].names.index(column)] if record else None
        if self.choose_value(column, wanted):
            return
        key = f"{type(wanted).__name__}:{wanted!s}"
        if key in self._choice_values.get(column, {}):
            picks = {**dict(values.picks), column: key}
            self.filters.set_values(replace(values, picks=tuple(picks.items())))
        else:
            self.filters.set_values(replace(values, text=text))


def _choices(lists: Lists, database: Any, query: ListQuery, column: str) -> Any:
    return lists.choices(database, query, column)
