"""Notifications by run or type: each group as a row, which unfolds to its latest notifications and opens as a
filter of the list.
"""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.records.list_query import ListQuery, Value
from app.services.records.note_groups import BY_RUN, MOST, GroupedNote, NoteGroup, groups, notes_of
from app.services.records.tables import NOTIFICATIONS, OFF
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.formatting import absolute_time, first_line, grouped, relative_time
from app.ui.widgets.labels import Label, Look, in_row
from app.ui.widgets.later import later
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import TenantAdminError

_SENTENCE = (
    "Of the notifications that the filters keep; “All” counts them read or not. A group that is opened "
    "becomes a filter of the list."
)
_BY = (("Run", BY_RUN), ("Type", "type"), ("Tenant", "tenant_id"))
_COLUMNS = (
    StaticColumn("Group"),
    StaticColumn("Unread", right=True),
    StaticColumn("All", right=True),
    StaticColumn("Latest", dim=True),
)
_READ: Final = "read"
_ROWS, _WIDTH, _LONGEST = 10, 680, 120
_TOLD: Final = 20
"""Notifications that are told of a group that is unfolded."""
_KEPT: Final = 30
"""Unfolded groups that are remembered."""
_WITHIN = "\N{EM SPACE}\N{EM SPACE}"


class FoldingTable(StaticTable):
    """`turned(unfold)` when Right or Left is pressed."""

    turned = Signal(bool)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in {Qt.Key.Key_Left, Qt.Key.Key_Right} and not event.modifiers():
            self.turned.emit(event.key() == Qt.Key.Key_Right)
        else:
            super().keyPressEvent(event)


