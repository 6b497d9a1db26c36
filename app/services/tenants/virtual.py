"""What virtual tables keep of a tenant that is erased: an index of texts has them a second time.

SQL is text here: tables, columns and conditions are the file's own, which no model has.
"""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from app.services.text import counted
from models.engine import Database, Statement, raw, sql_name
from models.errors import RemoteError, StorageError
from models.local import statements
from models.schema import StoredTables, caseless, tenant_column

_MADE: Final = "SELECT name, sql FROM main.sqlite_master WHERE type = 'table' AND rootpage = 0 ORDER BY name"
_MODULE: Final = statements.pattern(r"create virtual table (?:if not exists )?\S+ using (?P<module>\S+)")
_CONTENT: Final = statements.pattern(r"[,(] content = (?P<of>\S+)")
_INDEXES: Final = frozenset(("fts4", "fts5"))
"""Modules that can index the rows of another table, and read all of them again."""
_LOOKS: Final = frozenset(("fts5vocab", "fts4aux"))
"""Modules that keep nothing themselves."""


@dataclass(frozen=True, slots=True)
class Indexed:
    """The indexes that are `rebuilt` from the rows that stay, and the virtual tables that may keep something,
    each with its rows; None where those cannot be read.
    """

    rebuilt: tuple[str, ...] = ()
    left: Mapping[str, int | None] = field(default_factory=dict)

    @classmethod
    def of(cls, database: Database, stored: StoredTables, touched: Collection[str]) -> "Indexed":
        """Where rows of the `touched` tables go or change."""
        rebuilt, left = list[str](), dict[str, int | None]()
        for name, sql in database.rows(raw(_MADE)):
            said = statements.canonical(str(sql))
            module, content = _MODULE.match(said), _CONTENT.search(said)
            kind = "" if module is None else module["module"]
            if kind in _LOOKS:
                continue
            if kind in _INDEXES and content is not None and content["of"] != "''":
                of = caseless(content["of"].strip("'"))
                found = next((table for table in stored if caseless(table) == of), None)
                if found is not None and found not in touched:
                    continue
                if found is not None and _reads(database, name):
                    rebuilt.append(name)
                    continue
            elif content is None and _names_tenants(database, name):
                continue  # whose rows of a tenant are counted
            if (rows := _count(database, name)) != 0:
                left[name] = rows
        return cls(tuple(rebuilt), left)

    def lines(self, *, were: bool = False) -> Iterator[str]:
        """What a person is told of them, before and, as they `were` built, afterwards."""
        for name in self.rebuilt:
            yield f"{name}: this index {'was' if were else 'is'} rebuilt from the rows that stay"
        for name, rows in self.left.items():
            many = "whose rows nothing here can read" if rows is None else f"of {counted(rows, 'row')}"
            yield f"{name}: this virtual table, {many}, may keep what it has of the tenant"

    def told(self) -> dict[str, object]:
        """What the audit entry says of them."""
        found: dict[str, object] = {"rebuilt": [*self.rebuilt]} if self.rebuilt else {}
        return found | ({"mayKeep": dict(self.left)} if self.left else {})

    def statements(self) -> Iterator[Statement]:
        """What rebuilds them."""
        for name in map(sql_name, self.rebuilt):
            yield Statement(raw(f"INSERT INTO main.{name} ({name}) VALUES ('rebuild')"), expect=None)  # noqa: S608


def _reads(database: Database, name: str) -> bool:
    """Whether it finds each of its columns in the other table."""
    try:
        database.rows(raw(f"SELECT * FROM main.{sql_name(name)} LIMIT 1"))  # noqa: S608
    except RemoteError:  # which tells nothing of it
        raise
    except StorageError:
        return False
    return True


def _names_tenants(database: Database, name: str) -> bool:
    try:
        columns = database.rows(raw("SELECT name FROM pragma_table_xinfo(?)", name))
    except RemoteError:  # which tells nothing of it
        raise
    except StorageError:
        return False
    return tenant_column(column for (column,) in columns) is not None


def _count(database: Database, name: str) -> int | None:
    try:
        return int(database.scalar(raw(f"SELECT count(*) FROM main.{sql_name(name)}")))  # noqa: S608
    except RemoteError:  # which tells nothing of it
        raise
    except StorageError:
        return None
