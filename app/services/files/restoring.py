"""What a file holds replaced by what a copy holds: checked first, in one transaction, with a way back."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import apsw

from app.services.chain.append import Batch, Event, Numbering, append, unknown_tenant
from app.services.chain.cautions import NotRecorded
from app.services.chain.checkpoint import Checkpoint, CheckpointHistory, Reason
from app.services.chain.checkpoints.identity import compare, is_all, is_related
from app.services.chain.checkpoints.making import try_to_sign, verify_and_sign
from app.services.chain.checkpoints.rows import rows_of
from app.services.chain.checkpoints.signing import why_none
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import BROKEN, SAY_SO, Code, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.verify.source import CannotVerify, check_table
from app.services.chain.where import InFile, Verifier
from app.services.files import describe, opening
from app.services.files.dump import Note, sentences
from app.services.files.opening import snapshot_copy
from app.services.records.belonging import ErasedTenant, erased, own_of
from app.services.records.tables import AUDIT_CHAIN
from app.services.text import some_of, tenant_name, visible
from models import errors, schema
from models.engine import raw, sql_name
from models.files.at_path import JOURNAL, LOG, Traces, real_path, require_file, sibling, traces
from models.files.atomic import WorkFolder, sweep_databases
from models.local import copies
from models.local.database import LocalDatabase
from models.local.file import is_sound
from models.progress import UNWATCHED, Monitor, Stop, never, share_of
from models.schema import StoredTables
from models.status import SYSTEM_TENANT, AuditEvent

if TYPE_CHECKING:
    from app.services.files.importing import Build


class Standing(StrEnum):
    """How a copy stands to what checkpoints say of the file, or else to what it holds, as a sentence."""

    LATER = "The copy continues this file as its newest checkpoint knows it."
    EARLIER = "The copy is an earlier state of this file, which a checkpoint knows."
    KEPT = "The copy is what this file held before a restore, as it was put aside then."
    OLDER = "The copy is an earlier state of this file: all of its entries are in that, or were pruned since."
    CONTRADICTED = (
        "The copy contradicts the checkpoints of this file: entries were changed or are missing, "
        "or it is of a time that none of them knows."
    )
    OTHER = (
        "The copy is of another database, or from before the first entry of this one: no entry that a "
        "checkpoint of this file knows is in it, so the checkpoints say nothing of what the file would hold "
        "then."
    )
    NO_ENTRY = (
        "The copy is of another database, or from before the first entry that this file has: none of its "
        "audit entries is in the copy, and no checkpoint tells more."
    )
    NO_ROW = (
        "The copy may be of another database: no row that this file has is in the copy, and neither audit "
        "entries nor checkpoints tell more."
    )

    @property
    def is_other(self) -> bool:
        """Whether it may be of another database, which takes the place of none unasked."""
        return self in {Standing.OTHER, Standing.NO_ENTRY, Standing.NO_ROW}


@dataclass(frozen=True, slots=True)
class Prepared:
    """A checked copy of what is to be restored, in a file of its own, beside what it would replace.

    `before` and `after` are row counts by table; a table that cannot be read now counts as None. `common`
    are the rows that both have, by table, once they were `compared`. `notes` say
    what of a dump could not come in as it is written, `caution` what a person should know of the restore's
    own entry, which is in `chain`. `unfit` is why the copy's chain takes no entries, nor does the file's.
    `tenant` is whose rows these are alone, where a dump says so. `erased` are the tenants of which the copy
    has rows, though they were erased since. `fewer` are the columns that only the file has,
    of tables that both have, with a value in any row, each as table.column. `traces` are those of the source
    when it was copied.
    """

    source: Path
    copy: Path
    traces: Traces
    before: Mapping[str, int | None]
    after: Mapping[str, int | None]
    notes: tuple[Note, ...] = ()
    chain: str = SYSTEM_TENANT
    caution: str | None = None
    unfit: str | None = None
    tenant: str | None = None
    common: Mapping[str, describe.Common] = field(default_factory=dict)
    erased: tuple[str, ...] = ()
    fewer: tuple[str, ...] = ()

    @property
    def said(self) -> list[str]:
        return [*sentences(self.notes), *([self.part] if self.part else [])]

    @property
    def part(self) -> str:
        """That others' rows would go, where it is one tenant's part; empty else."""
        if self.tenant is None:
            return ""
        return f"It is the part of {tenant_name(self.tenant)} alone, as the dump says; the rows of others go."

    @property
    def lacking(self) -> str:
        """That the copy lacks tables in which the file has rows; empty where it lacks none."""
        names = [table for table, rows in self.before.items() if rows and table not in self.after]
        if not names:
            return ""
        named = some_of(names, _NAMED, noun="more table", shown=visible)
        return f"The copy lacks tables in which the file has rows, and they would go: {named}."

    @property
    def narrower(self) -> str:
        """That the copy lacks columns in which the file has values; empty where it lacks none."""
        if not self.fewer:
            return ""
        named = some_of(self.fewer, _NAMED, noun="more column", shown=visible)
        return f"The copy lacks columns in which the file has values, and they would go: {named}."

    @property
    def undone(self) -> str:
        """That erased tenants would come back; empty where none would."""
        if not self.erased:
            return ""
        named = some_of(self.erased, _NAMED, shown=tenant_name)
        are, them, erasures = (
            ("was", "it", "erasure") if len(self.erased) == 1 else ("were", "they", "erasures")
        )
        return (
            f"{named} {are} erased from the file since, and would be back with what the copy holds of "
            f"{them}; the record of the {erasures} would go."
        )

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person has to agree to, besides what the chain tells."""
        return tuple(filter(None, (self.lacking, self.narrower, self.undone)))

    @property
    def recorded(self) -> bool:
        """Whether the restore is recorded in what it puts in place: neither has an audit chain otherwise, or
        one that takes entries.
        """
        return AUDIT_CHAIN.name in self.after and self.unfit is None


