"""What every tab is made of: a filter row, a table of any length, and an inspector."""

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from PySide6.QtCore import QModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import QLineEdit, QMenu, QPlainTextEdit, QPushButton, QTextEdit, QWidget

from app.itemmodels.columns import Column
from app.services.chain.cautions import Caution
from app.services.records.change import Change
from app.services.records.list_query import ColumnChoice, ListedValue, ListQuery
from app.services.records.lists import Lists
from app.services.records.record import read_record
from app.services.records.tables import EVERYONE, ColumnKind, Scope
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common import arrangement, declared
from app.ui.tabs.common.facets import ExactFilters, Facets
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.common.listed_tab import ListedTab
from app.ui.tabs.common.new_rows import NewRows
from app.ui.tabs.common.selection import CurrentRecord, Selection
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.theme import Icon
from app.ui.widgets.actions import Actions, ActionSpec, ButtonIn, own_keys
from app.ui.widgets.buttons import framed_button, push_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.filter_row import FilterRow
from app.ui.widgets.formatting import AGO, LONGEST_AGO, first_line, shortened
from app.ui.widgets.labels import Label, Look, Part, in_column, in_row
from app.ui.widgets.panes import GAP, LOW, EmptyState, FieldList, Inspector, MasterDetail, margin_in
from app.ui.widgets.tab_pages import height_of
from models.engine import Database
from models.errors import BroughtBack, NotAllowed, NotFound, RowChanged, TenantAdminError

if TYPE_CHECKING:
    from app.ui.tabs.common.many import ManyPart
    from app.ui.tabs.common.past import PastPart

INSPECTOR, EXPORT_ROWS = "inspector", "Export…"
OF_VIEWS = ("views", "save_view", "update_view", "clear_filters")
"""What the window has in its menu of what is seen."""
_CLOSE = 8
_LONGEST_VIEW = 40
"""Characters of a saved view's name in a menu."""
_LONGEST_TENANT = 20
"""Letters of a tenant's name that its column has room for at least."""
_ROOM_FOR_VIEWS = 700
"""Pixels of a tab from which on its filter row has room for the list of views."""
_FOR_MAIN = 260
"""Pixels of a list in less of which a long text says nothing: a name has its place."""
_SIZE_TO_TELL = Qt.WidgetAttribute.WA_PendingResizeEvent


