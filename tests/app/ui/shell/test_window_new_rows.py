"""Rows that another program adds: said, and not in the way of who reads."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import QPushButton
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.services.records.tables import NOTIFICATIONS
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.picker import Picker
from tests.conftest import NOW
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.window import TABLES, ask, choose, click, go, open_file, press, said

INTO = f"{INTO_USERS} (?, ?, ?, ?, ?, ?)"


def add(page: RecordTab, path: Path, *names: str, at: int = NOW) -> None:
    """As another program does, and the next look of this one."""
    for name in names:
        ask(path, INTO, name, "acme-corp", f"{name}@new.example", None, at, at)
    page.context.outside.look()


def top(page: RecordTab) -> object:
    return page.model.record_id(page.table.rowAt(0))


def ready(qtbot: QtBot, window: MainWindow, path: Path) -> RecordTab:
    page = open_file(qtbot, window, path)
    page.context.outside.stop()  # it is looked when the test wants it
    page.context.outside.look()
    qtbot.waitUntil(lambda: page.new_rows._newest is not None and not page.context.outside._asked)
    return page


def test_nothing_is_made_for_what_is_not_new(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = ready(qtbot, window, demo_path)
    floating = [one for one in page.findChildren(QPushButton) if one.property("floating")]
    assert floating == [] and not page.new_rows.button.isVisible()


@pytest.mark.slow
def test_what_others_add_is_said_and_moves_nothing(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = ready(qtbot, window, demo_path)
    before, there = top(page), page.model.rowCount()
    pickers = page.filters.findChildren(Picker)
    places = [picker.x() for picker in pickers]
    add(page, demo_path, "one", "two", "three")
    qtbot.waitUntil(page.new_rows.button.isVisible)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(there + 3, 0))
    assert page.new_rows.button.text() == "3 new"
    assert top(page) == before and page.list.current_id() is None
    assert [picker.x() for picker in pickers] == places
    add(page, demo_path, "four")
    qtbot.waitUntil(lambda: page.new_rows.button.text() == "4 new")
    assert top(page) == before
    add(page, demo_path, "five")
    qtbot.waitUntil(lambda: page.new_rows.button.text() == "5 new")
    for gone, left in (("five", 4), ("two", 3)):  # the newest of them, and another one
        ask(demo_path, "DELETE FROM users WHERE id = ?", gone)
        page.context.outside.look()
        qtbot.waitUntil(lambda left=left: page.new_rows.button.text() == f"{left} new")  # type: ignore[misc]
    page.table.setFocus()
    press("Ctrl+J")
    qtbot.waitUntil(lambda: page.list.current_id() == "four")
    assert not page.new_rows.button.isVisible() and page.table.hasFocus()
    assert page.commands.action("new_rows").isEnabled() is False


@pytest.mark.slow
def test_nothing_moves_or_is_cut_where_they_are_said(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = ready(qtbot, window, demo_path)
    window.resize(900, 560)
    qtbot.waitUntil(lambda: page.table.width() > 800)  # the inspector folds away

    def places() -> list[QRect]:
        parts = (page.filters.text, page.table, page.filters.count)
        return [part.geometry() for part in parts]

    page.filters.text.setFocus()
    before = places()
    add(page, demo_path, *map(str, range(12)))
    button = page.new_rows.button
    qtbot.waitUntil(lambda: button.isVisible() and button.text() == "12 new")
    qtbot.waitUntil(lambda: page.list.is_behind or page.table.verticalScrollBar().value() > 0)
    assert places()[:2] == before[:2] and page.filters.text.hasFocus()
    viewport = page.table.viewport()
    over = QRect(viewport.mapFrom(window, button.mapTo(window, QPoint())), button.size())
    assert viewport.rect().contains(over) and button.size() == button.sizeHint()
    page.resize(page.width() - 40, page.height() - 40)
    over = QRect(viewport.mapFrom(window, button.mapTo(window, QPoint())), button.size())
    assert viewport.rect().contains(over)


def test_what_comes_in_sight_is_not_new(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "DELETE FROM users")
    page = ready(qtbot, window, demo_path)
    add(page, demo_path, "one", "two", "three")
    qtbot.waitUntil(lambda: page.model.rowCount() == 3 and page.new_rows._latest > 0)
    qtbot.waitUntil(lambda: page.new_rows.count == 0)
    assert not page.new_rows.button.isVisible() and not page.new_rows.button.isVisibleTo(page)
    ask(demo_path, "DELETE FROM users")
    page.context.outside.look()
    qtbot.waitUntil(lambda: page.new_rows.button.accessibleName() == "Others have written")


@pytest.mark.slow
def test_they_are_new_until_one_has_come_to_the_newest(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = ready(qtbot, window, demo_path)
    choose(qtbot, page, 2)
    page.table.verticalScrollBar().setValue(page.table.verticalScrollBar().maximum())
    add(page, demo_path, "one")
    qtbot.waitUntil(page.new_rows.button.isVisible)
    qtbot.waitUntil(lambda: page.model.row_of_key(page.new_rows._new_key) == 0)  # type: ignore[arg-type]
    assert page.new_rows.count == 1
    page.table.scrollToTop()
    qtbot.waitUntil(lambda: not page.new_rows.button.isVisible())


@pytest.mark.slow
def test_the_newest_is_new_no_more_once_it_is_shown_from_elsewhere(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "DELETE FROM users WHERE rowid > (SELECT min(rowid) + 2 FROM users)")
    page = ready(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    add(page, demo_path, "one")
    qtbot.waitUntil(lambda: page.new_rows.button.isVisible() and page.list.is_behind)
    page.show_record("one")
    qtbot.waitUntil(lambda: page.list.current_id() == "one")
    qtbot.waitUntil(lambda: not page.new_rows.button.isVisible())


@pytest.mark.slow
def test_they_count_where_they_get_the_numbers_of_rows_that_went(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = ready(qtbot, window, demo_path)
    there = page.model.rowCount()
    wanted = [("acme-corp", f"own-{number}@x.example", None) for number in range(5)]
    page.context.act(users.create_many, wanted)
    qtbot.waitUntil(lambda: page.model.rowCount() == there + 5)
    page.context.history.undo()
    qtbot.waitUntil(lambda: page.model.rowCount() == there)
    page.table.setFocus()
    press("Ctrl+J")
    add(page, demo_path, "one", "two", "three")
    qtbot.waitUntil(lambda: page.new_rows.button.text() == "3 new")


@pytest.mark.slow
def test_the_selected_record_stays_where_it_is(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = ready(qtbot, window, demo_path)
    user = choose(qtbot, page, 2)
    place = page.table.visualRect(page.table.currentIndex())
    add(page, demo_path, "one")
    qtbot.waitUntil(page.new_rows.button.isVisible)
    qtbot.waitUntil(lambda: page.list.current_id() == user and page.table.currentIndex().row() == 3)
    assert page.table.visualRect(page.table.currentIndex()) == place
    click(qtbot, page.new_rows.button)
    qtbot.waitUntil(lambda: page.list.current_id() == "one")


def test_the_key_that_goes_to_them_is_kept_until_the_list_has_them(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """They are counted in a read of its own, which may be told of first."""
    page = ready(qtbot, window, demo_path)
    ask(demo_path, INTO, "one", "acme-corp", "one@new.example", None, NOW, NOW)
    page.new_rows.look()
    qtbot.waitUntil(page.new_rows.button.isVisible)
    press("Ctrl+J")
    assert page.list.current_id() is None and not page.new_rows.button.isVisible()
    page.context.outside.look()
    qtbot.waitUntil(lambda: page.list.current_id() == "one")
    assert page.table.hasFocus()


@pytest.mark.slow
def test_only_what_the_filter_keeps_and_others_have_added_counts(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = ready(qtbot, window, demo_path)
    page.filters.text.setText("new.example")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(0, 0))
    qtbot.waitUntil(lambda: page.new_rows._newest is not None)
    page.context.act(users.create, "acme-corp", "own@new.example")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(1, 0))
    newest = ask(demo_path, "SELECT max(rowid) FROM users")[0][0]
    qtbot.waitUntil(lambda: page.new_rows._newest == newest)
    ask(demo_path, INTO, "else", "acme-corp", "else@x.example", None, NOW, NOW)
    add(page, demo_path, "one")
    qtbot.waitUntil(lambda: page.new_rows.button.text() == "1 new")  # and not only that others have written
    assert page.new_rows.button.isVisible()
    page.clear_filters()
    qtbot.waitUntil(lambda: not page.new_rows.button.isVisible())
    notes = go(qtbot, window, TABLES.index(NOTIFICATIONS.name))
    assert not notes.new_rows.button.isVisible()
