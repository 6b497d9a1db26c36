"""The whole window as a person uses it on a real file."""

import gc
import threading
from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations
from pathlib import Path
from typing import Any
from weakref import WeakSet

import pytest
from PySide6.QtCore import QObject, QPoint, Qt, QTimer
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QLabel,
    QLineEdit,
    QPushButton,
    QSizeGrip,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.services.records import users
from app.services.records.export import Format
from app.services.text import byte_size
from app.settings import Settings
from app.ui.shell.dialogs import PreferencesDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.declared import TABS
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.page import RunPage
from app.ui.tabs.webhooks import WebhookDialog
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import LEAST_SAID, Toast
from app.ui.widgets.cell_delegate import GAP, ICON, PAD
from app.ui.widgets.dialogs import ConfirmDialog, Dialog, ErrorDialog
from app.ui.widgets.filter_row import FilterRow
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.labels import ElidedLabel
from app.workers import runner
from models.errors import Cancelled, FileLocked, TenantAdminError
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures.keyboard import unspoken
from tests.fixtures.seen import cut
from tests.fixtures.window import (
    TABLES,
    added,
    ask,
    button,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    is_settled,
    labels,
    open_file,
    press,
    said,
    type_text,
    values,
    words,
)

USERS, AUDIT, WEBHOOKS, NOTIFICATIONS, RUNS = range(5)


def threads_of_files() -> list[str]:
    """Those that work for an open file; of a closed one they end, on a busy machine a little later."""
    names = (thread.name for thread in threading.enumerate())
    return [name for name in names if name.startswith(("job", "reader", "writer"))]


@pytest.mark.slow
def test_a_file_stands_in_five_tabs_with_exact_counts(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    for place, table in enumerate(TABLES):
        page = go(qtbot, window, place)
        assert page.filters.count.text() == said(count(demo_path, table), place)
        assert page.model.rowCount() == count(demo_path, table)
        assert page.table.hasFocus(), "the arrows work at once"
    assert window.windowTitle() == "demo.sqlite — Tenant Admin"
    assert any(text.startswith("Local file · WAL · ") for text in labels(window.statusBar()))
    assert window.retention_status.text() == "Retention: off"
    unread = ask(demo_path, "SELECT count(*) FROM notifications WHERE read = 0")[0][0]
    assert window.workspace is not None
    assert window.workspace.tabs.tabText(NOTIFICATIONS) == f"Notifications  {unread}"


@pytest.mark.slow
def test_a_tenant_scopes_every_tab_its_count_and_the_verification(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    tenant = ask(demo_path, "SELECT DISTINCT tenant_id FROM users ORDER BY 1")[1][0]
    window.tenants.setFocus()
    press("Down")
    qtbot.waitUntil(window.tenants.popup.isVisible)
    press("Down")
    press("Down")
    press("Return")
    assert window.tenants.key() == tenant
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    for place, table in enumerate(TABLES[:4]):
        wanted = said(count(demo_path, table, tenant), place)
        page = go(qtbot, window, place)
        qtbot.waitUntil(lambda page=page, wanted=wanted: page.filters.count.text() == wanted)  # type: ignore[misc]
        assert set(values(page, "tenant_id")) <= {tenant, "…"}
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified) as verified:
        press("Ctrl+Return")
    assert [one.tenant for one in verified.args[0].tenants] == [tenant]
    assert verified.args[0].entries == count(demo_path, "audit_chain", tenant)
    unread = ask(demo_path, "SELECT count(*) FROM notifications WHERE NOT read AND tenant_id = ?", tenant)
    assert window.workspace is not None
    badge = f"Notifications  {unread[0][0]}" if unread[0][0] else "Notifications"
    qtbot.waitUntil(lambda: window.workspace.tabs.tabText(NOTIFICATIONS) == badge)  # type: ignore[union-attr]


@pytest.mark.slow
def test_a_user_is_created_edited_and_deleted_by_keys_alone(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    page.set_filter_text("nobody here")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    press("Ctrl+Shift+N")
    dialog(qtbot, window, FormDialog)
    type_text(qtbot, "acme-corp")
    press("Tab")
    type_text(qtbot, "new@example.com")
    press("Return")
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before + 1, USERS))
    told, toast = "User new@example.com created · filter cleared", window.toast
    qtbot.waitUntil(lambda: toast.label.text() == told and toast.isVisible())
    assert (toast.action_button.text(), toast.other_button.text()) == ("Undo", "Filter again")
    page.table.setFocus()
    press("Home")
    qtbot.waitUntil(lambda: values(page, "email")[0] == "new@example.com")
    press("F2")
    dialog(qtbot, window, FormDialog)
    type_text(qtbot, "other@example.com")
    press("Return")
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: values(page, "email")[0] == "other@example.com")
    qtbot.waitUntil(lambda: page.inspector.title.text() == "other@example.com")
    page.table.setFocus()
    press("Del")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before, USERS))
    assert "other@example.com" not in values(page, "email")
    assert page.table.selected_rows() == [0], "the next one takes its place"
    neighbour = values(page, "email")[0]
    qtbot.waitUntil(lambda: page.inspector.title.text() == neighbour)
    page = go(qtbot, window, AUDIT)
    assert values(page, "event_type")[:3] == ["user_deleted", "user_updated", "user_created"]
    seq = choose(qtbot, page, 0)
    qtbot.waitUntil(lambda: window._where.accessibleDescription().endswith(" more in its log"))
    assert f" · {byte_size(demo_path.stat().st_size)}" in window._where.text()
    payload = ask(demo_path, "SELECT payload FROM audit_chain WHERE seq = ?", seq)[0][0]
    assert window.context is not None and window.context.settings.actor in payload


