"""What comes in, byte for byte, and what of it is said."""

import gzip
import re
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest

from app import paths
from app.services.chain.where import InFile
from app.services.files.dump import BEGINNING, EXACT, ImportFailed, NoteKind, NotWhole, continuation
from app.services.files.importing import Imported, import_dump
from app.services.files.judging import Dangling
from app.workers import scan_pool
from models.errors import AlreadyThere, Cancelled, FileMissing, FolderGiven, InvalidInput
from models.local.migrations import create_database
from models.progress import Monitor
from models.schema import expected_columns
from tests.conftest import MIGRATIONS, NOW
from tests.fixtures.dumping import write_dump
from tests.fixtures.gateway import create_gateway
from tests.fixtures.inserting import INTO_NOTIFICATIONS, OF_AUDIT_CHAIN

Run = Callable[..., Imported]


def said(made: Imported) -> list[str]:
    """What is noted of a dump beside the line breaks in its own texts."""
    return [str(note) for note in made.notes if note.kind is not NoteKind.LINE_BREAKS or note.first == "n-1"]


FORMS = ("sqlite3", "d1")


def contents(path: Path) -> dict[str, Any]:
    """Every table's rows with the storage class and bytes of each value, and every object's own text."""
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    found: dict[str, Any] = {
        "": sorted(
            connection.execute("SELECT type, name, tbl_name, sql FROM sqlite_master").fetchall(), key=str
        )
    }
    tables: list[Any] = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
    for (table,) in tables:
        names = connection.execute("SELECT name FROM pragma_table_info(?)", (table,)).fetchall()
        values = ", ".join(f'typeof("{name}"), CAST("{name}" AS BLOB)' for (name,) in names)
        found[table] = connection.execute(f'SELECT {values} FROM "{table}" ORDER BY rowid').fetchall()
    connection.close()
    return found


def value(path: Path, sql: str) -> Any:
    connection = apsw.Connection(str(path), flags=apsw.SQLITE_OPEN_READONLY)
    try:
        return connection.execute(sql).get
    finally:
        connection.close()


@pytest.mark.slow
@pytest.mark.parametrize("form", FORMS)
def test_everything_comes_through(run: Run, texts: dict[str, str], source: Path, form: str) -> None:
    made = run(texts[form])
    assert contents(made.path) == contents(source)
    assert made.rows["audit_chain"] == 120
    assert "d1_migrations" not in made.rows
    assert made.dangling == ()
    report = scan_pool.verify(InFile(made.path), now=NOW)
    assert (report.verdict, report.entries) == ("CONSISTENT", 120)


def test_the_file_is_as_one_made_here(run: Run, texts: dict[str, str]) -> None:
    path = run(texts["d1"]).path
    assert list(path.parent.iterdir()) == [path]
    assert path.stat().st_mode & 0o777 == 0o600
    assert value(path, "PRAGMA auto_vacuum") == 2
    assert value(path, "PRAGMA journal_mode") == "wal"


@pytest.mark.parametrize("form", FORMS)
def test_the_next_entry_gets_the_next_number(run: Run, texts: dict[str, str], form: str) -> None:
    """Also where the last ones are gone: a number is never used twice."""
    text = texts[form].replace("'audit_chain',120)", "'audit_chain',130)")
    path = run(text).path
    connection = apsw.Connection(str(path))
    connection.execute(
        f"INSERT INTO {OF_AUDIT_CHAIN} SELECT NULL, tenant_id, '', '', '', '', 1 FROM users LIMIT 1"
    )
    assert connection.last_insert_rowid() == 131


@pytest.mark.slow
@pytest.mark.parametrize("change", ["bom", "crlf", "bom and crlf", "no line break at the end"])
def test_other_ways_to_write_text(run: Run, texts: dict[str, str], source: Path, change: str) -> None:
    text = texts["d1"].rstrip("\n") if change.startswith("no") else texts["d1"]
    if "crlf" in change:
        # A line break within a table's own text is kept as it is written.
        text = text.replace(");\n", ");\r\n")
    data = (b"\xef\xbb\xbf" if "bom" in change else b"") + text.encode()
    assert contents(run(data).path) == contents(source)


def test_text_with_line_breaks_and_semicolons_as_they_are(run: Run, texts: dict[str, str]) -> None:
    nasty = "a;\nb;\r\n--c\n/* d ;\n\"e `f [g ';\n\\n\\r 😀 \u2028"
    quoted = nasty.replace("'", "''")
    row = INTO_NOTIFICATIONS + f"('n-1','acme','t','x','{quoted}',NULL,0,1);\n"
    path = run(texts["d1"] + row).path
    assert value(path, "SELECT message FROM notifications WHERE id = 'n-1'") == nasty


def test_a_large_text_in_parts(run: Run, texts: dict[str, str]) -> None:
    """As D1 wants it, where a statement has at most 100 KB."""
    part = "lorem ipsum; " * 5_000
    rows = "INSERT INTO planning_runs(id,idea,created_at,updated_at) VALUES('r-1','',1,1);\n"
    rows += f"UPDATE planning_runs SET config = coalesce(config,'') || '{part}' WHERE id = 'r-1';\n" * 6
    path = run(texts["d1"] + rows).path
    assert value(path, "SELECT config FROM planning_runs WHERE id = 'r-1'") == part * 6


def test_many_rows_in_one_statement_and_new_escapes(run: Run, texts: dict[str, str]) -> None:
    rows = ",".join(f"('n-{n}','acme','t','x',unistr('a\\u000ab'),NULL,0,{n})" for n in range(100))
    path = run(texts["sqlite3"].replace("COMMIT;", INTO_NOTIFICATIONS + f"{rows};\nCOMMIT;")).path
    assert value(path, "SELECT count(*) FROM notifications WHERE message = 'a' || char(10) || 'b'") == 100


def test_statistics_come_along(run: Run, texts: dict[str, str]) -> None:
    """As both programs write them once PRAGMA optimize has run."""
    statistics = "ANALYZE sqlite_schema;\nINSERT INTO sqlite_stat1 VALUES('users','idx_users_email','9 1');\n"
    text = texts["sqlite3"].replace("COMMIT;", f"{statistics}COMMIT;")
    assert value(run(text).path, "SELECT count(*) FROM sqlite_stat1") == 1


