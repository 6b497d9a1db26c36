"""All that is stored of a planning run as one document, HTML or Markdown, for whoever has no access.

Nothing of the data is markup in it, and it loads nothing. Secrets are left out as exports leave them out, but
for those in payloads.
"""

import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from html import escape
from typing import Any, Final, NamedTuple

from peewee import SQL, Column
from peewee import Table as Source

from app import paths
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.rules import CALLED
from app.services.records.export import as_time, plain_of
from app.services.records.history import CHARGED, LOOKED_THROUGH
from app.services.records.record import Record, each_again
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import AUDIT_CHAIN, PLANNING_ARTIFACTS, PLANNING_RUNS, ColumnKind
from app.services.runs.contents import LARGE, ContentKind, kind_of, laid_out
from app.services.runs.run_compare import whole_number
from app.services.runs.run_timeline import ALL_ABOUT, RunStory, RunTimeline, entry_behind, read, timeline
from app.services.secrets.forms import without_secrets
from app.services.text import counted, lasted, markdown, readable, utc_time, visible
from models import engine, progress, schema

_POLICY: Final = "default-src 'none'; style-src 'unsafe-inline'"
_PIECE: Final = 65_536
_BETWEEN: Final = re.compile(r"\s(?<!\r)|(?<=\"),")
_HASHED: Final = ("event_type", "payload", "previous_hash", "hash", "created_at")
_PHASES: Final = ("Phase", "Version", "Score", "Verdict", "Began", "Ended", "Worked", "Waited")
_ENTRIES: Final = ("Entry", "Event", "Time", "Payload", "Previous hash", "Hash")

_OF_HASHES: Final = (
    "Payloads are as they are stored, whatever is in them, and so is the number behind a time: the hashes "
    "are made of both."
)
_NOT_EXACT: Final = " (cannot be checked from here: the payload has characters that are shown otherwise)"


class DossierForm(StrEnum):
    HTML = "html"
    MARKDOWN = "md"


@dataclass(frozen=True, slots=True)
class DossierOf:
    """What a dossier is made of: the run, of its artifacts the newest of each phase or `every` one, and what
    is `known` of the audit chain of `place`, `now`.
    """

    run_id: Any
    place: str
    known: KeptVerdict | None
    now: int
    form: DossierForm = DossierForm.HTML
    every: bool = False


def pieces(database: engine.Database, of: DossierOf, monitor: progress.Monitor) -> Iterator[str]:
    """The document in pieces; no more than one large artifact is held at a time. Each is as it was stored
    when it was read, JSON laid out over lines. Raises `NotFound`, `Cancelled`, and the storage errors.
    """
    page: _Dossier = _Html() if of.form is DossierForm.HTML else _Markdown()
    among = CHARGED if database.costs else LOOKED_THROUGH
    story = read(database, of.run_id, among=among, most=ALL_ABOUT)
    yield page.start(_said(PLANNING_RUNS.name, "idea", story.run.text("idea")))
    made = f"Made {utc_time(of.now)} from {of.place}, run {readable(of.run_id)}."
    yield page.paragraph(made)
    pause = partial(_go_on, monitor)
    fields = _fields(story.run)
    documents = list(filter(_is_document, fields))
    rows = [(one.label, "below" if one in documents else _words(one, pause)) for one in fields]
    yield page.table(("Field", "Value"), [*rows[:1], *_why(story), *rows[1:]])
    for one in documents:
        yield page.heading(one.label)
        yield from page.verbatim(list(_safe_parts(PLANNING_RUNS.name, one.name, readable(one.value), pause)))
    yield page.heading("Phases")
    yield page.table(_PHASES, _phases(timeline(story, of.now)))
    yield page.heading("Artifacts")
    yield from _artifacts(database, story, of, page, monitor)
    yield page.heading("Audit entries about it")
    if database.last_read is not None and AUDIT_CHAIN.name not in database.last_read[1]:
        yield page.paragraph("This database has no audit chain: what was done in it is recorded nowhere.")
    else:
        yield page.paragraph(_verified(of.known))
        yield from _entries(database, story, page)
    yield page.end()