@pytest.mark.slow
def test_what_follows_an_act_is_said_in_the_dialog_that_stands_before_the_window(
    qtbot: QtBot, window: MainWindow
) -> None:
    dialog = Dialog(window.theme, "A list with acts of its own", "It stays open.", parent=window)
    dialog.set_close_button()
    undone: list[str] = []
    with qtbot.waitExposed(dialog):
        dialog.open_once()
    window.say("Idea deleted", act=("Undo", lambda: undone.append("one")))
    qtbot.waitUntil(lambda: bool(dialog.findChildren(Toast)))
    (toast,), height = dialog.findChildren(Toast), dialog.height()
    assert toast.isVisible() and toast.label.text() == "Idea deleted"
    assert not window.toast.isVisible(), "it is said once"
    assert not toast.geometry().intersects(dialog.close_button.geometry())
    assert not cut(dialog)
    click(qtbot, toast.action_button)
    assert undone == ["one"] and not toast.isVisible() and not window.toast.isVisible()
    assert dialog.height() == height, "nothing moves when it goes"
    window.say("Idea deleted", act=("Undo", lambda: undone.append("two")))
    qtbot.waitUntil(toast.isVisible)
    window.toast.dismiss()  # as an undo by keys does: this Undo would take back the one before
    assert not toast.isVisible() and not window.toast.isVisible()
    window.say("Idea edited")
    qtbot.waitUntil(toast.isVisible)
    dialog.accept()
    assert window.toast.isVisible() and window.toast.label.text() == "Idea edited", "who closed it may undo"
    window.say("Idea parked")
    assert window.toast.isVisible() and not toast.isVisible()
    wide = Dialog(window.theme, "A wide list", parent=window)
    body = QLabel("Its first row")
    wide.add_widget(body, 1)
    wide.set_close_button()
    wide.resize(760, 400)
    with qtbot.waitExposed(wide):
        wide.open_once()
    before = body.geometry(), wide.size()
    window.say("Idea parked", act=("Undo", lambda: undone.append("three")))
    qtbot.waitUntil(lambda: any(one.isVisible() for one in wide.findChildren(Toast)))
    (toast,) = wide.findChildren(Toast)
    assert (body.geometry(), wide.size()) == before, "it stands beside the title"
    assert wide.rect().contains(toast.geometry())
    assert toast.geometry().bottom() < body.mapTo(wide, QPoint()).y()
    wide.accept()


@pytest.mark.slow
def test_an_act_is_undone_from_the_toast_and_by_keys(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    gone = choose(qtbot, page, 2)
    press("Del")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, USERS))
    assert window.toast.isVisible() and window.toast.label.text().endswith("deleted")
    click(qtbot, window.toast.action_button)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before, USERS))
    assert ask(demo_path, "SELECT count(*) FROM users WHERE id = ?", gone) == [(1,)]
    page.table.setFocus()
    for keys, left in (("Ctrl+Shift+Z", before - 1), ("Ctrl+Z", before), ("Ctrl+Shift+Z", before - 1)):
        press(keys)
        qtbot.waitUntil(lambda left=left: page.filters.count.text() == said(left, USERS))  # type: ignore[misc]
        what = "undone" if left == before else "done again"
        qtbot.waitUntil(lambda what=what: window.toast.label.text().endswith(f"deleted” {what}"))  # type: ignore[misc]
    assert not window.toast.action_button.isVisible(), "an Undo would take back something else by now"
    assert not window.toast.other_button.isVisible()
    assert window.workspace is not None
    go(qtbot, window, WEBHOOKS)
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: window.toast.other_button.text() == "Show Users")
    click(qtbot, window.toast.other_button)
    assert window.workspace.current() is page
    press("Ctrl+Shift+Z")
    qtbot.waitUntil(lambda: window.toast.label.text().endswith("deleted” done again"))
    words = window.commands.action("undo").text()
    assert words.endswith("deleted”") and "““" not in words and "””" not in words


