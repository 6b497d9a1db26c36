"""Copying the selected rows, exporting all that a filter shows, and the context menu that offers both.

And the form that keeps rows by the values of a column that no pick list offers.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import QByteArray, QModelIndex, QPoint, QStringListModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.itemmodels.columns import Column
from app.services.records import export
from app.services.records.export import Format, RowsWanted
from app.services.records.known import Known
from app.services.records.list_query import Key, ListedValue, ListQuery
from app.services.records.lists import READ_EACH, Counts, Keys
from app.services.records.tables import DECLARED, ColumnKind
from app.services.text import NUL_SEEN, cells, counted, nuls_told, readable
from app.ui.session.context import Context
from app.ui.tabs.common.facets import value_words
from app.ui.tabs.common.selection import GONE
from app.ui.widgets.actions import give_letters
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from app.ui.widgets.picker import ChoiceBox
from app.workers.export import export_rows, export_rows_here, place_in_passing
from models import engine, errors, progress

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab


_NAMES = {
    Format.CSV: ("CSV", "CSV (*.csv)"),
    Format.JSON: ("JSON lines", "JSON lines (*.jsonl *.ndjson *.json)"),
    Format.SQL: ("SQL inserts", "SQL (*.sql)"),
    Format.TEXT: ("Text", "Tab-separated text (*.txt *.tsv)"),
}

FEW = 2000
"""Rows that are copied at once; the interface does not notice them."""

CLIPBOARD_CHARACTERS = 32_000_000
"""More than that is no text to paste, and other programs stall over it."""

_NUL = "\0"
_PIECE = 1 << 18
"""Bytes or characters that are taken before another thread has its turn."""


def open_row_menu(tab: "RecordTab", index: QModelIndex, where: QPoint) -> None:
    """The acts of the tab, and what can be done with the value of a cell and with the selected rows."""
    menu = QMenu(tab)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    tab.commands.fill(menu)
    if index.isValid():
        menu.addSeparator()
        cell = _cell(tab, index)
        of = f" ({cell.column.title})"
        by_value = menu.addAction(f"Filter by this value{of}", partial(_filter_by, tab, cell))
        by_value.setEnabled(not cell.column.of)
        by_value.setToolTip(_no_filter(cell.column) if cell.column.of else by_value.text())
        menu.setToolTipsVisible(True)
        if tab.exact.kept(cell.column.name):
            menu.addAction(f"Or another value{of}…", partial(tab.ask_another_value, cell.column.name))
        copy = menu.addMenu("Copy rows as")
        for form, (name, _) in _NAMES.items():
            copy.addAction(name).triggered.connect(partial(copy_rows, tab, form))
        menu.addAction("Export these rows…", lambda: _when_selected(tab, partial(ask_export, tab)))
        menu.addAction(f"Copy this value{of}", partial(_copy, tab, cell))
    if tab.table.isVisible():  # a record may be open in its place
        menu.addSeparator()
        tab.add_header_menus(menu)
    give_letters(menu)
    menu.popup(where)


def filter_by_current(tab: "RecordTab") -> None:
    _filter_by(tab, _cell(tab, tab.table.currentIndex()))


def copy_current(tab: "RecordTab") -> None:
    _copy(tab, _cell(tab, tab.table.currentIndex()))


class _Cell(NamedTuple):
    """One of a row by its key, as rows may move; with the words that it shows."""

    key: Key | None
    column: Column
    words: str


def _cell(tab: "RecordTab", index: QModelIndex) -> _Cell:
    return _Cell(tab.model.key(index.row()), tab.model.columns[index.column()], str(index.data() or ""))


def _no_filter(column: Column) -> str:
    """Why the list is not filtered by a column whose words the program makes."""
    instead = ": sort by it instead" if column.sortable else ""
    return f"“{column.title}” is made here and not stored, so no list can be filtered by it{instead}."


def _filter_by(tab: "RecordTab", cell: _Cell) -> None:
    if cell.column.of:
        tab.context.say(_no_filter(cell.column))
    else:
        _with_value(tab, cell.key, cell.column.name, tab.filter_by)


def _copy(tab: "RecordTab", cell: _Cell) -> None:
    if cell.column.of:
        _put(tab, cell.column.title, cell.words)
    else:
        _with_value(tab, cell.key, cell.column.name, partial(_copy_value, tab))


def _with_value(
    tab: "RecordTab", key: Key | None, column: str, use: Callable[[str, ListedValue], object]
) -> None:
    """Calls `use` with the column and its value as the file has it: what a list has is cut, or old."""

    def found(value: tuple[ListedValue] | None) -> None:
        if value is None:
            tab.context.say(GONE)
        elif tab.spec.table.of_file(column).said(value[0]) != value[0]:
            tab.context.say("It holds a password hash, which is neither copied nor filtered by.")
        else:
            use(column, value[0])

    if key is None:
        return
    lists, known, (query, _) = tab.lists, tab.list.known(), tab.list.selected_keys()

    def read(database: engine.Database) -> tuple[ListedValue] | None:
        value = lists.value_at(database, query, key, column)
        return value if [key] == [*known.still(lists, database, query, [key])] else None

    tab.context.runner.read(read, on_done=found)


def _copy_value(tab: "RecordTab", column: str, value: ListedValue) -> None:
    is_time = tab.spec.table.of_file(column).kind is ColumnKind.TIME
    text = readable(export.as_time(value) if is_time else value)
    _put(tab, tab.model.columns[tab.model.column_of(column)].title, text)


def _put(tab: "RecordTab", title: str, text: str) -> None:
    """One value on the clipboard, of the column with this title."""
    QGuiApplication.clipboard().setText(cells(text))
    tab.context.say(f"{title} copied{nuls_told(text.count(_NUL))}")


class _Selected(NamedTuple):
    """Rows by their keys, and which records these were."""

    keys: Keys
    known: Known


def _when_selected(tab: "RecordTab", use: Callable[[ListQuery, _Selected], object]) -> None:
    """Calls it with the list's query and the rows that are selected now, once all keys have come."""
    known = tab.list.known()
    tab.list.when_selected(lambda query, keys: use(query, _Selected(keys, known)))


