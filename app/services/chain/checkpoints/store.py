"""What an administrator does with checkpoints."""

import uuid
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Final

from app.services.chain.checkpoint import NEW_LINE, UNKNOWN, Checkpoint, CheckpointHistory, Reason, Recognised
from app.services.chain.checkpoints import aside, document, doubts, identity, tables
from app.services.chain.checkpoints.kept import KeptVerdicts, announce, announced, forget_announced
from app.services.chain.checkpoints.recognition import (
    UNRECOGNISABLE,
    are_parted,
    is_copy,
    looked_for,
    parts_with_restore,
    recognised,
    recognised_in,
    remember,
    remember_place,
    said_of,
    said_of_live,
)
from app.services.chain.checkpoints.rows import ChainRows, rows_of
from app.services.chain.checkpoints.signing import extracts, refuse_lost_starts, sealed_by, signed
from app.services.chain.rules import Code, Finding, Verdict
from app.services.chain.verify.report import Report
from app.services.chain.where import InFile, Where
from app.services.keyring import Keyring
from app.services.text import tenant_name
from models import errors
from models.files.errors import is_full

_REPLACED: Final = "The database was replaced while it was being verified; verify it again."
_WENT: Final = (
    "Entries were removed, or changed, by somebody else while they were being verified; verify it again."
)


