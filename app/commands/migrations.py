"""Write a new migration."""

import argparse
import time
from pathlib import Path

from app.commands.common import EXIT_INTACT, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="create")
    create = actions.add_parser("create", help="write the next numbered migration")
    create.add_argument("description")
    create.add_argument("--folder", type=Path, default=Path("migrations"), help="default: ./migrations")


def run(options: argparse.Namespace) -> int:
    from models import migration_files  # noqa: PLC0415

    say(str(migration_files.create(options.folder, options.description, now=int(time.time()))))
    return EXIT_INTACT
