"""Every column of the models is declared, and the declarations say what a list can do."""

import pytest

from app.services.records.tables import DECLARED, NOTIFICATIONS, PLANNING_RUNS, USERS, ColumnKind, Table
from models.tables import TABLES

every_table = pytest.mark.parametrize("table", DECLARED.values(), ids=lambda table: table.name)


def test_every_table_is_declared() -> None:
    assert {table.model for table in DECLARED.values()} == set(TABLES)


@every_table
def test_every_column_of_the_model_is_declared_and_no_other(table: Table) -> None:
    stored = {field.column_name for field in table.model._meta.sorted_fields}
    assert {column.source for column in table.columns} == stored
    names = [column.name for column in table.columns]
    assert len(names) == len(set(names))


@every_table
def test_a_row_begins_with_the_key(table: Table) -> None:
    assert table.names[0] == table.key.name
    key = table.model._meta.primary_key
    assert key and table.key.source == key.column_name


@every_table
def test_what_a_list_sorts_by_restricts_and_shows_is_in_its_rows(table: Table) -> None:
    named = {table.sort, table.time, table.main or table.key.name, *table.heading}
    named |= {name for names in table.details for name in names}
    named |= {column.name for column in table.offered if not column.member}  # that is in another column
    assert named <= set(table.names)


@pytest.mark.parametrize("table", [USERS, NOTIFICATIONS, PLANNING_RUNS], ids=lambda table: table.name)
def test_ids_and_times_give_way_before_whose_a_record_is_its_state_and_its_name(table: Table) -> None:
    gives = table.gives_way
    less = [
        column.name
        for column in table.listed
        if column.kind in {ColumnKind.KEY, ColumnKind.ID, ColumnKind.TIME} and not column.hidden
    ]
    assert {*less} <= {*gives}
    last = [gives.index(name) for name in ("tenant_id", "read", "title", "status") if name in gives]
    assert max(map(gives.index, less)) < min(last)


def test_secrets_are_declared_as_such() -> None:
    kinds = {column.source: column.kind for table in DECLARED.values() for column in table.columns}
    assert kinds["password_hash"] is kinds["secret"] is ColumnKind.PRESENCE
