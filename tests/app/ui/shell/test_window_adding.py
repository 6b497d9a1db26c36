"""Many users of a list, in the window: lines, columns, a dry run, one act, and a file of the rest."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.rules import Verdict
from app.services.records.adding import Judged
from app.ui.shell.window import MainWindow
from app.ui.tabs.audit.dialogs import CheckpointsDialog
from app.ui.tabs.users.adding import AddUsersDialog, LeftOutDialog
from app.ui.widgets.dialogs import ConfirmDialog
from tests.conftest import NOW
from tests.fixtures.appending import append
from tests.fixtures.checkpoints import sign
from tests.fixtures.heart import Heart
from tests.fixtures.window import (
    ask,
    button,
    click,
    closed,
    count,
    dialog,
    open_file,
    press,
    texts,
    type_text,
    words,
)

MANY, STALL_MS = 20_000, 250
"""As many as can be ended in time; and what no busy machine makes of the little that is done at once."""

LINES = """Mail;Organisation
one@new.example;acme-corp
TWO@new.example;acme-corp
two@new.example;acme-corp
nobody;acme-corp
three@new.example;nowhere-yet
"""


def pasted(qtbot: QtBot, form: AddUsersDialog, lines: str) -> Judged:
    """Pastes lines and waits for what would become of them."""
    QGuiApplication.clipboard().setText(lines)
    assert QApplication.focusWidget() is form.lines.box
    press("Ctrl+A")
    with qtbot.waitSignal(form.judged) as judged:
        press("Ctrl+V")
    found = judged.args[0]
    assert isinstance(found, Judged)
    return found


def opened(qtbot: QtBot, window: MainWindow) -> AddUsersDialog:
    press("Ctrl+Shift+U")
    return dialog(qtbot, window, AddUsersDialog)


@pytest.mark.slow
def test_lines_are_pasted_judged_and_created_by_keys(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    page.set_filter_text("nobody here")
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    form = opened(qtbot, window)
    assert not form.action_button.isEnabled()
    assert form.action_button.accessibleDescription() == "Paste lines, or choose a file."
    pasted(qtbot, form, LINES)
    assert [form._columns[name].currentText() for name in ("email", "tenant_id")] == ["Mail", "Organisation"]
    wrong = [
        ["4", "nothing", "Line 3 has the same address in acme-corp."],
        ["5", "nothing", "“nobody” is not an e-mail address; it needs the form name@example.com."],
        ["6", "nothing", "There is no tenant nowhere-yet yet."],
    ]
    assert texts(form.table)[1:] == [["3", "a user", "TWO@new.example, of acme-corp"], *wrong]
    form.bad_alone.click()
    assert texts(form.table) == wrong
    form.table.select_row(2)
    assert form.table.whole.text() == wrong[2][2]
    QAbstractItemModelTester(form.table.model(), QAbstractItemModelTester.FailureReportingMode.Fatal)
    assert "2 users can be created, 3 lines cannot." in words(form)
    form.save_wrong(tmp_path / "wrong.csv")
    qtbot.waitUntil((tmp_path / "wrong.csv").exists)
    assert (tmp_path / "wrong.csv").read_text().splitlines()[2].startswith("5,")
    with qtbot.waitSignal(form.judged):
        form.new_tenants.click()
    assert len(texts(form.table)) == 2
    assert "New tenants, for good: nowhere-yet." in words(form)
    assert form.action_button.text() == "Create 3 users" and count(demo_path, "users") == before
    form.lines.setFocus()
    form.action_button.setFocus()
    press("Return")
    left = dialog(qtbot, window, LeftOutDialog)  # else they would be gone with the form
    assert texts(left.table) == wrong[:2] and left.focusWidget() is left.save_button
    assert 0 <= left.table.viewport().height() - 2 * left.table.rowHeight(0) < left.table.rowHeight(0)
    left.accept()
    closed(qtbot, window, AddUsersDialog)
    assert count(demo_path, "users") == before + 3
    qtbot.waitUntil(lambda: window.toast.label.text() == "3 users created · not in this view")
    click(qtbot, window.toast.other_button)
    qtbot.waitUntil(lambda: page.model.rowCount() == before + 3)
    qtbot.waitUntil(lambda: page.list.selected_count() == 3)
    kinds = ask(demo_path, "SELECT tenant_id, event_type FROM audit_chain ORDER BY seq DESC LIMIT 2")
    assert kinds == [("nowhere-yet", "users_created"), ("acme-corp", "users_created")]
    press("Ctrl+Z")
    qtbot.waitUntil(lambda: count(demo_path, "users") == before)


@pytest.mark.slow
def test_addresses_alone_go_to_a_tenant_that_is_chosen(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'member'")
    ask(demo_path, "ALTER TABLE users ADD COLUMN title TEXT")
    open_file(qtbot, window, demo_path)
    form = opened(qtbot, window)
    (email,) = ask(demo_path, "SELECT email FROM users WHERE tenant_id = 'acme-corp' LIMIT 1")[0]
    found = pasted(qtbot, form, f"new@new.example\n{email.upper()}")
    assert not found.good and "The tenant is missing." in texts(form.table)[0][2]
    with qtbot.waitSignal(form.judged):
        form.tenant.box.setCurrentIndex(form.tenant.box.findText("acme-corp"))
    there = f"acme-corp already has a user with the e-mail address {email}."
    assert texts(form.table)[1:] == [["2", "nothing", there]]
    unfilled = [form._columns[name].itemText(0) for name in ("role", "title")]
    assert unfilled == ["No column: its default, 'member'", "No column: nothing (NULL)"]
    form.lines.setFocus()
    pasted(
        qtbot, form, f"email,role,size\nnew@new.example,owner\nlast@new.example,\n{email},owner\nb@example,x"
    )
    assert form.outcome.text().endswith("Nothing is taken of “size”.")
    pasted(qtbot, form, "bob.example.com\nann@new.example")
    assert form.outcome.text().endswith("The first line, “bob.example.com”, is read as column names.")
    pasted(
        qtbot, form, f"email,role,size\nnew@new.example,owner\nlast@new.example,\n{email},owner\nb@example,x"
    )
    last = ["5", "nothing", "“b@example” has no dot behind its @; it needs the form name@example.com."]
    assert texts(form.table) == [
        ["2", "a user", "new@new.example, of acme-corp · role: owner"],
        ["3", "a user", "last@new.example, of acme-corp"],
        ["4", "nothing", there],
        last,
    ]
    click(qtbot, form.action_button)
    dialog(qtbot, window, LeftOutDialog).accept()
    closed(qtbot, window, AddUsersDialog)
    added = "SELECT tenant_id, role, title FROM users WHERE email LIKE '%@new.example' ORDER BY role"
    assert ask(demo_path, added) == [("acme-corp", "member", None), ("acme-corp", "owner", None)]


@pytest.mark.slow
def test_in_an_earlier_state_the_question_leads_to_the_way_out_and_the_lines_stay(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    paths.checkpoints_dir().mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    before = demo_path.read_bytes()
    append(demo_path, "later", 1)
    sign(demo_path, paths.checkpoints_dir(), now=NOW)
    demo_path.write_bytes(before)
    window.settings.verify_by_itself = True
    context = open_file(qtbot, window, demo_path).context
    qtbot.waitUntil(lambda: context.opened.database.is_earlier and not context.verdict.is_running)
    form = opened(qtbot, window)
    pasted(qtbot, form, LINES)
    place = form.table.mapTo(form, QPoint())
    click(qtbot, form.action_button)
    question = dialog(qtbot, form, ConfirmDialog)
    assert form.bar.isVisible() and form.table.mapTo(form, QPoint()) == place
    assert "“Another database…” is for a copy" in words(question)
    assert button(question, "Start over…").isEnabled()
    press("Escape")
    qtbot.waitUntil(lambda: "is an earlier state of what was made, signed" in form.problem.text())
    assert not form.tenant.isEnabled(), "each line has its own"
    qtbot.waitUntil(lambda: form.problem.visibleRegion().boundingRect() == form.problem.rect())
    click(qtbot, form.action_button)
    question = dialog(qtbot, form, ConfirmDialog)
    click(qtbot, button(question, "Another database…"))
    box = dialog(qtbot, question, CheckpointsDialog)
    qtbot.waitUntil(box.another_button.hasFocus)
    press("Space")
    dialog(qtbot, box, ConfirmDialog).accept()
    dialog(qtbot, window, LeftOutDialog).accept()
    closed(qtbot, window, AddUsersDialog)
    assert ask(demo_path, "SELECT count(*) FROM users WHERE email LIKE '%@new.example'") == [(2,)]
    assert context.verdict.found is Verdict.CONSISTENT


@pytest.mark.slow
def test_what_is_no_csv_is_said_below_the_lines_and_escape_asks(
    qtbot: QtBot, window: MainWindow, demo_path: Path, tmp_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    form = opened(qtbot, window)
    bad = tmp_path / "latin.csv"
    bad.write_bytes(b"email\nzo\xeb@x.example\n")
    form.read_file(bad)
    qtbot.waitUntil(lambda: "latin.csv is no text in UTF-8" in words(form))
    assert form.action_button.text() == "Create users"
    click(qtbot, form.lines.paste_button)
    qtbot.waitUntil(lambda: "latin.csv" not in words(form))
    form.lines.setFocus()
    type_text(qtbot, "a")
    press("Escape")
    assert dialog(qtbot, window, ConfirmDialog).sentence.text() == "The line that you entered is not kept."
    assert form.isVisible()


@pytest.mark.slow
def test_many_come_in_without_a_stall_and_can_be_ended(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    before = count(demo_path, "users")
    lines = ["email", *(f"u{number}@host{number % 50}.example" for number in range(MANY))]
    form = opened(qtbot, window)
    form.tenant.box.setCurrentIndex(form.tenant.box.findText("acme-corp"))
    heart = Heart()
    heart.act = "pasting and judging"
    pasted(qtbot, form, "\n".join(lines))
    heart.skip()
    assert f"{MANY + 1:,} lines pasted" in words(form) and form.lines.box.isReadOnly()
    assert form.lines.box.toPlainText().splitlines() == [*lines[:4], "…"]
    pasted(qtbot, form, "one@new.example")  # in their place
    assert (form.lines.value(), form.lines.box.isReadOnly()) == ("one@new.example", False)
    pasted(qtbot, form, "\n".join(lines))
    heart.skip()
    told = list[tuple[str, str]]()
    form._written.connect(lambda *_: told.append((form.outcome.text(), form.far.words.text())))
    assert form.action_button.text() == f"Create {MANY:,} users"
    heart.act = "ending"
    click(qtbot, form.action_button)
    press("Escape")  # at once: they may be there before any of them is counted
    qtbot.waitUntil(lambda: "Cancelled" in words(form))
    assert count(demo_path, "users") == before
    heart.act = "creating"
    click(qtbot, form.action_button)
    closed(qtbot, window, AddUsersDialog)
    qtbot.waitUntil(lambda: page.model.rowCount() == before + MANY)
    heart.stop()
    assert {outcome for outcome, _ in told} == {f"{MANY:,} users are being created…"}
    assert f" of {MANY:,} · " in told[-1][1] and "/s" in told[-1][1]
    assert count(demo_path, "users") == before + MANY
    assert not [pause for pause in heart.pauses if pause[0] > STALL_MS], heart.pauses
