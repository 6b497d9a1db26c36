"""The ready views above the list of webhooks."""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any

from app.services.deliveries.log import DeliveryLog, LogUnreadable, failing_of, health_of
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope
from app.services.records.webhooks import Members, WebhookView, members
from app.ui.session.context import Context
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import FoldingChips
from models.engine import Database
from models.errors import TenantAdminError

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
            self._context.when_agreed(rows, lambda: self._read(scope), self.window(), self._declined)

    def _declined(self) -> None:
        self.clear()

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
    with suppress(LogUnreadable):
        failing = failing_of(health_of(DeliveryLog(), kept_by, scope.tenant_id))
    return members(database, scope, failing)
