"""Sends a test event to a webhook, which of any tenant's is chosen, and shows the request as it is sent and
what came of it.

And who would receive an event: of a tenant's webhooks those that the platform would send it to, and why it
would not send it to the others.
"""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from typing import Any

from PySide6.QtCore import QObject, QSignalBlocker, QSize, Signal
from PySide6.QtGui import QKeySequence, QShortcut, QTextOption
from PySide6.QtWidgets import QComboBox, QGridLayout, QLabel, QPlainTextEdit, QWidget

from app.services.deliveries.destination import Destination, read_destination, untried
from app.services.deliveries.log import DeliveryLog
from app.services.deliveries.request import MEANINGS, MOST_BODY, VARIABLE, Request, as_curl, make, sample
from app.services.deliveries.sending import Delivered, Deliverer
from app.services.deliveries.signing import Signing, new_message_id
from app.services.records.tables import WEBHOOK_DESTINATIONS, Scope
from app.services.records.webhooks import WebhookRow, read_rows, wants, why_not
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import with_records
from app.ui.tabs.webhooks.delivery_view import AllowHere, AnswerView
from app.ui.theme import Icon, Kind, Tone
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.clipboard import PasteBox, copy_text
from app.ui.widgets.dialogs import ConfirmDialog, Dialog
from app.ui.widgets.following import FollowingScroll, spread
from app.ui.widgets.formatting import EMPTY
from app.ui.widgets.labels import (
    Label,
    Look,
    ProblemLabel,
    add_layout,
    bounded,
    in_column,
    in_row,
    keep_room,
    set_tip,
    text_box,
)
from app.ui.widgets.later import later
from app.ui.widgets.picker import ChoiceBox
from app.ui.widgets.static_table import Cell, Columns, StaticColumn, StaticTable
from app.workers import names
from app.workers.runner import Task
from models.errors import InvalidInput, TenantAdminError
from models.status import WebhookEvent

_SIGNED = {Signing.PLATFORM: "the platform", Signing.STANDARD: "Standard Webhooks"}
_SAMPLE, _EDITED = "sample, unchanged", "edited"
_PROMISE, _OF_SAMPLE, _OF_EDITED = (
    "Goes to the real address, the body as one line without the spaces. ",
    "The run id is made up; all else is as the platform sends it.",
    "The body is yours; all else is as the platform sends it.",
)
_HINT = "What the server answers stands here. Nothing about the webhook is changed by sending to it."
_ON_ITS_WAY = "On its way…"
_KEPT = "Kept in the delivery log. Nothing about the webhook was changed."
_EARLIER = "Of the event sent before, which is in the delivery log. The one beside it was not sent yet."
_WIDTH, _LOW = 860, 600
"""And the height of the screen's room in less of which not all has a place at once: then the dialog scrolls,
and nothing within it.
"""
_AROUND, _BETWEEN = 20, 24
_REQUEST_LINES, _SAMPLE_LINES, _LEAST_LINES, _AROUND_LINES = 12, 10, 5, 24
"""Those of a request that is signed as Standard Webhooks say, and of the longest sample of a body; and how
many are seen at least.
"""


def _height(box: QPlainTextEdit, lines: int) -> int:
    return lines * box.fontMetrics().lineSpacing() + _AROUND_LINES


