"""`tenant-admin tenants`: how all tenants stand, all that one of them has, and one erased."""

import argparse
import shlex
from dataclasses import replace
from functools import partial
from pathlib import Path

from app import paths
from app.commands import common
from app.services.text import counted, tenant_name, utc_time
from models.errors import NotAllowed
from models.progress import Monitor


def tenants_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|export|erase")
    every = actions.add_parser("list", help="say how each of them stands")
    every.add_argument("file", type=Path)
    every.add_argument("--json", action="store_true", help="print as JSON")
    export = actions.add_parser("export", help="write all that one has, and its chain as evidence")
    export.add_argument("file", type=Path)
    export.add_argument("tenant")
    export.add_argument("out", type=Path, help="a new or empty folder; secrets are left out")
    erase = actions.add_parser("erase", help="remove all that one has, behind a copy")
    erase.add_argument("file", type=Path)
    erase.add_argument("tenant")
    erase.add_argument("--confirm", metavar="TENANT", help="its name again; else it says what would go")
    erase.add_argument("--force", action="store_true", help=common.BESIDE_SERVER)


def tenants(options: argparse.Namespace) -> int:
    """Say how each tenant stands, write all that one has, or erase one."""
    return {"list": _list, "export": _export, "erase": _erase}[options.action](options)


def _list(options: argparse.Namespace) -> int:
    from app.services.chain.checkpoints.gone import is_gone  # noqa: PLC0415
    from app.services.chain.checkpoints.lost_ends import ends_looked_for  # noqa: PLC0415
    from app.services.chain.headlines import GONE, headline, of_lost_end  # noqa: PLC0415
    from app.services.deliveries.log import DeliveryLog  # noqa: PLC0415
    from app.services.tenants import overview  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    given = common.opened(options.file, read_only=True)
    if given.database.costs:
        rows = overview.cost(given.schema.stored, given.sizes)
        common.say_before(given.place, given.database.usage, rows, "up to")
    store = store_and_verifier()[0]
    last_said = store.verdicts.last(given.where)
    lost, there = ends_looked_for(given.where, store, last_said)
    gone = is_gone(given.where, store)
    if last_said is not None and (last_said.intact or gone):
        last_said = replace(last_said, lost_end=lost, lacks_table=gone)
    known = overview.known_of(last_said, there, lost, is_gone=gone)
    with given.database.connection_context():
        found = overview.overview(given.database, known, DeliveryLog(), str(given.kept_by))
    if options.json:
        common.print_json([one.to_json() for one in found])
        return common.EXIT_INTACT
    for one in found:
        last = "no activity" if one.last is None else f"last activity {utc_time(one.last)}"
        common.say(
            f"{tenant_name(one.name)}: {overview.totals([one], of_one=True)}; chain {one.chain}; {last}"
        )
    if last_said is not None and not (last_said.intact and last_said.lost_end is None):
        when = f"verified {utc_time(last_said.at)}"
        common.say(
            f"All chains together: {headline(last_said)}, {when}; tenant-admin verify says what it is."
        )
    elif gone or lost is not None:
        words = GONE if gone or lost is None else of_lost_end(lost)
        common.say(f"All chains together: {words}; tenant-admin verify says what it is.")
    common.say(overview.totals(found))
    common.say_used(given.database.usage)
    return common.EXIT_INTACT


def _export(options: argparse.Namespace) -> int:
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415
    from app.workers.tenants import export_tenant  # noqa: PLC0415

    given = common.opened(options.file, read_only=True)
    done = export_tenant(
        given.where,
        options.tenant,
        options.out,
        *store_and_verifier(take_part=True),
        now=common.clock,
        by=paths.os_user(),
        in_child=False,
        before=partial(common.say_before, given.place, given.database.usage),
    )
    for table, count in done.rows.items():
        common.say(f"{table}: {counted(count, 'row')}")
    if done.verdict is not None:
        common.say(f"audit chain: {counted(done.entries, 'entry', 'entries')}, {done.verdict}")
    if done.no_chain:
        common.complain(f"without a chain as evidence: {done.no_chain}")
    for table, count in done.virtual.items():
        common.complain(f"left out: {counted(count, 'row')} of the virtual table {table}")
    if done.lost_end is not None:
        common.complain(done.lost_end.said)
    if done.beside:
        common.complain(done.said_of_those_beside)
    if done.unsigned:
        common.complain(f"without what checkpoints knew of the chain: {done.unsigned}")
    common.say(f"{options.out}: {counted(done.count, 'row')} in all")
    common.say_used(given.database.usage)
    return common.EXIT_INTACT if done.holds else common.EXIT_FINDINGS


def _erase(options: argparse.Namespace) -> int:
    from app.services.tenants import erasing  # noqa: PLC0415
    from app.workers.tenants import erase_with_what_is_kept  # noqa: PLC0415

    tenant = options.tenant
    if not isinstance(options.file, common.LiveName):
        common.require_beside(common.database_path(options.file), force=options.force, nothing="erased")
    given = common.opened(options.file, force_writable=True)
    database = given.database
    if database.costs:
        rows = erasing.most_to_count(database, given.sizes)
        common.say_before(given.place, database.usage, rows, "up to")
    with database.connection_context():
        planned = erasing.plan(database, tenant, now=common.clock())
    for line in planned.lines():
        common.say(line)
    if planned.obstacle is not None:
        raise NotAllowed(f"{planned.obstacle} Nothing was erased.")
    if database.costs:
        common.say(planned.price(given.place, charged=database.charges))
    if options.confirm != tenant:
        common.complain(f"nothing was erased; to erase it, add --confirm {shlex.quote(tenant)}")
        return common.EXIT_COULD_NOT_RUN
    if planned.caution is not None:
        common.complain(planned.caution)
    with common.asked_to_stop(finishing=True) as cancelled:
        done = erase_with_what_is_kept(
            given,
            planned,
            actor=paths.os_user(),
            now=common.clock,
            monitor=Monitor(cancelled=cancelled),
            take_part=True,
        )
    for line in (done.said, *done.notes):
        common.say(line)
    common.say_used(database.usage)
    return common.EXIT_INTACT if done.holds else common.EXIT_FINDINGS
