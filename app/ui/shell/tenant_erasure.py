"""A tenant erased from the live database that is open; `Files` erases one from a file, which it closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.services.text import visible
from app.ui.session.context import Context
from app.ui.shell.connecting import Connecting
from app.ui.shell.dialogs import NotesDialog
from app.ui.tabs.common.arrangement import forget_rows
from app.ui.widgets.dialogs import WaitDialog
from app.workers.tenants import erase_with_what_is_kept
from models.progress import Monitor

if TYPE_CHECKING:
    from app.services.live.opening import OpenedLive
    from app.services.tenants.erasing import Erased, Erasure
    from models.errors import TenantAdminError


class TenantErasure(QObject):
    """`leaving` when what is open is about to be opened again."""

    leaving = Signal()

    def __init__(self, connecting: Connecting, window: QWidget) -> None:
        super().__init__(window)
        self._connecting, self._window = connecting, window

    def carry_out(self, context: Context, opened: OpenedLive, erasure: Erasure) -> None:
        """Erases what was agreed to, behind a copy of all that goes, and opens the database again."""
        if (cannot := context.cannot_write) is not None:  # locked since
            context.say(cannot)
            return
        actor, now = context.settings.actor, context.clock()
        words = f"Erasing {visible(erasure.tenant)}…"
        wait = WaitDialog(context.theme, words, self._window, can_cancel=True, in_rows=False)

        def work(monitor: Monitor) -> Erased:
            return erase_with_what_is_kept(opened, erasure, actor=actor, now=now, monitor=monitor)

        def open_again() -> None:
            self.leaving.emit()
            self._connecting.reopen(opened)

        def done(erased: Erased) -> None:
            wait.done(WaitDialog.DialogCode.Accepted)
            notes = [*erased.notes, *forget_rows(context.settings, opened.kept_by)]
            told = NotesDialog(context.theme, erased.said, "About the erasure:", notes, self._window)
            self._connecting.when_ended(lambda is_open: told.open_once())
            open_again()

        def failed(error: TenantAdminError) -> None:
            wait.done(WaitDialog.DialogCode.Rejected)
            context.busy.runner.failed.emit(error)
            if error.is_undecided:
                open_again()

        wait.open_once()
        job = context.runner.job(work, on_progress=wait.show_progress, on_done=done, on_failed=failed)
        wait.cancelled.connect(job.cancel)
