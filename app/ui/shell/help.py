"""The help: what can be done with the program (`resources/help/help.md`), in a window of its own."""

import re
from bisect import bisect

from PySide6.QtCore import QPoint, QRect, QSignalBlocker, Qt
from PySide6.QtGui import QKeySequence, QResizeEvent, QShortcut, QShowEvent, QTextBlock, QTextCursor
from PySide6.QtWidgets import QComboBox, QDialog, QLineEdit, QListWidget, QTextBrowser, QWidget

from app import paths
from app.ui.theme import Icon, Theme
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.labels import Label, Look, in_column, in_row, name_choice
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import step

_WIDE, _HIGH = 900, 640
_EDGE, _LEAST, _FRAME, _OVER = 48, 420, 16, 560
_SENTENCE_ENDS = re.compile(r"(?<=[a-zà-ž0-9)”\"`][.:])\s+(?=[A-Z“\"`])")
_BLOCK = 360
"""Letters of a paragraph, which ends with the sentence after them: nobody reads on in walls of text."""
_CONTENTS, _FOR_CONTENTS = 270, 720
"""Pixels of the list of what there is, and of the window that has room for it beside the words."""
_SUBJECT, _IN = 2, "\u2002"
"""The level of a subject's heading, and what stands before the name of one of its tasks."""
_ABOVE = 12
_BEFORE = 20
"""Pixels above a heading, which parts it from what it is not of."""


def tasks() -> str:
    """What one can do, in Markdown: a heading for each subject and task, and sentences in short paragraphs.
    Raises `OSError`.
    """
    is_code, parts = False, list[str]()
    _title, *told = paths.help_file().read_text(encoding="utf-8").split("\n\n")
    for part in told:
        words = part.strip() and not is_code and part[0] not in "#`|-*> "
        parts.append(_in_blocks(part) if words else part)
        is_code ^= part.count("```") % 2 == 1
    return "\n\n".join(parts)


def _in_blocks(paragraph: str) -> str:
    blocks = [""]
    for sentence in _SENTENCE_ENDS.split(paragraph):
        if len(blocks[-1]) + len(sentence) > _BLOCK and blocks[-1]:
            blocks.append("")
        blocks[-1] = f"{blocks[-1]} {sentence}".strip()
    return "\n\n".join(blocks)


class _HelpText(QTextBrowser):
    """What is read stays in sight when it wraps elsewhere."""

    def resizeEvent(self, event: QResizeEvent) -> None:
        first = self.cursorForPosition(QPoint(_ABOVE, _ABOVE))
        super().resizeEvent(event)
        bar = self.verticalScrollBar()
        if bar.value():
            bar.setValue(bar.value() + self.cursorRect(first).top() - _ABOVE)


