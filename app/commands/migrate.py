"""Apply the migrations a file lacks, or create the file."""

import argparse
import time
from pathlib import Path

from app.commands.common import EXIT_INTACT, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the database; it is created when it is not there")


def run(options: argparse.Namespace) -> int:
    from app.services.files.migrating import migrate  # noqa: PLC0415

    done = migrate(options.file, now=int(time.time()))
    for name in done.all_names:
        say(f"applied {name}")
    if done.backup is not None:
        say(f"the file as it was is kept as {done.backup}")
    if not done.all_names:
        say("nothing to apply")
    return EXIT_INTACT
