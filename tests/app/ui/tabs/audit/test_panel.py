"""A part of the audit chain verified alone, and the whole of it together with its archive."""

import json
import shutil
from pathlib import Path

import pytest
from PySide6.QtCore import QItemSelectionModel, QPoint, Qt
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QApplication, QFileDialog, QMenu
from pytestqt.qtbot import QtBot

from app import paths
from app.itemmodels.columns import Tone
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.rules import Code, Verdict
from app.services.chain.where import InFile
from app.services.records import users
from app.services.records.change import Change
from app.services.records.tables import AUDIT_CHAIN, EVERYONE, Scope
from app.ui.session.context import Context
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.dialogs import CheckpointsDialog, VerifyRangeDialog
from app.ui.tabs.audit.findings import KINDS, _WholeLines
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.labels import Label
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.archived import archive, cut
from tests.fixtures.keyrings import Desktop
from tests.fixtures.window import (
    added,
    ask,
    button,
    choose,
    click,
    closed,
    count,
    dialog,
    go,
    is_settled,
    labels,
    open_file,
    press,
    type_text,
    value_of,
    values,
)

AUDIT = 1
OUTSIDE = "unverified"


@pytest.fixture
def page(show_tab: ShowTab, qtbot: QtBot) -> AuditTab:
    """The tab of 600 entries, numbered 1 to 600, of three tenants."""
    return audit_tab(show_tab, qtbot)


def audit_tab(show_tab: ShowTab, qtbot: QtBot) -> AuditTab:
    """The tab alone, in front."""
    page = show_tab(AuditTab)
    page.activateWindow()
    qtbot.waitUntil(page.isActiveWindow)
    page.table.setFocus()
    return page


@pytest.fixture
def in_window(qtbot: QtBot, window: MainWindow, demo_path: Path) -> AuditTab:
    """The same tab in the whole window."""
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    return page


def select(page: AuditTab, *rows: int) -> None:
    """Selects rows as with Ctrl and the mouse."""
    page.table.select_row(rows[0])
    flags = QItemSelectionModel.SelectionFlag.Select | QItemSelectionModel.SelectionFlag.Rows
    for row in rows[1:]:
        page.table.selectionModel().select(page.model.index(row, 0), flags)


def links(qtbot: QtBot, page: AuditTab) -> dict[int, str]:
    """What the link column says, by seq, of the rows at hand."""
    qtbot.waitUntil(lambda: values(page, "seq")[0] not in {"", "None"})
    found = zip(values(page, "seq"), values(page, "previous_hash"), strict=True)
    return {int(seq.replace(",", "")): link for seq, link in found if seq.replace(",", "").isdigit()}


def menu_action(menu: QMenu, text: str) -> QAction:
    return next(action for action in menu.actions() if action.text().replace("&", "") == text)


def context_menu(qtbot: QtBot, page: AuditTab) -> QMenu:
    """The menu as the keyboard's menu key or the mouse opens it."""
    page.table.menu_requested.emit(page.table.currentIndex(), page.table.mapToGlobal(QPoint(40, 60)))
    qtbot.waitUntil(lambda: isinstance(QApplication.activePopupWidget(), QMenu))
    found = QApplication.activePopupWidget()
    assert isinstance(found, QMenu)
    return found


# a range


@pytest.mark.slow
def test_the_selected_entries_are_verified_by_one_key(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    select(page, 10, 30)
    page.table.setFocus()
    with qtbot.waitSignal(page.verified):
        press("V")
    assert page.banner.headline() == "Entries 570 to 590 consistent — 21 entries"
    assert page.banner.tone() is Tone.OK
    assert page.banner.detail().startswith(
        "Only these entries were looked at; of checkpoints, the last entries that they knew"
    )
    shown = links(qtbot, page)
    assert {seq for seq, link in shown.items() if link == "linked"} == set(range(570, 591))
    assert {shown[569], shown[591]} == {OUTSIDE}
    assert CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(demo_path)) == (), (
        "none is made of a range"
    )


