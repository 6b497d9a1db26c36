"""A list stays where the person is, whatever happens to it meanwhile."""

import dataclasses

import apsw
import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.context import Context
from app.ui.tabs.users import UsersTab
from app.ui.widgets.date_range import DateRange, Span
from app.ui.widgets.filter_row import FilterValues
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW


@pytest.fixture
def tab(show_tab: ShowTab) -> UsersTab:
    return show_tab(UsersTab)


def run(context: Context, *statements: str) -> None:
    connection = apsw.Connection(str(context.opened.database.path))
    for statement in statements:
        connection.execute(statement)
    connection.close()


def choose(tab: UsersTab, qtbot: QtBot, row: int) -> object:
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(row)
    return tab.list.current_id()


def test_a_refresh_asked_for_while_the_order_changes_keeps_the_record(tab: UsersTab, qtbot: QtBot) -> None:
    user = choose(tab, qtbot, 3)
    tab.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    tab.reload()
    qtbot.waitUntil(lambda: tab.list.current_id() == user and tab.table.currentIndex().row() != 3)
    emails = [str(tab.model.index(row, 0).data()).lower() for row in range(20)]
    assert emails == sorted(emails)


def test_rows_that_come_and_go_at_both_ends_keep_the_record(
    tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    user = choose(tab, qtbot, 3)
    run(
        context,
        "DELETE FROM users WHERE id = (SELECT id FROM users ORDER BY created_at LIMIT 1)",
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) "
        f"VALUES ('new', 'acme-corp', 'new@example.com', {NOW + 9}, {NOW + 9})",
    )
    tab.reload()
    qtbot.waitUntil(lambda: tab.list.current_id() == user and tab.table.currentIndex().row() == 4)
    assert tab.table.selected_rows() == [4]


def test_a_span_that_moves_with_the_clock_is_refreshed_in_place(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    ticks = iter(range(NOW, NOW + 10_000))
    object.__setattr__(context, "clock", lambda: next(ticks))
    tab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.list.loaded):
        tab.filters.set_values(dataclasses.replace(FilterValues(), dates=DateRange(Span.LAST_90)))
    user = choose(tab, qtbot, 3)
    with qtbot.assertNotEmitted(tab.model.modelReset), qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.list.current_id() == user
