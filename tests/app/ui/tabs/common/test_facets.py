"""Chips that keep several values of one column: widened, narrowed, kept, and saved."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.common import arrangement, views
from app.ui.tabs.common.arrangement import Arrangement
from app.ui.tabs.common.exporting import FilterByColumnDialog
from app.ui.tabs.common.record_tab import RecordTab
from tests.fixtures.window import ask, closed, dialog, open_file

VALUES = (
    "ALTER TABLE users ADD COLUMN plan",
    "UPDATE users SET plan = CASE rowid % 7 WHEN 0 THEN 7 WHEN 1 THEN '7' WHEN 2 THEN x'37' WHEN 3 THEN 0.5"
    " WHEN 4 THEN '' WHEN 5 THEN NULL ELSE 'pro & more' END",
    "UPDATE users SET created_at = 1795355707 + rowid % 2",
)


@pytest.fixture
def page(qtbot: QtBot, window: MainWindow, demo_path: Path) -> RecordTab:
    window.resize(1600, 800)
    for sql in VALUES:
        ask(demo_path, sql)
    return open_file(qtbot, window, demo_path)


def kept(qtbot: QtBot, page: RecordTab, path: Path, where: str) -> None:
    wanted = ask(path, f"SELECT count(*) FROM users WHERE {where}")[0][0]
    assert wanted
    qtbot.waitUntil(lambda: page.model.rowCount() == wanted)


def act(menu: QMenu, words: str) -> None:
    (action,) = [one for one in menu.actions() if one.text().replace("&&", "§").replace("&", "") == words]
    action.trigger()
    menu.close()


@pytest.mark.slow
def test_a_chip_takes_up_other_values_and_lets_one_go(
    qtbot: QtBot, page: RecordTab, demo_path: Path, window: MainWindow
) -> None:
    page.filter_by("plan", 7)
    kept(qtbot, page, demo_path, "typeof(plan) = 'integer'")
    (chip,) = page.exact.chips()
    assert chip.accessibleName() == "Take away the filter plan: 7"
    act(page.exact.menu("plan"), "Or another value…")
    form = dialog(qtbot, window, FilterByColumnDialog)
    qtbot.waitUntil(lambda: form.value.count() == 6)
    offered = [form.value.itemText(at).rpartition(" (")[0] for at in range(6)]
    assert sorted(offered) == ["(empty)", "(none)", "0.5", "pro & more", "x'37'", "“7”"]
    assert not form.column.isEnabled()
    form.value.setCurrentIndex(offered.index("(none)"))
    form.submit()
    closed(qtbot, window, FilterByColumnDialog)
    kept(qtbot, page, demo_path, "typeof(plan) = 'integer' OR plan IS NULL")
    for value in ("7", 0.5, b"7", ""):
        page.filter_by("plan", value)
    kept(qtbot, page, demo_path, "plan IS NOT 'pro & more'")
    (chip,) = page.exact.chips()
    assert chip.text() == "plan: 7, (none), “7” or 3 more"
    assert chip.accessibleName() == "Filter plan: 7, (none), “7” or 3 more: change it"

    state = arrangement.current(page)
    again = Arrangement.of(state.document())
    assert again == state and again.choices == (("plan", (7, None, "7", 0.5, b"7", "")),)
    assert views.told(page, again) == "plan: 7, (none), 7 and 3 more"
    act(page.exact.menu("plan"), "Without “(none)”")
    kept(qtbot, page, demo_path, "plan IS NOT 'pro & more' AND plan IS NOT NULL")
    page.filter_by("plan", 0.5)  # of a row in sight: it alone
    kept(qtbot, page, demo_path, "plan = 0.5")
    page.filter_by("plan", "pro & more")
    assert page.exact.chips()[0].text() == "plan: 0.5 or pro && more"
    arrangement.arrange(page, again)
    page.filters_changed()
    kept(qtbot, page, demo_path, "plan IS NOT 'pro & more'")
    act(page.exact.menu("plan"), "Take this filter away")
    assert not page.exact.chips() and not page.query().filtered


def test_times_and_a_click(qtbot: QtBot, page: RecordTab, demo_path: Path) -> None:
    page.filter_by("created_at", 1795355707)
    kept(qtbot, page, demo_path, "created_at = 1795355707")
    page.filter_by("created_at", 1795355708)
    kept(qtbot, page, demo_path, "1")
    (chip,) = page.exact.chips()
    assert chip.text() == "Created: 2026-11-22 13:55:07 UTC or 2026-11-22 13:55:08 UTC"
    qtbot.mouseClick(chip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(page.exact.findChildren(QMenu)))
    menu = page.exact.findChildren(QMenu)[-1]
    act(menu, "Without “2026-11-22 13:55:08 UTC”")
    kept(qtbot, page, demo_path, "created_at = 1795355707")
    page.show_record(ask(demo_path, "SELECT id FROM users WHERE created_at = 1795355708")[0][0])
    kept(qtbot, page, demo_path, "1")
    assert not page.exact.chips()
