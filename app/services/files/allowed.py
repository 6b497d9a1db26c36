"""What an SQL dump's statements may do, and what SQLite says of them."""

import re
from collections.abc import Callable
from typing import Any, Final

import apsw

from app.services.files.dump import MAX_STATEMENT, NoteKind
from models import engine, schema, sql_tokens
from models.local import statements

OK: Final = apsw.SQLITE_OK
ALLOWED: Final = frozenset(
    (
        apsw.SQLITE_INSERT,  # never of sqlite_master: SQLite itself keeps that
        apsw.SQLITE_UPDATE,
        apsw.SQLITE_CREATE_TABLE,
        apsw.SQLITE_CREATE_INDEX,
        apsw.SQLITE_REINDEX,  # how a new index is filled
    )
)
LEFT_OUT: Final = {
    apsw.SQLITE_CREATE_VIEW: NoteKind.VIEW,
    apsw.SQLITE_CREATE_TRIGGER: NoteKind.TRIGGER,
    apsw.SQLITE_CREATE_VTABLE: NoteKind.VIRTUAL_TABLE,
    apsw.SQLITE_ANALYZE: NoteKind.NOT_RUN,
}
PRAGMAS: Final = frozenset(("foreign_keys", "defer_foreign_keys", "ignore_check_constraints"))
"""What both programs and our own export write, and an import sees to itself."""

SETTINGS: Final = frozenset(
    (
        "application_id",
        "auto_vacuum",
        "cache_size",
        "encoding",
        "journal_mode",
        "legacy_file_format",
        "locking_mode",
        "page_size",
        "synchronous",
        "temp_store",
        "user_version",
        "writable_schema",
    )
)
"""What others write, and means nothing where it is not run."""

BOOKKEEPING: Final = frozenset((schema.COUNTERS, "sqlite_stat1", "sqlite_stat3", "sqlite_stat4"))
"""Tables of SQLite's own that dumps empty before they fill them."""

STATISTICS: Final = BOOKKEEPING - {schema.COUNTERS}
"""What ANALYZE sqlite_schema queries by itself, as sqlite3's dumps do."""

OWN: Final = ("sqlite_master", "ROWID")
"""What SQLite itself reads when it makes a table."""

TEMPORARY: Final = frozenset(
    (
        apsw.SQLITE_CREATE_TEMP_TABLE,
        apsw.SQLITE_CREATE_TEMP_VIEW,
        apsw.SQLITE_CREATE_TEMP_TRIGGER,
        apsw.SQLITE_CREATE_TEMP_INDEX,
    )
)
SAVEPOINT: Final = {"BEGIN": "SAVEPOINT", "RELEASE": "RELEASE", "ROLLBACK": "ROLLBACK TO"}
SAID: Final = {
    apsw.SQLITE_ATTACH: "ATTACH",
    apsw.SQLITE_DETACH: "DETACH",
    apsw.SQLITE_RECURSIVE: "a recursive query",
}
LIMITS: Final = (
    (apsw.SQLITE_LIMIT_ATTACHED, 0),
    (apsw.SQLITE_LIMIT_TRIGGER_DEPTH, 0),
    (apsw.SQLITE_LIMIT_LENGTH, MAX_STATEMENT),
    (apsw.SQLITE_LIMIT_SQL_LENGTH, MAX_STATEMENT),
    # A long pattern can take for ever in one step.
    (apsw.SQLITE_LIMIT_LIKE_PATTERN_LENGTH, engine.D1_LIMITS.pattern_bytes),
)

TRIGGER: Final = statements.pattern(r"create (?:temp(?:orary)? )?trigger (?:if not exists )?(?P<name>\S+)")
FIRST: Final = re.compile(r"(?:(?>[\s;\ufeff]|--[^\n]*\n|/\*.*?\*/))*+(?P<word>\w+)", re.DOTALL)
ROWS: Final = frozenset(("insert", "replace"))
BRINGS: Final = ROWS | {"with", "update"}
TAKEN: Final = BRINGS | {"create", "alter"}
ADDS: Final = statements.pattern(r"alter table (?>(?:main \. )?)\S+ add (?!(?:constraint \S+ )?check \()")
"""Adds a column, which rows behind it may have. A CHECK that is added is left out as other changes are."""

OF_ADDING: Final = frozenset(
    (
        (apsw.SQLITE_SELECT, ""),
        (apsw.SQLITE_PRAGMA, "quick_check"),
        (apsw.SQLITE_READ, "pragma_quick_check"),
        (apsw.SQLITE_READ, "sqlite_master"),
    )
)
"""What SQLite asks by itself of a column that is added: whether its CHECK holds for the rows there."""

