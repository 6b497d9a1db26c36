"""What others have written to the list in sight: how many rows are new, and the way to them."""

from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QPushButton

from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import Newer
from app.services.text import counted
from app.ui.tabs.common.list_controller import Taking
from app.ui.theme import Icon
from app.ui.widgets.actions import ActionSpec
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import set_tip

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

NEW_ROWS = "new_rows"
_KEYS, _ABOUT = "Ctrl+J", "Go to what is new"
_OTHERS, _READ = "Others have written", "Read again what others have written"
_SHOW = "Show what others have written"
_OF_NEW = f"Others have added them; {_KEYS} goes to the newest."
_OF_OTHERS = f"The rows in sight stayed where they were; {_KEYS} shows the list as it is."


class NewRows(QObject):
    """`NewRows(tab)`: its `button` says "3 new" over the list, which stays where it is; a click or Ctrl+J
    goes to the newest of them, and once that is in sight none is new any more. Where nothing is new but
    others have changed what is in sight, it says that, and shows the list as it is. Where each row that is
    read is charged it says that others have written, and leads to reading that: `read_wanted`; and how many
    rows are new above, where they have come with another reading.
    """

    read_wanted = Signal()

    def __init__(self, tab: "RecordTab") -> None:
        super().__init__(tab)
        self._tab = tab
        self._of: ListQuery | None = None
        self._newest: int | None = None
        """What comes behind this one is counted; up to it there are `_before` that nobody has seen."""
        self._latest, self._before = 0, 0
        self._new_key: Key | None = None
        self._awaited: tuple[Key, object] | None = None
        """Where the person goes once the list has it, and the record that was current when they said so."""
        self._top: Key | None = None
        """The first row when they asked to read what others have written."""
        self._first: Key | None = None
        self._was_at_top, self._above = False, 0
        """The first row when others wrote, whether it was in sight, and how many came above it since."""
        self.count = self._at = 0
        self.behind = _OTHERS
        """What is said where nothing is new, but rows in sight are elsewhere in the list by now."""
        self._shown: str | None = None
        """What the button says, where it shows."""
        costs = tab.context.costs
        self._icon = Icon.REFRESH if costs else Icon.CARET_UP
        self._act, about = (self._read, _READ) if costs else (self.go, _ABOUT)
        spec = ActionSpec(NEW_ROWS, self._words, self._icon, self._act, self._refuse, _KEYS, about=about)
        tab.commands.add(spec)
        if costs:
            place = tab.context.opened.place
            self._to_place = f"To {place}; what is shown is as it was read. {_KEYS} reads it again."
            tab.list.loaded.connect(self._was_read)
            tab.list.kept.connect(self._show_read)
            tab.table.verticalScrollBar().valueChanged.connect(self._scrolled)
        else:
            tab.list.loaded.connect(self._listed)
            tab.list.painted.connect(self._look_in_sight)
            tab.list.all_taken.connect(self._taken)
            tab.table.verticalScrollBar().valueChanged.connect(self._look_in_sight)

    @cached_property
    def button(self) -> QPushButton:
        """Made when it is first to show: a tab has its rows sooner without it."""
        theme = self._tab.context.theme
        button = push_button(theme, _OTHERS, self._act, icon=self._icon)  # with words, as it will have
        button.setIcon(theme.icon(self._icon, "accent"))
        button.hide()
        self._tab.table.set_floating(button)
        return button

    def written(self) -> None:
        """Others have written to a database where to read again costs something: what is read from now on
        has it. It is not offered where a person waits for that reading already.
        """
        self._at, _ = self._tab.readings()
        if self.count == 0:
            self._was_at_top = self._tab.table.verticalScrollBar().value() == 0
            if not self._above:
                self._first = self._tab.model.key(0)
            self.count = 1
            if self._tab.list.taking is Taking.REFRESHED:
                return
            announce(
                self._tab.table, f"{_OTHERS} to {self._tab.context.opened.place}. {_KEYS} reads it again."
            )
            self._show_read()

    def _was_read(self, total: int) -> None:
        """What others have written is seen once all is read again, which may fail, or nobody agrees to."""
        _, came = self._tab.readings()
        if self.count and came > self._at:
            self.count = 0
            if self._top is not None and self._tab.model.key(0) != self._top:
                self._tab.table.scrollToTop()
            is_wanted, self._top = self._top is not None, None
            self._above = 0 if is_wanted else self._rows_above()
            self._show_read()

    def _rows_above(self) -> int:
        """How many have come out of sight above those that were read before."""
        first = max(0, self._tab.table.rowAt(0))
        if first and not self._was_at_top:
            found = None if self._first is None else self._tab.model.row_of_key(self._first)
            return min(first, found or 0)
        return first

    def _scrolled(self, to: int) -> None:
        if to == 0 and self._above:
            self._above = 0
            self._show_read()

    def _show_read(self) -> None:
        if self._above and not self.count:
            self._show_button(f"{self._above:,} new", f"{_KEYS} goes to the newest.")
        elif self.count:
            self._show_button(_OTHERS, self._to_place, f"{_OTHERS}: read again")
        else:
            self._show_button(None)

    def _read(self) -> None:
        self._tab.table.setFocus()
        if self._above and not self.count:
            self._tab.table.select_row(0)
            self._tab.table.scrollToTop()
            return
        self._tab.list.holds_top = False  # what is new there is what they ask for
        self._top = self._tab.model.key(0)
        self.read_wanted.emit()

    def go(self) -> None:
        """Selects the newest of them. They may be counted before the list has them: as soon as it has, then,
        unless the person has gone elsewhere by then.
        """
        key = self._new_key if self.count else None
        if key is not None or self._tab.list.is_behind:
            self._tab.table.setFocus()  # now: later it would take it from where the person writes
        self._tab.list.catch_up()
        self.forget()
        if key is not None and not self._select(key):
            self._awaited = key, self._tab.list.current_id()

    def _select(self, key: Key) -> bool:
        row = self._tab.model.row_of_key(key)
        if row is not None:
            self._tab.table.select_row(row)
        return row is not None

    def forget(self) -> None:
        """They have been seen, or are no more those of the list."""
        self.count, self._before, self._awaited = 0, 0, None
        if self._newest is not None:
            self._newest = max(self._newest, self._latest)
        self._show()

    def _taken(self) -> None:
        """All rows are selected, those that are new among them: that is said, and none is new any more."""
        if self.count:
            said = counted(self.count, *self._tab.spec.table.noun)
            are = "is" if self.count == 1 else "are"
            self.forget()
            self._tab.context.say(f"{said} that others have added {are} selected, too")

    def look(self) -> None:
        """Others have written to the file: counts what is new."""
        shown, after = self._tab.list.shown, self._newest
        if shown is not None and after is not None and _rows_of(shown) == self._of:
            read = partial(self._tab.lists.newer, query=shown, after=after)
            done = partial(self._came, _rows_of(shown), after)
            self._tab.context.runner.read(read, on_done=done, on_failed=lambda error: None)

    def _look_in_sight(self) -> None:
        """Those that one sees are not new any more: the newest is what the button would lead to."""
        key, table, model = self._new_key, self._tab.table, self._tab.model
        if self.count and key is not None and any(model.key(row) == key for row in table.rows_in_sight()):
            self.forget()

    def begin(self) -> None:
        """What is there now is not new: it was read, or the person has added it."""
        shown = self._tab.list.shown
        if shown is None or self._tab.context.costs:
            return

        def found(newest: int | None) -> None:
            self._newest, self._latest, self._before = newest, newest or 0, self.count

        read = self._tab.lists.newest
        self._tab.context.runner.read(read, shown, on_done=found, on_failed=lambda error: None)

    def _listed(self, total: int) -> None:
        self._show()
        shown = self._tab.list.shown
        if shown is not None and _rows_of(shown) != self._of:
            self._of = _rows_of(shown)
            self.forget()
            self.begin()
        elif self._awaited is not None:
            key, current = self._awaited
            if self._tab.list.current_id() != current or self._select(key):
                self._awaited = None

    def _came(self, of: ListQuery, after: int, found: Newer) -> None:
        if of == self._of and after != self._newest:  # these were seen meanwhile
            self.look()
        elif of == self._of:
            self._latest = found.newest or 0
            self._newest = min(after, self._latest)  # a number may be given again
            self._tell(self._before + found.count, found.key)

    def tell(self, found: Newer) -> None:
        """So many more have come."""
        self._before += found.count
        self._tell(self._before, found.key)

    def _tell(self, count: int, key: Key | None) -> None:
        before, self.count = self.count, count
        self._new_key = key if key is not None or not count else self._new_key
        if count != before:
            self._show()
            self._look_in_sight()
        if self.count > before:
            said = counted(count, *self._tab.spec.table.noun)
            announce(self._tab.table, f"{said} new. {_KEYS} goes to the newest.")

    def _show(self) -> None:
        if self._tab.context.costs:
            return
        if self.count:
            self._show_button(f"{self.count:,} new", _OF_NEW)
        else:
            self._show_button(self.behind if self._tab.list.is_behind else None, _OF_OTHERS)

    def _show_button(self, words: str | None, tip: str = "", name: str = "") -> None:
        """With these words and, for a screen reader, this name, or the same; with None it goes."""
        if words == self._shown:
            return
        self._shown = words
        if words is not None:
            self.button.setText(words)
            self.button.setAccessibleName(name or words)
            set_tip(self.button, tip)
        elif self.button.hasFocus():
            self._tab.table.setFocus()
        self.button.setVisible(words is not None)
        self._tab.table.place_floating()
        self._tab.commands.update()

    def _words(self) -> str:
        if self._tab.context.costs and not self._above:
            return _READ
        return f"Go to {self._above:,} new" if self._above else self._words_of_count()

    def _words_of_count(self) -> str:
        if self._tab.list.is_behind and not self.count:
            return _SHOW
        return f"Go to {self.count:,} new" if self.count else _ABOUT

    def _refuse(self) -> str | None:
        done = "written" if self._tab.context.costs else "added any"
        is_there = self.count or self._above or self._tab.list.is_behind
        return None if is_there else f"Nobody else has {done} since."


def _rows_of(query: ListQuery) -> ListQuery:
    """The same in any order and with any columns, whatever the clock has made of "Last 7 days" since."""
    since, until = (None if bound is None else 0 for bound in (query.since, query.until))
    return replace(query, sort=None, descending=False, since=since, until=until, extra=())
