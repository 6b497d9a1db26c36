"""The delivery log as a person looks through it."""

import json
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QSize
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app import paths
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog, LogQuery
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import Signing
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks import WebhooksTab
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.sending import SendEventDialog
from app.ui.widgets.dialogs import ConfirmDialog
from tests.app.ui.conftest import ShowTab
from tests.app.ui.tabs.webhooks.test_sending import SECRET, point, scrolled
from tests.conftest import NOW
from tests.fixtures.hooked import answer, serving
from tests.fixtures.window import ask, choose, closed, dialog, go, labels, open_file, press, type_text


def opened(show_tab: ShowTab, context: Context, qtbot: QtBot) -> DeliveriesDialog:
    tab = show_tab(WebhooksTab)
    tab.commands.trigger("deliveries")
    shown = dialog(qtbot, tab, DeliveriesDialog)
    qtbot.waitUntil(lambda: shown.state.text() != "Reading…")
    return shown


def send(show_tab: ShowTab, context: Context, qtbot: QtBot, *events: str) -> None:
    """Sends them from the window to the first webhook."""
    context.settings.webhooks_here = True
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    tab.commands.trigger("send_event")
    shown = dialog(qtbot, tab, SendEventDialog)
    for event in events:
        shown.events.setCurrentText(event)
        shown.send_button.click()
        qtbot.waitUntil(lambda: shown._task is None)
    assert "Kept in the delivery log" in shown.kept.text()
    shown.reject()
    tab.hide()


def results(shown: DeliveriesDialog) -> list[str]:
    model = shown.table.model()
    return [model.index(row, 0).data() for row in range(model.rowCount())]


@pytest.mark.slow
def test_what_was_sent_is_found_filtered_and_sent_again_by_keys(
    window: MainWindow, qtbot: QtBot, demo_path: Path
) -> None:
    with serving(answer("500 Internal Server Error", b'{"error": "internal"}')) as hook:
        point(demo_path, hook)
        before = ask(demo_path, "SELECT * FROM webhook_destinations")
        window.settings.webhooks_here = True
        open_file(qtbot, window, demo_path)
        page = go(qtbot, window, 2)
        choose(qtbot, page, 0)
        page.table.setFocus()
        press("T")
        sending = dialog(qtbot, window, SendEventDialog)
        press("Return")
        qtbot.waitUntil(sending.answer.title.isVisible)
        press("Esc")
        closed(qtbot, window, SendEventDialog)
        page.table.setFocus()
        press("Ctrl+L")
        shown = dialog(qtbot, window, DeliveriesDialog)
        qtbot.waitUntil(lambda: results(shown) == ["500"])
        qtbot.waitUntil(shown.answer.title.isVisible)
        assert shown.answer.title.text() == "500 Internal Server Error"
        sent = hook.requests[0].partition(b"\r\n\r\n")[2]
        assert b"run_killed" in sent and shown.sent_body.toPlainText().encode() == sent
        assert shown.focusWidget() is shown.table
        shown.text.setFocus()
        type_text(qtbot, "nothing like it")
        qtbot.waitUntil(lambda: shown.state.text() == "No delivery matches these filters.")
        assert not shown.resend_button.isEnabled() and shown.answer.title.isHidden() is False
        shown.text.clear()
        qtbot.waitUntil(lambda: results(shown) == ["500"])
        press("Return")  # leads to what it has found
        assert shown.isVisible() and shown.focusWidget() is shown.table
        press("Return")  # and from there to all of it
        assert shown.shown.isAncestorOf(shown.focusWidget())
        shown.resend_button.setFocus()
        press("Return")
        qtbot.waitUntil(lambda: shown.focusWidget() is shown.table)
        qtbot.waitUntil(lambda: results(shown) == ["500", "500"])
        assert shown.table.model().index(0, 2).data() == "run_killed · again"
        first, second = (request.partition(b"\r\n\r\n")[2] for request in hook.requests)
        assert first == second
        press("Esc")
        closed(qtbot, window, DeliveriesDialog)
    assert ask(demo_path, "SELECT * FROM webhook_destinations") == before


