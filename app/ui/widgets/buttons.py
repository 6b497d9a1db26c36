"""Buttons with a kind, an icon that follows the theme, a tool tip and an accessible name."""

from PySide6.QtCore import QSize
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QLineEdit, QPushButton, QToolButton, QWidget

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