@pytest.mark.slow
def test_a_single_entry_can_be_verified(qtbot: QtBot, page: AuditTab) -> None:
    choose(qtbot, page, 9)
    page.table.setFocus()
    act = button(page.inspector, "Verify this entry")
    assert act.isVisible() and act.text().endswith("(V)")
    with qtbot.waitSignal(page.verified):
        press("V")
    assert page.banner.headline() == "Entry 591 consistent"
    assert page.banner.detail().startswith("Only this entry was looked at")


@pytest.mark.slow
def test_the_context_menu_verifies_the_selected_entries_at_once(qtbot: QtBot, page: AuditTab) -> None:
    page.table.clearSelection()
    menu = context_menu(qtbot, page)
    none = menu_action(menu, "Verify these entries")
    assert none.shortcut().toString() == "V" and none.isShortcutVisibleInContextMenu()
    assert not none.isEnabled() and "Select the entries first." in none.toolTip()
    menu.close()
    select(page, 5, 6, 7)
    menu = context_menu(qtbot, page)
    with qtbot.waitSignal(page.verified):
        menu.setActiveAction(menu_action(menu, "Verify these entries"))
        qtbot.keyClick(menu, Qt.Key.Key_Return)
    assert page.banner.headline() == "Entries 593 to 595 consistent — 3 entries"


@pytest.mark.slow
def test_the_record_menu_and_the_button_offer_the_same(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab
) -> None:
    page = in_window
    wanted = ["Verify chain", "Verify these entries", "Verify a range…", "Verify with an archive…"]
    record = next(action.menu() for action in window.menuBar().actions() if action.text() == "&Record")
    assert isinstance(record, QMenu)
    record.aboutToShow.emit()
    assert [action.text().replace("&", "") for action in record.actions()][:4] == wanted
    marks = [action.text().partition("&")[2][:1].lower() for action in record.actions()[:4]]
    assert marks == ["v", "e", "r", "i"], "each has a letter of its own"
    page.verify_split.arrow.setFocus()
    press("Space")
    qtbot.waitUntil(lambda: QApplication.activePopupWidget() is page.verify_split.menu)
    offered = [action.text().replace("&", "") for action in page.verify_split.menu.actions()]
    assert offered == [*wanted, "", "Checkpoints…", "Export report…"], "in words, however small"
    for _ in range(3 - 1):  # the entry that cannot be chosen now is passed over
        qtbot.keyClick(page.verify_split.menu, Qt.Key.Key_Down)
    qtbot.keyClick(page.verify_split.menu, Qt.Key.Key_Return)
    box = dialog(qtbot, window, VerifyRangeDialog)
    assert (box.first.text(), box.last.text()) == ("1", "600"), "the whole chain, where nothing is selected"
    press("Esc")
    closed(qtbot, window, VerifyRangeDialog)
    assert page.banner.headline() == "Not verified yet"


@pytest.mark.slow
def test_a_range_is_typed_and_verified_with_the_keyboard_alone(qtbot: QtBot, page: AuditTab) -> None:
    press("Ctrl+Shift+Return")
    box = dialog(qtbot, page, VerifyRangeDialog)
    assert QApplication.focusWidget() is box.first
    type_text(qtbot, "100")
    press("Tab")
    type_text(qtbot, "1,50")
    with qtbot.waitSignal(page.verified):
        press("Return")
    closed(qtbot, page, VerifyRangeDialog)
    assert page.banner.headline() == "Entries 100 to 150 consistent — 51 entries"
    press("Ctrl+Return")
    qtbot.waitUntil(lambda: page.banner.headline() == "Chain verified — 600 entries")
    assert set(values(page, "previous_hash")[:50]) == {"linked"}


