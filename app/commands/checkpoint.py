"""`tenant-admin checkpoint`."""

import argparse
import time
from pathlib import Path

from app.commands.common import (
    EXIT_FINDINGS,
    EXIT_INTACT,
    complain,
    database_path,
    print_report,
    say,
)


def checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--export", type=Path, metavar="OUT", help="write all checkpoints to keep elsewhere")
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--import", type=Path, metavar="IN", dest="imported", help="take in an export instead of making one"
    )
    what.add_argument(
        "--start-over",
        action="store_true",
        help="start over: the file is held against what it holds now, and no longer against the checkpoints "
        "so far, which are kept",
    )


def checkpoint(options: argparse.Namespace) -> int:
    """Verify a file and sign what was found."""
    from app.services.chain.checkpoints.document import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_and_sign  # noqa: PLC0415
    from app.services.chain.rules import Verdict  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    code = EXIT_INTACT
    path, now = database_path(options.file), int(time.time())
    store, verify = store_and_verifier(take_part=True)
    if options.imported is not None:
        say(f"{store.import_(options.imported, now=now, path=path):,} new checkpoints imported")
    else:
        reason = Reason.START_OVER if options.start_over else Reason.REQUEST
        made = verify_and_sign(path, store, verify, now=now, reason=reason)
        if made.checkpoint is None and not made.report.entries and made.report.intact:
            say(str(made.why_not))
            return EXIT_INTACT
        if made.checkpoint is None:
            print_report(made.report)
            complain(str(made.why_not))
            return EXIT_FINDINGS
        say(f"checkpoint {made.checkpoint}: {made.report.entries:,} entries signed")
        say(store.key_place())
        unproven = [item.tenant for item in made.report.tenants if item.verdict is Verdict.UNPROVEN_START]
        for tenant in unproven if not options.start_over else ():
            complain(f"nothing proves what came before the start of {tenant}")
            code = EXIT_FINDINGS
    for row in store.unreadable(path):
        complain(f"{row} cannot be read; the rest was used")
    if options.export is not None:
        say(f"{store.export(path, options.export):,} checkpoints written to {options.export}")
    return code
