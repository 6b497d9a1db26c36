"""A webhook's secret: shown for a moment when that is asked for, and replaced by a new one."""

from functools import partial
from typing import ClassVar, Final

from PySide6.QtCore import QTimer, Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QMenu, QWidget
from shiboken6 import Shiboken

from app.services.deliveries.destination import Destination
from app.services.deliveries.signing import OldSecret, OldSecrets, SecretForm, generated
from app.services.records import webhooks
from app.services.records.webhooks import Secret
from app.ui.session.context import Context
from app.ui.theme import Icon
from app.ui.widgets.actions import give_letters
from app.ui.widgets.announcing import announce
from app.ui.widgets.buttons import give_menu, push_button
from app.ui.widgets.clipboard import CopyKeys, SecretBox, copy_secret
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.labels import Label, Look, in_row, text_box
from models.status import DAY, HOUR

SHOWN_SECONDS: Final = 10
LONGER_SECONDS: Final = 60
MOST_SECONDS: Final = 120
"""After which it is hidden in any case: somebody may have gone."""
_TICK_MS = 1_000
_LINES = 2
_WAITS = "Shown for as long as this field has the focus, two minutes at most."
_DOTS = "•" * 24
_FORMS = (
    ("whsec_ and base64, as the Standard Webhooks say", SecretForm.STANDARD),
    ("64 digits of hex", SecretForm.HEX),
)
_PERIODS = (("for 24 hours", DAY), ("for an hour", HOUR), ("for 7 days", 7 * DAY), ("no longer", 0))

_IN_ONE_LINE = 64
"""Letters of a secret that stand in one line: it is read, and spelt, by where its lines end."""
_AROUND = 80
"""Pixels at both sides of them, for the dialog's edges, the frame and a scroll bar."""


class SecretDialog(Dialog):
    """Shows a secret for ten seconds, or longer where that is asked for, and puts it on the clipboard once;
    then neither of both any more. The time stands still while the field has the focus, which is where a
    screen reader spells it, for no more than two minutes.
    """

    def __init__(
        self, context: Context, title: str, sentence: str, secret: Secret, parent: QWidget | None = None
    ) -> None:
        super().__init__(context.theme, title, sentence, icon=Icon.KEY, parent=parent)
        self._secret: Secret | None = secret
        self._left, self._spent = SHOWN_SECONDS, 0
        self.field = text_box(context.theme, "Secret", secret.value, kind=SecretBox)
        self.field.setLineWrapMode(SecretBox.LineWrapMode.WidgetWidth)  # all of it shows at once
        CopyKeys(self.field, self._copy)
        wide = self.field.fontMetrics().horizontalAdvance(secret.value[:_IN_ONE_LINE])
        self.setMinimumWidth(wide + _AROUND)  # on a screen that has room for it
        self.field.setFixedHeight(_LINES * self.field.fontMetrics().lineSpacing() + 24)
        self.note = Label("", Look.DIM, wrap=True)
        for part in (self.field, self.note):
            self.add_widget(part)
        self.copy_button = push_button(context.theme, "Copy once", self._copy, icon=Icon.COPY)
        self.longer_button = push_button(context.theme, "Show longer", self._show_longer, icon=Icon.REVEAL)
        self.set_close_button(left=[self.copy_button, self.longer_button])
        self.copy_button.setFocus()
        self._clock = QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self._clock.start()
        self.finished.connect(self.hide_secret)
        self._say()

    def _tick(self) -> None:
        self._spent += 1
        if not self.field.hasFocus():
            self._left -= 1
        if self._left <= 0 or self._spent >= MOST_SECONDS:
            self.hide_secret()
        else:
            self._say()

    def _say(self) -> None:
        waits = self.field.hasFocus()
        left = min(self._left, MOST_SECONDS - self._spent)
        self.note.setText(_WAITS if waits else f"Hidden in {left} s.")

    def _show_longer(self) -> None:
        self._left = LONGER_SECONDS
        self._say()
        announce(self.note, self.note.text())

    def _copy(self) -> None:
        if self._secret is not None:
            copy_secret(self._secret.value)
            self.hide_secret()
            self.note.setText("It is on the clipboard until something else is.")

    def hide_secret(self) -> None:
        """Nothing of it is held any more."""
        had_focus = any(part.hasFocus() for part in (self.copy_button, self.longer_button, self.field))
        self._secret = None
        self._clock.stop()
        self.field.setPlainText(_DOTS)
        for button in (self.copy_button, self.longer_button):
            button.setEnabled(False)
        self.note.setText("It is hidden again; ask for it once more if you need it.")
        if had_focus:
            self.close_button.setFocus()


