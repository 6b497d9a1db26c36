"""A live database behind a network, beside the same file in the same run: `python -m tests.benchmarks.live`.

100,000 audit entries and 100,000 users on `wrangler dev`, behind an edge that delays each call 0, 50, 150 ms.
Options: `--rows N`, `--delays MS…`, `--limited`: with the calls that an account has (60 at once, then 3 a
second), which else are not counted; `--scrolling`: that alone. KB are of requests and answers as they are;
production packs its answers.
"""

import argparse
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Final

import apsw

from app.services.chain import append as chain
from app.services.chain.append import Batch, Event
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import Where
from app.services.files.opening import open_database, snapshot_copy
from app.services.live import connecting
from app.services.live.connecting import open_live
from app.services.live.connections import Connections, NamedConnection, Tokens
from app.services.live.fetching import fetch
from app.services.opened import Opened
from app.services.records import users
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.tables import Scope
from app.ui.shell.window import MainWindow
from models.d1.database import D1Database
from models.d1.shared import Shared
from models.engine import raw
from tests.benchmarks.scrolling import blank
from tests.conftest import NOW
from tests.d1.edge import ACCOUNT, TOKEN, Edge, before
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.live import serving
from tests.fixtures.retaining import retain
from tests.fixtures.sample import sample

_FILL: Final = """
DELETE FROM users;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {rows})
INSERT INTO users (id, tenant_id, email, created_at, updated_at)
SELECT 'usr-' || i, 'tenant-' || (i % 10), 'person' || i || '@example.org', {now} - i, {now} - i FROM n;
"""
_NEW: Final = 1_000
"""Entries behind the checkpoint."""


@dataclass(frozen=True)
class Place:
    """One database that is measured: how it is opened, what is verified, and what counts its calls."""

    open: Callable[[], Opened]
    folder: Path
    edge: Edge | None = None

    def counts(self, opened: Opened | None) -> tuple[int, int, int]:
        """Calls, bytes and rows read so far."""
        usage = opened.database.usage if opened is not None else None
        edge = self.edge
        return (0, 0, 0) if edge is None else (len(edge.calls), edge.carried, usage.read if usage else 0)


