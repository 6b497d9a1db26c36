"""A file that is verified by itself, in the whole window, and what the window says of it everywhere."""

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.itemmodels.columns import Tone
from app.services.chain.checkpoints.making import verify_by_itself, verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import LostEnd, Section
from app.services.chain.where import InFile
from app.services.records import users
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN
from app.ui.session.outcome import Asked, Outcome, by_itself
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab, lost_end
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.widgets.banner import Banner
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from models.errors import FileLocked
from models.status import DAY
from tests.conftest import NOW
from tests.fixtures.appending import append
from tests.fixtures.checkpoints import VERIFY, sign
from tests.fixtures.connected import connected
from tests.fixtures.keyboard import MOST
from tests.fixtures.sample import sample
from tests.fixtures.window import (
    ask,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    open_file,
    press,
    values,
    words,
)

pytestmark = pytest.mark.slow
AUDIT = 1

Opened = Callable[[], None]


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, demo_path: Path) -> Opened:
    """Opens the file, which is verified by itself; waits until that has ended."""
    window.settings.verify_by_itself = True

    def open_() -> None:
        open_file(qtbot, window, demo_path)
        context = window.context
        assert context is not None
        qtbot.waitUntil(lambda: context.verdict.outcome is not None and not context.verdict.is_running)

    return open_


@pytest.fixture
def as_if_large(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of more entries than are read whole each time it is opened."""
    monkeypatch.setattr("app.ui.shell.verification._AT_ONCE", 0)


@pytest.mark.usefixtures("as_if_large")
def test_a_file_is_verified_when_it_is_opened_and_signed_once(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    opened()
    assert window.shield.isVisible() and window.shield.text() == "Chain verified, just now"
    assert window.shield.accessibleName() == "Audit chain: Chain verified, just now"
    assert "whole" in window.shield.toolTip() and window.settings.actor in window.shield.toolTip()
    opened()
    assert window.shield.text() == "Chain verified whole, just now"
    assert "verified whole, " in window.shield.toolTip()
    assert "; from checkpoint 1 on, " in window.shield.toolTip()
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    assert page.banner.headline() == "Chain verified — whole, just now" and page.banner.tone() is Tone.OK
    assert page.banner.detail().startswith("Nothing new since checkpoint 1 · ")
    assert len(CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(demo_path))) == 1


def test_what_is_read_in_a_moment_is_verified_whole_each_time(
    opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    """A checkpoint knows the ends of the chains, and nothing of what somebody has changed between them."""
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    opened()
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    opened()
    assert "broken" in window.shield.text()


@pytest.mark.usefixtures("as_if_large")
def test_the_verdict_of_the_whole_stands_after_a_restart(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    nothing, added = "Nothing new since checkpoint 1", "Since checkpoint 1 the newest entry holds"
    for entries, said, link in ((0, nothing, "was linked"), (1, added, "linked")):
        window.close_file()
        for _ in range(entries):
            append(demo_path, "new", 1)
        window.settings.verify_by_itself = True
        opened()
        page = go(qtbot, window, AUDIT)
        assert isinstance(page, AuditTab)
        assert page.banner.headline() == "Chain verified — whole, just now" and page.banner.tone() is Tone.OK
        assert page.banner.detail().startswith(said)
        links = values(page, "previous_hash")
        assert links[0] == link and set(links[1:9]) == {"was linked"}
        assert window.shield.text() == "Chain verified whole, just now"
    window.close_file()
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    head = "Chain verified — whole, just now; from checkpoint 1 on just now by "
    qtbot.waitUntil(lambda: page.banner.headline().startswith(head))
    assert page.banner.headline().endswith(", not looked at since") and page.banner.tone() is Tone.NEUTRAL
    window.close_file()
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq > 600")
    window.settings.verify_by_itself = True
    opened()
    assert window.shield.text() == "Chain broken", "what contradicts it takes its place"
    assert "looked at whole" in window.shield.toolTip() and "verified" not in window.shield.toolTip()


def test_a_chain_that_went_back_is_no_more_what_was_verified(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As when a copy of before is put back by another window, while each verification takes its time."""
    opened()
    page, last = go(qtbot, window, AUDIT), count(demo_path, "audit_chain")
    assert isinstance(page, AuditTab) and window.shield.text().startswith("Chain consistent")
    monkeypatch.setattr("app.ui.shell.verification.SelfVerification.check", lambda _, **how: None)
    gone = ask(demo_path, f"SELECT * FROM audit_chain WHERE seq > {last - 40}")
    with qtbot.waitSignal(page.context.outside.went_back):
        ask(demo_path, f"DELETE FROM audit_chain WHERE seq > {last - 40}")
        page.context.outside.look()
    assert window.shield.text() == "Older state, or cut off"
    said = f"verified through entry {last:,}, and ends at entry "
    assert page.banner.headline().startswith(f"Older state, or cut off — {said}")
    assert page.banner.tone() is Tone.WARN and not {"linked", "was linked"} & {*values(page, "previous_hash")}
    ask(demo_path, f"INSERT INTO audit_chain VALUES {', '.join(map(str, gone))}")
    page.context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain consistent through"))
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq > {last - 40}")
    page.context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    assert page.context.opened.database.is_earlier, "whoever goes on is asked"
    monkeypatch.undo()
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: "Older state" not in window.shield.text())
    assert page.context.verdict.found is Verdict.TAMPERED


