"""Every control of a dialog has a name and its place among the stops of Tab; closed, nothing of it stays."""

import gc
from collections import Counter
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from tempfile import mkdtemp

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt
from PySide6.QtWidgets import QApplication, QDialog, QFileIconProvider, QPushButton, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

from app import paths
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import OldSecrets
from app.services.files import restoring
from app.services.files.find import Candidate
from app.services.files.opening import snapshot_copy
from app.services.files.restoring import Offer
from app.services.opened import Opened
from app.services.records.tables import EVERYONE, USERS
from app.services.records.webhooks import Secret
from app.services.retention.plan import Plan
from app.ui.session.context import Context
from app.ui.shell.dialogs import (
    AboutDialog,
    ChooseDatabaseDialog,
    DatabaseInfoDialog,
    PreferencesDialog,
    RestoreDialog,
    ShortcutsDialog,
)
from app.ui.shell.help import HelpWindow
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.tabs.audit.dialogs import CheckpointsDialog, VerifyRangeDialog
from app.ui.tabs.runs.charts import ChartsDialog
from app.ui.tabs.runs.comparing import CompareDialog
from app.ui.tabs.runs.parked import ParkedIdeasDialog, new_run_form, park_form
from app.ui.tabs.runs.ready import WorthDialog
from app.ui.tabs.runs.run_acts import STATUS_LOOKS, ReasonDialog
from app.ui.tabs.runs.searching import RunSearchDialog
from app.ui.tabs.users import edit_user_form, new_user_form
from app.ui.tabs.users.adding import AddUsersDialog
from app.ui.tabs.users.dialogs import Moving, PasswordShown, move_form, password_form
from app.ui.tabs.webhooks import WebhookDialog
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.receiving import CheckRequestDialog, ReceiverDialog
from app.ui.tabs.webhooks.secrets import SecretDialog, rotate_form
from app.ui.tabs.webhooks.sending import EventReceiversDialog, SendEventDialog
from app.ui.theme import Theme
from app.ui.widgets.dialogs import BugDialog, ConfirmDialog, Dialog, ErrorDialog
from app.ui.widgets.file_dialogs import open_dialog
from app.ui.widgets.form_dialog import DateRangeDialog, FormDialog
from app.ui.widgets.panes import Inspector
from app.workers import scan_pool
from models.local.database import LocalDatabase
from models.status import RunStatus
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign
from tests.fixtures.keyboard import backwards, heard_late, nameless, reached, unreached, unspoken
from tests.fixtures.records import record
from tests.fixtures.retaining import planned
from tests.fixtures.seen import assert_readable
from tests.fixtures.window import ask, child
from tests.gallery.registry import Shot
from tests.gallery.scenes import all_scenes

USER = record(USERS, id="usr_1", tenant_id="acme-corp", email="ada@acme-corp.example")


def info(context: Context) -> Opened:
    with context.opened.database.connection_context():
        return context.opened.with_counts()


def preview(context: Context) -> Plan:
    database = context.opened.database
    assert isinstance(database, LocalDatabase)
    with database.connection_context():
        return planned(database)


def parked_ideas(context: Context) -> ParkedIdeasDialog:
    """With an idea chosen, so that all of it is in sight."""
    dialog = ParkedIdeasDialog(context)
    dialog.page.list.loaded.connect(lambda _: dialog.page.table.select_row(0))
    dialog.page.reload()
    return dialog


def checkpoints(context: Context) -> CheckpointsDialog:
    sign(context.opened.path, paths.checkpoints_dir(), now=NOW, reason=Reason.REQUEST)
    return CheckpointsDialog(context)


def broken_copy(context: Context) -> Offer:
    """A copy whose chain does not hold, so that all of the dialog is in sight."""
    path, folder = context.opened.path, Path(mkdtemp(dir=context.opened.path.parent))
    copy = snapshot_copy(path, folder / "copy.sqlite")
    ask(copy, "UPDATE audit_chain SET payload = '{}' WHERE seq = 7")
    scratch = folder / "scratch"
    scratch.mkdir()
    store = CheckpointStore(paths.checkpoints_dir())
    return restoring.offer(path, copy, scratch, store, scan_pool.verify, now=NOW)


HERE = Destination("1", "acme-corp", "CI", "http://localhost/in", "localhost", "*", Secret("s3cret"))
"""Where nothing is sent to unless the preferences allow it."""

_STAY = {"help", "parked ideas", "charts"}


def compared_runs(context: Context) -> CompareDialog:
    ids = [key for (key,) in ask(context.opened.path, "SELECT id FROM planning_runs LIMIT 3")]
    return CompareDialog(context, ids, STATUS_LOOKS)


