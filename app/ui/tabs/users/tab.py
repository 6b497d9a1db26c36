"""A tenant's users."""

from collections.abc import Callable, Sequence
from typing import Any

from app.itemmodels.columns import Column
from app.services.records import users
from app.services.records.list_query import Value
from app.services.records.users import UserRecord
from app.ui.tabs.common import cells
from app.ui.tabs.common.record_acts import create_act, delete_act, edit_act, history_act
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.tab_spec import TabSpec
from app.ui.tabs.users.dialog import EditUserDialog, NewUserDialog
from app.ui.theme.icons import Icon
from app.ui.widgets.field_list import Field, FieldList
from app.ui.widgets.filter_row import Pick


class UsersTab(RecordTab):
    """Users: search, create, edit the e-mail address, delete."""

    spec = TabSpec(
        table="users",
        title="Users",
        icon=Icon.USERS,
        hint="Filter by e-mail or id…",
        noun=("user", "users"),
        empty=("No users yet", "Create the first one with “New user”."),
        picks=(Pick("has_password", "Password", "Any password"),),
        dates=True,
        main="email",
    )

    def columns(self) -> Sequence[Column]:
        context = self.context
        return (
            cells.text("email", "E-mail"),
            cells.text("tenant_id", "Tenant", dim=True),
            cells.identifier("id", "Id"),
            cells.flag("has_password", "Password", ("set", Icon.KEY), ("none", None)),
            cells.time("created_at", "Created", context),
            cells.time("updated_at", "Updated", context),
        )

    def build_inspector(self) -> None:
        self._fields = FieldList(self.context.theme)
        self.inspector.add_widget(self._fields)
        self.inspector.add_stretch()

    def load(self) -> Callable[..., Any]:
        return users.get

    def show_details(self, record: UserRecord) -> None:
        self.inspector.set_header(record.email, f"user of {record.tenant_id}")
        self._fields.set_fields(
            [
                Field("E-mail", record.email),
                Field("Id", record.id, mono=True),
                Field("Tenant", record.tenant_id),
                Field("Password", "set" if record.has_password else "none", can_copy=False),
                *cells.time_fields(
                    self.context, ("Created", record.created_at), ("Updated", record.updated_at)
                ),
            ]
        )

    def add_acts(self) -> None:
        add = self.commands.add
        add(create_act(self, "New user", self._create))
        add(edit_act(self, "Edit e-mail", self._edit))
        add(delete_act(self, users.delete, "email"))
        add(history_act(self))

    def choice_label(self, column: str, value: Value) -> str:
        return "Password set" if value else "No password"

    def _create(self) -> None:
        NewUserDialog(self.context, self.scope.tenant_id, self).open_once()

    def _edit(self, user: UserRecord) -> None:
        EditUserDialog(self.context, user, self).open_once()
