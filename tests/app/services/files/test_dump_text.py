"""A dump is cut exactly where SQLite says that statements end."""

import io
from pathlib import Path

import apsw
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.files import dump_text
from app.services.files.dump_text import DumpCutOff, ImportLimit, NotPlainText, Scanner, pieces

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
)
TEXTS = st.lists(st.sampled_from(TOKENS), max_size=40).map("".join)


def ends(text: str) -> list[int]:
    """Every offset behind a semicolon at which SQLite finds whole statements and nothing more."""
    return [
        at + 1 for at, sign in enumerate(text) if sign == ";" and apsw.complete(text[: at + 1])
    ]  # none of the texts makes a trigger


@pytest.mark.slow
@settings(max_examples=500, deadline=None)
@given(text=TEXTS, cuts=st.lists(st.integers(0, 200), max_size=5))
def test_the_scanner_cuts_as_sqlite_does_however_the_text_arrives(text: str, cuts: list[int]) -> None:
    data = text.encode()
    expected = [len(text[:end].encode()) for end in ends(text)]
    scanner, last = Scanner(), 0
    for size in sorted({min(cut, len(data)) for cut in cuts} | {len(data)}):
        last = scanner.last_end(data[:size]) or last
        assert last == max((end for end in expected if end <= size), default=0)


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
        patch.setattr(dump_text, "BLOCK", block)
        try:
            for text, begin, read in pieces(file, path):
                assert begin == len(found) < read <= len(data)
                assert apsw.complete(text)
                found += text.encode()
        except DumpCutOff:
            assert data[len(found) :].strip()
    assert data.startswith(found)
    assert len(found) == max((len(data.decode()[:end].encode()) for end in ends(data.decode())), default=0)


def cut(data: bytes, tmp_path: Path) -> list[str]:
    path = tmp_path / "x.sql"
    path.write_bytes(data)
    return [text for text, _, _ in pieces(io.BytesIO(data), path)]


def test_a_byte_order_mark_is_no_text(tmp_path: Path) -> None:
    assert cut(b"\xef\xbb\xbfBEGIN;\r\nCOMMIT;", tmp_path) == ["BEGIN;\r\nCOMMIT;"]


@pytest.mark.parametrize("rest", ["", "\n", "-- the end", "/* the end */\n"])
def test_a_comment_may_come_last(tmp_path: Path, rest: str) -> None:
    assert cut(f"BEGIN;\n{rest}".encode(), tmp_path) == ["BEGIN;"]


@pytest.mark.parametrize("rest", ["INSERT INTO t VALUES(1)", "INSERT INTO t VALUES('x;\n", "/* the end"])
def test_an_end_that_is_missing_is_said(tmp_path: Path, rest: str) -> None:
    with pytest.raises(DumpCutOff, match=r"a statement that begins at line 4 never ends.*export again\.$"):
        cut(f"BEGIN;\n\n-- and\n{rest}".encode(), tmp_path)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"BEGIN;\nINSERT INTO t\nVALUES('a\0b');\n", "a zero byte at line 3"),
        (b"BEGIN;\nINSERT INTO t\nVALUES('a\xffb');\n", "bytes that are no UTF-8 at line 3"),
        ("BEGIN;\n".encode("utf-16"), "UTF-16, as PowerShell's `>` writes it, at line 1"),
    ],
)
def test_what_is_not_text_is_said_with_its_line(tmp_path: Path, data: bytes, said: str) -> None:
    with pytest.raises(NotPlainText) as caught:
        cut(data, tmp_path)
    assert said in str(caught.value)


def test_a_statement_without_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dump_text, "MAX_STATEMENT", 100_000)
    assert len(cut(b"INSERT INTO t VALUES('" + b"x" * 90_000 + b"');\n", tmp_path)) == 1
    with pytest.raises(ImportLimit, match=r"more than 100,000 bytes, which begins at line 2"):
        cut(b"BEGIN;\nINSERT INTO t VALUES('" + b"x;\n" * 90_000 + b"');\n", tmp_path)
