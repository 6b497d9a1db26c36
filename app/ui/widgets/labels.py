"""Labels that show data as plain text, and never as markup; and how parts stand beside each other."""

import unicodedata
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache, partial
from math import ceil
from typing import TypeVar

from PySide6.QtCore import QEvent, QKeyCombination, QRect, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QFontMetricsF,
    QIcon,
    QKeyEvent,
    QPainter,
    QPaintEvent,
    QResizeEvent,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QBoxLayout,
    QHBoxLayout,
    QLabel,
    QLayout,
    QLineEdit,
    QPlainTextEdit,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)
from shiboken6 import delete, invalidate

from app.services.text import visible
from app.ui.theme import Icon, Theme, Tone
from app.ui.widgets.formatting import tooltip
from models.patterns import compiled_later

LONGEST = 2_000
"""Characters that a label which wraps lays out without being felt; a hundred thousand take minutes."""


LINE = 16_000
"""Characters of a line that a box lays out without being felt; a megabyte takes a second."""

SELECTABLE = Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard

_EXPORT = QKeyCombination(Qt.KeyboardModifier.ControlModifier, Qt.Key.Key_E)

_JOINING_SPACE, _BREAK, _FROM_LEFT = "\u00a0", "\u200b", "\u200e"
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe00-\ufe0f\ufe20-\ufe2f\u200d"
_SPACE = compiled_later(r"\s")
_LONG = compiled_later(r"\S{40,}")
"""A word that may be longer than a line."""
_PART = compiled_later(r"[^\s._:&=+@]{0,29}[._:&=+@](?=\S{4})" rf"|\S{{20,60}}?(?![{_MARKS}])(?=\S{{20}})")
"""Of such a word, to break behind: at a sign, so that a number within a name stays whole, or after some
letters; never before a mark of its last letter.
"""
_HUGE = compiled_later(r"(\S{160})\S{2,}(\S{39})")
"""More than an id of 200 letters, as a sentence may name one: start and end tell it from others."""
_UNBREAKABLE = compiled_later(r"[^\s/-]{30}")
"""A word that hardly a line can take and Qt does not break."""

_WITHIN_VALUE = compiled_later(
    r"(?<=\d) (?=(?:ms|s|min|h|d|wk|mo|y|[KMGT]?i?B|days?|hours?|minutes?)\b|%)"
    r"|(?<=\d{4}-\d\d-\d\d) (?=\d\d:\d\d)|(?<=:\d\d) (?=UTC\b|[+-]\d{4})"
)

_TOO_LONG = compiled_later(rf"[^\n]{{{LINE}}}(?=[^\n])")


_IN_PLACE = Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignAbsolute
"""Where it stands, whichever way it is read."""


_SIGN = 14


class Look(StrEnum):
    """How a label looks; set as its `look` property for the style sheet."""

    TEXT = "text"
    DIM = "dim"
    STRONG = "strong"
    TITLE = "title"
    SECTION = "section"
    ACCENT = "accent"
    OK = "ok"
    WARN = "warn"
    BAD = "bad"


class Label(QLabel):
    """Plain text with a look.

    Hidden and bidirectional characters in the text are shown as escapes. Of a text longer than `LONGEST` the
    start is shown, and of a word of more than 200 letters within a text that wraps, start and end; the tool
    tip has it whole. A screen reader says `caption` before the text. While a word has to be broken it is not
    `selectable`: the places would be copied, too.
    """

    _title, _kept = 1.25, "\n"
    """How much larger a title is, and which characters are no escapes."""
    _breaks_words = True

    def __init__(
        self,
        text: str = "",
        look: Look = Look.TEXT,
        *,
        wrap: bool = False,
        selectable: bool = False,
        caption: str = "",
    ) -> None:
        super().__init__(textFormat=Qt.TextFormat.PlainText, wordWrap=wrap)
        self._caption, self._selectable = caption, selectable
        self.setProperty("look", look.value)
        if look is Look.TITLE:
            self.setFont(scaled(self.font(), self._title))
        self.setText(text)

    def setText(self, text: str) -> None:
        breaks = self.wordWrap() and self._breaks_words
        named = _HUGE.sub(r"\1…\2", text) if breaks else text
        if named != text:
            self.setToolTip(tooltip(text))
        shown = bounded(named, keep=self._kept)
        if self.wordWrap():
            shown = kept_together(shown)
            if breaks and has_long_word(shown):
                shown = _LONG.sub(lambda word: _PART.sub(rf"\g<0>{_BREAK}", word[0]), shown)
        if self._selectable:
            none = Qt.TextInteractionFlag.NoTextInteraction
            self.setTextInteractionFlags(none if _BREAK in shown else SELECTABLE)
        is_value = self._selectable and self._caption  # which is copied as it is
        is_left = direction(shown) is Qt.LayoutDirection.LeftToRight
        if not is_value and is_left and _strong(shown)[:1] not in ("", "L"):
            shown = f"{_FROM_LEFT}{shown}"
        super().setText(shown)
        self.set_spoken(text)

    def say(self, words: str) -> None:
        """Shows these words, and itself where there are any."""
        self.setText(words)
        self.setVisible(bool(words))

    def text(self) -> str:
        """As it was set, with plain spaces, and without the places where a long word may break."""
        return super().text().replace(_JOINING_SPACE, " ").replace(_BREAK, "").removeprefix(_FROM_LEFT)

    def set_spoken(self, text: str) -> None:
        """What a screen reader says after the caption, where that is more than is shown."""
        if self._caption:
            self.setAccessibleName(f"{self._caption}: {bounded(text)}")


