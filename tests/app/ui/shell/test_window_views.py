"""Ready views of users in the window."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services.records.tables import Scope
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.users import UsersTab
from app.ui.widgets.dialogs import ConfirmDialog
from tests.conftest import NOW
from tests.fixtures.window import ask, choose, click, count, dialog, open_file, press, values


def show(qtbot: QtBot, page: UsersTab, key: str | None) -> None:
    with qtbot.waitSignal(page.list.loaded):
        page.views.pick(key)


def counts(page: UsersTab) -> dict[str | None, int | None]:
    """How many users each view is said to have."""
    return {choice.key: choice.count for choice in page.view_picker.popup.model.rows}


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, demo_path: Path) -> UsersTab:
    for number, (tenant, email) in enumerate(
        (("acme-corp", "same@x.example"), ("acme-corp", "SAME@x.example"), ("else", "Same@X.example"))
    ):
        ask(
            demo_path,
            "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (?, ?, ?, 1, 1)",
            f"same-{number}",
            tenant,
            email,
        )
    page = open_file(qtbot, window, demo_path)
    assert isinstance(page, UsersTab)
    return page


@pytest.mark.slow
def test_those_with_the_same_address_go_out_of_the_view_when_they_are_no_more(
    qtbot: QtBot, page: UsersTab, demo_path: Path
) -> None:
    show(qtbot, page, "twice")
    assert sorted(values(page, "email")) == ["SAME@x.example", "same@x.example"]
    assert page.list.shown is not None and page.list.shown.sort == "email", "the same beside each other"
    show(qtbot, page, "across")
    assert page.model.rowCount() == 3
    page.view_picker.showPopup()
    qtbot.waitUntil(lambda: {"twice": 2, "across": 3}.items() <= counts(page).items())
    page.view_picker.hidePopup()
    show(qtbot, page, "twice")
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Del")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    assert count(demo_path, "users", "acme-corp") > 0
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)
    page.clear_filters()
    qtbot.waitUntil(lambda: page.model.rowCount() == count(demo_path, "users"))
    assert page.views.key() is None


@pytest.mark.slow
def test_the_other_views_and_a_tenant(qtbot: QtBot, page: UsersTab, demo_path: Path) -> None:
    show(qtbot, page, "no-password")
    without = ask(demo_path, "SELECT count(*) FROM users WHERE coalesce(password_hash, '') = ''")[0][0]
    assert page.model.rowCount() == without > 3
    show(qtbot, page, "quiet-365")
    assert 3 <= page.model.rowCount() < count(demo_path, "users")
    stamps = "SELECT count(*) FROM users WHERE max(created_at, updated_at) < ?"
    assert page.model.rowCount() <= ask(demo_path, stamps, NOW - 365 * 86_400)[0][0]
    show(qtbot, page, "across")
    page.set_scope(Scope("else"))
    with qtbot.waitSignal(page.list.loaded):
        page.activate()
    qtbot.waitUntil(lambda: values(page, "email") == ["Same@X.example"])


@pytest.mark.slow
def test_where_a_view_is_not_read_the_one_before_is_said_as_its_rows_stay(
    qtbot: QtBot, window: MainWindow, page: UsersTab, monkeypatch: pytest.MonkeyPatch
) -> None:
    show(qtbot, page, "quiet-365")
    rows = values(page, "email")
    with monkeypatch.context() as dear:
        dear.setattr(Context, "is_much", lambda self, rows: True)
        page.views.pick("twice")
        click(qtbot, dialog(qtbot, window, ConfirmDialog).cancel_button)
        qtbot.waitUntil(lambda: page.views.key() == "quiet-365")
    assert page.view_picker.itemText(0) == "365 days quiet" and values(page, "email") == rows
    show(qtbot, page, "twice")
    page._alike_are_old = True
    with monkeypatch.context() as dear:
        dear.setattr(Context, "is_much", lambda self, rows: True)
        page.reload()
        click(qtbot, dialog(qtbot, window, ConfirmDialog).cancel_button)
    assert page.views.key() == "twice" and page.model.rowCount() == 2
