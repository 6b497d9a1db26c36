"""Draws the images of the style sheets: glyphs of the icon font, in the colours of each theme.

Run `python resources/packaging/render_images.py` after changing one of them, and commit what it writes.
Qt takes an `@2x` image by itself, so that arrows and ticks are crisp on every screen.
"""

import sys
from collections.abc import Iterator
from pathlib import Path

from PySide6.QtGui import QGuiApplication, QPixmap

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))


def images() -> Iterator[tuple[str, QPixmap]]:
    """Each image and where it is kept, within the folder of the style sheets."""
    from app.ui.theme import DARK, LIGHT  # noqa: PLC0415 - found by the path above
    from app.ui.theme.icons import Icon, IconFont  # noqa: PLC0415

    drawn = (
        ("down", Icon.CARET_DOWN, "dim", 16),
        ("down_disabled", Icon.CARET_DOWN, "disabled", 16),
        ("up", Icon.CARET_UP, "dim", 16),
        ("right", Icon.CARET_RIGHT, "dim", 16),
        ("left", Icon.CARET_LEFT, "dim", 16),
        ("check", Icon.CHECK_BOLD, "on_accent", 12),
        ("check_text", Icon.CHECK, "text", 16),
        ("minus", Icon.MINUS_BOLD, "on_accent", 12),
        ("close", Icon.CLOSE, "dim", 16),
        ("calendar", Icon.CALENDAR, "dim", 16),
    )
    font = IconFont()
    for scheme, tokens in (("light", LIGHT), ("dark", DARK)):
        for name, icon, colour, size in drawn:
            for pixels, suffix in ((1, ""), (2, "@2x")):
                yield f"{scheme}/{name}{suffix}.png", font.pixmap(icon.value, tokens[colour], size, pixels)


def main() -> None:
    application = QGuiApplication(sys.argv)
    for place, image in images():
        path = ROOT / "resources" / "themes" / place
        path.parent.mkdir(exist_ok=True)
        image.save(str(path), "PNG", 0)
    application.quit()


if __name__ == "__main__":
    main()
