"""Where runs say something, whatever the case and the script, and only of those that are asked about."""

import unicodedata
from pathlib import Path

import pytest

from app.services.files.artifact_files import save_all
from app.services.records.tables import EVERYONE
from app.services.runs import run_views
from app.services.runs.run_dossier import DossierOf, pieces
from app.services.runs.run_search import LONGEST, MOST, RunTexts, Within
from app.services.sought import place_in, sought
from app.workers.searching import TextSearch, read_texts
from models.errors import Cancelled, InvalidInput
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor, never
from tests.app.services.runs.test_run_compare import add_run
from tests.conftest import NOW


def put(database: LocalDatabase, key: str, content: object, run: str = "a") -> None:
    database.connection().execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, version, content, created_at) "
        "VALUES (?, ?, 'strategy', 2, ?, ?)",
        (key, run, content, NOW),
    )


@pytest.fixture
def texts(database: LocalDatabase) -> RunTexts:
    add_run(database, "a", "Ein Café an der Straße", at=NOW, kill_verdict="Nobody wants Кофе")
    add_run(database, "b", "Tea", at=NOW, refined_idea="Teahouse 100% _x_")
    put(database, "1", "before " * 9_000 + "the needle\nin a haystack" + " after" * 9_000)
    put(database, "2", "ß" * 5_000 + " NEEDLE " + "x" * 100)
    put(database, "3", b"\xff needle \xfe")
    put(database, "4", "日本語の検索")
    database.connection().execute("PRAGMA foreign_keys = OFF")
    put(database, "5", "orphan needle", run="gone")
    return read_texts(database, EVERYONE, UNWATCHED)


def said(texts: RunTexts, database: LocalDatabase, text: str) -> list[tuple[object, str, str]]:
    found = texts.search(database, text, never)
    return [(place.of.run_id, place.of.where, place.found) for place in found.places]


def test_it_finds_whatever_is_stored(texts: RunTexts, database: LocalDatabase) -> None:
    assert said(texts, database, "STRASSE") == [("a", "Idea", "Straße")]
    composed = [("a", "Idea", "Café")]
    assert said(texts, database, unicodedata.normalize("NFD", "CAFÉ")) == composed
    assert said(texts, database, "кофе") == [("a", "Kill verdict", "Кофе")]
    assert said(texts, database, "0% _X") == [("b", "Refined idea", "0% _x")]
    assert said(texts, database, "検") == [("a", "strategy, version 2", "検")]
    needles = texts.search(database, "needle", never)
    assert [place.of.artifact_id for place in needles.places] == ["3", "2", "1"], "newest first"
    assert [place.found for place in needles.places] == ["needle", "NEEDLE", "needle"]
    assert needles.places[-1].before.endswith("before the ") and needles.total == 3
    assert needles.places[-1].after.startswith("\nin a haystack after")
    assert said(texts, database, "nowhere") == []
    for wrong in ("", "  ", "x" * (LONGEST + 1)):
        with pytest.raises(InvalidInput):
            texts.search(database, wrong, never)
    texts.close()


def test_a_place_stands_where_its_letters_are() -> None:
    for text, wanted in (("aßb Straße", "sse"), ("e\u0301x É", "é"), ("ﬁne", "in"), ("x", "y")):
        place = place_in(text, sought(wanted))
        found = "" if place is None else text[slice(*place)]
        assert sought(wanted) in sought(found) or (not found and wanted == "y"), text


@pytest.mark.parametrize(
    ("stored", "wanted"),
    [
        ("a NUL\0" + "x" * 50_000 + " a needle behind it", "needle"),
        (b"\xff\0" * 30_000 + b"a needle", "needle"),
        ("ß" * 40_000 + " die Straße", "STRASSE"),
        ("İ" * 40_000 + " İstanbul", "i\u0307stanbul"),
        (unicodedata.normalize("NFD", "İ" * 40_000 + " İstanbul"), "ISTANBUL"),
        ("x" * 32_750 + unicodedata.normalize("NFD", "é" * 150) + "x" * 40_000, "é" * 150),
        (unicodedata.normalize("NFD", "한국어 검색 " * 9_000) + "끝", "어 검색 끝"),
        ("x" * 32_767 + "e\u0301toile", "étoile"),
        ("\u0b95\u0bc6\u0bbe", "\u0b95\u0bca"),
    ],
)
def test_it_stands_where_it_was_found(database: LocalDatabase, stored: object, wanted: str) -> None:
    add_run(database, "a", "An idea", at=NOW)
    put(database, "1", stored)
    database.connection().execute("UPDATE planning_artifacts SET id = NULL")
    texts = read_texts(database, EVERYONE, UNWATCHED)
    (place,) = texts.search(database, wanted, never).places
    assert sought(place.found) == sought(wanted)
    longer = ("z" * 5_000 if isinstance(stored, str) else b"z" * 5_000) + stored  # type: ignore[operator]
    database.connection().execute("UPDATE planning_artifacts SET content = ?", (longer,))
    (place,) = texts.search(database, wanted, never).places
    assert sought(place.found) == sought(wanted)
    database.connection().execute("UPDATE planning_artifacts SET content = 'other'")
    (place,) = texts.search(database, wanted, never).places
    assert (place.found, place.before) == ("", "other")
    texts.close()


