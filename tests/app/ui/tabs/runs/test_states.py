"""Every status of a run with every act, as the window offers them, on one run and on several."""

from typing import Any

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.session.context import Context
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.reasons import ReasonDialog
from app.ui.tabs.runs.run_acts import ACTS, RunAct
from models.status import RunStatus
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.run_states import ANY_STATUS, LEGAL
from tests.fixtures.window import ask, dialog

STATUSES = list(LEGAL)
pytestmark = pytest.mark.slow


@pytest.fixture
def tab(show_tab: ShowTab, context: Context) -> RunsTab:
    """Two runs of each status, one below the other."""
    path = context.opened.path
    ((made,),) = ask(path, "SELECT sql FROM sqlite_master WHERE name = 'planning_runs'")
    ask(path, f"PRAGMA foreign_keys = OFF; DROP TABLE planning_runs; {made.replace(*ANY_STATUS)}")
    for number, sql in enumerate(status for status in STATUSES for _ in range(2)):
        ask(
            path,
            "INSERT INTO planning_runs (id, idea, status, kill_verdict, created_at, updated_at)"
            f" VALUES (?, 'An idea', {sql}, 'proceed', ?, ?)",
            f"{number:02}", NOW - number, NOW,
        )  # fmt: skip
    return show_tab(RunsTab)


def stored(context: Context) -> list[tuple[Any, ...]]:
    status = "iif(typeof(status) = 'text', hex(status), quote(status))"
    return ask(context.opened.path, f"SELECT {status}, kill_verdict FROM planning_runs ORDER BY id")


def applies(act: RunAct, sql: str) -> bool:
    return sql == "'deleted'" if act.status is None else act.status in LEGAL[sql]


def do(tab: RunsTab, context: Context, qtbot: QtBot, act: RunAct) -> None:
    with qtbot.waitSignal(context.runner.changed):
        tab.commands.trigger(act.name)
        if tab._asks(act, tab.list.selected_count()):
            question = dialog(qtbot, tab, ReasonDialog)
            assert question.confirm_button.isEnabled() is (act.name != "kill")
            qtbot.keyClicks(question.field, "why not")
            qtbot.mouseClick(question.confirm_button, Qt.MouseButton.LeftButton)


@pytest.mark.parametrize("count", [1, 2])
def test_every_status_with_every_act(tab: RunsTab, context: Context, qtbot: QtBot, count: int) -> None:
    before = stored(context)
    for number, sql in enumerate(STATUSES):
        for act in ACTS:
            tab.table.select_ranges([range(2 * number, 2 * number + count)], 2 * number)
            action = tab.commands.action(act.name)
            if not applies(act, sql):
                qtbot.waitUntil(lambda action=action: not action.isEnabled())  # type: ignore[misc]
                assert "." in action.toolTip(), (sql, act.name)
                continue
            qtbot.waitUntil(action.isEnabled)
            do(tab, context, qtbot, act)
            found = stored(context)
            changed = [row for row, other in zip(found, before, strict=True) if row != other]
            status = RunStatus.PAUSED if act.status is None else act.status
            verdict = "why not" if status is RunStatus.KILLED else "proceed"
            assert changed == [(status.encode().hex().upper(), verdict)] * count, (sql, act.name)
            with qtbot.waitSignal(context.runner.changed):
                context.history.undo()
            assert stored(context) == before


def test_a_question_says_what_comes_of_it_and_takes_a_reason_that_can_be_read(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    said = {"pause": "waits for approval.", "complete": "is not told, and may go on.", "delete": "90 days."}
    context.settings.confirm_deletion = True
    for name, words in said.items():
        tab.table.select_row(0)
        tab.commands.trigger(name)
        question = dialog(qtbot, tab, ReasonDialog)
        assert words in question.sentence.text() and question.sentence.text().endswith("Undo takes it back.")
        assert question.confirm_button.isDefault() is (name != "delete")
        question.field.setText("x" * 301)
        assert not question.confirm_button.isEnabled()
        question.field.setText("because")
        assert question.confirm_button.isDefault() and question.confirm_button.isEnabled()
        with qtbot.waitSignal(question.finished):
            question.reject()
    assert stored(context)[0] == (b"running".hex().upper(), "proceed")
