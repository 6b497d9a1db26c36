"""An SQL dump: its text in pieces that end where a statement ends, and what its statements may do, decided by
SQLite's own parser at each of them. Why a dump was not imported never quotes what it holds.
"""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar, Final

import apsw

from models.errors import TenantAdminError
from models.local import statements

BLOCK = 1 << 15
"""Bytes read at a time: some eighty rows."""

MAX_STATEMENT = 100_000_000
"""Bytes of the longest statement; D1 itself takes 100 KB, and a row of 2 MB."""

UTF16 = (b"\xff\xfe", b"\xfe\xff")
_BOM = b"\xef\xbb\xbf"
_MARK = re.compile(rb"[;'\"`\[]|--|/\*")
_BEFORE = re.compile(rb"(?:\s++|;|--[^\n]*+|/\*.*?\*/)*+", re.DOTALL)  # possessive: no state is kept
_CLOSING = {b"'": b"'", b'"': b'"', b"`": b"`", b"[": b"]", b"--": b"\n", b"/*": b"*/"}

_OK: Final = apsw.SQLITE_OK
_ALLOWED: Final = frozenset(
    (
        apsw.SQLITE_INSERT,  # never of sqlite_master: SQLite itself keeps that
        apsw.SQLITE_UPDATE,
        apsw.SQLITE_CREATE_TABLE,
        apsw.SQLITE_CREATE_INDEX,
        apsw.SQLITE_REINDEX,  # how a new index is filled
    )
)
_PART: Final = frozenset((apsw.SQLITE_SELECT, apsw.SQLITE_READ))
"""What is no statement of its own here, only a part of one."""

_PRAGMAS: Final = frozenset(("foreign_keys", "defer_foreign_keys"))
_BOOKKEEPING: Final = frozenset(("sqlite_sequence", "sqlite_stat1", "sqlite_stat3", "sqlite_stat4"))
"""Tables of SQLite's own that dumps empty before they fill them."""

_SAID: Final = {
    apsw.SQLITE_ATTACH: "ATTACH",
    apsw.SQLITE_DETACH: "DETACH",
    apsw.SQLITE_ALTER_TABLE: "ALTER TABLE",
    apsw.SQLITE_ANALYZE: "ANALYZE",
    apsw.SQLITE_SAVEPOINT: "SAVEPOINT",
    apsw.SQLITE_RECURSIVE: "a recursive query",
    apsw.SQLITE_CREATE_TRIGGER: "a trigger",
    apsw.SQLITE_CREATE_VIEW: "a view",
    apsw.SQLITE_CREATE_VTABLE: "a virtual table",
}
_LIMITS: Final = (
    (apsw.SQLITE_LIMIT_ATTACHED, 0),
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    (apsw.SQLITE_LIMIT_LENGTH, MAX_STATEMENT),
    (apsw.SQLITE_LIMIT_SQL_LENGTH, MAX_STATEMENT),
)


class ImportFailed(TenantAdminError):
    """A dump that was not imported; no file was made. `what` and `line` fill the wording of its kind."""

    wording: ClassVar[str]

    def __init__(self, dump: Path, what: str, line: int | None = None) -> None:
        where = "" if line is None else f" at line {line:,}"
        super().__init__(self.wording.format(name=dump.name, what=what, where=where))
        self.what, self.line = what, line


class NotADump(ImportFailed):
    wording = (
        "{name} is {what}, not an SQL dump; choose a file that `wrangler d1 export` or the `.dump` of "
        "sqlite3 has written."
    )


class NotPlainText(ImportFailed):
    wording = "{name} holds {what}{where}, so nothing was imported; an SQL dump is UTF-8 text."


class DumpCutOff(ImportFailed):
    """The end is missing. `line` is where the unfinished part begins."""

    wording = (
        "{name} was cut off: {what} that begins{where} never ends, so nothing was imported. Make the export "
        "again."
    )


class StatementRefused(ImportFailed):
    """Something that a dump of the platform's database never holds, and that could do harm."""

    wording = "{name} holds {what}{where}, which an import does not run; nothing was imported."


class StatementFailed(ImportFailed):
    """SQLite does not take a statement. Only what cannot be the row's data is said of why."""

    wording = "The statement{where} of {name} fails ({what}), so nothing was imported."


class ImportLimit(ImportFailed):
    wording = "{name} {what}, so nothing was imported."


class NotThePlatforms(ImportFailed):
    """A dump of something else, or one that lost its end between two statements."""

    wording = (
        "{name} lacks {what}: it is not a whole dump of the platform's database, so nothing was imported."
    )


