"""A receiver on this computer, in a window beside the program's own: what it is sent, and how it answers; and
the check of a request that somebody has received: whether its signature holds, and what differs.
"""

from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from typing import Final

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QTextCursor, QTextOption
from PySide6.QtWidgets import QComboBox, QLineEdit, QPlainTextEdit, QWidget

from app.services.deliveries.checking import MOST, NOT_SIGNED, Checked, Tried, check, parted
from app.services.deliveries.destination import Destination, destinations_at
from app.services.deliveries.request import EVENT
from app.services.deliveries.signing import OldSecret, OldSecrets
from app.services.records.change import Change
from app.services.records.tables import EVERYONE, WEBHOOK_DESTINATIONS
from app.services.records.webhooks import Secret
from app.services.text import byte_size, some_of, utc_time
from app.ui.session.context import Context
from app.ui.tabs.webhooks import delivery_view
from app.ui.tabs.webhooks.delivery_view import AllowHere, VerdictCard
from app.ui.theme import Icon, Tone
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.clipboard import PasteBox, copy_text
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.following import spread
from app.ui.widgets.formatting import NOTHING, absolute_time, table_time
from app.ui.widgets.labels import FoldedLabel, Label, Look, in_column, in_row, keep_room, text_box
from app.ui.widgets.later import later
from app.ui.widgets.static_table import Cell, Columns
from app.workers.receiver import SLOW_SECONDS, Answering, Received, Receiver, ReceiverNotStarted
from app.workers.runner import Task
from models.errors import TenantAdminError
from models.progress import Monitor

_ANSWERS = {
    Answering.OK: "200 OK",
    Answering.ERROR: "500 Internal Server Error",
    Answering.SLOW: f"200 OK, after {SLOW_SECONDS:g} s",
    Answering.REDIRECT: "302 Found, to elsewhere",
}
_TITLES = ("Received", "Event", "Signature", "Size", "Answered")
_SIGNATURES: Final[dict[bool | None, tuple[str, Tone | None, str | None]]] = {
    True: ("holds", Tone.OK, Icon.OK),
    False: ("does not hold", Tone.BAD, Icon.BAD),
    None: ("not checked", None, None),
}
_SENTENCE = (
    "For as long as this window is open, this program takes webhooks from this computer alone. Give the "
    "address to a webhook of a database that you try things with."
)
_ELSEWHERE = "Port {}, which it had before, is taken: update the senders that use the old address."
_NOTHING = "Nothing was received yet."
_CUT = "The body broke off, or is longer than is read here, so the signature cannot be checked."
_UNKNOWN = Checked(None, "Not checked yet", ())
_KEPT = 200
_ROWS, _HEIGHT = 5, 150
_WIDTH, _LOW, _CHECK_LOW = 720, 600, 480
"""And the heights of the screen's room in less of which not all has a place at once, here and in the check:
then the dialog scrolls, and no text within it.
"""


