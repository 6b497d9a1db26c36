"""A tenant's users: create, edit the e-mail, delete; each an entry in the tenant's audit chain."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from peewee import fn

from app.services import text
from app.services.chain.append import Event
from app.services.errors import InvalidInput, NotFound
from app.services.records import change as writing
from app.services.records import images as records
from app.services.records.change import Change, Check, RowChange
from models.engine import Database
from models.status import AuditEvent
from models.tables import User

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
    row: dict[str, Any] = {
        "id": str(uuid.uuid4()),
        "tenant_id": tenant,
        "email": address,
        "password_hash": None,
        "created_at": now,
        "updated_at": now,
    }
    change = Change(
        summary=f"User {address} created",
        rows=(RowChange(User, row["id"], None, row),),
        events=(_event(AuditEvent.USER_CREATED, row, actor),),
        inverse_events=(_event(AuditEvent.USER_DELETED, row, actor),),
        check=_only_ones([row]),
    )
    return writing.commit(database, lambda: change, now=now)


def rename(database: Database, user_id: str, email: str, *, actor: str, now: int) -> Change:
    """Gives the user another e-mail address.

    Raises `NotFound`, `InvalidInput` and the errors of `writing.commit`.
    """
    address = valid_email(email)

    def plan() -> Change:
        row = records.image(database, User, user_id, "user")
        if address == row["email"]:
            raise InvalidInput("email", "This is already the user's e-mail address.")
        before = {"email": row["email"], "updated_at": row["updated_at"]}
        after = {"email": address, "updated_at": now}
        return Change(
            summary=f"{row['email']} is now {address}",
            rows=(RowChange(User, user_id, before, after),),
            events=(_renamed(row, before, after, actor),),
            inverse_events=(_renamed(row, after, before, actor),),
            check=_only_ones([row]),
        )

    return writing.commit(database, plan, now=now)


def delete(database: Database, user_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes users; undoing puts them back whole. Raises `NotFound` when none of them is left."""

    def plan() -> Change:
        rows = records.images(database, User, user_ids)
        if not rows:
            raise NotFound("user")
        what = f"User {rows[0]['email']}" if len(rows) == 1 else text.plural(len(rows), "user")
        return Change(
            summary=f"{what} deleted",
            rows=tuple(RowChange(User, row["id"], row, None) for row in rows),
            events=tuple(_event(AuditEvent.USER_DELETED, row, actor) for row in rows),
            inverse_events=tuple(_event(AuditEvent.USER_RESTORED, row, actor) for row in rows),
            check=_only_ones(rows),
        )

    return writing.commit(database, plan, now=now)


def _only_ones(users: Sequence[Mapping[str, Any]]) -> Check:
    """The check that nobody else in the tenants of these users has the addresses they are given."""
    tenants = {user["id"]: user["tenant_id"] for user in users}

    def check(database: Database, rows: Sequence[RowChange]) -> None:
        given: dict[str, dict[str, str]] = {}  # tenant to address to id
        for row in rows:
            if row.after is not None:
                given.setdefault(tenants[row.key], {})[row.after["email"].lower()] = row.key
        for tenant, addresses in given.items():
            for part in records.chunks(addresses, database.limits.parameters - 1):
                lowered = fn.LOWER(User.email)
                same = User.select(User.id, lowered, User.email).where(
                    User.tenant_id == tenant, lowered.in_(part)
                )
                for user_id, key, email in database.rows(same):
                    if user_id != addresses[key]:
                        raise InvalidInput(
                            "email", f"{tenant} already has a user with the e-mail address {email}."
                        )

    return check


def _event(kind: AuditEvent, row: Mapping[str, Any], actor: str) -> Event:
    return Event(row["tenant_id"], kind, {"actor": actor, "userId": row["id"], "email": row["email"]})


def _renamed(
    row: Mapping[str, Any], before: Mapping[str, Any], after: Mapping[str, Any], actor: str
) -> Event:
    changes = {"email": {"from": before["email"], "to": after["email"]}}
    return Event(
        row["tenant_id"], AuditEvent.USER_UPDATED, {"actor": actor, "userId": row["id"], "changes": changes}
    )
