"""The audit chain in the window: verified with progress and cancel, and what is broken named and found."""

import time
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QApplication, QPlainTextEdit
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.services.chain.rules import Code, Verdict
from app.services.demo import create_demo
from app.services.records import users
from app.services.records.tables import Scope
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit import AuditTab
from app.ui.tabs.audit.go_to import GoToDialog
from app.ui.tabs.audit.timeline import local_day
from app.ui.widgets import formatting
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.filter_row import FilterValues
from tests.app.ui.conftest import ShowTab
from tests.conftest import NOW
from tests.fixtures.window import (
    ask,
    child,
    choose,
    click,
    closed,
    count,
    dialog,
    go,
    labels,
    open_file,
    press,
    said,
    values,
)

AUDIT = 1


def in_window(qtbot: QtBot, window: MainWindow, path: Path) -> AuditTab:
    open_file(qtbot, window, path)
    page = go(qtbot, window, AUDIT)
    assert isinstance(page, AuditTab)
    return page


def verify(qtbot: QtBot, page: AuditTab) -> None:
    with qtbot.waitSignal(page.verified):
        click(qtbot, page.verify_button)


def spoil(path: Path, *places: int) -> list[int]:
    """Changes the payload of the entries at these places, counted from the first; their seqs."""
    seqs = [
        ask(path, "SELECT seq FROM audit_chain ORDER BY seq LIMIT 1 OFFSET ?", place)[0][0]
        for place in places
    ]
    for seq in seqs:
        ask(path, "UPDATE audit_chain SET payload = '{}' WHERE seq = ?", seq)
    return seqs


@pytest.mark.slow
def test_a_record_stays_shown_wherever_another_order_puts_it(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    """Its row may have to be read again first."""
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    page.table.setFocus()
    press("End")
    qtbot.waitUntil(lambda: page.current.whole() is not None)
    shown, kind = page.inspector.title.text(), page.model.column_of("event_type")
    for order in (Qt.SortOrder.AscendingOrder, Qt.SortOrder.DescendingOrder):
        with qtbot.waitSignal(page.list.loaded):
            page.table.sortByColumn(kind, order)
        qtbot.waitUntil(lambda: page.current.whole() is not None and not page.current._late.isActive())
        assert page.inspector.title.text() == shown and page.inspector.title.isVisible()


@pytest.mark.slow
def test_no_arrow_points_where_no_order_can_be_had(
    qtbot: QtBot, window: MainWindow, database_path: Path
) -> None:
    """What a summary or a link says is made here: the database cannot put rows in its order."""
    page = in_window(qtbot, window, database_path)
    header, names = page.table.horizontalHeader(), [column.name for column in page.model.columns]
    before = header.sortIndicatorSection(), header.sortIndicatorOrder()
    for name in ("payload", "previous_hash"):
        at = names.index(name)
        middle = header.sectionViewportPosition(at) + header.sectionSize(at) // 2
        with qtbot.assertNotEmitted(page.model.sort_requested):
            qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(middle, 12))
        assert (header.sortIndicatorSection(), header.sortIndicatorOrder()) == before
    at = header.sectionViewportPosition(names.index("created_at")) + 20
    with qtbot.waitSignal(page.model.sort_requested):
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(at, 12))
    assert header.sortIndicatorSection() == names.index("created_at")


@pytest.mark.slow
def test_nothing_is_claimed_before_it_was_verified(qtbot: QtBot, show_tab: ShowTab, demo_path: Path) -> None:
    page = show_tab(AuditTab)
    assert page.banner.headline() == "Not verified yet" and page.banner.tone() is Tone.NEUTRAL
    assert set(values(page, "previous_hash")[:50]) == {"unverified"}
    assert not page.findings.isVisible()


@pytest.fixture
def textual_keys(demo_path: Path) -> None:
    """Before the file is opened: seqs are texts, times milliseconds."""
    (made,) = ask(demo_path, "SELECT sql FROM sqlite_master WHERE name = 'audit_chain'")[0]
    made = made.replace("INTEGER PRIMARY KEY AUTOINCREMENT", "TEXT PRIMARY KEY")
    ask(demo_path, f"ALTER TABLE audit_chain RENAME TO old; {made}")
    ask(demo_path, "INSERT INTO audit_chain SELECT * FROM old WHERE seq < 8")
    ask(demo_path, "UPDATE audit_chain SET created_at = created_at * 1000")


