"""What of a file is verified, and what a verification says; the JSON of the CLI."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final, NamedTuple

from app.services.chain import rules
from app.services.chain.checkpoint import UNKNOWN, Recognised, Seal
from app.services.text import counted, some_of, tenant_name, utc_time


class Section(NamedTuple):
    """What of a file is verified: the chain of `tenant`, and of it the rows `first <= seq <= last`.

    None is no limit.
    """

    tenant: str | None = None
    first: int | None = None
    last: int | None = None

    @property
    def is_range(self) -> bool:
        return self.first is not None or self.last is not None

    def has(self, seq: int) -> bool:
        """Whether a row with this number lies in it, whosever that is."""
        is_behind = self.first is None or seq >= self.first
        return is_behind and (self.last is None or seq <= self.last)


EVERYTHING: Final = Section()
NO_CHECKPOINT: Final = "no checkpoint yet"
"""What is said of entries of which no checkpoint knows any."""


@dataclass(frozen=True, slots=True)
class Extent:
    """What is to be verified: `first <= seq <= last`, of `tenant` or of all.

    `lowest` and `highest` are the ends of the table, None where they cannot be read; it may reach further in
    a damaged file. `rows` is how many are to be met, None where that is not known, and `size` about how many
    have to be read for that. `counter` is AUTOINCREMENT's, where it was read in the same
    snapshot and the extent reaches that far. `partial` says that rows were left out on purpose,
    which were asked for through `asked_through`.
    """

    first: int
    last: int
    tenant: str | None = None
    rows: int | None = None
    size: int = 0
    counter: int | None = None
    lowest: int | None = None
    highest: int | None = None
    partial: bool = False
    asked_through: int = rules.HIGHEST_SEQ

    @property
    def span(self) -> tuple[int, int]:
        """Where the rows lie, as far as it is known."""
        low = self.first if self.lowest is None else max(self.first, self.lowest)
        high = self.highest if self.highest is not None else self.counter
        return low, min(self.last, high if high is not None else low)


@dataclass(frozen=True, slots=True)
class TenantReport:
    """One tenant's chain. `head` is the stored hash of its last row.

    `anchor` says how the start is proven, None when nothing proves it.
    `not_covered` is the number of rows that no checkpoint covers. `inside` is the tenant whose entries show
    that it starts within their chain.
    """

    tenant: str
    verdict: rules.Verdict
    entries: int
    first_seq: int | None
    last_seq: int | None
    head: str | None
    anchor: rules.Anchor | None
    not_covered: int
    inside: str | None = None

    def to_json(self) -> dict[str, Any]:
        return {
            "tenant": self.tenant,
            "verdict": str(self.verdict),
            "entries": self.entries,
            "firstSeq": self.first_seq,
            "lastSeq": self.last_seq,
            "head": self.head,
            "anchor": None if self.anchor is None else str(self.anchor),
            "unwitnessed": self.not_covered,
        }


_LOST_END = (
    "It was {} on {}, and {}. {}. What is there was judged as it stands; until this "
    "end is accepted, no checkpoint is made."
)


_VERIFIED_BEFORE: Final = ", the last one that was verified before"

_MOST_TOLD: Final = 5
"""Entries that are lost with the last one."""


NOT_ACCEPTED: Final = "This end was not accepted"
"""Begins a note of a report, which says why."""


@dataclass(frozen=True, slots=True)
class LostEnd:
    """That the entry `through` of `tenant`, the last one of a verification `at` that time, whose stored hash
    was `head` (None where it was not looked at), is not there any more, and nobody has accepted that.
    `ends_at` is the last one there is. It is lost where it was `missed`: where the chains held without it.
    `also` are the other entries that were known and are lost with it, by their numbers: what was verified
    before, and what was made or seen here. It `is_other`, another database, where the
    first migration ran then at the time `ledger`, and at another one here. Where no verification knew it, but
    a window on a live database, `known_by` says how, behind its number. It is the last one `of_tenant` where
    others had entries behind it; `others` are tenants whose own last ones are lost with it, by their numbers
    in `lasts`, `apart` those of them that it does not imply, and so many more are `unnamed`. Of each tenant
    `parts` tell up to where there is any left at most, and how many times something of it went; of those of
    whom more went since, `went` the last one that was verified then.
    """

    through: int
    at: int
    head: str | None
    ends_at: int
    tenant: str | None = None
    missed: bool = False
    also: tuple["LostEnd", ...] = ()
    ledger: str = ""
    is_other: bool = False
    known_by: str = ""
    of_tenant: bool = False
    others: tuple[str, ...] = ()
    apart: tuple[str, ...] = ()
    parts: tuple[tuple[str, int, int], ...] = ()
    unnamed: int = 0
    lasts: tuple[tuple[str, int], ...] = ()
    went: tuple[tuple[str, int], ...] = ()

    @classmethod
    def together(cls, ends: "Iterable[LostEnd | None]") -> "LostEnd | None":
        """All that these tell, by the last entry that is lost, and as of the last of them; None of none."""
        given = [end for end in ends if end is not None]
        if not given or any(end.is_other for end in given):
            return next((end for end in given if end.is_other), None)
        each: dict[int, LostEnd] = {}
        for one in (one for end in given for one in end.each):
            each[one.through] = one._or(each.get(one.through))
        *sooner, last = (each[through] for through in sorted(each))
        made_by = {name for end in given for name in end.made_by}
        also = [one for one in sooner if not one.of_tenant or one.tenant in made_by]
        ends_at = given[-1].ends_at
        ends_of = {str(one.tenant): one.through for one in sooner if one.of_tenant and one not in also}
        told = {one.tenant for one in (*also, last)}
        others = {name for end in given for name in end.others}.union(ends_of)
        apart = {name for end in given for name in end.apart}
        apart |= {name for name, through in ends_of.items() if through <= ends_at}
        lasts = {name: through for end in given for name, through in end.lasts} | ends_of
        return replace(
            last,
            ends_at=ends_at,
            also=tuple(also),
            others=tuple(sorted(others - told)),
            apart=tuple(sorted(apart - told)),
            parts=tuple(sorted({part[0]: part for end in given for part in end.parts}.values())),
            unnamed=max(end.unnamed for end in given),
            lasts=tuple(sorted((name, through) for name, through in lasts.items() if name not in told)),
            went=tuple(sorted(dict(one for end in given for one in end.went).items())),
        )

    def _or(self, other: "LostEnd | None") -> "LostEnd":
        """Of what is known of one entry what tells more of it."""
        if other is None:
            return self
        best = max(self, other, key=lambda one: (bool(one.known_by), not one.of_tenant))
        return replace(best, tenant=best.tenant or self.tenant or other.tenant, head=best.head or other.head)

    @property
    def each(self) -> "tuple[LostEnd, ...]":
        """Every entry that is lost by it, by their numbers."""
        return (
            *self.also,
            replace(self, also=(), others=(), apart=(), parts=(), unnamed=0, lasts=(), went=()),
        )

    @property
    def made_by(self) -> frozenset[str | None]:
        """In whose chains entries that were made or seen here are gone."""
        return frozenset(one.tenant for one in self.each if one.known_by and not one.of_tenant)

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of all entries that are named as lost by it, in order."""
        return tuple(sorted({one.through for one in self.each} | {through for _, through in self.lasts}))

    @property
    def known(self) -> str:
        """What there was, behind "it was"."""
        if self.known_by:
            return f"known to have entry {self.through:,}{self.known_by}"
        whose = f" of {tenant_name(self.tenant)}" if self.of_tenant and self.tenant is not None else ""
        return f"verified through entry {self.through:,}{whose}"

    @property
    def tenants(self) -> frozenset[str]:
        """Whose entries are gone, as far as that is known."""
        return frozenset(self.others).union(one.tenant for one in self.each if one.tenant is not None)

    @property
    def in_words(self) -> str:
        """What there was and is, for one line."""
        if self.known_by and not self.is_other:
            return self._with_more(f"entry {self.through:,}{self.known_by}, is not there any more")
        return f"{self.known}, and {self.found}"

    @property
    def said(self) -> str:
        """It as a sentence, which is among the notes of a report."""
        return _LOST_END.format(self.known, utc_time(self.at), self.found, self.why)

    @property
    def why(self) -> str:
        """What may have been done, as a sentence without its full stop."""
        if self.is_other:
            return "Another database was put in its place, or made there"
        if (self.known_by or self.of_tenant) and self.ends_at >= self.through:
            return "It was cut out, or another line of entries stands in its place"
        if not self.ends_at:
            return "All of it was taken away, or a state before its first entry was brought back"
        return "An earlier state was brought back, or its end was cut off"

    @property
    def found(self) -> str:
        """What is there of it, behind "verified through entry 9"."""
        if self.is_other:
            return "another database is there now"
        ends = f"ends at entry {self.ends_at:,} now" if self.ends_at else "has no entry now"
        return self._with_more(ends if self.ends_at < self.through else "that entry is not there as it was")

    @property
    def gone_with_it(self) -> list[str]:
        """What else is gone, in words: of the entries that were known the last ones."""
        gone = [(one.through, one.known_by or one._was_last) for one in self.also if one.missed]
        numbers = dict(self.lasts)
        named = [name for name in self.named_others if name in numbers]
        gone += [(numbers[name], f", the last one known of {tenant_name(name)}") for name in named]
        gone.sort(key=lambda one: one[0], reverse=True)
        more = [f"entry {through:,}{known}, is gone, too" for through, known in gone[:_MOST_TOLD]]
        left = len(gone) - len(more) + (self.unnamed if named else 0)
        if left:
            were, are = ("was", "is") if left == 1 else ("were", "are")
            more.append(f"{counted(left, 'entry', 'entries')} more that {were} known {are} gone, too")
        if others := [name for name in self.named_others if name not in numbers]:  # kept by an older program
            count = len(others) + (0 if named else self.unnamed)
            told = some_of(others, 1, count, noun="other tenant", shown=tenant_name)
            more.append(f"the last one known of {told} is gone, too")
        went = dict(self.went)
        again = sorted(self.went_again, key=lambda name: went.get(name, 0), reverse=True)
        for name in again[:_MOST_TOLD]:
            through = f", through entry {went[name]:,}" if name in went else ""
            more.append(f"more of {tenant_name(name)} went since{through}")
        if left := len(again[_MOST_TOLD:]):
            more.append(f"more of {counted(left, 'other tenant')} went since")
        return more

    @property
    def _was_last(self) -> str:
        whose = "" if self.tenant is None else f" of {tenant_name(self.tenant)}"
        return f"{whose}{_VERIFIED_BEFORE}"

    def _with_more(self, what: str) -> str:
        more = self.gone_with_it
        return f"{what} ({'; '.join(more)})" if more else what

    @property
    def went_again(self) -> list[str]:
        """The tenants of whom more went since, where the entry does not tell it."""
        told = None if self.of_tenant else self.tenant
        return [name for name, _, losses in self.parts if losses > 1 and name != told]

    @property
    def named_others(self) -> tuple[str, ...]:
        """Whose else are to be named: where all of it ends before, all behind that are gone, whosever."""
        return self.others if self.ends_at >= self.through else self.apart

    @property
    def gone(self) -> str:
        """Which entries are, as far as numbers tell, in words; empty where they do not."""
        if self.is_other or self.ends_at >= self.through:
            return ""
        count = counted(self.through - self.ends_at, "entry", "entries")
        return f"up to {count} are gone, {self.ends_at + 1:,} to {self.through:,}"

    @property
    def accepted(self) -> str:
        """That somebody has said that it is right."""
        what = ": ".join(filter(None, (self.found, self.gone)))
        return f"Accepted: it was {self.known} before, and {what}."

    @property
    def forgotten(self) -> str:
        """That it no longer counts, as another act has said what does."""
        was = f"It was {self.known} before"
        return f"{was}, and {self.found}: that no longer counts."

    def is_within(self, shown: "LostEnd") -> bool:
        """Whether no more is lost than was `shown`: the same entries, and nothing before where it ended."""
        heads, seen = {self.head, shown.head} - {None}, {part[0]: part[1:] for part in shown.parts}
        is_same = self.through == shown.through and len(heads) < 2 and {*self.others} <= {*shown.others}
        is_same = is_same and self.unnamed <= shown.unnamed
        told = {one.through for one in shown.each}
        is_same = is_same and all(one.through in told for one in self.also if one.missed)
        more = any(
            name in seen and (left < seen[name][0] or losses != seen[name][1])
            for name, left, losses in self.parts
        )
        return is_same and not more and self.ends_at >= shown.ends_at

    def to_json(self) -> dict[str, Any]:
        found = {"verifiedThrough": self.through, "verifiedAt": self.at, "endsAt": self.ends_at}
        more: dict[str, Any] = {"moreTenants": self.unnamed} if self.unnamed else {}
        entries = [(one.through, one.tenant, one.known_by.strip(" ,") or "verified") for one in self.each]
        entries += [(through, name, "verified") for name, through in (*self.lasts, *self.went)]
        more["entries"] = [
            {"seq": through, "tenant": tenant, "known": known}
            for through, tenant, known in sorted(entries, key=lambda one: one[0])
        ]
        return found | {"tenants": sorted(self.tenants)} | more


