"""A database goes out as SQL and comes in again: every value in its storage class, to the last bit."""

import math
import random
import re
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import apsw
import pytest

from app.services.chain.checkpoints.store import CheckpointStore
from app.services.chain.where import InDatabase, InFile
from app.services.files.dump import NoteKind
from app.services.files.exporting import Exported, Wanted, write_sql
from app.services.files.importing import import_dump, verify_imported
from app.services.files.inserts import AT_ONCE, STATEMENT
from app.services.files.judging import Dangling
from app.services.records.export import as_sql, literal
from app.services.records.rows import RawText
from app.workers import scan_pool
from app.workers.export import export_database
from models.engine import raw
from models.errors import Cancelled, DamagedFile, InvalidInput
from models.progress import Monitor
from tests.conftest import NOW
from tests.fixtures import checkpoints
from tests.fixtures.chains import append
from tests.fixtures.connected import connected, execute
from tests.fixtures.damage import lead_back, spoil
from tests.fixtures.plain_engine import PlainEngine
from tests.fixtures.sample import sample
from tests.fixtures.stored import schema, stored

LONG = 60_000

TEXTS: tuple[str | bytes, ...] = (
    "",
    "plain",
    "O'Brien's; -- \"x\"",
    "'" * 7,
    "both a line\nbreak and a literal \\n and \\r",
    "cr\r\nlf\r",
    "tab\tand,comma",
    "é 株式会社 😀 \u2028 \ufeff",
    "nul\0in\0it",
    "\0",
    "nul and 'quotes'\0'",
    b"\xff\xfe no utf-8",
    b"cut \xe2\x82",
    b"surrogate \xed\xa0\x80",
    "x'00'",
    "NULL",
    "12",
    "1e5",
)
NUMBERS = (
    *(0, 1, -1, 2**53 + 1, 2**63 - 1, -(2**63), None),
    *(1.0, -0.0, 0.0, 0.1, 1 / 3, 5e-324, 2.2250738585072014e-308, 1.7976931348623157e308),
    *(float("inf"), float("-inf"), 1795000000.5, 123456789012345680.0),
)
BLOBS = (b"", b"\0", b"'quoted'", bytes(range(256)), b"\xff" * 300)
LONGS: tuple[str | bytes, ...] = (
    "é'" * LONG,
    "line\nbreak \\n\r\n" * 9_000,
    "😀" * 30_000,
    "a\0b" * 50_000,
    b"\xff\x80" * LONG,
)


def text(value: str | bytes) -> Any:
    """As it is bound: a text of any bytes can only be made by a cast."""
    return value.encode() if isinstance(value, str) else value


def fill(path: Path) -> Path:
    """Everything that is hard to write, in tables of every kind."""
    with closing(apsw.Connection(str(path))) as db:
        db.execute(
            """
            CREATE TABLE "od'd ""na,me" ("it's" , "b""q" REAL, "c%s" TEXT, d INTEGER);
            CREATE INDEX "in'dex" ON "od'd ""na,me" ("it's") WHERE "b""q" > 'x';
            CREATE TABLE "Ä" (x); CREATE TABLE "ä" (y);
            INSERT INTO "Ä" VALUES (1); INSERT INTO "ä" VALUES ('2');
            CREATE TABLE without (a TEXT, b, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
            CREATE TABLE made (a, twice AS (a || a), b TEXT, thrice TEXT AS (b || b || b) STORED);
            CREATE TABLE strict_one (id INTEGER PRIMARY KEY, t TEXT, r REAL, x ANY) STRICT;
            CREATE TABLE hidden (rowid, oid TEXT, other);
            CREATE TABLE descending (id INTEGER PRIMARY KEY DESC, x);
            CREATE TABLE child (id INTEGER PRIMARY KEY, parent REFERENCES parent (id));
            CREATE TABLE parent (id TEXT PRIMARY KEY, up REFERENCES parent (id));
            CREATE TABLE counted (id INTEGER PRIMARY KEY AUTOINCREMENT, x);
            CREATE TABLE checked (x CHECK (json_valid(x)));
            CREATE TABLE emptied (id INTEGER PRIMARY KEY AUTOINCREMENT, x);
            """
        )
        for number, value in enumerate([*NUMBERS, *BLOBS], 1):
            db.execute(
                """INSERT INTO "od'd ""na,me" (rowid, "it's", "b""q", "c%s", d) VALUES (?, ?, ?, ?, ?)""",
                (number * 7 - 20, value, value, value, value),
            )
            db.execute("INSERT INTO without VALUES ('n', ?, ?)", (number, value))
            db.execute("INSERT INTO strict_one (x) VALUES (?)", (value,))
        for number, a_text in enumerate([*TEXTS, *LONGS], 1_000):
            db.execute(
                """INSERT INTO "od'd ""na,me" (rowid, "it's", "c%s") VALUES (?1, CAST(?2 AS TEXT), ?2)""",
                (number * 7 - 20, text(a_text)),
            )
            db.execute("INSERT INTO without VALUES ('t', ?, CAST(? AS TEXT))", (number, text(a_text)))
            db.execute("INSERT INTO strict_one (t) VALUES (CAST(? AS TEXT))", (text(a_text),))
            db.execute("INSERT INTO hidden VALUES (1, 'x', CAST(? AS TEXT))", (text(a_text),))
        db.execute("INSERT INTO checked VALUES (json_array(?)), ('[]')", ("a" * 200_000,))
        for a_text in TEXTS:
            db.execute("INSERT INTO made (a, b) VALUES (CAST(?1 AS TEXT), CAST(?1 AS TEXT))", (text(a_text),))
        db.execute("INSERT INTO descending (rowid, id, x) VALUES (5, 1, 2), (4, 9, 9)")
        db.execute("INSERT INTO parent VALUES ('b', 'a'), ('a', NULL); INSERT INTO child VALUES (1, 'a')")
        db.execute("INSERT INTO counted VALUES (50, 1), (3, 2); INSERT INTO emptied VALUES (900, 1)")
        db.execute("DELETE FROM counted WHERE id = 50; DELETE FROM emptied")
    return path


