"""Keeps one table on one list: its rows, its pages, and the counts behind its choices."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QAbstractItemView

from app.itemmodels.columns import Column, Row
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.keys import joined, places, without
from app.services.records.list_query import ColumnChoice, Key, ListQuery, Value
from app.services.records.lists import Counts, Keys, Listing, Lists, Page
from app.services.records.tables import Table, TableColumn
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label, extra_of, several
from app.ui.theme import Theme
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import FoldingChips
from app.ui.widgets.data_table import DataTable, HeldPainting
from app.ui.widgets.filter_row import FilterRow
from app.workers.runner import Task
from models.engine import Database
from models.errors import DamagedFile, TenantAdminError

REPAINT_MS = 60_000
OTHER = "other"
"""The key of the chip for values that are not known."""

MOST_RANGES = 500
"""Of a selection that stays in another order: with more of them Qt takes long to paint."""

_MOVED = "That was not done, as the list changed before all of it was read"
_UNREAD = "That was not done, as the list could not be read"


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Several selected rows by their keys, until their places in another order are known: the key of the
    current one, which is selected alone where they are too many to stay.
    """

    count: int
    keys: Keys
    current: Key | None


class ListController(QObject):
    """The list of `table`, shown in `view`; `model` holds its rows.

    `loaded(total)` after a list has been opened or refreshed, `painted()` when its rows have been drawn and
    more can be read without keeping anybody waiting, `failed(error)` when it could not be. Of a
    damaged table what can be read is shown, and `partly` is why that is not all; None as a rule. `lost()`
    when the record that was current is not in the list that was opened: Qt says nothing of a selection that
    ends with a model's reset.
    """

    loaded = Signal(int)
    painted = Signal()
    lost = Signal()
    failed = Signal(object)

    def __init__(
        self,
        context: Context,
        table: Table,
        columns: Sequence[Column],
        view: DataTable,
        parent: QObject,
        *,
        lists: Lists | None = None,
    ) -> None:
        """`lists` are those of the file, unless others are given."""
        super().__init__(parent)
        self._context = context
        self._lists = context.lists if lists is None else lists
        self.table = table
        self.view = view
        self._query: ListQuery | None = None
        self._shown: ListQuery | None = None
        self._wanted: object = None
        self._entering = False
        self._chosen: _Chosen | None = None
        self._tasks: list[Task] = []
        self._gone: list[Callable[[], Iterable[Key | None]]] = []
        """What gives the keys of rows that went and are still to be taken out."""
        self._awaiting: list[tuple[Callable[[], object], Callable[[str], object]]] = []
        self.is_cut_short = False
        """Whether its keys could not be read, and are read again when they are wanted."""
        self.extra = tuple(column.name for column in extra_of(context, table))
        """The columns that only the file has: they are read where they are in sight."""
        self.model = VirtualTableModel(columns, (*table.names, *self.extra), self._request_page, self)
        view.setModel(self.model)
        self.model.said_of_column = view.said_of_column
        HeldPainting(view, self.model)
        self._fitted = view.columns.restore()
        self._show_own_order()
        # "2 min ago" grows old by itself.
        self.partly: DamagedFile | None = None
        self.holds_top = False
        """Whether the row at the very top stays in sight, too, when the list is next refreshed."""
        self._painted = QTimer(self, singleShot=True, interval=0)
        self._painted.timeout.connect(self._read_rest)
        self._clock = QTimer(self, interval=REPAINT_MS)
        self._clock.timeout.connect(self.model.repaint)
        self._clock.start()
        self._read_extra_soon = QTimer(self, singleShot=True, interval=0)
        self._read_extra_soon.timeout.connect(self._read_extra)
        if self.extra:
            view.horizontalHeader().sectionResized.connect(self._resized)

    def _show_own_order(self) -> None:
        if self.table.sort in [column.name for column in self.model.columns]:
            order = Qt.SortOrder.DescendingOrder if self.table.descending else Qt.SortOrder.AscendingOrder
            self.view.show_order(self.model.column_of(self.table.sort), order)

    def show_order(self) -> None:
        """Points at the column that the rows in sight are in order of: at none where that is the order of
        adding, unless one numbers them.
        """
        shown = self._shown_query()
        if shown.sort is not None:
            order = Qt.SortOrder.DescendingOrder if shown.descending else Qt.SortOrder.AscendingOrder
            self.view.show_order(self.model.column_of(shown.sort), order)
        elif self.table.column(self.table.sort) is self.table.key or not shown.as_added:
            self._show_own_order()
        else:
            self.view.show_order(-1, Qt.SortOrder.AscendingOrder)

    def show(self, query: ListQuery) -> None:
        """Shows what `query` finds. The list that is shown already is refreshed in place.

        The current record stays current where the new list has it too.
        """
        self._cancel()
        query = replace(query, extra=self._extra_in_sight())
        same = _same_but_later(query, self._shown) and self.model.complete
        current = self.current_id()
        wanted = self._wanted = self._wanted if current is None else current
        self._entering = self._entering and query == self._query
        self._query = query
        lists = self._lists
        if self.partly is not None:
            self._show_readable(self.partly)
        elif same:
            read = lists.open_list if query.as_added else lists.load_keys
            self._read(read, query, partial(self._refreshed, wanted))
        else:
            self._read(lists.open_list, query, partial(self._opened, wanted))

    def enter(self) -> None:
        """Takes the focus to the row that was current or the first, of a list on its way once it has come."""
        if self._query is None or _same_but_later(self._query, self._shown):
            self.view.enter()
        else:
            self._entering = True
            self.view.setFocus(Qt.FocusReason.TabFocusReason)

    def clear_unless(self, query: ListQuery) -> bool:
        """Shows nothing, and reads nothing, unless its rows are those that `query` finds, in whatever order;
        whether it was cleared.
        """
        wanted = _in_any_order(query)
        if all(
            one is not None and _same_but_later(wanted, _in_any_order(one))
            for one in (self._query, self._shown)
        ):
            return False
        self.stop()
        self._query = self._shown = self._wanted = None
        self.lost.emit()
        return True

    def take_out(self, gone: Callable[[], Iterable[Key | None]]) -> None:
        """Where reading the list again costs: takes out rows that went, whose keys it gives, which costs
        nothing, and reads again what is in sight. Of an estimated list each page tells that by itself.
        """
        if self.model.estimated or not self.model.complete:
            self.model.reload()
            return
        self._gone.append(gone)
        wanted, known, keys = self.current_id(), tuple(self._gone), self.model.keys

        def left(database: Database) -> Keys:
            return without(keys, {key for one in known for key in one()})

        def done(left: Keys) -> None:
            if keys is self.model.keys and len(known) == len(self._gone):
                if self._query == self._shown:  # else the list on its way may have been read before
                    self._gone.clear()
                self._turn_into(wanted, left)

        self._tasks.append(self._context.runner.read(left, on_done=done))

    def jump(
        self,
        record_id: object,
        on_missing: Callable[[], None] | None = None,
        *,
        unless: Callable[[], bool] = lambda: False,
    ) -> None:
        """Selects a record when its place is known, `unless` a person has gone elsewhere by then."""
        query = self._query
        if query is None:
            return  # no list is shown, and none is on its way
        self._wanted = record_id

        # Where all keys are at hand, and each row that is read is charged, they tell the place.
        by_key = self._context.costs and self.model.complete and query == self._shown
        lists = self._lists

        def found(answer: tuple[int, Key] | Key | None) -> None:
            if query != self._query or record_id != self._wanted:
                return  # another list is on its way, or another record was asked for since
            self._wanted = None
            if unless():
                return
            if isinstance(answer, tuple):
                row = self._row_of(*answer)
            else:
                row = None if answer is None else self.model.row_of_key(answer)
            if row is not None:
                self.view.select_row(row)
                self.view.scrollTo(self.model.index(row, 0), QAbstractItemView.ScrollHint.PositionAtCenter)
            elif on_missing is not None:
                on_missing()
            else:
                self.lost.emit()

        def failed(error: TenantAdminError) -> None:
            if record_id == self._wanted:
                self._wanted = None
                if not self.view.selectionModel().hasSelection():
                    self.lost.emit()
            self._context.runner.failed.emit(error)

        find = lists.key_of if by_key else lists.locate
        self._context.runner.read(find, query, record_id, on_done=found, on_failed=failed)

    def _row_of(self, position: int, key: Key) -> int | None:
        """Where a record is in sight: rows may have come or gone since its place was asked for."""
        if position < self.model.rowCount() and self.model.key(position) in (key, None):
            return position
        return self.model.row_of_key(key)

    def current_row(self) -> Row | None:
        """What the list has of the current record; None when there is none or it is not at hand yet."""
        index = self.view.chosen()
        return self.model.record(index.row()) if index.isValid() else None

    def current_id(self) -> Any:
        """The id of that record, NULL being None, too."""
        row = self.current_row()
        return None if row is None else row[0]

    def selected_count(self) -> int:
        return sum(map(len, self.view.selected_ranges()))

    def selected_keys(self) -> tuple[ListQuery, Keys]:
        """The list's query and exactly the keys of the rows selected now, in their order."""
        return self._shown_query(), self._keys_of(self.view.selected_ranges())

    def when_selected(
        self, use: Callable[[ListQuery, Keys], object], dropped: Callable[[str], object] | None = None
    ) -> None:
        """Calls `use` with what `selected_keys` gives of the rows selected now, once all keys have come.

        A long list shows its first rows before the rest of its keys is read. Where other rows are shown by
        then, or the keys cannot be read, it is `dropped(words)`, and the words are said unless that is given.
        """
        ranges, query = self.view.selected_ranges(), self._shown_query()
        if self.model.complete:
            use(*self.selected_keys())
        else:
            self._awaiting.append((lambda: use(query, self._keys_of(ranges)), dropped or self._context.say))
            if self.is_cut_short:
                self._read_keys()

    def _keys_of(self, ranges: Sequence[range]) -> Keys:
        return joined(*(self.model.keys[rows.start : rows.stop] for rows in ranges))

    def when_agreed(
        self,
        use: Callable[[ListQuery, Keys], object],
        declined: Callable[[], object],
        *,
        each: int,
        most: int | None = None,
    ) -> None:
        """The same for what reads `each` of these rows so often, or of the `most` of them: before many, where
        that is charged, a person is asked. Where it is dropped, which is said, it counts as `declined`, too.
        """

        def ask(query: ListQuery, keys: Keys) -> None:
            rows = len(keys) if most is None else min(len(keys), most)
            self._context.when_agreed(each * rows, partial(use, query, keys), self.view, declined)

        def dropped(words: str) -> None:
            self._context.say(words)
            declined()

        self.when_selected(ask, dropped)

    def all_keys(self) -> tuple[ListQuery, Keys | None]:
        """The list's query and the keys of every row; None while they are not all here."""
        return self._shown_query(), self.model.keys if self.model.complete else None

    def stop(self) -> None:
        """Lets go of the rows; nothing is read after it."""
        self._cancel()
        self._chosen = None
        self.model.clear()

    @property
    def shown(self) -> ListQuery | None:
        """The query of the rows in sight; None where there are none to be."""
        return self._shown

    def _shown_query(self) -> ListQuery:
        """The query of the rows that are in sight, which may not be the one asked for last."""
        return self._shown or ListQuery(self.table.name)

    def _read(self, function: Callable[..., Any], query: ListQuery, on_done: Callable[[Any], None]) -> None:
        self._tasks.append(
            self._context.runner.read(function, query, on_done=on_done, on_failed=self._failed)
        )

    def _opened(self, wanted: object, listing: Listing) -> None:
        self._drop(_MOVED)
        current = self.current_id()  # a person may have chosen it while this list was on its way
        wanted = wanted if current is None else current
        entering, self._entering = self._entering, False
        same_rows = self._shown is not None and _same_but_later(
            _in_any_order(listing.query), _in_any_order(self._shown)
        )
        self._chosen = self._several() if same_rows else None
        self._shown = listing.query
        self.model.reset_to(listing)
        self._read_extra_soon.start()
        gone, self._gone = self._gone, []
        for one in gone:
            self.take_out(one)
        if not self._fitted and listing.total:  # again, where a filter left few rows to fit them to
            self._fitted = not listing.query.filtered
            self.view.columns.fit_unless_arranged()
        self._announce(listing.total)
        if self._wanted is not None:
            self._chosen = None
        elif self._chosen is not None:
            self._choose_again()
        elif wanted is not None:
            self.jump(wanted, on_missing=self._go_to_first if entering else None)
        elif entering:
            self.view.enter()

    def _extra_in_sight(self) -> tuple[str, ...]:
        return tuple(name for name in self.extra if not self.view.isColumnHidden(self.model.column_of(name)))

    def _resized(self, section: int, before: int, after: int) -> None:
        if before == 0 < after and self.model.columns[section].name in self.extra:
            self._read_extra_soon.start()

    def _read_extra(self) -> None:
        """Reads the rows again where a column has come in sight that they were read without."""
        wanted, shown = self._extra_in_sight(), self._shown
        if shown is not None and not set(wanted) <= set(shown.extra):
            self._shown = replace(shown, extra=wanted)
            self.model.reload()

    def _several(self) -> _Chosen | None:
        """What is selected, where that is several rows, and not found again yet in the order before."""
        if not self.view.selectionModel().hasSelection():
            return self._chosen
        count, (_, keys) = self.selected_count(), self.selected_keys()
        if count < 2:
            return None
        are_known = len(keys) == count and not self.model.estimated
        current = self.model.key(self.view.currentIndex().row())
        return _Chosen(count, keys if are_known else (), current)

    def _choose_again(self) -> None:
        """Selects what was selected when the rows had another order, as far as it is there; unless a person
        has selected something since. Nothing until all keys are known.
        """
        chosen, keys = self._chosen, self.model.keys
        if chosen is None or not self.model.complete:
            return

        def found(ranges: list[range] | None) -> None:
            if chosen is not self._chosen:
                return
            self._chosen = None
            if self.view.selectionModel().hasSelection():
                return
            current = None if chosen.current is None else self.model.row_of_key(chosen.current)
            are_gone = ranges == [] and len(chosen.keys) > 0  # which the act that removed them says
            if not ranges and not are_gone:
                self._context.say(f"The selection of {counted(chosen.count, *self.table.noun)} did not stay")
                ranges = [] if current is None else [range(current, current + 1)]
            if not ranges:
                self.lost.emit()
                return
            self.view.select_ranges(ranges, ranges[0].start if current is None else current)
            self.view.scrollTo(self.view.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)

        find = partial(places, keys, chosen.keys, MOST_RANGES)
        self._tasks.append(self._context.runner.read(lambda database: find(), on_done=found))

    def _read_rest(self) -> None:
        if self._shown is not None and not self.model.complete:
            self._read_keys()
        self.painted.emit()

    def _read_keys(self) -> None:
        self.is_cut_short = False
        self._read(self._lists.load_keys, self._shown_query(), self._completed)

    def _go_to_first(self) -> None:
        if self.model.rowCount():
            self.view.select_row(0)
        else:
            self.lost.emit()

    def _completed(self, keys: Keys) -> None:
        before = self.model.rowCount()
        self.model.refresh_to(keys)
        if len(keys) != before:  # the rows have moved, and none is selected
            self._drop(_MOVED)
        awaiting, self._awaiting = self._awaiting, []
        for take, _ in awaiting:
            take()
        self._choose_again()
        if len(keys) != before:
            self.loaded.emit(len(keys))

    def _refreshed(self, wanted: object, found: Keys | Listing) -> None:
        before, self._shown = self._shown, self._query
        self._turn_into(wanted, found)
        if before is not None and not set(self._shown_query().extra) <= set(before.extra):
            self.model.reload()

    def _turn_into(self, wanted: object, found: Keys | Listing) -> None:
        with self._kept():
            if isinstance(found, Listing):
                self.model.reopen_to(found)
            else:
                self.model.refresh_to(found)
        lost = wanted is not None and not self.view.currentIndex().isValid()
        self._announce(self.model.rowCount())
        if lost and self._wanted is None and self._chosen is None:
            self.jump(wanted)

    def _followed(self, asked: Keys, answer: tuple[Keys, Page]) -> None:
        before, (found, rows) = self.model.rowCount(), answer
        with self._kept():
            self.model.set_page(asked, rows, found)
        if self.model.rowCount() != before:
            self.loaded.emit(self.model.rowCount())

    @contextmanager
    def _kept(self) -> Iterator[None]:
        """Within it rows come and go, and the one at the top and the current one stay."""
        selected, chosen = self.view.selectionModel().hasSelection(), self._several()
        current = self.model.key(self.view.chosen().row())
        holds_top, self.holds_top = self.holds_top, False
        with self.view.kept_in_place(self.model.key, self.model.row_of_key, holds_top=holds_top):
            yield
        if chosen is not None and not self.view.selectionModel().hasSelection():
            self._chosen = chosen
            self._choose_again()
        elif selected and current is not None and not self.view.selectionModel().hasSelection():
            moved_to = self.model.row_of_key(current)  # to Qt, a row that has moved is gone
            if moved_to is not None:
                self.view.select_row(moved_to)

    def _announce(self, total: int) -> None:
        """Says that the list is in sight; whoever hears it may jump, which goes before what was current."""
        self._wanted = None
        self._painted.start()
        self.loaded.emit(total)

    def _show_readable(self, why: DamagedFile) -> None:
        """Opens the list with the rows that damage has left."""

        def opened(listing: Listing) -> None:
            self.partly = why
            stored = self._context.opened.schema.stored.get(self.table.name)
            if stored is None or (listing.query.sort or self.table.sort) != stored.rowid:
                self.view.show_order(-1, Qt.SortOrder.AscendingOrder)  # they come by their keys
            self._opened(self._wanted, listing)

        read = self._lists.open_readable
        task = self._context.runner.read(read, self._query, on_done=opened, on_failed=self._not_shown)
        self._tasks.append(task)

    def _failed(self, error: TenantAdminError) -> None:
        if isinstance(error, DamagedFile) and self._query is not None:
            self._show_readable(error)
        elif error.is_retriable and self._query and _same_but_later(self._query, self._shown):
            self._wanted, self.is_cut_short = None, not self.model.complete  # what was read of it stays
            self._drop(_UNREAD)
            self._context.runner.failed.emit(error)
        else:
            self._not_shown(error)

    def _not_shown(self, error: TenantAdminError) -> None:
        self._drop(_UNREAD)
        self._query = self._shown = None
        self.model.reset_to(Listing(ListQuery(self.table.name), 0, range(0), ()))
        self.failed.emit(error)

    def _request_page(self, keys: Keys) -> Callable[[], None]:
        def came(page: Page) -> None:
            self.model.set_page(keys, page)
            gone = [key for key, row in zip(keys, page, strict=True) if row is None]
            if gone and self._context.costs:  # else the list is read again by itself
                self.take_out(lambda: gone)

        def failed(error: TenantAdminError) -> None:
            self.model.page_failed(keys)
            if isinstance(error, DamagedFile) and self.partly is None:
                self._show_readable(error)
            else:
                self.failed.emit(error)

        lists, estimated = self._lists, self.model.estimated
        reading = self._context.runner.read(
            lists.load_following if estimated else lists.load_page,
            self._shown_query(),
            keys,
            on_done=partial(self._followed, keys) if estimated else came,
            on_failed=failed,
        )
        return reading.cancel

    def _cancel(self) -> None:
        self._painted.stop()
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._gone.clear()
        self.is_cut_short = False
        self._drop(_MOVED)

    def _drop(self, words: str) -> None:
        """What waits for the keys of the list that was shown is not done."""
        awaiting, self._awaiting = self._awaiting, []
        for _, dropped in awaiting:
            dropped(words)


