"""Write a copy of a file, also while others use it."""

import argparse
from pathlib import Path

from app.commands.common import EXIT_INTACT, database_path, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path, help="the copy; never over an existing file")


def run(options: argparse.Namespace) -> int:
    from app.services.files.copying import snapshot_copy  # noqa: PLC0415

    copy = snapshot_copy(database_path(options.file), options.out)
    say(f"{copy}: {copy.stat().st_size:,} bytes, checked")
    return EXIT_INTACT
