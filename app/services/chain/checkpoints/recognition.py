"""Which known database a file is by what the store holds, and where each of them is.

The rule is in `app/services/chain/README.md`, Which database a file is.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from app.services.chain.checkpoint import Checkpoint, Reason
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.identity import (
    DatabaseCheckpoints,
    compare,
    ends_of,
    recognise,
    speaks_of,
    whereabouts,
)
from app.services.chain.checkpoints.rows import ChainRows, rows_of
from app.services.chain.checkpoints.tables import Contents, KnownDatabase, Place
from app.services.chain.where import InFile, Where
from models import errors
from models.engine import LIVE
from models.files.at_path import file_id

UNRECOGNISABLE = (errors.UnreadableFile, errors.DiskFailure, errors.TableMissing, errors.ColumnMissing)
"""What prevents telling which database a file is; a verification says it better."""


def recognised(contents: Contents, rows: ChainRows, *, copied: bool = False) -> KnownDatabase | None:
    """The known database that the file is; see `recognised_in`."""
    return recognised_in(contents.place(rows.where), contents, rows, copied=copied)


def recognised_in(
    place: Place | None, contents: Contents, rows: ChainRows, *, copied: bool = False
) -> KnownDatabase | None:
    """The known database that the file would be in this place; one with an accepted start may have no
    checkpoint yet. Of a live one those of other live ones are none; where it is to be said what it was
    `copied` from, no others are.
    """
    others = _of_other_live(contents, rows.where)
    databases = [item for item in contents.databases() if (item.id in others) is copied]
    if not databases:
        return None
    newest = [_candidate(contents, item) for item in databases]
    found = recognise(rows, newest, contents.sound_checkpoints, place)
    if found is not None and not found.doubt:
        return found
    of = None if found is None else found.before or found.id
    some = (item for item in databases if of in (None, item.id))
    return next((item for item in some if _has_start(rows, contents.baselines(item.id))), found)


def looked_for(contents: Contents, where: Where) -> int:
    """How many rows are looked for, to tell whether what is there is one of the databases that are known
    elsewhere.
    """
    here, others = contents.place(where), _of_other_live(contents, where)
    left_out = others | ({here.database} if here is not None else set())
    elsewhere = (_candidate(contents, item)[1] for item in contents.databases() if item.id not in left_out)
    return len({seq for newest in elsewhere for item in newest[-1:] for seq, _ in ends_of(item)})


def are_parted(contents: Contents, database: KnownDatabase | None, exported: Sequence[Checkpoint]) -> bool:
    """Whether a file's `database` and that of an export are two, as a person has said of either."""
    other = exported[0].database
    if database is None or database.id == other or contents.database(other) is None:
        return False
    all_of_both = (*exported, *contents.sound_checkpoints(database.id))
    return any(item.reason == Reason.ANOTHER_DATABASE for item in all_of_both)


def _candidate(contents: Contents, database: KnownDatabase) -> DatabaseCheckpoints:
    newest = contents.checkpoints(database.id, newest=3)
    sound = [item for item in newest if isinstance(item, Checkpoint)]
    return (replace(database, damaged=True) if newest and not sound else database), sound


def _has_start(rows: ChainRows, baselines: Mapping[str, tuple[int, str]]) -> bool:
    there = rows.at(seq for seq, _ in baselines.values())
    return any(
        (row := there.get(seq)) is not None and (row.tenant, row.previous_hash) == (tenant, previous)
        for tenant, (seq, previous) in baselines.items()
    )


def _of_other_live(contents: Contents, where: Where) -> set[str]:
    """The databases of other live ones, which a live one never is, nor a file that was made of one; a
    database has one number under any account.
    """
    places = contents.places()
    live = {path: database for path, (database, _) in places.items() if path.startswith(LIVE)}
    here = where.location[0] if where.file is None else _made_of(contents, where)
    others = {database for path, database in live.items() if _number(path) != _number(here)}
    return others - {live.get(here)} if here else set()


def _made_of(contents: Contents, where: Where) -> str:
    """The live database that this program made this very file of, wherever it is by now; or ""."""
    which = f" {where.location[1]}"
    made = ((path, database) for path, (database, _) in contents.places().items())
    return next((of for path, of in made if of.startswith(LIVE) and path.endswith(which)), "")


