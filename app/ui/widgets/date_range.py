"""A span of days to filter by: a few presets, or from and to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtGui import QTextCharFormat
from PySide6.QtWidgets import (
    QCalendarWidget,
    QDateEdit,
    QDialog,
    QFormLayout,
    QHBoxLayout,
    QVBoxLayout,
    QWidget,
)

from app.ui.theme import Kind, Theme
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import DAY
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.picker import Choice, Picker


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
            self.popup.hide()
            self._ask()
        else:
            super().pick(key)

    def _picked(self, key: str | None) -> None:
        self._value = DateRange(Span.ANY if key is None else Span(key))
        self.set_value(self._value)
        self.range_changed.emit()

    def _ask(self) -> None:
        self.custom_dialog = DateRangeDialog(self._theme, self._value, self)
        self.custom_dialog.accepted.connect(self._take)
        self.custom_dialog.open()

    def _take(self) -> None:
        if self.custom_dialog is not None:
            self.set_value(self.custom_dialog.value())
            self.range_changed.emit()


def _calm(theme: Theme, calendar: QCalendarWidget) -> None:
    """No week numbers, and weekends in the colour of any other day."""
    calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
    plain = QTextCharFormat()
    plain.setForeground(theme.colour("text"))
    for day in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
        calendar.setWeekdayTextFormat(day, plain)


class DateRangeDialog(QDialog):
    """Asks for the first and last day; `value()` after it was accepted."""

    def __init__(self, theme: Theme, value: DateRange, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Date range")
        today = QDate.currentDate()
        self.first, self.last = QDateEdit(today.addDays(-30)), QDateEdit(today)
        for edit, day in ((self.first, value.first), (self.last, value.last)):
            edit.setCalendarPopup(True)
            _calm(theme, edit.calendarWidget())
            edit.setDisplayFormat("d MMM yyyy")
            edit.setMinimumWidth(160)
            if day is not None:
                edit.setDate(QDate(day.year, day.month, day.day))
            edit.dateChanged.connect(self._check)
        self.first.setAccessibleName("First day")
        self.last.setAccessibleName("Last day")
        self.problem = Label(look=Look.BAD, wrap=True)
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        form.addRow("First day", self.first)
        form.addRow("Last day", self.last)
        self.ok_button = push_button(theme, "Show these days", kind=Kind.PRIMARY)
        self.ok_button.setDefault(True)
        cancel = push_button(theme, "Cancel")
        self.ok_button.clicked.connect(self.accept)
        cancel.clicked.connect(self.reject)
        buttons = QHBoxLayout()
        buttons.setSpacing(8)
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.ok_button)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 16, 16, 16)
        column.setSpacing(16)
        column.addLayout(form)
        column.addWidget(self.problem)
        column.addLayout(buttons)
        self._check()

    def value(self) -> DateRange:
        """The two days."""
        first, last = self.first.date(), self.last.date()
        return DateRange(
            Span.CUSTOM,
            date(first.year(), first.month(), first.day()),
            date(last.year(), last.month(), last.day()),
        )

    def _check(self) -> None:
        wrong = self.first.date() > self.last.date()
        self.problem.setText("The first day must not be after the last day." if wrong else "")
        self.problem.setVisible(wrong)
        self.ok_button.setEnabled(not wrong)
