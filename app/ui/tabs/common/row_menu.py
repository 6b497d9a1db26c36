"""The context menu of a tab's table: its acts, and what can be done with the value under the mouse."""

from collections.abc import Callable

from PySide6.QtCore import QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.itemmodels.roles import Role
from app.services.records.list_query import Value
from app.services.records.tables import DECLARED
from app.ui.shell.actions import Actions
from app.ui.tabs.common.exporting import Exporter
from app.ui.tabs.common.list_controller import ListController


class RowMenu(QObject):
    """`RowMenu(rows, commands, exporter, filter_by, parent)`; it opens when the view of `rows` asks for it.

    `filter_by(column, value, text)` is called for "Filter by this value" with the value stored and its whole
    text.
    """

    def __init__(
        self,
        rows: ListController,
        commands: Actions,
        exporter: Exporter,
        filter_by: Callable[[str, Value, str], None],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._rows = rows
        self._commands = commands
        self._exporter = exporter
        self._filter_by = filter_by
        self._owner = parent
        rows.view.menu_requested.connect(self._open)

    def _open(self, index: QModelIndex, where: QPoint) -> None:
        menu = QMenu(self._owner)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._commands.fill(menu)
        if index.isValid():
            menu.addSeparator()
            text = str(index.data(Role.WHOLE) or index.data() or "")
            self._add_filter(menu, index, text)
            self._exporter.add_copy_menu(menu, self._rows.selected_keys)
            copy = menu.addAction("Copy this value")
            copy.triggered.connect(lambda: QGuiApplication.clipboard().setText(text))
        menu.popup(where)

    def _add_filter(self, menu: QMenu, index: QModelIndex, text: str) -> None:
        column = self._rows.model.columns[index.column()].name
        record = self._rows.model.record(index.row())
        if record is None or not text:
            return
        value = record[DECLARED[self._rows.table].names.index(column)]
        act = menu.addAction("Filter by this value")
        act.triggered.connect(lambda: self._filter_by(column, value, text))
