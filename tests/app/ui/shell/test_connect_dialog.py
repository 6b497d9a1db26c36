"""The form for a connection, as far as it needs no server."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QSize
from pytestqt.qtbot import QtBot

from app.services.live.connections import Connections, NamedConnection, Tokens
from app.ui.shell.connect_dialog import ConnectDialog
from app.ui.theme import Theme
from app.ui.widgets.labels import Label
from app.ui.widgets.later import later
from app.workers.runner import Runner
from tests.fixtures.hooked import Hook, answer, serving
from tests.fixtures.window import added

_JSON = "Content-Type: application/json"


@pytest.fixture
def idle() -> Iterator[Runner]:
    runner = Runner()
    yield runner
    runner.stop()


def test_a_project_s_connection_stays_the_project_s(
    theme: Theme, idle: Runner, qtbot: QtBot, tmp_path: Path
) -> None:
    """It has no account, token or address to be edited."""
    connection = NamedConnection("dev", "", "1111", "main", base="", project=str(tmp_path))
    form = added(qtbot, ConnectDialog(theme, idle, lambda: Tokens(None), connection))
    assert form.connection() == connection
    form.name.setText("other")
    form.production.setChecked(True)
    assert form.colour.currentText() == "Yellow", "grey, which is no mark, is not shown as what it will have"
    assert form.connection() == replace(connection, name="other", production=True)
    assert form.values().keys() == {"name", "database", "production", "colour"}
    form.test_button.click()
    qtbot.waitUntil(lambda: "There is no running `wrangler dev` of" in form.problem.text())


def test_a_renamed_connection_has_the_old_name_no_more(
    theme: Theme, idle: Runner, qtbot: QtBot, tmp_path: Path
) -> None:
    before = NamedConnection("dev", "", "1111", "main", base="", project=str(tmp_path))
    Connections().add(before)
    for name in ("DEV", "other"):
        form = added(qtbot, ConnectDialog(theme, idle, lambda: Tokens(None), before))
        form.name.setText(name)
        with qtbot.waitSignal(form.kept):
            form._keep()
        before = form.connection()
        assert [one.name for one in Connections().all()] == [name]


def test_one_that_has_the_name_already_can_be_opened_from_there(
    theme: Theme, idle: Runner, qtbot: QtBot, tmp_path: Path
) -> None:
    before = NamedConnection("dev", "", "1111", "main", base="", project=str(tmp_path))
    Connections().add(before)
    Connections().add(replace(before, name="other"))
    form = added(qtbot, ConnectDialog(theme, idle, lambda: Tokens(None), before))
    form.show()
    form.name.setText("other")
    form._keep()
    qtbot.waitUntil(form.open_button.isVisible)
    assert form.focusWidget() is form.name and "choose another name" in form.name.accessibleDescription()
    with qtbot.waitSignal(form.wanted) as wanted:
        form.open_button.click()
    assert wanted.args == ["d1:other"] and not form.isVisible()
    form.show()
    form.name.setText("third")
    assert form.open_button.isHidden()


@pytest.mark.parametrize(
    ("key", "account", "address", "said"),
    [
        ("url", "0a", "\u202e\x00x", "The address is none"),
        ("url", "0a", "http://api.example.org", "The address must begin with https://"),
        ("url", "0a", "https://api.example.org?a=b", "The address holds more than host"),
        ("account", "0a x", "https://api.example.org", "An account's id has at most"),
        ("account", "", "https://api.example.org", "The account is missing"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    theme: Theme,
    idle: Runner,
    qtbot: QtBot,
    monkeypatch: pytest.MonkeyPatch,
    *,
    key: str,
    account: str,
    address: str,
    said: str,
) -> None:
    form = added(qtbot, ConnectDialog(theme, idle, lambda: Tokens(None)))
    form.name.setText("prod")
    form.account.setText(account)
    form.address.setText(address)
    monkeypatch.setattr(ConnectDialog, "_room", QSize(500, 300))  # where it has to scroll
    form.show()
    later(form, 10, form.test_button.click)  # after what it does once it is shown
    qtbot.waitUntil(lambda: form.focusWidget() is form.editor(key))
    qtbot.waitUntil(lambda: not form.editor(key).visibleRegion().isEmpty())
    shown = [label for label in form.findChildren(Label) if label.isVisibleTo(form)]
    (sentence,) = [label for label in shown if label.text().startswith(said)]
    assert form.focusWidget() is form.editor(key)
    qtbot.waitUntil(lambda: sentence.visibleRegion().boundingRect().height() == sentence.height())


def test_a_token_that_is_refused_is_typed_anew_where_nobody_reads_it(
    theme: Theme, idle: Runner, qtbot: QtBot
) -> None:
    refused = {
        "success": False,
        "errors": [{"code": 10000, "message": "Authentication error"}],
        "result": None,
    }
    with serving(answer("401 Unauthorized", json.dumps(refused).encode(), _JSON)) as hook:
        form = _asking(qtbot, theme, idle, hook)
        qtbot.waitUntil(lambda: form.focusWidget() is form.token)
        assert form.token.selectedText()
        assert "refuses the token" in form.token.accessibleDescription() and form.problem.isHidden()


def test_what_a_test_has_found_is_not_asked_for_any_more(theme: Theme, idle: Runner, qtbot: QtBot) -> None:
    found = [{"uuid": str(number) * 8, "name": f"copy-{number}"} for number in (1, 2)]
    listed = {"success": True, "errors": [], "messages": [], "result": found}
    with serving(answer("200 OK", json.dumps(listed).encode(), _JSON)) as hook:
        form = _asking(qtbot, theme, idle, hook)
        qtbot.waitUntil(lambda: form.state.text() == "There are 2 databases. Choose one.")
        assert "Press Test" not in form.database.accessibleDescription()


def _asking(qtbot: QtBot, theme: Theme, runner: Runner, hook: Hook) -> ConnectDialog:
    """One that was to be saved before it was tested, and is."""
    form = added(qtbot, ConnectDialog(theme, runner, lambda: Tokens(None)))
    form.name.setText("prod")
    form.account.setText("0a" * 16)
    form.token.setText("t" * 40)
    form.address.setText(f"http://127.0.0.1:{hook.port}")
    form.show()
    form.action_button.click()
    assert "Press Test" in form.database.accessibleDescription()
    form.address.setFocus()
    form.test_button.click()
    return form
