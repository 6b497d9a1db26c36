"""Planning runs as a person looks after them."""

import pytest
from PySide6.QtCore import QItemSelection, QItemSelectionModel, QPoint, Qt
from PySide6.QtWidgets import QApplication, QMenu, QPushButton
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Role, Tone
from app.services.records.record import Record
from app.services.records.tables import PLANNING_ARTIFACTS, Scope
from app.services.runs import statuses as planning
from app.services.runs.statuses import RunDetail
from app.ui.session.context import Context
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.parked import ParkedIdeasDialog, revisit
from app.ui.tabs.runs.phase_scores import phase_scores
from app.ui.tabs.runs.run_acts import ACTS, ASKED, ReasonDialog, main_acts, refusal_of
from app.ui.theme import Theme
from app.ui.widgets.buttons import Choice
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.filter_row import FilterValues
from app.ui.widgets.formatting import score
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.app.ui.conftest import ShowTab
from tests.fixtures.records import record
from tests.fixtures.window import ask, child, dialog, give_reason, pick, value_of

STATUS = 0


@pytest.fixture
def tab(show_tab: ShowTab, qtbot: QtBot) -> RunsTab:
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: "Running 6" in chip_words(tab))
    return tab


def chip_words(tab: RunsTab) -> list[str]:
    return [button.text() for button in tab.chips.buttons()]


def press_chip(tab: RunsTab, qtbot: QtBot, word: str) -> None:
    button = next(button for button in tab.chips.buttons() if button.text().startswith(word))
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)


def row_of(tab: RunsTab, status: str) -> int:
    return next(row for row in range(tab.model.rowCount()) if tab.model.index(row, STATUS).data() == status)


def choose(tab: RunsTab, qtbot: QtBot, row: int) -> None:
    tab.table.setFocus()
    tab.table.select_row(row)
    wanted = tab.model.record_id(row)
    qtbot.waitUntil(lambda: (read := tab.current.whole()) is not None and read.run["id"] == wanted)


def shown(tab: RunsTab) -> RunDetail:
    found: RunDetail | None = tab.current.whole()
    assert found is not None
    return found


def visible_buttons(tab: RunsTab) -> list[str]:
    return [act.name for act in ACTS if tab.commands._buttons[act.name].isVisibleTo(tab.inspector)]