class ReceiverDialog(Dialog):
    """Stands beside the window, which stays usable, at the port that it had last if that is free. Signatures
    are checked with the secrets of the webhooks that send to its address; where none does, with the `secret`,
    if any, of the webhook of this `name`. What was received goes with it.
    """

    came = Signal(object)

    def __init__(
        self, context: Context, name: str = "", secret: Secret | None = None, parent: QWidget | None = None
    ) -> None:
        super().__init__(context.theme, "Receiver", _SENTENCE, parent=parent)
        self.setMinimumWidth(_WIDTH)
        self._context, self._secret, self._name = context, secret, name
        self._senders: list[Destination] = []
        """The webhooks that have its address, and a secret."""
        self._is_old = True
        """Whether they may be others by now. Where each row is charged they are read again only then."""
        context.runner.changed.connect(self._hear)
        context.outside.written.connect(self._outdate)
        self._reading: Task | None = None
        self._judging: Task | None = None
        self._verdicts: dict[int, Checked] = {}
        """What is found of the signature of each request that is kept, by its `id()`: of 200 long ones that
        takes seconds, so each is judged once, on another thread.
        """
        self.finished.connect(self._let_go)
        self._received: deque[Received] = deque(maxlen=_KEPT)
        self._reads: Received | None = None
        """The one that a person has chosen, which stays so while others come; None for the newest."""
        self.receiver: Receiver | None = None
        theme = context.theme
        self.address = FoldedLabel("", caption="Address")
        self.address.setFont(theme.mono_font())
        self.copy_button = push_button(theme, "Copy address", self._copy, icon=Icon.COPY)
        self.answers = QComboBox()
        for answering, words in _ANSWERS.items():
            self.answers.addItem(words, answering.value)
        self.answers.setAccessibleName("Answers with")
        answers = Label("Answers with", Look.DIM)
        answers.setBuddy(self.answers)
        self.elsewhere = Label(look=Look.WARN, wrap=True)
        self.elsewhere.hide()
        self.off = AllowHere(context)
        self.off.allowed.connect(self.copy_button.setFocus)
        self.off.allowed.connect(partial(keep_room, self.off))
        self.table = delivery_view.event_table(theme, "Received", _TITLES, most=_ROWS)
        self.table.stay_high()
        self.state = Label(_NOTHING, Look.DIM, wrap=True)
        self.request = text_box(theme, "Request as it was received")
        self.request.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)  # the body is one line
        self.request.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        self.request.setMinimumHeight(_HEIGHT)
        if self._room.height() < _LOW:
            spread(self.request)
        tip = "For “Check a request”, exactly as it came"
        self.copy_request = push_button(theme, "Copy request", self._copy_request, icon=Icon.COPY, tip=tip)
        parts = QWidget()
        in_column(
            in_row((self.address, 1), self.copy_button),
            self.elsewhere,
            in_row(answers, (self.answers, 1)),
            self.off,
            self.table,
            in_row((self.state, 1), self.copy_request),
            (self.request, 1),
            within=parts,
        )
        self.add_widget(parts, 1)
        self.copy_request.setEnabled(False)
        self.request.textChanged.connect(
            lambda: self.copy_request.setEnabled(not self.request.document().isEmpty())
        )
        self.clear_button = push_button(theme, "Clear", self._clear, icon=Icon.CLOSE)
        self.set_close_button(left=[self.clear_button])
        self.answers.currentIndexChanged.connect(self._answer)
        self.table.selection_changed.connect(self._show_chosen)
        self.came.connect(self._take, Qt.ConnectionType.QueuedConnection)
        self._begin()
        self.copy_button.setFocus()  # what one opens it for

    def _begin(self) -> None:
        settings = self._context.settings
        before = settings.receiver_port
        try:
            receiver = self._receiver_at(before)
        except TenantAdminError as error:
            self.address.setText(str(error))
            self.copy_button.setEnabled(False)
            return
        if before not in (0, receiver.port):
            self.elsewhere.setText(_ELSEWHERE.format(before))
            self.elsewhere.show()
        else:
            settings.receiver_port = receiver.port
        self.receiver = receiver
        self.address.setText(receiver.url)
        self.finished.connect(receiver.stop)
        self.destroyed.connect(receiver.stop)  # with the file, or the window

    def _receiver_at(self, port: int) -> Receiver:
        """There, or at a free port where somebody else has it."""
        heard, clock = self.came.emit, self._context.clock
        if port:
            with suppress(ReceiverNotStarted):
                return Receiver(heard, clock, port=port)
        return Receiver(heard, clock)

    def _answer(self) -> None:
        if self.receiver is not None:
            self.receiver.answering = Answering(self.answers.currentData())

    def _copy(self) -> None:
        copy_text(self.address.text())

    def _copy_request(self) -> None:
        copy_text(self.request.toPlainText())

    def _take(self, received: Received) -> None:
        self._received.appendleft(received)
        rows = self._context.rows_of(WEBHOOK_DESTINATIONS.name, EVERYONE)
        is_known = self._context.costs and (not self._is_old or self._context.is_much(rows))
        if self.receiver is None or is_known:
            self._judge()
        else:
            self._is_old = False
            if self._reading is not None:
                self._reading.cancel()
            self._reading = self._context.runner.read(
                destinations_at, self.receiver.url, on_done=self._know, on_failed=self._not_known
            )

    def _hear(self, change: Change, initiator: object) -> None:
        self._is_old |= WEBHOOK_DESTINATIONS.name in change.tables

    def _outdate(self) -> None:
        self._is_old = True

    def _let_go(self) -> None:
        self._is_old |= self._reading is not None
        for task in (self._reading, self._judging):
            if task is not None:
                task.cancel()
        self._reading = self._judging = None

    def _not_known(self, error: TenantAdminError) -> None:
        self._is_old = True
        self._know([])

    def _know(self, found: list[Destination]) -> None:
        self._reading = None
        senders = [one for one in found if one.secret is not None]
        if senders != self._senders:
            self._senders = senders
            self._verdicts.clear()
        self._judge()

    def _judge(self) -> None:
        """Checks the signatures that are not yet, then shows what was received."""
        kept = {id(one): one for one in self._received}
        for gone in self._verdicts.keys() - kept:
            del self._verdicts[gone]
        todo, tried = {at: one for at, one in kept.items() if at not in self._verdicts}, self._tried()
        if self._judging is not None:  # whose end looks again
            return
        if not todo:
            self._show()
            return

        def work(monitor: Monitor) -> dict[int, Checked]:
            found = {}
            for at, one in todo.items():
                monitor.check()
                found[at] = _checked(one, tried)
            return found

        def end(found: dict[int, Checked]) -> None:
            if self._judging is task:
                self._judging = None
                if tried == self._tried():
                    self._verdicts |= found
                self._judge()

        def failed(error: TenantAdminError) -> None:
            end(dict.fromkeys(todo, Checked(None, "Not checked", (str(error),))))

        task = self._judging = self._context.runner.job(work, on_done=end, on_failed=failed)

    def _clear(self) -> None:
        self._received.clear()
        self._show()

    def _show(self) -> None:
        utc, reads = self._context.settings.utc_times, self._reads
        at = next((at for at, one in enumerate(self._received) if one is reads), 0)
        self.table.show_rows([self._cells(one, utc=utc) for one in self._received])
        self.state.setText(self._said())
        if self._received:
            self.table.select_row(at)
        else:
            self.request.clear()

    def _said(self) -> str:
        if not self._received:
            return _NOTHING
        if self._senders:
            names = some_of([one.title for one in self._senders], 3)
            return f"Signatures are checked with the secret of {names}, as this address is in it."
        if self._secret is None:
            return "Signatures are not checked: open this with a webhook selected that has a secret."
        return f"Signatures are checked with the secret of {self._name}."

    def _cells(self, one: Received, *, utc: bool) -> tuple[Cell, ...]:
        found = self._verdicts.get(id(one), _UNKNOWN)
        words, tone, icon = _SIGNATURES[found.holds]
        if found.title == NOT_SIGNED:
            words = NOT_SIGNED.lower()
        return (
            Cell(table_time(int(one.at), utc), int(one.at), tip=absolute_time(int(one.at), utc)),
            delivery_view.event(one.header(EVENT) or NOTHING),
            Cell(words, tone=tone, icon=icon, tip="\n".join((found.title, *found.findings))),
            Cell(byte_size(len(one.body)), len(one.body)),
            Cell(one.answered.value),
        )

    def _tried(self) -> list[Tried]:
        senders = [Tried(one.secret, f"the secret of {one.title}") for one in self._senders if one.secret]
        return senders or ([] if self._secret is None else [Tried(self._secret, "the secret")])

    def _show_chosen(self) -> None:
        rows = self.table.selected_rows()
        if rows:
            chosen = self._received[self.table.source_row(rows[0])]
            is_within = self.focusWidget() in {self.table, self.request}
            self._reads = chosen if is_within or chosen is not self._received[0] else None
            cut = "\n… (cut)" if chosen.is_cut else ""
            text = f"{chosen.head}\n\n{_text(chosen)}{cut}"
            if text != self.request.toPlainText():
                self.request.setPlainText(text)


