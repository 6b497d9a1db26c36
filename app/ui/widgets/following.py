"""What scrolls to where the keyboard is."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt, Signal, Slot
from PySide6.QtWidgets import QApplication, QFrame, QScrollArea, QWidget

from app.ui.widgets.later import later


class FollowingScroll(QScrollArea):
    """Shows all of what the focus comes to, with `around` pixels above and below; where there is no room for
    it, the line in which the keyboard is, as with each key. A click is where one looks already.
    `followed(widget)` when what it came to is in sight, for who has more to show with it.
    """

    followed = Signal(QWidget)

    def __init__(self, around: int, parent: QWidget | None = None) -> None:
        super().__init__(parent, widgetResizable=True)
        self._around = around
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        app = QApplication.instance()
        if isinstance(app, QApplication):
            app.focusChanged.connect(self._focus_moved)

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
        margin = min(place.height() // 2 + self._around, room // 2 - 1)
        self.ensureVisible(place.center().x(), place.center().y(), 0, max(0, margin))
        if not line_alone:
            self.followed.emit(focused)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
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
