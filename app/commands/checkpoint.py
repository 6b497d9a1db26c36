"""Verifies a file and signs what was found."""

import argparse
import sys
import time
from pathlib import Path

from app import paths
from app.commands.common import EXIT_FINDINGS, EXIT_INTACT, database_path, print_report, say


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--export", type=Path, metavar="OUT", help="write all checkpoints to keep elsewhere")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--import", type=Path, metavar="IN", dest="imported", help="take in an export instead of making one"
    )
    what.add_argument(
        "--anew",
        action="store_true",
        help="from now on go by what the file holds now, whatever earlier checkpoints say; they are kept",
    )


def run(options: argparse.Namespace) -> int:
    from app.services.chain.checkpoints.store import ANEW, CheckpointStore  # noqa: PLC0415
    from app.workers import witnessing  # noqa: PLC0415

    path, now = database_path(options.file), int(time.time())
    store = CheckpointStore(paths.checkpoints_dir())
    if options.imported is not None:
        say(f"{store.import_(options.imported, now=now, path=path):,} new checkpoints imported")
    else:
        made = witnessing.witness(
            path,
            paths.checkpoints_dir(),
            now=now,
            reason=ANEW if options.anew else "request",
            take_part=True,
            anew=options.anew,
        )
        if made.checkpoint is None and not made.report.entries and made.report.intact:
            say("There are no audit entries yet, so there is nothing to witness.")
            return EXIT_INTACT
        if made.checkpoint is None:
            print_report(made.report)
            print("tenant-admin: the chain does not hold, so no checkpoint was made", file=sys.stderr)
            return EXIT_FINDINGS
        say(f"checkpoint {made.checkpoint}: {made.report.entries:,} entries witnessed")
        say(store.key_place().sentence)
    if options.export is not None:
        say(f"{store.export(path, options.export):,} checkpoints written to {options.export}")
    return EXIT_INTACT
