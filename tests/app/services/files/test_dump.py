"""A dump is cut where SQLite says that statements end; what it may not do, and what is said of it: the kind
and the line, never the data.
"""

import gzip
import os
import shutil
import time
import tracemalloc
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import apsw
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.services.files import dump, importing
from app.services.files.allowed import Forbidden
from app.services.files.dump import (
    ImportFailed,
    NoteKind,
    Notes,
    NotWhole,
    Piece,
    Scanner,
    _joined,
    pieces,
    reading,
    sentences,
)
from app.services.files.guard import Guard
from app.services.files.importing import Imported
from app.services.files.looking import resolution
from models.errors import TemporaryFull
from models.files.errors import temporary_folder
from models.local.bounded import searches
from models.schema import expected_columns
from tests.fixtures.hindered import without_room
from tests.fixtures.inserting import INTO_AUDIT_CHAIN, INTO_USERS

TOKENS = (
    "'",
    '"',
    "`",
    "[",
    "]",
    ";",
    "--",
    "-",
    "/*",
    "*/",
    "/",
    "*",
    "\n",
    " ",
    "a",
    "é",
    "VALUES(1)",
    "''",
    "CREATE TRIGGER ",
    "; END ;",
)
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


def ends(text: str) -> list[int]:
    """Every offset behind a semicolon at which SQLite finds whole statements and nothing more."""
    return [at + 1 for at, sign in enumerate(text) if sign == ";" and apsw.complete(text[: at + 1])]


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 200), max_size=5))
@example("/* a */ ;", [6])
def test_the_scanner_cuts_as_sqlite_does_however_the_text_arrives(text: str, cuts: list[int]) -> None:
    data = text.encode()
    expected = [len(text[:end].encode()) for end in ends(text)]
    scanner, last = Scanner(), 0
    for size in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        last = scanner.last_end(data[:size]) or last
        assert last == max((end for end in expected if end <= size), default=0)


def test_empty_statements_are_passed_over_at_once() -> None:
    """There may be millions, which one by one take seconds."""
    assert Scanner().next_end(b"BEGIN;; \n;;COMMIT;") == len(b"BEGIN;; \n;;")
    assert Scanner().next_end(b"CREATE TRIGGER t AFTER INSERT ON a BEGIN SELECT 1;; END;;;") == 58


def test_the_line_of_a_statement_is_told_in_any_order() -> None:
    """Each line is counted once where one statement comes after the other."""
    text = "BEGIN;\n\n-- é\n;;COMMIT;/* \n */\nBEGIN;COMMIT;"
    piece = Piece(text, 3, len(text.encode()))
    lines = {0: 3, len("BEGIN;"): 6, text.index("/*"): 8, len(text) - len("COMMIT;"): 8}
    for order in (sorted(lines), sorted(lines, reverse=True)):
        assert {start: piece.line_of(start) for start in order} == lines


@pytest.mark.slow
@settings(max_examples=200, deadline=None)
@given(texts=st.lists(TEXTS, max_size=6), block=st.integers(1, 50))
def test_nothing_is_lost_between_the_pieces(
    tmp_path_factory: pytest.TempPathFactory, texts: list[str], block: int
) -> None:
    data = ";\n".join(["INSERT INTO a VALUES(1)", *texts]).encode()
    path = tmp_path_factory.mktemp("cut") / "x.sql"
    path.write_bytes(data)
    found = b""
    with pytest.MonkeyPatch.context() as patch, path.open("rb") as file:
        patch.setattr(dump, "BLOCK", block)
        try:
            for piece in pieces(file, path, Notes()):
                assert piece.line == found.count(b"\n") + 1
                assert apsw.complete(piece.text)
                found += piece.text.encode()
        except ImportFailed as failed:
            assert data[len(found) :].strip()
            assert str(failed).startswith("x.sql was cut off: a statement that begins at line ")
    assert data.startswith(found)
    assert len(found) == max((len(data.decode()[:end].encode()) for end in ends(data.decode())), default=0)


def cut(data: bytes, tmp_path: Path, notes: Notes | None = None) -> list[str]:
    path = tmp_path / "x.sql"
    path.write_bytes(data)
    with reading(path) as (source, _):
        return [piece.text for piece in pieces(source, path, notes or Notes())]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert cut(b"\xef\xbb\xbfBEGIN;\r\nCOMMIT;", tmp_path) == ["BEGIN;\r\nCOMMIT;"]


