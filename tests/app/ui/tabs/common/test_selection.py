"""What may be done with the selected rows, and what the inspector shows of them."""

import threading
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.services.records.tables import EVERYONE, Scope
from app.ui.session.context import Context
from app.ui.tabs.common.inspected_tab import GONE_READ
from app.ui.tabs.common.selection import LOOKED_AT
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.users import UsersTab
from tests.app.ui.conftest import ShowTab
from tests.fixtures.window import ask, pick

READ = ("read", True, "Already marked")


@pytest.fixture
def many(context: Context) -> int:
    """More notifications than are asked whether an act applies; all are read but the oldest."""
    ask(
        context.opened.path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
        " INSERT INTO notifications (id, tenant_id, type, title, message, read, created_at)"
        " SELECT 'many-' || i, 'acme-corp', 'info', 'Note', 'Text', 1, i FROM n",
        LOOKED_AT + 20,
    )
    ask(context.opened.path, "UPDATE notifications SET read = 1")
    ask(context.opened.path, "UPDATE notifications SET read = 0 WHERE id = 'many-1'")
    return int(ask(context.opened.path, "SELECT COUNT(*) FROM notifications")[0][0])


def test_another_record_is_never_shown_for_the_one_that_is_still_read(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    """The buttons would act on the one selected."""
    tab: UsersTab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    go_on = threading.Event()
    for _ in range(context.opened.database.readers):
        context.runner.read(lambda database: go_on.wait(30))
    tab.table.select_row(1)
    waits = tab.inspector.empty
    qtbot.waitUntil(waits.isVisible)
    assert waits.title.text() == tab.model.index(1, 0).data()
    assert not any(button.isVisible() for button in tab.inspector.findChildren(QPushButton))
    go_on.set()
    qtbot.waitUntil(lambda: not waits.isVisible())
    assert tab.inspector.title.text() == tab.model.index(1, 0).data()


def unread_only(show_tab: ShowTab, qtbot: QtBot) -> NotificationsTab:
    """Notifications under a filter that an act takes them out of."""
    tab: NotificationsTab = show_tab(NotificationsTab)
    pick(qtbot, tab, "read", "int:0")
    tab.table.setFocus()
    return tab


@pytest.mark.slow
def test_an_act_is_refused_only_where_every_row_is_known_not_to_need_it(
    many: int, show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    tab: NotificationsTab = show_tab(NotificationsTab)
    tab.table.select_row(0)
    assert tab.selection.refusal_to_set(*READ) == "Already marked read."
    tab.table.selectAll()
    assert tab.list.selected_count() == many
    assert tab.selection.refusal_to_set(*READ) is None, "the last one is not read"
    act = tab.commands.action
    qtbot.waitUntil(lambda: act("mark_read").text().replace("&", "") == f"Mark 1 of {many} read")
    assert act("mark_unread").text().replace("&", "") == f"Mark {many - 1} of {many} unread"
    with qtbot.waitSignal(context.runner.changed) as done:
        tab.commands.trigger("mark_read")
    assert done.args[0].summary == "1 notification marked read"
    qtbot.waitUntil(lambda: not act("mark_read").isEnabled())
    assert act("mark_read").toolTip().count("Already marked read.") == 1
    assert act("mark_unread").text().replace("&", "") == f"Mark {many} unread"


@pytest.mark.slow
@pytest.mark.usefixtures("many")
def test_rows_that_are_not_at_hand_are_counted_as_long_as_they_are_selected(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also where no more are selected than are looked at at once."""
    count = LOOKED_AT - 20
    ask(context.opened.path, "DELETE FROM notifications WHERE created_at > ?", count)
    tab: NotificationsTab = show_tab(NotificationsTab)
    when_selected, waiting = tab.list.when_selected, list[Any]()
    monkeypatch.setattr(tab.list, "when_selected", lambda use, **_: waiting.append(use))
    tab.table.selectAll()
    qtbot.waitUntil(lambda: bool(waiting))
    keys = tab.list.selected_keys()
    tab.table.clearSelection()
    waiting[0](*keys)  # which had not come before
    assert tab.selection._counting is None
    monkeypatch.setattr(tab.list, "when_selected", when_selected)
    tab.table.selectAll()
    act = tab.commands.action("mark_read")
    qtbot.waitUntil(lambda: act.text().replace("&", "") == f"Mark 1 of {count} read")


def test_nothing_selected_shows_nothing_even_while_a_record_is_on_its_way(
    show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    tab.table.select_row(0)
    tab.table.clearSelection()
    with qtbot.assertNotEmitted(tab.details_shown), qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.inspector.empty.isVisible()


@pytest.mark.parametrize(
    "odd_id",
    [
        "x'00ff'",
        pytest.param("CAST(x'ff41' AS TEXT)", marks=pytest.mark.slow),
        pytest.param("'nul' || char(0) || 'x'", marks=pytest.mark.slow),
        pytest.param("'x' || quote('00ff')", marks=pytest.mark.slow),
    ],
)
def test_a_record_with_an_odd_id_is_shown_and_acted_upon(
    context: Context, show_tab: ShowTab, qtbot: QtBot, odd_id: str
) -> None:
    path = context.opened.path
    ask(path, f"UPDATE users SET id = {odd_id}, created_at = 1 WHERE id = (SELECT min(id) FROM users)")
    before = ask(path, "SELECT typeof(id), hex(id), email FROM users WHERE created_at = 1")
    tab: UsersTab = show_tab(UsersTab)
    last = tab.model.rowCount() - 1
    qtbot.waitUntil(lambda: tab.model.key(last) is not None)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(last)
    assert tab.inspector.title.text() == before[0][2]
    with qtbot.waitSignal(context.runner.changed):
        tab.act(users.rename, tab.list.current_id(), "moved@acme.example")
    qtbot.waitUntil(lambda: tab.inspector.title.text() == "moved@acme.example")
    tab.table.setFocus()
    with qtbot.waitSignal(context.runner.changed):
        qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    assert ask(path, "SELECT count(*) FROM users WHERE created_at = 1") == [(0,)]
    for _ in range(2):
        with qtbot.waitSignal(context.runner.changed):
            context.history.undo()
    assert ask(path, "SELECT typeof(id), hex(id), email FROM users WHERE created_at = 1") == before


@pytest.mark.slow
def test_why_a_record_cannot_be_shown_is_said(context: Context, show_tab: ShowTab, qtbot: QtBot) -> None:
    ask(
        context.opened.path,
        "UPDATE users SET id = NULL, created_at = 1 WHERE id = (SELECT min(id) FROM users)",
    )
    tab: UsersTab = show_tab(UsersTab)
    last = tab.model.rowCount() - 1
    qtbot.waitUntil(lambda: tab.model.key(last) is not None)
    tab.table.select_row(last)
    qtbot.waitUntil(tab.inspector.failure.isVisible)
    assert "It has no id" in tab.inspector.failure.accessibleName()
    assert "It has no id" in tab.commands.action("delete").toolTip()
    tab.table.selectAll()
    assert not tab.commands.action("delete").isEnabled(), "and not all of them but that one"
    assert f"1 of the {last + 1} has no id" in tab.commands.action("delete").toolTip()
    ask(context.opened.path, "DELETE FROM users WHERE id = ?", tab.model.record_id(0))
    tab.table.select_row(0)
    qtbot.waitUntil(lambda: tab.inspector.said_of_acts.text() == GONE_READ)
    tab.table.clearSelection()
    assert tab.inspector.empty.isVisible()


@pytest.mark.slow
def test_a_form_asked_for_does_not_open_after_its_record_was_left(show_tab: ShowTab, qtbot: QtBot) -> None:
    tab: UsersTab = show_tab(UsersTab)
    asked: list[object] = []
    tab.table.select_row(0)
    tab.current.when_whole(asked.append)
    tab.table.clearSelection()
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    assert asked == []


@pytest.mark.slow
def test_what_follows_deleted_rows_is_selected_wherever_they_stood(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    context.settings.confirm_deletion = False
    tab: UsersTab = show_tab(UsersTab)
    tab.table.setFocus()
    following = tab.model.record_id(4)
    tab.table.select_row(3)
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.list.current_id() == following and tab.table.selected_rows() == [3])


@pytest.mark.slow
def test_after_the_last_row_the_one_before_it_is_selected(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    context.settings.confirm_deletion = False
    tab: UsersTab = show_tab(UsersTab)
    tab.table.setFocus()
    last = tab.model.rowCount() - 1
    before = tab.model.record_id(last - 1)
    tab.table.select_row(last)
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.list.current_id() == before and tab.table.selected_rows() == [last - 1])
    assert tab.model.rowCount() == last


@pytest.mark.slow
def test_where_several_rows_went_the_one_after_them_takes_the_first_place(
    show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab = unread_only(show_tab, qtbot)
    following = tab.model.record_id(4)
    tab.table.select_row(1)
    for _ in range(2):
        qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    qtbot.keyClick(tab.table, Qt.Key.Key_R)
    # Qt makes it the current row as soon as the others have gone; it is selected when all is read again.
    qtbot.waitUntil(lambda: tab.table.selected_rows() == [1])
    assert tab.list.current_id() == following


@pytest.mark.slow
def test_a_row_that_an_act_only_moves_stays_selected(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: NotificationsTab = show_tab(NotificationsTab)
    tab.table.setFocus()
    with qtbot.waitSignal(tab.list.loaded):
        tab.table.sortByColumn(tab.model.column_of("read"), Qt.SortOrder.AscendingOrder)
    tab.table.select_row(0)
    chosen = tab.list.current_id()
    qtbot.keyClick(tab.table, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: tab.table.currentIndex().row() > 0 and tab.list.current_id() == chosen)
    assert tab.table.selected_rows() == [tab.table.currentIndex().row()]


@pytest.mark.slow
def test_only_the_act_itself_selects_what_follows(show_tab: ShowTab, qtbot: QtBot) -> None:
    tab = unread_only(show_tab, qtbot)
    following = tab.model.record_id(3)
    tab.table.select_row(2)
    qtbot.keyClick(tab.table, Qt.Key.Key_R)
    qtbot.waitUntil(lambda: tab.list.current_id() == following and tab.table.selected_rows() == [2])
    tab.table.clearSelection()
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.table.selected_rows() == []


@pytest.mark.slow
def test_a_record_that_the_list_no_longer_has_leaves_the_inspector(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    mine = ask(context.opened.path, "SELECT tenant_id FROM users WHERE id = ?", tab.list.current_id())[0][0]
    ((other,),) = ask(context.opened.path, "SELECT tenant_id FROM users WHERE tenant_id <> ? LIMIT 1", mine)
    tab.set_scope(Scope(other))
    tab.activate()
    qtbot.waitUntil(tab.inspector.empty.isVisible)
    tab.set_scope(EVERYONE)
    with qtbot.waitSignal(tab.list.loaded):
        tab.activate()
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    tab.set_filter_text("nobody has such a name")
    qtbot.waitUntil(tab.inspector.empty.isVisible)


@pytest.mark.slow
def test_a_record_that_the_list_still_has_stays_in_the_inspector(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(2)
    email = tab.inspector.title.text()
    with qtbot.assertNotEmitted(tab.current.left), qtbot.waitSignal(tab.list.loaded):
        tab.set_filter_text(email)
    qtbot.waitUntil(lambda: tab.table.selected_rows() == [0])
    assert tab.inspector.title.text() == email


@pytest.mark.slow
def test_rows_that_come_while_a_record_is_looked_for_do_not_empty_the_inspector(
    show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(2)
    email = tab.inspector.title.text()
    tab.list.loaded.connect(lambda _: tab.model.repaint(), Qt.ConnectionType.SingleShotConnection)
    with qtbot.assertNotEmitted(tab.current.left):
        tab.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
        qtbot.waitUntil(lambda: tab.table.currentIndex().row() not in {2, -1})
    assert tab.inspector.title.text() == email


@pytest.mark.slow
def test_the_bar_of_the_current_row_moves_with_it(context: Context, show_tab: ShowTab, qtbot: QtBot) -> None:
    tab: UsersTab = show_tab(UsersTab)
    tab.activateWindow()
    tab.table.setFocus()
    tab.table.select_row(2)
    assert tab.table.cells.focus_row == 2
    ask(
        context.opened.path,
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " VALUES ('new', 'acme-corp', 'n@e.org', 99999999999, 99999999999)",
    )
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.table.currentIndex().row() == tab.table.cells.focus_row == 3


@pytest.mark.slow
def test_an_act_right_after_another_is_not_refused_where_the_row_had_been_read_again(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    """The list still holds the row as it was first, which nobody sees."""
    path, tab = context.opened.path, show_tab(NotificationsTab)
    tab.table.select_row(0)
    record_id = tab.list.current_id()
    ask(path, "UPDATE notifications SET title = 'Another', read = 0 WHERE id = ?", record_id)
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    qtbot.waitUntil(lambda: any("Another" in row for row in tab.selection.records()))
    for act in ("mark_read", "delete"):
        with qtbot.waitSignal(context.runner.changed, timeout=10_000):
            tab.commands.trigger(act)
    assert not ask(path, "SELECT 1 FROM notifications WHERE id = ?", record_id)


@pytest.mark.slow
def test_another_record_is_read_from_its_top_and_the_same_one_where_it_was(
    context: Context, show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    tab.resize(1200, 240)
    bar = tab.inspector._scroll.verticalScrollBar()
    for row, at in ((1, 0), (2, 0), (2, 20)):
        with qtbot.waitSignal(tab.details_shown):
            tab.current.reload() if tab.table.selected_rows() == [row] else tab.table.select_row(row)
        qtbot.waitUntil(lambda: bar.maximum() > 20)
        assert bar.value() == at
        bar.setValue(20)
