"""Data retention of the open file: its schedule in the status bar, its preview and the person's word."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app import paths
from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import try_to_sign
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.errors import TenantAdminError
from app.ui.shell.context import Context
from app.ui.widgets.formatting import counted, relative_time
from app.workers import scan_pool
from app.workers.retention_worker import RetentionSettings, RetentionWorker

if TYPE_CHECKING:  # the service and the dialog are loaded when retention is asked for or runs
    from app.services.retention.run import RetentionPreview, RetentionResult
    from app.ui.dialogs.retention import RetentionDialog


class RetentionControl(QObject):
    """Runs retention daily once the person has seen the preview and said yes, and on demand.

    A daily run that meets a clock in doubt waits, without a dialog, until this one has been asked for.
    `status(text)` is for the status bar, `removed(RetentionResult)` after a run that changed the file.
    """

    status = Signal(str)
    removed = Signal(object)

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context = context
        self._window = window
        self._last_total: int | None = None
        settings, path = context.settings, context.opened.path
        store = CheckpointStore(paths.checkpoints_dir())
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
            witness=lambda: frozenset(
                try_to_sign(path, store, scan_pool.verify, now=context.clock(), reason=Reason.RETENTION).held
            ),
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
        """Counts what would go and shows it; nothing runs before the person has said so."""
        from app.services.retention import run as retention  # noqa: PLC0415
        from app.ui.dialogs.retention import RetentionDialog  # noqa: PLC0415

        context = self._context

        def show(preview: RetentionPreview) -> None:
            dialog = RetentionDialog(
                context.theme,
                preview,
                file_name=context.opened.path.name,
                days=context.settings.retention_days,
                utc=context.settings.utc_times,
                daily=context.settings.retention_enabled.get(context.opened.path) is True,
                cannot_write=context.cannot_write,
                archive=context.settings.retention_archive.get(context.opened.path),
                parent=self._window,
            )
            dialog.approved_daily.connect(lambda: self._approve(dialog))
            dialog.run_once.connect(lambda: self._run(dialog))
            dialog.turned_off.connect(self._turn_off)
            dialog.archive_changed.connect(
                lambda folder: context.settings.retention_archive.set(context.opened.path, folder)
            )
            dialog.finished.connect(dialog.deleteLater)
            dialog.open()
            if then is not None:
                then(dialog)

        context.runner.read(
            retention.preview,
            now=context.clock(),
            days=context.settings.retention_days,
            facts=self.worker.facts(),
            on_done=show,
        )

    def _approve(self, dialog: RetentionDialog) -> None:
        self._context.settings.retention_enabled.set(self._context.opened.path, True)
        self._run(dialog)

    def _run(self, dialog: RetentionDialog) -> None:
        self.worker.run_now(dialog.agreed_tenants(), trust_clock=dialog.trusts_clock())

    def _turn_off(self) -> None:
        self._context.settings.retention_enabled.set(self._context.opened.path, False)
        self.worker.check()

    def _advance(self, done: int, total: int) -> None:
        self.status.emit(f"Retention: {done:,} of {total:,} rows removed")

    def _finished(self, result: RetentionResult) -> None:
        self._last_total = result.total
        if result.total:
            self.removed.emit(result)

    def _failed(self, error: TenantAdminError) -> None:
        self._context.runner.failed.emit(error)

    def _say(self, last: int | None, due: int | None) -> None:
        now = self._context.clock()
        if due is None and last is None:
            off = "read-only" if self._context.opened.read_only else "off"
            self.status.emit(f"Retention: {off}")
            return
        if due is not None and self.worker.waiting is not None:
            self.status.emit("Retention: waiting for your word about the clock (File, Data retention…)")
            return
        parts = []
        if last is not None:
            rows = f", {counted(self._last_total, 'row')} removed" if self._last_total is not None else ""
            parts.append(f"last run {relative_time(last, now)}{rows}")
        parts.append(f"next {relative_time(due, now)}" if due is not None else "off")
        self.status.emit(f"Retention: {' · '.join(parts)}")
