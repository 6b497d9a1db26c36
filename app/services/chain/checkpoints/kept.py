"""What is kept beside the store, unsigned: what the last verification of a file said, from one start to the
next; and the checkpoint of a restore from before its commit until the file is seen to hold what it says.

What a verification said proves nothing: it is what a person is told of a file before it is verified again.
A restore that was killed behind its commit is known again by its checkpoint. That counts for nothing
before: the store takes it up when it finds that the file holds every entry that it ends with, the restore's
own one among them.
"""

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from itertools import accumulate
from pathlib import Path
from typing import Any, Final

from app import paths
from app.services.chain.checkpoint import Checkpoint
from app.services.chain.checkpoints.own_ends import OwnEnds, name_of
from app.services.chain.checkpoints.rows import is_another
from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ, SOUND, Verdict
from app.services.chain.verify.report import LostEnd, Report, Section
from app.services.chain.where import Where
from models.errors import InvalidInput, StorageError

MOST_TENANTS: Final = 500
MOST_ENDS: Final = 20_000
MOST_CHARACTERS: Final = 1_000_000
"""In the names of the tenants of these ends."""


@dataclass(frozen=True, slots=True)
class KeptVerdict:
    """`verdict` of all entries up to seq `through`, found `at` this time on behalf of `by`.

    `entries` are those that were looked at; `errors` and `warnings` were found. `since` is the number of the
    checkpoint from which on that was; None where the file was verified whole, which it last was at
    `whole_at` (None: it is not known), or where a `part` was found broken. It was `undecided` which
    database it is. `ends_before` as of `Report`. `lost_end` is what is gone, or, where the chains do not
    hold, has yet to be looked for. `tenant` is whose the entry `through` is, `head` its stored hash; None of
    none. The first migration of a file ran at the time `ledger`, where it says so. Of
    a whole that does not hold `tenants` are the verdicts of each, where they are no more than `MOST_TENANTS`;
    of what holds those that are other than what is said of `each`, which is None where that was not kept.
    `lacks_table` as of `Report`.
    """

    verdict: Verdict
    at: int
    by: str
    entries: int
    errors: int
    warnings: int
    through: int
    since: int | None = None
    whole_at: int | None = None
    part: bool = False
    undecided: bool = False
    ends_before: bool = False
    lost_end: LostEnd | None = None
    tenant: str | None = None
    head: str | None = None
    ledger: str = ""
    tenants: Mapping[str, Verdict] = field(default_factory=dict)
    lacks_table: bool = False
    each: Verdict | None = None

    @property
    def intact(self) -> bool:
        return self.verdict in SOUND and not self.undecided

    @property
    def is_of_all(self) -> bool:
        """Whether all of it was found to hold, for all that was known then."""
        is_whole = self.since is None or self.whole_at is not None
        return self.intact and self.lost_end is None and not self.part and is_whole

    @property
    def is_before_loss(self) -> bool:
        """Whether nothing was verified since the end went that is lost."""
        lost = self.lost_end
        if lost is None:
            return False
        seen_since = bool(lost.known_by or lost.of_tenant) and lost.at >= self.at
        return seen_since or (lost.through, lost.head) == (self.through, self.head)

    @property
    def which(self) -> str:
        """What was looked at, behind "verified"."""
        if self.part:
            return "in part"
        return "whole" if self.since is None else f"from checkpoint {self.since} on"


@dataclass(frozen=True, slots=True)
class KeptEnd:
    """That a tenant's chain was verified through this entry, whose stored hash was `head`, `at` that time. It
    was `missed` since, and nobody has accepted that: no more than the entries up to `left` were there of it
    then, of which more went so many times (`losses`), the last time through `went`, and it was verified
    through `now` since. It is of a `piece` where what lies before was not gone through: of a range that does
    not go on from what was.
    """

    through: int
    head: str | None
    at: int
    missed: bool = False
    left: int = 0
    losses: int = 0
    now: int = 0
    now_head: str | None = None
    piece: bool = False
    went: int = 0

    @property
    def numbers(self) -> tuple[int, ...]:
        return self.through, self.at, self.left, self.losses, self.now, self.went


@dataclass(frozen=True, slots=True)
class KeptEnds:
    """The ends of tenants, by name; the first migration of the file ran at the time `ledger`, where it says
    so. They are of `this` very file, or of another one that was in its place. `first` are the hash of the
    first entry that it had when it was verified first, and the previous one that this names, and the same of
    the last time; empty of a live database, which is another one by its id.
    """

    ends: Mapping[str, KeptEnd] = field(default_factory=dict)
    ledger: str = ""
    this: bool = True
    first: tuple[str, ...] = ()

    def of(self, section: Section) -> "KeptEnds":
        """Those that lie in a section."""
        names = self.ends if section.tenant is None else {section.tenant}
        ends = {name: end for name, end in self.ends.items() if name in names and section.has(end.through)}
        return replace(self, ends=ends)

    def before(self, section: Section, tenants: Collection[str]) -> "KeptEnds":
        """Those of these tenants that lie before it."""
        first = section.first or 0
        ends = {name: end for name, end in self.ends.items() if name in tenants and end.through < first}
        return replace(self, ends=ends)


