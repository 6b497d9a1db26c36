"""A banner above the tabs, with its margins; hiding it leaves no gap."""

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.ui.widgets.banner import Banner


class Notice(QWidget):
    """`Notice(banner, parent=None)`; `banner` is what it shows."""

    def __init__(self, banner: Banner, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.banner = banner
        line = QVBoxLayout(self)
        line.setContentsMargins(16, 12, 16, 12)
        line.addWidget(banner)
