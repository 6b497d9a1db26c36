"""The look: tokens, palette, style sheet, and the object that applies them."""

from enum import StrEnum
from pathlib import Path
from typing import Any

from PySide6.QtCore import QObject, Qt, QTemporaryDir, Signal, Slot
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPixmap
from PySide6.QtWidgets import QApplication, QWidget

from app.itemmodels.columns import Tone
from app.paths import resources_dir
from app.ui.theme.icons import IconFont
from app.ui.theme.tokens import DARK, LIGHT, Tokens, fill_in, palette, read_sheets, write_images

STYLE = ("-style", "Fusion")
"""Arguments of the QApplication whose look this is.

Set later, the style comes back as an object, and making the enums of its class takes 8 ms of a start.
"""

_SMALLEST_POINTS = 10.0


class Mode(StrEnum):
    """Which theme the user asked for."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


_SCHEMES = {
    Mode.SYSTEM: Qt.ColorScheme.Unknown,
    Mode.LIGHT: Qt.ColorScheme.Light,
    Mode.DARK: Qt.ColorScheme.Dark,
}

MODES = ((Mode.SYSTEM, "Theme of the system"), (Mode.LIGHT, "Light"), (Mode.DARK, "Dark"))
"""The words for each."""


class Kind(StrEnum):
    """What a push button is for; set as its `kind` property."""

    PRIMARY = "primary"
    SECONDARY = "secondary"
    DANGER = "danger"
    FLAT = "flat"


class Theme(QObject):
    """Colours, icons and fonts for every widget; follows the system live or holds to the user's choice.

    `mode` is the user's choice, `tokens` the colours in force; `changed` is emitted after palette and style
    sheet are. Widgets that paint themselves ask for colours when they paint and connect `changed` to
    `update`. A colour argument below is a token's name ("dim", "accent") or a Tone.
    """

    changed = Signal()

    def __init__(self, mode: Mode = Mode.SYSTEM) -> None:
        super().__init__()
        self.mode = mode
        self._app: QApplication | None = None
        self._font = IconFont()
        self._folder = QTemporaryDir()
        self._template = ""
        self._scale = 0
        self._sheets: dict[bool, str] = {}
        self._icons: dict[tuple[str, str, str], QIcon] = {}
        self._system = QGuiApplication.styleHints().colorScheme()
        self.tokens = self._wanted()

    def apply(self, app: QApplication) -> None:
        """Style `app`, made with `STYLE`, and keep it styled when the system's colour scheme changes."""
        self._app = app
        app.aboutToQuit.connect(self._folder.remove)  # a program that ends runs no destructors
        font = app.font()
        if 0 < font.pointSizeF() < _SMALLEST_POINTS:
            font.setPointSizeF(_SMALLEST_POINTS)
            app.setFont(font)
        hints = QGuiApplication.styleHints()
        self._tell_system()
        hints.colorSchemeChanged.connect(self._system_changed)
        app.screenAdded.connect(self._screen_added)
        self._restyle()

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or hold to light or dark."""
        self.mode = mode
        self._tell_system()
        self._refresh()

    def colour(self, name: str | Tone) -> QColor:
        """The QColor of a token or a tone."""
        return QColor(self._hex(name))

    def tint(self, tone: Tone) -> QColor:
        """The surface colour behind a tone."""
        return QColor(self.tokens[f"{tone}_on"])

    def icon(self, name: str, colour: str | Tone = "text") -> QIcon:
        """An icon in a token's colour. It keeps that colour; `bind_icon` follows the theme."""
        key = (str(name), self._hex(colour), self.tokens["disabled"])
        if key not in self._icons:
            self._icons[key] = self._font.icon(*key)
        return self._icons[key]

    def pixmap(self, name: str, colour: str | Tone, size: int, scale: float) -> QPixmap:
        """A cached pixmap, `size` logical pixels wide, for painting at device pixel ratio `scale`."""
        return self._font.pixmap(str(name), self._hex(colour), size, scale)

    def bind_icon(self, target: Any, name: str, colour: str | Tone = "text") -> None:
        """Give a QAction or button an icon that follows the theme; binding again replaces it."""
        first = target.property("themeIcon") is None
        target.setProperty("themeIcon", str(name))
        target.setProperty("themeColour", str(colour))
        target.setIcon(self.icon(name, colour))
        if first:
            self.changed.connect(_Tint(self, target).again)

    def mono_font(self) -> QFont:
        """The fixed-width face at the size of the text around it."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(QApplication.font().pointSizeF() * 0.95)
        return font

    def _hex(self, name: str | Tone) -> str:
        return self.tokens["text" if name == Tone.NEUTRAL else name]

    def _wanted(self) -> Tokens:
        scheme = self._system if self.mode is Mode.SYSTEM else _SCHEMES[self.mode]
        return DARK if scheme == Qt.ColorScheme.Dark else LIGHT

    def _tell_system(self) -> None:
        """Let title bars and native dialogs follow the same choice."""
        if self._app is not None:
            QGuiApplication.styleHints().setColorScheme(_SCHEMES[self.mode])

    def _system_changed(self, scheme: Qt.ColorScheme) -> None:
        self._system = scheme
        self._refresh()

    def _screen_added(self) -> None:
        if self._scale < self._finest():
            self._sheets.clear()
            self._restyle()

    def _finest(self) -> int:
        """Pixels a point for which images are drawn: twice the size is for screens that show them alone."""
        return 2 if any(screen.devicePixelRatio() > 1 for screen in QGuiApplication.screens()) else 1

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self.tokens:
            self.tokens = wanted
            self._restyle()

    def _restyle(self) -> None:
        if self._app is not None:
            self._app.setPalette(palette(self.tokens))
            self._app.setStyleSheet(self._sheet())
        self.changed.emit()

    def _sheet(self) -> str:
        dark = self.tokens is DARK
        if dark not in self._sheets:
            self._template = self._template or read_sheets(resources_dir() / "themes")
            self._scale = self._finest()
            images = write_images(self._font, self.tokens, Path(self._folder.path()), self._scale)
            self._sheets[dark] = fill_in(self._template, {**self.tokens, **images})
        return self._sheets[dark]


class _Tint(QObject):
    """Tints its parent's icon as long as that lives; Qt drops the connection together with it."""

    def __init__(self, theme: Theme, target: QObject) -> None:
        super().__init__(target)
        self._theme = theme

    @Slot()
    def again(self) -> None:
        target: Any = self.parent()
        target.setIcon(self._theme.icon(target.property("themeIcon"), target.property("themeColour")))


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects by, and restyle the widget."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


__all__ = ["DARK", "LIGHT", "Kind", "Mode", "Theme", "Tokens", "set_property"]
