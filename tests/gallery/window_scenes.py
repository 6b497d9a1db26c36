"""The whole window: every tab and every state of the frame, on sample data."""

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path

import apsw
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QDialog, QWidget

from app import paths
from app.services.chain.checkpoints.document import KEY_BYTES, KEY_FILE
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, DeliveryPart, Step, make
from app.services.deliveries.request import sample as sample_event
from app.services.deliveries.signing import OldSecrets, Signing
from app.services.records.list_query import ListQuery
from app.services.records.record import Record
from app.services.records.tables import PLANNING_PARKED_IDEAS, USERS, WEBHOOK_DESTINATIONS
from app.services.records.webhooks import Secret
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.shell.notices import Door
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.tabs.common import declared
from app.ui.tabs.common.exporting import FilterByColumnDialog
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.parked import edit_idea_form, promote_form
from app.ui.tabs.users import edit_user_form, new_user_form
from app.ui.tabs.users.adding import AddUsersDialog
from app.ui.tabs.users.dialogs import (
    Moving,
    PasswordField,
    PasswordShown,
    edit_others_form,
    move_form,
    password_form,
)
from app.ui.tabs.webhooks import WebhookDialog
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.receiving import CheckRequestDialog, ReceiverDialog
from app.ui.tabs.webhooks.secrets import SecretDialog, rotate_form
from app.ui.tabs.webhooks.sending import SendEventDialog
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from app.workers.receiver import Answering, Received
from models.engine import raw
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign
from tests.fixtures.context import make_context
from tests.fixtures.records import record
from tests.fixtures.sample import empty, sample
from tests.gallery.registry import Registry, Shot
from tests.gallery.tab_scenes import RUN_WITH_VERSIONS

TABS = tuple(spec.tab_class.partition(":")[0] for spec in declared.TABS)
"""The rooms of the tabs, in order."""

AUDIT = TABS.index("audit")
SMALL = (900, 560)
"""The least that the window takes."""


Preparation = str | Callable[[Path], object]
"""An SQL script that a file is changed by, or what else is done to it before it is opened."""


class WindowScenes:
    """Builds windows on files in a folder that goes with it."""

    def __init__(self) -> None:
        self._temporary = tempfile.TemporaryDirectory(prefix="gallery-")
        self.folder = self._temporary.name
        self._made = 0

    def _place(self) -> Path:
        self._made += 1
        path = Path(self.folder) / f"{self._made}" / "foundation-primary.sqlite"
        path.parent.mkdir()
        return path

    def file(self, change: Preparation | None = None) -> Path:
        """A new sample file, changed as is given, if anything is."""
        path = self._place()
        sample(path, rows=4_000, tenants=6)
        if callable(change):
            change(path)
        elif change:
            connection = apsw.Connection(str(path))
            connection.execute(change)
            connection.close()
        return path

    def window(
        self,
        theme: Theme,
        then: Callable[[MainWindow], object],
        *,
        change: Preparation | None = None,
        rows: bool = True,
        read_only: bool = False,
        until: Callable[[MainWindow], object] | None = None,
        dialog: bool = False,
    ) -> Shot:
        """A window with a sample file open; `until` gives the signal to wait for, `then` arranges it.

        Without `rows` it is a new file.

        With `dialog` the question that it asks is painted.
        """
        # Checkpoints are kept there, too; one scene must not know another's file.
        home = Path(self.folder) / f"home-{self._made}"
        os.environ["TENANT_ADMIN_HOME"] = str(home)
        settings = Settings(home)
        settings.utc_times = True
        settings.verify_by_itself = False
        window = MainWindow(theme, settings, lambda: NOW)
        window.files.open(self.file(change) if rows else empty(self._place()), read_only=read_only)
        ready = window.opened if until is None else until(window)
        return Shot(
            window,
            ready=ready,  # type: ignore[arg-type]
            then=lambda: then(window),
            grab=(lambda: window.findChildren(ConfirmDialog)[-1]) if dialog else None,
            close=window.close,
        )

    def tab(self, position: int, change: Preparation | None = None) -> Callable[[Theme], Shot]:
        def build(theme: Theme) -> Shot:
            until = settled(position)
            return self.window(theme, lambda window: _show(window, position), change=change, until=until)

        return build

    def without_rows(self, position: int) -> Callable[[Theme], Shot]:
        def build(theme: Theme) -> Shot:
            return self.window(theme, lambda window: None, rows=False, until=_empty(position))

        return build


