"""A tenant's users, and the forms for a new one and for another e-mail address."""

from collections.abc import Sequence

from PySide6.QtWidgets import QLineEdit, QWidget

from app.itemmodels.columns import Column
from app.services import text
from app.services.records import users
from app.services.records.record import Record
from app.services.records.tables import USERS
from app.ui.shell.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import USERS_TAB
from app.ui.tabs.common.record_acts import create_act, delete_act, edit_act, history_act
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme.icons import Icon
from app.ui.widgets.fields import FieldList
from app.ui.widgets.form_dialog import FormDialog, checked


class UsersTab(RecordTab):
    """Users: search, create, edit the e-mail address, delete."""

    spec = USERS_TAB

    def columns(self) -> Sequence[Column]:
        return declared.columns(self.context, USERS, has_password={"icon": declared.either(Icon.KEY)})

    def build_inspector(self) -> None:
        self._fields = FieldList(self.context.theme)
        self.inspector.add_widget(self._fields)
        self.inspector.add_stretch()

    def show_details(self, record: Record) -> None:
        self.inspector.set_header(record.text("email"), f"user of {record['tenant_id']}")
        self._fields.set_fields(declared.fields(self.context, record))

    def add_acts(self) -> None:
        add = self.commands.add
        add(create_act(self, "New user", self._create))
        add(edit_act(self, "Edit e-mail", self._edit))
        add(delete_act(self, users.delete, "email"))
        add(history_act(self))

    def _create(self) -> None:
        NewUserDialog(self.context, self.scope.tenant_id, self).open_once()

    def _edit(self, user: Record) -> None:
        EditUserDialog(self.context, user, self).open_once()


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
