"""Notifications by run or type: each group as a row, which opens as a filter of the list."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.records.list_query import ListQuery, Value
from app.services.records.note_groups import BY_RUN, MOST, NoteGroup, groups
from app.services.records.tables import NOTIFICATIONS
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.data_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.formatting import absolute_time, first_line, grouped, relative_time
from app.ui.widgets.labels import Label, Look, in_row
from app.ui.widgets.later import later
from models.errors import TenantAdminError

_SENTENCE = "Of the notifications that the filters keep. A group that you open becomes a filter of the list."
_BY = (("Run", BY_RUN), ("Type", "type"), ("Tenant", "tenant_id"))
_COLUMNS = (
    StaticColumn("Group"),
    StaticColumn("Unread", right=True),
    StaticColumn("All", right=True),
    StaticColumn("Latest", dim=True),
)
_ROWS, _WIDTH, _LONGEST = 10, 680, 120


class GroupsDialog(Dialog):
    """`show(column, value)` is called with the group that was opened, when the dialog has closed.

    `counted()` when groups have come.
    """

    counted = Signal()

    def __init__(
        self,
        context: Context,
        query: ListQuery,
        show: Callable[[str, Value], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, "Groups of notifications", _SENTENCE, parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._query, self._show = context, query, show
        self._is_closed = False
        self._groups: Sequence[NoteGroup] = ()
        self.by = QComboBox()
        self.by.setAccessibleName("Group by")
        for words, column in _BY:
            self.by.addItem(words, column)
        label = Label("Group by", Look.DIM)
        label.setBuddy(self.by)
        self.state = Label("", Look.STRONG)
        self.table = StaticTable(context.theme, "Groups", _COLUMNS, most=_ROWS)
        line = QWidget()
        in_row(label, self.by, None, self.state, within=line, spacing=12)
        self.add_widget(line)
        self.add_widget(self.table, 1)
        self.open_button = push_button(context.theme, "Show these", self._open, icon=Icon.FILTER)
        self.set_close_button(left=[self.open_button])
        self.by.currentIndexChanged.connect(self._ask)
        self.table.selection_changed.connect(self._offer)
        self.table.opened.connect(self._open)
        self.finished.connect(self._end)
        self._offer()
        later(self, 0, self._ask)  # a question about what it reads stands before the dialog
        self.by.setFocus()

    def _ask(self) -> None:
        """Counts them; where that is charged, and much, a person is asked first."""
        column = self.by.currentData()
        self.state.setText("Counting…")
        rows = self._context.rows_of(self._query.table, self._query.scope)
        args = (self._context.lists, self._query, column)
        read = partial(self._context.runner.read, groups, *args, on_failed=self._say_failure)
        count = partial(read, on_done=partial(self._take, column))
        self._context.when_agreed(rows, count, self, partial(self.state.setText, "Not counted."))

    def _take(self, column: str, found: Sequence[NoteGroup]) -> None:
        if self._is_closed or column != self.by.currentData():
            return
        self._groups = found
        self.table.show_rows([self._cells(column, group) for group in found])
        of = f"the {MOST:,} with most unread" if len(found) == MOST else counted(len(found), "group")
        self.state.setText(of)
        announce(self.state, of)
        if found:
            self.table.select_row(0)
            self.table.setFocus()
        self._offer()
        self.counted.emit()

    def _cells(self, column: str, group: NoteGroup) -> Sequence[Cell]:
        label = choice_label(NOTIFICATIONS, column, group.value)
        name = visible(first_line(group.title or label, _LONGEST))
        at, now = group.latest, self._context.clock()
        ago = "" if at is None else relative_time(int(at), now)
        moment = "" if at is None else absolute_time(int(at), self._context.settings.utc_times)
        return (
            Cell(name, tip=visible(label) if group.title else None),
            Cell(grouped(group.unread), group.unread),
            Cell(grouped(group.rows), group.rows),
            Cell(ago, None if at is None else int(at), tip=moment),
        )

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))

    def _offer(self) -> None:
        self.open_button.setEnabled(bool(self.table.selected_rows()))

    def _open(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            column, group = self.by.currentData(), self._groups[self.table.source_row(rows[0])]
            self.accept()
            self._show(column, group.value)

    def _end(self) -> None:
        self._is_closed = True
