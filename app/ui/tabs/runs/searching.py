"""The window that looks for words in the ideas, verdicts and artifacts of runs."""

import re
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent, QResizeEvent, QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QComboBox, QHeaderView, QTextEdit, QWidget

from app.services.opened import Opened
from app.services.records.change import Change
from app.services.records.stored_times import epoch_of
from app.services.records.tables import EVERYONE, PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.services.runs.run_search import LONGEST, TextPlace, TextPlaces, Within
from app.services.sought import places_in, sought
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.theme import Icon
from app.ui.widgets import formatting
from app.ui.widgets.announcing import announce
from app.ui.widgets.banner import ProgressBar
from app.ui.widgets.buttons import field_icons, push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label, Look, in_row, line_edit, name_choice
from app.ui.widgets.panes import EmptyState
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.runner import Task
from app.workers.searching import FETCHED_PASSES, TextSearch
from models import engine, errors, progress

_SIZE = QSize(960, 660)
_COLUMNS = (
    *(StaticColumn("Run"), StaticColumn("Begun", dim=True)),
    *(StaticColumn("Where", dim=True), StaticColumn("Found")),
)
_RUN, _BEGUN, _FOUND = 0, 1, 3
_ROWS, _IDEA, _BEFORE, _AFTER = 9, 120, 18, 120
_MOST_MARKED = 100
_LOW, _NARROW = 440, 600
"""Pixels of a screen's height below which the sentence gives its room, and of the table's width below which
the time of a run is in its tip alone.
"""
_FEW_ROWS = 4
"""Rows of the table on so low a screen, where all of it is in sight so."""
_SOON_MS = 250
_NOTHING_YET = "What is found is listed here"
_NOTHING = ("Nothing found", "Fewer words, or a part of one, may be in some text.")
_WITHIN = {
    Within.ALL: "All texts",
    Within.IDEAS: "Ideas",
    Within.VERDICTS: "Kill verdicts",
    Within.ARTIFACTS: "Artifacts",
}
_PREVIEW = 96
_GONE = "(changed since it was read)"
_BACK = "Opening a run hides this window; Ctrl+Alt+F brings it back, with what it found."
_READ = f"Each text is read once into a temporary index, which is gone when this window closes. {_BACK}"
_LIVE = f"The texts are read into a copy on this computer, which is gone when this window closes. {_BACK}"
_CHANGED = "; something has changed since"


class _Places(StaticTable):
    """The run and what was found share the width that the others leave."""

    fewest = 2

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setColumnHidden(_BEGUN, self.viewport().width() < _NARROW)
        for column in (_RUN, _FOUND):
            self.horizontalHeader().setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)


