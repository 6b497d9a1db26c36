"""Texts in a temporary database of the program's own, to be looked through again and again.

SQLite makes the file, which only this person may read and which has no name any more as soon as it is open
(on Windows it goes with the last who has it open): nothing is left of it, however the program ends.
"""

from collections.abc import Iterable
from typing import Final

import apsw

from models.errors import Cancelled, TemporaryFull
from models.files.errors import temporary_folder
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
        """Raises `TemporaryFull`."""
        try:
            with self._connection:
                self._connection.executemany("INSERT INTO pieces VALUES (?, ?, ?)", pieces)
        except apsw.Error as error:  # SQLite may have rolled back by itself, which apsw then cannot
            if any(isinstance(one, apsw.FullError) for one in (error, error.__context__)):
                raise TemporaryFull(temporary_folder()) from error
            raise

    def having(
        self, text: str, after: int, most: int, cancelled: Stop = never
    ) -> tuple[list[tuple[int, int]], int]:
        """The owner and the start of each of the next `most` pieces, behind the one numbered `after`, that
        has it, in the order they were added in; and the number of the last that was looked through, 0 where
        there are no more. Raises `Cancelled`.
        """
        self._connection.set_progress_handler(cancelled, _STEPS)
        asked = (
            "SELECT owner, start FROM pieces WHERE rowid BETWEEN ?2 AND ?3 AND instr(text, ?1) ORDER BY rowid"
        )
        try:
            found = list(self._connection.execute(asked, (text, after + 1, after + most)))
            ((last,),) = self._connection.execute("SELECT coalesce(max(rowid), 0) FROM pieces")
        except apsw.InterruptError as error:
            raise Cancelled from error
        finally:
            self._connection.set_progress_handler(None)
        return found, after + most if after + most < last else 0
