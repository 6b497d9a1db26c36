"""What another program writes moves nothing that a person looks at, in any list."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, QRect, Qt
from PySide6.QtGui import QPainter
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import STRUCK, Role
from app.itemmodels.virtual_table import GONE, GONE_TIP, LEFT_TIP
from app.services.records import notifications
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.inspected_tab import GONE_READ
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.selection import ALL_GONE
from app.ui.tabs.common.selection import GONE as GONE_WHY
from app.ui.tabs.notifications import NotificationsTab
from app.ui.tabs.runs import neighbours
from app.ui.tabs.runs.neighbours import NeighbourList
from app.ui.widgets.buttons import BESIDE_WORDS
from models.errors import RowChanged, TenantAdminError
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_NOTIFICATIONS, INTO_USERS
from tests.fixtures.window import (
    TABLES,
    ask,
    choose,
    click,
    current,
    go,
    is_settled,
    labels,
    open_file,
    press,
)

OTHER = "import sqlite3, sys; sqlite3.connect(sys.argv[1], timeout=9).executescript(sys.argv[2])"
USERS, AUDIT, WEBHOOKS, NOTES, RUNS = range(5)
SIGHT = 9
"""The row that is selected, with others above and below it in sight."""


def write_elsewhere(qtbot: QtBot, page: RecordTab, path: Path, sql: str) -> None:
    """Another process writes, and what the window reads then has come."""
    subprocess.run([sys.executable, "-c", OTHER, str(path), sql], check=True)
    with qtbot.waitSignal(page.list.loaded):
        page.context.outside.look()
    window = page.window()
    qtbot.waitUntil(lambda: is_settled(window))


def in_sight(page: RecordTab) -> dict[object, QRect]:
    """Where each row is that is seen, by its key."""
    rows, model = page.table.rows_in_sight(), page.model
    return {model.key(row): page.table.visualRect(model.index(row, 0)) for row in rows}


def select(qtbot: QtBot, page: RecordTab, row: int) -> object:
    page.table.setFocus()
    wanted = choose(qtbot, page, row)
    qtbot.waitUntil(lambda: is_settled(page.window()))
    return wanted


def ids(page: RecordTab, *rows: int) -> str:
    return ", ".join(f"'{page.model.record_id(row)!s}'" for row in rows)


@pytest.fixture
def ready(qtbot: QtBot, window: MainWindow, demo_path: Path) -> Callable[[int], RecordTab]:
    def ready(place: int) -> RecordTab:
        page = open_file(qtbot, window, demo_path)
        page.context.outside.stop()  # it is looked when the test wants it
        page = page if place == USERS else go(qtbot, window, place)
        qtbot.waitUntil(lambda: is_settled(window))
        answered = list[bool]()
        page.context.outside.look(lambda: answered.append(True))
        qtbot.waitUntil(lambda: bool(answered))
        return page

    return ready


@pytest.fixture
def unread(qtbot: QtBot, ready: Callable[[int], RecordTab]) -> Iterator[RecordTab]:
    page = ready(NOTES)
    page.filters.pickers["read"].pick("0")
    qtbot.waitUntil(lambda: page.query().filtered and page.list.shown == page.query())
    qtbot.waitUntil(lambda: is_settled(page.window()))
    yield page


def test_what_others_have_read_stays_in_sight_until_it_is_asked_for(
    qtbot: QtBot, unread: RecordTab, demo_path: Path
) -> None:
    page, before = unread, unread.model.rowCount()
    wanted = select(qtbot, page, SIGHT)
    was, above = in_sight(page), page.model.key(3)
    write_elsewhere(
        qtbot, page, demo_path, f"UPDATE notifications SET read = 1 WHERE id IN ({ids(page, 3, 5)})"
    )
    assert page.list.current_id() == wanted and in_sight(page) == was
    assert page.filters.count.text().startswith(f"{before - 2} ")
    shown = page.model.index(3, 0)
    assert page.model.key(3) == above and shown.data(Qt.ItemDataRole.ToolTipRole) == LEFT_TIP
    assert shown.data(Qt.ItemDataRole.AccessibleDescriptionRole) == LEFT_TIP
    assert page.new_rows.button.accessibleName() == "Others have written" and page.new_rows.button.isVisible()
    write_elsewhere(qtbot, page, demo_path, f"UPDATE notifications SET read = 1 WHERE id = '{wanted}'")
    assert page.list.current_id() == wanted and in_sight(page) == was
    assert "Changed by another program; it no longer matches the filter" in labels(page.window())
    write_elsewhere(qtbot, page, demo_path, f"UPDATE notifications SET read = 0 WHERE id = '{wanted}'")
    press("F5")
    qtbot.waitUntil(lambda: page.model.rowCount() == before - 2)
    assert page.list.current_id() == wanted and page.table.currentIndex().row() == SIGHT - 2
    assert not page.new_rows.button.isVisible()


@pytest.mark.slow
def test_groups_stay_where_they_are_when_others_write(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(NOTES)
    assert isinstance(page, NotificationsTab)
    page.commands.trigger("groups")
    assert page.groups is not None
    groups = page.groups
    groups.by.setCurrentIndex(groups.by.findData("tenant_id"))
    qtbot.waitUntil(lambda: is_settled(page.window()) and len(groups._groups) > 2)
    page.filters.pickers["read"].pick("0")
    qtbot.waitUntil(lambda: page.list.shown == page.query() and is_settled(page.window()))
    was = [one.value for one in groups._groups]
    first, second = was[:2]
    write_elsewhere(qtbot, page, demo_path, f"UPDATE notifications SET read = 0 WHERE tenant_id = {second!r}")
    qtbot.waitUntil(lambda: groups._found.first[0].value == second)
    assert [one.value for one in groups._groups] == was, "one that has more unread now does not rise"
    write_elsewhere(qtbot, page, demo_path, f"UPDATE notifications SET read = 1 WHERE tenant_id = {first!r}")
    qtbot.waitUntil(lambda: not groups._groups[0].unread)
    assert [one.value for one in groups._groups] == was, "nor does one go that has none left"
    press("F5")
    qtbot.waitUntil(lambda: [one.value for one in groups._groups] == was[1:])


@pytest.mark.slow
def test_what_stayed_goes_when_it_is_out_of_sight(qtbot: QtBot, unread: RecordTab, demo_path: Path) -> None:
    page, before = unread, unread.model.rowCount()
    select(qtbot, page, SIGHT)
    write_elsewhere(qtbot, page, demo_path, f"UPDATE notifications SET read = 1 WHERE id IN ({ids(page, 3)})")
    bar, high = page.table.verticalScrollBar(), page.table.rowHeight(0)
    bar.setValue(2 * high)
    seen = in_sight(page)
    qtbot.waitUntil(lambda: not page.list._rested.isActive())
    assert in_sight(page) == seen and page.model.rowCount() == before and page.list.is_behind
    bar.setValue(5 * high)
    seen = in_sight(page)
    qtbot.waitUntil(lambda: page.model.rowCount() == before - 1)
    assert in_sight(page) == seen and not page.list.is_behind


def select_several(qtbot: QtBot, page: RecordTab, count: int) -> None:
    """From the third row on, by keys."""
    select(qtbot, page, 2)
    for _ in range(count - 1):
        press("Shift+Down")
    qtbot.waitUntil(lambda: page.list.selected_count() == count and is_settled(page.window()))


@pytest.mark.slow
@pytest.mark.parametrize("place", [USERS, WEBHOOKS, NOTES, RUNS])
def test_of_several_selected_it_is_said_how_many_others_have_deleted(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path, place: int
) -> None:
    page = ready(place)
    select_several(qtbot, page, 4)
    title, table = page.inspector.title.text(), TABLES[place]
    assert title.startswith("4 ") and title.endswith(" selected")
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM {table} WHERE id IN ({ids(page, 2, 4)})")
    assert page.list.selected_count() == 4 and page.selection.there_count == 2
    said = page.inspector.said_of_acts
    assert page.inspector.title.text() == title and said.isVisible()
    assert said.text().startswith("2 of those selected were deleted by another program.")
    assert page.model.index(2, 0).data(Role.TONE) == STRUCK != page.model.index(3, 0).data(Role.TONE)
    delete = page.commands.said("delete")
    assert "2 of 4" in delete
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM {table} WHERE id IN ({ids(page, 3, 5)})")
    assert page.inspector.title.text() == title and said.text() == ALL_GONE
    assert page.commands.refusal("delete") == ALL_GONE


@pytest.mark.slow
def test_a_run_that_others_delete_keeps_its_two_lines_beside_an_opened_one(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = ready(RUNS)
    select(qtbot, page, 3)
    press("Return")
    beside = page.window().findChild(NeighbourList)
    assert beside is not None
    qtbot.waitUntil(lambda: beside.isVisible() and is_settled(page.window()))
    drawn, draw = list[tuple[str, str, bool]](), neighbours._TwoLines._line

    def line(painter: QPainter, room: QRect, words: str, at_right: str) -> QRect:
        drawn.append((words, at_right, painter.font().strikeOut()))
        return draw(painter, room, words, at_right)

    monkeypatch.setattr(neighbours._TwoLines, "_line", staticmethod(line))
    beside.grab()
    before = [(words, at_right) for words, at_right, _ in drawn]
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM planning_runs WHERE id IN ({ids(page, 1, 2)})")
    drawn.clear()
    beside.grab()
    assert [(words, at_right) for words, at_right, _ in drawn] == before
    assert [struck for *_, struck in drawn][:10] == [*[False] * 2, *[True] * 4, *[False] * 4]


@pytest.mark.slow
def test_all_rows_that_are_selected_take_new_ones_in_and_say_so(
    qtbot: QtBot, window: MainWindow, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    select(qtbot, page, 3)
    before = page.model.rowCount()
    new = f"{INTO_USERS} ('newcomer', 'globex', 'new@globex.example', NULL, {NOW}, {NOW})"
    write_elsewhere(qtbot, page, demo_path, new)
    qtbot.waitUntil(page.new_rows.button.isVisible)
    button, bar = page.new_rows.button, page.table.verticalScrollBar()
    assert button.text() == "1 new"
    was = in_sight(page)
    press("End")
    qtbot.waitUntil(lambda: is_settled(window))
    top = page.table.viewport().mapFrom(page.table.window(), button.mapTo(button.window(), QPoint())).y()
    last = page.model.index(page.model.rowCount() - 1, 0)
    assert button.isVisible() and 0 <= page.table.visualRect(last).bottom() <= top
    page.table.updateGeometries()
    assert page.table.visualRect(last).bottom() <= top, "it stays"
    page.table.select_row(3)
    assert was and bar.value() < bar.maximum()
    press("Ctrl+A")
    assert page.list.selected_count() == before + 1
    assert not page.new_rows.button.isVisible()
    assert window.toast.label.text() == "1 user that others have added is selected, too"


@pytest.mark.slow
def test_what_is_said_of_several_is_true_of_those_that_are_there(
    qtbot: QtBot, window: MainWindow, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    ask(demo_path, f"UPDATE {TABLES[WEBHOOKS]} SET active = 1")
    page = ready(WEBHOOKS)
    select_several(qtbot, page, 4)
    kept = page.model.record_id(4)
    ask(demo_path, f"UPDATE {TABLES[WEBHOOKS]} SET active = 0 WHERE id = ?", kept)
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM {TABLES[WEBHOOKS]} WHERE id IN ({ids(page, 2, 5)})")
    assert page.many is not None
    told = page.many
    qtbot.waitUntil(lambda: "1 × inactive" in " ".join(labels(told)))
    assert page.commands.said("deactivate").startswith("Deactivate 1 of 4")
    press("D")
    qtbot.waitUntil(lambda: "no longer there" in window.toast.label.text())
    assert ": 1 already inactive" in window.toast.label.text()
    assert window.toast.label.text().endswith(", 2 no longer there")


@pytest.mark.slow
@pytest.mark.parametrize("place", [USERS, AUDIT, WEBHOOKS, NOTES, RUNS])
def test_what_others_delete_above_the_selected_row_leaves_a_gap(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path, place: int
) -> None:
    page = ready(place)
    row = min(SIGHT, page.model.rowCount() - 2)
    wanted, was, table = select(qtbot, page, row), in_sight(page), TABLES[place]
    key, said = page.spec.table.key.name, page.model.index(1, 0).data()
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM {table} WHERE {key} IN ({ids(page, 1)})")
    assert page.list.current_id() == wanted and in_sight(page) == was
    shown = page.model.index(1, 0)
    assert shown.data(Qt.ItemDataRole.ToolTipRole) == GONE_TIP and shown.data() == said != GONE
    assert shown.data(Role.TONE) == STRUCK
    page.table.select_row(1)
    qtbot.waitUntil(lambda: page.inspector.said_of_acts.text() == GONE_READ)
    assert page.inspector.said_of_acts.isVisible()
    assert page.many is not None and page.many.isVisible() and page.many.shared.isVisible()
    assert place != USERS or "Id" in labels(page.many.shared)
    assert page.inspector.title.text().strip() and page.selection.gone == GONE_WHY
    select(qtbot, page, 2)
    assert not page.inspector.said_of_acts.isVisible() and not page.many.isVisible()
    page.table.select_row(1)
    press("Ctrl+J")
    assert len(in_sight(page)) and None not in [page.model.record(row) for row in page.table.rows_in_sight()]


@pytest.mark.slow
@pytest.mark.parametrize("turned", [False, True])
def test_what_others_move_stays_and_what_they_add_comes_between_nothing(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path, turned: bool
) -> None:
    page = ready(USERS)
    with qtbot.waitSignal(page.list.loaded):
        order = Qt.SortOrder.DescendingOrder if turned else Qt.SortOrder.AscendingOrder
        page.table.sortByColumn(page.model.column_of("email"), order)
    wanted, before = select(qtbot, page, SIGHT), page.model.rowCount()
    was, moved, first = in_sight(page), str(page.model.record_id(4)), page.model.record(6)
    assert first is not None
    email = str(first[page.spec.table.names.index("email")])
    write_elsewhere(
        qtbot,
        page,
        demo_path,
        f"UPDATE users SET email = '{'0' if turned else 'zzz'}@x.example' WHERE id = '{moved}';"
        f"{INTO_USERS} ('between', 'acme-corp', '{email}.org', NULL, {NOW}, {NOW})",
    )
    assert page.list.current_id() == wanted and in_sight(page) == was
    assert page.new_rows.button.text() == "1 new" and page.new_rows.button.iconSize() == BESIDE_WORDS
    click(qtbot, page.new_rows.button)
    qtbot.waitUntil(lambda: page.list.current_id() == "between")
    assert page.model.rowCount() == before + 1
    assert page.model.record_id(before) == moved, "the last in either order"


def test_of_a_record_that_others_delete_nothing_else_is_said(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    wanted = select(qtbot, page, 2)
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM users WHERE id = '{wanted}'")
    qtbot.waitUntil(lambda: GONE_READ in labels(page.inspector))
    assert not [said for said in labels(page.window()) if "it no longer matches the filter" in said]


def shown_by(page: RecordTab) -> list[str]:
    """What is read of the record in sight: title and fields."""
    return [page.inspector.title.text(), *labels(page.fields)]


def is_marked(page: RecordTab, was: list[str]) -> bool:
    """What was read is shown, as what is there no more."""
    line = page.inspector.said_of_acts
    return shown_by(page) == was and line.isVisible() and line.text() == GONE_READ


@pytest.mark.slow
@pytest.mark.parametrize("place", [USERS, AUDIT, WEBHOOKS, NOTES, RUNS])
def test_what_is_read_stays_when_others_delete_it(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path, place: int
) -> None:
    page, table = ready(place), TABLES[place]
    key = page.spec.table.key.name
    wanted = select(qtbot, page, 2)
    was = shown_by(page)
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM {table} WHERE {key} = '{wanted}'")
    qtbot.waitUntil(lambda: is_marked(page, was))
    qtbot.waitUntil(lambda: page.selection.refusal(writes=False) == GONE_WHY)
    acts = [one for one in page.inspector._foot.parts() if isinstance(one, QPushButton) and one.isVisible()]

    def can() -> list[str]:
        return [one.text() for one in acts if one.isEnabled() and one.text()]

    assert acts and not can()
    press("F5")
    qtbot.waitUntil(lambda: page.list.shown == page.query() and not page.table.selected_ranges())
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert is_marked(page, was) and page.selection.refusal(writes=False) == GONE_WHY and not can()
    select(qtbot, page, 1)
    assert not page.inspector.said_of_acts.isVisible() and page.selection.refusal(writes=False) is None
    assert shown_by(page) != was


@pytest.mark.slow
def test_what_is_read_stays_when_others_delete_it_out_of_sight(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    wanted = select(qtbot, page, 2)
    was = shown_by(page)
    page.table.verticalScrollBar().setValue(20 * page.table.rowHeight(0))
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM users WHERE id = '{wanted}'")
    qtbot.waitUntil(lambda: is_marked(page, was))
    page.set_filter_text("acme")
    qtbot.waitUntil(lambda: page.list.shown == page.query() and page.query().filtered)
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert GONE_READ not in labels(page.inspector) and page.selection.refusal(writes=False) != GONE_WHY


@pytest.mark.slow
def test_of_what_a_person_deletes_nothing_stays(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    ask(demo_path, "DELETE FROM notifications WHERE id NOT IN (SELECT id FROM notifications LIMIT 1)")
    page = ready(NOTES)
    page.context.settings.confirm_deletion = False
    select(qtbot, page, 0)
    press("Del")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0 and is_settled(page.window()))
    assert page.inspector.is_empty and GONE_READ not in labels(page.window())


@pytest.mark.slow
def test_what_is_selected_out_of_sight_goes_with_a_word(
    qtbot: QtBot, unread: RecordTab, demo_path: Path
) -> None:
    wanted = select(qtbot, unread, 1)
    unread.table.verticalScrollBar().setValue(20 * unread.table.rowHeight(0))
    seen = in_sight(unread)
    write_elsewhere(qtbot, unread, demo_path, f"UPDATE notifications SET read = 1 WHERE id = '{wanted}'")
    assert in_sight(unread) == seen
    assert "What was changed does not fit the filter any more, or is elsewhere." in labels(
        unread.inspector.empty
    )


@pytest.mark.slow
def test_a_short_list_lets_what_is_new_wait(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    ask(demo_path, "DELETE FROM notifications WHERE id NOT IN (SELECT id FROM notifications LIMIT 4)")
    page = ready(NOTES)
    wanted, was = select(qtbot, page, 2), in_sight(page)
    late = NOW + 900
    write_elsewhere(
        qtbot, page, demo_path, f"{INTO_NOTIFICATIONS} ('new', 'acme-corp', 't', '', '', NULL, 0, {late})"
    )
    assert page.list.current_id() == wanted and in_sight(page) == was
    assert page.new_rows.button.accessibleName() == "1 new" and page.filters.count.text().startswith("5 ")
    press("Ctrl+A")
    assert page.list.selected_count() == 5, "what is acted upon is what the list has"


@pytest.mark.slow
def test_behind_an_own_act_the_next_row_is_selected_whatever_others_took_out(
    qtbot: QtBot, unread: RecordTab, demo_path: Path
) -> None:
    page, before = unread, unread.model.rowCount()
    wanted, following = select(qtbot, page, SIGHT), page.model.record_id(SIGHT + 1)
    write_elsewhere(
        qtbot, page, demo_path, f"UPDATE notifications SET read = 1 WHERE id IN ({ids(page, 3, 5)})"
    )
    page.act(notifications.mark, [wanted], read=True)
    qtbot.waitUntil(lambda: page.model.rowCount() == before - 3)
    qtbot.waitUntil(lambda: page.list.current_id() == following)


@pytest.mark.slow
def test_a_tenant_that_another_program_brings_up_stays(
    qtbot: QtBot, window: MainWindow, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    ready(USERS)
    press("Ctrl+T")
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    select(qtbot, page, 1)
    was, last = in_sight(page), page.model.rowCount() - 1
    late = f"('late', '{page.model.record_id(last)!s}', 'late@x.example', NULL, {NOW + 9}, {NOW + 9})"
    write_elsewhere(qtbot, page, demo_path, f"{INTO_USERS} {late}")
    assert in_sight(page) == was
    press("F5")
    qtbot.waitUntil(lambda: in_sight(page) != was)


def test_the_runs_beside_an_opened_one_stay_where_others_delete_some(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(RUNS)
    wanted = page.model.key(2)
    select(qtbot, page, 2)
    press("Return")
    (beside,) = page.findChildren(NeighbourList)
    qtbot.waitUntil(lambda: beside.isVisible() and is_settled(page.window()))

    def tops() -> list[tuple[object, int]]:
        places = (page.model.index(row, beside.modelColumn()) for row in beside.rows_in_sight())
        return [(page.model.key(place.row()), beside.visualRect(place).top()) for place in places]

    was = tops()
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM planning_runs WHERE id IN ({ids(page, 0, 1, 2)})")
    assert tops() == was and page.model.key(beside.currentIndex().row()) == wanted


def select_two(qtbot: QtBot, page: RecordTab, path: Path) -> tuple[object, object]:
    """The last one that was added is selected, and one beside it; their ids."""
    ((key, last),) = ask(path, f"SELECT rowid, id FROM {page.spec.table.name} ORDER BY rowid DESC LIMIT 1")
    qtbot.waitUntil(lambda: page.model.complete)
    row = page.model.row_of_key(key)
    assert row is not None
    other = row + 1 if row == 0 else row - 1
    select(qtbot, page, row)
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    page.table.selectionModel().select(page.model.index(other, 0), flags)
    qtbot.waitUntil(lambda: is_settled(page.window()))
    return last, page.model.record_id(other)


def in_its_place(path: Path, sql: str) -> None:
    subprocess.run([sys.executable, "-c", OTHER, str(path), sql], check=True)


def acted_on(qtbot: QtBot, page: RecordTab) -> list[object]:
    found: list[list[object]] = []
    page.selection.with_ids(lambda ids, gone: found.append(ids))
    qtbot.waitUntil(lambda: bool(found))
    return found[0]


def test_what_has_the_number_of_a_deleted_row_is_not_acted_on(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    ask(demo_path, "UPDATE notifications SET read = 0")
    page = ready(NOTES)
    last, other = select_two(qtbot, page, demo_path)
    new = f"{INTO_NOTIFICATIONS} ('newcomer', 'globex', 'urgent', '', '', NULL, 0, {NOW})"
    in_its_place(demo_path, f"DELETE FROM notifications WHERE id = '{last}'; {new}")
    page.table.setFocus()
    press("R")
    qtbot.waitUntil(lambda: bool(ask(demo_path, "SELECT 1 FROM notifications WHERE read = 1")))
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert ask(demo_path, "SELECT id FROM notifications WHERE read = 1") == [(other,)]


def test_what_has_the_number_of_a_deleted_row_is_not_selected(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    last, other = select_two(qtbot, page, demo_path)
    new = f"{INTO_USERS} ('newcomer', 'acme-corp', 'newcomer@x.example', NULL, {NOW}, {NOW})"
    in_its_place(demo_path, f"DELETE FROM users WHERE id = '{last}'; {new}")
    assert acted_on(qtbot, page) == [other]
    with qtbot.waitSignal(page.list.loaded):
        page.context.outside.look()
    qtbot.waitUntil(lambda: page.list.selected_count() == 1)
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert page.list.current_id() == page.current.record_id == other
    assert acted_on(qtbot, page) == [other]
    assert "1 user of those selected was deleted by another program" in labels(page.window())


def test_the_inspector_does_not_go_over_to_what_has_the_number_of_a_deleted_row(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    ((key, last),) = ask(demo_path, "SELECT rowid, id FROM users ORDER BY rowid DESC LIMIT 1")
    qtbot.waitUntil(lambda: page.model.complete)
    row = page.model.row_of_key(key)
    assert row is not None
    select(qtbot, page, row)
    new = f"{INTO_USERS} ('newcomer', 'acme-corp', 'newcomer@x.example', NULL, {NOW}, {NOW})"
    write_elsewhere(qtbot, page, demo_path, f"DELETE FROM users WHERE id = '{last}'; {new}")
    qtbot.waitUntil(lambda: page.model.record_id(page.model.row_of_key(key) or 0) == "newcomer")
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert page.list.selected_count() == 0
    assert page.current.record_id is None


def test_another_order_does_not_select_what_has_the_number_of_a_deleted_row(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    page = ready(USERS)
    last, other = select_two(qtbot, page, demo_path)
    new = f"{INTO_USERS} ('newcomer', 'acme-corp', 'newcomer@x.example', NULL, {NOW}, {NOW})"
    in_its_place(demo_path, f"DELETE FROM users WHERE id = '{last}'; {new}")
    with qtbot.waitSignal(page.list.loaded):
        page.model.sort(page.model.column_of("email"))
    qtbot.waitUntil(lambda: page.list.selected_count() > 0)
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert (page.list.selected_count(), page.list.current_id()) == (1, other)


def test_of_all_rows_those_that_were_never_shown_are_not_acted_on_where_numbers_were_given_again(
    qtbot: QtBot, ready: Callable[[int], RecordTab], demo_path: Path
) -> None:
    into = INTO_USERS.split("VALUES")[0]
    many = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)"
    values = f"'u' || i, 'acme-corp', 'u' || i || '@x.example', NULL, {NOW}, {NOW}"
    ask(demo_path, f"{into} {many} SELECT {values} FROM n LIMIT 20000")
    page = ready(USERS)
    with qtbot.waitSignal(page.list.loaded):
        page.model.sort(page.model.column_of("email"))
    qtbot.waitUntil(lambda: page.model.complete and is_settled(page.window()))
    page.table.selectAll()
    qtbot.waitUntil(lambda: is_settled(page.window()))
    assert len(acted_on(qtbot, page)) == page.list.selected_count() > 20_000
    new = f"{INTO_USERS} ('newcomer', 'globex', 'newcomer@x.example', NULL, {NOW}, {NOW})"
    gone = "DELETE FROM users WHERE rowid > (SELECT max(rowid) - 5 FROM users)"
    in_its_place(demo_path, f"{gone}; {new}")
    failed: list[TenantAdminError] = []
    found: list[object] = []
    page.selection.in_turn(lambda database, chosen: list(chosen.ids(database)), found.append, failed.append)
    qtbot.waitUntil(lambda: bool(found or failed))
    assert not found
    assert isinstance(failed[0], RowChanged)
