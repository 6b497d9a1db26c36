"""One field finds everything: by keyboard, by mouse, and never in the way."""

from pathlib import Path

import apsw
import pytest
from PySide6.QtCore import QPoint, Qt
from pytestqt.qtbot import QtBot

from app.services.records import users
from app.services.records.search import Group, Hit, SearchResult
from app.services.records.tables import PLANNING_PARKED_IDEAS
from app.settings import Settings
from app.ui.shell.global_search import GlobalSearch
from app.ui.shell.search_results import ResultRow, RowKind
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.runs.parked import ParkedIdeasDialog
from app.ui.tabs.runs.searching import RunSearchDialog
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from tests.conftest import NOW
from tests.fixtures.connected import connected, execute
from tests.fixtures.window import dialog

PEOPLE = 7


@pytest.fixture
def filled(database_path: Path) -> Path:
    """Seven users of acme, one of globex, their audit entries, and a notification that hides its text."""
    with connected(database_path) as database:
        for number in range(PEOPLE):
            users.create(database, "acme", f"person{number}@acme.example", actor="ops", now=NOW + number)
        users.create(database, "globex", "hank@globex.example", actor="ops", now=NOW + 100)
        database.connection().execute(
            "INSERT INTO notifications (id, tenant_id, type, title, message, created_at)"
            " VALUES ('n1', 'globex', 'run_completed', ?, 'It is done', ?)",
            ("<b>Bold</b>\u202eplan", NOW),
        )
    return database_path


@pytest.fixture
def window(qtbot: QtBot, theme: Theme, filled: Path) -> MainWindow:
    settings = Settings()
    settings.verify_by_itself = False
    window = MainWindow(theme, settings, lambda: NOW + 1_000)
    qtbot.addWidget(window)
    window.resize(1280, 800)  # the screen of these tests is smaller
    window.show()
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)
    with qtbot.waitSignal(window.opened):
        window.files.open(filled)
    return window


@pytest.fixture
def search(window: MainWindow) -> GlobalSearch:
    return window.search


def shown(search: GlobalSearch) -> list[ResultRow]:
    return list(search.popup.rows)


def find(qtbot: QtBot, window: MainWindow, text: str) -> None:
    """Types into the field as somebody does, and waits for what is found."""
    qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert window.search.hasFocus()
    answered = window.search.answered  # not "Searching…", which shows before it, nor half of the text
    with qtbot.waitSignal(answered, check_params_cb=lambda said, total: said == text):
        qtbot.keyClicks(window.search, text)


def tab(window: MainWindow, table: str) -> RecordTab:
    assert window.workspace is not None
    return next(page for page in window.workspace.pages() if page.spec.table.name == table)


def current_tab(window: MainWindow) -> str:
    assert window.workspace is not None
    return window.workspace.current().spec.table.name


@pytest.mark.slow
def test_what_is_found_stands_under_its_tab(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "PERSON")
    rows = shown(search)
    assert [row.title for row in rows if row.kind is RowKind.HEAD] == ["Users", "Audit chain"]
    assert [row.detail for row in rows if row.kind is RowKind.HEAD] == ["7", "7"]
    hits = [row for row in rows if row.kind is RowKind.HIT and row.table == "users"]
    assert [row.title for row in hits] == [f"person{number}@acme.example" for number in (6, 5, 4, 3, 2)]
    assert all(row.detail.startswith("acme · ") for row in hits)
    assert [row.title for row in rows if row.kind is RowKind.MORE] == ["and 2 more"] * 2
    assert search.hasFocus()


@pytest.mark.slow
def test_what_has_no_tab_stands_under_its_table(window: MainWindow, search: GlobalSearch) -> None:
    group = Group(PLANNING_PARKED_IDEAS.name, 1, (Hit("i1", "A shop for ladders", ""),))
    search.popup.show_found(SearchResult("ladders", (group,)))
    assert [(row.title, row.icon) for row in shown(search)] == [
        ("Parked ideas", ""),
        ("A shop for ladders", Icon.IDEA),
    ]


