"""What is said of a file while a person reads in it, and what is asked about it."""

import os
import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtCore import QPoint
from PySide6.QtWidgets import QMenu

from app import paths
from app.services.chain.cautions import DamageMet
from app.services.chain.checkpoints.identity import Continuation, Divergence
from app.services.chain.checkpoints.making import verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InFile
from app.services.files.restoring import Restored
from app.services.live import PREFIX
from app.services.text import quoted
from app.settings import Settings
from app.ui.session.busy import _UnderWay
from app.ui.session.context import Context
from app.ui.shell.help import HelpWindow
from app.ui.shell.notices import ContinuationNotice, InterruptedNotice
from app.ui.shell.window import MainWindow
from app.ui.shell.workspace import Workspace
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Theme
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.later import later
from models.errors import (
    ChangedSince,
    DamagedWithLog,
    EmptyFile,
    FileLocked,
    FileMissing,
    LogMissing,
    NeedsCopy,
    SqlDump,
    StorageError,
)
from tests.conftest import NOW
from tests.fixtures.checkpoints import VERIFY
from tests.fixtures.window import ask
from tests.gallery.registry import Registry, Shot
from tests.gallery.window_scenes import AUDIT, SMALL, Relay, WindowScenes

Act = Callable[[MainWindow], object]

TAMPERED = "UPDATE audit_chain SET payload = '{}' WHERE seq IN (3000, 3900)"
FOREIGN = """
DROP TABLE users; DROP TABLE audit_chain; DROP TABLE webhook_destinations; DROP TABLE notifications;
DROP TABLE planning_artifacts; DROP TABLE planning_parked_ideas; DROP TABLE planning_runs;
DROP TABLE d1_migrations; CREATE TABLE songs (title TEXT); CREATE TABLE albums (title TEXT);
"""
CHANGED = "ALTER TABLE users ADD COLUMN phone TEXT"
FOLDER = Path("/srv/foundation")
FILE = FOLDER / "foundation-primary.sqlite"
DUMP = FOLDER / "foundation-primary 2026-11-16.sql"


def register(registry: Registry) -> None:
    """Add the states to `registry`."""
    scenes = WindowScenes()
    states: dict[str, Act] = {
        "replaced": lambda window: _outside(window, _replace),
        "moved": lambda window: _outside(window, lambda path: path.rename(f"{path}.old")),
        "emptied": lambda window: _outside(window, lambda path: os.truncate(path, 0)),
        "log-missing": lambda window: _context(window).outside.displaced.emit(LogMissing(FILE)),
        "tables-changed": lambda window: _outside(window, lambda path: ask(path, CHANGED)),
        "damaged": lambda window: _context(window).damaged.emit(),
        "older": partial(_differs, is_older=True),
        "differs": partial(_differs, is_older=False),
        "interrupted": _interrupted,
        "busy": _busy,
        "toast": lambda window: window.toast.show_message("3 users deleted", "Undo", lambda: None),
    }
    for name, act in states.items():
        both(registry, f"state-{name}", partial(_window, scenes, act))
    both(registry, "state-foreign", partial(_foreign, scenes))
    both(registry, "state-copy", partial(_again, scenes))
    kept = FOLDER / "foundation-primary before restore 2026-11-18 11.06.40.sqlite"
    both(registry, "state-restored", partial(_again, scenes, restored=Restored(kept, 15)))
    problem = "No checkpoint was made of what it holds now: the keyring is locked."
    both(registry, "state-restored-unsigned", partial(_again, scenes, restored=Restored(kept, None, problem)))
    for name, tab in (("", 0), ("-audit", AUDIT)):
        both(registry, f"state-lost-end{name}", partial(_lost, scenes, tab))
        both(registry, f"state-tampered{name}", partial(_tampered, scenes, tab))
    registry.scene("dialog-accept-end", None)(partial(_lost, scenes, AUDIT, asks=True))
    for name, error in (
        ("damaged", DamagedWithLog(FILE)),
        ("locked", FileLocked(FILE, "sqlite3 (pid 4711)")),
        ("empty", EmptyFile(FILE)),
        ("missing", FileMissing(FILE)),
    ):
        fail = partial(_fail, error=error)
        registry.scene(f"dialog-not-opened-{name}", None)(partial(_window, scenes, fail, dialog=True))
    for name, asked in (
        ("needs-copy", lambda window: window.files._not_opened(FILE, NeedsCopy(FILE))),
        ("import-dump", lambda window: window.files._not_opened(DUMP, SqlDump(DUMP))),
        ("undo-refused", _refuse_undo),
        ("write-damaged", _ask_write_damaged),
        ("import-rest", _ask_import),
    ):
        registry.scene(f"dialog-{name}", None)(partial(_window, scenes, asked, dialog=True))
    for name, which in (
        ("file", 0),
        ("edit", 1),
        ("record", 2),
        ("view", 3),
        ("help", 4),
        ("database", None),
    ):
        registry.scene(f"menu-{name}")(partial(_menu, scenes, which))
    both(registry, "welcome-full", _welcome)
    registry.scene("help", None)(HelpWindow)
    registry.scene("help-small", SMALL)(HelpWindow)


