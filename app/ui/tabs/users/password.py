"""The form for a user's new password, and the dialog that shows a generated one this once."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QComboBox, QLineEdit, QWidget

from app.services.records import passwords, users
from app.services.records.passwords import Strength, Typed
from app.services.records.record import Record
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.theme import Theme, set_property
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import CheckBox, push_button
from app.ui.widgets.clipboard import CopyKeys, SecretBox, copy_secret
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.form_dialog import FieldValue, FormDialog, checked
from app.ui.widgets.labels import Label, Look, in_column, name_choice, text_box
from app.ui.widgets.later import later
from app.workers.runner import Task
from models.engine import Database

_GENERATE, _TYPE = "Generate one", "Type one"
_LOOKS = (Look.BAD, Look.BAD, Look.WARN, Look.OK, Look.OK)
_AROUND_LINE = 20
_valid = checked(passwords.valid)


class _PickList(QComboBox):
    """`closed` when its list was open."""

    closed = Signal()

    def hidePopup(self) -> None:
        super().hidePopup()
        self.closed.emit()


class PasswordField(QWidget):
    """`PasswordField(context, about)`: generates a password, or takes one that is typed, and says how hard
    that is to guess, where it has words of what it is `about`.

    `changed()` with every edit; `value()` is what was typed, empty where one is to be generated.
    """

    changed = Signal()
    is_unfinished = False

    def __init__(self, context: Context, about: tuple[str, ...]) -> None:
        super().__init__()
        self._context, self._about = context, about
        self._judging: Task | None = None
        self.how = _PickList()
        name_choice(self.how, "How the password is set")
        self.how.addItems([_GENERATE, _TYPE])
        self.typed = QLineEdit(echoMode=QLineEdit.EchoMode.Password, placeholderText="The new password")
        self.typed.setAccessibleName("New password")
        self.show_it = CheckBox("Show what is typed")
        self.strength = Label(wrap=True)
        in_column(self.how, self.typed, self.show_it, self.strength, within=self, spacing=4)
        self.how.currentIndexChanged.connect(self._chosen)
        self.how.closed.connect(lambda: later(self, 0, self._go_on))  # it is chosen then
        self.typed.textChanged.connect(self._edited)
        self.show_it.toggled.connect(
            lambda on: self.typed.setEchoMode(
                QLineEdit.EchoMode.Normal if on else QLineEdit.EchoMode.Password
            )
        )
        self._chosen()

    @property
    def is_typed(self) -> bool:
        return self.how.currentText() == _TYPE

    def value(self) -> str:
        return self.typed.text() if self.is_typed else ""

    def check(self, value: FieldValue) -> str:
        """What a form asks; how strong it is, is judged elsewhere, which may take a moment."""
        return _valid(value) if self.is_typed else ""

    def _chosen(self) -> None:
        for part in (self.typed, self.show_it):
            part.setVisible(self.is_typed)
        self.setFocusProxy(self.typed if self.is_typed else self.how)
        self._edited()

    def _go_on(self) -> None:
        if self.is_typed:
            self.typed.setFocus()

    def _edited(self) -> None:
        if self._judging is not None:
            self._judging.cancel()
            self._judging = None
        self.strength.setVisible(not self.is_typed)
        if not self.is_typed:
            self.strength.setText("It is shown once, when it has been stored, so that you can pass it on.")
            set_property(self.strength, "look", Look.DIM)
        elif self.value():
            typed = Typed(self.value(), self._about)
            self._judging = self._context.runner.read(_strength, typed, on_done=self._judged)
        self.changed.emit()

    def _judged(self, found: Strength) -> None:
        self._judging = None
        self.strength.setText(found.words)
        set_property(self.strength, "look", _LOOKS[found.score])
        self.strength.show()


def _strength(database: Database, typed: Typed) -> Strength:
    return typed.strength


def password_form(context: Context, user: Record, parent: QWidget | None = None) -> FormDialog:
    """Sets the user's password; one that was generated is shown once it is stored."""
    email, tenant = user.text("email"), user.text("tenant_id")
    replaced = " It takes the place of the one that is stored." if user["has_password"] else ""
    sentence = f"For {declared.user_and_tenant(user)}.{replaced}"
    form = FormDialog(context.theme, "Set password", sentence, action="Set password", parent=parent)
    field = PasswordField(context, (email, tenant))
    form.add_field("password", "Password", field, field.check)
    field.setFocus()

    generated: list[str] = []

    def write() -> None:
        password = field.value() or passwords.generated()
        generated[:] = [] if field.is_typed else [password]  # of several tries the last is stored
        typed = Typed(password, (email, tenant))
        form.write(context.act, users.set_password, user["id"], typed)

    def show() -> None:
        for password in generated:
            PasswordShown(context.theme, email, password, parent).open_once()

    form.submitted.connect(write)
    form.accepted.connect(show)
    return form


class PasswordShown(Dialog):
    """Shows a new password this once; it goes to the clipboard when that is asked for."""

    def __init__(self, theme: Theme, email: str, password: str, parent: QWidget | None = None) -> None:
        sentence = f"The new password of {email} is shown this once; only what checks it is stored."
        super().__init__(theme, "Password set", sentence, parent=parent)
        self.field = text_box(theme, "New password", password, kind=SecretBox)
        self.field.setLineWrapMode(SecretBox.LineWrapMode.WidgetWidth)  # all of it shows at once
        self.field.setFixedHeight(self.field.fontMetrics().lineSpacing() + _AROUND_LINE)
        self.add_widget(self.field)
        self.copied = Label("It is on the clipboard until something else is.", Look.DIM, wrap=True)
        self.copied.hide()
        self.add_widget(self.copied)
        self.copy_button = push_button(theme, "Copy", lambda: copy_secret(password), icon=Icon.COPY)
        self.copy_button.clicked.connect(self.copied.show)
        CopyKeys(self.field, self.copy_button.click)
        self.set_close_button(left=[self.copy_button])
        self.copy_button.setFocus()
