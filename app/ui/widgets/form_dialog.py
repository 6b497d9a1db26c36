"""The base of dialogs that edit: fields with a sentence below each when wrong; no edit is lost silently.

And a form whose act may take long: it shows how far that is, and can be ended.
"""

import re
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from types import MappingProxyType
from typing import ClassVar, NamedTuple, Protocol, cast, runtime_checkable

from PySide6.QtCore import SIGNAL, QDate, Qt, Signal, SignalInstance, Slot
from PySide6.QtGui import QKeySequence, QShortcut, QTextCharFormat
from PySide6.QtWidgets import QCalendarWidget, QCheckBox, QComboBox, QDateEdit, QLineEdit, QSpinBox, QWidget
from shiboken6 import Shiboken

from app.services.records.tables import valid_beside
from app.services.text import some_of
from app.ui.theme import Theme, set_property
from app.ui.widgets.announcing import announce
from app.ui.widgets.banner import ProgressBar
from app.ui.widgets.buttons import push_button
from app.ui.widgets.clipboard import PasteBox
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.formatting import how_far
from app.ui.widgets.labels import Label, Look, ProblemLabel, add_layout, in_column, in_row, keep_room
from app.ui.widgets.later import later
from models.errors import ChangedMeanwhile, InvalidInput, OutcomeUnknown, Refused, TenantAdminError
from models.progress import Monitor, seldom

_NUMBER = 160
"""The width in pixels of a field for a number."""
_MONTH, _AROUND_MONTH = (300, 252), (6, 6, 6, 6)
"""The size in pixels of a month of days, and its margins."""

FieldValue = str | bool | int
Checker = Callable[[FieldValue], str]
_BELOW = 4
"""Pixels below a sentence that is in sight."""


@runtime_checkable
class Editor(Protocol):
    """A field made of several widgets; `is_unfinished` while one of them is to be set, and nothing wrong."""

    changed: SignalInstance

    @property
    def is_unfinished(self) -> bool: ...

    def value(self) -> FieldValue: ...


class _Entry(NamedTuple):
    editor: QWidget
    value: Callable[[], FieldValue]
    check: Checker | None
    problem: Label
    hint: Label
    label: str