def remember(contents: Contents, known: KnownDatabase, rows: ChainRows, *, number: int, now: int) -> None:
    """Remembers that it was seen; it is where it was as long as it is still there, too."""
    here, was = whereabouts(rows, known.id), contents.database(known.id)
    if was is not None and is_copy(contents, rows.where, was):
        here = replace(was, damaged=False)
    contents.see(replace(here, seen_number=number, seen_at=now))
    remember_place(contents, known.id, rows)


def remember_place(contents: Contents, database: str, rows: ChainRows) -> None:
    """The database in the places of the file; what was said of this very file there is over."""
    known, ledger = contents.places(), rows.ledger()
    made, *places = rows.where.places
    for place in dict.fromkeys([*places, made] if made in known else places):
        contents.put(place, database, ledger)


def is_copy(contents: Contents, where: Where, known: KnownDatabase) -> bool:
    """Whether the database that the file is, is also where it was, so that this is a copy of it."""
    if known.path in ("", *where.places) or contents.places().get(known.path, ("",))[0] != known.id:
        return False
    ours = where.location[0]
    if _is_behind(known.path, ours) or _is_behind(ours, known.path):
        return False
    if known.path.startswith(LIVE):  # which nobody moves, and whose account has several names
        return where.file is not None or _number(known.path) != _number(ours)
    there = Path(known.path)
    if file_id(there) is None or (where.file is not None and file_id(there) == file_id(where.file)):
        return False
    with suppress(errors.TenantAdminError, OSError), rows_of(InFile(there)) as rows:
        newest = _candidate(contents, known)[1]
        return not newest or speaks_of(rows, newest)
    return True


def parts_with_restore(contents: Contents, rows: ChainRows, known: KnownDatabase) -> bool:
    """Whether the file is no more that database once something is restored in it: a copy, unless the
    database has gone on here and not where it was. Its newest checkpoint knows what is here alone then.
    """
    if not is_copy(contents, rows.where, known):
        return False
    place, newest = contents.place(rows.where), _candidate(contents, known)[1][-1:]
    if place is None or place.database != known.id or known.path.startswith(LIVE):
        return True
    with suppress(errors.TenantAdminError, OSError), rows_of(InFile(Path(known.path))) as there:
        is_here = compare(rows, newest, counting=False).continues
        return not is_here or compare(there, newest, counting=False).continues
    return True


def _is_behind(file: str, place: str) -> bool:
    """Whether a `wrangler dev` has its database, which is in that place, in the file."""
    return place.rpartition("/")[0] == LIVE + file


def said_of(contents: Contents, database: KnownDatabase, where: Where) -> tuple[str, ...]:
    """That nobody but a person knows which database this is, or that this is a copy in a place of its own, or
    one tenant's part where the whole was.
    """
    if database.doubt:
        return (database.doubt,)
    if part := _said_of_part(contents, database, where):
        return (part,)
    places = contents.places()
    is_new = all(places.get(item, ("",))[0] != database.id for item in where.places[1:])
    return (doubts.copy_of(database.path),) if is_new and is_copy(contents, where, database) else ()


def _said_of_part(contents: Contents, database: KnownDatabase, where: Where) -> str:
    """Of a line that began with one tenant, where one that knew more than that was seen last."""
    line = contents.sound_checkpoints(database.id)
    if not line or line[0].reason != Reason.ANOTHER_DATABASE or len(line[0].tenants) != 1:
        return ""
    for other in contents.databases():
        seen = _candidate(contents, other)[1][-1:] if other.path in where.places and other != database else ()
        for tenants in (item.tenants for item in seen if item.tenants.keys() > line[0].tenants.keys()):
            others = {name: found.entries for name, found in tenants.items() if name not in line[-1].tenants}
            return doubts.part_of(others) if others else ""
    return ""


def said_of_live(contents: Contents, rows: ChainRows) -> tuple[str, ...]:
    """That a live database that nothing is known of is a copy of another."""
    with suppress(*UNRECOGNISABLE):
        if _of_other_live(contents, rows.where):
            other = recognised(contents, rows, copied=True)
            return () if other is None else (doubts.copy_of_live(other.path),)
    return ()


def _number(identity: str) -> str:
    """A live database's own id, whatever its account is called."""
    return identity.rpartition("/")[2]
