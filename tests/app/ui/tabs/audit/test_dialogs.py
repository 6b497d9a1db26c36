"""The checkpoints of a file, listed, made and exported; and the question which entries to verify."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from shutil import copyfile

import apsw
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.itemmodels.columns import Tone
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.reading import last_entry
from app.services.chain.rules import Verdict
from app.services.chain.where import InFile
from app.services.records import users
from app.settings import Settings
from app.ui.session.context import Context
from app.ui.session.outcome import Asked
from app.ui.session.outcome import run as run_verification
from app.ui.session.verdict_words import REASONS
from app.ui.shell.notices import BrokenNotice, ContinuationNotice
from app.ui.tabs.audit.dialogs import CheckpointsDialog, VerifyRangeDialog
from app.ui.theme import Theme
from app.ui.widgets.dialogs import ConfirmDialog
from models.progress import UNWATCHED
from tests.conftest import NOW
from tests.fixtures.checkpoints import sign
from tests.fixtures.checkpoints import verify as verify_known
from tests.fixtures.connected import connected, execute
from tests.fixtures.context import make_context
from tests.fixtures.sample import sample
from tests.fixtures.window import added, button, labels, press, texts, type_text


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return sample(tmp_path / "demo.sqlite", rows=200, tenants=2)


@pytest.fixture
def context(path: Path, theme: Theme, qtbot: QtBot) -> Iterator[Context]:
    context = make_context(path, theme, Settings(), lambda: NOW + 60)
    yield context
    context.stop()


def opened(context: Context, qtbot: QtBot) -> CheckpointsDialog:
    dialog = added(qtbot, CheckpointsDialog(context))
    dialog.show()
    qtbot.waitUntil(dialog.make_button.isEnabled)
    return dialog


@pytest.mark.slow
def test_the_first_checkpoint_is_made_listed_and_exported(
    context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    dialog = opened(context, qtbot)
    assert dialog.state.text() == "There is none of this database yet."
    assert not dialog.export_button.isEnabled() and dialog.key.isHidden()
    dialog.make_button.setFocus()
    with qtbot.waitSignal(dialog.checked):
        dialog.make_button.click()
        assert dialog.focusWidget() is None, "the next key presses nothing"
    qtbot.waitUntil(dialog.table.isVisible)
    assert dialog.focusWidget() is dialog.make_button
    assert dialog.table.model().rowCount() == 1
    assert "1 checkpoint of this database" in dialog.state.text()
    assert "key" in dialog.key.text() and dialog.key.isVisible()
    out = tmp_path / "checkpoints.json"
    dialog.export(out)
    qtbot.waitUntil(lambda: "written to checkpoints.json" in dialog.state.text())
    assert out.stat().st_size > 0


def test_each_reason_for_a_checkpoint_has_its_words() -> None:
    assert set(Reason) <= set(REASONS)


@pytest.mark.slow
def test_a_file_that_is_no_export_is_said_and_takes_nothing(
    context: Context, qtbot: QtBot, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    other.write_text("{}")
    dialog = opened(context, qtbot)
    dialog.import_from(other)
    qtbot.waitUntil(lambda: "holds no exported checkpoints" in dialog.state.text())
    assert dialog.table.isHidden()


@pytest.mark.slow
def test_a_person_who_knows_why_the_file_differs_begins_anew(
    context: Context, qtbot: QtBot, path: Path
) -> None:
    sign(path, paths.checkpoints_dir(), now=NOW - 3_000, reason=Reason.BEFORE_RESTORE)
    connection = apsw.Connection(str(path))
    connection.execute("DELETE FROM audit_chain WHERE seq > 190")
    connection.execute("UPDATE sqlite_sequence SET seq = 190 WHERE name = 'audit_chain'")
    dialog = opened(context, qtbot)
    qtbot.waitUntil(dialog.start_over_button.isEnabled)
    with qtbot.waitSignal(dialog.checked):
        dialog.make_button.click()
    qtbot.waitUntil(lambda: "is broken" in dialog.state.text())
    dialog.start_over_button.click()
    (question,) = dialog.findChildren(ConfirmDialog)
    with qtbot.waitSignal(dialog.checked) as made:
        question.confirm_button.click()
    assert made.args is not None and made.args[0].checkpoint == 2
    qtbot.waitUntil(lambda: "2 checkpoints of this database" in dialog.state.text())
    through = [dialog.table.model().index(row, 3).data() for row in range(2)]
    assert through == ["190", "200"]
    assert [row[2] for row in texts(dialog.table)] == ["started over", "before a restore"], "in words"
    (_, made_now) = CheckpointStore(paths.checkpoints_dir()).checkpoints(InFile(path))
    dialog.show_checkpoints([replace(made_now, through=200)], "", (), dialog._recognised)
    assert dialog.table.model().index(0, 3).data() == "190", "also where its numbers had begun again"
    for column in (0, 2):  # when and why: nothing of them is cut
        assert dialog.table.columnWidth(column) >= dialog.table.sizeHintForColumn(column)
    assert verify_known(path, paths.checkpoints_dir(), now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
def test_a_copy_that_went_its_own_way_is_said_to_be_another_database(
    context: Context, qtbot: QtBot, path: Path
) -> None:
    original = path.with_name("original.db")
    connection = apsw.Connection(str(path))
    connection.execute(f"VACUUM INTO '{original}'")
    connection.execute("DELETE FROM audit_chain WHERE seq > 190")
    connection.execute("UPDATE sqlite_sequence SET seq = 190 WHERE name = 'audit_chain'")
    sign(original, paths.checkpoints_dir(), now=NOW, reason=Reason.REQUEST)
    dialog = opened(context, qtbot)
    qtbot.waitUntil(dialog.another_button.isEnabled)
    dialog.another_button.click()
    (question,) = dialog.findChildren(ConfirmDialog)
    with qtbot.waitSignal(dialog.checked) as made:
        question.confirm_button.click()
    assert made.args is not None and made.args[0].checkpoint == 1
    qtbot.waitUntil(lambda: "1 checkpoint of this database" in dialog.state.text())
    for file in (path, original):
        assert verify_known(file, paths.checkpoints_dir(), now=NOW).verdict is Verdict.VERIFIED


@pytest.mark.slow
def test_a_row_that_cannot_be_read_is_named(context: Context, qtbot: QtBot, path: Path) -> None:
    for _ in range(2):
        sign(path, paths.checkpoints_dir(), now=NOW)
    store = apsw.Connection(str(paths.checkpoints_dir() / "checkpoints.sqlite"))
    store.execute("UPDATE checkpoints SET body = '' WHERE number = 1")
    dialog = opened(context, qtbot)
    qtbot.waitUntil(lambda: "1 checkpoint of this database" in dialog.state.text())
    assert dialog.state.text().endswith(
        "Row 1 of the table checkpoints in checkpoints.sqlite cannot be read; the rest is used."
    )


@pytest.mark.slow
def test_closing_it_ends_what_runs(context: Context, qtbot: QtBot, path: Path) -> None:
    dialog = CheckpointsDialog(context)
    dialog.open_once()
    qtbot.waitUntil(dialog.make_button.isEnabled)
    with qtbot.waitSignal(dialog.destroyed):
        dialog.make_button.click()
        qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not context.busy._running)
    assert verify_known(path, paths.checkpoints_dir(), now=NOW).verdict is Verdict.CONSISTENT


@pytest.mark.slow
def test_a_broken_chain_is_never_signed(context: Context, qtbot: QtBot, path: Path) -> None:
    execute(path, "UPDATE audit_chain SET payload = '{}' WHERE seq = 50")
    dialog = opened(context, qtbot)
    with qtbot.waitSignal(dialog.checked):
        dialog.make_button.click()
    assert "no checkpoint was made" in dialog.state.text()


@pytest.mark.slow
def test_none_is_made_of_what_somebody_has_to_decide_first(
    context: Context, qtbot: QtBot, path: Path
) -> None:
    dialog = opened(context, qtbot)
    with qtbot.waitSignal(dialog.checked):
        dialog.make_button.click()
    qtbot.waitUntil(dialog.table.isVisible)
    dialog.close()
    execute(path, "DELETE FROM audit_chain")
    execute(path, "UPDATE d1_migrations SET applied_at = '2001-01-01 00:00:00'")
    asks = added(qtbot, CheckpointsDialog(context))
    with qtbot.waitSignal(asks.listed):
        asks.show()
    assert asks.state.text().startswith("Which database is this?")
    assert "Checkpoints in the window" not in asks.state.text()
    assert (asks.make_button.isEnabled(), asks.another_button.isEnabled()) == (False, True)


@pytest.fixture
def question(qtbot: QtBot, theme: Theme) -> VerifyRangeDialog:
    """The question which of 600 entries to verify."""
    box = added(qtbot, VerifyRangeDialog(theme, (1, 600), (1, 600)))
    box.open()
    qtbot.waitUntil(box.isActiveWindow)
    return box


@pytest.mark.parametrize(
    ("first", "last", "field", "sentence"),
    [
        ("", "50", "first", "Type the number of an entry, such as 1,200."),
        ("ten", "50", "first", "Type the number of an entry, such as 1,200."),
        ("50", "49", "last", "This must be 50 or a later entry."),
        ("50", "601", "last", "The last entry is 600."),
        ("601", "700", "first", "The last entry is 600."),
        ("-5", "0", "last", "The first entry is 1."),
        ("9" * 30, "50", "first", "Type the number of an entry, such as 1,200."),
    ],
)
def test_numbers_that_cannot_be_are_said_beside_the_field(  # noqa: PLR0917
    qtbot: QtBot, question: VerifyRangeDialog, first: str, last: str, field: str, sentence: str
) -> None:
    box = question
    box.first.selectAll()
    press("Del")
    type_text(qtbot, first)
    press("Tab")
    type_text(qtbot, last)
    with qtbot.assertNotEmitted(box.accepted):
        press("Return")
        assert box.isVisible()
        assert box.editor(field).accessibleDescription() == sentence
        assert QApplication.focusWidget() is box.editor(field)
        assert sentence in labels(box)
    press("Esc")
    assert not box.isVisible(), "there is nothing to lose, so nothing is asked"


def test_the_last_entry_is_right_again_when_the_first_one_is(
    qtbot: QtBot, question: VerifyRangeDialog
) -> None:
    box = question
    press("Tab")
    type_text(qtbot, "20")
    press("Shift+Tab")
    type_text(qtbot, "30")
    assert "This must be 30 or a later entry." in labels(box)
    press("Backspace")
    assert "This must be 30 or a later entry." not in labels(box)
    press("Esc")


def shown(context: Context, qtbot: QtBot) -> ContinuationNotice:
    notice = added(qtbot, ContinuationNotice(context, lambda: None))
    notice.look()
    return notice


@pytest.mark.slow
def test_a_newer_copy_says_how_much_is_new(
    context: Context, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign(path, paths.checkpoints_dir(), now=NOW)
    with connected(path) as database:
        users.create(database, "acme-corp", "new@acme.example", actor="ops", now=NOW + 30)
    told: list[str] = []
    monkeypatch.setattr(context, "say", lambda text, **how: told.append(text))
    notice = shown(context, qtbot)
    qtbot.waitUntil(lambda: bool(told))
    assert "continues the one you saw last — 1 new entry" in told[0]
    assert notice.isHidden(), "the rows stay where they are"
    qtbot.waitUntil(lambda: context.settings.seen_through.get(path) is not None)
    again = added(qtbot, ContinuationNotice(context, lambda: None))
    said: list[int] = []
    again.show_continuation = lambda found, **how: said.append(found.new_entries)  # type: ignore[method-assign]
    again.look()
    qtbot.waitUntil(lambda: said == [0])
    assert again.isHidden(), "it was said once"
    with connected(path) as database:
        users.create(database, "acme-corp", "theirs@acme.example", actor="them", now=NOW + 60)
        there = last_entry(database)
    context.outside.written.emit()
    qtbot.waitUntil(lambda: context.settings.seen_through.get(path) == there)


@pytest.mark.slow
@pytest.mark.parametrize("new", [0, 1])
def test_of_a_copy_no_more_is_new_than_was_not_seen_of_the_other(
    context: Context, qtbot: QtBot, path: Path, monkeypatch: pytest.MonkeyPatch, new: int
) -> None:
    other = Path(copyfile(path, path.with_name("other.sqlite")))
    sign(other, paths.checkpoints_dir(), now=NOW)
    with connected(path) as database:
        users.create(database, "acme-corp", "new@acme.example", actor="ops", now=NOW + 30)
        seen = last_entry(database)
        if new:
            users.create(database, "acme-corp", "newer@acme.example", actor="ops", now=NOW + 31)
    copyfile(path, other)
    context.settings.seen_through.set(other, seen)
    told: list[str] = []
    monkeypatch.setattr(context, "say", lambda text, **how: told.append(text))
    shown(context, qtbot)
    qtbot.waitUntil(lambda: context.settings.seen_through.get(path) == seen + new)
    continues = "This file continues the one you saw last — 1 new entry"
    assert (
        told == ["This file is a copy of other.sqlite, and counts as the same database", continues][: 1 + new]
    )


@pytest.mark.slow
def test_a_fork_says_where_it_begins(context: Context, qtbot: QtBot, path: Path) -> None:
    sign(path, paths.checkpoints_dir(), now=NOW)
    execute(path, "DELETE FROM audit_chain WHERE seq > 190")
    notice = shown(context, qtbot)
    qtbot.waitUntil(lambda: not notice.isHidden())
    assert "does not continue the one you saw last" in notice.banner.headline()
    assert "has no entry after 190" in notice.banner.detail()
    assert notice.banner.tone() is Tone.BAD


@pytest.mark.slow
def test_the_audit_tab_says_once_that_a_file_is_older(context: Context, qtbot: QtBot, path: Path) -> None:
    sign(path, paths.checkpoints_dir(), now=NOW)
    older = path.read_bytes()
    with connected(path) as database:
        users.create(database, "acme-corp", "new@acme.example", actor="ops", now=NOW + 30)
    sign(path, paths.checkpoints_dir(), now=NOW + 60)
    path.write_bytes(older)
    notice = ContinuationNotice(context, lambda: None)
    broken = BrokenNotice(context, notice, lambda: None, beside=False)
    for one in (notice, broken):
        qtbot.addWidget(one)
    notice.look()
    qtbot.waitUntil(lambda: not notice.isHidden())
    assert notice.banner.headline().startswith("Earlier state — older than the one you saw ")
    assert notice.findings_button.isVisibleTo(notice) and notice.findings_button.text() == "Show the chain"
    assert not button(notice, "Start over…").isHidden(), "which is the way on, in each tab"
    found = run_verification(UNWATCHED, asked=Asked(), where=InFile(path), now=NOW, by="ops")
    context.verdict.take(found)
    assert notice.isHidden() and broken.isHidden(), "its own banner says it"
    broken.set_beside(True)
    assert not notice.isHidden()
    button(notice, "Dismiss").click()
    broken.set_beside(False)
    broken.set_beside(True)
    assert notice.isHidden()
