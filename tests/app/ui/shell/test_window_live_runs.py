"""Planning runs in the window on a live D1: every act, an opened run, parked ideas, the search."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QComboBox, QLineEdit
from pytestqt.qtbot import QtBot

from app.services.files.artifact_files import save_all
from app.services.live.connections import Tokens
from app.services.records.tables import PLANNING_RUNS
from app.services.runs import statuses as planning
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.form_fields import LinesEditor
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.charts import ChartsDialog
from app.ui.tabs.runs.comparing import CompareDialog
from app.ui.tabs.runs.parked import ParkedIdeas
from app.ui.tabs.runs.reading_acts import write_dossier
from app.ui.tabs.runs.searching import RunSearchDialog
from app.ui.widgets.dialogs import ErrorDialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.formatting import absolute_time
from models.status import RunStatus
from tests.conftest import NOW
from tests.d1.edge import Edge
from tests.fixtures import live_window, run_acts
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, unlock
from tests.fixtures.window import TABLES, ask, button, child, choose, click, closed, dialog, go, press, values
from tests.matrix import every

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

TEXTS = "planning_runs", "planning_artifacts"
ROUND_TRIP = 0.05


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def tab(qtbot: QtBot, edge: Edge, live: Live, file: Path, window: MainWindow) -> RunsTab:
    edge.delay = ROUND_TRIP
    return runs_tab(qtbot, edge, live, file, window)


def runs_tab(qtbot: QtBot, edge: Edge, live: Live, file: Path, window: MainWindow) -> RunsTab:
    window.connecting.tokens = Tokens(None)
    open_live(qtbot, window, live_window.production(edge, live, file, window))
    unlock(qtbot, window)
    tab = go(qtbot, window, TABLES.index(PLANNING_RUNS.name))
    assert isinstance(tab, RunsTab)
    qtbot.waitUntil(lambda: tab.model.rowCount() > 0)
    return tab


def undo(qtbot: QtBot, page: RecordTab) -> None:
    with qtbot.waitSignal(page.context.runner.changed):
        page.context.history.undo()


def test_every_status_with_every_act_on_one_and_on_several(
    qtbot: QtBot, edge: Edge, live: Live, window: MainWindow, demo_path: Path
) -> None:
    window.resize(900, 560)  # fewer rows to paint, which takes longer than the acts
    run_acts.put(demo_path)
    file = live.put(demo_path, listed=True)
    tab = runs_tab(qtbot, edge, live, file, window)
    for count in every([2, 1], each=2):  # by default one alone is tried on a file
        run_acts.try_each(qtbot, tab, file, count)


def test_what_others_have_ended_is_shown_so_when_an_act_is_refused(
    qtbot: QtBot, tab: RunsTab, file: Path
) -> None:
    row = values(tab, "status").index("running")
    run = choose(qtbot, tab, row)
    tab.context.outside._poll.stop()  # it would tell of that, too
    ask(file, "UPDATE planning_runs SET status = 'completed' WHERE id = ?", run)
    tab.act(planning.set_status, [run], RunStatus.PAUSED)
    click(qtbot, dialog(qtbot, tab.window(), ErrorDialog).close_button)
    qtbot.waitUntil(lambda: values(tab, "status")[row] == "completed")
    qtbot.waitUntil(lambda: "completed cannot be paused" in tab.commands.action("pause").toolTip())


def fill(form: FormDialog, **texts: str) -> None:
    for name, text in texts.items():
        editor = form.editor(name)
        if isinstance(editor, LinesEditor):
            editor.setPlainText(text)
        else:
            assert isinstance(editor, QLineEdit)
            editor.setText(text)


def submit(qtbot: QtBot, page: RecordTab, form: FormDialog) -> None:
    with qtbot.waitSignals([page.context.runner.changed, form.finished]):
        click(qtbot, form.action_button)
    closed(qtbot, page, FormDialog)


def test_ideas_and_new_runs(qtbot: QtBot, tab: RunsTab, file: Path) -> None:
    run = choose(qtbot, tab, 0)
    parked = "SELECT run_id, reason FROM planning_parked_ideas WHERE idea = ?"
    tab.commands.trigger("park")
    form = dialog(qtbot, tab, FormDialog)
    fill(form, idea="A parked idea", reason="No season", revisit_estimate_months="0")
    submit(qtbot, tab, form)
    assert ask(file, parked, "A parked idea") == [(run, "No season")]
    undo(qtbot, tab)
    assert ask(file, parked, "A parked idea") == []
    for name, idea, status in (("copy_run", "The same again", 1), ("create", "Quite new", 0)):
        tab.commands.trigger(name)
        form = dialog(qtbot, tab, FormDialog)
        fill(form, idea=idea)
        box = form.editor("status")
        assert isinstance(box, QComboBox)
        box.setCurrentIndex(status)
        submit(qtbot, tab, form)
        qtbot.waitUntil(lambda idea=idea: tab.inspector.title.text() == idea)  # type: ignore[misc]
        assert ask(file, "SELECT status FROM planning_runs WHERE idea = ?", idea) == [
            ("running" if status else "paused",)
        ]
        undo(qtbot, tab)
        assert ask(file, "SELECT status FROM planning_runs WHERE idea = ?", idea) == []

    tab.open_parked_ideas()
    assert tab._parked is not None
    page: ParkedIdeas = tab._parked.page
    count = ask(file, "SELECT count(*) FROM planning_parked_ideas")[0][0]
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    due = int(tab.parked_button.text().split()[-2])
    page.commands.trigger("create")
    form = dialog(qtbot, page, FormDialog)
    fill(form, idea="A ferry for bees")
    submit(qtbot, page, form)
    qtbot.waitUntil(lambda: page.inspector.title.text() == "A ferry for bees")
    page.commands.trigger("edit")
    form = dialog(qtbot, page, FormDialog)
    fill(form, reason="Bees swim", revisit_estimate_months="0")
    submit(qtbot, page, form)
    assert ask(file, parked, "A ferry for bees") == [(None, "Bees swim")]
    qtbot.waitUntil(lambda: tab.parked_button.text() == f"Parked ideas…  {count + 1} · {due + 1} due")
    page.commands.trigger("promote")
    form = dialog(qtbot, page, FormDialog)
    submit(qtbot, page, form)
    assert ask(file, parked, "A ferry for bees") == []
    assert len(ask(file, "SELECT 1 FROM planning_runs WHERE idea = 'A ferry for bees'")) == 1
    undo(qtbot, page)
    assert ask(file, parked, "A ferry for bees") == [(None, "Bees swim")]
    qtbot.waitUntil(lambda: page.model.rowCount() == count + 1)
    qtbot.waitUntil(lambda: page.chips.buttons()[1].text() == f"Due {due + 1}")
    page.chips.buttons()[1].click()
    qtbot.waitUntil(lambda: page.model.rowCount() == due + 1)
    choose(qtbot, page, 0)
    with qtbot.waitSignal(page.context.runner.changed):
        page.commands.trigger("delete")
    assert ask(file, parked, "A ferry for bees") == []
    undo(qtbot, page)
    assert ask(file, parked, "A ferry for bees") == [(None, "Bees swim")]


def test_an_opened_run(  # noqa: PLR0917
    qtbot: QtBot, tab: RunsTab, edge: Edge, file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    most = "GROUP BY run_id ORDER BY max(version) DESC, count(*) DESC LIMIT 1"
    run, total = ask(file, f"SELECT run_id, count(*) FROM planning_artifacts {most}")[0]
    ask(file, "UPDATE planning_runs SET status = 'running' WHERE id = ?", run)
    tab.show_record(run)
    qtbot.waitUntil(lambda: tab.current.record_id == run and tab.current.whole() is not None)
    tab.table.setFocus()
    press("Return")
    page = tab.opener.page
    assert page is not None
    qtbot.waitUntil(lambda: page.story is not None and page.story.run["id"] == run)
    assert page.timeline is not None and any(line.versions for line in page.timeline.phases)
    panel = page.artifacts
    for number in range(panel.phases.count()):
        panel.phases.setCurrentIndex(number)
        if panel.left.versions.count() > 2:
            break
    qtbot.waitUntil(lambda: "differ" in panel.differ.text())
    button(page, "About it").click()
    read = "up to 20,000 entries and notifications are read, and charged"
    assert page.about.said.text() == f"For these {read}."
    with qtbot.waitSignal(tab.context.runner.changed):
        tab.act(planning.set_status, [run], RunStatus.PAUSED, "no budget yet")
    qtbot.waitUntil(lambda: page.why.text() == "Why it is here: it was paused: no budget yet.")
    page.about.read_button.setFocus()
    page.about.read_button.click()
    qtbot.waitUntil(lambda: page.story is not None and page.story.entries is not None)
    assert page.about.said.text().endswith(f"With each change here {read}, again.")
    assert page.about.entries.hasFocus() and page.why.text().endswith("just now: no budget yet.")
    undo(qtbot, tab)
    qtbot.waitUntil(lambda: page.chip.text() == "running")
    assert page.timeline.current is None or not page.timeline.current.is_paused
    assert page.facts[-1]._value.text() == "just now" and page.facts[-1]._unit.text() != ""
    button(page, "Config and fields").click()
    assert page.kept.isVisible()
    page.close_page()

    tab.table.select_ranges([range(2)], 0)
    qtbot.waitUntil(tab.commands.action("compare").isEnabled)
    tab.commands.trigger("compare")
    shown = dialog(qtbot, tab, CompareDialog)
    qtbot.waitUntil(lambda: shown.table is not None)
    shown.reject()
    closed(qtbot, tab, CompareDialog)
    out, before = tmp_path / "run.md", len(edge.calls)
    write_dossier(tab.context, run, out, "Markdown, all versions (*.md)")
    qtbot.waitUntil(out.exists)
    assert out.read_text("utf-8").count("\n### ") == total > 20
    assert len(edge.calls) - before < 10, "several artifacts come with an answer"
    before, database = len(edge.calls), tab.context.opened.database
    with database.connection_context():
        assert save_all(database, run, tmp_path).files == total
    assert len(edge.calls) - before < 10
    tab.open_charts()
    charts = child(tab, ChartsDialog)
    qtbot.waitUntil(charts.chart.isVisible)
    before = len(edge.calls)
    with monkeypatch.context() as much:
        much.setattr("models.engine.MOST_READ", 100)
        charts.refresh()
    assert "As it was when it was read" in charts.said.text() and len(edge.calls) == before
    charts.reject()


def test_the_texts_of_runs_are_searched_when_a_person_agrees(
    qtbot: QtBot, tab: RunsTab, edge: Edge, file: Path
) -> None:
    content = "'One line' || char(10) || 'a Quagga stands here'"
    ask(file, f"UPDATE planning_artifacts SET content = {content} WHERE rowid = 1")
    ((run,),) = ask(file, "SELECT run_id FROM planning_artifacts WHERE rowid = 1")
    tab.context.outside._poll.stop()  # on a busy machine it would tell of that meanwhile
    tab.commands.trigger("search_texts")
    shown = child(tab, RunSearchDialog)
    qtbot.waitUntil(shown.isActiveWindow)
    before = len(edge.calls)
    rows = 2 * sum(ask(file, f"SELECT max(rowid) FROM {name}")[0][0] for name in TEXTS)
    assert shown.state.text().startswith(f"For this, about {rows:,} rows of d1:prod are read, and charged.")
    qtbot.keyClicks(shown.line, "quagga")
    assert len(edge.calls) == before, "nothing is read that nobody agreed to"
    click(qtbot, shown.read_button)
    as_of = f" — as of {absolute_time(NOW, utc=True)}"
    qtbot.waitUntil(lambda: shown.state.text() == f"1 text has it{as_of}")
    assert shown.around.toPlainText().endswith("a Quagga stands here") and shown.read_button.isHidden()
    calls = len(edge.calls)
    shown.line.setText("no such words")
    qtbot.waitUntil(lambda: shown.state.text() == f"Nothing has it{as_of}")
    shown.line.setText("quagga")
    qtbot.waitUntil(lambda: shown.state.text() == f"1 text has it{as_of}")
    assert len(edge.calls) == calls, "what was read is at hand"
    qtbot.keyClick(shown.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tab.opener.is_open and tab.opener.page is not None)
    page = tab.opener.page
    assert page is not None
    qtbot.waitUntil(lambda: "a Quagga stands here" in str(page.artifacts.lines.currentIndex().data()))
    assert page.story is not None and page.story.run["id"] == run
    tab.act(planning.set_status, [run], RunStatus.DELETED)
    changed = "; something has changed since"
    qtbot.waitUntil(lambda: shown.state.text() == f"1 text has it{as_of}{changed}")
    tab.commands.trigger("search_texts")
    assert shown.read_button.text() == "Read again"
    click(qtbot, shown.read_button)
    shown._outdate()  # while they are read
    qtbot.waitUntil(lambda: shown.state.text() == f"1 text has it{as_of}{changed}")
    assert shown.read_button.isVisible()
    shown.reject()
