"""Exporting from the window: all rows or the selected ones, stopped, and told when it cannot be."""

from pathlib import Path

import apsw
import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app.services.records.export import Format
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.exporting import export_to
from tests.fixtures.window import ask, button, choose, error, open_file, press, values

MANY = 100_000
"""Rows whose export takes more than half a second."""


def save_as(monkeypatch: pytest.MonkeyPatch, path: Path, pattern: str) -> None:
    """The person chooses this file in the system's dialog."""

    def choose_it(dialog: QFileDialog) -> bool:
        dialog.selectNameFilter(pattern)
        dialog.setDirectory(str(path.parent))
        dialog.selectFile(path.name)
        return True

    monkeypatch.setattr(QFileDialog, "exec", choose_it)


@pytest.mark.slow
def test_the_selected_rows_are_exported(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 2)
    press("Shift+Down")
    emails = values(page, "email")
    index = page.model.index(2, 0)
    page.table.menu_requested.emit(index, page.mapToGlobal(page.rect().center()))
    menu = page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
    save_as(monkeypatch, tmp_path / "two.txt", "Tab-separated text (*.txt)")
    next(act for act in menu.actions() if act.text() == "Export these rows…").trigger()
    menu.close()
    qtbot.waitUntil(lambda: window.toast.text() == "2 rows exported to two.txt")
    lines = (tmp_path / "two.txt").read_text().splitlines()
    place = lines[0].split("\t").index("email")
    assert [line.split("\t")[place] for line in lines[1:]] == emails[2:4]


def test_a_copied_value_runs_in_no_other_cell(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    first = "CASE rowid WHEN (SELECT min(rowid) FROM users) THEN '' ELSE 'a' || char(9) END"
    ask(demo_path, f"UPDATE users SET email = {first} || '=1+1'")
    page = open_file(qtbot, window, demo_path)
    column, found = page.model.column_of("email"), set()
    for row in range(page.model.rowCount()):
        page.table.menu_requested.emit(page.model.index(row, column), page.mapToGlobal(page.rect().center()))
        menu = page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
        next(act for act in menu.actions() if act.text() == "Copy this value").trigger()
        menu.close()
        found.add(QGuiApplication.clipboard().text())
    assert found == {"=1+1", "a\t'=1+1"}


@pytest.mark.slow
def test_an_export_can_be_stopped(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(
        demo_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'many-' || i, 'acme-corp', i || '@example.org', i, i FROM n",
        MANY,
    )
    open_file(qtbot, window, demo_path)
    folder = tmp_path / "out"
    folder.mkdir()
    save_as(monkeypatch, folder / "users.csv", "CSV (*.csv)")
    press("Ctrl+E")
    strip = window.busy
    qtbot.waitUntil(lambda: strip.label.text().startswith("Exporting to users.csv") and strip.bar.value() > 0)
    assert len(list(folder.iterdir())) == 1 and not (folder / "users.csv").exists()
    button(strip, "Cancel").click()
    qtbot.waitUntil(strip.isHidden)
    assert list(folder.iterdir()) == []
    assert "exported" not in window.toast.text()


@pytest.mark.slow
def test_why_nothing_is_exported(qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    export_to(page, tmp_path / "nowhere" / "out.csv", page.query(), Format.CSV)
    assert error(qtbot, window).startswith("out.csv cannot be written")
    export_to(page, demo_path, page.query(), Format.CSV)
    assert "There is a database at" in error(qtbot, window)
    connection = apsw.Connection(str(demo_path))
    assert connection.pragma("integrity_check") == "ok"
    connection.close()
