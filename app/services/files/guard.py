"""What an SQL dump's statements may do, decided by SQLite's own parser at each of them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import apsw

from app.services.files import allowed
from app.services.files.dump import NoteKind, Notes, Piece, continued, may_continue
from app.services.files.looking import Gone, Looker, Resolution, Resolves, resolution
from models.engine import sql_name
from models.local import statements
from models.local.bounded import bound, searches
from models.schema import caseless
from models.sql_tokens import holds


class _GoesOnWithAnother(Exception):
    """A statement goes on with a row that those before it have not brought."""


class _Counted(Exception):
    """What was tried has so many `rows`, and is undone."""

    def __init__(self, rows: int) -> None:
        super().__init__(rows)
        self.rows = rows


def _took_long(name: str) -> allowed.Forbidden:
    return allowed.Forbidden(f"the function {name} over a long text for a long one")


class Guard(Looker):
    """Stands over one connection while it runs a dump. BEGIN, COMMIT and pragmas do nothing there.

    It runs in one transaction, which OR ROLLBACK of the dump ends: that is `RolledBack`. With `in_many`, what
    came before is committed at each statement, and only that one is lost; it takes longer.

    What is left out goes to `notes`. `is_bounded` says that functions that search are Python's by now: a
    statement could have searched for ever. `make_tables(missing)` is asked to, when rows come before any
    table; `rows_alone` says that it did.
    """

    def __init__(
        self,
        connection: apsw.Connection,
        notes: Notes,
        make_tables: Callable[[str], bool],
        *,
        in_many: bool = False,
    ) -> None:
        super().__init__(connection)
        self.notes, self._make_tables, self._in_many = notes, make_tables, in_many
        self.is_bounded = False
        self._not_made: set[str] = set()
        self._left_from: set[str] = set()
        self._brought: dict[str, int] = {}
        self._gone = Gone(connection)
        for setting, value in (
            (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
            (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        ):
            connection.config(setting, value)
        connection.enable_load_extension(False)
        connection.drop_modules([])  # no virtual table of any kind
        for limit, most in allowed.LIMITS:
            connection.limit(limit, most)

    def run(self, piece: Piece) -> None:
        """Runs whole statements: all at once, and each by itself where one of them fails; what it did before
        it failed (OR FAIL, a column's ON CONFLICT FAIL) is undone. Raises `Forbidden`, `RolledBack` and what
        SQLite raises.
        """
        self._piece, text = piece, piece.joined
        self._says_conflict = not piece.is_literal and holds(text, "conflict")
        if not (self.is_bounded or piece.is_literal) and searches(text):
            bound(self._connection, _took_long)
            self.is_bounded = True
        self._found, temporary, self._continues = Notes(), self._temporary.copy(), False
        self._adds = False
        if not (self._left_from and may_continue(piece.joined)):
            try:
                with self._whole():
                    self._execute(piece.joined, 0, alone=False, tells=bool(self._left_from))
            except (apsw.Error, apsw.ExecTraceAbort, allowed.Forbidden, Resolves) as error:
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
                    raise allowed.RolledBack from error
                self._connection.execute("BEGIN")
            raise
        self._connection.execute("RELEASE whole")

    def _require_rest(self, error: Exception) -> None:
        """Raises it again where it took more with it than its statement, as OR ROLLBACK does."""
        if isinstance(error, allowed.OF_THE_STORE) or not self._connection.in_transaction:
            raise error

    def _resolve(self, sql: str, said: Resolution, begin: int) -> None:
        """Runs what is said of rows that do not fit, as that is said; each such is noted."""
        self._continues = self._adds = False
        if holds(sql, "returning") and (silent := self._without_returning(sql)):
            again = resolution(silent, by_table=True) or said
            sql, said = silent, replace(again, replaces=said.replaces)
        try:
            if (error := self._misfit(said.plain, begin)) is None:
                return None
            if allowed.MISSING.fullmatch(str(error)):
                is_made = self._makes_tables_for(said.plain, error)
                return self._resolve(sql, said, begin) if is_made else self._run_alone(sql, begin)
        except (apsw.Error, apsw.ExecTraceAbort, allowed.Forbidden):
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
                self._found.add(NoteKind.ROW, allowed.reason(refused), self._piece.line_of(begin + at))
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
            allowed.first_word(sql) == "alter"
            and allowed.ADDS.match(statements.canonical(sql[: allowed.LOOKED_AT])) is not None
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
                self._found.add(NoteKind.NOT_RUN, allowed.CONTINUES, self._piece.line_of(begin))
                return None
            except (apsw.Error, apsw.ExecTraceAbort, allowed.Forbidden) as error:
                self._require_rest(error)
                if self._queries and (silent := self._without_returning(sql)):
                    sql = silent
                elif self._clears_nothing(sql, error):
                    return None
                elif isinstance(error, allowed.Forbidden):
                    if (said := allowed.without_effect(sql, str(error))) is None:
                        raise
                    self._found.add(NoteKind.NOT_RUN, said, self._piece.line_of(begin))
                    return None
                elif not self._makes_tables_for(sql, error):
                    return self._leave_out(sql, begin, error)

    def _note_brought(self, sql: str) -> None:
        """Which row of its table has come last, by this statement: nobody asks where none was left out."""
        if self._left_from and statements.verb(sql)[0] in allowed.ROWS and self._connection.changes() > 0:
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
        missing = allowed.MISSING.fullmatch(str(error))
        if (
            missing is None
            or allowed.first_word(sql) not in allowed.ROWS
            or missing["name"] in self._not_made
        ):
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
        if allowed.first_word(sql) not in ("delete", "drop"):
            return False
        clears = allowed.CLEARS.match(statements.canonical(sql[: allowed.LOOKED_AT]))
        if clears is None or clears["name"] in allowed.BOOKKEEPING:
            return False
        if not allowed.NONE_THERE.match(str(error)):
            if clears["what"].startswith("drop") or clears["name"] not in self._tables:
                return False
            if self._connection.execute(f"SELECT 1 FROM main.{sql_name(clears['name'])} LIMIT 1").get:  # noqa: S608
                return False
        said = f"{clears['what'].replace(chr(0), ' ').upper()} {clears['name']}"
        self._found.add(NoteKind.CLEARS, said, self._piece.line_of(self.start))
        return True

    def _leave_out(self, sql: str, begin: int, error: Exception) -> None:
        """Notes a statement that failed and may be left out, or rows of it; raises what others said."""
        begun, word, left = sql[: allowed.LOOKED_AT], allowed.first_word(sql), self._left
        missing = allowed.MISSING.fullmatch(str(error))
        if missing and word == "delete" and missing["name"] in allowed.BOOKKEEPING:
            return  # which is empty then
        if left is None and word in allowed.ROWS and missing:
            left = NoteKind.ROWS, missing["name"]
        if left is None and word in allowed.TAKEN:
            said = statements.canonical(begun) if holds(begun, "create") else ""  # which takes long
            if trigger := allowed.TRIGGER.match(said):
                left = NoteKind.TRIGGER, trigger["name"]
            elif virtual := allowed.VIRTUAL.match(said):
                left = NoteKind.VIRTUAL_TABLE, virtual["name"]
            elif isinstance(error, apsw.Error) and self._does_not_fit(error):
                if word != "create" and self._row_by_row(sql, begin):
                    return
                left = NoteKind.REFUSED, allowed.reason(error)
        if left is None:
            raise error
        self._found.add(*left, self._piece.line_of(begin))
        if statements.verb(sql)[0] in allowed.ROWS:
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
                self._found.add(NoteKind.ROW, allowed.reason(error), self._piece.line_of(begin + at))
                self._leave(sql)
            else:
                self._note_brought(sql)
        return several

    def _does_not_fit(self, error: apsw.Error) -> bool:
        """Whether it is this statement alone that fails, of those around it that came in."""
        if isinstance(error, (apsw.ConstraintError, apsw.MismatchError)):
            return True
        return type(error) is apsw.SQLError and not self.rows_alone and not allowed.NO_SQL.search(str(error))
