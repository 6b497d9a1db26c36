"""Reading rows whole, exactly as they are stored, where a write follows."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar, cast

from peewee import Field, Model

from app.services.errors import NotFound
from models.engine import Database

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
