"""Where test events do not go to this computer: that, and the way to let them."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.session.context import Context
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import Label, Look, in_row

_OFF = "Test events do not go to this computer: the preferences do not allow it."
_TIP = "Changes the preference; test events to webhooks at 127.0.0.1 or localhost are sent from then on"


class AllowHere(QWidget):
    """Says that the preferences let nothing be sent to this computer, with a button that changes that.
    `allowed()` once it was pressed.
    """

    allowed = Signal()

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._context = context
        self.button = push_button(context.theme, "Allow it", self._allow, tip=_TIP)
        self.button.setAccessibleName("Allow test events to this computer")
        in_row((Label(_OFF, Look.WARN, wrap=True), 1), self.button, within=self, spacing=8)
        if context.settings.webhooks_here:  # what is shown before it has a place is a window of its own
            self.hide()

    def show_where(self, *, here: bool) -> None:
        """To be seen where something is to go to this computer, and may not."""
        self.setVisible(here and not self._context.settings.webhooks_here)

    def _allow(self) -> None:
        self._context.settings.webhooks_here = True
        self.hide()
        self._context.say("Test events go to this computer now; the preferences take it back")
        self.allowed.emit()
