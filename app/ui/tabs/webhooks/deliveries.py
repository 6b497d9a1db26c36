"""The delivery log: what was sent from here and what came of it, to be looked through and sent again."""

from collections import Counter
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QComboBox, QLineEdit, QSizePolicy, QWidget

from app.services.deliveries import hiding
from app.services.deliveries.destination import Destination
from app.services.deliveries.log import SHOWN, Delivery, DeliveryLog, LogQuery, export
from app.services.deliveries.request import VARIABLE, DeliveryAnswer, DeliveryFate, Request, as_curl
from app.services.deliveries.sending import Delivered, PlannedAgain, again, each_again
from app.services.text import counted, tenant_name
from app.ui.session.context import Context
from app.ui.tabs.webhooks import delivery_view
from app.ui.tabs.webhooks.delivery_view import DeliveryView, outcomes
from app.ui.tabs.webhooks.sending import deliverer
from app.ui.theme import Icon, Kind
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import field_icons, push_button
from app.ui.widgets.clipboard import copy_text
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.file_dialogs import ask_save
from app.ui.widgets.formatting import absolute_time
from app.ui.widgets.labels import Label, Look, in_column, in_row, name_choice, set_tip
from app.ui.widgets.picker import ChoiceBox
from app.ui.widgets.static_table import Cell, Columns
from app.ui.widgets.tab_order import enter
from app.workers.runner import Task
from models.errors import TenantAdminError

_SENTENCE = (
    "What was sent from this program; what the platform itself delivers cannot be seen from here. It is kept "
    "in your own folder, without secrets, and not in the database."
)
_TITLES = ("Result", "Sent", "Event", "Took", "Webhook", "Message id")
_WEBHOOK, _MESSAGE = _TITLES.index("Webhook"), _TITLES.index("Message id")
_RESULTS = (("Any result", None), *((one.value.capitalize(), one.value) for one in DeliveryFate))
_HINT = "Select a delivery to see what came of it."
_UNREAD = "What came of it cannot be read any more."
_CURL = f"A command for a shell; the secret stays a variable, ${VARIABLE}"
_SINGLE, _NONE = "Select a single delivery.", "Select a delivery first."
_SHARED = "Without secrets, and without what tells who somebody is"
_FILTER_MS = 200
_READING = "Reading…"
_SIZE, _LEAST_HEIGHT, _FOR_WEBHOOK = QSize(1_160, 680), 240, 200
_LOW, _ROWS = 440, 6
"""The height of the screen's room in less of which the dialog scrolls: then of its parts only the list does,
from so many rows on.
"""
_SHARES = (3, 2)
"""What the table takes of the width, and what is shown of one."""
_FILES = "JSON lines (*.jsonl)"


