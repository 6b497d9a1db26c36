"""Notifications as a person works through them."""

import json
from typing import Any

import apsw
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Role, Tone
from app.ui.session.context import Context
from app.ui.tabs.notifications import NotificationsTab
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.formatting import day
from models.errors import ChangedMeanwhile
from models.status import DAY
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.seen import cut
from tests.fixtures.window import ask, dialog, pick, texts, value_of

OPENS = "open_what_it_names"


@pytest.fixture
def tab(show_tab: ShowTab) -> NotificationsTab:
    return show_tab(NotificationsTab)


def stored(context: Context, sql: str) -> Any:
    connection = apsw.Connection(str(context.opened.path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql).get
    finally:
        connection.close()


def unread(context: Context) -> int:
    return int(stored(context, "SELECT COUNT(*) FROM notifications WHERE read = 0"))


def row_in_state(tab: NotificationsTab, word: str) -> int:
    return next(row for row in range(tab.model.rowCount()) if state(tab, row) == word)


def state(tab: NotificationsTab, row: int) -> str:
    return str(tab.model.index(row, 0).data())


def choose(tab: NotificationsTab, qtbot: QtBot, row: int) -> None:
    tab.table.setFocus()
    tab.table.select_row(row)
    wanted = tab.model.record_id(row)
    qtbot.waitUntil(lambda: tab.list.current_id() == wanted and tab.current.whole() is not None)


@pytest.mark.slow
def test_unread_ones_are_said_by_word_icon_and_tone(tab: NotificationsTab) -> None:
    row = row_in_state(tab, "unread")
    cell, title = tab.model.index(row, 0), tab.model.index(row, 1)
    assert cell.data(Role.ICON) and cell.data(Role.TONE) == Tone.ACCENT
    assert title.data(Role.TONE) == Tone.ACCENT
    read = tab.model.index(row_in_state(tab, "read"), 0)
    assert read.data(Role.TONE) is None and read.data(Role.ICON) != cell.data(Role.ICON)


@pytest.mark.slow
def test_an_act_right_behind_another_is_not_held_against_what_was_seen_before(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    row = row_in_state(tab, "unread")
    choose(tab, qtbot, row)
    tab._mark(True)
    qtbot.waitUntil(lambda: state(tab, row) == "read")
    ends: list[object] = []
    context.runner.changed.connect(lambda change, _: ends.append(change))
    context.runner.failed.connect(ends.append)
    context.history.undo()
    tab._mark(True)  # which is written before or after it
    qtbot.waitUntil(lambda: len(ends) == 2)
    assert not any(isinstance(end, ChangedMeanwhile) for end in ends), ends


@pytest.mark.slow
@pytest.mark.parametrize("told", [False, True], ids=["on its way", "told of"])
def test_an_own_act_that_the_list_does_not_show_yet_is_no_reason_to_refuse_the_next(
    tab: NotificationsTab, context: Context, qtbot: QtBot, told: bool
) -> None:
    row = row_in_state(tab, "unread")
    choose(tab, qtbot, row)
    refused: list[str] = []
    tab.commands.refused.connect(refused.append)
    ends: list[object] = []
    context.runner.changed.connect(lambda change, _: ends.append(change.summary))
    context.runner.failed.connect(ends.append)
    if told:
        context.runner.changed.connect(
            lambda change, _: tab.commands.trigger("mark_unread") if len(ends) == 1 else None
        )
    before = unread(context)
    tab.commands.trigger("mark_read")
    if not told:
        tab.commands.trigger("mark_unread")
    qtbot.waitUntil(lambda: bool(refused) or len(ends) == 2)
    assert (refused, ends) == ([], ["1 notification marked read", "1 notification marked unread"])
    assert unread(context) == before


@pytest.mark.slow
def test_a_key_marks_the_row_read_and_goes_on_to_the_next(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    row, before = row_in_state(tab, "unread"), unread(context)
    choose(tab, qtbot, row)
    with qtbot.waitSignal(context.runner.changed) as done:
        qtbot.keyClick(tab.table, Qt.Key.Key_R)
    assert done.args[0].summary == "1 notification marked read"
    qtbot.waitUntil(lambda: state(tab, row) == "read")
    assert tab.table.selected_rows() == [row + 1]
    assert unread(context) == before - 1
    choose(tab, qtbot, row)
    assert "Already" in tab.commands.action("mark_read").toolTip()
    assert not tab.commands.action("mark_read").isEnabled()
    context.history.undo()
    qtbot.waitUntil(lambda: state(tab, row) == "unread")
    qtbot.waitUntil(lambda: tab.commands.action("mark_read").isEnabled())


@pytest.mark.slow
def test_a_filter_on_unread_is_worked_through_from_the_keyboard(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    pick(qtbot, tab, "read", "int:0")
    total = tab.model.rowCount()
    assert total == unread(context)
    choose(tab, qtbot, 2)
    following = tab.model.record_id(3)
    with qtbot.waitSignal(context.runner.changed):
        qtbot.keyClick(tab.table, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 1)
    qtbot.waitUntil(lambda: tab.list.current_id() == following)
    assert tab.table.selected_rows() == [2]


@pytest.mark.slow
def test_exactly_the_selection_is_marked(tab: NotificationsTab, context: Context, qtbot: QtBot) -> None:
    before = unread(context)
    tab.table.select_row(0)
    for _ in range(11):
        qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    states = [tab.model.index(row, tab.model.column_of("read")).data() for row in range(12)]
    assert 0 < states.count("unread") < 12
    for word, state in (("read", "unread"), ("unread", "read")):
        shown = tab.commands._buttons[f"mark_{word}"].text()
        assert shown.startswith(f"Mark {states.count(state)} of 12 {word}")
    pick(qtbot, tab, "read", "int:0")
    tab.table.select_row(1)
    qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    with qtbot.waitSignal(context.runner.changed) as done:
        qtbot.mouseClick(tab.commands._buttons["mark_read"], Qt.MouseButton.LeftButton)
    assert done.args[0].summary == "3 notifications marked read"
    assert unread(context) == before - 3
    ended: list[object] = []
    qtbot.waitUntil(lambda: tab.table.selected_rows() == [1])  # the next ones have moved up
    context.history.undo()
    qtbot.waitUntil(lambda: tab.table.selected_rows() == [1, 2, 3])
    qtbot.mouseClick(tab.commands._buttons["mark_read"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.table.selected_rows() == [1])
    context.history.undo()
    tab.table.select_row(4)  # a person goes on meanwhile
    there = tab.model.record_id(4)
    qtbot.waitUntil(lambda: tab.model.rowCount() == before)
    for _ in range(2):  # behind what the undo may have asked for
        context.runner.read(lambda database: None, on_done=ended.append)
        qtbot.waitUntil(lambda: bool(ended))
    assert (tab.list.current_id(), tab.list.selected_count()) == (there, 1)


@pytest.mark.slow
def test_all_shown_are_frozen_before_the_question(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    before = unread(context)
    shown = stored(context, "SELECT COUNT(*) FROM notifications WHERE read = 0 AND type = 'run_killed'")
    pick(qtbot, tab, "type", "str:run_killed")
    turns, before_it = context.turns, list[bool]()
    turn = turns.take()  # what was asked for before, and waits for its rows
    qtbot.mouseClick(tab.commands._buttons["read_all"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: turns.last is not turn and turns.last is not None and turns.last.go is not None)
    turns.give(turn, lambda: before_it.append(not tab.findChildren(ConfirmDialog)))
    asked = dialog(qtbot, tab, ConfirmDialog)
    assert before_it == [True], "asked in its turn"
    assert asked.title.text() == f"Mark {shown} notifications as read?"
    writer = apsw.Connection(str(context.opened.path))
    writer.execute(
        "INSERT INTO notifications (id, tenant_id, type, title, message, read, created_at) "
        "VALUES ('late', 'acme-corp', 'run_killed', 'Late', 'came while the question stood', 0, 1795000001)"
    )
    writer.close()
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(asked.confirm_button, Qt.MouseButton.LeftButton)
    assert unread(context) == before - shown + 1
    assert stored(context, "SELECT read FROM notifications WHERE id = 'late'") == 0


def test_all_read_already_is_said_and_nothing_is_asked(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    pick(qtbot, tab, "read", "int:1")
    with qtbot.waitSignal(context.runner.failed) as failed:
        tab.commands.trigger("read_all")
    assert "marked read already" in str(failed.args[0])
    assert not tab.findChildren(ConfirmDialog)


@pytest.mark.slow
def test_the_inspector_shows_the_message_whole_and_opens_the_run(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    choose(tab, qtbot, 0)
    record = tab.current.whole()
    assert record is not None
    assert tab._message.text() == record.note["message"]
    assert record.opened.title is not None and record.opened.id in tab._metadata.text_view.toPlainText()
    for key in (Qt.Key.Key_Return, Qt.Key.Key_O):
        with qtbot.waitSignal(tab.jump) as jump:
            qtbot.keyClick(tab.table, key)
        assert jump.args == ["planning_runs", record.opened.id]


@pytest.mark.slow
@pytest.mark.parametrize(("table", "key"), [("users", "userId"), ("webhook_destinations", "webhookId")])
def test_a_letter_opens_the_user_or_the_webhook_that_the_metadata_name(
    show_tab: ShowTab, context: Context, qtbot: QtBot, table: str, key: str
) -> None:
    ((wanted,),) = ask(context.opened.path, f"SELECT id FROM {table} ORDER BY id LIMIT 1")
    metadata = json.dumps({"runId": "run_gone", key: wanted})
    newest = "id = (SELECT id FROM notifications ORDER BY created_at DESC, rowid DESC LIMIT 1)"
    ask(context.opened.path, f"UPDATE notifications SET metadata = ? WHERE {newest}", metadata)
    tab = show_tab(NotificationsTab)
    choose(tab, qtbot, 0)
    noun = "user" if table == "users" else "webhook"
    assert tab.commands._buttons[OPENS].accessibleName() == f"Open {noun}"
    assert value_of(tab.fields, f"{noun.capitalize()} id") == wanted
    with qtbot.waitSignal(tab.jump) as jump:
        qtbot.keyClick(tab.table, Qt.Key.Key_O)
    assert jump.args == [table, wanted]


@pytest.mark.slow
def test_the_inbox_is_gone_through_by_letters_alone(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    """As typed, without a look: each letter is about the row that the one before has led to."""
    ask(context.opened.path, "UPDATE notifications SET read = 0")
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    total = tab.model.rowCount()
    pick(qtbot, tab, "read", "int:0")
    choose(tab, qtbot, 0)
    ids = [tab.model.record_id(row) for row in range(8)]
    qtbot.keyClicks(tab.table, "jjk")
    assert tab.table.selected_rows() == [1]
    qtbot.keyClicks(tab.table, "rrr")  # the second to the fourth
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 3)
    marked = [one for (one,) in ask(context.opened.path, "SELECT id FROM notifications WHERE read = 1")]
    assert set(marked) == set(ids[1:4])
    qtbot.waitUntil(lambda: tab.list.current_id() == ids[4] and tab.table.selected_rows() == [1])
    qtbot.keyClicks(tab.table, "xjjxjx")
    assert tab.table.selected_rows() == [1, 3, 4]
    qtbot.keyClicks(tab.table, "x")
    assert tab.table.selected_rows() == [1, 3], "let go again"
    # The last single one may be told only now: the list was read behind it, for the one before.
    is_of_two = lambda change, _: change.summary == "2 notifications marked read"  # noqa: E731
    with qtbot.waitSignal(context.runner.changed, check_params_cb=is_of_two):
        qtbot.keyClick(tab.table, Qt.Key.Key_R)
    assert ask(context.opened.path, "SELECT id FROM notifications WHERE read = 1 AND id = ?", ids[6])
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 5 and len(tab.table.selected_rows()) == 1)
    at = tab.table.selected_rows()[0]
    qtbot.keyClicks(tab.table, "j")
    assert tab.table.selected_rows() == [at + 1], "what was picked out has been dealt with"


def test_unread_ones_are_shown_first_and_what_was_wanted_last_is_kept(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    context.settings.unread_alone = True
    tab = show_tab(NotificationsTab)
    assert tab.model.rowCount() == unread(context) > 0
    assert tab.filters.pickers["read"].currentText() == "Unread"
    ask(context.opened.path, "UPDATE notifications SET read = 1")
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert (tab.model.rowCount(), tab.empty_state.title.text()) == (0, "Nothing unread")
    assert tab.clear_button.isVisible() and tab.clear_button.text() == "Show all notifications"
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.mouseClick(tab.clear_button, Qt.MouseButton.LeftButton)
    total = int(stored(context, "SELECT COUNT(*) FROM notifications"))
    assert tab.model.rowCount() == total and not context.settings.unread_alone
    assert show_tab(NotificationsTab).model.rowCount() == total, "all were wanted last"
    pick(qtbot, tab, "read", "int:0")
    assert context.settings.unread_alone
    tab.set_filter_text("zeppelin")
    qtbot.waitUntil(lambda: tab.empty_state.title.text() == "No match")
    assert tab.clear_button.text() == "Clear filters"
    tab.clear_filters()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)
    assert context.settings.unread_alone, "to look past a filter is no wish for ever"


@pytest.mark.slow
def test_a_record_asked_for_is_shown_although_it_is_read(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    context.settings.unread_alone = True
    tab = show_tab(NotificationsTab)
    ((read,),) = ask(context.opened.path, "SELECT id FROM notifications WHERE read = 1 LIMIT 1")
    tab.show_record(read)
    qtbot.waitUntil(lambda: tab.list.current_id() == read)


def test_each_row_says_when_retention_removes_it(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    path, column = context.opened.path, "leaves"
    newest = "SELECT id FROM notifications ORDER BY created_at DESC, rowid DESC LIMIT 4"
    ids = [key for (key,) in ask(path, newest)]
    made = {0: NOW - 91 * DAY, 1: NOW - 88 * DAY, 2: NOW - 200 * DAY, 3: "soon"}
    ask(path, "DELETE FROM notifications WHERE id NOT IN (?, ?, ?, ?)", *ids)
    for place, at in made.items():
        read, values = int(place != 2), (at, ids[place])
        ask(path, f"UPDATE notifications SET read = {read}, created_at = ? WHERE id = ?", *values)
    tab = show_tab(NotificationsTab)

    def said() -> dict[str, str]:
        at = tab.model.column_of(column)
        rows = range(tab.model.rowCount())
        return {str(tab.model.record_id(row)): str(tab.model.index(row, at).data()) for row in rows}

    assert [said()[key] for key in ids] == [
        *("when it runs", f"from {day(NOW + 2 * DAY, utc=context.settings.utc_times)}"),
        *("kept, unread", "never"),
    ]
    row = next(row for row in range(4) if tab.model.record_id(row) == ids[1])
    choose(tab, qtbot, row)
    assert value_of(tab.fields, "Removal").startswith("2026-")
    tip = tab.model.index(row, tab.model.column_of(column)).data(Qt.ItemDataRole.ToolTipRole)
    assert "the run after that removes it" in tip and "does not run by itself" in tip
    context.settings.retention_days = 30
    context.settings.retention_enabled.set(context.opened.kept_by, True)
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert [said()[key] for key in ids] == ["next run", "next run", "kept, unread", "never"]
    tip = tab.model.index(row, tab.model.column_of(column)).data(Qt.ItemDataRole.ToolTipRole)
    assert tip.endswith("and the next run removes it.") or "the next run removes it.</" in tip


@pytest.mark.slow
def test_groups_stand_beside_the_list_and_are_dealt_with_as_a_whole(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    path = context.opened.path
    named = "SELECT count(*), total(read = 0) FROM notifications WHERE metadata ->> 'runId' = ?"
    tab.activateWindow()
    tab.table.setFocus()
    everything = tab.model.rowCount()
    tab.commands.trigger("groups")
    panel = tab.groups
    assert panel is not None
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 1)
    group = panel._groups[0]
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.keyClick(panel.table, Qt.Key.Key_J)
    assert texts(panel.table)[1] == [group.title, f"{group.unread} of {group.rows}"]
    assert tab.model.rowCount() == group.rows and ask(path, named, group.value) == [
        (group.rows, group.unread)
    ]
    assert group.unread > 1 and panel.buttons["mark_read"].accessibleName() == f"Mark {group.unread} read"
    with qtbot.waitSignal(context.runner.changed):
        qtbot.keyClick(panel.table, Qt.Key.Key_R)
    assert ask(path, named, group.value) == [(group.rows, 0)]
    qtbot.waitUntil(lambda: not panel.buttons["mark_read"].isEnabled())
    assert texts(panel.table)[1] == [group.title, f"0 of {group.rows}"], "it does not sink under one's hand"
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    assert ask(path, named, group.value) == [(group.rows, group.unread)], "as one act"
    with qtbot.waitSignal(tab.list.loaded):
        panel.table.select_row(0)
    assert tab.model.rowCount() == everything
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Return):
        panel.table.setFocus()
        qtbot.keyClick(panel.table, key)
        assert tab.table.hasFocus(), "which goes on in the list"

    with qtbot.waitSignal(panel.counted):
        panel.by.setCurrentIndex(2)
    tab.filter_by("read", 0)  # as an inbox begins: all of a group are more than those
    counts = "SELECT tenant_id, sum(read = 0), count(*) FROM notifications GROUP BY 1 HAVING sum(read = 0)"
    expected = {(tenant, f"{unread} of {all_}") for tenant, unread, all_ in ask(path, counts)}
    qtbot.waitUntil(lambda: {tuple(row) for row in texts(panel.table)[1:]} == expected)
    place = 1
    with qtbot.waitSignal(tab.list.loaded):
        panel.table.select_row(place)
    tenant, unread = texts(panel.table)[place][0], texts(panel.table)[place][1].split(" of ")[0]
    assert tab.model.rowCount() == int(unread) and tab.query().choices[-1] == ("tenant_id", (tenant,))
    following = texts(panel.table)[place + 1 if place < len(expected) else place - 1][0]
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(panel.buttons["mark_read"], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.query().choices[-1] == ("tenant_id", (following,)))
    qtbot.waitUntil(lambda: tab.list.shown == tab.query() and tab.model.rowCount() > 0)
    context.history.undo()
    qtbot.waitUntil(lambda: tab.query().choices[-1] == ("tenant_id", (tenant,)))
    qtbot.waitUntil(lambda: tab.list.shown == tab.query() and tab.model.rowCount() == int(unread))
    qtbot.waitUntil(lambda: texts(panel.table)[panel.table.selected_rows()[0]][0] == tenant)
    context.history.redo()
    qtbot.waitUntil(lambda: tab.query().choices[-1] == ("tenant_id", (following,)))
    qtbot.waitUntil(lambda: tab.list.shown == tab.query() and tab.model.rowCount() > 0)
    tab.clear_filters()
    qtbot.waitUntil(lambda: tab.model.rowCount() == everything)
    assert panel.table.selected_rows() == [0]
    panel.field.setText(following[1:-1].upper())
    qtbot.waitUntil(lambda: panel.state.text().startswith("1 of "))
    assert [row[0] for row in texts(panel.table)[1:]] == [following]
    assert texts(panel.table)[0][1].endswith(f" of {everything}")
    with qtbot.waitSignal(panel.counted):
        qtbot.keyClick(panel.field, Qt.Key.Key_Escape)
    panel.table.select_row(place)
    name = panel.name()
    panel._act("delete")
    qtbot.waitUntil(lambda: bool(tab.findChildren(ConfirmDialog)))
    (question,) = tab.findChildren(ConfirmDialog)
    assert any(f"Of “{name}”: " in label.text() for label in question.findChildren(QLabel))
    question.reject()
    panel.table.select_row(0)
    qtbot.waitUntil(lambda: tab.list.shown == tab.query() and tab.model.rowCount() == everything)
    choose(tab, qtbot, 0)
    marks = [one for one in ("mark_read", "mark_unread") if tab.commands.action(one).isEnabled()]
    with qtbot.waitSignal(context.runner.changed):
        tab.commands.trigger(marks[0])
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    assert tab.query().choices == (), "no group was acted on"
    tab._both.moveSplitter(240, 1)
    assert {button.text().partition("(")[2] for button in panel.buttons.values()} == {"R)", "U)", "Del)"}
    tab._both.moveSplitter(200, 1)
    assert tab._both.sizes()[0] == context.settings.groups_width == 200
    tab.commands.trigger("groups")
    assert not panel.isVisible() and tab.query().choices == ()


def test_letters_say_what_they_do_and_those_that_go_about_have_no_button(tab: NotificationsTab) -> None:
    keys = dict(tab.commands.shortcuts())
    assert [keys[letter] for letter in "JKXRUO"] == [
        "Next notification",
        "Previous notification",
        "Select or deselect",
        "Mark read",
        "Mark unread",
        "Open what it names",
    ]
    assert not {"next", "previous", "pick"} & tab.commands._buttons.keys()


@pytest.mark.slow
@pytest.mark.parametrize("message", ["goes on " * 100, "W" * 300, "\n" * 20 + "the end"])
def test_a_message_that_would_fill_the_inspector_opens_on_demand(
    tab: NotificationsTab, context: Context, qtbot: QtBot, message: str
) -> None:
    first = tab.model.record_id(0)
    writer = apsw.Connection(str(context.opened.path))
    writer.execute("UPDATE notifications SET message = ? WHERE id = ?", (message, first))
    writer.close()
    choose(tab, qtbot, 0)
    assert tab._message.isHidden()
    assert [field.value for field in tab.fields._fields if field.label == "Message"] == [message]


@pytest.mark.slow
def test_without_its_run_the_button_says_why(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    reasons = {
        "NULL": "names no run, user or webhook",
        "'no json'": "names no run, user or webhook",
        "'[1]'": "names no run, user or webhook",
        "'{\"runId\":7}'": "names no run, user or webhook",
        '\'{"runId":"run_gone"}\'': "no longer in this database",
        "x'00ff'": "names no run, user or webhook",
    }
    path = context.opened.path
    ids = [row[0] for row in ask(path, "SELECT id FROM notifications ORDER BY created_at DESC LIMIT 6")]
    for record_id, metadata in zip(ids, reasons, strict=True):
        ask(path, f"UPDATE notifications SET metadata = {metadata} WHERE id = ?", record_id)
    tab = show_tab(NotificationsTab)
    button = tab.commands._buttons[OPENS]
    for record_id, (metadata, reason) in zip(ids, reasons.items(), strict=True):
        rows = range(tab.model.rowCount())
        choose(tab, qtbot, next(row for row in rows if tab.model.record_id(row) == record_id))
        assert not button.isEnabled() and reason in button.toolTip(), metadata


@pytest.mark.slow
def test_a_row_far_down_is_read_when_it_has_come(tab: NotificationsTab, qtbot: QtBot) -> None:
    tab.table.setFocus()
    qtbot.keyClick(tab.table, Qt.Key.Key_End)
    last = tab.model.rowCount() - 1
    qtbot.waitUntil(lambda: tab.model.record_id(last) is not None)
    qtbot.waitUntil(
        lambda: tab.current.record_id == tab.model.record_id(last) and tab.inspector.empty.isHidden()
    )


@pytest.mark.slow
def test_a_letter_typed_into_the_filter_marks_nothing(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    before = unread(context)
    choose(tab, qtbot, row_in_state(tab, "unread"))
    tab.activateWindow()
    tab.filters.focus_text()
    with qtbot.waitSignal(tab.filters.changed):
        qtbot.keyClick(tab.filters.text, Qt.Key.Key_R)
    assert tab.filters.values().text == "r"
    assert unread(context) == before


@pytest.mark.slow
def test_a_read_only_file_says_why(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    object.__setattr__(context.opened, "read_only_reason", "the disk is read-only")
    tab = show_tab(NotificationsTab)
    choose(tab, qtbot, 0)
    for name in ("mark_read", "mark_unread", "read_all"):
        action = tab.commands.action(name)
        assert not action.isEnabled() and "the disk is read-only" in action.toolTip()


@pytest.mark.slow
def test_one_goes_by_a_key_and_several_after_a_question_and_undo_brings_them_back(
    tab: NotificationsTab, context: Context, qtbot: QtBot
) -> None:
    count = int(stored(context, "SELECT COUNT(*) FROM notifications"))
    choose(tab, qtbot, 1)
    wanted = tab.model.record_id(2)
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.model.rowCount() == count - 1 and tab.list.current_id() == wanted)
    tab.table.selectAll()
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    asked = dialog(qtbot, tab, ConfirmDialog)
    assert asked.windowTitle() == f"Delete {count - 1:,} notifications?"
    assert not asked.confirm_button.isEnabled() and "no notification left." in asked.sentence.text()
    whose = stored(context, "SELECT COUNT(DISTINCT tenant_id) FROM notifications")
    asked.typed.setText(f"{whose} tenants")
    qtbot.mouseClick(asked.confirm_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.model.rowCount() == 0)
    context.history.undo()
    context.history.undo()
    qtbot.waitUntil(lambda: tab.model.rowCount() == count)
    assert int(stored(context, "SELECT COUNT(*) FROM notifications")) == count


@pytest.mark.slow
def test_in_a_low_window_groups_have_their_room_before_the_field(tab: NotificationsTab, qtbot: QtBot) -> None:
    tab.commands.trigger("groups")
    panel = tab.groups
    assert panel is not None
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 3)
    low = (False, True, False)
    for height, is_low in zip((560, 214, 560), low, strict=True):
        tab.resize(632, height)
        qtbot.waitUntil(lambda is_low=is_low: panel.field.isHidden() is is_low)  # type: ignore[misc]
        qtbot.waitUntil(lambda: panel.table.rect().height() >= panel.table.horizontalHeader().height() + 52)
        qtbot.waitUntil(lambda: cut(tab) == [])
        assert panel.by.isVisible() and panel.buttons["delete"].isVisible()
        assert panel.state.isHidden() is is_low


@pytest.mark.slow
def test_a_window_that_becomes_narrow_keeps_its_filter_in_one_line(
    tab: NotificationsTab, qtbot: QtBot
) -> None:
    tab.resize(634, 300)  # as one of production at 200 %, with its edge
    buttons = tab.filters._trailing
    qtbot.waitUntil(lambda: tab.filters.width() == 602 and all(not one.text() for one in buttons))
    qtbot.waitUntil(lambda: bool(tab.filters.count.text()))
    assert not tab.filters._in_two


@pytest.mark.slow
def test_where_room_is_short_the_time_goes_before_the_state_and_the_title(
    tab: NotificationsTab, qtbot: QtBot
) -> None:
    header, column_of = tab.table.horizontalHeader(), tab.model.column_of

    def shown() -> set[str]:
        return {
            name for name in ("created_at", "read", "title") if not header.isSectionHidden(column_of(name))
        }

    tab.fold_inspector(True)
    tab.table.sortByColumn(column_of("title"), Qt.SortOrder.AscendingOrder)
    tab.resize(480, 400)
    qtbot.waitUntil(lambda: shown() == {"read", "title"})
    tab.table.sortByColumn(column_of("created_at"), Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: "created_at" in shown())  # what the rows are in order of stays
    choose(tab, qtbot, 0)
    tab.resize(634, 400)
    tab.fold_inspector(False)
    qtbot.waitUntil(lambda: tab.table.width() < 260)
    qtbot.waitUntil(lambda: shown() == {"created_at", "title"})


@pytest.mark.slow
def test_a_selection_is_said_beside_the_buttons_of_a_narrow_window(
    tab: NotificationsTab, qtbot: QtBot
) -> None:
    count = tab.filters.count
    for width in (780, 820, 860, 880):
        tab.table.clearSelection()
        tab.resize(width, 460)
        qtbot.waitUntil(lambda: count.text() == f"{tab.model.rowCount()}")
        QApplication.sendPostedEvents()
        place = count.x()
        tab.table.select_row(0)
        qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
        qtbot.waitUntil(lambda: count.text() in ("✓ 2", "2 selected"))
    qtbot.waitUntil(lambda: (count.text(), count.x()) == ("2 selected", place))


def chips(tab: NotificationsTab) -> list[QPushButton]:
    return [
        one for one in tab.filters.findChildren(QPushButton) if one.isVisible() and "Group:" in one.text()
    ]


@pytest.mark.slow
def test_in_a_narrow_window_groups_put_the_inspector_away_and_give_it_back(
    tab: NotificationsTab, qtbot: QtBot
) -> None:
    tab.resize(690, 420)
    tab.fold_inspector(False)
    assert not tab._master_detail.is_folded
    tab.commands.trigger("groups")
    qtbot.waitUntil(tab._has_groups)
    assert tab._master_detail.is_folded
    qtbot.waitUntil(lambda: tab.table.width() > 300)
    panel = tab.groups
    assert panel is not None
    tab.fold_inspector(False)  # which a person may want all the same: the list keeps its room
    assert not tab._master_detail.is_folded and not panel.isVisible()
    qtbot.waitUntil(lambda: tab.table.width() > 220)
    assert tab.table.hasFocus() and tab.commands.action("groups").isChecked()
    tab.commands.trigger("groups")
    assert panel.isVisible() and tab._master_detail.is_folded and panel.table.hasFocus()
    tab.fold_inspector(False)
    assert not chips(tab)
    tab.fold_inspector(True)
    assert panel.isVisible()
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 1)
    every = tab.list.model.rowCount()
    with qtbot.waitSignal(tab.list.loaded):
        panel.table.select_row(1)
    assert panel.name() and not chips(tab), "it is marked in the list of groups"
    tab.fold_inspector(False)
    (chip,) = chips(tab)
    assert chip.text() == f"Group: {panel.name()}", "else nothing says what narrows the list"
    tab.fold_inspector(True)
    assert not chips(tab)
    tab.fold_inspector(False)
    with qtbot.waitSignal(tab.list.loaded):
        chip.click()
    assert not chips(tab) and tab.list.model.rowCount() == every and tab.table.hasFocus()
    tab.fold_inspector(True)
    tab.commands.trigger("groups")
    assert not tab._has_groups() and tab._master_detail.is_folded


@pytest.mark.slow
def test_what_is_done_with_a_group_is_said_in_words_where_room_is_short(
    tab: NotificationsTab, qtbot: QtBot
) -> None:
    tab.resize(690, 420)
    pick(qtbot, tab, "read", "int:0")
    tab.commands.trigger("groups")
    panel = tab.groups
    assert panel is not None
    qtbot.waitUntil(lambda: panel.table.model().rowCount() > 1 and panel.buttons["mark_unread"].isHidden())
    for row in (0, 1):
        panel.table.select_row(row)
        for name, word in (("mark_read", "ead"), ("delete", "Delete")):
            qtbot.waitUntil(lambda name=name, word=word: word in panel.buttons[name].text())  # type: ignore[misc]
    tab.filters.pickers["read"].pick(None)
    qtbot.waitUntil(lambda: not panel.buttons["mark_unread"].isHidden())
    tab.resize(1300, 600)
    for width, words in (
        (1300, ["Read (R)", "Unread (U)", "Delete (Del)"]),
        (690, ["(R)", "(U)", "(Del)"]),
    ) * 2:
        tab.resize(width, 600)  # of three none is left without a word beside others that have theirs
        qtbot.waitUntil(lambda words=words: [one.text() for one in panel.buttons.values()] == words)  # type: ignore[misc]
    tab.resize(690, 420)
    for width in (160, 200, 260):  # and its rows do not scroll sideways, however narrow it is drawn
        tab._both.setSizes([width, 658 - width])
        qtbot.waitUntil(lambda width=width: abs(panel.width() - width) < 8)  # type: ignore[misc]
        QApplication.sendPostedEvents()
        assert panel.table.horizontalScrollBar().maximum() == 0
