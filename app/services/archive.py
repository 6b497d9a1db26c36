"""What retention removes, kept as files, and the proof that file and archive are one chain.

    audit-<tenant>-<from>-<to>.jsonl.gz

holds the rows `from … to` of one tenant as lines of `chain_rows`, and nothing else. The prune marker of those
rows may name the file's SHA-256 as `archiveSha256`. The tenant is percent-encoded where a file name demands
it. The gzip header carries no time and no name, so that the same rows give the same bytes.
"""

import gzip
import json
import os
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import quote

import apsw

from app.services import chain_rows
from app.services.errors import InvalidInput
from app.services.verification import source
from app.services.verification.codes import Code, Verdict
from app.services.verification.entry import GENESIS, MARKER, stored_hash
from app.services.verification.report import Finding, Report, TenantReport


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """One archive file as found in a folder, not yet believed."""

    path: Path
    first: int
    last: int


def archive_name(tenant: str, first: int, last: int) -> str:
    return f"audit-{quote(tenant, safe='')}-{first}-{last}.jsonl.gz"


def write_archive(
    connection: apsw.Connection, folder: Path, *, tenant: str, first: int, last: int
) -> tuple[Path, str]:
    """Archives the rows of a tenant with `first <= seq <= last`; the file and its SHA-256 for the marker.

    The file is complete and on disk when this returns; a file of that name is replaced. Raises `OSError`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = folder / archive_name(tenant, first, last)
    partial = target.with_name(target.name + ".part")
    with partial.open("wb") as file:
        with gzip.GzipFile(filename="", fileobj=file, mode="wb", mtime=0, compresslevel=6) as packed:
            for line in chain_rows.lines(connection, tenant=tenant, first=first, last=last):
                packed.write(line)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(target)
    return target, sha256(target.read_bytes()).hexdigest()


def with_archive(path: Path, report: Report, folder: Path) -> Report:
    """The report of a file together with what its archive proves.

    A tenant whose start was pruned gets the anchor `archive` when the archive holds every row from genesis
    to the file's first; then even an unproven start is proven. Findings: HASH and LINK for archived rows,
    TRUNCATED for missing ones, CHECKPOINT when a marker names other bytes. Raises `InvalidInput` when the
    folder is none, and the errors of opening the file.
    """
    if not folder.is_dir():
        raise InvalidInput("archive", f"There is no folder {folder}; choose the one that holds the archive.")
    with TemporaryDirectory(prefix="tenant-admin-") as scratch:
        connection = source.connect(source.Source(path, folder=lambda: Path(scratch)).uri)
        try:
            proofs = [_prove(connection, tenant, _files(folder, tenant.tenant)) for tenant in report.tenants]
        finally:
            connection.close()
    tenants = tuple(tenant for tenant, _ in proofs)
    found = [finding for _, findings in proofs for finding in findings]
    proven = {
        before.tenant
        for before, after in zip(report.tenants, tenants, strict=True)
        if after.anchor == "archive"
    }
    kept = [item for item in report.findings if item.code != Code.UNPROVEN_START or item.tenant not in proven]
    counts = dict(report.counts)
    for item in found:
        counts[item.code] = counts.get(item.code, 0) + 1
    counts[Code.UNPROVEN_START] = counts.get(Code.UNPROVEN_START, 0) - (len(report.findings) - len(kept))
    counts = {code: number for code, number in counts.items() if number > 0}
    return replace(
        report,
        verdict=_verdict(report, tenants, bool(found)),
        findings=(*found, *kept),
        tenants=tenants,
        found=sum(counts.values()),
        counts=counts,
    )


def _verdict(report: Report, tenants: Iterable[TenantReport], found: bool) -> Verdict:
    if report.verdict is Verdict.UNPROVEN_START and not found:
        verdicts = {tenant.verdict for tenant in tenants}
        if Verdict.UNPROVEN_START not in verdicts:
            return Verdict.VERIFIED if Verdict.VERIFIED in verdicts else Verdict.CONSISTENT
    return Verdict.TAMPERED if found and report.verdict is not Verdict.UNREADABLE else report.verdict


def _files(folder: Path, tenant: str) -> list[ArchiveFile]:
    """The tenant's archive files in the order of their rows."""
    prefix, suffix = f"audit-{quote(tenant, safe='')}-", ".jsonl.gz"
    found = []
    for path in folder.iterdir():
        if path.name.startswith(prefix) and path.name.endswith(suffix):
            first, _, last = path.name[len(prefix) : -len(suffix)].partition("-")
            if first.isdecimal() and last.isdecimal():
                found.append(ArchiveFile(path, int(first), int(last)))
    return sorted(found, key=lambda file: (file.first, file.last))


