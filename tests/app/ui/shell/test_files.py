"""Files of every kind, opened as a person opens them: each opens, or says in a sentence why not."""

import os
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from itertools import count as count_from
from pathlib import Path
from threading import Event

import apsw
import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import (
    QDesktopServices,
    QDragEnterEvent,
    QDropEvent,
    QGuiApplication,
    QPainter,
    QPaintEvent,
)
from PySide6.QtWidgets import QApplication, QFileDialog, QMessageBox, QPushButton, QScrollArea, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app import application, paths, replaced
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Verdict
from app.services.chain.where import InFile
from app.services.files.importing import import_dump
from app.services.files.opening import snapshot_copy
from app.services.files.restoring import Restored
from app.services.tenants.erasing import plan
from app.ui.shell.dialogs import ChooseDatabaseDialog, EndDialog, NotesDialog, RestoreDialog
from app.ui.shell.notices import DisplacedNotice, RestoredNotice
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import _LOOK_AGAIN_MS, MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Theme, Tone
from app.ui.widgets.dialogs import BugDialog, ConfirmDialog, ErrorDialog, WaitDialog
from app.ui.widgets.labels import IconLabel, Label, Look
from models.errors import Cancelled, FileEmptied, FileMoved, FileReplaced, LogMissing, UndecodableText
from models.local.database import LocalDatabase
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.checkpoints import sign
from tests.fixtures.connected import execute
from tests.fixtures.gateway import create_planning
from tests.fixtures.sample import sample
from tests.fixtures.stored import stored
from tests.fixtures.window import (
    TABLES,
    ask,
    button,
    child,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    error,
    go,
    held,
    is_settled,
    labels,
    notice,
    open_file,
    press,
    removal,
    said,
    texts,
)


def dump(path: Path) -> list[object]:
    """All rows of all tables, and the file's own bytes of header that count changes."""
    return [ask(path, f"SELECT * FROM {table}") for table in (*TABLES, "planning_artifacts")]


# read-only


def refusals(page: RecordTab) -> dict[str, str]:
    """Each act that writes, with its tool tip; left out are those that only look, and those of what
    the sample has none of.
    """
    looks = {
        "verify",
        "open_run",
        "open_what_it_names",
        "open_artifact",
        "artifacts",
        "parked",
        "history",
        "export",
    }
    others = {"edit_others", "filter_others", "reveal_secret"}
    return {
        name: page.commands.action(name).toolTip()
        for name in page.commands._specs
        if name not in looks | others and not page.commands.action(name).isEnabled()
    }


@pytest.mark.slow
def test_read_only_is_said_and_no_key_gets_past_it(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    before = dump(demo_path)
    open_file(qtbot, window, demo_path, read_only=True)
    assert "(read-only)" in window.windowTitle()
    assert notice(window, "Read-only").headline().endswith("Nothing here can change the file.")
    assert any(text.endswith("read-only") for text in labels(window.statusBar()))
    for place in range(5):
        page = go(qtbot, window, place)
        choose(qtbot, page, 0)
        reasons = refusals(page)
        whys = [
            tip
            for name, tip in reasons.items()
            if name not in {"accept_start", "compare", "report", "new_rows", "update_view", "clear_filters"}
        ]
        assert [tip for tip in whys if "open read-only" not in tip] == []
        for keys in ("Del", "F2", "Ctrl+Shift+N", "A", "D", "R", "U", "P", "K", "C", "X", "Ctrl+Shift+R"):
            press(keys)
            assert QApplication.activeWindow() is window, f"{keys} on {page.spec.table.title}"
        for name in reasons:
            page.commands.trigger(name)
    press("Ctrl+Z")
    assert window.workspace is not None and not window.workspace.findChildren(ConfirmDialog)
    window.close_file()
    assert dump(demo_path) == before


@pytest.mark.slow
def test_a_program_that_has_ended_is_not_named_as_the_reason(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.ui.shell.notices.LOOK_MS", 20)
    with held(demo_path) as process:
        page = open_file(qtbot, window, demo_path)
        banner = notice(window, "Read-only")
        assert f"(pid {process}) has it open" in page.commands.action("create").toolTip()
    qtbot.waitUntil(lambda: "(pid" not in banner.headline())
    assert "none has it open now" in banner.headline()
    assert "none has it open now" in page.commands.action("create").toolTip()


@pytest.mark.slow
def test_a_file_that_another_program_has_open_waits_for_the_persons_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    with held(demo_path) as process:
        page = open_file(qtbot, window, demo_path)
        banner = notice(window, "Read-only")
        assert f"(pid {process})" in banner.headline()
        assert page.context.opened.read_only
        chain = go(qtbot, window, 1)
        choose(qtbot, chain, 3)
        entry = chain.list.current_id()
        with qtbot.waitSignal(window.opened):
            click(qtbot, button(banner, "Open for writing"))
        page = current(window)
        assert not page.context.opened.read_only and "(read-only)" not in window.windowTitle()
        qtbot.waitUntil(lambda: page.list.current_id() == entry and page is not chain)
        page = go(qtbot, window, 0)
        qtbot.waitUntil(lambda: page.filters.count.text() != "")
        before = count(demo_path, "users")
        choose(qtbot, page, 0)
        press("Del")
        qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, 0))


# what differs