@pytest.mark.parametrize("rest", ["", "\n", "-- the end", "/* the end */\n"])
def test_a_comment_may_come_last(tmp_path: Path, rest: str) -> None:
    assert cut(f"BEGIN;\n{rest}".encode(), tmp_path) == ["BEGIN;"]


@pytest.mark.parametrize("rest", ["INSERT INTO t VALUES(1)", "INSERT INTO t VALUES('x;\n", "/* the end"])
def test_an_end_that_is_missing_is_said(tmp_path: Path, rest: str) -> None:
    with pytest.raises(ImportFailed, match=r"a statement that begins at line 4 never ends.*export again\.$"):
        cut(f"BEGIN;\n\n-- and\n{rest}".encode(), tmp_path)


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("packed", [False, True])
def test_text_in_utf_16_and_packed(tmp_path: Path, encoding: str, packed: bool) -> None:
    data = "BEGIN;\r\nSELECT 'é😀';".encode(encoding)
    assert cut(gzip.compress(data) if packed else data, tmp_path) == ["BEGIN;\r\nSELECT 'é😀';"]
    with pytest.raises(ImportFailed, match="was cut off"):
        cut(data[:-1], tmp_path)


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (b"a\0b''c", "1 text with a zero byte, kept as it is (line 3)"),
        (b"a\xffb''\0c", "1 text of broken UTF-8, kept byte for byte (line 3)"),
    ],
)
def test_bytes_that_sql_cannot_say_are_said_as_hex(tmp_path: Path, value: bytes, said: str) -> None:
    notes = Notes()
    (text,) = cut(b"/* \0 '\xff */SELECT\n'x','it''s' ||\n'" + value + b"';\n", tmp_path, notes)
    connection = apsw.Connection(":memory:")
    found = connection.execute(
        f"SELECT CAST(a AS BLOB), typeof(a) FROM (SELECT b AS a FROM ({text[:-1]} AS b))"
    )
    assert found.fetchall() == [(b"it's" + value.replace(b"''", b"'"), "text")]
    assert sentences(notes.all()) == [said]


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b'BEGIN;\nSELECT\n"a\0b";\n', "a zero byte at line 3"),
        (b"SELECT 1;\n\0\0\0", "a zero byte at line 2"),
        (b"BEGIN;\nSELECT '\xff',\na\xffb;\n", "bytes that are no UTF-8 at line 3"),
    ],
)
def test_what_is_not_text_is_said_with_its_line(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(ImportFailed, match="outside of any text") as caught:
        cut(data, tmp_path)
    assert said in str(caught.value)


def test_a_text_that_never_ends_costs_no_more_than_it_holds(tmp_path: Path) -> None:
    """Doubled quotes were looked at one by one, again with each block."""
    began = time.process_time()
    with pytest.raises(ImportFailed, match="was cut off"):
        cut(b"INSERT INTO t VALUES('" + b"x''" * 1_000_000, tmp_path)
    assert time.process_time() - began < 2


def test_a_statement_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "MAX_STATEMENT", 100_000)
    assert len(cut(b"INSERT INTO t VALUES('" + b"x" * 90_000 + b"');\n", tmp_path)) == 1
    with pytest.raises(ImportFailed, match=r"more than 100,000 bytes, which begins at line 2"):
        cut(b"BEGIN;\nINSERT INTO t VALUES('" + b"x;\n" * 90_000 + b"');\n", tmp_path)


def test_a_long_statement_is_held_once(tmp_path: Path) -> None:
    path = tmp_path / "long.sql"
    path.write_bytes(b"INSERT INTO t VALUES('" + b"x;\n" * 2_000_000 + b"');\n")
    tracemalloc.start()
    with reading(path) as (source, _):
        for piece in pieces(source, path, Notes()):
            held, most = (size / piece.size for size in tracemalloc.get_traced_memory())
    tracemalloc.stop()
    assert held < 1.1 and most < 3.3


