"""What checkpoints know of a file, held against what the scan found (chain/README.md, Checkpoints).

Everything here has been authenticated before: `chain.checkpoints` checks signatures and order, and hands
over what holds, with a finding for what does not. What follows from a finding already made is none again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from app.services.chain.checkpoint import Checkpoint, CheckpointHistory, SealedChain
from app.services.chain.entry import Entry
from app.services.chain.rules import (
    ANOTHER,
    GENESIS,
    HIGHEST_SEQ,
    SAY_SO,
    Code,
    Finding,
    Marker,
    Other,
    anchor,
    denied,
    not_believed,
    seconds,
)
from app.services.chain.verify.join import Chain, ChainState, Joined, digest_between
from app.services.chain.verify.report import Extent
from app.services.text import counted, tenant_name

_Denial = tuple[object, object, str]
"""What a checkpoint expected of a marker, what the marker says, and that in words."""


def denials(joined: Joined, history: CheckpointHistory, tenant: str | None) -> list[Finding]:
    """What contradicts the checkpoints; at most the first one that fails is named per tenant, and that of one
    alone, where its chain alone was scanned. Warnings come behind.
    """
    first_wrong = joined.first_errors()
    moved: dict[str, Finding] = {}
    for voice in history.voices:
        moved = came_from_others(joined, voice, alone=tenant is not None) | moved
    found_wrong, failed = [*moved.values()], set(moved)
    starts, baseline, latests = _starts(history), history.baseline, history.latests
    for position, known in enumerate(history.checkpoints):
        current = position >= baseline  # those before it only know what markers say was removed since
        for name, sealed in known.tenants.items():
            if name in failed or (tenant is not None and name != tenant):
                continue
            chain, found = joined.chains.get(name), None
            if chain is not None:
                compared = Comparison(joined, chain, sealed, known, first_wrong.get(name), starts[name])
                newest = any(end.tenants.get(name, sealed) is sealed for end in latests)
                found = compared.of_markers()
                if current:
                    found = found or compared.of_rows(newest, exported=history.keys is not None)
            elif current and not joined.gap_between(sealed.first_seq - 1, sealed.last_seq):
                found = _missing(name, sealed, known)
            if found is not None:
                failed.add(name)
                found_wrong.append(found)
    for voice in history.voices:
        numbered = _numbering(joined, voice, failed)
        failed.update(numbered)
        found_wrong += numbered.values()
    return found_wrong


def compare_within(
    joined: Joined,
    history: CheckpointHistory,
    extent: Extent,
    begin: Callable[[Sequence[str], bool], Mapping[str, Entry]],
    left: Callable[[Sequence[str]], Mapping[str, tuple[list[Marker], bool]]],
) -> dict[str, int]:
    """Adds what is wrong with the checkpoints, and of each tenant the first of all whose last entry lies in a
    range and is another now, or is gone from behind others of the tenant: what is removed for its age goes
    from the front, of which markers tell what checkpoints bear out.

    Returns by tenant the last entry of the range that one signed with a known key knew as the last, and that
    is as it was: it covers what of the range lies before.

    `begin(tenants, past_indexes)` looks up the first entries that the file has of them, `left(tenants)` the
    markers of those that are believed, and whether there is nothing else. A chain that begins
    at genesis otherwise than any checkpoint knew it, after what was known say, may be a new one, and a file
    that ends before it an earlier state: only the whole of it tells, so of the one the start is unproven.
    """
    joined.add(*history.findings)
    newest = {name: known for known in history.checkpoints for name in known.tenants}
    baseline = history.baseline
    held = [
        (known, name)
        for position, known in enumerate(history.checkpoints)
        for name, sealed in known.tenants.items()
        if extent.first <= sealed.last_seq <= extent.asked_through
        and extent.tenant in (None, name)
        and (position >= baseline or _tells(joined, name, sealed, newest[name].tenants[name]))
    ]
    there = newest.keys() & joined.chains.keys()
    firsts = begin(sorted(there.union(name for _, name in held)), bool(held))
    gone = {
        name for known, name in held if name in firsts and firsts[name].seq > known.tenants[name].last_seq
    }
    remains = left(sorted(gone))
    first_wrong, starts = joined.first_errors(), _starts(history)
    failed: set[str] = set()
    for known, name in held:
        sealed, first, chain = known.tenants[name], firsts.get(name), joined.chains.get(name)
        if name in failed or joined.gap_between(sealed.first_seq - 1, sealed.last_seq):
            continue
        found: Finding | None
        if first is not None and first.seq > sealed.last_seq:
            whole = _as_left(first, *remains[name])
            whole.doubted = 0 if chain is None else chain.doubted
            compared = Comparison(joined, whole, sealed, known, first_wrong.get(name), starts[name])
            found = compared.of_all_gone(newest[name], exported=history.keys is not None)
            if found is None and chain is None and not _is_proven(whole, history):
                found = _unproven(first, name, known)  # which is no chain of the range, that said so
        elif first is not None and _begins_behind(first, chain, known, sealed):
            found = _begun_since(first, name, known)
        elif extent.highest is not None and extent.highest < sealed.last_seq:
            found = _range_ends_before(name, sealed, known)
        elif first is None:
            found = _missing(name, sealed, known)
        elif chain is None or chain.first_seq > sealed.last_seq:
            found = _is_gone(name, sealed, known)
        else:
            compared = Comparison(joined, chain, sealed, known, first_wrong.get(name), ())
            found = compared.of_last_row(cut_off=False)
        if found is not None:
            failed.add(name)
            joined.add(found)
    begun = {
        (name, sealed.first_seq, sealed.first_hash)
        for known in history.checkpoints
        for name, sealed in known.tenants.items()
    }
    for name in sorted((there | gone) & firsts.keys() - failed):
        first = firsts[name]
        is_known = (name, first.seq, first.text("hash")) in begun
        if first.text("previous_hash") == GENESIS and not is_known:
            joined.add(_begun_otherwise(first, name, newest[name]))
    trusted = (known for known in history.checkpoints if history.trusts(known))
    return {
        name: sealed.last_seq  # of the last of them that counts
        for known in trusted
        for name, sealed in known.tenants.items()
        if extent.first <= sealed.last_seq <= extent.asked_through
        and name not in failed
        and _is_there(joined, name, sealed)
    }


def _tells(joined: Joined, name: str, sealed: SealedChain, newest: SealedChain) -> bool:
    """Whether the last entry that one before the latest that covers everything knew is not there as it was,
    though the newest began no later: that costs a look at how the chain begins.
    """
    return newest.first_seq <= sealed.last_seq and not _is_there(joined, name, sealed)


def _is_there(joined: Joined, name: str, sealed: SealedChain) -> bool:
    """Whether the last entry that a checkpoint knew was met as it was."""
    state = joined.state_at(name, sealed.last_seq)
    return state is not None and (state.last_seq, state.head) == (sealed.last_seq, sealed.head)


def _as_left(first: Entry, markers: list[Marker], alone: bool) -> Chain:
    """A chain as far as its beginning and its markers tell: of other entries one stands for all."""
    hashed, previous = first.text("hash"), first.text("previous_hash")
    entries = len(markers) + (not alone)
    start = first.seq, previous, hashed, None, True
    return Chain(first.tenant, hashed, None, first.seq, entries, *start, 0, 0, False, False, markers)


def _range_ends_before(name: str, sealed: SealedChain, known: Checkpoint) -> Finding:
    sentence = (
        f"The file ends before entry {sealed.last_seq:,} of {tenant_name(name)}, which checkpoint "
        f"{known.number} knew: it is an earlier state, or its end was cut off. Verify all of it."
    )
    return Finding(Code.EARLIER, name, sealed.last_seq, sealed.head, None, sentence)


def _is_gone(name: str, sealed: SealedChain, known: Checkpoint) -> Finding:
    sentence = (
        f"Entry {sealed.last_seq:,}, the last one that the checkpoint knew, is gone. "
        f"(Checkpoint {known.number}, {tenant_name(name)}.)"
    )
    return Finding(Code.TRUNCATED, name, sealed.last_seq, sealed.head, None, sentence)


def _begins_behind(first: Entry, chain: Chain | None, known: Checkpoint, sealed: SealedChain) -> bool:
    """Whether a chain whose first entry this is, and no known one, begins at genesis, by its own time after
    the checkpoint, as do those of its entries that were read.
    """
    if first.text("previous_hash") != GENESIS or first.text("hash") == sealed.first_hash:
        return False
    return known.is_before(first.created_at) and (chain is None or known.is_before(chain.first_at))


def _is_proven(chain: Chain, history: CheckpointHistory) -> bool:
    accepted = history.adopted.get(chain.tenant)
    return anchor(chain.first_seq, chain.first_previous, chain.marker, accepted) is not None


def _unproven(first: Entry, name: str, known: Checkpoint) -> Finding:
    sentence = (
        f"The chain of {tenant_name(name)} begins with entry {first.seq:,}, behind all that checkpoint "
        f"{known.number} knew of it, and nothing in the file proves what came before."
    )
    return Finding(Code.UNPROVEN_START, name, first.seq, None, None, sentence)


def _begun_otherwise(first: Entry, name: str, known: Checkpoint) -> Finding:
    sentence = (
        f"The chain of {tenant_name(name)} begins with entry {first.seq:,}, and checkpoint {known.number} "
        "knew another beginning; whether it may, only a verification of all of it tells."
    )
    return Finding(Code.UNPROVEN_START, name, first.seq, None, None, sentence)


def _begun_since(first: Entry, name: str, known: Checkpoint) -> Finding:
    sentence = (
        f"The chain of {tenant_name(name)} begins with entry {first.seq:,}, by its time after what "
        f"checkpoint {known.number} knew of it; whether it may, only a verification of all of it tells."
    )
    return Finding(Code.UNPROVEN_START, name, first.seq, None, None, sentence)


def unknown_to(
    joined: Joined, checkpoints: Sequence[Checkpoint], chain: Chain, ends_at: int = HIGHEST_SEQ
) -> int:
    """How many of the tenant's rows none of these checkpoints knew, by what they knew up to an end."""
    through = known_through(joined, checkpoints, chain, ends_at)
    return chain.entries - (0 if through is None else joined.entries_until(chain.tenant, through))


