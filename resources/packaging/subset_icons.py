"""Cuts the icon font down to what `app.ui.theme.icons.Icon` names, and writes its table beside it.

The whole family takes 10 ms to load, what is used of it less than one. Run this with fonttools at hand after
adding an icon, and commit what it writes: `python resources/packaging/subset_icons.py`.
"""

import json
import sys
from pathlib import Path

from fontTools.subset import Options, Subsetter, load_font, save_font

WHOLE = Path(__file__).parent
USED = WHOLE.parent / "fonts"
sys.path.insert(0, str(WHOLE.parents[1]))


def main() -> None:
    from app.ui.theme.icons import Icon, glyphs_of  # noqa: PLC0415 - found by the path above

    whole: dict[str, str] = json.loads((WHOLE / "phosphor.json").read_text("ascii"))
    glyphs = {glyph for icon in Icon for glyph in glyphs_of(icon.value)}
    names = glyphs | {f"{icon.value}-light" for icon in Icon}  # large ones are light
    codes = {name: whole[name] for name in sorted(names & set(whole))}
    options = Options(hinting=False, notdef_outline=True, glyph_names=False)
    font = load_font(WHOLE / "phosphor.ttf", options)
    subsetter = Subsetter(options)
    subsetter.populate(unicodes=[int(code, 16) for code in codes.values()])
    subsetter.subset(font)
    save_font(font, USED / "phosphor.ttf", options)
    (USED / "phosphor.json").write_text(json.dumps(codes, indent=0) + "\n", "ascii")


if __name__ == "__main__":
    main()
