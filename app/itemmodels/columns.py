"""What an item model is told of a column, and what it tells of a cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any, Final

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt

from app.services.text import readable

Index = QModelIndex | QPersistentModelIndex
ROOT = QModelIndex()

# Roles as numbers: Qt's enums are slow, and a cell is asked for several.
DISPLAY = Qt.ItemDataRole.DisplayRole.value
TOOLTIP = Qt.ItemDataRole.ToolTipRole.value
HEARD = Qt.ItemDataRole.AccessibleTextRole.value
DESCRIPTION = Qt.ItemDataRole.AccessibleDescriptionRole.value
ALIGNMENT = Qt.ItemDataRole.TextAlignmentRole.value
LEFT = (Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value
RIGHT = (Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value
_FIRST = Qt.ItemDataRole.UserRole.value + 1


class Tone(StrEnum):
    """What a value means, as a colour; always said with a word and an icon too."""

    NEUTRAL = "neutral"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


AWAITED: Final = "awaited"
"""The TONE of the first cell of a row on its way, which says where in the list it is."""


STRUCK: Final = "struck"
"""The TONE of each cell of a row whose record has been deleted."""


class Role(IntEnum):
    """Item data roles of this program.

    Of a cell, TONE: Tone or None, AWAITED or STRUCK. ICON: a Phosphor icon name (`Icon` of the theme, or its
    text) or None.
    WHOLE: the full value as str, for copies and filters by it, where DisplayRole is shortened. ORDER: the
    text that a small table is sorted by.
    Of a column's header, MONOSPACE: bool, for ids and hashes. DIM: bool, for secondary columns. MIDDLE: bool,
    for what is told apart by its end, and so shortened in the middle. BARS: bool, where its cells answer with
    `Bars`, or None. UNSORTABLE: bool, where rows cannot be put in its order. SPARE: what
    all its texts go without where it has no room for one: that one, and what they may end in; or None.
    """

    TONE = _FIRST
    ICON = _FIRST + 1
    MONOSPACE = _FIRST + 2
    DIM = _FIRST + 3
    WHOLE = _FIRST + 4
    ORDER = _FIRST + 5
    MIDDLE = _FIRST + 6
    BARS = _FIRST + 7
    UNSORTABLE = _FIRST + 8
    SPARE = _FIRST + 9


@dataclass(frozen=True, slots=True)
class Bars:
    """Small bars on a line: of each its height, from 0 to 1, or None for one below the line. They take the
    last of so many `places`; one that is none has a dash. `quiet`: without colour.
    """

    heights: Sequence[float | None]
    places: int
    quiet: bool = False


Row = tuple[Any, ...]
Reader = Callable[[Row], Any]


def plain(value: Any, _row: Row) -> str:
    """The value as it is, a BLOB as `x'…'`; nothing for NULL."""
    return readable(value)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` is the list's column that it shows and sorts by, `title` its header.

    `text`, `tone`, `icon` and `tooltip` are called with the value and the whole row, in the list's own order
    of columns. A file may hold anything anywhere: a value they cannot take (they raise `TypeError` and the
    like) is shown as it is stored, without tone or icon. `hint` is the header's tool tip. A column that tells
    what is known beside the file is `of` one of the list's, and `bars` stand before its words. `whole` gives
    the full value where what the list has is not the value as it is. `told` is what is seen of the row beside
    its words, where a view shows this column alone.
    """

    name: str
    title: str
    text: Callable[[Any, Row], str] = plain
    tone: Callable[[Any, Row], Tone | None] | None = None
    icon: Callable[[Any, Row], str | None] | None = None
    tooltip: Callable[[Any, Row], str | None] | None = None
    right: bool = False
    monospace: bool = False
    dim: bool = False
    middle: bool = False
    spare: tuple[str, ...] | None = None
    sortable: bool = True
    hint: str | None = None
    of: str = ""
    bars: Callable[[Any, Row], Bars | None] | None = None
    whole: Callable[[Any, Row], str] = plain
    told: Callable[[Any, Row], str | None] | None = None


def _described(column: Column) -> Callable[[Any, Row], str | None]:
    """What a screen reader says beside what is shown: the tool tip, or the whole of what is shortened."""

    def described(value: Any, row: Row) -> str | None:
        tip = column.tooltip(value, row) if column.tooltip is not None else None
        told = column.told(value, row) if column.told is not None else None
        return told or tip or (plain(value, row) if "…" in column.text(value, row) else None)

    return described


def readers(columns: Sequence[Column], positions: Sequence[int]) -> dict[int, list[Reader | None]]:
    """For each role and column the function that reads a row; None where a column has no answer."""
    asked: dict[int, list[Callable[[Any, Row], Any] | None]] = {
        DISPLAY: [column.text for column in columns],
        TOOLTIP: [column.tooltip or (lambda value, row: None) for column in columns],  # what has gone says so
        DESCRIPTION: [_described(column) for column in columns],
        # The first is asked of rows on their way, too.
        Role.TONE: [
            column.tone or (None if at else lambda value, row: None) for at, column in enumerate(columns)
        ],
        Role.ICON: [column.icon for column in columns],
        Role.WHOLE: [column.text if column.of else column.whole for column in columns],
        Role.BARS: [column.bars for column in columns],
    }
    return {
        int(role): [
            answer and _reader(answer, position) for answer, position in zip(answers, positions, strict=True)
        ]
        for role, answers in asked.items()
    }


def _reader(answer: Callable[[Any, Row], Any], position: int) -> Reader:
    return lambda row: answer(row[position], row)


def header(column: Column) -> dict[int, Any]:
    """What the column's header answers, by role."""
    return {
        DISPLAY: column.title,
        TOOLTIP: column.hint,
        ALIGNMENT: RIGHT if column.right else LEFT,
        int(Role.MONOSPACE): column.monospace,
        int(Role.DIM): column.dim,
        int(Role.MIDDLE): column.middle,
        int(Role.BARS): column.bars is not None,
        int(Role.UNSORTABLE): not column.sortable,
        int(Role.SPARE): column.spare,
    }
