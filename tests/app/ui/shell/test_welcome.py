"""The first page: what can be done without a file."""

from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.ui.shell.welcome import SHOWN, WelcomePage
from app.ui.theme import DARK, Mode, Theme


def button(page: WelcomePage, words: str) -> QPushButton:
    found = [one for one in page.findChildren(QPushButton) if one.text().replace("&", "").startswith(words)]
    assert len(found) == 1, words
    return found[0]


def shown(qtbot: QtBot, theme: Theme) -> WelcomePage:
    page = WelcomePage(theme)
    qtbot.addWidget(page)
    page.resize(1000, 700)
    page.show()
    return page


def test_each_way_to_begin(qtbot: QtBot, theme: Theme) -> None:
    page = shown(qtbot, theme)
    for words, signal in (
        ("Open a database", page.open_file),
        ("Open a wrangler project", page.open_folder),
        ("Create a new database", page.create_file),
        ("Import a D1 export", page.import_dump),
        ("Explore sample data", page.demo),
    ):
        with qtbot.waitSignal(signal, timeout=0):
            qtbot.mouseClick(button(page, words), Qt.MouseButton.LeftButton)
        with qtbot.waitSignal(signal, timeout=0):
            qtbot.keyClick(button(page, words), Qt.Key.Key_Space)


def test_a_recent_file_is_opened_again(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    page = shown(qtbot, theme)
    there = tmp_path / "there.sqlite"
    there.write_text("")
    gone = tmp_path / "gone.sqlite"
    page.set_recent([there, gone])
    with qtbot.waitSignal(page.recent, timeout=0) as opened:
        qtbot.mouseClick(button(page, "there.sqlite"), Qt.MouseButton.LeftButton)
    assert opened.args == [there]
    assert not button(page, "gone.sqlite").isEnabled()
    assert any(label.text() == "no longer there" for label in page.findChildren(QLabel))


def test_recent_files_are_few_and_replaced(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    page = shown(qtbot, theme)
    page.set_recent([tmp_path / f"{number}.sqlite" for number in range(SHOWN + 3)])
    rows = [one for one in page.findChildren(QPushButton) if one.text().endswith(".sqlite")]
    assert len(rows) == SHOWN
    page.set_recent([])
    qtbot.waitUntil(lambda: not [b for b in page.findChildren(QPushButton) if b.text().endswith(".sqlite")])
    titles = [label for label in page.findChildren(QLabel) if label.text() == "Recent files"]
    assert not titles[0].isVisible()


def test_a_page_that_is_gone_does_not_follow_the_theme(qtbot: QtBot, theme: Theme) -> None:
    page = WelcomePage(theme)
    with qtbot.waitSignal(page.destroyed):
        page.deleteLater()
    theme.set_mode(Mode.DARK)
    assert theme.tokens is DARK