class _Field(NamedTuple):
    """What a run or an artifact has in a column of the file, `name`."""

    label: str
    name: str
    value: Any
    kind: ColumnKind | None = None


def _fields(run: Record) -> list[_Field]:
    """Those with a value, in the order in which they are shown; no secret."""
    known = [_Field(one.label, one.source, run[one.name], one.kind) for one in run.table.columns]
    unknown = [_Field(name, name, value) for name, value in run.unknown.items()]
    return [
        one
        for one in (*known, *unknown)
        if one.value not in (None, "") and plain_of(run.table.name, one.name) is not None
    ]


def _is_document(field: _Field) -> bool:
    return kind_of(readable(field.value)) is ContentKind.JSON


def _words(field: _Field, pause: progress.Pause) -> str:
    value = field.value
    if field.kind is ColumnKind.TIME and (time := as_time(value)) != value:
        return f"{readable(time)} UTC"
    if field.name == "revenue_potential" and isinstance(value, int | float):
        return f"${whole_number(value):,}"
    return "".join(_safe_parts(PLANNING_RUNS.name, field.name, readable(value), pause))


def _why(story: RunStory) -> list[tuple[str, str]]:
    """How it came to its status, where an entry tells it."""
    told = entry_behind(story.entries or (), story.run["status"])
    if told is None:
        return []
    said = told.said.get("reason") if isinstance(told.said, dict) else None
    reason = _said(AUDIT_CHAIN.name, "payload", said) if isinstance(said, str) else ""
    who = readable(without_secrets(told.actor)) or "nobody who is named"
    at = f"{readable(as_time(told.created_at))} UTC"
    return [("Why", f"{readable(told.event_type)} by {who}, {at}{f': {reason}' if reason else ''}")]


_OF_VERSION: Final = ("phase", "version", "overall_score", "review_verdict")


def _said(table: str, name: str, value: Any) -> str:
    """A value of a column in words, without what may let anybody in."""
    plain = plain_of(table, name)
    return "" if plain is None else readable(plain(value))


def _phases(found: RunTimeline) -> list[tuple[str, ...]]:
    rows = []
    for line in found.phases:
        newest = line.newest
        if line.is_reached:
            stored = (newest.version, newest.score, newest.verdict) if newest else (None, None, None)
            began = min((span.began for span in line.spans), default=None)
            took = _took(line.worked), _took(line.waited or None)
            times = _when(began), _when(newest.ended if newest else None), *took
            of = map(partial(_said, PLANNING_ARTIFACTS.name), _OF_VERSION, (line.phase, *stored))
            rows.append((*of, *times))
    return rows


def _took(seconds: int | None) -> str:
    return "" if seconds is None else lasted(seconds)


def _when(at: int | None) -> str:
    return "" if at is None else utc_time(at)


def _verified(known: KeptVerdict | None) -> str:
    """Whether the chain was verified, and when."""
    if known is None:
        return "It is not known that the audit chain of this database was verified."
    if not known.entries and known.since is None:
        return f"When the audit chain was verified, {utc_time(known.at)}, it had no entries yet."
    words = CALLED[known.verdict]
    undecided = ", undecided which database it is" if known.undecided else ""
    return (
        f"The audit chain was verified {known.which} {utc_time(known.at)}: {words}{undecided}, "
        f"{counted(known.entries, 'entry', 'entries')} looked at, through number {known.through}. "
        "What came since was not."
    )


