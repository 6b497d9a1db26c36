"""The evidence bundle: a verification that anybody can read, keep and check again without this program.

report.html        for people
findings.json      the report as `tenant-admin verify --json` prints it
rows.jsonl         the rows that were verified, as stored (`reading.chunks`)
checkpoints.json   the checkpoints of the file
copies.json        those of the databases that it may have been a copy of, where a person said so
verify_bundle.py   plain Python, nothing to install
manifest.json      what was verified, when, and the SHA-256 of all of the above
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from string import Template
from typing import Any, Final, NamedTuple

from app import paths
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.document import write_export
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.reading import FIELD, chunks, find_entry
from app.services.chain.rules import LOWEST_SEQ, SOUND, TABLE, Now, Verdict, seconds
from app.services.chain.verify.report import EVERYTHING, Report, Section
from app.services.chain.where import Verifier, Where
from app.services.text import counted, readable, tenant_name, utc_time, visible
from models import engine, errors, progress
from models.files import atomic

VERIFIER: Final = "verify_bundle.py"
PAGE: Final = "report.html"
ROWS: Final = "rows.jsonl"
STYLE: Final = "report.css"
SHOWN: Final = 2_000
"""Findings and tenants listed in the HTML; the JSON has all that were kept."""

MEANING: Final = {
    Verdict.VERIFIED: "Every row holds, every start is proven, and checkpoints cover all but the last rows.",
    Verdict.CONSISTENT: "Every row holds and every start is proven. No checkpoint covers it yet.",
    Verdict.UNPROVEN_START: "Every row holds, but nothing proves what came before some chain's first row.",
    Verdict.EARLIER: "The file is in an earlier state: later checkpoints knew more than is there.",
    Verdict.TAMPERED: "At least one row is not as the platform wrote it, or rows are missing.",
    Verdict.UNREADABLE: "Rows could not be read: the file is damaged.",
}

HOLDS: Final = "Every row of this part holds, and continues the one before it."
"""The same of a range, of whose start and end the whole alone can tell."""

LONGEST: Final = 200_000
"""Characters of a payload in the HTML."""

InWords = Callable[[object, object], str | None]
"""An entry in a line, of its event type and payload (`records.summary`), if there is one."""


@dataclass(frozen=True, slots=True)
class ProvenEntry:
    """The first entry of a section that a checkpoint covers."""

    seq: int
    in_words: InWords


class _Head(NamedTuple):
    """What a report begins with; `more` is HTML."""

    title: str
    style: str
    words: str
    meaning: str
    more: str = ""


def write_bundle(
    where: Where,
    report: Report,
    folder: Path,
    *,
    section: Section = EVERYTHING,
    checkpoints: Sequence[Checkpoint] = (),
    entry: ProvenEntry | None = None,
    now: int,
    monitor: progress.Monitor = progress.UNWATCHED,
) -> None:
    """Writes the bundle into `folder`, which is made or must be empty; nothing of it is left when that fails.

    `section` is what was verified, `checkpoints` are as `CheckpointStore.all_checkpoints` gives them; or the
    one alone that an `entry` of the section is proven by (`find_proof`). Raises `InvalidInput` when the
    folder is in use, `Cancelled`, and the errors of opening and of making a file.
    """
    require_free(folder, "the report")
    if report.verdict is Verdict.VERIFIED or report.earlier is not None:
        section = Section(section.tenant)  # a range says neither of itself, but where it leaves nothing out
    with atomic.expected_errors(folder), _whole_or_nothing(folder):
        _write_json(folder / "findings.json", report.to_json())
        own = [item for item in checkpoints if item.database == checkpoints[-1].database]
        write_export(folder / "checkpoints.json", own)
        if copies := [item for item in checkpoints if item not in own]:
            write_export(folder / "copies.json", copies)
        atomic.write(folder / VERIFIER, _resource(VERIFIER).decode())
        first = LOWEST_SEQ if section.first is None else section.first
        last = max((item.last_seq or 0 for item in report.tenants), default=0)  # none appended since
        head = _head(where, report, section)
        with (
            where.connect() as database,
            atomic.replacing(folder / ROWS) as building,
            building.open("wb") as file,
        ):
            for rows in chunks(database, tenant=section.tenant, first=first, last=last):
                monitor.check()
                if entry is not None and rows[0][0] == entry.seq:
                    head = _head_of(entry, json.loads(rows[0][1]), report, own[-1])
                file.writelines(line for _, line in rows)
        asked = [("File", where.name), ("Verified", utc_time(now)), ("What", _what(section))]
        atomic.write(folder / "report.html", _html(head, report, own, asked))
        manifest = {
            "format": "tenant-admin evidence 1",
            "file": where.name,
            "verifiedAt": now,
            "tenant": section.tenant,
            "seqFrom": section.first,
            "seqTo": section.last,
            "entry": None if entry is None else entry.seq,
            "verdict": str(report.verdict),
            "entries": report.entries,
            "sha256": {item.name: digest_of(item) for item in sorted(folder.iterdir())},
        }
        _write_json(folder / "manifest.json", manifest)


def require_free(folder: Path, what: str) -> None:
    """Raises `InvalidInput` where `folder`, which is to hold `what`, is none or is in use, and the errors of
    `atomic.require_place`.
    """
    if paths.exists(folder) and not folder.is_dir():
        raise errors.InvalidInput("folder", f"{folder} is no folder; choose a new one for {what}.")
    if paths.exists(folder) and any(folder.iterdir()):
        raise errors.InvalidInput("folder", f"{folder} is not empty; choose a new folder for {what}.")
    if not paths.exists(folder):
        atomic.require_place(folder)


@contextmanager
def _whole_or_nothing(folder: Path) -> Iterator[None]:
    """An empty folder for the block, which is taken away again when that fails."""
    made = not folder.exists()
    paths.make_private(folder)
    try:
        yield
    except BaseException:
        for left in folder.iterdir():
            left.unlink()
        if made:
            folder.rmdir()
        raise


def _what(section: Section) -> str:
    limits = zip(("tenant", "from entry", "to entry"), section, strict=True)
    said = [f"{words} {value}" for words, value in limits if value is not None]
    return ", ".join(said) or "every chain, from its first row to its last"


def _write_json(file: Path, value: object) -> None:
    atomic.write(file, json.dumps(value, indent=1) + "\n")


def digest_of(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


def _resource(name: str) -> bytes:
    return (paths.resources_dir() / "evidence" / name).read_bytes()


def _head(where: Where, report: Report, section: Section) -> _Head:
    is_part = section.is_range and report.verdict is Verdict.CONSISTENT
    words, style = report.verdict.replace("_", " "), str(report.verdict)
    if report.lost_end is not None:
        words, style = f"{words}, END LOST", Verdict.EARLIER
    return _Head(
        f"Audit chain of {where.name}",
        f"{report.verdict} undecided" if report.undecided else style,
        words,
        " ".join(
            [
                HOLDS if is_part else MEANING[report.verdict],
                *([report.lost_end.said] if report.lost_end is not None else []),
                *report.doubts,
                *filter(None, [report.clock]),
            ]
        ),
    )


def _head_of(entry: ProvenEntry, row: Mapping[str, Any], report: Report, checkpoint: Checkpoint) -> _Head:
    """Of a proof: what was written, and by what that is proven. It is none where a row does not hold."""
    kind, payload, at = row["event_type"], str(row["payload"]), row["created_at"]
    how = "it holds, and is the one that the checkpoint knew as the last"
    if report.entries > 1:
        how = (
            f"it is the first of {report.entries:,} entries up to {report.tenants[0].last_seq:,}, which all "
            "hold and continue the one before, and whose last is the one that the checkpoint knew as the last"
        )
    facts = [
        ("What", entry.in_words(kind, payload)),
        ("Event type", kind),
        ("Written", f"{utc_time(seconds(at))} ({at})" if isinstance(at, int) else readable(at)),
        ("Hash", row["hash"]),
        ("Hash of the entry before", row["previous_hash"]),
    ]
    cut = f", its first {LONGEST:,} characters" * (len(payload) > LONGEST)
    return _Head(
        f"Entry {entry.seq:,} of {tenant_name(row['tenant_id'])}",
        Verdict.VERIFIED,
        "PROVEN",
        f"Checkpoint {checkpoint.number} of {utc_time(checkpoint.at)} covers it: {how}.",
        _table((), [fact for fact in facts if fact[1] is not None])
        + f"<h2>Payload, as stored{cut}</h2><pre>{_cell(payload[:LONGEST])}</pre>",
    )


def _html(
    head: _Head, report: Report, checkpoints: Sequence[Checkpoint], asked: Sequence[tuple[str, str]]
) -> str:
    facts = [
        *asked,
        ("Entries", f"{report.entries:,}"),
        ("Not in a checkpoint yet", f"{report.not_covered:,}"),
        ("Findings", report.tally or "none"),
        ("Time taken", f"{report.seconds:.2f} s"),
    ]
    findings = [
        (item.code, item.tenant, item.seq, item.message, item.expected, item.actual)
        for item in report.findings[:SHOWN]
    ]
    tenants = [
        (own.tenant, own.verdict, f"{own.entries:,}", own.first_seq, own.last_seq, own.anchor, own.head)
        for own in report.every_tenant[:SHOWN]
    ]
    signed = [
        (
            item.number,
            utc_time(item.at),
            item.reason,
            item.last_seq,
            f"{item.rows_ever:,}",
            item.hash,
            item.key,
        )
        for item in checkpoints
    ]
    return Template(_resource(PAGE).decode()).substitute(
        title=_cell(head.title),
        style=_resource(STYLE).decode(),
        verdict=head.style,
        words=head.words,
        meaning=escape(head.meaning),
        entry=head.more,
        facts=_table((), facts),
        findings=_table(("Code", "Tenant", "Entry", "What", "Expected", "Found"), findings),
        tenants=_table(("Tenant", "Verdict", "Entries", "First", "Last", "Start proven by", "Head"), tenants),
        checkpoints=_table(("Number", "Made", "Reason", "Through", "Rows ever", "Hash", "Key"), signed),
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    if not rows:
        return "<p>None.</p>"
    titles = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = ["".join(f"<td>{_cell(value)}</td>" for value in row) for row in rows]
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in (titles, *lines) if line) + "</table>"


def _cell(value: object) -> str:
    return "" if value is None else escape(visible(str(value)))


_ALONG: Final = f"""
SELECT count(*), coalesce(sum(length(CAST(payload AS BLOB))), 0) FROM {TABLE}
WHERE seq BETWEEN ? AND ? AND CAST(tenant_id AS TEXT) = ?
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Proof:
    """What proves an entry: all of its tenant's from it up to what the checkpoint knew as the last."""

    seq: int
    tenant: str
    last: int
    checkpoint: Checkpoint

    @property
    def section(self) -> Section:
        return Section(self.tenant, self.seq, self.last)

    @property
    def most(self) -> int:
        """Entries that are read for it, at the most: others' have numbers in between."""
        return self.last - self.seq + 1

    def said(self, entries: int) -> str:
        """What was written."""
        tenant = tenant_name(self.tenant)
        until = f"checkpoint {self.checkpoint.number}, {counted(entries, 'entry', 'entries')}"
        return f"Entry {self.seq:,} of {tenant} up to {until}"


