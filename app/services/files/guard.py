"""What an SQL dump's statements may do, decided by SQLite's own parser at each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import apsw

from app.services.chain.rules import TABLE
from app.services.files.allowed import (
    ADDS,
    ALLOWED,
    BOOKKEEPING,
    BRINGS,
    BY_POSITION,
    CLEARS,
    CONTINUES,
    DROP,
    LEFT_OUT,
    LIMITS,
    LOOKED_AT,
    MISSING,
    NO_SQL,
    NONE_THERE,
    OF_ADDING,
    OF_THE_STORE,
    OK,
    OWN,
    PRAGMAS,
    ROWS,
    SAID,
    SAVEPOINT,
    SETTINGS,
    STATISTICS,
    TAKEN,
    TEMPORARY,
    TRIGGER,
    VIRTUAL,
    ByPosition,
    Forbidden,
    RolledBack,
    first_word,
    has_query,
    keep_innocuous_functions,
    reason,
    without_effect,
)
from app.services.files.breaks import Breaks
from app.services.files.continuing import continued, may_continue
from app.services.files.dump import NoteKind, Notes, Piece
from app.services.files.resolving import Gone, Resolution, resolution, resolving_tables
from models.engine import sql_name
from models.local import statements
from models.local.bounded import bound, searches
from models.schema import COUNTERS, caseless


class _GoesOnWithAnother(Exception):
    """A statement goes on with a row that those before it have not brought."""


class _Resolves(Exception):
    """A statement says what becomes of rows that do not fit, so it is run by itself."""


class _Counted(Exception):
    """What was tried has so many `rows`, and is undone."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def _took_long(name: str) -> Forbidden:
    return Forbidden(f"the function {name} over a long text for a long one")


