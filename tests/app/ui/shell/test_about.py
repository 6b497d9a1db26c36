"""What the program is, and what the open file is."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.services.files.describe import OpenedFile, counted
from app.services.files.opening import open_database
from app.ui.shell.about import AboutDialog, DatabaseInfoDialog
from app.ui.theme import Theme
from models.local.database import LocalDatabase
from tests.fixtures.window import texts


def test_about_names_versions_and_licences(qtbot: QtBot, theme: Theme) -> None:
    dialog = AboutDialog(theme, "1.2.3")
    qtbot.addWidget(dialog)
    dialog.open()
    licences = {row[0]: row[2] for row in texts(dialog.table)}
    assert licences["PySide6"] == licences["Qt"] == "LGPL 3"
    assert licences["Peewee"] == licences["Phosphor Icons"] == "MIT licence"
    assert {"SQLite", "APSW", "Python"} <= licences.keys()
    qtbot.mouseClick(dialog.copy_button, Qt.MouseButton.LeftButton)
    copied = QGuiApplication.clipboard().text()
    assert copied.startswith("Tenant Admin 1.2.3\n") and "SQLite 3." in copied and "Qt 6." in copied
    dialog.close_button.setFocus()
    with qtbot.waitSignal(dialog.accepted, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def info_of(path: Path) -> OpenedFile:
    opened = open_database(path)
    with opened.database.connection_context():
        return counted(opened)


def test_info_of_a_file_as_it_should_be(qtbot: QtBot, theme: Theme, database_path: Path) -> None:
    dialog = DatabaseInfoDialog(theme, info_of(database_path))
    qtbot.addWidget(dialog)
    dialog.open()
    assert dialog.fields.value("File") == "foundation.sqlite"
    assert dialog.fields.value("Access") == "Can be written"
    assert dialog.fields.value("Tenants") == "0 tenants"
    assert {row[2] for row in texts(dialog.table)} == {"As expected"} and len(texts(dialog.table)) == 7
    assert dialog.verdicts.value("Schema") == "Every expected table and column is there"
    assert dialog.verdicts.value("Applied").startswith("0000_initial.sql, ")
    assert dialog.verdicts.value("Pending") == "None"
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
    dialog = DatabaseInfoDialog(theme, info_of(database.path))
    qtbot.addWidget(dialog)
    dialog.open()
    rows = {row[0]: row[1:] for row in texts(dialog.table)}
    assert rows["sessions"] == ["1", "Not the platform's"]
    assert rows["users"] == ["0", "also has shoe_size"]
    assert rows["notifications"] == ["0", "lacks metadata"]
    assert rows["planning_parked_ideas"] == ["—", "Missing"]
    assert dialog.verdicts.value("Schema") == "Missing: 1 table and 1 column"
    assert "trigger spy" in dialog.verdicts.value("Warning")
    assert dialog.verdicts.value("Pending") == "0002_notifications.sql"
    assert dialog.verdicts.value("Unknown").startswith("0099_unheard_of.sql")
    assert dialog.fields.value("Access").startswith("Read-only, because it holds trigger spy")
