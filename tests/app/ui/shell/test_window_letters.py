"""The single keys of a tab's acts, wherever in the tab the focus is."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QLineEdit,
    QPlainTextEdit,
    QTextEdit,
    QVBoxLayout,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.services.files.restoring import Restored
from app.ui.shell.notices import Notice, RestoredNotice
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.runs import RunsTab
from app.ui.theme import Tone
from app.ui.widgets.actions import Actions
from tests.fixtures.keyboard import described, focusable
from tests.fixtures.window import button, child, choose, current, go, is_settled, open_file, press

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


def misled(page: RecordTab, window: MainWindow) -> tuple[list[str], list[QWidget]]:
    """Where Escape does not lead to the rows, or a letter does not act there, though it is said to; and
    all parts where that is said.
    """
    letters = {spec.shortcut: name for name, spec in page.commands._specs.items() if spec.is_letter}
    dead, told_in = [], list[QWidget]()
    with answers(page.commands) as told:
        for part in list(focusable(window)):
            for key, act in letters.items():
                part.setFocus()
                if isinstance(part, _TEXT) or QApplication.focusWidget() is not part:
                    continue
                told.clear()
                QTest.keyClick(part, Qt.Key(ord(key)))
                if not any(sentence.endswith("Esc leads there.") for sentence in told):
                    press("Escape")  # closes what a letter may have opened
                    continue
                told_in.append(part)
                for _ in range(2):
                    if not page.table.hasFocus():
                        press("Escape")
                told.clear()
                press(key)
                is_own = act in page.commands.of_tables()  # which the table does by itself
                answer = [] if is_own else [page.commands.refusal(act) or act]
                if not page.table.hasFocus() or list(dict.fromkeys(told)) != answer:
                    dead.append(f"{act} from {described(part)} {part.accessibleName()!r}: {told}")
    return dead, told_in


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_escape_leads_to_the_rows_wherever_that_is_said(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    copy = demo_path.with_name("before.sqlite")
    copy.write_bytes(demo_path.read_bytes())
    open_file(qtbot, window, demo_path, restored=Restored(copy, 3))
    assert window.workspace is not None
    notice = Notice(window.theme, window.workspace)
    above = notice.add_button("Dismiss", notice.hide)
    notice.banner.show_verdict(Tone.WARN, "Something is so", "", "")
    layout = window.workspace.layout()
    assert isinstance(layout, QVBoxLayout)
    layout.insertWidget(0, notice)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: is_settled(window))
    dead, told_in = misled(page, window)
    assert dead == []
    if any(spec.is_letter for spec in page.commands._specs.values()):
        below = button(child(window.workspace, RestoredNotice), "Way back…")
        assert {above, below, window.shield, window._bar.database_button} <= set(told_in)
    assert notice.isVisible(), "Escape did no more than lead on"


@pytest.mark.slow
def test_escape_leads_to_the_rows_first_and_then_back_to_what_led_there(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 3)
    for start in (window.shield, window._bar.database_button):
        choose(qtbot, page, 0)
        page.table.setFocus()
        press("O")
        runs = current(window)
        qtbot.waitUntil(lambda: bool(runs.list.current_id()))  # noqa: B023
        window.toast.dismiss()
        start.setFocus()
        press("Escape")
        assert current(window) is runs and runs is not page and runs.table.hasFocus()
        press("Escape")
        assert current(window) is page
        qtbot.waitUntil(page.table.hasFocus)
        press("Escape")
        assert current(window) is page and page.table.hasFocus(), "there is nothing more to lead to"


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
