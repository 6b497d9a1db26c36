"""A local SQLite file as the engine of a database, on APSW's own current SQLite."""

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import cached_property, partial
from pathlib import Path
from typing import Any
from weakref import finalize

import apsw
import peewee
from peewee import BaseQuery, SelectBase
from playhouse.apsw_ext import APSWDatabase

from models import errors, freeing, tables
from models.engine import Capability, Database, Limits, Row, Rows, Statement, TriedRows, raw
from models.files.at_path import traces
from models.files.errors import no_longer
from models.local.bounded import bound_by
from models.local.file import BUSY_TIMEOUT_MS, set_pragma, text_encoding
from models.local.in_use import known, wait_for_writer, written_by
from models.local.on_disk import FileOnDisk, has_moved
from models.progress import PATIENCE, WATCHING, Stop, Tick, never

SQLITE_VERSION, APSW_VERSION = apsw.sqlite_lib_version(), apsw.apsw_version()

PRAGMAS: tuple[tuple[str, int], ...] = (
    ("synchronous", 2),  # FULL: an acknowledged audit entry survives a power cut
    ("foreign_keys", 1),
    ("secure_delete", 1),  # deleted personal data must not stay in free pages
    ("cell_size_check", 1),
    ("temp_store", 2),  # sorting never writes beside somebody else's file
    ("cache_size", -2048),
)

FILE_LIMITS = Limits(
    32_766, columns=2_000, pattern_bytes=50_000, statement_bytes=1_000_000, value_bytes=1_000_000_000
)
"""SQLite's own (sqlite.org/limits.html), but for the length of a statement."""

LIMITS: tuple[tuple[int, int], ...] = (
    (apsw.SQLITE_LIMIT_ATTACHED, 1),  # the one that VACUUM needs for itself
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 1_000),  # as far as rows go along with rows; nothing writes by triggers
    (apsw.SQLITE_LIMIT_SQL_LENGTH, FILE_LIMITS.statement_bytes),
)
"""What a hostile file or a runaway statement may ask for (sqlite.org/security.html)."""

LOOK_STEPS = 100_000
"""Steps of SQLite's virtual machine, about 2 ms, after which a read asks whether it is still wanted."""


_OFTEN = 500
"""Statements between two words of progress."""
_LOOKS = 20
"""Before a change, at a file that others change each time between the look and the lock."""

_SEARCHING = (
    "SELECT CAST(sql AS TEXT) FROM main.sqlite_master WHERE type IN ('table', 'index') AND rootpage"
    " AND (sql LIKE '%instr%' OR sql LIKE '%replace%' OR sql LIKE '%trim%')"
)
"""What of a schema may search texts for others."""

_ENDS_AT = f"SELECT max(seq) FROM {tables.AuditEntry._meta.table_name}"  # noqa: S608
_MADE = "SELECT sql, name FROM main.sqlite_master WHERE type = 'table' AND lower(name) = ?"


