"""Applies the migrations a file lacks."""

import argparse
import time
from pathlib import Path

from app import paths
from app.commands.common import EXIT_INTACT, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the database; it is created when it is not there")


def run(options: argparse.Namespace) -> int:
    from app.services.files import migrating as maintenance  # noqa: PLC0415

    done = maintenance.migrate(options.file, paths.migrations_dir(), now=int(time.time()))
    for name in done.applied:
        say(f"applied {name}")
    if done.backup is not None:
        say(f"the file as it was is kept as {done.backup}")
    if not done.applied:
        say("nothing to apply")
    return EXIT_INTACT
