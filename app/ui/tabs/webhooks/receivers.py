"""Who would receive an event: of a tenant's webhooks those that the platform would send it to, and why it
would not send it to the others.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QComboBox, QGridLayout, QWidget

from app.itemmodels.columns import Tone
from app.services.deliveries.destination import untried
from app.services.deliveries.request import MEANINGS
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope
from app.services.records.webhooks import WebhookRow, read_rows, why_not
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import with_records
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.choice_box import ChoiceBox
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.labels import Label, Look, bounded, in_column
from app.ui.widgets.later import later
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from models.errors import TenantAdminError
from models.status import WebhookEvent

_SENTENCE = (
    "By the platform's rule: a webhook is sent an event of its tenant when it is active, its events have the "
    "type, and its host is its URL's. Nothing is sent by asking."
)
_COLUMNS = (StaticColumn("Receives"), StaticColumn("Webhook"), StaticColumn("Why", dim=True))
_WHY = 2
_READING = "Reading…"
_LONGEST = 60
_ROWS, _WIDTH = 8, 720


class EventReceiversDialog(Dialog):
    """`show_webhook(id)` is asked for with the one that was chosen, when the dialog has closed."""

    def __init__(
        self,
        context: Context,
        show_webhook: Callable[[Any], object],
        *,
        tenant: str | None = None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, "Who receives an event?", _SENTENCE, parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._show_webhook = context, show_webhook
        self._is_closed = False
        self._read: dict[str, Sequence[WebhookRow]] = {}
        self._rows: Sequence[WebhookRow] = ()
        there = with_records(context.tenants, context.erased)
        tenants = list(dict.fromkeys([*there, *([] if tenant is None else [tenant])]))
        self.tenants, self.events = ChoiceBox(), ChoiceBox()
        for one in tenants:
            self.tenants.addItem(bounded(one, longest=_LONGEST) or EMPTY, one)
        self.tenants.setCurrentIndex(tenants.index(tenant) if tenant is not None else 0 if tenants else -1)
        self.events.addItems([event.value for event in WebhookEvent])
        self.meaning = Label(MEANINGS[WebhookEvent(self.events.currentText())], Look.DIM, wrap=True)
        choices = QGridLayout()
        for row, (words, box) in enumerate((("Tenant", self.tenants), ("Event type", self.events))):
            box.setAccessibleName(words)
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
            label = Label(words, Look.DIM)
            label.setBuddy(box)
            choices.addWidget(label, row, 0)
            choices.addWidget(box, row, 1)
        choices.setColumnStretch(1, 1)
        self.state = Label(_READING, Look.STRONG, wrap=True)
        self.table = StaticTable(context.theme, "Webhooks of the tenant", _COLUMNS, most=_ROWS, wide=_WHY)
        parts = QWidget()
        in_column(choices, self.meaning, self.state, self.table, None, within=parts)
        self.add_widget(parts, 1)
        self.show_button = push_button(
            context.theme, "Show in the list", self._show_chosen, icon=Icon.WEBHOOK
        )
        self.set_close_button(left=[self.show_button])
        self.tenants.currentIndexChanged.connect(self._ask)
        self.events.currentIndexChanged.connect(self._judge)
        self.table.selection_changed.connect(self._offer)
        self.table.opened.connect(self._show_chosen)
        self.finished.connect(self._end)
        self._offer()
        later(self, 0, self._ask)  # a question about what it reads stands before the dialog
        self.events.setFocus()

    def _ask(self) -> None:
        """Reads the tenant's webhooks, once; where that is charged, a person may be asked first."""
        tenant = self.tenants.currentData()
        if tenant is None:
            self.state.setText("There is no tenant in this database.")
        elif tenant in self._read:
            self._judge()
        else:
            self.state.setText(_READING)
            self.table.show_rows([])
            scope = Scope(tenant)
            rows = self._context.rows_of(WEBHOOK_DESTINATIONS.name, scope)
            read = partial(self._context.runner.read, read_rows, scope, on_failed=self._say_failure)
            done = partial(self._take, tenant)
            self._context.when_agreed(rows, partial(read, on_done=done), self, self._say_unread)

    def _take(self, tenant: str, rows: Sequence[WebhookRow]) -> None:
        if not self._is_closed:
            self._read[tenant] = rows
            self._judge()

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))

    def _say_unread(self) -> None:
        self.state.setText("Its webhooks were not read.")

    def _judge(self) -> None:
        event, tenant = self.events.currentText(), self.tenants.currentData()
        self.meaning.setText(MEANINGS[WebhookEvent(event)])
        rows = self._read.get(tenant)
        if rows is None:
            return
        reasons = {id(row): why_not(row, event) for row in rows}
        self._rows = sorted(rows, key=lambda row: (bool(reasons[id(row)]), row.name or row.host))
        self.table.show_rows([_cells(row, reasons[id(row)]) for row in self._rows])
        receive = sum(not found for found in reasons.values())
        whole = counted(len(rows), "webhook")
        said = f"{receive} of {whole} would receive {event}." if rows else "This tenant has no webhooks."
        if said != self.state.text():
            self.state.setText(said)
            announce(self.state, said)
        self._offer()

    def _offer(self) -> None:
        self.show_button.setEnabled(bool(self.table.selected_rows()))

    def _show_chosen(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            chosen = self._rows[self.table.source_row(rows[0])]
            self.accept()
            self._show_webhook(chosen.key)

    def _end(self) -> None:
        self._is_closed = True


def _cells(row: WebhookRow, reasons: Sequence[str]) -> tuple[Cell, ...]:
    name = row.name or row.host
    if not reasons:
        signed = "Signed" if row.has_secret else "Unsigned: it has no secret"
        if (why := untried(row.url)) is not None:  # which is no rule of the platform's
            signed += f"; this program sends no test event to it: {why}"
        return Cell("yes", tone=Tone.OK, icon=Icon.OK), Cell(name, tip=row.host), Cell(signed, tip=signed)
    why = "; ".join(reasons)
    no = Cell("no", tone=Tone.NEUTRAL, icon=Icon.CANCELLED)
    return no, Cell(name, tip=row.host), Cell(why[:1].upper() + why[1:], tip=why)
