"""Verification and checkpoints together, in one call for each thing a person does. Never imports Qt."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.services.chain.verify.codes import Code
from app.services.chain.verify.report import Report
from app.services.errors import TenantAdminError

Progress = Callable[[int, int], None]

DISPUTES = frozenset({Code.CHECKPOINT, Code.TRUNCATED})
"""What only a checkpoint can say of a tenant, and the chain alone cannot."""

# The store brings cryptography along, which only those need who have checkpoints, and the scan its processes:
# both are imported when used, because every opened file has a tab that may verify.


@dataclass(frozen=True, slots=True)
class Witnessed:
    """A verification, and the number of the checkpoint that was made of it; None when none was."""

    report: Report
    checkpoint: int | None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A checkpoint's number, or why there is none, and the tenants whose chains are not as witnessed."""

    checkpoint: int | None
    disputed: frozenset[str] = frozenset()
    problem: str | None = None


def verify(
    path: Path,
    folder: Path,
    *,
    now: int,
    tenant: str | None = None,
    seq_from: int | None = None,
    seq_to: int | None = None,
    export: Path | None = None,
    archive: Path | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    take_part: bool = False,
) -> Report:
    """Verifies against the checkpoints kept in `folder`, or against an export of some.

    `seq_from` and `seq_to`, both included, verify a range alone, which checkpoints say nothing of.
    `archive` is a folder of what retention removed, to be proven as one chain with the file. Raises the
    errors of `scan_pool.verify`, of `CheckpointStore.witness` or `witness_from`, and of `with_archive`.
    """
    from app.workers import scan_pool  # noqa: PLC0415

    known = None
    if export is not None or folder.exists():
        from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415

        store = CheckpointStore(folder)
        known = store.witness(path) if export is None else store.witness_from(path, export)
    report = scan_pool.verify(
        path,
        tenant=tenant,
        seq_from=seq_from,
        seq_to=seq_to,
        now=now,
        progress=progress,
        cancelled=cancelled,
        take_part=take_part,
        checkpoints=known,
    )
    if archive is None:
        return report
    return _with_archive(path, report, archive, tenant=tenant, progress=progress, cancelled=cancelled)


def witness(
    path: Path,
    folder: Path,
    *,
    now: int,
    reason: str,
    archive: Path | None = None,
    progress: Progress | None = None,
    cancelled: Callable[[], bool] | None = None,
    take_part: bool = False,
    anew: bool = False,
) -> Witnessed:
    """Verifies the whole file and, if it holds, signs a checkpoint of it.

    With `anew` the person says that what the file holds now is right: its chains have to hold by themselves,
    and the checkpoints so far, which are kept, are no longer held against it. `archive` is as in `verify`. A
    checkpoint speaks of the file alone, so it is made where the file holds, whatever its archive says. Raises
    the errors of `scan_pool.verify`, those of `with_archive` and those of keeping the checkpoint.
    """
    from app.services.chain.checkpoints.store import CheckpointStore, NotWitnessed  # noqa: PLC0415
    from app.workers import scan_pool  # noqa: PLC0415

    store = CheckpointStore(folder)
    report = scan_pool.verify(
        path,
        now=now,
        progress=progress,
        cancelled=cancelled,
        take_part=take_part,
        checkpoints=None if anew else store.witness(path),
        seal=True,
    )
    # Before anything is signed, because this can still be cancelled.
    joined = (
        report
        if archive is None
        else _with_archive(path, report, archive, progress=progress, cancelled=cancelled)
    )
    try:
        return Witnessed(joined, store.create(path, report, now=now, reason=reason).number)
    except NotWitnessed:
        return Witnessed(joined, None)


def _with_archive(
    path: Path,
    report: Report,
    archive: Path,
    *,
    tenant: str | None = None,
    progress: Progress | None,
    cancelled: Callable[[], bool] | None,
) -> Report:
    from app.services.chain.archive.following import with_archive  # noqa: PLC0415

    started = time.perf_counter()
    report = with_archive(path, report, archive, tenant=tenant, progress=progress, cancelled=cancelled)
    return replace(report, seconds=report.seconds + time.perf_counter() - started)


def try_witness(path: Path, folder: Path, *, now: int, reason: str) -> Attempt:
    """A checkpoint beside another act, which must not fail because none can be made."""
    try:
        made = witness(path, folder, now=now, reason=reason)
    except TenantAdminError as error:
        return Attempt(None, problem=str(error))
    except OSError as error:
        return Attempt(None, problem=f"{error.filename or folder} cannot be written: {error.strerror}.")
    disputed = {finding.tenant for finding in made.report.findings if finding.code in DISPUTES}
    problem = None
    if made.checkpoint is None and made.report.entries:
        problem = "The audit chain does not hold; verify it."
    return Attempt(made.checkpoint, frozenset(filter(None, disputed)), problem)


def adopt(path: Path, folder: Path, report: Report, *, actor: str, now: int) -> None:
    """Records that the user vouches for every unproven start of a report, and by what name."""
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415

    store = CheckpointStore(folder)
    starts = {finding.tenant: finding for finding in report.findings if finding.code is Code.UNPROVEN_START}
    for tenant in report.tenants:
        finding = starts.get(tenant.tenant)
        if finding is not None and finding.actual is not None:
            store.adopt(path, tenant, finding.actual, actor=actor, now=now)


def export_report(
    path: Path,
    folder: Path,
    report: Report,
    out: Path,
    *,
    now: int,
    tenant: str | None = None,
    seq_from: int | None = None,
    seq_to: int | None = None,
    export: Path | None = None,
    cancelled: Callable[[], bool] = lambda: False,
) -> None:
    """Writes the evidence bundle of a report into the new folder `out`, with the checkpoints it rests on.

    Raises the errors of `evidence.write_bundle`.
    """
    from app.services.chain.checkpoints import exchange  # noqa: PLC0415
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
    from app.services.chain.evidence import bundle as evidence  # noqa: PLC0415

    checkpoints = CheckpointStore(folder).checkpoints(path) if export is None else exchange.read(export)
    scope = evidence.Scope(tenant=tenant, seq_from=seq_from, seq_to=seq_to)
    evidence.write_bundle(
        path, report, out, scope=scope, checkpoints=checkpoints, now=now, cancelled=cancelled
    )
