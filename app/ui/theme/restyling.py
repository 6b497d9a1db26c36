"""Another palette and style sheet for all that is on the screen, without keeping anybody waiting."""

import time

from PySide6.QtCore import QCoreApplication, QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QPalette
from PySide6.QtWidgets import QApplication, QWidget
from shiboken6 import isValid

_POLISHED, _OWN_STYLE = Qt.WidgetAttribute.WA_WState_Polished, Qt.WidgetAttribute.WA_SetStyle

_SLICE_SECONDS = 0.01


class Restyling(QObject):
    """Styles what is in sight at once, paints it when the event loop has had its turn, and styles the rest
    after that, in slices of 10 ms.

    To change the style sheet in force takes Qt a second for five tabs, to take it away and give another one
    300 ms: it styles every widget twice, and most are out of sight. It leaves out those that it takes for
    not styled yet.
    """

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._held: list[QWidget] = []
        self._stale: list[QWidget] = []
        self._bare: list[QWidget] = []
        """What still has the old look, and what has none: what lies within another takes its colours from it,
        so that all must have lost the old one before one is given the new.
        """
        self._timer = QTimer(self, interval=0)
        self._timer.timeout.connect(self._go_on)

    def give(self, app: QApplication, palette: QPalette, sheet: str) -> None:
        widgets = [one for one in app.allWidgets() if one.testAttribute(_POLISHED)]
        widgets += filter(isValid, self._stale + self._bare)
        seen = [one for one in widgets if one.isVisible()]
        self._stale = [one for one in widgets if not one.isVisible()]
        self._bare.clear()
        self._held += [one for one in seen if one.isWindow() and one.updatesEnabled()]
        for window in self._held:
            window.setUpdatesEnabled(False)
        for widget in seen:
            app.style().unpolish(widget)
        _leave_out(widgets, True)
        app.setStyleSheet("")
        app.setPalette(palette)
        _leave_out(seen, False)
        app.setStyleSheet(sheet)
        for widget in self._stale:
            widget.setAttribute(_OWN_STYLE, False)
        if widgets:
            self._timer.start()

    def _go_on(self) -> None:
        if self._held:
            for window in filter(isValid, self._held):
                window.setUpdatesEnabled(True)
            self._held.clear()
            return
        style, until = QApplication.style(), time.perf_counter() + _SLICE_SECONDS
        while self._stale and time.perf_counter() < until:
            widget = self._stale.pop()
            if isValid(widget):
                style.unpolish(widget)
                self._bare.append(widget)
        while self._bare and not self._stale and time.perf_counter() < until:
            widget = self._bare.pop()
            if isValid(widget):
                style.polish(widget)
                widget.setAttribute(_POLISHED)
                QCoreApplication.sendEvent(widget, QEvent(QEvent.Type.StyleChange))
        if not self._stale and not self._bare:
            self._timer.stop()


def _leave_out(widgets: list[QWidget], out: bool) -> None:
    for widget in widgets:
        widget.setAttribute(_POLISHED, not out)
        widget.setAttribute(_OWN_STYLE, out)
