"""Actions of the window and of its tabs: declared once, and from there in menus and buttons."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from typing import cast

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence, QShortcut
from PySide6.QtWidgets import QApplication, QMenu, QMenuBar, QPushButton, QToolButton, QWidget

from app.ui.theme import Icon, Kind, Theme
from app.ui.widgets.buttons import BUTTON, ENDS, SHORT, push_button, set_words
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import set_tip

_HEARD = "heardWhereShown"

IN_DIALOGS = "inDialogs"
"""The property of a window's action whose keys its dialogs heed, too (`dialogs.hear_keys`)."""

WAITS = "waits"
"""The property of a menu whose entries are still to come: those of a tab that is being built."""

ActKeys = Mapping[str, tuple[str, str]]
"""By the name of an act its keys, and what they do."""

Refuses = Callable[[], str | None]
"""Says why an action cannot apply now, or None when it can."""


class ButtonIn(Enum):
    """Where an action has a button, beside the menus that hold them all."""

    MENU = auto()
    FILTER_ROW = auto()
    INSPECTOR = auto()


_YIELDS = "yields"
"""The property of an action whose letter others may have."""


@dataclass(frozen=True, slots=True)
class ActionSpec:
    """One action: what it is called, what it does, when it applies.

    `text` marks its mnemonic with "&"; a function where the words change. `shortcut` is a key sequence's
    text; in a tab, single keys work while the table has the focus. A single letter stands on the act's
    button, unless it is one `of_table`, and none does what `ends` something: a slip of the finger must not.
    `checked` is for one of several that is on or off: its menu marks it. `of_table` is for a key that tables
    and fields heed by themselves, to go about in them: menus and the list of keys only show it. With
    `in_dialogs` the window's dialogs heed its keys, too. `short` is what its button says where there is no
    room for its words. One that `yields` has a letter in a menu only where the others leave one.
    """

    name: str
    text: str | Callable[[], str]
    icon: str | None
    run: Callable[[], object]
    refusal: Refuses = lambda: None
    shortcut: str = ""
    kind: Kind = Kind.SECONDARY
    button_in: ButtonIn = ButtonIn.MENU
    checked: Callable[[], bool] | None = None
    ends: bool = False
    of_table: bool = False
    in_dialogs: bool = False
    short: str = ""
    about: str | Callable[[], str] = ""
    yields: bool = False

    def __post_init__(self) -> None:
        if self.ends and self.is_letter:
            raise ValueError(f"{self.name} would be done by the letter {self.shortcut} alone.")
        if self.is_letter and self.button_in is ButtonIn.MENU and not self.of_table:
            raise ValueError(f"{self.name} has no button that the letter {self.shortcut} stands on.")

    @property
    def is_letter(self) -> bool:
        return len(self.shortcut) == 1

    def words(self) -> str:
        return self.text if isinstance(self.text, str) else self.text()

    def on_button(self, words: str) -> str:
        """These words of it, with the letter that does it."""
        return f"{words} ({self.shortcut})" if self.is_letter else words

    def purpose(self) -> str:
        """What it does at any time: words that change may name a record. `about` says it, or its name."""
        words = self.text if isinstance(self.text, str) else self.about
        words = words if isinstance(words, str) else words()
        return without_mnemonic(words) or self.name.replace("_", " ").capitalize()


FUNCTIONS = range(Qt.Key.Key_F1, Qt.Key.Key_F35 + 1)
HELD = (Qt.Key.Key_Control, Qt.Key.Key_Shift, Qt.Key.Key_Alt, Qt.Key.Key_Meta)
"""What is pressed with another key, which tells what is meant."""
_ENTER = (Qt.Key.Key_Return, Qt.Key.Key_Enter)
CHORD = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.AltModifier
"""With one of these a key is an act's."""


def is_enter(event: QKeyEvent) -> bool:
    """Whether it opens or presses what has the focus: with Ctrl or Alt it is the key of an act."""
    return event.key() in _ENTER and not event.modifiers() & CHORD


def key_alone(event: QKeyEvent) -> str:
    """The letter, or "Del", by which a key may do an act without Ctrl or Alt; empty for any other key."""
    if event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
        return ""
    if event.key() == Qt.Key.Key_Delete:
        return "Del"
    return event.text().upper() if event.text().isalpha() else ""


def keys_of_act(event: QKeyEvent) -> QKeySequence | None:
    """What was pressed, where it may be the keys of an act, and is none of what is pressed with others."""
    if alone := key_alone(event):
        return QKeySequence(alone)
    is_of_act = event.modifiers() & CHORD or event.key() in FUNCTIONS
    return QKeySequence(event.keyCombination()) if is_of_act and event.key() not in HELD else None