class Scanner:
    """Finds the semicolons that end a statement in text that grows, each byte looked at once.

    It cuts as `sqlite3_complete()` does, which a test proves, except inside a trigger: that ends at its first
    semicolon here, and an import refuses it before that.
    """

    def __init__(self) -> None:
        self._at = 0
        self._closing: bytes | None = None
        self.begun = False

    def last_end(self, text: bytes | bytearray) -> int:
        """Offset behind the last such semicolon that was not there at the call before; 0 if none is."""
        self.begun = True
        end = 0
        while True:
            if self._closing is not None:
                closed = text.find(self._closing, self._at)
                if closed < 0:
                    # The first byte of a closing "*/" may be here, its second in the next block.
                    self._at = max(self._at, len(text) - len(self._closing) + 1)
                    return end
                self._at = closed + len(self._closing)
                self._closing = None
            mark = _MARK.search(text, self._at)
            if mark is None:
                self._at = max(self._at, len(text) - 1)  # half of a "--" or "/*"
                return end
            self._at = mark.end()
            if mark[0] == b";":
                end = self._at
            else:
                self._closing = _CLOSING[bytes(mark[0])]

    @property
    def in_comment(self) -> bool:
        return self._closing == b"*/"


def pieces(file: BinaryIO, path: Path) -> Iterator[tuple[str, int, int]]:
    """Text of whole statements, the offset in bytes where it begins, and the bytes read so far.

    Raises `NotPlainText`, `ImportLimit` (a statement is too long) and `DumpCutOff` (the last has no end).
    """
    text = bytearray()
    scanner = Scanner()
    begin, read = 0, 0
    while block := file.read(BLOCK):
        if read == 0 and block.startswith(UTF16):
            raise NotPlainText(path, "UTF-16, as PowerShell's `>` writes it,", 1)
        if read == 0 and block.startswith(_BOM):
            begin = len(_BOM)
        text += block[begin:] if read == 0 else block
        read += len(block)
        if b"\0" in block:
            raise NotPlainText(path, "a zero byte", line_at(path, begin + text.index(b"\0")))
        # A row ends with its line nearly always. SQLite says whether it does, faster than a scan would.
        end = 0 if scanner.begun else text.rfind(b";\n") + 1
        piece = _decoded(text[:end], path, begin)
        if not end or not apsw.complete(piece):
            end = scanner.last_end(text)
            piece = _decoded(text[:end], path, begin)
        if end:
            yield piece, begin, read
            begin += end
            del text[:end]
            scanner = Scanner()
        elif len(text) > MAX_STATEMENT:
            line = line_at(path, _first_token(text, begin))
            raise ImportLimit(
                path, f"holds a statement of more than {MAX_STATEMENT:,} bytes, which begins at line {line:,}"
            )
    if end := scanner.last_end(text):
        yield _decoded(text[:end], path, begin), begin, read
        begin += end
        del text[:end]
    if scanner.in_comment or statements.canonical(text.decode(errors="replace")):
        raise DumpCutOff(path, "a statement", line_at(path, _first_token(text, begin)))


def line_at(path: Path, offset: int) -> int:
    """The number of the line that holds the byte at `offset`; counted when it is asked for, which is rare."""
    line = 1
    with path.open("rb") as file:
        while offset > 0 and (block := file.read(min(offset, 1 << 20))):
            line += block.count(b"\n")
            offset -= len(block)
    return line


def _first_token(text: bytes | bytearray, begin: int) -> int:
    """Where the statement begins whose text, in front of it white space and comments, begins at `begin`."""
    found = _BEFORE.match(text)
    return begin + (found.end() if found else 0)


def statement_line(path: Path, text: str, begin: int, start: int) -> int:
    """The line of the statement behind character `start` of a piece that begins at the byte `begin`."""
    begin += len(text[:start].encode())
    return line_at(path, _first_token(text[start:].encode(), begin))


def _decoded(text: bytearray, path: Path, begin: int) -> str:
    try:
        return text.decode()
    except UnicodeDecodeError as error:
        raise NotPlainText(path, "bytes that are no UTF-8", line_at(path, begin + error.start)) from None


class Forbidden(Exception):
    """A statement does something else than filling tables; `str()` names what."""


