"""An SQL dump: its text in pieces that end where a statement ends, and what is said of one that cannot come
in, or not whole. Why it was not imported never quotes what it holds. `app.services.files.guard` runs it.

And how an UPDATE goes on with a value longer than a statement, as our export writes it and others do.
"""

import codecs
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum, StrEnum
from functools import cached_property, lru_cache
from io import BytesIO
from itertools import dropwhile
from pathlib import Path
from typing import Any, BinaryIO, Final, Protocol

import apsw

from app.services.text import counted, visible
from models import engine, errors, sql_tokens
from models.local import statements
from models.local.file import GZIP, utf16

BEGINNING = "PRAGMA defer_foreign_keys=TRUE;"
"""How D1's export begins, and ours."""

EXACT = "-- every value is written as it is stored"
"""The next line of ours, which D1's does not have: that rounds numbers."""

OF_TENANT = re.compile(rf'{BEGINNING}\n(?:{EXACT}\n)?-- of one tenant: (?P<tenant>".*")\n')
"""How ours begins of one tenant alone, the name as JSON."""

BLOCK = 1 << 15
"""Bytes read at a time: some eighty rows."""

MAX_STATEMENT = 100_000_000
"""Bytes of the longest statement; D1 itself takes 100 KB, and a row of 2 MB."""

_LONG: Final = 1 << 20
"""Bytes from which a piece is one long statement, more or less: its rows are not joined with others."""

MOST_BLANK = 1 << 16
"""White space between statements beyond which it is not kept: a small file may hold a lot of it, packed."""

_ENDED = rb";(?:(?>[ \t\n\f\r]*;))*+"  # with the empty statements behind it, of which there may be millions
_MARK = re.compile(_ENDED + rb"|['\"`\[]|--|/\*")
_GAP = rb"(?:(?>\s++|--[^\n]*+|/\*.*?\*/))*+"  # possessive, here and below: no state is kept
_BEFORE = re.compile(rb"(?:(?>\s++|;|--[^\n]*+|/\*.*?\*/))*+", re.DOTALL)
_BLANK = re.compile(rb"[ \t\n\f\r]*+")
_BEFORE_TEXT = re.compile(_BEFORE.pattern.decode(), re.DOTALL | re.ASCII)
_TRIGGER = re.compile(
    _GAP + rb"create\b" + _GAP + rb"(?:temp(?:orary)?\b" + _GAP + rb")?trigger\b", re.DOTALL | re.IGNORECASE
)
_END = re.compile(_GAP + rb"end" + _GAP + _ENDED, re.DOTALL | re.IGNORECASE)
_IN_TEXT = re.compile(rb"(?:(?>[^']++|''))*+")
_CLOSING = {b"'": b"'", b'"': b'"', b"`": b"`", b"[": b"]", b"--": b"\n", b"/*": b"*/"}
_TOKEN = re.compile(
    rb"""(?P<text>'(?:(?>[^']++|''))*+')|(?P<skip>--[^\n]*+|/\*.*?\*/)|"[^"]*+"|`[^`]*+`|\[[^\]]*+\]""",
    re.DOTALL,
)

_NAME = rb'(?:\w++|"[ !#-~]++")'
_HEAD = re.compile(rb"INSERT INTO %b ?(?:\(%b(?:(?>, ?%b))*+\) ?)?VALUES ?\(" % (_NAME, _NAME, _NAME))
_VALUES = rb"[+\w.,]*+(?:(?>'[^']*+'[+\w.,]*+|-(?!-)[+\w.,]*+))*+"
"""Of a row of literals."""

_STATEMENT = re.compile(rb"""(?:INSERT|UPDATE)\b(?:(?>'[^']*+'|"[^"]*+"|[^'"`\[;/-]++|-(?!-)))*+;(?:\n|\Z)""")
"""Any that ends as plainly: it may change rows, and has no comment in it."""

_BREAK: Final = b",char(1"
"""How the calls begin by which D1's export writes line breaks."""

_UNREAD: Final = b"", False, True, False
"""What `_joined` would say of what is too long to be looked at."""

