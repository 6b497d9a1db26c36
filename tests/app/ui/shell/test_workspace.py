"""What is read again after an act: only what it touched."""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, QPoint, Qt, QTimer
from PySide6.QtGui import QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app.services.opened import tenants
from app.services.records import notifications, users
from app.services.records.lists import Lists
from app.ui.session import context
from app.ui.shell import workspace as workspaces
from app.ui.shell.held_keys import HeldKeys
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.form_dialog import FormDialog
from app.workers.runner import Runner, Task
from tests.fixtures.window import ask, choose, current, dialog, go, is_settled, open_file

EMAIL = "moved@example.com"

LIST = "ListController._read.<locals>.read"
"""What reads the keys of a whole list."""


class Counting(Runner):
    """Knows how often each function was asked to read of the database; what is told of its file is none."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.reads: Counter[str] = Counter()

    def read(self, function: Callable[..., Any], *args: Any, **options: Any) -> Task:
        name = getattr(function, "func", function).__qualname__
        if not name.startswith(f"{MainWindow._measure.__qualname__}."):
            self.reads[name] += 1
        return super().read(function, *args, **options)


@pytest.fixture
def counted(
    window: MainWindow, demo_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> tuple[RecordTab, Counting]:
    """The users of an open file, all of its surroundings read."""
    monkeypatch.setattr(context, "Runner", Counting)
    page = open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None and isinstance(page.context.runner, Counting)
    choose(qtbot, page, 3)
    quiet(qtbot, page)
    return page, page.context.runner


def quiet(qtbot: QtBot, page: RecordTab) -> None:
    """Waits until nothing is under way and the interface has looked at what came."""
    qtbot.waitUntil(lambda: is_settled(page.window()))


def act(qtbot: QtBot, page: RecordTab, *what: Any) -> None:
    with qtbot.waitSignal(page.context.runner.changed):
        page.context.act(*what)
    quiet(qtbot, page)


def shown(page: RecordTab, column: str, row: int) -> str:
    return str(page.model.index(row, page.model.column_of(column)).data())


def test_an_edited_address_is_two_reads(counted: tuple[RecordTab, Counting], qtbot: QtBot) -> None:
    page, runner = counted
    page.table.scrollTo(page.model.index(3, 0))
    runner.reads.clear()
    act(qtbot, page, users.rename, page.list.current_id(), EMAIL)
    qtbot.waitUntil(lambda: runner.reads["read_past"] == 1)  # the entry that the act has made, a moment later
    assert runner.reads["Lists.load_page"] == 1, "the row"
    assert runner.reads.total() == 3, "and the open record"
    assert shown(page, "email", 3) == page.inspector.title.text() == EMAIL
    assert page.table.selected_rows() == [3]
    assert page.table.currentIndex().row() == 3


@pytest.mark.slow
def test_another_record_s_address_is_one_read(counted: tuple[RecordTab, Counting], qtbot: QtBot) -> None:
    page, runner = counted
    runner.reads.clear()
    act(qtbot, page, users.rename, page.model.record_id(5), EMAIL)
    assert runner.reads == {"Lists.load_page": 1}
    assert shown(page, "email", 5) == EMAIL


@pytest.mark.slow
@pytest.mark.parametrize("how", ["sorted", "filtered"])
def test_a_row_that_may_move_is_looked_for(
    counted: tuple[RecordTab, Counting], qtbot: QtBot, how: str
) -> None:
    page, runner = counted
    before = page.list.current_id()
    with qtbot.waitSignal(page.list.loaded):
        if how == "sorted":
            page.model.sort(page.model.column_of("email"))
        else:
            page.set_filter_text("@")
    qtbot.waitUntil(lambda: page.list.current_id() == before)
    quiet(qtbot, page)
    email = "zzz@example.com" if how == "sorted" else "aaa@example.com"
    runner.reads.clear()
    act(qtbot, page, users.rename, before, email)
    assert runner.reads[LIST] == 1
    qtbot.waitUntil(lambda: page.list.current_id() == before)
    row = page.table.currentIndex().row()
    qtbot.waitUntil(lambda: shown(page, "email", row) == page.inspector.title.text() == email)
    if how == "sorted":
        assert row == page.model.rowCount() - 1


@pytest.mark.slow
def test_a_new_user_is_no_unread_notification(counted: tuple[RecordTab, Counting], qtbot: QtBot) -> None:
    page, runner = counted
    total = page.model.rowCount()
    runner.reads.clear()
    act(qtbot, page, users.create, "acme-corp", EMAIL)
    assert page.model.rowCount() == total + 1
    qtbot.waitUntil(lambda: runner.reads["Lists.load_page"] == 1)  # asked for when it is painted
    shown = {"Lists.locate": 1, "RecordTab.load": 1}  # the new one is selected
    # Whether it has a password, which its acts ask, where its page has not come yet.
    assert runner.reads.pop("Selection._counting_of.<locals>.read", 0) <= 1
    assert runner.reads.pop("read_past", 0) <= 1  # what was recorded of it, a moment later
    new = {"Lists.newest": 1}  # it is not new to who has made it
    assert runner.reads == {LIST: 1, "Lists.load_page": 1, "Lists.choices": 1} | shown | new


@pytest.mark.slow
def test_the_tenants_are_told_of_a_new_one(
    counted: tuple[RecordTab, Counting], window: MainWindow, qtbot: QtBot
) -> None:
    page, runner = counted
    runner.reads.clear()
    assert window.workspace is not None
    with qtbot.waitSignal(window.workspace.tenants_found) as found:
        page.context.act(users.create, "new-tenant", EMAIL)
    assert "new-tenant" in found.args[0]
    assert runner.reads[tenants.__qualname__] == 1
    runner.reads.clear()
    act(qtbot, page, users.create, "new-tenant", f"x{EMAIL}")
    assert runner.reads[tenants.__qualname__] == 0


@pytest.mark.slow
def test_a_narrow_window_has_tabs_of_whole_words(
    counted: tuple[RecordTab, Counting], window: MainWindow, qtbot: QtBot
) -> None:
    assert window.workspace is not None
    tabs = window.workspace.tabs
    assert not tabs.tabIcon(0).isNull()
    window.setMinimumSize(0, 0)
    window.resize(640, 400)
    qtbot.waitUntil(tabs.tabIcon(0).isNull)
    words = sum(tabs.fontMetrics().horizontalAdvance(tabs.tabText(page)) for page in range(tabs.count()))
    assert words < tabs.tabBar().width()


@pytest.mark.slow
def test_the_unread_count_follows_what_was_read(
    counted: tuple[RecordTab, Counting], window: MainWindow, qtbot: QtBot
) -> None:
    page, runner = counted
    assert window.workspace is not None
    tabs = window.workspace.tabs
    unread = ask(page.context.opened.path, "SELECT id FROM notifications WHERE read = 0")
    qtbot.waitUntil(lambda: tabs.tabText(3) == f"Notifications  {len(unread)}")
    runner.reads.clear()
    with qtbot.waitSignal(runner.changed):
        page.context.act(notifications.mark, [unread[0][0]], read=True)
    qtbot.waitUntil(lambda: tabs.tabText(3) == f"Notifications  {len(unread) - 1}")
    quiet(qtbot, page)
    assert runner.reads == {Lists.count.__qualname__: 1}


@pytest.mark.slow
def test_a_tab_out_of_sight_reads_when_it_is_looked_at(
    counted: tuple[RecordTab, Counting], window: MainWindow, qtbot: QtBot
) -> None:
    page, runner = counted
    who = page.list.current_id()
    other = go(qtbot, window, 2)
    quiet(qtbot, other)
    runner.reads.clear()
    act(qtbot, page, users.rename, who, EMAIL)
    assert runner.reads == {}
    assert go(qtbot, window, 0) is page is current(window)
    qtbot.waitUntil(lambda: page.inspector.title.text() == EMAIL)
    assert runner.reads[LIST] == 1


@pytest.mark.slow
def test_many_rows_do_not_put_off_what_comes_after_them(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    ask(
        demo_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'many-' || i, 'acme-corp', 'many-' || i || '@example.com', i, i FROM n",
    )
    with qtbot.waitSignal(window.opened):
        window.files.open(demo_path)
    workspace = window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: workspace.is_settled)  # half of a millisecond for each row


@pytest.mark.slow
def test_what_is_written_while_a_file_opens_keeps_the_focus(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    window.opened.connect(lambda _: window.search.setFocus())
    open_file(qtbot, window, demo_path)
    assert window.search.hasFocus()


@pytest.mark.slow
def test_a_tab_is_built_in_parts_between_which_events_run_and_a_key_finds_it_whole(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    open_file(qtbot, window, demo_path)
    workspace, turns, done = window.workspace, QTimer(interval=0), list[RecordTab]()
    assert workspace is not None
    events = list[None]()
    turns.timeout.connect(lambda: events.append(None))
    turns.timeout.connect(workspace.context.verdict.changed)
    turns.start()
    workspace.tabs.setCurrentIndex(1)
    workspace.with_current(done.append)
    assert not events
    qtbot.waitUntil(lambda: bool(done))
    assert len(events) > 3 and done[0].isVisible()
    turns.stop()

    workspace.tabs.setCurrentIndex(4)
    qtbot.waitUntil(lambda: len(workspace.findChildren(RecordTab)) == 3)
    tab = workspace.findChildren(RecordTab)[-1]
    assert not tab.isVisible()
    before = QApplication.focusWidget()
    window.search.setFocus()
    for key in (Qt.Key.Key_I, Qt.Key.Key_T):
        QTest.keyClick(window.windowHandle(), key)
    assert not tab.isVisible() and window.search.text() == "it", "what is written elsewhere waits for no tab"
    if before is None:
        window.search.clearFocus()
    else:
        before.setFocus()
    QTest.keySequence(window.windowHandle(), QKeySequence("Ctrl+Shift+N"))
    asked = dialog(qtbot, window, FormDialog)
    assert tab.isVisible(), "which acts when it is there"
    asked.reject()
    assert window.focusWidget() is tab.table


@pytest.mark.slow
def test_what_was_stopped_with_a_tab_half_built_hears_of_no_event(
    window: MainWindow, demo_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    heard = list[QEvent.Type]()

    def hear(_keys: HeldKeys, _of: QObject, event: QEvent) -> bool:
        heard.append(event.type())
        return False

    monkeypatch.setattr(HeldKeys, "eventFilter", hear)
    open_file(qtbot, window, demo_path)
    workspace, turn = window.workspace, QTimer(singleShot=True, interval=0)
    assert workspace is not None
    workspace.tabs.setCurrentIndex(4)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Shift)
    assert heard
    workspace.stop()
    heard.clear()
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_Shift)
    with qtbot.waitSignal(turn.timeout):
        turn.start()
    assert not heard


class Order(QObject):
    """Notes in `heard` what is painted, and what else is said to it."""

    def __init__(self, parent: QObject) -> None:
        super().__init__(parent)
        self.heard: list[str] = []

    def follow(self, widget: QObject, name: str) -> None:
        widget.setObjectName(name)
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
        if event.type() == QEvent.Type.Paint:
            self.heard.append(watched.objectName())
        return False


def test_a_file_is_drawn_once_with_its_rows_before_more_is_read(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    order = Order(window)

    def follow(_: object) -> None:
        page = current(window)
        order.follow(page.table.horizontalHeader().viewport(), "header")
        order.follow(page.table.viewport(), "rows")
        page.list.painted.connect(lambda: order.heard.append("more"))

    window.opened.connect(follow)
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: "more" in order.heard)
    assert sorted(order.heard[:2]) == ["header", "rows"] and order.heard[2] == "more"


@pytest.mark.slow
def test_rows_that_come_before_the_first_turn_begin_the_rest_too(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    """Another tab, asked for as soon as the file is open, may have its rows before the workspace begins."""

    def turn(_: object) -> None:
        assert window.workspace is not None
        window.workspace.tabs.setCurrentIndex(2)
        window.workspace.current()
        running = window.workspace.context.runner._running
        while any(task.ended is None for task in running.values()):
            pass  # the answers are there before the event loop has its turn

    window.opened.connect(turn)
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(window.shield.isVisible)
    assert window.retention_status.text() == "Retention: off"


@pytest.mark.slow
def test_tabs_are_built_before_anybody_looks_at_them_and_read_then(
    window: MainWindow, demo_path: Path, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspaces, "AHEAD_MS", 0)
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: len(workspace._built) == 2 and not workspace._ahead.isActive())
    QTest.mouseMove(window.windowHandle(), workspace.tabs.tabBar().mapTo(window, QPoint(200, 9)))
    qtbot.waitUntil(lambda: len(workspace._built) == 5 and not workspace._ahead.isActive())
    assert not any(page.isVisible() or page.list.shown for place, page in workspace._built.items() if place)
    parts = list[None]()
    workspace._build_on.timeout.connect(lambda: parts.append(None))
    for place in range(1, 5):
        assert go(qtbot, window, place).table.hasFocus()
    assert not parts, "none was built when it was looked at"


@pytest.mark.slow
def test_a_file_s_first_tab_is_built_in_parts_and_another_one_may_be_looked_at_meanwhile(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    for turned in (False, True):
        with qtbot.waitSignal(window.opened):
            window.files.open(demo_path)
        workspace = window.workspace
        assert workspace is not None
        parts, place = list[None](), 0
        workspace._build_on.timeout.connect(lambda: parts.append(None))  # noqa: B023 - while it is this one
        with qtbot.waitSignal(workspace._build_on.timeout):
            pass
        assert not workspace._built
        if turned:
            place = 1
            workspace.tabs.setCurrentIndex(place)
        QTest.mouseClick(window.windowHandle(), Qt.MouseButton.LeftButton, pos=QPoint(640, 400))
        assert not workspace._built, "nothing is there yet that a click could mean"
        qtbot.waitUntil(lambda: workspace.is_settled)  # noqa: B023
        assert workspace.current() is workspace._built[place] and len(parts) > 4
        assert workspace.updatesEnabled() and workspace._built[place].table.hasFocus()


@pytest.mark.slow
def test_a_key_finds_a_tab_whole_of_which_a_part_was_built_before(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    for place in (1, 2):
        workspace._go_ahead()  # the first part of the next one
        workspace._go_ahead()
        assert place not in workspace._built
        window.grab()  # which tells its size to what is hidden, too
        workspace.tabs.setCurrentIndex(place)
        assert not any(page.isVisible() for page in workspace.findChildren(RecordTab)), "nothing half built"
        workspace._say_moment(place)  # as a moment later
        assert "one moment" in workspace._moments[place].text()
        if place == 2:
            QTest.keyClick(window.windowHandle(), Qt.Key.Key_Down)
            qtbot.waitUntil(lambda: workspace.has_row)  # the key has waited for the rows
        QTest.keySequence(window.windowHandle(), QKeySequence("Ctrl+F"))  # before the event loop has its turn
        for key in "XY":
            QTest.keySequence(window.windowHandle(), QKeySequence(key))
        qtbot.waitUntil(lambda: place in workspace._built)  # noqa: B023
        tab = workspace._built[place]
        assert not workspace._moments, "nor said any more"
        assert tab.isVisible() and tab.filters.text.hasFocus()
        qtbot.waitUntil(lambda: tab.filters.text.text().casefold() == "xy")  # noqa: B023
    workspace.tabs.setCurrentIndex(3)
    window.search.setFocus(Qt.FocusReason.MouseFocusReason)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    QTest.keyClick(window.windowHandle(), Qt.Key.Key_F5)
    assert 3 not in workspace._built, "it is not built at once for what the window does"
    qtbot.waitUntil(lambda: 3 in workspace._built)
    assert window.search.hasFocus(), "nor does it take the focus from whoever has gone on"
    workspace._go_ahead()
    workspace._go_ahead()
    (half,) = (tab for tab in workspace.findChildren(RecordTab) if tab not in workspace._built.values())
    window.close_file()
    assert half not in workspace._built.values(), "it is not built to its end for nothing"
    assert half.table.isAncestorOf(half.table.viewport()) and half.isAncestorOf(half.table), (
        "it goes as a whole"
    )


@pytest.mark.slow
def test_a_menu_of_a_tab_that_is_still_built_opens_at_once_and_has_its_acts_then(
    window: MainWindow, demo_path: Path, qtbot: QtBot
) -> None:
    open_file(qtbot, window, demo_path)
    workspace = window.workspace
    assert workspace is not None
    for place, keys, by_key in ((1, "Alt+R", False), (2, "Alt+V", False), (3, "Alt+R", True)):
        workspace.tabs.setCurrentIndex(place)
        QTest.keySequence(window, QKeySequence(keys))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu) and menu.actions()[-1].text() == "One moment…"
        assert place not in workspace._built
        if by_key:  # which on X11 comes to the menu, past the window
            QTest.keyClick(menu, Qt.Key.Key_Down)
        qtbot.waitUntil(lambda: "One moment…" not in [act.text() for act in menu.actions()])  # noqa: B023
        if by_key:
            qtbot.waitUntil(lambda: menu.activeAction() in menu.actions())  # noqa: B023
        assert len(menu.actions()) > 4 and menu.isVisible()
        menu.close()
