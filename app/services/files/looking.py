"""What SQLite's own parser tells of each statement of a dump as it runs, and what of that it may do.

And rows that do not fit where somebody has said what becomes of them: the statement by OR IGNORE, REPLACE or
ON CONFLICT, told by its tokens, or the table by its columns' own ON CONFLICT. SQLite says nothing of rows
that go so.
"""

import re
from array import array
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

import apsw

from app.services.chain.rules import TABLE
from app.services.files import allowed
from app.services.files.dump import NoteKind, Notes, Piece
from models.engine import sql_name
from models.local import statements
from models.schema import COUNTERS, caseless, free_rowid
from models.sql_tokens import Placed, holds, placed

_GAP: Final = r"(?:(?>[\s;\ufeff]|--[^\n]*\n|/\*.*?\*/))"
_MAY: Final = re.compile(
    rf"{_GAP}*+(?:with|replace|(?:insert|update){_GAP}++or)\b", re.DOTALL | re.IGNORECASE
)
"""Nearly every statement begins otherwise."""

_SILENT: Final = frozenset(("ignore", "replace"))
_WRITES: Final = frozenset(("insert", "replace", "update"))


_MADE: Final = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND sql LIKE '%conflict%'"


@dataclass(frozen=True, slots=True)
class Resolution:
    """`plain` is the statement as one that fails where rows do not fit, `replacing` as one by which all come
    in over others, which tells how many it has. By itself, or `by_table`, it `replaces`, or `updates`: it
    brings none.
    """

    plain: str
    replacing: str
    replaces: bool
    updates: bool
    by_table: bool


def resolution(sql: str, *, by_table: bool = False) -> Resolution | None:
    """What an INSERT or UPDATE says of rows that do not fit, or its table does (`by_table`), which has no say
    where the statement itself says ABORT or FAIL. None where nothing happens to any in silence.
    """
    has_clause = holds(sql, "conflict")
    if not (has_clause or by_table or _MAY.match(sql)):
        return None
    said = placed(sql)
    verb = _verb(said)
    if verb is None or verb[1] not in _WRITES:
        return None
    _, does, begin, end = verb
    says = does if does == "replace" else ""
    if not says and (follows := next(said, None)) and follows[1] == "or":
        says, end = _said_behind(said, end)
    updates = does == "update"
    cut, passes_over = _clauses(said, len(sql)) if has_clause and not updates else (len(sql), False)
    by_table = by_table and not says
    if not (says in _SILENT or passes_over or by_table):
        return None
    plain, replacing = (
        f"{sql[:begin]}{'UPDATE' if updates else 'INSERT'} OR {way}{sql[end:cut]}"
        for way in ("ABORT", "REPLACE")
    )
    return Resolution(plain, replacing, says == "replace" or by_table, updates, by_table)


def _verb(said: Iterator[Placed]) -> Placed | None:
    """The token that says what a statement does, its first or that behind a WITH; `said` goes on behind."""
    depth, is_with = 0, False
    for token in said:
        kind, name = token[:2]
        if kind == "end":
            continue
        depth += (name == "(") - (name == ")") if kind == "sign" else 0
        if not is_with and (kind, name) != ("word", "with"):
            return token if kind == "word" else None
        if is_with and depth == 0 and kind == "word" and name in statements.VERBS:
            return token
        is_with = True
    return None


def _said_behind(said: Iterator[Placed], end: int) -> tuple[str, int]:
    """What stands behind OR, and where that ends."""
    follows = next(said, None)
    return (follows[1], follows[3]) if follows else ("", end)


def _clauses(said: Iterator[Placed], end: int) -> tuple[int, bool]:
    """Where ON CONFLICT begins, else the `end`, and whether one of its clauses leaves rows as they are: DO
    NOTHING, and DO UPDATE with a WHERE.
    """
    depth, began, cut, passes = 0, 0, end, False
    before = on = ("", "", 0, 0)
    updates = False
    for token in said:
        kind, name = token[:2]
        depth += (name == "(") - (name == ")") if kind == "sign" else 0
        if on[1] and cut == end and before[1] == "conflict" and name in ("do", "("):
            cut = began
        if depth == 0 and kind == "word":
            if name == "conflict" and before[1] == "on":
                on, began, updates = before, began if cut != end else before[2], False
            elif before[1] == "do" and cut != end:
                passes |= name == "nothing"
                updates = name == "update"
            elif name == "returning":
                updates = False
            passes |= updates and name == "where"
        before = token
    return cut, passes