class Guard:
    """Stands over one connection while it runs a dump. BEGIN, COMMIT and pragmas do nothing there.

    It runs in one transaction, which OR ROLLBACK of the dump ends: that is `RolledBack`. With `in_many`, what
    came before is committed at each statement, and only that one is lost; it takes longer.

    `start` is where, in the piece that was run, the statement lies that failed. `open_at` is the line of a
    BEGIN that has had no COMMIT yet, `chain_at` that of the audit chain's table. `is_d1` says that it begins
    as D1's export does, `has_counters` that it filled `sqlite_sequence`. What is left out goes to `notes`.
    `is_bounded`: functions that search are Python's since a statement that could search for ever.
    `make_tables(missing)` is asked to, when rows come before any table; `rows_alone` says that it did.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        notes: Notes,
        make_tables: Callable[[str], bool],
        *,
        in_many: bool = False,
    ) -> None:
        self._connection, self.notes, self._make_tables = connection, notes, make_tables
        self._in_many = in_many
        self._found = Notes()
        self.start = 0
        self.open_at: int | None = None
        self.chain_at: int | None = None
        self.rows_alone = self.is_d1 = self.has_counters = self.is_bounded = False
        self._not_made: set[str] = set()
        self._temporary: set[str] = set()
        self._tables: set[str] = set()
        self._ran = self._last = 0
        self._acts = self._queries = self._reads = self._reads_own = self._updates = False
        self._table = ""
        self._asks_itself = self._has_breaks = False
        self._refused: str | None = None
        self._left_from: set[str] = set()
        self._brought: dict[str, int] = {}
        self._continues, self._said = False, ""
        self._changed: list[tuple[int, str, int]] = []
        self._left: tuple[NoteKind, str] | None = None
        self._alone = True
        """Whether a statement runs by itself."""
        self._adds = False
        """Whether the statement that runs alone adds a column."""
        self.breaks = Breaks(connection)
        self._gone = Gone(connection)
        self._resolving: set[str] = set()
        self._unread = self._says_conflict = False
        """Whether a table that is made may be one of those that are `_resolving`."""
        for setting, value in (
            (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
            (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        ):
            connection.config(setting, value)
        connection.enable_load_extension(False)
        connection.drop_modules([])  # no virtual table of any kind
        for limit, most in LIMITS:
            connection.limit(limit, most)
        self._functions = keep_innocuous_functions(connection)

    def run(self, piece: Piece) -> None:
        """Runs whole statements: all at once, and each by itself where one of them fails; what it did before
        it failed (OR FAIL, a column's ON CONFLICT FAIL) is undone. Raises `Forbidden`, `RolledBack` and what
        SQLite raises.
        """
        self._piece, text = piece, piece.joined
        self._says_conflict = "conflict" in text.lower()
        if not self.is_bounded and searches(text):
            bound(self._connection, _took_long)
            self.is_bounded = True
        self._found, temporary, self._continues = Notes(), self._temporary.copy(), False
        self._adds = False
        if not (self._left_from and may_continue(piece.joined)):
            try:
                with self._whole():
                    self._execute(piece.joined, 0, alone=False)
            except (apsw.Error, apsw.ExecTraceAbort, Forbidden, _Resolves) as error:
                self._require_rest(error)
            else:
                self.notes.take(self._found)
                self._note_brought(self._said)
                return
        self._found, self._temporary = self.notes, temporary
        for begin, sql in piece.statements():
            if self._unread:
                self._read_resolving()
            by_table = bool(self._resolving) and statements.target(sql)[0] in self._resolving
            said = resolution(sql, by_table=by_table)
            if said is None or (self._left_from and continued(sql) in self._left_from):
                self._run_alone(sql if said is None else said.plain, begin)
            else:
                self._resolve(sql, said, begin)

    @contextmanager
    def _whole(self) -> Iterator[None]:
        """All of it or nothing."""
        self._connection.execute("COMMIT; BEGIN; SAVEPOINT whole" if self._in_many else "SAVEPOINT whole")
        try:
            yield
        except BaseException as error:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK TO whole; RELEASE whole")
            elif isinstance(error, apsw.ConstraintError):
                if not self._in_many:
                    raise RolledBack from error
                self._connection.execute("BEGIN")
            raise
        self._connection.execute("RELEASE whole")

    def _require_rest(self, error: Exception) -> None:
        """Raises it again where it took more with it than its statement, as OR ROLLBACK does."""
        if isinstance(error, OF_THE_STORE) or not self._connection.in_transaction:
            raise error

    def _execute(self, text: str, begin: int, *, alone: bool = True) -> None:
        self._begin, self._ran, self._last = begin, 0, 0
        self._alone = alone
        self._refused = self._left = None
        self.breaks.begin()
        self._forget_statement()
        self._connection.authorizer, self._connection.exec_trace = self._authorize, self._begins
        self._changed.clear()
        self._has_breaks = self._piece.has_breaks
        self._connection.set_update_hook(self._writes if self._has_breaks or self._continues else None)
        try:
            for _ in self._connection.execute(text):  # until the last statement, whatever rows come
                pass
        except Exception as error:
            self.start = begin + self._ran - self._last
            if self._refused is not None:
                raise Forbidden(self._refused) from error
            raise
        finally:
            self._connection.authorizer = self._connection.exec_trace = None
        self.breaks.look(self._found, self._piece, is_d1=self.is_d1)

    def _resolve(self, sql: str, said: Resolution, begin: int) -> None:
        """Runs what is said of rows that do not fit, as that is said; each such is noted."""
        self._continues = self._adds = False
        if "returning" in sql.lower() and (silent := self._without_returning(sql)):
            again = resolution(silent, by_table=True) or said
            sql, said = silent, replace(again, replaces=said.replaces)
        try:
            if (error := self._misfit(said.plain, begin)) is None:
                return None
            if MISSING.fullmatch(str(error)):
                is_made = self._makes_tables_for(said.plain, error)
                return self._resolve(sql, said, begin) if is_made else self._run_alone(sql, begin)
        except (apsw.Error, apsw.ExecTraceAbort, Forbidden):
            return self._run_alone(sql, begin)
        several = [*statements.rows(sql)]
        for at, row in several or [(0, sql)]:
            own = resolution(row, by_table=True) or said
            if several and self._misfit(own.plain, begin + at) is None:
                continue
            brought = 1 if several else self._rows_of(own, begin)
            with self._gone.counted():
                refused = self._misfit(row, begin + at)
            if refused is None:
                self._note_fate(said, sql, brought, begin + at)
            elif several:
                self._found.add(NoteKind.ROW, reason(refused), self._piece.line_of(begin + at))
                self._leave(row)
            else:
                self._run_alone(row, begin)
        return None

    def _note_fate(self, said: Resolution, sql: str, brought: int, begin: int) -> None:
        """Notes what became of the rows that a statement `brought`, by what is said of those that do not fit.

        Of an UPDATE none are known where even in the place of others they do not fit: some stayed then.
        """
        left = brought - self._connection.changes()
        unchanged = 0
        if said.updates and (said.by_table or not said.replaces):
            unchanged = max(left, 0) if brought and said.by_table else max(left, 1)
        is_silent = left <= 0 and not self._gone.rows and not unchanged
        found = [(NoteKind.OVER, self._gone.rows), (NoteKind.SAME, 0 if said.updates else left)]
        found += [(NoteKind.UNCHANGED, unchanged), (NoteKind.DEFAULT, int(is_silent and said.replaces))]
        for kind, rows in found:
            if rows > 0:
                self._found.add(kind, statements.target(sql)[0], self._piece.line_of(begin), count=rows)

    def _rows_of(self, said: Resolution, begin: int) -> int:
        """How many rows a statement has; of none is told where even that does not fit."""
        try:
            with self._whole():
                self._execute(said.replacing, begin)
                raise _Counted(self._connection.changes())
        except _Counted as counted:
            return counted.rows
        except apsw.Error as error:
            self._require_rest(error)
            return 0

    def _misfit(self, sql: str, begin: int) -> apsw.Error | None:
        """Runs a statement that brings rows; why they do not fit, if so."""
        try:
            with self._whole():
                self._execute(sql, begin)
        except apsw.Error as error:
            self._require_rest(error)
            if not self._does_not_fit(error):
                raise
            return error
        self._note_brought(sql)
        return None

    def _run_alone(self, sql: str, begin: int) -> None:
        """Runs one statement, or notes that it is left out; also one that continues a row that was, which
        stands in a statement of its own: it would go on with another row of its key.
        """
        self._continues = bool(self._left_from) and continued(sql) in self._left_from
        self._adds = (
            first_word(sql) == "alter" and ADDS.match(statements.canonical(sql[:LOOKED_AT])) is not None
        )
        while True:
            self.start = begin
            try:
                with self._whole():
                    self._execute(sql, begin)
                    if self._continues:
                        self._require_brought()
                if not self._continues:
                    self._note_brought(sql)
                return None
            except _GoesOnWithAnother:
                self._found.add(NoteKind.NOT_RUN, CONTINUES, self._piece.line_of(begin))
                return None
            except (apsw.Error, apsw.ExecTraceAbort, Forbidden) as error:
                self._require_rest(error)
                if self._queries and (silent := self._without_returning(sql)):
                    sql = silent
                elif self._clears_nothing(sql, error):
                    return None
                elif isinstance(error, Forbidden):
                    if (said := without_effect(sql, str(error))) is None:
                        raise
                    self._found.add(NoteKind.NOT_RUN, said, self._piece.line_of(begin))
                    return None
                elif not self._makes_tables_for(sql, error):
                    return self._leave_out(sql, begin, error)

    def _note_brought(self, sql: str) -> None:
        """Which row of its table has come last, by this statement: nobody asks where none was left out."""
        if self._left_from and statements.verb(sql)[0] in ROWS and self._connection.changes() > 0:
            self._brought[statements.target(sql)[0]] = self._connection.last_insert_rowid()

    def _require_brought(self) -> None:
        """Raises `_GoesOnWithAnother` where another row was changed than the table's last, or one without a
        rowid.
        """
        for kind, table, row in self._changed:
            if kind == apsw.SQLITE_INSERT:
                self._brought[table] = row
            elif self._brought.get(table) != row:
                raise _GoesOnWithAnother
        if len(self._changed) < self._connection.changes():
            raise _GoesOnWithAnother

    def _leave(self, sql: str) -> None:
        """A row of this statement is left out: what continues it may not go on with another."""
        table = statements.target(sql)[0]
        self._left_from.add(table)
        self._brought.pop(table, None)

    def _without_returning(self, sql: str) -> str | None:
        """The statement without its RETURNING, which stores nothing: None where it has none."""
        silent = statements.source(sql, "returning")
        try:
            self._connection.execute(f"EXPLAIN {silent or ''}")
        except apsw.Error:
            return None  # it is a name
        return silent

    def _makes_tables_for(self, sql: str, error: Exception) -> bool:
        """Whether it was rows for a table of ours, which is there now."""
        missing = MISSING.fullmatch(str(error))
        if missing is None or first_word(sql) not in ROWS or missing["name"] in self._not_made:
            return False
        if not self._make_tables(missing["name"]):
            self._not_made.add(missing["name"])
            return False
        self.rows_alone = True
        made = self._connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        self._tables.update(caseless(str(name)) for (name,) in made)
        return True

    def _clears_nothing(self, sql: str, error: Exception) -> bool:
        """Whether it would remove what is not there, or rows of a table that has none; which is noted."""
        if first_word(sql) not in ("delete", "drop"):
            return False
        clears = CLEARS.match(statements.canonical(sql[:LOOKED_AT]))
        if clears is None or clears["name"] in BOOKKEEPING:
            return False
        if not NONE_THERE.match(str(error)):
            if clears["what"].startswith("drop") or clears["name"] not in self._tables:
                return False
            if self._connection.execute(f"SELECT 1 FROM main.{sql_name(clears['name'])} LIMIT 1").get:  # noqa: S608
                return False
        said = f"{clears['what'].replace(chr(0), ' ').upper()} {clears['name']}"
        self._found.add(NoteKind.CLEARS, said, self._piece.line_of(self.start))
        return True

    def _leave_out(self, sql: str, begin: int, error: Exception) -> None:
        """Notes a statement that failed and may be left out, or rows of it; raises what others said."""
        begun, word, left = sql[:LOOKED_AT], first_word(sql), self._left
        missing = MISSING.fullmatch(str(error))
        if missing and word == "delete" and missing["name"] in BOOKKEEPING:
            return  # which is empty then
        if left is None and word in ROWS and missing:
            left = NoteKind.ROWS, missing["name"]
        if left is None and word in TAKEN:
            said = statements.canonical(begun) if "create" in begun.lower() else ""  # which takes long
            if trigger := TRIGGER.match(said):
                left = NoteKind.TRIGGER, trigger["name"]
            elif virtual := VIRTUAL.match(said):
                left = NoteKind.VIRTUAL_TABLE, virtual["name"]
            elif isinstance(error, apsw.Error) and self._does_not_fit(error):
                if word != "create" and self._row_by_row(sql, begin):
                    return
                left = NoteKind.REFUSED, reason(error)
        if left is None:
            raise error
        self._found.add(*left, self._piece.line_of(begin))
        if statements.verb(sql)[0] in ROWS:
            self._leave(sql)

    def _row_by_row(self, text: str, begin: int) -> bool:
        """Runs each of several rows by itself, so that one that is refused takes no other with it."""
        several = False
        for at, sql in statements.rows(text):
            several = True
            try:
                with self._whole():
                    self._execute(sql, begin + at)
            except apsw.Error as error:
                self._require_rest(error)
                if not self._does_not_fit(error):
                    raise
                self._found.add(NoteKind.ROW, reason(error), self._piece.line_of(begin + at))
                self._leave(sql)
            else:
                self._note_brought(sql)
        return several

    def _does_not_fit(self, error: apsw.Error) -> bool:
        """Whether it is this statement alone that fails, of those around it that came in."""
        if isinstance(error, (apsw.ConstraintError, apsw.MismatchError)):
            return True
        return type(error) is apsw.SQLError and not self.rows_alone and not NO_SQL.search(str(error))

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
                raise Forbidden(self._refused) from error
            raise
        finally:
            self._connection.authorizer = None

    def _begins(self, _cursor: object, sql: str, _bindings: object) -> bool:
        if not (self._alone or self._asks_itself):
            if self._unread and first_word(sql) in BRINGS:
                self._read_resolving()
            if resolution(sql, by_table=self._table in self._resolving) is not None:
                raise _Resolves
        if self._acts and not (self._has_breaks or self.rows_alone or self._asks_itself):  # nearly always
            if self._reads_own and self._queries_own(sql):
                return self._is_query() == OK
            self._began(sql)
            self._forget_statement()
            return True
        if self._asks_itself:
            return True
        self.breaks.begins(sql, self._begin + self._ran)
        if not self._acts:
            said = statements.canonical(sql)
            if drop := DROP.match(said):
                self._note(NoteKind.DROP, drop["name"])
            self._acts = drop is not None or not said.strip(";\0")
        if self._reads_own and self._queries_own(sql):
            return self._is_query() == OK
        self._began(sql)
        acts = self._acts
        self._forget_statement()
        if acts and self.rows_alone:
            rows = BY_POSITION.match(statements.canonical(sql[:LOOKED_AT]))
            if rows and rows["name"].strip('"`[]') not in BOOKKEEPING:
                raise ByPosition(rows["name"].strip('"`[]'))
        if acts:
            return True
        # A query, VACUUM, and others that SQLite does not ask about.
        raise Forbidden(statements.canonical(sql).partition("\0")[0].upper())

    def _queries_own(self, sql: str) -> bool:
        """Whether a statement queries the table it writes to: SQLite says the same of ON CONFLICT and of
        RETURNING, and is asked about it without them.
        """
        if not has_query(sql):
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
        if action in ALLOWED and database == "main":  # nearly always
            if self._temporary and caseless(str(name)) in self._temporary:
                return self._refuse("a table and a temporary one of its name")
            if not self._acts and name != "sqlite_master":
                self._updates, self._table = action == apsw.SQLITE_UPDATE, caseless(str(name))
            self._acts = True
            if action == apsw.SQLITE_CREATE_TABLE:
                self._tables.add(made := caseless(str(name)))
                self._unread |= self._says_conflict
                if made == TABLE:
                    self.chain_at = self._piece.line_of(self._begin + self._ran)
            self.has_counters |= name == COUNTERS and action != apsw.SQLITE_CREATE_TABLE
            return OK
        name = name or ""
        if self._asks_itself:
            self._reads_own |= action == apsw.SQLITE_READ and caseless(name) == self._table
            return OK
        if self._adds and (action, name) in OF_ADDING:
            return OK
        if action in (apsw.SQLITE_SELECT, apsw.SQLITE_READ):
            # Both at once is a query over a table; of one behind IN SQLite tells the columns alone.
            if action == apsw.SQLITE_SELECT:
                self._queries = True
            elif name and caseless(name) == self._table:
                self._reads_own = True  # as ON CONFLICT and RETURNING do, or a query: the text tells
            elif detail == "" and not name.startswith("sqlite_") and caseless(name) not in self._tables:
                pass  # of a WITH no column is read
            elif (name, detail) != OWN and name not in STATISTICS:
                self._reads = True
                self._queries |= self._table != ""
            return self._is_query() if self._queries and self._reads else OK
        if action in TEMPORARY:
            self._temporary.add(caseless(name))
            self._left = NoteKind.NOT_RUN, f"CREATE TEMP … {name}"
            return apsw.SQLITE_DENY
        if database == "temp" and (action, name) == (apsw.SQLITE_INSERT, "sqlite_temp_master"):
            return OK  # asked first of such a table
        if database == "temp":
            return self._refuse("a temporary table")
        if action == apsw.SQLITE_ALTER_TABLE:
            if self._adds:
                self._acts = True
                self._unread |= self._says_conflict
                return OK
            self._left = NoteKind.NOT_RUN, f"ALTER TABLE {detail}"
            return apsw.SQLITE_DENY
        if action in LEFT_OUT:
            self._left = LEFT_OUT[action], name if action != apsw.SQLITE_ANALYZE else "ANALYZE"
            return apsw.SQLITE_DENY
        if action == apsw.SQLITE_FUNCTION:
            known = (detail or "").lower() in self._functions
            return OK if known else self._refuse(f"the function {detail}()")
        if action == apsw.SQLITE_DELETE:
            self._acts = True
            if name in BOOKKEEPING:
                self.has_counters |= name == COUNTERS
                return OK
            return self._refuse("DROP" if name in ("sqlite_master", "sqlite_temp_master") else "DELETE")
        if action == apsw.SQLITE_TRANSACTION:
            self._acts = True
            self.open_at = self._piece.line_of(self._begin + self._ran) if name == "BEGIN" else None
            if name == "ROLLBACK":
                self._note(NoteKind.ROLLBACK)
            return apsw.SQLITE_IGNORE  # the import is one transaction of its own
        if action == apsw.SQLITE_SAVEPOINT:
            self._acts = True
            self._note(NoteKind.NOT_RUN, SAVEPOINT[name])
            return apsw.SQLITE_IGNORE
        if action == apsw.SQLITE_PRAGMA:
            return self._pragma(name.lower())
        return self._refuse(SAID.get(action, "a statement"))

    def _pragma(self, name: str) -> int:
        if name in SETTINGS:
            self._note(NoteKind.NOT_RUN, f"PRAGMA {name}")
        elif name not in PRAGMAS:
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