DIALOGS: dict[str, Callable[[Context], QDialog]] = {
    "new user": lambda context: new_user_form(context, "acme-corp"),
    "edit user": lambda context: edit_user_form(context, USER),
    "new users": lambda context: AddUsersDialog(context, "acme-corp"),
    "move users": lambda context: move_form(context, Moving(["a"]), {}),
    "set password": lambda context: password_form(context, USER),
    "password set": lambda context: PasswordShown(context.theme, "ada@acme.example", "x7Kfd-mP3qR"),
    "new webhook": lambda context: WebhookDialog(context, tenant="acme-corp"),
    "preferences": lambda context: PreferencesDialog(context.theme, context.settings),
    "keys": lambda context: ShortcutsDialog(context.theme, [("Everywhere", "F5", "Refresh")]),
    "help": lambda context: HelpWindow(context.theme),
    "about": lambda context: AboutDialog(context.theme),
    "error": lambda context: ErrorDialog(context.theme, "It did not work."),
    "bug": lambda context: BugDialog(context.theme, "RuntimeError\nx.py:1 in f"),
    "delete": lambda context: ConfirmDialog(
        context.theme, "Delete?", "They go.", action="Delete", items=["a", "b"], total=2
    ),
    "verify range": lambda context: VerifyRangeDialog(context.theme, (1, 600), (1, 600)),
    "date range": lambda context: DateRangeDialog(context.theme, None, None),
    "choose database": lambda context: ChooseDatabaseDialog(
        context.theme, [Candidate(context.opened.path, ("users",), 12, 1, NOW)] * 2, NOW
    ),
    "database info": lambda context: DatabaseInfoDialog(context.theme, info(context)),
    "retention": lambda context: RetentionDialog(
        context.theme, preview(context), file_name="demo.sqlite", days=90, archive=Path("/srv/archive")
    ),
    "restore": lambda context: RestoreDialog(context.theme, broken_copy(context), context.opened.path),
    "parked ideas": parked_ideas,
    "park idea": lambda context: park_form(context, None),
    "new run": lambda context: new_run_form(context, None),
    "pause run": lambda context: ReasonDialog(
        context.theme,
        "Pause this run?",
        "It will be paused.",
        status=RunStatus.PAUSED,
        action="Pause 1 run",
        items=["An idea"],
        total=1,
        danger=False,
    ),
    "score or revenue": lambda context: WorthDialog(context, None),
    "charts": lambda context: ChartsDialog(context, EVERYONE),
    "compare runs": compared_runs,
    "search texts": lambda context: RunSearchDialog(context, EVERYONE, lambda place: None),
    "checkpoints": checkpoints,
    "deliveries": DeliveriesDialog,
    "event receivers": lambda context: EventReceiversDialog(context, lambda key: None),
    "receiver": ReceiverDialog,
    "secret": lambda context: SecretDialog(context, "Secret", "Of CI.", Secret("s3cret")),
    "rotate secret": lambda context: rotate_form(context, HERE, OldSecrets("db", None)),
    "check request": lambda context: CheckRequestDialog(context, HERE, OldSecrets("db", None)),
    "send event": lambda context: SendEventDialog(context, HERE),
}


def opened(qtbot: QtBot, context: Context, name: str) -> QDialog:
    """The dialog in front, with all it reads."""
    dialog = DIALOGS[name](context)
    qtbot.addWidget(dialog)
    dialog.open()
    dialog.activateWindow()
    qtbot.waitUntil(dialog.isActiveWindow)
    match dialog:
        case CheckpointsDialog():
            qtbot.waitUntil(dialog.table.isVisible)
        case CompareDialog():
            qtbot.waitUntil(lambda: dialog.table is not None and dialog.table.hasFocus())
        case RunSearchDialog():
            qtbot.waitUntil(lambda: dialog.state.text().endswith("read."))
        case ChartsDialog():
            qtbot.waitUntil(dialog.chart.isVisible)
        case ParkedIdeasDialog():
            qtbot.waitUntil(dialog.page.inspector.empty.isHidden)
    return dialog


@pytest.mark.slow
@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("name", DIALOGS)
def test_each_dialog_is_named_reached_and_readable(qtbot: QtBot, context: Context, name: str) -> None:
    dialog = opened(qtbot, context, name)
    assert dialog.windowTitle() and nameless(dialog) == [] and unspoken(dialog) == []
    assert QApplication.focusWidget() is not None, "something has the focus at first"
    stops = reached(dialog, Qt.Key.Key_Tab, qtbot)
    assert unreached(dialog, stops) == []
    scrolled = dialog.findChildren(Inspector)  # while Tab went through it
    seen = [stop for stop in stops if not any(one.isAncestorOf(stop) for one in scrolled)]
    qtbot.waitUntil(lambda: backwards(dialog, seen) == [])  # as soon as all is laid out
    assert "\n".join(heard_late(dialog)) == ""
    assert_readable(qtbot, dialog)
    if name == "help":  # which asks nothing
        qtbot.keyClick(QApplication.focusWidget(), Qt.Key.Key_Escape)
        assert not dialog.isVisible(), "Escape leaves it"
    else:
        assert_return_is_the_main_thing(qtbot, dialog)


