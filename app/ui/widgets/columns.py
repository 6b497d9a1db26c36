"""Two parts beside each other, or below each other where there is little room."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QSizePolicy, QWidget

from app.ui.widgets.labels import in_row

_LEAST = 640
"""The width in pixels from which on they stand beside each other."""


class Columns(QWidget):
    """`shares` are what each takes of the width. The two parts are given at once or, where they are large, by
    `stand` when this has its place: made within it, they are not styled once more for being moved there.
    """

    def __init__(self, *parts: QWidget, spacing: int = 24, shares: tuple[int, int] = (1, 1)) -> None:
        super().__init__()
        self._parts, self._spacing, self._shares = parts, spacing, shares
        self._row = in_row(within=self, spacing=spacing)
        self.stand(*parts)
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def stand(self, *parts: QWidget) -> None:
        self._parts = parts
        for part, share in zip(parts, self._shares, strict=False):
            self._row.addWidget(part, share)

    def heightForWidth(self, width: int) -> int:
        if width >= _LEAST:
            each = (width - self._spacing) / sum(self._shares)
            shared = zip(self._parts, self._shares, strict=False)
            return max((_height(part, int(each * share)) for part, share in shared), default=0)
        return sum(_height(part, width) for part in self._parts) + self._spacing

    def sizeHint(self) -> QSize:
        width = max(self.width(), self.minimumSizeHint().width())
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        wide = max((part.minimumSizeHint().width() for part in self._parts), default=0)
        return QSize(wide, self.heightForWidth(max(self.width(), wide)))

    def resizeEvent(self, event: QResizeEvent) -> None:
        direction = QBoxLayout.Direction
        self._row.setDirection(
            direction.LeftToRight if event.size().width() >= _LEAST else direction.TopToBottom
        )
        super().resizeEvent(event)


def _height(part: QWidget, width: int) -> int:
    wrapped = part.heightForWidth(width)
    return wrapped if wrapped >= 0 else part.minimumSizeHint().height()
