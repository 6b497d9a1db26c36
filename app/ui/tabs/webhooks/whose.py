"""Which webhook something is for: of any tenant, one of its webhooks."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count

from PySide6.QtCore import QObject, QSignalBlocker, Signal
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.deliveries.destination import Destination, read_destination
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope
from app.services.records.webhook_views import WebhookRow, read_rows
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import with_records
from app.ui.widgets.choice_box import ChoiceBox
from app.ui.widgets.labels import bounded
from app.ui.widgets.later import later
from models.errors import TenantAdminError

_LONGEST = 60
_READING, _NONE = "Reading its webhooks…", "This tenant has no webhooks."
_UNREAD = "Its webhooks were not read."


class WebhookChoice(QObject):
    """Two boxes, which stand where its owner puts them.

    `chosen(object)` carries the `Destination`, as it is when it is chosen; `nobody(str)` says why there is
    none, until one is.
    """

    chosen, nobody = Signal(object), Signal(str)

    def __init__(self, context: Context, destination: Destination, owner: QWidget) -> None:
        super().__init__(owner)
        self._owner = owner
        self._context, self._first = context, destination
        self._read: dict[str, Sequence[WebhookRow]] = {}
        self._turns, self._asked = count(), -1
        self._is_over = False
        there = with_records(context.tenants, context.erased)
        tenants = list(dict.fromkeys([*there, destination.tenant]))
        self.tenants, self.webhooks = ChoiceBox(), ChoiceBox()
        for words, box in (("Tenant", self.tenants), ("Webhook", self.webhooks)):
            box.setAccessibleName(words)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        for one in tenants:
            self.tenants.addItem(bounded(one, longest=_LONGEST), one)
        self.tenants.setCurrentIndex(tenants.index(destination.tenant))
        self.webhooks.addItem(bounded(destination.title, longest=_LONGEST), destination.key)
        self.tenants.currentIndexChanged.connect(self._take_tenant)
        self.webhooks.currentIndexChanged.connect(self._take_webhook)
        later(self, 0, self._read_first)

    def end(self) -> None:
        """Nothing is said any more."""
        self._is_over = True

    def _rows_of(self, tenant: str) -> int:
        return self._context.rows_of(WEBHOOK_DESTINATIONS.name, Scope(tenant))

    def _read_first(self) -> None:
        """The others of the same tenant, where nobody has to be asked about that."""
        tenant = self._first.tenant
        if self._asked < 0 and not self._context.is_much(self._rows_of(tenant)):
            read = partial(self._context.runner.read, read_rows, Scope(tenant))
            read(on_done=partial(self._keep, tenant), on_failed=lambda _: None)

    def _keep(self, tenant: str, rows: Sequence[WebhookRow]) -> None:
        self._read[tenant] = rows
        is_there = any(str(row.key) == str(self._first.key) for row in rows)
        if is_there and not self._is_over and self._asked < 0:
            self._offer(rows, self._first.key)

    def _offer(self, rows: Sequence[WebhookRow], key: object) -> None:
        """Those of a tenant, by their names; without a word of it."""
        with QSignalBlocker(self.webhooks):
            self.webhooks.clear()
            for row in sorted(rows, key=lambda row: (not row.active, row.name or row.host)):
                words = bounded(row.name or row.host, longest=_LONGEST)
                self.webhooks.addItem(words if row.active else f"{words} (inactive)", row.key)
            keys = [str(self.webhooks.itemData(at)) for at in range(self.webhooks.count())]
            self.webhooks.setCurrentIndex(keys.index(str(key)) if str(key) in keys else 0 if keys else -1)

    def _take_tenant(self) -> None:
        """The first of its webhooks, once they are read."""
        tenant, self._asked = self.tenants.currentData(), next(self._turns)
        if tenant in self._read:
            self._show_those_of(tenant, self._asked, self._read[tenant])
            return
        with QSignalBlocker(self.webhooks):
            self.webhooks.clear()
        self.nobody.emit(_READING)
        failed = self._say_failure(self._asked)
        read = partial(self._context.runner.read, read_rows, Scope(tenant), on_failed=failed)
        done = partial(self._show_those_of, tenant, self._asked)
        self._context.when_agreed(
            self._rows_of(tenant), partial(read, on_done=done), self._owner, lambda: self.nobody.emit(_UNREAD)
        )

    def _show_those_of(self, tenant: str, turn: int, rows: Sequence[WebhookRow]) -> None:
        self._read[tenant] = rows
        if turn != self._asked or self._is_over:
            return
        self._offer(rows, self._first.key)
        if rows:
            self._take_webhook()
        else:
            self.nobody.emit(_NONE)

    def _take_webhook(self) -> None:
        self._asked = turn = next(self._turns)

        def done(found: Destination) -> None:
            if turn == self._asked and not self._is_over:
                self.chosen.emit(found)

        key = self.webhooks.currentData()
        self.nobody.emit(_READING)
        self._context.runner.read(read_destination, key, on_done=done, on_failed=self._say_failure(turn))

    def _say_failure(self, turn: int) -> Callable[[TenantAdminError], None]:
        def say(error: TenantAdminError) -> None:
            if turn == self._asked and not self._is_over:
                self.nobody.emit(str(error))

        return say
