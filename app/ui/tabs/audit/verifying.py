"""A verification: what is asked of it, the run of it, and what it says of the file and of each entry."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum
from functools import cached_property
from pathlib import Path
from typing import Any, cast

from app.itemmodels.columns import Tone
from app.services.chain.checkpoints.document import Reason
from app.services.chain.checkpoints.making import verify_and_sign, verify_with_checkpoints
from app.services.chain.reading import Inspection, Link
from app.services.chain.rules import BROKEN, OF_AN_ENTRY, Anchor, Code, Verdict
from app.services.chain.verify.report import Report, TenantReport
from app.services.text import counted
from app.ui.shell.verdict import FileVerdict
from app.ui.theme.icons import Icon
from app.ui.widgets.formatting import duration, figure, grouped, long_time, relative_time, shortened
from app.workers.scan_pool import store_and_verifier
from models.progress import Progress, Stop

Ends = tuple[int, int]
LinkCell = tuple[str, str | None, Tone | None, str]
"""Text, icon, tone and tool tip of an entry in the link column."""

_VERIFY = "Verify the chain to check"


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be verified: the chains of the file or of one tenant, or a range of their entries alone.

    `ends` are the seqs of such a range, both included. `archive` is the folder of what retention removed;
    `missing` is that folder where it is not there (any more) and the file is verified alone. With `export`
    the file is held against these checkpoints; with `since` it was looked at behind that one alone. Else one
    is made of a whole file, for this `reason`, and `accepted_by` is who says that starts which nothing proves
    are right.
    """

    tenant: str | None = None
    ends: Ends | None = None
    archive: Path | None = None
    missing: Path | None = None
    export: Path | None = None
    reason: Reason = Reason.VERIFY
    accepted_by: str | None = None
    since: int | None = None

    @property
    def is_whole(self) -> bool:
        """Whether it says what there is to say of the file; an export may be an old one."""
        return self.tenant is None and self.ends is None and self.export is None


class State(Enum):
    """What a verification says of one entry, as a `LinkCell`."""

    UNCHECKED = ("not checked", None, None, f"{_VERIFY} this entry.")
    OUTSIDE = ("not checked", None, None, f"Only other entries were verified. {_VERIFY} this one.")
    UNREAD = ("not checked", None, None, "The file could not be read whole.")
    HOLDS = ("linked", Icon.LINK, Tone.OK, "Hash and link hold.")
    UNPROVEN = ("unproven", Icon.WARNING, Tone.WARN, "It holds, but nothing proves what came before it.")
    CHANGED = ("hash wrong", Icon.BAD, Tone.BAD, "The entry is not as it was written.")
    BROKEN = ("broken", Icon.LINK_BROKEN, Tone.BAD, "The verification found something wrong here.")


@dataclass(frozen=True)
class Outcome:
    """A verification that has ended; `checkpoint` is the number of the one that was made of it.

    Where none was, `why_not` is a reason, or None. `outdated` says that somebody else has written to the file
    since. It was made `at` this time, on behalf of `by`.
    """

    asked: Asked
    report: Report
    checkpoint: int | None = None
    why_not: str | None = None
    outdated: bool = False
    at: int = 0
    by: str = ""

    @property
    def is_broken(self) -> bool:
        return self.report.verdict in BROKEN

    @property
    def intact(self) -> bool:
        return self.report.intact

    @property
    def through(self) -> int:
        """The last entry that was looked at, or that was known to hold."""
        before = self.asked.ends[0] - 1 if self.asked.ends is not None else 0
        return max(self._through, before)

    def state(self, seq: int) -> State:
        """What it says of an entry; nothing of one that came later or lies outside of the range."""
        ends = self.asked.ends
        codes = self._codes.get(seq, set())
        if wrong := codes - {Code.UNPROVEN_START}:  # which it is until it was looked at again
            return State.CHANGED if wrong <= OF_AN_ENTRY else State.BROKEN
        if self.outdated or seq > self._through or (ends is not None and seq < ends[0]):
            return State.UNCHECKED if ends is None else State.OUTSIDE
        if codes:
            return State.UNPROVEN
        return State.UNREAD if self.report.verdict is Verdict.UNREADABLE else State.HOLDS

    def is_accepted_start(self, seq: int) -> bool:
        """Whether a chain starts at this entry and a person has accepted that."""
        return any(tenant.anchor == Anchor("adopted", seq) for tenant in self.report.tenants)

    @cached_property
    def _through(self) -> int:
        return max((tenant.last_seq or 0 for tenant in self.report.tenants), default=0)

    @cached_property
    def _codes(self) -> dict[int, set[Code]]:
        """What was found at each entry: its errors, and that nothing proves a start."""
        found: dict[int, set[Code]] = {}
        for item in self.report.findings:
            if item.seq is not None and (item.is_error or item.code is Code.UNPROVEN_START):
                found.setdefault(item.seq, set()).add(item.code)
        return found


