"""`tenant-admin restore`."""

import argparse
import time
from pathlib import Path

from app import paths
from app.commands.common import (
    EXIT_COULD_NOT_RUN,
    EXIT_FINDINGS,
    EXIT_INTACT,
    complain,
    database_path,
    print_report,
    say,
)


def restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("copy", type=Path, help="a database file, or an SQL dump such as D1's export")
    parser.add_argument(
        "--force", action="store_true", help="also when another program has the file open, such as wrangler"
    )
    parser.add_argument(
        "--allow-findings",
        action="store_true",
        help="also when the copy does not hold, by itself or against checkpoints, or is of another database "
        "than the file's checkpoints; refused otherwise",
    )


def restore(options: argparse.Namespace) -> int:
    """Put back what a copy holds; the file as it was is kept."""
    from app.services.files import restoring  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    path, now = database_path(options.file), int(time.time())
    store, verify = store_and_verifier(take_part=True)
    restoring.require_writable(path, force=options.force)
    with restoring.scratch(path) as scratch:
        offered = restoring.offer(path, options.copy, Path(scratch), store, verify, now=now)
        if not offered.holds:
            print_report(offered.report)
        if offered.needs_agreement and not options.allow_findings:
            complain(
                f"{offered.standing or 'The audit chain of the copy does not hold.'} "
                "Nothing was restored; to restore it nevertheless, add --allow-findings"
            )
            return EXIT_FINDINGS
        if offered.standing is not None:
            say(offered.standing)
        try:
            done = restoring.carry_out(
                path, offered, store, verify, actor=paths.os_user(), now=now, force=options.force
            )
        except KeyboardInterrupt:
            from models.local.copies import name_of  # noqa: PLC0415

            complain(f"interrupted; if {name_of(path, 'restore', '*')} lies beside it, it was restored")
            return EXIT_COULD_NOT_RUN
    for table, count in offered.prepared.after.items():
        say(f"{table}: {count:,} rows" if count is not None else f"{table}: cannot be read")
    say(f"the file as it was is kept as {done.kept}")
    if done.checkpoint is not None:
        say(f"checkpoint {done.checkpoint} was made of what it holds now")
    if done.problem is not None:
        complain(f"the file stays without a new checkpoint. {done.problem}")
    return EXIT_INTACT
