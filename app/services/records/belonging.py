"""Which rows belong to a tenant, through all tables and the foreign keys between them; and which tenants were
erased, as the audit chain tells.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from peewee import fn

from app.services.chain.rules import MARKER_EVENT, TABLE
from app.services.opened import tenants
from app.services.records.export import literal
from app.services.records.references import WAYS
from app.services.records.rows import BYTEWISE, in_parts, refers
from app.services.text import tenant_id, tenant_name
from models.engine import Database, raw, sql_name
from models.errors import InvalidInput, NotAllowed, RemoteError, StorageError
from models.schema import TENANTS, ForeignKey, StoredTables, caseless, tenant_column
from models.status import SYSTEM_TENANT, AuditEvent
from models.tables import AuditEntry


def own_of(
    tables: StoredTables, tenant: str, follows: Callable[[ForeignKey], bool] = lambda key: True
) -> dict[str, str]:
    """Which rows of each table are a tenant's, as SQL: those that say so, what the platform's own table of
    tenants says of it, and those that refer to them by foreign keys, as far as it `follows` these. A table
    that is none of it has no condition.

    Raises `NotAllowed` where they depend on it by more ways than are followed.
    """
    found = {name: named_by(own, tenant) for name, own in own_columns(tables).items()}
    keys: dict[str, list[tuple[str, ForeignKey]]] = {}  # of each table that is reached, by which ways
    fresh = [*found]
    while fresh:
        parent = fresh.pop(0)
        for key in tables[parent].referring:
            fits = len(key.columns) == len(key.parent_columns)  # SQLite refuses what it would refer to
            if fits and key.table not in found and follows(key):
                if key.table not in keys:
                    fresh.append(key.table)
                keys.setdefault(key.table, []).append((parent, key))

    def condition(name: str, left: Iterator[int], through: tuple[str, ...] = ()) -> str:
        """By all of its ways but those that lead round."""
        if name in found:
            return found[name]
        ways = []
        for parent, key in keys[name]:
            if parent not in (*through, name):
                if next(left, None) is None:
                    raise NotAllowed(
                        f"Rows of {name} depend on a tenant's by more than {WAYS} ways of foreign keys, so "
                        "which of them are the tenant's cannot be told."
                    )
                ways.append(referring(key, parent, condition(parent, left, (*through, name))))
        return " OR ".join(ways) or "0"

    return found | {name: condition(name, iter(range(WAYS))) for name in keys}


def own_columns(tables: StoredTables) -> dict[str, str]:
    """By which column the rows of a table say whose they are, where they do."""
    with_id = {
        name: "id"
        for name, table in tables.items()
        if caseless(name) == TENANTS and "id" in map(caseless, table.names)
    }
    return with_id | {name: own for name, table in tables.items() if (own := table.tenant_column)}


def of_tenant(tables: StoredTables, tenant: str) -> dict[str, str]:
    """The same, and those that all these refer to."""
    found = own_of(tables, tenant)
    while True:
        ways = {
            name: [_referred(key, found[key.table]) for key in table.referring if key.table in found]
            for name, table in tables.items()
            if name not in found
        }
        if not any(ways.values()):
            return found
        found |= {name: " OR ".join(some) for name, some in ways.items() if some}


def named_by(column: str, tenant: str, *, as_text: bool = True) -> str:
    """The condition that the column names the tenant, in whatever storage class: a number or bytes do where
    they read as its name, as everywhere that tenants are counted. An index can be used, though not for an
    order: lists, which need one, go by text alone (by this a live database reads twice as many rows). Those
    that name it otherwise alone, where not `as_text`.
    """
    said = literal(tenant)
    as_bytes = f"CAST({said} AS BLOB)"
    spelt = [*([said] if as_text else []), as_bytes, *([tenant] if _NUMBER.fullmatch(tenant) else [])]
    name = sql_name(column)
    return f"{BYTEWISE.format(name)} IN ({', '.join(spelt)}) AND CAST({name} AS BLOB) = {as_bytes}"


def in_virtual_tables(database: Database, tenant: str) -> dict[str, int]:
    """How many rows of a tenant each virtual table has, which a file keeps in tables of another form; none
    where it names no tenants, or belongs to a module that is not here.
    """
    made = raw("SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'virtual'")
    found = {str(name): 0 for (name,) in database.rows(made)}
    for name in found:
        try:
            columns = database.rows(raw("SELECT name FROM pragma_table_xinfo(?)", name))
            if (own := tenant_column(column for (column,) in columns)) is not None:
                of = f"SELECT count(*) FROM main.{sql_name(name)} WHERE {named_by(own, tenant)}"  # noqa: S608
                found[name] = int(database.scalar(raw(of)))
        except RemoteError:  # which tells nothing of it
            raise
        except StorageError:
            continue
    return found


def nothing_of(place: str, tenant: str) -> InvalidInput:
    """That nothing there is a tenant's; where bytes of a name are no text, why it is not found by that,
    and what can be done.
    """
    why = f"{place} holds nothing of {tenant_name(tenant)}."
    if "\N{REPLACEMENT CHARACTER}" in tenant:
        why += (
            " Where the bytes of a name are no text, “�” stands for them, and no row is found by that. Give "
            "such rows a name of text first, with sqlite3: UPDATE users SET tenant_id = 'a-name' WHERE "
            "hex(tenant_id) = '…', and so each table but audit_chain, whose hashes hold the old name."
        )
    return InvalidInput("tenant", why)


_NUMBER: Final = re.compile(r"-?[0-9]{1,19}(\.[0-9]{1,17}(e[+-][0-9]{2,3})?)?")
"""What a number of SQLite's reads as."""


