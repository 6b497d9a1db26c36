"""The forms for a new user and for another e-mail address."""

from PySide6.QtWidgets import QLineEdit, QWidget

from app.services import text
from app.services.records import users
from app.services.records.record import Record
from app.ui.shell.context import Context
from app.ui.widgets.form_dialog import FormDialog, checked


class NewUserDialog(FormDialog):
    """Asks for tenant and e-mail address; the tenant in view is filled in."""

    def __init__(self, context: Context, tenant: str | None, parent: QWidget | None = None) -> None:
        super().__init__(
            context.theme,
            "New user",
            "The user has no password until one is set.",
            action="Create user",
            parent=parent,
        )
        self._context = context
        tenant_field = QLineEdit(tenant or "")
        email_field = QLineEdit()
        email_field.setPlaceholderText("name@example.com")
        self.add_field("tenant_id", "Tenant", tenant_field, checked(text.tenant_id))
        self.add_field("email", "E-mail address", email_field, checked(users.valid_email))
        self.set_clean()
        (email_field if tenant else tenant_field).setFocus()
        self.submitted.connect(self._submit)

    def _submit(self) -> None:
        values = self.values()
        self.write(self._context.act, users.create, str(values["tenant_id"]), str(values["email"]))


class EditUserDialog(FormDialog):
    """Asks for another e-mail address."""

    def __init__(self, context: Context, user: Record, parent: QWidget | None = None) -> None:
        super().__init__(
            context.theme, "Edit e-mail address", f"User of {user['tenant_id']}", action="Save", parent=parent
        )
        self._context = context
        self._user = user
        field = QLineEdit(user.text("email"))
        field.selectAll()
        self.add_field("email", "E-mail address", field, checked(users.valid_email))
        self.set_clean()
        field.setFocus()
        self.submitted.connect(self._submit)

    def _submit(self) -> None:
        self.write(self._context.act, users.rename, self._user["id"], str(self.values()["email"]))
