"""The dialog that creates many users of pasted lines or of a CSV file, after a dry run of all of them.

And those lines, with what is made of each, or why nothing is.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, Final

from PySide6.QtCore import QAbstractTableModel, QEvent, QMimeData, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence, QResizeEvent, QTextCursor
from PySide6.QtWidgets import QComboBox, QHeaderView, QPlainTextEdit, QSizePolicy, QWidget

from app.itemmodels.columns import DESCRIPTION, DISPLAY, ROOT, TOOLTIP, Column, Index, Role, header
from app.services.records import adding, users
from app.services.records.adding import EMAIL, TENANT, Judged, Sheet, WantedUser
from app.services.records.tables import EVERYONE, USERS
from app.services.text import counted, shown_tenant, some_of, visible
from app.ui.session.context import ADDRESSES, Context
from app.ui.tabs.common.form_fields import PriceLine, TenantField, with_records
from app.ui.theme import Icon, Theme, Tone
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import CheckBox, push_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import ask_open, ask_save
from app.ui.widgets.form_dialog import FieldValue, LongForm
from app.ui.widgets.formatting import NOTHING, first_line
from app.ui.widgets.labels import Label, Look, in_column, in_row, set_tip
from app.ui.widgets.picker import ChoiceBox
from app.workers.export import save
from app.workers.runner import Task
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor

_COLUMNS: Final = (Column("", "Line", right=True), Column("", "Becomes"), Column("", "Tenant, or reason"))
_WHY: Final = 2
_WHOLE: Final = {TOOLTIP, DESCRIPTION, int(Role.WHOLE)}
_CHOOSE: Final = "Choose a line to read all of it here."
_LONGEST: Final = 300
_ROWS: Final = 5
_LOOKED_AT: Final = 100
"""Rows whose words say how wide a column is."""
WIDTH: Final = 780


class LinesModel(QAbstractTableModel):
    """Reads what was found of a line when it is shown: there may be 100,000."""

    def __init__(self) -> None:
        super().__init__()
        self._found = Judged((), ())
        self._places: tuple[int, ...] = ()

    def show_lines(self, found: Judged | None, *, bad_alone: bool = False) -> None:
        self.beginResetModel()
        self._found = found or Judged((), ())
        bad = tuple(range(-1, -len(self._found.bad) - 1, -1))
        self._places = bad if bad_alone else self._found.places
        self.endResetModel()

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self._places)

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(_COLUMNS)

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> Any:
        if orientation is Qt.Orientation.Horizontal and 0 <= section < len(_COLUMNS):
            return header(_COLUMNS[section]).get(int(role))
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> Any:
        place, column = self._places[index.row()], index.column()
        is_bad = place < 0
        if role == DISPLAY:
            return self._text(place, column)
        if column == _WHY and role in _WHOLE:
            return self._whole(place)
        if role == Role.TONE and column > 0:
            return Tone.BAD if is_bad else Tone.OK if column < _WHY else None
        if role == Role.ICON and column == 1:
            return Icon.BAD if is_bad else Icon.OK
        return None

    def _text(self, place: int, column: int) -> str:
        if column == 0:
            found = self._found
            return f"{found.good_lines[place] if place >= 0 else found.bad[~place].line:,}"
        if column == 1:
            return "a user" if place >= 0 else "nothing"
        return first_line(self._whole(place), _LONGEST)

    def _whole(self, place: int) -> str:
        if place < 0:
            return visible(self._found.bad[~place].why)
        tenant, email, beside = self._found.good[place]
        parts = [f"{visible(email)}, of {shown_tenant(tenant)}"]
        parts += [f"{visible(name)}: {visible(value) or '(empty)'}" for name, value in (beside or {}).items()]
        return " · ".join(parts)


class LinesTable(DataTable):
    """Of one height whatever it shows. The last column has the room that is left; `whole`, which its owner
    places below, has all that the current line says, wrapped.
    """

    acts_on_cells = False
    _wanted: list[int] | None = None
    """How wide each column would be, where that is known of the lines shown."""
    rows = _ROWS
    """How many it has room for."""

    def __init__(self, theme: Theme) -> None:
        super().__init__(theme, "Lines and what becomes of them")
        self._lines = LinesModel()
        self._lines.setParent(self)
        self.setSortingEnabled(False)
        self.setModel(self._lines)
        titles = self.horizontalHeader()
        titles.setStretchLastSection(False)
        titles.setSectionsMovable(False)
        titles.setSectionResizeMode(QHeaderView.ResizeMode.Interactive)
        titles.setResizeContentsPrecision(_LOOKED_AT)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.whole = Label(_CHOOSE, Look.DIM, wrap=True, selectable=True)
        self.whole.setMinimumHeight(2 * self.whole.fontMetrics().lineSpacing())  # else all below it moves
        self.whole.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.selection_changed.connect(self._show_whole)

    def _show_whole(self) -> None:
        current = self.currentIndex().siblingAtColumn(_WHY)
        whole = str(current.data(int(Role.WHOLE))) if current.isValid() else _CHOOSE
        if whole != self.whole.text():
            self.whole.setText(whole)

    def show_lines(self, found: Judged | None, *, bad_alone: bool = False) -> None:
        self._lines.show_lines(found, bad_alone=bad_alone)
        self._wanted = None
        self._fit()
        self._show_whole()

    def changeEvent(self, event: QEvent) -> None:
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._wanted = None
        super().changeEvent(event)

    def _fit(self) -> None:
        """What the columns want is asked once of these lines: it takes a hundred, and the room changes
        several times when an act begins.
        """
        room, titles = self.viewport().width(), self.horizontalHeader()
        if self._wanted is None:
            columns = range(len(_COLUMNS))
            self._wanted = [max(self.sizeHintForColumn(one), titles.sectionSizeHint(one)) for one in columns]
        for column, wanted in enumerate(self._wanted):
            self.setColumnWidth(column, max(0, room) if column == _WHY else wanted)
            room -= wanted

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self.rows))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self._height(self.rows))

    def _height(self, rows: int) -> int:
        row = self.verticalHeader().defaultSectionSize()
        return self.horizontalHeader().sizeHint().height() + row * rows + 2 * self.frameWidth()


def save_wrong(
    context: Context, sheet: Sheet, found: Judged, path: Path, saved: Callable[[], object] = lambda: None
) -> None:
    """Writes all lines that make no user, with the reasons; `saved` is called when they are there."""

    def work(monitor: Monitor) -> None:
        save(path, found.bad_lines(sheet))

    said = f"{counted(len(found.bad), 'line')} saved to {path.name}"

    def done(_: None) -> None:
        saved()
        context.say(said, path)

    context.job(f"Saving to {path.name}…", work, on_done=done)


def ask_save_wrong(
    parent: QWidget, context: Context, sheet: Sheet, found: Judged, saved: Callable[[], object] = lambda: None
) -> bool:
    """Whether they are to be saved, to where the person says; `saved` as in `save_wrong`."""
    start = str(context.opened.folder / "users-not-created.csv")
    chosen = ask_save(context.theme, parent, "Save the wrong lines", start, "CSV (*.csv)")
    if chosen is not None:
        save_wrong(context, sheet, found, chosen[0], saved)
    return chosen is not None


class LeftOutDialog(Dialog):
    """Says after the act which lines have made no user: they can be saved, and else go with it."""

    def __init__(self, context: Context, sheet: Sheet, found: Judged, parent: QWidget | None = None) -> None:
        lines = counted(len(found.bad), "line")
        sentence = (
            f"{counted(len(found.good), 'user')} created. Save what is left with the reasons, correct it, "
            "and import it again."
        )
        super().__init__(context.theme, f"{lines} left out", sentence, parent=parent)
        self.setMinimumWidth(WIDTH)
        self._context, self._sheet, self._found = context, sheet, found
        self.table = LinesTable(context.theme)
        self.table.show_lines(found, bad_alone=True)
        self.table.rows = min(_ROWS, len(found.bad))
        self.add_widget(self.table, 1)
        self.add_widget(self.table.whole)
        self.save_button = self.set_answer("Save the wrong lines…", self._save, cancel="Close")
        self.save_button.setFocus()

    def _save(self) -> None:
        if ask_save_wrong(self, self._context, self._sheet, self._found):
            self.accept()


SOON_MS = 300
"""From an edit to the next dry run."""
_FILES = "CSV and text (*.csv *.tsv *.txt);;All files (*)"
_ALL_TO_ONE, _NULL, _EMPTY = "The same for all lines", "No column: nothing (NULL)", "No column: an empty text"
_MOST_HEAD, _NAMED, _IN_A_ROW = 60, 3, 3
_WAITS = "Nothing is pasted or chosen yet."

MOST_EDITED, MOST_CHARACTERS = 1_000, 100_000
"""Lines and characters of a text that is edited here: a person feels how long more take to be laid out."""
_FIRST, _FIRST_CHARACTERS = 4, 200
"""Lines of a longer one that are shown, and characters of each."""


class LinesBox(QPlainTextEdit):
    """What is pasted into it is text to edit, or, where it is `long`, kept by whoever is told of it."""

    long = Signal(str)

    def __init__(self) -> None:
        super().__init__(tabChangesFocus=True)

    def insertFromMimeData(self, source: QMimeData) -> None:
        text = source.text()
        if not self.isReadOnly() and not _is_long(text):
            super().insertFromMimeData(source)
            return
        cursor, whole = self.textCursor(), "" if self.isReadOnly() else self.toPlainText()
        start, end = sorted((cursor.anchor(), cursor.position()))
        self.long.emit(whole[:start] + text + whole[end:])

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Others may be pasted in the place of those that are too many to be edited."""
        if self.isReadOnly() and event.matches(QKeySequence.StandardKey.Paste):
            self.insertFromMimeData(QGuiApplication.clipboard().mimeData())
        else:
            super().keyPressEvent(event)


