"""Where rows take long to come: a table that stays on rows that are there while its scroll bar goes ahead."""

from typing import Final

from PySide6.QtCore import QModelIndex, QObject, QTimer

from app.itemmodels.virtual_table import VirtualTableModel
from app.ui.widgets.data_table import DataTable

STILL_MS: Final = 800
"""How long it stays without a row that has come nearer to the scroll bar; then what is there is shown."""


class HeldPlace(QObject):
    """Lets `view` follow its scroll bar no faster than the rows of `model` come.

    Until those at the bar are there it shows the nearest ones that came on the way, which can be read and
    chosen as ever: a fast drag would be blank all along.
    """

    def __init__(self, view: DataTable, model: VirtualTableModel) -> None:
        super().__init__(view)
        self._view, self._model = view, model
        self._patience = QTimer(self, singleShot=True, interval=STILL_MS)
        self._patience.timeout.connect(self.let_go)
        self._is_late = False
        view.holds = self._holds
        model.dataChanged.connect(self._came)
        model.modelReset.connect(self._begun)

    def let_go(self) -> None:
        """Goes to where the bar is, whatever there is of it."""
        self._is_late = self._view.held_at is not None
        self._go_to(None)

    def _begun(self) -> None:
        self._is_late = False
        self._go_to(None)

    def _sight(self, at: int) -> tuple[int, int]:
        """The first and the last row of a view that is `at` so many pixels."""
        high = self._view.verticalHeader().defaultSectionSize()
        last = (at + self._view.viewport().height() - 1) // high
        return at // high, min(last, self._model.rowCount() - 1)

    def _are_there(self, first: int, last: int) -> bool:
        return self._model.record(first) is not None and self._model.record(last) is not None

    def _holds(self) -> bool:
        """Whether the view is to stay, now that the bar has moved."""
        wanted = self._sight(self._view.verticalScrollBar().value())
        if self._model.ask_for(*wanted):
            self._is_late = False
        elif not self._is_late and self._are_there(*self._sight(self._view.verticalHeader().offset())):
            if self._view.held_at is None:
                self._view.held_at = self._view.verticalHeader().offset()
                self._patience.start()
            return True
        self._go_to(None)
        return False

    def _came(self, first: QModelIndex, last: QModelIndex) -> None:
        """Goes on to the bar, or to the nearest of the rows that came."""
        if (held := self._view.held_at) is None:
            return
        bar = self._view.verticalScrollBar().value()
        if self._are_there(*self._sight(bar)):
            self._go_to(None)
            return
        high = self._view.verticalHeader().defaultSectionSize()
        begin, end = first.row() * high, (last.row() + 1) * high - self._view.viewport().height()
        nearest = max(begin, min(bar, end))
        if begin <= end and abs(bar - nearest) < abs(bar - held) and self._are_there(*self._sight(nearest)):
            self._go_to(nearest)
            self._patience.start()

    def _go_to(self, place: int | None) -> None:
        was, self._view.held_at = self._view.held_at, place
        if place is None:
            self._patience.stop()
            place = self._view.verticalScrollBar().value()
        if was is not None:
            self._view.verticalHeader().setOffset(place)
            self._view.viewport().update()