class RecordTab(ListedTab):
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

    history_wanted = Signal(str)
    margin: ClassVar[int] = 16
    opens: ClassVar[str] = ""
    called: ClassVar[str] = ""
    """The column by which one knows a row where the list is too narrow for what has the most room else."""
    export_words: ClassVar[str] = EXPORT_ROWS
    one_alone: ClassVar[str] = ""
    """Why several rows cannot be selected, as a sentence, where that is so."""
    in_place_of_list: ClassVar[str] = ""
    """Why acts on the list cannot be done while that is not in sight."""
    _hides_views = False
    """Whether the list of views gives up its room in a narrow tab: it has no view of the tab's own."""
    remembered_apart: ClassVar[tuple[ColumnChoice, ...]] = ()
    """Filters of which the tab itself remembers whether they are on."""

    def __init__(self, context: Context, parent: QWidget | None = None, *, in_parts: bool = False) -> None:
        """Builds all of it, or with `in_parts` nothing yet: whoever asks for that takes the `parts`."""
        super().__init__(parent)
        self.context = context
        self.parts = self._build()
        if not in_parts:
            deque(self.parts, maxlen=0)

    def _build(self) -> Iterator[None]:
        """Builds one part after the other, each in a few milliseconds; events may come in between, but no
        size: `QWidget.grab` tells it to what is hidden, too, and what an override raises within a call of Qt
        ends the program, as PySide goes on with other overrides meanwhile.
        """
        self.setAttribute(_SIZE_TO_TELL, False)
        context = self.context
        theme = context.theme
        self.scope = EVERYONE
        self._stale = True
        self._shows_many = False
        self.past: PastPart | None = None
        self.many: ManyPart | None = None
        self.asks_first = False
        """Whether a person has still to agree to what a filter or an order reads."""
        self._has_unseen = False
        """Whether rows have come that are not in the list before a person agrees to reading it again."""
        self._uncounted: ListQuery | None = None
        """The list whose pick lists are counted when its rows are there: they come first."""
        self._announced: tuple[ListQuery, str] | None = None
        """What the rows were filtered by when it was last said how many these are, and their order."""
        self._wanted_record: object = None
        self._put_back: object = None
        self._made = None
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
            parent=self,
        )
        self.facets = Facets(context, self.filters, table)
        self.exact = ExactFilters(context, table)
        self.filters.add_chips(self.exact)
        state = context.settings.splitter_state
        self._master_detail = MasterDetail(
            load=partial(state.get, table.name), save=partial(state.set, table.name), parent=self
        )
        self._rows = QWidget(self._master_detail)
        load, save = arrangement.state_of_columns(context, table)
        self.table = DataTable(theme, table.title, load=load, save=save, parent=self._rows)
        columns = self.shown_columns(declared.columns(context, table, self.special_columns()))
        columns = [*columns, *declared.extra_columns(context, table)]
        self.list = ListController(context, table, columns, self.table, self, lists=self.lists)
        self.model = self.list.model
        missing = [column.name for column in table.listed if declared.is_missing(context, table, column)]
        own = [*self.list.extra][len(missing) :]  # what is not there leaves its place to what only this has
        hidden = [column.name for column in table.listed if column.hidden] + missing + own
        for column in table.listed:
            if column.kind is ColumnKind.TIME:  # whose words become longer while one looks at them
                at = self.model.column_of(column.name)
                self.table.columns.set_widest(at, (LONGEST_AGO,), icon=False)
                less = (LONGEST_AGO.removesuffix(AGO),)
                self.table.columns.set_short(at, less, icon=False, alike=True)
            elif (
                column.kind in {ColumnKind.KEY, ColumnKind.ID} and not table.numbered
            ):  # others may be longer
                words = (shortened("0" * 20),)  # others may be longer than the first
                self.table.columns.set_widest(self.model.column_of(column.name), words, icon=False)
            elif column.kind is ColumnKind.FLAG and column.words:  # an act gives the rows the other
                self.table.columns.set_widest(self.model.column_of(column.name), column.words)
            elif column.name == "tenant_id":  # of whom the first rows may show one
                longest = max((name for name in context.tenants), key=len, default="")[:_LONGEST_TENANT]
                self.table.columns.set_widest(self.model.column_of("tenant_id"), (longest,), icon=False)
        self.table.columns.hide_at_first([self.model.column_of(name) for name in hidden])
        self._main = ""
        """The column that has the room which the others leave."""
        self._let_give_way()
        self.table.resized.connect(self._know_rows)
        yield
        self.selection = Selection(context, self.list, self)
        self.current = CurrentRecord(context.runner, self.list, self.load, self, rests=context.costs)
        self.selection.awaits_form = lambda: self.current.is_for_form
        self.inspector, self.fields = Inspector(theme, self.place_of_inspector()), FieldList(theme)
        self.commands = Actions(theme, self.table, self, self.spec.keys)
        self.commands.hinders = self._hinders
        self.clear_button = push_button(theme, "Clear filters", self.clear_filters, icon=Icon.CLOSE)
        self.again_button = push_button(theme, "Try again", self.reload, icon=Icon.REFRESH)
        self.door_button = push_button(theme, "", lambda: self._door and self._door())
        doors = (self.clear_button, self.again_button, self.door_button)
        for button in doors:
            button.hide()
        self.price, self.price_label = QWidget(), Label("", Look.DIM, wrap=True)
        self.read_button = push_button(theme, "", lambda: self._read(agreed=True))
        self.as_added_button = push_button(theme, "", self._show_as_added)
        in_row((self.price_label, 1), self.as_added_button, self.read_button, within=self.price, spacing=12)
        self.price.hide()
        # In place of the rows as soon as it is known that there are none.
        self.empty_state = EmptyState(theme, spec.icon, *spec.empty, doors, parent=self._rows)
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
        self.setAttribute(_SIZE_TO_TELL, True)

    # what a tab fills in

    def make_lists(self) -> Lists:
        """What its rows are read by; asked once."""
        return self.context.lists

    def listen(self) -> None:
        """Connects what the tab hears of, once all of it is there: events come in between its parts. Its list
        is arranged as it was left before.
        """
        self.view_picker = self.make_view_picker()
        self._put_back = arrangement.restore(self)
        self.view_picker.serve(self)
        self.table.menu_requested.connect(self.open_row_menu)
        self.table.opened.connect(lambda _: self.open_record())
        self.inspector.menu_requested.connect(lambda where: self.open_row_menu(QModelIndex(), where))
        self.commands.refused.connect(partial(self.context.say, of_place=True))
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
        self.list.late.connect(self._show_reading)
        self.context.aged.connect(self._age)
        self.table.selection_changed.connect(self.commands.update)
        self.table.selection_changed.connect(self._show_selection)
        for changed in (self.model.dataChanged, self.list.loaded):  # Qt says nothing of a selection that went
            changed.connect(self._show_fewer)
        self.selection.counted.connect(self.commands.update)
        self.selection.counted.connect(self._show_selection)
        self.current.came.connect(self._show_record)
        self.current.came.connect(self._came_again)
        self.current.late.connect(self._show_waiting)
        self.current.left.connect(self._show_no_record)
        self.current.failed.connect(self._not_read)
        self.current.gone.connect(self._keep_gone)
        self.inspector.again.connect(self.current.try_again)

    def _age(self) -> None:
        if self.isVisible():
            self.table.viewport().update()

    def make_view_picker(self) -> ViewPicker:
        """Where its views are chosen, in the filter row: with the tab's ready views, where it has them."""
        words = f"All {self.spec.table.noun[1]}"
        picker = ViewPicker(self.context.theme, words, idle="Views", width=100, parent=self.filters)
        self._hides_views = True
        self.filters.add_beside_text(picker)
        return picker

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

    def place_of_inspector(self) -> QWidget:
        """What it stands in."""
        return self._master_detail

    def before_rows(self) -> QWidget | None:
        """What stands at the left of the table."""
        return None

    def beside_rows(self, side: QWidget, rows: QWidget) -> QWidget:
        """Both beside each other."""
        raise NotImplementedError

    def said_of_rows(self) -> str:
        """What a question says first of the rows that the list shows; empty for nothing."""
        return ""

    def needless(self) -> frozenset[str]:
        """Columns that say of each row what the list says of all; they give way first."""
        return frozenset({"tenant_id"} if self.scope != EVERYONE else ())

    def beside(self) -> QWidget:
        """What stands beside the table: the inspector, or what it is in."""
        return self.inspector

    def own_filter(self) -> str:
        """The key of what else the tab keeps rows by, of its ready views; empty for none."""
        return ""

    def set_own_filter(self, key: str) -> None:
        """Chooses it, without reading anything; a key that is not known chooses none."""

    def own_words(self, key: str) -> str:
        """What it is called."""
        return key

    def step_back(self) -> bool:
        """Closes what fills the tab, where something does; whether it did."""
        return False

    def lead_to_rows(self) -> bool:
        """Gives them the focus from wherever else it is; whether it was elsewhere and they are in sight."""
        if self.table.hasFocus() or not self.table.isVisible():
            return False
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        return True

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

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        high = height_of(self)
        low, above = high < LOW, margin_in(high, self.margin)
        self.column.setContentsMargins(self.margin, above, self.margin, above // 2 if low else above)
        self.column.setSpacing(_CLOSE if low else GAP)
        self.table.set_low(low)
        if self._hides_views:
            self.view_picker.setHidden(self.width() < _ROOM_FOR_VIEWS and not self.view_picker.saved_on())
        if (event.oldSize().width() < self.narrow) != self.is_narrow or not event.oldSize().isValid():
            self.fold_as_chosen()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.fold_as_chosen()
        if not event.spontaneous():  # the top stays where a button leads to what is above it
            self.list.unseen(top=self.context.costs or not self.new_rows.count)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Escape leads back to the rows from wherever Return or Tab has led to. Beside them, but in a text,
        the letters and Del do what they do in the rows; elsewhere in the tab they say where they do.
        """
        focused = self.window().focusWidget() or self
        is_text = isinstance(focused, QLineEdit | QPlainTextEdit | QTextEdit)
        act = None if is_text or event.isAutoRepeat() else self.commands.with_key(event)
        if event.key() == Qt.Key.Key_Escape and self.lead_to_rows():
            return
        if act is None:
            super().keyPressEvent(event)
        elif focused is self.table or any(part.isAncestorOf(focused) for part in self.about_record()):
            self.commands.press(act)  # in the rows, too, where a quick key comes past its shortcut
        else:
            self.say_where_to_press(act)

    def say_where_to_press(self, act: str) -> None:
        """Of a key that does an act alone, and was pressed elsewhere."""
        self.commands.refused.emit(
            f"{self.commands.said(act)} works in the rows and beside them; Esc leads there."
        )

    def keys(self) -> list[tuple[str, str, str]]:
        """Where, key and what: of its acts, and of what in sight heeds keys of its own."""
        title, without = self.spec.table.title, self.keys_out_of_sight()
        return [*((title, *pair) for pair in self.commands.shortcuts(without)), *own_keys(self)]

    def keys_out_of_sight(self) -> Collection[str]:
        """The acts on the list, where that is not in sight; they cannot be done then."""
        return ()

    def _hinders(self, name: str) -> str | None:
        return self.in_place_of_list if name in self.keys_out_of_sight() else None

    def about_record(self) -> Sequence[QWidget]:
        """What is about the record that is selected, beside the rows."""
        return (self.inspector,)

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
        if isinstance(error, RowChanged | NotFound | BroughtBack):
            self.reload()
        elif isinstance(error, NotAllowed):  # by what they are now
            self.list.model.reload()
            self.current.reload()
            self.facets.count(self.query(), self._offered)
        self.context.runner.failed.emit(error)

    def set_scope(self, scope: Scope) -> None:
        """Restricts it to a tenant; read when it is looked at."""
        if scope != self.scope:
            self.scope = scope
            self._stale = True
            self._let_give_way()

    def show_record(self, record_id: object) -> None:
        """Selects a record and scrolls to it, clearing the filters if they hide it, which it says."""
        if self._costs_much(self.query()):
            self._let_filters_go(record_id)
        self._wanted_record = record_id
        self._stale = False
        self._read()

    def add_header_menus(self, menu: QMenu) -> None:
        """How the rows may be sorted and which columns show, for the keyboard."""
        self.table.add_header_menus(menu)

    def export(self) -> None:
        """Asks where to, and exports every row that the filters keep."""
        from app.ui.tabs.common.exporting import ask_export  # noqa: PLC0415 - few ask for it

        ask_export(self, self.query())

    def refuse_export(self) -> str | None:
        """Why there is nothing to export now, as a sentence."""
        return None

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
        arrangement.keep(self)
        self.list.stop()
        self.current.stop()
        self._master_detail.save_sizes()

    def take_along(self) -> None:
        """One that was not built to its end takes with it, when it goes, what it has no place for yet."""
        for part in vars(self).values():
            if isinstance(part, QWidget) and part.parent() is None:
                part.setParent(self)

    # what is asked for

    def ask_another_value(self, column: str) -> None:
        """Asks which other value of a column rows are kept by, too."""
        from app.ui.tabs.common.exporting import FilterByColumnDialog  # noqa: PLC0415 - few ask for it

        FilterByColumnDialog(self.context, self.query(), [column], self.exact.add, self).open_once()

    def filter_by(self, column: str, value: ListedValue) -> None:
        """Keeps, of the rows shown, those with this value: by the column's pick list, or by a chip."""
        if not self.facets.choose(column, value):
            self.exact.add(column, value)

    # within

    def main_column(self) -> str:
        """The one that has the room which the others leave; none where it is empty."""
        knows = self.called and self.table.width() < _FOR_MAIN
        return self.called if knows else self.spec.table.main

    def _let_give_way(self) -> None:
        """Of one tenant's rows nobody needs to read whose they are; and what has the room that is left does
        not give way, but what has it elsewhere.
        """
        needless, main, usual = self.needless(), self.main_column(), self.spec.table.main
        gives = sorted(self.gives_way, key=lambda name: name not in needless)
        self.table.columns.let_give_way(
            [self.model.column_of(usual if name == main else name) for name in gives]
        )
        if main and main != self._main:
            is_first, self._main = not self._main, main
            self.table.columns.set_main(self.model.column_of(main), self.spec.table.enough)
            if not is_first:
                self.table.columns.fit_unless_arranged()

    def _know_rows(self) -> None:
        if self.main_column() != self._main:
            self._let_give_way()

    def _add_fold(self) -> None:
        def shown() -> bool:
            return not self._master_detail.is_folded

        def turn() -> None:
            self.fold_inspector(shown())

        spec = ActionSpec(INSPECTOR, "Inspector", Icon.INFO, turn, shortcut="F4", checked=shown)
        self.commands.add(spec)
        self.commands.divide_before(INSPECTOR)
        add = self.commands.add
        self.commands.keep_elsewhere(*OF_VIEWS)
        views, save_view, update_view, clear = OF_VIEWS
        add(ActionSpec(views, "Views…", Icon.LOG, self._show_views, shortcut="Ctrl+Shift+V"))
        save = save_view, "Save this view…", Icon.ADD, self._save_view
        add(ActionSpec(*save, shortcut="Ctrl+Alt+S", yields=True))

        def refuse() -> str | None:
            return None if self._saved_view() else "None of your views is shown; “Save this view…” makes one."

        def words() -> str:
            name = first_line(self._saved_view(), _LONGEST_VIEW).replace("&", "&&")
            return f"Update “{name}”" if name else "Update the view"

        update = partial(ActionSpec, update_view, words, Icon.REFRESH, self._update_view)
        add(update(refuse, "Ctrl+Alt+U", about="Update your view to what the list shows", yields=True))

        def unfiltered() -> str | None:
            return None if self.query().filtered else "The list is not filtered."

        words_of_it = clear, "Clear filters", Icon.CLOSE, self.clear_filters
        add(ActionSpec(*words_of_it, unfiltered, "Ctrl+Shift+X", yields=True))

    def _save_view(self) -> None:
        self.view_picker.save()

    def _update_view(self) -> None:
        self.view_picker.update_view()

    def _saved_view(self) -> str:
        """The saved view that the list shows, or showed before its filter was changed; empty for none."""
        return self.view_picker.subject() if "view_picker" in vars(self) else ""

    def _show_views(self) -> None:
        self.view_picker.show()  # it may have given up its room
        self.view_picker.showPopup()

    def open_views(self) -> None:
        """The views of its list that were saved, and what can be done with them."""
        from app.ui.tabs.common.views import ViewsDialog  # noqa: PLC0415 - few ask for it

        ViewsDialog(self).open_once()

    def _lay_out_above(self) -> None:
        for button in self.commands.buttons(ButtonIn.FILTER_ROW):
            self.filters.add_trailing(button)
        fold = framed_button(self.commands.action(INSPECTOR))
        self.filters.add_trailing(fold)
        above: list[Part] = [*self.top_widgets(), self.filters, self.price, *self.below_filters()]
        self.column = in_column(*above, within=self, margins=(self.margin,) * 4, spacing=GAP)
        for part in above:
            if isinstance(part, QWidget):
                part.raise_()

    def _lay_out_below(self) -> None:
        left = self.before_rows()
        rows: list[Part] = [(self.table, 1), *self.below_rows()]
        if left is None:
            in_column(*rows, within=self._rows, spacing=0)
        else:
            right = QWidget()
            in_column(*rows, within=right, spacing=0)
            in_column(self.beside_rows(left, right), within=self._rows, spacing=0)
        self._master_detail.set_parts(self._rows, self.beside())
        self.column.addWidget(self._master_detail, 1)
        for part in (self._master_detail, self.empty_state):
            part.raise_()  # a screen reader goes by the order in which they were made
