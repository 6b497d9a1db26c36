"""Carries out a retention plan: a checkpoint, the removal, its report, and a checkpoint again. That a run
began is noted in a file of the program's own, so that one that did not end is known.
"""

import json
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Final

from app import paths
from app.services.chain.append import Batch, Event
from app.services.chain.archives import Archiver
from app.services.chain.cautions import NoBookmark, NotRecorded
from app.services.chain.checkpoint import Reason
from app.services.records.tables import AUDIT_CHAIN
from app.services.records.unaltered import unaltered
from app.services.retention.clock import ClockProblem, last_report
from app.services.retention.plan import (
    NOTHING_CONFIRMED,
    Confirmation,
    NeedsConfirmation,
    Plan,
    TryCheckpoint,
    cannot_record,
    hold_back,
    require_same_tables,
    stays,
    unsigned,
)
from app.services.retention.removal import RetentionRemoval, RetentionResult
from app.services.text import counted
from models import engine, errors, status


@dataclass(frozen=True, slots=True)
class Begun:
    """A run that began `at` this time, in epoch seconds, and has not ended, as far as is known; or that was
    stopped where the database was `closed`.
    """

    at: int
    closed: bool = False


def begun_of(database: errors.FileOrName) -> Begun | None:
    """What is noted of a file, or of a live database by its identity; None where each run has ended."""
    with suppress(OSError, ValueError, TypeError):
        found = Begun(**json.loads(paths.content(_note(database))))
        if type(found.at) is int:
            return found
    return None


@contextmanager
def noted(database: errors.FileOrName, at: int) -> Iterator[None]:
    """Within it a run is noted, and after it where the process is interrupted, or the database was closed.
    Whoever plans it as a part of it has noted it already, and knows whether the database was closed since.
    """
    found = begun_of(database)
    if found is None or found.at != at:
        _write(database, Begun(at))
    try:
        yield
    except Exception:  # of which a person hears
        _ended(database)
        raise
    _ended(database)


def note_closed(database: errors.FileOrName) -> None:
    """Notes that the run under way, if there is one, is stopped since the database is closed."""
    found = begun_of(database)
    if found is not None:
        _write(database, Begun(found.at, closed=True))


def forget_begun(database: errors.FileOrName) -> None:
    with suppress(OSError):
        _note(database).unlink()


def _ended(database: errors.FileOrName) -> None:
    found = begun_of(database)
    if found is None or not found.closed:
        forget_begun(database)


def _write(database: errors.FileOrName, begun: Begun) -> None:
    note = _note(database)
    with suppress(OSError, errors.StorageError):  # a run does not fail for it
        if paths.NO_HOME not in note.parents:
            paths.keep(note, json.dumps(asdict(begun)))


def _note(database: errors.FileOrName) -> Path:
    name = str(database.absolute()) if isinstance(database, Path) else database
    digest = sha256(name.encode(errors="surrogateescape")).hexdigest()
    return paths.state_dir() / "retention" / f"{digest[:32]}.json"


_FRESH: Final = 3_600
"""Seconds for which a verification is signed where another one would be charged: nothing goes that is not
judged by itself, and nothing is signed but where the chains still have the ends that they had.
"""


def unconfirmed(
    plan: Plan, confirmation: Confirmation, place: str
) -> Iterator[ClockProblem | NeedsConfirmation | NotRecorded]:
    """What a plan that removes something asks about and nobody has agreed to, before anything is tried."""
    if plan.doubt is not None and confirmation.clock != plan.doubt:
        yield ClockProblem(plan.doubt)
    asking = [share for share in plan.majority if share.tenant_id not in confirmation.majority]
    if asking:
        yield NeedsConfirmation(asking)
    if not (plan.has_chain or confirmation.unrecorded):
        yield NotRecorded(place)