class ProblemLabel(Label):
    """What is wrong, in words, behind a sign: red alone says nothing to some."""

    def __init__(self, theme: Theme) -> None:
        self._theme = theme
        super().__init__("", Look.BAD, wrap=True)
        self.setContentsMargins(_SIGN + 4, 0, 0, 0)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.text():
            painter, above = QPainter(self), (self.fontMetrics().height() - _SIGN) // 2
            self._theme.icon(Icon.BAD, Tone.BAD).paint(painter, QRect(0, above, _SIGN, _SIGN))
            painter.end()


def section(title: str) -> Label:
    """The title of a part of a dialog, nearer to what it is of than to what is above it."""
    label = Label(title, Look.SECTION)
    label.setContentsMargins(0, 8, 0, 0)
    return label


def keep_room(label: QWidget, *, kept: bool = True) -> None:
    """Whether it keeps its room while hidden: at what is shown and says nothing a screen reader stops."""
    policy = label.sizePolicy()
    policy.setRetainSizeWhenHidden(kept)
    label.setSizePolicy(policy)


def high_by_width(widget: QWidget, across: QSizePolicy.Policy = QSizePolicy.Policy.Preferred) -> None:
    """How high it is depends on how wide it is."""
    policy = QSizePolicy(across, QSizePolicy.Policy.Preferred)
    policy.setHeightForWidth(True)
    widget.setSizePolicy(policy)


class ElidedLabel(Label):
    """One line that shortens itself with an ellipsis, to `least` points where it has so many words; the whole
    text is in the tool tip and `text()`.
    """

    _title, _kept = 1.1, ""

    def __init__(
        self,
        text: str = "",
        look: Look = Look.TEXT,
        *,
        mode: Qt.TextElideMode = Qt.TextElideMode.ElideRight,
        caption: str = "",
        least: int = 24,
    ) -> None:
        self._mode, self._least = mode, least
        super().__init__(text, look, caption=caption)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)

    def setText(self, text: str) -> None:
        super().setText(text)
        self._tip()

    def minimumSizeHint(self) -> QSize:
        return QSize(min(self._least, self.sizeHint().width()), super().minimumSizeHint().height())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setLayoutDirection(direction(self.text()))
        painter.drawText(self.contentsRect(), self.alignment() | _IN_PLACE, self.shown())
        painter.end()

    def shown(self) -> str:
        """What there is room for."""
        return self.fontMetrics().elidedText(self.text(), self._mode, self.contentsRect().width())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._tip()

    def _tip(self) -> None:
        cut = QFontMetrics(self.font()).horizontalAdvance(self.text()) > self.contentsRect().width()
        self.setToolTip(tooltip(self.text()) if cut else "")
        self.setAccessibleDescription("Shortened on the screen" if cut else "")


