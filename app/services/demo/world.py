"""What exists in the sample data besides the audit chain: people, runs, artifacts, notifications, ideas."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from operator import itemgetter
from random import Random
from typing import Any, Final

from app.services.chain.rules import compact_json
from app.services.demo import content
from app.services.runs.statuses import PHASES
from app.services.text import counted
from models.status import DAY, Phase, ReviewVerdict, RunMode, RunStatus, WebhookEvent

SPAN: Final = 120 * DAY
"""How far the sample data reaches back: past the 90 days of retention, so that it has something to do."""

_MONTH: Final = 31 * DAY

HANDFUL: Final = 7
"""Entries of the smallest tenant, when there are tenants enough."""

Row = dict[str, Any]
"""Column name to value, and what else is known of it: a person's `name`, how many `phases` a run has seen."""

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_KILL_TEST: Final = PHASES.index(Phase.KILL_TEST) + 1
_STATUS_SHARES: Final = {
    RunStatus.RUNNING: 6,
    RunStatus.PAUSED: 2,
    RunStatus.COMPLETED: 31,
    RunStatus.KILLED: 12,
    RunStatus.CANCELLED: 4,
    RunStatus.DELETED: 3,
}


@dataclass(slots=True)
class Tenant:
    """One tenant as it stands while its chain is being told; `users` and `webhooks` grow with it."""

    name: str
    domain: str
    users: list[Row] = field(default_factory=list)
    webhooks: list[Row] = field(default_factory=list)
    runs: list[Row] = field(default_factory=list)
    namesakes: Counter[str] = field(default_factory=Counter)


def shares(tenants: int) -> list[float]:
    """How much of everything each tenant has: the first most, falling off, the last nearly nothing."""
    weights = [1 / (rank + 1) ** 1.3 for rank in range(tenants)]
    if tenants > 2:
        weights[-1] = 0.0
    total = sum(weights)
    return [weight / total for weight in weights]


def ulid(rng: Random, at: int) -> str:
    """A ULID: 48 bits of milliseconds and 80 random bits, so that ids sort by time."""
    number = (at * 1000 + rng.getrandbits(9)) << 80 | rng.getrandbits(80)
    return "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def make_user(rng: Random, tenant: Tenant, at: int) -> Row:
    """A person of a tenant; one in five has been invited and has no password yet."""
    first, last = rng.choice(content.FIRST_NAMES), rng.choice(content.LAST_NAMES)
    local = f"{content.ascii_word(first)}.{content.ascii_word(last)}"
    namesakes = tenant.namesakes[local]
    tenant.namesakes[local] += 1
    secret = f"pbkdf2_sha256$100000${rng.getrandbits(96):024x}${rng.getrandbits(256):064x}"
    return {
        "id": f"usr_{ulid(rng, at)}",
        "tenant_id": tenant.name,
        "email": f"{local}{namesakes or ''}@{tenant.domain}",
        "name": f"{first} {last}",
        "password_hash": secret if rng.random() < 0.8 else None,
        "created_at": at,
        "updated_at": at,
    }


def make_webhook(rng: Random, tenant: Tenant, at: int) -> Row:
    """A destination of a tenant: https, and the stored hostname is the URL's host."""
    kind, path = rng.choice((("hooks", "in"), ("ci", "platform/events"), ("chat", "services/T0/B1")))
    hostname = f"{kind}.{tenant.domain}"
    number = len(tenant.webhooks) + 1
    chosen = rng.sample([str(event) for event in WebhookEvent], rng.randint(1, 3))
    return {
        "id": f"wh_{ulid(rng, at)}",
        "tenant_id": tenant.name,
        "name": f"{kind.capitalize()} {number}",
        "hostname": hostname,
        "url": f"https://{hostname}/{path}/{number}",
        "secret": f"whsec_{rng.getrandbits(160):040x}" if rng.random() < 0.85 else None,
        "active": int(rng.random() < 0.8),
        "events": ",".join(chosen) if rng.random() < 0.7 else "*",
        "created_at": at,
        "updated_at": at,
    }


def make_tenants(rng: Random, count: int, start: int) -> list[Tenant]:
    """The tenants, each with the two people and the destination it had before its chain begins."""
    named = content.tenant_names(count)
    tenants = [Tenant(name, f"{content.ascii_word(name)}.example") for name in named]  # RFC 2606
    for tenant in tenants:
        for _ in range(2):
            tenant.users.append(make_user(rng, tenant, start - rng.randrange(DAY, 30 * DAY)))
        tenant.webhooks.append(make_webhook(rng, tenant, start - rng.randrange(DAY)))
    return tenants