def _prove(
    connection: apsw.Connection, tenant: TenantReport, files: list[ArchiveFile]
) -> tuple[TenantReport, list[Finding]]:
    if not files or tenant.first_seq is None:
        return tenant, []
    findings = _wrong_bytes(connection, tenant.tenant, files)
    walk = _Walk(tenant.tenant, findings)
    for file in files:
        walk.read(file)
    row = connection.execute(
        "SELECT CAST(previous_hash AS BLOB) FROM main.audit_chain WHERE seq = ?", (tenant.first_seq,)
    ).fetchone()
    survivor = b"" if row is None else bytes(row[0] or b"")
    if walk.head != survivor and not walk.broken:
        expected, actual = _shown(walk.head), _shown(survivor)
        message = (
            f"The archive of {tenant.tenant} does not lead up to entry {tenant.first_seq}, "
            "the first in the file."
        )
        findings.append(Finding(Code.TRUNCATED, tenant.tenant, tenant.first_seq, expected, actual, message))
    if findings:
        return replace(tenant, verdict=_worse(tenant.verdict)), findings
    if not walk.from_genesis:
        return tenant, []
    proven = tenant.verdict is Verdict.UNPROVEN_START
    return replace(tenant, anchor="archive", verdict=Verdict.CONSISTENT if proven else tenant.verdict), []


def _worse(verdict: Verdict) -> Verdict:
    return verdict if verdict is Verdict.UNREADABLE else Verdict.TAMPERED


class _Walk:
    """Goes along a tenant's archived rows; stops at the first thing that is wrong in each file."""

    def __init__(self, tenant: str, findings: list[Finding]) -> None:
        self._tenant, self._findings = tenant, findings
        self.head: bytes | None = None
        self.from_genesis = False
        self.broken = False

    def read(self, file: ArchiveFile) -> None:
        try:
            for row in _rows(file.path):
                self._step(row)
        except (OSError, EOFError, zlib.error, ValueError, KeyError, TypeError, RecursionError) as error:
            self.broken = True
            self._find(
                Code.UNREADABLE, file.first, None, type(error).__name__, f"{file.path.name} cannot be read."
            )

    def _step(self, row: dict[str, Any]) -> None:
        seq = int(row["seq"])
        columns = [
            chain_rows.raw(row[name]) for name in ("previous_hash", "event_type", "payload", "created_at")
        ]
        stored, previous = chain_rows.raw(row["hash"]), columns[0]
        if chain_rows.raw(row["tenant_id"]).decode("utf-8", "backslashreplace") != self._tenant:
            message = f"Archived entry {seq} belongs to another tenant."
            self._find(Code.CROSS_TENANT, seq, self._tenant, str(row["tenant_id"]), message)
        recomputed = stored_hash(columns[0], columns[1], columns[2], columns[3])
        if recomputed.encode() != stored:
            message = f"Archived entry {seq} does not match its own hash."
            self._find(Code.HASH, seq, recomputed, _shown(stored), message)
        if self.head is None:
            self.from_genesis = previous == GENESIS.encode()
        elif previous != self.head:
            message = f"Archived entry {seq} does not continue the archived entry before it."
            self._find(Code.LINK, seq, _shown(self.head), _shown(previous), message)
        self.head = stored

    def _find(self, code: Code, seq: int, expected: str | None, actual: str | None, message: str) -> None:
        self._findings.append(Finding(code, self._tenant, seq, expected, actual, message))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    with gzip.open(path, "rb") as lines:
        for line in lines:
            yield json.loads(line)


def _wrong_bytes(connection: apsw.Connection, tenant: str, files: list[ArchiveFile]) -> list[Finding]:
    """Archive files that are not those whose SHA-256 a surviving marker names."""
    named: dict[tuple[int, int], tuple[int, str]] = {}
    rows = connection.execute(
        "SELECT seq, CAST(payload AS BLOB) FROM main.audit_chain WHERE event_type = ? AND tenant_id = ?",
        (MARKER, tenant),
    )
    for seq, payload in rows:
        try:
            value = json.loads(payload)
            named[int(value["fromSeq"]), int(value["toSeq"])] = (seq, str(value["archiveSha256"]))
        except (ValueError, KeyError, TypeError, RecursionError):
            continue
    findings = []
    for file in files:
        seq, expected = named.get((file.first, file.last), (0, ""))
        if expected and (actual := _digest(file.path)) != expected:
            message = f"{file.path.name} is not the file that entry {seq} names."
            findings.append(Finding(Code.CHECKPOINT, tenant, seq, expected, actual, message))
    return findings


def _digest(path: Path) -> str:
    total = sha256()
    with path.open("rb") as file:
        while chunk := file.read(1 << 20):
            total.update(chunk)
    return total.hexdigest()


def _shown(value: bytes | None) -> str | None:
    return None if value is None else value.decode("utf-8", "backslashreplace")
