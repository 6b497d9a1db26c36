"""One table on one list: whatever overtakes whatever, the record that was chosen stays chosen."""

import threading
from dataclasses import replace

import pytest
from PySide6.QtCore import QEvent, QObject, QRect, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.services.records.list_query import ListQuery
from app.ui.session.context import Context
from app.ui.tabs.common import selected_rows
from app.ui.tabs.common.list_controller import ListController
from app.ui.tabs.users import UsersTab
from app.ui.widgets.filter_row import DateRange, FilterValues, Span
from app.ui.widgets.later import later
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import added, ask, count, is_settled

Fatal = QAbstractItemModelTester.FailureReportingMode.Fatal
QUERY = ListQuery("users")
BY_MAIL = replace(QUERY, sort="email")


@pytest.fixture
def tab(show_tab: ShowTab) -> UsersTab:
    return show_tab(UsersTab)


@pytest.fixture
def controller(tab: UsersTab) -> ListController:
    QAbstractItemModelTester(tab.model, Fatal, tab)
    return tab.list


def chosen(qtbot: QtBot, tab: UsersTab, row: int) -> object:
    tab.table.select_row(row)
    return tab.list.current_id()


def insert(context: Context, name: str, at: int) -> None:
    ask(
        context.opened.path,
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, 'acme-corp', ?, ?, ?)",
        name,
        f"{name}@example.com",
        at,
        at,
    )


def insert_many(context: Context) -> None:
    ask(
        context.opened.path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 500)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'many-' || i, 'acme-corp', printf('z%03d@example.org', i), i, i FROM n",
    )


