"""From a connection to the database that it names: its client, its id, and whether it answers.

And opening it: its tables and its tenants, in two requests as a rule.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, Final, Self, Unpack

from app import paths
from app.services.chain.where import InDatabase, Where
from app.services.live.connections import NamedConnection, Tokens
from app.services.live.dev_server import Offered, address_of, file_behind, named_by_project
from app.services.opened import ASKED, Mark, Opened, Which, look, never_written
from app.services.retention.clock import LAST_RUNS, last_of
from app.services.text import some_of
from models.d1.client import Client, Heard
from models.d1.database import D1Database, patiently
from models.d1.errors import NoList, UnknownDatabase, in_background
from models.d1.shared import Shared
from models.engine import MOST_READ, Capability, raw, sql_name
from models.errors import InvalidInput, StorageError
from models.progress import UNWATCHED, Monitor, never
from models.schema import internal

_AT_ONCE: Final = 2.0
"""Seconds."""

_NAMED: Final = 20
"""Databases that a sentence lists: an account may have 50,000."""


def patient() -> AbstractContextManager[None]:
    """Within it the calling thread waits for a limit's end, and asks again what is not answered at first,
    from the look-up of a connection on; `D1Database.in_background` does the same for an open database.
    """
    return in_background(never)


def client(connection: NamedConnection, tokens: Tokens, **heard: Unpack[Heard]) -> Client:
    """What calls are made by; nothing is sent to the database yet. `heard` are `on_silence` and `on_pause` as
    `Client` has them.

    Raises as `Tokens.of` does, `NoDevServer` and `SilentDevServer`.
    """
    token, another = tokens.of(connection), partial(tokens.another, connection)
    base = address_of(connection) if connection.project else connection.base
    return Client(
        connection.place,
        base,
        connection.account or None,
        token,
        shared=_shared(),
        another_token=another,
        was_found=bool(connection.project) or isinstance(connection, Offered),
        **heard,
    )


def database(
    connection: NamedConnection, tokens: Tokens, *, read_only: bool = False, **heard: Unpack[Heard]
) -> tuple[NamedConnection, D1Database]:
    """The database, and the connection with its name. One of `wrangler dev` is looked up first, since that
    makes what it does not know. Raises as `client` and `identified` do.
    """
    found = client(connection, tokens, **heard)
    if connection.is_local or not connection.database_name:
        connection = identified(connection, found, connection.database_id)
    return connection, _opened(connection, found, read_only=read_only)


def _opened(connection: NamedConnection, found: Client, *, read_only: bool) -> D1Database:
    within = partial(_within, connection)
    return D1Database(found, connection.database_id, read_only=read_only, within=within)


def identity(connection: NamedConnection, tokens: Tokens) -> str:
    """The identity of its database; of a `wrangler dev` that does not answer at once as far as the connection
    tells.
    """
    if connection.is_local:
        with suppress(StorageError, InvalidInput):
            found = client(connection, tokens)
            found.seconds = _AT_ONCE
            known = identified(connection, found, connection.database_id)
            return _opened(known, found, read_only=True).identity
    return connection.identity


def not_told(connection: NamedConnection, identity: str) -> list[tuple[str, bool | None]]:
    """The acts by a connection, of programs that have ended, whose outcome nobody has heard, and whether they
    were saved; None where it is not known.
    """
    left = _shared().left(identity, connection.base if connection.account else "")
    return [(sent.what, sent.saved) for sent in left if not (sent.elsewhere or sent.is_refused)]


def _shared() -> Shared:
    home = paths.state_dir()
    return Shared(None if home == paths.NO_HOME else home)


def _within(connection: NamedConnection, database: D1Database) -> str:
    """What has a `wrangler dev`'s database: the file that its server has open, by whichever connection and at
    whichever port that was reached; what the connection says where nothing tells of one.
    """
    if database.size is None:  # nothing was asked of it yet, and so the file is not open
        database.scalar(raw("SELECT 1"))
    file = file_behind(database.client.base, database.database_id)
    return connection.within if file is None else str(file)


def databases(found: Client) -> list[Mapping[str, Any]]:
    """The account's, each with `uuid` and `name`; asked for again where an answer is lost. Raises
    `RemoteError` and `Failed`.
    """
    try:
        return patiently(found, found.databases)
    except UnknownDatabase:  # no list at all
        raise NoList(found.name) from None


def identified(connection: NamedConnection, found: Client, wanted: str) -> NamedConnection:
    """The connection to the database whose id, or else whose name, is `wanted`; to the only one for "".

    Raises `UnknownDatabase` and the other errors of `databases`, and `InvalidInput` where one must be chosen,
    or where the token was given in its place, which is not repeated.
    """
    if found.masked(wanted) != wanted:
        raise InvalidInput("database", "That is the API token; give the id or the name of the database.")
    known = {str(one.get("uuid")): str(one.get("name") or "") for one in databases(found)}
    if connection.is_local:  # whose server goes by bindings
        known |= named_by_project(connection, known)
    if not wanted and len(known) > 1:
        names = some_of(sorted(name or key for key, name in known.items()), _NAMED)
        raise InvalidInput("database", f"There are several databases; choose one of them: {names}.")
    matching = [key for key, name in known.items() if wanted in {"", key}]
    matching = matching or [key for key, name in known.items() if wanted == name]
    if not matching:
        there = (f"{name} ({key})" if name else key for key, name in known.items())
        listed = some_of(sorted(there), _NAMED) or "none"
        raise UnknownDatabase(found.masked(wanted), f"one that is: {found.masked(listed)}")
    if len(matching) > 1:
        names = some_of(matching, _NAMED)
        raise InvalidInput("database", f"Several are called {wanted}; give the id of one: {names}.")
    return replace(connection, database_id=matching[0], database_name=known[matching[0]])


def tried(connection: NamedConnection, found: Client) -> float:
    """How many seconds the database takes to answer, without what is waited for before it is asked. Raises as
    `identified` does.
    """
    known = identified(connection, found, connection.database_id)
    D1Database(found, known.database_id, read_only=True).scalar(raw("SELECT 1"))
    return found.took


def go_on_with(opened: "OpenedLive", tokens: Tokens) -> None:
    """Has what is open ask by the token that there is by now, and tries it. Raises as `Tokens.of` and reading
    do.
    """
    opened.database.client.take(tokens.of(opened.connection))
    opened.database.scalar(raw("SELECT 1"))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenedLive(Opened):
    """A live database that is open, by the connection that a person has named."""

    kind: ClassVar[str] = "database"
    uncounted: ClassVar[str] = "not counted"

    database: D1Database
    connection: NamedConnection

    @property
    def name(self) -> str:
        return self.connection.database

    @property
    def mark(self) -> Mark:
        account = self.connection.account
        where = f"{self._whose}, account {account}" if account else self._whose
        # One that was offered is called by both already.
        said = (self.place,) if self.place == f"{where}: {self.name}" else (self.name, self.place, where)
        return Mark(" · ".join(said), self.connection.colour, self.connection.production)

    @property
    def unlocked_by(self) -> str:
        return self.name

    @property
    def elsewhere(self) -> dict[Capability, str]:
        connection = self.connection
        back = f"A copy comes into an empty one: {connection.by_wrangler('execute', '--file=copy.sql')}."
        if not connection.is_local:
            back += f" Time Travel… takes this one back, as `{connection.back_by_wrangler}` does."
        migrated = f"A live database is migrated by `{connection.by_wrangler('migrations apply')}`."
        return {
            Capability.TIME_TRAVEL: "`wrangler dev` has no Time Travel; save a copy instead.",
            Capability.RESTORE: back,
            Capability.MIGRATE: migrated,
        }

    @property
    def where(self) -> Where:
        return InDatabase(self.database)

    @property
    def stem(self) -> str:
        return self.connection.name

    @property
    def whole_place(self) -> str:
        account = self.database.client.account
        whose = "wrangler dev" if account is None else f"the account {account}"
        return f"{self.place}: D1 database {self.name} of {whose}"

    @property
    def facts(self) -> tuple[str, ...]:
        said = (self.place,) if self.place.startswith(self._whose) else (self._whose, self.place)
        return (*said, str(self.database.client.meter))

    @property
    def _whose(self) -> str:
        return "wrangler dev" if self.connection.is_local else "Cloudflare D1"

    @property
    def details(self) -> tuple[tuple[str, str, str], ...]:
        client = self.database.client
        return (
            ("Connection", self.place, self.place),
            ("Database", self.name, self.name),
            ("Id", self.database.database_id, self.database.database_id),
            ("Account", client.account or "none: wrangler dev", client.account or ""),
            ("Address", client.base, client.base),
            ("Production", "yes" if self.connection.production else "no", ""),
        )

    def kept_copy(
        self, why: str, which: Which, *, now: int, monitor: Monitor = UNWATCHED
    ) -> AbstractContextManager[Path]:
        from app.services.live.fetching import kept_rows  # noqa: PLC0415 - rows show before

        return kept_rows(self.database, self.beside, why, which, now=now, monitor=monitor)

    def with_counts(self) -> Self:
        """Those of large tables stay uncounted: every row that is counted is read, and charged."""
        found = replace(self, **look(self.database)[0])
        return replace(found, rows=_counts(found))

    def to_json(self) -> dict[str, Any]:
        client = self.database.client
        return {
            "connection": self.place,
            "account": client.account,
            "database": self.database.database_id,
            "production": self.connection.production,
            "readOnly": never_written(self.schema) is not None,
            **Opened.to_json(self),
        }

    def lines(self) -> list[str]:
        never = never_written(self.schema)
        state = f"read-only, because {never}" if never else "can be written"
        return [f"{self.whole_place}, {state}", *Opened.lines(self)]


def _counts(opened: OpenedLive) -> dict[str, int | None]:
    """The rows of each table, as long as no more than `MOST_READ` are read for it."""
    counts: dict[str, int | None] = {name: None for name in opened.schema.stored if not internal(name)}
    left, few = MOST_READ, list[str]()
    for name, size in sorted(opened.sizes.items(), key=itemgetter(1)):
        left -= size
        if left >= 0:
            few.append(name)
    asked = [raw(f"SELECT count(*) FROM main.{sql_name(name)}") for name in few]  # noqa: S608
    found = opened.database.read_batch(asked)
    return counts | {name: rows[0][0] for name, rows in zip(few, found, strict=True)}


def open_live(connection: NamedConnection, database: D1Database, *, read_only: bool = False) -> OpenedLive:
    """The database of `connecting.database` as it is now. Raises the errors of reading."""
    try:
        # Whether one of `wrangler dev` is there took a request already.
        found, told = look(database, as_expected=connection.is_local, beside=LAST_RUNS)
        _ = database.identity  # asked for here, where waiting is no matter
    except BaseException:
        database.release()
        raise
    reason = never_written(found["schema"]) or (ASKED if read_only else None)
    ran = last_of(told, database.encoding)
    return OpenedLive(
        database=database, connection=connection, read_only_reason=reason, last_run=ran, **found
    )
