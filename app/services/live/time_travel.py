"""Bringing a live database back to a bookmark, and saying so in its own audit chain where that can be; and a
checkpoint of what a bookmark leads to, so that whoever comes back to it is told what that is.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from app.services.chain.append import Batch, Event, Numbering, append, has_chain
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.making import Attempt, most_to_read, try_to_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.verify.report import EVERYTHING
from app.services.chain.where import InDatabase, Verifier
from app.services.text import counted
from models.d1.database import D1Database, are_alike, why_no_time
from models.engine import MOST_READ
from models.errors import Cancelled, RemoteError, TenantAdminError
from models.progress import UNWATCHED, Monitor
from models.status import AuditEvent


@dataclass(frozen=True, slots=True)
class Returned:
    """`before` is the bookmark of what was there, the way back; `unrecorded` why no entry says that the
    database went back, as a sentence, or None where one does; `caution` what to know and do now that it does.
    """

    before: str
    unrecorded: str | None = None
    caution: str | None = None


_AS_KNOWN = (
    "No entry of the audit chain says so: its number was another entry's, which a checkpoint knows, and the "
    "chain would look tampered with. To go on from here, say so first: “Start over…” at Checkpoints… in the "
    "audit tab."
)
_NO_CHAIN = "There is no audit chain in it, so no entry says so."


@dataclass(frozen=True, slots=True)
class Covered:
    """The number of the `checkpoint` that knows all entries that are there, or why none does, as a sentence.
    Both are None where there are none. `attempt` is what was found where one had to be made.
    """

    checkpoint: int | None = None
    why_not: str | None = None
    attempt: Attempt | None = None

    @property
    def is_made(self) -> bool:
        return self.attempt is not None and self.checkpoint is not None


def cover_now(
    database: D1Database,
    store: CheckpointStore,
    verify: Verifier,
    *,
    clock: Callable[[], int],
    by: str,
    reason: Reason,
    on_cost: Callable[[int], object] = lambda rows: None,
    monitor: Monitor = UNWATCHED,
) -> Covered:
    """Sees whether the latest checkpoint knows all that is there, by a few rows, and makes one where it does
    not, which verifies the whole: not where that is much to read. `on_cost` hears before it how many rows
    that reads at most. Raises only `Cancelled`.
    """
    where = InDatabase(database)
    try:
        if not has_chain(database):
            return Covered()
        seen = store.continuation(where)
        if seen.continues and not seen.new_entries:
            return Covered(seen.checkpoint)
        if seen.is_older:
            if (exactly := store.exactly(where)) is not None:
                return Covered(exactly)
            return Covered(why_not=f"It is an earlier state than checkpoint {seen.checkpoint} knows.")
        rows = most_to_read(where, store, EVERYTHING)
        if rows > MOST_READ:
            return Covered(why_not=f"To make one reads up to {counted(rows, 'row')}: verify the whole.")
        if rows:
            on_cost(rows)
        found = try_to_sign(where, store, verify, clock=clock, reason=reason, by=by, monitor=monitor)
    except (TenantAdminError, OSError) as error:
        return Covered(why_not=_why(error))
    return Covered(found.checkpoint, found.why_not, found)


@dataclass(frozen=True, slots=True)
class KeptBookmark:
    """A bookmark that was kept, and which checkpoint knows the entries that it leads to, or why none does."""

    name: str
    covered: Covered

    @property
    def said(self) -> str:
        """As a sentence; "" where there is nothing to know."""
        found = self.covered
        if found.checkpoint is not None:
            knows = "was made of" if found.is_made else "knows"
            return f"Checkpoint {found.checkpoint} {knows} its entries."
        return "" if found.why_not is None else f"No checkpoint knows all its entries. {found.why_not}"


def keep_bookmark(
    database: D1Database,
    store: CheckpointStore,
    verify: Verifier,
    *,
    why: str,
    clock: Callable[[], int],
    by: str,
    on_cost: Callable[[int], object] = lambda rows: None,
    monitor: Monitor = UNWATCHED,
) -> KeptBookmark:
    """Keeps the bookmark of now, with a checkpoint of it where that can be had. `on_cost` as of `cover_now`.
    Raises as `D1Database.keep_bookmark` does, and `Cancelled`.
    """
    how = partial(cover_now, database, store, verify, clock=clock, by=by, on_cost=on_cost, monitor=monitor)
    found = how(reason=Reason.REQUEST)
    name = database.keep_bookmark(why)
    if (number := found.checkpoint) is not None:
        try:
            where = InDatabase(database)
            now = store.continuation(where)
            as_it_was = now.checkpoint == number and now.continues and not now.new_entries
            if not (as_it_was or (now.is_older and store.exactly(where) == number)):
                found = replace(found, checkpoint=None, why_not=f"Others wrote behind checkpoint {number}.")
        except (TenantAdminError, OSError) as error:  # it is kept all the same
            found = replace(found, checkpoint=None, why_not=_why(error))
    return KeptBookmark(name, found)


def _why(error: TenantAdminError | OSError) -> str:
    """What has happened. Raises `Cancelled`."""
    if isinstance(error, Cancelled):
        raise error
    return error.happened if isinstance(error, TenantAdminError) else str(error)


def why_no_bookmark(text: str, at: float | None, now: str, place: str) -> str:
    """That it has not the form of the bookmark of `now`, or that the time `at` that it is, in epoch seconds,
    is to come, as a sentence; "" where it may lead back.
    """
    if at is not None:
        return why_no_time(at)
    said = f"That is no bookmark of {place}, and no time: one looks like {now}."
    return "" if are_alike(text, now) else said


def go_back(database: D1Database, bookmark: str, store: CheckpointStore, *, actor: str, now: int) -> Returned:
    """Brings the database back, and appends an entry that says so unless a checkpoint knows more than is
    there now: such an entry would take the number of one that was.

    Raises as `D1Database.go_back`; what fails behind that is said in what is returned.
    """
    with database.begun():
        with store.verdicts.outdated(InDatabase(database)):
            before = database.go_back(bookmark)
        try:
            return _record(database, bookmark, before, store, actor=actor, now=now)
        except (TenantAdminError, OSError) as error:
            said = _why(error)
            unknown = isinstance(error, RemoteError) and error.is_undecided
            words = "It is not known whether an" if unknown else "No"
            return Returned(before, f"{words} entry of the audit chain says so: {said}")


def _record(
    database: D1Database, bookmark: str, before: str, store: CheckpointStore, *, actor: str, now: int
) -> Returned:
    if not has_chain(database):
        return Returned(before, _NO_CHAIN)
    if store.continuation(InDatabase(database)).divergences:
        return Returned(before, _AS_KNOWN)
    numbering = Numbering(database)
    chain = numbering.told_in
    returned = Returned(before, caution=numbering.caution([chain]))
    payload = {"actor": actor, "bookmark": bookmark, "before": before}
    event = Event(chain, AuditEvent.DATABASE_RESTORED, payload)
    append(database, lambda: Batch((), (event,)), now=now, told=True)  # by what is returned
    return returned