_NAMED: Final = 20
_KEPT: Final = 1_000
"""So many things left out are named in a sentence, and known apart at all."""

_LONGEST = 120
"""Characters of what is said of a statement."""


class NoteKind(Enum):
    """What of a dump did not come in as it is written: a noun, and what became of it."""

    VIEW = "view", "left out"
    TRIGGER = "trigger", "left out"
    VIRTUAL_TABLE = "virtual table", "left out; the tables that it keeps its rows in are plain tables"
    NOT_RUN = "statement", "not run"
    DROP = "DROP … IF EXISTS", "not run, as nothing of that name is there"
    CLEARS = "statement", "not run, as nothing is there that it would remove"
    ROLLBACK = "ROLLBACK", "not run: the file that was dumped is damaged, so rows may be missing"
    ROWS = "statement", "left out, for a table that the dump does not make"
    REFUSED = "statement", "left out, which SQLite refuses"
    ROW = "row", "left out, which SQLite refuses"
    SAME = "row", "left out, as the dump says of what does not fit beside the rows before"
    OVER = "row", "in the place of one before it, as the dump says of what does not fit beside that"
    UNCHANGED = "row", "not changed, as the dump says of what does not fit beside others"
    DEFAULT = "row", "with its column's default for a NULL, as the table says of what does not fit"
    NUL = "text", "with a zero byte, kept as it is"
    BYTES = "text", "of broken UTF-8, kept byte for byte"
    ALTERED = "row", "that D1's export has most likely altered: a backslash-n became a line break"
    ROUNDED = "number", "that D1's export may have altered: it rounds beyond 2^53"
    LINE_BREAKS = "row", "with line breaks, as which D1's export writes a backslash-n in such a text as well"
    REPLACED = "row", "with U+FFFD, as which D1's export writes what is no UTF-8"
    CHECK = "row", "against a CHECK of the table, kept as stored"
    UNCHECKED = "table", "with a CHECK that could not be tried, its rows kept as stored"
    CHAIN = "", "the audit chain, kept as it is, cannot be verified here, as its table"
    NO_TABLES = (
        "",
        "it makes no table that can come in, so its rows were put into tables that this program's migrations "
        "make",
    )
    LACKS = (
        "part",
        "missing, as in a dump of some tables only, one of a file without them, or one that lost its end",
    )
    WITHOUT = "table", "of the platform's document not there, as in one of its two databases by itself"
    NO_END = (
        "",
        "the counters that D1 writes behind all rows (sqlite_sequence) are missing: it is of some tables or "
        "one tenant only, or it lost its end, and rows with it",
    )

    @property
    def is_loss(self) -> bool:
        """Whether a person is asked before the import goes on; what is usual or kept as it is, is told."""
        kept = (NoteKind.NUL, NoteKind.BYTES, NoteKind.CHECK, NoteKind.UNCHECKED, NoteKind.WITHOUT)
        return self not in (NoteKind.LINE_BREAKS, NoteKind.REPLACED, NoteKind.ROUNDED, *kept)


@dataclass(slots=True)
class Note:
    """`count` things of a kind and a name; `line` is that of the `first`."""

    kind: NoteKind
    name: str
    line: int | None
    first: str = ""
    count: int = 0

    def __str__(self) -> str:
        noun, fate = self.kind.value
        said = f"{counted(self.count, noun)} {fate}" if noun else fate
        where = [self.first, "" if self.line is None else f"line {self.line:,}"]
        at = ", ".join(_short(item) for item in where if item)
        name = f"{' ' if self.kind is NoteKind.CHAIN else ': '}{_short(self.name)}" if self.name else ""
        return f"{said}{name}" + (f" ({'from ' if self.count > 1 else ''}{at})" if at else "")