def reveal(context: Context, destination: Destination, parent: QWidget | None = None) -> SecretDialog | None:
    """Shows the secret that is stored; None where there is none."""
    if destination.secret is None:
        return None
    sentence = f"Of {destination.title}, a webhook of {destination.tenant}."
    return SecretDialog(context, "Secret", sentence, destination.secret, parent)


class SecretField(QWidget):
    """`SecretField(context)`: a line for a secret, which shows dots, and "Generate" beside it.

    `changed()` with every edit; `made` is what was generated, for as long as it stands there unedited.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(self, context: Context) -> None:
        super().__init__()
        self._made = Secret("")
        self.line = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
        self.line.setAccessibleName("Secret")
        self.button = push_button(context.theme, "Generate", icon=Icon.KEY)
        self.button.setAutoDefault(False)
        menu = QMenu(self.button)
        menu.setAccessibleName("Form of the secret")
        for words, form in _FORMS:
            menu.addAction(words, partial(self._generate, form))
        give_letters(menu)
        give_menu(self.button, menu)
        in_row((self.line, 1), self.button, within=self, spacing=8)
        self.line.textChanged.connect(self.changed)
        self.setFocusProxy(self.line)

    def value(self) -> str:
        return self.line.text()

    @property
    def made(self) -> Secret | None:
        return self._made if self._made.value and self._made.value == self.line.text() else None

    def _generate(self, form: SecretForm) -> None:
        self._made = generated(form)
        self.line.setText(self._made.value)
        announce(self.line, "A secret was generated.")


def show_new(context: Context, title: str, secret: Secret, parent: QWidget | None = None) -> SecretDialog:
    """Shows a generated secret that has been stored, with whom it is for."""
    told = f"The new secret of {title}. Give it to whoever receives, and to nobody else."
    dialog = SecretDialog(context, "New secret", told, secret, parent)
    dialog.open_once()
    return dialog


class _Form(FormDialog):
    holds_work: ClassVar[bool] = False


def rotate_form(
    context: Context, destination: Destination, old_secrets: OldSecrets, parent: QWidget | None = None
) -> FormDialog:
    """Replaces the secret by a generated one, which is shown when it has been stored."""
    old = destination.secret
    title = "Rotate secret" if old is not None else "Generate secret"
    sentence = f"For {destination.title}, a webhook of {destination.tenant}."
    if old is not None:
        sentence += (
            " The platform signs with the new one as soon as it is stored: whoever receives has to know it "
            "then, and may take both for a while."
        )
    form = _Form(context.theme, title, sentence, action=title, parent=parent)
    forms = QComboBox()
    for words, kind in _FORMS:
        forms.addItem(words, kind.value)
    form.add_field("form", "Form of the new secret", forms)
    if old is not None:
        periods = QComboBox()
        for words, seconds in _PERIODS:
            periods.addItem(words, seconds)
        hint = (
            "By “Check a request” of this program. It is kept in the system keyring, or only until this "
            "database is closed."
        )
        form.add_field("period", "The old one is still taken", periods, hint=hint)
    forms.setFocus()

    made: list[Secret] = []

    def write() -> None:
        made[:] = [generated(SecretForm(str(form.values()["form"])))]
        form.write(context.act, webhooks.set_secret, destination.key, made[0])

    def stored() -> None:
        seconds = int(form.values().get("period", 0))
        shown = list[SecretDialog]()
        if old is not None:
            kept = OldSecret(old, context.clock() + seconds)
            _keep(context, old_secrets, str(destination.key), kept, shown)
        shown.append(show_new(context, destination.title, made.pop(), parent))

    form.accepted.connect(stored)
    form.submitted.connect(write)
    return form


def _keep(
    context: Context, old_secrets: OldSecrets, webhook: str, old: OldSecret, shown: list[SecretDialog]
) -> None:
    """In the background: a keyring may take its time. What became of it has more room in what is `shown`."""
    if old.until <= context.clock():
        context.job(
            "Forgetting the old secret…", lambda _: old_secrets.forget(webhook), on_done=lambda _: None
        )
        return

    def say(why: str | None) -> None:
        for dialog in shown if why is not None else ():
            if Shiboken.isValid(dialog) and dialog.isVisible():
                dialog.sentence.setText(f"{dialog.sentence.text()} {why}")
        if why is not None:
            context.say(f"Secret replaced. {why}", undoes=True)

    def work(_: object) -> str | None:
        old_secrets.forget_over(now=context.clock())
        return old_secrets.keep(webhook, old)

    context.job("Keeping the old secret…", work, on_done=say)
