"""The text of a dump in pieces that end where a statement ends, in little memory whatever its size.

And why a dump was not imported, each in one sentence that never quotes what the dump holds.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, ClassVar

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
    if end := Scanner().last_end(text):
        yield _decoded(text[:end], path, begin), begin, read
        begin += end
        del text[:end]
    tail = Scanner()
    tail.last_end(text)
    if tail.in_comment or statements.canonical(text.decode(errors="replace")):
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
