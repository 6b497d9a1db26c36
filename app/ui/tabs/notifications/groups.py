"""Notifications by run, type or tenant: each group as a row beside the
list, which shows the one that is chosen.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import Final

from PySide6.QtCore import QEvent, QSignalBlocker, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QComboBox, QSizePolicy, QWidget

from app.services.records.list_query import ColumnChoice, ListedValue, ListQuery
from app.services.records.notifications import BY_RUN, NoteGroup, NoteGroups, groups
from app.services.records.tables import EVERYONE, NOTIFICATIONS, OFF, PLANNING_RUNS
from app.services.text import counted, visible
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label
from app.ui.theme import Icon
from app.ui.widgets import buttons
from app.ui.widgets.actions import OwnKeys, is_enter
from app.ui.widgets.announcing import announce
from app.ui.widgets.filter_row import DEBOUNCE_MS
from app.ui.widgets.formatting import first_line, grouped
from app.ui.widgets.labels import Label, Look, WindowField, in_column, in_row, name_choice
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import TenantAdminError

_BY = (("Run", BY_RUN), ("Type", "type"), ("Tenant", "tenant_id"))
_COLUMNS = (StaticColumn("Group", middle=True), StaticColumn("Unread", right=True))
_READ: Final = "read"
_LONGEST: Final = 120
_WIDE, _NARROW, _LEAST = 320, 260, 160
"""Pixels of the panel until it is drawn by hand, and where room is short; and its least."""
_CLOSE: Final = 6
_AROUND_WORDS: Final = 56
"""Pixels of a button beside its words, with the gap to the next one."""
_ICON: Final = 24
"""Those of them that its icon takes."""
_WITHOUT_ICONS: Final = 2
"""Which of the short words stand without one."""
_ROOM_FOR_WIDE: Final = 1_200
_LOW: Final = 200
"""The height of the panel in pixels below which groups have their room before what else stands there."""
_ALL: Final = "All of them"
_MOST_NAMED: Final = 80
"""Characters of a group's name in a sentence."""
MARK_READ, MARK_UNREAD, DELETE = "mark_read", "mark_unread", "delete"
_KEYS: Final = {Qt.Key.Key_R: MARK_READ, Qt.Key.Key_U: MARK_UNREAD, Qt.Key.Key_Delete: DELETE}
_STEPS: Final = {Qt.Key.Key_J: 1, Qt.Key.Key_K: -1}
_SAID: Final = {
    MARK_READ: ("Mark {} read", "Mark read", "Read", "R"),
    MARK_UNREAD: ("Mark {} unread", "Mark unread", "Unread", "U"),
    DELETE: ("Delete {}…", "Delete…", "Delete", "Del"),
}
"""What the act on a group is called, with a number, without one and where room is short; and its key."""


class GroupsTable(StaticTable):
    """`pressed(act)` by R, U and Del; J and K go on and back, as in the list; Space opens, as Return does."""

    pressed = Signal(str)
    least_wide = 40

    def own_keys(self) -> OwnKeys:
        return "Groups", (
            (("J", "K"), "Go to the next group, or the one before"),
            *(((key,), words.format("all of it").removesuffix("…")) for words, *_, key in _SAID.values()),
        )

    def event(self, event: QEvent) -> bool:
        """Its letters are not those of the list."""
        if event.type() == QEvent.Type.ShortcutOverride and isinstance(event, QKeyEvent) and _is_own(event):
            event.accept()
            return True
        return super().event(event)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        key, row = Qt.Key(event.key()), self.currentIndex()
        if key == Qt.Key.Key_Space and not event.modifiers() and row.isValid():
            self._open(row)
        elif not _is_own(event):
            super().keyPressEvent(event)
        elif key in _KEYS:
            if not event.isAutoRepeat():
                self.pressed.emit(_KEYS[key])
        else:
            to = self.chosen().row() + _STEPS[key]
            if 0 <= to < self.model().rowCount():
                self.select_row(to)


class _FindField(WindowField):
    """Empties itself on Escape; `left` on Down and Return, which go on to the groups."""

    left = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.text():
            self.clear()
        elif event.key() == Qt.Key.Key_Down or is_enter(event):
            self.left.emit()
        else:
            super().keyPressEvent(event)


