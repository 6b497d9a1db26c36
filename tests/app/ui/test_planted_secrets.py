"""Markers are planted as secrets, every act is done, and all that the program has written is searched.

The ways out: lists and what is selected in them, to files and to the clipboard, in each form; a request as
curl; the answer to a test event, the delivery log in sight, exported and as it is kept; whatever is shown,
said and announced, of what fails, too; an error that nobody expected, as it is told and logged; the entries
of the audit chain; settings, with filters that were typed, and all else in the program's own folder; what
each command writes and prints: reports, checkpoints, proofs, archives, lists, a tenant's data, a run as a
document.

Where they belong they are: in the database and in copies of it (`backup`, `export`), in the system's
keyring, on the screen where a person asked to see them, on the clipboard where they asked to have them
there.
"""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app import bugs
from app.services.deliveries.signing import Signing
from app.services.live.connections import ENVIRONMENT
from app.services.records import notifications, users, webhooks
from app.services.records.export import Format
from app.services.records.typed import Typed
from app.services.records.webhooks import Secret, WebhookInput
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.exporting import export_to
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.webhooks import WebhooksTab
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.secrets import SecretDialog
from app.ui.tabs.webhooks.sending import SendEventDialog
from app.ui.widgets.dialogs import BugDialog, ErrorDialog
from app.ui.widgets.form_dialog import FormDialog
from models.errors import TenantAdminError
from tests.d1.edge import ACCOUNT, TOKEN, Edge
from tests.fixtures.command import run
from tests.fixtures.ears import Heard
from tests.fixtures.hooked import serving
from tests.fixtures.keyrings import Desktop
from tests.fixtures.live import Live
from tests.fixtures.planted import finds, texts, written_in
from tests.fixtures.window import ask, choose, closed, dialog, go, open_file, press, words

SECRET = "whsec_pl4nt/hook+secret9fQabcdefghijkl"
ROTATED = "pl4nt/rotated+secret=3xZ"
PATH, QUERY = "pl4nt-path-77aa-bbcc", "pl4nt-query-55dd"
PASSWORD = "pl4nt Password+58!kz"
SALT, HASH = "pl4ntSALT40aa", "pl4ntHASH81bbcc"
STORED = f"$argon2id$v=19$m=65536,t=3,p=4${SALT}${HASH}"
USER, WORD = "pl4ntuser63", "pl4ntword29"
COLUMN = "pl4nt-column-token-31"
COOKIE = "pl4nt-cookie-12ab"
MARKERS = {
    "secret": SECRET,
    "rotated secret": ROTATED,
    "path": PATH,
    "query": QUERY,
    "password": PASSWORD,
    "salt": SALT,
    "hash": HASH,
    "user of a URL": USER,
    "password of a URL": WORD,
    "token in a column of the file's own": COLUMN,
    "cookie": COOKIE,
}


def echo(connection: socket.socket) -> None:
    """Answers with all that it knows of the request, the secret too."""
    said = {
        "path": f"/in/{PATH}?key={QUERY}",
        "secret": SECRET,
        "rotated": ROTATED,
        "password": PASSWORD,
        "hash": STORED,
        "at": f"https://{USER}:{WORD}@a.example/x",
        "token": COLUMN,
    }
    body = json.dumps(said).encode()
    headers = (
        f"Set-Cookie: sid={COOKIE}",
        f"Location: https://{USER}:{WORD}@a.example/in/{PATH}",
        f"X-Api-Key: {COLUMN}",
        f"X-Secret-Echo: {SECRET}",
    )
    lines = ["HTTP/1.1 200 OK", f"Content-Length: {len(body)}", *headers, "", ""]
    connection.sendall("\r\n".join(lines).encode() + body)


def plant(path: Path, url: str) -> None:
    """In a database: what the program has to handle, and may write nowhere else."""
    ask(path, "ALTER TABLE users ADD COLUMN api_token TEXT")
    ask(path, "UPDATE users SET password_hash = ?, api_token = ?", STORED, COLUMN)
    ask(
        path,
        "UPDATE webhook_destinations SET secret = ?, url = ?, hostname = '127.0.0.1', events = '*', name = ?",
        SECRET,
        f"{url}/in/{PATH}?key={QUERY}",
        f"see https://{USER}:{WORD}@a.example/in/{PATH}?key={QUERY}",
    )
    odd = "UPDATE webhook_destinations SET url = ?, hostname = 'a.example' WHERE rowid = 1"
    ask(path, odd, f"https://{USER}:{WORD}@a.example/in/{PATH}?key={QUERY}")


