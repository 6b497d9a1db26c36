"""Texts with line breaks that D1's export has written: a backslash and an n in such a text were written as a
line break is, and nothing but what they stand in may tell.
"""

from array import array
from collections.abc import Iterable
from typing import Any, Final

import apsw

from app.services.files.dump import NoteKind, Notes, Piece
from models.engine import sql_name
from models.schema import free_rowid

_BREAKS: Final = (",char(10))", ",char(13))")
"""How D1's export ends a text with line breaks, in which it wrote each as a backslash and a letter."""

_JSON: Final = "json_valid(replace(replace({column}, char(10), ' '), char(13), ' '))"
_ALTERED: Final = (
    "typeof({column}) = 'text' AND (instr({column}, '\\' || char(10)) OR instr({column}, '\\' || char(13))"
    " OR substr({column}, 1, 1) IN ('{{', '[') AND NOT json_valid({column}) AND " + _JSON + ")"
)
"""Whether a text shows that D1's export wrote a line break for a backslash-n: behind one, or within JSON."""

_BROKEN: Final = "typeof({column}) = 'text' AND (instr({column}, char(10)) OR instr({column}, char(13)))"


class Breaks:
    """The rows with such texts that the statements write which run one after another."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self._start: int | None = None
        """Where the statement lies that runs, if it has any."""
        self._written: dict[str, tuple[array[int], array[int]]] = {}
        self._wrote = self._has_unseen = False
        self._looks: dict[str, str] = {}

    def begin(self) -> None:
        """Nothing has run yet."""
        self._start = None
        self._written.clear()

    def begins(self, sql: str, at: int) -> None:
        """This statement begins, and the one before it has run."""
        self._end()
        if _BREAKS[0] in sql or _BREAKS[1] in sql:
            self._start = at

    def wrote(self, table: str, row: int) -> None:
        """The statement has written a row that has a rowid."""
        if self._start is not None:
            rows, starts = self._written.setdefault(table, (array("q"), array("q")))
            rows.append(row)
            starts.append(self._start)
            self._wrote = True

    def _end(self) -> None:
        """Of the rows of the statement that ran SQLite may have told none."""
        self._has_unseen |= self._start is not None and not self._wrote
        self._start, self._wrote = None, False

    def look(self, notes: Notes, piece: Piece, *, is_d1: bool) -> None:
        """Notes those rows that were written and show what they were, or any of them where D1 wrote them."""
        self._end()
        for table, (rows, starts) in self._written.items():
            if table not in self._looks:
                self._looks[table] = self._query(table)
            found = self._connection.executemany(self._looks[table], zip(rows, starts, strict=True))
            _note(notes, table, found, piece, is_d1=is_d1)

    def look_without_rowids(self, notes: Notes, *, is_d1: bool) -> None:
        """Notes the same of all rows of tables without rowids: which of them a statement writes, SQLite does
        not say.
        """
        if not self._has_unseen:
            return
        tables = self._connection.execute(
            "SELECT name FROM pragma_table_list WHERE schema = 'main' AND wr"
        ).fetchall()
        for (table,) in tables:
            found = self._connection.execute(self._query(str(table), every=True))
            _note(notes, str(table), found, None, is_d1=is_d1)

    def _query(self, table: str, *, every: bool = False) -> str:
        """Reads the key of a row, or of `every` one, that has line breaks, whether it shows that it was
        altered, and where the statement lies that wrote it.
        """
        columns = self._connection.execute("SELECT name, pk FROM pragma_table_info(?)", (table,)).fetchall()
        names = [str(name) for name, _ in columns]
        rowid = free_rowid(names) or "NULL"
        key = next((sql_name(str(name)) for name, pk in columns if pk == 1), rowid)
        altered, broken = (
            " OR ".join(test.format(column=sql_name(name)) for name in names) for test in (_ALTERED, _BROKEN)
        )
        one, start = ("", "NULL") if every else (f"{rowid} = ?1 AND ", "?2")
        found = f"FROM main.{sql_name(table)} WHERE {one}({broken})"
        return f"SELECT CAST({key} AS BLOB), {altered}, {start} {found}"


def _note(notes: Notes, table: str, found: Iterable[Any], piece: Piece | None, *, is_d1: bool) -> None:
    for key, altered, start in found:
        if altered or is_d1:
            kind = NoteKind.ALTERED if altered else NoteKind.LINE_BREAKS
            line = None if start is None or piece is None else piece.line_of(start)
            notes.add(kind, table, line, first=bytes(key or b"").decode(errors="replace"))
