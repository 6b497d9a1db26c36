"""The page of all tenants, as a person meets it: reached and left, filtered, and one of them looked at."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QMenu
from pytestqt.qtbot import QtBot

from app import paths
from app.services.chain.checkpoints.making import verify_with_checkpoints
from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InFile
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import Signing
from app.services.records import notifications, users
from app.services.tenants.listing import TenantTotals
from app.ui.shell.dialogs import NotesDialog, ShortcutsDialog
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.arrangement import read
from app.ui.tabs.common.form_fields import TenantField
from app.ui.tabs.tenants import ERASE, EXPORT, VERIFY, WORK, TenantsTab
from app.ui.tabs.tenants.words import totals
from app.ui.tabs.users import new_user_form
from app.ui.widgets.dialogs import ConfirmDialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.formatting import absolute_time
from models.files.atomic import lock_of
from tests.conftest import NOW
from tests.fixtures import checkpoints
from tests.fixtures.heart import FELT_MS, Heart
from tests.fixtures.inserting import INTO_USERS
from tests.fixtures.window import (
    TABLES,
    added,
    ask,
    button,
    choose,
    click,
    closed,
    count,
    current,
    dialog,
    go,
    open_file,
    press,
    texts,
    value_of,
    values,
    words,
    write,
)

MANY = """
INSERT INTO users (id, tenant_id, email, created_at, updated_at)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)
SELECT 'many' || i, 'many-' || i, i || '@x.example', 1790000000 + i, 1790000000 + i FROM n
"""


def show(qtbot: QtBot, window: MainWindow, keys: str = "Ctrl+T") -> TenantsTab:
    press(keys)
    page = current(window)
    assert isinstance(page, TenantsTab)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    return page


def rows_of(page: TenantsTab, name: str) -> list[str]:
    return values(page, name)


@pytest.mark.slow
def test_it_takes_the_place_of_the_tab_and_gives_it_back(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    hooks = go(qtbot, window, 2)
    assert window.workspace is not None
    place, tabs = window.workspace.tenants, window.workspace.tabs
    hooks.filters.text.setFocus()
    assert tabs.tabBar().width() == tabs.width()
    page = show(qtbot, window)
    (tenants,) = ask(demo_path, "SELECT count(DISTINCT tenant_id) FROM audit_chain")[0]
    assert page.isVisible() and not hooks.isVisible() and page.table.hasFocus()
    assert page.model.rowCount() == tenants and page.filters.count.text() == f"{tenants} tenants"
    assert place.back_button.text() == "Back to Webhooks · Esc" and place.back_button.isVisible()
    assert window.tenants.currentText() == "Tenants" and window.tenants.property("lit")
    assert window.workspace.tabs.tabBar().property("left")
    press("Escape")
    assert hooks.isVisible() and not page.isVisible() and not place.back_button.isVisible()
    qtbot.waitUntil(lambda: tabs.tabBar().width() == tabs.width())  # and nothing else shows beside them
    window.resize(900, 560)
    window.commands.trigger("tenants")
    qtbot.waitUntil(lambda: tabs.tabBar().width() + place._corner.width() == tabs.width())
    assert place._corner.geometry().right() == tabs.rect().right()
    for start in (place.back_button, window._bar.database_button):
        window.commands.trigger("tenants")
        start.setFocus()
        press("Escape")
        assert QApplication.focusWidget() is hooks.filters.text
    assert window.tenants.currentText() == "All tenants" and not window.tenants.property("lit")
    window.tenants.showPopup()
    click(qtbot, button(window.tenants.popup, "How all tenants stand"))
    assert page.isVisible() and page.table.hasFocus()
    press("Ctrl+3")  # of the very tab that it was opened from
    assert hooks.isVisible() and hooks.table.hasFocus()
    window.commands.trigger("tenants")
    window.workspace.tabs.tabBar().tabBarClicked.emit(2)
    assert hooks.isVisible()
    window.commands.trigger("tenants")
    press("Ctrl+1")
    assert current(window).spec.table.name == TABLES[0] and not page.isVisible()
    window.commands.trigger("tenants")
    assert place.back_button.text() == "Back to Users · Esc"
    window.tenants.pick(None)  # what is chosen already leads back, too
    assert not page.isVisible()


@pytest.mark.slow
def test_each_key_does_what_is_said_there_or_says_why_not(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    export = window.commands.action("export")
    assert export.text() == "E&xport…"
    page = show(qtbot, window)
    press("Ctrl+E")
    qtbot.waitUntil(lambda: "Select a tenant first." in words(window))
    choose(qtbot, page, 0)
    press("Ctrl+A")
    qtbot.waitUntil(lambda: page.one_alone in words(window))
    assert page.list.selected_count() == 1
    qtbot.waitUntil(lambda: not window.commands.action("select_all").isEnabled())
    press("F1")
    listed = texts(dialog(qtbot, window, ShortcutsDialog).table)
    assert [key for key, _, _ in listed if key == "Ctrl+A"] == []
    assert ["Ctrl+E", "Export data…", "Everywhere"] in listed and export.text() == "E&xport data…"
    assert {("Return", "Tenants"), ("Esc", "Tenants")} <= {(key, where) for key, _, where in listed}
    press("Escape")
    closed(qtbot, window, ShortcutsDialog)
    press("Escape")
    assert not isinstance(current(window), TenantsTab) and export.text() == "E&xport…"
    assert window.commands.action("select_all").isEnabled()


@pytest.mark.slow
def test_one_is_found_and_all_is_scoped_to_it(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    users = open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    said = page.totals.said()
    assert f"Users: {count(demo_path, 'users')}" in said and "Entries: 600" in said
    name = next(one for one in rows_of(page, "name") if one != "system")
    with qtbot.waitSignal(page.list.loaded):
        qtbot.keyClicks(page.filters.text, name[1:5].upper())
    assert rows_of(page, "name") == [name]
    assert f"Users: {count(demo_path, 'users', name)}" in page.totals.said()
    assert choose(qtbot, page, 0) == name
    page.table.setFocus()
    with qtbot.waitSignal(users.list.loaded):
        press("Return")
    assert users.isVisible() and window.tenants.key() == name
    qtbot.waitUntil(lambda: users.filters.count.text() == f"{count(demo_path, 'users', name)} users")
    page = show(qtbot, window)
    qtbot.waitUntil(lambda: page.list.current_id() == name)
    press("Escape")
    assert window.tenants.key() == name


@pytest.mark.slow
def test_the_inspector_says_how_one_stands_and_leads_on(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    users = open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    name = choose(qtbot, page, 0)
    assert page.inspector.title.text() == name
    assert page.numbers.users.number.text() == str(count(demo_path, "users", name))
    assert page.numbers.unread.note.text() == f"of {count(demo_path, 'notifications', name)}"
    (head, digest), *_ = ask(
        demo_path, "SELECT seq, hash FROM audit_chain WHERE tenant_id = ? ORDER BY seq DESC", name
    )
    assert value_of(page.chain.fields, "Head") == f"entry {head:,}"
    assert value_of(page.chain.fields, "Head hash") == digest
    assert value_of(page.chain.fields, "Verified") == "not yet"
    assert value_of(page.chain.fields, "Renaming").startswith("not possible: its chain")
    assert page.latest.table.model().rowCount() == 5 and page.chain.timeline.isVisible()
    click(qtbot, page.numbers.users)
    assert users.isVisible() and window.tenants.key() == name
    qtbot.waitUntil(lambda: users.filters.count.text() == f"{count(demo_path, 'users', name)} users")
    page = show(qtbot, window)
    page.latest.table.select_row(0)
    page.latest.table.opened.emit(page.latest.table.currentIndex())
    audit = current(window)
    qtbot.waitUntil(lambda: audit.list.current_id() == head)
    assert audit.spec.table.name == "audit_chain"


@pytest.mark.slow
def test_each_state_of_a_chain_has_its_words_and_webhooks_their_health(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ((hook, of), *_) = ask(demo_path, "SELECT id, tenant_id FROM webhook_destinations WHERE active = 1")
    window.settings.verify_by_itself = False
    open_file(qtbot, window, demo_path)
    assert window.workspace is not None
    context, log = window.workspace.context, DeliveryLog()
    to = Destination(hook, of, "", "https://h.example/", "h.example", "*", None)
    for outcome in (DeliveryOutcome.ANSWERED, DeliveryOutcome.TIMEOUT):
        answer = DeliveryAnswer(
            outcome, status=200 if outcome is DeliveryOutcome.ANSWERED else None, seconds=1
        )
        kept = str(context.opened.kept_by)
        log.add(kept, to, make(to, "run_killed", "{}", now=NOW), answer, signing=Signing.PLATFORM, days=30)
    page = show(qtbot, window)
    context.verdict.begin_run()
    assert set(rows_of(page, "chain")) == {"being verified…"}
    with context.verdict.ending():
        pass
    assert {one.split(" ·")[0] for one in rows_of(page, "chain")} == {"not verified"}
    by_name = dict(zip(rows_of(page, "name"), rows_of(page, "webhooks"), strict=True))
    assert by_name[of].endswith(" · 1 failing")
    shown = page.model.index(rows_of(page, "name").index(of), page.model.column_of("webhooks"))
    row = page.model.record(shown.row())
    assert row is not None and [one.is_ok for one in row[-1].attempts] == [True, False]
    assert [chip.text() for chip in page.chips.buttons()[1:]] == [
        f"Need a look {len(by_name)}",
        "Webhook failing 1",
    ], "nobody ever verified their chains"
    qtbot.waitUntil(page.chips.buttons()[2].isVisible)
    click(qtbot, page.chips.buttons()[2])
    qtbot.waitUntil(lambda: rows_of(page, "name") == [of])
    assert "1 failing" in page.totals.said()
    click(qtbot, page.chips.buttons()[0])
    others = [one for one in by_name if one != of]
    broken, unproven = others[0], others[1]
    last = "SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq DESC LIMIT 2"
    ask(demo_path, f"UPDATE audit_chain SET payload = '{{}}' WHERE seq IN ({last})", broken)
    first = "SELECT seq FROM audit_chain WHERE tenant_id = ? ORDER BY seq LIMIT 3"
    ask(demo_path, f"DELETE FROM audit_chain WHERE seq IN ({first})", unproven)
    with qtbot.waitSignal(context.verdict.asked):
        page.commands.trigger(VERIFY)
    qtbot.waitUntil(lambda: context.verdict.outcome is not None and not context.verdict.is_asked)
    said = dict[str, str]()

    def told() -> bool:
        said.update(zip(rows_of(page, "name"), rows_of(page, "chain"), strict=True))
        return said.get(broken) == "broken · 2 findings"

    qtbot.waitUntil(told)
    assert said[unproven] == "start unproven" and said[of].startswith("consistent · ")
    qtbot.waitUntil(lambda: f"Chain: {len(by_name) - 2} consistent · 2 not, " in page.totals.said())
    qtbot.waitUntil(lambda: page.chips.buttons()[1].text() == "Need a look 3")
    qtbot.waitUntil(lambda: "2 not" in page.totals.said())
    assert "Need a look" not in page.totals.said()
    page.model.sort(page.model.column_of("chain"), Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: rows_of(page, "name")[0] == broken)
    choose(qtbot, page, 0)
    assert "broken, 2 findings" in words(page.inspector)
    assert "is broken" in (page._refuse_erase() or ""), "not only once its name was typed"
    answer = DeliveryAnswer(DeliveryOutcome.ANSWERED, status=200, seconds=1)
    log.add(kept, to, make(to, "run_killed", "{}", now=NOW), answer, signing=Signing.PLATFORM, days=30)
    context.delivered.emit()
    qtbot.waitUntil(lambda: not any(one.endswith(" failing") for one in rows_of(page, "webhooks")))


@pytest.mark.slow
@pytest.mark.parametrize("again", [True, False])
def test_one_that_lost_its_end_is_told_from_the_others(
    qtbot: QtBot, window: MainWindow, demo_path: Path, *, again: bool
) -> None:
    store, last = CheckpointStore(paths.checkpoints_dir()), "ORDER BY seq DESC LIMIT 1"
    (owner,) = ask(demo_path, f"SELECT tenant_id FROM audit_chain {last}")[0]
    verify_with_checkpoints(InFile(demo_path), store, checkpoints.VERIFY, now=NOW - 60, by="ada")
    ask(demo_path, "DELETE FROM audit_chain WHERE seq = (SELECT max(seq) FROM audit_chain)")
    ask(demo_path, "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit_chain'")
    verify_with_checkpoints(InFile(demo_path), store, checkpoints.VERIFY, now=NOW, by="ada")
    window.settings.verify_by_itself = again
    context = open_file(qtbot, window, demo_path).context
    qtbot.waitUntil(lambda: (context.verdict.outcome if again else context.verdict.last) is not None)
    page = show(qtbot, window)

    def said() -> bool:
        found = dict(zip(rows_of(page, "name"), rows_of(page, "chain"), strict=True))
        lost = found.pop(owner, "")
        return lost == "end lost" and all(one.startswith("consistent · ") for one in found.values())

    qtbot.waitUntil(said)
    assert "1 not" in page.totals.said() and page.chips.buttons()[1].text() == "Need a look 1"
    assert context.verdict.lost_end is not None
    context.verdict.came_forward()
    qtbot.waitUntil(lambda: "end lost" not in rows_of(page, "chain"))


def test_what_others_add_is_said_and_what_was_arranged_stays(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    page.context.outside.stop()
    page.context.outside.look()
    qtbot.waitUntil(lambda: not page.context.outside._asked)
    name, before = choose(qtbot, page, 1), page.model.rowCount()
    ask(demo_path, f"{INTO_USERS} ('x', 'newcomer', 'x@x.example', NULL, {NOW}, {NOW})")
    page.context.outside.look()
    qtbot.waitUntil(page.new_rows.button.isVisible)
    assert page.new_rows.button.text() == "1 new" and page.list.current_id() == name
    assert page.filters.count.text() == f"{before + 1} tenants"
    page.commands.trigger(VERIFY)
    verdict = page.context.verdict
    qtbot.waitUntil(lambda: verdict.outcome is not None and not verdict.is_asked)
    qtbot.waitUntil(lambda: page._tenants.is_read and page.list.came == page.list.begun)
    assert rows_of(page, "name")[1] == name, "nothing moves by a verdict, either"
    press("F5")
    qtbot.waitUntil(lambda: name in rows_of(page, "name")[2:])
    qtbot.waitUntil(lambda: not page.new_rows.button.isVisible())  # it is in sight
    ask(demo_path, f"{INTO_USERS} ('y', '{name}', 'y@x.example', NULL, {NOW + 9}, {NOW + 9})")
    page.context.outside.look()
    qtbot.waitUntil(lambda: page.list.is_behind)
    press("F5")
    qtbot.waitUntil(lambda: rows_of(page, "name")[0] == name)
    assert page.list.current_id() == name, "it went up, and no other took its place"
    page.chips.set_key("failing")
    page.filters_changed()
    qtbot.waitUntil(lambda: page.model.rowCount() == 0)
    click(qtbot, page.clear_button)
    qtbot.waitUntil(lambda: page.model.rowCount() == before + 1)
    page.filters.text.setText("newc")
    qtbot.waitUntil(lambda: page.model.rowCount() == 1)
    window.close_file()
    open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    assert page.filters.text.text() == "newc" and rows_of(page, "name") == ["newcomer"]


@pytest.mark.slow
def test_the_data_of_one_are_exported_into_a_folder(
    qtbot: QtBot, window: MainWindow, demo_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    name, out = choose(qtbot, page, 0), demo_path.parent / "out"
    monkeypatch.setattr("app.ui.tabs.tenants.export_erase.ask_new_folder", lambda *asked, **how: out)
    paths.checkpoints_dir().mkdir(parents=True)
    (paths.checkpoints_dir() / "checkpoint-key").write_text("11" * 32)
    page.commands.trigger(EXPORT)
    question = dialog(qtbot, window, ConfirmDialog)
    assert "No checkpoint knows this chain yet" in words(question)
    assert button(question, "Export without one").isEnabled() and question.confirm_button.hasFocus()
    press("Return")  # signs one
    row = page.list.current_row()
    assert row is not None
    qtbot.waitUntil(lambda: f"{row[-1].rows} rows of {name} exported to out" in words(window))
    assert "no checkpoint knows its chain" not in words(window)
    assert (out / "manifest.json").is_file()
    qtbot.waitUntil(lambda: page._checkpoint_of(name) is not None)


@pytest.mark.slow
def test_one_is_erased_where_its_name_is_typed(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    go(qtbot, window, 4)
    assert window.context is not None
    (noted,) = ask(demo_path, "SELECT id FROM notifications LIMIT 1")[0]
    with qtbot.waitSignal(window.context.history.changed):
        window.context.act(notifications.delete, [noted])
    users_tab = go(qtbot, window, 0)
    users_tab.filters.text.setText("@")
    users_tab.view_picker.save()
    form = dialog(qtbot, window, FormDialog)
    write(form, "name", "With an address")
    form.submit()
    closed(qtbot, window, FormDialog)
    go(qtbot, window, 4)
    page = show(qtbot, window)
    columns = range(page.model.columnCount())
    hidden = [page.table.isColumnHidden(column) for column in columns]
    assert hidden.count(True) == 2, "those alone that are hidden at first"
    name, row = choose(qtbot, page, 0), page.list.current_row()
    assert row is not None
    assert f"{row[-1].users} users" in page.floor.words.text()
    page.commands.trigger(ERASE)
    asked = dialog(qtbot, window, ConfirmDialog)
    assert "After this, “1 notification deleted” can no longer be undone." in words(asked)
    listed = [asked.list.item(place).text() for place in range(asked.list.count())]
    assert f"Users: {row[-1].users} rows" in listed
    assert not asked.confirm_button.isEnabled()
    qtbot.keyClicks(asked.typed, name)
    with qtbot.waitSignal(window.opened):
        press("Return")
    told = dialog(qtbot, window, NotesDialog)
    assert told.windowTitle() == f"{name} is erased: {row[-1].rows} rows; the chains were verified afterwards"
    assert "which still holds all of it: delete it when nobody needs it." in told.text.toPlainText()
    assert "may still contain its values: “With an address”." in told.text.toPlainText()
    told.reject()
    assert count(demo_path, "users", name) == 0
    assert len(list(demo_path.parent.glob("*.before-erasing.*"))) == 1
    workspace = window.workspace
    assert workspace is not None
    qtbot.waitUntil(lambda: workspace.is_settled)
    again = current(window)
    assert isinstance(again, TenantsTab)  # where the person was, and from where
    assert workspace.tenants.back_button.accessibleName() == "Back to Planning runs"
    qtbot.waitUntil(lambda: again.list.current_id() == name and again.current.whole() is not None)
    assert [again.table.isColumnHidden(column) for column in columns] == hidden
    assert f"Erased {absolute_time(NOW + 1, True)} by" in again.floor.words.text()
    assert not again.commands.button(ERASE).isVisible() and not again.commands.action(ERASE).isEnabled()
    assert "erased · " in str(again.model.index(0, again.model.column_of("chain")).data())
    assert " not · 1 erased, " in again.totals.said(), "and in no other number"
    assert not workspace.context.history.next_undo and workspace.context.history.ending == ""
    left = read(workspace.context.settings.left_at.get(workspace.context.opened.kept_by))
    assert "users" not in left, "what its tab filtered by may name who is gone"
    context = workspace.context
    qtbot.waitUntil(lambda: context.erased == {name})
    assert {name, "system"} <= {*context.tenants}
    form = added(qtbot, new_user_form(context, name))
    field = form.editor("tenant_id")
    assert isinstance(field, TenantField) and field.value() == ""
    offered = {field.box.itemText(at) for at in range(field.box.count())}
    assert offered & {*context.tenants} == {*context.tenants} - {name, "system"}
    with qtbot.waitSignal(context.runner.changed):
        context.act(users.create, name, "again@example.com")
    qtbot.waitUntil(lambda: not context.erased)


@pytest.mark.slow
def test_why_one_cannot_be_erased_is_said(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    ask(demo_path, "UPDATE notifications SET tenant_id = 'system'")
    open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    with qtbot.waitSignal(page.list.loaded):
        qtbot.keyClicks(page.filters.text, "system")
    choose(qtbot, page, 0)
    erase = page.commands.action(ERASE)
    assert not erase.isEnabled() and "holds what was done to the whole database" in erase.toolTip()
    page.open_row_menu(page.model.index(0, 0), page.mapToGlobal(page.rect().center()))
    menu = page.findChildren(QMenu)[-1]
    acts = menu.actions()
    assert acts[acts.index(erase) - 1].isSeparator()  # no slip from what is harmless
    menu.close()


@pytest.mark.slow
def test_what_is_read_only_erases_nothing(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path, read_only=True)
    page = show(qtbot, window)
    choose(qtbot, page, 0)
    erase = page.commands.action(ERASE)
    assert not erase.isEnabled() and "read-only" in erase.toolTip()
    assert page.commands.action(WORK).isEnabled()


@pytest.mark.slow
def test_ten_thousand_are_shown_sorted_and_filtered_without_a_stall(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    ask(demo_path, MANY)
    open_file(qtbot, window, demo_path)
    heart = Heart()
    page = show(qtbot, window)
    assert page.model.rowCount() > 10_000
    heart.act = "sort"
    with qtbot.waitSignal(page.list.loaded):
        page.table.sortByColumn(page.model.column_of("users"), Qt.SortOrder.DescendingOrder)
    heart.act = "filter"
    with qtbot.waitSignal(page.list.loaded):
        qtbot.keyClicks(page.filters.text, "many-77")
    assert page.model.rowCount() == 111
    heart.stop()
    assert not [pause for pause in heart.pauses if pause[0] > 10 * FELT_MS], heart.pauses


def test_names_keep_their_room_in_a_small_window(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    window.resize(1280, 820)
    open_file(qtbot, window, demo_path)
    page = show(qtbot, window)
    header, column = page.table.horizontalHeader(), page.model.column_of
    assert window.workspace is not None
    back = window.workspace.tenants.back_button
    assert back.text() == "Back to Users · Esc"
    window.resize(700, 450)  # beside the inspector, which stays open
    page.table.columns.fit()
    longest = page.table.sizeHintForColumn(column("name"))
    assert header.sectionSize(column("name")) >= longest, "a name is read whole where it fits the table"
    assert not header.isSectionHidden(column("last")), "what the rows are in order of stays"
    window.setMinimumSize(1, 1)
    window.resize(620, 450)
    assert back.text() in ("Back · Esc", "") and back.accessibleName() == "Back to Users"
    bar = window.workspace.tabs.tabBar()
    qtbot.waitUntil(lambda: bar.sizeHint().width() <= bar.width())  # no tab is cut
    letters = page.filters.text.fontMetrics().horizontalAdvance("nnnnnnnnnnnn")
    assert page.filters.text.width() >= letters + 60, "a dozen beside its icons"
    window.resize(1000, 700)
    page.table.columns.fit()
    assert not header.isSectionHidden(column("chain")), "it comes back with the room"


def test_an_erasure_that_was_interrupted_is_told_with_its_copy(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    copy = demo_path.with_name(f"{demo_path.stem}.before-erasing.20260101T000000Z{demo_path.suffix}")
    for left in (copy, lock_of(copy)):
        left.touch()
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: "An erasure was interrupted" in words(window))
    assert copy.name in words(window) and copy.exists()


@pytest.mark.slow
def test_two_that_are_alike_but_for_their_composition_are_told_apart(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    for at, name in enumerate(("caf\u00e9", "cafe\u0301")):
        ask(demo_path, f"{INTO_USERS} ('u{at}', '{name}', 'x{at}@x.example', NULL, {NOW + at}, {NOW + at})")
    users = open_file(qtbot, window, demo_path)
    wanted = {"caf\u00e9", "cafe\u0301 (accents apart)"}
    assert {*values(users, "tenant_id")[:2]} == wanted
    assert wanted <= {choice.label for choice in window.tenants._choices}
    assert wanted <= {*rows_of(show(qtbot, window), "name")}


def test_chains_of_which_each_holds_by_itself_may_be_broken_together() -> None:
    of = TenantTotals(6, verified=6, consistent=2)
    assert totals(TenantTotals(6, not_verified=6))["chain"] == "0 verified · 6 not"
    assert totals(of)["chain"] == "4 verified · 2 consistent"
    assert totals(of, is_broken=True)["chain"] == "4 verified · 2 consistent · whole broken"
    assert totals(replace(of, not_verified=1), is_broken=True)["chain"] == "4 verified · 2 consistent · 1 not"
