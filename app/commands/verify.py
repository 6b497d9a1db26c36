"""`tenant-admin verify`."""

import argparse
import time
from pathlib import Path

from app.commands.common import (
    EXIT_FINDINGS,
    EXIT_INTACT,
    database_path,
    print_json,
    print_report,
)
from models.errors import InvalidInput


def verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--tenant", help="check this tenant's chain alone")
    parser.add_argument("--from", type=int, metavar="SEQ", dest="seq_from", help="check from this entry on")
    parser.add_argument("--to", type=int, metavar="SEQ", dest="seq_to", help="check up to this entry")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="EXPORT", help="check against exported checkpoints, not our own"
    )
    parser.add_argument(
        "--trust-key",
        action="append",
        default=[],
        metavar="FINGERPRINT",
        help="trust this key of the export, as a finding KEY names it (may be repeated)",
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="prove the file and what retention archived as one chain"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write an evidence bundle that can be checked anywhere"
    )


def verify(options: argparse.Namespace) -> int:
    """Check the audit chains of a file."""
    from app.services.chain.checkpoints.document import read_export  # noqa: PLC0415
    from app.services.chain.checkpoints.making import verify_with_checkpoints  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    path, now = database_path(options.file), int(time.time())
    store, verifier = store_and_verifier(take_part=True)
    report = verify_with_checkpoints(
        path,
        store,
        verifier,
        now=now,
        tenant=options.tenant,
        seq_from=options.seq_from,
        seq_to=options.seq_to,
        export=options.checkpoints,
        trust=[key.lower() for key in options.trust_key],
        archive=options.archive,
    )
    if not report.entries and not report.findings:
        _refuse_empty(options)
    if options.report is not None:
        from app.services.chain.evidence import write_bundle  # noqa: PLC0415 - few write one

        exported = options.checkpoints
        write_bundle(
            path,
            report,
            options.report,
            tenant=options.tenant,
            seq_from=options.seq_from,
            seq_to=options.seq_to,
            checkpoints=store.checkpoints(path) if exported is None else read_export(exported),
            now=now,
        )
    if options.json:
        print_json(report.to_json())
    else:
        print_report(report)
    return EXIT_INTACT if report.intact else EXIT_FINDINGS


def _refuse_empty(options: argparse.Namespace) -> None:
    """A part that holds nothing is more likely mistyped than in order. Raises `InvalidInput`."""
    if options.tenant is not None:
        raise InvalidInput("tenant", f"There are no audit entries of {options.tenant}; check the name.")
    if options.seq_from is not None or options.seq_to is not None:
        raise InvalidInput("range", "There are no audit entries in this range; check the numbers.")
