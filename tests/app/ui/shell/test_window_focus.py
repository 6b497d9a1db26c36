"""After whatever has closed or gone the focus is where it was, or where one can go on: never nowhere."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TypeVar, cast

import pytest
from PySide6.QtCore import QRectF, Qt, QTimer
from PySide6.QtGui import QAccessible
from PySide6.QtWidgets import (
    QAbstractScrollArea,
    QApplication,
    QDialog,
    QMenu,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.services.runs.contents import LARGE
from app.settings import Settings
from app.ui.shell.dialogs import ShortcutsDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Theme
from app.ui.widgets.actions import Actions
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.json_view import JsonView
from app.ui.widgets.picker import Picker, PickerPopup
from app.ui.widgets.tab_order import as_seen, is_stop
from tests.conftest import NOW
from tests.fixtures.keyboard import MOST
from tests.fixtures.window import TABLES, ask, choose, closed, count, dialog, error, go, open_file, press
from tests.matrix import every

pytestmark = pytest.mark.slow
T = TypeVar("T")


def starts(window: MainWindow, page: RecordTab) -> dict[str, QWidget]:
    """Where a person may be when something opens."""
    copy = next(one for one in page.inspector.findChildren(QToolButton) if one.isVisible())
    return {"rows": page.table, "filter": page.filters.text, "copy": copy, "tenants": window.tenants}


@contextmanager
def escaping(left: list[str]) -> Iterator[None]:
    """Leaves each dialog or list by Escape as soon as it stands open, also one that waits for its end."""

    def leave() -> None:
        shown = QApplication.activePopupWidget() or QApplication.activeWindow()
        if isinstance(shown, QDialog | PickerPopup) and shown.isVisible():
            left.append(shown.windowTitle())
            press("Escape")

    timer = QTimer(interval=5)
    timer.timeout.connect(leave)
    timer.start()
    try:
        yield
    finally:
        timer.stop()


def itself(widget: QWidget) -> QWidget:
    return widget


def spoken(widget: QWidget) -> str:
    """What a screen reader calls it."""
    return QAccessible.queryAccessibleInterface(widget).text(QAccessible.Text.Name)


@contextmanager
def focused(told: Callable[[QWidget], T]) -> Iterator[list[T]]:
    """What is told of all that has the focus meanwhile, one after the other. The application lets go of it at
    the end, or it would hold each of them for as long as it runs.
    """
    had, app = list[T](), cast("QApplication", QApplication.instance())

    def hear(_: QWidget | None, new: QWidget | None) -> None:
        if new is not None:
            had.append(told(new))

    app.focusChanged.connect(hear)
    try:
        yield had
    finally:
        app.focusChanged.disconnect(hear)


def opening(commands: Actions) -> list[str]:
    """The acts that ask for more, as their words say by "…"."""
    acts = ((name, commands.action(name)) for name in commands.names())
    return [name for name, act in acts if act.text().endswith("…") and act.isEnabled()]


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("start", ("rows", "filter", "copy", "tenants"))
def test_the_focus_is_back_after_each_menu_and_what_was_opened_from_within(
    qtbot: QtBot, window: MainWindow, demo_path: Path, start: str
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    begun = starts(window, page)[start]
    for letter in "FERVH":
        begun.setFocus()
        press(f"Alt+{letter}")
        qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        qtbot.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
        press("F1")
        dialog(qtbot, window, ShortcutsDialog)
        press("Escape")
        closed(qtbot, window, ShortcutsDialog)
        assert QApplication.focusWidget() is begun, letter
        press(f"Alt+{letter}")
        qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        qtbot.keyClick(QApplication.activePopupWidget(), Qt.Key.Key_Escape)
        press("Escape")
        assert QApplication.focusWidget() is begun, letter


@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("place", range(5))
def test_the_focus_is_back_after_each_dialog_that_is_left(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    for commands in (window.commands, page.commands) if place == 0 else (page.commands,):
        # From everywhere in the first tab; in another one from its rows, and from elsewhere in turn.
        places = list(starts(window, page))
        tried = [
            (name, start)
            for number, name in enumerate(opening(commands))
            for start in (places if place == 0 else ("rows", places[1 + number % 3]))
        ]
        for name, start in every(tried):
            begun = starts(window, page)[start]
            begun.setFocus()
            left = list[str]()
            with escaping(left):
                commands.trigger(name)
                qtbot.waitUntil(partial(bool, left))
                qtbot.waitUntil(lambda: not isinstance(QApplication.activeWindow(), QDialog))
            window.activateWindow()
            qtbot.waitUntil(window.isActiveWindow)
            assert QApplication.focusWidget() is begun, f"{left} after {name}"


def test_the_focus_is_back_after_each_list_to_pick_from(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    for picker in (window.tenants, *page.filters.findChildren(Picker)):
        if picker is window.tenants:
            press("Ctrl+Shift+T")
        else:
            picker.setFocus()
            press("Space")
        qtbot.waitUntil(lambda: QApplication.activePopupWidget() is not None)
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
        assert QApplication.activePopupWidget() is None and QApplication.focusWidget() is picker


def test_the_rows_have_the_focus_when_what_had_it_goes(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path, read_only=True)
    workspace = window.workspace
    assert workspace is not None
    late = workspace.notices[0].add_button("Dismiss", workspace.notices[0].hide)
    late.setFocus()
    press("Space")
    assert not late.isVisible() and page.table.hasFocus(), "a notice that was dismissed"
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Del")
    qtbot.waitUntil(lambda: count(demo_path, "users") == before - 1)
    qtbot.waitUntil(window.toast.action_button.isVisible)
    window.toast.action_button.setFocus()
    press("Space")
    assert not window.toast.isVisible() and page.table.hasFocus(), "an Undo that was pressed"
    qtbot.waitUntil(lambda: count(demo_path, "users") == before)
    page.exact.add("id", choose(qtbot, page, 0))
    (chip,) = page.exact.chips()
    chip.setFocus()
    press("Space")
    assert page.table.hasFocus(), "a filter that was taken away"


def test_the_rows_have_the_focus_when_what_had_it_went_behind_a_dialog(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    gone = choose(qtbot, page, 0)
    page.exact.add("id", gone)
    qtbot.waitUntil(lambda: page.filters.count.text() == "1 user")
    choose(qtbot, page, 0)
    starts(window, page)["copy"].setFocus()
    press("F1")
    dialog(qtbot, window, ShortcutsDialog)
    ask(demo_path, "DELETE FROM users WHERE id = ?", gone)
    window.commands.trigger("refresh")
    qtbot.waitUntil(page.inspector.empty.isVisible)
    press("Escape")
    closed(qtbot, window, ShortcutsDialog)
    assert page.table.hasFocus()


def test_what_heeds_no_key_has_the_focus_neither_when_the_inspector_empties_nor_when_tabs_turn(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    gone = choose(qtbot, page, 0)
    page.exact.add("id", gone)
    qtbot.waitUntil(lambda: page.filters.count.text() == "1 user")
    choose(qtbot, page, 0)
    starts(window, page)["copy"].setFocus()
    ask(demo_path, "DELETE FROM users WHERE id = ?", gone)
    window.commands.trigger("refresh")
    qtbot.waitUntil(page.inspector.empty.isVisible)
    assert page.table.hasFocus()
    with focused(itself) as had:
        for place in (2, 3, 0, 2):
            there = go(qtbot, window, place)
            assert there.table.hasFocus()
    assert window._bar.database_button not in had


@pytest.mark.parametrize("start", ("Show all of Idea", "Show all"))
def test_the_focus_is_in_the_text_that_takes_the_place_of_its_beginning(
    qtbot: QtBot, window: MainWindow, demo_path: Path, start: str
) -> None:
    config = json.dumps({"notes": "word " * (LARGE // 5)})
    ask(demo_path, "UPDATE planning_runs SET idea = ?, config = ?", "long " * 200, config)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    choose(qtbot, page, 0)
    page.table.setFocus()
    for _ in range(MOST):
        press("Tab")
        focused = QApplication.focusWidget()
        if isinstance(focused, QPushButton) and start in (focused.accessibleName(), focused.text()):
            break
    press("Space")
    whole = QApplication.focusWidget()
    assert isinstance(whole, QPlainTextEdit) and page.inspector.isAncestorOf(whole) and whole.isVisible()
    assert whole.toPlainText().rstrip().endswith(("long", '"}'))
    if start == "Show all of Idea":
        qtbot.waitUntil(lambda: whole.blockCount() == 1 and whole.document().lineCount() > 20)
        assert whole.horizontalScrollBar().maximum() == 0 and whole.font().family() == page.font().family()
    seen = [part for part in as_seen(window) if is_stop(part)]
    follows = [*seen, seen[0]][seen.index(whole) + 1]
    press("Tab")
    assert QApplication.focusWidget() is follows, "it goes on from there"


@pytest.mark.matrix
@pytest.mark.parametrize("name", ("Config as text", "Config as a tree"))
@pytest.mark.parametrize("height", (800, 620))
def test_the_line_in_which_the_keyboard_is_shows_in_the_inspector(
    qtbot: QtBot, window: MainWindow, demo_path: Path, name: str, height: int
) -> None:
    window.resize(1280, height)
    config = json.dumps({f"setting {number}": number for number in range(14)})
    ask(demo_path, "UPDATE planning_runs SET config = ?", config)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    choose(qtbot, page, 0)
    if name.endswith("tree"):
        next(one for one in page.inspector.findChildren(JsonView) if one.isVisible()).show_tree(True)
    page.table.setFocus()
    for _ in range(MOST):
        press("Tab")
        box = QApplication.focusWidget()
        if box is not None and box.accessibleName() == name:
            break
    assert isinstance(box, QAbstractScrollArea)

    def is_seen() -> bool:
        line = QRectF(box.inputMethodQuery(Qt.InputMethodQuery.ImCursorRectangle)).toRect()
        seen = box.viewport().visibleRegion().boundingRect()
        return seen.top() <= line.top() and line.bottom() <= seen.bottom()

    most = box.viewport().visibleRegion().boundingRect().height()
    assert is_seen() and most >= min(box.viewport().height(), 3 * box.fontMetrics().lineSpacing())
    for _ in range(14):
        press("Down")
        qtbot.waitUntil(is_seen, timeout=5_000)


def current_focus() -> QWidget:
    focused = QApplication.focusWidget()
    assert focused is not None
    return focused


def test_what_tab_leads_to_shows_in_a_dialog_that_scrolls(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    columns = "tenant_id, event_type, payload, previous_hash, hash, created_at"
    for tenant in range(30):
        sql = f"INSERT INTO audit_chain ({columns}) VALUES (?, 'x', '{{}}', 'no hash', 'none either', 1)"
        ask(demo_path, sql, f"tenant-{tenant}")
    open_file(qtbot, window, demo_path)
    window.commands.trigger("retention")
    box = dialog(qtbot, window, Dialog)
    for key in ("End", *["Tab"] * 8):
        press(key)
        assert box.isAncestorOf(current_focus())
        if key != "End":  # what is measured anew meanwhile scrolls behind it
            qtbot.waitUntil(lambda: bool(current_focus().visibleRegion().boundingRect().height()))


def test_nothing_on_the_way_has_the_focus_when_a_file_opens_and_when_tabs_turn(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    with focused(itself) as had:
        tables = [open_file(qtbot, window, demo_path).table]
        for place in (1, 2, 3, 4, 0, 1):
            page = go(qtbot, window, place)
            qtbot.waitUntil(page.table.hasFocus)
            tables.append(page.table)
        assert had == tables, "not what a screen reader would say first"
        page.filters.text.setFocus()
        window.workspace.jump(TABLES[0], None)  # type: ignore[union-attr]
        assert had[-1] is tables[0] and had[-2] is page.filters.text


def test_no_button_of_the_tool_bar_is_heard_where_a_file_opens_before_the_window_is_in_front(
    qtbot: QtBot, theme: Theme, demo_path: Path
) -> None:
    window = MainWindow(theme, Settings(), lambda: NOW)
    qtbot.addWidget(window)
    window.opened.connect(window.show)
    window.opened.connect(window.activateWindow)
    with focused(spoken) as names:
        window.files.open(demo_path)
        qtbot.waitUntil(lambda: window.workspace is not None and window.workspace.focus_rows())
    assert names in ([demo_path.name, "Users"], ["Users"])


@pytest.mark.parametrize("there", (True, False))
def test_no_button_of_the_tool_bar_is_heard_first_when_the_program_starts_with_a_file(
    qtbot: QtBot, theme: Theme, demo_path: Path, there: bool
) -> None:
    window = MainWindow(theme, Settings(), lambda: NOW)
    qtbot.addWidget(window)
    with focused(spoken) as names:
        window.files.open(demo_path if there else demo_path.with_name("none.sqlite"))
        window.show()
        window.activateWindow()
        if there:
            qtbot.waitUntil(lambda: window.workspace is not None and window.workspace.focus_rows())
            first = {"Opening the database", demo_path.name}  # it may open before it is in front
            assert names[-1] == "Users" and set(names[:-1]) <= first, names
        else:
            error(qtbot, window)
            qtbot.waitUntil(lambda: names[-1] == "Open…")
            assert set(names) <= {"Opening the database", "Open…", "Close"}
    window.close()


def test_the_first_choice_of_the_first_page_has_the_focus_when_a_file_is_closed(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    with focused(spoken) as names:
        press("Ctrl+W")
    assert names == ["Open…"]
