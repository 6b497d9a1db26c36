"""What stands where a table or a record would be: why it is empty and what to do next."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import IconLabel, Label, Look
from models.errors import TableMissing, TenantAdminError


class EmptyState(QWidget):
    """`EmptyState(theme, icon, title, sentence="", buttons=(), parent=None)`; at most two buttons.

    `set(icon, title, sentence)` changes the words; `set_buttons(buttons)` the buttons.
    """

    def __init__(
        self,
        theme: Theme,
        icon: str,
        title: str,
        sentence: str = "",
        buttons: tuple[QPushButton, ...] = (),
        *,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._icon = IconLabel(theme, 40)
        self._title = Label(look=Look.STRONG, wrap=True)
        self._title.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._sentence = Label(look=Look.DIM, wrap=True)
        self._sentence.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self._row = QHBoxLayout()
        self._row.setSpacing(8)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(8)
        column.addStretch(2)
        column.addWidget(self._icon)
        column.addWidget(self._title)
        column.addWidget(self._sentence)
        column.addSpacing(8)
        column.addLayout(self._row)
        column.addStretch(3)
        self.set_buttons(buttons)
        self.set(icon, title, sentence)

    def set(self, icon: str, title: str, sentence: str = "") -> None:
        """Say something else."""
        self._icon.show_icon(f"{icon}-light", "dim")
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self.setAccessibleName(f"{title}. {sentence}".strip())

    def set_buttons(self, buttons: tuple[QPushButton, ...]) -> None:
        """Replace the buttons; the old ones are hidden and let go."""
        while (item := self._row.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.setParent(None)
        self._row.addStretch(1)
        for button in buttons:
            self._row.addWidget(button)
            button.show()
        self._row.addStretch(1)

    def title(self) -> str:
        """The bold line."""
        return self._title.text()

    def sentence(self) -> str:
        """The dim line."""
        return self._sentence.text()


class ListEmptyState(EmptyState):
    """`ListEmptyState(theme, icon, noun, empty)`; `empty` is a title and a sentence for a list without rows.

    `explain(filtered=…)` after the list was read, `explain_failure(error)` when it could not be.
    `clear_wanted()` when the person asks for all rows instead of those that the filters keep.
    """

    clear_wanted = Signal()

    def __init__(self, theme: Theme, icon: str, noun: str, empty: tuple[str, str]) -> None:
        self.clear_button = push_button(theme, "Clear filters", kind=Kind.SECONDARY, icon=Icon.CLOSE)
        super().__init__(theme, icon, "", "", (self.clear_button,))
        self.clear_button.hide()
        self._of_none, self._noun, self._words = icon, noun, empty
        self.clear_button.clicked.connect(self.clear_wanted)

    def explain(self, *, filtered: bool) -> None:
        """Says that there is nothing, or that nothing matches the filters."""
        if filtered:
            self.set(Icon.SEARCH, "No match", f"No {self._noun} matches these filters.")
        else:
            self.set(self._of_none, *self._words)
        self.clear_button.setVisible(filtered)

    def explain_failure(self, error: TenantAdminError) -> None:
        """Says why the rows cannot be shown."""
        title = "Not in this file" if isinstance(error, TableMissing) else "Cannot be shown"
        self.set(Icon.WARNING, title, str(error))
        self.clear_button.hide()
