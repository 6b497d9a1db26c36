"""A picture as a list of simple shapes, which the screen, a PNG and an SVG are made of alike.

And such a drawing that can be asked about: by the pointer, by keys, and by a screen reader.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum, auto
from functools import partial
from html import escape
from math import floor, log10
from textwrap import fill
from typing import Final

from PySide6.QtCore import QBuffer, QByteArray, QEvent, QIODevice, QLineF, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import (
    QColor,
    QFont,
    QFontMetricsF,
    QImage,
    QKeyEvent,
    QMouseEvent,
    QPainter,
    QPainterPath,
    QPaintEvent,
    QPen,
    QPolygonF,
    QResizeEvent,
)
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.ui.theme import Theme
from app.ui.widgets.formatting import tooltip

TEXT_PIXELS: Final = 12
_HATCH: Final = 6.0
_SCALE: Final = 2
_TO_BASELINE: Final = 0.36
"""From the middle of a text's letters, as a part of its size."""
_INVALID: Final = dict.fromkeys(
    (*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF, *range(0xD800, 0xE000)), "\ufffd"
)
"""What no XML may hold (w3.org/TR/xml/#charsets)."""

Colours = Callable[[str], QColor]
"""By the name of a token of the theme."""


class Fill(Enum):
    """How an area is filled, so that areas of one picture differ by more than their colours."""

    SOLID = auto()
    HATCHED = auto()
    HOLLOW = auto()


class Form(Enum):
    """What a point is."""

    CIRCLE = auto()
    RING = auto()
    SQUARE = auto()
    DIAMOND = auto()
    TRIANGLE = auto()
    CROSS = auto()


class Align(Enum):
    """On which side of its place a text is."""

    AFTER = auto()
    BEFORE = auto()
    AROUND = auto()


@dataclass(frozen=True, slots=True)
class DrawnArea:
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float
    colour: str
    fill: Fill = Fill.SOLID


@dataclass(frozen=True, slots=True)
class DrawnLine:
    """A straight one of `width` pixels."""

    x: float
    y: float
    to_x: float
    to_y: float
    colour: str
    width: float = 1


@dataclass(frozen=True, slots=True)
class DrawnPoint:
    """A small form around a place."""

    x: float
    y: float
    form: Form
    colour: str
    radius: float = 4.5


@dataclass(frozen=True, slots=True)
class DrawnText:
    """A line of text whose middle has this height."""

    x: float
    y: float
    text: str
    colour: str = "text"
    align: Align = Align.AFTER
    is_bold: bool = False
    size: int = TEXT_PIXELS


Shape = DrawnArea | DrawnLine | DrawnPoint | DrawnText


@dataclass(frozen=True, slots=True)
class Spot:
    """Where something stands that a person can ask about: `words` say what it is, `key` names its record."""

    x: float
    y: float
    width: float
    height: float
    words: str
    key: object = None

    def rect(self) -> QRectF:
        return QRectF(self.x, self.y, self.width, self.height)


@dataclass(frozen=True, slots=True)
class Drawing:
    """Shapes, the last on top, and the spots among them in the order in which keys lead through them."""

    width: float
    height: float
    shapes: Sequence[Shape] = ()
    spots: Sequence[Spot] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """What is written around a drawing that stands alone: its `title`, what it shows, and where it is from.
    `measure` says how wide a text of `TEXT_PIXELS` is, bold or not.
    """

    title: str
    shows: str
    source: str
    measure: Callable[[str], float]


_MARGIN, _TITLE_PIXELS, _HEAD, _FOOT = 32.0, 20, 62.0, 34.0


def framed(frame: Frame, draw: Callable[[float, float], Drawing], width: float, height: float) -> Drawing:
    """The drawing with margins, below its title and above its source, all of it as large as asked for."""
    room = width - 2 * _MARGIN
    own = draw(room, height - 2 * _MARGIN - _HEAD - _FOOT)
    y, foot = _MARGIN + 8, height - _MARGIN - 2
    title_room = room * TEXT_PIXELS / _TITLE_PIXELS
    shapes = [
        DrawnText(_MARGIN, y, _cut(frame.title, title_room, frame.measure), is_bold=True, size=_TITLE_PIXELS),
        DrawnText(_MARGIN, y + 26, _cut(frame.shows, room, frame.measure), "dim"),
        *(_moved(shape, _MARGIN, _MARGIN + _HEAD) for shape in own.shapes),
        DrawnLine(_MARGIN, foot - 16, width - _MARGIN, foot - 16, "line"),
        DrawnText(_MARGIN, foot, _cut(frame.source, room, frame.measure), "dim"),
    ]
    spots = [replace(spot, x=spot.x + _MARGIN, y=spot.y + _MARGIN + _HEAD) for spot in own.spots]
    return Drawing(width, height, shapes, spots)