@dataclass(frozen=True, slots=True)
class Offer:
    """What a restore would put in place. `report` is on the copy, held against the file's checkpoints.

    `known` is None when there is no checkpoint of this file, and both have something in common; `newest` is
    the number of its newest. What does not hold against checkpoints may have chains that hold `alone`. Of
    what a restore has put aside, more may have been signed of the file since.
    """

    prepared: Prepared
    report: Report
    known: Standing | None
    newest: int | None = None
    alone: bool = False
    signed_since: bool = False

    @property
    def holds(self) -> bool:
        """Whether nothing is wrong with it; a time that no checkpoint confirms is as much in question."""
        return self.report.verdict not in BROKEN and self.report.later is None

    @property
    def needs_agreement(self) -> bool:
        """Whether it may be restored only when a person says so: no database is replaced by what seems to be
        another one, though its own chain may hold, nor do tables go, erased tenants come back or entries go
        that were signed since it was put aside, unasked.
        """
        is_other = self.known is not None and self.known.is_other
        return not self.holds or is_other or self.signed_since or bool(self.prepared.warnings)

    @property
    def standing(self) -> str | None:
        """How the copy stands to the checkpoints, as a sentence."""
        is_older = self.known in {Standing.EARLIER, Standing.OLDER} or self.signed_since
        if is_older and self.newest is not None:
            return f"{self.known} It is older than checkpoint {self.newest}."
        return self.known


@dataclass(frozen=True, slots=True)
class Restored:
    """`kept` is the file as it was; `checkpoint` the number of the one made afterwards, or the `problem`."""

    kept: Path
    checkpoint: int | None
    problem: str | None = None


_VERIFIED, _SIGNED = 0.3, 0.6
"""Which share of the work is done, about, when the file is verified, and what it will hold is, too."""

_NAMED: Final = 5
"""So many tables are named in a sentence."""