class NoCheckpoint(errors.TenantAdminError):
    """No checkpoint could be made before the removal, and nobody has said that it may go without one."""

    sentence = (
        "No checkpoint could be made before the removal. {what} Nothing was removed. Try again when that is "
        "put right, or confirm that it may be removed without a checkpoint."
    )

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class RetentionStopped(errors.StorageError):
    """Something failed after transactions of a run had removed rows, which are gone, or had kept entries in
    archives, which stay there, or is not known to have; `result` counts them.

    `planned` is how many rows were to go, `may_be_more` whether it is not known if the last step failed;
    `error` is what did, `unreported` why the chain has no report of it, perhaps.
    """

    heading = "Retention stopped"

    def __init__(
        self,
        result: RetentionResult,
        planned: int,
        error: errors.TenantAdminError,
        unreported: errors.TenantAdminError | None = None,
    ) -> None:
        self.result, self.planned, self.error = result, planned, error
        self.may_be_more = bool(result.perhaps)
        state = "those are gone, the others stay, and a new run goes on from there"
        if isinstance(error, errors.LogMissing):
            state = "how many of those are gone for good shows when the database is opened again"
        elif self.may_be_more:
            step = f"{sum(result.perhaps.values()):,}"
            state = (
                f"those are gone, the next {step} perhaps too"
                if result.total
                else f"perhaps the first {step} are"
            )
            state += "; a new run finds out, and goes on from there"
        elif result.archives and not result.total:
            first, *more = result.archives
            kept = f"{first} and {counted(len(more), 'more file')}" if more else first
            state = (
                f"what is archived already ({kept}) is in the database still, and a new run goes on with it"
            )
        elif result.total == planned:
            state = "those are gone, and only the record of the run is missing"
        report = ""
        if unreported is not None:
            is_same = unreported.happened == error.happened
            why = "for the same reason." if is_same else f"too: {unreported.happened}"
            report = f" Its report in the audit chain failed{'' if is_same else ','} {why}"
        if result.bookmark is not None:
            report += f" Before it, for Time Travel: {result.bookmark}."
        super().__init__(
            f"Retention stopped when {result.total:,} of {planned:,} rows had been removed; {state}. "
            f"The step that failed: {error.happened}{report}"
        )


def _is_news(database: engine.Database, chain: str, result: RetentionResult) -> bool:
    """Whether the run did something, or met a chain it had to leave that the last report does not name.

    Otherwise every day of an idle file would add an entry that says nothing.
    """
    if result.total or not result.left:
        return result.total > 0
    last = last_report(database, chain)
    try:
        said = json.loads(last.text("payload")) if last is not None else {}
    except RecursionError:
        return True
    return not isinstance(said, dict) or said.get("left") != stays(result.left, ())["left"]


