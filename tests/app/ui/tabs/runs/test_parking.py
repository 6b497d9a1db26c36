"""Ideas are parked, looked at again, and become runs, as a person does it."""

from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Role, Tone
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import LinesEditor
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.parked import ParkedIdeas
from app.ui.widgets.form_dialog import FormDialog
from models.status import DAY
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import ask, dialog, labels

pytestmark = pytest.mark.slow


def ideas(path: Path, what: str = "idea") -> set[tuple[Any, ...]]:
    return set(ask(path, f"SELECT {what} FROM planning_parked_ideas"))


def fill(form: FormDialog, **texts: str) -> None:
    for name, text in texts.items():
        editor = form.editor(name)
        if isinstance(editor, LinesEditor):
            editor.setPlainText(text)
        else:
            assert isinstance(editor, QLineEdit)
            editor.setText(text)


def submit(qtbot: QtBot, context: Context, form: FormDialog) -> None:
    with qtbot.waitSignals([context.runner.changed, form.finished]):
        qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)


def choose(tab: Any, qtbot: QtBot, row: int) -> None:
    tab.table.select_row(row)
    wanted = tab.model.record_id(row)
    qtbot.waitUntil(lambda: tab.current.whole() is not None and tab.list.current_id() == wanted)


def whole(tab: RunsTab | ParkedIdeas) -> Any:
    found = tab.current.whole()
    assert found is not None
    return found


@pytest.fixture
def tab(show_tab: ShowTab, context: Context, qtbot: QtBot) -> RunsTab:
    """Two of nine parked ideas are due."""
    ask(context.opened.path, "UPDATE planning_parked_ideas SET revisit_estimate_months = 30")
    some = "SELECT id FROM planning_parked_ideas ORDER BY created_at DESC LIMIT 2"
    due = "UPDATE planning_parked_ideas SET revisit_estimate_months = 1, created_at = ? WHERE id IN"
    ask(context.opened.path, f"{due} ({some})", NOW - 60 * DAY)
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  9 · 2 due")
    return tab


def test_what_is_selected_leaves_the_dialog_as_large_as_it_is(tab: RunsTab, qtbot: QtBot) -> None:
    page = opened(tab, qtbot)
    assert tab._parked is not None
    before = tab._parked.size()
    page.fold(folded=False)
    page.table.select_row(0)
    qtbot.waitUntil(page.fields.isVisible)
    assert tab._parked.size() == before
    page.table.select_ranges([range(9)], 0)
    qtbot.waitUntil(lambda: page.many is not None and any("after " in words for words in labels(page.many)))
    assert not page.commands.action("open_run").isEnabled(), "of several, as its keys say"


def opened(tab: RunsTab, qtbot: QtBot) -> ParkedIdeas:
    tab.open_parked_ideas()
    assert tab._parked is not None
    page = tab._parked.page
    assert tab._parked.focusWidget() is page.table
    qtbot.waitUntil(
        lambda: page.model.rowCount() == 9 and "Due 2" in [b.text() for b in page.chips.buttons()]
    )
    return page