def referring(key: ForeignKey, parent: str, condition: str) -> str:
    """The condition that a row refers by the key to one of the parent's that meet theirs."""
    there, child = (_names(names) for names in (key.parent_columns, (key.table,)))
    own = ", ".join(BYTEWISE.format(sql_name(name)) for name in key.columns)
    on = refers("parent", key)
    of_child = ", ".join(f"child.{sql_name(name)}" for name in key.columns)
    parents = f"SELECT {there} FROM main.{sql_name(parent)} WHERE {condition}"  # noqa: S608
    return f"({own}) IN (SELECT {of_child} FROM ({parents}) AS parent JOIN main.{child} AS child ON {on})"  # noqa: S608


def _referred(key: ForeignKey, condition: str) -> str:
    """The condition that rows of the key's table which meet theirs refer to a row by the key."""
    held = f"SELECT {_names(key.columns)} FROM main.{sql_name(key.table)} WHERE {condition}"  # noqa: S608
    return f"({_names(key.parent_columns)}) IN ({held})"


def _names(names: Sequence[str]) -> str:
    return ", ".join(map(sql_name, names))


_MOST: Final = 1_000
"""The newest erasures, of which a forger may have written any number."""
_AT_ONCE: Final = 50


@dataclass(frozen=True, slots=True)
class ErasedTenant:
    """When a tenant was last erased, in epoch seconds as they are stored, by whom, and in which entry."""

    at: object
    actor: str
    seq: int


def erased(database: Database) -> Mapping[str, ErasedTenant]:
    """By tenant. Not among them is an erasure whose entry retention has removed by now, nor one that cannot
    be, since entries of the tenant from before it are there. The caller holds a connection to a database with
    an audit chain. Raises the storage errors.
    """
    kinds = AuditEntry.tenant_id == SYSTEM_TENANT, AuditEntry.event_type == str(AuditEvent.TENANT_ERASED)
    entries = AuditEntry.select(AuditEntry.payload, AuditEntry.created_at, AuditEntry.seq).where(*kinds)
    found: dict[str, ErasedTenant] = {}
    for payload, at, seq in database.rows(entries.order_by(AuditEntry.seq.desc()).limit(_MOST).tuples()):
        try:
            said = json.loads(payload)
            name = said["tenant"] if isinstance(said, dict) else None
            tenant = tenant_id(name) if isinstance(name, str) and isinstance(seq, int) else None
        except (TypeError, ValueError, RecursionError, LookupError, InvalidInput):  # of somebody else's
            continue
        if tenant is not None:
            found.setdefault(tenant, ErasedTenant(at, str(said.get("actor", "")), seq))
    for one, first in _first_entries(database, [*found]):
        if one in found and isinstance(first, int) and first < found[one].seq:
            del found[one]
    return found


def still_erased(database: Database) -> frozenset[str]:
    """Those of which nothing but markers has been there since. The caller holds a connection to a database
    with an audit chain. Raises the storage errors.
    """
    found = frozenset(erased(database))
    if not found:
        return found
    begun = (tenant for tenant, _ in _first_entries(database, [*found]))
    return found.difference(begun, tenants(database, but=TABLE))


def _first_entries(database: Database, names: Sequence[str]) -> Iterator[tuple[str, object]]:
    """Of those that have any entry that is no marker: the number of the first."""
    for some in in_parts(names, _AT_ONCE):
        kept = AuditEntry.tenant_id.in_(some), AuditEntry.event_type != MARKER_EVENT
        query = AuditEntry.select(AuditEntry.tenant_id, fn.MIN(AuditEntry.seq)).where(*kept)
        yield from database.rows(query.group_by(AuditEntry.tenant_id).tuples())
