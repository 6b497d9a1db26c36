"""What marks a live database all along the window's top: nobody takes production for anything else."""

from PySide6.QtCore import QPointF, QRect, QTimer
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPolygonF
from PySide6.QtWidgets import QFrame, QWidget

from app.services.opened import Mark
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.theme import CONNECTIONS, Theme, set_property
from app.ui.widgets.buttons import BESIDE_WORDS, push_button
from app.ui.widgets.labels import ElidedLabel, Label, in_row

_EDGE = 3
"""Pixels of colour at the window's other edges, in production."""
_STRIPES, _STRIPE = 64, 11
_SAY_MS = 10_000
_AROUND_STATE = (8, 1, 8, 1)
"""Pixels around what is said of open writes."""


def production_mark(place: str, colour: str) -> list[str]:
    """What dialogs of a production database have on top (`Dialog`); `colour` by its name."""
    return [f"PRODUCTION · {place}", *CONNECTIONS[colour]]


class Strip(QFrame):
    """Which live database is open, and whether it can be written; production with stripes at both ends.

    `unlock_button` asks for its writes, or locks them again; that they are open is said in red.
    """

    def __init__(self, theme: Theme, parent: QWidget) -> None:
        super().__init__(parent)
        self._context: Context | None = None
        self.is_production = False
        self.colours, self._colour = (QColor(), QColor()), ""
        self.mark, self.name, self.state = Label("PRODUCTION"), ElidedLabel(), Label()
        self.unlock_button = push_button(theme, "")
        self.unlock_button.setIconSize(BESIDE_WORDS)
        parts = (self.mark, (self.name, 1), self.state, self.unlock_button)
        self._row = in_row(*parts, within=self, margins=(12, 3, 12, 3), spacing=12)
        self._timer = QTimer(self, interval=_SAY_MS)  # minutes go by
        self._timer.timeout.connect(self._say)
        self.hide()

    def show_mark(self, context: Context, mark: Mark) -> None:
        self._context = context
        self.is_production = mark.is_production
        self._colour = mark.colour
        background, ink = CONNECTIONS[self._colour]
        alarm, on_alarm = CONNECTIONS["red"] if self._colour != "red" else (ink, background)
        self.colours = QColor(background), QColor(ink)
        self.setStyleSheet(
            f"QLabel {{ color: {ink}; background: transparent; }}"
            f"QLabel[unlocked=true] {{ color: {on_alarm}; background: {alarm}; border-radius: 4px;"
            " font-weight: bold; }"
            f"QPushButton {{ color: {ink}; background: transparent; border: 1px solid {ink};"
            " border-radius: 4px; padding: 2px 10px; min-height: 16px; }"
            f"QPushButton:hover {{ border: 2px solid {ink}; padding: 1px 9px; }}"
            f"QPushButton:focus {{ color: {background}; background: {ink}; }}"
        )
        bold = self.mark.font()
        bold.setBold(True)
        self.mark.setFont(bold)
        self.mark.setVisible(self.is_production)
        self.name.setText(visible(mark.words))
        side = _STRIPES + 12 if self.is_production else 16
        self._row.setContentsMargins(side, 3, side, 3)
        self._say()
        context.lock.changed.connect(self._say)
        self._timer.start()
        self.show()

    @property
    def edge(self) -> int:
        """How wide the window's other edges are in its colour."""
        return _EDGE if self.is_production else 0

    @property
    def mark_of_dialogs(self) -> list[str] | None:
        """What the dialogs of a window on production have on top (`Dialog`); None for others."""
        if self._context is None or not self.is_production:
            return None
        return production_mark(self._context.opened.place, self._colour)

    def leave(self) -> None:
        self._context = None
        self._timer.stop()
        self.hide()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.fillRect(self.rect(), self.colours[0])
        if self.is_production:
            for left in (0, self.width() - _STRIPES):
                self._paint_stripes(painter, QRect(left, 0, _STRIPES, self.height()))

    def _paint_stripes(self, painter: QPainter, room: QRect) -> None:
        painter.save()
        painter.setClipRect(room)
        painter.setPen(self.colours[1])
        painter.setBrush(self.colours[1])
        high = self.height()
        for left in range(room.left() - high, room.right(), 2 * _STRIPE):
            corners = ((left, high), (left + high, 0), (left + high + _STRIPE, 0), (left + _STRIPE, high))
            painter.drawPolygon(QPolygonF([QPointF(x, y) for x, y in corners]))
        painter.restore()

    def _say(self) -> None:
        if self._context is None:
            return
        lock, opened = self._context.lock, self._context.opened
        if is_refused := opened.read_only or self._context.outside.refusal is not None:
            state = "read-only"
        elif lock.is_locked:
            state = f"locked again: {lock.why}" if lock.why else "read-only until unlocked"
        else:
            state = f"writes unlocked for {lock.minutes_left} min"
        is_open = not (is_refused or lock.is_locked)
        set_property(self.state, "unlocked", is_open)
        self.state.setContentsMargins(*(_AROUND_STATE if is_open else (0, 0, 0, 0)))
        self.state.setText(state)  # which is measured in that look
        self.unlock_button.setVisible(not is_refused)
        self.unlock_button.setText("Unlock writes…" if lock.is_locked else "Lock now")