class FoldedLabel(Label):
    """Wraps to at most `most` lines and ends in an ellipsis there, until `unfold(True)`; a word that no line
    can take is broken. `is_long` says whether it has more to say. Where there is room for less than `fewest`
    letters it shows none. Two lines of an `even` one are about as long: no word stands alone in the second.
    """

    _title = 1.1
    _unfolded = False
    _breaks_words = False
    """It paints its lines itself."""

    def __init__(
        self,
        text: str = "",
        look: Look = Look.TEXT,
        *,
        most: int = 2,
        fewest: int = 0,
        even: bool = False,
        caption: str = "",
    ) -> None:
        super().__init__(text, look, wrap=True, caption=caption)
        self._most, self._fewest, self._even = most, fewest, even
        high_by_width(self, QSizePolicy.Policy.Ignored)

    @property
    def is_long(self) -> bool:
        return self.is_long_at(self.width())

    def is_long_at(self, width: int) -> bool:
        return not self.fits(width, self._most)

    def fits(self, width: int, lines: int) -> bool:
        return len(self._lines(width)) <= lines

    def unfold(self, on: bool) -> None:
        self._unfolded = on
        self.updateGeometry()
        self.update()

    def fold_to(self, most: int) -> None:
        """Wraps to so many lines from now on."""
        if most != self._most:
            self._most = most
            self.unfold(self._unfolded)

    def heightForWidth(self, width: int) -> int:
        lines = len(self._lines(width))
        return (lines if self._unfolded else min(lines, self._most)) * self._line_height()

    def sizeHint(self) -> QSize:
        width = ceil(QFontMetricsF(self.font()).horizontalAdvance(self.text())) + 1  # else its own line wraps
        return QSize(width, self.fontMetrics().lineSpacing())

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self.fontMetrics().lineSpacing())

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, room, metrics = QPainter(self), self.contentsRect(), self.fontMetrics()
        painter.setPen(self.palette().color(self.foregroundRole()))
        painter.setLayoutDirection(direction(self.text()))
        lines, height = self._lines(room.width()), self._line_height()
        if not self._unfolded and len(lines) > self._most:
            rest = "".join(lines[self._most - 1 :]).replace("\n", _BETWEEN_CLAUSES)
            last = metrics.elidedText(rest, Qt.TextElideMode.ElideRight, room.width())
            lines[self._most - 1 :] = [last] if self._most > 1 or len(last) >= self._fewest else []
        top = room.top() + max(0, room.height() - len(lines) * height) // 2 + metrics.ascent()
        for number, words in enumerate(lines):
            painter.drawText(room.left(), top + number * height, words.rstrip("\n"))
        painter.end()

    def _line_height(self) -> int:
        return ceil(QFontMetricsF(self.font()).lineSpacing())

    def _lines(self, width: int) -> list[str]:
        of = QLabel.text(self), self.font().toString(), max(24, width)
        lines = _wrapped(*of)
        is_one = "\n" not in of[0].strip()  # else each line says something of its own
        return list(_evened(*of) if self._even and is_one and len(lines) == 2 else lines)


@lru_cache(1024)
def _wrapped(text: str, font: str, width: int) -> tuple[str, ...]:
    """The lines of a text at this width, for which a layout asks over and over again. Those of an id or a
    hash are about as long as each other: its last letter does not stand alone.
    """
    face = QFont()
    face.fromString(font)
    lines = lines_of(text, face, width)
    if len(lines) > 1 and not _SPACE.search(text):
        letters = ceil(len(text) / len(lines))  # of a line, as wide as they are on average
        even = ceil(letters * QFontMetricsF(face).horizontalAdvance(text) / len(text))
        evened = lines_of(text, face, min(width, even))
        return evened if len(evened) == len(lines) else lines
    return lines


_BETWEEN_CLAUSES = " · "


@lru_cache(256)
def _evened(text: str, font: str, width: int) -> tuple[str, ...]:
    """The two lines of it: the first ends between two clauses, where both fit so, or is no longer than it
    must be.
    """
    face = QFont()
    face.fromString(font)
    metrics = QFontMetricsF(face)
    parts = text.split(_BETWEEN_CLAUSES)
    halves = [
        (_BETWEEN_CLAUSES.join(parts[:at]) + _BETWEEN_CLAUSES.rstrip(), _BETWEEN_CLAUSES.join(parts[at:]))
        for at in range(1, len(parts))
    ]
    wide = {half: max(map(metrics.horizontalAdvance, half)) for half in halves}
    best = min(halves, key=lambda half: wide[half], default=("", ""))
    if any(best) and wide[best] <= width:
        return best
    least = width // 2
    while width - least > 4:
        middle = (least + width) // 2
        if len(_wrapped(text, font, middle)) > 2:
            least = middle
        else:
            width = middle
    return _wrapped(text, font, width)


