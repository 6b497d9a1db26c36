"""A verification's outcome in words, icon and tone."""

from app.itemmodels.roles import Tone
from app.services.verification.codes import Verdict
from app.services.verification.inspect import Inspection, Link
from app.services.verification.report import Report, TenantReport
from app.ui.formatting import counted, duration, shortened
from app.ui.icons import Icon

_HEADLINES = {
    Verdict.VERIFIED: (Tone.OK, "Chain verified", Icon.SHIELD_OK),
    Verdict.CONSISTENT: (Tone.OK, "Chain intact", Icon.SHIELD_OK),
    Verdict.UNPROVEN_START: (Tone.WARN, "Start unproven", Icon.WARNING_FILL),
    Verdict.TAMPERED: (Tone.BAD, "Chain broken", Icon.SHIELD_BAD),
    Verdict.UNREADABLE: (Tone.BAD, "Chain unreadable", Icon.ERROR_FILL),
}

Words = tuple[Tone, str, str, str, str]
"""Tone, headline, rest of the line, detail, icon: what a banner shows."""


def banner(report: Report, checkpoint: int | None = None) -> Words:
    """The verdict banner's words; `checkpoint` is the number of the one just made of it."""
    tone, headline, icon = _HEADLINES[report.verdict]
    rest = f"— {counted(report.entries, 'entry', 'entries')} checked"
    if report.verdict is Verdict.VERIFIED:
        rest = f"— {counted(report.entries, 'entry', 'entries')}"
    elif report.verdict is Verdict.CONSISTENT:
        rest = f"— {counted(report.entries, 'entry', 'entries')} verified"
    elif report.found:
        rest += f", {counted(report.found, 'finding')}"
    details = [_start(report)]
    if checkpoint is not None:
        details.append(f"checkpoint {checkpoint} signed, every row witnessed")
    elif report.verdict is Verdict.CONSISTENT:
        details.append("no checkpoint has witnessed it yet")
    elif report.unwitnessed:
        details.append(f"{counted(report.unwitnessed, 'row')} not yet witnessed")
    if len(report.tenants) == 1 and report.tenants[0].head:
        details.append(f"head {shortened(report.tenants[0].head)}")
    elif report.tenants:
        details.append(f"heads up to entry {max(tenant.last_seq or 0 for tenant in report.tenants):,}")
    details.append(duration(report.seconds))
    return tone, headline, rest, " · ".join(part for part in details if part), icon


def _start(report: Report) -> str:
    if len(report.tenants) == 1:
        return anchor(report.tenants[0])
    pruned = sum(1 for tenant in report.tenants if (tenant.anchor or "").startswith("marker:"))
    unproven = sum(1 for tenant in report.tenants if tenant.anchor is None and tenant.entries)
    parts = [f"{counted(len(report.tenants), 'tenant')} from the first entry"]
    if pruned or unproven:
        parts = [counted(len(report.tenants), "tenant")]
    if pruned:
        parts.append(f"{pruned:,} pruned with a marker")
    if unproven:
        parts.append(f"{unproven:,} with an unproven start")
    return ", ".join(parts)


def anchor(tenant: TenantReport) -> str:
    """How the start of a tenant's chain is proven, in words."""
    kind, _, rest = (tenant.anchor or "").partition(":")
    match kind:
        case "genesis":
            return "From the first entry ever"
        case "marker":
            own, _, through = rest.partition(":through:")
            return f"Anchored by the prune marker at entry {own}, pruned through entry {through}"
        case "entry" | "adopted" | "checkpoint":
            return f"Continues from {kind} {rest}"
    return "Nothing proves what came before" if tenant.entries else "No entries"


def hash_chip(holds: bool) -> tuple[str, Tone, str]:
    """Text, tone and icon for the hash of one entry."""
    return ("hash ok", Tone.OK, Icon.CHECK) if holds else ("hash wrong", Tone.BAD, Icon.BAD)


def link_chip(link: Link) -> tuple[str, Tone, str]:
    """Text, tone and icon for the link of one entry to the one before."""
    match link:
        case Link.OK:
            return "link ok", Tone.OK, Icon.LINK
        case Link.UNPROVEN:
            return "start unproven", Tone.WARN, Icon.WARNING
    return "link broken", Tone.BAD, Icon.LINK_BROKEN


def link_sentence(entry: Inspection) -> str:
    """What the entry is tied to, in words."""
    if entry.link is Link.BROKEN:
        return f"Does not follow entry {entry.previous_seq:,}, the one before it in this tenant."
    if entry.previous_seq is not None:
        return f"Follows entry {entry.previous_seq:,}."
    kind, _, rest = (entry.anchor or "").partition(":")
    match kind:
        case "genesis":
            return "The first entry of this tenant."
        case "marker":
            marker = rest.partition(":")[0]
            return f"What came before was pruned; the marker at entry {marker} names its last hash."
    return "Nothing in this file proves what came before it."