def ask_export(tab: "RecordTab", query: ListQuery, rows: _Selected | None = None) -> None:
    """Asks for a file and exports every row that the query keeps, or only those that were selected."""
    filters = ";;".join(pattern for _, pattern in _NAMES.values())
    start = str(tab.context.opened.folder / f"{tab.spec.table.name}.csv")
    chosen = ask_save(tab.context.theme, tab, "Export", start, filters)
    if chosen is not None:
        path, kind = chosen
        export_to(tab, path, query, form_of(path, kind), rows)


def form_of(path: Path, kind: str) -> Format:
    """What a file is to be by the extension that was typed, or else by the `kind` chosen in the dialog."""
    forms = {pattern: form for form, (_, pattern) in _NAMES.items()}
    named = f"*{path.suffix.lower()}"
    fitting = (form for kind, form in forms.items() if named in kind.rpartition("(")[2].rstrip(")").split())
    return next(fitting, forms[kind])


def export_to(
    tab: "RecordTab", path: Path, query: ListQuery, form: Format, rows: _Selected | None = None
) -> None:
    """Writes all that the query keeps, or only these rows, with progress and cancel in the status bar; where
    that reads much, and each row is charged, a person is asked first.
    """
    if rows is None:
        read = tab.context.lists.reads_whole(query, tab.context.rows_of(query.table, query.scope))
    else:
        read = READ_EACH * len(rows.keys)
    wanted = _wanted(query, form, rows)
    tab.context.when_agreed(read, partial(_export_to, tab, path, wanted), tab)


def _wanted(query: ListQuery, form: Format, rows: _Selected | None, most: int | None = None) -> RowsWanted:
    if rows is None:
        return RowsWanted(query, form, most=most)
    return RowsWanted(query, form, rows.keys, most, rows.known)