class Notes:
    """Everything that did not come in as it is written, by kind and name."""

    def __init__(self) -> None:
        self._found: dict[tuple[NoteKind, str], Note] = {}

    def add(
        self, kind: NoteKind, name: str = "", line: int | None = None, *, first: str = "", count: int = 1
    ) -> None:
        if (kind, name) not in self._found and len(self._found) >= _KEPT:
            name = first = ""
        self._found.setdefault((kind, name), Note(kind, name, line, first)).count += count

    def take(self, others: "Notes") -> None:
        """Adds what was found apart from these."""
        for note in others.all():
            self.add(note.kind, note.name, note.line, first=note.first, count=note.count)

    def all(self) -> tuple[Note, ...]:
        return tuple(self._found.values())


def sentences(notes: Sequence[Note]) -> list[str]:
    """Each as a line for a person, and how many more there are."""
    more = [f"and {counted(len(notes) - _NAMED, 'more kind')}"] if len(notes) > _NAMED else []
    return [str(note) for note in notes[:_NAMED]] + more


class Failure(StrEnum):
    """Why a dump was not imported, in words."""

    NOT_A_DUMP = (
        "{name} is {what}, not an SQL dump; choose a file that `wrangler d1 export` or the `.dump` of "
        "sqlite3 has written."
    )
    NOT_PLAIN_TEXT = (
        "{name} holds {what}{where}, outside of any text, so nothing was imported; it is no SQL dump."
    )
    CUT_OFF = (  # the line is where the unfinished part begins
        "{name} was cut off: {what} that begins{where} never ends, so nothing was imported. Make the export "
        "again."
    )
    REFUSED = "{name} holds {what}{where}, which an import does not run; nothing was imported."
    FAILED = "The statement{where} of {name} fails ({what}), so nothing was imported."
    DOES_NOT_FIT = (
        "{name} holds rows but no tables, and the statement{where} does not fit the tables of this program "
        "({what}); nothing was imported. Export it again with its tables (without --no-schema)."
    )
    UNNAMED = (
        "{name} holds rows but no tables, and those of {what}{where} do not say which columns they are for; "
        "nothing was imported. Export it again with its tables, or with `wrangler d1 export --no-schema`, "
        "which names the columns."
    )
    LIMIT = "{name} {what}, so nothing was imported."
    NO_ROOM = (
        "{name} has no room on the disk: {what} when it was stopped, before the disk was full; nothing was "
        "imported. Free some space, or choose a place on another disk."
    )
    UNSOUND = (
        "{name} makes a database in which SQLite does not find everything again, so nothing was imported. "
        "If the dump is right, check the disk."
    )
    NOT_THE_PLATFORMS = (
        "{name} makes {what}, so nothing was imported; choose a dump of the platform's database, with its "
        "tables (made without --no-schema)."
    )


class ImportFailed(errors.TenantAdminError):
    """A dump that was not imported; no file was made. `what` and `line` fill its words: of why a statement
    fails, only what cannot be the row's data.
    """

    def __init__(self, dump: Path, kind: Failure, what: str, line: int | None = None) -> None:
        where = "" if line is None else f" at line {line:,}"
        super().__init__(kind.format(name=dump.name, what=_short(what), where=where))
        self.what, self.line = what, line


class NotWhole(errors.TenantAdminError):
    """A dump that could come in but for its `notes`, and was asked for whole; no file was made. What is no
    loss is among them, last.
    """

    def __init__(self, dump: Path, notes: Sequence[Note]) -> None:
        lost = [note for note in notes if note.kind.is_loss]
        super().__init__(
            f"{dump.name} cannot come in whole: {'; '.join(sentences(lost))}. Nothing was imported."
        )
        self.notes = (*lost, *(note for note in notes if not note.kind.is_loss))


