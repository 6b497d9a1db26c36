"""The Peewee models say exactly what the migrations make, seen from both sides."""

import re
from pathlib import Path
from typing import Any

import apsw
import pytest
from peewee import AutoField, Field, FloatField, ForeignKeyField, IntegerField, Model, TextField

from app import paths
from models.local import migrations
from models.schema import LEDGER
from models.tables import TABLES

DECLARED = {TextField: "TEXT", IntegerField: "INTEGER", AutoField: "INTEGER", FloatField: "REAL"}


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("schema") / "migrated.sqlite"
    migrations.create_database(path, paths.migrations_dir(), now=1_750_000_000)
    return path


@pytest.fixture
def connection(migrated: Path) -> Any:
    connection = apsw.Connection(str(migrated), flags=apsw.SQLITE_OPEN_READONLY)
    yield connection
    connection.close()


every_table = pytest.mark.parametrize("model", TABLES, ids=lambda model: model._meta.table_name)


def declared_type(field: Field) -> str:
    return DECLARED[TextField if isinstance(field, ForeignKeyField) else type(field)]


def sql_default(field: Field) -> str | None:
    """A field's default as SQLite reports it."""
    if field.default is None:
        return None
    return f"'{field.default}'" if isinstance(field.default, str) else str(field.default)


def columns_of(model: type[Model]) -> list[tuple[str, str, bool, str | None, bool]]:
    """Name, type, NOT NULL, default and primary key, as the model says.

    SQLite's `INTEGER PRIMARY KEY` and `TEXT PRIMARY KEY` say nothing of NOT NULL, and neither do we there.
    """
    return [
        (
            field.column_name,
            declared_type(field),
            not field.null and not field.primary_key,
            sql_default(field),
            bool(field.primary_key),
        )
        for field in model._meta.sorted_fields
    ]


def indexes_of(model: type[Model]) -> set[tuple[tuple[str, ...], bool]]:
    """Columns and uniqueness of every index, as the model says."""
    single = {
        ((field.column_name,), bool(field.unique)) for field in model._meta.sorted_fields if field.index
    }
    return single | {(tuple(columns), bool(unique)) for columns, unique in model._meta.indexes}


def test_both_sides_have_the_same_tables(connection: apsw.Connection) -> None:
    tables = {
        name
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        if not name.startswith("sqlite_")
    }
    assert tables == {model._meta.table_name for model in TABLES} | {LEDGER}


def test_there_is_nothing_but_tables_and_indexes(connection: apsw.Connection) -> None:
    assert {kind for (kind,) in connection.execute("SELECT type FROM sqlite_master")} == {"table", "index"}


@every_table
def test_columns(connection: apsw.Connection, model: type[Model]) -> None:
    found = connection.execute(
        'SELECT name, type, "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?)',
        (model._meta.table_name,),
    )
    real = [
        (name, kind, bool(notnull), default, bool(key))
        for name, kind, notnull, default, key, hidden in found
        if not hidden
    ]
    assert real == columns_of(model)


@every_table
def test_indexes(connection: apsw.Connection, model: type[Model]) -> None:
    real = set()
    for name, unique, origin, partial in connection.execute(
        'SELECT name, "unique", origin, partial FROM pragma_index_list(?)', (model._meta.table_name,)
    ):
        if origin == "pk":
            continue
        assert (origin, partial) == ("c", 0)
        columns = connection.execute(
            'SELECT name, "desc", coll FROM pragma_index_xinfo(?) WHERE key', (name,)
        ).fetchall()
        assert {(descending, collation) for _, descending, collation in columns} == {(0, "BINARY")}
        real.add((tuple(column for column, *_ in columns), bool(unique)))
    assert real == indexes_of(model)


@every_table
def test_foreign_keys(connection: apsw.Connection, model: type[Model]) -> None:
    real = {
        (column, table, target, update, delete)
        for column, table, target, update, delete in connection.execute(
            'SELECT "from", "table", "to", on_update, on_delete FROM pragma_foreign_key_list(?)',
            (model._meta.table_name,),
        )
    }
    said = {
        (
            field.column_name,
            field.rel_model._meta.table_name,
            field.rel_field.column_name,
            field.on_update or "NO ACTION",
            field.on_delete or "NO ACTION",
        )
        for field in model._meta.sorted_fields
        if isinstance(field, ForeignKeyField)
    }
    assert real == said


@every_table
def test_numbering(connection: apsw.Connection, model: type[Model]) -> None:
    """Only an AutoField's table never gives a number twice, and none does without a rowid or strictly."""
    sql = connection.execute(
        "SELECT sql FROM sqlite_master WHERE type = 'table' AND name = ?", (model._meta.table_name,)
    ).get
    assert ("AUTOINCREMENT" in sql) is isinstance(model._meta.primary_key, AutoField)
    assert re.search(r"WITHOUT ROWID|STRICT|CHECK|COLLATE|GENERATED", sql) is None


@every_table
def test_a_model_is_bound_to_no_database(model: type[Model]) -> None:
    assert model._meta.database is None