class Guard:
    """Stands over one connection while it runs a dump. BEGIN, COMMIT and the two pragmas do nothing there.

    `statements` counts what ran. `start` is where, in the text that was run, the statement lies that
    failed; `begun` is where a BEGIN is in it. `open` says that a BEGIN has had no COMMIT yet.
    """

    def __init__(self, connection: apsw.Connection) -> None:
        self._connection = connection
        self.statements = 0
        self.start = 0
        self._lengths: list[int] = []
        self.open = False
        self.begun: int | None = None
        self._acts = False
        self._refused: str | None = None
        for setting, value in (
            (apsw.SQLITE_DBCONFIG_DEFENSIVE, 1),
            (apsw.SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0),
            (apsw.SQLITE_DBCONFIG_ENABLE_VIEW, 0),
        ):
            connection.config(setting, value)
        connection.enable_load_extension(False)
        connection.drop_modules([])  # no virtual table of any kind
        for limit, most in _LIMITS:
            connection.limit(limit, most)
        self._functions = self._keep_innocuous_functions()

    def run(self, text: str) -> None:
        """Runs whole statements. Raises `Forbidden` and what SQLite raises."""
        self._lengths.clear()
        self.start = 0
        self.begun = self._refused = None
        self._connection.authorizer, self._connection.exec_trace = self._authorize, self._begins
        try:
            for _ in self._connection.execute(text):  # until the last statement, whatever rows come
                pass
        except Exception as error:
            end = sum(self._lengths)
            self.start = end if self._at_next(error, text[end:]) else end - self._lengths[-1]
            if self._refused is not None:
                raise Forbidden(self._refused) from error
            raise
        finally:
            self.statements += len(self._lengths)
            self._connection.authorizer = self._connection.exec_trace = None

    def _keep_innocuous_functions(self) -> frozenset[str]:
        """The functions that SQLite itself calls innocuous; the others do nothing any more but refuse.

        The authorizer alone is not enough: it is asked about no function behind the first row of VALUES.
        """
        found: dict[str, bool] = {}
        for name, flags in self._connection.execute("SELECT lower(name), flags FROM pragma_function_list"):
            found[str(name)] = found.get(str(name), True) and bool(int(str(flags)) & apsw.SQLITE_INNOCUOUS)
        for name, innocuous in found.items():
            if not innocuous:
                self._connection.create_scalar_function(name, _refusing(name))
        return frozenset(name for name, innocuous in found.items() if innocuous)

    @property
    def at_its_limit(self) -> bool:
        """Whether the file has as many pages as it may have, rather than the disk being full."""
        pages = [int(self._connection.pragma(name)) for name in ("page_count", "max_page_count")]
        return pages[0] >= pages[1]

    def check_default(self, expression: str) -> None:
        """Raises `Forbidden` when a column's DEFAULT calls what is not harmless, and what SQLite raises."""
        self._refused = None
        self._connection.authorizer = self._authorize
        try:
            self._connection.execute(f"EXPLAIN SELECT (\n{expression}\n)").fetchall()
        except apsw.Error as error:
            if self._refused is not None:
                raise Forbidden(self._refused) from error
            raise
        finally:
            self._connection.authorizer = None

    def _begins(self, _cursor: object, sql: str, _bindings: object) -> bool:
        self._lengths.append(len(sql))
        if self._acts:
            self._acts = False
            return True
        # A query, VACUUM, and others that SQLite does not ask about.
        raise Forbidden(statements.canonical(sql).partition(" ")[0].upper())

    def _authorize(
        self, action: int, name: str | None, detail: str | None, database: str | None, _trigger: str | None
    ) -> int:
        if action in _ALLOWED and database == "main":  # nearly always
            self._acts = True
            return _OK
        if action in _PART:
            return _OK
        if database == "temp":
            return self._refuse("a temporary table")
        name = name or ""
        if action == apsw.SQLITE_FUNCTION:
            known = (detail or "").lower() in self._functions
            return _OK if known else self._refuse(f"the function {detail}()")
        if action == apsw.SQLITE_DELETE:
            self._acts = True
            if name in _BOOKKEEPING:
                return _OK
            return self._refuse("DROP" if name in ("sqlite_master", "sqlite_temp_master") else "DELETE")
        if action == apsw.SQLITE_TRANSACTION:
            if name == "ROLLBACK":
                return self._refuse("ROLLBACK, with which the dump of a damaged file ends,")
            self._acts = True
            self.open = name == "BEGIN"
            self.begun = sum(self._lengths) if self.open else self.begun
            return apsw.SQLITE_IGNORE  # the import is one transaction of its own
        if action == apsw.SQLITE_PRAGMA:
            self._acts = True
            return apsw.SQLITE_IGNORE if name.lower() in _PRAGMAS else self._refuse(f"PRAGMA {name}")
        return self._refuse(_SAID.get(action, "a statement"))

    def _refuse(self, what: str) -> int:
        self._refused = what
        return apsw.SQLITE_DENY

    def _at_next(self, error: Exception, behind: str) -> bool:
        """Whether it was the text behind what began last that failed: it could not even be prepared."""
        if not self._lengths or self._refused is not None or isinstance(error, apsw.BindingsError):
            return True
        return isinstance(error, apsw.SQLError) and self._said_of(behind) == str(error)

    def _said_of(self, text: str) -> str | None:
        """What SQLite says against the first statement of a text when it is prepared, and not run."""

        def stop(*_: object) -> bool:
            return False

        self._connection.exec_trace = stop
        try:
            self._connection.execute(text)
        except apsw.ExecTraceAbort:
            return None
        except apsw.Error as error:
            return str(error)
        return None


def _refusing(name: str) -> Callable[..., Any]:
    def refuse(*_: object) -> Any:
        raise Forbidden(f"the function {name}()")

    return refuse
