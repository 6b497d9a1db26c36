"""Notifications by run, type or tenant: each group as a row beside the
list, which shows the one that is chosen.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from app.services.records.list_query import ColumnChoice, ListQuery, Value
from app.services.records.note_groups import BY_RUN, MOST, NoteGroup, groups
from app.services.records.tables import NOTIFICATIONS, OFF
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import first_line, grouped
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import TenantAdminError

_BY = (("Run", BY_RUN), ("Type", "type"), ("Tenant", "tenant_id"))
_COLUMNS = (StaticColumn("Group"), StaticColumn("Unread", right=True))
_READ: Final = "read"
_NARROW, _WIDE, _LONGEST = 260, 340, 120
_ROOM_FOR_WIDE: Final = 1_200
_ALL: Final = "All of them"
MARK_READ, MARK_UNREAD, DELETE = "mark_read", "mark_unread", "delete"
_KEYS: Final = {Qt.Key.Key_R: MARK_READ, Qt.Key.Key_U: MARK_UNREAD, Qt.Key.Key_Delete: DELETE}
_STEPS: Final = {Qt.Key.Key_J: 1, Qt.Key.Key_K: -1}


class GroupsTable(StaticTable):
    """`pressed(act)` by R, U and Del; J and K go on and back, as in the list."""

    pressed = Signal(str)

    def event(self, event: QEvent) -> bool:
        """Its letters are not those of the list."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_own(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key = Qt.Key(event.key())
        if not _is_own(event):
            super().keyPressEvent(event)
        elif key in _KEYS:
            if not event.isAutoRepeat():
                self.pressed.emit(_KEYS[key])
        else:
            row = self.chosen().row() + _STEPS[key]
            if 0 <= row < self.model().rowCount():
                self.select_row(row)


