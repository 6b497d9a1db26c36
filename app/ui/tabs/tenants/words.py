"""What is known of a tenant, in words, tones and icons."""

from collections import Counter
from dataclasses import replace

from app.services.chain.checkpoints.kept import knows
from app.services.chain.rules import BROKEN, CALLED, SOUND, Verdict
from app.services.chain.verify.report import LostEnd
from app.services.records.stored_times import epoch_of
from app.services.tenants import overview
from app.services.tenants.listing import TenantTotals
from app.services.tenants.overview import COUNTED_IN, KnownOfChains, TenantRow
from app.services.text import counted, readable, shown_tenant, visible
from app.ui.session.outcome import Outcome
from app.ui.session.verdict import FileVerdict
from app.ui.theme import Icon, Tone
from app.ui.widgets.buttons import Chip
from app.ui.widgets.formatting import EMPTY, NOTHING, absolute_time, ago, figure
from models.errors import TableMissing

WIDEST = "consistent · 59 min ago"
"""What the column of chains has room for, whatever stands in it now."""
LEAST = ("not verified",)
"""As much of it as is always shown."""
FARING = ("99 · 99 failing",)
"""What the column of webhooks has room for."""


def known_now(verdict: FileVerdict) -> KnownOfChains:
    """What is known of each tenant's chain in the window."""
    outcome = verdict.outcome
    if verdict.is_gone and (outcome is None or not outcome.report.lacks_table):
        return overview.known_of(verdict.last, lost=verdict.lost_end, is_gone=True)
    if outcome is None:
        known, last = overview.known_of(verdict.last), verdict.last
        is_found = last is not None and last.lost_end is not None and _same(last.lost_end, verdict.lost_end)
        if verdict.lost_end is None or is_found:
            return known
        return replace(
            known, others=None, is_doubted=True, ends_lost=known.ends_lost | overview.whose(verdict.lost_end)
        )
    report = outcome.report
    verdicts = outcome.verdicts
    is_found = report.lost_end is not None and _same(report.lost_end, verdict.lost_end)
    is_doubted = outcome.is_doubted or report.undecided or (verdict.lost_end is not None and not is_found)
    if is_doubted:
        verdicts = {name: found for name, found in verdicts.items() if found in BROKEN}
    findings = Counter(
        found.tenant for found in report.findings if found.tenant is not None and found.is_error
    )
    return KnownOfChains(
        outcome.at,
        outcome.through,
        verdicts,
        _others(verdict, outcome, is_found=is_found),
        is_broken=outcome.is_broken,
        findings=findings,
        is_doubted=is_doubted,
        ends_lost=overview.whose(verdict.lost_end),
        is_gone=verdict.is_gone,
    )


def _same(found: LostEnd, now: LostEnd | None) -> bool:
    """Whether no more is lost now than the verification found."""
    return now is not None and now.is_within(found)


def _others(verdict: FileVerdict, outcome: Outcome, *, is_found: bool) -> Verdict | None:
    """What is known of those that a verification from a checkpoint on does not name, also where it `is_found`
    by it that an end is lost.
    """
    since = outcome.asked.since is not None and outcome.intact and verdict.whole_at is not None
    stands = verdict.whole_stands or (is_found and since)
    return knows(outcome.report.verdict) if stands and not outcome.is_doubted else None


def looks(one: TenantRow) -> tuple[Tone, str]:
    """Tone and icon of a chain's state."""
    if one.is_erased:
        return Tone.NEUTRAL, Icon.DELETE
    if one.lacks_end or (one.is_gone and one.verdict not in BROKEN):
        return Tone.WARN, Icon.WARNING
    if one.verdict is None:
        return Tone.NEUTRAL, Icon.CANCELLED if one.entries else Icon.SHIELD_OFF
    if one.verdict in SOUND:
        return Tone.OK, Icon.SHIELD_PART if one.newer else Icon.SHIELD_OK
    return (Tone.BAD, Icon.SHIELD_BAD) if one.verdict in BROKEN else (Tone.WARN, Icon.WARNING)


