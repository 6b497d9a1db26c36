"""One theme for all interface tests, light unless a test changes it, and an open file for the tabs."""

import gc
from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, TypeVar

import pytest
from PySide6.QtCore import QCoreApplication, QEvent
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.settings import Settings
from app.ui.session.context import Context
from app.ui.shell import workspace
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Mode, Theme
from app.workers.memory import GarbageCollector
from app.workers.runner import finish
from tests.conftest import NOW
from tests.fixtures.context import make_context
from tests.fixtures.ears import Heard, listening
from tests.fixtures.sample import sample

AnyTab = TypeVar("AnyTab", bound=RecordTab)

# Nobody thinks between two letters here, or looks on while rows come.
for _wait in (
    "widgets.filter_row.DEBOUNCE_MS",
    "shell.global_search.DEBOUNCE_MS",
    "shell.workspace.AROUND_MS",
):
    pytest.MonkeyPatch().setattr(f"app.ui.{_wait}", 20)
# Nor is a tab built that a test does not look at: it would take longer than all else in most of them.
AHEAD_MS = workspace.AHEAD_MS
pytest.MonkeyPatch().setattr("app.ui.shell.workspace.AHEAD_MS", 3_600_000)


class ShowTab(Protocol):
    def __call__(self, kind: type[AnyTab]) -> AnyTab: ...


@pytest.fixture(scope="package", autouse=True)
def _garbage(qapp: QApplication) -> Iterator[None]:
    """As in the program, garbage is collected on the interface thread. A widget that dies on another one is
    deleted at any moment of this one, also while it is laid out.
    """
    garbage = GarbageCollector()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gc, "enable", lambda: None)  # as each command does, which the program never runs beside
        yield
    QApplication.clipboard().clear()  # what one of our own made would die after Python, which ends in a crash
    gc.collect()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    garbage.stop()
    gc.freeze()  # what is left stays, the interface's modules above all; other tests need not look through it


@pytest.fixture(autouse=True)
def _widgets_end_here(qapp: QApplication) -> Iterator[None]:
    """What was to be deleted later goes before the test ends, so that what it says then fails no other.

    `processEvents`, which pytest-qt calls, leaves it to the next event loop: one of another test.
    """
    yield
    finish()
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)


@pytest.fixture(scope="session")
def _session_theme(qapp: QApplication) -> Theme:
    theme = Theme(Mode.LIGHT)
    theme.apply(qapp)
    return theme


@pytest.fixture
def theme(_session_theme: Theme) -> Iterator[Theme]:
    """The theme in force on the application."""
    yield _session_theme
    _session_theme.set_mode(Mode.LIGHT)


@pytest.fixture
def demo_path(tmp_path: Path) -> Path:
    """A test's own file of sample data: three tenants, the runs and notifications of the real one."""
    return sample(tmp_path / "demo.sqlite", rows=600)


@pytest.fixture
def context(demo_path: Path, tmp_path: Path, theme: Theme, qapp: QApplication) -> Iterator[Context]:
    """What a tab needs of an open file of sample data; the clock stands at NOW."""
    settings = Settings(tmp_path / "settings")
    settings.unread_alone = False  # most tests are about any notification
    context = make_context(demo_path, theme, settings, lambda: NOW)
    yield context
    context.stop()


@pytest.fixture
def show_tab(context: Context, qtbot: QtBot) -> ShowTab:
    """Shows a tab as the window does: read when looked at, and again after every change."""

    def show(kind: type[AnyTab]) -> AnyTab:
        tab = kind(context)
        qtbot.addWidget(tab)
        tab.resize(1280, 720)
        context.runner.changed.connect(tab.hear)
        tab.show()
        with qtbot.waitSignal(tab.list.loaded):
            tab.activate()
        return tab

    return show


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> Iterator[MainWindow]:
    """The whole window, in front, without a file; the clock stands at NOW."""
    settings = Settings()
    settings.utc_times = True
    settings.verify_by_itself = settings.unread_alone = False  # most tests are about any notification
    window = MainWindow(theme, settings, lambda: NOW)
    window.resize(1280, 800)  # the screen of these tests is smaller
    qtbot.addWidget(window)
    window.toast._timer.timeout.disconnect()  # what it said can be read on however busy a machine
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    yield window
    window.close()


@pytest.fixture
def heard() -> Iterator[Heard]:
    """What is announced to screen readers from now on."""
    with listening() as told:
        yield told
