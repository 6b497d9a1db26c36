"""The evidence bundle: a verification that anybody can read, keep and check again without this program.

report.html        for people
findings.json      the report as `tenant-admin verify --json` prints it
rows.jsonl         the rows that were verified, as stored (`reading.chunks`)
checkpoints.json   the checkpoints of the file
verify_bundle.py   plain Python, nothing to install
manifest.json      what was verified, when, and the SHA-256 of all of the above
"""

import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import file_digest
from html import escape
from pathlib import Path
from typing import Final

from app import paths
from app.services.chain.checkpoints.document import Checkpoint, write_export
from app.services.chain.reading import chunks, reading
from app.services.chain.rules import LOWEST_SEQ, Verdict
from app.services.chain.verify.report import Report
from models.errors import Cancelled, InvalidInput

VERIFIER: Final = "verify_bundle.py"
STYLE: Final = "report.css"
SHOWN: Final = 2_000
"""Findings and tenants listed in the HTML; the JSON has all that were kept."""

MEANING: Final = {
    Verdict.VERIFIED: "Every row holds, every start is proven, and checkpoints cover all but the last rows.",
    Verdict.CONSISTENT: "Every row holds and every start is proven. No checkpoint covers it yet.",
    Verdict.UNPROVEN_START: "Every row holds, but nothing proves what came before some chain's first row.",
    Verdict.EARLIER: "The file is exactly as an earlier checkpoint knew it; later ones knew more.",
    Verdict.TAMPERED: "At least one row is not as the platform wrote it, or rows are missing.",
    Verdict.UNREADABLE: "Rows could not be read: the file is damaged.",
}


def write_bundle(
    path: Path,
    report: Report,
    folder: Path,
    *,
    tenant: str | None = None,
    seq_from: int | None = None,
    seq_to: int | None = None,
    checkpoints: Sequence[Checkpoint] = (),
    now: int,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Writes the bundle into `folder`, which is made or must be empty.

    `tenant`, `seq_from` and `seq_to` are what was verified; None is no limit. Raises
    `InvalidInput` when the folder is in use, `Cancelled`, `OSError` and the errors of opening a file.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise InvalidInput("folder", f"{folder} is not empty; choose a new folder for the report.")
    folder.mkdir(parents=True, exist_ok=True)
    _write_json(folder / "findings.json", report.to_json())
    write_export(folder / "checkpoints.json", checkpoints)
    (folder / VERIFIER).write_bytes(_resource(VERIFIER))
    what = _what(tenant, seq_from, seq_to)
    (folder / "report.html").write_text(_html(path, report, what, checkpoints, now), "utf-8")
    _write_rows(path, folder / "rows.jsonl", report, tenant=tenant, seq_from=seq_from, cancelled=cancelled)
    manifest = {
        "format": "tenant-admin evidence 1",
        "file": path.name,
        "verifiedAt": now,
        "tenant": tenant,
        "seqFrom": seq_from,
        "seqTo": seq_to,
        "verdict": str(report.verdict),
        "entries": report.entries,
        "sha256": {file.name: _digest(file) for file in sorted(folder.iterdir())},
    }
    _write_json(folder / "manifest.json", manifest)


def _what(tenant: str | None, seq_from: int | None, seq_to: int | None) -> str:
    limits = [
        f"tenant {tenant}" if tenant is not None else "",
        f"from entry {seq_from}" if seq_from is not None else "",
        f"to entry {seq_to}" if seq_to is not None else "",
    ]
    return ", ".join(filter(None, limits)) or "every chain, from its first row to its last"


def _write_rows(
    path: Path,
    out: Path,
    report: Report,
    *,
    tenant: str | None,
    seq_from: int | None,
    cancelled: Callable[[], bool],
) -> None:
    """The rows that the report speaks of: none that were appended since."""
    last = max((item.last_seq or 0 for item in report.tenants), default=0)
    first = LOWEST_SEQ if seq_from is None else seq_from
    with reading(path) as database, out.open("wb") as file:
        for rows in chunks(database, tenant=tenant, first=first, last=last):
            if cancelled():
                raise Cancelled
            file.writelines(line for _, line in rows)


def _write_json(file: Path, value: object) -> None:
    file.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", "utf-8")


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return file_digest(content, "sha256").hexdigest()


def _resource(name: str) -> bytes:
    return (paths.resources_dir() / "evidence" / name).read_bytes()


def _html(path: Path, report: Report, what: str, checkpoints: Sequence[Checkpoint], now: int) -> str:
    facts = [
        ("File", path.name),
        ("Verified", _time(now)),
        ("What", what),
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
            None if item.anchor is None else str(item.anchor),
            item.head,
        )
        for item in report.tenants[:SHOWN]
    ]
    findings = [
        (item.code, item.tenant, item.seq, item.message, item.expected, item.actual)
        for item in report.findings[:SHOWN]
    ]
    signed = [
        (item.number, _time(item.at), item.reason, item.through, f"{item.rows_ever:,}", item.hash, item.key)
        for item in checkpoints
    ]
    return "\n".join(
        [
            "<!doctype html><html lang='en'><head><meta charset='utf-8'>",
            f"<title>Audit chain of {escape(path.name)}</title>",
            f"<style>{_resource(STYLE).decode()}</style></head><body>",
            f"<h1>Audit chain of {escape(path.name)}</h1>",
            f"<p class='verdict {verdict}'>{verdict.replace('_', ' ')}</p><p>{MEANING[report.verdict]}</p>",
            _table(None, facts),
            "<h2>Findings</h2>",
            _table(("Code", "Tenant", "Entry", "What", "Expected", "Found"), findings),
            "<h2>Tenants</h2>",
            _table(("Tenant", "Verdict", "Entries", "First", "Last", "Start proven by", "Head"), tenants),
            "<h2>Checkpoints</h2>",
            _table(("Number", "Made", "Reason", "Through", "Rows ever", "Hash", "Key"), signed),
            "<p>Whoever runs as the same user can sign checkpoints; "
            "what counts against them is a copy kept elsewhere.</p><h2>Check it again</h2>"
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