def with_keypad(keys: str) -> list[QKeySequence]:
    """The keys of an act; Enter beside the figures does what Return does."""
    return [QKeySequence(one) for one in dict.fromkeys((keys, keys.replace("Return", "Enter")))]


def without_mnemonic(words: str) -> str:
    """An action's words without the mnemonic's mark."""
    return words.replace("&&", "\0").replace("&", "").replace("\0", "&")


def _typed_in_menu(keys: QKeySequence) -> bool:
    """Gives a single letter to the menu that is open, or to the menu bar that has the focus; whether there is
    one.

    Qt takes it for the rows behind, which keep the focus: a menu is asked for no more than its arrows.
    """
    menu = QApplication.activePopupWidget() or QApplication.focusWidget()
    letter = keys.toString()
    if not isinstance(menu, QMenu | QMenuBar) or len(letter) != 1:
        return False
    key, none = Qt.Key(ord(letter)), Qt.KeyboardModifier.NoModifier
    # Not sent: Qt would ask for shortcuts again.
    menu.keyPressEvent(QKeyEvent(QEvent.Type.KeyPress, key, none, letter.lower()))
    return True


class _Letters(QObject):
    """The letter of an act in the menu bar is heard by Qt while that has the focus, whatever menu of it is
    open: there it is a letter of that menu. So it is while a button has the focus that opens such a menu.
    """

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() is QEvent.Type.Shortcut:
            action = cast("QAction", watched)
            if not _typed_in_menu(action.shortcut()):
                cast("Actions", self.parent()).press(action.objectName())
            return True
        return False


