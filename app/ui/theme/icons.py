"""Icons of one family, Phosphor, drawn from the font in `resources/fonts` (MIT; its licence is beside it).

To add one, add its name to `Icon` and run `resources/packaging/subset_icons.py`, which has the whole family.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from functools import cache, cached_property

from PySide6.QtCore import QRect, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QIcon, QIconEngine, QPainter, QPixmap

from app.paths import resources_dir


class Icon(StrEnum):
    """What an icon means here, and its Phosphor name."""

    ACTIVATE = "toggle-right"
    ADD = "plus"
    ANCHOR = "anchor"
    ARCHIVE = "archive"
    AUDIT = "shield-check"
    BAD = "x-circle"
    BELL = "bell"
    BUG = "bug"
    CALENDAR = "calendar-blank"
    CANCEL = "prohibit"
    CANCELLED = "minus-circle"
    CARET_DOWN = "caret-down"
    CARET_LEFT = "caret-left"
    CARET_RIGHT = "caret-right"
    CARET_UP = "caret-up"
    CHECK = "check"
    CHECK_BOLD = "check-bold"
    CLOSE = "x"
    CODE = "brackets-curly"
    COMPLETED = "check-circle"
    COMPUTER = "desktop"
    COPY = "copy"
    DATABASE = "database"
    DEACTIVATE = "toggle-left"
    DELETE = "trash"
    DELETED = "trash-simple"
    DEMO = "flask"
    EDIT = "pencil-simple"
    ERROR_FILL = "warning-octagon-fill"
    EXPORT = "export"
    FILE = "file"
    FILTER = "funnel"
    FOLDER = "folder-open"
    FOLDER_SHUT = "folder"
    HISTORY = "clock-counter-clockwise"
    IDEA = "lightbulb"
    IMPORT = "download"
    INFO = "info"
    INFO_FILL = "info-fill"
    KEY = "key"
    LINK = "link"
    LINK_BROKEN = "link-break"
    LOCK = "lock"
    LOG = "list-dashes"
    MINUS_BOLD = "minus-bold"
    MORE = "dots-three"
    NEW_FILE = "file-plus"
    NEW_FOLDER = "folder-plus"
    OK = "check-circle-light"
    OPEN = "folder-notch-open"
    PAUSE = "pause"
    PAUSED = "pause-circle"
    PLAY = "play"
    READ = "envelope-simple-open"
    RECEIVER = "broadcast"
    REFRESH = "arrows-clockwise"
    RETENTION = "recycle"
    REVEAL = "eye"
    RUNNING = "spinner"
    RUNS = "chart-line"
    SEARCH = "magnifying-glass"
    SEND = "paper-plane-right"
    SETTINGS = "gear-six"
    SHIELD_BAD = "shield-warning-fill"
    SHIELD_OFF = "shield"
    SHIELD_OK = "shield-check-fill"
    SHIELD_PART = "shield-check-half"
    SIGNATURE = "fingerprint"
    SORT_DOWN = "caret-down-fill"
    SORT_UP = "caret-up-fill"
    STAR = "star-fill"
    TENANTS = "buildings"
    TERMINAL = "terminal-window"
    TREE = "tree-structure"
    UNDO = "arrow-counter-clockwise"
    UNKNOWN = "question"
    UNREAD = "envelope-simple"
    USERS = "users"
    VERIFY = "shield-check"
    WARNING = "warning"
    WARNING_FILL = "warning-fill"
    WEBHOOK = "share-network"


class IconFont:
    """Draws Phosphor glyphs by name. One per program, held by the theme; needs a QGuiApplication."""

    def __init__(self) -> None:
        self.pixmap = cache(self._draw)

    @cached_property
    def _codes(self) -> dict[str, str]:
        """Names and their code points, in hexadecimal."""
        codes: dict[str, str] = json.loads((resources_dir() / "fonts" / "phosphor.json").read_text("ascii"))
        return codes

    @cached_property
    def _family(self) -> str:
        number = QFontDatabase.addApplicationFont(str(resources_dir() / "fonts" / "phosphor.ttf"))
        return QFontDatabase.applicationFontFamilies(number)[0]

    def _draw(self, name: str, colour: str, size: int, scale: float) -> QPixmap:
        """The glyph centred in `size` logical pixels at device pixel ratio `scale`; a "?" when unknown."""
        result = QPixmap(round(size * scale), round(size * scale))
        result.fill(Qt.GlobalColor.transparent)
        result.setDevicePixelRatio(scale)
        font = QFont(self._family)
        font.setPixelSize(size)
        font.setHintingPreference(QFont.HintingPreference.PreferNoHinting)
        painter = QPainter(result)
        painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.TextAntialiasing)
        painter.setFont(font)
        painter.setPen(QColor(colour))
        whole, glyphs = QRectF(0, 0, size, size), glyphs_of(name)
        for place, glyph in enumerate(glyphs):
            width = size / len(glyphs)
            painter.setClipRect(QRectF(place * width, 0, width, size))
            code = self._codes.get(glyph, self._codes[Icon.UNKNOWN])
            painter.drawText(whole, Qt.AlignmentFlag.AlignCenter, chr(int(code, 16)))
        painter.end()
        return result


def glyphs_of(name: str) -> tuple[str, ...]:
    """The font's names of the parts of an icon, side by side: of one that is half filled, which the font has
    not, the filled one and its outline.
    """
    base = name.removesuffix("-half")
    return (name,) if base == name else (f"{base}-fill", base)


class GlyphEngine(QIconEngine):
    """Draws an icon when it is painted, in the colour that a name has then: it follows the theme.

    `draw(name, colour, size, scale)` is `Theme.pixmap`.
    """

    def __init__(self, draw: Callable[[str, str, int, float], QPixmap], name: str, colour: str) -> None:
        super().__init__()
        self._draw, self._name, self._colour = draw, name, colour

    def scaledPixmap(self, size: QSize, mode: QIcon.Mode, state: QIcon.State, scale: float) -> QPixmap:
        colour = "disabled" if mode == QIcon.Mode.Disabled else self._colour
        side = min(size.width(), size.height())
        glyph = self._draw(self._name, colour, side, scale) if side > 0 else QPixmap()
        if not 0 < side < size.width():
            return glyph
        wide = QPixmap(round(size.width() * scale), round(side * scale))
        wide.fill(Qt.GlobalColor.transparent)
        wide.setDevicePixelRatio(scale)
        painter = QPainter(wide)
        painter.drawPixmap(0, 0, glyph)
        painter.end()
        return wide

    def actualSize(self, size: QSize, mode: QIcon.Mode, state: QIcon.State) -> QSize:
        return size  # what is wider than high keeps its word at a distance

    def paint(self, painter: QPainter, rect: QRect, mode: QIcon.Mode, state: QIcon.State) -> None:
        side = min(rect.width(), rect.height())
        box = QRect(0, 0, side, side)
        box.moveCenter(rect.center())
        # Asking its device takes 30 ms: PySide looks which kind it is.
        scale = painter.deviceTransform().m11()
        painter.drawPixmap(box, self.scaledPixmap(rect.size(), mode, state, scale))

    def clone(self) -> QIconEngine:
        """For Qt, which changes one of several icons that share an engine, and deletes what it is given.

        PySide does so, too, as soon as nobody in Python holds it: the program crashed.
        """
        copy = GlyphEngine(self._draw, self._name, self._colour)
        _clones.append(copy)
        return copy


_clones: list[GlyphEngine] = []
