"""What a run has produced, as the page shows it."""

import json
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.runs import statuses as planning
from app.services.runs.contents import ContentKind, kind_of
from app.ui.session.context import Context
from app.ui.tabs.runs.artifacts import ArtifactsPanel
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.line_view import LineKind
from app.ui.widgets.panes import FieldList
from tests.fixtures.window import ask, child, dialog

RUN = "run-artifacts"
STEPS = {f"step {number}": "clinics" for number in range(20)}
CONTENTS: dict[tuple[str, object], object] = {
    ("strategy", 1): json.dumps({"price": 1, **STEPS}),
    ("strategy", 2): json.dumps({"price": 2, **STEPS}),
    ("synthesis", 1): "# All\n\n- one <b>two</b>",
    ("opportunity", 1): '{"broken": ',
    ("odd", "x"): b"\x00\xff",
    ("ends", 1): "one\r\ntwo\r\n",
    ("ends", 2): "one\ntwo",
    ("page", 1): "<html><script>alert(1)</script></html>",
    ("tree", 1): '{"a": [1, 2]}',
    ("long", 1): "# Long\n\n" + "Some words.\n\n" * 4_000 + "A quagga at the end.",
}


@pytest.fixture
def panel(context: Context, qtbot: QtBot) -> ArtifactsPanel:
    path = context.opened.path
    ask(
        path,
        "INSERT INTO planning_runs (id, idea, status, created_at, updated_at)"
        " VALUES (?, 'Idea', 'running', 1, 1)",
        RUN,
    )
    for number, ((phase, version), content) in enumerate(CONTENTS.items()):
        ask(
            path,
            "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict,"
            " overall_score, created_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
            *(f"a{number}", RUN, phase, version, content, "approved", 80 + number, 1_790_000_000),
        )
    panel = ArtifactsPanel(context)
    qtbot.addWidget(panel)
    panel.resize(900, 400)
    panel.show()
    return panel


def show(panel: ArtifactsPanel, qtbot: QtBot, context: Context, phase: str) -> None:
    database = context.opened.database
    with database.connection_context():
        found = planning.get(database, RUN)
    with qtbot.waitSignal(panel.shown):
        panel.show_artifacts(found.run, found.artifacts or (), phase)


def shown_lines(panel: ArtifactsPanel) -> list[str]:
    model = panel.lines.lines
    return [str(model.index(row, 1).data()) for row in range(model.rowCount())]


def test_two_versions_stand_side_by_side(panel: ArtifactsPanel, context: Context, qtbot: QtBot) -> None:
    show(panel, qtbot, context, "strategy")
    assert panel._stack.currentWidget() is panel.lines
    assert panel.differ.text() == "1 line differs"
    kinds = [row.kind for row in panel.lines.lines.rows]
    assert kinds.count(LineKind.DIFFERENT) == 1
    assert panel.left.versions.currentText() == "Version 1 · 80.0"
    assert panel.right.versions.currentText() == "Version 2 · 81.0"
    assert panel.right.facts.text().startswith("2026-")
    panel.down.click()
    assert panel.lines.currentIndex().row() == kinds.index(LineKind.DIFFERENT)
    with qtbot.waitSignal(panel.shown):
        panel.right.versions.setCurrentIndex(0)  # no other version
    assert panel._stack.currentWidget() is panel.tree and panel.differ.isHidden()
    panel.right.versions.setCurrentIndex(2)
    qtbot.waitUntil(lambda: panel._stack.currentWidget() is panel.lines)
    folded = next(row for row in panel.lines.lines.rows if row.kind is LineKind.FOLD)
    words = panel.lines.lines.shown.diff.left[folded.fold.start]
    panel.sought.setText("is nowhere")
    qtbot.waitUntil(lambda: panel.found.text() == "Not found")
    panel.sought.setText(words.strip())
    qtbot.waitUntil(lambda: panel.found.text() == "1 line" and panel.only.isChecked())
    qtbot.keyClick(panel.sought, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: " of " in panel.found.text() and panel.differ.isHidden())
    assert not panel.only.isChecked(), "what was folded is looked through, too"
    qtbot.keyClick(panel.sought, Qt.Key.Key_Escape)
    assert panel.sought.text() == "" and panel.differ.isVisible() and panel.found.isHidden()
    with qtbot.waitSignal(panel.shown):
        panel.beside.click()
    assert panel._stack.currentWidget() is panel.tree
    assert panel.left.versions.currentText() == "Version 2 · 81.0"