def knows(found: Verdict) -> Verdict:
    """The same of which a checkpoint was made."""
    return Verdict.VERIFIED if found is Verdict.CONSISTENT else found


def of_each(report: Report, since: Checkpoint | None, *, is_signed: bool = False) -> dict[str, Verdict]:
    """The verdict of each tenant of a report, of which a checkpoint was made where it `is_signed`; of what
    came behind the checkpoint `since`, as all of it would be called: who is in that is known to it.
    """
    known = report.verdicts.keys() if is_signed else () if since is None else since.tenants.keys()
    return {name: knows(found) if name in known else found for name, found in report.verdicts.items()}


def in_common(report: Report, since: Checkpoint | None) -> tuple[Verdict, dict[str, Verdict]]:
    """Of a report that is intact what is said of each tenant, and of whom something else; where these were
    too many, no more than holds of all.
    """
    each = report.verdict if since is None else knows(report.verdict)
    others = {name: found for name, found in of_each(report, since).items() if found is not each}
    return (each, others) if len(others) <= MOST_TENANTS else (Verdict.CONSISTENT, {})


class KeptVerdicts:
    """A file for each database, in a folder beside the store."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._ends = folder / "verdicts", folder / "ends"
        self.own = OwnEnds(folder)

    def keep(self, where: Where, said: KeptVerdict) -> bool:
        """Remembers it of the database, where that can be written: a verdict does not fail for it. Whether it
        is kept.
        """
        with suppress(OSError, StorageError):
            if paths.NO_HOME not in self._folder.parents:
                kept = {"file": where.location[1], **asdict(said)}
                paths.keep(self._place(where), json.dumps(kept))
                return True
        return False

    def keep_end(self, where: Where, end: LostEnd, *, is_lost: bool) -> None:
        """Remembers that the end that was verified was seen to be gone, or to be there again, of what nothing
        verifies by itself; also what a window has seen there or made, and beside what is lost already what is
        lost by now. Raises as `Where.location`.
        """
        last = self.last(where)
        if last is None or not last.intact:
            return
        lost = last.lost_end
        if is_lost and lost is None and (end.known_by or end.of_tenant):
            self.keep(where, replace(last, lost_end=replace(end, missed=True)))
        elif is_lost and lost is None and last.through == end.through:
            missed = replace(end, head=last.head, tenant=last.tenant, missed=True)
            self.keep(where, replace(last, lost_end=missed))
        elif is_lost and lost is not None and (more := LostEnd.together([lost, end])) != lost:
            self.keep(where, replace(last, lost_end=replace(more or end, missed=True)))
        elif not is_lost and lost is not None and lost.through == end.through:
            self.keep(where, replace(last, lost_end=LostEnd.together(lost.also)))

    def ends(self, where: Where) -> KeptEnds:
        """How far each tenant's chain was verified in this place: in this very file, or in one of which it
        may be a copy, for all that their ledgers tell. Raises as `Where.location`.
        """
        try:
            stored = json.loads(paths.content(self._ends_of(where)))
            ends = {name: KeptEnd(*values) for name, values in stored["ends"].items()}
            first = tuple(stored.get("first", ()))
            each = [head for one in ends.values() for head in (one.head, one.now_head)]
            heads = [head for head in each if head is not None]
            are_texts = all(isinstance(text, str) for text in (stored["ledger"], *first, *heads))
            if not (are_texts and all(map(_is_sound, ends.values()))):
                return KeptEnds()
            is_this = stored["file"] == where.location[1]
            if not is_this and is_another(where, stored["ledger"]):
                return KeptEnds()
            return KeptEnds(ends, stored["ledger"], is_this, first)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return KeptEnds()

    def version_of_ends(self, where: Where) -> tuple[int, int]:
        """Another one where they were kept since. Raises as `Where.location`."""
        return version_of(self._ends_of(where))

    def keep_ends(self, where: Where, ends: KeptEnds) -> None:
        """Remembers the newest of them as those of this file, where that can be written."""
        newest = sorted(ends.ends.items(), key=lambda item: item[1].through, reverse=True)[:MOST_ENDS]
        lengths = accumulate(len(name) for name, _ in newest)
        kept = {
            name: [*asdict(one).values()]
            for (name, one), length in zip(newest, lengths, strict=True)
            if length <= MOST_CHARACTERS
        }
        with suppress(OSError, StorageError):
            if paths.NO_HOME not in self._folder.parents:
                stored = {"file": where.location[1], "ledger": ends.ledger, "ends": kept, "first": ends.first}
                paths.keep(self._ends_of(where), json.dumps(stored))

    def cover(self, where: Where, now: int) -> None:
        """A checkpoint was made of what was found `now`."""
        last = self.last(where)
        if last is not None and last.at == now and last.intact:
            self.keep(where, replace(last, verdict=Verdict.VERIFIED, each=Verdict.VERIFIED, tenants={}))

    @contextmanager
    def outdated(self, where: Where) -> Iterator[Callable[[], None]]:
        """Around what puts something else in its place, which was not verified. What was kept is forgotten
        once that is done, which is said by what is given or by its end. Until then it stays, also where it is
        not known whether it is done: a program that ends while it still waits has changed nothing, and a loss
        stands.
        """
        forget = partial(self.forget, where)
        yield forget
        forget()

    def forget(self, where: Where) -> None:
        """What was verified here, and made here, is of what was in its place before."""
        self._forget(where)
        self.own.forget(where)

    def _forget(self, where: Where) -> None:
        for place in (self._place(where), self._ends_of(where)):
            with suppress(OSError):
                place.unlink()

    def last(self, where: Where) -> KeptVerdict | None:
        """What was said of this very file; None where nothing was, or where another is in its place."""
        return self._said(where, of_this=True)

    def said_before(self, where: Where) -> tuple[KeptVerdict | None, KeptVerdict | None]:
        """What was said last of this database, also where a copy of it took its file's place, as editors and
        restores do it, for all that their ledgers tell; or else of another one in this place. Raises as
        `Where.location`.
        """
        if (last := self.last(where)) is not None:
            return last, None
        other = self._said(where, of_this=False)
        return (None, other) if other is not None and is_another(where, other.ledger) else (other, None)

    def _said(self, where: Where, *, of_this: bool) -> KeptVerdict | None:
        try:
            stored = json.loads(paths.content(self._place(where)))
            if (stored.pop("file") == where.location[1]) is not of_this:
                return None
            lost = _end(stored["lost_end"])
            tenants = {name: Verdict(found) for name, found in stored.get("tenants", {}).items()}
            each = stored.get("each")
            read = {"verdict": Verdict(stored["verdict"]), "lost_end": lost, "tenants": tenants}
            read["each"] = None if each is None else Verdict(each)
            said = KeptVerdict(**stored | read)
            found = (said.entries, said.errors, said.warnings, said.through)
            ends = () if lost is None else (lost.through, lost.at, lost.ends_at)
            numbers = (said.at, *found, said.since or 0, said.whole_at or 0, *ends)
            return said if {*map(type, numbers)} == {int} and isinstance(said.by, str) else None
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None

    def _place(self, where: Where) -> Path:
        return self._folder / name_of(where)

    def _ends_of(self, where: Where) -> Path:
        return self._ends / name_of(where)


def _is_sound(end: KeptEnd) -> bool:
    are_numbers = all(type(number) is int and LOWEST_SEQ <= number <= HIGHEST_SEQ for number in end.numbers)
    return are_numbers and type(end.piece) is bool


def _end(stored: Any) -> LostEnd | None:
    if stored is None:
        return None
    before = stored.pop("before", None)  # in its place an older program kept the first one alone
    also = tuple(end for end in map(_end, [*stored.get("also", ()), before]) if end is not None)
    tuples = {name: tuple(stored.get(name, ())) for name in ("others", "apart")}
    parts = tuple((str(name), int(left), int(losses)) for name, left, losses in stored.get("parts", ()))
    numbers = {
        which: tuple((str(name), int(through)) for name, through in stored.get(which, ()))
        for which in ("lasts", "went")
    }
    return LostEnd(**stored | {"also": also, "parts": parts} | numbers | tuples)


def version_of(store: Path) -> tuple[int, int]:
    """Another one where something was signed, or taken in, since; costs no more than a look at the folder."""
    with suppress(OSError):
        there = store.stat()
        return there.st_mtime_ns, there.st_size
    return 0, 0


FOLDER: Final = "announced"


def announce(folder: Path, checkpoint: Checkpoint) -> None:
    """Keeps it, in place of what was announced of its database before. Raises `OSError`."""
    paths.keep(_place(folder, checkpoint), json.dumps(checkpoint.to_json()))


def announced(folder: Path) -> Iterator[Checkpoint]:
    """All that can be read; who signed them is another question."""
    for place in sorted((folder / FOLDER).glob("*.json")):
        with suppress(OSError, ValueError, RecursionError, InvalidInput):
            yield Checkpoint.from_json(json.loads(paths.content(place)))


def forget_announced(folder: Path, checkpoint: Checkpoint) -> None:
    """For what was taken up, or can be no more."""
    with suppress(OSError):
        _place(folder, checkpoint).unlink()


def _place(folder: Path, checkpoint: Checkpoint) -> Path:
    return folder / FOLDER / f"{checkpoint.database}.json"
