"""What is asked of a verification, the run of it, and what is known of each entry after it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import cached_property
from pathlib import Path

from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import verify_and_sign, verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import OF_AN_ENTRY, Anchor, Code, Verdict
from app.services.chain.verify.report import Report
from app.workers import scan_pool

Ends = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified: the chains of the file or of one tenant, or a range of their entries alone.

    `first` and `last` are seqs, both included, and given together. `archive` is the folder of what retention
    removed; `missing` is that folder where it is not there (any more) and the file is verified alone.
    """

    tenant: str | None = None
    first: int | None = None
    last: int | None = None
    archive: Path | None = None
    missing: Path | None = None

    @property
    def ends(self) -> tuple[int, int] | None:
        """The range; None when it is whole chains."""
        return None if self.first is None or self.last is None else (self.first, self.last)


class State(Enum):
    """What a verification says of one entry."""

    UNCHECKED = auto()
    UNREAD = auto()
    HOLDS = auto()
    UNPROVEN = auto()
    CHANGED = auto()
    BROKEN = auto()


@dataclass(frozen=True)
class Outcome:
    """A verification that has ended; `checkpoint` is the number of the one that was made of it.

    `outdated` says that somebody else has written to the file since.
    """

    asked: Asked
    report: Report
    checkpoint: int | None = None
    outdated: bool = False

    def state(self, seq: int) -> State:
        """What it says of an entry; nothing of one that came later or lies outside of the range."""
        if self.outdated or seq > self._through or (self.asked.first is not None and seq < self.asked.first):
            return State.UNCHECKED
        if (wrong := self._wrong.get(seq)) is not None:
            return State.CHANGED if wrong <= OF_AN_ENTRY else State.BROKEN
        if seq in self._unproven:
            return State.UNPROVEN
        return State.UNREAD if self.report.verdict is Verdict.UNREADABLE else State.HOLDS

    def is_accepted_start(self, seq: int) -> bool:
        """Whether a chain starts at this entry and a person has accepted that."""
        return any(tenant.anchor == Anchor("adopted", seq) for tenant in self.report.tenants)

    @cached_property
    def _through(self) -> int:
        return max((tenant.last_seq or 0 for tenant in self.report.tenants), default=0)

    @cached_property
    def _wrong(self) -> dict[int, set[Code]]:
        found: dict[int, set[Code]] = {}
        for item in self.report.findings:
            if item.seq is not None and item.is_error:
                found.setdefault(item.seq, set()).add(item.code)
        return found

    @cached_property
    def _unproven(self) -> frozenset[int]:
        starts = (item.seq for item in self.report.findings if item.code is Code.UNPROVEN_START)
        return frozenset(seq for seq in starts if seq is not None)


def run(
    asked: Asked,
    path: Path,
    store: CheckpointStore,
    *,
    now: int,
    progress: Callable[[int, int], None],
    cancelled: Callable[[], bool],
) -> Outcome:
    """Verifies, and makes a checkpoint in `store` of a whole file that holds.

    Raises the errors of `verify_and_sign` and `verify_with_checkpoints`.
    """
    if asked.archive is not None and not asked.archive.is_dir():
        asked = replace(asked, archive=None, missing=asked.archive)
    if asked.tenant is None and asked.ends is None:
        found = verify_and_sign(
            path,
            store,
            scan_pool.verify,
            now=now,
            reason=Reason.VERIFY,
            archive=asked.archive,
            progress=progress,
            cancelled=cancelled,
        )
        return Outcome(asked, found.report, found.checkpoint)
    report = verify_with_checkpoints(
        path,
        store,
        scan_pool.verify,
        now=now,
        tenant=asked.tenant,
        seq_from=asked.first,
        seq_to=asked.last,
        archive=asked.archive,
        progress=progress,
        cancelled=cancelled,
    )
    return Outcome(asked, report)
