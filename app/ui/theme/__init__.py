"""The look: every colour, the palette and style sheets made of them, and the object that applies them."""

import re
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from PySide6.QtCore import QCoreApplication, QDir, QEvent, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QColor, QFont, QFontDatabase, QGuiApplication, QIcon, QPalette, QPixmap
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

from app.itemmodels.columns import Tone as Tone
from app.paths import resources_dir
from app.ui.theme.icons import GlyphEngine, IconFont
from app.ui.theme.icons import Icon as Icon

STYLE = ("-style", "Fusion")
"""Arguments of the QApplication whose look this is.

Set later, the style comes back as an object, and making the enums of its class takes 8 ms of a start.
"""

_SMALLEST_POINTS = 10.0


Tokens = Mapping[str, str]
"""The colours of one theme as `#rrggbb`, by name."""

_TOKENS = {
    "window": ("#f6f7f9", "#16181d"),
    "panel": ("#ffffff", "#1d2026"),
    "alternate": ("#fafbfc", "#20242b"),
    "line": ("#e3e6eb", "#2d323b"),
    "edge": ("#ccd2db", "#3d444f"),
    "text": ("#1c2330", "#e6e9ef"),
    "dim": ("#606a7e", "#98a2b3"),
    "disabled": ("#7d8694", "#7a8392"),
    "accent": ("#2563e0", "#6ea0ff"),
    "accent_hover": ("#1d57cc", "#8ab2ff"),
    "accent_press": ("#174ab3", "#5a8df0"),
    "accent_focus": ("#2f6fed", "#4a7ce0"),
    "accent_on": ("#e8f0fe", "#22304d"),
    "on_accent": ("#ffffff", "#0e1420"),
    "selection": ("#e8f0fe", "#263556"),
    "hover": ("#f1f3f6", "#262b33"),
    "press": ("#e6e9ee", "#2f353f"),
    "neutral_on": ("#eef0f4", "#2a2f38"),
    "ok": ("#117756", "#4cc38a"),
    "ok_on": ("#e3f6ee", "#16352a"),
    "warn": ("#926200", "#e2b340"),
    "warn_on": ("#fff4d6", "#3a2f12"),
    "bad": ("#c4320a", "#ff8367"),
    "bad_on": ("#fdecea", "#43201a"),
    "bad_hover": ("#a92906", "#ff9b84"),
    "bad_focus": ("#d1380f", "#d9573b"),
    "on_bad": ("#ffffff", "#1c0d09"),
    "scroll": ("#c8cdd6", "#3d444f"),
    "scroll_hover": ("#7d8694", "#7a8392"),
    "tip": ("#1c2330", "#3a414d"),
    "tip_hover": ("#3a4357", "#4a5261"),
    "on_tip": ("#f6f7f9", "#e6e9ef"),
    "on_balloon": ("#1c2330", "#1c2330"),
}
"""Each name with its colour in the light and in the dark theme.

A message beside an icon in the tray is pale yellow in both, which Qt paints by itself (`on_balloon`).
A name ending in `_on` is the tint behind text of the name without it, one in `_focus` what a filled button
has within the ring of the focus. Text on any surface of its theme
reaches a contrast of 4.5:1 (WCAG 2.2, 1.4.3), what is disabled and what shows the focus 3:1; a test computes
it.
"""

LIGHT: Tokens = {name: light for name, (light, _) in _TOKENS.items()}
DARK: Tokens = {name: dark for name, (_, dark) in _TOKENS.items()}

