"""Paints table cells straight from the model's roles, several times faster than the style sheet would."""

from collections.abc import Sequence
from functools import cache, lru_cache
from typing import Any, NamedTuple

from PySide6.QtCore import QAbstractItemModel, QEvent, QPointF, QRect, QSize, Qt
from PySide6.QtGui import (
    QFont,
    QFontMetrics,
    QFontMetricsF,
    QHelpEvent,
    QPainter,
    QPen,
    QStaticText,
    QTextLayout,
    QTextOption,
)
from PySide6.QtWidgets import (
    QAbstractItemView,
    QStyledItemDelegate,
    QStyleOptionViewItem,
    QTableView,
    QToolTip,
)

from app.itemmodels.columns import ALIGNMENT, AWAITED, DISPLAY, STRUCK, TOOLTIP, Bars, Index, Role
from app.services.text import visible
from app.ui.theme import Icon, Theme, Tone
from app.ui.widgets.formatting import tooltip

PAD, ICON, GAP = 10, 16, 6
_LONGEST = 300
_LEAST_WORD = 14
"""Pixels behind an icon in less of which it stands alone."""
_CACHED_TEXTS = 4096
_RIGHT = Qt.AlignmentFlag.AlignRight.value
_QUIET = (Tone.NEUTRAL, STRUCK)
_TONE, _ICON, _MONOSPACE, _DIM = int(Role.TONE), int(Role.ICON), int(Role.MONOSPACE), int(Role.DIM)
_MIDDLE, _BARS, _SPARE = int(Role.MIDDLE), int(Role.BARS), int(Role.SPARE)
_FRAME = 3
"""Pixels between a last row and the frame in which a line of its own would make two of it."""
_BAR, _PITCH, _HIGHEST, _STUB, _DASH = 2, 4, 13, 4, 2


def bars_width(places: int) -> int:
    """The width in pixels of so many bars."""
    return places * _PITCH - (_PITCH - _BAR)


def shorter(text: str, spare: Sequence[str]) -> str:
    """What is left of it without the words that it may begin or end with, and is known by without them."""
    for word in spare:
        text = text.removesuffix(word) if word.startswith(" ") else text.removeprefix(word)
    return text


class _Laid(NamedTuple):
    text: QStaticText
    width: float


class _Column(NamedTuple):
    """What a model's header says of a whole column."""

    right: bool
    mono: bool
    dim: bool
    middle: bool
    bars: bool
    spare: tuple[str, ...]
    room_with_it: float


_PATH = "…/abcd"
"""As much of the end of an address as tells it from others of its host."""


