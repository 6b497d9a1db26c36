"""One of several databases of wrangler is chosen."""

from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.files.find import Candidate
from app.ui.shell.choose_database import ChooseDatabaseDialog
from app.ui.theme import Theme
from tests.conftest import NOW
from tests.fixtures.window import texts

DAY = 86_400


def candidates(folder: Path) -> list[Candidate]:
    return [
        Candidate(folder / f"{'3f' * 32}.sqlite", ("users", "audit_chain"), 184_220, 12, NOW - 300),
        Candidate(folder / f"{'a0' * 32}.sqlite", ("users",), 2, 1, NOW - 8 * DAY),
    ]


def test_a_database_is_chosen_by_what_it_holds(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = ChooseDatabaseDialog(theme, candidates(tmp_path), NOW)
    qtbot.addWidget(dialog)
    dialog.open()
    first, second = texts(dialog.table)
    assert first[1:] == ["2", "12", "184,220", "5 min ago"]
    assert second[1:] == ["1", "1", "2", "8 d ago"]
    assert "…" in first[0] and first[0].endswith(".sqlite") and len(first[0]) < 40
    with qtbot.waitSignal(dialog.chosen, timeout=0) as chosen:
        qtbot.keyClick(dialog.table, Qt.Key.Key_Down)
        assert dialog.path.text().endswith(f"{'a0' * 32}.sqlite")
        qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    assert chosen.args == [candidates(tmp_path)[1]]
    assert not dialog.isVisible()


def test_sorting_keeps_the_choice(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = ChooseDatabaseDialog(theme, candidates(tmp_path), NOW)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.table.sortByColumn(3, Qt.SortOrder.AscendingOrder)
    assert [row[3] for row in texts(dialog.table)] == ["2", "184,220"]
    assert dialog.candidate() == candidates(tmp_path)[0]
    with qtbot.waitSignal(dialog.chosen, timeout=0) as chosen:
        qtbot.mouseClick(dialog.open_button, Qt.MouseButton.LeftButton)
    assert chosen.args == [candidates(tmp_path)[0]]


def test_choosing_none(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = ChooseDatabaseDialog(theme, candidates(tmp_path), NOW)
    qtbot.addWidget(dialog)
    dialog.open()
    with qtbot.assertNotEmitted(dialog.chosen), qtbot.waitSignal(dialog.rejected, timeout=0):
        qtbot.keyClick(dialog.table, Qt.Key.Key_Escape)
