"""A live D1 in the window of a computer whose clock is another than the database's."""

import re
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.settings import Settings
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.theme import Theme
from models.status import DAY, HOUR
from tests.conftest import NOW
from tests.d1.edge import Edge
from tests.fixtures import live_window
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, unlock
from tests.fixtures.stored import stored
from tests.fixtures.window import click, closed, count, dialog, go, press, removal, words

WAITING = "Retention: waiting for your confirmation that the clock is right (File, Data retention…)"
SAYS = re.compile(
    r"This computer's clock says 2026-11-18 11:06:40 UTC; d1:prod's says ([-\d]+ [:\d]+) UTC, "
    r"as the dates of its answers tell\."
)
OFF = (6 * DAY, 3 * HOUR, -3 * HOUR, 60 * DAY)
"""By how many seconds this computer's clock is ahead of the database's."""

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]


class Wall:
    """The clock that the window goes by."""

    def __init__(self) -> None:
        self.now = NOW


@pytest.fixture
def wall() -> Wall:
    return Wall()


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, wall: Wall) -> Iterator[MainWindow]:
    settings = Settings()
    settings.utc_times = True
    settings.verify_by_itself = False
    window = MainWindow(theme, settings, lambda: wall.now)
    window.connecting.tokens = Tokens(None)
    window.resize(1280, 800)
    qtbot.addWidget(window)
    window.toast._timer.timeout.disconnect()
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.close()


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def production(edge: Edge, live: Live, file: Path, window: MainWindow) -> str:
    return live_window.production(edge, live, file, window)


def preview(qtbot: QtBot, window: MainWindow) -> RetentionDialog:
    window.commands.trigger("retention")
    return dialog(qtbot, window, RetentionDialog)


def says_both(text: str, off: int) -> bool:
    """Whether both times are told, to the second or two of an answer."""
    found = SAYS.search(text)
    at = datetime.fromisoformat(f"{found[1]}+00:00").timestamp() if found is not None else 0
    return abs(at - (NOW - off)) < 5


@pytest.mark.parametrize("off", OFF)
def test_a_preview_asks_about_a_clock_that_is_another_than_the_databases(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, off: int
) -> None:
    edge.clock = -off
    window.settings.retention_days = 1
    open_live(qtbot, window, production)
    unlock(qtbot, window)
    box, before = preview(qtbot, window), stored(file)
    said = words(box)
    assert says_both(said, off), said
    assert "What is old is counted by this computer's. Check the clock." in said
    assert not box.once_button.isEnabled() and not box.daily_button.isEnabled()
    for name, doubt in box.doubts.items():
        if name != "clock":
            doubt.click()
    assert not box.once_button.isEnabled(), "the clock is a question of its own"
    assert stored(file) == before
    box.doubts["clock"].click()
    with removal(qtbot, window) as removed:
        click(qtbot, box.once_button)
    assert removed[0].total > 0 and removed[0].doubt is not None
    closed(qtbot, window, RetentionDialog)


def test_a_preview_of_nothing_says_by_which_clock(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge
) -> None:
    edge.clock = 3.0 * HOUR
    window.settings.retention_days = 3_000
    open_live(qtbot, window, production)
    box = preview(qtbot, window)
    assert says_both(words(box), -3 * HOUR) and "By that nothing is old." in words(box)
    box.reject()
    closed(qtbot, window, RetentionDialog)
    edge.clock = 0.0
    assert "clock" not in words(preview(qtbot, window))


def test_the_daily_run_waits_until_both_clocks_agree(  # noqa: PLR0917
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge, file: Path, wall: Wall
) -> None:
    edge.clock = -6.0 * DAY
    open_live(qtbot, window, production)
    context, before = window.context, count(file, "audit_chain")
    assert context is not None
    context.settings.retention_enabled.set(context.opened.agreed_by, True)
    unlock(qtbot, window)
    qtbot.waitUntil(lambda: window.retention_status.text() == WAITING)
    told = window.toast.label.text()
    assert told.startswith("Data retention removed nothing. ") and says_both(told, 6 * DAY), told
    assert count(file, "audit_chain") == before
    window.toast.hide()
    assert window.workspace is not None and window.workspace.retention is not None
    retention = window.workspace.retention
    for agree in (False, True):
        if agree:  # this computer's was right, or was set right; the window's stands where it stood
            edge.clock = 0.0
        wall.now += HOUR
        context.opened.database.writable_until += HOUR
        with qtbot.waitSignal(retention.status, check_params_cb=lambda text: "running" in text):
            retention.check()
        qtbot.waitUntil(lambda: not retention.running)
        assert (count(file, "audit_chain") < before) == agree
        assert (retention.waiting is None) == agree
        assert not window.toast.isVisible() or agree, "it was said once"


def test_a_verification_says_by_which_clock(
    qtbot: QtBot, window: MainWindow, production: str, edge: Edge
) -> None:
    edge.clock = -6.0 * DAY
    open_live(qtbot, window, production)
    context = window.context
    assert context is not None
    audit = go(qtbot, window, 1)
    assert isinstance(audit, AuditTab)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: context.verdict.outcome is not None)
    said = "This computer's clock is 144 h ahead of d1:prod's, as the dates of its answers tell"
    qtbot.waitUntil(lambda: said in audit.banner.detail())