def steps(opened: Opened, folder: Path) -> Iterator[tuple[str, Callable[[], object]]]:
    """What a person does, one after the other."""
    database: Any = opened.database
    where: Where = opened.where
    is_live = database.usage is not None
    lists, store = Lists(opened.schema), CheckpointStore(folder / "checkpoints")
    everyone = ListQuery("users", as_added=is_live)
    listing = lists.open_list(database, everyone)
    middle = len(listing.keys) // 2

    def page(first: int) -> Callable[[], object]:
        keys = listing.keys if listing.complete or listing.estimated else lists.load_keys(database, everyone)
        part = keys[first : first + 500]
        if listing.estimated:
            return partial(lists.load_following, database, everyone, part)
        return partial(lists.load_page, database, everyone, part)

    def append() -> None:
        events = [Event("tenant-1", "settings_changed", {"n": number}) for number in range(_NEW)]
        for start in range(0, _NEW, 100):
            chain.append(database, partial(Batch, (), events[start : start + 100]), now=NOW)

    sign: dict[str, Any] = {"now": NOW, "reason": Reason.REQUEST}
    yield "a page", page(500)
    yield "a drag to the middle", page(middle)
    tenant = ListQuery("users", Scope("tenant-3"), as_added=is_live)
    yield "a filter: one of ten tenants", partial(lists.open_list, database, tenant)
    text = ListQuery("users", text="person77", as_added=is_live)
    yield "a filter by text", partial(lists.open_list, database, text)
    yield "an act", partial(users.rename, database, "usr-5", "new@example.org", actor="ops", now=NOW)
    yield "verification, whole", partial(making.verify_and_sign, where, store, VERIFY, **sign)
    append()
    by_itself = partial(making.verify_by_itself, where, store, VERIFY, now=NOW, by="ops", sign=False)
    yield f"verification, {_NEW:,} from a checkpoint on", by_itself
    out = folder / "backup.sqlite"
    yield "backup", partial(fetch, database, out) if is_live else partial(snapshot_copy, database.path, out)
    middle_one = "LIMIT 1 OFFSET (SELECT count(*) / 2 FROM audit_chain)"
    half = database.scalar(raw(f"SELECT created_at FROM audit_chain ORDER BY seq {middle_one}"))
    attempt = partial(making.try_to_sign, where, store, VERIFY, clock=lambda: NOW)
    yield "retention of half", partial(retain, database, days=(NOW - half) // 86_400, checkpoint=attempt)


def measured(place: Place) -> dict[str, tuple[int, int, int, float]]:
    """Of each step its calls, bytes, rows read and seconds."""
    found: dict[str, tuple[int, int, int, float]] = {}

    def measure(name: str, step: Callable[[], Any], opened: Opened | None) -> Any:
        first, begun = place.counts(opened), time.perf_counter()
        done = step()
        seconds = time.perf_counter() - begun
        now = place.counts(opened or done)
        found[name] = (now[0] - first[0], now[1] - first[1], now[2] - first[2], seconds)
        return done

    def begin() -> Opened:
        opened = place.open()
        with opened.database.connection_context():
            is_live = opened.database.usage is not None
            Lists(opened.schema).open_list(opened.database, ListQuery("audit_chain", as_added=is_live))
        return opened

    opened = measure("open, to the first rows", begin, None)
    with opened.database.connection_context():
        for name, step in steps(opened, place.folder):
            measure(name, step, opened)
    return found


def main(rows: int, delays: list[int], *, limited: bool, is_all: bool = True) -> None:
    with tempfile.TemporaryDirectory() as name, serving(Path(name, "live") / "project") as live:
        folder = Path(name)
        os.environ |= {"TENANT_ADMIN_HOME": name, "CLOUDFLARE_API_TOKEN": TOKEN}
        path = sample(folder / "original.sqlite", rows=rows, tenants=6)
        with closing(apsw.Connection(str(path))) as sql:
            sql.execute(_FILL.format(rows=rows, now=NOW)).fetchall()
            sql.pragma("journal_mode", "wal")
        for delay in delays:
            made = folder / f"{delay} ms"
            made.mkdir()
            (made / "here").mkdir()
            file = Path(shutil.copy(path, made / "here.sqlite"))
            with before(live.address) as edge:
                edge.delay = delay / 1000
                database = live.ids[live.put(path, listed=True)]
                connection = NamedConnection("prod", ACCOUNT, database, "copy", edge.base)

                def connect(connection: NamedConnection = connection) -> Opened:
                    found, database = connecting.database(connection, Tokens(None))
                    assert isinstance(database, D1Database)
                    if not limited:
                        database.client.shared = Shared(per_second=1e9, burst=1e9)
                    return open_live(found, database)

                scrolled = _scrolled(connection)
                there = measured(Place(connect, made, edge)) if is_all else {}
            scrolled_here = list(blank(file))
            here = measured(Place(partial(open_database, file), made / "here")) if is_all else {}
            print(f"\n{rows:,} entries, {rows:,} users, {delay} ms a call\n")
            print("| | requests | KB | rows read | s | s of the file |\n|---|---|---|---|---|---|")
            for step, (calls, carried, read, seconds) in there.items():
                print(
                    f"| {step} | {calls:,} | {carried / 1000:,.0f} | {read:,} | {seconds:.2f}"
                    f" | {here[step][3]:.3f} |",
                    flush=True,
                )
            print(
                "\n| scrolling | blank rows, % | aside from the bar, % | s behind, most | at the end | file |"
            )
            print("|---|---|---|---|---|---|")
            for (way, *of), (_, of_file, *_) in zip(scrolled, scrolled_here, strict=True):
                share, aside, most, behind = of
                said = f"{share:.0f} | {aside:.0f} | {most:.2f} | {behind:.2f} | {of_file:.0f}"
                print(f"| {way} | {said} |", flush=True)


def _scrolled(connection: NamedConnection) -> list[tuple[str, float, float, float, float]]:
    """Of the live database in the window, before anything of it is changed."""

    def prepare(window: MainWindow) -> None:
        window.connecting.tokens = Tokens(None)
        window.connecting.tokens.keep(connection, TOKEN)

    Connections().add(connection, replace=True)
    return list(blank(connection.place, prepare))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--delays", type=int, nargs="+", default=[0, 50, 150])
    parser.add_argument("--limited", action="store_true")
    parser.add_argument("--scrolling", action="store_true")
    options = parser.parse_args()
    main(options.rows, options.delays, limited=options.limited, is_all=not options.scrolling)
