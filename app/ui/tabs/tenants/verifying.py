"""Verifies the chains of all tenants, behind the list of them: what is found is in `context.verdict`."""

from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QWidget

from app.ui.session.busy import ReadingText
from app.ui.session.context import Context
from app.ui.session.lock import ask_to_read
from app.ui.session.outcome import Asked, Outcome, run
from app.ui.tabs.audit.words import headline
from models.errors import Cancelled, MuchToRead, TenantAdminError
from models.progress import Monitor


def verify(context: Context, asked: Asked, window: QWidget) -> None:
    """With progress and cancel in the status bar, and what was found in a toast. Where each row that is read
    is charged a person is asked before many. Nothing while another verification runs.
    """
    verdict = context.verdict
    if verdict.is_asked:
        return
    verdict.is_asked = True
    verdict.asked.emit()
    words = ReadingText("Verifying the chains of all tenants" if asked.is_whole else "Verifying what is new")
    where, now, by = context.opened.where, context.clock(), context.settings.actor

    def work(monitor: Monitor) -> Outcome:
        return run(monitor, asked=asked, where=where, now=now, by=by, on_cost=words.tell)

    def done(outcome: Outcome) -> None:
        verdict.is_asked = False
        verdict.take(outcome)
        verdict.changed.emit()
        _, found, _ = headline(outcome.report, outcome.asked.since)
        context.say(f"{found}, {outcome.report.tally}" if outcome.report.tally else found)

    def failed(error: TenantAdminError) -> None:
        verdict.is_asked = False
        if isinstance(error, MuchToRead):
            ask_to_read(
                context.theme,
                error,
                partial(verify, context, replace(asked, most=error.most), window),
                window,
            )
        elif not isinstance(error, Cancelled):
            verdict.fail(str(error), context.clock())
            context.runner.failed.emit(error)
        verdict.changed.emit()

    # What others have written until now is verified, and must not outdate the outcome.
    context.outside.look(lambda: context.job(words, work, on_done=done, on_failed=failed))
