"""Verification and checkpoints together, in one call for each thing a person does."""

from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Final, Required, TypedDict, Unpack

from app.services.chain.checkpoint import NEW_LINE, Checkpoint, CheckpointHistory, Reason
from app.services.chain.checkpoints.document import Disturbed, NotSigned
from app.services.chain.checkpoints.gone import telling
from app.services.chain.checkpoints.identity import has_ends
from app.services.chain.checkpoints.lost_ends import ends_to_look_for, keep_verdict, with_lost_end_of
from app.services.chain.checkpoints.rows import rows_of
from app.services.chain.checkpoints.signing import require_sound, why_none
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.reading import looked_up
from app.services.chain.rules import BROKEN, HIGHEST_SEQ, SOUND, Code, Now, Verdict, moment
from app.services.chain.verify.report import EVERYTHING, NO_CHECKPOINT, LostEnd, Report, Section
from app.services.chain.verify.source import CannotVerify
from app.services.chain.where import Verifier, Where
from app.services.text import tenant_name
from models.errors import TableMissing, TenantAdminError
from models.progress import UNWATCHED, Monitor
from models.status import DAY


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A verification, and the number of the checkpoint that was made of it, or why none was; both None where
    none is needed. `since` is the checkpoint behind which it looked; None where it looked at the whole file.
    It `is_refused` where none was made for what was found, and not since it could not be written, say;
    `is_disturbed` where others took or changed entries before it was made.
    """

    report: Report
    checkpoint: int | None = None
    why_not: str | None = None
    since: Checkpoint | None = None
    is_refused: bool = False
    is_disturbed: bool = False


_TIMES: Final = 3
"""How often it is verified, at most, where others take or change entries meanwhile."""


def _until_undisturbed(attempt: Callable[[], SignedReport]) -> SignedReport:
    """What others do to the database meanwhile is nobody's fault: it is verified as it is by now."""
    for _ in range(_TIMES - 1):
        if not (made := attempt()).is_disturbed:
            return made
    return attempt()


_NOT_ASKED = f"{NO_CHECKPOINT}: verify it yourself to make one; the keyring may ask to be unlocked"
"""Why none is made where a keyring would have to ask for something that nobody is waiting for."""

WAIVED = {*BROKEN, Verdict.UNPROVEN_START}
"""Verdicts of one tenant that keep a checkpoint from being made, and stop no other tenant."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a checkpoint beside another act, and what that act must leave alone.

    `report` is what was found of the file, held against what was `known` of it; None where it could not be
    verified, and `failure` says why. `checkpoint` is the number of the one made, `why_not` why none was, or
    would be, where there are entries to sign. All are sentences for a person. `is_refused` as of
    `SignedReport`.
    """

    report: Report | None = None
    known: CheckpointHistory = field(default_factory=CheckpointHistory)
    failure: str | None = None
    why_not: str | None = None
    is_refused: bool = False
    checkpoint: int | None = None

    @property
    def signed(self) -> SignedReport | None:
        """What was found with what came of it, where it could be verified."""
        return None if self.report is None else SignedReport(self.report, self.checkpoint, self.why_not)

    def why_not_of(self, ends: Mapping[str, int], *, others: bool = False) -> str | None:
        """Why entries that go, of each tenant through the number in `ends`, are in no checkpoint.

        Where a chain does not hold or begins unproven, which stops no other tenant, one from before will do;
        any, where `others` go than entries, which none speaks of.
        """
        if not self.is_refused or self.report is None or self.report.verdict not in WAIVED:
            return self.why_not
        last = self.known.proving
        known = {} if last is None else {name: sealed.last_seq for name, sealed in last.tenants.items()}
        is_known = all(known.get(name, 0) >= end for name, end in ends.items())
        return None if is_known and (last is not None or not others) else self.why_not

    @property
    def held(self) -> dict[str, str]:
        """The tenants of whom nothing may be removed, each with the reason: an error finding, a contradicted
        chain, a start that nothing proves and nobody accepted, or entries that alone show such an error.
        """
        if self.report is None:
            return {}
        held = {
            one.inside: f"The chain of {tenant_name(one.tenant)} starts inside that of "
            f"{tenant_name(one.inside)}, and only these entries show it; verify both."
            for one in self.report.tenants
            if one.inside is not None
        }
        held |= {
            tenant.tenant: f"The chain of {tenant_name(tenant.tenant)} "
            + (
                "is in an earlier state than checkpoints know."
                if tenant.verdict is Verdict.EARLIER
                else "does not hold; verify it."
            )
            for tenant in self.report.tenants
            if tenant.verdict not in SOUND
        }
        # Findings are limited in number, so a verdict may have none here; the first of a tenant is told.
        for finding in reversed(self.report.findings):
            if finding.tenant is not None and (finding.is_error or finding.code is Code.UNPROVEN_START):
                held[finding.tenant] = finding.message
        return held

    @property
    def sound(self) -> frozenset[str]:
        """The tenants whose every entry is in order, and whose start is proven."""
        tenants = () if self.report is None else self.report.tenants
        return frozenset(tenant.tenant for tenant in tenants if tenant.verdict in SOUND) - self.held.keys()

    @property
    def broken(self) -> frozenset[str]:
        """Those of them with an error, also those of whom no entry is left."""
        if self.report is None:
            return frozenset()
        found, tenants = self.report.findings, self.report.tenants
        named = {finding.tenant for finding in found if finding.is_error and finding.tenant is not None}
        return frozenset(named | {tenant.tenant for tenant in tenants if tenant.verdict in BROKEN})

    @property
    def stops(self) -> str | None:
        """Why nothing at all may be removed: an error that is no single tenant's, an earlier state of the
        file, or that it could not be verified. An index that hides an entry of one tenant may hide others'.
        """
        found = () if self.report is None else self.report.findings
        whole = (item for item in found if item.tenant is None or item.code is Code.INDEX)
        first = (item.message for item in whole if item.is_error or item.code is Code.EARLIER)
        return self.failure or next(first, None)