def exported(path: Path, target: Path, **wanted: Any) -> Exported:
    with connected(path, read_only=True) as database:
        return write_sql(database, target, Wanted(**wanted))


def run(sql: Path, path: Path) -> Path:
    """The SQL as D1 runs it: statement by statement in one transaction with foreign keys."""
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA foreign_keys = ON; BEGIN")
        db.execute(sql.read_bytes().decode())
        db.execute("COMMIT")
    return path


def pieces(sql: Path) -> Iterator[str]:
    """Its statements, as a program finds them that knows SQL."""
    start = ""
    for line in re.findall("[^\n]*\n", sql.read_bytes().decode()):
        start += line
        if line.endswith(";\n") and apsw.complete(start):
            yield start
            start = ""
    assert not start


@pytest.mark.slow
def test_out_and_in_again_is_the_same_row_by_row(database_path: Path, tmp_path: Path) -> None:
    fill(database_path)
    sql, new = tmp_path / "out.sql", tmp_path / "new.sqlite"
    done = exported(database_path, sql)
    assert done.rows["hidden"] == len(TEXTS) + len(LONGS)
    import_dump(sql, new)
    before, after = stored(database_path), stored(new)
    assert after.keys() == before.keys()
    for table in before:
        assert after[table] == before[table], table
    assert schema(new) == schema(database_path)


def test_values_of_other_kinds_amid_usual_rows_are_as_they_were(database_path: Path, tmp_path: Path) -> None:
    """Rows that are alike are written many at once, without a look at each value."""
    others: dict[str, list[Any]] = {
        "a": [*map(text, TEXTS), "'", "''", b"\x00", 7, 1.5],
        "b": [None, "it's", "no number", -0.0, 2.5, 2**63 - 1, b"b'"],
        "c": [None, "c'", 7, math.inf, 0.0],
        "d": [None, "d'", 9, b"'", 0.1 + 0.2],
    }
    odd = [(column, value) for column, values in others.items() for value in values]
    with closing(apsw.Connection(str(database_path))) as db, db:
        for number, (column, value) in enumerate(odd):
            table = f'"it\'s {number}"'
            db.execute(
                f"CREATE TABLE {table} (id INTEGER PRIMARY KEY, a TEXT NOT NULL, b INT, c REAL, d BLOB, e)"
            )
            usual = ((at * 2, "é", 5, 1.25, b"xy", None if at % 3 else "e") for at in range(AT_ONCE * 4))
            db.executemany(f"INSERT INTO {table} VALUES (?, ?, ?, ?, ?, ?)", usual)
            cast = "CAST(? AS TEXT)" if column == "a" and number < len(TEXTS) else "?"
            db.execute(f"UPDATE {table} SET {column} = {cast} WHERE id = ?", (value, AT_ONCE * 5))
            if number % 2:  # others' marks are looked for from there on
                db.execute(f"UPDATE {table} SET e = 'it''s' WHERE id = ?", (AT_ONCE * 3,))
    exported(database_path, sql := tmp_path / "out.sql")
    import_dump(sql, tmp_path / "new.sqlite")
    assert stored(tmp_path / "new.sqlite") == stored(database_path)


def test_an_export_that_lost_its_end_does_not_come_in_as_whole(database_path: Path, tmp_path: Path) -> None:
    sql = tmp_path / "out.sql"
    exported(database_path, sql)
    assert import_dump(sql, tmp_path / "whole.sqlite").notes == ()
    sql.write_text(sql.read_text().partition("DELETE FROM sqlite_sequence")[0])
    found = import_dump(sql, tmp_path / "cut.sqlite").notes
    assert [note.kind for note in found] == [NoteKind.NO_END]


