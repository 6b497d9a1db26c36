"""A live D1 database as the engine: what a file does by transactions is done by one request a batch."""

import json
import math
import re
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext, suppress
from contextvars import ContextVar
from dataclasses import replace
from functools import cached_property
from operator import attrgetter
from secrets import token_hex
from typing import Any, Final, TypeVar, cast

from peewee import SQL, BaseQuery, Select

from models import errors
from models.d1.client import (
    ANOTHER_FORM,
    CALL_SECONDS,
    Answer,
    Client,
    Dropped,
    How,
    NotKnown,
    Refusal,
    TooLong,
)
from models.d1.errors import (
    ENDED,
    WAITING,
    DatabaseFull,
    DatabaseGone,
    Failed,
    InUse,
    NotOffered,
    NotReached,
    Patience,
    ReturnUnknown,
    UnknownDatabase,
    in_background,
    rest,
)
from models.d1.shared import Bookmark, Sent
from models.d1.statements import body, compiled, fits, gives_one, guard_of, guarded, text_of
from models.engine import (
    D1_LIMITS,
    MOST_OWN,
    Capability,
    Database,
    KnownEnds,
    KnownEntry,
    LostEntry,
    OwnEntry,
    Rows,
    Settled,
    Statement,
    TriedRows,
    identity_of,
    raw,
    sql_name,
    within,
)
from models.genesis import BEGINS_BEHIND
from models.progress import Stop, Waiting, never
from models.refusals import constraint, sql_error
from models.schema import StoredTable, StoredTables, caseless, read_stored
from models.tables import TABLE_NAMES, AuditEntry

T = TypeVar("T")

_UNWANTED: ContextVar[Stop] = ContextVar("unwanted", default=never)
"""Whether nobody wants the thread's answers any more."""
_LEFT: ContextVar[Stop] = ContextVar("left", default=never)
"""Whether whoever waits for what the thread writes has left."""
_CHAIN: Final = AuditEntry._meta.table_name
_MADE: Final = """
SELECT lower(tbl_name), sql, type IN ('table', 'index') FROM sqlite_master WHERE sql IS NOT NULL
ORDER BY type = 'index'
"""
_HOW_MADE: Final = "(SELECT json_group_array(sql) FROM sqlite_master WHERE sql IS NOT NULL)"
"""The same for a comparison: a row for each object, where asking for columns reads as many again for each."""
_WHICH_GONE: Final = f"""
SELECT asked.value ->> 0 FROM json_each(?) AS asked
WHERE NOT EXISTS (
  SELECT 1 FROM main.{_CHAIN}
  WHERE seq = asked.value ->> 2 AND hash = asked.value ->> 3 AND +tenant_id = asked.value ->> 1
)
AND NOT coalesce((SELECT {BEGINS_BEHIND.format(seq="asked.value ->> 2")} FROM main.{_CHAIN}
  WHERE tenant_id = asked.value ->> 1 ORDER BY seq LIMIT 1), 0)
"""  # noqa: S608
"""By hand: one value for any number of entries. Where another has the number of one that was pruned, a
verification finds out which was first (`ChainRows.was_free`): a look reads no markers.
"""
_GONE: Final = (
    f"(SELECT json_group_array(position) FROM ({_WHICH_GONE.replace('->> 0', '->> 0 AS position', 1)}))"  # noqa: S608
)
_LATELY: Final = f"""
SELECT seq, created_at FROM main.{_CHAIN} WHERE tenant_id = ? AND hash = ? ORDER BY seq DESC LIMIT 1
"""  # noqa: S608
_MOST_AT_ONCE: Final = 10_000
"""Records of one act, of about 2 kB each: so many take 3 s here and 2 of D1's 30, and where 5 Mbit/s are sent
they arrive within `CALL_SECONDS`. Of 120,000, 197 MB, the answer was lost.
"""
_MOST_SENT: Final = 40_000_000
"""Bytes of one call; records may be longer, and rows go along with them."""
_TRIES: Final = 5
_BACK_OFF: Final = 0.2
"""Seconds before the second try; doubled for each further one."""
_FIGURE: Final = re.compile(r"[0-9a-f]", re.IGNORECASE)
"""What bookmarks are made of, beside the hyphens between their parts."""
_ENDED: Final = "the wait for it was ended"
_PASSING: Final = InUse, DatabaseFull, Failed
"""What refuses a call for now, and may let a copy in that is still on its way."""


