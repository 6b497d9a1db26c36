"""Which of many new rows a table's own rules would not take: a CHECK, a UNIQUE, NOT NULL, a foreign key.
Found without writing anything, so that a dry run tells it of each, and not the database of all at once.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from app.services.records.rows import ID, Image
from app.services.text import visible
from models.engine import Database, TriedRows, raw, sql_name
from models.progress import Stop, never
from models.schema import ForeignKey, StoredTable, StoredTables, read_stored

_LONGEST: Final = 200
"""Characters of a rule or a value that a reason holds."""
_BROKEN: Final = re.compile(r"(UNIQUE|NOT NULL) constraint failed: (.+?)(?:: SQLITE_.*)?", re.DOTALL)
_Key = tuple[Any, ...]
_JSON: Final = frozenset({str, int, float})


def misfits(
    database: Database,
    table: str,
    rows: Iterable[Image],
    given: Collection[str],
    *,
    once: frozenset[str] = frozenset(),
    cancelled: Stop = never,
) -> dict[int, str]:
    """By the position of a row why the table would not take it; each is judged as if those before it were
    there. They have values in the columns `given`, and a new id; those of the columns `once` are known to be
    nobody else's together. What only writing tells stays untold: of a
    rule that is not worked out in time, or of a UNIQUE over a formula where the table is long or live. The
    caller holds a connection; raises the storage errors.
    """
    tables, _ = read_stored(database)
    stored = tables.get(table)
    if stored is None:
        return {}
    foreign = [*_parents(tables, table)]
    if not foreign and not database.may_refuse(table, given):
        return {}
    wanted = {name for _, key in foreign for name in key.columns}
    wanted |= {name for parent, key in foreign if parent.name == table for name in key.parent_columns}
    all_of_them = [*rows]
    tried = database.try_rows(table, all_of_them, wanted, cancelled) or TriedRows({}, {})
    values: Mapping[int, Image] = tried.stored or dict(enumerate(all_of_them))
    found = {at: _said(table, why) for at, why in tried.refused.items()}
    for key in tried.unique:
        columns = [name for name, _ in key]
        if ID not in columns and not once.issubset(columns):  # which is a new one
            of = _tuples(values, columns, found)
            for one in _looked_up(database, stored, key, [*of], there=True):
                found |= dict.fromkeys(of[one], _there_twice(columns))
    for parent, foreign_key in foreign:
        found |= _orphans(database, parent, foreign_key, values, found)
    return found


def without_tenants(database: Database, tenants: Sequence[str], chain: str) -> dict[str, str]:
    """Why some of these tenants can have no entry in the chain: its table refers to one that lacks them."""
    tables, _ = read_stored(database)
    found: dict[str, str] = {}
    for parent, key in _parents(tables, chain):
        if key.columns == ("tenant_id",):
            values: Mapping[int, Image] = {at: {"tenant_id": one} for at, one in enumerate(tenants)}
            missing = _orphans(database, parent, key, values, {})
            found |= {tenants[at]: why for at, why in missing.items()}
    return found


def _parents(tables: StoredTables, child: str) -> Iterator[tuple[StoredTable, ForeignKey]]:
    return ((parent, key) for parent in tables.values() for key in parent.referring if key.table == child)


def _orphans(
    database: Database,
    parent: StoredTable,
    key: ForeignKey,
    values: Mapping[int, Image],
    known: Mapping[int, str],
) -> dict[int, str]:
    """Those of the rows that refer to what the parent has not."""
    of = _tuples(values, key.columns, known)
    if parent.name == key.table:  # to one that comes with them, it may
        for one in _tuples(values, key.parent_columns, known):
            of.pop(one, None)
    by_index = [(name, "") for name in key.parent_columns]
    found: dict[int, str] = {}
    for one in _looked_up(database, parent, by_index, [*of], there=False):
        columns, parents = " and ".join(key.columns), " and ".join(key.parent_columns)
        said = ", ".join(_short(str(value)) for value in one)
        why = f"{columns} refers to {parent.name}, which has no {parents} “{said}”."
        found |= dict.fromkeys(of[one], why)
    return found


def _tuples(
    values: Mapping[int, Image], columns: Sequence[str], known: Mapping[int, str]
) -> dict[_Key, list[int]]:
    """The rows that have values in all of the columns, and are not found to be wrong already, by these."""
    found: dict[_Key, list[int]] = {}
    (name, *others) = columns
    for at, row in values.items():
        one = (row.get(name), *(row.get(other) for other in others)) if others else (row.get(name),)
        if None not in one and at not in known:
            found.setdefault(one, []).append(at)
    return {one: places for one, places in found.items() if _JSON.issuperset(map(type, one))}


def _looked_up(
    database: Database,
    table: StoredTable,
    key: Sequence[tuple[str, str]],
    wanted: Sequence[_Key],
    *,
    there: bool,
) -> Iterator[_Key]:
    """Those of the wanted values of these columns, compared by their collations, that a row of the table has,
    or that none has, where they are not to be `there`.
    """
    name = sql_name(table.name)
    same = " AND ".join(
        f"{name}.{sql_name(column)}{f' COLLATE {sql_name(collation)}' if collation else ''}"
        f" = json_extract(given.value, '$[{at}]')"
        for at, (column, collation) in enumerate(key)
    )
    exists = f"{'' if there else 'NOT '}EXISTS (SELECT 1 FROM {name} WHERE {same})"  # noqa: S608
    ask = f"SELECT given.key FROM json_each(?) AS given WHERE {exists}"  # noqa: S608
    parts = [*_parts(wanted, database.limits.value_bytes)]
    answers = database.read_each([raw(ask, text) for text, _ in parts])
    for (_, part), rows in zip(parts, answers, strict=True):
        yield from (part[place] for (place,) in rows)


def _parts(wanted: Sequence[_Key], most: int) -> Iterator[tuple[str, Sequence[_Key]]]:
    """The values as JSON, no more bytes in one than a database takes, each with those that it holds."""
    start = length = 0
    written: list[str] = []
    for one in wanted:
        text = json.dumps(one)
        if written and length + len(text) + 2 > most:
            yield f"[{','.join(written)}]", wanted[start : start + len(written)]
            start, length, written = start + len(written), 0, []
        written.append(text)
        length += len(text) + 1
    if written:
        yield f"[{','.join(written)}]", wanted[start:]


def _said(table: str, why: str) -> str:
    """What SQLite says of a row, for the person whose line it is."""
    found = _BROKEN.fullmatch(why)
    if found is None:
        return f"The table's own rules do not take it ({_short(why)})."
    columns = [one.strip().removeprefix(f"{table}.") for one in found[2].split(",")]
    if found[1] == "NOT NULL":
        return f"{_short(columns[0])} may not be empty."
    return _there_twice([f"value of {one}" if one.startswith("index '") else one for one in columns])


def _there_twice(columns: Sequence[str]) -> str:
    named = _short(" and ".join(columns))
    return f"A user, or a line before, has the same {named}, and the table takes it once."


def _short(said: str) -> str:
    line = visible(said)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"
