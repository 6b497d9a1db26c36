"""A webhook's secret in the window: revealed for a moment, rotated, and a request checked with it."""

import json
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.services.deliveries.destination import Destination
from app.services.deliveries.request import make
from app.services.deliveries.signing import standard_key
from app.services.records.webhooks import Secret
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.webhooks import WebhooksTab
from app.ui.tabs.webhooks.receiving import CheckRequestDialog
from app.ui.tabs.webhooks.secrets import LONGER_SECONDS, MOST_SECONDS, SHOWN_SECONDS, SecretDialog
from app.ui.widgets.form_dialog import FormDialog
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.ears import listening
from tests.fixtures.keyrings import Desktop
from tests.fixtures.window import ask, choose, closed, dialog, go, labels, open_file, press

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    return Desktop(tmp_path / "keyring", monkeypatch)


@pytest.fixture
def tab(show_tab: ShowTab, context: Context, qtbot: QtBot, desktop: Desktop) -> WebhooksTab:
    ask(context.opened.path, "UPDATE webhook_destinations SET secret = ?", SECRET)
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    return tab


def stored(context: Context, tab: WebhooksTab) -> str:
    sql = "SELECT secret FROM webhook_destinations WHERE id = ?"
    return str(ask(context.opened.path, sql, tab.list.current_id())[0][0])


def pasted(secret: str) -> tuple[str, str]:
    destination = Destination("1", url="https://a.example/in", hostname="a.example", secret=Secret(secret))
    made = make(destination, "run_killed", '{"type":"run_killed"}', now=NOW)
    return made.head(), made.body.decode()


@pytest.mark.slow
def test_a_secret_is_shown_for_ten_seconds_and_copied_once(
    tab: WebhooksTab, qtbot: QtBot, capfd: pytest.CaptureFixture[str]
) -> None:
    tab.commands.trigger("reveal_secret")
    shown = dialog(qtbot, tab, SecretDialog)
    assert shown.field.toPlainText() == SECRET and shown.note.text() == f"Hidden in {SHOWN_SECONDS} s."
    for _ in range(SHOWN_SECONDS):
        shown._clock.timeout.emit()
    assert SECRET not in said(shown) and "hidden again" in shown.note.text()
    assert not shown.copy_button.isEnabled() and not shown._clock.isActive()
    assert shown.focusWidget() is shown.close_button
    press("Return")
    closed(qtbot, tab, SecretDialog)
    QGuiApplication.clipboard().clear()
    tab.commands.trigger("reveal_secret")
    shown = dialog(qtbot, tab, SecretDialog)
    assert shown.focusWidget() is shown.copy_button
    press("Return")
    assert QGuiApplication.clipboard().text() == SECRET
    assert not shown.copy_button.isEnabled() and SECRET not in said(shown)
    press("Esc")
    closed(qtbot, tab, SecretDialog)
    QGuiApplication.clipboard().clear()
    tab.commands.trigger("reveal_secret")
    shown = dialog(qtbot, tab, SecretDialog)
    press("Shift+Tab")
    press("Ctrl+A")
    assert not shown.field.createMimeDataFromSelection().formats(), "X11 pastes what is selected"
    press("Ctrl+C")
    assert QGuiApplication.clipboard().text() == SECRET and SECRET not in said(shown), "once, by keys, too"
    assert QGuiApplication.clipboard().mimeData().data("x-kde-passwordManagerHint") == b"secret"
    QGuiApplication.clipboard().clear()
    press("Ctrl+C")
    assert not QGuiApplication.clipboard().text()
    press("Esc")
    closed(qtbot, tab, SecretDialog)
    assert SECRET not in "".join(capfd.readouterr())


def said(shown: SecretDialog) -> str:
    """All that can be read of it."""
    return "".join([*labels(shown), shown.field.toPlainText()])


@pytest.mark.slow
def test_a_usual_secret_stands_in_one_line(context: Context, qtbot: QtBot) -> None:
    shown = SecretDialog(context, "Secret", "Of a webhook.", Secret("whsec_" + "0123456789" * 4))
    qtbot.addWidget(shown)
    shown.show()
    assert shown.field.document().firstBlock().layout().lineCount() == 1


