"""Makes a database file of an SQL dump."""

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.commands.common import EXIT_FINDINGS, EXIT_INTACT, print_report, say
from app.services.errors import TenantAdminError
from app.services.text import visible

if TYPE_CHECKING:
    from app.services.chain.checkpoints.continuation import Continuation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dump", type=Path, help="what `wrangler d1 export` or sqlite3's `.dump` wrote")
    parser.add_argument("file", type=Path, help="the new database; never over an existing file")


def run(options: argparse.Namespace) -> int:
    from app.services.files.importing import import_dump  # noqa: PLC0415

    imported = import_dump(options.dump, options.file)
    for table, count in imported.rows.items():
        say(f"{table}: {count:,} rows")
    for item in imported.dangling:
        say(f"{item.rows:,} rows of {item.table} refer to rows of {item.parent} that are not there")
    say(f"{options.file}: {imported.statements:,} statements in {imported.seconds:.2f} s")
    if "audit_chain" not in imported.rows:
        return EXIT_INTACT
    return _verify(options.file)


def _verify(path: Path) -> int:
    """Holds the new file against what is known here, then verifies it and makes the checkpoint.

    The file is there already: what goes wrong with the checkpoints is said, and is no failure of the import.
    """
    from app.services.chain.checkpoints.document import Reason  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_and_sign  # noqa: PLC0415
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.workers import scan_pool  # noqa: PLC0415

    store, now = CheckpointStore(paths.checkpoints_dir()), int(time.time())
    verify = partial(scan_pool.verify, take_part=True)
    try:
        known = _said(store.continuation(path))
        if known:
            say(known)
        made = verify_and_sign(path, store, verify, now=now, reason=Reason.IMPORT)
        report, number, problem = made.report, made.checkpoint, "the chain does not hold"
    except (TenantAdminError, OSError) as error:
        report, number, problem = verify(path, now=now), None, str(error)
    print_report(report)
    if number is not None:
        print(f"checkpoint {number}: {report.entries:,} entries signed")
    elif report.entries:
        print(f"tenant-admin: no checkpoint was made ({visible(problem)}); the file stays", file=sys.stderr)
    return EXIT_INTACT if report.intact else EXIT_FINDINGS


def _said(found: "Continuation") -> str | None:
    if not found.known:
        return None
    if not found.divergences:
        return f"it continues checkpoint {found.checkpoint}: {found.new_entries:,} new entries"
    where = ", ".join(f"{item.tenant} at entry {item.seq:,}" for item in found.divergences[:3])
    more = f" and {len(found.divergences) - 3:,} more tenants" if len(found.divergences) > 3 else ""
    return f"it does not continue checkpoint {found.checkpoint}: {where}{more}"