def _entries(database: engine.Database, story: RunStory, page: "_Dossier") -> Iterator[str]:
    if not story.entries:
        yield page.paragraph("None are known." if story.entries is not None else "They were not looked for.")
        return
    if len(story.entries) >= ALL_ABOUT:
        yield page.paragraph(f"The newest {ALL_ABOUT:,}.")
    numbers = json.dumps([entry.seq for entry in story.entries])
    tables, _ = schema.read_stored(database)
    stored, source = tables[AUDIT_CHAIN.name], Source(AUDIT_CHAIN.name)
    cells = [
        exactly(Column(source, name)) if name in stored.names else SQL("'NULL'") for name in ("seq", *_HASHED)
    ]
    wanted = Column(source, "seq").in_(SQL("(SELECT value FROM json_each(?))", [numbers]))
    rows = database.rows(source.select(*cells).where(wanted).order_by(Column(source, "seq")))
    said: list[Callable[[Any], Any]] = [
        lambda value: value,
        *(plain_of(AUDIT_CHAIN.name, name) or (lambda value: "") for name in _HASHED),
    ]
    found = []
    for row in rows:
        values = [legible(decoded(cell)) for cell in row]
        seq, event, payload, before, own, at = (
            readable(tell(value)) for tell, value in zip(said, values, strict=True)
        )
        if (time := readable(as_time(values[-1]))) != at:
            at = f"{time} UTC ({at})"
        own += "" if all(map(page.is_exact, (event, payload))) else _NOT_EXACT
        found.append((seq, event, at, payload, before, own))
    yield page.paragraph(_OF_HASHES)
    yield page.table(_ENTRIES, found)


def _artifacts(
    database: engine.Database, story: RunStory, of: DossierOf, page: "_Dossier", monitor: progress.Monitor
) -> Iterator[str]:
    if story.artifacts is None:
        yield page.paragraph("This database has no artifacts.")
        return
    newest = {artifact.text("phase"): artifact for artifact in reversed(story.artifacts)}
    chosen = [one for one in story.artifacts if of.every or newest[one.text("phase")] is one]
    for number, (artifact, whole) in enumerate(zip(chosen, each_again(database, chosen), strict=True)):
        _go_on(monitor)
        monitor.progress(number, len(chosen))
        phase, version, score, verdict = (
            _said(PLANNING_ARTIFACTS.name, name, artifact[name]) for name in _OF_VERSION
        )
        yield page.heading(f"{phase}, version {version or 'unknown'}", 3)
        facts = (
            f"verdict {verdict or 'none'}",
            f"score {score or 'none'}",
            f"stored {readable(as_time(artifact['created_at']))} UTC",
        )
        yield page.paragraph(", ".join(facts))
        if whole is None:
            yield page.paragraph("It is no longer there.")
            continue
        content = readable(whole["content"])
        pause = partial(_go_on, monitor)
        yield from page.verbatim(list(_safe_parts(PLANNING_ARTIFACTS.name, "content", content, pause)))
        yield from _others(whole, page, pause)
    monitor.progress(len(chosen), len(chosen))


def _others(artifact: Record, page: "_Dossier", pause: progress.Pause) -> Iterator[str]:
    """What it has in columns that only the file has."""
    table = PLANNING_ARTIFACTS.name
    fields = [
        _Field(name, name, value)
        for name, value in artifact.unknown.items()
        if value not in (None, "") and plain_of(table, name) is not None
    ]
    said = [
        (one, list(_safe_parts(table, one.name, readable(one.value), pause)), _is_document(one))
        for one in fields
    ]
    if said:
        rows = [(one.label, "below" if below else "".join(parts)) for one, parts, below in said]
        yield page.table(("Field", "Value"), rows)
    for one, parts, below in said:
        if below:
            yield page.paragraph(one.label)
            yield from page.verbatim(parts)


def _go_on(monitor: progress.Monitor) -> None:
    monitor.check()


