"""The preview of retention: exact numbers, and a yes that is meant."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QPoint, QRect, Qt
from PySide6.QtWidgets import QApplication, QFileDialog, QScrollArea
from pytestqt.qtbot import QtBot

from app.services.chain.checkpoint import CheckpointHistory
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.making import Attempt
from app.services.chain.pruning import LeftAlone
from app.services.retention.clock import ClockDoubt, Doubt
from app.services.retention.other_tables import Skipped
from app.services.retention.plan import TABLES, Plan
from app.ui.shell.dialogs import days_box
from app.ui.shell.retention_dialog import RetentionDialog
from app.ui.theme import Theme
from app.ui.widgets.data_table import ROW_HEIGHT
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.labels import Label
from tests.conftest import NOW
from tests.fixtures.connected import connected
from tests.fixtures.retaining import a_plan, planned, share
from tests.fixtures.sample import sample
from tests.fixtures.window import child, texts, words

CUTOFF = NOW - 90 * 86_400


def shown(qtbot: QtBot, theme: Theme, what: Plan, **options: Any) -> RetentionDialog:
    dialog = RetentionDialog(theme, what, file_name="foundation.sqlite", days=90, utc=True, **options)
    qtbot.addWidget(dialog)
    dialog.open()
    return dialog


@pytest.mark.slow
def test_it_says_exactly_what_goes(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(
        qtbot, theme, a_plan(share("acme", 300, 1_000), share("globex", 904, 2_000), notifications=12)
    )
    assert dialog.sentence.text() == (
        "1,216 rows of foundation.sqlite would be removed: what is older than 90 days, that is from before "
        "2026-08-20 11:06:40 UTC."
    ).replace("11:06:40", f"{(CUTOFF % 86_400) // 3600:02}:{CUTOFF % 3600 // 60:02}:{CUTOFF % 60:02}")
    assert [row[:2] for row in texts(dialog.tables)] == [["Audit entries", "1,204"], ["Notifications", "12"]]
    assert texts(dialog.tenants) == [["globex", "904", "2,000", "45 %"], ["acme", "300", "1,000", "30 %"]]
    assert "cannot be undone" in words(dialog) and "prune marker" in words(dialog)
    assert "The newest entry of a chain stays" in words(dialog)
    assert dialog.once_button.text() == "Remove 1,216 rows once"
    assert dialog.daily_button.text() == "Remove 1,216 rows, then daily"


def test_what_to_decide_by_is_in_sight_however_long_the_list_is(qtbot: QtBot, theme: Theme) -> None:
    many = (share(f"tenant {number}", 300, 1_000) for number in range(20))
    dialog = shown(qtbot, theme, a_plan(*many))
    parts = [label for label in dialog.findChildren(Label) if "cannot be undone" in label.text()]
    for part in (*parts, dialog.archive.box):
        at = part.mapTo(dialog, QPoint())
        assert dialog.rect().contains(QRect(at, part.size()))
        assert part.visibleRegion().boundingRect().height() == part.height()
        assert at.x() == dialog.sentence.mapTo(dialog, QPoint()).x(), "it begins where the words do"


def test_only_the_dialog_scrolls_and_what_stays_is_said_once(qtbot: QtBot, theme: Theme) -> None:
    many = (share(f"tenant {number}", 300, 1_000) for number in range(20))
    left = LeftAlone("initech", 7, "Entry 7 is dated in milliseconds.")
    dialog = shown(qtbot, theme, a_plan(*many, left=(left,)))
    dialog.resize(dialog.minimumWidth(), 420)
    dialog.more_button.click()
    assert len(texts(dialog.tenants)) == 20
    qtbot.waitUntil(lambda: dialog.tenants.height() >= 20 * ROW_HEIGHT, timeout=60_000)
    assert child(dialog, QScrollArea).verticalScrollBar().maximum() > 0
    for table in (dialog.tables, dialog.tenants):
        assert table.verticalScrollBar().maximum() == 0
    assert words(dialog).count(left.reason) == 1


def test_what_goes_from_a_live_database_is_not_said_to_be_in_a_backup_alone(
    qtbot: QtBot, theme: Theme
) -> None:
    reads = (40_000, 50_000)
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), reads=reads, time_travel=True)
    assert "Time Travel brings" in words(dialog)
    assert "reads about 40,000, to verify every chain; with an archive about 50,000: all" in words(dialog)
    assert "only a backup" not in words(dialog) and "this file" not in words(dialog)
    without = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), reads=reads)
    assert "only a backup" in words(without) and "Time Travel" not in words(without)


def test_it_says_of_every_table_which_rows_go(qtbot: QtBot, theme: Theme) -> None:
    counts = dict.fromkeys((*TABLES, "operator_reviews"), 3)
    dialog = shown(qtbot, theme, Plan(NOW, CUTOFF, counts, (share("acme", 3, 10),)))
    which = [row[2] for row in texts(dialog.tables)]
    assert which.index("what refers to those rows") == len(TABLES) == len(which) - 1


def test_what_goes_is_told_whole_in_a_narrow_dialog(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme-corp", 9, 90), notifications=1_204))
    table = dialog.tables
    table.setParent(None)
    qtbot.addWidget(table)
    table.resize(300, 300)
    table.show()
    line = table.verticalHeader().defaultSectionSize()
    qtbot.waitUntil(lambda: table.rowHeight(0) > line + table.fontMetrics().height())
    assert table.horizontalScrollBar().maximum() == 0


def test_yes_for_every_day(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)))
    with (
        qtbot.assertNotEmitted(dialog.run_once),
        qtbot.waitSignals([dialog.approved_daily, dialog.accepted], timeout=0),
    ):
        qtbot.mouseClick(dialog.daily_button, Qt.MouseButton.LeftButton)
    assert not dialog.isVisible()


@pytest.mark.slow
def test_yes_for_once(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)))
    dialog.once_button.setFocus()
    with (
        qtbot.assertNotEmitted(dialog.approved_daily),
        qtbot.waitSignals([dialog.run_once, dialog.accepted], timeout=0),
    ):
        qtbot.keyClick(dialog.once_button, Qt.Key.Key_Space)


def test_a_single_day_is_said_as_one(qtbot: QtBot) -> None:
    box = days_box(1)
    qtbot.addWidget(box)
    assert box.text() == "1 day"
    box.setValue(2)
    assert box.text() == "2 days"


def test_return_removes_nothing(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)))
    with (
        qtbot.assertNotEmitted(dialog.run_once),
        qtbot.assertNotEmitted(dialog.approved_daily),
        qtbot.waitSignal(dialog.rejected, timeout=0),
    ):
        qtbot.keyClick(dialog, Qt.Key.Key_Return)


def test_return_on_a_box_does_not_throw_away_what_was_set(qtbot: QtBot, theme: Theme) -> None:
    """And nothing moves under the hand that ticks it, which may click again."""
    dialog = shown(qtbot, theme, a_plan(share("acme", 501, 1_000)))
    box = dialog.doubts["majority"]
    place, height = box.mapTo(dialog, QPoint()), dialog.height()
    box.setFocus()
    qtbot.keyClick(box, Qt.Key.Key_Space)
    qtbot.keyClick(box, Qt.Key.Key_Return)
    assert dialog.isVisible() and dialog.confirmation().majority == {"acme"}
    assert not dialog.why_not.isVisible()
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert (box.mapTo(dialog, QPoint()), dialog.height()) == (place, height)


def test_more_than_half_of_a_tenant_needs_a_confirmation_of_its_own(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 501, 1_000), share("globex", 500, 1_000)))
    assert not dialog.daily_button.isEnabled() and not dialog.once_button.isEnabled()
    told = "First tick “Remove more than half of the entries of acme”."
    assert dialog.daily_button.toolTip() == tooltip(told)
    assert not dialog.confirmation().majority
    assert "One tenant loses more than half" in words(dialog)
    dialog.doubts["majority"].setFocus()
    qtbot.keyClick(dialog.doubts["majority"], Qt.Key.Key_Space)
    assert dialog.confirmation().majority == {"acme"}
    with qtbot.waitSignal(dialog.run_once, timeout=0):
        qtbot.mouseClick(dialog.once_button, Qt.MouseButton.LeftButton)


AHEAD = ClockDoubt(Doubt.AHEAD_OF_ENTRIES, NOW, NOW - 41 * 86_400)


def test_a_clock_in_doubt_needs_a_confirmation_of_its_own(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000), doubt=AHEAD))
    assert (
        "This computer's clock says 2026-11-18 11:06:40 UTC; the newest entry of the database is from "
        "2026-10-08 11:06:40 UTC. Check the clock."
    ) in words(dialog)
    assert not dialog.daily_button.isEnabled() and not dialog.once_button.isEnabled()
    assert "The clock is right" in dialog.once_button.toolTip()
    assert dialog.confirmation().clock is None
    dialog.doubts["clock"].setFocus()
    qtbot.keyClick(dialog.doubts["clock"], Qt.Key.Key_Space)
    assert dialog.confirmation().clock == AHEAD
    with qtbot.waitSignal(dialog.run_once, timeout=0):
        qtbot.mouseClick(dialog.once_button, Qt.MouseButton.LeftButton)


def test_a_majority_by_a_clock_in_doubt_needs_both_confirmations(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 900, 1_000), doubt=AHEAD))
    for box in (dialog.doubts["clock"], dialog.doubts["majority"]):
        assert not dialog.once_button.isEnabled()
        box.setFocus()
        qtbot.keyClick(box, Qt.Key.Key_Space)
    assert dialog.once_button.isEnabled()


def test_a_clock_in_doubt_is_not_asked_about_where_nothing_goes(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(doubt=AHEAD))
    assert "clock" not in words(dialog)
    assert dialog.daily_button.isEnabled()


def test_a_read_only_file_tells_the_doubt_and_asks_nothing(qtbot: QtBot, theme: Theme) -> None:
    what = a_plan(share("acme", 3, 1_000), doubt=AHEAD)
    dialog = shown(qtbot, theme, what, cannot_write="It is read-only.")
    assert "Check the clock." in words(dialog)
    assert not dialog.doubts["clock"].isVisible()


def test_nothing_is_due(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan())
    assert dialog.sentence.text().startswith("Nothing of foundation.sqlite is due")
    assert not dialog.once_button.isVisible()
    assert dialog.daily_button.text() == "Run daily from now on"
    with qtbot.waitSignal(dialog.approved_daily, timeout=0):
        qtbot.mouseClick(dialog.daily_button, Qt.MouseButton.LeftButton)


@pytest.mark.slow
def test_where_it_runs_daily_it_can_be_turned_off(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), daily=True)
    assert not dialog.daily_button.isVisible()
    assert dialog.once_button.text() == "Remove 3 rows now"
    with qtbot.waitSignal(dialog.turned_off, timeout=0):
        qtbot.mouseClick(dialog.off_button, Qt.MouseButton.LeftButton)


def test_a_read_only_file_shows_the_preview_alone(qtbot: QtBot, theme: Theme) -> None:
    reason = "The file is open read-only, because workerd (pid 1) has it open."
    dialog = shown(qtbot, theme, a_plan(share("acme", 900, 1_000)), cannot_write=reason)
    assert reason in words(dialog)
    assert not dialog.once_button.isEnabled() and not dialog.daily_button.isEnabled()
    assert dialog.once_button.toolTip() == tooltip(reason)
    assert not dialog.doubts["majority"].isVisible()


@pytest.mark.slow
def test_a_long_list_is_cut_and_the_rest_counted(qtbot: QtBot, theme: Theme) -> None:
    shares = [share(f"tenant-{number:03}" if number else "", 10, 1_000) for number in range(120)]
    dialog = shown(qtbot, theme, a_plan(*shares))
    assert dialog.tenants.model().index(0, 0).data() == "a tenant without a name"
    assert len(texts(dialog.tenants)) == 5
    assert "and 1,150 entries of 115 more tenants" in words(dialog)
    qtbot.mouseClick(dialog.more_button, Qt.MouseButton.LeftButton)
    assert len(texts(dialog.tenants)) == 50 and not dialog.more_button.isVisible()
    assert "and 700 entries of 70 more tenants" in words(dialog)


@pytest.mark.slow
def test_chains_that_cannot_be_pruned_are_named(qtbot: QtBot, theme: Theme) -> None:
    left = LeftAlone("initech<b>", 7, "Entry 7 is dated in milliseconds.")
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000), left=(left,)))
    assert "initech<b>: Entry 7 is dated in milliseconds." in words(dialog)


@pytest.mark.slow
def test_what_stays_in_other_tables_is_named_with_what_keeps_it(qtbot: QtBot, theme: Theme) -> None:
    reason = "2 runs cannot be removed: rows of planning_sources refer to them."
    kept = Skipped("planning_runs", 2, reason)
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000), skipped=(kept,), quality_scores=7))
    assert f"planning_runs: {reason}" in words(dialog)
    assert ["quality_scores", "7", "what refers to those rows"] in texts(dialog.tables)


def test_nothing_is_called_not_due_that_is_old_and_stays(qtbot: QtBot, theme: Theme) -> None:
    kept = Skipped("planning_runs", 2, "2 runs cannot be removed: rows of planning_sources refer to them.")
    dialog = shown(qtbot, theme, a_plan(skipped=(kept,)))
    assert dialog.sentence.text() == (
        "Nothing of foundation.sqlite would be removed: what is older than 90 days stays, for these reasons."
    )


def test_where_no_checkpoint_can_be_made_it_asks(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), no_checkpoint="The keyring is locked.")
    assert "No checkpoint can be made before the removal. The keyring is locked." in words(dialog)
    assert not dialog.once_button.isEnabled()
    assert not dialog.confirmation().without_checkpoint
    dialog.doubts["without_checkpoint"].click()
    assert dialog.confirmation().without_checkpoint
    assert dialog.once_button.isEnabled()


def test_that_a_file_is_a_copy_is_said_before_anything_is_removed_from_it(qtbot: QtBot, theme: Theme) -> None:
    known = CheckpointHistory(doubts=(doubts.copy_of("/srv/a.db"),))
    dialog = shown(qtbot, theme, replace(a_plan(share("acme", 3, 1_000)), attempt=Attempt(known=known)))
    assert doubts.copy_of("/srv/a.db") in words(dialog)


def test_what_forbids_any_removal_is_said_and_nothing_can_be_pressed(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(obstacle="Its last entries were removed."), daily=False)
    assert dialog.sentence.text() == "Nothing of foundation.sqlite can be removed."
    assert "Its last entries were removed." in words(dialog)
    assert not dialog.daily_button.isEnabled()


@pytest.mark.slow
def test_a_real_preview_fits(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    path = sample(tmp_path / "demo.sqlite", rows=2_000, tenants=6)
    with connected(path, read_only=True) as database:
        found = planned(database)
    dialog = shown(qtbot, theme, found)
    assert sum(int(row[1].replace(",", "")) for row in texts(dialog.tables)) == found.total > 0
    layout = dialog.layout()
    assert layout is not None
    room = dialog.screen().availableGeometry().height() - 64
    assert dialog.height() >= min(room, layout.totalHeightForWidth(dialog.width())), (
        "no part lies over another"
    )


def test_an_archive_is_asked_for_and_kept(qtbot: QtBot, theme: Theme, tmp_path: Path) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)))
    choice = dialog.archive
    assert not choice.box.isChecked()
    assert not choice.button.isVisible()
    said: list[Path | None] = []
    dialog.archive_changed.connect(said.append)
    qtbot.mouseClick(choice.box, Qt.MouseButton.LeftButton, pos=QPoint(8, choice.box.height() // 2))
    child(choice, QFileDialog).reject()
    assert (choice.box.isChecked(), said) == (False, []), "no folder, no archive"
    qtbot.mouseClick(choice.box, Qt.MouseButton.LeftButton, pos=QPoint(8, choice.box.height() // 2))
    chooser = next(found for found in choice.findChildren(QFileDialog) if found.isVisible())
    chooser.selectFile(str(tmp_path))
    chooser.accept()
    assert (choice.box.isChecked(), said) == (True, [tmp_path])
    assert str(tmp_path) in words(dialog)
    assert choice.button.isVisible()
    qtbot.mouseClick(choice.box, Qt.MouseButton.LeftButton, pos=QPoint(8, choice.box.height() // 2))
    qtbot.mouseClick(choice.box, Qt.MouseButton.LeftButton, pos=QPoint(8, choice.box.height() // 2))
    assert said == [tmp_path, None, tmp_path], "the folder is remembered"


def test_a_file_that_cannot_be_written_offers_no_archive(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), cannot_write="It is read-only.")
    assert "archive" not in words(dialog)


def test_a_file_without_an_audit_chain_is_asked_about(qtbot: QtBot, theme: Theme) -> None:
    plan = Plan(NOW, CUTOFF, {"planning_runs": 3}, has_chain=False)
    dialog = shown(qtbot, theme, plan)
    assert "foundation.sqlite has no audit chain" in words(dialog) and "recorded nowhere" in words(dialog)
    assert not dialog.once_button.isEnabled()
    dialog.doubts["unrecorded"].click()
    assert dialog.once_button.isEnabled() and dialog.confirmation().unrecorded


def test_it_names_rows_that_lose_what_they_refer_to(qtbot: QtBot, theme: Theme) -> None:
    plan = Plan(NOW, CUTOFF, {"planning_runs": 3}, changed={"escalations": 2, "notes": 1})
    dialog = shown(qtbot, theme, plan)
    assert "cannot be brought back: 2 rows of escalations, 1 row of notes." in words(dialog)


def test_milliseconds_are_offered_where_something_stays_for_them(qtbot: QtBot, theme: Theme) -> None:
    assert not shown(qtbot, theme, a_plan(share("acme", 3, 10))).milliseconds.isVisible()
    stays = Skipped("notifications", 2, "2 notifications stay: …", in_milliseconds=True)
    dialog = shown(qtbot, theme, Plan(NOW, CUTOFF, {}, skipped=(stays,)))
    assert dialog.milliseconds.isVisible() and not dialog.milliseconds.isChecked()
    with qtbot.waitSignal(dialog.milliseconds_changed, timeout=0):
        dialog.milliseconds.click()
    again = shown(qtbot, theme, Plan(NOW, CUTOFF, {}), milliseconds=True)
    assert again.milliseconds.isVisible() and again.milliseconds.isChecked()


def test_what_is_asked_stands_with_the_buttons_in_sight(qtbot: QtBot, theme: Theme) -> None:
    shares = [share(f"tenant-{number:03}", 900, 1_000) for number in range(30)]
    left = tuple(LeftAlone(f"other-{number}", 7, "Entry 7 does not hold. " * 4) for number in range(9))
    plan = replace(a_plan(*shares, left=left, doubt=AHEAD), has_chain=False)
    dialog = shown(qtbot, theme, plan, no_checkpoint="The keyring is locked.")
    dialog.resize(dialog.minimumWidth(), 700)
    scroll = child(dialog, QScrollArea)
    assert scroll.verticalScrollBar().maximum() > 0, "not all of it is in sight"
    assert len(dialog.doubts) == 4
    for doubt in dialog.doubts.values():
        assert not dialog.once_button.isEnabled()
        assert dialog.why_not.isVisible() and tooltip(dialog.why_not.text()) == dialog.once_button.toolTip()
        assert doubt.visibleRegion().boundingRect() == doubt.rect()
        assert not scroll.isAncestorOf(doubt)
        doubt.click()
    assert dialog.once_button.isEnabled() and not dialog.why_not.isVisible()


def test_the_days_can_be_changed_where_they_matter(qtbot: QtBot, theme: Theme) -> None:
    dialog = shown(qtbot, theme, a_plan(share("acme", 3, 1_000)), usual_days=30)
    assert "The preferences say 30 days; removing daily sets them to 90 days, for every file." in words(
        dialog
    )
    dialog.days_changed.connect(lambda _: dialog.wait_for_count())
    dialog.days.setFocus()
    dialog.days.selectAll()
    place, counted = dialog.tables.mapTo(dialog, QPoint()), dialog.tables.grab().toImage()
    qtbot.keyClicks(dialog.days, "365")
    assert dialog.tables.grab().toImage() != counted, "what was counted by other days is dim"
    QApplication.sendPostedEvents(None, QEvent.Type.LayoutRequest)
    assert dialog.tables.mapTo(dialog, QPoint()) == place and not dialog.tables.isEnabled()
    assert "older than 90 days" not in words(dialog) and not dialog.once_button.isEnabled()
    assert dialog.sentence.text() == "Press Enter to count what is older than that."
    with qtbot.waitSignal(dialog.days_changed, timeout=0, check_params_cb=lambda days: days == 365):
        qtbot.keyClick(dialog.days, Qt.Key.Key_Return)
    assert dialog.isVisible()
    assert not dialog.once_button.isEnabled() and not dialog.days.isEnabled()
    assert dialog.once_button.toolTip() == tooltip("Counting again…")
    assert dialog.sentence.text() == "Counting what is older than 365 days…"


def test_the_tenant_in_view_is_said_not_to_narrow_it(qtbot: QtBot, theme: Theme) -> None:
    said = "It applies to all tenants, not only to acme."
    plan = a_plan(share("acme", 3, 1_000), share("globex", 4, 2_000))
    assert said in words(shown(qtbot, theme, plan, chosen="acme"))
    assert "applies to all tenants" not in words(shown(qtbot, theme, plan))
