"""Sample data: a new file that looks like a platform at work, the same every time for the same seed."""

from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import chain
from pathlib import Path
from random import Random
from typing import Final

from app import paths
from app.services.demo import world
from app.services.demo.story import chain_rows
from app.services.demo.world import SPAN, Row
from app.services.records.tables import AUDIT_CHAIN
from models.errors import Cancelled, InvalidInput
from models.local.atomic import new_file
from models.local.file import connect
from models.local.migrations import create_database
from models.progress import Progress, Stop, ignore, never

MAX_ROWS: Final = 20_000_000
MAX_TENANTS: Final = 1_000
_STEP: Final = 5_000
"""Rows between two looks at `cancelled`: some 20 ms."""


def create_demo(
    path: Path,
    *,
    rows: int = 5_000,
    tenants: int = 6,
    seed: int = 1,
    now: int,
    progress: Progress = ignore,
    cancelled: Stop = never,
) -> dict[str, int]:
    """Writes sample data with `rows` audit entries to a new file at `path`; returns the rows by table.

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

    def watched(given: Iterable[Row], progress: Progress) -> Iterator[Row]:
        for number, row in enumerate(given):
            if number % _STEP == 0:
                progress(number, rows)
                if cancelled():
                    raise Cancelled
            yield row

    counts: dict[str, int] = {}
    with new_file(path) as building:
        create_database(building, paths.migrations_dir(), now=now)
        with closing(connect(building)) as connection:
            # Nobody else can see this file yet, and a failed build is thrown away: no journal is needed.
            for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
                connection.execute(f"PRAGMA {pragma}")
            with connection:
                for table, content in _tables(Random(seed), rows, tenants, now):  # noqa: S311  # no secret
                    said = progress if table == AUDIT_CHAIN.name else ignore
                    before = connection.total_changes()
                    if (first := next(content, None)) is not None:
                        shape = connection.execute("SELECT name FROM pragma_table_info(?)", (table,))
                        names = [name for (name,) in shape if name in first]
                        connection.executemany(
                            f"INSERT INTO {table} ({', '.join(names)})"  # noqa: S608  # of our own schema
                            f" VALUES ({', '.join(f':{name}' for name in names)})",
                            watched(chain([first], content), said),
                        )
                    counts[table] = connection.total_changes() - before
                progress(rows, rows)
                connection.execute(
                    "UPDATE d1_migrations SET applied_at = datetime(?, 'unixepoch')", (now - SPAN,)
                )
            connection.execute("PRAGMA journal_mode = WAL")
    return counts


def _tables(rng: Random, rows: int, count: int, now: int) -> Iterator[tuple[str, Iterator[Row]]]:
    """Each table's rows, to be taken in this order: the chain tells of the people and webhooks there are."""
    tenants = world.make_tenants(rng, count, now - SPAN)
    runs = world.make_runs(rng, max(58, count, min(2_000, rows // 500)), now)
    for index, run in enumerate(runs):
        tenants[index % count].runs.append(run)
    yield AUDIT_CHAIN.name, chain_rows(rng, tenants, 60 + min(19_940, rows // 50), rows, now)
    yield "users", (user for tenant in tenants for user in tenant.users)
    yield "webhook_destinations", (hook for tenant in tenants for hook in tenant.webhooks)
    notifications = 150 + min(29_850, rows * 3 // 100)
    yield "notifications", world.notification_rows(rng, tenants, notifications, now)
    yield "planning_runs", (world.run_row(rng, run) for run in runs)
    yield "planning_artifacts", (row for run in runs for row in world.artifact_rows(rng, run))
    yield "planning_parked_ideas", world.parked_rows(rng, runs, len(runs) * 9 // 58)
