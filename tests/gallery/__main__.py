"""`python -m tests.gallery OUT_DIR [--only PART_OF_NAME] [--scale 2] [--screen 1280x800] [--mode dark]`, or
`--renew`.
"""

import argparse
import json
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.gallery import compared


def main(arguments: list[str]) -> int:
    """Render the scenes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.gallery", description="Render every screen to PNG files."
    )
    parser.add_argument("out_dir", type=Path, nargs="?")
    parser.add_argument("--only", default="", help="scenes whose name contains this")
    parser.add_argument("--scale", default="1", help="display scale, 2 for 200 %%")
    parser.add_argument("--screen", type=_size, help="1280x800, which no window outgrows; in real pixels")
    parser.add_argument("--mode", choices=("light", "dark"), help="one theme only")
    parser.add_argument("--set", choices=compared.SETS, help="those that are compared, as they are")
    parser.add_argument("--scenes", nargs="+", help="some of those")
    parser.add_argument("--renew", action="store_true", help="store anew what the tests compare with")
    options = parser.parse_args(arguments)
    if options.renew:
        compared.renew()
        return 0
    if options.out_dir is None:
        parser.error("OUT_DIR is missing")
    chosen = compared.SETS.get(options.set)
    # Before Qt draws: no display is needed, and the scale is read once.
    compared.settle()
    if chosen is None:  # to be shown, not compared: with every letter that there is a font for
        del os.environ["FONTCONFIG_FILE"]
        if options.screen is not None:
            os.environ["QT_QPA_PLATFORM"] = _offscreen(*options.screen)
    os.environ["QT_SCALE_FACTOR"] = str(chosen.scale) if chosen else options.scale

    from PySide6.QtWidgets import QApplication

    from app.ui.shell import window, workspace
    from app.ui.theme import STYLE, Mode, Theme
    from app.workers.memory import GarbageCollector
    from tests.gallery.render import render
    from tests.gallery.scenes import all_scenes, on_screen

    app = QApplication(["gallery", *STYLE])
    app.setCursorFlashTime(0)  # a cursor that blinks is there or not
    window.SLOW_MS = 60_000  # no scene is of a file that opens slowly, yet each would wait for that
    workspace.AHEAD_MS = 3_600_000  # nor of tabs that nobody looks at
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    # Else widgets were destroyed on a runner's thread; or, at the end of this, while Qt destroys another and
    # holds the lock that they need. So collection is not given back to Python before the process ends.
    GarbageCollector(app)
    options.out_dir.mkdir(parents=True, exist_ok=True)
    patience = compared.PATIENCE_SECONDS
    scenes = {scene.name: scene for scene in all_scenes().scenes}
    names = options.scenes or (chosen.scenes if chosen else [name for name in scenes if options.only in name])
    if options.screen is not None and chosen is None:
        room = app.primaryScreen().availableSize().toTuple()
        scenes = {name: on_screen(scene, room) for name, scene in scenes.items()}
    for mode in [Mode(chosen.mode)] if chosen else [Mode.LIGHT, Mode.DARK]:
        if options.mode not in (None, mode.value):
            continue
        theme.set_mode(mode)
        for name in names:
            target = options.out_dir / (f"{name}.png" if chosen else f"{name}-{mode.value}.png")
            if chosen:
                stored = partial(compared.looks_as_in, compared.PICTURES / options.set / target.name)
                patience -= render(scenes[name], theme, target, 100, looks_right=stored, patience=patience)
            else:
                render(scenes[name], theme, target)
            print(target)
    return 0


def _size(text: str) -> tuple[int, int]:
    wide, high = (int(part) for part in text.split("x"))
    return wide, high


def _offscreen(wide: int, high: int) -> str:
    """The platform that draws for a screen of so many pixels."""
    file = Path(tempfile.gettempdir()) / "screen.json"
    file.write_text(json.dumps({"screens": [{"name": "one", "width": wide, "height": high}]}))
    return f"offscreen:configfile={file}"


if __name__ == "__main__":
    # What the scenes keep for as long as they are there goes with this folder.
    with tempfile.TemporaryDirectory(prefix="gallery-", ignore_cleanup_errors=True) as scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = scratch
        code = main(sys.argv[1:])
    sys.stdout.flush()
    os._exit(
        code
    )  # after so many windows, Python's own end destroys icons and style in an order that crashes
