"""Making sample data beside its floor: hashing the same entries and inserting them, nothing else.

    python -m tests.benchmarks.demo [--rows 1000000]

Both run in one run; only the ratio means anything. The floor has the same payloads, tables and indexes.
"""

import argparse
import hashlib
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw

from app import paths
from app.services.demo import create_demo
from models.local.migrations import create_database
from tests.conftest import NOW
from tests.fixtures.chains import COLUMNS


def floor(source: Path, path: Path) -> float:
    """Seconds for the chains alone, with events that are already there."""
    create_database(path, paths.migrations_dir(), now=NOW)
    with closing(apsw.Connection(str(source))) as connection:
        events: list[Any] = connection.execute(
            "SELECT tenant_id, event_type, payload, created_at FROM audit_chain ORDER BY seq"
        ).fetchall()

    def rows() -> Iterator[tuple[object, ...]]:
        heads: dict[str, str] = {}
        for tenant, kind, payload, at in events:
            previous = heads.get(tenant, "0" * 64)
            digest = hashlib.sha256(f"{previous}:{kind}:{payload}:{at}".encode()).hexdigest()
            heads[tenant] = digest
            yield tenant, kind, payload, previous, digest, at

    started = time.perf_counter()
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("journal_mode", "off")
        connection.pragma("synchronous", "off")
        with connection:
            connection.executemany(f"INSERT INTO audit_chain ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", rows())
    return time.perf_counter() - started


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "demo.sqlite"
        started = time.perf_counter()
        create_demo(path, rows=options.rows, now=NOW)
        seconds = time.perf_counter() - started
        least = floor(path, Path(folder) / "floor.sqlite")
    print(f"sample data {seconds:.2f} s, floor {least:.2f} s, ratio {seconds / least:.2f}")


if __name__ == "__main__":
    main()