def acted(qtbot: QtBot, context: Context, act: Callable[..., Any], *args: Any, **how: Any) -> str:
    """What is said of it."""
    with qtbot.waitSignal(context.runner.changed) as changed:
        context.act(act, *args, **how)
    change = changed.args[0]
    return f"{change.summary}{change.left}{change.along}"


def do_all_acts(qtbot: QtBot, context: Context) -> list[tuple[str, str]]:
    """Each of users, webhooks and notifications, each taken back and done again."""
    said = []
    path = context.opened.path
    (first,), (second,), (third,) = ask(path, "SELECT id FROM users WHERE tenant_id = 'acme-corp' LIMIT 3")
    hooks = [key for (key,) in ask(path, "SELECT id FROM webhook_destinations ORDER BY rowid")]
    url = ask(path, "SELECT url FROM webhook_destinations ORDER BY rowid LIMIT 1 OFFSET 1")[0][0]
    form = WebhookInput(name=f"https://{USER}:{WORD}@b.example/{PATH}", url=url, secret=SECRET)
    notes = [key for (key,) in ask(path, "SELECT id FROM notifications LIMIT 3")]
    acts: list[tuple[Any, ...]] = [
        (users.create, "acme-corp", "new.one@acme.example"),
        (users.create_many, [("acme-corp", f"many.{at}@acme.example", {}) for at in range(3)]),
        (users.rename, first, "renamed@acme.example"),
        (users.set_password, first, Typed(PASSWORD)),
        (users.invalidate_passwords, [second]),
        (users.move, [third], "northwind-clinics"),
        (users.delete, [first, second]),
        (webhooks.create, "acme-corp", form),
        (webhooks.update, hooks[0], WebhookInput("Other", f"{url}&more=1", secret=ROTATED)),
        (webhooks.set_secret, hooks[1], Secret(ROTATED)),
        (webhooks.set_active, hooks[2:4], False),
        (webhooks.set_active, hooks[2:4], True),
        (webhooks.delete, hooks[4:6]),
        (notifications.mark, notes),
        (notifications.delete, notes),
    ]
    for act, *args in acts:
        if act is webhooks.set_active:
            ask(path, "UPDATE webhook_destinations SET active = ?", int(not args[1]))
        how = {"read": True} if act is notifications.mark else {}
        said.append(("acts", acted(qtbot, context, act, *args, **how)))
        for word in ("undo", "redo"):
            with qtbot.waitSignal(context.runner.changed):
                getattr(context.history, word)()
    with qtbot.waitSignal(context.runner.changed):  # the last stays undone
        context.history.undo()
    return said


def fail(qtbot: QtBot, window: MainWindow, context: Context) -> list[tuple[str, str]]:
    """Acts that the program or the table itself refuses, with secrets among what they were given."""
    path, said = context.opened.path, []
    (first,), (second,) = ask(path, "SELECT id FROM users WHERE tenant_id = 'acme-corp' LIMIT 2")
    ((hook,),) = ask(path, "SELECT id FROM webhook_destinations ORDER BY rowid LIMIT 1")
    ask(path, "UPDATE users SET api_token = NULL WHERE id <> ?", first)
    ask(path, "CREATE UNIQUE INDEX once ON users (api_token)")
    acts: list[tuple[Any, ...]] = [
        (users.set_others, second, {"api_token": COLUMN}),
        (users.create, "acme-corp", f"{USER}:{WORD}@", {"api_token": COLUMN}),
        (users.create, "acme-corp", "new.one@acme.example", {"api_token": COLUMN}),
        (webhooks.update, hook, WebhookInput("CI", f"http://{USER}:{WORD}@b.example/{PATH}", secret=SECRET)),
        (webhooks.set_secret, "gone", Secret(ROTATED)),
        (users.set_password, "gone", Typed(PASSWORD)),
    ]
    for act, *args in acts:
        with qtbot.waitSignal(context.runner.failed) as failed:
            context.act(act, *args)
        error = failed.args[0]
        assert isinstance(error, TenantAdminError)
        shown = dialog(qtbot, window, ErrorDialog)
        said.append((f"{act.__name__} that fails", f"{error}\n{error.happened}\n{error!r}\n{words(shown)}"))
        shown.reject()
        closed(qtbot, window, ErrorDialog)
    return said


def in_sight(page: RecordTab) -> str:
    """Whatever is shown or told to a screen reader of a tab with a record."""
    parts = [words(page), *(one.toPlainText() for one in page.findChildren(QPlainTextEdit))]
    for one in page.findChildren(QWidget):
        parts += [one.toolTip(), one.accessibleName(), one.accessibleDescription()]
    return "\n".join(parts)


