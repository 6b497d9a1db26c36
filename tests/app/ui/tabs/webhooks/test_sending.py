"""Sending a test event from the window, to real servers on this computer."""

import json
import socket
import subprocess
import threading
from itertools import count
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSize, Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QAbstractScrollArea, QLabel, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.services.deliveries.request import RUN_ID, DeliveryAnswer, DeliveryOutcome, DeliveryPart, Step
from app.services.deliveries.signing import platform_signature
from app.services.records.webhooks import Secret
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks import WebhooksTab
from app.ui.tabs.webhooks.sending import SendEventDialog
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.ears import listening
from tests.fixtures.hooked import Hook, answer, connections, serving
from tests.fixtures.window import ask, choose, click, closed, dialog, go, labels, open_file, press, type_text

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def point(path: Path, hook: Hook, **values: object) -> None:
    """All destinations of a file lead to a server."""
    stored = {"url": hook.url("/in?x=1"), "hostname": "127.0.0.1", "secret": SECRET, "events": "run_killed"}
    for name, value in (stored | values).items():
        ask(path, f"UPDATE webhook_destinations SET {name} = ?", value)


def opened(show_tab: ShowTab, context: Context, qtbot: QtBot) -> SendEventDialog:
    context.settings.webhooks_here = True
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    tab.commands.trigger("send_event")
    return dialog(qtbot, tab, SendEventDialog)


def sent(qtbot: QtBot, shown: SendEventDialog) -> None:
    shown.send_button.click()
    qtbot.waitUntil(lambda: shown._task is None)


def scrolled(shown: Dialog) -> list[QWidget]:
    """What has more to show than there is room for, but for the dialog as a whole."""
    parts = [part for part in shown.findChildren(QAbstractScrollArea) if part.isVisible()]
    assert shown._scroll in parts and shown._scroll.verticalScrollBar().maximum() > 0
    return [part for part in parts if part is not shown._scroll and part.verticalScrollBar().maximum() > 0]


@pytest.mark.slow
def test_an_event_is_sent_by_keys_alone_and_nothing_is_changed_by_it(
    window: MainWindow, qtbot: QtBot, demo_path: Path
) -> None:
    with serving(answer("200 OK", b'{"ok": true}', "Content-Type: application/json")) as hook:
        point(demo_path, hook)
        before = ask(demo_path, "SELECT * FROM webhook_destinations")
        entries = ask(demo_path, "SELECT count(*) FROM audit_chain")
        open_file(qtbot, window, demo_path)
        window.settings.webhooks_here = True
        page = go(qtbot, window, 2)
        choose(qtbot, page, 0)
        page.table.setFocus()
        page.context.clock = lambda: NOW - 60
        press("T")
        shown = dialog(qtbot, window, SendEventDialog)
        page.context.clock = lambda: NOW
        assert shown.events.currentText() == "run_killed"
        assert shown.focusWidget() is shown.events, "Return in haste sends nothing"
        press("Ctrl+Return")
        qtbot.waitUntil(shown.answer.title.isVisible)
        assert shown.answer.title.text() == "200 OK"
        assert json.loads(shown.answer.body._text or "") == {"ok": True}
        (request,) = hook.requests
        head, _, body = request.decode().partition("\r\n\r\n")
        assert head.replace("\r", "") == shown.request.toPlainText()
        assert json.loads(body)["runId"] == RUN_ID and json.loads(body)["timestamp"] == NOW
        signature = platform_signature(Secret(SECRET), body.encode())
        assert f"X-Webhook-Signature: {signature}" in head and f"X-Webhook-Timestamp: {NOW}" in head
        for part in (shown.events, shown.body_editor):  # wherever the focus is
            part.setFocus()
            press("Ctrl+Return")
            qtbot.waitUntil(lambda: shown._task is None)
        assert len(hook.requests) == 3
        shown.curl_button.click()
        qtbot.waitUntil(lambda: any(text.startswith("Copied; set WEBHOOK_SECRET") for text in labels(shown)))
        press("Esc")
        closed(qtbot, window, SendEventDialog)
    assert ask(demo_path, "SELECT * FROM webhook_destinations") == before
    assert ask(demo_path, "SELECT count(*) FROM audit_chain") == entries


