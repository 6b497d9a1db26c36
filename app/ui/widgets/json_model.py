"""Parsed JSON as a tree model that makes its nodes as they are unfolded."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.services.text import visible
from app.ui.formatting import counted, first_line
from app.ui.json_text import Literal, Obj, literal
from app.ui.theme import Theme

Index = QModelIndex | QPersistentModelIndex


class _Node:
    """A key or place with its value; children are made when first asked for."""

    __slots__ = ("_children", "name", "parent", "row", "value")

    def __init__(self, name: str, value: object, parent: "_Node | None", row: int) -> None:
        self.name, self.value, self.parent, self.row = name, literal(value), parent, row
        self._children: list[_Node] | None = None

    @property
    def children(self) -> "list[_Node]":
        if self._children is None:
            if isinstance(self.value, Obj):
                pairs = self.value.members
            elif isinstance(self.value, list):
                pairs = [(str(number), item) for number, item in enumerate(self.value)]
            else:
                pairs = []
            self._children = [_Node(name, item, self, row) for row, (name, item) in enumerate(pairs)]
        return self._children

    def text(self) -> str:
        if isinstance(self.value, Obj):
            return f"{{ {counted(len(self.value.members), 'member')} }}"
        if isinstance(self.value, list):
            return f"[ {counted(len(self.value), 'item')} ]"
        if isinstance(self.value, Literal):
            return first_line(self.value)
        return f'"{first_line(str(self.value))}"'

    def whole(self) -> str:
        return self.text() if isinstance(self.value, Obj | list) else str(self.value)


class JsonModel(QAbstractItemModel):
    """Two columns, name and value. The root's members are the top rows; a bare value has no name."""

    def __init__(self, theme: Theme, value: object, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        nested = isinstance(value, Obj | list)
        self._root = _Node("", value if nested else [value], None, 0)
        self._bare = not nested

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return len(self._node(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008 - Qt's own default
        return 2

    def index(self, row: int, column: int, parent: Index = QModelIndex()) -> QModelIndex:  # noqa: B008
        children = self._node(parent).children
        if not (0 <= row < len(children) and 0 <= column < 2):
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: Index = QModelIndex()) -> QModelIndex:  # type: ignore[override]  # noqa: B008
        node = self._node(index).parent
        return QModelIndex() if node is None or node is self._root else self.createIndex(node.row, 0, node)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if not index.isValid():
            return None
        node = self._node(index)
        if role == Qt.ItemDataRole.DisplayRole:
            name = "" if self._bare else node.name
            return visible(first_line(name)) if index.column() == 0 else visible(node.text())
        if role == Qt.ItemDataRole.ForegroundRole:
            dim = index.column() == 0 or isinstance(node.value, Obj | list)
            return QColor(self._theme.tokens.dim if dim else self._theme.tokens.text)
        return None

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if role == Qt.ItemDataRole.DisplayRole and orientation == Qt.Orientation.Horizontal:
            return ("Name", "Value")[section]
        return None

    def whole(self, index: Index) -> str:
        """The whole value at `index`, for copying."""
        return self._node(index).whole()

    def _node(self, index: Index) -> _Node:
        node = index.internalPointer() if index.isValid() else None
        return node if isinstance(node, _Node) else self._root
