"""What is read where each row is charged: a person is asked first."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.services.text import counted
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ConfirmDialog
from models.errors import MuchToRead


def ask_to_read(
    theme: Theme, much: MuchToRead, agreed: Callable[[], object], parent: QWidget, *, hint: str = ""
) -> ConfirmDialog:
    """Asks whether so much may be read; `hint` is how it could be less."""
    action = f"Read {counted(much.rows, 'row')}"
    sentence = f"{much} {hint}".strip()
    dialog = ConfirmDialog(theme, much.heading, sentence, action=action, danger=False, parent=parent)
    dialog.open_once(agreed)
    return dialog