class Scanner:
    """Finds the semicolons that end a statement, and empty ones behind it, in text that grows, each byte
    looked at once.

    It cuts as `sqlite3_complete()` does, which a test proves.
    """

    def __init__(self) -> None:
        self._at = 0
        self._closing: bytes | None = None
        self._begin, self._in_trigger = 0, False
        self.begun = False

    def last_end(self, text: bytes | bytearray) -> int:
        """Offset behind the last such semicolon that was not there at the call before; 0 if none is."""
        end = 0
        while found := self.next_end(text):
            end = found
        return end

    def next_end(self, text: bytes | bytearray) -> int:
        """Offset behind the next such semicolon; 0 if none is there yet."""
        self.begun = True
        while True:
            if self._closing == b"'":
                inside = _IN_TEXT.match(text, self._at)
                self._at = inside.end() if inside else self._at
            if self._closing is not None:
                closed = text.find(self._closing, self._at)
                if closed < 0:
                    # The first byte of a closing "*/" may be here, its second in the next block.
                    self._at = max(self._at, len(text) - len(self._closing) + 1)
                    return 0
                self._at = closed + len(self._closing)
                self._closing = None
            mark = _MARK.search(text, self._at)
            if mark is None:
                self._at = max(self._at, len(text) - 1)  # half of a "--" or "/*"
                return 0
            self._at = mark.end()
            if mark[0][:1] != b";":
                self._closing = _CLOSING[bytes(mark[0])]
            elif self._ends(text):
                return self._at

    def _ends(self, text: bytes | bytearray) -> bool:
        """Whether the semicolon in front of `_at` ends a statement; in a trigger only one behind END does."""
        begin, self._begin = self._begin, self._at
        if not self._in_trigger:
            self._in_trigger = _TRIGGER.match(text, begin, self._at) is not None
            return not self._in_trigger
        self._in_trigger = _END.fullmatch(text, begin, self._at) is None
        return not self._in_trigger

    @property
    def in_comment(self) -> bool:
        return self._closing == b"*/"


class TextSource(Protocol):
    """Where a dump's text is read from, as UTF-8."""

    def read(self, size: int, /) -> bytes: ...


@contextmanager
def reading(path: Path) -> Iterator[tuple[TextSource, BinaryIO]]:
    """The dump's text, whatever it is packed or written in, and the file itself, to ask how far it is.

    Raises `OSError` when it is opened; what is wrong with a packed one when it is read: `EOFError`,
    `zlib.error`, `gzip.BadGzipFile`.
    """
    with path.open("rb") as file:
        source: Any = file
        if file.peek(2)[:2] == GZIP:
            import gzip  # noqa: PLC0415 - few are packed

            source = gzip.GzipFile(fileobj=file)
        start = source.read(4)
        source.seek(len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0)
        if encoding := utf16(start):  # half of a pair of surrogates stays the bytes that it is
            source = codecs.EncodedFile(source, "utf-8", encoding, "surrogatepass")
        yield source, file


@dataclass
class Piece:
    """Whole statements; `line` is that of the first character, `size` their bytes.

    `joined` has them with rows that follow each other for one table in one statement, which
    SQLite takes in two thirds of the time, `apart`, as long, as they are; None where that is the same.
    `has_breaks` says that texts may be written in it as D1 writes line breaks, `is_literal` that it is rows
    of literals alone, which call nothing and say nothing of what does not fit.
    """

    joined: str
    line: int
    size: int
    apart: bytes | None = None
    has_breaks: bool = True
    is_literal: bool = False

    def __post_init__(self) -> None:
        self._counted = 0, self.line

    @cached_property
    def text(self) -> str:
        return self.joined if self.apart is None else self.apart.decode()

    def line_of(self, start: int) -> int:
        """The line of the statement behind character `start`, and the white space and comments there.

        Asked of one statement after the other, it counts each line once.
        """
        before = _BEFORE_TEXT.match(self.text, start)
        at = before.end() if before else start
        counted, line = self._counted if self._counted[0] <= at else (0, self.line)
        self._counted = at, line + self.text.count("\n", counted, at)
        return self._counted[1]

    def statements(self) -> Iterator[tuple[int, str]]:
        """Each by itself, with what stands before it, and the character that begins there."""
        data = self.joined.encode() if self.apart is None else self.apart
        scanner, begin, at = Scanner(), 0, 0
        while begin < len(data):
            end = scanner.next_end(data) or len(data)
            if (begin, end) == (0, len(data)):
                data = b""  # a long one is not held twice
            sql = data[begin:end].decode() if data else self.text
            yield at, sql
            begin, at = end, at + len(sql)


