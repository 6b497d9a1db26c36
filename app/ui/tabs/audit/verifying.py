"""A verification: what is asked of it, the run of it, and what it says of each entry."""

from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path

from app.itemmodels.columns import Tone
from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import Verifier, verify_and_sign, verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import OF_AN_ENTRY, Anchor, Code, Verdict
from app.services.chain.verify.report import Report
from app.ui.theme.icons import Icon
from models.progress import Progress, Stop

Ends = tuple[int, int]
LinkCell = tuple[str, str | None, Tone | None, str]
"""Text, icon, tone and tool tip of an entry in the link column."""

_VERIFY = "Verify the chain to check"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified: the chains of the file or of one tenant, or a range of their entries alone.

    `ends` are the seqs of such a range, both included. `archive` is the folder of what retention removed;
    `missing` is that folder where it is not there (any more) and the file is verified alone.
    """

    tenant: str | None = None
    ends: Ends | None = None
    archive: Path | None = None
    missing: Path | None = None


class State(Enum):
    """What a verification says of one entry, as a `LinkCell`."""

    UNCHECKED = ("not checked", None, None, f"{_VERIFY} this entry.")
    OUTSIDE = ("not checked", None, None, f"Only other entries were verified. {_VERIFY} this one.")
    UNREAD = ("not checked", None, None, "The file could not be read whole.")
    HOLDS = ("linked", Icon.LINK, Tone.OK, "Hash and link hold.")
    UNPROVEN = ("unproven", Icon.WARNING, Tone.WARN, "It holds, but nothing proves what came before it.")
    CHANGED = ("hash wrong", Icon.BAD, Tone.BAD, "The entry is not as it was written.")
    BROKEN = ("broken", Icon.LINK_BROKEN, Tone.BAD, "The verification found something wrong here.")


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
        ends = self.asked.ends
        if self.outdated or seq > self._through or (ends is not None and seq < ends[0]):
            return State.UNCHECKED if ends is None else State.OUTSIDE
        codes = self._codes.get(seq, set())
        if wrong := codes - {Code.UNPROVEN_START}:
            return State.CHANGED if wrong <= OF_AN_ENTRY else State.BROKEN
        if codes:
            return State.UNPROVEN
        return State.UNREAD if self.report.verdict is Verdict.UNREADABLE else State.HOLDS

    def is_accepted_start(self, seq: int) -> bool:
        """Whether a chain starts at this entry and a person has accepted that."""
        return any(tenant.anchor == Anchor("adopted", seq) for tenant in self.report.tenants)

    @cached_property
    def _through(self) -> int:
        return max((tenant.last_seq or 0 for tenant in self.report.tenants), default=0)

    @cached_property
    def _codes(self) -> dict[int, set[Code]]:
        """What was found at each entry: its errors, and that nothing proves a start."""
        found: dict[int, set[Code]] = {}
        for item in self.report.findings:
            if item.seq is not None and (item.is_error or item.code is Code.UNPROVEN_START):
                found.setdefault(item.seq, set()).add(item.code)
        return found


def run(
    asked: Asked,
    path: Path,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    progress: Progress,
    cancelled: Stop,
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
            verify,
            now=now,
            reason=Reason.VERIFY,
            archive=asked.archive,
            progress=progress,
            cancelled=cancelled,
        )
        return Outcome(asked, found.report, found.checkpoint)
    first, last = asked.ends or (None, None)
    report = verify_with_checkpoints(
        path,
        store,
        verify,
        now=now,
        tenant=asked.tenant,
        seq_from=first,
        seq_to=last,
        archive=asked.archive,
        progress=progress,
        cancelled=cancelled,
    )
    return Outcome(asked, report)
