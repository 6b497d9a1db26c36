"""What a database may fail with: a class for whoever handles it, a sentence for the person it reaches.

A sentence says what happened, what was and was not changed, and what to do; it never holds a value of a row.
What an engine raises of its own is turned into these where it arises (`models.files.errors`). What only one
room of the program can fail with is declared there, as a `TenantAdminError` too.
"""

import os
import stat
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar, Final, Self

from models.patterns import compiled_later

FileOrName = Path | str
"""A file, or a name of a database that is none."""


_OF_ONE_STEP: Final = compiled_later(
    r"; nothing was (?:changed|removed|restored|written)(?: now)?(?=\.)| Nothing was \w+\."
)
"""How a sentence says that its own transaction changed nothing."""


class TenantAdminError(Exception):
    """An expected failure; `str()` is its class's sentence about `what` it is given.

    `{what}` is that itself, `{name}` a file's name without its folder, `{why}` what else is known of it, a
    sentence without its full stop, or the class's own `why` where that is nothing. A class without a sentence
    of its own is given one; `words` are others that a sentence of its own has a place for.
    """

    sentence: ClassVar[str] = "{what}"
    why: ClassVar[str] = ""
    heading: ClassVar[str] = "That did not work"
    """What did not work, above the sentence."""
    is_undecided: ClassVar[bool] = False
    """Whether what was to be done may be done all the same, now or later."""
    is_retriable: ClassVar[bool] = False
    """Whether the same may go well when it is tried again: nothing is wrong with what was asked."""

    def __init__(self, what: FileOrName = "", why: str | None = None, **words: str) -> None:
        name = what.name if isinstance(what, Path) else what
        why = (why or self.why).removesuffix(".")
        super().__init__(self.sentence.format(what=what, name=name, why=why, **words))

    @property
    def happened(self) -> str:
        """What failed, and what to do, without what was not changed: a job of many transactions, of which one
        failed, says that itself, in numbers.
        """
        return _OF_ONE_STEP.sub("", str(self))


class InvalidInput(TenantAdminError):
    """Something typed cannot be stored as it is. `field` names what to correct."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class Taken(InvalidInput):
    """Others have what `records` would get: their ids, each with what is so, without its full stop."""

    def __init__(self, field: str, records: Mapping[Any, str]) -> None:
        super().__init__(field, f"{next(iter(records.values()))}.")
        self.records = records


class NotFound(TenantAdminError):
    heading = "It is not there any more"
    sentence = "The {what} is no longer there; it may have been deleted by somebody else."


class MayBeOwnDeletion(NotFound):
    """The same, while it is not known whether an own act, `why`, was saved, which may have taken it."""

    sentence = (
        "This is not there now, and it is not known whether {why} was saved, which may have taken it away; "
        "nothing was changed. Check that first."
    )


class NotAllowed(TenantAdminError):
    """The action does not apply to the record as it stands."""

    heading = "This cannot be done"


class SharedId(NotAllowed):
    """Several rows have the id by which a record is known, as where each tenant has ids of its own."""

    def __init__(self, table: str, record_id: str) -> None:
        self.record_id = record_id
        super().__init__(
            f"Several rows of {table} have the id {record_id}, so nothing tells which of them is meant; "
            "nothing was changed."
        )


class TenantLacking(NotAllowed):
    """A table of the file's own, to which rows of tenants refer, has no row of one."""


class NothingToDo(NotAllowed):
    """Every record is already as the action would make it. Nobody has to do anything about that."""


class StillReferred(NotAllowed):
    """A foreign key without an ON DELETE action forbids it. `ids` are of the records that have to stay, of
    several that were to go.
    """

    heading = "This cannot be deleted"
    sentence = (
        "{why} still referred to by {what}, which would lose that; nothing was changed. "
        "Remove those first, or keep the record."
    )
    why = "This is"

    def __init__(self, rows: str, ids: Collection[Any] = (), of: int = 1) -> None:
        which = f"{len(ids):,} of the {of:,} {'is' if len(ids) == 1 else 'are'}"
        super().__init__(rows, which if of > 1 else None)
        self.rows, self.ids = rows, ids