@pytest.mark.slow
def test_undo_is_of_the_last_act_whose_rows_may_still_be_read(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ask(demo_path, "UPDATE notifications SET read = 0")
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    context = page.context
    read_ids, reading, go_on = context.lists.record_ids, threading.Event(), threading.Event()

    def slow(*asked: Any, **how: Any) -> Iterator[Any]:
        reading.set()
        go_on.wait(20)
        return read_ids(*asked, **how)

    notifications = go(qtbot, window, TABLES.index("notifications"))
    choose(qtbot, notifications, 0)
    with monkeypatch.context() as slowly:
        slowly.setattr(context.lists, "record_ids", slow)
        press("R")
        qtbot.waitUntil(reading.is_set)
        press("Ctrl+Z")
        assert window.toast.label.text() == "Undo waits until the previous action is done"
        go_on.set()
        qtbot.waitUntil(lambda: window.toast.label.text().endswith("read” undone"))
    assert ask(demo_path, "SELECT count(*) FROM notifications WHERE read = 1") == [(0,)]
    page = go(qtbot, window, 0)
    choose(qtbot, page, 2)
    press("Del")
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: window.toast.label.text().endswith("deleted” undone"))
    assert count(demo_path, "users") == before
    press("Ctrl+A")
    press("Del")
    press("Ctrl+Z")
    question = dialog(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: "needs your answer first" in window.toast.label.text())
    press("Escape")
    closed(qtbot, window, ConfirmDialog)
    assert count(demo_path, "users") == before and question is not None


def undo_refused(
    qtbot: QtBot, window: MainWindow, path: Path
) -> tuple[ErrorDialog, str, Callable[[], list[tuple[Any, ...]]]]:
    """The undo of three webhooks that were switched off, of which another program has switched one on: what
    is said, that one, and what asks which are off.
    """
    ask(path, "UPDATE webhook_destinations SET active = 1, name = 'Ci ' || rowid")
    off = partial(ask, path, "SELECT name FROM webhook_destinations WHERE active = 0 ORDER BY name")
    open_file(qtbot, window, path)
    page = go(qtbot, window, TABLES.index("webhook_destinations"))
    choose(qtbot, page, 0)
    press("Shift+Down")
    press("Shift+Down")
    press("D")
    qtbot.waitUntil(lambda: len(off()) == 3)
    (other,), *_ = off()
    ask(path, "UPDATE webhook_destinations SET active = 1 WHERE name = ?", other)
    qtbot.waitUntil(lambda: is_settled(window))
    press("Ctrl+Z")
    return dialog(qtbot, window, ErrorDialog), other, off


