"""The page of all tenants in the place of a tab's: how one comes there and back.

And the way back: from what a record of one tab has led to in another, to that record.
"""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, QSize, Qt, Signal
from PySide6.QtGui import QKeySequence, QMoveEvent, QShortcut
from PySide6.QtWidgets import QApplication, QStackedWidget, QTabWidget, QWidget
from shiboken6 import Shiboken

from app.services.text import visible
from app.ui.theme import Icon, Kind, Theme, set_property
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import in_row, set_tip
from app.ui.widgets.tab_order import is_lost, release


class _Corner(QWidget):
    """On a line with the tabs, whose style would have it lower; hidden, it takes none of their room, as it
    would by Qt.
    """

    def sizeHint(self) -> QSize:
        return QSize(0, 0) if self.isHidden() else super().sizeHint()

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        if self.y():
            self.move(self.x(), 0)


class TenantsPlace(QObject):
    """`TenantsPlace(theme, tabs, make)` beside the pages of `tabs`, without a tab of its own: the one that it
    was opened from stays current, and is not marked. `make()` gives the page when it is first wanted.

    `turned()` when it has come into sight, or gone.
    """

    turned = Signal()

    def __init__(self, theme: Theme, tabs: QTabWidget, make: Callable[[], QWidget]) -> None:
        super().__init__(tabs)
        self._tabs, self._make = tabs, make
        self._page: QWidget | None = None
        self._focus_before: QWidget | None = None
        self._was_shown, self._said = False, ""
        self._stack = tabs.findChildren(QStackedWidget)[0]
        self.back_button = push_button(theme, "", self.leave, kind=Kind.FLAT, icon=Icon.CARET_LEFT)
        self._corner = _Corner(tabs)
        self._within = in_row(self.back_button, within=self._corner, margins=(0, 0, 8, 0))
        self._corner.setProperty("corner", True)
        self._corner.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._corner.hide()
        tabs.tabBar().tabBarClicked.connect(self._clicked)
        tabs.installEventFilter(self)
        self._stack.currentChanged.connect(lambda _: self._look())

    @property
    def is_shown(self) -> bool:
        return self._page is not None and self._stack.currentWidget() is self._page

    def show(self) -> None:
        if self.is_shown:
            return
        self._focus_before = QApplication.focusWidget()
        if self._page is None:
            self._page = self._make()
            self._stack.addWidget(self._page)
            self._tabs.setCornerWidget(self._corner, Qt.Corner.TopRightCorner)
        release(self._tabs)
        self._stack.setCurrentWidget(self._page)

    def leave(self, *, back: bool = True) -> None:
        """To the page of the current tab; `back` to where one was in it."""
        if not self.is_shown:
            return
        before, self._focus_before = self._focus_before, None
        release(self._tabs)
        self._stack.setCurrentIndex(self._tabs.currentIndex())
        if back and before is not None and Shiboken.isValid(before) and not is_lost(before):
            before.setFocus(Qt.FocusReason.OtherFocusReason)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in {QEvent.Type.Resize, QEvent.Type.LayoutRequest} and self.is_shown:
            self._say_back()
        return super().eventFilter(watched, event)

    def _say_back(self) -> None:
        """To which tab, where the tabs' own words leave room for that, or any words at all."""
        title = visible(self._tabs.tabText(self._tabs.currentIndex())).split("  ")[0]
        whole = f"Back to {title}"
        self.back_button.setAccessibleName(whole)
        set_tip(self.back_button, whole)
        measured = self.back_button.fontMetrics().horizontalAdvance
        beside = self._within.sizeHint().width() - measured(self._said)  # which is hidden at first
        room = self._tabs.width() - self._tabs.tabBar().sizeHint().width() - beside
        self._said = next((one for one in (f"{whole} · Esc", "Back · Esc") if measured(one) <= room), "")
        self.back_button.setText(self._said.replace("&", "&&"))

    def _clicked(self, at: int) -> None:
        """Of the tab that is current already Qt says nothing else."""
        if at == self._tabs.currentIndex():
            self.leave(back=False)

    def _look(self) -> None:
        if self.is_shown is self._was_shown:
            return
        self._was_shown = self.is_shown
        self._say_back()
        self._corner.setFixedHeight(self._tabs.tabBar().height())
        self._corner.setVisible(self.is_shown)
        set_property(self._tabs.tabBar(), "left", self.is_shown)
        self.turned.emit()


_MOST = 20


class Trail(QObject):
    """`Trail(tabs, go, say)`: a tab that has led to another is gone back to, by Escape or Alt+Left
    there, until a person turns to any tab by themselves. `say` tells of that.
    """

    def __init__(self, tabs: QTabWidget, go: Callable[[int], object], say: Callable[..., object]) -> None:
        super().__init__(tabs)
        self._tabs, self._go, self._say = tabs, go, say
        self._steps: list[int] = []
        self._is_turning = False
        tabs.currentChanged.connect(self._turned)
        for keys in ("Alt+Left", "Back"):
            shortcut = QShortcut(QKeySequence(keys), tabs)
            shortcut.setContext(Qt.ShortcutContext.WindowShortcut)
            shortcut.activated.connect(self.back)

    def lead(self, turn: Callable[[], object]) -> None:
        """Does what turns to another tab, and keeps the one that it is done from."""
        before, steps = self._tabs.currentIndex(), self._steps
        self._is_turning = True
        turn()
        self._is_turning = False
        if self._tabs.currentIndex() != before:
            self._steps = [*steps, before][-_MOST:]
            title = visible(self._tabs.tabText(before)).split("  ")[0]
            self._say(f"Escape leads back to {title}", act=("Back", self.back), of_place=True)

    def back(self) -> bool:
        """Whether there was a way back."""
        if not self._steps:
            return False
        at = self._steps.pop()
        self._is_turning = True
        self._go(at)
        self._is_turning = False
        return True

    def _turned(self) -> None:
        if not self._is_turning:
            self._steps.clear()
