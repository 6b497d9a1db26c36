"""What checkpoints know of a file, held against what the scan found (`integrity.md` 2).

Everything here has been authenticated before: `chain.checkpoints` checks signatures and order, and hands
over what holds, with a finding for what does not.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from hashlib import sha256

from app.services.chain.verify.codes import Code
from app.services.chain.verify.entry import GENESIS
from app.services.chain.verify.join import Chain, Joined, Seal
from app.services.chain.verify.report import Finding, SealedChain
from app.services.chain.verify.scan import BLOCK


@dataclass(frozen=True, slots=True)
class Known:
    """One checkpoint: all rows with seq up to `through`; its digests cover those behind `after`."""

    number: int
    at: int
    after: int
    through: int
    tenants: Mapping[str, SealedChain]


@dataclass(frozen=True, slots=True)
class Witness:
    """The checkpoints of a file, oldest first, the starts its user adopted, and what is wrong with either.

    `adopted` maps a tenant to the seq and previous hash of the first row that the user vouched for.
    """

    checkpoints: tuple[Known, ...] = ()
    adopted: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()

    @property
    def latest(self) -> Known | None:
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def current(self) -> tuple[Known, ...]:
        """Those that say something the later ones do not: from the last one that covers everything."""
        for index in range(len(self.checkpoints) - 1, -1, -1):
            if self.checkpoints[index].after == 0:
                return self.checkpoints[index:]
        return self.checkpoints


def digest_between(seals: Iterable[Seal], after: int, through: int) -> str:
    """The digest of a tenant's rows with `after < seq <= through`: of its whole blocks and the part of one.

    `after` is the end of a block, or 0.
    """
    everything = after == 0  # rows numbered below 1, too
    pieces = {
        seal.cut // BLOCK: seal.digest
        for seal in seals
        if (everything or after < seal.cut) and seal.cut <= through
    }
    return sha256("\n".join(pieces.values()).encode()).hexdigest()


def sealed_chains(joined: Joined, after: int, through: int) -> dict[str, SealedChain]:
    """What a new checkpoint says of every tenant."""
    return {
        tenant: SealedChain(
            first_seq=chain.first_seq,
            last_seq=chain.last_seq,
            entries=chain.entries,
            head=chain.head,
            digest=digest_between(joined.seals.get(tenant, ()), after, through),
            pruned_through=0 if chain.marker is None else chain.marker.through,
            first_hash=chain.first_hash,
            first_at=chain.first_at,
            head_at=chain.head_at,
        )
        for tenant, chain in joined.chains.items()
    }


def judge(joined: Joined, witness: Witness, tenant: str | None = None) -> None:
    """Adds CHECKPOINT and TRUNCATED findings; at most the first checkpoint that fails is named per tenant."""
    for finding in witness.findings:
        joined.add(finding)
    failed: set[str] = set()
    for known in witness.current:
        for name, sealed in known.tenants.items():
            if name in failed or (tenant is not None and name != tenant):
                continue
            chain = joined.chains.get(name)
            if chain is None:
                unread = joined.gap_between(sealed.first_seq - 1, sealed.last_seq)
                found = [] if unread else _missing(name, sealed, known)
            else:
                found = _differences(joined, chain, sealed, known)
            for finding in found:
                failed.add(name)
                joined.add(finding)
            if chain is not None:
                chain.errors += len(found)
    latest = witness.latest
    if latest is not None:
        for name, chain in joined.chains.items():
            if name not in latest.tenants and chain.first_seq <= latest.through:
                chain.errors += 1
                joined.add(
                    Finding(
                        Code.CHECKPOINT,
                        name,
                        chain.first_seq,
                        None,
                        chain.first_hash,
                        f"Entry {chain.first_seq} of {name} was put among entries that checkpoint "
                        f"{latest.number} had seen without it.",
                    )
                )


def unwitnessed(joined: Joined, witness: Witness, chain: Chain) -> int:
    """How many of the tenant's rows no checkpoint covers."""
    latest = witness.latest
    if latest is None or chain.tenant not in latest.tenants:
        return chain.entries
    seal = _at(joined, chain.tenant, latest.through)
    return chain.entries - (0 if seal is None else seal.entries)


