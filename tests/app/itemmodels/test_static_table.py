import pytest
from PySide6.QtCore import QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.itemmodels.static_table import Cell, Column, StaticModel

COLUMNS = (Column("Name"), Column("Rows", number=True))
ROWS = ((Cell("beta"), Cell("9", 9)), (Cell("Alpha"), Cell("1,200", 1200)), (Cell("gamma"), Cell("30", 30)))


@pytest.fixture
def model() -> StaticModel:
    made = StaticModel(COLUMNS, ROWS)
    QAbstractItemModelTester(made, QAbstractItemModelTester.FailureReportingMode.Warning, made)
    return made


def shown(model: StaticModel, column: int = 0) -> list[str]:
    return [str(model.index(row, column).data()) for row in range(model.rowCount())]


def test_words_are_sorted_whatever_their_case_and_numbers_as_numbers(model: StaticModel) -> None:
    model.sort(0)
    assert shown(model) == ["Alpha", "beta", "gamma"]
    model.sort(1, Qt.SortOrder.DescendingOrder)
    assert shown(model, 1) == ["1,200", "30", "9"]
    assert [model.source_row(row) for row in range(3)] == [1, 2, 0]


def test_without_a_sort_the_order_is_the_one_given(model: StaticModel) -> None:
    model.sort(0)
    model.sort(-1)
    assert shown(model) == ["beta", "Alpha", "gamma"]


def test_what_is_selected_stays_so_when_it_moves(model: StaticModel) -> None:
    held = QPersistentModelIndex(model.index(0, 0))
    model.sort(0)
    assert (held.row(), held.data()) == (1, "beta")


def test_numbers_stand_at_the_right(model: StaticModel) -> None:
    role = Qt.ItemDataRole.TextAlignmentRole
    sides = [model.headerData(place, Qt.Orientation.Horizontal, role) for place in range(2)]
    assert [bool(side & Qt.AlignmentFlag.AlignRight) for side in sides] == [False, True]
