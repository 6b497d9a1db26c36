"""Webhooks as a person looks after them."""

import threading
from typing import Any

import pytest
from PySide6.QtWidgets import QLineEdit, QPushButton
from pytestqt.qtbot import QtBot

from app.services.records.tables import RANK
from app.ui.session.context import Context
from app.ui.tabs.webhooks import WebhookDialog, WebhooksTab
from app.ui.tabs.webhooks.secrets import SecretDialog, SecretField
from app.ui.widgets.buttons import CheckBox, StatusChip
from app.ui.widgets.cell_delegate import ICON
from app.ui.widgets.dialogs import ConfirmDialog
from models.local.database import LocalDatabase
from tests.app.ui.conftest import ShowTab
from tests.fixtures.window import ask, child, dialog, labels, value_of, write


@pytest.mark.slow
def test_a_webhook_with_odd_values_can_be_renamed(show_tab: ShowTab, context: Context, qtbot: QtBot) -> None:
    url = "https://user:password@hooks.example.com/in"
    ask(context.opened.path, "UPDATE webhook_destinations SET url = ?, events = ''", url)
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown) as shown:
        tab.table.select_row(0)
    tab.commands.trigger("edit")
    form = child(tab, WebhookDialog)
    write(form, "name", "Renamed")
    form.submit()
    stored = "SELECT name, url, events FROM webhook_destinations WHERE id = ?"
    qtbot.waitUntil(lambda: ask(context.opened.path, stored, shown.args[0]) == [("Renamed", url, "")])


@pytest.mark.slow
@pytest.mark.parametrize(
    ("stored", "said", "acts"),
    [
        (1, "active", ["deactivate"]),
        (0, "inactive", ["activate"]),
        ("yes", "yes", ["activate", "deactivate"]),
        (b"\x01", "x'01'", ["activate", "deactivate"]),
    ],
)
def test_a_state_is_one_thing_in_table_chip_and_acts(  # noqa: PLR0917
    show_tab: ShowTab, context: Context, qtbot: QtBot, stored: Any, said: str, acts: list[str]
) -> None:
    """What the platform finds neither by `active = 1` nor by `active = 0` can be made either."""
    ask(context.opened.path, "UPDATE webhook_destinations SET active = ?", stored)
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    assert tab.model.index(0, tab.model.column_of("active")).data() == said
    assert said in [chip.text() for chip in tab.inspector.findChildren(StatusChip)]
    buttons = {button.text().partition(" (")[0]: button for button in tab.inspector.findChildren(QPushButton)}
    assert [name for name in ("activate", "deactivate") if buttons[name.capitalize()].isVisible()] == acts
    assert [name for name in ("activate", "deactivate") if tab.commands.action(name).isEnabled()] == acts


