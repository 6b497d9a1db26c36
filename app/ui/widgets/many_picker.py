"""A pick list of which several values may be chosen."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QEvent, QObject, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import DISPLAY, Index
from app.services.text import counted
from app.ui.theme import Theme
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import Choice
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.picker import ChoiceDelegate, Picker, PickerPopup, RowsModel

_BOX_ENDS = 28
"""Pixels from the left of a row in which a press means its box."""
_ADDING = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
_HINT, _CHECKED = "Box or Space: several · Return: this alone", "{} checked · Return takes them"
_LISTED = 12
"""Values that a tool tip names."""


class ManyPicker(Picker):
    """A click on a row's words, or Return, keeps that one alone, as in any picker. A click on its box, one
    with Ctrl, or Space checks it beside those there are, also where it was searched for, and the list stays
    open; what is checked then holds when the list is closed, by Return or a click elsewhere, and not when
    Escape closes it. A search takes a blank by Shift and Space.

    `picked(object)` carries the keys, a tuple, none of them for "any". `several` is what more than one of the
    values are called: "3 types".
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        any_label: str,
        several: str,
        *,
        width: int = 0,
        parent: QWidget | None = None,
    ) -> None:
        self._keys: tuple[str, ...] = ()
        self.several = several
        super().__init__(theme, name, any_label, width=width, parent=parent)

    def keys(self) -> tuple[str, ...]:
        """The chosen keys, in an order of their own; none is "any"."""
        return self._keys

    def set_keys(self, keys: Iterable[str]) -> None:
        """Choose without emitting `picked`; a key that is not offered (yet) is kept and shown as it is."""
        self._keys = tuple(sorted(set(keys)))
        super().set_key(self._keys[0] if self._keys else None)

    def set_key(self, key: str | None) -> None:
        self.set_keys(() if key is None else (key,))

    def pick(self, key: str | None) -> None:
        self.pick_keys(() if key is None else (key,))

    def pick_keys(self, keys: Iterable[str]) -> None:
        """Choose as the user does."""
        self._close()
        before = self._keys
        self.set_keys(keys)
        if self._keys != before:
            self.picked.emit(self._keys)

    def _show_choice(self) -> None:
        names = [self._words_for(key) for key in self._keys]
        if len(names) < 2:
            super()._show_choice()
        else:
            self.setItemText(0, f"{len(names):,} {self.several}")
        more = len(names) - _LISTED
        told = [*names[:_LISTED], *([f"and {counted(more, 'other')}"] if more > 0 else [])]
        words = ", ".join(told) if len(names) > 1 else ""
        self.setToolTip(tooltip(words))
        self.setAccessibleDescription(": ".join(filter(None, (self.accessibleName(), words))))

    def _make_popup(self) -> PickerPopup:
        return _ChecksPopup(self._theme, self, self._hint)


class _ChecksPopup(PickerPopup):
    """The list under it. `drafted` are the keys checked since it was opened; None before anything was."""

    def __init__(self, theme: Theme, picker: ManyPicker, hint: str) -> None:
        self._of = picker
        self.drafted: set[str] | None = None
        self._adds = False
        super().__init__(theme, picker, hint)
        self.told = Label(_HINT, Look.DIM)
        self.told.setContentsMargins(8, 0, 8, 2)
        self._column.addWidget(self.told)
        self.list.viewport().installEventFilter(self)

    def checked(self) -> set[str]:
        """The keys that are checked now."""
        return set(self._of.keys()) if self.drafted is None else self.drafted

    def check(self, index: Index) -> None:
        """Checks a row, or takes its check away; "any" takes all of them away."""
        if not index.isValid():
            return
        choice = self.model.rows[index.row()]
        self.drafted = set() if choice.key is None else self.checked() ^ {choice.key}
        self.model.dataChanged.emit(self.model.index(0), self.model.index(len(self.model.rows) - 1))
        if not self.field.isHidden():  # what is looked for next is typed at once
            self.field.setFocus(Qt.FocusReason.OtherFocusReason)
            self.field.selectAll()
        count = len(self.drafted)
        self.told.setText(_CHECKED.format(f"{count:,} {self._of.several}") if count > 1 else _HINT)
        state = "chosen" if choice.key is None or choice.key in self.drafted else "not chosen"
        announce(self.list, f"{choice.shown}, {state}. {count:,} {self._of.several}")

    def open_at(self, key: str | None) -> None:
        self.drafted = None
        self.told.setText(_HINT)
        super().open_at(key)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        drafted, self.drafted = self.drafted, None
        if drafted is not None:
            self._of.pick_keys(drafted)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QMouseEvent) and event.type() == QEvent.Type.MouseButtonPress:
            on_box = event.position().x() < _BOX_ENDS
            self._adds = watched is self.list.viewport() and (on_box or bool(event.modifiers() & _ADDING))
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._means_check(event):
            self.check(self.list.currentIndex())
            return True
        return super().eventFilter(watched, event)

    def _means_check(self, event: QKeyEvent) -> bool:
        """In the field, too, where it is a blank with Shift."""
        is_blank = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier) and not self.list.hasFocus()
        return event.key() == Qt.Key.Key_Space and not is_blank

    def _choose(self, index: Index) -> None:
        adds, self._adds = self._adds, False
        if adds:
            self.check(index)
        else:
            self.drafted = None
            super()._choose(index)

    def _enter(self, index: Index) -> None:
        self._adds = False
        if self.drafted is None:
            self._choose(index)
        else:
            self.hide()

    def _give_up(self) -> None:
        self.drafted = None
        super()._give_up()

    def _room_below(self) -> QSize:
        return self.told.sizeHint() + QSize(16, self._column.spacing())

    def _make_model(self) -> RowsModel[Choice]:
        return _ChecksModel(self)

    def _make_delegate(self, theme: Theme) -> ChoiceDelegate:
        return _CheckDelegate(theme, self)


class _ChecksModel(RowsModel[Choice]):
    """Says which rows are checked: "any" where no other is."""

    def __init__(self, popup: _ChecksPopup) -> None:
        super().__init__(popup)
        self._popup = popup

    def flags(self, index: Index) -> Qt.ItemFlag:
        return super().flags(index) | Qt.ItemFlag.ItemIsUserCheckable

    def data(self, index: Index, role: int = DISPLAY) -> Any:
        if index.isValid() and role == Qt.ItemDataRole.CheckStateRole:
            key, checked = self.rows[index.row()].key, self._popup.checked()
            is_on = not checked if key is None else key in checked
            return Qt.CheckState.Checked if is_on else Qt.CheckState.Unchecked
        return super().data(index, role)


class _CheckDelegate(ChoiceDelegate):
    """A box before each row but "any", which has a tick where nothing is checked."""

    def __init__(self, theme: Theme, popup: _ChecksPopup) -> None:
        super().__init__(theme, popup.model, popup.list)
        self._popup = popup

    def paint_mark(self, painter: QPainter, place: QRect, choice: Choice) -> None:
        checked = self._popup.checked()
        self.chosen = None
        if choice.key is None:
            if not checked:
                super().paint_mark(painter, place, choice)
            return
        on = choice.key in checked
        box = QRectF(place).adjusted(0.5, 0.5, -1.5, -1.5)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("accent" if on else "dim"), 1))
        painter.setBrush(self._theme.colour("accent" if on else "panel"))
        painter.drawRoundedRect(box, 3, 3)
        if on:
            painter.drawPixmap(place.x() + 2, place.y() + 2, self.tick(painter, "panel", 11))
        painter.restore()
