"""A tenant erased from the live database that is open; `Files` erases one from a file, which it closes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.services.opened import Opened
from app.services.text import shown_tenant
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.shell.dialogs import NotesDialog
from app.ui.tabs.common.arrangement import forget_rows
from app.ui.widgets.dialogs import WaitDialog
from app.workers.tenants import erase_with_what_is_kept
from models.errors import MayBeIn, TenantAdminError
from models.progress import Monitor

if TYPE_CHECKING:
    from app.services.records.change import Change
    from app.services.tenants.erasing import Erased, Erasure


class TenantErasure(QObject):
    """What was erased is announced as any change, with this as its initiator."""

    def __init__(self, context: Context, window: QWidget) -> None:
        super().__init__(window)
        self._context, self._window = context, window

    def carry_out(self, opened: Opened, erasure: Erasure) -> None:
        """Erases what was agreed to, behind a copy of all that goes."""
        context, window = self._context, self._window
        if (cannot := context.cannot_agree) is not None:  # locked since
            context.say(cannot)
            self.deleteLater()
            return
        actor, clock = context.settings.actor, context.clock
        words = f"Erasing {shown_tenant(erasure.tenant)}…"
        wait = WaitDialog(context.theme, words, window, can_cancel=True, in_rows=False)

        def work(monitor: Monitor) -> Erased:
            return erase_with_what_is_kept(opened, erasure, actor=actor, now=clock, monitor=monitor)

        def tell(erased: Erased) -> None:
            """And lets go of what is kept of it here."""
            context.erased |= {erasure.tenant}
            context.history.forget(frozenset({erasure.tenant}))
            notes = [*erased.notes, *forget_rows(context.settings, opened.kept_by)]
            NotesDialog(context.theme, erased.said, "About the erasure:", notes, window).open_once()

        def done(erased: Erased) -> None:
            self.deleteLater()
            wait.done(WaitDialog.DialogCode.Accepted)
            context.runner.announce(erased.change(), self)
            if (after := erased.after) is not None:
                context.verdict.take(Outcome.of(after, at=after.report.begun(clock), by=actor))
            tell(erased)

        def take(erased: Erased) -> Change:
            """The same where it is found out later."""
            tell(erased)
            return erased.change()

        def failed(error: TenantAdminError) -> None:
            self.deleteLater()
            wait.done(WaitDialog.DialogCode.Rejected)
            if isinstance(error, MayBeIn) and error.may_be_in:
                error.take = take
            context.runner.failed.emit(error)
            if error.is_undecided:
                said = f"It is not known whether {shown_tenant(erasure.tenant)} is erased"
                about = "About the erasure:"
                NotesDialog(context.theme, said, about, [str(error)], window, doubt=True).open_once()

        wait.open_once()
        job = context.runner.job(work, on_progress=wait.show_progress, on_done=done, on_failed=failed)
        wait.cancelled.connect(job.cancel)