class CellDelegate(QStyledItemDelegate):
    """`CellDelegate(theme, view)`. Reads the roles of `app.itemmodels.columns`.

    What the model's header answers for alignment, Role.MONOSPACE and Role.DIM goes for the whole column: to
    ask each cell takes half as long again. Tone.NEUTRAL is dim, STRUCK struck through, too. Words
    with a tone are never shortened by `sizeHint`. Tool tips come from ToolTipRole, escaped; a shortened cell
    without one shows its whole text. Where the view is disabled, all of it is. `focus_row` and `focus_column`
    have the keyboard's focus, or are -1: the row has a mark, and the cell, which is what is copied or
    filtered by, a frame.
    """

    def __init__(self, theme: Theme, view: QTableView) -> None:
        super().__init__(view)
        self._theme = theme
        self._view = view
        self.focus_row = self.focus_column = -1
        self._has_room: bool | None = None
        theme.changed.connect(self.forget)
        self.forget()

    def forget_widths(self) -> None:
        """To be called when columns are given others."""
        if self._has_room is not None:
            before, self._has_room = self._has_room, None
            if self._view.model() is not None and self._says_all(self._view.model()) is not before:
                self._view.viewport().update()

    def _says_all(self, model: QAbstractItemModel) -> bool:
        """Whether each column whose texts may go without some of their words has room for them: all of a
        table say the same.
        """
        if self._has_room is None:
            header = self._view.horizontalHeader()
            wide = {column: header.sectionSize(column) for column in range(header.count())}
            told = {column: self._of_column(model, column) for column, width in wide.items() if width}
            self._has_room = all(
                wide[column] - 2 * PAD >= one.room_with_it for column, one in told.items() if one.spare
            )
        return self._has_room

    def forget(self) -> None:
        """Drop what was remembered of fonts, colours and columns; for another model, font or theme."""
        colour = self._theme.colour
        self._plain = QFont(self._view.font())
        self._mono = self._theme.mono_font()
        self._plain_metrics, self._mono_metrics = QFontMetricsF(self._plain), QFontMetricsF(self._mono)
        # Both faces stand on one base line.
        self._mono_drop = round(self._plain_metrics.ascent() - self._mono_metrics.ascent())
        self._pens: dict[str, QPen] = {
            tone: QPen(colour("dim" if tone is Tone.NEUTRAL else tone)) for tone in Tone
        } | {STRUCK: QPen(colour("dim"))}
        self._text_pen, self._dim_pen = QPen(colour("text")), QPen(colour("dim"))
        self._off_pen, self._frame_pen = QPen(colour("disabled")), QPen(colour("accent"))
        self._ok, self._bad, self._quiet = colour(Tone.OK), colour(Tone.BAD), colour("scroll_hover")
        self._selection, self._line, self._accent = colour("selection"), colour("line"), colour("accent")
        self._laid = lru_cache(_CACHED_TEXTS)(self._lay_out)
        self._of_column = cache(self._ask)
        self._has_room = None

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        left, top, width, height = rect.x(), rect.y(), rect.width(), rect.height()
        # Not `option.state`: the enums of QStyle, which it is one of, take 8 ms to make.
        selected, enabled = self._view.selectionModel().isSelected(index), self._view.isEnabled()
        row = index.row()
        self._paint_ground(painter, rect, index, selected)
        model = index.model()
        data = model.data
        shown = data(index, DISPLAY)
        tone = data(index, _TONE)
        if tone == AWAITED:  # so that one knows where one is on the way
            shown, tone = f"row {row + 1:,} {shown}", Tone.NEUTRAL
        icon = data(index, _ICON)
        right, mono, dim, middle, has_bars, spare, _ = self._of_column(model, index.column())
        left += PAD
        width -= 2 * PAD
        if icon:
            quiet = tone is None or tone in _QUIET
            colour = ("text" if selected else "dim") if quiet else tone
            colour = colour if enabled else "disabled"
            pixmap = self._theme.pixmap(icon, colour, ICON, self._view.devicePixelRatioF())
            painter.drawPixmap(left, top + (height - ICON) // 2, pixmap)
            left += ICON + GAP
            width -= ICON + GAP
        bars: Bars | None = data(index, _BARS) if has_bars else None
        if bars is not None and width > 0:
            self._paint_bars(painter, bars, left, top + height // 2 + _HIGHEST // 2 - 1)
            left += bars_width(bars.places) + GAP
            width -= bars_width(bars.places) + GAP
        if shown is None or width <= (_LEAST_WORD if icon else 0):
            return
        shown = shorter(str(shown), spare) if spare and not self._says_all(model) else str(shown)
        laid = self._lay(shown, mono, width, middle)
        painter.setFont(self._mono if mono else self._plain)
        if not enabled:
            painter.setPen(self._off_pen)
        elif tone and not selected:
            painter.setPen(self._pens[tone])
        else:
            painter.setPen(self._dim_pen if dim and not selected else self._text_pen)
        x = left + (width - laid.width if right else 0)
        y = top + round((height - self._plain_metrics.height()) / 2) + (self._mono_drop if mono else 0)
        painter.drawStaticText(QPointF(round(x), y), laid.text)
        if tone == STRUCK:
            through = top + height // 2
            painter.drawLine(round(x), through, round(x + laid.width), through)

    def _paint_ground(self, painter: QPainter, rect: QRect, index: Index, selected: bool) -> None:
        left, top, width, height = rect.x(), rect.y(), rect.width(), rect.height()
        row = index.row()
        if selected:
            painter.fillRect(rect, self._selection)
        if not self._ends_view(top + height):
            painter.fillRect(left, top + height - 1, width, 1, self._line)
        if row == self.focus_row and self._view.horizontalHeader().sectionPosition(index.column()) == 0:
            painter.fillRect(left, top, 3, height - 1, self._accent)
        if row == self.focus_row and index.column() == self.focus_column:
            painter.setPen(self._frame_pen)
            painter.drawRect(left, top, width - 1, height - 2)

    def _paint_bars(self, painter: QPainter, bars: Bars, left: int, line: int) -> None:
        """What failed hangs below the line: it is told by more than its colour."""
        grey = bars.quiet or not self._view.isEnabled()
        up, down = (self._quiet, self._quiet) if grey else (self._ok, self._bad)
        left += bars_width(bars.places) - bars_width(len(bars.heights))
        painter.fillRect(left, line, bars_width(len(bars.heights)), 1, self._line)
        for dash in range(bars.places - len(bars.heights), 0, -1):
            painter.fillRect(left - dash * _PITCH, line, _BAR, 1, self._quiet)
        for place, height in enumerate(bars.heights):
            x = left + place * _PITCH
            if height is None:
                painter.fillRect(x, line + 1, _BAR, _STUB, down)
            else:
                tall = max(_DASH, round(height * _HIGHEST))
                painter.fillRect(x, line - tall, _BAR, tall, up)

    def paint_behind(self, painter: QPainter, rect: QRect, row: int) -> None:
        """Goes on with a row behind its last column."""
        if self._view.selectionModel().isRowSelected(row):
            painter.fillRect(rect, self._selection)
        if not self._ends_view(rect.bottom() + 1):
            painter.fillRect(rect.x(), rect.bottom(), rect.width(), 1, self._line)

    def _ends_view(self, bottom: int) -> bool:
        """Whether a row ends where the view does, whose frame is line enough."""
        return 0 <= self._view.viewport().height() - bottom <= _FRAME

    def sizeHint(self, option: QStyleOptionViewItem, index: Index) -> QSize:
        model = index.model()
        column = self._of_column(model, index.column())
        metrics = self._mono_metrics if column.mono else self._plain_metrics
        shown = visible(str(model.data(index, DISPLAY) or "")[:_LONGEST])
        width = metrics.horizontalAdvance(shown) + 2 * PAD + 2
        if model.data(index, _ICON):
            width += ICON + GAP
        bars: Bars | None = model.data(index, _BARS) if column.bars else None
        if bars is not None:
            width += bars_width(bars.places) + GAP
        return QSize(round(width), round(metrics.height()) + 2 * 8)

    def helpEvent(
        self, event: QHelpEvent, view: QAbstractItemView, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        if event.type() != QEvent.Type.ToolTip or not index.isValid():
            return False
        text = index.data(TOOLTIP)
        if text is None and self.sizeHint(option, index).width() > option.rect.width():
            text = index.data(DISPLAY)
        elif text is not None and option.rect.width() <= 2 * PAD + ICON + GAP + _LEAST_WORD:
            text = "\n".join(filter(None, (str(index.data(DISPLAY) or ""), str(text))))
        QToolTip.showText(event.globalPos(), tooltip(str(text or "")), view)
        return True

    def _ask(self, model: QAbstractItemModel, column: int) -> _Column:
        roles = (ALIGNMENT, _MONOSPACE, _DIM, _MIDDLE, _BARS, _SPARE)
        told = [model.headerData(column, Qt.Orientation.Horizontal, role) for role in roles]
        mono, dim, middle, bars = map(bool, told[1:5])
        longest, *spare = told[5] or ("",)
        room = self._plain_metrics.horizontalAdvance(longest)
        return _Column(is_right(told[0]), mono, dim, middle, bars, tuple(spare), room)

    def _lay(self, text: str, mono: bool, width: int, middle: bool) -> _Laid:
        whole = self._laid(text, mono)
        return whole if whole.width <= width else self._laid(text, mono, width, middle)

    def _lay_out(self, text: str, mono: bool, width: int | None = None, middle: bool = False) -> _Laid:
        """The text, cut to `width` pixels if that is given, at its end or in the middle."""
        shown = visible(text[:_LONGEST])
        font = self._mono if mono else self._plain
        if width is not None:
            metrics = self._mono_metrics if mono else self._plain_metrics
            shown = _cut(metrics, shown, width, middle)
        static = QStaticText(shown)
        static.setTextFormat(Qt.TextFormat.PlainText)
        static.setPerformanceHint(QStaticText.PerformanceHint.ModerateCaching)
        static.prepare(font=font)
        return _Laid(static, static.size().width())


def _cut(metrics: QFontMetricsF, text: str, width: int, middle: bool) -> str:
    """Shortened at its end; or in the `middle`, of an address within its path, as long as its host fits."""
    if not middle:
        return metrics.elidedText(text, Qt.TextElideMode.ElideRight, width)
    scheme, _, rest = ("", "", "") if " " in text else text.rpartition("://")
    host, slash, path = rest.partition("/")
    head = f"{scheme}://{host}{slash}" if scheme else f"{host}{slash}"
    room = width - metrics.horizontalAdvance(head)
    if slash and room >= metrics.horizontalAdvance(_PATH):
        return head + _elided(metrics, path, Qt.TextElideMode.ElideLeft, room)
    return in_middle(metrics, text, width)


def in_middle(metrics: QFontMetrics | QFontMetricsF, text: str, width: int) -> str:
    """A text without its middle, where there is no room for it; or without its end, where that is gone
    already.
    """
    return _elided(metrics, text, Qt.TextElideMode.ElideMiddle, width)


def _elided(metrics: QFontMetrics | QFontMetricsF, text: str, mode: Qt.TextElideMode, width: float) -> str:
    """With one ellipsis, also where what comes is cut at its end."""
    mode = Qt.TextElideMode.ElideRight if text.endswith("…") else mode
    return metrics.elidedText(text, mode, int(width))


def is_right(alignment: Any) -> bool:
    """Whether what a model answers for TextAlignmentRole stands at the right."""
    return alignment is not None and bool(getattr(alignment, "value", alignment) & _RIGHT)


class WrappingCells(CellDelegate):
    """Cells of up to `most` lines, in rows as high as `height_of` says; each stands where its own alignment
    or that of its column says. An icon stands right before the words; with `Icon.STAR` these are bold.
    """

    def __init__(self, theme: Theme, view: QTableView, most: int = 4) -> None:
        self._most = most
        super().__init__(theme, view)

    def forget(self) -> None:
        super().forget()
        self._bold = QFont(self._plain)
        self._bold.setBold(True)
        self._bold_metrics = QFontMetricsF(self._bold)
        self._lines = lru_cache(_CACHED_TEXTS)(self._lines_of)

    def height_of(self, index: Index, width: int) -> int:
        """The height that a cell of this width needs."""
        icon = index.data(_ICON)
        room = width - 2 * PAD - (ICON + GAP if icon else 0)
        lines = self._lines(str(index.data(DISPLAY) or ""), max(1, room), icon == Icon.STAR)
        high = self._plain_metrics.lineSpacing()
        return round(max(1, len(lines)) * high + 2 * self._above(high))

    def _above(self, line: float) -> int:
        """What is over the first line of each cell, so that those of a row stand on one base line."""
        return round((self._view.verticalHeader().defaultSectionSize() - line) / 2)

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        rect: QRect = option.rect
        selected = self._view.selectionModel().isSelected(index)
        self._paint_ground(painter, rect, index, selected)
        column = self._of_column(index.model(), index.column())
        is_right_ = column.right or is_right(index.data(ALIGNMENT))
        tone, icon = index.data(_TONE), index.data(_ICON)
        is_bold = icon == Icon.STAR
        room = rect.width() - 2 * PAD - (ICON + GAP if icon else 0)
        if room <= 0:
            return
        metrics = self._bold_metrics if is_bold else self._plain_metrics
        lines = self._lines(str(index.data(DISPLAY) or ""), room, is_bold)
        high = metrics.lineSpacing()
        y = rect.y() + self._above(high) + metrics.ascent()
        left = rect.x() + PAD
        if icon:
            quiet = tone is None or tone == Tone.NEUTRAL
            colour = ("text" if selected else "dim") if quiet else tone
            colour = colour if self._view.isEnabled() else "disabled"
            pixmap = self._theme.pixmap(icon, colour, ICON, self._view.devicePixelRatioF())
            wide = max((metrics.horizontalAdvance(line) for line in lines), default=0)
            at = left + (round(room - wide) if is_right_ else 0)
            middle = round(y - metrics.ascent() + (high - ICON) / 2)
            painter.drawPixmap(at, middle, pixmap)
            left += ICON + GAP
        painter.setFont(self._bold if is_bold else self._plain)
        if not self._view.isEnabled():
            painter.setPen(self._off_pen)
        elif tone and not selected:
            painter.setPen(self._pens[tone])
        else:
            painter.setPen(self._dim_pen if column.dim and not selected else self._text_pen)
        for line in lines:
            x = left + (room - metrics.horizontalAdvance(line) if is_right_ else 0)
            painter.drawText(QPointF(round(x), round(y)), line)
            y += high

    def _lines_of(self, text: str, width: int, bold: bool) -> tuple[str, ...]:
        """The text broken into lines, the last of them cut where there are more."""
        text = " ".join(visible(text).split())
        layout = QTextLayout(text, self._bold if bold else self._plain)
        option = QTextOption()
        option.setWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        layout.setTextOption(option)
        layout.beginLayout()
        found: list[str] = []
        while (line := layout.createLine()).isValid():
            line.setLineWidth(width)
            found.append(text[line.textStart() : line.textStart() + line.textLength()].rstrip())
            if len(found) == self._most:
                metrics = self._bold_metrics if bold else self._plain_metrics
                found[-1] = metrics.elidedText(text[line.textStart() :], Qt.TextElideMode.ElideRight, width)
                break
        layout.endLayout()
        return tuple(found)
