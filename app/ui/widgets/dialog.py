"""The frame of every dialog: an icon and a title, a sentence, a body, buttons at the foot."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QDialog, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from app.itemmodels.roles import Tone
from app.ui.theme import Theme
from app.ui.widgets.labels import Label, Look

WIDTH = 460


class Dialog(QDialog):
    """`Dialog(theme, title, sentence="", *, icon=None, tone=Tone.NEUTRAL, parent=None)`.

    `add_widget(widget, stretch=0)` fills the body. `set_buttons(buttons)` puts them at the foot, the main
    one last. Meant for `open()`, which does not block; `accepted` and `rejected` tell how it ended.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str = "",
        *,
        icon: str | None = None,
        tone: Tone = Tone.NEUTRAL,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.theme = theme
        self.setWindowTitle(title)
        self.setMinimumWidth(WIDTH)
        self._icon_name, self._tone = icon, tone
        self._icon = QLabel()
        self.title = Label(title, Look.TITLE, wrap=True)
        self.sentence = Label(sentence, wrap=True, selectable=True)
        self.sentence.setVisible(bool(sentence))
        self.sentence.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleDescription(sentence)
        words = QVBoxLayout()
        words.setSpacing(8)
        words.addWidget(self.title)
        words.addWidget(self.sentence)
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        words.addLayout(self.body, 1)
        top = QHBoxLayout()
        top.setSpacing(16)
        if icon is not None:
            top.addWidget(self._icon, 0, Qt.AlignmentFlag.AlignTop)
            theme.changed.connect(self._paint_icon)
            self._paint_icon()
        top.addLayout(words, 1)
        self._foot = QHBoxLayout()
        self._foot.setSpacing(8)
        self._column = column = QVBoxLayout(self)
        column.setContentsMargins(20, 20, 20, 16)
        column.setSpacing(20)
        column.addLayout(top, 1)
        column.addLayout(self._foot)

    def add_widget(self, widget: QWidget, stretch: int = 0) -> None:
        """A part of the body."""
        self.body.addWidget(widget, stretch)

    def set_buttons(self, buttons: Sequence[QPushButton], left: Sequence[QPushButton] = ()) -> None:
        """Buttons at the foot; the last is the main one."""
        for button in left:
            self._foot.addWidget(button)
        self._foot.addStretch(1)
        for button in buttons:
            self._foot.addWidget(button)

    def event(self, event: QEvent) -> bool:
        done = super().event(event)
        if event.type() == QEvent.Type.LayoutRequest:
            self._make_room()
        return done

    def showEvent(self, event: QShowEvent) -> None:
        if not event.spontaneous() and not self.testAttribute(Qt.WidgetAttribute.WA_Resized):
            self._make_room()
            self.resize(self.minimumSize())
        super().showEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._make_room()

    def _make_room(self) -> None:
        """At least as large as its words need, as far as the screen allows: a layout whose labels wrap does
        not see to it by itself, and parts would lie over each other.
        """
        layout, room = self._column, self.screen().availableGeometry()
        least = max(self.minimumWidth(), layout.minimumSize().width())
        self.setMinimumWidth(min(least, room.width() - 32))
        height = layout.totalHeightForWidth(max(self.width(), self.minimumWidth()))
        self.setMinimumHeight(min(height, room.height() - 64))

    def _paint_icon(self) -> None:
        colour = "dim" if self._tone is Tone.NEUTRAL else self._tone
        self._icon.setPixmap(self.theme.pixmap(str(self._icon_name), colour, 28, self.devicePixelRatioF()))