def _moved(shape: Shape, right: float, down: float) -> Shape:
    if isinstance(shape, DrawnLine):
        shape = replace(shape, to_x=shape.to_x + right, to_y=shape.to_y + down)
    return replace(shape, x=shape.x + right, y=shape.y + down)


def _cut(text: str, room: float, measure: Callable[[str], float]) -> str:
    """As much of a line as there is room for."""
    while measure(text) > room and len(text) > 1:
        text = f"{text.removesuffix('…')[:-1].rstrip()}…"
    return text


_ALIKE, _LEAST_SPAN = 1e-9, 1e-290


def ticks(low: float, high: float, most: int) -> list[float]:
    """Round numbers from about `low` to about `high`, `most` at the most (at least two)."""
    size = max(abs(low), abs(high))
    if not high - low > max(size * _ALIKE, _LEAST_SPAN):  # to the eye one place
        high = low + max(1.0, size * _ALIKE * 1e3)
    rough = (high - low) / max(1, most - 1)
    size = 10 ** floor(log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough * 0.999)
    first = floor(low / step)
    found = [(first + number) * step for number in range(most + 2)]
    enough = next(position for position, value in enumerate(found) if value >= high - step * 1e-9)
    return found[: enough + 1]


def paint(painter: QPainter, drawing: Drawing, colours: Colours, font: QFont) -> None:
    """The drawing at the painter's origin; `font` is that of its texts, in whatever size."""
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    for shape in drawing.shapes:
        colour = colours(shape.colour)
        match shape:
            case DrawnArea():
                _paint_area(painter, shape, colour)
            case DrawnLine():
                painter.setPen(QPen(colour, shape.width))
                painter.drawLine(QLineF(shape.x, shape.y, shape.to_x, shape.to_y))
            case DrawnPoint():
                _paint_point(painter, shape, colour)
            case DrawnText():
                painter.setPen(colour)
                painter.setFont(text_font(font, is_bold=shape.is_bold, size=shape.size))
                painter.drawText(_room(shape), _ALIGNED[shape.align], shape.text)


def text_font(font: QFont, *, is_bold: bool = False, size: int = TEXT_PIXELS) -> QFont:
    """That of a drawing's texts."""
    found = QFont(font)
    found.setPixelSize(size)
    found.setBold(is_bold)
    return found


_ALIGNED = {
    Align.AFTER: Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft,
    Align.BEFORE: Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight,
    Align.AROUND: Qt.AlignmentFlag.AlignCenter,
}
_LEFT = {Align.AFTER: 0.0, Align.BEFORE: 1.0, Align.AROUND: 0.5}
_ANCHOR = {Align.AFTER: "start", Align.BEFORE: "end", Align.AROUND: "middle"}


def _room(text: DrawnText) -> QRectF:
    return QRectF(text.x - 2_000 * _LEFT[text.align], text.y - 20, 2_000, 40)


def _paint_area(painter: QPainter, area: DrawnArea, colour: QColor) -> None:
    rect = QRectF(area.x, area.y, area.width, area.height)
    if area.fill is Fill.SOLID:
        painter.fillRect(rect, colour)
        return
    painter.setPen(QPen(colour, 1))
    painter.setBrush(Qt.BrushStyle.NoBrush)
    painter.drawRect(rect.adjusted(0.5, 0.5, -0.5, -0.5))
    if area.fill is Fill.HATCHED:
        painter.drawLines([QLineF(*line) for line in _hatching(area)])


def _hatching(area: DrawnArea) -> list[tuple[float, float, float, float]]:
    """Lines from bottom left to top right, cut at the area's edges."""
    lines = []
    at = _HATCH / 2
    while at < area.width + area.height:
        up, right = min(at, area.height), min(at, area.width)
        lines.append((area.x + at - up, area.y + up, area.x + right, area.y + at - right))
        at += _HATCH
    return lines


def _outline(point: DrawnPoint) -> list[tuple[float, float]]:
    """The corners of a form that has some."""
    x, y, far = point.x, point.y, point.radius
    match point.form:
        case Form.SQUARE:
            near = far * 0.85
            return [(x - near, y - near), (x + near, y - near), (x + near, y + near), (x - near, y + near)]
        case Form.DIAMOND:
            return [(x, y - far), (x + far, y), (x, y + far), (x - far, y)]
        case Form.TRIANGLE:
            return [(x, y - far), (x + far, y + far * 0.8), (x - far, y + far * 0.8)]
    return []


