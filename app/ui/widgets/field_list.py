"""Rows of a label and a value, each value selectable and with a copy button."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QGridLayout, QPushButton, QVBoxLayout, QWidget

from app.itemmodels.roles import Tone
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.formatting import byte_size, tooltip
from app.ui.widgets.labels import Label, Look, text_box

_LONG = 160
_COPIED_MS = 1200


@dataclass(frozen=True, slots=True)
class Field:
    """One row: label, value as shown, and how. `copy` is what is copied when it is not the value."""

    label: str
    value: str
    mono: bool = False
    tone: Tone = Tone.NEUTRAL
    copy: str | None = None
    tip: str = ""
    can_copy: bool = True


class FieldList(QWidget):
    """`FieldList(theme, parent=None)`; `set_fields(fields)` replaces the rows.

    Values are plain text, selectable with mouse and keyboard. A value longer than 160 characters or of
    several lines shows its start and a "Show all" button, which opens it unwrapped. `value(label)` reads one
    back;
    `copy_button(label)` is its button.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._fields: tuple[Field, ...] = ()
        self._shown: dict[str, str] = {}
        self._copies: dict[str, QWidget | None] = {}
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setHorizontalSpacing(12)
        self._grid.setVerticalSpacing(2)
        self._grid.setColumnStretch(1, 1)

    def set_fields(self, fields: Sequence[Field]) -> None:
        """Show these."""
        if tuple(fields) == self._fields:
            return
        self._fields = tuple(fields)
        self._shown.clear()
        self._copies.clear()
        while (item := self._grid.takeAt(0)) is not None:
            old = item.widget()
            if old is not None:
                old.hide()
                old.deleteLater()
        for row, field in enumerate(fields):
            self._add(row, field)
        self._take_place()

    def value(self, label: str) -> str:
        """The value shown beside `label`."""
        return self._shown[label]

    def copy_button(self, label: str) -> QWidget | None:
        """The copy button beside `label`, if it has one."""
        return self._copies[label]

    def _take_place(self) -> None:
        """Tab reaches the rows where this list stands; as they are made late, it would do so last of all."""
        stops = [stop for row in range(self._grid.rowCount()) for stop in self._stops(row)]
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # Qt lets only a stop be followed by another one
        for before, after in pairwise([self, *stops]):
            QWidget.setTabOrder(before, after)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)

    def _stops(self, row: int) -> Sequence[QWidget]:
        """The value if it can be gone through, the copy button beside it, and what stands below the value."""
        found = [self._grid.itemAtPosition(row, column) for column in (1, 2)]
        cells = [cell for item in found if item is not None and (cell := item.widget()) is not None]
        below = [button for cell in cells[:1] for button in cell.findChildren(QPushButton)]
        return [widget for widget in (*cells, *below) if _is_stop(widget)]

    def _add(self, row: int, field: Field) -> None:
        name = Label(field.label, Look.DIM)
        name.setMinimumHeight(24)
        long = len(field.value) > _LONG or "\n" in field.value
        start = field.value.split("\n", 1)[0][:_LONG]
        look = Look.TEXT if field.tone is Tone.NEUTRAL else Look(field.tone.value)
        value = Label(f"{start}…" if long else field.value or "—", look, wrap=not field.mono, selectable=True)
        value.setAccessibleName(field.label)
        value.setMinimumWidth(40)
        if field.mono:
            value.setFont(self._theme.mono_font())
        if field.tip:
            value.setToolTip(tooltip(field.tip))
        name.setBuddy(value)
        top = Qt.AlignmentFlag.AlignTop
        self._grid.addWidget(name, row, 0, top)
        holder = QWidget()
        line = QVBoxLayout(holder)
        line.setContentsMargins(0, 3, 0, 3)
        line.setSpacing(2)
        line.addWidget(value)
        if long:
            show = push_button(self._theme, f"Show all {byte_size(len(field.value))}", kind=Kind.FLAT)
            show.setProperty("small", True)
            show.clicked.connect(lambda: self._open(row, field, holder))
            line.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(holder, row, 1)
        button = None
        if field.can_copy and (field.copy or field.value):
            button = tool_button(self._theme, Icon.COPY, f"Copy {field.label.lower()}", small=True)
            button.clicked.connect(lambda: self._copy(field, button))
            self._grid.addWidget(button, row, 2, top)
        self._shown[field.label], self._copies[field.label] = value.text(), button

    def _open(self, row: int, field: Field, holder: QWidget) -> None:
        whole = text_box(self._theme, field.label, field.value)
        whole.setMinimumHeight(140)
        self._grid.removeWidget(holder)
        holder.deleteLater()
        self._grid.addWidget(whole, row, 1)
        self._shown[field.label] = whole.toPlainText()
        self._take_place()
        whole.setFocus()

    def _copy(self, field: Field, button: QWidget | None) -> None:
        QGuiApplication.clipboard().setText(field.value if field.copy is None else field.copy)
        if button is not None:
            self._theme.bind_icon(button, Icon.CHECK, Tone.OK)
            QTimer.singleShot(_COPIED_MS, button, lambda: self._theme.bind_icon(button, Icon.COPY, "dim"))


def _is_stop(widget: QWidget) -> bool:
    return bool(widget.focusPolicy().value & Qt.FocusPolicy.TabFocus.value)
