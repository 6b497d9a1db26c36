"""The entries of a searchable list: what they are, which match, how they are painted."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QSize, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QStyle, QStyledItemDelegate, QStyleOptionViewItem

from app.itemmodels.roles import Role
from app.services.text import visible
from app.ui.formatting import grouped
from app.ui.theme import Theme
from app.ui.theme.icons import Icon

ROW = 30
_PAD, _GAP = 10, 24

Index = QModelIndex | QPersistentModelIndex


@dataclass(frozen=True, slots=True)
class Choice:
    """One entry: its key (None is "any"), the words shown, how many rows it would leave (None: not shown)."""

    key: str | None
    label: str
    count: int | None = None


class ChoiceModel(QAbstractListModel):
    """The choices whose label contains the search text; Role.KEY, Role.WHOLE (the count as text)."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[Choice, ...] = ()
        self._folded: tuple[str, ...] = ()
        self._shown: list[Choice] = []
        self._needle = ""

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """Replace the choices, keeping the search."""
        self._all = tuple(choices)
        self._folded = tuple(choice.label.casefold() for choice in choices)
        self.search(self._needle)

    def search(self, text: str) -> None:
        """Keep the choices whose label contains `text` anywhere, in any case."""
        self._needle = text.strip().casefold()
        self.beginResetModel()
        pairs = zip(self._all, self._folded, strict=True)
        self._shown = [choice for choice, folded in pairs if self._needle in folded]
        self.endResetModel()

    def choice(self, row: int) -> Choice:
        """The choice shown at `row`."""
        return self._shown[row]

    def row_of(self, key: str | None) -> int:
        """The row at which `key` is shown, or -1."""
        return next((row for row, choice in enumerate(self._shown) if choice.key == key), -1)

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 0 if parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        choice = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return visible(choice.label)
        if role == Qt.ItemDataRole.AccessibleTextRole:
            count = "" if choice.count is None else f", {grouped(choice.count)}"
            return f"{visible(choice.label)}{count}"
        if role == Role.WHOLE:
            return "" if choice.count is None else grouped(choice.count)
        return choice.key if role == Role.KEY else None


class ChoiceDelegate(QStyledItemDelegate):
    """The label at the left, its count at the right."""

    def __init__(self, theme: Theme, parent: QObject) -> None:
        super().__init__(parent)
        self._theme = theme
        self.chosen: str | None = None

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        words = option.fontMetrics.horizontalAdvance(str(index.data()))
        count = option.fontMetrics.horizontalAdvance(str(index.data(Role.WHOLE)))
        height = max(ROW, option.fontMetrics.height() + 12)
        return QSize(words + count + _GAP + 2 * _PAD + 16, height)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        theme, rect = self._theme, option.rect
        if option.state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, theme.colour("selection"))
        elif option.state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, theme.colour("hover"))
        inner = rect.adjusted(_PAD, 0, -_PAD, 0)
        painter.setFont(option.font)
        if index.data(Role.KEY) == self.chosen:
            tick = theme.pixmap(Icon.CHECK, "accent", 16, option.widget.devicePixelRatioF())
            painter.drawPixmap(inner.x() - 4, rect.y() + (rect.height() - 16) // 2, tick)
        inner.adjust(16, 0, 0, 0)
        count = str(index.data(Role.WHOLE))
        painter.setPen(theme.colour("dim"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, count)
        room = inner.width() - option.fontMetrics.horizontalAdvance(count) - (8 if count else 0)
        word = option.fontMetrics.elidedText(str(index.data()), Qt.TextElideMode.ElideMiddle, room)
        painter.setPen(theme.colour("text"))
        painter.drawText(inner, Qt.AlignmentFlag.AlignVCenter, word)
