"""The virtual table as a view meets it: over a real file, with pages that come late, or not at all."""

import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

import pytest
from PySide6.QtCore import QAbstractItemModel, QItemSelectionModel, QPersistentModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QAbstractItemView, QTableView
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import AWAITED, Column, Role, Tone
from app.itemmodels.pages import PAGE, PAGES, PageCache
from app.itemmodels.virtual_table import GONE, PLACEHOLDER, VirtualTableModel
from app.services.records.list_query import ListQuery
from app.services.records.lists import Keys, Lists
from app.services.records.tables import DECLARED
from models.engine import raw
from models.local.database import LocalDatabase
from models.schema import inspect
from tests.fixtures.inserting import INTO_AUDIT_CHAIN, OF_AUDIT_CHAIN

ROWS = 20_000
SHORT = 600
QUERY = ListQuery("audit_chain")
AS_ADDED = replace(QUERY, as_added=True)
COLUMNS = (
    Column("seq", "No.", right=True),
    Column("event_type", "Event", tone=lambda value, row: Tone.BAD if value == "odd" else None),
    Column("payload", "Payload", monospace=True, sortable=False, tooltip=lambda value, row: f"whole {value}"),
    Column("created_at", "When", text=lambda value, row: f"{value // 60} min", dim=True, hint="UTC"),
)


class Desk:
    """What stands between the model and the file: requests lie here until they are answered."""

    def __init__(self, database: LocalDatabase, columns: Sequence[Column] = COLUMNS) -> None:
        self.database = database
        self.lists = Lists(inspect(database))
        self.requests: list[Keys] = []
        self.cancelled: list[Keys] = []
        self.log: list[Keys] = []
        self.at_once = True
        self.model = VirtualTableModel(columns, DECLARED["audit_chain"].names, self.request)
        self.query = QUERY

    def request(self, keys: Keys) -> Callable[[], None]:
        self.log.append(keys)
        self.requests.append(keys)
        if self.at_once:
            self.answer()
        return lambda: self.cancelled.append(keys)

    def answer(self) -> None:
        """Answers what is asked, and what is asked in turn."""
        waiting, self.requests = self.requests, []
        for keys in waiting:
            if self.model.estimated:
                found, rows = self.lists.load_following(self.database, self.query, keys)
                self.model.set_page(keys, rows, found)
                continue
            self.model.set_page(keys, self.lists.load_page(self.database, self.query, keys))

    def open(self, query: ListQuery = QUERY) -> None:
        self.query = query
        self.model.reset_to(self.lists.open_list(self.database, query))

    def refresh(self) -> None:
        if self.query.as_added:
            self.model.reopen_to(self.lists.open_list(self.database, self.query))
        else:
            self.model.refresh_to(self.lists.load_keys(self.database, self.query))

    def sql(self, statement: str) -> None:
        self.database.connection().execute(statement)

    def shown(self, row: int, column: int = 0, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        return self.model.index(row, column).data(role)


def fill(database: LocalDatabase, rows: int) -> None:
    with database.connection() as connection:
        connection.execute(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)"
            f" INSERT INTO {OF_AUDIT_CHAIN}"
            " SELECT i, 'acme', iif(i % 2, 'odd', 'even'), 'p' || i, '', '', i * 60 FROM n",
            (rows,),
        )


@pytest.fixture
def desk(database: LocalDatabase, qapp: object) -> Iterator[Desk]:
    fill(database, ROWS)
    desk = Desk(database)
    yield desk
    desk.model.clear()


@pytest.fixture
def watched(database: LocalDatabase, qapp: object) -> Iterator[Desk]:
    """A short list over which Qt's own tester watches; it reads every cell at every signal."""
    fill(database, SHORT)
    desk = Desk(database, COLUMNS[:1])
    tester = QAbstractItemModelTester(desk.model, QAbstractItemModelTester.FailureReportingMode.Warning)
    yield desk
    desk.model.clear()
    del tester


