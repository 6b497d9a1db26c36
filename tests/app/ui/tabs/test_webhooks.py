"""Webhooks as a person looks after them."""

import pytest
from pytestqt.qtbot import QtBot

from app.ui.session.context import Context
from app.ui.tabs.webhooks import WebhookDialog, WebhooksTab
from tests.app.ui.conftest import ShowTab
from tests.fixtures.window import ask, child, write


@pytest.mark.slow
def test_a_webhook_with_odd_values_can_be_renamed(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    url = "https://user:password@hooks.example.com/in"
    ask(context.opened.path, "UPDATE webhook_destinations SET url = ?, events = ''", url)
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown) as shown:
        tab.table.select_row(0)
    tab.commands.trigger("edit")
    form = child(tab, WebhookDialog)
    write(form, "name", "Renamed")
    form.submit()
    stored = "SELECT name, url, events FROM webhook_destinations WHERE id = ?"
    qtbot.waitUntil(lambda: ask(context.opened.path, stored, shown.args[0]) == [("Renamed", url, "")])
