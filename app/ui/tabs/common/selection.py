"""The selected rows of a list: what may be done with them, and the one that is read whole."""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from itertools import chain, islice
from typing import TYPE_CHECKING, Any, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal

from app.itemmodels.columns import Row
from app.services.records.change import READ_WHOLE
from app.services.records.known import Chosen
from app.services.records.list_query import Key, ListQuery
from app.services.records.lists import READ_EACH, Keys
from app.services.records.tables import flag
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.list_controller import ListController
from app.workers.runner import Runner, Task, watched
from models.engine import Database
from models.errors import Cancelled, NotAllowed, NotFound, TenantAdminError
from models.progress import Monitor

if TYPE_CHECKING:
    from app.ui.session.sight import InSight

Found = TypeVar("Found")

LOOKED_AT = 300
"""Selected rows asked whether an act applies to them; the act itself asks every one."""

COUNTED = 200_000
"""Of so many that are not at hand it is counted in the background, where reading them costs nothing; of all
rows of a list, however many they are.
"""

MANY = 5_000
"""Of more rows what an act reads first may take longer than a person waits without a word."""

COUNT_MS = 150
"""After which a selection is taken for the one that a person wants."""

LATE_MS = 150
"""After which what is shown of another record is no longer taken for that of the one selected."""

REST_MS = 150
"""Where each row that is read is charged, how long one stays on a record before it is read, unless one has
rested before: a key that is held passes many.
"""

_BY_IDS = "records are read and changed by their ids."
_NO_ID = f"It has no id, and {_BY_IDS} What the list shows of it can be copied."

GONE = "Deleted by another program."
"""Why nothing can be done to a record that was read before that."""

ALL_GONE = "All of those selected were deleted by another program."
"""The same of several."""

_TRIED = 3
"""Rows behind those that go that are looked for afterwards: each takes a look at a long list."""

_NOWHERE = -1
"""Qt's row of no index."""


def without_id(count: int, of: int) -> str:
    """Why nothing can be done to several records of which so many have none."""
    if of == 1:
        return _NO_ID
    have, them = ("has", "it") if count == 1 else ("have", "them")
    return f"{count:,} of the {of:,} {have} no id. Leave {them} out: {_BY_IDS}"


def require_ids(ids: list[Any]) -> list[Any]:
    """The same, of exactly the records that an act is about. Raises `NotAllowed` where one has none."""
    if count := sum(one is None for one in ids):
        raise NotAllowed(without_id(count, len(ids)))
    return ids


