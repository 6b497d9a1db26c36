"""Exporting from the window: all rows or the selected ones, stopped, and told when it cannot be."""

from pathlib import Path

import apsw
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app.services.records.export import Format
from app.ui.shell.window import MainWindow
from app.ui.tabs.common import exporting
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ConfirmDialog
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.keyboard import unspoken
from tests.fixtures.window import TABLES, ask, button, choose, error, go, open_file, press, values

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
    save_as(monkeypatch, tmp_path / "two.txt", "Tab-separated text (*.txt *.tsv)")
    next(act for act in menu.actions() if act.text().replace("&", "") == "Export these rows…").trigger()
    menu.close()
    qtbot.waitUntil(lambda: window.toast.label.text() == "2 rows exported to two.txt")
    lines = (tmp_path / "two.txt").read_text().splitlines()
    place = lines[0].split("\t").index("email")
    assert [line.split("\t")[place] for line in lines[1:]] == emails[2:4]


@pytest.mark.slow
def test_a_copied_value_runs_in_no_other_cell(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    first = "CASE rowid WHEN (SELECT min(rowid) FROM users) THEN '' ELSE 'a' || char(9) END"
    ask(demo_path, f"UPDATE users SET email = {first} || '=1+1'")
    page = open_file(qtbot, window, demo_path)
    column, found = page.model.column_of("email"), set()
    for row in range(page.model.rowCount()):
        page.table.menu_requested.emit(page.model.index(row, column), page.mapToGlobal(page.rect().center()))
        menu = page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
        QGuiApplication.clipboard().setText("")
        next(
            act for act in menu.actions() if act.text().replace("&", "") == "Copy this value (E-mail)"
        ).trigger()
        menu.close()
        qtbot.waitUntil(lambda: bool(QGuiApplication.clipboard().text()))
        found.add(QGuiApplication.clipboard().text())
    assert found == {"=1+1", "a\t'=1+1"}


def pick(page: RecordTab, row: int, column: str, words: str) -> None:
    """Chooses from the menu of a cell, which names its column."""
    index = page.model.index(row, page.model.column_of(column))
    words = f"{words} ({page.model.columns[index.column()].title})"
    page.table.menu_requested.emit(index, page.mapToGlobal(page.rect().center()))
    menu = page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
    next(act for act in menu.actions() if act.text().replace("&", "") == words).trigger()
    menu.close()


@pytest.mark.slow
def test_a_value_is_copied_whole_and_a_time_as_a_time(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    long = "x" * 600 + "␀@example.org"  # most programs paste no further than a NUL
    ask(demo_path, "UPDATE users SET email = ?, created_at = 1795355707000", long.replace("␀", "\0"))
    page, clipboard = open_file(qtbot, window, demo_path), QGuiApplication.clipboard()
    pick(page, 0, "email", "Copy this value")
    qtbot.waitUntil(lambda: clipboard.text() == long)
    told = "copied; 1 NUL became “␀”, as most programs paste no further than a NUL"
    assert window.toast.label.text() == f"E-mail {told}"
    pick(page, 0, "created_at", "Copy this value")
    qtbot.waitUntil(lambda: clipboard.text() == "2026-11-22 13:55:07")
    assert window.toast.label.text() == "Created copied"
    choose(qtbot, page, 0)
    exporting.copy_rows(page, "text")
    qtbot.waitUntil(lambda: long in clipboard.text())
    assert window.toast.label.text() == f"1 row {told}"
    exporting.copy_rows(page, "json")
    qtbot.waitUntil(lambda: "x\\u0000@example.org" in clipboard.text())
    assert window.toast.label.text() == "1 row copied", "that has a form for it"


@pytest.mark.parametrize(
    "column",
    [
        "id",
        *(pytest.param(one, marks=pytest.mark.slow) for one in ("created_at", "tenant_id", "has_password")),
    ],
)
def test_a_filter_by_a_value_keeps_its_row_and_adds_to_the_others(
    qtbot: QtBot, window: MainWindow, demo_path: Path, column: str
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 3)
    kept, shown = page.list.current_id(), values(page, column)[3]
    above = page.table.mapTo(window, QPoint()).y()
    lists = [(picker.x(), picker.width()) for picker in page.filters.pickers.values()]
    pick(page, 3, column, "Filter by this value")
    qtbot.waitUntil(lambda: bool(page.query().choices) and set(values(page, column)) == {shown})
    qtbot.waitUntil(lambda: page.list.current_id() == kept)
    before = page.query().choices
    first_chips = page.exact.chips()  # none where the value is chosen in its list
    qtbot.waitUntil(lambda: bool(first_chips) == (page.table.mapTo(window, QPoint()).y() > above))
    place = page.table.mapTo(window, QPoint())
    pick(page, page.table.currentIndex().row(), "email", "Filter by this value")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1 and page.query().choices != before)
    assert set(before) < set(page.query().choices)
    chip = page.exact.chips()[-1]
    assert chip.isVisible() and chip.text().startswith("E-mail: ")
    chip.setFixedWidth(chip.minimumSizeHint().width())
    qtbot.waitUntil(lambda: bool(chip.toolTip()))
    assert unspoken(page) == []
    assert not first_chips or page.table.mapTo(window, QPoint()) == place, "they share a line of their own"
    assert [(picker.x(), picker.width()) for picker in page.filters.pickers.values()] == lists
    chip.click()
    assert page.query().choices == before


@pytest.mark.slow
def test_a_filter_by_a_time_says_what_is_stored_where_others_of_that_second_are_hidden(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE users SET created_at = 1795355707")
    ask(demo_path, "UPDATE users SET created_at = 1795355707.75 WHERE rowid = 1")
    page = open_file(qtbot, window, demo_path)
    page.clear_filters()
    for stored, words in ((1795355707.75, " (stored as 1795355707.75)"), (1795355707, "")):
        page.exact.clear()
        page.exact.add("created_at", stored)
        wanted = ask(demo_path, "SELECT count(*) FROM users WHERE created_at = ?", stored)[0][0]
        qtbot.waitUntil(lambda wanted=wanted: page.model.rowCount() == wanted)  # type: ignore[misc]
        assert page.exact.chips()[0].text() == f"Created: 2026-11-22 13:55:07 UTC{words}"


@pytest.mark.slow
def test_a_filter_by_a_value_that_is_null_or_no_whole_number(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(
        demo_path,
        "UPDATE planning_runs SET quality_score = NULL, revenue_potential = 63.5 WHERE status = 'killed'",
    )
    wanted = ask(demo_path, "SELECT count(*) FROM planning_runs WHERE status = 'killed'")[0][0]
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    row = values(page, "status").index("killed")
    pick(page, row, "revenue_potential", "Filter by this value")
    qtbot.waitUntil(lambda: page.model.rowCount() == wanted)
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() > wanted)
    pick(page, values(page, "status").index("killed"), "quality_score", "Filter by this value")
    qtbot.waitUntil(
        lambda: page.model.rowCount() >= wanted and [*page.exact.choices()] == [("quality_score", (None,))]
    )
    window.resize(640, 400)  # where both are still read
    pick(page, 0, "idea", "Filter by this value")
    qtbot.waitUntil(lambda: len(page.exact.chips()) == 2 and page.exact.y() > page.filters.text.y())
    qtbot.waitUntil(lambda: not any(chip.toolTip() for chip in page.exact.chips()))


@pytest.mark.slow
def test_many_rows_are_copied_whole_and_too_many_offer_a_file(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exporting, "FEW", 5)
    page, clipboard = open_file(qtbot, window, demo_path), QGuiApplication.clipboard()
    page.table.setFocus()
    choose(qtbot, page, 0)
    press("Ctrl+A")
    press("Ctrl+C")
    (count,) = ask(demo_path, "SELECT count(*) FROM users")[0]
    qtbot.waitUntil(lambda: window.toast.label.text() == f"{count} rows copied")
    lines = clipboard.text().splitlines()
    assert len(lines) == count + 1 and "…" not in clipboard.text()
    monkeypatch.setattr(exporting, "CLIPBOARD_CHARACTERS", 100)
    press("Ctrl+C")
    qtbot.waitUntil(lambda: bool(window.findChildren(ConfirmDialog)))
    dialog = window.findChildren(ConfirmDialog)[-1]
    assert dialog.confirm_button.text() == "Export…" and clipboard.text().splitlines() == lines
    dialog.reject()


@pytest.mark.slow
@pytest.mark.parametrize("few", [5, exporting.FEW])
def test_what_is_copied_is_counted_and_what_others_have_deleted_is_said(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch, few: int
) -> None:
    monkeypatch.setattr(exporting, "FEW", few)
    page, clipboard = open_file(qtbot, window, demo_path), QGuiApplication.clipboard()
    page.table.setFocus()
    choose(qtbot, page, 0)
    press("Ctrl+A")
    ask(demo_path, "DELETE FROM users WHERE rowid IN (SELECT rowid FROM users LIMIT 3)")
    (left,) = ask(demo_path, "SELECT count(*) FROM users")[0]
    press("Ctrl+C")
    said = f"{left} rows copied · 3 are no longer there"
    qtbot.waitUntil(lambda: window.toast.label.text() == said)
    assert len(clipboard.text().splitlines()) == left + 1
    ask(demo_path, "DELETE FROM users")
    press("Ctrl+C")
    said = f"Nothing was copied · {left + 3} are no longer there"
    qtbot.waitUntil(lambda: window.toast.label.text() == said)
    assert len(clipboard.text().splitlines()) == left + 1, "what it held"


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
    press("Ctrl+K")
    press("Ctrl+E")  # wherever the focus is
    strip = window.busy
    qtbot.waitUntil(lambda: strip.label.text().startswith("Exporting to users.csv") and strip.bar.value() > 0)
    assert len(list(folder.iterdir())) == 1 and not (folder / "users.csv").exists()
    button(strip, "Cancel").click()
    qtbot.waitUntil(strip.isHidden)
    assert list(folder.iterdir()) == []
    assert "exported" not in window.toast.label.text()


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


def test_the_extension_that_is_typed_says_what_is_written() -> None:
    kinds = "CSV (*.csv)", "SQL (*.sql)"
    names = ("a.sql", "a.JSONL", "a.json", "a.tsv", "a.csv")
    named = [exporting.form_of(Path(name), kinds[0]) for name in names]
    assert named == [Format.SQL, Format.JSON, Format.JSON, Format.TEXT, Format.CSV]
    assert [exporting.form_of(Path(name), kinds[1]) for name in ("a", "a.b")] == [Format.SQL] * 2


@pytest.mark.slow
def test_a_row_that_got_the_number_of_one_that_was_selected_is_neither_copied_nor_exported(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, clipboard = open_file(qtbot, window, demo_path), QGuiApplication.clipboard()
    page.context.outside.stop()  # else it says by itself what is gone, in the place of what is expected below
    ((last, number),) = ask(demo_path, "SELECT id, rowid FROM users ORDER BY rowid DESC LIMIT 1")
    row = next(at for at in range(page.model.rowCount()) if page.model.key(at) == number)
    choose(qtbot, page, row)
    press("Shift+Down" if row == 0 else "Shift+Up")
    ask(demo_path, "DELETE FROM users WHERE id = ?", last)
    ask(demo_path, f"{INTO_USERS} ('newcomer', 'acme-corp', 'n@x.example', NULL, 1, 1)")
    assert ask(demo_path, "SELECT rowid FROM users WHERE id = 'newcomer'") == [(number,)]
    said, gone = window.toast.label, " · one is no longer there"
    clipboard.setText("")
    pick(page, row, "email", "Copy this value")
    qtbot.waitUntil(lambda: said.text() == "Deleted by another program.")
    assert clipboard.text() == ""
    exporting.copy_rows(page, "csv")
    qtbot.waitUntil(lambda: said.text() == f"1 row copied{gone}")
    assert "newcomer" not in clipboard.text() and len(clipboard.text().splitlines()) == 2
    save_as(monkeypatch, tmp_path / "out.csv", "CSV (*.csv)")
    pick_of_row(page, row, "Export these rows…")
    qtbot.waitUntil(lambda: said.text() == f"1 row exported to out.csv{gone}")
    assert "newcomer" not in (tmp_path / "out.csv").read_text()


def pick_of_row(page: RecordTab, row: int, words: str) -> None:
    """Chooses from the menu of a row."""
    page.table.menu_requested.emit(page.model.index(row, 0), page.mapToGlobal(page.rect().center()))
    menu = page.findChildren(QMenu, options=Qt.FindChildOption.FindDirectChildrenOnly)[-1]
    next(act for act in menu.actions() if act.text().replace("&", "") == words).trigger()
    menu.close()
