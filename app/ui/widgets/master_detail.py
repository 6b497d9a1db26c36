"""A table and an inspector side by side, sharing the width until somebody moves the handle."""

from collections.abc import Callable

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSplitter, QWidget

GAP = 12
_DETAIL, _LEAST_DETAIL, _LEAST_HEIGHT = 400, 320, 160


class MasterDetail(QSplitter):
    """`MasterDetail(master, detail, *, load=None, save=None, parent=None)`.

    `detail` gets a third of the width, from 320 to 400 px, until the handle is moved by hand. `load()`
    returns the QByteArray that `save(QByteArray)` was last given, or an empty one; `save_sizes()` hands it
    over, and only what was arranged by hand. `share_width()` when the parts ask for another least width.
    """

    def __init__(
        self,
        master: QWidget,
        detail: QWidget,
        *,
        load: Callable[[], QByteArray] | None = None,
        save: Callable[[QByteArray], None] | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(Qt.Orientation.Horizontal, parent)
        self._save = save
        self.addWidget(master)
        self.addWidget(detail)
        self.setChildrenCollapsible(False)
        self.setHandleWidth(GAP)
        self.setStretchFactor(0, 1)
        self.setStretchFactor(1, 0)
        self.setMinimumHeight(_LEAST_HEIGHT)
        state = load() if load is not None else QByteArray()
        self._by_hand = not state.isEmpty() and self.restoreState(state)
        self.splitterMoved.connect(self._moved)

    def share_width(self) -> None:
        """Gives both their share, unless they were arranged by hand."""
        if not self._by_hand:
            room = self.width() - GAP
            detail = min(_DETAIL, max(_LEAST_DETAIL, room // 3))
            self.setSizes([room - detail, detail])

    def save_sizes(self) -> None:
        """Hands the sizes to `save`, once they were arranged by hand."""
        if self._save is not None and self._by_hand:
            self._save(self.saveState())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_width()

    def _moved(self) -> None:
        self._by_hand = True