_COLUMNS: Final = "tenant_id", "event_type", "payload", "previous_hash", "hash", "created_at"
_SAME: Final = " AND ".join(
    f"a.{name} COLLATE BINARY IS b.{name} AND typeof(a.{name}) = typeof(b.{name})" for name in _COLUMNS
)
_UNLIKE: Final = f"""
SELECT EXISTS (
    SELECT 1 FROM main.{AUDIT_CHAIN.name} AS a LEFT JOIN beside.{AUDIT_CHAIN.name} AS b ON a.seq = b.seq
    WHERE NOT ({_SAME}) AND (
        b.seq IS NULL
        AND a.seq < (SELECT min(seq) FROM beside.{AUDIT_CHAIN.name} WHERE tenant_id = a.tenant_id)
        AND (SELECT min(seq) FROM beside.{AUDIT_CHAIN.name} WHERE tenant_id = a.tenant_id)
            <= (SELECT max(seq) FROM main.{AUDIT_CHAIN.name} WHERE tenant_id = a.tenant_id)
    ) IS NOT TRUE  -- nor where the file has none of the tenant
) OR EXISTS (
    SELECT 1 FROM beside.{AUDIT_CHAIN.name} AS b LEFT JOIN main.{AUDIT_CHAIN.name} AS a ON a.seq = b.seq
    WHERE a.seq IS NULL AND b.seq <= (SELECT max(seq) FROM main.{AUDIT_CHAIN.name})
)
"""  # noqa: S608
"""By hand: a join of two files. A tenant's last entry in the copy is in the file as well."""

_SOME: Final = "SELECT {} AS found FROM (SELECT hash, previous_hash FROM {} ORDER BY seq {} LIMIT 1000)"
"""Of a thousand entries at an end: what is looked for in a million others is held in memory."""
_FILE, _COPY = (f"{side}.{AUDIT_CHAIN.name}" for side in ("beside", "main"))
_IN_COMMON: Final = (
    f"SELECT EXISTS (SELECT 1 FROM {_COPY} AS a JOIN {_FILE} AS b ON a.seq = b.seq AND a.hash = b.hash)",  # noqa: S608
    *(
        f"SELECT EXISTS (SELECT 1 FROM {within} WHERE hash IN ({_SOME.format(what, of, way)}))"  # noqa: S608
        for what, way in (("hash", "ASC"), ("hash", "DESC"), ("previous_hash", "ASC"))
        for within, of in ((_COPY, _FILE), (_FILE, _COPY))
    ),
)
"""Whether an entry is in both, or one goes on from an entry of the other; what is asked most easily first."""

_OVERTAKEN: Final = (
    "Another one was made while the file was restored, of what it held before. "
    f"If what it holds now is right, {SAY_SO}."
)


class RestoreFailed(errors.StorageError):
    """What was written cannot be read back: the disk, most likely."""

    is_undecided = True

    def __init__(self, path: Path, kept: Path) -> None:
        super().__init__(
            f"{path.name} cannot be read back after the restore; check the disk. "
            f"What the file held before is in {kept}."
        )


def scratch(path: Path) -> WorkFolder:
    """A folder for what is prepared, on the file's own disk, from which killed work is cleared away."""
    path = real_path(path)
    sweep_databases(path)
    return WorkFolder(path.parent)


