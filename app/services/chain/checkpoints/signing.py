"""Of what a checkpoint is made, and of what not; and what checkpoints say of one tenant alone, signed again
for whoever shall not read the names of the others.
"""

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256
from typing import Final

from app.services.chain.checkpoint import NEW_LINE, Checkpoint, CheckpointHistory, Reason, Seal
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.document import NotSigned, SigningKey
from app.services.chain.rules import BROKEN, CALLED, SAY_SO, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import Where
from app.services.text import tenant_name
from models.errors import Cancelled, InvalidInput, TenantAdminError


def require_sound(report: Report, known: CheckpointHistory | None = None) -> None:
    """Raises `NotSigned` where of what was found no checkpoint is made, that being `known` of it."""
    if report.verdict in BROKEN:
        called = CALLED[report.verdict]
        raise NotSigned(f"The audit chain is {called}, so no checkpoint was made; look at the findings.")
    if report.verdict is Verdict.EARLIER:
        raise NotSigned(
            "The database is in an earlier state than checkpoints know, so none was made; put back the later "
            f"one, or, if you know why, {SAY_SO}."
        )
    if known is not None and known.undecided:
        raise NotSigned(doubts.UNDECIDED)
    if known is not None and known.proving is not None and report.seal is not None:
        refuse_lost_starts(report, report.seal, known.proving)


def sealed_by(report: Report, reason: Reason) -> Seal:
    """What the checkpoint holds that is made of a report. Raises `NotSigned`."""
    require_sound(report)
    if not report.entries and reason not in NEW_LINE:
        raise NotSigned(
            "There are no audit entries yet, so there is nothing to sign."
            if report.intact
            else f"No audit entry is left, so there is nothing to sign; if that is right, {SAY_SO}."
        )
    if report.seal is None:
        raise NotSigned(
            "Only an undisturbed verification of the whole database can become a checkpoint; verify it again."
        )
    return report.seal


def refuse_lost_starts(report: Report, seal: Seal, before: Checkpoint) -> None:
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


def signed(made: Checkpoint, key: SigningKey) -> Checkpoint:
    """Raises `NotSigned` for what could not be read back."""
    try:
        if Checkpoint.from_json(made.to_json()) != made:
            raise NotSigned("What was found could not be read back, so no checkpoint was made.")
    except InvalidInput as error:
        raise NotSigned(
            "The database holds a number that no checkpoint can keep, so none was made."
        ) from error
    return made.signed(key.private)


EXTRACT: Final = "extract"
"""In the place of a reason: it is signed that this is no checkpoint of all that there was."""


def extracts(line: Sequence[Checkpoint], tenant: str, key: SigningKey) -> tuple[Checkpoint, ...]:
    """Of each that knew the tenant what it knew, under its number and time, and of no database that a
    checkpoint was made of. Raises `NotSigned` for what could not be read back.

    A checkpoint is signed whole, of all tenants: without their names its signature would not hold. So each
    of the line becomes one that says the same of this tenant, in a line of its own, which the stand-alone
    verifier checks as any. That they say what the ones before said, and when, rests on whoever holds the key.
    """
    made: list[Checkpoint] = []
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
