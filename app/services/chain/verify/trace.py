"""What a broken link, or a start that nothing proves, really is.

The rows that its hash leads to are looked up in one pass over the table.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass, field

import apsw

from app.services.chain.entry import shown
from app.services.chain.rules import GENESIS, TABLE, Code, Finding, denied
from app.services.chain.verify.follow import Break
from app.services.chain.verify.join import Chain, Joined

NEIGHBOURS = 8
"""How many rows are kept for one hash; honest chains have one."""

_NEAR = f"""
SELECT seq, CAST(tenant_id AS BLOB), CAST(hash AS BLOB), CAST(previous_hash AS BLOB)
FROM main.{TABLE} NOT INDEXED WHERE seq BETWEEN ?1 AND ?2 AND (
  hash IN (SELECT value FROM json_each(?3)) OR previous_hash IN (SELECT value FROM json_each(?3)))
ORDER BY seq"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Neighbour:
    seq: int
    tenant: str
    hash: str


@dataclass(slots=True)
class Neighbours:
    """By hash: the rows that carry it (`owners`) and the rows that continue it (`successors`)."""

    owners: dict[str, list[Neighbour]] = field(default_factory=dict)
    successors: dict[str, list[Neighbour]] = field(default_factory=dict)


def neighbours(
    connection: apsw.Connection, hashes: Iterable[str], ranges: Iterable[tuple[int, int]]
) -> Neighbours:
    """The rows that carry or continue one of `hashes`, in `ranges` of seqs that can be read.

    Genesis is left out: all chains continue it.
    """
    wanted = {value for value in hashes if value != GENESIS}
    found = Neighbours()
    if not wanted:
        return found
    for first, last in ranges:
        try:
            for seq, *raw in connection.execute(_NEAR, (first, last, json.dumps(sorted(wanted)))):
                tenant, stored, previous = ((item or b"").decode("utf-8", "backslashreplace") for item in raw)
                row = Neighbour(seq, tenant, stored)
                for table, key in ((found.owners, stored), (found.successors, previous)):
                    if key in wanted and len(kept := table.setdefault(key, [])) < NEIGHBOURS:
                        kept.append(row)
        except apsw.Error:
            pass  # what was found before the damage is still true; the damage itself is a finding already
    return found


def explain(
    connection: apsw.Connection, joined: Joined, unproven: Iterable[Chain], ranges: Iterable[tuple[int, int]]
) -> None:
    """Adds the findings of all breaks, and of the `unproven` starts; `ranges` of seqs can be read."""
    unproven = list(unproven)
    hashes = [item.previous for item in joined.breaks] + [chain.first_previous for chain in unproven]
    near = neighbours(connection, hashes, ranges)
    branches: dict[str, set[str]] = {}
    for item in sorted(joined.breaks, key=lambda item: item.seq):
        chain = joined.chains[item.tenant]
        found = _broken_link(item, chain, near, branches.setdefault(item.tenant, set()))
        joined.count(Code.LINK, -1)  # counted as such when it was met
        chain.errors -= 1
        for finding in found:
            joined.add(finding)
    for chain in unproven:
        for finding in _unproven_start(joined, chain, near):
            joined.add(finding)


def _unproven_start(joined: Joined, chain: Chain, near: Neighbours) -> list[Finding]:
    """Tampering where other rows contradict the start, else UNPROVEN_START; none where it is said."""
    marker = chain.marker
    if marker is not None and denied(chain.first_seq, chain.first_previous, marker):
        sentence = (
            f"Entry {marker.seq} says that everything up to {marker.to_seq} was pruned, "
            f"but the chain of {chain.tenant} does not start behind that."
        )
        place, expected = (chain.tenant, chain.first_seq), marker.last_hash
        return [Finding(Code.LINK, *place, expected, chain.first_previous, sentence)]
    if chain.gap_before or chain.doubted:
        return []  # what came before may be what could not be read, or what a doubted marker tells of
    found = _broken_start(chain, near)
    if found:
        return found
    sentence = (
        f"The chain of {chain.tenant} holds from entry {chain.first_seq} on; "
        "nothing in the file proves what came before."
    )
    place = (chain.tenant, chain.first_seq)
    return [Finding(Code.UNPROVEN_START, *place, GENESIS, chain.first_previous, sentence)]


