"""That the database's shape lets an act be what it was planned as: found by the batch itself, or by what
is compiled and not run.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Final

from peewee import SQL, BaseQuery, Select

from models.engine import Statement, raw, sql_name
from models.schema import ForeignKey, StoredTable, caseless

_UNTRIGGERED: Final = """NOT EXISTS (SELECT 1 FROM sqlite_master
WHERE type = 'trigger' AND lower(tbl_name) IN (SELECT value FROM json_each(?)))"""

_UNALTERED: Final = """(SELECT json_array(
  count(*) FILTER (WHERE type = 'trigger' AND lower(tbl_name) IN (SELECT value FROM json_each(?))),
  CAST(total(CASE WHEN type = 'table' AND rootpage THEN (
    SELECT sum(iif(instr(?, char(10) || lower(json_array(made.name, key."table", key."from",
      ifnull(key."to", ''), key.id, key.seq, key.on_delete, key.on_update)) || char(10)), 1, 1000000))
    FROM pragma_foreign_key_list(made.name) AS key
    WHERE lower(key."table") IN (SELECT value FROM json_each(?))) END) AS INTEGER)
) FROM sqlite_master AS made) = json_array(0, CAST(? AS INTEGER))"""
"""Both by one look, in which each row is charged, and would be again if they were sorted: so the columns that
refer are counted, and one that is not known, by its table, its place in which of the keys, what it refers to
and what becomes of it, counts for a million.
"""


def unaltered(tables: Iterable[str], parents: Iterable[StoredTable] = ()) -> Statement:
    """Fails (`RowChanged`) where one of the tables has a trigger, or other columns refer to the `parents`,
    whose rows go or change, than did when these were read.
    """
    named = json.dumps([*map(caseless, tables)])
    there = {caseless(parent.name): parent for parent in parents}
    columns = [line for parent in there.values() for key in parent.referring for line in _lines(parent, key)]
    condition = SQL(_UNTRIGGERED, [named])
    if there:
        lines = "".join(f"\n{line}\n" for of_one in columns for line in of_one)
        condition = SQL(_UNALTERED, [named, lines, json.dumps([*there]), len(columns)])
    return Statement(Select([], [SQL("1")]).where(condition))


def _lines(parent: StoredTable, key: ForeignKey) -> Iterator[list[str]]:
    """What `_UNALTERED` may read of each column of a key, which need not name those of the parent's own."""
    by_name = key.parent_columns if len(key.parent_columns) == len(key.columns) else [""] * len(key.columns)
    for place, (column, target) in enumerate(zip(key.columns, by_name, strict=True)):
        spelt = {target, ""} if key.parent_columns == parent.key else {target}
        how = key.number, place, key.on_delete, key.on_update
        yield [_line(key.table, parent.name, column, to, *how) for to in spelt]


def _line(*of: str | int) -> str:
    """As SQLite's json_array has it."""
    return caseless(json.dumps(of, ensure_ascii=False, separators=(",", ":")))


def followed(table: str) -> BaseQuery:
    """A read that fails with `Refused` where any deletion from the table would, since a foreign key of it, or
    to it, cannot be followed. It is compiled, which tells that, and not run.
    """
    return raw(f"EXPLAIN DELETE FROM {sql_name(table)} WHERE 1")  # noqa: S608 - it removes nothing


def addable(table: str) -> BaseQuery:
    """The same of what would put a row back: a CHECK may ask for a function of another program."""
    return raw(f"EXPLAIN INSERT INTO {sql_name(table)} DEFAULT VALUES")