def to_read(where: Where, section: Section, known_through: int = 0) -> int:
    """About how many rows verifying a section reads, as they are charged; 0 of a file, and where nothing is.
    `known_through` is what that function gave.

    Raises as `verify`.
    """
    if not where.costs:
        return 0
    from app.services.chain.verify.live import rows_to_read  # noqa: PLC0415 - of no file

    with where.connect() as database, suppress(TableMissing, CannotVerify):  # which the verification tells
        return rows_to_read(database, section, known_through)
    return 0


_LOOKS: Final = 6
"""Rows that each row which is looked for costs: two each time, for a verification, its checkpoint and what is
kept of it.
"""


def known_through(store: CheckpointStore, where: Where) -> int:
    """What `CheckpointStore.known_through` gives of a live database; 0 where nothing is charged, or the store
    cannot be read, which the verification says.
    """
    with suppress(TenantAdminError):
        return store.known_through(where) if where.costs else 0
    return 0


def most_to_read(where: Where, store: CheckpointStore, section: Section) -> int:
    """No fewer than are read, with what is looked up of each tenant, and of the databases that it may be: a
    part that goes on from a checkpoint has looked that up already. Raises as `verify`.
    """
    rows = to_read(where, section, known_through(store, where))
    if not rows:
        return rows
    if section != EVERYTHING:
        rows += _LOOKS * len(ends_to_look_for(store.verdicts.last(where), 0))
        ends = store.verdicts.ends(where).ends
        rows += _LOOKS * (len(ends) if section.tenant is None else section.tenant in ends)
        if section.is_range:
            return rows
    with suppress(TenantAdminError):  # of the store, which the verification says
        rows += _LOOKS * store.looked_for(where)
    with where.connect() as database:
        return rows + looked_up(database, rows)


def verify_with_checkpoints(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: Now,
    section: Section = EVERYTHING,
    export: Path | None = None,
    trust: Collection[str] = (),
    archive: Path | None = None,
    by: str | None = None,
    accepts_end: LostEnd | bool = False,
    copied: Where | None = None,
    monitor: Monitor = UNWATCHED,
) -> Report:
    """Verifies against the checkpoints of `store`, or against an export of some, signed with keys to `trust`;
    what was just `copied` from somewhere against what is known of that.

    Of a range they say what the last entries were that they knew there. `archive` is a folder of what
    retention removed, to be proven as one chain with the file. On behalf of whom that is done is `by`, where
    the verdict is to be kept: of the whole, or of a part that is broken, but not against an export, which may
    be an old one; `accepts_end` as of `keep_verdict`. A part that holds also says what
    is lost of the end that was verified. Raises the errors of `verify`, of `CheckpointStore.known` or
    `known_from`, of `with_archive`, and of `where.connect`.
    """
    verify = telling(store, verify)
    known = store.known(copied or where) if export is None else store.known_from(where, export, trust=trust)
    report = verify(where, section=section, now=now, monitor=monitor, checkpoints=known)
    if archive is not None and not report.lacks_table:
        from app.services.chain.archives import with_archive  # noqa: PLC0415 - few have one

        report = with_archive(where, report, archive, tenant=section.tenant, monitor=monitor)
    is_part = section != EVERYTHING
    if by is not None and export is None and (not is_part or report.verdict in BROKEN):
        return keep_verdict(where, store, report, now=now, by=by, part=is_part, accepts_end=accepts_end)
    if is_part and export is None:
        return with_lost_end_of(where, store, report, section, now=now, keeps=by is not None)
    return report


