"""What is known of the chains of the whole file: one truth for shield, banners and audit tab."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QObject, Signal

from app.services.chain.rules import BROKEN, SOUND, Code, Verdict
from app.services.text import counted, some_of, tenant_name
from app.ui.session.outdated import AGAIN, OTHERS, RETENTION, STANDS

# Rows show before any verdict is known.
if TYPE_CHECKING:
    from app.services.chain.checkpoints.kept import KeptVerdict
    from app.services.chain.verify.report import LostEnd
    from app.ui.session.outcome import Outcome
    from models.engine import LostEntry


MOST_COUNTED = 1_000
"""So many entries that came since are told apart; beyond, one more is enough to know."""

COULD_NOT: Final = "Could not verify"
"""What is said in the place of a verdict where the latest verification could not be done."""


def how_many(newer: int, singular: str, plural: str) -> str:
    """How many entries came since, as far as they are counted."""
    if newer > MOST_COUNTED:
        return f"{MOST_COUNTED:,}+ {plural}"
    return counted(newer, singular, plural)


def known_by(entry: LostEntry, where: str = "by this window") -> str:
    """How a window came to know it, behind its number; what was made may be another window's."""
    if entry.verified and entry.tenant is not None:
        return f", through which {tenant_name(entry.tenant)} was verified"
    return f" ({entry.act}), made here" if entry.act else f", seen {where}"


def gone_in_words(entries: Sequence[LostEntry]) -> str:
    """That they are not there any more: the last one, by what is known of it, and those before, which are
    told here as briefly as there is room in a line.
    """
    *before, last = entries
    also = [f"entry {one.number:,}{known_by(one)}" for one in reversed(before)]
    is_gone = f"Entry {last.number:,}{known_by(last)}, is not there any more"
    return f"{is_gone}, nor is {some_of(also, 1, noun='other one')}" if also else is_gone


def which_gone(numbers: Sequence[int]) -> str:
    """The same by numbers alone, the last one behind the others."""
    if not numbers[1:]:
        return f"entry {numbers[-1]:,} is gone"
    return f"entry {numbers[-1]:,} and {counted(len(numbers) - 1, 'other one')} are gone"


