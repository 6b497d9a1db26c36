"""Whether a file is an earlier state of what checkpoints know: exactly as one knew it, or between two.

Nothing contradicts then, and nothing vouches for it: it is signed, pruned and taken for sound by nobody.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise, takewhile
from typing import NamedTuple, Protocol

from app.services.chain.checkpoint import Checkpoint, CheckpointHistory, SealedChain
from app.services.chain.rules import CLOCK_TOLERANCE, LOWEST_SEQ, Code, Finding, seconds
from app.services.chain.verify.comparison import (
    Comparison,
    came_from_others,
    denials,
    known_through,
    unknown_to,
)
from app.services.chain.verify.join import Chain, Joined, digest_between
from app.services.text import counted, tenant_name, utc_time


class Earlier(NamedTuple):
    """An earlier state of the file: the last checkpoint all of which is there. Where the file is not exactly
    as that knew it, it ends at the entry `ends_at`, or some of its tenants do before, and the `later` ones
    knew more.
    """

    known: Checkpoint
    later: Sequence[Checkpoint] = ()
    ends_at: int = 0


class Lookups(Protocol):
    """What is looked up in the file beside a scan."""

    def is_end(self, known: Checkpoint) -> bool:
        """Whether all of the file ends as a checkpoint knew it, for all that its last entries tell."""

    def are_there(self, entries: Sequence[tuple[str, int, str]]) -> bool:
        """Whether these are, each by its tenant, its number and its hash."""

    def entries_from(self, tenant: str, seq: int) -> int:
        """How many it has from this number on."""

    def newest_behind(self, seqs: Mapping[str, int | None]) -> Mapping[str, int]:
        """Of each tenant the latest time behind this entry (None: of all), in seconds; none without one."""

    def lasts(self, tenants: Sequence[str]) -> Mapping[str, int]:
        """The number of the last entry of each of these that has one."""

    def is_any_between(self, after: int, through: int) -> bool:
        """Whether anybody has an entry with `after < seq <= through`."""


def earlier_state(
    joined: Joined, history: CheckpointHistory, tenant: str | None, highest: int | None, beside: Lookups
) -> Earlier | None:
    """Which one the whole file is, with a finding that says so; None where anything else was found.

    `tenant` is the one whose chain alone was scanned: whether the others are in that state, too, is looked
    up. `highest` is the file's last entry, None where that is not known.
    """
    if history.latest is None or not joined.complete or joined.counted_errors():
        return None
    if (found := _exactly(joined, history, tenant, beside)) is not None:
        joined.add(_is_exactly_earlier(found.known, history.latest, tenant))
    elif (found := _between(joined, history, tenant, highest, beside)) is not None:
        joined.add(_is_between(joined, history, found, tenant))
    return found


def not_covered(joined: Joined, history: CheckpointHistory, chain: Chain, earlier: Earlier | None) -> int:
    """How many of the tenant's rows no checkpoint covers."""
    if earlier is None:
        return unknown_to(joined, [history.proving] if history.proving else [], chain)
    if not earlier.later:
        return 0 if chain.tenant in earlier.known.tenants else chain.entries
    trusted = [*filter(history.trusts, history.checkpoints)]
    return unknown_to(joined, trusted, chain, chain.last_seq)


def is_as_latest(history: CheckpointHistory, chain: Chain) -> bool:
    """Whether the latest checkpoint knows no more of the tenant than is there."""
    sealed = None if history.latest is None else history.latest.tenants.get(chain.tenant)
    return sealed is not None and _ends_alike(chain, sealed)


def _exactly(
    joined: Joined, history: CheckpointHistory, tenant: str | None, beside: Lookups
) -> Earlier | None:
    """The newest checkpoint before the latest that knew exactly these rows."""
    if history.latest is None or _is_exactly(joined, history.latest, tenant):
        return None
    exactly = (known for known in history.older if _is_exactly(joined, known, tenant))
    found = next((known for known in exactly if tenant is None or beside.is_end(known)), None)
    return None if found is None else Earlier(found)


def _is_exactly(joined: Joined, known: Checkpoint, tenant: str | None) -> bool:
    tenants = {name: sealed for name, sealed in known.tenants.items() if tenant in (None, name)}
    if tenants.keys() != joined.chains.keys():
        return False
    return all(_ends_alike(joined.chains[name], sealed) for name, sealed in tenants.items()) and all(
        digest_between(joined.states.get(name, ()), known.after, known.through) == sealed.digest
        for name, sealed in tenants.items()
    )


