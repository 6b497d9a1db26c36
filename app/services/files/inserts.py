"""The rows of one table as SQL: INSERTs, and UPDATEs that continue long values; D1 takes each of them."""

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final, TypeVar

import apsw

from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ
from app.services.files.dump import continuation
from app.services.records.export import as_sql, literal
from app.services.records.rows import RawText, Value, decoded, exact, text_of
from models.engine import D1_LIMITS, sql_name
from models.local.database import LocalDatabase
from models.local.file import is_sound
from models.local.trial import Rehearsal
from models.schema import StoredTable, caseless

_WIDE: Final = 100
"""Columns beyond which nothing is tried: what tells their kinds would nest too deeply."""

_MARKS: Final = {"text": 2, "blob": 2, "integer": 0, "real": 0}
"""The kinds of value that one column may hold, and how many quotation marks stand around each."""


class UsualRow:
    """What such a row is made of; `columns` are expressions of its columns, with whether they are never NULL,
    and `kinds` what each holds.

    `line` gives two values, as `line` and `marks`: the row's values, NULL where they are of other kinds, and
    how many quotation marks stand around them. Where more of these are found, some stand in a text, and what
    was given is wrong: `double_marks` is for that.
    """

    def __init__(self, columns: Mapping[str, bool], kinds: Sequence[str]) -> None:
        self._kinds = dict(zip(columns, kinds, strict=True))
        self._never_null = columns
        self.has_marks = False
        self.line = self._line()

    @classmethod
    def of(
        cls, connection: apsw.Connection, columns: Mapping[str, bool], source: str, values: Mapping[str, Any]
    ) -> "UsualRow | None":
        """That of the rows of `source`, a FROM with its `values`; None where a column is of many kinds."""
        if len(columns) > _WIDE:
            return None
        each = ", ".join(f"typeof({column}) AS c{at}" for at, column in enumerate(columns))
        asked = ", ".join(f"group_concat(DISTINCT c{at})" for at in range(len(columns)))
        sql = f"SELECT {asked} FROM (SELECT {each} {source})"  # noqa: S608
        found = connection.execute(sql, values).fetchall()[0]
        kinds = [{*str(told or "null").split(",")} - {"null"} or {"text"} for told in found]
        return cls(columns, [min(some) for some in kinds]) if all(len(some) == 1 for some in kinds) else None

    def double_marks(self) -> None:
        """From now on those in texts are written as SQL writes them, which takes a while for each text."""
        self.has_marks = True
        self.line = self._line()

    def _line(self) -> str:
        fits, marks = " AND ".join(self._fits()), " + ".join(["0", *self._marks()])
        return f"iif({fits}, concat({', '.join(self._parts())}), NULL) AS line, {marks} AS marks"

    def _parts(self) -> Iterator[str]:
        """What is joined to the values with the commas between them: a thousand at most."""
        before = ""
        for column, kind in self._kinds.items():
            text = f"replace({column}, '''', '''''')" if self.has_marks else column
            match kind, self._never_null[column]:
                case "text", True:
                    yield from (literal(f"{before}'"), text)
                    before = "',"
                    continue
                case "text", _:
                    value = f"ifnull('''' || {text} || '''', 'NULL')"
                case "integer", _:
                    value = f"ifnull({column}, 'NULL')"
                case _:
                    value = as_sql(column)
            yield from (literal(before), value)
            before = ","
        yield literal(before.removesuffix(","))

    def _fits(self) -> Iterator[str]:
        for column, kind in self._kinds.items():
            if self._never_null[column]:
                yield f"typeof({column}) = '{kind}'"
            else:
                yield f"typeof({column}) IN ('{kind}', 'null')"

    def _marks(self) -> Iterator[str]:
        for column, kind in self._kinds.items():
            if _MARKS[kind]:
                yield str(_MARKS[kind]) if self._never_null[column] else f"2 * ({column} IS NOT NULL)"


T = TypeVar("T")

STATEMENT: Final = D1_LIMITS.statement_bytes - 1_000
"""Bytes of the longest statement that is written."""

_PIECE: Final = 40_000
"""Bytes of a value that one statement adds; quoted, or in hexadecimal digits, they are twice as many."""