class SigningOptions(TypedDict, total=False):
    """What whoever has a file verified and signed may choose (`verify_and_sign`)."""

    now: Required[Now]
    reason: Required[Reason]
    archive: Path | None
    database: str | None
    accepted_by: str | None
    by: str | None
    accepts_end: LostEnd | bool
    on_report: Callable[[Report], object] | None
    monitor: Monitor


def verify_and_sign(
    where: Where, store: CheckpointStore, verify: Verifier, **how: Unpack[SigningOptions]
) -> SignedReport:
    """Verifies the whole file and, if it holds, signs a checkpoint of it: again, a few times, where others
    took or changed entries meanwhile, unless a person says that it is another database.

    With a reason of `NEW_LINE` its chains have to hold by themselves, and the checkpoints so far, which are
    kept, are no longer held against it. `accepted_by` is who says that starts which nothing proves are right;
    they are recorded as the baseline. `archive` is as in `verify_with_checkpoints`; a checkpoint speaks of
    the file alone, so it is made where the file holds, whatever its archive says. `database` is as in
    `CheckpointStore.create`. `on_report` hears the verdict before a keyring is asked for the key. On behalf
    of whom the file is verified is `by`, where the verdict is to be kept; `accepts_end` as of
    `keep_verdict`: before, none is signed over an end that was lost. Raises the errors of `verify` and those
    of `with_archive`.
    """
    attempt = partial(_verify_and_sign, where, store, telling(store, verify), **how)
    # What such a word has done already is not to be said twice.
    return attempt() if how["reason"] is Reason.ANOTHER_DATABASE else _until_undisturbed(attempt)


def _verify_and_sign(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: Now,
    reason: Reason,
    archive: Path | None = None,
    database: str | None = None,
    accepted_by: str | None = None,
    by: str | None = None,
    accepts_end: LostEnd | bool = False,
    on_report: Callable[[Report], object] | None = None,
    monitor: Monitor = UNWATCHED,
) -> SignedReport:
    if reason is Reason.START_OVER:
        store.require_original(where)
    instead = reason is Reason.ANOTHER_DATABASE and store.goes_on_instead(where)
    if instead:
        reason = Reason.REQUEST  # it goes on where its own checkpoints end

    def verified() -> Report:
        known = store.known(where)
        if instead:
            known = replace(known, notes=(), doubts=(), keys=None, undecided=False)
        elif reason in NEW_LINE or (reason is Reason.RESTORE and database is None):
            known = CheckpointHistory(adopted=known.adopted, counted=HIGHEST_SEQ)
        return verify(where, now=now, monitor=monitor, checkpoints=known, seal=True)

    report = verified()
    its_own = reason is not Reason.ANOTHER_DATABASE  # until it is signed, the file counts as the other one
    is_decided = instead or reason in NEW_LINE
    waits = not is_decided and store.known(where).undecided  # for a person to say which one it is
    if accepted_by is not None and its_own and not waits and report.verdict is Verdict.UNPROVEN_START:
        if report.entries:
            decided = reason in NEW_LINE
            store.accept_starts(where, report, actor=accepted_by, now=moment(now), decided=decided)
            report = verified()
        else:  # there is no start: what is right is that nothing is left
            reason = Reason.START_OVER
    begins = reason in (Reason.START_OVER, Reason.ANOTHER_DATABASE)
    refused = _signed(where, report, partial(require_sound, report)).why_not if begins else None
    if refused is not None and not where.costs:  # what checkpoints say of it is still so
        report = verify(where, now=now, monitor=monitor, checkpoints=store.known(where))
    # Before anything is signed, because this can still be cancelled.
    joined = report
    if archive is not None and not report.lacks_table:
        from app.services.chain.archives import with_archive  # noqa: PLC0415 - few have one

        joined = with_archive(where, report, archive, monitor=monitor)
    if instead and refused is None:
        store.goes_on_instead(where, taken=True)
    if by is not None:
        is_put_back = refused is None and (reason in NEW_LINE or reason is Reason.RESTORE)
        keep = partial(keep_verdict, where, store, joined, now=now, by=by)
        joined = keep(accepts_end=accepts_end, is_put_back=is_put_back)
    if on_report is not None:
        on_report(joined)
    if refused is not None:
        return SignedReport(joined, why_not=refused)
    at, report = report.begun(now), replace(report, lost_end=joined.lost_end)
    create = partial(store.create, where, report, now=at, reason=reason, database=database)
    made = _signed(where, joined, create)
    if by is not None and made.checkpoint is not None:
        store.verdicts.cover(where, at)
    return made


def _signed(where: Where, report: Report, sign: Callable[[], Checkpoint | None]) -> SignedReport:
    """The report with the checkpoint that is made of it by `sign`, if any, or why none is: what was found is
    worth more than that. Raises only `Cancelled`.
    """
    try:
        made = sign()
    except (TenantAdminError, OSError) as error:
        refused, disturbed = isinstance(error, NotSigned), isinstance(error, Disturbed)
        return SignedReport(
            report, why_not=why_none(error, where), is_refused=refused, is_disturbed=disturbed
        )
    return SignedReport(report, None if made is None else made.number)


