"""The verdict over the chains in scope: what was found, what can be done about it, and the run itself."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QPushButton, QWidget

from app.services.chain.checkpoints.signing import OPEN, Way, doors
from app.services.chain.headlines import GONE, NONE
from app.services.chain.reading import entries_behind
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import NO_CHECKPOINT, NOT_ACCEPTED, Report
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN
from app.services.text import counted
from app.ui.session import verdict_words
from app.ui.session.busy import WAIT_LOOK_MS, WAIT_SECONDS
from app.ui.session.context import Context
from app.ui.session.lock import ask_to_read
from app.ui.session.outcome import Asked, Outcome, State, begin, verify
from app.ui.session.outdated import OTHERS, RETENTION
from app.ui.session.verdict import COULD_NOT
from app.ui.tabs.audit import lost_end
from app.ui.tabs.audit.findings import FindingsPanel
from app.ui.theme import Icon, Tone
from app.ui.widgets import formatting
from app.ui.widgets.banner import STOP_WAITING, Banner
from app.ui.widgets.buttons import KEEPS, push_button
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.file_dialogs import ask_new_folder
from app.ui.widgets.labels import in_column
from app.workers.runner import Task
from app.workers.scan_pool import store_and_verifier
from models.errors import Cancelled, MuchToRead, TenantAdminError
from models.progress import Monitor

if TYPE_CHECKING:
    from app.ui.tabs.audit.dialogs import CheckpointsDialog

_MAKING, _NOT_MADE = "making the checkpoint…", "No checkpoint was made, because that was cancelled"


class VerificationPanel(QWidget):
    """A banner, and the `findings` while there are some, which have their place in `parent`. `add_buttons`
    gives the banner its buttons, once.

    `verified(report)` after a verification has ended, `changed()` whenever what is known or what runs has
    changed, `chosen(seq)` when a finding that names an entry of the file is selected, `again_wanted()` when
    the chains should be verified again. `outcome` is what is known, or None.
    """

    verified = Signal(object)
    changed = Signal()
    chosen = Signal(object)
    again_wanted = Signal()
    chain_wanted = Signal()
    _judged = Signal(object, object)
    """What was asked and its report, from the thread that verifies."""
    _priced = Signal(int)
    """About how many rows it reads, from there, too."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._said_known = False
        """Whether the banner says what is known, in words that grow old."""
        self._judged.connect(self._show_verdict)
        self._priced.connect(self._show_cost)
        self._cost = ""
        self._store, _ = store_and_verifier()
        self._part: Outcome | None = None
        """Of a range, or against an export, until other chains are in sight."""
        self._tenant: str | None = None
        self._tenants: dict[str, Outcome] = {}
        """Of the whole chain of a tenant, until all of them are verified."""
        self._newer: dict[str, int] = {}
        """How many entries of a tenant came since."""
        self._whole_at = self._when_whole()
        self._listed: Report | None = None
        self._asked = Asked()
        self._then: Callable[[Outcome], object] = lambda outcome: None
        self._job: Task | None = None
        self._is_due = False
        self._coming: Outcome | None = None
        """What was found, while its checkpoint is made, until that takes its time."""
        self._started = 0.0
        self._waits = QTimer(self, interval=WAIT_LOOK_MS)
        self._waits.timeout.connect(self._say_waiting)
        theme = context.theme
        self.banner = Banner(theme, steady=True)
        self.banner.cancelled.connect(self.cancel)
        self.stop_button = push_button(theme, STOP_WAITING, self._stop_waiting)
        self.stop_button.hide()
        self.findings = FindingsPanel(theme, parent)
        self.findings.chosen.connect(self.chosen)
        self.findings.way_wanted.connect(self._go)
        in_column(self.banner, within=self)

    def list_apart(self) -> None:
        """Lists the findings by themselves again, no longer in the place of an entry."""
        self.findings.set_beside(False)
        self.findings.setVisible(self.findings.count > 0)  # a page that was not in sight had it hidden

    def add_buttons(
        self,
        accept: QPushButton,
        checkpoints: QPushButton,
        report: QPushButton,
        verify: QWidget,
        chain: QPushButton,
    ) -> None:
        """Puts them into the banner; the first and the third only show where there is something to do. The
        `chain` is verified by what is a part of `verify`.
        """
        self.accept_button, self.checkpoints_button, self.report_button = accept, checkpoints, report
        self.banner.add_button(self.stop_button)
        self.banner.add_button(accept, shrinks=True)
        self.banner.add_button(checkpoints, shrinks=True)
        self.banner.add_button(report, shrinks=True)
        self.banner.add_button(verify)
        self.banner.let_shrink(chain)
        for button in (accept, chain):  # by an icon alone nobody knows what they do
            button.setProperty(KEEPS, True)
        # Not before: a verdict may change while the tab is made.
        self._context.verdict.changed.connect(self._verdict_changed)
        self._context.runner.changed.connect(self._hear)
        self._context.outside.displaced.connect(self._displaced)
        self._context.tables_changed.connect(self._verdict_changed)
        self._context.aged.connect(self._age)
        self._whole_at = self._when_whole()
        self._say_known()

    @property
    def outcome(self) -> Outcome | None:
        """What the headline is of, which a range never is where more than that is known."""
        return self._shown or self._context.verdict.outcome or self._part

    @property
    def _shown(self) -> Outcome | None:
        """What the headline is of; None for what is known of all chains, as it is where that is broken."""
        verdict, part = self._context.verdict, self._part
        if verdict.is_broken:
            return None
        if part is not None and part.asked.export is not None:
            return part
        return self._of_tenant or (part if verdict.known is None else None)

    @property
    def _of_tenant(self) -> Outcome | None:
        return None if self._tenant is None else self._tenants.get(self._tenant)

    def state(self, seq: int) -> State:
        """What is known of an entry, by the latest verification that looked at it."""
        latest_first = (self._part, self._of_tenant, self._context.verdict.outcome)
        known = [of.state(seq) for of in latest_first if of is not None]
        looked_at = [state for state in known if state not in (State.UNCHECKED, State.OUTSIDE)]
        if not looked_at and self._context.verdict.held(seq):
            return State.HELD
        return next(iter(looked_at or known), State.UNCHECKED)

    @property
    def is_running(self) -> bool:
        return self._is_due or self._job is not None

    # Why something does not apply, as a sentence; None when it does.

    def refuse_verify(self) -> str | None:
        is_asked = self.is_running or self._context.verdict.is_asked
        running = "A verification is under way." if is_asked else None
        return running or self._lacking

    def refuse_part(self) -> str | None:
        """Of what looks at entries, which a chain that is gone has none of."""
        return self.refuse_verify() or self._context.without(AUDIT_CHAIN.name)

    @property
    def _lacking(self) -> str | None:
        """That there is no chain, where nothing is known that it has lost."""
        verdict = self._context.verdict
        return None if verdict.knew_entries or verdict.was_known else self._context.without(AUDIT_CHAIN.name)

    def refuse_report(self) -> str | None:
        return self.refuse_part() or ("Verify the chain first." if self.outcome is None else None)

    def accept_words(self) -> str:
        return "Accept this start…" if self._context.verdict.lost_end is None else "Accept this end…"

    def refuse_accept(self) -> str | None:
        known, verdict = self.outcome, self._context.verdict
        if verdict.lost_end is not None and not verdict.is_broken:
            return self.refuse_verify()
        if self.is_running or known is None or known.asked.section.is_range:
            return self.refuse_verify() or "Verify the chain first."
        if known.report.undecided:
            return "First say which database this is (Checkpoints…)."
        is_open = doors(known.report)[Way.ACCEPT_STARTS] == OPEN
        return None if is_open else "No start is unproven."

    def start(self, asked: Asked, then: Callable[[Outcome], object] = lambda outcome: None) -> None:
        """Verifies in child processes, with progress, rate and cancel; nothing while another one runs. `then`
        hears what was found, once it is shown.
        """
        if self.is_running:
            return
        self._asked, self._is_due, self._then = asked, True, then
        self.changed.emit()  # first: a button that has the focus hands it on before it is hidden
        self.banner.show_progress(verdict_words.running(asked), 0, 0)
        begin(self._context, self._run)

    def _ask_cost(self, much: MuchToRead) -> None:
        """Goes on as far as a person agrees to; what it has come to need may be more again."""
        self._is_due = True
        self._asked = replace(self._asked, most=much.most)
        hint = (
            "Where something does not hold, others write meanwhile or answers are lost, it may be several "
            "times that. A verification can be limited to a tenant, or to a range of entries."
        )
        asked = ask_to_read(self._context.theme, much, self._run, self, hint=hint)
        asked.rejected.connect(self.cancel)

    def _run(self) -> None:
        if not self._is_due:  # cancelled meanwhile
            return
        self._is_due, self._cost, self._started = False, "", time.monotonic()
        heard = partial(self._judged.emit, self._asked)
        work = verify(self._context, self._asked, on_report=heard, on_cost=self._priced.emit)
        self._job = self._context.runner.job(
            work, on_progress=self._advance, on_done=self._finished, on_failed=self._failed
        )

    def cancel(self) -> None:
        """Ends the run; what was known before stays known."""
        if self._job is not None:
            self._job.cancel()
        elif self._is_due:
            self._is_due = False
            self._failed(Cancelled())

    def show_outcome(self, outcome: Outcome) -> None:
        self._show(outcome)
        if self.banner.is_low and outcome not in (self._shown, self._context.verdict.outcome):
            _, of_part, what, *_ = self._of_part(outcome)  # which stands in the line that does not show
            self._context.say(f"{of_part} {what}".rstrip())
        self.verified.emit(outcome.report)

    def outdate(self) -> None:
        """Claims less: somebody else has written to the file since it was verified."""
        self._outdate_parts(OTHERS)
        self._context.verdict.outdate_by_others()
        self._verdict_changed()

    def _outdate_parts(self, by: str) -> None:
        if self._part is not None:
            self._part = replace(self._part, outdated=self._part.outdated or by)
        self._tenants = {name: replace(of, outdated=of.outdated or by) for name, of in self._tenants.items()}
        self._count()

    def _hear(self, change: Change, initiator: object) -> None:
        if AUDIT_CHAIN.name in change.tables and change.bulk:  # retention took entries away
            self._outdate_parts(RETENTION)
        elif change.events:
            self._count()

    def _count(self) -> None:
        """How many entries came since each chain of a tenant was verified."""
        for tenant, of in self._tenants.items():
            done = partial(self._counted, tenant, of.through)
            self._context.runner.read(
                entries_behind, of.through, tenant, on_done=done, on_failed=lambda error: None
            )

    def _counted(self, tenant: str, through: int, newer: int) -> None:
        known = self._tenants.get(tenant)
        if known is not None and known.through == through and newer != self._newer.get(tenant, 0):
            self._newer[tenant] = newer
            if not self.is_running:
                self._say_known()

    def turn_to(self, tenant: str | None) -> None:
        """Other chains are in sight: nothing is claimed any more of a range. What is known of whole chains
        stays.
        """
        headline = "Verification cancelled" if self._is_due else ""
        self.cancel()
        self._part, self._tenant = None, tenant
        self._say_known(headline)
        self.changed.emit()

    def _go(self, way: Way) -> None:
        """To where a person says what they know."""
        if way in (Way.ACCEPT_STARTS, Way.ACCEPT_END):
            self.ask_accept()
        else:
            self.open_checkpoints().lead_to(way)

    def open_checkpoints(self) -> "CheckpointsDialog":
        from app.ui.tabs.audit.dialogs import CheckpointsDialog  # noqa: PLC0415 - few open it

        dialog = CheckpointsDialog(self._context, self)
        dialog.checked.connect(self.show_outcome)
        dialog.chain_wanted.connect(self.chain_wanted)
        dialog.open_once()
        return dialog

    def export_report(self, out: Path) -> None:
        """Verifies again what is in sight, and writes the evidence bundle of that into the new folder `out`:
        its rows are those of now, and a report of before would say more of them than anybody has seen.
        """
        if self.outcome is None:
            return
        asked = self.outcome.asked
        if asked.since is not None:  # all that was known to hold belongs to it, where that costs nothing
            asked = Asked(new_alone=self._context.costs)
        self.start(asked, partial(self._write_report, out))

    def _write_report(self, out: Path, outcome: Outcome) -> None:
        asked, report, now = outcome.asked, outcome.report, outcome.at
        where = self._context.opened.where

        def work(monitor: Monitor) -> None:
            from app.services.chain.evidence import write_bundle  # noqa: PLC0415 - few write one

            write_bundle(
                where,
                report,
                out,
                section=asked.section,
                checkpoints=self._store.all_checkpoints(where),
                now=now,
                monitor=monitor,
            )

        run = partial(
            self._context.job,
            f"Exporting the report to {out.name}…",
            work,
            on_done=lambda _: self._context.say(f"Report exported to {out.name}", out),
        )
        self._context.when_agreed(report.entries, run, self)

    def _show_cost(self, rows: int) -> None:
        self._cost = f"about {counted(rows, 'row')} are read{self._context.charged(', and charged')}"
        if self._job is not None and not self._job.cancelled:
            self.banner.show_progress(verdict_words.running(self._asked), 0, 0, self._cost)

    def _advance(self, done: int, total: int) -> None:
        if self._job is not None and not self._job.cancelled:
            rate = formatting.rate(done, time.monotonic() - self._started, "entries")
            detail = f"{done:,} of {counted(total, 'entry', 'entries')} · {rate}"
            detail = " · ".join(filter(None, [detail, self._cost]))
            self.banner.show_progress(verdict_words.running(self._asked), done, total, detail)

    def _show(self, outcome: Outcome) -> None:
        section = outcome.asked.section
        of_tenant = section.tenant if outcome.asked.export is None and not section.is_range else None
        self._part = None if outcome.asked.is_whole or of_tenant is not None else outcome
        self._context.verdict.take(outcome)
        if of_tenant is not None:
            self._tenants[of_tenant] = outcome
            self._newer.pop(of_tenant, None)
        self._say_known()
        self.changed.emit()

    def _when_whole(self) -> tuple[Report, int] | None:
        """Which verification of all chains is known: the same still when it is out of date."""
        known = self._context.verdict.outcome
        return None if known is None else (known.report, known.at)

    def _verdict_changed(self) -> None:
        if self._whole_at != self._when_whole():
            self._whole_at, self._part = self._when_whole(), None
            self._tenants.clear()
            self._newer.clear()
        if not self.is_running:
            self._say_known()
            self.changed.emit()

    def _age(self) -> None:
        if self._context.verdict.known is not None and self._said_known and not self.is_running:
            self._say_known()

    def _say_known(self, headline: str = "") -> None:
        """What a part says stands on a line of its own below what is known of more, never in its place."""
        verdict, shown, part = self._context.verdict, self._shown, self._part or self._of_tenant
        lacking = self._lacking
        if lacking is not None and AUDIT_CHAIN.name in self._context.gone:
            self._say(Tone.WARN, GONE, detail=lacking, icon=Icon.WARNING_FILL)
            return
        if lacking is not None:
            self._say(Tone.NEUTRAL, NONE, detail=lacking, icon=Icon.SHIELD_OFF)
            return
        now, utc = self._context.clock(), self._context.settings.utc_times
        of_more = (
            verdict_words.of_all(verdict, now, utc, self._tenant) if shown is None else self._of_part(shown)
        )
        tone, head, rest, detail, icon = of_more
        if shown is None and verdict.known is None:
            head = headline or head
        news = ""
        if part not in (None, shown, verdict.outcome):
            _, of_part, what, *_ = self._of_part(part)
            news = f"Since then: {of_part} {what}".rstrip()
            detail = f"{news}\n{detail}"
        self._say(tone, head, rest, detail, icon=icon, news=news)
        self._said_known = not headline
        report = None if self.outcome is None else self.outcome.report
        if report is not self._listed:
            self._listed = report
            by_export = self.outcome is not None and self.outcome.asked.export is not None
            self.findings.show_findings(report, has_ways=not by_export)

    def _of_part(self, part: Outcome) -> verdict_words.Words:
        section, utc = part.asked.section, self._context.settings.utc_times
        newer = 0 if section.tenant is None or section.is_range else self._newer.get(section.tenant, 0)
        return verdict_words.of_part(part, newer, utc)

    def _show_verdict(self, asked: Asked, report: Report) -> None:
        """Says the verdict while the checkpoint is still to be made: a keyring may keep it waiting."""
        if asked is self._asked and self._job is not None and not self._job.cancelled:
            at, by = self._context.clock(), self._context.settings.actor
            self._coming = Outcome(asked, report, why_not=_MAKING, at=at, by=by)
            if report.verdict is not Verdict.CONSISTENT:  # that has another word with a checkpoint
                self._show_coming()
            self._waits.start()

    def _show_coming(self) -> None:
        coming, self._coming = self._coming, None
        if coming is not None:
            self._show(coming)

    def _say_waiting(self) -> None:
        """For what the checkpoint waits, with a button that ends that wait: here, where one looks, if there
        is room to say it.
        """
        self._show_coming()
        waiting, known = None if self._job is None else self._job.waiting, self._context.verdict.outcome
        has_room = self.isVisible() and not self.banner.is_low
        self.stop_button.setVisible(has_room and waiting is not None and not waiting.cancelled)
        if waiting is None or known is None:
            return
        waiting.is_said = has_room
        seconds = time.monotonic() - waiting.since
        what = f"{NO_CHECKPOINT}: {verdict_words.inside(waiting.what)}, {seconds:.0f} s…"
        if known.why_not != what and seconds >= WAIT_SECONDS:
            self._context.verdict.say_unsigned(what)
            self._say_known()

    def _stop_waiting(self) -> None:
        if self._job is not None and self._job.waiting is not None:
            self._job.waiting.cancelled = True
            self.stop_button.hide()

    def _end(self) -> Task | None:
        job, self._job = self._job, None
        self._coming = None
        self._waits.stop()
        self.stop_button.hide()
        return job

    def _finished(self, outcome: Outcome) -> None:
        job = self._end()
        if job is not None and job.cancelled:  # too late to stop, but it may be of what is not in sight now
            self._failed(Cancelled())
        else:
            with self._context.verdict.ending(asked=True):
                self.show_outcome(outcome)
            self._context.verdict.may_be_another.emit()  # what was kept, the ends of tenants among it
            self._then(outcome)

    def _failed(self, error: TenantAdminError) -> None:
        job = self._end()
        if isinstance(error, MuchToRead) and job is not None and not job.cancelled:
            self._ask_cost(error)
            return
        with self._context.verdict.ending(asked=True):
            if not isinstance(error, Cancelled) and self._context.outside.error is None:  # else that is said
                self._context.verdict.fail(str(error), self._context.clock())
        known = self._context.verdict.outcome
        if not isinstance(error, Cancelled):
            self._say(Tone.WARN, COULD_NOT, detail=str(error))  # which tells nothing of the chain
        elif known is not None and known.asked is self._asked:  # only its checkpoint was still to be made
            self._context.verdict.say_unsigned(_NOT_MADE)
            self._say_known()
        else:
            self._say_known("Verification cancelled")
        self.changed.emit()

    def _displaced(self, error: TenantAdminError | None) -> None:
        """Says what is known again when the file is back, whose absence a run may have failed by."""
        if error is None and not self.is_running:
            self._say_known()

    def _say(self, tone: Tone, headline: str, *said: str, **more: str) -> None:
        self._said_known = False
        self.banner.show_verdict(tone, headline, *said, **more)
        self.report_button.setVisible(self.outcome is not None)
        self.accept_button.setVisible(self.refuse_accept() is None)

    def ask_report(self) -> None:
        start = self._context.opened.folder / f"{self._context.opened.stem}.evidence"
        folder = ask_new_folder(self._context.theme, self, "Export report to a new folder", start)
        if folder is not None:
            self.export_report(folder)

    def ask_accept(self) -> None:
        """Asks, and keeps the unproven starts as a baseline; or accepts that the end was lost."""
        lost = self._context.verdict.lost_end
        if lost is not None:
            asked = Asked(new_alone=self._context.costs, accepts_end=lost)
            lost_end.ask(self._context, lost, partial(self.start, asked, self._say_not_accepted), self)
            return
        if self.outcome is None:
            return
        report = self.outcome.report
        starts = [tenant for tenant in report.tenants if tenant.verdict is Verdict.UNPROVEN_START]
        ConfirmDialog(
            self._context.theme,
            "Accept this start?",
            "Nothing in the database proves what came before these entries; the platform's own cleanup "
            "leaves chains like this. By accepting it you say that they are the right ones. It is kept with "
            "your checkpoints, with your name, and later verifications say so.",
            action="Accept",
            items=[f"{tenant.tenant}: from entry {tenant.first_seq:,}" for tenant in starts],
            danger=False,
            parent=self,
        ).open_once(partial(self._accept, report))

    def _say_not_accepted(self, outcome: Outcome) -> None:
        """Where the verification behind the question found more to be gone, or that could not be kept."""
        if said := next((note for note in outcome.report.notes if note.startswith(NOT_ACCEPTED)), None):
            self._context.say(said)

    def _accept(self, report: Report) -> None:
        where, now = self._context.opened.where, self._context.clock()
        actor = self._context.settings.actor
        self._context.job(
            "Accepting…",
            lambda monitor: self._store.accept_starts(where, report, actor=actor, now=now),
            on_done=lambda _: self.again_wanted.emit(),
            can_cancel=False,
        )
