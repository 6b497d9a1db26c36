"""What was just done, and how things stand: toast and banner."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QPushButton, QVBoxLayout, QWidget

from app.itemmodels.columns import Tone
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look

SHOWN_MS = 8000
_MARGIN = 24


def show_progress(bar: QProgressBar, done: int, total: int) -> None:
    """How far it is; `total` 0 means that nobody knows."""
    bar.setRange(0, 1000 if total else 0)  # scaled: a QProgressBar counts in 32-bit integers
    if total:
        bar.setValue(min(1000, done * 1000 // total))


class Toast(QFrame):
    """`Toast(theme, host)`: one per window, floating at the bottom of `host`.

    `show_message(text, action="", milliseconds=8000)` replaces what it said; `action` ("Undo") is a button
    whose press emits `acted` and hides the toast. It goes by itself, but not while the mouse is over it or
    the keyboard in it. It never takes the focus. Screen readers hear it as an announcement.
    """

    acted = Signal()

    def __init__(self, theme: Theme, host: QWidget) -> None:
        super().__init__(host)
        self._host = host
        self.setProperty("toast", True)
        self.label = Label(wrap=False)
        self.action_button = push_button(theme, "Undo")
        self.action_button.clicked.connect(self._act)
        self.close_button = tool_button(theme, Icon.CLOSE, "Dismiss", colour="on_tip", small=True)
        self.close_button.clicked.connect(self.hide)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 8, 8, 8)
        row.setSpacing(12)
        row.addWidget(self.label, 1)
        row.addWidget(self.action_button)
        row.addWidget(self.close_button)
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._expire)
        host.installEventFilter(self)
        self.hide()

    def show_message(self, text: str, action: str = "", milliseconds: int = SHOWN_MS) -> None:
        """Say `text`."""
        from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent  # noqa: PLC0415 - 3 ms of a start

        self.label.setText(text)
        self.setAccessibleName(text)
        self.action_button.setText(action)
        self.action_button.setAccessibleName(action)
        self.action_button.setVisible(bool(action))
        self._place()
        self.show()
        self.raise_()
        self._timer.start(milliseconds)
        QAccessible.updateAccessibility(QAccessibleAnnouncementEvent(self, text))

    def text(self) -> str:
        """What it says."""
        return self.label.text()

    def enterEvent(self, event: QEnterEvent) -> None:
        super().enterEvent(event)
        self._timer.stop()

    def leaveEvent(self, event: QEvent) -> None:
        super().leaveEvent(event)
        if self.isVisible():
            self._timer.start(SHOWN_MS // 2)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self._host and event.type() == QEvent.Type.Resize and self.isVisible():
            self._place()
        return super().eventFilter(watched, event)

    def _expire(self) -> None:
        if self.isAncestorOf(self._host.focusWidget() or self._host):
            self._timer.start(SHOWN_MS // 2)
        else:
            self.hide()

    def _act(self) -> None:
        self.hide()
        self.acted.emit()

    def _place(self) -> None:
        room = self._host.width() - 2 * _MARGIN
        self.label.setWordWrap(False)
        self.setMaximumWidth(room)
        if self.sizeHint().width() > room:
            self.label.setWordWrap(True)
        self.adjustSize()
        where = self._host.rect()
        self.move((where.width() - self.width()) // 2, where.height() - self.height() - _MARGIN - 24)


_ICONS = {
    Tone.NEUTRAL: Icon.INFO,
    Tone.ACCENT: Icon.INFO_FILL,
    Tone.OK: Icon.SHIELD_OK,
    Tone.WARN: Icon.WARNING_FILL,
    Tone.BAD: Icon.SHIELD_BAD,
}

_WORD_GAP = 5


class Banner(QFrame):
    """`Banner(theme, parent=None)`.

    `show_verdict(tone, headline, rest="", detail="", icon=None)`: icon, bold headline, plain rest on the same
    line ("— 184,220 entries verified"), dim detail below.
    `show_progress(headline, done, total, detail="")`: a bar (busy when total is 0) and a Cancel button;
    `detail` carries the rate, beside the headline. The cancel button emits `cancelled` and disables itself
    until the next verdict.
    `add_button(button, shrinks=False)` puts a button at the right; such buttons are hidden while progress
    shows. Those that shrink lose their words where the banner's own would be cut; their icon, tool tip and
    accessible name stay.
    """

    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._tone = Tone.NEUTRAL
        self._buttons: list[QWidget] = []
        self._shrinking: dict[QPushButton, str] = {}
        self.setProperty("card", True)
        self._icon = IconLabel(theme, 24)
        self._icon.setFixedSize(QSize(24, 24))
        self._headline = Label(look=Look.STRONG)
        self._rest = ElidedLabel()
        self._detail = ElidedLabel(look=Look.DIM)
        self._bar = QProgressBar()
        self._bar.setTextVisible(False)
        self._bar.hide()
        self.cancel_button = push_button(theme, "Cancel")
        self.cancel_button.hide()
        self.cancel_button.clicked.connect(self._cancel)

        line = QHBoxLayout()
        line.setSpacing(_WORD_GAP)
        line.addWidget(self._headline)
        line.addWidget(self._rest, 1)
        words = QVBoxLayout()
        words.setSpacing(3)
        words.addLayout(line)
        words.addWidget(self._detail)
        words.addWidget(self._bar)
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(16, 8, 10, 8)
        self._row.setSpacing(8)
        self._row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignVCenter)
        self._row.addSpacing(4)
        self._row.addLayout(words, 1)
        self._row.addSpacing(8)
        self._row.addWidget(self.cancel_button)
        self.setMinimumHeight(54)

    def add_button(self, button: QWidget, *, shrinks: bool = False) -> None:
        """Put `button` at the right end; what shrinks is a QPushButton with an icon."""
        self._buttons.append(button)
        self._row.addWidget(button)
        if shrinks and isinstance(button, QPushButton):
            self._shrinking[button] = button.text()

    def headline(self) -> str:
        """The bold line and what follows it, as a user reads it."""
        rest = "" if self.is_busy() else self._rest.text()
        return " ".join(filter(None, (self._headline.text(), rest)))

    def detail(self) -> str:
        """The dim line, or how far the work is."""
        return self._rest.text() if self.is_busy() else self._detail.text()

    def tone(self) -> Tone:
        """The tone shown."""
        return self._tone

    def is_busy(self) -> bool:
        """Whether progress shows."""
        return not self._bar.isHidden()

    def show_verdict(
        self, tone: Tone, headline: str, rest: str = "", detail: str = "", icon: str | None = None
    ) -> None:
        """Say how things stand."""
        self._set(tone, icon or _ICONS[tone], headline, rest, detail, busy=False)

    def show_progress(self, headline: str, done: int, total: int, detail: str = "") -> None:
        """Say how far a long work is; `total` 0 means that nobody knows."""
        if not self.is_busy():
            self.cancel_button.setEnabled(True)
        # The bar takes the place of the dim line: the banner stays as high, and nothing below it moves.
        self._set(Tone.ACCENT, Icon.RUNNING, headline, detail, "", busy=True)
        show_progress(self._bar, done, total)

    def _set(self, tone: Tone, icon: str, headline: str, rest: str, detail: str, *, busy: bool) -> None:
        self._tone = tone
        self._icon.show_icon(icon, tone)
        self._headline.setText(headline)
        self._rest.setText(rest)
        self._detail.setText(detail)
        self._detail.setVisible(bool(detail))
        self._bar.setVisible(busy)
        self.cancel_button.setVisible(busy)
        for button in self._buttons:
            button.setVisible(not busy)
        self.setAccessibleName(self.headline())
        self.setAccessibleDescription(self.detail())

    def event(self, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Resize}:
            self._share_width()
        return super().event(event)

    def _share_width(self) -> None:
        """Words on the buttons as far as they leave room for the verdict's."""
        shrinking = {button: text for button, text in self._shrinking.items() if not button.isHidden()}
        if not shrinking or self.is_busy():
            return
        words = max(
            self._headline.sizeHint().width() + self._rest.sizeHint().width() + _WORD_GAP,
            self._detail.sizeHint().width() if not self._detail.isHidden() else 0,
        )
        lost = sum(
            button.fontMetrics().horizontalAdvance(text)
            for button, text in shrinking.items()
            if not button.text()
        )
        taken = sum(
            item.sizeHint().width() + self._row.spacing()
            for place in range(self._row.count())
            if (item := self._row.itemAt(place)) is not None and item.layout() is None
            if item.spacerItem() is not None or not item.isEmpty()
        )
        margins = self._row.contentsMargins()
        room = self.width() - margins.left() - margins.right() - taken - lost
        for button, text in shrinking.items():
            button.setText(text if words <= room else "")
            button.setToolTip("" if words <= room else text)

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self._rest.setText("Stopping…")
        self.cancelled.emit()
