"""A restore with its verifications and checkpoints (`integrity.md` 2). Never imports Qt."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.services.chain.checkpoints.continuation import compare
from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import try_to_sign, verify_and_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.codes import Verdict
from app.services.chain.verify.comparison import Witness
from app.services.chain.verify.report import Report
from app.services.errors import TenantAdminError
from app.services.files import restoring
from app.services.files.restoring import Prepared
from app.workers import scan_pool

Progress = Callable[[int, int], None]
Stop = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Offer:
    """What a restore would put in place. `report` is on the copy's own chains, by themselves.

    `known` says how the copy stands to what was witnessed of this file: "later" (it continues it), "earlier"
    (a checkpoint before the latest one fits it), "other" (none fits) or None when nothing was witnessed.
    """

    prepared: Prepared
    report: Report
    known: str | None

    @property
    def holds(self) -> bool:
        return self.report.verdict not in (Verdict.TAMPERED, Verdict.UNREADABLE)


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is the file as it was; `checkpoint` the number of the one made afterwards, or the `problem`."""

    kept: Path
    checkpoint: int | None
    problem: str | None = None


def offer(
    path: Path,
    source: Path,
    scratch: Path,
    folder: Path,
    *,
    now: int,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Offer:
    """Prepares a copy of `source` in `scratch` and verifies it; nothing is changed.

    `folder` is that of the checkpoints. Raises the errors of `restoring.prepare` and `scan_pool.verify`.
    """
    prepared = restoring.prepare(path, source, scratch, progress=progress, cancelled=cancelled)
    report = scan_pool.verify(prepared.copy, now=now, progress=progress, cancelled=cancelled)
    return Offer(prepared, report, _known(path, prepared.copy, folder))


def carry_out(
    path: Path,
    offered: Offer,
    folder: Path,
    *,
    actor: str,
    now: int,
    force: bool = False,
    progress: Progress | None = None,
    cancelled: Stop | None = None,
) -> Restored:
    """Restores, with a checkpoint of the file as it is before, and one of what it holds afterwards.

    Raises the errors of `restoring.restore`; that no checkpoint can be made is no reason not to restore.
    """
    store, verify = CheckpointStore(folder), scan_pool.verify
    try_to_sign(path, store, verify, now=now, reason=Reason.BEFORE_RESTORE)
    database = None
    with suppress(TenantAdminError, OSError):
        database = store.identify(path)
    kept = restoring.restore(
        path, offered.prepared, actor=actor, now=now, force=force, progress=progress, cancelled=cancelled
    )
    try:
        made = verify_and_sign(
            path, store, verify, now=now, reason=Reason.RESTORE, database=database, progress=progress
        )
    except (TenantAdminError, OSError) as error:
        return Restored(kept, None, str(error))
    return Restored(kept, made.checkpoint, made.why_not)


def _known(path: Path, copy: Path, folder: Path) -> str | None:
    known = CheckpointStore(folder).history(path)
    for count in range(len(known), 0, -1):
        if compare(copy, Witness(known[:count])).continues:
            return "later" if count == len(known) else "earlier"
    return "other" if known else None
