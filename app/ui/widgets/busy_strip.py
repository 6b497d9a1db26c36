"""What runs now, in the status bar: words, a bar, a Cancel button."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QProgressBar, QWidget

from app.ui.theme import Theme
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import Label, Look


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
        # Scaled, because a QProgressBar counts in 32-bit integers.
        self.bar.setRange(0, 1000 if total else 0)
        if total:
            self.bar.setValue(min(1000, done * 1000 // total))
        if self.cancel_button.isEnabled():
            self.label.setText(f"{self._text} · {detail}" if detail else self._text)

    def finish(self) -> None:
        """Nothing runs any more."""
        self.hide()

    def _cancel(self) -> None:
        self.cancel_button.setEnabled(False)
        self.label.setText(f"{self._text} · stopping…")
        self.cancelled.emit()
