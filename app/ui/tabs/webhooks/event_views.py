"""Small views that dialogs of deliveries share: tables of events that were sent or received, a verdict as
a surface, and where nothing is sent to this computer the way to let it.
"""

from collections.abc import Sequence
from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QPushButton, QWidget

from app.itemmodels.columns import Column, Tone
from app.services.deliveries.request import DeliveryFate, fate, title_of
from app.ui.session.context import Context
from app.ui.theme import Theme, set_property
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import absolute_time, relative_time, shortened
from app.ui.widgets.labels import IconLabel, Label, Look, in_column, in_row
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.waterfall import milliseconds

_COLUMNS: Final[dict[str, Column]] = {
    column.title: column
    for column in (
        StaticColumn("Result"),
        StaticColumn("Sent"),
        StaticColumn("Received"),
        StaticColumn("Event"),
        StaticColumn("Took", right=True),
        StaticColumn("Message id", dim=True, monospace=True),
        StaticColumn("Webhook", dim=True),
        StaticColumn("Signature"),
        StaticColumn("Size", right=True),
        StaticColumn("Answered", dim=True),
    )
}

_LOOKS: Final[dict[DeliveryFate, tuple[Tone, str]]] = {
    DeliveryFate.DELIVERED: (Tone.OK, Icon.OK),
    DeliveryFate.FAILED: (Tone.BAD, Icon.BAD),
    DeliveryFate.STOPPED: (Tone.WARN, Icon.CANCELLED),
}
_HEAD = len("msg_") + 2


def event_table(theme: Theme, name: str, titles: Sequence[str], *, most: int | None) -> StaticTable:
    """A table with these of the columns, in this order; that of the events takes the width that is left."""
    columns = [_COLUMNS[title] for title in titles]
    giving = [place for place, title in enumerate(titles) if title == "Size"]
    return StaticTable(theme, name, columns, most=most, wide=list(titles).index("Event"), giving=giving)


def looks_of(code: str, *, is_ok: bool) -> tuple[Tone, str]:
    """The colour and the icon of what came of a delivery, by the status or what stands in its place."""
    return _LOOKS[fate(code, is_ok=is_ok)]


def result(code: str, *, is_ok: bool, took_ms: int | None = None) -> Cell:
    """What stands for a status; its words are the tip, with what it took."""
    tone, icon = looks_of(code, is_ok=is_ok)
    took = "" if took_ms is None else f" · {milliseconds(took_ms / 1000)}"
    return Cell(code, tone=tone, icon=icon, tip=title_of(code) + took)


def sent(at: int, now: int, *, utc: bool) -> Cell:
    return Cell(relative_time(at, now), at, tip=absolute_time(at, utc))


def event(name: str, *, again: bool = False) -> Cell:
    return Cell(f"{name} · again" if again else name)


def message(name: str) -> Cell:
    """What names an event in its headers; nothing where it has none."""
    return Cell(shortened(name, _HEAD), tip=name or None, whole=name)


def took(took_ms: int) -> Cell:
    return Cell(milliseconds(took_ms / 1000), took_ms)


class VerdictCard(QFrame):
    """An icon, a few words, and why: red as a surface where it is bad. An `act` stands beneath them."""

    def __init__(self, theme: Theme, act: QPushButton | None = None) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName("Verdict")
        self._icon = IconLabel(theme, 24)
        self.title = Label(look=Look.TITLE, wrap=True)
        self.title.setProperty("verdict", True)  # bold in any colour
        self.why = Label(wrap=True, selectable=True)
        self.why.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        words = in_column(self.title, self.why, spacing=2)
        if act is not None:
            words.addSpacing(4)
            words.addWidget(act, 0, Qt.AlignmentFlag.AlignLeft)
        in_row(self._icon, (words, 1), within=self, margins=(12, 10, 12, 10), spacing=12)

    def show_verdict(self, tone: Tone, icon: str, title: str, why: str) -> None:
        self._icon.show_icon(icon, tone)
        self.title.setText(title)
        set_property(self.title, "look", Look.TEXT if tone is Tone.NEUTRAL else tone.value)
        self.why.setText(why)
        self.why.setVisible(bool(why))
        set_property(self, "alarm", tone is Tone.BAD)


_OFF = "The preferences keep test events from this computer."
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
