"""What checkpoints know of a file, held against what the scan found (chain/README.md, Checkpoints).

Everything here has been authenticated before: `chain.checkpoints` checks signatures and order, and hands
over what holds, with a finding for what does not. What follows from a finding already made is none again.
"""

from collections.abc import Collection, Mapping
from datetime import UTC, datetime

from app.services.chain.checkpoints.document import Checkpoint
from app.services.chain.rules import Code, Finding, Marker, anchor, denied, not_believed, seconds
from app.services.chain.verify.join import Chain, Joined, digest_between
from app.services.chain.verify.report import CheckpointHistory, SealedChain


def compare(joined: Joined, history: CheckpointHistory, tenant: str | None = None) -> Checkpoint | None:
    """Adds what contradicts the checkpoints; at most the first one that fails is named per tenant.

    Returns the earlier checkpoint that the whole file is exactly as it was at, if it is: nothing contradicts
    then. `tenant` is the one whose chain alone was scanned.
    """
    for finding in history.findings:
        joined.add(finding)
    earlier = _earlier_state(joined, history) if tenant is None else None
    if earlier is not None and history.latest is not None:
        joined.add(_is_earlier(earlier, history.latest))
        return earlier
    first_wrong = joined.first_errors()
    moved = _moved(joined, history, alone=tenant is not None)
    failed = set(moved)
    for finding in moved.values():
        joined.add(finding)
    if history.before_current is not None:
        failed |= _compare_markers(joined, history.before_current, history.adopted, first_wrong, tenant)
    for known in history.current:
        for name, sealed in known.tenants.items():
            if name in failed or (tenant is not None and name != tenant):
                continue
            chain = joined.chains.get(name)
            if chain is None:
                unread = joined.gap_between(sealed.first_seq - 1, sealed.last_seq)
                found = [] if unread else [_missing(name, sealed, known)]
            else:
                newest = history.latest is not None and history.latest.tenants.get(name, sealed) is sealed
                accepted = history.adopted.get(name)
                wrong = first_wrong.get(name)
                found = _Comparison(joined, chain, sealed, known, wrong, accepted).run(alone=newest)
            for finding in found:
                failed.add(name)
                joined.add(finding)
    _numbering(joined, history, moved.keys())
    return None


def _compare_markers(
    joined: Joined,
    known: Checkpoint,
    adopted: Mapping[str, tuple[int, str]],
    wrong: Mapping[str, int],
    tenant: str | None,
) -> set[str]:
    """The tenants whose markers contradict a checkpoint of which the later ones have taken the place."""
    failed = set()
    for name, sealed in known.tenants.items():
        chain = joined.chains.get(name)
        if chain is None or (tenant is not None and name != tenant):
            continue
        compared = _Comparison(joined, chain, sealed, known, wrong.get(name), adopted.get(name))
        contradiction = compared.contradiction()
        if contradiction is not None:
            joined.add(contradiction)
            failed.add(name)
    return failed


def unwitnessed(joined: Joined, history: CheckpointHistory, chain: Chain, earlier: Checkpoint | None) -> int:
    """How many of the tenant's rows no checkpoint covers."""
    latest = earlier or history.proving
    if latest is None or chain.tenant not in latest.tenants:
        return chain.entries
    if earlier is not None:
        return 0
    return chain.entries - joined.entries_until(chain.tenant, latest.tenants[chain.tenant].last_seq)


def backed(history: CheckpointHistory, chain: Chain) -> bool:
    """Whether the latest trusted checkpoint proves it: its last row is there, or was pruned as last."""
    sealed = None if history.proving is None else history.proving.tenants.get(chain.tenant)
    if sealed is None:
        return False
    last = sealed.last_seq
    return chain.first_seq <= last or (chain.marker is not None and chain.marker.to_seq == last)


def is_as_latest(history: CheckpointHistory, chain: Chain) -> bool:
    """Whether the latest checkpoint knows no more of the tenant than is there."""
    sealed = None if history.latest is None else history.latest.tenants.get(chain.tenant)
    return sealed is not None and _ends_alike(chain, sealed)


def _ends_alike(chain: Chain, sealed: SealedChain) -> bool:
    return (chain.first_seq, chain.last_seq, chain.entries, chain.head) == (
        sealed.first_seq,
        sealed.last_seq,
        sealed.entries,
        sealed.head,
    )