def test_blank_space_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump, "MAX_STATEMENT", 2_000_000)
    path = tmp_path / "dump.sql.gz"
    blank = gzip.compress(b"\n" + b" " * 199_999)
    path.write_bytes(gzip.compress(b"BEGIN;") + 9 * blank + gzip.compress(b"COMMIT;") + 11 * blank)
    tracemalloc.start()
    with reading(path) as (source, _), pytest.raises(ImportFailed, match="more than 2,000,000 bytes"):
        for number, piece in enumerate(pieces(source, path, Notes())):
            assert (piece.line, piece.text.strip()) == ((1, "BEGIN;"), (10, "COMMIT;"))[number]
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert number == 1 and peak < 800_000


HEADS = (
    "INSERT INTO t VALUES(",
    'INSERT INTO "t" VALUES(',
    'INSERT INTO "t" ("a","b") VALUES (',
    "INSERT INTO t(a, b) VALUES(",
)
VALUES = (
    *("1", "-1.5e-7", "NULL", "x'0041'", "9e999", "(2)", "1--\n", "TRUE", "1/*", "*/"),
    *("''", "'it''s'", "'a\nb'", "'a);\nINSERT INTO t VALUES(1,2'", "'--'", "';\n'", "'/*'", '"'),
    "replace('a\\nb','\\n',char(10))",
)
OTHERS = ("-- a comment\n", "/*\n*/", "\n", "UPDATE t SET a = a || 'x';\n", "SELECT 'a;\n';\n")
ROWS = st.tuples(*map(st.sampled_from, (VALUES, VALUES, (");\n", ");\n", ") ;\n"), ("", "", "", *OTHERS))))


JOINED = int(os.environ.get("TENANT_ADMIN_MUTATIONS", "100"))


@pytest.mark.slow
@settings(max_examples=JOINED, deadline=None)
@given(head=st.sampled_from(HEADS), rows=st.lists(ROWS, max_size=20), before=st.integers(0, 60))
@example("INSERT INTO t VALUES(", [("';\n'", "1", ");\n", "")], len("',1);\n"))
def test_rows_joined_are_the_same_rows(head: str, rows: list[tuple[str, ...]], before: int) -> None:
    text = "".join(f"{head}{a},{b}{end}{other}" for a, b, end, other in rows)
    text = text[: text.rfind(";\n", 0, max(0, len(text) - before)) + 1]
    data, is_plain, _, is_literal = _joined(bytearray(text.encode()))
    joined = data.decode()
    assert not is_literal or not (searches(joined) or resolution(joined))
    assert len(joined) == len(text)
    assert not is_plain or not text or apsw.complete(text)
    found: list[Any] = []
    for sql in (text, joined):
        connection = apsw.Connection(":memory:")
        connection.execute("CREATE TABLE t (a, b)")
        try:
            connection.execute(sql).fetchall()
        except apsw.Error:
            found.append(None)
        else:
            found.append(
                connection.execute(
                    "SELECT typeof(a), CAST(a AS BLOB), typeof(b), CAST(b AS BLOB) FROM t"
                ).fetchall()
            )
    assert found[1] == found[0]


def test_the_row_that_fails_is_named_among_many(run: "Run", texts: dict[str, str]) -> None:
    users = [USER.replace("u-x", f"u-{n if n != 7 else 3}") for n in range(10)]
    assert _joined(bytearray("".join(users).encode()))[0].count(b"INSERT") == 1
    made = run(texts["d1"] + "".join(users))
    (note,) = [note for note in made.notes if note.kind is NoteKind.REFUSED]
    assert (note.count, note.line) == (1, texts["d1"].count("\n") + 8)
    assert made.rows["users"] == texts["d1"].count('INSERT INTO "users"') + 9


Run = Callable[..., Imported]
USER_COLUMNS = len(expected_columns()["users"])
USER = INTO_USERS + "('u-x','acme','Secr3tMail','Secr3tHash',1,1);\n"
LOADING = "the function load_extension()"


