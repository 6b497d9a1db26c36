"""Opening a live D1 database: whether it is there, its tables and its tenants, in two requests as a rule."""

from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from operator import itemgetter
from pathlib import Path
from typing import Any, ClassVar, Self

from app.services.chain.where import InDatabase, Where
from app.services.live.connections import NamedConnection
from app.services.opened import ASKED, Mark, Opened, Which, look, never_written
from app.services.retention.clock import LAST_RUNS, last_of
from models.d1.database import D1Database
from models.engine import MOST_READ, Capability, raw, sql_name
from models.progress import UNWATCHED, Monitor
from models.schema import internal


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
