"""A jump in a long table: nothing is painted until the rows are there, or have been late for too long."""

from collections.abc import Callable

from PySide6.QtWidgets import QTableView
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Column
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Listing
from app.ui.widgets.data_table import HeldPainting


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


def test_scrolling_among_rows_at_hand_holds_nothing(qtbot: QtBot) -> None:
    table = Table(qtbot)
    table.view.verticalScrollBar().setValue(50)
    assert table.view.viewport().updatesEnabled() and table.requests == []
