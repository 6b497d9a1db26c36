"""What exists in the sample data besides the audit chain: people, runs, artifacts, notifications, ideas; and
the words of it: tenants, people, ideas and texts that read like a real platform's.
"""

import unicodedata
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass, field
from operator import itemgetter
from random import Random
from typing import Any, Final

from app.services.chain.rules import compact_json
from app.services.runs.statuses import PHASES
from app.services.text import counted
from models.status import DAY, Phase, ReviewVerdict, RunMode, RunStatus, WebhookEvent

TENANTS: Final = (
    *("acme-corp", "northwind-clinics", "blue-harbor-logistics", "fjord-energi", "café-lumière"),
    *("sakura-foods", "granite-insurance", "pampas-agro", "lighthouse-schools", "kestrel-avionics"),
    *("atlas-cargo", "willow-legal"),
)
_PLACES: Final = ("amber", "birch", "cobalt", "delta", "ember", "flint", "grove", "hazel", "ivory", "juniper")
_TRADES: Final = ("bakery", "capital", "dental", "farms", "freight", "health", "labs", "media", "robotics")

FIRST_NAMES: Final = (
    *("Amara", "Björn", "Chloé", "Dmitri", "Elena", "Fatima", "Grace", "Hiroshi", "Ingrid", "Jamal"),
    *("Katarzyna", "Liam", "Mei", "Noor", "Oluwaseun", "Priya", "Quentin", "Rosa", "Søren", "Tomás"),
    *("Ursula", "Viktor", "Wanjiru", "Ximena", "Yara", "Zoë", "陽子", "Łukasz", "Ağa", "Δήμητρα"),
)
LAST_NAMES: Final = (
    *("Almeida", "Bergström", "Castillo", "Dubois", "Eriksen", "Fernández", "Grünwald", "Haddad", "Ito"),
    *("Jansen", "Kowalski", "Lindqvist", "Müller", "Nguyen", "O’Brien", "Park", "Quiroga", "Rossi", "Singh"),
    *("Tanaka", "Ueda", "Vargas", "Wójcik", "Xu", "Yılmaz", "Zimmermann", "Okafor", "Šimić", "Papadopoulos"),
)
_UNDECOMPOSED: Final = str.maketrans({"ł": "l", "ø": "o", "ı": "i"})
_ROMANISED: Final = {"陽子": "yoko", "Δήμητρα": "dimitra"}

FILES: Final = (
    "pitch-deck.pdf",
    "Geschäftsplan 2026 – Entwurf.pdf",
    "interview notes.docx",
    "市場調査.xlsx",
    "unit-economics.csv",
    "brand voice 🎙️.md",
    "résumé des entretiens.pdf",
    "architecture.drawio",
)
SETTINGS: Final = (
    ("approval.mode", '"manual"', '"automatic"'),
    ("retention.days", "90", "180"),
    ("notifications.digest", "false", "true"),
    ("locale", '"en"', '"pt-BR"'),
    ("limits", '{"runsPerDay":5,"seats":10}', '{"runsPerDay":20,"seats":25}'),
    ("branding.colour", '"#2f6fed"', '"#12805c"'),
)

_PRODUCTS: Final = (
    "AI-powered code review tool",
    "Tutor matching for trades",
    "Invoice matching for clinics",
    "Async collaboration suite",
    "Cold-chain sensor leasing",
    "Drone inspection marketplace",
    "Shift planning for bakeries",
    "Second-hand lab equipment exchange",
    "Grant finder for public schools",
    "Repair-café booking platform",
    "小さな旅館のための多言語予約",
    "Recettes anti-gaspi pour cantines",
    "Carbon ledger for road freight",
    "Voice notes to legal briefs",
)
_MARKETS: Final = (
    "in rural Portugal",
    "for crews of two to ten people",
    "across the Nordics",
    "with offline-first sync",
    "for family-run firms",
    "as a white-label service",
    "under the new reporting rules",
    "for São Paulo’s night shift",
)
_PROBLEM: Final = (
    "People do this by telephone and on paper today, lose an afternoon a week to it, and find the mistakes "
    "only when a customer complains. "
)
_DETAIL: Final = (
    "The first version connects to the two systems everybody already has, asks for one decision at a time, "
    "and shows what it will do before it does it. ",
    "Pricing is per site and month; a pilot group of twelve sites has agreed to pay from the first day. ",
    "The risk is distribution: the buyers meet twice a year and trust what a neighbour uses. ",
    "A paper trail that an auditor accepts is part of the product, not an export added later. ",
    "Everything must work on a seven-year-old telephone with a cracked screen and no reception. ",
)
REASONS: Final = (
    "Market too small for now",
    "Waiting for the 2027 reporting rules",
    "Needs a partner with a logistics licence",
    "Unit economics negative below 400 sites",
    "Strong idea, wrong season – revisit before the harvest",
)
KILLED_FOR: Final = (
    "Churn eats what a site pays within eight months",
    "Two incumbents hold every reseller",
    "No buyer has a budget for it before 2028",
    "The rule that it relied on was withdrawn",
    "Support costs more than the subscription",
)
_FINDINGS: Final = (
    "Eleven of fourteen interviewees named the same weekly task",
    "Two incumbents, both sold through resellers, both above €400 a month",
    "Churn in comparable products is 2.1 % a month",
    "Willingness to pay rises once a second site joins",
    "Search volume doubled in eighteen months",
    "The regulation takes effect in the second quarter",
    "Support load is dominated by the first import",
)


