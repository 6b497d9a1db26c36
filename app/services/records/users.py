"""A tenant's users: create, edit the e-mail, delete; each an entry in the tenant's audit chain."""

import re
import uuid
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from peewee import fn

from app.services import text
from app.services.chain.append import Check, Event
from app.services.records import change as writing
from app.services.records.change import Change
from app.services.records.dependents import removal
from app.services.records.images import Images, RowChange, StoredRow, Value, chunks, shown
from models.engine import Database, Limits, Rows
from models.errors import InvalidInput, NotFound
from models.status import AuditEvent
from models.tables import User

TABLE = "users"

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[^@\s\"(),:;<>\[\]\\]+")


def valid_email(value: str) -> str:
    """The address without surrounding space. Raises `InvalidInput`."""
    email = text.single_line("email", "The e-mail address", value, longest=254)
    if not _EMAIL.fullmatch(email) or ".." in email or email.endswith("."):
        raise InvalidInput(
            "email", f"“{email}” is not an e-mail address; it needs the form name@example.com."
        )
    return email


def create(database: Database, tenant_id: str, email: str, *, actor: str, now: int) -> Change:
    """Adds a user without a password. Raises `InvalidInput` and the errors of `writing.commit`."""
    tenant = text.tenant_id(tenant_id)
    address = valid_email(email)
    row: dict[str, Value] = {
        "id": str(uuid.uuid4()),
        "tenant_id": tenant,
        "email": address,
        "password_hash": None,
        "created_at": now,
        "updated_at": now,
    }

    def plan(images: Images) -> Change:
        return Change(
            summary=f"User {address} created",
            rows=(images.created(TABLE, row),),
            events=(_event(AuditEvent.USER_CREATED, tenant, row, actor),),
            inverse_events=(_event(AuditEvent.USER_DELETED, tenant, row, actor),),
            checks=_Addresses({row["id"]: tenant}),
        )

    return writing.commit(database, plan, now=now)


def rename(database: Database, user_id: str, email: str, *, actor: str, now: int) -> Change:
    """Gives the user another e-mail address.

    Raises `NotFound`, `InvalidInput` and the errors of `writing.commit`.
    """
    address = valid_email(email)

    def plan(images: Images) -> Change:
        row = images.row(TABLE, user_id, "user")
        if address == row["email"]:
            raise InvalidInput("email", "This is already the user's e-mail address.")
        before = row.shown("email")
        return Change(
            summary=f"{before} is now {address}",
            rows=(images.changed(row, {"email": address}, now),),
            events=(_renamed(row, before, address, actor),),
            inverse_events=(_renamed(row, address, before, actor),),
            checks=_Addresses({user_id: row.tenant}),
        )

    return writing.commit(database, plan, now=now)


def delete(database: Database, user_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes users, and the rows of other tables that go with them; undoing puts all of them back whole.

    Raises `NotFound` when none of the users is left, and what `removal` raises.
    """

    def plan(images: Images) -> Change:
        rows = images.rows(TABLE, user_ids)
        if not rows:
            raise NotFound("user")
        gone = removal(images, rows)
        what = f"User {rows[0].shown('email')}" if len(rows) == 1 else text.plural(len(rows), "user")
        return Change(
            summary=f"{what} deleted{gone}",
            rows=gone.rows,
            events=tuple(
                _event(AuditEvent.USER_DELETED, row.tenant, row.image, actor, gone.of(row)) for row in rows
            ),
            inverse_events=tuple(
                _event(AuditEvent.USER_RESTORED, row.tenant, row.image, actor, gone.back(row)) for row in rows
            ),
            checks=_Addresses({row["id"]: row.tenant for row in rows}),
        )

    return writing.commit(database, plan, now=now)


_Judge = Callable[[RowChange, Value, str], None]
"""Takes a user, the id of another with an address of his, and that address."""


class _Addresses:
    """The checks that nobody else in the tenant has the address that a user is given.

    Two who had the same before an act may have it again after its undo: nothing has changed since.
    """

    def __init__(self, tenants: Mapping[Value, str]) -> None:
        """`tenants` says whose the users are, by their ids."""
        self._tenants = tenants
        self._known: set[tuple[Value, Value]] = set()

    def __call__(self, rows: Sequence[RowChange], limits: Limits) -> list[Check]:
        """One look for the addresses that these users have before and after, those of a tenant together."""
        wanted: dict[str, dict[str, list[tuple[_Judge, RowChange]]]] = {}  # tenant to address to its users
        users = [row for row in rows if row.table == TABLE and row.record_id in self._tenants]
        sides = [(self._refuse, user, user.after) for user in users]
        sides += [(self._know, user, user.before) for user in users]
        for judge, user, image in sides:
            email = (image or {}).get("email")
            if isinstance(email, str):
                of_tenant = wanted.setdefault(self._tenants[user.record_id], {})
                of_tenant.setdefault(email.lower(), []).append((judge, user))

        def tell(addresses: Mapping[str, Sequence[tuple[_Judge, RowChange]]], found: Rows) -> None:
            for lowered, other, email in found:
                for judge, user in addresses[lowered]:
                    if other != user.record_id:
                        judge(user, other, email)

        lowered = fn.LOWER(User.email)
        return [
            Check(
                User.select(lowered, User.id, User.email).where(User.tenant_id == tenant, lowered.in_(part)),
                partial(tell, addresses),
            )
            for tenant, addresses in wanted.items()
            for part in chunks(addresses, limits.parameters - 1)
        ]

    def _know(self, user: RowChange, other: Value, email: str) -> None:
        self._known.add((user.record_id, other))

    def _refuse(self, user: RowChange, other: Value, email: str) -> None:
        if (user.record_id, other) not in self._known:
            tenant = self._tenants[user.record_id]
            raise InvalidInput("email", f"{tenant} already has a user with the e-mail address {email}.")


def _event(
    kind: AuditEvent,
    tenant: str,
    row: Mapping[str, Value],
    actor: str,
    along: Mapping[str, Any] = MappingProxyType({}),
) -> Event:
    payload = {"actor": actor, "userId": shown(row["id"]), "email": shown(row.get("email"))}
    return Event(tenant, kind, {**payload, **along})


def _renamed(row: StoredRow, before: Any, after: Any, actor: str) -> Event:
    changes = {"email": {"from": before, "to": after}}
    return Event(
        row.tenant, AuditEvent.USER_UPDATED, {"actor": actor, "userId": row.shown("id"), "changes": changes}
    )
