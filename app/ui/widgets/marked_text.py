"""Text in which the places of some words are marked."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QTextCharFormat, QTextCursor
from PySide6.QtWidgets import QTextEdit

from app.services.sought import places_in, sought
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
    """Marks each place of the words, as a search compares them, up to `MOST_MARKS`; those of before no more.
    How many these are.
    """
    marks, look = list[QTextEdit.ExtraSelection](), QTextCharFormat()
    look.setBackground(theme.colour("warn_on"))
    look.setForeground(theme.colour("text"))
    look.setFontUnderline(True)
    for place in islice(_places(view, words), MOST_MARKS):
        mark = QTextEdit.ExtraSelection()
        mark.cursor, mark.format = place, look
        marks.append(mark)
    view.setExtraSelections(marks)
    return len(marks)


def find_next(view: QTextEdit, words: str) -> bool:
    """Selects the next place of the words, behind what is selected; whether there is one."""
    found = next(_places(view, words, view.textCursor().selectionEnd()), None)
    if found is not None:
        view.setTextCursor(found)
    return found is not None


def _places(view: QTextEdit, words: str, behind: int = 0) -> Iterator[QTextCursor]:
    """Behind that many of Qt's characters, which are halves of some letters."""
    text = view.toPlainText().encode("utf-16-le", "surrogatepass")[2 * behind :]
    plain, at, place = text.decode("utf-16-le", "replace"), behind, 0
    for begins, ends in places_in(plain, sought(words)):
        begin = at + _units(plain[place:begins])
        place, at = ends, begin + _units(plain[begins:ends])
        found = QTextCursor(view.document())
        found.setPosition(begin)
        found.setPosition(at, QTextCursor.MoveMode.KeepAnchor)
        yield found


def _units(text: str) -> int:
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


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
        cursor.setPosition(_units(visible(text[start:at], keep="\n\t")))
        self.setTextCursor(cursor)
        self._mark()
        self.ensureCursorVisible()

    def _mark(self) -> None:
        mark_all(self, self._words, self._theme)

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), self.maximumHeight())