def _ends_alike(chain: Chain, sealed: SealedChain) -> bool:
    same = "first_seq", "last_seq", "entries", "head"
    return all(getattr(chain, name) == getattr(sealed, name) for name in same)


def _between(
    joined: Joined, history: CheckpointHistory, tenant: str | None, highest: int | None, beside: Lookups
) -> Earlier | None:
    """A state between two: all that the checkpoints before knew is there, as where they were all that is
    known, and those after deny only that it goes on. Of each voice, as none speaks for another, but for
    what it goes on from.
    """
    own = {name: chain.last_seq for name, chain in joined.chains.items()}
    end = (highest or 0) if tenant is not None else max(own.values(), default=0)
    apart = {known for voice in history.voices for known in _numbered_apart(voice)}
    ends = _Ends(end, own, apart)
    if not any(ends.are_before(item, tenant) for item in history.checkpoints):
        return None
    if tenant is not None and apart:
        others = sorted({name for _, name in apart} - {tenant})
        ends = replace(ends, own=own | {**beside.lasts(others)})
    later: list[Checkpoint] = []
    for voice in history.voices:
        knew_more = [*takewhile(ends.are_before, reversed(voice))]
        # Its first one names by its hash what was signed before, whoever has signed that.
        signed = history.checkpoints[: history.checkpoints.index(voice[0])]
        known = voice[: -len(knew_more)] or [item for item in signed if not ends.are_before(item)]
        if knew_more and not any(item.tenants for item in known[-1:]):
            return None
        later += knew_more
    if not any(ends.are_before(item, tenant) for item in later):
        return None
    numbers = {item.number for item in later}
    before = tuple(item for item in history.checkpoints if item.number not in numbers)
    held = replace(history, checkpoints=before)
    as_of = _AsOf(joined, before, ends, tenant, beside)
    if (
        any(item.is_error for item in denials(joined, held, tenant))
        or any(came_from_others(joined, voice, alone=tenant is not None) for voice in history.voices)
        or any(map(as_of.is_contradicted, later))
        or as_of.is_newer_than(later)
        or (tenant is not None and not beside.are_there(_of_others([*held.latests, *later], ends, tenant)))
    ):
        return None
    told = sorted([*filter(history.trusts, later)] or later, key=lambda item: item.number)
    return Earlier(held.proving or before[-1], told, ends.end)


@dataclass(frozen=True, slots=True)
class _Ends:
    """Where what is there ends: at the entry `end`, and each tenant at its `own` last one, which counts as
    far as its entries are numbered `apart`.
    """

    end: int
    own: Mapping[str, int]
    apart: Collection[tuple[int, str]]

    def is_own(self, known: Checkpoint, name: str) -> bool:
        """Whether the tenant's own end is the one that counts for what the checkpoint knew of it."""
        return (known.number, name) in self.apart and known.tenants[name].last_seq <= self.end

    def of(self, known: Checkpoint, name: str) -> int:
        return self.own.get(name, LOWEST_SEQ) if self.is_own(known, name) else self.end

    def are_before(self, known: Checkpoint, tenant: str | None = None) -> bool:
        """Whether the checkpoint knew an entry behind them; of the tenant, where one is given."""
        if tenant is None and not known.tenants:
            return known.last_seq > self.end
        names = [name for name in known.tenants if tenant in (None, name)]
        return any(known.tenants[name].last_seq > self.of(known, name) for name in names)


def _numbered_apart(voice: Sequence[Checkpoint]) -> set[tuple[int, str]]:
    """The numbers of checkpoints that show, each with the tenant, that its last entries are numbered by
    themselves: all that came since the one before follow on one another, below what somebody had by then.

    An entry that got the table's next number is not among those, whoever may have written others there.
    """
    found = set[tuple[int, str]]()
    for before, item in pairwise(voice):
        highest = max((sealed.last_seq for sealed in before.tenants.values()), default=LOWEST_SEQ)
        for name, sealed in item.tenants.items():
            was = before.tenants.get(name)
            numbers, entries = sealed.last_seq - sealed.first_seq + 1, sealed.entries
            if was is not None and was.first_seq == sealed.first_seq:
                numbers, entries = sealed.last_seq - was.last_seq, entries - was.entries
            if was is not None and was.last_seq >= sealed.last_seq:
                is_apart = was.last_seq == sealed.last_seq and (before.number, name) in found
            else:
                is_apart = sealed.last_seq < highest and entries == numbers
            if is_apart:
                found.add((item.number, name))
    return found


