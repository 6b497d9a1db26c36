"""Pages behind tabs, of which one is in sight."""

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QTabWidget, QWidget

_AT_FOOT = 60
"""As much of a page's height as what is said at its foot may take before the rest makes itself smaller."""


class PagePlace(QWidget):
    """What a page stands in, with what is said at its foot."""

    resized = Signal()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.resized.emit()


def height_of(page: QWidget) -> int:
    """By which a page decides what it has room for: what comes at its foot by itself moves nothing in it."""
    place = page.parentWidget()
    return min(place.height(), page.height() + _AT_FOOT) if isinstance(place, PagePlace) else page.height()


class TabPages(QTabWidget):
    """Qt paints all of the page again whenever anything in it asks for another size: each count that comes
    above a thousand cells. Here it does where the tabs ask for it, or what is in the corner beside them: a
    page has its place by them alone.
    """

    _laid_out: tuple[QSize, ...] = ()

    def tabInserted(self, index: int) -> None:
        super().tabInserted(index)
        self.tabBar().lower()  # heard before the pages

    def event(self, event: QEvent) -> bool:
        is_asked = event.type() == QEvent.Type.LayoutRequest
        if is_asked and self.isVisible() and self._wanted() == self._laid_out:
            self.updateGeometry()
            return True
        done = super().event(event)
        if is_asked:
            self._laid_out = self._wanted()
        return done

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._laid_out = self._wanted()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._laid_out = self._wanted()

    def _wanted(self) -> tuple[QSize, ...]:
        corner = self.cornerWidget(Qt.Corner.TopRightCorner)
        return self.size(), self.tabBar().sizeHint(), QSize() if corner is None else corner.sizeHint()
