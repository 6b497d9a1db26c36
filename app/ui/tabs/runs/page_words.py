"""What is said of an opened run: why it is where it is, and its numbers."""

from math import inf
from typing import Final, NamedTuple

from app.services.records.history import PastEntry
from app.services.records.run_timeline import RunStory, RunTimeline, Spent, entry_behind
from app.services.records.stored_times import epoch_of
from app.services.text import counted, lasted, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.widgets import formatting
from models.status import ReviewVerdict, RunStatus

FACTS: Final = 8
"""So many numbers are told of each run."""
_LONGEST = 300
_TIMES = ("", "once", "twice")
_UNKNOWN = "unknown"


class RunFact(NamedTuple):
    """One number: what it is, its value, and quieter what it counts in."""

    caption: str
    value: str
    unit: str = ""


def why(story: RunStory, timeline: RunTimeline, now: int, known: str = "") -> str:
    """One sentence on why the run is where it is; of what nobody wrote down nothing is said. `known` is the
    reason for its status where the entries about it were not read.
    """
    run, status = story.run, str(story.run["status"])
    told = entry_behind(story.entries or (), status)
    who = f" by {told.actor}" if told is not None and told.actor else ""
    said = told.said.get("reason") if told is not None and isinstance(told.said, dict) else known
    reason = f": {formatting.first_line(said, _LONGEST)}" if isinstance(said, str) and said else ""
    verdict = formatting.first_line(run.text("kill_verdict"), _LONGEST)
    at = "" if told is None else _ago(told.created_at, now)
    match status:
        case RunStatus.KILLED:
            because = reason or (f": {verdict}" if verdict not in ("", "kill") else "")
            because = because or (": the verdict of its test is “kill”" if verdict else "")
            found = f"it was killed{who}{at}{because}"
        case RunStatus.CANCELLED | RunStatus.COMPLETED | RunStatus.DELETED:
            known_of = f"{who}{at}{reason}"  # that it was is said by its status
            found = f"it was {status}{known_of}" if known_of else ""
        case RunStatus.PAUSED:
            is_known = told is not None or reason
            found = f"it was paused{who}{at}{reason}" if is_known else "it waits for approval"
        case _:
            resumed = told is not None and _is_since(told, timeline)
            parts = [f"it was resumed{who}{at}{reason}"] if resumed else []
            found = "; ".join(filter(None, (*parts, _going(timeline, now))))
    ends = "" if found.endswith((".", "!", "?", "…")) else "."
    return visible(f"{found}{ends}") if found else ""


def _is_since(told: PastEntry, timeline: RunTimeline) -> bool:
    """Whether nothing was stored of the run since the entry."""
    at = epoch_of(told.created_at)
    ends = (one.ended for line in timeline.phases for one in line.versions if one.ended is not None)
    return at is not None and at >= max(ends, default=0)


def _going(timeline: RunTimeline, now: int) -> str:
    line = timeline.current
    if line is None:
        return ""
    parts = []
    if line.newest is not None and line.newest.verdict == ReviewVerdict.APPROVED:
        return f"{line.phase} was approved"
    if line.sent_back:
        times = _TIMES[line.sent_back] if line.sent_back < len(_TIMES) else f"{line.sent_back} times"
        back = [one for one in line.versions if one.spent is Spent.SENT_BACK]
        score = formatting.score(back[-1].score)
        points = f" (score {score})" if score else ""
        parts.append(f"the review sent {line.phase} back {times}{points}")
    newest = line.newest
    if newest is not None and newest.spent is Spent.REJECTED:
        parts.append(f"the review rejected {line.phase}")
    if line.in_review and newest is not None:
        version = formatting.figure(newest.version)
        named = f"version {version}" if version else "its newest version"
        since = f" for {lasted(max(0, now - newest.ended))}" if newest.ended is not None else ""
        parts.append(f"{named} {'of ' + line.phase + ' ' if not parts else ''}has been in review{since}")
    elif not parts:
        begun = [span.began for span in line.spans[-1:] if span.spent is Spent.RUNNING]
        lasts = f" for {lasted(now - begun[0])}" if begun else ""
        parts.append(f"{line.phase} has been running{lasts}")
    return "; ".join(parts)


def _ago(stored: object, now: int) -> str:
    at = epoch_of(stored)
    return "" if at is None else f" {formatting.relative_time(at, now)}"