def tenant_names(count: int) -> tuple[str, ...]:
    """`count` different tenant ids, the same for the same count."""
    combined = (f"{place}-{trade}" for trade in _TRADES for place in _PLACES)
    numbered = (f"tenant-{number:04d}" for number in range(1, count + 1))
    names = (*TENANTS, *combined, *numbered)
    return names[:count]


def ascii_word(text: str) -> str:
    """Lower-case ASCII for addresses: letters, digits and hyphens only."""
    lowered = _ROMANISED.get(text, text).lower().translate(_UNDECOMPOSED)
    folded = unicodedata.normalize("NFKD", lowered)
    return "".join(c for c in folded if c.isascii() and (c.isalnum() or c == "-"))


def idea(rng: Random) -> str:
    """One product idea; one in ten is several hundred characters long."""
    text = f"{rng.choice(_PRODUCTS)} {rng.choice(_MARKETS)}" if rng.random() < 0.6 else rng.choice(_PRODUCTS)
    if rng.random() < 0.1:
        text += ". " + _PROBLEM + "".join(rng.sample(_DETAIL, 4)) * rng.randint(1, 3)
    return text.strip()


def refined(text: str, rng: Random) -> str:
    return f"{text.split('. ', maxsplit=1)[0]}: {_PROBLEM}{rng.choice(_DETAIL)}".strip()


def artifact(phase: str, about: str, rng: Random) -> str:
    """A phase's result: compact JSON, or Markdown for the closing phase."""
    findings = rng.sample(_FINDINGS, 3)
    if phase == Phase.SYNTHESIS:
        lines = "\n".join(f"- {finding}" for finding in findings)
        headings = PHASES * (20 if rng.random() < 0.04 else 1)  # now and then a very long document
        plan = "\n\n".join(f"## {name}\n\n{rng.choice(_DETAIL).strip()}" for name in headings)
        return f"# {about}\n\n{_PROBLEM.strip()}\n\n{lines}\n\n{plan}\n"
    return compact_json(
        {
            "phase": phase,
            "summary": rng.choice(_DETAIL).strip(),
            "findings": findings,
            "confidence": round(rng.uniform(0.4, 0.97), 2),
            "sources": [f"https://research.example/{phase}/{rng.randint(100, 999)}" for _ in range(2)],
        }
    )


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
    first, last = rng.choice(FIRST_NAMES), rng.choice(LAST_NAMES)
    local = f"{ascii_word(first)}.{ascii_word(last)}"
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
    named = tenant_names(count)
    tenants = [Tenant(name, f"{ascii_word(name)}.example") for name in named]  # RFC 2606
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
        "idea": idea(rng),
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
        "refined_idea": refined(run["idea"], rng) if phases >= 2 else None,
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
        return KILLED_FOR[run["created_at"] % len(KILLED_FOR)]
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
                "content": artifact(phase, run["idea"].split(". ")[0], rng),
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
        text = idea(rng)
        at = rng.randint(run["created_at"], run["updated_at"])
        months = rng.randint(1, (now - at) // _MONTH) if is_due else rng.choice((None, 6, 12, 18))
        yield {
            "id": f"idea_{ulid(rng, at)}",
            "idea": text,
            "refined_idea": refined(text, rng) if rng.random() < 0.7 else None,
            "run_id": run["id"] if rng.random() < 0.8 else None,
            "source_phase": rng.choice(PHASES[: run["phases"]]),
            "reason": rng.choice(REASONS),
            "artifact_summary": refined(text, rng) if rng.random() < 0.5 else None,
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
