"""Proof of one entry for somebody else: the entry, the first checkpoint that covers it, what is between them,
and the stand-alone verifier, as a small evidence bundle (`evidence.py`).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from app.services.chain import evidence
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.making import Verifier
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.finding import FIELD, find_entry
from app.services.chain.rules import SOUND, TABLE
from app.services.chain.verify.report import Section
from app.services.chain.where import Where
from app.services.text import counted, tenant_name
from models.engine import raw
from models.errors import InvalidInput
from models.progress import UNWATCHED, Monitor

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


class NotCovered(InvalidInput):
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
        ((entries, size),) = database.rows(raw(_ALONG, proof.seq, proof.last, proof.tenant))
    return GoingAlong(int(entries), int(size))


def write_proof(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    proof: Proof,
    folder: Path,
    *,
    now: int,
    in_words: evidence.InWords,
    monitor: Monitor = UNWATCHED,
) -> int:
    """Verifies what is between and writes it, into a new or empty folder; how many entries these are. The
    report tells the entry `in_words`.

    Raises `InvalidInput` where they do not hold, as nothing is proven then, and the errors of
    `evidence.write_bundle` and of a verification.
    """
    evidence.require_free(folder, "the proof")
    report = making.verify_with_checkpoints(
        where, store, verify, now=now, section=proof.section, monitor=monitor
    )
    if report.verdict not in SOUND or report.undecided:
        found = f" ({report.tally})" if report.tally else ""
        what = f"entries from {proof.seq:,} up to checkpoint {proof.checkpoint.number} do not hold{found}"
        raise InvalidInput(FIELD, f"Nothing was written: the {what}. Export the report instead.")
    evidence.write_bundle(
        where,
        report,
        folder,
        section=proof.section,
        checkpoints=[proof.checkpoint],
        entry=evidence.ProvenEntry(proof.seq, in_words),
        now=now,
        monitor=monitor,
    )
    return report.entries
