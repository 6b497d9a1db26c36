"""From an entry to another: to those beside the selected one in its tenant's chain, or to the one that is
asked for.

And to the records that entries name by their ids: in the inspector each leads to its tab, and in the list it
is said what they are called, as far as they are in sight.
"""

from functools import partial
from typing import Any

from PySide6.QtCore import QModelIndex, QTimer, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.chain.reading import FIELD, Inspection, entry_beside, find_entry, meant
from app.services.records import history
from app.services.records.change import Change
from app.services.records.record import AuditDetail
from app.services.records.tables import AUDIT_CHAIN, EVERYONE
from app.services.text import counted, tenant_name, visible
from app.ui.session.context import Context
from app.ui.tabs.common.past import SOON_MS
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.form_dialog import FormDialog, checked
from app.ui.widgets.formatting import grouped
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.runner import Task
from models.errors import TenantAdminError

_TENANT = AUDIT_CHAIN.names.index("tenant_id")


class ChainSteps:
    """`go(behind=…)` goes to the next entry of its chain, or to the one that it continues; at an end it
    says so. Until it has come to something the same step is not asked for again, however often the key is
    pressed. Where each is a request of a live database, the rows at hand say it where they can.
    """

    def __init__(self, tab: RecordTab) -> None:
        self._tab = tab
        self._asked: tuple[int, bool] | None = None
        """From which entry, and whether to the next."""

    def go(self, *, behind: bool) -> None:
        table, row = self._tab.table, self._beside_at_hand(behind=behind)
        if row is None:
            self._tab.current.when_whole(partial(self._look, behind=behind))
        else:
            table.select_row(row)
            table.bring_into_sight(self._tab.model.index(row, 0))

    def _beside_at_hand(self, *, behind: bool) -> int | None:
        """The row of that entry in a list of all by their numbers, where those on the way are known."""
        listed, model, shown = self._tab.list, self._tab.model, self._tab.list.shown
        row, at = listed.current_row(), self._tab.table.chosen().row()
        is_whole = shown is not None and not shown.filtered and shown.sort in (None, AUDIT_CHAIN.sort)
        if row is None or not is_whole or listed.is_behind or not self._tab.context.costs:
            return None
        for step in (-1, 1):
            beside = model.record(at + step)
            if beside is not None and (beside[0] > row[0]) is behind:
                while beside is not None and beside[_TENANT] != row[_TENANT]:
                    at += step
                    beside = model.record(at + step)
                return None if beside is None else at + step
        return None

    def refuse(self) -> str | None:
        one = self._tab.list.selected_count() == 1 and isinstance(self._tab.list.current_id(), int)
        return None if one else self._tab.selection.refusal_of_gone() or "Select one entry first."

    def _look(self, record: AuditDetail, *, behind: bool) -> None:
        step = record.inspection.seq, behind
        if step == self._asked:
            return
        self._asked = step
        runner = self._tab.context.runner

        def failed(error: TenantAdminError) -> None:
            self._end(step)
            runner.failed.emit(error)

        done = partial(self._found, record.inspection, behind)
        runner.read(entry_beside, step[0], behind=behind, on_done=done, on_failed=failed)

    def _end(self, step: tuple[int, bool]) -> None:
        if step == self._asked:
            self._asked = None

    def _found(self, entry: Inspection, behind: bool, found: int | None) -> None:
        end = partial(self._end, (entry.seq, behind))
        if found is not None and self._tab.list.current_id() == entry.seq:
            self._tab.list.jump(found, on_missing=partial(self._tab.show_record, found), on_end=end)
            return
        end()
        if found is None:
            which, whose = "last" if behind else "first", tenant_name(entry.tenant)
            said = f"Entry {grouped(entry.seq)} is the {which} of {whose} in this database."
            self._tab.context.say(said)


_ACTION, _LOOKING = "Go", "Looking…"


class GoToDialog(FormDialog):
    """By number or hash, among the entries of all tenants; `found(seq, tenant)` when it is accepted."""

    holds_work = False
    found = Signal(object, str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, "Go to entry", action=_ACTION, parent=parent)
        self._context = context
        self._task: Task | None = None
        self.typed = QLineEdit()
        hint = "A number, such as 1,200, or a hash or its beginning."
        self.add_field(FIELD, "Number or hash", self.typed, checked(meant), hint)
        self.submitted.connect(self._ask)
        self.typed.textChanged.connect(self._stop)
        self.finished.connect(self._stop)
        self.typed.setFocus()

    def _ask(self) -> None:
        """For a hash every entry is read, which is asked about where that costs much."""
        wanted = meant(self.typed.text())
        rows = self._context.rows_of(AUDIT_CHAIN.name, EVERYONE) if isinstance(wanted, str) else 0
        self._context.when_agreed(rows, lambda: self._look(wanted), self, lambda: None)

    def _look(self, wanted: int | str) -> None:
        self._stop()
        self.action_button.setEnabled(False)
        self.action_button.setText(_LOOKING)
        self._task = self._context.runner.read(find_entry, wanted, on_done=self._done, on_failed=self._failed)

    def _stop(self) -> None:
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
        self.action_button.setEnabled(True)
        self.action_button.setText(_ACTION)

    def _done(self, found: tuple[int, str]) -> None:
        if self._task is not None:
            self._stop()
            self.accept()
            self.found.emit(*found)

    def _failed(self, error: TenantAdminError) -> None:
        if self._task is not None:
            self._stop()
            self.show_error(error)
            announce(self, str(error))
            self.go_to(FIELD)


_COLUMNS = (StaticColumn("Record"), StaticColumn("Name"))
_LOOKING_UP = "looking…"
_NOT_KNOWN = "cannot be looked up"