def known_through(
    joined: Joined, checkpoints: Sequence[Checkpoint], chain: Chain, ends_at: int = HIGHEST_SEQ
) -> int | None:
    """The last of the tenant's rows that one of them knew, up to that end; None where none knew any."""
    name = chain.tenant
    knew = [item for item in checkpoints if name in item.tenants and item.tenants[name].last_seq <= ends_at]
    latest = max(knew, key=lambda item: item.tenants[name].last_seq, default=None)
    if latest is None or came_after(joined, chain, latest):
        return None
    return latest.tenants[name].last_seq


def backed(joined: Joined, history: CheckpointHistory, chain: Chain) -> bool:
    """Whether the latest trusted checkpoint proves it: its last row is there, or was pruned as last."""
    known = history.proving
    if known is None or chain.tenant not in known.tenants:
        return False
    pruned_through = None if chain.marker is None else chain.marker.to_seq
    return not came_after(joined, chain, known) or pruned_through == known.tenants[chain.tenant].last_seq


def came_after(joined: Joined, chain: Chain, known: Checkpoint) -> bool:
    """Whether all of the chain came after what the checkpoint knew of it, of which nothing is left then.

    Its numbers say so, or its times: the platform's gateway begins at 1 again where everything was removed.
    """
    sealed = known.tenants[chain.tenant]
    if chain.first_seq > sealed.last_seq:
        return True
    state = joined.state_at(chain.tenant, sealed.last_seq)
    if chain.first_hash == sealed.first_hash or (state is not None and state.head == sealed.head):
        return False
    return known.is_before(chain.first_at)


