"""Texts in a temporary database of the program's own, to be looked through again and again.

SQLite makes the file, which only this person may read and which has no name any more as soon as it is open
(on Windows it goes with the last who has it open): nothing is left of it, however the program ends.
"""

from collections.abc import Iterable, Iterator
from typing import Final

import apsw

from models.errors import Cancelled, DiskFull
from models.progress import Stop, never

_STEPS: Final = 20_000
"""Steps of SQLite between two looks at whether it shall stop: some milliseconds."""


class TextStore:
    """`(owner, start, text)` of each piece of what an owner has. Used by one thread at a time."""

    def __init__(self) -> None:
        self._connection = apsw.Connection("")
        self._connection.execute("CREATE TABLE pieces(owner INTEGER, start INTEGER, text TEXT)")

    def close(self) -> None:
        self._connection.close()

    def add(self, pieces: Iterable[tuple[int, int, str]]) -> None:
        """Raises `DiskFull`."""
        try:
            with self._connection:
                self._connection.executemany("INSERT INTO pieces VALUES (?, ?, ?)", pieces)
        except apsw.FullError as error:
            raise DiskFull from error

    def having(self, text: str, cancelled: Stop = never) -> Iterator[tuple[int, int]]:
        """Who has the text, and where, by the order they were added in; once for each piece that has it.
        Raises `Cancelled`.
        """
        self._connection.set_progress_handler(cancelled, _STEPS)
        asked = "SELECT owner, start + instr(text, ?1) - 1 FROM pieces WHERE instr(text, ?1) ORDER BY rowid"
        try:
            yield from self._connection.execute(asked, (text,))
        except apsw.InterruptError as error:
            raise Cancelled from error
        finally:
            self._connection.set_progress_handler(None)
