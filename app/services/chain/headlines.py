"""What a verdict is called where a person reads it: the window's headline, and behind a command's verdict."""

from typing import Final, Protocol

from app.services.chain.checkpoints import doubts
from app.services.chain.rules import BROKEN, HEADLINES, Verdict
from app.services.chain.verify.report import LostEnd

LOST_END: Final = "Older state, or cut off"
"""What is said of a file in which nothing is wrong but that it ends before what was verified."""

ANOTHER: Final = "Another database"
"""The same where it was written over by one, for all that its migrations tell."""

GONE: Final = "Audit chain gone"
"""What is said where no entry is left of those that were known: its table was dropped, or emptied."""

NONE: Final = "No audit chain"
"""What is said where there is no such table, and no entry is missed."""

OF_LOST_ENDS: Final = frozenset({LOST_END, ANOTHER, GONE})


class Conclusion(Protocol):
    """What a verification said, of now or of before."""

    @property
    def verdict(self) -> Verdict: ...
    @property
    def undecided(self) -> bool: ...
    @property
    def lost_end(self) -> LostEnd | None: ...
    @property
    def lacks_table(self) -> bool: ...
    @property
    def intact(self) -> bool: ...


def of_lost_end(lost_end: LostEnd) -> str:
    if lost_end.is_other:
        return ANOTHER
    return LOST_END if lost_end.ends_at else GONE


def headline(said: Conclusion, *, is_signed: bool = False) -> str:
    """Of all that was looked at, of which a checkpoint was made where it `is_signed`; a question, where a
    person has to say which database it is of.
    """
    if said.undecided and said.verdict not in BROKEN:
        return doubts.WHICH
    if said.lacks_table:
        return NONE if said.intact and said.lost_end is None else GONE
    if said.lost_end is not None and said.intact:
        return of_lost_end(said.lost_end)
    is_known = is_signed and said.verdict is Verdict.CONSISTENT
    return HEADLINES[Verdict.VERIFIED if is_known else said.verdict]