def offer(
    path: Path,
    source: Path,
    folder: Path,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    strict: bool = False,
    monitor: Monitor = UNWATCHED,
    build: "Build | None" = None,
) -> Offer:
    """Prepares a copy of `source` in `folder` and verifies it as what the file would be; nothing is changed.

    The copy is held against the checkpoints of the file, those of the newest line that it continues, or,
    where these say nothing of it, against those of the database that it is of: what a verification of either
    would call TAMPERED is so by way of a copy, too. Raises the errors of `prepare`, `verify` and the
    checkpoint store.
    """
    prepared = prepare(path, source, folder, strict=strict, build=build, monitor=monitor)
    lines = [line for line in store.lines(InFile(path), in_place=True) if line.checkpoints or line.findings]
    newest = lines[-1].latest.number if lines and lines[-1].latest else None
    if prepared.unfit is not None and lines:
        raise _unfit(source, prepared.unfit)
    if not prepared.recorded:
        nothing = Report(Verdict.CONSISTENT, 0, 0.0, (), (), {})
        other = Standing.OTHER if lines else _unlike(path, prepared, monitor.cancelled)
        return Offer(prepared, nothing, other, newest)
    line, known = _line(store.checkpoints(InFile(path), in_place=True), lines, prepared.copy)
    of_file = line is not None
    if line is None:
        line = _of_source(store, source, prepared.copy)
    report, alone = verify(InFile(prepared.copy), now=now, checkpoints=line, monitor=monitor), False
    if line is not None and (report.verdict in BROKEN or report.later is not None):
        by_itself = verify(InFile(prepared.copy), now=now, monitor=monitor)
        alone = by_itself.intact
        known = Standing.CONTRADICTED if of_file else known
        lacks_only = all(item.code is Code.TRUNCATED for item in report.findings if item.is_error)
        if of_file and alone and lacks_only and _was_like(path, prepared.copy, monitor.cancelled):
            there = verify(InFile(path), now=now, checkpoints=store.known(InFile(path)), monitor=monitor)
            if there.intact:
                report, known = by_itself, Standing.OLDER
    elif of_file and report.verdict is Verdict.EARLIER:
        known = Standing.EARLIER
    if known is None and not lines:
        known = _unlike(path, prepared, monitor.cancelled)
    offered = Offer(prepared, report, known, newest, alone)
    if offered.holds and not (known is not None and known.is_other):
        return offered
    latest = lines[-1].latest if lines else None
    return _put_aside(path, offered, latest, store, verify, now=now, monitor=monitor) or offered


def _put_aside(
    path: Path,
    offered: Offer,
    latest: Checkpoint | None,
    store: CheckpointStore,
    verify: Verifier,
    *,
    now: int,
    monitor: Monitor,
) -> Offer | None:
    """The same of what a restore has put aside of the file, byte by byte, which contradicts nothing: at most
    something was signed since, or the file is another database in which somebody has worked since. None of
    anything else, and where it does not hold by itself.
    """
    prepared, behind = offered.prepared, None
    logs = [sibling(prepared.source, suffix) for suffix in (LOG, JOURNAL)]
    with suppress(OSError):
        if not any(log.exists() and log.stat().st_size for log in logs):
            behind = store.was_put_aside(InFile(path), prepared.source)
    if behind is None or traces(prepared.source) != prepared.traces:
        return None
    report = verify(InFile(prepared.copy), now=now, monitor=monitor)
    if not report.intact:
        return None
    signed_since = latest is None or latest.hash != behind
    known: Standing | None = Standing.KEPT
    if offered.known is not None and offered.known.is_other:
        with rows_of(InFile(path)) as rows:  # nobody has worked in what took its place
            is_as_restored = latest is not None and not signed_since and is_all(rows, latest)
        known = Standing.KEPT if is_as_restored else offered.known
    return replace(offered, report=report, known=known, alone=False, signed_since=signed_since)


def newest_kept(path: Path) -> Path | None:
    """The file as it was before the last restore, by whatever program; None where none is kept. Raises
    `OSError`.
    """
    return copies.newest(real_path(path), "restore")


