"""How a table shares out its width."""

from collections.abc import Sequence

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.data_table import DataTable


def shown(theme: Theme, qtbot: QtBot, rows: Sequence[Sequence[str]], width: int = 700) -> DataTable:
    model = QStandardItemModel()
    for row in rows:
        model.appendRow([QStandardItem(cell) for cell in row])
    table = DataTable(theme, "Things")
    qtbot.addWidget(table)
    model.setParent(table)
    table.setModel(model)
    table.columns.set_main(1)
    table.resize(width, 300)
    with qtbot.waitExposed(table):
        table.show()
    table.columns.fit()
    return table


def test_the_main_column_takes_what_the_others_leave(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "short", "b"], ["a", "a much longer text " * 40, "b"]])
    assert table.horizontalHeader().length() == table.viewport().width()
    assert table.columnWidth(1) > 400
    others = table.columnWidth(0), table.columnWidth(2)
    table.resize(900, 300)
    assert table.horizontalHeader().length() == table.viewport().width()
    assert (table.columnWidth(0), table.columnWidth(2)) == others
    table.setColumnHidden(2, True)
    assert table.horizontalHeader().length() == table.viewport().width()


def test_where_room_is_short_long_texts_give_way_before_words(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a word", "main " * 40, "second " * 40]], width=560)
    assert table.columnWidth(2) == 240
    assert table.columnWidth(1) >= 200
    table.resize(300, 300)
    assert table.columnWidth(1) == 200
    assert table.horizontalScrollBar().maximum() > 0


def test_the_widest_word_fits_though_no_row_has_it(theme: Theme, qtbot: QtBot) -> None:
    table = shown(theme, qtbot, [["a", "b", "c"]])
    before = table.columnWidth(0)
    table.columns.set_widest(0, ("completed", "a word of some length"))
    table.columns.fit()
    assert table.columnWidth(0) >= table.fontMetrics().horizontalAdvance("a word of some length") + 22
    assert table.columnWidth(0) > before


@pytest.mark.parametrize("key", [Qt.Key.Key_B, Qt.Key.Key_S])
def test_a_letter_does_not_search_the_rows(theme: Theme, qtbot: QtBot, key: Qt.Key) -> None:
    table = shown(theme, qtbot, [["a", "x", ""], ["b", "y", ""], ["s", "z", ""]])
    table.select_row(0)
    qtbot.keyClick(table, key)
    assert table.selected_rows() == [0]


def test_columns_hidden_from_the_start_take_no_room(theme: Theme, qtbot: QtBot) -> None:
    model = QStandardItemModel(0, 6)
    table = DataTable(theme, "Things")
    qtbot.addWidget(table)
    model.setParent(table)
    table.setModel(model)
    table.columns.hide_at_first([2, 3, 4])
    table.columns.set_main(1)
    table.resize(700, 300)
    with qtbot.waitExposed(table):
        table.show()
    assert table.horizontalHeader().length() == table.viewport().width()
    assert table.columnWidth(1) == table.viewport().width() - table.columnWidth(0) - table.columnWidth(5)