class GroupsDialog(Dialog):
    """`show(column, value)` is called with the group that was opened, `show_note(id)` with the notification,
    when the dialog has closed. What a person groups by and unfolds is kept, and unfolded again where reading
    it costs nothing.

    `counted()` when groups have come, `unfolded()` when the notifications of one have.
    """

    counted = Signal()
    unfolded = Signal()

    def __init__(
        self,
        context: Context,
        query: ListQuery,
        show: Callable[[str, Value], object],
        show_note: Callable[[object], object],
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, "Groups of notifications", _SENTENCE, parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._query, self._show, self._show_note = context, query, show, show_note
        others = tuple(choice for choice in query.choices if choice[0] != _READ)
        self._counted = replace(query, choices=others)
        """What groups are counted of: a list of unread ones would have as many of them as of all."""
        self._is_closed = False
        self._notes: dict[Value, Sequence[GroupedNote]] = {}
        """The latest notifications of the groups that are unfolded."""
        self._lines: list[tuple[int, GroupedNote | None]] = []
        """What the rows are about: the position of a group, and of a notification of it."""
        self._groups: Sequence[NoteGroup] = ()
        self.by = QComboBox()
        self.by.setAccessibleName("Group by")
        for words, column in _BY:
            self.by.addItem(words, column)
        self.by.setCurrentIndex(max(0, self.by.findData(context.settings.groups_by)))
        label = Label("Group by", Look.DIM)
        label.setBuddy(self.by)
        self.state = Label("", Look.STRONG)
        self.table = FoldingTable(context.theme, "Groups", _COLUMNS, most=_ROWS)
        line = QWidget()
        in_row(label, self.by, None, self.state, within=line, spacing=12)
        self.add_widget(line)
        self.add_widget(self.table, 1)
        self.open_button = push_button(context.theme, "Show these", self._open, icon=Icon.FILTER)
        self.fold_button = push_button(context.theme, "Unfold", self._turn_over, icon=Icon.CARET_RIGHT)
        self.set_close_button(left=[self.open_button, self.fold_button])
        self.by.currentIndexChanged.connect(self._ask)
        self.table.selection_changed.connect(self._offer)
        self.table.opened.connect(self._open)
        self.table.turned.connect(self._turn)
        self.finished.connect(self._end)
        self._offer()
        later(self, 0, self._ask)  # a question about what it reads stands before the dialog
        self.by.setFocus()

    def _ask(self) -> None:
        """Counts them; where that is charged, and much, a person is asked first."""
        column = self._context.settings.groups_by = self.by.currentData()
        self.state.setText("Counting…")
        rows = self._context.rows_of(self._query.table, self._query.scope)
        args = (self._context.lists, self._counted, column)
        read = partial(self._context.runner.read, groups, *args, on_failed=self._say_failure)
        count = partial(read, on_done=partial(self._take, column))
        self._context.when_agreed(rows, count, self, partial(self.state.setText, "Not counted."))

    def _take(self, column: str, found: Sequence[NoteGroup]) -> None:
        if self._is_closed or column != self.by.currentData():
            return
        of = f"the {MOST:,} with most unread" if len(found) == MOST else ""
        found = [group for group in found if self._kept_rows(group)]
        self._groups, self._notes = found, {}
        self._show_lines(None)
        of = of or counted(len(found), "group")
        self.state.setText(of)
        announce(self.state, of)
        if found:
            self.table.select_row(0)
            self.table.setFocus()
        self._offer()
        self.counted.emit()
        if not self._context.costs:
            kept = self._kept()
            for group in found:
                if self._key(group.value) in kept:
                    self._unfold(group)

    def _show_lines(self, wanted: tuple[int, GroupedNote | None] | None) -> None:
        """All rows, in the order that they had; the one that is `wanted` is selected."""
        header = self.table.horizontalHeader()
        order = header.sortIndicatorSection(), header.sortIndicatorOrder()
        by_name = sorted(
            range(len(self._groups)), key=lambda place: self._name(self._groups[place])[0].casefold()
        )
        ranks = {place: rank for rank, place in enumerate(by_name)}
        self._lines, rows = [], []
        for place, group in enumerate(self._groups):
            cells = self._cells(group, ranks[place])
            self._lines.append((place, None))
            rows.append(cells)
            for note in self._notes.get(group.value, ()):
                self._lines.append((place, note))
                rows.append(self._cells_of_note(note, cells))
            told = len(self._notes.get(group.value, ()))
            if 0 < told < self._kept_rows(group):  # whose row opens the group
                self._lines.append((place, None))
                more = f"{_WITHIN}{self._kept_rows(group) - told:,} more"
                rows.append(
                    [Cell(text, cell.order) for text, cell in zip((more, "", "", ""), cells, strict=True)]
                )
        self.table.show_rows(rows)
        self.table.sortByColumn(*order)
        if wanted in self._lines:
            line = self._lines.index(wanted)
            rows_shown = range(self.table.model().rowCount())
            self.table.select_row(next(row for row in rows_shown if self.table.source_row(row) == line))

    def _current(self) -> tuple[int, GroupedNote | None] | None:
        rows = self.table.selected_rows()
        return self._lines[self.table.source_row(rows[0])] if rows else None

    def _turn_over(self) -> None:
        line = self._current()
        if line is not None:
            self._turn(self._groups[line[0]].value not in self._notes)

    def _turn(self, unfold: bool) -> None:
        """As in a tree: Left leads from a notification to its group first."""
        line = self._current()
        if line is None:
            return
        place, note = line
        group = self._groups[place]
        if note is not None and not unfold:
            self._show_lines((place, None))
        elif unfold and note is None and group.value not in self._notes:
            read = partial(self._unfold, group)
            rows = self._context.rows_of(self._query.table, self._query.scope)
            self._context.when_agreed(rows, read, self)
        elif not unfold and group.value in self._notes:
            del self._notes[group.value]
            self._keep()
            self._show_lines((place, None))
            announce(self.table, "Folded.")
        self._offer()

    def _unfold(self, group: NoteGroup) -> None:
        column = self.by.currentData()

        def came(notes: Sequence[GroupedNote]) -> None:
            if self._is_closed or column != self.by.currentData() or group not in self._groups:
                return
            current = self._current()
            self._notes[group.value] = notes
            self._keep()
            self._show_lines(current)
            self._offer()
            if current is not None and self._groups[current[0]] is group:
                announce(self.table, f"Unfolded: the latest {len(notes):,} of {self._kept_rows(group):,}.")
            self.unfolded.emit()

        args = self._context.lists, self._query, column, group.value
        read = self._context.runner.read
        read(notes_of, *args, most=_TOLD, on_done=came, on_failed=self._say_failure)

    def _kept_rows(self, group: NoteGroup) -> int:
        """How many of it the list shows: all, or those that are unread, or that are not."""
        wanted = dict(self._query.choices).get(_READ)
        if wanted is None:
            return group.rows
        return group.unread if set(wanted) <= set(OFF) else group.rows - group.unread

    def _key(self, value: Value) -> str:
        return f"{type(value).__name__}:{value!r}"

    def _kept(self) -> set[str]:
        try:
            found = json.loads(self._context.settings.groups_unfolded.get(self.by.currentData()) or "[]")
        except ValueError:
            return set()
        return {one for one in found if isinstance(one, str)} if isinstance(found, list) else set()

    def _keep(self) -> None:
        kept = [self._key(value) for value in self._notes][-_KEPT:]
        self._context.settings.groups_unfolded.set(self.by.currentData(), json.dumps(kept))

    def _name(self, group: NoteGroup) -> tuple[str, str]:
        """What it is called, and what it has in common."""
        label = choice_label(NOTIFICATIONS, self.by.currentData(), group.value)
        return visible(first_line(group.title or label, _LONGEST)), visible(label)

    def _cells_of_note(self, note: GroupedNote, of_group: Sequence[Cell]) -> Sequence[Cell]:
        """In the order of its group, whatever they are sorted by."""
        title = visible(first_line(note.title, _LONGEST))
        tenant = "" if self.by.currentData() == "tenant_id" else f" · {visible(first_line(note.tenant, 60))}"
        when, moment = self._times(note.at)
        words = f"{_WITHIN}{title}{tenant}", "unread" if note.unread else "", "", when
        tips = "A notification of the group above", None, None, moment
        return [
            Cell(text, group.order, tip=tip) for text, group, tip in zip(words, of_group, tips, strict=True)
        ]

    def _times(self, at: float | None) -> tuple[str, str]:
        if at is None:
            return "", ""
        now, utc = self._context.clock(), self._context.settings.utc_times
        return relative_time(int(at), now), absolute_time(int(at), utc)

    def _cells(self, group: NoteGroup, rank: int) -> Sequence[Cell]:
        (name, label), (ago, moment) = self._name(group), self._times(group.latest)
        is_open = group.value in self._notes
        tip = f"{label} · " if group.title else ""
        return (
            Cell(
                name,
                rank,
                icon=Icon.CARET_DOWN if is_open else Icon.CARET_RIGHT,
                tip=f"{tip}{'Left folds it' if is_open else 'Right unfolds it'}",
            ),
            Cell(grouped(group.unread), group.unread),
            Cell(grouped(group.rows), group.rows),
            Cell(ago, None if group.latest is None else int(group.latest), tip=moment),
        )

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))

    def _offer(self) -> None:
        line = self._current()
        is_note = line is not None and line[1] is not None
        is_open = line is not None and self._groups[line[0]].value in self._notes
        for button, words in (
            (self.open_button, "Show this one" if is_note else "Show these"),
            (self.fold_button, "Fold" if is_open else "Unfold"),
        ):
            button.setEnabled(line is not None)
            button.setText(words)
            button.setAccessibleName(words)

    def _open(self) -> None:
        line, column = self._current(), self.by.currentData()
        if line is None:
            return
        place, note = line
        self.accept()
        if note is None:
            self._show(column, self._groups[place].value)
        else:
            self._show_note(note.id)

    def _end(self) -> None:
        self._is_closed = True
