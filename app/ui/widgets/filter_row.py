"""The row above every table: a text, pick lists, days, and how many rows are left."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.text import counted
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.date_range import DateRange, DateRangePicker
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.layouts import in_row
from app.ui.widgets.picker import Choice, Picker

DEBOUNCE_MS = 200


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick list of a filter row: its key in the values, its accessible name, the words for "any"."""

    key: str
    name: str
    any_label: str


@dataclass(frozen=True, slots=True)
class FilterValues:
    """What a filter row asks for. `picks` holds only the lists where something is chosen, as (key, value)."""

    text: str = ""
    picks: tuple[tuple[str, str], ...] = ()
    dates: DateRange = field(default_factory=DateRange)

    def pick(self, key: str) -> str | None:
        """What is chosen in the pick list `key`; None is "any"."""
        return dict(self.picks).get(key)


class FilterRow(QWidget):
    """What the rows are filtered by, and how many are left.

    `changed()` is emitted once for each change, 200 ms after the last key for text and at once for the rest,
    and only when `values()` differ from those last emitted. Nothing here takes the focus.
    """

    changed = Signal()

    def __init__(
        self,
        theme: Theme,
        hint: str,
        *,
        picks: Sequence[Pick] = (),
        dates: bool = False,
        noun: tuple[str, str] = ("row", "rows"),
    ) -> None:
        super().__init__()
        self._noun = noun
        self._emitted = FilterValues()
        self.text = _TextField()
        self.text.setPlaceholderText(hint)
        self.text.setAccessibleName(hint.rstrip("…"))
        self.text.setMinimumWidth(120)
        field_icons(theme, self.text, Icon.FILTER)
        self._wait = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._wait.timeout.connect(self._emit)
        self.text.textChanged.connect(self._wait.start)
        self.text.returnPressed.connect(self._emit)
        self._row = in_row((self.text, 1), within=self, spacing=12)
        self._pickers: dict[str, Picker] = {}
        for spec in picks:
            picker = Picker(theme, spec.name, spec.any_label, width=140)
            picker.picked.connect(self._emit)
            self._pickers[spec.key] = picker
            self._row.addWidget(picker)
        self.dates = DateRangePicker(theme, width=130) if dates else None
        if self.dates is not None:
            self.dates.range_changed.connect(self._emit)
            self._row.addWidget(self.dates)
        self._count = Label(look=Look.DIM)
        self._count.hide()
        self._row.addWidget(self._count)

    def values(self) -> FilterValues:
        """What is asked for now."""
        chosen = tuple((k, key) for k, p in self._pickers.items() if (key := p.key()) is not None)
        dates = self.dates.value() if self.dates is not None else DateRange()
        return FilterValues(self.text.text().strip(), chosen, dates)

    def set_values(self, values: FilterValues) -> None:
        """Ask for `values`, as far as this row has a field for them; emits `changed` when they differ."""
        self.text.setText(values.text)
        for key, picker in self._pickers.items():
            picker.set_key(values.pick(key))
        if self.dates is not None:
            self.dates.set_value(values.dates)
        self._emit()

    def clear(self) -> None:
        """Filter nothing."""
        self.set_values(FilterValues())

    def picker(self, key: str) -> Picker:
        """The pick list `key`."""
        return self._pickers[key]

    def set_choices(self, key: str, choices: Sequence[Choice], any_count: int | None = None) -> None:
        """Offer these in the pick list `key`."""
        self._pickers[key].set_choices(choices, any_count)

    def set_count(self, count: int | None, total: int | None = None) -> None:
        """Say how many rows the filter leaves, of how many: "1,204 of 184,220 entries"; None says nothing."""
        words = "" if count is None else counted(count, *self._noun)
        if count is not None and total is not None and total != count:
            words = f"{count:,} of {counted(total, *self._noun)}"
        self._count.setText(words)
        self._count.setVisible(bool(words))

    def count_text(self) -> str:
        """What the count says."""
        return self._count.text()

    def add_widget(self, widget: QWidget) -> None:
        """Put `widget` before the count."""
        self._row.insertWidget(self._row.count() - 1, widget)

    def add_trailing(self, widget: QWidget) -> None:
        """Put `widget` after the count."""
        self._row.addWidget(widget)

    def focus_text(self) -> None:
        """Put the cursor into the text field, all selected."""
        self.text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.text.selectAll()

    def _emit(self) -> None:
        self._wait.stop()
        values = self.values()
        if values != self._emitted:
            self._emitted = values
            self.changed.emit()


class _TextField(QLineEdit):
    """Empties itself on Escape; with nothing to empty, Escape goes on to the window. Return is its own: in a
    dialog it would press the main button.
    """

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        else:
            super().keyPressEvent(event)
            if event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter} and not event.modifiers():
                event.accept()