ASKS: Final = frozenset(("SELECT", "VALUES", "EXPLAIN", "a query over tables", "a recursive query"))
"""Why what stores nothing is not run."""

BY_POSITION: Final = statements.pattern(
    r"(?:insert(?: or \w+)?|replace) into (?>(?:main \. )?)(?P<name>\S+) (?!\()"
)
"""Rows that name no columns."""

DROP: Final = statements.pattern(r"drop (?:table|view|index|trigger) if exists (?P<name>\S+)")
CLEARS: Final = statements.pattern(
    r"(?P<what>delete from|drop (?:table|view|index|trigger)) (?>(?:main \. )?)(?P<name>\S+)"
)
"""How dumps of other programs begin a table, so that they can be run where it is there already."""

VIRTUAL: Final = statements.pattern(
    r"insert into sqlite_(?:schema|master) \( type , name , tbl_name , rootpage , sql \)"
    r" values \( 'table' , '(?P<name>[^']*)' , '[^']*' , 0 , '(?i:create\svirtual\stable\s)"
)
"""How sqlite3 writes a virtual table."""

NONE_THERE: Final = re.compile(r"no such (?:table|view|index|trigger): ")
MISSING: Final = re.compile(r"no such table: (?:main\.)?(?P<name>.*)", re.DOTALL)
NO_SQL: Final = re.compile(
    r"syntax error$|^unrecognized token|^incomplete input|may not be modified$|^generated column loop"
)
"""What SQLite says against text that is no statement, or one that means harm: no database has a table whose
columns are made of each other, and SQLite reads the whole schema again at each that it refuses.
"""

IS_THERE: Final = re.compile(r"(?P<kind>table|index|view|trigger) .* already exists", re.DOTALL)

OF_THE_STORE: Final = (
    apsw.InterruptError,
    apsw.IOError,
    apsw.CantOpenError,
    apsw.CorruptError,
    apsw.NoMemError,
    apsw.FullError,
)
"""Nothing that the statement did wrong."""

CONTINUES: Final = "what goes on with another row than its table's last, where one of that was left out"

LOOKED_AT: Final = 1_000
"""Characters of a failed statement in which its kind is looked for."""


class Forbidden(Exception):
    """A statement does something else than filling tables; `str()` names what."""


class RolledBack(Exception):
    """A statement failed that takes all before it with it, as OR ROLLBACK does."""


class ByPosition(Forbidden):
    """Rows name no columns, and their table is not the dump's; `str()` names it."""


def keep_innocuous_functions(connection: apsw.Connection) -> frozenset[str]:
    """The functions that SQLite itself calls innocuous; the others do nothing any more but refuse.

    The authorizer alone is not enough: it is asked about no function behind the first row of VALUES.
    """
    found: dict[str, bool] = {}
    for name, flags in connection.execute("SELECT lower(name), flags FROM pragma_function_list"):
        found[str(name)] = found.get(str(name), True) and bool(int(str(flags)) & apsw.SQLITE_INNOCUOUS)
    for name, innocuous in found.items():
        if not innocuous:
            connection.create_scalar_function(name, _refusing(name))
    return frozenset(name for name, innocuous in found.items() if innocuous)


def first_word(sql: str) -> str:
    """The first of a statement, in lower case."""
    first = FIRST.match(sql)
    return first["word"].lower() if first else ""


def without_effect(sql: str, why: str) -> str | None:
    """What a statement is called that was not run and `why`, if it would have stored nothing anywhere."""
    word = first_word(sql)
    asks = word in ("select", "values", "explain") and why in ASKS
    packs = word == "vacuum" and "into" not in statements.words(sql)
    return word.upper() if asks or packs else None


def has_query(sql: str) -> bool:
    """Whether a statement asks for something, be it within another one."""
    return sql_tokens.holds(sql, "select") and "select" in statements.words(sql)


def _refusing(name: str) -> Callable[..., Any]:
    def refuse(*_: object) -> Any:
        raise Forbidden(f"the function {name}()")

    return refuse


def reason(error: apsw.Error) -> str:
    """SQLite's message without the piece of the statement that it may quote.

    Constraints are named by table and column. Everything else stops before the first quotation, since a
    missing quote in the dump can make any stored text look like a name.
    """
    said = str(error)
    if isinstance(error, apsw.ConstraintError):
        return said
    if isinstance(error, apsw.BindingsError):
        return "it has parameters"
    if said.endswith("syntax error"):
        return "syntax error"
    if there := IS_THERE.fullmatch(said):
        return f"that {there['kind']} is made already"
    return re.split(r"[:\"']", said, maxsplit=1)[0].strip().removesuffix(" on") or "an error"