class FormDialog(Dialog):
    """Fields with a sentence below each that is wrong: once it was edited, and when the action is pressed.

    The action emits `submitted()` when every check passes; the owner calls `write` for an act, or writes by
    itself and then calls `accept()`. With unsaved edits, Escape, Cancel and the close button ask first.
    `outdated()` when a person lets it go because somebody else has changed what it shows.
    """

    submitted = Signal()
    outdated = Signal()
    holds_work: ClassVar[bool] = True
    """Whether what was edited would be missed."""

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str = "",
        *,
        action: str = "Save",
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(theme, title, sentence, parent=parent)
        self._entries: dict[str, _Entry] = {}
        self._clean: dict[str, FieldValue] = {}
        self._asked: tuple[str, ...] = ()
        self._busy = False
        self._disabled: set[str] = set()
        """The fields that did not apply when the act began."""
        self._refused: str | None = None
        self.problem = ProblemLabel(theme)
        self.problem.hide()
        self._form = in_column(spacing=12)
        self._row, self._column = in_row(spacing=16), in_column()
        """Of the last field: what other fields stand in beside it, and it alone."""
        add_layout(self.body, self._form)
        self.body.addStretch(1)
        self.add_said(self.problem)
        self._scroll.followed.connect(self._show_problem)
        self.action_button = self.set_answer(action, self.submit)
        self.action_button.setToolTip("Ctrl+Enter")
        self.read_again_button = push_button(theme, "Show it as it is now", self._read_again)
        self.read_again_button.hide()
        self.add_apart(self.read_again_button)
        for keys in ("Ctrl+Return", "Ctrl+Enter"):  # Return alone begins a line in a text of several
            QShortcut(QKeySequence(keys), self).activated.connect(self.action_button.click)

    def add_field(
        self,
        key: str,
        label: str,
        editor: QWidget,
        check: Checker | None = None,
        hint: str = "",
        *,
        beside: bool = False,
    ) -> None:
        """A field below the others, or `beside` the last; `check(value)` returns a sentence, or "" when all
        is well.

        `editor` is a QLineEdit, QComboBox, QCheckBox, QSpinBox, QDateEdit or an `Editor`.
        """
        editor.setAccessibleName(label)
        if isinstance(within := editor.focusProxy(), QComboBox):  # which the keys go to
            within.setAccessibleName(label)
        for box in (editor, *editor.findChildren(QComboBox)):
            if isinstance(box, QComboBox):  # else the longest that it offers makes the form as wide
                box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        problem, below = ProblemLabel(self.theme), Label(hint, Look.DIM, wrap=True)
        problem.hide()
        if not hint.strip():
            below.hide()
        column = in_column(editor, below, problem, spacing=4)
        if isinstance(editor, QSpinBox):  # at its name, not at the other end of the form
            editor.setMinimumWidth(_NUMBER)
            column.setAlignment(editor, Qt.AlignmentFlag.AlignLeft)
        if not isinstance(editor, QCheckBox):
            name = Label(label, Look.STRONG, wrap=True)  # where several stand beside each other
            name.setBuddy(editor)
            column.insertWidget(0, name)
        if beside:  # whatever is said below one of them, the other stays at the top
            self._column.addStretch(1)
            column.addStretch(1)
        else:
            self._row = in_row(spacing=16)
            add_layout(self._form, self._row)
        self._column = column
        add_layout(self._row, column, 1)
        if isinstance(editor, PasteBox):
            editor.refused.connect(partial(self._say_refused, key))
        value, changed = _parts(editor)
        self._entries[key] = _Entry(editor, value, check, problem, below, label)
        changed.connect(lambda *_: self._edited(key))
        self._clean[key] = value()
        _say(self._entries[key], "")

    def _say_refused(self, key: str, why: str) -> None:
        self.set_problem(why, key)
        announce(self, why)

    def add_asked(self, columns: Sequence[str], known: Mapping[str, object] = MappingProxyType({})) -> None:
        """A field for each column that only the file knows and that no new record may leave empty, with what
        is `known` of them.
        """
        for column in columns:
            check, value = checked(partial(valid_beside, column)), known.get(column)
            text = str(value) if isinstance(value, str | int | float) else ""
            self.add_field(column, column, QLineEdit(text), check, "This database asks for it.")
        self._asked = tuple(columns)

    def asked(self) -> dict[str, str]:
        return {column: str(self._entries[column].value()) for column in self._asked}

    def editor(self, key: str) -> QWidget:
        return self._entries[key].editor

    def values(self) -> dict[str, FieldValue]:
        """What the fields hold; of a combo box, the data of what is chosen, or its words."""
        return {key: entry.value() for key, entry in self._entries.items()}

    def set_clean(self, *keys: str) -> None:
        """Take the present values, or those of these fields, as unedited; for after filling in."""
        now = self.values()
        for key in keys or now:
            self._clean[key] = now[key]
            _say(self._entries[key], "")

    def is_dirty(self) -> bool:
        """Whether something would be missed: whatever was typed or chosen."""
        return self.holds_work and bool(self.edited())

    def lost(self) -> str:
        """What goes with the dialog, as a sentence."""
        edited = self.edited()
        names = [entry.label for key, entry in self._entries.items() if key in edited]
        return f"What you have changed is not saved: {some_of(names, 5)}."

    def edited(self) -> set[str]:
        """The fields that differ from the values taken as unedited."""
        return {key for key, value in self.values().items() if value != self._clean.get(key)}

    def go_to(self, key: str) -> None:
        """The focus goes to a field, all of whose text is selected; a form that has to scroll shows it."""
        typed = _typed(self._entries[key].editor)
        typed.setFocus(Qt.FocusReason.OtherFocusReason)
        if isinstance(typed, QLineEdit):
            typed.selectAll()
        later(self, 0, self.show_focus)  # once what is said below it has its place

    @Slot(QWidget)
    def _show_problem(self, focused: QWidget) -> None:
        """What is wrong with a field is read to its end, also where a form has to scroll."""
        for entry in self._entries.values():
            if focused is _typed(entry.editor) and not entry.problem.isHidden():
                self._scroll.show_part(entry.problem, _BELOW)

    def set_problem(self, sentence: str, key: str | None = None) -> None:
        """Show what is wrong, below a field or below the buttons; "" takes it away."""
        if key is not None:
            _say(self._entries[key], sentence)
        else:
            self.problem.say(sentence)

    @property
    def says_waits(self) -> bool:
        return not self.action_button.isEnabled()

    def set_hint(self, hint: str, key: str) -> None:
        """Says something else of a field than it began with."""
        self._entries[key].hint.setText(hint)
        _say(self._entries[key], self._entries[key].problem.text())

    def withdraw(self) -> None:
        """What is said at its foot was of what kept it from going on, which Return does next."""
        if self._way_out is not None and not self._way_out.isHidden():
            self.set_problem("")
            if self._way_out.isAncestorOf(self.focusWidget() or self):
                self.action_button.setFocus(Qt.FocusReason.OtherFocusReason)
        super().withdraw()

    def show_error(self, error: TenantAdminError) -> str | None:
        """Say it below the field that it is about, whose key it gives back, or else at the foot."""
        field = error.field if isinstance(error, InvalidInput) and error.field in self._entries else None
        if isinstance(error, Refused):  # by a rule that names the field, most likely
            named = [key for key in self.edited() if re.search(rf"\b{re.escape(key)}\b", str(error))]
            field = named[0] if len(named) == 1 else None
        self.set_problem(str(error), field)
        self._refused = field
        return field

    def set_busy(self, busy: bool) -> None:
        """Disable everything while the change is written; until then the form cannot be left either."""
        if busy and not self._busy:
            self._disabled = {key for key, one in self._entries.items() if not one.editor.isEnabledTo(self)}
        self._busy = busy
        for key, entry in self._entries.items():
            entry.editor.setEnabled(not busy and key not in self._disabled)
        self.action_button.setEnabled(not busy)
        self.cancel_button.setEnabled(not busy)

    def write(self, act: Callable[..., object], *args: object) -> None:
        """Run `act(*args, on_done=…, on_failed=…)`: close when it is done, or say below a field why not.

        Where it may be done all the same, the dialog goes: nothing can be said of it yet. Where something
        follows when it is `accepted`, a generated password that is shown once, say, it goes out of sight
        alone, and that follows when it is found saved.
        """

        def failed(error: TenantAdminError) -> None:
            self.set_busy(False)
            follows = self.receivers(SIGNAL("accepted()"))
            if follows and isinstance(error, OutcomeUnknown) and error.is_undecided:
                error.told = self._told
                self._clean = self.values()
                self.hide()
                self._give_keyboard()
                return
            if error.is_undecided:
                self._discard()
                return
            if isinstance(error, ChangedMeanwhile):
                self.read_again_button.show()
            field = self.show_error(error)
            announce(self, str(error))
            if field is not None:
                self.go_to(field)
            elif had_focus is not None:
                had_focus.setFocus(Qt.FocusReason.OtherFocusReason)

        had_focus = self.focusWidget()  # and what is disabled meanwhile loses it
        self.set_busy(True)
        act(*args, on_done=lambda _: self.accept(), on_failed=failed)

    def submit(self) -> None:
        """Check every field; emit `submitted`, or go to the first that is wrong."""
        self.set_problem("")
        wrong = [key for key in self._entries if self._check(key)]
        if wrong:
            self.go_to(wrong[0])
            announce(self, self._entries[wrong[0]].problem.text())  # the focus may have been there before
        else:
            self.submitted.emit()

    def reject(self) -> None:
        """Close; with unsaved edits, ask first. Not while they are written, whose outcome is told here."""
        if self._busy:
            return
        if not self.is_dirty():
            super().reject()
            return
        ConfirmDialog(
            self.theme,
            "Discard changes?",
            self.lost(),
            action="Discard changes",
            cancel="Keep editing",
            parent=self,
        ).open_once(self._discard)

    def _read_again(self) -> None:
        self._discard()
        self.outdated.emit()

    def _told(self, saved: bool | None) -> None:
        """What has become of an act whose answer was lost; the file may be closed by then."""
        if Shiboken.isValid(self):
            if saved:
                self.accept()
            else:
                super().reject()

    def _discard(self) -> None:
        self._clean = self.values()
        super().reject()
        self._give_keyboard()

    def _give_keyboard(self) -> None:
        if (owner := self.parentWidget()) is not None:  # two dialogs went at once, and the keyboard with both
            owner.window().activateWindow()

    def _edited(self, key: str) -> None:
        """What was refused was said of all fields together, so an edit of any other takes it away, too."""
        self.set_problem("")
        refused, self._refused = self._refused, None
        for one in {key, refused or key}:
            self._look_at(one)

    def _look_at(self, key: str) -> None:
        entry = self._entries[key]
        unfinished = isinstance(entry.editor, Editor) and entry.editor.is_unfinished
        if unfinished or entry.value() == "":  # told of when the action is pressed
            _say(entry, "")
        else:
            self._check(key)

    def _check(self, key: str) -> str:
        entry = self._entries[key]
        sentence = entry.check(entry.value()) if entry.check is not None else ""
        _say(entry, sentence)
        return sentence


