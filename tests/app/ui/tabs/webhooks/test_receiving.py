"""The receiver as a person tries a webhook with it."""

import socket
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.services.deliveries.checking import Checked, check
from app.services.deliveries.request import SIGNATURE
from app.services.deliveries.signing import platform_signature
from app.services.records.webhooks import Secret
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks import WebhooksTab, receiving
from app.ui.tabs.webhooks.receiving import ReceiverDialog
from app.ui.tabs.webhooks.sending import SendEventDialog
from tests.app.ui.conftest import ShowTab
from tests.app.ui.tabs.webhooks.test_sending import scrolled
from tests.fixtures.window import ask, choose, click, closed, dialog, go, open_file, press

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


def cells(shown: ReceiverDialog) -> list[list[str]]:
    model = shown.table.model()
    return [[model.index(row, column).data() for column in range(5)] for row in range(model.rowCount())]


@pytest.mark.slow
def test_an_event_is_sent_to_the_receiver_and_seen_there(
    window: MainWindow, qtbot: QtBot, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE webhook_destinations SET events = '*', secret = 'whsec_another'")
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 2)
    assert not page.table.isColumnHidden(page.model.column_of("name")), "it is what others call it"
    choose(qtbot, page, 0)
    page.commands.trigger("receiver")
    shown = dialog(qtbot, window, ReceiverDialog)
    assert not window.settings.webhooks_here and shown.receiver is not None
    click(qtbot, shown.off.button)
    assert window.settings.webhooks_here and shown.off.isHidden()
    click(qtbot, shown.copy_button)
    url = QGuiApplication.clipboard().text()
    assert url == shown.receiver.url
    row = page.selection.records()[0][0]  # which has another secret since the receiver was opened
    change = "UPDATE webhook_destinations SET url = ?, hostname = '127.0.0.1', secret = ? WHERE id = ?"
    ask(demo_path, change, url, SECRET, row)
    window.activateWindow()
    page.table.setFocus()
    qtbot.waitUntil(page.table.hasFocus)
    press("T")  # the window stays usable
    sending = dialog(qtbot, window, SendEventDialog)
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: sending.answer.title.text() == "200 OK")
    qtbot.waitUntil(lambda: len(cells(shown)) == 1)
    (row,) = cells(shown)
    assert row[1:3] == ["run_started", "holds"] and row[4] == "200"
    assert shown.state.text().endswith("as this address is in it.")
    assert "X-Webhook-Signature: sha256=" in shown.request.toPlainText()
    click(qtbot, shown.copy_request)
    request = QGuiApplication.clipboard().text()
    assert '"type":"run_started"' in request and request == shown.request.toPlainText()
    length = request.partition("Content-Length: ")[2].partition("\n")[0]
    assert len(request.partition("\n\n")[2].encode()) == int(length), "as it came, not laid out anew"
    shown.answers.setCurrentIndex(1)
    sending.send()
    qtbot.waitUntil(lambda: sending.answer.title.text() == "500 Internal Server Error")
    sending.reject()
    closed(qtbot, window, SendEventDialog)
    port = shown.receiver.port
    shown.clear_button.click()
    assert cells(shown) == [] and shown.request.toPlainText() == ""
    shown.activateWindow()
    shown.reject()
    closed(qtbot, window, ReceiverDialog)
    qtbot.waitUntil(lambda: refused(port))
    page.commands.trigger("receiver")
    again = dialog(qtbot, window, ReceiverDialog)
    assert again.receiver is not None and again.receiver.url == url  # a webhook has that address by now
    assert again.focusWidget() is again.copy_button and again.elsewhere.isHidden()
    assert again.windowHandle().transientParent() is None  # it may go behind the window
    window.activateWindow()
    page.commands.trigger("receiver")
    qtbot.waitUntil(again.isActiveWindow)
    again.reject()
    closed(qtbot, window, ReceiverDialog)
    qtbot.waitUntil(lambda: refused(port))
    with closing(socket.create_server(("127.0.0.1", port))):
        page.commands.trigger("receiver")
        other = dialog(qtbot, window, ReceiverDialog)
        assert other.receiver is not None and other.receiver.port != port
        assert str(port) in other.elsewhere.text() and not other.elsewhere.isHidden()
        assert window.settings.receiver_port == port
        other.reject()


def refused(port: int) -> bool:
    with closing(socket.socket()) as client:
        return client.connect_ex(("127.0.0.1", port)) != 0


@pytest.mark.slow
def test_it_ends_with_the_file_and_says_that_the_preferences_are_off(
    window: MainWindow, qtbot: QtBot, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ReceiverDialog, "_room", QSize(592, 352))
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 2)
    page.commands.trigger("receiver")
    shown = dialog(qtbot, window, ReceiverDialog)
    assert shown.off.isVisible() and shown.receiver is not None
    port = shown.receiver.port
    with closing(socket.create_connection(("127.0.0.1", port))) as client:
        many = b"X-Many: yes\r\n" * 20
        client.sendall(b"POST / HTTP/1.0\r\n" + many + b"Content-Length: 2\r\n\r\nhi")
        qtbot.waitUntil(lambda: len(cells(shown)) == 1)
    qtbot.waitUntil(lambda: not scrolled(shown))  # within a dialog that scrolls
    assert cells(shown)[0][1:3] == ["—", "not signed"]
    assert "open this with a webhook selected" in shown.state.text()
    window.close_file()
    qtbot.waitUntil(lambda: refused(port))


@pytest.mark.slow
def test_a_signature_is_judged_of_the_bytes_that_came_and_of_nothing_less(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A body that is no UTF-8, one in parts, and one that broke off, which nobody can judge."""
    ask(context.opened.path, "UPDATE webhook_destinations SET secret = ?", SECRET)
    judged: list[str] = []

    def check_once(head: str, *args: Any, **more: Any) -> Checked:
        judged.append(head)
        return check(head, *args, **more)

    monkeypatch.setattr(receiving, "check", check_once)
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    tab.commands.trigger("receiver")
    shown = dialog(qtbot, tab, ReceiverDialog)
    assert shown.receiver is not None
    body = b'{"a":"\xff"}'
    signed = f"{SIGNATURE}: {platform_signature(Secret(SECRET), body)}\r\n".encode()
    for rest in (
        b"Content-Length: 9\r\n\r\n" + body,
        b"Transfer-Encoding: chunked\r\n\r\n9\r\n" + body + b"\r\n0\r\n\r\n",
        b"Content-Length: 90\r\n\r\n" + body,
    ):
        seen = len(cells(shown))
        with closing(socket.create_connection(("127.0.0.1", shown.receiver.port))) as client:
            client.sendall(b"POST / HTTP/1.1\r\n" + signed + rest)
            client.shutdown(socket.SHUT_WR)
            qtbot.waitUntil(lambda: len(cells(shown)) == seen + 1)  # noqa: B023
    assert sorted(row[2] for row in cells(shown)) == ["holds", "holds", "not checked"]
    assert len(judged) == 2, "each once, however many come behind it"
    shown.table.setFocus()
    shown.table.select_row(1)

    def seen_of() -> tuple[str, QPoint, int]:
        return shown.request.toPlainText(), shown.copy_request.mapTo(shown, QPoint()), shown.height()

    read = seen_of()
    with closing(socket.create_connection(("127.0.0.1", shown.receiver.port))) as client:
        client.sendall(b"POST / HTTP/1.0\r\nContent-Length: 2\r\n\r\nhi")
        qtbot.waitUntil(lambda: len(cells(shown)) == 4)
    assert seen_of() == read and shown.table.selected_rows() == [2], "what one reads stays where it is"
    shown.reject()
