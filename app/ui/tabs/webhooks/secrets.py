"""A webhook's secret: shown for a moment when that is asked for, and replaced by a new one."""

from typing import ClassVar, Final

from PySide6.QtCore import QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QComboBox, QWidget

from app.services.deliveries.destination import Destination
from app.services.deliveries.old_secrets import OldSecret, OldSecrets
from app.services.deliveries.signing import SecretForm, generated
from app.services.records import webhooks
from app.services.records.webhooks import Secret
from app.ui.session.context import Context
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FormDialog
from app.ui.widgets.labels import FoldedLabel, Label, Look

SHOWN_SECONDS: Final = 10
_TICK_MS = 1_000
_LINES = 6
_DOTS = "•" * 24
_FORMS = (
    ("whsec_ and base64, as the Standard Webhooks say", SecretForm.STANDARD),
    ("64 digits of hex", SecretForm.HEX),
)
_HOUR = 3_600
_PERIODS = (
    ("for 24 hours", 24 * _HOUR),
    ("for an hour", _HOUR),
    ("for 7 days", 168 * _HOUR),
    ("no longer", 0),
)


class SecretDialog(Dialog):
    """Shows a secret for ten seconds, and puts it on the clipboard once; then neither of both any more."""

    def __init__(
        self, context: Context, title: str, sentence: str, secret: Secret, parent: QWidget | None = None
    ) -> None:
        super().__init__(context.theme, title, sentence, icon=Icon.KEY, parent=parent)
        self._secret: Secret | None = secret
        self._left = SHOWN_SECONDS
        self.field = FoldedLabel(secret.value, most=_LINES, caption="Secret")  # which nobody can select
        self.field.setFont(context.theme.mono_font())
        self.note = Label("", Look.DIM, wrap=True)
        for part in (self.field, self.note):
            self.add_widget(part)
        self.copy_button = push_button(context.theme, "Copy once", self._copy, icon=Icon.COPY)
        self.set_close_button(left=[self.copy_button])
        self.copy_button.setFocus()
        self._clock = QTimer(self, interval=_TICK_MS)
        self._clock.timeout.connect(self._tick)
        self._clock.start()
        self.finished.connect(self.hide_secret)
        self._say()

    def _tick(self) -> None:
        self._left -= 1
        if self._left <= 0:
            self.hide_secret()
        else:
            self._say()

    def _say(self) -> None:
        self.note.setText(f"Hidden in {self._left} s.")

    def _copy(self) -> None:
        if self._secret is not None:
            QGuiApplication.clipboard().setText(self._secret.value)
            self.hide_secret()
            self.note.setText("It is on the clipboard until something else is.")

    def hide_secret(self) -> None:
        """Nothing of it is held any more."""
        had_focus = self.copy_button.hasFocus()
        self._secret = None
        self._clock.stop()
        self.field.setText(_DOTS)
        self.copy_button.setEnabled(False)
        self.note.setText("It is hidden again; ask for it once more if you need it.")
        if had_focus:
            self.close_button.setFocus()


def reveal(context: Context, destination: Destination, parent: QWidget | None = None) -> SecretDialog | None:
    """Shows the secret that is stored; None where there is none."""
    if destination.secret is None:
        return None
    sentence = f"Of {destination.title}, a webhook of {destination.tenant}."
    return SecretDialog(context, "Secret", sentence, destination.secret, parent)


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
        hint = "By “Check a request” of this program; it is kept in the system's keyring until then."
        form.add_field("period", "The old one is still taken", periods, hint=hint)
    forms.setFocus()

    made: list[Secret] = []

    def write() -> None:
        made[:] = [generated(SecretForm(str(form.values()["form"])))]
        form.write(context.act, webhooks.set_secret, destination.key, made[0])

    def stored() -> None:
        seconds = int(form.values().get("period", 0))
        if old is not None:
            _keep(context, old_secrets, str(destination.key), OldSecret(old, context.clock() + seconds))
        told = f"The new secret of {destination.title}. Give it to whoever receives, and to nobody else."
        SecretDialog(context, "New secret", told, made.pop(), parent).open_once()

    form.accepted.connect(stored)
    form.submitted.connect(write)
    return form


def _keep(context: Context, old_secrets: OldSecrets, webhook: str, old: OldSecret) -> None:
    """In the background: a keyring may take its time."""
    if old.until <= context.clock():
        context.job(
            "Forgetting the old secret…", lambda _: old_secrets.forget(webhook), on_done=lambda _: None
        )
        return

    def say(why: str | None) -> None:
        if why is not None:
            context.say(why)

    context.job("Keeping the old secret…", lambda _: old_secrets.keep(webhook, old), on_done=say)