def test_migrations_that_would_be_refused_are_not_offered(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    open_file(qtbot, window, create_planning(tmp_path / "planning.sqlite"))
    banner = notice(window, "This is the platform's planning database")
    offered = [button.text() for button in banner.findChildren(QPushButton) if button.isVisible()]
    assert "Apply migrations…" not in offered


@pytest.mark.slow
def test_what_a_file_lacks_is_named_and_mended(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "DROP TABLE notifications")
    ask(demo_path, "DELETE FROM d1_migrations WHERE name LIKE '0002%'")
    open_file(qtbot, window, demo_path)
    banner = notice(window, "The schema differs")
    assert "notifications" in banner.headline()
    press("Ctrl+4")
    qtbot.waitUntil(lambda: "Not in this database" in labels(current(window)))
    click(qtbot, button(banner, "Apply migrations…"))
    box = dialog(qtbot, window, ConfirmDialog)
    assert box.list.item(0).text() == "0002_notifications.sql" and box.list.count() == 1
    assert str(demo_path.parent) in box.sentence.text()
    press("Escape")
    closed(qtbot, window, ConfirmDialog)
    assert ask(demo_path, "SELECT count(*) FROM sqlite_master WHERE name = 'notifications'") == [(0,)]
    click(qtbot, button(current(window), "Apply migrations…"))
    box = dialog(qtbot, window, ConfirmDialog)
    with qtbot.waitSignal(window.opened):
        click(qtbot, box.confirm_button)
    closed(qtbot, window, ConfirmDialog)
    assert go(qtbot, window, 3).filters.count.text() == "0 notifications"
    copies = list(demo_path.parent.glob("demo.before-0002_notifications.*"))
    assert len(copies) == 1 and copies[0].name in window.toast.label.text()
    assert ask(copies[0], "SELECT count(*) FROM users") == ask(demo_path, "SELECT count(*) FROM users")


@pytest.mark.slow
def test_a_missing_column_keeps_nothing_else_from_being_shown(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "ALTER TABLE notifications DROP COLUMN message")
    open_file(qtbot, window, demo_path)
    banner = notice(window, "The schema differs")
    assert "notifications lacks message" in banner.headline()
    click(qtbot, button(banner, "Dismiss"))
    assert not banner.isVisible()
    page = go(qtbot, window, 3)
    assert page.filters.count.text() == said(count(demo_path, "notifications"), 3)
    choose(qtbot, page, 0)


# what does not open


def _text(path: Path) -> str:
    path.write_text("dear diary\n" * 400)
    return r"notes\.txt is not a SQLite database; choose another file\."


def _empty(path: Path) -> str:
    path.touch()
    return r"notes\.txt is empty: .*create a new database.*"


def _gone(path: Path) -> str:
    return r"There is no file at .*notes\.txt; check the path.*"


def _damaged(path: Path) -> str:
    connection = apsw.Connection(str(path))
    connection.execute("PRAGMA page_size = 512")
    connection.execute("CREATE TABLE users (id TEXT PRIMARY KEY, email TEXT)")
    connection.executemany("INSERT INTO users VALUES (?, ?)", [(f"u{n}", "x" * 200) for n in range(200)])
    connection.close()
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 4)
    return r"notes\.txt is damaged.*restore it from a copy.*"


@pytest.mark.slow
@pytest.mark.parametrize("make", [_text, _empty, _gone, _damaged])
def test_what_cannot_be_opened_is_said_in_a_sentence(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, make: Callable[[Path], str]
) -> None:
    page = open_file(qtbot, window, demo_path)
    path = tmp_path / "notes.txt"
    expected = make(path)
    before = path.read_bytes() if path.exists() else None
    window.files.open(path)
    sentence = error(qtbot, window)
    assert re.fullmatch(expected, sentence, re.DOTALL), sentence
    assert (path.read_bytes() if path.exists() else None) == before, "nothing is written"
    assert current(window) is page and window._bar.database_button.text() == "demo.sqlite", (
        "the other file stays"
    )


@pytest.mark.slow
def test_a_locked_file_is_said_to_be_locked(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    connection = apsw.Connection(str(demo_path))
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.execute("BEGIN EXCLUSIVE")
    try:
        window.files.open(demo_path)
        assert "is in use by" in error(qtbot, window)
    finally:
        connection.execute("ROLLBACK")
        connection.close()
    open_file(qtbot, window, demo_path)


@pytest.mark.slow
def test_a_folder_with_several_databases_asks_which(
    qtbot: QtBot, window: MainWindow, demo_path: Path, database_path: Path
) -> None:
    window.files.open(demo_path.parent)
    box = dialog(qtbot, window, ChooseDatabaseDialog)
    press("Down")
    wanted = box.candidate()
    assert wanted is not None
    with qtbot.waitSignal(window.opened) as opened:
        press("Return")
    assert opened.args[0].path == wanted.path


# ways to open


@pytest.mark.slow
def test_a_dropped_file_is_opened(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    data = QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(demo_path))])
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    enter = QDragEnterEvent(QPoint(300, 300), Qt.DropAction.CopyAction, data, buttons, keys)
    QApplication.sendEvent(window, enter)
    assert enter.isAccepted()
    with qtbot.waitSignal(window.opened) as opened:
        QApplication.sendEvent(
            window, QDropEvent(QPointF(300, 300), Qt.DropAction.CopyAction, data, buttons, keys)
        )
    assert opened.args[0].path == demo_path


@pytest.mark.slow
def test_what_was_let_go_by_a_program_that_has_ended_is_opened(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """It has no data any more then, though the kinds of it are known."""
    data, gone = QMimeData(), QMimeData()
    data.setUrls([QUrl.fromLocalFile(str(path)) for path in (demo_path, demo_path.with_name("x.sqlite"))])
    gone.setData("text/uri-list", b"")
    how = Qt.DropAction.CopyAction, gone, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), *how))
    QApplication.sendEvent(window, empty := QDragEnterEvent(QPoint(300, 300), *how))
    assert not empty.isAccepted() and not window.files.is_opening
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(300, 300), how[0], data, *how[2:]))
    with qtbot.waitSignal(window.opened) as opened:
        QApplication.sendEvent(window, QDropEvent(QPointF(300, 300), *how))
    assert opened.args[0].path == demo_path
    toast = "demo.sqlite alone was opened, not 1 other file that came with it"
    qtbot.waitUntil(lambda: window.toast.label.text() == toast)


@pytest.mark.slow
def test_recent_files_come_back_from_the_welcome_page(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    press("Ctrl+W")
    qtbot.waitUntil(lambda: button(window.welcome, "demo.sqlite").isVisible())
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(window.welcome, "demo.sqlite"))
    menu = window._bar.database_button.menu()
    menu.aboutToShow.emit()
    assert any(action.text().startswith("demo.sqlite — ") for action in menu.actions())
    window.close_file()
    demo_path.unlink()
    window.files.open(demo_path)
    assert "There is no file at" in error(qtbot, window)
    menu.aboutToShow.emit()
    assert "demo.sqlite" not in [action.text() for action in menu.actions()]


@pytest.mark.slow
def test_sample_data_is_one_press_away(qtbot: QtBot, window: MainWindow) -> None:
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(window.welcome, "Explore s&ample data"))
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    assert page.model.rowCount() > 100


