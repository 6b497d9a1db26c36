"""The help: what can be done with the program, as its README says it, in a window of its own."""

import re

from PySide6.QtCore import QRect
from PySide6.QtGui import QKeySequence, QShortcut, QTextCursor
from PySide6.QtWidgets import QDialog, QLineEdit, QTextBrowser, QWidget

from app import paths
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.tab_order import step

_WIDE, _HIGH = 900, 640
_EDGE, _LEAST, _FRAME = 48, 420, 16
_TASKS = re.compile(r"^## What you can do\n.*?(^\*\*.*?)^## ", re.DOTALL | re.MULTILINE)
_TASK = re.compile(r"^\*\*(.+?)\.\*\*\s+", re.MULTILINE)


def tasks() -> str:
    """The README's part on what one can do, in Markdown, a heading for each task. Raises `OSError`."""
    found = _TASKS.search(paths.readme().read_text(encoding="utf-8"))
    return "" if found is None else _TASK.sub(r"### \1\n\n", found[1])


class HelpWindow(QDialog):
    """Stands beside the program's window, which goes on working. Ctrl+F finds a word, Enter the next."""

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Help — Tenant Admin")
        self.browser = QTextBrowser(openExternalLinks=True)
        self.browser.setAccessibleName("What you can do")
        self.browser.document().setDocumentMargin(12)
        self.browser.setMarkdown(tasks())
        self._wrap_code()
        self.browser.moveCursor(QTextCursor.MoveOperation.Start)
        self.field = QLineEdit(placeholderText="Find in the help")
        self.field.setAccessibleName("Find in the help")
        field_icons(theme, self.field, Icon.SEARCH)
        self.field.textChanged.connect(lambda _: self._find(again=False))
        self.field.returnPressed.connect(lambda: self._find(again=True))
        self.missing = Label(look=Look.DIM)
        in_column(self.field, self.missing, (self.browser, 1), within=self, margins=(16, 16, 16, 16))
        self.missing.hide()
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self._search)
        room = self.screen().availableSize()
        self.resize(min(_WIDE, room.width() - _EDGE), min(_HIGH, room.height() - _EDGE))
        self.browser.setFocus()
        if parent is not None:  # as a window of its own it would leave that to the desktop
            self.finished.connect(parent.activateWindow)

    def put_beside(self, other: QRect) -> None:
        """At the right of what it helps with, or at the left, where the screen has room to read there."""
        room = self.screen().availableGeometry()
        right, left = room.right() - other.right(), other.left() - room.left()
        if max(right, left) >= _LEAST:
            wide = min(_WIDE, max(right, left))
            self.resize(wide - _FRAME, min(max(_HIGH, other.height()), room.height()) - _EDGE)
            self.move(
                other.right() + 1 if right >= left else other.left() - wide, max(other.top(), room.top())
            )

    def _wrap_code(self) -> None:
        """Else the longest line of a command has the whole window scroll sideways."""
        block = self.browser.document().begin()
        while block.isValid():
            form = block.blockFormat()
            if form.nonBreakableLines():
                form.setNonBreakableLines(False)
                QTextCursor(block).setBlockFormat(form)
            block = block.next()

    def focusNextPrevChild(self, next_one: bool) -> bool:
        return step(self, next_one)

    def _search(self) -> None:
        self.field.setFocus()
        self.field.selectAll()

    def _find(self, *, again: bool) -> None:
        """From where the last was found on, and from the start behind the end."""
        cursor, words = self.browser.textCursor(), self.field.text()
        cursor.setPosition(cursor.selectionEnd() if again else cursor.selectionStart())
        document = self.browser.document()
        found = document.find(words, cursor)
        found = document.find(words) if found.isNull() else found
        self.missing.setText("Not in the help.")
        self.missing.setVisible(found.isNull() and bool(words))
        cursor.clearSelection()
        self.browser.setTextCursor(cursor if found.isNull() else found)