class FileVerdict(QObject):
    """`outcome` is of a verification since the file was opened, `last` of one before that, each None where
    there is none; `newer` entries came since, as far as they are counted. `is_running` says that one runs by
    itself, `is_asked` that one runs that a person has asked for; `asked` when it begins. `failure` is why the
    latest one could not be done, until another could, whatever it is of. `whole_at` is when all of it was
    found to hold last, as far as that is known. `is_pruned` while retention removes entries here, on a
    connection of its own. `changed` when any of it is another.

    `may_be_another` when work has ended that may have verified, too, and has kept what it found; `met` with
    the section of an entry that was read and does not hold.
    """

    changed = Signal()
    asked = Signal()
    may_be_another = Signal()
    met = Signal(object)

    def __init__(
        self,
        parent: QObject | None = None,
        *,
        lacks_table: Callable[[], bool] = lambda: False,
        saw_table: Callable[[], bool] = lambda: False,
        awaits_search: bool = False,
    ) -> None:
        """`lacks_table` and `saw_table` tell whether there is no table of the chain's name now, and whether
        there was one when it was opened. It `awaits_search` for the end that was verified before any other.
        """
        super().__init__(parent)
        self.outcome: Outcome | None = None
        self.last: KeptVerdict | None = None
        self.newer = 0
        self.lost_end: LostEnd | None = None
        """What was verified and is not there any more, until somebody has accepted that, where nothing else
        is known to be wrong.
        """
        self.lost_lately: tuple[LostEnd | None, LostEnd | None] = None, None
        """What was lost before it went back the last time, and what went then."""
        self._is_heard = False
        """Whether `last` was found by another program since the file was opened."""
        self._back: tuple[int, int] | None = None
        """Which it was when it was found to be one before, and when."""
        self._contradicted: int | None = None
        """When checkpoints were found to know more than is there; None where they are not known to."""
        self.whole_at: int | None = None
        self.is_running = self.is_asked = self.is_pruned = False
        self.failure: str | None = None
        self._follows_soon: Callable[[], bool] = lambda: False
        self._look_at_end: Callable[[], object] | None = None
        self.lacks_table, self.saw_table = lacks_table, saw_table
        self.was_known = False
        self._failed_at = 0
        self._known_then: KeptVerdict | None = None
        self.searches = int(awaits_search)
        """How often the end that was verified is being looked for, or is about to be."""
        self._behind_search: list[Callable[[], object]] = []

    def look_after(
        self, follows_soon: Callable[[], bool], look_at_end: Callable[[], object], *, was_known: bool = False
    ) -> None:
        """What verifies by itself tells by `follows_soon` whether that is within minutes once others have
        written; `look_at_end` finds out whether the chain ends as it did, and calls `outdate`. With
        `was_known` entries were known, here or by checkpoints, of what had no chain when it was opened.
        """
        self._follows_soon, self._look_at_end, self.was_known = follows_soon, look_at_end, was_known

    def begin_run(self) -> None:
        self.is_running = True
        self.changed.emit()

    def stop_run(self) -> None:
        """Nothing is to come of it."""
        self.is_running = False

    def ask(self) -> None:
        """A person has asked for one, to which what runs by itself gives way."""
        self.is_asked = True
        self.asked.emit()

    @contextmanager
    def ending(self, *, asked: bool = False) -> Iterator[None]:
        """The one that ran by itself, or was `asked` for, has ended: what came of it is told within."""
        if asked:
            self.is_asked = False
        else:
            self.is_running = False
        yield
        self.changed.emit()

    def begin_pruning(self) -> None:
        self.is_pruned = True

    def end_pruning(self, *, took_nothing: bool) -> None:
        """Retention that took nothing is not what has written since."""
        self.is_pruned = False
        if took_nothing and self.outcome is not None and self.outcome.outdated == RETENTION:
            self.outcome = replace(self.outcome, outdated="")
            self.changed.emit()
            self.outdate_by_others()

    def say_unsigned(self, why: str) -> None:
        """Why there is no checkpoint of what is known, or none yet."""
        if self.outcome is not None:
            self.outcome = replace(self.outcome, why_not=why)

    def count(self, newer: int) -> None:
        self.newer = newer
        self.changed.emit()

    def begin_search(self) -> None:
        self.searches += 1

    def end_search(self) -> None:
        """What it has found is taken by now."""
        self.searches -= 1
        if not self.searches:
            behind, self._behind_search = self._behind_search, []
            for use in behind:
                use()

    def when_searched(self, use: Callable[[], object]) -> None:
        """Calls it as soon as it is known whether the end that was verified is there."""
        if self.searches:
            self._behind_search.append(use)
        else:
            use()

    @property
    def not_verified(self) -> str:
        """What came since, in words; empty where that is nothing."""
        count = self.newer
        return f"{how_many(count, 'newer entry is', 'newer entries are')} not verified yet" if count else ""

    @property
    def known(self) -> Outcome | KeptVerdict | None:
        return self.outcome or self.last

    @property
    def is_of_all(self) -> bool:
        """Whether what is known is of the chains of all tenants, rather than of a part that is broken."""
        return self.outcome is None or self.outcome.asked.is_whole or self.outcome.asked.since is not None

    @property
    def through(self) -> int | None:
        """The last entry that what is known speaks of; None where nothing is."""
        return None if self.known is None else self.known.through

    @property
    def is_broken(self) -> bool:
        said = self.outcome.report if self.outcome is not None else self.last
        return said is not None and said.verdict in BROKEN

    @property
    def knew_entries(self) -> bool:
        """Whether anything is known of entries, those that are lost too."""
        was = self.known is not None and self.known.through > 0
        return was or self.is_broken or self.lost_end is not None or self._contradicted is not None

    @property
    def is_gone(self) -> bool:
        """Whether the table is gone, or is the platform's no more, and nobody has said that this is right."""
        said = self.last if self.outcome is None else self.outcome.report
        if said is not None and said.lacks_table:
            return not said.intact or self.lost_end is not None
        return self.lacks_table() and (self.knew_entries or self.was_known or self.saw_table())

    def is_missing(self, tenant: str | None) -> bool:
        """Whether entries were known of a tenant, or of all, where there are none now."""
        known, lost = self.outcome, self.lost_end
        if lost is not None and (lost.ends_at == 0 or tenant == lost.tenant):
            return True
        if known is None:
            return tenant is None and (self.is_broken or self._contradicted is not None)
        gone = {item.tenant for item in known.report.findings if item.code is Code.TRUNCATED}
        nothing_left = not known.report.entries and known.report.verdict not in SOUND
        return tenant in gone or (tenant is None and (bool(gone) or nothing_left))

    @property
    def whole_stands(self) -> bool:
        """Whether all of it was found to hold, and what is known has only been held against a checkpoint
        since, and contradicts nothing.
        """
        if self.outcome is not None:
            since, intact = self.outcome.asked.since, self.outcome.intact
        else:
            since, intact = (None, False) if self.last is None else (self.last.since, self.last.intact)
        return self.lost_end is None and since is not None and intact and self.whole_at is not None

    @property
    def is_earlier(self) -> bool | None:
        """Whether whoever goes on takes numbers of entries that were there; None where nothing tells, such as
        what was said when the file was open before.
        """
        said = self.outcome.report if self.outcome is not None else self.last if self._is_heard else None
        if self.lost_end is not None or self._contradicted is not None:
            return True
        if said is not None and (said.verdict is Verdict.EARLIER or said.ends_before):
            return True
        is_sound = said is not None and said.verdict in SOUND
        return False if is_sound and not (self.outcome and self.outcome.is_doubted) else None

    @property
    def is_contradicted(self) -> bool:
        """Whether checkpoints know more than is there, and nothing worse was found, or looked for."""
        return self._contradicted is not None and (self.known is None or self.known.intact)

    def held(self, seq: int) -> bool:
        """Whether an entry that was not looked at since held then, for all that is known."""
        known, last = self.outcome, self.last
        if known is None:
            return last is not None and last.is_of_all and self.lost_end is None and seq <= last.through
        first = None if known is None else known.asked.section.first
        return self.whole_stands and known is not None and not known.is_doubted and seq < (first or 0)

    @property
    def is_new_line(self) -> bool:
        """Whether a checkpoint was made of it against which none before it is held."""
        from app.services.chain.checkpoint import NEW_LINE  # noqa: PLC0415

        known = self.outcome
        return known is not None and known.asked.reason in NEW_LINE and known.checkpoint is not None

    @property
    def found(self) -> Verdict | None:
        """By a verification since the file was opened; None where there was none that what is there still has
        all entries of.
        """
        return None if self.outcome is None or self.lost_end is not None else self.outcome.report.verdict

    def take(self, outcome: Outcome) -> None:
        """A part never says of the whole that it holds, unless the rest is as it was verified; what is wrong
        with a part is wrong with the whole, until that is verified again. Where that is known to be broken,
        no part takes the place of all that was found.
        """
        known, was, self.failure = self.outcome, self.failure, None
        broken = outcome.is_broken and not (known and known.asked.is_whole and known.is_broken)
        since = outcome.asked.since is not None and not self.is_broken
        if outcome.asked.is_whole or broken or since:
            self.outcome, self.newer, self.lost_end = outcome, 0, outcome.report.lost_end
            if outcome.at >= (self._contradicted or 0):
                self._contradicted = None
            if outcome.asked.is_whole or broken:
                self.whole_at = outcome.at if outcome.intact else None
            self.changed.emit()
        elif outcome.intact and (lost := outcome.report.lost_end) is not None:
            self.lose_end(lost)  # which is said of a part alone
        elif was is not None:
            self.changed.emit()

    def fail(self, why: str, at: int) -> None:
        self.failure, self._failed_at, self._known_then = why, at, self.last

    def forget_failure(self, last: KeptVerdict) -> None:
        """Where another program has verified since."""
        if self.failure is not None and last.at >= self._failed_at and last != self._known_then:
            self.failure = None
            self.changed.emit()

    def outdate_by_others(self) -> None:
        """Claims less of what another program may have changed, unless the chain ends as it did."""
        if self.outcome is None or self.outcome.is_doubted:
            return
        follows = self._follows_soon()
        if follows:
            self.outdate(AGAIN)
        if self.outcome.is_doubted:  # by retention, which runs here and will tell what it found
            return
        if self.outcome.intact and self._look_at_end is not None:
            self._look_at_end()
        elif not follows:
            self.outdate(OTHERS)

    def went_back(self, ends_at: int, now: int, entries: Sequence[LostEntry] = ()) -> None:
        """The last entry is another now, before the one that was, or in its place: nothing more is claimed of
        what is gone. `entries` are those that were known, and are gone.
        """
        from app.services.chain.verify.report import LostEnd  # noqa: PLC0415 - with what verifies

        self._back = ends_at, now
        known, lost = self.known, list[LostEnd]()
        is_known = known is not None and known.intact
        for entry in entries:
            end = LostEnd(entry.number, entry.at, entry.head, ends_at, entry.tenant, missed=True)
            is_beyond = known is None or entry.number > known.through
            if entry.verified:
                lost.append(replace(end, of_tenant=True))
            elif is_known and (entry.act or is_beyond):  # which outlives the window
                lost.append(replace(end, known_by=known_by(entry, "here")))
        numbers = {entry.number for entry in entries}
        if known is not None and is_known and (ends_at < known.through or known.through in numbers):
            lost.append(LostEnd(known.through, known.at, known.head, ends_at, missed=True))
        self.lost_lately = self.lost_end, LostEnd.together(lost)
        if lost and not self.is_broken:
            self.lost_end = LostEnd.together([self.lost_end, *lost])
        self.outdate(OTHERS)
        self.lost_end_is_at(ends_at)

    def lose_end(self, end: LostEnd) -> bool:
        """What was known is gone, since the file was open before or since then, beside what is known to be;
        whether that is new.
        """
        was, now = self.lost_end, end.together([self.lost_end, end])
        if self.is_broken or was == now:
            return False
        self.lost_end = now
        self.outdate(OTHERS)
        self.changed.emit()
        return was is None

    def contradict(self, now: int | None) -> None:
        """Checkpoints, which others may have made since, know more than is there; or, with None, do not."""
        was_sound, was, self._contradicted = self.is_earlier is False, self._contradicted, now
        if now is not None and was_sound:
            self.outdate(OTHERS)
        said = self.last if self.outcome is None else self.outcome.report
        came_forward = now is None and said is not None and said.verdict is Verdict.EARLIER
        if came_forward:  # which was found of what is not there any more
            self.outcome = self.last = None
        if now != was or came_forward:
            self.changed.emit()

    def lost_end_is_at(self, at: int) -> None:
        """Of a chain that lost its end: the last entry is this one now."""
        if self.lost_end is not None:
            self.lost_end = replace(self.lost_end, ends_at=at)
            self.changed.emit()

    def came_forward(self) -> None:
        """The last entry that was verified is there again, as it was."""
        lost, self._back = self.lost_end, None
        self.lost_end = None if lost is None else lost.together(lost.also)
        if self.last is not None:
            self.last = replace(self.last, lost_end=self.lost_end)
        if self.outcome is not None:
            self.outcome = replace(self.outcome, report=self.outcome.report.without_lost_end, outdated=STANDS)
        self.changed.emit()

    def remember(self, last: KeptVerdict | None) -> None:
        """What was said when the file was open before."""
        self.last, self.lost_end = last, None if last is None or not last.intact else last.lost_end
        self.whole_at = last.whole_at if last is not None and last.intact else None
        self.changed.emit()

    def hear(self, last: KeptVerdict) -> None:
        """Takes what another program has found, perhaps before it went back."""
        self.outcome, self.newer, self._is_heard, back = None, 0, True, self._back
        if last.at > (self._contradicted or 0):
            self._contradicted = None
        self.remember(last)
        if back is not None and last.at <= back[1] and self.lost_end is None:
            self.went_back(*back)

    def outdate(self, by: str) -> None:
        """Claims less: the file may not be what was verified. `by` is of those that an outcome knows."""
        if self.outcome is not None and not self.outcome.is_doubted and self.outcome.outdated != by:
            self.outcome = replace(self.outcome, outdated=RETENTION if self.is_pruned else by)
            self.changed.emit()