def _in_any_order(query: ListQuery) -> ListQuery:
    return replace(query, sort=None, descending=False)


def _same_but_later(query: ListQuery, shown: ListQuery | None) -> bool:
    """Whether it is the list shown, perhaps with bounds that moved with the clock ("Last 7 days")."""
    if shown is None or (query.since is None, query.until is None) != (
        shown.since is None,
        shown.until is None,
    ):
        return False
    return replace(query, since=shown.since, until=shown.until) == shown


class FacetChips(FoldingChips):
    """`FacetChips(theme, column, known)`: a toggle for each known value of a column, and one for all others;
    several may be chosen.
    """

    def __init__(self, theme: Theme, column: TableColumn, known: Sequence[str]) -> None:
        super().__init__(theme, column.label, several(column))
        self._known = known
        self._others: tuple[Value, ...] = ()
        self._found: Counts | None = None
        self.offer(None)

    def know(self, known: Sequence[str]) -> None:
        if known != self._known:
            self._known = known
            self.offer(self._found)

    def chosen(self) -> tuple[Value, ...]:
        """The values filtered by; none where it is any."""
        keys = self.keys()
        others = self._others if OTHER in keys else ()
        return (*(key for key in keys if key != OTHER), *others)

    def restore(self, values: Sequence[Value]) -> None:
        """Filters by these, without a signal."""
        others = [value for value in values if value not in self._known]
        self._others = tuple(dict.fromkeys((*self._others, *others)))
        self.set_keys(())
        self.offer(self._found)
        self.set_keys(
            [*(str(value) for value in values if value in self._known), *([OTHER] if others else [])]
        )

    def choose(self, value: Value) -> bool:
        """Filters by one of the known values; False where it is none of them."""
        if value not in self._known:
            return False
        self.set_key(str(value))
        self.changed.emit(self.key())
        return True

    def offer(self, found: Counts | None) -> None:
        """Shows how many there are of each; without counts while they are not known."""
        self._found, counts = found, dict(found or ())
        # One that was there stays: a chip that comes and goes moves those beside it.
        others = (value for value in counts if value not in self._known)
        self._others = tuple(dict.fromkeys((*self._others, *others)))
        chips = [Choice(None, "All", None if found is None else sum(counts.values()))]
        chips += [
            Choice(name, name.capitalize(), None if found is None else counts.get(name, 0))
            for name in self._known
        ]
        if self._others:
            chips.append(Choice(OTHER, "Other", sum(counts.get(value, 0) for value in self._others)))
        before = self.keys()
        self.set_chips(chips)
        if self.keys() != before:
            self.changed.emit(self.key())


