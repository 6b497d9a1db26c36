"""Verification beside its floors, whole processes in one run; only the ratios mean anything.

    python -m tests.benchmarks.verification [--rows 1000000] [--tenants 40] [--rounds 3] [--javascript]

plain     one Python loop over `sqlite3`, hash and link only
sha256    nothing but SHA-256 of as many bytes
command   `tenant-admin verify`
verify    its engine alone, this process taking part
gui       the same, the calling process only coordinating
held      the same with a checkpoint's digest and held against one
js        the platform's way in JavaScript, an awaited digest a row (with --javascript, once)
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.app.services.chain.verify.chains import ChainFile
from tests.wrangler.toolchain import NODE

PLAIN = """
import hashlib, sqlite3, sys
heads = {}; bad = 0
rows = sqlite3.connect(sys.argv[1]).execute("SELECT seq, tenant_id, event_type, payload, previous_hash, hash,"
    " created_at FROM audit_chain ORDER BY seq")
for seq, tenant, event, payload, previous, stored, at in rows:
    value = hashlib.sha256(f"{previous}:{event}:{payload}:{at}".encode()).hexdigest()
    if value != stored or heads.get(tenant, "0" * 64) != previous:
        bad += 1
    heads[tenant] = stored
assert not bad
"""
SHA = """
import hashlib, sys
data = b"x" * 198
for _ in range(int(sys.argv[2])):
    hashlib.sha256(data).hexdigest()
"""
VERIFY = """
import sys
from pathlib import Path
from app.services.chain.where import InFile
from app.workers.scan_pool import verify
report = verify(InFile(Path(sys.argv[1])), now=2**31, take_part={take_part}, seal={seal})
assert report.verdict == "CONSISTENT" and report.entries == int(sys.argv[2]), report
"""
COMMAND = """
import contextlib, io, sys
from app import cli
with contextlib.redirect_stdout(io.StringIO()):
    assert cli.main(["verify", sys.argv[1]]) == 0
"""
JAVASCRIPT = f"""
import subprocess, sys
subprocess.run([{str(NODE)!r}, {str(Path(__file__).with_suffix(".mjs"))!r}, sys.argv[1]], check=True)
"""
MEMORY = """
import resource
children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
own = open("/proc/self/status").read().partition("VmHWM:")[2].split()[0]
print(int(own) + {children} * children)
"""
WAYS = {
    "plain": PLAIN,
    "sha256": SHA,
    "command": COMMAND,
    "verify": VERIFY.format(take_part=True, seal=False),
    "gui": VERIFY.format(take_part=False, seal=False),
    "held": VERIFY.format(take_part=True, seal=True),
}


def measure(
    path: Path, rows: int, rounds: int, *, javascript: bool = False
) -> dict[str, tuple[float, float, int]]:
    """The fewest seconds, the fewest of processor time, and the most MB of all processes together.

    The fewest, because whatever else runs on a machine only ever adds to them.
    """
    # As installed: with bytecode, which a first run below writes where it harms nobody.
    environment = os.environ | {
        "PYTHONPYCACHEPREFIX": str(path.parent / "bytecode"),
        "TENANT_ADMIN_HOME": str(path.parent / "home"),
    }
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    subprocess.run(
        [sys.executable, "-c", COMMAND, str(path)], env=environment, check=True, stdout=subprocess.DEVNULL
    )
    once = {"js": JAVASCRIPT} if javascript else {}
    found: dict[str, list[tuple[float, float, int]]] = {name: [] for name in (*WAYS, *once)}
    for number in range(rounds):
        for name, way in (WAYS if number else WAYS | once).items():
            started = time.perf_counter()
            code = way + MEMORY.format(children=2 if name == "gui" else 1)
            command = [sys.executable, "-c", code, str(path), str(rows)]
            process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment)
            assert process.stdout is not None
            size = int(process.stdout.read()) // 1024
            _, status, usage = os.wait4(process.pid, 0)
            assert status == 0, name
            seconds = time.perf_counter() - started
            found[name].append((seconds, usage.ru_utime + usage.ru_stime, size))
            process.returncode = 0
    return {
        name: (min(item[0] for item in items), min(item[1] for item in items), max(item[2] for item in items))
        for name, items in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--tenants", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--javascript", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chain.db"
        rows = options.rows // options.tenants * options.tenants
        ChainFile.build(path, rows=rows // options.tenants, tenants=options.tenants).sql.close()
        found = measure(path, rows, options.rounds, javascript=options.javascript)
    plain = found["plain"]
    print(f"{rows} rows, {path.name}: {'':8} {'s':>7} {'/ plain':>8} {'cpu s':>7} {'MB':>6}")
    for name, (seconds, used, size) in found.items():
        print(f"{name:>30} {seconds:7.2f} {seconds / plain[0]:8.2f} {used:7.2f} {size:6}")


if __name__ == "__main__":
    main()
