"""The verdict over the chains in scope: what was found, what can be done about it, and the run itself."""

import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app import paths
from app.itemmodels.columns import Tone
from app.services.chain.checkpoints.making import accept_starts, write_evidence
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Finding, Report
from app.ui.shell.context import Context
from app.ui.tabs.audit import verdicts
from app.ui.tabs.audit.outcome import Asked, Outcome, run
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.banner import Banner
from app.ui.widgets.buttons import SplitButton, push_button
from app.ui.widgets.dialogs import ConfirmDialog, ask_save
from app.ui.widgets.fields import Cell, StaticColumn, StaticTable
from app.ui.widgets.formatting import counted
from app.ui.widgets.labels import Label, Look
from app.workers.runner import Task
from models.errors import Cancelled, TenantAdminError

_COLUMNS = (
    StaticColumn("Finding"),
    StaticColumn("Entry", number=True),
    StaticColumn("Tenant"),
    StaticColumn("What"),
)


class FindingsPanel(QFrame):
    """Hidden while there are none. `chosen(seq)` when a finding that names an entry is selected."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._findings: tuple[Finding, ...] = ()
        self._archived: frozenset[Finding] = frozenset()
        self.table: StaticTable | None = None
        self._more = Label(look=Look.DIM)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addWidget(self._more)
        self.hide()

    def show_findings(self, report: Report) -> None:
        """Lists them and goes to the first."""
        self.clear()
        self._findings = report.findings
        self._archived = _archived(report)
        if not report.findings:
            return
        table = StaticTable(
            self._theme,
            "Findings",
            _COLUMNS,
            [_row(finding, archived=finding in self._archived) for finding in report.findings],
            most=4,
            wide=3,
        )
        table.selection_changed.connect(self._choose)
        self._column.insertWidget(0, table)
        self.table = table
        hidden = report.found - len(report.findings)
        self._more.setText(f"and {counted(hidden, 'more finding')}")
        self._more.setVisible(hidden > 0)
        self.show()
        table.select_row(0)

    def clear(self) -> None:
        self._findings = ()
        if self.table is not None:
            self._column.removeWidget(self.table)
            self.table.hide()
            self.table.deleteLater()
            self.table = None
        self.hide()

    def _choose(self) -> None:
        if self.table is None or not self.table.currentIndex().isValid():
            return
        finding = self._findings[self.table.source_row(self.table.currentIndex().row())]
        if finding.seq is not None and finding not in self._archived:
            self.chosen.emit(finding.seq)


def _archived(report: Report) -> frozenset[Finding]:
    """The findings on entries that lie before all that the file has of their tenant."""
    starts = {tenant.tenant: tenant.first_seq for tenant in report.tenants}
    return frozenset(
        finding
        for finding in report.findings
        if finding.seq is not None
        and (start := starts.get(finding.tenant or "")) is not None
        and finding.seq < start
    )


def _row(finding: Finding, *, archived: bool) -> tuple[Cell, ...]:
    return (
        Cell(
            str(finding.code),
            tone=Tone.BAD if finding.is_error else Tone.WARN,
            icon=Icon.BAD if finding.is_error else Icon.WARNING,
        ),
        Cell(
            "" if finding.seq is None else f"{finding.seq:,}",
            order=finding.seq or 0,
            icon=Icon.ARCHIVE if archived else None,
            tip="This entry is no longer in the file." if archived else None,
        ),
        Cell(finding.tenant or ""),
        Cell(finding.message, tip=_in_full(finding)),
    )


def _in_full(finding: Finding) -> str:
    """The sentence, which a narrow window shortens, and what was looked for."""
    lines = [finding.message]
    if finding.expected is not None:
        lines.append(f"Expected: {finding.expected}")
    if finding.actual is not None:
        lines.append(f"Found: {finding.actual}")
    return "\n".join(lines)


if TYPE_CHECKING:
    from app.ui.tabs.audit.checkpoints import CheckpointsDialog


class VerificationPanel(QWidget):
    """`VerificationPanel(context, parent=None)`: a banner, and the findings while there are some.

    `verified(report)` after a verification has ended, `changed()` whenever what is known or what runs has
    changed, `chosen(seq)` when a finding that names an entry of the file is selected, `again_wanted()` when
    the chains should be verified again, `said(text)` for a toast. `outcome` is what is known, or None.
    """

    verified = Signal(object)
    changed = Signal()
    chosen = Signal(object)
    again_wanted = Signal()
    said = Signal(str)

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._context = context
        self._store = CheckpointStore(paths.checkpoints_dir())
        self.outcome: Outcome | None = None
        self._asked = Asked()
        self._job: Task | None = None
        self._started = 0.0
        theme = context.theme
        self.banner = Banner(theme)
        self.adopt_button = push_button(theme, "Adopt this start…", icon=Icon.CHECK)
        self.checkpoints_button = push_button(theme, "Checkpoints…", icon=Icon.ANCHOR)
        self.report_button = push_button(theme, "Export report…", icon=Icon.EXPORT)
        self.verify = SplitButton(theme, "Verify chain", "Other ways to verify", icon=Icon.VERIFY)
        self.adopt_button.clicked.connect(self._ask_adopt)
        self.checkpoints_button.clicked.connect(self.open_checkpoints)
        self.report_button.clicked.connect(self._ask_report)
        self.banner.add_button(self.adopt_button)
        self.banner.add_button(self.checkpoints_button, shrinks=True)
        self.banner.add_button(self.report_button, shrinks=True)
        self.banner.add_button(self.verify)
        self.banner.cancelled.connect(self.cancel)
        self.findings = FindingsPanel(theme)
        self.findings.chosen.connect(self.chosen)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        self._column = column
        column.addWidget(self.banner)
        column.addWidget(self.findings)
        self._say_unverified()

    def set_spacing(self, spacing: int) -> None:
        """The room between banner and findings, in pixels."""
        self._column.setSpacing(spacing)

    @property
    def is_running(self) -> bool:
        return self._job is not None

    def start(self, asked: Asked) -> None:
        """Verifies in child processes, with progress, rate and cancel; nothing while another one runs."""
        if self.is_running:
            return
        path, now = self._context.opened.path, self._context.clock()
        self._asked, self._started = asked, time.monotonic()
        self.banner.show_progress(verdicts.running(asked), 0, 0)
        self._job = self._context.runner.job(
            lambda progress, cancelled: run(
                asked, path, self._store, now=now, progress=progress, cancelled=cancelled
            ),
            on_progress=self._advance,
            on_done=self._finished,
            on_failed=self._failed,
        )
        self.changed.emit()

    def cancel(self) -> None:
        """Ends the run; what was known before stays known."""
        if self._job is not None:
            self._job.cancel()

    def show_outcome(self, outcome: Outcome) -> None:
        """Says what a verification has found."""
        self.outcome = outcome
        self._say(*verdicts.banner(outcome))
        self.findings.show_findings(outcome.report)
        self.changed.emit()
        self.verified.emit(outcome.report)

    def outdate(self) -> None:
        """Claims less: somebody else has written to the file since it was verified."""
        known = self.outcome
        if known is None or known.outdated:
            return
        self.outcome = replace(known, outdated=True)
        if not self.is_running:
            self._say(*verdicts.banner(self.outcome))
        self.changed.emit()

    def forget(self) -> None:
        """Claims nothing any more: other chains are in sight."""
        self.cancel()
        self.outcome = None
        self.findings.clear()
        self._say_unverified()
        self.changed.emit()

    def open_checkpoints(self) -> "CheckpointsDialog":
        """Opens the list of checkpoints of this file."""
        from app.ui.tabs.audit.checkpoints import CheckpointsDialog  # noqa: PLC0415 - few open it

        dialog = CheckpointsDialog(self._context, self)
        dialog.checked.connect(
            lambda report, checkpoint: self.show_outcome(Outcome(Asked(), report, checkpoint))
        )
        dialog.open_once()
        return dialog

    def export_report(self, out: Path) -> None:
        """Writes the evidence bundle of the verification in sight into the new folder `out`."""
        if self.outcome is None:
            return
        asked, report = self.outcome.asked, self.outcome.report
        path, now = self._context.opened.path, self._context.clock()
        self._context.busy.run(
            f"Exporting the report to {out.name}…",
            lambda progress, cancelled: write_evidence(
                path,
                self._store,
                report,
                out,
                now=now,
                tenant=asked.tenant,
                seq_from=asked.first,
                seq_to=asked.last,
                cancelled=cancelled,
            ),
            on_done=lambda _: self.said.emit(f"Report exported to {out.name}"),
            on_failed=self._context.runner.failed.emit,
        )

    def _advance(self, done: int, total: int) -> None:
        if self._job is not None and not self._job.cancelled:
            rate = formatting.rate(done, time.monotonic() - self._started)
            detail = f"{done:,} of {total:,} entries · {rate}"
            self.banner.show_progress(verdicts.running(self._asked), done, total, detail)

    def _finished(self, outcome: Outcome) -> None:
        job, self._job = self._job, None
        if job is not None and job.cancelled:  # too late to stop, but it may be of what is not in sight now
            self._failed(Cancelled())
        else:
            self.show_outcome(outcome)

    def _failed(self, error: TenantAdminError) -> None:
        self._job = None
        if not isinstance(error, Cancelled):
            self._say(Tone.BAD, "Could not verify", detail=str(error))
        elif self.outcome is None:
            self._say_unverified("Verification cancelled")
        else:
            self._say(*verdicts.banner(self.outcome))
        self.changed.emit()

    def _say(
        self, tone: Tone, headline: str, rest: str = "", detail: str = "", icon: str | None = None
    ) -> None:
        self.banner.show_verdict(tone, headline, rest, detail, icon)
        known = self.outcome
        whole = known is not None and known.asked.ends is None
        unproven = (
            known is not None
            and known.report.verdict is Verdict.UNPROVEN_START
            and bool(known.report.tenants)  # of an emptied file there is nothing to adopt
        )
        self.report_button.setVisible(known is not None)
        self.adopt_button.setVisible(whole and unproven)

    def _say_unverified(self, headline: str = "Not verified yet") -> None:
        self._say(
            Tone.NEUTRAL,
            headline,
            detail="Verifying recomputes every hash and follows every link, from first to last.",
            icon=Icon.SHIELD_OFF,
        )

    def _ask_report(self) -> None:
        start = str(self._context.opened.path.with_suffix(".evidence"))
        chosen = ask_save(self, "Export report to a new folder", start, replace=False)
        if chosen is not None:
            self.export_report(chosen[0])

    def _ask_adopt(self) -> None:
        if self.outcome is None:
            return
        report = self.outcome.report
        starts = [tenant for tenant in report.tenants if tenant.verdict is Verdict.UNPROVEN_START]
        dialog = ConfirmDialog(
            self._context.theme,
            "Adopt this start?",
            "Nothing in the file proves what came before these entries; the platform's own cleanup leaves "
            "chains like this. By adopting it you say that they are the right ones. It is kept with your "
            "checkpoints, with your name, and later verifications say so.",
            action="Adopt",
            items=[f"{tenant.tenant}: from entry {tenant.first_seq:,}" for tenant in starts],
            danger=False,
            parent=self,
        )
        dialog.accepted.connect(partial(self._adopt, report))
        dialog.open_once()

    def _adopt(self, report: Report) -> None:
        path, now = self._context.opened.path, self._context.clock()
        actor = self._context.settings.actor
        self._context.busy.run(
            "Adopting…",
            lambda progress, cancelled: accept_starts(path, self._store, report, actor=actor, now=now),
            on_done=lambda _: self.again_wanted.emit(),
            on_failed=self._context.runner.failed.emit,
            can_cancel=False,
        )
