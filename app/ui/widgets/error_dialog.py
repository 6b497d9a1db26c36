"""Says that something did not work: a sentence for what was expected to fail, details for a bug."""

from PySide6.QtWidgets import QPlainTextEdit, QWidget

from app.itemmodels.roles import Tone
from app.services.text import visible
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.copy_button import copy_button
from app.ui.widgets.dialog import Dialog


class ErrorDialog(Dialog):
    """`ErrorDialog(theme, sentence, title="That did not work", parent=None)`: one sentence, one button."""

    def __init__(
        self, theme: Theme, sentence: str, title: str = "That did not work", parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, title, sentence, icon=Icon.ERROR_FILL, tone=Tone.BAD, parent=parent)
        self.set_close_button()


class BugDialog(Dialog):
    """`BugDialog(theme, details, parent=None)`: something nobody expected, with its details to copy.

    `details` must already be free of secrets; the caller redacts.
    """

    def __init__(self, theme: Theme, details: str, parent: QWidget | None = None) -> None:
        super().__init__(
            theme,
            "This is a mistake in Tenant Admin",
            "Your data is as it was before the last action. Please report these details; "
            "they hold no secrets.",
            icon=Icon.BUG,
            tone=Tone.BAD,
            parent=parent,
        )
        self.setMinimumWidth(620)
        self.text = QPlainTextEdit(visible(details, keep="\n"))
        self.text.setReadOnly(True)
        self.text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.text.setFont(theme.mono_font())
        self.text.setAccessibleName("Details")
        self.text.setTabChangesFocus(True)
        self.text.setMinimumHeight(220)
        self.add_widget(self.text, 1)
        self.copy_button = copy_button(theme, "Copy details", lambda: details)
        self.set_close_button(left=[self.copy_button])


def show_error(
    theme: Theme, parent: QWidget | None, sentence: str, title: str = "That did not work"
) -> ErrorDialog:
    """Open an ErrorDialog over `parent`, without blocking; it deletes itself when closed."""
    dialog = ErrorDialog(theme, sentence, title, parent)
    dialog.open_once()
    return dialog
