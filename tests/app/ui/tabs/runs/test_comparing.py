"""Runs side by side, and one as a document."""

from pathlib import Path

import pytest
from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import ALIGNMENT, DESCRIPTION, RIGHT, Role
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.comparing import CompareDialog
from app.ui.tabs.runs.reading_acts import dossier_name, write_dossier
from app.ui.theme.icons import Icon
from app.ui.widgets.formatting import times_apart
from tests.app.ui.conftest import ShowTab
from tests.fixtures.window import ask, dialog, texts


@pytest.mark.slow
def test_on_a_low_screen_the_rows_alone_scroll_below_the_names_of_the_runs(
    show_tab: ShowTab, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CompareDialog, "_room", QSize(592, 352))
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: tab.model.rowCount() > 3)
    tab.table.select_ranges([range(3)], 0)
    qtbot.waitUntil(lambda: tab.commands.action("compare").isEnabled())
    tab.commands.trigger("compare")
    shown = dialog(qtbot, tab, CompareDialog)
    qtbot.waitUntil(lambda: shown.table is not None and shown.table.verticalScrollBar().maximum() > 0)
    assert not shown._scrolls
    shown.reject()


@pytest.mark.slow
def test_three_runs_side_by_side(show_tab: ShowTab, tmp_path: Path, qtbot: QtBot) -> None:
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: tab.model.rowCount() > 3)
    keys = [str(tab.model.record_id(row)) for row in range(3)]
    for key, end in zip(keys, ("asks for cards", "asks for cash", "is free"), strict=True):
        refined = f"A booking service in many languages for the inns of the Alps, which {end}"
        ask(
            tab.context.opened.path,
            "UPDATE planning_runs SET idea = 'Inns', refined_idea = ?, revenue_potential = ? WHERE id = ?",
            *(refined, len(end), key),
        )
    tab.table.select_row(0)
    assert not tab.commands.action("compare").isEnabled()
    assert "Select 2 to 5" in tab.commands.action("compare").toolTip()
    tab.table.select_ranges([range(3)], 0)
    qtbot.waitUntil(lambda: tab.commands.action("compare").isEnabled())
    tab.commands.trigger("compare")
    shown = dialog(qtbot, tab, CompareDialog)
    qtbot.waitUntil(lambda: shown.table is not None)
    assert shown.table is not None and shown.table.hasFocus()
    few, titles = shown.table.model().rowCount(), shown.table.model().columnCount()
    assert titles == 4 and few == len(shown.shown.different)
    heads = [shown.table.model().headerData(column, Qt.Orientation.Horizontal) for column in range(1, titles)]
    begun = times_apart([at or 0 for at in shown.shown.created], tab.context.settings.utc_times)
    assert heads == [f"Inns · {at}" for at in begun], "runs of one idea are told apart"
    zone = shown.table.model().headerData(0, Qt.Orientation.Horizontal)
    assert zone.startswith("Field · Created (") and zone.endswith(")")
    (told,) = (row[1:] for row in texts(shown.table) if row[0] == "Refined idea")
    assert {cell.removeprefix("…Alps, which ") for cell in told} == {
        *("asks for cards", "asks for cash", "is free")
    }
    row = [one.what for one in shown.shown.different].index("Revenue")
    marks = [shown.table.model().index(row, column) for column in (1, 2, 3)]
    assert all(one.data(ALIGNMENT) == RIGHT for one in marks)
    (best,) = (one for one in marks if one.data(Role.ICON) == Icon.STAR)
    assert best.data(DESCRIPTION) == "$14, the best of them", "not by its colour alone"
    row = [one.what for one in shown.shown.different].index("Refined idea")
    shown.resize(700, 560)
    qtbot.waitUntil(
        lambda: shown.table is not None and shown.table.rowHeight(row) > 3 * shown.fontMetrics().height()
    )
    times = [at or 0 for at in shown.shown.created]
    assert times == sorted(times, reverse=True)
    shown.equal.click()
    assert shown.table.model().rowCount() == len(shown.shown.lines) > few
    shown.newest.click()
    assert shown.shown.ids == tuple(tab.model.record_id(row) for row in range(3))
    shown.copy_csv.click()
    assert QGuiApplication.clipboard().text().startswith("field,differs,")
    shown.copy_markdown.click()
    assert "## Different" in QGuiApplication.clipboard().text()
    target = tmp_path / "runs.md"
    shown.export_to(target)
    qtbot.waitUntil(target.exists)
    assert target.read_text("utf-8").startswith("# Planning runs compared")
    shown.reject()
    said: list[str] = []
    tab.context.say = lambda words, *rest: said.append(words)
    ask(tab.context.opened.path, "DELETE FROM planning_artifacts WHERE run_id = ?", keys[1])
    ask(tab.context.opened.path, "DELETE FROM planning_runs WHERE id = ?", keys[1])
    tab.commands.trigger("compare")
    qtbot.waitUntil(lambda: "1 run of those selected is gone." in said)


def test_a_run_becomes_a_document(show_tab: ShowTab, tmp_path: Path, qtbot: QtBot) -> None:
    tab = show_tab(RunsTab)
    qtbot.waitUntil(lambda: tab.model.rowCount() > 3)
    tab.table.clearSelection()
    qtbot.waitUntil(lambda: "Select a run first." in tab.commands.action("dossier").toolTip())
    tab.table.select_row(0)
    assert tab.commands.action("dossier").isEnabled()
    assert dossier_name("run_01/K", "Ünïque: 小さな旅館 ../x" + "y" * 99).startswith(
        "run-ünïque-小さな旅館-x"
    )
    assert dossier_name("run_01/K", "\n/..") == "run-01-K.html"
    target = tmp_path / "run.md"
    write_dossier(tab.context, tab.model.record_id(0), target, "HTML, all versions (*.html)")
    qtbot.waitUntil(target.exists)
    assert target.read_text("utf-8").startswith("# ")
