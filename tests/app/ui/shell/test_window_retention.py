"""A daily run that met a clock in doubt: the status bar says so, and the dialog asks for a confirmation."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QAbstractButton
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.archives import ANCHOR
from app.services.chain.rules import Verdict
from app.settings import Settings
from app.ui.session.outdated import OTHERS
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ErrorDialog
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import verify
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.connected import connected
from tests.fixtures.retaining import retain
from tests.fixtures.window import ask, click, closed, count, dialog, open_file, press, removal, texts, words

DAY = 86_400
WAITING = "Retention: waiting for your confirmation that the clock is right (File, Data retention…)"


@pytest.fixture
def ahead(qtbot: QtBot, theme: Theme, demo_path: Path) -> Iterator[MainWindow]:
    """The window of a person who approved the daily run, on a computer whose clock is ten days ahead."""
    settings = Settings()
    settings.verify_by_itself = False
    settings.utc_times = True
    settings.retention_enabled.set(demo_path, True)
    settings.retention_last_run.set(demo_path, NOW - DAY)
    window = MainWindow(theme, settings, lambda: NOW + 10 * DAY)
    qtbot.addWidget(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.close()


@pytest.mark.slow
def test_a_daily_run_by_a_clock_in_doubt_waits_for_a_confirmation(
    qtbot: QtBot, ahead: MainWindow, demo_path: Path
) -> None:
    before = count(demo_path, "audit_chain")
    open_file(qtbot, ahead, demo_path)
    qtbot.waitUntil(lambda: ahead.retention_status.text() == WAITING)
    assert not [box for box in ahead.findChildren(ErrorDialog) if box.isVisible()]
    assert count(demo_path, "audit_chain") == before
    ahead.commands.action("retention").trigger()
    box = dialog(qtbot, ahead, RetentionDialog)
    assert not box.once_button.isEnabled()
    assert "\nThis computer's clock says 2026-11-28 11:06:40 UTC; " in words(box)
    box.reject()
    closed(qtbot, ahead, RetentionDialog)
    assert ahead.retention_status.text() == WAITING
    ahead.commands.action("retention").trigger()
    box = dialog(qtbot, ahead, RetentionDialog)
    box.doubts["clock"].click()
    if "majority" in box.doubts:
        box.doubts["majority"].click()
    with removal(qtbot, ahead) as removed:
        click(qtbot, box.once_button)
    status = f"Retention: last run just now, removed {removed[0].total:,} rows · next in 24 h"
    qtbot.waitUntil(lambda: ahead.retention_status.text() == status)


@pytest.mark.slow
def test_a_preview_leads_to_the_entries_that_stay(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    window.settings.retention_days = 1
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE tenant_id = 'acme-corp'")
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    click(qtbot, box.chain_button)
    closed(qtbot, window, RetentionDialog)
    assert window.workspace is not None
    assert window.workspace.current().spec.table.title == "Audit chain"


@pytest.mark.slow
def test_a_majority_is_confirmed_with_the_yes_for_every_day(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.retention_days = 1
    before = count(demo_path, "audit_chain")
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    box.doubts["majority"].click()
    with removal(qtbot, window):
        click(qtbot, box.daily_button)
    assert count(demo_path, "audit_chain") < before
    assert not [error for error in window.findChildren(ErrorDialog) if error.isVisible()]


@pytest.mark.slow
def test_a_run_leaves_nothing_to_undo_and_offers_no_tenant_that_is_gone(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(
        demo_path,
        "INSERT INTO notifications (id, tenant_id, type, read, created_at)"
        " VALUES ('old', 'gone', 'info', 1, ?)",
        NOW - 1_000 * DAY,
    )
    window.settings.verify_by_itself = True
    page, choices = open_file(qtbot, window, demo_path), window.tenants.popup.model
    verdict, claimed = page.context.verdict, list[str]()
    qtbot.waitUntil(lambda: verdict.outcome is not None and not verdict.is_running)
    verdict.changed.connect(lambda: claimed.append(verdict.outcome.outdated if verdict.outcome else ""))
    assert "gone" in [choice.label for choice in choices.rows]
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    if "majority" in box.doubts:
        box.doubts["majority"].click()
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    assert window.toast.label.text() == f"Retention removed {removed[0].total:,} rows"
    assert not window.toast.action_button.isVisible()
    assert not window.commands.action("undo").isEnabled()
    qtbot.waitUntil(lambda: "gone" not in [choice.label for choice in choices.rows])
    # It has verified and signed what it left: that is not asked again, and it was no other program.
    looked = list[bool]()
    page.context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked) and window.shield.text() == "Chain verified, just now")
    assert verdict.outcome is not None and verdict.outcome.asked.is_whole and not verdict.is_running
    assert OTHERS not in claimed


@pytest.mark.slow
def test_a_chain_rewritten_behind_its_markers_is_named_and_not_blessed(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    with connected(demo_path) as database:
        retain(database, days=100)
        chains.rewrite(database.connection(), "acme-corp", drop=20)
    assert verify(demo_path, tmp_path / "none", now=NOW).verdict is Verdict.TAMPERED
    window.settings.retention_days = 80
    open_file(qtbot, window, demo_path)
    before = ask(demo_path, "SELECT hash FROM audit_chain WHERE tenant_id = 'acme-corp' ORDER BY seq")
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    assert "\nacme-corp: " in words(box)
    assert "acme-corp" not in [row[0] for row in texts(box.tenants)]
    assert "without_checkpoint" in box.doubts
    for doubt in box.doubts.values():
        doubt.click()
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    assert {left.tenant_id for left in removed[0].left} == {"acme-corp"}
    assert removed[0].removed["audit_chain"] > 0
    after = ask(demo_path, "SELECT hash FROM audit_chain WHERE tenant_id = 'acme-corp' ORDER BY seq")
    assert after == before
    report = verify(demo_path, tmp_path / "none", now=NOW)
    assert {one.tenant: one.verdict for one in report.tenants}["acme-corp"] is Verdict.TAMPERED
    qtbot.waitUntil(lambda: "old entries of acme-corp stay" in window.retention_status.text())


@pytest.mark.slow
def test_where_no_checkpoint_can_be_made_the_person_is_asked(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    paths.checkpoints_dir().parent.mkdir(parents=True, exist_ok=True)
    open_file(qtbot, window, demo_path)
    paths.checkpoints_dir().write_text("a file where the folder should be")
    before = count(demo_path, "audit_chain")
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    if "without_checkpoint" not in box.doubts:  # it is known only when one is tried
        for doubt in box.doubts.values():
            doubt.click()
        click(qtbot, box.once_button)
        error = dialog(qtbot, window, ErrorDialog)
        assert "No checkpoint could be made before the removal" in error.sentence.text()
        error.reject()
        closed(qtbot, window, ErrorDialog)
        assert count(demo_path, "audit_chain") == before
        window.commands.action("retention").trigger()
        box = dialog(qtbot, window, RetentionDialog)
    assert "without_checkpoint" in box.doubts
    for doubt in box.doubts.values():
        doubt.click()
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    assert removed[0].removed["audit_chain"] > 0
    assert removed[0].no_checkpoint is not None


@pytest.mark.slow
def test_an_archive_folder_is_chosen_used_and_remembered(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "archive"
    folder.mkdir()
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    box.archive.set_folder(folder)
    if "majority" in box.doubts:
        qtbot.mouseClick(box.doubts["majority"], Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    names = {file.name for file in folder.iterdir()}
    assert names == set(removed[0].archives)
    assert names
    report = verify_known(demo_path, tmp_path / "none", now=NOW, archive=folder)
    rows = ask(demo_path, "SELECT DISTINCT tenant_id FROM audit_chain WHERE event_type = 'audit_pruned'")
    pruned = {tenant for (tenant,) in rows}
    assert {tenant.tenant for tenant in report.tenants if tenant.anchor == ANCHOR} == pruned
    closed(qtbot, window, RetentionDialog)
    window.commands.action("retention").trigger()
    again = dialog(qtbot, window, RetentionDialog)
    assert again.archive.box.isChecked()
    assert again.archive.where.text() == str(folder)


@pytest.mark.slow
def test_a_tick_has_milliseconds_read_as_such(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    sql = "INSERT INTO notifications (id, tenant_id, type, read, created_at) VALUES ('ms', 'acme', 'x', 1, ?)"
    ask(demo_path, sql, (NOW - 200 * DAY) * 1000)
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    assert "seems to be in milliseconds" in words(box)
    before = box.once_button.text()
    click(qtbot, box.milliseconds)
    qtbot.waitUntil(lambda: box not in window.findChildren(RetentionDialog))
    again = dialog(qtbot, window, RetentionDialog)
    assert again.milliseconds.isChecked() and again.once_button.text() != before
    assert "old rows that stay" not in words(again)
    with removal(qtbot, window) as done:
        click(qtbot, again.once_button)
    assert done[0].skipped == ()
    assert ask(demo_path, "SELECT count(*) FROM notifications WHERE id = 'ms'") == [(0,)]


@pytest.mark.slow
def test_other_days_are_counted_again_and_are_the_person_s_for_once(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.retention_days = 90
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    before = box.once_button.text()
    box.days.setFocus()
    press("Up")
    qtbot.waitUntil(lambda: box not in window.findChildren(RetentionDialog))
    again = dialog(qtbot, window, RetentionDialog)
    assert again.days.value() == 91 and again.days.hasFocus()
    assert "older than 91 days" in again.sentence.text() and again.once_button.text() != before
    for doubt in again.doubts.values():
        doubt.click()
    with removal(qtbot, window) as done:
        click(qtbot, again.once_button)
    assert done[0].cutoff == NOW - 91 * DAY
    assert window.settings.retention_days == 90 and not window.settings.retention_enabled.get(demo_path)


@pytest.mark.slow
def test_a_run_that_comes_while_the_preview_is_open_is_counted_in_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None and window.context is not None
    retention, action = window.workspace.retention, window.commands.action("retention")
    action.trigger()
    box = dialog(qtbot, window, RetentionDialog)
    assert box.once_button.isEnabled()
    window.settings.retention_enabled.set(demo_path, True)
    with removal(qtbot, window) as done:
        retention.check()  # it is due
        action.trigger()
        assert window.toast.label.text() == "Data retention is running; look again when it has ended."
    qtbot.waitUntil(lambda: box not in window.findChildren(RetentionDialog))
    again = dialog(qtbot, window, RetentionDialog)
    assert done[0].total and not again.once_button.isVisible()


@pytest.mark.slow
def test_a_preview_closed_while_it_is_counted_again_stays_closed(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    retention = window.workspace.retention
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    box.days.setValue(91)
    box.reject()
    closed(qtbot, window, RetentionDialog)
    qtbot.waitUntil(lambda: retention._planning is None)
    assert not window.findChildren(RetentionDialog)


@pytest.mark.slow
def test_keys_scroll_what_is_longer_than_the_dialog_wherever_the_focus_is(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    columns = "tenant_id, event_type, payload, previous_hash, hash, created_at"
    for tenant in range(30):  # of which each is told why its entry stays
        sql = f"INSERT INTO audit_chain ({columns}) VALUES (?, 'x', '{{}}', 'no hash', 'none either', ?)"
        ask(demo_path, sql, f"tenant-{tenant}", NOW - 500 * DAY)
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    bar = box._scroll.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0)
    stops: list[QAbstractButton] = [box.cancel_button, box.off_button, box.archive.box, *box.doubts.values()]
    for stop in filter(QAbstractButton.isVisible, stops):
        stop.setFocus()
        for forth, back in (("PgDown", "PgUp"), ("End", "Home"), ("Ctrl+End", "Ctrl+Home")):
            for key, end in ((forth, bar.maximum()), (back, bar.minimum())):
                for _ in range(20):
                    press(key)
                assert bar.value() == end and stop.hasFocus(), f"{key} on {stop.text()}"
