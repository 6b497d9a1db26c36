"""One paint instead of two when a table jumps to rows that are still being read."""

from PySide6.QtCore import QObject, QTimer
from PySide6.QtWidgets import QTableView

from app.itemmodels.virtual_table import VirtualTableModel

LONGEST_MS = 25
"""How long a view may stand still: less than a person notices, longer than a page takes."""


class HeldPainting(QObject):
    """`HeldPainting(view, model)`: asks for the rows scrolled to at once and paints when they have come.

    Painting is never held longer than `LONGEST_MS` after the first scroll; then what is there is painted.
    """

    def __init__(self, view: QTableView, model: VirtualTableModel) -> None:
        super().__init__(view)
        self._view = view
        self._model = model
        self._patience = QTimer(self, singleShot=True, interval=LONGEST_MS)
        self._patience.timeout.connect(self._release)
        view.verticalScrollBar().valueChanged.connect(self._scrolled)
        for signal in (model.dataChanged, model.modelReset, model.rowsInserted, model.rowsRemoved):
            signal.connect(self._release)

    def _scrolled(self) -> None:
        first, last = self._view.rowAt(0), self._view.rowAt(self._view.viewport().height() - 1)
        if last < 0:
            last = self._model.rowCount() - 1
        if self._model.ask_for(first, last):
            self._release()
        elif not self._patience.isActive() and self._view.viewport().updatesEnabled():
            self._view.viewport().setUpdatesEnabled(False)
            self._patience.start()

    def _release(self) -> None:
        self._patience.stop()
        self._view.viewport().setUpdatesEnabled(True)
