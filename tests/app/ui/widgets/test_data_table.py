"""The table: keyboard, columns kept, copying, empty state, painting."""

from collections.abc import Callable

import pytest
from PySide6.QtCore import (
    QAbstractTableModel,
    QByteArray,
    QEvent,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QPoint,
    QPointF,
    QSize,
    Qt,
)
from PySide6.QtGui import (
    QAccessible,
    QContextMenuEvent,
    QFontMetricsF,
    QGuiApplication,
    QKeyEvent,
    QMouseEvent,
    QPaintEvent,
    QPixmap,
    QStandardItem,
    QStandardItemModel,
)
from PySide6.QtWidgets import QApplication, QMenu, QPushButton, QStyleOptionViewItem, QTableView, QWidget
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Column, Index
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Listing
from app.ui.theme import DARK, LIGHT, Mode, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.cell_delegate import CellDelegate, _cut, in_middle, shorter
from app.ui.widgets.data_table import DataTable, HeldPainting
from app.ui.widgets.formatting import AGO, JUST
from app.ui.widgets.labels import in_column
from app.ui.widgets.panes import EmptyState
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.table_columns import MISSING, TableHeader
from tests.fixtures.keyboard import spoken
from tests.fixtures.window import added
from tests.gallery.sample_table import SampleTable

NOWHERE = QModelIndex()


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> DataTable:
    table = added(qtbot, DataTable(theme, "Runs"))
    table.setModel(SampleTable(500, table))
    table.resize(900, 400)
    table.show()
    qtbot.waitExposed(table)
    return table


