"""A word on a tinted pill: a status, said by text, icon and colour."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.itemmodels.roles import Tone
from app.services.text import visible
from app.ui.theme import Theme

_PAD, _ICON, _GAP, _HEIGHT = 8, 14, 4, 22


class StatusChip(QWidget):
    """`StatusChip(theme, text="", tone=Tone.NEUTRAL, icon=None, parent=None)`; `set(text, tone, icon)`
    changes it.

    Never shortens its word. `text()` and `tone()` read back.
    """

    def __init__(
        self,
        theme: Theme,
        text: str = "",
        tone: Tone = Tone.NEUTRAL,
        icon: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._theme = theme
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        font = self.font()
        font.setWeight(font.Weight.DemiBold)
        self.setFont(font)
        theme.changed.connect(self.update)
        self.set(text, tone, icon)

    def set(self, text: str, tone: Tone = Tone.NEUTRAL, icon: str | None = None) -> None:
        """Show another status."""
        self._text, self._tone, self._icon = visible(text), tone, icon
        self.setAccessibleName(self._text)
        self.updateGeometry()
        self.update()

    def text(self) -> str:
        """The word shown."""
        return self._text

    def tone(self) -> Tone:
        """The tone shown."""
        return self._tone

    def sizeHint(self) -> QSize:
        metrics = self.fontMetrics()
        icon = _ICON + _GAP if self._icon else 0
        height = max(_HEIGHT, metrics.height() + 4)
        return QSize(metrics.horizontalAdvance(self._text) + icon + 2 * _PAD, height)

    def minimumSizeHint(self) -> QSize:
        return self.sizeHint()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(self._theme.tint(self._tone))
        box = QRectF(self.rect())
        painter.drawRoundedRect(box, box.height() / 2, box.height() / 2)
        left = _PAD
        if self._icon:
            pixmap = self._theme.pixmap(self._icon, self._tone, _ICON, self.devicePixelRatioF())
            painter.drawPixmap(left, (self.height() - _ICON) // 2, pixmap)
            left += _ICON + _GAP
        painter.setPen(self._theme.colour(self._tone))
        painter.drawText(box.adjusted(left, 0, -_PAD, 0), Qt.AlignmentFlag.AlignVCenter, self._text)
        painter.end()