@pytest.mark.slow
def test_it_stays_while_it_is_read_and_longer_when_that_is_asked_for_but_not_for_good(
    tab: WebhooksTab, qtbot: QtBot
) -> None:
    tab.commands.trigger("reveal_secret")
    shown = dialog(qtbot, tab, SecretDialog)
    tick = shown._clock.timeout.emit
    press("Shift+Tab")
    assert shown.focusWidget() is shown.field and shown.field.isReadOnly()
    for _ in range(3 * SHOWN_SECONDS):
        tick()
    assert shown.field.toPlainText() == SECRET and "has the focus" in shown.note.text()
    press("Ctrl+A")
    assert shown.field.textCursor().selectedText() == SECRET
    press("Tab")
    press("Tab")
    assert shown.focusWidget() is shown.longer_button
    with listening() as heard:
        press("Return")
    assert heard.words == [f"Hidden in {LONGER_SECONDS} s."]
    for _ in range(LONGER_SECONDS - 1):
        tick()
    assert shown.field.toPlainText() == SECRET
    shown.field.setFocus()
    for _ in range(MOST_SECONDS - 3 * SHOWN_SECONDS - LONGER_SECONDS + 1):
        assert SECRET in said(shown)
        tick()
    assert SECRET not in said(shown) and shown.focusWidget() is shown.close_button
    assert not shown.longer_button.isEnabled()


def test_of_many_those_without_a_secret_get_one_each(
    tab: WebhooksTab, context: Context, qtbot: QtBot
) -> None:
    path, of = context.opened.path, "SELECT secret FROM webhook_destinations ORDER BY id"
    ask(path, "UPDATE webhook_destinations SET secret = NULL WHERE id <> ?", tab.list.current_id())
    with qtbot.waitSignal(tab.list.loaded):
        tab.reload()
    tab.table.selectAll()
    before, total = ask(path, of), tab.model.rowCount()
    action = tab.commands.action("give_secrets")
    wanted = f"Generate {total - 1} of {total} missing secrets"
    qtbot.waitUntil(lambda: action.text().replace("&", "") == wanted)
    with qtbot.waitSignal(context.runner.changed) as done:
        tab.commands.trigger("give_secrets")
    assert done.args[0].told.startswith(f"Secret of {total - 1} webhooks set; 1 left as it is: with a secret")
    given = [secret for (secret,) in ask(path, of)]
    assert len(set(given)) == total and all(len(standard_key(Secret(one))) for one in given)
    payloads = str(ask(path, "SELECT payload FROM audit_chain"))
    assert not [one for one in given if one in payloads + done.args[0].told]
    qtbot.waitUntil(lambda: not action.isEnabled())
    context.history.undo()
    qtbot.waitUntil(lambda: ask(path, of) == before)


@pytest.mark.slow
def test_a_secret_is_rotated_and_taken_back_and_the_old_one_is_still_taken(
    tab: WebhooksTab, context: Context, qtbot: QtBot, desktop: Desktop
) -> None:
    tab.commands.trigger("rotate_secret")
    dialog(qtbot, tab, FormDialog)
    with qtbot.waitSignal(context.runner.changed) as changed:
        press("Return")
    shown = dialog(qtbot, tab, SecretDialog)
    new = stored(context, tab)
    assert shown.field.toPlainText() == new != SECRET and len(standard_key(Secret(new))) == 32
    assert "replaced" in changed.args[0].summary
    press("Esc")
    closed(qtbot, tab, SecretDialog)
    qtbot.waitUntil(lambda: desktop.kept == 2)  # it, and the list of them
    ((payload,),) = ask(context.opened.path, "SELECT payload FROM audit_chain ORDER BY seq DESC LIMIT 1")
    assert json.loads(payload)["changes"] == {"secret": "replaced"}
    tab.commands.trigger("check_request")
    checking = dialog(qtbot, tab, CheckRequestDialog)
    qtbot.waitUntil(lambda: "the old secret" in checking.against.text())
    for secret, title in ((new, "The signature holds"), (SECRET, "The signature holds with the old secret")):
        head, body = pasted(secret)
        checking.headers.setPlainText(head)
        checking.body_editor.setPlainText(body)
        assert checking.verdict.title.text().startswith(title)
    checking.reject()
    with qtbot.waitSignal(context.runner.changed):
        context.history.undo()
    assert stored(context, tab) == SECRET
    files = [path for path in paths.state_dir().rglob("*") if path.is_file()]
    written = b"".join(path.read_bytes() for path in files)
    assert SECRET.encode() not in written and new.encode() not in written


