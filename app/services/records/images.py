"""Reading single rows whole: strictly where a write follows, tolerantly where a person looks."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

from peewee import Field, Model

from app.services.errors import NotFound
from models.engine import Database, raw

T = TypeVar("T")
Image = dict[str, Any]
"""Column name to the value as stored."""

CHUNK = 500
"""Keys in one `IN (…)`, far below SQLite's limit on parameters."""


def chunks(items: Iterable[T], size: int = CHUNK) -> Iterator[list[T]]:
    """The items in lists of at most `size`."""
    iterator = iter(items)
    while part := list(islice(iterator, size)):
        yield part


def _primary(model: type[Model]) -> Field:
    return cast(Field, model._meta.primary_key)


def images(database: Database, model: type[Model], keys: Iterable[str]) -> list[Image]:
    """The rows with these keys, every column as stored; those that are gone are left out."""
    names = [field.column_name for field in model._meta.sorted_fields]
    fields = model._meta.sorted_fields
    return [
        dict(zip(names, row, strict=True))
        for part in chunks(keys)
        for row in database.rows(model.select(*fields).where(_primary(model).in_(part)))
    ]


def image(database: Database, model: type[Model], key: str, what: str) -> Image:
    """One row as stored.

    Raises `NotFound` naming `what` ("user"), `DamagedFile` when the row cannot be decoded.
    """
    found = images(database, model, [key])
    if not found:
        raise NotFound(what)
    return found[0]


def readable(database: Database, model: type[Model], key: object, what: str) -> Image:
    """One row for looking at: columns that the file lacks are None, undecodable text has U+FFFD.

    A BLOB where text belongs is shown as `x'…'`. Raises `NotFound`.
    """
    table, primary = model._meta.table_name, _primary(model).column_name
    present = _present(database, table)
    names = [field.column_name for field in model._meta.sorted_fields if field.column_name in present]
    # Names come from our own models; a cast reads bytes, so nothing can fail to decode.
    parts = ", ".join(f'typeof("{name}"), CAST("{name}" AS BLOB), "{name}" + 0' for name in names)
    sql = f'SELECT {parts} FROM "{table}" WHERE "{primary}" = ?'  # noqa: S608
    rows = database.rows(raw(sql, key))
    if not rows:
        raise NotFound(what)
    row = rows[0]
    found: Image = {field.column_name: None for field in model._meta.sorted_fields}
    for position, name in enumerate(names):
        found[name] = _value(*row[3 * position : 3 * position + 3])
    return found


def _present(database: Database, table: str) -> set[str]:
    return {row[0] for row in database.rows(raw("SELECT name FROM pragma_table_xinfo(?)", table))}


def _value(kind: str, raw: bytes | None, number: float | None) -> Any:
    match kind:
        case "null":
            return None
        case "integer" | "real":
            return number
        case "blob":
            return f"x'{(raw or b'').hex()}'"
    return (raw or b"").decode("utf-8", "replace")
