"""A drawing that can be asked about: by the pointer, by keys, and by a screen reader."""

from collections.abc import Callable
from functools import partial
from textwrap import fill

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPaintEvent,
    QPen,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from app.ui.widgets.drawing import Drawing, Frame, as_png, as_svg, framed, paint, text_font
from app.ui.widgets.formatting import tooltip

Draw = Callable[[float, float], Drawing]
"""Makes a drawing of this width and height."""

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_LINE = 60
"""Characters of a line of a tool tip."""
_RADIUS, _NEAR = 8, 6.0
"""Pixels beside a spot that count as on it."""


class Chart(QWidget):
    """`set_drawing(name, draw)`: the drawing is made again for each size.

    A spot's words are shown when the pointer or Left and Right are on it; `picked(key)` when one with a key
    is clicked, or Return is pressed on it.
    """

    picked = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._draw: Draw = Drawing
        self._drawing = Drawing(0, 0)
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(720, 240)  # and less than that says little; who has more room gives it

    def set_drawing(self, name: str, draw: Draw) -> None:
        self._draw = draw
        self.setAccessibleName(name)
        self._make()

    @property
    def drawing(self) -> Drawing:
        return self._drawing

    def measure(self, text: str) -> float:
        """How wide a text of the drawing is at most."""
        return QFontMetricsF(text_font(self.font(), is_bold=True)).horizontalAdvance(text)

    def png(self, frame: Frame, width: int, height: int) -> Callable[[], bytes]:
        """What makes a picture of this size, in any thread: to pack one takes long enough to be felt."""
        drawing = framed(frame, self._draw, width, height)
        return partial(as_png, drawing, self._theme.colour, QFont(self.font()))

    def svg(self, frame: Frame, width: int, height: int) -> str:
        title = f"{frame.title}. {frame.shows} {frame.source}"
        return as_svg(framed(frame, self._draw, width, height), self._theme.colour, title)

    def _make(self) -> None:
        self._drawing = self._draw(self.width(), self.height())
        self._go(-1)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.setBrush(self._theme.colour("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        paint(painter, self._drawing, self._theme.colour, self.font())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if 0 <= self._current < len(self._drawing.spots):
            painter.setPen(QPen(self._theme.colour("text"), 1.5))
            painter.drawRoundedRect(self._drawing.spots[self._current].rect().adjusted(-2, -2, 2, 2), 3, 3)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(self._at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        self._go(-1)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(self._at(event.position().x(), event.position().y()))
            self._pick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._drawing.spots) - 1
        key = Qt.Key(event.key())
        if key in _STEPS and last >= 0:
            self._go(min(last, max(0, self._current + _STEPS[key])))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and last >= 0:
            self._go(0 if key == Qt.Key.Key_Home else last)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self._pick()
        else:
            super().keyPressEvent(event)

    def _at(self, x: float, y: float) -> int:
        """The spot there; of several the one whose middle is nearest."""
        near = [
            ((spot.x + spot.width / 2 - x) ** 2 + (spot.y + spot.height / 2 - y) ** 2, position)
            for position, spot in enumerate(self._drawing.spots)
            if spot.rect().adjusted(-_NEAR, -_NEAR, _NEAR, _NEAR).contains(x, y)
        ]
        return min(near)[1] if near else -1

    def _pick(self) -> None:
        if self._current >= 0 and (key := self._drawing.spots[self._current].key) is not None:
            self.picked.emit(key)

    def _go(self, position: int) -> None:
        if position == self._current:
            return
        self._current = position
        words = self._drawing.spots[position].words if position >= 0 else ""
        self.setAccessibleDescription(words)
        if words:
            where = self._drawing.spots[position].rect().bottomLeft().toPoint()
            QToolTip.showText(self.mapToGlobal(where), tooltip(fill(words, _LINE), lines=True), self)
        else:
            QToolTip.hideText()
        self.update()
