"""The question whether it is right that a chain has lost the end that was verified."""

from collections.abc import Callable

from PySide6.QtWidgets import QWidget

from app.services.chain.verify.report import LostEnd
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import absolute_time, grouped

_SENTENCE = (
    "All was verified through entry {} on {}. {}\n\nAn earlier state was brought back, or the end was cut "
    "off: nothing here can tell which. By accepting it you say that this is right. What is there is verified "
    "then, a checkpoint of it may be made, and nothing here tells of what is gone any more."
)


def ask(context: Context, lost: LostEnd, then: Callable[[], object], parent: QWidget) -> None:
    """Asks with the figures, and calls `then` where the person says so; Return and Escape do not."""
    what = f"Entry {grouped(lost.through)} is not there as it was."
    if lost.ends_at < lost.through:
        count = counted(lost.through - lost.ends_at, "entry", "entries")
        which = f"{grouped(lost.ends_at + 1)} to {grouped(lost.through)}"
        what = f"It ends at entry {grouped(lost.ends_at)} now: up to {count} are gone, {which}."
    at = absolute_time(lost.at, context.settings.utc_times)
    ConfirmDialog(
        context.theme,
        "Accept this end?",
        _SENTENCE.format(grouped(lost.through), at, what),
        action="Accept this end",
        parent=parent,
    ).open_once(then)
