"""Asks before something that cannot be undone, naming exactly what goes."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QListWidget, QWidget

from app.itemmodels.roles import Tone
from app.services.text import visible
from app.ui.formatting import grouped
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialog import Dialog
from app.ui.widgets.field_list import Field, FieldList
from app.ui.widgets.labels import Label, Look

LISTED = 50
_ROWS = 6


class ConfirmDialog(Dialog):
    """`ConfirmDialog(theme, title, sentence, *, action, items=(), total=None, counts=(), typed="",
    danger=True, parent=None)`.

    `action` is the verb on the button ("Delete 3 users"). `items` are the names of what goes, of which at
    most 50 are listed, with "and 1,154 more" from `total` (the number of all, when `items` is already cut).
    `counts` are (what, how many) pairs. `typed` is a text that must be typed before the button can be
    pressed, where a whole tenant is meant. Cancel has the focus at first; Return does not confirm a danger.
    """

    def __init__(
        self,
        theme: Theme,
        title: str,
        sentence: str,
        *,
        action: str,
        items: Sequence[str] = (),
        total: int | None = None,
        counts: Sequence[tuple[str, int]] = (),
        typed: str = "",
        danger: bool = True,
        parent: QWidget | None = None,
    ) -> None:
        tone = Tone.BAD if danger else Tone.ACCENT
        icon = Icon.WARNING_FILL if danger else Icon.INFO_FILL
        super().__init__(theme, title, sentence, icon=icon, tone=tone, parent=parent)
        self._typed = typed
        if counts:
            table = FieldList(theme)
            table.set_fields([Field(what, grouped(number), can_copy=False) for what, number in counts])
            self.add_widget(table)
        self.list = QListWidget(self)
        self.list.setVisible(bool(items))
        self.more = Label(look=Look.DIM, parent=self)
        self.more.hide()
        if items:
            self._list(items, len(items) if total is None else total)
        self.field = QLineEdit(self)
        self.field.setVisible(bool(typed))
        if typed:
            ask = Label(f"Type {typed} to confirm:", wrap=True)
            ask.setBuddy(self.field)
            self.field.setAccessibleName(f"Type {typed} to confirm")
            self.field.setPlaceholderText(visible(typed))
            self.field.textChanged.connect(self._check)
            self.add_widget(ask)
            self.add_widget(self.field)
        self.confirm_button = push_button(theme, action, kind=Kind.DANGER if danger else Kind.PRIMARY)
        self.cancel_button = push_button(theme, "Cancel")
        self.confirm_button.clicked.connect(self.accept)
        self.cancel_button.clicked.connect(self.reject)
        self.set_buttons([self.cancel_button, self.confirm_button])
        if danger:
            self.cancel_button.setDefault(True)
        else:
            self.confirm_button.setDefault(True)
        (self.field if typed else self.cancel_button if danger else self.confirm_button).setFocus()
        self._check()

    def _list(self, items: Sequence[str], total: int) -> None:
        shown = [visible(item) for item in items[:LISTED]]
        self.list.addItems(shown)
        self.list.setUniformItemSizes(True)
        self.list.setSelectionMode(QListWidget.SelectionMode.NoSelection)
        self.list.setAccessibleName("What goes")
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.ensurePolished()  # the style's padding counts
        row = max(26, self.list.sizeHintForRow(0))
        self.list.setFixedHeight(row * min(_ROWS, len(shown)) + 8)
        self.add_widget(self.list)
        if total > len(shown):
            self.more.setText(f"and {grouped(total - len(shown))} more")
            self.add_widget(self.more)
            self.more.show()

    def _check(self) -> None:
        ready = not self._typed or self.field.text() == self._typed
        self.confirm_button.setEnabled(ready)
        self.confirm_button.setToolTip("" if ready else "Type the name first.")
