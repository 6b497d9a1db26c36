"""Columns that only the file knows, edited in the window by keys."""

from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.exporting import FilterByColumnDialog
from app.ui.tabs.users.dialogs import DifferingField
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.window import (
    ask,
    choose,
    closed,
    dialog,
    labels,
    open_file,
    press,
    type_text,
    value_of,
    words,
)

ROLE = (
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator' CHECK (role IN ('operator', 'admin'))"
)


@pytest.mark.slow
def test_other_columns_are_edited_by_keys_and_taken_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, ROLE)
    ask(demo_path, "ALTER TABLE users ADD COLUMN seats INTEGER CHECK (seats >= 0)")
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    look = "SELECT role, seats FROM users WHERE id = ?"
    press("Shift+F2")
    form = dialog(qtbot, window, FormDialog)
    assert [*form.values()] == ["role", "seats"]
    role = form.editor("role")
    assert QApplication.focusWidget() is role and isinstance(role, QComboBox)
    assert [role.itemText(at) for at in range(role.count())] == ["operator", "admin"]
    assert "Declared INTEGER." in words(form)
    press("Down")
    press("Tab")
    type_text(qtbot, "many")
    press("Return")
    qtbot.waitUntil(lambda: "a whole number" in words(form))
    assert ask(demo_path, look, user) == [("operator", None)]
    type_text(qtbot, "-5")
    press("Return")
    qtbot.waitUntil(lambda: "own rules refuse this" in form._entries["seats"].problem.text())
    assert QApplication.focusWidget() is form.editor("seats")
    type_text(qtbot, "12")
    press("Return")
    closed(qtbot, window, FormDialog)
    assert ask(demo_path, look, user) == [("admin", 12)]
    qtbot.waitUntil(lambda: value_of(page.fields, "role") == "admin")
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(demo_path, look, user) == [("operator", None)])


@pytest.mark.slow
def test_of_several_what_is_changed_alone_is_written(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, ROLE)
    ask(demo_path, "ALTER TABLE users ADD COLUMN seats INTEGER CHECK (seats < 100)")
    ask(demo_path, "ALTER TABLE users ADD COLUMN note TEXT")
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    ask(demo_path, "UPDATE users SET role = 'admin', seats = 7, note = 'x' WHERE id = ?", user)
    page.table.setFocus()
    press("Shift+Down")
    qtbot.waitUntil(lambda: page.many is not None and "role" in labels(page.many.different))
    press("Shift+Down")
    ids = [page.model.record_id(row) for row in (1, 2, 3)]
    look = f"SELECT role, seats, note FROM users WHERE id IN ({','.join('?' * 3)}) ORDER BY id = ? DESC"
    before = ask(demo_path, look, *ids, user)

    def summed(caption: str) -> str:
        is_told = page.many is not None and caption in labels(page.many.different)
        return value_of(page.many.different, caption) if is_told and page.many is not None else ""

    qtbot.waitUntil(lambda: summed("role") == "2 × operator\n1 × admin")
    assert summed("seats") == "2 × (none)\n1 × 7"
    press("Shift+F2")
    form = dialog(qtbot, window, FormDialog)
    role, seats, note = (form.editor(name) for name in ("role", "seats", "note"))
    assert (
        isinstance(role, QComboBox) and isinstance(seats, DifferingField) and isinstance(note, DifferingField)
    )
    assert role.currentText() == seats.line.placeholderText() == "(differ)"
    assert "The table asks: seats < 100." in words(form)
    press("Return")
    assert "Nothing is changed yet." in words(form)
    role.setFocus()
    press("Down")
    press("Down")
    seats.line.setFocus()
    type_text(qtbot, "many")
    press("Return")
    assert "a whole number" in words(form)
    type_text(qtbot, "12")
    note.nothing.setChecked(True)
    with qtbot.waitSignal(page.context.runner.changed) as done:
        press("Return")
    closed(qtbot, window, FormDialog)
    assert done.args[0].summary == "role, seats, note of 3 users changed"
    assert ask(demo_path, look, *ids, user) == [("admin", 12, None)] * 3
    qtbot.waitUntil(lambda: page.many is not None and {"role", "seats", "12"} <= {*labels(page.many.shared)})
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(demo_path, look, *ids, user) == before)


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
