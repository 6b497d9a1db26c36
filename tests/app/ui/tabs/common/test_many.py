"""What the inspector says of several records: what they share, and where they differ."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.common.acts import freeze
from app.ui.tabs.common.many import ManyPart
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.panes import FieldList
from tests.fixtures.window import TABLES, ask, choose, count, go, open_file, press


def told(part: FieldList) -> dict[str, str]:
    return {field.label: field.value for field in part._fields}


def buttons(page: RecordTab, *names: str) -> list[str]:
    return [page.commands.action(name).text().replace("&", "") for name in names]


@pytest.mark.slow
def test_the_inspector_tells_of_many_what_they_share_and_where_they_differ(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE notifications SET type = 'maintenance', read = 1, created_at = 1750000000")
    same = "tenant_id, type, title, message, read, created_at"
    for number in range(2):
        copy = f"SELECT id || '{number}', {same} FROM notifications"
        ask(demo_path, f"INSERT INTO notifications (id, {same}) {copy}")
    unread = "SELECT rowid FROM notifications ORDER BY rowid LIMIT 3"
    ask(demo_path, f"UPDATE notifications SET read = 0 WHERE rowid IN ({unread})")
    window.settings.unread_alone = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index("notifications"))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    total = page.model.rowCount()
    assert total == count(demo_path, "notifications") > 300  # so that most are counted in the background
    part = page.many
    assert isinstance(part, ManyPart)
    qtbot.waitUntil(lambda: told(part.shared).get("Type") == "maintenance")
    assert told(part.different)["State"] == f"{total - 3:,} × read\n3 × unread"
    assert "Title" not in {**told(part.shared), **told(part.different)}  # too many to be read for that
    assert part.isVisible() and not page.fields.isVisible()
    assert buttons(page, "mark_read", "delete") == [f"Mark 3 of {total:,} read", f"Delete {total:,}…"]

    page.table.select_row(0)
    press("Shift+Down")
    qtbot.waitUntil(lambda: "Title" in {**told(part.shared), **told(part.different)})
    assert told(part.shared)["Created"].startswith("2025-06-15")
    assert buttons(page, "delete") == ["Delete 2…"]
    one = "rowid = (SELECT max(rowid) FROM notifications)"
    texts = f"iif({one}, '2026-01-02 10:00:00', '2026-01-01 10:00:00')"
    ask(demo_path, f"UPDATE notifications SET created_at = {texts}")
    press("F5")
    qtbot.waitUntil(lambda: "2026-01-02 10:00:00" in (page.model.record(0) or ()))
    page.table.select_row(0)
    press("Shift+Down")
    qtbot.waitUntil(lambda: " to 2026-01-02 10:00:00" in told(part.different).get("Created", ""))
    press("Ctrl+A")
    press("R")
    qtbot.waitUntil(lambda: told(part.shared).get("State") == "read")
    qtbot.waitUntil(lambda: "left as they are: already read" in window.toast.label.text())
    qtbot.waitUntil(lambda: told(part.shared).get("State") == "read" and "Title" not in told(part.different))
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: told(part.different).get("State") == f"{total - 3:,} × read\n3 × unread")
    page.table.select_row(0)
    qtbot.waitUntil(lambda: page.fields.isVisible() and not part.isVisible())
    assert buttons(page, "delete") == ["Delete"]


def test_what_follows_a_name_is_told_whatever_the_name_is() -> None:
    asked = freeze([(1, "Short\nand more", "running"), (2, "x" * 4_000, "paused"), (3, "Alone", None)])
    assert asked.names == ("Short · running", "x" * 120 + "… · paused", "Alone")


@pytest.mark.slow
def test_of_several_webhooks_the_events_are_told_as_of_one(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    table = "webhook_destinations"
    ask(demo_path, f"UPDATE {table} SET events = iif(rowid % 2, '*', 'run_started,run_killed')")
    page = open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index(table))
    choose(qtbot, page, 0)
    page.table.setFocus()
    press("Ctrl+A")
    qtbot.waitUntil(lambda: isinstance(page.many, ManyPart) and "Events" in told(page.many.different))
    assert isinstance(page.many, ManyPart)
    lines = {line.partition(" × ")[2] for line in told(page.many.different)["Events"].split("\n")}
    assert lines == {"all events", "run_started, run_killed"}
