"""JSON as text and as a tree, exactly as written: no number becomes a float, no repeated key is lost."""

import json
import re
from typing import NamedTuple

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPersistentModelIndex, Qt
from PySide6.QtGui import QColor

from app.services.text import visible
from app.ui.theme import Theme
from app.ui.widgets.formatting import counted, first_line

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_INDENT = "  "
Index = QModelIndex | QPersistentModelIndex


class Literal(str):
    """A number, true, false or null, as written."""

    __slots__ = ()


class Obj(NamedTuple):
    """An object's members in order, repeated keys included."""

    members: list[tuple[str, object]]


def parse(text: str) -> object:
    """A str, Literal, list or Obj; inner true, false and null are Python's, see `literal`.

    Raises ValueError for what is no JSON or nests too deep.
    """
    try:
        value = json.loads(
            text,
            parse_int=Literal,
            parse_float=Literal,
            parse_constant=Literal,
            object_pairs_hook=lambda pairs: Obj(list(pairs)),
        )
    except RecursionError:
        raise ValueError("This JSON nests too deep to show as a tree.") from None
    return literal(value)


def literal(value: object) -> object:
    """`true`, `false` and `null` as Literal, anything else unchanged."""
    if value is None:
        return Literal("null")
    return Literal("true" if value else "false") if isinstance(value, bool) else value


def indented(text: str) -> str:
    """JSON text laid out over lines, part by part, each part as written; never raises.

    Works on broken JSON as well, and on any depth (lines are indented by at most 40 steps).
    """
    parts: list[str] = []
    depth = 0
    parts_of_text = _TOKEN.findall(text)
    for number, part in enumerate(parts_of_text):
        following = parts_of_text[number + 1] if number + 1 < len(parts_of_text) else ""
        if part in "{[":
            depth += 1
            parts.append(part)
            if following not in ("}", "]"):
                parts.append(_newline(depth))
        elif part in "}]":
            depth = max(0, depth - 1)
            if number and parts_of_text[number - 1] not in ("{", "["):
                parts.append(_newline(depth))
            parts.append(part)
        elif part == ",":
            parts.append("," + _newline(depth))
        elif part == ":":
            parts.append(": ")
        else:
            parts.append(part)
    return "".join(parts)


def _newline(depth: int) -> str:
    return "\n" + _INDENT * min(depth, 40)


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