@dataclass(frozen=True, slots=True)
class GoingAlong:
    """What a proof gives away: so many entries, the proven one among them, with so many bytes of payloads."""

    entries: int
    size: int


class NotCovered(errors.InvalidInput):
    """Nothing proves the entry before all chains have been verified once."""

    heading = "Nothing proves this entry yet"


def find_proof(where: Where, store: CheckpointStore, wanted: int | str) -> Proof:
    """By a number, or by a hash or its beginning. Raises `InvalidInput` where there is no such entry,
    `NotCovered` where no checkpoint covers it, and the errors of the store.
    """
    with where.connect() as database:
        seq, tenant = find_entry(database, wanted)
    for item in store.known(where).checkpoints:
        known = item.tenants.get(tenant)
        if known is not None and known.first_seq <= seq <= known.last_seq:
            return Proof(seq, tenant, known.last_seq, item)
    why = "A verification of all chains makes one where they hold"
    raise NotCovered(FIELD, f"No checkpoint covers entry {seq:,} of {tenant_name(tenant)} yet. {why}.")


def going_along(where: Where, proof: Proof) -> GoingAlong | None:
    """Counts it before anything is written; None where each entry that is read is charged. The payloads go
    along, too: they are what the hashes between the entry and the checkpoint are made of.
    """
    if where.costs:
        return None
    with where.connect() as database:
        ((entries, size),) = database.rows(engine.raw(_ALONG, proof.seq, proof.last, proof.tenant))
    return GoingAlong(int(entries), int(size))