@pytest.mark.slow
def test_the_log_is_filtered_by_result_and_webhook(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    with serving(answer("200 OK", b"ok")) as hook:
        point(context.opened.path, hook)
        send(show_tab, context, qtbot, "run_killed", "run_started")
    send(show_tab, context, qtbot, "run_completed")  # to nobody any more
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(lambda: results(shown) == ["no connection", "200", "200"])
    shown.outcome.setCurrentIndex(1)
    qtbot.waitUntil(lambda: results(shown) == ["200", "200"])
    shown.outcome.setCurrentIndex(2)
    qtbot.waitUntil(lambda: results(shown) == ["no connection"])
    assert shown.of.count() == 1  # no webhook was selected


@pytest.mark.slow
def test_what_the_log_gives_to_others_holds_no_secret(
    show_tab: ShowTab, context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    said = json.dumps({"echo": SECRET, "email": "ada@acme.example"}).encode()
    with serving(answer("200 OK", said, "Set-Cookie: sid=hidden-cookie")) as hook:
        point(context.opened.path, hook, url=hook.url("/hidden-path"))
        send(show_tab, context, qtbot, "run_killed")
        shown = opened(show_tab, context, qtbot)
        qtbot.waitUntil(lambda: results(shown) == ["200"])
        qtbot.waitUntil(shown.curl_button.isEnabled)
        shown.curl_button.click()
        qtbot.waitUntil(lambda: "Copied" in shown.state.text())
        copied = QGuiApplication.clipboard().text()
        out = tmp_path / "log.jsonl"
        shown.export(out)
        qtbot.waitUntil(lambda: "1 delivery written" in shown.state.text())
    written = out.read_text("ascii")
    kept = b"".join(file.read_bytes() for file in paths.deliveries_dir().iterdir())
    for marker in (SECRET, SECRET[6:]):
        assert marker not in copied and marker not in written and marker.encode() not in kept
    assert "/hidden-path" in copied and "$WEBHOOK_SECRET" in copied
    assert not any(marker in written for marker in ("ada@", "hidden-cookie", "hidden-path"))


@pytest.mark.slow
def test_a_log_that_cannot_be_read_and_a_webhook_that_went_say_so(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook)
        send(show_tab, context, qtbot, "run_killed")
    ask(context.opened.path, "DELETE FROM webhook_destinations")
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(lambda: results(shown) == ["200"])
    qtbot.waitUntil(shown.resend_button.isEnabled)
    shown.resend_button.click()
    qtbot.waitUntil(lambda: "no longer there" in shown.state.text())
    shown.reject()
    log = DeliveryLog()
    log.path.write_bytes(b"no database at all" * 100)
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(lambda: "cannot be used" in shown.state.text())
    assert results(shown) == []


@pytest.mark.slow
def test_what_is_too_old_goes_when_the_log_is_opened(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    with serving(answer()) as hook:
        point(context.opened.path, hook)
        send(show_tab, context, qtbot, "run_killed")
    clock = context.clock()
    context.clock = lambda: clock + 31 * 86_400
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(lambda: "Nothing was sent yet" in shown.state.text())
    assert DeliveryLog().find(LogQuery(str(context.opened.kept_by))) == []


@pytest.mark.slow
def test_the_log_shows_no_secret_whoever_kept_it_and_its_table_has_room_for_its_columns(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    said = b'{"session": {"accessToken": "hidden-token"}, "at": "https://ada:hidden-pw@a.example/x"}'
    kept = DeliveryAnswer(
        DeliveryOutcome.ANSWERED, "", 200, (("Set-Cookie", "sid=hidden-cookie"), ("X-Up", "yes")), said
    )
    to = Destination("wh_1", "acme-corp", "CI", "https://a.example/", "a.example", "*", None)
    made = make(to, "run_killed", '{"password": "hidden-body", "runId": "r1"}', now=NOW)
    log, database = DeliveryLog(), str(context.opened.kept_by)
    log.add(database, to, made, kept, signing=Signing.PLATFORM, days=30)
    shown = opened(show_tab, context, qtbot)
    view = shown.shown
    qtbot.waitUntil(shown.answer.headers.isVisible)
    read = [shown.sent_body.toPlainText(), shown.answer.headers.toPlainText(), *labels(shown.answer)]
    for box in shown.answer.body.findChildren(QPlainTextEdit):
        read.append(box.toPlainText())
    whole = "\n".join(read)
    assert "hidden" not in whole and "X-Up: yes" in whole and '"runId":"r1"' in whole
    titles = shown.table.horizontalHeader()
    assert titles.length() <= shown.table.viewport().width(), "all of its columns are in sight"
    came, sent_headers = (
        box.mapTo(view, box.rect().bottomLeft()) for box in (view.answer.headers, view.sent_headers)
    )
    assert came.y() < view.height() and not view.below_acts.verticalScrollBar().value(), (
        "so is what came of it"
    )
    assert came.y() < sent_headers.y(), "which is looked for first"
    assert shown.table.width() > shown.answer.width()


@pytest.mark.slow
def test_on_a_low_screen_the_list_has_room_and_what_is_shown_of_one_does_not_scroll_within_the_dialog(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(DeliveriesDialog, "_room", QSize(592, 352))
    kept = DeliveryAnswer(DeliveryOutcome.ANSWERED, "", 200, (("X-Up", "yes"),), b"ok")
    to = Destination("wh_1", "acme-corp", "CI", "https://a.example/", "a.example", "*", None)
    made = make(to, "run_killed", '{"runId": "r1"}', now=NOW)
    log = DeliveryLog()
    for _ in range(9):
        log.add(str(context.opened.kept_by), to, made, kept, signing=Signing.PLATFORM, days=30)
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(shown.answer.headers.isVisible)
    qtbot.waitUntil(lambda: scrolled(shown) == [shown.table])
    rows = shown.table.verticalHeader().defaultSectionSize()
    qtbot.waitUntil(lambda: shown.table.viewport().height() >= 6 * rows)


@pytest.mark.slow
def test_several_are_shown_and_sent_again_as_several_and_nothing_moves_with_the_row(
    show_tab: ShowTab, context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    with serving(answer("200 OK", b"ok" * 3_000, "X-Up: yes")) as hook:
        point(context.opened.path, hook)
        send(show_tab, context, qtbot, "run_killed", "run_started")
    send(show_tab, context, qtbot, "run_completed")  # to nobody any more
    log = DeliveryLog()
    ask(log.path, "UPDATE deliveries SET request = NULL WHERE event = 'run_killed'")  # as an earlier version
    shown = opened(show_tab, context, qtbot)
    qtbot.waitUntil(lambda: results(shown) == ["no connection", "200", "200"])

    def place(*parts: QWidget) -> set[tuple[QWidget, str]]:
        return {(part, f"{part.mapTo(shown, QPoint())} {part.size()}") for part in parts}

    places: set[tuple[QWidget, str]] = set()
    buttons = shown.resend_button, shown.export_button
    view = shown.shown
    for row in range(3):
        shown.table.select_row(row)
        wanted = results(shown)[row].capitalize()
        qtbot.waitUntil(partial(lambda code: shown.answer.title.text().startswith(code), wanted))
        places |= place(shown, view, shown.table, *buttons)
    assert len(places) == 5
    assert view.sent_headers.toPlainText() == "" and "Signed as the platform" in view.signed.text()
    assert "not kept" in view.sent_headers.placeholderText().lower()
    shown.table.select_row(1)
    assert "X-Webhook-Signature: sha256=…" in view.sent_headers.toPlainText()
    shown.table.selectAll()
    assert view.title.text() == "3 deliveries selected" and not shown.answer.isVisible()
    assert view.outcomes.text() == "2 answered 200 OK, 1 no connection."
    assert not shown.curl_button.isEnabled() and "single" in shown.curl_button.accessibleDescription()
    places |= place(shown, *buttons)
    assert len(places) == 5
    shown.table.select_ranges([range(1, 3)], 1)
    assert shown.export_button.text() == "Export 2…"
    out = tmp_path / "log.jsonl"
    shown.export(out)
    qtbot.waitUntil(lambda: "2 deliveries written" in shown.state.text())
    assert shown.resend_button.text() == "Send 2 again"
    shown.resend_button.click()
    asked = dialog(qtbot, shown, ConfirmDialog)
    asked.confirm_button.click()
    qtbot.waitUntil(lambda: "2 sent again: 2 no connection" in shown.state.text())
    assert results(shown) == ["no connection"] * 3 + ["200", "200"]
