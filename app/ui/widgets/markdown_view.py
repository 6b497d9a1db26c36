"""Markdown to read: nothing of it is loaded from a disk or a network, no HTML in it is markup, and no link of
it leads anywhere.

And text in which the places of some words are marked.
"""

import re
from collections.abc import Iterator
from itertools import islice, takewhile
from typing import Any, Final

from PySide6.QtCore import QSize, QUrl
from PySide6.QtGui import (
    QImage,
    QTextCharFormat,
    QTextCursor,
    QTextDocument,
    QTextFormat,
    QTextFrameFormat,
    QTextTable,
)
from PySide6.QtWidgets import QTextEdit

from app.services.sought import places_in, sought
from app.services.text import visible
from app.ui.theme import Theme
from app.ui.widgets.labels import SELECTABLE

_FEATURES = QTextDocument.MarkdownFeature.MarkdownNoHTML | QTextDocument.MarkdownFeature.MarkdownDialectGitHub
_KEPT = "\n\t"
_ALTERNATIVE: Final = QTextFormat.Property.ImageAltText
_TITLE: Final = QTextFormat.Property.ImageTitle
_CODE: Final = QTextFormat.Property.BlockCodeFence
_FRONT_MATTER: Final = re.compile(r"---[ \t]*\n(.*?)\n---[ \t]*(?:\n|\Z)", re.DOTALL)
_BAR: Final = re.compile(r"(?<!\\)\|")
_DASHES: Final = re.compile(r" {0,3}\|?(?:[ \t]*:?-+:?[ \t]*\|)*(?:[ \t]*:?-+:?)?[ \t]*")
_FENCE: Final = re.compile(r" {0,3}(`{3,}|~{3,})")
_NAMED: Final = re.compile(r"((?: {0,3}(?:>|[*+-]|\d{1,9}[.)]))* {0,3})\[[^\]\n]+\]:")


_MARGIN, _PADDING = 12, 5
_HEADINGS: Final = {1: 2, 2: 1}
"""How much larger than text the highest are, in Qt's steps; the others are bold alone."""
_MOST_COLUMNS, _MOST_QUOTES = 60, 40
"""A line with more of them takes long to lay out, or leaves no room for a word: it is shown as written."""


def _is_beyond(text: str) -> bool:
    lines = text.split("\n")
    return any(
        line.count("|") > _MOST_COLUMNS or line[: -len(line.lstrip("> \t")) or None].count(">") > _MOST_QUOTES
        for line in lines
    )


def _set_apart(document: QTextDocument, theme: Theme) -> None:
    """Gives headings their size and the room around them, code a ground, and tables a thin line."""
    block, cursor = document.begin(), QTextCursor(document)
    while block.isValid():
        if level := block.blockFormat().headingLevel():
            cursor.setPosition(block.position())
            form = block.blockFormat()
            form.setTopMargin(0 if block.position() == 0 else 14)
            form.setBottomMargin(4)
            cursor.setBlockFormat(form)
            cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
            size = QTextCharFormat()
            size.setProperty(QTextFormat.Property.FontSizeAdjustment, _HEADINGS.get(level, 0))
            cursor.mergeCharFormat(size)
        elif block.blockFormat().hasProperty(_CODE) or block.blockFormat().nonBreakableLines():
            cursor.setPosition(block.position())
            form = block.blockFormat()
            form.setBackground(theme.colour("hover"))
            cursor.setBlockFormat(form)
        block = block.next()
    for frame in document.rootFrame().childFrames():
        if isinstance(frame, QTextTable):
            table = frame.format()
            table.setBorder(1)
            table.setBorderBrush(theme.colour("edge"))
            table.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
            table.setBorderCollapse(True)
            table.setCellPadding(_PADDING)
            table.setCellSpacing(0)
            frame.setFormat(table)


def _all_of(text: str) -> str:
    """The text with what Markdown keeps to itself written so that it is seen: what stands before it between
    lines of dashes, as code, where links that are named elsewhere lead, the cells that a row has beyond its
    table's head, and what is said of code beside its language.
    """
    if matter := _FRONT_MATTER.match(text):
        fence = "~" * (2 + max(map(len, re.findall("~+", matter[1])), default=1))
        text = f"{fence}\n{matter[1]}\n{fence}\n{text[matter.end() :]}"
    if not any(mark in text for mark in ("]:", "|", "```", "~~~")):
        return text
    lines, within, until = text.split("\n"), "", 0
    for number, line in enumerate(lines):
        if fence_here := _FENCE.match(line):
            if not within:
                within = fence_here[1]
                if len(said := line[fence_here.end() :].split()) > 1 and "`" not in line[fence_here.end() :]:
                    lines[number] = f"{line[: fence_here.end()]}{said[0]}\n{' '.join(said)}"
            elif line.strip().startswith(within) and not line.strip().strip(within[0]):
                within = ""
        elif not within and (named := _NAMED.match(line)):
            lines[number] = f"{named[1]}\\{line[named.end(1) :]}"
        elif not within and until < number and "|" in lines[number - 1] and _is_dashes(line):
            until = _widen(lines, number)
    return "\n".join(lines)