def checked(check: Callable[[str], object], stored: str | None = None) -> Checker:
    """A field's check out of a service's own: its sentence, or "" when the value is fine or the one `stored`,
    which an edit beside it leaves as it is.
    """

    def sentence(value: FieldValue) -> str:
        try:
            if value != stored:
                check(str(value))
        except InvalidInput as error:
            return str(error)
        return ""

    return sentence


def _say(entry: _Entry, sentence: str) -> None:
    entry.problem.say(sentence)
    keep_room(entry.hint, kept=bool(entry.hint.text()) and not sentence)
    entry.hint.setVisible(bool(entry.hint.text().strip()) and not sentence)
    typed, said = _typed(entry.editor), sentence or entry.hint.text()
    for part in (entry.editor, *entry.editor.findChildren(QWidget)):
        was_typed = part.property("invalid") is not None
        if isinstance(part, QLineEdit | QComboBox) or part is typed or was_typed:
            set_property(part, "invalid", bool(sentence) and part is typed)
            is_inner_box = (
                isinstance(part, QComboBox) and part is not entry.editor
            )  # the label is not its own
            # Of a box Qt may say what is chosen for its name.
            own = part.accessibleName() if is_inner_box or (isinstance(part, QComboBox) and not said) else ""
            part.setAccessibleDescription(" – ".join(filter(None, (own, said if part is typed else ""))))


