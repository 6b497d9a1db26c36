"""Where runs say something, whatever the case and the script, and only of those that are asked about."""

import unicodedata
from pathlib import Path

import pytest

from app.services.records.run_search import LONGEST, MOST, RunTexts, place_in
from app.services.records.tables import EVERYONE
from app.services.text import folded
from app.workers.searching import read_texts
from models.errors import Cancelled, InvalidInput
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor, never
from tests.app.services.records.test_run_compare import add_run
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
    assert [place.of.artifact_id for place in needles.places] == ["1", "2", "3"]
    assert [place.found for place in needles.places[:1]] == ["needle"]
    assert needles.places[0].before.endswith("before the ") and not needles.more
    assert needles.places[0].after.startswith("\nin a haystack after")
    assert said(texts, database, "nowhere") == []
    for wrong in ("", "  ", "x" * (LONGEST + 1)):
        with pytest.raises(InvalidInput):
            texts.search(database, wrong, never)
    texts.close()


def test_a_place_stands_where_its_letters_are() -> None:
    for text, wanted in (("aßb Straße", "sse"), ("e\u0301x É", "é"), ("ﬁne", "in"), ("x", "y")):
        place = place_in(text, folded(wanted))
        found = "" if place is None else text[slice(*place)]
        assert folded(wanted) in folded(found) or (not found and wanted == "y"), text


def test_it_ends_when_it_is_told_to(database: LocalDatabase) -> None:
    add_run(database, "a", "An idea", at=NOW)
    for number in range(MOST + 5):
        put(database, str(number), "the same words")
    with pytest.raises(Cancelled):
        read_texts(database, EVERYONE, Monitor(cancelled=lambda: True))
    texts = read_texts(database, EVERYONE, UNWATCHED)
    found = texts.search(database, "same", never)
    assert len(found.places) == MOST and found.more
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