def assert_return_is_the_main_thing(qtbot: QtBot, dialog: QDialog) -> None:
    main = [button for button in dialog.findChildren(QPushButton) if button.isDefault()]
    assert len(main) == 1 and main[0].isVisible() and main[0].isEnabled(), "one of them can be seen"
    focused = dialog.focusWidget()
    if isinstance(focused, QPushButton):
        focused.clearFocus()
    if main[0] is getattr(dialog, "cancel_button", None):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)
        assert dialog.isVisible(), "what was set in it is not thrown away"
        main[0].setFocus()
    with qtbot.waitSignal(main[0].clicked, timeout=0):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def living() -> Counter[str]:
    """How many there are of each class: widgets, and what Python gave Qt beside them."""
    QCoreApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete)
    gc.collect()
    given = (one for one in Shiboken.getAllValidWrappers() if isinstance(one, QFileIconProvider))
    return Counter(type(one).__name__ for one in (*QApplication.allWidgets(), *given))


@pytest.mark.slow
@pytest.mark.usefixtures("old_objects_apart")
@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("name", [*(name for name in DIALOGS if name not in _STAY), "file"])
def test_nothing_is_left_of_a_dialog_that_was_closed(qtbot: QtBot, context: Context, name: str) -> None:
    """Those of parked ideas, charts and the help stand beside the window, and stay for as long as it does."""
    parent = QWidget()
    qtbot.addWidget(parent)

    def open_and_close() -> None:
        if name == "file":
            dialog: QDialog = open_dialog(context.theme, parent, "Open", str(context.opened.path))
            dialog.open()
        else:
            dialog = DIALOGS[name](context)
            dialog.setParent(parent, dialog.windowFlags())
            assert isinstance(dialog, Dialog)
            dialog.open_once()
        qtbot.waitUntil(dialog.isVisible)
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
        assert not dialog.isVisible(), "Escape leaves it"

    open_and_close()  # what is made once, for all
    before = living()
    for _ in range(3):
        open_and_close()
    qtbot.waitUntil(lambda: living() <= before)


def test_return_presses_the_button_that_has_the_focus(qtbot: QtBot, context: Context) -> None:
    dialog = opened(qtbot, context, "edit user")
    assert isinstance(dialog, FormDialog)
    qtbot.keyClicks(dialog.focusWidget(), "x")
    qtbot.keyClick(dialog.focusWidget(), Qt.Key.Key_Escape)
    question = child(dialog, ConfirmDialog)
    assert question.focusWidget() is question.cancel_button, "it is asked what becomes of the edit"
    with qtbot.assertNotEmitted(dialog.submitted):
        qtbot.keyClick(question.focusWidget(), Qt.Key.Key_Return)
    assert not question.isVisible() and dialog.isVisible()


@pytest.mark.slow
def test_return_in_a_filter_leaves_the_dialog_open(qtbot: QtBot, context: Context) -> None:
    dialog = opened(qtbot, context, "parked ideas")
    assert isinstance(dialog, ParkedIdeasDialog)
    dialog.page.filters.text.setFocus()
    qtbot.keyClicks(dialog.page.filters.text, "e")
    with qtbot.waitSignal(dialog.page.list.loaded):
        qtbot.keyClick(dialog.page.filters.text, Qt.Key.Key_Return)
    assert dialog.isVisible()


SCENES = {scene.name: scene for scene in all_scenes().scenes if scene.name.startswith("dialog-")}


@pytest.mark.slow
@pytest.mark.matrix(each=4)
@pytest.mark.parametrize("name", SCENES)
def test_each_dialog_of_the_gallery_is_named_and_readable(qtbot: QtBot, theme: Theme, name: str) -> None:
    built = SCENES[name].build(theme)
    shot = Shot(built) if isinstance(built, QWidget) else built
    qtbot.addWidget(shot.widget)
    with qtbot.waitSignal(shot.ready) if shot.ready is not None else nullcontext():
        shot.widget.show()
    if shot.then is not None:
        shot.then()

    def dialogs_shown() -> list[QDialog]:
        tops = QApplication.topLevelWidgets()
        return [one for one in tops if isinstance(one, QDialog) and one.isVisible()]

    qtbot.waitUntil(lambda: bool(dialogs_shown()))
    shown = dialogs_shown()
    assert [fault for one in shown for fault in unspoken(one)] == []
    for one in shown:
        assert_readable(qtbot, one)
    for one in shown:
        one.close()
    if shot.close is not None:
        shot.close()
