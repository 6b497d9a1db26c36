"""What the audit chain says of the selected record, in the inspector."""

from collections.abc import Callable
from functools import partial

from PySide6.QtCore import QTimer, Slot
from PySide6.QtWidgets import QWidget

from app.services.records import history
from app.services.records.history import CHARGED, LOOKED_THROUGH, Named, Past, PastEntry, done_to, sentence
from app.services.records.stored_times import epoch_of
from app.services.text import readable, shown_tenant, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.theme import Icon, Kind
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import grouped, relative_time
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.runner import Task
from models.errors import TenantAdminError

SOON_MS = 120
"""After which the record is taken for the one that a person wants to look at."""
_COLUMNS = (StaticColumn("Who did what"), StaticColumn("When", dim=True))
_NOTHING = "No entry of the audit chain names this record."
_LINES = 4
"""Lines of an entry's sentence that are shown; its tip has the whole."""


class PastPart(QWidget):
    """The entries that name a record, the newest first: `show_entry(entry)` is called with the one chosen, by
    a click or Enter. Where each row that is read is charged, they are read on demand.
    """

    def __init__(self, context: Context, show_entry: Callable[[PastEntry], object]) -> None:
        super().__init__()
        self._context, self._show_entry = context, show_entry
        self._named: Named | None = None
        self._entries: list[PastEntry] = []
        self._before: int | None = None
        self._reading: Task | None = None
        theme = context.theme
        self.table = StaticTable(theme, "History", _COLUMNS, most=None, wraps=_LINES, parent=self)
        self.note = Label("", Look.DIM, wrap=True)
        self.more = push_button(theme, "Look further back", self._read_on, kind=Kind.FLAT, icon=Icon.HISTORY)
        line = in_row(Label("History", Look.SECTION), None, self.more)
        in_column(line, self.table, self.note, None, within=self)
        for part in (self.table, self.note):
            part.raise_()  # heard below their title
        self.table.clicked.connect(self._open)
        self.table.opened.connect(self._open)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._read_on)
        context.aged.connect(self._grow_older)

    def show_past_of(self, named: Named | None) -> None:
        """Reads it when nothing else has been chosen for a moment; of the record shown, again."""
        self._stop()
        is_other = named != self._named
        self._named, self._before = named, None
        self.setVisible(named is not None)
        if is_other:
            self._entries = []
            self.table.hide()
        if self._context.costs:
            self._offer(f"Read up to {grouped(CHARGED)} entries")
            told = "" if self._entries else self._context.charged("Each entry that is looked at is charged.")
            self.note.say(told)
        elif named is not None:
            if is_other:
                self.more.hide()
                self.note.hide()
            self._soon.start()

    def _read_on(self) -> None:
        named, context = self._named, self._context
        if named is None or self._reading is not None:
            return
        most = CHARGED if context.costs else LOOKED_THROUGH
        read = partial(
            history.read_past, schema=context.opened.schema, named=named, before=self._before, most=most
        )

        def look() -> None:
            done, failed = partial(self._came, self._before), self._failed
            self._reading = context.runner.read(read, on_done=done, on_failed=failed)

        context.when_agreed(most, look, self)

    def _came(self, before: int | None, past: Past) -> None:
        self._reading, self._before = None, past.looked_to
        self._entries = history.once_each([*(() if before is None else self._entries), *past.entries])
        had_focus = self.more.hasFocus()
        self.table.show_rows(list(map(self._cells, self._entries)))
        self.table.fit_rows()
        self.table.setVisible(bool(self._entries))
        if past.looked_to is None:
            self.more.hide()
            self.note.setText("" if self._entries else _NOTHING)
        else:
            self._offer("Look further back")
            self.note.setText(f"Looked through the entries from {grouped(past.looked_to)} on.")
        self.note.setVisible(bool(self.note.text()))
        if had_focus and self._entries:
            self.table.setFocus()

    def _failed(self, error: TenantAdminError) -> None:
        self._reading = None
        self.note.setText(str(error))
        self.note.show()

    def _offer(self, words: str) -> None:
        self.more.setText(words)
        self.more.setAccessibleName(f"History: {words}")
        self.more.show()

    def _stop(self) -> None:
        self._soon.stop()
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _open(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            self._show_entry(self._entries[self.table.source_row(rows[0])])

    def _sentence(self, entry: PastEntry) -> str:
        """As the audit tab has it, but for the record; of types that nobody knows what there is."""
        done = None if self._named is None else done_to(self._named, entry.event_type, entry.said)
        who = visible(entry.actor).partition("@")[0] or visible(entry.actor)
        if done is not None:
            return f"{who} {visible(done)}" if who else visible(sentence(done))
        what, kind = visible(entry.what), visible(entry.event_type)
        said = f"{kind} {what}" if what.startswith("with ") else " · ".join(filter(None, (kind, what)))
        return f"{said} · {who}" if who else said

    @Slot()
    def _grow_older(self) -> None:
        for position, entry in enumerate(self._entries):
            self.table.show_cell(position, 1, self._when(entry))

    def _when(self, entry: PastEntry) -> Cell:
        at, now = epoch_of(entry.created_at), self._context.clock()
        when = readable(entry.created_at) if at is None else relative_time(at, now)
        return Cell(when, entry.seq, tip=declared.moment(self._context, entry.created_at))

    def _cells(self, entry: PastEntry) -> tuple[Cell, ...]:
        said = self._sentence(entry)
        number = (
            f"Entry {grouped(entry.seq)} of {shown_tenant(entry.tenant_id)} ({visible(entry.event_type)})"
        )
        by = [f"By {visible(entry.actor)}"] if "@" in entry.actor else []
        tip = "\n".join([f"{number}: {said}", *map(visible, history.told_whole(entry.said)), *by])
        return Cell(said, tip=tip), self._when(entry)