def _of_others(checkpoints: Sequence[Checkpoint], ends: _Ends, tenant: str) -> list[tuple[str, int, str]]:
    """What these knew of other tenants up to the end, their last entries or their first, and knew none of to
    have been removed since.
    """
    found, pruned = set(), dict[str, int]()
    for known in checkpoints:
        for name, sealed in known.tenants.items():
            pruned[name] = max(sealed.pruned_through, pruned.get(name, 0))
            end = ends.of(known, name)
            if name != tenant and sealed.last_seq <= end:
                found.add((name, sealed.last_seq, sealed.head))
            elif name != tenant and sealed.first_seq <= end:
                found.add((name, sealed.first_seq, sealed.first_hash))
    return sorted(entry for entry in found if entry[1] > pruned[entry[0]])


@dataclass(frozen=True, slots=True)
class _AsOf:
    """What was scanned as the state that ends there, with what the checkpoints `before` knew."""

    joined: Joined
    before: Sequence[Checkpoint]
    ends: _Ends
    tenant: str | None
    beside: Lookups

    def is_contradicted(self, later: Checkpoint) -> bool:
        """Whether it has what a later checkpoint saw otherwise, or lacks what that saw up to there.

        Of what came since those before it tells which tenants had any of it, first and last entries, and how
        many there were: what is gone had numbers behind the end, each tenant's up to its last. Those that a
        tenant has by itself are all gone from its own end on, and nobody else has one of them.
        """
        if any(
            not any(name in item.tenants for item in (*self.before, later)) for name in self.joined.chains
        ):
            return True
        behind: list[tuple[int, int]] = []
        for name, sealed in later.tenants.items():
            gone, end = self._gone(later, name, sealed), self.ends.of(later, name)
            if gone is None:
                return True
            if self.ends.is_own(later, name):
                if gone and self._is_otherwise(name, sealed, gone, max(end, sealed.first_seq - 1)):
                    return True
            elif sealed.first_seq > end:
                behind += (sealed.first_seq, 1), (sealed.last_seq, gone - 1)
            elif gone:
                behind.append((sealed.last_seq, gone))
        behind.sort()
        until = accumulate(gone for _, gone in behind)
        return any(gone > seq - self.ends.end for (seq, _), gone in zip(behind, until, strict=True))

    def is_newer_than(self, later: Sequence[Checkpoint]) -> bool:
        """Whether what those before did not know was made, by its time, after one of these, which did not
        know it either; or after another tenant's entry that is gone, whose number does not say when it came.
        """
        chains = self.joined.chains
        through = {name: known_through(self.joined, self.before, chain) for name, chain in chains.items()}
        for name in self.ends.own.keys() - chains.keys():
            knew = (item.tenants[name].last_seq for item in self.before if name in item.tenants)
            through[name] = max(knew, default=None)
        newest = self.beside.newest_behind(through)
        return any(
            (at > _until(item) and name in chains and self._goes_on(item, name))
            or any(at > first + _ahead(item) for first in self._gone_at(item, name))
            for item in later
            for name, at in newest.items()
        )

    def _goes_on(self, later: Checkpoint, name: str) -> bool:
        """Whether it did not know all that is there of the tenant, for all that its last entry tells."""
        return name not in later.tenants or later.tenants[name].last_seq > self.ends.of(later, name)

    def _gone_at(self, later: Checkpoint, name: str) -> list[int]:
        """When, in seconds, entries were made that are gone from other tenants' own ends on."""
        gone = [
            sealed.head_at if sealed.first_seq <= self.ends.of(later, other) else sealed.first_at
            for other, sealed in later.tenants.items()
            if other != name and self.ends.is_own(later, other) and self._goes_on(later, other)
        ]
        return [seconds(at) for at in gone if at is not None]

    def _is_otherwise(self, name: str, sealed: SealedChain, gone: int, after: int) -> bool:
        """Whether not just the tenant's own numbers behind that one are gone."""
        is_counted = self.tenant in (None, name)
        if is_counted and gone != sealed.last_seq - after:
            return True
        return self.beside.is_any_between(after, sealed.last_seq)

    def _gone(self, later: Checkpoint, name: str, sealed: SealedChain) -> int | None:
        """How many of a tenant's entries are gone behind the end, of another than was scanned at least; None
        where anything is otherwise. What was removed since is still there.
        """
        chain, end = self.joined.chains.get(name), self.ends.of(later, name)
        if sealed.first_seq > end:
            return sealed.entries if chain is None or sealed.pruned_through >= chain.last_seq else None
        if self.tenant not in (None, name):
            return int(sealed.last_seq > end)
        if chain is None or not chain.first_seq <= sealed.first_seq <= chain.last_seq:
            return None
        if chain.marker is not None and chain.marker.to_seq > sealed.pruned_through:
            return None
        begins_alike, entries = chain.first_seq == sealed.first_seq, chain.entries
        if not begins_alike:
            entries = self.beside.entries_from(name, sealed.first_seq)
            if not self.beside.are_there([(name, sealed.first_seq, sealed.first_hash)]):
                return None
        elif chain.first_hash != sealed.first_hash:
            return None
        if sealed.last_seq > end:
            gone = sealed.entries - entries
            return gone if gone > 0 else None
        compared = Comparison(self.joined, chain, sealed, later, None, ())
        goes_on = chain.last_seq > sealed.last_seq  # with a number that it saw without the entry
        is_other = goes_on or compared.of_last_row() or (begins_alike and compared.of_digest())
        return None if is_other else 0