def run(
    progress: Progress,
    cancelled: Stop,
    *,
    asked: Asked,
    path: Path,
    now: int,
    by: str,
    on_report: Callable[[Report], object] | None = None,
) -> Outcome:
    """Verifies, and makes a checkpoint of a whole file that holds.

    `on_report` hears the verdict before the checkpoint, which may have to wait for a keyring. Raises the
    errors of `verify_and_sign` and `verify_with_checkpoints`.
    """
    store, verify = store_and_verifier()
    if asked.archive is not None and not asked.archive.is_dir():
        asked = replace(asked, archive=None, missing=asked.archive)
    ways: Any = {"now": now, "archive": asked.archive, "progress": progress, "cancelled": cancelled}
    if asked.tenant is None and asked.ends is None and asked.export is None:
        signing: Any = {
            "reason": asked.reason,
            "accepted_by": asked.accepted_by,
            "by": by,
            "on_report": on_report,
        }
        found = verify_and_sign(path, store, verify, **signing, **ways)
        return Outcome(asked, found.report, found.checkpoint, found.why_not, at=now, by=by)
    first, last = asked.ends or (None, None)
    wanted: Any = {"tenant": asked.tenant, "seq_from": first, "seq_to": last, "export": asked.export}
    return Outcome(asked, verify_with_checkpoints(path, store, verify, **wanted, **ways), at=now, by=by)


HEADLINES = {
    Verdict.VERIFIED: (Tone.OK, "Chain verified", Icon.SHIELD_OK),
    Verdict.CONSISTENT: (Tone.OK, "Chain verified", Icon.SHIELD_OK),
    Verdict.UNPROVEN_START: (Tone.WARN, "Start unproven", Icon.WARNING_FILL),
    Verdict.EARLIER: (Tone.WARN, "Earlier state", Icon.WARNING_FILL),
    Verdict.TAMPERED: (Tone.BAD, "Chain broken", Icon.SHIELD_BAD),
    Verdict.UNREADABLE: (Tone.BAD, "Chain unreadable", Icon.ERROR_FILL),
}
HASHES = {True: ("hash ok", Tone.OK, Icon.CHECK), False: ("hash wrong", Tone.BAD, Icon.BAD)}
LINKS = {
    Link.OK: ("link ok", Tone.OK, Icon.LINK),
    Link.ACCEPTED: ("start accepted", Tone.OK, Icon.LINK),
    Link.UNPROVEN: ("start unproven", Tone.WARN, Icon.WARNING),
    Link.BROKEN: ("link broken", Tone.BAD, Icon.LINK_BROKEN),
}

Words = tuple[Tone, str, str, str, str]