def register(registry: Registry) -> None:
    """Add the windows to `registry`."""
    scenes = WindowScenes()
    for position, name in enumerate(TABS):
        registry.scene(f"tab-{name}")(scenes.tab(position))
        registry.scene(f"small-{name}", SMALL)(scenes.tab(position))

    @registry.scene("window-run", (1440, 1000))
    def run(theme: Theme) -> Shot:
        """An opened run, with what differs between two versions of a phase."""

        def then(window: MainWindow) -> None:
            _show(window, TABS.index("runs"))
            assert window.workspace is not None
            tab = window.workspace.current()
            assert isinstance(tab, RunsTab)
            database = tab.context.opened.database
            with database.connection_context():
                ((run_id, phase),) = database.rows(raw(RUN_WITH_VERSIONS))
            tab.show_record(run_id)
            tab.details_shown.connect(lambda key: None if tab.opener.is_open else tab.open_page(phase))

        return scenes.window(theme, then, until=settled(TABS.index("runs")))

    @registry.scene("tab-tenants")
    @registry.scene("small-tenants", SMALL)
    def tenants(theme: Theme) -> Shot:
        return scenes.window(theme, lambda window: None, until=at_tenants)

    @registry.scene("tab-audit-verified")
    def verified(theme: Theme) -> Shot:
        return scenes.window(theme, lambda window: _show(window, AUDIT), until=_verified)

    @registry.scene("tab-audit-broken")
    @registry.scene("small-audit-broken", SMALL)
    def broken(theme: Theme) -> Shot:
        return scenes.window(
            theme,
            lambda window: None,
            change="UPDATE audit_chain SET payload = '{}' WHERE seq IN (3000, 3900)",
            until=_verified,
        )

    @registry.scene("window-read-only")
    def read_only(theme: Theme) -> Shot:
        return scenes.window(theme, lambda window: _show(window, 0), read_only=True, until=settled(0))

    @registry.scene("window-schema-differs")
    def differs(theme: Theme) -> Shot:
        return scenes.window(
            theme,
            lambda window: None,
            change="DROP TABLE notifications; DELETE FROM d1_migrations WHERE name LIKE '0002%'",
            until=settled(3, loads=False),
        )

    @registry.scene("dialog-migrate")
    def migrate(theme: Theme) -> Shot:
        return scenes.window(
            theme,
            _migrate,
            change="DROP TABLE notifications; DELETE FROM d1_migrations WHERE name LIKE '0002%'",
            until=settled(3, loads=False),
            dialog=True,
        )

    @registry.scene("dialog-delete-several")
    def delete_several(theme: Theme) -> Shot:
        return scenes.window(theme, _delete_several, until=settled(0), dialog=True)

    @registry.scene("window-no-match")
    def no_match(theme: Theme) -> Shot:
        return scenes.window(theme, lambda window: None, until=_no_match)

    @registry.scene("dialog-checkpoints", None)
    def checkpoints(theme: Theme) -> Shot:
        path, home = scenes.file(), Path(scenes.folder) / "signing"
        os.environ["TENANT_ADMIN_HOME"] = str(home)
        shutil.rmtree(home, ignore_errors=True)
        paths.checkpoints_dir().mkdir(parents=True)
        (paths.checkpoints_dir() / KEY_FILE).write_text("5a" * KEY_BYTES)  # whose fingerprint is shown
        for days in (3, 1):
            sign(path, paths.checkpoints_dir(), now=NOW - days * 86_400)
        context = make_context(path, theme, Settings(home), lambda: NOW)
        dialog = CheckpointsDialog(context)
        context.setParent(dialog)
        return Shot(dialog, ready=dialog.listed, close=context.stop)

    @registry.scene("dialog-new-user", None)
    def new_user(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: new_user_form(context, "acme-corp"))

    @registry.scene("dialog-edit-user", None)
    def edit_user(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: edit_user_form(context, _user()))

    @registry.scene("dialog-new-users", None)
    def new_users(theme: Theme) -> Shot:
        context = make_context(scenes.file(), theme, Settings(Path(scenes.folder) / "home"), lambda: NOW)
        dialog = AddUsersDialog(context, None)
        context.setParent(dialog)
        dialog.lines.box.setPlainText(LINES)
        return Shot(dialog, ready=dialog.judged, close=context.stop)

    @registry.scene("dialog-edit-other-columns", None)
    def edit_other_columns(theme: Theme) -> Shot:
        file = scenes.file("ALTER TABLE users ADD COLUMN name TEXT; ALTER TABLE users ADD COLUMN role TEXT;")
        context = make_context(file, theme, Settings(Path(scenes.folder) / "home"), lambda: NOW)
        user = replace(_user(), unknown={"name": "Ada Lovelace", "role": "operator"})
        dialog = edit_others_form(context, user, {})
        context.setParent(dialog)
        return Shot(dialog, close=context.stop)

    @registry.scene("dialog-filter-by-column", None)
    def filter_by_column(theme: Theme) -> Shot:
        file = scenes.file("ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'operator';")
        context = make_context(file, theme, Settings(Path(scenes.folder) / "home"), lambda: NOW)
        dialog = FilterByColumnDialog(context, ListQuery("users"), ["role"], lambda column, value: None)
        context.setParent(dialog)
        return Shot(dialog, close=context.stop)

    @registry.scene("dialog-move-users", None)
    def move_users(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: move_form(context, Moving(["a", "b", "c"]), {}))

    @registry.scene("dialog-set-password", None)
    def set_password(theme: Theme) -> Shot:
        def type_one(context: Context) -> FormDialog:
            dialog = password_form(context, _user(has_password=True))
            field = dialog.editor("password")
            assert isinstance(field, PasswordField)
            field.how.setCurrentIndex(1)
            field.typed.setText("summer2026")
            return dialog

        return _dialog(scenes, theme, type_one)

    @registry.scene("dialog-generate-password", None)
    def generate_password(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: password_form(context, _user()))

    @registry.scene("dialog-password-set", None)
    def password_set(theme: Theme) -> PasswordShown:
        return PasswordShown(theme, "ada@acme-corp.example", "x7Kfd-mP3qR-tW8zY-bN4vC")

    idea = record(
        PLANNING_PARKED_IDEAS,
        id="idea_1",
        idea="Cold-chain leasing for small pharmacies",
        refined_idea="Lease the fridges, sell the readings",
        reason="Waits for the first three letters of intent",
        revisit_estimate_months=3,
        revisit_estimate_note="When the pilot has run a quarter",
    )

    @registry.scene("dialog-edit-idea", None)
    def edit_idea(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: edit_idea_form(context, idea))

    @registry.scene("dialog-promote-idea", None)
    def promote_idea(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: promote_form(context, idea))

    @registry.scene("dialog-new-webhook", None)
    def new_webhook(theme: Theme) -> Shot:
        return _dialog(scenes, theme, lambda context: WebhookDialog(context, tenant="acme-corp"))

    @registry.scene("dialog-edit-webhook", None)
    def edit_webhook(theme: Theme) -> Shot:
        webhook = record(
            WEBHOOK_DESTINATIONS,
            id="wh_1",
            tenant_id="acme-corp",
            name="Hooks",
            url="https://h.example/in",
            has_secret=True,
            active=1,
            events="*",
        )
        return _dialog(scenes, theme, lambda context: WebhookDialog(context, webhook=webhook))

    def send_event(answer: DeliveryAnswer | None, theme: Theme) -> Shot:
        def build(context: Context) -> SendEventDialog:
            shown = SendEventDialog(context, DESTINATION)
            if answer is not None:
                shown.answer.show_answer(answer)
            return shown

        shot = _dialog(scenes, theme, build)
        dialog = shot.widget
        assert isinstance(dialog, SendEventDialog)
        follow = None if answer is None else lambda: dialog.show_part(dialog.answer.title)  # as when it comes
        return replace(shot, then=follow)

    for name, answer in (("", None), ("-answered", FAILED), ("-refused", REFUSED)):
        registry.scene(f"dialog-send-event{name}", None)(partial(send_event, answer))
        registry.scene(f"dialog-send-event{name}-small", SMALL)(partial(send_event, answer))

    def deliveries(theme: Theme) -> Shot:
        return _dialog(scenes, theme, log_of_some)

    registry.scene("dialog-deliveries", None)(deliveries)
    registry.scene("dialog-deliveries-small", SMALL)(deliveries)

    def secret(theme: Theme) -> Shot:
        return _dialog(
            scenes,
            theme,
            lambda context: SecretDialog(context, "Secret", "Of Ops alerts.", DESTINATION_SECRET),
        )

    def rotate(theme: Theme) -> Shot:
        secrets = OldSecrets("db", None)
        return _dialog(scenes, theme, lambda context: rotate_form(context, DESTINATION, secrets))

    registry.scene("dialog-receiver", None)(partial(_receiving, scenes))
    registry.scene("dialog-receiver-small", SMALL)(partial(_receiving, scenes))
    registry.scene("dialog-secret", None)(secret)
    registry.scene("dialog-rotate-secret", None)(rotate)
    for name, body in (("", ""), ("-holds", CHECKED), ("-differs", f"{CHECKED}\n")):
        registry.scene(f"dialog-check-request{name}", None)(partial(_checking, scenes, body))
        registry.scene(f"dialog-check-request{name}-small", SMALL)(partial(_checking, scenes, body))