def _earlier_state(joined: Joined, history: CheckpointHistory) -> Checkpoint | None:
    """The newest checkpoint before the latest that knew exactly these rows, if the file has no errors."""
    latest = history.latest
    if latest is None or not joined.complete or joined.counted_errors() or _is_exactly(joined, latest):
        return None
    older = (known for known in reversed(history.checkpoints[:-1]) if _is_exactly(joined, known))
    return next(older, None)


def _is_exactly(joined: Joined, known: Checkpoint) -> bool:
    if known.tenants.keys() != joined.chains.keys():
        return False
    return all(_ends_alike(joined.chains[name], sealed) for name, sealed in known.tenants.items()) and all(
        digest_between(joined.states.get(name, ()), known.after, known.through) == sealed.digest
        for name, sealed in known.tenants.items()
    )


def _is_earlier(earlier: Checkpoint, latest: Checkpoint) -> Finding:
    when = datetime.fromtimestamp(earlier.at, UTC).strftime("%Y-%m-%d %H:%M UTC")
    more = max(0, latest.rows_ever - earlier.rows_ever)
    sentence = (
        f"The file is exactly as checkpoint {earlier.number} knew it on {when}; later ones, up to checkpoint "
        f"{latest.number}, knew {more:,} more {'entry' if more == 1 else 'entries'}."
    )
    return Finding(Code.EARLIER, None, None, str(latest.through), str(earlier.through), sentence)


def _missing(tenant: str, sealed: SealedChain, known: Checkpoint) -> Finding:
    sentence = f"All {sealed.entries:,} entries of {tenant} that checkpoint {known.number} had seen are gone."
    return Finding(Code.TRUNCATED, tenant, sealed.last_seq, sealed.head, None, sentence)