def both(registry: Registry, name: str, build: Callable[[Theme], Shot]) -> None:
    """At ease, and in the smallest window."""
    registry.scene(name)(build)
    registry.scene(f"{name}-small", SMALL)(build)


def _window(scenes: WindowScenes, act: Act, theme: Theme, *, dialog: bool = False) -> Shot:
    shot = scenes.window(theme, act, until=_first_tab)
    window = shot.widget
    grab = (lambda: window.findChildren(Dialog)[-1]) if dialog else None
    return Shot(window, shot.ready, shot.then, grab, shot.close)


def _context(window: MainWindow) -> Context:
    assert window.context is not None
    return window.context


def _workspace(window: MainWindow) -> Workspace:
    assert window.workspace is not None
    return window.workspace


def _outside(window: MainWindow, change: Callable[[Path], object]) -> None:
    """What another program does to the file; it is noticed at the next look."""
    change(_context(window).opened.path)
    _context(window).outside.look()


def _replace(path: Path) -> None:
    shutil.copy(path, path.with_suffix(".other"))
    path.with_suffix(".other").replace(path)


def _differs(window: MainWindow, *, is_older: bool) -> None:
    gone = Divergence("acme-corp", 3_980, 3_981, "a" * 64, None, 3_980)
    other = Divergence("acme-corp", 3_980, 3_981, "a" * 64, "b" * 64)
    found = Continuation(14, NOW - 7_400, 0, (gone if is_older else other,), is_older=is_older)
    window.findChildren(ContinuationNotice)[0].show_continuation(found)


def _refuse_undo(window: MainWindow) -> None:
    """The act before it can be taken back in its place."""
    act, older = "User bob@acme-corp.example created", "3 users deleted"
    error = ChangedSince(["E-mail of the record"], act=quoted(act))
    history = _context(window).history
    vars(history)["before_refused"] = lambda _: older
    window._failed(error)


def _busy(window: MainWindow) -> None:
    """Two jobs under way, one of which is in sight."""
    busy, words = window.busy, ("Verifying…", "Exporting to foundation.sql…")
    for text in words:
        one = _UnderWay(busy.runner, partial(str, text), True, lambda: None)
        busy._add(one)
        busy._advance(one, 61_250, 184_220)


def _menu(scenes: WindowScenes, which: int | None, theme: Theme) -> Shot:
    """A menu of the bar, or that of the button that says what is open."""

    def then(window: MainWindow) -> None:
        if which is None:
            window.settings.add_recent(FILE)
            window.settings.add_recent(f"{PREFIX}prod")
        menu(window).popup(QPoint(0, 0))

    def menu(window: MainWindow) -> QMenu:
        found = (
            window._bar.database_button.menu() if which is None else window.menuBar().actions()[which].menu()
        )
        assert isinstance(found, QMenu)
        return found

    shot = scenes.window(theme, then, until=_first_tab)
    window = shot.widget
    assert isinstance(window, MainWindow)
    return Shot(window, shot.ready, shot.then, lambda: menu(window), shot.close)


def _interrupted(window: MainWindow) -> None:
    copy = FOLDER / "foundation-primary before erasing acme-corp 2026-11-18.sqlite"
    window.findChildren(InterruptedNotice)[0]._say([copy])


def _fail(window: MainWindow, error: StorageError) -> None:
    window.files.show_failure(error, FILE, opening=True)


def _ask_write_damaged(window: MainWindow) -> None:
    caution = DamageMet(FILE)
    caution.act = "User ada@acme-corp.example created"
    _context(window).asks.emit(caution, *[lambda: None] * 3)


