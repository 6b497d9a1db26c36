"""A span of days to filter by: a few presets, or from and to."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum

from PySide6.QtCore import QDate, Qt, Signal
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

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
        match self.span:
            case Span.ANY:
                return None, None
            case Span.TODAY:
                today = datetime.fromtimestamp(now, UTC if utc else None).date()
                return _midnight(today, utc), None
            case Span.CUSTOM:
                since = None if self.first is None else _midnight(self.first, utc)
                before = None if self.last is None else _midnight(self.last + timedelta(days=1), utc)
                return since, before
        return now - int(self.span.value) * DAY, None

    def words(self) -> str:
        """How a user reads it: "Last 30 days", "1 Nov 2026 – 22 Nov 2026"."""
        if self.span is not Span.CUSTOM:
            return _WORDS.get(self.span, "Any time")
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
    """`range_changed()` when the user chose. "From … to …" asks for two dates with `custom_dialog`."""

    range_changed = Signal()

    def __init__(self, theme: Theme, *, width: int) -> None:
        super().__init__(theme, "Date range", "Any time", width=width)
        self.custom_dialog: DateRangeDialog | None = None
        self.set_value(DateRange())
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
            self.custom_dialog = DateRangeDialog(self._theme, self._value, self)
            self.custom_dialog.accepted.connect(self._take)
            self.custom_dialog.open()
        else:
            super().pick(key)

    def _picked(self, key: str | None) -> None:
        self.set_value(DateRange(Span.ANY if key is None else Span(key)))
        self.range_changed.emit()

    def _take(self) -> None:
        if self.custom_dialog is not None:
            self.set_value(self.custom_dialog.value())
            self.range_changed.emit()


class DateRangeDialog(QDialog):
    """Asks for the first and last day; `value()` after it was accepted."""

    def __init__(self, theme: Theme, value: DateRange, parent: QWidget | None = None) -> None:
        from PySide6.QtGui import QTextCharFormat  # noqa: PLC0415 - all of these 7 ms of a start
        from PySide6.QtWidgets import QCalendarWidget, QDateEdit, QFormLayout  # noqa: PLC0415

        super().__init__(parent)
        self.setWindowTitle("Date range")
        form = QFormLayout()
        form.setHorizontalSpacing(16)
        form.setVerticalSpacing(8)
        form.setLabelAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
        today = QDate.currentDate()
        self.first, self.last = QDateEdit(today.addDays(-30)), QDateEdit(today)
        plain = QTextCharFormat()
        plain.setForeground(theme.colour("text"))
        for name, edit, day in (("First day", self.first, value.first), ("Last day", self.last, value.last)):
            edit.setCalendarPopup(True)
            calendar = edit.calendarWidget()  # without week numbers, and weekends as any other day
            calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
            for weekend in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
                calendar.setWeekdayTextFormat(weekend, plain)
            edit.setDisplayFormat("d MMM yyyy")
            edit.setMinimumWidth(160)
            if day is not None:
                edit.setDate(QDate(day.year, day.month, day.day))
            edit.dateChanged.connect(self._check)
            edit.setAccessibleName(name)
            form.addRow(name, edit)
        self.problem = Label(look=Look.BAD, wrap=True)
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
        first, last = (
            date(day.year(), day.month(), day.day()) for day in (self.first.date(), self.last.date())
        )
        return DateRange(Span.CUSTOM, first, last)

    def _check(self) -> None:
        wrong = self.first.date() > self.last.date()
        self.problem.setText("The first day must not be after the last day." if wrong else "")
        self.problem.setVisible(wrong)
        self.ok_button.setEnabled(not wrong)
