"""Copying the selected rows, exporting all that a filter shows, and the context menu that offers both."""

from functools import partial
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QMenu

from app.itemmodels.columns import Role
from app.services.records import export
from app.services.records.export import Format
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys
from app.services.text import cells, counted
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ask_save
from models.progress import Progress, Stop

_NAMES = {
    Format.CSV: ("CSV", "CSV (*.csv)"),
    Format.JSON: ("JSON lines", "JSON lines (*.jsonl)"),
    Format.SQL: ("SQL inserts", "SQL (*.sql)"),
    Format.TEXT: ("Text", "Tab-separated text (*.txt)"),
}


def open_row_menu(tab: RecordTab, index: QModelIndex, where: QPoint) -> None:
    """The acts of the tab, and what can be done with the value of a cell and with the selected rows."""
    menu = QMenu(tab)
    menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    tab.commands.fill(menu)
    if index.isValid():
        menu.addSeparator()
        text = str(index.data(Role.WHOLE) or index.data() or "")
        record = tab.model.record(index.row())
        if record is not None and text:
            column = tab.model.columns[index.column()].name
            value = record[tab.spec.table.names.index(column)]
            menu.addAction("Filter by this value", lambda: tab.filter_by(column, value, text))
        copy = menu.addMenu("Copy rows as")
        for form, (name, _) in _NAMES.items():
            copy.addAction(name).triggered.connect(partial(copy_rows, tab, form))
        menu.addAction("Export these rows…", lambda: ask_export(tab, *tab.list.selected_keys()))
        menu.addAction("Copy this value", lambda: QGuiApplication.clipboard().setText(cells(text)))
    menu.popup(where)


def ask_export(tab: RecordTab, query: ListQuery, keys: Keys | None = None) -> None:
    """Asks for a file and exports every row that the query keeps, or only the rows with these keys."""
    filters = ";;".join(pattern for _, pattern in _NAMES.values())
    start = str(tab.context.opened.path.parent / f"{tab.spec.table.name}.csv")
    chosen = ask_save(tab, "Export", start, filters)
    if chosen is not None:
        path, kind = chosen
        form = next(form for form, (_, pattern) in _NAMES.items() if pattern == kind)
        export_to(tab, path, query, form, keys)


def export_to(tab: RecordTab, path: Path, query: ListQuery, form: Format, keys: Keys | None = None) -> None:
    """Writes all that the query keeps, or only these rows, with progress and cancel in the status bar."""
    context, opened = tab.context, tab.context.opened

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
        context.say(f"{counted(count, 'row')} exported to {path.name}")

    context.job(f"Exporting to {path.name}…", work, on_done=done)


def copy_rows(tab: RecordTab, form: Format = Format.TEXT, _: bool = False) -> None:
    """Puts the selected rows on the clipboard."""
    context, (query, keys) = tab.context, tab.list.selected_keys()

    def copied(text: str) -> None:
        QGuiApplication.clipboard().setText(text)
        context.say(f"{counted(len(keys), 'row')} copied")

    context.runner.read(
        lambda database: export.text_of(database, context.lists, query, keys, form), on_done=copied
    )
