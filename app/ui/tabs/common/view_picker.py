"""The views of a tab in its filter row: the ready ones, and those that a person has saved."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QEvent, QObject, QRect, QSize, Qt
from PySide6.QtGui import QKeyEvent, QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from app.itemmodels.columns import Index
from app.services.text import quoted, some_of
from app.ui.tabs.common import arrangement
from app.ui.tabs.common.arrangement import Arrangement, arrangements, make_lasting
from app.ui.theme import Kind, Theme
from app.ui.widgets.buttons import Choice, push_button
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import in_row, set_tip
from app.ui.widgets.later import later
from app.ui.widgets.picker import AROUND, ChoiceDelegate, Picker, PickerPopup, RowsModel

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

_SAVED: Final = "saved:"
_HEAD: Final = "saved"
"""The key of the line above those that were saved, which is none to choose."""
_YOURS: Final = "Your views"
_SAVE, _MANAGE = "Save this view…", "Manage views…"
_LONGEST = 24
"""Characters of a view's name on a button."""
_WIDEST: Final = 220
"""Pixels that the names of saved views are given at the most, where there is room."""


class ViewPicker(Picker):
    """Offers the ready views that it is given, and below them those that were saved of the tab that it
    `serves`. It says which of all these the list shows: a saved one as long as filter and order are its own.

    `picked` is emitted for ready views alone: a saved one is arranged here. With `idle` that is what it says
    where no view is chosen; else it says the words for "any", which keep all rows.
    """

    _tab: "RecordTab | None" = None
    _names: tuple[str, ...] = ()
    _ready: tuple[Choice, ...] = ()
    _any_count: int | None = None
    _on = ""
    _last = ""
    """The saved view that the list showed last: it is the one to update once the filter is another."""
    _read_from = ""
    _left = Arrangement(), "", ""
    """How the list was when a ready view was picked, and the saved views that it showed then, and last."""

    def __init__(
        self, theme: Theme, any_label: str, *, idle: str = "", width: int = 140, parent: QWidget | None = None
    ) -> None:
        self._idle_words = idle
        self._saved: dict[str, Arrangement] = {}
        super().__init__(theme, "View", any_label, width=width, parent=parent)

    def serve(self, tab: "RecordTab") -> None:
        self._tab = tab
        if less := make_lasting(tab.context.settings):
            words = f"No longer kept of {some_of(less, 3, shown=quoted)}: filters by what may let others in"
            later(self, 0, lambda: tab.context.say(words))
        before = self.before

        def show_all(show: Callable[[], None]) -> None:
            self.tell()
            before(show)

        self.before = show_all
        self.tell()

    def set_choices(self, choices: Sequence[Choice], any_count: int | None = None) -> None:
        self._ready, self._any_count = tuple(choices), any_count
        saved = [Choice(_SAVED + name, name) for name in self._names]
        heading = [Choice(_HEAD, _YOURS)] if saved else []
        super().set_choices([*choices, *heading, *saved], any_count)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        """Wide enough for any view that was saved, so that showing another one moves nothing."""
        wide = max(map(self.fontMetrics().horizontalAdvance, self._names), default=0) + AROUND
        return super().sizeHint().expandedTo(QSize(min(wide, _WIDEST), 0))

    def saved_on(self) -> str:
        """The saved view that the list shows; empty for none."""
        return self._on

    def subject(self) -> str:
        """The saved view that is updated, renamed and removed here: the one that the list shows, or showed
        before its filter was changed; empty for none.
        """
        return self._on or (self._last if self._last in self._saved else "")

    def is_changed(self) -> bool:
        """Whether the list shows something else than that view, or other columns."""
        tab, name = self._tab, self.subject()
        return bool(name) and tab is not None and self._saved[name] != arrangement.current(tab, columns=True)

    def tell(self) -> None:
        """Says which view the list shows now."""
        tab = self._tab
        if tab is None:
            return
        kept = tab.context.settings.views.get(tab.spec.table.name)
        if kept != self._read_from:
            self._read_from, self._saved = kept, arrangements(kept)
            self._names = tuple(sorted(self._saved, key=str.casefold))
            self.set_choices(self._ready, self._any_count)
        on, now, before = "", arrangement.current(tab), self.subject()
        if self._saved:
            shown = [name for name in self._names if self._saved[name].keeps_like(now)]
            on = self._on if self._on in shown else next(iter(shown), "")
        self._last = on or ("" if now == Arrangement() else self._last)
        if on != self._on:
            self._on = on
            self._show_choice()
        if self.subject() != before:
            tab.commands.update()

    def ticked(self) -> str | None:
        """Of a list that is filtered without a view none is: the first keeps all rows."""
        if self._on:
            return _SAVED + self._on
        key, tab = super().ticked(), self._tab
        keeps_all = tab is None or not self._idle_words or not tab.query().filtered
        return key if key is not None or keeps_all else ""

    def pick(self, key: str | None) -> None:
        tab = self._tab
        if key == _HEAD or tab is None:
            return
        if key is not None and key.startswith(_SAVED):
            from app.ui.tabs.common.views import show_view  # noqa: PLC0415 - rows show before

            self._close()
            name = key.removeprefix(_SAVED)
            if name in self._saved and show_view(tab, name, self._saved[name]):
                self._on = self._last = name
                self._show_choice()
            return
        self._left = arrangement.current(tab), self._on, self._last
        leaves = bool(self._on) or (key is None and bool(self._idle_words) and tab.query().filtered)
        if leaves:  # with all that the view keeps rows by
            self._on = ""
            self._show_choice()
            arrangement.arrange(tab, Arrangement())
        before, self._last = self.key(), ""
        super().pick(key)
        if leaves and self.key() == before:
            tab.filters_changed()

    def take_back(self) -> None:
        """Says again what was there when a view was picked: the list still shows that."""
        if self._tab is not None:
            was, self._on, self._last = self._left
            arrangement.arrange(self._tab, was)
            self._show_choice()
            self._tab.commands.update()

    def save(self) -> None:
        """Asks for a name of the view that the list shows."""
        if self._tab is not None:
            from app.ui.tabs.common.views import save_view  # noqa: PLC0415 - rows show before

            self._close()
            save_view(self._tab)

    def update_view(self) -> None:
        """Keeps what the list shows in place of what the view did."""
        if self._tab is not None and (name := self.subject()):
            from app.ui.tabs.common.views import update_view  # noqa: PLC0415 - rows show before

            self._close()
            update_view(self._tab, name)

    def rename(self, name: str = "") -> None:
        """Asks for another name of this saved view, or of the one that is shown."""
        if self._tab is not None and (name := name or self.subject()):
            from app.ui.tabs.common.views import rename_view  # noqa: PLC0415 - rows show before

            self._close()
            rename_view(self._tab, name, is_last=name == self.subject())

    def remove(self, name: str = "") -> None:
        """Removes this saved view, or the one that is shown; the list stays as it is."""
        if self._tab is not None and (name := name or self.subject()):
            from app.ui.tabs.common.views import remove_view  # noqa: PLC0415 - rows show before

            self._close()
            remove_view(self._tab, name)

    def shows(self, name: str) -> None:
        """The list shows this view, which was renamed or updated."""
        self._last = name
        self.tell()

    def manage(self) -> None:
        if self._tab is not None:
            self._close()
            self._tab.open_views()

    def _words_for(self, key: str | None) -> str:
        if self._on:
            return self._on
        return self._idle_words if key is None and self._idle_words else super()._words_for(key)

    def _make_popup(self) -> PickerPopup:
        return _ViewsPopup(self._theme, self, self._hint)


