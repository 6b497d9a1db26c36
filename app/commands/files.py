"""The commands that make, copy, restore, migrate and describe files."""

import argparse
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from app import paths
from app.commands import common
from app.services.text import counted, tenant_name
from models.errors import Cancelled
from models.progress import Monitor

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from app.services.chain.checkpoints.identity import Continuation
    from app.services.files.dump import Note
    from app.services.files.importing import Imported

STRICT = "refuse a dump of which anything is left out or changed; otherwise that is said on standard error"


def backup_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path, help="the copy; never over an existing file")


def backup(options: argparse.Namespace) -> int:
    """Write a copy of a file or a live database, also while others use it."""
    if isinstance(options.file, common.LiveName):
        from app.commands import live  # noqa: PLC0415

        return live.backup(options)
    from app.services.files.opening import snapshot_copy  # noqa: PLC0415

    copy = snapshot_copy(common.database_path(options.file), options.out)
    common.say(f"{copy}: {copy.stat().st_size:,} bytes, checked")
    return common.EXIT_INTACT


def restore_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("copy", type=Path, help="a database file, or an SQL dump such as D1's export")
    parser.add_argument(
        "--force", action="store_true", help="also when another program has the file open, such as wrangler"
    )
    parser.add_argument(
        "--allow-findings",
        action="store_true",
        help="also when the copy's chain is broken or contradicts checkpoints, or it seems to be of "
        "another database, lacks tables, or brings back an erased tenant; refused otherwise",
    )
    parser.add_argument("--unrecorded", action="store_true", help=common.UNRECORDED)
    parser.add_argument("--strict", action="store_true", help=STRICT)


def restore(options: argparse.Namespace) -> int:
    """Put back what a copy holds; the file as it was is kept."""
    from app.services.files import restoring  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    path, now = common.database_path(options.file), common.clock()
    store, verify = store_and_verifier(take_part=True)
    restoring.require_writable(path, force=options.force)
    with restoring.scratch(path) as scratch:
        offered = restoring.offer(
            path, options.copy, Path(scratch), store, verify, now=now, strict=options.strict
        )
        _tell(options.copy, offered.prepared.notes)
        if offered.prepared.part:
            common.complain(f"{options.copy.name}: {offered.prepared.part}")
        if not offered.holds:
            common.print_report(offered.report)
        if offered.needs_agreement and not options.allow_findings:
            standing = offered.standing or (
                "" if offered.holds else "The audit chain of the copy does not hold."
            )
            said = " ".join(filter(None, (standing, *offered.prepared.warnings)))
            common.complain(f"{said} Nothing was restored; to restore it nevertheless, add --allow-findings")
            return common.EXIT_FINDINGS
        if offered.standing is not None:
            common.say(offered.standing)
        for warning in offered.prepared.warnings:
            common.complain(warning)
        if offered.prepared.caution is not None:
            common.complain(offered.prepared.caution)
        carry_out = partial(restoring.carry_out, force=options.force, unrecorded=options.unrecorded)
        with common.asked_to_stop(finishing=True) as cancelled, _told_what_became_of(path):
            actor = paths.os_user()
            done = carry_out(
                path, offered, store, verify, actor=actor, now=now, monitor=Monitor(cancelled=cancelled)
            )
    for table, count in offered.prepared.after.items():
        common.say(f"{table}: {counted(count, 'row')}" if count is not None else f"{table}: cannot be read")
    common.say(f"the file as it was is kept as {done.kept}")
    if done.checkpoint is not None:
        common.say(f"checkpoint {done.checkpoint} was made of what it holds now")
    if done.problem is not None:
        common.complain(f"the file stays without a new checkpoint. {done.problem}")
    return common.EXIT_INTACT


@contextmanager
def _told_what_became_of(path: Path) -> "Iterator[None]":
    """Says of a restore that a signal ends what it has done: the first one comes to nothing once it is in the
    file, and the second ends it anywhere.
    """
    try:
        yield
    except Cancelled:
        common.complain("nothing was restored")
        raise
    except KeyboardInterrupt:
        from models.local.copies import name_of  # noqa: PLC0415

        kept = name_of(path, "restore", "*")
        common.complain(f"it may have been restored; if {kept} lies beside it, that is the file as it was")
        raise


def import_dump_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "dump", type=Path, help="what `wrangler d1 export` or sqlite3's `.dump` wrote; may be packed by gzip"
    )
    parser.add_argument("file", type=Path, help="the new database; never over an existing file")
    parser.add_argument("--strict", action="store_true", help=STRICT)


def import_dump(options: argparse.Namespace) -> int:
    """Make a database file of an SQL dump, and verify it."""
    from app.services.chain.rules import TABLE  # noqa: PLC0415
    from app.services.files import importing  # noqa: PLC0415

    imported = importing.import_dump(options.dump, options.file, strict=options.strict)
    _tell(options.dump, imported.notes)
    for table, count in imported.rows.items():
        common.say(f"{table}: {counted(count, 'row')}")
    for item in imported.dangling:
        common.say(str(item))
    if imported.tenant is not None:
        common.say(f"of the tenant {tenant_name(imported.tenant)} alone, as the dump says")
    common.say(f"{options.file}: {counted(sum(imported.rows.values()), 'row')} in {imported.seconds:.2f} s")
    if imported.has_chain:
        return _verify_imported(imported)
    return common.EXIT_FINDINGS if TABLE in imported.rows else common.EXIT_INTACT


