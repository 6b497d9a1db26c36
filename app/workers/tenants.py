"""Exports a tenant: its rows by a child process, which reads the file, or a copy of what is its own of a live
database, and its chain as evidence. Erases one, with what is kept of it here. Never imports Qt.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from app.services.chain.rules import Now, moment
from app.services.chain.verify.report import Report, Section
from app.services.chain.verify.source import CannotVerify, readable
from app.services.chain.where import Verifier, Where
from app.services.opened import Opened
from app.services.records.tables import AUDIT_CHAIN
from app.services.tenants import bundle
from app.services.tenants.bundle import TableWritten, TenantExported, WrittenTables
from app.workers.child import Caller, Children, Job
from models.files.atomic import expected_errors, in_passing
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor, Progress

if TYPE_CHECKING:
    from app.services.chain.checkpoint import Checkpoint
    from app.services.chain.checkpoints.store import CheckpointStore
    from app.services.tenants.erasing import Erased, Erasure


def export_tenant(
    where: Where,
    tenant: str,
    folder: Path,
    store: "CheckpointStore",
    verify: "Verifier",
    *,
    now: Now,
    by: str,
    monitor: Monitor = UNWATCHED,
    in_child: bool = True,
    before: Callable[[int], object] = lambda rows: None,
) -> TenantExported:
    """As `bundle.write`. `before` is told about how many rows of a live database are read, before they are.

    Raises the errors of that, of `verify_with_checkpoints`, of `read_whole` and of `Children`.
    """
    with ExitStack() as stack:
        no_chain = bundle.no_chain(where)
        of_chain = 0 if no_chain is not None else bundle.entries_of(where, tenant)
        if where.file is not None:
            path = readable(where.file, stack)
        else:
            told = lambda rows: before(rows + 3 * of_chain)  # noqa: E731
            path = _fetched(where, tenant, stack, told, monitor, is_chain=no_chain is None)
        how: dict[str, Any] = {"now": now, "by": by, "monitor": monitor}
        report = _verified(where, tenant, store, verify, **how) if of_chain else None
        gone = _gone(where, tenant, store, verify, **how) if not of_chain else None

        def tables(into: Path) -> WrittenTables:
            job: Job = {"database": str(path), "tenant": tenant, "folder": str(into), "target": str(folder)}
            job["is_chain"] = no_chain is None
            if not in_child:
                return _tables_of(_write(job, monitor.progress))
            with Children("tenants", "export") as children:
                (answer,) = children.run([job], monitor=monitor)
            return _tables_of(answer)

        checkpoints, unsigned = _extracts(where, tenant, store) if of_chain else ((), "")
        done = bundle.write(
            where,
            tenant,
            folder,
            tables=tables,
            report=report,
            checkpoints=checkpoints,
            unsigned=unsigned,
            no_chain=" ".join(filter(None, (no_chain, bundle.why_none(gone)))),
            now=moment(now),
            monitor=monitor,
        )
        done = replace(done, beside=0 if no_chain is not None else done.rows.get(AUDIT_CHAIN.name, 0))
        return done if gone is None else replace(done, verdict=gone.verdict, lost_end=gone.lost_end)


def erase_with_what_is_kept(
    opened: Opened, expected: "Erasure", *, actor: str, now: Now, monitor: Monitor, take_part: bool = False
) -> "Erased":
    """As `erasing.erase`, with what this program keeps of the tenant beside the database; `take_part` as
    `store_and_verifier` has it.
    """
    from app.services.deliveries.log import DeliveryLog  # noqa: PLC0415 - not for a child
    from app.services.deliveries.signing import OldSecrets  # noqa: PLC0415
    from app.services.tenants.erasing import erase  # noqa: PLC0415
    from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415
    from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415

    return erase(
        opened,
        expected.tenant,
        *store_and_verifier(take_part=take_part),
        actor=actor,
        now=now,
        expected=expected,
        log=DeliveryLog(),
        old_secrets=OldSecrets(str(opened.kept_by), SystemKeyring()),
        monitor=monitor,
    )


def _verified(where: Where, tenant: str, store: "CheckpointStore", verify: "Verifier", **how: Any) -> Report:
    from app.services.chain.checkpoints.making import verify_with_checkpoints  # noqa: PLC0415 - as above

    return bundle.of_one(
        verify_with_checkpoints(where, store, verify, section=Section(tenant), **how), tenant
    )


def _gone(
    where: Where, tenant: str, store: "CheckpointStore", verify: "Verifier", **how: Any
) -> Report | None:
    """What is found of a tenant that has no entry, where some were known; None where nothing speaks against
    that.
    """
    from app.services.chain.checkpoints.gone import is_known  # noqa: PLC0415 - as above

    if not is_known(where, store):
        return None
    try:
        report = _verified(where, tenant, store, verify, **how)
    except CannotVerify:  # which is told
        return None
    return None if report.stands else report


def _extracts(where: Where, tenant: str, store: "CheckpointStore") -> "tuple[Sequence[Checkpoint], str]":
    """What checkpoints say of the tenant alone; or none, and why: the chain is evidence without them, too."""
    from app.services.chain.checkpoints.document import NotSigned  # noqa: PLC0415 - as above

    try:
        return store.extracts(where, tenant), ""
    except NotSigned as error:
        return (), str(error)


def _fetched(
    where: Where,
    tenant: str,
    stack: ExitStack,
    before: Callable[[int], object],
    monitor: Monitor,
    *,
    is_chain: bool,
) -> Path:
    """What a live database has of the tenant, but for its chain, as a file that goes with `stack`."""
    from app.services.live.fetching import read_whole  # noqa: PLC0415 - as above

    copy = Path(stack.enter_context(in_passing()), "rows")
    with where.connect() as database:
        wanted = lambda tables: bundle.beside_chain(tables, tenant, is_chain=is_chain)  # noqa: E731
        read_whole(database, copy, wanted=wanted, before=before, monitor=monitor)
    return copy


def work(job: Job, attached: BinaryIO, caller: Caller) -> Any:
    """In the child: writes the rows that the job names. Raises the errors of `bundle.write_tables`, those of
    files naming its `target`.
    """
    return _write(job, caller.progress)


def _write(job: Job, progress: Progress) -> Any:
    database = LocalDatabase(Path(job["database"]), read_only=True)
    with database.connection_context(), expected_errors(Path(job["target"])), database.own_errors():
        written, others, virtual = bundle.write_tables(
            database, Path(job["folder"]), job["tenant"], is_chain=job["is_chain"], progress=progress
        )
    return {
        "written": {name: asdict(one) for name, one in written.items()},
        "others": others,
        "virtual": virtual,
    }


def _tables_of(answer: Any) -> WrittenTables:
    written = {
        name: TableWritten(one["file"], one["rows"], tuple(one["left_out"]))
        for name, one in answer["written"].items()
    }
    return written, answer["others"], answer["virtual"]
