"""What commands do where they are given a live database (`d1:NAME`) in place of a file."""

import argparse
from collections.abc import Callable
from functools import partial
from typing import Final

from app.commands import files, retention
from app.commands.common import LiveName
from models.errors import NotAllowed

Command = Callable[[argparse.Namespace], int]


def in_place_of(command: str, options: argparse.Namespace) -> Command:
    """What does a command's work where a live database is among its arguments, or refuses it."""
    live = [name for name, value in vars(options).items() if isinstance(value, LiveName)]
    return _COMMANDS[command] if live == ["file"] and command in _COMMANDS else partial(_refuse, command)


_COMMANDS: Final[dict[str, Command]] = {"info": files.info, "retention": retention.retention}
"""Those that open whatever they are given (`common.opened`)."""


class FileAlone(NotAllowed):
    """`why` says what to do instead."""

    sentence = "`tenant-admin {what}` takes a file, and no live database; nothing was changed. {why}"


_INSTEAD: Final = {
    "import": "In the project: npx wrangler d1 execute {database} {where} --file={source}",
    "migrate": "In the project: npx wrangler d1 migrations apply {database} {where}",
    "restore": (
        "{back}To load a copy into an empty database: tenant-admin export {source} copy.sql, then "
        "npx wrangler d1 execute {database} {where} --file=copy.sql"
    ),
}
"""The wrangler command that does it there."""

_BACK: Final = "To go back in time: npx wrangler d1 time-travel restore {database} --timestamp=TIME. "


def _refuse(command: str, options: argparse.Namespace) -> int:
    given = vars(options)
    live, source = given.get("file"), given.get("dump") or given.get("copy")
    if command not in _INSTEAD or not isinstance(live, LiveName) or isinstance(source, LiveName):
        raise FileAlone(command, "Give a file in its place")
    from app.services.live.connections import Connections  # noqa: PLC0415

    connection = Connections().named(live.name)
    database = connection.database_name or connection.database_id
    back = "" if connection.is_local else _BACK.format(database=database)
    where = "--local" if connection.is_local else "--remote"
    instead = _INSTEAD[command].format(database=database, where=where, source=source, back=back)
    raise FileAlone(command, instead)
