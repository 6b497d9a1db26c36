"""Bringing a live database back to a bookmark, and saying so in its own audit chain where that can be."""

from dataclasses import dataclass

from app.services.chain.append import Batch, Event, append, has_chain
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.numbering import Numbering
from app.services.chain.where import InDatabase
from models.d1.database import D1Database, are_alike, why_no_time
from models.errors import RemoteError, TenantAdminError
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
    "chain would look tampered with. Start over… in the audit tab goes by what is there now."
)
_NO_CHAIN = "There is no audit chain in it, so no entry says so."


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
            said = error.happened if isinstance(error, TenantAdminError) else str(error)
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
