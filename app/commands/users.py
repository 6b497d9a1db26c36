"""`tenant-admin users`: the users of a file as a list, and many of them added from one."""

import argparse
from functools import partial
from pathlib import Path

from app import paths
from app.commands import common
from app.services.opened import Opened
from app.services.text import counted, some_of, visible
from models.errors import InvalidInput, NotAllowed
from models.progress import Monitor
from models.status import SYSTEM_TENANT

_FORMS = ("csv", "json", "sql", "text")
_NO_USERS = "{} has no table of users."
_WRONG = 20
"""As many lines that make no user are printed; a file has them all."""


def users_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="list|add")
    every = actions.add_parser("list", help="write them to a file, without secrets")
    every.add_argument("file", type=Path)
    every.add_argument("out", type=Path, help="gives way where it is there")
    every.add_argument("--tenant", help="only those of this tenant")
    every.add_argument("--text", default="", help="only those with this in their address or id")
    every.add_argument(
        "--where",
        action="append",
        default=[],
        metavar="COLUMN=VALUE",
        help="only those with this value; one or more, those of one column as alternatives",
    )
    every.add_argument("--format", choices=_FORMS, help="otherwise as the name of the file says, else csv")
    add = actions.add_parser("add", help="create those of a list, all in one act")
    add.add_argument("file", type=Path)
    add.add_argument("list", type=Path, help="CSV or lines, with a head line that names the columns")
    add.add_argument("--tenant", default="", help="whose they are, where no column says it")
    add.add_argument(
        "--column",
        action="append",
        default=[],
        metavar="NAME=HEAD",
        help="which column of the list holds one of the users' columns, where its head does not say so "
        "(tenant_id=Mandant); may be given again",
    )
    add.add_argument("--new-tenants", action="store_true", help="also for tenants that are not there yet")
    add.add_argument("--skip-wrong", action="store_true", help="leave out lines that make no user")
    add.add_argument(
        "--wrong", type=Path, metavar="OUT.csv", help="write those lines to a file, each with why"
    )
    add.add_argument("--dry-run", action="store_true", help="only say what would be done")
    add.add_argument("--unrecorded", action="store_true", help=common.UNRECORDED)
    add.add_argument("--force", action="store_true", help=common.BESIDE_SERVER)


def users(options: argparse.Namespace) -> int:
    """Write the users of a file as a list, or add many from one."""
    return {"list": _list, "add": _add}[options.action](options)


def _list(options: argparse.Namespace) -> int:
    from app.services.records.export import Format, RowsWanted  # noqa: PLC0415
    from app.services.records.list_query import ListQuery  # noqa: PLC0415
    from app.services.records.lists import Lists  # noqa: PLC0415
    from app.services.records.tables import EVERYONE, USERS, Scope  # noqa: PLC0415
    from app.workers.export import export_rows_here  # noqa: PLC0415

    form = options.format or options.out.suffix.lower().lstrip(".").replace("txt", "text")
    given = common.opened(options.file, read_only=True)
    if (stored := given.schema.stored.get(USERS.name)) is None:
        raise NotAllowed(_NO_USERS.format(given.place))
    query = ListQuery(
        USERS.name,
        EVERYONE if options.tenant is None else Scope(options.tenant),
        text=options.text,
        choices=_choices(options.where, stored.names),
    )
    lists = Lists(given.schema)
    if given.database.costs:
        rows = lists.reads_whole(query, given.sizes.get(USERS.name, 0))
        common.say_before(given.place, given.database.usage, rows, "up to")
    wanted = RowsWanted(query, Format(form if form in _FORMS else "csv"))
    with common.asked_to_stop() as cancelled:
        done = export_rows_here(
            given.database, lists, options.out, wanted, monitor=Monitor(cancelled=cancelled)
        )
    common.say(f"{options.out}: {counted(done, 'user')}")
    common.say_used(given.database.usage)
    return common.EXIT_INTACT


def _choices(asked: list[str], columns: tuple[str, ...]) -> tuple[tuple[str, tuple[str, ...]], ...]:
    from app.services.records.tables import USERS  # noqa: PLC0415

    found: dict[str, list[str]] = {}
    for one in asked:
        column, equals, value = one.partition("=")
        if not equals or column not in columns or column in USERS.secrets:
            raise InvalidInput(
                "where", f"--where {one}: users have no column {column} that could be asked for."
            )
        found.setdefault(column, []).append(value)
    return tuple((column, tuple(values)) for column, values in found.items())