def _tell(dump: Path, notes: "Sequence[Note]") -> None:
    """Says what of a dump did not come in as it is written, and what is only worth knowing."""
    if notes:
        from app.services.files.dump import sentences  # noqa: PLC0415

        for sentence in sentences([note for note in notes if note.kind.is_loss]):
            common.complain(f"{dump.name}: {sentence}")
        for sentence in sentences([note for note in notes if not note.kind.is_loss]):
            common.say(sentence)


def _verify_imported(imported: "Imported") -> int:
    from app.services.files.importing import verify_imported  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    own = store_and_verifier(take_part=True)
    continuation, made = verify_imported(imported, *own, now=common.clock())
    if continuation is not None and continuation.known:
        common.say(_said(continuation))
    common.print_report(made.report)
    if made.checkpoint is not None:
        common.say(f"checkpoint {made.checkpoint}: {counted(made.report.entries, 'entry', 'entries')} signed")
    elif made.report.entries and made.why_not is not None:
        common.complain(f"the file stays without a checkpoint. {made.why_not}")
    return common.EXIT_INTACT if made.report.intact else common.EXIT_FINDINGS


def _said(found: "Continuation") -> str:
    if not found.divergences:
        new = counted(found.new_entries, "new entry", "new entries")
        return f"it continues checkpoint {found.checkpoint}: {new}"
    return f"it {found.how} checkpoint {found.checkpoint}: {found.where}"


def export_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("out", type=Path, help="the SQL; it holds all that the file does, secrets too")
    parser.add_argument(
        "--tenant", help="only the rows of this tenant, those that refer to them, and what they refer to"
    )
    parser.add_argument(
        "--table", action="append", default=[], metavar="NAME", help="only this table (may be repeated)"
    )
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--data-only", action="store_true", help="the rows alone, without any CREATE")
    part.add_argument("--schema-only", action="store_true", help="every CREATE alone, without any row")
    parser.add_argument("--force", action="store_true", help="also over an existing file")


def export(options: argparse.Namespace) -> int:
    """Write a database as SQL that `wrangler d1 execute --file` takes."""
    from app.services.files.exporting import Wanted  # noqa: PLC0415
    from app.workers.export import export_database  # noqa: PLC0415

    given = common.opened(options.file, read_only=True)
    schema, rows = not options.data_only, not options.schema_only
    wanted = Wanted(options.tenant, tuple(options.table), schema=schema, rows=rows)
    done = export_database(
        given.where,
        options.out,
        wanted,
        replace=options.force,
        in_child=False,
        before=partial(common.say_before, given.place, given.database.usage),
    )
    for table, count in done.rows.items():
        common.say(f"{table}: {counted(count, 'row')}")
    for note in done.notes:
        common.complain(note)
    common.say(f"{options.out}: {options.out.stat().st_size:,} bytes")
    common.say_used(given.database.usage)
    return common.EXIT_INTACT


def migrate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path, help="the database; it is created when it is not there")
    parser.add_argument("--force", action="store_true", help=common.BESIDE_SERVER)


def migrate(options: argparse.Namespace) -> int:
    """Apply the migrations a file lacks, or create the file."""
    from app.services.files import opening  # noqa: PLC0415

    if paths.exists(options.file):
        common.require_beside(options.file, force=options.force, nothing="applied")
    done = opening.migrate(options.file, now=common.clock())
    for name in done.names:
        common.say(f"applied {name}")
    if done.backup is not None:
        common.say(f"the file as it was is kept as {done.backup}")
    if not done.names:
        common.say("nothing to apply")
    return common.EXIT_INTACT


def migrations_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="create")
    create = actions.add_parser("create", help="write the next numbered migration")
    create.add_argument("description")
    create.add_argument("--folder", type=Path, default=Path("migrations"), help="default: ./migrations")


def migrations(options: argparse.Namespace) -> int:
    """Write a new migration."""
    from models.local import migrations  # noqa: PLC0415

    common.say(str(migrations.create(options.folder, options.description, now=common.clock())))
    return common.EXIT_INTACT


def demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--rows", type=common.positive, default=5000, help="audit entries (default: 5000)")
    parser.add_argument("--tenants", type=common.positive, default=6, help="default: 6")
    parser.add_argument(
        "--seed", type=common.whole, default=1, help="the same seed gives the same data (default: 1)"
    )


def demo(options: argparse.Namespace) -> int:
    """Make a file with sample data."""
    from app.services.demo import create_demo  # noqa: PLC0415

    made = create_demo(
        options.file, rows=options.rows, tenants=options.tenants, seed=options.seed, now=common.clock()
    )
    counts = ", ".join(f"{count:,} {table}" for table, count in made.items())
    common.say(f"{options.file}: {counted(options.tenants, 'tenant')}; {counts}")
    return common.EXIT_INTACT


def info_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("file", type=Path)
    parser.add_argument("--json", action="store_true", help="print as JSON")


def info(options: argparse.Namespace) -> int:
    """Say what a file or a live database holds."""
    from app.services.chain.checkpoints.gone import is_gone  # noqa: PLC0415 - as others are loaded
    from app.services.chain.headlines import GONE  # noqa: PLC0415 - as above
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415 - as above

    given = common.opened(options.file, read_only=True)
    with given.database.connection_context():
        found = given.with_counts()
    gone = is_gone(given.where, store_and_verifier()[0])
    if options.json:
        common.print_json(found.to_json() | ({"auditChainGone": True} if gone else {}))
        return common.EXIT_INTACT
    for line in found.lines():
        common.say(line)
    if gone:
        common.say(f"{GONE}; tenant-admin verify says what was known of it.")
    return common.EXIT_INTACT
