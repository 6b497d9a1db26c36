"""The form that gives users to another tenant."""

from collections.abc import Sequence
from functools import partial
from typing import Any

from PySide6.QtWidgets import QWidget

from app.services.records import users
from app.services.records.seen import Seen
from app.services.records.tables import USERS, Scope
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import TenantField
from app.ui.widgets.long_form import LongForm


def move_form(
    context: Context, ids: Sequence[Any], seen: Seen, own: object = None, parent: QWidget | None = None
) -> LongForm:
    """Moves these users, who were `seen` as they are, to the tenant that is chosen: another than their `own`,
    where all are of one.
    """
    count = counted(len(ids), "user")
    sentence = (
        f"{count} will be another tenant's, with an entry in the chain of both. What other tables hold of "
        f"{'that user' if len(ids) == 1 else 'them'} stays as it is. Undo moves all of it back."
    )
    form = LongForm(context.theme, "Move to another tenant", sentence, action=f"Move {count}", parent=parent)
    field = TenantField([one for one in context.tenants if one != own], None)
    form.add_field("tenant_id", "Tenant", field, field.check)
    form.add_widget(form.bar)
    field.setFocus()

    def move() -> None:
        tenant = field.value()
        act = partial(context.act, users.move, ids, seen=seen, watching=form.monitor())
        # The addresses of a tenant are compared as people read them, which no index does.
        looks = 1 if len(ids) == 1 else 2  # of several those who cannot move are found first
        context.when_agreed(
            looks * context.rows_of(USERS.name, Scope(tenant)), partial(form.write, act, tenant), form
        )

    form.submitted.connect(move)
    return form
