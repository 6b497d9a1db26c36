"""What once went wrong with the tools we stand on; each of these may come back with an upgrade."""

import re
import sys
from pathlib import Path

import apsw
import PySide6
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from tests.fixtures.connected import connected
from tests.test_architecture import imports, sources

QT_MODULES = {"QtCore", "QtGui", "QtWidgets", "QtSvg"}
"""What the program may load of Qt: all LGPL, all packed. QtCharts and QtGraphs, for one, are GPL."""


def test_qt_does_not_lose_references_to_none(qtbot: QtBot) -> None:
    """PySide6 6.12.0 on Python 3.11 lost one at every void call and aborted after about 5,700."""
    label = QLabel()
    qtbot.addWidget(label)
    before = sys.getrefcount(None)
    for number in range(1000):
        label.setText(str(number))
    assert sys.getrefcount(None) > before - 100
    assert PySide6.__version_info__[:3] != (6, 12, 0)


def test_sqlite_is_the_one_we_chose(database_path: Path) -> None:
    """Before 3.51.3 two connections could corrupt a WAL file; the system's own SQLite is older."""
    version = tuple(int(part) for part in apsw.sqlite_lib_version().split("."))
    assert version >= (3, 51, 3)
    assert apsw.using_amalgamation
    with connected(database_path) as database:
        assert database.connection().execute("SELECT sqlite_version()").get == apsw.sqlite_lib_version()


@pytest.mark.parametrize("read_only", [False, True])
def test_a_connection_trusts_nothing_in_the_file(database_path: Path, read_only: bool) -> None:
    with connected(database_path, read_only=read_only) as database:
        connection = database.connection()
        assert connection.config(apsw.SQLITE_DBCONFIG_DEFENSIVE, -1) == 1
        assert connection.pragma("trusted_schema") == 0
        assert connection.pragma("cell_size_check") == 1
        assert connection.pragma("secure_delete") == 1
        assert connection.pragma("synchronous") == 2
        with pytest.raises(apsw.Error, match="not authorized"):
            connection.execute("SELECT load_extension('x')")


@pytest.mark.slow
def test_only_these_parts_of_qt_are_used() -> None:
    found = {
        name.split(".")[1]
        for path in sources("app")
        for name, _ in imports(path)
        if name.startswith("PySide6.")
    }
    assert found <= QT_MODULES


def test_a_possessive_group_is_atomic_within() -> None:
    """Python before 3.11.5, Debian 12's own, takes the place where a round has failed for the end of the last
    one: an import went on for ever. `(?:(?>x))*+` is right everywhere (gh-106052).
    """
    possessive = re.compile(r"(?<!\\)(.)\)(?:[*+?]|\{[\d,]+\})\+")
    wrong = [
        f"{path}:{number}"
        for path in sources("app", "models")
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if "_SAFE: Final" not in line and any(before != ")" for before in possessive.findall(line))
    ]
    assert not wrong