VERIFYING = "being verified…"
"""What is said of a chain that nobody verified until the verification that runs has."""


def is_awaited(one: TenantRow, verdict: FileVerdict) -> bool:
    """Whether nothing is known of its chain that will be in a moment."""
    runs = verdict.is_running or verdict.is_asked
    is_told = one.verdict is not None or one.has_lost_end
    return runs and not is_told and one.entries > 0 and one.erased is None


def state(one: TenantRow, now: int, verdict: FileVerdict) -> str:
    """How its chain stands, with what came since, or how old that is."""
    if is_awaited(one, verdict):
        return VERIFYING
    words = one.chain.replace(", ", " · ", 1)
    if one.erased is not None:
        at = epoch_of(one.erased.at)
        return words if at is None else f"{words} · {ago(at, now)}"
    if not one.holds or one.newer or one.verified_at is None:
        return words
    return f"{words} · {ago(one.verified_at, now)}"


def erased(one: TenantRow, utc: bool) -> str:
    """When it was erased, and by whom; empty where it was not."""
    if one.erased is None:
        return ""
    at = epoch_of(one.erased.at)
    when = readable(one.erased.at) if at is None else absolute_time(at, utc)
    return f"Erased {when} by {visible(one.erased.actor) or 'nobody named'}"


def chip(one: TenantRow, verdict: FileVerdict) -> Chip:
    return VERIFYING if is_awaited(one, verdict) else one.chain, *looks(one)


def called(one: TenantRow) -> str:
    return shown_tenant(one.name) or EMPTY


def titled(one: TenantRow) -> str | None:
    """What the platform's own table calls it."""
    return visible(" · ".join(filter(None, (one.title, one.plan)))) or None


def count(name: str, one: TenantRow) -> str:
    number = one.number(name)
    return NOTHING if number is None else figure(number)


def no_table(name: str, one: TenantRow) -> str | None:
    """Why there is no number."""
    return str(TableMissing(COUNTED_IN[name])) if one.number(name) is None else None


def webhooks(one: TenantRow) -> str:
    if one.number("active") is None:
        return NOTHING
    if not one.active:
        return "none"
    return figure(one.active) + (f" · {one.failing:,} failing" if one.failing else "")


def fares(one: TenantRow) -> str | None:
    if (why := no_table("active", one)) is not None:
        return why
    if not one.attempts:
        return "Nothing was sent to them from this program yet." if one.active else None
    if not one.failing:
        return "What was sent last from here to each of them went well."
    return f"What was sent last from here to {counted(one.failing, 'webhook')} failed."


def totals(of: TenantTotals, *, is_broken: bool = False) -> dict[str, str]:
    """By the column that they stand below; all chains together may be broken where no one is."""
    known = of.verified - of.consistent
    found = [f"{known:,} {CALLED[Verdict.VERIFIED]}"] if known or not of.consistent else []
    found += [f"{of.consistent:,} {CALLED[Verdict.CONSISTENT]}"] if of.consistent else []
    found += [f"{of.not_verified:,} not"] if of.not_verified else []
    found += [f"{of.erased:,} erased"] if of.erased else []
    chains = " · ".join(found)
    if is_broken and not of.not_verified:
        chains += f" · whole {CALLED[Verdict.TAMPERED]}"
    hooks = f"{of.active:,}" + (f" · {of.failing:,} failing" if of.failing else "")
    numbers = {"users": of.users, "entries": of.entries, "unread": of.unread, "runs": of.runs}
    said = {"name": counted(of.tenants, "tenant"), "chain": chains, "webhooks": hooks}
    said |= {name: f"{number:,}" for name, number in numbers.items()}
    return said | {name: NOTHING for name in said if COUNTED_IN.get(name) in of.missing}