class Facets:
    """`Facets(context, filters, table)`: the values of a table's counted columns, to filter by.

    They are offered by the pick lists of a filter row, or by `chips`, by column.
    """

    def __init__(self, context: Context, filters: FilterRow, table: Table) -> None:
        self._context = context
        self._filters = filters
        self._table = table
        self.chips: dict[str, FacetChips] = {}
        self._values: defaultdict[str, dict[str, Value]] = defaultdict(dict)
        self._always: dict[str, list[str]] = {}
        self._counting: Task | None = None
        self._awaited: dict[str, None] = {}
        self._due: dict[str, ListQuery] = {}
        """The pick lists that are counted when they are opened, each row that is read being charged."""
        self._opening: set[str] = set()
        if context.costs:
            for column, picker in filters.pickers.items():
                picker.before = partial(self._count_before, column)

    def chosen(self) -> dict[str, tuple[Value, ...]]:
        """The columns filtered by a value."""
        picks = self._filters.values().picks
        picked = {column: tuple(self._values[column].get(key, key) for key in keys) for column, keys in picks}
        return picked | {column: chips.chosen() for column, chips in self.chips.items() if chips.chosen()}

    def choose(self, column: str, value: Value) -> bool:
        """Filters by a value; False where nothing offers it."""
        key = _key(value)
        if column in self.chips:
            return self.chips[column].choose(value)
        elif key in self._values[column]:
            values = self._filters.values()
            picks = {**dict(values.picks), column: (key,)}
            self._filters.set_values(replace(values, picks=tuple(picks.items())))
        else:
            return False
        return True

    def offered(self, column: str) -> tuple[Value, ...]:
        """The values of a pick list, as far as they were counted."""
        return tuple(self._values[column].values())

    def restore(self, choices: Iterable[ColumnChoice]) -> list[ColumnChoice]:
        """Filters by these values and no others, without a signal; those of the columns that nothing offers
        are given back.
        """
        wanted = dict(choices)
        for column, chips in self.chips.items():
            chips.restore(wanted.pop(column, ()))
        for column, picker in self._filters.pickers.items():
            keys = {_key(value): value for value in wanted.pop(column, ())}
            self._values[column].update(keys)
            new = [key for key in keys if not picker.offers(key)]
            picker.add_choices([Choice(key, choice_label(self._table, column, keys[key])) for key in new])
            picker.set_keys(keys)
        return list(wanted.items())

    def always_offer(self, column: str, *values: Value) -> None:
        """Offers these by the column's pick list, if there is one, before they are counted, and also where no
        row has them.
        """
        picker = self._filters.pickers.get(column)
        if picker is not None:
            self._always[column] = keys = [*map(_key, values)]
            self._values[column].update(zip(keys, values, strict=True))
            words = (choice_label(self._table, column, value) for value in values)
            picker.set_choices([*map(Choice, keys, words)])

    def count(self, query: ListQuery, columns: Sequence[str]) -> None:
        """Reads the values of columns that the query's other filters keep, and offers them.

        What an earlier call has not delivered yet is counted again with them. Where each row that is read is
        charged, those of a long list are not read, and those of a pick list when it is opened.
        """
        if self._context.costs:
            self._due |= dict.fromkeys((one for one in columns if one in self._filters.pickers), query)
            columns = () if query.as_added else [one for one in columns if one in self.chips]
        if not columns:
            return
        if self._counting is not None:
            self._counting.cancel()
        self._awaited |= dict.fromkeys(columns)
        self._counting = self._context.runner.read(
            self._context.lists.choices,
            query,
            tuple(self._awaited),
            on_done=self._offer,
            on_failed=lambda error: None,
        )

    def _count_before(self, column: str, show: Callable[[], None]) -> None:
        """Counts what a pick list offers, and then shows it; a person is asked before much is read. Who
        declines is shown what is known, so that a choice can be taken back.
        """
        if column in self._opening:
            return  # its answer is on the way
        query = self._due.get(column)
        if query is None:
            show()
            return

        def counted(found: dict[str, Counts]) -> None:
            if self._due.get(column) == query:
                del self._due[column]
            self._offer(found)
            answered()

        def answered(error: TenantAdminError | None = None) -> None:
            self._opening.discard(column)
            if self._filters.isVisible():
                show()

        def count() -> None:
            self._opening.add(column)
            self._context.runner.read(
                self._context.lists.choices, query, (column,), on_done=counted, on_failed=answered
            )

        much = self._context.rows_of(query.table, query.scope)
        self._context.when_agreed(much, count, self._filters, declined=show)

    def _offer(self, found: dict[str, Counts]) -> None:
        for column, counts in found.items():
            self._awaited.pop(column, None)
            if column in self.chips:
                self.chips[column].offer(counts)
                continue
            self._values[column].update({_key(value): value for value, _ in counts})
            choices = [
                Choice(_key(value), choice_label(self._table, column, value), count)
                for value, count in counts
            ]
            picker = self._filters.pickers[column]
            kept = dict.fromkeys((*self._always.get(column, ()), *picker.keys()))
            for key in (key for key in kept if key not in {choice.key for choice in choices}):
                # No row has it any more, and it is filtered by all the same, or may be: in words.
                value = self._values[column].get(key, key)
                choices.append(Choice(key, choice_label(self._table, column, value), 0))
            picker.set_choices(choices, sum(count for _, count in counts))


def _key(value: Value) -> str:
    """A text that tells values apart, of different types too."""
    return f"{type(value).__name__}:{value!s}"