class _Around(QTextEdit):
    """As high as there is room, and no higher by itself."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _PREVIEW)


class RunSearchDialog(Dialog):
    """Stands beside the window. `open_place(place)` is called with the one that was chosen; so that it is in
    sight, this is hidden then.
    """

    def __init__(
        self,
        context: Context,
        scope: Scope,
        open_place: Callable[[TextPlace], object],
        parent: QWidget | None = None,
    ) -> None:
        how = _LIVE if context.costs else _READ
        super().__init__(context.theme, "Search the texts of runs", how, parent=parent)
        self._context, self._scope, self._open_place = context, scope, open_place
        self._texts: TextSearch | None = None
        self._old: list[TextSearch] = []
        self._reading: Task | None = None
        self._stop: list[bool] | None = None
        """Of the search that runs, whether it shall end."""
        self._is_stale = self._is_closed = False
        self._told = ""
        self._since = 0
        """When what is searched was begun to be read."""
        self._found: tuple[TextPlace, ...] = ()
        self._wanted = ""
        """What these have, as `sought`."""
        self.line = line_edit("")
        self.line.setPlaceholderText("Words, or parts of words, in any script")
        self.line.setAccessibleName("Search for")
        field_icons(context.theme, self.line, Icon.SEARCH)
        self.within = QComboBox()
        name_choice(self.within, "Look in")
        for within, words in _WITHIN.items():
            self.within.addItem(words, within)
        self.state = Label("", Look.DIM, wrap=True)
        self.bar = ProgressBar()
        self.cancel_reading = push_button(context.theme, "Cancel", self._cancel_reading)
        self.read_button = push_button(context.theme, "Read them", self._read)
        self._agreed = 0
        """Rows that a person has agreed to, where each is charged."""
        told = QWidget()
        in_row((self.state, 1), self.bar, self.cancel_reading, self.read_button, within=told)
        is_low = self._room.height() < _LOW
        rows = _FEW_ROWS if is_low else _ROWS
        self.table = _Places(context.theme, "Places found", _COLUMNS, most=rows, wide=_FOUND)
        self.table.stay_high()  # while one types
        self.around = _Around()
        self.around.setReadOnly(True)
        self.around.setTabChangesFocus(True)
        self.around.setAccessibleName("The place found")
        self.around.setMinimumHeight(_PREVIEW)
        self.around.setPlaceholderText("What stands around the place that is chosen is shown here.")
        self.none = EmptyState(context.theme, Icon.SEARCH, _NOTHING_YET)
        self.none.hide()
        asked = QWidget()
        in_row((self.line, 1), self.within, within=asked)
        for part in (asked, told, self.table):
            self.add_widget(part)
        self.table.set_empty_state(self.none)
        self.add_widget(self.around, 1)
        self.open_button = push_button(context.theme, "Open the run", self._open, icon=Icon.REVEAL)
        self.set_close_button(left=[self.open_button])
        self._soon = QTimer(self, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._search)
        self.line.textChanged.connect(lambda _: self._soon.start())
        self.line.installEventFilter(self)
        self.within.currentIndexChanged.connect(lambda _: self._search())
        self.table.selection_changed.connect(self._show_place)
        self.table.opened.connect(self._open)
        context.runner.changed.connect(self._hear)
        context.outside.written.connect(self._outdate)
        self.finished.connect(self._end)
        self.sentence.setHidden(is_low)
        self.open_as_large_as(_SIZE)
        self.line.setFocus()
        self._show_place()
        self.read_button.hide()
        if context.costs:
            self._ask()
        else:
            self._read()

    def is_of(self, scope: Scope) -> bool:
        """Whether it can be shown again for these runs."""
        return scope == self._scope and not self._is_closed

    def come(self) -> None:
        """Shows itself before all others, to look for something else or go on with what was found."""
        self.show()
        self.raise_()
        self.activateWindow()
        self.line.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.line.selectAll()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Of the keys in the line Return opens what is chosen, or looks for what was typed since; Down leads
        to the places.
        """
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and watched is self.line:
            match event.key():
                case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                    if self._texts is None and not self.read_button.isHidden():
                        self._read()  # it was asked for, which agrees to what it costs
                        return True
                    is_stale = self._is_stale and not self._context.costs
                    if self._soon.isActive() or is_stale or self._chosen() is None:
                        self._search()
                    else:
                        self._open()
                    return True
                case Qt.Key.Key_Down if self._found:
                    self.table.setFocus()
                    return True
        return super().eventFilter(watched, event)

    def _read(self) -> None:
        """Reads all texts; what was read before is searched until then."""
        self._is_stale = False
        opened, scope = self._context.opened, self._scope
        most = self._agreed if self._context.costs else None
        self.read_button.hide()
        begun = self._context.clock()
        self.bar.show()
        self.cancel_reading.show()
        self.state.setText("Reading the texts of all runs…")
        self._reading = self._context.runner.job(
            lambda monitor: _read(opened, scope, most, monitor),
            on_progress=self._advance,
            on_done=partial(self._take, begun),
            on_failed=self._not_read,
        )

    def _ask(self, much: errors.MuchToRead | None = None) -> None:
        """Says what reading costs where each row is charged, and waits for a person to begin it."""
        context = self._context
        if much is None:
            tables = (PLANNING_RUNS, PLANNING_ARTIFACTS)
            rows = FETCHED_PASSES * sum(context.rows_of(table.name, EVERYONE) for table in tables)
            much = errors.MuchToRead(context.opened.place, rows, charged=context.opened.database.charges)
        self._agreed = much.most
        self.bar.hide()
        self.cancel_reading.hide()
        self.read_button.show()
        self._say(str(much))

    def _advance(self, done: int, total: int) -> None:
        if not self._is_closed:
            self.bar.show_progress(done, total)

    def _take(self, begun: int, texts: TextSearch) -> None:
        if self._is_closed:
            self._retire(texts)
            return
        self._ended_reading()
        before, self._texts, self._since = self._texts, texts, begun
        if before is not None:
            self._end_search()
            self._retire(before)
        self._tell(f"{counted(texts.count, 'text')} read.")
        if self._is_stale:
            self._outdate()
        self._search()

    def _not_read(self, error: errors.TenantAdminError) -> None:
        if not self._is_closed:
            self._ended_reading()
            is_cancelled = isinstance(error, errors.Cancelled)
            self._is_stale = True
            if isinstance(error, errors.MuchToRead):
                self._ask(error)
            else:
                self.read_button.setVisible(self._context.costs)
                how = "" if self._context.costs else "; press Enter to read again"
                self._say(f"Not all was read{how}." if is_cancelled else str(error))

    def _ended_reading(self) -> None:
        self._reading = None
        self.bar.hide()
        self.cancel_reading.hide()

    def _cancel_reading(self) -> None:
        """The keys go to where Enter reads again: the button that had them goes."""
        self.line.setFocus(Qt.FocusReason.OtherFocusReason)
        self._cancel()

    def _cancel(self) -> None:
        if self._reading is not None:
            self._reading.cancel()

    def _hear(self, change: Change, _initiator: object) -> None:
        if change.by_table.keys() & {PLANNING_RUNS.name, PLANNING_ARTIFACTS.name}:
            self._outdate()

    def _outdate(self) -> None:
        """What is read is not all that is there now; it is read again when somebody searches next, or asks
        for it where that is charged.
        """
        self._is_stale = True
        if self._context.costs and self._texts is not None and self._reading is None:
            self.read_button.setText("Read again")
            self.read_button.show()
            self._tell(self._told)

    def _search(self) -> None:
        self._soon.stop()
        if self._reading is not None:
            return  # it searches when it has read
        if self._is_stale and not self._context.costs:
            self._read()
            return
        text, within = asked = self._asked()
        if self._stop is not None:
            self._stop[0] = True  # its end begins this one
        elif self._texts is not None and text.strip():
            self._go_on(asked, self._texts.first, text, within)
        elif self._texts is not None:
            self._show(asked, TextPlaces(after=None))

    def _asked(self) -> tuple[str, Within]:
        return self.line.text(), self.within.currentData()

    def _go_on(self, asked: tuple[str, Within], search: Callable[..., TextPlaces], *values: Any) -> None:
        stop = self._stop = [False]
        self._context.runner.read(
            lambda database: search(*values, lambda: stop[0]),
            on_done=partial(self._show, asked),
            on_failed=partial(self._not_found, asked),
        )

    def _end_search(self) -> None:
        if self._stop is not None:
            self._stop[0] = True

    def _retire(self, texts: TextSearch) -> None:
        """Lets go of it, when no search is in it any more; on no thread that somebody waits for."""
        self._old.append(texts)
        if self._stop is None:
            self._let_go()

    def _let_go(self) -> None:
        self._stop = None
        while self._old:
            self._context.runner.job(partial(_close, self._old.pop()))

    def _show(self, asked: tuple[str, Within], found: TextPlaces) -> None:
        self._let_go()
        if self._is_closed:
            return
        if asked != self._asked():
            self._search()
            return
        was_searched = 0 < len(asked[0].strip()) <= LONGEST
        self.none.set(Icon.SEARCH, *(_NOTHING if was_searched else (_NOTHING_YET,)))
        if found.places != self._found:
            self._found, self._wanted = found.places, sought(asked[0].strip())
            utc = self._context.settings.utc_times
            self.table.show_rows([_cells(place, utc=utc) for place in found.places])
            if found.places:
                self.table.select_row(0)
            self._show_place()
        if not found.is_all and self._texts is not None:  # of those that are not shown the number
            self._tell(f"The first {len(found.places)} texts that have it; counting the others…")
            self._go_on(asked, self._texts.rest, *asked, found)
        elif asked[0].strip():
            self._tell(_words(found))

    def _not_found(self, asked: tuple[str, Within], error: errors.TenantAdminError) -> None:
        self._let_go()
        if self._is_closed:
            return
        if isinstance(error, errors.Cancelled) or asked != self._asked():
            self._search()
        else:
            self._found = ()
            self.table.show_rows([])  # what was found before is not of these words
            self._show_place()
            self._say(str(error))

    def _tell(self, words: str) -> None:
        """Says what came of the texts at hand: of a live database, which is not read again by itself, with
        the time of which they are, and whether something has changed since.
        """
        self._told = words
        if self._context.costs:
            at = formatting.absolute_time(self._since, self._context.settings.utc_times)
            words = f"{words.rstrip('.')} — as of {at}{_CHANGED if self._is_stale else ''}"
        self._say(words)

    def _say(self, words: str) -> None:
        if words != self.state.text():
            self.state.setText(words)
            announce(self.state, words)

    def _chosen(self) -> TextPlace | None:
        rows = self.table.selected_rows()
        return self._found[self.table.source_row(rows[0])] if rows and self._found else None

    def _show_place(self) -> None:
        place = self._chosen()
        self.open_button.setEnabled(place is not None)
        (self.close_button if place is None else self.open_button).setDefault(True)
        if place is None:
            self.around.setPlainText("")
            return
        text = place.before + place.found + place.after
        begin = len(place.before)
        spans = [(begin, begin + len(place.found)), *_others(text, begin, len(place.found), self._wanted)]
        self.around.setPlainText(visible(text, keep="\n\t"))
        marks = []
        for start, end in spans[: 1 + _MOST_MARKED] if place.found else ():
            mark = QTextEdit.ExtraSelection()
            look = QTextCharFormat()
            look.setBackground(self._context.theme.colour("selection"))
            look.setFontUnderline(True)
            look.setFontWeight(700 if start == begin else 500)
            mark.cursor = QTextCursor(self.around.document())
            mark.cursor.setPosition(_shown_at(text, start))
            mark.cursor.setPosition(_shown_at(text, end), QTextCursor.MoveMode.KeepAnchor)
            mark.format = look
            marks.append(mark)
        cursor = QTextCursor(self.around.document())
        cursor.setPosition(_shown_at(text, begin))
        self.around.setTextCursor(cursor)
        self.around.setExtraSelections(marks)
        self.around.ensureCursorVisible()

    def _open(self) -> None:
        place = self._chosen()
        if place is not None:
            self.hide()
            self._open_place(place)

    def _end(self) -> None:
        self._is_closed = True
        self._cancel()
        self._end_search()
        if self._texts is not None:
            self._retire(self._texts)