@pytest.fixture
def view(desk: Desk, qtbot: QtBot) -> QTableView:
    """A table of about twenty rows, as the tabs have it."""
    table = shown_table(qtbot)
    table.setModel(desk.model)
    return table


def shown_table(qtbot: QtBot) -> QTableView:
    table = QTableView()
    qtbot.addWidget(table)
    table.verticalHeader().hide()
    table.verticalHeader().setDefaultSectionSize(30)
    table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    table.resize(600, 640)
    with qtbot.waitExposed(table):
        table.show()
    return table


def go(view: QTableView, row: int) -> None:
    """Brings a row to the top of the view."""
    view.doItemsLayout()
    view.scrollTo(view.model().index(row, 0), QAbstractItemView.ScrollHint.PositionAtTop)


def texts(view: QTableView, column: int = 0) -> list[object]:
    """What the rows in sight say."""
    top, bottom = view.rowAt(0), view.rowAt(view.viewport().height() - 1)
    model = view.model()
    return [model.index(row, column).data() for row in range(top, bottom + 1)]


def test_the_row_count_is_exact_and_the_first_rows_are_there_at_once(desk: Desk) -> None:
    desk.open()
    assert desk.model.rowCount() == ROWS
    assert [desk.shown(row) for row in (0, 1, 199)] == ["20000", "19999", "19801"]
    assert desk.log == []


def test_cells_say_what_their_column_says(desk: Desk) -> None:
    desk.open()
    assert [desk.shown(1, column) for column in range(4)] == ["19999", "odd", "p19999", "19999 min"]
    assert [desk.shown(1, column, Role.TONE) for column in range(4)] == [None, Tone.BAD, None, None]
    assert desk.shown(0, 1, Role.TONE) is None
    assert desk.shown(1, 2, Qt.ItemDataRole.ToolTipRole) == "whole p19999"
    assert desk.shown(1, 3, Role.WHOLE) == str(19999 * 60)


def test_headers_answer_for_the_whole_column(desk: Desk) -> None:
    def ask(section: int, role: int) -> object:
        return desk.model.headerData(section, Qt.Orientation.Horizontal, role)

    titles = [ask(column, Qt.ItemDataRole.DisplayRole) for column in range(4)]
    assert titles == ["No.", "Event", "Payload", "When"]
    right = Qt.AlignmentFlag.AlignRight.value
    sides = [ask(column, Qt.ItemDataRole.TextAlignmentRole) for column in range(4)]
    assert [isinstance(side, int) and side & right == right for side in sides] == [True, False, False, False]
    assert [ask(column, Role.DIM) for column in range(4)] == [False, False, False, True]
    assert [ask(column, Role.MONOSPACE) for column in range(4)] == [False, False, True, False]
    assert ask(3, Qt.ItemDataRole.ToolTipRole) == "UTC"
    assert desk.model.headerData(0, Qt.Orientation.Vertical) is None
    assert ask(9, Qt.ItemDataRole.DisplayRole) is None


def test_a_value_that_a_column_cannot_take_is_shown_as_stored(desk: Desk) -> None:
    desk.sql("UPDATE audit_chain SET created_at = 'soon' WHERE seq = 20000")
    desk.sql("UPDATE audit_chain SET created_at = 1e300 WHERE seq = 19999")
    desk.open()
    assert desk.shown(0, 3) == "soon"
    assert "e+298" in str(desk.shown(1, 3))