def words(verdict: FileVerdict, now: int, utc: bool) -> Words:
    """The banner of what is known of the whole file, also where that was before it was opened."""
    if verdict.outcome is not None:
        tone, headline, rest, detail, icon = banner(verdict.outcome)
        if verdict.newer:
            newer = f"{counted(verdict.newer, 'newer entry is', 'newer entries are')} not verified yet"
            detail = _joined(newer, detail)
            if verdict.outcome.intact and not verdict.outcome.outdated:
                headline += f" through entry {grouped(verdict.outcome.through)}"
        return tone, headline, rest, detail, icon
    last = verdict.last
    if last is None:
        detail = "Verifying recomputes every hash and follows every link, from first to last."
        return Tone.NEUTRAL, "Not verified yet", "", detail, Icon.SHIELD_OFF
    tone, headline, icon = HEADLINES[last.verdict]
    rest = f"— {relative_time(last.at, now)} by {last.by}, not looked at since"
    which = "whole" if last.since is None else f"from checkpoint {last.since} on"
    looked = f"{_entries(last.entries)} {which}, {long_time(last.at, utc)}"
    found = counted(last.found, "finding") if last.found else ""
    return (Tone.NEUTRAL if last.intact else tone), headline, rest, _joined(looked, found), icon


def banner(outcome: Outcome) -> Words:
    """Tone, headline, rest of the line, detail and icon of the verdict's banner."""
    report, asked = outcome.report, outcome.asked
    if outcome.outdated and report.intact:
        rest = banner(replace(outcome, outdated=False))[2]
        detail = "Another program, or retention, has written to the file. Verify it again."
        return Tone.WARN, "Changed since it was verified", rest, detail, Icon.WARNING_FILL
    if asked.since is not None and report.intact:
        rest = f"— from checkpoint {asked.since} on, {_entries(report.entries)}"
        detail = _joined("every chain has the last entry that it knew", duration(report.seconds))
        return Tone.OK, "Chain verified", rest, detail, Icon.SHIELD_OK
    if asked.ends is not None:
        return _range_banner(report, asked, *asked.ends)
    tone, headline, icon = HEADLINES[report.verdict]
    if asked.tenant is not None:
        chain = headline.removeprefix("Chain ")
        named = f"Chain of {asked.tenant} {chain}"
        headline = named if chain != headline else f"{asked.tenant}: {headline.lower()}"
    elif asked.export is not None:
        headline += f" against {asked.export.name}"
    how = {Verdict.VERIFIED: "", Verdict.CONSISTENT: " verified"}.get(report.verdict, " checked")
    rest = f"— {_entries(report.entries)}{how}"
    # The starts are counted below.
    if report.found and not report.intact and report.verdict is not Verdict.UNPROVEN_START:
        rest += f", {counted(report.found, 'finding')}"
    rest += ", before the file was changed" if outcome.outdated else ""
    details = [*(note.rstrip(".") for note in report.notes), _start(report), _archive(report, asked)]
    if report.earlier is not None:
        details.append(f"exactly as checkpoint {report.earlier} knew it, and later ones knew more")
    if outcome.checkpoint is not None:
        # Where only the archive is at fault, what is in the file is signed all the same.
        alone = "" if report.verdict is not Verdict.TAMPERED else "the file itself holds: "
        details.append(f"{alone}checkpoint {outcome.checkpoint} signed over every entry")
    elif outcome.why_not is not None and report.intact and report.entries:
        details.append(outcome.why_not.rstrip("."))
    elif report.verdict is Verdict.CONSISTENT:
        details.append("no checkpoint covers it yet")
    elif report.unwitnessed:
        details.append(f"{_entries(report.unwitnessed)} not in a checkpoint yet")
    if len(report.tenants) == 1 and report.tenants[0].head:
        details.append(f"head {shortened(report.tenants[0].head)}")
    elif report.tenants:
        details.append(f"heads up to entry {grouped(max(tenant.last_seq or 0 for tenant in report.tenants))}")
    return tone, headline, rest, _joined(*details, duration(report.seconds)), icon


