"""A run that is opened: beside its neighbours, with its phases, and back again."""

import json
import threading
from dataclasses import replace
from typing import Any

import apsw
import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QContextMenuEvent
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.services.records.history import PastEntry
from app.services.runs import run_timeline
from app.services.runs import statuses as planning
from app.services.runs.run_timeline import RunStory, RunTimeline, Spent
from app.ui.session.context import Context
from app.ui.tabs.common.inspected_tab import GONE_READ
from app.ui.tabs.runs import RunsTab, page_parts, reading_acts, timeline_view
from app.ui.tabs.runs.page import RunPage
from app.ui.tabs.runs.run_acts import ACTS, ReasonDialog
from app.ui.tabs.runs.timeline_view import TIMES, VERDICT
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import is_stop
from models.status import RunStatus
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import ask, dialog, give_reason, texts

STARTED = NOW - 10_000


@pytest.fixture
def opened(show_tab: ShowTab, context: Context, qtbot: QtBot) -> RunPage:
    """A run in its third phase whose second version is in review, opened by Return."""
    path = context.opened.path
    ask(path, "DELETE FROM planning_artifacts")
    ask(
        path,
        "UPDATE planning_runs SET status = 'running', current_phase = 'market-research', created_at = ?,"
        " revenue_potential = 300000,"
        " pivot_count = 1, config = '{\"maxPivots\": 3}', idea = '<b>An idea</b>'"
        " WHERE id = (SELECT id FROM planning_runs ORDER BY created_at DESC LIMIT 1)",
        STARTED,
    )
    ((run,),) = ask(path, "SELECT id FROM planning_runs WHERE created_at = ?", STARTED)
    rows = (
        ("opportunity", 1, "approved", 92, 1000),
        ("customer-intel", 1, "revise", 50, 2000),
        ("customer-intel", 2, "approved", 88, 3000),
        ("market-research", 1, "revise", 58, 4000),
        ("market-research", 2, None, None, 5000),
        ("wild-ideas", 1, "odd", None, 600),
    )
    for phase, version, verdict, score, after in rows:
        ask(
            path,
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict,"
            " overall_score, created_at) VALUES (?, ?, ?, ?, 'text', ?, ?, ?)",
            f"{phase}-{version}",
            run,
            phase,
            version,
            verdict,
            score,
            STARTED + after,
        )
    ask(
        path,
        "INSERT INTO notifications (id, tenant_id, type, title, message, metadata, created_at)"
        " VALUES ('n-1', 'acme-corp', 'phase_completed', 'Done', '<i>It is done</i>', ?, ?)",
        json.dumps({"runId": run}),
        NOW,
    )
    tab = show_tab(RunsTab)
    tab.show_record(run)
    qtbot.waitUntil(lambda: tab.current.record_id == run and tab.current.whole() is not None)
    tab.table.setFocus()
    qtbot.keyClick(tab.table, Qt.Key.Key_Return)
    assert tab.opener.page is not None
    page = tab.opener.page
    qtbot.waitUntil(lambda: page.story is not None and page.story.run["id"] == run)
    return page


@pytest.mark.slow
def test_thousands_of_versions_are_worked_out_elsewhere_and_painted_as_what_is_seen(
    opened: RunPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, before = tab_of(opened), opened.story
    assert before is not None
    rows = ((f"v{number}", before.run["id"], number, STARTED + number) for number in range(100, 2100))
    with apsw.Connection(str(tab.context.opened.path)) as connection:
        connection.executemany(
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict, created_at)"
            " VALUES (?, ?, 'market-research', ?, 'x', 'revise', ?)",
            rows,
        )
    threads, painted = set[threading.Thread](), list[object]()
    work_out, paint = run_timeline.timeline, timeline_view.paint_bar

    def worked_out(story: RunStory, now: int) -> RunTimeline:
        threads.add(threading.current_thread())
        return work_out(story, now)

    def painted_bar(*given: Any) -> None:
        painted.append(given[2])
        paint(*given)

    monkeypatch.setattr(run_timeline, "timeline", worked_out)
    monkeypatch.setattr(timeline_view, "paint_bar", painted_bar)
    tab.reload()
    qtbot.waitUntil(lambda: opened.story is not None and len(opened.story.artifacts or ()) > 2000)
    assert threads and threading.main_thread() not in threads
    opened.phases.grab()
    assert opened.timeline is not None and sum(len(line.versions) for line in opened.timeline.phases) > 2000
    assert 0 < len(painted) < 1000