@pytest.mark.slow
def test_entries_of_another_key_and_unit_are_shown(
    textual_keys: None, qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    page = show_tab(AuditTab)
    assert choose(qtbot, page, 0) == "7"
    assert page.inspector.subtitle.text().startswith("entry 7 · ")
    ((at,),) = ask(demo_path, "SELECT created_at FROM old WHERE seq = 7")
    shown_at = formatting.absolute_time(at, page.context.settings.utc_times)
    assert values(page, "created_at")[0] == formatting.relative_time(at, NOW)
    assert shown_at in page.model.index(0, page.model.column_of("created_at")).data(
        Qt.ItemDataRole.ToolTipRole
    )
    assert shown_at == page._moment.text()


@pytest.mark.slow
def test_a_sound_chain_is_said_to_be_intact(qtbot: QtBot, show_tab: ShowTab, demo_path: Path) -> None:
    page, entries = show_tab(AuditTab), count(demo_path, "audit_chain")
    verify(qtbot, page)
    assert page.banner.headline() == f"Chain verified — {entries:,} entries"
    assert page.banner.tone() is Tone.OK and page.banner.detail().startswith("3 tenants")
    assert set(values(page, "previous_hash")[:50]) == {"linked"}
    assert not page.findings.isVisible() and page.verify_button.isVisible()
    seq = choose(qtbot, page, 0)
    assert {"fits its hash", "names the one before"} <= set(labels(page.inspector))
    whole = ask(demo_path, "SELECT hash FROM audit_chain WHERE seq = ?", seq)[0][0]
    assert page.inspector.title.text() == values(page, "event_type")[0]
    assert any(text.startswith(whole[:12]) for text in labels(page.inspector))


@pytest.mark.slow
def test_what_is_broken_is_named_and_gone_to(qtbot: QtBot, show_tab: ShowTab, demo_path: Path) -> None:
    first, second = spoil(demo_path, 100, 300)
    page = show_tab(AuditTab)
    verify(qtbot, page)
    assert page.banner.tone() is Tone.BAD
    assert page.banner.headline().startswith("Chain broken — 2 findings, ")
    table = page.findings.table
    assert table.isVisible()
    rows = [[str(table.model().index(row, column).data()) for column in range(4)] for row in range(2)]
    assert [(row[0], row[1]) for row in rows] == [
        ("Entry changed", f"{first:,}"),
        ("Entry changed", f"{second:,}"),
    ]
    qtbot.waitUntil(lambda: sum(bar.findings for bar in page.timeline._bars) == 2)
    assert "does not match its own hash" in rows[0][3]
    qtbot.waitUntil(lambda: page.list.current_id() == first)
    row = page.table.currentIndex().row()
    assert values(page, "previous_hash")[row] == "hash wrong"
    qtbot.waitUntil(lambda: "hash wrong" in labels(page.inspector))
    visible = page.table.visualRect(page.table.currentIndex())
    assert page.table.viewport().rect().contains(visible.center()), "it is in sight"
    whose = [
        ask(demo_path, "SELECT tenant_id FROM audit_chain WHERE seq = ?", one)[0][0]
        for one in (first, second)
    ]
    page.set_scope(Scope(whose[0]))
    page.activate()
    own = whose.count(whose[0])
    qtbot.waitUntil(lambda: sum(bar.findings for bar in page.timeline._bars) == own)
    page.set_scope(Scope(next(one for one in page.context.tenants if one not in whose)))
    page.activate()
    qtbot.waitUntil(lambda: sum(bar.findings for bar in page.timeline._bars) == 0)


@pytest.mark.slow
def test_verifying_moves_neither_selection_nor_focus_nor_bars(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    spoil(demo_path, 100, 300)
    page = show_tab(AuditTab)
    chosen = choose(qtbot, page, 3)
    page.table.setFocus()
    assert page.timeline.isVisible()
    click(qtbot, page.verify_button)
    assert page.table.hasFocus(), "the button goes while it runs, and hands the focus on"
    qtbot.waitUntil(page.findings.isVisible)
    assert (page.list.current_id(), page.table.hasFocus()) == (chosen, True)
    assert page.timeline.isVisible() and page.findings.table.selected_rows() == []


@pytest.mark.slow
def test_in_a_small_window_findings_share_the_inspectors_place(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    _, second = spoil(demo_path, 100, 300)
    page = show_tab(AuditTab)
    page.resize(900, 420)
    assert not page.inspector.isVisible()
    choose(qtbot, page, 3)
    height = page.table.height()
    qtbot.waitUntil(lambda: page.timeline.isVisible() and page.timeline.height() <= 40)
    verify(qtbot, page)
    assert page.findings.isVisible() and not page.inspector.isVisible()
    # The rows keep their room but for a line of the verdict.
    qtbot.waitUntil(lambda: page.table.height() > height - 20)
    assert page.pane.isAncestorOf(page.findings)
    page.findings.table.select_row(1)
    qtbot.waitUntil(lambda: page.list.current_id() == second)
    assert any(f"Entry {second} does not match its own hash" in text for text in labels(page.findings))
    page.resize(900, 360)  # as with a notice above the tabs
    second_row = page.findings.table.model().index(1, 0)
    rows = page.findings.table.viewport()
    qtbot.waitUntil(lambda: rows.rect().contains(page.findings.table.visualRect(second_row)))
    page.resize(900, 420)
    entry, findings = page.pane.pages.buttons()
    assert findings.text() == "Findings 2"
    click(qtbot, entry)
    assert page.inspector.isVisible() and not page.findings.isVisible()
    page.fold_inspector(True)
    assert page.way_button.text() == "Findings 2"
    click(qtbot, page.way_button)
    assert page.findings.table.hasFocus() and not page.way_button.isVisible()
    page.pane.show_entry()
    page.resize(1280, 720)
    qtbot.waitUntil(lambda: page.timeline.height() > 40)
    assert page.findings.isVisible() and page.inspector.isVisible()
    assert not page.pane.isAncestorOf(page.findings)
    page.findings.table.select_row(1)
    qtbot.keyClick(page.findings.table, Qt.Key.Key_Return)
    whole = child(dialog(qtbot, page, Dialog), QPlainTextEdit).toPlainText()
    assert whole.startswith(f"Entry {second} does not match its own hash") and "Expected: " in whole


@pytest.mark.slow
@pytest.mark.parametrize("high", [380, 420, 440])
def test_in_a_small_window_no_finding_is_cut_and_one_is_said_in_full(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path, high: int
) -> None:
    spoil(demo_path, *range(50, 400, 50))
    page = show_tab(AuditTab)
    page.resize(900, high)
    verify(qtbot, page)
    findings = page.findings
    findings.table.select_row(0)

    def is_seen() -> bool:
        rows = findings.table.viewport().rect()
        row = findings.table.verticalHeader().defaultSectionSize()
        return rows.height() % row <= 2 and rows.height() >= 2 * row

    qtbot.waitUntil(lambda: findings.isVisible() and is_seen())
    words = findings._whole
    qtbot.waitUntil(lambda: findings._said.height() >= words.heightForWidth(words.width()))


@pytest.mark.slow
def test_in_a_small_window_the_entry_is_read_beside_its_rows(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    window.resize(900, 560)
    page.fold(False)
    choose(qtbot, page, 2)
    scroll = page.inspector._scroll
    qtbot.waitUntil(lambda: scroll.viewport().height() > 150)
    assert scroll.horizontalScrollBar().maximum() == 0, "all of its width is in sight"
    assert len({one.geometry().top() for one in page.inspector._foot.parts()}) == 1, "in one row"
    titles = page.table.horizontalHeader()
    for name in ("created_at", "payload", "previous_hash"):  # whose it is stands in the inspector
        assert not titles.isSectionHidden(page.model.column_of(name))
    assert titles.sectionSize(page.model.column_of("payload")) > 165


@pytest.mark.slow
def test_in_a_small_window_the_entry_that_one_goes_to_is_shown(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    spoil(demo_path, 100, 300)
    page = show_tab(AuditTab)
    page.resize(900, 420)
    verify(qtbot, page)
    page.table.setFocus()
    qtbot.waitUntil(lambda: page.current.whole() is not None)
    assert page.findings.isVisible(), "the first finding is gone to by itself"
    _, findings = page.pane.pages.buttons()
    press("Up")
    qtbot.waitUntil(page.inspector.isVisible)
    click(qtbot, findings)
    page.table.setFocus()
    press("Return")
    qtbot.waitUntil(lambda: page.inspector.isAncestorOf(QApplication.focusWidget() or page))
    click(qtbot, findings)
    place = page.table.visualRect(page.table.currentIndex()).center()
    page.table._moved -= 1  # a person takes longer than that from one click to the next
    qtbot.mouseClick(page.table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    assert page.inspector.isVisible()


@pytest.mark.slow
def test_show_findings_leads_to_them_in_a_small_window(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    window.resize(900, 560)
    choose(qtbot, page, 3)
    spoil(demo_path, 100)
    go(qtbot, window, 0)
    with qtbot.waitSignal(page.verified):
        page.verify()
    workspace = window.workspace
    assert workspace is not None
    for _ in range(2):
        with qtbot.waitSignal(page.details_shown):  # it is read again
            click(qtbot, workspace.broken.findings_button)
        assert page.findings.isVisible() and not page.inspector.isVisible()
        press("Ctrl+1")
        page.pane.show_entry()
        page.mark_stale()


@pytest.mark.slow
def test_a_finding_is_gone_to_even_where_a_filter_hides_it(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    _, second = spoil(demo_path, 100, 300)
    page = show_tab(AuditTab)
    verify(qtbot, page)
    page.set_filter_text("nothing holds this")
    qtbot.waitUntil(lambda: page.filters.count.text() == "0 entries")
    table = page.findings.table
    place = table.visualRect(table.model().index(1, 0)).center()
    table._moved -= 1  # a person takes longer to aim than the findings to stand in their place
    qtbot.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: page.list.current_id() == second)
    assert page.filters.text.text() == ""
    assert page.filters.count.text() == said(count(demo_path, "audit_chain"), AUDIT)


@pytest.mark.slow
@pytest.mark.parametrize("link", ["previous_hash", "hash"])
def test_a_cut_link_is_a_finding(qtbot: QtBot, show_tab: ShowTab, demo_path: Path, link: str) -> None:
    seq = ask(demo_path, "SELECT seq FROM audit_chain ORDER BY seq LIMIT 1 OFFSET 200")[0][0]
    ask(demo_path, f"UPDATE audit_chain SET {link} = ? WHERE seq = ?", "ab" * 32, seq)
    page = show_tab(AuditTab)
    verify(qtbot, page)
    outcome = page.panel.outcome
    assert outcome is not None and outcome.report.verdict is Verdict.TAMPERED
    assert {Code.HASH, Code.LINK} <= {finding.code for finding in outcome.report.findings}
    qtbot.waitUntil(lambda: page.list.current_id() == seq)


@pytest.mark.slow
def test_another_tenant_is_not_verified_by_the_verdict_on_the_first(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    verify(qtbot, page)
    tenant = ask(demo_path, "SELECT tenant_id FROM audit_chain LIMIT 1")[0][0]
    window.tenants.pick(tenant)
    assert page.banner.headline() == "All tenants: chain verified — 600 entries", "it is said of all of them"
    verify(qtbot, page)
    entries = count(demo_path, "audit_chain", tenant)
    # The first verification made a checkpoint, which covers this one.
    assert page.banner.headline() == f"Chain of {tenant} verified — {said(entries, AUDIT)}"
    assert "head " in page.banner.detail()


@pytest.fixture(scope="module")
def long_chain(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("long") / "long.sqlite"
    create_demo(path, rows=60_000, tenants=2, now=NOW)
    return path


@pytest.mark.slow
def test_verifying_shows_progress_and_can_be_cancelled(
    qtbot: QtBot, window: MainWindow, long_chain: Path
) -> None:
    page = in_window(qtbot, window, long_chain)
    click(qtbot, page.verify_button)
    assert page.banner.is_busy() and not page.verify_button.isVisible()
    assert not page.commands.action("verify").isEnabled()
    assert "under way" in page.commands.action("verify").toolTip()
    with qtbot.assertNotEmitted(page.verified):
        click(qtbot, page.banner.cancel_button)
        qtbot.waitUntil(lambda: not page.banner.is_busy())
    assert page.banner.headline() == "Verification cancelled"
    with qtbot.waitSignal(page.verified):
        press("Ctrl+Return")
    assert page.banner.headline() == "Chain verified — 60,000 entries"


@pytest.mark.slow
def test_an_entry_that_comes_later_is_not_called_linked(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    verify(qtbot, page)
    open_users = go(qtbot, window, 0)
    choose(qtbot, open_users, 0)
    before = count(demo_path, "audit_chain")
    with qtbot.waitSignal(page.context.runner.changed):
        press("Del")
    again = go(qtbot, window, AUDIT)
    qtbot.waitUntil(lambda: again.filters.count.text() == said(before + 1, AUDIT))
    qtbot.waitUntil(lambda: values(again, "previous_hash")[:2] == ["unverified", "linked"])


@pytest.mark.parametrize("zone", ["Europe/Berlin", "America/New_York"])
def test_a_local_day_has_its_own_midnights_across_daylight_saving(
    zone: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", zone)
    time.tzset()
    try:
        first = date(2026, 1, 1)
        for number in range(365):
            day = first + timedelta(days=number)
            midnight = int(datetime.combine(day, datetime.min.time()).timestamp())
            after = int(datetime.combine(day + timedelta(days=1), datetime.min.time()).timestamp())
            expected = (day - date(1970, 1, 1)).days
            assert {local_day(midnight), local_day(after - 900)} == {expected}
            assert midnight % 900 == 0
    finally:
        monkeypatch.undo()
        time.tzset()


@pytest.mark.slow
def test_a_person_goes_to_an_entry_by_number_or_hash(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = in_window(qtbot, window, demo_path)
    rows = ask(demo_path, "SELECT seq, tenant_id, hash FROM audit_chain ORDER BY seq")
    (seq, tenant, value), (other, _, _) = rows[40], next(row for row in rows if row[1] != rows[40][1])
    window.tenants.pick(tenant)
    qtbot.waitUntil(lambda: page.scope.tenant_id == tenant and page.list.model.complete)
    page.filters.set_values(FilterValues("nothing has this"))
    page.table.setFocus()
    for typed, wanted in ((value[:16], seq), (f"{other:,}", other)):
        press("Ctrl+G")
        form = dialog(qtbot, page, GoToDialog)
        qtbot.keyClicks(form.typed, "999999999")
        press("Return")
        qtbot.waitUntil(partial(is_refused, form))
        form.typed.selectAll()
        qtbot.keyClicks(form.typed, typed)
        press("Return")
        qtbot.waitUntil(partial(is_at, page, wanted))
        closed(qtbot, page, GoToDialog)
        assert page.table.hasFocus()
    assert page.scope.tenant_id is None


def is_refused(form: GoToDialog) -> bool:
    return "There is no entry 999,999,999" in " ".join(labels(form))


def is_at(page: AuditTab, seq: int) -> bool:
    return bool(page.list.current_id() == seq)


def test_the_lines_name_what_is_there_once_it_was_looked_up(
    qtbot: QtBot, show_tab: ShowTab, demo_path: Path
) -> None:
    ((seq, user, email),) = ask(
        demo_path,
        "SELECT seq, id, email FROM audit_chain JOIN users ON payload ->> 'userId' = id"
        " WHERE event_type = 'user_updated' ORDER BY seq DESC LIMIT 1",
    )
    page = show_tab(AuditTab)
    row, summary = next(
        (row, page.model.column_of("payload"))
        for row in range(page.model.rowCount())
        if page.model.record_id(row) == seq
    )
    qtbot.waitUntil(lambda: f" user {email}" in page.model.index(row, summary).data())
    with qtbot.waitSignal(page.context.runner.changed):
        page.context.act(users.rename, user, "new@x.example")
    qtbot.waitUntil(lambda: " user new@x.example" in page.model.index(row + 1, summary).data())


@pytest.mark.slow
def test_what_some_actors_did_is_kept_by_a_list(qtbot: QtBot, show_tab: ShowTab, demo_path: Path) -> None:
    page = show_tab(AuditTab)
    act = page.commands.action("of_actor")
    assert not act.isEnabled()
    seq = choose(qtbot, page, 0)
    ((actor, count),) = ask(
        demo_path,
        "SELECT payload ->> 'actor', (SELECT count(*) FROM audit_chain"
        " WHERE payload ->> 'actor' = own.payload ->> 'actor') FROM audit_chain AS own WHERE seq = ?",
        seq,
    )
    assert act.text().replace("&", "") == f"Show what {actor} did"
    act.trigger()
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    qtbot.waitUntil(page.timeline.isVisible)
    place = page.table.geometry()
    page.filters.text.setText("no entry says this")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0 and page.timeline._bars == [])
    assert page.table.geometry() == place and page.timeline.isVisible()
    page.filters.text.setText(ask(demo_path, "SELECT hash FROM audit_chain WHERE seq = ?", seq)[0][0])
    qtbot.waitUntil(lambda: page.model.rowCount() == 1 and len(page.timeline._bars) == 24)
    assert page.table.geometry() == place and page.timeline.buttons.isHidden()
    assert page.timeline.accessibleName() == "Entries per hour"
    page.filters.text.clear()
    qtbot.waitUntil(lambda: page.model.rowCount() == count)
    picker = page.filters.pickers["actor"]
    assert picker.currentText() == actor and page.exact.chips() == []
    picker.showPopup()  # by which it is counted
    qtbot.waitUntil(picker.popup.isVisible)
    counts = dict(
        ask(demo_path, "SELECT payload ->> 'actor', count(*) FROM audit_chain GROUP BY 1 HAVING count(*) > 5")
    )
    for name in counts:
        assert picker.offers(f"str:{name}")
    other = next(name for name in counts if name != actor)
    picker.pick_keys([f"str:{actor}", f"str:{other}"])
    qtbot.waitUntil(lambda: page.model.rowCount() == count + counts[other])
    assert picker.currentText() == "2 actors"
