"""A run as one document: all of it there, and nothing of it more than text."""

import json
from html.parser import HTMLParser
from itertools import count
from pathlib import Path

import pytest

from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.rules import Verdict
from app.services.files.opening import open_database
from app.services.runs import statuses as planning
from app.services.runs.run_dossier import DossierForm, DossierOf, in_parts_of, pieces
from app.services.text import utc_time
from app.workers.export import save_dossier
from models.engine import Database, raw
from models.errors import Cancelled, DatabaseThere, NotFound
from models.local.database import LocalDatabase
from models.progress import UNWATCHED, Monitor
from models.status import RunStatus
from tests.app.services.runs.test_run_compare import add_run
from tests.conftest import NOW

EVIL = "<script>alert(1)</script></pre><img src=http://e.com/x onerror=y> [x](http://e.com) ![i](//e)\u202e\0"
FENCED = "```\n# not a heading\n````\n<iframe src=x>\nhttps://hooks.slack.com/services/T0/B0/secret"


TAGS = {
    *[
        "html",
        "head",
        "meta",
        "title",
        "style",
        "body",
        "h1",
        "h2",
        "h3",
        "p",
        "table",
        "tr",
        "th",
        "td",
        "pre",
    ]
}


def artifact(database: LocalDatabase, key: str, phase: str, version: int, content: object) -> None:
    database.connection().execute(
        "INSERT INTO planning_artifacts (id, run_id, phase, version, content, review_verdict, overall_score, "
        "created_at) VALUES (?, ?, ?, ?, ?, ?, 7.5, ?)",
        (key, "a", phase, version, content, EVIL, NOW - 100 + version),
    )


@pytest.fixture
def run(database: LocalDatabase) -> str:
    add_run(
        database,
        "a",
        EVIL,
        at=NOW - 900,
        config='{"hook": "https://hooks.slack.com/services/T0/B0/s3cret", "password": "s3cret"}',
    )
    database.connection().execute("UPDATE planning_runs SET status = 'running'")
    artifact(database, "1", "opportunity", 1, "the older one")
    artifact(database, "2", "opportunity", 2, FENCED)
    artifact(database, "3", EVIL, 1, b"\xff\x00")
    planning.set_status(database, ["a"], RunStatus.PAUSED, actor="ops <b>", now=NOW)
    return "a"


class Tags(HTMLParser):
    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []
        self.words = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.words += data


@pytest.mark.parametrize("form", DossierForm)
def test_what_lets_anybody_in_is_in_no_part_of_it(
    database: LocalDatabase, run: str, form: DossierForm
) -> None:
    hook = "https://hooks.slack.com/services/T0/B0/s3cret"
    database.connection().execute("UPDATE planning_runs SET idea = ?", (hook,))
    database.connection().execute("UPDATE planning_artifacts SET phase = ?1, review_verdict = ?1", (hook,))
    database.connection().execute(
        "UPDATE planning_artifacts SET content = ?",
        (f'{{"jwt" : "s3cret", "fill": "{"x " * 40_000}", "api_key": "s3cret", "tokens": ["s3cret"]}}',),
    )
    page = "".join(pieces(database, DossierOf(run, "a", None, NOW, form), UNWATCHED))
    assert "s3cret" not in page and "hooks.slack.com" in page


def test_the_page_loads_nothing_and_has_all(engine: Database, run: str) -> None:
    known = KeptVerdict(Verdict.CONSISTENT, NOW - 60, "ops", 1, 0, 0, 1)
    page = "".join(pieces(engine, DossierOf(run, "a <file>", known, NOW), UNWATCHED))
    found = Tags(page)
    assert found.tags <= TAGS
    assert not {name for name, _ in found.attributes} - {"lang", "charset", "http-equiv", "content", "name"}
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in found.attributes
    assert "# not a heading\n````" in found.words and "the older one" not in found.words
    assert "alert(1)" in found.words and "\\u202e" in found.words and "x'ff00'" in found.words
    assert (
        "verified whole" in found.words and "consistent, 1 entry looked at, through number 1" in found.words
    )
    ((own, before),) = [row[:2] for row in engine.rows(raw("SELECT hash, previous_hash FROM audit_chain"))]
    assert own in page and before in page and "run_paused" in page
    assert "secret" not in page and "s3cret" not in page and "hooks.slack.com/…" in page
    assert "\u202e" not in page and "\0" not in page


@pytest.mark.parametrize(
    ("payload", "exact"),
    [
        (r'{"runId":"%s","a":"\u202e | <b> `x` *y*"}', {DossierForm.HTML, DossierForm.MARKDOWN}),
        ('{"runId":"%s","a":"two  blanks\ttab"}', {DossierForm.HTML}),
        ('{"runId":"%s","a":"\u202e"}', set()),
        ('{"runId":"%s",\r\n"a":1}', set()),
    ],
)
def test_a_hash_that_cannot_be_checked_from_what_is_shown_is_named(
    database: LocalDatabase, run: str, payload: str, exact: set[DossierForm]
) -> None:
    database.connection().execute("UPDATE audit_chain SET payload = ?", (payload % run,))
    for form in DossierForm:
        page = "".join(pieces(database, DossierOf(run, "a", None, NOW, form), UNWATCHED))
        assert ("cannot be checked from here" not in page) is (form in exact), form


