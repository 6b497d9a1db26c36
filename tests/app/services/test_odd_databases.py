"""Rows stay whole in databases with odd schemas and values, whatever is done to them and undone.

TENANT_ADMIN_DATABASES is how many are tried.
"""

import csv
import io
import json
import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.cautions import Agreed, NotRecorded
from app.services.files import opening, restoring
from app.services.files.exporting import Wanted, write_sql
from app.services.files.importing import import_dump
from app.services.records import export, notifications, users, webhooks, writing
from app.services.records.change import Change
from app.services.records.export import Format
from app.services.records.list_query import ListQuery
from app.services.records.lists import Lists
from app.services.records.rows import Value, decoded, exact
from app.services.retention.other_tables import OtherTables
from app.services.runs import statuses
from models.engine import Database, raw, sql_name
from models.errors import NotAllowed, TenantAdminError
from models.local.database import LocalDatabase
from models.schema import caseless, inspect, read_stored
from models.status import RunStatus
from tests.conftest import NOW
from tests.fixtures import chains
from tests.fixtures.connected import connected
from tests.fixtures.depending import Depending
from tests.fixtures.live import Live
from tests.fixtures.odd import Odd
from tests.fixtures.retaining import planned, retain
from tests.fixtures.stored import Stored, schema, stored

pytestmark = pytest.mark.slow

DATABASES = int(os.environ.get("TENANT_ADMIN_DATABASES", "4"))
PART = 100

CHAIN = "audit_chain"
LISTED = ("users", "webhook_destinations", "notifications", "planning_runs", "planning_artifacts")
NOT_READ = {"url", "hostname", "secret", "password_hash"}
"""Columns that no export of a list has as they are stored; of a hostname, where more stands in it."""

OLD = (
    "UPDATE planning_runs SET status = 'deleted' WHERE rowid % 2",
    "UPDATE planning_runs SET updated_at = 1700000000",
    "UPDATE notifications SET read = 1, created_at = 1700000000",
)
"""What makes some of it old."""

Act = Callable[[Database], Change]


@pytest.fixture(params=[range(start, min(start + PART, DATABASES)) for start in range(0, DATABASES, PART)])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[int, Path]]:
    """A fresh file for each number."""

    def made() -> Iterator[tuple[int, Path]]:
        for number in request.param:
            folder = tmp_path / f"odd {number}"
            folder.mkdir()
            yield number, Odd(number).create(folder / "odd.sqlite")
            for path in folder.iterdir():
                path.unlink()

    return made()


def content(path: Path) -> tuple[Stored, list[tuple[Any, ...]]]:
    """All rows but those of the chain, and these."""
    found = {caseless(name): rows for name, rows in stored(path).items()}
    entries = found.pop(CHAIN, [])
    counters = found.get("sqlite_sequence", [])
    found["sqlite_sequence"] = [row for row in counters if row[1].lower() != CHAIN.encode()]
    return found, entries


def problems(path: Path) -> list[str]:
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        assert connection.pragma("integrity_check") == "ok"
        has_chain = connection.execute(
            "SELECT count(*) FROM sqlite_master WHERE lower(name) = 'audit_chain'"
        ).get
        return chains.problems(connection) if has_chain else []


def ids(database: Database, table: str) -> list[Value]:
    query = f"SELECT {exact('t', 'id')} FROM {sql_name(table)} AS t"
    return [decoded(str(cell)) for (cell,) in database.rows(raw(query))]


def acts(database: Database, chosen: random.Random) -> Iterator[Act]:
    """What a person may do with the rows that are there, each with one or some of them."""
    tables, _ = read_stored(database)
    act = writing.carry_out
    (agreed := Agreed()).add(NotRecorded(database.place))
    at: dict[str, Any] = {"actor": "ops", "now": NOW, "agreed": agreed}
    for table in ("users", "webhook_destinations", "planning_runs", "notifications"):
        if table not in tables or "id" not in tables[table].columns:
            continue
        found: list[Any] = ids(database, table)
        if not found:
            continue
        one: Any = chosen.choice(found)
        some: Any = chosen.sample(found, chosen.randint(1, len(found)))
        match table:
            case "users":
                yield partial(act, users.rename, user_id=one, email="new@example.org", **at)
                yield partial(act, users.delete, user_ids=[one], **at)
                yield partial(act, users.delete, user_ids=some, **at)
            case "webhook_destinations":
                yield partial(
                    writing.carry_out,
                    webhooks.set_active,
                    webhook_ids=some,
                    active=chosen.random() < 0.5,
                    **at,
                )
                yield partial(act, webhooks.delete, webhook_ids=some, **at)
            case "planning_runs":
                status = chosen.choice(list(RunStatus))
                yield partial(act, statuses.set_status, run_ids=[one], status=status, **at)
                yield partial(
                    writing.carry_out, statuses.set_status, run_ids=some, status=RunStatus.DELETED, **at
                )
            case "notifications":
                yield partial(
                    writing.carry_out,
                    notifications.mark,
                    notification_ids=some,
                    read=chosen.random() < 0.5,
                    **at,
                )


