"""F5 while others write: a list shows its top, or stays where it was scrolled to and says what is above."""

from contextlib import closing
from pathlib import Path

import apsw
import pytest
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from tests.conftest import NOW
from tests.fixtures import chains, live_window
from tests.fixtures.live_window import open_live
from tests.fixtures.window import ask, choose, go, is_settled, open_file, press

pytestmark = pytest.mark.slow


@pytest.fixture(params=["file", pytest.param("live", marks=pytest.mark.wrangler)])
def opened(
    request: pytest.FixtureRequest, qtbot: QtBot, window: MainWindow, demo_path: Path
) -> tuple[RecordTab, Path]:
    """The tab of the users, which nobody but the test looks at from outside, and the file of the database."""
    path = demo_path
    if request.param == "file":
        page = open_file(qtbot, window, path)
    else:
        window.connecting.tokens = Tokens(None)
        live, edge = request.getfixturevalue("live"), request.getfixturevalue("edge")
        path = live.put(demo_path, listed=True)
        page = open_live(qtbot, window, live_window.production(edge, live, path, window))
    page.context.outside._poll.stop()
    return page, path


def look(qtbot: QtBot, page: RecordTab) -> None:
    answered = list[bool]()
    page.context.outside.look(lambda: answered.append(True))
    qtbot.waitUntil(lambda: bool(answered))


def append(path: Path, count: int) -> None:
    """As others do."""
    with closing(apsw.Connection(str(path))) as connection:
        chains.append(connection, "acme-corp", [NOW] * count)


def last_of(path: Path) -> object:
    return ask(path, "SELECT max(seq) FROM audit_chain")[0][0]


def first_in_sight(page: RecordTab) -> object:
    return page.model.record_id(page.table.rowAt(0))


@pytest.mark.parametrize("was_told", [False, True])
def test_a_list_at_its_top_shows_its_top(
    qtbot: QtBot, window: MainWindow, opened: tuple[RecordTab, Path], *, was_told: bool
) -> None:
    page, path = opened
    audit = go(qtbot, window, 1)
    qtbot.waitUntil(lambda: is_settled(window))
    for count in (2, 3, 1):
        append(path, count)
        if was_told:
            look(qtbot, page)
            qtbot.waitUntil(lambda: is_settled(window) and audit.new_rows.button.isVisible())
        press("F5")
        qtbot.waitUntil(lambda: first_in_sight(audit) == last_of(path) and is_settled(window))
        qtbot.waitUntil(lambda: not audit.new_rows.button.isVisible())
        assert audit.table.verticalScrollBar().value() == 0


def test_a_list_that_is_scrolled_stays_and_says_how_many_are_above(
    qtbot: QtBot, window: MainWindow, opened: tuple[RecordTab, Path]
) -> None:
    _, path = opened
    audit = go(qtbot, window, 1)
    qtbot.waitUntil(lambda: is_settled(window))
    audit.table.scrollTo(audit.model.index(60, 0), audit.table.ScrollHint.PositionAtTop)
    qtbot.waitUntil(lambda: is_settled(window))
    before = first_in_sight(audit)
    append(path, 3)
    press("F5")
    qtbot.waitUntil(lambda: audit.new_rows.button.isVisible() and is_settled(window))
    qtbot.waitUntil(lambda: audit.new_rows.button.text() == "3 new")
    assert first_in_sight(audit) == before
    press("Ctrl+J")
    qtbot.waitUntil(lambda: first_in_sight(audit) == last_of(path))
    assert not audit.new_rows.button.isVisible()


def test_what_is_selected_at_the_top_stays_selected_and_in_sight(
    qtbot: QtBot, window: MainWindow, opened: tuple[RecordTab, Path]
) -> None:
    page, path = opened
    audit = go(qtbot, window, 1)
    selected = choose(qtbot, audit, 1)
    qtbot.waitUntil(lambda: is_settled(window))
    append(path, 2)
    look(qtbot, page)
    press("F5")
    qtbot.waitUntil(lambda: first_in_sight(audit) == last_of(path) and is_settled(window))
    assert audit.list.current_id() == selected
    assert not audit.new_rows.button.isVisible()
