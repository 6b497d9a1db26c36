"""Says what a file holds."""

import argparse
from pathlib import Path

from app import paths
from app.commands.common import EXIT_INTACT, database_path, print_json, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    from app.services.files import describe as file_info  # noqa: PLC0415
    from app.services.files import opening  # noqa: PLC0415

    opened = opening.open_database(database_path(options.file), read_only=True)
    with opened.database.connection_context():
        found = file_info.info(opened, paths.migrations_dir())
    if options.json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            say(line)
    return EXIT_INTACT