class _Dossier:
    """How a document is written; whatever it is given is data."""

    def start(self, title: str) -> str:
        raise NotImplementedError

    def heading(self, words: str, level: int = 2) -> str:
        raise NotImplementedError

    def paragraph(self, words: str) -> str:
        raise NotImplementedError

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        raise NotImplementedError

    def verbatim(self, parts: Sequence[str]) -> Iterator[str]:
        """A text as it is, given in parts of which none ends within a word."""
        raise NotImplementedError

    def is_exact(self, text: str) -> bool:
        """Whether what a cell shows of a text is that text, character by character."""
        raise NotImplementedError

    def end(self) -> str:
        return ""


def _safe_parts(table: str, name: str, value: str, pause: progress.Pause) -> Iterator[str]:
    """What a column holds, without what may let anybody in, in parts of which none ends within a word. JSON
    is laid out over lines, but for what is too large to be read whole here, to know that it is JSON.
    """
    text = without_secrets(value, pause)  # a part of JSON does not tell
    if len(text) <= LARGE:
        text = laid_out(text, kind_of(text), pause)
    for part in in_parts_of(text):
        pause()
        yield _lines(_said(table, name, part))


def in_parts_of(text: str) -> Iterator[str]:
    """A text in parts that each end behind a white space, or between texts of JSON: a search through all of
    5 MB would hold up whoever else runs, and no address is in two of them.
    """
    start = 0
    while start < len(text):
        found = _BETWEEN.search(text, start + _PIECE)
        end = len(text) if found is None else found.end()
        yield text[start:end]
        start = end


def _lines(text: str) -> str:
    """With its line breaks, and what cannot be seen as an escape."""
    return visible(text.replace("\r\n", "\n"), keep="\n\t")


class _Html(_Dossier):
    def start(self, title: str) -> str:
        shown = escape(visible(title))
        style = (paths.resources_dir() / "evidence" / "dossier.css").read_text("utf-8")
        return (
            "<!doctype html>\n<html lang='en'><head><meta charset='utf-8'>\n"
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
            "<meta name='viewport' content='width=device-width'>\n"
            f"<title>{shown[:200]}</title>\n<style>{style}</style></head><body>\n<h1>{shown}</h1>\n"
        )

    def heading(self, words: str, level: int = 2) -> str:
        return f"<h{level}>{escape(visible(words))}</h{level}>\n"

    def paragraph(self, words: str) -> str:
        return f"<p>{escape(visible(words))}</p>\n"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        titles = "".join(f"<th>{escape(name)}</th>" for name in head)
        lines = ("".join(f"<td>{escape(_lines(value))}</td>" for value in row) for row in rows)
        return "<table>" + "".join(f"<tr>{line}</tr>\n" for line in (titles, *lines)) + "</table>\n"

    def verbatim(self, parts: Sequence[str]) -> Iterator[str]:
        yield "<pre>\n"
        yield from map(escape, parts)
        yield "</pre>\n"

    def is_exact(self, text: str) -> bool:
        return _lines(text) == text

    def end(self) -> str:
        return "</body></html>\n"


class _Markdown(_Dossier):
    def start(self, title: str) -> str:
        return f"# {markdown(title)}\n\n"

    def heading(self, words: str, level: int = 2) -> str:
        return f"{'#' * level} {markdown(words)}\n\n"

    def paragraph(self, words: str) -> str:
        return f"{markdown(words)}\n\n"

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
        cells = [list(head), ["---"] * len(head), *([markdown(value) for value in row] for row in rows)]
        return "".join(f"| {' | '.join(row)} |\n" for row in cells) + "\n"

    def is_exact(self, text: str) -> bool:
        return " ".join(visible(text).split()) == text

    def verbatim(self, parts: Sequence[str]) -> Iterator[str]:
        """Between fences that no line of it can end."""
        ticks = (len(found) for part in parts for found in re.findall("`+", part))
        fence = "`" * max(3, 1 + max(ticks, default=0))
        yield f"{fence}\n"
        yield from parts
        yield f"\n{fence}\n\n"