class _ViewsModel(RowsModel[Choice]):
    def flags(self, index: Index) -> Qt.ItemFlag:
        if index.isValid() and self.rows[index.row()].key == _HEAD:
            return Qt.ItemFlag.NoItemFlags  # which the arrows pass by
        return super().flags(index)


class _ViewsDelegate(ChoiceDelegate):
    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        if self._model.rows[index.row()].key != _HEAD:
            super().paint(painter, option, index)
            return
        theme, rect = self._theme, option.rect
        painter.fillRect(QRect(rect.x(), rect.y() + 2, rect.width(), 1), theme.colour("line"))
        painter.setFont(option.font)
        painter.setPen(theme.colour("dim"))
        painter.drawText(rect.adjusted(10, 2, -10, 0), Qt.AlignmentFlag.AlignVCenter, _YOURS)


class _ViewsPopup(PickerPopup):
    """F2 renames the saved view that the cursor is at, and Del removes it."""

    _picker: ViewPicker

    def __init__(self, theme: Theme, picker: ViewPicker, hint: str) -> None:
        super().__init__(theme, picker, hint)
        self.save_button = push_button(theme, _SAVE, picker.save, kind=Kind.FLAT)
        self.manage_button = push_button(theme, _MANAGE, picker.manage, kind=Kind.FLAT)
        self.update_button = push_button(theme, "Update", picker.update_view, kind=Kind.FLAT)
        self.rename_button = push_button(theme, "Rename…", partial(picker.rename, ""), kind=Kind.FLAT)
        self.remove_button = push_button(theme, "Remove", partial(picker.remove, ""), kind=Kind.FLAT)
        own, all_ = (self.update_button, self.rename_button, self.remove_button), QWidget()
        for button in (*own, self.save_button, self.manage_button):
            button.setAutoDefault(True)  # Return presses what has the focus
        self._of_one, self._line = QWidget(), all_
        in_row(own[0], None, *own[1:], within=self._of_one, spacing=4)
        in_row(self.save_button, None, self.manage_button, within=all_, spacing=4)
        for line in (self._of_one, all_):
            self._column.addWidget(line)

    def open_at(self, key: str | None) -> None:
        name = self._picker.subject()
        self._of_one.setVisible(bool(name))
        if name:
            self._name_acts(first_line(name, _LONGEST), is_changed=self._picker.is_changed())
        super().open_at(key)

    def _name_acts(self, name: str, *, is_changed: bool) -> None:
        self.update_button.setText(f"Update “{name}”".replace("&", "&&"))
        self.update_button.setEnabled(is_changed)
        why = f"The list shows “{name}” as it is saved."
        set_tip(self.update_button, "" if is_changed else why)
        for button, word in (
            (self.update_button, "Update"),
            (self.rename_button, "Rename"),
            (self.remove_button, "Remove"),
        ):
            button.setAccessibleName(f"{word} “{name}”")
        set_tip(self.rename_button, f"Rename “{name}” (F2)")
        set_tip(self.remove_button, f"Remove “{name}” (Del)")

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and self._act(event):
            return True
        return super().eventFilter(watched, event)

    def _act(self, event: QKeyEvent) -> bool:
        index = self.list.currentIndex()
        key = self.model.rows[index.row()].key if index.isValid() else None
        edits = event.key() == Qt.Key.Key_Delete and self.field.hasFocus() and bool(self.field.text())
        acts = {Qt.Key.Key_F2.value: self._picker.rename, Qt.Key.Key_Delete.value: self._picker.remove}
        act = acts.get(event.key())
        if act is None or edits or key is None or not key.startswith(_SAVED):
            return False
        act(key.removeprefix(_SAVED))
        return True

    def _make_model(self) -> RowsModel[Choice]:
        return _ViewsModel(self)

    def _make_delegate(self, theme: Theme) -> ChoiceDelegate:
        return _ViewsDelegate(theme, self.model, self.list)

    def _keep(self) -> None:
        super()._keep()
        if self.field.text().strip():
            self.model.show([choice for choice in self.model.rows if choice.key != _HEAD])

    def _room_below(self) -> QSize:
        lines = [self._line] if self._of_one.isHidden() else [self._of_one, self._line]
        hints = [line.sizeHint() for line in lines]
        return QSize(max(hint.width() for hint in hints) + 16, sum(hint.height() + 6 for hint in hints))
