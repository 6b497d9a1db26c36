"""Makes a database file of an SQL dump."""

import argparse
import sys
import time
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
    return _witness(options.file)


def _witness(path: Path) -> int:
    """Holds the new file against what is known here, then verifies it and makes the checkpoint.

    The file is there already: what goes wrong with the checkpoints is said, and is no failure of the import.
    """
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.workers import scan_pool, witnessing  # noqa: PLC0415

    folder, now = paths.checkpoints_dir(), int(time.time())
    try:
        if folder.exists():
            known = _said(CheckpointStore(folder).continuation(path))
            if known:
                say(known)
        made = witnessing.witness(path, folder, now=now, reason="import", take_part=True)
        report, number, problem = made.report, made.checkpoint, "the chain does not hold"
    except (TenantAdminError, OSError) as error:
        report, number, problem = scan_pool.verify(path, now=now, take_part=True), None, str(error)
    print_report(report)
    if number is not None:
        print(f"checkpoint {number}: {report.entries:,} entries witnessed")
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