def write_proof(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    proof: Proof,
    folder: Path,
    *,
    now: Now,
    by: str,
    in_words: InWords,
    monitor: progress.Monitor = progress.UNWATCHED,
) -> int:
    """Verifies what is between, on behalf of `by`, and writes it, into a new or empty folder; how many
    entries these are. The report tells the entry `in_words`.

    Raises `InvalidInput` where they do not hold, as nothing is proven then, and the errors of
    `write_bundle` and of a verification.
    """
    require_free(folder, "the proof")
    report = making.verify_with_checkpoints(
        where, store, verify, now=now, by=by, section=proof.section, monitor=monitor
    )
    if report.verdict not in SOUND or report.undecided:
        found = f" ({report.tally})" if report.tally else ""
        how = "do not hold" if report.verdict is not Verdict.EARLIER else "end before what that knew"
        what = f"entries from {proof.seq:,} up to checkpoint {proof.checkpoint.number} {how}{found}"
        raise errors.InvalidInput(FIELD, f"Nothing was written: the {what}. Export the report instead.")
    write_bundle(
        where,
        report,
        folder,
        section=proof.section,
        checkpoints=[proof.checkpoint],
        entry=ProvenEntry(proof.seq, in_words),
        now=report.begun(now),
        monitor=monitor,
    )
    return report.entries
