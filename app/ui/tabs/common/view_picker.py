"""The views of a tab in its filter row: the ready ones, and those that a person has saved."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QRect, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyleOptionViewItem, QWidget

from app.itemmodels.columns import Index
from app.ui.tabs.common import arranging
from app.ui.tabs.common.arrangement import Arrangement, arrangements
from app.ui.theme import Kind, Theme
from app.ui.widgets.buttons import Choice, push_button
from app.ui.widgets.labels import in_row
from app.ui.widgets.picker import ChoiceDelegate, Picker, PickerPopup, RowsModel

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

_SAVED: Final = "saved:"
_HEAD: Final = "saved"
"""The key of the line above those that were saved, which is none to choose."""
_YOURS: Final = "Your views"
_SAVE, _MANAGE = "Save this view…", "Manage views…"


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
    _read_from = ""

    def __init__(self, theme: Theme, any_label: str, *, idle: str = "", width: int = 140) -> None:
        self._idle_words = idle
        self._saved: dict[str, Arrangement] = {}
        super().__init__(theme, "View", any_label, width=width)

    def serve(self, tab: "RecordTab") -> None:
        self._tab = tab
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

    def saved_on(self) -> str:
        """The saved view that the list shows; empty for none."""
        return self._on

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
        on = ""
        if self._saved:
            now = arranging.current(tab)
            shown = [name for name in self._names if self._saved[name].keeps_like(now)]
            on = self._on if self._on in shown else next(iter(shown), "")
        if on != self._on:
            self._on = on
            self._show_choice()

    def ticked(self) -> str | None:
        return _SAVED + self._on if self._on else super().ticked()

    def pick(self, key: str | None) -> None:
        tab = self._tab
        if key == _HEAD or tab is None:
            return
        if key is not None and key.startswith(_SAVED):
            from app.ui.tabs.common.views import show_view  # noqa: PLC0415 - rows show before

            self._close()
            name = key.removeprefix(_SAVED)
            if name in self._saved and show_view(tab, name, self._saved[name]):
                self._on = name
                self._show_choice()
            return
        leaves = bool(self._on) or (key is None and bool(self._idle_words) and tab.query().filtered)
        if leaves:  # with all that the view keeps rows by
            self._on = ""
            self._show_choice()
            arranging.arrange(tab, Arrangement())
        before = self.key()
        super().pick(key)
        if leaves and self.key() == before:
            tab.filters_changed()

    def save(self) -> None:
        """Asks for a name of the view that the list shows."""
        if self._tab is not None:
            from app.ui.tabs.common.views import save_view  # noqa: PLC0415 - rows show before

            self._close()
            save_view(self._tab)

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
    def __init__(self, theme: Theme, picker: ViewPicker, hint: str) -> None:
        super().__init__(theme, picker, hint)
        self.save_button = push_button(theme, _SAVE, picker.save, kind=Kind.FLAT)
        self.manage_button = push_button(theme, _MANAGE, picker.manage, kind=Kind.FLAT)
        for button in (self.save_button, self.manage_button):
            button.setAutoDefault(True)  # Return presses what has the focus
        self._line = QWidget()
        in_row(self.save_button, None, self.manage_button, within=self._line, spacing=4)
        self._column.addWidget(self._line)

    def _make_model(self) -> RowsModel[Choice]:
        return _ViewsModel(self)

    def _make_delegate(self, theme: Theme) -> ChoiceDelegate:
        return _ViewsDelegate(theme, self.model, self.list)

    def _keep(self) -> None:
        super()._keep()
        if self.field.text().strip():
            self.model.show([choice for choice in self.model.rows if choice.key != _HEAD])

    def _room_below(self) -> QSize:
        hint = self._line.sizeHint()
        return QSize(hint.width() + 16, hint.height() + 6)
