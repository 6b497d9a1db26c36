"""Buttons with a kind, an icon that follows the theme, a tool tip and an accessible name."""

from collections.abc import Callable

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction, QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QPushButton, QSizePolicy, QToolButton, QWidget

from app.itemmodels.roles import Tone
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon

_COLOURS = {Kind.PRIMARY: "on_accent", Kind.DANGER: "on_bad", Kind.FLAT: "accent", Kind.SECONDARY: "text"}


def push_button(
    theme: Theme,
    text: str,
    *,
    kind: Kind = Kind.SECONDARY,
    icon: str | None = None,
    tip: str = "",
    parent: QWidget | None = None,
) -> QPushButton:
    """A push button; `kind` says what it is for, `tip` is plain text of ours (never data)."""
    button = QPushButton(text, parent)
    button.setProperty("kind", kind.value)
    button.setAutoDefault(False)
    button.setAccessibleName(text.replace("&", ""))
    button.setToolTip(tip)
    # Wider than the icon: the style leaves too little room between icon and text.
    button.setIconSize(QSize(20, 16))
    if icon is not None:
        theme.bind_icon(button, icon, _COLOURS[kind])
    return button


def tool_button(
    theme: Theme,
    icon: str,
    name: str,
    *,
    colour: str | Tone = "dim",
    framed: bool = False,
    small: bool = False,
    parent: QWidget | None = None,
) -> QToolButton:
    """A button that is only an icon; `name` is its tool tip and accessible name."""
    button = QToolButton(parent)
    button.setAccessibleName(name)
    button.setToolTip(name)
    button.setProperty("framed", framed)
    button.setProperty("small", small)
    button.setIconSize(QSize(18, 18) if framed else QSize(16, 16))
    theme.bind_icon(button, icon, colour)
    return button


def field_icons(theme: Theme, field: QLineEdit, icon: str) -> None:
    """Give a text field a leading icon and a button that empties it, both in the theme's colours."""
    leading = field.addAction(theme.icon(icon, "dim"), QLineEdit.ActionPosition.LeadingPosition)
    theme.bind_icon(leading, icon, "dim")
    field.setClearButtonEnabled(True)
    # Qt has no call for the icon of its clear button, only this name for its action.
    clear = field.findChild(QAction, "_q_qlineeditclearaction")
    if clear is not None:
        theme.bind_icon(clear, Icon.CLOSE, "dim")


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


def copy_button(theme: Theme, text: str, content: Callable[[], str]) -> QPushButton:
    """A push button; `content()` is asked for when it is pressed."""
    button = push_button(theme, text, icon=Icon.COPY)
    button.clicked.connect(lambda: QGuiApplication.clipboard().setText(content()))
    return button
