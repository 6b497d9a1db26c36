"""Images for the style sheet, which knows no others than files: those that Qt keeps in memory."""

import struct
from collections.abc import Mapping

from PySide6.QtCore import QBuffer, QIODevice, qRegisterResourceData
from PySide6.QtGui import QPixmap

_FORMAT, _FOLDER, _ANY_LANGUAGE = 1, 2, (0, 1)

_kept: list[tuple[bytes, bytes, bytes]] = []
"""Qt reads what is registered where it lies."""


def png(pixmap: QPixmap) -> bytes:
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    pixmap.save(buffer, "PNG", 100)
    return bytes(buffer.data().data())


def register(files: Mapping[str, bytes]) -> None:
    """Makes each of `files` readable for Qt as `:/name`. Nothing is written to a disk, where it would stay
    behind when the program is killed.

    The layout is that of Qt's own resources (`rcc --binary`): names, contents, and a tree of one folder whose
    files are sorted by the hashes of their names.
    """
    names, contents = bytearray(), bytearray()
    tree = bytearray(struct.pack(">IHII", 0, _FOLDER, len(files), 1))
    for name in sorted(files, key=_hash):
        tree += struct.pack(">IHHHI", len(names), 0, *_ANY_LANGUAGE, len(contents))
        names += struct.pack(">HI", len(name), _hash(name)) + name.encode("utf-16-be")
        contents += struct.pack(">I", len(files[name])) + files[name]
    parts = bytes(tree), bytes(names), bytes(contents)
    _kept.append(parts)
    qRegisterResourceData(_FORMAT, *parts)


def _hash(name: str) -> int:
    value = 0
    for letter in name:
        value = (value << 4) + ord(letter)
        value ^= (value & 0xF000_0000) >> 23
        value &= 0x0FFF_FFFF
    return value
