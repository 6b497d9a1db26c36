"""Of what a checkpoint is made, and of what not; and what checkpoints say of one tenant alone, signed again
for whoever shall not read the names of the others.

And what a person who knows why may say of what a verification found: which ways are open, and why the others
are not. Window and command ask it alike, so that what is offered is not refused then.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from enum import StrEnum
from hashlib import sha256
from typing import Final

from app.services.chain import checkpoint
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.document import Disturbed, NotSigned, SigningKey
from app.services.chain.rules import BROKEN, CALLED, SAY_SO, Code, Finding, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import Where
from app.services.text import tenant_name
from models.errors import Cancelled, InvalidInput, TenantAdminError


def require_sound(report: Report, known: checkpoint.CheckpointHistory | None = None) -> None:
    """Raises `NotSigned` where of what was found no checkpoint is made, that being `known` of it."""
    if report.verdict in BROKEN:
        called = CALLED[report.verdict]
        raise NotSigned(f"The audit chain is {called}, so no checkpoint was made; look at the findings.")
    if report.verdict is Verdict.EARLIER:
        raise NotSigned(
            "The database is in an earlier state than checkpoints know, so none was made; put back the later "
            f"one, or, if you know why, {SAY_SO}."
        )
    if report.lost_end is not None:
        raise NotSigned(report.lost_end.said)
    if known is not None and known.undecided:
        raise NotSigned(doubts.UNDECIDED)
    if known is not None and known.proving is not None and report.seal is not None:
        refuse_lost_starts(report, report.seal, known.proving)


def sealed_by(report: Report, reason: checkpoint.Reason) -> checkpoint.Seal:
    """What the checkpoint holds that is made of a report. Raises `NotSigned`."""
    require_sound(report)
    if not report.entries and reason not in checkpoint.NEW_LINE:
        raise NotSigned(
            "There are no audit entries yet, so there is nothing to sign."
            if report.intact
            else f"No audit entry is left, so there is nothing to sign; if that is right, {SAY_SO}."
        )
    if report.seal is None:
        raise Disturbed(
            "Only an undisturbed verification of the whole database can become a checkpoint; verify it again."
        )
    return report.seal


def refuse_lost_starts(report: Report, seal: checkpoint.Seal, before: checkpoint.Checkpoint) -> None:
    """A checkpoint of an unproven start would let what the one before knew of it be forgotten."""
    for tenant in report.tenants:
        sealed = before.tenants.get(tenant.tenant)
        if tenant.verdict is not Verdict.UNPROVEN_START or sealed is None or tenant.first_seq is None:
            continue
        if seal.tenants[tenant.tenant].first_hash != sealed.first_hash:
            raise NotSigned(
                f"The chain of {tenant_name(tenant.tenant)} begins at entry {tenant.first_seq:,}, nothing "
                f"proves what came before, and checkpoint {before.number} knew it from entry "
                f"{sealed.first_seq:,} on, so no checkpoint was made; accept the start if you know why "
                "it is so."
            )


def signed(made: checkpoint.Checkpoint, key: SigningKey) -> checkpoint.Checkpoint:
    """Raises `NotSigned` for what could not be read back."""
    try:
        if checkpoint.Checkpoint.from_json(made.to_json()) != made:
            raise NotSigned("What was found could not be read back, so no checkpoint was made.")
    except InvalidInput as error:
        raise NotSigned(
            "The database holds a number that no checkpoint can keep, so none was made."
        ) from error
    return made.signed(key.private)


EXTRACT: Final = "extract"
"""In the place of a reason: it is signed that this is no checkpoint of all that there was."""


def extracts(
    line: Sequence[checkpoint.Checkpoint], tenant: str, key: SigningKey
) -> tuple[checkpoint.Checkpoint, ...]:
    """Of each that knew the tenant what it knew, under its number and time, and of no database that a
    checkpoint was made of. Raises `NotSigned` for what could not be read back.

    A checkpoint is signed whole, of all tenants: without their names its signature would not hold. So each
    of the line becomes one that says the same of this tenant, in a line of its own, which the stand-alone
    verifier checks as any. That they say what the ones before said, and when, rests on whoever holds the key.
    """
    made: list[checkpoint.Checkpoint] = []
    for item in line:
        if (sealed := item.tenants.get(tenant)) is not None:
            of_one = replace(
                item,
                database=sha256(f"{EXTRACT}\0{item.database}\0{tenant}".encode()).hexdigest(),
                reason=EXTRACT,
                rows_ever=sealed.entries,
                tenants={tenant: sealed},
                previous=made[-1].hash if made else None,
                key=key.public,
                signature="",
            )
            made.append(signed(of_one, key))
    return tuple(made)


def why_none(error: TenantAdminError | OSError, where: Where) -> str:
    """Why there is no checkpoint, of a job that has changed something else perhaps. Raises `Cancelled`."""
    if isinstance(error, Cancelled):
        raise error
    known = where.known(error)
    return known.happened if isinstance(known, TenantAdminError) else str(known)


class Way(StrEnum):
    """An act of a person by which what is there is signed, or accepted."""

    SIGN = str(checkpoint.Reason.REQUEST)
    START_OVER = str(checkpoint.Reason.START_OVER)
    ANOTHER_DATABASE = str(checkpoint.Reason.ANOTHER_DATABASE)
    ACCEPT_STARTS = "accept-starts"
    ACCEPT_END = "accept-end"


OPEN: Final = ""

_BESIDE_CHECKPOINTS: Final = frozenset(
    {
        Code.TRUNCATED,
        Code.CHECKPOINT,
        Code.SIGNATURE,
        Code.ROLLBACK,
        Code.SEQUENCE_COUNTER,
        Code.EARLIER,
        Code.UNPROVEN_START,
    }
)
"""What is found only since a checkpoint, the counter or nothing tells what was there before."""

_BROKEN: Final = "The audit chain is broken by itself, whatever checkpoints say; look at the findings"
_A_PART: Final = "Only a part was verified; verify all of it, which tells whether the rest holds"
_NOTHING_FOUND: Final = "Nothing was found that speaks against it"
_NOT_KNOWN: Final = "No checkpoint knows a database here that it could be told from"
_NOT_VERIFIED: Final = "Verify it first: what is found tells whether there is a reason"
_DENIED: Final = "It is not as checkpoints know it; look at the findings"
_NONE_LEFT: Final = "There is no audit entry to sign"
_FORGETS: Final = (
    "Nothing proves a start that checkpoints knew otherwise; accept it, or start over, if you know why"
)
_END_LOST: Final = "It has lost the end that was verified; accept this end, or start over, if you know why"


def doors(report: Report | None, recognised: checkpoint.Recognised | None = None) -> Mapping[Way, str]:
    """Of each way `OPEN`, or a sentence without its stop why it is not. `recognised` is what the store says
    by now, else what it said then. Without a `report` nothing is promised.
    """
    if recognised is None:
        recognised = checkpoint.UNKNOWN if report is None else report.recognised
    return {
        Way.SIGN: _sign(report, recognised),
        Way.START_OVER: _start_over(report, recognised),
        Way.ANOTHER_DATABASE: _another(report, recognised),
        Way.ACCEPT_STARTS: _accept_starts(report),
        Way.ACCEPT_END: OPEN if report is not None and report.lost_end is not None else _NOTHING_FOUND,
    }


def doors_of(report: Report, finding: Finding) -> Mapping[Way, str]:
    """Those by which this finding would be none any more, be they open or not."""
    ways = [Way.START_OVER]
    if report.recognised.is_known:
        ways.append(Way.ANOTHER_DATABASE)
    if finding.code is Code.UNPROVEN_START:
        ways = [Way.ACCEPT_STARTS if report.tenants else Way.START_OVER]
    elif finding.code not in _BESIDE_CHECKPOINTS and not (report.holds_alone and finding.is_error):
        return {}
    found = doors(report)
    return {way: found[way] for way in ways}


def _sign(report: Report | None, recognised: checkpoint.Recognised) -> str:
    if recognised.is_undecided:
        return doubts.UNDECIDED.removesuffix(".")
    if report is None or report.holds_alone is None:
        return OPEN  # it verifies all of it, and tells then
    if not report.holds_alone:
        return _BROKEN
    if _is_denied(report):
        return _DENIED
    if report.forgets:
        return _FORGETS
    if report.lost_end is not None:
        return _END_LOST
    return OPEN if report.entries else _NONE_LEFT


def _is_denied(report: Report) -> bool:
    """Whether checkpoints or the counter say more than the file has: what is wrong with an archive is not."""
    if report.archives or report.counts.get(Code.ARCHIVE):
        said = _BESIDE_CHECKPOINTS - {Code.UNPROVEN_START} | {Code.MARKER}
        return any(report.counts.get(code) for code in said)
    return report.verdict in BROKEN or report.verdict is Verdict.EARLIER


def _start_over(report: Report | None, recognised: checkpoint.Recognised) -> str:
    if recognised.copy_of is not None:
        return (
            f"This is a copy of the database in {recognised.copy_of}, which is still there and would be "
            "judged by this one"
        )
    return _new_line(report, recognised) if report or recognised.is_known else _NOT_VERIFIED


def _another(report: Report | None, recognised: checkpoint.Recognised) -> str:
    if not recognised.is_known:
        return _NOT_KNOWN
    if report is not None and recognised.goes_on:  # it is held against the line that it goes on with
        return OPEN if _sign(report, checkpoint.UNKNOWN) == OPEN else _DENIED
    if report is not None and recognised.copy_of is not None and (report.holds_alone or report.stands):
        return OPEN  # also of one that agrees with the original so far
    return _new_line(report, recognised)


def _new_line(report: Report | None, recognised: checkpoint.Recognised) -> str:
    """Why a line of checkpoints cannot begin with what is there, or need not."""
    if report is None:
        return OPEN
    if report.stands and not recognised.is_doubted:
        return _NOTHING_FOUND
    if report.holds_alone is None:
        return _A_PART
    return OPEN if report.holds_alone else _BROKEN


def _accept_starts(report: Report | None) -> str:
    if report is None or report.verdict is not Verdict.UNPROVEN_START or not report.tenants:
        return _NOTHING_FOUND
    return doubts.UNDECIDED.removesuffix(".") if report.undecided else OPEN