@dataclass(kw_only=True)
class Run(RetentionRemoval):
    """Removes what the plan says, or less, in short transactions. The caller holds a connection.

    The `confirmation` must agree to each tenant that loses its majority and to a clock in doubt; a run that
    finds nothing to do needs none and leaves the file as it is. A checkpoint is made before and after: the
    one before of the plan's own verification where nobody has written to the file since, or where each row is
    charged and it is `_FRESH`, else of a new one. A
    tenant that it stops, and one whose prefix is no longer as it was planned, is left as it is and named.
    What was removed is reported in the plan's `chain`, behind what is `unreported` of runs before it; what
    that chain does not take is written to the log, and `is_logged` says so.

    That it began, at `wall` by this computer's clock whatever `now` a person has stated, is noted of what
    `kept_by` names (`Opened.kept_by`) until it has ended.

    With `archive`, a folder that exists, each tenant's audit entries are kept there in a file before any of
    them is removed, and the markers name it (`app.services.chain.archives`).
    """

    confirmation: Confirmation = NOTHING_CONFIRMED
    checkpoint: TryCheckpoint
    kept_by: errors.FileOrName
    wall: int
    archive: Path | None = None
    unreported: tuple[Event, ...] = ()
    is_logged: bool = False

    def carry_out(self) -> RetentionResult:
        """Goes on to its end where writes are locked in its middle.

        Raises `ReadOnlyFile`, `NotAllowed` where something stands in the way of any removal,
        `NeedsConfirmation`, `ClockProblem`, `NotRecorded`, `NoCheckpoint`, `NoBookmark`, the storage errors,
        those of the archive among them, where nothing had been removed or archived, and `RetentionStopped`
        where something had, or perhaps; what was removed is reported in the chain too.
        """
        with noted(self.kept_by, self.wall):
            try:
                self._carry_out()
            except RetentionStopped as error:
                from app import bugs  # noqa: PLC0415 - only needed when something broke

                if error.result.unreported:  # whoever would try again may be gone when the chain takes it
                    self.is_logged = bugs.write(f"{self.database.place}: {error}")
                raise
            if not self.result.cancelled:
                forget_begun(self.kept_by)  # it has ended, whatever is closed meanwhile
        return self.result

    def _carry_out(self) -> None:
        self.database.require_writable()
        started = time.monotonic()
        self.result.unreported = self.unreported
        self.require_leave()
        if self.archive is not None:
            self.archiver = Archiver(self.database, self.archive)
        with self.database.begun(), self.database.in_background():
            try:
                with self.database.in_background(self.monitor.cancelled):
                    self.go()
            except Exception:  # whoever interrupts does not wait for a verification
                self.look_back()
                raise
            finally:
                self.result.seconds = time.monotonic() - started
            self.look_back()

    def require_leave(self) -> None:
        """Raises what stands in the way of any removal, and what nobody has agreed to yet."""
        database, plan, confirmation = self.database, self.plan, self.confirmation
        recording = cannot_record(database, plan, plan.attempt) if plan.is_recorded else None
        obstacle = plan.obstacle or recording
        if obstacle is not None:
            raise errors.NotAllowed(f"{obstacle} Nothing was removed.")
        if not plan.total:
            return
        for asking in unconfirmed(plan, confirmation, database.place):
            raise asking

    def go(self) -> None:
        """All of it but the checkpoint after. The commit of the report syncs all those before it."""
        try:
            try:
                if self.plan.total:
                    self.require_as_shown()
                    self.mark()  # before what costs more
                if self.plan.total and self.plan.has_chain:
                    self.check()
                self.remove()
            except errors.Cancelled:
                self.result.cancelled = True
            try:
                is_news = self.unreported or self.plan.unfinished
                if is_news or _is_news(self.database, self.plan.chain, self.result):
                    self.report()
            except errors.Cancelled:  # nobody waits any more for an answer that does not come
                self.result.cancelled = True
        except errors.TenantAdminError as error:
            if not (self.result.total or self.result.archives or self.result.perhaps):
                raise
            stopped = RetentionStopped(self.result, self.plan.total, error)
            try:
                if self.result.total:
                    self.report(error=stopped)
            except errors.TenantAdminError as unreported:
                stopped = RetentionStopped(self.result, self.plan.total, error, unreported)
            raise stopped from error
        except Exception:  # what went is on record all the same; the mistake travels on as it is
            if self.result.total:
                mistake = errors.TenantAdminError("A mistake of the program ended it.")
                with suppress(errors.TenantAdminError):
                    self.report(error=RetentionStopped(self.result, self.plan.total, mistake))
            raise

    def require_as_shown(self) -> None:
        """Raises `NotAllowed` where more goes along by now than whoever agreed was shown."""
        require_same_tables(self.database, self.plan)
        if self.untouched():
            return
        plan = self.plan
        if more := plan.others.grown(self.database, plan.beside, plan.changed):
            raise errors.NotAllowed(
                f"More rows of {' and '.join(dict.fromkeys(more))} would go or change now than were counted; "
                "nothing was removed. Look at the preview again."
            )

    def mark(self) -> None:
        """Takes a bookmark of what is there, where the database can be brought back to it."""
        try:
            self.result.bookmark = self.database.bookmark("before data retention")
            if self.result.bookmark is None and self.database.costs:  # a `wrangler dev`, which has none
                place = self.database.place
                self.result.no_bookmark = f"{place} has no Time Travel, which would bring back what went."
        except errors.StorageError as error:
            missing = NoBookmark.by(self.database.place, error)
            if not self.confirmation.without_bookmark:
                raise missing from error
            self.result.no_bookmark = missing.happened

    def look_back(self) -> None:
        """Makes the checkpoint after, and keeps what its verification found that was not so before.

        That is of the whole, of a live database, too: a checkpoint says that every row was seen, and those
        that remain may have been altered or removed by others since the verification before. Nothing in the
        batches guards them, and to count them through an index is charged as to read them is.
        """
        if not (self.result.total and self.plan.has_chain):
            return
        if self.is_left_unreported:
            self.result.no_checkpoint = f"{self.database.place} did not answer when the run was cancelled."
            return
        try:
            untouched = self.database.watch()
        except errors.StorageError as error:  # what was opened is not there now; the run has removed from it
            self.result.no_checkpoint = error.happened
            return
        after = self.result.after = self.checkpoint(reason=Reason.RETENTION)
        self.result.is_seen_whole = untouched()
        self.result.no_checkpoint = after.why_not
        held = after.held
        self.result.broken = {tenant: held[tenant] for tenant in sorted(after.broken - self.attempt.broken)}
        if after.stops is not None and after.failure is None and after.stops not in held.values():
            self.result.broken[None] = after.stops

    @property
    def is_left_unreported(self) -> bool:
        """Whether it was cancelled while the database gave no answer, and the chain has no report of it."""
        return self.database.costs and self.monitor.cancelled() and not self.result.reported

    def check(self) -> None:
        """Makes the checkpoint before, and leaves alone the tenants that its verification stops.

        Raises `NoCheckpoint` and `Cancelled`.
        """
        before, sign = self.plan.attempt, partial(self.checkpoint, reason=Reason.RETENTION)
        if is_changed := not self.untouched():
            self.untouched = self.database.watch()
            if not self.database.costs or self.now - self.plan.now > _FRESH:
                before = None
        self.attempt = sign(monitor=self.monitor, before=before)
        if before is not None and self.attempt.is_refused and not before.is_refused:  # the ends are others
            self.attempt = sign(monitor=self.monitor)
        if is_changed and (obstacle := cannot_record(self.database, self.plan, self.attempt)) is not None:
            raise errors.NotAllowed(f"{obstacle} Nothing was removed.")
        self.shares, held = hold_back(self.shares, self.attempt)
        missing = unsigned(self.shares, self.plan.beside, self.attempt)
        if missing is not None:
            self.monitor.check()  # which may have ended the verification
            if not self.confirmation.without_checkpoint:
                raise NoCheckpoint(missing)
        named = {one.tenant_id for one in self.result.left}
        self.result.left += tuple(one for one in held if one.tenant_id not in named)

    def report(self, error: errors.TenantAdminError | None = None) -> None:
        """Appends the outcome to the plan's `chain`, but not by a clock in doubt: it would confirm that
        clock tomorrow.
        """
        plan, result = self.plan, self.result
        if not plan.has_chain or (plan.doubt is not None and self.confirmation.clock != plan.doubt):
            return
        payload = self.told(result.removed, result.changed) | stays(result.left, result.skipped)
        if result.cancelled:
            payload["cancelled"] = True
        if error is not None:
            payload["error"] = str(error)
        kind = status.AuditEvent.RETENTION_COMPLETED if error is None else status.AuditEvent.RETENTION_FAILED
        before, event = self.unreported, Event(plan.chain, kind, payload)
        result.unreported = (*before, Event(plan.chain, kind, payload | {"at": self.now}))
        try:
            self._record(lambda: Batch([unaltered([AUDIT_CHAIN.name])], (*before, event)))
        except errors.RowChanged as changed:
            if why := self._altered("it cannot be recorded"):
                raise errors.NotAllowed(why) from changed
            raise
        result.reported, result.unreported = True, ()
        result.caution = plan.caution