def backed(witness: Witness, chain: Chain) -> bool:
    """Whether the latest checkpoint bears the chain out: its last row is there, or was pruned as last."""
    sealed = None if witness.latest is None else witness.latest.tenants.get(chain.tenant)
    if sealed is None:
        return False
    last = sealed.last_seq
    return chain.first_seq <= last or (chain.marker is not None and chain.marker.through == last)


def _at(joined: Joined, tenant: str, through: int) -> Seal | None:
    """The tenant's chain as it stood at seq `through`."""
    return max(
        (seal for seal in joined.seals.get(tenant, ()) if seal.cut <= through),
        key=lambda seal: seal.cut,
        default=None,
    )


def _missing(tenant: str, sealed: SealedChain, known: Known) -> list[Finding]:
    return [
        Finding(
            Code.TRUNCATED,
            tenant,
            sealed.last_seq,
            sealed.head,
            None,
            f"All {sealed.entries:,} entries of {tenant} that checkpoint {known.number} had seen are gone.",
        )
    ]


def _differences(joined: Joined, chain: Chain, sealed: SealedChain, known: Known) -> list[Finding]:
    tenant, marker = chain.tenant, chain.marker
    pruned = 0 if marker is None or chain.first_previous != marker.last_hash else marker.through

    def finding(code: Code, expected: str | None, actual: str | None, sentence: str) -> Finding:
        message = f"{sentence} (Checkpoint {known.number}, {tenant}.)"
        return Finding(code, tenant, sealed.last_seq, expected, actual, message)

    if marker is not None and sealed.last_seq <= pruned:
        # What a marker says of entries appended after the checkpoint, nothing here can bear out: `backed`.
        if sealed.last_seq == pruned and marker.last_hash != sealed.head:
            sentence = f"Entry {sealed.last_seq} was pruned with another hash than the one witnessed."
            return [finding(Code.CHECKPOINT, sealed.head, marker.last_hash, sentence)]
        return []
    unproven = chain.first_previous != GENESIS and not pruned
    if unproven and chain.first_seq > sealed.last_seq:
        return []  # all that was witnessed went with the unproven start, which is its own finding
    found: list[Finding] = []
    seal = _at(joined, tenant, known.through)
    # Entries that seem to be gone may be among those that could not be read.
    unread = joined.gap_between(sealed.first_seq - 1, known.through)
    if seal is None or seal.last_seq < sealed.last_seq:
        actual, seen = (None, sealed.first_seq - 1) if seal is None else (seal.head, seal.last_seq)
        if not joined.gap_between(seen, sealed.last_seq):
            sentence = f"Entry {sealed.last_seq}, witnessed as the last one then, is gone."
            found.append(finding(Code.TRUNCATED, sealed.head, actual, sentence))
    elif seal.last_seq > sealed.last_seq or seal.head != sealed.head:
        sentence = f"Entry {sealed.last_seq} is not the one that was witnessed: the chain was rewritten."
        found.append(finding(Code.CHECKPOINT, sealed.head, seal.head, sentence))
    entries = 0 if seal is None else seal.entries
    same_start = chain.first_seq == sealed.first_seq
    relinked = chain.first_seq > sealed.first_seq and chain.first_previous == GENESIS
    if (same_start and entries < sealed.entries and not unread) or relinked:
        if not found or found[0].code is not Code.TRUNCATED:
            sentence = f"{sealed.entries:,} entries were witnessed, {entries:,} of them are there."
            found.append(finding(Code.TRUNCATED, str(sealed.entries), str(entries), sentence))
    elif chain.first_seq < sealed.first_seq or (same_start and entries > sealed.entries):
        sentence = f"{sealed.entries:,} entries were witnessed, there are {entries:,} now."
        found.append(finding(Code.CHECKPOINT, str(sealed.entries), str(entries), sentence))
    if found or not (same_start or pruned <= known.after or chain.first_seq <= known.after + 1):
        return found
    if not same_start and chain.first_seq > known.after + 1:
        return found  # a start that nothing proves lies inside of what the digest covers
    if joined.gap_between(known.after, known.through):
        return found
    digest = digest_between(joined.seals.get(tenant, ()), known.after, known.through)
    if digest != sealed.digest:
        sentence = "The hashes are those witnessed, but a number, a type or a boundary was changed."
        found.append(finding(Code.CHECKPOINT, sealed.digest, digest, sentence))
    return found
