"""A small table: how it is ordered, and what it keeps while it is."""

import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.buttons import push_button
from app.ui.widgets.fields import Cell, Field, FieldList, StaticColumn, StaticTable

COLUMNS = (StaticColumn("Name"), StaticColumn("Rows", number=True))
ROWS = (
    (Cell("beta"), Cell("9", 9)),
    (Cell("Alpha"), Cell("1,200", 1200)),
    (Cell("gamma"), Cell("9,223,372,036,854,775,807", 2**63 - 1)),
)


@pytest.fixture
def table(qtbot: QtBot, theme: Theme) -> StaticTable:
    table = StaticTable(theme, "Tables", COLUMNS, ROWS)
    qtbot.addWidget(table)
    table.show()
    return table


def shown(table: StaticTable, column: int = 0) -> list[str]:
    return [str(table.model().index(row, column).data()) for row in range(table.model().rowCount())]


def test_words_are_sorted_whatever_their_case_and_numbers_as_numbers(table: StaticTable) -> None:
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert shown(table) == ["Alpha", "beta", "gamma"]
    table.sortByColumn(1, Qt.SortOrder.DescendingOrder)
    assert shown(table) == ["gamma", "Alpha", "beta"]
    assert [table.source_row(row) for row in range(3)] == [2, 1, 0]


def test_until_it_is_sorted_the_order_is_the_one_given(table: StaticTable) -> None:
    assert shown(table) == ["beta", "Alpha", "gamma"]


def test_what_is_selected_stays_so_when_it_moves(table: StaticTable) -> None:
    held = QPersistentModelIndex(table.model().index(0, 0))
    table.select_row(0)
    table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    assert (held.row(), held.data()) == (1, "beta")
    assert table.selected_rows() == [1]


def test_numbers_stand_at_the_right(table: StaticTable) -> None:
    role = Qt.ItemDataRole.TextAlignmentRole
    sides = [table.model().headerData(place, Qt.Orientation.Horizontal, role) for place in range(2)]
    assert [bool(side & Qt.AlignmentFlag.AlignRight.value) for side in sides] == [False, True]


def test_fields_are_plain_and_copied_whole(qtbot: QtBot, theme: Theme) -> None:
    fields = FieldList(theme)
    qtbot.addWidget(fields)
    whole = "9f3c" + "0" * 56 + "a1e7"
    fields.set_fields(
        [Field("Hash", "9f3c…a1e7", mono=True, copy=whole), Field("Note", "<b>x</b>"), Field("Secret", "")]
    )
    assert fields.value("Note") == "<b>x</b>"
    assert fields.value("Secret") == "—"
    assert fields.copy_button("Secret") is None
    button = fields.copy_button("Hash")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == whole


def test_a_long_value_opens_on_demand(qtbot: QtBot, theme: Theme) -> None:
    fields = FieldList(theme)
    qtbot.addWidget(fields)
    text = "line one\n" + "x" * 100_000
    fields.set_fields([Field("Note", text)])
    assert fields.value("Note") == "line one…"
    [show] = [b for b in fields.findChildren(type(push_button(theme, ""))) if b.text().startswith("Show all")]
    show.click()
    assert fields.findChildren(QPlainTextEdit)[0].toPlainText() == text
