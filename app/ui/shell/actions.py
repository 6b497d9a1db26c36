"""Actions of a tab: in its buttons, its context menu and the menu bar, disabled with a reason."""

from collections.abc import Callable
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
    """One action. `shortcut` is a key sequence's text; single keys work while the table has the focus."""

    name: str
    text: str
    icon: str
    run: Callable[[], None]
    refusal: Refusal
    shortcut: str = ""
    kind: Kind = Kind.SECONDARY
    place: Place = Place.MENU


class Actions(QObject):
    """The actions of one tab, kept enabled or disabled together by `update()`."""

    def __init__(self, theme: Theme, table: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._theme = theme
        self._table = table
        self._owner = parent
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._buttons: dict[str, QPushButton] = {}

    def add(self, spec: ActionSpec) -> QAction:
        action = QAction(spec.text, self)
        self._theme.bind_icon(action, spec.icon)
        if spec.shortcut:
            action.setShortcut(QKeySequence(spec.shortcut))
            # A single letter must not act while somebody types into a field.
            single = len(spec.shortcut) == 1 or spec.shortcut in {"Del", "Return", "Space"}
            home = self._table if single else self._owner
            action.setShortcutContext(
                Qt.ShortcutContext.WidgetShortcut if single else Qt.ShortcutContext.WidgetWithChildrenShortcut
            )
            home.addAction(action)
        action.triggered.connect(lambda: self.trigger(spec.name))
        self._specs[spec.name] = spec
        self._actions[spec.name] = action
        return action

    def button(self, name: str) -> QPushButton:
        """A push button for the action; it follows the action's state."""
        spec = self._specs[name]
        button = push_button(self._theme, spec.text, kind=spec.kind, icon=spec.icon)
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

    def all(self) -> list[QAction]:
        return list(self._actions.values())

    def update(self) -> None:
        """Enables what applies now; the tool tip of the rest says why it does not."""
        for name, spec in self._specs.items():
            refusal = spec.refusal()
            shortcut = QKeySequence(spec.shortcut).toString(QKeySequence.SequenceFormat.NativeText)
            tip = refusal or (f"{spec.text} ({shortcut})" if shortcut else spec.text)
            for target in (self._actions[name], self._buttons.get(name)):
                if target is not None:
                    target.setEnabled(refusal is None)
                    target.setToolTip(tooltip(tip))

    def fill(self, menu: QMenu) -> None:
        """Adds the actions to a menu, with the tool tips that say why one is disabled."""
        menu.setToolTipsVisible(True)
        for action in self._actions.values():
            menu.addAction(action)