@pytest.mark.slow
def test_enter_shows_the_first_record_in_its_tab(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch
) -> None:
    find(qtbot, window, "hank")
    wanted = shown(search)[1]
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert not search.is_open()
    assert current_tab(window) == "users"
    page = tab(window, "users")
    qtbot.waitUntil(lambda: page.list.current_id() == wanted.record_id)
    assert page.table.hasFocus()
    assert search.text() == "hank"
    page.filters.text.setText("acme")
    qtbot.waitUntil(lambda: page.filters.count.text() == "7 users")
    find(qtbot, window, "hank")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: page.list.current_id() == wanted.record_id and page.filters.text.text() == "")
    assert window.toast.label.text() == "The filter hid this record, and is cleared"
    window.toast.action_button.click()
    qtbot.waitUntil(lambda: page.filters.count.text() == "7 users")
    assert page.filters.text.text() == "acme"


@pytest.mark.slow
def test_the_arrows_choose_and_pass_over_heads(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch
) -> None:
    find(qtbot, window, "hank")
    seen = []
    for _ in range(3):
        row = search.popup.current()
        assert row is not None
        seen.append((row.kind, row.table))
        qtbot.keyClick(search, Qt.Key.Key_Down)
    assert seen == [(RowKind.HIT, "users"), (RowKind.HIT, "audit_chain"), (RowKind.HIT, "users")]
    qtbot.keyClick(search, Qt.Key.Key_Up)
    qtbot.keyClick(search, Qt.Key.Key_Up)
    entry = search.popup.current()
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert current_tab(window) == "audit_chain"
    assert entry is not None
    qtbot.waitUntil(lambda: tab(window, "audit_chain").list.current_id() == entry.record_id)


@pytest.mark.slow
def test_more_filters_the_tab(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "person")
    for _ in range(5):
        qtbot.keyClick(search, Qt.Key.Key_Down)
    assert str(search.popup.current()) == "and 2 more, Show all of them in Users"
    qtbot.keyClick(search, Qt.Key.Key_Return)
    page = tab(window, "users")
    assert current_tab(window) == "users" and page.filters.text.text() == "person"
    qtbot.waitUntil(lambda: page.filters.count.text() == "7 users")


@pytest.mark.slow
def test_the_mouse_chooses_too(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "hank")
    view = search.popup.list

    def place(row: int) -> QPoint:
        return view.visualRect(search.popup.model.index(row, 0)).center()

    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place(0))
    assert search.is_open() and search.hasFocus(), "a head is nothing to choose"
    qtbot.mouseClick(view.viewport(), Qt.MouseButton.LeftButton, pos=place(3))
    assert not search.is_open() and current_tab(window) == "audit_chain"


@pytest.mark.slow
def test_nothing_found_is_a_sentence(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "nobody")
    assert search.popup.sentence.text() == "Nothing contains “nobody”."
    assert [str(row) for row in search.popup.rows] == ["Search texts…, in what runs produced (Ctrl+Alt+F)"]
    qtbot.keyClick(search, Qt.Key.Key_Down)
    assert search.hasFocus() and search.is_open()
    qtbot.keyClick(search, Qt.Key.Key_Return)
    texts = dialog(qtbot, window, RunSearchDialog)
    assert texts.line.text() == "nobody", "it goes along"
    qtbot.keyClick(texts, Qt.Key.Key_Escape)


@pytest.mark.slow
def test_nothing_found_where_runs_produced_nothing_is_a_sentence_alone(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch, filled: Path
) -> None:
    execute(filled, "DROP TABLE planning_artifacts")
    with qtbot.waitSignal(window.opened):
        window.files.open(filled)
    find(qtbot, window, "nobody")
    qtbot.keyClick(search, Qt.Key.Key_Down)
    qtbot.keyClick(search, Qt.Key.Key_Return)
    assert search.hasFocus() and search.popup.sentence.text() == "Nothing contains “nobody”."


