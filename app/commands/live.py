"""What commands do where they are given a live database (`d1:NAME`) in place of a file."""

import argparse
import shlex
from collections.abc import Callable
from functools import partial
from typing import Final

from app import paths
from app.commands import common
from app.services.text import counted
from models.errors import NotAllowed
from models.progress import Monitor

Command = Callable[[argparse.Namespace], int]


def in_place_of(name: str, options: argparse.Namespace, command: Command | None) -> Command:
    """What runs where a live database is among the arguments: the `command` of that name, or, where it is
    None or the database stands for another argument than its file, what refuses it.
    """
    live = [one for one, value in vars(options).items() if isinstance(value, common.LiveName)]
    if command is None or live != ["file"]:
        return partial(_refuse, name)
    return partial(_patiently, command)


def _patiently(command: Command, options: argparse.Namespace) -> int:
    """From its first call on it waits for a limit's end, and for what passes by itself."""
    from app.services.live.connecting import patient  # noqa: PLC0415

    with patient():
        return command(options)


def backup(options: argparse.Namespace) -> int:
    """Writes all that it holds to a new local file, and verifies that."""
    from app.services.chain.checkpoints.making import verify_with_checkpoints  # noqa: PLC0415
    from app.services.chain.where import InFile  # noqa: PLC0415
    from app.services.live.fetching import fetch  # noqa: PLC0415
    from app.services.records.tables import AUDIT_CHAIN  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

    opened = common.opened(options.file, read_only=True)
    database = opened.database
    with common.asked_to_stop() as cancelled:
        done = fetch(
            database,
            options.out,
            before=partial(common.say_before, database.place, database.usage),
            monitor=Monitor(cancelled=cancelled),
        )
    if done.resumed:
        common.say(f"gone on where it stood: {counted(done.resumed, 'row')} had been read before")
    for table, count in done.rows.items():
        common.say(f"{table}: {counted(count, 'row')}")
    for note in done.notes:
        common.complain(note)
    common.say(f"{options.out}: {options.out.stat().st_size:,} bytes in {done.seconds:.1f} s, checked")
    report = None
    if AUDIT_CHAIN.name in done.rows:
        copy, whole = InFile(paths.resolved(options.out)), store_and_verifier(take_part=True)
        report = verify_with_checkpoints(copy, *whole, now=common.clock, copied=opened.where)
    common.say_used(database.usage)
    if report is not None:
        common.print_report(report)
    holds = (report is None or report.intact) and not done.unsettled
    return common.EXIT_INTACT if holds else common.EXIT_FINDINGS


class FileAlone(NotAllowed):
    """`why` says what to do instead."""

    sentence = "`tenant-admin {what}` takes a file, and no live database; nothing was changed. {why}"


_INSTEAD: Final = {
    "import": "In the project: {execute}{source}",
    "migrate": "In the project: {migrate}",
    "restore": (
        "{back}To load a copy into an empty database: tenant-admin export {source} copy.sql, then "
        "{execute}copy.sql"
    ),
}
"""What does it there."""


def _refuse(command: str, options: argparse.Namespace) -> int:
    given = vars(options)
    live, source = given.get("file"), given.get("dump") or given.get("copy")
    if (
        command not in _INSTEAD
        or not isinstance(live, common.LiveName)
        or isinstance(source, common.LiveName)
    ):
        raise FileAlone(command, "Give a file in its place.")
    from app.services.live.connections import Connections  # noqa: PLC0415

    connection = Connections().named(live.name)
    back = connection.back_by_wrangler
    words = {
        "source": shlex.quote(str(source)),
        "back": f"To go back in time: {back}. " if back else "",
        "execute": connection.by_wrangler("execute", "--file="),
        "migrate": connection.by_wrangler("migrations apply"),
    }
    raise FileAlone(command, _INSTEAD[command].format(**words))
