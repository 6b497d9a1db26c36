"""All that one tenant has, as a folder that can be handed on and checked without this program.

tables/NAME.jsonl  its rows of each table, a line each: every column but secrets, as lists export them
chain/             its audit chain with what checkpoints knew of it and the stand-alone verifier: an evidence
                   bundle that names no other tenant, but where entries of the chain itself do
manifest.json      what was exported, when, how many rows of what, and the SHA-256 of every file above

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from app import paths
from app.services.chain import evidence
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.making import to_read
from app.services.chain.rules import SOUND, Verdict
from app.services.chain.verify.report import LostEnd, Report, Section
from app.services.chain.verify.source import SHAPE, CannotVerify, require_chain
from app.services.chain.where import Where
from app.services.records.belonging import in_virtual_tables, named_by, nothing_of, own_of
from app.services.records.export import plain_of
from app.services.records.rows import decoded, exact
from app.services.records.tables import AUDIT_CHAIN, DECLARED
from app.services.secrets.names import is_secret, pairs_of
from app.services.text import counted
from models.engine import raw, sql_name
from models.errors import TableMissing
from models.files import atomic
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor, Progress
from models.schema import StoredTable, StoredTables, internal, read_stored
from models.status import AuditEvent
from models.tables import AuditEntry

ROWS: Final = "tables"
CHAIN: Final = "chain"
MANIFEST: Final = "manifest.json"
_FORMAT: Final = "tenant-admin tenant 1"
_EXTRACTS: Final = (
    "extracts: what each checkpoint knew of this tenant alone, signed again at this export with the key that "
    "it names. The rows can be held against them. That the checkpoints said so, and at these times, is what "
    "the holder of that key says here; who has the checkpoints themselves can compare"
)
_MOVES: Final = (
    "a user was moved from or to another tenant, which the entry names; its hash covers that, so it stays"
)
_HIDDEN: Final = "…"
_TOLD: Final = 1_000
_LEFT: Final = (ROWS, CHAIN, "*.jsonl", "*.json", "*.py", "*.html")
"""What killed work may have left of one."""
_STEP: Final = 1_000
SHADOWS: Final = "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow'"
"""The tables in which a virtual one keeps what it has."""
_LONGEST: Final = 120


@dataclass(frozen=True, slots=True)
class TableWritten:
    """A table's `rows` in a `file` of their own; the columns in `left_out` hold secrets."""

    file: str
    rows: int
    left_out: tuple[str, ...]


WrittenTables = tuple[Mapping[str, TableWritten], Sequence[str], Mapping[str, int]]
"""What was written of each table, which belong to no tenant, and how many rows of it virtual ones have."""


