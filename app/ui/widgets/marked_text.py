"""Text in which the places of some words are marked."""

from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from app.services.text import visible
from app.ui.theme import Theme
from app.ui.widgets.labels import SELECTABLE

MOST_MARKS: Final = 300
_MOST: Final = 20_000
"""Characters that are shown of a text, around the place."""
_BEFORE: Final = 40
_LEAST_LINES, _MOST_LINES = 2, 5
_PER_LINE: Final = 80


def mark_all(view: QTextEdit, words: str, theme: Theme) -> int:
    """Marks each place of the words, in whatever case, up to `MOST_MARKS`; those of before no more. How many
    these are.
    """
    marks, look = list[QTextEdit.ExtraSelection](), QTextCharFormat()
    look.setBackground(theme.colour("warn_on"))
    look.setForeground(theme.colour("text"))
    look.setFontUnderline(True)
    found = view.document().find(words) if words else QTextCursor()
    while not found.isNull() and len(marks) < MOST_MARKS:
        mark = QTextEdit.ExtraSelection()
        mark.cursor, mark.format = QTextCursor(found), look
        marks.append(mark)
        found = view.document().find(words, found)
    view.setExtraSelections(marks)
    return len(marks)


class MarkedText(QTextEdit):
    """A plain text, some lines high, in sight where words of it stand that are marked."""

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme, self._words, self._lines = theme, "", _LEAST_LINES
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptRichText(False)
        self.setTextInteractionFlags(SELECTABLE)
        theme.changed.connect(self._mark)  # no lambda, which would outlive this

    def show_text(self, text: str, before: str, words: str) -> None:
        """Shows it where the words follow on what is `before` them; of a long text what is around that."""
        at = max(text.find(f"{before[-_BEFORE:]}{words}"), 0)
        start = max(0, at - _MOST // 2)
        end = start + _MOST
        shown = f"{'…' if start else ''}{text[start:end]}{'…' if end < len(text) else ''}"
        self._words = visible(words)
        self.setPlainText(visible(shown, keep="\n\t"))
        self._lines = shown.count("\n") + len(shown) // _PER_LINE + 1
        line = self.fontMetrics().lineSpacing()
        self.setFixedHeight(min(max(self._lines, _LEAST_LINES), _MOST_LINES) * line + 14)
        cursor = QTextCursor(self.document())
        cursor.setPosition(len(visible(text[start:at], keep="\n\t").encode("utf-16-le")) // 2)
        self.setTextCursor(cursor)
        self._mark()
        self.ensureCursorVisible()

    def _mark(self) -> None:
        mark_all(self, self._words, self._theme)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.maximumHeight())