@pytest.mark.slow
def test_the_rest_is_undone_of_what_is_still_open_and_behind_no_question(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    told, _, off = undo_refused(qtbot, window, demo_path)
    rest, go_on, came = off(), threading.Event(), list[object]()
    window.busy.run("Checking…", lambda monitor: go_on.wait(60), on_done=came.append, asks=True)
    click(qtbot, button(told, "Undo for the other 2"))
    qtbot.waitUntil(lambda: "comes first" in window.toast.label.text())
    go_on.set()
    qtbot.waitUntil(lambda: bool(came) and is_settled(window))
    assert off() == rest
    closed(qtbot, window, ErrorDialog)
    window.undo()
    again = dialog(qtbot, window, ErrorDialog)
    window.close_file()
    click(qtbot, button(again, "Undo for the other 2"))
    qtbot.waitUntil(lambda: "Nothing was done: demo.sqlite was closed" in window.toast.label.text())
    qtbot.waitUntil(window.toast.isVisible)
    assert off() == rest


@pytest.mark.slow
def test_of_an_act_on_many_that_others_have_changed_since_the_rest_is_undone_by_a_button(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    told, other, off = undo_refused(qtbot, window, demo_path)
    rest = off()
    assert f"State of webhook “{other}”" in words(told)
    assert "The other 2 are as they were then" in words(told)
    assert off() == rest and window.context is not None
    window.context.history.forget(frozenset())  # none is gone, as is seen whenever others have written
    click(qtbot, button(told, "Undo for the other 2"))
    qtbot.waitUntil(lambda: off() == [])
    qtbot.waitUntil(lambda: "(2 of 3)” undone" in window.toast.label.text())
    assert f"1 left as it is: changed since ({other})" in window.toast.label.text()
    window.redo()
    qtbot.waitUntil(lambda: off() == rest)


@pytest.mark.slow
def test_undo_is_of_the_last_act_also_while_the_keys_of_its_list_are_read(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And of none where that act came to nothing, as other rows are shown by then or they cannot be read."""
    numbers = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)"
    rows = "SELECT 'n' || i, 'acme-corp', 't', 0, i FROM n"
    ask(demo_path, "UPDATE notifications SET read = 0")
    ask(demo_path, f"{numbers} INSERT INTO notifications (id, tenant_id, type, read, created_at) {rows}")
    read = partial(ask, demo_path, "SELECT id FROM notifications WHERE read = 1")
    lists = open_file(qtbot, window, demo_path).context.lists
    page = go(qtbot, window, TABLES.index("notifications"))
    first = choose(qtbot, page, 0)
    press("R")
    qtbot.waitUntil(lambda: read() == [(first,)])
    load_keys, open_list = lists.load_keys, lists.open_list
    reading, opening, go_on = (threading.Event() for _ in range(3))
    fails = list[TenantAdminError]()

    def slow(*asked: Any) -> Any:
        reading.set()
        go_on.wait(20)
        if fails:
            raise fails.pop()
        return load_keys(*asked)

    def slowly(*asked: Any) -> Any:
        opening.wait(20)
        return open_list(*asked)

    monkeypatch.setattr(lists, "load_keys", slow)
    monkeypatch.setattr(lists, "open_list", slowly)
    undropped = "Undo was not done, as what was asked for before was not"
    for column, prevented_by, toast in (
        ("created_at", None, "read” undone"),
        ("type", "reloaded", undropped),
        ("created_at", "sorted before", undropped),
        ("type", "in use", undropped),
    ):
        opening.set()
        go_on.set()
        qtbot.waitUntil(lambda: page.list.model.complete and is_settled(window))
        choose(qtbot, page, 0)
        reading.clear()
        go_on.clear()
        page.model.sort(page.model.column_of(column))
        qtbot.waitUntil(lambda: reading.is_set() and page.table.selected_rows() != [])
        assert not page.list.model.complete
        choose(qtbot, page, 3)
        if prevented_by == "sorted before":
            opening.clear()
            page.model.sort(page.model.column_of(column), Qt.SortOrder.DescendingOrder)
        press("R")
        press("Ctrl+Z")
        assert window.toast.label.text() == "Undo waits until the previous action is done"
        if prevented_by == "reloaded":
            page.reload()
        elif prevented_by == "in use":
            fails.append(FileLocked(demo_path))
        opening.set()
        go_on.set()
        qtbot.waitUntil(lambda toast=toast: window.toast.label.text().endswith(toast))  # type: ignore[misc]
        assert read() == [(first,)]
    dialog(qtbot, window, ErrorDialog).reject()
    closed(qtbot, window, ErrorDialog)
    page.table.setFocus()
    assert not page.list.model.complete
    press("Ctrl+A")
    assert not page.selection._count_soon.isActive(), "else the dialog comes again with each selection"
    choose(qtbot, page, 3)
    press("R")  # the keys are read again for it
    qtbot.waitUntil(lambda: len(read()) == 2)


@pytest.mark.slow
def test_what_no_line_of_the_status_bar_has_room_for_is_said_in_two(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    window.setMinimumSize(1, 1)
    window.resize(640, 500)
    qtbot.waitUntil(lambda: is_settled(window))
    bar, label = window.statusBar(), window.toast.label
    assert isinstance(label, ElidedLabel)
    top = page.table.mapTo(window, QPoint(0, 0))
    height, high = bar.height(), label.fontMetrics().lineSpacing()
    words = "Delete (Del) is for Users, Webhooks, Notifications and Planning runs, not for Tenants."
    for undo, told, lines in (("", words, 2), ("Undo", words, 2), ("", "User deleted", 1)):
        window.toast.show_message(told, undo)
        qtbot.waitUntil(lambda told=told: label.shown() == told)  # type: ignore[misc]
        qtbot.waitUntil(lambda lines=lines: label.height() >= lines * high)  # type: ignore[misc]
        qtbot.waitUntil(lambda lines=lines: (bar.height() > height) is (lines > 1))  # type: ignore[misc]
        assert label.toolTip() == ""
        assert bar.rect().contains(window.toast.geometry())
        assert page.table.mapTo(window, QPoint(0, 0)) == top
        window.toast.close_button.click()
        qtbot.waitUntil(lambda: bar.height() == height)


@pytest.mark.slow
def test_a_toast_stands_over_nothing_and_moves_nothing(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    window._say_shield(Icon.SHIELD_OK, Tone.OK, "Chain verified through entry 5,000 · 2 newer", "All of it")
    window.setMinimumSize(1, 1)
    bar, height = window.statusBar(), window.statusBar().height()
    go_on = threading.Event()
    sizes = (1280, 800), (900, 560), (640, 380)
    for size, job in [(size, "") for size in sizes] + [(size, "Writing a copy of it…") for size in sizes[:2]]:
        window.resize(*size)
        if job and not window.busy.isVisible():
            window.busy.run(job, lambda *_: go_on.wait(20), on_done=lambda _: None)
        qtbot.waitUntil(lambda: window._where.isVisible() and not window.toast.isVisible())
        window.toast.show_message(f"{'soren' * 40}@acme-corp.example deleted", "Undo")
        qtbot.waitUntil(lambda: window.toast.label.width() >= LEAST_SAID)
        said = [part for part in bar.children() if isinstance(part, QWidget) and part.isVisible()]
        places = [part.geometry() for part in said if part.width() and not isinstance(part, QSizeGrip)]
        assert (
            window.toast in said and window.shield in said and all(bar.rect().contains(one) for one in places)
        )
        assert not any(one.intersects(other) for one, other in combinations(places, 2)), size
        assert all(one.height() >= one.sizeHint().height() for one in (window.toast, window.shield))
        if size[0] >= 900:
            assert window.shield.shown() == window.shield.text(), size
        if job:
            assert window.busy.label.width() >= min(LEAST_SAID, window.busy.label.sizeHint().width())
        assert bar.height() == height, "nothing moves"
        window.toast.close_button.click()
        if size[0] == 900 and not job:  # what can be said whole is, and the verdict has its words again then
            words = "Audit history (Ctrl+H) is for Users, Webhooks and Planning runs, not for Notifications."
            verdict = "Chain verified through entry 5,000 · 2 newer"
            window._say_shield(Icon.SHIELD_OK, Tone.OK, verdict, "All of it")
            window.toast.show_message(words)
            label = window.toast.label
            assert isinstance(label, ElidedLabel)
            qtbot.waitUntil(lambda label=label, words=words: label.shown() == words)  # type: ignore[misc]
            assert window.shield.isVisible() and window.shield.shown() != window.shield.text()
            window.toast.close_button.click()
            qtbot.waitUntil(lambda: window.shield.shown() == window.shield.text())
    go_on.set()
    window.resize(*sizes[0])
    qtbot.waitUntil(lambda: window._where.isVisible() and not window.busy.isVisible())
    stood = window._where.geometry()
    window.toast.show_message("User deleted", "Undo")
    qtbot.waitUntil(lambda: window.toast.isVisible() and window.toast.x() > 0)
    assert window._where.geometry() == stood and window._where.isVisible()
    window.toast.show_message("ada@acme-corp.example deleted", "Undo")
    assert window._where.isVisible()
    window.resize(*sizes[2])
    assert not window._where.isVisible(), "it gives way at once"


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_nothing_is_cut_at_twice_the_size(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    """A screen of 1,280 by 800 has 640 by 400 points then."""
    open_file(qtbot, window, demo_path)
    window.setMinimumSize(1, 1)
    window.resize(640, 380)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    window._say_shield(Icon.SHIELD_OK, Tone.OK, "Nothing new since checkpoint 5,000 · 212 newer", "All of it")
    if isinstance(page, AuditTab):
        page.banner.show_verdict(
            Tone.OK, "Chain verified through entry 5,000", "— 2 newer ones are not verified"
        )
    for _ in range(2):
        qtbot.waitUntil(lambda: cut(window) == [])
        qtbot.waitUntil(lambda: page.table.horizontalScrollBar().maximum() == 0)
        assert unspoken(window) == []
        page.commands.trigger("inspector")


@pytest.mark.slow
def test_several_are_named_before_they_go(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    choose(qtbot, page, 0)
    press("Shift+Down")
    press("Shift+Down")
    names = values(page, "email")[:3]
    press("Del")
    box = dialog(qtbot, window, ConfirmDialog)
    assert [box.list.item(row).text().split(" · ")[0] for row in range(box.list.count())] == names
    press("Return")  # Cancel has the focus: nothing wide happens by mistake
    closed(qtbot, window, ConfirmDialog)
    assert count(demo_path, "users") == before
    press("Del")
    box = dialog(qtbot, window, ConfirmDialog)
    click(qtbot, box.confirm_button)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 3, USERS))
    assert window.toast.label.text() == "3 users deleted"


@pytest.mark.slow
def test_one_is_asked_about_when_the_preferences_say_so(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page, before = open_file(qtbot, window, demo_path), count(demo_path, "users")
    press("Ctrl+,")
    preferences = dialog(qtbot, window, PreferencesDialog)
    preferences.editor("confirm_deletion").setFocus()
    press("Space")
    press("Return")
    closed(qtbot, window, PreferencesDialog)
    page.table.setFocus()
    choose(qtbot, page, 0)
    press("Del")
    box = dialog(qtbot, window, ConfirmDialog)
    assert box.confirm_button.text() == "Delete 1 user"
    click(qtbot, box.confirm_button)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, USERS))


@pytest.mark.slow
def test_a_webhook_lives_and_dies(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page, before = go(qtbot, window, WEBHOOKS), count(demo_path, "webhook_destinations")
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, WebhookDialog)
    for key, text in (("tenant_id", "acme-corp"), ("name", "Bell"), ("url", "https://bell.example.com/in")):
        form.editor(key).setFocus()
        type_text(qtbot, text)
    press("Return")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before + 1, WEBHOOKS))
    closed(qtbot, window, WebhookDialog)
    qtbot.waitUntil(lambda: "Bell" in values(page, "name"))
    row = values(page, "name").index("Bell")
    wanted = choose(qtbot, page, row)
    page.table.setFocus()
    for key, active in (("D", 0), ("A", 1)):
        press(key)
        state = ask_state(demo_path, wanted)
        qtbot.waitUntil(lambda active=active, state=state: state() == active)  # type: ignore[misc]
        qtbot.waitUntil(lambda key=key: not refusal_missing(page, key))  # type: ignore[misc]
    press("F2")
    form = dialog(qtbot, window, WebhookDialog)
    field = form.editor("url")
    assert isinstance(field, QLineEdit)
    field.setFocus()
    field.selectAll()
    type_text(qtbot, "https://gong.example.com/in")
    press("Return")
    closed(qtbot, window, WebhookDialog)
    qtbot.waitUntil(
        lambda: page.inspector.title.text() == "Bell" and "https://gong.example.com/in" in labels(page)
    )
    hosts = ask(demo_path, "SELECT hostname FROM webhook_destinations WHERE id = ?", wanted)
    assert hosts == [("gong.example.com",)]
    page.table.setFocus()
    press("Del")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before, WEBHOOKS))


def ask_state(path: Path, wanted: str) -> Callable[[], int]:
    return lambda: int(ask(path, "SELECT active FROM webhook_destinations WHERE id = ?", wanted)[0][0])


def refusal_missing(page: RecordTab, key: str) -> bool:
    """Whether the act that was just done could still be done again."""
    return page.commands.action({"A": "activate", "D": "deactivate"}[key]).isEnabled()


@pytest.mark.slow
def test_another_file_takes_the_place_of_the_first(
    qtbot: QtBot, window: MainWindow, demo_path: Path, database_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    threads = threading.active_count()
    for path in (database_path, demo_path, database_path):
        page = open_file(qtbot, window, path)
        assert page.filters.count.text() == said(count(path, "users"), USERS)
    assert window._bar.database_button.text() == "foundation.sqlite"
    qtbot.waitUntil(lambda: threading.active_count() <= threads)  # no thread of a closed file stays
    assert "No users yet" in labels(page)
    press("Ctrl+W")
    assert window.windowTitle() == "Tenant Admin" and window.welcome.isVisible()
    assert not window.tenants.isEnabled() and not window.commands.action("export").isEnabled()
    qtbot.waitUntil(lambda: not threads_of_files())


def made_ahead(qtbot: QtBot, window: MainWindow) -> list[QWidget]:
    """The runs, and the page for one of them that is opened, before one is."""
    tab = go(qtbot, window, RUNS)
    assert isinstance(tab, RunsTab)
    choose(qtbot, tab, 0)
    qtbot.waitUntil(lambda: tab.opener.page is not None)
    return [tab, *tab.findChildren(RunPage)]


@pytest.mark.slow
def test_what_was_closed_is_freed_whoever_looked_at_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    seen = WeakSet[QObject]()
    for _ in range(3):
        open_file(qtbot, window, demo_path)
        assert window.workspace is not None
        seen.add(window.workspace)
        turn = QTimer(singleShot=True, interval=0)
        window.workspace.tabs.setCurrentIndex(WEBHOOKS)
        with qtbot.waitSignal(turn.timeout):
            turn.start()
        known = len(seen)
        seen.update(window.workspace.findChildren(FilterRow))
        assert len(seen) > known  # of a tab that is half built
    seen.update(made_ahead(qtbot, window))
    with qtbot.waitSignal(window.opened):
        window.open(demo_path)
    assert window.workspace is not None and not window.workspace.is_settled
    seen.add(window.workspace.context)  # which goes before all that it is given to is in its place
    window.close_file()
    assert window.findChildren(QWidget)
    # What its threads are at holds it; each look for garbage is through all that is there.
    qtbot.waitUntil(lambda: not (runner._ending or runner._left_behind))
    qtbot.waitUntil(lambda: gc.collect() >= 0 and not seen)


@pytest.mark.slow
def test_closing_ends_all_that_is_under_way(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    audit = go(qtbot, window, AUDIT)
    assert isinstance(audit, AuditTab) and window.workspace is not None
    audit.verify()
    export_to(page, tmp_path / "out.csv", page.query(), Format.CSV)
    page.context.settings.retention_enabled.set(demo_path, True)
    window.workspace.retention.check()
    assert window.workspace.retention.running
    with qtbot.assertNotEmitted(audit.verified), qtbot.assertNotEmitted(page.context.runner.changed):
        window.close()
    assert not window.isVisible()
    qtbot.waitUntil(lambda: not threads_of_files())
    assert QApplication.instance() is not None


@pytest.mark.slow
def test_what_the_keyboard_reaches_first(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    assert page.table.hasFocus() and page.table.selected_rows() == []
    assert "Nothing selected" in labels(page.inspector)
    press("Down")
    qtbot.waitUntil(lambda: page.inspector.title.text() == values(page, "email")[0])
    assert window.workspace is not None
    bar = window.workspace.tabs.tabBar()
    bar.setFocus()
    for _ in range(2):
        press("Right")
    assert bar.hasFocus() and window.workspace.tabs.currentIndex() == WEBHOOKS


@pytest.mark.slow
def test_a_record_is_shown_elsewhere_while_its_edit_waits(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    press("Down")
    press("F2")  # at once: the inspector still shows the one before
    form = dialog(qtbot, window, FormDialog)
    assert form.values()["email"] == values(page, "email")[1]


@pytest.mark.slow
def test_the_history_of_a_run_is_shown_whatever_tenant_was_in_view(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    tenant = ask(demo_path, "SELECT DISTINCT tenant_id FROM users ORDER BY 1")[1][0]
    window.tenants.pick(tenant)
    runs = go(qtbot, window, RUNS)
    run = choose(qtbot, runs, 0)
    press("Ctrl+H")
    assert window.workspace is not None
    qtbot.waitUntil(lambda: window.workspace.tabs.currentIndex() == AUDIT)  # type: ignore[union-attr]
    audit = window.workspace.current()
    assert window.tenants.key() is None
    assert audit.filters.values().text == run
    told = ask(demo_path, "SELECT count(*) FROM audit_chain WHERE instr(payload, ?)", run)[0][0]
    qtbot.waitUntil(lambda: audit.filters.count.text() == said(told, AUDIT))


@pytest.mark.slow
def test_columns_fitted_to_a_few_rows_are_fitted_to_all_of_them(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    users = open_file(qtbot, window, demo_path)
    tenants = "SELECT email FROM users ORDER BY length(tenant_id), id LIMIT 1"
    users.set_filter_text(ask(demo_path, tenants)[0][0])
    qtbot.waitUntil(lambda: users.model.rowCount() == 1)
    choose(qtbot, users, 0)
    press("Ctrl+H")
    assert window.workspace is not None
    qtbot.waitUntil(lambda: window.workspace.tabs.currentIndex() == AUDIT)  # type: ignore[union-attr]
    audit = window.workspace.current()
    qtbot.waitUntil(lambda: 0 < audit.model.rowCount() < 20)
    audit.clear_filters()
    qtbot.waitUntil(lambda: audit.model.rowCount() > 20)
    widths = [audit.table.columnWidth(column) for column in range(audit.model.columnCount())]
    audit.table.columns.fit()
    assert widths == [audit.table.columnWidth(column) for column in range(audit.model.columnCount())]
    audit.set_filter_text("user_created")
    qtbot.waitUntil(lambda: audit.list.shown == audit.query() and audit.model.rowCount() > 0)
    assert widths == [audit.table.columnWidth(column) for column in range(audit.model.columnCount())]


@pytest.mark.slow
def test_no_filter_moves_a_column_and_removal_stays_before_type_and_tenant(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.unread_alone = True
    window.settings.retention_days = 90
    window.resize(1280, 800)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("notifications"))
    qtbot.waitUntil(lambda: page.model.rowCount() >= 20)

    def widths() -> dict[str, int]:
        header = page.table.horizontalHeader()
        return {column.name: header.sectionSize(place) for place, column in enumerate(page.model.columns)}

    before = widths()
    assert before["leaves"] and not before["type"]
    for text in ("promoted", ""):
        page.set_filter_text(text)
        qtbot.waitUntil(lambda: page.list.shown == page.query() and page.model.rowCount() > 0)
        assert widths() == before
    page.facets.choose("read", "1")
    page.filters_changed()
    qtbot.waitUntil(lambda: page.list.shown == page.query() and page.model.rowCount() > 0)
    assert widths() == before


def test_a_window_fits_the_screen_it_opens_on(qtbot: QtBot, theme: Theme) -> None:
    settings = Settings()
    large = added(qtbot, MainWindow(theme, settings, lambda: NOW))
    large.setMinimumSize(0, 0)
    large.resize(5_000, 4_000)
    settings.window_geometry = large.saveGeometry()
    restored = added(qtbot, MainWindow(theme, settings, lambda: NOW))
    room = restored.screen().availableGeometry().size()
    for size in (restored.size(), restored.minimumSize()):
        assert size.width() <= room.width() and size.height() < room.height()


def test_a_job_that_was_cancelled_says_so(qtbot: QtBot, window: MainWindow) -> None:
    def work(monitor: Monitor) -> None:
        raise Cancelled

    window.busy.run("Exporting to rows.csv…", work, on_done=lambda result: None)
    qtbot.waitUntil(window.toast.isVisible)
    assert window.toast.label.text() == "Cancelled; nothing more was done."


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize("place", range(5))
def test_on_the_screen_of_200_percent_every_control_is_whole(
    qtbot: QtBot, window: MainWindow, demo_path: Path, place: int
) -> None:
    """A screen of 1280 by 800 pixels has 640 by 400 then, less the title bar."""
    open_file(qtbot, window, demo_path)
    window.setMinimumSize(0, 0)
    window.resize(640, 388)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    assert (window.width(), window.height()) == (640, 388)
    row = page.table.rowHeight(0)
    qtbot.waitUntil(lambda: page.table.viewport().height() >= 4 * row)

    def cut() -> list[str]:
        buttons = window.findChildren(QAbstractButton)
        controls = [one for one in buttons if one.isVisible() and not isinstance(one.parent(), QLineEdit)]
        return [
            one.text() or one.accessibleName()
            for one in controls
            if one.visibleRegion().boundingRect().size() != one.size()
            or (isinstance(one, QPushButton) and one.width() < one.minimumSizeHint().width())
        ]

    qtbot.waitUntil(lambda: cut() == [])


@pytest.mark.slow
def test_what_was_undone_is_selected_again_and_filters_stay(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    email = values(page, "email")[3]
    page.set_filter_text(email)
    qtbot.waitUntil(lambda: page.filters.count.text() == "1 user")
    wanted = choose(qtbot, page, 0)
    page.context.act(users.rename, wanted, "elsewhere@acme.example")
    qtbot.waitUntil(lambda: page.filters.count.text() == "0 users")
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: page.filters.count.text() == "1 user")
    qtbot.waitUntil(lambda: page.list.current_id() == wanted and page.list.selected_count() == 1)
    assert page.filters.values().text == email
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() > 1 and page.list.current_id() == wanted)
    page.table.select_row(0)
    press("Ctrl+Shift+Z")
    qtbot.waitUntil(lambda: page.list.current_id() == wanted)


@pytest.mark.slow
def test_a_deletion_done_again_goes_on_with_the_row_that_took_its_place(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    following, gone = choose(qtbot, page, 4), choose(qtbot, page, 3)
    at = page.list.current_id
    for keys, chosen in (("Del", following), ("Ctrl+Z", gone), ("Ctrl+Shift+Z", following)):
        press(keys)
        qtbot.waitUntil(lambda chosen=chosen: (at(), page.list.selected_count()) == (chosen, 1))  # type: ignore[misc]
        assert page.table.currentIndex().row() == 3


@pytest.mark.matrix(each=4)
@pytest.mark.slow
@pytest.mark.parametrize(
    ("table", "state"),
    [
        ("webhook_destinations", "active"),
        ("notifications", "read"),
        ("planning_runs", "status"),
        ("audit_chain", "previous_hash"),
    ],
)
def test_what_state_a_record_is_in_is_seen_beside_the_inspector_of_a_small_window(
    qtbot: QtBot, window: MainWindow, demo_path: Path, table: str, state: str
) -> None:
    open_file(qtbot, window, demo_path)
    window.resize(900, 560)
    assert window.workspace is not None
    window.workspace.tabs.setCurrentIndex([tab.table.name for tab in TABS].index(table))
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    choose(qtbot, page, 1)
    page.fold_inspector(False)
    qtbot.waitUntil(lambda: page.table.viewport().width() < 500)
    column = page.model.column_of(state)
    for row in range(5):
        words = str(page.model.index(row, column).data())
        room = page.table.horizontalHeader().sectionSize(column) - 2 * PAD - ICON - GAP
        assert room >= page.table.fontMetrics().horizontalAdvance(words), "in words, and not by an icon alone"


@pytest.mark.slow
def test_whose_the_rows_are_gives_way_first_where_one_tenant_is_chosen(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    window.resize(900, 560)
    choose(qtbot, page, 1)
    page.fold_inspector(False)
    header, tenant = page.table.horizontalHeader(), page.model.column_of("tenant_id")
    qtbot.waitUntil(lambda: page.table.viewport().width() < 500)
    assert not header.isSectionHidden(tenant)
    window.tenants.pick("acme-corp")
    qtbot.waitUntil(lambda: header.isSectionHidden(tenant))
    window.tenants.pick(None)
    qtbot.waitUntil(lambda: not header.isSectionHidden(tenant))
