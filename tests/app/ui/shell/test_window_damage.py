"""Of a file with a damaged page what can be read is shown, with the ways out, and acts are asked about."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.services.chain.where import InFile
from app.services.records import users
from app.ui.shell.dialogs import NotesDialog
from app.ui.shell.window import MainWindow
from app.ui.widgets.dialogs import ConfirmDialog
from tests.fixtures.damage import spoil
from tests.fixtures.window import (
    ask,
    button,
    choose,
    click,
    closed,
    current,
    dialog,
    notice,
    open_file,
    press,
    values,
)

AUDIT, NOTIFICATIONS = 1, 3


@pytest.mark.slow
def test_a_damaged_chain_is_shown_as_far_as_it_can_be_read(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    spoil(demo_path, "audit_chain", 5)
    open_file(qtbot, window, demo_path)
    assert not window.context.opened.database.damaged  # type: ignore[union-attr]
    press(f"Ctrl+{AUDIT + 1}")
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() == "600 entries")
    press("End")
    qtbot.waitUntil(lambda: page.filters.count.text().endswith("readable"))
    shown = page.model.rowCount()
    assert 500 < shown < 600 and page.filters.count.text() == f"{shown} entries readable"
    assert values(page, "seq")[0] == "600"
    assert page.table.horizontalHeader().sortIndicatorSection() == page.model.column_of("seq")
    banner = notice(window, "The file is damaged")
    assert banner.tone() is Tone.BAD
    press("F5")
    qtbot.waitUntil(lambda: page.filters.count.text() == f"{shown} entries readable")
    press("Ctrl+1")
    assert banner.isVisible(), "in every tab"
    assert button(banner, "Save what can be read…").isVisible()
    window.files.export_sql(InFile(demo_path), tmp_path / "saved.sql", None, readable=True)
    told = dialog(qtbot, window, NotesDialog)
    assert f"audit_chain is damaged: what could be read of it is {shown} rows" in told.text.toPlainText()


@pytest.mark.slow
def test_the_first_act_on_a_damaged_file_is_asked_about(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    spoil(demo_path, "notifications", 0)
    page = open_file(qtbot, window, demo_path)
    press(f"Ctrl+{NOTIFICATIONS + 1}")
    qtbot.waitUntil(lambda: window.context is not None and window.context.opened.database.damaged)
    header = current(window).table.horizontalHeader()
    qtbot.waitUntil(lambda: header.sortIndicatorSection() == -1)  # what can be read comes by its keys
    press("Ctrl+1")
    wanted = choose(qtbot, page, 0)

    def email() -> str:
        return str(ask(demo_path, "SELECT email FROM users NOT INDEXED WHERE id = ?", wanted)[0][0])

    before = email()
    for agreed in (False, True):
        page.context.act(users.rename, wanted, "new@acme.example")
        box = dialog(qtbot, window, ConfirmDialog)
        assert box.title.text() == "Write into a damaged file?" and email() == before
        click(qtbot, box.confirm_button if agreed else box.cancel_button)
        closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: email() == "new@acme.example")
    page.context.act(users.rename, wanted, "newer@acme.example")
    qtbot.waitUntil(lambda: email() == "newer@acme.example")