def carry_out(
    path: Path,
    offered: Offer,
    store: CheckpointStore,
    verify: Verifier,
    *,
    actor: str,
    now: int,
    force: bool = False,
    unrecorded: bool = False,
    monitor: Monitor = UNWATCHED,
) -> Restored:
    """Restores, with a checkpoint of the file as it is before, and one of what it holds afterwards. What it
    held and was put aside is signed by itself, too, by which the way back is known (`checkpoints/aside.py`).

    The second is signed of the copy and announced before the commit, and taken up behind it; where this
    process is killed in between, by whoever looks at the file next (`CheckpointStore.take_up`). `unrecorded`
    says that a person has agreed to a restore that is recorded nowhere. Raises `NotRecorded` and the errors
    of `restore`; that no checkpoint can be made is no reason not to restore.
    """
    if not (offered.prepared.recorded or unrecorded):
        raise NotRecorded(path, offered.prepared.unfit and f"an audit chain that {offered.prepared.unfit}")
    where = InFile(path)
    before = Reason.BEFORE_RESTORE
    first, second = share_of(monitor, 0, _VERIFIED), share_of(monitor, _VERIFIED, _SIGNED)
    third = share_of(monitor, _SIGNED, 1)
    was = try_to_sign(where, store, verify, clock=lambda: now, reason=before, by=actor, monitor=first)
    database = problem = None
    # What was chosen may be another file by now; what it was then is in the copy.
    chosen = [offered.prepared.source] if traces(offered.prepared.source) == offered.prepared.traces else []
    with suppress(errors.TenantAdminError, OSError):
        database = store.restored(where, *map(InFile, [*chosen, offered.prepared.copy]))

    def announce() -> None:
        nonlocal problem
        try:
            problem = verify_and_sign(
                InFile(offered.prepared.copy),
                store,
                verify,
                now=now,
                reason=Reason.RESTORE,
                database=database,
                monitor=second,
            ).why_not
        except (errors.TenantAdminError, OSError) as error:
            problem = why_none(error, where)

    with store.verdicts.outdated(where) as done:
        how = partial(restore, path, offered.prepared, actor=actor, now=now, force=force)
        kept = how(announce=announce, done=done, monitor=third)
    if not offered.prepared.recorded or problem is not None:
        return Restored(kept, None, problem)
    try:
        made = store.take_up(where)
    except (errors.TenantAdminError, OSError) as error:
        return Restored(kept, None, why_none(error, where))
    if made is None:
        return Restored(kept, None, _OVERTAKEN)
    if was.report is not None:
        with suppress(errors.TenantAdminError, OSError):  # the way back is doubted then, but open
            store.put_aside(where, kept, was.report, made, now=now)
    return Restored(kept, made.number)


def prepare(
    path: Path,
    source: Path,
    folder: Path,
    *,
    strict: bool = False,
    monitor: Monitor = UNWATCHED,
    build: "Build | None" = None,
) -> Prepared:
    """Copies `source` (a database file, or an SQL dump, which is imported) into `folder` and checks it.

    Neither file is changed. `build` is that of `import_dump`. Raises `NotAllowed` where the copy is the file
    itself, lacks the audit chain that the file has, or has one that takes no entries where the file's takes
    them, or holds something that stands in for a table,
    `Cancelled`, and the errors of opening, copying and importing.
    """
    with suppress(OSError):  # what is not there, or may not be seen, is said when it is opened
        if source.samefile(path):
            raise errors.NotAllowed(f"{source.name} is the file itself; choose a copy of it.")
    is_dump = False
    try:
        with suppress(errors.NeedsCopy, errors.UnfinishedChange):  # a copy is made all the same
            opening.open_database(source, read_only=True)
    except errors.SqlDump:
        is_dump = True
    notes: tuple[Note, ...] = ()
    tenant = None
    left = traces(source)
    copy = folder / _named(source)  # sentences about it name what the person chose
    with _written_beside(path):
        if is_dump:
            from app.services.files.importing import import_dump  # noqa: PLC0415 - most are databases

            made = import_dump(source, copy, strict=strict, build=build, monitor=monitor)
            notes, tenant = made.notes, made.tenant
        else:
            snapshot_copy(source, copy, Monitor(cancelled=monitor.cancelled))
    database = LocalDatabase(copy)
    with database.expected_errors(), database.connection_context():
        found = schema.inspect(database)
        if found.impostors:
            raise errors.NotAllowed(
                f"{source.name} holds {', '.join(found.impostors)}, which could change what a write means; "
                "nothing was restored."
            )
        if database.connection().pragma("encoding") != "UTF-8":
            raise errors.NotAllowed(
                f"{source.name} cannot be restored: {opening.UTF_16}, so nothing could be done in the file "
                "any more; nothing was restored. Export it as SQL, then restore that."
            )
        has_chain = AUDIT_CHAIN.name in found.columns
        unfit = _why_unfit(database) if has_chain else None
        if unfit is not None and not _takes_no_entries(path):
            raise _unfit(source, unfit)
        numbering = Numbering(database)
        takes_entries = has_chain and unfit is None
        chain = numbering.told_in if takes_entries else SYSTEM_TENANT
        if unfit is None and (reason := unknown_tenant(database, chain)):
            raise errors.NotAllowed(f"{source.name} cannot be restored: {reason} Nothing was restored.")
        before = _rows_now(path)
        if AUDIT_CHAIN.name in before and not has_chain:
            raise errors.NotAllowed(
                f"{source.name} has no audit chain (no table audit_chain): that of {path.name} would be "
                "lost, and nothing would say so; nothing was restored. Import or copy it to a new file."
            )
        after = describe.rows(database, found)
        said = numbering.caution([chain]) if takes_entries else None
        fewer = _columns_lacking(path, found.columns)
        back = _erased_since(path, database, found.stored) if has_chain else ()
    return Prepared(
        source, copy, left, before, after, notes, chain, said, unfit, tenant, erased=back, fewer=fewer
    )