@dataclass(frozen=True, slots=True)
class TenantExported:
    """How many `rows` of each table were written and how many `entries` of the chain, and the `verdict` of
    that; None where the tenant has none, and none was known. Where the table of that name is `no_chain`, its
    rows are exported as any others; that, or which entries that were known are gone, is said. `unsigned` is
    why what checkpoints knew is not beside it, where they knew any. `names_others` of the entries name
    another tenant. `virtual` tables have so many rows of it, which are not written. So many `checkpoints`
    that knew the chain are in it. `lost_end` as of `Report`. So many entries, `beside` its chain, name it in
    another way than as text: no chain has them, so they are written as rows.
    """

    rows: Mapping[str, int]
    entries: int
    verdict: Verdict | None
    unsigned: str = ""
    names_others: int = 0
    no_chain: str = ""
    virtual: Mapping[str, int] = field(default_factory=dict)
    checkpoints: int = 0
    lost_end: LostEnd | None = None
    beside: int = 0

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with its chain."""
        is_sound = self.verdict is None or (self.verdict in SOUND and self.lost_end is None)
        return is_sound and not self.beside

    @property
    def said_of_those_beside(self) -> str:
        """A sentence without its stop; "" where there are none."""
        if not self.beside:
            return ""
        entries = counted(self.beside, "audit entry names", "audit entries name")
        return f"{entries} it otherwise than as text, which no chain has; written to {ROWS} as rows"

    @property
    def count(self) -> int:
        return sum(self.rows.values()) + self.entries


def no_chain(where: Where) -> str | None:
    """Why what has the name of the audit chain is none; None where it is one, or nothing has that name.

    Raises as `where.connect`.
    """
    with where.connect() as database:
        found = database.read_batch([raw(*one) for one in SHAPE])
    try:
        require_chain(where.name, *found)
    except CannotVerify as error:
        return str(error)
    except TableMissing:
        return None if not found[0] else f"{where.name}: {AUDIT_CHAIN.name} is no table."
    return None


def entries_of(where: Where, tenant: str) -> int:
    """About how many entries its chain has; 0 where there is none. Raises as `where.connect`."""
    with where.connect() as database:
        if AUDIT_CHAIN.name not in read_stored(database)[0]:
            return 0
        first = AuditEntry.select(AuditEntry.seq).where(AuditEntry.tenant_id == tenant).limit(1)
        if not database.rows(first):
            return 0
    return to_read(where, Section(tenant)) or 1


def why_none(gone: Report | None) -> str:
    """Why there is no chain of a tenant some of whose entries were known, as sentences."""
    if gone is None:
        return ""
    notes = [] if gone.lost_end is None else [gone.lost_end.said]
    return " ".join([*(found.message for found in gone.findings if found.is_error), *notes])


def beside_chain(tables: StoredTables, tenant: str, *, is_chain: bool) -> dict[str, str]:
    """The same but for the audit chain, which is exported as evidence where it `is_chain`: of it the entries
    that name the tenant otherwise than as text, which no chain has.
    """
    found = own_of(tables, tenant)
    if is_chain and AUDIT_CHAIN.name in found:
        found[AUDIT_CHAIN.name] = named_by("tenant_id", tenant, as_text=False)
    return {name: which for name, which in found.items() if not internal(name)}


def of_one(report: Report, tenant: str) -> Report:
    """The same without the names of other tenants, which may have the same entries. Notes name none."""
    return replace(
        report,
        tenants=tuple(one for one in report.tenants if one.tenant == tenant),
        findings=tuple(found.told_to(tenant) for found in report.findings),
    )


def write_tables(
    database: LocalDatabase, folder: Path, tenant: str, *, is_chain: bool, progress: Progress
) -> WrittenTables:
    """Writes the tenant's rows of each table into `folder`, all of one moment; memory stays that of the
    largest row.

    `progress` is in rows. The caller holds a connection. Raises the storage errors and `OSError`.
    """
    with database.snapshot():
        stored, _ = read_stored(database)
        which = beside_chain(stored, tenant, is_chain=is_chain)
        counts = {name: _count(database, name, condition) for name, condition in which.items()}
        total, done = sum(counts.values()), 0
        written: dict[str, TableWritten] = {}
        for name, condition in which.items():
            if not counts[name]:
                continue

            def told(rows: int, before: int = done) -> None:
                progress(before + rows, total)

            file = folder / f"{quote(name, safe=' ')[:_LONGEST]}.jsonl"
            if file.exists():
                file = file.with_stem(f"{file.stem} {len(written)}")
            written[name] = _write(database, stored[name], condition, file, told)
            done += written[name].rows
        virtual = in_virtual_tables(database, tenant)
        apart = {name for (name,) in database.rows(raw(SHADOWS))} | (
            {AUDIT_CHAIN.name} if is_chain else set()
        )
        others = [name for name in stored if name not in (*which, *apart) and not internal(name)]
    return written, others, virtual


def _cut_to_host(table: str) -> list[str]:
    """The columns in which of a URL its host alone is written: the rest may let anybody in."""
    declared = DECLARED.get(table)
    return [] if declared is None else [column.name for column in declared.columns if column.host_only]


def _count(database: LocalDatabase, table: str, condition: str) -> int:
    return int(database.scalar(raw(f"SELECT count(*) FROM main.{sql_name(table)} WHERE {condition}")))  # noqa: S608


def _write(
    database: LocalDatabase, table: StoredTable, condition: str, file: Path, told: Callable[[int], None]
) -> TableWritten:
    given = {name: plain_of(table.name, name, table.names) for name in table.names}
    says = [(name, says) for name, says in given.items() if says is not None]
    values = ", ".join(exact(table.name, name) for name, _ in says) or "'NULL'"
    query = f"SELECT {values} FROM main.{sql_name(table.name)} WHERE {condition}"  # noqa: S608
    settings, rows = pairs_of(table.names), 0
    with atomic.replacing(file) as building, building.open("w", encoding="utf-8", newline="\n") as stream:
        for rows, row in enumerate(database.each(raw(query)), 1):
            stored = {name: decoded(value) for (name, _), value in zip(says, row, strict=False)}
            line = {name: plain(stored[name]) for name, plain in says if name in stored}
            if settings is not None and settings[1] in line and is_secret(stored.get(settings[0])):
                line[settings[1]] = _HIDDEN
            stream.write(json.dumps(line, ensure_ascii=False) + "\n")
            if rows % _STEP == 0:
                told(rows)
    told(rows)
    return TableWritten(file.name, rows, tuple(name for name, says in given.items() if says is None))


def write(
    where: Where,
    tenant: str,
    folder: Path,
    *,
    tables: Callable[[Path], WrittenTables],
    report: Report | None,
    checkpoints: Sequence[Checkpoint],
    unsigned: str = "",
    no_chain: str = "",
    now: int,
    monitor: Monitor = UNWATCHED,
) -> TenantExported:
    """Writes the folder, which is made or must be empty: whole or not at all. `tables` writes their files
    into the folder that it is given, as `write_tables`; `report` is of the tenant's chain (`of_one`), None
    where nothing of one is there, as where the table is `no_chain`, and why. `checkpoints` are extracts, or
    none, and why is `unsigned`.

    Raises `InvalidInput`, also where nothing is the tenant's, `Cancelled`, and what `tables`,
    `evidence.write_bundle` and the making of a file raise.
    """
    evidence.require_free(folder, "the tenant's data")
    atomic.sweep(folder.parent, folder.name, *_LEFT)
    with atomic.expected_errors(folder), atomic.WorkFolder(folder.parent) as beside:
        building = Path(beside, folder.name)
        paths.make_private(building)
        paths.make_private(building / ROWS)
        written, no_tenants, virtual = tables(building / ROWS)
        if not written and report is None:
            raise nothing_of(where.name, tenant)
        if report is not None:
            evidence.write_bundle(
                where,
                report,
                building / CHAIN,
                section=Section(tenant),
                checkpoints=checkpoints,
                now=now,
                monitor=monitor,
            )
        files = sorted(item for item in building.rglob("*") if item.is_file())
        manifest: dict[str, Any] = {
            "format": _FORMAT,
            "tenant": tenant,
            "database": where.name,
            "exportedAt": now,
            "tables": {
                name: {
                    "file": f"{ROWS}/{one.file}",
                    "rows": one.rows,
                    "secretsLeftOut": [*one.left_out],
                    "urlsCutToHost": _cut_to_host(name),
                }
                for name, one in written.items()
            },
            "ofNoTenant": [*no_tenants],
            "virtualTables": {name: {"rowsLeftOut": rows} for name, rows in virtual.items()},
            "chain": None,
            "noChain": no_chain or None,
            "sha256": {item.relative_to(building).as_posix(): evidence.digest_of(item) for item in files},
        }
        others = _naming_others(building / CHAIN / evidence.ROWS) if report is not None else []
        if report is not None:
            verdict = str(report.verdict)
            manifest["chain"] = {
                "folder": CHAIN,
                "entries": report.entries,
                "verdict": verdict,
                "checkpoints": len(checkpoints),
                "checkpointsAre": unsigned or (_EXTRACTS if checkpoints else "none knew this chain"),
                "namesOtherTenants": {"entries": len(others), "seqs": others[:_TOLD], "why": _MOVES}
                if others
                else None,
            }
            if report.lost_end is not None:
                manifest["chain"]["lostEnd"] = report.lost_end.to_json()
        atomic.write(building / MANIFEST, json.dumps(manifest, indent=1) + "\n")
        if paths.exists(folder):
            folder.rmdir()
        building.rename(folder)
    rows = {name: one.rows for name, one in written.items()}
    left = {name: count for name, count in virtual.items() if count}
    if report is None:
        return TenantExported(rows, 0, None, no_chain=no_chain, virtual=left)
    return TenantExported(
        rows,
        report.entries,
        report.verdict,
        unsigned,
        len(others),
        virtual=left,
        checkpoints=len(checkpoints),
        lost_end=report.lost_end,
    )


def _naming_others(rows: Path) -> list[int]:
    """The numbers of the entries that name another tenant: those that a user was moved."""
    moved = str(AuditEvent.USER_MOVED)
    with rows.open("rb") as lines:
        told = (json.loads(line) for line in lines if moved.encode() in line)
        return [row["seq"] for row in told if row["event_type"] == moved]
