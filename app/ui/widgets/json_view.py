"""Shows JSON as a folding tree or as text, exactly as stored, whatever its size and faults."""

from PySide6.QtCore import QPoint, Qt
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

from app.services.text import visible
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button, tool_button
from app.ui.widgets.formatting import byte_size
from app.ui.widgets.json_model import JsonModel, indented, parse
from app.ui.widgets.labels import Label, Look, text_box

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
        self.tree_button = tool_button(theme, Icon.TREE, "Show as a tree", small=True)
        self.tree_button.setCheckable(True)
        self.text_button = tool_button(theme, Icon.CODE, "Show as text", small=True)
        self.text_button.setCheckable(True)
        self.copy_button = tool_button(theme, Icon.COPY, f"Copy {name.lower()}", small=True)
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
