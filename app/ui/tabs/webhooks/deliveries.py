"""The delivery log: what was sent from here and what came of it, to be looked through and sent again."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, Qt, QTimer
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.deliveries import hiding, sharing
from app.services.deliveries.answer import DeliveryAnswer
from app.services.deliveries.curl import VARIABLE, as_curl
from app.services.deliveries.delivering import Delivered, again
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import SHOWN, Delivery, DeliveryLog, LogQuery
from app.services.deliveries.request import Request
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.webhooks import event_table
from app.ui.tabs.webhooks.answer_view import AnswerView
from app.ui.tabs.webhooks.sending import deliverer
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import field_icons, push_button
from app.ui.widgets.columns import Columns
from app.ui.widgets.dialogs import Dialog, ask_save
from app.ui.widgets.labels import Label, Look, in_column, in_row, name_choice, text_box
from app.ui.widgets.static_table import Cell
from app.workers.runner import Task
from models.errors import TenantAdminError

_SENTENCE = (
    "What was sent from this program; what the platform itself delivers cannot be seen from here. It is kept "
    "in your own folder, without secrets, and not in the database."
)
_TITLES = ("Result", "Sent", "Event", "Took", "Webhook")
_WEBHOOK = _TITLES.index("Webhook")
_RESULTS = (("Any result", None), ("Delivered", True), ("Failed", False))
_HINT = "Select a delivery to see what came of it."
_FILTER_MS = 200
_ROWS, _BODY_HEIGHT = 9, 110
_WIDTH = 980
_SHARES = (3, 2)
"""What the table takes of the width, and what is shown of one."""
_FILES = "JSON lines (*.jsonl)"


class DeliveriesDialog(Dialog):
    """Of one `webhook`, by its id, or of all; of the tenant that is chosen, or of all. The delivery of this
    `number` is selected, or the newest. `delivered()` is called when something was sent, the dialog closed or
    not.
    """

    def __init__(
        self,
        context: Context,
        *,
        webhook: str | None = None,
        name: str = "",
        tenant: str | None = None,
        number: int = 0,
        delivered: Callable[[], object] = lambda: None,
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(context.theme, "Delivery log", _SENTENCE, parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._tenant, self._log = context, tenant, DeliveryLog()
        self._asked, self._turns, self._is_closed = 0, count(1), False
        self._deliveries: Sequence[Delivery] = ()
        self._wanted, self._tell_delivered = number, delivered
        self._current: Delivery | None = None
        self._task: Task | None = None
        theme = context.theme
        self.text = QLineEdit(placeholderText="Filter by event, webhook, host, result or body…")
        self.text.setAccessibleName("Filter the deliveries")
        field_icons(theme, self.text, Icon.FILTER)
        self.outcome = QComboBox()
        name_choice(self.outcome, "Result")
        for words, wanted in _RESULTS:
            self.outcome.addItem(words, wanted)
        self.of = QComboBox()
        name_choice(self.of, "Webhook")
        self.of.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if webhook is not None:
            self.of.addItem(name, webhook)
        self.of.addItem("All webhooks", None)
        self.table = event_table.event_table(theme, "Deliveries", _TITLES, most=_ROWS)
        self.state = Label("Reading…", Look.DIM, wrap=True)
        self.sent_body = text_box(theme, "Body that was sent")
        self.sent_body.setFixedHeight(_BODY_HEIGHT)
        self.answer = AnswerView(theme, _HINT)
        self.sent_title = Label("", Look.SECTION)
        self._sent_part = QWidget()
        in_column(self.sent_title, self.sent_body, within=self._sent_part)
        self._sent_part.hide()
        left, right = QWidget(), QWidget()
        filters = in_row((self.of, 1), (self.outcome, 1))
        in_column(self.text, filters, self.table, self.state, None, within=left)
        in_column((self.answer, 1), self._sent_part, within=right)
        self.add_widget(Columns(left, right, shares=_SHARES), 1)
        self.resend_button = push_button(theme, "Send again", self.send_again, icon=Icon.SEND)
        tip = f"A command for a shell; the secret stays a variable, ${VARIABLE}"
        self.curl_button = push_button(theme, "Copy as curl", self.copy_curl, icon=Icon.TERMINAL, tip=tip)
        tip = "Without secrets, and without what tells who somebody is"
        self.export_button = push_button(theme, "Export…", self._ask_export, icon=Icon.EXPORT, tip=tip)
        self.set_close_button(left=[self.resend_button, self.curl_button, self.export_button])
        self.text.installEventFilter(self)
        self.table.setFocus()
        self._soon = QTimer(self, singleShot=True, interval=_FILTER_MS)
        self._soon.timeout.connect(self.reload)
        self.text.textChanged.connect(self._soon.start)
        for box in (self.outcome, self.of):
            box.currentIndexChanged.connect(self.reload)
        self.table.selection_changed.connect(self._choose)
        self.finished.connect(self._end)
        self._offer()
        self._begin()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Return leads from the filter to the rows; else it would press the main button, which closes it."""
        enter = Qt.Key.Key_Return, Qt.Key.Key_Enter
        if isinstance(event, QKeyEvent) and watched is self.text and event.key() in enter:
            if event.type() == QEvent.Type.KeyPress:
                self.table.setFocus()
            return True
        return super().eventFilter(watched, event)

    def _begin(self) -> None:
        """Lets go of what is older than is kept."""
        days, now = self._context.settings.deliveries_days, self._context.clock()
        self._run(lambda: self._log.prune(days, now=now), lambda _: self.reload())

    def _run(self, work: Callable[[], object], done: Callable[[object], None]) -> None:
        """Away from the interface; nothing is said of it where the dialog was closed meanwhile."""

        def ended(result: object) -> None:
            if not self._is_closed:
                done(result)

        self._context.runner.job(lambda monitor: work(), on_done=ended, on_failed=self._say_failure)

    def _say_failure(self, error: TenantAdminError) -> None:
        if not self._is_closed:
            self.state.setText(str(error))
            self._offer()

    def reload(self) -> None:
        """Reads those that the filters keep; the one that is selected stays so."""
        wanted = LogQuery(
            str(self._context.opened.kept_by),
            self.of.currentData(),
            self._tenant if self.of.currentData() is None else None,
            self.outcome.currentData(),
            self.text.text().strip(),
        )
        self._asked = turn = next(self._turns)

        def show(found: object) -> None:
            if turn == self._asked:
                self._show(found)  # type: ignore[arg-type]

        self._run(lambda: self._log.find(wanted), show)

    def _show(self, found: Sequence[Delivery]) -> None:
        wanted = self._wanted if self._current is None else self._current.number
        self._wanted = 0
        self._deliveries = found
        now, utc = self._context.clock(), self._context.settings.utc_times
        self.table.show_rows([_cells(one, now, utc=utc) for one in found])
        self.table.setColumnHidden(_WEBHOOK, self.of.currentData() is not None)  # which says whose they are
        more = f", the newest {SHOWN:,} of them" if len(found) == SHOWN else ""
        self.state.setText(counted(len(found), "delivery", "deliveries") + more if found else self._nothing())
        there = [at for at, one in enumerate(found) if one.number == wanted]
        if found:
            self.table.select_row(there[0] if there else 0)
            self.table.scrollTo(self.table.currentIndex())
        else:
            self._current = None
            self.answer.clear(_HINT)
            self._sent_part.hide()
        self._offer()

    def _nothing(self) -> str:
        if self.text.text() or self.outcome.currentData() is not None:
            return "No delivery matches these filters."
        return "Nothing was sent yet. Send a test event to a webhook, and it stands here."

    def _choose(self) -> None:
        rows = self.table.selected_rows()
        chosen = self._deliveries[self.table.source_row(rows[0])] if rows else None
        if chosen is None or chosen == self._current:
            return
        self._current = chosen
        self.sent_title.setText(f"Sent · {chosen.event}" + (" · sent again" if chosen.resent else ""))
        self.sent_body.setPlainText(hiding.secretless(chosen.body))  # as it was signed
        self._sent_part.show()
        self._offer()

        def show(answer: object) -> None:
            if self._current == chosen and isinstance(answer, DeliveryAnswer):
                self.answer.show_answer(answer)

        def read() -> DeliveryAnswer | None:
            answer = self._log.answer(chosen.number)
            return None if answer is None else hiding.shown(answer)  # whoever kept it, and when

        self._run(read, show)

    def _offer(self) -> None:
        for button in (self.resend_button, self.curl_button):
            button.setEnabled(self._current is not None and self._task is None)
        self.export_button.setEnabled(bool(self._deliveries))

    def _with_request(self, use: Callable[[Delivery, Destination, Request], object]) -> None:
        """Reads the webhook as it is now, and makes the same request of it."""
        chosen = self._current
        if chosen is None:
            return

        def done(made: tuple[Destination, Request]) -> None:
            if not self._is_closed:
                use(chosen, *made)

        now = self._context.clock()
        self._context.runner.read(again, chosen, now=now, on_done=done, on_failed=self._say_failure)

    def send_again(self) -> None:
        """The same event to the same webhook as it is now, which is kept as a delivery of its own."""
        self._with_request(self._send)

    def _send(self, chosen: Delivery, destination: Destination, request: Request) -> None:
        work = partial(
            deliverer(self._context).deliver,
            destination,
            request,
            signing=chosen.signing,
            resent=chosen.number,
        )
        self.state.setText(f"Sending to {destination.title}…")
        words = f"Sending a test event to {destination.title}…"
        self._task = self._context.job(words, work, on_done=self._sent, on_failed=self._not_sent)
        if self.focusWidget() is self.resend_button:  # which is grey meanwhile
            self.table.setFocus()
        self._offer()

    def _sent(self, sent: Delivered) -> None:
        self._task = None
        self._tell_delivered()
        if self._is_closed:
            return
        self._current = None  # the new one is the first
        said = ". ".join(filter(None, (sent.answer.title, sent.answer.why)))
        announce(self.answer, said, at_once=not sent.answer.is_ok)
        if sent.not_kept:
            self.answer.show_answer(sent.answer)
            self.state.setText(sent.not_kept)
            self._offer()
        else:
            self.reload()

    def _not_sent(self, error: TenantAdminError) -> None:
        self._task = None
        self._say_failure(error)

    def copy_curl(self) -> None:
        def copy(chosen: Delivery, destination: Destination, request: Request) -> None:
            QGuiApplication.clipboard().setText(as_curl(request))
            self.state.setText(f"Copied; set {VARIABLE} to the webhook's secret before you run it.")

        self._with_request(copy)

    def _ask_export(self) -> None:
        chosen = ask_save(self, "Export the delivery log", "deliveries.jsonl", _FILES, replace=True)
        if chosen is not None:
            self.export(chosen[0])

    def export(self, target: Path) -> None:
        """Writes those that are listed, oldest first."""
        listed = self._deliveries[::-1]

        def write() -> int:
            return sharing.export(target, ((one, self._log.answer(one.number)) for one in listed))

        def done(written: object) -> None:
            self.state.setText(
                f"{counted(int(str(written)), 'delivery', 'deliveries')} written to {target.name}."
            )

        self._run(write, done)

    def _end(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()


def _cells(one: Delivery, now: int, *, utc: bool) -> tuple[Cell, ...]:
    return (
        event_table.result(one.code, is_ok=one.is_ok),
        event_table.sent(one.at, now, utc=utc),
        event_table.event(one.event, again=one.resent > 0),
        event_table.took(one.took_ms),
        Cell(one.name or one.host, tip=f"{one.host} · {one.tenant}"),
    )
