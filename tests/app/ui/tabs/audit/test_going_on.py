"""From an entry to the one before and behind it of its tenant, and to the records that it names."""

import json
from functools import partial
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services.records.tables import USERS
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from tests.fixtures.window import ask, button, choose, click, current, go, open_file, press, texts, words

AUDIT = 1
INTO = (
    "INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)"
    " VALUES (?, 'user_updated', ?, ?, ?, 1795000000)"
)


def name(path: Path, tenant: str, **payload: object) -> None:
    ask(path, INTO, tenant, json.dumps(payload), "0" * 64, "f" * 64)


def in_window(qtbot: QtBot, window: MainWindow, path: Path) -> AuditTab:
    open_file(qtbot, window, path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    return page


def is_at(page: AuditTab, seq: int) -> bool:
    return bool(page.list.current_id() == seq)


@pytest.mark.slow
def test_letters_lead_along_the_chain_of_one_tenant(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    newest = choose(qtbot, page, 0)
    ((tenant,),) = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq = ?", newest)
    own = ask(demo_path, "SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq DESC", tenant)
    page.table.setFocus()
    for (seq,) in own[1:4]:
        press("P")
        qtbot.waitUntil(partial(is_at, page, seq))
    qtbot.waitUntil(lambda: f"entry {own[3][0]:,} · {tenant}" in page.inspector.subtitle.text())
    for (seq,) in own[2::-1]:
        press("N")
        qtbot.waitUntil(partial(is_at, page, seq))
    press("N")
    qtbot.waitUntil(lambda: f"is the last of {tenant}" in window.toast.label.text())
    assert page.list.current_id() == newest


@pytest.mark.slow
def test_where_a_filter_hides_the_next_one_it_is_let_go(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ((first, tenant),) = ask(demo_path, "SELECT min(seq), tenant_id FROM audit_chain")
    ask(demo_path, 'UPDATE audit_chain SET payload = \'{"q":"onlythis"}\' WHERE seq = ?', first)
    page = in_window(qtbot, window, demo_path)
    page.set_filter_text("onlythis")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    choose(qtbot, page, 0)
    ((second,),) = ask(
        demo_path, "SELECT min(seq) FROM audit_chain WHERE tenant_id = ? AND seq > ?", tenant, first
    )
    click(qtbot, button(page.inspector, "Next in chain"))
    qtbot.waitUntil(lambda: page.list.current_id() == second)
    assert page.filters.text.text() == ""


@pytest.mark.slow
def test_records_that_an_entry_names_lead_to_their_tab(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ((user, email, whose),) = ask(demo_path, "SELECT id, email, tenant_id FROM users LIMIT 1")
    ((other,),) = ask(demo_path, "SELECT tenant_id FROM users WHERE tenant_id <> ? LIMIT 1", whose)
    name(demo_path, other, actor="me", users=[{"userId": user}, {"userId": "u_gone"}])
    page = in_window(qtbot, window, demo_path)
    window.tenants.pick(other)
    choose(qtbot, page, 0)
    part = page.mentions
    wanted = [["User", email], ["User", "no longer in this database"]]
    qtbot.waitUntil(lambda: part.isVisible() and texts(part.table) == wanted)
    part.table.setFocus()
    press("End")
    press("Return")
    gone = "User u_gone is no longer in this database."
    qtbot.waitUntil(lambda: window.toast.label.text() == gone)
    assert current(window) is page
    press("Home")
    press("Return")
    qtbot.waitUntil(lambda: current(window).spec.table is USERS)
    qtbot.waitUntil(lambda: current(window).list.current_id() == user)


def test_what_goes_after_it_was_looked_up_is_said_to_be_gone(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ((user, email, whose),) = ask(demo_path, "SELECT id, email, tenant_id FROM users LIMIT 1")
    name(demo_path, whose, actor="me", userId=user)
    page = in_window(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: texts(page.mentions.table) == [["User", email]])
    assert f"changed user {email}" in words(page.inspector), "by the id alone, that is all the payload has"
    ask(demo_path, "DELETE FROM users WHERE id = ?", user)
    page.mentions.table.setFocus()
    press("Home")
    press("Return")
    qtbot.waitUntil(lambda: texts(page.mentions.table) == [["User", "no longer in this database"]])
    assert current(window) is page and "is no longer in this database" in window.toast.label.text()
