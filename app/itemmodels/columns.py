"""What an item model is told of a column, and what it tells of a cell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Any

from PySide6.QtCore import Qt

_FIRST = int(Qt.ItemDataRole.UserRole)


class Tone(StrEnum):
    """What a value means, as a colour; always said with a word and an icon too."""

    NEUTRAL = "neutral"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Role(IntEnum):
    """Item data roles of this program.

    TONE: Tone or None. ICON: a Phosphor icon name (`Icon` of the theme, or its text) or None. MONOSPACE:
    bool, for ids and hashes. DIM: bool, for secondary columns. WHOLE: the full value as str, for copies and
    filters by it, where DisplayRole is shortened. KEY: the record's key. CHIP: bool, paint text on a tinted
    pill. ORDER: the text that a small table is sorted by.
    """

    TONE = _FIRST + 1
    ICON = _FIRST + 2
    MONOSPACE = _FIRST + 3
    DIM = _FIRST + 4
    WHOLE = _FIRST + 5
    KEY = _FIRST + 6
    CHIP = _FIRST + 7
    ORDER = _FIRST + 8


Row = tuple[Any, ...]
Reader = Callable[[Row], Any]

_DISPLAY = Qt.ItemDataRole.DisplayRole.value
_TOOLTIP = Qt.ItemDataRole.ToolTipRole.value
_ALIGNMENT = Qt.ItemDataRole.TextAlignmentRole.value
_LEFT = (Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter).value
_RIGHT = (Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter).value


def plain(value: Any, _row: Row) -> str:
    """The value as it is; nothing for NULL."""
    return "" if value is None else str(value)


@dataclass(frozen=True, slots=True)
class Column:
    """One column: `name` is the list's column that it shows and sorts by, `title` its header.

    `text`, `tone`, `icon` and `tooltip` are called with the value and the whole row, in the list's own order
    of columns. A file may hold anything anywhere: a value they cannot take (they raise `TypeError` and the
    like) is shown as it is stored, without tone or icon. `hint` is the header's tool tip.
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
    chip: bool = False
    sortable: bool = True
    hint: str | None = None


def readers(columns: Sequence[Column], places: Sequence[int]) -> dict[int, list[Reader | None]]:
    """For each role and column the function that reads a row; None where a column has no answer."""
    asked: dict[int, list[Callable[[Any, Row], Any] | None]] = {
        _DISPLAY: [column.text for column in columns],
        _TOOLTIP: [column.tooltip or _nothing for column in columns],  # a row that has gone says so
        int(Role.TONE): [column.tone for column in columns],
        int(Role.ICON): [column.icon for column in columns],
        int(Role.WHOLE): [plain for _ in columns],
    }
    found: dict[int, list[Reader | None]] = {
        role: [answer and _reader(answer, place) for answer, place in zip(answers, places, strict=True)]
        for role, answers in asked.items()
    }
    found[int(Role.KEY)] = [_record_id for _ in columns]
    found[int(Role.CHIP)] = [_yes if column.chip else None for column in columns]
    found[int(Role.MONOSPACE)] = [_yes if column.monospace else None for column in columns]
    found[int(Role.DIM)] = [_yes if column.dim else None for column in columns]
    found[_ALIGNMENT] = [_at_right if column.right else None for column in columns]
    return found


def _reader(answer: Callable[[Any, Row], Any], place: int) -> Reader:
    return lambda row: answer(row[place], row)


def _nothing(_value: Any, _row: Row) -> None:
    return None


def _record_id(row: Row) -> Any:
    return row[0]


def _yes(_row: Row) -> bool:
    return True


def _at_right(_row: Row) -> int:
    return _RIGHT


def header(column: Column) -> dict[int, Any]:
    """What the column's header answers, by role; its name is the answer to Role.KEY."""
    return {
        _DISPLAY: column.title,
        _TOOLTIP: column.hint,
        _ALIGNMENT: _RIGHT if column.right else _LEFT,
        int(Role.MONOSPACE): column.monospace,
        int(Role.DIM): column.dim,
        int(Role.KEY): column.name,
    }