def _checked(one: Received, tried: Sequence[Tried]) -> Checked:
    if one.is_cut:
        return Checked(None, "Not all of it is here", (_CUT,))
    text = one.body.decode("utf-8", "surrogateescape")  # what is no UTF-8 is signed as it came
    return check(one.head, text, tried, now=int(one.at))


def _text(received: Received) -> str:
    return received.body.decode("utf-8", "replace")


_LOOKS = {True: (Tone.OK, Icon.OK), False: (Tone.BAD, Icon.BAD), None: (Tone.NEUTRAL, Icon.INFO)}
_CHECK_HEIGHT = 110
_CHECK_WIDTH = 860
_FINDINGS = 8
_OTHER, _NONE = "Another secret, where it is not the stored one", "The secret to check with"


class _PasteEditor(PasteBox):
    """What is pasted is in sight from its beginning, however long its lines are."""

    def __init__(self) -> None:
        super().__init__(MOST)

    def insertFromMimeData(self, source: QMimeData) -> None:
        super().insertFromMimeData(source)
        self.show_beginning()

    def show_beginning(self) -> None:
        """When Qt has scrolled to the cursor, as it does after this."""
        for bar in (self.horizontalScrollBar(), self.verticalScrollBar()):
            later(self, 0, partial(bar.setValue, bar.minimum()))


class _HeadersEditor(_PasteEditor):
    """`parted(body)` when a whole request is pasted or dropped, of which it takes the headers alone."""

    parted = Signal(str)

    def insertFromMimeData(self, source: QMimeData) -> None:
        found = parted(source.text()) if source.hasText() and len(source.text()) <= MOST else None
        if found is None:
            super().insertFromMimeData(source)
            return
        headers, body = found
        self.textCursor().insertText(headers)
        self.show_beginning()
        self.parted.emit(body)