class Selection(QObject):
    """`Selection(context, rows, parent)`: what is selected in the list `rows`.

    Refusals are sentences that say why an act does not apply, None when it does. `counted()` when `values`
    says something else, and the list has said nothing.
    """

    counted = Signal()

    def __init__(self, context: Context, rows: ListController, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._rows = rows
        self._position = _NOWHERE
        self._going: Key | None = None
        self._behind: Keys = ()
        self._own: dict[Any, list[Row]] = {}
        self._asked_of: set[str] = set()
        self._own_columns: tuple[str, ...] = ()
        self._counts: dict[str, Counter[Any]] = {}
        self._counting: Task | None = None
        self._is_looking = False
        """Whether an act that takes long to read its rows is doing so."""
        self.awaits_form: Callable[[], bool] = lambda: False
        """Whether a form is about to open, for which a person may type already."""
        self.gone = ""
        """Why nothing can be done to the record that is shown, where it was deleted since it was read."""
        self._wanted = object()
        self._count_soon = QTimer(self, singleShot=True, interval=COUNT_MS)
        self._count_soon.timeout.connect(self._count)
        rows.loaded.connect(self._select_next)
        rows.loaded.connect(self._count_again)
        rows.view.selection_changed.connect(self._count_again)

    def records(self) -> list[Row]:
        """The selected rows that are at hand, at most some hundreds: enough to say what applies to them."""
        rows = islice(chain.from_iterable(self._rows.view.selected_ranges()), LOOKED_AT)
        found = (self._rows.model.record(row) for row in rows)
        return [record for record in found if record is not None]

    @property
    def gone_count(self) -> int:
        """How many of those selected are shown though another program has deleted them. They are in sight:
        out of it such rows leave the list.
        """
        ranges, model = self._rows.view.selected_ranges(), self._rows.model
        if sum(map(len, ranges)) > LOOKED_AT:
            sight = self._rows.view.rows_in_sight()
            ranges = [range(max(of.start, sight.start), min(of.stop, sight.stop)) for of in ranges]
        return sum(map(model.is_gone, chain.from_iterable(ranges)))

    @property
    def there_count(self) -> int:
        """How many are selected without those."""
        return self._rows.selected_count() - self.gone_count

    def seen(self) -> "InSight":
        """What the list shows of its rows now, but for those that the person's own acts have changed since it
        read them, or change until what is asked for is done.
        """
        from app.services.records.applying import seen_of  # noqa: PLC0415 - rows show before any act

        table, at_hand = self._rows.table.name, self._rows.model.at_hand()
        return self._context.sight.take(seen_of(table, (row for row in at_hand if not self._is_own(row))))

    def outdate(self, record_ids: Collection[object]) -> None:
        """These records have been changed here; what the list shows of them is about to be read again."""
        own = defaultdict[Any, list[Row]](list)
        for row in self._rows.model.at_hand():
            if row[0] in record_ids:  # twice, where it was read again, and as it was before
                own[row[0]].append(row)
        self._own |= own
        self._count_again()

    def _is_own(self, row: Row) -> bool:
        return any(row is one for one in self._own.get(row[0], ()))

    def with_ids(self, use: Callable[..., Any]) -> None:
        """Calls `use(ids, gone=0)` with the ids of exactly the rows selected now, and how many of these are
        there no more; where that is all of them, it is said. Where each call takes its time the ids of rows
        that are shown are not asked for.
        """
        known = self._shown_ids() if self._context.costs else []

        def ids(database: Database, chosen: Chosen) -> tuple[list[Any], int]:
            is_known = len(known) == len(chosen.keys)
            found = known if is_known else require_ids(list(chosen.ids(database)))
            return found, len(chosen.keys) - len(found)

        def give(found: tuple[list[Any], int]) -> None:
            if found[0]:
                use(found[0], gone=found[1])
            else:
                self._context.say(ALL_GONE if found[1] > 1 else GONE)

        self.in_turn(ids, give, each=READ_EACH + READ_WHOLE)

    def _shown_ids(self) -> list[Any]:
        """The ids of the selected rows that are at hand whole, unless the list is behind with one of them."""
        rows = self.records()
        if any(map(self.is_behind, rows)):
            return []
        return [row[0] for row in rows if row[0] is not None]

    def in_turn(
        self,
        read: Callable[[Database, Chosen], Found],
        use: Callable[[Found], Any],
        on_failed: Callable[[TenantAdminError], Any] | None = None,
        *,
        asks: bool = False,
        each: int = READ_EACH,
    ) -> None:
        """Reads something of exactly the rows selected now, off the interface thread, and calls `use` with
        it: in the order asked, whichever of several readers is the first to end. Where it `asks` a person
        about what is found, it reads when their own acts before have been written. `each` row is charged so
        often at most, where it is. What takes long then is shown, can be cancelled, and lets no other act
        begin.
        """
        runner, failed = self._context.runner, on_failed or self._context.runner.failed.emit
        lists, known = self._context.lists, self._rows.known()
        turns = self._context.turns
        turn = turns.take()  # before the keys of a long list have come: an Undo may be asked for meanwhile

        def begin(query: ListQuery, keys: Keys) -> None:
            is_charged = self._context.costs
            is_long = len(keys) > (LOOKED_AT if is_charged else MANY)

            def ended() -> None:
                if is_long:
                    self._is_looking = False
                    self.counted.emit()

            def not_read(error: TenantAdminError) -> None:
                ended()
                turns.drop(turn, partial(failed, error))

            def done(found: Found) -> None:
                ended()
                turns.give(turn, partial(use, found))
                if asks:  # nothing that is written says that it has ended
                    self.counted.emit()

            chosen = Chosen(lists, query, keys, known)

            def read_known(database: Database) -> Found:
                if is_charged:
                    return read(database, chosen)
                with database.snapshot():
                    return read(database, chosen)

            def work(monitor: Monitor) -> Found:
                database = self._context.opened.database
                may_end = database.cancellable(monitor.cancelled)
                connected = database.connection_context()
                with database.expected_errors(), connected, may_end, watched(monitor):
                    return read_known(database)

            look = partial(runner.read, read_known, on_done=done, on_failed=not_read)
            if is_long:
                self._is_looking = True
                said = f"Reading {counted(len(keys), *self._rows.table.noun)}…"
                job = partial(self._context.job, at_once=is_charged, in_rows=False)
                look = partial(job, said, work, on_done=done, on_failed=not_read)
                self.counted.emit()
            if asks:
                turns.begin(turn, partial(runner.when_written, look, not_read))
            else:
                look()

        def refused(error: TenantAdminError) -> None:
            turns.drop(turn, partial(failed, error))

        most = self._context.opened.database.most_at_once if asks else None
        self._rows.when_agreed(begin, partial(turns.drop, turn), each=each, most=most, refused=refused)

    def look_at(self, columns: Iterable[str], own: Iterable[str] = ()) -> None:
        """Counts the values of these columns as well, of each selection of several that is not at hand; and
        those of columns that only the file has, its `own`, which no list has at hand.
        """
        self._asked_of.update(columns)
        self._own_columns = (*own,)
        self._count_again()  # a first selection is there when what tells of it is made

    def spread(self, columns: Sequence[str]) -> "dict[str, Counter[Any]] | None":
        """The values of several columns, where all rows are at hand and none is behind; of more rows those
        alone that are counted, None where nothing is.
        """
        records = self.records()
        if self._is_acting or any(map(self._is_own, records)):
            return None
        if len(records) < self.there_count:
            return {name: self._counts[name] for name in columns if name in self._counts} or None
        names = self._rows.table.names
        at_hand = {
            name: Counter(row[names.index(name)] for row in records) for name in columns if name in names
        }
        return at_hand | {name: self._counts[name] for name in columns if name in self._counts}

    @property
    def is_counted(self) -> bool:
        """Whether what is not at hand is counted, in a while or by now."""
        return bool(self._counts) or self._counting is not None or self._count_soon.isActive()

    def values(self, column: str) -> Counter[Any] | None:
        """How many of exactly the rows selected now have which value; None while that is not known, of rows
        that are not all at hand or that the list is behind with.
        """
        self._asked_of.add(column)
        if self._is_acting:
            return None
        records, position = self.records(), self._rows.table.names.index(column)
        if len(records) < self.there_count:
            return self._counts.get(column)
        if any(map(self._is_own, records)):
            return None
        return Counter(row[position] for row in records)

    def _count_again(self) -> None:
        self._counts, self._wanted = {}, object()
        if self._counting is not None:
            self._counting.cancel()
            self._counting = None
        at_hand, selected, there = len(self.records()), self._rows.selected_count(), self.there_count
        few = selected <= COUNTED or selected == self._rows.model.rowCount()
        may_read = not (self._context.costs or self._rows.is_cut_short)  # that is told to who acts
        is_asked = at_hand < there and few and self._asked_of and may_read
        # Of few records that is no more than is read of one.
        has_own = selected > 1 and self._own_columns and few and (may_read or self._may_read_own(selected))
        if is_asked or has_own:
            self._count_soon.start()
        else:
            self._count_soon.stop()

    def _may_read_own(self, selected: int) -> bool:
        return (
            selected <= LOOKED_AT and not self._rows.is_cut_short and len(self.records()) == self.there_count
        )

    def count(self) -> None:
        """Counts what is not at hand where each row is charged: a person asks for it."""
        self._rows.when_agreed(self._counting_of(asked=True), lambda: None, each=READ_EACH)

    def _count(self) -> None:
        self._rows.when_selected(self._counting_of(), dropped=lambda words: None)

    def _counting_of(self, *, asked: bool = False) -> Callable[[ListQuery, Keys], None]:
        lists, wanted, is_charged = self._context.lists, self._wanted, self._context.costs
        selected, own = (
            self._rows.selected_count(),
            self._own_columns if self._rows.selected_count() > 1 else (),
        )
        columns = [] if len(self.records()) == self.there_count else sorted(self._asked_of)
        are_all = not is_charged and selected == self._rows.model.rowCount()

        def read(database: Database, query: ListQuery, keys: Keys) -> dict[str, Counter[Any]]:
            counts: dict[str, Counter[Any]] = {}
            if are_all and columns:
                chosen, found = dict(query.choices), lists.choices(database, query, columns)
                for name, of in found.items():
                    kept = ((value, n) for value, n in of if name not in chosen or value in chosen[name])
                    counts[name] = Counter(dict(kept))
                if any(of.total() != len(keys) for of in counts.values()):
                    counts = {}
            rest = [name for name in (*columns, *own) if name not in counts]
            if rest and len(keys) <= COUNTED:
                values = zip(*lists.rows(database, query, keys, rest, cut=True), strict=True)
                counts |= zip(rest, map(Counter, values), strict=False)
            return counts

        def done(counts: dict[str, Counter[Any]]) -> None:
            self._counting, self._counts = None, counts
            self.counted.emit()

        def failed(error: TenantAdminError) -> None:
            self._counting = None
            if asked and is_charged and not isinstance(error, Cancelled):
                self._context.runner.failed.emit(error)
                self.counted.emit()

        def begin(query: ListQuery, keys: Keys) -> None:
            if wanted is self._wanted:  # the keys may have come when something else is selected
                read_them = self._context.runner.read
                self._counting = read_them(read, query, keys, on_done=done, on_failed=failed)
                if is_charged:
                    self.counted.emit()

        return begin

    def is_behind(self, row: Row) -> bool:
        """Whether an act of the person is on its way, or has changed what the list shows as this row."""
        return self._is_acting or self._is_own(row)

    @property
    def _is_acting(self) -> bool:
        return bool(self._context.turns) or self._context.runner.is_writing

    def refusal(self, *, single: bool = False, writes: bool = True) -> str | None:
        if writes and self._context.cannot_write:
            return self._context.cannot_write
        if writes and (self._is_looking or self.awaits_form()):
            return "What was asked for before is still being read."
        count, noun = self._rows.selected_count(), self._rows.table.noun[0]
        if (gone := self.refusal_of_gone()) is not None:
            return gone
        if count > 1 and self.gone_count == count:
            return ALL_GONE
        if count == 0:
            return f"Select {'an' if noun[0] in 'aeio' else 'a'} {noun} first."
        if single and count > 1:
            return f"Select a single {noun}."
        most = self._context.opened.database.most_at_once
        is_known = not self._rows.model.estimated  # else what is written tells whether it goes in one call
        if writes and most is not None and count > most and is_known:
            return f"At most {counted(most, *self._rows.table.noun)} are changed at once here; select fewer."
        nameless = sum(row[0] is None for row in self.records()) if writes else 0
        return without_id(nameless, count) if nameless else None

    def refusal_of_gone(self) -> str | None:
        """Why nothing can be done to the one record that is shown or selected, which is there no more."""
        count = self._rows.selected_count()
        if count == 1 and self._rows.model.is_gone(self._rows.view.chosen().row()):
            return self.gone or GONE
        return self.gone or None if count == 0 else None

    def refusal_to_set(self, column: str, state: bool, already: str = "Already") -> str | None:
        """Why an act cannot give the rows the state of a flag: each one is known to have it `already`, which
        none is while the person's own acts are changing them or the list has not read them since. What is
        given as a sentence is said as it is.
        """
        refusal = self.refusal()
        if refusal is not None:
            return refusal
        values, word = self.values(column), self._rows.table.column(column).word(int(state))
        known = values is not None and all(flag(value) is state for value in values)
        sentence = already if already.endswith(".") else f"{already} {word}."
        return sentence if known else None

    def words(self, text: str, column: str, applies: Callable[[Any], bool], of_many: str = "") -> str:
        """The words of an act that goes by a column's value: "Kill 4 of 5" where it applies to some of the
        selected rows alone, "Kill 5" where to all of several, "Kill up to 300" as long as not all are known;
        or `of_many` with such a number for its "{}". Nothing is said of rows that the list is behind with.
        """
        values, count, words = self.values(column), self._rows.selected_count(), of_many or f"{text} {{}}"
        if values is not None:
            able = sum(rows for value, rows in values.items() if applies(value))
            if not able or count == 1:
                return text
            return words.format(f"{count:,}" if able == count else f"{able:,} of {count:,}")
        records, position = self.records(), self._rows.table.names.index(column)
        able = sum(applies(row[position]) for row in records)
        if able in {0, len(records)} or any(map(self.is_behind, records)):
            return text
        return words.format(f"up to {count:,}")

    def words_of_all(self, text: str, of_many: str) -> str:
        """The words of an act that applies to each record: with their number for its "{}" where several are
        selected and it is known how many these are.
        """
        selected, count = self._rows.selected_count(), self.there_count
        is_known = not self._rows.model.estimated or len(self.records()) == count
        if selected > count > 0:
            return of_many.format(f"{count:,} of {selected:,}") if is_known else text
        return of_many.format(f"{count:,}") if count > 1 and is_known else text

    def go_on(self) -> None:
        """The selected rows may go by the person's own act; the one after them takes their place."""
        ranges = self._rows.view.selected_ranges()
        self._position = ranges[0].start if ranges else self._rows.view.currentIndex().row()
        self._going = self._rows.model.key(self._position)
        after = ranges[0].stop if ranges else self._position + 1
        self._behind = self._rows.model.keys[after : after + _TRIED]

    def _select_next(self, total: int) -> None:
        position, self._position = self._position, _NOWHERE
        rows = self._rows.model.rowCount()
        if position == _NOWHERE or not rows:
            return
        if not self._rows.view.selectionModel().hasSelection():
            # Rows above may have gone or come as well, by others.
            places = (self._rows.model.row_of_key(key) for key in self._behind)
            after = next((place for place in places if place is not None), None)
            self._rows.view.select_row(min(position, rows - 1) if after is None else after)
        elif self._rows.model.estimated and self._rows.model.key(position) == self._going:
            self._position = position  # whether it has gone is known when its page has come


class CurrentRecord(QObject):
    """`CurrentRecord(runner, rows, load, parent)`; `load(database, record_id)` reads one record; with `rests`
    none of those that are passed within `REST_MS` but the first and the last.

    `came(record_id, record)` when the record that was selected last has been read, `failed(error)` when it
    cannot be, `left()` when nothing is selected any more; `late()` when another than was read is selected and
    has not come within `LATE_MS`. `record_id` is the one wanted, None for none; `reload()` reads it again.

    `gone()` when others have deleted it since it was read. Then it stays the one wanted, whether its row is
    still shown or not, until a person selects another or none, or looks at another list.
    """

    came = Signal(object, object)
    late = Signal()
    failed = Signal(object)
    left = Signal()
    gone = Signal()
    _is_worth_a_try = _by_form = False
    _is_late = False
    _is_gone = False
    """Whether what was read is there no more."""
    _is_leaving = False
    """Whether its row went out of the list; what is being read of it tells whether it is still there."""
    _place: tuple[Key | None, ListQuery | None] = None, None
    """The row of what was read, by its key, and the list that this was in."""

    def __init__(
        self,
        runner: Runner,
        rows: ListController,
        load: Callable[..., Any],
        parent: QObject,
        *,
        rests: bool = False,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._rows = rows
        self._load = load
        self._reading: Task | None = None
        self._read: tuple[object, Any] | None = None
        self._waiting: tuple[object, Callable[[Any], object]] | None = None
        self.record_id: object = None
        self._late = QTimer(self, singleShot=True, interval=LATE_MS)
        self._late.timeout.connect(self._say_late)
        self._rests, self._is_passed = rests, False
        self._rested = QTimer(self, singleShot=True, interval=REST_MS)
        self._rested.timeout.connect(self._read_last)
        rows.view.selection_changed.connect(self._follow)
        rows.model.dataChanged.connect(self._rows_came)
        rows.lost.connect(self._leave)
        rows.loaded.connect(self._leave_gone)

    def whole(self) -> Any | None:
        """What was read of the current record; None while it is on its way, or where it is gone."""
        if not self._is_gone and self._read is not None and self._read[0] == self._rows.current_id():
            return self._read[1]
        return None

    def when_whole(self, use: Callable[[Any], object], *, by_form: bool = False) -> None:
        """Calls `use` with the record that is current now, as soon as it has been read and announced; again
        where it is just read again, since what was read before may be changed. Until then it `is_for_form`
        where it is used `by_form`.
        """
        wanted, whole = self._rows.current_id(), self.whole()
        if whole is not None and self._reading is None and not self._is_passed:
            use(whole)
        elif wanted is not None:
            self._waiting, self._by_form = (wanted, use), by_form

    @property
    def is_for_form(self) -> bool:
        """Whether a form opens as soon as it has been read."""
        return self._waiting is not None and self._by_form

    def read_again(self, record_id: object, use: Callable[[Any], object]) -> None:
        """Reads a record again, and calls `use` with it; another one may be current by now, or none."""

        def came(record: Any) -> None:
            if record_id == self.record_id:
                self._came(record_id, record)
            use(record)

        self._runner.read(self._load, record_id, on_done=came)

    def reload(self) -> None:
        record_id = self.record_id
        if record_id is None:
            return
        self._stop_reading()
        self._is_passed = False

        def came(record: Any) -> None:
            self._reading = None
            self._came(record_id, record)

        self._reading = self._runner.read(self._load, record_id, on_done=came, on_failed=self._not_read)
        self._watch()

    def _watch(self) -> None:
        """Another than is shown may take long to come."""
        if self.whole() is None and not self._is_gone and not self._late.isActive():
            self._late.start()

    def _say_late(self) -> None:
        self._is_late = True
        self.late.emit()

    def _in_time(self) -> None:
        self._late.stop()
        self._is_late = False

    def _follow(self) -> None:
        row, record_id = self._rows.current_row(), self._rows.current_id()
        if not self._rows.view.selectionModel().hasSelection():
            # A neighbour is current when the selected row has gone, but nobody has chosen it.
            self._leave()
        elif row is None and self._is_gap():
            self._stop_reading()
            if self._has_read() and self._key() == self._place[0]:
                self._is_gone = False  # it may be the only one selected again
                self._lose()
            else:
                self._failed(NotFound(self._rows.table.noun[0]))
        elif row is None:
            self._rows.view.chosen().data()  # asks for it: a table that is out of sight paints none
            self._watch()
        elif record_id is None:
            self._stop_reading()
            self._failed(NotAllowed(_NO_ID))
        elif record_id != self.record_id:
            self._is_gone = False
            self.record_id = record_id
            self._is_passed = self._rests and self._rested.isActive()
            if self._rests:
                self._rested.start()
            if self._is_passed:
                self._stop_reading()
                self._watch()
            else:
                self.reload()

    def _read_last(self) -> None:
        if self._is_passed:
            self.reload()

    def stop(self) -> None:
        """Nothing is read after it."""
        self._rested.stop()
        self._late.stop()
        self._stop_reading()

    def _is_gap(self) -> bool:
        return self._rows.model.is_gone(self._rows.view.chosen().row())

    def _key(self) -> Key | None:
        return self._rows.model.key(self._rows.view.chosen().row())

    def _leave(self) -> None:
        self._in_time()
        self._waiting = None
        key, query = self._place
        is_out = (
            key is not None
            and self._rows.still_shows(query)
            and (self._rows.is_changing or self._rows.model.row_of_key(key) is None)
        )
        if is_out and self._is_gone:
            return  # nobody has selected another
        if is_out and self._reading is not None and self._has_read():
            self._is_leaving = True
            return
        self._left()

    def _left(self) -> None:
        self._stop_reading()
        self._is_passed = False
        self._is_gone = self._is_leaving = False
        self._place = None, None
        self.record_id = None
        self.left.emit()

    def _leave_gone(self) -> None:
        """Of what is not there any more nothing is told beside another list."""
        if self._is_gone and not self._rows.still_shows(self._place[1]):
            self._left()

    def let_go(self) -> None:
        """What was read may be deleted by the person: that needs no word."""
        self._read = None

    def _has_read(self) -> bool:
        return self._read is not None and self._read[0] == self.record_id is not None

    def _rows_came(self) -> None:
        """A record chosen before its row was at hand, by End or from elsewhere, can be read now.

        Without one nothing is left: after another order it is still being looked for.
        """
        row = self._rows.current_row()
        whole = self.whole()
        is_awaited = self._is_late or self._late.isActive()
        is_gone = row is None and is_awaited and self._is_gap()
        if is_gone or (row is not None and (row[0] is None or row[0] != self.record_id)):
            self._follow()
        elif whole is not None and self._reading is None and not self._is_passed and is_awaited:
            self._came(self.record_id, whole)  # the row of the same one came late, not the record

    def _stop_reading(self) -> None:
        self._is_leaving = False
        if self._reading is not None:
            self._reading.cancel()
            self._reading = None

    def _came(self, record_id: object, record: Any) -> None:
        self._in_time()
        self._is_worth_a_try = False
        if self._is_leaving:
            self._left()
            return
        self._is_gone = False
        self._read = (record_id, record)
        if record_id == self._rows.current_id():
            self._place = self._key(), self._rows.shown
        waiting, self._waiting = self._waiting, None
        self.came.emit(record_id, record)
        if waiting is not None and waiting[0] == record_id:
            waiting[1](record)

    def _not_read(self, error: TenantAdminError) -> None:
        self._reading = None
        if isinstance(error, NotFound) and self._has_read():
            self._lose()
        elif self._is_leaving:
            self._left()
        else:
            self._failed(error)

    def _lose(self) -> None:
        self._in_time()
        self._waiting, self._is_leaving = None, False
        if not self._is_gone:
            self._is_gone = True
            self.gone.emit()

    def _failed(self, error: TenantAdminError) -> None:
        self._in_time()
        self._is_gone = False
        self.record_id = self._read = self._waiting = self._reading = None
        self._is_worth_a_try = error.is_retriable
        self.failed.emit(error)

    def try_again(self) -> None:
        """Reads what could not be read a while ago, and may be now."""
        if self._is_worth_a_try and self.record_id is None:
            self._follow()