def _export_to(tab: "RecordTab", path: Path, wanted: RowsWanted) -> None:
    context, keys = tab.context, wanted.keys

    def work(monitor: progress.Monitor) -> int:
        return _export(tab, wanted)(path, monitor=monitor)

    def done(count: int) -> None:
        gone = "" if keys is None else _gone(len(keys) - count)
        context.say(f"{counted(count, 'row')} exported to {path.name}{_of_urls(tab)}{gone}", path)

    context.job(f"Exporting to {path.name}…", work, on_done=done)


def _export(tab: "RecordTab", wanted: RowsWanted) -> Callable[..., int]:
    """Writes to a path, in a child process where one can read the database: `(path, *, monitor)`
    gives the number of rows.
    """
    opened, lists = tab.context.opened, tab.context.lists
    if not tab.context.can(engine.Capability.CHILD_SCAN):
        return partial(export_rows_here, opened.database, lists, wanted=wanted)
    is_soon_done = wanted.most is not None  # and a person waits to paste it
    return partial(
        export_rows, opened.path, read_only=opened.read_only, wanted=wanted, behind=not is_soon_done
    )


def copy_rows(tab: "RecordTab", form: str, _: bool = False) -> None:
    """Puts the selected rows on the clipboard, whole, as they are in the file, in this `Format`.

    Many are written by a child process, with progress and cancel in the status bar. What is too much for a
    clipboard is offered as a file instead.
    """
    _when_selected(tab, partial(_copy_rows, tab, Format(form)))


def _copy_rows(tab: "RecordTab", form: Format, query: ListQuery, rows: _Selected) -> None:
    context, keys, wanted = tab.context, rows.keys, _wanted(query, form, rows, CLIPBOARD_CHARACTERS)

    def copied(found: tuple[QByteArray, int, int] | None) -> None:
        if found is None:
            _offer_file(tab, query, rows)
            return
        text, nuls, count = found
        if not count:
            context.say(f"Nothing was copied{_gone(len(keys))}")
            return
        _to_clipboard(text)
        gone = _gone(len(keys) - count)
        context.say(f"{counted(count, 'row')} copied{_of_urls(tab)}{gone}{nuls_told(nuls)}")

    def few(database: engine.Database) -> tuple[QByteArray, int, int] | None:
        with suppress(errors.TooMuch):
            text, count = export.text_of(database, context.lists, wanted)
            return *_joined(text[at : at + _PIECE].encode() for at in range(0, len(text), _PIECE)), count
        return None

    def work(monitor: progress.Monitor) -> tuple[QByteArray, int, int] | None:
        with place_in_passing() as path, suppress(errors.TooMuch):
            count = _export(tab, wanted)(path, monitor=monitor)
            with path.open("rb") as stream:
                return *_joined(iter(partial(stream.read, _PIECE), b"")), count
        return None

    if not len(keys):
        is_coming = tab.list.is_selecting
        context.say(_COMING if is_coming else "Select the rows to copy first.")
    elif len(keys) <= FEW:
        context.runner.read(few, on_done=copied)
    else:
        run = partial(context.job, f"Copying {counted(len(keys), 'row')}…", work, on_done=copied)
        context.when_agreed(READ_EACH * len(keys), run, tab)


def _of_urls(tab: "RecordTab") -> str:
    """What is held back of a table whose URLs would let anybody post there."""
    is_so = any(column.host_only and column.listed for column in tab.spec.table.columns)
    return "; of URLs the host alone" if is_so else ""


def _gone(number: int) -> str:
    """Of rows that were selected, and were deleted since."""
    return f" · {'one is' if number == 1 else f'{number:,} are'} no longer there" if number > 0 else ""


_COMING = "The rows are still being read; copy them once they are selected."


def _joined(pieces: Iterable[bytes]) -> tuple[QByteArray, int]:
    """A text as Qt gives it to other programs, and how many NULs were in it: of one on a clipboard most make
    the end. As a Python string of 24 million characters it held up the interface for 190 ms, read from UTF-8
    on another thread and made into Qt's own.
    """
    text, nuls = QByteArray(), 0
    for piece in pieces:
        nuls += piece.count(0)
        text.append(piece.replace(b"\0", NUL_SEEN.encode()))
    return text, nuls


