"""The look: tokens, palette, style sheet, and the object that applies them."""

import weakref
from collections.abc import Callable
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

    `changed` is emitted after palette and style sheet are in force. Widgets that paint themselves read
    `tokens` when they paint and connect `changed` to `update`. A colour argument below is a token's name
    ("dim", "accent") or a Tone.
    """

    changed = Signal()

    def __init__(self, mode: Mode = Mode.SYSTEM, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._mode = mode
        self._app: QApplication | None = None
        self._font = IconFont()
        self._folder = QTemporaryDir()
        self._template = ""
        self._sheets: dict[Tokens, str] = {}
        self._icons: dict[tuple[str, str, str], QIcon] = {}
        self._system = QGuiApplication.styleHints().colorScheme()
        self._tokens = self._wanted()

    @property
    def tokens(self) -> Tokens:
        """The colours in force."""
        return self._tokens

    @property
    def mode(self) -> Mode:
        """The user's choice."""
        return self._mode

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
        self._restyle()

    def set_mode(self, mode: Mode) -> None:
        """Follow the system, or hold to light or dark."""
        self._mode = mode
        self._tell_system()
        self._refresh()

    def colour(self, name: str | Tone) -> QColor:
        """The QColor of a token or a tone."""
        return QColor(self._hex(name))

    def tint(self, tone: Tone) -> QColor:
        """The surface colour behind a tone."""
        return QColor(self._tokens.tint(tone))

    def icon(self, name: str, colour: str | Tone = "text") -> QIcon:
        """An icon in a token's colour. It keeps that colour; `bind_icon` follows the theme."""
        key = (str(name), self._hex(colour), self._tokens.disabled)
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
            self.follow(target, _tint_again(self, weakref.ref(target)))

    def follow(self, owner: QObject, apply: Callable[[], None]) -> None:
        """Call `apply` at every change until `owner` is destroyed; `apply` must not keep `owner` alive."""
        follower = _Follower(owner, apply)
        self.changed.connect(follower.run)

    def mono_font(self) -> QFont:
        """The fixed-width face at the size of the text around it."""
        font = QFontDatabase.systemFont(QFontDatabase.SystemFont.FixedFont)
        font.setPointSizeF(QApplication.font().pointSizeF() * 0.95)
        return font

    def _hex(self, name: str | Tone) -> str:
        if isinstance(name, Tone) or name == Tone.NEUTRAL.value:
            return self._tokens.tone(Tone(name))
        return str(getattr(self._tokens, name))

    def _wanted(self) -> Tokens:
        system = self._mode is Mode.SYSTEM
        dark = self._system == Qt.ColorScheme.Dark if system else self._mode is Mode.DARK
        return DARK if dark else LIGHT

    def _tell_system(self) -> None:
        """Let title bars and native dialogs follow the same choice."""
        scheme = {Mode.LIGHT: Qt.ColorScheme.Light, Mode.DARK: Qt.ColorScheme.Dark}.get(self._mode)
        if self._app is None:
            return
        if scheme is None:
            QGuiApplication.styleHints().unsetColorScheme()
        else:
            QGuiApplication.styleHints().setColorScheme(scheme)

    def _system_changed(self, scheme: Qt.ColorScheme) -> None:
        self._system = scheme
        self._refresh()

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self._tokens:
            self._tokens = wanted
            self._restyle()

    def _restyle(self) -> None:
        if self._app is not None:
            self._app.setPalette(palette(self._tokens))
            self._app.setStyleSheet(self._sheet())
        self.changed.emit()

    def _sheet(self) -> str:
        if self._tokens not in self._sheets:
            self._template = self._template or read_sheets(resources_dir() / "themes")
            images = write_images(self._font, self._tokens, Path(self._folder.path()))
            self._sheets[self._tokens] = fill_in(self._template, self._tokens.as_dict() | images)
        return self._sheets[self._tokens]


class _Follower(QObject):
    """Runs a callback as long as its parent lives; Qt drops the connection together with it."""

    def __init__(self, owner: QObject, apply: Callable[[], None]) -> None:
        super().__init__(owner)
        self._apply = apply

    @Slot()
    def run(self) -> None:
        self._apply()


def _tint_again(theme: Theme, held: "weakref.ref[Any]") -> Callable[[], None]:
    def tint() -> None:
        target = held()
        if target is not None:
            target.setIcon(theme.icon(target.property("themeIcon"), target.property("themeColour")))

    return tint


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