CHECKED = '{"type":"run_killed","runId":"run_1"}'
DESTINATION_SECRET = Secret("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")


def _checking(scenes: WindowScenes, body: str, theme: Theme) -> Shot:
    def build(context: Context) -> CheckRequestDialog:
        dialog = CheckRequestDialog(context, DESTINATION, OldSecrets("db", None))
        if body:
            made = make(DESTINATION, "run_killed", CHECKED, now=NOW)
            dialog.headers.setPlainText(made.head())
            dialog.body_editor.setPlainText(body)
        return dialog

    return _dialog(scenes, theme, build)


def _receiving(scenes: WindowScenes, theme: Theme) -> Shot:
    def build(context: Context) -> ReceiverDialog:
        dialog = ReceiverDialog(context, DESTINATION.title, DESTINATION.secret)
        if dialog.receiver is not None:  # whose port is another each time
            dialog.address.setText("http://127.0.0.1:8787/hook")
        for number, answered in enumerate((Answering.ERROR, Answering.OK, Answering.OK)):
            made = make(DESTINATION, "run_killed", sample_event("run_killed", NOW), now=NOW)
            body = made.body + b" " if number == 0 else made.body
            dialog.came.emit(Received(NOW + 60 * number, made.head(), body, answered=answered))
        return dialog

    return _dialog(scenes, theme, build)