def _cross(point: DrawnPoint) -> tuple[tuple[float, float, float, float], tuple[float, float, float, float]]:
    x, y, far = point.x, point.y, point.radius * 0.8
    return (x - far, y - far, x + far, y + far), (x - far, y + far, x + far, y - far)


def _paint_point(painter: QPainter, point: DrawnPoint, colour: QColor) -> None:
    if point.form is Form.CROSS:
        painter.setPen(QPen(colour, 2))
        painter.drawLines([QLineF(*line) for line in _cross(point)])
        return
    path, centre = QPainterPath(), QPointF(point.x, point.y)
    if corners := _outline(point):
        path.addPolygon(QPolygonF([QPointF(*corner) for corner in corners]))
        path.closeSubpath()
    else:
        path.addEllipse(centre, point.radius * 0.9, point.radius * 0.9)
    if point.form is Form.RING:
        painter.setPen(QPen(colour, 1.5))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        painter.drawPath(path)
    else:
        painter.fillPath(path, colour)


def as_png(drawing: Drawing, colours: Colours, font: QFont) -> bytes:
    """The drawing as a PNG with twice as many pixels each way, on the colour of a panel."""
    picture = QImage(
        round(drawing.width * _SCALE), round(drawing.height * _SCALE), QImage.Format.Format_RGB32
    )
    picture.setDevicePixelRatio(_SCALE)
    picture.fill(colours("panel"))
    painter = QPainter(picture)
    paint(painter, drawing, colours, font)
    painter.end()
    packed = QByteArray()
    buffer = QBuffer(packed)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    picture.save(buffer, "PNG")  # type: ignore[call-overload]  # the stubs err
    return bytes(packed.data())


def as_svg(drawing: Drawing, colours: Colours, title: str) -> str:
    """The drawing as an SVG document that loads nothing; every text in it is data."""
    size = f"{drawing.width:g} {drawing.height:g}"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {size}" width="{drawing.width:g}" '
        f'height="{drawing.height:g}" font-family="sans-serif" font-size="{TEXT_PIXELS}" role="img">',
        f"<title>{_text(title)}</title>",
        f'<rect width="{drawing.width:g}" height="{drawing.height:g}" fill="{colours("panel").name()}"/>',
        *(_element(shape, colours(shape.colour).name()) for shape in drawing.shapes),
        *(
            f'<rect x="{spot.x:.1f}" y="{spot.y:.1f}" width="{spot.width:.1f}" height="{spot.height:.1f}" '
            f'fill-opacity="0"><title>{_text(spot.words)}</title></rect>'
            for spot in drawing.spots
        ),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _text(text: str) -> str:
    return escape(text.translate(_INVALID))


def _line(line: tuple[float, float, float, float], colour: str, width: float = 1) -> str:
    x, y, to_x, to_y = line
    ends = f'x1="{x:.1f}" y1="{y:.1f}" x2="{to_x:.1f}" y2="{to_y:.1f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"/>'


def _element(shape: Shape, colour: str) -> str:
    match shape:
        case DrawnArea(fill=Fill.SOLID):
            return _rect(shape, f'fill="{colour}"')
        case DrawnArea():
            lines = _hatching(shape) if shape.fill is Fill.HATCHED else ()
            return "".join(
                [_rect(shape, f'fill="none" stroke="{colour}"'), *(_line(one, colour) for one in lines)]
            )
        case DrawnLine():
            return _line((shape.x, shape.y, shape.to_x, shape.to_y), colour, shape.width)
        case DrawnPoint(form=Form.CROSS):
            return "".join(_line(one, colour, 2) for one in _cross(shape))
        case DrawnPoint():
            look = (
                f'fill="none" stroke="{colour}" stroke-width="1.5"'
                if shape.form is Form.RING
                else f'fill="{colour}"'
            )
            if corners := _outline(shape):
                points = " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
                return f'<polygon points="{points}" {look}/>'
            return f'<circle cx="{shape.x:.1f}" cy="{shape.y:.1f}" r="{shape.radius * 0.9:.1f}" {look}/>'
        case DrawnText():
            more = ' font-weight="bold"' if shape.is_bold else ""
            if shape.size != TEXT_PIXELS:
                more += f' font-size="{shape.size}"'
            # Slides know nothing of a baseline in the middle.
            place = f'x="{shape.x:.1f}" y="{shape.y + shape.size * _TO_BASELINE:.1f}"'
            look = f'text-anchor="{_ANCHOR[shape.align]}" fill="{colour}"{more}'
            return f"<text {place} {look}>{_text(shape.text)}</text>"