def _read(opened: Opened, scope: Scope, most: int | None, monitor: progress.Monitor) -> TextSearch:
    of = opened.path if most is None else opened.database
    texts = TextSearch(of, scope, read_only=opened.read_only or most is not None)

    def before(rows: int) -> None:
        if most is not None:
            engine.read_at_most(most, rows, opened.place, charged=opened.database.charges)

    texts.read(monitor, before)
    return texts


def _words(found: TextPlaces) -> str:
    if not found.total:
        return "Nothing has it."
    if found.total > len(found.places):
        return f"The first {len(found.places)} of {found.total:,} texts that have it"
    return f"{counted(found.total, 'text')} {'has' if found.total == 1 else 'have'} it"


def _close(texts: TextSearch, _monitor: progress.Monitor) -> None:
    texts.close()


def _shown_at(text: str, place: int) -> int:
    """Where a place of the text is in what is shown of it; Qt counts in UTF-16."""
    return len(visible(text[:place], keep="\n\t").encode("utf-16-le", "replace")) // 2


def _others(text: str, begin: int, length: int, wanted: str) -> Iterator[tuple[int, int]]:
    """Where else, before and after the place found, the text has what was looked for."""
    for first, last in ((0, begin), (begin + length, len(text))):
        for begins, ends in places_in(text[first:last], wanted):
            yield first + begins, first + ends


def _excerpt(place: TextPlace) -> str:
    """A line around what was found, from a word's beginning to a word's end."""
    if not place.found:
        return _GONE
    before, after = place.before[-_BEFORE:], place.after[:_AFTER]
    if len(place.before) > _BEFORE:
        cut = re.split(r"\s", before, maxsplit=1)[-1].lstrip(".,;:!?…)]} ")
        before = f"…{cut}"
    if len(place.after) > _AFTER:
        words = re.split(r"\s(?=\S*\Z)", after, maxsplit=1)
        after = f"{words[0]}…"
    return " ".join(f"{before}{place.found}{after}".split())


def _cells(place: TextPlace, *, utc: bool) -> tuple[Any, ...]:
    idea, said = formatting.first_line(place.of.idea, _IDEA) or formatting.EMPTY, _excerpt(place)
    at = epoch_of(place.of.begun)
    begun, day = ("", "") if at is None else (formatting.absolute_time(at, utc), formatting.day(at, utc))
    tip = f"{place.of.idea}\nBegun {begun}" if begun else place.of.idea
    return Cell(idea, tip=tip), Cell(day, tip=begun), Cell(place.of.where), Cell(said, tip=said)