def _columns_lacking(path: Path, copy: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """The columns with values that only the file has, of tables in both, as far as it can be read."""
    fewer: list[str] = []
    file = LocalDatabase(path, read_only=True)
    with (
        suppress(errors.UnreadableFile, errors.NotADatabase),
        file.expected_errors(),
        file.connection_context(),
    ):
        for table, columns in schema.inspect(file).columns.items():
            there = {name.lower() for name in copy.get(table, columns)}  # SQLite's names have no case
            for name in (one for one in columns if one.lower() not in there):
                asked = (
                    f"SELECT EXISTS (SELECT 1 FROM main.{sql_name(table)} WHERE {sql_name(name)} NOT NULL)"  # noqa: S608
                )
                with suppress(errors.UnreadableFile):
                    if file.scalar(raw(asked)):
                        fewer.append(f"{table}.{name}")
    return tuple(fewer)


def _erased_since(path: Path, copy: LocalDatabase, tables: StoredTables) -> tuple[str, ...]:
    """The tenants of which the copy has rows, and that were erased from the file since it was made."""
    in_file: Mapping[str, ErasedTenant] = {}
    in_copy: Mapping[str, ErasedTenant] = {}
    file = LocalDatabase(path, read_only=True)
    with suppress(errors.StorageError), file.expected_errors(), file.connection_context():
        in_file = erased(file)
    with suppress(errors.StorageError):
        in_copy = erased(copy)
    since = [
        tenant for tenant, one in in_file.items() if tenant not in in_copy or in_copy[tenant].seq < one.seq
    ]

    def is_there(tenant: str) -> bool:
        return any(
            copy.scalar(raw(f"SELECT EXISTS (SELECT 1 FROM main.{sql_name(name)} WHERE {which})"))  # noqa: S608
            for name, which in own_of(tables, tenant).items()
        )

    with suppress(errors.NotAllowed):  # which of its rows they are cannot be told
        return tuple(filter(is_there, sorted(since)))
    return tuple(sorted(since))


def compared(prepared: Prepared, path: Path, cancelled: Stop = never) -> Prepared:
    """The same, for a person who looks at it, with the rows that both have. Raises `Cancelled`."""
    database = LocalDatabase(prepared.copy)
    with database.expected_errors(), database.connection_context(), database.cancellable(cancelled):
        found = describe.in_common(database, path, schema.inspect(database).stored)
    if cancelled():
        raise errors.Cancelled
    return replace(prepared, common=found)


def restore(
    path: Path,
    prepared: Prepared,
    *,
    actor: str,
    now: int,
    force: bool = False,
    announce: Callable[[], object] = lambda: None,
    done: Callable[[], object] = lambda: None,
    monitor: Monitor = UNWATCHED,
) -> Path:
    """Replaces what the file at `path` holds; returns the copy of what it held, which lies beside it.

    The restore is an entry in `Prepared.chain` of what is restored, where that has any chain, so content and
    entry come in one transaction. The copy of the old content is taken while nobody can write, so that no
    commit falls between the two. A file that another program has open is left alone unless `force`.
    `announce` is called when the copy is just what the file will hold, before the file is touched,
    `done` behind the commit, before what was written is read back.
    `monitor` is told pages. Nothing is changed when it is cancelled or fails before its commit. Raises
    `NotAllowed` (it may not be written, and why), `Cancelled`, `CopyNotWritten`, `RestoreFailed` and the
    storage errors, `AlreadyThere` where another program took the name of the copy meanwhile.
    """
    require_writable(path, force=force)
    with copies.free_name(real_path(path), "restore", now) as kept:  # the entry says it before it is there
        if prepared.recorded:
            with _written_beside(path):
                _record(prepared, kept, actor=actor, now=now)
            announce()
        with LocalDatabase(path).expected_errors():
            copies.put_back(path, prepared.copy, kept, monitor=monitor)
    done()
    _check(path, kept)
    return kept


def require_writable(path: Path, *, force: bool = False) -> None:
    """Raises the errors of `require_file`, and `NotAllowed` where the file may not be replaced, and why."""
    require_file(path)
    reason = opening.why_not_written(path, force=force)
    if reason is not None:
        raise errors.NotAllowed(f"{path.name} cannot be written, because {reason}; nothing was restored.")


def _was_like(path: Path, copy: Path, cancelled: Stop) -> bool:
    """Whether the file has every entry of the copy, to the storage class, and no other up to the copy's last
    one. Those that a tenant's chain does not have any more, which begins further on now, have to lead to that
    beginning, by the hashes that a verification looks at. Raises `Cancelled`.
    """
    is_alike = False
    with suppress(apsw.Error), _beside(path, copy, cancelled) as database:
        is_alike = not database.connection().execute(_UNLIKE).get
    if cancelled():
        raise errors.Cancelled
    return is_alike


def _unlike(path: Path, prepared: Prepared, cancelled: Stop) -> Standing | None:
    """What is said of a copy that has no audit entry of the file, or no row of one without entries; None of
    any other, and where the file has nothing or cannot be read. Raises `Cancelled`.
    """
    before, chain = prepared.before, AUDIT_CHAIN.name
    has_any = True
    with suppress(apsw.Error), _beside(path, prepared.copy, cancelled) as database:
        if before.get(chain):
            answers = (database.connection().execute(asked).get for asked in _IN_COMMON)
            has_any = chain in prepared.after and any(answers)
        elif any(before.values()):
            has_any = describe.have_in_common(database, schema.inspect(database).stored)
    if cancelled():
        raise errors.Cancelled
    if has_any:
        return None
    return Standing.NO_ENTRY if before.get(chain) else Standing.NO_ROW


@contextmanager
def _beside(path: Path, copy: Path, cancelled: Stop) -> Iterator[LocalDatabase]:
    """The copy, connected, with the file as `beside`."""
    database = LocalDatabase(copy)
    with database.connection_context(), database.cancellable(cancelled):
        database.connection().execute("ATTACH ? AS beside", (f"{path.absolute().as_uri()}?mode=ro",))
        yield database


def _of_source(store: CheckpointStore, *sources: Path) -> CheckpointHistory | None:
    """What is known of the first of them that can be read, if anything is."""
    for source in sources:  # a dump is none that can be read
        with suppress(errors.TenantAdminError, OSError):
            known = store.known(InFile(source))
            return known if known.checkpoints or known.findings else None
    return None


def _line(
    checkpoints: Sequence[Checkpoint], lines: Sequence[CheckpointHistory], copy: Path
) -> tuple[CheckpointHistory | None, Standing | None]:
    """The checkpoints that a copy is held against, and how it stands to them if it holds.

    Those of the newest line of which one is continued, or else the last line. None for a copy that has
    nothing in common with any.
    """
    if not lines:
        return None, None
    with rows_of(InFile(copy)) as rows:
        for line in reversed(lines):
            for count in range(len(line.checkpoints), 0, -1):
                if not compare(rows, line.checkpoints[:count]).continues:
                    continue
                newest = count == len(line.checkpoints)
                if line is lines[-1] and newest:
                    return line, Standing.LATER
                if newest and not is_all(rows, line.checkpoints[-1]):  # goes on as the file did not
                    return lines[-1], Standing.CONTRADICTED
                return line, Standing.EARLIER
        if checkpoints and not is_related(rows, checkpoints):
            return None, Standing.OTHER
    return lines[-1], Standing.CONTRADICTED


@contextmanager
def _written_beside(path: Path) -> Iterator[None]:
    """A disk that is full is the one on which the file lies, whatever is made there and from what."""
    try:
        yield
    except errors.TemporaryFull:
        raise
    except errors.DiskFull as error:
        raise errors.DiskFull(path, error.temporary) from error


def _named(path: Path) -> Path:
    """The file's name, or a plain one where it is no text that SQLite could be given."""
    try:
        path.name.encode()
    except UnicodeEncodeError:
        return Path("copy")
    return Path(path.name)


def _why_unfit(database: LocalDatabase) -> str | None:
    """What is said of an audit chain in which nothing can be recorded; None of any other. The caller holds a
    connection. Raises as `check_table` does.
    """
    try:
        check_table(database.connection(), database.path)
    except CannotVerify as error:
        return error.what
    return None


def _takes_no_entries(path: Path) -> bool:
    """Whether the file can be read, and has an audit chain of that kind."""
    database = LocalDatabase(path, read_only=True)
    with suppress(errors.StorageError), database.expected_errors(), database.connection_context():
        return _why_unfit(database) is not None
    return False


def _unfit(source: Path, what: str) -> errors.NotAllowed:
    return errors.NotAllowed(
        f"The table {AUDIT_CHAIN.name} of {source.name} {what}, so the restore could not be recorded in it; "
        "nothing was restored. Import or copy it to a new file."
    )


def _rows_now(path: Path) -> dict[str, int | None]:
    """What can be counted of a file that may be damaged, which may be why somebody restores it."""
    database = LocalDatabase(path, read_only=True)
    counts: dict[str, int | None] = dict.fromkeys(schema.expected_columns())
    with (
        suppress(errors.UnreadableFile, errors.NotADatabase),
        database.expected_errors(),
        database.connection_context(),
    ):
        found = schema.inspect(database).columns
        counts = {table: None for table in found if not schema.internal(table)}
        for table in counts:
            with suppress(errors.UnreadableFile):
                counts |= describe.rows(database, schema.Schema({table: found[table]}))
    return counts


def _record(prepared: Prepared, kept: Path, *, actor: str, now: int) -> None:
    payload: dict[str, Any] = {
        "actor": actor,
        "source": prepared.source.name,
        "kept": kept.name,
        "entriesBefore": prepared.before.get(AUDIT_CHAIN.name),
        "entriesAfter": prepared.after.get(AUDIT_CHAIN.name),
    }
    if prepared.erased:
        payload["tenantsBack"] = list(prepared.erased)
    event = Event(prepared.chain, AuditEvent.DATABASE_RESTORED, payload)
    database = LocalDatabase(prepared.copy)
    with database.connection_context():
        append(database, lambda: Batch((), (event,)), now=now)


def _check(path: Path, kept: Path) -> None:
    database = LocalDatabase(path)  # one that only reads would leave -wal and -shm beside it
    try:
        with database.expected_errors(), database.connection_context():
            if is_sound(database.connection()):
                return
    except errors.FileLocked:  # somebody uses it already; what was written is what was checked before
        return
    except errors.StorageError as error:
        raise RestoreFailed(path, kept) from error
    raise RestoreFailed(path, kept)
