"""`tenant-admin d1`: the connections to live databases."""

import argparse
from contextlib import AbstractContextManager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app.commands.common import EXIT_INTACT, complain, heard, print_json, say, tokens
from app.services.live import PREFIX
from app.services.live.connections import (
    CLOUDFLARE,
    COLOURS,
    Connections,
    ConnectionUnreadable,
    NamedConnection,
    default_colour,
)
from app.services.text import quoted
from models.errors import StorageError

if TYPE_CHECKING:
    from models.d1.client import Client

_MORE = """\
Where other commands take a file they take d1:NAME; `tenant-admin d1:NAME` opens it in the window. The token,
which must be one that may read and edit D1, is taken from CLOUDFLARE_API_TOKEN or asked for, and kept in the
system's keyring where there is one, never in a file.
"""

_TEST_WAITS: Final = 60.0
"""Seconds for which a test waits for the account's limits: it is to say what it finds."""


def d1_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = _MORE
    actions = parser.add_subparsers(dest="action", required=True, metavar="add|list|test|remove")
    add = actions.add_parser("add", help="name a live database, once it has answered")
    add.add_argument("name", help="what it is called behind d1:")
    add.add_argument("--account", default="", metavar="A", help="the id of the Cloudflare account")
    add.add_argument(
        "--database", default="", metavar="ID_OR_NAME", help="which one, where the account has several"
    )
    where = add.add_mutually_exclusive_group()
    where.add_argument("--url", metavar="BASE", help="not Cloudflare's own address; https, or this computer")
    where.add_argument(
        "--project", type=Path, metavar="FOLDER", help="of a wrangler project: by its running `wrangler dev`"
    )
    add.add_argument("--production", action="store_true", help="mark it wherever it is shown and changed")
    add.add_argument("--colour", choices=COLOURS, help="default: yellow in production, else grey")
    every = actions.add_parser("list", help="say which there are")
    every.add_argument("--json", action="store_true", help="print as JSON")
    test = actions.add_parser("test", help="ask whether it answers")
    test.add_argument("name", type=_bare)
    test.add_argument(
        "--new-token", action="store_true", help="with another token than before, which is kept if it does"
    )
    remove = actions.add_parser("remove", help="forget it, and its token")
    remove.add_argument("name", type=_bare)


def _bare(name: str) -> str:
    """As other commands take it, too."""
    return name.removeprefix(PREFIX)


def d1(options: argparse.Namespace) -> int:
    """Name live D1 databases, which other commands take as d1:NAME."""
    asks = options.action in {"add", "test"}
    with _patient() if asks else nullcontext():
        {"add": _add, "list": _list, "test": _test, "remove": _remove}[options.action](options)
    return EXIT_INTACT


def _patient() -> AbstractContextManager[None]:
    """As for whatever else asks a database."""
    from app.services.live.connecting import patient  # noqa: PLC0415

    return patient()


def _add(options: argparse.Namespace) -> None:
    from app.services.live.connecting import client, identified  # noqa: PLC0415
    from app.services.live.dev_server import project_of  # noqa: PLC0415

    connections = Connections()
    connections.require_free(options.name)
    project = "" if options.project is None else str(project_of(options.project))
    connection = NamedConnection(
        options.name,
        options.account,
        base="" if project else CLOUDFLARE if options.url is None else options.url,
        production=options.production,
        colour=options.colour or default_colour(production=options.production),
        project=project,
    )
    found = client(connection, tokens(with_keyring=False), **heard(connection))
    connection = identified(connection, found, options.database)
    if not connection.production and (marked := connections.production_of(connection)) is not None:
        complain(f"{marked.place} is the same database and marked as production: {connection.place} is, too")
    answer = _answer(connections.marked(connection), found)
    if others := connections.keep(connection):
        complain(others)
    say(answer)
    _keep_token(connection, found)


def _test(options: argparse.Namespace) -> None:
    from app.services.live.connecting import client  # noqa: PLC0415

    connection = Connections().named(options.name)
    found = client(connection, tokens(with_keyring=not options.new_token), **heard(connection))
    found.waits_at_most = _TEST_WAITS
    say(_answer(connection, found))
    if options.new_token:
        _keep_token(connection, found)


def _keep_token(connection: NamedConnection, found: "Client") -> None:
    if found.token is not None:
        why_not = tokens().keep(connection, found.token)
        say("the token is kept in the system's keyring") if why_not is None else complain(why_not)


def _answer(connection: NamedConnection, found: "Client") -> str:
    """What a database that answers is called, and how long it takes."""
    from app.services.live.connecting import tried  # noqa: PLC0415

    seconds = tried(connection, found)
    return f"{_line(connection)}; it answers in {1000 * seconds:,.0f} ms"


def _list(options: argparse.Namespace) -> None:
    connections = Connections()
    every, unreadable = connections.all(), connections.unreadable()
    if options.json:
        print_json({"connections": [one.to_json() for one in every], "unreadable": unreadable})
        return
    for one in every:
        say(_line(one))
    for name in unreadable:
        complain(f"{connections.file(name)} cannot be read; `tenant-admin d1 remove {name}` takes it away")
    if not every and not unreadable:
        say("there are no connections; `tenant-admin d1 add` makes one")


def _line(connection: NamedConnection) -> str:
    if connection.project:
        whose = f"of wrangler dev in {connection.project}"
    elif connection.is_local:
        whose = f"of wrangler dev at {connection.base}"
    else:
        whose = f"of the account {connection.account}"
    database = f"{connection.database_name or 'a database'} ({connection.database_id})"
    return f"{connection.place}: {database} {whose}{', production' if connection.production else ''}"


def _remove(options: argparse.Namespace) -> None:
    from app.services.deliveries.signing import OldSecrets  # noqa: PLC0415
    from app.services.live.connecting import identity, not_told  # noqa: PLC0415
    from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415

    connections = Connections()
    connection, still_kept, gone, left = None, None, "", list[tuple[str, bool | None]]()
    with suppress(ConnectionUnreadable):  # its token is bound to what cannot be read
        connection = connections.named(options.name)
    if connection is not None:
        gone = identity(connection, tokens())
        with suppress(StorageError):
            left = not_told(connection, gone)
    connections.remove(options.name)
    if connection is not None:
        still_kept = tokens().forget(connection)
        same = (one for one in connections.all() if one.database_id == connection.database_id)
        if all(identity(one, tokens()) != gone for one in same):
            OldSecrets(gone, SystemKeyring()).forget_gone(())
    say(
        f"{PREFIX}{options.name} is removed; nothing was changed in the database. A window that has it open "
        "locks its writes"
    )
    for act, saved in left:
        what, known = quoted(act) if act else "the last change", {True: "was saved", False: "was not saved"}
        never = "it was never found out whether {} was saved; look into the database for it"
        complain(never.format(what) if saved is None else f"nobody has heard yet that {what} {known[saved]}")
    if connection is None:
        complain("it could not be read, so a token of it may still be in the system's keyring")
    elif still_kept is not None:
        complain(still_kept)