class GroupsPanel(QWidget):
    """`chosen()` when the list is to show another group, which is `choice`; `act_wanted(act)` on all that the
    list shows of it, once it does. What a person groups by is kept.

    The groups are counted with each list; where that is charged, and much, when a person agrees to it. Those
    with most unread are listed; any other one is found by its name.
    """

    chosen = Signal()
    act_wanted = Signal(str)
    entered = Signal()
    counted = Signal()
    grouped_by = Signal()

    def __init__(self, context: Context, refusal: Callable[[str], str | None]) -> None:
        """`refusal(act)` is why the act cannot be done now."""
        super().__init__()
        self._context, self._refusal = context, refusal
        self._query: ListQuery | None = None
        self._groups: Sequence[NoteGroup] = ()
        self._value: ListedValue = None
        self._is_chosen = False
        self._counts = 0
        self._goes_on = False
        self._counted_of: tuple[ListQuery, str, str] | None = None
        self._found = NoteGroups()
        self._shorts: dict[str, tuple[str, ...]] = dict.fromkeys(_SAID, ("",))
        """What each act is called where room is short, the less of it the later."""
        self._whole = dict.fromkeys(_SAID, "")
        """And with all words."""
        self._sought = ""
        """What was looked for when they were counted last."""
        self.by = QComboBox()
        name_choice(self.by, "Group by")
        for words, column in _BY:
            self.by.addItem(f"By {words.lower()}", column)
        self.by.setCurrentIndex(max(0, self.by.findData(context.settings.groups_by)))
        self.field = _FindField()
        self.field.setPlaceholderText("Find a group")
        self.field.setAccessibleName("Find a group")
        buttons.field_icons(context.theme, self.field, Icon.SEARCH)
        self._wait = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._wait.timeout.connect(self._look)
        self.state = Label("", Look.DIM)
        self.table = GroupsTable(context.theme, "Groups", _COLUMNS, most=None)
        self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.table.setSelectionMode(self.table.SelectionMode.SingleSelection)
        theme = context.theme
        icons = {MARK_READ: Icon.READ, MARK_UNREAD: Icon.UNREAD, DELETE: Icon.DELETE}
        self.buttons = {
            name: buttons.push_button(theme, _SAID[name][1], partial(self._act, name), icon=icon)
            for name, icon in icons.items()
        }
        self.buttons[DELETE].setProperty(buttons.ENDS, True)
        self._is_low = False
        self._place_of_acts = QWidget()
        self._acts = in_row(*self.buttons.values(), None, within=self._place_of_acts, spacing=_CLOSE)
        self._top = in_row(self.by, (self.field, 1), spacing=8)
        parts = (self._top, (self.table, 1), self.state, self._place_of_acts)
        self._column = in_column(*parts, within=self, spacing=8)
        self.setMinimumWidth(_LEAST)  # that of its parts would be that of all words of the buttons
        self.by.currentIndexChanged.connect(self._change)
        self.field.textChanged.connect(self._wait.start)
        self.field.left.connect(self._leave_find)
        self.table.selection_changed.connect(self._choose)
        self.table.opened.connect(lambda _: self.entered.emit())
        self.table.pressed.connect(self._act)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._leave_room()
        self._share()

    def _leave_room(self) -> None:
        """In a low window what is done with a group stands in the place of the field, unless that is in use:
        the filter of the list finds groups, too.
        """
        low = self.height() < _LOW and not self.field.text() and not self.field.hasFocus()
        if low == self._is_low:
            return
        self._is_low = low
        self.field.setHidden(low)
        self.state.setHidden(low)
        self._column.setSpacing(_CLOSE if low else 8)
        self.table.set_low(low)
        (self._top if low else self._column).addWidget(self._place_of_acts, int(low))

    def wanted_in(self, room: int) -> int:
        """How wide it is in a tab of this width, until its border is drawn by hand."""
        return _WIDE if room >= _ROOM_FOR_WIDE else _NARROW

    def name(self) -> str:
        """What the group is called that is chosen; empty for all of them."""
        group = next(filter(self._is_of, self._groups), None)
        return first_line(self._title(group), _MOST_NAMED) if self._is_chosen and group is not None else ""

    @property
    def column(self) -> str:
        """What they are grouped by."""
        return str(self.by.currentData())

    @property
    def choice(self) -> ColumnChoice | None:
        """What the list is narrowed to: the column and the value of the group; None for all of them."""
        return (self.by.currentData(), (self._value,)) if self._is_chosen else None

    def go_back_to(self, choice: ColumnChoice) -> None:
        """Chooses the group that this was the choice of, without a word."""
        column, (value, *_) = choice
        if column == self.column:
            self._is_chosen, self._value = True, value

    def let_go(self) -> bool:
        """Chooses all of them, without a word; whether a group was chosen."""
        had, self._is_chosen, self._value = self._is_chosen, False, None
        if had:
            self._mark_chosen()
        return had

    def count(self, query: ListQuery, *, changed: bool = False, holds: bool = False) -> None:
        """Counts the groups of what the filters keep; where each row is charged, once, unless some have
        `changed`: then a group that is dealt with, and has none left, is followed by the next one. It `holds`
        those in sight where they are, as others have written.
        """
        self._query = query
        # Of a list of unread ones a group would have as many of them as of all.
        of = replace(query, choices=tuple(choice for choice in query.choices if choice[0] != _READ))
        column = self._context.settings.groups_by = self.column
        sought, rows = self.field.text().strip(), self._reads(query)
        if self._context.costs and not changed and self._counted_of == (of, column, sought):
            self._take(self._found)
            return
        self._counts += 1
        self._goes_on = self._goes_on or changed
        number = self._counts

        def came(found: NoteGroups) -> None:
            if number == self._counts:
                held = holds and self._counted_of == (of, column, sought)
                self._counted_of, self._found, self._sought = (of, column, sought), found, sought
                goes_on, self._goes_on = self._goes_on, False
                self._take(found, goes_on=goes_on, holds=held and not goes_on)

        args = (self._context.lists, of, column, sought)
        read = self._context.runner.read
        ask = partial(read, groups, *args, on_done=came, on_failed=self._say_failure)
        if not self._context.is_much(rows):
            ask()
        elif not changed:
            self._context.when_agreed(rows, ask, self, partial(self.state.setText, "Not counted."))

    def _reads(self, query: ListQuery) -> int:
        """How many rows are read to count them: a run is looked for in what it is about, too."""
        is_sought = self.field.text().strip() and self.column == BY_RUN
        runs = self._context.rows_of(PLANNING_RUNS.name, EVERYONE) if is_sought else 0
        return runs + self._context.rows_of(query.table, query.scope)

    def forget(self) -> None:
        """They may be others by now."""
        self._counted_of = None

    def _take(self, found: NoteGroups, *, goes_on: bool = False, holds: bool = False) -> None:
        first = self._in_place(found.first) if goes_on else found.first
        if holds:
            first = self._as_they_stand(found)
        stand = len(self._groups) if holds else 0
        left = [one for one in first if self._kept(one)]
        was = [one for one in self._groups if self._is_of(one)]
        is_done = goes_on and self._is_chosen and not any(map(self._is_of, left))
        if is_done:
            at = next((place for place, one in enumerate(self._groups) if self._is_of(one)), 0)
            self._is_chosen = bool(left)
            self._value = left[min(at, len(left) - 1)].value if left else None
        shown = [
            group for at, group in enumerate(first) if at < stand or self._kept(group) or self._is_of(group)
        ]
        if self._is_chosen and not any(map(self._is_of, shown)):
            shown = [*was, *shown]  # what the list shows is here, too, whatever is looked for
        self._groups = shown
        lines: list[Sequence[Cell]] = [(Cell(_ALL), _counts(found.unread, found.rows))]
        lines += [self._cells(group) for group in self._groups]
        bar = self.table.verticalScrollBar()
        at = bar.value()
        self.table.show_rows(lines)
        self.table.updateGeometries()  # the bar's range follows later by itself
        bar.setValue(at)
        self._mark_chosen()
        self._say(found, len(left))
        self.counted.emit()
        if is_done:
            self.chosen.emit()

    def _in_place(self, groups: Sequence[NoteGroup]) -> list[NoteGroup]:
        """Where they stood: one that a person has just dealt with does not sink, nor the next one rise."""
        places = {(type(one.value), one.value): at for at, one in enumerate(self._groups)}
        return sorted(groups, key=lambda one: places.get((type(one.value), one.value), len(places)))

    def _as_they_stand(self, found: NoteGroups) -> list[NoteGroup]:
        """Each of those in sight where it is, also one of which none is left now; new ones come last."""
        there = {(type(one.value), one.value): one for one in found.first}
        are_all = len(found.first) == found.match[0]  # else one may be there, and not be told of
        stand = []
        for one in self._groups:
            left = replace(one, rows=0, unread=0) if are_all else one
            stand.append(there.pop((type(one.value), one.value), left))
        return [*stand, *there.values()]

    def _say(self, found: NoteGroups, left: int) -> None:
        """How many there are, and how many of these are listed."""
        state = self._state()
        match, groups_ = found.match[state], found.groups[state]
        if left < match:
            words = f"{left:,} of {match:,}; find to narrow"
        elif self._sought:
            words = f"{left:,} of {counted(groups_, 'group')}"
        else:
            words = counted(left, "group")
        if words != self.state.text():
            self.state.setText(words)
            announce(self.state, words)

    def _title(self, group: NoteGroup) -> str:
        return visible(group.title or choice_label(NOTIFICATIONS, self.column, group.value))

    def _cells(self, group: NoteGroup) -> Sequence[Cell]:
        name = self._title(group)
        tip = f"{name}\n{visible(str(group.value))}" if group.title else name
        return Cell(first_line(name, _LONGEST), tip=tip), _counts(group.unread, group.rows)

    def _kept(self, group: NoteGroup) -> int:
        """How many of it the list shows."""
        return (group.rows, group.unread, group.rows - group.unread)[self._state()]

    def _state(self) -> int:
        """Which of them the list shows: all (0), those that are unread (1), or that are not (2)."""
        wanted = None if self._query is None else dict(self._query.choices).get(_READ)
        return 0 if wanted is None else 1 if set(wanted) <= set(OFF) else 2

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
        with QSignalBlocker(self.field):
            self.field.clear()
        self.grouped_by.emit()
        self.chosen.emit()

    def _look(self) -> None:
        """Counts them again for what is looked for, unless that reads much: then when Return is pressed."""
        sought, query = self.field.text().strip(), self._query
        if query is None or sought == self._sought:
            return
        if self._context.is_much(self._reads(query)):
            self.state.setText("Press Enter to find.")
        else:
            self.count(query)

    def _leave_find(self) -> None:
        self._wait.stop()
        if self._query is not None and self.field.text().strip() != self._sought:
            self.count(self._query)
        self.table.enter()

    def _offer(self) -> None:
        group = self._current()
        kept, unread = (0, 0) if group is None else (self._kept(group), group.unread)
        read = 0 if group is None else group.rows - unread
        self.buttons[MARK_UNREAD].setHidden(self._state() == 1)  # of none that the list shows
        self.buttons[MARK_READ].setHidden(self._state() == 2)
        for name, number in ((MARK_READ, unread), (MARK_UNREAD, read), (DELETE, kept)):
            button, (words, of_none, short, key) = self.buttons[name], _SAID[name]
            said = words.format(f"{number:,}") if number else of_none
            why = "Choose a group." if group is None else self._refusal(name)
            self._whole[name] = f"{said} ({key})"
            button.setText(self._whole[name])
            how_many = f"{number:,} " if number else ""
            self._shorts[name] = tuple(
                f"{one}({key})" for one in (f"{short} {how_many}", f"{short} ", f"{short} ", how_many, "")
            )
            button.setAccessibleName(said)
            button.setEnabled(bool(number) and why is None)
            button.setToolTip(why or f"{said} ({key})")
        self._share()

    def _share(self) -> None:
        """The first keeps its words longest, and the one of what ends something before that of the other; all
        keep a word each, without numbers and then without icons, before they are known by their keys alone.
        """
        shown = [(name, one) for name, one in self.buttons.items() if not one.isHidden()]
        beside = self._is_low * (self.by.width() + self._top.spacing())
        advance, room = self.fontMetrics().horizontalAdvance, self.width() - beside

        def takes(level: int) -> int:
            around = _AROUND_WORDS - (level == _WITHOUT_ICONS) * _ICON
            return sum(advance(self._shorts[name][level]) + around for name, _ in shown)

        levels = range(len(self._shorts[DELETE]))
        level = next((at for at in levels if takes(at) <= room), levels[-1])
        for name, button in shown:
            button.setText(self._whole[name])  # not what was short before, which would be taken for all of it
            button.setIconSize(buttons.BESIDE_WORDS)
            button.setProperty(buttons.SHORT, self._shorts[name][level])
        buttons.share_words(
            self._acts, room, [self.buttons[name] for name in (MARK_READ, DELETE, MARK_UNREAD)]
        )
        if level == _WITHOUT_ICONS:
            for name, button in shown:
                buttons.show_words(button, self._shorts[name][level])
                button.setIconSize(QSize(0, 0))

    def _act(self, name: str) -> None:
        why = "Choose a group first." if self._current() is None else self._refusal(name)
        if why is None and self.buttons[name].isHidden():
            why = "No notification that the list shows is marked so."
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