class ReferredByEntries(StillReferred):
    """Audit entries do, and stay as they are whatever the foreign key says."""

    sentence = (
        "{why} still referred to by {what}, and nothing may delete or alter audit entries; nothing was "
        "changed. Keep the record."
    )


class ReferredByChange(NotAllowed):
    """A foreign key forbids it, or would change other rows along with it."""

    heading = "This cannot be changed"
    sentence = (
        "{what} refer to this by a value that would change, and would lose it or change with it; nothing was "
        "changed. Remove those first, or keep it as it is."
    )


class Cancelled(TenantAdminError):
    sentence = "Cancelled; nothing more was done."


class ActCancelled(Cancelled):
    """Before any of it was written, which comes in one transaction."""

    sentence = "Cancelled; nothing was changed."


class RewriteCancelled(Cancelled):
    """Before what was to rewrite a file, or to look what that would change, has done any of it."""

    sentence = "Cancelled; the file is as it was."


class NothingMade(Cancelled):
    """Before there was a new file, of which nothing is left."""

    sentence = "Cancelled; no file was made."


class TooMuch(TenantAdminError):
    """More than its receiver takes."""

    sentence = "This is too much; {what}."


class StorageError(TenantAdminError):
    """The file cannot serve what was asked of it."""


class MuchToRead(TenantAdminError):
    """So many `rows` were about to be read, where each costs something, and nobody has agreed to that:
    "about", or "up to" where no more is known; by `wrangler dev` none is `charged`. Who agrees, agrees to
    `most`: others may write meanwhile.
    """

    heading = "Read this much?"
    sentence = "For this, {why} rows of {name} are read, and charged."
    _free = "For this, {why} rows of {name} are read; whoever else asks it waits meanwhile."

    def __init__(self, place: str, rows: int, how_many: str = "about", *, charged: bool = True) -> None:
        if not charged:
            self.sentence = self._free  # type: ignore[misc]
        super().__init__(place, f"{how_many} {rows:,}")
        self.rows, self.most = rows, rows + max(1_000, rows // 10)


class AnswerTooLong(StorageError):
    """Of a live database, to a read."""

    heading = "The answer is too long"
    sentence = "What {name} answers is longer than this program takes; nothing was changed. Ask for less."


class TooMuchAtOnce(StorageError):
    """To a live database, whose batch is one call."""

    heading = "This is too much at once"
    sentence = (
        "This is more than {name} is sent at once ({why}); nothing was changed. Choose fewer records, or one "
        "after the other."
    )


class TooManyAtOnce(TooMuchAtOnce):
    """The same by number, of records."""

    sentence = "At most {what} are changed at once here; nothing was changed. Select fewer."


class FileMissing(StorageError):
    heading = "The file is not there"
    sentence = "There is no file at {what}; check the path."


class FileMoved(FileMissing):
    """The file that was opened has its name no more."""

    heading = "The file was moved or deleted"
    sentence = (
        "There is no file at {what} any more: it was moved, renamed or deleted since it was opened. "
        "Nothing was changed. Put it back, or open it where it is now."
    )


class ConnectionGone(StorageError):
    """That by which a live database was opened, as a person names it, was removed."""

    heading = "The connection was removed"
    sentence = (
        "The connection {name} was removed since it was opened here, so nothing is written by it any more. "
        "What is shown can be read on; connect to the database again to change it."
    )


class ConnectionChanged(ConnectionGone):
    heading = "The connection was changed"
    sentence = (
        "The connection {name} was changed since it was opened here: {why}. Nothing is written by it until "
        "it is opened again, which goes on by what the connection is now."
    )


class FileReplaced(FileMoved):
    heading = "The file was replaced"
    sentence = (
        "The file at {what} was replaced since it was opened: another one is there now. Nothing was changed. "
        "Open it again to see what it holds, or put the right one back."
    )


class LinkBroken(FileMissing):
    """A symbolic link that leads to no file; `why` says where."""

    sentence = "{what} is a symbolic link that leads {why}; correct it, or choose a file."


class LogMissing(FileMissing):
    """The log that SQLite writes to has no name any more: what is committed to it would be lost."""

    heading = "The log of the file is gone"
    sentence = (
        "The write-ahead log of {name} ({name}-wal) was deleted, replaced or cut while the file was open; "
        "nothing was changed. What was done shortly before may be lost as well: close the file, open it "
        "again and verify it."
    )


class LogIndexMissing(LogMissing):
    """The shared memory that a log is read by, and programs know of each other by, is another or cut."""

    heading = "The shared memory of the file is gone"
    sentence = (
        "The shared memory of {name}'s write-ahead log ({name}-shm) was deleted, replaced or cut while the "
        "file was open; nothing was changed. What was done before is in the file and its log: close the "
        "file, open it again and verify it."
    )


class NotADatabase(StorageError):
    sentence = "{name} is not a SQLite database; choose another file."


class UnreadableFile(StorageError):
    """Some of it, or all, cannot be had as it is asked for."""

    heading = "The file is damaged"
    sentence = (
        "{name} is damaged and parts of it cannot be read; restore it from a copy, or save what can be read."
    )


class DamagedFile(UnreadableFile):
    """SQLite met damage."""


class DamagedWithLog(DamagedFile):
    """The same of a file beside which a log lies, without which it may be sound."""

    sentence = (
        "{name} is damaged as it reads with the log beside it, {name}-wal. That may be another file's, as "
        "where a copy was put back: move it elsewhere and open the file again; else restore it from a "
        "copy, or save what can be read."
    )


class NothingReadable(UnreadableFile):
    """Of which no row could be saved either."""

    sentence = (
        "{name} is damaged where it says which tables it holds, so nothing of it can be read; "
        "restore it from a copy."
    )


class LogLeftBehind(UnreadableFile):
    """A file that says it has a log, and holds nothing: one page without a table, and no commit in a log."""

    sentence = (
        "{name} was copied without its write-ahead log: it looks empty, because what it holds is in "
        "{name}-wal, which is missing or was cut off; nothing was changed. Copy both files whole, or make "
        "the copy by `tenant-admin backup`."
    )


class FileEmptied(LogMissing):
    heading = "The file was emptied"
    sentence = (
        "{name} was emptied by another program while it was open. Nothing is written into it here. Close it, "
        "and restore it from a copy."
    )


class UndecodableText(UnreadableFile):
    """Text that is no UTF-8, met by a read; as its bytes (`CAST … AS BLOB`) it can be had."""


class SearchTooLong(StorageError):
    """A file's own SQL searches one text for another, both so long that it would take for ever. `why` is the
    function that does.
    """

    heading = "A computed value takes too long"
    sentence = (
        "{name} has a column, an index or a rule that searches a long text for a long one ({why}), which "
        "would take for ever; nothing was changed. Shorten the texts, or take that out with sqlite3."
    )


class TooLongForSql(StorageError):
    """A statement or value is longer than SQLite takes, as with a name of a megabyte in it."""

    heading = "A name or value is too long"
    sentence = (
        "{name} holds a name or a value so long that SQLite takes no statement with it; nothing was changed. "
        "Shorten it, or rename that table or column, with sqlite3."
    )


class FileLocked(StorageError):
    """`why` names the programs that have the file open, where the system tells."""

    heading = "The file is in use"
    why = "another program"
    is_retriable = True
    sentence = (
        "{name} is in use by {why}, which is writing to it; nothing was changed. "
        "Try again in a moment, or stop that program."
    )


class FolderGiven(StorageError):
    """Or a named pipe, a device, a socket: reading might never end. `why` says which."""

    why = "a folder"
    sentence = "{what} is {why}, which is not a file; choose a file."


class EmptyFile(StorageError):
    """A file of no bytes, which SQLite would take for a sound database."""

    sentence = (
        "{name} is empty: there is no database in it yet; choose another file, or create a new database."
    )


class AlreadyThere(StorageError):
    """Or a folder, or a symbolic link to nothing, as `why` says."""

    heading = "There is a file of that name"
    why = "a file"
    sentence = "There is already {why} at {what}; choose another name."

    def __init__(self, what: FileOrName = "", why: str | None = None, **words: str) -> None:
        if why is None and isinstance(what, Path):
            with suppress(OSError, ValueError):
                mode = what.lstat().st_mode
                is_broken = stat.S_ISLNK(mode) and not what.exists()
                link = "a symbolic link to nothing" if is_broken else None
                why = "a folder" if stat.S_ISDIR(mode) else link
        super().__init__(what, why, **words)


class DatabaseThere(AlreadyThere):
    """Whoever names a file that may be replaced does not mean a database."""

    sentence = "There is a database at {what}, which nothing is written over; choose another name."


class BesideDatabase(StorageError):
    """The name is one under which SQLite keeps a log or its like; `why` is the database's name."""

    sentence = "SQLite would take {name} for a part of {why}; nothing was written. Choose another name."


class CopyNotWritten(StorageError):
    """The copy that is the way back cannot be made, so the act was not begun."""

    heading = "No copy can be written"
    why = "it may not be written"
    sentence = (
        "No copy of the file can be written in {what} ({why}); nothing was changed. "
        "Choose another folder for the copy."
    )


class SqlDump(StorageError):
    sentence = (
        "{name} is an SQL dump, which is text, not a database; import it into a new one "
        "(File > Import, or tenant-admin import)."
    )


class EncryptedFile(StorageError):
    sentence = (
        "{name} looks like an encrypted database; decrypt it with the program that made it, "
        "then open the result."
    )


class NewerFormat(StorageError):
    sentence = (
        "{name} is in a newer SQLite format than this program reads; "
        "update this program, or export the file with the one that made it."
    )


class NeedsCopy(StorageError):
    """A WAL database whose folder cannot be written: SQLite cannot even read it there."""

    sentence = (
        "{name} cannot be opened where it is: it keeps a write-ahead log, "
        "and its folder cannot be written. Open a copy of it instead."
    )


class UnfinishedChange(StorageError):
    """A hot rollback journal, which only a writer may play back."""

    sentence = (
        "{name} was left in the middle of a change by a program that stopped, and cannot be "
        "read until that is put right; open it for writing once, or open a copy of it."
    )


class ReadOnlyFile(StorageError):
    sentence = "{name} is open read-only; nothing was changed."


class WritesLocked(ReadOnlyFile):
    """A person has not unlocked them, or not for so long."""

    heading = "Writes are locked"
    sentence = (
        "Writes to {name} are locked; nothing was changed. "
        "Unlock them (File, Unlock writes…), then try again."
    )


class CannotOpen(StorageError):
    sentence = (
        "{what} cannot be opened: its permissions, or its folder's, do not allow it. "
        "Check them, or open a copy of it elsewhere."
    )


class CannotWrite(CannotOpen):
    """A new file cannot be made."""

    def __init__(self, path: Path) -> None:
        is_there = os.path.isdir(path.parent)  # noqa: PTH112 - Path.is_dir() may raise
        why = (
            f"the folder {path.parent} does not allow it" if is_there else f"there is no folder {path.parent}"
        )
        with suppress(OSError, AttributeError):  # Windows has none of it
            if os.statvfs(path.parent).f_flag & os.ST_RDONLY:
                why = "its disk is read-only"
        if len(os.fsencode(path.name)) > 240:  # with what SQLite adds; file systems take 255 bytes
            why = "its name is too long for most disks"
        Exception.__init__(
            self,
            f"{path.name} cannot be written: {why}. Check it and its permissions, or choose another folder.",
        )


class DiskFull(StorageError):
    heading = "The disk is full"
    sentence = "The disk that holds {name} is full{why}; nothing was changed. Free some space and try again."

    def __init__(self, what: FileOrName = "", temporary: FileOrName = "") -> None:
        """`temporary` is the folder whose disk it may be as well: SQLite does not say of which file it is."""
        or_there = f", or the one that holds temporary files ({temporary})" if temporary else None
        super().__init__(what, or_there)
        self.temporary = str(temporary)


class TemporaryFull(DiskFull):
    """The one that holds the folder `what`."""

    sentence = (
        "The disk that holds temporary files ({what}) is full; nothing was changed. "
        "Free some space there, or set TMPDIR to another folder, and try again."
    )


class OutOfMemory(StorageError):
    is_retriable = True
    sentence = (
        "This takes more memory than this program can have; nothing was changed. "
        "Close other programs, or ask for less, then try again."
    )


class NumbersUsedUp(StorageError):
    """AUTOINCREMENT has given its last number, which SQLite reports as a full disk."""

    sentence = (
        "The audit entries' numbers are used up: the highest one was given, so none can follow; "
        "nothing was changed. Verify the chain; restore a copy from before that entry."
    )


class DiskFailure(StorageError):
    sentence = (
        "The disk that holds {name} could not be read or written; nothing was changed. "
        "Check that it is still connected, then open the file again."
    )


class FileTooLarge(DiskFailure):
    """`why` is how large a file may be; of SQLite's own writes the system's reason is not known."""

    sentence = (
        "{name} could not be written, most likely because it would become larger than {why}; nothing was "
        "changed. Raise that limit, or choose another place."
    )
    why = "its disk takes a file to be"


class TableMissing(StorageError):
    sentence = "This database has no table {what}."


class ColumnMissing(StorageError):
    sentence = "This database has no column {what}."


class OnlyElsewhere(StorageError):
    """The file's schema asks for what another program adds to SQLite, a collation say."""

    sentence = (
        "The tables of this database use the {what}, which only the program that made them has; nothing was "
        "changed. Do this in that program."
    )


class Refused(StorageError):
    """A constraint that the platform's schema does not have, or a record that others still refer to."""

    heading = "The database does not allow it"
    sentence = "The database's own rules refuse this ({what}); nothing was changed."


class HeadMoved(StorageError):
    """Somebody else appended to the chain between reading its head and writing; the caller tries again."""

    sentence = "The audit chain was being written by others all the time; nothing was changed. Try again."


class RowChanged(StorageError):
    """A statement met other rows than it was made for; the whole batch was rolled back."""

    heading = "Something has changed meanwhile"
    sentence = (
        "The record was changed or removed by somebody else in the meantime; nothing was changed. "
        "Look at it again, then repeat the action."
    )


class BroughtBack(StorageError):
    """The audit chain of a live database ends sooner than it did, or has gone on otherwise: all of it may be
    another state.
    """

    heading = "An earlier state was brought back"
    sentence = (
        "{name} is in an earlier state than when it was looked at last (Time Travel, say), or the end of its "
        "audit chain was cut off; nothing was changed. Look at what it holds now before you do this again."
    )


class ChangedSince(RowChanged):
    """An `act`, as a person reads it, cannot be taken back, or not be done again; `what` is the word for
    that. `differences` name records, tables, columns and keys, never another value. `part` is what could be
    (`records.parts.Part`), of so many `others`; None for nothing.
    """

    sentence = (
        "{act} cannot be {why}, because of what has changed since: {what}. Nothing was changed.{others} "
        "It can be tried again when that is as it was."
    )
    why = "undone"

    def __init__(
        self,
        differences: Sequence[str],
        what: str | None = None,
        act: str = "",
        part: Any = None,
        others: int = 0,
    ) -> None:
        more = f" and {len(differences) - 3:,} more" if len(differences) > 3 else ""
        is_so = "one is as it was" if others == 1 else f"{others:,} are as they were"
        told = "" if part is None else f" The other {is_so} then."
        self.cannot, self.part, self.others = what or self.why, part, others
        super().__init__(f"{'; '.join(differences[:3])}{more}", what, act=act or "This", others=told)


class ChangedMeanwhile(RowChanged):
    """Somebody else has changed what a person was changing, after it was shown to them."""

    sentence = (
        "What was shown of {what} was changed by somebody else in the meantime; nothing was changed. "
        "Look at it as it is now, then repeat the change."
    )


class MoreGoAlong(RowChanged):
    """Rows that nobody was told of would go along since a deletion was looked at."""

    sentence = (
        "More or other rows of {what} would go or change now than a moment ago; nothing was changed. "
        "Delete it again to see what would go with it now."
    )


class AlreadyExists(StorageError):
    """`what` SQLite calls that of which there may be one."""

    heading = Refused.heading
    sentence = (
        "There is a row with the same {what} already, and the database's own rules take only one; nothing "
        "was changed."
    )


class RemoteError(StorageError):
    """Between this program and a database somewhere else something failed."""

    heading = "The database did not answer"
    is_retriable = True
    may_be_elsewhere: ClassVar[bool] = False
    """Whether it may be found again at another address."""


class NoAnswer(RemoteError):
    """A read that failed, several times, or gave what is none of its answers: nothing was to be written."""

    why = "its answer does not have D1's form"
    sentence = "{name} did not answer as it should ({why}); nothing was changed. Try again."

    def __init__(self, place: str, why: str | None = None) -> None:
        super().__init__(place, why)
        self.reason = why or self.why


MISREAD: Final = LookupError, TypeError, ValueError, AttributeError, ArithmeticError
"""What becomes of an answer of another form where it is read. Of a file it is a bug."""


@contextmanager
def well_formed(place: str = "The database") -> Iterator[None]:
    """Within it what is read of an answer has the form that it should, or else raises `NoAnswer`."""
    try:
        yield
    except MISREAD:
        raise NoAnswer(place) from None


class TokenRefused(RemoteError):
    """`place` is whose token it is."""

    heading = "The token is refused"
    why = "it is not valid, or was revoked"
    sentence = (
        "Cloudflare refuses the token of {name} ({why}); nothing was changed. "
        "Enter one that may read and edit D1."
    )

    def __init__(self, place: str, why: str | None = None) -> None:
        super().__init__(place, why)
        self.place = place


class MayBeIn(RemoteError):
    """A batch was sent, and `may_be_in` though no answer says so; where it `is_undecided`, too, a person is
    told that it is not known, else that it is not done: the database is asked all the same.

    `act` is what it was to do, as its summary says, or else its last entry; empty where it had none.
    `made(database)` gives what it was to make, as it is there, once it is known to be saved; None where
    nobody would take that back. Where it was to take something back itself, `take(made)` takes that up, and
    gives it as it is told, as `called` says already.
    """

    act = ""
    made: Callable[[Any], object] | None = None
    take: Callable[[Any], Any] | None = None
    called: str = ""
    told: Callable[[bool | None], object] | None = None
    """Hears, once, whether it was saved; None where nothing tells."""
    may_be_in = False


class RateLimited(MayBeIn):
    """No call is taken before `until`, in epoch seconds. One that `was_sent` was answered so, before any of
    it was carried out; what stands between may have let a copy of it in, which the database is asked for once
    it takes calls again.
    """

    heading = "Cloudflare asks to wait"
    sentence = (
        "The account's calls are used up, so Cloudflare takes none from {name} until {why}; "
        "nothing was changed."
    )

    def __init__(self, place: str, until: float, *, was_sent: bool = False) -> None:
        self.until, self.was_sent = until, was_sent
        super().__init__(place, self.when)

    @property
    def when(self) -> str:
        return f"{datetime.fromtimestamp(self.until, UTC):%H:%M:%S} UTC"

    @property
    def pause(self) -> str:
        """What keeps work that waits for it, which may have changed something before."""
        return str(self).replace("; nothing was changed", "")


class SavedAfterAll(NotAllowed):
    """`why` names an earlier act that was said not to be done, and was. Of what is asked for now nothing was
    sent.
    """

    heading = "The change before is saved after all"
    why = "the change before"
    sentence = (
        "{what} has answered that it took no call, and yet “{why}” is saved: what stands between must have "
        "sent it twice. Nothing was changed now; look at what is there, then go on."
    )


class OutcomeUnknown(MayBeIn):
    """A batch was sent and its answer was lost; it may still come through."""

    may_be_in = True
    is_answered = False
    """Whether an answer came to it, so that no copy of it is on its way any more."""
    heading = "It is not known whether this was saved"
    is_undecided = True
    sentence = (
        "It is not known whether this was saved: {name} gave no answer that tells ({why}). "
        "Check again before anything else is changed there."
    )

    def of(self, act: str) -> Self:
        self.act = act
        return self


class NothingTells(OutcomeUnknown):
    """The same of a batch that nothing in the database tells of."""

    sentence = (
        "It is not known whether this was saved: {name} gave no answer that tells ({why}), and nothing in it "
        "records such a change. Look at the record again, and repeat the change only if it is missing."
    )


class EarlierUnknown(OutcomeUnknown):
    """The same of what was done before, which is waited for: nothing was sent of what is asked for now."""

    seconds: float | None = None
    """After which it is known at the latest; None where nothing tells when."""
    heading = "It is not known whether the last change was saved"
    is_undecided = may_be_in = False
    sentence = (
        "It is not known yet whether the last change to {name} was saved ({why}); nothing was changed now. "
        "Check again in a moment."
    )
