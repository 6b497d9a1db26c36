"""The search field of the tool bar: one text, looked for in everything that the tabs show."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QRectF, QSize, Qt, QTimer, Signal
from PySide6.QtGui import (
    QFocusEvent,
    QFontMetrics,
    QKeyEvent,
    QKeySequence,
    QMouseEvent,
    QMoveEvent,
    QPainter,
    QPaintEvent,
)

from app.services.text import counted, folded
from app.ui.theme import Icon, Theme
from app.ui.widgets.buttons import field_icons
from app.ui.widgets.labels import WindowField, scaled
from models.errors import TenantAdminError

if TYPE_CHECKING:  # the field stands in the window before a file is open
    from app.services.records.search import SearchResult
    from app.ui.shell.search_results import ResultRow, ResultsPopup
    from app.ui.shell.workspace import Workspace
    from app.workers.runner import Task

SHORTCUT = "Ctrl+K"
DEBOUNCE_MS = 200
SLOW_MS = 300
LIMIT = 5
_BESIDES = 60
"""What the field's icon and margins take."""

_WIDTH, _WIDEST = 300, 360


class GlobalSearch(WindowField):
    """Searches the file that it is attached to, within the tenant that its tabs are restricted to.

    The search begins 200 ms after the last key. Up, Down and Enter choose, Escape closes; the field keeps the
    focus all the while. What is chosen is shown in its tab; "and 1,204 more" filters the tab by the text. A
    tenant's own name leads to that tenant first. `answered(text, total)` when it shows how many records were
    found of a text.
    """

    answered = Signal(str, int)

    def __init__(self, theme: Theme) -> None:
        super().__init__()
        self._workspace: Workspace | None = None
        self._task: Task | None = None
        self._theme = theme
        self._shortcut = QKeySequence(SHORTCUT).toString(QKeySequence.SequenceFormat.NativeText)
        self._enter_waits = self._asks = False
        self._wait = QTimer(self, singleShot=True, interval=DEBOUNCE_MS)
        self._wait.timeout.connect(self._search)
        self._slow = QTimer(self, singleShot=True, interval=SLOW_MS)
        self._slow.timeout.connect(self._say_searching)
        self.setPlaceholderText("Search everything")
        self.setAccessibleName("Search everything")
        self.setAccessibleDescription(f"{self._shortcut}; finds records in every tab")
        self.setMaximumWidth(_WIDEST)  # beyond it, the room is left of it
        self.setMinimumWidth(160)
        field_icons(theme, self, Icon.SEARCH)
        self.textChanged.connect(self._text_changed)

    @cached_property
    def popup(self) -> ResultsPopup:
        """The list below the field; made when it is first wanted, which is long after the window shows."""
        from app.ui.shell.search_results import ResultsPopup  # noqa: PLC0415

        popup = ResultsPopup(self._theme, self)
        popup.list.clicked.connect(lambda index: self._choose(popup.rows[index.row()]))
        return popup

    def attach(self, workspace: Workspace | None) -> None:
        """Searches this file from now on, or none; what was typed is forgotten."""
        self.clear()
        self._close()
        self._workspace = workspace

    def focus(self) -> None:
        self.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.selectAll()
        self._reopen()

    def is_open(self) -> bool:
        return "popup" in vars(self) and not self.popup.isHidden()

    def sizeHint(self) -> QSize:
        return QSize(_WIDTH, super().sizeHint().height())

    def moveEvent(self, event: QMoveEvent) -> None:
        super().moveEvent(event)
        if self.is_open():
            self.popup.hide()  # the window was resized, and it is no longer under the field

    def _text_changed(self, text: str) -> None:
        self._forget_task()
        if text.strip():
            self._wait.start()
        else:
            self._close()

    def _search(self, *, agreed: bool = False) -> None:
        """Where that may be many rows, and each is charged, a person has to agree first, by Enter."""
        from app.services.records import search  # noqa: PLC0415

        self._forget_task()
        text = self.text().strip()
        if self._workspace is None or not text:
            return
        context, scope = self._workspace.context, self._workspace.scope
        rows = sum(context.rows_of(table.name, scope) for table in search.searched(context.lists))
        if context.is_much(rows) and not agreed:
            self._asks = True
            charged = context.charged(" Each is charged, and what is found is charged twice.")
            said = f"This reads about {counted(rows, 'row')}; press Enter to search.{charged}"
            self.popup.show_sentence(said)
            return
        self._slow.start()
        self._task = context.runner.read(
            search.everything,
            context.lists,
            scope,
            text,
            limit_per_table=LIMIT,
            on_done=self._show,
            on_failed=self._failed,
        )

    def _forget_task(self) -> None:
        self._wait.stop()
        self._slow.stop()
        self._enter_waits = self._asks = False
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _show(self, found: SearchResult) -> None:
        self._task = None
        self._slow.stop()
        if self._workspace is None or not self.hasFocus():
            return
        tenant = self._tenant_of(found.text)
        if not found.total and tenant is None:
            from app.services.records.tables import PLANNING_ARTIFACTS  # noqa: PLC0415
            from app.ui.shell.search_results import texts_of_runs  # noqa: PLC0415

            where = self._workspace.scope.tenant_id
            of = f" of {where}" if where else ""
            produced = self._workspace.context.lists.holds(PLANNING_ARTIFACTS.name)
            ways = [texts_of_runs()] if produced else []
            self.popup.show_sentence(f"Nothing{of} contains “{found.text}”.", ways)
            self.answered.emit(found.text, 0)
            return
        self.popup.show_found(found, tenant)
        self.answered.emit(found.text, found.total)
        if self._enter_waits:
            self._enter()

    def _tenant_of(self, text: str) -> str | None:
        """The tenant whose name that is, unless it is the one in which one works."""
        if self._workspace is None:
            return None
        there = [one for one in self._workspace.context.tenants if folded(one) == folded(text)]
        same = text if text in there else next(iter(there), None)
        return None if same == self._workspace.scope.tenant_id else same

    def _failed(self, error: TenantAdminError) -> None:
        self._task = None
        self._slow.stop()
        if self.hasFocus():
            self.popup.show_sentence(str(error))

    def _say_searching(self) -> None:
        if not self.is_open() and self.hasFocus():
            self.popup.show_sentence("Searching…")

    def _reopen(self) -> None:
        if not self.is_open() and self.text().strip():
            self._search()

    def _move(self, step: int) -> None:
        if self.is_open():
            self.popup.move_by(step)
        else:
            self._reopen()

    def _enter(self) -> None:
        if self._asks:
            self._search(agreed=True)
            return
        if self._wait.isActive() or not (self.is_open() or self._task):
            self._search()
        if self._task is not None:
            self._enter_waits = True  # what shows belongs to an earlier text
            return
        row = self.popup.current()
        if row is not None:
            self._choose(row)

    def _choose(self, row: ResultRow) -> None:
        from app.ui.shell.search_results import RowKind  # noqa: PLC0415

        workspace = self._workspace
        if workspace is None or row.kind is RowKind.HEAD:
            return
        text = self.text().strip()
        self._close()
        if row.kind is RowKind.TEXTS:
            workspace.search_texts(text)
            return
        if row.kind is RowKind.TENANT:
            workspace.tenant_wanted.emit(row.record_id)
        elif row.kind is RowKind.HIT:
            workspace.jump(row.table, row.record_id)
        else:
            workspace.show_matches(row.table, text)
        workspace.with_current(lambda page: page.take_focus())

    def _escape(self) -> None:
        if self.is_open() or self._task is not None or self._wait.isActive():
            self._close()
        elif self.text():
            self.clear()
        elif self._workspace is not None:
            self._workspace.focus_in_current()

    def _close(self) -> None:
        self._forget_task()
        if self.is_open():
            self.popup.hide()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        match event.key():
            case Qt.Key.Key_Down:
                self._move(1)
            case Qt.Key.Key_Up:
                self._move(-1)
            case Qt.Key.Key_PageDown | Qt.Key.Key_PageUp if self.is_open():
                self.popup.move_page(event.key() == Qt.Key.Key_PageDown)
            case Qt.Key.Key_Return | Qt.Key.Key_Enter:
                self._enter()
            case Qt.Key.Key_Escape:
                self._escape()
            case _:
                super().keyPressEvent(event)

    def mousePressEvent(self, event: QMouseEvent) -> None:
        super().mousePressEvent(event)
        self._reopen()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self._close()

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self.text() or self.hasFocus():
            return
        font = scaled(self.font(), 0.85)
        metrics = QFontMetrics(font)
        width, height = metrics.horizontalAdvance(self._shortcut) + 12, metrics.height() + 4
        if self.fontMetrics().horizontalAdvance(self.placeholderText()) + width > self.width() - _BESIDES:
            return
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setFont(font)
        box = QRectF(self.width() - width - 7.5, (self.height() - height) / 2, width, height)
        disabled = not self.isEnabled()
        painter.setPen(self._theme.colour("line"))
        painter.setBrush(self._theme.colour("window" if disabled else "alternate"))
        painter.drawRoundedRect(box, 4, 4)
        painter.setPen(self._theme.colour("disabled" if disabled else "dim"))
        painter.drawText(box, Qt.AlignmentFlag.AlignCenter, self._shortcut)
        painter.end()