def resolving_tables(connection: apsw.Connection) -> set[str]:
    """The tables whose own columns say that rows which do not fit are left out, or replace others."""
    return {
        caseless(str(name))
        for name, sql in connection.execute(_MADE)
        if "conflict" in (said := statements.words(str(sql))) and not said.isdisjoint(("ignore", "replace"))
    }


class Gone:
    """Counts the rows that a statement takes away by bringing others."""

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.rows = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        """While it runs; of a savepoint that is rolled back nothing is told."""
        self.rows = 0
        self._connection.preupdate_hook(self._tell)
        try:
            yield
        finally:
            self._connection.preupdate_hook(None)

    def _tell(self, change: apsw.PreUpdate) -> None:
        self.rows += change.op == "DELETE"


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


class Resolves(Exception):
    """A statement says what becomes of rows that do not fit, so it is run by itself."""


class Looker:
    """Is told of each statement that a connection runs, and refuses it or notes what does nothing.

    `start` is where, in the piece that was run, the statement lies that failed. `open_at` is the line of a
    BEGIN that has had no COMMIT yet, `chain_at` that of the audit chain's table. `is_d1` says that it begins
    as D1's export does, `has_counters` that it filled `sqlite_sequence`, `has_end` that its last transaction
    was ended, `rows_alone` that rows came before any table.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection, self._piece = connection, Piece("", 1, 0)
        self._found = Notes()
        self.start = 0
        self.open_at: int | None = None
        self.chain_at: int | None = None
        self.rows_alone = self.is_d1 = self.has_counters = self.has_end = False
        self._temporary: set[str] = set()
        self._tables: set[str] = set()
        self._begin = self._ran = self._last = 0
        self._acts = self._queries = self._reads = self._reads_own = self._updates = False
        self._table = ""
        self._asks_itself = self._has_breaks = False
        self._refused: str | None = None
        self._continues, self._said = False, ""
        self._changed: list[tuple[int, str, int]] = []
        self._left: tuple[NoteKind, str] | None = None
        self._alone = True
        """Whether a statement runs by itself."""
        self._is_unread = False
        """Whether nothing but rows of literals runs, which nobody has to see again before they run."""
        self._adds = False
        """Whether the statement that runs alone adds a column."""
        self.breaks = Breaks(connection)
        self._resolving: set[str] = set()
        self._unread = self._says_conflict = False
        """Whether a table that is made may be one of those that are `_resolving`."""
        self._functions = allowed.keep_innocuous_functions(connection)

    def _execute(self, text: str, begin: int, *, alone: bool = True, tells: bool = True) -> None:
        """Runs statements; unless it `tells` which, what is known of rows of literals may do."""
        self._begin, self._ran, self._last = begin, 0, 0
        self._alone = alone
        by_table = self._resolving or self._unread
        is_plain = self._piece.is_literal and not (self._piece.has_breaks or by_table)
        self._is_unread = is_plain and not (alone or tells or self.rows_alone)
        self._refused = self._left = None
        self.breaks.begin()
        self._forget_statement()
        self._connection.authorizer = self._authorize
        self._connection.exec_trace = None if self._is_unread else self._begins  # it is given a copy of each
        self._changed.clear()
        self._has_breaks = self._piece.has_breaks
        self._connection.set_update_hook(self._writes if self._has_breaks or self._continues else None)
        try:
            for _ in self._connection.execute(text):  # until the last statement, whatever rows come
                pass
        except Exception as error:
            self.start = begin + self._ran - self._last
            if self._refused is not None:
                raise allowed.Forbidden(self._refused) from error
            raise
        finally:
            self._connection.authorizer = self._connection.exec_trace = None
        self.breaks.look(self._found, self._piece, is_d1=self.is_d1)

    def _note(self, kind: NoteKind, name: str = "") -> None:
        """Notes what does nothing in its place."""
        self._found.add(kind, name, self._piece.line_of(self._begin + self._ran))

    def check_default(self, expression: str) -> None:
        """Raises `Forbidden` when a column's DEFAULT calls what is not harmless, and what SQLite raises."""
        self._refused, self._queries, self._reads = None, False, False
        self._connection.authorizer = self._authorize
        try:
            self._connection.execute(f"EXPLAIN SELECT (\n{expression}\n)")  # steps may hold bad UTF-8
        except apsw.Error as error:
            if self._refused is not None:
                raise allowed.Forbidden(self._refused) from error
            raise
        finally:
            self._connection.authorizer = None

    def _begins(self, _cursor: object, sql: str, _bindings: object) -> bool:
        if not (self._alone or self._asks_itself):
            if self._unread and allowed.first_word(sql) in allowed.BRINGS:
                self._read_resolving()
            by_table = self._table in self._resolving
            if (by_table or not self._piece.is_literal) and resolution(sql, by_table=by_table) is not None:
                raise Resolves
        if self._acts and not (self._has_breaks or self.rows_alone or self._asks_itself):  # nearly always
            if self._reads_own and self._queries_own(sql):
                return self._is_query() == allowed.OK
            self._began(sql)
            self._forget_statement()
            return True
        if self._asks_itself:
            return True
        self.breaks.begins(sql, self._begin + self._ran)
        if not self._acts:
            said = statements.canonical(sql)
            if drop := allowed.DROP.match(said):
                self._note(NoteKind.DROP, drop["name"])
            self._acts = drop is not None or not said.strip(";\0")
        if self._reads_own and self._queries_own(sql):
            return self._is_query() == allowed.OK
        self._began(sql)
        acts = self._acts
        self._forget_statement()
        if acts and self.rows_alone:
            rows = allowed.BY_POSITION.match(statements.canonical(sql[: allowed.LOOKED_AT]))
            if rows and rows["name"].strip('"`[]') not in allowed.BOOKKEEPING:
                raise allowed.ByPosition(rows["name"].strip('"`[]'))
        if acts:
            return True
        # A query, VACUUM, and others that SQLite does not ask about.
        raise allowed.Forbidden(statements.canonical(sql).partition("\0")[0].upper())

    def _queries_own(self, sql: str) -> bool:
        """Whether a statement queries the table it writes to: SQLite says the same of ON CONFLICT and of
        RETURNING, and is asked about it without them.
        """
        if not allowed.has_query(sql):
            return False
        source = None if self._updates else statements.source(sql, "returning", "conflict")
        if source is None:
            return True
        self._asks_itself, self._reads_own = True, False
        try:
            self._connection.execute(f"EXPLAIN {source}")
        except apsw.Error:
            return True
        finally:
            self._asks_itself = False
        return self._reads_own

    def _read_resolving(self) -> None:
        """Which of the tables that are there say themselves what becomes of rows that do not fit."""
        known, self._asks_itself, self._unread = self._reads_own, True, False
        try:
            self._resolving = resolving_tables(self._connection)
        finally:
            self._asks_itself, self._reads_own = False, known

    def _forget_statement(self) -> None:
        self._acts = self._queries = self._reads = self._reads_own = self._updates = False
        self._table = ""

    def _began(self, sql: str) -> None:
        self._ran += len(sql)
        self._last, self._said = len(sql), sql

    def _authorize(
        self, action: int, name: str | None, detail: str | None, database: str | None, _trigger: str | None
    ) -> int:
        if action in allowed.ALLOWED and database == "main":  # nearly always
            if self._temporary and caseless(str(name)) in self._temporary:
                return self._refuse("a table and a temporary one of its name")
            if (not self._acts or self._is_unread) and name != "sqlite_master":
                self._updates, self._table = action == apsw.SQLITE_UPDATE, caseless(str(name))
            self._acts = True
            if action == apsw.SQLITE_CREATE_TABLE:
                self._tables.add(made := caseless(str(name)))
                self._unread |= self._says_conflict
                if made == TABLE:
                    self.chain_at = self._piece.line_of(self._begin + self._ran)
            self.has_counters |= name == COUNTERS and action != apsw.SQLITE_CREATE_TABLE
            return allowed.OK
        name = name or ""
        if self._asks_itself:
            self._reads_own |= action == apsw.SQLITE_READ and caseless(name) == self._table
            return allowed.OK
        if self._adds and (action, name) in allowed.OF_ADDING:
            return allowed.OK
        if action in (apsw.SQLITE_SELECT, apsw.SQLITE_READ):
            # Both at once is a query over a table; of one behind IN SQLite tells the columns alone.
            if action == apsw.SQLITE_SELECT:
                self._queries = True
            elif name and caseless(name) == self._table:
                self._reads_own = True  # as ON CONFLICT and RETURNING do, or a query: the text tells
            elif detail == "" and not name.startswith("sqlite_") and caseless(name) not in self._tables:
                pass  # of a WITH no column is read
            elif (name, detail) != allowed.OWN and name not in allowed.STATISTICS:
                self._reads = True
                self._queries |= self._table != ""
            return self._is_query() if self._queries and self._reads else allowed.OK
        if action in allowed.TEMPORARY:
            self._temporary.add(caseless(name))
            self._left = NoteKind.NOT_RUN, f"CREATE TEMP … {name}"
            return apsw.SQLITE_DENY
        if database == "temp" and (action, name) == (apsw.SQLITE_INSERT, "sqlite_temp_master"):
            return allowed.OK  # asked first of such a table
        if database == "temp":
            return self._refuse("a temporary table")
        if action == apsw.SQLITE_ALTER_TABLE:
            if self._adds:
                self._acts = True
                self._unread |= self._says_conflict
                return allowed.OK
            self._left = NoteKind.NOT_RUN, f"ALTER TABLE {detail}"
            return apsw.SQLITE_DENY
        if action in allowed.LEFT_OUT:
            self._left = allowed.LEFT_OUT[action], name if action != apsw.SQLITE_ANALYZE else "ANALYZE"
            return apsw.SQLITE_DENY
        if action == apsw.SQLITE_FUNCTION:
            known = (detail or "").lower() in self._functions
            return allowed.OK if known else self._refuse(f"the function {detail}()")
        if action == apsw.SQLITE_DELETE:
            self._acts = True
            if name in allowed.BOOKKEEPING:
                self.has_counters |= name == COUNTERS
                return allowed.OK
            return self._refuse("DROP" if name in ("sqlite_master", "sqlite_temp_master") else "DELETE")
        if action == apsw.SQLITE_TRANSACTION:
            self._acts = True
            self.open_at = self._piece.line_of(self._begin + self._ran) if name == "BEGIN" else None
            self.has_end = name == "COMMIT"
            if name == "ROLLBACK":
                self._note(NoteKind.ROLLBACK)
            return apsw.SQLITE_IGNORE  # the import is one transaction of its own
        if action == apsw.SQLITE_SAVEPOINT:
            self._acts = True
            self._note(NoteKind.NOT_RUN, allowed.SAVEPOINT[name])
            return apsw.SQLITE_IGNORE
        if action == apsw.SQLITE_PRAGMA:
            return self._pragma(name.lower())
        return self._refuse(allowed.SAID.get(action, "a statement"))

    def _pragma(self, name: str) -> int:
        if name in allowed.SETTINGS:
            self._note(NoteKind.NOT_RUN, f"PRAGMA {name}")
        elif name not in allowed.PRAGMAS:
            return self._refuse(f"PRAGMA {name}")
        self._acts = True
        self.is_d1 |= name == "defer_foreign_keys"
        return apsw.SQLITE_IGNORE

    def _is_query(self) -> int:
        """Of an UPDATE, which brings no rows, it is left out."""
        if not self._updates:
            return self._refuse("a query over tables")
        self._left = NoteKind.NOT_RUN, "UPDATE with a query over tables"
        return apsw.SQLITE_DENY

    def _refuse(self, what: str) -> int:
        self._refused = what
        return apsw.SQLITE_DENY

    def _writes(self, kind: int, _database: str, table: str, row: int) -> None:
        """A row with a rowid was written."""
        if self._continues:
            self._changed.append((kind, caseless(table), row))
        self.breaks.wrote(table, row)