class GroupsPanel(QWidget):
    """`chosen()` when the list is to show another group, which is `choice`; `act_wanted(act)` on all that the
    list shows of it, once it does. What a person groups by is kept.

    The groups are counted with each list; where that is charged, and much, when a person agrees to it.
    """

    chosen = Signal()
    act_wanted = Signal(str)
    entered = Signal()
    counted = Signal()

    def __init__(self, context: Context, refusal: Callable[[str], str | None]) -> None:
        """`refusal(act)` is why the act cannot be done now."""
        super().__init__()
        self._context, self._refusal = context, refusal
        self._query: ListQuery | None = None
        self._groups: Sequence[NoteGroup] = ()
        self._value: Value = None
        self._is_chosen = False
        self._counts = 0
        self._goes_on = False
        self._counted_of: tuple[ListQuery, str] | None = None
        self._found: Sequence[NoteGroup] = ()
        self.by = QComboBox()
        self.by.setAccessibleName("Group by")
        for words, column in _BY:
            self.by.addItem(f"By {words.lower()}", column)
        self.by.setCurrentIndex(max(0, self.by.findData(context.settings.groups_by)))
        self.state = Label("", Look.DIM)
        self.table = GroupsTable(context.theme, "Groups", _COLUMNS, most=None)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        theme = context.theme
        self.buttons = {
            MARK_READ: push_button(theme, "Mark read", partial(self._act, MARK_READ), icon=Icon.READ),
            DELETE: push_button(theme, "Delete…", partial(self._act, DELETE), icon=Icon.DELETE),
        }
        top, acts = QWidget(), QWidget()
        in_row(self.by, None, self.state, within=top, spacing=8)
        in_row(*self.buttons.values(), None, within=acts, spacing=8)
        in_column(top, (self.table, 1), acts, within=self, spacing=8)
        self.fit(0)
        self.by.currentIndexChanged.connect(self._change)
        self.table.selection_changed.connect(self._choose)
        self.table.opened.connect(lambda _: self.entered.emit())
        self.table.pressed.connect(self._act)

    def fit(self, room: int) -> None:
        """As wide as a tab of this width can spare."""
        self.setFixedWidth(_WIDE if room >= _ROOM_FOR_WIDE else _NARROW)

    @property
    def choice(self) -> ColumnChoice | None:
        """What the list is narrowed to: the column and the value of the group; None for all of them."""
        return (self.by.currentData(), (self._value,)) if self._is_chosen else None

    def let_go(self) -> bool:
        """Chooses all of them, without a word; whether a group was chosen."""
        had, self._is_chosen, self._value = self._is_chosen, False, None
        if had:
            self._mark_chosen()
        return had

    def count(self, query: ListQuery, *, changed: bool = False) -> None:
        """Counts the groups of what the filters keep; where each row is charged, once, unless some have
        `changed`: then a group that is dealt with, and has none left, is followed by the next one.
        """
        self._query = query
        # Of a list of unread ones a group would have as many of them as of all.
        of = replace(query, choices=tuple(choice for choice in query.choices if choice[0] != _READ))
        column = self._context.settings.groups_by = self.by.currentData()
        rows = self._context.rows_of(query.table, query.scope)
        if self._context.costs and not changed and self._counted_of == (of, column):
            self._take(self._found)
            return
        self._counts += 1
        self._goes_on = self._goes_on or changed
        number = self._counts

        def came(found: Sequence[NoteGroup]) -> None:
            if number == self._counts:
                self._counted_of, self._found = (of, column), found
                goes_on, self._goes_on = self._goes_on, False
                self._take(found, goes_on=goes_on)

        args = (self._context.lists, of, column)
        read = self._context.runner.read
        ask = partial(read, groups, *args, on_done=came, on_failed=self._say_failure)
        if not self._context.is_much(rows):
            ask()
        elif not changed:
            self._context.when_agreed(rows, ask, self, partial(self.state.setText, "Not counted."))

    def forget(self) -> None:
        """They may be others by now."""
        self._counted_of = None

    def _take(self, found: Sequence[NoteGroup], *, goes_on: bool = False) -> None:
        left = [one for one in found if self._kept(one)]
        is_done = goes_on and self._is_chosen and not any(map(self._is_of, left))
        if is_done:
            at = next((place for place, one in enumerate(self._groups) if self._is_of(one)), 0)
            self._is_chosen = bool(left)
            self._value = left[min(at, len(left) - 1)].value if left else None
        self._groups = [group for group in found if self._kept(group) or self._is_of(group)]
        rows, unread = sum(one.rows for one in found), sum(one.unread for one in found)
        lines: list[Sequence[Cell]] = [(Cell(_ALL), _counts(unread, rows))]
        lines += [self._cells(group) for group in self._groups]
        self.table.show_rows(lines)
        self._mark_chosen()
        words = f"{len(found):,} of more" if len(found) == MOST else counted(len(self._groups), "group")
        if words != self.state.text():
            self.state.setText(words)
            announce(self.state, words)
        self.counted.emit()
        if is_done:
            self.chosen.emit()

    def _cells(self, group: NoteGroup) -> Sequence[Cell]:
        label = choice_label(NOTIFICATIONS, self.by.currentData(), group.value)
        name = visible(first_line(group.title or label, _LONGEST))
        tip = visible(label) if group.title else name
        return Cell(name, tip=tip), _counts(group.unread, group.rows)

    def _kept(self, group: NoteGroup) -> int:
        """How many of it the list shows: all, or those that are unread, or that are not."""
        wanted = None if self._query is None else dict(self._query.choices).get(_READ)
        if wanted is None:
            return group.rows
        return group.unread if set(wanted) <= set(OFF) else group.rows - group.unread

    def _is_of(self, group: NoteGroup) -> bool:
        return self._is_chosen and type(group.value) is type(self._value) and group.value == self._value

    def _mark_chosen(self) -> None:
        place = next((place for place, one in enumerate(self._groups, 1) if self._is_of(one)), 0)
        rows = range(self.table.model().rowCount())
        with QSignalBlocker(self.table):
            shown = (row for row in rows if self.table.source_row(row) == place)
            if (row := next(shown, None)) is not None:
                self.table.select_row(row)
        self._offer()

    def _current(self) -> NoteGroup | None:
        rows = self.table.selected_rows()
        place = self.table.source_row(rows[0]) if rows else 0
        return self._groups[place - 1] if 0 < place <= len(self._groups) else None

    def _choose(self) -> None:
        group = self._current()
        if not self.table.selected_rows():
            return
        is_same = self._is_of(group) if group is not None else not self._is_chosen
        self._is_chosen, self._value = group is not None, None if group is None else group.value
        self._offer()
        if not is_same:
            self.chosen.emit()

    def _change(self) -> None:
        self.let_go()
        self._groups = ()
        self.chosen.emit()

    def _offer(self) -> None:
        group = self._current()
        kept = 0 if group is None else self._kept(group)
        unread = 0 if group is None else group.unread
        for name, number, words, key in (
            (MARK_READ, unread, "Mark {} read", "R"),
            (DELETE, kept, "Delete {}…", "Del"),
        ):
            button = self.buttons[name]
            said = words.format(f"{number:,}") if number else words.replace("{} ", "").replace(" {}", "")
            why = "Choose a group." if group is None else self._refusal(name)
            button.setText(said)
            button.setAccessibleName(said)
            button.setEnabled(bool(number) and why is None)
            button.setToolTip(why or f"{said} ({key})")

    def _act(self, name: str) -> None:
        why = "Choose a group first." if self._current() is None else self._refusal(name)
        if why is None:
            self.act_wanted.emit(name)
        else:
            self._context.say(why)

    def _say_failure(self, error: TenantAdminError) -> None:
        self.state.setText(str(error))


def _counts(unread: int, rows: int) -> Cell:
    return Cell(f"{grouped(unread)} of {grouped(rows)}", unread)


def _is_own(event: QKeyEvent) -> bool:
    return event.key() in {*_KEYS, *_STEPS} and not event.modifiers()