def lines_of(text: str, face: QFont, width: int) -> tuple[str, ...]:
    """The lines of a text at this width in pixels, with the line break that ends one; a word that is wider is
    broken, behind a sign in its second half where it has one.
    """
    lines = list[str]()
    units = text.encode("utf-16-le", "surrogatepass")  # which Qt counts in
    layout = QTextLayout(text.replace("\n", "\u2028"), face)
    layout.setTextOption(_ANYWHERE)
    layout.beginLayout()
    while (line := layout.createLine()).isValid():
        line.setLineWidth(width)
        start, end = line.textStart(), line.textStart() + line.textLength()
        part = units[2 * start : 2 * end].decode("utf-16-le", "surrogatepass")
        rest = units[2 * end : 2 * end + 2].decode("utf-16-le", "replace")
        joint = _JOINT.fullmatch(part) if rest.isalnum() else None
        if joint is not None and 2 * len(joint[1]) >= len(part):
            part = joint[1]
            line.setNumColumns(len(part.encode("utf-16-le", "surrogatepass")) // 2)
        lines.append(part)
    layout.endLayout()
    return tuple(lines)


_JOINT = compiled_later(r"(\S*[@._/:&=+-])\w+")
"""What is before and within a word that was cut."""
_ANYWHERE = QTextOption()
_ANYWHERE.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)


_SAID: dict[str | Tone, str] = {
    Icon.WARNING_FILL: "Warning",
    Tone.OK: "Good",
    Tone.WARN: "Warning",
    Tone.BAD: "Problem",
}
"""An icon's name, of one that warns in any colour, else by its tone; of others a screen reader says nothing,
as the words beside them do.
"""


class IconLabel(QWidget):
    """An icon in the theme's colours, `size` logical pixels wide."""

    def __init__(self, theme: Theme, size: int) -> None:
        super().__init__()
        self._theme, self._icon = theme, QIcon()
        self.setFixedSize(size, size)

    def show_icon(self, name: str, colour: str | Tone) -> None:
        """Show this one; Tone.NEUTRAL is dim."""
        self._icon = self._theme.icon(name, "dim" if colour is Tone.NEUTRAL else colour)
        self.setAccessibleName(_SAID.get(name) or _SAID.get(colour, ""))
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        self._icon.paint(QPainter(self), self.rect())


_SIGNS = {Tone.OK: Icon.OK, Tone.WARN: Icon.WARNING, Tone.BAD: Icon.BAD, Tone.NEUTRAL: Icon.INFO}


class SignedLine(QWidget):
    """A sentence of any length beside the icon of its tone, which its `words` have, too, unless they are
    `plain`.
    """

    def __init__(self, theme: Theme, sentence: str, tone: Tone, *, plain: bool = False) -> None:
        super().__init__()
        look = Look.TEXT if plain else Look.DIM if tone is Tone.NEUTRAL else Look(tone.value)
        self.words = Label(sentence, look, wrap=True, selectable=True)
        self.words.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        icon = IconLabel(theme, 16)
        icon.show_icon(_SIGNS[tone], tone)
        row = in_row(icon, (self.words, 1), within=self)
        row.setAlignment(icon, Qt.AlignmentFlag.AlignTop)


def direction(text: str) -> Qt.LayoutDirection:
    """That of its first letter that has one, as in Unicode's rules P2 and P3 (UAX #9); but a sentence of ours
    may begin with a name that is read from the right, and ends in words that are not.
    """
    strong = _strong(text)
    is_ours = strong.endswith("L") and (text.endswith(_ENDS) or 2 * strong.count("L") > len(strong))
    from_right = strong.startswith("R") and not is_ours
    return Qt.LayoutDirection.RightToLeft if from_right else Qt.LayoutDirection.LeftToRight


_ENDS = (".", "?", ":", "…")
_STRONG = {"L": "L", "R": "R", "AL": "R"}


def _strong(text: str) -> str:
    """`L` or `R` of each letter, by the side that it is read from; nothing of a text that is ASCII."""
    if text.isascii():
        return ""
    return "".join(_STRONG.get(unicodedata.bidirectional(char), "") for char in text)


def has_long_word(text: str) -> bool:
    """Whether a label that wraps could cut it."""
    return _UNBREAKABLE.search(text) is not None


