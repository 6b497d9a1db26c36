"""The evidence bundle: a verification that anybody can read, keep and check again without this program.

report.html        for people
findings.json      the report as `tenant-admin verify --json` prints it
rows.jsonl         the rows that were verified, as stored (`chain_rows`)
checkpoints.json   what witnesses them
verify_bundle.py   plain Python under 100 lines, nothing to install
manifest.json      what was verified, when, and the SHA-256 of all of the above
"""

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from html import escape
from pathlib import Path

from app import paths
from app.services.chain import lines as chain_rows
from app.services.chain.checkpoints import exchange
from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.verify import source
from app.services.chain.verify.report import Report
from app.services.errors import Cancelled, InvalidInput

VERIFIER = "verify_bundle.py"
STYLE = "report.css"
SHOWN = 2_000
"""Findings and tenants listed in the HTML; the JSON has all that were kept."""

_MEANING = {
    "VERIFIED": "Every row holds, every start is proven, and checkpoints witness all but the newest rows.",
    "CONSISTENT": "Every row holds and every start is proven. No checkpoint has witnessed it.",
    "UNPROVEN_START": "Every row holds, but nothing proves what came before some chain's first row.",
    "TAMPERED": "At least one row is not as the platform wrote it, or rows are missing.",
    "UNREADABLE": "Rows could not be read: the file is damaged.",
}


@dataclass(frozen=True, slots=True)
class Scope:
    """What was verified: a file, one tenant of it, or a range of seqs; None is no limit."""

    tenant: str | None = None
    seq_from: int | None = None
    seq_to: int | None = None


def write_bundle(
    path: Path,
    report: Report,
    folder: Path,
    *,
    scope: Scope | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    now: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Writes the bundle into `folder`, which is made or must be empty.

    Raises `InvalidInput` when the folder is in use, `Cancelled`, `OSError` and the errors of opening a file.
    """
    scope = scope or Scope()
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput("folder", f"{folder} is not empty; choose a new folder for the report.")
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "findings.json", report.to_json())
    exchange.write(folder / "checkpoints.json", checkpoints)
    (folder / VERIFIER).write_bytes(_resource(VERIFIER))
    (folder / "report.html").write_text(_html(path, report, scope, checkpoints, now), "utf-8")
    _write_rows(path, folder / "rows.jsonl", scope, report, cancelled)
    manifest = {
        "format": "tenant-admin evidence 1",
        "file": path.name,
        "verifiedAt": now,
        "tenant": scope.tenant,
        "seqFrom": scope.seq_from,
        "seqTo": scope.seq_to,
        "verdict": str(report.verdict),
        "entries": report.entries,
        "sha256": {file.name: _digest(file) for file in sorted(folder.iterdir())},
    }
    _write_json(folder / "manifest.json", manifest)


def _write_rows(path: Path, out: Path, scope: Scope, report: Report, cancelled: Callable[[], bool]) -> None:
    """The rows that the report speaks of: none that were appended since."""
    last = max((tenant.last_seq or 0 for tenant in report.tenants), default=0)
    first = -(2**63) if scope.seq_from is None else scope.seq_from
    with source.reading(path) as connection, out.open("wb") as file:
        rows = chain_rows.lines(connection, tenant=scope.tenant, first=first, last=last)
        for number, line in enumerate(rows):
            file.write(line)
            if number % 1_000 == 0 and cancelled():
                raise Cancelled


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _digest(file: Path) -> str:
    total = sha256()
    with file.open("rb") as handle:
        while chunk := handle.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def _resource(name: str) -> bytes:
    return (paths.resources_dir() / "evidence" / name).read_bytes()


def _html(path: Path, report: Report, scope: Scope, checkpoints: Sequence[Checkpoint], now: int) -> str:
    limits = [
        f"tenant {scope.tenant}" if scope.tenant is not None else "",
        f"from entry {scope.seq_from}" if scope.seq_from is not None else "",
        f"to entry {scope.seq_to}" if scope.seq_to is not None else "",
    ]
    facts = [
        ("File", path.name),
        ("Verified", _time(now)),
        ("What", ", ".join(filter(None, limits)) or "every chain, from its first row to its last"),
        ("Entries", f"{report.entries:,}"),
        ("Not yet witnessed", f"{report.unwitnessed:,}"),
        ("Findings", f"{report.found:,}"),
        ("Time taken", f"{report.seconds:.2f} s"),
    ]
    verdict = str(report.verdict)
    tenants = [
        (
            item.tenant,
            item.verdict,
            f"{item.entries:,}",
            item.first_seq,
            item.last_seq,
            item.anchor,
            item.head,
        )
        for item in report.tenants[:SHOWN]
    ]
    findings = [
        (item.code, item.tenant, item.seq, item.message, item.expected, item.actual)
        for item in report.findings[:SHOWN]
    ]
    witnesses = [
        (item.number, _time(item.at), item.reason, item.through, f"{item.rows_ever:,}", item.hash, item.key)
        for item in checkpoints
    ]
    return "\n".join(
        [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            f"<title>Audit chain of {escape(path.name)}</title>",
            f"<style>{_resource(STYLE).decode()}</style></head><body>",
            f"<h1>Audit chain of {escape(path.name)}</h1>",
            f"<p class='verdict {verdict}'>{verdict.replace('_', ' ')}</p><p>{_MEANING[verdict]}</p>",
            _table(None, facts),
            "<h2>Findings</h2>",
            _table(("Code", "Tenant", "Entry", "What", "Expected", "Found"), findings),
            "<h2>Tenants</h2>",
            _table(("Tenant", "Verdict", "Entries", "First", "Last", "Start proven by", "Head"), tenants),
            "<h2>Checkpoints</h2>",
            _table(("Number", "Made", "Reason", "Through", "Rows ever", "Hash", "Key"), witnesses),
            "<p>Whoever runs as the same user can sign checkpoints; "
            "a copy kept elsewhere is the real witness.</p><h2>Check it again</h2>"
            "<p>Run <code>python verify_bundle.py</code> in this folder. It "
            "needs nothing but Python and checks every file, row, link and signature.</p></body></html>",
        ]
    )


def _table(head: Sequence[str] | None, rows: Iterable[Sequence[object]]) -> str:
    body = "".join(
        "<tr>" + "".join(f"<td>{'' if cell is None else escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    if not body:
        return "<p>None.</p>"
    titles = "" if head is None else "<tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + "</tr>"
    return f"<table>{titles}{body}</table>"


def _time(at: int) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