def _is_long(text: str) -> bool:
    return len(text) > MOST_CHARACTERS or text.count("\n") + text.count("\r") > MOST_EDITED


class LinesField(QWidget):
    """`LinesField(theme, choose)`: lines that are pasted or typed, or a file, which `choose` asks for. Of
    more lines than are edited here (`LinesBox`) the first are shown.

    `changed()` with every edit; `value()` is the text, or the file's path.
    """

    changed = Signal()
    is_unfinished = True  # what is wrong with it as a whole is said when the action is pressed

    def __init__(self, context: Context, choose: Callable[[], object]) -> None:
        super().__init__()
        self.path: Path | None = None
        self._long: str | None = None
        self.box = LinesBox()
        self.box.setAccessibleName("Lines")
        self.box.setPlaceholderText("email,tenant\nada@example.com,acme-corp\n…")
        self.box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.box.setFont(context.theme.mono_font())
        self.box.setFixedHeight(5 * self.box.fontMetrics().lineSpacing())
        self.file = Label(look=Look.DIM, wrap=True)
        self.file_button = push_button(context.theme, "Choose a file…", choose, icon=Icon.OPEN)
        self.paste_button = push_button(context.theme, "Paste others instead", lambda: self.take(None))
        buttons = in_row(self.file_button, self.paste_button, (self.file, 1), None, spacing=8)
        in_column(self.box, buttons, within=self, spacing=8)
        self.box.textChanged.connect(self.changed)
        self.box.long.connect(self._keep)
        self.setFocusProxy(self.box)
        self.take(None)

    def value(self) -> str:
        return self._text() if self.path is None else str(self.path)

    def _text(self) -> str:
        return self.box.toPlainText() if self._long is None else self._long

    def take(self, path: Path | None) -> None:
        """The lines of a file, or with None those of the box."""
        self.path = path
        if self._long is not None:
            self._show_in_box(None, "")
        self.box.setVisible(path is None)
        self.paste_button.setVisible(path is not None)
        self.paste_button.setText("Paste lines instead")
        self.file.setText("" if path is None else visible(path.name))
        self.file.setVisible(path is not None)
        self.setFocusProxy(self.box if path is None else self.file_button)
        if path is None:
            self.box.setFocus()
        self.changed.emit()

    def _keep(self, text: str) -> None:
        """A text that was pasted, in the place of all there is."""
        if not _is_long(text):
            self._show_in_box(None, text)
            self.box.moveCursor(QTextCursor.MoveOperation.End)
            self.take(None)
            return
        lines = text.splitlines()
        first = [first_line(line, _FIRST_CHARACTERS) for line in lines[:_FIRST]]
        self._show_in_box(text, "\n".join([*first, "…"]))
        said = f"{counted(len(lines), 'line')} pasted"
        self.file.setText(said)
        self.file.show()
        self.box.setAccessibleDescription(f"The first of {said}.")
        self.paste_button.setText("Paste others instead")
        self.paste_button.show()
        self.changed.emit()
        announce(self, said)

    def _show_in_box(self, kept: str | None, shown: str) -> None:
        self._long = kept
        self.box.setReadOnly(kept is not None)
        self.box.setAccessibleDescription("")
        with QSignalBlocker(self.box):
            self.box.setPlainText(shown)

    def forget(self) -> None:
        self._long = None

    def reader(self) -> Callable[[], str]:
        """What gives the lines, off the interface thread."""
        if self.path is not None:
            return partial(adding.read_text, self.path)
        text = self._text()
        return lambda: text