def make_runs(rng: Random, count: int, now: int) -> list[Row]:
    """Runs in all six states, in the proportions of a platform at work, oldest first."""
    pattern = [status for status, share in _STATUS_SHARES.items() for _ in range(share)]
    statuses = [pattern[index % len(pattern)] for index in range(count)]
    rng.shuffle(statuses)
    runs = (
        _make_run(rng, status, now - SPAN + int((index + rng.random()) * SPAN / count), now)
        for index, status in enumerate(statuses)
    )
    return sorted(runs, key=itemgetter("created_at"))


def _make_run(rng: Random, status: RunStatus, created: int, now: int) -> Row:
    last = len(PHASES)
    match status:
        case RunStatus.RUNNING:
            created = now - rng.randrange(600, 2 * DAY)
            phases = rng.randint(1, last - 1)
        case RunStatus.PAUSED:
            created = now - rng.randrange(3_600, 6 * DAY)
            phases = rng.choice((_KILL_TEST, _KILL_TEST + 2))
        case RunStatus.COMPLETED:
            phases = last
        case RunStatus.KILLED:
            phases = _KILL_TEST
        case _:
            phases = rng.randint(1, last)
    scores = (41, 58) if status is RunStatus.KILLED else (52, 96)
    updated = min(created + phases * rng.randrange(600, 9_000), now - rng.randrange(30, 600))
    return {
        "id": f"run_{ulid(rng, created)}",
        "idea": content.idea(rng),
        "status": status,
        "phases": phases,
        "current_phase": PHASES[phases - 1],
        "created_at": created,
        "updated_at": max(created, updated),
        "quality_score": round(rng.uniform(*scores), 1) if phases >= 3 else None,
        "workflow_instance_id": f"wf-{rng.getrandbits(48):012x}",
    }


def run_row(rng: Random, run: Row) -> Row:
    """The whole of a run. `revenue_potential` is in dollars a year, scores are 0 to 100."""
    phases, status = run["phases"], run["status"]
    pivots = rng.choices((0, 1, 2, 3), (60, 25, 10, 5))[0] if phases >= 5 else 0
    return run | {
        "refined_idea": content.refined(run["idea"], rng) if phases >= 2 else None,
        "revenue_potential": round(rng.uniform(0.2, 9.5), 1) * 1e6 if phases >= 6 else None,
        "kill_verdict": _verdict(run),
        "pivot_count": pivots,
        "package_key": f"packages/{run['id']}.zip" if status == RunStatus.COMPLETED else None,
        "mode": rng.choices((RunMode.CLOUD, RunMode.LOCAL), (3, 1))[0],
        "config": compact_json(
            {"maxPivots": 3, "approval": rng.choice(("manual", "automatic")), "language": "en"}
        ),
    }


def _verdict(run: Row) -> str | None:
    """Why it was killed, or that it was not."""
    if run["status"] == RunStatus.KILLED:
        return content.KILLED_FOR[run["created_at"] % len(content.KILLED_FOR)]
    return "proceed" if run["phases"] > _KILL_TEST else None


