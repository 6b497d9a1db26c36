"""The form that gives users to another tenant."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from PySide6.QtWidgets import QWidget

from app.services.records import users
from app.services.records.seen import Seen
from app.services.records.tables import USERS, Scope
from app.services.text import counted, some_of, tenant_name, visible
from app.ui.session.context import Context
from app.ui.tabs.common.form_fields import PriceLine, TenantField
from app.ui.widgets.long_form import LongForm

_NAMED: Final = 3
"""Addresses and tenants that a sentence names; the rest are counted."""


@dataclass(frozen=True, slots=True)
class Moving:
    """Who is moved, as far as it is at hand: addresses, and how many of which tenant."""

    ids: Sequence[Any]
    emails: Counter[Any] | None = None
    owners: Counter[Any] | None = None

    @property
    def own(self) -> Any:
        """The tenant that all of them are of; None where they are of several."""
        return next(iter(self.owners)) if self.owners is not None and len(self.owners) == 1 else None

    def words(self) -> str:
        """Who they are, and from where they go."""
        names = sorted(visible(str(one)) for one in self.emails or ())
        if len(self.ids) == 1 and names:
            who = names[0]
        else:
            who = counted(len(self.ids), "user")
            who += f" ({some_of(names, _NAMED, len(self.ids))})" if names else ""
        if not self.owners:
            return who
        most = self.owners.most_common()
        each = [f"{visible(tenant_name(str(one)))} ({rows:,})" for one, rows in most]
        owners = visible(tenant_name(str(most[0][0]))) if len(most) == 1 else some_of(each, _NAMED)
        return f"{who} of {owners}"


def move_form(context: Context, moving: Moving, seen: Seen, parent: QWidget | None = None) -> LongForm:
    """Moves these users, who were `seen` as they are, to the tenant that is chosen: another than their own,
    where all are of one.
    """
    ids, own, is_one = moving.ids, moving.own, len(moving.ids) == 1
    count = counted(len(ids), "user")
    them = "that user" if is_one else "them"
    sentence = (
        f"{moving.words()} will be moved to another tenant, with an entry in both chains. What other tables "
        f"hold of {them} stays as it is. Undo moves {them} back."
    )
    if not is_one:
        sentence += " Those whose address is taken there stay."
    form = LongForm(context.theme, "Move to another tenant", sentence, action=f"Move {count}", parent=parent)
    field = TenantField([one for one in context.tenants if one != own], None, context.erased)
    form.add_field("tenant_id", "Tenant", field, field.check, " ")

    def promise() -> None:
        """How many of them can move there at most: those of it stay."""
        there = 0 if moving.owners is None else moving.owners[field.value()]
        going = f"{len(ids) - there:,} of {count}" if there else count
        form.action_button.setText(f"Move {going}")
        of_it = f"{there:,} of them {'is' if there == 1 else 'are'} of {visible(field.value())} already."
        form.set_hint(of_it if there else " ", "tenant_id")

    price = PriceLine(context)

    def looks() -> int:
        """The addresses of a tenant are compared as people read them, which no index does; of several those
        who cannot move are found first.
        """
        return (1 if is_one else 2) * context.rows_of(USERS.name, Scope(field.value()))

    def tell_price() -> None:
        price.tell_changed(USERS.name, ("tenant_id",), len(ids), 2 * len(ids), looks())

    field.changed.connect(promise)
    field.changed.connect(tell_price)
    tell_price()
    form.add_condition(price)
    field.setFocus()

    def move() -> None:
        tenant = field.value()
        act = partial(context.act, users.move, ids, seen=seen, watching=form.monitor(len(ids)))
        write, times = partial(form.write, act, tenant), 1 if is_one else 2
        context.when_compared(tenant, write, form, form.set_busy, times=times)

    form.submitted.connect(move)
    return form
