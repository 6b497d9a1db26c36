"""What all windows and commands of a person share of a live D1, in a small file of the program's own folder:
how many calls an account has left, until when it takes none, which changes are not known to be saved, and
what a database can be brought back to.
"""

import json
import os
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

from models.errors import StorageError
from models.files.atomic import expected_errors
from models.local.file import connect, in_memory

PER_SECOND: Final = 3.0
BURST: Final = 60.0
"""Calls: Cloudflare takes 1,200 in five minutes of an account, all its programs together."""

LONGEST_PAUSE: Final = 300.0
"""Seconds, as far as the limit looks back; no answer and no clock keeps an account waiting for longer."""

_RESERVE: Final = 12.0
"""Calls that work in the background leave to those that a person waits for."""

_TRAVEL_SECONDS: Final = 30 * 86_400.0
"""How far Time Travel goes back, as Cloudflare says."""

_NAME: Final = "d1.sqlite"
_WHAT: Final = "what"
_WHERE: Final = "where"
_MARK: Final = "mark"
_BESIDE: Final = "beside"
_OWN: Final = "made"
"""Beside the parts of a proof: what was to be done, at which address of the API, and what else is told."""
_REFUSED, _UNKNOWN, _NOT_SAVED, _SAVED = -1, 1, 2, 3
_KNOWN: Final = {_NOT_SAVED: False, _SAVED: True}
_TOLD: Final = 2
"""What is known of a batch that was sent, once it is answered: what was found out stays until it is told, and
then, so much higher, for others to whom it is open.
"""
_KEPT_TOLD: Final = 1_000
"""Of the latest batches."""
_BUSY_MS: Final = 2_000
_SET_SECONDS: Final = 60.0

_KEEP: Final = """
INSERT INTO bookmark (place, name, why, at) VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET at = excluded.at,
  why = iif(instr('; ' || why || '; ', '; ' || excluded.why || '; '), why, excluded.why || '; ' || why)
"""
_TABLES: Final = """
PRAGMA journal_mode = wal;
CREATE TABLE IF NOT EXISTS account (name TEXT PRIMARY KEY, calls REAL, at REAL, paused_until REAL DEFAULT 0);
CREATE TABLE IF NOT EXISTS sent (id INTEGER PRIMARY KEY, place TEXT, proof TEXT, at REAL, process INTEGER,
  begun REAL, unknown INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS bookmark (place TEXT, name TEXT, why TEXT, at REAL, PRIMARY KEY (place, name));
"""
_LEFT: Final = """
SELECT id, proof, at, process, begun, unknown FROM sent
WHERE place = ? AND unknown <= 3 ORDER BY id
"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A batch that was sent, by the statement that finds a row if it is in, what it was to do, and when it
    was sent, on the computer's own clock since its start, which nobody sets. Whether it was `saved`, where
    that was found out by what had nobody to tell it to; None while it is not known. One that `is_refused` was
    answered that it was not carried out: that it was all the same, as where what stands between has sent it
    twice, is all that is told of it. `mark`, `beside` and `made` as its `Statement` had them.
    """

    number: int
    proof: dict[str, Any]
    what: str
    at: float
    saved: bool | None = None
    is_refused: bool = False
    mark: str = ""
    beside: tuple[str, str] = ("", "")
    elsewhere: str = ""
    """The address it was sent to, where that is another than who asks has."""
    made: Sequence[tuple[str, str]] = ()

    def age(self) -> float:
        """For how many seconds at least it has been on its way."""
        now = time.monotonic()
        return now - self.at if now >= self.at else now  # the computer was started since


@dataclass(frozen=True, slots=True)
class Bookmark:
    """A state that a database can be brought back to: why it was kept, and when, in epoch seconds."""

    name: str
    why: str
    at: float


