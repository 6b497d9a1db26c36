"""Every colour and size, and the palette and style sheets that are made of them."""

import re
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QColor, QPalette

from app.ui.theme.icons import Icon, IconFont

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
    "disabled": ("#9aa3b2", "#5f6877"),
    "accent": ("#2563e0", "#6ea0ff"),
    "accent_hover": ("#1d57cc", "#8ab2ff"),
    "accent_press": ("#174ab3", "#5a8df0"),
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
    "on_bad": ("#ffffff", "#1c0d09"),
    "scroll": ("#c8cdd6", "#3d444f"),
    "scroll_hover": ("#9aa3b2", "#5f6877"),
    "tip": ("#1c2330", "#3a414d"),
    "on_tip": ("#f6f7f9", "#e6e9ef"),
}
"""Each name with its colour in the light and in the dark theme.

A name ending in `_on` is the tint behind text of the name without it. Text on any surface of its theme
reaches a contrast of 4.5:1 (WCAG 2.2, 1.4.3); a test computes it.
"""

LIGHT: Tokens = {name: light for name, (light, _) in _TOKENS.items()}
DARK: Tokens = {name: dark for name, (_, dark) in _TOKENS.items()}

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def read_sheets(folder: Path) -> str:
    """All `.qss` files of `folder`, by name, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.qss")))


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{{name}}` replaced; raises KeyError for a name that `values` lacks."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


def write_images(font: IconFont, tokens: Tokens, folder: Path, scale: int) -> dict[str, str]:
    """PNG files in `folder`, for screens of up to `scale` pixels a point; their paths by placeholder name.

    Qt picks an `@2x` file itself, so arrows and ticks stay crisp on every screen. The colour is in
    the file name, because Qt caches pixmaps by path and a theme may come back.
    """
    wanted = {
        "image_down": (Icon.CARET_DOWN, tokens["dim"], 16),
        "image_down_disabled": (Icon.CARET_DOWN, tokens["disabled"], 16),
        "image_up": (Icon.CARET_UP, tokens["dim"], 16),
        "image_right": (Icon.CARET_RIGHT, tokens["dim"], 16),
        "image_left": (Icon.CARET_LEFT, tokens["dim"], 16),
        "image_check": (Icon.CHECK_BOLD, tokens["on_accent"], 12),
        "image_check_text": (Icon.CHECK, tokens["text"], 16),
        "image_minus": (Icon.MINUS_BOLD, tokens["on_accent"], 12),
        "image_close": (Icon.CLOSE, tokens["dim"], 16),
        "image_calendar": (Icon.CALENDAR, tokens["dim"], 16),
    }
    paths = {}
    for name, (icon, colour, size) in wanted.items():
        stem = f"{icon.value}-{colour[1:]}"
        for pixels in range(1, scale + 1):
            suffix = "" if pixels == 1 else f"@{pixels}x"
            target = folder / f"{stem}{suffix}.png"
            if not target.exists():
                font.pixmap(icon.value, colour, size, pixels).save(str(target), "PNG", 100)
        paths[name] = (folder / f"{stem}.png").as_posix()
    return paths


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
    """A palette in which every role comes from `tokens`."""
    result = QPalette()
    for name, roles in _ROLES.items():
        for role in roles:
            result.setColor(role, QColor(tokens[name]))
    for role in (*_ROLES["text"], _ROLE.PlaceholderText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(tokens["disabled"]))
    return result