CONNECTIONS = {
    "grey": ("#5b6472", "#ffffff"),
    "blue": ("#2563e0", "#ffffff"),
    "green": ("#117756", "#ffffff"),
    "yellow": ("#e2b340", "#16181d"),
    "orange": ("#f0883e", "#16181d"),
    "red": ("#b3261e", "#ffffff"),
    "purple": ("#6f42c1", "#ffffff"),
}
"""By the colour that a person gave a live database: a strip's, and of the text on it; in both themes."""

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def read_sheets(folder: Path) -> str:
    """All `.qss` files of `folder`, by name, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.qss")))


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{{name}}` replaced; raises KeyError for a name that `values` lacks."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


_ROLE = QPalette.ColorRole
_ROLES = {
    "window": (_ROLE.Window,),
    "text": (_ROLE.WindowText, _ROLE.Text, _ROLE.ButtonText, _ROLE.HighlightedText),
    "panel": (_ROLE.Base, _ROLE.Button, _ROLE.Light),
    "alternate": (_ROLE.AlternateBase,),
    "dim": (_ROLE.PlaceholderText,),
    "bad": (_ROLE.BrightText,),
    "hover": (_ROLE.Midlight,),
    "line": (_ROLE.Mid,),
    "edge": (_ROLE.Dark, _ROLE.Shadow),
    "selection": (_ROLE.Highlight,),
    "accent": (_ROLE.Accent, _ROLE.Link, _ROLE.LinkVisited),
    "tip": (_ROLE.ToolTipBase,),
    "on_tip": (_ROLE.ToolTipText,),
}


def palette(tokens: Tokens) -> QPalette:
    result = QPalette()
    for name, roles in _ROLES.items():
        for role in roles:
            result.setColor(role, QColor(tokens[name]))
    for role in (*_ROLES["text"], _ROLE.PlaceholderText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens["disabled"]))
    return result


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
    OUTLINED = "outlined"
    """The danger that is one of several acts, and no answer to a question."""
    FLAT = "flat"


class Theme(QObject):
    """Colours, icons and fonts for every widget; follows the system live or holds to the user's choice.

    `mode` is the user's choice, `tokens` the colours in force; `changed` is emitted after palette and style
    sheet are. Both make Qt paint everything again, so widgets that paint themselves ask for colours when they
    paint. A colour argument below is a token's name ("dim", "accent") or a Tone.
    """

    changed = Signal()

    def __init__(self, mode: Mode = Mode.SYSTEM) -> None:
        super().__init__()
        self.mode = mode
        self._app: QApplication | None = None
        self._font = IconFont()
        self._restyling = Restyling(self)
        # Kept for good: an engine that goes when its widgets are collected as garbage damages the heap.
        self._icons: dict[tuple[str, str], QIcon] = {}
        self._system = QGuiApplication.styleHints().colorScheme()
        self.tokens = self._wanted()

    def apply(self, app: QApplication) -> None:
        """Style `app`, made with `STYLE`, and keep it styled when the system's colour scheme changes."""
        self._app = app
        font = app.font()
        if 0 < font.pointSizeF() < _SMALLEST_POINTS:
            font.setPointSizeF(_SMALLEST_POINTS)
            app.setFont(font)
        hints = QGuiApplication.styleHints()
        self._tell_system()
        hints.colorSchemeChanged.connect(self._system_changed)
        self._restyle()

    def set_mode(self, mode: Mode) -> None:
        self.mode = mode
        self._tell_system()
        self._refresh()

    def colour(self, name: str | Tone) -> QColor:
        return QColor(self._hex(name))

    def icon(self, name: str, colour: str | Tone = "text") -> QIcon:
        """For buttons and actions: crisp on every screen, dimmer when disabled; it follows the theme."""
        key = (str(name), str(colour))
        if key not in self._icons:
            self._icons[key] = QIcon(GlyphEngine(self.pixmap, *key))
        return self._icons[key]

    def pixmap(self, name: str, colour: str | Tone, size: int, scale: float) -> QPixmap:
        """A cached pixmap, `size` logical pixels wide, for painting at device pixel ratio `scale`."""
        return self._font.pixmap(str(name), self._hex(colour), size, scale)

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

    def _refresh(self) -> None:
        wanted = self._wanted()
        if wanted is not self.tokens:
            self.tokens = wanted
            self._restyle()

    def _restyle(self) -> None:
        if self._app is not None:
            self._restyling.give(self._app, palette(self.tokens), self._sheet())
        self.changed.emit()

    def _sheet(self) -> str:
        """The style sheet in the colours in force; its images are drawn by `packaging/render_images.py`."""
        folder = resources_dir() / "themes"
        QDir.setSearchPaths("themes", [str(folder)])
        images = f"themes:{'dark' if self.tokens is DARK else 'light'}"
        return fill_in(read_sheets(folder), {**self.tokens, "images": images})


_POLISHED, _OWN_STYLE = Qt.WidgetAttribute.WA_WState_Polished, Qt.WidgetAttribute.WA_SetStyle