def artifact_rows(rng: Random, run: Row) -> Iterator[Row]:
    """What each phase of `run` has produced, the last of it when the run changed last."""
    count = sum(1 for _ in _versions(copy(rng), run, 0))
    yield from _versions(rng, run, max(1, (run["updated_at"] - run["created_at"]) // max(1, count)))


def _versions(rng: Random, run: Row, step: int) -> Iterator[Row]:
    """One to three of each phase, all but the last sent back, a step of seconds after the other."""
    at, until = run["created_at"], run["updated_at"]
    for phase in PHASES[: run["phases"]]:
        versions = rng.choices((1, 2, 3), (6, 3, 1))[0]
        for version in range(1, versions + 1):
            at = min(at + step, until)
            last = version == versions
            open_ended = run["status"] == RunStatus.RUNNING and last and phase == run["current_phase"]
            scores = (70, 97) if last else (45, 72)
            verdict = ReviewVerdict.APPROVED if last else ReviewVerdict.REVISE
            if last and run["status"] == RunStatus.KILLED and phase == run["current_phase"]:
                scores, verdict = (52, 64), ReviewVerdict.REJECTED
            yield {
                "id": f"art_{ulid(rng, at)}",
                "run_id": run["id"],
                "phase": phase,
                "version": version,
                "content": content.artifact(phase, run["idea"].split(". ")[0], rng),
                "review_verdict": None if open_ended else verdict,
                "overall_score": None if open_ended else round(rng.uniform(*scores), 1),
                "created_at": at,
            }


def parked_rows(rng: Random, runs: list[Row], count: int, now: int) -> Iterator[Row]:
    """Ideas put aside, most of them out of a run that went on without them; a third is due again."""
    long_ago = [run for run in runs if run["updated_at"] < now - 40 * DAY]
    for index in range(count):
        is_due = index % 3 == 1 and bool(long_ago)
        run = rng.choice(long_ago if is_due else runs)
        text = content.idea(rng)
        at = rng.randint(run["created_at"], run["updated_at"])
        months = rng.randint(1, (now - at) // _MONTH) if is_due else rng.choice((None, 6, 12, 18))
        yield {
            "id": f"idea_{ulid(rng, at)}",
            "idea": text,
            "refined_idea": content.refined(text, rng) if rng.random() < 0.7 else None,
            "run_id": run["id"] if rng.random() < 0.8 else None,
            "source_phase": rng.choice(PHASES[: run["phases"]]),
            "reason": rng.choice(content.REASONS),
            "artifact_summary": content.refined(text, rng) if rng.random() < 0.5 else None,
            "revisit_estimate_months": months,
            "revisit_estimate_note": None if months is None else f"Look again in {counted(months, 'month')}",
            "created_at": at,
        }


_TITLES: Final = {
    WebhookEvent.RUN_STARTED: ("Run started", "“{idea}” is being planned."),
    WebhookEvent.PHASE_COMPLETED: ("Phase completed", "{phase} is done for “{idea}”."),
    WebhookEvent.RUN_COMPLETED: ("Run completed", "“{idea}” is ready with a score of {score}."),
    WebhookEvent.RUN_KILLED: ("Run killed", "“{idea}” did not survive the kill test."),
    WebhookEvent.RUN_CANCELLED: ("Run cancelled", "“{idea}” was cancelled by {who}."),
    WebhookEvent.IDEA_PROMOTED: ("Idea promoted", "A parked idea is back: “{idea}”."),
}
_ANY_TIME: Final = (WebhookEvent.RUN_STARTED, WebhookEvent.PHASE_COMPLETED, WebhookEvent.IDEA_PROMOTED)
_OUTCOMES: Final = {
    RunStatus.COMPLETED: (WebhookEvent.RUN_COMPLETED,) * 3,
    RunStatus.KILLED: (WebhookEvent.RUN_KILLED,) * 3,
    RunStatus.CANCELLED: (WebhookEvent.RUN_CANCELLED,) * 3,
}


def notification_rows(rng: Random, tenants: list[Tenant], count: int, now: int) -> Iterator[Row]:
    """Notifications of every tenant that has runs; the first has exactly 23 unread, most of them new."""
    for index, (tenant, share) in enumerate(zip(tenants, shares(len(tenants)), strict=True)):
        amount = max(2, round(count * share))
        times = sorted(now - 60 - int(SPAN * rng.random() ** 1.5) for _ in range(amount))
        unread = {*range(amount - 20, amount), *rng.sample(range(max(3, amount - 20)), 3)}
        for position, at in enumerate(times):
            is_unread = position in unread if index == 0 else rng.random() < 0.12
            yield _notification(rng, tenant, at, read=not is_unread)


def _notification(rng: Random, tenant: Tenant, at: int, *, read: bool) -> Row:
    known = bisect_right(tenant.runs, at, key=itemgetter("created_at"))
    run = tenant.runs[rng.randrange(max(1, known))]
    kind = rng.choice((*_ANY_TIME, *_OUTCOMES.get(run["status"], ())))
    title, message = _TITLES[kind]
    phase = PHASES[rng.randrange(run["phases"])]
    about, score = run["idea"].split(". ")[0], run["quality_score"] or "–"
    text = message.format(idea=about, phase=phase, score=score, who=rng.choice(tenant.users)["name"])
    metadata = compact_json({"runId": run["id"], "phase": phase})
    return {
        "id": f"ntf_{ulid(rng, at)}",
        "tenant_id": tenant.name,
        "type": kind,
        "title": title,
        "message": text,
        "metadata": metadata if rng.random() < 0.95 else None,
        "read": int(read),
        "created_at": at,
    }
