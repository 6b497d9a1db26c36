"""Keys that are typed for a question or a form that is still to come change nothing in the list behind."""

from pathlib import Path
from threading import Event

import pytest
from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QApplication, QComboBox
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.ui.shell.dialogs import PreferencesDialog, RestoreDialog
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.time_travel import TimeTravelDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.tenants import ERASE
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.d1.edge import Edge
from tests.fixtures import live_window
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, unlock
from tests.fixtures.sample import sample
from tests.fixtures.window import (
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    is_settled,
    open_file,
    press,
    words,
)

pytestmark = pytest.mark.slow
FIRST = "what you are asked then comes first"


def press_del(window: MainWindow, page: RecordTab) -> None:
    """What deletes the selected record is refused with why."""
    page.table.setFocus()
    window.toast.dismiss()
    press("Del")
    assert FIRST in window.toast.label.text()


@pytest.mark.wrangler
def test_nothing_is_deleted_while_it_is_asked_whether_it_can_go_back(
    qtbot: QtBot, window: MainWindow, edge: Edge, live: Live, demo_path: Path
) -> None:
    window.connecting.tokens = Tokens(None)
    file = live.put(demo_path, listed=True)
    edge.bookmarks, edge.file = [], file
    page = open_live(qtbot, window, live_window.production(edge, live, file, window))
    unlock(qtbot, window)
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: is_settled(window))
    before = count(file, "users")
    assert window.context is not None
    window.context.opened.database.bookmark("kept by you")
    edge.delay = 0.3
    window.commands.trigger("time_travel")
    press_del(window, page)
    asked = dialog(qtbot, window, TimeTravelDialog)
    assert asked.locked.isHidden(), "it is answered by now"
    click(qtbot, asked.return_button)
    closed(qtbot, window, TimeTravelDialog)
    press_del(window, page)
    assert not page.commands.action("delete").isEnabled()
    edge.delay = 0
    question = dialog(qtbot, window, ConfirmDialog)
    question.reject()
    closed(qtbot, window, ConfirmDialog)
    assert count(file, "users") == before and page.commands.action("delete").isEnabled()


def test_nothing_is_deleted_while_a_copy_is_checked(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    copy = sample(tmp_path / "copy.sqlite", rows=200)
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    before = count(demo_path, "users")
    window.files.offer_restore(demo_path, copy)
    press_del(window, page)
    dialog(qtbot, window, RestoreDialog).reject()
    closed(qtbot, window, RestoreDialog)
    assert count(demo_path, "users") == before and page.commands.action("delete").isEnabled()


def test_nothing_is_deleted_while_it_is_counted_what_a_tenant_has(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    choose(qtbot, page := go(qtbot, window, 0), 0)
    window.commands.trigger("tenants")
    tenants = current(window)
    qtbot.waitUntil(lambda: tenants.model.rowCount() > 0)
    choose(qtbot, tenants, 0)
    tenants.commands.trigger(ERASE)
    press("Ctrl+1")
    press_del(window, page)
    dialog(qtbot, window, ConfirmDialog).reject()
    closed(qtbot, window, ConfirmDialog)
    assert tenants.commands.refusal(ERASE) is None


@pytest.mark.wrangler
def test_what_is_typed_for_a_form_that_is_still_read_changes_nothing(
    qtbot: QtBot, window: MainWindow, edge: Edge, live: Live, demo_path: Path
) -> None:
    window.connecting.tokens = Tokens(None)
    file = live.put(demo_path, listed=True)
    page = open_live(qtbot, window, live_window.production(edge, live, file, window))
    unlock(qtbot, window)
    choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: is_settled(window))
    before = count(file, "users")
    edge.delay = 0.3
    page.table.select_row(3)
    press("F2")
    press("Del")
    assert "still being read" in window.toast.label.text()
    edge.delay = 0
    form = dialog(qtbot, window, FormDialog)
    form.reject()
    closed(qtbot, window, FormDialog)
    assert count(file, "users") == before and page.commands.action("delete").isEnabled()


def test_the_preview_of_retention_is_not_locked_by_another_question(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    window.commands.trigger("retention")
    go_on, came = Event(), list[object]()
    window.busy.run("Checking…", lambda monitor: go_on.wait(60), on_done=came.append, asks=True)
    preview = dialog(qtbot, window, RetentionDialog)
    assert page.context.cannot_write and "comes first" not in words(preview)
    go_on.set()
    qtbot.waitUntil(lambda: bool(came))


def test_a_key_that_comes_past_its_shortcut_acts_in_the_rows(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    before = choose(qtbot, page, 3)
    key = Qt.Key.Key_P
    QApplication.sendEvent(page.table, QKeyEvent(QEvent.Type.KeyPress, key, Qt.KeyboardModifier(0), "p"))
    qtbot.waitUntil(lambda: page.list.current_id() not in (None, before))
    assert not window.toast.isVisible()


def test_nothing_is_read_where_preferences_change_nothing_of_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: is_settled(window))
    begun = page.list.begun
    for utc, reads in ((None, 0), (not window.settings.utc_times, 1)):
        window.commands.trigger("preferences")
        form = dialog(qtbot, window, PreferencesDialog)
        if utc is not None:
            editor = form.editor("utc_times")
            assert isinstance(editor, QComboBox)
            editor.setCurrentIndex(int(utc))
        form.submit()
        closed(qtbot, window, PreferencesDialog)
        qtbot.waitUntil(lambda: is_settled(window))
        assert page.list.begun == begun + reads
