"""A table behind a slow database, whose scroll bar is dragged faster than rows come."""

from collections.abc import Callable

import pytest
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Column
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Listing
from app.ui.theme import Theme
from app.ui.widgets.data_table import DataTable, HeldPlace


class Dragged:
    """A view of 5,000 rows, and the requests that nobody has answered."""

    def __init__(self, qtbot: QtBot, theme: Theme) -> None:
        self.requests: list[Keys] = []
        self.model = VirtualTableModel((Column("seq", "No."),), ("seq",), self._request)
        self.model._look_ahead.setInterval(600_000)  # nothing but what is scrolled to
        self.view = DataTable(theme, "Entries")
        qtbot.addWidget(self.view)
        self.view.setModel(self.model)
        self.held = HeldPlace(self.view, self.model)
        self.model.reset_to(Listing(ListQuery("audit_chain"), 5_000, range(5_000), ((0,),) * 200))
        self.view.resize(300, 400)
        with qtbot.waitExposed(self.view):
            self.view.show()

    def _request(self, keys: Keys) -> Callable[[], None]:
        self.requests.append(keys)
        return lambda: None

    def answer(self) -> None:
        keys = self.requests.pop(0)
        self.model.set_page(keys, [(key,) for key in keys])

    def drag(self, row: int) -> None:
        high = self.view.verticalHeader().defaultSectionSize()
        self.view.verticalScrollBar().setValue(row * high)

    def top(self) -> int:
        return self.view.rowAt(0)


@pytest.fixture
def dragged(qtbot: QtBot, theme: Theme) -> Dragged:
    return Dragged(qtbot, theme)


def test_the_view_stays_on_rows_that_are_there_until_those_at_the_bar_are(dragged: Dragged) -> None:
    dragged.drag(100)
    assert (dragged.top(), dragged.requests) == (100, []), "rows at hand keep nobody"
    for row in (1_100, 2_100, 3_100):
        dragged.drag(row)
    assert dragged.top() == 100
    dragged.answer()  # of where the bar was first
    assert 1_200 < dragged.top() < 1_250, "the nearest ones that have come"
    assert dragged.model.record(dragged.top()) is not None
    dragged.view.updateGeometries()
    assert 1_200 < dragged.top() < 1_250
    dragged.answer()
    assert (dragged.top(), dragged.view.held_at) == (3_100, None)


@pytest.mark.parametrize("row", [3_000, 4_999])
def test_a_row_that_is_selected_comes_into_sight_with_its_page_which_may_move_rows(
    dragged: Dragged, row: int
) -> None:
    model, view = dragged.model, dragged.view
    view.select_row(row)
    view.bring_into_sight(model.index(row, 0))
    assert view.held_at == 0 and dragged.top() == 0
    while dragged.requests:
        with view.kept_in_place(model.key, model.row_of_key):  # as a list does whose length is estimated
            dragged.answer()
    assert view.held_at is None and row in view.rows_in_sight()


def test_rows_that_do_not_come_hold_it_no_longer_than_a_while(dragged: Dragged, qtbot: QtBot) -> None:
    dragged.held._patience.setInterval(20)
    dragged.drag(1_100)
    qtbot.waitUntil(lambda: dragged.top() == 1_100)
    dragged.drag(2_100)
    assert dragged.top() == 2_100, "nor the next time"
    dragged.drag(0)
    dragged.drag(3_100)
    assert dragged.top() == 0, "rows were at hand since"
    dragged.model.clear()
    assert dragged.view.held_at is None
