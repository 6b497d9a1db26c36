"""All tenants, as a person meets them: listed, sorted, filtered, and one of them opened."""

from pathlib import Path
from time import perf_counter

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.shell.tenants import NAMES, TenantsDialog
from app.ui.shell.window import MainWindow
from app.ui.widgets.dialogs import ConfirmDialog, ErrorDialog
from app.ui.widgets.following import FollowingScroll
from tests.fixtures.seen import cut
from tests.fixtures.window import ask, button, child, click, closed, count, dialog, open_file, press, words

MANY = """
INSERT INTO users (id, tenant_id, email, created_at, updated_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT 'many' || i, 'many-' || i, i || '@x.example', 1790000000 + i, 1790000000 + i FROM n
"""


def show(qtbot: QtBot, window: MainWindow, keys: str = "Ctrl+T") -> TenantsDialog:
    press(keys)
    found = dialog(qtbot, window, TenantsDialog)
    qtbot.waitUntil(lambda: "tenant" in found.state.text())
    return found


def column(found: TenantsDialog, name: str) -> list[str]:
    place = NAMES.index(name)
    return [str(found.model.index(row, place).data()) for row in range(found.model.rowCount())]


def test_one_is_found_and_all_is_scoped_to_it(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    (tenants,) = ask(demo_path, "SELECT count(DISTINCT tenant_id) FROM audit_chain")[0]
    assert found.model.rowCount() == tenants
    assert "cannot be renamed" in found.sentence.text()
    assert found.state.text().startswith(
        f"{tenants} tenants · {count(demo_path, 'users')} users · 600 entries"
    )
    assert found.table.hasFocus()
    name = next(one for one in column(found, "name") if one != "system")
    qtbot.keyClicks(found.text, name[1:5].upper())
    assert column(found, "name") == [name]
    found.table.setFocus()
    with qtbot.waitSignal(page.list.loaded):
        press("Return")
    closed(qtbot, window, TenantsDialog)
    assert window.tenants.key() == name
    assert page.filters.count.text() == f"{count(demo_path, 'users', name)} users"
    again = show(qtbot, window)
    current = again.current()
    assert current is not None and current.name == name
    press("Escape")
    closed(qtbot, window, TenantsDialog)
    assert window.tenants.key() == name


def test_on_a_low_screen_the_rows_give_way_and_not_the_title(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    found.setMinimumHeight(0)
    found.setMaximumHeight(512)
    qtbot.waitUntil(lambda: cut(found) == [] and not found.title.visibleRegion().isEmpty())
    assert found.height() > 480 and child(found, FollowingScroll).verticalScrollBar().maximum() == 0
    press("Escape")
    closed(qtbot, window, TenantsDialog)


def test_it_is_reached_from_the_switcher(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    window.tenants.showPopup()
    click(qtbot, button(window.tenants.popup, "How all tenants stand…"))
    found = dialog(qtbot, window, TenantsDialog)
    assert not window.tenants.popup.isVisible()
    press("Escape")
    closed(qtbot, window, TenantsDialog)
    assert found is not None and window.tenants.key() is None


@pytest.mark.slow
def test_chains_are_as_the_last_verification_found_them(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = (SELECT max(seq) FROM audit_chain)")
    ((broken,),) = ask(demo_path, "SELECT tenant_id FROM audit_chain ORDER BY seq DESC LIMIT 1")
    workspace = window.workspace
    assert workspace is not None
    workspace.show_verdict()
    page = workspace.current()
    with qtbot.waitSignal(workspace.context.verdict.changed):
        page.commands.trigger("verify")
    qtbot.waitUntil(lambda: workspace.context.verdict.outcome is not None)
    found = show(qtbot, window)
    said = dict(zip(column(found, "name"), column(found, "chain"), strict=True))
    assert said.pop(broken) == "tampered"
    assert {words.split()[0] for words in said.values()} == {"verified"}
    click(qtbot, found.chips.buttons()[1])
    assert column(found, "name") == [broken]
    found.table.sortByColumn(NAMES.index("chain"), Qt.SortOrder.AscendingOrder)
    click(qtbot, found.chips.buttons()[0])
    assert column(found, "name")[0] == broken
    press("Escape")


@pytest.mark.slow
def test_the_data_of_one_are_exported_into_a_folder(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    chosen, out = found.current(), demo_path.parent / "out"
    assert chosen is not None
    monkeypatch.setattr("app.ui.shell.tenants.ask_save", lambda *asked, **how: (out, ""))
    click(qtbot, found.export_button)
    closed(qtbot, window, TenantsDialog)
    said = f"{chosen.rows} rows of {chosen.name} exported to out"
    qtbot.waitUntil(lambda: said in words(window))
    assert (out / "manifest.json").is_file()
    assert page.context.opened.tenants


@pytest.mark.slow
def test_one_is_erased_where_its_name_is_typed(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    chosen = found.current()
    assert chosen is not None
    click(qtbot, found.erase_button)
    asked = dialog(qtbot, found, ConfirmDialog)
    listed = [asked.list.item(row).text() for row in range(asked.list.count())]
    assert f"users: {chosen.users} rows" in listed
    assert not asked.confirm_button.isEnabled()
    qtbot.keyClicks(asked.typed, chosen.name)
    with qtbot.waitSignal(window.opened):
        press("Return")
    qtbot.waitUntil(lambda: f"{chosen.name} is erased: {chosen.rows} rows" in words(window))
    assert count(demo_path, "users", chosen.name) == 0
    assert len(list(demo_path.parent.glob("*.before-erasing.*"))) == 1
    page = window.workspace
    assert page is not None
    qtbot.waitUntil(lambda: page.is_settled)
    assert not page.context.history.next_undo


@pytest.mark.slow
def test_why_one_cannot_be_erased_is_said(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE notifications SET tenant_id = 'system'")
    open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    qtbot.keyClicks(found.text, "system")
    click(qtbot, found.erase_button)
    said = dialog(qtbot, found, ErrorDialog)
    assert "holds what was done to the whole database" in said.sentence.text()
    press("Return")
    closed(qtbot, found, ErrorDialog)
    press("Escape")


@pytest.mark.slow
def test_what_is_read_only_erases_nothing(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path, read_only=True)
    found = show(qtbot, window)
    assert not found.erase_button.isEnabled() and "read-only" in found.erase_button.toolTip()
    press("Escape")


@pytest.mark.slow
def test_ten_thousand_are_shown_sorted_and_filtered_at_once(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, MANY)
    open_file(qtbot, window, demo_path)
    found = show(qtbot, window)
    assert found.model.rowCount() > 10_000
    begin = perf_counter()
    found.table.sortByColumn(NAMES.index("users"), Qt.SortOrder.DescendingOrder)
    qtbot.keyClicks(found.text, "many-77")
    assert found.model.rowCount() == 111
    assert perf_counter() - begin < 5  # a stall of each letter would be more
    press("Escape")
