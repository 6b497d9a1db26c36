"""How a tab's list is arranged: kept over the end of the program, and under names."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from app.services.live.connections import Connections
from app.services.records.tables import AUDIT_CHAIN, NOTIFICATIONS, PLANNING_RUNS, WEBHOOK_DESTINATIONS
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.arrangement import Arrangement, arrangements, read, written
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.view_picker import _ViewsPopup
from app.ui.tabs.common.views import ViewsDialog
from app.ui.widgets.filter_row import DateRange, Span
from app.ui.widgets.form_dialog import FormDialog
from tests.fixtures.connected import execute
from tests.fixtures.live import Live
from tests.fixtures.processes import set_elsewhere
from tests.fixtures.window import (
    TABLES,
    ask,
    choose,
    click,
    closed,
    current,
    go,
    open_file,
    pick,
    press,
    said,
    write,
)
from tests.fixtures.window import dialog as shown

AUDIT, NOTES, RUNS = (TABLES.index(table.name) for table in (AUDIT_CHAIN, NOTIFICATIONS, PLANNING_RUNS))


def again(qtbot: QtBot, window: MainWindow, path: Path) -> RecordTab:
    """The same file in the next run of the program."""
    window.close_file()
    return open_file(qtbot, window, path)


def two_types(path: Path) -> tuple[tuple[str, str], int]:
    sql = "SELECT event_type, count(*) FROM audit_chain GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 2"
    (first, some), (second, more) = ask(path, sql)
    return (first, second), some + more


def views(qtbot: QtBot, page: RecordTab) -> ViewsDialog:
    click(qtbot, in_row(qtbot, page).manage_button)
    return shown(qtbot, page.window(), ViewsDialog)


def in_row(qtbot: QtBot, page: RecordTab) -> _ViewsPopup:
    """The list of views in the filter row."""
    page.window().activateWindow()
    qtbot.waitUntil(page.window().isActiveWindow)
    page.table.setFocus()
    press("Ctrl+Shift+V")
    popup = page.view_picker.popup
    assert isinstance(popup, _ViewsPopup) and popup.isVisible()
    return popup


def save(qtbot: QtBot, page: RecordTab, name: str, *, is_taken: bool = False) -> FormDialog:
    click(qtbot, in_row(qtbot, page).save_button)
    form = shown(qtbot, page.window(), FormDialog)
    write(form, "name", name)
    form.submit()
    if not is_taken:
        closed(qtbot, page.window(), FormDialog)
    return form


@pytest.mark.slow
def test_each_tab_is_found_as_it_was_left(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    page.filters.text.setText("acme")
    qtbot.waitUntil(lambda: page.filters.count.text() != said(127, 0))
    page.table.sortByColumn(page.model.column_of("email"), Qt.SortOrder.AscendingOrder)
    qtbot.waitUntil(lambda: page.list.shown is not None and page.list.shown.sort == "email")
    user = choose(qtbot, page, 7)
    kept, first = page.filters.count.text(), page.model.index(0, page.model.column_of("email")).data()
    types, wanted = two_types(demo_path)
    audit = go(qtbot, window, AUDIT)
    qtbot.waitUntil(lambda: audit.filters.pickers["event_type"].offers(f"str:{types[0]}"))
    audit.filters.pickers["event_type"].pick_keys([f"str:{one}" for one in types])
    qtbot.waitUntil(lambda: audit.filters.count.text() == said(wanted, AUDIT))
    runs = go(qtbot, window, RUNS)
    runs.facets.chips["status"].set_keys(["killed", "paused"])
    runs.filters_changed()
    pick(qtbot, go(qtbot, window, NOTES), "read", "int:1")

    page = again(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: page.list.current_id() == user)
    assert page.filters.text.text() == "acme" and page.filters.count.text() == kept
    assert page.model.index(0, page.model.column_of("email")).data() == first
    assert page.table.horizontalHeader().sortIndicatorSection() == page.model.column_of("email")
    audit = go(qtbot, window, AUDIT)
    qtbot.waitUntil(lambda: audit.filters.count.text() == said(wanted, AUDIT))
    assert audit.filters.pickers["event_type"].currentText() == "2 types"
    assert audit.view_picker.ticked() == "", "not “All entries”"
    audit.clear_filters()
    assert audit.view_picker.ticked() is None
    runs = go(qtbot, window, RUNS)
    qtbot.waitUntil(lambda: set(runs.facets.chips["status"].keys()) == {"killed", "paused"})
    assert dict(runs.query().choices)["status"] == ("paused", "killed")
    notes = go(qtbot, window, NOTES)
    assert notes.filters.pickers["read"].currentText() == "Read"
    runs.clear_filters()
    page = again(qtbot, window, demo_path)
    runs = go(qtbot, window, RUNS)
    assert not runs.query().filtered


@pytest.mark.slow
def test_views_are_saved_shown_renamed_and_removed(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    open_file(qtbot, window, demo_path)
    page, (types, wanted) = go(qtbot, window, AUDIT), two_types(demo_path)
    dialog = views(qtbot, page)
    assert dialog.none.isVisible() and not dialog.show_button.isEnabled()
    dialog.reject()
    closed(qtbot, window, ViewsDialog)
    qtbot.waitUntil(lambda: page.filters.pickers["event_type"].offers(f"str:{types[0]}"))
    page.filters.pickers["event_type"].pick_keys([f"str:{one}" for one in types])
    qtbot.waitUntil(lambda: page.filters.count.text() == said(wanted, AUDIT))
    hidden = page.model.column_of("hash")
    page.table.setColumnHidden(hidden, True)
    page.sorted_by = ("created_at", False)
    page.filters_changed()
    save(qtbot, page, "Most frequent")
    form = save(qtbot, page, " most FREQUENT ", is_taken=True)
    assert form.isVisible()
    form.reject()
    closed(qtbot, window, FormDialog)
    assert page.view_picker.currentText() == "Most frequent", "the list shows what was saved"
    dialog = views(qtbot, page)
    model = dialog.table.model()
    assert model.index(0, 0).data() == "Most frequent"
    assert model.index(0, 1).data() == f"Event type: {', '.join(sorted(types))} · by Time"
    dialog.accept()
    closed(qtbot, window, ViewsDialog)

    page.clear_filters()
    page.sorted_by = None
    page.table.setColumnHidden(hidden, False)
    again(qtbot, window, demo_path)
    page = go(qtbot, window, AUDIT)
    page.clear_filters()
    assert page.view_picker.currentText() == "Views"
    popup = in_row(qtbot, page)
    assert [choice.label for choice in popup.model.rows] == ["All entries", "Your views", "Most frequent"]
    press("Down")
    press("Return")
    qtbot.waitUntil(lambda: page.filters.count.text() == said(wanted, AUDIT))
    assert page.table.isColumnHidden(hidden) and page.sorted_by == ("created_at", False)
    assert page.filters.pickers["event_type"].currentText() == "2 types"
    assert page.view_picker.currentText() == "Most frequent"
    page.view_picker.pick(None)
    qtbot.waitUntil(lambda: not page.query().filtered and page.list.shown == page.query())
    assert page.view_picker.currentText() == "Views" and page.sorted_by is None

    dialog = views(qtbot, page)
    click(qtbot, dialog.rename_button)
    form = shown(qtbot, dialog, FormDialog)
    write(form, "name", "The two")
    form.submit()
    assert dialog.chosen() == "The two"
    click(qtbot, dialog.remove_button)
    assert dialog.none.isVisible() and window.context is not None
    assert not window.context.settings.views.get(AUDIT_CHAIN.name)


@pytest.mark.slow
def test_a_view_is_updated_renamed_and_removed_where_it_is_chosen(
    qtbot: QtBot, window: MainWindow, demo_path: Path
) -> None:
    page = open_file(qtbot, window, demo_path)
    picker, kept = page.view_picker, page.context.settings.views
    assert not page.commands.action("update_view").isEnabled()
    page.set_filter_text("acme")
    press("Ctrl+Alt+S")
    form = shown(qtbot, window, FormDialog)
    write(form, "name", "Mine")
    form.submit()
    closed(qtbot, window, FormDialog)
    popup = in_row(qtbot, page)
    assert not popup.update_button.isEnabled() and popup.rename_button.isVisible()
    popup.hide()
    page.set_filter_text("fjord")
    qtbot.waitUntil(lambda: page.list.shown == page.query())
    assert picker.saved_on() == "" and page.commands.action("update_view").text() == "Update “Mine”"
    popup = in_row(qtbot, page)
    assert popup.update_button.text() == "Update “Mine”"
    click(qtbot, popup.update_button)
    assert arrangements(kept.get("users"))["Mine"].text == "fjord" and picker.saved_on() == "Mine"
    page.set_filter_text("energi")
    press("Ctrl+Alt+U")
    assert arrangements(kept.get("users"))["Mine"].text == "energi"
    click(qtbot, window.toast.action_button)
    assert arrangements(kept.get("users"))["Mine"].text == "fjord"

    in_row(qtbot, page)
    press("End")
    press("F2")
    form = shown(qtbot, window, FormDialog)
    write(form, "name", "Ours")
    form.submit()
    closed(qtbot, window, FormDialog)
    assert list(arrangements(kept.get("users"))) == ["Ours"]
    page.clear_filters()
    qtbot.waitUntil(lambda: not page.commands.action("update_view").isEnabled())
    in_row(qtbot, page)
    press("End")
    press("Del")
    assert not kept.get("users") and not page.view_picker.popup.isVisible()


@pytest.mark.slow
def test_a_view_whose_column_is_gone_says_so(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    execute(demo_path, "ALTER TABLE users ADD COLUMN role TEXT", "UPDATE users SET role = 'admin'")
    page = open_file(qtbot, window, demo_path)
    page.filter_by("role", "admin")
    save(qtbot, page, "Admins")
    dialog = views(qtbot, page)
    assert dialog.show_button.isEnabled() and not dialog.note.isVisible()
    dialog.accept()
    closed(qtbot, window, ViewsDialog)
    window.close_file()
    execute(demo_path, "ALTER TABLE users DROP COLUMN role")
    page = open_file(qtbot, window, demo_path)
    assert not page.query().filtered, "what cannot be kept any more is not half kept"
    dialog = views(qtbot, page)
    assert dialog.note.text() == "The table users of this database has no column role."
    assert not dialog.show_button.isEnabled()
    dialog.table.setFocus()
    press("Return")
    assert dialog.isVisible() and not page.query().filtered


@pytest.mark.slow
def test_ready_views_are_kept_too(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    page.set_own_filter("no-password")
    page.filters_changed()
    without = ask(demo_path, "SELECT count(*) FROM users WHERE password_hash IS NULL")[0][0]
    qtbot.waitUntil(lambda: page.filters.count.text() == said(without, 0))
    place = TABLES.index(WEBHOOK_DESTINATIONS.name)
    hooks = go(qtbot, window, place)
    hooks.set_own_filter("without secret")
    save(qtbot, hooks, "Open")
    dialog = views(qtbot, hooks)
    assert dialog.table.model().index(0, 1).data() == "Without secret"
    dialog.accept()
    closed(qtbot, window, ViewsDialog)
    page = again(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: page.filters.count.text() == said(without, 0))
    hooks = go(qtbot, window, place)
    unsigned = ask(
        demo_path, "SELECT count(*) FROM webhook_destinations WHERE secret IS NULL OR secret = ''"
    )[0][0]
    qtbot.waitUntil(lambda: hooks.filters.count.text() == said(unsigned, place))


@pytest.mark.wrangler
@pytest.mark.slow
def test_on_a_live_database_no_place_is_looked_for(
    qtbot: QtBot, window: MainWindow, live: Live, demo_path: Path
) -> None:
    Connections().add(live.connection(live.put(demo_path, listed=True), "dev"))
    page = _live(qtbot, window)
    page.filters.text.setText("rossi")
    qtbot.waitUntil(lambda: page.list.shown is not None and page.list.shown.text == "rossi")
    choose(qtbot, page, 0)
    window.close_file()
    again = _live(qtbot, window)
    assert again.filters.text.text() == "rossi" and again.list.current_id() is None


def _live(qtbot: QtBot, window: MainWindow) -> RecordTab:
    with qtbot.waitSignal(window.opened):
        window.open("d1:dev")
    page = current(window)
    qtbot.waitUntil(lambda: page.filters.count.text() != "")
    return page


ODD = Arrangement(
    "@Variant(\0x7f) “é”",
    (("type", ("a", 1, 2.5, None, b"\xff")),),
    DateRange(Span.CUSTOM),
    "own",
    ("email", True),
    b"\0\xff",
)


def test_an_arrangement_survives_settings_and_a_damaged_one_is_none() -> None:
    text = written({"@Variant": ODD.document(), "half": {"text": "x"}, "odd": [1]})
    assert "@" not in text and text.isascii()
    assert arrangements(text) == {"@Variant": ODD}
    assert read("{") == read("[1]") == read("") == {}


def test_what_lets_others_in_is_kept_nowhere(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    url, name = (
        "https://hooks.slack.com/services/T0/deep-secret",
        "https://bob:deep-secret@x.example/deep-secret",
    )
    ask(demo_path, "UPDATE webhook_destinations SET url = ?, name = ? WHERE rowid = 1", url, name)
    open_file(qtbot, window, demo_path)
    page = go(qtbot, window, TABLES.index(WEBHOOK_DESTINATIONS.name))
    page.filter_by("url", url)
    page.filter_by("name", name)
    page.filter_by("active", 1)
    page.filters.text.setText(url)
    save(qtbot, page, "Slack")
    assert window.context is not None
    settings = window.context.settings
    (view,) = arrangements(settings.views.get(WEBHOOK_DESTINATIONS.name)).values()
    assert view.choices == (("active", (1,)),) and not view.text
    assert "without the filter by URL, Name, words: " in window.toast.label.text()
    window.close_file()
    settings.save()
    assert "deep-secret" not in settings.path.read_text() and "Slack" in settings.path.read_text()
    earlier = replace(view, text=url, choices=(("url", (url,)), *view.choices))
    settings.views.set(WEBHOOK_DESTINATIONS.name, written({"Slack": earlier.document()}))
    open_file(qtbot, window, demo_path)
    qtbot.waitUntil(lambda: "No longer kept of “Slack”" in window.toast.label.text())
    assert arrangements(settings.views.get(WEBHOOK_DESTINATIONS.name)) == {"Slack": view}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("text", 1),
        ("choices", [["a"]]),
        ("choices", [["a", [[]]]]),
        ("dates", ["never", None, None]),
        ("sort", [1, 2]),
    ],
)
def test_what_nobody_wrote_is_refused(name: str, value: object) -> None:
    with pytest.raises(ValueError):
        Arrangement.of({**ODD.document(), name: value})


def test_what_another_window_has_saved_stays(qtbot: QtBot, window: MainWindow, demo_path: Path) -> None:
    page = open_file(qtbot, window, demo_path)
    page.filters.text.setText("acme")
    save(qtbot, page, "Here")
    settings, other = window.settings, written({"There": Arrangement(text="fjord").document()})
    set_elsewhere(
        settings, f"settings.views.set('users', {other!r}); settings.utc_times = True; settings.actor = 'Zed'"
    )
    page.filters.text.setText("harbor")
    save(qtbot, page, "Here, too")
    assert sorted(arrangements(settings.views.get("users"))) == ["Here, too", "There"]
    set_elsewhere(settings, f"settings.views.set('users', {other!r})")
    refused = save(qtbot, page, "there", is_taken=True)
    assert "There is a view of this name." in [label.text() for label in refused.findChildren(QLabel)]
    refused.reject()
    program = QApplication.instance()
    assert isinstance(program, QApplication)
    program.applicationStateChanged.emit(Qt.ApplicationState.ApplicationInactive)
    set_elsewhere(settings, "settings.utc_times = False")
    assert settings.utc_times
    program.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert not settings.utc_times and "another window" in window.toast.label.text()
