"""The single keys of a tab's acts, wherever in the tab the focus is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QComboBox, QLineEdit, QPlainTextEdit, QTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.runs import RunsTab
from app.ui.widgets.actions import Actions
from tests.fixtures.keyboard import described, focusable
from tests.fixtures.window import choose, go, is_settled, open_file, press

_TEXT = (QLineEdit, QPlainTextEdit, QTextEdit)


@contextmanager
def answers(commands: Actions) -> Iterator[list[str]]:
    """What the acts of a tab are asked for and why they refuse; nothing is done."""
    told: list[str] = []
    specs = dict(commands._specs)

    def seen(sentence: str) -> None:
        told.append(sentence)

    for name, spec in specs.items():
        commands._specs[name] = replace(spec, run=partial(told.append, name))
    commands.refused.connect(seen)
    commands.unseen.connect(seen)
    yield told
    commands.refused.disconnect(seen)
    commands.unseen.disconnect(seen)
    commands._specs |= specs


def unanswered(page: RecordTab, within: QWidget) -> list[str]:
    """Where and which of its single keys do nothing and say nothing; fields keep what is typed for
    themselves, and pick lists choose by letters.
    """
    specs = [spec for spec in page.commands._specs.values() if spec.is_letter or spec.shortcut == "Del"]
    keys, of_table = {spec.shortcut for spec in specs}, {spec.shortcut for spec in specs if spec.of_table}
    dead = []

    def is_list(part: QWidget) -> bool:
        return part is page.table or page.table.isAncestorOf(part)

    with answers(page.commands) as told:
        for part in list(focusable(within)):
            if isinstance(part, (*_TEXT, QComboBox)):
                continue
            _, own = part.own_keys() if hasattr(part, "own_keys") else ("", ())
            without = {key for of, _ in own for key in of} | (of_table if is_list(part) else set())
            for key in sorted(keys - without):
                part.setFocus()
                if QApplication.focusWidget() is not part:
                    continue
                told.clear()
                code = Qt.Key.Key_Delete if key == "Del" else Qt.Key(ord(key))
                QTest.keyClick(part, code)
                if not told:
                    dead.append(f"{key} in {described(part)} {part.accessibleName()!r}")
    return dead


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_single_keys_act_or_say_why_wherever_the_focus_is(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    if isinstance(page, NotificationsTab):
        page.commands.trigger("groups")
    qtbot.waitUntil(lambda: is_settled(window))
    assert unanswered(page, window) == []


@pytest.mark.slow
def test_so_they_do_in_an_opened_run(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    assert isinstance(page, RunsTab)
    choose(qtbot, page, 0)
    page.open_page()
    run = page.opener.page
    assert run is not None
    qtbot.waitUntil(lambda: run.story is not None and is_settled(window))
    assert unanswered(page, window) == []
    run.take_focus()
    for keys in ("F4", "Ctrl+Shift+X", "Ctrl+Shift+V", "Ctrl+J"):
        window.toast.label.setText("")
        press(keys)
        assert window.toast.label.text().startswith("The opened run is in the place of the list"), keys
    assert not page._master_detail.is_folded
    press("Escape")
    press("F4")
    assert page._master_detail.is_folded
