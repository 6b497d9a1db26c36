"""Verify a file and sign what was found."""

import argparse
import sys
import time
from functools import partial
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
        dest="start_over",
        help="start over: the file is held against what it holds now, and no longer against the checkpoints "
        "so far, which are kept",
    )


def run(options: argparse.Namespace) -> int:
    from app.services.chain.checkpoints.document import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_and_sign  # noqa: PLC0415
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.services.chain.rules import Verdict  # noqa: PLC0415
    from app.services.text import visible  # noqa: PLC0415
    from app.workers import scan_pool  # noqa: PLC0415

    code = EXIT_INTACT
    path, now = database_path(options.file), int(time.time())
    store = CheckpointStore(paths.checkpoints_dir())
    if options.imported is not None:
        say(f"{store.import_(options.imported, now=now, path=path):,} new checkpoints imported")
    else:
        made = verify_and_sign(
            path,
            store,
            partial(scan_pool.verify, take_part=True),
            now=now,
            reason=Reason.START_OVER if options.start_over else Reason.REQUEST,
        )
        if made.checkpoint is None and not made.report.entries and made.report.intact:
            say(str(made.why_not))
            return EXIT_INTACT
        if made.checkpoint is None:
            print_report(made.report)
            print(f"tenant-admin: {made.why_not}", file=sys.stderr)
            return EXIT_FINDINGS
        say(f"checkpoint {made.checkpoint}: {made.report.entries:,} entries signed")
        say(store.key_place())
        unproven = [item.tenant for item in made.report.tenants if item.verdict is Verdict.UNPROVEN_START]
        for tenant in unproven if not options.start_over else ():
            print(
                f"tenant-admin: nothing proves what came before the start of {visible(tenant)}",
                file=sys.stderr,
            )
            code = EXIT_FINDINGS
    for row in store.unreadable(path):
        print(f"tenant-admin: {row} cannot be read; the rest was used", file=sys.stderr)
    if options.export is not None:
        say(f"{store.export(path, options.export):,} checkpoints written to {options.export}")
    return code
