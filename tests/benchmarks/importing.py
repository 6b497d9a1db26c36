"""An import beside the restore by the `sqlite3` program, whole processes; only ratios mean anything.

    python -m tests.benchmarks.importing [--rows 1000000] [--rounds 3]

sqlite3   `sqlite3 FILE < DUMP` (without that program, Python's executescript stands in for it)
import    the import, with its checks of the result
d1        the import of the same as D1 writes it, with column names; the last column compares it with
          sqlite3 restoring that, BEGIN and COMMIT added

The dump is of sample data, one row a statement, as `.dump` writes it.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median

from app.services.demo import create_demo
from tests.conftest import NOW
from tests.fixtures.dumping import write_dump

IMPORT = """
import sys
from pathlib import Path
from app.services.files.importing import import_dump
from models.progress import Monitor
import_dump(Path(sys.argv[1]), Path(sys.argv[2]), monitor=Monitor(lambda *_: None))
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""
SCRIPT = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[2])
connection.executescript(open(sys.argv[1], encoding="utf-8").read())
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""
Cost = tuple[float, float, float]


def write_dumps(folder: Path, rows: int) -> dict[str, Path]:
    """The same data as sqlite3 and as D1 write it, and the latter in a transaction for sqlite3."""
    source = folder / "source.sqlite"
    create_demo(source, rows=rows, now=NOW)
    found = {name: folder / f"{name}.sql" for name in ("sqlite3", "d1", "d1 in a transaction")}
    write_dump(source, found["sqlite3"])
    write_dump(source, found["d1"], d1=True)
    with found["d1"].open("rb") as file, found["d1 in a transaction"].open("wb") as target:
        target.write(b"BEGIN;\n")
        shutil.copyfileobj(file, target)
        target.write(b"\nCOMMIT;\n")
    return found


def run(command: list[str], target: Path, dump: Path | None = None) -> Cost:
    """Seconds, seconds of processor time, and MB (0 where it does not tell) of one process."""
    for suffix in ("", "-wal", "-shm", "-journal"):
        target.with_name(target.name + suffix).unlink(missing_ok=True)
    started = time.perf_counter()
    with (dump or Path(os.devnull)).open("rb") as text:
        process = subprocess.Popen(command, stdin=text, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        size = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    return time.perf_counter() - started, usage.ru_utime + usage.ru_stime, int(size or 0) / 1024


def measure(folder: Path, rows: int, rounds: int) -> dict[str, Cost]:
    """The medians of every way."""
    dumps = write_dumps(folder, rows)
    target = folder / "target.sqlite"
    program = shutil.which("sqlite3")

    def peer(dump: Path) -> Cost:
        if program is None:
            return run([sys.executable, "-c", SCRIPT, str(dump), str(target)], target)
        return run([program, str(target)], target, dump)

    def ours(dump: Path) -> Cost:
        return run([sys.executable, "-c", IMPORT, str(dump), str(target)], target)

    found: dict[str, list[Cost]] = {}
    for _ in range(rounds):
        found.setdefault("sqlite3", []).append(peer(dumps["sqlite3"]))
        found.setdefault("import", []).append(ours(dumps["sqlite3"]))
        found.setdefault("sqlite3, d1", []).append(peer(dumps["d1 in a transaction"]))
        found.setdefault("import, d1", []).append(ours(dumps["d1"]))
    return medians(found)


def medians(found: Mapping[str, Sequence[Cost]]) -> dict[str, Cost]:
    """Of the costs of several rounds the usual time, and the most memory."""
    return {
        name: (median(c[0] for c in costs), median(c[1] for c in costs), max(c[2] for c in costs))
        for name, costs in found.items()
    }


def asked(about: str, measure: Callable[[Path, int, int], dict[str, Cost]]) -> tuple[int, dict[str, Cost]]:
    """What a person asks for on the command line: of how many rows, and what that costs."""
    parser = argparse.ArgumentParser(description=about.split("\n", maxsplit=1)[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        return options.rows, measure(Path(folder), options.rows, options.rounds)


def main() -> None:
    rows, found = asked(__doc__, measure)
    print(f"{rows:,} rows {'s':>14} {'/ sqlite3':>10} {'cpu s':>7} {'/ sqlite3':>10} {'MB':>5}")
    for name, (seconds, used, size) in found.items():
        whole, processor, _ = found["sqlite3, d1" if name.endswith("d1") else "sqlite3"]
        ratios = seconds / whole, used / processor
        print(f"{name:>14} {seconds:14.2f} {ratios[0]:10.2f} {used:7.2f} {ratios[1]:10.2f} {size:5.0f}")


if __name__ == "__main__":
    main()
