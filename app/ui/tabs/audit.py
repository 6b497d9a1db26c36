"""A tenant's audit chain, and whether it holds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFileDialog, QWidget

from app import paths
from app.itemmodels.columns import Column
from app.itemmodels.roles import Tone
from app.services import audit
from app.services.audit import AuditDetail
from app.services.errors import Cancelled, TenantAdminError
from app.services.list_query import ListQuery, Value
from app.services.scope import Scope
from app.services.verification.codes import Verdict
from app.services.verification.report import Report
from app.ui import formatting
from app.ui.actions import ActionSpec
from app.ui.context import Context
from app.ui.icons import Icon
from app.ui.tabs import cells, verdicts
from app.ui.tabs.findings import FindingsPanel
from app.ui.tabs.record_tab import RecordTab, TabSpec
from app.ui.theme import Kind
from app.ui.widgets.banner import Banner
from app.ui.widgets.buttons import push_button
from app.ui.widgets.confirm_dialog import ConfirmDialog
from app.ui.widgets.date_range import DateRange, Span
from app.ui.widgets.field_list import Field, FieldList
from app.ui.widgets.filter_row import Pick
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.status_chip import StatusChip
from app.ui.widgets.timeline import Timeline
from app.workers import witnessing
from app.workers.jobs import Job, Progress, Stop
from app.workers.task_runner import Task
from app.workers.witnessing import Witnessed

_JSON_HEIGHT = 130
_ROOM, _ROOM_WITH_FINDINGS = 480, 640

if TYPE_CHECKING:
    from app.ui.dialogs.checkpoints import CheckpointsDialog


class AuditTab(RecordTab):
    """The chain's entries, filters, the payload of one, and the verdict over all.

    `verified(report)` after a verification has ended.
    """

    verified = Signal(object)

    spec = TabSpec(
        table="audit_chain",
        title="Audit chain",
        icon=Icon.AUDIT,
        hint="Filter payload…",
        noun=("entry", "entries"),
        empty=("No entries yet", "Every administrative act is recorded here."),
        picks=(Pick("event_type", "Event type", "Any event type"),),
        dates=True,
    )

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        self._report: Report | None = None
        self._broken: frozenset[int] = frozenset()
        self._verified_to = 0
        self._job: Job | None = None
        self._timeline_task: Task | None = None
        self._started = 0.0
        super().__init__(context, parent)

    def columns(self) -> Sequence[Column]:
        context = self.context
        return (
            cells.number("seq", "Seq"),
            Column(
                "created_at",
                "Time",
                text=lambda value, row: formatting.table_time(value, context.settings.utc_times),
                tooltip=lambda value, row: cells.moment(context, value),
            ),
            cells.text("tenant_id", "Tenant"),
            cells.text("event_type", "Event"),
            cells.identifier("hash", "Hash"),
            Column(
                "previous_hash",
                "Link",
                text=lambda value, row: self._link_state(row[0])[0],
                icon=lambda value, row: self._link_state(row[0])[1],
                tone=lambda value, row: self._link_state(row[0])[2],
                tooltip=lambda value, row: self._link_state(row[0])[3],
                sortable=False,
                dim=True,
            ),
        )

    def top_widgets(self) -> Sequence[QWidget]:
        theme = self.context.theme
        self.banner = Banner(theme)
        self.verify_button = push_button(theme, "Verify chain", kind=Kind.PRIMARY, icon=Icon.VERIFY)
        self.verify_button.clicked.connect(self.verify)
        self.adopt_button = push_button(theme, "Adopt this start…", icon=Icon.ANCHOR)
        self.adopt_button.clicked.connect(self._ask_adopt)
        self.checkpoints_button = push_button(theme, "Checkpoints…", icon=Icon.ANCHOR)
        self.checkpoints_button.clicked.connect(self.open_checkpoints)
        self.report_button = push_button(theme, "Export report…", icon=Icon.EXPORT)
        self.report_button.clicked.connect(self._ask_report)
        for button in (self.adopt_button, self.checkpoints_button, self.report_button, self.verify_button):
            self.banner.add_button(button)
        self.banner.cancelled.connect(self._cancel)
        self.findings = FindingsPanel(theme)
        self.findings.chosen.connect(self.show_record)
        self._say_unverified()
        return (self.banner, self.findings)

    def below_filters(self) -> Sequence[QWidget]:
        self.timeline = Timeline(self.context.theme)
        self.timeline.picked.connect(self._pick_days)
        return (self.timeline,)

    def read_beside(self, query: ListQuery) -> None:
        if self._timeline_task is not None:
            self._timeline_task.cancel()
        lists, offset = self.context.lists, self._utc_offset()
        self._timeline_task = self.context.tasks.read(
            lambda database: lists.per_day(database, query, offset),
            on_done=self.timeline.set_days,
            on_failed=lambda error: self.timeline.set_days(()),
        )

    def _utc_offset(self) -> int:
        if self.context.settings.utc_times:
            return 0
        offset = datetime.fromtimestamp(self.context.clock()).astimezone().utcoffset()
        return int(offset.total_seconds()) if offset else 0

    def _pick_days(self, first: date, last: date) -> None:
        values = self.filters.values()
        self.filters.set_values(replace(values, dates=DateRange(Span.CUSTOM, first, last)))

    def build_inspector(self) -> None:
        theme = self.context.theme
        self._payload = JsonView(theme)
        self._payload.setMinimumHeight(_JSON_HEIGHT)
        self.inspector.add_widget(self._payload, 1)
        self._fields = FieldList(theme)
        self.inspector.add_widget(self._fields)

    def load(self) -> Callable[..., Any]:
        return audit.get

    def show_details(self, record: AuditDetail) -> None:
        theme, entry, judged = self.context.theme, record.entry, record.inspection
        self.inspector.set_header(
            entry.event_type,
            f"entry {entry.seq:,} · {entry.tenant_id} · {self._moment(entry.created_at)}",
            [
                StatusChip(theme, *verdicts.hash_chip(judged.hash_ok)),
                StatusChip(theme, *verdicts.link_chip(judged.link)),
            ],
        )
        self._payload.set_json(entry.payload)
        self._fields.set_fields(
            [
                Field(
                    "Previous",
                    formatting.shortened(entry.previous_hash, 12, 12),
                    True,
                    copy=entry.previous_hash,
                ),
                Field("Hash", formatting.shortened(entry.hash, 12, 12), True, copy=entry.hash),
                Field(
                    "Recomputed",
                    formatting.shortened(judged.recomputed, 12, 12),
                    True,
                    Tone.NEUTRAL if judged.hash_ok else Tone.BAD,
                    copy=judged.recomputed,
                ),
                Field("Link", verdicts.link_sentence(judged), can_copy=False),
                *(Field("Problem", problem, tone=Tone.BAD) for problem in judged.problems[:1]),
            ]
        )

    def _moment(self, at: Any) -> str:
        utc = self.context.settings.utc_times
        return f"{formatting.long_time(at, utc)}{' UTC' if utc else ''}" if isinstance(at, int) else str(at)

    def add_acts(self) -> None:
        self.commands.add(
            ActionSpec("verify", "Verify chain", Icon.VERIFY, self.verify, self._refuse_verify, "Ctrl+Return")
        )

    def choice_label(self, column: str, value: Value) -> str:
        return str(value)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._share_room()

    def _share_room(self) -> None:
        """The table comes first where the window is low."""
        needed = _ROOM if self.findings.isHidden() else _ROOM_WITH_FINDINGS
        self.timeline.set_room(self.height() >= needed)

    def set_scope(self, scope: Scope) -> None:
        if scope != self.scope:
            self._cancel()
            self._forget_report()
        super().set_scope(scope)

    def stop(self) -> None:
        self._cancel()
        super().stop()

    def verify(self) -> None:
        """Verifies the chains in scope in child processes, with progress, rate and cancel."""
        if self._refuse_verify() is not None:
            return
        path, tenant, now = self.context.opened.path, self.scope.tenant_id, self.context.clock()

        folder = paths.checkpoints_dir()

        def work(progress: Progress, cancelled: Stop) -> Witnessed:
            if tenant is None:  # only of a whole file can a checkpoint be made
                return witnessing.witness(
                    path, folder, now=now, reason="verify", progress=progress, cancelled=cancelled
                )
            report = witnessing.verify(
                path, folder, now=now, tenant=tenant, progress=progress, cancelled=cancelled
            )
            return Witnessed(report, None)

        self._started = time.monotonic()
        self.banner.show_progress("Verifying…", 0, 0)
        self._job = self.context.jobs.start(
            work, on_progress=self._show_progress, on_done=self._show_witnessed, on_failed=self._not_verified
        )
        self.commands.update()

    def _refuse_verify(self) -> str | None:
        return "A verification is under way." if self._job is not None else None

    def _cancel(self) -> None:
        if self._job is not None:
            self._job.cancel()

    def _show_progress(self, done: int, total: int) -> None:
        if self._job is None:
            return
        rate = formatting.rate(done, time.monotonic() - self._started)
        self.banner.show_progress("Verifying…", done, total, f"{done:,} of {total:,} entries · {rate}")

    def open_checkpoints(self) -> "CheckpointsDialog":
        """Opens the list of checkpoints of this file."""
        from app.ui.dialogs.checkpoints import CheckpointsDialog  # noqa: PLC0415 - brings cryptography

        dialog = CheckpointsDialog(self.context, self)
        dialog.checked.connect(self.show_report)
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        return dialog

    def _ask_report(self) -> None:
        name, _ = QFileDialog.getSaveFileName(
            self, "Export report to a new folder", f"{self.context.opened.path.stem}.evidence"
        )
        if name:
            self.export_report(Path(name))

    def export_report(self, out: Path) -> None:
        """Writes the evidence bundle of the verification in sight into the new folder `out`."""
        report = self._report
        if report is None:
            return
        path, folder, now = self.context.opened.path, paths.checkpoints_dir(), self.context.clock()
        tenant = self.scope.tenant_id
        self.context.busy.run(
            f"Exporting the report to {out.name}…",
            lambda progress, cancelled: witnessing.export_report(
                path, folder, report, out, now=now, tenant=tenant, cancelled=cancelled
            ),
            on_done=lambda _: self.exporter.said.emit(f"Report exported to {out.name}"),
            on_failed=self.context.tasks.failed.emit,
        )

    def _ask_adopt(self) -> None:
        report = self._report
        if report is None:
            return
        starts = [tenant for tenant in report.tenants if tenant.verdict is Verdict.UNPROVEN_START]
        dialog = ConfirmDialog(
            self.context.theme,
            "Adopt this start?",
            "Nothing in the file proves what came before these entries; the platform's own cleanup leaves "
            "chains like this. By adopting you vouch that they are the right ones. It is kept with your "
            "checkpoints, with your name, and later verifications say so.",
            action="Adopt",
            items=[f"{tenant.tenant}: from entry {tenant.first_seq:,}" for tenant in starts],
            danger=False,
            parent=self,
        )
        dialog.accepted.connect(lambda: self._adopt(report))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()

    def _adopt(self, report: Report) -> None:
        path, folder, now = self.context.opened.path, paths.checkpoints_dir(), self.context.clock()
        actor = self.context.settings.actor
        self.context.busy.run(
            "Adopting…",
            lambda progress, cancelled: witnessing.adopt(path, folder, report, actor=actor, now=now),
            on_done=lambda _: self.verify(),
            on_failed=self.context.tasks.failed.emit,
            can_cancel=False,
        )

    def _show_witnessed(self, found: Witnessed) -> None:
        self._job = None
        self.show_report(found.report, found.checkpoint)

    def show_report(self, report: Report, checkpoint: int | None = None) -> None:
        """Shows a verification's outcome, and the checkpoint that was made of it."""
        self._report = report
        self._broken = frozenset(
            finding.seq for finding in report.findings if finding.seq is not None and finding.is_error
        )
        self._verified_to = max((tenant.last_seq or 0 for tenant in report.tenants), default=0)
        self._say(*verdicts.banner(report, checkpoint))
        self.findings.show_findings(report)
        self._share_room()
        self.model.repaint()
        self.commands.update()
        self.verified.emit(report)

    def _not_verified(self, error: TenantAdminError) -> None:
        self._job = None
        self.commands.update()
        if isinstance(error, Cancelled):
            if self._report is None:
                self._say_unverified("Verification cancelled")
            else:
                self._say(*verdicts.banner(self._report))
        else:
            self._say(Tone.BAD, "Could not verify", detail=str(error))

    def _forget_report(self) -> None:
        self._report = None
        self._broken, self._verified_to = frozenset(), 0
        self.findings.clear()
        self._share_room()
        self._say_unverified()
        self.model.repaint()

    def _say(
        self, tone: Tone, headline: str, rest: str = "", detail: str = "", icon: str | None = None
    ) -> None:
        self.banner.show_verdict(tone, headline, rest, detail, icon)
        report = self._report
        self.report_button.setVisible(report is not None)
        self.adopt_button.setVisible(report is not None and report.verdict is Verdict.UNPROVEN_START)

    def _say_unverified(self, headline: str = "Not verified yet") -> None:
        self._say(
            Tone.NEUTRAL,
            headline,
            detail="Verifying recomputes every hash and follows every link, from first to last.",
            icon=Icon.SHIELD_OFF,
        )

    def _link_state(self, seq: Any) -> tuple[str, str | None, Tone | None, str]:
        if self._report is None or not isinstance(seq, int) or seq > self._verified_to:
            return "not checked", None, None, "Verify the chain to check this entry."
        if seq in self._broken:
            return "broken", Icon.LINK_BROKEN, Tone.BAD, "The verification found something wrong here."
        if self._report.verdict is Verdict.UNREADABLE:
            return "not checked", None, None, "The file could not be read whole."
        return "linked", Icon.LINK, Tone.OK, "Hash and link hold."
