"""A verdict as a surface: of a delivery, of a signature, of a webhook."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QPushButton

from app.itemmodels.columns import Tone
from app.ui.theme import Theme, set_property
from app.ui.widgets.labels import IconLabel, Label, Look, in_column, in_row


class VerdictCard(QFrame):
    """An icon, a few words, and why: red as a surface where it is bad. An `act` stands beneath them."""

    def __init__(self, theme: Theme, act: QPushButton | None = None) -> None:
        super().__init__()
        self.setProperty("card", True)
        self.setAccessibleName("Verdict")
        self._icon = IconLabel(theme, 24)
        self.title = Label(look=Look.TITLE, wrap=True)
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