class CheckpointStore:
    """The checkpoints kept in `folder`. Opens what it needs for each call, and nothing before.

    `keyring` is None where there is none, and the key is kept in a file. A database is a file or a live one
    (`Where`). Every method may raise `StoreUnreadable`, and the errors of opening the file.
    """

    def __init__(self, folder: Path, keyring: Keyring | None = None) -> None:
        self._folder, self._keyring = folder, keyring
        self._path = folder / tables.FILE
        self.verdicts = KeptVerdicts(folder)

    def where_key_is(self) -> str:
        """Where the signing key is kept, as a sentence; makes one on first use."""
        return self._key().where

    def _key(self) -> document.SigningKey:
        with tables.store_errors(self._path):
            return document.load_key(self._folder, self._keyring)

    def require_signing(self) -> None:
        """Raises `NotSigned` where the signing key is out of reach, `StoreNotWritten` where the disk of the
        store is full; makes neither.
        """
        if is_full(next(folder for folder in self._path.parents if folder.exists())):
            raise tables.StoreNotWritten(self._path, tables.NO_SPACE)
        document.require_key(self._folder, self._keyring)

    def signs_unasked(self) -> bool:
        """Whether a checkpoint can be signed now without a keyring asking a person for something."""
        in_file = (self._folder / document.KEY_FILE).exists()
        return in_file or self._keyring is None or self._keyring.is_open()

    def identify(self, where: Where) -> str | None:
        """The id of the known database that the file is, or that was in its place; None where none is known
        (see `identity`).
        """
        with self._contents_of(where, in_place=True) as (_, database):
            return None if database is None else database.id

    def restored(self, where: Where, *sources: Where) -> str | None:
        """The id of the known database that a file is once it holds what the first of `sources` holds that
        can be read: the one that it is, where the source is of that, too. None for one of its own: of a
        source that nobody knew, or of a database seen elsewhere, from which this file parts with the restore.
        """
        here = self.identify(where)
        for source in sources:  # a dump, or one that is gone by now, is none that can be read
            with suppress(errors.TenantAdminError, OSError), self._contents_of(source) as (contents, found):
                if contents is not None and found is not None:
                    if found.undecided:
                        return here
                    with rows_of(where) as rows:
                        parts = found.id != here or parts_with_restore(contents, rows, found)
                    return None if parts else found.id
        return None

    def checkpoints(self, where: Where, *, in_place: bool = False) -> tuple[Checkpoint, ...]:
        """The checkpoints of the file's database that can be read, oldest first; none while it is undecided
        which one that is. `in_place` as for `lines`.
        """
        with self._contents_of(where, in_place=in_place) as (contents, database):
            if contents is None or database is None or database.undecided:
                return ()
            return tuple(contents.sound_checkpoints(database.id))

    def all_checkpoints(self, where: Where) -> tuple[Checkpoint, ...]:
        """The same, and before them those of the databases that it may have been a copy of."""
        with self._contents_of(where) as (contents, database):
            if contents is None or database is None or database.undecided:
                return ()
            own = contents.sound_checkpoints(database.id)
            return (*_of_copies(contents, own), *own)

    def extracts(self, where: Where, tenant: str) -> tuple[Checkpoint, ...]:
        """What those that are held against the file say of one tenant alone, signed now; none where no
        checkpoint knew it. Raises `NotSigned` where the key is out of reach.
        """
        known = [item for item in self.known(where).checkpoints if tenant in item.tenants]
        return extracts(known, tenant, self._key()) if known else ()

    def unreadable(self, where: Where) -> tuple[str, ...]:
        """The rows of the store that cannot be read and may be of the file, as one would look for them."""
        with self._contents_of(where) as (contents, database):
            if contents is None:
                return ()
            contents.keys()
            if database is not None:
                contents.checkpoints(database.id)
                contents.baselines(database.id)
            return tuple(contents.unreadable)

    def looked_for(self, where: Where) -> int:
        """How many rows are looked for to tell which database is there, beside those of its own."""
        if not tables.is_there(self._path):
            return 0
        with tables.opened(self._path) as contents:
            return looked_for(contents, where)

    def known(self, where: Where, rows: ChainRows | None = None) -> CheckpointHistory:
        """What is known of the file, for a verification; empty for a file never seen. `rows` have seen then
        what tells which one it is.
        """
        return self.lines(where, rows)[-1]

    def lines(
        self, where: Where, rows: ChainRows | None = None, *, in_place: bool = False
    ) -> tuple[CheckpointHistory, ...]:
        """All that checkpoints ever said of the file, oldest line first; the last is what `known` gives.

        Those of the database that was last seen `in_place`, where what is there now may be another one.
        """
        with ExitStack() as stack:
            rows = rows or ChainRows(where, stack)
            contents, database = stack.enter_context(self._contents_of(where, rows, in_place=in_place))
            if contents is None:
                why = tables.no_folder(self._path)
                notes = (f"No checkpoints could be read: {why}.",) if why else ()
                return (CheckpointHistory(notes=notes),)
            if database is None:
                unknown = "Nobody knows whether checkpoints speak of this database: {} cannot be read."
                told = (*said_of_live(contents, rows), *map(unknown.format, contents.unreadable))
                return (CheckpointHistory(notes=told),)
            good, findings = document.authentic(
                contents.checkpoints(database.id), contents.keys(), database.id
            )
            said = tuple(findings or _rollback(good, database))
            baselines = contents.baselines(database.id)
            told, recognised = said_of(contents, database, where), _recognised(contents, where, database)
            copies = _of_copies(contents, good)
        if database.undecided and not database.before:  # there is none to hold against it
            return (CheckpointHistory(notes=told, doubts=told, undecided=True, recognised=recognised),)
        keys = frozenset(item.key for item in good)
        return tuple(
            CheckpointHistory(
                line,
                baselines,
                said,
                told,
                keys=frozenset() if database.undecided else None,
                counted=_counted(line),
                superseded=copies + _before(good, line),
                undecided=database.undecided,
                doubts=told,
                recognised=recognised,
            )
            for line in _lines(good, keys)
        )

    def known_from(self, where: Where, export: Path, *, trust: Collection[str] = ()) -> CheckpointHistory:
        """What an export says of the file; a finding where the export itself cannot be believed.

        SIGNATURE: edited, unreadable (the others count), or of another database. KEY: signed with a key that
        is neither known here nor among `trust`, public keys in hex; no verdict is VERIFIED by it. That an
        export is older than what was seen here is a note and no finding. Raises `InvalidInput` when `export`
        is none, or none of it is signed with a key to trust, and `NotAllowed` when it is of the database of
        which a person has said that the file is another one.
        """
        each = document.read_each(export)
        checkpoints = document.readable(each)
        for key in trust:
            if all(item.key != key for item in checkpoints):
                sentence = (
                    f"No checkpoint in {export.name} is signed with the key {key}; check the fingerprint."
                )
                raise errors.InvalidInput("trust-key", sentence)
        with self._contents_of(where) as (contents, database):
            if contents is not None and are_parted(contents, database, checkpoints):
                raise errors.NotAllowed(
                    f"{where.name} counts as another database than the one that {export.name} is of, by "
                    "what was said or imported here, so that says nothing of it. Nothing was verified: take "
                    "an export of its own."
                )
            keys = (frozenset() if contents is None else contents.keys()) | frozenset(trust)
            baselines = {} if contents is None or database is None else contents.baselines(database.id)
        with rows_of(where) as rows:
            its_own = identity.speaks_of(rows, checkpoints)
            of_it = its_own or (bool(checkpoints[-1].tenants) and identity.shares_tenant(rows, checkpoints))
            strange = database is None and not of_it
        wanted = None if database is None or its_own else database.id
        good, findings = document.authentic(each, keys, wanted, exported=True)
        if strange and good:
            why = "has none of their tenants" if checkpoints[-1].tenants else "is not what became of it"
            message = f"The checkpoints are of another database: {where.name} {why}."
            findings.append(Finding(Code.SIGNATURE, None, None, None, None, message))
        notes: tuple[str, ...] = ()
        if good and database is not None and good[0].database == database.id:
            newest, seen = good[-1].number, database.seen_number
            if newest < seen:
                note = f"The export ends with checkpoint {newest}; later ones, up to {seen}, were seen here."
                notes = (note,)
        # One that knew of nothing left cannot be held against another database.
        line = () if strange and not checkpoints[-1].tenants else _lines(good, keys)[-1]
        before = _before(good, line)
        return CheckpointHistory(line, baselines, tuple(findings), notes, keys, _counted(line), before)

    def create(
        self, where: Where, report: Report, *, now: int, reason: Reason, database: str | None = None
    ) -> Checkpoint:
        """Signs what a verification with `seal=True` has just found, and keeps it.

        With a `reason` of `NEW_LINE` the checkpoint takes the place of those before it, so the report must
        be one made without them; one of `ANOTHER_DATABASE` leaves them to the database that the file is no
        more, and begins a line of its own. An unproven start does not prevent it where no checkpoint knew
        what came before: the checkpoint then says only that the rows were there. Raises `NotSigned` when the
        report has errors, has lost its end, or covers only a part. One of a `RESTORE` is made of the copy,
        before it is put in place of the file; it is only announced, and counts once the file holds what it
        says (`take_up`). It is one of `database` (`restored`), or of a new one.
        """
        seal, is_restore = sealed_by(report, reason), reason is Reason.RESTORE
        key = self._key()
        with tables.opened(self._path, writing=True) as contents, rows_of(where) as rows:
            known, other, reason = _line_for(contents, rows, reason, database)
            newest = contents.checkpoints(known.id, newest=3)
            before = next((item for item in newest[::-1] if isinstance(item, Checkpoint)), None)
            heads = {sealed.last_seq: sealed.head for sealed in seal.tenants.values()}
            there = {seq: row.hash for seq, row in rows.at(heads).items()}
            if there != heads:
                is_it = where.costs or bool(there.items() & heads.items())
                raise document.Disturbed(_WENT) if is_it else document.NotSigned(_REPLACED)
            ever = report.entries
            if before is not None and reason not in NEW_LINE:
                refuse_lost_starts(report, seal, before)
                ever = before.rows_ever + report.not_covered
            unsigned = Checkpoint(
                database=known.id,
                number=max(known.seen_number, *(item.number or 0 for item in newest), 0) + 1,
                at=now,
                reason=str(reason),
                after=seal.after,
                through=seal.through,
                rows_ever=ever,
                tenants=seal.tenants,
                previous=before.hash if before else None,
                key=key.public,
            )
            made = signed(unsigned, key)
            contents.add_key(key.public, own=True, now=now)
            if is_restore:
                with tables.store_errors(self._path):
                    announce(self._folder, made)
                return made
            contents.add(made)
            if other is not None:
                contents.inherit_baselines(known.id, other.id)
            remember(contents, known, rows, number=made.number, now=now)
        return made

    def take_up(self, where: Where) -> Checkpoint | None:
        """The checkpoint that a restore announced, where the file holds what it says: it counts from then on.

        None as well where another one was made meanwhile.
        """
        for made in announced(self._folder):
            with rows_of(where) as rows:
                if not identity.compare(rows, [made]).continues:
                    continue
                with tables.opened(self._path, writing=True) as contents:
                    there = contents.checkpoints(made.database)
                    keys = contents.keys()
                    is_next = made.number > max((item.number or 0 for item in there), default=0)
                    taken = is_next and made.key in keys and made.signature_holds()
                    if taken:
                        contents.add(made)
                        known = tables.KnownDatabase(made.database)
                        remember(contents, known, rows, number=made.number, now=made.at)
            self.verdicts.forget(where)  # the restore may have been killed just before it did so
            forget_announced(self._folder, made)
            if taken:
                return made
        return None

    def put_aside(self, where: Where, copy: Path, report: Report, behind: Checkpoint, *, now: int) -> None:
        """Signs that the copy is what a restore has put aside of the file, of which `report` was made just
        before with `seal=True`, and `behind` of what it has held since. Raises `NotSigned` where that did not
        hold, or is not what the copy holds, and `OSError`.
        """
        seal = sealed_by(report, Reason.BEFORE_RESTORE)
        with rows_of(InFile(copy)) as rows:
            there = replace(behind, after=seal.after, through=seal.through, tenants=seal.tenants)
            is_it = identity.is_all(rows, there)
        if not is_it:
            raise document.NotSigned("What was put aside is not what was verified.")
        key = self._key()
        place, hashed = where.places[0], aside.digest_of(copy)
        made = aside.PutAside(place, hashed, behind.hash, now, key.public).signed(key)
        with tables.store_errors(self._path), tables.opened(self._path, writing=True):
            aside.keep(self._folder, made)

    def was_put_aside(self, where: Where, copy: Path) -> str | None:
        """The hash of the checkpoint that the file got when just these bytes were put aside of it; None where
        they were not. Raises `OSError`.
        """
        found = aside.kept(self._folder, where.places[0])
        if not found or not tables.is_there(self._path):
            return None
        with tables.opened(self._path) as contents:
            keys = contents.keys()
        hashed = aside.digest_of(copy)
        made = (one for one in found if one.hashed == hashed and one.is_of(where.places[0], keys))
        return next((one.behind for one in made), None)

    def made(self, where: Where, *, unrelated: bool = False, of: Where | None = None) -> None:
        """Remembers a new file that this program made where one was seen and the place does not tell. Where
        all ends of that one are there, and others it cannot know are too (its tenant's part, made of the
        whole again), it is the one whose rows it has, from which the one seen here parted: not the other way
        round, since the ends tell nothing of what is between them. Where nobody knows its rows it is none of
        those, as long as it holds what was made, unless it is not `unrelated` to them, and has the ledger of
        the one there, or tenants of it: then a person says.

        What was made `of` a live database that has no line of its own is as little another live one as that
        is, although it has the rows of the one that it is a copy of.
        """
        if not tables.is_there(self._path):
            return
        with tables.opened(self._path, writing=True) as contents:
            if of is not None and of.location[0] not in contents.places():
                contents.put(where.places[0], of.location[0])
                return
            if (seen := contents.place(where)) is None:
                return
            database, what = "", tables.Made(unrelated=unrelated).stored()
            with suppress(*UNRECOGNISABLE), rows_of(where) as rows:
                known = recognised_in(None, contents, rows)
                here = recognised_in(replace(seen, made=None), contents, rows)
                all_of = contents.sound_checkpoints
                line = all_of(seen.database)
                parted = identity.compare(rows, line, counting=False).divergences
                if known is None or known.doubt:
                    what = identity.as_made(rows, unrelated=unrelated).stored()
                elif (
                    parted
                    or not identity.speaks_of(rows, line)
                    or (here is not None and not here.doubt)
                    or not (
                        identity.has_more(rows, line, parts=True)
                        or identity.has_parted(line, all_of(known.id))
                    )
                ):
                    return
                else:
                    database, what = known.id, rows.ledger()
            contents.put(where.places[0], database, what)

    def follow(self, where: Where) -> None:
        """Remembers where a file is now that was moved and is verified, where that can be written."""
        if where.file is None or not tables.is_there(self._path):
            return
        with suppress(errors.TenantAdminError, OSError):
            with tables.opened(self._path) as contents:
                if (place := contents.place(where)) is not None and place.made is None:
                    return
            with tables.opened(self._path, writing=True) as contents, rows_of(where) as rows:
                known = recognised(contents, rows)
                if known is not None and not known.doubt and not is_copy(contents, where, known):
                    remember(contents, known, rows, number=0, now=known.seen_at)

    def goes_on_instead(self, where: Where, *, taken: bool = False) -> bool:
        """Whether a file goes on with the line that it is judged by, in place of the one that was seen there,
        where a person says that it is another database: unless it is a copy, which is another one. What was
        `taken` so is put at its place.
        """
        if not tables.is_there(self._path):
            return False
        with tables.opened(self._path, writing=taken) as contents, rows_of(where) as rows:
            known = recognised(contents, rows)
            if known is None or not known.before or is_copy(contents, where, known):
                return False
            if taken:
                remember_place(contents, known.id, rows)
        return True

    def require_original(self, where: Where) -> None:
        """Raises `NotSigned` for a copy, by which the original would be judged if it started over."""
        with self._contents_of(where) as (contents, database):
            if contents is not None and database is not None and is_copy(contents, where, database):
                raise document.NotSigned(doubts.of_a_copy(database.path))

    def export(self, where: Where, out: Path) -> int:
        """Writes all checkpoints of the file's database as JSON; how many.

        Raises `NotFound`, and the errors of `write_export`.
        """
        checkpoints = self.checkpoints(where)
        if not checkpoints:
            raise errors.NotFound("checkpoint")
        document.write_export(out, checkpoints)
        return len(checkpoints)

    def import_(self, export: Path, *, now: int, where: Where | None = None) -> int:
        """Takes in an export, for example from another machine; how many checkpoints are new.

        Their key is trusted from now on: importing is saying so. They must fit those that are here. `where`
        is the database that they speak of, if it is at hand; one that they know no row of is not taken for
        it. Raises `InvalidInput` when it is no export, `NotAllowed` when it does not hold.
        """
        checkpoints = document.read_export(export)
        database = checkpoints[0].database
        with tables.opened(self._path, writing=True) as contents:
            together = {item.hash: item for item in [*contents.sound_checkpoints(database), *checkpoints]}
            in_order = sorted(together.values(), key=lambda item: item.number)
            good, findings = document.authentic(in_order, frozenset(item.key for item in in_order), database)
            if findings:
                raise errors.NotAllowed(f"{findings[0].message} Nothing was imported.")
            for item in good:
                contents.add_key(item.key, own=False, now=now)
            new = sum(contents.add(item) for item in good)
            known = contents.database(database) or tables.KnownDatabase(database)
            if where is not None:
                with rows_of(where) as rows:
                    here = recognised(contents, rows)
                    if identity.speaks_of(rows, good) and not are_parted(contents, here, good):
                        remember(contents, known, rows, number=good[-1].number, now=now)
                        return new
            contents.see(replace(known, seen_number=good[-1].number, seen_at=now))
        return new

    def accept_starts(
        self, where: Where, report: Report, *, actor: str, now: int, decided: bool = False
    ) -> None:
        """Records each start that nothing proves (UNPROVEN_START) as the baseline that the user accepts.

        Raises `NotAllowed` where something else is wrong with that chain, and `NotSigned` where it is
        undecided which database the file is, and that is not `decided` by a person at the same time.
        """
        unproven = {item.tenant: item.actual for item in report.findings if item.code is Code.UNPROVEN_START}
        with tables.opened(self._path, writing=True) as contents, rows_of(where) as rows:
            known = recognised(contents, rows) or tables.KnownDatabase(str(uuid.uuid4()))
            if known.undecided and not decided:
                raise document.NotSigned(doubts.UNDECIDED)
            remember(contents, known, rows, number=0, now=now)
            for tenant in report.tenants:
                if (previous := unproven.get(tenant.tenant)) is None:
                    continue
                if tenant.verdict is not Verdict.UNPROVEN_START or tenant.first_seq is None:
                    raise errors.NotAllowed(
                        f"The start of the chain of {tenant_name(tenant.tenant)} is not in question."
                    )
                start = (tenant.first_seq, previous)
                contents.accept(known.id, tenant.tenant, start, actor=actor, now=now)

    def still_known(self, where: Where) -> Checkpoint | None:
        """The latest checkpoint, where the file has the first and the last entry that it knew of every chain,
        and as many entries up to its end; where it is not searched, the first ones may have gone for their
        age. By a few look-ups; None where it has not, or there is something to say of the checkpoints
        themselves.
        """
        with rows_of(where) as rows:
            known = self.known(where, rows)
            latest = known.latest
            if latest is None or known.findings or known.notes or not latest.tenants:
                return None
            entries = sum(sealed.entries for sealed in latest.tenants.values())
            if rows.may_search and rows.until(latest.through) != entries:
                return None
            if not identity.begins_alike(rows, latest, may_be_pruned=not rows.may_search):
                return None
            return latest if identity.compare(rows, known.checkpoints, counting=False).continues else None

    def last_here(self, where: Where) -> int | None:
        """The number of the newest checkpoint of the database that was seen in this place, without a look at
        that; None where nothing tells.
        """
        if not tables.is_there(self._path):
            return None
        with tables.opened(self._path) as contents:
            place = contents.place(where)
            newest = [] if place is None else contents.checkpoints(place.database, newest=1)
        return next((one.number for one in newest if isinstance(one, Checkpoint)), None)

    def known_through(self, where: Where) -> int:
        """The last entry that the newest checkpoint knows of what was seen last in this place; 0 where there
        is none. Nothing is read but the store.
        """
        if not tables.is_there(self._path):
            return 0
        with tables.opened(self._path) as contents:
            place = contents.place(where)
            newest = () if place is None else contents.checkpoints(place.database, newest=1)
            known = (item for item in newest if isinstance(item, Checkpoint))
            return max((sealed.last_seq for item in known for sealed in item.tenants.values()), default=0)

    def continuation(self, where: Where) -> identity.Continuation:
        """Whether the file continues the one last seen, by a few look-ups: less than a verification. Nothing
        of one of which a person has to say which it is. What is new is counted as `ChainRows.behind` does.
        """
        with rows_of(where) as rows:
            known = self.known(where, rows)
            if known.undecided or not known.checkpoints:
                return identity.Continuation()
            return replace(identity.compare(rows, known.checkpoints), copy_of=known.recognised.copy_of)

    def exactly(self, where: Where) -> int | None:
        """The number of the last checkpoint all of which is there, where nothing came behind it since and
        later ones knew more; None of any other. As few look-ups as of `continuation`, for each that ends
        where the file does.
        """
        with rows_of(where) as rows:
            known = self.known(where, rows).checkpoints
            end = max((seq for seq, _ in rows.ends), default=0)
            for position in range(len(known) - 1, 0, -1):
                if known[position - 1].last_seq == end:
                    found = identity.compare(rows, known[:position])
                    if found.continues and not found.new_entries:
                        return found.checkpoint
        return None

    @contextmanager
    def _contents_of(
        self, where: Where, rows: ChainRows | None = None, *, in_place: bool = False
    ) -> Iterator[tuple[tables.Contents | None, tables.KnownDatabase | None]]:
        """What is in the store, if there is one, and the database that the file is, if it is known."""
        if not tables.is_there(self._path):
            yield None, None
            return
        with suppress(*UNRECOGNISABLE):
            self.take_up(where)
        with tables.opened(self._path) as contents:
            database = None
            if contents.databases():
                with suppress(*UNRECOGNISABLE), rows_of(where) as others:
                    database = recognised(contents, rows or others)
            if in_place and database is not None and database.undecided:
                database = contents.database(database.before or database.id)
            yield contents, database


