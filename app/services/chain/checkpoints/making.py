"""Verification and checkpoints together, in one call for each thing a person does."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from app.services.chain.checkpoints.document import NEW_LINE, Reason
from app.services.chain.checkpoints.store import CheckpointStore, NotSigned
from app.services.chain.rules import BROKEN, SOUND, Code, Verdict
from app.services.chain.verify.report import CheckpointHistory, Report
from models.errors import Cancelled, TenantAdminError
from models.progress import Progress, Stop

Verifier = Callable[..., Report]
"""`verify.verification.verify` with its executor chosen: in this process, or in child processes."""


@dataclass(frozen=True, slots=True)
class SignedReport:
    """A verification, and the number of the checkpoint that was made of it, or why none was."""

    report: Report
    checkpoint: int | None
    why_not: str | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of a checkpoint beside another act: its `number`, or the `problem`.

    `missing` is the problem where it is another one than that the chains do not hold. `held` are the tenants
    of whom nothing may be removed, each with the reason: an error finding, or a start that nothing proves and
    nobody accepted; `broken` are those of them with an error. `stops` is why nothing at all may be removed:
    an error that concerns the whole file, or that it could not be verified against its checkpoints. All are
    sentences for a person. `number` and `problem` are both None where there are no entries to sign.
    `report` is what was found of the file, held against what was `known` of it.
    """

    number: int | None = None
    problem: str | None = None
    missing: str | None = None
    held: Mapping[str, str] = field(default_factory=dict)
    broken: frozenset[str] = frozenset()
    stops: str | None = None
    known: CheckpointHistory = field(default=CheckpointHistory(), repr=False)
    report: Report | None = field(default=None, repr=False)


def verify_with_checkpoints(
    path: Path,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    tenant: str | None = None,
    seq_from: int | None = None,
    seq_to: int | None = None,
    export: Path | None = None,
    trust: Iterable[str] = (),
    archive: Path | None = None,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Report:
    """Verifies against the checkpoints of `store`, or against an export of some, signed with keys to `trust`.

    `seq_from` and `seq_to`, both included, verify a range alone, which checkpoints say nothing of.
    `archive` is a folder of what retention removed, to be proven as one chain with the file. Raises the
    errors of `verify`, of `CheckpointStore.known` or `known_from`, and of `with_archive`.
    """
    known = store.known(path) if export is None else store.known_from(path, export, trust=trust)
    report = verify(
        path,
        tenant=tenant,
        seq_from=seq_from,
        seq_to=seq_to,
        now=now,
        progress=progress,
        cancelled=cancelled,
        checkpoints=known,
    )
    return _joined(path, report, archive, tenant=tenant, progress=progress, cancelled=cancelled)


def verify_and_sign(
    path: Path,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    reason: Reason,
    archive: Path | None = None,
    database: str | None = None,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> SignedReport:
    """Verifies the whole file and, if it holds, signs a checkpoint of it.

    With a reason of `NEW_LINE` its chains have to hold by themselves, and the checkpoints so far, which are
    kept, are no longer held against it. `archive` is as in `verify_with_checkpoints`; a checkpoint speaks of
    the file alone, so it is made where the file holds, whatever its archive says. `database` is as in
    `CheckpointStore.create`. Raises the errors of `verify`, those of `with_archive` and those of keeping the
    checkpoint.
    """
    report = verify(
        path,
        now=now,
        progress=progress,
        cancelled=cancelled,
        checkpoints=None if reason in NEW_LINE else store.known(path),
        seal=True,
    )
    # Before anything is signed, because this can still be cancelled.
    joined = _joined(path, report, archive, progress=progress, cancelled=cancelled)
    try:
        made = store.create(path, report, now=now, reason=reason, database=database)
    except NotSigned as error:
        return SignedReport(joined, None, str(error))
    return SignedReport(joined, made.number)


def try_to_sign(
    path: Path,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    reason: Reason | None,
    before: Attempt | None = None,
    cancelled: Stop | None = None,
) -> Attempt:
    """A checkpoint beside another act, and what that act must leave alone. Raises only `Cancelled`.

    Without a `reason` nothing is signed: for what an act that is only planned would have to leave alone. What
    was found then is signed later, without another verification, where it comes as `before`: nobody may have
    written to the file since, and where the checkpoints are others by now the file is verified again.
    """
    try:
        known = store.known(path)
        report = before.report if before is not None and before.known == known else None
        report = report or verify(path, now=now, cancelled=cancelled, checkpoints=known, seal=True)
    except (TenantAdminError, OSError) as error:
        problem = _said(error, path)
        return Attempt(problem=problem, missing=problem, stops=problem)
    found = Attempt(
        held=_held(report), broken=_broken(report), stops=_stops(report), known=known, report=report
    )
    if reason is None:
        return found
    try:
        return replace(found, number=store.create(path, report, now=now, reason=reason).number)
    except NotSigned as error:
        if not report.entries and report.intact:
            return found
        problem, sound = str(error), report.verdict not in {*BROKEN, Verdict.UNPROVEN_START}
    except (TenantAdminError, OSError) as error:
        problem, sound = _said(error, path), True
    return replace(found, problem=problem, missing=problem if sound else None)


def _joined(path: Path, report: Report, archive: Path | None, **options: Any) -> Report:
    """The report together with that of the archive, if there is one."""
    if archive is None:
        return report
    from app.services.chain.archive.following import with_archive  # noqa: PLC0415 - few have one

    return with_archive(path, report, archive, **options)


def _held(report: Report) -> dict[str, str]:
    """Every tenant with an error finding, a contradicted one, or one whose start is unproven."""
    held = {
        tenant.tenant: f"The chain of {tenant.tenant} does not hold; verify it."
        for tenant in report.tenants
        if tenant.verdict not in SOUND
    }
    named: set[str] = set()
    for finding in report.findings:  # limited in number, so a verdict may have none here
        worse = finding.is_error or finding.code is Code.UNPROVEN_START
        if finding.tenant is not None and worse and finding.tenant not in named:
            named.add(finding.tenant)
            held[finding.tenant] = finding.message
    return held


def _broken(report: Report) -> frozenset[str]:
    """The tenants with an error, also those of whom no entry is left."""
    named = {finding.tenant for finding in report.findings if finding.is_error and finding.tenant is not None}
    return frozenset(named | {tenant.tenant for tenant in report.tenants if tenant.verdict in BROKEN})


def _stops(report: Report) -> str | None:
    """The first error that is no single tenant's, or that the file is an earlier state of itself.

    An index that hides an entry of one tenant may hide others', too.
    """
    whole = (item for item in report.findings if item.tenant is None or item.code is Code.INDEX)
    return next((item.message for item in whole if item.is_error or item.code is Code.EARLIER), None)


def _said(error: TenantAdminError | OSError, path: Path) -> str:
    if isinstance(error, Cancelled):
        raise error
    if isinstance(error, OSError):
        return f"{error.filename or path} cannot be written: {error.strerror}."
    return str(error)
