"""A bug in whatever the runner does is shown once, and nothing waits for what never comes."""

import re
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.services.records.export import Format
from app.ui.shell import workspace
from app.ui.shell.dialogs import DatabaseInfoDialog
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.dialogs import VerifyRangeDialog
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from app.ui.widgets.form_dialog import FormDialog
from app.workers import runner
from tests.fixtures.window import TABLES, choose, dialog, go, is_settled, open_file, press, write


class Bugs:
    """While `in_work`, all that the runner does raises on its thread; `shown` is what the handler of bugs was
    given.
    """

    def __init__(self) -> None:
        self.in_work = False
        self.shown: list[BaseException] = []


@pytest.fixture
def bugs(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bugs]:
    bugs, call = Bugs(), runner._call

    def attempt(task: runner.Task) -> Any:
        if bugs.in_work:
            raise ZeroDivisionError
        return call(task)

    monkeypatch.setattr(runner, "_call", attempt)
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: bugs.shown.append(error))
    yield bugs
    bugs.in_work = False


Case = tuple[Callable[[], object], Callable[[], object]]
"""What a person does, and whether it has been done."""


def _waiting() -> list[str]:
    """The words that say in sight that something is under way."""
    labels = [label for top in QApplication.topLevelWidgets() for label in top.findChildren(QLabel)]
    shown = (label.text() for label in labels if label.isVisible())
    return [text for text in shown if re.search(r"ing\b.*…$", text)]


def _shows(window: MainWindow, kind: type[QWidget]) -> bool:
    return any(one.isVisible() for one in window.findChildren(kind))


def _list(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    return lambda: press("F5"), page.model.rowCount


def _record(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    def select() -> None:
        page.table.clearSelection()
        page.table.select_row(1)

    return select, page.current.whole


def _jump(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    wanted = page.model.record(2)
    assert wanted is not None and window.workspace is not None
    return partial(window.workspace.jump, page.spec.table.name, wanted[0]), (
        lambda: page.list.current_id() == wanted[0]
    )


def _search(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    def search() -> None:
        window.search.focus()
        window.search.setText("")
        window.search.setText("acme")

    return search, lambda: window.search.popup.rows


def _delete(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    rows = page.model.rowCount()
    return partial(page.commands.trigger, "delete"), (
        lambda: page.model.rowCount() < rows or _shows(window, ConfirmDialog)
    )


def _edit(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    page.commands.trigger("edit")
    form = dialog(qtbot, window, FormDialog)
    write(form, "email", "new@acme.example")
    return form.action_button.click, lambda: not _shows(window, FormDialog)


def _undo(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    history = page.context.history
    page.context.act(users.rename, page.list.current_id(), "new@acme.example")
    qtbot.waitUntil(lambda: history.next_undo != "")
    return partial(window.commands.trigger, "undo"), lambda: history.next_redo


def _copy(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    QGuiApplication.clipboard().setText("")
    return lambda: press("Ctrl+C"), QGuiApplication.clipboard().text


def _export(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    out = page.context.opened.path.with_name("out.csv")
    return partial(export_to, page, out, page.query(), Format.CSV), out.exists


def _info(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    return partial(window.commands.trigger, "info"), partial(_shows, window, DatabaseInfoDialog)


def _save_copy(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    path = page.context.opened.path
    out = path.with_name("copy.sqlite")
    return partial(window.files.save_copy, path, out), out.exists


def _rewrite(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    opened = page.context.opened

    def migrate() -> None:
        window.files.ask_migrate(opened, lambda: True)
        dialog(qtbot, window, ConfirmDialog).accept()

    return migrate, lambda: window.workspace is not None


def _open(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    before = window.workspace
    return partial(window.files.open, page.context.opened.path), lambda: window.workspace is not before


def _retention(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    return partial(window.commands.trigger, "retention"), partial(_shows, window, RetentionDialog)


def _verify(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    assert isinstance(page, AuditTab)
    return page.verify_button.click, lambda: page.panel.outcome


def _range(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    assert isinstance(page, AuditTab)
    return page.ask_range, partial(_shows, window, VerifyRangeDialog)


def _checkpoint(qtbot: QtBot, window: MainWindow, page: RecordTab) -> Case:
    assert isinstance(page, AuditTab)
    box = page.panel.open_checkpoints()
    qtbot.waitUntil(box.make_button.isEnabled)
    return box.make_button.click, lambda: box.table.isVisible() and box.make_button.isEnabled()


AUDIT, USERS, RUNS = (TABLES.index(name) for name in ("audit_chain", "users", "planning_runs"))


@pytest.mark.slow
@pytest.mark.matrix(each=4)
@pytest.mark.parametrize(
    ("place", "of"),
    [
        *((place, _list) for place in range(len(TABLES))),
        *((USERS, of) for of in (_record, _jump, _search, _delete, _edit, _undo, _copy, _export)),
        *((USERS, of) for of in (_info, _save_copy, _rewrite, _open, _retention)),
        *((AUDIT, of) for of in (_verify, _range, _checkpoint)),
    ],
)
def test_what_a_bug_ended_can_be_done_again(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    demo_path: Path,
    bugs: Bugs,
    place: int,
    of: Callable[[QtBot, MainWindow, RecordTab], Case],
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, place)
    choose(qtbot, page, 0)
    act, done = of(qtbot, window, page)
    page.context.outside.stop()  # and nothing else runs: the bug is in what is done now
    qtbot.waitUntil(lambda: is_settled(window) and not _waiting())
    bugs.in_work = True
    act()
    qtbot.waitUntil(lambda: bool(bugs.shown) and is_settled(window) and not _waiting())
    assert window.busy.isHidden()
    assert not _shows(window, ErrorDialog), "the bug has its own"
    bugs.in_work = False
    act()
    qtbot.waitUntil(lambda: bool(done()))
    assert {type(error) for error in bugs.shown} == {ZeroDivisionError}


@pytest.mark.slow
def test_a_bug_in_loading_the_rest_keeps_nothing_from_beginning(
    qtbot: QtBot, window: MainWindow, demo_path: Path, bugs: Bugs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workspace, "_REST", ("app.nowhere",))
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: window.retention_status.text().startswith("Retention: "))
    assert [type(error) for error in bugs.shown] == [ModuleNotFoundError]


@pytest.mark.slow
def test_a_record_that_a_bug_keeps_from_being_found_again_is_left(
    qtbot: QtBot, window: MainWindow, demo_path: Path, bugs: Bugs
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, USERS)
    choose(qtbot, page, 0)
    page.list.loaded.connect(lambda _: setattr(bugs, "in_work", True))
    with qtbot.waitSignal(page.list.lost):
        page.table.sortByColumn(0, Qt.SortOrder.DescendingOrder)
    assert page.current.record_id is None and page.inspector.empty.isVisible()
