"""The audit tab in every state of its verification, at ease and in the smallest window."""

import shutil
from collections.abc import Callable
from functools import partial
from pathlib import Path

from PySide6.QtWidgets import QAbstractItemView

from app import paths
from app.services.chain.checkpoint import Reason
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.dialogs import VerifyRangeDialog
from app.ui.theme import Theme
from app.ui.widgets.form_dialog import FormDialog
from tests.conftest import NOW
from tests.fixtures import damage
from tests.fixtures.archived import archive, cut
from tests.fixtures.checkpoints import sign
from tests.gallery.registry import Registry, Shot
from tests.gallery.window_scenes import AUDIT, SMALL, Preparation, Relay, WindowScenes

Act = Callable[[AuditTab], object]

STATES: dict[str, tuple[str | None, Act]] = {
    "verified": (None, lambda page: page.verify()),
    "unproven": ("DELETE FROM audit_chain WHERE seq <= 1200", lambda page: page.verify()),
    "broken": (
        "UPDATE audit_chain SET payload = '{}' WHERE seq IN (3000, 3900);"
        "DELETE FROM audit_chain WHERE seq IN (2000, 2400, 2500)",
        lambda page: page.verify(),
    ),
    "counter": ("DELETE FROM audit_chain WHERE seq > 3990", lambda page: page.verify()),
    "range": (None, lambda page: page.verify_range(3_990, 3_998)),
    "range-broken": (
        "UPDATE audit_chain SET payload = '{}' WHERE seq IN (3995)",
        lambda page: page.verify_range(3_990, 3_998),
    ),
    "range-empty": (None, lambda page: page.verify_range(-9, -5)),
}


def register(registry: Registry) -> None:
    """Add the states to `registry`."""
    scenes = WindowScenes()
    for name, (change, act) in STATES.items():
        registry.scene(f"audit-{name}")(_state(scenes, change, act))
        registry.scene(f"audit-{name}-small", SMALL)(_state(scenes, change, act))
    registry.scene("audit-entry-small", SMALL)(_entry(scenes))
    for name, spoil in (("archive", None), ("archive-cut", cut), ("archive-missing", Path.unlink)):
        registry.scene(f"audit-{name}")(_archived(scenes, spoil))
    registry.scene("audit-archive-small", SMALL)(_archived(scenes, None))
    registry.scene("audit-archive-gone")(_archived(scenes, lambda file: shutil.rmtree(file.parent)))
    registry.scene("audit-signed")(_state(scenes, None, lambda page: page.verify(), _sign))
    registry.scene("audit-unreadable")(
        _state(scenes, partial(damage.spoil, table="audit_chain", number=200), lambda page: page.verify())
    )
    registry.scene("audit-running")(_running(scenes))
    registry.scene("audit-running-small", SMALL)(_running(scenes))
    registry.scene("audit-cancelled")(_cancelled(scenes))
    registry.scene("audit-menu")(_menu(scenes))
    registry.scene("dialog-verify-range", None)(range_dialog)
    registry.scene("dialog-verify-range-wrong", None)(range_dialog_wrong)


def range_dialog(theme: Theme) -> VerifyRangeDialog:
    return VerifyRangeDialog(theme, (61_004, 245_224), (61_004, 245_224), tenant="acme-corp")


def range_dialog_wrong(theme: Theme) -> Shot:
    dialog = VerifyRangeDialog(theme, (61_004, 245_224), (62_000, 61_200))
    return Shot(dialog, then=lambda: FormDialog.submit(dialog))


def _state(
    scenes: WindowScenes,
    change: Preparation | None,
    act: Act,
    prepare: Callable[[MainWindow], object] | None = None,
) -> Callable[[Theme], Shot]:
    def build(theme: Theme) -> Shot:
        return scenes.window(theme, _at_rest, change=change, until=_after(act, prepare))

    return build


def _entry(scenes: WindowScenes) -> Callable[[Theme], Shot]:
    """Beside its rows, where there is little room for both."""

    def show(window: MainWindow) -> None:
        _at_rest(window)
        _page(window).fold(False)

    def build(theme: Theme) -> Shot:
        return scenes.window(theme, show, until=_after(lambda page: page.verify_range(3_990, 3_998)))

    return build


def _sign(window: MainWindow) -> None:
    sign(_path(window), paths.checkpoints_dir(), now=NOW - 86_400, reason=Reason.REQUEST)


def _path(window: MainWindow) -> Path:
    assert window.context is not None
    return window.context.opened.path


def _archived(scenes: WindowScenes, spoil: Callable[[Path], object] | None) -> Callable[[Theme], Shot]:
    def build(theme: Theme) -> Shot:
        def prepare(window: MainWindow) -> object:
            assert window.context is not None
            path = _path(window)
            folder = path.with_name("audit archive")
            names = archive(path, folder, now=NOW)
            window.context.settings.retention_archive.set(path, folder)
            if spoil is not None:
                spoil(folder / names[0])
            return None

        return scenes.window(theme, _at_rest, until=_after(lambda page: page.verify(), prepare))

    return build


def _running(scenes: WindowScenes) -> Callable[[Theme], Shot]:
    def show(window: MainWindow) -> None:
        page = _page(window)
        page.banner.show_progress("Verifying…", 1_843, 4_000, "1,843 of 4,000 entries · 1.4 M entries/s")

    def build(theme: Theme) -> Shot:
        return scenes.window(theme, show, until=_after(lambda page: page.verify()))

    return build


def _cancelled(scenes: WindowScenes) -> Callable[[Theme], Shot]:
    def act(page: AuditTab) -> None:
        page.verify()
        page.panel.cancel()

    def build(theme: Theme) -> Shot:
        return scenes.window(theme, lambda window: None, until=_after(act, verdict=False))

    return build


def _menu(scenes: WindowScenes) -> Callable[[Theme], Shot]:
    def build(theme: Theme) -> Shot:
        shot = scenes.window(
            theme,
            lambda window: _page(window).verify_split.arrow.click(),
            until=_after(lambda page: page.verify()),
        )
        window = shot.widget
        assert isinstance(window, MainWindow)
        return Shot(shot.widget, shot.ready, shot.then, lambda: _page(window).verify_split.menu, shot.close)

    return build


def _page(window: MainWindow) -> AuditTab:
    assert window.workspace is not None
    page = window.workspace.current()
    assert isinstance(page, AuditTab)
    return page


def _at_rest(window: MainWindow) -> None:
    page = _page(window)
    if page.findings.isHidden():
        page.table.select_row(2)
    else:  # gone to before or after the timeline took its room
        page.table.scrollTo(page.table.currentIndex(), QAbstractItemView.ScrollHint.PositionAtCenter)


def _after(
    act: Act, prepare: Callable[[MainWindow], object] | None = None, *, verdict: bool = True
) -> Callable[[MainWindow], object]:
    """Goes to the tab when the file is open, and acts; ready when the verification has ended."""

    def until(window: MainWindow) -> object:
        relay = Relay(window)

        def opened(_: object) -> None:
            if prepare is not None:
                prepare(window)
            assert window.workspace is not None
            window.workspace.tabs.setCurrentIndex(AUDIT)
            page = _page(window)
            if verdict:
                page.verified.connect(relay.ready)
            else:
                page.panel.changed.connect(lambda: None if page.panel.is_running else relay.ready.emit(None))
            act(page)

        window.opened.connect(opened)
        return relay.ready

    return until
