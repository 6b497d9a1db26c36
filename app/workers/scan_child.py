"""A child process that scans ranges of rows: jobs come on standard input, lines of JSON go out.

`{"done": n}` about 20 times a second, then the result of `RangeScan.run` in `{"part": …}` messages and
a last `{"result": …}`, or `{"failed": sentence}`. It imports neither Qt nor Peewee. The packaged program's
entry point calls `main()` for `--scan-worker` before it imports anything else.
"""

import gc
import json
import os
import sys
from typing import Any

import apsw

from app.services.chain.verify import source
from app.services.chain.verify.scan import RangeScan

PART = 500
"""Items in one message."""

_BEHIND = 10
"""How far behind an interface that waits; its table is to scroll even if every core has a scan."""


def main() -> int:
    """Does the jobs given on standard input, a line each; the exit code says nothing."""
    gc.disable()  # nothing here makes cycles, and a million rows would have them looked for
    for line in sys.stdin.buffer:
        job = json.loads(line)
        if job["behind"] and hasattr(os, "nice"):
            os.nice(max(0, _BEHIND - os.nice(0)))
        try:
            result = scan(job, _report_progress)
        except (apsw.Error, OSError) as error:
            _say({"failed": f"{type(error).__name__}: {error}"})
            break
        _say_result(result)
    return 0


def _say_result(result: dict[str, Any]) -> None:
    """In small parts: reading one large line would hold up the interface of the process that asked."""
    tenants = list(result["tenants"].items())
    for start in range(0, len(tenants), PART):
        _say({"part": {"tenants": dict(tenants[start : start + PART])}})
    for name in ("seals", "findings", "breaks", "gaps"):
        for start in range(0, len(result[name]), PART):
            _say({"part": {name: result[name][start : start + PART]}})
    _say({"result": {"counts": result["counts"]}})


def scan(job: dict[str, Any], tick: Any) -> dict[str, Any]:
    """Runs the job in this process, in one snapshot where the file is in WAL mode."""
    connection = source.connect(job["uri"], tolerant=job["tolerant"])
    try:
        frozen = bool(job["frozen"]) or source.is_wal(connection)
        if frozen:
            connection.execute("BEGIN")
        return RangeScan(
            connection,
            source.encoding(connection),
            job["first"],
            job["last"],
            now=job["now"],
            tenant=job["tenant"],
            marks=job["marks"],
            tick=tick,
            frozen=frozen,
        ).run()
    finally:
        connection.close()


def _report_progress(done: int) -> bool:
    _say({"done": done})
    return False


def _say(message: dict[str, Any]) -> None:
    sys.stdout.buffer.write(json.dumps(message).encode() + b"\n")
    sys.stdout.buffer.flush()