def _ask_import(window: MainWindow) -> None:
    window.files._confirm(
        "Import what can be imported?",
        "foundation.sql cannot come in exactly as it is written. What is not listed comes in whole.",
        "Import the rest",
        lambda: None,
        items=[
            "left out: the virtual table planning_search and its shadow tables",
            "users has 2 rows with the id of another; of each the first comes in",
            "the trigger users_touch calls a function that SQLite does not have: left out",
        ],
        whole=True,
    )


def _first_tab(window: MainWindow) -> object:
    """Ready when a record of the tab in sight is shown."""
    relay = Relay(window)

    def opened(_: object) -> None:
        page = _workspace(window).current()
        page.list.loaded.connect(lambda _: page.table.select_row(2))
        page.details_shown.connect(relay.ready)

    window.opened.connect(opened)
    return relay.ready


def _foreign(scenes: WindowScenes, theme: Theme) -> Shot:
    """A file of another program."""

    def until(window: MainWindow) -> object:
        relay = Relay(window)
        window.opened.connect(lambda _: _workspace(window).current().list.failed.connect(relay.ready))
        return relay.ready

    return scenes.window(theme, lambda window: None, change=FOREIGN, until=until)


def _again(scenes: WindowScenes, theme: Theme, *, restored: Restored | None = None) -> Shot:
    """What was restored, or copied from elsewhere, and opened then."""

    def until(window: MainWindow) -> object:
        relay, paths_seen = Relay(window), list[Path]()

        def opened(_: object) -> None:
            path = _context(window).opened.path
            if not paths_seen:
                if restored is None:
                    window.settings.copy_of.set(path, FILE)
                window.files.open(path, restored=restored)
            else:
                page = _workspace(window).current()
                page.list.loaded.connect(relay.ready.emit)
            paths_seen.append(path)

        window.opened.connect(opened)
        return relay.ready

    return scenes.window(theme, lambda window: None, until=until)


def _tampered(scenes: WindowScenes, tab: int, theme: Theme) -> Shot:
    """Verified, and not as it was written."""
    return scenes.window(theme, lambda window: _turn(window, tab), change=TAMPERED, until=_verified)


def _lost(scenes: WindowScenes, tab: int, theme: Theme, *, asks: bool = False) -> Shot:
    """Verified whole, without a checkpoint, and its end cut off behind that."""

    def verify(path: Path) -> None:
        store = CheckpointStore(paths.checkpoints_dir())
        verify_with_checkpoints(InFile(path), store, VERIFY, now=NOW - 7_400, by="ines.okafor")

    def then(window: MainWindow) -> None:
        page = _turn(window, tab)
        window.toast.hide()  # which is gone sooner or later
        if asks:
            assert isinstance(page, AuditTab)
            page.panel.ask_accept()

    def until(window: MainWindow) -> object:
        relay = Relay(window)

        def opened(_: object) -> None:
            verdict, path = _context(window).verdict, _context(window).opened.path
            verdict.changed.connect(lambda: None if verdict.lost_end is None else relay.ready.emit(None))
            page = _workspace(window).current()
            page.list.loaded.connect(lambda _: ask(path, "DELETE FROM audit_chain WHERE seq > 3960"))
            page.list.loaded.connect(lambda _: later(window, 0, _context(window).outside.look))

        window.opened.connect(opened)
        return relay.ready

    shot = scenes.window(theme, then, change=verify, until=until)
    window = shot.widget
    grab = (lambda: window.findChildren(Dialog)[-1]) if asks else None
    return Shot(window, shot.ready, shot.then, grab, shot.close)


def _turn(window: MainWindow, tab: int) -> RecordTab:
    _workspace(window).tabs.setCurrentIndex(tab)
    return _workspace(window).current()


def _verified(window: MainWindow) -> object:
    relay = Relay(window)

    def opened(_: object) -> None:
        page = _turn(window, AUDIT)
        assert isinstance(page, AuditTab)
        page.verified.connect(relay.ready)
        page.verify()

    window.opened.connect(opened)
    return relay.ready


def _welcome(theme: Theme) -> Shot:
    """As many recent databases as are shown, of all kinds."""
    window = MainWindow(theme, Settings(), lambda: NOW)
    live = f"{PREFIX}prod", f"{PREFIX}staging"
    names = "foundation-primary", "foundation-primary before restore 2026-11-18 11.06.40", "demo"
    files = [FOLDER / "a folder with a long name" / f"{name}.sqlite" for name in names]
    window.welcome.set_recent([live[0], *files, live[1]], {live[0]})
    return Shot(window.welcome, close=window.close)
