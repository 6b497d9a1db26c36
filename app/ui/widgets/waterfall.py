"""What parts of a time took, one below the other, each where it lay in the whole."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF, QSize
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QWidget

from app.ui.theme import Theme
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look, clear

_LEAST = 3.0
"""Pixels of a bar that takes no time."""
_HEIGHT, _BAR = 20, 8


@dataclass(frozen=True, slots=True)
class WaterfallBar:
    """A part by its name; when it began and how long it took, in seconds."""

    name: str
    begun: float
    took: float


class Waterfall(QWidget):
    """The longest piece is bold and in the accent, the others are quiet."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)

    def show_pieces(self, pieces: Sequence[WaterfallBar]) -> None:
        clear(self._grid)
        whole = max((piece.begun + piece.took for piece in pieces), default=0.0)
        longest = max(pieces, key=lambda piece: piece.took, default=None)
        for row, piece in enumerate(pieces):
            is_longest = piece is longest
            look = Look.STRONG if is_longest else Look.TEXT
            took = Label(milliseconds(piece.took), look, caption=piece.name)
            name = Label(piece.name, look)
            name.setBuddy(took)
            self._grid.addWidget(name, row, 0)
            self._grid.addWidget(_Bar(self._theme, piece, whole, is_longest=is_longest), row, 1)
            self._grid.addWidget(took, row, 2)
            took.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)


def milliseconds(seconds: float) -> str:
    return f"{grouped(round(seconds * 1000))} ms"


class _Bar(QWidget):
    def __init__(self, theme: Theme, piece: WaterfallBar, whole: float, *, is_longest: bool) -> None:
        super().__init__()
        self._theme, self._is_longest = theme, is_longest
        self._from, self._part = (piece.begun / whole, piece.took / whole) if whole else (0.0, 0.0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        middle, width = self.height() / 2, self.width()
        painter.fillRect(QRectF(0, round(middle), width, 1), self._theme.colour("line"))
        wide = max(_LEAST, self._part * width)
        left = min(self._from * width, width - wide)
        colour = self._theme.colour("accent" if self._is_longest else "scroll_hover")
        painter.fillRect(QRectF(left, round(middle - _BAR / 2), wide, _BAR), colour)
        painter.end()