@pytest.mark.slow
def test_the_body_is_edited_and_what_is_no_json_is_not_sent(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer("500 Internal Server Error", b"oh <img src=x>")) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        before = shown.request.toPlainText()
        shown.body_editor.setFocus()
        shown.body_editor.selectAll()
        type_text(qtbot, '{"a": ')
        assert not shown.send_button.isEnabled() and "not valid JSON (line 1" in shown.problem.text()
        type_text(qtbot, "1}")
        assert shown.send_button.isEnabled() and shown.problem.isHidden()
        assert shown.body_state.text() == "edited" and "The body is yours" in shown.promise.text()
        assert "Content-Length: 7" in shown.request.toPlainText() != before
        shown.events.setCurrentText("run_started")  # leaves what was typed
        assert "does not send it to this webhook" in shown.meaning.text()
        sent(qtbot, shown)
        assert hook.requests[0].endswith(b'\r\n\r\n{"a":1}')
        shown.body_editor.setPlainText('{"a": 2}')
        shown.reject()
        asked = dialog(qtbot, shown, ConfirmDialog)
        assert asked.title.text() == "Discard the body?"
        asked.reject()
        assert shown.isVisible() and shown.body_editor.toPlainText() == '{"a": 2}'
    assert shown.answer.title.text() == "Before: 500 Internal Server Error"
    assert "answered with an error" in shown.answer.why.text()
    assert "oh <img src=x>" in shown.answer.body.text_view.toPlainText()
    names = [piece.text() for piece in shown.answer.waterfall.findChildren(type(shown.answer.total))]
    assert {"resolve", "connect", "first byte", "body"} <= set(names)
    answered = DeliveryAnswer(
        DeliveryOutcome.ANSWERED, status=200, steps=[Step(DeliveryPart.BODY, 0.004, 0.0042)], seconds=0.019
    )
    shown.answer.show_answer(answered)
    told = {label.text() for label in shown.answer.waterfall.findChildren(QLabel)}
    assert {"body", "4 ms", "within this program", "15 ms"} <= told  # 19 in all
    shown.reject()
    click(qtbot, dialog(qtbot, shown, ConfirmDialog).confirm_button)
    qtbot.waitUntil(lambda: not isValid(shown))


@pytest.mark.slow
def test_return_twice_in_haste_sends_once_and_what_came_of_it_is_heard(
    window: MainWindow, qtbot: QtBot, demo_path: Path
) -> None:
    with serving(answer("500 Internal Server Error", b"no")) as hook, listening() as heard:
        point(demo_path, hook)
        window.settings.webhooks_here = True
        open_file(qtbot, window, demo_path)
        page = go(qtbot, window, 2)
        choose(qtbot, page, 0)
        page.commands.trigger("send_event")
        shown = dialog(qtbot, window, SendEventDialog)
        shown.send_button.setFocus()
        press("Return")
        press("Return")
        qtbot.waitUntil(shown.answer.title.isVisible)
        assert shown.answer.title.text() == "500 Internal Server Error" and len(hook.requests) == 1
        assert shown.focusWidget() is shown.send_button
        assert shown.send_button.accessibleName() == "Send again"
        assert any("500 Internal Server Error. The server was reached" in text for text in heard.at_once)


@pytest.mark.slow
def test_the_secret_is_nowhere_to_be_read(
    show_tab: ShowTab, context: Context, qtbot: QtBot, capfd: pytest.CaptureFixture[str]
) -> None:
    with serving(answer("200 OK", SECRET.encode()[:0])) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        for signing in (0, 1):
            shown.signing.setCurrentIndex(signing)
            assert shown.answer.title.text() == ("", "Before: 200 OK")[signing]  # of another request
            assert ("not sent yet" in shown.kept.text()) is (signing == 1)
            shown.curl_button.click()
            command = QGuiApplication.clipboard().text()
            texts = [shown.request.toPlainText(), shown.sentence.text(), command, repr(shown._destination)]
            assert not any(SECRET in text or SECRET[6:] in text for text in texts)
            sent(qtbot, shown)
        names = [line.partition(b":")[0] for line in hook.requests[1].split(b"\r\n")]
        assert b"webhook-signature" in names and b"X-Webhook-Signature" not in names
    assert SECRET not in "".join(capfd.readouterr())