class HelpWindow(QDialog):
    """Stands beside the program's window, which goes on working. What there is stands in a list beside the
    words, or above them where it is narrow. Ctrl+F finds a word, Enter the next.
    """

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Help — Tenant Admin")
        self.browser = _HelpText(openExternalLinks=True)
        self.browser.setAccessibleName("What you can do")
        self.browser.document().setDocumentMargin(12)
        self.browser.setMarkdown(tasks())
        self._wrap_code()
        self._headings = self._find_headings()
        self.contents, self.parts = QListWidget(), QComboBox()
        for block in self._headings:
            self._list(block)
        self.contents.setFixedWidth(_CONTENTS)
        self.contents.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # words are cut
        self.parts.setMinimumContentsLength(12)
        self.contents.setAccessibleName("Sections of the help")
        name_choice(self.parts, "Section of the help")
        self.contents.currentRowChanged.connect(self._show_part)
        self.parts.activated.connect(self._show_part)
        self.browser.moveCursor(QTextCursor.MoveOperation.Start)
        self.field = QLineEdit(placeholderText="Find in the help")
        self.field.setAccessibleName("Find in the help")
        field_icons(theme, self.field, Icon.SEARCH)
        self.field.textChanged.connect(lambda _: self._find(again=False))
        self.field.returnPressed.connect(lambda: self._find(again=True))
        self.missing = Label(look=Look.DIM)
        words = QWidget()
        in_row(self.contents, (self.browser, 1), within=words, spacing=12)
        above = self.field, self.missing, self.parts
        in_column(*above, (words, 1), within=self, margins=(16, 16, 16, 16))
        self.missing.hide()
        self.browser.verticalScrollBar().valueChanged.connect(self._say_part)
        self._say_part()
        QShortcut(QKeySequence.StandardKey.Find, self).activated.connect(self._search)
        room = self.screen().availableSize()
        self.resize(min(_WIDE, room.width() - _EDGE), min(_HIGH, room.height() - _EDGE))
        self.browser.setFocus()
        if parent is not None:  # as a window of its own it would leave that to the desktop
            self.finished.connect(parent.activateWindow)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where there is room beside the words, all that there is stands there."""
        super().resizeEvent(event)
        wide = self.width() >= _FOR_CONTENTS
        focused = self.contents.hasFocus() or self.parts.hasFocus()
        self.contents.setVisible(wide)
        self.parts.setVisible(not wide)
        if focused:
            (self.contents if wide else self.parts).setFocus(Qt.FocusReason.OtherFocusReason)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self.contents.doItemsLayout()  # which was done before the style had its say

    def _list(self, heading: QTextBlock) -> None:
        """A subject in bold letters, its tasks below it, a little to the right."""
        title, is_subject = heading.text(), heading.blockFormat().headingLevel() == _SUBJECT
        self.contents.addItem(title if is_subject else _IN + title)
        self.parts.addItem(title if is_subject else _IN + title)
        item = self.contents.item(self.contents.count() - 1)
        item.setToolTip(title)
        item.setData(Qt.ItemDataRole.AccessibleTextRole, title)
        if is_subject:
            font = self.contents.font()
            font.setBold(True)
            item.setFont(font)
            self.parts.setItemData(self.parts.count() - 1, font, Qt.ItemDataRole.FontRole)

    def _find_headings(self) -> list[QTextBlock]:
        found, block = list[QTextBlock](), self.browser.document().begin()
        while block.isValid():
            if block.blockFormat().headingLevel():
                found.append(block)
                form = block.blockFormat()
                form.setTopMargin(_BEFORE if len(found) > 1 else 0)
                QTextCursor(block).setBlockFormat(form)
            block = block.next()
        return found

    def _top(self, block: QTextBlock) -> int:
        return int(self.browser.document().documentLayout().blockBoundingRect(block).top())

    def _show_part(self, number: int) -> None:
        if 0 <= number < len(self._headings):
            self.browser.document().size()  # all of it is laid out now, and so the bar knows how far it goes
            block = self._headings[number]
            self.browser.setTextCursor(QTextCursor(block))
            with QSignalBlocker(self.browser.verticalScrollBar()):  # the last may not come up to the top
                self.browser.verticalScrollBar().setValue(self._top(block) - _ABOVE)
            self.browser.viewport().update()
            self._mark_part(number)

    def _say_part(self) -> None:
        """Marks, in what there is, the part that is in sight."""
        self._mark_part_at(self.browser.cursorForPosition(QPoint(_ABOVE, 3 * _ABOVE)).position())

    def _mark_part_at(self, position: int) -> None:
        self._mark_part(max(0, bisect([block.position() for block in self._headings], position) - 1))

    def _mark_part(self, number: int) -> None:
        with QSignalBlocker(self.contents):
            self.contents.setCurrentRow(number)
        self.parts.setCurrentIndex(number)

    def put_beside(self, other: QRect) -> None:
        """At the right of what it helps with, or at the left, where the screen has room to read there; else
        it covers no more of that than it needs, from the right.
        """
        room = self.screen().availableGeometry()
        right, left = room.right() - other.right(), other.left() - room.left()
        high = min(max(_HIGH, other.height()), room.height()) - _EDGE
        if max(right, left) >= _LEAST:
            wide = min(_WIDE, max(right, left))
            self.resize(wide - _FRAME, high)
            self.move(
                other.right() + 1 if right >= left else other.left() - wide, max(other.top(), room.top())
            )
        else:
            wide = min(_OVER, room.width())
            self.resize(wide - _FRAME, high)
            self.move(room.right() - wide, max(other.top(), room.top()))

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
        if not found.isNull():
            later(self, 0, self._show_around)

    def _show_around(self) -> None:
        """What comes before and after a place that was found is in sight, too: Qt leaves it at the edge."""
        place, room = self.browser.cursorRect(), self.browser.viewport().height()
        if not room // 6 <= place.top() <= room * 2 // 3:
            bar = self.browser.verticalScrollBar()
            bar.setValue(bar.value() + place.top() - room // 3)
        self._mark_part_at(self.browser.textCursor().position())