def _range_banner(report: Report, asked: Asked, first: int, last: int) -> Words:
    """That these entries alone were looked at is the first thing said."""
    tone, _, icon = HEADLINES[report.verdict]
    name = f"Entry {grouped(first)}" if first == last else f"Entries {grouped(first)} to {grouped(last)}"
    one = first == last
    headline = {
        Verdict.UNPROVEN_START: f"{name}: start unproven",
        Verdict.TAMPERED: f"{name} {'does' if one else 'do'} not hold",
        Verdict.UNREADABLE: f"{name} cannot be read",
    }.get(report.verdict, f"{name} {'holds' if one else 'hold'}")
    whose = f" of {asked.tenant}" if asked.tenant is not None else ""
    how = "verified" if report.intact else "checked"
    rest = f"— {_entries(report.entries)}{whose} {how}"
    if report.found and report.verdict in BROKEN:
        rest += f", {counted(report.found, 'finding')}"
    if report.intact and not report.entries:
        rest, detail = f"— no entries{whose} are there", "The rest of the chain was not looked at."
        return Tone.NEUTRAL, f"{name}: nothing to verify", rest, detail, Icon.INFO
    only = "Only this entry was verified" if one else "Only these entries were verified"
    detail = _joined(f"{only}; checkpoints say nothing of a range", _start(report), duration(report.seconds))
    return tone, headline, rest, detail, icon


def running(asked: Asked) -> str:
    """What the banner says while it runs."""
    if asked.ends is None:
        return "Verifying…"
    first, last = asked.ends
    return f"Verifying entries {grouped(first)} to {grouped(last)}…"


def link_cell(outcome: Outcome | None, seq: object) -> LinkCell:
    state = outcome.state(seq) if outcome is not None and isinstance(seq, int) else State.UNCHECKED
    return cast("LinkCell", state.value)


def _entries(count: int) -> str:
    return counted(count, "entry", "entries")


def _joined(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def _archive(report: Report, asked: Asked) -> str:
    if asked.missing is not None:
        return f"without the archive: the folder “{asked.missing.name}” is not there"
    if asked.archive is None or report.verdict is Verdict.UNREADABLE:
        return ""
    if report.archives:
        return f"with {counted(report.archives, 'archive file')}"
    return "" if report.found else "no archive files yet"


def _start(report: Report) -> str:
    tenants = report.tenants
    if len(tenants) == 1:
        return anchor(tenants[0])
    if not tenants:
        return ""
    kinds = ["" if tenant.anchor is None else tenant.anchor.kind for tenant in tenants if tenant.entries]
    if set(kinds) <= {"genesis", "archive"}:
        rest = "from the very first entry on" if "archive" in kinds else "from the first entry"
        return f"{counted(len(tenants), 'tenant')} {rest}"
    parts = [counted(len(tenants), "tenant")]
    for kind, words in (
        ("marker", "pruned with a marker"),
        ("adopted", "with an accepted start"),
        ("", "with an unproven start"),
    ):
        if kind in kinds:
            parts.append(f"{grouped(kinds.count(kind))} {words}")
    return ", ".join(parts)


def anchor(tenant: TenantReport) -> str:
    """How the start of a tenant's chain is proven, in words."""
    match tenant.anchor:
        case Anchor("genesis"):
            return "From the first entry ever"
        case Anchor("archive"):
            return "From the very first entry on"
        case Anchor("marker", seq, through):
            marker = f"Anchored by the prune marker at entry {grouped(seq)}"
            return f"{marker}, pruned through entry {grouped(through)}"
        case Anchor("adopted", seq):
            return f"From the accepted start at entry {grouped(seq)} on"
        case Anchor("entry", seq):
            return f"Continues from entry {grouped(seq)}"
    return "Nothing proves what came before" if tenant.entries else "No entries"


def link_sentence(entry: Inspection) -> str:
    """What the entry is tied to, in words."""
    if entry.link is Link.BROKEN:
        return f"Does not follow entry {figure(entry.previous_seq)}, the one before it in this tenant."
    if entry.previous_seq is not None:
        return f"Follows entry {figure(entry.previous_seq)}."
    match entry.anchor:
        case Anchor("genesis"):
            return "The first entry of this tenant."
        case Anchor("marker", seq):
            return f"What came before was pruned; the marker at entry {seq} names its last hash."
        case Anchor("adopted"):
            return "Accepted as the baseline; nothing in this file proves what came before it."
    return "Nothing in this file proves what came before it."