@pytest.mark.slow
@pytest.mark.parametrize("signing", [0, 1])
def test_what_is_copied_as_curl_sends_the_same(
    show_tab: ShowTab, context: Context, qtbot: QtBot, signing: int
) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        shown.signing.setCurrentIndex(signing)
        assert shown.request.verticalScrollBar().maximum() == 0, "the signature is seen whole"
        shown.body_editor.setPlainText('{"a": "it\'s $HOME `x` \\" é"}')
        asked = shown._request
        shown.send()
        shown.curl_button.click()
        qtbot.waitUntil(lambda: shown._task is None)
        head = hook.requests[0].decode().partition("\r\n\r\n")[0].replace("\r", "")
        assert head == shown.request.toPlainText(), "what is shown is what went"
        assert asked is not None
        assert {one for one in asked.headers if one[0].lower() == "webhook-id"} <= {
            *map(tuple, (line.split(": ", 1) for line in head.splitlines()[1:]))
        }, "what names it was shown before"
        shown_head = shown._request
        shown.curl_button.click()
        command = QGuiApplication.clipboard().text()
        environment = {"PATH": "/usr/bin:/bin", "WEBHOOK_SECRET": SECRET}
        done = subprocess.run(["sh", "-c", command], env=environment, capture_output=True, check=False)
    assert done.returncode == 0 and done.stdout.endswith(b"ok"), done.stderr
    assert shown_head is not None
    sent_by_curl = hook.requests[-1].decode()
    body = sent_by_curl.partition("\r\n\r\n")[2]
    assert body.encode() == shown_head.body
    for name, value in shown_head.headers:
        assert f"\r\n{name}: {value}\r\n" in sent_by_curl


@pytest.mark.slow
def test_this_computer_is_refused_until_the_preferences_allow_it(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer()) as hook, connections() as connected:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        context.settings.webhooks_here = False
        sent(qtbot, shown)
        assert shown.answer.title.text() == "Refused" and "preferences" in shown.answer.why.text()
        assert hook.requests == [] and connected == []