def pieces(source: TextSource, path: Path, notes: Notes) -> Iterator[Piece]:
    """The text as whole statements. A text with bytes that SQL cannot say is written so that it can.

    Raises `ImportFailed`, where a statement is too long or the last one has no end, too.
    """
    text = bytearray()
    scanner = Scanner()
    line, blank = 1, 0
    while True:
        block = source.read(BLOCK)
        text += block
        # A row ends with its line nearly always. SQLite says whether it does, faster than a scan would.
        end = 0 if scanner.begun or not block else text.rfind(b";\n") + 1
        joined, is_plain, has_breaks, is_literal = _joined(text[:end])
        plain = _plain(joined)
        if not end or plain is None or not (is_plain or apsw.complete(plain)):
            end = scanner.last_end(text)
            joined, _, has_breaks, is_literal = _joined(text[:end]) if end < _LONG else _UNREAD
            plain = _plain(joined or text[:end])
        if end:
            apart = bytes(text[:end]) if plain is not None and end < _LONG else None
            is_literal &= plain is not None
            plain = plain or _said_in_sql(text[:end], path, line, notes)
            next_line = line + (text.count(b"\n", 0, end) if apart is None else _line_breaks(apart))
            del text[:end]  # a long one is not held twice
            yield Piece(plain, line, end, apart, has_breaks, is_literal)
            scanner, line, blank = Scanner(), next_line, 0
        elif not block:
            break
        elif len(text) > MOST_BLANK and _BLANK.fullmatch(text):
            blank += len(text)
            line += text.count(b"\n")
            text.clear()
            scanner = Scanner()
        if blank + len(text) > MAX_STATEMENT:
            raise ImportFailed(
                path,
                Failure.LIMIT,
                f"holds a statement of more than {MAX_STATEMENT:,} bytes, which begins at line "
                f"{line + _skipped(text)[1]:,}",
            )
    skipped, lines = _skipped(text)
    if text[skipped:].startswith(b"\0") and not text[skipped:].strip(b"\0\n"):  # as of a machine that stopped
        raise ImportFailed(path, Failure.NOT_PLAIN_TEXT, "a zero byte", line + lines)
    if scanner.in_comment or skipped < len(text):
        raise ImportFailed(path, Failure.CUT_OFF, "a statement", line + lines)


def _joined(text: bytes | bytearray) -> tuple[bytes, bool, bool, bool]:
    """As in `Piece`; whether all of it needs no closer look, `has_breaks` and `is_literal`."""
    at = int(text.startswith(b"\n"))  # what the statement before has left
    parts, has_breaks, is_literal = [bytes(text[:at])], False, True
    while True:
        rows = _rows(text, at)  # which call nothing
        part = rows or _statement(text, at)
        if part is None:
            break
        parts.append(part)
        at += len(part)
        has_breaks |= rows is None and _BREAK in part
        is_literal &= rows is not None
    rest = text[at:]
    return b"".join((*parts, rest)), not rest, has_breaks or _BREAK in rest, is_literal and not rest


def _rows(text: bytes | bytearray, at: int) -> bytes | None:
    """Rows of literals for one table, each in a statement and a line of its own, as one statement as long."""
    found = _HEAD.match(text, at)
    if found is None or not text.startswith(found[0], text.find(b"\n", at) + 1):
        return None
    head, end = found[0], len(text)
    row, several = _rows_behind(head)
    while True:
        # None is cut within a text, which may look like an end.
        rows = row.findall(text, at, end)
        joined = head + (b"),\n" + b"(".rjust(len(head))).join(rows) + b");"
        joined += b"\n" if text.endswith(b"\n", at, end) else b""
        if rows and len(joined) == end - at:  # nothing stands between them
            return joined
        run = several.match(text, at, end)
        if run is None or run.end() == end:
            return None
        end = run.end()


@lru_cache(maxsize=64)
def _rows_behind(head: bytes) -> tuple[re.Pattern[bytes], re.Pattern[bytes]]:
    """What finds the values of each row that begins so, and what all such rows in turn."""
    row = rb"%b(%b)\);(?:\n|\Z)" % (re.escape(head), _VALUES)
    return re.compile(row), re.compile(rb"(?:(?>%b))++" % row)


