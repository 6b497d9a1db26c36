"""What an administrator does with checkpoints."""

import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path

import apsw

from app.services.chain.checkpoints.continuation import Continuation, compare
from app.services.chain.checkpoints.document import (
    NEW_LINE,
    Checkpoint,
    Reason,
    authentic,
    read_export,
    write_export,
)
from app.services.chain.checkpoints.identity import (
    has_row,
    place,
    recognise,
    recognise_old,
    shares_tenant,
    speaks_of,
    spelt,
)
from app.services.chain.checkpoints.keys import KeyPlace, Keyring, SigningKey, load_key
from app.services.chain.checkpoints.records import KnownDatabase, Records, Session
from app.services.chain.verify import source
from app.services.chain.verify.codes import Code, Verdict
from app.services.chain.verify.comparison import Known, Witness
from app.services.chain.verify.report import Finding, Report, SealedChain, TenantReport
from app.services.errors import NotAllowed, NotFound, TenantAdminError


class NotSigned(TenantAdminError):
    """The chains do not hold, so nothing may be signed that says they do."""


class CheckpointStore:
    """The checkpoints kept in `folder`. Opens what it needs for each call, and nothing before.

    `keyring` is the system's own if None. All paths are those of database files.
    """

    def __init__(self, folder: Path, keyring: Keyring | None = None) -> None:
        self._folder, self._keyring = folder, keyring
        self._records = Records(folder)

    def key_place(self) -> KeyPlace:
        """Where the signing key lives; makes one on first use."""
        return self._key().place

    def identify(self, path: Path) -> str | None:
        """The id of the known database that the file is, or None (see `identity`)."""
        if not self._records.exists:
            return None
        with self._records.open() as session:
            found = self._recognise(session, path)
        return None if found is None else found.id

    def checkpoints(self, path: Path) -> tuple[Checkpoint, ...]:
        """The checkpoints of the file's database, oldest first."""
        database = self.identify(path)
        if database is None:
            return ()
        with self._records.open() as session:
            return tuple(session.checkpoints(database))

    def known(self, path: Path) -> Witness:
        """What is known of the file, for `verify(…, checkpoints=…)`; empty for a file never seen.

        Raises the errors of opening the file and `StoreDamaged`.
        """
        good, findings, adopted = self._known(path)
        return Witness(_standing(good), adopted, findings)

    def history(self, path: Path) -> tuple[Known, ...]:
        """All that checkpoints ever said of the file, oldest first; also what no longer binds it."""
        return tuple(item.known() for item in self._known(path)[0])

    def known_from(self, path: Path, export: Path) -> Witness:
        """What an export says of the file; a finding where the export itself cannot be believed.

        SIGNATURE: edited, signed with a key not known here (if any is), of another database. ROLLBACK: this
        store has seen a later checkpoint. Raises `InvalidInput` when `export` is none.
        """
        checkpoints = read_export(export)
        keys: frozenset[str] = frozenset()
        adopted: dict[str, tuple[int, str]] = {}
        database: KnownDatabase | None = None
        if self._records.exists:
            with self._records.open() as session:
                keys = frozenset(session.keys())
                database = self._recognise(session, path)
                if database is not None:
                    adopted = session.adoptions(database.id)
        with source.reading(path) as connection:
            its_own = speaks_of(connection, checkpoints)
            strange = not its_own and database is None and not shares_tenant(connection, checkpoints)
        wanted = None if database is None or its_own else database.id
        good, findings = authentic(checkpoints, keys, wanted)
        if strange and good:
            findings.append(_of_another(path))
        newest = max((item.number for item in good), default=0)
        if (
            not findings
            and database is not None
            and good[0].database == database.id
            and newest < database.seen_number
        ):
            findings.append(_rollback(newest, database.seen_number))
        return Witness(_standing(good), adopted, tuple(findings))

    def create(
        self, path: Path, report: Report, *, now: int, reason: Reason, database: str | None = None
    ) -> Checkpoint:
        """Signs what a verification with `seal=True` has just found, and keeps it.

        With a `reason` of `NEW_LINE` the checkpoint takes the place of those before it, so the report must
        be one made without them. `database` is the file's id (`identify`) where it was known before its
        content was replaced. An unproven start does not prevent it: the checkpoint then says only that the
        rows were there. Raises `NotSigned` when the report has errors or covers only a part.
        """
        if report.verdict in (Verdict.TAMPERED, Verdict.UNREADABLE):
            raise NotSigned("The audit chain does not hold, so no checkpoint was made; look at the findings.")
        if not report.entries:
            raise NotSigned("There are no audit entries yet, so there is nothing to sign.")
        if report.seal is None:
            raise NotSigned(
                "Only an undisturbed verification of the whole file can become a checkpoint; verify it again."
            )
        key = self._key()
        with self._records.open(writing=True) as session:
            known = self._recognise(session, path) if database is None else session.database(database)
            database = str(uuid.uuid4()) if known is None else known.id
            before = session.checkpoints(database, newest=1)
            seal = report.seal
            if not _is_still_there(path, seal.tenants):
                raise NotSigned("The file was replaced while it was being verified; verify it again.")
            checkpoint = Checkpoint(
                database=database,
                number=max(before[0].number if before else 0, known.seen_number if known else 0) + 1,
                at=now,
                reason=reason,
                after=seal.after,
                through=seal.through,
                rows_ever=_rows_ever(report, () if reason in NEW_LINE else before),
                tenants=seal.tenants,
                previous=before[0].hash if before else None,
                key=key.public,
            ).signed(key.private)
            session.add_key(key.public, own=True, now=now)
            session.add(checkpoint)
            self._see(session, database, path, number=checkpoint.number, now=now)
        return checkpoint

    def export(self, path: Path, out: Path) -> int:
        """Writes all checkpoints of the file's database as JSON; how many. Raises `NotFound`, `OSError`."""
        checkpoints = self.checkpoints(path)
        if not checkpoints:
            raise NotFound("checkpoint")
        write_export(out, checkpoints)
        return len(checkpoints)

    def import_(self, export: Path, *, now: int, path: Path | None = None) -> int:
        """Takes in an export, for example from another machine; how many checkpoints are new.

        Their key is trusted from now on: importing is saying so. They must fit those that are here. `path`
        is the database file they speak of, if it is at hand; one that they know no row of is not taken for
        it. Raises `InvalidInput` when it is no export, `NotAllowed` when it does not hold.
        """
        checkpoints = read_export(export)
        with self._records.open() as session:
            kept = session.checkpoints(checkpoints[0].database) if checkpoints else []
        together = {item.hash: item for item in [*kept, *checkpoints]}
        good, findings = authentic(
            sorted(together.values(), key=lambda item: item.number),
            frozenset(item.key for item in together.values()),
            checkpoints[0].database if checkpoints else None,
        )
        if findings:
            raise NotAllowed(f"{findings[0].message} Nothing was imported.")
        with self._records.open(writing=True) as session:
            new = 0
            for item in good:
                new += session.add(item)
                session.add_key(item.key, own=False, now=now)
            if good:
                known = session.database(good[0].database)
                if path is not None and _speak_of(path, good):
                    self._see(session, good[0].database, path, number=good[-1].number, now=now)
                else:
                    where = (known.path, known.place) if known else ("", "")
                    session.see(good[0].database, *where, number=good[-1].number, now=now)
        return new

    def accept_start(
        self, path: Path, tenant: TenantReport, previous_hash: str, *, actor: str, now: int
    ) -> None:
        """Records a start that nothing proves (verdict UNPROVEN_START) as the baseline the user accepts.

        `previous_hash` is the `actual` of its finding. Raises `NotAllowed` for any other verdict.
        """
        if tenant.verdict is not Verdict.UNPROVEN_START or tenant.first_seq is None:
            raise NotAllowed(f"The start of the chain of {tenant.tenant} is not in question.")
        with self._records.open(writing=True) as session:
            known = self._recognise(session, path)
            database = str(uuid.uuid4()) if known is None else known.id
            self._see(session, database, path, number=0, now=now)
            start = (tenant.first_seq, previous_hash)
            session.adopt(database, tenant.tenant, start, actor=actor, now=now)

    def continuation(self, path: Path) -> Continuation:
        """Whether the file continues the one last seen, by a few look-ups: less than a verification."""
        return compare(path, self.known(path))

    def _known(
        self, path: Path
    ) -> tuple[list[Checkpoint], tuple[Finding, ...], Mapping[str, tuple[int, str]]]:
        """The checkpoints of the file that hold, what is wrong with the rest, and the starts adopted."""
        if not self._records.exists:
            return [], (), {}
        with self._records.open() as session:
            database = self._recognise(session, path)
            if database is None:
                return [], (), {}
            keys = frozenset(session.keys())
            good, findings = authentic(session.checkpoints(database.id), keys, database.id)
            newest = max((item.number for item in good), default=0)
            if newest < database.seen_number and not findings:
                findings = [_rollback(newest, database.seen_number)]
            return good, tuple(findings), session.adoptions(database.id)

    def _key(self) -> SigningKey:
        return load_key(self._folder, self._keyring)

    def _recognise(self, session: Session, path: Path) -> KnownDatabase | None:
        known = [(database, session.checkpoints(database.id, newest=3)) for database in session.databases()]
        if not known:
            return None
        try:
            with source.reading(path) as connection:
                found = recognise(connection, path, known)
                if found is None:
                    all_of_each = ((database, session.checkpoints(database.id)) for database, _ in known)
                    found = recognise_old(connection, all_of_each)
                if found is None:
                    found = _with_adopted_start(connection, session, known)
        except (apsw.CorruptError, apsw.IOError, apsw.SQLError, apsw.NotADBError):
            found = None
        return found

    def _see(self, session: Session, database: str, path: Path, *, number: int, now: int) -> None:
        with source.reading(path) as connection:
            session.see(database, spelt(path), place(connection, path), number=number, now=now)


