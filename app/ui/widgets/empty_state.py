"""What stands where a table or a record would be: why it is empty and what to do next."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.ui.theme import Theme
from app.ui.widgets.labels import Label, Look


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
        self._theme, self._icon_name = theme, str(icon)
        self._icon = QLabel()
        self._icon.setAlignment(Qt.AlignmentFlag.AlignCenter)
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
        theme.changed.connect(self._paint_icon)

    def set(self, icon: str, title: str, sentence: str = "") -> None:
        """Say something else."""
        self._icon_name = str(icon)
        self._title.setText(title)
        self._sentence.setText(sentence)
        self._sentence.setVisible(bool(sentence))
        self.setAccessibleName(f"{title}. {sentence}".strip())
        self._paint_icon()

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

    def _paint_icon(self) -> None:
        light = f"{self._icon_name}-light"
        self._icon.setPixmap(self._theme.pixmap(light, "dim", 40, self.devicePixelRatioF()))