def _erased(opened: Opened) -> frozenset[str]:
    from app.services.records.belonging import still_erased  # noqa: PLC0415
    from app.services.records.tables import AUDIT_CHAIN  # noqa: PLC0415

    if AUDIT_CHAIN.name not in opened.schema.stored:
        return frozenset()
    with opened.database.connection_context():
        return still_erased(opened.database)


def _add(options: argparse.Namespace) -> int:
    from app.services.chain.cautions import Agreed, NotRecorded  # noqa: PLC0415
    from app.services.chain.checkpoints.lost_ends import require_end  # noqa: PLC0415
    from app.services.files.opening import open_database  # noqa: PLC0415
    from app.services.records import adding, writing  # noqa: PLC0415
    from app.services.records import users as service  # noqa: PLC0415
    from app.services.records.tables import USERS  # noqa: PLC0415
    from app.workers.export import save  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    if isinstance(options.file, common.LiveName):
        raise NotAllowed("Many users are added to a live database in the window, where it is unlocked first.")
    path, now = common.database_path(options.file), common.clock()
    if options.dry_run:
        opened = common.opened(path, read_only=True)
    else:
        common.require_beside(path, force=options.force, nothing="added")
        opened = open_database(path, force_writable=True)
        if opened.read_only_reason is not None:
            raise NotAllowed(
                f"{path.name} cannot be written, because {opened.read_only_reason}; nothing was created."
            )
    stored = opened.schema.stored.get(USERS.name)
    if stored is None:
        raise NotAllowed(_NO_USERS.format(path.name))
    sheet = adding.cut(adding.read_text(options.list))
    gone = _erased(opened)
    there = frozenset(opened.tenants) - gone - {SYSTEM_TENANT}
    wanted = adding.WantedUser(
        adding.told(sheet, adding.fillable(stored), options.column, () if options.tenant else there),
        options.tenant,
        there,
        options.new_tenants,
        gone,
    )
    if left := adding.not_taken(sheet, wanted.columns):
        said = some_of(left, _WRONG, shown=visible)
        common.complain(f"not taken: {counted(len(left), 'column')} of the list, {said}")
    if head := adding.unknown_head(sheet, adding.fillable(stored)):
        common.complain(f"the first line is read as column names: {visible(head)}")
    database = opened.database
    with database.connection_context():
        found = adding.judge(database, sheet, wanted, USERS.asks_for(stored), now=now)
        for one in found.bad[:_WRONG]:
            common.complain(f"line {one.line:,}: {one.why}")
        if len(found.bad) > _WRONG:
            common.complain(f"and {counted(len(found.bad) - _WRONG, 'line')} more")
        if options.wrong is not None and found.bad:
            save(options.wrong, found.bad_lines(sheet))
        said = f"{counted(len(found.good), 'user')} can be created, {counted(len(found.bad), 'line')} cannot"
        common.say(said)
        for tenant in found.new_tenants:
            common.say(f"new tenant: {tenant}")
        stops = bool(found.bad) and not options.skip_wrong
        if options.dry_run or stops or not found.good:
            if stops and not options.dry_run:
                common.complain("nothing was created; to create the others, add --skip-wrong")
            return common.EXIT_FINDINGS if found.bad else common.EXIT_INTACT
        store = store_and_verifier()[0]
        require_end(opened.where, store)
        opened.database.on_own = partial(store.verdicts.own.keep, opened.where)
        opened.database.on_sent = partial(store.verdicts.own.expect, opened.where)
        agreed = Agreed()
        if options.unrecorded:
            agreed.add(NotRecorded(database.place))
        with common.asked_to_stop() as cancelled:
            change = writing.carry_out(
                service.create_many,
                database,
                found.good,
                Monitor(cancelled=cancelled),
                actor=paths.os_user(),
                now=now,
                agreed=agreed,
            )
    common.say(f"{change.summary} in {path.name}")
    return common.EXIT_FINDINGS if found.bad else common.EXIT_INTACT
