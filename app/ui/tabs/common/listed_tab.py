"""Which rows a tab lists, what reading them costs, and what is read again when something has changed."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QPushButton, QWidget

from app.services.records.change import Change, all_leave, effect_on
from app.services.records.list_query import ListQuery
from app.services.records.lists import MOST_KEYS, Lists
from app.services.records.rows import RowChange
from app.services.records.tables import EVERYONE
from app.services.text import counted
from app.ui.session.lock import ANOTHER
from app.ui.tabs.common.facets import ExactFilters, Facets
from app.ui.tabs.common.inspected_tab import InspectedTab
from app.ui.tabs.common.new_rows import NewRows
from app.ui.tabs.common.view_picker import ViewPicker
from app.ui.theme import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.filter_row import AT_MOST, FilterValues
from app.ui.widgets.labels import Label
from app.ui.widgets.panes import EmptyState
from models.engine import AT_ONCE
from models.errors import Cancelled, DamagedFile, TableMissing, TenantAdminError, TokenRefused

_MOST_BACK = 1_000
"""Records that an undo has put back are selected again, as far as they are no more than these; and so many of
those that a form has made are looked for."""
_NOT_READ = "These rows are read when you agree to what that reads."
_CHARGED = "Each row that is read is charged. "
_ENTER = "Press Enter in the filter to read them."
_AGAIN = "New and changed rows appear in order after a refresh"
_OF_A_TENANT = f"{_ENTER} Or choose a tenant in the tool bar, to read its rows alone."


class ListedTab(InspectedTab):
    """The part of `RecordTab` that its rows are about."""

    way_out: tuple[str, Callable[[], object]] | None = None
    _door: Callable[[], object] | None = None
    """What the button does that leads out of where nothing can be shown."""
    _says_none_there = False
    """Whether the list would say, where it is empty, what that means without a filter."""
    lists: Lists
    facets: Facets
    exact: ExactFilters
    view_picker: ViewPicker
    new_rows: NewRows
    empty_state: EmptyState
    clear_button: QPushButton
    again_button: QPushButton
    door_button: QPushButton
    read_button: QPushButton
    as_added_button: QPushButton
    price: QWidget
    price_label: Label
    asks_first: bool
    _has_unseen: bool
    sorted_by: tuple[str, bool] | None
    _offered: list[str]
    _stale: bool
    _uncounted: ListQuery | None
    _announced: tuple[ListQuery, str] | None
    _wanted_record: object
    _put_back: object
    _made: Change | None
    """What a form has made of several records, until the list has them."""
    _made_one: Change | None = None
    """The last act, where it made the record that is wanted."""
    _left_at: set[object]
    _said_left: object = None
    _is_read_since = True
    """Whether the record that is shown was read since others have written."""

    def read_beside(self, query: ListQuery) -> None:
        """Reads what else the tab shows of the rows that the filters keep."""

    def narrowed(self, query: ListQuery) -> ListQuery:
        """The query with what else the tab keeps rows by."""
        return query

    def lists_of_tenants(self) -> bool:
        """Whether each tenant has a list of its own here."""
        stored = self.context.opened.schema.stored.get(self.spec.table.name)
        return stored is not None and self.spec.table.has_tenants(stored)

    def no_match(self) -> tuple[str, str]:
        """Title and sentence where the filters leave no row."""
        return "No match", f"No {self.spec.table.noun[0]} matches these filters."

    def none_there(self) -> tuple[str, str]:
        """The same of a list without filters."""
        return self.spec.empty

    def say_none_there(self) -> None:
        """Again, where the list is empty and that means something else by now."""
        if self._says_none_there:
            title, sentence = self.none_there()
            can_ask = self.spec.invites and not self.context.lock.is_locked
            refused = self.commands.refusal("create") if can_ask else None
            self.empty_state.set(self.spec.icon, title, refused or sentence)

    def clear_words(self) -> str:
        """What the button says then that takes the filters away."""
        return "Clear filters"

    def shows_any_of(self, tables: frozenset[str]) -> bool:
        """Whether a change of these tables may change what it shows."""
        return self.spec.table.name in tables

    def query(self) -> ListQuery:
        values = self.filters.values()
        settings = self.context.settings
        since, until = values.dates.bounds(self.context.clock(), settings.utc_times)
        sort, descending = self.sorted_by or (None, False)
        found = ListQuery(
            table=self.spec.table.name,
            scope=self.scope,
            text=values.text,
            choices=(*sorted(self.facets.chosen().items()), *self.exact.choices()),
            since=since,
            until=until,
            sort=sort,
            descending=descending,
            as_added=self._is_long,
        )
        found = self.narrowed(found)
        own = (self.spec.table.sort, self.spec.table.descending)
        if found.as_added and self.sorted_by == own and not found.filtered:
            return replace(found, sort=None, descending=False)  # of so many that is the order of adding
        return found

    def filters_changed(self) -> None:
        """Reads what is asked for now; the person looks for something else than before."""
        self._wanted_record = self._edited = None
        self._read()

    def activate(self) -> None:
        """Called when the tab is looked at: reads what is out of date."""
        if self._stale and self.isVisibleTo(self.window()):
            self._stale = False
            self.reload()
        if self.isVisibleTo(self.window()):
            self.current.try_again()

    def readings(self) -> tuple[int, int]:
        """How many readings of all that it lists have begun, and which of them has come last."""
        return self.list.begun, self.list.came

    def reload(self) -> None:
        """Reads again, keeping selection, scroll position, order and filters."""
        self._read()
        if self.asks_first:
            self.list.model.reload()
        self.current.reload()

    def set_filter_text(self, text: str) -> None:
        had_chips = self.exact.clear()
        self.filters.set_values(replace(FilterValues(), text=text))
        if had_chips:
            self.filters_changed()

    def take_focus(self) -> None:
        """Gives it to the rows, or to what stands in their place."""
        self.table.setFocus()

    def find_words(self) -> None:
        """Gives the focus to where words are looked for."""
        self.filters.focus_text()

    def clear_filters(self) -> None:
        self.set_filter_text("")

    def hear(self, change: Change, initiator: object) -> None:
        """Reads again what a change touched of what it shows; out of sight, when it is looked at."""
        self._made_one = None
        own = change.by_table.get(self.spec.table.name, ())
        only_edited = own and not change.added[self.spec.table.name]
        if self.spec.table.name in change.tables and not only_edited:
            self.new_rows.begin()
        elif any(row.after is None for row in own):
            self.new_rows.look()  # their numbers may be given again, to what others add
        self.selection.outdate(change.ids.get(self.spec.table.name, frozenset()))
        is_bulk, shown_id = self.spec.table.name in change.bulk, self.current.record_id
        if is_bulk or any(row.after is None and row.record_id == shown_id for row in own):
            self.current.let_go()
        if self._stale or not self.shows_any_of(change.tables):
            return
        is_own = self.spec.table.name in change.tables
        if not is_own or not (self.isVisibleTo(self.window()) or self._is_dear):
            self._stale = True
            self.activate()
            return
        shown = self.list.shown
        query = shown if self.asks_first and shown is not None else self.query()
        effect = effect_on(query, change)
        taken_back = initiator is self.context.history and self._taken_back(own)
        if effect.moves:
            self.list.asked()
            by_form = initiator is None and effect.touches(self.current.record_id)
            by_history = initiator is self.context.history and bool(self.table.selected_ranges())
            # What was changed, and is no more in the list, is not to be followed by one that a key hits then.
            is_edited = (by_form or by_history) and any(row.after is not None for row in own)
            self._edited = self.current.record_id if is_edited else None
            if initiator is self or ((by_form or by_history) and not is_edited):
                self.selection.go_on()
            if initiator is None and len(own) == 1 and own[0].before is None:
                self._wanted_record = own[0].record_id  # made in a form, and what one wants to see
                self._made_one = change if change.undoable else None
                at = self.window().focusWidget()
                if isinstance(at, QPushButton) and self.isAncestorOf(at):  # which would make another one
                    self.take_focus()
            are_new = len(own) == change.added.get(self.spec.table.name, 0) > 1
            self._made = change if initiator is None and change.undoable and are_new else None
            if self._made is not None and (made := self._taken_back(own)):
                self._leave_to_undo()
                self._put_back = made
            if taken_back:
                self._put_back = taken_back
            if self._is_dear:
                self._amend(change, own)
            elif not (query == shown and all_leave(query, change) and self._take_out(own)):
                self.list.show(query)
            self.read_beside(query)
        elif effect.records:
            self.list.model.reload_records(effect.records)
            if taken_back:
                self._jump_back(taken_back)
        self.facets.count(query, [name for name in self._offered if effect.moves or name in effect.columns])
        if effect.touches(self.current.record_id):
            self.current.reload()

    def changed_outside(self) -> None:
        """Called when somebody else has written to the file: what one reads stays where it is."""
        self.list.others_wrote()
        if self.context.costs:
            self.new_rows.written()
        else:
            if self.table.selectionModel().hasSelection():
                self._edited = self.current.record_id  # which goes where it is out of sight
            self._is_read_since = False
            self.new_rows.look()

    @property
    def _is_dear(self) -> bool:
        """Whether a person has to agree before the rows in sight are read again, or others in their place."""
        shown = self.list.shown
        return self._costs_much(self.query() if shown is None else shown)

    def _amend(self, change: Change, own: Sequence[RowChange]) -> None:
        """Takes out of the rows in sight those that went; more is read where a person agrees to it."""
        if self.list.shown is None:
            return
        self.list.take_out(lambda: [row.listed_by for row in own if row.after is None])
        are_known = all(row.after is None and row.listed_by is not None for row in own)
        self._has_unseen |= any(row.before is None for row in own)
        if not (own and are_known) or self.spec.table.name in change.bulk:
            self._ask_to_read(self.query())

    def _take_out(self, own: Sequence[RowChange]) -> bool:
        """Where reading costs and these are at hand, that they go needs none; whether they were taken out.
        Not while a reading is on its way, which may have been asked before they went.
        """
        gone = self.list.model.keys_of({row.record_id for row in own})
        is_up_to_date = self.list.begun == self.list.came
        are_known = self.context.costs and is_up_to_date and len(gone) == len(own)
        if are_known:
            self.list.take_out(lambda: gone)
        return are_known

    @property
    def _is_long(self) -> bool:
        """Whether its keys are too many to be read at once, each row that is read being charged."""
        return self.context.costs and self.context.opened.sizes.get(self.spec.table.name, 0) > MOST_KEYS

    def _read(self, *, agreed: bool = False) -> None:
        """Where that may be many rows, and each is charged, a person is asked first."""
        query = self.query()
        self.view_picker.tell()
        self.asks_first = self._costs_much(query) and not agreed
        self._uncounted = None if self.asks_first else query
        self.facets.expect(query, self._offered)
        if self.asks_first:
            self._ask_to_read(query)
            return
        self.price.hide()
        self._has_unseen = False
        if agreed and not self.model.rowCount():  # an answer may take its time
            self._show_reading()
        self.list.show(query)
        self.read_beside(query)

    def _show_reading(self) -> None:
        self._show_none(self.spec.icon, "Reading…", f"{self.context.opened.place} is asked for these rows.")

    def _ask_to_read(self, query: ListQuery) -> None:
        self.asks_first, is_again = True, query == self.list.shown
        rows = counted(self._reads(query), "row")
        by = ""
        if query.sort is not None and not is_again:
            title = self.model.columns[self.model.column_of(query.sort)].title
            by = f", by {title}{', descending' if query.descending else ''}"
        self.read_button.setText(f"{'Read again: up' if is_again else 'Read up'} to {rows}{by}")
        narrows = self.scope == EVERYONE and self.lists_of_tenants()
        charged, ways = self.context.charged, _OF_A_TENANT if narrows else _ENTER
        again = f"{_AGAIN}{charged('; each is charged')}."
        self.price_label.setText(again if is_again else f"{charged(_CHARGED)}{ways}")
        self.as_added_button.setText(self._order_of_adding().capitalize())
        self.as_added_button.setVisible(query.as_added and query.sort is not None)
        self.price.show()
        is_cleared = self.list.clear_unless(query)
        if is_cleared:  # rows of another tenant or filter would be acted upon
            self._show_unread(query)
        self.list.show_order(query if is_cleared else None)

    def _show_as_added(self) -> None:
        """Gives the order up that would be read: that of adding comes page by page."""
        self.sorted_by = None
        self._read()

    def _order_of_adding(self) -> str:
        return "last added first" if self.spec.table.descending else "first added first"

    def _show_unread(self, query: ListQuery) -> None:
        self._show_none(self.spec.icon, "Not read yet", _NOT_READ, clearable=query.filtered)

    def _costs_much(self, query: ListQuery) -> bool:
        """Whether so many rows are read for it that a person has to agree; each page of a list in the order
        in which its rows were added is read by itself.
        """
        is_by_pages = query.as_added and query.sort is None and not query.filtered
        return not is_by_pages and self.context.is_much(self._reads(query))

    def _reads(self, query: ListQuery) -> int:
        return self.lists.reads(query, self.context.rows_of(query.table, query.scope))

    def _leave_filters(self, by_return: bool, changed: bool) -> None:
        if not (self.asks_first and by_return):
            self.list.enter()
        elif not changed:  # else the price shows since this very key
            self._read(agreed=True)

    def _sort_by(self, column: str, descending: bool) -> None:
        if self.asks_first and self.sorted_by == (column, descending):
            descending = not descending  # the header shows the order that the rows have, and cannot turn it
        self.sorted_by = column, descending
        self._read()

    def _loaded(self, total: int) -> None:
        which = "readable" if self.list.partly else AT_MOST if self.model.estimated else ""
        shown, _ = self.list.all_keys()
        is_as_added = shown.as_added and shown.sort is None
        self.filters.set_count(total, which, self._order_of_adding() if is_as_added and total > 1 else "")
        if self.list.partly is None:
            self.list.show_order()
        if not (shown.filtered or self.model.estimated):
            self.context.know_rows(shown.table, shown.scope, total)
        if self.list.partly:
            self.context.meet_damage()
        filtered = self.query().filtered
        self._says_none_there = False
        if filtered:
            self.empty_state.set(Icon.SEARCH, *self.no_match())
            self.clear_button.setText(self.clear_words())
            self.clear_button.setAccessibleName(self.clear_words())
        else:
            self._says_none_there = True
            self.say_none_there()
        self.clear_button.setVisible(filtered)
        self.again_button.hide()
        self.door_button.hide()
        self.table.set_empty_state(self.empty_state)
        if self._has_unseen and not total:
            self._show_unread(self.query())
            return
        if self.table.selectionModel().hasSelection():
            self._edited = None
            self._say_left()
        is_empty = self.model.rowCount() == 0  # what others took out of the list may be in sight
        if (is_empty and not self.selection.gone) or self.inspector.is_empty:
            self.inspector.show_empty(of_none=is_empty, gone=self._edited is not None)
        self.commands.update()
        self._announce_rows(replace(shown, sort=None, descending=False, as_added=False), total)
        wanted, self._wanted_record = self._wanted_record, None
        put_back, self._put_back = self._put_back, None
        made, self._made = self._made, None
        if made is not None and shown.filtered and not self.context.costs:
            self._look_for(made, shown)
        if wanted is not None:
            self.list.jump(wanted, on_missing=partial(self._not_in_list, wanted))
        elif put_back is not None:  # where the filters hide it, they stay
            self._jump_back(put_back)

    def _say_left(self) -> None:
        """Why the record that is being read is pale: once, and when it is known to be there."""
        if not self._is_read_since:
            return
        has_left, record_id = self.model.has_left(self.table.chosen().row()), self.list.current_id()
        if has_left and record_id != self._said_left:
            self.context.say("Changed by another program; it no longer matches the filter")
        self._said_left = record_id if has_left else None

    def _came_again(self) -> None:
        self._is_read_since = True
        self._say_left()

    def _look_for(self, made: Change, shown: ListQuery) -> None:
        """Says how many of those that were just made the filters hide, and leads to them."""
        ids = [row.record_id for row in made.by_table[self.spec.table.name]][:_MOST_BACK]

        def show() -> None:
            self._leave_to_undo()
            self.clear_filters()
            self._put_back = tuple(ids)

        def found(keys: Sequence[object]) -> None:
            hidden = len(ids) - len(keys)
            if hidden:
                which = (
                    "" if not keys else f"{hidden:,} of them " if len(ids) < _MOST_BACK else "some of them "
                )
                say = f"{made.told} · {which}not in this view"
                self.context.say(say, act=("Show", show), undoes=True)

        self.context.runner.read(self.lists.keys_of, shown, ids, on_done=found, on_failed=lambda error: None)

    def _announce_rows(self, kept: ListQuery, total: int) -> None:
        """What another filter or tenant leaves, or another order; of rows that come and go by themselves
        nobody is told.
        """
        order = self.table.said_order()
        before, self._announced = self._announced, (kept, order)
        if before is None or not self.isVisible():
            return
        if kept != before[0]:
            none = "" if total else self.empty_state.title.text()
            announce(self.table, ". ".join(filter(None, (self.filters.said(), none))))
        elif order != before[1]:
            announce(self.table, order or self.filters.said())

    def _taken_back(self, own: Sequence[RowChange]) -> object:
        """What an undo has put back: a record's id, or a tuple of several's; None where there is nothing to
        select of it.
        """
        if len(own) > (AT_ONCE if self.context.costs else _MOST_BACK):  # each is looked up
            return None
        back = tuple(row.record_id for row in own if row.after is not None)
        return back if len(back) > 1 else next(iter(back), None)

    def _jump_back(self, record_id: object) -> None:
        """Selects what was taken back, unless a person has selected something else meanwhile; of several
        also where several are selected, as an undo finds them whose rows have stayed.
        """

        def is_elsewhere() -> bool:
            several = isinstance(record_id, tuple) and self.list.selected_count() > 1
            return several or self.list.current_id() not in self._left_at

        if is_elsewhere():
            return
        if isinstance(record_id, tuple):
            self.list.choose_back(record_id, is_elsewhere)
        else:
            self._left_at.add(record_id)
            self.list.jump(record_id, unless=is_elsewhere)

    def _leave_to_undo(self) -> None:
        self._left_at = {None, self.list.current_id()}

    def _count_choices(self) -> None:
        if self._uncounted is not None:
            self.facets.count(self._uncounted, self._offered)
            self._uncounted = None

    def _not_in_list(self, record_id: object) -> None:
        if self.query().filtered:
            self._let_filters_go(record_id)
            self._wanted_record = record_id

    def _let_filters_go(self, record_id: object) -> None:
        """For a record, with a way back: they may have taken a while to set. Of one that was made just now
        the act and its Undo stay said.
        """
        values, exact = self.filters.values(), self.exact.choices()

        def filter_again() -> None:
            self.exact.clear()
            for column, kept in exact:
                self.exact.keep(column, kept)
            self.filters.set_values(values)

        had, made = self.query().filtered, self._made_one
        self.clear_filters()
        if had:
            again = "Filter again", filter_again
            if made is None or record_id not in made.ids.get(self.spec.table.name, ()):
                self.context.say("The filter hid this record, and is cleared", act=again)
            else:
                self.context.say(f"{made.told} · filter cleared", act=again, undoes=True)

    def _not_loaded(self, error: TenantAdminError) -> None:
        if isinstance(error, Cancelled):
            return
        if isinstance(error, DamagedFile):
            self.context.meet_damage()
        lacking = isinstance(error, TableMissing)
        title = "Not in this database" if lacking else "Cannot be shown"
        self._show_none(Icon.WARNING, title, str(error), again=error.is_retriable)
        if lacking and self.way_out is not None:
            self._lead_out(*self.way_out)
        elif isinstance(error, TokenRefused):
            self._lead_out(ANOTHER, self.context.token.wanted.emit)

    def _lead_out(self, words: str, act: Callable[[], object]) -> None:
        """By the button beside "Try again"."""
        self._door = act
        self.door_button.setText(words)
        self.door_button.setAccessibleName(words)
        self.door_button.show()

    def _show_none(
        self, icon: str, title: str, why: str, *, clearable: bool = False, again: bool = False
    ) -> None:
        """Says why there are no rows, which nobody has counted."""
        self.filters.set_count(None)
        self._says_none_there = False
        self.empty_state.set(icon, title, why)
        if self.isVisible():
            announce(self.table, f"{title}. {why}")
        self.clear_button.setVisible(clearable)
        self.again_button.setVisible(again)
        self.door_button.hide()
        self.table.set_empty_state(self.empty_state)
        self.inspector.show_empty(of_none=True)
        self.commands.update()
