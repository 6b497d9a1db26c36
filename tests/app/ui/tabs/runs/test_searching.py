"""The search through the texts of runs, as a person uses it."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from pytestqt.qtbot import QtBot

from app.services.records.tables import EVERYONE
from app.services.runs.run_search import TextPlace
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.searching import RunSearchDialog
from app.ui.theme import CONNECTIONS
from tests.fixtures.window import TABLES, ask, child, go, open_file


@pytest.fixture
def opened() -> list[TextPlace]:
    return []


@pytest.fixture
def dialog(context: Context, opened: list[TextPlace], qtbot: QtBot) -> RunSearchDialog:
    ask(context.opened.path, "UPDATE planning_artifacts SET content = 'A <b>Zebra</b>' WHERE rowid = 1")
    dialog = RunSearchDialog(context, EVERYONE, opened.append)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state.text().endswith("read."))
    return dialog


@pytest.mark.parametrize(("room", "mark"), [(QSize(592, 352), ""), (QSize(852, 512), "PRODUCTION · d1:prod")])
def test_on_a_low_screen_all_of_the_table_is_in_sight(
    context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, room: QSize, mark: str
) -> None:
    monkeypatch.setattr(RunSearchDialog, "_room", room)
    dialog = RunSearchDialog(context, EVERYONE, lambda _: None)
    qtbot.addWidget(dialog)
    if mark:
        dialog.set_mark([mark, *CONNECTIONS["yellow"]])
        dialog.read_button.show()  # as before rows that are charged are read
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state.text().endswith("read."))
    table, foot = dialog.table, dialog.open_button
    assert table.mapTo(dialog, table.rect().bottomLeft()).y() < foot.mapTo(dialog, QPoint()).y()
    dialog.reject()


@pytest.mark.slow
def test_words_lead_to_their_run(
    dialog: RunSearchDialog, context: Context, opened: list[TextPlace], qtbot: QtBot
) -> None:
    qtbot.keyClicks(dialog.line, "zebra")
    qtbot.waitUntil(lambda: dialog.state.text() == "1 text has it")
    assert dialog.table.model().index(0, 3).data() == "A <b>Zebra</b>"
    assert dialog.around.toPlainText() == "A <b>Zebra</b>"
    (mark,) = dialog.around.extraSelections()
    assert mark.cursor.selectedText() == "Zebra"
    dialog.table.setFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    ((run,),) = ask(context.opened.path, "SELECT run_id FROM planning_artifacts WHERE rowid = 1")
    assert [place.of.run_id for place in opened] == [run]
    before = dialog.height(), dialog.table.height(), dialog.open_button.mapTo(dialog, QPoint())
    assert dialog.focusWidget() is dialog.table
    dialog.come()
    assert dialog.focusWidget() is dialog.line and dialog.line.selectedText() == "zebra"
    dialog.line.setText("no such words")
    qtbot.waitUntil(lambda: dialog.state.text() == "Nothing has it.")
    assert not dialog.open_button.isEnabled() and not dialog.around.toPlainText()
    now = dialog.height(), dialog.table.height(), dialog.open_button.mapTo(dialog, QPoint())
    assert now == before, "nothing moves while one types"


@pytest.mark.slow
def test_each_place_is_marked_and_read_from_a_word_on(
    dialog: RunSearchDialog, context: Context, qtbot: QtBot
) -> None:
    text = f"{'Nothing of it. ' * 3}\u202eA gnu 😀 met a Gnu, {'and went on ' * 12}with the gnus."
    ask(context.opened.path, "UPDATE planning_artifacts SET content = ? WHERE rowid = 1", text)
    context.outside.written.emit()
    dialog.line.setText("GNU")
    qtbot.waitUntil(lambda: dialog.state.text() == "1 text has it")
    marked = [one.cursor.selectedText() for one in dialog.around.extraSelections()]
    assert marked == ["gnu", "Gnu", "gnu"]
    said = str(dialog.table.model().index(0, 3).data())
    assert said.startswith("…of it. ") and said.endswith(" and went…"), said
    dialog.resize(620, 560)
    titles = dialog.table.horizontalHeader()
    qtbot.waitUntil(lambda: titles.isSectionHidden(1))
    assert titles.length() <= dialog.table.viewport().width(), "what was found is in sight"
    dialog.reject()


@pytest.mark.slow
def test_what_others_write_is_found(dialog: RunSearchDialog, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE planning_artifacts SET content = 'A lion' WHERE rowid = 1")
    context.outside.written.emit()
    dialog.line.setText("a lion")
    qtbot.waitUntil(lambda: dialog.state.text() == "1 text has it")
    assert dialog.around.toPlainText() == "A lion"
    dialog.reject()


def test_after_cancel_enter_reads_again(context: Context, qtbot: QtBot) -> None:
    dialog = RunSearchDialog(context, EVERYONE, lambda place: None)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.come()
    if dialog._reading is None:
        dialog._read()
    dialog.cancel_reading.setFocus()
    qtbot.keyClick(dialog.cancel_reading, Qt.Key.Key_Space)
    assert dialog.line.hasFocus()
    qtbot.waitUntil(lambda: dialog._reading is None)
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Return)
    assert dialog.isVisible(), "it closes nothing"
    dialog.reject()


def test_it_may_be_closed_while_it_reads(context: Context, qtbot: QtBot) -> None:
    dialog = RunSearchDialog(context, EVERYONE, lambda place: None)
    dialog.finished.connect(dialog.deleteLater)
    dialog.show()
    with qtbot.waitSignal(dialog.destroyed):
        dialog.reject()
    qtbot.waitUntil(lambda: not context.runner._running)


@pytest.mark.slow
def test_enter_opens_the_run_at_the_place(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(
        demo_path,
        "UPDATE planning_artifacts SET content = 'One line' || char(10) || 'a quagga stands here'"
        " WHERE id = (SELECT id FROM planning_artifacts WHERE version = 1 AND phase = 'opportunity'"
        " AND run_id IN (SELECT run_id FROM planning_artifacts WHERE version = 3 AND phase = 'opportunity'))",
    )
    open_file(qtbot, window, demo_path)
    tab = go(qtbot, window, TABLES.index("planning_runs"))
    assert isinstance(tab, RunsTab)
    tab.commands.trigger("search_texts")
    dialog = child(tab, RunSearchDialog)
    qtbot.waitUntil(lambda: dialog.state.text().endswith("read."))
    qtbot.keyClicks(dialog.line, "Quagga")
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)  # which looks for it
    qtbot.waitUntil(lambda: dialog.state.text() == "1 text has it")
    assert dialog.isVisible()
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tab.opener.is_open)
    page = tab.opener.page
    assert page is not None
    lines = page.artifacts.lines
    qtbot.waitUntil(lambda: "a quagga stands here" in str(lines.currentIndex().data()))
    assert page.artifacts.phase() == "opportunity" and page.artifacts.sought.text() == "quagga"
    ((idea,),) = ask(
        demo_path,
        "SELECT idea FROM planning_runs WHERE id = (SELECT run_id FROM planning_artifacts"
        " WHERE content LIKE '%quagga%')",
    )
    assert page.title.text() == idea
    assert not dialog.isVisible()
    tab.commands.trigger("search_texts")
    assert dialog.isVisible() and dialog.state.text() == "1 text has it"
    page.close_page()
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    assert tab.opener.is_open and not dialog.isVisible(), "also of the run that is selected already"
    tab.commands.trigger("search_texts")
    ask(
        demo_path,
        "UPDATE planning_runs SET idea = 'An okapi' || char(10) || 'beside an <b>OKAPI</b>' WHERE id ="
        " (SELECT id FROM planning_runs WHERE id <> ? AND id IN (SELECT run_id FROM planning_artifacts))",
        tab.list.current_id(),
    )
    tab.context.outside.written.emit()
    dialog.line.setText("okapi")
    qtbot.waitUntil(lambda: "okapi" in dialog.around.toPlainText())
    qtbot.keyClick(dialog.line, Qt.Key.Key_Return)
    qtbot.waitUntil(page.found.isVisible)
    marks = [mark.cursor.selectedText() for mark in page.found.text.extraSelections()]
    assert marks == ["okapi", "OKAPI"] and page.found.caption.text() == "Found in: Idea"
    assert "beside an <b>OKAPI</b>" in page.found.text.toPlainText()
    page._go(1 if tab.table.currentIndex().row() == 0 else -1)
    qtbot.waitUntil(page.found.isHidden)
    dialog.reject()