def tab_of(page: RunPage) -> RunsTab:
    tab = page.parentWidget()
    assert isinstance(tab, RunsTab)
    return tab


@pytest.mark.slow
def test_all_that_is_known_is_shown(opened: RunPage) -> None:
    assert opened.title.text() == "<b>An idea</b>"
    assert opened.chip.text() == "running"
    assert opened.why.text() == (
        "Why it is here: the review sent market-research back once (score 58.0);"
        " version 2 has been in review for 1 h 23 min."
    )
    model = opened.phases.phases
    rows = [[str(model.index(row, column).data()) for column in range(6)] for row in range(model.rowCount())]
    assert rows[0] == ["opportunity", "", "6 min 40 s", "92.0", "v1", "approved"]
    assert rows[2] == ["market-research", "", "33 min 20 s", "—", "v2", "in review"]
    assert rows[3][2:] == ["—", "—", "", "not reached"]
    assert rows[-1] == ["wild-ideas", "", "10 min", "—", "v1", "odd"]
    said = model.index(1, TIMES).data(Qt.ItemDataRole.AccessibleTextRole)
    assert said.startswith("v1 sent back: ") and "\nv2 approved: " in said
    assert model.index(2, 0).data(Qt.ItemDataRole.AccessibleDescriptionRole) == (
        "in review, 2 versions, no score, worked 33 min 20 s, waited 1 h 23 min"
    )
    assert opened.phases.phase() == "market-research"
    facts = [fact._value.accessibleName() for fact in opened.facts]
    assert facts[2:4] == ["Phases: 3 of 16 done", "Pivots: 1 not known when"]
    assert [row[0] for row in texts(opened.about.notes)] == ["<i>It is done</i>"]
    assert opened.kept.config.tree.model() is not None
    kept = {field.label: (field.value, field.copy) for field in opened.kept.fields._fields}
    assert kept["Revenue"] == ("$300K", "300000.0"), "as everywhere"
    shown = [name for name, button in opened.acts.items() if button.isVisibleTo(opened)]
    assert shown == ["pause", "cancel", "kill"]
    assert not opened.grab().isNull()


@pytest.mark.slow
def test_older_entries_and_notifications_are_a_click_away(
    opened: RunPage, context: Context, qtbot: QtBot
) -> None:
    assert opened.story is not None and opened.about.older_button.isHidden()
    run = opened.story.run["id"]
    ask(
        context.opened.path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 250)"
        " INSERT INTO notifications (id, tenant_id, type, metadata, created_at)"
        " SELECT 'older-' || i, 'acme-corp', 't', ?, 5 FROM n",
        json.dumps({"runId": run}),
    )
    opened._read()
    qtbot.waitUntil(lambda: "the newest 200 of each at most" in opened.about.said.text())
    opened.about.older_button.click()
    qtbot.waitUntil(lambda: "251 notifications" in opened.about.said.text())
    assert opened.about.older_button.isHidden()


@pytest.mark.slow
def test_neighbours_and_back(opened: RunPage, qtbot: QtBot) -> None:
    tab, first = tab_of(opened), opened.story
    assert not tab.table.isVisible() and tab.opener.is_open and opened.neighbours.hasFocus()
    row = tab.table.currentIndex().row()
    qtbot.keyClick(opened.neighbours, Qt.Key.Key_Down if row == 0 else Qt.Key.Key_Up)
    qtbot.waitUntil(lambda: opened.story is not first)
    assert opened.story is not None and opened.story.run["id"] == tab.list.current_id()
    now = tab.table.currentIndex().row()
    assert now != row
    qtbot.keyClick(opened.neighbours, Qt.Key.Key_Escape)
    assert tab.table.isVisible() and tab.table.hasFocus() and not tab.opener.is_open
    assert tab.filters.isVisible() and tab.table.currentIndex().row() == now
    qtbot.keyClick(tab.table, Qt.Key.Key_O)
    assert tab.opener.is_open


@pytest.mark.slow
def test_an_act_of_the_page_is_that_of_the_tab(opened: RunPage, context: Context, qtbot: QtBot) -> None:
    tab = tab_of(opened)
    run = tab.list.current_id()
    assert opened.acts["resume"].isHidden()
    tab.act(planning.set_status, [run], "paused")
    qtbot.waitUntil(lambda: opened.chip.text() == "paused")
    assert opened.acts["pause"].isHidden() and opened.acts["resume"].isEnabled()
    current = opened.timeline.current if opened.timeline else None
    assert current is not None and current.spans[-1].spent in (Spent.RUNNING, Spent.WAITING)
    assert opened.why.text().startswith("Why it is here: it was paused by ")
    opened.acts["resume"].click()
    qtbot.waitUntil(lambda: opened.chip.text() == "running")


