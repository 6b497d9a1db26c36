"""The ready views of the list of runs, and why each is what it is, as a person sees them."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import TOOLTIP
from app.services.runs.run_views import Worth
from app.ui.session.context import Context
from app.ui.tabs.common.when_removed import LEAVES
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.ready import WHY, WorthDialog, key_of, view_words, worth_of
from models.status import DAY
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import ask, dialog, give_reason, value_of

HOUR = 3600


@pytest.fixture
def tab(show_tab: ShowTab, context: Context, qtbot: QtBot) -> RunsTab:
    """Two runs have stood still for two days, one of them but for an artifact."""
    path = context.opened.path
    ask(path, "UPDATE planning_runs SET updated_at = ? WHERE status = 'running'", NOW - HOUR)
    two = "SELECT id FROM planning_runs WHERE status = 'running' ORDER BY id LIMIT 2"
    old = "UPDATE planning_runs SET created_at = ?1, updated_at = ?1 WHERE id IN"
    ask(path, f"{old} ({two})", NOW - 2 * DAY)
    ask(path, f"UPDATE planning_artifacts SET created_at = ? WHERE run_id IN ({two})", NOW - 2 * DAY)
    one = f"SELECT min(id) FROM ({two})"
    into = "INSERT INTO planning_artifacts (id, run_id, phase, version, content, created_at)"
    ask(path, f"{into} VALUES ('new', ({one}), 'x', 1, 'y', ?)", NOW)
    ask(path, "UPDATE planning_runs SET updated_at = ? WHERE status = 'deleted'", NOW - 89 * DAY)
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: tab.ready._idle is not None)
    return tab


def shown(tab: RunsTab, column: str) -> list[str]:
    place = tab.model.column_of(column)
    return [tab.model.index(row, place).data() for row in range(tab.model.rowCount())]


@pytest.mark.slow
def test_what_stands_still_waits_or_leaves_is_shown_alone(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    total = tab.model.rowCount()
    counts = {choice.key: choice.count for choice in tab.ready._choices}
    for key, status in (("waiting", "paused"), ("deleted", "deleted")):
        assert counts[key] == shown(tab, "status").count(status) > 0
    assert counts["stuck:24"] == 1 and counts["stuck:168"] == 0 and (counts["stuck:1"] or 0) > 1
    tab.ready.pick("stuck:24")
    qtbot.waitUntil(lambda: tab.model.rowCount() == 1)
    stuck = tab.model.record_id(0)
    assert tab.own_filter() == "stuck:24" and tab.own_words("stuck:24") == "Stuck: nothing for a day"
    ask(context.opened.path, "UPDATE planning_artifacts SET created_at = ? WHERE run_id = ?", NOW, stuck)
    tab.reload()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 0)
    assert tab.empty_state.title.text() == "No match"
    tab.ready.pick("waiting")
    qtbot.waitUntil(lambda: set(shown(tab, "status")) == {"paused"})
    tab.ready.pick("deleted")
    qtbot.waitUntil(lambda: set(shown(tab, "status")) == {"deleted"})
    assert tab.chips.keys() == ("deleted",), "the statuses do not contradict the list"
    assert set(shown(tab, LEAVES)) == {"from 2026-11-19"}
    tip = tab.model.index(0, tab.model.column_of(LEAVES)).data(TOOLTIP)
    assert "It is old from 2026-11-19" in tip and "does not run by itself" in tip
    assert not tab.table.isColumnHidden(tab.model.column_of(LEAVES))
    tab.table.select_row(0)
    qtbot.waitUntil(lambda: tab.current.whole() is not None and not tab.inspector.empty.isVisible())
    assert value_of(tab.more_fields, "Removal").startswith("2026-11-19")
    tab.ready.pick("stuck:1")
    qtbot.waitUntil(lambda: set(shown(tab, "status")) == {"running"})
    assert tab.chips.keys() == (), "no run is both"
    tab.chips.buttons()[2].click()
    qtbot.waitUntil(lambda: set(shown(tab, "status")) == {"paused"})
    assert tab.own_filter() == ""
    tab.clear_filters()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)
    assert tab.own_filter() == "" and tab.table.isColumnHidden(tab.model.column_of(LEAVES))
    assert set(shown(tab, LEAVES)) == {"", "from 2026-11-19"}
    tab.set_own_filter("waiting")
    with qtbot.waitSignal(tab.list.loaded):
        tab.filters_changed()
    assert set(shown(tab, "status")) == {"paused"}
    tab.set_own_filter("nobody knows this")
    assert tab.own_filter() == ""


@pytest.mark.slow
def test_runs_are_kept_by_score_and_revenue(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE planning_runs SET quality_score = 7.5, revenue_potential = 5e5")
    two = "SELECT id FROM planning_runs ORDER BY id LIMIT 2"
    ask(context.opened.path, f"UPDATE planning_runs SET revenue_potential = '$10M' WHERE id IN ({two})")
    tab.ready.pick("worth")
    form = dialog(qtbot, tab, WorthDialog)
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    assert form.isVisible(), "no limit is given"
    for name, text in (("score_low", "high"), ("revenue_low", "2M")):
        editor = form.editor(name)
        editor.setText(text)  # type: ignore[attr-defined]
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    assert form.isVisible(), "a score is a number"
    form.editor("score_low").setText("7.5")  # type: ignore[attr-defined]
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.model.rowCount() == 2)
    assert tab.ready.currentText() == "Score from 7.5, Revenue from 2M"
    assert worth_of(tab.own_filter()) == Worth((7.5, None), (2e6, None))
    assert tab.gives_way[-2:] == ("revenue_potential", "quality_score"), "what is filtered by stays"


@pytest.mark.parametrize(
    ("wanted", "words"),
    [
        (Worth((1, 2), (None, 3e6)), "Score 1 to 2, Revenue up to 3M"),
        (Worth((None, 70.5)), "Score up to 70.5"),
    ],
)
def test_a_range_is_kept_as_a_view(wanted: Worth, words: str) -> None:
    assert worth_of(key_of(wanted)) == wanted and view_words(key_of(wanted)) == words
    for other in ("worth", "worth:a:::", "stuck:1", "", "worth::::::"):
        assert worth_of(other) is None


@pytest.mark.slow
def test_the_list_says_why_a_run_is_paused_or_killed(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE planning_runs SET kill_verdict = 'proceed'")
    tab.reload()
    row = shown(tab, "status").index("running")
    qtbot.waitUntil(lambda: set(shown(tab, WHY)) == {"", "proceed"})
    assert shown(tab, WHY)[row] == "", "a verdict is no reason of a run that goes on"
    tab.resize(1280, 650)
    tab.table.select_row(row)
    qtbot.waitUntil(lambda: tab.inspector.isVisible() and tab.table.width() < 900)
    titles = tab.table.horizontalHeader()
    for name in ("status", "current_phase", WHY, "created_at", "updated_at"):
        assert not titles.isSectionHidden(tab.model.column_of(name)), "there is room beside the inspector"
    for act, why in (("pause", "needs a budget"), ("kill", "no market")):
        tab.table.select_row(row)
        qtbot.waitUntil(tab.commands.action(act).isEnabled)
        with qtbot.waitSignal(context.runner.changed):
            tab.commands.trigger(act)
            give_reason(qtbot, tab, why)
        qtbot.waitUntil(lambda why=why: shown(tab, WHY)[row] == why)  # type: ignore[misc]
        tip = tab.model.index(row, tab.model.column_of("status")).data(Qt.ItemDataRole.ToolTipRole)
        assert why in tip, "where that column has no room"
        if act == "pause":
            qtbot.waitUntil(lambda: tab.fields._fields[0].label == "Why")
            assert value_of(tab.fields, "Why") == "needs a budget"
    context.history.undo()
    qtbot.waitUntil(
        lambda: shown(tab, "status")[row] == "paused" and shown(tab, WHY)[row] == "needs a budget"
    )