def test_columns_that_only_the_file_has_are_shown(
    panel: ArtifactsPanel, context: Context, qtbot: QtBot
) -> None:
    show(panel, qtbot, context, "strategy")
    assert panel.left.others.isHidden() and panel.right.others.isHidden()
    ask(context.opened.path, "ALTER TABLE planning_artifacts ADD review_feedback")
    ask(context.opened.path, "UPDATE planning_artifacts SET review_feedback = 'too dear' WHERE version = 2")
    for phase in ("synthesis", "strategy"):
        with qtbot.waitSignal(panel.shown):
            panel.show_phase(phase)
    assert panel.left.others.isHidden() and panel.right.others.text() == "1 other column…"
    panel.right.others.click()
    box = dialog(qtbot, panel, Dialog)
    assert box.title.text() == "Other columns of strategy, version 2"
    shown = [(one.label, one.value) for one in child(box, FieldList)._fields]
    assert ("review_feedback", "too dear") in shown
    box.close()


def test_in_little_room_what_is_seldom_changed_is_behind_a_button(
    panel: ArtifactsPanel, context: Context, qtbot: QtBot
) -> None:
    show(panel, qtbot, context, "strategy")
    assert panel.only.isVisible() and panel.save_button.isVisible() and panel.more_button.isHidden()
    panel.resize(560, 260)
    assert panel.only.isHidden() and panel.save_button.isHidden() and panel.more_button.isVisible()
    assert panel.right.facts.isHidden() and panel.right.verdict.toolTip().startswith("2026-")
    said = panel.sought.fontMetrics().horizontalAdvance(panel.sought.placeholderText())
    assert said <= panel.sought.width() - 46  # beside the glass
    qtbot.waitUntil(lambda: panel.lines.height() >= 180)  # one line of controls, and one of versions
    menu = panel.more_button.menu()
    menu.aboutToShow.emit()
    only, beside = menu.actions()[:2]
    assert only.isChecked() and beside.isChecked()
    with qtbot.waitSignal(panel.shown):
        beside.trigger()
    menu.aboutToShow.emit()
    assert not beside.isChecked() and panel.right.isHidden() and not only.isVisible()
    panel.resize(900, 400)
    assert panel.beside.isVisible() and panel.only.isHidden() and panel.more_button.isHidden()


def test_what_differs_by_its_line_breaks_is_not_called_the_same(
    panel: ArtifactsPanel, context: Context, qtbot: QtBot
) -> None:
    show(panel, qtbot, context, "ends")
    assert panel.differ.text() == "Only line breaks or layout differ"


def test_a_long_markdown_text_is_shown_in_parts(
    panel: ArtifactsPanel, context: Context, qtbot: QtBot
) -> None:
    show(panel, qtbot, context, "long")
    assert panel.pages.text() == "Part 1 of 3" and not panel.before.isEnabled()
    panel.after.click()
    assert panel.pages.text() == "Part 2 of 3" and panel.markdown.toPlainText().startswith("Some words.")
    panel.pages.setValue(1)
    assert panel.markdown.toPlainText().startswith("Long") and not panel.before.isEnabled()
    panel.sought.setText("zebra")
    assert panel.found.text() == "Not found"
    panel.sought.setText("QUAGGA")
    assert panel.found.text() == "none in this part"
    qtbot.keyClick(panel.sought, Qt.Key.Key_Return)
    assert panel.pages.text() == "Part 3 of 3" and not panel.after.isEnabled()
    assert panel.markdown.textCursor().selectedText() == "quagga"
    assert panel.found.text() == "1 of 1 in this part"
    assert [mark.cursor.selectedText() for mark in panel.markdown.extraSelections()] == ["quagga"]
    panel.as_text.setChecked(True)
    assert panel.pages.isHidden()
    qtbot.waitUntil(lambda: "quagga" in str(panel.lines.currentIndex().siblingAtColumn(1).data()))


