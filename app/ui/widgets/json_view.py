"""JSON as a tree that cannot be made to hang the window, or as its text."""

import json
import re
from typing import NamedTuple

from PySide6.QtCore import QAbstractItemModel, QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QHBoxLayout,
    QMenu,
    QSizePolicy,
    QStackedLayout,
    QTreeView,
    QVBoxLayout,
    QWidget,
)

from app.itemmodels.columns import ROOT, Index
from app.services.text import counted, visible
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.formatting import byte_size, first_line
from app.ui.widgets.labels import Label, Look, text_box

_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]|[^\s{}\[\],:"]+|"', re.DOTALL)
_INDENT = "  "


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

    def rowCount(self, parent: Index = ROOT) -> int:
        return len(self._node(parent).children) if parent.column() <= 0 else 0

    def columnCount(self, parent: Index = ROOT) -> int:
        return 2

    def index(self, row: int, column: int, parent: Index = ROOT) -> QModelIndex:
        children = self._node(parent).children
        if not (0 <= row < len(children) and 0 <= column < 2):
            return QModelIndex()
        return self.createIndex(row, column, children[row])

    def parent(self, index: Index = ROOT) -> QModelIndex:  # type: ignore[override]
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
            return self._theme.colour("dim" if dim else "text")
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


LARGE = 256 * 1024


class JsonView(QWidget):
    """`JsonView(theme, name="Payload", parent=None)`; `set_json(text)` shows it, None shows nothing.

    A tree and a text view with a toggle between them (`show_tree(on)`), and a copy button that copies the
    stored text. What is no JSON, or nests too deep, is shown as text with a sentence; so is text of more
    than 256 KB, of which the first part shows until "Show all" is pressed. Numbers and repeated keys appear
    as written; hidden characters as escapes.
    """

    def __init__(self, theme: Theme, name: str = "Payload", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._text: str | None = None
        self._whole = False
        self._wants_tree = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.note = Label(look=Look.DIM, wrap=True)
        self.note.hide()
        self.all_button = push_button(theme, "Show all", kind=Kind.FLAT)
        self.all_button.setProperty("small", True)
        self.all_button.hide()
        self.all_button.clicked.connect(self._show_all)
        self.tree_button = tool_button(theme, Icon.TREE, "Show as a tree")
        self.tree_button.setCheckable(True)
        self.text_button = tool_button(theme, Icon.CODE, "Show as text")
        self.text_button.setCheckable(True)
        self.copy_button = tool_button(theme, Icon.COPY, f"Copy {name.lower()}")
        self.tree_button.clicked.connect(lambda: self.show_tree(True))
        self.text_button.clicked.connect(lambda: self.show_tree(False))
        self.copy_button.clicked.connect(self.copy)
        self.text_view = text_box(theme, f"{name} as text")
        self.text_view.setUndoRedoEnabled(False)
        self.text_view.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.tree = _Tree(name)
        self.tree.setFont(theme.mono_font())

        head = QHBoxLayout()
        head.setSpacing(2)
        head.addWidget(Label(name, Look.SECTION))
        head.addStretch(1)
        for button in (self.text_button, self.tree_button, self.copy_button):
            head.addWidget(button)
        foot = QHBoxLayout()
        foot.addWidget(self.note, 1)
        foot.addWidget(self.all_button, 0, Qt.AlignmentFlag.AlignBottom)
        self._stack = QStackedLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addLayout(head)
        column.addLayout(self._stack, 1)
        # Only now: a stack shows its first page at once, which without a parent is a window of its own.
        self._stack.addWidget(self.text_view)
        self._stack.addWidget(self.tree)
        column.addLayout(foot)
        self.set_json(None)

    def set_json(self, text: str | None) -> None:
        """Show this text."""
        if text == self._text and text is not None:
            return
        self._text, self._whole = text, False
        self._fill()

    def show_tree(self, on: bool) -> None:
        """Show the tree when there can be one, else the text."""
        self._wants_tree = on
        self._choose()

    def copy(self) -> None:
        """Put the stored text on the clipboard."""
        QGuiApplication.clipboard().setText(self._text or "")

    def _show_all(self) -> None:
        self._whole = True
        self._fill()

    def _fill(self) -> None:
        text = self._text or ""
        large = len(text) > LARGE
        note, model = "", None
        if large:
            shown = text if self._whole else text[: LARGE // 4]
            if not self._whole:
                note = f"The first part of {byte_size(len(text))}."
        else:
            shown = text
            try:
                model = JsonModel(self._theme, parse(text), self.tree) if text else None
                shown = indented(text)
            except ValueError as error:
                deep = "nests too deep" in str(error)
                note = (
                    str(error) if deep else "This is not valid JSON; it is shown as stored." if text else ""
                )
        old = self.tree.model()
        self.tree.setModel(model)
        if old is not None:
            old.deleteLater()
        self.text_view.setPlainText(visible(shown, keep="\n"))
        self.tree_button.setEnabled(model is not None)
        self.tree_button.setToolTip(
            "Show as a tree" if model is not None else "Only valid JSON below 256 KB has a tree."
        )
        self.copy_button.setEnabled(self._text is not None)
        self.note.setText(note)
        self.note.setVisible(bool(note))
        self.all_button.setVisible(large and not self._whole)
        if model is not None:
            self.tree.expandToDepth(1 if model.rowCount() <= 50 else -1)
            self.tree.resizeColumnToContents(0)
        self._choose()

    def _choose(self) -> None:
        tree = self._wants_tree and self.tree.model() is not None
        self._stack.setCurrentWidget(self.tree if tree else self.text_view)
        self.tree_button.setChecked(tree)
        self.text_button.setChecked(not tree)


class _Tree(QTreeView):
    """Folds with the keyboard, copies the current value with Ctrl+C or the menu."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.setAccessibleName(f"{name} as a tree")
        self.setHeaderHidden(True)
        self.setUniformRowHeights(True)
        self.setIndentation(16)
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)
        self.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.customContextMenuRequested.connect(self._menu)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        model = self.model()
        if isinstance(model, JsonModel) and self.currentIndex().isValid():
            QGuiApplication.clipboard().setText(model.whole(self.currentIndex()))

    def _menu(self, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy value", self._copy).setEnabled(self.currentIndex().isValid())
        menu.addSeparator()
        menu.addAction("Unfold all", self.expandAll)
        menu.addAction("Fold all", self.collapseAll)
        menu.popup(self.viewport().mapToGlobal(where))
