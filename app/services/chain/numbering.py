"""Whether the platform's gateway numbers the entries of a file itself, so that one of ours could take a
number of its own: it gives each tenant's next entry the number behind that tenant's last one.
"""

import json
from collections.abc import Iterable
from typing import Final

from app.services.chain.rules import TABLE
from models.engine import Database, raw
from models.schema import find_tenants

_NEXT: Final = f"""
WITH ends(tenant, last) AS (
  SELECT value, (SELECT max(seq) FROM {TABLE} WHERE tenant_id = value) FROM json_each(?)
)
SELECT tenant, last + 1, EXISTS (SELECT 1 FROM {TABLE} WHERE seq = last + 1) FROM ends ORDER BY last DESC
"""  # noqa: S608

_CAUTION: Final = (
    "The platform's gateway seems to number the audit entries of this file itself, tenant by tenant. An "
    "entry in the chain of {tenant}, which this makes, takes the number that the gateway's next one of "
    "“{owner}” would have ({number:,} now), and that one is then refused, each time. The way out: change "
    "something of “{owner}” here afterwards, whose entry takes the number behind; the gateway goes on there."
)


def owner_of_next(database: Database) -> tuple[str, int] | None:
    """The tenant whose next number is also the table's, and that number; None where a number behind some
    tenant's last entry is taken, so that nobody can number by tenant. The caller holds a connection.
    """
    names = [name.decode(errors="replace") for name, _ in find_tenants(database, [TABLE])]
    found = database.rows(raw(_NEXT, json.dumps(names))) if names else []
    if not found or any(taken or number is None for _, number, taken in found):
        return None
    owner, number, _ = found[0]
    return str(owner), int(number)


def caution(database: Database, tenants: Iterable[str]) -> str | None:
    """What a person should know before entries are made in the chains of `tenants`, if anything."""
    found, tenant = owner_of_next(database), next(iter(tenants), None)
    if found is None or tenant is None or found[0] in {tenant, *tenants}:
        return None
    return _CAUTION.format(tenant=tenant, owner=found[0], number=found[1])
