"""The search through the texts of runs, as a person uses it."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.records.run_search import Place
from app.services.records.tables import EVERYONE
from app.ui.session.context import Context
from app.ui.tabs.runs.searching import RunSearchDialog
from tests.fixtures.window import ask


@pytest.fixture
def opened() -> list[Place]:
    return []


@pytest.fixture
def dialog(context: Context, opened: list[Place], qtbot: QtBot) -> RunSearchDialog:
    ask(context.opened.path, "UPDATE planning_artifacts SET content = 'A <b>Zebra</b>' WHERE rowid = 1")
    dialog = RunSearchDialog(context, EVERYONE, opened.append)
    qtbot.addWidget(dialog)
    dialog.show()
    qtbot.waitUntil(lambda: dialog.state.text().endswith("read."))
    return dialog


def test_words_lead_to_their_run(
    dialog: RunSearchDialog, context: Context, opened: list[Place], qtbot: QtBot
) -> None:
    qtbot.keyClicks(dialog.line, "zebra")
    qtbot.waitUntil(lambda: dialog.state.text() == "1 place")
    assert dialog.table.model().index(0, 2).data() == "A <b>Zebra</b>"
    assert dialog.around.toPlainText() == "A <b>Zebra</b>"
    (mark,) = dialog.around.extraSelections()
    assert mark.cursor.selectedText() == "Zebra"
    dialog.table.setFocus()
    qtbot.keyClick(dialog.table, Qt.Key.Key_Return)
    ((run,),) = ask(context.opened.path, "SELECT run_id FROM planning_artifacts WHERE rowid = 1")
    assert [place.of.run_id for place in opened] == [run]
    dialog.line.setText("no such words")
    qtbot.waitUntil(lambda: dialog.state.text() == "Nothing has it.")
    assert not dialog.open_button.isEnabled() and not dialog.around.toPlainText()


def test_what_others_write_is_found(dialog: RunSearchDialog, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE planning_artifacts SET content = 'A lion' WHERE rowid = 1")
    context.outside.written.emit()
    dialog.line.setText("a lion")
    qtbot.waitUntil(lambda: dialog.state.text() == "1 place")
    assert dialog.around.toPlainText() == "A lion"
    dialog.reject()


def test_it_may_be_closed_while_it_reads(context: Context, qtbot: QtBot) -> None:
    dialog = RunSearchDialog(context, EVERYONE, lambda place: None)
    dialog.finished.connect(dialog.deleteLater)
    dialog.show()
    with qtbot.waitSignal(dialog.destroyed):
        dialog.reject()
    qtbot.waitUntil(lambda: not context.runner._running)
