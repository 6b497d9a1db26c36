"""An export as SQL beside sqlite3's `.dump`, whole processes; only ratios mean anything.

    python -m tests.benchmarks.exporting [--rows 1000000] [--rounds 3]

.dump     `sqlite3 FILE .dump` to a file (without that program, Python's iterdump stands in for it)
export    `tenant-admin export`, with its checks and the start of the program
"""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from app.services.demo import create_demo
from tests.benchmarks.importing import Cost, asked, medians
from tests.conftest import NOW

SCRIPT = """
import sqlite3, sys
for line in sqlite3.connect(sys.argv[1]).iterdump():
    print(line)
"""
EXPORT = """
import sys
from app.cli import main
assert main(["export", *sys.argv[1:], "--force"]) == 0
print(open("/proc/self/status").read().partition("VmHWM:")[2].split()[0])
"""


def run(command: list[str], output: Path, home: Path) -> Cost:
    """Seconds, seconds of processor time, and MB (0 where it does not tell) of one process."""
    # Where the bytecode is written as an installed program has it, and none is when it is not to be written.
    kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(home / "bytecode")}
    environment = os.environ | kept | {"TENANT_ADMIN_HOME": str(home)}
    started = time.perf_counter()
    with output.open("wb") as file:
        process = subprocess.Popen(command, stdout=file, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, command
    took = time.perf_counter() - started
    size = int(output.read_text().split()[-1]) if command[1:3] == ["-c", EXPORT] else 0
    return took, usage.ru_utime + usage.ru_stime, size / 1024


def measure(folder: Path, rows: int, rounds: int) -> dict[str, Cost]:
    """The medians of both ways, each round running both."""
    source, home = folder / "source.sqlite", folder / "home"
    create_demo(source, rows=rows, now=NOW)
    program = shutil.which("sqlite3")
    peer = [program, str(source), ".dump"] if program else [sys.executable, "-c", SCRIPT, str(source)]
    ours = [sys.executable, "-c", EXPORT, str(source), str(folder / "out.sql")]
    run(ours, folder / "said", home)  # which prepares the bytecode
    found: dict[str, list[Cost]] = {".dump": [], "export": []}
    for _ in range(rounds):
        found[".dump"].append(run(peer, folder / "dump.sql", home))
        found["export"].append(run(ours, folder / "said", home))
    return medians(found)


def main() -> None:
    rows, found = asked(__doc__, measure)
    whole, processor, _ = found[".dump"]
    print(f"{rows:,} rows {'s':>8} {'/ .dump':>10} {'cpu s':>7} {'/ .dump':>10} {'MB':>5}")
    for name, (seconds, used, size) in found.items():
        ratios = seconds / whole, used / processor
        print(f"{name:>14} {seconds:8.2f} {ratios[0]:10.2f} {used:7.2f} {ratios[1]:10.2f} {size:5.0f}")


if __name__ == "__main__":
    main()
