"""Users go to another tenant by keys, and come back."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.common.form_fields import TenantField
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.window import ask, choose, click, closed, dialog, open_file, press, words

OF = "SELECT tenant_id FROM users WHERE id = ?"
WHOSE = "SELECT email, tenant_id FROM users WHERE id = ?"


@pytest.mark.slow
def test_those_selected_move_by_keys_and_come_back(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    page.table.setFocus()
    press("Shift+Down")
    ids = [page.model.record_id(row) for row in (1, 2)]
    before = [ask(demo_path, OF, one) for one in ids]
    acts = {"edit": False, "set_password": False, "invalidate": True, "move": True, "delete": True}
    qtbot.waitUntil(lambda: {name: page.commands._buttons[name].isVisible() for name in acts} == acts)
    press("Ctrl+Shift+M")
    form = dialog(qtbot, window, FormDialog)
    assert form.action_button.text() == "Move 2 users"
    (first, own), (second, other) = (ask(demo_path, WHOSE, one)[0] for one in ids)
    whose = own if own == other else f"{own} (1)"
    named = f"2 users ({', '.join(sorted((first, second)))}) of {whose}"
    assert named in words(form)
    press("Return")
    assert "Choose a tenant." in words(form)
    field = form.editor("tenant_id")
    assert isinstance(field, TenantField)
    tenant = "a tenant of its own"
    field.box.setCurrentIndex(field.box.count() - 1)
    field.name.setText(tenant)
    field.agree.setChecked(True)
    with qtbot.waitSignal(page.context.runner.changed) as done:
        press("Return")
    closed(qtbot, window, FormDialog)
    assert done.args[0].summary == f"2 users moved from {'2 tenants' if own != other else own} to {tenant}"
    assert [ask(demo_path, OF, one) for one in ids] == [[(tenant,)]] * 2
    entries = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE event_type = 'user_moved' ORDER BY seq")
    assert len(entries) == 4 and entries[1] == entries[3] == (tenant,)
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: [ask(demo_path, OF, one) for one in ids] == before)


@pytest.mark.slow
def test_where_some_are_there_already_it_says_how_many_move_and_who_stayed(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    found = ask(demo_path, "SELECT id FROM users ORDER BY created_at DESC, rowid DESC LIMIT 3")
    emails = [f"user{number}@x.example" for number in range(3)]
    for (one,), tenant, email in zip(found, ("acme-corp",) * 2 + ("northwind-clinics",), emails, strict=True):
        ask(demo_path, "UPDATE users SET tenant_id = ?, email = ? WHERE id = ?", tenant, email, one)
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Shift+Down")
    press("Shift+Down")
    press("Ctrl+Shift+M")
    form = dialog(qtbot, window, FormDialog)
    field = form.editor("tenant_id")
    assert isinstance(field, TenantField) and form.action_button.text() == "Move 3 users"
    field.box.setCurrentIndex(field.box.findText("acme-corp"))
    assert form.action_button.text() == "Move 1 of 3 users"
    assert "2 of them are of acme-corp already." in words(form)
    click(qtbot, form.action_button)
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: "moved from northwind-clinics to acme-corp" in window.toast.label.text())
    click(qtbot, window.toast.other_button)
    told = dialog(qtbot, window, Dialog)
    assert all(one in words(told) for one in emails[:2])


@pytest.mark.slow
def test_an_address_that_is_taken_there_is_said_at_the_field(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    newest = "SELECT id FROM users ORDER BY created_at DESC, rowid DESC LIMIT 2"
    (other,), (user,) = ask(demo_path, newest)
    ask(demo_path, "UPDATE users SET email = 'same@x.example', tenant_id = 'acme-corp' WHERE id = ?", other)
    ask(demo_path, "UPDATE users SET email = 'Same@x.example', tenant_id = 'else' WHERE id = ?", user)
    page = open_file(qtbot, window, demo_path)
    assert choose(qtbot, page, 1) == user
    press("Ctrl+Shift+M")
    form = dialog(qtbot, window, FormDialog)
    field = form.editor("tenant_id")
    assert isinstance(field, TenantField)
    field.box.setCurrentIndex(field.box.findText("acme-corp"))
    press("Return")
    qtbot.waitUntil(lambda: "acme-corp already has a user with the e-mail address" in words(form))
    assert ask(demo_path, OF, user) == [("else",)]
    press("Escape")
