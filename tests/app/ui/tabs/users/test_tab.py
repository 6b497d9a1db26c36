"""Users as a person looks after them."""

from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QPushButton
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.services.records import users
from app.services.records.tables import Scope
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.tabs.users import UsersTab, new_user_form
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.connected import execute
from tests.fixtures.context import make_context
from tests.fixtures.window import ask, child, dialog, value_of, words, write

EMAIL = 0


@pytest.fixture
def tab(show_tab: ShowTab) -> UsersTab:
    return show_tab(UsersTab)


def choose(tab: UsersTab, qtbot: QtBot, row: int) -> str:
    tab.table.setFocus()
    with qtbot.waitSignal(tab.details_shown) as shown:
        tab.table.select_row(row)
    assert shown.args == [tab.model.record_id(row)]
    return str(shown.args[0])


@pytest.mark.slow
def test_the_table_says_exactly_how_many_there_are(tab: UsersTab, context: Context) -> None:
    total = ask(context.opened.path, "SELECT COUNT(*) FROM users")[0][0]
    assert tab.model.rowCount() == total
    assert tab.filters.count.text() == f"{total} users"


@pytest.mark.slow
def test_a_text_finds_any_part_and_no_match_offers_to_clear(
    tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    total = tab.model.rowCount()
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.keyClicks(tab.filters.text, "CORP.EX")
    found = ask(context.opened.path, "SELECT COUNT(*) FROM users WHERE email LIKE '%corp.ex%'")[0][0]
    assert tab.model.rowCount() == found > 0
    with qtbot.waitSignal(tab.list.loaded):
        tab.filters.text.setText("nobody is called this")
    assert tab.empty_state.isVisible() and tab.clear_button.isVisible()
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.mouseClick(tab.clear_button, Qt.MouseButton.LeftButton)
    assert tab.model.rowCount() == total and not tab.empty_state.isVisible()


@pytest.mark.slow
def test_a_tenant_narrows_the_list(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    tab.set_scope(Scope("acme-corp"))
    with qtbot.waitSignal(tab.list.loaded):
        tab.activate()
    assert (
        tab.model.rowCount()
        == ask(context.opened.path, "SELECT COUNT(*) FROM users WHERE tenant_id = 'acme-corp'")[0][0]
    )


@pytest.mark.slow
def test_a_user_is_created_from_the_keyboard(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    total = tab.model.rowCount()
    tab.activateWindow()
    new = next(one for one in tab.findChildren(QPushButton) if one.text() == "New user…")
    new.setFocus()
    qtbot.keyClick(new, Qt.Key.Key_Space)
    dialog = child(tab, FormDialog)
    fields = dialog.values()
    assert fields["tenant_id"] == ""
    write(dialog, "tenant_id", "acme-corp")
    write(dialog, "email", "new.person@example.com")
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.model.rowCount() == total + 1)
    assert ask(context.opened.path, "SELECT tenant_id FROM users WHERE email = 'new.person@example.com'") == [
        ("acme-corp",)
    ]
    assert tab.window().focusWidget() is tab.table, "what comes next is about it, not another one"


@pytest.mark.slow
def test_an_address_is_edited_and_taken_back(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    user = choose(tab, qtbot, 1)
    before = tab.inspector.title.text()
    tab.commands.trigger("edit")
    dialog = child(tab, FormDialog)
    write(dialog, "email", "moved@example.com")
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(dialog.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.inspector.title.text() == "moved@example.com")
    assert tab.list.current_id() == user
    context.history.undo()
    qtbot.waitUntil(lambda: tab.inspector.title.text() == before)


def test_what_was_edited_and_no_longer_fits_the_filter_is_followed_by_none(
    tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    with qtbot.waitSignal(tab.list.loaded):
        tab.filters.text.setText("corp.ex")
    assert tab.model.rowCount() > 2
    choose(tab, qtbot, 1)
    tab.commands.trigger("edit")
    form = child(tab, FormDialog)
    write(form, "email", "away@elsewhere.example")
    with qtbot.waitSignal(tab.list.loaded):
        qtbot.mouseClick(form.action_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.inspector.is_empty)
    assert not tab.table.selectionModel().hasSelection(), "a key would be for one that nobody chose"
    assert "What was changed does not fit the filter any more" in tab.inspector.empty.accessibleName()
    choose(tab, qtbot, 0)
    tab.table.clearSelection()
    qtbot.waitUntil(lambda: tab.inspector.is_empty)
    assert tab.inspector.empty.accessibleName() == "Nothing selected. Select a row to see all of it."


@pytest.mark.slow
def test_one_user_goes_with_a_key_and_comes_back(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    total, user = tab.model.rowCount(), choose(tab, qtbot, 2)
    with qtbot.waitSignal(context.runner.changed):
        qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 1)
    assert ask(context.opened.path, "SELECT COUNT(*) FROM users WHERE id = ?", user) == [(0,)]
    context.history.undo()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)


@pytest.mark.slow
def test_exactly_the_selected_users_go(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    total = tab.model.rowCount()
    choose(tab, qtbot, 1)
    qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    gone = {tab.model.record_id(1), tab.model.record_id(2)}
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.findChild(ConfirmDialog) is not None)
    question = child(tab, ConfirmDialog)
    assert question.confirm_button.text() == "Delete 2 users"
    tab.table.selectAll()  # too late: the question is about the two
    with qtbot.waitSignal(context.runner.changed) as done:
        qtbot.mouseClick(question.confirm_button, Qt.MouseButton.LeftButton)
    assert "2 users" in done.args[0].summary
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 2)
    left = {row[0] for row in ask(context.opened.path, "SELECT id FROM users")}
    assert len(left) == total - 2 and not left & gone
    context.history.undo()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)


@pytest.mark.slow
@pytest.mark.parametrize("deleted", [1, 2])
def test_a_question_says_how_many_of_the_selected_are_no_longer_there(
    tab: UsersTab, context: Context, qtbot: QtBot, deleted: int
) -> None:
    """With one left, too, which would go without a question if it alone were selected."""
    choose(tab, qtbot, 1)
    for _ in range(2):
        qtbot.keyClick(tab.table, Qt.Key.Key_Down, Qt.KeyboardModifier.ShiftModifier)
    for row in range(1, 1 + deleted):
        ask(context.opened.path, "DELETE FROM users WHERE id = ?", tab.model.record_id(row))
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    qtbot.waitUntil(lambda: tab.findChild(ConfirmDialog) is not None)
    said = f"{deleted} of the 3 selected {'is' if deleted == 1 else 'are'} no longer there. "
    assert said in words(child(tab, ConfirmDialog))


DEPENDENTS = (
    "CREATE TABLE operator_reviews (operator_id TEXT REFERENCES users(id) ON DELETE CASCADE)",
    "CREATE TABLE escalations (id TEXT, supervisor TEXT REFERENCES users(id) ON DELETE SET NULL)",
    "CREATE TABLE artifacts (owner TEXT REFERENCES users(id))",
)


@pytest.fixture
def depended(demo_path: Path) -> Path:
    for table in DEPENDENTS:
        ask(demo_path, table)
    return demo_path


@pytest.mark.slow
def test_rows_that_go_along_are_named_before(
    depended: Path, tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    total, user = tab.model.rowCount(), choose(tab, qtbot, 2)
    ask(depended, "INSERT INTO operator_reviews VALUES (?), (?)", user, user)
    ask(depended, "INSERT INTO escalations VALUES ('e', ?)", user)
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    question = dialog(qtbot, tab, ConfirmDialog)
    assert question.sentence.text() == (
        "It will be deleted, with 2 rows of operator_reviews, changing 1 row of escalations, and the audit "
        "chain records it. Undo brings all of it back."
    )
    assert tab.model.rowCount() == total
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(question.confirm_button, Qt.MouseButton.LeftButton)
    assert ask(depended, "SELECT count(*) FROM operator_reviews") == [(0,)]
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    assert ask(depended, "SELECT supervisor FROM escalations") == [(user,)]


@pytest.mark.slow
def test_what_others_hold_on_to_is_not_asked_about(
    depended: Path, tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    user = choose(tab, qtbot, 2)
    ask(depended, "INSERT INTO artifacts VALUES (?), (?)", user, user)
    with qtbot.waitSignal(context.runner.failed) as refused:
        qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    assert str(refused.args[0]).startswith(
        "This is still referred to by 2 rows of artifacts, which would lose"
    )
    assert tab.findChild(ConfirmDialog) is None


@pytest.mark.slow
def test_of_several_those_that_others_hold_on_to_stay_and_the_rest_may_go(
    depended: Path, tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    user = choose(tab, qtbot, 2)
    others = [user, tab.model.record_id(4)]
    (email, tenant), (other, of) = (
        ask(depended, "SELECT email, tenant_id FROM users WHERE id = ?", one)[0] for one in others
    )
    ask(depended, "INSERT INTO artifacts VALUES (?), (?)", *others)
    total = tab.model.rowCount()
    for row in range(6):
        flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
        tab.table.selectionModel().select(tab.model.index(row, 0), flags)
    qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
    question = dialog(qtbot, tab, ConfirmDialog)
    assert question.sentence.text().startswith(
        "2 of the 6 stay, because they are still referred to by 2 rows of artifacts: "
        f"{email} · {tenant}, {other} · {of}. 4 users"
    )
    assert question.confirm_button.text() == "Delete 4 users"
    with qtbot.waitSignal(context.runner.changed):
        qtbot.mouseClick(question.confirm_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: tab.model.rowCount() == total - 4)
    assert ask(depended, "SELECT count(*) FROM users WHERE id IN (?, ?)", *others) == [(2,)]
    assert [tab.model.record_id(row) for row in tab.table.selected_rows()] == others
    context.history.undo()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)
    assert [tab.model.record_id(row) for row in tab.table.selected_rows()] == others


@pytest.mark.slow
def test_two_keys_in_a_row_are_asked_about_one_behind_the_other(tab: UsersTab, qtbot: QtBot) -> None:
    choose(tab, qtbot, 0)
    tab.table.selectAll()
    qtbot.waitUntil(lambda: tab.list.selected_count() > 1)
    tab.commands.trigger("delete")
    tab.commands.trigger("invalidate")
    qtbot.waitUntil(lambda: len(tab.findChildren(ConfirmDialog)) == 2)
    for begins in ("Delete", "Invalidate"):
        qtbot.waitUntil(lambda: QApplication.activeModalWidget() is not None)
        (asked,) = (one for one in tab.findChildren(ConfirmDialog) if one.isVisible())
        assert asked.title.text().startswith(begins)
        asked.reject()
        qtbot.waitUntil(partial(_is_closed, asked))


def _is_closed(asked: ConfirmDialog) -> bool:
    return not isValid(asked)


@pytest.mark.slow
@pytest.mark.parametrize("asks", [False, True])
def test_a_record_that_is_another_than_was_shown_is_shown_again_and_not_deleted(
    demo_path: Path, tab: UsersTab, context: Context, qtbot: QtBot, asks: bool
) -> None:
    context.settings.confirm_deletion = asks
    user = choose(tab, qtbot, 2)
    shown = tab.model.index(2, EMAIL).data()

    def change() -> None:
        ask(demo_path, "UPDATE users SET email = 'else@acme.example' WHERE id = ?", user)

    if not asks:
        change()
    with qtbot.waitSignal(context.runner.failed) as refused:
        qtbot.keyClick(tab.table, Qt.Key.Key_Delete)
        if asks:
            question = dialog(qtbot, tab, ConfirmDialog)
            change()
            qtbot.mouseClick(question.confirm_button, Qt.MouseButton.LeftButton)
    assert str(refused.args[0]).startswith(f"What was shown of the user {shown} (E-mail) was changed")
    qtbot.waitUntil(lambda: tab.model.index(2, EMAIL).data() == "else@acme.example")
    assert tab.list.current_id() == user
    with qtbot.waitSignal(context.runner.changed) as deleted:
        tab.commands.trigger("delete")
        if asks:
            asked = dialog(qtbot, tab, ConfirmDialog)
            qtbot.mouseClick(asked.confirm_button, Qt.MouseButton.LeftButton)
    assert deleted.args[0].summary == "User else@acme.example deleted"


@pytest.mark.slow
def test_what_a_person_has_changed_just_now_is_not_said_to_be_another_s(
    tab: UsersTab, context: Context, qtbot: QtBot
) -> None:
    user = choose(tab, qtbot, 2)
    with qtbot.waitSignal(context.runner.changed):
        context.act(users.rename, user, "own@acme.example")
    with qtbot.waitSignal(context.runner.changed) as deleted:
        tab.commands.trigger("delete")
    assert deleted.args[0].summary == "User own@acme.example deleted"


def test_sorting_and_refreshing_keep_the_record(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    user = choose(tab, qtbot, 3)
    with qtbot.waitSignal(tab.list.loaded):
        tab.table.sortByColumn(EMAIL, Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: tab.list.current_id() == user)
    emails = [str(tab.model.index(row, EMAIL).data()).lower() for row in range(50)]
    assert emails == sorted(emails)
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    assert tab.list.current_id() == user


@pytest.mark.slow
def test_no_password_hash_is_shown_or_copied(tab: UsersTab, context: Context, qtbot: QtBot) -> None:
    ask(context.opened.path, "UPDATE users SET password_hash = 'pbkdf2-very-secret'")
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    choose(tab, qtbot, 0)
    tab.table.selectAll()
    assert "very-secret" not in tab.table.copy_selection()
    assert "very-secret" not in QGuiApplication.clipboard().text()
    assert value_of(tab.fields, "Password").startswith("set — in no known form")


@pytest.mark.slow
def test_a_form_asks_for_what_the_file_asks_for(
    demo_path: Path, tmp_path: Path, theme: Theme, qtbot: QtBot
) -> None:
    execute(
        demo_path,
        "DROP TABLE users",
        "CREATE TABLE users (id TEXT PRIMARY KEY NOT NULL, tenant_id TEXT NOT NULL, email TEXT NOT NULL,"
        " name TEXT NOT NULL, created_at INTEGER NOT NULL, role TEXT NOT NULL DEFAULT 'operator')",
    )
    context = make_context(demo_path, theme, Settings(tmp_path / "settings"), lambda: NOW)
    form = new_user_form(context, "acme-corp")
    qtbot.addWidget(form)
    assert "password" not in form.accessibleDescription()
    assert [*form.values()] == ["tenant_id", "email", "name"]
    write(form, "email", "ada@acme.example")
    write(form, "name", "Ada")
    with qtbot.waitSignal(form.accepted):
        form.submit()
    assert ask(demo_path, "SELECT name, role FROM users") == [("Ada", "operator")]
    context.stop()
