"""What stands in the way of a removal, with the person's confirmation in the same card."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QFrame, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.itemmodels.columns import Tone
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.labels import Label

_ICON = 20
_BOX_MARGIN = 6
"""Around a check box, for its focus frame: the words above begin where the box does."""


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
        super().__init__()
        self._theme = theme
        self.setProperty("card", True)
        self.words = Label(sentence, wrap=True, selectable=True)
        self.words.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.words.setContentsMargins(_BOX_MARGIN, 0, 0, 0)
        self.box = QCheckBox(answer)
        self.box.setAccessibleDescription(sentence)
        self.box.setVisible(can_answer)
        self._icon = QLabel()
        column = QVBoxLayout()
        column.setSpacing(4)
        column.addWidget(self.words)
        column.addWidget(self.box)
        row = QHBoxLayout(self)
        row.setContentsMargins(12, 10, 12, 10 if not can_answer else 4)
        row.setSpacing(10 - _BOX_MARGIN)
        row.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(column, 1)
        theme.changed.connect(self._paint_icon)
        self._paint_icon()

    def _paint_icon(self) -> None:
        self._icon.setPixmap(
            self._theme.pixmap(str(Icon.WARNING_FILL), Tone.WARN, _ICON, self.devicePixelRatioF())
        )
