"""Rows of toggles with counts, of which one is chosen, or several; and such that fold into a pick list."""

from collections.abc import Sequence

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QButtonGroup, QPushButton, QWidget

from app.services.text import counted
from app.ui.theme import Theme
from app.ui.widgets.actions import OwnKeys
from app.ui.widgets.buttons import Choice, Lines
from app.ui.widgets.labels import set_tip
from app.ui.widgets.many_picker import ManyPicker
from app.ui.widgets.picker import Picker

_ADDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_ADDS = "Ctrl+click, or Ctrl+Space, chooses it beside the others."


class CountChips(Lines):
    """A row of toggles of which one is chosen; `changed(object)` carries its key when the user chose it.

    Left and right, Home and End move and choose; Tab enters and leaves the row as one stop. Where `several`
    may be chosen, a click with Ctrl or Shift adds one or takes it away, and so does Space with Ctrl where the
    arrows with Ctrl have led. The first, "any", is chosen where no other is.
    """

    changed = Signal(object)

    def __init__(self, name: str, *, several: bool = False) -> None:
        super().__init__()
        self._several = several
        self._chips: tuple[Choice, ...] = ()
        self._group = QButtonGroup(self)
        self._group.setExclusive(not several)
        self._group.idClicked.connect(self._take_toggle)
        self._group.idToggled.connect(lambda number, on: self._one_stop(number) if on else None)
        self.setAccessibleName(name)

    def set_chips(self, chips: Sequence[Choice]) -> None:
        """Show these toggles; the choice is kept, or the first is chosen when it is gone."""
        same = [(c.key, c.label) for c in chips] == [(c.key, c.label) for c in self._chips]
        keys = self.keys()
        self._chips = tuple(chips)
        if not same:
            self._rebuild()
        for number, chip in enumerate(chips):
            button = self._group.button(number)
            button.setText(f"{chip.shown} {chip.count_text}".rstrip().replace("&", "&&"))
            described = chip.shown if chip.count is None else f"{chip.shown}, {counted(chip.count, 'row')}"
            button.setAccessibleName(described)
            if self._several and chip.key is not None:
                set_tip(button, _ADDS)
            # A smaller number moves nothing beside it.
            button.setMinimumWidth(max(button.minimumWidth(), button.sizeHint().width()))
        self.set_keys(keys)
        self.updateGeometry()
        self._arrange()

    def keys(self) -> tuple[str, ...]:
        """The chosen keys, in the order of the toggles; none is "any"."""
        both = zip(self._chips, self.buttons(), strict=False)
        return tuple(chip.key for chip, button in both if chip.key is not None and button.isChecked())

    def key(self) -> str | None:
        """The chosen key, the first of several; None is "any"."""
        return next(iter(self.keys()), None)

    def set_key(self, key: str | None) -> None:
        """Choose without emitting `changed`; an unknown key chooses the first."""
        self.set_keys(() if key is None else (key,))

    def set_keys(self, keys: Sequence[str]) -> None:
        """Choose without emitting `changed`; where none of them is known, the first."""
        chosen = [number for number, chip in enumerate(self._chips) if chip.key in keys] or [0]
        for number, button in enumerate(self.buttons()):
            if self._several or number in chosen:
                button.setChecked(number in chosen)
        if self._chips:
            self._one_stop(chosen[0])

    def buttons(self) -> list[QPushButton]:
        return [b for b in self._group.buttons() if isinstance(b, QPushButton)]

    def parts(self) -> Sequence[QWidget]:
        return self.buttons()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        # Qt moves the choice with the focus for the arrow keys, among the buttons of an exclusive group.
        if event.key() in {Qt.Key.Key_Home, Qt.Key.Key_End} and self._chips:
            self._go(0 if event.key() == Qt.Key.Key_Home else len(self._chips) - 1)
        else:
            super().keyPressEvent(event)

    def own_keys(self) -> OwnKeys:
        keys: list[tuple[Sequence[str], str]] = [(("Left", "Right"), "Choose the one beside")]
        if self._several:
            keys.append((("Ctrl+Left", "Ctrl+Right"), "Go to the one beside"))
            keys.append((("Ctrl+Space",), "Choose it beside the others, or no more"))
        return self.accessibleName(), keys

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The keys of toggles of which several may be chosen: Qt moves nothing but the focus there."""
        if self._several and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            adds = bool(event.modifiers() & _ADDING)
            number = self._group.buttons().index(watched) if watched in self._group.buttons() else -1
            if (step := _STEPS.get(Qt.Key(event.key()))) is not None and number >= 0:
                self._go(min(max(number + step, 0), len(self._chips) - 1), chooses=not adds)
                return True
            if event.key() == Qt.Key.Key_Space and adds and number >= 0:
                if not event.isAutoRepeat():
                    self.buttons()[number].toggle()
                    self._take_toggle(number, adds=True)
                return True
        return super().eventFilter(watched, event)

    def _go(self, number: int, *, chooses: bool = True) -> None:
        button = self.buttons()[number]
        button.setFocus(Qt.FocusReason.TabFocusReason)
        if not chooses:
            self._one_stop(number)
        elif not button.isChecked() or len(self.keys()) > 1:
            button.toggle()
            self._take_toggle(number, adds=False)

    def _take_toggle(self, number: int, *, adds: bool | None = None) -> None:
        """What the user has toggled: it alone, or beside the others."""
        key = self._chips[number].key
        if adds is None:
            adds = bool(QGuiApplication.keyboardModifiers() & _ADDING)
        if self._several:
            self.set_keys(self.keys() if adds and key is not None else () if key is None else (key,))
            self._one_stop(number)
        self.changed.emit(key)

    def _rebuild(self) -> None:
        for button in self._group.buttons():
            self._group.removeButton(button)
            button.hide()
            button.deleteLater()
        for number in range(len(self._chips)):
            button = QPushButton(self)
            button.setProperty("kind", "chip")
            button.setCheckable(True)
            # The group does it: this says to screen readers that one is chosen.
            button.setAutoExclusive(not self._several)
            button.setAutoDefault(False)
            if self._several:
                button.installEventFilter(self)
            self._group.addButton(button, number)
            button.show()

    def _one_stop(self, chosen: int) -> None:
        for number, button in enumerate(self._group.buttons()):
            policy = Qt.FocusPolicy.StrongFocus if number == chosen else Qt.FocusPolicy.ClickFocus
            button.setFocusPolicy(policy)


class FoldingChips(CountChips):
    """Chips, or where one line has no room for all of them, or they stand `among` pickers, one more with the
    same choices. With a word for `several`, more than one may be chosen.
    """

    _folded = _among = False

    def __init__(self, theme: Theme, name: str, several: str = "") -> None:
        super().__init__(name, several=bool(several))
        words = f"Any {name.lower()}"
        self.picker: Picker
        if several:
            self.picker = ManyPicker(theme, name, words, several, width=140)
            self.picker.picked.connect(self._pick)
        else:
            self.picker = Picker(theme, name, words, width=140)
            self.picker.picked.connect(lambda key: self._pick(() if key is None else (key,)))
        self.picker.setParent(self)
        self.picker.hide()

    def set_chips(self, chips: Sequence[Choice]) -> None:
        super().set_chips(chips)
        first, *others = chips
        self.picker.set_choices(others, first.count)
        self._fold()

    def set_keys(self, keys: Sequence[str]) -> None:
        super().set_keys(keys)
        if isinstance(self.picker, ManyPicker):
            self.picker.set_keys(self.keys())
        else:
            self.picker.set_key(self.key())

    def parts(self) -> Sequence[QWidget]:
        return [self.picker] if self._folded else super().parts()

    def stand_among(self, among: bool) -> None:
        self._among = among
        self._fold()
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return self.picker.sizeHint() if self._among else self.size_of(super().parts())

    def minimumSizeHint(self) -> QSize:
        return QSize(self.picker.minimumSizeHint().width(), self.sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._fold()
        super().resizeEvent(event)

    def _fold(self) -> None:
        self._folded = self._among or self.sizeHint().width() > self.width()
        for part in super().parts():
            part.setHidden(self._folded)
        self.picker.setVisible(self._folded)
        self._arrange()

    def _pick(self, keys: Sequence[str]) -> None:
        self.set_keys(keys)
        self.changed.emit(self.key())
