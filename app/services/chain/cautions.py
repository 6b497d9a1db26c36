"""What a person should hear before an act, and what they have agreed to."""

from collections.abc import Callable
from typing import Final

from app.services.chain.rules import CLOCK_TOLERANCE
from models.engine import Database
from models.errors import TenantAdminError


class Caution(TenantAdminError):
    """What a person should know before an act on a database, which goes on where they have agreed to it.

    `question` is asked above it; `act` is what waits for the answer, as its change would be called, where it
    was planned.
    """

    act = ""
    meant = ""
    """What is agreed to, where that is less than its words, which may be others a moment later."""

    question = "Take the gateway's next number?"


class NotRecorded(Caution):
    """There is no audit chain, or `why` says what there is instead of one that takes entries."""

    question = "Go on without a record?"
    sentence = "{name} has {why}, so what is done in it here is recorded nowhere; nothing was changed."
    why = "no audit chain (no table audit_chain)"


class DamageMet(Caution):
    """Reading has met damage."""

    question = "Write into a damaged file?"
    sentence = (
        "{name} is damaged: parts of it cannot be read, and writing into it may damage more. Restore it from "
        "a copy first, or save what can be read; nothing was changed."
    )


class EarlierState(Caution):
    """Later checkpoints, or a verification before, know entries behind its last one."""

    question = "Go on from an earlier state?"
    sentence = (
        "{name} is an earlier state of what was made, signed or verified here, or its end was cut off. What "
        "is recorded now goes on without the entries that are gone, and may take the number of one: to "
        "whoever knows them the chain looks tampered with then. Put back the later state first; or, if this "
        "is right, say so first: “Start over…” goes on from here, “Another database…” is for a copy that now "
        "differs on purpose, and an end that no checkpoint knew can be accepted in the audit tab; nothing "
        "was changed."
    )


class WentBack(EarlierState):
    """The same of a database that Time Travel may have brought back."""

    sentence = (
        "{name} is an earlier state of what was made, signed or verified here. What is recorded now goes on "
        "without the entries that are gone, and may take the number of one: to whoever knows them the chain "
        "looks tampered with then. If it was brought back on purpose, say so first: “Start over…” goes on "
        "from here, and an end that no checkpoint knew can be accepted in the audit tab; if not, bring the "
        "later state back by Time Travel; nothing was changed."
    )


class NoBookmark(Caution):
    """None could be had of what is there, before much of it goes."""

    question = "Go on without a bookmark?"
    sentence = (
        "No bookmark of {name} could be taken first, by which Time Travel would bring back what is there "
        "now: {why}. Nothing was changed. If you go on, one is asked for once more, and kept where there is "
        "one by then."
    )
    may_be_had = False
    """Whether there may be one at the next try, as where the network is what failed."""

    @classmethod
    def by(cls, place: str, error: TenantAdminError) -> "NoBookmark":
        """Of what kept it from being taken."""
        found = cls(place, error.happened.removesuffix("Try again.").rstrip(" ."))
        found.may_be_had, found.meant = error.is_retriable, f"{cls.__name__} {place}"
        return found


AS_TOLD: Final = "as the dates of its answers tell"


class ClockOff(Caution):
    """This computer's clock is so many seconds ahead of a live database's, or behind it, where negative."""

    question = "Go on by this computer's clock?"
    sentence = "This computer's clock is {why}. Set the clock first; nothing was changed."

    def __init__(self, place: str, seconds: float) -> None:
        minutes = round(abs(seconds) / 60)
        off = f"{minutes:,} min" if minutes < 120 else f"{round(minutes / 60):,} h"
        self.how = f"{off} {'ahead of' if seconds > 0 else 'behind'} {place}'s, {AS_TOLD}"
        recorded = "What is recorded now carries this computer's time"
        ahead = f"{self.how}. {recorded}, and verification will point at it"
        behind = f"{self.how}. {recorded}, or that of the entry before it, where that is later"
        super().__init__(place, ahead if seconds > 0 else behind)
        self.seconds = seconds
        self.meant = f"{type(self).__name__} {place} {seconds > 0}"

    @property
    def judged_by(self) -> str:
        """What to know of a verification, and of the checkpoint that is made of it."""
        return (
            f"This computer's clock is {self.how}: times are judged, and checkpoints dated, by this "
            "computer's."
        )


def clock_off(database: Database) -> ClockOff | None:
    """The one rule of when nothing is judged by this computer's clock: where the database tells its own time
    with its answers, and that is another. None of a file, beside which no second clock is.
    """
    seconds = database.clock_off
    return ClockOff(database.place, seconds) if abs(seconds) > CLOCK_TOLERANCE else None


class Agreed:
    """The cautions that a person has agreed to, by what they mean, as long as a database is open.

    `asks` says whether an act waits for them, too, where its entry would take a number of the gateway's own.
    `known_through` gives the last entry that checkpoints know of it by now, 0 where none: an act that finds
    less waits for them. It is asked on any thread, for each act.
    """

    def __init__(self, *, asks: bool = False, known_through: Callable[[], int] = lambda: 0) -> None:
        self._words: set[str] = set()
        self.asks, self.known_through = asks, known_through

    def add(self, caution: Caution) -> None:
        self._words.add(_meant(caution))

    def forget(self, caution: Caution) -> None:
        """What it was about is so no longer; another time it is asked about again."""
        self._words.discard(_meant(caution))

    def has(self, caution: Caution) -> bool:
        return _meant(caution) in self._words

    def require(self, caution: Caution) -> None:
        """Raises the caution unless a person has agreed to it."""
        if not self.has(caution):
            raise caution

    def use_up(self, caution: Caution) -> None:
        """The same of one that is agreed to for a single act."""
        self.require(caution)
        self._words.discard(_meant(caution))


def _meant(caution: Caution) -> str:
    return caution.meant or str(caution)