def rotate(qtbot: QtBot, window: MainWindow, page: RecordTab) -> str:
    """A secret whose old one is still taken for a while: the new one."""
    page.commands.trigger("rotate_secret")
    dialog(qtbot, window, FormDialog)
    press("Return")
    shown = dialog(qtbot, window, SecretDialog)
    new = shown.field.toPlainText()
    shown.reject()
    return new


def filter_by_secrets(qtbot: QtBot, window: MainWindow) -> None:
    """As somebody looks for whose they are; the tabs remember how they were filtered."""
    page = go(qtbot, window, 0)
    with qtbot.waitSignal(page.list.loaded):
        page.exact.keep("api_token", (COLUMN,))
        page.filters_changed()
    for place, text in ((0, HASH), (2, SECRET)):
        page = go(qtbot, window, place)
        with qtbot.waitSignal(page.list.loaded):
            page.set_filter_text(text)


def command_all(path: Path, out: Path) -> list[tuple[str, str]]:
    """What the commands that write none of the secrets write and print."""
    said = []
    ((last,),) = ask(path, "SELECT max(seq) FROM audit_chain")
    ((run_id,),) = ask(path, "SELECT id FROM planning_runs LIMIT 1")
    for what in (
        ("verify", path, "--report", out / "bundle"),
        ("checkpoint", path, "--export", out / "checkpoints.json"),
        ("prove", path, str(last), out / "proof"),
        ("info", path),
        ("tenants", "list", path, "--json"),
        ("tenants", "export", path, "acme-corp", out / "acme"),
        ("users", "list", path, out / "list.csv"),
        ("users", "list", path, out / "list.json"),
        ("runs", "dossier", path, run_id, out / "run.html"),
        (
            "retention",
            path,
            "--days",
            "90",
            "--archive",
            out / "archives",
            "--trust-clock",
            "--allow-majority",
        ),
    ):
        done = run(*what)
        assert done.returncode == 0, done.stderr + done.stdout
        said.append((" ".join(map(str, what[:2])), done.stdout + done.stderr))
    return said


def export_and_copy(qtbot: QtBot, page: RecordTab, out: Path) -> list[tuple[str, str]]:
    """The whole list, to files and to the clipboard; in every form where it has secrets."""
    said, name, clipboard = [], page.spec.table.name, QGuiApplication.clipboard()
    page.table.selectAll()
    for form in Format if page.spec.table.secrets else (Format.JSON,):
        file = out / f"{name}.{form.value}"
        export_to(page, file, page.query(), form)
        qtbot.waitUntil(lambda file=file: file.exists())  # type: ignore[misc]
        clipboard.setText("nothing yet")
        page.copy_rows(form.value)
        qtbot.waitUntil(lambda: clipboard.text() != "nothing yet")
        said.append((f"clipboard, {name} as {form.value}", clipboard.text()))
    return said


def send_all(qtbot: QtBot, window: MainWindow, page: WebhooksTab, out: Path) -> list[tuple[str, str]]:
    """Test events in both ways, once more, as curl, and the log exported; what is on show while it is."""
    said = []
    page.commands.trigger("send_event")
    shown = dialog(qtbot, window, SendEventDialog)
    for signing in Signing:
        shown.signing.setCurrentIndex(shown.signing.findData(signing))
        shown.send_button.click()
        qtbot.waitUntil(lambda: shown._task is None)
        assert shown.answer.title.text() == "200 OK", shown.problem.text()
        boxes = shown.answer.findChildren(QPlainTextEdit)
        said.append((f"answer, {signing}", "\n".join(box.toPlainText() for box in boxes)))
    shown.curl_button.click()
    curl = QGuiApplication.clipboard().text()
    assert PATH in curl, "it is sent there by whoever runs it"
    said.append(("curl", curl.replace(PATH, "").replace(QUERY, "")))
    shown.reject()
    page.commands.trigger("deliveries")
    log = dialog(qtbot, window, DeliveriesDialog)
    qtbot.waitUntil(lambda: log.table.model().rowCount() == 2)
    log.send_again()
    qtbot.waitUntil(lambda: log.table.model().rowCount() == 3)
    qtbot.waitUntil(log.answer.title.isVisible)
    boxes = log.findChildren(QPlainTextEdit)
    said.append(("delivery log in sight", "\n".join(box.toPlainText() for box in boxes)))
    log.export(out / "deliveries.jsonl")
    qtbot.waitUntil((out / "deliveries.jsonl").exists)
    log.reject()
    return said


