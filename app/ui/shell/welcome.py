"""The first page: open, create, explore sample data, or go on with a recent file."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app import __version__
from app.ui.shell.actions import Actions
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import ElidedLabel, Label, Look
from app.ui.widgets.layouts import card

SHOWN = 6
CHOICES = (
    ("open", "A SQLite file in D1's schema"),
    ("open_folder", "Finds the local D1 file in its state folder"),
    ("create", "With all migrations applied"),
    ("import", "Makes a new file of what wrangler wrote"),
    ("demo", "Tenants and chains to try things on"),
)
"""Actions of the window, and what each does."""


class WelcomePage(QWidget):
    """`WelcomePage(theme, commands, parent=None)`: what a person meets before a file is open.

    `commands` declare the ways to begin. `set_recent` fills the list of files, `recent(Path)` asks for one.
    Nobody looks whether they are there: one of them may be on a disk that takes long to answer.
    """

    recent = Signal(Path)

    def __init__(self, theme: Theme, commands: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        panel = card()
        panel.setFixedWidth(620)
        column = QVBoxLayout(panel)
        column.setContentsMargins(32, 28, 32, 28)
        column.setSpacing(8)
        column.addLayout(self._heading())
        column.addSpacing(12)
        for name, sentence in CHOICES:
            column.addLayout(self._choice(commands.button(name), sentence))
        self._recent_title = Label("Recent files", Look.SECTION)
        self._recent_title.setContentsMargins(0, 16, 0, 0)
        column.addWidget(self._recent_title)
        self._recent = QVBoxLayout()
        self._recent.setSpacing(2)
        column.addLayout(self._recent)
        hint = Label("You can also drop a file or folder anywhere in this window.", Look.DIM)
        hint.setContentsMargins(0, 12, 0, 0)
        column.addWidget(hint)
        page = QVBoxLayout(self)
        page.addStretch(2)
        page.addWidget(panel, 0, Qt.AlignmentFlag.AlignHCenter)
        page.addStretch(3)
        self.set_recent([])

    def set_recent(self, paths: Sequence[Path]) -> None:
        """Offers these files, the first few of them."""
        while (item := self._recent.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.deleteLater()
        for path in paths[:SHOWN]:
            self._recent.addWidget(self._recent_row(path))
        self._recent_title.setVisible(bool(paths))

    def _heading(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(12)
        self._mark = QLabel()
        self._paint_mark()
        self._theme.changed.connect(self._paint_mark)
        row.addWidget(self._mark)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(Label("Tenant Admin", Look.TITLE))
        words.addWidget(Label(f"Version {__version__} · everything stays on this computer", Look.DIM))
        row.addLayout(words, 1)
        return row

    def _paint_mark(self) -> None:
        self._mark.setPixmap(self._theme.pixmap(Icon.SHIELD_OK, "accent", 40, self.devicePixelRatioF()))

    def _choice(self, button: QPushButton, sentence: str) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(16)
        button.setMinimumWidth(228)
        row.addWidget(button)
        row.addWidget(Label(sentence, Look.DIM), 1)
        return row

    def _recent_row(self, path: Path) -> QWidget:
        row = QWidget()
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(8)
        button: QPushButton = push_button(self._theme, path.name, kind=Kind.FLAT, icon=Icon.DATABASE)
        button.setToolTip(tooltip(str(path)))
        button.clicked.connect(lambda: self.recent.emit(path))
        line.addWidget(button)
        line.addWidget(ElidedLabel(str(path.parent), Look.DIM, mode=Qt.TextElideMode.ElideMiddle), 1)
        return row