_START: Final = 256
"""Bytes that the INSERT of a row with long values has of each."""

ROW: Final = D1_LIMITS.value_bytes
"""Bytes of the largest row that is taken."""

AT_ONCE: Final = 128
"""Rows that SQLite makes one text of, which takes half the time of a text each. Of twice as many it takes no
less, and the pieces of memory that are left between them make 6 MB."""

_BLOCK: Final = 1 << 20
"""Bytes that such a text, and all that it is made of, may have."""

_WAIT: Final = 8
"""Blocks that are not tried as usual ones behind one that was none."""

_END: Final = b");\n"

_VALUE = re.compile(rb"x?'(?:(?>[^']++|''))*+'|[^,']++")
"""One of the values of a row as `export.as_sql` gives it."""

_UNIQUE: Final = """
SELECT keys.name, list.partial FROM pragma_index_list(?) AS list, pragma_index_info(list.name) AS keys
WHERE list."unique"
"""
"""Columns of which no two rows hold the same, as part of one value may; no name is an expression."""


class Inserts:
    """How the rows of one table are written.

    A rowid that is no column is named, so that it stays the same. `named` says that a statement names the
    columns, because the CREATE is elsewhere. `made` is the SQL of the table and its indexes. `large` counts
    rows that D1 does not take, `whole` those of them that could not be cut into statements that it takes,
    `halved` texts of a file in UTF-16 that are none in UTF-8.
    """

    def __init__(
        self, table: StoredTable, database: LocalDatabase, made: Sequence[str], *, named: bool
    ) -> None:
        self._database = database
        self._connection: apsw.Connection = database.connection()
        # SQLite makes other characters of half a pair of surrogates: such a file is read by its bytes.
        self._recoded = self._connection.pragma("encoding") != "UTF-8"
        self._name = sql_name(table.name)
        self._columns, self._rowid = list(table.columns), table.rowid
        if self._rowid and self._rowid not in self._columns:
            self._columns[:0] = [self._rowid]
        named = named or len(self._columns) > len(table.columns)
        names = f" ({', '.join(map(sql_name, self._columns))})" if named else ""
        self._head = f"INSERT INTO {self._name}{names} VALUES(".encode()
        self._room = STATEMENT - len(self._head)
        key = [self._rowid] if self._rowid else table.key
        self._key = [self._columns.index(name) for name in key if name in self._columns]
        self._never_null = {*table.never_null, self._rowid}
        if self._recoded:
            cells = [exact(table.name, column) for column in self._columns]
        else:
            cells = [as_sql(self._of(column)) for column in self._columns]
        self._line = _concat(cells, ",")
        tells = _concat([cells[at] for at in self._key], ",")
        self._tells = f"CAST({tells} AS BLOB)" if table.without_rowid else None
        self._made = made
        self._table = table.name
        self.large = self.whole = self.halved = 0

    @cached_property
    def _whole(self) -> Collection[int]:
        """Which columns' values may not be there in part, even for a moment."""
        unique = self._connection.execute(_UNIQUE, (self._table,)).fetchall()
        names = {caseless(str(name)) for name, _ in unique}
        if any(name is None or partial for name, partial in unique):
            return range(len(self._columns))
        return {at for at, column in enumerate(self._columns) if caseless(column) in names} | {*self._key}

    @cached_property
    def _rehearsal(self) -> Rehearsal:
        return Rehearsal(self._table, self._made)

    def _of(self, column: str) -> str:
        return f"{self._name}.{sql_name(column)}"

    def statements(self, condition: str, rows: int | None = None) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The statements of so many rows: of a block that SQLite joins, or of one row, where one of the block
        is long or needs care and where there are no rowids. Raises the storage errors of the database.

        `rows` is how many there are by their count; `None` says that of a damaged table some will do. Pages
        that lead to others of their table twice are no error to SQLite, which reads them so: rows come again,
        and others never. Of some, those of a key come once.
        """
        source = f"FROM main.{self._name} WHERE ({condition})"
        found: Iterator[tuple[int, Iterable[bytes]]]
        written = 0
        with self._database.expected_errors():
            if self._rowid is None or self._recoded:
                if rows is not None and not is_sound(self._connection, self._name):
                    raise _astray()
                key = self._tells if rows is None else None
                found = ((1, lines) for _, lines in _once(self._one_by_one(key or "NULL", source, 0), key))
            else:
                found = self._blocks(self._of(self._rowid), source)
            for count, statements in found:
                yield count, statements
                written += count
            if rows is not None and written != rows:
                raise _astray()

    def _blocks(self, rowid: str, source: str) -> Iterator[tuple[int, Iterable[bytes]]]:
        some = f"{source} AND {rowid} >= :first ORDER BY {rowid} LIMIT {AT_ONCE}"
        columns = {self._of(column): column in self._never_null for column in self._columns}
        first, wait = LOWEST_SEQ, 0
        usual = UsualRow.of(self._connection, columns, some, {"first": first})
        while True:
            found = self._usually(usual, rowid, some, first) if usual and not wait else None
            wait = max(wait - 1, 0) if found or wait else _WAIT
            found = found or self._joined(f"{self._line} AS line, 0 AS marks", rowid, some, first)
            count, numbers, least, last, longest, text, *_ = found
            if text and (numbers < count or least < first):
                raise _astray()
            if text and longest < self._room and _is_text(text):
                yield count, (self._head, text, _END)
            else:
                count, last = 0, first - 1
                for number, statements in self._one_by_one(rowid, some, first):
                    if number <= last:
                        raise _astray()
                    count, last = count + 1, number
                    yield 1, statements
            if count < AT_ONCE or last == HIGHEST_SEQ:
                return
            first = last + 1

    def _usually(self, usual: UsualRow, rowid: str, some: str, first: int) -> Any:
        """As `_joined`, of a block that is as usual; None where it is not."""
        count, *_, text, lines, marks = found = self._joined(usual.line, rowid, some, first)
        if lines < count:
            return None
        if text and not usual.has_marks and text.count(b"'") != marks + self._head.count(b"'") * (count - 1):
            usual.double_marks()
            return self._usually(usual, rowid, some, first)
        return found

    def _joined(self, line: str, rowid: str, some: str, first: int) -> Any:
        """What is known of a block; nothing where more memory would be needed than it may have."""
        block = (
            "SELECT count(*), count(DISTINCT number), min(number), max(number), max(octet_length(line)),"  # noqa: S608
            # As bytes, which need not be UTF-8.
            " CAST(group_concat(line, :between) AS BLOB), count(line), total(marks)"
            f" FROM (SELECT {rowid} AS number, {line} {some})"
        )
        before = self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, _BLOCK)
        try:
            values = {"first": first, "between": (_END + self._head).decode()}
            return self._connection.execute(block, values).fetchall()[0]
        except apsw.TooBigError:
            return 0, 0, None, None, None, None, 0, 0
        finally:
            self._connection.limit(apsw.SQLITE_LIMIT_LENGTH, before)

    def _one_by_one(self, key: str, source: str, first: int) -> Iterator[tuple[int, Iterable[bytes]]]:
        """The number and the statements of each row."""
        sql = f"SELECT {key}, CAST({self._line} AS BLOB) {source}"
        for number, line in self._connection.execute(sql, {"first": first}):
            if self._recoded:
                found = line.decode(self._database.encoding).split(",")
                values = [_Value.of(decoded(cell)) for cell in found]
                self.halved += sum(value.is_no_text for value in values)
                yield number, map(str.encode, self._carefully(values))
            elif len(line) < self._room and _is_text(line):
                yield number, (self._head, line, _END)
            else:
                values = [_Value.read(found[0]) for found in _VALUE.finditer(line)]
                yield number, map(str.encode, self._carefully(values))

    def _carefully(self, values: "list[_Value]") -> list[str]:
        """The statements of a row that is long, or that no file of text could hold as it is.

        Long values are cut where nothing judges them before they are whole: the INSERT has their start, and
        an UPDATE each adds the pieces.
        """
        self.large += sum(len(value.raw) for value in values) > ROW
        whole = self._insert(value.sql for value in values)
        if len(whole.encode()) <= STATEMENT:
            return [whole]
        pieces = self._in_pieces(values)
        if pieces and self._rehearsal.same([whole], pieces, self._line):
            return pieces
        self.whole += 1
        return [whole]

    def _insert(self, sqls: Iterable[str]) -> str:
        return f"{self._head.decode()}{','.join(sqls)});\n"

    def _in_pieces(self, values: "list[_Value]") -> list[str]:
        """The same of a row that is longer than a statement; none where its values cannot be cut so."""
        sqls = [value.sql for value in values]
        length = sum(len(sql.encode()) + 1 for sql in sqls)
        key = " AND ".join(f"{sql_name(self._columns[at])} = {sqls[at]}" for at in self._key)
        rest: list[str] = []
        able = {*range(len(values))}.difference(self._whole)
        for at in sorted(able, key=lambda at: -len(values[at].raw)):
            value = values[at]
            if length < self._room or len(value.raw) <= _START:
                break
            start, *pieces = value.pieces()
            length -= len(sqls[at].encode()) - len(start.encode())
            sqls[at] = start
            rest += [
                continuation(self._table, self._columns[at], piece, key, is_text=value.text)
                for piece in pieces
            ]
        named = self._key and all(values[at].sql != "NULL" for at in self._key)
        if length >= self._room or not named:
            return []
        return [self._insert(sqls), *rest]


@dataclass(frozen=True, slots=True)
class _Value:
    """A value of a row as SQL; of a text or a BLOB the bytes too."""

    sql: str
    raw: bytes = b""
    text: bool = False
    is_no_text: bool = False

    @classmethod
    def of(cls, value: Value) -> "_Value":
        match value:
            case str():
                return cls(literal(value), value.encode(), text=True)
            case RawText(stored):
                return cls(literal(value), stored, text=True, is_no_text=True)
            case bytes():
                return cls(literal(value), value)
        return cls(literal(value))

    @classmethod
    def read(cls, written: bytes) -> "_Value":
        """The value that `export.as_sql` gave this for."""
        match written[:1]:
            case b"'":
                return cls.of(text_of(written[1:-1].replace(b"''", b"'")))
            case b"x":
                return cls.of(bytes.fromhex(written[2:-1].decode()))
        return cls(written.decode())

    def pieces(self) -> Iterator[str]:
        """Its bytes one after the other, as SQL."""
        at = 0
        while at < len(self.raw):
            end = at + (_PIECE if at else _START)
            if self.text:
                end = _beginning(self.raw, end)
            yield literal(text_of(self.raw[at:end]) if self.text else self.raw[at:end])
            at = end


def _once(rows: Iterator[tuple[Any, T]], key: str | None) -> Iterator[tuple[Any, T]]:
    """Those whose `key`, where there is one, has not come before: kept beside memory where they are many."""
    if key is None:
        yield from rows
        return
    with closing(apsw.Connection("")) as seen, seen:
        seen.execute("CREATE TABLE seen (key BLOB PRIMARY KEY) WITHOUT ROWID")
        for told, row in rows:
            seen.execute("INSERT OR IGNORE INTO seen VALUES (?)", (hashlib.blake2b(told).digest(),))
            if seen.changes():
                yield told, row


def _beginning(text: bytes, at: int) -> int:
    """Where the character of UTF-8 begins that has a byte at `at`; it has at most four."""
    back = range(at, at - 4, -1)
    return next((position for position in back if position >= len(text) or text[position] & 0xC0 != 0x80), at)


def _astray() -> apsw.CorruptError:
    """What SQLite would say, had it looked at the order of the rows."""
    return apsw.CorruptError("rows come twice, or out of order")


def _concat(values: Sequence[str], between: str) -> str:
    """The expression that joins the values of these; a function takes a thousand."""
    comma = f", {literal(between)}, "
    parts = [values[at : at + 500] for at in range(0, len(values), 500)]
    return f"concat({comma.join(f'concat({comma.join(part)})' for part in parts)})"


def _is_text(written: bytes) -> bool:
    """Whether a file of text can hold it as it is."""
    if b"\0" in written or b"\r" in written:  # as `is_kept` says it
        return False
    return written.isascii() or isinstance(text_of(written), str)