def test_a_run_s_idea_is_parked_and_a_run_of_it_is_begun(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    path = context.opened.path
    choose(tab, qtbot, 0)
    run = whole(tab).run
    tab.commands.trigger("park")
    form = dialog(qtbot, tab, FormDialog)
    assert form.values()["idea"] == run.text("idea").strip()
    fill(form, reason="No season", revisit_estimate_months="many")
    qtbot.keyClick(form.editor("reason"), Qt.Key.Key_Return, Qt.KeyboardModifier.ControlModifier)
    assert form.isVisible(), "months are a number"
    assert form.values()["reason"] == "No season" and not form.problem.isVisible()
    fill(form, revisit_estimate_months="6")
    submit(qtbot, context, form)
    what = "run_id, source_phase, reason, revisit_estimate_months"
    assert (run["id"], run["current_phase"], "No season", 6) in ideas(path, what)
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  10 · 2 due")
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  9 · 2 due")
    before = tab.model.rowCount()
    tab.commands.trigger("copy_run")
    form = dialog(qtbot, tab, FormDialog)
    mode = form.editor("mode")
    assert isinstance(mode, QComboBox) and mode.currentText() == run.text("mode") != ""
    fill(form, idea="The same again")
    status = form.editor("status")
    assert isinstance(status, QComboBox)
    status.setCurrentIndex(1)
    submit(qtbot, context, form)
    sql = "SELECT status, refined_idea FROM planning_runs WHERE idea = 'The same again'"
    assert ask(path, sql) == [("running", run["refined_idea"])]
    qtbot.waitUntil(lambda: tab.model.rowCount() == before + 1)
    qtbot.waitUntil(lambda: tab.inspector.title.text() == "The same again")
    tab.commands.trigger("create")
    form = dialog(qtbot, tab, FormDialog)
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    assert form.isVisible(), "it has no idea"
    fill(form, idea="Quite new")
    submit(qtbot, context, form)
    assert ask(path, "SELECT status FROM planning_runs WHERE idea = 'Quite new'") == [("paused",)]


def test_ideas_that_are_due_stand_out_and_become_runs(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    path = context.opened.path
    page = opened(tab, qtbot)
    column = page.model.column_of("revisit_estimate_months")
    due = [row for row in range(9) if "due " in page.model.index(row, column).data()]
    assert len(due) == 2
    assert {page.model.index(row, column).data(Role.TONE) for row in due} == {Tone.WARN}
    page.chips.buttons()[1].click()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    choose(page, qtbot, 0)
    idea = whole(page).record
    page.commands.trigger("promote")
    form = dialog(qtbot, page, FormDialog)
    assert "no longer parked" in form.sentence.text() and "no workflow begins" in form.sentence.text()
    ask(path, "UPDATE planning_parked_ideas SET reason = 'The board said no' WHERE id = ?", idea["id"])
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "by somebody else in the meantime" in form.problem.text())
    assert "(Reason)" in form.problem.text() and (idea["id"],) in ideas(path, "id"), (
        "nothing of theirs is lost"
    )
    ask(path, "UPDATE planning_parked_ideas SET reason = ? WHERE id = ?", idea["reason"], idea["id"])
    submit(qtbot, context, form)
    assert ask(path, "SELECT count(*) FROM planning_runs WHERE created_at = ?", NOW) == [(1,)]
    assert (idea["id"],) not in ideas(path, "id")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  8 · 1 due")
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    assert (idea["id"],) in ideas(path, "id")
    assert ask(path, "SELECT count(*) FROM planning_runs WHERE created_at = ?", NOW) == [(0,)]


def test_ideas_are_written_changed_and_deleted(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    path = context.opened.path
    page = opened(tab, qtbot)
    page.commands.trigger("create")
    form = dialog(qtbot, page, FormDialog)
    fill(form, idea="A ferry for bees", revisit_estimate_note="after June")
    submit(qtbot, context, form)
    qtbot.waitUntil(lambda: page.model.rowCount() == 10)
    qtbot.waitUntil(lambda: page.inspector.title.text() == "A ferry for bees")
    page.commands.trigger("edit")
    form = dialog(qtbot, page, FormDialog)
    ask(path, "UPDATE planning_parked_ideas SET idea = 'Another' WHERE idea = 'A ferry for bees'")
    fill(form, idea="A ferry for wasps")
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "changed by somebody else" in form.problem.text())
    with qtbot.waitSignal(page.list.loaded):
        qtbot.mouseClick(form.read_again_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: page.inspector.title.text() == "Another")
    page.commands.trigger("edit")
    form = [one for one in page.findChildren(FormDialog) if one.isVisible()][-1]
    fill(form, reason="Bees swim", revisit_estimate_months="0")
    submit(qtbot, context, form)
    assert ("Another", "Bees swim", 0) in ideas(path, "idea, reason, revisit_estimate_months")
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  10 · 3 due")
    qtbot.waitUntil(page.commands.action("delete").isEnabled)
    with qtbot.waitSignal(context.runner.changed):
        page.commands.trigger("delete")
    assert ("Another",) not in ideas(path)
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    assert ("Another",) in ideas(path)
