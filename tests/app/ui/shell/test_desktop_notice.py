"""New notifications are told on the desktop while a person looks elsewhere, where they asked for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.records import notifications
from app.ui.shell.window import MainWindow
from models.engine import Database
from tests.conftest import NOW
from tests.fixtures.desktop import Desktop
from tests.fixtures.window import ask, current, open_file

_COLUMNS = "id, tenant_id, type, title, message, read, created_at"
_ADD = f"INSERT INTO notifications ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?)"


def add(path: Path, key: str, title: str, *, read: int = 0) -> None:
    ask(path, _ADD, key, "acme-corp", "run_completed", title, "m", read, NOW)


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desktop]:
    there = Desktop(tmp_path / "bus", shows=True)
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", f"unix:path={tmp_path / 'bus'}")
    yield there
    there.end()


def test_what_came_since_a_row_is_named_latest_first(database: Database, database_path: Path) -> None:
    assert notifications.arrived(database, "rowid", None) == notifications.Arrived(0)
    for key, read in (("a", 0), ("b", 1), ("c", 0)):
        ask(database_path, _ADD, key, "acme", "run_failed", f"t {key}", "m", read, NOW)
    found = notifications.arrived(database, "rowid", 0)
    assert found == notifications.Arrived(3, (("c", "acme", "t c"), ("a", "acme", "t a")))
    assert notifications.arrived(database, "rowid", 3) == notifications.Arrived(3)


@pytest.mark.slow
def test_who_looks_elsewhere_is_told_what_came(
    qtbot: QtBot, window: MainWindow, demo_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    window.settings.tell_of_notifications = True
    open_file(qtbot, window, demo_path)
    workspace, context = window.workspace, window.context
    assert workspace is not None and context is not None
    qtbot.waitUntil(lambda: workspace.arrivals._last is not None)
    add(demo_path, "n1", "In front of the window")
    workspace.arrivals.look()
    qtbot.waitUntil(lambda: not workspace.arrivals._is_looking)
    state = Qt.ApplicationState.ApplicationInactive  # the offscreen platform has no other program
    monkeypatch.setattr("app.ui.shell.desktop_notice.QGuiApplication.applicationState", lambda: state)
    add(demo_path, "n2", "Read already", read=1)
    add(demo_path, "n3", "Your run\nis ready")
    add(demo_path, "n4", "Another")
    context.outside.look()
    qtbot.waitUntil(lambda: len(desktop.shown) == 1)
    _, _, _, title, words, _, hints, _ = desktop.shown[0]
    said = "Another (acme-corp)\nYour run is ready (acme-corp)"
    assert (title, words) == ("2 new notifications · demo.sqlite", said)
    assert hints["urgency"] == ("y", 1)


@pytest.mark.slow
def test_what_is_told_leads_to_the_notification_from_a_window_that_is_put_away(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    add(demo_path, "n1", "Your run is ready")
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    window.showMinimized()
    qtbot.waitUntil(window.isMinimized)
    workspace.arrivals._open("n1")
    assert not window.isMinimized()
    qtbot.waitUntil(lambda: current(window).spec.table.name == "notifications")
    qtbot.waitUntil(lambda: current(window).list.current_id() == "n1")
    assert current(window).table.hasFocus()
