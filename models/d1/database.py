"""A live D1 database as the engine: what a file does by transactions is done by one request a batch."""

import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Final

from peewee import BaseQuery

from models.d1.client import Answer, Client, NotKnown, Refusal
from models.d1.errors import Failed, NoAnswer, OutcomeUnknown, RemoteError, UnknownDatabase
from models.d1.statements import body, compiled, guarded, is_guard
from models.engine import D1_LIMITS, Capability, Database, Rows, Statement
from models.errors import Cancelled, ReadOnlyFile, RowChanged, StorageError
from models.progress import Stop, never
from models.refusals import constraint, sql_error

_WANTED: ContextVar[Stop] = ContextVar("wanted", default=never)
"""Whether the thread's reads are wanted no more."""
_TRIES: Final = 5
_BACK_OFF: Final = 0.2
"""Seconds before the second try; doubled for each further one."""


class D1Database(Database):
    """One database of an account, or of a `wrangler dev`.

    Any thread may read and write; each call is a request of its own, and no snapshot spans two. What a batch
    has done is known exactly: where the answer is lost, the same bytes are sent again, which its guard on the
    chain's end lets in once at most, and then its `proof` tells.
    """

    limits = D1_LIMITS
    capabilities: frozenset[Capability] = frozenset()

    def __init__(self, client: Client, database_id: str, *, read_only: bool = False) -> None:
        self.client, self.database_id, self.read_only = client, database_id, read_only
        self._unsettled: tuple[BaseQuery, float] | None = None

    @property
    def place(self) -> str:
        return self.client.name

    def require_there(self) -> None:
        """Raises `UnknownDatabase`, which a query would not: wrangler makes what it does not know."""
        if all(one.get("uuid") != self.database_id for one in self.client.databases()):
            raise UnknownDatabase(self.database_id)

    @contextmanager
    def connection_context(self) -> Iterator[None]:
        yield

    @contextmanager
    def cancellable(self, cancelled: Stop) -> Iterator[None]:
        before = _WANTED.set(cancelled)
        try:
            yield
        finally:
            _WANTED.reset(before)

    def rows(self, query: BaseQuery) -> Rows:
        return self.read_batch([query])[0]

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        if not queries:
            return []
        sent = body([compiled(query) for query in queries])
        cancelled = _WANTED.get()
        for attempt in range(_TRIES):
            try:
                return self._run(sent, cancelled).rows
            except NotKnown as error:
                if attempt == _TRIES - 1:
                    raise NoAnswer(self.place, str(error)) from None
                _wait(attempt, cancelled)
        raise AssertionError

    def run_batch(self, statements: Sequence[Statement], *, cancelled: Stop = never) -> float:
        if self.read_only:
            raise ReadOnlyFile(self.place)
        self.settle()
        if cancelled():
            raise Cancelled
        proof = next((one.proof for one in reversed(statements) if one.proof is not None), None)
        sent = body(guarded(statements))
        begun = time.monotonic()
        try:
            self._run(sent)
        except NotKnown as error:
            self._find_out(sent, proof, str(error))
        except RemoteError:  # certain: it was not sent, or not let in
            raise
        except StorageError:
            # A network may send twice by itself; the second copy is refused.
            if proof is None or not self._is_in(proof):
                raise
        return time.monotonic() - begun

    def _find_out(self, sent: bytes, proof: BaseQuery | None, why: str) -> None:
        """Returns where the batch is in the database, which sending it again tells.

        Raises what keeps it out, and `OutcomeUnknown`.
        """
        if proof is None:  # nothing would keep a second copy out
            raise OutcomeUnknown(self.place, why)
        for attempt in range(_TRIES - 1):
            _wait(attempt, never)
            try:
                self._run(sent)
            except (NotKnown, RemoteError) as error:
                why = str(error)
            except StorageError:
                # Kept out: by its own first copy, or by somebody else's write, and then for good.
                if self._is_in(proof):
                    return
                raise
            else:
                return
        self._unsettled = proof, time.monotonic()
        raise OutcomeUnknown(self.place, why)

    def _is_in(self, proof: BaseQuery) -> bool:
        """Raises `OutcomeUnknown` where that cannot be told."""
        try:
            return bool(self.rows(proof))
        except RemoteError as error:
            self._unsettled = proof, time.monotonic()
            raise OutcomeUnknown(self.place, str(error)) from error

    def settle(self) -> bool | None:
        """Whether the change that was not known to be saved is; None where there is none.

        Raises `OutcomeUnknown` while that cannot be told: it may still be on its way.
        """
        if self._unsettled is None:
            return None
        proof, sent_at = self._unsettled
        found = self._is_in(proof)
        if not found and time.monotonic() - sent_at < self.client.seconds:
            self._unsettled = proof, sent_at
            raise OutcomeUnknown(self.place, "it may still be on its way")
        self._unsettled = None
        return found

    def _run(self, sent: bytes, cancelled: Stop = never) -> Answer:
        try:
            return self.client.run(self.database_id, sent, cancelled=cancelled)
        except Refusal as error:
            if is_guard(str(error)):
                raise RowChanged from None
            raise _known(str(error)) from error


def _wait(attempt: int, cancelled: Stop) -> None:
    until = time.monotonic() + _BACK_OFF * 2**attempt
    while (left := until - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled
        time.sleep(min(left, 0.05))


_SUFFIX: Final = re.compile(r"(?: at offset \d+)?: SQLITE_(?P<kind>\w+?)(?: \(extended: SQLITE_\w+\))?$")
"""What D1 adds to SQLite's own message."""


def _known(said: str) -> Exception:
    """The failure that D1's answer stands for; what it is not known to say is a bug of the statement."""
    found = _SUFFIX.search(said)
    message = said[: found.start()] if found else said.removeprefix("D1_ERROR: ")
    if " constraint failed" in message:
        return constraint(message)
    return sql_error(message) or Failed(message)
