"""The button that puts what a dialog says on the clipboard."""

from collections.abc import Callable

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPushButton

from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button


def copy_button(theme: Theme, text: str, content: Callable[[], str]) -> QPushButton:
    """A push button; `content()` is asked for when it is pressed."""
    button = push_button(theme, text, icon=Icon.COPY)
    button.clicked.connect(lambda: QGuiApplication.clipboard().setText(content()))
    return button
