"""What the program is, what a person prefers, what a file holds, and which of several is meant."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QLineEdit, QSpinBox
from pytestqt.qtbot import QtBot

from app import __version__, paths
from app.services.chain.rules import Verdict
from app.services.chain.verify.report import Report
from app.services.files.describe import Common, OpenedFile
from app.services.files.find import Candidate
from app.services.files.opening import open_database
from app.services.files.restoring import Offer, Prepared
from app.settings import Settings
from app.ui.shell.dialogs import (
    AboutDialog,
    ChooseDatabaseDialog,
    DatabaseInfoDialog,
    NotesDialog,
    PreferencesDialog,
    RestoreDialog,
    ShortcutsDialog,
)
from app.ui.theme import DARK, Mode, Theme
from app.ui.widgets.dialogs import ConfirmDialog
from models.local.database import LocalDatabase
from tests.conftest import NOW
from tests.fixtures.processes import set_elsewhere
from tests.fixtures.window import added, child, texts, value_of

DAY = 86_400


def test_about_names_versions_and_licences(qtbot: QtBot, theme: Theme) -> None:
    dialog = added(qtbot, AboutDialog(theme))
    dialog.open()
    licences = {row[0]: row[2] for row in texts(dialog.table)}
    assert licences["PySide6"] == licences["Qt"] == "LGPL 3"
    assert licences["Peewee"] == licences["Phosphor Icons"] == "MIT licence"
    assert {"SQLite", "APSW", "Python"} <= licences.keys()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith(f"Tenant Admin {__version__}\n") and "SQLite 3." in copied and "Qt 6." in copied
    dialog.close_button.setFocus()
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def info_of(path: Path) -> OpenedFile:
    opened = open_database(path)
    with opened.database.connection_context():
        return opened.with_counts()


def test_info_of_a_file_as_it_should_be(qtbot: QtBot, theme: Theme, database_path: Path) -> None:
    dialog = added(qtbot, DatabaseInfoDialog(theme, info_of(database_path)))
    dialog.open()
    assert value_of(dialog.fields, "File") == "foundation.sqlite"
    assert value_of(dialog.fields, "Access") == "Can be written"
    assert value_of(dialog.fields, "Tenants") == "0 tenants"
    assert {row[2] for row in texts(dialog.table)} == {"As expected"} and len(texts(dialog.table)) == 7
    assert value_of(dialog.verdicts, "Schema") == "Every expected table and column is there"
    assert value_of(dialog.verdicts, "Applied").startswith("0000_initial.sql, ")
    assert value_of(dialog.verdicts, "Pending") == "None"
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text().startswith(f"{database_path}: ")


def test_info_names_every_difference(qtbot: QtBot, theme: Theme, database: LocalDatabase) -> None:
    connection = database.connection()
    connection.execute("CREATE TABLE sessions (id TEXT)")
    connection.execute("INSERT INTO sessions VALUES ('one')")
    connection.execute("ALTER TABLE users ADD COLUMN shoe_size TEXT")
    connection.execute("ALTER TABLE notifications DROP COLUMN metadata")
    connection.execute("DROP TABLE planning_parked_ideas")
    connection.execute("DELETE FROM d1_migrations WHERE name LIKE '0002%'")
    connection.execute("INSERT INTO d1_migrations (name) VALUES ('0099_unheard_of.sql')")
    connection.execute("CREATE TRIGGER spy AFTER INSERT ON users BEGIN SELECT 1; END")
    dialog = added(qtbot, DatabaseInfoDialog(theme, info_of(database.path)))
    dialog.open()
    rows = {row[0]: row[1:] for row in texts(dialog.table)}
    assert rows["sessions"] == ["1", "Not known here"]
    assert rows["users"] == ["0", "Also has shoe_size"]
    assert rows["notifications"] == ["0", "Lacks metadata"]
    assert rows["planning_parked_ideas"] == ["—", "Missing"]
    assert value_of(dialog.verdicts, "Schema") == "Missing: 1 table and 1 column"
    assert "trigger spy" in value_of(dialog.verdicts, "Warning")
    assert value_of(dialog.verdicts, "Pending") == "0002_notifications.sql"
    assert value_of(dialog.verdicts, "Unknown").startswith("0099_unheard_of.sql")
    assert value_of(dialog.fields, "Access").startswith("Read-only, because it holds trigger spy")


# preferences


def choose(qtbot: QtBot, box: object, key: Qt.Key) -> None:
    assert isinstance(box, QComboBox)
    qtbot.keyClick(box, key)


def test_the_keys_that_scroll_do_it_in_a_list_too_that_has_more_than_there_is_room_for(
    qtbot: QtBot, theme: Theme
) -> None:
    keys = [("Everywhere", f"Ctrl+{number}", "Something") for number in range(200)]
    dialog = added(qtbot, ShortcutsDialog(theme, keys))
    with qtbot.waitExposed(dialog):
        dialog.show()
    dialog.close_button.setFocus()
    bar = dialog.table.verticalScrollBar()
    assert bar.value() == 0 < bar.maximum()
    qtbot.keyClick(dialog.close_button, Qt.Key.Key_PageDown)
    assert bar.value() > 0
    qtbot.keyClick(dialog.close_button, Qt.Key.Key_End)
    assert bar.value() == bar.maximum()


def test_a_theme_is_shown_at_once_and_taken_back(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = added(qtbot, PreferencesDialog(theme, settings))
    dialog.open()
    choose(qtbot, dialog.editor("theme"), Qt.Key.Key_Down)
    assert (theme.mode, theme.tokens) == (Mode.DARK, DARK)
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    with qtbot.waitSignal(dialog.rejected, timeout=0):
        child(dialog, ConfirmDialog).confirm_button.click()
    assert theme.mode is Mode.LIGHT and settings.theme == "system"


def test_preferences_are_kept(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = added(qtbot, PreferencesDialog(theme, settings))
    dialog.open()
    assert dialog._scroll.verticalScrollBar().maximum() == 0, "a screen of 800 pixels shows all of it"
    choose(qtbot, dialog.editor("theme"), Qt.Key.Key_Down)
    choose(qtbot, dialog.editor("utc_times"), Qt.Key.Key_Down)
    qtbot.keyClicks(dialog.editor("actor"), "  Ada L. ")
    days = dialog.editor("retention_days")
    assert isinstance(days, QSpinBox) and days.text() == "90 days"
    days.selectAll()
    qtbot.keyClicks(days, "30")
    qtbot.mouseClick(
        dialog.editor("confirm_deletion"),
        Qt.MouseButton.LeftButton,
        pos=dialog.editor("confirm_deletion").rect().center(),
    )
    here = dialog.editor("webhooks_here")
    here.setFocus()
    qtbot.keyClick(here, Qt.Key.Key_Space)
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    again = Settings()
    assert again.webhooks_here
    assert (again.theme, again.utc_times, again.actor) == ("dark", True, "Ada L.")
    assert (again.retention_days, again.confirm_deletion) == (30, True)
    assert theme.mode is Mode.DARK


def test_preferences_saved_in_another_window_stay(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    dialog = added(qtbot, PreferencesDialog(theme, settings))
    dialog.open()
    set_elsewhere(settings, "settings.actor, settings.confirm_deletion = 'Zed', True")
    days = dialog.editor("retention_days")
    assert isinstance(days, QSpinBox)
    days.selectAll()
    qtbot.keyClicks(days, "100")
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
    assert (settings.actor, settings.confirm_deletion, settings.retention_days) == ("Zed", True, 100)
    set_elsewhere(settings, "settings.retention_days = 60")
    dialog = added(qtbot, PreferencesDialog(theme, settings))
    days = dialog.editor("retention_days")
    assert isinstance(days, QSpinBox) and days.value() == 60


def test_an_empty_name_is_that_of_the_system(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    settings.actor = "Ada"
    dialog = added(qtbot, PreferencesDialog(theme, settings))
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
    dialog = added(qtbot, PreferencesDialog(theme, settings))
    dialog.open()
    name = dialog.editor("actor")
    assert isinstance(name, QLineEdit)
    name.insert("ops\u202egnp")
    qtbot.keyClick(name, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert name.accessibleDescription() == "Your name holds characters that cannot be seen; type it again."
    assert settings.actor == paths.os_user()


def test_preferences_that_cannot_be_written_say_so(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("")
    dialog = added(qtbot, PreferencesDialog(theme, Settings(in_the_way)))
    dialog.open()
    choose(qtbot, dialog.editor("utc_times"), Qt.Key.Key_Down)
    qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    assert dialog.isVisible()
    assert "cannot be written" in dialog.problem.text() and str(in_the_way) in dialog.problem.text()


# which of several


def candidates(folder: Path) -> list[Candidate]:
    here, older = (folder / ".wrangler" / "state" / name for name in ("v3/d1", "d1"))
    gateway = ("users", "audit_chain")
    return [
        Candidate(here / f"{'3f' * 32}.sqlite", gateway, 184_220, 12, NOW - 300, "foundation-primary"),
        Candidate(older / f"{'a0' * 32}.sqlite", ("planning_runs",), 2, 1, NOW - 8 * DAY),
    ]


def test_a_database_is_chosen_by_what_it_holds(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = added(qtbot, ChooseDatabaseDialog(theme, candidates(tmp_path), NOW))
    dialog.open()
    first, second = texts(dialog.table)
    assert first[:2] == ["Gateway", "foundation-primary"]
    assert second[:2] == ["Planning, older layout", "—"]
    assert first[3:] == ["12", "184,220", "5 min ago"]
    assert second[3:] == ["1", "2", "8 d ago"]
    assert "…" in first[2] and first[2].endswith(".sqlite") and len(first[2]) < 40
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
        assert dialog.path.text().endswith(f"{'a0' * 32}.sqlite")
        qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    assert dialog.candidate() == candidates(tmp_path)[1]
    assert not dialog.isVisible()


def test_what_has_no_room_beside_a_database_is_said_below(
    qtbot: QtBot, theme: Theme, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.dialogs._FOR_ALL", 10_000)
    dialog = added(qtbot, ChooseDatabaseDialog(theme, candidates(tmp_path), NOW))
    dialog.open()
    dialog.resize(592, dialog.height())
    assert texts(dialog.table)[0] == ["Gateway", "foundation-primary", "184,220", "5 min ago"]
    assert dialog.table.horizontalScrollBar().maximum() == 0
    assert dialog.path.text().endswith(f"{'3f' * 32}.sqlite")


def test_notes_are_as_high_as_they_are(qtbot: QtBot, theme: Theme) -> None:
    few = added(qtbot, NotesDialog(theme, "Exported", "Not all of it:", ["left out: the table songs"]))
    many = added(qtbot, NotesDialog(theme, "Exported", "Not all of it:", [f"note {n}" for n in range(40)]))
    for dialog in (few, many):
        dialog.open()
    assert few.text.height() < 60 and many.text.height() >= 120
    assert not few.text.verticalScrollBar().isVisible()
    assert many.text.toPlainText().startswith("note 0\n\nnote 1\n")


def test_a_table_does_not_scroll_within_words_that_do(
    qtbot: QtBot, theme: Theme, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.dialogs._BESIDE_COMPONENTS", 10_000)  # a screen has no room for it
    monkeypatch.setattr(AboutDialog, "_room", QSize(640, 352))
    dialog = added(qtbot, AboutDialog(theme))
    dialog.open()
    assert dialog.table.verticalScrollBar().maximum() == 0 < dialog._scroll.verticalScrollBar().maximum()


def test_sorting_keeps_the_choice(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = added(qtbot, ChooseDatabaseDialog(theme, candidates(tmp_path), NOW))
    dialog.open()
    dialog.table.sortByColumn(4, Qt.SortOrder.AscendingOrder)
    assert [row[4] for row in texts(dialog.table)] == ["2", "184,220"]
    assert dialog.candidate() == candidates(tmp_path)[0]
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert dialog.candidate() == candidates(tmp_path)[0]


def test_choosing_none(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = added(qtbot, ChooseDatabaseDialog(theme, candidates(tmp_path), NOW))
    dialog.open()
    with qtbot.assertNotEmitted(dialog.accepted), qtbot.waitSignal(dialog.rejected, timeout=0):
        qtbot.keyClick(dialog.table, Qt.Key.Key_Escape)


def test_a_restore_says_of_each_table_what_it_changes_or_that_nobody_looked(
    qtbot: QtBot, theme: Theme
) -> None:
    now = {
        "users": 5,
        "webhook_destinations": 3,
        "notifications": 4,
        "teams": 7,
        "notes": 2,
        "planning_runs": 0,
        "drafts": 0,
    }
    then = {
        "users": 6,
        "webhook_destinations": 3,
        "notifications": 4,
        "notes": 9,
        "planning_runs": 1,
        "labels": 0,
    }
    common = {"users": Common(4, 1), "webhook_destinations": Common(3, 0)}
    prepared = Prepared(Path("copy"), Path("old.sqlite"), [], now, then, common=common)
    nothing = Report(Verdict.CONSISTENT, 0, 0.0, (), (), {})
    box = added(qtbot, RestoreDialog(theme, Offer(prepared, nothing, None), Path("x.sqlite")))
    assert {row[0]: row[3] for row in texts(box.tables)} == {
        "Users": "+2, −1, 1 differs",
        "Webhooks": "the same",
        "Notifications": "not compared",
        "Planning runs": "+1",
        "notes": "+7, not compared",
        "teams": "−7, the table goes",
        "drafts": "the table goes",
        "labels": "the table comes",
    }
