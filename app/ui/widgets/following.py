"""What scrolls to where the keyboard is."""

from math import ceil, floor

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, QSize, Qt, Signal, Slot
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QFrame,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QScrollArea,
    QWidget,
)

from app.ui.widgets.later import later

_ENOUGH = 72
"""Pixels of a table or of a text of many lines by which one knows it: nothing moves for the rest of it."""
_LONGEST, _AROUND_LINES = 40, 24
"""Lines of a text that are seen at once at the most where what it stands in scrolls; pixels around them."""


def spread(box: QPlainTextEdit) -> None:
    """From now on it is as high as its text, and what it stands in scrolls, unless it is very long."""
    _Spread(box)


class _Spread(QObject):
    """Makes its parent as high as its text needs at its width."""

    def __init__(self, box: QPlainTextEdit) -> None:
        super().__init__(box)
        self._box, self._least = box, box.minimumHeight()
        box.installEventFilter(self)
        box.document().documentLayout().documentSizeChanged.connect(self._fit)
        self._fit()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            later(self, 0, self._fit)
        return super().eventFilter(watched, event)

    @Slot()
    def _fit(self) -> None:
        lines = min(_LONGEST, ceil(self._box.document().size().height()))
        needed = lines * self._box.fontMetrics().lineSpacing() + _AROUND_LINES
        self._box.setMinimumHeight(max(self._least, needed))


class FollowingScroll(QScrollArea):
    """Shows all of what the focus comes to, with `around` pixels above and below; where there is no room for
    it, the line in which the keyboard is, as with each key. A click is where one looks already. Where the
    words above it would be cut through by that, they are in sight whole, or gone.
    `followed(widget)` when what it came to is in sight, for who has more to show with it.
    """

    followed = Signal(QWidget)

    def __init__(self, around: int, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self._around, self._is_spread = around, False
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

    def spread(self) -> None:
        """From now on it is as high as all that it holds, and what it stands in scrolls."""
        self._is_spread = True
        if (content := self.widget()) is not None and (layout := content.layout()) is not None:
            layout.setContentsMargins(0, 0, 0, 0)  # no bar needs room
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        policy = self.sizePolicy()
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def heightForWidth(self, width: int) -> int:
        content = self.widget()
        if not self._is_spread or content is None:
            return -1
        wrapped = content.heightForWidth(width)
        return wrapped if wrapped >= 0 else content.sizeHint().height()

    def minimumSizeHint(self) -> QSize:
        least = super().minimumSizeHint()
        return QSize(least.width(), max(least.height(), self.heightForWidth(self.width())))

    def show_line(self) -> None:
        """A key in what has the focus moves nothing as long as its line is in sight."""
        self.show_focus(line_alone=True)

    def show_focus(self, *, line_alone: bool = False) -> None:
        focused, content = self.window().focusWidget(), self.widget()
        if focused is None or content is None or not content.isAncestorOf(focused):
            return
        room = self.viewport().height()
        place = QRect(focused.mapTo(content, QPoint()), focused.size())
        if place.height() > room or line_alone:
            line = QRectF(focused.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)).toAlignedRect()
            whole = line.height() > room  # of what has no line that is current: its beginning
            place = QRect(focused.mapTo(content, QPoint() if whole else line.topLeft()), line.size())
            place.setHeight(1 if whole else line.height())
        bar = self.verticalScrollBar()
        if line_alone or not self._has_enough(focused, bar.value()):
            margin = min(place.height() // 2 + self._around, room // 2 - 1)
            self.ensureVisible(place.center().x(), place.center().y(), 0, max(0, margin))
        if not line_alone:
            bar.setValue(self._between_lines(bar.value(), place))
            self.followed.emit(focused)

    def show_part(self, part: QWidget, around: int = 50) -> None:
        """All of this part, with so many pixels above and below where there is room for them."""
        self.ensureWidgetVisible(part, 0, around)
        bar, place = self.verticalScrollBar(), QRect(self._place(part), part.size())
        bar.setValue(self._between_lines(bar.value(), place))

    def shows_at_top(self, part: QWidget) -> bool:
        """Whether it, or enough of it, is in sight where nothing has been scrolled."""
        end = self._place(part).y() + part.height()
        return end <= self.viewport().height() or self._has_enough(part, 0)

    def _place(self, part: QWidget) -> QPoint:
        """Where it begins in what scrolls."""
        content = self.widget()
        return QPoint() if content is None else part.mapTo(content, QPoint())

    def _has_enough(self, part: QWidget, value: int) -> bool:
        """Whether, scrolled so far, the beginning of something high and the line in which the keyboard is are
        in sight.
        """
        if part.height() <= _ENOUGH:
            return False
        if isinstance(part, QAbstractItemView):
            line = part.visualRect(part.currentIndex()).translated(part.viewport().pos())
        else:
            asked = part.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)
            line = QRectF(asked).toAlignedRect()
        needed = QRect(0, 0, 1, _ENOUGH)
        needed.setBottom(max(needed.bottom(), line.bottom() if line.height() < _ENOUGH else 0))
        top = self._place(part).y() - value
        return top >= 0 and top + needed.height() <= self.viewport().height()

    def _between_lines(self, value: int, place: QRect) -> int:
        """The same, or a little more or less, so that no line of words lies half above the edge."""
        up = down = float(value)
        for part in self.viewport().findChildren(QWidget):
            if not isinstance(part, (QLabel, QLineEdit, QComboBox, QAbstractButton)) or not part.isVisible():
                continue
            top = self._place(part).y()
            if top < value < top + part.height():
                is_words = isinstance(part, QLabel) and bool(part.text())
                lines = max(1, round(part.height() / part.fontMetrics().lineSpacing())) if is_words else 1
                line = part.height() / lines
                up = min(up, top + floor((value - top) / line) * line)
                down = max(down, top + ceil((value - top) / line) * line)
        if place.bottom() < up + self.viewport().height():
            return int(up)
        return ceil(down) if place.top() - self._around >= down else value

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest and self._is_spread and watched is self.widget():
            self.updateGeometry()
        if event.type() == QEvent.Type.KeyPress and watched is self.window().focusWidget():
            later(self, 0, self.show_line)
        return super().eventFilter(watched, event)

    @Slot(QWidget, QWidget)
    def _focus_moved(self, _: QWidget | None, focused: QWidget | None) -> None:
        """Qt scrolls to it only where the focus came from within, and of a text to its first line alone."""
        if focused is None or (content := self.widget()) is None or not content.isAncestorOf(focused):
            return
        focused.installEventFilter(self)
        if QApplication.mouseButtons() == Qt.MouseButton.NoButton:
            if focused.height() > self.viewport().height():  # as much of it as there is room for
                self.verticalScrollBar().setValue(focused.mapTo(content, QPoint()).y())
            self.show_focus()