def _starts(history: CheckpointHistory) -> dict[str, set[int]]:
    """The first numbers that were ever known of each tenant, by a checkpoint or as accepted by a person."""
    found: dict[str, set[int]] = {}
    for known in history.checkpoints:
        for name, sealed in known.tenants.items():
            found.setdefault(name, set()).add(sealed.first_seq)
    for name in found.keys() & history.adopted.keys():
        found[name].add(history.adopted[name][0])
    return found


def _missing(tenant: str, sealed: SealedChain, known: Checkpoint) -> Finding:
    sentence = (
        f"No entry of {tenant_name(tenant)} is left of the {sealed.entries:,} that checkpoint {known.number} "
        "had seen; nothing that is known here says by whom: the platform's own cleanup, a retention run "
        "elsewhere, or somebody else; or this is an older state of it. Where you know that it was right, "
        f"import the checkpoints made since, or {SAY_SO}."
    )
    return Finding(Code.TRUNCATED, tenant, sealed.last_seq, sealed.head, None, sentence)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One tenant's chain against what one checkpoint knows of it, through the last seq that it knew.

    `wrong` is the lowest seq of the chain with an error of its own, None if there is none; `starts` are the
    numbers that it was known to start with.
    """

    joined: Joined
    chain: Chain
    sealed: SealedChain
    known: Checkpoint
    wrong: int | None
    starts: Collection[int]

    @property
    def _explained(self) -> bool:
        return self.wrong is not None and self.wrong <= self.sealed.last_seq

    @property
    def _pruned(self) -> int:
        """The last seq of what a marker that proves the start says was removed; 0 where none does."""
        proof = anchor(self.chain.first_seq, self.chain.first_previous, self.chain.marker)
        return 0 if proof is None else proof.through

    @property
    def _all_told(self) -> bool:
        """Whether markers tell of just the entries that were known, from the first to the last."""
        sealed = self.sealed
        told = [item for item in self.chain.markers if sealed.first_seq <= item.from_seq <= sealed.last_seq]
        return (
            sum(item.entries for item in told) == sealed.entries
            and told[0].from_seq == sealed.first_seq
            and (told[-1].to_seq, told[-1].last_hash) == (sealed.last_seq, sealed.head)
        )

    @property
    def _unread(self) -> bool:
        """Whether entries that seem to be gone may be among those that could not be read."""
        return self.joined.gap_between(self.sealed.first_seq - 1, self.sealed.last_seq)

    @property
    def _state(self) -> ChainState | None:
        return self.joined.state_at(self.chain.tenant, self.sealed.last_seq)

    def of_rows(self, newest: bool, *, exported: bool) -> Finding | None:
        """`newest` says that this is the latest that knows the tenant: its markers alone may not deny it.

        An export may be older than what was appended and pruned since.
        """
        chain, sealed = self.chain, self.sealed
        behind = chain.first_seq > sealed.last_seq
        behind = behind or (self.wrong is None and came_after(self.joined, chain, self.known))
        if behind and not newest:
            return None  # the later ones say it
        alone = chain.entries == len(chain.markers) + chain.doubted
        if behind and (alone or chain.at_genesis or (self._pruned and not exported)):
            return None if self._all_told or chain.doubted else _missing(chain.tenant, sealed, self.known)
        if self._pruned and sealed.last_seq <= self._pruned:
            return None  # what a marker says of entries appended after the checkpoint, nothing here confirms
        if behind and not chain.at_genesis and not self._pruned:
            return None  # all that it knew went with the unproven start, which is its own finding
        return self._of_ends() or self.of_digest()

    def of_all_gone(self, newest: Checkpoint, *, exported: bool) -> Finding | None:
        """Of a chain that begins behind all that was known: what `newest`, the last to know it, confirms."""
        chain, last = self.chain, newest.tenants[self.chain.tenant]
        if chain.at_genesis:
            return None  # which may be a new one
        for marker in chain.markers:
            if marker.seq <= last.last_seq and marker.to_seq >= last.first_seq:
                why = f"checkpoint {newest.number} knew entry {last.first_seq:,} later"
                return not_believed(chain.tenant, marker.seq, why, actual=str(marker.to_seq))
        return self.of_markers() or self.of_rows(newest is self.known, exported=exported)

    def _find(self, code: Code, expected: object, actual: object, sentence: str) -> Finding:
        tenant = self.chain.tenant
        message = f"{sentence} (Checkpoint {self.known.number}, {tenant_name(tenant)}.)"
        shown = None if actual is None else str(actual)
        return Finding(code, tenant, self.sealed.last_seq, str(expected), shown, message)

    def _of_ends(self) -> Finding | None:
        """Last row and number of rows, where something is gone, too much, or another."""
        chain, sealed, state = self.chain, self.sealed, self._state
        entries = 0 if state is None else state.entries
        same_start = chain.first_seq == sealed.first_seq
        begun_again = chain.first_seq > sealed.first_seq and chain.at_genesis
        fewer = entries < sealed.entries and ((same_start and not self._unread) or begun_again)
        found = self.of_last_row()
        if found is not None and (found.code is Code.TRUNCATED or not fewer):
            return found
        if fewer:  # from which follows that the head is another
            sentence = (
                f"The checkpoint knew {sealed.entries:,} entries up to entry {sealed.last_seq:,}, and "
                f"{entries:,} have such a number now."
            )
            return self._find(Code.TRUNCATED, sealed.entries, entries, sentence)
        if self._explained and not begun_again:
            return None
        if begun_again or chain.first_seq < sealed.first_seq:
            sentence = (
                f"The chain began with entry {sealed.first_seq:,}, and begins with {chain.first_seq:,} now."
            )
            return self._find(Code.CHECKPOINT, sealed.first_seq, chain.first_seq, sentence)
        if same_start and entries > sealed.entries:
            sentence = f"The checkpoint knew {sealed.entries:,} entries, and there are {entries:,} now."
            return self._find(Code.CHECKPOINT, sealed.entries, entries, sentence)
        return None

    def of_last_row(self, *, cut_off: bool = True) -> Finding | None:
        """`cut_off` says that the chain ends where the scan's last row of it is."""
        joined, sealed, state = self.joined, self.sealed, self._state
        last = sealed.last_seq
        if state is None or state.last_seq < last:
            actual, seen = (None, sealed.first_seq - 1) if state is None else (state.head, state.last_seq)
            sentence = f"Entry {last:,}, the last one that the checkpoint knew, is gone."
            if cut_off and self.chain.last_seq < last:
                sentence = f"{sentence[:-1]}: the end was cut off, or this is an older state of it."
            gone = not joined.gap_between(seen, last)
            return self._find(Code.TRUNCATED, sealed.head, actual, sentence) if gone else None
        if state.head == sealed.head or joined.is_wrong(self.chain.tenant, last):
            return None
        sentence = f"Entry {last:,} is not the one that the checkpoint knew: the chain was rewritten."
        return self._find(Code.CHECKPOINT, sealed.head, state.head, sentence)

    def of_digest(self) -> Finding | None:
        chain, sealed, after = self.chain, self.sealed, self.known.after
        covered = chain.first_seq == sealed.first_seq or chain.first_seq <= after + 1
        if self._explained or not covered or self.joined.gap_between(after, sealed.last_seq):
            return None  # or a start that nothing proves lies inside of what the digest covers
        digest = digest_between(self.joined.states.get(chain.tenant, ()), after, sealed.last_seq)
        if digest == sealed.digest:
            return None
        sentence = (
            "The hashes are those that the checkpoint knew, but a number, a type or a boundary was changed."
        )
        return self._find(Code.CHECKPOINT, sealed.digest, digest, sentence)

    def of_markers(self) -> Finding | None:
        """A prune marker that says otherwise than the checkpoint that knew the rows."""
        first, last = self.sealed.first_seq, self.sealed.last_seq
        concerned = [item for item in self.chain.markers if item.from_seq <= last and item.to_seq >= first]
        for marker in concerned:
            found = self._denied(marker)
            if marker is concerned[0]:
                found = found or self._unaccounted(marker)
            if marker is concerned[-1]:
                found = found or self._miscounted(concerned)
            if found is not None:
                expected, actual, why = str(found[0]), str(found[1]), found[2]
                why = f"as checkpoint {self.known.number} knew it, {why}"
                return not_believed(self.chain.tenant, marker.seq, why, expected=expected, actual=actual)
        return None

    def _denied(self, marker: Marker) -> _Denial | None:
        """Whether a marker that tells of entries that were known is wrong about the first or last."""
        sealed, first, last = self.sealed, self.sealed.first_seq, self.sealed.last_seq
        if marker.from_seq < first:
            return first, marker.from_seq, f"the first entry was {first:,}"
        if marker.to_seq == last and marker.last_hash != sealed.head:
            return sealed.head, marker.last_hash, f"entry {last:,} had another hash"
        for seq, at in ((first, sealed.first_at), (last, sealed.head_at)):
            if marker.from_seq <= seq <= marker.to_seq and at is not None and seconds(at) >= marker.cutoff:
                return at, marker.cutoff, f"entry {seq:,} was not older than its cutoff"
        return None

    def _unaccounted(self, marker: Marker) -> _Denial | None:
        """Whether entries that were known are gone before the first that any marker says was removed.

        A marker that told of them came after the checkpoint, and where nothing behind what was known was
        removed, it would still be there. A person may have accepted that they are gone.
        """
        sealed, chain, joined = self.sealed, self.chain, self.joined
        if marker.from_seq in self.starts:
            return None
        if joined.gaps or not joined.all_markers or chain.doubted:
            return None  # it may be among those that are not known
        if chain.markers[-1].to_seq > sealed.last_seq:
            return None
        if denied(chain.first_seq, chain.first_previous, chain.marker):
            return None  # which is said of the start
        why = f"entry {sealed.first_seq:,} was the first, and no marker says that it was removed"
        return sealed.first_seq, marker.from_seq, why

    def _miscounted(self, concerned: Sequence[Marker]) -> _Denial | None:
        """Whether what markers removed and what is left are not the entries that were known.

        It shows at the last marker that concerns them, and only where markers tell of all that was removed.
        """
        sealed, chain, joined, marker = self.sealed, self.chain, self.joined, concerned[-1]
        complete = joined.all_markers and concerned[0].from_seq == sealed.first_seq
        if not complete or self._unread or self._explained or not self._pruned:
            return None
        left = joined.entries_until(chain.tenant, sealed.last_seq)
        others = left + sum(item.entries for item in concerned[:-1])
        most = marker.entries
        least = most - max(0, marker.to_seq - sealed.last_seq)  # the rest may have come after the checkpoint
        if others + least <= sealed.entries <= others + most:
            return None
        if left and (self._state is None or self._state.head != sealed.head):
            return None  # more than its count is wrong, which is found by itself
        why = f"there were {sealed.entries} entries, and {left} of them are left"
        return sealed.entries - others, marker.entries, why


