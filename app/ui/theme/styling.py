"""Tokens as a palette and as a style sheet, with the few images that the style sheet needs."""

import re
from collections.abc import Mapping
from pathlib import Path

from PySide6.QtGui import QColor, QPalette

from app.ui.theme.icons import Icon, IconFont
from app.ui.theme.tokens import Tokens

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")
_SCALES = (1, 2)


def read_sheets(folder: Path) -> str:
    """All `.qss` files of `folder`, by name, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.qss")))


def fill_in(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{{name}}` replaced; raises KeyError for a name that `values` lacks."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)


def write_images(font: IconFont, tokens: Tokens, folder: Path) -> dict[str, str]:
    """PNG files in `folder`, at one and two times the size; returns their paths by placeholder name.

    Qt picks the `@2x` file itself, so arrows and ticks stay crisp on every screen. The colour is in
    the file name, because Qt caches pixmaps by path and a theme may come back.
    """
    wanted = {
        "image_down": (Icon.CARET_DOWN, tokens.dim, 16),
        "image_down_disabled": (Icon.CARET_DOWN, tokens.disabled, 16),
        "image_up": (Icon.CARET_UP, tokens.dim, 16),
        "image_right": (Icon.CARET_RIGHT, tokens.dim, 16),
        "image_left": (Icon.CARET_LEFT, tokens.dim, 16),
        "image_check": (Icon.CHECK_BOLD, tokens.on_accent, 12),
        "image_check_text": (Icon.CHECK, tokens.text, 16),
        "image_minus": (Icon.MINUS_BOLD, tokens.on_accent, 12),
        "image_close": (Icon.CLOSE, tokens.dim, 16),
        "image_calendar": (Icon.CALENDAR, tokens.dim, 16),
    }
    paths = {}
    for name, (icon, colour, size) in wanted.items():
        stem = f"{icon.value}-{colour[1:]}"
        for scale in _SCALES:
            suffix = "" if scale == 1 else f"@{scale}x"
            target = folder / f"{stem}{suffix}.png"
            if not target.exists():
                font.pixmap(icon.value, colour, size, scale).save(str(target), "PNG", 100)
        paths[name] = (folder / f"{stem}.png").as_posix()
    return paths


def palette(tokens: Tokens) -> QPalette:
    """A palette in which every role comes from `tokens`."""
    role, group = QPalette.ColorRole, QPalette.ColorGroup
    result = QPalette()
    for target, colour in {
        role.Window: tokens.window,
        role.WindowText: tokens.text,
        role.Base: tokens.panel,
        role.AlternateBase: tokens.alternate,
        role.Text: tokens.text,
        role.PlaceholderText: tokens.dim,
        role.Button: tokens.panel,
        role.ButtonText: tokens.text,
        role.BrightText: tokens.bad,
        role.Light: tokens.panel,
        role.Midlight: tokens.hover,
        role.Mid: tokens.line,
        role.Dark: tokens.edge,
        role.Shadow: tokens.edge,
        role.Highlight: tokens.selection,
        role.HighlightedText: tokens.text,
        role.Accent: tokens.accent,
        role.Link: tokens.accent,
        role.LinkVisited: tokens.accent,
        role.ToolTipBase: tokens.tip,
        role.ToolTipText: tokens.on_tip,
    }.items():
        result.setColor(target, QColor(colour))
    for target in (role.WindowText, role.Text, role.ButtonText, role.HighlightedText, role.PlaceholderText):
        result.setColor(group.Disabled, target, QColor(tokens.disabled))
    return result