def log_of_some(context: Context, parent: QWidget | None = None) -> DeliveriesDialog:
    log, database = DeliveryLog(), str(context.opened.kept_by)
    for number, (event, answer) in enumerate(
        [("run_killed", FAILED), ("phase_completed", OK), ("run_completed", REFUSED), ("run_killed", OK)] * 3
    ):
        request = make(DESTINATION, event, sample_event(event, NOW), now=NOW - 4_000 * (12 - number))
        log.add(database, DESTINATION, request, answer, signing=Signing.PLATFORM, days=30, resent=number == 8)
    return DeliveriesDialog(context, webhook="wh_1", name="Ops alerts", parent=parent)


DESTINATION = Destination(
    "wh_1",
    "northwind-clinics",
    "Ops alerts",
    "https://hooks.northwind-clinics.example/foundation/ops",
    "hooks.northwind-clinics.example",
    "run_killed,run_completed",
    Secret("s3cret"),
)
FAILED = DeliveryAnswer(
    DeliveryOutcome.ANSWERED,
    "The server was reached and answered with an error.",
    500,
    (("Content-Type", "application/json"), ("Date", "Wed, 18 Nov 2026 14:31:08 GMT"), ("Retry-After", "120")),
    b'{"error":"internal","message":"relation alerts has no column verdict","requestId":"req_7f3a09c2"}',
    address="203.0.113.24",
    tls="TLS 1.3",
    steps=(
        Step(DeliveryPart.RESOLVE, 0, 0.012),
        Step(DeliveryPart.CONNECT, 0.012, 0.038),
        Step(DeliveryPart.TLS, 0.05, 0.061),
        Step(DeliveryPart.FIRST_BYTE, 0.111, 1.148),
        Step(DeliveryPart.BODY, 1.259, 0.025),
    ),
    seconds=1.284,
)
OK = replace(FAILED, why="", status=200, body=b'{"ok":true}', steps=FAILED.steps[:4], seconds=0.143)
REFUSED = DeliveryAnswer(
    DeliveryOutcome.REFUSED,
    "hooks.northwind-clinics.example leads to 10.0.0.7, which is of a private network; nothing was sent.",
    steps=(Step(DeliveryPart.RESOLVE, 0, 0.012),),
    seconds=0.012,
)