@pytest.mark.matrix(each=2)
@pytest.mark.slow
@pytest.mark.parametrize("size", [(560, 260), (868, 390), (1000, 400)])
def test_it_has_little_room(opened: RunPage, size: tuple[int, int], qtbot: QtBot) -> None:
    tab = tab_of(opened)
    tab.resize(*size)
    assert not tab.grab().isNull()
    has_list = size[0] >= 1000
    assert opened.neighbours.isHidden() == (not has_list)
    model = opened.phases.phases
    assert model.index(0, VERDICT).data() == "approved"
    qtbot.waitUntil(lambda: opened.phases.columnWidth(TIMES) >= 180, timeout=5000)
    assert opened.back.isVisible()
    tab.take_focus()
    assert (opened.neighbours if has_list else opened.phases).hasFocus(), "not on what is hidden"
    at = tab.table.currentIndex().row()
    qtbot.keyClick(opened.phases, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    assert tab.table.currentIndex().row() == at + 1
    qtbot.waitUntil(lambda: opened.story is not None and opened.story.run["id"] == tab.list.current_id())
    if has_list:
        qtbot.keyClick(opened.phases, Qt.Key.Key_Up, Qt.KeyboardModifier.AltModifier)
    else:
        opened.steps[0].click()
    assert tab.table.currentIndex().row() == at
    qtbot.waitUntil(lambda: opened.story is not None and opened.story.run["id"] == tab.list.current_id())
    qtbot.keyClick(opened.phases, Qt.Key.Key_Down)
    line = opened.phases.visualRect(opened.phases.currentIndex())  # what is changed is in sight
    qtbot.waitUntil(lambda: opened.phases.visibleRegion().contains(line.center()))
    assert opened._lower.isHidden() and opened._choices.checkedButton() is opened._overview
    qtbot.keyClick(opened.phases, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: opened.artifacts.visibleRegion().boundingRect().height() >= 200)
    assert opened._above.isHidden(), "what it produced has the page for itself"
    chosen = opened._choices.checkedButton()
    assert [one for one in opened._choices.buttons() if is_stop(one)] == [chosen], "arrows lead to the others"
    assert chosen is not None
    chosen.setFocus()
    qtbot.keyClick(chosen, Qt.Key.Key_Right)
    assert opened.about.isVisible() and opened._choices.buttons()[2].hasFocus()
    for button in opened._choices.buttons()[:0:-1]:  # the others ask for no room when one has been looked at
        button.click()
    qtbot.waitUntil(lambda: opened._body.geometry().height() <= opened._scroll.height() + 180)
    opened._overview.click()
    assert opened._lower.isHidden() and opened.phases.isVisible()
    at_phase = opened.phases.visualRect(model.index(0, 0)).center()
    qtbot.mouseClick(opened.phases.viewport(), Qt.MouseButton.LeftButton, pos=at_phase)
    assert opened.artifacts.isVisible() and opened.artifacts.phase() == "opportunity"
    assert opened.artifacts.phases.hasFocus(), "keys go on from there"


@pytest.mark.slow
def test_where_there_is_room_phases_and_artifact_are_in_sight_together(opened: RunPage, qtbot: QtBot) -> None:
    tab = tab_of(opened)
    tab.resize(1200, 1000)
    qtbot.waitUntil(opened._fold.isVisible)
    qtbot.waitUntil(lambda: opened.artifacts.height() >= 300)
    assert opened.phases.isVisible() and opened._overview.isHidden()
    opened._fold.click()
    assert not opened.phases.isVisible() and opened._overview.isVisible()
    qtbot.waitUntil(lambda: opened.artifacts.height() > 700)
    opened._overview.click()
    assert opened.phases.isVisible() and opened.artifacts.isVisible() and opened._overview.isHidden()


@pytest.mark.slow
def test_what_no_artifacts_tell_is_not_known(opened: RunPage) -> None:
    assert opened.timeline is not None
    last = opened.phases.phases.rowCount() - 2  # the platform's last; behind it stands one of this run alone
    assert opened.phases.phases.index(last, VERDICT).data() == "not reached"
    assert "now" in [words for words, *_ in opened.phases.labels()]
    opened.phases.show_timeline(replace(opened.timeline, is_told=False, is_until_now=False), True)
    assert "now" not in [words for words, *_ in opened.phases.labels()]
    assert opened.phases.phases.index(last, VERDICT).data() == "", "said once, below"


@pytest.mark.slow
def test_the_legend_tells_what_is_there(opened: RunPage) -> None:
    assert opened.legend.accessibleName() == "Legend: approved, sent back, without a verdict, in review"


def test_a_reason_ends_once_and_a_status_alone_is_no_reason(opened: RunPage, context: Context) -> None:
    assert opened.story is not None and opened.timeline is not None
    for status, verdict, said in (
        ("killed", "No market.", "it was killed: No market."),
        ("killed", "Why now?", "it was killed: Why now?"),
        ("killed", "No market", "it was killed: No market."),
        ("completed", "proceed", ""),
    ):
        run = replace(
            opened.story.run, values={**opened.story.run.values, "status": status, "kill_verdict": verdict}
        )
        story = replace(opened.story, run=run, entries=())
        assert page_parts.why(story, opened.timeline, context.clock()) == said


@pytest.mark.slow
def test_a_run_that_others_remove_stays_and_is_said_to_be_gone(
    opened: RunPage, context: Context, qtbot: QtBot
) -> None:
    assert opened.story is not None
    was = opened.title.text()
    ask(context.opened.path, "DELETE FROM planning_artifacts")
    ask(context.opened.path, "DELETE FROM planning_runs WHERE id = ?", opened.story.run["id"])
    tab_of(opened).reload()
    qtbot.waitUntil(lambda: opened.failure.isVisible() and opened.failure.text() == GONE_READ)
    ask(context.opened.path, "DELETE FROM planning_runs")
    tab_of(opened).reload()
    qtbot.waitUntil(lambda: tab_of(opened).model.rowCount() == 0)
    assert opened.isVisible() and opened.title.text() == was and opened.failure.isVisible()
    assert not any(act.isEnabled() for act in opened.acts.values())


@pytest.mark.slow
def test_a_run_that_an_act_takes_out_of_the_list_stays_in_sight(
    opened: RunPage, context: Context, qtbot: QtBot
) -> None:
    page, tab = opened, tab_of(opened)
    assert page.story is not None
    run = page.story.run["id"]
    tab.chips.set_key("running")
    tab.filters_changed()
    qtbot.waitUntil(lambda: tab.model.rowCount() < 20 and tab.list.current_id() == run)
    tab.act(planning.set_status, [run], RunStatus.COMPLETED)
    qtbot.waitUntil(lambda: page.chip.text() == "completed")
    qtbot.waitUntil(lambda: tab.list.current_id() == run and page.acts["delete"].isEnabled())
    context.history.undo()
    qtbot.waitUntil(lambda: page.chip.text() == "running")
    qtbot.waitUntil(lambda: page.acts["pause"].isVisible() and page.acts["pause"].isEnabled())


@pytest.mark.slow
def test_no_page_is_made_ahead_once_the_file_is_closed(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading_acts, "IDLE_MS", 0)
    fired = list[bool]()
    tab = show_tab(RunsTab)
    tab.opener.prepare()
    tab.stop()
    context.stop()
    later(tab, 50, lambda: fired.append(True))
    qtbot.waitUntil(lambda: bool(fired))
    assert tab.opener.page is None


@pytest.mark.slow
def test_no_act_hits_another_run_than_the_one_shown(
    opened: RunPage, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab, path = tab_of(opened), opened._context.opened.path
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    into = "planning_runs (id, idea, status, created_at, updated_at)"
    ask(path, f"{many} INSERT INTO {into} SELECT 'old-' || i, 'Old ' || i, 'running', i, i FROM n")
    tab.reload()
    qtbot.waitUntil(lambda: tab.model.rowCount() > 300)
    shown = opened.title.text()
    said: list[str] = []
    monkeypatch.setattr(tab.context, "say", said.append)
    tab.table.select_row(tab.model.rowCount() - 1)
    tab._give_status(ACTS[0])
    assert said == ["Nothing was done: the run that is selected now is not shown yet."]
    assert opened.title.text() == shown
    qtbot.waitUntil(lambda: opened.title.text() == "Old 1")  # its row was at no hand, and in no sight
    assert opened.story is not None and opened.story.run["id"] == tab.list.current_id()


@pytest.mark.slow
def test_an_act_by_its_button_gives_the_keys_to_the_list_beside(opened: RunPage, qtbot: QtBot) -> None:
    """While it is done its button takes none: "Cancel run…" beside it would have them."""
    tab = tab_of(opened)
    tab.resize(1280, 750)
    tab.window().activateWindow()
    qtbot.mouseClick(opened.acts["pause"], Qt.MouseButton.LeftButton)
    give_reason(qtbot, tab, "lunch")
    qtbot.waitUntil(opened.acts["resume"].isVisible)
    qtbot.mouseClick(opened.acts["resume"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(opened.acts["pause"].isVisible)
    assert tab.window().focusWidget() is opened.neighbours


@pytest.mark.slow
def test_the_keys_of_the_acts_work_in_an_opened_run(opened: RunPage, qtbot: QtBot) -> None:
    tab = tab_of(opened)
    tab.resize(1280, 650)
    opened.take_focus()
    assert opened.acts["pause"].text() == "Pause… (P)"
    for view in (opened.neighbours, opened.phases):
        tab.window().activateWindow()
        view.setFocus()
        qtbot.waitUntil(view.hasFocus)
        qtbot.keyClick(view, Qt.Key.Key_P)
        dialog(qtbot, tab, ReasonDialog).reject()
        qtbot.keyClick(view, Qt.Key.Key_R)  # does not apply, which it says
        qtbot.waitUntil(lambda: not QApplication.activeModalWidget())


def test_what_entries_say_of_a_workflow_is_in_a_line() -> None:
    said = {"phase": "synthesis", "score": 61, "durationMs": 90_000}
    entry = PastEntry(1, "acme-corp", "workflow_completed", "workflow", "", NOW, said)
    assert page_parts.what_of(entry) == "synthesis, score 61.0, 1 min 30 s"
    assert page_parts.what_of(replace(entry, said={"score": "x"}, what="paused")) == "paused"


def test_a_key_scrolls_no_further_than_to_its_phase(opened: RunPage, qtbot: QtBot) -> None:
    tab = tab_of(opened)
    tab.window().resize(868, 400)
    qtbot.waitUntil(lambda: opened._scroll.verticalScrollBar().maximum() > 0)
    opened.phases.setFocus()
    opened._scroll.verticalScrollBar().setValue(0)
    done = list[bool]()
    qtbot.keyClick(opened.phases, Qt.Key.Key_Down)
    later(opened, 0, lambda: done.append(True))
    qtbot.waitUntil(lambda: bool(done))
    assert opened._scroll.verticalScrollBar().value() == 0, "the head of the run stays"
    qtbot.keyClick(opened.phases, Qt.Key.Key_End)
    last, room = opened.phases.visualRect(opened.phases.currentIndex()), opened._scroll.viewport()

    def is_seen() -> bool:
        at = room.mapFromGlobal(opened.phases.viewport().mapToGlobal(last.bottomLeft()))
        return 0 < at.y() <= room.height()

    qtbot.waitUntil(is_seen)
    head = opened.title, opened.chip, opened.acts["pause"]
    assert not [part for part in head if part.visibleRegion().isEmpty()], "name, state and acts stay"
    at = opened._scroll.verticalScrollBar().value()
    qtbot.keyClick(opened.phases, Qt.Key.Key_Down)
    assert opened._scroll.verticalScrollBar().value() == at, "there is none below"


@pytest.mark.parametrize("reason", [QContextMenuEvent.Reason.Mouse, QContextMenuEvent.Reason.Keyboard])
def test_its_list_has_the_menu_of_the_run(
    opened: RunPage, reason: QContextMenuEvent.Reason, qtbot: QtBot
) -> None:
    at = QPoint(5, 5)
    event = QContextMenuEvent(reason, at, opened.neighbours.mapToGlobal(at))
    QApplication.sendEvent(opened.neighbours, event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    words = [action.text().replace("&", "") for action in menu.actions()]
    assert "Pause…" in words and "Columns" not in words
    menu.close()


def test_its_letters_work_from_its_buttons_too(opened: RunPage, qtbot: QtBot) -> None:
    at = next(act for act in opened.acts.values() if act.isVisible() and "Kill" in act.text())
    at.setFocus()
    qtbot.keyClick(at, Qt.Key.Key_P)
    question = dialog(qtbot, tab_of(opened), ReasonDialog)
    assert question.title.text().startswith("Pause")
    question.reject()
    with qtbot.waitSignal(tab_of(opened).commands.refused) as refused:
        qtbot.keyClick(at, Qt.Key.Key_R)
    assert refused.args == ["Already running."]