def _is_dashes(line: str) -> bool:
    return "-" in line and _DASHES.fullmatch(line) is not None


def _widen(lines: list[str], dashes: int) -> int:
    """Gives a table, below whose head the line of dashes is, as many columns as its longest row has cells.
    Which line is its last.
    """
    rows = list(takewhile(lambda row: row.strip() and not _FENCE.match(row), islice(lines, dashes + 1, None)))
    most = max(map(_cells, [lines[dashes - 1], lines[dashes], *rows]))
    for number, cell in ((dashes - 1, " |"), (dashes, " --- |")):
        if missing := most - _cells(lines[number]):
            row = lines[number].rstrip()
            lines[number] = row + ("" if row.endswith("|") else " |") + cell * missing
    return dashes + len(rows)


def _cells(row: str) -> int:
    inner = row.strip().removeprefix("|")
    return len(_BAR.findall(inner)) + (0 if _BAR.search(inner[-2:]) and inner.endswith("|") else 1)


class Unloading(QTextDocument):
    """A document whose resources are all empty: Qt would look for an image of its own on the disk."""

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        return QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)


class MarkdownView(QTextEdit):
    """What stands in a Markdown text, one of its `pages_of`. Where a link leads is written behind it, and
    what an image is in its place.
    """

    def __init__(self, theme: Theme, name: str) -> None:
        super().__init__()
        self._theme = theme
        self.setReadOnly(True)
        self.setTabChangesFocus(True)
        self.setAcceptRichText(False)
        self.setTextInteractionFlags(SELECTABLE)
        self.setAccessibleName(name)
        self._text = ""
        self._own: QTextDocument | None = None
        theme.changed.connect(self._show_again)  # no lambda, which would outlive this

    def show_markdown(self, text: str) -> None:
        """Shows a text of about as many characters as `pages_of` gives."""
        self._text = text
        document = Unloading(self)
        document.setDefaultFont(self.font())
        document.setUndoRedoEnabled(False)
        shown = visible(text, keep=_KEPT)
        if _is_beyond(text):
            document.setPlainText(shown)
        else:
            document.setMarkdown(_all_of(shown), _FEATURES)
            _say_in_words(document)
            _set_apart(document, self._theme)
        document.setDocumentMargin(_MARGIN)
        before, self._own = self._own, document
        self.setDocument(document)  # which deletes the one that Qt made, and no other
        if before is not None:
            before.deleteLater()

    def _show_again(self) -> None:
        self.show_markdown(self._text)

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        return QImage(1, 1, QImage.Format.Format_ARGB32_Premultiplied)


def _say_in_words(document: QTextDocument) -> None:
    """Puts words in place of images, before anything is laid out, and behind links where they lead."""
    found = list[tuple[int, int, str, bool]]()
    block = document.begin()
    while block.isValid():
        parts = block.begin()
        while not parts.atEnd():
            part = parts.fragment()
            form = part.charFormat()
            if form.isImageFormat():
                alternative, title = (str(form.property(one) or "") for one in (_ALTERNATIVE, _TITLE))
                told = (alternative, form.toImageFormat().name(), title)
                name = ", ".join(visible(part)[:300] for part in told if part)
                found.append((part.position(), part.length(), f"[image: {name}]", True))
            elif form.isAnchor() and form.anchorHref():
                words = ", ".join(visible(part)[:300] for part in (form.anchorHref(), form.toolTip()) if part)
                found.append((part.position() + part.length(), 0, words, False))
            parts += 1
        block = block.next()
    cursor = QTextCursor(document)
    for position, length, words, is_image in reversed(found):
        cursor.setPosition(position)
        cursor.setPosition(position + length, QTextCursor.MoveMode.KeepAnchor)
        form = cursor.charFormat()
        form.setAnchor(False)
        form.setAnchorHref("")
        form.setFontUnderline(False)
        if is_image:
            plain = cursor.blockCharFormat()
            cursor.insertText(words, plain)
        elif not cursor.block().text()[: cursor.positionInBlock()].endswith(words):
            cursor.insertText(f" ({words})", cursor.blockCharFormat())


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
