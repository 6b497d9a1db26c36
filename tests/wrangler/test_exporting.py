"""What is exported here goes into the real wrangler and comes back, but for what D1's own export alters."""

import os
import random
import struct
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.files.exporting import Wanted, write_sql
from app.services.files.importing import import_dump
from tests.app.services.files.test_exporting import fill
from tests.fixtures.chains import append
from tests.fixtures.connected import connected
from tests.fixtures.stored import stored
from tests.wrangler.test_audit_chain import NOW, TENANTS
from tests.wrangler.toolchain import DATABASE, Project

pytestmark = pytest.mark.wrangler

MakeProject = Callable[[], Project]

REALS = int(os.environ.get("TENANT_ADMIN_REALS", "300"))


def fill_more(path: Path) -> None:
    """Reals of any bits, a row that breaks a CHECK, a chain, and long texts in two tables alone, since
    wrangler looks at each letter.
    """
    chance = random.Random(8)
    reals = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(REALS)]
    with closing(apsw.Connection(str(path))) as db:
        db.execute(
            "DELETE FROM hidden WHERE length(other) > 9999; DELETE FROM without WHERE length(c) > 9999"
        )
        db.execute("CREATE TABLE reals (x)")
        db.executemany("INSERT INTO reals VALUES (?)", [(real,) for real in reals])
        db.execute("CREATE TABLE broken (x CHECK (x > 0)); PRAGMA ignore_check_constraints = TRUE")
        db.execute("INSERT INTO broken VALUES (-1), (1)")
        for tenant in TENANTS:
            append(db, tenant, [NOW, NOW + 1])


def test_d1_takes_an_export_and_holds_the_same(
    project: MakeProject, database_path: Path, tmp_path: Path
) -> None:
    fill(database_path)
    fill_more(database_path)
    sql = tmp_path / "ours.sql"
    with connected(database_path, read_only=True) as database:
        write_sql(database, sql, Wanted())
    theirs = project()
    theirs.run("d1", "execute", DATABASE, "--local", "--file", str(sql))
    (file,) = theirs.files()
    before, inside = stored(database_path), stored(file)
    assert inside.keys() == before.keys()
    for table in before:
        assert inside[table] == before[table], table

    # A NUL stands in D1's export as it is, which no text file holds.
    with closing(apsw.Connection(str(file))) as db:
        for table, name in (
            ('"od\'d ""na,me"', '"it\'s"'),
            ("strict_one", "t"),
            ("hidden", "other"),
            ("made", "a"),
            ("without", "c"),
        ):
            db.execute(f"DELETE FROM {table} WHERE typeof({name}) = 'text' AND instr({name}, char(0))")
    back = tmp_path / "back.sql"
    theirs.run("d1", "export", DATABASE, "--local", "--output", str(back))
    import_dump(back, tmp_path / "back.sqlite")
    inside, after = stored(file, rowids=False), stored(tmp_path / "back.sqlite", rowids=False)
    assert after.keys() == inside.keys()
    for table in inside.keys() - {"od'd \"na,me", "strict_one"}:  # whose columns have types of their own
        assert after[table] == sorted(map(as_d1_exports, inside[table]), key=repr), table
    assert after["audit_chain"] == inside["audit_chain"]


def as_d1_exports(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """A row as D1's own export gives it, which goes through JavaScript: whole numbers are integers, those
    beyond 2^53 are rounded, text that is no UTF-8 has U+FFFD, and where a text has a line break, its literal
    backslash-n has become one, too. Rowids that are no column are lost.
    """
    cells: list[Any] = []
    for kind, value in zip(row[::2], row[1::2], strict=True):
        match kind:
            case "integer":
                cells += number(float(value))
            case "real":
                cells += number(float.fromhex(value))
            case "text":
                said = value.decode(errors="replace")
                for character, written in (("\n", "\\n"), ("\r", "\\r")):
                    said = said.replace(written, character) if character in said else said
                cells += [kind, said.encode()]
            case _:
                cells += [kind, value]
    return tuple(cells)


def number(value: float) -> tuple[str, int | str]:
    """As JavaScript writes it, in whole digits below 10^21, and SQLite reads it."""
    whole = int(Decimal(repr(value))) if value.is_integer() and abs(value) < 1e21 else None
    if whole is not None and -(2**63) <= whole < 2**63:
        return "integer", whole
    return "real", value.hex()


def test_d1_takes_one_tenants_part(project: MakeProject, database_path: Path, tmp_path: Path) -> None:
    """With the comment that says whose it is, whatever the tenant is called."""
    tenant, sql = "a'b;\n-- é", tmp_path / "ours.sql"
    with closing(apsw.Connection(str(database_path))) as db:
        append(db, tenant, [NOW, NOW + 1])
        append(db, "other", [NOW])
    with connected(database_path, read_only=True) as database:
        write_sql(database, sql, Wanted(tenant))
    theirs = project()
    theirs.run("d1", "execute", DATABASE, "--local", "--file", str(sql))
    (file,) = theirs.files()
    before = stored(database_path)["audit_chain"]
    assert stored(file)["audit_chain"] == before[:2]