def tally(errors: int, warnings: int) -> str:
    """ "2 findings", "21 findings, 19 of them warnings", "19 warnings"; empty where there are none."""
    if not errors:
        return counted(warnings, "warning") if warnings else ""
    found = counted(errors + warnings, "finding")
    which = "a warning" if warnings == 1 else "warnings"
    return f"{found}, {warnings:,} of them {which}" if warnings else found


def in_order(findings: Iterable[rules.Finding]) -> tuple[rules.Finding, ...]:
    """Warnings last; each in the order of seq, those that name none behind the others."""
    return tuple(sorted(findings, key=lambda item: (item.is_warning, item.seq is None, item.seq or 0)))


@dataclass(frozen=True, slots=True)
class Report:
    """The outcome for a file, a tenant or a range.

    `findings` are `in_order` and limited in number; `counts` has all of them by code, kept or not.
    `seal` is there when the whole file was scanned for a checkpoint. `archives` is how many archive files
    were read along with the file. `earlier` is the number of the last checkpoint all of which is there, where
    later ones knew more; where it is not exactly as at that one, `later` is the first of those. `notes` are
    sentences about the checkpoints that are no findings; `doubts` are those of them that say which database
    the file is. Where it is `undecided` a person has to say that. `clock` says that a live database's clock
    is another, and is of the `notes`, too.
    `lost_end` is what a verification before this one knew, where nothing else is wrong, `accepted_end` the
    same where somebody has just accepted that. It `lacks_table`
    where entries were known, and no table of that name is there. `holds_alone` says whether nothing is wrong
    but what checkpoints or the counter say; None where no more than a part tells. `forgets` is that a start
    which nothing proves is another than checkpoints knew. `recognised` is the file's. `at` is when its
    entries began to be read, in epoch seconds; 0 where there was nothing to read.
    """

    verdict: rules.Verdict
    entries: int
    seconds: float
    findings: tuple[rules.Finding, ...]
    tenants: tuple[TenantReport, ...]
    counts: Mapping[str, int] = field(default_factory=dict)
    seal: Seal | None = field(default=None, repr=False)
    archives: int = 0
    earlier: int | None = None
    later: int | None = None
    notes: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    clock: str = ""
    undecided: bool = False
    lost_end: LostEnd | None = None
    accepted_end: LostEnd | None = None
    lacks_table: bool = False
    holds_alone: bool | None = None
    forgets: bool = False
    recognised: Recognised = UNKNOWN
    at: int = field(default=0, compare=False)

    def begun(self, now: rules.Now) -> int:
        """When it was read; of what was not, `now`."""
        return self.at or rules.moment(now)

    @property
    def every_tenant(self) -> tuple[TenantReport, ...]:
        """Each in the order of their names, also those of whom findings alone tell, as no entry is left."""
        there = {one.tenant: one for one in self.tenants}
        named = {found.tenant for found in self.findings if found.tenant is not None and found.is_error}
        gone = named - there.keys()
        lost = (TenantReport(name, rules.Verdict.TAMPERED, 0, None, None, None, None, 0) for name in gone)
        return tuple(sorted([*self.tenants, *lost], key=lambda one: one.tenant)) if gone else self.tenants

    @property
    def verdicts(self) -> dict[str, rules.Verdict]:
        """That of every tenant."""
        return {one.tenant: one.verdict for one in self.every_tenant}

    @property
    def intact(self) -> bool:
        """Whether nothing is wrong, every start is proven, and it is known which database this is."""
        return self.verdict in rules.SOUND and not self.undecided

    @property
    def stands(self) -> bool:
        """Whether it is `intact` and has not lost its end: exit code 0 of `tenant-admin verify`."""
        return self.intact and self.lost_end is None

    def with_lost_end(self, lost_end: LostEnd, *more: str) -> "Report":
        """The same with its sentence, and `more` of it, among the notes."""
        return replace(self, lost_end=lost_end, notes=(*self.notes, lost_end.said, *more))

    @property
    def without_lost_end(self) -> "Report":
        """The same where that end is there again."""
        if self.lost_end is None:
            return self
        notes = tuple(note for note in self.notes if note != self.lost_end.said)
        return replace(self, lost_end=None, notes=notes)

    @property
    def ends_before(self) -> bool:
        """Whether nothing contradicts the checkpoints but that all of it ends before what the first of them
        knew: it may be an earlier state that no checkpoint confirms.
        """
        errors = [item for item in self.findings if item.is_error]
        highest = max((tenant.last_seq or 0 for tenant in self.tenants), default=0)
        ends = all(item.code is rules.Code.TRUNCATED and (item.seq or 0) > highest for item in errors)
        counts_on = rules.Code.SEQUENCE_COUNTER in self.counts
        return bool(errors) and ends and len(errors) == self.errors and not counts_on

    @property
    def found(self) -> int:
        """How many findings there are, kept or not."""
        return sum(self.counts.values())

    @property
    def warnings(self) -> int:
        """How many of them are warnings; those that are errors elsewhere are all kept."""
        found = sum(self.counts.get(code, 0) for code in rules.WARNINGS)
        return found + sum(item.warning for item in self.findings)

    @property
    def errors(self) -> int:
        own = sum(self.counts.get(code, 0) for code in rules.VERDICTS_OF_THEIR_OWN)
        return self.found - self.warnings - own

    @property
    def tally(self) -> str:
        """In words, "2 findings"; what is the verdict itself is not counted."""
        return tally(self.errors, self.warnings)

    @property
    def not_covered(self) -> int:
        return sum(tenant.not_covered for tenant in self.tenants)

    @property
    def not_covered_in_words(self) -> str:
        """The same in words; empty where there are none."""
        count = self.not_covered
        if count and count == self.entries:
            return NO_CHECKPOINT
        return f"{counted(count, 'entry', 'entries')} not in a checkpoint yet" if count else ""

    def to_json(self) -> dict[str, Any]:
        """The JSON of `tenant-admin verify --json`, as plain values; `notes`, `lostEnd` and `acceptedEnd` if
        any.
        """
        ends = {"lostEnd": self.lost_end, "acceptedEnd": self.accepted_end}
        more = {name: end.to_json() for name, end in ends.items() if end is not None}
        return (
            {
                "verdict": str(self.verdict),
                "undecided": self.undecided,
                "entries": self.entries,
                "seconds": round(self.seconds, 3),
                "findings": [finding.to_json() for finding in self.findings],
                "tenants": [tenant.to_json() for tenant in self.every_tenant],
            }
            | ({"notes": list(self.notes)} if self.notes else {})
            | more
        )
