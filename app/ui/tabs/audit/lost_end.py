"""The question whether it is right that a chain has lost the end that was verified."""

from collections.abc import Callable

from PySide6.QtCore import Slot
from PySide6.QtWidgets import QWidget

from app.services.chain.verify.report import LostEnd
from app.ui.session.context import Context
from app.ui.widgets.announcing import announce
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import absolute_time, grouped
from app.ui.widgets.labels import Label, Look

_SENTENCE = (
    "{} {} on {}. {}\n\n{}: nothing here can tell which. By accepting it you say "
    "that this is right. What is there is verified then, a checkpoint of it may be made, and nothing here "
    "tells of what is gone any more."
)


_ANOTHER = (
    "The end is another by now than the one that is told of here, so nothing can be accepted. Close "
    "this, and press “Accept this end…” again for what is gone now."
)
_NONE = "Nothing is lost any more, so there is nothing to accept."


class _Question(ConfirmDialog):
    """Says where more is lost meanwhile than it tells of, or nothing any more, and takes no yes then."""

    def __init__(self, context: Context, lost: LostEnd, parent: QWidget) -> None:
        what = f"Entry {grouped(lost.through)} is not there as it was."
        if lost.gone:
            what = f"It ends at entry {grouped(lost.ends_at)} now: {lost.gone}."
        what += "".join(f" {one[:1].upper()}{one[1:]}." for one in lost.gone_with_it)
        at = absolute_time(lost.at, context.settings.utc_times)
        whole = "It was" if lost.known_by or lost.of_tenant else "All was"
        sentence = _SENTENCE.format(whole, lost.known, at, what, lost.why)
        super().__init__(context.theme, "Accept this end?", sentence, action="Accept this end", parent=parent)
        self._context, self._lost = context, lost
        self.changed = Label("", Look.WARN, wrap=True)
        self.changed.hide()
        self.add_said(self.changed)
        context.verdict.changed.connect(self._look)

    @Slot()
    def _look(self) -> None:
        now = self._context.verdict.lost_end
        is_same = now is not None and now.is_within(self._lost)
        self.confirm_button.setEnabled(is_same)
        words = "" if is_same else _NONE if now is None else _ANOTHER
        if words != self.changed.text():
            self.changed.say(words)
            announce(self.changed, words or "It can be accepted again.")


def ask(context: Context, lost: LostEnd, then: Callable[[], object], parent: QWidget) -> None:
    """Asks with the figures, and calls `then` where the person says so; Return and Escape do not."""
    _Question(context, lost, parent).open_once(then)