@pytest.mark.slow
def test_only_the_tenant_in_view_is_searched(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    window.tenants.pick("acme")
    find(qtbot, window, "hank")
    assert search.popup.sentence.text() == "Nothing of acme contains “hank”."


@pytest.mark.slow
def test_another_tenant_is_searched_when_one_comes_back(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch
) -> None:
    find(qtbot, window, "hank")
    window.tenants.setFocus()
    assert not search.is_open(), "leaving the field closes the list"
    window.tenants.pick("acme")
    with qtbot.waitSignal(search.answered):
        qtbot.keyClick(window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    assert search.popup.sentence.text() == "Nothing of acme contains “hank”."


@pytest.mark.slow
def test_text_from_the_file_is_plain(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "bold")
    assert search.popup.model.index(1, 0).data() == "<b>Bold</b>\\u202eplan"


@pytest.mark.slow
def test_escape_closes_then_empties_then_leaves(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch
) -> None:
    find(qtbot, window, "hank")
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert not search.is_open() and search.text() == "hank"
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert search.text() == "" and search.hasFocus()
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    assert tab(window, "users").table.hasFocus()


@pytest.mark.slow
def test_down_brings_the_list_back(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "hank")
    qtbot.keyClick(search, Qt.Key.Key_Escape)
    with qtbot.waitSignal(search.answered):
        qtbot.keyClick(search, Qt.Key.Key_Down)
    assert shown(search)[1].title == "hank@globex.example"


@pytest.mark.slow
def test_enter_waits_for_the_text_that_was_typed(
    qtbot: QtBot, window: MainWindow, search: GlobalSearch
) -> None:
    find(qtbot, window, "person")
    search.selectAll()
    qtbot.keyClicks(search, "hank")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    page = tab(window, "users")

    def selected() -> list[str]:
        return [str(page.model.record(row)) for row in page.table.selected_rows()]

    qtbot.waitUntil(lambda: not search.is_open())
    qtbot.waitUntil(lambda: len(selected()) == 1 and "hank@globex.example" in selected()[0])


@pytest.mark.slow
def test_an_emptied_field_closes_the_list(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "hank")
    search.selectAll()
    qtbot.keyClick(search, Qt.Key.Key_Delete)
    assert not search.is_open()


@pytest.mark.slow
def test_an_entry_is_found_by_its_number(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "#3")
    qtbot.keyClick(search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: tab(window, "audit_chain").list.current_id() == 3)


def test_a_closed_file_is_forgotten(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    find(qtbot, window, "hank")
    window.close_file()
    assert not search.is_open() and search.text() == "" and not search.isEnabled()


@pytest.mark.slow
def test_it_never_reaches_out_of_the_window(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    window.resize(900, 560)
    find(qtbot, window, "e")
    assert window.rect().contains(search.popup.geometry())


@pytest.mark.slow
def test_a_tenants_name_leads_to_the_tenant_and_pages_are_turned(qtbot: QtBot, window: MainWindow) -> None:
    find(qtbot, window, "ACME")
    rows = shown(window.search)
    assert (rows[0].kind, rows[0].title) == (RowKind.TENANT, "acme") and len(rows) > 3
    qtbot.keyClick(window.search, Qt.Key.Key_PageDown)
    assert window.search.popup.current() is rows[-1]
    qtbot.keyClick(window.search, Qt.Key.Key_PageUp)
    assert window.search.popup.current() is rows[0]
    qtbot.keyClick(window.search, Qt.Key.Key_Return)
    assert window.workspace is not None and window.workspace.scope.tenant_id == "acme"


@pytest.mark.slow
def test_parked_ideas_open_in_their_window(qtbot: QtBot, window: MainWindow, search: GlobalSearch) -> None:
    assert window.context is not None
    connection = apsw.Connection(str(window.context.opened.path))
    connection.execute(
        "INSERT INTO planning_parked_ideas (id, idea, reason, source_phase, created_at) VALUES"
        " ('p', 'A zoo by post', 'no zebrafish yet', 'intake', 1), ('q', 'Another', 'later', 'intake', 2)"
    )
    connection.close()
    find(qtbot, window, "zebrafish")
    (head, row) = shown(search)
    assert (head.title, row.title, row.detail) == ("Parked ideas", "A zoo by post", "no zebrafish yet")
    qtbot.keyClick(search, Qt.Key.Key_Return)

    def in_sight() -> bool:
        ideas = window.findChild(ParkedIdeasDialog)
        return ideas is not None and ideas.isVisible() and ideas.page.list.current_id() == "p"

    qtbot.waitUntil(in_sight)
