"""Copying the selected rows and exporting all that a filter shows, in every format."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QObject, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu, QWidget

from app.services.errors import Cancelled, TenantAdminError
from app.services.records import export
from app.services.records.export import Format
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys
from app.ui.shell.context import Context
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.formatting import counted
from app.workers.runner import Progress, Stop

_NAMES = {
    Format.CSV: ("CSV", "CSV (*.csv)"),
    Format.JSON: ("JSON lines", "JSON lines (*.jsonl)"),
    Format.SQL: ("SQL inserts", "SQL (*.sql)"),
    Format.TEXT: ("Text", "Tab-separated text (*.txt)"),
}


class Exporter(QObject):
    """Copies and exports for one tab. `said(text)` tells what was done, for a toast."""

    said = Signal(str)

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
            self.said.emit(f"{counted(count, 'row')} exported to {path.name}")

        def failed(error: TenantAdminError) -> None:
            if not isinstance(error, Cancelled):
                self._context.runner.failed.emit(error)

        self._context.busy.run(f"Exporting to {path.name}…", work, on_done=done, on_failed=failed)

    def _copy(self, form: Format, selected: Callable[[], tuple[ListQuery, Keys]], _: bool = False) -> None:
        query, keys = selected()
        lists = self._context.lists

        def copied(text: str) -> None:
            QGuiApplication.clipboard().setText(text)
            self.said.emit(f"{counted(len(keys), 'row')} copied")

        self._context.runner.read(
            lambda database: export.text_of(database, lists, query, keys, form), on_done=copied
        )