def _statement(text: bytes | bytearray, at: int) -> bytes | None:
    found = _STATEMENT.match(text, at)
    return found[0] if found else None


def _skipped(text: bytes | bytearray) -> tuple[int, int]:
    """The bytes of white space and comments in front, and the lines in them."""
    found = _BEFORE.match(text)
    return (found.end(), found[0].count(b"\n")) if found else (0, 0)


def _line_breaks(text: bytes) -> int:
    """How many there are; by lines, which are found in a tenth of the time that `count` takes."""
    if len(text) > 4 * BLOCK:
        return text.count(b"\n")
    lines = BytesIO(text).readlines()
    return len(lines) - (not text.endswith(b"\n"))


def _plain(text: bytes | bytearray) -> str | None:
    """None for what SQLite's parser would not take as it is."""
    if b"\0" in text:
        return None
    try:
        return text.decode()
    except UnicodeDecodeError:
        return None


def _said_in_sql(text: bytearray, path: Path, line: int, notes: Notes) -> str:
    """The same statements, each text of odd bytes as the text that these bytes are: (CAST(x'…' AS TEXT))."""

    def replaced(token: re.Match[bytes]) -> bytes:
        if _plain(bytearray(token[0])) is not None:
            return token[0]
        if token["skip"] is not None:
            return b" " + b"\n" * token[0].count(b"\n")
        if token["text"] is None:  # a name
            return token[0]
        value = token[0][1:-1].replace(b"''", b"'")
        try:
            value.decode()
            kind = NoteKind.NUL
        except UnicodeDecodeError:
            kind = NoteKind.BYTES
        notes.add(kind, "", line + text.count(b"\n", 0, token.start()))
        return b"(CAST(x'" + value.hex().encode() + b"' AS TEXT))"

    said = _TOKEN.sub(replaced, text)
    if (plain := _plain(bytearray(said))) is not None:
        return plain
    try:
        at, what = said.decode().index("\0"), "a zero byte"
    except UnicodeDecodeError as error:
        at, what = error.start, "bytes that are no UTF-8"
    raise ImportFailed(path, Failure.NOT_PLAIN_TEXT, what, line + said.count(b"\n", 0, at))


def _short(text: str) -> str:
    """A name from the dump can be any text of any length."""
    return visible(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")


_ENDS = frozenset((("word", "where"), ("word", "from"), ("word", "returning")))


def continuation(table: str, column: str, piece: str, key: str, *, is_text: bool) -> str:
    """The statement that puts a `piece` more behind the value of the row of that `key`, both of them SQL."""
    name = engine.sql_name(column)
    longer = f"{name} || {piece}" if is_text else f"CAST({name} || {piece} AS BLOB)"
    return f"UPDATE {engine.sql_name(table)} SET {name} = {longer} WHERE {key};\n"  # noqa: S608


def may_continue(sql: str) -> bool:
    """Whether one of these statements may be one that `continued` tells."""
    return sql_tokens.holds(sql, "update", "conflict")


def continued(sql: str) -> str:
    """The table, in lower case, of an UPDATE that makes a value of what it is already, or of an INSERT that
    does so ON CONFLICT; else nothing.
    """
    does = statements.verb(sql)[0]
    if does not in ("update", "insert") or not may_continue(sql):
        return ""
    table, said = statements.target(sql)
    if does == "insert":
        said = dropwhile(lambda token: token != ("word", "conflict"), said)
    columns: set[str] = set()
    depth, is_value, before = 0, False, ("", "")  # the two tokens before
    for token in dropwhile(lambda token: token != ("word", "set"), said):
        kind, name = token
        of_new, before = before == ("excluded", "."), (before[1], name)
        if depth == 0 and token in _ENDS:
            break
        if kind == "sign":
            depth += (name == "(") - (name == ")")
            is_value = (is_value or name == "=") and (depth > 0 or name != ",")
        elif kind in ("word", "name") and is_value and name in columns and not of_new:
            return table
        elif not is_value:
            columns = columns | {name} if depth else {name}
    return ""