def verify_by_itself(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: Now,
    by: str,
    sign: bool,
    whole_up_to: int = 0,
    accepts_end: LostEnd | bool = False,
    before: Callable[[Section], object] = lambda section: None,
    monitor: Monitor = UNWATCHED,
) -> SignedReport:
    """Verifies as little as says that a file still holds, for one that nobody has asked to be verified; of a
    live database, where each row that is read costs, what is verified as long as nobody asks for the whole.

    From the latest checkpoint on: the first and the last entries that it knew are still there (of a live
    database the last ones afterwards, too), and every entry behind it holds. The whole file where there is no
    checkpoint, where it is not as that knew it, where the verdict before was not sound, or, of a file, where
    it was verified whole a day ago or that checkpoint covers no more than
    `whole_up_to` entries. What is found from a checkpoint on proves the whole file wrong, and never
    right. With `sign` a whole file that holds gets a checkpoint where it has entries that none covers, and
    where no keyring would ask a person for it, unless it has lost its end. The verdict is kept, `accepts_end`
    as of `keep_verdict`. `before` is told of each section that is about to be read; what it raises ends it.
    Raises the errors of `verify`, and of `CheckpointStore`.
    """
    verify = telling(store, verify)
    keep = partial(keep_verdict, where, store, now=now, by=by, accepts_end=accepts_end)
    last = store.verdicts.last(where)
    whole_at = None if last is None else last.whole_at
    recent = where.costs or (whole_at is not None and 0 <= moment(now) - whole_at < DAY)
    if recent and (last is None or last.intact):
        since = store.still_known(where)
        if since is not None and (where.costs or since.through > whole_up_to):
            behind = Section(first=since.through + 1)
            before(behind)
            report = verify(where, section=behind, now=now, monitor=monitor)
            # No snapshot spans the calls of a live database, which Time Travel may bring back between two.
            is_there = report.intact and not report.lacks_table
            also = [end.through for end in ends_to_look_for(last, 0)]
            also += [end.through for end in store.verdicts.ends(where).ends.values()]
            with rows_of(where) as rows:
                if is_there and (not where.costs or has_ends(rows, since, also)):
                    return SignedReport(keep(report, since=since, rows=rows), since=since)

    def whole() -> SignedReport:
        before(EVERYTHING)
        known = store.known(where)
        report = keep(verify(where, now=now, monitor=monitor, checkpoints=known, seal=sign))
        covered = report.verdict is Verdict.VERIFIED and not report.not_covered
        if not sign or covered or not (report.stands and report.entries):
            return SignedReport(report)
        if not store.signs_unasked():
            return SignedReport(report, why_not=_NOT_ASKED)
        at = report.begun(now)
        made = _signed(where, report, partial(store.create, where, report, now=at, reason=Reason.VERIFY))
        if made.checkpoint is not None:
            store.verdicts.cover(where, at)
        return made

    return _until_undisturbed(whole)


def try_to_sign(
    where: Where,
    store: CheckpointStore,
    verify: Verifier,
    *,
    clock: Callable[[], int],
    reason: Reason | None,
    signs: bool = True,
    monitor: Monitor = UNWATCHED,
    before: Attempt | None = None,
    by: str | None = None,
) -> Attempt:
    """A checkpoint beside another act, and what that act must leave alone. Raises only `Cancelled`.

    Without a `reason` nothing is signed: for what an act that is only planned would have to leave alone; the
    key is looked for where that `signs`. What was found then is signed later, without another verification,
    where it comes as `before`: nobody may have written to the file since, and where the checkpoints are
    others by now the file is verified again. What is verified here is kept as said on behalf of `by`.
    """
    now, verify = clock(), telling(store, verify)
    try:
        known = store.known(where)
        report = before.report if before is not None and before.known == known else None
        alone = Monitor(cancelled=monitor.cancelled)  # the act beside it counts something else
        if report is None:
            report = verify(where, now=clock, monitor=alone, checkpoints=known, seal=True)
            now = report.begun(now)
            if by is not None:
                report = keep_verdict(where, store, report, now=clock, by=by)
    except (TenantAdminError, OSError) as error:
        problem = why_none(error, where)
        return Attempt(failure=problem, why_not=problem)
    found = Attempt(report, known)
    if not (report.entries and signs):
        return found

    def sign() -> Checkpoint | None:
        if reason is not None:
            return store.create(where, report, now=now, reason=reason)
        require_sound(report, known)
        store.require_signing()
        return None

    made = _signed(where, report, sign)
    return replace(found, checkpoint=made.checkpoint, why_not=made.why_not, is_refused=made.is_refused)
