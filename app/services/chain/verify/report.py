"""What a verification is told of checkpoints, and what it says; the JSON of the CLI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from app.services.chain.rules import SOUND, VERDICTS_OF_THEIR_OWN, WARNINGS, Anchor, Finding, Verdict
from app.services.text import counted

if TYPE_CHECKING:  # which is made of what a report holds
    from app.services.chain.checkpoints.document import Checkpoint


class Section(NamedTuple):
    """What of a file is verified: the chain of `tenant`, and of it the rows `first <= seq <= last`.

    None is no limit.
    """

    tenant: str | None = None
    first: int | None = None
    last: int | None = None

    @property
    def is_range(self) -> bool:
        return self.first is not None or self.last is not None


EVERYTHING: Final = Section()


@dataclass(frozen=True, slots=True)
class TenantReport:
    """One tenant's chain. `head` is the stored hash of its last row.

    `anchor` says how the start is proven, None when nothing proves it.
    `unwitnessed` is the number of rows that no checkpoint covers.
    """

    tenant: str
    verdict: Verdict
    entries: int
    first_seq: int | None
    last_seq: int | None
    head: str | None
    anchor: Anchor | None
    unwitnessed: int

    def to_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "verdict": str(self.verdict),
            "entries": self.entries,
            "firstSeq": self.first_seq,
            "lastSeq": self.last_seq,
            "head": self.head,
            "anchor": None if self.anchor is None else str(self.anchor),
            "unwitnessed": self.unwitnessed,
        }


@dataclass(frozen=True, slots=True)
class SealedChain:
    """What a checkpoint says of one tenant: its rows then, and the digest of those since the one before.

    `pruned_through` is the last seq that a prune marker accounted for, 0 if none.
    """

    first_seq: int
    last_seq: int
    entries: int
    head: str
    digest: str
    pruned_through: int
    first_hash: str
    first_at: int | None
    head_at: int | None


@dataclass(frozen=True, slots=True)
class Seal:
    """What a new checkpoint is made of: every chain through seq `through`, with digests behind `after`."""

    after: int
    through: int
    tenants: Mapping[str, SealedChain]


def may_replace(item: "Checkpoint", before: Iterable["Checkpoint"], keys: frozenset[str] | None) -> bool:
    """Whether its key is one of `keys` (None are all), or the only one so far.

    Whoever signs with an unknown key may correct what they said themselves, and nobody else.
    """
    return keys is None or item.key in keys or all(other.key == item.key for other in before)


@dataclass(frozen=True, slots=True)
class CheckpointHistory:
    """The checkpoints of a file, oldest first, the starts its user adopted, and what is wrong with either.

    `adopted` maps a tenant to the seq and previous hash of the first row that a person accepted. `notes` are
    sentences about them that are no findings. What a checkpoint knows that is signed with none of `keys` is
    held against the rows, but proves none; None are all keys. Up to the number `counted` the file may have
    numbered entries that are gone: a person has said that it is right so.
    """

    checkpoints: tuple["Checkpoint", ...] = ()
    adopted: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    keys: frozenset[str] | None = None
    counted: int = 0

    @property
    def latest(self) -> "Checkpoint | None":
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def proving(self) -> "Checkpoint | None":
        """The latest that is signed with a key that is known."""
        keys = self.keys
        return next((item for item in reversed(self.checkpoints) if keys is None or item.key in keys), None)

    @property
    def voices(self) -> tuple[tuple["Checkpoint", ...], ...]:
        """All that are signed with known keys, and those of each other key: none speaks for another."""
        found: dict[str | None, list[Checkpoint]] = {}
        for item in self.checkpoints:
            known = self.keys is None or item.key in self.keys
            found.setdefault(None if known else item.key, []).append(item)
        return tuple(tuple(items) for items in found.values())

    def replaces(self, place: int) -> bool:
        """Whether what the checkpoint at that place says may stand for what those before it say."""
        return may_replace(self.checkpoints[place], self.checkpoints[:place], self.keys)

    @property
    def baseline(self) -> int:
        """The place of the last one that covers everything: those before it say nothing more of rows."""
        whole = (place for place, item in enumerate(self.checkpoints) if item.after == 0)
        return max(filter(self.replaces, whole), default=0)

    @property
    def current(self) -> tuple["Checkpoint", ...]:
        """Those that say something the later ones do not: from the last one that covers everything."""
        return self.checkpoints[self.baseline :]

    @property
    def marks(self) -> list[tuple[int, str]]:
        """Where a scan notes a tenant's state: where each knew its end, and where the latest ends."""
        ends = [end for *_, end in self.voices]
        known = (item for checkpoint in self.checkpoints for item in checkpoint.tenants.items())
        found = {(sealed.last_seq, tenant) for tenant, sealed in known}
        found |= {(end.through, tenant) for end in ends for tenant in end.tenants}
        return sorted(found)


def tally(errors: int, warnings: int) -> str:
    """ "2 errors, 19 warnings"; empty where there are none."""
    kinds = (errors, "error"), (warnings, "warning")
    return ", ".join(counted(number, kind) for number, kind in kinds if number)


def in_order(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    """Warnings last; each in the order of seq, those that name none behind the others."""
    return tuple(sorted(findings, key=lambda item: (item.is_warning, item.seq is None, item.seq or 0)))


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for a file, a tenant or a range.

    `findings` are `in_order` and limited in number; `counts` has all of them by code, kept or not.
    `seal` is there when the whole file was scanned for a checkpoint. `archives` is how many archive files
    were read along with the file. `earlier` is the number of the checkpoint that the file is exactly as at,
    where later ones knew more. `notes` are sentences about the checkpoints that are no findings.
    """

    verdict: Verdict
    entries: int
    seconds: float
    findings: tuple[Finding, ...]
    tenants: tuple[TenantReport, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    seal: Seal | None = field(default=None, repr=False)
    archives: int = 0
    earlier: int | None = None
    notes: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong and every start is proven: exit code 0 of `tenant-admin verify`."""
        return self.verdict in SOUND

    @property
    def found(self) -> int:
        """How many findings there are, kept or not."""
        return sum(self.counts.values())

    @property
    def warnings(self) -> int:
        """How many of them are warnings; those that are errors elsewhere are all kept."""
        found = sum(self.counts.get(code, 0) for code in WARNINGS)
        return found + sum(item.warning for item in self.findings)

    @property
    def errors(self) -> int:
        own = sum(self.counts.get(code, 0) for code in VERDICTS_OF_THEIR_OWN)
        return self.found - self.warnings - own

    @property
    def tally(self) -> str:
        """ "2 errors, 19 warnings"; what is the verdict itself is not counted."""
        return tally(self.errors, self.warnings)

    @property
    def unwitnessed(self) -> int:
        return sum(tenant.unwitnessed for tenant in self.tenants)

    def to_json(self) -> dict[str, Any]:
        """The JSON of `tenant-admin verify --json`, as plain values; `notes` where there are any."""
        return {
            "verdict": str(self.verdict),
            "entries": self.entries,
            "seconds": round(self.seconds, 3),
            "findings": [finding.to_json() for finding in self.findings],
            "tenants": [tenant.to_json() for tenant in self.tenants],
        } | ({"notes": list(self.notes)} if self.notes else {})