@pytest.mark.parametrize("wanted", [{"tenant": "acme"}, {"rows": False}])
def test_a_part_that_is_whole_misses_nothing(
    database_path: Path, tmp_path: Path, wanted: dict[str, Any]
) -> None:
    execute(
        database_path,
        "DROP TABLE d1_migrations",
        "INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES ('u', 'acme', 'a@b', 1, 1)",
    )
    exported(database_path, tmp_path / "out.sql", **wanted)
    import_dump(tmp_path / "out.sql", tmp_path / "new.sqlite", strict=True)


def test_counters_that_have_counted_nothing_are_not_missing(database_path: Path, tmp_path: Path) -> None:
    execute(database_path, "DROP TABLE d1_migrations")
    exported(database_path, tmp_path / "out.sql")
    assert import_dump(tmp_path / "out.sql", tmp_path / "new.sqlite").notes == ()


def test_a_line_break_that_a_shell_alters_in_a_create_is_said(database_path: Path, tmp_path: Path) -> None:
    execute(database_path, "CREATE TABLE mine (a TEXT DEFAULT 'one\r\ntwo')")
    assert exported(database_path, tmp_path / "out.sql").notes == [
        "mine is made with a CR, which the shell of sqlite3 leaves out where an LF follows"
    ]
    import_dump(tmp_path / "out.sql", tmp_path / "new.sqlite")
    assert schema(tmp_path / "new.sqlite") == schema(database_path)


@pytest.mark.slow
def test_the_widest_table_goes_out_and_comes_in(database_path: Path, tmp_path: Path) -> None:
    columns = [f"a_column_whose_name_is_quite_long_{number}" for number in range(990)]
    execute(database_path, f"CREATE TABLE wide ({', '.join(columns)})")
    execute(database_path, f"INSERT INTO wide VALUES ({', '.join(map(repr, columns))})")
    done = exported(database_path, tmp_path / "out.sql")
    assert done.notes == ["wide has 990 columns; D1 takes 100"]
    import_dump(tmp_path / "out.sql", tmp_path / "new.sqlite")
    assert stored(tmp_path / "new.sqlite")["wide"] == stored(database_path)["wide"]


@pytest.mark.slow
def test_d1_takes_each_statement(database_path: Path, tmp_path: Path) -> None:
    fill(database_path)
    sql = tmp_path / "out.sql"
    notes = exported(database_path, sql).notes
    found = list(pieces(sql))
    assert found[0] == "PRAGMA defer_foreign_keys=TRUE;\n"
    assert max(len(statement.encode()) for statement in found) < 100_000
    assert notes == []
    words = [statement.split(maxsplit=1)[0] for statement in found[1:]]
    assert words.index("INSERT") > max(at for at, word in enumerate(words) if word == "CREATE")
    run(sql, tmp_path / "run.sqlite")
    assert stored(tmp_path / "run.sqlite") == stored(database_path)


@pytest.mark.slow
def test_a_shell_that_reads_lines_takes_every_value_as_it_is(database_path: Path, tmp_path: Path) -> None:
    """APSW's, which drops the CR of a line break also within quotes, as sqlite3's own does."""
    fill(database_path)
    sql, new = tmp_path / "out.sql", tmp_path / "new.sqlite"
    exported(database_path, sql)
    with sql.open("rb") as file:
        subprocess.run(
            [sys.executable, "-m", "apsw", "-bail", str(new)], stdin=file, check=True, capture_output=True
        )
    before, after = stored(database_path), stored(new)
    assert after.keys() == before.keys()
    for table in before:
        assert after[table] == before[table], table


