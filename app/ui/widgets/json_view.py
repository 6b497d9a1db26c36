"""JSON as a tree that cannot be made to hang the window, or as its text."""

import json
import re
from functools import cached_property
from typing import NamedTuple

from PySide6.QtCore import QAbstractItemModel, QMimeData, QModelIndex, QObject, QSize, Qt
from PySide6.QtGui import QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QMenu, QPlainTextEdit, QSizePolicy, QStackedLayout, QTreeView, QWidget

from app.itemmodels.columns import DISPLAY, ROOT, Index
from app.services.runs.contents import LARGE, indented
from app.services.text import counted, to_the_end, visible
from app.ui.theme import Icon, Kind, Theme
from app.ui.widgets.actions import key_alone
from app.ui.widgets.buttons import lead_to_chosen, one_of_icons, push_button, tool_button
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.formatting import first_line
from app.ui.widgets.labels import SELECTABLE, Label, Look, in_column, in_lines, in_row, text_box

_NAME = re.compile(r'^ *"(?:[^"\\\n]|\\.)*":(?= )', re.MULTILINE)
_MARK = "\u200e"
"""A left-to-right mark: between a name and its value, so that neither changes the place of the other."""
_AROUND = 0
"""Pixels around the text, besides the box's padding: with more, a name and an id would scroll sideways."""
_AS_STORED = "This is not valid JSON; it is shown as stored."


class Literal(str):
    """A number, true, false or null, as written."""

    __slots__ = ()


class Obj(NamedTuple):
    """An object's members in order, repeated keys included."""

    members: list[tuple[str, object]]


def parse(text: str) -> object:
    """A str, bool, None, Literal, list or Obj. Raises ValueError for what is no JSON, and RecursionError."""
    return json.loads(
        text,
        parse_int=Literal,
        parse_float=Literal,
        parse_constant=Literal,
        object_pairs_hook=lambda pairs: Obj(list(pairs)),
    )