class CheckRequestDialog(Dialog):
    """Against the secret of one destination, the one before that while it is still taken, or one that is
    typed. Nothing that is pasted is kept.
    """

    def __init__(
        self,
        context: Context,
        destination: Destination,
        old_secrets: OldSecrets,
        parent: QWidget | None = None,
    ) -> None:
        sentence = f"Paste what a receiver of {destination.title} was sent. Nothing of it is kept."
        super().__init__(context.theme, "Check a request", sentence, parent=parent)
        self.setMinimumWidth(_CHECK_WIDTH)
        self._context, self._destination, self._is_closed = context, destination, False
        self._old: OldSecret | None = None
        wanted = _NONE if destination.secret is None else _OTHER
        self.typed = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText=wanted)
        self.typed.setAccessibleName(wanted)
        self.headers, self.body_editor = _HeadersEditor(), _PasteEditor()
        self._set_up(self.headers, "Headers")
        self._set_up(self.body_editor, "Body")
        if self._room.height() < _CHECK_LOW:
            for editor in (self.headers, self.body_editor):
                spread(editor)
        self.headers.setPlaceholderText("X-Webhook-Signature: sha256=…\nX-Webhook-Timestamp: …")
        self.verdict = VerdictCard(context.theme)
        self.findings = Label(wrap=True, selectable=True)
        self.findings.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.against = Label("", Look.DIM, wrap=True)
        left, right = QWidget(), QWidget()
        in_column(
            Label("Secret", Look.SECTION),
            self.against,
            self.typed,
            Label("Headers", Look.SECTION),
            (self.headers, 1),
            Label("Body", Look.SECTION),
            (self.body_editor, 1),
            within=left,
        )
        in_column(self.verdict, self.findings, None, within=right)
        self.add_widget(Columns(left, right), 1)
        self.clear_button = push_button(context.theme, "Clear", self._clear, icon=Icon.CLOSE)
        self.set_close_button(left=[self.clear_button])
        for editor in (self.headers, self.body_editor):
            editor.textChanged.connect(self._check)
            editor.refused.connect(self._say_refused)
        self.headers.parted.connect(self._take_body)
        self.typed.textChanged.connect(self._check)
        self.finished.connect(self._end)
        find = partial(old_secrets.find, str(destination.key), now=context.clock())
        context.runner.job(lambda monitor: find(), on_done=self._take_old, on_failed=lambda error: None)
        self._check()
        self.headers.setFocus()

    def _set_up(self, editor: QPlainTextEdit, name: str) -> None:
        editor.setFont(self.theme.mono_font())
        editor.setLineWrapMode(QPlainTextEdit.LineWrapMode.WidgetWidth)  # the signature is seen whole
        editor.setWordWrapMode(QTextOption.WrapMode.WrapAnywhere)
        editor.setAccessibleName(name)
        editor.setMinimumHeight(_CHECK_HEIGHT)

    def _take_body(self, body: str) -> None:
        """In the place of what was there, which Ctrl+Z in its box gives back."""
        cursor = self.body_editor.textCursor()
        cursor.select(QTextCursor.SelectionType.Document)
        cursor.insertText(body)
        announce(self.body_editor, "A whole request was pasted; its body is in its own box.")

    def _take_old(self, old: OldSecret | None) -> None:
        self._old = old
        if not self._is_closed:
            self._check()

    def _secrets(self) -> list[Tried]:
        if self.typed.text():
            return [Tried(Secret(self.typed.text()), "the secret that was typed")]
        found = [Tried(one, "the present secret") for one in [self._destination.secret] if one is not None]
        old = self._old
        if old is not None and old.until > self._context.clock() and old.secret != self._destination.secret:
            until = utc_time(old.until)
            until = until if old.in_keyring else f"this database is closed, at most until {until}"
            found.append(Tried(old.secret, f"the old secret, taken until {until}"))
        return found

    def _check(self) -> None:
        secrets = self._secrets()
        self.against.setText(_against(secrets))
        found: Checked = check(
            self.headers.toPlainText(), self.body_editor.toPlainText(), secrets, now=self._context.clock()
        )
        if found.title != self.verdict.title.text():
            announce(self.verdict, found.title)
        why = found.findings[0] if found.findings else ""
        self.verdict.show_verdict(*_LOOKS[found.holds], found.title, why)
        rest = found.findings[1:_FINDINGS]
        self.findings.say("\n".join(rest))

    def _say_refused(self, why: str) -> None:
        self.verdict.show_verdict(*_LOOKS[None], "Too much to check", why)
        self.findings.hide()
        announce(self.verdict, why)

    def _clear(self) -> None:
        for editor in (self.headers, self.body_editor):
            editor.clear()
        self.typed.clear()
        self.headers.setFocus()

    def _end(self) -> None:
        self._is_closed = True
        self._clear()


def _against(secrets: list[Tried]) -> str:
    if not secrets:
        return "This webhook has no secret. Type the one that the sender has."
    return f"Checked with {' and with '.join(one.name for one in secrets)}."
