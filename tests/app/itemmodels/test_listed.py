"""Rows that are all at hand: their order, what is kept of them, and that Qt's own rules of a model hold."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.itemmodels.columns import Column
from app.itemmodels.listed import ListedModel

ROWS = [("b", 2, None), ("A", 10, 1), ("c", 1, 3)]
DOWN = Qt.SortOrder.DescendingOrder


def names(model: ListedModel) -> str:
    return "".join(str(model.index(row, 0).data()) for row in range(model.rowCount()))


def test_rows_are_sorted_and_filtered() -> None:
    columns = [Column("name", "Name"), Column("when", "When"), Column("size", "Size", right=True)]
    model = ListedModel(columns, ("name", "size", "when"))
    tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.show(ROWS)
    assert names(model) == "bAc"
    model.sort(0)
    assert names(model) == "Abc"
    model.sort(2, DOWN)
    assert names(model) == "Abc"
    model.sort(1)
    assert names(model) == "Acb"
    model.sort(1, DOWN)
    assert names(model) == "cAb"  # what has no value stays at the end
    model.keep(lambda row: row[1] < 10)
    assert names(model) == "cb"
    model.show([*ROWS, ("d", 3, 9)])
    assert names(model) == "dcb"
    model.sort(-1)
    assert (names(model), model.shown[0]) == ("bcd", ROWS[0])
    assert model.headerData(2, Qt.Orientation.Horizontal) == "Size"
    assert model.headerData(2, Qt.Orientation.Vertical) is None
    del tester
