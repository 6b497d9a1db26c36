"""Asks for the first and last of the days to filter by."""

from datetime import date

from PySide6.QtCore import QDate, Qt
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
from app.ui.widgets.date_range import DateRange, Span
from app.ui.widgets.labels import Label, Look


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
