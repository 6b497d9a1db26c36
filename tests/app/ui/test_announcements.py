"""What changes where the focus is not is heard: of banners, counts and lists, as of toasts and searches."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.theme import Theme
from app.ui.widgets.banner import Banner
from app.ui.widgets.buttons import Choice
from app.ui.widgets.picker import Picker
from tests.fixtures.ears import Heard
from tests.fixtures.window import TABLES, ask, choose, go, open_file, press, said, type_text


def test_a_banner_is_heard_when_it_comes_and_when_it_says_something_else(
    qtbot: QtBot, theme: Theme, heard: Heard
) -> None:
    banner = Banner(theme)
    qtbot.addWidget(banner)
    banner.show_verdict(Tone.WARN, "Earlier state", "— 3 min ago", "As checkpoint 4 knew it")
    assert heard.words == []
    banner.show()
    qtbot.waitUntil(lambda: heard.words == ["Earlier state — 3 min ago"])
    assert not heard.at_once
    banner.show_verdict(Tone.WARN, "Earlier state", "— 4 min ago")
    banner.show_verdict(Tone.BAD, "Chain broken", "— 1 finding")
    qtbot.waitUntil(lambda: heard.words[1:] == ["Chain broken — 1 finding"])
    assert heard.at_once == ["Chain broken — 1 finding"]
    banner.show_verdict(Tone.BAD, "Chain broken", "— 1 finding", news="Since then: entry 4 verified")
    qtbot.waitUntil(lambda: heard.words[2:] == ["Since then: entry 4 verified"])
    assert len(heard.at_once) == 1
    banner.show_progress("Verifying…", 0, 9)
    qtbot.waitUntil(lambda: heard.words[3:] == ["Verifying…"])
    banner.show_progress("Verifying…", 3, 9, "3 of 9 entries")
    banner.show_verdict(Tone.OK, "Chain verified", "— 9 entries")
    qtbot.waitUntil(lambda: heard.words[4:] == ["Chain verified — 9 entries"])


def test_of_a_banner_that_is_always_there_only_what_changes_in_sight_is_heard(
    qtbot: QtBot, theme: Theme, heard: Heard
) -> None:
    within = QWidget()
    qtbot.addWidget(within)
    banner = Banner(theme, steady=True)
    banner.setParent(within)
    banner.show_verdict(Tone.OK, "Chain verified")
    within.show()
    banner.show_verdict(Tone.OK, "Chain verified", "— again")
    within.hide()
    banner.show_verdict(Tone.OK, "Newest entry verified")
    within.show()
    banner.show_verdict(Tone.WARN, "Start unproven")
    qtbot.waitUntil(lambda: heard.words == ["Start unproven"])


@pytest.mark.slow
def test_the_verdict_is_heard_when_a_person_asks_for_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path, heard: Heard
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 1)
    assert isinstance(page, AuditTab)
    for _ in range(2):  # the same is heard again of who asks again
        heard.words.clear()
        with qtbot.waitSignal(page.verified):
            press("Ctrl+Return")
        qtbot.waitUntil(lambda: any(words.startswith("Chain verified — ") for words in heard.words))
        assert heard.words[0] == "Verifying…" and len(heard.words) == 2
    choose(qtbot, page, 3)
    page.table.setFocus()
    heard.words.clear()
    with qtbot.waitSignal(page.verified):
        press("V")
    qtbot.waitUntil(lambda: any(words.startswith("Since then: Entry ") for words in heard.words))
    assert heard.words[-1].endswith(" consistent") and not heard.at_once
    assert not any(words.startswith("Chain verified") for words in heard.words)


@pytest.mark.slow
def test_a_broken_chain_is_heard_at_once_and_once(
    qtbot: QtBot, window: MainWindow, demo_path: Path, heard: Heard
) -> None:
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 100")
    window.settings.verify_by_itself = True
    page = open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: page.context.verdict.is_broken)
    qtbot.waitUntil(lambda: bool(heard.at_once))
    assert heard.at_once[0].startswith("Chain broken — ")
    go(qtbot, window, 1)
    go(qtbot, window, 2)
    assert window.workspace is not None
    qtbot.waitUntil(window.workspace.broken.isVisible)
    qtbot.waitUntil(lambda: window.workspace is not None and window.workspace.is_settled)
    assert len(heard.at_once) == 1


@pytest.mark.slow
def test_what_a_filter_leaves_is_heard(
    qtbot: QtBot, window: MainWindow, demo_path: Path, heard: Heard
) -> None:
    page = open_file(qtbot, window, demo_path)
    total = page.filters.count.text()
    assert heard.words == []
    press("Ctrl+F")
    type_text(qtbot, "zzzz")
    qtbot.waitUntil(lambda: heard.words == ["0 users. No match"])
    page.filters.text.clear()
    qtbot.waitUntil(lambda: heard.words[1:] == [total])
    ask(demo_path, "DELETE FROM users WHERE rowid = 1")
    with qtbot.waitSignal(page.list.loaded):
        press("F5")
    assert len(heard.words) == 2, "what comes and goes by itself"
    (tenant, left), *_ = ask(demo_path, "SELECT tenant_id, count(*) FROM users GROUP BY 1")
    window.tenants.pick(tenant)
    qtbot.waitUntil(lambda: heard.words[2:] == [said(left, 0)])


@pytest.mark.slow
def test_that_rows_cannot_be_shown_is_heard(
    qtbot: QtBot, window: MainWindow, demo_path: Path, heard: Heard
) -> None:
    ask(demo_path, f"DROP TABLE {TABLES[2]}")
    open_file(qtbot, window, demo_path)
    press("Ctrl+3")
    qtbot.waitUntil(lambda: any(words.startswith("Not in this database. ") for words in heard.words))


def test_a_list_under_its_search_is_heard_row_by_row(qtbot: QtBot, theme: Theme, heard: Heard) -> None:
    picker = Picker(theme, "Tenant", "All tenants", search_hint="Search tenants")
    qtbot.addWidget(picker)
    names = ("acme-corp", "blue-harbor", "cedar-works", "dune-labs", "east-side", "fjord", "golf")
    picker.set_choices([Choice(name, name, 3) for name in names])
    picker.show()
    picker.activateWindow()
    picker.setFocus()
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    popup = picker.popup
    qtbot.waitUntil(popup.field.hasFocus)
    assert heard.words == ["All tenants"]
    qtbot.keyClick(popup.field, Qt.Key.Key_Down)
    qtbot.keyClick(popup.field, Qt.Key.Key_Down)
    assert heard.words[1:] == ["acme-corp, 3", "blue-harbor, 3"]
    heard.words.clear()
    qtbot.keyClicks(popup.field, "ea")
    assert heard.words[-1] == "1 result. east-side, 3"
    qtbot.keyClicks(popup.field, "x")
    assert heard.words[-1] == "Nothing matches"
    qtbot.keyClick(popup.field, Qt.Key.Key_Backspace)
    qtbot.keyClick(popup.field, Qt.Key.Key_Return)
    assert picker.key() == "east-side"
    heard.words.clear()
    picker.set_choices([Choice(name, name) for name in names[:3]])
    qtbot.keyClick(picker, Qt.Key.Key_Return)
    qtbot.waitUntil(popup.list.hasFocus)
    qtbot.keyClick(popup.list, Qt.Key.Key_Down)
    assert heard.words == [], "Qt says of a list that has the focus which row it is"
