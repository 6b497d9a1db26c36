"""Tables that another program takes away, or makes otherwise, while the file is open."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from shutil import copyfile

import apsw
import pytest
from pytestqt.qtbot import QtBot

from app import paths
from app.itemmodels.columns import Tone
from app.services.chain.rules import Verdict
from app.ui.shell.notices import TablesNotice
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.widgets.dialogs import ConfirmDialog
from tests.conftest import NOW
from tests.fixtures.chains import append
from tests.fixtures.checkpoints import sign, verify
from tests.fixtures.window import (
    ask,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    is_settled,
    open_file,
    press,
    values,
    words,
)

pytestmark = pytest.mark.slow
USERS, AUDIT, WEBHOOKS, NOTIFICATIONS, RUNS = range(5)
DROPPED = ("DROP TABLE audit_chain",)
BY_A_VIEW = ("ALTER TABLE audit_chain RENAME TO kept", "CREATE VIEW audit_chain AS SELECT * FROM kept")
Opened = Callable[[], AuditTab]


@pytest.fixture
def signed(demo_path: Path) -> None:
    paths.checkpoints_dir().mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    sign(demo_path, paths.checkpoints_dir(), now=NOW, by="ops")


@pytest.fixture
def opened(qtbot: QtBot, window: MainWindow, demo_path: Path) -> Opened:
    """Opens the file, which is verified by itself, at the audit chain."""
    window.settings.verify_by_itself = True

    def open_() -> AuditTab:
        open_file(qtbot, window, demo_path)
        context = window.context
        assert context is not None
        qtbot.waitUntil(lambda: context.verdict.outcome is not None and not context.verdict.is_running)
        press("Ctrl+2")  # where there may be no rows to wait for
        page = current(window)
        assert isinstance(page, AuditTab)
        return page

    return open_


def write(qtbot: QtBot, window: MainWindow, path: Path, *statements: str) -> None:
    """As another program does, between two looks of the window."""
    assert window.context is not None
    looked = list[bool]()
    window.context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    for sql in statements:
        ask(path, sql)
    window.context.outside.look()


@pytest.mark.usefixtures("signed")
@pytest.mark.parametrize("how", [DROPPED, BY_A_VIEW], ids=["dropped", "a view"])
def test_a_chain_that_is_gone_is_red_in_every_tab(
    qtbot: QtBot, window: MainWindow, demo_path: Path, opened: Opened, how: tuple[str, ...]
) -> None:
    page = opened()
    entries = count(demo_path, "audit_chain")
    assert page.banner.tone() is Tone.OK and "verified" in page.banner.headline()
    write(qtbot, window, demo_path, *how)
    qtbot.waitUntil(lambda: page.banner.tone() is Tone.BAD)
    qtbot.waitUntil(lambda: page.banner.headline().startswith("Audit chain gone"))
    assert "This database has no table audit_chain any more" in page.banner.detail()
    assert page.findings.count > 1
    qtbot.waitUntil(lambda: "verified" not in window.shield.text())
    workspace = window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: page.filters.count.text() == "")
    if how is DROPPED:
        qtbot.waitUntil(lambda: page.empty_state.title.text() == "Not in this database")
    for act, refused in (("verify", False), ("checkpoints", False), ("go_to", True), ("report", True)):
        assert bool(page.commands.refusal(act)) is refused, act
    for tab in (USERS, NOTIFICATIONS, RUNS):
        go(qtbot, window, tab)
        qtbot.waitUntil(workspace.broken.isVisible)
        assert workspace.broken.banner.tone() is Tone.BAD
        assert workspace.broken.banner.headline().startswith("Audit chain gone")
    window.close_file()
    page = opened()
    assert page.banner.tone() is Tone.BAD and page.findings.count > 1
    assert window.shield.text() == "Audit chain gone"
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: not page.panel.is_running)
    assert page.banner.tone() is Tone.BAD
    assert entries and page.commands.refusal("checkpoints") is None
    page.commands.trigger("checkpoints")
    box = dialog(qtbot, window, CheckpointsDialog)
    qtbot.waitUntil(lambda: box.table.model().rowCount() == 1)
    qtbot.waitUntil(box.start_over_button.isEnabled)
    press("Escape")
    closed(qtbot, window, CheckpointsDialog)


@pytest.mark.parametrize("how", [DROPPED, BY_A_VIEW], ids=["dropped", "a view"])
def test_a_chain_that_is_gone_has_lost_the_end_that_was_verified(
    qtbot: QtBot, window: MainWindow, demo_path: Path, opened: Opened, how: tuple[str, ...]
) -> None:
    page = opened()
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    through = count(demo_path, "audit_chain")
    write(qtbot, window, demo_path, *how)
    qtbot.waitUntil(lambda: page.banner.tone() is Tone.WARN)
    assert "verified through entry" in page.banner.headline() + page.banner.detail()
    assert window.context is not None
    verdict = window.context.verdict
    qtbot.waitUntil(lambda: verdict.outcome is not None and verdict.outcome.report.lacks_table)
    lost_end = verdict.lost_end
    assert lost_end is not None and (lost_end.through, lost_end.ends_at) == (through, 0)
    assert page.banner.detail().startswith("This database has no table audit_chain any more")
    qtbot.waitUntil(page.panel.accept_button.isVisible)
    window.close_file()
    page = opened()
    assert page.banner.tone() is Tone.WARN and "Audit chain gone" in page.banner.headline()
    click(qtbot, page.panel.accept_button)
    question = dialog(qtbot, window, ConfirmDialog)
    click(qtbot, question.confirm_button)
    closed(qtbot, window, ConfirmDialog)
    qtbot.waitUntil(lambda: page.banner.headline() == "No audit chain")
    window.close_file()
    open_file(qtbot, window, demo_path)
    press("Ctrl+2")
    audit = current(window)
    assert isinstance(audit, AuditTab)
    qtbot.waitUntil(lambda: audit.banner.headline() == "No audit chain")
    assert not window.shield.isVisible()


@pytest.mark.usefixtures("signed")
def test_a_chain_without_a_column_is_red_until_that_is_there_again(
    qtbot: QtBot, window: MainWindow, demo_path: Path, opened: Opened
) -> None:
    page = opened()
    workspace = window.workspace
    assert workspace is not None
    write(qtbot, window, demo_path, "ALTER TABLE audit_chain RENAME COLUMN payload TO content")
    qtbot.waitUntil(lambda: page.banner.tone() is Tone.BAD, timeout=9_000)
    assert "has no column payload, so it is not the platform's" in page.banner.detail()
    go(qtbot, window, USERS)
    qtbot.waitUntil(workspace.broken.isVisible)
    write(qtbot, window, demo_path, "ALTER TABLE audit_chain RENAME COLUMN content TO payload")
    qtbot.waitUntil(lambda: page.banner.tone() is Tone.OK)
    assert not workspace.broken.isVisible()


def test_a_chain_made_otherwise_has_lost_its_end_and_stays_so(
    qtbot: QtBot, window: MainWindow, demo_path: Path, opened: Opened
) -> None:
    page = opened()
    write(
        qtbot,
        window,
        demo_path,
        "CREATE TABLE kept AS SELECT * FROM audit_chain",
        "DROP TABLE audit_chain",
        "ALTER TABLE kept RENAME TO audit_chain",
    )
    assert window.context is not None
    verdict = window.context.verdict
    qtbot.waitUntil(lambda: verdict.outcome is not None and verdict.outcome.report.lacks_table)
    assert page.banner.tone() is Tone.WARN and verdict.lost_end is not None
    ask(demo_path, "UPDATE users SET updated_at = updated_at + 1")
    with qtbot.waitSignal(window.context.outside.written):
        window.context.outside.look()
    qtbot.waitUntil(lambda: is_settled(window))
    assert verdict.lost_end is not None, "the rows that are there are no entries of the platform's"
    window.close_file()
    page = opened()
    assert page.banner.tone() is Tone.WARN and "Audit chain gone" in page.banner.headline()


@pytest.mark.parametrize("before", ["verified", "earlier", "checkpoint"])
def test_a_chain_that_was_known_before_is_called_gone_where_nothing_verifies_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path, before: str
) -> None:
    folder, path = paths.checkpoints_dir(), demo_path
    if before == "earlier":
        path = tmp_path / "earlier.sqlite"
        sign(demo_path, folder, now=NOW)
        copyfile(demo_path, path)
        with closing(apsw.Connection(str(demo_path))) as connection:
            append(connection, "acme-corp", [NOW])
        sign(demo_path, folder, now=NOW)
        assert verify(path, folder, now=NOW, by="ops").verdict is Verdict.EARLIER
    elif before == "verified":
        assert verify(path, folder, now=NOW, by="ops").stands
    else:
        sign(path, folder, now=NOW)
    ask(path, *DROPPED)
    window.settings.verify_by_itself = False
    open_file(qtbot, window, path)
    press("Ctrl+2")
    page = current(window)
    assert isinstance(page, AuditTab) and window.context is not None
    verdict = window.context.verdict
    qtbot.waitUntil(lambda: page.banner.headline().startswith("Audit chain gone"))
    assert "verified 2" not in page.banner.headline() and page.commands.refusal("verify") is None
    qtbot.waitUntil(lambda: window.shield.text() == "Audit chain gone")
    press("Ctrl+T")
    tenants = current(window)
    qtbot.waitUntil(lambda: {*values(tenants, "chain")} == {"gone"})
    choose(qtbot, tenants, 0)
    qtbot.waitUntil(lambda: "The audit chain of all tenants is gone." in words(tenants))
    press("Ctrl+2")
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: not page.panel.is_running and verdict.outcome is not None)
    assert page.banner.headline().startswith("Audit chain gone")
    press("Ctrl+T")
    assert {*values(tenants, "chain")} == {"gone"}


def test_a_chain_of_which_nothing_was_known_is_said_to_be_gone(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    write(qtbot, window, demo_path, *DROPPED)
    qtbot.waitUntil(lambda: page.banner.headline() == "Audit chain gone")
    assert page.banner.tone() is Tone.WARN and page.commands.refusal("verify") is not None


def test_a_tab_whose_table_is_gone_counts_nothing_and_takes_no_act(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, NOTIFICATIONS)
    workspace = window.workspace
    assert workspace is not None
    tabs = workspace.tabs
    qtbot.waitUntil(lambda: tabs.tabText(NOTIFICATIONS) != "Notifications")
    assert page.commands.refusal("create") is None
    write(qtbot, window, demo_path, "ALTER TABLE notifications RENAME TO others")
    qtbot.waitUntil(lambda: tabs.tabText(NOTIFICATIONS) == "Notifications")
    assert page.commands.refusal("create") == "This database has no table notifications."
    assert tabs.tabToolTip(NOTIFICATIONS) == ""
    (notice,) = workspace.findChildren(TablesNotice)
    qtbot.waitUntil(notice.isVisible)
    assert "The table is gone: notifications. " in notice.banner.detail()
    write(qtbot, window, demo_path, "ALTER TABLE others RENAME TO notifications")
    qtbot.waitUntil(lambda: page.commands.refusal("create") is None)
    qtbot.waitUntil(lambda: tabs.tabText(NOTIFICATIONS) != "Notifications")


@pytest.mark.usefixtures("signed")
def test_an_empty_list_of_a_chain_that_lost_all_says_so(
    qtbot: QtBot, window: MainWindow, demo_path: Path, opened: Opened
) -> None:
    page = opened()
    write(
        qtbot,
        window,
        demo_path,
        "DELETE FROM audit_chain",
        "DELETE FROM sqlite_sequence WHERE name = 'audit_chain'",
    )
    qtbot.waitUntil(lambda: page.empty_state.title.text() == "No entry is left")
    assert "All that were known are gone" in words(page.empty_state)
    assert window.toast.label.text().endswith("the chain has no entry any more")
    press("Ctrl+T")
    tenants = current(window)
    qtbot.waitUntil(lambda: "acme-corp" in values(tenants, "name"))
    row = values(tenants, "name").index("acme-corp")
    qtbot.waitUntil(lambda: values(tenants, "chain")[row] == "broken · 1 finding")
