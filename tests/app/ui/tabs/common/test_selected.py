"""Several records selected: said as many, and acted on as far as an act applies."""

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.widgets.dialogs import ConfirmDialog
from tests.fixtures.window import TABLES, ask, choose, closed, count, dialog, go, open_file, press, values


def test_many_are_never_shown_as_one(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    one = page.inspector.title.text()
    page.table.setFocus()
    press("Ctrl+A")
    total = count(demo_path, "users")
    assert page.inspector.title.text() == f"{total:,} users selected"
    assert not page.fields.isVisible() and page.commands.action("delete").isEnabled()
    page.table.select_row(0)
    qtbot.waitUntil(lambda: page.inspector.title.text() == one)
    assert page.fields.isVisible()


def test_an_act_takes_those_it_applies_to(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE planning_runs SET status = 'completed'")
    two = "SELECT rowid FROM planning_runs LIMIT 2"
    ask(demo_path, f"UPDATE planning_runs SET status = 'running' WHERE rowid IN ({two})")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    total = page.model.rowCount()
    assert page.commands.action("kill").text() == f"Kill 2 of {total}"
    assert page.commands.action("kill").isEnabled() and not page.commands.action("resume").isEnabled()
    press("K")
    press("X")
    assert not page.context.history.next_undo, "a letter that destroys nothing"
    page.commands.trigger("kill")
    qtbot.waitUntil(lambda: values(page, "status").count("killed") == 2)
    assert ask(demo_path, "SELECT count(*) FROM planning_runs WHERE status = 'completed'") == [(total - 2,)]


def test_all_of_a_tenant_go_when_its_name_is_typed(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "DELETE FROM users WHERE tenant_id <> 'acme-corp'")
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    press("Del")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert not asked.confirm_button.isEnabled()
    asked.typed.setText("acme")
    assert not asked.confirm_button.isEnabled()
    asked.typed.setText("acme-corp")
    qtbot.mouseClick(asked.confirm_button, Qt.MouseButton.LeftButton)
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: count(demo_path, "users") == 0)