def _until(known: Checkpoint) -> int:
    """Behind which time it can have known nothing."""
    return known.at + _ahead(known)


def _ahead(known: Checkpoint) -> int:
    """How many seconds a writer's clock may be ahead of another: as far as any, or as it knew itself."""
    written = (seconds(sealed.head_at) for sealed in known.tenants.values() if sealed.head_at is not None)
    return max([CLOCK_TOLERANCE, *(at - known.at for at in written)])


def _is_exactly_earlier(earlier: Checkpoint, latest: Checkpoint, tenant: str | None) -> Finding:
    """`tenant` is the one whose chain alone was scanned: nothing is said of the entries of others."""
    what, more = "The database", max(0, latest.rows_ever - earlier.rows_ever)
    if tenant is not None:
        then, now = (known.tenants.get(tenant) for known in (earlier, latest))
        what = f"The chain of {tenant_name(tenant)}"
        more = max(0, (now.entries if now else 0) - (then.entries if then else 0))
    knew = counted(more, "more entry", "more entries") if more else "other entries"
    knew = knew if latest.tenants else "no entry any more"
    same = earlier.database == latest.database
    whose, others = ("", "later ones") if same else (" of a copy of it", "its own")
    sentence = (
        f"{what} is exactly as checkpoint {earlier.number}{whose} knew it on {utc_time(earlier.at)}; "
        f"{others}, up to checkpoint {latest.number}, knew {knew}."
    )
    expected, found = (f"as of checkpoint {known.number}" for known in (latest, earlier))
    return Finding(Code.EARLIER, tenant, None, expected, found, sentence)


def _is_between(joined: Joined, history: CheckpointHistory, earlier: Earlier, tenant: str | None) -> Finding:
    """The same of a state between two."""
    known, later, latest = earlier.known, earlier.later[0], earlier.later[-1]
    chains, what, ends = joined.chains.values(), "The database", f"ends at entry {earlier.ends_at:,}"
    if tenant is None:
        then = known.rows_ever + sum(unknown_to(joined, [known], chain, chain.last_seq) for chain in chains)
        more = latest.rows_ever - then
    else:
        what = f"The chain of {tenant_name(tenant)}"
        ends = f"ends at entry {joined.chains[tenant].last_seq:,}" if chains else "has no entry"
        more = latest.tenants[tenant].entries - joined.entries if tenant in latest.tenants else 0
    knew = counted(more, "more entry", "more entries") if more > 0 else "other entries"
    who = f"Checkpoint {latest.number}"
    who = who if later is latest else f"Later ones, up to checkpoint {latest.number},"
    new = sum(unknown_to(joined, history.checkpoints, chain, chain.last_seq) for chain in chains)
    unknown = f"; no checkpoint knows {new:,} of those that are there" if new else ""
    sentence = (
        f"{what} {ends}, between checkpoint {known.number} of {utc_time(known.at)} and checkpoint "
        f"{later.number} of {utc_time(later.at)}: an earlier state was brought back, or its end was cut off. "
        f"{who} knew {knew}{unknown}."
    )
    expected, found = f"as of checkpoint {latest.number}", f"after checkpoint {known.number}"
    return Finding(Code.EARLIER, tenant, None, expected, found, sentence)
