"""A main button with a narrow one beside it that opens a menu of its relatives."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QMenu, QSizePolicy, QWidget

from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button


class SplitButton(QWidget):
    """`SplitButton(theme, text, others, *, icon, parent=None)`; `others` names the menu for a screen reader.

    `main` is the button, `arrow` the one that opens `menu`, which the owner fills when it is about to show.
    """

    def __init__(
        self, theme: Theme, text: str, others: str, *, icon: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.main = push_button(theme, text, kind=Kind.PRIMARY, icon=icon)
        self.main.setProperty("joined", "left")
        self.arrow = push_button(theme, "", kind=Kind.PRIMARY, icon=Icon.CARET_DOWN, tip=others)
        self.arrow.setProperty("joined", "right")
        self.arrow.setAccessibleName(others)
        self.arrow.setIconSize(QSize(14, 14))
        self.menu = QMenu(self)
        self.menu.setAccessibleName(others)
        self.arrow.setMenu(self.menu)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(1)
        line.addWidget(self.main)
        line.addWidget(self.arrow)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