@pytest.mark.slow
def test_the_dialog_begins_with_what_is_selected_or_filtered(
    qtbot: QtBot, page: AuditTab, demo_path: Path
) -> None:
    seqs = [
        row[0]
        for row in ask(demo_path, "SELECT seq FROM audit_chain WHERE payload LIKE '%usr_%' ORDER BY seq")
    ]
    page.set_filter_text("usr_")
    qtbot.waitUntil(lambda: page.model.rowCount() == len(seqs) < 600)
    page.ask_range()
    box = dialog(qtbot, page, VerifyRangeDialog)
    assert (box.first.text(), box.last.text()) == (str(seqs[0]), str(seqs[-1]))
    press("Esc")
    closed(qtbot, page, VerifyRangeDialog)
    select(page, 4, 1)
    page.ask_range()
    box = dialog(qtbot, page, VerifyRangeDialog)
    assert (box.first.text(), box.last.text()) == (str(seqs[-5]), str(seqs[-2]))
    press("Esc")


@pytest.mark.slow
def test_a_range_of_a_tenant_is_of_this_tenant_alone(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    most = "SELECT tenant_id FROM audit_chain GROUP BY tenant_id ORDER BY count(*) DESC LIMIT 2"
    (other,), (tenant,) = ask(demo_path, most)
    mine, theirs = (
        [
            row[0]
            for row in ask(demo_path, "SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq", name)
        ]
        for name in (tenant, other)
    )
    spoilt = next(seq for seq in theirs if mine[-30] < seq < mine[-5])
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = ?", spoilt)
    page.set_scope(Scope(tenant))
    page.activate()
    qtbot.waitUntil(lambda: page.model.rowCount() == len(mine))
    page.ask_range()
    box = dialog(qtbot, page, VerifyRangeDialog)
    assert (box.first.text(), box.last.text()) == (f"{mine[0]}", f"{mine[-1]}")
    assert tenant in box.sentence.text()
    press("Esc")
    closed(qtbot, page, VerifyRangeDialog)
    with qtbot.waitSignal(page.verified):
        page.verify_range(mine[-30], mine[-5])
    assert page.banner.headline() == f"Entries {mine[-30]} to {mine[-5]} of {tenant} consistent — 26 entries"
    assert f"continues from entry {mine[-31]}" in page.banner.detail()
    shown = links(qtbot, page)
    assert (shown[mine[-31]], shown[mine[-30]], shown[mine[-4]]) == (OUTSIDE, "linked", OUTSIDE)


@pytest.mark.slow
def test_what_is_broken_within_is_found_and_what_lies_outside_is_not(
    qtbot: QtBot, page: AuditTab, demo_path: Path
) -> None:
    for seq in (100, 590):
        ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seq)
    with qtbot.waitSignal(page.verified):
        page.verify_range(580, 599)
    assert page.banner.headline() == "Entries 580 to 599: chain broken — 1 finding, 20 entries checked"
    assert page.banner.tone() is Tone.BAD
    qtbot.waitUntil(lambda: page.list.current_id() == 590)
    qtbot.waitUntil(lambda: "hash wrong" in labels(page.inspector))
    assert links(qtbot, page)[590] == "hash wrong"
    with qtbot.waitSignal(page.verified):
        page.verify_range(200, 300)
    assert page.banner.tone() is Tone.BAD, "a part that holds does not mend the rest"
    assert page.banner.headline() == "Entries 580 to 599: chain broken — 1 finding, 20 entries checked"
    assert page.banner.detail().startswith("Since then: Entries 200 to 300 consistent — 101 entries\n")
    assert page.findings.isVisible()


