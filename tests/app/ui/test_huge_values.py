"""Texts beyond all bounds wherever a file may hold some: nothing that shows them holds up the window.

`TENANT_ADMIN_STRESS_LETTERS` says how long they are, `TENANT_ADMIN_STRESS_MS` which pause passes.
"""

import os
from collections.abc import Callable
from itertools import cycle
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtWidgets import QApplication, QDialog
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from tests.fixtures.heart import Heart
from tests.fixtures.window import TABLES, ask, choose, go, open_file, press
from tests.matrix import every

STALL_MS = int(os.environ.get("TENANT_ADMIN_STRESS_MS", "2000"))
LETTERS = int(os.environ.get("TENANT_ADMIN_STRESS_LETTERS", "100000"))
HUGE = ("w" * (LETTERS // 2), "ä \u202e" * (LETTERS // 6), "{" + '"k": [' * 4 + "1" * (LETTERS // 2))
TEXTS = {
    "users": ("tenant_id", "email", "role"),
    "audit_chain": ("tenant_id", "event_type", "payload"),
    "webhook_destinations": ("tenant_id", "url", "events"),
    "notifications": ("tenant_id", "type", "title", "message", "metadata"),
    "planning_runs": ("idea", "kill_verdict", "status", "mode", "current_phase"),
}


def _fill(path: Path) -> None:
    """The first rows of each table, as their lists show them, get one huge text each."""
    for table, columns in TEXTS.items():
        here = {row[1] for row in ask(path, f"PRAGMA table_info({table})")}
        order = "seq" if table == "audit_chain" else "created_at"
        rows = [key for (key,) in ask(path, f"SELECT rowid FROM {table} ORDER BY {order} DESC LIMIT 12")]
        changes = [column for column in columns if column in here]
        for column, text, key in zip(changes, cycle(HUGE), rows, strict=False):
            ask(path, f"UPDATE {table} SET {column} = ? WHERE rowid = ?", text, key)


def _leave(qtbot: QtBot, window: MainWindow) -> None:
    """Closes whatever has come up."""

    def gone() -> bool:
        held = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if isinstance(held, QDialog):
            held.done(0)
        elif held is not None:
            held.hide()
        return held is None

    qtbot.waitUntil(gone)
    window.activateWindow()
    qtbot.waitUntil(window.isActiveWindow)


def _wait_for_beats(qtbot: QtBot, heart: Heart) -> None:
    until = heart.beats + 3
    qtbot.waitUntil(lambda: heart.beats >= until)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_huge_texts_hold_nothing_up(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    _fill(demo_path)
    open_file(qtbot, window, demo_path)
    heart = Heart()

    def do(words: str, act: Callable[..., object], *values: Any) -> None:
        heart.act = words
        act(*values)
        _wait_for_beats(qtbot, heart)  # what comes of it is a part of the pause

    def look(place: int) -> None:
        page = go(qtbot, window, place)
        for row in every(range(min(len(TEXTS[TABLES[place]]), page.model.rowCount() - 1)), each=2):
            do(f"{TABLES[place]} row {row}", choose, qtbot, page, row)
            do("copy", press, "Ctrl+C")
            for name in ("edit", "delete") if row == 0 else ("edit",):
                if name in page.commands._actions and page.commands._actions[name].isEnabled():
                    do(f"{name} {row}", page.commands.trigger, name)
                    _leave(qtbot, window)
            do(f"menu {row}", press, "Shift+F10")
            _leave(qtbot, window)
        for picker in page.filters.pickers.values():
            do(f"picker {picker.accessibleName()}", picker.showPopup)
            if picker.popup.model.rowCount() > 1:
                key = max((one.key or "" for one in picker.popup.model.rows), key=len)
                do("search in it", picker.popup.field.setText, "w")
                do("pick", picker.pick, key)
                do("pick none", picker.pick, None)
            _leave(qtbot, window)

    def choose_tenants() -> None:
        page = go(qtbot, window, 0)
        do("tenants", window.tenants.showPopup)
        keys = [one.key for one in window.tenants.popup.model.rows if one.key]
        _leave(qtbot, window)
        for key in sorted(keys, key=len)[-2:]:
            do("tenant", window.tenants.pick, key)
            qtbot.waitUntil(lambda: page.filters.count.text() != "")
            do("a row of it", page.table.select_row, 0)
            do("create", page.commands.trigger, "create")
            _leave(qtbot, window)
        window.search.setFocus()
        do("search", qtbot.keyClicks, window.search, "www")
        qtbot.waitUntil(window.search.popup.isVisible)
        do("no tenant", window.tenants.pick, None)
        do("info", window.commands.trigger, "info")
        _leave(qtbot, window)

    try:
        for place in range(len(TABLES)):
            look(place)
        choose_tenants()
        heart.act = "the end"
        _wait_for_beats(qtbot, heart)
    finally:
        heart.stop()
        for pause in heart.pauses[:14]:
            print(f"{pause[0]:.0f} ms in {pause[1]}")
    assert not heart.pauses or heart.pauses[0][0] < STALL_MS, heart.pauses[0]
