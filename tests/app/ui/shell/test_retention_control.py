"""A daily run that met a clock in doubt: the status bar says so, and the dialog takes the person's word."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.ui.dialogs.retention import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ErrorDialog
from tests.conftest import NOW
from tests.fixtures.window import click, closed, count, dialog, open_file

DAY = 86_400
WAITING = "Retention: waiting for your word about the clock (File, Data retention…)"


@pytest.fixture
def ahead(qtbot: QtBot, theme: Theme, demo_path: Path) -> Iterator[MainWindow]:
    """The window of a person who approved the daily run, on a computer whose clock is ten days ahead."""
    settings = Settings()
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


def test_a_daily_run_by_a_clock_in_doubt_waits_for_the_persons_word(
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
    assert box.doubt is not None
    assert box.doubt.words.text().startswith("This computer's clock says 28 Nov 2026, 11:06:40 UTC; ")
    box.reject()
    closed(qtbot, ahead, RetentionDialog)
    assert ahead.retention_status.text() == WAITING
    ahead.commands.action("retention").trigger()
    box = dialog(qtbot, ahead, RetentionDialog)
    assert box.doubt is not None
    box.doubt.box.click()
    if box.agreement.isVisible():
        box.agreement.click()
    assert ahead.retention is not None
    with qtbot.waitSignal(ahead.retention.removed) as removed:
        click(qtbot, box.once_button)
    status = f"Retention: last run just now, {removed.args[0].total:,} rows removed · next in 24 h"
    qtbot.waitUntil(lambda: ahead.retention_status.text() == status)


def test_the_word_for_a_majority_is_given_with_the_yes_for_every_day(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.retention_days = 1
    before = count(demo_path, "audit_chain")
    open_file(qtbot, window, demo_path)
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    box.agreement.click()
    assert window.retention is not None
    with qtbot.waitSignal(window.retention.removed):
        click(qtbot, box.daily_button)
    assert count(demo_path, "audit_chain") < before
    assert not [error for error in window.findChildren(ErrorDialog) if error.isVisible()]
