"""What a retention run did, for a person, a script and those who show the file."""

from dataclasses import dataclass, field
from typing import Any

from app.services.chain.checkpoints.making import Attempt
from app.services.chain.pruning import LeftAlone
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN
from app.services.retention.clock import ClockDoubt
from app.services.retention.other_tables import Skipped
from app.services.retention.plan import changes, in_doubt, stays
from app.services.text import counted, tenant_name

_NAMED = 2
"""Tenants whose names a line of the outcome has room for."""


@dataclass(slots=True)
class RetentionResult:
    """What went, and what stayed although it is old.

    `changed` counts the rows that lost what they referred to. `cancelled` says that there is more to remove;
    what was removed is complete in itself. `archives` are the names of the files that keep the removed audit
    entries. `bookmark` names the state before, where the database can be brought back to it (Time Travel).
    `doubt` says why the clock was in doubt, also when a person has said that it is right.
    `caution` is what to know and do now that a report was made.
    `unrecorded` is why no entry says what stays. `no_checkpoint` is why none could be made afterwards.
    `broken` is what the verification afterwards found that was not so before, by tenant; under None it is the
    file's. `after` is all that it found.
    """

    cutoff: int
    removed: dict[str, int]
    changed: dict[str, int] = field(default_factory=dict)
    left: tuple[LeftAlone, ...] = ()
    skipped: tuple[Skipped, ...] = ()
    cancelled: bool = False
    seconds: float = 0.0
    archives: tuple[str, ...] = ()
    bookmark: str | None = None
    doubt: ClockDoubt | None = None
    caution: str | None = None
    unrecorded: str | None = None
    no_checkpoint: str | None = None
    broken: dict[str | None, str] = field(default_factory=dict)
    after: Attempt | None = field(default=None, repr=False)

    @property
    def total(self) -> int:
        return sum(self.removed.values())

    @property
    def is_complete(self) -> bool:
        """Whether all that is old went, and what stays holds."""
        return not (self.left or self.skipped or self.cancelled or self.broken)

    @property
    def outcome(self) -> str:
        """How much went, and what stays although it is old: `7 rows; old entries of acme stay`."""
        names = sorted({tenant_name(one.tenant_id) for one in self.left})
        whose = " and ".join(names) if len(names) <= _NAMED else counted(len(names), "tenant")
        stays = [f"old entries of {whose}"] if names else []
        stays += [f"old rows of {table}" for table in sorted({one.table for one in self.skipped})]
        return (
            f"{counted(self.total, 'row')}; {', '.join(stays)} stay" if stays else counted(self.total, "row")
        )

    @property
    def alarm(self) -> str | None:
        """The first of what is broken, for a person who has to look at it."""
        if not self.broken:
            return None
        tenant, reason = next(iter(self.broken.items()))
        whose = "" if tenant is None else f" of {tenant_name(tenant)}"
        more = f" {counted(len(self.broken) - 1, 'more tenant')} too." if len(self.broken) > 1 else ""
        return (
            f"Retention removed {counted(self.total, 'row')}; after that, the audit chain{whose} was found "
            f"broken: {reason}{more} Verify the database."
        )

    def change(self) -> Change:
        """What those who show the file are told of it; retention cannot be undone."""
        went = {table for table, rows in (*self.removed.items(), *self.changed.items()) if rows}
        bulk = frozenset(went | {AUDIT_CHAIN.name})
        return Change(f"Retention removed {self.outcome}", (), (), bulk=bulk, bookmark=self.bookmark)

    def to_json(self) -> dict[str, Any]:
        """The documented JSON of `tenant-admin retention --json`."""
        found = {"cutoff": self.cutoff, "dryRun": False, "removed": dict(self.removed)}
        found |= changes(self.changed) | stays(self.left, self.skipped) | in_doubt(self.doubt)
        if self.cancelled:
            found["cancelled"] = True
        if self.bookmark is not None:
            found["bookmark"] = self.bookmark
        if self.unrecorded is not None:
            found["notRecorded"] = self.unrecorded
        if self.broken:
            found["broken"] = [{"tenant": name, "reason": why} for name, why in self.broken.items()]
        return found if self.no_checkpoint is None else found | {"noCheckpoint": self.no_checkpoint}
