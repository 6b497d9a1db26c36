"""What the platform told its tenants, and who has read it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QItemSelectionModel, QObject, Qt
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QApplication, QWidget

from app.itemmodels.columns import Column, Row
from app.services.records import notifications
from app.services.records.change import Change
from app.services.records.known import Chosen
from app.services.records.list_query import ColumnChoice, ListQuery
from app.services.records.lists import READ_EACH
from app.services.records.notifications import NamedRecord
from app.services.records.record import Record, read_record
from app.services.records.tables import (
    NOTIFICATIONS,
    OFF,
    ON,
    PLANNING_RUNS,
    USERS,
    WEBHOOK_DESTINATIONS,
    flag,
)
from app.services.text import counted
from app.ui.session.sight import InSight
from app.ui.tabs.common import acts, declared
from app.ui.tabs.common.declared import NOTIFICATIONS_TAB
from app.ui.tabs.common.list_controller import Taking
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.when_removed import LEAVES, Leaving
from app.ui.theme import Icon, Tone
from app.ui.widgets.actions import ActionSpec
from app.ui.widgets.buttons import Chip, ElidedButton, framed_button
from app.ui.widgets.data_table import DataTable
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.labels import Label, has_long_word, in_column, in_row
from app.ui.widgets.panes import Field, SidePane
from models.engine import Database
from models.errors import NothingToDo

if TYPE_CHECKING:
    from app.ui.tabs.notifications.groups import GroupsPanel


_ALONE = (Qt.KeyboardModifier.NoModifier, Qt.KeyboardModifier.KeypadModifier)
_FLAGS = QItemSelectionModel.SelectionFlag


class ByLetters(QObject):
    """`ByLetters(table)`: while the table has the focus, J goes on to the next row and K back to the one
    before. X picks a row out, or lets it go again; from then on J and K leave what is selected as it is,
    until something is selected otherwise.
    """

    def __init__(self, table: DataTable) -> None:
        super().__init__(table)
        self._table = table
        self._picks = self._is_picking = False
        self._keys = {Qt.Key.Key_J: self.go_on, Qt.Key.Key_K: self.go_back, Qt.Key.Key_X: self.pick}
        table.installEventFilter(self)
        table.selection_changed.connect(self._look)

    def go_on(self) -> None:
        self._move(1)

    def go_back(self) -> None:
        self._move(-1)

    def pick(self) -> None:
        """The current row joins those picked out, or leaves them."""
        index, selected = self._table.currentIndex(), self._table.selected_ranges()
        if not index.isValid():
            self._table.enter()
            return
        is_first = selected == [range(index.row(), index.row() + 1)] and not self._is_picking
        self._picks = True
        if not is_first:
            self._table.selectionModel().select(index, _FLAGS.Toggle | _FLAGS.Rows)
        self._picks, self._is_picking = False, True

    def let_be(self) -> None:
        """What is selected has been dealt with: J and K select again."""
        self._is_picking = False

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if not isinstance(event, QKeyEvent) or event.type() != QEvent.Type.KeyPress:
            return False
        act = self._keys.get(Qt.Key(event.key()))
        if act is None or event.modifiers() not in _ALONE:
            return False
        if act != self.pick or not event.isAutoRepeat():  # one that is held leads on, and picks once
            act()
        return True

    def _move(self, by: int) -> None:
        table, current = self._table, self._table.currentIndex()
        if not current.isValid():
            table.enter()
            return
        row = current.row() + by
        if not 0 <= row < table.model().rowCount():
            return
        if self._is_picking and table.selectionModel().hasSelection():
            self._picks = True
            index = table.model().index(row, current.column())
            table.selectionModel().setCurrentIndex(index, _FLAGS.NoUpdate)
            self._picks = False
        else:
            table.select_row(row)

    def _look(self) -> None:
        self._is_picking = self._is_picking and self._picks


_MESSAGE, _LINES = 600, 12
"""Characters and line breaks of a message that is read in full above the other fields."""

_UNREAD = ("read", OFF[:1])
_NONE_UNREAD = "Nothing unread", "What comes in is shown here until it is read."
_SHOW_ALL = "Show all notifications"
_READ = NOTIFICATIONS.names.index("read")
_CHIPS: dict[bool, Chip] = {
    True: ("read", Tone.NEUTRAL, Icon.READ),
    False: ("unread", Tone.ACCENT, Icon.UNREAD),
}


_NAMED_IN = frozenset(table.name for table in notifications.NAMES.values())
_CALLED = {PLANNING_RUNS: "Run", USERS: "User", WEBHOOK_DESTINATIONS: "Webhook"}
_OPENS = "open_what_it_names"


@dataclass(frozen=True, slots=True)
class NotificationDetail:
    """A notification, and the records that its metadata name."""

    note: Record
    named: tuple[NamedRecord, ...]

    @property
    def opened(self) -> NamedRecord | None:
        """The first that this database has, or that it has no more."""
        return next((one for one in self.named if one.title is not None), (*self.named, None)[0])


class NotificationsTab(RecordTab):
    """Go through notifications by letters, mark them read or unread, delete them, open what they name."""

    spec = NOTIFICATIONS_TAB
    called = "title"
    opens = _OPENS

    remembered_apart = (_UNREAD,)
    groups: "GroupsPanel | None" = None
    """What stands beside the list, once it was asked for."""
    _groups_on = False
    """Whether it does now, or would if the inspector did not take its place."""
    _acting_on: ColumnChoice | None = None
    """The group that an act on all of it was begun for."""
    _dealt_with: tuple[frozenset[Any], ColumnChoice | None] = frozenset(), None
    """The ids of the last such act, and its group."""

    def listen(self) -> None:
        """Begins with the unread ones, as an inbox does, unless all were wanted last, or a person has to
        agree first to what finding them reads.
        """
        unread = replace(self.query(), choices=(_UNREAD,))
        self.facets.always_offer("read", OFF[0], ON[0])
        if self.context.settings.unread_alone and not self._costs_much(unread):
            self.facets.choose("read", OFF[0])
        super().listen()
        if "read" in self.filters.pickers:
            self.filters.pickers["read"].picked.connect(lambda _: self._remember_view())
        self.clear_button.clicked.connect(self._leave_empty_inbox)
        self.commands.begun.connect(self._begin_another)
        if self.context.settings.groups_shown and not self.context.costs:
            self._turn_groups()

    def special_columns(self) -> declared.Special:
        return {
            "read": {
                "icon": declared.either(Icon.READ, Icon.UNREAD),
                "tone": declared.either(None, Tone.ACCENT),
            },
            "title": {"tone": _title_tone},
            "message": {"dim": True},
        }

    @cached_property
    def leaving(self) -> Leaving:
        return Leaving(self.context)

    def shown_columns(self, columns: Sequence[Column]) -> Sequence[Column]:
        return (*columns, self.leaving.column()) if self.leaving.is_told else columns

    @property
    def gives_way(self) -> tuple[str, ...]:
        """What kind it is, then when retention takes it."""
        kind, *others = super().gives_way
        return (kind, LEAVES, *others) if self.leaving.is_told else (kind, *others)

    def main_column(self) -> str:
        """Where groups leave the list little room, the title has what is left."""
        return "title" if self.groups is not None and self._has_groups() else super().main_column()

    def needless(self) -> frozenset[str]:
        return super().needless() | {self._grouped_by}

    def said_of_rows(self) -> str:
        name = self.groups.name() if self.groups is not None and self._has_groups() else ""
        return f"Of “{name}”: " if name else ""

    def read_beside(self, query: ListQuery) -> None:
        self.leaving.read()
        if self.groups is not None and self._has_groups():
            self.groups.count(self._ungrouped(), holds=self.list.taking is Taking.HELD)

    def build_inspector(self) -> None:
        self._message = Label(wrap=True, selectable=True, caption="Message")
        self._metadata = JsonView(self.context.theme, "Metadata")
        self.inspector.add_widget(self._message)
        self.inspector.add_widget(self.fields)
        self.inspector.add_below(self._metadata)
        self.table.columns.set_widest(self.model.column_of("read"), ("unread",))
        self.table.columns.set_short(self.model.column_of("read"), ("unread",))
        if self.leaving.is_told:
            self.table.columns.set_widest(self.model.column_of(LEAVES), (self.leaving.widest,), icon=False)

    def load(self, database: Database, record_id: Any) -> NotificationDetail:
        record = read_record(database, NOTIFICATIONS, record_id)
        return NotificationDetail(record, notifications.named(database, record["metadata"]))

    def show_details(self, record: NotificationDetail) -> None:
        note = record.note
        read = flag(note["read"])
        self.commands.show_button(_OPENS, True)
        self.commands.show_button("mark_read", read is not True)
        self.commands.show_button("mark_unread", read is not False)
        chips: list[Chip] = [(note.text("type"), Tone.NEUTRAL, None), declared.chip(note, "read", _CHIPS)]
        self.inspector.set_header(note.text("title"), f"to {declared.whose(note)}", *chips)
        message = note.text("message")
        fits = len(message) <= _MESSAGE and message.count("\n") <= _LINES and not has_long_word(message)
        self._message.setText(message.strip() and message if fits else "")
        self._message.setVisible(bool(self._message.text()))
        fields = [Field("Message", message or EMPTY)] if self._message.isHidden() else []
        for one in record.named:
            if one.title is not None:
                called = _CALLED[one.table]
                fields += [Field(called, one.title), Field(f"{called} id", one.id, mono=True)]
        shown_elsewhere = ("read", "title", "message", "type", "metadata")
        fields += declared.fields(self.context, note, without=shown_elsewhere)
        if self.leaving.is_told:
            fields.append(self.leaving.field(note["read"], note["created_at"]))
        metadata = note["metadata"]
        fields += [Field("Metadata", EMPTY)] if metadata == "" else []
        self.fields.set_fields(fields)
        self._metadata.setVisible(metadata is not None and metadata != "")
        self._metadata.set_json(None if metadata is None else str(metadata))

    def add_acts(self) -> None:
        add = self.commands.add
        add(acts.create_act(self, self._compose))
        read_all = self._read_all, self._refuse_all
        add(acts.list_act("read_all", "", Icon.READ, *read_all, short="Mark all"))
        opens = acts.record_act(_OPENS, self._opens_words, Icon.RUNS, self._open, self._refuse_open)
        add(replace(opens, short="Open"))
        for read, word, icon in ((True, "read", Icon.READ), (False, "unread", Icon.UNREAD)):
            run = partial(self._mark, read)
            refusal = partial(self.selection.refusal_to_set, "read", read, "Already marked")
            said = partial(acts.words_to_set, self, f"Mark {word}", "read", read, f"Mark {{}} {word}")
            short = "" if read else "Unread"
            add(acts.record_act(f"mark_{word}", said, icon, run, refusal, short=short))
        without = partial(self.context.without, NOTIFICATIONS.name)
        add(ActionSpec("groups", "", Icon.TREE, self._turn_groups, without, checked=self._has_groups))
        self.filters.add_trailing(framed_button(self.commands.action("groups")))
        add(acts.delete_act(self, lambda: notifications.delete, "title"))
        self.letters = ByLetters(self.table)
        for name, go in (
            ("next", self.letters.go_on),
            ("previous", self.letters.go_back),
            ("pick", self.letters.pick),
        ):
            add(ActionSpec(name, "", None, go, self._refuse_to_go, of_table=True))
        self.commands.divide_before(_OPENS, "delete", "next")
        self.commands.pressed.connect(self._go_on)

    def _compose(self) -> None:
        from app.ui.tabs.notifications.composing import ComposeDialog  # noqa: PLC0415 - rows show before

        types = [one for one in self.facets.offered("type") if isinstance(one, str) and one]
        ComposeDialog(self.context, self.scope.tenant_id, types, self).open_once()

    # groups

    def before_rows(self) -> QWidget:
        self._place_of_groups = QWidget()
        self._place_of_groups.hide()
        return self._place_of_groups

    def beside_rows(self, side: QWidget, rows: QWidget) -> QWidget:
        settings = self.context.settings

        def keep(width: int) -> None:
            settings.groups_width = width

        self._both = SidePane(side, rows, load=lambda: settings.groups_width, save=keep)
        return self._both

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit_groups()

    def fold_as_chosen(self) -> None:
        """With the groups beside the list a narrow window has no room for the inspector, too."""
        super().fold_as_chosen()
        if self._has_groups() and self.is_narrow:
            self.fold(True)

    def fold(self, folded: bool) -> None:
        """Where a person wants the inspector in a narrow window all the same, it has the groups' place."""
        super().fold(folded)
        self._place_groups()

    def _place_groups(self) -> None:
        shown = self._groups_on and (self._master_detail.is_folded or not self.is_narrow)
        if not shown and self._place_of_groups.isAncestorOf(QApplication.focusWidget() or self):
            self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._place_of_groups.setVisible(shown)
        self._fit_groups()
        self._say_group()

    @cached_property
    def _group_chip(self) -> tuple[ElidedButton, QWidget]:
        """And its line above the rows, as of what else narrows them."""
        chip, line = ElidedButton(self.context.theme, "", Icon.CLOSE), QWidget()
        chip.clicked.connect(self._let_group_go)
        in_row(chip, None, within=line)
        self.filters.add_chips(line)
        return chip, line

    def _say_group(self) -> None:
        """Which one narrows the list while the inspector has the groups' place: a click takes it away."""
        name = "" if self.groups is None or not self._has_groups() else self.groups.name()
        is_hidden = not name or not self._place_of_groups.isHidden()
        if is_hidden and "_group_chip" not in vars(self):
            return
        chip, line = self._group_chip
        chip.set_words(f"Group: {name}")
        line.setHidden(is_hidden)

    def _let_group_go(self) -> None:
        if self.groups is not None and self.groups.let_go():
            self.filters_changed()
        self.table.setFocus(Qt.FocusReason.OtherFocusReason)
        self._say_group()

    def _fit_groups(self) -> None:
        if self.groups is not None:
            self._both.fit(self.groups.wanted_in(self.width()))

    def _has_groups(self) -> bool:
        return self._groups_on

    @property
    def _grouped_by(self) -> str:
        """The column; empty while no groups are shown."""
        return self.groups.column if self.groups is not None and self._has_groups() else ""

    def _turn_groups(self) -> None:
        """Shows the groups beside the list, or no more: then it is of all of them again."""
        if self._groups_on and self._place_of_groups.isHidden() and self.groups is not None:
            self.fold(True)
            self.groups.table.setFocus()
            return
        shown = self._groups_on = not self._groups_on
        self.context.settings.groups_shown = shown
        if self.groups is None:
            from app.ui.tabs.notifications.groups import GroupsPanel  # noqa: PLC0415 - rows show before

            self.groups = GroupsPanel(self.context, lambda name: self.context.cannot_write)
            self.groups.chosen.connect(self.filters_changed)
            self.groups.act_wanted.connect(self._act_on_group)
            self.groups.entered.connect(self.list.enter)
            self.groups.grouped_by.connect(self._let_give_way)
            in_column(self.groups, within=self._place_of_groups)
        self.fold_as_chosen()
        self._place_groups()
        self._let_give_way()
        self.commands.update()
        if not shown:
            self.take_focus()
            if self.groups.let_go():
                self.filters_changed()
        elif self.list.shown is not None:
            self.groups.count(self._ungrouped())
            self.groups.table.setFocus()

    def _ungrouped(self) -> ListQuery:
        """What the filters keep, of whatever group."""
        asked = self.query()
        return asked if self._group_choice() is None else replace(asked, choices=asked.choices[:-1])

    def _group_choice(self) -> ColumnChoice | None:
        return self.groups.choice if self.groups is not None and self._has_groups() else None

    def narrowed(self, query: ListQuery) -> ListQuery:
        own = self._group_choice()
        return query if own is None else replace(query, choices=(*query.choices, own))

    def clear_filters(self) -> None:
        had_group = self.groups is not None and self.groups.let_go()
        super().clear_filters()
        if had_group:
            self.filters_changed()
            self._say_group()

    def hear(self, change: Change, initiator: object) -> None:
        """What was marked read stays in its group, which has fewer unread then. An undo of what was done to a
        whole group leads back to it.
        """
        ids = change.ids.get(NOTIFICATIONS.name, frozenset())
        if initiator is self and self._acting_on is not None:
            self._dealt_with, self._acting_on = (ids, self._acting_on), None
        elif initiator is self.context.history and self.groups is not None and self._has_groups():
            acted, of = self._dealt_with
            if of is not None and ids == acted:
                self.groups.go_back_to(of)
        super().hear(change, initiator)
        if NOTIFICATIONS.name in change.tables and self._has_groups() and not self._stale and self.groups:
            self.groups.count(self._ungrouped(), changed=True)

    def reload(self) -> None:
        if self.groups is not None and self.list.taking is not Taking.HELD:
            self.groups.forget()
        super().reload()

    def _begin_another(self) -> None:
        self._acting_on = None

    def _act_on_group(self, name: str) -> None:
        """Does it to all that the list shows of the group, as soon as it does: one act, and one Undo."""
        asked = self.query()

        def act() -> None:
            if self.list.shown == asked == self.query() and self.model.rowCount():
                self.table.selectAll()
                self.commands.trigger(name)
                self._acting_on = self._group_choice()  # until another act begins, this one declined or not

        if self.list.shown == asked:
            act()
        else:
            self.list.loaded.connect(lambda _: act(), Qt.ConnectionType.SingleShotConnection)

    def no_match(self) -> tuple[str, str]:
        return _NONE_UNREAD if self._shows_unread_alone() else super().no_match()

    def clear_words(self) -> str:
        return _SHOW_ALL if self._shows_unread_alone() else super().clear_words()

    def _shows_unread_alone(self) -> bool:
        """Whether nothing else is looked for."""
        asked = self.query()
        return asked.choices == (_UNREAD,) and not replace(asked, choices=()).filtered

    def _remember_view(self) -> None:
        self.context.settings.unread_alone = self.facets.chosen().get("read") == _UNREAD[1]

    def _leave_empty_inbox(self) -> None:
        if self.clear_button.text() == _SHOW_ALL:
            self._remember_view()

    def show_acts_of_many(self) -> None:
        for name, shown in ((_OPENS, False), ("mark_read", True), ("mark_unread", True)):
            self.commands.show_button(name, shown)

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        return super().shows_any_of(tables) or not _NAMED_IN.isdisjoint(tables)

    def _opens_words(self) -> str:
        detail: NotificationDetail | None = self.current.whole()
        opened = None if detail is None else detail.opened
        return f"Open {'run' if opened is None else opened.table.noun[0]}"

    def _open(self) -> None:
        def show(detail: NotificationDetail) -> None:
            opened = detail.opened
            if opened is not None and opened.title is not None:
                self.jump.emit(opened.table.name, opened.id)

        self.current.when_whole(show)

    def _refuse_open(self) -> str | None:
        refusal, detail = self.selection.refusal(single=True, writes=False), self.current.whole()
        if refusal is not None or detail is None:
            return refusal
        if detail.opened is None:
            return "This notification names no run, user or webhook."
        gone = f"Its {detail.opened.table.noun[0]} is no longer in this database."
        return gone if detail.opened.title is None else None

    def _refuse_to_go(self) -> str | None:
        return None if self.model.rowCount() else "No notification is shown."

    def _go_on(self, name: str) -> None:
        """From a row that its letter has marked read to the next one; several are dealt with at once."""
        if name == "mark_read":
            self.letters.let_be()
            if self.list.selected_count() == 1:
                self.letters.go_on()

    def _mark(self, read: bool) -> None:
        """Where the filter drops the rows marked, what comes after them is selected: for triage by key."""
        word = "read" if read else "unread"
        verb, done = f"Mark {{}} as {word}", f"marked {word}"
        acts.set_on_selected(self, notifications.mark, {"read": read}, verb=verb, done=done, entry_each=False)

    def _read_all(self) -> None:
        """Asks first, and freezes what the answer is about before asking."""
        query, keys = self.list.all_keys()
        rows = self.context.rows_of(query.table, query.scope) if keys is None else len(keys)
        known, seen = self.list.known(), self.selection.seen()

        def unread(database: Database) -> acts.Frozen:
            lists = self.context.lists
            there = lists.load_keys(database, query) if keys is None else keys
            return _unread(database, Chosen(lists, query, there, known), seen)

        turns, runner = self.context.turns, self.context.runner
        turn = turns.take()

        read = partial(
            runner.read,
            unread,
            on_done=lambda found: turns.give(turn, partial(self._confirm_all, found)),
            on_failed=lambda error: turns.drop(turn, partial(runner.failed.emit, error)),
        )
        self.context.when_agreed(READ_EACH * rows, read, self, partial(turns.drop, turn))

    def _confirm_all(self, unread: acts.Frozen) -> None:
        act = partial(self.act, notifications.mark, unread.ids, read=True, seen=unread.seen)
        if len(unread.ids) == 1:
            act()
            return
        count, noun = len(unread.ids), "notification"
        whose = counted(unread.tenants, "tenant") if self.scope.tenant_id is None else self.scope.tenant_id
        is_most = count == self.context.opened.database.most_at_once
        rest = (
            "That is the limit for one action; repeat it for the rest"
            if is_most
            else "What arrives meanwhile stays unread"
        )
        acts.ask_about(
            self,
            unread,
            act,
            f"Mark {counted(count, noun)} as read?",
            f"{counted(count, f'unread {noun}')} of {whose} shown now will be marked read. "
            f"{rest}. This can be undone.",
            action=f"Mark {count:,} as read",
            listed="What is marked read",
            danger=False,
        )

    def _refuse_all(self) -> str | None:
        return self.context.cannot_write or self._refuse_to_go()


def _title_tone(value: Any, row: Row) -> Tone | None:
    return Tone.ACCENT if flag(row[_READ]) is False else None


def _unread(database: Database, chosen: Chosen, seen: InSight) -> acts.Frozen:
    """Raises `NothingToDo` when all of them are read."""
    flags = {"read": True}
    unread, _ = acts.not_so(database, chosen, flags=flags, seen=seen, entry_each=False, all_of_them=False)
    if not unread.ids:
        raise NothingToDo("All notifications shown are marked read already.")
    return unread
