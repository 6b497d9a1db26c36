"""The first page: open, create, explore sample data, or go on with a recent file."""

from collections.abc import Collection, Sequence
from pathlib import Path

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QPushButton, QScrollArea, QVBoxLayout, QWidget

from app import __version__
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets.actions import Actions
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import shortened
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look, clear, in_column, in_row, set_tip
from models.errors import FileOrName

SHOWN, NAME_SHOWN = 6, 40
_WIDE, _AROUND = 620, 8
LIVE, PRODUCTION = "Live D1 database", "PRODUCTION · live D1 database"
CHOICES = (
    ("open", "A SQLite file in D1's schema"),
    ("open_folder", "Finds the local D1 file in its state folder"),
    ("connect", "A live database, over Cloudflare's API"),
    ("create", "With all migrations applied"),
    ("import", "Makes a new file of what wrangler wrote"),
    ("demo", "Tenants and chains to try things on"),
)
"""Actions of the window, and what each does."""


class WelcomePage(QWidget):
    """What a person meets before a file is open. `commands` declare the ways to begin, `recent(FileOrName)`
    asks for a recent file or, by `d1:NAME`, a live database.
    """

    recent = Signal(object)

    def __init__(self, theme: Theme, commands: Actions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        # Each part is given its place before it is filled: what is moved is styled again.
        scroll, page, panel = QScrollArea(self, widgetResizable=True), QWidget(), _Card()
        in_column(scroll, within=self)
        scroll.setWidget(page)
        whole = QVBoxLayout(page)
        whole.setContentsMargins(_AROUND, _AROUND, _AROUND, _AROUND)
        whole.addStretch(2)
        whole.addWidget(panel, 0, Qt.AlignmentFlag.AlignHCenter)
        whole.addStretch(3)
        page.setProperty("clear", True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        panel.setProperty("card", True)
        self._recent_title = Label("Recent", Look.SECTION)
        self._recent_title.setContentsMargins(0, 16, 0, 0)
        self._recent = QGridLayout()
        self._recent.setVerticalSpacing(2)
        self._recent.setHorizontalSpacing(12)
        self._recent.setColumnStretch(1, 1)
        hint = Label("You can also drop a file or folder anywhere in this window.", Look.DIM)
        hint.setContentsMargins(0, 8, 0, 0)
        buttons = [commands.button(name) for name, _ in CHOICES]
        self._first = buttons[0]
        choices = [_choice(button, words) for button, (_, words) in zip(buttons, CHOICES, strict=True)]
        in_column(
            _heading(theme),
            *choices,
            self._recent_title,
            self._recent,
            hint,
            within=panel,
            margins=(32, 24, 32, 20),  # with six recents still whole at 1280×800, below a title bar
        )
        self.set_recent([])

    def set_recent(self, places: Sequence[FileOrName], production: Collection[FileOrName] = ()) -> None:
        """Offers the first few of these, and marks those that are production.

        Nobody looks whether they are there: one of them may be on a disk that takes long to answer.
        """
        clear(self._recent)
        for row, place in enumerate(places[:SHOWN]):
            is_marked = place in production
            where = str(place.parent) if isinstance(place, Path) else PRODUCTION if is_marked else LIVE
            look = Look.WARN if is_marked else Look.DIM
            folder = ElidedLabel(where, look, mode=Qt.TextElideMode.ElideMiddle)
            self._recent.addWidget(self._recent_button(place), row, 0, Qt.AlignmentFlag.AlignLeft)
            self._recent.addWidget(folder, row, 1)
        self._recent_title.setVisible(bool(places))

    def _recent_button(self, place: FileOrName) -> QPushButton:
        name, icon = (place.name, Icon.DATABASE) if isinstance(place, Path) else (place, Icon.WEBHOOK)
        name = shortened(name, NAME_SHOWN // 2, NAME_SHOWN // 2)
        button = push_button(self._theme, name, lambda: self.recent.emit(place), kind=Kind.FLAT, icon=icon)
        button.setProperty("flush", True)  # it begins where the title does
        set_tip(button, str(place))
        return button

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._first.setFocus(Qt.FocusReason.OtherFocusReason)


class _Card(QFrame):
    """As wide in any window that has the room."""

    def sizeHint(self) -> QSize:
        return QSize(_WIDE, super().sizeHint().height())


def _heading(theme: Theme) -> QHBoxLayout:
    mark = IconLabel(theme, 40)
    mark.show_icon(Icon.SHIELD_OK, Tone.ACCENT)
    version = Label(f"Version {__version__} · sends nothing anywhere by itself", Look.DIM)
    words = in_column(Label("Tenant Admin", Look.TITLE), version, spacing=0)
    return in_row(mark, (words, 1), margins=(0, 0, 0, 12), spacing=12)


def _choice(button: QPushButton, sentence: str) -> QHBoxLayout:
    button.setMinimumWidth(228)
    return in_row(button, (Label(sentence, Look.DIM), 1), spacing=16)
