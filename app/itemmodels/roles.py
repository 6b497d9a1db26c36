"""What an item model tells the views beside Qt's own roles."""

from enum import IntEnum, StrEnum

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
