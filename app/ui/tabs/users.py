"""A tenant's users."""

from collections.abc import Sequence
from typing import Any

from app.itemmodels.columns import Column
from app.services.records.change import Change
from app.services.records.record import Record
from app.services.records.tables import USERS
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import USERS_TAB
from app.ui.tabs.common.record_acts import create_act, delete_act, edit_act, history_act
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme.icons import Icon
from app.ui.widgets.fields import FieldList


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
        add(delete_act(self, _delete, "email"))
        add(history_act(self))

    def _create(self) -> None:
        from app.ui.tabs.user_forms import NewUserDialog  # noqa: PLC0415

        NewUserDialog(self.context, self.scope.tenant_id, self).open_once()

    def _edit(self, user: Record) -> None:
        from app.ui.tabs.user_forms import EditUserDialog  # noqa: PLC0415

        EditUserDialog(self.context, user, self).open_once()


# This tab is the first in sight: it shows rows before what acts on them and the forms are loaded.


def _delete(*args: Any, **options: Any) -> Change:
    from app.services.records import users  # noqa: PLC0415

    return users.delete(*args, **options)
