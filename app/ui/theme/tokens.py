"""Every colour and size, and the palette and style sheets that are made of them."""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from PySide6.QtGui import QColor, QPalette

from app.itemmodels.columns import Tone
from app.ui.theme.icons import Icon, IconFont


@dataclass(frozen=True, slots=True)
class Tokens:
    """Named colours as `#rrggbb`.

    A name ending in `_on` is the tint behind text of the name without it. Text on any surface of its theme
    reaches a contrast of 4.5:1 (WCAG 2.2, 1.4.3); a test computes it.
    """

    window: str
    panel: str
    alternate: str
    line: str
    edge: str
    text: str
    dim: str
    disabled: str
    accent: str
    accent_hover: str
    accent_press: str
    accent_on: str
    on_accent: str
    selection: str
    hover: str
    press: str
    neutral_on: str
    ok: str
    ok_on: str
    warn: str
    warn_on: str
    bad: str
    bad_on: str
    bad_hover: str
    on_bad: str
    scroll: str
    scroll_hover: str
    tip: str
    on_tip: str

    def tone(self, tone: Tone) -> str:
        """The text and icon colour of a tone."""
        return self.text if tone is Tone.NEUTRAL else str(getattr(self, tone.value))

    def tint(self, tone: Tone) -> str:
        """The surface colour behind a tone."""
        return str(getattr(self, f"{tone.value}_on"))

    def as_dict(self) -> dict[str, str]:
        """Token names and colours, for filling in a style sheet."""
        return asdict(self)


LIGHT = Tokens(
    window="#f6f7f9",
    panel="#ffffff",
    alternate="#fafbfc",
    line="#e3e6eb",
    edge="#ccd2db",
    text="#1c2330",
    dim="#606a7e",
    disabled="#9aa3b2",
    accent="#2563e0",
    accent_hover="#1d57cc",
    accent_press="#174ab3",
    accent_on="#e8f0fe",
    on_accent="#ffffff",
    selection="#e8f0fe",
    hover="#f1f3f6",
    press="#e6e9ee",
    neutral_on="#eef0f4",
    ok="#117756",
    ok_on="#e3f6ee",
    warn="#926200",
    warn_on="#fff4d6",
    bad="#c4320a",
    bad_on="#fdecea",
    bad_hover="#a92906",
    on_bad="#ffffff",
    scroll="#c8cdd6",
    scroll_hover="#9aa3b2",
    tip="#1c2330",
    on_tip="#f6f7f9",
)

DARK = Tokens(
    window="#16181d",
    panel="#1d2026",
    alternate="#20242b",
    line="#2d323b",
    edge="#3d444f",
    text="#e6e9ef",
    dim="#98a2b3",
    disabled="#5f6877",
    accent="#6ea0ff",
    accent_hover="#8ab2ff",
    accent_press="#5a8df0",
    accent_on="#22304d",
    on_accent="#0e1420",
    selection="#263556",
    hover="#262b33",
    press="#2f353f",
    neutral_on="#2a2f38",
    ok="#4cc38a",
    ok_on="#16352a",
    warn="#e2b340",
    warn_on="#3a2f12",
    bad="#ff8367",
    bad_on="#43201a",
    bad_hover="#ff9b84",
    on_bad="#1c0d09",
    scroll="#3d444f",
    scroll_hover="#5f6877",
    tip="#3a414d",
    on_tip="#e6e9ef",
)


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