def test_times_are_times_and_json_is_laid_out(database: LocalDatabase, run: str) -> None:
    update = "UPDATE planning_artifacts SET content = ?"
    database.connection().execute(update, ('{"n":1.50,"hook":"https://hooks.slack.com/services/T0/B0/x y"}',))
    page = "".join(pieces(database, DossierOf(run, "a", None, NOW + 90, DossierForm.MARKDOWN), UNWATCHED))
    assert '\n{\n  "n": 1.50,\n  "hook": "https://hooks.slack.com/…' in page
    assert '{\n  "hook": "https://hooks.slack.com/' in page.partition("## Config")[2]
    at, number = utc_time(NOW).removesuffix(" UTC"), NOW
    assert f"| {at} UTC ({number}) |" in page, "as it is in the hash, too"
    assert f"| Why | run_paused by ops \\<b\\>, {at} UTC |" in page
    (row,) = (line for line in page.splitlines() if line.startswith("| opportunity |"))
    assert row.endswith(f"| {utc_time(NOW - 900)} | {utc_time(NOW - 98)} | 13 min 22 s |  |"), row


def test_columns_that_only_the_file_has_are_there_and_no_secret(database: LocalDatabase, run: str) -> None:
    sql = database.connection()
    for name in ("review_feedback", "confidence", "api_secret"):
        sql.execute(f"ALTER TABLE planning_artifacts ADD {name}")
    feedback = '{"why": "too dear | really"}'
    sql.execute(
        "UPDATE planning_artifacts SET review_feedback = ?, confidence = 0.75, api_secret = 's3cret'",
        (feedback,),
    )
    page = "".join(pieces(database, DossierOf(run, "a", None, NOW, DossierForm.MARKDOWN), UNWATCHED))
    assert page.count("| review_feedback | below |\n| confidence | 0\\.75 |\n") == 2
    assert '  "why": "too dear | really"' in page and "s3cret" not in page


def test_that_there_is_no_chain_is_said(database: LocalDatabase, run: str) -> None:
    database.connection().execute("DROP TABLE audit_chain")
    page = "".join(pieces(database, DossierOf(run, "a", None, NOW), UNWATCHED))
    assert "has no audit chain" in page and "It is not known" not in page and "None are known" not in page


def test_an_artifact_without_an_id_is_there(database: LocalDatabase, run: str) -> None:
    database.connection().execute("UPDATE planning_artifacts SET id = NULL")
    of = DossierOf(run, "a", None, NOW, DossierForm.MARKDOWN, every=True)
    page = "".join(pieces(database, of, UNWATCHED))
    assert "the older one" in page and "iframe" in page and "no longer there" not in page


def test_markdown_holds_nothing_but_text(database: LocalDatabase, run: str) -> None:
    of = DossierOf(run, "file", None, NOW, DossierForm.MARKDOWN, every=True)
    lines = "".join(pieces(database, of, UNWATCHED)).splitlines()
    outside, fence = list[str](), ""
    for line in lines:
        if fence:
            fence = "" if line == fence else fence
        elif line.startswith("```"):
            fence = line
        else:
            outside.append(line)
    assert not fence and "# not a heading" in lines and "# not a heading" not in outside
    assert "the older one" in lines
    for line in outside:
        plain = line.replace("\\<", "").replace("\\[", "").replace("\\!", "")
        assert "<" not in plain and "[" not in plain and "://" not in plain, line
    assert any("It is not known that the audit chain" in line for line in outside)


def test_it_is_there_whole_or_not_at_all(database: LocalDatabase, run: str, tmp_path: Path) -> None:
    opened, target = open_database(tmp_path / "foundation.sqlite"), tmp_path / "run.html"
    target.write_text("before")

    def save(run_id: str, path: Path = target, monitor: Monitor = UNWATCHED) -> int:
        return save_dossier(opened, run_id, path, DossierForm.HTML, every=False, now=NOW, monitor=monitor)

    with pytest.raises(NotFound):
        save("gone")
    with pytest.raises(Cancelled):
        save(run, monitor=Monitor(cancelled=lambda: True))
    with pytest.raises(DatabaseThere):
        save(run, tmp_path / "foundation.sqlite")
    assert target.read_text() == "before"
    assert save(run) == target.stat().st_size
    assert target.read_text("utf-8").endswith("</body></html>\n")
    assert target.stat().st_mode & 0o077 == 0
    assert not [left for left in tmp_path.iterdir() if left.name.startswith(".tenant-admin-")]


def test_a_long_text_is_taken_in_parts_that_hide_what_is_to_be_hidden() -> None:
    text = "word " * 20_000 + "https://hooks.slack.com/services/T0/B0/secret " + "x" * 200_000
    parts = list(in_parts_of(text))
    assert "".join(parts) == text and len(parts) == 2
    assert sum("https://hooks.slack.com/services/T0/B0/secret " in part for part in parts) == 1
    assert list(in_parts_of("")) == []


@pytest.mark.parametrize("of", ["config", "content"])
def test_it_is_left_amid_a_large_text(database: LocalDatabase, of: str) -> None:
    """Each step of one takes seconds, and asks on its way."""
    members = 4_000
    large = json.dumps([{"idea": f"a{n}", "password": "s3cret"} for n in range(members)])
    add_run(database, "a", "An idea", at=NOW - 900, config=large if of == "config" else "{}")
    artifact(database, "1", "opportunity", 1, large if of == "content" else "short")

    def asked(until: int) -> int:
        asks = count(1)
        monitor = Monitor(cancelled=lambda: next(asks) > until)
        with database.connection_context():
            "".join(pieces(database, DossierOf("a", "here", None, NOW), monitor))
        return next(asks) - 1

    every = asked(1_000_000)
    assert every > 4 * members
    for tenth in range(1, 10):
        with pytest.raises(Cancelled):
            asked(every * tenth // 10)
