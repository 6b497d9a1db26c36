"""What a verification says of the file and of each entry, in words, tones and icons."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

from app.services.chain import headlines
from app.services.chain.checkpoint import Reason
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.gone import NOTE
from app.services.chain.checkpoints.kept import KeptVerdict
from app.services.chain.headlines import GONE, NONE, OF_LOST_ENDS, of_lost_end
from app.services.chain.reading import Inspection, Link
from app.services.chain.rules import BROKEN, HEADLINES, Anchor, Verdict
from app.services.chain.verify.report import NO_CHECKPOINT, LostEnd, Report, TenantReport, tally
from app.services.text import counted, tenant_name
from app.ui.session.outcome import Asked, Outcome
from app.ui.session.outdated import AGAIN, OTHERS, STANDS
from app.ui.session.verdict import COULD_NOT, FileVerdict, how_many
from app.ui.theme import Icon, Tone
from app.ui.widgets.formatting import absolute_time, ago, duration, figure, grouped, shortened

LOOKS = {
    Verdict.VERIFIED: (Tone.OK, Icon.SHIELD_OK),
    Verdict.CONSISTENT: (Tone.OK, Icon.SHIELD_OK),
    Verdict.UNPROVEN_START: (Tone.WARN, Icon.WARNING_FILL),
    Verdict.EARLIER: (Tone.WARN, Icon.WARNING_FILL),
    Verdict.TAMPERED: (Tone.BAD, Icon.SHIELD_BAD),
    Verdict.UNREADABLE: (Tone.BAD, Icon.ERROR_FILL),
}
REASONS: Mapping[str, str] = {
    Reason.VERIFY: "all verified",
    Reason.REQUEST: "asked for",
    Reason.RETENTION: "rows removed",
    Reason.IMPORT: "imported",
    Reason.BEFORE_RESTORE: "before a restore",
    Reason.RESTORE: "restored",
    Reason.START_OVER: "started over",
    "anew": "started over",
    Reason.ANOTHER_DATABASE: "another database",
}
"""Why a checkpoint was made; one that only a newer program knows is said as it is stored."""
HASHES = {True: ("fits its hash", Tone.NEUTRAL, Icon.CHECK), False: ("hash wrong", Tone.BAD, Icon.BAD)}
"""What one entry is found to be when it is read: never in the colour or the words of a verdict, which a
verification alone gives.
"""
LINKS = {
    Link.OK: ("names the one before", Tone.NEUTRAL, Icon.LINK),
    Link.ACCEPTED: ("start accepted", Tone.NEUTRAL, Icon.LINK),
    Link.UNPROVEN: ("start unproven", Tone.WARN, Icon.WARNING),
    Link.BROKEN: ("link broken", Tone.BAD, Icon.LINK_BROKEN),
}

CHANGED = "Changed since it was verified"
"""What is said, also by the shield, of a file that held until somebody else wrote to it."""

Words = tuple[Tone, str, str, str, str]

WHOLE = Tone.OK, HEADLINES[Verdict.VERIFIED], Icon.SHIELD_OK
"""Of what was verified whole, and has only been held against a checkpoint since."""

_KNEW = "Each chain still has the last entry that the checkpoint knew; those before were not looked at"


def heading(said: Report | KeptVerdict, *, is_signed: bool = False) -> tuple[Tone, str, str]:
    """Tone, headline and icon of a verdict, of which a checkpoint was made where it `is_signed`."""
    words = headlines.headline(said, is_signed=is_signed)
    if words == NONE:
        return Tone.NEUTRAL, words, Icon.SHIELD_OFF
    if words in {doubts.WHICH, *OF_LOST_ENDS} and said.verdict not in BROKEN:
        return Tone.WARN, words, Icon.WARNING_FILL
    tone, icon = LOOKS[said.verdict]
    return tone, words, icon


def headline(
    said: Report | KeptVerdict, since: int | None, newer: int = 0, *, is_signed: bool = False
) -> tuple[Tone, str, str]:
    """The same, where `newer` entries came after it. What holds says of what: all of it, or what was behind a
    checkpoint, and nothing is never said to hold.
    """
    tone, words, icon = heading(said, is_signed=is_signed)
    entries = said.entries
    if tone is not Tone.OK:
        return tone, words, icon
    if not entries:
        words = "No entries to verify" if since is None else f"Nothing new since checkpoint {since}"
        if newer:
            words = f"{how_many(newer, 'entry', 'entries')} not verified yet"
        return Tone.NEUTRAL, words, Icon.SHIELD_OFF
    if since is not None:
        words, icon = f"Newest {'entry' if entries == 1 else _entries(entries)} verified", Icon.SHIELD_PART
    return tone, words, icon


def of_lost(verdict: FileVerdict, lost_end: LostEnd) -> str:
    """What a lost end is called; where checkpoints know more, as a verification will call it."""
    if verdict.is_gone:
        return GONE
    return HEADLINES[Verdict.EARLIER] if verdict.is_contradicted else of_lost_end(lost_end)


def of_all(verdict: FileVerdict, now: int, utc: bool, tenant: str | None) -> Words:
    """As `of_file`, where one `tenant` alone may be in sight: the headline says of whom it is then."""
    tone, head, rest, detail, icon = of_file(verdict, now, utc)
    if tenant is not None and verdict.known is not None and verdict.is_of_all:
        head = f"All tenants: {inside(head)}"
    return tone, head, rest, detail, icon


def of_file(verdict: FileVerdict, now: int, utc: bool) -> Words:
    """The banner of what is known of the whole file, also where that was before it was opened; of a chain
    that is gone since then nothing of that.
    """
    words = _of_what_is_there(verdict, now, utc)
    if not verdict.is_gone or words[1] == GONE:
        return words
    return *of_gone(verdict), "", NOTE, words[-1] if verdict.is_broken else Icon.WARNING_FILL


def of_gone(verdict: FileVerdict) -> tuple[Tone, str]:
    """Tone and headline of a chain that is gone as a table."""
    return Tone.BAD if verdict.is_broken else Tone.WARN, GONE


def _of_what_is_there(verdict: FileVerdict, now: int, utc: bool) -> Words:
    newer = verdict.not_verified
    if verdict.lost_end is not None and not verdict.is_broken:
        return (
            Tone.WARN,
            of_lost(verdict, verdict.lost_end),
            f"— {verdict.lost_end.in_words}",
            _about_lost_end(verdict, now),
            Icon.WARNING_FILL,
        )
    if verdict.outcome is not None:
        tone, head, rest, detail, icon = banner(verdict.outcome, verdict.newer)
        if verdict.outcome.outdated == STANDS and verdict.outcome.intact:
            rest = f"— {ago(verdict.outcome.at, now)}"
        stands = verdict.whole_stands and not verdict.outcome.is_doubted
        if stands:
            tone, head, icon = WHOLE
            tone = _still(verdict.outcome, tone)
            times = in_two(verdict, now) or _whole(verdict, now)
            rest, detail = f"— {times}", _since_then(verdict.outcome)
        elif verdict.whole_stands:
            detail = _joined(f"All of it was verified {_whole(verdict, now)}", inside(detail))
        if newer:
            detail = _joined(newer, inside(detail))
            report = verdict.outcome.report
            holds = report.intact and not verdict.outcome.is_doubted
            if holds and (stands or report.entries):
                head += f" through entry {grouped(verdict.outcome.through)}"
        return tone, head, rest, detail, icon
    last = verdict.last
    if last is None and verdict.failure and not verdict.is_running:
        return Tone.WARN, COULD_NOT, "", verdict.failure, Icon.WARNING_FILL
    if last is None:
        detail = "Verifying recomputes every hash and follows every link, from first to last."
        head = "Not verified as it is now" if verdict.is_contradicted else "Not verified yet"
        head = "Verifying…" if verdict.is_running else head
        return Tone.NEUTRAL, head, "", detail, Icon.SHIELD_OFF
    tone, head, icon = headline(last, last.since, verdict.newer)
    rest = f"— {ago(last.at, now)} by {last.by}, not looked at since"
    if verdict.whole_stands:
        _, head, icon = WHOLE
        rest = f"— {_whole(verdict, now)}; {last.which} {rest.removeprefix('— ')}"
    looked = f"{_entries(last.entries)} {last.which}, {absolute_time(last.at, utc)}"
    found = _joined(newer, looked, tally(last.errors, last.warnings))
    return (Tone.NEUTRAL if last.intact else tone), head, rest, found, icon


def _still(outcome: Outcome, tone: Tone) -> Tone:
    """Green is what was looked at: not what others have written to, until that is verified in a moment."""
    return Tone.NEUTRAL if outcome.outdated == AGAIN and tone is Tone.OK else tone


def _about_lost_end(verdict: FileVerdict, now: int) -> str:
    """What is known of what is there, and what to do about what is not."""
    known, why = verdict.known, "" if verdict.lost_end is None else verdict.lost_end.why
    seen = verdict.last if verdict.outcome is None else verdict.outcome.report
    is_seen = verdict.outcome is None and verdict.last is not None and verdict.last.is_before_loss
    if known is None or seen is None or seen.lost_end is None or is_seen:
        return f"{why}. Verify what is there, or accept this end where you know why."
    holds = f"What is there holds as it stands, verified {ago(known.at, now)}"
    if verdict.newer:
        holds = f"What is there through entry {grouped(known.through)} holds as it stands, verified "
        holds += f"{ago(known.at, now)}; {verdict.not_verified}"
    elif verdict.outcome is not None and verdict.outcome.is_doubted:
        holds = (
            f"What was there {ago(known.at, now)} held as it stood, and was changed since. Verify it again"
        )
    if isinstance(seen, Report) and seen.lacks_table:  # and so nothing that could hold
        holds = seen.notes[0].removesuffix(".")
    by = _by(seen) if isinstance(seen, Report) and not seen.lacks_table else ()
    said = f"{holds}. {why}; no checkpoint is made until you accept this end."
    return " ".join([said, *(f"{one}." for one in by)])


def _whole(verdict: FileVerdict, now: int) -> str:
    """That it was whole, and when."""
    return "whole" if verdict.whole_at is None else f"whole, {ago(verdict.whole_at, now)}"


def in_two(verdict: FileVerdict, now: int) -> str:
    """Of what was verified whole, and whose newest entries were verified later, both times; empty of any
    other, of which one time says when it was verified through its last entry.
    """
    known = verdict.known
    if known is None or not verdict.whole_stands or verdict.whole_at is None:
        return ""
    whole, at = ago(verdict.whole_at, now), ago(known.at, now)
    since = known.asked.since if isinstance(known, Outcome) else known.since
    entries = known.report.entries if isinstance(known, Outcome) else known.entries
    return f"whole {whole}, from checkpoint {since} on {at}" if entries and whole != at else ""


def _since_then(outcome: Outcome) -> str:
    """What was added to a verdict of the whole by looking from a checkpoint on."""
    count, since = outcome.report.entries, f"since checkpoint {outcome.asked.since}"
    new = "the newest entry holds" if count == 1 else f"the newest {_entries(count)} hold"
    added = f"{since[:1].upper()}{since[1:]} {new}" if count else f"Nothing new {since}"
    return _joined(added, *_by(outcome.report), duration(outcome.report.seconds))


def _by(report: Report) -> Iterator[str]:
    """By which clock, where there are two, and which database it is, where that is in doubt."""
    return (one.removeprefix(doubts.WHICH).strip(" .") for one in (*report.doubts, report.clock) if one)


def of_part(outcome: Outcome, newer: int, utc: bool) -> Words:
    """The banner of a tenant's chain or of a range: of when it is, where entries came `newer` than it, or
    others have written since.
    """
    tone, head, rest, detail, icon = banner(outcome)
    if not (newer or outcome.outdated):
        return tone, head, rest, detail, icon
    if outcome.outdated and outcome.intact:
        head = f"{banner(replace(outcome, outdated=''))[1]}, changed since"
    since = f", {counted(newer, 'entry', 'entries')} since" if newer else ""
    return tone, head, rest, _joined(f"As of {absolute_time(outcome.at, utc)}{since}", inside(detail)), icon


def banner(outcome: Outcome, newer: int = 0) -> Words:
    """Tone, headline, rest of the line, detail and icon of the verdict's banner."""
    report, asked = outcome.report, outcome.asked
    if outcome.outdated in {AGAIN, STANDS} and report.intact:
        tone, head, rest, detail, icon = banner(replace(outcome, outdated=""), newer)
        tone = _still(outcome, tone)
        return tone, head, rest, _joined(outcome.outdated, inside(detail)), icon
    if outcome.outdated and report.intact:
        rest = banner(replace(outcome, outdated=""))[2]
        calm = " Nothing is known to be wrong with that." if outcome.outdated == OTHERS else ""
        detail = f"{outcome.outdated}.{calm} Verify it again."
        return Tone.WARN, CHANGED, rest, detail, Icon.WARNING_FILL
    if asked.since is not None and report.intact:
        tone, head, icon = headline(report, asked.since, newer)
        rest = f"— those after checkpoint {asked.since}" if report.entries else ""
        lost_end = "" if report.lost_end is None else report.lost_end.said.rstrip(".")
        return tone, head, rest, _joined(lost_end, *_by(report), _KNEW, duration(report.seconds)), icon
    tenant, first, last = asked.section
    if first is not None and last is not None:
        return _range_banner(report, tenant, first, last)
    tone, head, icon = headline(report, None, newer, is_signed=outcome.checkpoint is not None)
    if tenant is not None:
        chain = head.removeprefix("Chain ")
        named = f"Chain of {tenant_name(tenant)} {chain}"
        head = named if chain != head else f"{tenant_name(tenant)}: {inside(head)}"
    elif asked.export is not None:
        head += f" against {asked.export.name}"
    how = "" if tone is Tone.OK else " checked"
    looked = "" if tone is Tone.NEUTRAL else f"{_entries(report.entries)}{how}"
    older = "older than its latest checkpoint" if report.verdict is Verdict.EARLIER else ""
    # What was found comes first: a small window cuts the end.
    said = ", ".join(filter(None, (older, report.tally, looked)))
    rest = f"— {said}" if said else ""
    rest += ", before it was changed" if outcome.outdated else ""
    start = inside(_start(report)) if report.notes else _start(report)
    notes = (note.removeprefix(doubts.WHICH).strip(" .") for note in report.notes)
    details = [*notes, start, _archive(report, asked)]
    if report.later is not None:
        details.append(f"between checkpoint {report.earlier} and checkpoint {report.later}")
    elif report.earlier is not None:
        details.append(f"exactly as checkpoint {report.earlier} knew it, not as later ones do")
    if outcome.checkpoint is not None:
        # Where only the archive is at fault, what is in the file is signed all the same.
        alone = "" if report.verdict is not Verdict.TAMPERED else "the database itself holds: "
        details.append(f"{alone}checkpoint {outcome.checkpoint} signed over every entry")
    elif report.lost_end is not None:
        pass  # its note has said why
    elif outcome.why_not is not None and report.intact and report.entries:
        details.append(outcome.why_not.rstrip("."))
    elif report.verdict is Verdict.CONSISTENT and not report.undecided:
        details.append(NO_CHECKPOINT)
    elif report.not_covered_in_words:
        details.append(report.not_covered_in_words)
    if len(report.tenants) == 1 and report.tenants[0].head:
        details.append(f"head {shortened(report.tenants[0].head)}")
    elif report.tenants:
        details.append(f"newest entry {grouped(max(tenant.last_seq or 0 for tenant in report.tenants))}")
    return tone, head, rest, _joined(*details, duration(report.seconds)), icon


