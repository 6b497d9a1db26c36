"""How a table shares out its width."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import QByteArray, QEvent, QModelIndex, QPoint, Qt
from PySide6.QtGui import QHelpEvent, QPainter, QPixmap, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QApplication, QStyleOptionViewItem, QToolButton, QToolTip
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Role
from app.ui.theme import Theme
from app.ui.widgets.cell_delegate import GAP, ICON, CellDelegate, _Laid
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.later import later
from app.ui.widgets.table_columns import MISSING
from tests.fixtures.window import added, child


def shown(theme: Theme, qtbot: QtBot, rows: Sequence[Sequence[str]], width: int = 700) -> DataTable:
    model = QStandardItemModel()
    for row in rows:
        model.appendRow([QStandardItem(cell) for cell in row])
    table = added(qtbot, DataTable(theme, "Things"))
    model.setParent(table)
    table.setModel(model)
    table.columns.set_main(1)
    table.resize(width, 300)
    with qtbot.waitExposed(table):
        table.show()
    table.columns.fit()
    return table


def room(table: DataTable) -> int:
    """What there is for columns beside the place of the scroll bar."""
    return table.contentsRect().width() - table.verticalScrollBar().sizeHint().width()


def test_no_column_moves_when_a_scroll_bar_comes_or_goes(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "short", "b"]] * 3)
    model, before = table.model(), [table.columnWidth(column) for column in range(3)]
    for rows, comes in ((60, True), (2, False)):
        assert isinstance(model, QStandardItemModel)
        model.setRowCount(rows)
        qtbot.waitUntil(lambda comes=comes: table.verticalScrollBar().isVisible() is comes)  # type: ignore[misc]
        assert [table.columnWidth(column) for column in range(3)] == before
        at = child(table.horizontalHeader(), QToolButton).geometry().right() + 1
        assert at == room(table), "nor what says how many have no room"


def test_the_main_column_takes_what_the_others_leave(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "short", "b"], ["a", "a much longer text " * 40, "b"]])
    assert table.horizontalHeader().length() == room(table)
    assert table.columnWidth(1) > 400
    others = table.columnWidth(0), table.columnWidth(2)
    table.resize(900, 300)
    assert table.horizontalHeader().length() == room(table)
    assert (table.columnWidth(0), table.columnWidth(2)) == others
    table.setColumnHidden(2, True)
    assert table.horizontalHeader().length() == room(table)


def test_a_column_says_less_before_another_gives_way(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a word of some length", "a much longer text " * 40, "b" * 20]])
    header, whole, wide = table.horizontalHeader(), table.columnWidth(0), table.width()
    table.columns.let_give_way([0, 2])
    table.columns.set_short(0, ("a word",))
    least = table.fontMetrics().horizontalAdvance("a word") + ICON + GAP
    assert table.columnWidth(0) == whole, "there is room"
    while table.columnWidth(0) == whole:
        table.resize(table.width() - 10, 300)
    short = table.columnWidth(0)
    assert least < short < whole - 20 and not header.hiddenSectionCount()
    narrow = table.width()
    while not table.isColumnHidden(0):
        table.resize(table.width() - 10, 300)
        assert table.columnWidth(0) in (short, 0), "never its icon alone"
    assert narrow - table.width() >= whole - short - 20
    table.columns.let_give_way([2])
    assert not table.isColumnHidden(0), "it need not any more"
    table.resize(wide, 300)
    assert table.columnWidth(0) == whole
    table.resize(narrow, 300)
    header.resizeSection(0, 90)
    table.resize(narrow - 10, 300)
    assert table.columnWidth(0) == 90, "as it was drawn by hand"


def test_times_of_a_row_say_as_much_as_each_other(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["59 min ago", "a much longer text " * 40, "59 min ago", "a state"]], 900)
    model, ago = table.model(), "59 min ago"
    for column in (0, 2):
        model.setHeaderData(column, Qt.Orientation.Horizontal, (ago, " ago"), Role.SPARE)
        table.columns.set_widest(column, (ago,), icon=False)
    table.cells.forget()
    table.columns.let_give_way([3])
    table.columns.set_main(1, 500)
    table.columns.fit()
    for column in (0, 2):
        table.columns.set_short(column, ("59 min",), icon=False, alike=True)
    table.columns.set_short(3, ("a",))
    seen = set()
    for width in range(900, 200, -7):
        table.resize(width, 300)
        said = {len(painted(table, column)) for column in (0, 2)}
        assert len(said) == 1, f"{width} pixels: two styles in one row"
        seen |= said
        assert width < 660 or said == {len(ago)}, f"{width} pixels: there is room"
    assert seen == {len(ago), len("59 min")}
    table.resize(900, 300)
    assert len(painted(table, 0)) == len(ago), "they come back"
    table.setColumnWidth(2, 70)
    assert len(painted(table, 0)) == len("59 min"), "also where one is drawn by hand"


def test_times_say_all_where_a_letter_of_the_main_column_is_room_enough(theme: Theme, qtbot: QtBot) -> None:
    """As wide as its name and the arrow of its order, a column nearly has the room."""
    ago = "59 min ago"
    table = shown(theme, qtbot, [[ago, "a much longer text " * 40, "b" * 40]], 390)
    table.model().setHeaderData(0, Qt.Orientation.Horizontal, (ago, " ago"), Role.SPARE)
    table.cells.forget()
    table.columns.set_widest(0, (ago,), icon=False)
    table.columns.set_main(1, 500)
    table.columns.let_give_way([2])
    table.columns.fit()
    table.columns.set_short(0, ("59 min",), icon=False, alike=True)
    for name, says in (("59 min a", ago), ("a", "59 min")):
        table.model().setHeaderData(0, Qt.Orientation.Horizontal, name)
        table.columns.fit()
        assert painted(table, 0) == says


def painted(table: DataTable, column: int) -> str:
    """The words that a cell of the first row is painted with."""
    found = list[str]()

    class Heard(CellDelegate):
        def _lay(self, text: str, mono: bool, width: int, middle: bool) -> _Laid:
            found.append(text)
            return super()._lay(text, mono, width, middle)

    index = table.model().index(0, column)
    option = QStyleOptionViewItem()
    option.rect = table.visualRect(index)
    picture = QPixmap(300, 300)
    painter = QPainter(picture)
    before, table.cells.__class__ = table.cells.__class__, Heard
    table.cells.paint(painter, option, index)
    table.cells.__class__ = before
    painter.end()
    return found[0]


def test_words_come_back_where_the_others_leave_room(theme: Theme, qtbot: QtBot) -> None:
    rows = [["verified since a while", "a much longer text " * 40, "b" * 60]]
    table = shown(theme, qtbot, rows, 1400)
    table.columns.set_main(1, 500)
    table.columns.set_short(0, ("verified",))
    table.columns.let_give_way([2])
    whole = table.columnWidth(0)
    while not table.isColumnHidden(2):
        before = table.columnWidth(0)
        table.resize(table.width() - 5, 300)
    assert before < whole == table.columnWidth(0), "the other one left enough"
    table.columns.set_main(1, room(table) - MISSING - before)
    assert table.columnWidth(0) == before, "the main one needs it now"
    assert table.horizontalHeader().length() == room(table) - MISSING


def test_the_main_column_is_as_wide_as_a_person_draws_it(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "a much longer text " * 40, "b"]])
    header, state = table.horizontalHeader(), [QByteArray()]
    table.columns._save = lambda saved: state.__setitem__(0, saved)
    border = QPoint(header.sectionViewportPosition(1) + header.sectionSize(1) - 1, 10)
    view, left = header.viewport(), Qt.MouseButton.LeftButton
    qtbot.mousePress(view, left, pos=border)
    qtbot.mouseMove(view, border - QPoint(90, 0))
    qtbot.mouseRelease(view, left, pos=border - QPoint(100, 0))
    drawn = table.columnWidth(1)
    assert drawn < room(table) - table.columnWidth(0) - table.columnWidth(2) - 50
    table.resize(900, 300)
    table.columns.save()
    assert table.columnWidth(1) == drawn
    again = added(qtbot, DataTable(theme, "Things", load=lambda: state[0]))
    again.setModel(table.model())
    again.columns.set_main(1)
    again.resize(800, 300)
    assert again.columnWidth(1) == drawn
    table.resizeColumnToContents(1)
    table.columns.fill()
    assert table.horizontalHeader().length() == room(table), "fitted, it takes what the others leave again"


def test_where_room_is_short_long_texts_give_way_before_words(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a word", "main " * 40, "second " * 40]], width=560)
    assert table.columnWidth(2) == 240
    assert table.columnWidth(1) >= 200
    table.resize(300, 300)
    assert table.columnWidth(1) == 100
    assert table.horizontalScrollBar().maximum() > 0


def test_no_column_gives_way_because_of_one_long_value(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a word", "main " * 40, "second" * 40, "a date of 1990"]], width=560)
    table.columns.let_give_way([3])
    table.columns.fit()
    assert table.columnWidth(2) == 132
    assert seen(table) == [0, 1, 2, 3]
    table.resize(300, 300)
    assert seen(table) == [0, 1, 2]


def seen(table: DataTable) -> list[int]:
    return [column for column in range(table.model().columnCount()) if not table.isColumnHidden(column)]


def test_columns_give_way_in_the_order_given_and_come_back(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "b", "c", "d"]])
    table.setColumnHidden(4, True)
    for column in (0, 2, 3):
        table.setColumnWidth(column, 100)
    table.columns.let_give_way([4, 3, 0])
    table.resize(400, 300)
    assert seen(table) == [0, 1, 2]
    table.resize(260, 300)
    assert seen(table) == [1, 2]
    assert table.horizontalHeader().length() == room(table) - MISSING
    button = child(table.horizontalHeader(), QToolButton)
    assert button.text() == "+2" and button.accessibleName().startswith("No room for 1, 4.")
    table.select_row(0)
    painted = table.viewport().grab().toImage()
    chosen = painted.pixelColor(table.horizontalHeader().length() + MISSING - 2, 5)
    assert chosen == theme.colour("selection"), "a row goes on below the button"
    menu = button.menu()
    menu.popup(QPoint())
    assert [entry.text() for entry in menu.actions() if not entry.isChecked()][-3:] == [
        "1 (no room)",
        "4 (no room)",
        "5",
    ]
    menu.close()
    table.resize(200, 300)
    qtbot.waitUntil(lambda: table.horizontalScrollBar().maximum() == 0)
    assert seen(table) == [1, 2]
    assert table.horizontalHeader().length() == room(table) - MISSING, "it stands over no column"
    table.resize(900, 300)
    assert seen(table) == [0, 1, 2, 3]
    assert table.horizontalHeader().length() == room(table)
    assert not button.isVisible()


def test_whichever_give_way_is_settled_at_once(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "b", "c"]])
    for column in (0, 2, 3):
        table.setColumnWidth(column, 130)
    table.columns.let_give_way([3, 0])
    for width in range(400, 600):
        table.resize(width, 300)
        before = seen(table), table.columnWidth(1)
        table.columns.fill()
        assert (seen(table), table.columnWidth(1)) == before
        assert table.horizontalHeader().length() <= room(table)


def test_the_sorted_column_and_one_that_a_person_shows_give_no_way(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "b", "c"]])
    for column in (0, 2, 3):
        table.setColumnWidth(column, 100)
    table.columns.let_give_way([3, 0])
    table.show_order(3, Qt.SortOrder.AscendingOrder)
    table.resize(260, 300)
    assert seen(table) == [1, 2, 3]
    table.setColumnHidden(0, False)
    assert seen(table) == [0, 1, 2, 3]


def test_the_column_that_a_list_is_sorted_by_next_comes_in_sight(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "b", "c"]])
    for column in (0, 2, 3):
        table.setColumnWidth(column, 100)
    table.columns.let_give_way([3, 0])
    table.resize(360, 300)
    assert seen(table) == [0, 1, 2]
    table.show_order(3, Qt.SortOrder.AscendingOrder)
    assert seen(table) == [1, 2, 3], "and another gives way"


def test_the_column_that_a_list_is_sorted_by_is_in_sight_though_it_was_hidden_once(
    theme: Theme, qtbot: QtBot
) -> None:
    table = shown(theme, qtbot, [["a", "b", "c"]])
    table.setColumnHidden(2, True)
    table.show_order(2, Qt.SortOrder.AscendingOrder)
    table.resize(600, 300)
    assert seen(table) == [0, 1, 2]
    menu = table.horizontalHeader().columns_menu(2)  # type: ignore[attr-defined]
    assert not menu.actions()[0].isEnabled()


@pytest.mark.parametrize("by_hand", [False, True])
def test_the_keyboard_is_never_in_a_column_that_is_hidden(theme: Theme, qtbot: QtBot, by_hand: bool) -> None:
    table = shown(theme, qtbot, [[f"a{row}", "b", "a word of some length"] for row in range(9)])
    table.columns.let_give_way([2, 0])
    table.selectRow(3)
    table.setCurrentIndex(table.model().index(3, 2))
    if by_hand:
        table.setColumnHidden(2, True)
    else:
        table.resize(150, 300)
        assert seen(table) == [1]
    for key, row in ((None, 3), (Qt.Key.Key_Down, 4), (Qt.Key.Key_End, 8), (Qt.Key.Key_Up, 7)):
        if key is not None:
            qtbot.keyClick(table, key)
        assert (table.selected_rows(), table.currentIndex().row()) == ([row], row)
        assert table.columnWidth(table.currentIndex().column())
    table.clearSelection()
    table.setCurrentIndex(QModelIndex())
    table.columns.let_give_way([0, 2])
    table.enter()
    qtbot.keyClick(table, Qt.Key.Key_Down)
    assert table.selected_rows() == [1]


def test_what_gave_way_is_not_kept_as_hidden(theme: Theme, qtbot: QtBot) -> None:
    kept: list[QByteArray] = []
    model = QStandardItemModel(0, 3)
    table = DataTable(theme, "Things", load=lambda: kept[-1] if kept else QByteArray(), save=kept.append)
    qtbot.addWidget(table)
    model.setParent(table)
    table.setModel(model)
    table.columns.set_main(1)
    table.columns.let_give_way([2])
    with qtbot.waitExposed(table):
        table.show()
    table.setColumnWidth(0, 150)  # by hand
    table.resize(300, 300)
    assert seen(table) == [0, 1]
    table.columns.save()
    assert seen(table) == [0, 1]
    table.columns.restore()
    assert seen(table) == [0, 1, 2]


def test_the_widest_word_fits_though_no_row_has_it(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "b", "c"]])
    before = table.columnWidth(0)
    table.columns.set_widest(0, ("completed", "a word of some length"))
    table.columns.fit()
    assert table.columnWidth(0) >= table.fontMetrics().horizontalAdvance("a word of some length") + 22
    assert table.columnWidth(0) > before
    with_icon = table.columnWidth(0)
    table.columns.set_widest(0, ("completed", "a word of some length"), icon=False)
    table.columns.fit()
    assert before < table.columnWidth(0) < with_icon


def test_where_room_is_short_no_column_is_narrower_than_the_words_it_was_promised(
    theme: Theme, qtbot: QtBot
) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "second " * 40]], width=560)
    words = "20 of 20 deliveries went well here"
    table.columns.set_widest(2, (words,), bars=20)
    table.columns.let_give_way([0])
    table.columns.fit()
    assert table.columnWidth(2) >= table.fontMetrics().horizontalAdvance(words) + 78 + 22


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_S])
def test_a_letter_does_not_search_the_rows(theme: Theme, qtbot: QtBot, key: Qt.Key) -> None:
    table = shown(theme, qtbot, [["a", "x", ""], ["b", "y", ""], ["s", "z", ""]])
    table.select_row(0)
    qtbot.keyClick(table, key)
    assert table.selected_rows() == [0]


def test_columns_hidden_from_the_start_take_no_room(theme: Theme, qtbot: QtBot) -> None:
    model = QStandardItemModel(0, 6)
    table = added(qtbot, DataTable(theme, "Things"))
    model.setParent(table)
    table.setModel(model)
    table.columns.hide_at_first([2, 3, 4])
    table.columns.set_main(1)
    table.resize(700, 300)
    with qtbot.waitExposed(table):
        table.show()
    assert table.horizontalHeader().length() == room(table)
    assert table.columnWidth(1) == room(table) - table.columnWidth(0) - table.columnWidth(5)


@pytest.mark.parametrize("hidden", [False, True])
def test_the_current_row_is_marked_at_its_left(theme: Theme, qtbot: QtBot, hidden: bool) -> None:
    table = shown(theme, qtbot, [["a", "b", "c"]] * 3)
    table.setColumnHidden(0, hidden)
    table.select_row(1)
    painted, y = table.viewport().grab().toImage(), table.rowViewportPosition(1) + 8
    assert painted.pixelColor(1, y).name() == theme.colour("accent").name()
    assert painted.pixelColor(5, y).name() != theme.colour("accent").name()


def test_what_a_file_calls_its_columns_is_no_markup(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "short", "b"]])
    hint = "<img src='file:///nowhere.png'><h1>x</h1> is a column of this database alone"
    table.model().setHeaderData(0, Qt.Orientation.Horizontal, hint, Qt.ItemDataRole.ToolTipRole)
    over = table.horizontalHeader().viewport()
    QApplication.sendEvent(
        over, QHelpEvent(QEvent.Type.ToolTip, QPoint(5, 5), over.mapToGlobal(QPoint(5, 5)))
    )
    assert "&lt;img" in QToolTip.text() and "<img" not in QToolTip.text()
    QToolTip.hideText()


@pytest.mark.parametrize("key", (Qt.Key.Key_Return, Qt.Key.Key_Down, Qt.Key.Key_Space))
def test_keys_on_what_says_how_many_columns_are_missing_open_it_and_no_row(
    theme: Theme, qtbot: QtBot, key: Qt.Key
) -> None:
    table = shown(theme, qtbot, [["a", "main " * 40, "b" * 20]])
    table.select_row(0)
    table.columns.let_give_way([2])
    table.resize(300, 300)
    button = child(table.horizontalHeader(), QToolButton)
    qtbot.waitUntil(button.isVisible)
    button.setFocus()
    opened: list[object] = []
    table.opened.connect(opened.append)
    menu = button.menu()
    menu.aboutToShow.connect(lambda: later(menu, 0, menu.close))
    with qtbot.waitSignal(menu.aboutToShow):
        qtbot.keyClick(button, key)
    assert opened == []
