"""A combo box whose list can be searched: pick lists, and the choice of the tenant."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QKeyEvent, QWheelEvent
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.text import visible
from app.ui.theme import Theme

if TYPE_CHECKING:
    from app.ui.widgets.picker_popup import PickerPopup

_COMMANDS = (
    Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier | Qt.KeyboardModifier.MetaModifier
)


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry: its key (None is "any"), the words shown, how many rows it would leave (None: not shown)."""

    key: str | None
    label: str
    count: int | None = None


class Picker(QComboBox):
    """`Picker(theme, name, any_label, *, search_hint="Search", parent=None)`.

    `set_choices(choices)` fills the list below "any_label" (key None) and keeps the choice, even one that is
    not among them; `key()` and `set_key(key)` read and set it; `picked(object)` carries the key the user
    chose. The list opens with click, Space, Return or Down, or by typing; long lists have a search field,
    which finds a substring in any case. Return chooses, Escape closes and leaves all as it was. The wheel
    changes nothing.
    """

    picked = Signal(object)

    def __init__(
        self,
        theme: Theme,
        name: str,
        any_label: str,
        *,
        search_hint: str = "Search",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._any = any_label
        self._preferred = 0
        self._key: str | None = None
        self._choices: tuple[Choice, ...] = ()
        self._theme = theme
        self._hint = search_hint
        self.setAccessibleName(name)
        self.addItem(any_label)
        self.set_choices(())

    @cached_property
    def popup(self) -> "PickerPopup":
        """The list below it; made when it is first opened, because a window has many that never are."""
        from app.ui.widgets.picker_popup import PickerPopup  # noqa: PLC0415

        popup = PickerPopup(self._theme, self, self._hint)
        popup.chosen.connect(self.pick)
        popup.set_choices(self._choices)
        return popup

    def set_choices(self, choices: Sequence[Choice], any_count: int | None = None) -> None:
        """Offer these, in this order, below "any"."""
        self._choices = (Choice(None, self._any, any_count), *choices)
        if "popup" in vars(self):
            self.popup.set_choices(self._choices)
        self._show_choice()

    def set_preferred_width(self, width: int) -> None:
        """As wide as this where there is room, whatever is chosen."""
        self._preferred = width
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(max(hint.width(), self._preferred), hint.height())

    def key(self) -> str | None:
        """The chosen key; None is "any"."""
        return self._key

    def set_key(self, key: str | None) -> None:
        """Choose without emitting `picked`; a key that is not offered (yet) is kept and shown as it is."""
        self._key = key
        self._show_choice()

    def pick(self, key: str | None) -> None:
        """Choose as the user does."""
        self._close()
        if key != self._key:
            self.set_key(key)
            self.picked.emit(key)

    def showPopup(self) -> None:
        self.popup.open_below(self, self._key)

    def hidePopup(self) -> None:
        self._close()
        super().hidePopup()

    def minimumSizeHint(self) -> QSize:
        return QSize(96, super().minimumSizeHint().height())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        opening = (
            Qt.Key.Key_Down,
            Qt.Key.Key_Up,
            Qt.Key.Key_Space,
            Qt.Key.Key_Return,
            Qt.Key.Key_Enter,
            Qt.Key.Key_F4,
        )
        if event.key() in opening:
            self.showPopup()
        elif event.text().isprintable() and event.text().strip() and not event.modifiers() & _COMMANDS:
            self.showPopup()
            self.popup.type(event.text())
        else:
            event.ignore()

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()

    def _show_choice(self) -> None:
        label = next((c.label for c in self._choices if c.key == self._key), self._key or self._any)
        self.setItemText(0, visible(label))
        self.setToolTip("")

    def _close(self) -> None:
        if "popup" in vars(self):
            self.popup.hide()
