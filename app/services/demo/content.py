"""The words of the sample data: tenants, people, ideas and texts that read like a real platform's."""

import unicodedata
from random import Random
from typing import Final

from app.services.chain.rules import compact_json
from app.services.runs.statuses import PHASES
from models.status import Phase

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