class LocalDatabase(APSWDatabase, Database):  # type: ignore[misc]
    """One SQLite file in D1's schema.

    The file must exist: opening a mistyped path never creates one. Each thread has its own connection and
    takes it with `connection_context()`. Read-only is a property of the connection itself, so no code path
    and no shortcut can write.
    """

    def __init__(
        self,
        path: Path,
        *,
        read_only: bool = False,
        immutable: bool = False,
        copy: Path | None = None,
        cut: bool = False,
    ) -> None:
        """`immutable` reads without a lock and without a file beside it: for one glance at a quiet file.
        `copy` is read in the place of a file that SQLite cannot read where it is. `cut` reads what there is
        of a file whose end is missing, or whose schema has lines that are none.
        """
        self.path = path.absolute()  # the file stays the same when the working folder changes
        self.read_only = read_only or immutable or copy is not None or cut
        self._cut = cut
        self._written: tuple[int, int] | None = None
        self._ahead = 0
        self._goes_on_at: int | None = None
        self._ended_at = 0
        # As a URI, which can say any name that a file system allows, also one that is no UTF-8.
        name = f"{(copy or self.path).absolute().as_uri()}{'?immutable=1' if immutable else ''}"
        flags = apsw.SQLITE_OPEN_READONLY if self.read_only else apsw.SQLITE_OPEN_READWRITE
        flags |= apsw.SQLITE_OPEN_URI
        self._is_itself = not immutable and copy is None
        self.on_disk = FileOnDisk(self.path, leaves_log=read_only and self._is_itself)
        super().__init__(name, timeout=BUSY_TIMEOUT_MS / 1000, autoconnect=False, flags=flags)

    # SQLite's own, as APSW builds it, and ours above (sqlite.org/limits.html).
    limits = FILE_LIMITS
    capabilities = frozenset(Capability) - {Capability.SETTLES, Capability.TIME_TRAVEL}

    @cached_property
    def encoding(self) -> str:  # type: ignore[override]
        return text_encoding(self.connection())

    @property
    def place(self) -> str:
        return self.path.name

    def _connect(self) -> apsw.Connection:
        with self.expected_errors():
            self.on_disk.open()
            try:
                return super()._connect()  # type: ignore[no-any-return]
            except apsw.Error:
                if not self.on_disk.is_open:
                    self.on_disk.left()  # what a file too damaged to be opened has got meanwhile
                raise

    def connection(self) -> Any:
        """This thread's, which reads by the log's index."""
        self.on_disk.require_index()
        return super().connection()

    def require_in_place(self) -> None:
        self.on_disk.require_same()
        if not (self.on_disk.was_opened and self._is_itself):
            return
        with ExitStack() as stack, suppress(errors.FileLocked), self.expected_errors():
            self.on_disk.require_log()  # before one is made
            if self.is_closed():  # on this thread
                stack.enter_context(self.connection_context())
            self.on_disk.require_not_overwritten(self.connection())

    def _add_conn_hooks(self, conn: apsw.Connection) -> None:
        # What is writable here is what SQLite looks at before it refuses a file that is too short
        # (its `lockBtree`); no connection that only reads writes by it.
        conn.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, not self._cut)
        conn.config(apsw.SQLITE_DBCONFIG_WRITABLE_SCHEMA, self._cut)
        conn.config(apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0)
        conn.enable_load_extension(False)
        for limit, most in LIMITS:
            conn.limit(limit, most)
        pragmas = (*PRAGMAS, ("query_only", 1)) if self.read_only else PRAGMAS
        for name, value in pragmas:
            set_pragma(conn, name, value)
        super()._add_conn_hooks(conn)
        self.on_disk.add(conn)  # those pragmas have opened the log
        with suppress(apsw.Error, UnicodeDecodeError):  # which the first read will meet
            searching = [sql for (sql,) in conn.execute(_SEARCHING)]
            bound_by(conn, searching, lambda name: errors.SearchTooLong(self.path, name))

    @contextmanager
    def expected_errors(self) -> Iterator[None]:
        """Turns what SQLite raises into the typed errors of `models.errors`; bugs pass unchanged."""
        try:
            yield
        except Exception as error:
            found = known(error, self.path)
            if found is None or found is error:
                raise
            if isinstance(found, errors.DamagedFile) and self._is_overwritten():
                raise no_longer(self.path) from error
            self.damaged |= isinstance(found, errors.DamagedFile)
            raise found from error

    @contextmanager
    def own_errors(self) -> Iterator[None]:
        """The same of SQLite alone: the system's are of the file that is written meanwhile."""
        try:
            yield
        except OSError:
            raise
        except Exception:
            with self.expected_errors():
                raise

    def accepted(self, table: str, column: str, values: Sequence[str]) -> frozenset[str]:
        from models.local.trial import accepted  # noqa: PLC0415 - asked for after the first rows are shown

        made = self._made(table)
        return frozenset(values) if made is None else accepted(made[0], made[1], column, values)

    def refused(self, table: str, insertions: Sequence[Statement]) -> tuple[int, str] | None:
        from models.local.trial import refused  # noqa: PLC0415 - asked for before a deletion

        made = self._made(table)
        compiled = (self.get_sql_context().parse(item.query) for item in insertions)
        return None if made is None else refused(made[0], list(compiled))

    def refused_change(
        self,
        table: str,
        columns: Sequence[str],
        insertions: Sequence[Statement],
        changes: Sequence[Statement],
        given: Collection[str],
    ) -> list[tuple[int, str]]:
        from models.local.trial import made_by, refused_change  # noqa: PLC0415 - asked for before a deletion

        there, after = (
            [self.get_sql_context().parse(item.query) for item in items] for items in (insertions, changes)
        )
        with self.snapshot():
            file = self.connection()
            return refused_change(made_by(file, table), table, columns, (there, after), file, given=given)

    def try_rows(
        self, table: str, rows: Sequence[Mapping[str, Any]], wanted: Collection[str], cancelled: Stop = never
    ) -> TriedRows | None:
        from models.local.trial import made_by, try_rows  # noqa: PLC0415 - asked for before many are added

        with self.expected_errors():
            file = self.connection()
            return try_rows(made_by(file, table), table, rows, wanted, cancelled, file=file)

    def may_refuse(self, table: str, given: Collection[str]) -> bool:
        from models.local.trial import made_by, may_refuse  # noqa: PLC0415 - asked for before a removal

        with self.expected_errors():
            return may_refuse(made_by(self.connection(), table), table, given)

    def _made(self, table: str) -> tuple[str, str] | None:
        """The SQL that makes a table, and the name in it."""
        with self.expected_errors():
            found: tuple[str, str] | None = self.connection().execute(_MADE, (table,)).fetchone()
        return found

    def run_batch(self, statements: Sequence[Statement], *, cancelled: Stop = never) -> float:
        self.require_writable()
        compiled = [(*self.get_sql_context().parse(item.query), item) for item in statements]
        deadline = time.monotonic() + PATIENCE

        with self.expected_errors():
            connection: apsw.Connection = self.connection()
            self._begin(connection, deadline, cancelled)
            begun = time.monotonic()
            try:
                if has_moved(connection):
                    raise no_longer(self.path)
                self.on_disk.require_log()
                tell = _telling(statements)
                for sql, params, item in compiled:
                    if item.many:
                        _run_for_each(connection, sql, item, tell)
                        continue
                    tell(1)
                    given = connection.execute(sql, tuple(params)).fetchall()
                    rows = len(given) if isinstance(item.query, SelectBase) else connection.changes()
                    if item.expect not in (None, rows):
                        raise errors.RowChanged
                    if item.into is not None:
                        item.into[:] = given
                # Outside WAL a commit waits for the readers.
                self._patiently(lambda: connection.execute("COMMIT"), deadline, cancelled)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise
            held = time.monotonic() - begun
            # What is put over the file from now on shows in the next look, though the log has grown by this:
            # which is written, whatever is found now.
            with suppress(apsw.Error, OSError, errors.StorageError):
                self.on_disk.require_not_overwritten(connection)
            freeing.let_go(compiled)
            return held

    def _begin(self, connection: apsw.Connection, deadline: float, cancelled: Stop) -> None:
        """Begins a change of the file that was looked at: in the wait for the lock it may be replaced."""
        for _ in range(_LOOKS):
            with suppress(apsw.BusyError, apsw.LockedError):  # what holds it is met below, with patience
                self.on_disk.require_for_change(connection)
            self._patiently(lambda: connection.execute("BEGIN IMMEDIATE"), deadline, cancelled)
            if has_moved(connection) or self.on_disk.is_as_seen():
                return
            connection.execute("ROLLBACK")
        raise errors.FileLocked(self.path, written_by(self.path))

    def _patiently(self, step: Callable[[], object], deadline: float, cancelled: Stop) -> None:
        wait_for_writer(step, self.path, deadline, cancelled, partial(setattr, self, "waiting"))

    def _close(self, conn: apsw.Connection) -> None:
        is_last = self.on_disk.remove(conn)
        if is_last and not self.read_only and not self._may_fold(conn):
            conn.config(apsw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1)  # which the last to close does
        super()._close(conn)
        if not self.on_disk.is_open:
            self.on_disk.left()

    def release(self) -> None:
        """Has SQLite take the log away that others left who had the file open last, and only read it or were
        ended: once no thread has it open any more.
        """
        if self._is_itself and self.on_disk.was_opened and not self.on_disk.is_open:
            with suppress(errors.StorageError), self.expected_errors():
                if self.on_disk.log.exists():
                    with self.connection_context():
                        self.execute_sql("SELECT count(*) FROM sqlite_master").fetchall()

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        """As Peewee's. An EXPLAIN is compiled again each time: it lists its steps and does not run them, so
        it is not told that the tables they point to are gone from memory once others changed the schema.
        That it compiles is its answer: its steps, in which a DEFAULT of bad UTF-8 stands, are not read.
        """
        if self.on_disk.overwritten:
            raise no_longer(self.path)
        self.on_disk.require_index()
        if sql.startswith("EXPLAIN"):
            self.connection().execute(sql, params or (), can_cache=False).close(True)
            return super().execute_sql("SELECT NULL WHERE 0")
        return super().execute_sql(sql, params)

    def rows(self, query: BaseQuery) -> Rows:
        with self.expected_errors():
            return list(self.execute(query))

    def each(self, query: BaseQuery) -> Iterator[Row]:
        with self.expected_errors():
            yield from self.execute(query)

    def read_batch(self, queries: Sequence[BaseQuery]) -> list[Rows]:
        with self.snapshot():
            return [list(self.execute(query)) for query in queries]

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """All that is read within is of one moment, though what is asked depends on what was answered; what
        is written meanwhile, to whatever file, fails as it does (`own_errors`).
        """
        with self.own_errors():
            connection: apsw.Connection = self.connection()
            if connection.in_transaction:
                yield
                return
            connection.execute("BEGIN")
            try:
                yield
            finally:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")

    @contextmanager
    def cancellable(self, cancelled: Stop) -> Iterator[None]:
        connection: apsw.Connection = self.connection()
        # Unlike interrupt(), this cannot come too early and be lost.
        connection.set_progress_handler(cancelled, LOOK_STEPS)
        try:
            yield
        except (apsw.InterruptError, peewee.OperationalError) as error:  # as what asked has it
            if not cancelled():
                raise
            raise errors.Cancelled from error
        finally:
            connection.set_progress_handler(None)

    def clear_free_space(self) -> str | None:
        from models.local.on_disk import pack  # noqa: PLC0415 - asked for when a tenant is erased

        return pack(self)

    @contextmanager
    def calm_log(self) -> Iterator[Callable[[], None]]:
        """Keeps what waits for the disk out of the commits, which hold the lock meanwhile: the automatic
        checkpoint of the write-ahead log, and where there is one also the sync of each commit. A power cut
        then takes back the last of them, whole and in order (sqlite.org/pragma.html#pragma_synchronous). At
        the end the log is folded back and truncated, unless somebody is using it; the next commit syncs what
        that left.
        """
        connection: apsw.Connection = self.connection()
        if connection.pragma("journal_mode") == "wal":
            set_pragma(connection, "synchronous", 1)

        def fold_back(mode: int = apsw.SQLITE_CHECKPOINT_PASSIVE) -> None:
            with self.expected_errors(), suppress(apsw.BusyError, apsw.LockedError):
                if self._may_fold(connection):
                    connection.wal_checkpoint(mode=mode)

        before = connection.pragma("wal_autocheckpoint")
        connection.pragma("wal_autocheckpoint", 0)
        try:
            yield fold_back
        finally:
            connection.pragma("wal_autocheckpoint", before)
            set_pragma(connection, "synchronous", 2)
            if not self.read_only:
                fold_back()
                connection.set_busy_timeout(0)  # truncating would wait for readers, and writers for it
                try:
                    fold_back(apsw.SQLITE_CHECKPOINT_TRUNCATE)
                finally:
                    connection.set_busy_timeout(BUSY_TIMEOUT_MS)

    def watch(self) -> Callable[[], bool]:
        connection = self._connect()  # of its own: it sees the commits of every other one, ours too
        with self.expected_errors():
            before = connection.pragma("data_version")
        before_write = traces(self.path, self.on_disk.log)  # after that read, which may have made the log

        def untouched() -> bool:
            try:
                self.on_disk.require_index()
                same = not has_moved(connection) and bool(connection.pragma("data_version") == before)
            except (apsw.Error, errors.StorageError):  # locked by somebody who writes, say
                return False
            # What writes past SQLite leaves its counter as it was.
            return same and traces(self.path, self.on_disk.log) == before_write

        finalize(untouched, self._close, connection)
        return untouched

    def outside_changes(self) -> int:
        with self.expected_errors():
            self.on_disk.require_same()
            connection: apsw.Connection = self.connection()
            self.on_disk.look(connection)
            version = int(connection.pragma("data_version"))
            if self._goes_on_at is not None:  # each connection has numbers of its own
                self._ahead, self._goes_on_at = self._goes_on_at - version, None
            version += self._ahead
            written = version, connection.total_changes()
        if written != self._written:
            self._written = written
            self._look_at_end()
        return version

    def leave(self, close: Callable[[], object]) -> Callable[[], object]:
        seen = None
        with suppress(errors.TenantAdminError):
            if not self.is_closed():
                seen, connection = self.outside_changes(), self.connection()
                if not self.read_only and self._may_fold(connection):
                    with self.expected_errors():  # else the file is another once somebody folds it back
                        connection.wal_checkpoint()
        close()
        file, log = traces(self.path, self.on_disk.log)

        def back() -> None:
            file_now, log_now = traces(self.path, self.on_disk.log)
            is_as_left = file_now == file and (log_now == log or log_now is None or not log_now[2])
            if seen is not None and is_as_left:
                self._goes_on_at = seen
            elif self._written is not None:
                self._goes_on_at = self._written[0] + 1

        return back

    def _look_at_end(self) -> None:
        """Whether the audit chain ends where it did, or later."""
        with suppress(errors.StorageError):  # what cannot be read is said where it is shown
            ends_at = self.scalar(raw(_ENDS_AT)) or 0
            if isinstance(ends_at, int):
                if ends_at < self._ended_at:
                    self.went_back = ends_at
                self._ended_at = ends_at

    def _may_fold(self, connection: apsw.Connection) -> bool:
        return not self.damaged and self.on_disk.may_fold(connection)

    def _is_overwritten(self) -> bool:
        if not self.on_disk.overwritten and not self.is_closed():
            with suppress(apsw.Error, OSError, errors.FileReplaced):
                self.on_disk.require_not_overwritten(self.connection())
        return self.on_disk.overwritten


def _telling(statements: Sequence[Statement]) -> Tick:
    """Told of statements that are about to run, tells how many have; who follows that may end it."""
    monitor, total, done = WATCHING.get(), sum(len(one.many) or 1 for one in statements), 0

    def tell(more: int) -> None:
        nonlocal done
        if done % _OFTEN == 0 or more > 1:
            monitor.progress(done, total)
            if monitor.cancelled():
                raise errors.Cancelled
        done += more

    return tell


def _run_for_each(connection: apsw.Connection, sql: str, statement: Statement, tell: Tick) -> None:
    for start in range(0, len(statement.many), _OFTEN):
        part, before = statement.many[start : start + _OFTEN], connection.total_changes()
        tell(len(part))
        connection.executemany(sql, part)
        changed = connection.total_changes() - before
        if statement.expect is not None and changed != statement.expect * len(part):
            raise errors.RowChanged
