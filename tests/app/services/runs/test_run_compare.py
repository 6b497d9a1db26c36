"""Runs side by side: what differs comes first, and nothing of the data is markup."""

import csv
import io
import json

import pytest

from app.services.records.history import CHARGED
from app.services.runs import run_compare
from app.services.runs.run_compare import Compared, ComparedLine, Said, as_csv, as_markdown, compare
from app.services.text import markdown
from models.engine import Database, raw
from models.errors import NotAllowed, NotFound
from models.local.database import LocalDatabase
from tests.conftest import NOW

FILL = """
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?4)
INSERT INTO audit_chain (tenant_id, event_type, payload, previous_hash, hash, created_at)
SELECT 'system', ?1, ?2, 'x', hex(randomblob(32)), ?3 FROM n
"""


def add_run(database: LocalDatabase, key: str, idea: str, *, at: int, **more: object) -> None:
    values = {"id": key, "idea": idea, "status": "completed", "created_at": at, "updated_at": at, **more}
    names = ", ".join(values)
    marks = ", ".join("?" * len(values))
    database.connection().execute(
        f"INSERT INTO planning_runs ({names}) VALUES ({marks})", (*values.values(),)
    )


def add_artifact(
    database: LocalDatabase, run: str, phase: str, version: int, score: object, *, at: int
) -> None:
    key = f"{run}/{phase}/{version}"
    database.connection().execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict, overall_score, "
        "created_at) VALUES (?, ?, ?, ?, 'x', 'approved', ?, ?)",
        (key, run, phase, version, score, at),
    )


@pytest.fixture
def two(database: LocalDatabase) -> None:
    add_run(database, "a", "=1+1 | <b>*old*</b>", at=NOW - 900, mode="cloud", config='{"model": "x", "n": 1}')
    add_run(database, "b", "A newer\nidea", at=NOW - 500, mode="cloud", config='{"model": "x", "n": 2}')
    add_artifact(database, "a", "opportunity", 1, 50, at=NOW - 800)
    add_artifact(database, "a", "opportunity", 2, 71.5, at=NOW - 700)
    add_artifact(database, "b", "opportunity", 1, 50, at=NOW - 450)
    add_artifact(database, "b", "unheard-of", 1, "odd", at=NOW - 440)


def test_what_lets_anybody_in_is_in_no_comparison(database: LocalDatabase) -> None:
    hook = "https://hooks.slack.com/services/T0/B0/s3cret"
    for column in ("callback_url", "source", "pw_hash"):
        database.connection().execute(f"ALTER TABLE planning_runs ADD COLUMN {column} TEXT")
    for key in "ab":
        more = {"source": "https://ann:s3cret@h.example/x", "callback_url": hook, "pw_hash": "s3cret"}
        add_run(database, key, f"See {hook}", at=NOW - 900, **more)
        add_artifact(database, key, hook, 1, 5, at=NOW - 800)
    found = compare(database, ["a", "b"], now=NOW)
    for written in (as_csv(found), as_markdown(found, lambda line, value: str(value)), str(found)):
        assert "s3cret" not in written and "h.example" in written


@pytest.mark.usefixtures("two")
def test_what_differs_comes_first(engine: Database) -> None:
    found = compare(engine, ["a", "b"], now=NOW)
    different = {line.what: line.values for line in found.different}
    equal = {line.what: line.values for line in found.equal}
    assert different["opportunity · score"] == (71.5, 50)
    assert different["opportunity · worked"] == (200, 50)
    assert different["opportunity · versions"] == (2, 1)
    assert different["unheard-of · score"] == (None, "odd")
    assert different["Config · n"] == ("1", "2") and equal["Config · model"] == ("x", "x")
    assert equal["Status"] == ("completed", "completed") and equal["Mode"] == ("cloud", "cloud")
    assert "Kill verdict" not in different | equal  # nobody has one
    newest = found.newest_first()
    assert newest.ids == ("b", "a") and newest.ideas[0] == "A newer\nidea"
    assert {line.what: line.values for line in newest.different}["opportunity · score"] == (50, 71.5)


def test_five_are_read_at_once(engine: Database, database: LocalDatabase) -> None:
    """The newest entries and notifications are looked through once for all of them, where that is charged."""
    sql, meta = database.connection(), '{"runId":"%s","phase":"opportunity","verdict":"approved"}'
    sql.execute(FILL, ("other", '{"userId":"b"}', NOW, 2 * CHARGED))
    for number, key in enumerate("abcde", 1):
        add_run(database, key, key, at=NOW - 900)
        add_artifact(database, key, "opportunity", 1, 50, at=NOW - 800)
        for kind, at in (("run_paused", NOW - 890), ("run_resumed", NOW - 890 + 10 * number)):
            sql.execute(FILL, (kind, f'{{"runId":"{key}"}}', at, 1))
        note = "INSERT INTO notifications (id, tenant_id, type, title, message, metadata, created_at)"
        verdict_at = NOW - 800 + number
        sql.execute(f"{note} VALUES (?, 't', 't', '', '', ?, ?)", (key, meta % key, verdict_at))
    engine.rows(raw("SELECT 1"))
    before = (engine.usage.calls, engine.usage.read) if engine.usage is not None else (0, 0)
    found = {line.what: line.values for line in compare(engine, list("abcde"), now=NOW).lines}
    assert found["opportunity · waited"] == (11, 22, 33, 44, 55)
    assert found["opportunity · worked"] == (90, 80, 70, 60, 50)
    if engine.usage is not None:
        assert engine.usage.calls - before[0] <= 2  # the tables, then all of it
        assert engine.usage.read - before[1] < 2.2 * CHARGED