def came_from_others(joined: Joined, checkpoints: Iterable[Checkpoint], *, alone: bool) -> dict[str, Finding]:
    """Of each tenant that begins with the entry another one began with, that entries were moved to it.

    An entry that is still where it was has only its like: a hash says nothing of the tenant. Where a chain
    was scanned `alone`, that of another may be there still, unless it had this very number.
    """
    owners: dict[tuple[str, int | None], tuple[str, Checkpoint]] = {}
    its_own: set[tuple[str, str]] = set()
    for known in checkpoints:
        for name, sealed in known.tenants.items():
            owners.setdefault((sealed.first_hash, sealed.first_seq if alone else None), (name, known))
            its_own.add((name, sealed.first_hash))
    found = {}
    for name, chain in joined.chains.items():
        had = owners.get((chain.first_hash, chain.first_seq if alone else None))
        if had is None or (name, chain.first_hash) in its_own:
            continue
        owner, known = had
        there = joined.chains.get(owner)
        if there is not None and there.first_hash == chain.first_hash:
            continue
        sentence, without = (
            f"Entry {chain.first_seq:,} of {tenant_name(name)} is one that checkpoint {known.number} knew as "
            f"the first of {whose}: entries were moved to another tenant."
            for whose in (tenant_name(owner), ANOTHER)
        )
        where = name, chain.first_seq, owner, name
        found[name] = Finding(Code.CHECKPOINT, *where, sentence, other=Other(owner, without))
    return found