@pytest.mark.slow
def test_a_click_just_as_the_rows_have_moved_hits_none(qtbot: QtBot, theme: Theme) -> None:
    """A banner came above them: the row that was aimed at is another one now."""
    said, table = QWidget(minimumHeight=60), DataTable(theme, "Runs")
    table.setModel(SampleTable(500, table))
    whole = added(qtbot, QWidget())
    in_column(said, table, within=whole)
    said.hide()
    whole.resize(900, 400)
    whole.show()
    qtbot.waitExposed(whole)

    def click() -> list[int]:
        point = QPoint(40, table.rowViewportPosition(3) + 5)
        qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
        return list(table.selected_rows())

    assert click() == [3]
    table.select_row(7)
    top = table.mapTo(whole, QPoint()).y()
    said.show()
    qtbot.waitUntil(lambda: table.mapTo(whole, QPoint()).y() > top)
    assert click() == [7]
    point = QPoint(40, table.rowViewportPosition(3) + 5)
    qtbot.mousePress(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
    held = QMouseEvent(
        QEvent.Type.MouseMove,
        QPointF(point + QPoint(0, 3)),
        QPointF(table.viewport().mapToGlobal(point + QPoint(0, 3))),
        Qt.MouseButton.NoButton,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    QApplication.sendEvent(table.viewport(), held)
    qtbot.mouseRelease(table.viewport(), Qt.MouseButton.LeftButton, pos=point)
    assert list(table.selected_rows()) == [7], "nor a drag from the row before to this one"
    table._moved -= 1  # a second later
    assert click() == [3]


@pytest.mark.slow
def test_home_and_end_go_to_the_first_and_last_row(qtbot: QtBot, table: DataTable) -> None:
    table.select_row(5)
    qtbot.keyClick(table, Qt.Key.Key_End)
    assert table.selected_rows() == [499]
    assert table.rowAt(table.viewport().height() - 5) == 499
    qtbot.keyClick(table, Qt.Key.Key_Home)
    assert table.selected_rows() == [0]
    for key, row in ((Qt.Key.Key_End, 499), (Qt.Key.Key_Home, 0)):
        qtbot.keyClick(table, key, Qt.KeyboardModifier.ControlModifier)
        assert (table.selected_rows(), table.currentIndex().row()) == ([row], row)
    qtbot.keyClick(table, Qt.Key.Key_End, Qt.KeyboardModifier.ShiftModifier)
    assert table.selected_rows() == list(range(500))


def test_choosing_a_row_again_keeps_it_chosen_whatever_key_is_held(qtbot: QtBot, table: DataTable) -> None:
    qtbot.keyPress(table, Qt.Key.Key_Control, Qt.KeyboardModifier.ControlModifier)
    for _ in range(2):
        table.select_row(5)
        assert table.selected_rows() == [5]
    table.select_row(300)
    assert table.selected_rows() == [300]
    assert table.viewport().rect().contains(table.visualRect(table.currentIndex()).center())
    qtbot.keyRelease(table, Qt.Key.Key_Control)


def test_tab_leaves_the_table(table: DataTable) -> None:
    assert not table.tabKeyNavigation()


def test_return_opens_and_menu_knows_its_row(qtbot: QtBot, table: DataTable) -> None:
    with qtbot.assertNotEmitted(table.opened):
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert table.selected_rows() == [0], "where nothing was, it begins"
    table.select_row(3)
    with qtbot.waitSignal(table.opened, timeout=0) as caught:
        qtbot.keyClick(table, Qt.Key.Key_Return)
    assert caught.args[0].row() == 3
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    with qtbot.waitSignal(table.menu_requested, timeout=0) as caught:
        QApplication.sendEvent(table.viewport(), event)
    assert caught.args[0].row() == 3


@pytest.mark.slow
def test_copy_takes_whole_values_of_the_visible_columns(qtbot: QtBot, table: DataTable) -> None:
    table.select_row(1)
    table.horizontalHeader().setSectionHidden(1, True)
    qtbot.keyClick(table, Qt.Key.Key_C, Qt.KeyboardModifier.ControlModifier)
    header, line = QGuiApplication.clipboard().text().split("\n")
    assert header == "Status\tPhase\tScore\tRevenue\tHash\tUpdated"
    assert line.split("\t")[4] == f"{7919:064x}"


def test_columns_survive(qtbot: QtBot, theme: Theme) -> None:
    kept: list[QByteArray] = []
    for turn in range(2):
        table = DataTable(theme, "Runs", load=lambda: kept[-1] if kept else QByteArray(), save=kept.append)
        qtbot.addWidget(table)
        table.setModel(SampleTable(10, table))
        header = table.horizontalHeader()
        if turn == 0:
            header.moveSection(0, 3)
            header.resizeSection(2, 133)
            header.setSectionHidden(5, True)
            table.columns.save()
        else:
            assert header.visualIndex(0) == 3
            assert header.sectionSize(2) == 133
            assert header.isSectionHidden(5)


@pytest.mark.slow
def test_a_change_of_columns_is_saved_by_itself(qtbot: QtBot, theme: Theme) -> None:
    kept: list[QByteArray] = []
    table = added(qtbot, DataTable(theme, "Runs", save=kept.append))
    table.setModel(SampleTable(10, table))
    table.horizontalHeader().resizeSection(1, 321)
    qtbot.waitUntil(lambda: len(kept) > 0)


def test_a_state_of_other_columns_is_ignored(qtbot: QtBot, theme: Theme) -> None:
    table = added(qtbot, DataTable(theme, "Runs", load=lambda: QByteArray(b"Other\x1fColumns\nrubbish")))
    table.setModel(SampleTable(10, table))
    assert not any(table.horizontalHeader().isSectionHidden(c) for c in range(7))


def test_header_menu_hides_and_never_the_last(qtbot: QtBot, table: DataTable) -> None:
    header = table.horizontalHeader()
    assert isinstance(header, TableHeader)
    menu = header.columns_menu(1)
    actions = {action.text(): action for action in menu.actions()}
    actions["Hide “Idea”"].trigger()
    assert header.isSectionHidden(1)
    for column in range(2, 7):
        header.setSectionHidden(column, True)
    last = {action.text(): action for action in header.columns_menu(0).actions()}
    assert not last["Hide “Status”"].isEnabled()
    assert not last["Status"].isEnabled()


def test_sorting_asks_the_model(table: DataTable) -> None:
    table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    model = table.model()
    assert isinstance(model, SampleTable)
    assert model.sorted_by[-1] == (3, Qt.SortOrder.DescendingOrder)


def test_status_words_are_never_cut_at_fitted_width(table: DataTable) -> None:
    table.columns.fit()
    hint = max(table.sizeHintForIndex(table.model().index(row, 0)).width() for row in range(20))
    assert table.columnWidth(0) >= hint
    words = table.fontMetrics().horizontalAdvance("completed")
    assert hint >= words + 16


def test_empty_state_shows_only_without_rows(qtbot: QtBot, theme: Theme, table: DataTable) -> None:
    empty, both = (
        EmptyState(theme, Icon.SEARCH, "No run matches", "Clear the filters."),
        added(qtbot, QWidget()),
    )
    in_column(table, within=both)
    both.show()
    table.set_empty_state(empty)
    assert not empty.isVisible()
    table.setModel(SampleTable(0, table))
    assert empty.isVisible()
    assert empty.title.text() == "No run matches"
    assert empty.mapTo(both, QPoint()) == table.viewport().mapTo(both, QPoint())
    assert "No run matches" in {name for _, name, _, _ in spoken(both)}
    table.setParent(None)


@pytest.mark.slow
def test_cells_are_painted_in_the_theme_in_force(theme: Theme, table: DataTable) -> None:
    def colours() -> set[str]:
        picture = QPixmap(table.viewport().size())
        table.viewport().render(picture)
        image = picture.toImage()
        return {image.pixelColor(x, y).name() for x in range(0, 200) for y in range(2, 200)}

    light = colours()
    assert {LIGHT["panel"], LIGHT["line"]} <= light
    theme.set_mode(Mode.DARK)
    dark = colours()
    assert {DARK["panel"], DARK["line"]} <= dark
    assert LIGHT["panel"] not in dark


class Table:
    """A view of 5,000 rows, and the requests that nobody has answered."""

    def __init__(self, qtbot: QtBot) -> None:
        self.requests: list[Keys] = []
        self.model = VirtualTableModel((Column("seq", "No."),), ("seq",), self.request)
        self.view = QTableView()
        qtbot.addWidget(self.view)
        self.view.setModel(self.model)
        self.holding = HeldPainting(self.view, self.model)
        self.model.reset_to(Listing(ListQuery("audit_chain"), 5_000, range(5_000), ((0,),) * 200))
        self.view.resize(300, 400)
        with qtbot.waitExposed(self.view):
            self.view.show()

    def request(self, keys: Keys) -> Callable[[], None]:
        self.requests.append(keys)
        return lambda: None

    def answer(self) -> None:
        keys = self.requests.pop()
        self.model.set_page(keys, [(key,) for key in keys])


def test_a_jump_is_painted_when_its_rows_have_come(qtbot: QtBot) -> None:
    table = Table(qtbot)
    table.view.scrollToBottom()
    assert not table.view.viewport().updatesEnabled()
    assert [keys[-1] for keys in table.requests] == [4_999]
    table.answer()
    assert table.view.viewport().updatesEnabled()
    assert table.model.index(4_999, 0).data() == "4999"


def test_rows_that_are_late_do_not_hold_the_view(qtbot: QtBot) -> None:
    table = Table(qtbot)
    table.view.scrollToBottom()
    qtbot.waitUntil(table.view.viewport().updatesEnabled)
    assert len(table.requests) == 1
    bar = table.view.verticalScrollBar()
    bar.setValue(bar.maximum() // 2)
    assert table.view.viewport().updatesEnabled(), "nor the next time: it would be white while it is dragged"
    bar.setValue(0)
    bar.setValue(bar.maximum() // 2)
    assert not table.view.viewport().updatesEnabled(), "rows were at hand since"


def test_scrolling_among_rows_at_hand_holds_nothing(qtbot: QtBot) -> None:
    table = Table(qtbot)
    table.view.verticalScrollBar().setValue(50)
    assert table.view.viewport().updatesEnabled() and table.requests == []


COLUMNS = (StaticColumn("Name"), StaticColumn("Rows", right=True))
ROWS = (
    (Cell("beta"), Cell("9", 9)),
    (Cell("Alpha"), Cell("1,200", 1200)),
    (Cell("gamma"), Cell("9,223,372,036,854,775,807", 2**63 - 1)),
)


@pytest.fixture
def small(qtbot: QtBot, theme: Theme) -> StaticTable:
    small = added(qtbot, StaticTable(theme, "Tables", COLUMNS, ROWS))
    small.show()
    return small


def shown(small: StaticTable, column: int = 0) -> list[str]:
    return [str(small.model().index(row, column).data()) for row in range(small.model().rowCount())]


def test_words_are_sorted_whatever_their_case_and_numbers_as_numbers(small: StaticTable) -> None:
    small.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert shown(small) == ["Alpha", "beta", "gamma"]
    small.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert shown(small) == ["gamma", "Alpha", "beta"]
    assert [small.source_row(row) for row in range(3)] == [2, 1, 0]


def test_a_small_table_is_sorted_and_copied_from_its_menu_by_keys(qtbot: QtBot, small: StaticTable) -> None:
    small.select_row(0)
    event = QContextMenuEvent(QContextMenuEvent.Reason.Keyboard, QPoint(), QPoint())
    QApplication.sendEvent(small.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    for key in (Qt.Key.Key_S, Qt.Key.Key_N):
        qtbot.keyClick(QApplication.activePopupWidget(), key)
    assert shown(small) == ["Alpha", "beta", "gamma"]
    QApplication.sendEvent(small.viewport(), event)
    qtbot.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_C)
    assert QGuiApplication.clipboard().text().endswith("\nbeta\t9")


class Measuring(CellDelegate):
    """Counts the cells that are measured."""

    cells = 0

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:  # noqa: N802
        self.cells += 1
        return super().sizeHint(option, index)


def test_each_cell_of_a_small_table_is_measured_once_until_there_are_others(
    small: StaticTable, theme: Theme
) -> None:
    measuring = Measuring(theme, small)
    small.setItemDelegate(measuring)
    small.show_rows(ROWS)
    before = [small.sizeHintForColumn(column) for column in (0, 1, 0, 1)]
    small.resize(small.width() + 40, small.height())
    assert measuring.cells == 6
    small.show_rows([(Cell("A name that is longer than all of the others"), Cell("9", 9))])
    assert small.sizeHintForColumn(0) > before[0]


def test_an_address_without_room_keeps_its_host_and_its_end(small: StaticTable, theme: Theme) -> None:
    url = "chat.cafe-lumiere.example/services/T0/B1/4"
    cells = CellDelegate(theme, small)
    room = small.fontMetrics().horizontalAdvance(url) - 40
    said = cells._lay_out(url, False, room, True).text.text()
    assert said.startswith("chat.cafe-lumiere.example/…") and said.endswith("/B1/4")
    assert "…" in cells._lay_out("no-address-of-any-kind-" * 9, False, room, True).text.text()


def test_a_column_is_as_wide_as_its_longest_words_wherever_they_stand(small: StaticTable) -> None:
    small.show_rows([(Cell("a"), Cell("x")) for _ in range(100)])
    narrow = small.sizeHintForColumn(1)
    small.show_rows([(Cell("a"), Cell("x" if row < 99 else "as long as this")) for row in range(100)])
    assert small.sizeHintForColumn(1) > narrow + 40


@pytest.mark.parametrize("most", [None, 6])
def test_words_without_room_go_on_in_further_lines(qtbot: QtBot, theme: Theme, most: int | None) -> None:
    rows = [
        (Cell("Ctrl+Alt+U"), Cell("Update your view to what the list shows"), Cell("4,100")),
        (Cell("F4"), Cell("Inspector"), Cell("1")),
    ]
    columns = (StaticColumn("Key"), StaticColumn("What it does"), StaticColumn("Rows", right=True))
    table = added(qtbot, StaticTable(theme, "Keys", columns, rows, most=most, wide=1, wraps=3))
    table.resize(620, 300)
    with qtbot.waitExposed(table):
        table.show()
    line = table.verticalHeader().defaultSectionSize()
    qtbot.waitUntil(lambda: (table.rowHeight(0), table.rowHeight(1)) == (line, line))
    alone = table.sizeHint().height()
    table.resize(330, 300)
    qtbot.waitUntil(lambda: table.rowHeight(0) > line)
    assert table.rowHeight(1) == line and table.horizontalScrollBar().maximum() == 0
    assert (table.sizeHint().height() > alone) is (most is None), "as high as its rows, unless it scrolls"
    table.resize(620, 300)
    qtbot.waitUntil(lambda: table.rowHeight(0) == line)
    table.show_cell(1, 2, Cell("2,100,000 of them"))  # which has grown while one looks at it
    table.fit_rows()
    assert table.rowHeight(1) == line


def test_until_it_is_sorted_the_order_is_the_one_given(small: StaticTable) -> None:
    assert shown(small) == ["beta", "Alpha", "gamma"]


def test_what_is_selected_stays_so_when_it_moves(small: StaticTable) -> None:
    held = QPersistentModelIndex(small.model().index(0, 0))
    small.select_row(0)
    small.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert (held.row(), held.data()) == (1, "beta")
    assert small.selected_rows() == [1]


def test_numbers_stand_at_the_right(small: StaticTable) -> None:
    role = Qt.ItemDataRole.TextAlignmentRole
    sides = [small.model().headerData(place, Qt.Orientation.Horizontal, role) for place in range(2)]
    assert [bool(side & Qt.AlignmentFlag.AlignRight.value) for side in sides] == [False, True]


def test_other_rows_are_shown_while_one_is_selected(small: StaticTable) -> None:
    """Who hears of the selection is not asked for a row while rows go: that crashed."""
    heard: list[int] = []
    small.selection_changed.connect(lambda: heard.append(small.source_row(small.currentIndex().row())))
    small.select_row(1)
    before = list(heard)
    small.show_rows(ROWS[:1])
    assert (heard, small.currentIndex().isValid(), shown(small)) == (before, False, ["beta"])
    small.select_row(0)
    assert heard[-1] == 0


def test_a_selected_row_in_sight_stays_there_when_the_table_shrinks(qtbot: QtBot, table: DataTable) -> None:
    for shown in (9, 300):
        table.resize(900, 400)
        table.verticalScrollBar().setValue(0)
        table.select_row(9)
        table.verticalScrollBar().setValue(0 if shown == 9 else 34 * shown)
        before = table.verticalScrollBar().value()
        table.resize(900, 200)
        seen = 0 <= table.rowViewportPosition(9) <= table.viewport().height() - table.rowHeight(9)
        assert seen is (shown == 9), "what was out of sight is not looked for"
        assert (table.verticalScrollBar().value() == before) is (shown != 9)


class Counted(QAbstractTableModel):
    """A long table that counts how often it is asked where a cell is."""

    columns: tuple[Column, ...] = ()
    asked = 0

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = NOWHERE) -> int:  # noqa: N802
        return 20_000

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = NOWHERE) -> int:  # noqa: N802
        return 3

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = 0) -> None:
        return None

    def flags(self, index: QModelIndex | QPersistentModelIndex) -> Qt.ItemFlag:
        self.asked += 1
        return super().flags(index)


def test_of_a_long_selection_a_screen_reader_has_nobody_list_the_cells(qtbot: QtBot, theme: Theme) -> None:
    table, model = added(qtbot, DataTable(theme, "Runs")), Counted()
    QTableView.setModel(table, model)
    heard = QAccessible.isActive()
    QAccessible.setActive(True)
    try:
        table.selectAll()
        table.select_row(5)
    finally:
        QAccessible.setActive(heard)
    assert table.selected_rows() == [5]
    assert model.asked < 1000


@pytest.mark.parametrize(("after", "acts"), [(0, False), (12, False), (70, True)])
def test_a_key_that_is_held_acts_once(table: DataTable, after: int, acts: bool) -> None:
    """Also where Qt does not say so: a finger takes its time."""

    def key(kind: QEvent.Type, at: int, *, repeated: bool = False) -> bool:
        event = QKeyEvent(kind, Qt.Key.Key_Delete, Qt.KeyboardModifier.NoModifier, "", repeated)
        event.setTimestamp(at)
        event.ignore()
        table.event(event)
        return not event.isAccepted()

    override, let_go = QEvent.Type.ShortcutOverride, QEvent.Type.KeyRelease
    assert key(override, 1_000)
    assert not key(override, 1_500, repeated=True)
    key(let_go, 2_000)
    assert key(override, 2_000 + after) is acts


class Regions(QObject):
    """What is painted of a viewport, from now on."""

    def __init__(self, table: DataTable) -> None:
        super().__init__(table)
        self.heights = list[int]()
        table.viewport().installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if isinstance(event, QPaintEvent):
            self.heights.append(event.rect().height())
        return False


_EVEN = range(0, 400, 2)


@pytest.mark.parametrize(
    ("ranges", "most"),
    [
        ([range(4, 5)], 1),
        ([range(3, 6)], 3),
        ([range(2, 500)], 500),
        ([range(i, i + 1) for i in range(0, 400, 2)], 500),
    ],
)
def test_of_rows_chosen_and_no_longer_these_alone_are_painted(
    qtbot: QtBot, table: DataTable, ranges: list[range], most: int
) -> None:
    def is_seen() -> bool:
        """Whether there is on the screen what would be painted now."""
        return table.screen().grabWindow(table.winId()).toImage() == table.grab().toImage()

    qtbot.waitUntil(is_seen)
    regions = Regions(table)
    table.select_ranges(ranges, ranges[0].start)
    qtbot.waitUntil(lambda: bool(regions.heights))
    painted = max(regions.heights)
    qtbot.waitUntil(is_seen)
    assert painted <= most * table.rowHeight(0) and table.selected_rows() == [
        row for one in ranges for row in one
    ]
    table.clearSelection()
    qtbot.waitUntil(is_seen)


def test_what_is_in_sight_already_is_scrolled_to_by_nothing(table: DataTable) -> None:
    bar = table.verticalScrollBar()
    table.bring_into_sight(table.model().index(5, 0))
    assert bar.value() == 0
    table.bring_into_sight(table.model().index(300, 0))
    middle = table.rowViewportPosition(300)
    assert 0 < middle < table.viewport().height() - table.rowHeight(300)
    before = bar.value()
    table.bring_into_sight(table.model().index(301, 0))
    assert bar.value() == before


@pytest.mark.parametrize(("at", "gone", "shown"), [(0, 50, 50), (80, 50, 80), (60, 80, 140), (60, 61, 61)])
def test_rows_that_go_take_nothing_along_that_stays_in_sight(
    qtbot: QtBot, theme: Theme, at: int, gone: int, shown: int
) -> None:
    """As where the end of a chain is cut off, whose last entry was selected."""
    table = added(qtbot, DataTable(theme, "Things"))
    model = QStandardItemModel(200, 1, table)
    for row in range(200):
        model.setItem(row, QStandardItem(str(row)))
    table.setModel(model)
    table.resize(300, 400)
    table.show()
    table.select_row(at)
    table.verticalScrollBar().setValue(at * table.rowHeight(0))
    assert table.rowAt(0) == at

    def find(name: str) -> int | None:
        return next((row for row in range(model.rowCount()) if model.item(row).text() == name), None)

    with table.kept_in_place(lambda row: model.item(row).text(), find, holds_top=True):
        model.removeRows(0, gone)
    assert model.item(table.rowAt(0)).text() == str(shown)


def test_a_row_that_is_chosen_again_is_at_the_column_where_one_was(table: DataTable) -> None:
    model = table.model()
    table.setCurrentIndex(model.index(7, 2))
    model.beginResetModel()
    model.endResetModel()
    assert not table.currentIndex().isValid()
    table.select_row(3)
    assert (table.currentIndex().row(), table.currentIndex().column()) == (3, 2)


def test_a_text_that_is_cut_at_its_end_is_shortened_there(qapp: QApplication) -> None:
    metrics = QFontMetricsF(qapp.font())
    for text in ("a name of which the end is gone…", "https://h.example/a/path/of/which/the/end/is/gone…"):
        room = int(metrics.horizontalAdvance(text) * 0.7)
        for shown in (in_middle(metrics, text, room), _cut(metrics, text, room, middle=True)):
            assert shown.count("…") == 1 and shown.endswith("…") and shown[:9] == text[:9]
    whole = "a name of which nothing is gone"
    shown = in_middle(metrics, whole, int(metrics.horizontalAdvance(whole) * 0.7))
    assert shown.startswith("a name") and shown.endswith("gone") and shown.count("…") == 1


def test_a_small_table_fits_before_it_scrolls_sideways(qtbot: QtBot, theme: Theme) -> None:
    titles = ("Made", "Webhook", "Why", "Through entry", "Key")
    columns = [StaticColumn(title, right=title == "Through entry") for title in titles]
    words = ("24 h ago", "a name of many words " * 3, "its events", "4,000", "0d7550…88e3b0")
    rows = [tuple(map(Cell, words))]
    small = added(qtbot, StaticTable(theme, "Checkpoints", columns, rows, wide=2, giving=(4,)))
    titles_of = small.horizontalHeader()
    small.resize(1000, 140)
    small.show()
    qtbot.waitUntil(lambda: titles_of.sectionSize(1) >= small.sizeHintForColumn(1))
    assert not small.isColumnHidden(4) and not small.horizontalScrollBar().maximum()
    small.resize(590, 140)
    qtbot.waitUntil(lambda: titles_of.sectionSize(1) < small.sizeHintForColumn(1))
    assert not small.isColumnHidden(4) and not small.horizontalScrollBar().maximum()
    small.resize(450, 140)
    qtbot.waitUntil(lambda: small.isColumnHidden(4) and not small.horizontalScrollBar().maximum())
    assert titles_of.length() <= small.viewport().width() - MISSING, "it says so beside the last one"
    small.resize(1000, 140)
    qtbot.waitUntil(lambda: not small.isColumnHidden(4))
    assert titles_of.length() == small.viewport().width()


def test_a_time_keeps_a_whole_word_where_there_is_little_room() -> None:
    spare = (AGO, JUST)
    for whole, short in (("59 min ago", "59 min"), ("just now", "now"), ("in 14 h", "in 14 h")):
        assert shorter(whole, spare) == short


def test_where_all_rows_just_fit_the_last_one_can_be_scrolled_from_under_the_floating_button(
    qtbot: QtBot, theme: Theme
) -> None:
    table, whole = DataTable(theme, "Runs"), added(qtbot, QWidget())
    table.setModel(SampleTable(8, table))
    in_column(table, within=whole)
    whole.resize(900, 500)
    whole.show()
    qtbot.waitExposed(whole)
    bar, button, high = table.verticalScrollBar(), QPushButton("3 new"), table.rowHeight(7)
    fits = whole.height() - table.viewport().height() + table.rowViewportPosition(7) + high
    for over, scrolls in ((0, True), (20, True), (200, False)):
        button.hide()
        whole.resize(900, fits + over)
        qtbot.waitUntil(lambda over=over: table.viewport().height() == 8 * high + over)  # type: ignore[misc]
        wide = table.viewport().width()
        assert bar.maximum() == 0
        table.set_floating(button)
        button.show()
        table.place_floating()
        assert (bar.maximum() > 0) is scrolls
        assert (bar.value(), table.viewport().width()) == (0, wide), "nothing moves"
        bar.setValue(bar.maximum())
        covered = table.viewport().height() - (
            button.geometry().top() - table.viewport().mapTo(whole, QPoint()).y()
        )
        assert table.rowViewportPosition(7) + high <= table.viewport().height() - covered
        table.select_row(0)
        table.select_row(7)
        assert table.rowViewportPosition(7) + high <= table.viewport().height() - covered, "by keys, too"
    button.hide()
    table.place_floating()
    assert bar.maximum() == 0 == bar.value()
