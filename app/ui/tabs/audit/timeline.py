"""How many entries there are on each day, as bars to pick a day from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from PySide6.QtCore import QEvent, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.services.text import counted
from app.ui.theme import Theme

_HEIGHT, _AXIS, _NARROWEST, _WIDEST, _GAP, _MARK = 68, 18, 4, 28, 1, 4
_EPOCH = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar, or several: the first and last day it stands for, how many entries they have together, and how
    many findings there are of these.
    """

    first: date
    last: date
    count: int
    findings: int = 0

    def words(self) -> str:
        span = f"{self.first}" if self.first == self.last else f"{self.first} to {self.last}"
        found = f", {counted(self.findings, 'finding')}" if self.findings else ""
        return f"{span}: {counted(self.count, 'entry', 'entries')}{found}"


def bars_of(
    days: Sequence[tuple[int, int]], most: int, findings: Mapping[int, int] = MappingProxyType({})
) -> list[Bar]:
    """At most `most` bars of equal numbers of days, without gaps, from (days since 1970, count) and how many
    findings there are on a day.
    """
    if not days:
        return []
    first, last = days[0][0], days[-1][0]
    width = max(1, -(-(last - first + 1) // max(1, most)))
    counts = [0] * -(-(last - first + 1) // width)
    for day, count in days:
        counts[(day - first) // width] += count
    found = [0] * len(counts)
    for day, count in findings.items():
        if first <= day <= last:
            found[(day - first) // width] += count
    start = _EPOCH + timedelta(days=first)
    end = _EPOCH + timedelta(days=last)
    return [
        Bar(begin, min(end, begin + timedelta(days=width - 1)), count, found[position])
        for position, count in enumerate(counts)
        for begin in [start + timedelta(days=position * width)]
    ]


class Timeline(QWidget):
    """`set_days([(days since 1970, count)])`; hidden below two days.

    `picked(first, last)` (dates) when a bar is clicked, or several are dragged over, or chosen with Left and
    Right (Shift for several) and Return. Each bar is a day, or several where the days are more than the
    pixels; one with findings has a mark above it.
    """

    picked = Signal(object, object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._has_room = True
        self._days: tuple[tuple[int, int], ...] = ()
        self._bars: list[Bar] = []
        self._findings: Mapping[int, int] = {}
        self._current = self._anchor = -1
        """The bar under the pointer or the keyboard, and where several begin."""
        self._is_held = False
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

    def set_findings(self, findings: Mapping[int, int]) -> None:
        """How many there are on which day, in days since 1970."""
        if findings != self._findings:
            self._findings = findings
            self._make_bars()
            self.update()

    def set_room(self, enough: bool) -> None:
        self._has_room = enough
        self._show_or_hide()

    def _show_or_hide(self) -> None:
        self.setVisible(self._has_room and len(self._days) > 1)

    def _make_bars(self) -> None:
        self._bars = bars_of(self._days, max(1, self.width() // (_NARROWEST + _GAP)), self._findings)
        self._current = self._anchor = -1
        self._is_held = False
        self.setAccessibleDescription("")

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
        chosen, bad = self._chosen(), self._theme.colour("bad")
        for position, bar in enumerate(bars):
            rect = self.bar_rect(position)
            height = max(2, round(bar.count / highest * (room - 4))) if bar.count else 0
            painter.fillRect(
                QRect(rect.left(), room - height, rect.width(), height),
                accent if position in chosen else soft,
            )
            if bar.findings:
                left = rect.center().x() - _MARK // 2
                painter.fillRect(QRect(left, 0, _MARK, _MARK), bad)
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
        if event.button() == Qt.MouseButton.LeftButton and position >= 0:
            self._is_held = True
            self._go(position)
            self._anchor = position

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self._is_held:
            self._is_held = False
            self._pick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._bars) - 1
        match event.key():
            case Qt.Key.Key_Left | Qt.Key.Key_Right as key:
                if not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
                    self._anchor = -1
                elif self._anchor < 0:
                    self._anchor = self._current
                at = self._current if self._current >= 0 else last + 1
                self._go(max(0, at - 1) if key == Qt.Key.Key_Left else min(last, self._current + 1))
            case Qt.Key.Key_Escape if self._anchor >= 0:
                self._anchor, self._is_held = -1, False
                self.update()
            case Qt.Key.Key_Return | Qt.Key.Key_Enter | Qt.Key.Key_Space if self._current >= 0:
                self._pick()
            case _:
                super().keyPressEvent(event)

    def _step(self) -> float:
        return min(_WIDEST, self.width() / max(1, len(self._bars)))

    def _at(self, where: QPoint) -> int:
        position = int(where.x() / self._step())
        return position if 0 <= position < len(self._bars) else -1

    def _chosen(self) -> range:
        """The positions of the bars that are chosen: from where a person began to where they are."""
        if self._current < 0:
            return range(0)
        begun = self._anchor if self._anchor >= 0 else self._current
        return range(min(begun, self._current), max(begun, self._current) + 1)

    def _together(self) -> Bar:
        bars = [self._bars[position] for position in self._chosen()]
        count, findings = (sum(one) for one in zip(*((bar.count, bar.findings) for bar in bars), strict=True))
        return Bar(bars[0].first, bars[-1].last, count, findings)

    def _pick(self) -> None:
        together = self._together()
        self._anchor = -1
        self.update()
        if together.count:
            self.picked.emit(together.first, together.last)

    def _go(self, position: int) -> None:
        if position == self._current or (self._is_held and position < 0):
            return
        self._current = position
        if position >= 0:
            words = self._together().words()
            self.setAccessibleDescription(words)
            where = self.mapToGlobal(self.bar_rect(position).bottomLeft())
            QToolTip.showText(where, words, self)
        else:
            QToolTip.hideText()
        self.update()
