"""Actions of the window and of its tabs: declared once, and from there in menus and buttons."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import Enum, auto

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QAction, QKeySequence
from PySide6.QtWidgets import QMenu, QPushButton, QWidget

from app.ui.theme import Kind, Theme
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import tooltip

Refusal = Callable[[], str | None]
"""Says why an action cannot apply now, or None when it can."""


class Place(Enum):
    """Where an action has a button, beside the menus that hold them all."""

    MENU = auto()
    FILTER_ROW = auto()
    INSPECTOR = auto()


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: what it is called, what it does, when it applies.

    `text` marks its mnemonic with "&"; a function where the words change. `shortcut` is a key sequence's
    text; in a tab, single keys work while the table has the focus.
    """

    name: str
    text: str | Callable[[], str]
    icon: str | None
    run: Callable[[], object]
    refusal: Refusal = lambda: None
    shortcut: str = ""
    kind: Kind = Kind.SECONDARY
    place: Place = Place.MENU

    def words(self) -> str:
        return self.text if isinstance(self.text, str) else self.text()


class Actions(QObject):
    """The actions of a tab with its table, or of a window, which has none.

    `update()` enables what applies now, in menus and buttons alike; the tool tip of the rest says why not.
    """

    def __init__(self, theme: Theme, table: QWidget | None, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = table
        self._owner = parent
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._buttons: dict[str, QPushButton] = {}

    def add(self, spec: ActionSpec) -> QAction:
        self._specs[spec.name] = spec
        action = self._actions[spec.name] = QAction(spec.words(), self)
        if spec.icon is not None:
            action.setIcon(self._theme.icon(spec.icon))
        action.triggered.connect(lambda: self.trigger(spec.name))
        self._owner_of(action, spec.shortcut).addAction(action)
        return action

    def _owner_of(self, action: QAction, shortcut: str) -> QWidget:
        """Gives an action its keys, and says where they work."""
        action.setShortcut(QKeySequence(shortcut))
        if self._table is None or not shortcut:
            return self._owner
        # A single letter must not act while somebody types into a field.
        single = len(shortcut) == 1 or shortcut in {"Del", "Return", "Space"}
        action.setShortcutContext(
            Qt.ShortcutContext.WidgetShortcut if single else Qt.ShortcutContext.WidgetWithChildrenShortcut
        )
        return self._table if single else self._owner

    def button(self, name: str) -> QPushButton:
        """A push button for the action; it follows the action's state."""
        spec = self._specs[name]
        button = push_button(self._theme, spec.words(), kind=spec.kind, icon=spec.icon)
        button.clicked.connect(lambda: self.trigger(name))
        self._buttons[name] = button
        return button

    def buttons(self, place: Place) -> list[QPushButton]:
        """A button for each action of that place, in the order added."""
        return [self.button(name) for name, spec in self._specs.items() if spec.place is place]

    def show_button(self, name: str, visible: bool) -> None:
        """Shows or hides an action's button, where another one takes its place."""
        self._buttons[name].setVisible(visible)

    def trigger(self, name: str) -> None:
        """Runs the action, unless it cannot apply."""
        spec = self._specs[name]
        if spec.refusal() is None:
            spec.run()

    def action(self, name: str) -> QAction:
        return self._actions[name]

    def names(self) -> list[str]:
        return list(self._specs)

    def update(self) -> None:
        for name, spec in self._specs.items():
            action, words, refusal = self._actions[name], spec.words(), spec.refusal()
            plain = words.replace("&&", "\0").replace("&", "").replace("\0", "&")
            keys = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
            tip = tooltip(refusal or (f"{plain} ({keys})" if keys else plain))
            action.setText(words)
            for target in (action, self._buttons.get(name)):
                if target is not None:
                    target.setEnabled(refusal is None)
                    target.setToolTip(tip)

    def fill(self, menu: QMenu, names: Iterable[str] | None = None) -> None:
        """Adds actions to a menu, all of them or those named; an empty name is a line between two."""
        menu.setToolTipsVisible(True)  # they say why one is disabled
        for name in self._specs if names is None else names:
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()
