"""Every act of webhooks through the whole window, on a live D1."""

from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.services.live.connections import Tokens
from app.services.records.tables import RANK
from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks import WebhookDialog, WebhooksTab
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.receiving import CheckRequestDialog, ReceiverDialog
from app.ui.tabs.webhooks.secrets import SecretDialog
from app.ui.tabs.webhooks.sending import EventReceiversDialog, SendEventDialog
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.app.services.chain.test_append import assert_one_chain
from tests.d1.edge import Edge
from tests.fixtures.hooked import answer, serving
from tests.fixtures.keyrings import Desktop
from tests.fixtures.live import Live
from tests.fixtures.live_window import open_live, production, unlock
from tests.fixtures.window import ask, choose, click, closed, dialog, go, press, write

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

HOOKS = "SELECT id, name, url, hostname, secret, active, events FROM webhook_destinations ORDER BY id"
WEBHOOKS = 2


@pytest.fixture
def file(live: Live, demo_path: Path) -> Path:
    return live.put(demo_path, listed=True)


@pytest.fixture
def page(  # noqa: PLR0917
    qtbot: QtBot,
    window: MainWindow,
    edge: Edge,
    live: Live,
    file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> WebhooksTab:
    """The webhooks of a production, unlocked."""
    Desktop(tmp_path / "keyring", monkeypatch)
    window.connecting.tokens = Tokens(None)
    window.settings.webhooks_here = True
    open_live(qtbot, window, production(edge, live, file, window))
    unlock(qtbot, window)
    page = go(qtbot, window, WEBHOOKS)
    assert isinstance(page, WebhooksTab)
    return page


def undo(qtbot: QtBot, page: WebhooksTab, rows: int) -> None:
    """Until the list shows it."""
    with qtbot.waitSignal(page.context.runner.changed):
        press("Ctrl+Z")
    qtbot.waitUntil(lambda: page.model.rowCount() == rows)


def test_each_act_that_writes_is_done_and_taken_back(qtbot: QtBot, page: WebhooksTab, file: Path) -> None:
    changed = page.context.runner.changed
    before = ask(file, HOOKS)
    press("Ctrl+Shift+N")
    form = dialog(qtbot, page, WebhookDialog)
    form.editor("tenant_id").box.setCurrentText("acme-corp")  # type: ignore[attr-defined]
    write(form, "url", "https://new.example/in")
    with qtbot.waitSignal(changed):
        form.submit()
    closed(qtbot, page, WebhookDialog)
    assert len(ask(file, HOOKS)) == len(before) + 1
    undo(qtbot, page, len(before))
    assert ask(file, HOOKS) == before
    key = choose(qtbot, page, 0)
    of = f"{HOOKS.partition(' ORDER')[0]} WHERE id = ?"
    ((_, name, url, *_others),) = ask(file, of, key)
    press("F2")
    form = dialog(qtbot, page, WebhookDialog)
    write(form, "name", f"{name} renamed")
    with qtbot.waitSignal(changed):
        press("Return")
    closed(qtbot, page, WebhookDialog)
    assert ask(file, of, key)[0][1:3] == (f"{name} renamed", url)
    undo(qtbot, page, len(before))
    assert ask(file, HOOKS) == before
    press("Ctrl+D")
    form = dialog(qtbot, page, WebhookDialog)
    form.editor("tenant_id").box.setCurrentIndex(0)  # type: ignore[attr-defined]
    with qtbot.waitSignal(changed):
        press("Return")
    closed(qtbot, page, WebhookDialog)
    assert len([one for one in ask(file, HOOKS) if one[2] == url]) == 2
    undo(qtbot, page, len(before))
    choose(qtbot, page, 0)
    page.commands.trigger("rotate_secret")
    dialog(qtbot, page, FormDialog)
    with qtbot.waitSignal(changed):
        press("Return")
    shown = dialog(qtbot, page, SecretDialog)
    ((stored,),) = ask(file, "SELECT secret FROM webhook_destinations WHERE id = ?", key)
    assert shown.field.toPlainText() == stored
    press("Escape")
    closed(qtbot, page, SecretDialog)
    undo(qtbot, page, len(before))
    for _ in range(2):
        name = "deactivate" if page.commands.action("deactivate").isEnabled() else "activate"
        with qtbot.waitSignal(changed):
            page.commands.trigger(name)
        qtbot.waitUntil(lambda name=name: not page.commands.action(name).isEnabled())  # type: ignore[misc]
    assert ask(file, HOOKS) == before
    page.table.select_ranges([range(2)], 0)
    page.commands.trigger("delete")
    asked = dialog(qtbot, page, ConfirmDialog)
    with qtbot.waitSignal(changed):
        click(qtbot, asked.confirm_button)
    closed(qtbot, page, ConfirmDialog)
    qtbot.waitUntil(lambda: page.model.rowCount() == len(before) - 2)
    assert len(ask(file, HOOKS)) == len(before) - 2
    with qtbot.waitSignal(changed):
        press("Ctrl+Z")  # which a live database asks about where it costs much
    qtbot.waitUntil(lambda: page.model.rowCount() == len(before))
    assert ask(file, HOOKS) == before
    for (tenant,) in ask(file, "SELECT DISTINCT tenant_id FROM audit_chain"):
        assert_one_chain(file, tenant)


def test_each_act_that_writes_nothing_writes_nothing(qtbot: QtBot, page: WebhooksTab, file: Path) -> None:
    with serving(answer("500 Internal Server Error", b"no")) as hook:
        ask(file, "UPDATE webhook_destinations SET url = ?, hostname = '127.0.0.1'", hook.url("/in"))
        ask(file, "UPDATE webhook_destinations SET secret = 'whsec_hidden', events = '*'")
        press("F5")
        key = choose(qtbot, page, 0)
        before = ask(file, HOOKS), ask(file, "SELECT count(*) FROM audit_chain")
        press("T")
        sending = dialog(qtbot, page, SendEventDialog)
        press("Ctrl+Return")
        qtbot.waitUntil(sending.answer.title.isVisible)
        press("Escape")
        closed(qtbot, page, SendEventDialog)
        cell = page.model.index(page.table.chosen().row(), page.model.column_of(RANK))
        qtbot.waitUntil(lambda: cell.data() == "0 of 1 · 500")
        qtbot.waitUntil(lambda: page.recent is not None and page.recent.isVisible())
        page.table.setFocus()
        press("Ctrl+L")
        log = dialog(qtbot, page, DeliveriesDialog)
        qtbot.waitUntil(log.resend_button.isEnabled)
        log.resend_button.click()
        qtbot.waitUntil(lambda: log.table.model().rowCount() == 2)
        press("Escape")
        closed(qtbot, page, DeliveriesDialog)
        qtbot.waitUntil(lambda: cell.data() == "0 of 2 · 500")
    page.commands.trigger("reveal_secret")
    revealed = dialog(qtbot, page, SecretDialog)
    assert revealed.field.toPlainText() == "whsec_hidden"
    press("Escape")
    closed(qtbot, page, SecretDialog)
    page.commands.trigger("event_receivers")
    receivers = dialog(qtbot, page, EventReceiversDialog)
    qtbot.waitUntil(lambda: " would receive " in receivers.state.text())
    press("Escape")
    closed(qtbot, page, EventReceiversDialog)
    page.commands.trigger("check_request")
    dialog(qtbot, page, CheckRequestDialog).close()
    closed(qtbot, page, CheckRequestDialog)
    assert page.list.current_id() == key
    assert (ask(file, HOOKS), ask(file, "SELECT count(*) FROM audit_chain")) == before


def test_an_event_reaches_the_receiver_of_this_program(qtbot: QtBot, page: WebhooksTab, file: Path) -> None:
    choose(qtbot, page, 0)
    page.commands.trigger("receiver")
    receiver = dialog(qtbot, page, ReceiverDialog)
    assert receiver.receiver is not None
    choose(qtbot, page, 1)  # whose secret is another
    ask(file, "UPDATE webhook_destinations SET url = ?, hostname = '127.0.0.1'", receiver.receiver.url)
    ask(file, "UPDATE webhook_destinations SET secret = 'whsec_hidden', events = '*'")
    page.window().activateWindow()
    qtbot.waitUntil(page.window().isActiveWindow)
    page.commands.trigger("send_event")  # it is read as it is now
    sending = dialog(qtbot, page, SendEventDialog)
    sending.send()
    qtbot.waitUntil(lambda: sending.answer.title.text() == "200 OK")
    qtbot.waitUntil(lambda: receiver.table.model().rowCount() == 1)
    assert "X-Webhook-Signature: sha256=" in receiver.request.toPlainText()
    assert receiver.table.model().index(0, 2).data() == "holds"
    assert "as this address is in it" in receiver.state.text()
    sending.reject()
    closed(qtbot, page, SendEventDialog)
    receiver.close()
    closed(qtbot, page, ReceiverDialog)


def test_ready_views_are_counted_where_that_is_not_much_to_read(
    qtbot: QtBot, page: WebhooksTab, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def counts() -> set[int | None]:
        return {chip.count for chip in page.views._chips if chip.key is not None}

    qtbot.waitUntil(lambda: None not in counts())
    ask(file, "UPDATE webhook_destinations SET secret = NULL")
    total = page.model.rowCount()
    press("F5")
    qtbot.waitUntil(lambda: total in counts())
    monkeypatch.setattr("models.engine.MOST_READ", 1)
    page.views.forget()
    page.views.count(page.scope)
    assert counts() == {None}, "none are shown that are not known"
