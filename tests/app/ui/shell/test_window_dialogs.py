"""The frame's dialogs as the window opens them."""

from pathlib import Path
from typing import TypeVar

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileDialog, QMessageBox
from pytestqt.qtbot import QtBot

from app.services.files.find import Candidate
from app.settings import Settings
from app.ui.shell.dialogs import AboutDialog, ChooseDatabaseDialog, DatabaseInfoDialog, PreferencesDialog
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.ui.widgets.banner import Toast
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from app.ui.widgets.later import later
from tests.conftest import NOW
from tests.fixtures.retaining import a_plan
from tests.fixtures.sample import empty
from tests.fixtures.window import added, open_file, value_of

D = TypeVar("D", bound=QDialog)


@pytest.fixture
def window(qtbot: QtBot, theme: Theme) -> MainWindow:
    window = MainWindow(theme, Settings(), lambda: NOW)
    qtbot.addWidget(window)
    window.show()
    return window


def dialog_of(qtbot: QtBot, window: MainWindow, kind: type[D]) -> D:
    qtbot.waitUntil(lambda: any(found.isVisible() for found in window.findChildren(kind)))
    return next(found for found in window.findChildren(kind) if found.isVisible())


def gone(qtbot: QtBot, window: MainWindow, kind: type[QDialog]) -> None:
    """Waits until the window has let go of a dialog that was closed."""
    qtbot.waitUntil(lambda: not window.findChildren(kind))


@pytest.mark.slow
def test_of_several_databases_one_is_chosen(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    for name in ("one", "two"):
        empty(tmp_path / f"{name}.sqlite")
    window.files.open(tmp_path)
    dialog = dialog_of(qtbot, window, ChooseDatabaseDialog)
    qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
    chosen = dialog.candidate()
    with qtbot.waitSignal(window.opened) as opened:
        qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    gone(qtbot, window, ChooseDatabaseDialog)
    assert chosen is not None and opened.args[0].path == chosen.path


@pytest.mark.slow
def test_none_of_several_is_chosen(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    for name in ("one", "two"):
        empty(tmp_path / f"{name}.sqlite")
    window.files.open(tmp_path)
    dialog = dialog_of(qtbot, window, ChooseDatabaseDialog)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    gone(qtbot, window, ChooseDatabaseDialog)
    assert window.workspace is None and window.welcome.isVisible()


@pytest.mark.slow
def test_what_the_file_holds(qtbot: QtBot, window: MainWindow, database_path: Path) -> None:
    info = window.commands.action("info")
    assert not info.isEnabled(), "there is no file"
    with qtbot.waitSignal(window.opened):
        window.files.open(database_path)
    info.trigger()
    dialog = dialog_of(qtbot, window, DatabaseInfoDialog)
    assert value_of(dialog.fields, "File") == database_path.name
    qtbot.keyClick(dialog, Qt.Key.Key_Return)
    gone(qtbot, window, DatabaseInfoDialog)


@pytest.mark.slow
def test_about_and_preferences_open_and_go(qtbot: QtBot, window: MainWindow) -> None:
    for name, kind in (("about", AboutDialog), ("preferences", PreferencesDialog)):
        window.commands.action(name).trigger()
        dialog = dialog_of(qtbot, window, kind)
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        gone(qtbot, window, kind)


def test_no_widget_belongs_to_python_alone(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    """Such a widget is destroyed by whichever thread collects garbage, which ends the process."""
    before = set(QApplication.topLevelWidgets())
    kept = [
        MainWindow(theme, Settings(), lambda: NOW),
        AboutDialog(theme),
        PreferencesDialog(theme, Settings()),
        ChooseDatabaseDialog(theme, [Candidate(tmp_path / "a.sqlite", ("users",), 1, 1, NOW)], NOW),
        RetentionDialog(theme, a_plan(), file_name="a.sqlite", days=90),
        ConfirmDialog(theme, "Delete?", "It goes.", action="Delete"),
        ErrorDialog(theme, "It did not work."),
    ]
    for widget in kept:
        qtbot.addWidget(widget)
    orphans = [
        type(widget).__name__
        for widget in set(QApplication.topLevelWidgets()) - before - set(kept)
        if widget.parent() is None
    ]
    assert not orphans


def test_preferences_saved_without_a_file_ask_for_none(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.trigger("preferences")
    dialog_of(qtbot, window, PreferencesDialog).action_button.click()
    gone(qtbot, window, PreferencesDialog)
    assert not window.toast.isVisible()


@pytest.mark.parametrize("told", (False, True))
def test_messages_that_nothing_would_show_cannot_be_wished_for_and_it_says_why(
    qtbot: QtBot, window: MainWindow, monkeypatch: pytest.MonkeyPatch, told: bool
) -> None:
    monkeypatch.setenv("DBUS_SESSION_BUS_ADDRESS", "")  # nor has this platform a tray
    window.settings.tell_of_notifications = told
    window.commands.trigger("preferences")
    dialog = dialog_of(qtbot, window, PreferencesDialog)
    tell = dialog.editor("tell_of_notifications")
    qtbot.waitUntil(lambda: "neither a service for them nor a tray" in tell.accessibleDescription())
    assert tell.isEnabled() is told and not dialog.is_dirty(), "what is on can be taken back"


@pytest.mark.slow
def test_a_question_about_files_ends_with_the_file_that_it_was_asked_of(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    """The one opened meanwhile takes its place, and everything that was asked of the one before with it."""
    there, other, seen = tmp_path / "there.csv", tmp_path / "other.sqlite", list[str]()
    there.touch()
    empty(other)
    page = open_file(qtbot, window, demo_path)

    def look() -> None:
        asked = QApplication.activeModalWidget()
        if isinstance(asked, QFileDialog):
            seen.append(asked.windowTitle())
            asked.selectFile(there.name)
            later(window, 0, look)
            asked.accept()
        elif isinstance(asked, QMessageBox):  # whether it is to be replaced
            seen.append(asked.text())
            window.files.open(other)
        else:
            later(window, 0, look)

    later(window, 0, look)
    with qtbot.waitSignal(window.opened):
        page.export()
    assert len(seen) == 2 and there.name in seen[1]
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is None and not window.findChildren(QFileDialog))
    assert there.read_text() == "" and window.workspace is not None


def test_a_dialog_says_nothing_of_another_window(qtbot: QtBot, window: MainWindow, theme: Theme) -> None:
    other = added(qtbot, MainWindow(theme, Settings(), lambda: NOW))
    for one in (window, other):
        one.show()
    asked = ConfirmDialog(theme, "Discard changes?", "They are not saved.", action="Discard", parent=other)
    asked.open_once()
    qtbot.waitUntil(lambda: QApplication.activeModalWidget() is asked)
    window.toast.show_message("Saved.")
    turned: list[int] = []
    later(asked, 1, lambda: turned.append(1))  # behind what the window does a little later
    qtbot.waitUntil(lambda: bool(turned))
    assert window.toast.isVisible() and not asked.findChildren(Toast)
    other.toast.show_message("Copied.")
    qtbot.waitUntil(lambda: [one.label.text() for one in asked.findChildren(Toast)] == ["Copied."])
