"""What every tab is made of: a filter row, a table of any length, and an inspector."""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QWidget

from app.itemmodels.columns import Column
from app.services.chain.cautions import Caution
from app.services.records.change import Change, effect_on
from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import MOST_KEYS, Lists
from app.services.records.record import read_record
from app.services.records.rows import RowChange
from app.services.records.tables import AUDIT_CHAIN, EVERYONE, ColumnKind, Scope
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common import arranging, declared
from app.ui.tabs.common.declared import TabSpec
from app.ui.tabs.common.exact import ExactFilters
from app.ui.tabs.common.facets import Facets
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.common.new_rows import NewRows
from app.ui.tabs.common.selection import CurrentRecord, Selection
from app.ui.theme.icons import Icon
from app.ui.widgets.actions import Actions, ActionSpec, ButtonIn
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import framed_button, push_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.filter_row import AT_MOST, FilterRow, FilterValues
from app.ui.widgets.formatting import LONGEST_AGO
from app.ui.widgets.labels import Label, Look, Part, in_column, in_row
from app.ui.widgets.panes import GAP, LOW, EmptyState, FieldList, Inspector, MasterDetail, margin_in
from models.engine import Database
from models.errors import Cancelled, DamagedFile, RowChanged, TableMissing, TenantAdminError

if TYPE_CHECKING:
    from app.services.records.history import Named, PastEntry
    from app.ui.tabs.common.many import ManyPart
    from app.ui.tabs.common.past import PastPart

INSPECTOR = "inspector"
_NOT_READ = "These rows are read when you agree to what that reads."
_CHARGED = "Each row that is read is charged; press Enter in the filter to read them."
_AGAIN = (
    "Rows that have come or changed since stand in their places when these are read again; each is charged."
)
_OF_A_TENANT = f"{_CHARGED} Or choose a tenant in the tool bar, to read its rows alone."

_CLOSE = 8
NARROW = 1000
"""The width in pixels below which a table with an inspector beside it is hard to read."""