def test_an_end_that_is_gone_is_remembered_until_a_person_accepts_it(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    """Where no checkpoint knows it. To verify what is there, or to go on from it, does not accept that."""
    (paths.checkpoints_dir()).mkdir(parents=True)
    opened()
    last = count(demo_path, "audit_chain")
    window.close_file()
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq > {last - 40}")
    ask(demo_path, "UPDATE sqlite_sequence SET seq = seq - 40 WHERE name = 'audit_chain'")
    opened()
    said = f"Older state, or cut off — verified through entry {last:,}, and ends at entry {last - 40:,} now"
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    for press_it in (False, True):
        if press_it:
            with qtbot.waitSignal(page.verified):
                press("Ctrl+Return")
        assert window.shield.text() == "Older state, or cut off"
        assert page.banner.headline() == said and page.banner.tone() is Tone.WARN
        assert page.banner.detail().startswith("What is there holds as it stands, verified just now.")
    users = go(qtbot, window, 0)
    users.table.select_row(0)
    qtbot.waitUntil(users.commands.action("delete").isEnabled)
    users.commands.trigger("delete")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.title.text() == "Go on from an earlier state?"
    press("Escape")
    closed(qtbot, window, ConfirmDialog)
    window.close_file()
    append(demo_path, "new", 60)
    opened()
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab) and window.shield.text() == "Older state, or cut off"
    said = f"entry {last:,}, and that entry is not there as it was (entry "
    assert said in page.banner.headline() and ", the last one known of " in page.banner.headline()

    page.commands.trigger("checkpoints")
    box = dialog(qtbot, page, CheckpointsDialog)
    qtbot.waitUntil(box.start_over_button.isEnabled)
    assert not box.make_button.isEnabled()
    assert "It has lost the end that was verified; accept this end" in box.make_button.toolTip()
    press("Escape")
    closed(qtbot, window, CheckpointsDialog)
    store = CheckpointStore(paths.checkpoints_dir())
    assert not store.checkpoints(InFile(demo_path)) and page.context.verdict.lost_end is not None

    assert page.panel.accept_button.property("text") == "Accept this end…"
    for answer in ("another", "Return", "more", "accept"):
        click(qtbot, page.panel.accept_button)
        asked = dialog(qtbot, page, ConfirmDialog)
        assert (f"All was verified through entry {last:,} on " in asked.sentence.text()) is (
            answer != "accept"
        )
        if answer == "another":
            lost = page.context.verdict.lost_end
            assert lost is not None
            page.context.verdict.lost_end_is_at(30)
            page.context.say("Something else")
            assert asked.isVisible() and "another by now" in words(asked)
            assert not asked.confirm_button.isEnabled(), "what was not shown is not accepted"
            page.context.verdict.lost_end_is_at(lost.ends_at)
            assert "another by now" not in words(asked) and asked.confirm_button.isEnabled()
            press("Escape")
            closed(qtbot, window, ConfirmDialog)
        elif answer == "Return":
            press(answer)  # Cancel has the focus
            closed(qtbot, window, ConfirmDialog)
            assert page.context.verdict.lost_end is not None
        elif answer == "more":
            ask(demo_path, "DELETE FROM audit_chain WHERE seq > (SELECT max(seq) - 5 FROM audit_chain)")
            ask(demo_path, "UPDATE sqlite_sequence SET seq = seq - 5 WHERE name = 'audit_chain'")
            with qtbot.waitSignal(page.verified):
                click(qtbot, asked.confirm_button)
            qtbot.waitUntil(
                lambda: window.toast.label.text().startswith("This end was not accepted: more is gone")
            )
            assert page.context.verdict.lost_end is not None
        else:
            with qtbot.waitSignal(page.verified):
                click(qtbot, asked.confirm_button)
    assert window.shield.text().startswith("Chain verified") and not page.context.opened.database.is_earlier
    assert not page.panel.accept_button.isVisible() and len(store.checkpoints(InFile(demo_path))) == 1


