"""Keeps one table on one list: its rows and its pages."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager, suppress
from dataclasses import replace
from enum import Enum, auto
from functools import partial
from typing import Any, Protocol

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.itemmodels.columns import Column
from app.itemmodels.pages import hold
from app.itemmodels.virtual_table import VirtualTableModel
from app.services.records.keys import without
from app.services.records.known import Known, top_of
from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import Keys, Last, Listing, Lists, Page
from app.services.records.tables import Table
from app.ui.session.context import Context
from app.ui.tabs.common.declared import extra_of
from app.ui.tabs.common.selected_rows import SelectedRows, SeveralChosen
from app.ui.widgets.data_table import DataTable, HeldPainting, HeldPlace
from app.workers.runner import Task
from models.engine import Database
from models.errors import DamagedFile, TableMissing, TenantAdminError

REPAINT_MS = 60_000
REST_MS = 150
"""How long nothing is scrolled before rows that are out of sight by now are put where they belong."""
LATE_MS = 1_000
"""After which rows of another filter are not taken for those that were asked for."""
ENOUGH_TO_FIT = 20
"""Rows of a filtered list that columns are fitted to for good, as those of all rows would be."""

_MOVED = "That was not done, as the list changed before all of it was read"
_UNREAD = "That was not done, as the list could not be read"


class StandIn(Protocol):
    """What else may show the rows of a `DataTable`; each as there."""

    def isVisible(self) -> bool: ...
    def rows_in_sight(self) -> range: ...
    def is_full(self) -> bool: ...
    def kept_in_place(
        self, name: Callable[[int], Any], find: Callable[[Any], int | None], *, holds_top: bool = False
    ) -> AbstractContextManager[None]: ...


class Taking(Enum):
    """How the rows are taken that are read next."""

    AS_THEY_ARE = auto()
    HELD = auto()
    """All in sight stay where they are, as others have written."""
    ASKED = auto()
    """As they are, whoever writes meanwhile: a person has asked for them, or changed them."""
    REFRESHED = auto()
    """The same of the whole list, for which a person waits: its top where that is in sight."""


class ListController(SelectedRows):
    """The list of `table`, shown in `view`; `model` holds its rows.

    `loaded(total)` after a list has been opened or refreshed, `painted()` when its rows have been drawn and
    more can be read without keeping anybody waiting, `failed(error)` when it could not be. Of a
    damaged table what can be read is shown, and `partly` is why that is not all; None as a rule. `late()`
    when rows of another filter have gone, as those that were asked for take their time. `all_taken()` when
    all rows of it as it is are about to be selected. `kept()` when it could not be read again, and what was
    read of it stays. `lost()` when the record that was current is not in the list that was opened: Qt says
    nothing of a selection that ends with a model's reset.
    """

    loaded = Signal(int)
    painted = Signal()
    all_taken = Signal()
    failed = Signal(object)
    late = Signal()
    kept = Signal()

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
        self.stand_in: StandIn | None = None
        """What shows the rows while the table itself is out of sight."""
        self._lists = context.lists if lists is None else lists
        self.table = table
        self.view = view
        self.begun = self.came = 0
        """How many readings of a whole list have begun, and which of them has come last."""
        self._query: ListQuery | None = None
        self._shown: ListQuery | None = None
        self._wanted: object = None
        self._jumping: object = None
        """Stands for the jump whose place is on its way: the same list may be read again meanwhile."""
        self._entering = self.is_selecting = False
        """Whether the focus goes to the rows, and all of them are selected, once the list has come."""
        self._chosen: SeveralChosen | None = None
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
        if context.costs:
            HeldPlace(view, self.model)
        self._fitted = view.columns.restore()
        self._show_own_order()
        # "2 min ago" grows old by itself.
        self.partly: DamagedFile | None = None
        self.holds_top = False
        """Whether the row at the very top stays in sight, too, when the list is next refreshed."""
        self.taking = Taking.AS_THEY_ARE
        self._left_top = False
        """Whether the top is out of sight by rows that came above alone: nobody has scrolled since."""
        self._as_it_is: Keys | None = None
        """The list itself, while rows in sight are not as they are there."""
        self.is_changing = False
        """Whether rows come and go just now: what is deselected meanwhile has gone, and no person did it."""
        self._rested = QTimer(self, singleShot=True, interval=REST_MS)
        self._rested.timeout.connect(self._put_right)
        view.verticalScrollBar().valueChanged.connect(self._scrolled)
        view.before_all = self._before_all
        # Rows are laid out in the next turn of the event loop and drawn behind it; what is read before that
        # takes their time.
        self._laid_out = QTimer(self, singleShot=True, interval=0)
        self._painted = QTimer(self, singleShot=True, interval=0)
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self._let_go_of_others)
        self._laid_out.timeout.connect(self._painted.start)
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

    def show_order(self, asked: ListQuery | None = None) -> None:
        """Points at the column that the rows in sight are in order of, or those that are `asked` for where
        none are: at none where that is the order of adding, unless one numbers them.
        """
        shown = asked or self._shown_query()
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
        self.begun += 1
        query = replace(query, extra=self._extra_in_sight())
        same = _same_but_later(query, self._shown) and self.model.complete
        current = self.current_id()
        wanted = self._wanted = self._wanted if current is None else current
        is_same = query == self._query or self.begun == 1
        self._entering, self.is_selecting = self._entering and is_same, self.is_selecting and is_same
        self._query = query
        lists = self._lists
        if self.table.name in self._context.gone:  # also where something else, a view say, has its name
            self._not_shown(TableMissing(self.table.name))
        elif self.partly is not None:
            self._show_readable(self.partly)
        elif same:
            read = lists.open_list if query.as_added else lists.load_keys
            self._read(read, query, partial(self._refreshed, wanted))
        else:
            self._read(lists.open_list, query, partial(self._opened, wanted))
            if self._shown is not None and not self._has_same_rows(query):
                self._late.start()

    def _has_same_rows(self, query: ListQuery) -> bool:
        """As those that are shown, in whatever order."""
        shown = self._shown
        return shown is not None and _same_but_later(_in_any_order(query), _in_any_order(shown))

    def _let_go_of_others(self) -> None:
        self.model.clear()
        self._as_it_is = None
        self._shown = None
        self.lost.emit()
        self.late.emit()

    def enter(self) -> None:
        """Takes the focus to the row that was current or the first, of a list on its way once it has come."""
        if self._query is None or _same_but_later(self._query, self._shown):
            self.view.enter()
        else:
            self._entering = True
            self.view.setFocus(Qt.FocusReason.TabFocusReason)

    def _before_all(self) -> bool:
        """Whether all rows can be selected; of a list on its way they are once it has come."""
        self.is_selecting = self._is_coming
        self.catch_up()
        if not self.is_selecting:
            self.all_taken.emit()
        return not self.is_selecting

    @property
    def _is_coming(self) -> bool:
        is_on_its_way = self._query is not None and not _same_but_later(self._query, self._shown)
        return is_on_its_way or not self.begun

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
        self._query = self._shown = self._wanted = self._jumping = None
        self.lost.emit()
        return True

    def others_wrote(self) -> None:
        """What is next read is not what a person asks for: nothing in sight moves by it."""
        self.holds_top = self.taking is not Taking.REFRESHED
        if self.taking is Taking.AS_THEY_ARE and not self._context.costs:
            self.taking = Taking.HELD

    def asked(self) -> None:
        """A person asks for the rows, or has changed them: what is next read is shown as it is."""
        if self.taking is not Taking.REFRESHED:
            self.taking = Taking.ASKED

    def refreshed(self) -> None:
        """A person wants the list as it is now: where nobody has scrolled from its top, that is shown."""
        self.holds_top, self.taking = False, Taking.REFRESHED
        if self._left_top:
            self.view.scrollToTop()

    def unseen(self, *, top: bool) -> None:
        """Nobody has read meanwhile what is in sight from now on, nor the `top`, which may go then, too."""
        self.holds_top = self.holds_top and not top
        if self.taking is Taking.HELD:
            self.taking = Taking.AS_THEY_ARE

    def still_shows(self, query: ListQuery | None) -> bool:
        """Whether the rows in sight are of that list, perhaps as it is later."""
        return query is not None and _same_but_later(query, self._shown)

    @property
    def is_behind(self) -> bool:
        """Whether rows in sight are not in the list any more, or elsewhere in it, or others between them."""
        return self._as_it_is is not None

    @property
    def total(self) -> int:
        """How many rows the list has."""
        return self.model.rowCount() if self._as_it_is is None else len(self._as_it_is)

    def catch_up(self) -> None:
        """Shows the list as it is."""
        if self._as_it_is is not None:
            self._take_over(self._as_it_is)
            self.loaded.emit(self.total)

    def _scrolled(self) -> None:
        self._left_top &= self.is_changing
        if self._as_it_is is not None and not self.is_changing:
            self._rested.start()

    def _put_right(self) -> None:
        if self._as_it_is is not None:
            self.holds_top = True
            self._take_over(self._as_it_is, holds=True)
            self.loaded.emit(self.total)

    def _take_over(self, keys: Keys, *, holds: bool = False) -> None:
        seen = self._seen()
        sight = seen.rows_in_sight() if holds and self.model.complete else range(0)
        still = hold(self.model.keys, keys, sight, is_full=seen.is_full())
        with self._kept():
            if still is None:
                self.model.refresh_to(keys)
            else:
                self.model.hold_to(still)
        self._as_it_is = None if still is None else keys

    def _seen(self) -> DataTable | StandIn:
        return self.view if self.stand_in is None or not self.stand_in.isVisible() else self.stand_in

    def take_out(self, gone: Callable[[], Iterable[Key | None]], *, holds: bool = False) -> None:
        """Where reading the list again costs: takes out rows that went, whose keys it gives, which costs
        nothing, and reads again what is in sight. Of an estimated list each page tells that by itself. It
        `holds` what is in sight where others have deleted them.
        """
        if self.model.estimated or not self.model.complete:
            self.model.reload()
            return
        self._gone.append(gone)
        wanted, known, keys = self.current_id(), tuple(self._gone), self.model.keys

        def left(database: Database) -> tuple[Keys, set[Key | None]]:
            they = {key for one in known for key in one()}
            return without(keys, they), they

        def done(found: tuple[Keys, set[Key | None]]) -> None:
            left, they = found
            if self._top is not None and self._top[0] in they:
                self._top = None
            if keys is self.model.keys and len(known) == len(self._gone):
                if self._query == self._shown:  # else the list on its way may have been read before
                    self._gone.clear()
                self._turn_into(wanted, left, holds=holds)

        self._tasks.append(self._context.runner.read(left, on_done=done))

    def jump(
        self,
        record_id: object,
        on_missing: Callable[[], None] | None = None,
        *,
        unless: Callable[[], bool] = lambda: False,
        on_end: Callable[[], object] = lambda: None,
    ) -> None:
        """Selects a record when its place is known, `unless` a person has gone elsewhere by then. `on_end`
        hears that it came to something, or to nothing, before anything else is done.
        """
        query = self._query
        if query is None:
            on_end()
            return  # no list is shown, and none is on its way
        self._wanted, this = record_id, object()
        self._jumping = this

        # Where all keys are at hand, and each row that is read is charged, they tell the place.
        by_key = self._context.costs and self.model.complete and query == self._shown
        lists = self._lists

        def found(answer: tuple[int, Key] | Key | None) -> None:
            on_end()
            if this is not self._jumping:
                return  # another one was asked for since
            self._wanted = self._jumping = None
            if query != self._query:
                return  # another list is on its way
            if unless():
                return
            if isinstance(answer, tuple):
                row = self._row_of(*answer)
            else:
                row = None if answer is None else self.model.row_of_key(answer)
            if row is not None:
                key = self.model.key(row)
                self._led_to = None if key is None else (key, record_id)
                self.view.select_row(row)
                self.view.bring_into_sight(self.model.index(row, 0))
            elif on_missing is not None:
                on_missing()
            else:
                self.lost.emit()

        def failed(error: TenantAdminError) -> None:
            on_end()
            if this is self._jumping:
                self._wanted = self._jumping = None
                if not self.view.selectionModel().hasSelection():
                    self.lost.emit()
            self._context.runner.failed.emit(error)

        at_hand = self.model.keys_of((record_id,)) if self._context.costs and query == self._shown else []
        if at_hand:
            found(at_hand[0])
            return
        find = lists.key_of if by_key else lists.locate
        self._context.runner.read(find, query, record_id, on_done=found, on_failed=failed)

    def choose_back(self, record_ids: Sequence[Any], is_elsewhere: Callable[[], bool]) -> None:
        """Selects these records, as far as they are in the list, unless a person `is_elsewhere` by then."""
        query = self._query

        def found(keys: Keys) -> None:
            if query == self._query and keys:
                self._chosen = SeveralChosen(len(keys), keys, None, Known({}), is_elsewhere)
                self._choose_again()

        if query is not None:
            self._tasks.append(
                self._context.runner.read(self._lists.keys_of, query, record_ids, on_done=found)
            )

    def _row_of(self, position: int, key: Key) -> int | None:
        """Where a record is in sight: rows may have come or gone since its place was asked for."""
        if self.is_behind and self.model.row_of_key(key) is None:
            self.catch_up()
        if position < self.model.rowCount() and self.model.key(position) in (key, None):
            return position
        return self.model.row_of_key(key)

    def stop(self) -> None:
        """Lets go of the rows; nothing is read after it."""
        self._cancel()
        self._chosen = self._as_it_is = None
        self.model.clear()

    def _read(self, function: Callable[..., Any], query: ListQuery, on_done: Callable[[Any], None]) -> None:
        lists, is_charged = self._lists, self._context.costs

        def read(database: Database) -> tuple[Any, Last]:
            if is_charged and function == lists.load_keys:
                return lists.load_known(database, query)
            if is_charged:
                found = function(database, query)
                return found, found.last
            with database.snapshot():
                found = function(database, query)
                keys = found.keys if isinstance(found, Listing) else found
                with suppress(DamagedFile):
                    return found, top_of(lists, database, query, keys)
            return found, None

        def came(answer: tuple[Any, Last]) -> None:
            found, self._top = answer
            on_done(found)

        self._tasks.append(self._context.runner.read(read, on_done=came, on_failed=self._failed))

    def _opened(self, wanted: object, listing: Listing) -> None:
        self._drop(_MOVED)
        self._late.stop()
        self.came = self.begun
        current = self.current_id()  # a person may have chosen it while this list was on its way
        wanted = wanted if current is None else current
        entering, self._entering = self._entering, False
        same_rows = self._has_same_rows(listing.query)
        self._chosen = self._several() if same_rows else None
        others = self._shown is not None and not same_rows
        self._shown = listing.query
        self.taking = Taking.AS_THEY_ARE
        self._as_it_is = None
        self.model.reset_to(listing)
        if others:  # else they begin as far down as the ones before were scrolled
            self.view.scrollToTop()
        self.view.doItemsLayout()  # else painting does, at a width without the scroll bar, and begins again
        self._read_extra_soon.start()
        gone, self._gone = self._gone, []
        for one in gone:
            self.take_out(one)
        if not self._fitted and listing.total:  # once: no filter moves a column; again where rows were few
            self._fitted = not listing.query.filtered or listing.total >= ENOUGH_TO_FIT
            self.view.columns.fit_unless_arranged()
            self.view.draw_when_laid_out()
        self._announce(listing.total)
        if self.is_selecting:
            self.is_selecting, self._chosen = False, None
            self.view.selectAll()
        elif self._wanted is not None:
            self._chosen = None
        elif self._chosen is not None:
            self._choose_again()
        elif wanted is not None:
            first = self._go_to_first if entering else None
            self.jump(wanted, first, unless=lambda: self.view.selectionModel().hasSelection())
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
        self._as_it_is = None
        if len(keys) != before:  # the rows have moved, and none is selected
            self._drop(_MOVED)
        awaiting, self._awaiting = self._awaiting, []
        for take, _ in awaiting:
            take()
        self._choose_again()
        if len(keys) != before:
            self.loaded.emit(len(keys))

    def _refreshed(self, wanted: object, found: Keys | Listing) -> None:
        before, self._shown, self.came = self._shown, self._query, self.begun
        holds, self.taking = self.taking is Taking.HELD, Taking.AS_THEY_ARE
        self._turn_into(wanted, found, holds=holds)
        if before is not None and not set(self._shown_query().extra) <= set(before.extra):
            self.model.reload()

    def _turn_into(self, wanted: object, found: Keys | Listing, *, holds: bool = False) -> None:
        if isinstance(found, Listing):
            with self._kept():
                self.model.reopen_to(found)
        else:
            self._take_over(found, holds=holds)
        lost = wanted is not None and not self.view.currentIndex().isValid()
        self._announce(self.total)
        if lost and self._wanted is None is self._jumping and self._chosen is None:
            self.jump(wanted)

    def _let_go_of_replaced(self, keys: Keys, rows: Page) -> None:
        others, led_to = self.model.others_in(keys, rows), self._led_to
        if led_to is not None:
            row = dict(zip(keys, rows, strict=True)).get(led_to[0])
            if row is not None:
                self._led_to = None
                others = [key for key in others if (key, row[0]) != led_to]
        self._let_go(others)

    def _followed(self, asked: Keys, answer: tuple[Keys, Page]) -> None:
        before, (found, rows) = self.model.rowCount(), answer
        self._let_go_of_replaced(found, rows)
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
        bar = self.view.verticalScrollBar()
        was_at_top = self._left_top or bar.value() == 0
        self.is_changing = True
        try:
            with ExitStack() as kept:
                for view in dict.fromkeys((self.view, self._seen())):
                    name, find = self.model.key, self.model.row_of_key
                    kept.enter_context(view.kept_in_place(name, find, holds_top=holds_top))
                yield
        finally:
            self.is_changing = False
        self._left_top = was_at_top and bar.value() > 0
        if chosen is not None and not self.view.selectionModel().hasSelection():
            self._chosen = chosen
            self._choose_again()
        elif selected and current is not None and chosen is None:
            # To Qt, a row that has moved is gone; where one alone can be selected it selects the next then.
            has_it = self.view.selectionModel().hasSelection()
            moved_to = self.model.row_of_key(current)
            if moved_to is not None and not (has_it and self.view.chosen().row() == moved_to):
                self.view.select_row(moved_to)

    def _announce(self, total: int) -> None:
        """Says that the list is in sight; whoever hears it may jump, which goes before what was current."""
        self._wanted = None
        self._laid_out.start()
        self.loaded.emit(total)

    def _show_readable(self, why: DamagedFile) -> None:
        """Opens the list with the rows that damage has left."""

        def opened(listing: Listing) -> None:
            self.partly, self._top = why, None
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
            self.taking = Taking.ASKED if self.taking is Taking.REFRESHED else self.taking
            self._context.runner.failed.emit(error)
            self.kept.emit()
        else:
            self._not_shown(error)

    def _not_shown(self, error: TenantAdminError) -> None:
        self.is_selecting = False
        self._drop(_UNREAD)
        self._late.stop()
        self._query = self._shown = self._as_it_is = None
        self.model.reset_to(Listing(ListQuery(self.table.name), 0, range(0), ()))
        self.failed.emit(error)

    def _request_page(self, keys: Keys) -> Callable[[], None]:
        def came(page: Page) -> None:
            self._let_go_of_replaced(keys, page)
            self.model.set_page(keys, page)
            new_gaps = ((key, row) for key, row in zip(keys, page, strict=True) if key not in self.model.left)
            gone = [key for key, row in new_gaps if row is None]
            if gone and self._context.costs:  # else the list is read again by itself
                self.take_out(lambda: gone, holds=True)

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
        for timer in (self._laid_out, self._painted, self._late, self._rested):
            timer.stop()
        for task in self._tasks:
            task.cancel()
        self._tasks.clear()
        self._gone.clear()
        self.is_cut_short = False
        self._drop(_MOVED)


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
