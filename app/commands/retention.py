"""Remove what is older than the retention period."""

import argparse
import sys
import time
from pathlib import Path

from app import paths
from app.commands.common import EXIT_COULD_NOT_RUN, EXIT_INTACT, database_path, positive, print_json, say
from app.services.chain.verify.entry import SECONDS_LIMIT

_NOW = (
    "reckon from this time (seconds since 1970), which is your word that it may lie far ahead of all that is "
    "in the file; a time before the newest entry is refused all the same"
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--days", type=positive, default=90, help="how long data is kept (default: 90)")
    parser.add_argument("--now", type=_time, metavar="EPOCH", help=_NOW)
    parser.add_argument(
        "--allow-majority",
        action="store_true",
        help="also when more than half of a tenant's audit entries would go, which is refused otherwise",
    )
    parser.add_argument(
        "--trust-clock",
        action="store_true",
        help="also when the newest entry or the last run puts the time in doubt, which is refused otherwise",
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="keep the audit entries that are removed in files there"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, remove nothing")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def _time(value: str) -> int:
    number = int(value)
    if not 0 <= number < SECONDS_LIMIT:
        raise argparse.ArgumentTypeError("is no time in seconds since 1970")
    return number


def run(options: argparse.Namespace) -> int:
    from app.services.chain.checkpoints.document import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import try_to_sign  # noqa: PLC0415
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.services.files import opening  # noqa: PLC0415
    from app.services.retention import run as retention  # noqa: PLC0415
    from app.workers import scan_pool  # noqa: PLC0415

    now = int(time.time()) if options.now is None else options.now
    path = database_path(options.file)
    if options.archive is not None and not options.dry_run:
        options.archive.mkdir(exist_ok=True)
    opened = opening.open_database(path, read_only=options.dry_run, force_writable=not options.dry_run)
    disputed: frozenset[str] = frozenset()
    store = CheckpointStore(paths.checkpoints_dir())
    if not options.dry_run:
        before = try_to_sign(path, store, scan_pool.verify, now=int(time.time()), reason=Reason.RETENTION)
        disputed = frozenset(before.held)
        if before.problem is not None:
            print(f"tenant-admin: no checkpoint could be made. {before.problem}", file=sys.stderr)
    try:
        with opened.database.connection_context():
            result = retention.run(
                opened.database,
                now=now,
                days=options.days,
                actor=paths.os_user(),
                dry_run=options.dry_run,
                allow_majority=options.allow_majority,
                trust_clock=options.trust_clock,
                facts=retention.ClockFacts(stated=options.now is not None),
                archive=options.archive,
                disputed=disputed,
            )
    except retention.NeedsConfirmation as error:
        print(f"tenant-admin: {error} To confirm, add --allow-majority.", file=sys.stderr)
        return EXIT_COULD_NOT_RUN
    except retention.ClockProblem as error:
        print(f"tenant-admin: {error} To confirm, add --trust-clock.", file=sys.stderr)
        return EXIT_COULD_NOT_RUN
    if not options.dry_run:
        try_to_sign(path, store, scan_pool.verify, now=int(time.time()), reason=Reason.RETENTION)
    if options.json:
        print_json(result.to_json())
    else:
        verb = "would be removed" if options.dry_run else "removed"
        for table, count in result.removed.items():
            say(f"{table}: {count:,} {verb}")
        if result.doubt is not None and options.dry_run and result.total:
            say(f"the clock is in doubt: {result.to_json()['clockDoubt']}")
        if result.archives:
            say(f"archived in {options.archive}: {', '.join(result.archives)}")
        for left in result.left:
            say(f"left alone: {left.tenant_id}: {left.reason}")
    return EXIT_INTACT