def _typed(editor: QWidget) -> QWidget:
    """The part of an editor that is written into, and that a sentence is about: of those in use."""
    typed = editor.focusProxy() or editor
    if typed.isEnabled() or not editor.isEnabled():
        return typed
    others = (one for one in editor.findChildren(QWidget) if one.isEnabled() and one.isVisibleTo(editor))
    return next((one for one in others if one.focusPolicy() & Qt.FocusPolicy.TabFocus), typed)


def _parts(editor: QWidget) -> tuple[Callable[[], FieldValue], SignalInstance]:
    """How to read an editor, and what it says when it was edited."""
    match editor:
        case QLineEdit():
            return editor.text, editor.textChanged
        case QComboBox():
            return lambda: _chosen(editor), editor.currentTextChanged
        case QCheckBox():
            return editor.isChecked, editor.toggled
        case QSpinBox():
            return editor.value, editor.valueChanged
        case QDateEdit():
            return editor.text, editor.dateChanged
        case _ if isinstance(editor, Editor):
            return editor.value, editor.changed
    raise TypeError(f"A form cannot read a {type(editor).__name__}.")


def _chosen(box: QComboBox) -> FieldValue:
    data = box.currentData()
    return box.currentText() if data is None else data


class DateRangeDialog(FormDialog):
    """Asks for a first and a last day, both included; `days()` after it was accepted.

    Without them it offers the last thirty.
    """

    holds_work = False

    def __init__(
        self, theme: Theme, first: date | None, last: date | None, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, "Date range", action="Show these days", parent=parent)
        today = date.today()
        plain = QTextCharFormat()
        plain.setForeground(theme.colour("text"))
        self.first, self.last = QDateEdit(), QDateEdit()
        for edit, day in ((self.first, first or today - timedelta(days=30)), (self.last, last or today)):
            edit.setDate(QDate(day.year, day.month, day.day))
            edit.setCalendarPopup(True)
            edit.setDisplayFormat("yyyy-MM-dd")
            calendar = edit.calendarWidget()  # without week numbers, and weekends as any other day
            calendar.setAttribute(
                Qt.WidgetAttribute.WA_StyledBackground
            )  # the pop-up has no frame of its own
            calendar.setContentsMargins(*_AROUND_MONTH)
            calendar.setMinimumSize(*_MONTH)  # else it cuts the last of its six weeks
            calendar.setVerticalHeaderFormat(QCalendarWidget.VerticalHeaderFormat.NoVerticalHeader)
            for weekend in (Qt.DayOfWeek.Saturday, Qt.DayOfWeek.Sunday):
                calendar.setWeekdayTextFormat(weekend, plain)
        self.add_field("first", "First day", self.first)
        self.add_field("last", "Last day", self.last, self._check_last)
        self.first.dateChanged.connect(lambda _: self._edited("last"))
        self.submitted.connect(self.accept)
        self.first.setFocus()

    def days(self) -> tuple[date, date]:
        first, last = self.first.date().toPython(), self.last.date().toPython()
        return cast("date", first), cast("date", last)

    def _check_last(self, value: FieldValue) -> str:
        wrong = self.first.date() > self.last.date()
        return "The first day must not be after the last day." if wrong else ""