class _Comparison:
    """One tenant's chain against what one checkpoint knows of it, through its own last witnessed seq.

    `wrong` is the lowest seq of the chain with an error of its own, None if there is none; `accepted` the
    start that a person accepted.
    """

    def __init__(  # noqa: PLR0917  # what is held against what
        self,
        joined: Joined,
        chain: Chain,
        sealed: SealedChain,
        known: Checkpoint,
        wrong: int | None,
        accepted: tuple[int, str] | None,
    ) -> None:
        self._joined, self._chain, self._sealed, self._known = joined, chain, sealed, known
        self._accepted = accepted
        self._explained = wrong is not None and wrong <= sealed.last_seq
        proof = anchor(chain.first_seq, chain.first_previous, chain.marker)
        self._pruned = 0 if proof is None else proof.through

    def run(self, *, alone: bool) -> list[Finding]:
        """`alone` says that this is the latest that knows the tenant: its markers alone may not deny it."""
        chain, sealed = self._chain, self._sealed
        contradiction = self.contradiction()
        if contradiction is not None:
            return [contradiction]
        if (
            alone
            and chain.entries == len(chain.markers) + chain.doubted
            and chain.first_seq > sealed.last_seq
        ):
            agrees = self._pruned == sealed.last_seq and self._removed() == sealed.entries
            return [] if agrees or chain.doubted else [_missing(chain.tenant, sealed, self._known)]
        if self._pruned and sealed.last_seq <= self._pruned:
            return []  # what a marker says of entries appended after the checkpoint, nothing here bears out
        unproven = not chain.at_genesis and not self._pruned
        if unproven and chain.first_seq > sealed.last_seq:
            return []  # all that was witnessed went with the unproven start, which is its own finding
        found = self._ends()
        return found or self._digest()

    def _find(self, code: Code, expected: str | None, actual: str | None, sentence: str) -> Finding:
        tenant = self._chain.tenant
        message = f"{sentence} (Checkpoint {self._known.number}, {tenant}.)"
        return Finding(code, tenant, self._sealed.last_seq, expected, actual, message)

    def _ends(self) -> list[Finding]:
        """Last row and number of rows, where something is gone, too much, or another."""
        joined, chain, sealed = self._joined, self._chain, self._sealed
        found: list[Finding] = []
        state = joined.state_at(chain.tenant, sealed.last_seq)
        # Entries that seem to be gone may be among those that could not be read.
        unread = joined.gap_between(sealed.first_seq - 1, sealed.last_seq)
        if state is None or state.last_seq < sealed.last_seq:
            actual, seen = (None, sealed.first_seq - 1) if state is None else (state.head, state.last_seq)
            if not joined.gap_between(seen, sealed.last_seq):
                sentence = f"Entry {sealed.last_seq}, the last one that the checkpoint knew, is gone."
                found.append(self._find(Code.TRUNCATED, sealed.head, actual, sentence))
        elif state.head != sealed.head and not joined.is_wrong(chain.tenant, sealed.last_seq):
            sentence = (
                f"Entry {sealed.last_seq} is not the one that the checkpoint knew: the chain was rewritten."
            )
            found.append(self._find(Code.CHECKPOINT, sealed.head, state.head, sentence))
        entries = 0 if state is None else state.entries
        same_start = chain.first_seq == sealed.first_seq
        begun_again = chain.first_seq > sealed.first_seq and chain.at_genesis
        if entries < sealed.entries and ((same_start and not unread) or begun_again):
            if (
                not found or found[0].code is not Code.TRUNCATED
            ):  # from which follows that the head is another
                sentence = f"The checkpoint knew {sealed.entries:,} entries, and {entries:,} are there."
                found = [self._find(Code.TRUNCATED, str(sealed.entries), str(entries), sentence)]
        elif found or (self._explained and not begun_again):
            pass
        elif begun_again or chain.first_seq < sealed.first_seq:
            sentence = (
                f"The chain began with entry {sealed.first_seq}, and begins with {chain.first_seq} now."
            )
            found = [self._find(Code.CHECKPOINT, str(sealed.first_seq), str(chain.first_seq), sentence)]
        elif same_start and entries > sealed.entries:
            sentence = f"The checkpoint knew {sealed.entries:,} entries, and there are {entries:,} now."
            found = [self._find(Code.CHECKPOINT, str(sealed.entries), str(entries), sentence)]
        return found

    def _digest(self) -> list[Finding]:
        chain, sealed, known = self._chain, self._sealed, self._known
        covered = chain.first_seq == sealed.first_seq or chain.first_seq <= known.after + 1
        if self._explained or not covered or self._joined.gap_between(known.after, sealed.last_seq):
            return []  # or a start that nothing proves lies inside of what the digest covers
        digest = digest_between(self._joined.states.get(chain.tenant, ()), known.after, sealed.last_seq)
        if digest == sealed.digest:
            return []
        sentence = (
            "The hashes are those that the checkpoint knew, but a number, a type or a boundary was changed."
        )
        return [self._find(Code.CHECKPOINT, sealed.digest, digest, sentence)]

    def contradiction(self) -> Finding | None:
        """A prune marker that says otherwise than the checkpoint that knew the rows."""
        for marker in self._chain.markers:
            found = self._denied(marker)
            if found is not None:
                expected, actual, why = found
                why = f"as checkpoint {self._known.number} knew it, {why}"
                tenant, said = self._chain.tenant, {"expected": str(expected), "actual": str(actual)}
                return not_believed(tenant, marker.seq, why, **said)
        return None

    def _denied(self, marker: Marker) -> tuple[object, object, str] | None:
        sealed = self._sealed
        first, last = sealed.first_seq, sealed.last_seq
        if not (marker.from_seq <= last and marker.to_seq >= first):
            return None
        if marker.from_seq < first:
            return first, marker.from_seq, f"the first entry was {first}"
        if marker.to_seq == last and marker.last_hash != sealed.head:
            return sealed.head, marker.last_hash, f"entry {last} had another hash"
        for seq, at in ((first, sealed.first_at), (last, sealed.head_at)):
            if marker.from_seq <= seq <= marker.to_seq and at is not None and seconds(at) >= marker.cutoff:
                return (
                    at,
                    marker.cutoff,
                    f"entry {seq} was not older than its cutoff",
                )
        return self._unaccounted(marker) or self._miscounted(marker)

    def _concerned(self) -> list[Marker]:
        """The markers that tell of entries which were witnessed."""
        first, last = self._sealed.first_seq, self._sealed.last_seq
        return [item for item in self._chain.markers if item.from_seq <= last and item.to_seq >= first]

    def _unaccounted(self, marker: Marker) -> tuple[object, object, str] | None:
        """Whether witnessed entries are gone before the first that any marker says was removed.

        A marker that told of them came after the checkpoint, and where nothing behind what was witnessed was
        removed, it would still be there. A person may have accepted that they are gone.
        """
        sealed, chain, joined = self._sealed, self._chain, self._joined
        if marker is not self._concerned()[0] or marker.from_seq == sealed.first_seq or joined.gaps:
            return None
        if not joined.all_markers or chain.doubted or chain.markers[-1].to_seq > sealed.last_seq:
            return None
        if denied(chain.first_seq, chain.first_previous, chain.marker):
            return None  # it stands against the start, and that is said
        if self._accepted is not None and self._accepted[0] == marker.from_seq:
            return None
        why = f"entry {sealed.first_seq} was the first, and no marker says that it was removed"
        return sealed.first_seq, marker.from_seq, why

    def _miscounted(self, marker: Marker) -> tuple[object, object, str] | None:
        """Whether what markers removed and what is left are not the entries that were witnessed.

        It shows at the last marker that concerns them, and only where markers tell of all that was removed.
        """
        sealed, chain, joined = self._sealed, self._chain, self._joined
        concerned = self._concerned()
        complete = joined.all_markers and concerned[0].from_seq == sealed.first_seq
        unread = joined.gap_between(sealed.first_seq - 1, sealed.last_seq)
        if marker is not concerned[-1] or not complete or unread or self._explained or not self._pruned:
            return None
        left = joined.entries_until(chain.tenant, sealed.last_seq)
        others = left + sum(item.entries for item in concerned[:-1])
        most = marker.entries
        least = most - max(0, marker.to_seq - sealed.last_seq)  # the rest may have come after the checkpoint
        if others + least <= sealed.entries <= others + most:
            return None
        state = joined.state_at(chain.tenant, sealed.last_seq)
        if left and (state is None or state.head != sealed.head):
            return None  # more than its count is wrong, which is found by itself
        why = f"there were {sealed.entries} entries, and {left} of them are left"
        return sealed.entries - others, marker.entries, why

    def _removed(self) -> int:
        """How many of the witnessed entries the markers say were removed, one by one."""
        return sum(item.entries for item in self._chain.markers if item.from_seq >= self._sealed.first_seq)