@pytest.fixture
def _in_own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("ATTACH 'other.sqlite' AS other", "ATTACH"),
        ("DETACH main", "DETACH"),
        ("VACUUM INTO 'other.sqlite'", "VACUUM"),
        ("PRAGMA temp_store_directory='.'", "PRAGMA temp_store_directory"),
        ("PRAGMA foreign_key_check", "PRAGMA foreign_key_check"),
        ("CREATE TEMP TABLE users(a);INSERT INTO users VALUES(1)", "a table and a temporary one of its name"),
        ("DROP TABLE users", "DROP"),
        ("DROP INDEX idx_users_email", "DROP"),
        ("DELETE FROM users", "DELETE"),
        ("INSERT INTO users (id) VALUES(1 IN (SELECT tenant_id FROM notifications))", "a query over tables"),
        ("INSERT INTO users SELECT a.* FROM users a, users b, users c WHERE 0", "a query over tables"),
        ("INSERT INTO users (id) VALUES((SELECT count(*) FROM users, users))", "a query over tables"),
        ("INSERT INTO users (id) VALUES(1),(2) ON CONFLICT DO UPDATE SET id = (SELECT max(id) FROM users)",
         "a query over tables"),
        ("INSERT INTO users(id) SELECT id FROM users WHERE 1 ON CONFLICT DO NOTHING", "a query over tables"),
        ("WITH c AS (SELECT 1) INSERT INTO users(id) SELECT 1 FROM c JOIN users ON 1 RETURNING id",
         "a query over tables"),
        ("INSERT INTO users(id) SELECT max(id) FROM users RETURNING (SELECT 1)", "a query over tables"),
        ("CREATE TABLE t AS SELECT * FROM users", "a query over tables"),
        ("SELECT load_extension('x')", LOADING),
        ("INSERT INTO users(id) SELECT load_extension('x')", LOADING),
        (INTO_USERS + "(1,2,3,4,5,6),(2,2,3,load_extension('x'),5,6)", LOADING),
        (INTO_USERS + "(1,2,3,4,5,6),(2,2,3,sqlite_log(1,'x'),5,6)", "the function sqlite_log()"),
        ("CREATE TABLE t(a DEFAULT (load_extension('x')))", LOADING),
        ("CREATE TABLE t(a CHECK (load_extension('x')))", LOADING),
        ("CREATE TABLE t(a, b AS (load_extension(a)))", LOADING),
        ("CREATE INDEX i ON users(load_extension(id))", LOADING),
        ("WITH RECURSIVE c(n) AS (SELECT 1 UNION SELECT n+1 FROM c) INSERT INTO users(id) SELECT n FROM c",
         "a recursive query"),
    ],
)  # fmt: skip
@pytest.mark.usefixtures("_in_own_folder")
def test_what_is_refused_is_named_with_its_line(
    run: Run, texts: dict[str, str], tmp_path: Path, statement: str, what: str
) -> None:
    line = texts["d1"].count("\n") + 4
    with pytest.raises(ImportFailed) as caught:
        run(f"{texts['d1']}{USER}\n-- here\n{statement};\n{USER}")
    assert (caught.value.what, caught.value.line) == (what, line)
    assert str(caught.value) == (
        f"export.sql holds {what} at line {line:,}, which an import does not run; nothing was imported."
    )
    assert {path.name for path in tmp_path.iterdir()} == {"export.sql", "made"}


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (INTO_USERS + "('u-y','acme' Secr3tMail,'','Secr3tHash',1,1)", "syntax error"),
        (INTO_USERS + "(1,2,3,4,5,?)", "it has parameters"),
        ("INSERT INTO sqlite_master VALUES('table','x','x',0,'Secr3tHash')",
         "table sqlite_master may not be modified"),
        ("nonsense", "syntax error"),
        ("CREATE TABLE t (a AS (b), b AS (a), c)", "generated column loop)"),
    ],
)  # fmt: skip
def test_what_fails_says_the_line_and_no_data(
    run: Run, texts: dict[str, str], statement: str, said: str
) -> None:
    line = texts["d1"].count("\n") + 3
    with pytest.raises(ImportFailed) as caught:
        run(f"{texts['d1']}{USER}/* two\n*/ {statement.rstrip().rstrip(';')};\n{USER}")
    assert str(caught.value).startswith(f"The statement at line {line:,} of export.sql fails ({said}")
    assert "Secr3t" not in str(caught.value)
    assert caught.value.line == line


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (USER, "UNIQUE constraint failed: users.id"),
        (USER.replace("INSERT", "INSERT OR ROLLBACK"), "UNIQUE constraint failed: users.id"),
        ("INSERT INTO users(id) VALUES('u-y')", "NOT NULL constraint failed: users.tenant_id"),
        (INTO_USERS + "('u-y',Secr3tHash,'','',1,1)", "no such column"),
        (INTO_USERS + "('u-y',\"Secr3tHash\",'',Secr3tHash(),1,1)", "no such function"),
        ("INSERT INTO users VALUES('u-y')",
         f"table users has {USER_COLUMNS} columns but 1 values were supplied"),
        ("INSERT INTO users(id, zz) VALUES(1, 2)", "table users has no column named zz"),
        ("CREATE TABLE users(a)", "that table is made already"),
        ("CREATE UNIQUE INDEX i ON users(tenant_id)", "UNIQUE constraint failed: users.tenant_id"),
        ("CREATE INDEX i ON nowhere(a)", "no such table"),
        (INTO_AUDIT_CHAIN + "('Secr3tHash','','','','','',1)", "datatype mismatch"),
        (INTO_USERS + "('u-y','acme','x',unistr('\\Secr3tHash'),1,1)", "invalid Unicode escape"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_left_out_with_its_line_and_no_data(
    run: Run, texts: dict[str, str], statement: str, said: str
) -> None:
    line, behind = texts["d1"].count("\n") + 3, USER.replace("u-x", "u-z")
    text = f"{texts['d1']}{USER}/* two\n*/ {statement.rstrip().rstrip(';')};\n{behind}"
    with pytest.raises(NotWhole):
        run(text, strict=True)
    made = run(text)
    (note,) = [str(note) for note in made.notes if note.kind is NoteKind.REFUSED]
    assert note.startswith("1 statement left out, which SQLite refuses: " + said)
    assert note.endswith(f"(line {line:,})")
    assert "Secr3t" not in note
    assert made.rows["users"] == texts["d1"].count('INSERT INTO "users"') + 2


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT 1", "SELECT"),
        ("SELECT count(*) FROM users a, users b, users c", "SELECT"),
        ("VALUES (1)", "VALUES"),
        ("VACUUM", "VACUUM"),
        ("ALTER TABLE users RENAME TO others", "ALTER TABLE users"),
        ("ALTER TABLE users DROP COLUMN email", "ALTER TABLE users"),
        ("ALTER TABLE users ADD CONSTRAINT c CHECK (id)", "ALTER TABLE users"),
        ("ALTER TABLE users ADD CHECK (id)", "ALTER TABLE users"),
    ],
)
def test_what_stores_nothing_is_not_run(run: Run, texts: dict[str, str], statement: str, said: str) -> None:
    line = texts["d1"].count("\n") + 2
    made = run(f"{texts['d1']}{USER}{statement};\n")
    assert f"1 statement not run: {said} (line {line:,})" in map(str, made.notes)
    assert made.rows["users"] == texts["d1"].count('INSERT INTO "users"') + 1