def _recognised(
    contents: tables.Contents | None, where: Where, database: tables.KnownDatabase | None
) -> Recognised:
    if contents is None or database is None:
        return UNKNOWN
    copied = is_copy(contents, where, database)
    return Recognised(
        is_known=True,
        copy_of=database.path if copied else None,
        goes_on=bool(database.before) and not copied,
        is_doubted=bool(said_of(contents, database, where)),
        is_undecided=database.undecided,
    )


def _line_for(
    contents: tables.Contents, rows: ChainRows, reason: Reason, database: str | None
) -> tuple[tables.KnownDatabase, tables.KnownDatabase | None, Reason]:
    """The database that a checkpoint is of, which may be a new one; the one that the file is no more, if it
    begins a line of its own; and why it is made then. Raises `NotSigned`.
    """
    is_restore = reason is Reason.RESTORE
    known = contents.database(database or "") if is_restore else recognised(contents, rows)
    if known is None and (is_restore or recognised(contents, rows, copied=True)):
        reason = Reason.ANOTHER_DATABASE
    if known is not None and known.undecided and reason not in NEW_LINE:
        raise document.NotSigned(doubts.UNDECIDED)
    if known is not None and reason is Reason.BEFORE_RESTORE and parts_with_restore(contents, rows, known):
        raise document.NotSigned(doubts.of_a_copy(known.path))
    if known is None or reason is Reason.ANOTHER_DATABASE:
        return tables.KnownDatabase(str(uuid.uuid4())), known, reason
    return known, None, reason