# copies


@pytest.mark.slow
def test_a_copy_in_place_of_what_cannot_be_opened_says_so_each_time(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    with qtbot.waitSignal(window.files.opened) as caught:
        window.files._open_copy(demo_path)
    copy = caught.args[0].path
    assert copy.stem.startswith(f"{demo_path.stem} (copy, ") and copy.parent != demo_path.parent
    for _ in range(2):
        assert any(f"of {demo_path}" in words for words in labels(window)), "which file it is not"
        open_file(qtbot, window, demo_path)
        assert not any(f"of {demo_path}" in words for words in labels(window))
        open_file(qtbot, window, copy)


@pytest.fixture
def copy(demo_path: Path, tmp_path: Path) -> Path:
    return snapshot_copy(demo_path, tmp_path / "yesterday.sqlite")


def leftovers(path: Path) -> list[str]:
    return [item.name for item in path.parent.iterdir() if item.name.startswith(".tenant-admin-")]


@pytest.mark.slow
def test_what_was_deleted_comes_back(qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    choose(qtbot, page, 0)
    press("Del")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before - 1, 0))
    window.files.offer_restore(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert box.sentence.text().startswith("What it holds is replaced by what yesterday.sqlite holds.")
    model = box.tables.model()
    rows = [[str(model.index(row, column).data()) for column in range(4)] for row in range(model.rowCount())]
    shown = {row[0]: row[1:] for row in rows}
    assert shown["Users"] == [f"{before - 1:,}", f"{before:,}", "+1"]
    assert shown["Audit entries"][2] == "−1"
    icons = [one.accessibleName() for one in box.findChildren(IconLabel)]
    assert "Good" in icons, "said in words, by its colour and by an icon"
    assert "The audit chain of the copy is verified" in box.chain.text()
    assert "The copy continues this file as its newest checkpoint knows it." in labels(box)
    press("Return")  # confirms nothing that destroys
    closed(qtbot, window, RestoreDialog)
    assert count(demo_path, "users") == before - 1
    assert leftovers(demo_path) == []
    press("Ctrl+2")
    page = current(window)
    qtbot.waitUntil(lambda: page.model.rowCount() > 20 and page.filters.count.text() != "")
    window.tenants.pick("acme-corp")
    qtbot.waitUntil(lambda: page.model.rowCount() > 20 and "acme-corp" in str(page.list.shown))
    chosen = choose(qtbot, page, 20)
    window.files.offer_restore(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    with qtbot.waitSignal(window.opened):
        click(qtbot, box.confirm_button)
    page = current(window)
    assert page.spec.table.name == "audit_chain"
    qtbot.waitUntil(lambda: page.list.current_id() == chosen)
    assert window.workspace is not None
    assert window.tenants.currentText() == "acme-corp" == window.workspace.scope.tenant_id
    assert page.list.shown is not None and page.list.shown.scope.tenant_id == "acme-corp"
    window.tenants.pick(None)
    window.workspace.tabs.setCurrentIndex(0)
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(before, 0))
    kept = next(demo_path.parent.glob("demo.before-restore.*.sqlite"))
    assert not window.toast.isVisible(), "it is said once"
    told: RestoredNotice = child(window.workspace, RestoredNotice)
    assert told.isVisible() and str(kept) in told.banner.detail(), "it stays to be read"
    click(qtbot, told.back_button)
    dialog(qtbot, window, RestoreDialog)
    press("Escape")
    closed(qtbot, window, RestoreDialog)
    assert count(kept, "users") == before - 1
    assert leftovers(demo_path) == []
    made = CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(demo_path))
    assert [item.reason for item in made] == ["verify", "before-restore", "restore"]

    open_file(qtbot, window, demo_path)
    told = child(window.workspace, RestoredNotice)
    qtbot.waitUntil(told.isVisible)  # the next start says it, too, until somebody has read it
    press("Ctrl+Z")
    assert window.toast.label.text().endswith("“Way back…” below the rows leads to before the restore.")
    assert str(kept) in told.banner.detail()
    click(qtbot, told.back_button)
    dialog(qtbot, window, RestoreDialog).reject()
    closed(qtbot, window, RestoreDialog)
    click(qtbot, next(one for one in told.findChildren(QPushButton) if one.text() == "Dismiss"))
    assert window.settings.restored.get(demo_path) == ()