def _numbering(
    joined: Joined, checkpoints: Sequence[Checkpoint], done: Collection[str]
) -> dict[str, Finding]:
    """By tenant, that entries which none of them knew have numbers below those that one had seen.

    Nothing is said of the tenants in `done`.
    """
    latest, ever = checkpoints[-1], {name for known in checkpoints for name in known.tenants}
    found = {}
    for name, chain in joined.chains.items():
        if name in done:
            continue
        said = tenant_name(name)
        sealed = latest.tenants.get(name)
        if sealed is not None:
            known = joined.entries_until(name, sealed.last_seq)
            more = joined.entries_until(name, latest.through) - known
            if more:
                sentence = (
                    f"{counted(more, 'entry', 'entries')} of {said} behind entry {sealed.last_seq:,} came "
                    f"after checkpoint {latest.number}, but with lower numbers than others had then."
                )
                found[name] = Finding(Code.NUMBERING, name, None, None, None, sentence)
        elif name not in ever and chain.first_seq <= latest.through:
            if joined.is_wrong(name, chain.first_seq):
                continue  # where it came from is said
            first, actual = chain.first_seq, None
            if chain.at_genesis or latest.is_before(chain.first_at):
                code = Code.NUMBERING
                sentence = (
                    f"{said} is new since checkpoint {latest.number}, but begins at entry {first:,}, "
                    "below numbers that others had then."
                )
            else:
                code, actual = Code.CHECKPOINT, chain.first_hash
                sentence = (
                    f"Entry {first:,} of {said} was put among entries that checkpoint {latest.number} had "
                    "seen without it."
                )
            found[name] = Finding(code, name, first, None, actual, sentence)
    return found