def _with_adopted_start(
    connection: apsw.Connection,
    session: Session,
    known: Sequence[tuple[KnownDatabase, Sequence[Checkpoint]]],
) -> KnownDatabase | None:
    """The database with an adopted start that is in the file; it may have no checkpoint yet."""
    for database, _ in known:
        for tenant, start in session.adoptions(database.id).items():
            row = connection.execute(
                "SELECT 1 FROM main.audit_chain WHERE tenant_id = ? AND seq = ? AND previous_hash = ?",
                (tenant, *start),
            ).fetchone()
            if row is not None:
                return database
    return None


def _standing(checkpoints: Sequence[Checkpoint]) -> tuple[Known, ...]:
    """Those that are held against the file: the last line of them."""
    starts = [place for place, item in enumerate(checkpoints) if item.starts_line]
    return tuple(item.known() for item in checkpoints[starts[-1] if starts else 0 :])


def _is_still_there(path: Path, tenants: Mapping[str, SealedChain]) -> bool:
    """Whether what was verified is what the file holds now: a restore may have come between."""
    with source.reading(path) as connection:
        return all(has_row(connection, sealed.last_seq, sealed.head) for sealed in tenants.values())


def _speak_of(path: Path, checkpoints: Sequence[Checkpoint]) -> bool:
    with source.reading(path) as connection:
        return speaks_of(connection, checkpoints)


def _rows_ever(report: Report, before: Sequence[Checkpoint]) -> int:
    """All rows that ever were, as far as one can know: those of the checkpoint before, and the new ones."""
    if not before:
        return report.entries
    return before[0].rows_ever + report.unwitnessed


def _of_another(path: Path) -> Finding:
    sentence = f"The checkpoints are of another database: {path.name} has none of their tenants."
    return Finding(Code.SIGNATURE, None, None, None, None, sentence)


def _rollback(newest: int, seen: int) -> Finding:
    return Finding(
        Code.ROLLBACK,
        None,
        None,
        str(seen),
        str(newest),
        f"The newest checkpoint here is number {newest}, but number {seen} was seen before: "
        "the later ones are missing.",
    )