def test_a_restore_without_a_checkpoint_is_said_in_amber_in_a_later_start_too(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    problem = "The key is out of reach, so no checkpoint was made."
    for restored in (Restored(copy, None, problem), None, Restored(copy, 3), None):
        open_file(qtbot, window, demo_path, restored=restored)
        assert window.workspace is not None
        told = child(window.workspace, RestoredNotice)
        qtbot.waitUntil(told.isVisible)
        is_wrong = problem in told.banner.detail()
        assert is_wrong or "Checkpoint 3 was made" in told.banner.detail()
        assert told.banner.tone() is (Tone.WARN if is_wrong else Tone.NEUTRAL)
        assert "unsigned" not in told.banner.detail()


def test_the_way_back_is_that_of_the_last_restore_by_command_too(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    first, last = (
        demo_path.with_name(f"{demo_path.stem}.before-restore.20261201T04115{second}{demo_path.suffix}")
        for second in ("3Z", "3Z-2")
    )
    shutil.copy(copy, first)
    open_file(qtbot, window, demo_path, restored=Restored(first, 3))
    shutil.copy(copy, last)
    for kept in (last, first):
        open_file(qtbot, window, demo_path)
        assert window.workspace is not None
        told = child(window.workspace, RestoredNotice)
        qtbot.waitUntil(told.isVisible)
        assert f"{kept}." in told.banner.detail()
        assert ("Checkpoint 3" in told.banner.detail()) == (kept == first)
        last.unlink(missing_ok=True)


def test_the_way_back_is_that_of_a_restore_by_command_beside_the_window(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    first, last = (
        demo_path.with_name(f"{demo_path.stem}.before-restore.20261201T04115{second}Z{demo_path.suffix}")
        for second in (3, 8)
    )
    shutil.copy(copy, first)
    open_file(qtbot, window, demo_path, restored=Restored(first, 3))
    assert window.workspace is not None and window.context is not None
    told = child(window.workspace, RestoredNotice)
    qtbot.waitUntil(told.isVisible)
    asked: list[Path] = []
    window.workspace.back_wanted.disconnect()
    window.workspace.back_wanted.connect(asked.append)
    shutil.copy(copy, last)
    restored_by_command(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: f"{last}." in told.banner.detail())
    assert "Checkpoint 3" not in told.banner.detail()
    click(qtbot, told.back_button)
    assert asked == [last]
    assert len([one for one in told.findChildren(QPushButton) if one.text() == "Dismiss"]) == 1
    for kept in (first, last):
        kept.unlink()
    restored_by_command(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: not told.isVisible())


def restored_by_command(qtbot: QtBot, window: MainWindow, path: Path) -> None:
    """Its commit, which the window notices."""
    assert window.context is not None
    with qtbot.waitSignal(window.context.outside.written):
        execute(path, "UPDATE users SET updated_at = updated_at + 1 WHERE rowid = 1")
        window.context.outside.look()


@pytest.mark.slow
def test_no_notice_that_comes_by_itself_moves_what_one_reads(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.resize(900, 560)
    page = open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    bar, rows, context = window.workspace.tabs.tabBar(), page.table.viewport(), page.context
    qtbot.waitUntil(lambda: is_settled(window))
    places = [one.mapTo(window, QPoint()) for one in (bar, rows)]
    row = page.table.verticalScrollBar()
    row.setValue(3)
    come: list[tuple[Callable[[], object], str]] = [
        (partial(context.outside.displaced.emit, FileMoved(demo_path)), "The file was moved"),
        (context.damaged.emit, "The file is damaged"),
        (partial(window.workspace._say_tables, True), "Another program has changed"),
    ]
    for comes, headline in come:
        context.outside.displaced.emit(None)  # two at a time
        comes()
        qtbot.waitUntil(lambda: is_settled(window))
        assert notice(window, headline).height() > 20
        assert [one.mapTo(window, QPoint()) for one in (bar, rows)] == places, headline
        assert row.value() == 3 and rows.height() > page.table.rowHeight(0)
    press("Ctrl+3")
    qtbot.waitUntil(lambda: is_settled(window))
    assert notice(window, "The file is damaged").isVisible(), "in each tab"


@pytest.mark.slow
def test_a_copy_whose_chain_does_not_hold_needs_a_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 7")
    open_file(qtbot, window, demo_path)
    window.files.offer_restore(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert "is broken: 1 finding" in box.chain.text()
    assert not child(box, QScrollArea).verticalScrollBar().isVisible(), "it has room"
    assert not box.confirm_button.isEnabled()
    click(qtbot, box.agreement)
    assert box.confirm_button.isEnabled()
    press("Escape")
    closed(qtbot, window, RestoreDialog)
    assert leftovers(demo_path) == []


@pytest.mark.slow
def test_a_copy_of_another_database_needs_a_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9)
    ask(demo_path, "DROP TABLE notifications")
    open_file(qtbot, window, demo_path)
    window.files.offer_restore(demo_path, tmp_path / "other.sqlite")
    box = dialog(qtbot, window, RestoreDialog)
    there = f"{count(tmp_path / 'other.sqlite', 'notifications'):,}"
    assert ["Notifications", "0", there, f"+{there}, the table comes"] in texts(box.tables)
    assert "The audit chain of the copy is consistent" in box.chain.text(), "which no checkpoint knows"
    assert (box.agreement.isVisible(), box.confirm_button.isEnabled()) == (True, False)
    assert box.agreement.text() == "I mean this, although it is of another database"
    assert not child(box, QScrollArea).verticalScrollBar().isVisible(), "it has room"
    click(qtbot, box.agreement)
    assert box.confirm_button.isEnabled()
    press("Escape")
    closed(qtbot, window, RestoreDialog)


@pytest.mark.slow
def test_a_restore_that_is_recorded_nowhere_needs_a_word(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    for path in (demo_path, copy):
        ask(path, "DROP TABLE audit_chain; CREATE TABLE notes (id TEXT PRIMARY KEY)")
        ask(path, "INSERT INTO notes VALUES ('both'), (?)", path.name)
    open_file(qtbot, window, demo_path)
    window.files.offer_restore(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert [row for row in texts(box.tables) if row[0] == "notes"] == [["notes", "2", "2", "+1, −1"]]
    assert (box.agreement.isVisible(), box.confirm_button.isEnabled()) == (True, False)
    assert box.agreement.text() == "I mean this, although it is recorded nowhere"
    assert not child(box, QScrollArea).verticalScrollBar().isVisible(), "it has room"
    click(qtbot, box.agreement)
    assert box.confirm_button.isEnabled()
    press("Escape")
    closed(qtbot, window, RestoreDialog)


@pytest.mark.slow
def test_what_is_no_copy_is_said(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_file(qtbot, window, demo_path)
    monkeypatch.setattr(apsw, "hard_heap_limit", None)  # which is felt by all threads of the window
    (tmp_path / "one.sql").write_text("CREATE TABLE t (a);\n")
    window.files.offer_restore(demo_path, tmp_path / "one.sql")
    assert "makes none of the platform's tables" in error(qtbot, window)
    (tmp_path / "notes.txt").write_text("dear diary\n" * 400)
    window.files.offer_restore(demo_path, tmp_path / "notes.txt")
    assert "is not a SQLite database" in error(qtbot, window)
    window.files.offer_restore(demo_path, demo_path)
    assert "is the file itself" in error(qtbot, window)
    assert page.filters.count.text() == said(count(demo_path, "users"), 0)
    assert leftovers(demo_path) == []


@pytest.mark.slow
def test_a_read_only_file_cannot_be_restored(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path, read_only=True)
    assert not window.commands.action("restore").isEnabled()
    assert window.commands.action("save_copy").isEnabled()


@pytest.mark.slow
def test_a_copy_is_saved_while_others_write(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    other = apsw.Connection(str(demo_path))
    chains.append(other, "acme-corp", [NOW])  # only in the log
    target = tmp_path / "saved.sqlite"
    window.files.save_copy(demo_path, target)
    qtbot.waitUntil(lambda: window.toast.label.text() == "Saved and checked: saved.sqlite")
    assert count(target, "audit_chain") == count(demo_path, "audit_chain")
    window.files.save_copy(demo_path, target)
    assert "already a file" in error(qtbot, window)


@pytest.mark.slow
def test_a_copy_says_how_far_it_is_and_ends_where_that_is_asked(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file(qtbot, window, demo_path)
    check, seen, steps = Monitor.check, Event(), count_from()

    def slowly(monitor: Monitor) -> None:
        if next(steps) > 3:
            seen.wait(60)
        check(monitor)

    monkeypatch.setattr("models.local.copies.PAGES", 20)
    monkeypatch.setattr(Monitor, "check", slowly)
    window.files.save_copy(demo_path, target := tmp_path / "saved.sqlite")
    qtbot.waitUntil(lambda: "% of the work" in window.busy.label.text())
    click(qtbot, window.busy.cancel_button)
    seen.set()
    qtbot.waitUntil(lambda: window.toast.label.text() == "Cancelled; no file was made.", timeout=1000)
    assert not target.exists() and leftovers(target) == []


@pytest.mark.parametrize("what", ["importing.import_dump", "restoring.offer"])
def test_what_was_cancelled_before_anything_was_done_says_so(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    def cancelled(*args: object, **how: object) -> None:
        raise Cancelled

    open_file(qtbot, window, demo_path)
    monkeypatch.setattr(f"app.services.files.{what}", cancelled)
    if what.startswith("importing"):
        window.files.import_dump(demo_path.with_name("a.sql"), demo_path.with_name("a.sqlite"))
    else:
        window.files.offer_restore(demo_path, demo_path.with_name("copy.sqlite"))
    so = "no file was made" if what.startswith("importing") else "the file is as it was"
    qtbot.waitUntil(lambda: window.toast.label.text() == f"Cancelled; {so}.", timeout=3000)


@pytest.mark.slow
def test_neither_closing_the_database_nor_opening_another_drops_long_work_unsaid(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    shutil.copy(demo_path, other := tmp_path / "other.sqlite")

    def work(monitor: Monitor) -> None:
        while not monitor.cancelled():
            Event().wait(0.01)
        monitor.check()

    assert window.context is not None
    window.context.job("Exporting to all.csv…", work, on_done=print)
    qtbot.waitUntil(lambda: window.busy.unfinished == ["Exporting to all.csv…"])
    window.commands.trigger("close")
    assert dialog(qtbot, window, ConfirmDialog).title.text() == "Close the database before this is done?"
    press("Return")  # goes on
    closed(qtbot, window, ConfirmDialog)
    window.files.open(other)
    waits = "other.sqlite is shown once what is under way is done or cancelled"
    qtbot.waitUntil(lambda: window.toast.label.text() == waits)
    assert window.context.opened.path == demo_path
    with qtbot.waitSignal(window.opened):
        click(qtbot, window.busy.cancel_button)
    assert window.context is not None and window.context.opened.path == other


def wait_for(hold: Event, monitor: Monitor) -> None:
    hold.wait()


@pytest.mark.slow
def test_whether_to_quit_is_asked_no_more_once_there_is_no_reason_to_ask(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    assert window.context is not None
    holds = {name: Event() for name in ("all.csv", "some.csv")}
    for name, hold in holds.items():
        window.context.job(f"Exporting to {name}…", partial(wait_for, hold), on_done=print)
    qtbot.waitUntil(lambda: len(window.busy.unfinished) == 2)
    window.ask_close()
    box = dialog(qtbot, window, EndDialog)
    holds["all.csv"].set()
    qtbot.waitUntil(lambda: box.list.count() == 1)
    assert box.list.item(0).text() == "Exporting to some.csv…" and box.isVisible()
    holds["some.csv"].set()
    closed(qtbot, window, EndDialog)
    assert window.isVisible() and window.context is not None


@pytest.mark.slow
def test_what_waits_to_be_shown_is_dropped_with_the_window(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    shutil.copy(demo_path, tmp_path / "other.sqlite")
    assert window.context is not None
    hold = Event()
    window.context.job("Exporting to all.csv…", lambda monitor: hold.wait(), on_done=print)
    window.files.open(tmp_path / "other.sqlite")
    qtbot.waitUntil(lambda: "is shown once" in window.toast.label.text())
    timers = [one for one in window.findChildren(QTimer) if one.interval() == _LOOK_AGAIN_MS]
    looks = [one for one in timers if one.isActive()]
    window.close()
    hold.set()
    assert looks
    qtbot.waitUntil(lambda: not any(isValid(one) and one.isActive() for one in looks))
    assert window.workspace is None


@pytest.mark.slow
def test_what_long_work_is_dropped_is_asked_before_the_window_closes(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)

    def work(monitor: Monitor) -> None:
        while not monitor.cancelled():
            Event().wait(0.01)
        monitor.check()

    window.busy.run("Saving large.sqlite…", work, on_done=print)
    window.commands.trigger("quit")
    asked = dialog(qtbot, window, ConfirmDialog)
    assert [asked.list.item(at).text() for at in range(asked.list.count())] == ["Saving large.sqlite…"]
    press("Return")  # goes on
    closed(qtbot, window, ConfirmDialog)
    assert window.isVisible() and not window.busy.isHidden()
    window.commands.trigger("quit")
    with qtbot.waitSignal(window.closed):
        click(qtbot, dialog(qtbot, window, ConfirmDialog).confirm_button)
    assert not window.isVisible()


@pytest.mark.slow
@pytest.mark.parametrize("put", [Path.replace, shutil.copyfile], ids=["renamed", "written over it"])
def test_nothing_is_done_with_a_file_put_in_the_place_of_the_one_that_is_shown(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, put: Callable[[Path, Path], object]
) -> None:
    copy = snapshot_copy(demo_path, tmp_path / "copy")
    page = open_file(qtbot, window, demo_path)
    context, looked = page.context, list[bool]()
    context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    context.outside.stop()  # it is looked below
    put(sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9), demo_path)
    before, target = demo_path.read_bytes(), tmp_path / "saved"
    acts: list[Callable[[], None]] = [
        lambda: window.files.save_copy(demo_path, target),
        lambda: window.files.export_sql(InFile(demo_path), target, None),
        lambda: window.files.offer_restore(demo_path, copy),
    ]
    for act in acts:
        act()
        assert error(qtbot, window).startswith(f"The file at {demo_path} was replaced since it was opened")
    assert not target.exists()
    assert demo_path.read_bytes() == before
    with qtbot.waitSignal(context.outside.displaced):
        context.outside.look()
    press("Ctrl+2")
    chain = current(window)
    assert isinstance(chain, AuditTab)
    chain.verify()
    qtbot.waitUntil(lambda: chain.banner.headline() == "Could not verify")
    banner = notice(window, "The file was replaced")
    assert banner.detail().startswith(f"The file at {demo_path} was replaced since it was opened")
    with qtbot.waitSignal(window.opened):
        button(banner, "Open again").click()
    window.files.save_copy(demo_path, target)
    qtbot.waitUntil(lambda: window.toast.label.text() == "Saved and checked: saved")


@pytest.mark.slow
def test_a_file_that_is_away_is_said_while_nothing_is_done_and_until_it_is_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    outside, create = page.context.outside, page.commands.action("create")
    assert create.isEnabled()
    outside._poll.setInterval(20)  # by itself, but sooner than every two seconds
    with qtbot.waitSignal(outside.displaced):
        demo_path.rename(tmp_path / "away")
    assert not create.isEnabled() and "The file was moved or deleted, so" in create.toolTip()
    banner = notice(window, "The file was moved or deleted")
    assert button(banner, "Open another…").isVisible() and not button(banner, "Open again").isVisible()
    window.undo()
    assert window.toast.isVisible() and "nothing can be changed here now" in window.toast.label.text()
    with qtbot.waitSignal(outside.displaced):
        shutil.copyfile(tmp_path / "away", demo_path)
    assert button(banner, "Open again").isVisible(), "something is there again"
    with qtbot.waitSignal(outside.displaced):
        (tmp_path / "away").replace(demo_path)
    assert not banner.isVisible() and create.isEnabled()
    assert not window.toast.isVisible(), "which said that nothing can be changed"


@pytest.mark.slow
def test_a_file_that_is_overwritten_in_its_place_is_said_while_nothing_is_done(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    other = sample(tmp_path / "other.sqlite", rows=50, tenants=2, seed=9)
    outside = open_file(qtbot, window, demo_path).context.outside
    ask(demo_path, "UPDATE users SET updated_at = 1")  # which stays in the log
    looked: list[bool] = []
    outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    outside._poll.setInterval(20)  # by itself, but sooner than every two seconds
    inode = demo_path.stat().st_ino
    with qtbot.waitSignal(outside.displaced):
        shutil.copyfile(other, demo_path)
    assert demo_path.stat().st_ino == inode
    banner = notice(window, "The file was replaced")
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(banner, "Open again"))
    qtbot.waitUntil(lambda: current(window).model.rowCount() == count(other, "users"))
    window.close()
    assert demo_path.read_bytes() == other.read_bytes(), "the log of what was there before is not in it"


@pytest.mark.slow
def test_a_log_that_is_gone_is_said_while_nothing_is_done(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    outside = open_file(qtbot, window, demo_path).context.outside
    outside._poll.setInterval(20)  # by itself, but sooner than every two seconds
    with qtbot.waitSignal(outside.displaced):
        demo_path.with_name(f"{demo_path.name}-wal").unlink()
    banner = notice(window, "The log of the file is gone")
    assert "nothing was changed" in banner.detail()
    press("Ctrl+2")
    chain = current(window)
    assert isinstance(chain, AuditTab)
    chain.verify()
    qtbot.waitUntil(lambda: chain.banner.headline() == "Could not verify")
    assert "log" in chain.banner.detail()
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(banner, "Open again"))
    assert isinstance(current(window), AuditTab), "one stays where one was"
    assert not window.findChildren(ErrorDialog)


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("by", ["banner", "dialog"])
@pytest.mark.parametrize("lose", [Path.unlink, lambda log: log.write_bytes(b"")], ids=["deleted", "cut"])
def test_a_file_whose_log_is_gone_is_opened_again_once_it_is_let_go_of(
    qtbot: QtBot, window: MainWindow, demo_path: Path, lose: Callable[[Path], object], by: str
) -> None:
    """What was committed to the log is known to SQLite as long as anything in the program has it open."""
    outside = open_file(qtbot, window, demo_path).context.outside
    outside.stop()  # it is looked below
    ask(demo_path, "DELETE FROM notifications")
    lose(demo_path.with_name(f"{demo_path.name}-wal"))
    with qtbot.waitSignal(outside.displaced):
        outside.look()
    offers: QWidget = child(window, DisplacedNotice)
    if by == "dialog":
        window.files.open(demo_path)
        offers = dialog(qtbot, window, ErrorDialog)
    with qtbot.waitSignal(window.opened):
        click(qtbot, button(offers, "Open again"))
    assert not any(one.isVisible() for one in window.findChildren(DisplacedNotice))


def test_what_helps_is_the_main_button_where_a_file_is_another(qtbot: QtBot, theme: Theme) -> None:
    notice = DisplacedNotice(theme, lambda door: None)
    qtbot.addWidget(notice)
    for displaced, main in (
        (FileReplaced(Path("a.sqlite")), notice.open_button),
        (FileEmptied(Path("a.sqlite")), notice.restore_button),
        (LogMissing(Path("a.sqlite")), notice.open_button),
    ):
        notice.say(displaced)
        offered = [one for one in notice.findChildren(QPushButton) if not one.isHidden() and one.text()]
        kinds = {one: one.property("kind") for one in offered}
        assert [one for one, kind in kinds.items() if kind == "primary"] == [main]


@pytest.mark.slow
def test_nothing_can_be_begun_while_a_copy_is_restored(
    qtbot: QtBot, window: MainWindow, demo_path: Path, copy: Path
) -> None:
    ask(copy, "DELETE FROM audit_chain WHERE seq < 200")
    open_file(qtbot, window, demo_path)
    window.files.offer_restore(demo_path, copy)
    box = dialog(qtbot, window, RestoreDialog)
    assert box.chain.text().startswith("The start of the copy's audit chain is unproven")
    assert box.chain.property("look") == Look.WARN.value
    opened: list[object] = []
    window.opened.connect(opened.append)
    click(qtbot, box.confirm_button)
    wait = child(window, WaitDialog)  # at once: it goes with the end of the work
    assert QApplication.activeModalWidget() is wait and not opened
    assert not window.welcome.isVisible(), "what was in sight still is"
    qtbot.waitUntil(lambda: bool(opened))
    closed(qtbot, window, WaitDialog)


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Another program writes to the file."""
    with closing(apsw.Connection(str(path))) as other:
        other.execute("BEGIN IMMEDIATE")
        yield
        other.execute("ROLLBACK")


@pytest.mark.slow
@pytest.mark.parametrize("ended", ["locked", "cancelled", "waited enough", "erasing"])
def test_what_was_not_rewritten_keeps_all_that_the_window_had(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch, ended: str
) -> None:
    patience = 2 if ended in {"locked", "erasing"} else 60
    copy = snapshot_copy(demo_path, demo_path.with_name("yesterday.sqlite"))
    for place in ("copies", "database"):
        monkeypatch.setattr(f"models.local.{place}.PATIENCE", patience)
    open_file(qtbot, window, demo_path)
    window.tenants.pick("acme-corp")
    page = current(window)
    qtbot.waitUntil(lambda: page.list.shown is not None and page.filters.count.text() != "")
    before = count(demo_path, "users")
    choose(qtbot, page, 1)
    press("Del")
    qtbot.waitUntil(lambda: count(demo_path, "users") == before - 1)
    chosen = choose(qtbot, page, 2)
    title, context = window.windowTitle(), window.context
    assert context is not None
    looked: list[bool] = []
    context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    written: list[bool] = []
    context.outside.written.connect(lambda: written.append(True))
    if ended == "erasing":
        file = LocalDatabase(demo_path)
        with file.connection_context():
            erasure = plan(file, "acme-corp", now=NOW)
    else:
        window.files.offer_restore(demo_path, copy)
        box = dialog(qtbot, window, RestoreDialog)
    with writing(demo_path):
        if ended == "erasing":
            window.files.erase_tenant(demo_path, erasure)
        else:
            click(qtbot, box.confirm_button)
        wait = dialog(qtbot, window, WaitDialog)
        assert window.windowTitle() == title and window.tenants.currentText() == "acme-corp"
        qtbot.waitUntil(wait.wait_line.isVisible)
        what = wait.wait_line.label.text()
        assert re.fullmatch("Waiting for another program, which is writing to demo.sqlite: [12] s", what)
        if patience > 2:
            part = wait if ended == "cancelled" else wait.wait_line
            click(qtbot, part.cancel_button)
            closed(qtbot, window, WaitDialog)
            qtbot.waitUntil(lambda: "Cancelled; the file is as it was." in window.toast.label.text())
        else:
            told = dialog(qtbot, window, ErrorDialog)
            assert "nothing was changed" in told.sentence.text()
            assert button(told, "Try again").isVisible()
            told.reject()
            closed(qtbot, window, ErrorDialog)
    assert window.context is context and current(window) is page
    assert window.tenants.currentText() == "acme-corp" and page.list.current_id() == chosen
    assert leftovers(demo_path) == []
    context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: len(looked) == 2)
    assert not written, "nobody has written"
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: count(demo_path, "users") == before)


@pytest.mark.slow
def test_a_file_is_exported_as_sql_and_what_d1_refuses_is_named(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "foundation.sql"

    def choose(asked: QFileDialog) -> bool:
        asked.selectFile(str(target))
        return True

    monkeypatch.setattr(QFileDialog, "exec", choose)
    open_file(qtbot, window, demo_path)
    window.commands.trigger("export_sql")
    tables = stored(demo_path).keys() - {"sqlite_sequence", "d1_migrations"}
    rows = sum(count(demo_path, table) for table in tables)
    qtbot.waitUntil(lambda: window.toast.label.text() == f"{rows:,} rows exported to foundation.sql")
    import_dump(target, tmp_path / "back.sqlite")
    assert stored(tmp_path / "back.sqlite") == stored(demo_path)
    execute(demo_path, "CREATE VIRTUAL TABLE words USING fts5(x)")
    window.files.export_sql(InFile(demo_path), target, "acme-corp")
    box = dialog(qtbot, window, NotesDialog)
    assert "exported to foundation.sql" in box.title.text()
    assert "the virtual table words" in box.text.toPlainText()
    assert "the rows of planning_runs: nothing tells whose they are" in box.text.toPlainText()
    click(qtbot, box.copy_button)
    assert QGuiApplication.clipboard().text() == box.text.toPlainText()


# retention


@pytest.mark.slow
def test_retention_runs_after_the_persons_word(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    before = page.model.rowCount()
    window.commands.action("retention").trigger()
    box = dialog(qtbot, window, RetentionDialog)
    if "majority" in box.doubts:
        click(qtbot, box.doubts["majority"])
    with removal(qtbot, window) as removed:
        click(qtbot, box.daily_button)
    total = removed[0].total
    assert total > 0
    qtbot.waitUntil(lambda: "next in" in window.retention_status.text())
    status = f"Retention: last run just now, removed {total:,} rows · next in 24 h"
    assert window.retention_status.text() == status
    qtbot.waitUntil(lambda: page.model.rowCount() == count(demo_path, "audit_chain") < before)
    assert ask(demo_path, "SELECT count(*) FROM audit_chain WHERE event_type = 'audit_pruned'")[0][0] > 0
    assert isinstance(page, AuditTab)
    with qtbot.waitSignal(page.verified) as verified:
        page.verify()
    assert verified.args[0].verdict in (Verdict.CONSISTENT, Verdict.VERIFIED)
    assert page.banner.headline().startswith("Chain ")


# a bug


@pytest.fixture
def hook() -> Iterator[None]:
    before = sys.excepthook
    yield
    sys.excepthook = before


@pytest.mark.slow
def test_a_bug_is_shown_with_details_to_copy(
    qtbot: QtBot, window: MainWindow, theme: Theme, hook: None
) -> None:
    application._catch_bugs(theme, window)
    try:
        raise RuntimeError("the secret is hunter2")
    except RuntimeError as problem:
        sys.excepthook(type(problem), problem, problem.__traceback__)
    box = dialog(qtbot, window, BugDialog)
    click(qtbot, box.copy_button)
    text = QGuiApplication.clipboard().text()
    assert "RuntimeError" in text and Path(__file__).name in text
    assert "hunter2" not in text
    log = Path(os.environ["TENANT_ADMIN_HOME"])
    assert any("RuntimeError" in file.read_text() for file in log.rglob("*.log"))


class _Broken(QWidget):
    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802 - Qt's own name
        painter = QPainter(self)
        painter.drawText(0, 0, str(1 // 0))


def test_a_bug_in_a_painting_leaves_no_painter_open(
    qtbot: QtBot, window: MainWindow, theme: Theme, hook: None
) -> None:
    application._catch_bugs(theme, window)
    broken = _Broken()
    qtbot.addWidget(broken)
    broken.show()
    dialog(qtbot, window, BugDialog).reject()
    assert not broken.paintingActive()


@pytest.mark.slow
def test_what_goes_wrong_when_the_program_was_replaced_is_called_so(
    qtbot: QtBot, window: MainWindow, theme: Theme, hook: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replaced, "STARTED", 0.0)  # all files are newer
    application._catch_bugs(theme, window)
    gone = ImportError("cannot import name 'x' from 'app.y'")
    sys.excepthook(ImportError, gone, None)
    box = dialog(qtbot, window, ErrorDialog)
    assert "replaced" in box.windowTitle() and "start it again" in box.sentence.text()
    box.reject()
    monkeypatch.delattr("app.bugs.record")  # nor is there what would tell of it
    sys.excepthook(ImportError, gone, None)
    qtbot.waitUntil(lambda: isinstance(QApplication.activeModalWidget(), QMessageBox))
    last = QApplication.activeModalWidget()
    assert isinstance(last, QMessageBox) and "start it again" in last.text()
    last.reject()


# dead ends


@pytest.mark.slow
def test_what_helps_against_damage_is_offered_for_the_damaged_file(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever is open; and a file of which nothing can be saved does not lead to saving it again."""
    open_file(qtbot, window, demo_path)
    damaged, asked = tmp_path / "damaged.sqlite", list[Path]()
    _damaged(damaged)
    with damaged.open("r+b") as file:
        file.seek(100)
        file.write(b"\xff" * 412)
    monkeypatch.setattr(window.files, "ask_restore", asked.append)
    monkeypatch.setattr(window.files, "ask_salvage", asked.append)
    window.files.export_sql(InFile(damaged), tmp_path / "saved.sql", None, readable=True)
    box = dialog(qtbot, window, ErrorDialog)
    assert box.sentence.text().startswith("damaged.sqlite is damaged where it says which tables it holds")
    assert [found.text() for found in box.findChildren(QPushButton)] == ["Restore from a copy…", "Close"]
    click(qtbot, button(box, "Restore from a copy…"))
    closed(qtbot, window, ErrorDialog)
    window.files.offer_restore(demo_path, damaged)
    box = dialog(qtbot, window, ErrorDialog)
    click(qtbot, button(box, "Save what can be read…"))
    assert asked == [damaged, damaged]


@pytest.mark.slow
def test_another_programs_file_is_called_so_and_offers_nothing_that_changes_it(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "cookies.sqlite"
    ask(path, "CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, name TEXT)")
    page = open_file(qtbot, window, path)
    banner = notice(window, "This is not a database of the platform")
    offered = [found.text() for found in banner.findChildren(QPushButton) if found.isVisible()]
    assert offered == ["Open another…"] and "moz_cookies" in banner.headline()
    assert page.context.opened.read_only and not page.commands.action("create").isEnabled()
    assert ask(path, "SELECT name FROM sqlite_master") == [("moz_cookies",)]


@pytest.mark.parametrize(
    ("make", "doors"),
    [
        (_text, ["Show in folder", "Open another…"]),
        (_gone, ["Open another…"]),
        (_damaged, ["Restore from a copy…", "Save what can be read…", "Show in folder", "Open another…"]),
    ],
)
def test_what_can_be_done_about_a_file_is_a_button(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, make: Callable[[Path], str], doors: list[str]
) -> None:
    path = tmp_path / "notes.txt"
    make(path)
    window.files.open(path)
    box = dialog(qtbot, window, ErrorDialog)
    assert box.title.text() == "notes.txt cannot be opened"
    offered = [found.text() for found in box.findChildren(QPushButton)]
    assert offered == [*doors, "Close"]
    press("Escape")
    closed(qtbot, window, ErrorDialog)


def test_where_no_program_shows_folders_the_path_is_said_and_the_other_ways_stay(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opens = [False, False, True]
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opens.pop(0))
    path = tmp_path / "damaged.sqlite"
    _damaged(path)
    window.files.open(path)
    box = dialog(qtbot, window, ErrorDialog)
    click(qtbot, button(box, "Show in folder"))
    told = f"No program could be started that shows folders. The file is {path}"
    assert told in [found.text() for found in box.findChildren(Label) if found.isVisible()]
    QGuiApplication.clipboard().clear()
    click(qtbot, button(box, "Copy path"))
    assert QGuiApplication.clipboard().text() == str(path)
    assert button(box, "Save what can be read…").isEnabled()
    for _ in range(2):  # again without one, and with one
        click(qtbot, button(box, "Show in folder"))
        assert box.isVisible()
    assert not opens
    press("Escape")
    closed(qtbot, window, ErrorDialog)


def test_a_toast_says_where_the_file_is_that_no_program_shows(
    qtbot: QtBot, window: MainWindow, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: False)
    window.say("Exported", tmp_path / "users.csv")
    window.toast.action_button.click()
    assert window.toast.label.text().startswith("No program could be started that shows folders. It is /")
    assert window.toast.action_button.text() == "Copy path"
    window.toast.action_button.click()
    assert QGuiApplication.clipboard().text() == str(tmp_path / "users.csv")


def test_a_text_that_cannot_be_read_has_the_buttons_of_damage(
    qtbot: QtBot, window: MainWindow, tmp_path: Path
) -> None:
    path = tmp_path / "notes.sqlite"
    window.files.show_failure(UndecodableText(path), path)
    box = dialog(qtbot, window, ErrorDialog)
    offered = [found.text() for found in box.findChildren(QPushButton)]
    assert offered == ["Restore from a copy…", "Save what can be read…", "Close"]
    press("Escape")
    closed(qtbot, window, ErrorDialog)
