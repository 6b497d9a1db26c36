"""A number with what it counts and what is worth knowing of it, as a button that leads there."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QPushButton, QSizePolicy

from app.itemmodels.columns import Tone
from app.ui.theme import Theme, set_property
from app.ui.theme.icons import Icon
from app.ui.widgets.labels import ElidedLabel, IconLabel, Label, Look, in_column, in_row, set_tip

_ICON, _AROUND = 12, (10, 6, 8, 6)


class NumberCard(QPushButton):
    """`clicked` leads there. A screen reader hears all of it as the button's name."""

    def __init__(self, theme: Theme, caption: str) -> None:
        super().__init__()
        self.setProperty("kind", "number")
        self.setAutoDefault(False)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._caption = caption
        self.number, self.note = Label(look=Look.TITLE), ElidedLabel(look=Look.DIM)
        self._mark, leads = IconLabel(theme, _ICON), IconLabel(theme, _ICON)
        leads.show_icon(Icon.CARET_RIGHT, "dim")
        above = in_row(Label(caption, Look.DIM), None, leads)
        below = in_row(self._mark, (self.note, 1), spacing=4)
        self._column = in_column(above, self.number, below, within=self, margins=_AROUND, spacing=0)
        for part in self.findChildren(Label) + self.findChildren(IconLabel):
            part.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._mark.hide()

    def show_number(
        self,
        number: str,
        note: str = "",
        tone: Tone = Tone.NEUTRAL,
        *,
        icon: str | None = None,
        tip: str = "",
    ) -> None:
        """With a `tone` the note has an `icon`, so that it is said by more than a colour."""
        self.number.setText(number)
        self.note.setText(note)
        set_property(self.note, "look", Look.DIM if tone is Tone.NEUTRAL else tone.value)
        self._mark.setVisible(icon is not None)
        if icon is not None:
            self._mark.show_icon(icon, tone)
        self.setAccessibleName(", ".join(filter(None, (f"{self._caption}: {number}", note))))
        set_tip(self, tip)

    def sizeHint(self) -> QSize:
        return self._column.sizeHint()

    def minimumSizeHint(self) -> QSize:
        return QSize(70, self._column.sizeHint().height())