def test_triggers_and_views_come_along_and_do_nothing(database_path: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("CREATE VIEW seen AS SELECT id FROM users -- a comment")
        db.execute("CREATE TABLE log (x); INSERT INTO log VALUES ('before')")
        db.execute("INSERT INTO users (id, tenant_id, email, created_at, updated_at) VALUES (1, 2, 3, 4, 5)")
        db.execute("CREATE TRIGGER t AFTER INSERT ON log BEGIN DELETE FROM users; SELECT 1; END")
        db.execute("CREATE TRIGGER over INSTEAD OF DELETE ON seen BEGIN DELETE FROM log; END")
    exported(database_path, tmp_path / "out.sql")
    new = run(tmp_path / "out.sql", tmp_path / "new.sqlite")
    assert schema(new) == schema(database_path)
    assert stored(new) == stored(database_path)


@pytest.mark.slow
def test_what_d1_refuses_is_left_out_and_named(database_path: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("CREATE VIRTUAL TABLE words USING fts5(x); INSERT INTO words VALUES ('hello')")
        db.execute("CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB)")
        db.execute(f"CREATE TABLE wide ({', '.join(f'c{n}' for n in range(120))})")
        db.execute(f"CREATE TABLE long (a /* {'x' * 100_000} */)")
        db.execute("INSERT INTO wide (c3) VALUES (zeroblob(2500000)); ANALYZE")
    notes = exported(database_path, tmp_path / "out.sql").notes
    new = run(tmp_path / "out.sql", tmp_path / "new.sqlite")
    assert {name for name, _ in schema(new)} == {
        name for name, _ in schema(database_path) if not name.startswith("words")
    }
    assert "\n".join(notes).splitlines() == [
        "left out: the virtual table words, which D1 cannot export, and its shadow tables",
        "left out: _cf_KV, which is D1's own",
        "long is made by a statement of more than 100,000 bytes, which D1 does not take",
        "left out: sqlite_stat1, sqlite_stat4, which ANALYZE makes again where it is wanted",
        "wide has 120 columns; D1 takes 100",
        "wide has 1 row of more than 2,000,000 bytes, which D1 does not take",
    ]


def test_a_row_that_nothing_names_is_written_whole_and_named(database_path: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("CREATE TABLE t (rowid, _rowid_, oid, x); INSERT INTO t (x) VALUES (zeroblob(90000))")
        db.execute("CREATE TABLE n (rowid, _rowid_, oid, x PRIMARY KEY)")
        db.execute("INSERT INTO n (oid) VALUES (zeroblob(90000))")
        db.execute("CREATE TABLE k (x PRIMARY KEY) WITHOUT ROWID; INSERT INTO k VALUES (zeroblob(90000))")
    notes = exported(database_path, tmp_path / "out.sql").notes
    said = f"1 row in a statement of more than {STATEMENT:,} bytes, which D1 does not take"
    assert notes == [f"t has {said}", f"n has {said}", f"k has {said}"]
    assert stored(run(tmp_path / "out.sql", tmp_path / "new.sqlite")) == stored(database_path)


JUDGED = {
    "unique": ("CREATE TABLE t (c TEXT UNIQUE)", "{start}"),
    "unique, replacing": ("CREATE TABLE t (c TEXT UNIQUE ON CONFLICT REPLACE)", "{start}"),
    "unique by a formula": ("CREATE TABLE t (c); CREATE UNIQUE INDEX l ON t (length(c))", "{start}"),
    "unique in part": (
        "CREATE TABLE t (c, k DEFAULT 1); CREATE UNIQUE INDEX l ON t (k) WHERE length(c) < 1000",
        "s",
    ),
    "an index over JSON": ("CREATE TABLE t (c); CREATE INDEX j ON t (json_extract(c, '$.x'))", "{{}}"),
    "generated": ("CREATE TABLE t (c, g AS (json_extract(c, '$.x')) STORED)", "{{}}"),
    "a number": ("CREATE TABLE t (c NUMERIC)", "1"),
}


@pytest.mark.parametrize("kind", JUDGED)
def test_a_long_value_that_its_table_judges_is_written_whole_and_named(tmp_path: Path, kind: str) -> None:
    made, other = JUDGED[kind]
    start = "1" * 256
    long = f"{start}{' ' * 100_000}x" if kind != "an index over JSON" else f'{{"x":"{"y" * 110_000}"}}'
    long = f'{{"x":"{"y" * 110_000}"}}' if kind == "generated" else long
    path = tmp_path / "judged.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        db.execute(made)
        db.executemany("INSERT INTO t (c) VALUES (?)", [(other.format(start=start),), (long,)])
    done = exported(path, tmp_path / "out.sql")
    assert done.notes == [
        f"t has 1 row in a statement of more than {STATEMENT:,} bytes, which D1 does not take"
    ]
    assert stored(run(tmp_path / "out.sql", tmp_path / "new.sqlite")) == stored(path)


def test_a_long_value_beside_one_that_is_judged_is_written_in_pieces(tmp_path: Path) -> None:
    path = tmp_path / "beside.sqlite"
    made = "CREATE TABLE t (k TEXT UNIQUE, j, c, g AS (j ->> 'x') STORED); CREATE INDEX i ON t (j ->> 'y')"
    with closing(apsw.Connection(str(path))) as db:
        db.execute(made)
        db.execute("INSERT INTO t (k, j, c) VALUES ('k', '{}', ?)", ("1" * 200_000,))
    assert exported(path, tmp_path / "out.sql").notes == []
    assert max(map(len, pieces(tmp_path / "out.sql"))) < 100_000
    assert stored(run(tmp_path / "out.sql", tmp_path / "new.sqlite")) == stored(path)


@pytest.mark.parametrize(
    "said", ["a DEFAULT 'PRIMARY KEY AUTOINCREMENT'", "a -- AUTOINCREMENT\n", '"AUTOINCREMENT"']
)
def test_the_word_autoincrement_numbers_nothing(tmp_path: Path, said: str) -> None:
    path = tmp_path / "word.sqlite"
    execute(path, f"CREATE TABLE users (id TEXT PRIMARY KEY, {said})", "INSERT INTO users (id) VALUES ('u')")
    exported(path, tmp_path / "out.sql")
    assert "sqlite_sequence" not in (tmp_path / "out.sql").read_text()
    import_dump(tmp_path / "out.sql", tmp_path / "new.sqlite")
    assert stored(tmp_path / "new.sqlite") == stored(path)


def test_a_module_that_is_not_here_and_another_encoding(database_path: Path, tmp_path: Path) -> None:
    path = tmp_path / "utf16.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        db.execute("PRAGMA encoding = 'UTF-16'; CREATE TABLE t (x); PRAGMA writable_schema = ON")
        db.execute(
            "INSERT INTO sqlite_master VALUES ('table', 'v', 'v', 0, 'CREATE VIRTUAL TABLE v USING gone(x)')"
        )
        db.executemany("INSERT INTO t VALUES (?)", [("é 😀 nul\0",), ("x" * 120_000,), (b"\0\xff",)])
    done = exported(path, tmp_path / "out.sql")
    assert done.notes == ["left out: the virtual table v, which D1 cannot export, and its shadow tables"]
    with closing(apsw.Connection(str(run(tmp_path / "out.sql", tmp_path / "new.sqlite")))) as db:
        found = db.execute("SELECT x FROM t").fetchall()
    assert found == [("é 😀 nul\0",), ("x" * 120_000,), (b"\0\xff",)]


@pytest.mark.parametrize("encoding", ["UTF-16le", "UTF-16be"])
def test_half_a_character_of_another_encoding_is_kept_and_named(tmp_path: Path, encoding: str) -> None:
    """SQLite makes one character, another, of an unpaired surrogate and what follows it."""
    path = tmp_path / "utf16.sqlite"
    texts = ["\ud83da", "\udc00", "end \ud800", "x" * 120_000 + "\ud800", "whole 😀, it's", "cr\r\n"]
    with closing(apsw.Connection(str(path))) as db:
        db.execute(f"PRAGMA encoding = '{encoding}'")
        db.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, x, y)")
        for text in texts:
            raw_text = text.encode(encoding, "surrogatepass")
            db.execute("INSERT INTO t (x, y) VALUES (CAST(? AS TEXT), 0.1)", (raw_text,))
    (note,) = exported(path, tmp_path / "out.sql").notes
    assert note.startswith("t has 4 texts with half of a character (an unpaired surrogate)")
    with closing(apsw.Connection(str(run(tmp_path / "out.sql", tmp_path / "new.sqlite")))) as db:
        found = db.execute("SELECT typeof(x), CAST(x AS BLOB), y FROM t ORDER BY id").fetchall()
    assert found == [("text", text.encode("utf-8", "surrogatepass"), 0.1) for text in texts]


@pytest.mark.slow
def test_only_the_tables_asked_for(database_path: Path, tmp_path: Path) -> None:
    fill(database_path)
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("INSERT INTO sqlite_sequence VALUES (NULL, 1), (x'00', 9e999)")  # of no table
    whole = exported(database_path, tmp_path / "whole.sql", rows=True)
    assert "left out: 2 rows of sqlite_sequence that name no table" in whole.notes
    done = exported(database_path, tmp_path / "out.sql", tables=("USERS", "counted"))
    assert list(done.rows) == ["users", "counted"]
    new = run(tmp_path / "out.sql", tmp_path / "new.sqlite")
    names = {name for name, _ in schema(new)}
    assert names == {"users", "idx_users_tenant", "idx_users_email", "counted"}
    assert stored(new)["sqlite_sequence"] == [("text", b"counted", "integer", 50)]


def test_what_d1_will_refuse_because_of_foreign_keys_is_said(database_path: Path, tmp_path: Path) -> None:
    fill(database_path)
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("INSERT INTO child VALUES (9, 'nobody'), (10, 'nobody')")
    notes = exported(database_path, tmp_path / "out.sql").notes
    said = "2 rows of child refer to rows of the table parent that are not there; D1 takes no such row"
    assert notes == [said]
    one = "1 row of lost refers to a row of the table gone that is not there"
    assert str(Dangling("lost", "gone", 1)) == one
    notes = exported(database_path, tmp_path / "out.sql", tables=("child",)).notes
    assert notes == ["left out: parent, which child refers to; D1 takes the rows only where it is"]


@pytest.mark.parametrize("name", ["nothing", "words", "words_data", "sqlite_sequence", "seen"])
def test_a_table_that_is_not_there_is_refused(database_path: Path, tmp_path: Path, name: str) -> None:
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("CREATE VIRTUAL TABLE words USING fts5(x); CREATE VIEW seen AS SELECT 1")
    with pytest.raises(InvalidInput, match=rf"no table {name} that could be exported"):
        exported(database_path, tmp_path / "out.sql", tables=("users", name))


@pytest.mark.slow
def test_rows_alone_and_the_schema_alone_make_the_whole(database_path: Path, tmp_path: Path) -> None:
    fill(database_path)
    exported(database_path, tmp_path / "schema.sql", rows=False)
    exported(database_path, tmp_path / "rows.sql", schema=False)
    changing = "^(INSERT|UPDATE|DELETE (?!FROM sqlite_sequence WHERE 0;))"  # by that its end is known
    assert not re.search(changing, (tmp_path / "schema.sql").read_text(), re.MULTILINE)
    assert not re.search("^CREATE", (tmp_path / "rows.sql").read_text(encoding="utf-8"), re.MULTILINE)
    new = run(tmp_path / "schema.sql", tmp_path / "new.sqlite")
    assert schema(new) == schema(database_path)
    after, before = stored(run(tmp_path / "rows.sql", new)), stored(database_path)
    emptied = ("text", b"emptied", "integer", 900)  # no row has made its line
    assert sorted([*after.pop("sqlite_sequence"), emptied]) == sorted(before.pop("sqlite_sequence"))
    assert after == before


@pytest.mark.slow
def test_one_tenant_with_all_that_is_its_own(database_path: Path, tmp_path: Path) -> None:
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute(
            """
            CREATE TABLE tenants (id TEXT PRIMARY KEY, plan);
            CREATE TABLE jobs (id INTEGER PRIMARY KEY, tenant_id REFERENCES tenants, idea REFERENCES ideas);
            CREATE TABLE results (a, b, job REFERENCES jobs (id), PRIMARY KEY (a, b));
            CREATE TABLE notes (x, a, b, FOREIGN KEY (a, b) REFERENCES results (a, b));
            CREATE TABLE ideas (id PRIMARY KEY, like_id REFERENCES ideas);
            CREATE TABLE apart (x);
            CREATE TABLE empty (x);
            CREATE TABLE terms (tenant REFERENCES tenants, said);
            INSERT INTO tenants VALUES ('acme', 1), ('globex', 2), ('new', 3);
            INSERT INTO terms VALUES ('acme', 'a'), ('new', 'n');
            INSERT INTO ideas VALUES ('i1', NULL), ('i2', NULL);
            INSERT INTO jobs VALUES (1, 'acme', 'i1'), (2, 'globex', 'i2'), (3, 'acme', NULL);
            INSERT INTO jobs VALUES (4, NULL, NULL);
            INSERT INTO results VALUES (1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 4, NULL);
            INSERT INTO notes VALUES ('mine', 1, 1), ('theirs', 2, 1), ('too', 3, 1), ('nobody', NULL, 1);
            INSERT INTO apart VALUES (1);
            """
        )
        for number in range(6):
            append(db, ("acme", "globex")[number % 2], [NOW + number])
    done = exported(database_path, tmp_path / "out.sql", tenant="acme")
    new = run(tmp_path / "out.sql", tmp_path / "new.sqlite")
    with closing(apsw.Connection(str(new))) as db:
        assert db.execute("SELECT id FROM tenants").fetchall() == [("acme",)]
        assert db.execute("SELECT id FROM jobs").fetchall() == [(1,), (3,)]
        assert db.execute("SELECT said FROM terms").fetchall() == [("a",)]
        assert db.execute("SELECT a FROM results").fetchall() == [(1,), (3,)]
        assert db.execute("SELECT x FROM notes").fetchall() == [("mine",), ("too",)]
        assert db.execute("SELECT id FROM ideas").fetchall() == [("i1",)]
        assert db.execute("SELECT seq FROM audit_chain").fetchall() == [(1,), (3,), (5,)]
    left_out = [
        "left out: the rows of apart: nothing tells whose they are",
        "left out: 1 row of jobs without a tenant",
    ]

    def left(done: Exported) -> list[str]:
        return [note for note in done.notes if "whose they are" in note or "without a tenant" in note]

    assert left(done) == left_out
    assert not [note for note in done.notes if "results" in note]
    assert schema(new) == schema(database_path)
    report = scan_pool.verify(InFile(new), now=NOW + 100)
    assert (report.verdict, report.entries) == ("CONSISTENT", 3)
    exported(database_path, tmp_path / "alone.sql", tenant="new")  # of which nothing else tells
    with closing(apsw.Connection(str(run(tmp_path / "alone.sql", tmp_path / "alone.sqlite")))) as db:
        assert db.execute("SELECT id, said FROM tenants, terms").fetchall() == [("new", "n")]
    for nobody, said in (("nobody", "nobody"), ("", "a tenant without a name")):
        with pytest.raises(InvalidInput, match=f"holds nothing of {said}"):
            exported(database_path, tmp_path / "out.sql", tenant=nobody)
    for wanted in (Wanted("acme"), Wanted(tables=("jobs",)), Wanted(rows=False)):  # no more than that is read
        places = InFile(database_path), InDatabase(PlainEngine(database_path))
        for where, name in zip(places, ("file.sql", "live.sql"), strict=True):
            how = export_database(where, tmp_path / name, wanted, replace=True, in_child=False)
            assert left(how) == (left_out if wanted.tenant else [])
        assert (tmp_path / "live.sql").read_bytes() == (tmp_path / "file.sql").read_bytes()


def test_a_tenants_rows_refer_as_the_parents_collation_says(tmp_path: Path) -> None:
    path = tmp_path / "nocase.sqlite"
    execute(
        path,
        "CREATE TABLE users (id TEXT COLLATE NOCASE PRIMARY KEY, tenant_id TEXT)",
        "CREATE TABLE reviews (id INTEGER PRIMARY KEY, of REFERENCES users)",
        "INSERT INTO users VALUES ('u', 'acme'), ('v', 'globex')",
        "INSERT INTO reviews (of) VALUES ('u'), ('U'), ('V')",
    )
    done = exported(path, tmp_path / "out.sql", tenant="acme")
    assert (done.rows, done.notes) == ({"users": 1, "reviews": 2}, [])


@pytest.mark.parametrize(("collation", "other"), [("NOCASE", "ACME"), ("RTRIM", "acme ")])
def test_tenants_are_told_apart_by_their_bytes(tmp_path: Path, collation: str, other: str) -> None:
    path, own = tmp_path / "alike.sqlite", f"TEXT COLLATE {collation}"
    execute(
        path,
        f"CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id {own})",
        f"CREATE TABLE notes (x, of {own} REFERENCES users)",
        f"INSERT INTO users VALUES ('acme', 'acme'), ('{other}', '{other}')",
        f"INSERT INTO notes VALUES (1, 'acme'), (2, '{other}')",
    )
    done = exported(path, tmp_path / "out.sql", tenant="acme")
    assert (done.rows, other in (tmp_path / "out.sql").read_text()) == ({"users": 1, "notes": 1}, False)


def test_rows_of_a_tenant_that_refer_to_another_s_are_named(tmp_path: Path) -> None:
    path = tmp_path / "across.sqlite"
    execute(
        path,
        "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT)",
        "CREATE TABLE teams (id TEXT PRIMARY KEY, tenant_id TEXT, lead REFERENCES users)",
        "CREATE TABLE members (team REFERENCES teams, user REFERENCES users)",
        "INSERT INTO users VALUES ('u', 'acme'), ('v', 'globex')",
        "INSERT INTO teams VALUES ('t', 'acme', 'v'), ('s', 'globex', 'v'), ('r', 'acme', NULL)",
        "INSERT INTO members VALUES ('t', 'u'), ('s', 'u'), ('s', 'v')",
    )
    done = exported(path, tmp_path / "out.sql", tenant="acme")
    assert sorted(done.notes) == [
        "1 row of members refers to a row of the table teams that is not there; D1 takes no such row",
        "1 row of teams refers to a row of the table users that is not there; D1 takes no such row",
    ]
    assert done.rows == {"users": 1, "teams": 2, "members": 2}


@pytest.mark.slow
def test_one_tenants_part_of_a_known_database_verifies_as_it_did(database_path: Path, tmp_path: Path) -> None:
    """The others are missing in it, and in it alone."""
    with closing(apsw.Connection(str(database_path))) as db:
        for number in range(6):
            append(db, ("acme", "globex")[number % 2], [NOW + number])
    now, sql = NOW + 100, tmp_path / "out.sql"
    store = CheckpointStore(tmp_path / "store")
    checkpoints.sign(database_path, tmp_path / "store", now=now)
    exported(database_path, sql, tenant="acme")
    imported = import_dump(sql, tmp_path / "part.sqlite")
    continuation, made = verify_imported(imported, store, checkpoints.VERIFY, now=now)
    assert continuation is not None and continuation.continues
    assert (made.report.verdict, made.report.entries, made.report.found) == ("CONSISTENT", 3, 0)
    for path in (imported.path, database_path):
        report = checkpoints.verify(path, tmp_path / "store", now=now)
        assert (report.verdict, report.found) == ("VERIFIED", 0)

    sql.write_text(sql.read_text().replace("'acme'", "'globex'"))
    forged = import_dump(sql, tmp_path / "forged.sqlite")
    _, made = verify_imported(forged, store, checkpoints.VERIFY, now=now)
    assert (made.report.verdict, made.checkpoint) == ("TAMPERED", None)
    for cancelled in (imported, replace(forged, tenant=None)):
        with pytest.raises(Cancelled):
            verify_imported(
                cancelled, store, checkpoints.VERIFY, now=now, monitor=Monitor(cancelled=lambda: True)
            )


@pytest.mark.slow
def test_a_literal_is_the_value_whoever_writes_it() -> None:
    chance = random.Random(8)
    reals = [struct.unpack("d", chance.randbytes(8))[0] for _ in range(2000)]
    values = [*NUMBERS, *BLOBS, *TEXTS, *(real for real in reals if not math.isnan(real))]
    db = apsw.Connection(":memory:")
    db.execute("CREATE TABLE t (x)")
    for value in values:
        raw = value if isinstance(value, bytes) and value in TEXTS else None
        db.execute("DELETE FROM t")
        db.execute(f"INSERT INTO t VALUES ({'?' if raw is None else 'CAST(? AS TEXT)'})", (value,))
        here = literal(value if raw is None else RawText(raw))
        texts = [here]
        if "CAST" not in here:
            texts.append(db.execute(f"SELECT {as_sql('x')} FROM t").get)
        for sql in texts:
            same = f"SELECT typeof(x) = typeof({sql}) AND CAST(x AS BLOB) IS CAST({sql} AS BLOB) FROM t"
            assert db.execute(same).get, sql
            if isinstance(value, float):
                assert db.execute(f"SELECT {sql}").get.hex() == value.hex()


def test_rows_that_break_a_check_come_back_and_are_counted(database_path: Path, tmp_path: Path) -> None:
    """They are in the file, so a dump of it is whole only with them, whoever has made it."""
    with closing(apsw.Connection(str(database_path))) as db:
        db.execute("CREATE TABLE c (id INTEGER PRIMARY KEY, x CHECK (x))")
        db.pragma("ignore_check_constraints", 1)
        db.execute("INSERT INTO c VALUES (1, 1), (2, 0), (3, '')")
    sql, others = tmp_path / "out.sql", tmp_path / "other.sql"
    exported(database_path, sql)
    others.write_text(re.sub("PRAGMA ignore_check_constraints=.*;\n", "", sql.read_text()))
    for dump, name in ((sql, "ours.sqlite"), (others, "others.sqlite")):
        made = import_dump(dump, tmp_path / name, strict=True)
        assert list(map(str, made.notes)) == ["2 rows against a CHECK of the table, kept as stored: c"]
        assert stored(tmp_path / name)["c"] == stored(database_path)["c"]
    assert stored(run(sql, tmp_path / "d1.sqlite"))["c"] == stored(database_path)["c"]


def test_of_a_damaged_table_what_can_be_read_is_exported_where_that_will_do(tmp_path: Path) -> None:
    path = sample(tmp_path / "demo.sqlite", rows=1_200, tenants=2)
    spoil(path, "audit_chain", 20)
    with pytest.raises(DamagedFile):
        exported(path, tmp_path / "all.sql")
    referring = sample(tmp_path / "referring.sqlite", rows=1_200, tenants=2)
    spoil(referring, "planning_artifacts", 0)
    with pytest.raises(DamagedFile, match=r"referring\.sqlite is damaged"):
        exported(referring, tmp_path / "all.sql")
    done = exported(path, tmp_path / "some.sql", readable=True)
    there = done.rows["audit_chain"]
    assert 1_100 < there < 1_200
    said = f"audit_chain is damaged: what could be read of it is {there:,} rows, the rest is left out"
    assert done.notes == [said]
    made = run(tmp_path / "some.sql", tmp_path / "new.sqlite")
    with connected(made) as database:
        assert database.scalar(raw("SELECT count(*) FROM audit_chain")) == there
        assert database.scalar(raw("SELECT count(*) FROM users")) == done.rows["users"] > 0


@pytest.mark.parametrize(("place", "to"), [(1, 0), (-1, 0), (0, 1), (2, 9), (12, 3)])
@pytest.mark.parametrize("made", ["", " WITHOUT ROWID", "UTF-16"])
def test_rows_to_which_pages_lead_twice_are_damage(tmp_path: Path, place: int, to: int, made: str) -> None:
    """SQLite reads them so without a word: some rows came twice, and others were missing."""
    path = tmp_path / "demo.sqlite"
    with closing(apsw.Connection(str(path))) as db:
        if made == "UTF-16":
            db.pragma("encoding", made)
        db.execute(f"CREATE TABLE t (id INTEGER PRIMARY KEY, x TEXT){made * made.startswith(' ')}")
        db.execute("WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 3 FROM n LIMIT 3000)"
                   " INSERT INTO t SELECT i, printf('text %060d', i) FROM n")  # fmt: skip
    before = stored(path)["t"]
    assert len(before) == exported(path, tmp_path / "sound.sql").rows["t"]
    lead_back(path, "t", place, to)
    with pytest.raises(DamagedFile, match=r"demo\.sqlite is damaged"):
        exported(path, tmp_path / "all.sql")
    done = exported(path, tmp_path / "some.sql", readable=True)
    assert [note.partition(":")[0] for note in done.notes] == ["t is damaged"]
    after = stored(run(tmp_path / "some.sql", tmp_path / "new.sqlite"))["t"]
    assert 1_000 < len(after) == done.rows["t"] < len(before)
