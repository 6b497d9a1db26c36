"""What is known whole: rows of a label and a value, and a small table as high as its rows."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from PySide6.QtCore import QSize, QSortFilterProxyModel, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QGridLayout, QHeaderView, QPushButton, QSizePolicy, QWidget

from app.itemmodels.columns import ALIGNMENT, DISPLAY, LEFT, RIGHT, TOOLTIP, Role, Tone
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.data_table import ROW_HEIGHT, DataTable
from app.ui.widgets.formatting import byte_size, tooltip
from app.ui.widgets.labels import Label, Look, text_box
from app.ui.widgets.layouts import in_column

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
    """Values are plain text, selectable with mouse and keyboard. A value longer than 160 characters or of
    several lines shows its start and a "Show all" button, which opens it unwrapped.
    """

    def __init__(self, theme: Theme) -> None:
        super().__init__()
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
        """Show these rows."""
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
        line = in_column(value, within=holder, margins=(0, 3, 0, 3), spacing=2)
        if long:
            show = push_button(self._theme, f"Show all {byte_size(len(field.value))}", kind=Kind.FLAT)
            show.setProperty("small", True)
            show.clicked.connect(lambda: self._open(row, field, holder))
            line.addWidget(show, 0, Qt.AlignmentFlag.AlignLeft)
        self._grid.addWidget(holder, row, 1)
        button = None
        if field.can_copy and (field.copy or field.value):
            button = tool_button(self._theme, Icon.COPY, f"Copy {field.label.lower()}")
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


@dataclass(frozen=True, slots=True)
class StaticColumn:
    """A column's header; numbers are right-aligned."""

    title: str
    number: bool = False
    mono: bool = False
    dim: bool = False


@dataclass(frozen=True, slots=True)
class Cell:
    """What a cell shows; `order` is what it is sorted by when the words are not."""

    text: str
    order: int | None = None
    tone: Tone | None = None
    icon: str | None = None
    tip: str | None = None
    whole: str | None = None


class StaticTable(DataTable):
    """As high as its rows, up to `most`, or less where there is no room. `wide` is the column that takes the
    width that the others leave.
    """

    def __init__(
        self,
        theme: Theme,
        name: str,
        columns: Sequence[StaticColumn],
        rows: Sequence[Sequence[Cell]],
        *,
        most: int = 8,
        wide: int = 0,
    ) -> None:
        super().__init__(theme, name)
        content = QStandardItemModel(0, len(columns), self)
        for place, column in enumerate(columns):
            content.setHorizontalHeaderItem(place, _header(column))
        for row in rows:
            content.appendRow([_item(cell) for cell in row])
        self._sorted = QSortFilterProxyModel(self)
        self._sorted.setSourceModel(content)
        self._sorted.setSortRole(Role.ORDER)
        self._sorted.setSortCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self.setModel(self._sorted)
        header = self.horizontalHeader()
        header.setStretchLastSection(False)
        header.setSectionsMovable(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(wide, QHeaderView.ResizeMode.Stretch)
        self._lines = max(1, min(most, len(rows)))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.setMaximumHeight(self._height(self._lines))

    def source_row(self, row: int) -> int:
        """Which of the rows given is shown at `row`."""
        return self._sorted.mapToSource(self._sorted.index(row, 0)).row()

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self._height(self._lines))

    def minimumSizeHint(self) -> QSize:
        return QSize(super().minimumSizeHint().width(), self._height(min(2, self._lines)))

    def _height(self, lines: int) -> int:
        row = max(ROW_HEIGHT, self.verticalHeader().defaultSectionSize())
        return self.horizontalHeader().sizeHint().height() + row * lines + 2 * self.frameWidth()


def _header(column: StaticColumn) -> QStandardItem:
    return _answering(
        {
            DISPLAY: column.title,
            ALIGNMENT: RIGHT if column.number else LEFT,
            Role.MONOSPACE: column.mono,
            Role.DIM: column.dim,
        }
    )


def _item(cell: Cell) -> QStandardItem:
    return _answering(
        {
            DISPLAY: cell.text,
            TOOLTIP: cell.tip,
            # Numbers as text of one length: Qt compares integers of 32 and of 64 bits by the lower 32.
            Role.ORDER: cell.text if cell.order is None else f"{cell.order + 2**63:020}",
            Role.TONE: cell.tone,
            Role.ICON: cell.icon,
            Role.WHOLE: cell.whole,
        }
    )


def _answering(values: dict[int, object]) -> QStandardItem:
    item = QStandardItem()
    item.setEditable(False)
    for role, value in values.items():
        if value is not None:
            item.setData(value, role)
    return item