class DeliveriesDialog(Dialog):
    """Of one `webhook`, by its id, or of all; of the tenant that is chosen, or of all. The delivery of this
    `number` is selected, or the newest. `delivered()` is called when something was sent, the dialog closed or
    not. It is as large whatever is selected.
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
        self.setMinimumWidth(min(_SIZE.width(), self._room.width()))
        self.open_as_large_as(_SIZE)
        self._context, self._tenant, self._log = context, tenant, DeliveryLog()
        self._asked, self._turns, self._is_closed = 0, count(1), False
        self._deliveries: Sequence[Delivery] = ()
        self._wanted, self._tell_delivered = number, delivered
        self._chosen: Sequence[Delivery] = ()
        self._task: Task | None = None
        self._is_each, self._said = False, ""
        """Whether several are on their way, and what is said beside the next count."""
        theme = context.theme
        columns = Columns(shares=_SHARES)
        columns.setMinimumHeight(_LEAST_HEIGHT)
        self.add_widget(columns, 1)
        self.text = QLineEdit(placeholderText="Filter by event, host, result, message id, body…")
        self.text.setAccessibleName("Filter the deliveries")
        field_icons(theme, self.text, Icon.FILTER)
        self.outcome = ChoiceBox()
        name_choice(self.outcome, "Result")
        for words, wanted in _RESULTS:
            self.outcome.addItem(words, wanted)
        self.of = ChoiceBox()
        name_choice(self.of, "Webhook")
        self.of.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        if webhook is not None:
            self.of.addItem(name, webhook)
        self.of.addItem("All webhooks", None)
        is_low = self._room.height() < _LOW
        most = _ROWS if is_low else None
        self.table = delivery_view.event_table(theme, "Deliveries", _TITLES, most=most)
        self.table.setColumnHidden(_MESSAGE, True)
        if is_low:
            self.table.stay_high()
        else:
            self.table.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Ignored)
            self.table.setMinimumHeight(_LEAST_HEIGHT // 2)
        self.state = Label(_READING, Look.DIM, wrap=True)
        self.all_button = push_button(theme, "Show those to all webhooks", self._show_all, kind=Kind.FLAT)
        self.all_button.setProperty("flush", True)
        self.all_button.hide()
        self.shown = DeliveryView(theme, _HINT, columns)
        self.shown.setMinimumHeight(_LEAST_HEIGHT)  # also below the table, where a screen is narrow
        if is_low:
            self.shown.below_acts.spread()
        self.answer, self.sent_body = self.shown.answer, self.shown.sent_body
        left = QWidget(columns)
        rows = QWidget(left)  # which asks for the room that a table of any height does not
        in_column((self.table, 1), within=rows)
        filters = in_row((self.of, 1), (self.outcome, 1))
        door = in_row(self.all_button, None)
        in_column(self.text, filters, (rows, 1), self.state, door, within=left)
        columns.stand(left, self.shown)
        for part in (rows, self.state, self.all_button, self.shown):  # heard as they are seen
            part.raise_()
        self.resend_button = push_button(
            theme, _each("Send", SHOWN, "again"), self.send_again, icon=Icon.SEND
        )
        self.curl_button = push_button(theme, "Copy as curl", self.copy_curl, icon=Icon.TERMINAL)
        words = _each("Export", SHOWN, "…")
        self.export_button = push_button(theme, words, self._ask_export, icon=Icon.EXPORT)
        for button in (self.resend_button, self.export_button):  # as wide for one as for many
            button.ensurePolished()
            button.setMinimumWidth(button.sizeHint().width())
        self.shown.set_actions([self.resend_button, self.curl_button, self.export_button])
        self.set_close_button()
        self.text.installEventFilter(self)
        self.table.setFocus()
        self._soon = QTimer(self, singleShot=True, interval=_FILTER_MS)
        self._soon.timeout.connect(self.reload)
        self.text.textChanged.connect(self._soon.start)
        for box in (self.outcome, self.of):
            box.currentIndexChanged.connect(self.reload)
        self.table.selection_changed.connect(self._choose)
        self.table.opened.connect(lambda _: enter(self.shown))
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

    @property
    def _current(self) -> Delivery | None:
        """The one that is selected, where it is a single one."""
        return self._chosen[0] if len(self._chosen) == 1 else None

    def reload(self) -> None:
        """Reads those that the filters keep; the one that is selected stays so."""
        fate = self.outcome.currentData()
        wanted = LogQuery(
            str(self._context.opened.kept_by),
            self.of.currentData(),
            self._tenant if self.of.currentData() is None else None,
            None if fate is None else DeliveryFate(fate),
            self.text.text().strip(),
        )
        self._asked = turn = next(self._turns)

        def show(found: object) -> None:
            if turn == self._asked:
                self._show(found)  # type: ignore[arg-type]

        self._run(lambda: self._log.find(wanted), show)

    def _show(self, found: Sequence[Delivery]) -> None:
        wanted = {one.number for one in self._chosen} or {self._wanted}
        self._wanted = 0
        self._deliveries = found
        now, utc = self._context.clock(), self._context.settings.utc_times
        is_one = self._tenant is not None
        self.table.show_rows([_cells(one, now, utc=utc, whole=not is_one) for one in found])
        self.table.setColumnHidden(_WEBHOOK, self.of.currentData() is not None)  # which says whose they are
        needed = _SIZE.width() - (0 if self.of.currentData() is None else _FOR_WEBHOOK)
        has_room = self._room.width() >= needed  # else what is selected has it alone
        self.table.setColumnHidden(_MESSAGE, not (has_room and any(one.message for one in found)))
        more = f", the newest {SHOWN:,} of them" if len(found) == SHOWN else ""
        stopped = sum(one.fate is DeliveryFate.STOPPED for one in found)
        here = f"; {stopped:,} stopped here" if stopped and self.outcome.currentData() is None else ""
        count = counted(len(found), "delivery", "deliveries") + more + here if found else self._nothing()
        self.state.setText(f"{count} · {self._said}" if self._said else count)
        self._said = ""
        self.all_button.setVisible(not found and not self._is_filtered and self.of.currentData() is not None)
        there = [range(at, at + 1) for at, one in enumerate(found) if one.number in wanted]
        if found:
            self.table.select_ranges(there or [range(1)], there[0].start if there else 0)
            self.table.scrollTo(self.table.currentIndex())
            self._choose()
        else:
            self._chosen = ()
            self.shown.clear(_HINT)
        self._offer()

    @property
    def _is_filtered(self) -> bool:
        return bool(self.text.text()) or self.outcome.currentData() is not None

    def _show_all(self) -> None:
        self.of.setCurrentIndex(self.of.count() - 1)
        self.table.setFocus()

    def _nothing(self) -> str:
        if self._is_filtered:
            return "No delivery matches these filters."
        if self.of.currentData() is not None:
            return "Nothing was sent to this webhook yet. Send it a test event, and that stands here."
        return "Nothing was sent yet. Send a test event to a webhook, and it stands here."

    def _choose(self) -> None:
        chosen = [self._deliveries[self.table.source_row(row)] for row in self.table.selected_rows()]
        if not chosen or chosen == self._chosen:
            return
        self._chosen = chosen
        self._offer()
        utc = self._context.settings.utc_times
        if len(chosen) > 1:
            times = [one.at for one in chosen]
            first, last = (absolute_time(at, utc) for at in (min(times), max(times)))
            self.shown.show_several(chosen, first if first == last else f"{first} – {last}")
            announce(self.shown, f"{self.shown.title.text()}: {self.shown.outcomes.text()}")
            return
        (one,) = chosen
        self.shown.show_request(
            one, f"{absolute_time(one.at, utc)} · {_of(one, whole=self._tenant is None)}", _READING
        )

        def show(answer: object) -> None:
            if self._current != one:
                return
            if isinstance(answer, DeliveryAnswer):
                self.shown.show_answer(answer)
            else:
                self.answer.clear(_UNREAD)

        def read() -> DeliveryAnswer | None:
            answer = self._log.answer(one.number)
            return None if answer is None else hiding.shown(answer)  # whoever kept it, and when

        self._run(read, show)

    def _offer(self) -> None:
        """What can be done to those that are selected; each button says to how many."""
        count, busy = len(self._chosen), self._task is not None
        words = "Stop" if busy and self._is_each else _each("Send", count, "again")
        self.resend_button.setText(words)
        self.resend_button.setAccessibleName(words)
        self.resend_button.setEnabled(count > 0 and (not busy or self._is_each))
        set_tip(self.resend_button, "" if count else _NONE)
        self.curl_button.setEnabled(count == 1 and not busy)
        set_tip(self.curl_button, _CURL if count == 1 else _SINGLE if count else _NONE)
        words = _each("Export", count, "…")
        self.export_button.setText(words)
        self.export_button.setAccessibleName(words)
        self.export_button.setEnabled(bool(self._deliveries))
        set_tip(self.export_button, _SHARED if self._deliveries else "There is nothing to export.")

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
        """The same event to the same webhook as it is now, which is kept as a delivery of its own; of several
        each, when that is agreed to.
        """
        if self._task is not None:
            self._task.cancel()
        elif len(self._chosen) > 1:
            chosen = self._chosen
            to = Counter(_of(one, whole=True) for one in chosen)
            ConfirmDialog(
                self.theme,
                f"Send {len(chosen):,} deliveries again?",
                "Each goes to the real address of its webhook as it is now, one after the other.",
                action=f"Send {len(chosen):,} again",
                items=[f"{whom} · {counted(count, 'delivery', 'deliveries')}" for whom, count in to.items()],
                listed="Whom they go to",
                danger=False,
                parent=self,
            ).open_once(lambda: self._send_each(chosen))
        else:
            self._with_request(self._send)

    def _send_each(self, chosen: Sequence[Delivery]) -> None:
        def planned(plan: PlannedAgain) -> None:
            if self._is_closed or self._task is not None:
                return
            self._is_each = True
            words = f"Sending {counted(len(plan.ready), 'delivery', 'deliveries')} again…"
            work = partial(deliverer(self._context).deliver_each, plan.ready)
            done = partial(self._sent_each, plan)
            self.state.setText(words)
            self._task = self._context.job(words, work, on_done=done, on_failed=self._not_sent)
            self._offer()

        now = self._context.clock()
        self._context.runner.read(each_again, chosen, now=now, on_done=planned, on_failed=self._say_failure)

    def _sent_each(self, plan: PlannedAgain, sent: Sequence[Delivered]) -> None:
        self._task, self._is_each = None, False
        self._tell_delivered()
        if self._is_closed:
            return
        said = [f"{len(sent):,} sent again: {outcomes([one.answer.code for one in sent])}"] if sent else []
        if plan.left:
            said.append(f"{len(plan.left):,} not sent: {plan.left[0]}")
        said += list(dict.fromkeys(one.not_kept for one in sent if one.not_kept))
        self._said, self._chosen = ". ".join(said) or "Nothing was sent", ()
        announce(self.state, self._said)
        self.reload()

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
        self._chosen = ()  # the new one is the first
        said = ". ".join(filter(None, (sent.answer.title, sent.answer.why)))
        announce(self.answer, said, at_once=not sent.answer.is_ok)
        if sent.not_kept:
            self.shown.show_answer(sent.answer)
            self.state.setText(sent.not_kept)
            self._offer()
        else:
            self.reload()

    def _not_sent(self, error: TenantAdminError) -> None:
        self._task, self._is_each = None, False
        self._say_failure(error)

    def copy_curl(self) -> None:
        def copy(chosen: Delivery, destination: Destination, request: Request) -> None:
            copy_text(as_curl(request))
            self.state.setText(f"Copied; set {VARIABLE} to the webhook's secret before you run it.")

        self._with_request(copy)

    def _ask_export(self) -> None:
        chosen = ask_save(
            self.theme, self, "Export the delivery log", "deliveries.jsonl", _FILES, replace=True
        )
        if chosen is not None:
            self.export(chosen[0])

    def export(self, target: Path) -> None:
        """Writes those that are selected, where they are several, or all that are listed; oldest first."""
        several = {one.number for one in self._chosen} if len(self._chosen) > 1 else None
        listed = [one for one in reversed(self._deliveries) if several is None or one.number in several]

        def write() -> int:
            return export(target, ((one, self._log.answer(one.number)) for one in listed))

        def done(written: object) -> None:
            self.state.setText(
                f"{counted(int(str(written)), 'delivery', 'deliveries')} written to {target.name}."
            )

        self._run(write, done)

    def _end(self) -> None:
        self._is_closed = True
        if self._task is not None:
            self._task.cancel()


def _each(verb: str, count: int, rest: str) -> str:
    """`Send again`, `Send 5 again`; `Export…`, `Export 5…`."""
    number = f" {count:,}" if count > 1 else ""
    return f"{verb}{number}{'' if rest == '…' else ' '}{rest}"


def _of(one: Delivery, *, whole: bool) -> str:
    """Whom it went to; with the tenant, two of which may have webhooks of one name."""
    called = one.name or one.host
    return f"{called} of {tenant_name(one.tenant)}" if whole else called


def _cells(one: Delivery, now: int, *, utc: bool, whole: bool) -> tuple[Cell, ...]:
    return (
        delivery_view.result(one.code, is_ok=one.is_ok),
        delivery_view.sent(one.at, now, utc=utc),
        delivery_view.event(one.event, again=one.resent > 0),
        delivery_view.took(one.took_ms),
        Cell(_of(one, whole=whole), tip=f"{one.host} · {one.tenant}"),
        delivery_view.message(one.message),
    )
