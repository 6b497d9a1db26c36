"""A span of days to filter by: a few presets, or from and to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.formatting import DAY
from app.ui.widgets.picker import Choice, Picker

if TYPE_CHECKING:
    from app.ui.widgets.date_range_dialog import DateRangeDialog


class Span(StrEnum):
    """A preset, or CUSTOM for two dates."""

    ANY = "any"
    TODAY = "today"
    LAST_7 = "7"
    LAST_30 = "30"
    LAST_90 = "90"
    CUSTOM = "custom"


_WORDS = {
    Span.TODAY: "Today",
    Span.LAST_7: "Last 7 days",
    Span.LAST_30: "Last 30 days",
    Span.LAST_90: "Last 90 days",
    Span.CUSTOM: "From … to …",
}


@dataclass(frozen=True, slots=True)
class DateRange:
    """Which days; `first` and `last` (both included) count only with Span.CUSTOM, and either may be None."""

    span: Span = Span.ANY
    first: date | None = None
    last: date | None = None

    def bounds(self, now: int, utc: bool) -> tuple[int | None, int | None]:
        """Epoch seconds `(since, before)`: since is included, before is not, None is open."""
        if self.span is Span.TODAY:
            today = datetime.fromtimestamp(now, UTC if utc else None).date()
            return _midnight(today, utc), None
        if self.span is Span.CUSTOM:
            since = None if self.first is None else _midnight(self.first, utc)
            before = None if self.last is None else _midnight(self.last + timedelta(days=1), utc)
            return since, before
        if self.span is Span.ANY:
            return None, None
        return now - int(self.span.value) * DAY, None

    def words(self) -> str:
        """How a user reads it: "Last 30 days", "1 Nov 2026 – 22 Nov 2026"."""
        if self.span is Span.ANY:
            return "Any time"
        if self.span is not Span.CUSTOM:
            return _WORDS[self.span]
        if self.first and self.last:
            return _day(self.first) if self.first == self.last else f"{_day(self.first)} – {_day(self.last)}"
        if self.first:
            return f"Since {_day(self.first)}"
        return f"Until {_day(self.last)}" if self.last else "Any time"


def _midnight(day: date, utc: bool) -> int:
    return int(datetime.combine(day, time(), UTC if utc else None).timestamp())


def _day(day: date) -> str:
    return f"{day.day} {day:%b %Y}"


class DateRangePicker(Picker):
    """`DateRangePicker(theme, parent=None)`; `value()` and `set_value(range)`; `range_changed()` when the
    user chose.

    "From … to …" opens a dialog, `custom_dialog`, with two dates.
    """

    range_changed = Signal()

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Date range", "Any time", parent=parent)
        self._theme = theme
        self._value = DateRange()
        self.custom_dialog: DateRangeDialog | None = None
        self.set_value(self._value)
        self.picked.connect(self._picked)

    def value(self) -> DateRange:
        """The days chosen."""
        return self._value

    def set_value(self, value: DateRange) -> None:
        """Choose without emitting `range_changed`."""
        self._value = value
        words = _WORDS | ({Span.CUSTOM: value.words()} if value.span is Span.CUSTOM else {})
        self.set_choices([Choice(span.value, words[span]) for span in _WORDS])
        self.set_key(None if value.span is Span.ANY else value.span.value)

    def pick(self, key: str | None) -> None:
        """Choose as the user does; the custom span can be chosen again to change its dates."""
        if key == Span.CUSTOM.value:
            self.hidePopup()
            self._ask()
        else:
            super().pick(key)

    def _picked(self, key: str | None) -> None:
        self._value = DateRange(Span.ANY if key is None else Span(key))
        self.set_value(self._value)
        self.range_changed.emit()

    def _ask(self) -> None:
        from app.ui.widgets.date_range_dialog import DateRangeDialog  # noqa: PLC0415 - with its calendars

        self.custom_dialog = DateRangeDialog(self._theme, self._value, self)
        self.custom_dialog.accepted.connect(self._take)
        self.custom_dialog.open()

    def _take(self) -> None:
        if self.custom_dialog is not None:
            self.set_value(self.custom_dialog.value())
            self.range_changed.emit()
