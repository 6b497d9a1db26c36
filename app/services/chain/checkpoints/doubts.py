"""What is said where nobody but a person knows which database a file is; every such sentence is here."""

from collections.abc import Mapping, Sequence
from typing import Final

from app.services.chain.rules import HOW, HOW_ANOTHER, SAY_SO
from app.services.chain.rules import IT_IS_ANOTHER as _SAY
from app.services.text import counted

NAMED: Final = 3
"""Tenants that are named, of many."""

WHICH: Final = "Which database is this?"
"""Asked before all that is said where a person has to decide it."""

NOTHING_LEFT: Final = (
    "No entry that checkpoints know of the database that was in this place is here: this is another one, or "
    f"its entries were removed or rewritten. Put the right one in its place; or, if you know why, {SAY_SO}."
)

GONE: Final = "No entry that checkpoints know of the one last seen here is left."
"""Beside `put_here`: what is the other's may be what somebody made of this one."""

BEGUN_AGAIN: Final = (
    f"{WHICH} Another database was last seen here: none of its entries is left, and the migrations of this "
    f"one ran at another time. If it was made in the place of that one, {_SAY}; until then nothing is signed."
)

MADE_HERE: Final = (
    f"{WHICH} Another database with tenants of this one was last seen here: none of its entries is left, and "
    f"this one was made in its place, of a copy or a dump. If it is another one, {_SAY}; until then nothing "
    "is signed."
)

WHOLE: Final = (
    f"{WHICH} One tenant's part of a database was last seen here, and there are entries of others from "
    f"before it was taken. If this is the whole, {_SAY}; until then nothing is signed."
)

UNDECIDED: Final = (
    f"{WHICH} Until somebody has said so no checkpoint is made; verify it, and say which one it is."
)


def among_the_ways(doubt: str) -> str:
    """It where a person reads it beside what may be said."""
    return doubt.replace(HOW_ANOTHER, "").replace(HOW, "")


def put_here(path: str, places: Sequence[str]) -> str:
    """Of a file with the entries of the database seen in `path`, in the `places` of another."""
    which = "that was in this place before" if path in places else _seen(path)
    return (
        f"These are the entries of the database {which}; another one was last seen in this place. If you put "
        f"it here, {_SAY}."
    )


def may_be(path: str) -> str:
    """Of a file that may have come of the database seen in `path` as well."""
    return (
        f"As far as checkpoints tell, this may be what became of the database {_seen(path)} as well. Where "
        f"it is, {_SAY}."
    )


def either(path: str, other: str) -> str:
    """Of a file that goes on from what both of two databases had, in a place where neither was seen."""
    return (
        f"{WHICH} As far as checkpoints tell, this may be the database {_seen(path)}, or the one "
        f"{_seen(other).removeprefix('that was ')}. If it is a copy that now differs on purpose, {_SAY}; "
        "until then nothing is signed."
    )


def _seen(path: str) -> str:
    return f"that was seen in {path}" if path else "of imported checkpoints"


def copy_of(path: str) -> str:
    """Of a file with the entries of the database seen in `path`, in a place where none was seen."""
    return (
        f"If this is a copy that now differs on purpose, {_SAY}. Its entries are those of the "
        f"database {_seen(path)}, and until somebody says so it counts as the same."
    )


def copy_of_live(path: str) -> str:
    """Of a live database with the entries of another one, which is in `path`."""
    return (
        f"These are the entries of the database {_seen(path)}, and this is another one, made as a copy of it:"
        " it has checkpoints of its own."
    )


def part_of(others: Mapping[str, int]) -> str:
    """Of one tenant's part where the whole was seen before: how many entries of how many `others` are not
    here. None of them is named, as their names are nobody's who is given that part.
    """
    return (
        "This is the part of one tenant alone. The database that was in this place before has "
        f"{counted(sum(others.values()), 'entry', 'entries')} of {counted(len(others), 'other')} as well. "
        "Where all of it belongs here, put that back."
    )


def of_a_copy(path: str) -> str:
    """Why a copy of the database in `path` does not start over."""
    return (
        f"This is a copy of the database in {path}, which is still there. Signing this one would judge that "
        "one by it from now on, so nothing was signed. If this copy now differs on purpose, say that it is "
        "another database (--another-database)."
    )
