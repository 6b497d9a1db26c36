"""The question whether it is right that a chain has lost the end that was verified."""

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from app.services.chain.verify.report import LostEnd
from app.ui.session.context import Context
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import absolute_time, grouped

_SENTENCE = (
    "All was verified through entry {} on {}. {}\n\nAn earlier state was brought back, or the end was cut "
    "off: nothing here can tell which. By accepting it you say that this is right. What is there is verified "
    "then, a checkpoint of it may be made, and nothing here tells of what is gone any more."
)


class _Question(ConfirmDialog):
    """Goes where more is lost meanwhile than it says, or nothing any more."""

    def __init__(self, context: Context, lost: LostEnd, parent: QWidget) -> None:
        what = f"Entry {grouped(lost.through)} is not there as it was."
        if lost.gone:
            what = f"It ends at entry {grouped(lost.ends_at)} now: {lost.gone}."
        if lost.before is not None:
            what += f" Entry {grouped(lost.before.through)}, its last one before, is gone, too."
        at = absolute_time(lost.at, context.settings.utc_times)
        sentence = _SENTENCE.format(grouped(lost.through), at, what)
        super().__init__(context.theme, "Accept this end?", sentence, action="Accept this end", parent=parent)
        self._context, self._lost = context, lost
        context.verdict.changed.connect(self._look)

    @Slot()
    def _look(self) -> None:
        now = self._context.verdict.lost
        if self.isVisible() and (now is None or not now.is_within(self._lost)):
            self.reject()
            self._context.say("The end that you were asked about is another by now: nothing was accepted")


def ask(context: Context, lost: LostEnd, then: Callable[[], object], parent: QWidget) -> None:
    """Asks with the figures, and calls `then` where the person says so; Return and Escape do not."""
    _Question(context, lost, parent).open_once(then)
