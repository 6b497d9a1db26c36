"""How webhooks fare by what was sent to them from here: a column of their list, a part of the inspector.

And the ready views above that list.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from math import log10
from typing import Any

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Bars, Column, Row
from app.services.deliveries import log
from app.services.deliveries.request import title_of
from app.services.records.tables import RANK, WEBHOOK_DESTINATIONS, Scope, flag
from app.services.records.webhooks import Members, WebhookView, members
from app.services.text import readable
from app.ui.session.context import Context
from app.ui.tabs.webhooks import delivery_view
from app.ui.tabs.webhooks.delivery_view import VerdictCard
from app.ui.theme import Icon, Kind, Theme, Tone
from app.ui.widgets.buttons import Choice, push_button
from app.ui.widgets.count_chips import FoldingChips
from app.ui.widgets.formatting import relative_time
from app.ui.widgets.labels import Label, Look, in_column, in_row
from app.ui.widgets.static_table import Cell
from models.engine import Database
from models.errors import TenantAdminError

NONE = "none yet"
WIDEST = "20 of 20 · 500"
_TITLE = f"Last {log.LAST} deliveries"
_FROM_HERE = "Sent from this program: what the platform itself delivers cannot be seen."
_HINT = f"{_FROM_HERE} Higher bars took longer."
_TENANT, _ACTIVE = map(WEBHOOK_DESTINATIONS.names.index, ("tenant_id", "active"))
_LEAST, _FIFTHS = 0.15, 5
_SHOWN = 5
_TITLES = ("Result", "Event", "Sent")


class Faring(QObject):
    """What is known of the webhooks of the open file. `changed()` when it is other than before."""

    changed = Signal()

    def __init__(self, context: Context, parent: QObject) -> None:
        super().__init__(parent)
        self._context = context
        self._known: Mapping[tuple[str, str], log.Health] = {}

    def read(self) -> None:
        """In the background; a log that cannot be read tells nothing, as its own dialog says."""
        kept_by = str(self._context.opened.kept_by)

        def known(database: Database) -> Mapping[tuple[str, str], log.Health]:
            try:
                return log.health_of(log.DeliveryLog(), kept_by)
            except log.LogUnreadable:
                return {}

        self._context.runner.read(known, on_done=self._take, on_failed=lambda error: None)

    def _take(self, known: Mapping[tuple[str, str], log.Health]) -> None:
        if known != self._known:
            self._known = known
            self.changed.emit()

    @property
    def tells(self) -> bool:
        """Whether any delivery that is still in the log tells something."""
        return bool(self._known)

    def of(self, tenant: object, webhook: object) -> log.Health | None:
        return self._known.get((readable(tenant), readable(webhook)))

    def ranks(self) -> tuple[tuple[str, ...], ...]:
        """The ids of those that fare alike, the worst first."""
        groups: dict[tuple[int, int], list[str]] = {}
        order = list(log.Fares)
        for (_, webhook), one in self._known.items():
            part = _FIFTHS * one.well // len(one.attempts)
            groups.setdefault((order.index(one.fares), part), []).append(webhook)
        return tuple(tuple(sorted(groups[key])) for key in sorted(groups))

    def column(self) -> Column:
        return Column(
            RANK,
            _TITLE,
            of="id",
            text=lambda value, row: NONE if (one := self._of(row)) is None else one.words,
            tone=self._tone,
            icon=lambda value, row: Icon.BAD if self._tone(value, row) is Tone.BAD else None,
            tooltip=self._tip,
            bars=self._bars,
            hint=_HINT,
        )

    def _of(self, row: Row) -> log.Health | None:
        return self.of(row[_TENANT], row[0])

    def _tone(self, value: object, row: Row) -> Tone | None:
        """Quiet where all went well, or nobody sends there."""
        one = self._of(row)
        if one is None or one.fares is log.Fares.WELL or flag(row[_ACTIVE]) is not True:
            return Tone.NEUTRAL
        return Tone.BAD if one.fares is log.Fares.FAILING else None

    def _tip(self, value: object, row: Row) -> str:
        one = self._of(row)
        if one is None:
            return "None from this program yet. What was stopped here does not count."
        ago = relative_time(one.last.at, self._context.clock())
        return f"{one.sentence} The last: {title_of(one.last.code)}, {ago}."

    def _bars(self, value: object, row: Row) -> Bars | None:
        one = self._of(row)
        if one is None:
            return None
        return bars_of(one.attempts, log.LAST, quiet=flag(row[_ACTIVE]) is not True)


def bars_of(attempts: Sequence[log.DeliverySummary], places: int, *, quiet: bool = False) -> Bars:
    """A bar for each, the oldest first: as high as it took long, and below the line where it failed."""
    heights = [_height(tried.took_ms) if tried.is_ok else None for tried in attempts]
    return Bars(heights, places, quiet=quiet)


def _height(took_ms: int) -> float:
    """From nothing to ten seconds, by its digits: 10 ms and 100 ms are told apart as well as 1 s and 10 s."""
    return min(1.0, _LEAST + (1 - _LEAST) * max(0.0, log10(max(took_ms, 1)) / 4))


class RecentDeliveries(QWidget):
    """Of one webhook its last deliveries, not in sight where nothing was sent; the `verdict`, which says
    since when it fails, stands elsewhere. `show_log(number)` is asked for with the one that was chosen, or 0.
    """

    def __init__(self, context: Context, show_log: Callable[[int], object]) -> None:
        super().__init__()
        self._context = context
        self._attempts: list[log.DeliverySummary] = []
        theme: Theme = context.theme
        self.last_button = push_button(theme, "Show the last failure", self._open_last)
        self.verdict = VerdictCard(theme, self.last_button)
        self.verdict.hide()
        self.table = delivery_view.event_table(theme, "Recent deliveries", _TITLES, most=None)
        self.log_button = push_button(theme, "Delivery log", lambda: show_log(0), kind=Kind.FLAT)
        line = in_row(Label("Recent deliveries", Look.SECTION), None, self.log_button)
        in_column(line, self.table, Label(_FROM_HERE, Look.DIM, wrap=True), within=self)
        self._show_log = show_log
        self.table.clicked.connect(self._open)
        self.table.opened.connect(self._open)
        self.hide()

    def _open_last(self) -> None:
        self._show_log(self._attempts[0].number)

    def _open(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            self._show_log(self._attempts[self.table.source_row(rows[0])].number)

    def show_health(self, one: log.Health | None, *, active: bool) -> None:
        self.setVisible(one is not None)
        if one is None:
            self.verdict.hide()
            return
        now, utc = self._context.clock(), self._context.settings.utc_times
        self._attempts = list(reversed(one.attempts))[:_SHOWN]
        self.table.show_rows([_cells(tried, now, utc=utc) for tried in self._attempts])
        fails = one.fares is log.Fares.FAILING and active
        self.verdict.setVisible(fails)
        if fails:
            first = one.failures[0]
            since = relative_time(first.at, now).removesuffix(" ago")
            title = "Fails since just now" if since == "just now" else f"Failing for {since}"
            self.verdict.show_verdict(
                Tone.BAD, Icon.WARNING, title, f"{title_of(one.last.code)}. {one.sentence}"
            )


def _cells(tried: log.DeliverySummary, now: int, *, utc: bool) -> tuple[Cell, ...]:
    return (
        delivery_view.result(tried.code, is_ok=tried.is_ok, took_ms=tried.took_ms),
        delivery_view.event(tried.event, again=tried.resent > 0),
        delivery_view.sent(tried.at, now, utc=utc),
    )


_WORDS = {
    WebhookView.DEAD: "Dead",
    WebhookView.DUPLICATE: "Duplicate",
    WebhookView.UNSIGNED: "Without secret",
    WebhookView.HOST_DIFFERS: "Host differs",
}


def view_words(key: str) -> str:
    """What a view is called."""
    return next((words for view, words in _WORDS.items() if view.value == key), key)


class ReadyViews(FoldingChips):
    """`ReadyViews(context, changed)`: `changed()` is called when other webhooks are to be listed than before.

    How many each has is counted with every list where reading costs nothing; else once for a tenant, where
    that is not much to read, when it is read again, and when one is chosen.
    """

    def __init__(self, context: Context, changed: Callable[[], object]) -> None:
        super().__init__(context.theme, "View")
        self._context, self._list_again = context, changed
        self._scope: Scope | None = None
        self._found: Members | None = None
        self._counted: Scope | None = None
        """Whose are counted, where that is done once."""
        self.ids: tuple[Any, ...] | None = None
        """Those of the view that is chosen; None where it is none."""
        self._offer()
        self.changed.connect(lambda key: self._choose())

    def count(self, scope: Scope) -> None:
        """Reads them again; where reading costs, what is not known yet, or if a view is chosen."""
        self._scope = scope
        if not self._context.costs or self.key() is not None:
            self._read(scope)
        elif self._counted != scope:
            self._found, self._counted = None, scope
            self._offer()
            if not self._context.is_much(self._context.rows_of(WEBHOOK_DESTINATIONS.name, scope)):
                self._read(scope)

    def forget(self) -> None:
        """What was counted may be otherwise by now."""
        self._counted = None

    def clear(self) -> bool:
        """Chooses none, without a word; whether one was chosen."""
        had = self.ids is not None
        self.set_key(None)
        self.ids = None
        return had

    def restore(self, key: str) -> None:
        """Chooses a view, or none, without a word; which webhooks it has is known with the next count."""
        self.set_key(key or None)
        known = None if self._context.costs else self._found
        self.ids = None if known is None or self.key() is None else known[WebhookView(key)]

    def _choose(self) -> None:
        if self.key() is None:
            if self.clear():
                self._list_again()
        elif self._found is not None:
            self._take()
        elif self._scope is not None:
            rows, scope = self._context.rows_of(WEBHOOK_DESTINATIONS.name, self._scope), self._scope
            self._context.when_agreed(rows, lambda: self._read(scope), self.window(), self.clear)

    def _read(self, scope: Scope) -> None:
        def done(found: Members) -> None:
            if scope == self._scope:
                self._found = found
                self._offer()
                self._take()

        self._counted = scope
        database = str(self._context.opened.kept_by)

        def failed(error: TenantAdminError) -> None:
            self.forget()

        self._context.runner.read(_members, scope, database, on_done=done, on_failed=failed)

    def _take(self) -> None:
        key = self.key()
        ids = None if key is None or self._found is None else self._found[WebhookView(key)]
        if ids != self.ids:
            self.ids = ids
            self._list_again()

    def _offer(self) -> None:
        counts = {view: None if self._found is None else len(self._found[view]) for view in WebhookView}
        chips = [Choice(view.value, words, counts[view]) for view, words in _WORDS.items()]
        self.set_chips([Choice(None, "All"), *chips])


def _members(database: Database, scope: Scope, kept_by: str) -> Members:
    failing: Collection[str] = ()
    with suppress(log.LogUnreadable):
        failing = log.failing_of(log.health_of(log.DeliveryLog(), kept_by, scope.tenant_id))
    return members(database, scope, failing)