@pytest.mark.slow
def test_the_chips_count_every_status_and_filter(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    stored = dict(ask(context.opened.path, "SELECT status, COUNT(*) FROM planning_runs GROUP BY 1"))
    words = [f"{name.capitalize()} {stored[name]}" for name in planning.STATUSES]
    assert chip_words(tab) == [f"All {sum(stored.values())}", *words]
    press_chip(tab, qtbot, "Killed")
    assert tab.model.rowCount() == stored["killed"]
    assert {tab.model.index(row, STATUS).data() for row in range(stored["killed"])} == {"killed"}
    # The counts of a list of toggles are those under the other filters only.
    qtbot.waitUntil(lambda: chip_words(tab) == [f"All {sum(stored.values())}", *words])
    pick(qtbot, tab, "mode", "str:local")
    local = ask(context.opened.path, "SELECT COUNT(*) FROM planning_runs WHERE mode = 'local'")[0][0]
    qtbot.waitUntil(lambda: chip_words(tab)[0] == f"All {local}")
    tab.filters.text.setText("nobody planned this")
    qtbot.waitUntil(lambda: chip_words(tab)[:2] == ["All 0", "Running 0"])
    tab.clear_filters()
    qtbot.waitUntil(lambda: tab.model.rowCount() == sum(stored.values()))
    assert tab.chips.key() is None and tab.filters.values() == FilterValues()


def test_runs_of_several_statuses(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    press_chip(tab, qtbot, "Killed")
    running = next(button for button in tab.chips.buttons() if button.text().startswith("Running"))
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.mouseClick(running, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.ControlModifier)
    sql = "SELECT count(*) FROM planning_runs WHERE status IN ('running', 'killed')"
    assert tab.model.rowCount() == ask(context.opened.path, sql)[0][0]
    assert set(dict(tab.query().choices)["status"]) == {"running", "killed"}
    with qtbot.waitSignal(tab.list.loaded):
        tab.clear_filters()
    assert not tab.chips.keys() and not tab.query().filtered


@pytest.mark.slow
def test_a_status_nobody_knows_has_a_chip_of_its_own(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    ask(context.opened.path, "UPDATE planning_runs SET status = 'odd' WHERE status = 'paused'")
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: "Other 2" in chip_words(tab))
    press_chip(tab, qtbot, "Other")
    assert tab.model.rowCount() == 2
    assert tab.model.index(0, STATUS).data() == "odd"
    with qtbot.waitSignal(tab.list.loaded):
        tab.filter_by("status", "odd")
    assert tab.model.rowCount() == 2
    assert [chip.text() for chip in tab.exact.chips()] == ["Status: odd"]
    with qtbot.waitSignal(tab.list.loaded):
        tab.clear_filters()
    with qtbot.waitSignal(tab.list.loaded):
        tab.filter_by("status", "killed")
    assert tab.chips.key() == "killed" and not tab.exact.chips()
    with qtbot.waitSignal(tab.list.loaded):
        tab.clear_filters()
    qtbot.waitUntil(lambda: "Other 2" in chip_words(tab))
    press_chip(tab, qtbot, "Other")
    choose(tab, qtbot, 0)
    assert not tab.commands.action("pause").isEnabled()
    assert tab.commands.action("delete").isEnabled()
    tab.filters.text.setText("nobody planned this")
    qtbot.waitUntil(lambda: "Other 0" in chip_words(tab))  # if it went, those beside it would move
    ask(context.opened.path, "UPDATE planning_runs SET status = 'active' WHERE status = 'odd'")
    ((running,),) = ask(
        context.opened.path, "SELECT count(*) FROM planning_runs WHERE status IN ('running', 'active')"
    )
    tab.clear_filters()
    tab.reload()
    qtbot.waitUntil(lambda: f"Running {running}" in chip_words(tab))
    press_chip(tab, qtbot, "Running")
    assert tab.model.rowCount() == running


@pytest.mark.slow
def test_a_status_is_said_three_ways_and_never_clipped(tab: RunsTab) -> None:
    metrics = tab.table.fontMetrics()
    widest = max(metrics.horizontalAdvance(name) for name in planning.STATUSES)
    assert tab.table.columnWidth(STATUS) >= widest + 16 + 6 + 20
    killed = tab.model.index(row_of(tab, "killed"), STATUS)
    assert killed.data(Role.TONE) == Tone.BAD and killed.data(Role.ICON)
    assert not tab.table.horizontalScrollBar().isVisible()


@pytest.mark.slow
def test_the_inspector_says_how_far_a_run_came(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    choose(tab, qtbot, row_of(tab, "completed"))
    run = shown(tab).run
    assert tab.inspector.subtitle.text().startswith(
        f"15 of 15 phases · score {score(run['quality_score'])} ·"
    )
    assert value_of(tab.fields, "Id") == run["id"] and value_of(tab.fields, "Created")
    parts = (tab.inspector._foot, tab.fields, tab.scores)
    assert sorted(parts, key=lambda one: one.mapTo(tab, QPoint()).y()) == list(parts)
    assert [one.phase for one in tab.scores._scores] == list(planning.PHASES)


@pytest.mark.slow
def test_a_file_without_artifacts_says_so(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "DROP TABLE planning_artifacts")
    tab = show_tab(RunsTab)
    choose(tab, qtbot, row_of(tab, "completed"))
    assert tab.inspector.subtitle.text().startswith("artifacts missing in this database · score ")
    assert tab.scores.isHidden() and value_of(tab.more_fields, "Idea") == tab.inspector.title.text()


def test_only_the_newest_version_of_a_phase_is_scored() -> None:
    def artifact(phase: str, version: object, score: object) -> Record:
        return record(PLANNING_ARTIFACTS, phase=phase, version=version, overall_score=score)

    found = phase_scores(
        [artifact("opportunity", 2, 90.0), artifact("opportunity", 1, 50.0), artifact("own", "x", "y")]
    )
    assert (found[0].points, found[0].version, found[0].share) == ("90.0", "v2", 0.9)
    assert found[1].version is None
    assert (found[-1].phase, found[-1].points, found[-1].version) == ("own", "y", "vx")


@pytest.mark.parametrize(
    ("version", "score", "words", "points", "share"),
    [(1.5, 7.5, "v1.5", "7.5", 0.75), (None, None, "—", "—", None), (1234, float("inf"), "v1,234", "∞", None),
     ("2b", float("-inf"), "v2b", "-∞", None), (0, 0, "v0", "0.0", 0.0), (1.0, -3.25, "v1", "-3.25", 0.0),
     (3, "high", "v3", "high", None)],
)  # fmt: skip
def test_scores_and_versions_are_shown_as_they_are_stored(
    version: object, score: object, words: str, points: str, share: float | None
) -> None:
    beside = record(PLANNING_ARTIFACTS, phase="own", version=0, overall_score=10)
    one = record(PLANNING_ARTIFACTS, phase="opportunity", version=version, overall_score=score)
    found = phase_scores([one, beside])[0]
    assert (found.version, found.points, found.share) == (words, points, share)


@pytest.mark.slow
def test_a_running_run_is_paused_and_taken_back(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    row = row_of(tab, "running")
    choose(tab, qtbot, row)
    assert visible_buttons(tab) == ["pause", "cancel", "kill"]
    refused = tab.commands.action("resume")
    assert not refused.isEnabled() and "Already running." in refused.toolTip()
    with qtbot.waitSignal(context.runner.changed) as done:
        qtbot.keyClick(tab.table, Qt.Key.Key_P)
        give_reason(qtbot, tab)
    assert done.args[0].summary.endswith("paused")
    qtbot.waitUntil(lambda: tab.model.index(row, STATUS).data() == "paused")
    assert tab.table.selected_rows() == [row]
    qtbot.waitUntil(lambda: visible_buttons(tab) == ["resume", "cancel", "kill"])
    qtbot.waitUntil(lambda: tab.commands.action("resume").isEnabled())
    qtbot.waitUntil(lambda: "Paused 3" in chip_words(tab))
    context.history.undo()
    qtbot.waitUntil(lambda: tab.model.index(row, STATUS).data() == "running")


@pytest.mark.slow
def test_a_letter_in_an_open_menu_is_the_menus(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    """It acts once and closes it: behind the menu it would act on the next run with each press."""
    press_chip(tab, qtbot, "Paused")
    choose(tab, qtbot, 0)
    tab.window().activateWindow()
    tab.table.setFocus()
    qtbot.waitUntil(tab.table.hasFocus)
    before, closed = tab.model.rowCount(), list[object]()

    def opened() -> QMenu:
        tab.open_row_menu(tab.table.currentIndex(), QPoint())
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        return menu

    for key in (Qt.Key.Key_Delete, Qt.Key.Key_F5):
        menu = opened()
        qtbot.keyClick(menu, key)
        assert menu.isVisible()
        menu.close()
    with qtbot.waitSignal(context.runner.changed) as done:
        menu = opened()
        menu.aboutToHide.connect(lambda: closed.append(None))
        qtbot.keyClick(menu, Qt.Key.Key_R)
    assert done.args[0].summary.endswith("resumed") and closed, "nothing was deleted before"
    qtbot.waitUntil(lambda: tab.model.rowCount() == before - 1)
    assert QApplication.activePopupWidget() is None
    tab.window().activateWindow()
    choose(tab, qtbot, 0)
    qtbot.waitUntil(tab.table.hasFocus)
    qtbot.keyClick(tab.table, Qt.Key.Key_R)  # where no menu is open, it is the table's again
    qtbot.waitUntil(lambda: tab.model.rowCount() == before - 2)


@pytest.mark.slow
def test_a_run_is_restored_before_the_list_shows_that_it_was_deleted(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    choose(tab, qtbot, row_of(tab, "killed"))
    run_id = tab.list.current_id()
    ends: list[str] = []
    for told in (tab.commands.refused, context.runner.failed):
        told.connect(lambda why: ends.append(str(why)))
    context.runner.changed.connect(lambda change, _: ends.append(change.summary.split()[-1]))
    tab.commands.trigger("delete")
    tab.commands.trigger("restore")
    qtbot.waitUntil(lambda: len(ends) == 2)
    assert ends == ["deleted", "restored"]
    found = ask(context.opened.path, "SELECT status FROM planning_runs WHERE id = ?", run_id)
    assert found == [("killed",)]


@pytest.mark.slow
def test_all_scores_are_in_sight_at_once(tab: RunsTab, qtbot: QtBot) -> None:
    tab.resize(1280, 650)
    choose(tab, qtbot, row_of(tab, "completed"))
    buttons = [tab.scores.button(phase) for phase in planning.PHASES]
    qtbot.waitUntil(lambda: all(one.visibleRegion().boundingRect().size() == one.size() for one in buttons))


@pytest.mark.slow
def test_a_deletion_dims_the_run_and_is_restored(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    row = row_of(tab, "killed")
    choose(tab, qtbot, row)
    with qtbot.waitSignal(context.runner.changed):
        qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.model.index(row, STATUS).data() == "deleted")
    assert tab.model.index(row, 1).data(Role.TONE) == Tone.NEUTRAL
    qtbot.waitUntil(lambda: visible_buttons(tab) == ["restore"])
    assert "restored first" in tab.commands.action("pause").toolTip()
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(tab.commands._buttons["restore"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.model.index(row, STATUS).data() == "killed")


@pytest.mark.slow
def test_no_delete_stands_where_another_act_stood(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    for status in ("completed", "killed", "cancelled"):
        choose(tab, qtbot, row_of(tab, status))
        assert visible_buttons(tab) == []
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: visible_buttons(tab) == ["restore"])


@pytest.mark.slow
def test_of_several_runs_those_that_allow_it_are_counted(
    tab: RunsTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    tab.table.selectAll()
    pause = tab.commands.action("pause")
    assert pause.isEnabled() and pause.text() == f"&Pause 6 of {tab.model.rowCount()}…"
    with monkeypatch.context() as few:
        few.setattr("app.ui.tabs.common.selection.LOOKED_AT", 20)
        few.setattr("app.ui.tabs.common.selection.COUNTED", 25)
        total = tab.model.rowCount()
        shown = [tab.model.index(row, STATUS).data() for row in range(25)]
        some = f"{shown.count('running')} of 25"
        for first, last, said in ((0, total - 1, f"6 of {total}"), (0, 24, some), (0, 25, "up to 26")):
            tab.table.clearSelection()
            top, bottom = (tab.model.index(row, 0) for row in (first, last))
            tab.table.selectionModel().select(
                QItemSelection(top, bottom),
                QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows,
            )
            assert pause.text() == f"&Pause up to {last - first + 1}…", "they are not all at hand"
            qtbot.waitUntil(lambda said=said: pause.text() == f"&Pause {said}…")  # type: ignore[misc]
    press_chip(tab, qtbot, "Running")
    tab.table.selectAll()
    qtbot.waitUntil(pause.isEnabled)
    with qtbot.waitSignal(context.runner.changed) as done:
        tab.commands.trigger("pause")
        give_reason(qtbot, tab)
    assert done.args[0].summary == "6 runs paused"
    assert ask(context.opened.path, "SELECT COUNT(*) FROM planning_runs WHERE status = 'running'") == [(0,)]


@pytest.mark.slow
def test_that_acts_are_on_some_of_several_is_said_whatever_was_selected_before(
    tab: RunsTab, qtbot: QtBot
) -> None:
    for status in ("killed", "running", "completed"):
        choose(tab, qtbot, row_of(tab, status))
        qtbot.waitUntil(lambda: tab.current.whole() is not None)
        tab.table.selectAll()
        assert tab.inspector.said_of_acts.text() == "Each button acts on those that it applies to."
        assert "kill" in visible_buttons(tab)


@pytest.mark.slow
def test_several_runs_are_ended_as_the_question_named_them(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    press_chip(tab, qtbot, "Running")
    tab.table.selectAll()
    tab.commands.trigger("kill")
    dialog(qtbot, tab, ReasonDialog)
    ask(
        context.opened.path, "UPDATE planning_runs SET status = 'paused' WHERE id = ?", tab.model.record_id(2)
    )
    with qtbot.waitSignal(context.runner.failed) as refused:
        give_reason(qtbot, tab, "no market")
    assert "(Status) was changed by somebody else" in str(refused.args[0])
    assert ask(context.opened.path, "SELECT count(*) FROM planning_runs WHERE status = 'running'") == [(5,)]


@pytest.mark.parametrize("status", [*planning.STATUSES, "odd", None, 7])
def test_the_interface_refuses_what_the_service_refuses(status: object) -> None:
    for act in ACTS:
        allowed = planning.allowed(status)  # type: ignore[arg-type]
        possible = status == "deleted" if act.status is None else act.status in allowed
        assert (refusal_of(act, {status}) is None) is possible
    assert any(refusal_of(act, {status}) is None for act in ACTS)
    for name in main_acts(status):
        assert refusal_of(next(a for a in ACTS if a.name == name), {status}) is None


@pytest.mark.slow
def test_where_nobody_pays_for_rows_no_question_is_about_them(
    tab: RunsTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As of `wrangler dev`, whose calls take their time."""
    monkeypatch.setattr(LocalDatabase, "costs", True)
    press_chip(tab, qtbot, "Paused")
    tab.table.select_ranges([range(2)], 0)
    action = tab.commands.action("resume")
    qtbot.waitUntil(action.isEnabled)
    tab.commands.trigger("delete")
    question = dialog(qtbot, tab, ConfirmDialog)
    assert "Delete 2 runs?" in question.title.text() and " rows " not in question.sentence.text()
    question.reject()
    assert action.text().replace("&", "") == "Resume 2"
    with qtbot.waitSignal(context.runner.changed):
        action.trigger()


@pytest.mark.slow
def test_a_phase_opens_the_page_with_what_it_produced(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    ((run_id, phase),) = ask(
        context.opened.path,
        "SELECT run_id, phase FROM planning_artifacts WHERE version = 2 AND phase <> 'synthesis' LIMIT 1",
    )
    tab.show_record(run_id)
    qtbot.waitUntil(lambda: (read := tab.current.whole()) is not None and read.run["id"] == run_id)
    qtbot.mouseClick(tab.scores.button(phase), Qt.MouseButton.LeftButton)
    assert tab.opener.page is not None
    panel = tab.opener.page.artifacts
    qtbot.waitUntil(lambda: panel.phase() == phase and panel.lines.lines.rowCount() > 1)
    versions = [item for item in shown(tab).artifacts or () if item["phase"] == phase]
    assert panel.left.versions.count() == len(versions) >= 2


@pytest.mark.slow
def test_a_tenant_does_not_narrow_the_runs_and_that_is_said(tab: RunsTab, qtbot: QtBot) -> None:
    total = tab.model.rowCount()
    tab.set_scope(Scope("acme-corp"))
    with qtbot.waitSignal(tab.list.loaded):
        tab.activate()
    assert tab.model.rowCount() == total
    said = "This list shows the runs of all tenants; choosing acme-corp does not narrow it."
    assert tab.scope_note.isVisible() and tab.scope_note.text() == said


@pytest.mark.slow
def test_a_record_hidden_by_a_chip_is_shown_when_asked_for(
    tab: RunsTab, context: Context, qtbot: QtBot
) -> None:
    killed = tab.model.record_id(row_of(tab, "killed"))
    press_chip(tab, qtbot, "Paused")
    tab.show_record(killed)
    qtbot.waitUntil(lambda: tab.list.current_id() == killed)
    assert tab.chips.key() is None


def parked(tab: RunsTab, qtbot: QtBot) -> ParkedIdeasDialog:
    qtbot.waitUntil(lambda: tab.parked_button.text() == "Parked ideas…  9 · 3 due")
    qtbot.mouseClick(tab.parked_button, Qt.MouseButton.LeftButton)
    dialog = child(tab, ParkedIdeasDialog)
    qtbot.waitUntil(lambda: dialog.page.list.model.rowCount() == 9)
    return dialog


@pytest.mark.slow
def test_parked_ideas_stand_beside_the_window(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    dialog = parked(tab, qtbot)
    qtbot.waitUntil(dialog.isActiveWindow)
    qtbot.keyClick(dialog, Qt.Key.Key_F, Qt.KeyboardModifier.ControlModifier)
    assert dialog.page.filters.text.hasFocus()
    assert dialog.isVisible() and not dialog.isModal()
    dialog.page.table.select_row(0)
    qtbot.waitUntil(dialog.page.inspector.empty.isHidden)
    whole = dialog.page.current.whole()
    assert whole is not None
    idea = whole.record
    months = revisit(idea["revisit_estimate_months"])
    assert value_of(dialog.page.fields, "Revisit").endswith(f", {months}")
    dialog.resize(600, 560)
    qtbot.waitUntil(lambda: dialog.page.is_narrow and dialog.page.inspector.isHidden())
    dialog.resize(780, 512)  # on a small screen
    promote = dialog.page.commands._buttons["promote"]
    qtbot.waitUntil(promote.isVisible)
    assert not dialog.page.table.isColumnHidden(dialog.page.model.column_of("revisit_estimate_months"))
    assert promote.mapTo(dialog, QPoint()).y() < dialog.page.fields.mapTo(dialog, QPoint()).y()
    room = dialog.screen().availableSize()
    assert dialog.size().boundedTo(room) == dialog.size(), "it is as large as the screen at the most"
    with qtbot.waitSignal(tab.jump) as jump:
        qtbot.mouseClick(dialog.page.commands._buttons["open_run"], Qt.MouseButton.LeftButton)
    assert jump.args == ["planning_runs", idea["run_id"]]
    dialog.page.filters.text.setText("no idea has this")
    qtbot.waitUntil(lambda: dialog.page.list.model.rowCount() == 0)
    assert (
        dialog.page.filters.count.text() == "0 ideas" and dialog.page.empty_state.title.text() == "No match"
    )
    qtbot.mouseClick(dialog.page.clear_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: dialog.page.filters.count.text() == "9 ideas")
    dialog.close()


@pytest.mark.slow
def test_an_idea_without_its_run_says_so(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE planning_parked_ideas SET run_id = 'gone'")
    dialog = parked(tab, qtbot)
    dialog.page.table.select_row(0)
    qtbot.waitUntil(dialog.page.inspector.empty.isHidden)
    assert (
        not dialog.page.commands._buttons["open_run"].isEnabled()
        and "no longer" in dialog.page.commands._buttons["open_run"].toolTip()
    )
    dialog.close()


@pytest.mark.parametrize(
    ("months", "words"),
    [(6, "after 6 months"), (1, "after 1 month"), (0, "now"), (None, ""), ("soon", "soon")],
)
def test_when_to_look_again(months: object, words: str) -> None:
    assert revisit(months) == words


@pytest.mark.slow
def test_more_actions_open_a_menu_of_all(tab: RunsTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, row_of(tab, "completed"))
    more = next(
        button
        for button in tab.inspector.findChildren(QPushButton)
        if button.accessibleName() == "More actions"
    )
    menu = more.menu()
    menu.popup(QPoint())
    entries = [action for action in menu.actions() if not action.isSeparator()]
    offered = [action.text().replace("&", "") for action in entries]
    assert menu.actions()[len(ACTS)].isSeparator(), "the acts stand apart"
    begun = ["New run…", "New run of this idea…", "Park idea…", "Open"]
    of_all = [*begun, "Audit history", "Dossier…", "Search texts…", "Charts…", "Parked ideas…", "Inspector"]
    never = ["Go to what is new", "Compare…"]
    acts = [f"{act.text}{'…' if act.status in ASKED else ''}" for act in ACTS]
    assert sorted(offered) == sorted([*acts, *of_all, *never])
    enabled = [action.text().replace("&", "") for action in entries if action.isEnabled()]
    assert enabled == ["Delete", *of_all]
    assert all(action.toolTip() for action in entries)
    menu.close()
    assert not menu.actions(), "a key of the table would act on the button, too"
    menu.popup(QPoint())
    choice = next(action for action in menu.actions() if action.text().replace("&", "") == "Parked ideas…")
    qtbot.mouseClick(menu, Qt.MouseButton.LeftButton, pos=menu.actionGeometry(choice).center())
    child(tab, ParkedIdeasDialog).close()


@pytest.mark.slow
def test_no_widget_belongs_to_python_alone(tab: RunsTab, context: Context, qtbot: QtBot) -> None:
    """Such a widget is destroyed by whichever thread collects garbage, which ends the process."""
    choose(tab, qtbot, row_of(tab, "completed"))
    before = set(QApplication.topLevelWidgets())
    parked(tab, qtbot)
    tab.open_page("opportunity")
    notifications = NotificationsTab(context)
    qtbot.addWidget(notifications)
    kept = {notifications, RunsTab(context, tab)}
    orphans = [
        type(widget).__name__
        for widget in set(QApplication.topLevelWidgets()) - before - kept
        if widget.parent() is None
    ]
    assert not orphans
    child(tab, ParkedIdeasDialog).close()


@pytest.mark.slow
def test_after_an_act_the_focus_is_on_no_other_act(tab: RunsTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, row_of(tab, "paused"))
    resume = next(one for one in tab.inspector.findChildren(QPushButton) if one.text().startswith("Resume"))
    resume.setFocus()
    qtbot.keyClick(resume, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: not resume.isVisible())
    assert tab.window().focusWidget() is tab.table, "also where another window is in front"


@pytest.mark.slow
def test_a_phase_that_only_the_run_before_had_opens_the_run_alone(tab: RunsTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, row_of(tab, "completed"))
    tab.scores.activated.emit("a phase of another run")
    page = tab.opener.page
    assert page is not None
    qtbot.waitUntil(lambda: page.story is not None and page.phases.phase() in planning.PHASES)


def test_where_no_chain_keeps_a_reason_the_question_says_so(theme: Theme, qtbot: QtBot) -> None:
    for status, said in ((RunStatus.PAUSED, "not recorded"), (RunStatus.KILLED, "Becomes the kill verdict.")):
        asked = ReasonDialog(
            theme, "Why?", "So.", status=status, action="Do", items=[], total=1, danger=False, recorded=False
        )
        qtbot.addWidget(asked)
        assert said in asked.field.accessibleDescription()
        assert "stands in the audit chain" not in asked.field.accessibleDescription()


def test_return_without_a_reason_that_is_needed_says_so(theme: Theme, qtbot: QtBot) -> None:
    asked = ReasonDialog(
        theme, "Why?", "So.", status=RunStatus.KILLED, action="Kill", items=[], total=1, danger=True
    )
    qtbot.addWidget(asked)
    asked.open()
    qtbot.keyClick(asked.field, Qt.Key.Key_Return)
    assert asked.isVisible() and asked.problem.isVisible() and "a reason is needed" in asked.problem.text()
    qtbot.keyClicks(asked.field, "N")
    assert not asked.problem.isVisible()


def test_in_a_narrow_window_the_statuses_keep_their_counts(tab: RunsTab, qtbot: QtBot) -> None:
    buttons, picker = tab._put_away, tab.chips.picker
    for width, is_close in ((1280, False), (868, True), (1280, False), (600, False)):
        tab.resize(width, 500)
        qtbot.waitUntil(picker.isVisible if width == 600 else picker.isHidden)
        assert [button.isHidden() for button in buttons] == [is_close, is_close]
        assert tab._more.isHidden() == (not is_close)
        assert tab.parked_button.isVisible() and tab.ready.isVisible()
    tab.resize(868, 500)
    tab._show_due(range(10**12))
    qtbot.waitUntil(lambda: tab.parked_button.isHidden() and picker.isHidden())
    tab.resize(868, 300)  # low, too
    assert tab._line.isHidden() and tab._more.isVisible()


@pytest.mark.slow
def test_it_is_no_wider_than_a_screen_at_twice_the_size(show_tab: ShowTab, qtbot: QtBot) -> None:
    """A screen of 1,280 by 1,024 has 640 by 512 points then."""
    tab = show_tab(RunsTab)
    tab._parked_count, tab._due_count = 9, 3
    tab.chips.set_chips([Choice(status, f"{status}", 123_456) for status in (None, *planning.STATUSES)])
    tab.resize(632, 400)
    qtbot.waitUntil(lambda: tab.parked_button.text() == "9 · 3 due")
    assert tab.minimumSizeHint().width() <= 632 and tab.charts_button.isVisible()
