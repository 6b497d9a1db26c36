"""The window by its keys: wherever the focus is, and with an answer where one cannot act."""

from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QRect, QSize, Qt, QTimer
from PySide6.QtGui import QAccessible, QKeyEvent, QKeySequence
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QFileDialog,
    QMenu,
    QPushButton,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.ui.shell.dialogs import ShortcutsDialog
from app.ui.shell.help import HelpWindow
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.declared import EVERYWHERE
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.webhooks import WebhookDialog
from app.ui.theme import Mode
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.file_dialogs import open_dialog
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.ears import Heard
from tests.fixtures.window import (
    ask,
    choose,
    closed,
    current,
    dialog,
    go,
    is_settled,
    open_file,
    press,
    texts,
    type_text,
    values,
)


@pytest.mark.slow
def test_keys_of_a_tab_work_while_the_tool_bar_has_the_focus(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    for widget in (window.search, window.tenants, page.filters.text):
        widget.setFocus()
        press("Ctrl+Shift+N")
        dialog(qtbot, window, FormDialog)
        press("Escape")
        closed(qtbot, window, FormDialog)
        assert QApplication.focusWidget() is widget, "the focus is back"


@pytest.mark.slow
def test_escape_closes_an_opened_run_wherever_the_focus_is(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    choose(qtbot, page, 0)
    assert isinstance(page, RunsTab) and window.workspace is not None
    for start in (window.workspace.tabs.tabBar(), window._bar.database_button, window.shield):
        page.open_page()
        assert page.opener.is_open
        start.setFocus()
        press("Escape")
        assert not page.opener.is_open


@pytest.mark.slow
def test_keys_are_those_of_the_tab_in_sight_after_another_was_in_the_menu(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    for at in (2, 3):
        menu = window.menuBar().actions()[at].menu()
        assert isinstance(menu, QMenu)
        menu.aboutToShow.emit()
        assert menu.actions()
    go(qtbot, window, 2)
    for keys, kind in (("Ctrl+Shift+N", WebhookDialog), ("Ctrl+Alt+S", FormDialog)):
        press(keys)
        dialog(qtbot, window, kind)
        press("Escape")
        closed(qtbot, window, kind)


@pytest.mark.slow
def test_return_and_a_double_click_open_a_user(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    page.table.setFocus()
    press("Return")
    assert dialog(qtbot, window, FormDialog).windowTitle() == "Edit e-mail address"
    press("Escape")
    closed(qtbot, window, FormDialog)
    assert QApplication.focusWidget() is page.table
    where = page.table.visualRect(page.model.index(0, 0)).center()
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    qtbot.mouseDClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
    assert dialog(qtbot, window, FormDialog).windowTitle() == "Edit e-mail address"
    press("Escape")


@pytest.mark.slow
def test_return_presses_the_button_that_has_the_focus(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    for name, title in (("New user…", "New user"), ("Edit e-mail…", "Edit e-mail address")):
        buttons = page.findChildren(QAbstractButton)
        pressed = next(one for one in buttons if one.text() == name and one.isVisible())
        pressed.setFocus()
        held = QKeyEvent(
            QKeyEvent.Type.KeyPress, Qt.Key.Key_Return, Qt.KeyboardModifier.NoModifier, "\r", True
        )
        QApplication.sendEvent(pressed, held)
        assert not window.findChildren(FormDialog), "once for each press"
        press("Return")
        assert dialog(qtbot, window, FormDialog).windowTitle() == title
        press("Escape")
        closed(qtbot, window, FormDialog)


@pytest.mark.slow
def test_return_leads_to_the_inspector_of_what_is_not_edited(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Return")
    focused = QApplication.focusWidget()
    assert focused is not None and page.inspector.isAncestorOf(focused)


@pytest.mark.slow
def test_a_key_that_cannot_act_says_why(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path, read_only=True)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Del")
    assert "read-only" in window.toast.label.text() and window.toast.isVisible()
    window.toast.hide()
    press("Ctrl+Z")
    assert window.toast.label.text() == "There is nothing to undo."
    go(qtbot, window, 1)
    press("V")
    assert window.toast.label.text().startswith("Select ")


@pytest.mark.slow
def test_the_filter_leads_down_to_the_table(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    for key in ("Down", "Return"):
        press("Ctrl+F")
        assert QApplication.focusWidget() is page.filters.text
        press(key)
        assert QApplication.focusWidget() is page.table and page.table.selected_rows() == [0]
    for before in (0, None):  # Return before the rows have come, with a record selected and without
        page.clear_filters()
        qtbot.waitUntil(lambda: page.table.model().rowCount() > 9)
        page.table.clearSelection()
        if before is not None:
            choose(qtbot, page, before)
        *_, email = values(page, "email")[:5]
        press("Ctrl+F")
        type_text(qtbot, str(email))
        press("Return")
        qtbot.waitUntil(lambda: page.table.model().rowCount() == 1)
        qtbot.waitUntil(lambda: page.table.selected_rows() == [0])
        qtbot.waitUntil(lambda: page.current.whole() is not None)
        assert page.inspector.title.text() == email


@pytest.mark.slow
def test_after_a_tenant_is_chosen_the_table_has_the_focus(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    window.tenants.setFocus()
    press("Down")
    press("Down")
    press("Return")
    assert window.tenants.key() is not None
    assert QApplication.focusWidget() is page.table


@pytest.mark.slow
def test_shift_f10_opens_the_menu_of_a_row_and_of_the_inspector(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    copy = page.inspector.findChildren(QToolButton)[0]
    for where in (page.table, copy):
        where.setFocus()
        press("Shift+F10")
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        assert "Edit e-mail…" in [action.text().replace("&", "") for action in menu.actions()]
        menu.close()


@pytest.mark.slow
def test_f1_lists_every_key_of_the_window_and_of_the_tab(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    press("F1")
    listed = texts(dialog(qtbot, window, ShortcutsDialog).table)
    assert ["Ctrl+K", "Search everything", "Everywhere"] in listed
    assert ["F2", "Edit e-mail…", "Users"] in listed
    assert ["Shift+F2", "Edit other columns…", "Users"] in listed, "in the words of the menu, which change"
    assert ["Ctrl+J", "Go to what is new", "Users"] in listed
    assert [where for _, _, where in listed[:2]] == ["Users", "Users"], "what is in sight comes first"
    assert len({(key, where) for key, _, where in listed}) == len(listed), (
        "each key has one meaning in a place"
    )
    assert ["Esc", "Empty it, or go to the rows", "Filter"] in listed
    assert len(listed) == len(window.commands.shortcuts()) + len(page.keys())
    press("Escape")
    closed(qtbot, window, Dialog)
    assert QApplication.focusWidget() is page.table


@pytest.mark.slow
def test_f1_lists_the_keys_of_what_is_in_sight(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)

    def listed() -> list[list[str]]:
        press("F1")
        found = texts(dialog(qtbot, window, ShortcutsDialog).table)
        press("Escape")
        closed(qtbot, window, Dialog)
        return found

    page = go(qtbot, window, 1)
    qtbot.waitUntil(lambda: is_settled(window))  # the bars come behind the rows
    assert ["Left, Right", "Go to the days beside", "Entries per day"] in listed()
    page = go(qtbot, window, 4)
    choose(qtbot, page, 0)
    table = listed()
    assert ["Ctrl+Space", "Choose it beside the others, or no more", "Status"] in table
    assert {"Ctrl+A", "F4", "Ctrl+Shift+X"} <= {key for key, _, _ in table}
    press("O")
    assert isinstance(page, RunsTab)
    qtbot.waitUntil(lambda: page.opener.is_open)
    opened = listed()
    assert ["Alt+Up, Alt+Down", "Open the run above, or below", "Opened run"] in opened
    assert ["Esc", "Back to the list", "Opened run"] in opened
    assert {"Ctrl+A", "F4", "Ctrl+Shift+X"}.isdisjoint(key for key, _, _ in opened), (
        "of the list, which is hidden"
    )
    assert ["Ctrl+H", "Audit history", "Planning runs"] in opened


def test_f1_lists_the_keys_of_the_dialog_in_front(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, FormDialog)
    field = QApplication.focusWidget()
    press("F1")
    listed = texts(dialog(qtbot, form, ShortcutsDialog).table)
    where = form.windowTitle()
    assert ["Ctrl+Enter", form.action_button.text(), where] in listed
    assert ["Esc", "Cancel", where] in listed
    assert ["Shift+F1", "Help", where] in listed
    press("F1")
    assert len(form.findChildren(ShortcutsDialog)) == 1
    press("Escape")
    closed(qtbot, form, ShortcutsDialog)
    assert QApplication.focusWidget() is field
    press("Shift+F1")
    shown = dialog(qtbot, window, HelpWindow)
    qtbot.waitUntil(shown.isActiveWindow)
    shown.close()
    form.reject()
    closed(qtbot, window, FormDialog)
    files = open_dialog(window.theme, window, "Open", str(demo_path.parent))
    files.open()
    files.activateWindow()
    qtbot.waitUntil(lambda: QApplication.focusWidget() is not None and files.isActiveWindow())
    press("F1")
    assert ["Esc", "Close", "Open"] in texts(dialog(qtbot, files, ShortcutsDialog).table)


def test_down_opens_the_menu_of_the_database_button(qtbot: QtBot, window: MainWindow) -> None:
    window._bar.database_button.setFocus()
    opened = list[str]()

    def leave() -> None:
        menu = QApplication.activePopupWidget()
        if isinstance(menu, QMenu):
            opened.extend(action.text() for action in menu.actions())
            menu.close()

    timer = QTimer(window, interval=5)
    timer.timeout.connect(leave)
    timer.start()
    press("Down")
    timer.stop()
    assert "&Open…" in opened
    window.activateWindow()  # as a window manager does when the menu goes
    qtbot.waitUntil(window._bar.database_button.hasFocus)


@pytest.mark.slow
def test_an_archive_is_looked_for_beside_the_file(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    press("Ctrl+Shift+A")
    box = dialog(qtbot, page, QFileDialog)
    assert Path(box.directory().absolutePath()) == demo_path.parent
    box.reject()


@pytest.mark.slow
def test_the_help_stands_beside_the_window_and_finds_words(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    press("Shift+F1")
    shown = window.findChild(HelpWindow)
    assert shown is not None and shown.isVisible() and not shown.isModal()
    said = shown.browser.toPlainText()
    assert said.startswith("First steps\nLook around first\n") and "**" not in said and "##" not in said
    qtbot.waitUntil(shown.browser.hasFocus)
    assert shown.browser.horizontalScrollBar().maximum() == 0, "no line is longer than it is wide"
    titles = [shown.contents.item(row).text().strip() for row in range(shown.contents.count())]
    assert titles[:2] == ["First steps", "Look around first"] and len(titles) > 60
    shown.resize(900, 640)
    shown.contents.setFocus()
    press("End")
    assert shown.browser.textCursor().block().text() == titles[-1]
    blocks = said.split("\n")
    assert max(map(len, blocks)) < 600, "no wall of words"
    places = []
    press("Ctrl+F")
    assert QApplication.focusWidget() is shown.field
    type_text(qtbot, "prune marker")
    for _ in range(2):
        places.append(shown.browser.textCursor().selectionStart())
        assert shown.browser.textCursor().selectedText() == "prune marker"
        high = shown.browser.viewport().height()
        qtbot.waitUntil(lambda: high // 7 <= shown.browser.cursorRect().top() <= high * 3 // 4)  # noqa: B023
        assert shown.contents.currentItem().text().strip() in said[: places[-1]].split("\n")
        press("Return")
    assert places == sorted(set(places))
    type_text(qtbot, "xyz")
    assert shown.missing.isVisible()
    window.commands.trigger("help")
    assert window.findChildren(HelpWindow) == [shown]
    assert shown.windowHandle().transientParent() is None, "the window can come before it"
    parts = (part for part in window.findChildren(QWidget) if not part.isWindow())
    assert not [part for part in parts if part.windowHandle()], "Qt warns of menus above such"
    press("Escape")
    assert not shown.isVisible()
    qtbot.waitUntil(window.isActiveWindow)
    open_file(qtbot, window, demo_path)
    press("Shift+F1")
    qtbot.waitUntil(shown.isActiveWindow)
    press("Ctrl+3")
    assert window.workspace is not None and window.workspace.tabs.currentIndex() == 2
    room = shown.screen().availableGeometry()
    shown.put_beside(QRect(room.topLeft(), QSize(room.width() - 430, 500)))
    assert shown.parts.isVisible() and not shown.contents.isVisible(), "there is no room for both"
    shown.parts.activated.emit(3)
    assert shown.browser.textCursor().block().text() == titles[3]
    assert shown.x() == room.left() + room.width() - 430 and shown.frameGeometry().right() <= room.right()


@pytest.mark.slow
def test_a_key_of_other_tabs_says_where_it_works(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    built = list(window.workspace._built)
    for keys, what in (
        ("Ctrl+G", "Go to entry… (Ctrl+G) is for Audit chain"),
        ("Ctrl+L", "Delivery log… (Ctrl+L) is for Webhooks"),
        ("Ctrl+Shift+G", "Groups by run or type (Ctrl+Shift+G) is for Notifications"),
        ("Ctrl+Alt+D", "Dossier… (Ctrl+Alt+D) is for Planning runs"),
    ):
        for focused in (current(window).table, window.tenants):
            window.toast.label.setText("")
            focused.setFocus()
            press(keys)
            assert window.toast.label.text() == f"{what}, not for Users."
    assert list(window.workspace._built) == built, "it says so without what takes long to build"
    go(qtbot, window, 1)
    window.workspace.focus_rows()
    press("Ctrl+H")
    assert window.toast.label.text() == (
        "Audit history (Ctrl+H) is for Users, Webhooks and Planning runs, not for Audit chain."
    )
    press("F2")
    assert window.toast.label.text() == "F2 is for Users and Webhooks, not for Audit chain."
    window.workspace.tenants.show()
    tenants = window.workspace.current()
    qtbot.waitUntil(lambda: tenants.model.rowCount() > 0)
    tenants.take_focus()
    press("Ctrl+Shift+U")
    assert "is for Users, not for" in window.toast.label.text()
    for keys, what in (
        ("P", "P is for Audit chain and Planning runs"),
        ("U", "U is for Notifications and Planning runs"),
        ("D", "Deactivate (D) is for Webhooks"),
        ("Del", "Delete (Del) is for Users, Webhooks, Notifications and Planning runs"),
    ):
        window.toast.label.setText("")
        press(keys)
        assert window.toast.label.text() == f"{what}, not for Tenants."


@pytest.mark.slow
def test_keys_of_acts_say_that_no_database_is_open(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    window.toast.label.setText("")
    press("Ctrl+W")
    qtbot.waitUntil(lambda: window.workspace is None)
    qtbot.waitUntil(window.welcome.isVisible)
    for keys in ("Ctrl+G", "F2", "Ctrl+L", "Del", "Ctrl+Shift+N", "Ctrl+C", "Ctrl+A", "Ctrl+H", "P", "F4"):
        window.toast.label.setText("")
        press(keys)
        assert window.toast.label.text() == "Open a database first.", keys
    window.toast.label.setText("")
    press("Ctrl+Y")
    assert window.toast.label.text() == ""


@pytest.mark.slow
def test_keys_of_rows_say_so_while_a_button_has_the_focus(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    copied = QApplication.clipboard().text()
    for part in (window._bar.database_button, page.commands._buttons["delete"]):
        for keys, said in (("Ctrl+C", "Copy rows (Ctrl+C)"), ("Ctrl+A", "Select all rows (Ctrl+A)")):
            part.setFocus()
            press(keys)
            assert window.toast.label.text() == f"{said} works in the rows."
    assert QApplication.clipboard().text() == copied and page.list.selected_count() == 1


@pytest.mark.slow
@pytest.mark.parametrize("keys", ["Ctrl+Return", "Ctrl+Enter", "Ctrl+Shift+Return"])
def test_the_keys_that_verify_open_nothing_in_other_tabs(
    qtbot: QtBot, window: MainWindow, demo_path: Path, keys: str
) -> None:
    page = open_file(qtbot, window, demo_path)
    page.table.select_row(1)
    qtbot.waitUntil(lambda: page.current.whole() is not None)
    button = next(one for one in page.inspector.findChildren(QPushButton) if one.isVisible())
    for focused in (page.table, page.filters.text, button):
        window.toast.hide()
        focused.setFocus()
        with qtbot.assertNotEmitted(page.commands.begun):
            press(keys)
        assert window.findChildren(Dialog) == [] and QApplication.focusWidget() is focused
        assert "is for Audit chain, not for Users." in window.toast.label.text(), focused
    chain = go(qtbot, window, 1)
    chain.take_focus()
    with qtbot.waitSignal(chain.commands.begun):
        press(keys)
    if "Shift" in keys:
        dialog(qtbot, window, Dialog)
        press("Escape")


@pytest.mark.slow
def test_each_key_has_one_meaning_in_each_tab(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    for page in window.workspace.pages():
        keys = [key for key, _ in (*window.commands.shortcuts(), *page.commands.shortcuts())]
        assert sorted(keys) == sorted(set(keys)), page.spec.table.title


@pytest.mark.slow
def test_what_is_said_of_a_tab_s_keys_before_it_is_built_is_what_they_do(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    pages = window.workspace.pages()
    of = [dict(page.commands.shortcuts()) for page in pages]
    everywhere = set.intersection(*map(set, of))
    assert everywhere == set(EVERYWHERE)
    for page, does in zip(pages, of, strict=True):
        other = {keys: what for keys, what in does.items() if keys not in everywhere}
        assert other == dict(page.spec.keys.values())


def test_the_menu_marks_the_theme_that_is_on(qtbot: QtBot, window: MainWindow) -> None:
    for mode in (Mode.DARK, Mode.LIGHT):
        window.commands.trigger(mode.value)
        marked = [one for one in Mode if window.commands.action(one.value).isChecked()]
        assert marked == [mode]


def test_recent_files_come_with_their_folders(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    for name in ("one", "two"):
        window.settings.add_recent(Path("/srv") / name / "foundation.sqlite")
    menu = window._bar.database_button.menu()
    assert isinstance(menu, QMenu)
    menu.aboutToShow.emit()
    words = [action.text().replace("&", "") for action in menu.actions()]
    assert {"foundation.sqlite — /srv/one", "foundation.sqlite — /srv/two"} <= set(words)


def test_the_log_folder_is_said_where_there_is_none(qtbot: QtBot, window: MainWindow) -> None:
    window.commands.trigger("logs")
    assert window.toast.label.text().startswith("No log has been written yet; it would be in ")


@pytest.mark.slow
def test_keys_are_typed_where_text_is_written(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    page.filters.text.setFocus()
    type_text(qtbot, "ab")
    press("Home")
    press("Del")
    assert page.filters.text.text() == "b" and not window.findChildren(Dialog)


@pytest.mark.slow
def test_f4_folds_the_inspector_away_in_every_tab_and_it_is_remembered(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.resize(1280, 800)
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    assert page.inspector.isVisible()
    page.inspector.enter()
    press("F4")
    assert not page.inspector.isVisible() and page.table.hasFocus()
    other = go(qtbot, window, 1)
    assert not other.inspector.isVisible()
    choose(qtbot, other, 0)
    press("Return")  # asks for it
    qtbot.waitUntil(other.inspector.isVisible)
    press("F4")
    open_file(qtbot, window, demo_path)
    assert not go(qtbot, window, 0).inspector.isVisible()


@pytest.mark.slow
def test_a_letter_shows_its_button_before_it_acts(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    window.resize(900, 560)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 3)
    press("Ctrl+A")
    assert not page.inspector.isVisible()
    unread = "SELECT count(*) FROM notifications WHERE read = 0"
    before = ask(demo_path, unread)
    press("R")
    assert page.inspector.isVisible() and ask(demo_path, unread) == before
    qtbot.waitUntil(lambda: window.toast.label.text().startswith("Press the key again: Mark "))
    press("R")
    assert not window.toast.label.text().startswith("Press the key") or not window.toast.isVisible()
    qtbot.waitUntil(lambda: ask(demo_path, unread) == [(0,)])


@pytest.mark.slow
def test_a_narrow_window_has_the_inspector_folded_away_until_it_is_asked_for(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.resize(900, 560)
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    assert not page.inspector.isVisible()
    fold = next(one for one in page.filters.findChildren(QToolButton) if one.text() == "Inspector")
    fold.click()
    assert page.inspector.isVisible()
    window.resize(1280, 800)
    assert page.inspector.isVisible()
    window.resize(900, 560)
    assert page.inspector.isVisible()


@pytest.mark.slow
@pytest.mark.parametrize("mode", (Mode.LIGHT, Mode.DARK))
def test_the_cell_is_framed_whose_value_the_keys_copy(
    qtbot: QtBot, window: MainWindow, demo_path: Path, mode: Mode
) -> None:
    window.commands.trigger(mode.value)
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    page.table.setFocus()

    def framed() -> list[str]:
        """The columns with a frame around the cell of the first row, by what is painted."""
        painted, accent = page.table.viewport().grab().toImage(), page.context.theme.colour("accent")
        found = []
        for column in range(page.model.columnCount()):
            cell = page.table.visualRect(page.model.index(0, column))
            if cell.width() and painted.pixelColor(cell.left() + cell.width() // 2, cell.top()) == accent:
                found.append(page.model.columns[column].title)
        return found

    def says(words: str) -> bool:
        return window.toast.label.text() == words

    edit = next(action.menu() for action in window.menuBar().actions() if action.text() == "&Edit")
    assert isinstance(edit, QMenu)
    for key in ("Home", "Right", "Right", "Left"):
        press(key)
        (column,) = framed()
        press("Ctrl+Shift+C")
        qtbot.waitUntil(partial(says, f"{column} copied"))
        edit.aboutToShow.emit()
        words = [action.text().replace("&", "") for action in edit.actions()]
        assert {f"Copy this value ({column})", f"Filter by this value ({column})"} <= set(words)
    page.filters.text.setFocus()
    assert framed() == []


def enter(menu: QMenu, words: str) -> QMenu | None:
    """Presses the letter of an entry; the menu that it opens, where it opens one."""
    (entry,) = (act for act in menu.actions() if act.text().replace("&", "") == words)
    QTest.keyClicks(menu, entry.text().partition("&")[2][0].lower())
    within = entry.menu()
    return within if isinstance(within, QMenu) else None


@pytest.mark.slow
@pytest.mark.parametrize("keys", ("Alt+V", "Shift+F10"))
def test_rows_are_sorted_and_columns_chosen_by_keys_and_both_are_heard(
    qtbot: QtBot, window: MainWindow, demo_path: Path, heard: Heard, keys: str
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)

    def opened() -> QMenu:
        window.activateWindow()
        qtbot.waitUntil(window.isActiveWindow)
        page.table.setFocus()
        press(keys)
        qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
        menu = QApplication.activePopupWidget()
        assert isinstance(menu, QMenu)
        return menu

    def described(name: str) -> str:
        table = QAccessible.queryAccessibleInterface(page.table)
        cells = (table.child(place) for place in range(table.childCount()))
        titles = (one for one in cells if one.role() == QAccessible.Role.ColumnHeader)
        (title,) = (one for one in titles if one.text(QAccessible.Text.Name) == name)
        return title.text(QAccessible.Text.Description)

    def marked(menu: QMenu) -> list[str]:
        return [act.text().replace("&", "") for act in menu.actions() if act.isChecked()]

    assert described("Created") == "Sorted, descending" and described("E-mail") == ""
    for words, order in (("E-mail", "ascending"), ("Descending", "descending")):
        orders = enter(opened(), "Sort by")
        assert orders is not None
        before = marked(orders)
        with qtbot.waitSignal(page.list.loaded):
            enter(orders, words)
        assert before == (["Created", "Descending"] if order == "ascending" else ["E-mail", "Ascending"])
        assert described("E-mail") == f"Sorted, {order}" and described("Created") == ""
        qtbot.waitUntil(lambda: heard.words[-1:] == [f"Sorted by E-mail, {order}"])  # noqa: B023
    columns = enter(opened(), "Columns")
    assert columns is not None
    enter(columns, "Created")
    assert page.table.isColumnHidden(page.model.column_of("created_at"))
    assert described("Created") == "Not shown"
    menu = opened()
    assert enter(menu, "Sort by") is not None
    window.close_file()
    qtbot.waitUntil(lambda: not isValid(page.table))
    left = [act.text().replace("&", "") for act in menu.actions()] if isValid(menu) else []
    assert not {"Sort by", "Columns"} & set(left), "what would sort a table that is gone"


@pytest.mark.slow
def test_escape_leads_back_to_the_notification_that_led_to_a_run(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 3)
    chosen = choose(qtbot, page, 0)
    for back in ("Escape", "Alt+Left"):
        page.table.setFocus()
        press("O")
        runs = current(window)
        assert runs.spec.table.name == "planning_runs"
        assert window.toast.label.text() == "Escape leads back to Notifications"
        qtbot.waitUntil(lambda: bool(runs.list.current_id()))  # noqa: B023
        runs.table.setFocus()
        press(back)
        assert current(window) is page and page.list.current_id() == chosen
        qtbot.waitUntil(page.table.hasFocus)
    press("Escape")
    assert current(window) is page, "no way back is left"


def test_a_letter_that_is_typed_in_a_menu_is_a_letter_of_that_menu(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """Also where the menu bar has kept the focus since another one was open, with an act of that letter."""
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    choose(qtbot, page, 0)
    bar = window.menuBar()
    _, edit, record, *_ = (action.menu() for action in bar.actions())
    assert isinstance(edit, QMenu) and isinstance(record, QMenu)
    record.popup(window.mapToGlobal(QPoint(0, 0)))
    qtbot.keyClick(record, Qt.Key.Key_Escape)
    bar.setFocus()
    edit.popup(window.mapToGlobal(QPoint(0, 0)))
    qtbot.keyClick(edit, Qt.Key.Key_P)
    assert dialog(qtbot, window, Dialog).windowTitle() == "Preferences"


def test_a_menu_bar_that_is_left_gives_the_keys_back_to_the_list(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """Under X11 Qt leaves them with the bar where a second menu was opened from a first."""
    page, bar = open_file(qtbot, window, demo_path), window.menuBar()
    bar.setFocus()
    assert bar.hasFocus() and bar.activeAction() is None
    qtbot.keyClick(bar, Qt.Key.Key_Escape)
    qtbot.waitUntil(page.table.hasFocus)


@pytest.mark.parametrize("is_built", (False, True))
def test_all_rows_are_selected_of_a_list_that_is_still_on_its_way(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch, is_built: bool
) -> None:
    open_file(qtbot, window, demo_path)
    context = window.context
    assert context is not None
    may_come, open_list = Event(), context.lists.open_list

    def held(*values: Any, **options: Any) -> Any:
        may_come.wait(60)
        return open_list(*values, **options)

    monkeypatch.setattr(context.lists, "open_list", held)
    press("Ctrl+4")
    if is_built:
        page = current(window)
        qtbot.waitUntil(page.table.hasFocus)
    for keys in ("Ctrl+A", "Ctrl+C"):
        QTest.keySequence(window.windowHandle(), QKeySequence(keys))
    page = current(window)
    if is_built:
        said = "The rows are still being read; copy them once they are selected."
        assert window.toast.label.text() == said and page.list.is_selecting
    may_come.set()
    qtbot.waitUntil(lambda: page.list.selected_count() == page.list.total > 1)