def test_columns_are_added(run: Run, texts: dict[str, str]) -> None:
    added = "ALTER TABLE users ADD COLUMN role TEXT NOT NULL DEFAULT 'member' CHECK (role <> '')"
    made = run(f"{texts['d1']}{USER}{added};\nUPDATE users SET role = 'admin' WHERE id = 'u-x';\n")
    assert not [note for note in made.notes if note.kind in (NoteKind.NOT_RUN, NoteKind.REFUSED)]
    with closing(apsw.Connection(str(made.path))) as connection:
        found = connection.execute("SELECT role, count(*) > 0 FROM users GROUP BY role").fetchall()
    assert found == [("admin", 1), ("member", 1)]


def test_a_default_is_looked_at_again_at_the_end(
    run: Run, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """An older SQLite makes such a table without asking."""
    from models.local import statements

    asked = Guard.run

    def as_older(guard: Guard, piece: Piece) -> None:
        try:
            asked(guard, piece)
        except Forbidden:
            guard._connection.execute(statements.split(piece.text)[-1])

    monkeypatch.setattr(Guard, "run", as_older)
    with pytest.raises(ImportFailed, match=r"the function sqlite_log\(\) as a default of t, which an import"):
        run(texts["d1"] + "CREATE TABLE t(a DEFAULT (sqlite_log(1, 'x')));\n")


@pytest.mark.slow
def test_a_few_lines_do_not_fill_the_disk(
    run: Run, texts: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importing, "_LEAST", 1 << 20)
    large = "CREATE TABLE t(a);\n" + "INSERT INTO t VALUES(randomblob(100000));\n" * 40
    with pytest.raises(ImportFailed, match=r"^export\.sql grows to more than 8 times its size, so nothing"):
        run(texts["d1"] + large)


@pytest.mark.slow
def test_what_is_packed_does_not_fill_the_disk(
    run: Run, texts: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few kilobytes may hold any size, and a row the text that is read of it."""
    free = shutil.disk_usage(tmp_path).free
    monkeypatch.setattr(importing, "_LEFT_FREE", 1 - (4 << 20) / free)
    large = "CREATE TABLE t(a);\n" + f"INSERT INTO t VALUES('{'x' * 50_000}');\n" * 200
    before = {*tmp_path.iterdir()}
    with pytest.raises(
        ImportFailed,
        match=r"^export\.sql has no room on the disk: [\d,]+ bytes were free for .*, and [\d,]+ ",
    ):
        run(gzip.compress((texts["d1"] + large).encode()))
    assert {*tmp_path.iterdir()} - before <= {tmp_path / "export.sql"}


@pytest.mark.slow
def test_a_full_disk_of_temporary_files_is_no_dump_that_grows(run: Run, texts: dict[str, str]) -> None:
    """SQLite says the same of both. It sorts an index there, and takes their name away at once."""

    def is_temporary(file: int) -> bool:
        return os.readlink(f"/proc/self/fd/{file}").endswith("(deleted)")  # noqa: PTH115

    large = "CREATE TABLE t(a);\n" + "INSERT INTO t VALUES(randomblob(100000));\n" * 40
    end = without_room(is_temporary)
    try:
        with pytest.raises(
            TemporaryFull, match=rf"temporary files \({temporary_folder()}\) is full; nothing"
        ):
            run(texts["d1"] + large + "CREATE INDEX i ON t(a);\n")
    finally:
        end()


@pytest.mark.slow
def test_a_few_lines_do_not_take_for_ever(run: Run, texts: dict[str, str]) -> None:
    """What no table is read for is bounded as well."""
    many = ", ".join(f"(VALUES(1),(2),(3),(4),(5),(6),(7),(8)) AS t{n}" for n in range(20))
    with pytest.raises(
        ImportFailed, match=r"^export\.sql asks for more work than a dump of its size does, so"
    ):
        run(f"{texts['d1']}INSERT INTO users(id) SELECT 1 FROM {many} WHERE t0.column1 + t19.column1 < 0;\n")


@pytest.mark.parametrize(
    "values", ["hex(zeroblob(49000000))," * 3 + "1,2,3", ",".join(["printf('%9999999d', 1)"] * 6)]
)
def test_a_row_cannot_ask_for_any_memory(run: Run, texts: dict[str, str], values: str) -> None:
    before, text = apsw.memory_used(), texts["d1"] + INTO_USERS + f"({values});\n"
    apsw.memory_high_water(True)
    with pytest.raises(
        ImportFailed, match=r"^export\.sql asks for more memory than a dump of its size does, so"
    ):
        run(text)
    assert apsw.memory_high_water() - before < 32_000_000 + 9 * len(text)
    assert apsw.hard_heap_limit(-1) == apsw.soft_heap_limit(-1) == 0


def test_functions_that_only_reckon_are_taken(run: Run, texts: dict[str, str], target: Path) -> None:
    run(
        texts["d1"] + "CREATE TABLE t(id DEFAULT (lower(hex(randomblob(16)))), at DEFAULT CURRENT_TIMESTAMP,"
        " word DEFAULT yes, data CHECK (json_valid(data)), day AS (date(at)));\n"
        "INSERT INTO t(data) VALUES('{}'),('[]');\n"
    )
    with closing(apsw.Connection(str(target))) as connection:
        found = list(connection.execute("SELECT length(id), word, data, day = date('now') FROM t"))
    assert found == [(32, "yes", "{}", 1), (32, "yes", "[]", 1)]


def test_a_default_may_be_text_of_bad_utf_8(run: Run, texts: dict[str, str], target: Path) -> None:
    """SQLite reckons a constant when it compiles, and shows the text among the steps of the statement."""
    run(
        texts["d1"] + "CREATE TABLE t(a, b DEFAULT (CAST(x'72db6e' AS TEXT)));\nINSERT INTO t(a) VALUES(1);\n"
    )
    with closing(apsw.Connection(str(target))) as connection:
        assert list(connection.execute("SELECT a, hex(b), typeof(b) FROM t")) == [(1, "72DB6E", "text")]
