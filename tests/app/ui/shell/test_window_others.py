"""Columns that only the file knows, edited in the window by keys."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.filtering import FilterByColumnDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.window import ask, choose, closed, dialog, open_file, press, type_text, value_of, words

ROLE = (
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator' CHECK (role IN ('operator', 'admin'))"
)


@pytest.mark.slow
def test_other_columns_are_edited_by_keys_and_taken_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, ROLE)
    ask(demo_path, "ALTER TABLE users ADD COLUMN seats INTEGER")
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    look = "SELECT role, seats FROM users WHERE id = ?"
    press("Shift+F2")
    form = dialog(qtbot, window, FormDialog)
    assert [*form.values()] == ["role", "seats"]
    assert QApplication.focusWidget() is form.editor("role")
    press("Ctrl+A")
    type_text(qtbot, "king")
    press("Return")
    qtbot.waitUntil(lambda: bool(form.problem.text()))
    form.go_to("role")
    type_text(qtbot, "admin")
    press("Tab")
    type_text(qtbot, "many")
    press("Return")
    qtbot.waitUntil(lambda: "a whole number" in words(form))
    assert ask(demo_path, look, user) == [("operator", None)]
    type_text(qtbot, "12")
    press("Return")
    closed(qtbot, window, FormDialog)
    assert ask(demo_path, look, user) == [("admin", 12)]
    qtbot.waitUntil(lambda: value_of(page.fields, "role") == "admin")
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(demo_path, look, user) == [("operator", None)])


@pytest.mark.slow
def test_where_there_are_none_it_says_so(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    action = page.commands.action("edit_others")
    assert not action.isEnabled() and "no other columns" in action.toolTip()
    assert not page.commands._buttons["edit_others"].isVisible()


@pytest.mark.slow
def test_users_are_kept_by_the_value_of_another_column(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, ROLE)
    ask(demo_path, "UPDATE users SET role = 'admin' WHERE rowid <= 3")
    ask(demo_path, "ALTER TABLE users ADD COLUMN note TEXT")
    ask(demo_path, "UPDATE users SET note = '$2b$12$' || hex(zeroblob(26)) || '.' WHERE rowid = 1")
    page = open_file(qtbot, window, demo_path)
    total = page.model.rowCount()
    press("Ctrl+Shift+L")
    form = dialog(qtbot, window, FilterByColumnDialog)
    qtbot.waitUntil(lambda: form.value.count() == 2)
    assert [form.value.itemText(at) for at in (0, 1)] == [f"operator ({total - 3})", "admin (3)"]
    form.column.setCurrentIndex(1)
    qtbot.waitUntil(lambda: form.value.count() == 1)  # no hash of a password
    assert form.value.itemText(0) == f"(none) ({total - 1})"
    form.column.setCurrentIndex(0)
    qtbot.waitUntil(lambda: form.value.count() == 2)
    press("Tab")
    press("Down")
    with qtbot.waitSignal(page.list.loaded):
        press("Return")
    assert page.model.rowCount() == 3
    assert [chip.accessibleName() for chip in page.exact.chips()] == ["Take away the filter role: admin"]
    user = choose(qtbot, page, 0)
    with qtbot.waitSignal(page.context.runner.changed):
        page.context.act(users.set_others, user, {"role": "operator"})
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    with qtbot.waitSignal(page.list.loaded):
        page.clear_filters()
    assert page.model.rowCount() == total
