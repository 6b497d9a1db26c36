"""Say what a file holds."""

import argparse
from pathlib import Path

from app.commands.common import EXIT_INTACT, print_json, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def run(options: argparse.Namespace) -> int:
    from app.services.files.describe import counted  # noqa: PLC0415
    from app.services.files.opening import open_path  # noqa: PLC0415

    opened = open_path(options.file, read_only=True)
    with opened.database.connection_context():
        found = counted(opened)
    if options.json:
        print_json(found.to_json())
    else:
        for line in found.lines():
            say(line)
    return EXIT_INTACT