@pytest.mark.slow
def test_how_each_fares_and_whose_it_is_are_seen_beside_the_inspector(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    ask(context.opened.path, "UPDATE webhook_destinations SET active = 1")
    tab = show_tab(WebhooksTab)
    header, at, columns = tab.table.horizontalHeader(), tab.model.column_of, tab.table.columns
    tab.resize(1_600, 500)
    columns.fit()
    words = header.sectionSize(at("active"))
    assert words >= tab.table.fontMetrics().horizontalAdvance("inactive") + ICON, "so the act cuts no word"
    for width in (872, 836):  # a window of 900, and of 1,280 beside the inspector
        tab.table.setFixedWidth(width)
        columns.fit()
        assert [header.isSectionHidden(at(name)) for name in ("active", "name", RANK, "tenant_id")] == [
            False
        ] * 4
        assert header.sectionSize(at("active")) == words


@pytest.mark.slow
@pytest.mark.parametrize("behind_another", [False, True])
def test_a_webhook_that_leads_elsewhere_than_was_shown_is_not_switched(
    show_tab: ShowTab, context: Context, qtbot: QtBot, behind_another: bool
) -> None:
    ask(context.opened.path, "UPDATE webhook_destinations SET active = 0, name = 'CI'")
    tab = show_tab(WebhooksTab)
    other, runner = threading.Event(), context.runner
    if behind_another:  # a write of their own
        runner.write(lambda database: other.wait(10))
    tab.table.select_row(0)
    ask(context.opened.path, "UPDATE webhook_destinations SET url = 'https://else.example/', active = 'odd'")
    with qtbot.waitSignal(runner.failed) as refused:
        tab.commands.trigger("activate")
        if behind_another:
            qtbot.waitUntil(lambda: sum(task.is_write for task in runner._running.values()) == 2)
            other.set()
    assert str(refused.args[0]).startswith("What was shown of the webhook CI (State, URL) was changed")
    qtbot.waitUntil(lambda: "else.example" in tab.model.index(0, tab.model.column_of("url")).data())
    with qtbot.waitSignal(context.runner.changed):
        tab.commands.trigger("activate")


@pytest.mark.slow
def test_a_question_is_about_what_the_selection_is_behind_the_own_act_before(
    show_tab: ShowTab, context: Context, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("costs", "charges"):
        monkeypatch.setattr(LocalDatabase, name, True)
    monkeypatch.setattr("app.ui.session.context.MOST_WRITTEN", 5)
    path = context.opened.path
    ask(path, "UPDATE webhook_destinations SET active = 0 WHERE rowid > 1")
    ask(path, "UPDATE webhook_destinations SET active = 1 WHERE rowid = 1")
    tab = show_tab(WebhooksTab)
    total = tab.model.rowCount()
    tab.table.selectAll()
    tab.commands.trigger("activate")
    asked = dialog(qtbot, tab, ConfirmDialog)
    assert asked.title.text() == f"Activate {total - 1} webhooks?"
    assert "The other one of those selected is so already." in asked.sentence.text()
    said: list[str] = []
    context.runner.failed.connect(lambda error: said.append(str(error)))
    asked.confirm_button.click()
    tab.commands.trigger("activate")
    tab.commands.trigger("deactivate")
    qtbot.waitUntil(lambda: dialog(qtbot, tab, ConfirmDialog) is not asked)
    asked = dialog(qtbot, tab, ConfirmDialog)
    assert asked.title.text() == f"Deactivate {total} webhooks?"
    assert said == ["All of those selected are active already."]
    asked.confirm_button.click()
    qtbot.waitUntil(lambda: ask(path, "SELECT sum(active) FROM webhook_destinations") == [(0,)])


def test_a_webhook_without_events_says_that_it_delivers_nothing(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    ask(context.opened.path, "UPDATE webhook_destinations SET events = ''")
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    assert tab.model.index(0, tab.model.column_of("events")).data() == "none"
    assert value_of(tab.fields, "Events") == "none, so it delivers nothing"
    ask(context.opened.path, "UPDATE webhook_destinations SET events = 'run_killed, run_strated'")
    tab.current.reload()
    told = "run_killed, run_strated — the platform is not known to send run_strated"
    qtbot.waitUntil(lambda: value_of(tab.fields, "Events") == told)


@pytest.mark.slow
def test_an_edit_of_what_somebody_else_has_changed_is_refused_and_shown_as_it_is(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown) as shown:
        tab.table.select_row(0)
    tab.commands.trigger("edit")
    form = child(tab, WebhookDialog)
    there = "UPDATE webhook_destinations SET name = 'Theirs' WHERE id = ?"
    ask(context.opened.path, there, shown.args[0])
    write(form, "name", "Mine")
    assert form.read_again_button.isHidden()
    form.submit()
    qtbot.waitUntil(form.read_again_button.isVisible)
    assert "(Name) was changed by somebody else" in form.problem.text()
    with qtbot.waitSignal(tab.details_shown):
        form.read_again_button.click()
    qtbot.waitUntil(lambda: child(tab, WebhookDialog) is not form)
    assert child(tab, WebhookDialog).values()["name"] == "Theirs"
    form = child(tab, WebhookDialog)
    ask(context.opened.path, there.replace("Theirs", "Again theirs"), shown.args[0])
    write(form, "name", "Mine")
    form.submit()
    qtbot.waitUntil(form.read_again_button.isVisible)
    tab.table.select_row(1)  # as where the first one is not in the list any more
    form.read_again_button.click()
    qtbot.waitUntil(lambda: child(tab, WebhookDialog) is not form)
    assert child(tab, WebhookDialog).values()["name"] == "Again theirs"


@pytest.mark.slow
def test_a_webhook_is_duplicated_to_another_tenant_without_its_secret(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    path = context.opened.path
    ask(path, "UPDATE webhook_destinations SET secret = 'hidden', events = 'run_killed', active = 0")
    tab = show_tab(WebhooksTab)
    with qtbot.waitSignal(tab.details_shown) as shown:
        tab.table.select_row(0)
    sql = (
        "SELECT tenant_id, name, url, hostname, events, secret, active FROM webhook_destinations WHERE id = ?"
    )
    ((tenant, name, *same, secret, active),) = ask(path, sql, shown.args[0])
    other = next(one for one in context.tenants if one != tenant)
    tab.commands.trigger("duplicate")
    form = child(tab, WebhookDialog)
    assert form.title.text() == "Duplicate webhook" and tenant in form.sentence.text()
    assert not form.is_dirty()
    form.submit()  # a tenant is chosen, not taken over
    assert form.isVisible()
    write(form, "tenant_id", other)
    with qtbot.waitSignal(context.runner.changed) as changed:
        form.submit()
    ((made, its_name, *its_own, its_secret, its_state),) = ask(path, sql, changed.args[0].rows[0].record_id)
    assert (made, its_name, its_own, its_secret, its_state) == (other, name, same, None, active == 1)
    assert secret == "hidden"


@pytest.mark.slow
def test_in_a_list_too_narrow_for_urls_one_knows_webhooks_by_their_names(
    show_tab: ShowTab, qtbot: QtBot
) -> None:
    tab = show_tab(WebhooksTab)
    name, url = (tab.model.column_of(column) for column in ("name", "url"))
    hidden = tab.table.isColumnHidden
    tab.resize(634, 300)
    tab.fold_inspector(True)
    qtbot.waitUntil(lambda: not hidden(url))
    tab.fold_inspector(False)
    qtbot.waitUntil(lambda: hidden(url) and not hidden(name))
    assert tab.table.columnWidth(name) >= tab.fontMetrics().horizontalAdvance("Hooks 4") + 16
    tab.fold_inspector(True)
    qtbot.waitUntil(lambda: not hidden(url) and not hidden(name))


def test_each_event_stands_there_with_what_it_means(context: Context, qtbot: QtBot) -> None:
    form = WebhookDialog(context, tenant="acme")
    form.show()
    assert form._scroll.verticalScrollBar().maximum() == 0, "a screen of 800 pixels shows all of it"
    url = form.editor("url")
    assert isinstance(url, QLineEdit)
    for typed, said in (
        ("https://169.254.169.254/latest", "169.254.169.254 is of this link alone"),
        ("https://[fe80::1]/in", "fe80::1 is no public address: a test event is not sent there."),
        ("http://127.0.0.1:8787/in", "https, or http on this computer"),
        ("https://hooks.acme.example/in", "https, or http on this computer"),
    ):
        url.setText(typed)
        assert any(text.startswith(said) for text in labels(form)), typed
    url.clear()
    qtbot.addWidget(form)
    events = form.editor("events")
    words = [box.words for box in events.findChildren(CheckBox) if box.isVisibleTo(events)]
    assert "run_killed – A run has failed its kill test." in words and len(words) == 7


@pytest.mark.slow
def test_ready_views_are_counted_chosen_and_follow_what_is_done(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    path = context.opened.path
    ask(path, "UPDATE webhook_destinations SET secret = 's', url = 'https://h.example/' || id")
    ask(path, "UPDATE webhook_destinations SET hostname = 'h.example', events = '*', active = 1")
    ask(path, "UPDATE webhook_destinations SET secret = NULL WHERE rowid <= 2")
    ask(path, "UPDATE webhook_destinations SET hostname = 'else.example' WHERE rowid = 3")
    tab = show_tab(WebhooksTab)
    total = tab.model.rowCount()

    def counts() -> dict[str | None, int | None]:
        return {chip.key: chip.count for chip in tab.views._chips}

    qtbot.waitUntil(lambda: counts()["without secret"] == 2)
    assert (counts()["dead"], counts()["duplicate"], counts()["host differs"]) == (1, 0, 1)
    view = {button.text().rpartition(" ")[0]: button for button in tab.views.buttons()}
    view["Without secret"].click()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 2)
    assert tab.query().filtered
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(0)
    tab.commands.trigger("edit")
    form = child(tab, WebhookDialog)
    field = form.editor("secret")
    assert isinstance(field, SecretField)
    field.button.menu().actions()[0].trigger()
    made = str(field.value())
    form.submit()
    shown = dialog(qtbot, tab, SecretDialog)  # whoever receives must be given it
    stored = "SELECT secret FROM webhook_destinations WHERE id = ?"
    assert shown.field.toPlainText() == made and made.startswith("whsec_")
    assert ask(context.opened.path, stored, tab.list.current_id()) == [(made,)]
    shown.accept()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 1)  # it has one now
    tab.clear_filters()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)
    assert tab.views.key() is None
    view["Duplicate"].click()
    qtbot.waitUntil(lambda: tab.model.rowCount() == 0)
    qtbot.waitUntil(tab.clear_button.isVisible)
    tab.clear_button.click()
    qtbot.waitUntil(lambda: tab.model.rowCount() == total)
