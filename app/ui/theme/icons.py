"""Icons of one family, Phosphor, drawn from the font that qtawesome ships.

The font and its table of names are read from qtawesome's folder; the package itself is not imported, because
it takes as long to import as the whole window takes to appear. QtAwesome is MIT, Phosphor is MIT.
"""

import json
from enum import StrEnum
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPainter, QPixmap

_SIZES = (16, 20, 24)


class Icon(StrEnum):
    """What an icon means here, and its Phosphor name."""

    ACTIVATE = "toggle-right"
    ADD = "plus"
    ANCHOR = "anchor"
    ARCHIVE = "archive"
    ARROW_DOWN = "arrow-down"
    ARROW_RIGHT = "arrow-right"
    AUDIT = "shield-check"
    BACK = "arrow-left"
    BAD = "x-circle"
    BAD_FILL = "x-circle-fill"
    BELL = "bell"
    BELL_OFF = "bell-slash"
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
    CLOCK = "clock"
    CLOSE = "x"
    CODE = "brackets-curly"
    COLUMNS = "columns"
    COMPLETED = "check-circle"
    COPY = "copy"
    DATABASE = "database"
    DEACTIVATE = "toggle-left"
    DELETE = "trash"
    DELETED = "trash-simple"
    DEMO = "flask"
    DOWNLOAD = "download-simple"
    EDIT = "pencil-simple"
    EMPTY = "tray"
    ERROR = "warning-octagon"
    ERROR_FILL = "warning-octagon-fill"
    EVENT = "lightning"
    EXPORT = "export"
    EYE = "eye"
    EYE_OFF = "eye-slash"
    FILE = "file"
    FILTER = "funnel"
    FOLDER = "folder-open"
    HISTORY = "clock-counter-clockwise"
    IDEA = "lightbulb"
    IMPORT = "download"
    INFO = "info"
    INFO_FILL = "info-fill"
    KEY = "key"
    KILLED = "x-circle-light"
    LINK = "link"
    LINK_BROKEN = "link-break"
    LOCK = "lock"
    MINUS_BOLD = "minus-bold"
    MOON = "moon"
    MORE = "dots-three"
    NEW_FILE = "file-plus"
    OK = "check-circle-light"
    OK_FILL = "check-circle-fill"
    OPEN = "folder-notch-open"
    OPEN_OUTSIDE = "arrow-square-out"
    PAUSE = "pause"
    PAUSED = "pause-circle"
    PLAY = "play"
    READ = "envelope-simple-open"
    REFRESH = "arrows-clockwise"
    RETENTION = "recycle"
    RUNS = "chart-line"
    RUNNING = "spinner"
    SAVE = "floppy-disk"
    SEARCH = "magnifying-glass"
    SEND = "paper-plane-tilt"
    SETTINGS = "gear-six"
    SHIELD_BAD = "shield-warning-fill"
    SHIELD_OFF = "shield"
    SHIELD_OK = "shield-check-fill"
    SORT_DOWN = "caret-down-fill"
    SORT_UP = "caret-up-fill"
    STOP = "stop"
    SUN = "sun"
    TENANT = "buildings"
    TREE = "tree-structure"
    UNDO = "arrow-counter-clockwise"
    UNKNOWN = "question"
    UNREAD = "envelope-simple"
    USER = "user"
    USERS = "users"
    VERIFY = "shield-check"
    WARNING = "warning"
    WARNING_FILL = "warning-fill"
    WEBHOOK = "share-network"


def _fonts_folder() -> Path:
    spec = find_spec("qtawesome")
    if spec is None or spec.origin is None:
        raise FileNotFoundError("The icon font is missing: install qtawesome.")
    return Path(spec.origin).parent / "fonts"


class IconFont:
    """Draws Phosphor glyphs by name. One per program, held by the theme; needs a QGuiApplication."""

    @cached_property
    def _glyphs(self) -> dict[str, str]:
        table = next(_fonts_folder().glob("phosphor-charmap-*.json"))
        return {name: chr(int(code, 16)) for name, code in json.loads(table.read_text("ascii")).items()}

    @cached_property
    def _family(self) -> str:
        number = QFontDatabase.addApplicationFont(str(next(_fonts_folder().glob("phosphor-*.ttf"))))
        return QFontDatabase.applicationFontFamilies(number)[0]

    def has(self, name: str) -> bool:
        """Whether Phosphor has an icon called `name`."""
        return name in self._glyphs

    def pixmap(self, name: str, colour: str, size: int, scale: float) -> QPixmap:
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
        glyph = self._glyphs.get(name, self._glyphs[Icon.UNKNOWN])
        painter.drawText(QRectF(0, 0, size, size), Qt.AlignmentFlag.AlignCenter, glyph)
        painter.end()
        return result

    def icon(self, name: str, colour: str, disabled: str, selected: str | None = None) -> QIcon:
        """An icon for buttons and actions, crisp on every screen there is, dimmer when disabled."""
        result = QIcon()
        scales = {screen.devicePixelRatio() for screen in QGuiApplication.screens()}
        modes = {QIcon.Mode.Normal: colour, QIcon.Mode.Disabled: disabled}
        if selected is not None:
            modes[QIcon.Mode.Selected] = selected
        for mode, tint in modes.items():
            for size in _SIZES:
                for scale in scales:
                    result.addPixmap(self.pixmap(name, tint, size, scale), mode)
        return result
