"""Sample data: a new file that looks like a platform at work, the same every time for the same seed."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from random import Random
from typing import Final

from app import paths
from app.services.demo import world
from app.services.demo.story import chain_rows
from app.services.demo.world import SPAN, Row
from models.errors import Cancelled, InvalidInput
from models.local.atomic import new_file
from models.local.file import connect
from models.local.migrations import create_database
from models.progress import Progress, Stop, ignore, never

MAX_ROWS: Final = 20_000_000
MAX_TENANTS: Final = 1_000
_STEP: Final = 5_000
"""Rows between two looks at `cancelled`: some 20 ms."""


@dataclass(frozen=True, slots=True)
class Demo:
    """What was made: rows by table, and the tenants, the largest first."""

    tenants: tuple[str, ...]
    rows: dict[str, int]


def create_demo(
    path: Path,
    *,
    rows: int = 5_000,
    tenants: int = 6,
    seed: int = 1,
    now: int,
    progress: Progress = ignore,
    cancelled: Stop = never,
) -> Demo:
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
        create_database(building, paths.migrations_dir(), now=now)
        filler = _Filler(building, rows, progress, cancelled)
        with closing(filler.connection) as connection:
            # Nobody else can see this file yet, and a failed build is thrown away: no journal is needed.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            with connection:
                names = filler.fill(Random(seed), tenants, now)  # noqa: S311  # nothing here is a secret
            connection.execute("PRAGMA journal_mode = WAL")
    return Demo(names, filler.counts)


class _Filler:
    """Fills the empty tables of a file, in one transaction of the caller's, who closes its connection."""

    def __init__(self, path: Path, rows: int, progress: Progress, cancelled: Stop) -> None:
        self.connection = connect(path)
        self._rows = rows
        self._progress = progress
        self._cancelled = cancelled
        self.counts: dict[str, int] = {}

    def fill(self, rng: Random, tenant_count: int, now: int) -> tuple[str, ...]:
        rows = self._rows
        tenants = world.make_tenants(rng, tenant_count, now - SPAN)
        runs = world.make_runs(rng, max(58, tenant_count, min(2_000, rows // 500)), now)
        for index, run in enumerate(runs):
            tenants[index % len(tenants)].runs.append(run)
        entries = chain_rows(rng, tenants, 60 + min(19_940, rows // 50), rows, now)
        self._insert("audit_chain", self._reported(entries))
        self._insert("users", (user for tenant in tenants for user in tenant.users))
        self._insert("webhook_destinations", (hook for tenant in tenants for hook in tenant.webhooks))
        notifications = 150 + min(29_850, rows * 3 // 100)
        self._insert("notifications", world.notification_rows(rng, tenants, notifications, now))
        self._insert("planning_runs", (world.run_row(rng, run) for run in runs))
        self._insert("planning_artifacts", (row for run in runs for row in world.artifact_rows(rng, run)))
        self._insert("planning_parked_ideas", world.parked_rows(rng, runs, len(runs) * 9 // 58))
        self.connection.execute(
            "UPDATE d1_migrations SET applied_at = datetime(?, 'unixepoch')", (now - SPAN,)
        )
        return tuple(tenant.name for tenant in tenants)

    def _insert(self, table: str, rows: Iterator[Row]) -> None:
        """Inserts rows that all know the same; what is no column of the table's, or has none, is left."""
        before = self.connection.total_changes()
        first = next(rows, None)
        if first is not None:
            shape = self.connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
            names = [name for (name,) in shape if name in first]
            marks = ", ".join(f":{name}" for name in names)
            self.connection.executemany(
                f"INSERT INTO {table} ({', '.join(names)}) VALUES ({marks})",  # noqa: S608  # of our own schema
                self._cancellable(chain([first], rows)),
            )
        self.counts[table] = self.connection.total_changes() - before

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
