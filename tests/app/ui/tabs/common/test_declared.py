"""A tab on a file whose table is another hand's: what is missing is said, what is unknown is shown."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.records.tables import AUDIT_CHAIN, DECLARED, NOTIFICATIONS, USERS, WEBHOOK_DESTINATIONS
from app.ui.session.context import Context
from app.ui.tabs.common.declared import MISSING, choice_label, columns, filter_hint
from app.ui.tabs.users import UsersTab
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import ask, value_of

PLATFORM = (
    "ALTER TABLE users DROP COLUMN password_hash",
    "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator'",
    "ALTER TABLE users ADD COLUMN badge",
)


@pytest.fixture
def demo_path(demo_path: Path) -> Path:
    """Users as the platform's gateway keeps them."""
    for statement in PLATFORM:
        ask(demo_path, statement)
    return demo_path


def test_a_missing_column_is_said_and_the_rest_goes_on(show_tab: ShowTab) -> None:
    tab: UsersTab = show_tab(UsersTab)
    place = tab.model.column_of("has_password")
    header = tab.model.headerData(place, Qt.Orientation.Horizontal)
    assert header == "Password (missing)"
    assert tab.model.index(0, place).data() == ""
    assert tab.table.isColumnHidden(place), "its place is that of what only this file has"
    assert not tab.table.isColumnHidden(tab.model.column_of(next(iter(tab.list.extra))))
    assert "@" in str(tab.model.index(0, tab.model.column_of("email")).data())
    assert "has_password" not in tab.filters.pickers, "there is nothing to pick"


def test_the_inspector_shows_what_is_unknown_and_says_what_is_missing(
    show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab: UsersTab = show_tab(UsersTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    fields = tab.fields
    assert value_of(fields, "Password") == MISSING
    assert value_of(fields, "role") == "operator" and value_of(fields, "badge") == "—"
    assert value_of(fields, "E-mail") == tab.inspector.title.text()


@pytest.mark.parametrize(
    ("table", "hint"),
    [
        (NOTIFICATIONS, "Filter by title or message…"),
        (WEBHOOK_DESTINATIONS, "Filter by name, URL or host…"),
        (AUDIT_CHAIN, "Filter by event type or payload…"),
    ],
)
def test_the_hint_names_what_is_searched(table: object, hint: str) -> None:
    assert filter_hint(table) == hint  # type: ignore[arg-type]


def test_every_table_with_searched_columns_has_a_hint() -> None:
    assert all(filter_hint(table).startswith("Filter by ") for table in DECLARED.values() if table.searched)


@pytest.mark.parametrize(
    ("stored", "cell", "whole"),
    [
        (NOW - 3600, "1 h ago", "2026-11-18 10:06:40 UTC · 1 h ago"),
        ((NOW - 7200) * 1000 + 5, "2 h ago", "2026-11-18 09:06:40 UTC · 2 h ago · stored as 1794992800005"),
        (NOW - 7200 + 0.5, "2 h ago", "2026-11-18 09:06:40 UTC · 2 h ago · stored as 1794992800.5"),
        (
            "2026-01-02T03:04:05Z",
            "10 mo ago",
            "2026-01-02 03:04:05 UTC · 10 mo ago · stored as 2026-01-02T03:04:05Z",
        ),
        (-5, "-5", "-5"),
        (2**60, str(2**60), str(2**60)),
        (253_402_300_799, "in 7,973 y", "9999-12-31 23:59:59 UTC · in 7,973 y"),
        (float("-inf"), "-∞", "-∞"),
        ("x'0102'", "x'0102'", "x'0102'"),
    ],
)
def test_a_time_is_shown_as_what_it_is_with_what_is_stored(
    context: Context, stored: object, cell: str, whole: str
) -> None:
    context.settings.utc_times = True
    column = next(one for one in columns(context, NOTIFICATIONS, {}) if one.name == "created_at")
    assert column.text(stored, ()) == cell
    assert column.tooltip is not None and column.tooltip(stored, ()) == whole
    assert column.text(None, ()) == "" and column.tooltip(None, ()) is None


def test_a_choice_is_said_in_words_and_a_strange_value_as_it_is() -> None:
    values = (1, "1", 0, "0", None, 7, "yes", b"\xff")
    said = [choice_label(NOTIFICATIONS, "read", value) for value in values]
    assert said == ["Read", "Read", "Unread", "Unread", "(none)", "7", "yes", "x'ff'"]
    assert [choice_label(USERS, "has_password", value) for value in (1, 0)] == ["Password set", "No password"]
