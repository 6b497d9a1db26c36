"""Where the rows of the audit chain lie in the bytes of a file: its table's b-tree walked by the file format.

See "B-tree Pages" in SQLite's description of its file format.
"""

from dataclasses import dataclass, field
from pathlib import Path

import apsw

INTERIOR, LEAF = 5, 13


@dataclass
class Page:
    """A page of the table's b-tree, `rows` being the seqs on it and beneath it."""

    number: int
    kind: int
    rows: list[int] = field(default_factory=list)


class Pages:
    """The pages of one table; `overflow` maps a seq to the pages that hold the rest of its row."""

    def __init__(self, path: Path, table: str = "audit_chain") -> None:
        connection = apsw.Connection(str(path))
        root = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = ?", (table,)).get
        self.size: int = connection.pragma("page_size")
        connection.close()
        self.path = path
        self.data = path.read_bytes()
        self.overflow: dict[int, list[int]] = {}
        self.all: list[Page] = []
        self._walk(root)

    @property
    def leaves(self) -> list[Page]:
        return [page for page in self.all if page.kind == LEAF]

    @property
    def interior(self) -> list[Page]:
        """Those below the root."""
        return [page for page in self.all[1:] if page.kind == INTERIOR]

    def overwrite(self, *numbers: int, byte: int | None = None) -> None:
        """Damages whole pages: with one byte, or with bytes that mean nothing."""
        data = bytearray(self.path.read_bytes())
        for number in numbers:
            noise = bytes((index * 89 + number * 31 + 7) % 251 for index in range(self.size))
            noise = noise if byte is None else bytes([byte]) * self.size
            data[(number - 1) * self.size : number * self.size] = noise
        self.path.write_bytes(data)

    def _walk(self, number: int) -> list[int]:
        start = (number - 1) * self.size
        header = start + (100 if number == 1 else 0)
        page = Page(number, self.data[header])
        self.all.append(page)
        cells = int.from_bytes(self.data[header + 3 : header + 5])
        pointers = header + (12 if page.kind == INTERIOR else 8)
        for index in range(cells):
            at = start + int.from_bytes(self.data[pointers + 2 * index : pointers + 2 * index + 2])
            if page.kind == INTERIOR:
                page.rows += self._walk(int.from_bytes(self.data[at : at + 4]))
            else:
                page.rows.append(self._row(at))
        if page.kind == INTERIOR:
            page.rows += self._walk(int.from_bytes(self.data[header + 8 : header + 12]))
        return page.rows

    def _row(self, at: int) -> int:
        length, at = self._varint(at)
        seq, at = self._varint(at)
        most = self.size - 35
        if length > most:
            least = (self.size - 12) * 32 // 255 - 23
            local = least + (length - least) % (self.size - 4)
            at += least if local > most else local
            pages = self.overflow.setdefault(seq, [])
            following = int.from_bytes(self.data[at : at + 4])
            while following:
                pages.append(following)
                at = (following - 1) * self.size
                following = int.from_bytes(self.data[at : at + 4])
        return seq

    def _varint(self, at: int) -> tuple[int, int]:
        value = 0
        for index in range(8):
            value = value << 7 | self.data[at + index] & 0x7F
            if self.data[at + index] < 0x80:
                return value, at + index + 1
        return value << 8 | self.data[at + 8], at + 9
