"""A live database in the window: how it is marked, what is said of it meanwhile, and what it asks."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import cast

from app.services.chain.cautions import Caution, ClockOff, NoBookmark, WentBack
from app.services.live.connections import Connections, Tokens
from app.services.live.time_travel import Covered
from app.services.records.change import Change
from app.services.records.rows import RowChange
from app.services.records.tables import USERS
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.session.lock import ask_to_read
from app.ui.shell.connect_dialog import ConnectDialog, TokenDialog
from app.ui.shell.dialogs import NotesDialog
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.shell.strip import production_mark
from app.ui.shell.time_travel import KEPT
from app.ui.shell.window import MainWindow
from app.ui.tabs.tenants.export_erase import ask_erase
from app.ui.theme import Theme
from app.ui.widgets.dialogs import Dialog, WaitDialog
from app.workers.runner import Runner
from models.d1.database import D1Database
from models.d1.errors import NotReached
from models.d1.shared import Bookmark
from models.engine import LostEntry, Settled
from models.errors import (
    ConnectionChanged,
    ConnectionGone,
    MuchToRead,
    OutcomeUnknown,
    RateLimited,
    TokenRefused,
)
from tests.conftest import NOW
from tests.fixtures.live_file import BOOKMARK, CONNECTION, open_file_as_live
from tests.fixtures.retaining import a_plan, share
from tests.gallery.registry import Registry, Shot
from tests.gallery.window_scenes import SMALL, TABS, Relay, WindowScenes

PLACE = CONNECTION.place
_MARK = production_mark(PLACE, CONNECTION.colour)
ACT = "User ada@acme-corp.example created"
DAY = 86_400

Act = Callable[[MainWindow], object]


def register(registry: Registry) -> None:
    """Add what is live to `registry`."""
    scenes = WindowScenes()
    states: dict[str, Act] = {
        "locked": lambda window: None,
        "unlocked": _unlock,
        "connection-removed": lambda window: _outside(window, ConnectionGone(PLACE)),
        "connection-changed": lambda window: _outside(
            window, ConnectionChanged(PLACE, "it leads to another account")
        ),
        "not-known": _not_known,
        "found": _found,
        "paused": _pause,
        "entry-lost": _entry_lost,
    }
    for name, act in states.items():
        registry.scene(f"live-{name}")(live_window(scenes, act))
        registry.scene(f"live-{name}-small", SMALL)(live_window(scenes, act))
    asked: dict[str, Act] = {
        "unlock": lambda window: window.strip.unlock_button.click(),
        "time-travel": _time_travel,
        "time-travel-none": lambda window: window.commands.trigger("time_travel"),
        "time-travel-confirm": _confirm_return,
        "time-travel-after": _went_back,
        "clock-off": lambda window: _ask(window, ClockOff(PLACE, 5_460.0)),
        "no-bookmark": lambda window: _ask(
            window, NoBookmark(PLACE, "the API gave no answer that tells (status 502)")
        ),
        "earlier-state": lambda window: _ask(window, WentBack(PLACE)),
        "not-opened": _not_opened,
        "token-refused": _token_refused,
        "read-much": lambda window: ask_to_read(
            window.theme, MuchToRead(PLACE, 1_204_551, charged=True), lambda: None, window
        ),
        "undo": _undo,
        "erase": _erase,
        "erase-not-known": _erasure_not_known,
    }
    for name, act in asked.items():
        registry.scene(f"dialog-live-{name}", None)(live_window(scenes, act, dialog=True))
    registry.scene("dialog-live-retention", None)(retention)
    registry.scene("dialog-live-token-wrong", None)(token_wrong)
    for name, spoil in (("exists", _exists), ("not-reached", _not_reached), ("listed", _listed)):
        registry.scene(f"dialog-live-connect-{name}", None)(partial(_connect, spoil))
    registry.scene("dialog-wait", None)(wait)


def live_window(
    scenes: WindowScenes, act: Act, *, dialog: bool = False, tab: str = TABS[0]
) -> Callable[[Theme], Shot]:
    """A window on production, and a tab of it; with `dialog`, what it asks."""

    def build(theme: Theme) -> Shot:
        file, home = scenes.file(), Path(scenes.folder) / "live-home"
        shutil.rmtree(home, ignore_errors=True)  # one scene must not know what another has kept
        os.environ["TENANT_ADMIN_HOME"] = str(home)
        settings = Settings(home)
        settings.utc_times, settings.verify_by_itself = True, False
        window = MainWindow(theme, settings, lambda: NOW)
        window.connecting.tokens = Tokens(None)
        relay = Relay(window)

        def opened(_: object) -> None:
            assert window.workspace is not None
            window.workspace.tabs.setCurrentIndex(TABS.index(tab))
            page = window.workspace.current()
            page.list.loaded.connect(lambda _: page.table.select_row(2))
            page.details_shown.connect(relay.ready)

        window.opened.connect(opened)
        window.connecting.opened.emit(open_file_as_live(file, home))
        grab = (lambda: window.findChildren(Dialog)[-1]) if dialog else None
        return Shot(window, relay.ready, lambda: act(window), grab, window.close)

    return build


def _context(window: MainWindow) -> Context:
    assert window.context is not None
    return window.context


def _database(window: MainWindow) -> D1Database:
    return cast(D1Database, _context(window).opened.database)


def _unlock(window: MainWindow) -> None:
    lock = _context(window).lock
    lock.unlock()
    _database(window).writable_until += 30  # so that a minute that is just over is not seen


def _outside(window: MainWindow, error: ConnectionGone) -> None:
    """As the next look at the connection finds it."""
    _database(window).withdrawn = lambda: error
    _context(window).outside._look_at_connection()


def _not_known(window: MainWindow) -> None:
    error = OutcomeUnknown(PLACE, "the connection was lost before its answer came")
    _context(window).runner.failed_with.emit(error.of(ACT))


def _found(window: MainWindow) -> None:
    """Of two acts of an earlier run of the program."""
    for saved, act in ((True, ACT), (False, "Webhook Ops alerts deleted")):
        _context(window).unsettled.became.emit(Settled(saved, act), act, False)


def _pause(window: MainWindow) -> None:
    """Until a time that is the same in each picture; no timer ends it."""
    context = _context(window)
    context.runner.failed_with.emit(RateLimited(PLACE, NOW + 200.0))
    context.pause._timer.stop()


def _entry_lost(window: MainWindow) -> None:
    """The last entry that this window has seen, and nobody has verified."""
    outside = _context(window).outside
    outside.lost_entries = (LostEntry(3_980, "a" * 64, NOW - 340),)
    outside.went_back.emit(3_979)
    outside.lost_entries = ()


def _ask(window: MainWindow, caution: Caution) -> None:
    caution.act = ACT
    _context(window).asks.emit(caution, *[lambda: None] * 3)


def _time_travel(window: MainWindow) -> None:
    _unlock(window)
    whys = ("before going back", 0.3), ("before retention", 1.2), (KEPT, 9.0)
    kept = [
        Bookmark(BOOKMARK.format(9 - number), why, NOW - days * DAY)
        for number, (why, days) in enumerate(whys)
    ]
    now = Bookmark(BOOKMARK.format(0x85), "as it is now", NOW)
    window.time_travel._show(_context(window), now, kept)


def _confirm_return(window: MainWindow) -> None:
    _unlock(window)
    then, bookmark = "2026-11-17 11:06:40 UTC", BOOKMARK.format(1)
    window.time_travel._confirm(_context(window), then, bookmark, Covered(7))


def _went_back(window: MainWindow) -> None:
    said = "foundation-primary is as it was at 2026-11-17 11:06:40 UTC; the way back is kept"
    why = "That it went back could not be recorded in the audit chain: its newest entry is not known."
    sentence = f"{said} (File, Time Travel…). {why}"
    bookmark = BOOKMARK.format(0x85)
    window.time_travel._tell(window.theme, "foundation-primary went back", sentence, bookmark)


def _not_opened(window: MainWindow) -> None:
    error = NotReached(PLACE, "no such host is known to the network")
    window.connecting._not_opened(PLACE, CONNECTION, error, lambda: None, is_kept=True)


def _token_refused(window: MainWindow) -> None:
    _context(window).runner.failed.emit(TokenRefused(PLACE))


def _erase(window: MainWindow) -> None:
    _unlock(window)
    ask_erase(_context(window), "acme-corp", lambda erasure: None, window)


def _undo(window: MainWindow) -> None:
    """What takes back what several records were made by, which somebody pays for."""
    _unlock(window)
    context = _context(window)
    row = partial(RowChange, context.opened.schema.stored[USERS.name], before=None)
    made = tuple(row(key, {"id": key}, after={"id": key, "tenant_id": "acme-corp"}) for key in "abc")
    window._ask_price(context, "Undo", Change("3 users created", made, ()), lambda: None)


def _erasure_not_known(window: MainWindow) -> None:
    error = OutcomeUnknown(PLACE, "the connection was lost before its answer came")
    said = "It is not known whether acme-corp is erased"
    about = "About the erasure:"
    NotesDialog(window.theme, said, about, [str(error)], window, doubt=True).open_once()


def retention(theme: Theme) -> RetentionDialog:
    """Each row is charged, and Time Travel leads back."""
    shares = (share("acme-corp", 132, 12_400), share("globex", 31, 4_000))
    dialog = RetentionDialog(
        theme,
        a_plan(*shares, notifications=1_204, planning_runs=12, planning_artifacts=121),
        file_name=PLACE,
        days=90,
        utc=True,
        reads=(184_220, 368_440),
        charged=True,
        time_travel=True,
    )
    dialog.set_mark(_MARK)  # as of the window that it belongs to
    return dialog


def token_wrong(theme: Theme) -> Shot:
    """What was pasted is no token."""
    dialog = TokenDialog(theme, CONNECTION, str(TokenRefused(PLACE)))
    dialog.set_mark(_MARK)

    def spoil() -> None:
        dialog.token.setText("a token of several words")
        dialog.submit()

    return Shot(dialog, then=spoil)


def _connect(spoil: Callable[[ConnectDialog], object], theme: Theme) -> Shot:
    runner = Runner()
    dialog = ConnectDialog(theme, runner, lambda: Tokens(None), CONNECTION)
    return Shot(dialog, then=lambda: spoil(dialog), close=runner.stop)


def _exists(dialog: ConnectDialog) -> None:
    """Another has that name already."""
    Connections().add(replace(CONNECTION, name="staging", production=False), replace=True)
    dialog.name.setText("staging")
    dialog._keep()


def _not_reached(dialog: ConnectDialog) -> None:
    dialog.show_error(NotReached(PLACE, "no such host is known to the network"))


def _listed(dialog: ConnectDialog) -> None:
    """What the account has, and that one of it answers."""
    names = [{"uuid": f"{number:04}", "name": f"planning-{number}"} for number in range(3)]
    found = [{"uuid": CONNECTION.database_id, "name": CONNECTION.database}, *names]
    dialog._show_found(found, dialog.connection(), 0.31, None)


def wait(theme: Theme) -> Shot:
    dialog = WaitDialog(theme, "Erasing acme-corp…", can_cancel=True, in_rows=False)
    return Shot(dialog, then=lambda: dialog.show_progress(38, 100))
