"""Notifications that are written in the window, by keys, to some tenants and to a thousand."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.notifications.composing import ComposeDialog
from app.ui.widgets.dialogs import ConfirmDialog
from tests.fixtures.heart import Heart
from tests.fixtures.window import (
    TABLES,
    ask,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    open_file,
    press,
    type_text,
    words,
)

NOTES = TABLES.index("notifications")
MANY, STALL_MS = 1_000, 250
"""Tenants, and what no busy machine makes of the little that is done at once."""


def opened(qtbot: QtBot, window: MainWindow) -> ComposeDialog:
    go(qtbot, window, NOTES)
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, ComposeDialog)
    assert form._scroll.verticalScrollBar().maximum() == 0, "a screen of 800 pixels shows all of it"
    return form


def typed(form: ComposeDialog, qtbot: QtBot, title: str, message: str, metadata: str = "") -> None:
    for field, text in ((form.title_field, title), (form.message, message), (form.metadata, metadata)):
        field.setFocus()
        if text:
            type_text(qtbot, text)


@pytest.mark.slow
def test_one_is_written_to_the_tenants_chosen_by_keys_and_taken_back_at_once(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    before = count(demo_path, "notifications")
    form = opened(qtbot, window)
    press("Return")
    click(qtbot, form.action_button)
    assert "Choose at least one tenant." in words(form) and "The title is missing." in words(form)
    assert QApplication.focusWidget() is form.to.picker
    press("Down")
    qtbot.waitUntil(form.to.picker.popup.isVisible)
    listed = form.to.picker.popup.list
    for key in (Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Down, Qt.Key.Key_Space, Qt.Key.Key_Return):
        qtbot.keyClick(listed, key)
    chosen = form.to.tenants()
    assert len(chosen) == 2 and form.to.picker.currentText() == "2 tenants"
    typed(form, qtbot, "Down on Sunday", "From 8 to 9.", '{"runId":')
    assert f"to {', '.join(chosen)}" in words(form) and "From 8 to 9." in words(form)
    click(qtbot, form.action_button)
    assert "This is no JSON" in words(form) and QApplication.focusWidget() is form.metadata
    type_text(qtbot, '"run_1"}')
    assert form.action_button.text() == "Create 2 notifications"
    click(qtbot, form.action_button)
    closed(qtbot, window, ComposeDialog)
    columns = "tenant_id, type, title, message, metadata, read"
    found = ask(demo_path, f"SELECT {columns} FROM notifications WHERE title = 'Down on Sunday' ORDER BY 1")
    said = ("run_started", "Down on Sunday", "From 8 to 9.", '{"runId":"run_1"}', 0)
    assert found == [(tenant, *said) for tenant in sorted(chosen)]
    entries = ask(
        demo_path, "SELECT tenant_id, event_type, payload FROM audit_chain ORDER BY seq DESC LIMIT 2"
    )
    assert {(tenant, kind) for tenant, kind, _ in entries} == {
        (one, "notifications_created") for one in chosen
    }
    assert all(json.loads(payload)["title"] == "Down on Sunday" for *_, payload in entries)
    notes = current(window)
    qtbot.waitUntil(lambda: notes.list.selected_count() == 2)  # what was made is what one acts on next
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: count(demo_path, "notifications") == before)


@pytest.mark.slow
def test_what_refuses_all_tenants_names_one_and_leaves_the_keys_where_it_can_be_mended(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    name = f"begin-{'x' * 220}-end"
    ask(demo_path, "UPDATE users SET tenant_id = ? WHERE id = (SELECT min(id) FROM users)", name)
    ask(demo_path, "UPDATE users SET tenant_id = 'one-more' WHERE id = (SELECT max(id) FROM users)")
    open_file(qtbot, window, demo_path)
    form = opened(qtbot, window)
    press("Tab")
    assert QApplication.focusWidget() is form.to.all
    press("Space")
    assert not form.to.picker.isEnabled()
    shown = next(text for text in words(form).splitlines() if text.startswith("to "))
    assert shown.startswith(f"to {len(form.to.tenants())} tenants: ")
    press("Escape")
    dialog(qtbot, window, ConfirmDialog).reject()
    closed(qtbot, window, ConfirmDialog)
    form.activateWindow()
    qtbot.waitUntil(form.isActiveWindow)
    typed(form, qtbot, "Down on Sunday", "")
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: "longer than 200" in words(form))
    assert "“begin-xxxxxxxxxxxxxx…xxxxxxxxxxxxxxxx-end”" in words(form)
    assert QApplication.focusWidget() is form.to.all
    press("Space")
    assert form.to.picker.isEnabled() and "longer than 200" not in words(form)


@pytest.mark.slow
def test_another_type_is_written_with_a_warning_and_the_tenant_in_sight_is_chosen(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    window.workspace.set_tenant("acme-corp")
    form = opened(qtbot, window)
    assert form.to.tenants() == ("acme-corp",)
    form.type.box.setFocus()
    press("End")
    assert "The platform is not known to write these" in words(form)
    form.type.name.setFocus()
    type_text(qtbot, "maintenance")
    typed(form, qtbot, "Down on Sunday", "")
    form.message.setFocus()
    QGuiApplication.clipboard().setText("x" * 900_000)  # Qt would lay it out for minutes
    press("Ctrl+V")
    assert "This has 900,000 characters; at most 10,000 are taken at once" in words(form)
    assert form.message.value() == ""
    click(qtbot, form.action_button)
    closed(qtbot, window, ComposeDialog)
    found = ask(
        demo_path, "SELECT tenant_id, metadata, message FROM notifications WHERE type = 'maintenance'"
    )
    assert found == [("acme-corp", None, "")]


@pytest.mark.slow
def test_it_keeps_its_size_while_one_types_and_says_what_metadata_name_in_vain(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    form = opened(qtbot, window)
    place, before = form.action_button.mapTo(form, QPoint(0, 0)), form.size()

    def is_still_there() -> bool:
        return form.size() == before and form.action_button.mapTo(form, QPoint(0, 0)) == place

    typed(form, qtbot, "Down on Sunday", "")
    form.message.setPlainText("One line. " * 60 + "\nanother\n" * 5)
    form.metadata.setPlainText("{")
    qtbot.waitUntil(lambda: "This is no JSON" in words(form))
    assert is_still_there()
    ((user,),) = ask(demo_path, "SELECT id FROM users LIMIT 1")
    form.metadata.setPlainText(f'{{"webhookId":"nope","userId":"{user}"}}')
    qtbot.waitUntil(lambda: "Not in this database: webhook “nope”." in words(form))
    assert is_still_there()
    form._look_for_named()  # and it goes before it is told
    form.done(0)
    QApplication.sendPostedEvents(form, QEvent.Type.DeferredDelete)
    with qtbot.waitSignal(page.list.loaded):
        page.reload()


@pytest.mark.slow
def test_a_thousand_tenants_are_told_without_a_stall_and_cancelled_in_time(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {MANY})"
    columns = "id, tenant_id, email, created_at, updated_at"
    row = "'u' || i, 'tenant-' || i, 'u' || i || '@x.example', 1, 1"
    ask(demo_path, f"{numbers} INSERT INTO users ({columns}) SELECT {row} FROM n")
    open_file(qtbot, window, demo_path)
    before, entries = count(demo_path, "notifications"), count(demo_path, "audit_chain")
    form = opened(qtbot, window)
    press("Down")
    qtbot.waitUntil(form.to.picker.popup.isVisible)
    for wanted in ("tenant-17", "tenant-999"):
        qtbot.keyClicks(form.to.picker.popup.field, wanted)
        qtbot.keyClick(form.to.picker.popup.field, Qt.Key.Key_Down)
        qtbot.keyClick(form.to.picker.popup.field, Qt.Key.Key_Up)
        qtbot.keyClick(form.to.picker.popup.field, Qt.Key.Key_Space)
    qtbot.keyClick(form.to.picker.popup.field, Qt.Key.Key_Return)
    assert form.to.tenants() == ("tenant-17", "tenant-999")
    press("Tab")
    press("Space")
    assert form.to.all.isChecked()
    tenants = len(form.to.tenants())
    assert tenants >= MANY and f"to {tenants:,} tenants: " in words(form)
    typed(form, qtbot, "Down on Sunday", "From 8 to 9.")
    click(qtbot, form.action_button)
    qtbot.waitUntil(lambda: form.far.words.text() != "")
    assert f" of {tenants:,}" in form.far.words.text(), "notifications, not how far the work is"
    click(qtbot, form.cancel_button)
    qtbot.waitUntil(form.action_button.isEnabled)
    assert (count(demo_path, "notifications"), count(demo_path, "audit_chain")) == (before, entries)
    heart = Heart()
    heart.act = "writing"
    click(qtbot, form.action_button)
    closed(qtbot, window, ComposeDialog)
    heart.stop()
    assert [pause for pause in heart.pauses if pause[0] > STALL_MS] == []
    assert count(demo_path, "notifications") == before + tenants
    assert count(demo_path, "audit_chain") == entries + tenants
