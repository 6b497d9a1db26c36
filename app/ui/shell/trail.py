"""The way back: from what a record of one tab has led to in another, to that record."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import QTabWidget

from app.services.text import visible

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
