"""The few images a style sheet needs, drawn from the icon font in the theme's colours."""

from pathlib import Path

from app.ui.theme.icons import Icon, IconFont
from app.ui.theme.tokens import Tokens

_SCALES = (1, 2)


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
        "image_more": (Icon.MORE, tokens.dim, 16),
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
