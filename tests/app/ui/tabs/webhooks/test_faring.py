"""How webhooks fare, in their list and in the inspector."""

from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Bars, Role, Tone
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.request import DeliveryAnswer, DeliveryOutcome, make
from app.services.deliveries.signing import Signing
from app.services.records.tables import RANK
from app.ui.session.context import Context
from app.ui.tabs.webhooks import WebhooksTab
from app.ui.tabs.webhooks.deliveries import DeliveriesDialog
from app.ui.tabs.webhooks.sending import SendEventDialog
from tests.app.ui.conftest import ShowTab
from tests.app.ui.tabs.webhooks.test_sending import point
from tests.conftest import NOW
from tests.fixtures.hooked import answer, serving
from tests.fixtures.window import ask, dialog

WELL = DeliveryAnswer(DeliveryOutcome.ANSWERED, status=200, seconds=0.1)
ILL = replace(WELL, status=500)


def hooks(context: Context) -> list[tuple[str, str]]:
    return ask(context.opened.path, "SELECT id, tenant_id FROM webhook_destinations ORDER BY id")


def send(context: Context, hook: tuple[str, str], *answers: DeliveryAnswer) -> None:
    to = Destination(hook[0], hook[1], "CI", "https://h.example/", "h.example", "*", None)
    log, database = DeliveryLog(), str(context.opened.kept_by)
    for place, one in enumerate(answers):
        request = make(to, "run_killed", "{}", now=NOW - 3_600 + place * 60)
        log.add(database, to, request, one, signing=Signing.PLATFORM, days=30)


def words(tab: WebhooksTab) -> list[str]:
    column = tab.model.column_of(RANK)
    return [tab.model.index(row, column).data() for row in range(tab.model.rowCount())]


def ids(tab: WebhooksTab) -> list[object]:
    return [tab.model.record_id(row) for row in range(tab.model.rowCount())]


@pytest.mark.slow
def test_each_row_says_how_it_fares_in_words_bars_and_aloud(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    first, second, third, *_ = hooks(context)
    ask(context.opened.path, "UPDATE webhook_destinations SET active = (id != ?)", third[0])
    send(context, first, *[WELL] * 14, ILL, ILL)
    send(context, second, WELL, WELL)
    send(context, third, ILL)
    tab = show_tab(WebhooksTab)
    tab.resize(1_500, 720)  # room for the column in any face
    qtbot.waitUntil(lambda: "14 of 16 · 500" in words(tab))
    rows = {key: row for row, key in enumerate(ids(tab))}
    cells = [tab.model.index(rows[hook[0]], tab.model.column_of(RANK)) for hook in (first, second, third)]
    assert [cell.data() for cell in cells] == ["14 of 16 · 500", "2 of 2", "0 of 1 · 500"]
    assert [cell.data(Role.TONE) for cell in cells] == [Tone.BAD, Tone.NEUTRAL, Tone.NEUTRAL]
    aloud = cells[0].data(Qt.ItemDataRole.AccessibleDescriptionRole)
    assert aloud == (
        "The last 2 deliveries failed; the 14 before went well. "
        "The last: 500 Internal Server Error, 45 min ago."
    )
    bars = [cell.data(Role.BARS) for cell in cells]
    assert isinstance(bars[0], Bars) and bars[0].heights[-3:] == [pytest.approx(0.575), None, None]
    assert [one.quiet for one in bars] == [False, False, True]
    tab.table.setCurrentIndex(cells[0])
    tab.copy_value()
    qtbot.waitUntil(lambda: QGuiApplication.clipboard().text() == "14 of 16 · 500")
    painted = [tab.table.viewport().grab(tab.table.visualRect(cell)).toImage() for cell in cells]
    assert all(image.height() < 50 for image in painted)
    colours = [
        {image.pixelColor(x, y).name() for x in range(image.width()) for y in range(image.height())}
        for image in painted
    ]
    ok, bad = (context.theme.colour(tone).name() for tone in (Tone.OK, Tone.BAD))
    assert {ok, bad} <= colours[0] and ok in colours[1] and not {ok, bad} & colours[2]


@pytest.mark.slow
def test_the_worst_come_first_by_it_and_a_new_delivery_finds_its_place(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    first, second, third, *rest = hooks(context)
    send(context, first, WELL)
    send(context, second, WELL, ILL)
    send(context, third, ILL, WELL)
    tab = show_tab(WebhooksTab)
    qtbot.waitUntil(lambda: "1 of 2" in words(tab))
    column = tab.model.column_of(RANK)
    with qtbot.waitSignal(tab.list.loaded):
        tab.model.sort(column)
    ahead = [second[0], third[0], first[0]]
    qtbot.waitUntil(lambda: ids(tab)[:3] == ahead)
    assert len(ids(tab)) == 3 + len(rest)
    assert tab.table.horizontalHeader().sortIndicatorSection() == column
    with qtbot.waitSignal(tab.list.loaded):
        tab.model.sort(column, Qt.SortOrder.DescendingOrder)
    qtbot.waitUntil(lambda: ids(tab)[-3:] == ahead[::-1])
    with qtbot.waitSignal(tab.list.loaded):
        tab.model.sort(column)
    send(context, rest[0], ILL)
    tab.look_again()
    qtbot.waitUntil(lambda: ids(tab)[0] == rest[0][0])


@pytest.mark.slow
def test_the_inspector_leads_to_a_delivery_and_shows_the_next_one(
    show_tab: ShowTab, context: Context, qtbot: QtBot
) -> None:
    context.settings.webhooks_here = True
    hook = hooks(context)[0]
    with serving(answer("200 OK", b"ok")) as server:
        point(context.opened.path, server)
        send(context, hook, WELL, ILL, ILL)
        tab = show_tab(WebhooksTab)
        with qtbot.waitSignal(tab.details_shown):
            tab.table.select_row(ids(tab).index(hook[0]))
        qtbot.waitUntil(lambda: tab.recent is not None and tab.recent.isVisible())
        recent = tab.recent
        assert recent is not None
        assert recent.verdict.title.text() == "Failing for 59 min"
        assert recent.verdict.why.text() == (
            "500 Internal Server Error. The last 2 deliveries failed; the one before went well."
        )
        assert recent.verdict.y() + recent.verdict.height() <= tab.fields.y(), "a verdict comes first"
        cell = recent.table.model().index(1, 0)
        middle = recent.table.visualRect(cell).center()
        qtbot.mouseClick(recent.table.viewport(), Qt.MouseButton.LeftButton, pos=middle)
        shown = dialog(qtbot, tab, DeliveriesDialog)
        qtbot.waitUntil(lambda: shown.table.selected_rows() == [1])
        shown.reject()
        recent.last_button.click()
        shown = dialog(qtbot, tab, DeliveriesDialog)
        qtbot.waitUntil(lambda: shown.table.selected_rows() == [0])
        shown.reject()
        tab.commands.trigger("send_event")
        sending = dialog(qtbot, tab, SendEventDialog)
        sending.send_button.click()
        qtbot.waitUntil(lambda: sending._task is None)
        sending.reject()
        qtbot.waitUntil(lambda: recent.table.model().index(0, 0).data() == "200")
        assert recent.verdict.isHidden()
    other = next(row for row, key in enumerate(ids(tab)) if key != hook[0])
    with qtbot.waitSignal(tab.details_shown):
        tab.table.select_row(other)
    assert recent.isHidden()
