"""Data retention of the open file: its schedule in the status bar, its preview and its confirmation."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import paths
from app.ui.shell.context import Context
from app.ui.widgets.formatting import counted, percent, relative_time
from app.workers.retention_worker import Proposal, RetentionSettings, RetentionWorker
from models.errors import TenantAdminError

if TYPE_CHECKING:  # the services and the dialog are loaded when retention is asked for or runs
    from app.services.chain.checkpoints.document import Reason
    from app.services.chain.checkpoints.making import Attempt
    from app.services.retention.result import Result
    from app.ui.dialogs.retention import RetentionDialog


class RetentionControl(QObject):
    """Runs retention daily once the person has seen the preview and said yes, and on demand.

    A daily run that meets a clock in doubt waits, without a dialog, until this one has been asked for.
    `status(text)` is for the status bar, `removed(Result)` after a run that changed the file.
    """

    status = Signal(str)
    removed = Signal(object)

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._last: Result | None = None
        self._schedule: tuple[int | None, int | None] = (None, None)
        self._asking = False
        self._no_checkpoint: str | None = None
        settings, path = context.settings, context.opened.path
        self.worker = RetentionWorker(
            context.opened.database,
            RetentionSettings(
                enabled=lambda: settings.retention_enabled.get(path) is True,
                days=lambda: settings.retention_days,
                actor=lambda: settings.actor,
                last_run=lambda: settings.retention_last_run.get(path),
                set_last_run=partial(settings.retention_last_run.set, path),
                archive=lambda: settings.retention_archive.get(path),
            ),
            context.runner,
            context.clock,
            checkpoint=self._try_checkpoint,
            parent=self,
        )
        self.worker.schedule_changed.connect(self._say)
        self.worker.started.connect(lambda: self.status.emit("Retention: running…"))
        self.worker.progress.connect(self._advance)
        self.worker.finished.connect(self._finished)
        self.worker.failed.connect(self._failed)

    def start(self) -> None:
        self.worker.start()

    def stop(self) -> None:
        self.worker.stop()

    def ask(self, then: Callable[[RetentionDialog], None] | None = None) -> None:
        """Plans a run and shows it; nothing is removed before the person has said so."""
        if not self._asking:
            self._asking = True
            self.status.emit("Retention: looking for what is old…")
            self.worker.propose(lambda proposal: self._show(proposal, then))

    def _show(self, proposal: Proposal, then: Callable[[RetentionDialog], None] | None) -> None:
        from app.ui.dialogs.retention import RetentionDialog  # noqa: PLC0415

        self._asking = False
        self._say(*self._schedule)
        context = self._context
        settings, path = context.settings, context.opened.path
        dialog = RetentionDialog(
            context.theme,
            proposal.plan,
            file_name=path.name,
            days=settings.retention_days,
            utc=settings.utc_times,
            daily=settings.retention_enabled.get(path) is True,
            cannot_write=context.cannot_write,
            no_checkpoint=self._no_checkpoint,
            archive=settings.retention_archive.get(path),
            parent=self._window,
        )
        dialog.approved_daily.connect(lambda: settings.retention_enabled.set(path, True))
        for approved in (dialog.approved_daily, dialog.run_once):
            approved.connect(lambda: self.worker.carry_out(proposal, dialog.confirmation()))
        dialog.turned_off.connect(self._turn_off)
        dialog.archive_changed.connect(partial(settings.retention_archive.set, path))
        dialog.finished.connect(dialog.deleteLater)
        dialog.open()
        if then is not None:
            then(dialog)

    def _try_checkpoint(self, reason: Reason | None, cancelled: Callable[[], bool]) -> Attempt:
        """On the thread of a run."""
        from app.services.chain.checkpoints.making import try_to_sign  # noqa: PLC0415
        from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
        from app.workers import scan_pool  # noqa: PLC0415

        return try_to_sign(
            self._context.opened.path,
            CheckpointStore(paths.checkpoints_dir()),
            scan_pool.verify,
            now=self._context.clock(),
            reason=reason,
            cancelled=cancelled,
        )

    def _turn_off(self) -> None:
        self._context.settings.retention_enabled.set(self._context.opened.path, False)
        self.worker.check()

    def _advance(self, done: int, total: int) -> None:
        self.status.emit(f"Retention: {percent(done, total)} done")  # each entry is read before it is removed

    def _finished(self, result: Result) -> None:
        self._last = result
        self._no_checkpoint = None
        if result.total:
            self.removed.emit(result)

    def _failed(self, error: TenantAdminError) -> None:
        from app.services.retention.result import NoCheckpoint  # noqa: PLC0415

        self._asking = False
        if isinstance(error, NoCheckpoint):
            self._no_checkpoint = error.problem
        self._say(*self._schedule)
        self._context.runner.failed.emit(error)

    def _say(self, last: int | None, due: int | None) -> None:
        self._schedule = (last, due)
        now = self._context.clock()
        if due is None and last is None:
            off = "read-only" if self._context.opened.read_only else "off"
            self.status.emit(f"Retention: {off}")
            return
        if due is not None and self.worker.waiting is not None:
            self.status.emit(
                "Retention: waiting for your confirmation that the clock is right (File, Data retention…)"
            )
            return
        parts = []
        if last is not None:
            parts.append(f"last run {relative_time(last, now)}{self._outcome()}")
        parts.append(f"next {relative_time(due, now)}" if due is not None else "off")
        self.status.emit(f"Retention: {' · '.join(parts)}")

    def _outcome(self) -> str:
        if self._last is None:
            return ""
        tenants = len({left.tenant_id for left in self._last.left})
        kept = f", old entries of {counted(tenants, 'tenant')} kept" if tenants else ""
        unsigned = ", no checkpoint after it" if self._last.no_checkpoint else ""
        return f", {counted(self._last.total, 'row')} removed{kept}{unsigned}"
