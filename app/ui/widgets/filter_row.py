"""The row above every table: a text, pick lists, days, and how many rows are left."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from PySide6.QtCore import QEvent, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.services.text import counted
from app.ui.theme import Icon, Theme
from app.ui.widgets.actions import OwnKeys
from app.ui.widgets.buttons import SHORT, Choice, field_icons, share_words
from app.ui.widgets.formatting import from_to, grouped, tooltip
from app.ui.widgets.labels import Label, Look, WindowField, in_column, in_row, set_tip
from app.ui.widgets.later import later
from app.ui.widgets.many_picker import ManyPicker
from app.ui.widgets.picker import Picker
from models.status import DAY

DEBOUNCE_MS = 200
AT_MOST = "at most"
_LEAST = 400
_TEXT, _TEXT_IN_NARROW, _LEAST_TEXT = 200, 150, 104
"""Pixels of the text, and where room is short: a word beside its icons."""
_FOR_ONE_LINE, _FOR_TEXT, _FOR_SPACE = 500, 720, 780
"""Widths from which on all has room beside each other, the text is as wide, and the parts are as far from
each other, beside as many pick lists as there are.
"""
_FOR_ORDER = 1_000
"""And from which on it says the order, too."""
_APART, _CLOSE = 12, 8
_AROUND_TEXT = 52
"""Pixels beside the words of the field: its icon and its margins."""
_USUAL = 9_999
"""Of a number up to this one the count takes as much room as of any other."""
_SOME, _SELECTED = 999, "{} selected"
"""So many of the rows are selected at the most, usually; for these words it has room, too."""
_FOR_USUAL = 24
"""Pixels that the text gives up for that where room is short."""
_ANY_WIDTH = 16_777_215
_COMES_BACK = {Qt.FocusReason.PopupFocusReason, Qt.FocusReason.ActiveWindowFocusReason}
_LEAVING = {Qt.Key.Key_Down, Qt.Key.Key_Return, Qt.Key.Key_Enter}


class Span(StrEnum):
    """A preset, or CUSTOM for two dates."""

    ANY = "any"
    LAST_HOUR = "hour"
    LAST_24_HOURS = "day"
    TODAY = "today"
    LAST_7 = "7"
    LAST_30 = "30"
    LAST_90 = "90"
    CUSTOM = "custom"
    HOURS = "hours"


_WORDS = {
    Span.LAST_HOUR: "Last hour",
    Span.LAST_24_HOURS: "Last 24 hours",
    Span.TODAY: "Today",
    Span.LAST_7: "Last 7 days",
    Span.LAST_30: "Last 30 days",
    Span.LAST_90: "Last 90 days",
    Span.CUSTOM: "From … to …",
}
_OWN = {Span.CUSTOM, Span.HOURS}
"""Those whose words are of the moments themselves."""
_SECONDS = {
    Span.LAST_HOUR: 3_600,
    Span.LAST_24_HOURS: DAY,
    Span.LAST_7: 7 * DAY,
    Span.LAST_30: 30 * DAY,
    Span.LAST_90: 90 * DAY,
}


@dataclass(frozen=True, slots=True)
class DateRange:
    """Which days; Span.CUSTOM has a `first` and a `last`, both included. Span.HOURS has the epoch seconds
    `since` and `until`, the latter excluded, and whether they were chosen in `utc`.
    """

    span: Span = Span.ANY
    first: date | None = None
    last: date | None = None
    since: int | None = None
    until: int | None = None
    utc: bool = True

    def bounds(self, now: int, utc: bool) -> tuple[int | None, int | None]:
        """Epoch seconds `(since, before)`: since is included, before is not, None is open."""
        match self.span:
            case Span.TODAY:
                today = datetime.fromtimestamp(now, UTC if utc else None).date()
                return midnight(today, utc), None
            case Span.CUSTOM if self.first and self.last:
                return midnight(self.first, utc), end_of(self.last, utc)
            case Span.HOURS:
                return self.since, self.until
            case Span.ANY | Span.CUSTOM:
                return None, None
        return now - _SECONDS[self.span], None

    def said(self) -> str:
        """How a user reads it where it stands alone; nothing for any time."""
        return self.words() if self.span in _OWN else _WORDS.get(self.span, "")

    def words(self) -> str:
        """How a user reads those of Span.CUSTOM: "2026-11-01 – 2026-11-22"; and of Span.HOURS."""
        if self.since is not None and self.until is not None:
            return from_to(self.since, self.until, self.utc)
        return f"{self.first}" if self.first == self.last else f"{self.first} – {self.last}"


def midnight(day: date, utc: bool) -> int:
    """When a day begins, in epoch seconds."""
    return int(datetime.combine(day, time(), UTC if utc else None).timestamp())


def end_of(day: date, utc: bool) -> int:
    """When the next one begins."""
    return midnight(day, utc) + DAY if day == date.max else midnight(day + timedelta(days=1), utc)


class DateRangePicker(Picker):
    """`range_changed()` when the user chose. "From … to …" asks for two days."""

    range_changed = Signal()

    def __init__(
        self, theme: Theme, *, width: int, any_time: str = "Any time", parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Date range", any_time, width=width, parent=parent)
        self.set_value(DateRange())
        self.picked.connect(lambda key: self._choose(DateRange(Span.ANY if key is None else Span(key))))

    def value(self) -> DateRange:
        return self._value

    def set_value(self, value: DateRange) -> None:
        """Choose without emitting `range_changed`."""
        self._value = value
        words = _WORDS | ({value.span: value.words()} if value.span in _OWN else {})
        self.set_choices([Choice(span.value, words[span]) for span in words])
        # It may have no room for them. Its description stays: that is what it is for.
        self.setToolTip(tooltip(words[value.span]) if value.span in _OWN else "")
        self.set_key(None if value.span is Span.ANY else value.span.value)

    def pick(self, key: str | None) -> None:
        """Choose as the user does; the custom span can be chosen again to change its dates."""
        if key == Span.CUSTOM.value:
            from app.ui.widgets.form_dialog import DateRangeDialog  # noqa: PLC0415 - few ask for it

            self.hidePopup()
            dialog = DateRangeDialog(self._theme, self._value.first, self._value.last, self)
            dialog.open_once(lambda: self._choose(DateRange(Span.CUSTOM, *dialog.days())))
        else:
            super().pick(key)

    def _choose(self, value: DateRange) -> None:
        self.set_value(value)
        self.range_changed.emit()


@dataclass(frozen=True, slots=True)
class Pick:
    """A pick list of a filter row: its key in the values, its accessible name, the words for "any", and what
    `several` of its values are called.
    """

    key: str
    name: str
    any_label: str
    several: str = "values"


@dataclass(frozen=True, slots=True)
class FilterValues:
    """What a filter row asks for. `picks` holds the lists where something is chosen, as (key, values)."""

    text: str = ""
    picks: tuple[tuple[str, tuple[str, ...]], ...] = ()
    dates: DateRange = field(default_factory=DateRange)


class _Count(Label):
    """As wide as its words: Qt's hint stays that of the room that was last kept for them."""

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2, super().sizeHint().height())