def facts(context: Context, story: RunStory, timeline: RunTimeline, full: float | None) -> list[RunFact]:
    """The numbers of a run, those that matter most first; `full` is the best score that there is, as far as
    that is known.
    """
    run, now = story.run, context.clock()
    score = formatting.score(run["quality_score"])
    revenue = run["revenue_potential"]
    known = len(timeline.phases)
    pivots = run["pivot_count"]
    at = ", ".join(dict.fromkeys(one.phase for one in timeline.pivots if one.phase))
    unknown = pivots - len(timeline.pivots) if type(pivots) is int and story.entries is not None else 0
    said = [f"at {at}"] if at else []
    said += [f"{unknown} not known when" if timeline.pivots else "not known when"] if unknown > 0 else []
    made, changed = epoch_of(run["created_at"]), epoch_of(run["updated_at"])
    ends = now if timeline.goes_on or timeline.waits else timeline.ended or changed
    ran = lasted(ends - made) if made is not None and ends is not None and ends >= made else _UNKNOWN
    found = [
        RunFact("Score", score or "–", f"of {full:g}" if score and full is not None else ""),
        RunFact(
            "Revenue",
            formatting.money(revenue)
            if isinstance(revenue, int | float)
            else formatting.first_line(formatting.plain(revenue), 40) or "–",
            "potential" if isinstance(revenue, int | float) else "",
        ),
        RunFact("Phases", f"{timeline.done} of {known}", "done")
        if story.artifacts is not None
        else RunFact("Phases", "missing", "no artifacts here"),
        RunFact("Pivots", formatting.figure(pivots) or "–", ", ".join(said)),
        RunFact("Running for" if timeline.goes_on else "Age" if timeline.waits else "Ran for", ran),
        RunFact("Verdict", formatting.first_line(run.text("kill_verdict"), 24) or "–"),
        RunFact(
            "Updated",
            _UNKNOWN if changed is None else formatting.relative_time(changed, now),
            _changed_by(story, changed),
        ),
        RunFact("Last entry", *_last_entry(story, now)),
    ]
    return [RunFact(*map(visible, fact)) for fact in found]


_TOGETHER: Final = 5
"""Seconds between a change of a row and the entry about it, at most, where two programs write them."""


def _changed_by(story: RunStory, changed: int | None) -> str:
    """Who changed the row last, where an entry of that time says it."""
    for entry in story.entries or ():
        at = epoch_of(entry.created_at)
        if at is not None and changed is not None and abs(at - changed) <= _TOGETHER:
            return formatting.first_line(entry.actor, 24)
    return ""


def _last_entry(story: RunStory, now: int) -> tuple[str, str]:
    """When something about the run was recorded last, and what by whom."""
    if not story.entries:
        return "–" if story.entries is not None else "not read", ""
    last = story.entries[0]
    at = epoch_of(last.created_at)
    parts = (formatting.first_line(part, 24) for part in (last.event_type, last.actor))
    when = _UNKNOWN if at is None else formatting.relative_time(at, now)
    return when, " · ".join(filter(None, parts))


def about(context: Context, stored: object) -> tuple[str, str]:
    """How long ago something was, and when exactly."""
    at = epoch_of(stored)
    ago = formatting.plain(stored) if at is None else formatting.relative_time(at, context.clock())
    return visible(ago), declared.moment(context, stored)


def what_of(entry: PastEntry) -> str:
    """What an entry about a run says beside its type: of a workflow's the phase and what came of it."""
    said = entry.said if isinstance(entry.said, dict) else {}
    phase, score, took = (said.get(name) for name in ("phase", "score", "durationMs"))
    parts = [entry.what] if entry.what else []
    parts += [formatting.first_line(phase, 40)] if isinstance(phase, str) and phase else []
    parts += [f"score {formatting.score(score)}"] if isinstance(score, int | float) else []
    parts += [lasted(round(took / 1000))] if isinstance(took, int | float) and 0 <= took < inf else []
    return ", ".join(parts)


def looked_through(story: RunStory) -> str:
    """How much was found about a run."""
    if story.entries is None or story.notes is None:
        return ""
    newest = f", the newest {story.most:,} of each at most" if story.may_be_more else ""
    entries = counted(len(story.entries), "entry", "entries")
    return f"{entries}, {counted(len(story.notes), 'notification')}{newest}"