@pytest.mark.slow
def test_an_end_that_was_seen_to_be_lost_is_so_when_it_is_opened_again(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """Where nothing verifies it by itself; and what is there again is so then, too."""
    store = CheckpointStore(paths.checkpoints_dir())
    verify_with_checkpoints(InFile(demo_path), store, VERIFY, now=NOW, by="ada")
    window.settings.verify_by_itself = False
    context, last = open_file(qtbot, window, demo_path).context, count(demo_path, "audit_chain")
    gone = ask(demo_path, f"SELECT * FROM audit_chain WHERE seq > {last - 40}")
    qtbot.waitUntil(lambda: context.verdict.last is not None)
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq > {last - 40}")
    context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")

    def kept() -> bool:
        said = store.verdicts.last(InFile(demo_path))
        return said is not None and said.lost_end is not None

    qtbot.waitUntil(kept)
    ask(demo_path, f"INSERT INTO audit_chain VALUES {', '.join(map(str, gone))}")
    context.outside.look()
    qtbot.waitUntil(lambda: "Older state" not in window.shield.text() and not kept())


def test_what_was_verified_of_one_tenant_is_not_said_of_all_where_its_end_is_gone(
    qtbot: QtBot, opened: Opened, window: MainWindow
) -> None:
    opened()
    assert window.context is not None
    lost = LostEnd(9, NOW, "a", 600, "acme-corp", missed=True, of_tenant=True)
    lost_end.ask(window.context, lost, lambda: None, window)
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "It was verified through entry 9 of acme-corp on " in asked.sentence.text()
    press("Escape")
    closed(qtbot, window, ConfirmDialog)


def test_a_lost_end_that_a_command_accepts_is_accepted_in_the_open_window(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    last, context = count(demo_path, "audit_chain"), window.context
    assert context is not None and window.workspace is not None
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq > {last - 40}")
    ask(demo_path, "UPDATE sqlite_sequence SET seq = seq - 40 WHERE name = 'audit_chain'")
    context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    qtbot.waitUntil(lambda: not context.verdict.is_running)
    store = CheckpointStore(paths.checkpoints_dir())
    command = partial(verify_with_checkpoints, InFile(demo_path), store, VERIFY, by="ada", accepts_end=True)
    command(now=context.clock() + 10)
    window.workspace.verification._look()  # as each minute
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain consistent"))
    assert not context.opened.database.is_earlier


def test_which_database_a_file_is_is_a_question_until_a_person_has_answered_it(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    demo_path.unlink()
    sample(demo_path, rows=60, seed=2)
    with connected(demo_path) as database:
        database.execute_sql("UPDATE d1_migrations SET applied_at = '2026-01-01 10:00:00'")
    opened()
    question = "Which database is this?"
    assert window.shield.text() == question
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    assert page.banner.headline() == f"{question} — 60 entries checked" and page.banner.tone() is Tone.WARN
    assert page.banner.detail().startswith("Another database was last seen here: none of its entries is left")
    assert not any(said.headline().startswith("This file") for said in window.findChildren(Banner))
    click(qtbot, page.panel.checkpoints_button)
    box = dialog(qtbot, page, CheckpointsDialog)
    qtbot.waitUntil(box.another_button.isEnabled)
    assert box.start_over_button.isEnabled() and box.state.text().startswith(question)
    click(qtbot, box.another_button)
    with qtbot.waitSignal(page.verified):
        dialog(qtbot, box, ConfirmDialog).accept()
    assert window.context is not None and window.context.verdict.found is Verdict.CONSISTENT
    assert page.banner.headline() == "Chain verified — 60 entries" and window.shield.text().startswith(
        "Chain"
    )


def test_a_copy_older_than_any_checkpoint_is_broken_and_asks_before_its_first_act(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    newer = demo_path.with_name("newer.sqlite")
    shutil.copy(demo_path, newer)
    append(newer, "acme-corp", 3)
    sign(newer, paths.checkpoints_dir(), now=NOW)
    opened()
    assert window.shield.text() == "Chain broken"
    page = go(qtbot, window, 0)
    page.table.select_row(0)
    users = count(demo_path, "users")
    qtbot.waitUntil(page.commands.action("delete").isEnabled)
    page.commands.trigger("delete")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.title.text() == "Go on from an earlier state?" and count(demo_path, "users") == users
    question.reject()
    window.close_file()
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


@pytest.mark.parametrize("is_verified", [False, True])
def test_an_own_act_that_others_cut_out_is_missed_also_where_nothing_is_verified_by_itself(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch, is_verified: bool
) -> None:
    for name in ("_REST_MS", "_AGAIN"):
        monkeypatch.setattr(f"app.ui.shell.verification.{name}", 0)
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page, context = go(qtbot, window, AUDIT), window.context
    assert isinstance(page, AuditTab) and context is not None
    ((tenant,),) = ask(demo_path, "SELECT tenant_id FROM users WHERE tenant_id <> 'acme-corp' LIMIT 1")
    with qtbot.waitSignal(context.runner.changed):
        context.act(users.create, str(tenant), "ada@new.example")
    ((made,),) = ask(demo_path, "SELECT max(seq) FROM audit_chain")
    if is_verified:
        with qtbot.waitSignal(page.verified):
            press("Ctrl+Return")
    append(demo_path, "new", 2)
    context.outside.look()
    assert window.workspace is not None
    behind = window.workspace.verification
    qtbot.waitUntil(lambda: behind._searched_times > 0 and not context.verdict.searches)
    assert window.shield.text() != "Older state, or cut off", "it is there"
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq = {made}")
    context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    assert f"entry {made:,} (User ada@new.example created), made here" in page.banner.headline()


def test_where_nothing_differs_nobody_is_asked_which_database_it_is(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.verify_by_itself = False
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert page.banner.headline().startswith("Chain verified")

    reasons = (
        "Nothing was found that speaks against it.",
        "The audit chain is broken by itself, whatever checkpoints say; look at the findings.",
    )

    def ways() -> tuple[bool, bool]:
        """Whether they can be pressed, once the checkpoints are there."""
        page.commands.trigger("checkpoints")
        box = dialog(qtbot, page, CheckpointsDialog)
        qtbot.waitUntil(box.table.isVisible)
        for button in (box.start_over_button, box.another_button):
            why = button.accessibleDescription().partition(". ")[2]
            assert bool(why) is not button.isEnabled() and why in ("", *reasons)
        can = box.start_over_button.isEnabled(), box.another_button.isEnabled()
        press("Escape")
        closed(qtbot, window, CheckpointsDialog)
        return can

    assert ways() == (False, False)
    ((stored,),) = ask(demo_path, "SELECT payload FROM audit_chain WHERE seq = 300")
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert page.banner.headline().startswith("Chain broken") and ways() == (False, False)
    ask(demo_path, f"UPDATE audit_chain SET payload = {stored!r} WHERE seq = 300")
    ask(demo_path, "DELETE FROM audit_chain WHERE seq > 595")
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert page.banner.headline().startswith("Chain broken") and ways() == (True, True)


def test_a_counter_that_is_ahead_leads_to_start_over_from_wherever_it_is_read(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.verify_by_itself = False
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    ask(demo_path, "DELETE FROM audit_chain WHERE seq > 595")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    over, another = page.findings.way_buttons.values()
    assert over.isVisible() and over.isEnabled() and not another.isVisible()
    page.findings.table.select_row(0)
    page.findings.table.setFocus()
    press("Return")
    told = dialog(qtbot, page, Dialog)
    offered = [found.text() for found in told.findChildren(QPushButton) if found.isVisible()]
    assert offered == ["&Copy", "Start over…", "Close"]
    (text,) = told.findChildren(QPlainTextEdit)
    assert "start over (“Start over…” at Checkpoints…" in text.toPlainText()
    click(qtbot, told.findChildren(QPushButton)[offered.index("Start over…")])
    box = dialog(qtbot, page, CheckpointsDialog)
    qtbot.waitUntil(box.start_over_button.hasFocus)
    assert not box.make_button.isEnabled() and not box.another_button.isEnabled()
    press("Return")
    with qtbot.waitSignal(page.verified):
        dialog(qtbot, box, ConfirmDialog).accept()
    qtbot.waitUntil(box.table.isVisible)
    assert box.focusWidget() is box.close_button, "what was pressed cannot be any more"
    box.reject()
    closed(qtbot, window, CheckpointsDialog)
    assert page.banner.headline().startswith("Chain verified") and not over.isVisible()
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert page.banner.headline().startswith("Chain verified")

    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    ask(demo_path, "DELETE FROM audit_chain WHERE seq > 590")
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert over.isVisible() and not over.isEnabled() and "is broken by itself" in over.toolTip()


def test_while_it_is_verified_shield_and_banner_say_so(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab) and window.workspace is not None
    click(qtbot, page.verify_button)
    assert page.banner.is_busy() and window.shield.text() == "Verifying…"
    click(qtbot, page.banner.cancel_button)
    qtbot.waitUntil(lambda: not page.banner.is_busy())
    assert (page.banner.headline(), window.shield.text()) == ("Verification cancelled", "Not verified")
    window.settings.verify_by_itself = True
    window.workspace.verification.check()
    assert page.banner.headline() == window.shield.text() == "Verifying…"
    qtbot.waitUntil(lambda: window.shield.text() == "Chain consistent, just now")
    assert page.banner.headline().startswith("Chain consistent")


def test_what_was_tampered_with_between_two_openings_is_red_in_every_tab(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    window.close_file()
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    shutil.rmtree(paths.checkpoints_dir(), ignore_errors=True)  # so that the whole is verified, as once a day
    opened()
    workspace = window.workspace
    assert workspace is not None and window.shield.text() == "Chain broken"
    strip = workspace.tabs.tabBar()

    def top(of: QWidget) -> int:
        return of.mapTo(window, QPoint()).y()

    window.setMinimumSize(0, 0)
    for place, size in ((0, (640, 388)), (2, (900, 560)), (3, (1280, 800)), (4, (640, 388))):
        window.resize(*size)
        go(qtbot, window, place)
        QApplication.sendPostedEvents()
        tops = top(strip)
        assert workspace.broken.isVisible() and workspace.broken.banner.tone() is Tone.BAD
        assert workspace.broken.banner.headline().startswith("Chain broken — 1 finding, 600 entries checked")
        assert top(workspace.broken.banner) > top(current(window).table), "the rows stay where they are"
    click(qtbot, workspace.broken.findings_button)
    page = current(window)
    assert isinstance(page, AuditTab) and not workspace.broken.isVisible()
    QApplication.sendPostedEvents()
    assert top(strip) == tops, "the tabs stay"
    assert page.banner.headline().startswith("Chain broken") and page.findings.isVisible()
    window.resize(1280, 800)
    with qtbot.waitSignal(page.verified):
        page.verify_range(10, 10)
    assert page.banner.headline().startswith("Chain broken") and page.banner.tone() is Tone.BAD
    assert page.banner.detail().startswith("Since then: Entry 10 consistent\n")
    assert window.shield.text() == "Chain broken"
    with qtbot.waitSignal(page.verified):
        page.verify_range(300, 300)
    assert page.banner.headline().startswith("Chain broken — 1 finding, 600 entries checked")
    assert page.banner.detail().startswith("Since then: Entry 300: chain broken — 1 finding\n")
    assert [page.panel.state(seq).value[0] for seq in (10, 299, 300)] == ["linked", "linked", "hash wrong"]
    tenant = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq <> 300 LIMIT 1")[0][0]
    window.tenants.pick(tenant)
    assert page.banner.headline().startswith("All tenants: chain broken")
    go(qtbot, window, 0)
    assert workspace.broken.banner.headline().startswith("All tenants: chain broken")


@pytest.mark.parametrize("size", ((1280, 800), (900, 560)))
def test_show_findings_has_the_focus_at_the_first_of_them(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, size: tuple[int, int]
) -> None:
    window.resize(*size)
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq IN (300, 310)")
    opened()
    workspace = window.workspace
    assert workspace is not None
    for _ in range(MOST):
        press("Tab")
        if workspace.broken.findings_button.hasFocus():
            break
    press("Return")
    page = current(window)
    assert isinstance(page, AuditTab)
    qtbot.waitUntil(lambda: page.list.current_id() == 300)
    qtbot.waitUntil(page.findings.table.hasFocus)
    assert page.findings.table.selected_rows() == [0]
    press("Down")
    qtbot.waitUntil(lambda: page.list.current_id() == 310)
    assert page.findings.table.hasFocus() and page.findings.table.isVisible()


def test_the_verdict_is_kept_where_the_preference_is_off(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    window.close_file()
    assert not window.shield.isVisible()
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    colours = list[str]()
    assert window.workspace is not None
    window.workspace.shield.connect(lambda icon, colour, words, tip: colours.append(colour))
    qtbot.waitUntil(window.shield.isVisible)
    context = window.context
    assert context is not None
    qtbot.waitUntil(lambda: context.verdict.last is not None and bool(colours))
    assert context.verdict.outcome is None and not context.verdict.is_running
    assert window.shield.accessibleDescription().endswith("not looked at since")
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    assert page.banner.headline().endswith(f"by {window.settings.actor}, not looked at since")
    assert page.banner.tone() is Tone.NEUTRAL and colours[-1] == Tone.NEUTRAL, "one colour in both places"
    append(demo_path, "new", 5)
    context.outside.look()
    qtbot.waitUntil(lambda: page.banner.detail().startswith("5 newer entries are not verified yet"))
    window.close_file()
    open_file(qtbot, window, demo_path)
    assert window.context is not None and window.workspace is not None
    verification, verdict = window.workspace.verification, window.context.verdict
    qtbot.waitUntil(lambda: verdict.newer == 5 and "5 newer" in window.shield.text())
    verification._counted_for = None
    verdict.count(0)  # as it is until these are counted
    assert window.shield.text().startswith(f"Chain consistent through entry {verdict.through}, ")


def test_what_another_program_appends_since_is_counted(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.verification._REST_MS", 600_000)
    opened()
    context, colours = window.context, list[str]()
    assert context is not None and window.workspace is not None
    verification, through = window.workspace.verification, context.verdict.through
    page = go(qtbot, window, AUDIT)
    linked = values(page, "previous_hash")[:100]
    window.workspace.shield.connect(lambda icon, colour, words, tip: colours.append(colour))
    ask(demo_path, "UPDATE users SET email = email")
    context.outside.look()
    qtbot.waitUntil(
        lambda: window.shield.text() == f"Chain consistent through entry {through}, checked again soon"
    )
    calm = "by another program. Nothing is known to be wrong with that; it is verified again by itself"
    assert calm in window.shield.toolTip() and colours[-1] == Tone.NEUTRAL.value
    assert values(page, "previous_hash")[:100] == linked and isinstance(page, AuditTab)
    assert page.banner.headline().startswith("Chain consistent") and page.banner.tone() is Tone.NEUTRAL
    append(demo_path, "new", 5)
    context.outside.look()
    again = f"Chain consistent through entry {through} · 5 newer, checked again soon"
    qtbot.waitUntil(lambda: window.shield.text() == again)
    verification._check_what_others_wrote()
    assert context.verdict.outcome is not None and context.verdict.outcome.outdated, "not all the time"
    verification._ran_at -= 10_000
    verification._check_what_others_wrote()
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain consistent,"))
    window.settings.verify_by_itself = False
    ask(demo_path, "UPDATE users SET email = email")
    append(demo_path, "newer", 2)
    context.outside.look()
    stands = f"Chain consistent through entry {context.verdict.through} · 2 newer, just now"
    qtbot.waitUntil(lambda: window.shield.text() == stands)
    assert (
        colours[-1] == Tone.OK.value and "The last entry that was verified is as" in window.shield.toolTip()
    )
    assert page.banner.tone() is Tone.OK and values(page, "previous_hash")[2] == "was linked"
    window.settings.verify_by_itself = True
    ask(demo_path, "DELETE FROM audit_chain WHERE seq = 300")
    context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text().endswith(", checked again soon"))
    window.settings.verify_by_itself = False
    verification._look()
    qtbot.waitUntil(lambda: window.shield.text() == "Changed since it was verified · 2 newer")
    window.setMinimumSize(0, 0)
    window.resize(640, 388)
    qtbot.waitUntil(lambda: window.width() == 640 and window.shield.shown() == window.shield.text())
    assert colours[-1] == Tone.WARN.value, "a warning is not green"
    window.settings.verify_by_itself = True
    verification._ran_at -= 10_000
    verification._check_what_others_wrote()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


@pytest.mark.usefixtures("as_if_large")
def test_what_another_program_forges_is_found_when_it_rests(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also before the end that a checkpoint knew: all is verified then, and not from there on."""
    for name in ("_REST_MS", "_AGAIN", "_PATIENCE"):
        monkeypatch.setattr(f"app.ui.shell.verification.{name}", 0)
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    for _ in range(2):
        opened()
    assert window.shield.text() == "Chain verified whole, just now" and window.context is not None
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    window.context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


class Held:
    """Verifications by itself, each of which waits behind its end until it is let go; the first of them may
    `fail`.
    """

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
        for name in ("_REST_MS", "_AGAIN", "_PATIENCE"):
            monkeypatch.setattr(f"app.ui.shell.verification.{name}", 0)
        self.begun, self.let_go, self._fails = Event(), Event(), fails
        monkeypatch.setattr("app.ui.shell.verification.by_itself", partial(self._run, by_itself))

    def _run(self, verify: Callable[..., Outcome], *parts: Any, **options: Any) -> Outcome:
        found = verify(*parts, **options)
        self.begun.set()
        assert self.let_go.wait(60)
        if self._fails:
            self._fails = False
            raise FileLocked("a.sqlite")
        return found


def forge(window: MainWindow, path: Path) -> None:
    ask(path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    assert window.context is not None
    window.context.outside.look()


def test_what_is_forged_while_all_is_verified_is_looked_at_behind_that(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = Held(monkeypatch)
    window.settings.verify_by_itself = True
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(held.begun.is_set)
    assert window.context is not None
    with qtbot.waitSignal(window.context.outside.written):
        forge(window, demo_path)
    held.let_go.set()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


def test_what_gave_way_to_a_person_is_made_up_for(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    held = Held(monkeypatch)
    forge(window, demo_path)
    qtbot.waitUntil(held.begun.is_set)
    (tenant,) = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq = 300")[0]
    other = next(one for one in page.context.tenants if one not in {tenant, "system"})
    with qtbot.waitSignal(page.verified):
        page.panel.start(Asked(Section(other)))
        held.let_go.set()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


def test_a_tenant_verified_alone_has_lost_the_end_that_was_its_own(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    store, last = CheckpointStore(paths.checkpoints_dir()), "ORDER BY seq DESC LIMIT 1"
    (owner,) = ask(demo_path, f"SELECT tenant_id FROM audit_chain {last}")[0]
    (other,) = ask(demo_path, f"SELECT tenant_id FROM audit_chain WHERE tenant_id <> '{owner}' {last}")[0]
    verify_with_checkpoints(InFile(demo_path), store, VERIFY, now=NOW, by="ada")
    ask(demo_path, "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    ask(demo_path, "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_chain'")
    verify_with_checkpoints(InFile(demo_path), store, VERIFY, now=NOW + 1, by="ada")
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    for tenant, said in (
        (owner, f"{owner}: older state, or cut off"),
        (other, f"Chain of {other} consistent"),
    ):
        window.tenants.pick(tenant)
        with qtbot.waitSignal(page.verified):
            page.panel.start(Asked(Section(tenant)))
        outcome = page.panel.outcome
        assert outcome is not None and outcome.report.stands is (tenant == other)
        assert said in words(page.panel)
        assert ("end of the whole database is lost" in words(page.panel)) is (tenant == other)
        assert window.shield.text() == "Older state, or cut off"


def test_what_could_not_be_verified_behind_others_is_tried_again(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    opened()
    assert window.workspace is not None
    held = Held(monkeypatch, fails=True)
    held.let_go.set()
    forge(window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Could not verify")
    window.workspace.verification._look()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


def test_where_nothing_is_verified_by_itself_an_end_that_went_while_it_was_closed_is_missed(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    window.settings.verify_by_itself = False
    last = "seq = (SELECT max(seq) FROM audit_chain)"
    (entry,) = ask(demo_path, f"SELECT * FROM audit_chain WHERE {last}")
    window.close_file()
    ask(demo_path, f"DELETE FROM audit_chain WHERE {last}")
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    assert window.context is not None and window.context.opened.database.is_earlier, "whoever acts is asked"
    window.close_file()
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Older state, or cut off")
    ask(demo_path, f"INSERT INTO audit_chain VALUES {entry}")
    window.context.outside.look()
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain consistent"))
    assert not window.context.opened.database.is_earlier


def test_an_entry_that_does_not_hold_is_told_by_all_when_it_is_looked_at(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    window.settings.verify_by_itself = False
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 598")
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab) and window.workspace is not None
    page.table.select_row(2)
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")
    assert page.banner.headline().startswith("Entry 598") and page.banner.tone() is Tone.BAD
    assert page.panel.state(598).value[0] == "hash wrong"
    go(qtbot, window, 0)
    assert window.workspace.broken.isVisible()
    window.close_file()
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")


def test_what_a_preview_of_retention_finds_is_told_by_all(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    opened()
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 3")
    assert window.workspace is not None
    window.workspace.retention.ask(None)
    dialog(qtbot, window, RetentionDialog)
    press("Escape")
    closed(qtbot, window, RetentionDialog)
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    qtbot.waitUntil(lambda: page.banner.headline().startswith("Chain broken — 1 finding, 600 entries"))


def test_what_retention_did_here_is_verified_with_what_it_wrote(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path
) -> None:
    """Its connection is another than the one that looks for what others write."""
    opened()
    context, looked = window.context, list[bool]()
    assert context is not None
    append(demo_path, "new", 5)
    went = Change("Retention removed 1 row", (), (), bulk=frozenset({AUDIT_CHAIN.name}))
    context.runner.announce(went, object())
    qtbot.waitUntil(lambda: context.verdict.through == 605 and not context.verdict.is_running)
    context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    assert context.verdict.outcome is not None and not context.verdict.outcome.outdated


def test_closing_ends_what_runs(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    window.settings.verify_by_itself = True
    open_file(qtbot, window, demo_path)
    context = window.context
    assert context is not None
    qtbot.waitUntil(lambda: context.verdict.is_running or context.verdict.outcome is not None)
    window.close_file()
    assert not context.verdict.is_running and not window.shield.isVisible()


def test_a_file_without_a_chain_has_no_shield(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "DROP TABLE audit_chain")
    window.settings.verify_by_itself = True
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: "verification" in vars(workspace))
    assert not window.shield.isVisible()


def test_the_shield_goes_to_the_audit_tab(qtbot: QtBot, opened: Opened, window: MainWindow) -> None:
    opened()
    qtbot.mouseClick(window.shield, Qt.MouseButton.LeftButton)
    assert isinstance(current(window), AuditTab)


def test_that_it_cannot_be_verified_is_said_in_the_place_of_a_verdict(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.verification._LOOK_MS", 20)
    store = CheckpointStore(paths.checkpoints_dir())
    python, window.settings.verify_by_itself = sys.executable, True
    for known in (False, True):
        monkeypatch.setattr("sys.executable", str(demo_path.with_name("no-python")))
        open_file(qtbot, window, demo_path)
        qtbot.waitUntil(lambda: window.shield.text() == "Could not verify")
        assert "could not be started" in window.shield.toolTip(), known
        page = go(qtbot, window, AUDIT)
        assert isinstance(page, AuditTab)
        if not known:
            assert page.banner.headline() == "Could not verify"
        monkeypatch.setattr("sys.executable", python)
        if known:  # a few entries can be
            page.verify_range(1, 5)
        else:  # a command can
            verify_by_itself(InFile(demo_path), store, VERIFY, now=NOW, by="ada", sign=True)
        qtbot.waitUntil(lambda: window.shield.text().startswith("Chain verified"))


def test_what_a_command_finds_meanwhile_is_said_in_the_open_window(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.verification._LOOK_MS", 20)
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.shield.text() == "Not verified")
    store = CheckpointStore(paths.checkpoints_dir())
    command = partial(verify_by_itself, InFile(demo_path), store, VERIFY, by="ada", sign=True)
    command(now=NOW)
    qtbot.waitUntil(lambda: window.shield.text().startswith("Chain verified"))
    assert "whole" in window.shield.toolTip()
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    command(now=NOW + 2 * DAY)  # whole again
    qtbot.waitUntil(lambda: window.shield.text() == "Chain broken")
    assert page.banner.headline().startswith("Chain broken")


def test_the_same_finding_is_said_on_the_desktop_once(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened()
    said: list[int] = []
    monkeypatch.setattr(
        "app.ui.shell.verification.SelfVerification._tell",
        lambda self, over, report: said.append(report.found),
    )
    context, workspace = window.context, window.workspace
    assert context is not None and workspace is not None
    for seq, times in ((300, 1), (300, 1), (200, 2)):
        ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seq)
        workspace.verification.check()
        qtbot.waitUntil(lambda: not context.verdict.is_running)
        assert len(said) == times and window.shield.text() == "Chain broken"


def test_an_earlier_state_is_said_on_the_desktop_too(
    qtbot: QtBot, opened: Opened, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (paths.checkpoints_dir()).mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    between = demo_path.with_name("between.sqlite")
    append(demo_path, "one", 3)
    shutil.copy(demo_path, between)
    append(demo_path, "two", 3)
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    shutil.copy(between, demo_path)
    said: list[str] = []
    monkeypatch.setattr(
        "app.ui.shell.verification.tell",
        lambda runner, over, title, words, **how: said.append(f"{title}: {words}"),
    )
    opened()
    assert window.shield.text() == "Earlier state" and window.workspace is not None
    window.workspace.verification.check()
    context = window.context
    assert context is not None
    qtbot.waitUntil(lambda: not context.verdict.is_running)
    (told,) = said
    said_of = "audit chain in an earlier state: 1 finding. The database ends at entry "
    assert told.startswith(f"{demo_path.name}: {said_of}")


@pytest.mark.slow
def test_words_of_a_verdict_grow_old_with_it(qtbot: QtBot, opened: Opened, window: MainWindow) -> None:
    opened()
    qtbot.waitUntil(lambda: window.shield.text() == "Chain consistent, just now")
    context = window.context
    assert context is not None
    now = context.clock()
    context.clock = lambda: now + 300
    context.aged.emit()
    assert window.shield.text() == "Chain consistent, 5 min ago"
