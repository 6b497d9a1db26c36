"""Preferences, as somebody sets them."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from app import paths
from app.settings import Settings
from app.ui.shell.preferences import PreferencesDialog
from app.ui.theme import DARK, Mode, Theme

DAY = 86_400


def choose(qtbot: QtBot, box: object, key: Qt.Key) -> None:
    assert isinstance(box, QComboBox)
    qtbot.keyClick(box, key)


def test_a_theme_is_shown_at_once_and_taken_back(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = PreferencesDialog(theme, settings)
    qtbot.addWidget(dialog)
    dialog.open()
    choose(qtbot, dialog.editor("theme"), Qt.Key.Key_Down)
    assert (theme.mode, theme.tokens) == (Mode.DARK, DARK)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible(), "an edit is never lost silently"
    with qtbot.waitSignal(dialog.rejected, timeout=0):
        qtbot.mouseClick(dialog.discard_button, Qt.MouseButton.LeftButton)
    assert theme.mode is Mode.LIGHT and settings.theme == "system"


def test_preferences_are_kept(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = PreferencesDialog(theme, settings)
    qtbot.addWidget(dialog)
    dialog.open()
    choose(qtbot, dialog.editor("theme"), Qt.Key.Key_Down)
    choose(qtbot, dialog.editor("times"), Qt.Key.Key_Down)
    qtbot.keyClicks(dialog.editor("actor"), "  Ada L. ")
    days = dialog.editor("days")
    assert isinstance(days, QSpinBox) and days.text() == "90 days"
    days.selectAll()
    qtbot.keyClicks(days, "30")
    qtbot.mouseClick(
        dialog.editor("ask"), Qt.MouseButton.LeftButton, pos=dialog.editor("ask").rect().center()
    )
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    again = Settings()
    assert (again.theme, again.utc_times, again.actor) == ("dark", True, "Ada L.")
    assert (again.retention_days, again.confirm_deletion) == (30, True)
    assert theme.mode is Mode.DARK


def test_an_empty_name_is_that_of_the_system(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    settings.actor = "Ada"
    dialog = PreferencesDialog(theme, settings)
    qtbot.addWidget(dialog)
    dialog.open()
    name = dialog.editor("actor")
    assert isinstance(name, QLineEdit) and name.text() == "Ada"
    assert name.placeholderText() == paths.os_user()
    name.selectAll()
    qtbot.keyClick(name, Qt.Key.Key_Delete)
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert not dialog.isVisible() and settings.actor == paths.os_user()


def test_a_name_with_hidden_characters_is_refused(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = PreferencesDialog(theme, settings)
    qtbot.addWidget(dialog)
    dialog.open()
    name = dialog.editor("actor")
    assert isinstance(name, QLineEdit)
    name.insert("ops\u202egnp")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert dialog.problem_of("actor") == "Your name holds characters that cannot be seen; type it again."
    assert settings.actor == paths.os_user()


def test_a_period_that_nobody_touched_is_kept_to_the_second(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    settings.data_retention_seconds = 90 * DAY + 3600
    dialog = PreferencesDialog(theme, settings)
    qtbot.addWidget(dialog)
    dialog.open()
    qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    assert settings.data_retention_seconds == 90 * DAY + 3600


def test_preferences_that_cannot_be_written_say_so(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    dialog = PreferencesDialog(theme, Settings(in_the_way))
    qtbot.addWidget(dialog)
    dialog.open()
    choose(qtbot, dialog.editor("times"), Qt.Key.Key_Down)
    qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    assert "cannot be written" in dialog.problem.text() and str(in_the_way) in dialog.problem.text()