class Shared:
    """The file in `folder`, made when it is needed first; without a folder, what one process remembers.

    Any thread may call it. Times are epoch seconds, but for `Sent.at`. Raises the storage errors of the file.
    """

    def __init__(
        self, folder: Path | None = None, *, per_second: float = PER_SECOND, burst: float = BURST
    ) -> None:
        self._path = None if folder is None else folder / _NAME
        self._per_second, self._burst = per_second, burst
        self._idle: list[Any] = []

    def take(self, account: str, *, background: bool = False) -> tuple[float, bool]:
        """Takes one of the account's calls: 0 seconds to wait, or how many until it is worth asking again,
        and whether that is since Cloudflare takes none.
        """
        now, least = time.time(), 1.0 + (_RESERVE if background else 0.0)
        with self._transaction() as file:
            sql = "SELECT calls, at, paused_until FROM account WHERE name = ?"
            calls, at, paused_until = file.execute(sql, (account,)).get or (self._burst, now, 0.0)
            if max(at, paused_until) > now + LONGEST_PAUSE:  # the clock was put back since
                calls, at, paused_until = self._burst, now, 0.0
            if now < paused_until:
                return paused_until - now, True
            calls = min(self._burst, calls + max(0.0, now - at) * self._per_second)
            if calls < least:
                return (least - calls) / self._per_second, False
            file.execute(
                "INSERT INTO account (name, calls, at) VALUES (?1, ?2, ?3)"
                " ON CONFLICT DO UPDATE SET calls = ?2, at = ?3",
                (account, calls - 1.0, now),
            )
        return 0.0, False

    def pause(self, account: str, until: float) -> None:
        """No call of the account before that time, `LONGEST_PAUSE` from now at most."""
        until = min(until, time.time() + LONGEST_PAUSE)
        with self._transaction() as file:
            file.execute(
                "INSERT INTO account (name, calls, at, paused_until) VALUES (?1, 0, ?2, ?2)"
                " ON CONFLICT DO UPDATE SET calls = 0, at = ?2, paused_until = ?2",
                (account, until),
            )

    def keep_bookmark(self, place: str, name: str, why: str) -> None:
        """Notes, on the disk, what a database can be brought back to, and each reason why, where nobody has
        written in between.
        """
        now = time.time()
        with self._transaction(on_disk=True) as file:
            file.execute("DELETE FROM bookmark WHERE at < ?", (now - _TRAVEL_SECONDS,))
            values = (place, name, why, now)
            file.execute(_KEEP, values)

    def bookmarks(self, place: str) -> list[Bookmark]:
        """Those of a database, the newest first."""
        sql = "SELECT name, why, at FROM bookmark WHERE place = ? ORDER BY at DESC, rowid DESC"
        with self._transaction() as file:
            return [Bookmark(*row) for row in file.execute(sql, (place,))]

    def keep(
        self,
        place: str,
        proof: dict[str, Any],
        what: str = "",
        where: str = "",
        *,
        mark: str = "",
        beside: tuple[str, str] = ("", ""),
        made: Sequence[tuple[str, str]] = (),
    ) -> Sent:
        """Notes what is about to be sent to a database, on the disk; `where` is which address it is sent to,
        as two may have a database of the same account and id.
        """
        about = {_WHAT: what, _WHERE: where, _MARK: mark, _BESIDE: beside, _OWN: [*made]}
        now, kept = time.monotonic(), json.dumps({**proof, **about})
        with self._transaction(on_disk=True) as file:
            file.execute(
                "INSERT INTO sent (place, proof, at, process, begun) VALUES (?, ?, ?, ?, ?)",
                (place, kept, now, os.getpid(), _own_begin(os.getpid())),
            )
            number = file.last_insert_rowid()
            return Sent(number, proof, what, now, mark=mark, beside=beside, made=made)

    def unknown(self, sent: Sent, *, is_answered: bool = False) -> None:
        """Its outcome is not known, and whoever writes to that database next has to find it out; what was
        answered, though by nobody who knows, is on its way no more.
        """
        at = -_TRAVEL_SECONDS if is_answered or sent.is_refused else time.monotonic()
        state = _REFUSED if sent.is_refused else _UNKNOWN
        with self._transaction(on_disk=True) as file:
            file.execute("UPDATE sent SET unknown = ?, at = ? WHERE id = ?", (state, at, sent.number))

    def found_out(self, sent: Sent, *, saved: bool) -> None:
        """Its outcome is known, and still to be told."""
        with suppress(StorageError), self._transaction(on_disk=True) as file:
            known = _SAVED if saved else _NOT_SAVED
            file.execute("UPDATE sent SET unknown = ? WHERE id = ?", (known, sent.number))

    def told(self, sent: Sent, *, saved: bool) -> None:
        """Somebody has heard its outcome. That alone stays, for others to whom it is open."""
        known = (_SAVED if saved else _NOT_SAVED) + _TOLD
        with suppress(StorageError), self._transaction(on_disk=True) as file:
            file.execute("UPDATE sent SET unknown = ?, proof = '{}' WHERE id = ?", (known, sent.number))
            old = sent.number - _KEPT_TOLD
            file.execute("DELETE FROM sent WHERE unknown > ? AND id < ?", (_SAVED, old))

    def outcome(self, sent: Sent) -> bool | None:
        """Whether one that somebody has heard of was saved; None where nobody has."""
        with self._transaction() as file:
            known = file.execute("SELECT unknown FROM sent WHERE id = ?", (sent.number,)).get
        return {_NOT_SAVED + _TOLD: False, _SAVED + _TOLD: True}.get(known)

    def forget(self, sent: Sent) -> None:
        """Its outcome was never in doubt to who sent it; that it was once sent may stay there, which is found
        out again.
        """
        with suppress(StorageError), self._transaction() as file:
            file.execute("DELETE FROM sent WHERE id = ?", (sent.number,))

    def left(self, place: str, where: str = "") -> list[Sent]:
        """What was sent to a database and is not known to be in, or was found out and not told: by this
        process, or by one that is no more. One that runs finds out for itself. What was sent to another
        address tells which.
        """
        with self._transaction() as file:
            rows = file.execute(_LEFT, (place,)).fetchall()
        return [
            Sent(
                number,
                proof,
                proof.pop(_WHAT, ""),
                at,
                _KNOWN.get(unknown),
                unknown == _REFUSED,
                proof.pop(_MARK, ""),
                tuple(proof.pop(_BESIDE, ("", ""))),
                "" if sent_to in {"", where} else sent_to,
                [(tenant, head) for tenant, head in proof.pop(_OWN, ())],
            )
            for number, proof, at, process, begun, unknown in (
                (number, json.loads(kept), *rest) for number, kept, *rest in rows
            )
            if ((unknown and process == os.getpid()) or not _runs(process, begun))
            for sent_to in (proof.pop(_WHERE, ""),)
        ]

    @contextmanager
    def _transaction(self, *, on_disk: bool = False) -> Iterator[Any]:
        """The file, for writing; `on_disk` also what a power cut does not take back."""
        with expected_errors(self._path or Path(_NAME)):
            try:
                file = self._idle.pop()  # one thread at a time has it
            except IndexError:
                file = self._opened()
            try:
                file.pragma("synchronous", 2 if on_disk else 1)
                file.execute("BEGIN IMMEDIATE")
                yield file
                file.execute("COMMIT")
            finally:
                if file.in_transaction:
                    file.execute("ROLLBACK")
                self._idle.append(file)

    def _opened(self) -> Any:
        if self._path is None:
            file = in_memory(f"d1-{id(self)}")
        else:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._path.touch(mode=0o600)
            file = connect(self._path)
        file.set_busy_timeout(_BUSY_MS)
        file.execute(_TABLES).fetchall()
        return file


def _begun(process: int) -> float | None:
    """When a process began, which tells it from a later one of its number; None where there is none, or no
    more of it than its end, which nobody has asked for yet.
    """
    import psutil  # noqa: PLC0415 - only where something is written

    try:
        there = psutil.Process(process)
        return None if there.status() == psutil.STATUS_ZOMBIE else float(there.create_time())
    except psutil.Error:
        return None


_own_begin = cache(_begun)


def _runs(process: int, begun: float | None) -> bool:
    """Whether a process is still there; the clock may have been set since."""
    there = _begun(process)
    return there is not None and begun is not None and abs(there - begun) < _SET_SECONDS