class D1Database(Database):
    """One database of an account, or of a `wrangler dev`.

    Any thread may read and write; each call is a request of its own, and no snapshot spans two. What a batch
    has done is known exactly: where the answer is lost, the same bytes are sent again, which its guard on the
    chain's end lets in once at most, and then its `proof` tells.
    """

    limits = D1_LIMITS
    readers = 4  # which only wait
    most_at_once = _MOST_AT_ONCE
    through_json = True
    verified: KnownEnds
    look_seconds = 30.0  # each look is a request
    capabilities = frozenset({Capability.BACKUP, Capability.SETTLES, Capability.OUTSIDE_CHANGES})

    def __init__(
        self,
        client: Client,
        database_id: str,
        *,
        read_only: bool = False,
        within: "Callable[[D1Database], str] | None" = None,
    ) -> None:
        """`within` says what has it where there is no account, whose databases alone have an id each: a file,
        a project; without it, the address. It is asked once, and may ask the database.
        """
        self.client, self.database_id, self.read_only = client, database_id, read_only
        if client.account is not None:  # `wrangler dev` has none, and a file that others may write
            self.capabilities |= {Capability.TIME_TRAVEL}
            self.trusts_indexes = True
        self._within = within
        self.usage = client.meter
        self._made: tuple[object, dict[str, list[str]], list[str]] | None = None
        """What makes the tables that were read last: by table, and all of it in order."""
        self._shape: list[Rows] | None = None
        """The tables as they were at the last look."""
        self._ends: str | None = None
        """The last row of each table of ours, as this program has read or written last."""
        self._last: dict[str, int] = {}
        """The highest number that each of them was found to have."""
        self._newest: tuple[int, str | None] = 0, None
        """The number and the hash of the audit chain's last entry, as they were found together."""
        self._act: tuple[str | None, str] = None, ""
        """The hash of the last entry of an own act, and what that is called."""
        self._newest_at = 0.0
        self.grown: Counter[str] = Counter()
        self.grown_by_others: Counter[str] = Counter()
        self._others = 0
        """How often they were found to be others."""
        self._open: dict[int, Sent] = {}
        """What this one has met, by number, and not told yet what has become of it."""
        self._told: dict[int, tuple[Sent, bool] | None] = {}
        """By number, what has become of those that were asked for; None once a person has heard it."""
        self._refused: set[int] = set()
        """Those that this one was answered to be none, until it is told what has become of them."""
        self._not_here: set[int] = set()
        """What was sent to another address, and is not in here."""
        self.verified = KnownEnds()
        self._in_doubt = False
        """Whether an own batch may still come through, so that no row tells whose it is."""
        self._has_moved = False
        """Whether the last batch came too late for the end of a chain."""
        self._locked = Patience(_LOCKED, InUse, client.say)
        self._unanswered = Patience(_UNANSWERED, errors.RemoteError, client.say)

    @property
    def place(self) -> str:
        return self.client.name

    @property
    def newest(self) -> tuple[int, str | None]:  # type: ignore[override]
        return self._newest

    @cached_property
    def identity(self) -> str:  # type: ignore[override]
        """As `Database` has it; may wait for an answer where it is asked for first."""
        within = self.client.account or (self._within(self) if self._within else self.client.base)
        return identity_of(within, self.database_id)

    def release(self) -> None:
        self.client.close()

    def connection_context(self) -> AbstractContextManager[None]:
        return nullcontext()

    @property
    def is_refused(self) -> bool:
        return self.client.is_refused

    def cancellable(self, cancelled: Stop) -> AbstractContextManager[None]:
        return within(_UNWANTED, cancelled)

    def in_background(self, cancelled: Stop = never) -> AbstractContextManager[None]:
        return in_background(cancelled)

    @contextmanager
    def awaited(self, left: Stop = never) -> Iterator[None]:
        waiting = self.waiting = Waiting(f"Waiting for the answer of {self.place}", time.monotonic())
        try:
            ended = self.cancellable(lambda: waiting.cancelled)
            with within(WAITING, waiting), within(_LEFT, left), ended:
                yield
        finally:
            self.waiting = None

    def rows(self, query: BaseQuery) -> Rows:
        return self.read_batch([query])[0]

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        if not queries:
            return []
        newest, own = self._newest, self._newest_own()
        ends = self._ask_ends(newest[0], own) if self._ends is None else []
        last, read = self._last.get(_CHAIN, 0), self.last_read
        made = [] if read is None or (self._made and self._made[0] is read) else [compiled(raw(_MADE))]
        asked = [*map(compiled, queries)]
        try:
            found = self._read([*asked, *ends, *made], _stop())
        except (errors.TableMissing, errors.ColumnMissing):
            if not ends:
                raise
            # One of those that were there is gone, perhaps none that was asked for.
            self._keep_shape()
            self.last_read, ends = None, []
            found = self._read([*asked, *made], _stop())
        if made:
            rows = found.pop()
            self._made = read, {}, sorted(sql for _, sql, _ in rows)
            for table, sql, is_part in rows:
                if is_part:
                    self._made[1].setdefault(table, []).append(sql)
        if ends:
            ((now, there, gone),) = found.pop()
            self._keep_ends(now, last, parts=_is_other(there, newest))
            self._miss(gone, own)
        return found

    def outside_changes(self) -> int:
        """As the ends of the tables tell, which cost a row each, and what makes the tables: what is only
        changed, or goes from between, is not noticed.
        """
        newest = self._newest  # before the question, which other threads may know the answer to meanwhile
        known_ends = self._looked_for()
        ends, made, last = self._ask_ends(newest[0], known_ends), self._made, self._last.get(_CHAIN, 0)
        if not ends and (self._in_doubt or not self.is_watched):
            return self._others
        known = made[2] if made is not None and made[0] is self.last_read else None
        self._keep_shape()
        try:
            if ends and known is not None:
                asked = [{**ends[0], "sql": f"{ends[0]['sql']}, {_HOW_MADE}"}]
                (((now, there, gone, how),),) = self._read(asked)
                self._note(now, now, last, parts=_is_other(there, newest))
                self._miss(gone, known_ends)
                self.looks_at_all = False
                with errors.well_formed(self.place):
                    if sorted(json.loads(how)) != known:
                        self.last_read = None
        except (errors.TableMissing, errors.ColumnMissing):
            self.last_read = None
        if self.last_read is None:  # by others' acts, of which an own one may have heard first
            self._ends = None
            read_stored(self)
            self.rows(raw("SELECT 1"))
        before, self._shape = self._shape, None if self.last_read is None else self.last_read[0]
        if before is not None and before != self._shape:
            self._others += 1
        return self._others

    def _keep_shape(self) -> None:
        """Before the first look the tables are known as they were when the database was opened."""
        if self._shape is None and self.last_read is not None:
            self._shape = self.last_read[0]

    @property
    def tables_looked_at(self) -> StoredTables | None:
        return None if self.last_read is None else self.last_read[1]

    def _looked_for(self) -> list[KnownEntry]:
        """The own entries, and the ends that were verified: each row that is looked at is charged."""
        own, verified = self._newest_own(), self.verified
        first = [*(one.tenant for one in own), *([] if self.in_sight is None else [self.in_sight])]
        return _once([*own, *(verified.all if self.looks_at_all else verified.some(first))])

    def _newest_own(self) -> list[OwnEntry]:
        return sorted(self.own.values(), key=attrgetter("number"))[-MOST_OWN:]

    def _ask_ends(self, number: int = 0, known: Sequence[KnownEntry] = ()) -> list[dict[str, Any]]:
        """The question for the ends of the tables, for the hash of the entry with this number, and for those
        of the `known` entries that are gone; none where nobody watches them.
        """
        if self._in_doubt or not self.is_watched or self.last_read is None:
            return []
        stored = self.last_read[1]
        there = f"(SELECT hash FROM main.{_CHAIN} WHERE seq = {number})" if _has_hashes(stored) else "NULL"  # noqa: S608
        asked = _asked_for(known) if _has_chains(stored) else []
        gone = ", ".join([_GONE] * len(asked))
        return [compiled(raw(f"SELECT {self._ends_of(stored)}, {there}, json_array({gone})", *asked))]

    def _miss(self, gone: object, known: Sequence[KnownEntry]) -> None:
        """Of the `known` entries that were asked for, those that are gone are so for whoever tells it."""
        try:
            parts = json.loads(gone) if isinstance(gone, str) else []
            lost = [known[position] for part in parts for position in part]
        except (*errors.MISREAD, IndexError):
            return
        places = {end.place for end in lost}
        ends = [end for end in self.verified.of(end.tenant for end in lost) if end.place in places]
        own = [one for one in self.own.values() if one.place in places]
        if not (own or ends):  # told by now
            return
        self.own = {name: one for name, one in self.own.items() if one not in own}
        self.verified.miss(ends)
        self.went_back = self._last.get(_CHAIN, 0) if self.went_back is None else self.went_back
        for one in _once([*own, *ends]):
            is_own, act = isinstance(one, OwnEntry), one.act if isinstance(one, OwnEntry) else ""
            self._lose_one(LostEntry(one.number, one.head, one.at, act, one.tenant, verified=not is_own))
        self._lock_what_is_unlocked()

    def _lose_one(self, entry: LostEntry) -> None:
        """Keeps it, by what tells more of it, for whoever tells it."""
        entries = {one.number: one for one in self.lost_entries}
        same = entries.get(entry.number)
        if same is None or not same.act:
            entries[entry.number] = entry
        self.lost_entries = tuple(entries[number] for number in sorted(entries))

    def _lock_what_is_unlocked(self) -> None:
        """What a person has unlocked is another state; also for the act that waits behind this."""
        if self.writable_until < math.inf:
            self.writable_until = 0.0

    def _ends_of(self, stored: StoredTables) -> str:
        """How far each table of ours goes, and the hash of the last entry, as an array in JSON."""
        ends = [
            f"(SELECT CAST(max({sql_name(str(table.rowid))}) AS TEXT) FROM main.{sql_name(table.name)})"  # noqa: S608
            for table in self._ours(stored)
        ]
        newest = f"(SELECT hash FROM main.{_CHAIN} ORDER BY seq DESC LIMIT 1)"  # noqa: S608
        return f"json_array({', '.join([*ends, newest if _has_hashes(stored) else 'NULL'])})"

    def _note(self, before: str | None, after: str | None, last: int, *, parts: bool = False) -> None:
        """Keeps the ends as they are `after` an own batch, which others have written before where they were
        not as they are known; `last` and `parts` as `_keep_ends` has them.
        """
        if None not in (self._ends, before) and before != self._ends:
            self._others += 1
        self._keep_ends(before, last, parts=parts)
        self._keep_ends(after, 0, by_others=False)

    def _keep_ends(
        self, ends: str | None, chain_end: int, *, by_others: bool = True, parts: bool = False
    ) -> None:
        """`chain_end` is the last entry that was known when the question was sent: another thread may know a
        later one by the answer. The chain `parts` from that one where another has its number.
        """
        self._ends = ends
        if ends is None or self.last_read is None:
            return
        try:
            *numbers, head = json.loads(ends)
            lasts = [int(last or 0) for last in numbers]
        except errors.MISREAD:  # also behind a batch that is in
            self._ends = None
            return
        for table, last in zip(self._ours(self.last_read[1]), lasts, strict=False):
            before = self._last.get(table.name)
            if table.name == _CHAIN and (parts or last < chain_end):
                before = self.went_back = last  # of other tables, the last rows may be deleted
                self._lose()
                self._lock_what_is_unlocked()
            now = max(last, before or 0) if by_others or table.name != _CHAIN else last
            if before is not None:
                self.grown[table.name] += now - before
                self.grown_by_others[table.name] += (now - before) * by_others
            self._last[table.name] = now
            if table.name == _CHAIN and last == now:
                self._newest, self._newest_at = (last, head if isinstance(head, str) else None), time.time()

    def _lose(self) -> None:
        """Keeps the last entry that was known, which is not there any more, for whoever tells it."""
        (number, head), (own, act) = self._newest, self._act
        if head is not None:
            whose = next((one.tenant for one in self.own.values() if one.head == head), None)
            act = act if head == own else ""
            self._lose_one(LostEntry(number, head, int(self._newest_at), act, whose))

    @staticmethod
    def _ours(stored: StoredTables) -> list[StoredTable]:
        return [table for table in stored.values() if table.rowid and table.name in TABLE_NAMES]

    def _read(self, statements: Sequence[dict[str, Any]], cancelled: Stop = never) -> list[Rows]:
        sent = _Sending(statements)
        return self._asked(lambda: self._run(sent, cancelled, cancelled).rows, cancelled)

    def _asked(self, ask: Callable[[], T], cancelled: Stop) -> T:
        ended = ENDED.get()
        with self._unanswered.trying() as again:
            return repeated(self.place, ask, lambda: cancelled() or ended(), again)

    def refused(self, table: str, insertions: Sequence[Statement]) -> tuple[int, str] | None:
        """Tried here, on what makes the table."""
        from models.local.trial import refused  # noqa: PLC0415 - asked for before a deletion

        made = self._made_by(table)
        return None if not made else refused(made[0], [text_of(item.query) for item in insertions])

    def refused_change(
        self,
        table: str,
        columns: Sequence[str],
        insertions: Sequence[Statement],
        changes: Sequence[Statement],
        given: Collection[str],
    ) -> list[tuple[int, str]]:
        """As `refused`, without the other rows of the table, each of which would be charged."""
        from models.local.trial import refused_change  # noqa: PLC0415 - asked for before a deletion

        made = self._made_by(table)
        there, after = ([text_of(item.query) for item in items] for items in (insertions, changes))
        return refused_change(made, table, columns, (there, after), given=given)

    def accepted(self, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
        from models.local.trial import accepted  # noqa: PLC0415 - asked for after the first rows are shown

        made = self._made_by(table)
        return accepted(made[0], table, column, values) if made else frozenset(values)

    def try_rows(
        self, table: str, rows: Sequence[Mapping[str, Any]], wanted: Collection[str], cancelled: Stop = never
    ) -> TriedRows | None:
        """Here, on what makes the table, without its other rows."""
        from models.local.trial import try_rows  # noqa: PLC0415 - asked for before many are added

        return try_rows(self._made_by(table), table, rows, wanted, cancelled)

    def may_refuse(self, table: str, given: Collection[str]) -> bool:
        from models.local.trial import may_refuse  # noqa: PLC0415 - asked for before a removal

        return may_refuse(self._made_by(table), table, given)

    def _made_by(self, table: str) -> list[str]:
        """With its indexes. They come with what is read first of the tables, and again where that changed."""
        if self.last_read is None:
            read_stored(self)
        if self._made is None or self._made[0] is not self.last_read:
            self.rows(raw("SELECT 1"))
        return [] if self._made is None else self._made[1].get(caseless(table), [])

    def bookmark(self, why: str) -> str | None:
        if Capability.TIME_TRAVEL not in self.capabilities:
            return None
        found = self.bookmarks()[0].name
        with suppress(errors.StorageError):  # a full disk keeps nobody from having it
            self.client.shared.keep_bookmark(self.identity, found, why)
        return found

    def _now(self) -> str | None:
        stop = _stop()
        return self._asked(lambda: self.client.bookmark(self.database_id, stop), stop)

    def bookmark_at(self, at: float) -> str:
        """The last bookmark at or before a time, in epoch seconds. Raises `InvalidInput` for one that is to
        come, `NotOffered`, and what the API says of one that it does not reach, `Failed`.
        """
        if why := why_no_time(at):
            raise errors.InvalidInput("time", why)
        found = repeated(self.place, lambda: self.client.bookmark(self.database_id, at=at))
        if found is None:
            raise NotOffered(self.place)
        return found

    def keep_bookmark(self, why: str) -> str:
        """Keeps the bookmark of now. Raises `NotOffered`, `RemoteError`, and what keeps it off the disk."""
        now, _ = self.bookmarks()
        self.client.shared.keep_bookmark(self.identity, now.name, why)
        return now.name

    def bookmarks(self) -> tuple[Bookmark, list[Bookmark]]:
        """What leads back to the state of now, which is not kept, and those that were kept, the newest first.

        Raises `NotOffered` where the API has no Time Travel, and `RemoteError`.
        """
        now = self._now()
        if now is None:
            raise NotOffered(self.place)
        return Bookmark(now, "as it is now", time.time()), self.client.shared.bookmarks(self.identity)

    def before_going_back(self, bookmark: str) -> str:
        """The bookmark of now, where nothing that can be known first keeps the database from going back.

        Raises `ReadOnlyFile`, `OutcomeUnknown` while an act is not known to be saved, `NotOffered` where the
        API has no Time Travel, `InvalidInput` for what is no bookmark, and `RemoteError`.
        """
        self.require_writable()
        self._settle()
        now = self.bookmarks()[0].name
        if not are_alike(bookmark, now):
            raise errors.InvalidInput(
                "bookmark", f"That is no bookmark of {self.place}: one looks like {now}. Nothing was changed."
            )
        if _is_later(bookmark, now):
            raise errors.InvalidInput("bookmark", "That bookmark is of a time to come. Nothing was changed.")
        return now

    def go_back(self, bookmark: str) -> str:
        """Brings the database back to a bookmark, by Time Travel; the bookmark that leads forward again.

        One is on the disk before anything is sent. What others wrote between is behind the one that the API
        names with its answer, which is kept as well, and returned where it is given. It is sent once: where
        no answer tells, it may be done or still arrive, and a second one would take with it what others have
        written behind the first. So it is looked whether it was; what is there then is kept, too.

        Raises as `before_going_back` does, and `ReturnUnknown`.
        """
        before, held = self.before_going_back(bookmark), self._held()
        self.client.shared.keep_bookmark(self.identity, before, "before going back")
        try:
            exact = self.client.go_back(self.database_id, bookmark)
        except (NotReached, errors.RateLimited):  # nothing was done
            raise
        except (NotKnown, Refusal, errors.StorageError) as error:
            self._look_back(before, held, error)
            return before
        if exact is None or _is_later(
            before, exact
        ):  # another call's answer may have come in place of its own
            self._look_back(
                before, held, NotKnown("its answer does not name the bookmark of what was before")
            )
            return before
        self.last_read = None
        with suppress(errors.StorageError):  # the other one is kept
            self.client.shared.keep_bookmark(self.identity, exact, "just before going back")
            return exact
        return before

    def _look_back(self, before: str, held: tuple[int, str], error: Exception) -> None:
        """Looks whether it went back all the same, which no answer but success tells: what stands between
        may let a call through, and refuse it behind that. Raises what the `error` stands for where all is as
        it was, and `ReturnUnknown`, also for what may still arrive. A return that changes no end of a table
        is told by the bookmark of now alone, which each write and each return makes another.
        """
        now = mark = None
        with suppress(errors.StorageError):
            now = self._held()
            mark = self.bookmarks()[0].name
            if mark != before:
                self.client.shared.keep_bookmark(self.identity, mark, "after a return without an answer")
        self.last_read = None
        if now is not None and now[0] < held[0]:  # nothing else takes the newest entries away
            return
        why = str(error)
        if not isinstance(error, NotKnown):
            if (now, mark) == (held, before):
                raise self._meant(error) from error
            what = "what it holds cannot be looked at" if mark is None else "its bookmark is another now"
            why = f"it answered that it refuses, and {what}"
        raise ReturnUnknown(self.place, why) from error

    def _meant(self, error: Exception) -> Exception:
        if isinstance(error, UnknownDatabase):  # no address
            return NotOffered(self.place)
        return _known(self.place, str(error)) if isinstance(error, Refusal) else error

    def _held(self) -> tuple[int, str]:
        """The number of the newest audit entry, 0 where there is none, and as text how far each table of ours
        goes, with that entry's hash.
        """
        newest = f"SELECT json_array(seq, hash) FROM main.{_CHAIN} ORDER BY seq DESC LIMIT 1"  # noqa: S608

        def asked(tables: StoredTables) -> list[BaseQuery]:
            return [raw(f"SELECT {self._ends_of(tables)}"), *([raw(newest)] if _CHAIN in tables else [])]

        with errors.well_formed(self.place):
            _, (((ends,),), *entries) = read_stored(self, asked)
            last = next((entry for rows in entries for (entry,) in rows), "[0]")
            return int(json.loads(last)[0]), f"{ends}{last}"

    def run_batch(self, statements: Sequence[Statement], *, cancelled: Stop = never) -> float:
        self.require_writable()
        self._require_none_came_in(self._settle())
        if cancelled() or _stop()():  # nothing was sent
            raise errors.Cancelled
        proven = next((one for one in reversed(statements) if one.proof is not None), None)
        ends, asked = self._ask_ends(), [one for one in statements if one.into is not None]
        back = self._unless_back(ends, {one.chain for one in statements if one.chain is not None})
        writes = guarded([*back, *(one for one in statements if one.into is None)])
        last = self._last.get(_CHAIN, 0)
        whole = [*ends, *writes, *(compiled(one.query) for one in asked), *ends]
        batch = _Sending(whole, looks_back=bool(back))
        self._require_fits(len(batch.body))
        # On the disk first: were this process to end now, the next one would have to ask.
        sent = None
        if proven is not None and proven.proof is not None:
            proof = compiled(proven.proof)
            told: Any = {"mark": proven.mark, "beside": proven.beside, "made": proven.made}
            sent = self.client.shared.keep(self.identity, proof, proven.what, self._where, **told)
        is_certain = is_answered = False
        try:
            answer = self._write(batch, sent, cancelled)
            is_certain, self._has_moved = True, False
            known = [] if answer is None else answer.rows
            for one, rows in zip(reversed(asked), known[-1 - len(ends) :: -1], strict=False):
                cast("Rows", one.into)[:] = rows
            if ends:
                before, after = (known[0][0][0], known[-1][0][0]) if known else (None, None)
                self._note(before, after, last)
                if after is not None:
                    self._act = self._newest[1], proven.what if proven is not None else ""
        except errors.TenantAdminError as error:
            is_certain = not isinstance(error, errors.OutcomeUnknown)
            if sent is not None and isinstance(error, errors.RateLimited) and error.was_sent:
                is_certain, sent, error.may_be_in = False, replace(sent, is_refused=True), True
                self._refused.add(sent.number)
            if isinstance(error, errors.MayBeIn) and proven is not None:
                error.act = error.act or proven.what
            is_answered = isinstance(error, errors.OutcomeUnknown) and error.is_answered
            self._has_moved = isinstance(error, errors.HeadMoved)
            raise
        finally:
            if not is_certain:
                self.client.count(lost=int(sent is None or not sent.is_refused))
                self._ends, self._in_doubt = None, sent is not None
            if sent is not None:
                if is_certain:
                    self.client.shared.forget(sent)
                else:
                    self._open[sent.number] = sent
                    self.client.shared.unknown(sent, is_answered=is_answered)
        return 0.0 if answer is None else answer.seconds

    def _unless_back(self, ends: Sequence[object], chains: Collection[str]) -> list[Statement]:
        """That the chain ends no sooner than it did, and no other entry has the number of its last one, where
        somebody watches it, nor is one gone that was made here, or through which one of these `chains` was
        verified: Time Travel may have brought it back since the last look, and what is asked for is meant for
        what was there before.
        """
        last = self._last.get(_CHAIN, 0) if ends else 0
        if not last or self.last_read is None:
            return []
        is_there: Any = SQL(f"(SELECT max(seq) FROM main.{_CHAIN}) >= ?", [last])  # noqa: S608
        number, head = self._newest
        if head is not None:
            other = f"NOT EXISTS (SELECT 1 FROM main.{_CHAIN} WHERE seq = ? AND hash <> ?)"  # noqa: S608
            is_there &= SQL(other, [number, head])
        if _has_chains(self.last_read[1]):
            own = [self.own[name] for name in sorted(chains) if name in self.own]
            known = _once([*self._newest_own(), *own, *self.verified.of(sorted(chains))])
            for asked in _asked_for(known):
                is_there &= SQL(f"NOT EXISTS ({_WHICH_GONE})", [asked])
        return [Statement(Select([], [SQL("1")]).where(is_there))]

    def require_fits(self, statements: Iterable[Statement]) -> None:
        self._require_fits(len(_Sending(guarded([*statements])).body))

    def _require_fits(self, size: int) -> None:
        if size > _MOST_SENT:
            why = f"{size / 1e6:.0f} MB, of which {100 * _MOST_SENT // size} % go in one request"
            raise errors.TooMuchAtOnce(self.place, why)

    def _write(self, batch: "_Sending", sent: Sent | None, cancelled: Stop) -> Answer | None:
        """Writes the batch, or finds out that it is in, where no answer tells more. Raises what keeps it out,
        and `OutcomeUnknown`.
        """
        unwanted, stop = _UNWANTED.get(), _stop()
        try:
            at_once = self._has_moved
            return self._run(batch, lambda: cancelled() or stop(), unwanted, at_once=at_once, is_write=True)
        except Dropped:
            raise errors.OutcomeUnknown(self.place, _ENDED) from None
        except NotKnown as error:
            why = str(error)
        except NotReached:  # certain
            raise
        except errors.RateLimited:  # which D1 answers before it carries anything out
            raise
        except errors.StorageError as error:
            # A network may send twice by itself, and the second copy is refused; and what stands between may
            # let a batch in, and say 403 or 404 of it behind that.
            if sent is None or not self._came_in(sent, error):
                raise
            self.client.count(lost=1)
            return None
        if sent is None:  # nothing would keep a second copy out
            raise errors.NothingTells(self.place, why)
        if (waiting := WAITING.get()) is not None:
            waiting.what = f"{self.place} gave no answer that tells; the same is sent again"
        with self._unanswered.trying() as again:
            tries = _Tries(self.place, again)
            try:
                while tries.rest(why, lambda: unwanted() or ENDED.get()()):
                    try:
                        return self._run(batch, unwanted, unwanted)
                    except NotKnown as error:
                        why = str(error)
                    except errors.RemoteError as error:
                        why = error.heading
                    except errors.StorageError as error:
                        # Kept out: by its own first copy, for good by another's write, or by what passes.
                        if self._is_in(sent):
                            self.client.count(lost=1)
                            return None
                        if not isinstance(error, _PASSING):
                            raise
                        why = error.heading
            except errors.Cancelled:
                why = _ENDED
            raise errors.OutcomeUnknown(self.place, why)

    def _came_in(self, sent: Sent, kept_out: errors.StorageError) -> bool:
        """Whether a first copy did. Raises `OutcomeUnknown` where that cannot be told."""
        try:
            return self._is_in(sent)
        except errors.OutcomeUnknown as unknown:
            is_missing = isinstance(kept_out, errors.TableMissing | errors.ColumnMissing)
            if is_missing and type(unknown.__cause__) is type(kept_out):  # for the question, too
                return False
            unknown.is_answered = True
            raise

    def _is_in(self, sent: Sent, unknown: type[errors.OutcomeUnknown] = errors.OutcomeUnknown) -> bool:
        """Raises `unknown` where that cannot be told."""
        try:
            return self._holds(sent)
        except errors.Cancelled:
            raise unknown(self.place, _ENDED).of(sent.what) from None
        except errors.StorageError as error:
            why = error.reason if isinstance(error, errors.NoAnswer) else error.heading
            raise unknown(self.place, why).of(sent.what) from error

    def _holds(self, sent: Sent) -> bool:
        """Whether it is in, asked so that no answer can lack its row."""
        asked = {**sent.proof, "sql": f"SELECT EXISTS ({sent.proof['sql']})"}
        (((is_in,),),) = self._read([asked], _UNWANTED.get())
        if type(is_in) is not int or is_in not in (0, 1):  # no word of SQLite's
            raise errors.NoAnswer(self.place)
        return is_in == 1

    def settle(self) -> Settled | None:
        known = self._settle()
        self.has_news = False
        for sent, found in known:
            self._open.pop(sent.number, None)
            self._refused.discard(sent.number)
            self._told[sent.number] = sent, found.saved
        every = [found for _, found in known]
        told = next(reversed([found for found in every if not found.saved] or every), None)
        return told and replace(told, others=tuple(found for found in every if found is not told))

    def heard(self) -> None:
        for number, told in list(self._told.items()):
            if told is not None:
                sent, saved = told
                self.client.shared.told(sent, saved=saved)
                self._told[number] = None

    @property
    def _where(self) -> str:
        """Which of an account's addresses it is; a `wrangler dev` has another at each start."""
        return self.client.base if self.client.account else ""

    def _settle(self) -> list[tuple[Sent, Settled]]:
        """As `settle`, for what tells nobody: what is found out stays, for whoever asks to tell it. What
        others were told of, and is open here, is told here, too.
        """
        known, shared = [], self.client.shared
        there = {sent.number: sent for sent in shared.left(self.identity, self._where)}
        # Another window of the person, say, was the first to ask.
        others = [one for one in (*self._open.values(),) if one.number not in there]
        heard = [replace(one, saved=shared.outcome(one)) for one in others]
        for sent in (*heard, *(one for one in there.values() if one.number not in self._told)):
            if sent.elsewhere:  # the same database, perhaps: what is in it is in, and nothing else is told
                if sent.number not in self._not_here and not sent.is_refused and self._is_here(sent):
                    shared.found_out(sent, saved=True)
                    known.append((sent, _became(sent, saved=True)))
                continue
            if sent.saved is not None:
                known.append((sent, _became(sent, saved=sent.saved)))
                continue
            self._open[sent.number] = sent
            if sent.is_refused:
                is_in = False
                with suppress(errors.TableMissing, errors.ColumnMissing):  # which it would have written to
                    is_in = self._holds(sent)
                if is_in:
                    self.client.count(lost=1)
                    shared.found_out(sent, saved=True)
                    known.append((sent, _became(sent, saved=True)))
                else:
                    shared.forget(sent)
                    del self._open[sent.number]
                continue
            found = _became(sent, saved=self._is_in(sent, errors.EarlierUnknown))
            left = _ON_ITS_WAY * self.client.seconds - sent.age()
            if not found.saved and left > 0:
                why = f"it may still be on its way, for {math.ceil(left)} s at most"
                unknown = errors.EarlierUnknown(self.place, why).of(sent.what)
                unknown.seconds = left
                raise unknown
            shared.found_out(sent, saved=found.saved)
            known.append((sent, found))
        for sent, found in known:
            if found.saved:
                self._remember(sent)
        self.has_news = self.has_news or bool(known)
        if self._in_doubt:  # what was asked before may have been answered since
            self._ends, self._in_doubt = None, False
        return known

    def _remember(self, sent: Sent) -> None:
        """As an act does whose answer came: nobody else does where the program ended before that."""
        if self.on_own is None or not sent.made:
            return
        with suppress(errors.StorageError):
            for number, at in self._read([compiled(raw(_LATELY, *sent.made[-1]))])[0]:  # none that is gone
                when = at if isinstance(at, int) else int(time.time())
                self.remember_own(sent.made, int(number), when, sent.what)

    def _is_here(self, sent: Sent) -> bool:
        """Whether what was sent to another address is known to be in here; it is asked once."""
        self._not_here.add(sent.number)
        try:
            return self._holds(sent)
        except errors.RemoteError:  # no answer
            self._not_here.discard(sent.number)
        except errors.StorageError:  # no such table, say
            pass
        return False

    def _require_none_came_in(self, known: Sequence[tuple[Sent, Settled]]) -> None:
        """Raises `SavedAfterAll` where a write is in that was said not to be: it may be being done again."""
        for sent, found in known:
            if found.saved and sent.number in self._refused:  # whoever has found that out
                self._refused.discard(sent.number)
                raise errors.SavedAfterAll(self.place, sent.what)

    def _run(
        self,
        sent: "_Sending",
        cancelled: Stop,
        dropped: Stop,
        *,
        at_once: bool = False,
        is_write: bool = False,
    ) -> Answer:
        """What these statements give, as one call, which is made as the client has it."""
        how: How = {"cancelled": cancelled, "dropped": dropped, "at_once": at_once, "is_write": is_write}
        statements = sent.statements
        with self._locked.trying() as again:
            while True:
                try:
                    answer = self.client.run(self.database_id, sent.body, **how)
                    break
                except UnknownDatabase:
                    raise DatabaseGone(self.place, self.database_id) from None
                except Refusal as error:
                    if (number := guard_of(str(error))) is not None:
                        is_back = sent.looks_back and number == 0
                        raise (errors.BroughtBack(self.place) if is_back else errors.RowChanged) from None
                    why = _known(self.place, str(error))
                    used = f"{self.place} is in use by another program"
                    if isinstance(why, InUse) and again(used, cancelled):
                        continue
                    raise why from error
        if len(answer.rows) != len(statements) + 1:
            raise NotKnown("its answer has not as many results as it should")
        if not fits(answer.rows, statements, sent.mark):
            raise NotKnown(ANOTHER_FORM)
        ones = (rows for rows, one in zip(answer.rows, statements, strict=True) if gives_one(one["sql"]))
        if any(len(rows) != 1 for rows in ones):
            raise NotKnown("its answer lacks a row, or has one too many")
        if answer.size is not None:
            self.size = answer.size
        self.clock_off = self.client.clock_off
        return answer


def _has_hashes(stored: StoredTables) -> bool:
    """Whether there is an audit chain whose entries have numbers and hashes."""
    return _CHAIN in stored and {"seq", "hash"} <= {*stored[_CHAIN].names}


def _has_chains(stored: StoredTables) -> bool:
    """The same of one whose entries tell in which tenant's chain they are, and behind which."""
    return _has_hashes(stored) and {"tenant_id", "previous_hash"} <= {*stored[_CHAIN].names}


_MOST_ASKED: Final = 1_000_000
"""Characters of entries that are asked for by one value: D1 takes two million bytes."""


def _asked_for(known: Sequence[KnownEntry]) -> list[str]:
    """These entries as JSON, for `_WHICH_GONE`: by their positions, in as few values as D1 takes."""
    texts, length = list[list[str]](), _MOST_ASKED
    for position, one in enumerate(known):
        text = json.dumps([position, one.tenant, one.number, one.head])
        if (length := length + len(text)) > _MOST_ASKED:
            texts.append([])
            length = len(text)
        texts[-1].append(text)
    return [f"[{','.join(part)}]" for part in texts]


def _once(known: Iterable[KnownEntry]) -> list[KnownEntry]:
    """Each entry but once, as the first of those that are the same."""
    return [*{one.place: one for one in reversed([*known])}.values()][::-1]


def _is_other(there: object, newest: tuple[int, str | None]) -> bool:
    """Whether the hash that is `there` is of another entry than the `newest` one that was known."""
    return isinstance(there, str) and newest[1] is not None and there != newest[1]


class _Sending:
    """Statements as they are sent in one call, once or several times; `looks_back` says that the first guard
    among them is whether the database was brought back (`_unless_back`).
    """

    def __init__(self, statements: Sequence[dict[str, Any]], *, looks_back: bool = False) -> None:
        self.statements, self.mark, self.looks_back = statements, token_hex(8), looks_back
        self.body = body(statements, self.mark)


def _became(sent: Sent, *, saved: bool) -> Settled:
    return Settled(saved, sent.what, mark=sent.mark, beside=sent.beside[0 if saved else 1])


def why_no_time(at: float) -> str:
    """Why a time, in epoch seconds, has no bookmark that leads back to it; "" where it may have one."""
    return "That time is still to come; nothing was changed." if at > time.time() else ""


def are_alike(bookmark: str, other: str) -> bool:
    """Whether a text has the form of a bookmark, as another has it."""
    return _FIGURE.sub("0", bookmark) == _FIGURE.sub("0", other)


def _is_later(bookmark: str, other: str) -> bool:
    """As texts they are in the order of time (developers.cloudflare.com/d1/reference/time-travel)."""
    return bookmark.lower() > other.lower()


def _stop() -> Stop:
    """Whether the calling thread is to send nothing more that it has not begun to send."""
    unwanted, left = _UNWANTED.get(), _LEFT.get()
    return lambda: unwanted() or left()


class _Tries:
    """Those of a call that gets no answer that tells: a few, and then what runs in the background goes on by
    `again`, as long as one call may take by itself.
    """

    def __init__(self, place: str, again: Callable[[str, Stop], bool]) -> None:
        self._place, self._again = place, again
        self._begun, self._number = time.monotonic(), 0

    @property
    def are_late(self) -> bool:
        return time.monotonic() - self._begun >= CALL_SECONDS

    def rest(self, why: str, cancelled: Stop) -> bool:
        """Before the next one; False where there were enough. Raises `Cancelled`."""
        number, self._number = self._number, self._number + 1
        if number < _TRIES - 1:
            rest(_BACK_OFF * 2**number, cancelled)
            return True
        said = f"{self._place} does not answer as it should ({why})"
        return not self.are_late and self._again(said, cancelled)


def _enough(what: str, cancelled: Stop) -> bool:
    return False


def repeated(
    place: str, ask: Callable[[], T], cancelled: Stop = never, again: Callable[[str, Stop], bool] = _enough
) -> T:
    """The answer to what may be asked several times, for as long as one call may take by itself; `again` as
    `Patience.trying` gives it. Raises `NoAnswer`, `AnswerTooLong`.
    """
    tries = _Tries(place, again)
    while True:
        try:
            return ask()
        except TooLong:
            raise errors.AnswerTooLong(place) from None
        except Refusal as error:
            raise _known(place, str(error)) from error
        except NotKnown as error:
            if tries.are_late or not tries.rest(str(error), cancelled):
                raise errors.NoAnswer(place, str(error)) from None


def patiently(client: Client, ask: Callable[[], T]) -> T:
    """As `repeated`, of what is asked before anything else; in the background for half a minute more."""
    with Patience(_UNANSWERED, errors.RemoteError, client.say).trying() as again:
        return repeated(client.name, ask, ENDED.get(), again)


_UNANSWERED: Final = 30.0
"""Seconds for which what no person waits for asks again where what stands between answers, or nothing."""
_LOCKED: Final = 60.0
"""Seconds for which what no person waits for lets another program, which writes to the same file, come to its
end.
"""

_ON_ITS_WAY: Final = 3
"""So many times as long as this program waits for an answer may what it sent still arrive: an edge gives up
after 100 s, as Cloudflare says of its own.
"""

_SUFFIX: Final = re.compile(r"(?: at offset \d+)?: SQLITE_(?P<kind>\w+?)(?: \(extended: SQLITE_\w+\))?$")
"""What D1 adds to SQLite's own message."""


def _known(place: str, said: str) -> Exception:
    """The failure that D1's answer stands for; what it is not known to say is a bug of the statement."""
    found = _SUFFIX.search(said)
    message = said[: found.start()] if found else said.removeprefix("D1_ERROR: ")
    if found and found["kind"] == "FULL":
        return DatabaseFull(place)
    if found and found["kind"].startswith(("BUSY", "LOCKED")):
        return InUse(place)
    if " constraint failed" in message:
        return constraint(message)
    return sql_error(message) or Failed(message)