def crash(window: MainWindow) -> list[tuple[str, str]]:
    """An error that nobody expected and that quotes all of it, as it is told and written down."""

    def work(*held: str) -> None:
        raise RuntimeError(f"UNIQUE constraint failed for {held}")

    try:
        work(*MARKERS.values())
    except RuntimeError as error:
        shown = BugDialog(window.theme, bugs.details(error), window)
        said = [("record", bugs.record(error)), ("bug dialog", words(shown))]
        shown.deleteLater()
        return said
    raise AssertionError


@pytest.mark.slow
def test_no_marker_is_in_anything_that_the_program_writes(  # noqa: PLR0917
    window: MainWindow,
    qtbot: QtBot,
    demo_path: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    heard: Heard,
) -> None:
    out, home = tmp_path / "out", Path(os.environ["TENANT_ADMIN_HOME"])
    out.mkdir()
    Desktop(tmp_path / "keyring", monkeypatch)
    window.settings.webhooks_here = True
    said: list[tuple[str, str]] = []
    with serving(echo) as hook:
        plant(demo_path, hook.url(""))
        open_file(qtbot, window, demo_path)
        assert window.workspace is not None
        context = window.workspace.context
        said += do_all_acts(qtbot, context)
        for place in range(4):
            page = go(qtbot, window, place)
            said += export_and_copy(qtbot, page, out)
            choose(qtbot, page, 0)
            shown = in_sight(page)
            if place == 2:  # what a person calls a webhook, and where it leads, that person sees
                for seen in (PATH, QUERY, USER, WORD):
                    shown = shown.replace(seen, "")
            said.append((f"tab {place} in sight", shown))
        page = go(qtbot, window, 2)
        hooks = ask(demo_path, "SELECT id FROM webhook_destinations WHERE hostname = '127.0.0.1'")
        page.show_record(hooks[3][0])
        qtbot.waitUntil(lambda: page.current.record_id == hooks[3][0] and page.current.whole() is not None)
        assert isinstance(page, WebhooksTab)
        said += send_all(qtbot, window, page, out)
        new = rotate(qtbot, window, page)
    said += fail(qtbot, window, context)
    said += command_all(demo_path, out)
    said += crash(window)
    said += [("entries", str(ask(demo_path, "SELECT payload FROM audit_chain")))]
    filter_by_secrets(qtbot, window)
    window.close()
    said += zip(("stdout", "stderr"), capfd.readouterr(), strict=True)
    said += [("announced", "\n".join(heard.words))]
    places = {**written_in(home, out), **texts(said)}
    kept = json.loads((tmp_path / "keyring" / "kept").read_text())
    assert SECRET in str(kept), "the old one is still taken"
    key = next(held for name, held in kept.items() if name.endswith("checkpoints"))
    assert {"users.csv", "deliveries.jsonl", "webhook_destinations.sql"} <= {Path(one).name for one in places}
    assert any(name.endswith("deliveries.sqlite") for name in places)
    assert finds(MARKERS | {"new secret": new, "signing key": key}, places) == []
    held = finds(MARKERS, {"database": b"".join(one.read_bytes() for one in tmp_path.glob("demo.sqlite*"))})
    assert {"secret, plain, in database", "hash, plain, in database"} <= set(held), "they can be found"


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_token_is_in_nothing_that_the_commands_write(
    edge: Edge, live: Live, database_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is in the system's keyring, and in the calls."""
    out, home = tmp_path / "out", Path(os.environ["TENANT_ADMIN_HOME"])
    out.mkdir()
    Desktop(tmp_path / "keyring", monkeypatch)
    database = live.ids[live.put(database_path, listed=True)]
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    add = ("d1", "add", "prod", "--account", ACCOUNT, "--database", database, "--url", edge.base)
    said = []
    for status, *words_ in (
        (0, *add),
        (0, "d1", "test", "prod"),
        (0, "d1", "list"),
        (0, "verify", "d1:prod", "--whole", "--report", out / "bundle"),
        (0, "checkpoint", "d1:prod"),
        (0, "backup", "d1:prod", out / "copy.sqlite"),
        (2, "verify", "d1:another"),
    ):
        done = run(*words_)
        assert done.returncode == status, done.stderr
        said.append((" ".join(map(str, words_[:2])), done.stdout + done.stderr))
    places = {**written_in(home, out), **texts(said)}
    assert any("connections" in place for place in places)
    assert finds({"token": TOKEN}, places) == []
