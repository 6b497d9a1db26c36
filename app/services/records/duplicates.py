"""Users who have the same address, in whatever spelling: in one tenant, or in several.

SQLite folds ASCII alone, so what may be the same is found by it, and compared here by `text.address`.
"""

import json
from typing import Final

from peewee import SQL, fn

from app.services import text
from app.services.records.rows import Value, decoded, exactly
from app.services.records.tables import Scope
from models.engine import Database
from models.errors import NotAllowed
from models.tables import User

MOST: Final = 20_000
"""Of those who are found, as many as a list is narrowed to."""
_MOST_READ: Final = 200_000


def duplicates(database: Database, scope: Scope, *, across: bool) -> tuple[Value, ...]:
    """The ids of users, of the tenant of `scope` or of all, whose address another user of their tenant has;
    with `across` one of another tenant. Raises `NotAllowed` where these are more than a list can be
    narrowed to, and the storage errors.
    """
    address = fn.LOWER(User.email)
    several = fn.COUNT(User.tenant_id.distinct()) if across else fn.COUNT(SQL("*"))
    groups = (address,) if across else (User.tenant_id, address)
    alike = User.select(*groups).group_by(*groups).having(several > 1)
    whose = address.in_(alike) if across else SQL("(tenant_id, lower(email))").in_(alike)
    beyond_ascii = fn.GLOB("*[^ -~]*", User.email)
    look = User.select(exactly(User.id), exactly(User.tenant_id), User.email.cast("BLOB"))
    look = look.where(fn.typeof(User.email) == "text").limit(_MOST_READ + 1).tuples()
    plain, others = database.read_batch([look.where(whose & ~beyond_ascii), look.where(beyond_ascii)])
    folded = {text.address(bytes(email).decode(errors="replace")) for *_, email in others}
    if spelt := sorted(one for one in folded if one.isascii()):  # ss for ß, xn-- for the host's letters
        listed = SQL("(SELECT value FROM json_each(?))", [json.dumps(spelt)])
        plain = [*plain, *database.rows(look.where(address.in_(listed) & ~beyond_ascii))]
    if len(plain) + len(others) > _MOST_READ:
        raise NotAllowed("These are too many to be compared; choose a tenant first.")
    users: dict[object, dict[str, str]] = {}
    for key, tenant, email in (*plain, *others):
        address_of = text.address(bytes(email).decode(errors="replace"))
        users.setdefault(address_of if across else (tenant, address_of), {})[key] = tenant
    wanted = None if scope.tenant_id is None else scope.tenant_id
    found = [
        decoded(key)
        for alike_ones in users.values()
        if len(set(alike_ones.values())) > 1 or (not across and len(alike_ones) > 1)
        for key, tenant in alike_ones.items()
        if wanted is None or decoded(tenant) == wanted
    ]
    if len(found) > MOST:
        raise NotAllowed(f"More than {MOST:,} users share an address; choose a tenant first.")
    return tuple(found)