def _show(window: MainWindow, position: int) -> None:
    assert window.workspace is not None
    window.workspace.tabs.setCurrentIndex(position)
    window.workspace.current().table.select_row(2)


def _migrate(window: MainWindow) -> None:
    assert window.workspace is not None
    window.workspace.door_wanted.emit(Door.MIGRATE)


def _delete_several(window: MainWindow) -> None:
    assert window.workspace is not None
    page = window.workspace.current()
    page.table.selectAll()
    page.commands.trigger("delete")


def settled(position: int, *, loads: bool = True) -> Callable[[MainWindow], object]:
    """Goes to a tab when the file is open; ready when its inspector has been filled."""

    def until(window: MainWindow) -> object:
        relay = Relay(window)

        def opened(_: object) -> None:
            assert window.workspace is not None
            window.workspace.tabs.setCurrentIndex(position)
            page = window.workspace.current()
            if loads:
                page.list.loaded.connect(lambda _: page.table.select_row(2))
                page.details_shown.connect(relay.ready)
            else:
                page.list.failed.connect(relay.ready)

        window.opened.connect(opened)
        return relay.ready

    return until


def at_tenants(window: MainWindow) -> object:
    """Goes to the page of all tenants when the file is open; ready when its inspector has been filled."""
    relay = Relay(window)

    def opened(_: object) -> None:
        assert window.workspace is not None
        window.workspace.show_tenants()
        page = window.workspace.current()
        page.list.loaded.connect(lambda _: page.table.select_row(2))
        page.details_shown.connect(relay.ready)

    window.opened.connect(opened)
    return relay.ready


def _empty(position: int) -> Callable[[MainWindow], object]:
    """Goes to a tab without rows when the file is open."""

    def until(window: MainWindow) -> object:
        relay = Relay(window)

        def opened(_: object) -> None:
            assert window.workspace is not None
            window.workspace.tabs.setCurrentIndex(position)
            window.workspace.current().list.loaded.connect(relay.ready.emit)

        window.opened.connect(opened)
        return relay.ready

    return until


def _verified(window: MainWindow) -> object:
    relay = Relay(window)

    def opened(_: object) -> None:
        assert window.workspace is not None
        window.workspace.tabs.setCurrentIndex(AUDIT)
        page = window.workspace.current()
        assert isinstance(page, AuditTab)
        page.verified.connect(lambda _: page.details_shown.connect(relay.ready))
        page.verified.connect(lambda report: None if report.findings else page.table.select_row(2))
        page.verify()

    window.opened.connect(opened)
    return relay.ready


def _no_match(window: MainWindow) -> object:
    relay = Relay(window)

    def opened(_: object) -> None:
        assert window.workspace is not None
        page = window.workspace.current()
        page.list.loaded.connect(lambda total: relay.ready.emit(None) if total == 0 else None)
        page.set_filter_text("nobody at all")

    window.opened.connect(opened)
    return relay.ready


LINES = """Mail;Organisation;Name
ada@acme-corp.example;acme-corp;Ada
grace@acme-corp.example;acme-corp;Grace
GRACE@acme-corp.example;acme-corp;Grace again
katherine at acme;acme-corp;Katherine
dorothy@acme-corp.example;acme;Dorothy
"""


def _user(**values: object) -> Record:
    return record(USERS, id="usr_1", tenant_id="acme-corp", email="ada@acme-corp.example", **values)


def _dialog(scenes: WindowScenes, theme: Theme, make: Callable[[Context], QDialog]) -> Shot:
    settings = Settings(Path(scenes.folder) / "home")
    context = make_context(scenes.file(), theme, settings, lambda: NOW)
    dialog = make(context)
    context.setParent(dialog)
    return Shot(dialog, close=context.stop)


class Relay(QObject):
    """Says when a scene is ready."""

    ready = Signal(object)