def undone(number: int, database: Database, path: Path) -> int:
    """Does and undoes all that can be done; how many acts that were."""
    (agreed := Agreed()).add(NotRecorded(database.place))
    done = 0
    with database.connection_context():
        for act in acts(database, random.Random(number)):
            before, entries = content(path)
            where = f"{number}: {act}"
            try:
                change = act(database)
            except TenantAdminError as error:
                assert str(error).strip(), where
                assert content(path) == (before, entries), f"{where}: refused ({error})"
                continue
            assert change.summary, where
            assert content(path)[0] != before, where
            inverse = writing.undo(database, change, now=NOW, agreed=agreed)
            after, more = content(path)
            assert after == before, where
            again = writing.undo(database, inverse, now=NOW, agreed=agreed)
            writing.undo(database, again, now=NOW, agreed=agreed)
            after, more = content(path)
            assert after == before, where
            assert set(entries) <= set(more), where
            assert len(more) - len(entries) in (0, 4 * len(change.events)), where
            done += 1
    assert problems(path) == [], number
    return done


def test_what_is_undone_is_as_it_was(odd: Iterator[tuple[int, Path]]) -> None:
    opened = ((number, path, opening.open_database(path)) for number, path in odd)
    assert sum(undone(number, one.database, path) for number, path, one in opened if not one.read_only_reason)


@pytest.mark.wrangler
def test_what_is_undone_on_d1_is_as_it_was(odd: Iterator[tuple[int, Path]], live: Live) -> None:
    """As far as D1 can hold the file, and a person may write to it."""
    done = 0
    for number, path in odd:
        if opening.open_database(path).read_only_reason is None:
            there = live.put(path)
            done += undone(number, live.open(there), there)
    assert done


def test_out_and_in_again_is_the_same(odd: Iterator[tuple[int, Path]]) -> None:
    same = 0
    for number, path in odd:
        before = stored(path)
        database = LocalDatabase(path, read_only=True)
        sql, new = path.with_suffix(".sql"), path.with_name("new.sqlite")
        with database.connection_context():
            write_sql(database, sql, Wanted())
        try:
            import_dump(sql, new)
        except TenantAdminError as error:
            assert str(error).endswith("."), number
            assert not new.exists(), number
        else:
            assert stored(new) == before, number
            same += 1
        copy = opening.snapshot_copy(path, path.with_name("copy.sqlite"))
        assert stored(copy) == before, number
        assert schema(copy) == schema(path), number
    assert same


def test_a_copy_put_back_is_what_was_copied(odd: Iterator[tuple[int, Path]]) -> None:
    restored = 0
    for number, path in odd:
        before, entries = content(path)
        copy = opening.snapshot_copy(path, path.with_name("copy.sqlite"))
        alter(path, random.Random(number))
        altered = stored(path)
        folder = path.with_name("scratch")
        folder.mkdir()
        try:
            prepared = restoring.prepare(path, copy, folder)
            restoring.restore(path, prepared, actor="ops", now=NOW)
        except TenantAdminError as error:
            assert str(error).endswith("."), number
            assert stored(path) == altered, number
        else:
            after, more = content(path)
            assert after == before, number
            assert schema(path) == schema(copy), number
            assert set(entries) <= set(more), number
            assert len(more) - len(entries) == prepared.recorded, number
            assert problems(path) == [], number
            restored += 1
        for left in folder.iterdir():
            left.unlink()
        folder.rmdir()
    assert restored


@pytest.mark.parametrize("make", [Odd, Depending])
def test_retention_does_what_it_foretells(tmp_path: Path, make: type[Odd | Depending]) -> None:
    """To the row, and what it does to others is what SQLite makes of that."""
    removed = 0
    for number in range(DATABASES):
        path, copy = tmp_path / f"{number}.sqlite", tmp_path / f"{number} copy.sqlite"
        make(number).create(path)
        with closing(apsw.Connection(str(path))) as connection:
            connection.pragma("foreign_keys", 0)
            for change in OLD if make is Odd else ():
                with suppress(apsw.Error):
                    connection.execute(change)
        opening.snapshot_copy(path, copy)
        before, _ = content(path)
        with connected(path) as database, suppress(NotAllowed):
            plan, result = planned(database), retain(database)
            assert (plan.counts, plan.changed) == (result.removed, result.changed), number
            assert {*plan.skipped} == {*result.skipped}, number
            removed += result.total
            after, _ = content(path)
            goes, changes = (
                {caseless(name): n for name, n in of.items()} for of in (plan.counts, plan.changed)
            )
            for table, rows in before.items():
                gone, come = Counter(rows) - Counter(after[table]), Counter(after[table]) - Counter(rows)
                assert come.total() == changes.get(table, 0), (number, table)
                assert gone.total() == goes.get(table, 0) + come.total(), (number, table)
            assert after == removed_by_sqlite(copy, plan.others), number
    assert removed


