"""Make a database file of an SQL dump, and verify it."""

import argparse
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.commands.common import EXIT_FINDINGS, EXIT_INTACT, print_report, say
from app.services.text import visible

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dump", type=Path, help="what `wrangler d1 export` or sqlite3's `.dump` wrote")
    parser.add_argument("file", type=Path, help="the new database; never over an existing file")


def run(options: argparse.Namespace) -> int:
    from app.services.files.importing.running import import_dump  # noqa: PLC0415

    imported = import_dump(options.dump, options.file)
    for table, count in imported.rows.items():
        say(f"{table}: {count:,} rows")
    for item in imported.dangling:
        say(f"{item.rows:,} rows of {item.table} refer to rows of {item.parent} that are not there")
    say(f"{options.file}: {imported.statements:,} statements in {imported.seconds:.2f} s")
    return _verify(options.file) if "audit_chain" in imported.rows else EXIT_INTACT


def _verify(path: Path) -> int:
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.services.files.importing.running import verify_imported  # noqa: PLC0415
    from app.workers import scan_pool  # noqa: PLC0415

    store = CheckpointStore(paths.checkpoints_dir())
    verify = partial(scan_pool.verify, take_part=True)
    found = verify_imported(path, store, verify, now=int(time.time()))
    if found.continuation is not None and found.continuation.known:
        say(_said(found.continuation))
    print_report(found.report)
    if found.checkpoint is not None:
        print(f"checkpoint {found.checkpoint}: {found.report.entries:,} entries signed")
    elif found.report.entries and found.problem is not None:
        print(f"tenant-admin: the file stays without a checkpoint. {visible(found.problem)}", file=sys.stderr)
    return EXIT_INTACT if found.report.intact else EXIT_FINDINGS


def _said(found: "Continuation") -> str:
    if not found.divergences:
        return f"it continues checkpoint {found.checkpoint}: {found.new_entries:,} new entries"
    where = ", ".join(f"{item.tenant} at entry {item.seq:,}" for item in found.divergences[:3])
    more = f" and {len(found.divergences) - 3:,} more tenants" if len(found.divergences) > 3 else ""
    return f"it does not continue checkpoint {found.checkpoint}: {where}{more}"