class ProgressLine(QWidget):
    """How far long work is, as a bar and in words, from `begin(of)` on, which says how many of what a person
    counts there are, where that is known. It keeps its place when it is hidden, unless it need not.
    """

    def __init__(self) -> None:
        super().__init__()
        self.bar = ProgressBar()
        self.words = Label(look=Look.DIM)
        self.words.setFixedHeight(self.words.fontMetrics().height() + 2)  # as high without words
        in_row((self.bar, 1), self.words, within=self)
        keep_room(self)  # else all below it moves when it comes and goes
        self._of, self._began = 0, 0.0
        self.hide()

    def begin(self, of: int = 0) -> None:
        self._of, self._began = of, time.monotonic()
        self.bar.show_progress(0, 0)
        self.words.setText("")
        self.show()

    def show_progress(self, done: int, total: int) -> None:
        self.bar.show_progress(done, total)
        if total:
            self.words.setText(how_far(done, total, time.monotonic() - self._began, self._of))


class LongForm(FormDialog):
    """While it is written, Cancel ends that first, of which nothing is left then. `far` stands below the
    buttons, which it does not move, or where the owner places it; the act is to be given the `monitor(of)`,
    of so many records.
    """

    far_below = True
    _written = Signal(int, int)

    def __init__(
        self, theme: Theme, title: str, sentence: str = "", *, action: str, parent: QWidget | None = None
    ) -> None:
        super().__init__(theme, title, sentence, action=action, parent=parent)
        self._is_ending = self._is_writing = False
        self._of = 0
        self.far = ProgressLine()
        self.bar = self.far.bar
        self._written.connect(self.far.show_progress)
        if self.far_below:
            keep_room(self.far, kept=False)
            self.add_said(self.far)

    def monitor(self, of: int = 0) -> Monitor:
        self._of = of
        return Monitor(seldom(self._written.emit), lambda: self._is_ending)

    def reject(self) -> None:
        if self._is_writing:
            self._is_ending = True
            self.cancel_button.setEnabled(False)
        else:
            super().reject()

    def set_busy(self, busy: bool) -> None:
        super().set_busy(busy)
        self._is_writing, self._is_ending = busy, False
        self.cancel_button.setEnabled(True)
        if busy:
            self.far.begin(self._of)
        else:
            self.far.hide()