def test_each_content_is_shown_as_what_it_is(panel: ArtifactsPanel, context: Context, qtbot: QtBot) -> None:
    show(panel, qtbot, context, "synthesis")
    assert panel._stack.currentWidget() is panel.markdown
    assert "one <b>two</b>" in panel.markdown.toPlainText()
    panel.as_text.setChecked(True)
    assert shown_lines(panel) == ["# All", "", "- one <b>two</b>"]
    panel.as_text.setChecked(False)
    for phase, words in (
        ("opportunity", ['{"broken": ']),
        ("odd", ["x'00ff'"]),
        ("page", ["<html><script>alert(1)</script></html>"]),
    ):
        with qtbot.waitSignal(panel.shown):
            panel.show_phase(phase)
        assert panel._stack.currentWidget() is panel.lines
        assert shown_lines(panel) == words
        assert ("not valid JSON" in panel.note.text()) == (phase == "opportunity")
    with qtbot.waitSignal(panel.shown):
        panel.show_phase("tree")
    assert panel._stack.currentWidget() is panel.tree
    panel.sought.setText("2")
    qtbot.keyClick(panel.sought, Qt.Key.Key_Return)
    assert panel._stack.currentWidget() is panel.lines
    qtbot.waitUntil(lambda: panel.found.text() == "1 of 1 line")
    assert panel.lines.currentIndex().row() == 3
    panel.sought.setText("quagga")
    assert panel.found.isHidden(), "it was of other words"
    qtbot.keyClick(panel.sought, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: panel.found.text() == "Not found" and panel.found.isVisible())
    with qtbot.waitSignal(panel.shown):
        panel.show_phase("synthesis")
    assert panel._stack.currentWidget() is panel.markdown, "it was text to find words in the other one"
    assert not panel.as_text.isChecked() and panel.found.text() == "Not found", "of this one"
    panel.show_phase("analytics")
    assert panel.nothing.text() == "analytics has produced nothing yet."
    assert panel.left.isHidden()


def test_what_is_gone_is_said(panel: ArtifactsPanel, context: Context, qtbot: QtBot) -> None:
    show(panel, qtbot, context, "tree")
    ask(context.opened.path, "DELETE FROM planning_artifacts WHERE phase = 'page'")
    panel.show_phase("page")
    qtbot.waitUntil(lambda: "artifact" in panel.nothing.text())


def test_all_of_a_run_is_saved(panel: ArtifactsPanel, context: Context, qtbot: QtBot, tmp_path: Path) -> None:
    show(panel, qtbot, context, "tree")
    panel.save_run_in(tmp_path)
    qtbot.waitUntil(lambda: len(list(tmp_path.glob("Idea/*"))) == len(CONTENTS))


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (' {"a": 1}', ContentKind.JSON),
        ("[" * 100_000, ContentKind.DEEP_JSON),
        (f'{{"n": {"9" * 4_500}}}', ContentKind.JSON),
        ('{"n": NaN}', ContentKind.BROKEN_JSON),
        ("<h1>no</h1>\n- x", ContentKind.TEXT),
        ("Words alone.", ContentKind.TEXT),
        ("1. one\n2. two", ContentKind.MARKDOWN),
        ("", ContentKind.TEXT),
    ],
)
def test_what_a_content_is(content: str, kind: ContentKind) -> None:
    assert kind_of(content) is kind