class _Node:
    """A key or place with its value; children are made when first asked for."""

    def __init__(self, name: str, value: object, parent: "_Node | None", row: int) -> None:
        if value is None or isinstance(value, bool):
            value = Literal(json.dumps(value))
        self.name, self.value, self.parent, self.row = name, value, parent, row

    @cached_property
    def children(self) -> "list[_Node]":
        pairs = self.value.members if isinstance(self.value, Obj) else []
        if isinstance(self.value, list):
            pairs = [(str(number), item) for number, item in enumerate(self.value)]
        return [_Node(name, item, self, row) for row, (name, item) in enumerate(pairs)]

    def text(self) -> str:
        match self.value:
            case Obj(members):
                return f"{{ {counted(len(members), 'member')} }}"
            case list():
                return f"[ {counted(len(self.value), 'item')} ]"
            case Literal():
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
        if not self.hasIndex(row, column, parent):
            return QModelIndex()
        return self.createIndex(row, column, self._node(parent).children[row])

    def parent(self, index: Index = ROOT) -> QModelIndex:  # type: ignore[override]
        node = self._node(index).parent
        return QModelIndex() if node is None or node is self._root else self.createIndex(node.row, 0, node)

    def data(self, index: Index, role: int = DISPLAY) -> object:
        if not index.isValid():
            return None
        node = self._node(index)
        if role == DISPLAY:
            name = "" if self._bare else node.name
            return visible(first_line(name)) if index.column() == 0 else visible(node.text())
        if role == Qt.ItemDataRole.ForegroundRole:
            dim = index.column() == 0 or isinstance(node.value, Obj | list)
            return self._theme.colour("dim" if dim else "text")
        return None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Of what holds nothing also that: else it is said to be unfolded."""
        flags = super().flags(index)
        return flags if self._node(index).children else flags | Qt.ItemFlag.ItemNeverHasChildren

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = DISPLAY) -> object:
        is_name = role == DISPLAY and orientation == Qt.Orientation.Horizontal
        return ("Name", "Value")[section] if is_name else None

    def whole(self, index: Index) -> str:
        return self._node(index).whole()

    def _node(self, index: Index) -> _Node:
        node = index.internalPointer() if index.isValid() else None
        return node if isinstance(node, _Node) else self._root


_BORDERS, _MOST = 24, 4_000
_LEAST_LINES = 13


class JsonView(QWidget):
    """A tree and a text view with a toggle between them, and a button that copies the stored text. It is as
    high as its text where there is room, and at least as high as 13 lines of it.

    What is no JSON, or nests too deep, is shown as text with a sentence; so is text of more than 256 KiB, of
    which the first part shows until "Show all" is pressed. Numbers and repeated keys appear as written,
    hidden characters as escapes.
    """

    def __init__(self, theme: Theme, name: str = "Payload") -> None:
        super().__init__()
        self._theme = theme
        self._text: str | None = None
        self._unless, self._whole = _AS_STORED, False
        self._wants_tree = False
        self.setAccessibleName(name)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.note = Label(look=Look.DIM, wrap=True)
        self.note.hide()
        self.all_button = push_button(theme, "Show all", self._show_all, kind=Kind.FLAT)
        self.all_button.setProperty("small", True)
        self.all_button.hide()
        self.tree_button = one_of_icons(theme, Icon.TREE, "Show as a tree", lambda: self.show_tree(True))
        self.text_button = one_of_icons(theme, Icon.CODE, "Show as text", lambda: self.show_tree(False))
        lead_to_chosen((self.text_button, self.tree_button))
        self.copy_button = tool_button(theme, Icon.COPY, f"Copy {name.lower()}", self.copy)
        self.text_view = text_box(theme, f"{name} as text", kind=_Text)
        from_left = self.text_view.document().defaultTextOption()
        from_left.setTextDirection(Qt.LayoutDirection.LeftToRight)
        self.text_view.document().setDefaultTextOption(from_left)
        self.text_view.document().setDocumentMargin(_AROUND)
        self.text_view.setUndoRedoEnabled(False)
        self.text_view.setTextInteractionFlags(SELECTABLE)
        self.tree = _Tree(name)
        self.tree.setFont(theme.mono_font())

        buttons = (self.text_button, self.tree_button, self.copy_button)
        head = in_row(Label(name, Look.SECTION), None, *buttons, spacing=2)
        foot = in_row((self.note, 1), spacing=6)
        foot.addWidget(self.all_button, 0, Qt.AlignmentFlag.AlignBottom)
        self._stack = QStackedLayout()
        self._column = in_column(head, (self._stack, 1), foot, within=self, spacing=4)
        # Only now: a stack shows its first page at once, which without a parent is a window of its own.
        self._stack.addWidget(self.text_view)
        self._stack.addWidget(self.tree)
        self.set_json(None)

    def set_json(self, text: str | None, unless: str = _AS_STORED) -> None:
        """Shows it; `unless` it is JSON with this sentence, or none."""
        if (text, unless) == (self._text, self._unless) and text is not None:
            return
        self._text, self._unless, self._whole = text, unless, False
        self._fill()

    def show_tree(self, on: bool) -> None:
        """Show the tree when there can be one, else the text."""
        self._wants_tree = on
        self._choose()

    def copy(self) -> None:
        copy_text(self._text or "")

    def _show_all(self) -> None:
        self._whole = True
        self.text_view.setFocus()  # the button goes
        self._fill()

    def _fill(self) -> None:
        shown = text = self._text or ""
        note, model = "", None
        large = len(text) > LARGE
        if large and not self._whole:
            shown, note = text[: LARGE // 16], f"The first part of {counted(len(text), 'character')}."
        elif text and not large:
            try:
                model = JsonModel(self._theme, parse(text), self.tree)
                shown = indented(text)
            except RecursionError:
                note = "This JSON nests too deep to show as a tree."
            except ValueError:
                note = self._unless
        old = self.tree.model()
        self.tree.setModel(model)
        if old is not None:
            old.deleteLater()
        self.text_view.setPlainText(
            _NAME.sub(lambda name: name[0] + ("" if name[0].isascii() else _MARK), in_lines(shown))
        )
        self.tree_button.setEnabled(model is not None)
        self.tree_button.setToolTip(
            "Show as a tree" if model is not None else "Only valid JSON below 256 KiB has a tree."
        )
        self.copy_button.setEnabled(self._text is not None)
        self.note.say(note)
        self.all_button.setVisible(large and not self._whole)
        self._take_height()
        if model is not None:
            self.tree.expandToDepth(1 if model.rowCount() <= 50 else -1)
            self.tree.resizeColumnToContents(0)
        self._choose()

    def _take_height(self) -> None:
        lines = self.text_view.document().blockCount() + 1  # and room for a scroll bar
        line = self.text_view.fontMetrics().lineSpacing()
        for view in (self.text_view, self.tree):
            view.setMinimumHeight(_BORDERS + min(lines, _LEAST_LINES) * line)
        self._text_height = min(_BORDERS + lines * line, _MOST)
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        others = self._column.minimumSize().height() - self.text_view.minimumHeight()
        return QSize(super().sizeHint().width(), others + self._text_height)

    def _choose(self) -> None:
        tree = self._wants_tree and self.tree.model() is not None
        self._stack.setCurrentWidget(self.tree if tree else self.text_view)
        self.tree_button.setChecked(tree)
        self.text_button.setChecked(not tree)


class _Text(QPlainTextEdit):
    """Copies what was stored, without the marks."""

    def createMimeDataFromSelection(self) -> QMimeData:
        copied = QMimeData()
        copied.setText(to_the_end(self.textCursor().selection().toPlainText().replace(_MARK, "")))
        return copied


class _Tree(QTreeView):
    """Folds with the keyboard, copies the current value with Ctrl+C or the menu."""

    def __init__(self, name: str) -> None:
        super().__init__(headerHidden=True, uniformRowHeights=True, indentation=16)
        self.setAccessibleName(f"{name} as a tree")
        self.setEditTriggers(QTreeView.EditTrigger.NoEditTriggers)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.matches(QKeySequence.StandardKey.Copy):
            self._copy()
        elif key_alone(event):  # of an act: it looks for no name
            event.ignore()
        else:
            super().keyPressEvent(event)

    def _copy(self) -> None:
        model = self.model()
        if isinstance(model, JsonModel) and self.currentIndex().isValid():
            copy_text(model.whole(self.currentIndex()))

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.addAction("Copy value", self._copy).setEnabled(self.currentIndex().isValid())
        menu.addSeparator()
        menu.addAction("Unfold all", self.expandAll)
        menu.addAction("Fold all", self.collapseAll)
        menu.popup(event.globalPos())