class FilterRow(QWidget):
    """What the rows are filtered by, and how many are left.

    `changed()` is emitted once for each change, 200 ms after the last key for text and at once for the rest,
    and only when `values()` differ from those last emitted. Nothing here takes the focus. `pickers` are the
    pick lists, by key. `left(by_return, changed)` when Down or Return in the text asks to go on to the rows,
    and whether it was that key which emitted `changed()`, so that nobody has seen what came of it.
    """

    changed = Signal()
    left = Signal(bool, bool)

    def __init__(
        self,
        theme: Theme,
        hint: str,
        *,
        picks: Sequence[Pick] = (),
        dates: bool = False,
        noun: tuple[str, str] = ("row", "rows"),
        any_time: str = "Any time",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self._noun = noun
        self._emitted = FilterValues()
        self._trailing, self._ends = list[QPushButton](), list[QWidget]()
        self._widest_count = 0
        self._counted: tuple[int, str, str] | None = None
        self._selected = 0
        self._narrow = self._shares = self._in_two = False
        self._for_one_line = _FOR_ONE_LINE
        self._after_text = 1
        """The place in the row behind the text and what stands beside it."""
        self.text = _TextField(hint)
        self.text.setAccessibleName(hint.rstrip("…"))
        field_icons(theme, self.text, Icon.FILTER)
        self._wait = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._wait.timeout.connect(self._emit)
        self.text.textChanged.connect(self._wait.start)
        self.text.left.connect(lambda by_return: self.left.emit(by_return, self._emit()))
        self._row, self._below = in_row((self.text, 1), spacing=_APART), in_row(None)
        self._last = in_row(None, spacing=_CLOSE)
        in_column(self._row, self._below, self._last, within=self)
        self.pickers: dict[str, ManyPicker] = {}
        for spec in picks:
            picker = ManyPicker(theme, spec.name, spec.any_label, spec.several, width=140, parent=self)
            picker.picked.connect(self._emit)
            self.pickers[spec.key] = picker
            self._row.addWidget(picker)
        self.dates = DateRangePicker(theme, width=130, any_time=any_time, parent=self) if dates else None
        if self.dates is not None:
            self.dates.range_changed.connect(self._emit)
            self._row.addWidget(self.dates)
        self.count = _Count(look=Look.DIM)
        self.count.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.count.hide()
        self._row.addWidget(self.count)
        self._behind: QWidget = next(iter(self.pickers.values()), self.dates or self.count)
        """What comes behind all that has its room from the text, also for a screen reader."""

    def values(self) -> FilterValues:
        chosen = tuple((k, keys) for k, p in self.pickers.items() if (keys := p.keys()))
        dates = self.dates.value() if self.dates is not None else DateRange()
        return FilterValues(self.text.text().strip(), chosen, dates)

    def set_values(self, values: FilterValues) -> None:
        """Ask for `values`, as far as this row has a field for them; emits `changed` when they differ."""
        self.text.setText(values.text)
        for key, picker in self.pickers.items():
            picker.set_keys(dict(values.picks).get(key, ()))
        if self.dates is not None:
            self.dates.set_value(values.dates)
        self._emit()

    def set_count(self, count: int | None, which: str = "", order: str = "") -> None:
        """Say how many rows the filter leaves, `which` these are, and in what `order`; None says nothing."""
        self._counted = None if count is None else (count, which, order)
        self.count.setVisible(count is not None)
        self._share_room()

    def set_selected(self, count: int) -> None:
        """Say in place of that how many are selected, where nothing else in sight does; 0 says nothing."""
        if count != self._selected:
            self._selected = count
            self._share_room()

    def said(self) -> str:
        """All that there is to say of the count, whatever there is room for."""
        if self._counted is None:
            return ""
        number, which, order = self._counted
        return ", ".join(filter(None, (f"{counted(number, *self._noun)} {which}".rstrip(), order)))

    def add_chips(self, chips: QWidget) -> None:
        """More of what the rows are filtered by, in a line of its own: nothing in this one moves for it."""
        self._below.insertWidget(0, chips, 100)
        chips.stackUnder(self._behind)
        self._behind = chips

    def add_beside_text(self, widget: QWidget) -> None:
        """What stands next to the text, for as long as the list is there."""
        self._row.insertWidget(self._after_text, widget)
        widget.stackUnder(self._behind)
        self._after_text += 1

    def let_go(self, widget: QWidget) -> None:
        """Of what `add_beside_text` was given: it stands elsewhere."""
        if self._row.indexOf(widget) >= 0:
            self._row.removeWidget(widget)
            self._after_text -= 1

    def share_with(self, picks: QWidget | None) -> None:
        """With one more list to pick from, for which the text gives up room; or None of that again."""
        self._shares = picks is not None
        if picks is not None:
            self._row.insertWidget(self._after_text, picks)
            if picks.parentWidget() is self:
                picks.stackUnder(self._behind)
        self._share_room()

    def add_trailing(self, widget: QWidget) -> None:
        (self._last if self._in_two else self._row).addWidget(widget)
        self._ends.append(widget)
        if isinstance(widget, QPushButton):
            self._trailing.append(widget)

    def event(self, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.LayoutRequest, QEvent.Type.Resize}:
            self._share_room()
        return super().event(event)

    def _share_room(self) -> None:
        """Text and number keep their room before a button keeps its words, and its short ones before what is
        counted is said; the count, while one types, as much as it had at the most, so that nothing beside it
        moves.
        """
        self._break_line()
        narrow = self.width() < _FOR_SPACE
        if narrow != self._narrow:
            self._narrow, self._widest_count = narrow, 0
            self._row.setSpacing(_CLOSE if narrow else _APART)
        if self._in_two:
            self.text.setMinimumWidth(_LEAST_TEXT)
            self.count.setMaximumWidth(_ANY_WIDTH)
            left = self.width() - self._without_count()
            wanted = self._as_selected() if self._selected else 0
            self._say_count(max(left - self._short_words(), min(left, wanted)))
            self.count.setMinimumWidth(self.count.sizeHint().width())  # before buttons say more
            share_words(self._last, self.width(), self._trailing)
            return
        text = _TEXT if self.width() >= _FOR_TEXT else _TEXT_IN_NARROW
        room = self.width() - self._without_count() + self.text.minimumWidth() - text
        can_give = text - (_LEAST_TEXT if text < _TEXT else _TEXT_IN_NARROW)
        wanted = min(can_give, self._as_selected() - room) if self.width() < _FOR_ORDER else 0
        gives = max(0, min(text - _LEAST_TEXT, self._least_count() - room), wanted)
        if self._least_count() > room + gives and self.isVisible():  # a part of a number is another number
            if self._gave_words():  # which takes less than was reckoned: looked at once more by what is left
                return
            self._for_one_line = self.width() + 1
            self._share_room()
            return
        usual = _FOR_USUAL if self.width() >= _FOR_ORDER else 0
        self.text.setMinimumWidth(text - gives - usual)  # once: a greater one would make it wider at once
        room += gives
        self._say_count(max(room - self._short_words(), min(room, self._as_selected())))
        self._widest_count = max(self._widest_count, self._count_wants(room))
        # Else parts would stand upon each other.
        self.count.setMaximumWidth(_ANY_WIDTH if room >= self._widest_count else max(0, room))
        self.count.setMinimumWidth(min(self._widest_count, self.count.maximumWidth()))
        share_words(self._row, self.width(), self._trailing)

    def _gave_words(self) -> bool:
        """Whether a button has given up words that it had."""
        before = [one.text() for one in self._trailing]
        share_words(self._row, self.width(), self._trailing)
        return before != [one.text() for one in self._trailing]

    def _break_line(self) -> None:
        """In a narrow window the days, the count and the buttons stand below the text and the lists."""
        in_two = 0 < self.width() < self._for_one_line
        if in_two == self._in_two:
            return
        self._in_two = in_two
        front: list[QWidget] = [self.count] if self.dates is None else [self.dates, self.count]
        for at, part in enumerate(front):
            if in_two:
                self._last.insertWidget(at, part)
            else:
                self._row.addWidget(part)
        for end in self._ends:
            (self._last if in_two else self._row).addWidget(end)
        # Qt forgets that of a row which grows while what it stands in is being laid out.
        later(self, 0, self.updateGeometry)

    def _count_wants(self, room: int) -> int:
        """What the count takes, and as much as one of four digits would where there is room for that: beside
        another number nothing has another width.
        """
        advance, said = self.count.fontMetrics().horizontalAdvance, self.count.text()
        is_number = said in {"", grouped(self._selected or (self._counted or (0,))[0])}
        if is_number:
            usual = [advance(grouped(_USUAL)) + 2, self._as_selected()]
        else:
            usual = [advance(counted(_USUAL, *self._noun)) + 2, self._as_selected()]
            room -= self._short_words()
        fitting = [wide for wide in usual if wide <= room and self._counted is not None]
        return max(advance(said) + 2, *fitting, 0)

    def _as_selected(self) -> int:
        """What the count takes where it says that some are selected: a number alone would be another one."""
        words = _SELECTED.format(grouped(_SOME))
        return 0 if self._counted is None else self.count.fontMetrics().horizontalAdvance(words) + 2

    def _short_words(self) -> int:
        """What buttons need to say what they do, rather than the count what it counts."""
        shown = [one for one in self._trailing if not one.isHidden()]
        words = [str(one.property(SHORT) or "") for one in shown]
        return sum(self.count.fontMetrics().horizontalAdvance(word) + 2 * _CLOSE for word in words if word)

    def _least_count(self) -> int:
        number = self._selected or (0 if self._counted is None else self._counted[0])
        return 0 if self._counted is None else self.count.fontMetrics().horizontalAdvance(grouped(number)) + 2

    def _without_count(self) -> int:
        """The least that all else in the row takes, where no button has its words."""
        count = self.count
        least = count.minimumWidth() or min(count.minimumSizeHint().width(), count.maximumWidth())
        own = 0 if count.isHidden() else least
        worded = [one for one in self._trailing if not (one.isHidden() or one.icon().isNull())]
        words = sum(one.fontMetrics().horizontalAdvance(one.text()) for one in worded)
        line = self._last if self._in_two else self._row
        return line.minimumSize().width() - own - words

    def _say_count(self, room: int) -> None:
        """All of it, or as much as there is room for, with all of it in the tool tip."""
        if self._counted is None:
            self.count.setText("")
            return
        (number, which, _), whole = self._counted, self.said()
        noun = counted(number, *self._noun)
        words = f"{noun} {which}".rstrip()
        if self._selected:
            words = _SELECTED.format(grouped(self._selected))
            whole = f"{grouped(self._selected)} of {noun} selected"
        elif self._narrow:
            words = f"≤ {noun}" if which == AT_MOST else words
        elif self.width() >= _FOR_ORDER:
            words = whole
        advance = self.count.fontMetrics().horizontalAdvance
        if advance(words) + 2 > room:
            words = grouped(self._selected or number)
            if self._selected and advance(f"✓ {words}") + 2 <= room:  # a number alone is that of all rows
                words = f"✓ {words}"
        self.count.setText(words)
        set_tip(self.count, "" if words == whole else whole)

    def minimumSizeHint(self) -> QSize:
        return QSize(_LEAST, super().minimumSizeHint().height())

    def focus_text(self) -> None:
        self.text.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.text.selectAll()

    def _emit(self) -> bool:
        self._wait.stop()
        values = self.values()
        changed = values != self._emitted
        if changed:
            self._emitted = values
            self.changed.emit()
        return changed


class _TextField(WindowField):
    """Empties itself on Escape; with nothing to empty, Escape goes on to the window. `left(by_return)` on
    Down and on Return, which in a dialog would press the main button. Where there is no room for the hint it
    leaves out what the icon says, and then the last of what is searched; its tip has all of it. A longer text
    shows its beginning while the focus is elsewhere.
    """

    left = Signal(bool)

    def __init__(self, hint: str) -> None:
        super().__init__(placeholderText=hint)
        self._hints = [*_shorter(hint)]
        self._at = 0
        """Where one was writing."""

    def setText(self, text: str | None) -> None:
        super().setText(text)
        if not self.hasFocus():
            self._at = self.cursorPosition()
            self.home(False)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() not in _COMES_BACK:
            self._at = self.cursorPosition()
            self.home(False)

    def focusInEvent(self, event: QFocusEvent) -> None:
        if not self.hasSelectedText():
            self.setCursorPosition(self._at)
        super().focusInEvent(event)

    def own_keys(self) -> OwnKeys:
        return "Filter", ((("Esc",), "Empty it, or go to the rows"), (("Down",), "Go to the rows"))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        advance, room = self.fontMetrics().horizontalAdvance, self.width() - _AROUND_TEXT
        shown = next((hint for hint in self._hints if advance(hint) <= room), self._hints[-1])
        self.setPlaceholderText(shown)
        set_tip(self, "" if shown == self._hints[0] else self._hints[0])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() in _LEAVING and not event.modifiers() & ~Qt.KeyboardModifier.KeypadModifier:
            self.left.emit(event.key() != Qt.Key.Key_Down)
        else:
            super().keyPressEvent(event)


def _shorter(hint: str) -> Iterator[str]:
    """ "Filter by name, URL or host…", "Name, URL or host…", "Name, URL…", "Name…"."""
    yield hint
    whole = hint.removeprefix("Filter by ")
    yield whole[:1].upper() + whole[1:]
    named = whole.removesuffix("…").replace(" or ", ", ").split(", ")
    for count in range(len(named) - 1, 0, -1):
        short = ", ".join(named[:count])
        yield f"{short[:1].upper()}{short[1:]}…"