class _RequestBox(QPlainTextEdit):
    """All of it is seen, whatever it is signed as; where there is little room it scrolls."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _height(self, _REQUEST_LINES))


class _BodyBox(PasteBox):
    """The same of a body as the samples are."""

    def sizeHint(self) -> QSize:
        return QSize(super().sizeHint().width(), _height(self, _SAMPLE_LINES))


class SendEventDialog(Dialog):
    """For one destination, as it was read when the dialog opened, or another one that is chosen there.
    `delivered()` is called when something was sent, the dialog closed or not.
    """

    def __init__(
        self,
        context: Context,
        destination: Destination,
        parent: QWidget | None = None,
        *,
        delivered: Callable[[], object] = lambda: None,
    ) -> None:
        super().__init__(context.theme, "Send a test event", _where(destination), parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._destination = context, destination
        self._to_nobody = ""
        """Why there is no destination."""
        self._tell_delivered = delivered
        self._request: Request | None = None
        self._message, self._was_sent = new_message_id(), False
        """What names the event in its headers, and whether the request in sight has gone with that."""
        self._delivered = ""
        """The body that was sent last, as it was typed: it is in the log."""
        self._task: Task | None = None
        self._is_closed = False
        theme = context.theme
        self.whose = WebhookChoice(context, destination, self)
        self.events = ChoiceBox()
        self.events.addItems([event.value for event in WebhookEvent])
        self.events.setAccessibleName("Event type")
        self.signing = ChoiceBox()
        for signing, words in _SIGNED.items():
            self.signing.addItem(words, signing)
        self.signing.setAccessibleName("Signed as")
        for box in (self.events, self.signing):  # else the longest that they offer makes the dialog as wide
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        self.meaning = Label("", Look.DIM, wrap=True)
        self.body_state = Label(_SAMPLE, Look.DIM)
        self.body_editor = _BodyBox(MOST_BODY)
        self.body_editor.refused.connect(self._say_problem)
        self.body_editor.setFont(theme.mono_font())
        self.body_editor.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.body_editor.setAccessibleName("Body")
        self.body_editor.setMinimumHeight(_height(self.body_editor, _LEAST_LINES))
        self.request = text_box(theme, "Request, exactly as it is sent", kind=_RequestBox)
        self.request.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)  # the signature is seen whole
        self.request.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.request.setMinimumHeight(_height(self.request, _LEAST_LINES))
        self.problem, self.promise = ProblemLabel(context.theme), Label(look=Look.DIM, wrap=True)
        self.problem.hide()
        self.off = AllowHere(context)
        self.off.hide()
        self.answer = AnswerView(theme, _HINT)
        self.kept = Label("", Look.DIM, wrap=True)
        self.kept.hide()
        self._lay_out()
        self.cancel_button = push_button(theme, "Close", self.reject)
        self.stop_button = push_button(theme, "Stop", self._stop)
        self.stop_button.hide()
        self.send_button = push_button(theme, "Send", self.send, kind=Kind.PRIMARY, icon=Icon.SEND)
        self.send_button.setDefault(True)
        set_tip(self.send_button, "Ctrl+Enter")
        for keys in ("Ctrl+Return", "Ctrl+Enter"):  # Return alone opens a pick list, and begins a line
            QShortcut(QKeySequence(keys), self).activated.connect(self.send_button.click)
        self.off.allowed.connect(self.send_button.setFocus)
        tip = f"A command for a shell; the secret stays a variable, ${VARIABLE}"
        self.curl_button = push_button(theme, "Copy as curl", self._copy_curl, icon=Icon.TERMINAL, tip=tip)
        self.set_buttons([self.cancel_button, self.stop_button, self.send_button], left=[self.curl_button])
        self.whose.chosen.connect(self._send_to)
        self.whose.nobody.connect(self._send_to_nobody)
        self.events.currentTextChanged.connect(self._choose)
        self.signing.currentIndexChanged.connect(lambda _: self._show_request())
        self.body_editor.textChanged.connect(self._show_request)
        self.finished.connect(self._end)
        self._take_first()
        self._choose()
        self.events.setFocus()  # Return in haste must not send to a real address

    def _lay_out(self) -> None:
        def named(words: str, box: QWidget) -> QLabel:
            label = Label(words, Look.DIM)
            label.setBuddy(box)
            return label

        body = in_row(Label("Body", Look.SECTION), Label("may be edited", Look.DIM), None, self.body_state)
        choices, content = QGridLayout(), QWidget()
        pairs = (
            (("Tenant", self.whose.tenants), ("Webhook", self.whose.webhooks)),
            (("Event type", self.events), ("Signed as", self.signing)),
        )
        labels = []
        for row, (first, second) in enumerate(pairs):
            for column, (words, box) in ((0, first), (3, second)):
                labels.append(named(words, box))
                choices.addWidget(labels[-1], row, column)
                choices.addWidget(box, row, column + 1)
        # Halves with as much between them as what stands below has; an empty column has no gap behind it.
        widest = max(one.sizeHint().width() for one in labels)
        for column in (0, 3):
            choices.setColumnMinimumWidth(column, widest)
            choices.setColumnStretch(column + 1, 1)
        choices.setHorizontalSpacing(_BETWEEN // 3)
        choices.setColumnMinimumWidth(2, _BETWEEN - _BETWEEN // 3)
        add_layout(self.body, choices)
        self.add_widget(self.meaning)
        left, right = QWidget(), QWidget()
        in_column(
            in_row(Label("Request", Look.SECTION), Label("exactly what is sent", Look.DIM), None),
            self.request,
            body,
            (self.body_editor, 1),
            self.problem,
            self.off,
            self.promise,
            within=left,
        )
        shown = FollowingScroll(_AROUND)  # the form stays as it is, whatever is answered
        content.setProperty("clear", True)
        in_column((self.answer, 1), within=content, margins=(0, 0, _AROUND // 2, 0))
        shown.setWidget(content)
        shown.setMinimumHeight(_height(self.request, _LEAST_LINES))
        if self._room.height() < _LOW:
            shown.spread()
            for text in (self.request, self.body_editor):
                spread(text)
        in_column((shown, 1), self.kept, within=right)
        self.add_widget(Columns(left, right, spacing=_BETWEEN), 1)

    def _take_first(self) -> None:
        """The first event that the platform would send there."""
        wanted = [part.strip() for part in self._destination.events.split(",")]
        first = next((name for name in wanted if self.events.findText(name) >= 0), None)
        if first is not None:
            self.events.setCurrentText(first)

    def _send_to(self, destination: Destination) -> None:
        """Type and body stay as they were chosen."""
        self._destination, self._to_nobody = destination, ""
        self._say_where(_where(destination))
        if self._task is None:
            self._name_send("Send")
        self._choose()

    def _send_to_nobody(self, why: str) -> None:
        self._to_nobody = why
        self._say_where(why)
        self.request.clear()
        self._show_request()

    def _say_where(self, words: str) -> None:
        self.sentence.setText(words)
        self.setAccessibleDescription(bounded(words))
        announce(self.sentence, words)

    def _choose(self) -> None:
        """A body of one's own stays, whatever type is chosen."""
        event = self.events.currentText()
        is_wanted = wants(self._destination.events, event)
        unwanted = "" if is_wanted else " The platform does not send it to this webhook."
        self.meaning.setText(MEANINGS[WebhookEvent(event)] + unwanted)
        self._show_request_of(self._context.clock())

    def _show_request_of(self, now: int) -> None:
        """An unchanged sample is of the same time as the headers."""
        if self.body_state.text() == _SAMPLE:
            self._sample = sample(self.events.currentText(), now)
            with QSignalBlocker(self.body_editor):
                self.body_editor.setPlainText(self._sample)
        self._show_request(now)

    def _show_request(self, now: int | None = None) -> None:
        if self._was_sent:  # another event
            self._message, self._was_sent = new_message_id(), False
            self._outdate_answer()
        typed = self.body_editor.toPlainText()
        is_sample = typed == self._sample
        self.body_state.setText(_SAMPLE if is_sample else _EDITED)
        self.promise.setText(_PROMISE + (_OF_SAMPLE if is_sample else _OF_EDITED))
        self._request = self._made(self._context.clock() if now is None else now)
        self.send_button.setEnabled(self._request is not None or self._task is not None)
        self.curl_button.setEnabled(self._request is not None)
        self.off.show_where(here=self._request is not None and self._request.is_here)
        if not self.off.isHidden():  # once it has been there, nothing moves where it goes and comes
            keep_room(self.off)
        if self._request is not None:
            self.request.setPlainText(self._request.head())

    def _outdate_answer(self) -> None:
        """What came of the event before is to be read on, and is no answer to the one beside it."""
        if self.answer.outdate():
            self.kept.setText(_EARLIER)

    def _made(self, now: int) -> Request | None:
        """The request as it would be sent now; what is wrong with it is said."""
        if self._to_nobody:
            self._say_problem("")
            return None
        try:
            made = make(
                self._destination,
                self.events.currentText(),
                self.body_editor.toPlainText(),
                now=now,
                signing=Signing(self.signing.currentData()),
                message_id=self._message,
            )
        except InvalidInput as error:
            self._say_problem(str(error))
            return None
        self._say_problem("")
        return made

    def _say_problem(self, sentence: str) -> None:
        """In the place of the promise, so that nothing else moves."""
        self.problem.say(sentence)
        self.promise.setVisible(not sentence)
        self.body_editor.setAccessibleDescription(sentence)

    def send(self) -> None:
        """Sends what is shown, with the time of now; nothing while something is on its way."""
        if self._task is None:
            self._show_request_of(self._context.clock())
        if self._request is None or self._task is not None:
            return
        self._delivered, self._was_sent = self.body_editor.toPlainText(), True
        signing = Signing(self.signing.currentData())
        work = partial(deliverer(self._context).deliver, self._destination, self._request, signing=signing)
        # The focus stays where it is: a second Return in haste must neither send twice nor stop it.
        self.stop_button.show()
        self.answer.clear(_ON_ITS_WAY)  # what came of the one before is no answer to this
        self.kept.hide()
        self._name_send("Sending…")
        words = f"Sending a test event to {self._destination.title}…"
        self._task = self._context.job(words, work, on_done=self._show_answer, on_failed=self._show_failure)

    def _stop(self) -> None:
        if self._task is not None:
            self._task.cancel()

    def _sent(self) -> bool:
        """Whether anybody still looks at what came of it."""
        self._task = None
        if self._is_closed:
            return False
        self._name_send("Send again")
        self.send_button.setEnabled(self._request is not None)
        if self.stop_button.hasFocus():
            self.send_button.setFocus()
        self.stop_button.hide()
        return True

    def _name_send(self, words: str) -> None:
        self.send_button.setText(words)
        self.send_button.setAccessibleName(words)

    def _show_answer(self, sent: Delivered) -> None:
        self._tell_delivered()
        if self._sent():
            self.answer.show_answer(sent.answer)
            self.show_part(self.answer.title)
            said = ". ".join(filter(None, (sent.answer.title, sent.answer.why)))
            announce(self.answer, said, at_once=not sent.answer.is_ok)
            self.kept.setText(sent.not_kept or _KEPT)
            if not self._was_sent:  # while it was on its way
                self._outdate_answer()
            self.kept.show()

    def _show_failure(self, error: TenantAdminError) -> None:
        if self._sent():
            self.answer.clear(_HINT)
            self._say_problem(str(error))
            self.show_part(self.problem)
            announce(self.problem, str(error), at_once=True)

    def _copy_curl(self) -> None:
        if self._request is not None:
            copy_text(as_curl(self._request))
            self._context.say(f"Copied; set {VARIABLE} to the webhook's secret before you run it")

    def reject(self) -> None:
        """A body of one's own is asked about first, as forms do."""
        if self.body_state.text() == _SAMPLE or self.body_editor.toPlainText() == self._delivered:
            super().reject()
            return
        ConfirmDialog(
            self.theme,
            "Discard the body?",
            "The body was edited, and was not sent as it is now.",
            action="Discard body",
            cancel="Keep editing",
            parent=self,
        ).open_once(self._discard)

    def _discard(self) -> None:  # PySide would call a slot that it is given as `super().reject` by its name
        super().reject()

    def _end(self) -> None:
        self._is_closed = True
        self.whose.end()
        self._stop()


def _where(destination: Destination) -> str:
    return f"To {destination.title} of {destination.tenant} · {destination.url}"


def deliverer(context: Context) -> Deliverer:
    """As the preferences are now."""
    settings = context.settings
    return Deliverer(
        str(context.opened.kept_by),
        DeliveryLog(),
        names.resolve,
        settings.deliveries_days,
        allow_here=settings.webhooks_here,
    )


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
            self.tenants.addItem(bounded(one, longest=_LONGEST) or EMPTY, one)
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


_SENTENCE = (
    "By the platform's rule: a webhook is sent an event of its tenant when it is active, its events have the "
    "type, and its host is its URL's. Nothing is sent by asking."
)
_COLUMNS = (StaticColumn("Receives"), StaticColumn("Webhook"), StaticColumn("Why", dim=True))
_WHY = 2
_READING_ALL = "Reading…"
_ROWS, _RECEIVERS_WIDTH = 8, 720


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
        self.setMinimumWidth(_RECEIVERS_WIDTH)
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
        self.state = Label(_READING_ALL, Look.STRONG, wrap=True)
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
            self.state.setText(_READING_ALL)
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