class RecordTab(QWidget):
    """The anatomy that all tabs share. A tab fills in its columns, its inspector and its acts.

    A subclass sets `spec` and implements `show_details` and `add_acts`; the rest has a default.
    It reads only through `context.runner` and changes only through `context.act`. Nothing is read before
    `activate()` is called, which the frame does when the tab is looked at.

    Signals: `jump(table, record_id)` asks the frame to show a record elsewhere; `details_shown(record_id)`
    when the inspector shows a record; `history_wanted(record_id)` asks for its audit entries, and
    `everyone_wanted()` for all tenants. `way_out` are the words of a button and what it does, where the file
    lacks the table. `opens` names the act of Return and of a double click; without one
    they go on to the inspector. F4 folds that away, which it is at first where the tab is narrow; what is
    chosen holds for the other tabs, too.
    """

    jump = Signal(str, object)
    details_shown = Signal(object)
    history_wanted = Signal(str)
    everyone_wanted = Signal()
    way_out: tuple[str, Callable[[], object]] | None = None
    spec: ClassVar[TabSpec]
    margin: ClassVar[int] = 16
    narrow: ClassVar[int] = NARROW
    opens: ClassVar[str] = ""
    remembered_apart: ClassVar[frozenset[str]] = frozenset()
    """Columns of which the tab itself remembers what it keeps of them."""

    def __init__(self, context: Context, parent: QWidget | None = None, *, in_parts: bool = False) -> None:
        """Builds all of it, or with `in_parts` nothing yet: whoever asks for that takes the `parts`."""
        super().__init__(parent)
        self.context = context
        self.parts = self._build()
        if not in_parts:
            deque(self.parts, maxlen=0)

    def _build(self) -> Iterator[None]:
        """Builds one part after the other, each in a few milliseconds; events may come in between."""
        context = self.context
        theme = context.theme
        self.scope = EVERYONE
        self._stale = True
        self._shows_many = False
        self.past: PastPart | None = None
        self.many: ManyPart | None = None
        self.asks_first = False
        """Whether a person has still to agree to what a filter or an order reads."""
        self._uncounted: ListQuery | None = None
        """The list whose pick lists are counted when its rows are there: they come first."""
        self._announced: tuple[ListQuery, str] | None = None
        """What the rows were filtered by when it was last said how many these are, and their order."""
        self._wanted_record: object = None
        self._put_back: object = None
        """What was undone or done again last, and is to be selected where it is in the list."""
        self._left_at: set[object] = {None}
        """The records that were current when that was asked for, or were made so by it."""
        context.history.begun.connect(self._leave_to_undo)
        self.sorted_by: tuple[str, bool] | None = None
        """The column and whether descending; None is the table's own order."""
        spec, table = self.spec, self.spec.table

        self.lists = self.make_lists()
        self._offered = declared.offered(context, table)
        picks = spec.picks(self._offered)
        self.filters = FilterRow(
            theme,
            declared.filter_hint(table),
            picks=picks,
            dates=spec.dates,
            noun=table.noun,
            any_time=spec.any_time,
        )
        self.facets = Facets(context, self.filters, table)
        self.exact = ExactFilters(context, table)
        self.filters.add_chips(self.exact, self.exact.wanted_width)
        load, save = arranging.state_of_columns(context, table)
        self.table = DataTable(theme, table.title, load=load, save=save)
        columns = self.shown_columns(declared.columns(context, table, self.special_columns()))
        columns = [*columns, *declared.extra_columns(context, table)]
        self.list = ListController(context, table, columns, self.table, self, lists=self.lists)
        self.model = self.list.model
        hidden = [column.name for column in table.listed if column.hidden] + [*self.list.extra]
        for column in table.listed:
            if column.kind is ColumnKind.TIME:  # whose words become longer while one looks at them
                words = (LONGEST_AGO,)
                self.table.columns.set_widest(self.model.column_of(column.name), words, icon=False)
        self.table.columns.hide_at_first([self.model.column_of(name) for name in hidden])
        self._let_give_way()
        if table.main:
            self.table.columns.set_main(self.model.column_of(table.main))
        yield
        self.selection = Selection(context, self.list, self)
        self.current = CurrentRecord(context.runner, self.list, self.load, self)
        self.inspector, self.fields = Inspector(theme), FieldList(theme)
        self.commands = Actions(theme, self.table, self)
        self.clear_button = push_button(theme, "Clear filters", self.clear_filters, icon=Icon.CLOSE)
        self.again_button = push_button(theme, "Try again", self.reload, icon=Icon.REFRESH)
        self.door_button = push_button(theme, "", lambda: self.way_out and self.way_out[1]())
        doors = (self.clear_button, self.again_button, self.door_button)
        for button in doors:
            button.hide()
        self.price, self.price_label = QWidget(), Label("", Look.DIM, wrap=True)
        self.read_button = push_button(theme, "", lambda: self._read(agreed=True))
        in_row((self.price_label, 1), self.read_button, within=self.price, spacing=12)
        self.price.hide()
        self.empty_state = EmptyState(theme, spec.icon, *spec.empty, doors)
        self.empty_state.setParent(self)  # in place of the rows as soon as it is known that there are none
        self.empty_state.hide()
        yield
        self.add_acts()
        self._add_fold()
        self.new_rows = NewRows(self)
        yield
        self.build_inspector()
        self.inspector.set_actions(self.inspector_buttons())
        yield
        self._lay_out_above()
        yield
        self._lay_out_below()
        yield
        self.listen()
        self.commands.update()

    # what a tab fills in

    def make_lists(self) -> Lists:
        """What its rows are read by; asked once."""
        return self.context.lists

    def listen(self) -> None:
        """Connects what the tab hears of, once all of it is there: events come in between its parts. Its list
        is arranged as it was left before.
        """
        self._put_back = arranging.restore(self)
        self.table.menu_requested.connect(self.open_row_menu)
        self.table.opened.connect(lambda _: self.open_record())
        self.inspector.menu_requested.connect(lambda where: self.open_row_menu(QModelIndex(), where))
        self.commands.refused.connect(self.context.say)
        self.commands.unseen.connect(self._show_act)
        self.filters.left.connect(self._leave_filters)
        self.table.copy = self.copy_rows
        self.filters.changed.connect(self.filters_changed)
        self.exact.changed.connect(self.filters_changed)
        self.exact.more_wanted.connect(self.ask_another_value)
        self.model.sort_requested.connect(self._sort_by)
        self.model.dataChanged.connect(self.commands.update)
        self.list.loaded.connect(self._loaded)
        self.list.painted.connect(self._count_choices)
        self.list.failed.connect(self._not_loaded)
        self.table.selection_changed.connect(self.commands.update)
        self.table.selection_changed.connect(self._show_selection)
        for changed in (self.model.dataChanged, self.list.loaded):  # Qt says nothing of a selection that went
            changed.connect(self._show_fewer)
        self.selection.counted.connect(self.commands.update)
        self.selection.counted.connect(self._show_selection)
        self.current.came.connect(self._show_record)
        self.current.left.connect(self._show_no_record)
        self.current.failed.connect(self._not_read)

    def special_columns(self) -> declared.Special:
        """What of its columns differs from their kind, by name."""
        return {}

    def shown_columns(self, columns: Sequence[Column]) -> Sequence[Column]:
        """Those of the table, and what else is known of each row."""
        return columns

    @property
    def gives_way(self) -> tuple[str, ...]:
        """The columns that go out of sight where room is short, the first of them first."""
        return self.spec.table.gives_way

    def build_inspector(self) -> None:
        """Adds the parts of the inspector, once: the fields, or what more there is."""
        self.inspector.add_widget(self.fields)

    def load(self, database: Database, record_id: Any) -> Any:
        """Reads one record, on a reader thread. Raises `NotFound`."""
        return read_record(database, self.spec.table, record_id)

    def show_details(self, record: Any) -> None:
        """Fills the inspector with a record that `load` has read."""
        raise NotImplementedError

    def show_acts_of_many(self) -> None:
        """Shows the buttons of what may be done with several records."""

    def add_acts(self) -> None:
        raise NotImplementedError

    def inspector_buttons(self) -> Sequence[QPushButton]:
        return self.commands.buttons(ButtonIn.INSPECTOR)

    def top_widgets(self) -> Sequence[QWidget]:
        """What stands above the filter row."""
        return ()

    def below_filters(self) -> Sequence[QWidget]:
        """What stands between the filter row and the table."""
        return ()

    def below_rows(self) -> Sequence[QWidget]:
        """What stands below the table, as wide as it is."""
        return ()

    def beside(self) -> QWidget:
        """What stands beside the table."""
        return self.inspector

    def read_beside(self, query: ListQuery) -> None:
        """Reads what else the tab shows of the rows that the filters keep."""

    def narrowed(self, query: ListQuery) -> ListQuery:
        """The query with what else the tab keeps rows by."""
        return query

    def own_filter(self) -> str:
        """The key of what else the tab keeps rows by, of its ready views; empty for none."""
        return ""

    def set_own_filter(self, key: str) -> None:
        """Chooses it, without reading anything; a key that is not known chooses none."""

    def own_words(self, key: str) -> str:
        """What it is called."""
        return key

    def no_match(self) -> tuple[str, str]:
        """Title and sentence where the filters leave no row."""
        return "No match", f"No {self.spec.table.noun[0]} matches these filters."

    def clear_words(self) -> str:
        """What the button says then that takes the filters away."""
        return "Clear filters"

    def open_row_menu(self, index: QModelIndex, where: QPoint) -> None:
        from app.ui.tabs.common.exporting import open_row_menu  # noqa: PLC0415 - rows show before

        open_row_menu(self, index, where)

    def open_record(self) -> None:
        """What Return and a double click do."""
        if self.opens:
            self.commands.trigger(self.opens)
        else:
            self.current.when_whole(lambda record: self._enter_inspector())

    # what the frame uses

    def activate(self) -> None:
        """Called when the tab is looked at: reads what is out of date."""
        if self._stale and self.isVisibleTo(self.window()):
            self._stale = False
            self.reload()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        low = self.height() < LOW
        above = margin_in(self.height(), self.margin)
        self.column.setContentsMargins(self.margin, above, self.margin, above // 2 if low else above)
        self.column.setSpacing(_CLOSE if low else GAP)
        self.table.set_low(low)
        if (event.oldSize().width() < self.narrow) != self.is_narrow or not event.oldSize().isValid():
            self.fold_as_chosen()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.fold_as_chosen()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back to the rows from wherever Return or Tab has led to."""
        if event.key() == Qt.Key.Key_Escape and not self.table.hasFocus():
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        else:
            super().keyPressEvent(event)

    @property
    def is_narrow(self) -> bool:
        return self.width() < self.narrow

    def fold_inspector(self, folded: bool) -> None:
        """Folds what stands beside the table away, or shows it, until something else is chosen."""
        self.context.settings.inspector_folded.set(self.is_narrow, folded)
        self.fold(folded)

    def fold_as_chosen(self) -> None:
        chosen = self.context.settings.inspector_folded.get(self.is_narrow)
        self.fold(self.is_narrow if chosen is None else chosen)

    def fold(self, folded: bool) -> None:
        if folded == self._master_detail.is_folded:
            return
        if folded and self._master_detail.isAncestorOf(QApplication.focusWidget() or self):
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._master_detail.fold(folded)
        self.commands.update()

    def mark_stale(self) -> None:
        """Anything it shows may have changed."""
        self._stale = True

    def act(self, function: Callable[..., Change], *args: Any, **kwargs: Any) -> None:
        """Acts on the selected rows. Where that takes them out of the list, the next one is selected."""
        ids = args[0] if args and not isinstance(args[0], str) and isinstance(args[0], Sequence) else ()
        doing = f"Changing {counted(len(ids) or 1, *self.spec.table.noun)}…"
        self.context.act(function, *args, doing=doing, initiator=self, on_failed=self.refused, **kwargs)

    def refused(self, error: TenantAdminError) -> None:
        """Says why an act was not done; rows that are others than were shown are shown as they are now."""
        if isinstance(error, Caution):
            return  # it was put to the person, who does not want it
        if isinstance(error, RowChanged):
            self.reload()
        self.context.runner.failed.emit(error)

    def hear(self, change: Change, initiator: object) -> None:
        """Reads again what a change touched of what it shows; out of sight, when it is looked at."""
        own = change.by_table.get(self.spec.table.name, ())
        only_edited = own and all(row.before is not None for row in own)
        if self.spec.table.name in change.tables and not only_edited:
            self.new_rows.begin()
        self.selection.outdate({row.record_id for row in own})
        if self._stale or not self.shows_any_of(change.tables):
            return
        is_own = self.spec.table.name in change.tables
        if not is_own or not (self.isVisibleTo(self.window()) or self._is_dear):
            self._stale = True
            self.activate()
            return
        shown = self.list.shown
        query = shown if self.asks_first and shown is not None else self.query()
        effect = effect_on(query, change)
        taken_back = initiator is self.context.history and len(own) == 1 and own[0].after is not None
        if effect.moves:
            if initiator is self or (initiator is self.context.history and self.table.selected_ranges()):
                self.selection.go_on()
            if initiator is None and len(own) == 1 and own[0].before is None:
                self._wanted_record = own[0].record_id  # made in a form, and what one wants to see
            if taken_back:
                self._put_back = own[0].record_id
            if self._is_dear:
                self._amend(change, own)
            else:
                self.list.show(query)
            self.read_beside(query)
        elif effect.records:
            self.list.model.reload_records(effect.records)
            if taken_back:
                self._jump_back(own[0].record_id)
        self.facets.count(query, [name for name in self._offered if effect.moves or name in effect.columns])
        if effect.touches(self.current.record_id):
            self.current.reload()

    @property
    def _is_dear(self) -> bool:
        """Whether a person has to agree before the rows in sight are read again, or others in their place."""
        shown = self.list.shown
        return self._costs_much(self.query() if shown is None else shown)

    def _amend(self, change: Change, own: Sequence[RowChange]) -> None:
        """Takes out of the rows in sight those that went; more is read where a person agrees to it."""
        if self.list.shown is None:
            return
        self.list.take_out(lambda: [row.listed_by for row in own if row.after is None])
        are_known = all(row.after is None and row.listed_by is not None for row in own)
        if not (own and are_known) or self.spec.table.name in change.bulk:
            self._ask_to_read(self.query())

    def changed_outside(self) -> None:
        """Called when somebody else has written to the file: what one reads stays where it is."""
        self.list.holds_top = True
        self.new_rows.look()

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        """Whether a change of these tables may change what it shows."""
        return self.spec.table.name in tables

    def set_scope(self, scope: Scope) -> None:
        """Restricts it to a tenant; read when it is looked at."""
        if scope != self.scope:
            self.scope = scope
            self._stale = True
            self._let_give_way()

    def reload(self) -> None:
        """Reads again, keeping selection, scroll position, order and filters."""
        self._read()
        if self.asks_first:
            self.list.model.reload()
        self.current.reload()

    def show_record(self, record_id: object) -> None:
        """Selects a record and scrolls to it, clearing the filters if they hide it, which it says."""
        if self._costs_much(self.query()):
            self._let_filters_go()
        self._wanted_record = record_id
        self._stale = False
        self._read()

    def set_filter_text(self, text: str) -> None:
        had_chips = self.exact.clear()
        self.filters.set_values(replace(FilterValues(), text=text))
        if had_chips:
            self.filters_changed()

    def clear_filters(self) -> None:
        self.set_filter_text("")

    def add_header_menus(self, menu: QMenu) -> None:
        """How the rows may be sorted and which columns show, for the keyboard."""
        unsortable = [place for place, column in enumerate(self.model.columns) if not column.sortable]
        self.table.add_header_menus(menu, unsortable)

    def export(self) -> None:
        """Asks where to, and exports every row that the filters keep."""
        from app.ui.tabs.common.exporting import ask_export  # noqa: PLC0415 - few ask for it

        ask_export(self, self.query())

    def copy_rows(self, form: str = "text") -> None:
        """Copies the selected rows; `form` is one of an export."""
        from app.ui.tabs.common.exporting import copy_rows  # noqa: PLC0415 - few ask for it

        copy_rows(self, form)

    def copy_value(self) -> None:
        """Copies the value of the current cell."""
        from app.ui.tabs.common.exporting import copy_current  # noqa: PLC0415 - few ask for it

        copy_current(self)

    def column_of_keys(self) -> str:
        """The title of the column whose value is copied and filtered by; empty where no row is current."""
        index = self.table.currentIndex()
        return self.model.columns[index.column()].title if index.isValid() else ""

    def filter_by_current(self) -> None:
        from app.ui.tabs.common.exporting import filter_by_current  # noqa: PLC0415 - few ask for it

        filter_by_current(self)

    def stop(self) -> None:
        """Keeps what the user arranged; nothing is read after it."""
        self.table.columns.save()
        arranging.keep(self)
        self.list.stop()
        self._master_detail.save_sizes()

    # what is asked for

    def query(self) -> ListQuery:
        values = self.filters.values()
        settings = self.context.settings
        since, until = values.dates.bounds(self.context.clock(), settings.utc_times)
        sort, descending = self.sorted_by or (None, False)
        found = ListQuery(
            table=self.spec.table.name,
            scope=self.scope,
            text=values.text,
            choices=(*sorted(self.facets.chosen().items()), *self.exact.choices()),
            since=since,
            until=until,
            sort=sort,
            descending=descending,
            as_added=self._is_long,
        )
        found = self.narrowed(found)
        own = (self.spec.table.sort, self.spec.table.descending)
        if found.as_added and self.sorted_by == own and not found.filtered:
            return replace(found, sort=None, descending=False)  # of so many that is the order of adding
        return found

    @property
    def _is_long(self) -> bool:
        """Whether its keys are too many to be read at once, each row that is read being charged."""
        return self.context.costs and self.context.opened.sizes.get(self.spec.table.name, 0) > MOST_KEYS

    def filters_changed(self) -> None:
        """Reads what is asked for now; the person looks for something else than before."""
        self._wanted_record = None
        self._read()

    def ask_another_value(self, column: str) -> None:
        """Asks which other value of a column rows are kept by, too."""
        from app.ui.tabs.common.filtering import FilterByColumnDialog  # noqa: PLC0415 - few ask for it

        FilterByColumnDialog(self.context, self.query(), [column], self.exact.add, self).open_once()

    def filter_by(self, column: str, value: Value) -> None:
        """Keeps, of the rows shown, those with this value: by the column's pick list, or by a chip."""
        if not self.facets.choose(column, value):
            self.exact.add(column, value)

    # within

    def _let_give_way(self) -> None:
        """Of one tenant's rows nobody needs to read whose they are."""
        gives = self.gives_way
        if self.scope != EVERYONE:
            gives = tuple(sorted(gives, key=lambda name: name != "tenant_id"))
        self.table.columns.let_give_way([self.model.column_of(name) for name in gives])

    def _add_fold(self) -> None:
        def shown() -> bool:
            return not self._master_detail.is_folded

        def turn() -> None:
            self.fold_inspector(shown())

        spec = ActionSpec(INSPECTOR, "Inspector", Icon.INFO, turn, shortcut="F4", checked=shown)
        self.commands.add(spec)
        self.commands.add(
            ActionSpec("views", "Saved views…", Icon.LOG, self.open_views, shortcut="Ctrl+Shift+V")
        )

    def open_views(self) -> None:
        """The views of its list that were saved, and what can be done with them."""
        from app.ui.tabs.common.views import ViewsDialog  # noqa: PLC0415 - few ask for it

        ViewsDialog(self).open_once()

    def _show_act(self, name: str) -> None:
        """In place of an act whose letter was pressed: the button that the letter stands on, and what is
        selected.
        """
        if not self._master_detail.is_folded:
            self.commands.trigger(name)
            return
        self.fold_inspector(False)
        self.context.say(f"Press the key again: {self.commands.said(name)}.")

    def _enter_inspector(self) -> None:
        if self._master_detail.is_folded:
            self.fold_inspector(False)
        self.inspector.enter()

    def _lay_out_above(self) -> None:
        for button in self.commands.buttons(ButtonIn.FILTER_ROW):
            self.filters.add_trailing(button)
        self.filters.add_beside_text(self.new_rows.button)
        fold = framed_button(self.commands.action(INSPECTOR))
        self.filters.add_trailing(fold)
        above: list[Part] = [*self.top_widgets(), self.filters, self.price, *self.below_filters()]
        self.column = in_column(*above, within=self, margins=(self.margin,) * 4, spacing=GAP)

    def _lay_out_below(self) -> None:
        rows = QWidget()  # or that there are none
        in_column((self.table, 1), *self.below_rows(), within=rows, spacing=0)
        self._master_detail = MasterDetail(
            rows,
            self.beside(),
            load=partial(self.context.settings.splitter_state.get, self.spec.table.name),
            save=partial(self.context.settings.splitter_state.set, self.spec.table.name),
            parent=self,
        )
        self.column.addWidget(self._master_detail, 1)

    def _read(self, *, agreed: bool = False) -> None:
        """Where that may be many rows, and each is charged, a person is asked first."""
        query = self.query()
        self.asks_first = self._costs_much(query) and not agreed
        self._uncounted = None if self.asks_first else query
        if self.asks_first:
            self._ask_to_read(query)
            return
        self.price.hide()
        self.list.show(query)
        self.read_beside(query)

    def _ask_to_read(self, query: ListQuery) -> None:
        self.asks_first, is_again = True, query == self.list.shown
        rows = counted(self._reads(query), "row")
        by = ""
        if query.sort is not None and not is_again:
            title = self.model.columns[self.model.column_of(query.sort)].title
            by = f", by {title}{', descending' if query.descending else ''}"
        self.read_button.setText(f"{'Read again: up' if is_again else 'Read up'} to {rows}{by}")
        ways = _OF_A_TENANT if self.scope == EVERYONE else _CHARGED
        self.price_label.setText(_AGAIN if is_again else ways)
        self.price.show()
        if self.list.clear_unless(query):  # rows of another tenant or filter would be acted upon
            self._show_none(self.spec.icon, "Not read yet", _NOT_READ, clearable=query.filtered)
        self.list.show_order()

    def _costs_much(self, query: ListQuery) -> bool:
        """Whether so many rows are read for it that a person has to agree; each page of a list in the order
        in which its rows were added is read by itself.
        """
        is_by_pages = query.as_added and query.sort is None and not query.filtered
        return not is_by_pages and self.context.is_much(self._reads(query))

    def _reads(self, query: ListQuery) -> int:
        return self.lists.reads(query, self.context.rows_of(query.table, query.scope))

    def _leave_filters(self, by_return: bool, changed: bool) -> None:
        if not (self.asks_first and by_return):
            self.list.enter()
        elif not changed:  # else the price shows since this very key
            self._read(agreed=True)

    def _sort_by(self, column: str, descending: bool) -> None:
        if self.asks_first and self.sorted_by == (column, descending):
            descending = not descending  # the header shows the order that the rows have, and cannot turn it
        self.sorted_by = column, descending
        self._read()

    def _loaded(self, total: int) -> None:
        which = "readable" if self.list.partly else AT_MOST if self.model.estimated else ""
        added = "last added first" if self.spec.table.descending else "first added first"
        shown, _ = self.list.all_keys()
        is_as_added = shown.as_added and shown.sort is None
        self.filters.set_count(total, which, added if is_as_added and total > 1 else "")
        if self.list.partly is None:
            self.list.show_order()
        if not (shown.filtered or self.model.estimated):
            self.context.know_rows(shown.table, shown.scope, total)
        if self.list.partly:
            self.context.meet_damage()
        filtered = self.query().filtered
        if filtered:
            self.empty_state.set(Icon.SEARCH, *self.no_match())
            self.clear_button.setText(self.clear_words())
            self.clear_button.setAccessibleName(self.clear_words())
        else:
            self.empty_state.set(self.spec.icon, *self.spec.empty)
        self.clear_button.setVisible(filtered)
        self.again_button.hide()
        self.door_button.hide()
        self.table.set_empty_state(self.empty_state)
        if not total:
            self.inspector.show_empty(of_none=True)
        self.commands.update()
        self._announce_rows(replace(shown, sort=None, descending=False, as_added=False), total)
        wanted, self._wanted_record = self._wanted_record, None
        put_back, self._put_back = self._put_back, None
        if wanted is not None:
            self.list.jump(wanted, on_missing=partial(self._not_in_list, wanted))
        elif put_back is not None:  # where the filters hide it, they stay
            self._jump_back(put_back)

    def _announce_rows(self, kept: ListQuery, total: int) -> None:
        """What another filter or tenant leaves, or another order; of rows that come and go by themselves
        nobody is told.
        """
        order = self.table.said_order()
        before, self._announced = self._announced, (kept, order)
        if before is None or not self.isVisible():
            return
        if kept != before[0]:
            none = "" if total else self.empty_state.title.text()
            announce(self.table, ". ".join(filter(None, (self.filters.said(), none))))
        elif order != before[1]:
            announce(self.table, order or self.filters.said())

    def _jump_back(self, record_id: object) -> None:
        """Selects what was taken back, unless a person has selected something else meanwhile."""

        def is_elsewhere() -> bool:
            return self.list.current_id() not in self._left_at

        if not is_elsewhere():
            self._left_at.add(record_id)
            self.list.jump(record_id, unless=is_elsewhere)

    def _leave_to_undo(self) -> None:
        self._left_at = {None, self.list.current_id()}

    def _count_choices(self) -> None:
        if self._uncounted is not None:
            self.facets.count(self._uncounted, self._offered)
            self._uncounted = None

    def _not_in_list(self, record_id: object) -> None:
        if self.query().filtered:
            self._let_filters_go()
            self._wanted_record = record_id

    def _let_filters_go(self) -> None:
        """With a way back: they may have taken a while to set."""
        values, exact = self.filters.values(), self.exact.choices()

        def filter_again() -> None:
            self.exact.clear()
            for column, kept in exact:
                self.exact.keep(column, kept)
            self.filters.set_values(values)

        had = self.query().filtered
        self.clear_filters()
        if had:
            self.context.say("The filter hid this record, and is cleared", act=("Filter again", filter_again))

    def _not_read(self, error: TenantAdminError) -> None:
        if isinstance(error, DamagedFile):
            self.context.meet_damage()
        self.inspector.show_failure(str(error))

    def _not_loaded(self, error: TenantAdminError) -> None:
        if isinstance(error, Cancelled):
            return
        if isinstance(error, DamagedFile):
            self.context.meet_damage()
        lacking = isinstance(error, TableMissing)
        title = "Not in this database" if lacking else "Cannot be shown"
        self._show_none(Icon.WARNING, title, str(error), again=error.is_retriable)
        if lacking and self.way_out is not None:
            self.door_button.setText(self.way_out[0])
            self.door_button.setAccessibleName(self.way_out[0])
            self.door_button.show()

    def _show_none(
        self, icon: str, title: str, why: str, *, clearable: bool = False, again: bool = False
    ) -> None:
        """Says why there are no rows, which nobody has counted."""
        self.filters.set_count(None)
        self.empty_state.set(icon, title, why)
        if self.isVisible():
            announce(self.table, f"{title}. {why}")
        self.clear_button.setVisible(clearable)
        self.again_button.setVisible(again)
        self.door_button.hide()
        self.table.set_empty_state(self.empty_state)
        self.inspector.show_empty(of_none=True)
        self.commands.update()

    def _show_selection(self) -> None:
        """Several records are never shown as one."""
        count, was_many, whole = self.list.selected_count(), self._shows_many, self.current.whole()
        self._shows_many |= count > 1  # until another one is shown, which may still have to be read
        if count > 1:
            said = f"{counted(count, *self.spec.table.noun)} selected"
            if self.model.estimated and len(self.selection.records()) < count:
                said += f", {AT_MOST}"
            self._show_many_part()
            self.inspector.show_many(said, "Each button acts on those that it applies to.")
            self.show_acts_of_many()
        elif was_many and count and whole is not None:
            self._shows_many = False
            self._show_record(self.current.record_id, whole)
        elif was_many and not count:  # another list, of which nobody has chosen a row yet
            self._show_no_record()

    def _show_many_part(self) -> None:
        """Made with the first selection of several: the tab shows before."""
        if self.many is None:
            from app.ui.tabs.common.many import ManyPart  # noqa: PLC0415

            self.many = ManyPart(self.context, self.selection, self.list)
            self.inspector.set_many(self.many)
        self.many.show_soon()

    def _show_no_record(self) -> None:
        self.inspector.show_empty(of_none=not self.model.rowCount())

    def _show_fewer(self) -> None:
        if self._shows_many:
            self._show_selection()

    def named_in_history(self, record_id: Any, record: Any) -> "Named | None":
        """How the audit chain's entries name a record that `load` has read; None for one that none can."""
        from app.services.records.history import Named  # noqa: PLC0415 - rows show before

        return Named.of(record_id)

    def _show_past(self, record_id: object, record: Any) -> None:
        """Made with the first record that is shown: the tab shows before."""
        if self.past is None:
            from app.services.records.history import is_kept  # noqa: PLC0415
            from app.ui.tabs.common.past import PastPart  # noqa: PLC0415

            if self.spec.table is AUDIT_CHAIN or not is_kept(self.context.opened.schema):
                return
            self.past = PastPart(self.context, self._open_entry)
            self.inspector.add_widget(self.past)
        self.past.show_past_of(self.named_in_history(record_id, record))

    def _open_entry(self, entry: "PastEntry") -> None:
        """In the audit chain, which may be another tenant's by now."""
        if self.scope.tenant_id not in (None, entry.tenant_id):
            self.everyone_wanted.emit()
        self.jump.emit(AUDIT_CHAIN.name, entry.seq)

    def _show_record(self, record_id: object, record: Any) -> None:
        with self.inspector.drawn_at_once():
            self.show_details(record)
            self._show_past(record_id, record)
            self.inspector.show_record()
        self._show_selection()
        self.commands.update()
        self.details_shown.emit(record_id)