def kept_together(text: str) -> str:
    """The text with spaces at which no line ends: before a unit, and within a time."""
    return _WITHIN_VALUE.sub(_JOINING_SPACE, text)


def set_tip(widget: QWidget, text: str) -> None:
    """A tool tip of any text, and the same as plain text for a screen reader."""
    widget.setToolTip(tooltip(text))
    widget.setAccessibleDescription(bounded(text))


def name_choice(box: QWidget, name: str) -> None:
    """Says what a combo box is for, also where Qt says the choice for a name, as on Linux."""
    box.setAccessibleName(name)
    box.setAccessibleDescription(name)


def text_box(
    theme: Theme, name: str, text: str = "", *, kind: type[QPlainTextEdit] = QPlainTextEdit
) -> QPlainTextEdit:
    """Text of any length, in the fixed-width face, to read and copy; hidden characters as escapes."""
    box = kind(in_lines(text), readOnly=True, tabChangesFocus=True)
    box.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
    box.setFont(theme.mono_font())
    box.setAccessibleName(name)
    return box


def in_lines(text: str) -> str:
    """Text of any length for a box, hidden characters as escapes; a line beyond `LINE` is broken."""
    return _TOO_LONG.sub(r"\g<0>\n", visible(text, keep="\n"))


class WindowField(QLineEdit):
    """A field of the window itself, which leaves it its keys."""

    def event(self, event: QEvent) -> bool:
        """Ctrl+E is the window's, as the menu says, not the end of the line, which is End."""
        overrides = event.type() == QEvent.Type.ShortcutOverride
        if overrides and isinstance(event, QKeyEvent) and event.keyCombination() == _EXPORT:
            event.ignore()
            return False
        return super().event(event)


def line_edit(text: str) -> QLineEdit:
    """A field with a stored text; of one that is longer than any field takes, a start that still is."""
    return QLineEdit(text[: LONGEST + 1])


def bounded(text: str, keep: str = "", longest: int = LONGEST) -> str:
    """Text of any length as a control can show it: its start, and hidden characters as escapes."""
    return visible(text[:longest], keep=keep) + ("…" if len(text) > longest else "")


def scaled(font: QFont, factor: float) -> QFont:
    result = QFont(font)
    if font.pointSizeF() > 0:
        result.setPointSizeF(font.pointSizeF() * factor)
    else:
        result.setPixelSize(round(font.pixelSize() * factor))
    return result


AnyBox = TypeVar("AnyBox", bound=QBoxLayout)
Part = QWidget | QLayout | None | tuple[QWidget | QLayout, int]
"""With a number: its stretch. None: room that takes what is left."""

Margins = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

NONE: Margins = (0, 0, 0, 0)


def _filled(
    kind: Callable[[], AnyBox],
    *parts: Part,
    within: QWidget | None = None,
    margins: Margins = NONE,
    spacing: int = 8,
) -> AnyBox:
    box = kind()
    if within is not None:
        within.setLayout(box)
    box.setContentsMargins(*margins)
    box.setSpacing(spacing)
    for part in parts:
        item, stretch = part if isinstance(part, tuple) else (part, 0)
        if item is None:
            box.addStretch(1)
        elif isinstance(item, QLayout):
            add_layout(box, item, stretch)
        else:
            box.addWidget(item, stretch)
    return box


def add_layout(box: QBoxLayout, layout: QLayout, stretch: int = 0) -> None:
    """Adds what is laid out already.

    PySide makes a wrapper for each item in it, and does not hear when a widget goes and takes its item along.
    Whatever Qt puts in that place in memory next, it takes for the item: a timer's end crashed the program
    so, and a widget was none. So nothing of an item is kept.
    """
    box.addLayout(layout, stretch)
    _forget_items(layout)


def _forget_items(layout: QLayout) -> None:
    for item in map(layout.itemAt, range(layout.count())):
        if isinstance(item, QLayout):
            _forget_items(item)
        elif item is not None:
            invalidate(item)


in_row, in_column = partial(_filled, QHBoxLayout), partial(_filled, QVBoxLayout)
"""The parts beside or below each other, as the layout of `within` if it is given."""


def clear(layout: QLayout) -> None:
    """Lets go of all that stands in a layout."""
    for item in iter(lambda: layout.takeAt(0), None):
        if (widget := item.widget()) is not None:
            widget.hide()
            widget.deleteLater()
        delete(item)