def removed_by_sqlite(path: Path, planned: OtherTables) -> Stored:
    """What is left where the records that are due are deleted, each run behind its artifacts."""
    with connected(path) as database:
        tables, _ = read_stored(database)
        for table, keys in planned.due.items():
            key = str(tables[table].row_key)
            owned = "run_id IN (SELECT a.run_id FROM planning_runs AS r, planning_artifacts AS a"
            where = f"{owned} WHERE r.id = a.run_id AND {exact('r', key)} = ?)"
            is_owner = table == "planning_runs" and "planning_artifacts" in tables
            delete = [("planning_artifacts", where)] if is_owner else []
            for one in (text for part in keys for (text,) in json.loads(part)):
                for name, which in (*delete, (table, f"{exact(table, key)} = ?")):
                    database.connection().execute(f"DELETE FROM {sql_name(name)} WHERE {which}", (one,))
    return content(path)[0]


def alter(path: Path, chosen: random.Random) -> None:
    """Rows of some tables go or change by another program."""
    with closing(apsw.Connection(str(path))) as connection:
        connection.pragma("foreign_keys", 0)
        for (table,) in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND lower(name) != 'audit_chain'"
            " AND name NOT LIKE 'sqlite%'"
        ).fetchall():
            with suppress(apsw.Error):
                way = chosen.choice(("DELETE FROM {0}", "UPDATE {0} SET id = 'x' || id", "DROP TABLE {0}"))
                connection.execute(way.format(sql_name(str(table))))


def test_lists_are_read_back_as_they_were(odd: Iterator[tuple[int, Path]]) -> None:
    compared = 0
    for number, path in odd:
        with connected(path, read_only=True) as database:
            lists = Lists(inspect(database))
            tables, _ = read_stored(database)
            for table in (name for name in LISTED if name in tables):
                where = f"{number}: {table}"
                query = ListQuery(table)
                texts = {}
                try:
                    keys = lists.load_keys(database, query)
                    for form in Format:
                        texts[form] = export.text_of(database, lists, export.RowsWanted(query, form, keys))[0]
                except TenantAdminError as error:
                    assert str(error).endswith("."), where
                    continue
                count = int(str(database.connection().execute(f"SELECT count(*) FROM {table}").get))
                names = tables[table].names
                parsed = [
                    json.loads(line, parse_constant=pytest.fail)
                    for line in texts[Format.JSON].split("\n")[:-1]
                ]
                assert len(parsed) == count, where
                assert all(len(row) == len(names) for row in parsed), where
                csv.field_size_limit(10_000_000)  # which what is tested sets, too
                cells = list(csv.reader(io.StringIO(texts[Format.CSV], newline="")))
                assert [len(row) for row in cells] == [len(names)] * (count + 1), where
                lines = texts[Format.TEXT].split("\n")[:-1]
                assert [line.count("\t") for line in lines] == [len(names) - 1] * (count + 1), where
                read_back(path, table, texts[Format.SQL], where)
                compared += 1
    assert compared


def read_back(path: Path, table: str, sql: str, where: str) -> None:
    """Inserts the rows into an empty table of the same columns, and compares."""
    copy = opening.snapshot_copy(path, path.with_name("list.sqlite"))
    with closing(apsw.Connection(str(copy))) as connection:
        connection.pragma("foreign_keys", 0)
        connection.config(apsw.SQLITE_DBCONFIG_ENABLE_TRIGGER, 0)
        connection.execute(f"DELETE FROM {sql_name(table)}")
        try:
            connection.execute(sql)
        except apsw.ConstraintError as error:  # of two URLs with one host, which is all that is given of them
            assert str(error).lower() == f"unique constraint failed: {table}.url", where
            copy.unlink()
            return
    before, after = (readable(file, table) for file in (path, copy))
    assert after == before, where
    copy.unlink()


def readable(path: Path, table: str) -> list[Any]:
    """The rows of a table without the columns that are not exported as they are."""
    with closing(apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)) as connection:
        columns = connection.execute("SELECT name FROM pragma_table_xinfo(?)", (table,)).fetchall()
        names = [sql_name(str(name)) for (name,) in columns if str(name).lower() not in NOT_READ]
        cells = ", ".join(exact("t", name[1:-1].replace('""', '"')) for name in names)
        return sorted(connection.execute(f"SELECT {cells} FROM {sql_name(table)} AS t").fetchall())
