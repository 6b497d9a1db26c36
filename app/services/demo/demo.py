"""Sample data: a new file that looks like a platform at work, the same every time for the same seed."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from app.services.demo.chain import chain_rows
from app.services.demo.world import (
    SPAN,
    Row,
    Sizes,
    Tenant,
    artifact_rows,
    make_runs,
    make_tenants,
    notification_rows,
    parked_rows,
    run_row,
)
from models.errors import Cancelled, InvalidInput
from models.local.atomic import new_file
from models.local.file import connect
from models.local.migrations import create_database
from models.progress import Progress, Stop, ignore, never

if TYPE_CHECKING:
    import apsw

MAX_ROWS: Final = 20_000_000
MAX_TENANTS: Final = 1_000
_STEP: Final = 5_000
"""Rows between two looks at `cancelled`: some 20 ms."""


@dataclass(frozen=True, slots=True)
class DemoSummary:
    """What was made: rows by table, and the tenants, the largest first."""

    path: Path
    tenants: tuple[str, ...]
    rows: dict[str, int]


def create_demo(
    path: Path,
    migrations: Path,
    *,
    rows: int = 5_000,
    tenants: int = 6,
    seed: int = 1,
    now: int,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> DemoSummary:
    """Writes sample data with `rows` audit entries to a new file at `path`.

    Everything lies in the 120 days before `now`. The same `rows`, `tenants`, `seed` and `now` give the same
    contents. The file is built under another name and appears whole or not at all. `progress(done, total)`
    counts audit entries. Raises `InvalidInput`, `AlreadyThere`, `CannotOpen`, `DiskFull`,
    `MigrationError` and `Cancelled`.
    """
    if not 0 <= rows <= MAX_ROWS:
        raise InvalidInput(
            "rows", f"Sample data can have 0 to {MAX_ROWS:,} audit entries; choose such a number."
        )
    if not 1 <= tenants <= MAX_TENANTS:
        raise InvalidInput(
            "tenants", f"Sample data can have 1 to {MAX_TENANTS:,} tenants; choose such a number."
        )
    with new_file(path) as building:
        create_database(building, migrations, now=now)
        with closing(connect(building)) as connection:
            # Nobody else can see this file yet, and a failed build is thrown away: no journal is needed.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            filler = _Filler(connection, rows, progress or ignore, cancelled or never)
            with connection:
                names = filler.fill(Random(seed), tenants, now)  # noqa: S311  # nothing here is a secret
            connection.execute("PRAGMA journal_mode = WAL")
    return DemoSummary(path=path, tenants=names, rows=filler.counts)


class _Filler:
    """Fills the empty tables of one connection, in one transaction of the caller's."""

    def __init__(self, connection: "apsw.Connection", rows: int, progress: Progress, cancelled: Stop) -> None:
        self._connection = connection
        self._rows = rows
        self._progress = progress
        self._cancelled = cancelled
        self.counts: dict[str, int] = {}

    def fill(self, rng: Random, tenant_count: int, now: int) -> tuple[str, ...]:
        sizes = Sizes.of(self._rows, tenant_count)
        tenants = make_tenants(rng, tenant_count, now - SPAN)
        runs = make_runs(rng, sizes.runs, now)
        for index, run in enumerate(runs):
            tenants[index % len(tenants)].runs.append(run)
        entries = chain_rows(rng, tenants, sizes.users, self._rows, now)
        self._insert("audit_chain", self._reported(entries))
        self._insert("users", chain.from_iterable(map(_user_rows, tenants)))
        self._insert("webhook_destinations", chain.from_iterable(map(_webhook_rows, tenants)))
        self._insert("notifications", notification_rows(rng, tenants, sizes.notifications, now))
        self._insert("planning_runs", (run_row(rng, run) for run in runs))
        self._insert("planning_artifacts", chain.from_iterable(artifact_rows(rng, run) for run in runs))
        self._insert("planning_parked_ideas", parked_rows(rng, runs, sizes.parked))
        self._connection.execute(
            "UPDATE d1_migrations SET applied_at = datetime(?, 'unixepoch')", (now - SPAN,)
        )
        return tuple(tenant.name for tenant in tenants)

    def _insert(self, table: str, rows: Iterator[Row]) -> None:
        """Inserts rows that all name the same columns; those they do not name are left to the table."""
        before = self._connection.total_changes()
        first = next(rows, None)
        if first is not None:
            names, marks = ", ".join(first), ", ".join(f":{name}" for name in first)
            self._connection.executemany(
                f"INSERT INTO {table} ({names}) VALUES ({marks})",  # noqa: S608  # names of our own schema
                self._cancellable(chain([first], rows)),
            )
        self.counts[table] = self._connection.total_changes() - before

    def _cancellable(self, rows: Iterable[Row]) -> Iterator[Row]:
        for number, row in enumerate(rows):
            if number % _STEP == 0 and self._cancelled():
                raise Cancelled
            yield row

    def _reported(self, rows: Iterable[Row]) -> Iterator[Row]:
        for number, row in enumerate(rows):
            if number % _STEP == 0:
                self._progress(number, self._rows)
            yield row
        self._progress(self._rows, self._rows)


def _user_rows(tenant: Tenant) -> Iterator[Row]:
    for user in tenant.users:
        yield {
            "id": user.id,
            "tenant_id": tenant.name,
            "email": user.email,
            "password_hash": user.password_hash,
            "created_at": user.created_at,
            "updated_at": user.updated_at,
        }


def _webhook_rows(tenant: Tenant) -> Iterator[Row]:
    for hook in tenant.webhooks:
        yield {
            "id": hook.id,
            "tenant_id": tenant.name,
            "name": hook.name,
            "hostname": hook.hostname,
            "url": hook.url,
            "secret": hook.secret,
            "active": hook.active,
            "events": ",".join(hook.events),
            "created_at": hook.created_at,
            "updated_at": hook.created_at,
        }