@pytest.mark.slow
def test_a_jump_to_the_end_fetches_what_is_in_sight(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.open()
    view.scrollToBottom()
    qtbot.waitUntil(lambda: texts(view)[-1] == "1")
    assert list(desk.log[0]) == list(range(PAGE, 0, -1))
    view.scrollToTop()
    qtbot.waitUntil(lambda: texts(view)[0] == "20000")


def test_rows_on_their_way_have_a_placeholder(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.at_once = False
    desk.open()
    go(view, 10_000)
    qtbot.waitUntil(lambda: len(desk.requests) == 1)
    assert set(texts(view)) == {PLACEHOLDER} and set(texts(view, 1)) == {None}
    assert desk.shown(10_000, 0, Role.TONE) == AWAITED
    desk.answer()
    qtbot.waitUntil(lambda: texts(view)[0] == "10000")


@pytest.mark.slow
def test_of_pages_scrolled_past_one_comes_at_a_time_and_is_cancelled_where_the_view_rests(
    desk: Desk, view: QTableView, qtbot: QtBot
) -> None:
    desk.at_once = False
    desk.open()

    def drag(*pages: int) -> None:
        for page in pages:
            go(view, page * PAGE + 100)
            view.viewport().repaint()

    go(view, 5 * PAGE + 100)
    qtbot.waitUntil(lambda: len(desk.log) == 1)
    drag(10, 15, 20, 25, 30)
    assert len(desk.log) == 1
    desk.answer()
    assert (desk.log[1][0], desk.cancelled) == (ROWS - 30 * PAGE, [])
    drag(50, 55, 60, 65, 40)
    qtbot.waitUntil(lambda: len(desk.log) == 3)
    assert desk.cancelled == [desk.log[1]]
    assert desk.log[2][0] == ROWS - 40 * PAGE
    desk.answer()
    assert texts(view)[0] == str(ROWS - 40 * PAGE - 100)


def test_neighbours_are_fetched_ahead_so_that_scrolling_never_waits(
    desk: Desk, view: QTableView, qtbot: QtBot
) -> None:
    desk.open()
    go(view, 5 * PAGE + PAGE // 2)
    pages = {4, 5, 6}
    qtbot.waitUntil(lambda: {(ROWS - keys[0]) // PAGE for keys in desk.log} == pages)
    desk.at_once = False
    go(view, 6 * PAGE + 100)
    assert PLACEHOLDER not in texts(view)


def test_a_view_can_ask_before_it_paints(desk: Desk) -> None:
    desk.at_once = False
    desk.open()
    assert desk.model.ask_for(0, 20)
    assert not desk.model.ask_for(15 * PAGE - 10, 15 * PAGE + 10)
    assert [keys[0] for keys in desk.requests] == [ROWS - 15 * PAGE]
    desk.answer()
    desk.answer()
    assert desk.model.ask_for(15 * PAGE - 10, 15 * PAGE + 10)
    desk.model.reload()
    assert desk.model.ask_for(15 * PAGE - 10, 15 * PAGE + 10)  # outdated rows are something to show


def test_a_failed_page_leaves_the_table_working(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.at_once = False
    desk.open()
    view.scrollToBottom()
    qtbot.waitUntil(lambda: len(desk.requests) == 1)
    desk.model.page_failed(desk.requests.pop())
    assert texts(view)[-1] == PLACEHOLDER
    view.viewport().update()
    qtbot.waitUntil(lambda: len(desk.requests) == 1)
    desk.answer()
    assert texts(view)[-1] == "1"


def test_an_answer_to_an_older_list_is_dropped(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.at_once = False
    desk.open()
    view.scrollToBottom()
    qtbot.waitUntil(lambda: len(desk.requests) == 1)
    late = desk.requests.pop()
    desk.open(replace(QUERY, sort="seq"))
    assert desk.cancelled == [late]
    desk.model.set_page(late, [(-1, *"abcdef")] * len(late))
    assert desk.shown(0) == "1"
    assert -1 not in {desk.model.record_id(row) for row in range(ROWS)}


@pytest.mark.slow
def test_a_list_opens_before_all_its_keys_are_known(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    query = replace(QUERY, sort="payload", descending=True)
    desk.open(query)
    assert not desk.model.complete and desk.model.rowCount() == ROWS
    first = desk.shown(0)
    view.scrollToBottom()
    view.viewport().repaint()
    assert texts(view)[-1] == PLACEHOLDER and desk.log == []
    view.setCurrentIndex(desk.model.index(3, 0))
    desk.refresh()
    assert desk.model.complete and desk.shown(0) == first
    assert view.currentIndex().row() == 3
    view.scrollToBottom()
    qtbot.waitUntil(lambda: texts(view, 2)[-1] == "p1")


def select(view: QTableView, *rows: int) -> None:
    view.clearSelection()
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows:
        view.selectionModel().select(view.model().index(row, 0), flags)


def selected(view: QTableView) -> list[Any]:
    """The record ids of the selected rows."""
    model = view.model()
    assert isinstance(model, VirtualTableModel)
    ids: list[Any] = [model.record_id(index.row()) for index in view.selectionModel().selectedRows()]
    return sorted(ids)


@pytest.mark.slow
def test_new_entries_leave_selection_and_what_is_read_in_place(
    desk: Desk, view: QTableView, qtbot: QtBot
) -> None:
    desk.open()
    go(view, 1000)
    qtbot.waitUntil(lambda: texts(view)[0] == "19000")
    select(view, 1002, 1005)
    reading = QPersistentModelIndex(desk.model.index(view.rowAt(0), 0))
    desk.at_once = False
    desk.sql(f"{INTO_AUDIT_CHAIN}(20001, 'acme', 'new', 'p', '', '', 1), (20002, '', '', '', '', '', 1)")
    desk.refresh()
    assert desk.model.rowCount() == ROWS + 2
    assert selected(view) == [18995, 18998]
    assert reading.row() == 1002
    assert reading.data() == "19000"  # the row that was at hand, until its page has come again
    go(view, reading.row())
    assert texts(view)[0] == "19000"


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_chain WHERE seq IN (7, 590)",
        "DELETE FROM audit_chain WHERE seq < 250",
        "DELETE FROM audit_chain WHERE seq > 596",
        "DELETE FROM audit_chain WHERE seq = 596",
        "DELETE FROM audit_chain",
        "UPDATE audit_chain SET created_at = 5 WHERE seq = 599",
        "UPDATE audit_chain SET created_at = -created_at",
        "UPDATE audit_chain SET event_type = 'x'",
        INTO_AUDIT_CHAIN + "(3000, 'a', 'b', 'c', '', '', 597 * 60)",
        INTO_AUDIT_CHAIN + "(601, 'a', 'b', 'p', '', '', 601 * 60)",
    ],
)
@pytest.mark.parametrize("sort", [None, "created_at", "payload"])
def test_a_refresh_shows_exactly_what_the_file_holds(
    watched: Desk, qtbot: QtBot, statement: str, sort: str | None
) -> None:
    watched.open(replace(QUERY, sort=sort, descending=True))
    watched.refresh()
    held = [QPersistentModelIndex(watched.model.index(row, 0)) for row in (0, 3, 300, SHORT - 1)]
    before = [watched.model.key(index.row()) for index in held]
    watched.sql(statement)
    watched.refresh()
    expected = watched.lists.load_keys(watched.database, watched.query)
    assert [watched.model.key(row) for row in range(watched.model.rowCount())] == list(expected)
    rows = watched.lists.load_page(watched.database, watched.query, expected)
    qtbot.waitUntil(lambda: looked_at(watched.model) == list(rows))
    for index, key in zip(held, before, strict=True):
        assert not index.isValid() or watched.model.key(index.row()) == key


def looked_at(model: VirtualTableModel) -> list[object]:
    """Every row at hand, each looked at as painting does."""
    for row in range(model.rowCount()):
        model.index(row, 0).data()
    return [model.record(row) for row in range(model.rowCount())]


@pytest.mark.slow
def test_a_deleted_row_in_the_middle_keeps_the_selection_around_it(desk: Desk, view: QTableView) -> None:
    desk.sql("DELETE FROM audit_chain WHERE seq = 50")  # a gap, so that the keys are counted one by one
    desk.open()
    desk.refresh()
    select(view, 10, 12, 100)
    desk.sql("DELETE FROM audit_chain WHERE seq = 19989")
    desk.refresh()
    assert selected(view) == [19900, 19988, 19990]


def test_changed_values_come_without_a_flicker(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.open()
    desk.at_once = False
    desk.sql("UPDATE audit_chain SET event_type = 'fixed' WHERE seq = 20000")
    desk.model.reload()
    qtbot.waitUntil(lambda: len(desk.requests) == 1)
    assert desk.shown(0, 1) == "even"
    desk.answer()
    assert desk.shown(0, 1) == "fixed"


@pytest.mark.parametrize("again", [Desk.refresh, lambda desk: desk.model.reload()], ids=["refresh", "reload"])
def test_a_list_read_again_before_its_rows_came_still_shows_them(
    desk: Desk, again: Callable[[Desk], None]
) -> None:
    desk.open()
    desk.refresh()
    desk.at_once = False
    for _ in range(3):
        again(desk)
    assert desk.shown(3) == "19997" and desk.model.record_id(3) == 19997


def test_a_row_that_went_says_so(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.open()
    desk.sql("DELETE FROM audit_chain WHERE seq = 5")
    view.scrollToBottom()
    qtbot.waitUntil(lambda: texts(view)[-5] == GONE)
    gone = ROWS - 5
    assert "Deleted" in str(desk.shown(gone, 0, Qt.ItemDataRole.ToolTipRole))
    assert desk.model.record_id(gone) is None


def wait_for_record(qtbot: QtBot, desk: Desk, row: int) -> None:
    qtbot.waitUntil(lambda: desk.model.record(row) is not None)


@pytest.mark.slow
def test_memory_stays_that_of_a_few_pages(desk: Desk, view: QTableView, qtbot: QtBot) -> None:
    desk.open()
    for page in range(ROWS // PAGE):
        go(view, page * PAGE + 100)
        wait_for_record(qtbot, desk, page * PAGE + 100)
    at_hand = sum(desk.model.record(row) is not None for row in range(ROWS))
    assert at_hand <= PAGES * PAGE + 200


def test_records_are_found_by_id(desk: Desk) -> None:
    desk.open()
    assert desk.model.record_id(3) == 19997 and desk.model.row_of_key(5) == ROWS - 5
    assert desk.model.record_id(ROWS - 1) is None and desk.model.key(ROWS - 1) == 1
    assert desk.model.key(ROWS) is None and desk.model.key(-1) is None


def test_a_header_asks_for_another_order(desk: Desk, qtbot: QtBot) -> None:
    desk.open()
    with qtbot.waitSignal(desk.model.sort_requested) as asked:
        desk.model.sort(0, Qt.SortOrder.DescendingOrder)
    assert asked.args == ["seq", True]
    with qtbot.assertNotEmitted(desk.model.sort_requested):
        desk.model.sort(2)
        desk.model.sort(-1)
    assert desk.shown(0) == "20000"


def test_an_empty_list_and_back(watched: Desk) -> None:
    watched.open(replace(QUERY, text="nowhere"))
    assert watched.model.rowCount() == 0
    watched.refresh()
    watched.query = QUERY
    watched.refresh()
    assert watched.model.rowCount() == SHORT and watched.shown(0) == PLACEHOLDER
    watched.sql("DELETE FROM audit_chain")
    watched.refresh()
    assert watched.model.rowCount() == 0


@pytest.mark.slow
def test_the_rest_of_the_keys_comes_later(watched: Desk) -> None:
    watched.open(replace(QUERY, sort="payload"))
    held = QPersistentModelIndex(watched.model.index(550, 0))
    watched.refresh()
    assert watched.model.complete and held.row() == 550
    watched.open(replace(QUERY, sort="payload"))
    watched.sql("DELETE FROM audit_chain WHERE seq = 1")  # it changed while the keys were being read
    watched.refresh()
    assert watched.model.complete and watched.model.rowCount() == SHORT - 1


def at_hand(desk: Desk, row: int) -> list[object]:
    """The keys of the page of a row, after all of it was looked at."""
    while True:
        first = min(row, desk.model.rowCount() - 1) // PAGE * PAGE
        keys = desk.model.keys[first : first + PAGE]
        if all(desk.model.ask_for(first + place, first + place) for place in range(len(keys))):
            records = [desk.model.record(first + place) for place in range(len(keys))]
            assert [record and record[0] for record in records] == list(keys)
            return list(keys)


def test_an_estimated_list_is_right_where_it_is_looked_at(desk: Desk) -> None:
    desk.sql("DELETE FROM audit_chain WHERE seq % 3 = 0 OR seq BETWEEN 5000 AND 12000 OR seq > 19900")
    desk.open(AS_ADDED)
    assert desk.model.estimated and desk.model.rowCount() > 18_000
    there = [seq for (seq,) in desk.database.rows(raw("SELECT seq FROM audit_chain ORDER BY seq DESC"))]
    chance = Random(1)
    for _ in range(12):
        keys = at_hand(desk, chance.randrange(desk.model.rowCount()))
        first = there.index(keys[0])
        assert keys == there[first : first + len(keys)], "rows that follow each other"
    row = 0
    while row < desk.model.rowCount():
        at_hand(desk, row)
        row += PAGE
    assert list(desk.model.keys) == there


def test_an_estimated_list_that_grows_and_shrinks_keeps_its_place(desk: Desk) -> None:
    desk.open(AS_ADDED)
    assert desk.model.keys == range(ROWS, 0, -1)
    at_hand(desk, 700)
    held = QPersistentModelIndex(desk.model.index(700, 0))
    desk.sql(
        f"INSERT INTO {OF_AUDIT_CHAIN} SELECT NULL, tenant_id, 'new', '', '', '', 0 FROM audit_chain LIMIT 3"
    )
    desk.sql("DELETE FROM audit_chain WHERE seq IN (19900, 20000) OR seq < 100")
    desk.refresh()
    assert held.row() == 703 and desk.model.rowCount() == ROWS + 3 - 99
    assert at_hand(desk, 0)[:4] == [20003, 20002, 20001, 19999]
    assert held.row() == 701 and at_hand(desk, 701)[201] == 19300
    assert desk.shown(desk.model.rowCount() - 1) == PLACEHOLDER and at_hand(desk, ROWS)[-1] == 100


def test_a_list_of_few_rows_far_apart_is_known_by_its_first_page(desk: Desk) -> None:
    desk.sql("DELETE FROM audit_chain WHERE seq % 4000 > 0")
    desk.open(AS_ADDED)
    assert not desk.model.estimated and desk.model.rowCount() == 5


def test_a_list_that_becomes_long_while_it_is_shown_is_right_where_it_is_looked_at(desk: Desk) -> None:
    desk.sql("DELETE FROM audit_chain WHERE seq > 100")
    desk.open(AS_ADDED)
    assert not desk.model.estimated
    fill_behind = (
        f"INSERT INTO {OF_AUDIT_CHAIN} SELECT seq + ?, tenant_id, 'new', '', '', '', 0 FROM audit_chain"
    )
    for more in (100, 200, 400, 800):
        desk.sql(fill_behind.replace("?", str(more)))
    desk.sql("DELETE FROM audit_chain WHERE seq % 7 = 0")
    desk.refresh()
    assert desk.model.estimated
    there = [seq for (seq,) in desk.database.rows(raw("SELECT seq FROM audit_chain ORDER BY seq DESC"))]
    for _ in range(2):
        for row in range(0, 1_600, PAGE):
            at_hand(desk, min(row, desk.model.rowCount() - 1))
    assert list(desk.model.keys) == there


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM audit_chain WHERE seq = 599",
        "DELETE FROM audit_chain WHERE seq IN (598, 595, 200, 199)",
        "DELETE FROM audit_chain WHERE seq > 590",
        "DELETE FROM audit_chain WHERE seq < 300",
        INTO_AUDIT_CHAIN + "(590, 'a', 'b', 'p', '', '', 1)",
        "UPDATE audit_chain SET seq = 590 WHERE seq = 597",
    ],
)
def test_what_is_held_of_an_estimated_list_stays_the_same_record(
    database: LocalDatabase, qtbot: QtBot, statement: str
) -> None:
    fill(database, SHORT)
    desk = Desk(database, COLUMNS[:1])
    desk.sql("DELETE FROM audit_chain WHERE seq = 590")
    desk.open(AS_ADDED)
    assert desk.model.estimated
    at_hand(desk, 0)
    held = [QPersistentModelIndex(desk.model.index(row, 0)) for row in range(desk.model.rowCount())]
    before = list(desk.model.keys)
    desk.sql(statement)
    desk.model.reload()
    there = [seq for (seq,) in database.rows(raw("SELECT seq FROM audit_chain ORDER BY seq DESC LIMIT 250"))]

    def is_right() -> bool:
        desk.shown(0)
        return list(desk.model.keys[: len(there)]) == there

    qtbot.waitUntil(is_right)
    after = {key: desk.model.key(index.row()) for index, key in zip(held, before, strict=True)}
    assert after == {key: key if desk.model.row_of_key(key) is not None else None for key in after}
    desk.model.clear()


def test_a_bug_in_showing_rows_is_told_once_and_the_rows_show_as_not_to_be_had(
    desk: Desk, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[type[BaseException]] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: told.append(kind))
    desk.open()
    at_hand(desk, 0)
    key = desk.model.key(0)
    assert key is not None
    desk.model._cache.put([key], [(key,)])  # a row that lacks values
    for _ in range(3):
        assert [desk.shown(0, column) for column in range(1, 4)] == [GONE] * 3
        qtbot.waitUntil(lambda: bool(told))
    assert told == [IndexError] and desk.shown(1, 1) == "odd"


@pytest.mark.slow
def test_qt_finds_no_fault_in_an_estimated_list(watched: Desk) -> None:
    watched.sql("DELETE FROM audit_chain WHERE seq % 3 = 0 AND seq < 60")
    watched.open(AS_ADDED)
    assert watched.model.estimated
    for row in (SHORT, 0, SHORT, PAGE):
        at_hand(watched, row)
    assert watched.model.rowCount() == SHORT - 19


@pytest.mark.slow
def test_qt_finds_no_fault(watched: Desk, qtmodeltester: object) -> None:
    watched.open()
    check: Callable[[QAbstractItemModel], None] = qtmodeltester.check  # type: ignore[attr-defined]
    check(watched.model)
    watched.model.reload()
    watched.model.repaint()
    watched.model.clear()
    check(watched.model)
    assert watched.model.rowCount() == 0


def test_the_page_used_longest_ago_goes_first() -> None:
    cache = PageCache()
    for page in range(PAGES):
        cache.put_page(page, range(page * 10, page * 10 + 10), [(page,)] * 10)
    cache.touch(0)
    cache.put_page(PAGES, [9999], [(PAGES,)])
    assert cache.get(5, "away") == (0,) and cache.get(15, "away") == "away"


def test_no_more_rows_are_outdated_than_were_ever_at_hand() -> None:
    cache = PageCache()
    for page in range(3 * PAGES):
        keys = range(page * PAGE, (page + 1) * PAGE)
        cache.put_page(page, keys, [(key,) for key in keys])
        cache.expire()
    assert len(cache.items()) == PAGES * PAGE
    assert cache.known(3 * PAGES * PAGE - 1, None) is not None and cache.known(0, None) is None


def test_a_cell_is_heard_as_it_is_painted(desk: Desk) -> None:
    desk.sql("UPDATE audit_chain SET payload = 'a' || char(0, 8238) || 'gnp' WHERE seq = 2")
    desk.open(replace(QUERY, sort="seq"))
    heard = Qt.ItemDataRole.AccessibleTextRole
    column = desk.model.column_of("payload")
    assert desk.shown(1) == "2"
    assert desk.shown(0, column, heard) is None, "as it is displayed"
    assert desk.shown(1, column, heard) == r"a\0\u202egnp"