def _moved(joined: Joined, history: CheckpointHistory, *, alone: bool) -> dict[str, Finding]:
    """Of each tenant that begins with the entry another one began with, that entries were moved to it.

    An entry that is still where it was has only its like: a hash says nothing of the tenant.
    """
    owners: dict[str, tuple[str, Checkpoint]] = {}
    its_own: set[tuple[str, str]] = set()
    for known in history.checkpoints:
        for name, sealed in known.tenants.items():
            owners.setdefault(sealed.first_hash, (name, known))
            its_own.add((name, sealed.first_hash))
    found = {}
    for name, chain in joined.chains.items():
        if chain.first_hash not in owners or (name, chain.first_hash) in its_own:
            continue
        owner, known = owners[chain.first_hash]
        there = joined.chains.get(owner)
        if there is not None and there.first_hash == chain.first_hash:
            continue
        if alone and chain.first_seq != known.tenants[owner].first_seq:
            continue  # the owner's chain was not scanned, and may have it still
        sentence = (
            f"Entry {chain.first_seq} of {name} is one that checkpoint {known.number} knew as the first of "
            f"{owner}: entries were moved to another tenant."
        )
        place = (name, chain.first_seq)
        found[name] = Finding(Code.CHECKPOINT, *place, owner, name, sentence)
    return found


def _numbering(joined: Joined, history: CheckpointHistory, moved: Collection[str]) -> None:
    """Entries that no checkpoint knew, with numbers below those that one had seen."""
    latest = history.latest
    if latest is None:
        return
    ever = {name for known in history.checkpoints for name in known.tenants}
    for name, chain in joined.chains.items():
        if name in moved:
            continue
        sealed = latest.tenants.get(name)
        if sealed is not None:
            known = joined.entries_until(name, sealed.last_seq)
            more = joined.entries_until(name, latest.through) - known
            if more and chain.last_seq > sealed.last_seq:
                what = f"{more:,} {'entry' if more == 1 else 'entries'} of {name}"
                sentence = (
                    f"{what} behind entry {sealed.last_seq} came after checkpoint {latest.number}, "
                    "but with lower numbers than others had then."
                )
                joined.add(Finding(Code.NUMBERING, name, None, None, None, sentence))
        elif name not in ever and chain.first_seq <= latest.through:
            if chain.at_genesis:
                sentence = (
                    f"{name} is new since checkpoint {latest.number}, but begins at entry {chain.first_seq}, "
                    "below numbers that others had then."
                )
                joined.add(Finding(Code.NUMBERING, name, chain.first_seq, None, None, sentence))
            else:
                sentence = (
                    f"Entry {chain.first_seq} of {name} was put among entries that checkpoint "
                    f"{latest.number} had seen without it."
                )
                actual = chain.first_hash
                joined.add(Finding(Code.CHECKPOINT, name, chain.first_seq, None, actual, sentence))
