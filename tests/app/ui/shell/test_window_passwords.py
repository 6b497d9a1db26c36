"""Passwords in the window, by keys: one generated and shown once, one typed, many taken away."""

import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import bugs
from app.ui.shell.window import MainWindow
from app.ui.tabs.users.dialogs import PasswordField, PasswordShown
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.window import (
    ask,
    choose,
    click,
    closed,
    dialog,
    open_file,
    press,
    type_text,
    value_of,
    words,
)

HASH = "SELECT password_hash FROM users WHERE id = ?"


@pytest.mark.slow
def test_one_is_generated_shown_once_copied_and_taken_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    before = ask(demo_path, HASH, user)
    press("Ctrl+Shift+P")
    dialog(qtbot, window, FormDialog)
    QGuiApplication.clipboard().setText("mine")
    press("Return")
    shown = dialog(qtbot, window, PasswordShown)
    password = shown.field.toPlainText()
    (stored,) = ask(demo_path, HASH, user)[0]
    assert len(password) == 23 and stored.startswith("$pbkdf2-sha256$i=100000,l=32$")
    assert QGuiApplication.clipboard().text() == "mine", "it goes there when that is asked for"
    assert QApplication.focusWidget() is shown.copy_button
    press("Return")
    assert QGuiApplication.clipboard().text() == password
    hint = QGuiApplication.clipboard().mimeData().data("x-kde-passwordManagerHint")
    assert hint.data() == b"secret", "a history of the clipboard leaves it out"
    press("Escape")
    closed(qtbot, window, PasswordShown)
    qtbot.waitUntil(lambda: value_of(page.fields, "Password") == "PBKDF2-HMAC-SHA256, 100,000 iterations")
    page.table.selectAll()
    said = page.table.copy_selection() + words(window) + QGuiApplication.clipboard().text()
    log = bugs.log_file()
    entries = str(ask(demo_path, "SELECT payload FROM audit_chain"))
    everything = said + entries + (log.read_text() if log.exists() else "")
    assert not [part for part in (password, stored, *stored.split("$")[3:]) if part in everything]
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(demo_path, HASH, user) == before)


@pytest.mark.slow
def test_of_several_tries_the_one_that_is_stored_is_shown(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    press("Ctrl+Shift+P")
    form = dialog(qtbot, window, FormDialog)
    ask(demo_path, "CREATE TRIGGER no BEFORE UPDATE ON users BEGIN SELECT RAISE(ABORT, 'no'); END")
    press("Return")
    qtbot.waitUntil(lambda: form.action_button.isEnabled() and "nothing was changed" in words(form))
    ask(demo_path, "DROP TRIGGER no")
    press("Return")
    dialog(qtbot, window, PasswordShown)
    assert len(window.findChildren(PasswordShown)) == 1


@pytest.mark.slow
def test_one_that_is_typed_is_judged_while_it_is_typed(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    before = ask(demo_path, HASH, user)
    press("Ctrl+Shift+P")
    form = dialog(qtbot, window, FormDialog)
    field = form.editor("password")
    assert isinstance(field, PasswordField)
    field.how.showPopup()
    qtbot.keyClick(field.how.view(), Qt.Key.Key_Down)
    qtbot.keyClick(field.how.view(), Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: form.focusWidget() is field.typed)
    form.activateWindow()
    qtbot.waitUntil(field.typed.hasFocus)
    type_text(qtbot, "letmein")
    press("Return")
    assert "A password has at least 8 characters." in words(form)
    type_text(qtbot, "letmein1")
    qtbot.waitUntil(lambda: field.strength.text().startswith("Guessed at once"))
    assert len(field.strength.text()) > len("Guessed at once."), "and why"
    press("Return")
    qtbot.waitUntil(lambda: "Take another one: so few guesses would find this." in words(form))
    assert ask(demo_path, HASH, user) == before
    field.typed.selectAll()
    type_text(qtbot, "kelp-violin-94-otter")
    qtbot.waitUntil(lambda: field.strength.text() == "Very hard to guess.")
    press("Return")
    closed(qtbot, window, FormDialog)
    assert not window.findChildren(PasswordShown), "who has typed it knows it"
    assert ask(demo_path, HASH, user) != before


@pytest.mark.slow
def test_those_of_a_selection_are_taken_away_and_come_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    all_of_them = ask(demo_path, "SELECT id, password_hash FROM users ORDER BY id")
    stored = sum(found is not None for _, found in all_of_them)
    assert 0 < stored < len(all_of_them)
    page.table.setFocus()
    press("Ctrl+A")
    action = page.commands.action("invalidate")
    qtbot.waitUntil(
        lambda: action.text().replace("&", "") == f"Invalidate {stored:,} of {len(all_of_them):,} passwords…"
    )
    press("Ctrl+Shift+I")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.title.text() == f"Invalidate the password of {stored:,} users?"
    with qtbot.waitSignal(page.context.runner.changed) as done:
        click(qtbot, question.confirm_button)
    closed(qtbot, window, ConfirmDialog)
    assert done.args[0].summary == f"Password of {stored:,} users invalidated"
    assert ask(demo_path, "SELECT count(password_hash) FROM users") == [(0,)]
    choose(qtbot, page, 3)
    qtbot.waitUntil(lambda: "There is no password to invalidate." in action.toolTip())
    assert not action.isEnabled()
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: ask(demo_path, "SELECT id, password_hash FROM users ORDER BY id") == all_of_them)


@pytest.mark.slow
def test_a_file_without_the_column_offers_neither(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "ALTER TABLE users DROP COLUMN password_hash")
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    for name in ("set_password", "invalidate"):
        action = page.commands.action(name)
        assert not action.isEnabled()
        assert "no column for passwords" in action.toolTip()


@pytest.mark.slow
def test_escape_of_the_form_asks_before_what_was_typed_is_lost(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    click(qtbot, page.commands._buttons["set_password"])
    dialog(qtbot, window, FormDialog)
    press("Escape")
    closed(qtbot, window, FormDialog)


@pytest.mark.slow
def test_another_file_waits_until_what_is_shown_once_was_seen(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    """Nobody would know the password, else."""
    other = tmp_path / "other.sqlite"
    shutil.copy(demo_path, other)
    page = open_file(qtbot, window, demo_path)
    user = choose(qtbot, page, 1)
    before = ask(demo_path, HASH, user)
    press("Ctrl+Shift+P")
    form = dialog(qtbot, window, FormDialog)
    window.files.open(other)  # as by a drop, before the form was opened
    qtbot.waitUntil(lambda: "other.sqlite is shown once this dialog is closed" in words(form))
    assert window.workspace is not None and window.workspace.context is page.context
    form.action_button.click()
    shown = dialog(qtbot, window, PasswordShown)
    assert ask(demo_path, HASH, user) != before and len(shown.field.toPlainText()) == 23
    with qtbot.waitSignal(window.opened):
        shown.accept()
    assert window.windowTitle().startswith("other.sqlite")
