"""A tenant's users."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.itemmodels.columns import Column
from app.services import users
from app.services.list_query import Value
from app.services.users import UserRecord
from app.ui.actions import ActionSpec, Place
from app.ui.dialogs.user import EditUserDialog, NewUserDialog
from app.ui.icons import Icon
from app.ui.tabs import cells
from app.ui.tabs.deleting import delete_selected
from app.ui.tabs.record_tab import RecordTab, TabSpec
from app.ui.theme import Kind
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
        one = partial(self.refuse_unless_selected, single=True)
        self.commands.add(
            ActionSpec(
                "create",
                "New user",
                Icon.ADD,
                self._create,
                lambda: self.context.cannot_write,
                "Ctrl+Shift+N",
                Kind.PRIMARY,
                Place.FILTER_ROW,
            )
        )
        self.commands.add(
            ActionSpec("edit", "Edit e-mail", Icon.EDIT, self._edit, one, "F2", place=Place.INSPECTOR)
        )
        self.commands.add(
            ActionSpec(
                "delete",
                "Delete",
                Icon.DELETE,
                partial(delete_selected, self, users.delete, "email"),
                self.refuse_unless_selected,
                "Del",
                place=Place.INSPECTOR,
            )
        )
        self.add_history_act()

    def choice_label(self, column: str, value: Value) -> str:
        return "Password set" if value else "No password"

    def _create(self) -> None:
        NewUserDialog(self.context, self.scope.tenant_id, self).open_once()

    def _edit(self) -> None:
        self.when_shown(lambda user: EditUserDialog(self.context, user, self).open_once())
