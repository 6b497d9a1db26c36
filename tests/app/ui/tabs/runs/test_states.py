"""Every status of a run with every act, as the window offers them, on one run and on several."""

import pytest
from pytestqt.qtbot import QtBot

from app.ui.session.context import Context
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.run_acts import ReasonDialog, consequence
from models.status import RunStatus
from tests.app.ui.conftest import ShowTab
from tests.fixtures import run_acts
from tests.fixtures.window import dialog

pytestmark = pytest.mark.slow


@pytest.fixture
def tab(show_tab: ShowTab, context: Context) -> RunsTab:
    run_acts.put(context.opened.path)
    return show_tab(RunsTab)


@pytest.mark.matrix(each=2)  # by default several are tried on a live database
@pytest.mark.parametrize("count", [1, 2])
def test_every_status_with_every_act(tab: RunsTab, context: Context, qtbot: QtBot, count: int) -> None:
    tab.resize(900, 400)  # fewer rows to paint, again and again
    assert len(run_acts.ALLOWED) == 29
    run_acts.try_each(qtbot, tab, context.opened.path, count)


def test_a_question_says_what_comes_of_it_and_takes_a_reason_that_can_be_read(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    said = {
        "pause": "waits for approval.",
        "complete": "is not told, and may go on.",
        "delete": "is not told, and may go on. It stays",
    }
    for name, words in said.items():
        tab.table.select_row(0)
        tab.commands.trigger(name)
        question = dialog(qtbot, tab, ReasonDialog)
        assert words in question.sentence.text() and question.sentence.text().endswith("Undo takes it back.")
        assert question.confirm_button.isDefault() is (name != "delete")
        hint = question.field.accessibleDescription()
        question.field.setText("x" * 301)
        assert not question.confirm_button.isEnabled()
        assert question.field.accessibleDescription().endswith("longer than 300 characters.")
        question.field.setText("because")
        assert question.field.accessibleDescription() == hint
        assert question.confirm_button.isDefault() and question.confirm_button.isEnabled()
        with qtbot.waitSignal(question.finished):
            question.reject()
    assert consequence(RunStatus.DELETED, 90, at_work=False).endswith("deleted for 90 days.")
    assert run_acts.stored(context.opened.path)[0] == (b"running".hex().upper(), "proceed")
