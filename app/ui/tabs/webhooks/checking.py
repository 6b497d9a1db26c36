"""Checks a request that somebody has received: whether its signature holds, and what differs."""

from functools import partial

from PySide6.QtCore import QMimeData, Qt, Signal
from PySide6.QtGui import QTextCursor, QTextOption
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QWidget

from app.itemmodels.columns import Tone
from app.services.deliveries.checking import MOST, Checked, Tried, check, parted
from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import OldSecret, OldSecrets
from app.services.records.webhooks import Secret
from app.services.text import utc_time
from app.ui.session.context import Context
from app.ui.tabs.webhooks.event_views import VerdictCard
from app.ui.theme.icons import Icon
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import push_button
from app.ui.widgets.clipboard import PasteBox
from app.ui.widgets.columns import Columns
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label, Look, in_column
from app.ui.widgets.later import later

_LOOKS = {True: (Tone.OK, Icon.OK), False: (Tone.BAD, Icon.BAD), None: (Tone.NEUTRAL, Icon.INFO)}
_HEIGHT = 110
_WIDTH = 860
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
        self.setMinimumWidth(_WIDTH)
        self._context, self._destination, self._is_closed = context, destination, False
        self._old: OldSecret | None = None
        wanted = _NONE if destination.secret is None else _OTHER
        self.typed = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText=wanted)
        self.typed.setAccessibleName(wanted)
        self.headers, self.body_editor = _HeadersEditor(), _PasteEditor()
        self._set_up(self.headers, "Headers")
        self._set_up(self.body_editor, "Body")
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
        editor.setMinimumHeight(_HEIGHT)

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
        self.findings.setText("\n".join(rest))
        self.findings.setVisible(bool(rest))

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
