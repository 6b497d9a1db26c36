"""What the retention dialog asks: to confirm what stands in the way, and whether to keep an archive."""

from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QVBoxLayout, QWidget

from app.itemmodels.columns import Tone
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import choose_folder
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look

_ICON = 20
_BOX_MARGIN = 6
"""Around a check box, for its focus frame: the words above begin where the box does."""

_TIP = "A file for each tenant and run. Files and database are one chain to tenant-admin verify --archive."
_INDENT = 30
"""Where the words of a check box begin."""


class DoubtCard(QFrame):
    """`DoubtCard(theme, sentence, answer, can_answer=True)`; `box` is ticked to give the answer."""

    def __init__(
        self,
        theme: Theme,
        sentence: str,
        answer: str,
        *,
        can_answer: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setProperty("card", True)
        self.words = Label(sentence, wrap=True, selectable=True)
        self.words.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.words.setContentsMargins(_BOX_MARGIN, 0, 0, 0)
        self.box = QCheckBox(answer)
        self.box.setAccessibleDescription(sentence)
        self.box.setVisible(can_answer)
        icon = IconLabel(theme, _ICON)
        icon.show_icon(Icon.WARNING_FILL, Tone.WARN)
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10 if not can_answer else 4)
        row.setSpacing(10 - _BOX_MARGIN)
        row.addWidget(icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)


class ArchiveChoice(QWidget):
    """`ArchiveChoice(theme, folder, parent=None)`; `changed(Path or None)` whenever the person changes it.

    Ticking the box without a folder asks for one; without an answer the box is not ticked.
    """

    changed = Signal(object)

    def __init__(self, theme: Theme, folder: Path | None, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._folder = folder
        self.box = QCheckBox("Keep the audit entries that go in an archive folder")
        self.box.setChecked(folder is not None)
        self.box.setToolTip(_TIP)
        self.where = ElidedLabel("", Look.DIM, mode=Qt.TextElideMode.ElideMiddle)
        self.button = push_button(theme, "Change folder…")
        # A line of its own, only where there is a folder: this dialog is tall enough without it.
        self._line = QWidget()
        line = QHBoxLayout(self._line)
        line.setContentsMargins(_INDENT, 0, 0, 0)
        line.setSpacing(8)
        line.addWidget(self.where, 1)
        line.addWidget(self.button)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.box)
        column.addWidget(self._line)
        self.box.clicked.connect(self._ticked)
        self.button.clicked.connect(self.ask)
        self._show()

    def ask(self) -> None:
        """Asks for a folder."""
        choose_folder(self, "Archive folder", self._folder, self.set_folder).finished.connect(self._show)

    def set_folder(self, folder: Path) -> None:
        """Archives are kept in `folder` from now on."""
        self._folder = folder
        self.box.setChecked(True)
        self._show()
        self.changed.emit(folder)

    def _ticked(self, checked: bool) -> None:
        if checked and self._folder is None:
            self.ask()
            return
        self._show()
        self.changed.emit(self._folder if checked else None)

    def _show(self) -> None:
        if self._folder is None:
            self.box.setChecked(False)
        self.where.setText(str(self._folder or ""))
        self._line.setVisible(self.box.isChecked())
