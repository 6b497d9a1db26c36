"""What is said of a database whose audit chain is gone as a table, where something was known of it: dropped,
renamed, replaced by a view or made otherwise than the platform's it has lost all that was known, as where
every row was deleted.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Final, Unpack

from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.reading import entry_and_last
from app.services.chain.rules import TABLE, Verdict
from app.services.chain.verify.report import EVERYTHING, Extent, Report, Section
from app.services.chain.verify.source import SHAPE, CannotVerify, Reader, Row, require_chain
from app.services.chain.where import Verifier, Where
from models.engine import Database, raw
from models.errors import TableMissing, TenantAdminError

if TYPE_CHECKING:
    from app.services.chain.checkpoints.store import CheckpointStore
    from app.services.chain.verify.verification import Options

NOTE: Final = (
    f"This database has no table {TABLE} any more, and so no audit entry: it was dropped or renamed, or "
    "something else has its name."
)

_ANOTHER: Final = (
    "The table {} {}, so it is not the platform's audit chain any more, and no row of it counts as an entry."
)


class _Nothing(Reader):
    """In the place of a table: a view of that name is not read."""

    encoding = "utf-8"

    def rows(self, sql: str, *values: object) -> Iterator[Row]:
        return iter(())


def telling(store: "CheckpointStore", verify: Verifier) -> Verifier:
    """`verify`, which raises `TableMissing` only of a database of which nothing was ever known, and
    `CannotVerify` also where nothing is missed any more, as somebody has accepted that none is left.
    """

    def verify_or_tell(where: Where, /, **options: "Unpack[Options]") -> Report:
        try:
            return verify(where, **options)
        except (TableMissing, CannotVerify) as error:
            known = options.get("checkpoints")
            is_told = is_known(where, store, known)
            if not is_told and (isinstance(error, CannotVerify) or not had_table(where, store)):
                raise
            why = _ANOTHER.format(TABLE, error.what) if isinstance(error, CannotVerify) else NOTE
            section = options.get("section", EVERYTHING)
            return _of_nothing(known or CheckpointHistory(), section, why, seal=options.get("seal", False))

    return verify_or_tell


def is_known(where: Where, store: "CheckpointStore", known: CheckpointHistory | None = None) -> bool:
    """Whether any entry of the database is missed: that a checkpoint, of those that are `known` or in the
    store, or the last verification knew, of all or of a tenant, or that was made here. Raises as
    `CheckpointStore.known`.
    """
    return (
        _knew(store.verdicts.said_before(where)[0])
        or bool(store.verdicts.ends(where).ends)
        or bool(store.verdicts.own.all(where))
        or (known is not None and _has_entries(known))
        or _has_entries(store.known(where))
    )


def is_gone(where: Where, store: "CheckpointStore") -> bool:
    """Whether there is no audit chain any more, and any entry is missed; where the store cannot be read,
    which a verification says, nothing tells. Raises the errors of `where.connect`.
    """
    with where.connect() as database:
        if has_chain(database):
            return False
    with suppress(TenantAdminError):
        return is_known(where, store)
    return False


def had_table(where: Where, store: "CheckpointStore") -> bool:
    """Whether it was ever verified, or signed, in this place. Raises as `CheckpointStore.checkpoints`."""
    return store.verdicts.said_before(where)[0] is not None or bool(store.checkpoints(where, in_place=True))


def _has_entries(known: CheckpointHistory) -> bool:
    return any(item.tenants for item in known.checkpoints)


def _knew(last: KeptVerdict | None) -> bool:
    """Also of chains that did not hold: no entry of them is left."""
    return last is not None and (last.through > 0 or last.lost_end is not None)


def has_chain(database: Database) -> bool:
    """Whether what has the chain's name is one, as its table is made; the caller holds a connection."""
    try:
        require_chain(database.place, *database.read_batch([raw(*one) for one in SHAPE]))
    except (TableMissing, CannotVerify):
        return False
    return True


def entry_and_last_of_chain(database: Database, seq: int, head: str | None) -> tuple[str | None, int]:
    """As `entry_and_last`; what is no chain has none, though its rows may have the hash `head`."""
    there, ends_at = entry_and_last(database, seq)
    is_none = there is not None and there == head and not has_chain(database)
    return (None, 0) if is_none else (there, ends_at)


def _of_nothing(known: CheckpointHistory, section: Section, why: str, *, seal: bool) -> Report:
    """What is concluded of a table without any row, and why there is none; nothing of it is verified."""
    from app.services.chain.verify.conclude import conclude  # noqa: PLC0415 - seldom
    from app.services.chain.verify.join import join, next_seal  # noqa: PLC0415 - as above

    joined = join([])
    report = conclude(_Nothing(), joined, Extent(1, 0, section.tenant), known)
    sealed = next_seal(joined, known, 0) if seal and section == EVERYTHING else None
    verdict = Verdict.CONSISTENT if report.verdict is Verdict.VERIFIED else report.verdict
    return replace(report, verdict=verdict, notes=(why, *report.notes), lacks_table=True, seal=sealed)