def _lines(checkpoints: Sequence[Checkpoint], keys: frozenset[str]) -> list[tuple[Checkpoint, ...]]:
    """Those that are held against a file together, oldest first; `keys` are trusted."""
    starts = [
        position
        for position, item in enumerate(checkpoints)
        if position and document.begins_line(item, checkpoints[:position], keys)
    ]
    return [tuple(checkpoints[first:end]) for first, end in pairwise([0, *starts, len(checkpoints)])]


def _before(checkpoints: Sequence[Checkpoint], line: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Those of the lines before."""
    return tuple(checkpoints[: checkpoints.index(line[0])]) if line else ()


def _of_copies(contents: tables.Contents, checkpoints: Sequence[Checkpoint]) -> tuple[Checkpoint, ...]:
    """Those of others from before a person said that one, a copy of theirs, is another database: a file that
    is exactly as one of them knew it is that copy, or this one as it was before.
    """
    if not any(item.reason == Reason.ANOTHER_DATABASE for item in checkpoints[:1]):
        return ()
    keys, own = contents.keys(), checkpoints[0].database
    others = (contents.checkpoints(item.id) for item in contents.databases() if item.id != own)
    sound = (item for each in others for item in document.authentic(each, keys, None)[0])
    return tuple(item for item in sound if identity.may_be_past(item, checkpoints[0]))


def _counted(line: Sequence[Checkpoint]) -> int:
    """Up to which number entries had been given when a person said that what the file holds is right."""
    return max((item.through for item in line[:1] if item.reason in NEW_LINE), default=0)


def _rollback(good: Sequence[Checkpoint], database: tables.KnownDatabase) -> list[Finding]:
    """That later checkpoints have been there, or that nobody can tell."""
    newest, seen = max((item.number for item in good), default=0), database.seen_number
    if database.damaged:
        sentence = (
            "What the store remembers of this database cannot be read: later checkpoints may be missing."
        )
        return [Finding(Code.ROLLBACK, None, None, None, str(newest), sentence)]
    if newest >= seen:
        return []
    sentence = (
        f"The newest checkpoint here is number {newest}, but number {seen} was seen before: "
        "the later ones are missing."
    )
    return [Finding(Code.ROLLBACK, None, None, str(seen), str(newest), sentence)]