class MentionsPart(QWidget):
    """`show_of(payload)` lists them, hidden where it names none. The one chosen, by a click or Enter, is
    shown in its own tab, if it is there then. `known(names)` is what they are called, by their ids.
    """

    known = Signal(object)

    def __init__(self, tab: RecordTab) -> None:
        super().__init__()
        self._tab, self._context = tab, tab.context
        self._shown = history.Mentions()
        self._task: Task | None = None
        self.table = StaticTable(
            tab.context.theme, "Records that it names", _COLUMNS, most=4, wide=1, parent=self
        )
        self.more = Label("", Look.DIM, wrap=True)
        in_column(Label("Names", Look.SECTION), self.table, self.more, within=self)
        for part in (self.table, self.more):
            part.raise_()  # heard below their title
        self.table.clicked.connect(self._choose)
        self.table.opened.connect(self._choose)
        self._soon = QTimer(self, singleShot=True, interval=SOON_MS)
        self._soon.timeout.connect(self._look_up)
        self.hide()

    def show_of(self, payload: str) -> None:
        """What they are called is read when nothing else has been chosen for a moment."""
        found = history.mentioned(payload)
        is_same = self._ids(found) == self._ids(self._shown)
        self._stop()
        self.setVisible(bool(found.records))
        if not is_same:
            self._show(found, _LOOKING_UP)
        if found.records:
            self._soon.start()

    @staticmethod
    def _ids(mentions: history.Mentions) -> list[tuple[str, str]]:
        return [(record.table.name, record.id) for record in mentions.records]

    def _show(self, mentions: history.Mentions, without: str) -> None:
        self._shown = mentions
        self.table.show_rows([_cells(record, without) for record in mentions.records])
        self.more.say(f"and {counted(mentions.more, 'more record')}" if mentions.more else "")

    def _look_up(self, chosen: int | None = None) -> None:
        """And goes to the one chosen."""
        self._stop()
        read = partial(history.looked_up, mentions=self._shown, schema=self._context.opened.schema)
        failed = partial(self._failed, chosen)
        self._task = self._context.runner.read(read, on_done=partial(self._found, chosen), on_failed=failed)

    def _found(self, chosen: int | None, mentions: history.Mentions) -> None:
        self._task = None
        if mentions != self._shown or chosen is None:
            self._show(mentions, "no longer in this database")
            self.known.emit({one.id: one.title for one in mentions.records if one.title is not None})
        if chosen is None:
            return
        record = mentions.records[chosen]
        if record.title is None:
            noun = record.table.noun[0].capitalize()
            self._context.say(f"{noun} {visible(record.id)} is no longer in this database.")
        else:
            self._open(record)

    def _open(self, record: history.Mentioned) -> None:
        """Of all tenants, where it is another's than the one in sight."""
        if record.tenant_id is not None and self._tab.scope.tenant_id not in (None, record.tenant_id):
            self._tab.everyone_wanted.emit()
        self._tab.jump.emit(record.table.name, record.id)

    def _failed(self, chosen: int | None, error: TenantAdminError) -> None:
        self._task = None
        self._show(self._shown, _NOT_KNOWN)
        if chosen is not None:
            self._context.runner.failed.emit(error)

    def _stop(self) -> None:
        self._soon.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _choose(self, index: QModelIndex) -> None:
        self._look_up(self.table.source_row(index.row()))


def _cells(record: history.Mentioned, without: str) -> tuple[Cell, ...]:
    noun = record.table.noun[0].capitalize()
    gone = record.title is None
    title = without if record.title is None else visible(record.title)
    return (
        Cell(noun, icon=Icon.LINK_BROKEN if gone and without != _LOOKING_UP else None),
        Cell(title, tip=f"{title}\n{visible(record.id)}"),
    )


_SOON_MS = 100
_KEPT = 5_000


class Names:
    """`line(event_type, payload)` is the summary with the names that are known. The others are looked up,
    and shown then; not where each row is charged, where those alone are known whose entries were selected.
    """

    def __init__(self, tab: RecordTab) -> None:
        self._tab, self._context = tab, tab.context
        self._known: dict[str, str] = {}
        """By their ids; "" of one that is not there."""
        self._wanted: dict[tuple[str, str], None] = {}
        self._soon = QTimer(tab, singleShot=True, interval=_SOON_MS)
        self._soon.timeout.connect(self._look_up)
        self._context.runner.changed.connect(self._hear)

    def line(self, event_type: Any, payload: Any) -> str | None:
        if not self._context.costs:
            for name, record_id in history.unnamed(event_type, payload):
                if name in history.NAMES and record_id not in self._known:
                    self._wanted[name, record_id] = None
            if self._wanted and not self._soon.isActive():
                self._soon.start()
        return history.summary(event_type, payload, self._known)

    def learn(self, known: dict[str, str]) -> None:
        if known.items() - self._known.items():
            self._known |= known
            self._tab.model.repaint()

    def forget(self) -> None:
        """Others may have renamed any of them."""
        self._known.clear()

    def _hear(self, change: Change, initiator: object) -> None:
        for ids in change.ids.values():
            for record_id in ids:
                self._known.pop(str(record_id), None)

    def _look_up(self) -> None:
        asked = [*self._wanted][-history.MOST * 5 :]  # those that came into sight last
        self._wanted.clear()
        if len(self._known) > _KEPT:
            self._known.clear()
        mentions = history.Mentions(
            tuple(history.Mentioned(history.NAMES[name], record_id) for name, record_id in asked)
        )
        read = partial(history.looked_up, mentions=mentions, schema=self._context.opened.schema)
        self._context.runner.read(read, on_done=self._found, on_failed=lambda error: None)

    def _found(self, mentions: history.Mentions) -> None:
        self.learn({record.id: record.title or "" for record in mentions.records})
