"""Who would receive an event, as a person asks for it."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks.sending import EventReceiversDialog
from tests.fixtures.ears import listening
from tests.fixtures.window import ask, closed, dialog, go, open_file, press


def rows(shown: EventReceiversDialog) -> list[tuple[str, ...]]:
    model = shown.table.model()
    return [tuple(model.index(row, at).data() for at in range(3)) for row in range(model.rowCount())]


@pytest.mark.slow
def test_those_that_would_get_it_come_first_and_the_others_say_why_not(
    window: MainWindow, qtbot: QtBot, demo_path: Path
) -> None:
    of_acme = "SELECT id FROM webhook_destinations WHERE tenant_id = 'acme-corp' ORDER BY id"
    hooks = ask(demo_path, of_acme)
    ask(demo_path, "UPDATE webhook_destinations SET active = 1, events = '*', name = id")
    ask(demo_path, "UPDATE webhook_destinations SET active = 0 WHERE id = ?", hooks[0][0])
    ask(demo_path, "UPDATE webhook_destinations SET events = 'run_started' WHERE id = ?", hooks[1][0])
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 2)
    with qtbot.waitSignal(page.details_shown):
        page.table.select_row(0)
    page.commands.trigger("event_receivers")
    shown = dialog(qtbot, window, EventReceiversDialog)
    with listening() as heard:
        shown.tenants.setCurrentIndex(shown.tenants.findData("acme-corp"))
        shown.events.setCurrentText("run_killed")
        said = f"{len(hooks) - 2} of {len(hooks)} webhooks would receive run_killed."
        qtbot.waitUntil(lambda: shown.state.text() == said)
        assert said in heard.words
    receives = [row[0] for row in rows(shown)]
    assert receives == ["yes"] * (len(hooks) - 2) + ["no", "no"]
    assert {row[1:] for row in rows(shown)[-2:]} == {
        (hooks[0][0], "It is inactive"),
        (hooks[1][0], "Its events are run_started"),
    }
    shown.events.setFocus()
    shown.events.setCurrentText("run_started")
    qtbot.waitUntil(lambda: shown.state.text().startswith(f"{len(hooks) - 1} of"))
    assert not shown.show_button.isEnabled()
    shown.table.setFocus(Qt.FocusReason.TabFocusReason)
    shown.table.select_row(len(hooks) - 1)
    with qtbot.waitSignal(page.details_shown) as details:
        press("Return")
    assert details.args == [hooks[0][0]]
    closed(qtbot, window, EventReceiversDialog)