@pytest.mark.slow
def test_a_first_secret_is_generated_in_hex(
    tab: WebhooksTab, context: Context, qtbot: QtBot, desktop: Desktop
) -> None:
    ask(context.opened.path, "UPDATE webhook_destinations SET secret = NULL")
    tab.reload()
    qtbot.waitUntil(lambda: not tab.commands.action("reveal_secret").isEnabled())
    assert tab._no_secret() == "No secret is stored for this webhook."
    tab.commands.trigger("rotate_secret")
    form = dialog(qtbot, tab, FormDialog)
    assert form.title.text() == "Generate secret" and "period" not in form.values()
    press("Down")
    press("Return")
    shown = dialog(qtbot, tab, SecretDialog)
    assert (
        len(bytes.fromhex(shown.field.toPlainText())) == 32
        and stored(context, tab) == shown.field.toPlainText()
    )


@pytest.mark.slow
def test_without_a_keyring_the_person_is_told(
    tab: WebhooksTab, context: Context, qtbot: QtBot, desktop: Desktop
) -> None:
    desktop.meets("locked")
    said: list[str] = []
    context.say = lambda words, undoes=False: said.append(words) if undoes else None
    tab.commands.trigger("rotate_secret")
    dialog(qtbot, tab, FormDialog)
    press("Return")
    shown = dialog(qtbot, tab, SecretDialog)
    qtbot.waitUntil(lambda: any("until this database is closed" in text for text in said))
    assert "until this database is closed" in shown.sentence.text()  # where a toast has no room for it
    shown.reject()
    tab.commands.trigger("check_request")
    checking = dialog(qtbot, tab, CheckRequestDialog)
    qtbot.waitUntil(lambda: "taken until this database is closed, at most until 2" in checking.against.text())


@pytest.mark.slow
def test_a_request_is_checked_by_keys_and_a_secret_that_is_typed(
    window: MainWindow, qtbot: QtBot, demo_path: Path, desktop: Desktop
) -> None:
    ask(demo_path, "UPDATE webhook_destinations SET secret = ?", SECRET)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, 2)
    choose(qtbot, page, 0)
    page.commands.trigger("check_request")
    shown = dialog(qtbot, window, CheckRequestDialog)
    assert shown.verdict.title.text() == "No headers yet" and shown.focusWidget() is shown.headers
    head, body = pasted("another secret")
    QGuiApplication.clipboard().setText(f"{head}\n\n{body}")
    press("Ctrl+V")  # of a whole request each box takes its part
    assert (shown.headers.toPlainText(), shown.body_editor.toPlainText()) == (head, body)
    QGuiApplication.clipboard().setText(f"{head}\nX-Long: {'x' * 2_000}")
    shown.headers.selectAll()
    press("Ctrl+V")
    bar = shown.headers.verticalScrollBar()
    qtbot.waitUntil(lambda: bar.maximum() > 0 == bar.value())
    assert not shown.headers.horizontalScrollBar().maximum(), "the signature is seen whole"
    assert shown.verdict.title.text() == "The signature does not hold"
    shown.typed.setText("another secret")
    assert shown.verdict.title.text() == "The signature holds"
    shown.body_editor.setPlainText('{"type": "run_started"}')
    shown.headers.setPlainText(head)
    assert shown.verdict.title.text() == "The signature does not hold"
    assert any("the body's type is run_started" in text for text in labels(shown))
    press("Esc")
    closed(qtbot, window, CheckRequestDialog)