def test_rows_that_refer_to_nothing_are_counted(run: Run, texts: dict[str, str]) -> None:
    rows = (
        "INSERT INTO planning_artifacts(id,run_id,phase,content,created_at) VALUES('{}','gone','p','c',1);\n"
    )
    made = run(texts["d1"] + rows.format("a-1") + rows.format("a-2"))
    assert made.dangling == (Dangling("planning_artifacts", "planning_runs", 2),)


def test_a_foreign_key_that_cannot_be_one_is_passed_over(run: Run, texts: dict[str, str]) -> None:
    made = run(texts["d1"] + "CREATE TABLE t(a REFERENCES users(email));\nINSERT INTO t VALUES('x');\n")
    assert made.dangling == ()


@pytest.mark.slow
def test_tables_of_ones_own_come_along_and_those_of_d1_do_not(run: Run, texts: dict[str, str]) -> None:
    more = (
        'CREATE TABLE "odd ""name" (a, b AS (upper(a)), c DEFAULT (unixepoch()), CHECK(length(a) < 9));\n'
        'INSERT INTO "odd ""name"(a) VALUES(\'x\');\n'
        'CREATE INDEX odd_index ON "odd ""name"(lower(a)) WHERE a <> \'\';\n'
        "CREATE TABLE _cf_KV (key TEXT PRIMARY KEY, value BLOB) WITHOUT ROWID;\n"
        "INSERT INTO _cf_KV VALUES('k', x'00');\n"
    )
    made = run(texts["d1"] + more)
    assert made.rows['odd "name'] == 1
    assert value(made.path, "SELECT count(*) FROM sqlite_master WHERE name LIKE '\\_cf\\_%' ESCAPE '\\'") == 0


def test_progress_is_in_bytes(run: Run, texts: dict[str, str], tmp_path: Path, target: Path) -> None:
    dump = tmp_path / "x.sql"
    dump.write_text(texts["d1"], encoding="utf-8", newline="\n")
    seen: list[tuple[int, int]] = []
    import_dump(dump, target, monitor=Monitor(lambda done, total: seen.append((done, total))))
    size = dump.stat().st_size
    assert seen[-1] == (size, size)
    assert seen == sorted(seen)


@pytest.mark.parametrize("after", [0, 1, 3])
def test_a_cancel_leaves_nothing(texts: dict[str, str], tmp_path: Path, target: Path, after: int) -> None:
    dump = tmp_path / "x.sql"
    dump.write_text(texts["sqlite3"], encoding="utf-8")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        import_dump(dump, target, monitor=Monitor(cancelled=stop))
    assert list(target.parent.iterdir()) == []


def test_a_cancel_ends_a_statement_that_takes_long(
    texts: dict[str, str], tmp_path: Path, target: Path
) -> None:
    many = ", ".join(f"(VALUES(1),(2),(3),(4),(5),(6),(7),(8)) AS t{n}" for n in range(20))
    dump = tmp_path / "x.sql"
    dump.write_text(f"CREATE TABLE t(a);INSERT INTO t SELECT count(*) FROM {many};")
    asked = 0

    def stop() -> bool:
        nonlocal asked
        asked += 1
        return asked > 3

    with pytest.raises(Cancelled):
        import_dump(dump, target, monitor=Monitor(cancelled=stop))
    assert list(target.parent.iterdir()) == []


def test_an_existing_file_is_left_alone(
    run: Run, texts: dict[str, str], tmp_path: Path, target: Path
) -> None:
    dump = tmp_path / "x.sql"
    dump.write_text(texts["d1"], encoding="utf-8")
    for name in (target.name, f"{target.name}-wal"):
        there = target.with_name(name)
        there.write_bytes(b"mine")
        with pytest.raises(AlreadyThere):
            import_dump(dump, target)
        assert there.read_bytes() == b"mine"
        there.unlink()


@pytest.mark.usefixtures("texts")
def test_what_is_no_dump(run: Run, source: Path, target: Path, tmp_path: Path) -> None:
    for content, said in (
        (b"", "is empty, not an SQL dump"),
        (source.read_bytes(), "is a database, which can be opened as it is"),
        (b"a,b\n1,2\n", "is something else, not an SQL dump"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "is something else"),
    ):
        with pytest.raises(ImportFailed, match=said):
            run(content)
    with pytest.raises(FileMissing, match=r"no file at .*/nothing\.sql; check the path\.$"):
        import_dump(tmp_path / "nothing.sql", target)
    with pytest.raises(FolderGiven):
        import_dump(tmp_path, target)
    with pytest.raises(InvalidInput, match="no folder"):
        import_dump(source.with_suffix(".sql"), tmp_path / "nowhere" / "new.sqlite")


def test_a_dump_of_something_else(run: Run) -> None:
    with pytest.raises(ImportFailed, match=r"makes none of the platform's tables, so nothing was imported"):
        run("CREATE TABLE songs(a);\nINSERT INTO songs VALUES('x');\n")


@pytest.mark.slow
def test_a_name_that_no_statement_can_say_again_is_refused(run: Run, texts: dict[str, str]) -> None:
    name = "n" * 2_000_000
    for made in (f"CREATE TABLE {name}(a);\nINSERT INTO {name} VALUES(1);", f"CREATE TABLE t(a, {name});"):
        with pytest.raises(ImportFailed, match=r"or a column with a name of 2,000,000 bytes, so nothing was"):
            run(f"{texts['d1']}\n{made}\n")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (("AUTOINCREMENT", "DESC"), "does not have seq as the row's own number"),
        (("tenant_id TEXT", "tenant_id TEXT COLLATE NOCASE"), r"\(COLLATE\)"),
    ],
)
def test_a_chain_that_cannot_be_verified_comes_in_and_is_named(
    run: Run, texts: dict[str, str], change: tuple[str, str], sentence: str
) -> None:
    before, table = texts["d1"].split("CREATE TABLE audit_chain", 1)
    changed = f"{before}CREATE TABLE audit_chain{table.replace(*change, 1)}"
    with pytest.raises(NotWhole, match="cannot be verified here"):
        run(changed, strict=True)
    made = run(changed)
    line = before.count("\n") + 1
    assert [re.search(rf"cannot be verified here, .*{sentence}.* \(line {line}\)$", said(made)[0])] != [None]
    assert (made.has_chain, made.rows["audit_chain"], made.rows["users"] > 0) == (False, 120, True)