def _range_banner(report: Report, tenant: str | None, first: int, last: int) -> Words:
    """That these entries alone were looked at is the first thing said."""
    tone, words, icon = heading(report)
    whose = f" of {tenant_name(tenant)}" if tenant is not None else ""
    one, name = first == last, f"{_named(first, last)}{whose}"
    is_sound = report.intact and report.lost_end is None
    headline = f"{name} {words.removeprefix('Chain ')}" if is_sound else f"{name}: {inside(words)}"
    said = "" if one else _entries(report.entries) if report.intact else f"{_entries(report.entries)} checked"
    rest = ", ".join(filter(None, (report.tally, said)))
    rest = f"— {rest}" if rest else ""
    if report.intact and not report.entries:
        rest, detail = "— no entries are there", "The rest of the chain was not looked at."
        return Tone.NEUTRAL, f"{name}: nothing to verify", rest, detail, Icon.INFO
    only = "Only this entry was looked at" if one else "Only these entries were looked at"
    start = inside(_start(report))
    looked = f"{only}; of checkpoints, the last entries that they knew"
    detail = _joined(looked, *_by(report), start, duration(report.seconds))
    return tone, headline, rest, detail, Icon.SHIELD_PART if icon is Icon.SHIELD_OK else icon


def running(asked: Asked) -> str:
    """What the banner says while it runs."""
    _, first, last = asked.section
    if first is None or last is None:
        return "Verifying…"
    return f"Verifying {inside(_named(first, last))}…"


def _named(first: int, last: int) -> str:
    return f"Entry {grouped(first)}" if first == last else f"Entries {grouped(first)} to {grouped(last)}"


def inside(head: str) -> str:
    """A headline or another sentence of ours behind other words of its line."""
    return f"{head[:1].lower()}{head[1:]}"


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
            return f"What came before was pruned; the marker at entry {grouped(seq)} names its last hash."
        case Anchor("adopted"):
            return "Accepted as the baseline; nothing in this database proves what came before it."
    return "Nothing in this database proves what came before it."
