"""How many entries there are on each day, as bars to pick a day from."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.services.text import counted
from app.ui.theme import Theme

_HEIGHT, _AXIS, _NARROWEST, _WIDEST, _GAP = 68, 18, 4, 28, 1
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar: the first and last day it stands for, and how many entries they have together."""

    first: date
    last: date
    count: int

    def words(self) -> str:
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        return f"{span}: {counted(self.count, 'entry', 'entries')}"


def bars_of(days: Sequence[tuple[int, int]], most: int) -> list[Bar]:
    """At most `most` bars of equal numbers of days, without gaps, from (days since 1970, count)."""
    if not days:
        return []
    first, last = days[0][0], days[-1][0]
    width = max(1, -(-(last - first + 1) // max(1, most)))
    counts = [0] * -(-(last - first + 1) // width)
    for day, count in days:
        counts[(day - first) // width] += count
    start = _EPOCH + timedelta(days=first)
    end = _EPOCH + timedelta(days=last)
    return [
        Bar(begin, min(end, begin + timedelta(days=width - 1)), count)
        for position, count in enumerate(counts)
        for begin in [start + timedelta(days=position * width)]
    ]


class Timeline(QWidget):
    """`set_days([(days since 1970, count)])`; hidden below two days.

    `picked(first, last)` (dates) when a bar is clicked, or chosen with Left, Right and Return. Each bar is a
    day, or several where the days are more than the pixels.
    """

    picked = Signal(object, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._has_room = True
        self._days: tuple[tuple[int, int], ...] = ()
        self._bars: list[Bar] = []
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setMouseTracking(True)
        self.setAccessibleName("Entries per day")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.hide()

    def set_days(self, days: Sequence[tuple[int, int]]) -> None:
        self._days = tuple((day, count) for day, count in days if 0 <= day < 1_000_000)
        self._make_bars()
        self._show_or_hide()
        self.update()

    def set_room(self, enough: bool) -> None:
        self._has_room = enough
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        self.setVisible(self._has_room and len(self._days) > 1)

    def _make_bars(self) -> None:
        self._bars = bars_of(self._days, max(1, self.width() // (_NARROWEST + _GAP)))
        self._current = -1

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make_bars()

    def bar_rect(self, position: int) -> QRect:
        step = self._step()
        left = round(position * step)
        return QRect(left, 0, max(1, round((position + 1) * step) - left - _GAP), _HEIGHT - _AXIS)

    def sizeHint(self) -> QSize:
        return QSize(400, _HEIGHT)

    def paintEvent(self, event: QPaintEvent) -> None:
        bars = self._bars
        painter = QPainter(self)
        highest = max(bar.count for bar in bars) or 1
        room = _HEIGHT - _AXIS
        accent, line = self._theme.colour("accent"), self._theme.colour("line")
        soft = self._theme.colour("accent")
        soft.setAlphaF(0.45)
        for position, bar in enumerate(bars):
            rect = self.bar_rect(position)
            height = max(2, round(bar.count / highest * (room - 4))) if bar.count else 0
            painter.fillRect(
                QRect(rect.left(), room - height, rect.width(), height),
                accent if position == self._current else soft,
            )
        painter.fillRect(0, room, self.width(), 1, line)
        painter.setPen(self._theme.colour("dim"))
        last = round(self._step() * len(bars))
        axis = QRect(0, room + 2, max(last, 200), _AXIS - 2)
        middle = Qt.AlignmentFlag.AlignVCenter
        painter.drawText(axis, middle | Qt.AlignmentFlag.AlignLeft, str(bars[0].first))
        painter.drawText(axis, middle | Qt.AlignmentFlag.AlignRight, str(bars[-1].last))
        if self.hasFocus():
            painter.setPen(accent)
            painter.drawRect(self.rect().adjusted(0, 0, -1, -1))
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(self._at(event.position().toPoint()))

    def leaveEvent(self, event: QEvent) -> None:
        self._go(-1)
        super().leaveEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        position = self._at(event.position().toPoint())
        if event.button() == Qt.MouseButton.LeftButton and position >= 0 and self._bars[position].count:
            self._pick(position)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._bars) - 1
        match event.key():
            case Qt.Key.Key_Left:
                self._go(max(0, (self._current if self._current >= 0 else last + 1) - 1))
            case Qt.Key.Key_Right:
                self._go(min(last, self._current + 1))
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space if self._current >= 0:
                self._pick(self._current)
            case _:
                super().keyPressEvent(event)

    def _step(self) -> float:
        return min(_WIDEST, self.width() / max(1, len(self._bars)))

    def _at(self, where: QPoint) -> int:
        position = int(where.x() / self._step())
        return position if 0 <= position < len(self._bars) else -1

    def _pick(self, position: int) -> None:
        self.picked.emit(self._bars[position].first, self._bars[position].last)

    def _go(self, position: int) -> None:
        if position == self._current:
            return
        self._current = position
        if position >= 0:
            words = self._bars[position].words()
            self.setAccessibleDescription(words)
            where = self.mapToGlobal(self.bar_rect(position).bottomLeft())
            QToolTip.showText(where, words, self)
        else:
            QToolTip.hideText()
        self.update()
