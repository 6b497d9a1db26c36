"""At the lower edge of the window: what runs now, and what was just done."""

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtGui import QAccessible, QAccessibleAnnouncementEvent, QEnterEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QProgressBar, QWidget

from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.labels import Label, Look

SHOWN_MS = 8000
_MARGIN = 24


class BusyStrip(QWidget):
    """`BusyStrip(theme, parent=None)`; hidden while nothing runs.

    `start(text, can_cancel=True)`, `set_progress(done, total, detail="")` (total 0: nobody knows),
    `finish()`. `cancelled()` when the user pressed Cancel, which is then disabled until the next start.
    """

    cancelled = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._text = ""
        self.label = Label(look=Look.DIM)
        self.bar = QProgressBar()
        self.bar.setTextVisible(False)
        self.bar.setFixedWidth(160)
        self.cancel_button = push_button(theme, "Cancel")
        self.cancel_button.clicked.connect(self._cancel)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(8)
        for widget in (self.label, self.bar, self.cancel_button):
            row.addWidget(widget)
        self.hide()

    def start(self, text: str, *, can_cancel: bool = True) -> None:
        """Say what runs."""
        self._text = text
        self.label.setText(text)
        self.bar.setRange(0, 0)
        self.bar.setAccessibleName(text)
        self.cancel_button.setVisible(can_cancel)
        self.cancel_button.setEnabled(True)
        self.cancel_button.setAccessibleName(f"Cancel: {text}")
        self.show()

    def set_progress(self, done: int, total: int, detail: str = "") -> None:
        """Say how far it is; `detail` carries the rate."""
        show_progress(self.bar, done, total)
        if self.cancel_button.isEnabled():
            self.label.setText(f"{self._text} · {detail}" if detail else self._text)

    def finish(self) -> None:
        """Nothing runs any more."""
        self.hide()

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self.label.setText(f"{self._text} · stopping…")
        self.cancelled.emit()


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