@pytest.mark.slow
def test_a_range_without_entries_is_not_called_sound(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    ask(demo_path, "DELETE FROM audit_chain WHERE seq BETWEEN 200 AND 220")
    with qtbot.waitSignal(page.verified):
        page.verify_range(205, 210)
    assert page.banner.headline() == "Entries 205 to 210: nothing to verify — no entries are there"
    assert page.banner.tone() is Tone.NEUTRAL


@pytest.mark.slow
def test_the_unproven_start_of_a_range_is_not_accepted(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    ask(demo_path, "DELETE FROM audit_chain WHERE seq <= 300")
    with qtbot.waitSignal(page.verified):
        page.verify_range(301, 400)
    assert page.banner.headline() == "Entries 301 to 400: start unproven — 100 entries checked"
    assert page.banner.tone() is Tone.WARN and not page.panel.accept_button.isVisible()
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    assert page.panel.accept_button.isVisible()
    qtbot.waitUntil(lambda: page.list.current_id() == 301)
    assert links(qtbot, page)[301] == "unproven", "the column and the inspector say the same"
    qtbot.waitUntil(lambda: "start unproven" in labels(page.inspector))


@pytest.mark.slow
def test_what_others_wrote_before_does_not_outdate_a_verification(
    qtbot: QtBot, in_window: AuditTab, demo_path: Path
) -> None:
    page = in_window
    ask(demo_path, "UPDATE users SET updated_at = updated_at + 1")
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    looked: list[bool] = []
    page.context.outside.look(lambda: looked.append(True))
    qtbot.waitUntil(lambda: bool(looked))
    assert page.banner.tone() is Tone.OK
    ask(demo_path, "UPDATE users SET updated_at = updated_at + 1")
    page.context.outside.look()
    others = (
        "Another program has written to the database since; the last entry that was verified is there as it"
    )
    qtbot.waitUntil(lambda: page.banner.detail().startswith(others))
    assert page.banner.headline().startswith("Chain verified") and page.banner.tone() is Tone.OK
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    went = Change("Retention removed 1 row", (), (), bulk=frozenset({AUDIT_CHAIN.name}))
    page.context.runner.announce(went, object())
    assert page.banner.detail() == "Retention has removed entries. Verify it again."


@pytest.mark.slow
def test_a_verification_can_be_cancelled_before_it_has_begun(qtbot: QtBot, page: AuditTab) -> None:
    with qtbot.assertNotEmitted(page.verified):
        page.verify()
        page.panel.cancel()
        assert page.banner.headline() == "Verification cancelled"
        assert page.panel.refuse_verify() is None
    with qtbot.waitSignal(page.verified):
        page.verify()


@pytest.mark.slow
def test_an_accepted_start_is_called_so(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    ask(demo_path, "DELETE FROM audit_chain WHERE seq <= 300")
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    qtbot.waitUntil(lambda: page.list.current_id() == 301)
    qtbot.waitUntil(lambda: "start unproven" in labels(page.inspector))
    click(qtbot, page.panel.accept_button)
    with qtbot.waitSignal(page.verified):
        click(qtbot, dialog(qtbot, page, ConfirmDialog).confirm_button)
    assert not page.panel.accept_button.isVisible()
    qtbot.waitUntil(lambda: "start accepted" in labels(page.inspector))
    assert value_of(page.fields, "Link").startswith("Accepted as the baseline")


@pytest.mark.slow
def test_the_report_of_a_range_holds_that_range(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab, tmp_path: Path
) -> None:
    page = in_window
    with qtbot.waitSignal(page.verified):
        page.verify_range(120, 140)
    out = tmp_path / "evidence"
    page.panel.export_report(out)
    qtbot.waitUntil(lambda: window.toast.label.text() == "Report exported to evidence")
    assert window.toast.isVisible()
    manifest = json.loads((out / "manifest.json").read_text())
    assert (manifest["seqFrom"], manifest["seqTo"], manifest["entries"]) == (120, 140, 21)
    rows = [json.loads(line) for line in (out / "rows.jsonl").read_text().splitlines()]
    assert [row["seq"] for row in rows] == list(range(120, 141))


@pytest.mark.slow
def test_a_report_is_of_the_rows_that_are_there_now(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab, demo_path: Path, tmp_path: Path
) -> None:
    page = in_window
    with qtbot.waitSignal(page.verified):
        page.verify()

    def exported(name: str) -> tuple[str, int]:
        page.panel.export_report(tmp_path / name)
        qtbot.waitUntil(lambda: window.toast.label.text() == f"Report exported to {name}")
        manifest = json.loads((tmp_path / name / "manifest.json").read_text())
        found = json.loads((tmp_path / name / "findings.json").read_text())["findings"]
        return manifest["verdict"], len(found)

    assert exported("sound") == ("VERIFIED", 0), "the checkpoint that was made of it is in it"
    page.context.outside.stop()  # nothing has told of it
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 9")
    assert exported("edited") == ("TAMPERED", 1)
    assert page.context.verdict.is_broken


# checkpoints


@pytest.mark.slow
def test_a_checkpoint_made_in_the_dialog_is_named_in_the_banner(qtbot: QtBot, in_window: AuditTab) -> None:
    page = in_window
    click(qtbot, page.panel.checkpoints_button)
    box = dialog(qtbot, page, CheckpointsDialog)
    qtbot.waitUntil(box.make_button.isEnabled)
    with qtbot.waitSignal(page.verified):
        click(qtbot, box.make_button)
    assert "checkpoint 1 signed over every entry" in page.banner.detail()
    press("Esc")
    closed(qtbot, page, CheckpointsDialog)


# the archive


@pytest.fixture
def folder(context: Context, demo_path: Path, tmp_path: Path) -> Path:
    """Where retention has just archived what it removed of the demo file, as the program remembers."""
    folder = tmp_path / "audit archive"
    archive(demo_path, folder, now=NOW)
    context.settings.retention_archive.set(demo_path, folder)
    return folder


@pytest.mark.slow
def test_the_button_proves_archive_and_file_as_one_chain(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, folder: Path
) -> None:
    page, entries = audit_tab(show_tab, qtbot), count(demo_path, "audit_chain")
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    assert page.banner.headline() == f"Chain verified — {entries} entries"
    start = "4 tenants from the very first entry on · with 3 archive files · checkpoint 1 signed"
    assert page.banner.detail().startswith(start)
    assert len(CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(demo_path))) == 1
    tenant = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE event_type = 'audit_pruned'")[0][0]
    page.set_scope(Scope(tenant))
    page.activate()
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    assert page.banner.headline().startswith(f"Chain of {tenant} verified")
    assert page.banner.detail().startswith("From the very first entry on · with 1 archive file")


@pytest.mark.slow
def test_a_cut_archive_is_one_finding_that_leads_to_the_entry_that_names_it(
    qtbot: QtBot, show_tab: ShowTab, folder: Path
) -> None:
    cut(sorted(folder.iterdir())[0])
    page = audit_tab(show_tab, qtbot)
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    assert page.banner.tone() is Tone.BAD
    assert "the database itself holds: checkpoint 1 signed" in page.banner.detail()
    outcome = page.panel.outcome
    assert outcome is not None and outcome.report.verdict is Verdict.TAMPERED
    (finding,) = (finding for finding in outcome.report.findings if finding.is_error)
    assert finding.code is Code.ARCHIVE
    page.findings.table.setFocus()
    press("End")
    qtbot.waitUntil(lambda: page.list.current_id() == finding.seq)


@pytest.mark.slow
def test_an_archive_that_was_edited_or_removed_is_a_finding(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, folder: Path
) -> None:
    files = sorted(folder.iterdir())
    shutil.copy(files[1], files[0])
    files[2].unlink()
    page = audit_tab(show_tab, qtbot)
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    outcome = page.panel.outcome
    assert outcome is not None
    assert {Code.ARCHIVE, Code.TRUNCATED} <= {finding.code for finding in outcome.report.findings}


@pytest.mark.slow
def test_a_folder_that_is_gone_is_said_and_the_file_verified_alone(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, folder: Path
) -> None:
    shutil.rmtree(folder)
    page = audit_tab(show_tab, qtbot)
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)
    assert page.banner.headline().startswith("Chain verified") and page.banner.tone() is Tone.OK
    assert "without the archive: the folder “audit archive” is not there" in page.banner.detail()
    assert "3 pruned with a marker" in page.banner.detail()


@pytest.mark.slow
def test_a_verdict_stands_for_what_it_names_and_no_part_takes_its_place(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab, demo_path: Path
) -> None:
    page = in_window
    most = "SELECT tenant_id, count(*) FROM audit_chain GROUP BY tenant_id ORDER BY count(*) DESC LIMIT 1"
    ((tenant, count),) = ask(demo_path, most)
    of_tenant = f"Chain of {tenant} consistent — {count} entries"
    window.tenants.pick(tenant)
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    with qtbot.waitSignal(page.verified):
        page.verify()
    assert page.banner.headline() == of_tenant
    with qtbot.waitSignal(page.verified):
        page.verify_range(1, 5)
    assert page.banner.headline() == of_tenant, "what is known of more stays"
    assert page.banner.detail().startswith(f"Since then: Entries 1 to 5 of {tenant} consistent")
    window.tenants.pick(None)
    assert page.banner.headline() == "Not verified yet"
    window.tenants.pick(tenant)
    assert page.banner.headline() == of_tenant
    page.act(users.create, tenant, "new@acme.example")
    qtbot.waitUntil(
        lambda: page.banner.detail().startswith("As of 2026-11-18 11:06:40 UTC, 1 entry since · from the ")
    )
    assert page.banner.headline() == of_tenant, "what was looked at then"
    page.context.outside.written.emit()
    assert page.banner.headline() == of_tenant.replace("consistent", "consistent, changed since")
    assert page.banner.tone() is Tone.WARN
    window.tenants.pick(None)
    with qtbot.waitSignal(page.verified):
        page.verify()
    whole = page.banner.headline()
    with qtbot.waitSignal(page.verified):
        page.verify_range(5, 5)
    assert page.banner.headline() == whole == "Chain verified — 601 entries"
    assert page.banner.detail().startswith("Since then: Entry 5 consistent\n")
    window.resize(900, 560)
    qtbot.waitUntil(lambda: page.banner.is_low)
    qtbot.waitUntil(lambda: page.panel.report_button.property("text") == "Report…")  # in words
    with qtbot.waitSignal(page.verified):
        page.verify_range(6, 6)
    said = window.toast.label.text()
    assert said.startswith("Entry 6 consistent"), "its line in the banner is not in sight"
    window.tenants.pick(tenant)
    assert page.banner.headline() == "All tenants: chain verified — 601 entries"


@pytest.mark.slow
def test_what_a_person_filters_by_stays_when_a_finding_is_elsewhere(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab, demo_path: Path
) -> None:
    page = in_window
    ((theirs,),) = ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq = 300")
    ((other, count),) = ask(
        demo_path,
        f"SELECT tenant_id, count(*) FROM audit_chain WHERE tenant_id <> '{theirs}' GROUP BY 1 LIMIT 1",
    )
    window.tenants.pick(other)
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    page.set_filter_text("usr_")
    qtbot.waitUntil(lambda: page.model.rowCount() < count)
    kept = page.model.rowCount()
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 300")
    window.tenants.pick(None)
    qtbot.waitUntil(lambda: page.query().text == "usr_")
    with qtbot.waitSignal(page.verified):
        page.verify()
    qtbot.waitUntil(lambda: "Entry 300 is not among the rows shown" in window.toast.label.text())
    window.tenants.pick(other)
    qtbot.waitUntil(lambda: page.model.rowCount() == kept)
    window.toast.show_message("Nothing yet")
    with qtbot.waitSignal(page.verified):
        page.verify()
    qtbot.waitUntil(lambda: is_settled(window))
    assert window.toast.label.text() == "Nothing yet", "what was verified has none"
    page.clear_filters()
    ((own,),) = ask(demo_path, f"SELECT max(seq) FROM audit_chain WHERE tenant_id = '{other}'")
    ask(demo_path, f"UPDATE audit_chain SET payload = '{{}}' WHERE seq = {own}")
    page.table.clearSelection()
    window.tenants.pick(None)
    with qtbot.waitSignal(page.verified):
        page.verify()
    window.tenants.pick(other)
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    page.table.clearSelection()
    with qtbot.waitSignal(page.verified):
        page.verify()
    qtbot.waitUntil(lambda: page.list.current_id() == own)  # not the first of all: it is of another tenant
    page.findings.go_to_first()
    qtbot.waitUntil(lambda: page.list.current_id() == 300)
    assert window.workspace is not None and window.workspace.scope == EVERYONE


@pytest.mark.slow
def test_escape_leads_back_to_the_rows(qtbot: QtBot, in_window: AuditTab) -> None:
    page = in_window
    choose(qtbot, page, 3)
    page.table.setFocus()
    press("Return")
    qtbot.waitUntil(lambda: page.inspector.isAncestorOf(QApplication.focusWidget() or page))
    press("Esc")
    assert page.table.hasFocus()


@pytest.mark.slow
def test_another_archive_folder_can_be_chosen(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, folder: Path, tmp_path: Path
) -> None:
    moved = folder.rename(tmp_path / "elsewhere")
    page = audit_tab(show_tab, qtbot)
    press("Ctrl+Shift+A")
    qtbot.waitUntil(lambda: bool(page.findChildren(QFileDialog)))
    chooser = page.findChildren(QFileDialog)[-1]
    assert chooser.windowTitle() == "Verify with an archive"
    with qtbot.waitSignal(page.verified):
        chooser.fileSelected.emit(str(moved))
        chooser.reject()
    assert "with 3 archive files" in page.banner.detail()


@pytest.mark.slow
def test_a_range_is_verified_without_the_archive(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, folder: Path
) -> None:
    page = audit_tab(show_tab, qtbot)
    seqs = [row[0] for row in ask(demo_path, "SELECT seq FROM audit_chain ORDER BY seq")]
    with qtbot.waitSignal(page.verified):
        page.verify_range(seqs[3], seqs[-2])
    assert "archive" not in page.banner.detail()
    assert page.banner.headline().startswith(f"Entries {seqs[3]} to {seqs[-2]} consistent")


# while it runs


@pytest.mark.slow
def test_what_was_verified_before_stays_known_when_another_is_cancelled(qtbot: QtBot, page: AuditTab) -> None:
    with qtbot.waitSignal(page.verified):
        page.verify_range(100, 200)
    with qtbot.assertNotEmitted(page.verified):
        page.verify()
        page.panel.cancel()
        qtbot.waitUntil(lambda: not page.panel.is_running)
    assert page.banner.headline() == "Entries 100 to 200 consistent — 101 entries"


@pytest.mark.slow
def test_a_verdict_on_one_tenant_never_comes_to_stand_for_another(
    qtbot: QtBot, window: MainWindow, in_window: AuditTab, demo_path: Path
) -> None:
    page = in_window
    tenant = ask(demo_path, "SELECT tenant_id FROM audit_chain LIMIT 1")[0][0]
    with qtbot.assertNotEmitted(page.verified):
        page.verify()
        window.tenants.pick(tenant)
        qtbot.waitUntil(lambda: not page.panel.is_running)
    assert page.banner.headline() == "Verification cancelled"
    assert set(values(page, "previous_hash")[:5]) == {OUTSIDE}


@pytest.mark.slow
def test_a_verdict_is_taken_back_when_somebody_else_writes(
    qtbot: QtBot, in_window: AuditTab, demo_path: Path
) -> None:
    page = in_window
    with qtbot.waitSignal(page.verified):
        page.verify()
    assert page.banner.tone() is Tone.OK
    choose(qtbot, page, 3)
    page.context.outside._poll.setInterval(20)  # by itself, but sooner than every two seconds
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 600")
    qtbot.waitUntil(lambda: set(links(qtbot, page).values()) == {"was linked"})
    ask(demo_path, "DELETE FROM audit_chain WHERE seq = 500")
    qtbot.waitUntil(lambda: page.banner.tone() is Tone.WARN)
    assert page.banner.headline().startswith("Changed since it was verified")
    assert set(links(qtbot, page).values()) == {"unverified"}
    with qtbot.waitSignal(page.verified):
        page.verify()
    assert page.banner.tone() is Tone.BAD


@pytest.mark.slow
@pytest.mark.parametrize(
    ("ends", "why"),
    [
        ("answer", "because the system's keyring is locked"),
        ("button", "because the system's keyring was waited for no longer"),
        ("scope", "because that was cancelled"),
    ],
)
def test_the_verdict_does_not_wait_for_a_keyring(  # noqa: PLR0917
    page: AuditTab, qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, ends: str, why: str
) -> None:
    desktop = Desktop(tmp_path / "desktop", monkeypatch)
    desktop.meets("silence")
    click(qtbot, page.verify_button)
    waits = "no checkpoint yet: waiting for the system's keyring, 1 s…"
    qtbot.waitUntil(lambda: waits in page.banner.detail())
    assert page.banner.headline() == "Chain consistent — 600 entries"
    if ends == "answer":
        desktop.meets("locked")
    elif ends == "button":
        click(qtbot, page.panel.stop_button)
    else:
        page.set_scope(Scope("acme-corp"))
        page.set_scope(EVERYONE)
    qtbot.waitUntil(lambda: not page.panel.is_running, timeout=2_000)
    assert page.banner.headline() == "Chain consistent — 600 entries"
    assert f"No checkpoint was made, {why}" in page.banner.detail()
    assert not page.panel.stop_button.isVisible()


def test_a_file_that_was_moved_is_not_verified(qtbot: QtBot, page: AuditTab, demo_path: Path) -> None:
    demo_path.rename(demo_path.with_name("elsewhere.sqlite"))
    page.verify()
    qtbot.waitUntil(lambda: page.banner.headline() == "Could not verify")
    assert "it was moved, renamed or deleted since it was opened" in page.banner.detail()
    assert page.panel.outcome is None
    demo_path.with_name("elsewhere.sqlite").rename(demo_path)
    page.context.outside.look()
    qtbot.waitUntil(lambda: page.banner.headline() == "Not verified yet")


@pytest.mark.slow
def test_checkpoints_that_could_not_be_read_are_said_beside_a_sound_chain(
    qtbot: QtBot, page: AuditTab
) -> None:
    folder = paths.checkpoints_dir()
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("a file where the folder should be")
    with qtbot.waitSignal(page.verified):
        page.verify()
    assert page.banner.headline().startswith("Chain consistent")
    assert f"No checkpoints could be read: {folder} is not a folder" in page.banner.detail()


def test_each_code_of_a_finding_has_its_words() -> None:
    assert KINDS.keys() == set(Code)


@pytest.mark.slow
def test_in_a_low_window_findings_have_their_room_before_one_of_them_in_full(
    qtbot: QtBot, page: AuditTab, demo_path: Path
) -> None:
    ask(demo_path, "UPDATE audit_chain SET payload = '{}' WHERE seq IN (3, 5)")
    page.resize(632, 400)
    page.commands.trigger("verify")
    panel = page.findings
    qtbot.waitUntil(lambda: panel.count == 2 and panel._said.isVisible())
    page.resize(632, 214)
    rows = panel.table
    qtbot.waitUntil(
        lambda: rows.viewport().height() >= rows.rowHeight(0) and panel._said.isHidden() and rows.isVisible()
    )
    page.resize(632, 400)
    qtbot.waitUntil(panel._said.isVisible)


def test_it_asks_for_little_in_a_low_window(qtbot: QtBot, page: AuditTab) -> None:
    """Of 400 points a title bar, the strip of production, menus, tool bar and tabs take the other half."""
    page.resize(632, 200)
    qtbot.waitUntil(lambda: page.banner.is_low)
    qtbot.waitUntil(lambda: page.minimumSizeHint().height() <= 210)


def test_no_line_of_a_finding_is_cut_through_where_it_scrolls(qtbot: QtBot) -> None:
    scroll = added(qtbot, _WholeLines(4))
    scroll.setWidget(Label("a finding that goes on and on " * 40, wrap=True))
    scroll.show()
    line = scroll.fontMetrics().lineSpacing()
    for height in range(3 * line, 5 * line):
        scroll.resize(200, height)
        assert scroll.viewport().height() == height // line * line
