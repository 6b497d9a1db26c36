"""`python -m tests.gallery OUT_DIR [--only PART_OF_NAME] [--scale 2] [--mode light|dark]`."""

import argparse
import os
import sys
from pathlib import Path


def main(arguments: list[str]) -> int:
    """Render the scenes; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.gallery", description="Render every screen to PNG files."
    )
    parser.add_argument("out_dir", type=Path)
    parser.add_argument("--only", default="", help="scenes whose name contains this")
    parser.add_argument("--scale", default="1", help="display scale, 2 for 200 %%")
    parser.add_argument("--mode", choices=("light", "dark"), help="one theme only")
    options = parser.parse_args(arguments)
    # Before Qt is loaded: no display is needed, and the scale is read once.
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    os.environ["QT_SCALE_FACTOR"] = options.scale

    from PySide6.QtWidgets import QApplication

    from app.ui.theme import STYLE, Mode, Theme
    from app.workers.runner import GarbageCollector
    from tests.gallery.render import render
    from tests.gallery.scenes import all_scenes

    app = QApplication(["gallery", *STYLE])
    theme = Theme(Mode.LIGHT)
    theme.apply(app)
    garbage = GarbageCollector()  # on a runner's thread it would destroy widgets there
    options.out_dir.mkdir(parents=True, exist_ok=True)
    for mode in (Mode.LIGHT, Mode.DARK):
        if options.mode not in (None, mode.value):
            continue
        theme.set_mode(mode)
        for scene in all_scenes().scenes:
            if options.only in scene.name:
                target = options.out_dir / f"{scene.name}-{mode.value}.png"
                render(scene, theme, target)
                print(target)
    garbage.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