def _broken_link(item: Break, chain: Chain, near: Neighbours, branches: set[str]) -> list[Finding]:
    """One or more findings for a break.

    `branches` are the ends of the tenant's forks met so far; it is added to. A row that does not match its
    own hash is reported as LINK as well, since its previous hash may just have been edited.
    """
    code, message = _classify(item, chain, near, branches)
    findings = [_finding(item, code, message)]
    if code is not Code.LINK and (not item.holds or code is Code.CROSS_TENANT):
        findings.insert(0, _finding(item, Code.LINK, _plain(item)))
    return findings


def _classify(item: Break, chain: Chain, near: Neighbours, branches: set[str]) -> tuple[Code, str]:
    tenant, seq = item.tenant, item.seq
    if item.previous == GENESIS:
        if chain.first_previous == GENESIS and chain.first_hash == item.stored:
            return Code.DUPLICATE, f"Entry {seq} repeats entry {chain.first_seq}."
        return Code.RESTART, f"The chain of {tenant} starts a second time at entry {seq}."
    siblings = near.successors.get(item.previous, [])
    earlier = [row for row in siblings if row.tenant == tenant and row.seq < seq]
    if earlier:
        if any(row.hash == item.stored for row in earlier):
            return Code.DUPLICATE, f"Entry {seq} repeats entry {earlier[0].seq}."
        branches.update((item.expected, earlier[0].hash))
        return Code.FORK, f"Entry {seq} and entry {earlier[0].seq} both continue the same entry."
    if item.previous in branches:
        branches.add(item.expected)
        return Code.FORK, f"Entry {seq} goes on with another branch of the fork before it."
    owners = near.owners.get(item.previous, [])
    own = next((row for row in owners if row.tenant == tenant and row.seq != seq), None)
    if own is not None:
        return Code.ORDER, f"Entry {seq} continues entry {own.seq}, which is not the entry before it."
    other = next((row for row in owners if row.tenant != tenant), None)
    if other is not None:
        return (
            Code.CROSS_TENANT,
            f"Entry {seq} of {tenant} continues entry {other.seq}, which is stored under {other.tenant}.",
        )
    return Code.LINK, _plain(item)


def _broken_start(chain: Chain, near: Neighbours) -> list[Finding]:
    """Findings for a first row that is not genesis and that no marker explains: none if nothing is known."""
    item = Break(
        chain.tenant, chain.first_seq, chain.first_previous, GENESIS, chain.first_hash, chain.first_holds
    )
    owners = near.owners.get(chain.first_previous, [])
    own = next((row for row in owners if row.tenant == chain.tenant), None)
    if own is not None:
        return [_finding(item, Code.ORDER, f"Entry {item.seq} continues entry {own.seq}, which comes later.")]
    other = next(
        (
            row
            for row in [*owners, *near.successors.get(chain.first_previous, [])]
            if row.tenant != chain.tenant
        ),
        None,
    )
    if other is None:
        return []
    message = f"The chain of {chain.tenant} starts with entry {item.seq} inside the chain of {other.tenant}."
    return [_finding(item, Code.LINK, _plain(item)), _finding(item, Code.CROSS_TENANT, message)]


def _plain(item: Break) -> str:
    return (
        f"Entry {item.seq} of {item.tenant} does not continue the entry before it: "
        "entries were removed, or one of the two was changed."
    )


def _finding(item: Break, code: Code, message: str) -> Finding:
    return Finding(code, item.tenant, item.seq, item.expected, shown(item.previous), message)