class Actions(QObject):
    """The actions of a tab with its table, or of a window, which has none. `keys` are declared apart from
    those that have them, with what these are called.

    `update()` enables what applies now, in menus and buttons alike; the tool tip of the rest says why not.
    `begun()` comes before each that can be done. `refused(sentence)` says it to whoever presses its keys.
    `unseen(name)` comes in place of the act whose
    letter is pressed while the button that it stands on is not in sight; `pressed(name)` behind one that was
    begun by its keys.
    """

    begun = Signal()
    refused = Signal(str)
    pressed = Signal(str)
    unseen = Signal(str)
    hinders: Callable[[str], str | None] = staticmethod(lambda name: None)
    """Why the act of this name cannot be done where the person is, whatever it says itself."""

    def __init__(
        self, theme: Theme, table: QWidget | None, parent: QWidget, keys: ActKeys | None = None
    ) -> None:
        super().__init__(parent)
        self._theme, self._keys = theme, keys or {}
        self._table = table
        self._owner = parent
        self._specs: dict[str, ActionSpec] = {}
        self._actions: dict[str, QAction] = {}
        self._buttons: dict[str, QPushButton] = {}
        self._deaf: dict[str, QShortcut] = {}
        self._divided: set[str] = set()
        self._elsewhere = set[str]()
        self._letters = _Letters(self)  # an object of its own: PySide keeps what filters

    def add(self, spec: ActionSpec) -> QAction:
        if spec.name in self._keys:
            by, words = self._keys[spec.name]
            spec = replace(spec, shortcut=by, text=spec.text or words, about=spec.about or words)
        self._specs[spec.name] = spec
        action = self._actions[spec.name] = QAction(spec.words(), self)
        action.setObjectName(spec.name)
        if spec.icon is not None:
            action.setIcon(self._theme.icon(spec.icon))
        if spec.checked is not None:
            action.setCheckable(True)
            action.setIconVisibleInMenu(False)  # Qt would show it in the place of the tick
        action.setProperty(_YIELDS, spec.yields)
        action.setProperty(IN_DIALOGS, spec.in_dialogs)
        action.triggered.connect(lambda: None if self._is_blocked() else self.trigger(spec.name))
        keys, owner, context = QKeySequence(spec.shortcut), self._owner, Qt.ShortcutContext.WindowShortcut
        # A single letter must not act while somebody types into a field.
        if self._table is not None and (spec.is_letter or spec.shortcut in {"Del", "Space"}):
            owner, context = self._table, Qt.ShortcutContext.WidgetShortcut
        action.setShortcuts(with_keypad(spec.shortcut))
        action.setShortcutContext(context)
        action.setAutoRepeat(False)  # a key that is held would do it to the next record, and the next
        if spec.is_letter:
            action.installEventFilter(self._letters)
        else:
            owner.addAction(action)
        if spec.of_table:
            action.setShortcutContext(Qt.ShortcutContext.WidgetShortcut)
        elif spec.shortcut:  # Qt says nothing of the keys of a disabled action
            self._deaf[spec.name] = deaf = QShortcut(keys, owner, context=context)
            deaf.setKeys(with_keypad(spec.shortcut))
            deaf.setAutoRepeat(False)
            deaf.activated.connect(lambda: None if _typed_in_menu(keys) else self._press(spec))
        return action

    def on_button(self, name: str) -> str:
        """The act's words now, with the letter that does it."""
        return self._specs[name].on_button(without_mnemonic(self._actions[name].text()))

    def divide_before(self, *names: str) -> None:
        """A line stands before each of these in a menu of all."""
        self._divided.update(names)

    def keep_elsewhere(self, *names: str) -> None:
        """No menu of all has these: another one does."""
        self._elsewhere.update(names)

    def with_key(self, event: QKeyEvent) -> str | None:
        """The name of the act that this key does alone while the table has the focus."""
        keys = key_alone(event)
        return next((name for name, spec in self._specs.items() if keys and spec.shortcut == keys), None)

    def press(self, name: str) -> None:
        """What the keys of an act do, from beside the table."""
        self._press(self._specs[name])

    def _is_blocked(self) -> bool:
        """Whether a dialog stands before its table: until the system gives that the keys, a letter typed for
        it is the table's to Qt.
        """
        here, before = self._owner.window(), QApplication.activeModalWidget()
        if self._table is None or before is here:
            return False
        while before is not None and before is not here:
            parent = before.parentWidget()
            before = None if parent is None else parent.window()
        return before is here

    def _press(self, spec: ActionSpec) -> None:
        if self._is_blocked():
            return
        button = self._buttons.get(spec.name)
        begins = self.refusal(spec.name) is None
        if begins and spec.is_letter and button is not None and not button.isVisible():
            self.unseen.emit(spec.name)
            return
        self.trigger(spec.name)
        if begins:
            self.pressed.emit(spec.name)

    def button(self, name: str) -> QPushButton:
        spec = self._specs[name]
        words = spec.words()
        button = push_button(
            self._theme, spec.on_button(words), lambda: self.trigger(name), kind=spec.kind, icon=spec.icon
        )
        button.setAccessibleName(without_mnemonic(words))
        button.setProperty(ENDS, spec.ends)
        button.setProperty(SHORT, spec.on_button(spec.short) if spec.short else "")
        self._buttons[name] = button
        return button

    def buttons(self, where: ButtonIn) -> list[QPushButton]:
        return [self.button(name) for name, spec in self._specs.items() if spec.button_in is where]

    def show_button(self, name: str, visible: bool) -> None:
        if not visible:
            self._leave(self._buttons[name])
        self._buttons[name].setVisible(visible)

    def trigger(self, name: str) -> None:
        spec, refusal = self._specs[name], self.refusal(name)
        if refusal is None:
            self.begun.emit()
            spec.run()
        else:
            self.refused.emit(refusal)
        if spec.checked is not None:  # Qt has turned it off where it was on
            self._actions[name].setChecked(spec.checked())

    def refusal(self, name: str) -> str | None:
        """Why the act cannot be done now, as a sentence."""
        return self.hinders(name) or self._specs[name].refusal()

    def said(self, name: str) -> str:
        """The act as a sentence names it, with its key."""
        return self._said(self._specs[name], self._specs[name].words())

    def _said(self, spec: ActionSpec, words: str) -> str:
        said = without_mnemonic(words)
        return f"{said} ({_native(spec.shortcut)})" if spec.shortcut else said

    def ends(self, name: str) -> bool:
        return self._specs[name].ends

    def action(self, name: str) -> QAction:
        return self._actions[name]

    def names(self) -> list[str]:
        return list(self._specs)

    def shortcuts(self, without: Collection[str] = ()) -> list[tuple[str, str]]:
        """What each key does, as a person reads both, in the order added; not of the actions named."""
        specs = (spec for name, spec in self._specs.items() if spec.shortcut and name not in without)
        return [(_native(spec.shortcut), spec.purpose()) for spec in specs]

    def of_tables(self) -> list[str]:
        """The names of those whose keys tables heed."""
        return [name for name, spec in self._specs.items() if spec.of_table]

    def of_table_by(self, keys: QKeySequence) -> str | None:
        """The name of what tables do by these keys."""
        heard = (name for name, spec in self._specs.items() if spec.of_table)
        return next((name for name in heard if keys in with_keypad(self._specs[name].shortcut)), None)

    def purpose_of(self, keys: QKeySequence) -> str:
        """What these keys do; empty where they do nothing."""
        heard = (spec for spec in self._specs.values() if keys in with_keypad(spec.shortcut))
        return next((spec.purpose() for spec in heard), "")

    def update(self) -> None:
        marked: set[str] = set()
        for name, spec in self._specs.items():
            action, button, refusal = self._actions[name], self._buttons.get(name), self.refusal(name)
            words = spec.words()  # once: those of many rows are counted
            said = refusal or self._said(spec, words)
            in_menus = self._table is not None and spec.checked is None  # no tool button takes its text
            action.setText(_marked(words, marked) if in_menus and not spec.yields else words)
            action.setEnabled(refusal is None)
            buttons = [one for one in action.associatedObjects() if isinstance(one, QToolButton)]
            # In a menu its words are read: a tip that repeats them would lie over the next ones.
            action.setToolTip(tooltip(said) if refusal is not None or buttons else "")
            if name in self._deaf:
                self._deaf[name].setEnabled(refusal is not None or spec.is_letter)
            if spec.checked is not None:
                action.setChecked(spec.checked())
            for shown in buttons:
                shown.setAccessibleDescription(said)
            if button is not None:
                if refusal is not None:
                    self._leave(button)
                if not isinstance(spec.text, str):
                    set_words(button, spec.on_button(words))
                    button.setAccessibleName(without_mnemonic(words))
                button.setEnabled(refusal is None)
                set_tip(button, said)

    def _leave(self, button: QPushButton) -> None:
        """The focus goes on to the table: Qt would give it to the next button, which does something else."""
        # Of its window: that may stand behind another one, and no button in it "has" the focus then.
        if self._table is not None and button.window().focusWidget() is button:
            self._table.setFocus(Qt.FocusReason.OtherFocusReason)

    def fill(self, menu: QMenu, names: Iterable[str] | None = None, *, is_opening: bool = True) -> None:
        """Adds actions to a menu, all but those that are kept elsewhere, or those named; an empty name is a
        line between two. Of one that `is_opening`, or may be, a screen reader's words are put right at once.
        """
        menu.setToolTipsVisible(True)  # they say why one is disabled
        for name in (one for one in self._specs if one not in self._elsewhere) if names is None else names:
            if names is None and name in self._divided:
                menu.addSeparator()
            if name:
                menu.addAction(self._actions[name])
            else:
                menu.addSeparator()
        if not menu.property(_HEARD):
            menu.setProperty(_HEARD, True)
            menu.aboutToShow.connect(lambda: _hear_in(menu))
        if is_opening:
            _hear_in(menu)

    def more_button(self) -> QPushButton:
        """Opens a menu of all of them, with letters to choose by."""
        button = push_button(self._theme, "", icon=Icon.MORE, tip="More actions")
        button.setAccessibleName("More actions")
        button.setProperty("bare", True)
        button.setFixedWidth(BUTTON)
        menu = QMenu(button)
        menu.setAccessibleName("More actions")
        menu.aboutToShow.connect(partial(self.fill, menu))
        menu.aboutToShow.connect(partial(give_letters, menu))
        menu.aboutToHide.connect(menu.clear)  # else the keys of a table's acts would act on the button, too
        button.setMenu(menu)
        return button


