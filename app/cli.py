"""Every command. Qt is loaded only to open the window, so a server without a display can use the rest."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NoReturn

from app import __version__, paths
from app.services.errors import TenantAdminError

EXIT_INTACT, EXIT_FINDINGS, EXIT_COULD_NOT_RUN = 0, 1, 2

DESCRIPTION = """\
Look after the tenants of a platform on Cloudflare D1: users, the audit chain, webhooks,
notifications and planning runs. Without a command the window opens.
"""

EXAMPLES = """\
examples:
  tenant-admin                          open the window
  tenant-admin foundation.sqlite        open a file in it
  tenant-admin ~/src/foundation         open the local D1 file of a wrangler project
  tenant-admin demo demo.sqlite         make a file with sample data
  tenant-admin verify demo.sqlite       check every audit chain (exit 0 intact, 1 findings, 2 could not run)
  tenant-admin checkpoint demo.sqlite --export witness.json
                                        sign what the chains are now, and keep it elsewhere
  tenant-admin retention demo.sqlite --dry-run
                                        say what data retention would remove
  tenant-admin migrate demo.sqlite      bring a file up to date, or create it

TENANT_ADMIN_HOME moves settings, logs and recent files to another folder.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_COULD_NOT_RUN, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; an expected failure is one sentence and status 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    options = _options(arguments)
    try:
        return int(options.run(options))
    except TenantAdminError as error:
        print(f"tenant-admin: {error}", file=sys.stderr)
    except KeyboardInterrupt:
        print("tenant-admin: cancelled", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        print(
            f"tenant-admin: {error.filename or 'A file'} cannot be used: {error.strerror}.", file=sys.stderr
        )
    except Exception as error:  # noqa: BLE001 - a bug: details to the log, a sentence to the person
        print(f"tenant-admin: {_report_bug(error)}", file=sys.stderr)
    return EXIT_COULD_NOT_RUN


def _report_bug(error: Exception) -> str:
    from app import bugs  # noqa: PLC0415 - only needed when something broke

    return bugs.record(error)


def _options(arguments: list[str]) -> argparse.Namespace:
    if arguments and arguments[0] in COMMANDS:
        name, rest = arguments[0], arguments[1:]
        summary, add_arguments, run = COMMANDS[name]
        parser = _Parser(prog=f"tenant-admin {name}", description=summary)
        add_arguments(parser)
        parser.set_defaults(run=run)
        return parser.parse_args(rest)
    width = max(len(name) for name in COMMANDS)
    commands = "\n".join(f"  {name:<{width}}  {summary}" for name, (summary, _, _) in COMMANDS.items())
    parser = _Parser(
        prog="tenant-admin",
        usage="tenant-admin [FILE or FOLDER]\n       tenant-admin COMMAND …",
        description=DESCRIPTION,
        epilog=f"commands (tenant-admin COMMAND --help says more):\n{commands}\n\n{EXAMPLES}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path, metavar="FILE or FOLDER", help="what to open")
    parser.add_argument("--version", action="version", version=f"tenant-admin {__version__}")
    parser.add_argument("--read-only", action="store_true", help="open so that nothing can be changed")
    parser.add_argument("--self-test", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_window)
    return parser.parse_args(arguments)


def _window(options: argparse.Namespace) -> int:
    import gc  # noqa: PLC0415

    gc.disable()  # what is loaded now stays; the window has a collector of its own
    from app.application import run  # noqa: PLC0415 - the only command that loads Qt

    return run(options.path, read_only=options.read_only, self_test=options.self_test)


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


# verify


def _verify_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--tenant", help="check this tenant's chain alone")
    parser.add_argument("--from", type=int, metavar="SEQ", dest="seq_from", help="check from this entry on")
    parser.add_argument("--to", type=int, metavar="SEQ", dest="seq_to", help="check up to this entry")
    parser.add_argument("--json", action="store_true", help="print the report as JSON")
    parser.add_argument(
        "--checkpoints", type=Path, metavar="EXPORT", help="check against exported checkpoints, not our own"
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="prove the file and what retention archived as one chain"
    )
    parser.add_argument(
        "--report", type=Path, metavar="DIR", help="write an evidence bundle that can be checked anywhere"
    )


def _verify(options: argparse.Namespace) -> int:
    from app.workers import witnessing  # noqa: PLC0415

    path, now = _database_path(options.file), int(time.time())
    report = witnessing.verify(
        path,
        paths.checkpoints_dir(),
        now=now,
        tenant=options.tenant,
        seq_from=options.seq_from,
        seq_to=options.seq_to,
        export=options.checkpoints,
        archive=options.archive,
        take_part=True,
    )
    if options.report is not None:
        witnessing.export_report(
            path,
            paths.checkpoints_dir(),
            report,
            options.report,
            now=now,
            tenant=options.tenant,
            seq_from=options.seq_from,
            seq_to=options.seq_to,
            export=options.checkpoints,
        )
    if options.json:
        _print_json(report.to_json())
    else:
        _print_report(report)
    return EXIT_INTACT if report.intact else EXIT_FINDINGS


def _print_report(report: Any) -> None:
    for tenant in report.tenants:
        archived = ", and the archive from the first on" if tenant.anchor == "archive:genesis" else ""
        print(f"{tenant.verdict:<15} {tenant.tenant}: {tenant.entries:,} entries{archived}")
    for finding in report.findings:
        print(f"{finding.code}: {finding.message}")
    print(f"{report.verdict}: {report.entries:,} entries in {report.seconds:.2f} s")


# checkpoint


def _checkpoint_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--export", type=Path, metavar="OUT", help="write all checkpoints to keep elsewhere")
    parser.add_argument(
        "--import", type=Path, metavar="IN", dest="imported", help="take in an export instead of making one"
    )


def _checkpoint(options: argparse.Namespace) -> int:
    from app.services.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.workers import witnessing  # noqa: PLC0415

    path, now = _database_path(options.file), int(time.time())
    store = CheckpointStore(paths.checkpoints_dir())
    if options.imported is not None:
        print(f"{store.import_(options.imported, now=now, path=path):,} new checkpoints imported")
    else:
        made = witnessing.witness(path, paths.checkpoints_dir(), now=now, reason="request", take_part=True)
        if made.checkpoint is None:
            _print_report(made.report)
            print("tenant-admin: the chain does not hold, so no checkpoint was made", file=sys.stderr)
            return EXIT_FINDINGS
        print(f"checkpoint {made.checkpoint}: {made.report.entries:,} entries witnessed")
        print(store.key_place().sentence)
    if options.export is not None:
        print(f"{store.export(path, options.export):,} checkpoints written to {options.export}")
    return EXIT_INTACT


# retention


def _retention_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--days", type=_positive, default=90, help="how long data is kept (default: 90)")
    parser.add_argument("--now", type=int, metavar="EPOCH", help="reckon from this time (seconds since 1970)")
    parser.add_argument(
        "--allow-majority",
        action="store_true",
        help="also when more than half of a tenant's audit entries would go, which is refused otherwise",
    )
    parser.add_argument(
        "--archive", type=Path, metavar="DIR", help="keep the audit entries that are removed in files there"
    )
    parser.add_argument("--dry-run", action="store_true", help="say what would be removed, remove nothing")
    parser.add_argument("--json", action="store_true", help="print the outcome as JSON")


def _retention(options: argparse.Namespace) -> int:
    from app.services import opening, retention  # noqa: PLC0415
    from app.workers import witnessing  # noqa: PLC0415

    now = int(time.time()) if options.now is None else options.now
    path = _database_path(options.file)
    if options.archive is not None and not options.dry_run:
        options.archive.mkdir(exist_ok=True)
    if not options.dry_run:
        witnessing.try_witness(path, paths.checkpoints_dir(), now=int(time.time()), reason="retention")
    opened = opening.open_database(path, read_only=options.dry_run, force_writable=not options.dry_run)
    try:
        with opened.database.connection_context():
            result = retention.run(
                opened.database,
                now=now,
                days=options.days,
                actor=paths.os_user(),
                dry_run=options.dry_run,
                allow_majority=options.allow_majority,
                archive=options.archive,
            )
    except retention.NeedsConfirmation as error:
        print(f"tenant-admin: {error} To confirm, add --allow-majority.", file=sys.stderr)
        return EXIT_COULD_NOT_RUN
    if not options.dry_run:
        witnessing.try_witness(path, paths.checkpoints_dir(), now=int(time.time()), reason="retention")
    if options.json:
        _print_json(result.to_json())
    else:
        verb = "would be removed" if options.dry_run else "removed"
        for table, count in result.removed.items():
            print(f"{table}: {count:,} {verb}")
        if result.archives:
            print(f"archived in {options.archive}: {', '.join(result.archives)}")
        for left in result.left:
            print(f"left alone: {left.tenant_id}: {left.reason}")
    return EXIT_INTACT


def _positive(value: str) -> int:
    number = int(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


# migrate


def _migrate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the database; it is created when it is not there")


def _migrate(options: argparse.Namespace) -> int:
    from app.services import maintenance  # noqa: PLC0415

    done = maintenance.migrate(options.file, paths.migrations_dir(), now=int(time.time()))
    for name in done.applied:
        print(f"applied {name}")
    if done.backup is not None:
        print(f"the file as it was is kept as {done.backup}")
    if not done.applied:
        print("nothing to apply")
    return EXIT_INTACT


def _migrations_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="create")
    create = actions.add_parser("create", help="write the next numbered migration")
    create.add_argument("description")
    create.add_argument("--folder", type=Path, default=Path("migrations"), help="default: ./migrations")


def _migrations(options: argparse.Namespace) -> int:
    from app.services import maintenance  # noqa: PLC0415

    print(maintenance.create_migration(options.folder, options.description, now=int(time.time())))
    return EXIT_INTACT


# demo


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=_positive, default=5000, help="audit entries (default: 5000)")
    parser.add_argument("--tenants", type=_positive, default=6, help="default: 6")
    parser.add_argument("--seed", type=int, default=1, help="the same seed gives the same data (default: 1)")


def _demo(options: argparse.Namespace) -> int:
    from app.services import demo  # noqa: PLC0415

    summary = demo.create_demo(
        options.file,
        paths.migrations_dir(),
        rows=options.rows,
        tenants=options.tenants,
        seed=options.seed,
        now=int(time.time()),
    )
    counts = ", ".join(f"{count:,} {table}" for table, count in summary.rows.items())
    print(f"{options.file}: {len(summary.tenants):,} tenants; {counts}")
    return EXIT_INTACT


# info


def _info_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def _info(options: argparse.Namespace) -> int:
    from app.services import file_info, opening  # noqa: PLC0415

    opened = opening.open_database(_database_path(options.file), read_only=True)
    with opened.database.connection_context():
        found = file_info.info(opened, paths.migrations_dir())
    if options.json:
        _print_json(found.to_json())
    else:
        print(found)
    return EXIT_INTACT


def _database_path(path: Path) -> Path:
    if path.is_file() and path.suffix not in {".toml", ".json", ".jsonc"}:
        return path  # a database itself; finding that of a wrangler project takes the models along
    from app.services import discovery  # noqa: PLC0415

    return discovery.find_database(path).path


Command = tuple[str, Callable[[argparse.ArgumentParser], None], Callable[[argparse.Namespace], int]]

COMMANDS: dict[str, Command] = {
    "verify": ("Check the audit chains of a file.", _verify_arguments, _verify),
    "checkpoint": ("Verify a file and sign what was found.", _checkpoint_arguments, _checkpoint),
    "retention": ("Remove what is older than the retention period.", _retention_arguments, _retention),
    "migrate": ("Apply the migrations a file lacks.", _migrate_arguments, _migrate),
    "migrations": ("Write a new migration.", _migrations_arguments, _migrations),
    "demo": ("Make a file with sample data.", _demo_arguments, _demo),
    "info": ("Say what a file holds.", _info_arguments, _info),
}
