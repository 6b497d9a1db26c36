"""Copying the selected rows, exporting all that a filter shows, and the context menu that offers both."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, QObject, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.itemmodels.columns import Role
from app.services.records import export
from app.services.records.export import Format
from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import Keys
from app.services.records.tables import DECLARED
from app.ui.shell.actions import Actions
from app.ui.shell.context import Context
from app.ui.tabs.common.list_controller import ListController
from app.ui.widgets.dialogs import ask_save
from app.ui.widgets.formatting import counted
from models.progress import Progress, Stop

_NAMES = {
    Format.CSV: ("CSV", "CSV (*.csv)"),
    Format.JSON: ("JSON lines", "JSON lines (*.jsonl)"),
    Format.SQL: ("SQL inserts", "SQL (*.sql)"),
    Format.TEXT: ("Text", "Tab-separated text (*.txt)"),
}


class Exporter(QObject):
    """Copies and exports for one tab."""

    def __init__(self, context: Context, name: str, parent: QWidget) -> None:
        super().__init__(parent)
        self._context = context
        self._name = name
        self._owner = parent

    def add_copy_menu(self, menu: QMenu, selected: Callable[[], tuple[ListQuery, Keys]]) -> None:
        """A sub-menu that copies the selected rows, and an act that exports them."""
        copy = menu.addMenu("Copy rows as")
        for form, (name, _) in _NAMES.items():
            copy.addAction(name).triggered.connect(partial(self._copy, form, selected))
        menu.addAction("Export these rows…").triggered.connect(lambda: self.ask(*selected()))

    def ask(self, query: ListQuery, keys: Keys | None = None) -> None:
        """Asks for a file and exports every row that the query keeps, or only the rows with these keys."""
        filters = ";;".join(pattern for _, pattern in _NAMES.values())
        start = str(self._context.opened.path.parent / f"{self._name}.csv")
        chosen = ask_save(self._owner, "Export", start, filters)
        if chosen is not None:
            path, kind = chosen
            form = next(form for form, (_, pattern) in _NAMES.items() if pattern == kind)
            self.export(path, query, form, keys)

    def export(self, path: Path, query: ListQuery, form: Format, keys: Keys | None = None) -> None:
        """Writes all that the query keeps, or only these rows, in the background.

        Progress and cancel are in the status bar.
        """
        opened = self._context.opened

        def work(progress: Progress, cancelled: Stop) -> int:
            from app.workers.export import export_rows  # noqa: PLC0415 - every tab may, few people do

            return export_rows(
                opened.path,
                path,
                query,
                form,
                keys=keys,
                read_only=opened.read_only,
                progress=progress,
                cancelled=cancelled,
            )

        def done(count: int) -> None:
            self._context.say(f"{counted(count, 'row')} exported to {path.name}")

        self._context.busy.run(f"Exporting to {path.name}…", work, on_done=done)

    def _copy(self, form: Format, selected: Callable[[], tuple[ListQuery, Keys]], _: bool = False) -> None:
        query, keys = selected()
        lists = self._context.lists

        def copied(text: str) -> None:
            QGuiApplication.clipboard().setText(text)
            self._context.say(f"{counted(len(keys), 'row')} copied")

        self._context.runner.read(
            lambda database: export.text_of(database, lists, query, keys, form), on_done=copied
        )


class RowMenu(QObject):
    """`RowMenu(rows, commands, exporter, filter_by, parent)`; `open(index, where)` shows it for a cell.

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

    def open(self, index: QModelIndex, where: QPoint) -> None:
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