class AddUsersDialog(LongForm):
    """Says of each line what it would make, and creates those that may be in one act.

    `judged(Judged)` when a dry run has ended.
    """

    judged = Signal(object)

    def __init__(self, context: Context, tenant: str | None, parent: QWidget | None = None) -> None:
        sentence = "Paste lines or choose a CSV file. Nothing is created before you have seen what would be."
        super().__init__(context.theme, "New users", sentence, action="Create users", parent=parent)
        self._context = context
        stored = context.opened.schema.stored.get(USERS.name)
        self._names = adding.fillable(stored) if stored is not None else (EMAIL, TENANT)
        self._asked = USERS.asks_for(stored) if stored is not None else ()
        self._sheet: Sheet | None = None
        self.found: Judged | None = None
        self._has_saved = False
        """Whether the wrong lines of those are in a file."""
        self._task: Task | None = None
        self._build(tenant)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._cut)
        self.submitted.connect(self._create)
        self.accepted.connect(self._tell_left)
        self.finished.connect(self._let_go)
        self.setMinimumWidth(WIDTH)
        self._show(None)
        self.lines.setFocus()

    far_below = False

    def _build(self, tenant: str | None) -> None:
        self.lines = LinesField(self._context, self._choose)
        self.add_field("lines", "Lines", self.lines, self._check_lines)
        self.outcome = Label(_WAITS, Look.STRONG, wrap=True)
        self.outcome.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.bad_alone = CheckBox("Show only lines with errors")
        self.bad_alone.toggled.connect(self._list)
        self.table = LinesTable(self._context.theme)
        save = "Save the wrong lines…"
        self.save_button = push_button(self._context.theme, save, self._ask_save, icon=Icon.EXPORT)
        for part in (self.outcome, self.far, self.table, self.table.whole, self.bad_alone):
            self._form.addWidget(part)  # right below the lines that it is about
        self._columns: dict[str, QComboBox] = {}
        self.tenant = TenantField(self._context.tenants, tenant, self._context.erased)
        for position, name in enumerate([*self._names[:2], None, *self._names[2:]]):
            beside = position % _IN_A_ROW > 0
            if name is None:  # what mends lines without one stands beside what says so
                self.add_field(TENANT, "Tenant of all lines", self.tenant, self._check_tenant, beside=beside)
                continue
            box = self._columns[name] = ChoiceBox()
            label = {EMAIL: "E-mail address", TENANT: "Tenant"}.get(name, name)
            self.add_field(f"of_{name}", f"{label} is in", box, beside=beside)
            box.currentIndexChanged.connect(self._judge)
        self.new_tenants = CheckBox("Create tenants that are not there yet")
        self.add_field("new_tenants", "New tenants", self.new_tenants)
        self.add_apart(self.save_button)
        self.price = PriceLine(self._context, lines=2)
        self.add_condition(self.price)
        self.lines.changed.connect(self._edited_lines)
        self.tenant.changed.connect(self._judge)
        self.new_tenants.toggled.connect(self._judge)

    def is_dirty(self) -> bool:
        """The columns are guessed, and a file is there still: lines alone would be missed."""
        return self.lines.path is None and bool(str(self.lines.value()).strip())

    def lost(self) -> str:
        lines = sum(bool(line.strip()) for line in str(self.lines.value()).splitlines())
        which = "The line that you entered is" if lines == 1 else f"The {lines:,} lines that you entered are"
        return f"{which} not kept."

    def read_file(self, path: Path) -> None:
        self.lines.take(path)

    def save_wrong(self, path: Path) -> None:
        if self._sheet is not None and self.found is not None:
            save_wrong(self._context, self._sheet, self.found, path)

    def set_busy(self, busy: bool) -> None:
        super().set_busy(busy)
        if not busy:
            self._show(self.found)
        elif self.found is not None:
            self.outcome.setMinimumHeight(self.outcome.height())  # what was said may have had more lines
            self.outcome.setText(f"{counted(len(self.found.good), 'user')} are being created…")

    # the dry run: the lines are cut when they change, and judged when anything does

    def _edited_lines(self) -> None:
        self._stop()
        self._sheet = None
        self._show(None)
        self._soon.start()

    def _cut(self) -> None:
        read = self.lines.reader()

        self._begin(lambda monitor: adding.cut(read(), monitor), self._offer)

    def _offer(self, sheet: Sheet) -> None:
        """Offers the columns that there are, as the head line has them."""
        self._sheet = sheet
        there = with_records(self._context.tenants, self._context.erased)
        guess = adding.guessed(sheet, self._names, there)
        titles = [first_line(visible(title), _MOST_HEAD) or NOTHING for title in sheet.head]
        for name, box in self._columns.items():
            with QSignalBlocker(box):
                box.clear()
                if name != EMAIL:
                    box.addItem(_ALL_TO_ONE if name == TENANT else self._without(name), -1)
                for position, title in enumerate(titles):
                    box.addItem(title, position)
                box.setCurrentIndex(box.findData(guess.get(name, -1 if name != EMAIL else 0)))
        self._judge()

    def _without(self, name: str) -> str:
        """What is stored in a column of the file that nothing is taken for."""
        stored = self._context.opened.schema.stored.get(USERS.name)
        default = None if stored is None else stored.defaults.get(name)
        if default is not None and default.strip().upper() != "NULL":
            return f"No column: its default, {first_line(visible(default), _MOST_HEAD)}"
        return _EMPTY if name in self._asked else _NULL

    def _judge(self) -> None:
        self._stop()
        self.tenant.setEnabled(TENANT not in self._wanted_columns())
        self._show(None)
        sheet = self._sheet
        if sheet is None or not sheet.rows:
            return
        wanted = WantedUser(
            self._wanted_columns(),
            self.tenant.value(),
            frozenset(with_records(self._context.tenants, self._context.erased)),
            self.new_tenants.isChecked() or self._is_new_agreed(),
            self._context.erased,
        )
        database, asked, now = self._context.opened.database, self._asked, self._context.clock()

        def work(monitor: Monitor) -> Judged:
            with database.connection_context(), database.cancellable(monitor.cancelled):
                return adding.judge(database, sheet, wanted, asked, monitor, now=now)

        run = partial(self._begin, work, self._judged, len(sheet.rows))
        self._context.when_agreed(self._context.rows_of(USERS.name, EVERYONE), run, self, hint=ADDRESSES)

    def _is_new_agreed(self) -> bool:
        """The tenant of all lines may be a new one, which its own field asks about."""
        return TENANT not in self._wanted_columns() and not self._check_tenant("")

    def _wanted_columns(self) -> dict[str, int]:
        found = {name: box.currentData() for name, box in self._columns.items()}
        return {name: at for name, at in found.items() if at is not None and at >= 0}

    def _check_tenant(self, value: FieldValue) -> str:
        return "" if TENANT in self._wanted_columns() else self.tenant.check(self.tenant.value())

    def _check_lines(self, value: FieldValue) -> str:
        most = self._context.opened.database.most_at_once
        if not str(value).strip():
            return "Paste lines, or choose a file."
        if self.found is None:
            return "The lines are still being looked at." if self._task else "No user can be made of these."
        if not self.found.good:
            return "No line makes a user."
        too_many = most is not None and len(self.found.good) > most
        return "These are too many for one act here." if too_many else ""

    def _begin(self, work: Callable[[Monitor], Any], use: Callable[[Any], object], of: int = 0) -> None:
        self._stop()
        self.far.begin(of)

        def done(found: Any) -> None:
            if self._task is task:
                self._task = None
                self.far.hide()
                use(found)

        def failed(error: TenantAdminError) -> None:
            if self._task is task:
                self._task = None
                self.far.hide()
                if not isinstance(error, Cancelled):
                    self.outcome.setText("Nothing can be made of these lines.")
                    self.show_error(error)

        def advance(done: int, total: int) -> None:
            if self._task is task:
                self.far.show_progress(done, total)

        task = self._context.runner.job(work, on_progress=advance, on_done=done, on_failed=failed)
        self._task = task

    def _stop(self) -> None:
        self._soon.stop()
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self.far.hide()

    def _judged(self, found: Judged) -> None:
        self._show(found)
        self.judged.emit(found)

    def _show(self, found: Judged | None) -> None:
        self.found, self._has_saved = found, found is not None and found is self.found and self._has_saved
        good, bad = (len(found.good), found.bad) if found is not None else (0, ())
        most = self._context.opened.database.most_at_once
        self.action_button.setText(f"Create {counted(good, 'user')}" if good else "Create users")
        self.action_button.setEnabled(good > 0)
        (self.action_button if good else self.cancel_button).setDefault(True)
        set_tip(self.action_button, "" if good else self._check_lines(self.lines.value()))
        said = self._pending() if found is None else _result(found, most)
        if found is not None and self._sheet is not None:
            left = adding.not_taken(self._sheet, self._wanted_columns())
            said += f" Nothing is taken of {some_of(left, _NAMED, shown=_named)}." if left else ""
            head = adding.unknown_head(self._sheet, self._names)
            said += f" The first line, {_named(head)}, is read as column names." if head else ""
        self.outcome.setText(said)
        stored = self._context.opened.schema.stored.get(USERS.name)
        if stored is not None and self._context.opened.database.charges:
            entries = users.entries_of_many(found.good) if found is not None else 0
            looks = self._context.rows_of(USERS.name, EVERYONE)
            self.price.tell_added(stored.written(), good, entries, looks)
        self.bad_alone.setEnabled(bool(bad))
        self.save_button.setEnabled(bool(bad))
        self._list()

    def _pending(self) -> str:
        """What is known before the lines have been looked at."""
        if self._sheet is not None:
            lines = len(self._sheet.rows)
            return f"Looking at {counted(lines, 'line')}…" if lines else "No line makes a user."
        return "Reading the lines…" if str(self.lines.value()).strip() else _WAITS

    def _list(self) -> None:
        found = self.found
        self.table.show_lines(
            found, bad_alone=found is not None and bool(found.bad) and self.bad_alone.isChecked()
        )

    # the act

    def _create(self) -> None:
        good = self.found.good if self.found is not None else ()
        write = partial(self.write, self._context.act, users.create_many, good, self.monitor(len(good)))
        self._context.when_agreed(self._context.rows_of(USERS.name, EVERYONE), write, self, hint=ADDRESSES)

    def _choose(self) -> None:
        path = ask_open(self.theme, self, "Choose a file of users", str(self._context.opened.folder), _FILES)
        if path is not None:
            self.read_file(path)

    def _ask_save(self) -> None:
        if self._sheet is None or (found := self.found) is None:
            return

        def saved() -> None:
            self._has_saved |= found is self.found

        ask_save_wrong(self, self._context, self._sheet, found, saved)

    def _let_go(self) -> None:
        """Of 100,000 lines, which are much, nothing is left until this dialog is collected."""
        self._stop()
        self._sheet = self.found = None
        self.table.show_lines(None)
        self.lines.forget()

    def _tell_left(self) -> None:
        """The wrong lines would go with this dialog, unless they were saved."""
        if self._sheet is not None and self.found is not None and self.found.bad and not self._has_saved:
            LeftOutDialog(self._context, self._sheet, self.found, self.parentWidget()).open_once()


def _named(title: str) -> str:
    return f"“{first_line(visible(title), _MOST_HEAD)}”"


def _result(found: Judged, most: int | None) -> str:
    good, bad = len(found.good), len(found.bad)
    said = f"{counted(good, 'user')} can be created" if good else "No line makes a user"
    said += f", {counted(bad, 'line')} cannot." if bad and good else "."
    if found.new_tenants:
        said += f" New tenants, for good: {some_of(found.new_tenants, 3, shown=visible)}."
    if most is not None and good > most:
        said += f" At most {counted(most, 'user')} go in one act here; cut the lines into parts."
    return said
