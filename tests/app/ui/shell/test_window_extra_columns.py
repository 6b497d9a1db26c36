"""Columns that only the file has, in a tab's list: chosen, sorted, filtered by, and kept as they were."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.services.records.export import Format
from app.services.records.tables import USERS
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from tests.d1.edge import Edge
from tests.fixtures.connected import execute
from tests.fixtures.keyrings import Desktop
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, production
from tests.fixtures.window import TABLES, ask, choose, count, go, open_file, values

COLUMNS = (
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator'",
    "ALTER TABLE users ADD COLUMN plan",
    "UPDATE users SET role = 'admin', plan = CASE rowid % 4 WHEN 0 THEN 7 WHEN 1 THEN '7' WHEN 2 THEN x'37'"
    " END WHERE rowid % 3 = 0",
)


def show(qtbot: QtBot, page: RecordTab, name: str) -> int:
    """Ticks the column in the header's menu, and waits for its values."""
    place, header = page.model.column_of(name), page.table.columns._header
    assert page.table.isColumnHidden(place)
    (action,) = [one for one in header.columns_menu().actions() if one.text() == name]
    action.trigger()
    qtbot.waitUntil(lambda: "" not in values(page, "role")[:20] and page.list._shown.extra != ())  # type: ignore[union-attr]
    return place


def tip(page: RecordTab, row: int, place: int) -> str:
    return str(page.model.index(row, place).data(Qt.ItemDataRole.ToolTipRole))


def drive(qtbot: QtBot, page: RecordTab, path: Path) -> None:
    """Shows, sorts and filters."""
    role = show(qtbot, page, "role")
    admins = ask(path, "SELECT count(*) FROM users WHERE role = 'admin'")[0][0]
    page.table.sortByColumn(role, Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: values(page, "role")[:1] == ["admin"])
    assert tip(page, 0, role) == "admin\nStored as text"
    choose(qtbot, page, 0)
    page.table.setCurrentIndex(page.model.index(0, role))
    page.filter_by_current()
    qtbot.waitUntil(lambda: page.model.rowCount() == admins)
    assert page.exact.chips()[0].text() == "role: admin"
    assert page.exact.geometry().top() > page.filters.text.geometry().bottom(), "nothing beside moves for it"
    assert set(values(page, "role")) == {"admin"}


@pytest.mark.slow
def test_chosen_sorted_filtered_exported_and_kept(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    plain = open_file(qtbot, window, demo_path)
    plain.table.setColumnHidden(plain.model.column_of("updated_at"), True)
    window.close_file()
    execute(demo_path, *COLUMNS)
    page = open_file(qtbot, window, demo_path)
    # As it was arranged where the columns are ours alone.
    assert page.table.isColumnHidden(page.model.column_of("updated_at"))
    assert all(row[len(USERS.names) :] == (None, None) for row in page.model.at_hand())
    drive(qtbot, page, demo_path)
    plan = page.model.column_of("plan")
    page.table.setColumnHidden(plan, False)
    kinds = {"7\nStored as an integer", "7\nStored as text", "x'37'\nStored as a BLOB", "NULL"}
    qtbot.waitUntil(lambda: {tip(page, row, plan) for row in range(page.model.rowCount())} == kinds)

    out = tmp_path / "out.jsonl"
    export_to(page, out, page.query(), Format.JSON)
    qtbot.waitUntil(
        lambda: out.exists() and out.read_text().count('"role": "admin"') == page.model.rowCount()
    )
    window.close_file()
    page = open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: set(values(page, "role")) == {"admin"})
    assert not page.table.isColumnHidden(page.model.column_of("plan"))
    assert page.sorted_by == ("role", False) and page.exact.chips()[0].text() == "role: admin"
    page.commands.trigger("clear_filters")
    qtbot.waitUntil(lambda: page.model.rowCount() == count(demo_path, "users"))


@pytest.mark.slow
@pytest.mark.wrangler
def test_the_same_on_a_live_database(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    edge: Edge,
    live: Live,
    demo_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    execute(demo_path, *COLUMNS)
    file = live.put(demo_path, listed=True)
    Desktop(tmp_path / "keyring", monkeypatch)
    window.connecting.tokens = Tokens(None)
    place = production(edge, live, file, window)
    open_live(qtbot, window, place)
    drive(qtbot, go(qtbot, window, 0), demo_path)
    window.close_file()
    open_live(qtbot, window, place)
    page = go(qtbot, window, 0)
    qtbot.waitUntil(lambda: set(values(page, "role")) == {"admin"})


@pytest.mark.slow
def test_every_tab_offers_them(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    for table in TABLES:
        execute(
            demo_path,
            f"ALTER TABLE {table} ADD COLUMN note",
            f"ALTER TABLE {table} ADD COLUMN api_key TEXT",
            f"UPDATE {table} SET note = 'note of ' || rowid, api_key = 'hidden' || rowid",
        )
    open_file(qtbot, window, demo_path)
    for place in range(len(TABLES)):
        page = go(qtbot, window, place)
        note, key = map(page.model.column_of, ("note", "api_key"))
        for column in (note, key):
            page.table.setColumnHidden(column, False)
        qtbot.waitUntil(lambda page=page: values(page, "note")[0].startswith("note of "))  # type: ignore[misc]
        assert set(values(page, "api_key")[:20]) == {"set"}
        page.table.sortByColumn(note, Qt.SortOrder.DescendingOrder)
        qtbot.waitUntil(
            lambda page=page: (  # type: ignore[misc]
                page.list._shown is not None and page.list._shown.sort == "note" and page.model.complete
            )
        )
        shown = [one for one in values(page, "note")[:30] if one != "…"]
        assert shown == sorted(shown, reverse=True)
        page.filter_by("note", shown[0])
        qtbot.waitUntil(lambda page=page: page.model.rowCount() == 1)  # type: ignore[misc]
        choose(qtbot, page, 0)
        assert not any("hidden" in str(cell) for row in page.model.at_hand() for cell in row)
        page.clear_filters()
