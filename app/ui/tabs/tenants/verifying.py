"""Verifies the chains of all tenants, behind the list of them: what is found is in `context.verdict`."""

from dataclasses import replace

from PySide6.QtWidgets import QWidget

from app.ui.session import outcome
from app.ui.session.busy import ReadingText
from app.ui.session.context import Context
from app.ui.session.lock import or_ask
from app.ui.session.outcome import Asked, Outcome
from app.ui.session.verdict_words import headline
from models.errors import Cancelled, TenantAdminError


def verify(context: Context, asked: Asked, window: QWidget) -> None:
    """With progress and cancel in the status bar, and what was found in a toast. Where each row that is read
    is charged a person is asked before many. Nothing while another verification runs.
    """
    verdict = context.verdict
    if verdict.is_asked:
        return
    words = ReadingText("Verifying the chains of all tenants" if asked.is_whole else "Verifying what is new")
    work = outcome.verify(context, asked, on_cost=words.tell)

    def done(found: Outcome) -> None:
        verdict.is_asked = False
        verdict.take(found)
        verdict.changed.emit()
        is_signed = found.checkpoint is not None
        _, head, _ = headline(found.report, found.asked.since, is_signed=is_signed)
        context.say(f"{head}, {found.report.tally}" if found.report.tally else head)

    def failed(error: TenantAdminError) -> None:
        verdict.is_asked = False
        or_ask(context.theme, again, window, not_verified)(error)
        verdict.changed.emit()

    def again(most: int) -> None:
        verify(context, replace(asked, most=most), window)

    def not_verified(error: TenantAdminError) -> None:
        if not isinstance(error, Cancelled):
            verdict.fail(str(error), context.clock())
            context.runner.failed.emit(error)

    outcome.begin(context, lambda: context.job(words, work, on_done=done, on_failed=failed))