@pytest.mark.slow
def test_it_can_be_stopped_and_the_window_lives_meanwhile(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    arrived = threading.Event()

    def silent(connection: socket.socket) -> None:
        arrived.set()
        connection.recv(1)

    with serving(silent) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        shown.send_button.click()
        qtbot.waitUntil(arrived.is_set)
        shown.send_button.click()  # once more changes nothing
        assert shown.send_button.text() == shown.send_button.accessibleName() == "Sending…"
        click(qtbot, shown.stop_button)
        qtbot.waitUntil(lambda: shown._task is None)
        assert shown.answer.title.text() == "Cancelled" and "not known" in shown.answer.why.text()
        arrived.clear()
        shown.send_button.click()
        qtbot.waitUntil(arrived.is_set)
        qtbot.keyClick(shown, Qt.Key.Key_Escape)  # closing it ends the wait, too
        qtbot.waitUntil(lambda: not context.runner._running)


@pytest.mark.slow
def test_a_webhook_without_a_secret_or_with_another_host_says_so(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook, secret=None)
        shown = opened(show_tab, context, qtbot)
        assert "Signature" not in shown.request.toPlainText()
        shown.signing.setCurrentIndex(1)
        assert "no secret" in shown.problem.text() and not shown.send_button.isEnabled()
        shown.reject()
        point(context.opened.path, hook, hostname="else.example")
        shown = opened(show_tab, context, qtbot)
        assert "does not deliver" in shown.problem.text() and not shown.send_button.isEnabled()
        assert not shown.curl_button.isEnabled()


@pytest.mark.slow
def test_what_is_chosen_stands_in_halves_above_request_and_answer(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        tenant, webhook, request = shown.whose.tenants, shown.whose.webhooks, shown.request

        def at(part: QWidget) -> tuple[int, int]:
            left = part.mapTo(shown, QPoint()).x()
            return left, left + part.width()

        qtbot.waitUntil(lambda: at(tenant)[1] == at(request)[1])
        assert at(tenant)[0] - at(request)[0] == at(webhook)[0] - at(request)[1] - 24
        assert tenant.width() == webhook.width()


@pytest.mark.slow
def test_there_is_room_for_the_longest_sample(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        box, lines = shown.body_editor, []
        for number in range(shown.events.count()):
            shown.events.setCurrentIndex(number)
            lines.append(box.blockCount())
        around = 2 * int(box.document().documentMargin())
        assert box.sizeHint().height() >= max(lines) * box.fontMetrics().lineSpacing() + around


@pytest.mark.slow
@pytest.mark.parametrize("room", [QSize(852, 512), QSize(592, 352)])
def test_on_a_low_screen_nothing_scrolls_within_what_scrolls(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch, room: QSize
) -> None:
    monkeypatch.setattr(SendEventDialog, "_room", room)
    with serving(answer("200 OK", b'{"ok": true}', "Content-Type: application/json")) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        sent(qtbot, shown)
        qtbot.waitUntil(lambda: shown.answer.title.isVisible() and not scrolled(shown))
        before = shown.body_editor.height()
        shown.body_editor.setFocus()
        shown.body_editor.setPlainText("{\n" + '"a": 1,\n' * 20 + "}")
        qtbot.waitUntil(lambda: shown.body_editor.height() > before and not scrolled(shown))


def test_outcomes_have_words_of_their_own() -> None:
    assert len({outcome.value for outcome in DeliveryOutcome}) == len(DeliveryOutcome)


@pytest.mark.slow
def test_the_answer_before_is_no_answer_to_what_is_on_its_way(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    goes_on = threading.Event()
    refuses, seen = answer("500 Internal Server Error", b"no"), count()

    def answers(connection: socket.socket) -> None:
        if next(seen):
            goes_on.wait(10)
        refuses(connection)

    with serving(answers) as hook:
        point(context.opened.path, hook)
        shown = opened(show_tab, context, qtbot)
        sent(qtbot, shown)
        assert shown.answer.title.isVisible() and shown.kept.isVisible()
        shown.send_button.click()
        assert not shown.answer.title.isVisible() and not shown.kept.isVisible()
        assert "On its way…" in labels(shown.answer)
        goes_on.set()
        qtbot.waitUntil(shown.answer.title.isVisible)
        assert "On its way…" not in [
            label.text() for label in shown.answer.findChildren(QLabel) if label.isVisible()
        ]


@pytest.mark.slow
def test_tenant_and_webhook_are_chosen_in_the_dialog(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer("200 OK", b"ok")) as hook:
        point(context.opened.path, hook)
        hooks = "UPDATE webhook_destinations SET"
        ask(context.opened.path, f"{hooks} name = id, active = 1, url = url || '&to=' || id")
        shown = opened(show_tab, context, qtbot)
        tenant = shown.whose.tenants.currentData()
        other, nobody = [one for one in context.tenants if one not in (tenant, "system")][:2]
        ask(context.opened.path, f"{hooks} tenant_id = ? WHERE tenant_id <> ?", other, tenant)
        ids = ask(context.opened.path, "SELECT id FROM webhook_destinations WHERE tenant_id = ?", other)
        shown.events.setCurrentText("run_cancelled")
        sent(qtbot, shown)
        with listening() as heard:
            shown.whose.tenants.setCurrentIndex(shown.whose.tenants.findData(other))
            assert not shown.send_button.isEnabled() and not shown.request.toPlainText()
            qtbot.waitUntil(shown.send_button.isEnabled)
        chosen = shown.whose.webhooks.currentText()
        assert any(f"To {chosen} of {other}" in words for words in heard.words)
        assert shown.answer.title.text() == "Before: 200 OK" and shown.events.currentText() == "run_cancelled"
        last = next(one for (one,) in ids if one != chosen)
        shown.whose.webhooks.setCurrentIndex(shown.whose.webhooks.findData(last))
        qtbot.waitUntil(lambda: f"&to={last} " in shown.request.toPlainText())
        sent(qtbot, shown)
        assert f"&to={last} " in hook.requests[-1].decode() and len(hook.requests) == 2
        shown.whose.tenants.setCurrentIndex(shown.whose.tenants.findData(nobody))
        qtbot.waitUntil(lambda: shown.sentence.text() == "This tenant has no webhooks.")
        assert not shown.send_button.isEnabled() and not shown.curl_button.isEnabled()