def _hear_in(menu: QMenu) -> None:
    """Lets go of what screen readers know its actions by. Qt makes that once for an action, as an item of the
    menu that was looked at first: in any other one it is not there.
    """
    from PySide6.QtGui import QAccessible  # noqa: PLC0415 - 3 ms of a start

    for action in menu.actions():
        known = QAccessible.queryAccessibleInterface(action)
        if known is not None:
            QAccessible.deleteAccessibleInterface(QAccessible.uniqueId(known))


def give_letters(menu: QMenu) -> None:
    """A mnemonic that none before it has for each action of the menu that has none yet."""
    actions = sorted(menu.actions(), key=lambda action: bool(action.property(_YIELDS)))
    texts = [action.text() for action in actions]
    marked = {text.replace("&&", "").partition("&")[2][:1].lower() for text in texts}
    for action, text in zip(actions, texts, strict=True):
        if "&" not in text:
            action.setText(_marked(text, marked))


def _marked(words: str, marked: set[str]) -> str:
    """The words of an act in a menu with a mnemonic, their first letter that none before has; or that others
    have, too, among which the key goes on.
    """
    for at, letter in enumerate(words.lower()):
        if letter.isalpha() and letter not in marked:
            marked.add(letter)
            return f"{words[:at]}&{words[at:]}"
    return f"&{words}" if words[:1].isalpha() else words


def _native(shortcut: str) -> str:
    return QKeySequence(shortcut).toString(QKeySequence.SequenceFormat.NativeText)


OwnKeys = tuple[str, Sequence[tuple[Sequence[str], str]]]
"""Where a part of a window heeds keys of its own, and what they do: those that do the same together."""


def own_keys(within: QWidget) -> list[tuple[str, str, str]]:
    """Where, keys and what, as a person reads them: of the parts in sight with `own_keys() -> OwnKeys`."""
    found: list[tuple[str, str, str]] = []
    for part in (within, *within.findChildren(QWidget)):
        tell: Callable[[], OwnKeys] | None = getattr(part, "own_keys", None)
        if tell is not None and part.isVisible():
            where, keys = tell()
            found += [(where, ", ".join(map(_native, of)), what) for of, what in keys]
    return list(dict.fromkeys(found))