@pytest.mark.slow
def test_a_child_process_says_the_same(database: LocalDatabase) -> None:
    add_run(database, "a", "An idea", at=NOW)
    for number in range(MOST + 5):
        put(database, str(number), f"the same words {number}")
    database.connection().execute("UPDATE planning_artifacts SET id = x'ff' WHERE rowid = 205")
    texts = TextSearch(database.path)
    texts.read(UNWATCHED)
    assert texts.count == MOST + 6
    first = texts.first("same", Within.ALL, never)
    assert [place.found for place in first.places] == ["same"] * MOST
    assert first.places[0].of.artifact_id == b"\xff"
    assert texts.rest("same", Within.ALL, first, never).total == MOST + 5
    with pytest.raises(InvalidInput):
        texts.first("", Within.ALL, never)
    with pytest.raises(Cancelled):
        texts.first("same", Within.ALL, lambda: True)
    texts.close()


def test_it_ends_when_it_is_told_to(database: LocalDatabase) -> None:
    add_run(database, "a", "An idea", at=NOW)
    for number in range(MOST + 5):
        put(database, str(number), "the same words")
    with pytest.raises(Cancelled):
        read_texts(database, EVERYONE, Monitor(cancelled=lambda: True))
    texts = read_texts(database, EVERYONE, UNWATCHED)
    found = texts.search(database, "same", never)
    assert len(found.places) == MOST and found.total == MOST + 5
    ideas = texts.search(database, "a", never, Within.IDEAS)
    assert [place.of.column for place in ideas.places] == ["idea"] and ideas.total == 1
    assert not texts.search(database, "idea", never, Within.ARTIFACTS).places
    with pytest.raises(Cancelled):
        texts.search(database, "same", lambda: True)
    texts.close()


def test_nothing_is_left_on_the_disk(
    database: LocalDatabase, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = tmp_path / "temporary"
    own.mkdir()
    monkeypatch.setenv("SQLITE_TMPDIR", str(own))
    add_run(database, "a", "An idea", at=NOW)
    put(database, "1", "words " * 2_000_000)
    before = sorted(tmp_path.iterdir())
    texts = read_texts(database, EVERYONE, UNWATCHED)
    assert sorted(tmp_path.iterdir()) == before and not list(own.iterdir())
    texts.close()


@pytest.mark.parametrize("with_id", [True, False])
def test_artifacts_that_several_columns_tell_apart_are_found_counted_and_written(
    database: LocalDatabase, tmp_path: Path, with_id: bool
) -> None:
    sql = database.connection()
    sql.execute("DROP TABLE planning_artifacts")
    columns = "run_id TEXT, phase TEXT, version INTEGER, content TEXT, overall_score REAL, created_at INTEGER"
    key = "PRIMARY KEY (run_id, phase, version)) WITHOUT ROWID"
    sql.execute(f"CREATE TABLE planning_artifacts ({'id TEXT, ' if with_id else ''}{columns}, {key}")
    for run in ("a", "b"):
        add_run(database, run, f"An idea {run}", at=NOW)
        for version in (1, 2):
            row = run, version, f"It's words of {run}, {version}", NOW + version
            into = "(run_id, phase, version, content, overall_score, created_at)"
            sql.execute(f"INSERT INTO planning_artifacts {into} VALUES (?, 'it''s', ?, ?, 7, ?)", row)
    texts = read_texts(database, EVERYONE, UNWATCHED)
    found = texts.search(database, "words", never).places
    assert [(one.before, one.found, one.after) for one in found] == [
        ("It's ", "words", f" of {run}, {version}") for run in ("b", "a") for version in (2, 1)
    ]
    texts.close()
    assert [one.count for one in run_views.read(database, EVERYONE).scores] == [2]
    page = "".join(pieces(database, DossierOf("a", "x", None, NOW, every=True), UNWATCHED))
    assert "words of a, 1" in page and "words of a, 2" in page and "words of b" not in page
    assert save_all(database, "a", tmp_path).files == 2