@pytest.mark.usefixtures("two")
def test_what_is_written_holds_no_markup(database: LocalDatabase) -> None:
    found = compare(database, ["a", "b"], now=NOW)
    rows = list(csv.reader(io.StringIO(as_csv(found))))
    assert rows[0] == ["field", "differs", "a", "b"]
    by_name = {row[0]: row[1:] for row in rows}
    assert by_name["Idea"] == ["yes", "'=1+1 | <b>*old*</b>", "A newer\nidea"]
    assert by_name["opportunity · score"] == ["yes", "71.5", "50.0"]
    assert [row[1] for row in rows[1:]] == sorted((row[1] for row in rows[1:]), reverse=True)
    text = as_markdown(found, lambda line, value: str(value))
    lines = [line for line in text.splitlines() if line.startswith("|")]
    unescaped = {line.replace("\\|", "").count("|") for line in lines}
    assert unescaped == {4} and "<b>" not in text and "\\*old\\*" in text
    assert {line.said for line in found.lines} >= {Said.STATUS, Said.TIME, Said.SCORE, Said.SECONDS}


def test_whole_dollars_have_no_part_behind_the_point() -> None:
    line = ComparedLine("Revenue", (3_700_000.0, 2.5, "$9M", None, 1e300), Said.MONEY)
    assert run_compare.for_export(line) == [3_700_000, 2.5, "$9M", None, 1e300]
    assert type(run_compare.for_export(line)[0]) is int


def test_a_line_of_markdown_says_what_is_no_markup() -> None:
    assert markdown("[x](http://e) <b>*y*</b> a_b _c_") == (r"\[x\](http&#58;//e) \<b\>\*y\*\</b\> a_b \_c\_")
    assert markdown("- x\n# y") == r"\- x \# y" and markdown("12. x") == r"12\. x"
    assert markdown("www.e.com a@b &lt;") == "www&#46;e.com a&#64;b &#38;lt;"


def test_too_few_too_many_and_none(database: LocalDatabase) -> None:
    for ids in (["a"], list("abcdef")):
        with pytest.raises(NotAllowed, match="Select 2 to 5"):
            compare(database, ids, now=NOW)
    with pytest.raises(NotFound):
        compare(database, ["a", "b"], now=NOW)


def test_a_number_is_not_its_digits(database: LocalDatabase) -> None:
    for key, config in (("a", {"n": 1, "x": "y"}), ("b", {"n": "1"})):
        add_run(database, key, key, at=NOW, config=json.dumps(config))
    lines = {line.what: line.values for line in compare(database, ["a", "b"], now=NOW).different}
    assert lines["Config · n"] == ("1", '"1"') and lines["Config · x"] == ("y", None)


def test_a_config_that_is_no_object_is_shown_as_it_is(database: LocalDatabase) -> None:
    add_run(database, "a", "one", at=NOW, config="{broken")
    add_run(database, "b", "two", at=NOW, config=json.dumps({"n": 1}))
    lines = {line.what: line.values for line in compare(database, ["a", "b"], now=NOW).lines}
    assert lines["Config"] == ("{broken", '{"n": 1}')
    assert run_compare.why_not(1) and run_compare.why_not(5) is None


def test_the_best_of_a_line_is_known_where_numbers_can_be_compared() -> None:
    def of(*lines: ComparedLine) -> list[tuple[int, ...]]:
        compared = Compared(("a", "b", "c"), ("",) * 3, (None,) * 3, lines)
        return [compared.best(line) for line in lines]

    scores = ComparedLine("Score", (8.5, 9, None), Said.SCORE)
    revenue = (
        ComparedLine("Revenue", (7, None, 7.0), Said.MONEY),
        ComparedLine("Pivots", (1, 2, 3), Said.NUMBER),
    )
    assert of(scores, *revenue) == [(1,), (), ()]
    in_words = ComparedLine("Revenue", ("$10M ARR potential", 3.7e6, None), Said.MONEY)
    unread = ComparedLine("Revenue", ("soon much", 5, 5.5), Said.MONEY)
    assert of(in_words, unread) == [(0,), ()], "what cannot be read may be the most"
    assert of(ComparedLine("Score", (7, 7, 3), Said.SCORE)) == [(0, 1)], "both of two"
    of_hundred = ComparedLine("synthesis · score", (9, 70, None), Said.SCORE)
    assert of(scores, of_hundred) == [(), ()], "7 of 10 is more than 60 of 100"