def test_rows_that_come_are_painted_once(qtbot: QtBot, context: Context) -> None:
    tab = added(qtbot, UsersTab(context))
    tab.resize(1280, 720)
    tab.show()
    paintings, turns = list[QRect](), list[int]()

    class Paintings(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
            if isinstance(event, QPaintEvent) and tab.model.rowCount():
                paintings.append(event.rect())
                later(tab, 0, lambda: later(tab, 0, lambda: turns.append(len(paintings))))
            return False

    heard = Paintings()
    tab.table.viewport().installEventFilter(heard)
    with qtbot.waitSignal(tab.list.loaded):
        tab.activate()
    qtbot.waitUntil(lambda: bool(turns) and is_settled(tab))
    assert paintings == [tab.table.viewport().rect()]


@pytest.mark.slow
def test_another_order_keeps_the_record(qtbot: QtBot, tab: UsersTab, controller: ListController) -> None:
    wanted = chosen(qtbot, tab, 5)
    controller.show(BY_MAIL)
    qtbot.waitUntil(lambda: controller.current_id() == wanted and tab.table.currentIndex().row() != 5)
    emails = [str(tab.model.index(row, 0).data()).lower() for row in range(tab.model.rowCount())]
    assert emails == sorted(emails)


@pytest.mark.slow
def test_one_request_that_overtakes_another_keeps_it_too(
    qtbot: QtBot, tab: UsersTab, controller: ListController
) -> None:
    wanted = chosen(qtbot, tab, 5)
    for query in (BY_MAIL, BY_MAIL, replace(BY_MAIL, descending=True), QUERY, BY_MAIL):
        controller.show(query)
    qtbot.waitUntil(lambda: controller.current_id() == wanted and tab.table.currentIndex().row() != 5)


@pytest.mark.slow
def test_another_order_keeps_all_that_is_selected_or_says_that_it_did_not(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a long list, whose first keys come before the others."""

    def selected() -> set[object]:
        return {tab.model.key(row) for row in tab.table.selected_rows()}

    insert_many(context)
    with qtbot.waitSignal(controller.loaded):
        controller.show(QUERY)
    qtbot.waitUntil(lambda: tab.model.complete)
    tab.table.select_ranges([range(3, 4), range(7, 9)], 7)
    keys, wanted = selected(), controller.current_id()
    with qtbot.waitSignal(controller.loaded):
        controller.show(BY_MAIL)
    qtbot.waitUntil(lambda: selected() == keys and controller.current_id() == wanted)
    assert tab.table.selected_rows() != [3, 7, 8]
    for query in (QUERY, replace(BY_MAIL, descending=True), QUERY):
        with qtbot.waitSignal(controller.loaded):
            controller.show(query)
    qtbot.waitUntil(lambda: selected() == keys and tab.table.selected_rows() == [3, 7, 8])
    tab.table.selectAll()
    controller.show(BY_MAIL)
    qtbot.waitUntil(
        lambda: controller._shown == BY_MAIL and controller.selected_count() == tab.model.rowCount()
    )
    tab.table.select_ranges([range(3, 4), range(30, 40)], 3)
    current = tab.model.key(3)
    monkeypatch.setattr(selected_rows, "MOST_RANGES", 1)
    said: list[str] = []
    monkeypatch.setattr(context, "say", said.append)
    with qtbot.waitSignal(controller.loaded):
        controller.show(QUERY)
    qtbot.waitUntil(lambda: said == ["The selection of 11 users did not stay"])
    qtbot.waitUntil(lambda: selected() == {current})


@pytest.mark.slow
def test_overtaken_between_the_list_and_the_jump(
    qtbot: QtBot, tab: UsersTab, controller: ListController
) -> None:
    wanted = chosen(qtbot, tab, 5)
    with qtbot.waitSignal(controller.loaded):
        controller.show(BY_MAIL)
    controller.show(replace(BY_MAIL, descending=True))
    qtbot.waitUntil(lambda: controller.current_id() == wanted)
    emails = [str(tab.model.index(row, 0).data()).lower() for row in range(tab.model.rowCount())]
    assert emails == sorted(emails, reverse=True)


@pytest.mark.slow
def test_the_record_asked_for_last_is_the_one(
    qtbot: QtBot, tab: UsersTab, controller: ListController
) -> None:
    ids = [tab.model.record_id(row) for row in (40, 3, 25)]
    for record_id in ids:
        controller.jump(record_id)
    qtbot.waitUntil(lambda: controller.current_id() == ids[-1])
    with qtbot.waitSignal(controller.loaded):
        controller.show(QUERY)
    assert controller.current_id() == ids[-1]


def test_what_is_missing_is_told(qtbot: QtBot, tab: UsersTab, controller: ListController) -> None:
    told: list[bool] = []
    controller.jump("nobody", lambda: told.append(True))
    qtbot.waitUntil(lambda: told == [True])
    assert controller.current_id() is None


@pytest.mark.slow
def test_a_row_above_shifts_neither_choice_nor_sight(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    wanted = chosen(qtbot, tab, 40)
    top = tab.model.record_id(tab.table.rowAt(0))
    offset = tab.table.rowViewportPosition(tab.table.rowAt(0))
    for number in range(3):
        insert(context, f"new{number}", 2_000_000_000 + number)
    with qtbot.waitSignal(controller.loaded) as loaded:
        controller.show(QUERY)
    assert loaded.args == [count(context.opened.path, "users")]
    assert controller.current_id() == wanted and tab.table.selected_rows() == [43]
    assert tab.model.record_id(tab.table.rowAt(0)) == top
    assert tab.table.rowViewportPosition(tab.table.rowAt(0)) == offset


@pytest.mark.slow
def test_at_the_top_new_rows_are_seen(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    insert(context, "newest", 2_000_000_000)
    controller.show(QUERY)
    qtbot.waitUntil(lambda: tab.model.index(0, 0).data() == "newest@example.com")
    assert tab.table.rowAt(0) == 0


@pytest.mark.slow
def test_other_rows_begin_at_the_top(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    insert_many(context)
    with qtbot.waitSignal(controller.loaded):
        controller.show(QUERY)
    bar = tab.table.verticalScrollBar()
    bar.setValue(bar.maximum())
    with qtbot.waitSignal(controller.loaded):
        controller.show(replace(QUERY, text="example"))
    assert bar.maximum() > 0 and bar.value() == 0


@pytest.mark.slow
def test_a_deleted_record_is_let_go(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    wanted = chosen(qtbot, tab, 5)
    ask(context.opened.path, "DELETE FROM users WHERE id = ?", wanted)
    with qtbot.waitSignal(controller.loaded):
        controller.show(QUERY)
    ids = [tab.model.record_id(row) for row in range(tab.model.rowCount())]
    assert wanted not in ids


@pytest.mark.slow
def test_keys_and_query_of_a_selection_belong_together(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    tab.table.select_row(2)
    controller.show(BY_MAIL)  # on its way; what is selected is of the list in sight
    query, keys = controller.selected_keys()
    assert (query.sort, len(keys)) == (None, 1)
    with context.opened.database.connection_context():
        rows = list(context.lists.rows(context.opened.database, query, keys, ("id",)))
    assert rows == [(tab.model.record_id(2),)]


@pytest.mark.slow
def test_the_header_shows_the_order_the_rows_come_in(tab: UsersTab) -> None:
    header = tab.table.horizontalHeader()
    assert header.sortIndicatorSection() == tab.model.column_of("created_at")
    assert header.sortIndicatorOrder() is Qt.SortOrder.DescendingOrder


@pytest.mark.slow
def test_rows_that_come_and_go_at_both_ends_keep_the_record(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    user = chosen(qtbot, tab, 3)
    oldest = "DELETE FROM users WHERE id = (SELECT id FROM users ORDER BY created_at LIMIT 1)"
    ask(context.opened.path, oldest)
    insert(context, "new", 2_000_000_000)
    tab.reload()
    qtbot.waitUntil(lambda: controller.current_id() == user and tab.table.currentIndex().row() == 4)
    assert tab.table.selected_rows() == [4]


@pytest.mark.slow
def test_a_span_that_moves_with_the_clock_is_refreshed_in_place(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    ticks = iter(range(NOW, NOW + 10_000))
    context.clock = lambda: next(ticks)
    tab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.list.loaded):
        tab.filters.set_values(replace(FilterValues(), dates=DateRange(Span.LAST_90)))
    user = chosen(qtbot, tab, 3)
    with qtbot.assertNotEmitted(tab.model.modelReset), qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.list.current_id() == user


@pytest.mark.slow
def test_a_refresh_asked_for_while_the_order_changes_keeps_the_record(
    qtbot: QtBot, tab: UsersTab, controller: ListController
) -> None:
    user = chosen(qtbot, tab, 3)
    tab.table.sortByColumn(0, Qt.SortOrder.AscendingOrder)
    tab.reload()
    qtbot.waitUntil(lambda: controller.current_id() == user and tab.table.currentIndex().row() != 3)
    emails = [str(tab.model.index(row, 0).data()).lower() for row in range(20)]
    assert emails == sorted(emails)


@pytest.mark.slow
@pytest.mark.parametrize("newer", [1, -1])
def test_a_place_that_another_record_has_taken_is_not_jumped_to(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context, newer: int
) -> None:
    """The file has a row more, or less, than the list in sight when the record's place is asked for."""
    wanted, neighbour = tab.model.record_id(5), tab.model.record_id(5 + newer)
    if newer > 0:
        insert(context, "newest", 2_000_000_000)
    else:
        ask(context.opened.path, "DELETE FROM users WHERE id = ?", tab.model.record_id(0))
    controller.jump(wanted)
    qtbot.waitUntil(lambda: controller.current_id() is not None)
    assert controller.current_id() == wanted != neighbour
    assert tab.table.selected_rows() == [5]


@pytest.mark.slow
def test_a_record_is_jumped_to_before_every_key_is_known(
    qtbot: QtBot, tab: UsersTab, controller: ListController, context: Context
) -> None:
    """Of a long list only the first keys have come, and the record stands behind them."""
    insert_many(context)
    complete: list[bool] = []

    def jump(total: int) -> None:
        complete.append(tab.model.complete)
        controller.jump("many-500")

    controller.loaded.connect(jump, Qt.ConnectionType.SingleShotConnection)
    controller.show(BY_MAIL)
    qtbot.waitUntil(lambda: controller.current_id() == "many-500")
    assert complete == [False]
    assert tab.table.currentIndex().row() > 500


def test_rows_of_another_filter_go_where_those_asked_for_take_their_time(
    tab: UsersTab, controller: ListController, context: Context, qtbot: QtBot
) -> None:
    """They would be taken for what the filter keeps, and acted upon."""
    controller._late.setInterval(0)
    record = chosen(qtbot, tab, 3)
    go_on = threading.Event()
    for _ in range(context.opened.database.readers):
        context.runner.read(lambda database: go_on.wait(30))
    tab.filters.text.setText("@")
    qtbot.waitUntil(tab.empty_state.isVisible)
    assert tab.empty_state.title.text() == "Reading…" and tab.filters.count.text() == ""
    assert tab.model.rowCount() == 0 and not tab.commands.action("delete").isEnabled()
    go_on.set()
    qtbot.waitUntil(lambda: controller.current_id() == record)
    assert not tab.empty_state.isVisible() and tab.filters.count.text().endswith(" users")
