"""A verification: what is asked of it, the run of it, and what it has found of each entry."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints import making
from app.services.chain.checkpoints.kept import of_each
from app.services.chain.checkpoints.making import SignedReport
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import ABOUT_A_CHAIN, BROKEN, OF_AN_ENTRY, Anchor, Code, Now, Verdict
from app.services.chain.verify.report import EVERYTHING, LostEnd, Report, Section
from app.services.chain.where import Verifier, Where
from app.ui.session.outdated import AGAIN, STANDS
from app.ui.theme import Icon, Tone
from app.workers.scan_pool import store_and_verifier
from models.engine import MOST_READ, read_at_most
from models.progress import Monitor

if TYPE_CHECKING:
    from app.ui.session.context import Context

LinkCell = tuple[str, str | None, Tone | None, str]
"""Text, icon, tone and tool tip of an entry in the link column."""

_VERIFY = "Verify the chain to check"
_NOT_VERIFIED = "unverified", Icon.SHIELD_OFF, None
_OF_OTHERS = ABOUT_A_CHAIN - {Code.UNREADABLE}
"""Findings that name an entry for what is wrong around it, such as the last one that a checkpoint knew."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified: the chains of the file, or a section of them alone.

    `archive` is the folder of what retention removed; `missing` is that folder where it is not there (any
    more) and the file is verified alone. With `export` the file is held against these checkpoints; with
    `since` it was looked at behind that one alone. Else one is made of a whole file, for this `reason`, and
    `accepted_by` is who says that starts which nothing proves are right. With `new_alone` it is looked at
    from the latest checkpoint on, where one fits. Somebody `accepts_end`, which was shown, where the one that
    was verified is not there any more. Of a live database no more than `most` rows are read.
    """

    section: Section = EVERYTHING
    archive: Path | None = None
    missing: Path | None = None
    export: Path | None = None
    reason: Reason = Reason.VERIFY
    accepted_by: str | None = None
    since: int | None = None
    new_alone: bool = False
    accepts_end: LostEnd | bool = False
    most: int = MOST_READ

    @property
    def is_whole(self) -> bool:
        """Whether it says what there is to say of the file; an export may be an old one."""
        return self.section == EVERYTHING and self.export is None


class State(Enum):
    """What a verification says of one entry, as a `LinkCell`."""

    UNCHECKED = (*_NOT_VERIFIED, f"{_VERIFY} this entry.")
    OUTSIDE = (*_NOT_VERIFIED, f"Only other entries were verified. {_VERIFY} this one.")
    UNREAD = (*_NOT_VERIFIED, "It could not be read whole.")
    HOLDS = ("linked", Icon.LINK, Tone.OK, "Hash and link hold.")
    HELD = ("was linked", Icon.LINK, None, f"It held when it was verified. {_VERIFY} this entry again.")
    UNPROVEN = ("unproven", Icon.WARNING, Tone.WARN, "It holds, but nothing proves what came before it.")
    NAMED = ("finding", Icon.WARNING, Tone.BAD, "Hash and link hold, but a finding names this entry.")
    CHANGED = ("hash wrong", Icon.BAD, Tone.BAD, "The entry is not as it was written.")
    BROKEN = ("broken", Icon.LINK_BROKEN, Tone.BAD, "The verification found something wrong here.")


@dataclass(frozen=True)
class Outcome:
    """A verification that has ended; `checkpoint` is the number of the one that was made of it.

    Where none was, `why_not` is a reason, or None. `outdated` says what has changed the file
    since (`RETENTION`, `OTHERS`, `AGAIN` or `STANDS`), if anything has. It was made `at` this time, on behalf
    of `by`, from the checkpoint `since` on where that is not None.
    """

    asked: Asked
    report: Report
    checkpoint: int | None = None
    why_not: str | None = None
    outdated: str = ""
    at: int = 0
    by: str = ""
    since: Checkpoint | None = None

    @classmethod
    def of(cls, found: SignedReport, asked: Asked | None = None, *, at: int, by: str) -> "Outcome":
        """What was `asked`, which is the whole where nothing is said, has `found` this."""
        said = found.report, found.checkpoint, found.why_not
        return cls(asked or Asked(), *said, at=at, by=by, since=found.since)

    @cached_property
    def verdicts(self) -> Mapping[str, Verdict]:
        """That of each tenant."""
        return of_each(self.report, self.since, is_signed=self.checkpoint is not None)

    @property
    def is_broken(self) -> bool:
        return self.report.verdict in BROKEN

    @property
    def intact(self) -> bool:
        return self.report.intact

    @property
    def is_doubted(self) -> bool:
        """Whether less is claimed, since the file has been changed, nothing looks at it again soon, and the
        chain is not known to end as it did.
        """
        return self.outdated not in ("", AGAIN, STANDS)

    @property
    def through(self) -> int:
        """The last entry that was looked at, or that was known to hold."""
        return max(self._through, (self.asked.section.first or 1) - 1)

    def state(self, seq: int) -> State:
        """What it says of an entry; nothing of one that came later or lies outside of the range."""
        first = self.asked.section.first
        codes = self._codes.get(seq, set())
        if wrong := codes - {Code.UNPROVEN_START}:  # which it is until it was looked at again
            if wrong <= OF_AN_ENTRY:
                return State.CHANGED
            return State.NAMED if wrong <= _OF_OTHERS else State.BROKEN
        if self.is_doubted or seq > self._through or (first is not None and seq < first):
            return State.UNCHECKED if first is None else State.OUTSIDE
        if codes:
            return State.UNPROVEN
        if self.report.verdict is Verdict.UNREADABLE:
            return State.UNREAD
        return State.HELD if self.outdated == STANDS else State.HOLDS

    def is_accepted_start(self, seq: int) -> bool:
        return any(tenant.anchor == Anchor("adopted", seq) for tenant in self.report.tenants)

    @cached_property
    def head(self) -> str | None:
        """The stored hash of that entry, where it was looked at."""
        return next((one.head for one in self.report.tenants if one.last_seq == self.through), None)

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
    monitor: Monitor,
    *,
    asked: Asked,
    where: Where,
    now: Now,
    by: str,
    on_report: Callable[[Report], object] | None = None,
    on_cost: Callable[[int], object] = lambda rows: None,
) -> Outcome:
    """Verifies, and makes a checkpoint of a whole file that holds.

    `on_report` hears the verdict before the checkpoint, which may have to wait for a keyring; `on_cost` about
    how many rows are read, before they are, where each is charged. Raises the errors of `verify_and_sign` and
    `verify_with_checkpoints`, and `MuchToRead` before it reads more rows than were asked for.
    """
    store, verify = store_and_verifier()

    def before(section: Section) -> None:
        rows = making.most_to_read(where, store, section)
        read_at_most(asked.most, rows, where.name, charged=where.charges)
        if rows:
            on_cost(rows)

    with where.patient(monitor.cancelled):  # from the first call on
        if asked.new_alone and store.checkpoints(where):
            new = partial(by_itself, where, store, verify, now=now, by=by, before=before, monitor=monitor)
            return new(accepts_end=asked.accepts_end)
        before(asked.section)
        if asked.archive is not None and not asked.archive.is_dir():
            asked = replace(asked, archive=None, missing=asked.archive)
        if asked.is_whole:
            sign = partial(
                making.verify_and_sign, where, store, verify, now=now, by=by, archive=asked.archive
            )
            found = sign(
                reason=asked.reason,
                accepted_by=asked.accepted_by,
                accepts_end=asked.accepts_end,
                on_report=on_report,
                monitor=monitor,
            )
            return Outcome.of(found, asked, at=found.report.begun(now), by=by)
        hold = partial(making.verify_with_checkpoints, where, store, verify, now=now, by=by, monitor=monitor)
        report = hold(section=asked.section, export=asked.export, archive=asked.archive)
        return Outcome(asked, report, at=report.begun(now), by=by)


def verify(
    context: "Context",
    asked: Asked,
    *,
    on_report: Callable[[Report], object] | None = None,
    on_cost: Callable[[int], object],
) -> Callable[[Monitor], Outcome]:
    """`run` as the work of a job, of the open database and for the person who asks now."""
    where, now, by = context.opened.where, context.clock, context.settings.actor
    return partial(run, asked=asked, where=where, now=now, by=by, on_report=on_report, on_cost=on_cost)


def begin(context: "Context", then: Callable[[], object]) -> None:
    """Tells that a person has asked for a verification, and what others have written until now, which is
    verified and must not outdate the outcome; and `then` begins it.
    """
    context.verdict.ask()
    context.outside.look(then)


def by_itself(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: Now,
    by: str,
    monitor: Monitor,
    whole_up_to: int = 0,
    sign: bool = True,
    accepts_end: LostEnd | bool = False,
    before: Callable[[Section], object] = lambda section: None,
) -> Outcome:
    """Verifies no more than says that it still holds; all are as in `verify_by_itself`."""
    hold = partial(making.verify_by_itself, where, store, verify, now=now, by=by, sign=sign)
    with where.patient(monitor.cancelled):
        found = hold(whole_up_to=whole_up_to, accepts_end=accepts_end, before=before, monitor=monitor)
    since = found.since
    asked = Asked()
    if since is not None:
        asked = Asked(Section(first=since.through + 1), since=since.number)
    return Outcome.of(found, asked, at=found.report.begun(now), by=by)
