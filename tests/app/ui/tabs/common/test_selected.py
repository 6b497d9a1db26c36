"""Several records selected: said as many, and acted on as far as an act applies."""

from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.common import selected_rows
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.window import (
    TABLES,
    ask,
    button,
    choose,
    closed,
    count,
    dialog,
    give_reason,
    go,
    is_settled,
    open_file,
    press,
    values,
    write,
)


def test_many_are_never_shown_as_one(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    one = page.inspector.title.text()
    page.table.setFocus()
    press("Ctrl+A")
    total = count(demo_path, "users")
    assert page.inspector.title.text() == f"{total:,} users selected"
    assert not page.fields.isVisible() and page.commands.action("delete").isEnabled()
    shown = page.filters.count
    assert shown.text().startswith(f"{total:,} users")
    page.fold_inspector(True)
    assert shown.text() == f"{total:,} selected", "nothing else in sight says it"
    assert shown.accessibleDescription() == f"{total:,} of {total:,} users selected"
    page.table.select_row(0)
    assert shown.text().startswith(f"{total:,} users")
    press("Ctrl+A")
    page.fold_inspector(False)
    assert shown.text().startswith(f"{total:,} users")
    page.table.select_row(0)
    qtbot.waitUntil(lambda: page.inspector.title.text() == one)
    assert page.fields.isVisible()


@pytest.mark.slow
def test_what_is_shown_is_what_is_acted_on(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    last = 3
    choose(qtbot, page, 2)
    one = page.inspector.title.text()
    page.table.setFocus()
    press("Ctrl+Down")  # the focus alone
    assert page.table.currentIndex().row() == last
    assert page.table.selected_rows() == [2] and page.list.current_row() == page.model.record(2)
    assert page.inspector.title.text() == one
    control = Qt.KeyboardModifier.ControlModifier
    for _ in range(2):  # takes it into the selection, and out of it
        where = page.table.visualRect(page.model.index(last, 0)).center()
        qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, control, where)
    qtbot.waitUntil(lambda: page.inspector.title.text() == one and page.current.whole() is not None)
    press("Return")
    assert page.table.selected_rows() == [last]
    qtbot.waitUntil(lambda: page.inspector.title.text() == values(page, "email")[last])


@pytest.mark.slow
def test_an_act_takes_those_it_applies_to(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE planning_runs SET status = 'completed'")
    two = "SELECT rowid FROM planning_runs LIMIT 2"
    ask(demo_path, f"UPDATE planning_runs SET status = 'running' WHERE rowid IN ({two})")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    total = page.model.rowCount()
    assert page.commands.action("kill").text().replace("&", "") == f"Kill 2 of {total}…"
    assert page.commands.action("kill").isEnabled() and not page.commands.action("resume").isEnabled()
    press("K")
    press("X")
    assert not page.context.history.next_undo, "a letter that destroys nothing"
    page.commands.trigger("kill")
    question = dialog(qtbot, window, ConfirmDialog)
    assert question.title.text() == "Kill 2 runs?"
    assert f"The other {total - 2} of the {total} selected stay as they are (" in question.sentence.text()
    give_reason(qtbot, window, "no market")
    qtbot.waitUntil(lambda: values(page, "status").count("killed") == 2)
    assert ask(demo_path, "SELECT count(*) FROM planning_runs WHERE status = 'completed'") == [(total - 2,)]
    left = f"2 runs killed; {total - 2} left as they are: completed"
    qtbot.waitUntil(lambda: left in window.toast.label.text())


@pytest.mark.slow
def test_an_act_that_asks_nothing_says_which_it_left(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE planning_runs SET status = 'completed'")
    for status, number in (("killed", 5), ("paused", 3), ("deleted", 2)):
        first = f"SELECT rowid FROM planning_runs ORDER BY rowid LIMIT {number}"
        ask(demo_path, f"UPDATE planning_runs SET status = '{status}' WHERE rowid IN ({first})")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("planning_runs"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    total = page.model.rowCount()
    assert page.commands.action("resume").text().replace("&", "") == f"Resume 1 of {total}"
    page.commands.trigger("resume")
    left = f"; {total - 1} left as they are: {total - 5} completed, 2 killed, 2 deleted"
    qtbot.waitUntil(lambda: left in window.toast.label.text())
    assert " resumed; " in window.toast.label.text() and not page.findChildren(ConfirmDialog)
    page.commands.trigger("restore")
    left = f"; {total - 2} left as they are: {total - 5} completed, 2 killed, 1 running"
    qtbot.waitUntil(lambda: left in window.toast.label.text())
    page.context.history.undo()
    qtbot.waitUntil(lambda: "deleted" in values(page, "status"))
    choose(qtbot, page, values(page, "status").index("deleted"))
    qtbot.waitUntil(lambda: page.commands.action("restore").isEnabled())
    with qtbot.waitSignal(page.context.runner.changed) as done:
        page.commands.trigger("restore")
    assert "left as" not in done.args[0].told, "one alone leaves none"


@pytest.mark.slow
def test_an_act_that_finds_nothing_left_to_do_says_so_in_passing(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE notifications SET read = 0")
    ask(demo_path, "UPDATE planning_runs SET status = 'paused'")
    open_file(qtbot, window, demo_path)
    for table, keys, said in (("notifications", "RKR", "read"), ("planning_runs", "RR", "running")):
        page = go(qtbot, window, TABLES.index(table))
        choose(qtbot, page, 0)
        page.table.setFocus()
        for key in keys:
            press(key)
        qtbot.waitUntil(lambda said=said: f" {said}. · " in window.toast.label.text())  # type: ignore[misc]
        assert window.toast.label.text().startswith("Already") and not window.findChildren(ErrorDialog)


@pytest.mark.slow
@pytest.mark.parametrize("others", [0, 1])
def test_all_of_a_tenant_go_when_its_name_is_typed(
    qtbot: QtBot, window: MainWindow, demo_path: Path, others: int
) -> None:
    ask(demo_path, "DELETE FROM users WHERE tenant_id <> 'acme-corp'")
    if others:
        ask(demo_path, "UPDATE users SET tenant_id = 'b' WHERE rowid = (SELECT min(rowid) FROM users)")
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    press("Del")
    asked = dialog(qtbot, window, ConfirmDialog)
    left = "Then 2 tenants have no user left." if others else "Then acme-corp has no user left."
    assert asked.sentence.text().endswith(f" {left}")
    assert not asked.confirm_button.isEnabled()
    asked.typed.setText("acme")
    assert not asked.confirm_button.isEnabled()
    asked.typed.setText("2 tenants" if others else "acme-corp")
    qtbot.mouseClick(asked.confirm_button, Qt.MouseButton.LeftButton)
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: page.model.rowCount() == 0 and page.list._chosen is None)
    assert count(demo_path, "users") == 0
    assert "deleted" in window.toast.label.text(), "that what was selected has gone is no news"


@pytest.mark.slow
def test_what_was_created_is_selected(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 3)
    page.set_filter_text("example")
    qtbot.waitUntil(lambda: page.query().text == "example")
    press("Ctrl+Shift+N")
    form = dialog(qtbot, window, FormDialog)
    write(form, "tenant_id", "acme-corp")
    write(form, "email", "new@elsewhere.org")
    qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    closed(qtbot, window, FormDialog)
    qtbot.waitUntil(lambda: page.inspector.title.text() == "new@elsewhere.org")
    assert page.list.selected_count() == 1 and page.query().text == ""


@pytest.mark.slow
def test_a_choice_that_no_row_has_is_said_in_words(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("notifications"))
    picker = page.filters.pickers["read"]
    qtbot.waitUntil(lambda: picker.popup.model.rowCount() > 1)
    picker.pick("int:1")
    page.filters.text.setText("nothing has this")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0 and page.filters.count.text().startswith("0"))
    qtbot.waitUntil(lambda: any(choice.count == 0 for choice in picker.popup.model.rows if choice.key))
    assert picker.currentText() == "Read"


@pytest.mark.slow
def test_a_refresh_keeps_a_selection_of_several(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    choose(qtbot, page, 1)
    page.table.setFocus()
    press("Shift+Down")
    chosen = page.list.selected_keys()[1]
    for sql in (None, "UPDATE users SET email = 'x' || email", "DELETE FROM users WHERE id = 'none'"):
        if sql:
            ask(demo_path, sql)
        with qtbot.waitSignal(page.list.loaded):
            press("F5")
        assert list(page.list.selected_keys()[1]) == list(chosen)


@pytest.mark.slow
def test_all_rows_are_copied_before_their_keys_have_come(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(
        demo_path,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
        " INSERT INTO users (id, tenant_id, email, created_at, updated_at)"
        " SELECT 'many-' || i, 'acme-corp', i || '@example.org', i, i FROM n",
    )
    page, total = open_file(qtbot, window, demo_path), count(demo_path, "users")
    choose(qtbot, page, 0)
    complete: list[bool] = []

    def copy(_: int) -> None:  # at once: the keys come with one of the next turns
        complete.append(page.model.complete)
        page.table.selectAll()
        page.copy_rows()

    page.list.loaded.connect(copy, Qt.ConnectionType.SingleShotConnection)
    page.table.sortByColumn(page.model.column_of("email"), Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: window.toast.label.text() == f"{total:,} rows copied")
    assert len(QGuiApplication.clipboard().text().splitlines()) == total + 1
    assert complete == [False]


@pytest.mark.slow
def test_of_webhooks_those_are_switched_that_are_not_so_yet(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    last = "SELECT max(rowid) FROM webhook_destinations"
    ask(demo_path, f"UPDATE webhook_destinations SET active = rowid IN ({last})")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("webhook_destinations"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    total = page.model.rowCount()
    wanted = [f"Activate {total - 1} of {total}", f"Deactivate 1 of {total}"]
    assert [
        page.commands.action(name).text().replace("&", "") for name in ("activate", "deactivate")
    ] == wanted
    shown = [button(page, f"{words} ({words[0]})") for words in wanted]
    assert all(one.isVisible() for one in shown)
    assert [one.accessibleName() for one in shown] == wanted, "what is heard is what is seen"


@pytest.mark.slow
def test_many_are_said_as_long_as_another_order_leaves_more_than_one(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("audit_chain"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Shift+Down")
    press("Shift+Down")
    assert page.inspector.title.text() == "3 entries selected"
    with qtbot.waitSignal(page.list.loaded):
        page.table.sortByColumn(page.model.column_of("seq"), Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: page.list.selected_count() == 3)
    assert page.inspector.title.text() == "3 entries selected"
    monkeypatch.setattr(selected_rows, "MOST_RANGES", 0)
    page.table.sortByColumn(page.model.column_of("event_type"), Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: page.list.selected_count() == 1 and page.fields.isVisible())
    assert page.inspector.title.text() == values(page, "event_type")[page.table.selected_rows()[0]]


class _Painted(QObject):
    """What a page's inspector says as record and as its title, each time that anything of it is painted."""

    def __init__(self, page: RecordTab) -> None:
        super().__init__(page)
        self.page, self.said = page, list[tuple[str, str]]()
        for part in page.inspector.findChildren(QWidget):
            part.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802 - Qt's own name
        if event.type() == QEvent.Type.Paint:
            page = self.page
            shown = [field.value for field in page.fields._fields if field.label == "Id"]
            empty = [
                one for one in page.fields.findChildren(QLabel) if one.isVisible() and one.size().isEmpty()
            ]
            self.said.append((page.inspector.title.text(), "" if empty else "".join(shown)))
        return False


@pytest.mark.slow
def test_no_part_of_a_record_is_painted_before_the_others(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 4)
    before = "", choose(qtbot, page, 0)
    for row in (1, 2):
        before = page.inspector.title.text(), before[1]
        painted = _Painted(page)
        run = choose(qtbot, page, row)
        qtbot.waitUntil(lambda: is_settled(window))
        now = page.inspector.title.text(), run
        assert set(painted.said) <= {before, now} and painted.said[-1] == now
        before = now