def _to_clipboard(text: QByteArray) -> None:
    model = QStringListModel([""])
    # Made by Qt: where there is no display it ends after Python, which one made here would still ask for.
    copy = model.mimeData([model.index(0)])
    for form in copy.formats():
        copy.removeFormat(form)
    copy.setData("text/plain", text)
    QGuiApplication.clipboard().setMimeData(copy)


def _offer_file(tab: "RecordTab", query: ListQuery, rows: _Selected) -> None:
    count = counted(len(rows.keys), "row")
    sentence = (
        f"{count} would be more text than a clipboard can be trusted with; the limit is "
        f"{CLIPBOARD_CHARACTERS // 1_000_000} million characters. Nothing was copied; the clipboard holds "
        "what it held. A file takes the rows."
    )
    dialog = ConfirmDialog(
        tab.context.theme, "Too much for the clipboard", sentence, action="Export…", danger=False, parent=tab
    )
    dialog.open_once(partial(ask_export, tab, query, rows))


ANOTHER_COLUMN, ANOTHER_VALUE = "Filter by another column", "Or another value"


class FilterByColumnDialog(FormDialog):
    """Offers the values that one of the `columns` has under the query's other filters, with their counts but
    for those that it keeps already, and hands the column and the value that is chosen to `use`.
    """

    holds_work = False

    def __init__(
        self,
        context: Context,
        query: ListQuery,
        columns: Sequence[str],
        use: Callable[[str, ListedValue], object],
        parent: QWidget | None = None,
    ) -> None:
        self._context, self._names, self._use = context, [*columns], use
        self._query = replace(query, sort=None, descending=False, as_added=False)
        self._table, is_another = DECLARED[query.table], columns[0] in dict(query.choices)
        also = ", too" if is_another else ""
        noun = self._table.noun[1]
        sentence = f"Keeps the {noun} with this value{also}; a chip beside the filter takes it away again."
        title = ANOTHER_VALUE if is_another else ANOTHER_COLUMN
        super().__init__(context.theme, title, sentence, action="Filter", parent=parent)
        self._values: list[ListedValue] | None = None
        self.column, self.value = ChoiceBox(), ChoiceBox()
        self.column.addItems([self._table.of_file(name).label for name in columns])
        self.add_field("column", "Column", self.column)
        self.add_field("value", "Value", self.value, self._check)
        self.column.currentIndexChanged.connect(self._read)
        self.column.setEnabled(len(self._names) > 1 or not is_another)
        self.submitted.connect(self._filter)
        (self.column if self.column.isEnabled() else self.value).setFocus()
        self._read()

    def _name(self) -> str:
        return self._names[self.column.currentIndex()]

    def _read(self) -> None:
        self._values = None
        self.value.clear()
        name, context = self._name(), self._context
        kept = dict(self._query.choices).get(name, ())

        def offer(found: dict[str, Counts]) -> None:
            if name != self._name():
                return
            column = self._table.of_file(name)
            # What is not shown is not kept in settings either, as filters are.
            shown = [(value, count) for value, count in found[name] if column.said(value) == value]
            others = [(value, count) for value, count in shown if value not in kept]
            self._values = [value for value, _ in others]
            for value, count in others:
                self.value.addItem(f"{value_words(context, self._table, name, value)} ({count:,})")
            self.set_problem("", "value")

        read = partial(context.runner.read, context.lists.choices, self._query, (name,))
        rows = context.rows_of(self._table.name, self._query.scope)
        context.when_agreed(rows, partial(read, on_done=offer, on_failed=self._failed), self)

    def _failed(self, error: errors.TenantAdminError) -> None:
        self.show_error(error)

    def _check(self, value: FieldValue) -> str:
        return "" if self._values else "There is no value to filter by."

    def _filter(self) -> None:
        chosen = (self._values or [])[self.value.currentIndex()]
        self.accept()
        self._use(self._name(), chosen)
