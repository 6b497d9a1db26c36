"""The verification of the open file that happens by itself, and what the shield in the status bar says."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from time import monotonic

from PySide6.QtCore import QObject, QTimer, Signal, Slot
from PySide6.QtWidgets import QApplication, QWidget

from app.services.chain.checkpoints.gone import NOTE
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.reading import end_of, few_behind
from app.services.chain.rules import BROKEN, HEADLINES, HIGHEST_SEQ, Verdict
from app.services.chain.verify.report import LostEnd, Report, Section
from app.services.chain.where import Where
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.session.outcome import Asked, Outcome, by_itself, verify
from app.ui.session.outdated import AGAIN, OTHERS, RETENTION, STANDS
from app.ui.session.verdict import COULD_NOT, MOST_COUNTED, how_many
from app.ui.session.verdict_words import CHANGED, WHOLE, headline, in_two, of_gone, of_lost
from app.ui.shell.desktop_notice import tell
from app.ui.theme import Icon, Tone
from app.ui.widgets.formatting import absolute_time, ago, grouped
from app.ui.widgets.later import later
from app.workers.runner import Task
from app.workers.scan_pool import store_and_verifier
from models import engine, errors, progress, schema, status

Found = tuple[LostEnd | None, list[engine.OwnEntry]]
"""Of what was verified or made here what is lost, and the own entries that are there."""

_LOOK_MS = 60_000
_REST_MS, _AGAIN = 2_000, 10
"""So long after what others wrote all is verified; and the seconds from one time to the next, at least."""
_PATIENCE = 20
"""So many times what a verification took lies between two of them, beside a platform at work."""
_SOON = 600
"""Seconds within which what others wrote has been looked at, for the verdict to stand meanwhile."""
_COUNTED = 100_000
"""So many entries are counted in a moment; of more the last one that was verified is looked at alone."""
_AT_ONCE = 50_000
"""Entries that are read in a moment: then all are, whatever a checkpoint says of them."""


class SelfVerification(QObject):
    """Verifies the file once from `start()` on, then daily and behind what others write, in one child process
    behind the interface, where the preference allows it. It gives way to a verification that a person asks
    for.

    What it finds is in `context.verdict`. `said(icon, colour, words, tip)` is for the shield.
    """

    said = Signal(str, str, str, str)

    def __init__(self, context: Context, window: QWidget | None = None) -> None:
        super().__init__(window)
        self._context, self._verdict, self._window = context, context.verdict, window
        self._job: Task | None = None
        self._begun, self._ran_at = 0, float("-inf")
        """When the latest run began, by the clock, and by one that nobody sets."""
        self._written_times = self._known_at_start = self._looked_at = 0
        """How often others have written, as far as that is heard; before the latest verification began; and
        before the latest one of all began that has ended.
        """
        self._searched_times, self._searched_at = 0, float("-inf")
        """How often others had written when what was known was looked for last, and when, as `_ran_at`."""
        self._end: tuple[Report, str | None] | None = None
        """Of the latest verification, and the hash of the last entry that it knows."""
        self._is_due_to_look = self._is_looking = False
        self._table = context.tables.get(AUDIT_CHAIN.name)
        self._counted_for: int | None = None
        """Through which entry the verdict held when what is newer was counted."""
        self._asked = 0
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self._look)
        self._rest = QTimer(self, singleShot=True)
        self._rest.timeout.connect(self._check_what_others_wrote)
        self._signs, self._signed_at = True, float("-inf")
        """Whether the latest run was to make a checkpoint where all holds, and when one was to last, as
        `_ran_at`.
        """
        self._met: Task | None = None
        self._watched = 0, 0
        """Which ends are looked for, of those that are kept."""
        self._heard: KeptVerdict | None = None
        """What was kept when that was looked at last."""

    def start(self) -> None:
        """Says what is known, then verifies; nothing of a file without an audit chain of which nothing ever
        was known.
        """
        if self._context.without(AUDIT_CHAIN.name) is None:
            self._start()
        elif not self._context.opened.schema.foreign:
            where = self._context.opened.where
            look = partial(_was_known, where)
            failed = lambda error: self._start_if(False)  # noqa: E731
            self._context.runner.job(look, on_done=self._start_if, on_failed=failed)
        else:
            self._start_if(False)

    def _start_if(self, was_known: bool) -> None:
        if was_known:
            self._start(was_known=True)
        elif self._context.costs:
            self._verdict.end_search()

    def _start(self, *, was_known: bool = False) -> None:
        self._verdict.changed.connect(self._say)
        self._verdict.changed.connect(self._note_outcome)
        self._verdict.look_after(self._follows_soon, self._look_at_end_soon, was_known=was_known)
        self._verdict.asked.connect(self._give_way)
        self._verdict.asked.connect(self._say)
        self._verdict.may_be_another.connect(self._hear_what_was_kept)
        self._verdict.met.connect(self._verify_met)
        self._context.runner.changed.connect(self._hear)
        self._context.outside.written.connect(self._written)
        self._context.outside.went_back.connect(self._went_back)
        self._context.tables_changed.connect(self._look_at_table)
        for told in (self._context.unsettled.settled, self._context.unsettled.found):
            told.connect(self._count_again)
        self._context.outside.displaced.connect(lambda _: self._say())
        self._context.aged.connect(self._age)
        self._read_last(self._show_last)

    def stop(self) -> None:
        self._timer.stop()
        self._rest.stop()
        self.stop_run()

    def stop_run(self) -> None:
        """Ends the run that is under way; what was known before stays known."""
        job, self._job = self._job, None
        self._verdict.stop_run()
        if job is not None:
            job.cancel()

    @property
    def _verifies_by_itself(self) -> bool:
        return self._context.settings.verify_by_itself and not self._context.costs

    def check(self, *, whole: bool = False, sign: bool = True) -> None:
        """Verifies now, unless the preference is off or a row that is read costs something."""
        if not self._verifies_by_itself:
            return
        if self._job is not None or self._verdict.is_asked:
            return
        where, now, by = self._context.opened.where, self._context.clock, self._context.settings.actor

        def work(monitor: progress.Monitor) -> Outcome:
            store, verify = store_and_verifier(processes=1)
            found = partial(by_itself, where, store, verify, now=now, by=by, monitor=monitor)
            return found(whole_up_to=HIGHEST_SEQ if whole else _AT_ONCE, sign=sign)

        self._begun, self._ran_at, self._signs = now(), monotonic(), sign
        self._signed_at = self._ran_at if sign else self._signed_at
        self._note_start()
        self._job = self._context.runner.job(work, on_done=self._ended, on_failed=self._failed)
        self._verdict.begin_run()

    def _check_again(self) -> None:
        """Unless whoever took entries away has told what it found after that."""
        if self._verdict.outcome is None or self._verdict.outcome.outdated:
            self.check()

    def _look(self) -> None:
        """Words like "3 min ago" grow old, and so does a verdict; a command may have found another since."""
        known = self._verdict.outcome
        if known is not None and known.outdated == AGAIN and not self._follows_soon():
            self._verdict.outdate_by_others()
        self._say()
        if self._is_due():
            self.check()
        elif self._has_more_to_look_at and not self._rest.isActive():  # also where that could not be done
            self._check_what_others_wrote()
        self._read_last(self._hear_of)

    def _is_due(self) -> bool:
        """Daily, or where the clock was set back; and where what was verified behind others could have got a
        checkpoint since.
        """
        known = self._verdict.outcome
        is_unsigned = known is not None and known.intact and known.checkpoint is None and not self._signs
        could_sign = is_unsigned and monotonic() - self._ran_at >= _LOOK_MS / 1000
        return could_sign or not 0 <= self._context.clock() - self._begun < status.DAY

    @property
    def _has_more_to_look_at(self) -> bool:
        """Whether others have written since the latest verification of all began."""
        return self._written_times > self._looked_at

    @Slot()
    def _check_what_others_wrote(self) -> None:
        """All of it, as a checkpoint knows nothing of what is changed before its ends. They write all day
        beside a platform at work: then that takes a small part of the time, and is signed each minute.
        """
        known = self._verdict.outcome
        is_broken = known is not None and not known.intact
        if is_broken or not self._has_more_to_look_at:
            return
        if not self._verifies_by_itself:
            self._look_for_what_was_known()
            return
        seconds, now = 0 if known is None else known.report.seconds, monotonic()
        wait = self._ran_at + max(_AGAIN, _PATIENCE * seconds) - now
        if wait > 0 or self._job is not None or self._verdict.is_asked:
            self._rest.start(int(max(1, wait) * 1000))
            return
        self.check(whole=True, sign=now - self._signed_at >= _LOOK_MS / 1000)

    def _look_for_what_was_known(self) -> None:
        """Where nothing is verified by itself: others may have taken away what was made here, or verified.
        The looks at a live database find that out.
        """
        if self._context.costs or self._searched_times == self._written_times:
            return
        wait = self._searched_at + _AGAIN - monotonic()
        if wait > 0:
            self._rest.start(int(max(1, wait) * 1000))
            return
        self._searched_times, self._searched_at = self._written_times, monotonic()
        self._search()

    def _follows_soon(self) -> bool:
        """Whether that is within minutes of what others write; else less is claimed until then."""
        known = self._verdict.outcome
        seconds = 0 if known is None else _PATIENCE * known.report.seconds
        return self._verifies_by_itself and seconds <= _SOON

    def _note_start(self) -> None:
        self._known_at_start = self._written_times

    @Slot()
    def _give_way(self) -> None:
        """To what a person asks for, which may be a part alone: the rest is made up for."""
        self.stop_run()
        self._note_start()
        if self._has_more_to_look_at:
            self._look_again_soon()

    def _note_outcome(self) -> None:
        """What others wrote while it was verified, whoever asked for that, is looked at behind it. Of a
        verification that looked at nothing, as nothing was new, the last entry is read then.
        """
        known = self._verdict.outcome
        if known is None or (self._end is not None and self._end[0] is known.report):
            return
        if known.asked.is_whole:
            self._looked_at = max(self._looked_at, self._known_at_start)
        self._end = known.report, known.head
        if known.intact and known.head is None and known.through:
            report = known.report

            def note(found: tuple[str | None, int | None]) -> None:
                if self._end is not None and self._end[0] is report:
                    self._end = report, found[0]

            read = partial(end_of, through=known.through, counts=False)
            self._context.runner.read(read, on_done=note, on_failed=lambda error: None)
        if self._has_more_to_look_at and known.intact:
            self._verdict.outdate_by_others()
            self._look_again_soon()

    def _look_at_end_soon(self) -> None:
        """Once, whoever has heard of it."""
        if not self._is_due_to_look:
            self._is_due_to_look = True
            later(self, 0, self._look_at_end)

    def _look_at_end(self) -> None:
        known = self._verdict.outcome
        if self._is_looking or known is None:  # what is written meanwhile is looked at behind it
            self._is_due_to_look = known is not None
            return
        self._is_due_to_look = False
        if self._context.without(AUDIT_CHAIN.name) is not None:
            self._verdict.outdate(OTHERS)
            return
        self._is_looking = True
        whole = known.asked.is_whole and known.report.entries <= _COUNTED and not self._context.costs

        def told(stands: bool) -> None:
            self._is_looking = False
            now = self._verdict.outcome
            if now is not None and now.report is known.report:
                if not stands:
                    self._verdict.outdate(OTHERS)
                elif now.outdated != AGAIN:
                    self._verdict.outdate(STANDS)
            if self._is_due_to_look:
                self._look_at_end()

        def found(end: tuple[str | None, int | None]) -> None:
            head = self._end[1] if self._end is not None and self._end[0] is known.report else None
            told(head is not None and end[0] == head and end[1] in {None, known.report.entries})
            if self._context.costs and head not in {None, end[0]}:  # which nothing verifies by itself
                self._search()

        def failed(error: errors.TenantAdminError) -> None:  # while somebody else writes, say
            again = self._verdict.outcome is not None and self._verdict.outcome.outdated == AGAIN
            told(again)

        read = partial(end_of, through=known.through, counts=whole)
        self._context.runner.read(read, on_done=found, on_failed=failed)

    def _read_last(self, done: Callable[[KeptVerdict | None], None]) -> None:
        where, watched, known = (
            self._context.opened.where,
            self._context.opened.database.verified,
            self._watched,
        )

        def read(monitor: progress.Monitor) -> tuple[KeptVerdict | None, tuple[int, int]]:
            from app.services.chain.checkpoints import lost_ends  # noqa: PLC0415 - with what verifies

            verdicts = store_and_verifier()[0].verdicts
            last, version = verdicts.last(where), known
            if watched is not None and (version := verdicts.version_of_ends(where)) != known:
                lost = None if last is None else last.lost_end
                watched.know(lost_ends.ends_to_watch(verdicts.ends(where), lost))
            return last, version

        def told(found: tuple[KeptVerdict | None, tuple[int, int]]) -> None:
            last, self._watched = found
            done(last)

        self._context.runner.job(read, on_done=told, on_failed=lambda error: done(None))

    def _hear_of(self, last: KeptVerdict | None) -> None:
        """Takes what a command has found; where something was found here, which shows more of it, only that
        it does not hold any more, that it has lost its end, or that a lost end was accepted.
        """
        verdict, known = self._verdict, self._verdict.outcome
        before, self._heard = self._heard, last
        if last is None:
            return
        verdict.forget_failure(last)
        worse = known is not None and last.at >= known.at and last.verdict in BROKEN and not verdict.is_broken
        # Later than what was found here, which was kept, too.
        accepted = known is not None and last.at > known.at and last.intact and last.lost_end is None
        accepted = accepted and verdict.lost_end is not None
        if last != verdict.last and (known is None or worse or accepted):
            verdict.hear(last)
            self._count()
            if worse:  # which tells where
                self.check(whole=True)
        elif last != before and last.intact and last.lost_end is not None:
            verdict.lose_end(last.lost_end)

    def _show_last(self, last: KeptVerdict | None) -> None:
        self._verdict.remember(last)
        self._begun = self._context.clock()
        self._timer.start()
        if self._context.opened.imported is None:  # which is being verified already
            self.check()
        if not self._verifies_by_itself:
            self._look_for_end(last)
        if self._context.costs:  # it was about to be, since it was opened
            self._verdict.end_search()
        self._count()

    def _search(self) -> None:
        def search(last: KeptVerdict | None) -> None:
            self._look_for_end(None if last is None else replace(last, lost_end=None))
            self._verdict.end_search()

        self._verdict.begin_search()
        self._read_last(search)

    def _look_for_end(self, last: KeptVerdict | None) -> None:
        """What was cut off, while it was closed or by others, is found before anything is verified."""
        is_looked_for = last is None or not last.intact or last.lost_end is None
        where = self._context.opened.where

        def look(monitor: progress.Monitor) -> Found:
            from app.services.chain.checkpoints import lost_ends  # noqa: PLC0415 - with what verifies

            store = store_and_verifier()[0]
            end = lost_ends.lost_end_of(where, store, last) if is_looked_for else None
            lost, there = lost_ends.lost_own_of(where, store)
            return LostEnd.together([*lost, end]), there

        def found(of: Found) -> None:
            end, there = of
            self._look_for_own(there)
            if end is not None:
                is_new, lock = self._verdict.lose_end(end), self._context.lock
                if (watched := self._context.opened.database.verified) is not None:  # it is told
                    watched.miss(watched.all if end.unnamed else watched.of(end.tenants))
                self._keep_end(self._verdict.lost_end or end, is_lost=True)
                if is_new and lock.needed and not lock.is_locked:  # what was unlocked was another state
                    self._context.outside.went_back.emit(end.ends_at)
            self._verdict.end_search()

        self._verdict.begin_search()
        self._context.runner.job(look, on_done=found, on_failed=lambda error: found((None, [])))

    def _look_for_own(self, there: Sequence[engine.OwnEntry]) -> None:
        """What was made here before this window is looked for as what it makes itself."""
        database = self._context.opened.database
        database.own = {one.tenant: one for one in there} | dict(database.own)

    def _ended(self, outcome: Outcome) -> None:
        if self._job is None:  # stopped too late
            return
        self._job, before = None, self._verdict.outcome
        known = before is not None and before.report.findings == outcome.report.findings
        with self._verdict.ending():
            self._verdict.take(outcome)
        is_told = outcome.is_broken or outcome.report.verdict is Verdict.EARLIER
        if is_told and not known and self._window is not None:  # the same is not said every day
            QApplication.alert(self._window.window())
            self._tell(self._window, outcome.report)

    def _tell(self, window: QWidget, report: Report) -> None:
        """Says on the desktop that the file does not hold, or is an earlier state, where the desktop shows
        such messages.
        """
        what = "in an earlier state" if report.verdict is Verdict.EARLIER else "broken"
        what = "gone" if report.lacks_table else what
        title = f"{self._context.opened.place}: audit chain {what}"
        words = ". ".join(
            [counted(report.found, "finding"), *(found.message for found in report.findings[:1])]
        )
        tell(self._context.runner, window, title, words, urgent=True)

    def _failed(self, error: errors.TenantAdminError) -> None:
        self._job = None
        with self._verdict.ending():
            if isinstance(error, errors.Cancelled):
                return
            self._verdict.fail(str(error), self._context.clock())
            known = self._verdict.outcome
            if not error.is_retriable and known is not None and known.outdated == AGAIN:
                self._verdict.outdate(OTHERS)  # which the next one may find no better

    def _hear(self, change: Change, initiator: object) -> None:
        if AUDIT_CHAIN.name in change.tables and change.bulk:  # retention took entries away
            self._verdict.outdate(RETENTION)
            # What it has written, on a connection of its own, must not outdate what is found now.
            self._context.outside.look(self._check_again)
        newer, through = self._verdict.newer + len(change.events), self._verdict.through
        is_counted = through is not None and through == self._counted_for and not self._asked
        is_told = self._context.costs and not change.bulk and is_counted and self._verdict.lost_end is None
        if through is not None and is_told and newer <= MOST_COUNTED:  # each row that is read costs something
            self._counted(through, newer)
        elif AUDIT_CHAIN.name in change.tables or change.events:
            self._count()

    def _written(self) -> None:
        self._written_times += 1
        self._verdict.outdate_by_others()
        self._count()
        self._look_again_soon()

    @Slot()
    def _look_at_table(self) -> None:
        """A chain whose table is made otherwise is verified at once, and nothing is claimed until then."""
        before, self._table = self._table, self._context.tables.get(AUDIT_CHAIN.name)
        if schema.shape_of_one(before) != schema.shape_of_one(self._table):
            self._verdict.outdate(OTHERS)
            self.check()

    def _look_again_soon(self) -> None:
        if not self._rest.isActive():  # what does not rest is not waited for
            self._rest.start(_REST_MS)

    @Slot()
    def _hear_what_was_kept(self) -> None:
        self._read_last(self._hear_of)

    @Slot(object)
    def _verify_met(self, section: Section) -> None:
        """An entry that was read does not hold: it is verified as if a person had asked for that one."""
        if self._verdict.is_broken or self._verdict.is_asked or self._met is not None:
            return

        def done(outcome: Outcome) -> None:
            self._met = None
            if outcome.is_broken:
                self._verdict.take(outcome)
                self.check(whole=True)

        def failed(error: errors.TenantAdminError) -> None:
            self._met = None

        work = verify(self._context, Asked(section), on_cost=lambda rows: None)
        self._met = self._context.runner.job(work, on_done=done, on_failed=failed)

    @Slot(object)
    def _went_back(self, ends_at: int) -> None:
        self.check()
        before, lately = self._verdict.lost_lately
        if before is None or lately is None or self._job is not None:
            self._keep_what_went()
            return

        def heard(last: KeptVerdict | None) -> None:
            known = self._verdict.known
            is_later = known is not None and last is not None and last.at > known.at and last.intact
            if is_later and last is not None and last.lost_end is None:  # somebody has accepted what was lost
                self._verdict.hear(last)
                self._verdict.lose_end(lately)
            self._keep_what_went()
            self._verdict.end_search()

        self._verdict.begin_search()
        self._read_last(heard)

    def _keep_what_went(self) -> None:
        if self._context.costs:  # others may have gone on from an earlier state
            self._search()
        # Where nothing is verified now, nothing else keeps it until the next start.
        if self._job is None and self._verdict.lost_end is not None:
            self._keep_end(self._verdict.lost_end, is_lost=True)

    def _keep_end(self, lost: LostEnd, *, is_lost: bool) -> None:
        where = self._context.opened.where

        def keep(monitor: progress.Monitor) -> None:
            store_and_verifier()[0].verdicts.keep_end(where, lost, is_lost=is_lost)

        self._context.runner.job(keep, on_done=lambda _: None, on_failed=lambda error: None)

    def _look_where_it_ends(self, lost: LostEnd) -> None:
        """Of a chain that went back: whether it has come forward again, by Time Travel, say."""
        known, head = self._verdict.outcome, lost.head
        if head is None and known is not None and self._end is not None and self._end[0] is known.report:
            head = self._end[1] if known.through == lost.through else None  # of one that found nothing new

        def done(found: tuple[str | None, int]) -> None:
            there, ends_at = found
            now = self._verdict.lost_end
            if now is None or now.through != lost.through:
                return
            if head is not None and there == head:
                self._verdict.came_forward()
                if (watched := self._context.opened.database.verified) is not None:
                    watched.forget()
                    self._watched = 0, 0
                    self._search()
                # Where nothing was verified since, nothing else says so.
                self._context.opened.database.is_earlier = bool(self._verdict.is_earlier)
                self._keep_end(lost, is_lost=False)
                if (others := self._verdict.lost_end) is not None:
                    self._look_where_it_ends(others)
            elif ends_at != now.ends_at:
                self._verdict.lost_end_is_at(ends_at)

        read = partial(_entry_and_last, seq=lost.through, head=head)
        self._context.runner.read(read, on_done=done, on_failed=lambda error: None)

    @Slot(object, str)
    def _count_again(self, saved: bool | None, act: str) -> None:
        self._count()

    def _count(self) -> None:
        through = self._verdict.through
        if self._verdict.lost_end is not None:
            self._look_where_it_ends(self._verdict.lost_end)
        if through is not None:  # where a row costs something, what came since another day is not all read
            self._asked += 1

            def done(newer: int) -> None:
                self._asked -= 1
                self._counted(through, newer)

            def failed(error: errors.TenantAdminError) -> None:
                self._asked -= 1

            most = MOST_COUNTED + 1
            self._context.runner.read(few_behind, through, most, on_done=done, on_failed=failed)

    def _counted(self, through: int, newer: int) -> None:
        was, self._counted_for = self._counted_for, through
        if through == self._verdict.through and (newer != self._verdict.newer or was != through):
            self._verdict.count(newer)

    def _age(self) -> None:
        if self._verdict.known is not None:
            self._say()
        if self._verdict.lost_end is not None:  # which somebody else may have accepted
            self._hear_what_was_kept()

    def _say(self) -> None:
        self.said.emit(*self._words())

    def _words(self) -> tuple[str, str, str, str]:
        verdict, now, utc = self._verdict, self._context.clock(), self._context.settings.utc_times
        if (displaced := self._context.outside.error) is not None:  # what is verified is not what is there
            return Icon.WARNING_FILL, Tone.WARN.value, displaced.heading, str(displaced)
        known = verdict.outcome or verdict.last
        under_way = verdict.is_running or verdict.is_asked
        if verdict.is_gone and not (known is None and under_way):
            tone, head = of_gone(verdict)
            tip = f"{head}: {verdict.lost_end.in_words}" if verdict.lost_end is not None else NOTE
            return Icon.SHIELD_BAD if tone is Tone.BAD else Icon.WARNING_FILL, tone.value, head, tip
        if verdict.is_contradicted and verdict.lost_end is None and not (known is None and under_way):
            head = HEADLINES[Verdict.EARLIER]
            tip = f"{head}: your checkpoints know entries behind its last one"
            return Icon.WARNING_FILL, Tone.WARN.value, head, tip
        if verdict.lost_end is not None and not verdict.is_broken and not (known is None and under_way):
            head = of_lost(verdict, verdict.lost_end)
            tip = f"{head}: {verdict.lost_end.in_words}"
            return Icon.WARNING_FILL, Tone.WARN.value, head, tip
        if known is None:
            if verdict.failure and not under_way:
                return Icon.WARNING_FILL, Tone.WARN.value, COULD_NOT, verdict.failure
            words = "Verifying…" if under_way else "Not verified"
            return Icon.SHIELD_OFF, "dim", words, "Verifying recomputes every hash and follows every link."
        said = known.report if isinstance(known, Outcome) else known
        since = known.asked.since if isinstance(known, Outcome) else known.since
        stands, at = verdict.whole_stands, known.at
        is_signed = isinstance(known, Outcome) and known.checkpoint is not None
        tone, words, icon = WHOLE if stands else headline(said, since, verdict.newer, is_signed=is_signed)
        which = "whole" if since is None else f"from checkpoint {since} on"
        which = which if isinstance(known, Outcome) else known.which
        looked = "verified" if known.intact else "looked at"
        if stands and verdict.whole_at is not None:
            at, looked = verdict.whole_at, f"verified whole, {absolute_time(verdict.whole_at, utc)};"
        tip = f"{words}: {looked} {which}, {absolute_time(known.at, utc)}, by {known.by}"
        outdated = "" if verdict.outcome is None else verdict.outcome.outdated
        stays = outdated in {AGAIN, STANDS} and known.intact
        times = in_two(verdict, now)  # that of the whole says nothing of what was verified behind it
        if stays:
            newer = f" · {how_many(verdict.newer, 'newer', 'newer')}" if verdict.newer else ""
            then = "checked again soon" if outdated == AGAIN else times or ago(at, now)
            tone = Tone.NEUTRAL if outdated == AGAIN and tone is Tone.OK else tone
            words += f" through entry {grouped(known.through)}{newer}, {then}"
        elif known.intact and verdict.newer and (stands or said.entries):
            words += f" through entry {grouped(known.through)} · {how_many(verdict.newer, 'newer', 'newer')}"
            tip += f"; {verdict.not_verified}"
        elif known.intact and not verdict.newer:
            # Of another time, it says nothing yet of what came behind that.
            is_told = verdict.outcome is not None or self._counted_for is not None
            upto = "" if is_told else f" through entry {grouped(known.through)}"
            words += f"{upto}, {times}" if times else f"{' whole' if stands else ''}{upto}, {ago(at, now)}"
        if verdict.outcome is None:
            tip += "; not looked at since"
            tone = Tone.NEUTRAL if known.intact else tone  # as in the banner: green is what was looked at
        elif verdict.outcome.outdated:
            tip += f"; the {self._context.opened.kind} has been changed since"
            if outdated in {OTHERS, AGAIN, STANDS} and known.intact:
                again = "it is verified again by itself" if self._verifies_by_itself else "verify it again"
                same = "The last entry that was verified is as it was. " if outdated == STANDS else ""
                tip += f", by another program. {same}Nothing is known to be wrong with that; {again}"
            if known.intact and not stays:
                icon, tone = Icon.WARNING_FILL, Tone.WARN
                newer = f" · {how_many(verdict.newer, 'newer', 'newer')}" if verdict.newer else ""
                words = f"{CHANGED}{newer}"
        if verdict.failure:
            tip += f". The latest verification could not be done: {verdict.failure}"
            if known.intact and not under_way:
                icon, tone, words = Icon.WARNING_FILL, Tone.WARN, COULD_NOT
        return icon, tone.value, words, tip


def _entry_and_last(database: engine.Database, seq: int, head: str | None) -> tuple[str | None, int]:
    from app.services.chain.checkpoints.gone import entry_and_last_of_chain  # noqa: PLC0415 - seldom

    return entry_and_last_of_chain(database, seq, head)


def _was_known(where: Where, monitor: progress.Monitor) -> bool:
    """Whether entries were ever known of what has no table of them now."""
    from app.services.chain.checkpoints.gone import is_known  # noqa: PLC0415 - few files lack one

    return is_known(where, store_and_verifier()[0])