def _rect(area: DrawnArea, look: str) -> str:
    place = f'x="{area.x:.1f}" y="{area.y:.1f}" width="{area.width:.1f}" height="{area.height:.1f}"'
    return f"<rect {place} {look}/>"


Draw = Callable[[float, float], Drawing]
"""Makes a drawing of this width and height."""

_STEPS = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
_LINE = 60
"""Characters of a line of a tool tip."""
_RADIUS, _NEAR = 8, 6.0
"""Pixels beside a spot that count as on it."""


class Chart(QWidget):
    """`set_drawing(name, draw)`: the drawing is made again for each size.

    A spot's words are shown when the pointer or Left and Right are on it; `picked(key)` when one with a key
    is clicked, or Return is pressed on it.
    """

    picked = Signal(object)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._theme = theme
        self._draw: Draw = Drawing
        self._drawing = Drawing(0, 0)
        self._current = -1
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setMouseTracking(True)
        self.setMinimumSize(240, 160)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)

    def sizeHint(self) -> QSize:
        return QSize(720, 240)  # and less than that says little; who has more room gives it

    def set_drawing(self, name: str, draw: Draw) -> None:
        self._draw = draw
        self.setAccessibleName(name)
        self._make()

    @property
    def drawing(self) -> Drawing:
        return self._drawing

    def measure(self, text: str) -> float:
        """How wide a text of the drawing is at most."""
        return QFontMetricsF(text_font(self.font(), is_bold=True)).horizontalAdvance(text)

    def png(self, frame: Frame, width: int, height: int) -> Callable[[], bytes]:
        """What makes a picture of this size, in any thread: to pack one takes long enough to be felt."""
        drawing = framed(frame, self._draw, width, height)
        return partial(as_png, drawing, self._theme.colour, QFont(self.font()))

    def svg(self, frame: Frame, width: int, height: int) -> str:
        title = f"{frame.title}. {frame.shows} {frame.source}"
        return as_svg(framed(frame, self._draw, width, height), self._theme.colour, title)

    def _make(self) -> None:
        self._drawing = self._draw(self.width(), self.height())
        self._go(-1)
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        self._make()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(self._theme.colour("line"), 1))
        painter.setBrush(self._theme.colour("panel"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        paint(painter, self._drawing, self._theme.colour, self.font())
        painter.setBrush(Qt.BrushStyle.NoBrush)
        if 0 <= self._current < len(self._drawing.spots):
            painter.setPen(QPen(self._theme.colour("text"), 1.5))
            painter.drawRoundedRect(self._drawing.spots[self._current].rect().adjusted(-2, -2, 2, 2), 3, 3)
        if self.hasFocus():
            painter.setPen(QPen(self._theme.colour("accent"), 1))
            painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), _RADIUS, _RADIUS)
        painter.end()

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        self._go(self._at(event.position().x(), event.position().y()))

    def leaveEvent(self, event: QEvent) -> None:
        self._go(-1)
        super().leaveEvent(event)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton:
            self._go(self._at(event.position().x(), event.position().y()))
            self._pick()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        last = len(self._drawing.spots) - 1
        key = Qt.Key(event.key())
        if key in _STEPS and last >= 0:
            self._go(min(last, max(0, self._current + _STEPS[key])))
        elif key in (Qt.Key.Key_Home, Qt.Key.Key_End) and last >= 0:
            self._go(0 if key == Qt.Key.Key_Home else last)
        elif key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space) and self._current >= 0:
            self._pick()
        else:
            super().keyPressEvent(event)

    def _at(self, x: float, y: float) -> int:
        """The spot there; of several the one whose middle is nearest."""
        near = [
            ((spot.x + spot.width / 2 - x) ** 2 + (spot.y + spot.height / 2 - y) ** 2, position)
            for position, spot in enumerate(self._drawing.spots)
            if spot.rect().adjusted(-_NEAR, -_NEAR, _NEAR, _NEAR).contains(x, y)
        ]
        return min(near)[1] if near else -1

    def _pick(self) -> None:
        if self._current >= 0 and (key := self._drawing.spots[self._current].key) is not None:
            self.picked.emit(key)

    def _go(self, position: int) -> None:
        if position == self._current:
            return
        self._current = position
        words = self._drawing.spots[position].words if position >= 0 else ""
        self.setAccessibleDescription(words)
        if words:
            where = self._drawing.spots[position].rect().bottomLeft().toPoint()
            QToolTip.showText(self.mapToGlobal(where), tooltip(fill(words, _LINE), lines=True), self)
        else:
            QToolTip.hideText()
        self.update()