def set_property(widget: QWidget, name: str, value: object) -> None:
    """Set a property that the style sheet selects by, and restyle the widget, if it has a style already."""
    if widget.property(name) == value:
        return
    widget.setProperty(name, value)
    if not widget.testAttribute(_POLISHED):  # before it is first shown, where a form of many fields is built
        return
    style = widget.style()
    style.unpolish(widget)
    style.polish(widget)
    widget.update()


_SLICE_SECONDS = 0.01


@dataclass(slots=True)
class _Part:
    """What still has the old look, and what has none: what lies within another takes its colours from it, so
    that all must have lost the old one before one is given the new. It is painted with its `window`, if it is
    in sight in one.
    """

    window: QWidget | None
    stale: list[QWidget]
    bare: list[QWidget] = field(default_factory=list)

    @property
    def widgets(self) -> list[QWidget]:
        return self.stale + self.bare


class Restyling(QObject):
    """Styles what is in sight of the window in front at once, paints it when the event loop has had its turn,
    and styles the rest after that, in slices of 10 ms: the windows behind, which are painted when each is
    whole, and then what is out of sight.

    To change the style sheet in force takes Qt a second for five tabs, to take it away and give another one
    300 ms: it styles every widget twice, and most are out of sight. It leaves out those that it takes for
    not styled yet.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._held: list[QWidget] = []
        self._whole: list[QWidget] = []
        """Windows whose painting is held up, and those of them that have the new look."""
        self._parts = deque[_Part]()
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    def give(self, app: QApplication, palette: QPalette, sheet: str) -> None:
        widgets = [one for one in app.allWidgets() if one.testAttribute(_POLISHED)]
        widgets += [one for part in self._parts for one in part.widgets if isValid(one)]
        self._held += [one for one in widgets if one.isVisible() and one.isWindow() and one.updatesEnabled()]
        for window in filter(isValid, self._held):
            window.setUpdatesEnabled(False)
        front = app.activeWindow()
        behind = {one: _Part(one, []) for one in self._held if front in self._held and one is not front}
        hidden, seen = _Part(None, []), list[QWidget]()
        for widget in widgets:
            if not widget.isVisible():
                hidden.stale.append(widget)
            elif (part := behind.get(widget.window())) is not None:
                part.stale.append(widget)
            else:
                seen.append(widget)
        self._parts = deque([*behind.values(), hidden])
        self._whole = [one for one in self._held if one not in behind]
        for widget in seen:
            app.style().unpolish(widget)
        _leave_out(widgets, True)
        app.setStyleSheet("")
        app.setPalette(palette)
        _leave_out(seen, False)
        app.setStyleSheet(sheet)
        for part in self._parts:
            for widget in part.stale:
                widget.setAttribute(_OWN_STYLE, False)
        if widgets:
            self._timer.start()

    def _go_on(self) -> None:
        if self._whole:
            window = self._whole.pop()
            self._held.remove(window)
            if isValid(window):
                window.setUpdatesEnabled(True)
                window.repaint()  # a request that came meanwhile is lost, and no other one is sent
        elif self._parts:
            self._go_on_with(self._parts[0])
        else:
            self._timer.stop()

    def _go_on_with(self, part: _Part) -> None:
        style, until = QApplication.style(), time.perf_counter() + _SLICE_SECONDS
        while part.stale and time.perf_counter() < until:
            widget = part.stale.pop()
            if isValid(widget):
                style.unpolish(widget)
                widget.setAttribute(_POLISHED, False)
                part.bare.append(widget)
        part.bare.sort(key=_is_seen)  # those that came into sight meanwhile first
        while part.bare and not part.stale and time.perf_counter() < until:
            widget = part.bare.pop()
            if isValid(widget):
                if not widget.testAttribute(
                    _POLISHED
                ):  # as Qt has what it showed: twice, the look would stay
                    style.polish(widget)
                    widget.setAttribute(_POLISHED)
                QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        if not part.widgets:
            self._parts.remove(part)
            if part.window is not None:
                self._whole.append(part.window)


def _is_seen(widget: QWidget) -> bool:
    return isValid(widget) and widget.isVisible()


def _leave_out(widgets: list[QWidget], out: bool) -> None:
    for widget in widgets:
        widget.setAttribute(_POLISHED, not out)
        widget.setAttribute(_OWN_STYLE, out)