@pytest.mark.parametrize("form", FORMS)
def test_a_dump_cut_off_anywhere_is_refused_or_said(run: Run, texts: dict[str, str], form: str) -> None:
    """Between two statements of D1's it is like a dump of some tables."""
    lines = texts[form].splitlines(keepends=True)
    for share in (0.02, 0.3, 0.6, 0.9):
        at = int(len(lines) * share)
        whole, part = "".join(lines[:at]), lines[at][: len(lines[at]) // 2]
        refused = r"was cut off: a (statement|transaction) that|makes (none of the platform's|no tables)"
        with pytest.raises(ImportFailed, match=refused):
            run(whole + part)
        lost = rf"{refused}|cannot come in whole: .*lost its end"
        with pytest.raises((ImportFailed, NotWhole), match=lost):
            run(whole, strict=True)
    without_last_index = lines[:-1] if form == "d1" else [*lines[:-2], lines[-1]]
    made = run("".join(without_last_index))
    assert said(made) == [
        "1 part missing, as in a dump of some tables only, one of a file without them, or one that lost its "
        "end: idx_parked_source"
    ]


def test_what_is_known_of_an_end_that_is_missing(run: Run, texts: dict[str, str], target: Path) -> None:
    """D1 writes the counters behind all rows, and the indexes behind those."""
    rows, counters = texts["d1"].split("DELETE FROM sqlite_sequence;\n")
    assert [note.kind for note in run(rows).notes if note.kind.is_loss] == [NoteKind.NO_END, NoteKind.LACKS]
    target.unlink()
    counters = "".join(line for line in counters.splitlines(True) if "INSERT" in line)
    made = run(f"{rows}DELETE FROM sqlite_sequence;\n{counters}")
    assert [note.kind for note in made.notes if note.kind.is_loss] == [NoteKind.LACKS]


def test_numbers_that_d1_may_have_rounded_are_counted(run: Run, texts: dict[str, str], target: Path) -> None:
    """D1 writes 2^53 + 1, and the largest and smallest that SQLite has, as JavaScript reads them."""
    rounded = (2**53, -(2**53) - 2, 1234567890123456800, 9223372036854776000, -9223372036854776000)
    others = (2**53 - 1, 0.5, 1e17, "'9007199254740992'", "x'ff'", "NULL")
    rows = "".join(f'INSERT INTO "odd" ("a","b","c") VALUES({one},\'1\',2);\n' for one in (*rounded, *others))
    table = "CREATE TABLE odd (a, b TEXT, c REAL);\n"
    begun, rest = texts["d1"].split("\n", 1)
    assert said(run(f"{begun}\n{table}{rows}{rest}", strict=True))[0] == (
        f"5 numbers that D1's export may have altered: it rounds beyond 2^53: odd (from a = {2**53})"
    )
    for exact in (
        f"{begun}\n{table}{rows.replace('0992,', '0993,')}",
        f"{begun}\n{EXACT}\n{table}{rows}",
        table + rows,
    ):
        target.unlink()
        assert not any("rounds" in one for one in said(run(exact + rest)))


TRIGGER = "CREATE TRIGGER {} AFTER INSERT ON {} BEGIN SELECT 1; UPDATE users SET email = ';'; END;\n"
FULL_TEXT = """PRAGMA writable_schema=ON;
INSERT INTO sqlite_schema(type,name,tbl_name,rootpage,sql)
VALUES('table','ft','ft',0,'CREATE VIRTUAL TABLE ft USING fts5(x)');
CREATE TABLE IF NOT EXISTS 'ft_content'(id INTEGER PRIMARY KEY, c0);
INSERT INTO ft_content VALUES(1,'word');
PRAGMA writable_schema=OFF;
"""


@pytest.mark.parametrize(
    ("more", "notes"),
    [
        ("CREATE VIEW v AS SELECT 1;\n", ["1 view left out: v (line {0:,})"]),
        (
            TRIGGER.format("[the one]", "users") + TRIGGER.format("two", "nowhere"),
            ["1 trigger left out: the one (line {0:,})", "1 trigger left out: two (line {1:,})"],
        ),
        ('DROP TABLE IF EXISTS "old one";\n',
         ["1 DROP … IF EXISTS not run, as nothing of that name is there: old one (line {0:,})"]),
        ('DROP TABLE main."old one";\nCREATE TABLE "new one"(a);DELETE FROM "new one" WHERE a;\n',
         ["1 statement not run, as nothing is there that it would remove: DROP TABLE old one (line {0:,})",
          "1 statement not run, as nothing is there that it would remove: DELETE FROM new one (line {1:,})"]),
        ("CREATE VIRTUAL TABLE f USING fts5(a);\n",
         ["1 virtual table left out; the tables that it keeps its rows in are plain tables: f (line {0:,})"]),
        (FULL_TEXT, ["2 statements not run: PRAGMA writable_schema (from line {0:,})",
         "1 virtual table left out; the tables that it keeps its rows in are plain tables: ft (line {1:,})"]),
        ("PRAGMA user_version=7;\nANALYZE;\n",
         ["1 statement not run: PRAGMA user_version (line {0:,})",
          "1 statement not run: ANALYZE (line {1:,})"]),
        ("INSERT INTO nowhere VALUES(1);\nINSERT INTO nowhere VALUES(2);\n",
         ["2 statements left out, for a table that the dump does not make: nowhere (from line {0:,})"]),
        ("CREATE TEMP TABLE t(a);\nINSERT INTO t VALUES(1);\n",
         ["1 statement not run: CREATE TEMP … t (line {0:,})",
          "1 statement left out, for a table that the dump does not make: t (line {1:,})"]),
        ("SAVEPOINT s;\nRELEASE s;\n",
         ["1 statement not run: SAVEPOINT (line {0:,})", "1 statement not run: RELEASE (line {1:,})"]),
        ("ROLLBACK; -- due to errors\n",
         ["1 ROLLBACK not run: the file that was dumped is damaged, so rows may be missing (line {0:,})"]),
        ("UPDATE users SET id = 'x' WHERE id IN (SELECT id FROM users);\n"
         "UPDATE users SET id = (SELECT max(sql) FROM sqlite_master);\n",
         ["2 statements not run: UPDATE with a query over tables (from line {0:,})"]),
    ],
    ids=["view", "triggers", "drop", "clears", "virtual", "full text", "settings", "no such table",
         "temporary", "savepoint", "rollback", "queries"],
)  # fmt: skip
def test_what_cannot_come_in_is_left_out_and_named(
    run: Run, texts: dict[str, str], more: str, notes: list[str]
) -> None:
    """What stands behind it comes in all the same."""
    line = texts["d1"].count("\n") + 1
    text = f"{texts['d1']}{more}CREATE TABLE behind(a);\nINSERT INTO behind VALUES('it');\n"
    with pytest.raises(NotWhole, match=r"cannot come in whole: .*\. Nothing was imported\.$"):
        run(text, strict=True)
    made = run(text)
    assert said(made) == [note.format(line, line + 1) for note in notes]
    assert value(made.path, "SELECT a FROM behind") == "it"


def test_of_several_rows_those_come_in_that_fit(run: Run, texts: dict[str, str]) -> None:
    line = texts["d1"].count("\n") + 1
    made = run(
        texts["d1"] + "CREATE TABLE k(a INTEGER PRIMARY KEY, b);INSERT INTO k VALUES (1,'),(');"
        "INSERT INTO k (a, b) VALUES (1,0),\n('one', 0), -- (\n(2,replace('a\\n','\\n',char(10))),(1,x'00'),"
        "(3,' select ');\nUPDATE k SET b = b || 'select' WHERE a = 3;\n"
    )
    assert said(made) == [
        f"2 rows left out, which SQLite refuses: UNIQUE constraint failed: k.a (from line {line:,})",
        f"1 row left out, which SQLite refuses: datatype mismatch (line {line + 1:,})",
    ]
    assert value(made.path, "SELECT group_concat(a || b, '|') FROM k") == "1),(|2a\n|3 select select"


def test_what_a_row_that_fails_leaves_behind_is_counted_once(run: Run, texts: dict[str, str]) -> None:
    """OR FAIL keeps the rows before, behind rows that are joined as well; nothing in k tells them apart."""
    made = run(
        texts["d1"] + "CREATE TABLE k(a NOT NULL, b INTEGER PRIMARY KEY);\n"
        "INSERT INTO k VALUES(1,9);\nINSERT INTO k VALUES(1,10);\n"
        "INSERT OR FAIL INTO k(a) VALUES (2),(3),(NULL),(4),(NULL),(5);\nINSERT OR FAIL INTO k VALUES(6,9);\n"
        "INSERT OR FAIL INTO k(a) VALUES (NULL),(7);\n"
    )
    line = texts["d1"].count("\n") + 4
    assert said(made) == [
        f"3 rows left out, which SQLite refuses: NOT NULL constraint failed: k.a (from line {line:,})",
        f"1 statement left out, which SQLite refuses: UNIQUE constraint failed: k.b (line {line + 1:,})",
    ]
    assert value(made.path, "SELECT group_concat(a, '') FROM (SELECT a FROM k ORDER BY b)") == "1123457"


@pytest.mark.parametrize(
    ("columns", "statement", "left"),
    [
        ("a PRIMARY KEY", "/**/INSERT OR FAIL INTO k SELECT 1 UNION ALL SELECT 1", "1 statement.*UNIQUE|"),
        ("a PRIMARY KEY", "INSERT OR/**/FAIL INTO k VALUES(1),(2),(2),(4)", "1 row.*UNIQUE|124"),
        ("a UNIQUE ON CONFLICT FAIL", "INSERT INTO k VALUES(1),(2),(2),(4)", "1 row.*UNIQUE|124"),
        ("a NOT NULL ON CONFLICT FAIL", "INSERT INTO k VALUES(1),(NULL),(4)", "1 row.*NOT NULL|14"),
        ("a INTEGER PRIMARY KEY", "INSERT OR FAIL INTO k VALUES(1),('x'),(3)", "1 row.*mismatch|13"),
        (
            "a",
            "INSERT INTO k VALUES(9);INSERT OR FAIL INTO k(b) VALUES(1)",
            "1 statement.*no column named b|9",
        ),
        ("a", "UPDATE OR FAIL k SET b = 1", "1 statement.*no such column|"),
        (
            "a INT) STRICT;CREATE TABLE l(a",
            "INSERT OR FAIL INTO k VALUES(1),('x'),(2)",
            "1 row.*cannot store|12",
        ),
        ("a PRIMARY KEY", "INSERT OR ROLLBACK INTO k VALUES(1),(2),(2),(4)", "1 row.*UNIQUE|124"),
        (
            "a UNIQUE ON CONFLICT ROLLBACK",
            "INSERT INTO k VALUES(1);\nINSERT INTO k VALUES(1);\nINSERT INTO k VALUES(4)",
            "1 statement.*UNIQUE|14",
        ),
        (
            "a PRIMARY KEY",
            "INSERT INTO k VALUES(1);WITH c AS (SELECT 1) INSERT OR ROLLBACK INTO k SELECT 1",
            "1 statement.*UNIQUE|1",
        ),
        (
            "a PRIMARY KEY, b NOT NULL",
            "INSERT INTO k VALUES(1,1),(2,NULL),(1,2),(4,1) ON CONFLICT(a) DO UPDATE SET a = 9",
            "1 row.*NOT NULL|49",
        ),
    ],
)
def test_what_a_statement_did_before_it_failed_is_undone(
    run: Run, texts: dict[str, str], columns: str, statement: str, left: str
) -> None:
    made = run(f"{texts['d1']}CREATE TABLE k({columns});{statement};\n")
    found, rows = left.split("|")
    (note,) = [note for note in said(made) if "in the place of" not in note]
    assert re.match(found, note)
    assert value(made.path, "SELECT group_concat(a, '') FROM k") == (rows or None)


IGNORES, REPLACES = "a UNIQUE ON CONFLICT IGNORE, b", "a UNIQUE ON CONFLICT REPLACE, b"


@pytest.mark.parametrize(
    ("columns", "statement", "said_of"),
    [
        (IGNORES, "INSERT INTO k VALUES(1,'x'),(2,'b')", "1 row left out, as|ab"),
        (REPLACES, "INSERT INTO k VALUES(1,'x'),(2,'b')", "1 row in the place|xb"),
        (
            f"{REPLACES} UNIQUE",
            "REPLACE INTO k VALUES(2,'b');INSERT INTO k VALUES(3,'c');REPLACE INTO k VALUES(3,'a')",
            "2 rows in the place|ab",
        ),
        (
            "a, b NOT NULL ON CONFLICT REPLACE DEFAULT 'd'",
            "INSERT INTO k(a) VALUES(2);INSERT INTO k VALUES(2,NULL)",
            "1 row with its column's default|add",
        ),
        (IGNORES, "INSERT OR ROLLBACK INTO k VALUES(1,'x')", "1 statement left out, which|a"),
        (IGNORES, "INSERT INTO k SELECT 1,1 UNION SELECT 1,2 UNION SELECT 2,'b'", "2 rows left out, as|ab"),
        ("a UNIQUE, b", "REPLACE INTO k SELECT 1,'x' RETURNING a", "1 row in the place|x"),
        ("a UNIQUE, b", "INSERT OR IGNORE INTO k SELECT 1,1 UNION SELECT 2,'b' RETURNING a", "1 row left|ab"),
        (IGNORES, "INSERT INTO k VALUES(2,'b'),(3,'c');UPDATE k SET a=1 WHERE a>1", "2 rows not changed|abc"),
        (REPLACES, "INSERT INTO k VALUES(2,'b');UPDATE k SET a=1 WHERE a=2", "1 row in the place|b"),
        (
            "a, b NOT NULL ON CONFLICT IGNORE",
            "INSERT INTO k VALUES(2,'b');UPDATE k SET b=NULL WHERE a=2",
            "1 row not changed|ab",
        ),
        (
            "a, b NOT NULL ON CONFLICT REPLACE DEFAULT 'd'",
            "UPDATE k SET b=NULL",
            "1 row with its column's default|d",
        ),
        (
            "a UNIQUE, b",
            "WITH q(a, b) AS (VALUES(1,'x'),(2,'b'),(2,'c')) INSERT OR IGNORE INTO k SELECT * FROM q",
            "2 rows left out, as|ab",
        ),
        (
            "a, b);ALTER TABLE k ADD c NOT NULL ON CONFLICT REPLACE DEFAULT 'c'",
            "INSERT INTO k VALUES(2,'b',NULL)",
            "1 row with its column's default|ab",
        ),
    ],
)
def test_rows_that_go_by_their_tables_own_word_or_many_at_once_are_named(
    run: Run, texts: dict[str, str], columns: str, statement: str, said_of: str
) -> None:
    note, left = said_of.split("|")
    made, behind, rest = columns.partition(");")
    first = "INSERT INTO k(a, b) VALUES(1,'a')"
    script = f"CREATE TABLE k({made});\n{first};\n{rest}{behind and ';'}\n{statement};\n"
    done = run(f"{texts['d1']}{script}")
    assert [one[: len(note)] for one in said(done)] == [note]
    assert value(done.path, "SELECT group_concat(b, '') FROM k") == left


@pytest.mark.parametrize(
    ("statement", "note", "left"),
    [
        ("INSERT OR IGNORE INTO k VALUES(1,'x'),(2,'b')", "1 row left out, as the dump says", "ab"),
        ("/* */ insert  or\nreplace into k VALUES(1,'x'),(2,'b')", "1 row in the place of one before", "xb"),
        ("REPLACE INTO k VALUES(1,'x')", "1 row in the place of one before", "x"),
        ("INSERT INTO k VALUES(1,'x') ON CONFLICT(a) DO UPDATE SET b = 'y'", "", "y"),
        ("INSERT INTO k VALUES(1,'x'),(2,'b') ON CONFLICT DO NOTHING", "1 row left out, as the dump", "ab"),
        ("INSERT OR IGNORE INTO k VALUES(2,'b')", "", "ab"),
        ("INSERT--\n OR/**/IGNORE INTO k VALUES(1,'x')", "1 row left out, as the dump", "a"),
        ("WITH q AS (SELECT 1) INSERT OR REPLACE INTO k VALUES(1,'x')", "1 row in the place of one", "x"),
        ("REPLACE INTO k SELECT 1, 'x' FROM (SELECT 1) WHERE 1 RETURNING a", "1 row in the place of", "x"),
        ("INSERT INTO k VALUES(1,'x') ON/**/CoNfLiCt/*it's*/DO\nNoThInG", "1 row left out, as the", "a"),
        ("INSERT INTO k VALUES(1,'x') ON CONFLICT DO UPDATE SET b='y' WHERE 0", "1 row left out, as", "a"),
        ("INSERT INTO k VALUES(1,'x') ON CONFLICT DO UPDATE SET b='y' WHERE 1", "", "y"),
        ("INSERT INTO k VALUES(2,'b');UPDATE OR REPLACE k SET a=1 WHERE a=2", "1 row in the place of", "b"),
        ("INSERT INTO k VALUES(2,'b');UPDATE OR IGNORE k SET a=1", "1 row not changed, as the dump", "ab"),
        ("INSERT INTO k VALUES(2,'; insert or ignore on conflict')", "", "a; insert or ignore on conflict"),
    ],
)  # fmt: skip
def test_rows_that_go_by_their_statements_own_word_are_named(
    run: Run, texts: dict[str, str], statement: str, note: str, left: str
) -> None:
    table = "CREATE TABLE k(a INTEGER PRIMARY KEY, b);\nINSERT INTO k VALUES(1,'a');\n"
    if note:
        with pytest.raises(NotWhole):
            run(f"{texts['d1']}{table}{statement};\n", strict=True)
    made = run(f"{texts['d1']}{table}{statement};\n")
    assert [one[: len(note)] for one in said(made)] == [note] * bool(note)
    assert value(made.path, "SELECT group_concat(b, '') FROM k") == left


def test_what_on_conflict_and_returning_read_is_no_query(run: Run, texts: dict[str, str]) -> None:
    """Beside a SELECT over no table, which alone tells what comes in; RETURNING stores nothing."""
    table = "CREATE TABLE k(a PRIMARY KEY, b CHECK(b <> a), c AS (b || '!'));\n"
    inserts = (
        "WITH v(a, b) AS (VALUES(1,'on'),(1,'e'),(3,'conflict')) INSERT INTO k SELECT * FROM v WHERE true"
        " /* on conflict do */ ON\tCONFLICT(a) DO UPDATE SET b = k.b || excluded.b RETURNING a, b;\n"
        "INSERT INTO k SELECT 4, 'returning (select' RETURNING *;\n"
        "WITH no AS (SELECT 1) INSERT INTO k SELECT 4, 5 FROM no WHERE 1 ON CONFLICT DO NOTHING;\n"
        "REPLACE INTO k SELECT a, b FROM (SELECT 4 AS a, replace('f\\nour', '\\n', char(10)) AS b) WHERE 1"
        " RETURNING a;\nINSERT INTO k(a) SELECT 4 WHERE 1 ON CONFLICT DO NOTHING;\n"
        "INSERT INTO k VALUES(5, 0), (5, 1) ON CONFLICT(a) DO UPDATE SET b = (SELECT 'five')"
        " RETURNING a, (SELECT count(*) FROM k);\n"
        "UPDATE k SET b = 'six' WHERE a = 5 RETURNING EXISTS (SELECT 1 FROM users);\n"
    )
    made = run(texts["d1"] + table + inserts)
    resolved = ("in the place of", "as the dump says")
    assert [
        note for note in said(made) if not any(words in note for words in ("line break", *resolved))
    ] == []
    asked = "SELECT group_concat(a || b || c, '|') FROM k"
    with closing(apsw.Connection(":memory:")) as plain:
        plain.execute(f"CREATE TABLE users(id);{table}{inserts}").fetchall()
        assert (
            value(made.path, asked)
            == plain.execute(asked).get
            == "1oneone!|3conflictconflict!|4f\nourf\nour!|5sixsix!"
        )


@pytest.mark.parametrize("size", [3, 200_000])
def test_what_continues_a_row_that_is_left_out_goes_on_with_no_other(
    run: Run, texts: dict[str, str], size: int
) -> None:
    """As our own export cuts a long value; the row of its key is another one."""
    long = "x" * size
    made = run(
        f'{texts["d1"]}CREATE TABLE "the k"(a PRIMARY KEY, "set b");\n'
        f"INSERT INTO \"the k\" VALUES(1,'one');\nINSERT OR ABORT INTO [The K] VALUES(1,'{long}');\n"
        + continuation("the k", "set b", f"'{long}'", '"rowid" = 1', is_text=True)
        + continuation("the k", "set b", "x'00'", '"rowid" = 1', is_text=False)
        + f"UPDATE OR FAIL main.`the k` SET a=a+0, [set b] = coalesce(\"set b\",'') || '{long}' WHERE a=1;\n"
        f'UPDATE "the k" AS k SET ("set b",a) = (concat(\'{long}\', k."set b"), 1) WHERE a = 1;\n'
        "INSERT INTO \"the k\" VALUES(2,'two');\n"
        + continuation("the k", "set b", "'!'", "a = 2", is_text=True)
        + "INSERT INTO \"the k\" VALUES(2,'again');\n"
        'UPDATE "the k" SET a = 1, "set b" = \'eins, a\' WHERE a = 1 AND "set b" > \'\';\n'
        "INSERT INTO \"the k\" VALUES(1,'once more'),(3,'three');\n"
        + continuation("the k", "set b", "'tail'", "a = 1", is_text=True)
        + "WITH one(n) AS (VALUES(1)) "
        + continuation("the k", "set b", "'tail'", "a = 1", is_text=True)
        + continuation("the k", "set b", "'!'", "a = 3", is_text=True)
        + "CREATE TABLE other(a INTEGER PRIMARY KEY);\nINSERT INTO other VALUES(1);\n"
        + continuation("the k", "set b", "'tail'", "a = 1", is_text=True)
        + "INSERT INTO \"the k\" VALUES(4,'four');\n"
        + continuation("the k", "set b", "'!'", "a = 4", is_text=True)
        + "INSERT INTO other VALUES(2);\n"
        + continuation("the k", "set b", "'!'", "a = 4", is_text=True)
        + "".join(
            f'INSERT INTO "the k" VALUES({row}) ON CONFLICT(a) DO UPDATE SET "set b" = {new};\n'
            for row, new in (
                ("4,'!'", '"set b" || excluded."set b"'),
                ("1,'tail'", "concat(\"set b\", '!')"),
                ("2,'TWO'", 'excluded."set b"'),
            )
        )
    )
    assert [one.split(" (")[0] for one in said(made)] == [
        "2 statements left out, which SQLite refuses: UNIQUE constraint failed: the k.a",
        "8 statements not run: what goes on with another row than its table's last, where one of that was "
        "left out",
        "1 row left out, which SQLite refuses: UNIQUE constraint failed: the k.a",
    ]
    assert value(made.path, 'SELECT group_concat("set b") FROM "the k"') == "eins, a,TWO,three!,four!!!"


def test_a_tenants_export_that_holds_others_is_not_of_it_alone(run: Run, texts: dict[str, str]) -> None:
    begun, rest = texts["d1"].split("\n", 1)
    of_one = '-- of one tenant: "acme-corp"'
    assert run(f"{begun}\n{of_one}\n{rest}").tenant is None


@pytest.mark.parametrize(("tenant", "alone"), [("acme-corp", "acme-corp"), ("ACME-CORP", None)])
def test_tenants_are_told_apart_whatever_their_column_compares(run: Run, tenant: str, alone: str) -> None:
    table = f"CREATE TABLE notes (tenant_id TEXT COLLATE NOCASE); INSERT INTO notes VALUES ('{tenant}');"
    users = "CREATE TABLE users (id TEXT PRIMARY KEY, tenant_id TEXT, email TEXT);"
    assert run(f'{BEGINNING}\n-- of one tenant: "acme-corp"\n{users}\n{table}').tenant == alone


def test_empty_statements_are_nothing(run: Run, texts: dict[str, str]) -> None:
    made = run(texts["d1"] + ";;\n; -- nothing\n", strict=True)
    assert {note.kind for note in made.notes} == {NoteKind.LINE_BREAKS} and made.rows["users"] == 32


def test_counters_are_emptied_before_a_table_has_any(run: Run) -> None:
    """As Python's iterdump() and an export of some tables write it."""
    made = run('DELETE FROM "sqlite_sequence";\nCREATE TABLE users (id, tenant_id, email);\n')
    assert [note.kind for note in made.notes] == [NoteKind.LACKS]


def test_texts_that_sql_cannot_say_come_in_byte_for_byte(run: Run, texts: dict[str, str]) -> None:
    row = INTO_NOTIFICATIONS + "('n-{}','acme','t','x','a{}b',NULL,0,1);\n"
    data = texts["d1"].encode() + row.format(1, "\0").encode() + row.format(2, "\xff").encode("latin-1")
    made = run(data)
    found = "SELECT group_concat(hex(message)) FROM notifications WHERE id IN ('n-1', 'n-2')"
    assert value(made.path, found) == "610062,61FF62"
    kinds = (NoteKind.NUL, NoteKind.BYTES)
    assert [(note.kind, note.kind.is_loss) for note in made.notes if note.kind in kinds] == [
        (kind, False) for kind in kinds
    ]


def test_a_check_that_cannot_be_tried_hides_no_other_one(run: Run, texts: dict[str, str]) -> None:
    """The guard takes patterns of 50 bytes, as D1 does; a file takes longer ones."""
    long = f"CREATE TABLE long (a CHECK (a NOT LIKE '%{'a' * 60}%'));\nINSERT INTO long VALUES ('x');\n"
    short = 'CREATE TABLE short (b CHECK (b > 1), "G" AS (b + 1), k UNIQUE);\n'
    short += "".join(f"INSERT INTO short VALUES ({int(at < 3) * 2}, {at});\n" for at in range(128))
    made = run(texts["sqlite3"] + long + short)
    kept = {(note.kind, note.name, note.count) for note in made.notes if not note.kind.is_loss}
    assert {(NoteKind.UNCHECKED, "long", 1), (NoteKind.CHECK, "short", 125)} <= kept
    assert value(made.path, "SELECT a || sum(b) FROM long, short") == "x6"


@pytest.mark.parametrize(
    ("literal", "altered"),
    [("a\\nb literal \\\\n", True), ('{"a":\\n"b\\nc"}', True), ("a\\nb", False), ('{"a":\\n"b"}', False)],
)
def test_a_text_that_d1_may_have_altered_is_named(
    run: Run, texts: dict[str, str], literal: str, altered: bool
) -> None:
    line = texts["d1"].count("\n") + 1
    row = INTO_NOTIFICATIONS + f"('n-1','acme','t','x',replace('{literal}','\\n',char(10)),NULL,0,1);\n"
    table = "CREATE TABLE odd (k, b, a PRIMARY KEY) WITHOUT ROWID;\n"  # of which SQLite names no row
    odd = f"INSERT INTO odd VALUES(1,replace('{literal}','\\n',char(10)),'n-1'),(2,'b','n-2');\n"
    made = run(texts["d1"] + row + table + odd)
    expected = "that D1's export has most likely altered" if altered else "with line breaks, as which"
    found = [note for note in said(made) if note.startswith(f"1 row {expected}")]
    assert any(note.endswith(f": notifications (n-1, line {line:,})") for note in found)
    assert found[-1].endswith(": odd (n-1)")


def test_a_text_that_d1_may_have_replaced_bytes_of_is_named(
    run: Run, texts: dict[str, str], target: Path
) -> None:
    """It writes U+FFFD for what is no UTF-8, in tables without rowids as well."""
    begun, rest = texts["d1"].split("\n", 1)
    table = "CREATE TABLE odd (id TEXT PRIMARY KEY, b) WITHOUT ROWID;\n"
    rows = "INSERT INTO odd VALUES('k-1','a\ufffdb'),('k-2',x'efbfbd'),('k-3','\ufffd\ufffd');\n"
    expected = "2 rows with U+FFFD, as which D1's export writes what is no UTF-8: odd (from k-1)"
    assert expected in said(run(f"{begun}\n{table}{rows}{rest}", strict=True))
    for exact in (f"{begun}\n{EXACT}\n{table}{rows}", table + rows):
        target.unlink()
        assert not any("U+FFFD" in note for note in said(run(exact + rest)))


def test_each_row_of_a_statement_is_looked_at(run: Run, texts: dict[str, str]) -> None:
    row = "('n-{}','acme','t','x',replace('a{}','\\n',char(10)),NULL,0,1)"
    values = [
        row.format(n, text) for n, text in enumerate(("\\nb", "\\\\n", " and no more", "\\\\n", "\\nb"))
    ]
    made = run(texts["d1"] + INTO_NOTIFICATIONS + ",".join(values) + ";\n")
    assert [(note.kind, note.first, note.count) for note in made.notes if note.name == "notifications"] == [
        (NoteKind.LINE_BREAKS, "n-0", 2),
        (NoteKind.ALTERED, "n-1", 2),
    ]


def test_rows_without_tables_are_put_into_ours(run: Run, texts: dict[str, str]) -> None:
    rows = "".join(line for line in texts["d1"].splitlines(True) if line.startswith("INSERT"))
    made = run("DELETE FROM users;\n" + rows.replace('"sqlite_sequence"', '"nowhere"'))
    assert (made.rows["users"], made.rows["audit_chain"]) == (
        value(made.path, "SELECT count(*) FROM users"),
        120,
    )
    assert [note.kind for note in made.notes[:2]] == [NoteKind.CLEARS, NoteKind.NO_TABLES]
    assert value(made.path, "SELECT group_concat(name) FROM d1_migrations") == ",".join(MIGRATIONS)


@pytest.mark.parametrize("how", ["INSERT OR IGNORE", "REPLACE"])
def test_rows_without_tables_of_which_is_said_what_does_not_fit_are_put_into_ours(run: Run, how: str) -> None:
    row = "('{}', 't', '{}', 1, 1)"
    columns = "users(id, tenant_id, email, created_at, updated_at)"
    made = run(f"{how} INTO {columns} VALUES{row.format('a', 'x')},{row.format('a', 'y')};\n")
    kind = NoteKind.SAME if how.endswith("IGNORE") else NoteKind.OVER
    assert [note.kind for note in made.notes] == [NoteKind.NO_TABLES, kind]
    assert value(made.path, "SELECT count(*) FROM users") == 1


def test_rows_of_a_table_that_cannot_be_made_are_put_into_ours(run: Run) -> None:
    made = run("CREATE TABLE users (id, CHECK (id IN (SELECT 1)));\nINSERT INTO users(id) VALUES('u');\n")
    assert [note.kind for note in made.notes[:2]] == [NoteKind.REFUSED, NoteKind.NO_TABLES]


def test_nothing_that_sqlite_itself_keeps_is_queried(run: Run) -> None:
    insert = "INSERT INTO users (id) VALUES (1), ((SELECT max(seq) FROM sqlite_sequence))"
    with pytest.raises(ImportFailed, match="holds a query over tables at line 2,"):
        run(f"CREATE TABLE users (id INTEGER PRIMARY KEY AUTOINCREMENT, email, tenant_id);\n{insert};\n")


def test_a_table_that_cannot_be_made_does_not_make_a_default_a_query(run: Run) -> None:
    made = run("CREATE TABLE users (id, at DEFAULT CURRENT_TIMESTAMP);\nCREATE TABLE g (a AS (a + 1));\n")
    assert "must have at least one non-generated column (line 2)" in str(made.notes[0])


def test_a_second_table_of_a_name_is_said_to_be_one(run: Run) -> None:
    made = run("CREATE TABLE users (id);\nCREATE TABLE users (id, tenant_id);\n")
    assert str(made.notes[0]).endswith("which SQLite refuses: that table is made already (line 2)")


def test_rows_without_tables_that_are_not_ours(run: Run) -> None:
    with pytest.raises(ImportFailed, match=r"no column named role.*without --no-schema"):
        run("INSERT INTO users(id, role) VALUES('u', 'operator');\n")
    with pytest.raises(ImportFailed, match="makes no"):
        run("INSERT INTO songs VALUES(1);\n")


def test_rows_alone_that_name_no_columns_are_nobodys(run: Run) -> None:
    """As sqlite3 writes them: as many columns as ours are no proof that they are the same."""
    rows = "INSERT INTO notifications(id,tenant_id,type,title,created_at) VALUES('n','t','x','y',1);\n"
    with pytest.raises(ImportFailed, match=r"those of users at line 3 do not say which columns.*nothing was"):
        run(f'{rows}\nINSERT INTO "users" VALUES({",".join("1" for _ in expected_columns()["users"])});\n')


def test_a_gateway_that_has_no_webhooks_comes_in_whole(run: Run, tmp_path: Path) -> None:
    """Nobody is asked about tables that the platform's other databases have, or this one never had."""
    made = run(write_dump(create_gateway(tmp_path / "gateway.sqlite"), tmp_path / "dump.sql").read_text())
    assert not [note for note in made.notes if note.kind.is_loss]
    (note,) = [note for note in made.notes if note.kind is NoteKind.WITHOUT]
    assert str(note).startswith("2 tables of the platform's document not there")
    assert "notifications" in note.name


def test_one_of_our_tables_is_enough(run: Run) -> None:
    made = run(
        "CREATE TABLE planning_runs(id TEXT PRIMARY KEY, idea);\nINSERT INTO planning_runs VALUES('r',1);\n"
    )
    assert made.rows == {"planning_runs": 1}
    assert [(note.kind, note.count) for note in made.notes] == [(NoteKind.LACKS, 6)]


@pytest.mark.parametrize(
    "tables",
    [
        ("users", "audit_chain", "webhook_destinations", "notifications", "planning_runs"),
        ("planning_runs", "planning_artifacts", "planning_parked_ideas"),
    ],
)
def test_either_database_is_whole_without_the_tables_of_the_other(
    run: Run, texts: dict[str, str], tables: tuple[str, ...]
) -> None:
    made = re.findall(r"^CREATE TABLE .*?;\n", texts["d1"], re.DOTALL | re.MULTILINE)
    chosen = [sql for sql in made if any(re.match(f"CREATE TABLE {name}\\b", sql) for name in tables)]
    assert len(chosen) == len(tables)
    with pytest.raises(NotWhole, match="1 part missing"):
        run("".join(chosen[:-1]), strict=True)
    assert run("".join(chosen)).notes == ()


def test_a_dump_packed_by_gzip(run: Run, texts: dict[str, str], source: Path) -> None:
    packed = gzip.compress(texts["d1"].encode())
    with pytest.raises(ImportFailed, match="a gzip file that is damaged or was cut off"):
        run(packed[:-1000])
    assert contents(run(packed).path) == contents(source)


def test_a_dump_from_before_the_last_migration(tmp_path: Path, target: Path) -> None:
    """What its migrations have not made yet is not missing."""
    folder = tmp_path / "migrations"
    folder.mkdir()
    for name in ("0000_initial.sql", "0001_webhook_destinations.sql"):
        (folder / name).write_text((paths.migrations_dir() / name).read_text())
    old = tmp_path / "old.sqlite"
    create_database(old, folder, now=NOW)
    made = import_dump(write_dump(old, tmp_path / "old.sql", d1=True), target)
    assert set(made.rows) == {"users", "audit_chain", "webhook_destinations"}


def test_a_search_that_would_take_for_ever_is_refused(run: Run, texts: dict[str, str]) -> None:
    """Within one step of SQLite's, which nothing can end."""
    long, sought = "a" * 100_000, "a" * 50_000 + "b"
    for ends in (
        f"CREATE TABLE t(a, b AS (instr(a, '{sought}')) STORED);\nINSERT INTO t VALUES('{long}');",
        f"CREATE TABLE t(a);\nINSERT INTO t VALUES(1),(replace('{long}','{sought}','c'));",
    ):
        with pytest.raises(ImportFailed, match=r"\(\) over a long text for a long one at line 5"):
            run(f"{texts['d1']}\n{ends}\n")
    run(f"{texts['d1']}\nCREATE TABLE t(a, b AS (instr(a, a || '')));\nINSERT INTO t VALUES('x');\n")
