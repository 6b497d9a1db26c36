"""Which known database a file is, and whether it continues the one seen last.

The rule is in `app/services/chain/README.md`, Which database a file is. What is said here of a file's path is
said of a live database's account and id.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from app.services.chain.checkpoint import NEW_LINE, Checkpoint, Reason, SealedChain
from app.services.chain.checkpoints import doubts
from app.services.chain.checkpoints.rows import ChainRow, ChainRows
from app.services.chain.checkpoints.tables import KnownDatabase, Made, Place
from app.services.chain.entry import integer
from app.services.chain.rules import GENESIS, HIGHEST_SEQ, LOWEST_SEQ, begins_behind, continues
from app.services.text import counted, tenant_name

DatabaseCheckpoints = tuple[KnownDatabase, Sequence[Checkpoint]]


@dataclass(frozen=True, slots=True)
class Divergence:
    """Where a chain is not the one last seen: agreed through `agreed_seq` (None: nowhere).

    `lacks_behind` is the tenant's last row (0: it has none) where nothing differs but what comes behind it is
    not there; else None.
    """

    tenant: str
    agreed_seq: int | None
    seq: int
    expected: str
    actual: str | None
    lacks_behind: int | None = None

    def __str__(self) -> str:
        if self.lacks_behind is not None:
            what = f"entry after {self.lacks_behind:,}" if self.lacks_behind else "entries"
            return f"{tenant_name(self.tenant)} has no {what}"
        if self.agreed_seq is not None:
            return f"{tenant_name(self.tenant)} agrees through entry {self.agreed_seq:,}, not at {self.seq:,}"
        return f"{tenant_name(self.tenant)} differs at entry {self.seq:,}"


@dataclass(frozen=True, slots=True)
class Continuation:
    """How a file compares with what was last seen of its database: at which `checkpoint`, None if it was
    never seen, and when. `new_entries` counts the rows behind it; those behind what was seen later, which
    have no `seen_at`. `is_older` says that the file, as far as it
    goes, is the one seen last, and has numbered no entry behind its end. It is a `copy_of` that place, which
    is still there.
    """

    checkpoint: int | None = None
    seen_at: int | None = None
    new_entries: int = 0
    divergences: tuple[Divergence, ...] = ()
    is_older: bool = False
    copy_of: str | None = None

    @property
    def how(self) -> str:
        """How what differs stands to it, in words."""
        return "is older than" if self.is_older else "does not continue"

    @property
    def where(self) -> str:
        """Where it differs, or ends, in words without a full stop."""
        said = [f"{item} yet" if self.is_older else str(item) for item in self.divergences[: doubts.NAMED]]
        rest = len(self.divergences) - len(said)
        return "; ".join([*said, f"and {counted(rest, 'more tenant')}"] if rest else said)

    @property
    def known(self) -> bool:
        return self.checkpoint is not None

    @property
    def continues(self) -> bool:
        return self.known and not self.divergences


def recognise(
    rows: ChainRows,
    known: Sequence[DatabaseCheckpoints],
    all_of: Callable[[str], Sequence[Checkpoint]],
    place: Place | None = None,
) -> KnownDatabase | None:
    """The database that the file is, of those known; see the rule.

    `known` come with their newest checkpoints, `all_of` gives all of one, by its id: only several that have
    tenants in common, and old copies, need them. `place` is where the file is, if anything was seen there.
    Where the rows that are read are charged few are looked for.
    """
    rows.at(seq for _, newest in known for item in newest[-1:] for seq, _ in ends_of(item))  # of all at once
    here = next((item for item in known if place is not None and item[0].id == place.database), None)
    if here is None or place is None:
        return _by_rows(rows, known, all_of)
    database, newest = here
    if place.made is not None and _is_as_made(rows, place.made):
        found, is_other = _by_rows(rows, known, all_of), not place.ledger or place.ledger != rows.ledger()
        none = is_other and not shares_tenant(rows, newest)
        if none or place.made.unrelated or (found is not None and found.id == database.id):
            return found  # none, unless it may be the same one, whose entries are gone or were rewritten
        if is_other and found is None:
            return replace(database, doubt=doubts.MADE_HERE, undecided=True)
    others = [item for item in known if item is not here]
    if compare(rows, newest[-1:], counting=False).continues:
        if other := _that_covers(rows, here, others, all_of):
            return _asked(rows, other, database)
        whole = has_more(rows, all_of(database.id), parts=True)
        return replace(database, doubt=doubts.WHOLE if whole else "", undecided=whole)
    knows = bool(newest and newest[-1].tenants)
    nothing = knows and not _all_of(rows, database, all_of).reach and not _with_moved_rows(rows, [here])
    other = _by_rows(rows, others, all_of)
    if nothing and other is not None and not _is_the_file(rows, database, place):
        asked = _asked(rows, other, database)
        return replace(asked, doubt=f"{asked.doubt} {doubts.GONE}")
    if nothing:
        begun_again = rows.is_other(place.ledger)
        doubt = doubts.BEGUN_AGAIN if begun_again else doubts.NOTHING_LEFT
        return replace(database, doubt=doubt, undecided=begun_again)
    if other is not None and _is_rather(rows, all_of(other.id)[-1:], all_of(database.id)):
        return replace(database, doubt=doubts.put_here(other.path, rows.where.places))
    return database


def _is_the_file(rows: ChainRows, database: KnownDatabase, place: Place) -> bool:
    """Whether the file is the very one that the database was in, with its ledger: then its entries were
    rewritten there, whatever was signed of them since.
    """
    is_it = rows.where.location == (database.path, database.file_id)
    return is_it and bool(place.ledger) and rows.ledger() == place.ledger


def _is_rather(rows: ChainRows, other: Sequence[Checkpoint], here: Sequence[Checkpoint]) -> bool:
    """Whether a file that does not continue the database `here` continues the `other`, by its newest; of what
    both knew exactly nobody can tell.
    """
    if not other or not compare(rows, other, counting=False).continues:
        return False
    return not any(is_all(rows, item) for item in here) or is_all(rows, other[-1])


def _asked(rows: ChainRows, other: KnownDatabase, before: KnownDatabase) -> KnownDatabase:
    """That a file is the `other` one, if a person says so, and not the one seen in its place `before`."""
    doubt = f"{doubts.WHICH} {doubts.put_here(other.path, rows.where.places)}"
    return replace(other, doubt=doubt, undecided=True, before=before.id)


def _all_of(
    rows: ChainRows, database: KnownDatabase, all_of: Callable[[str], Sequence[Checkpoint]]
) -> "_Line":
    return _Line.of(rows, database, all_of(database.id), look=None if rows.may_search else 3)


def _that_covers(
    rows: ChainRows,
    here: DatabaseCheckpoints,
    others: Sequence[DatabaseCheckpoints],
    all_of: Callable[[str], Sequence[Checkpoint]],
) -> KnownDatabase | None:
    """Another one that knows of what is there what the one last seen in this place cannot know: the whole,
    say, where its part was.
    """
    reaching = [database for database, newest in others if _Line.of(rows, database, newest, look=1).reach]
    if not reaching:
        return None
    own, *lines = (_all_of(rows, item, all_of) for item in (here[0], *reaching))
    more = [
        line
        for line in lines
        if line.reach.keys() >= own.reach.keys()
        and (line.is_there > own.is_there or line.tells_more(rows, own))
    ]
    return _whose(rows, more, all_of) if more else None


def _by_rows(
    rows: ChainRows, known: Sequence[DatabaseCheckpoints], all_of: Callable[[str], Sequence[Checkpoint]]
) -> KnownDatabase | None:
    """The database that a file is by its rows alone."""
    lines = [_Line.of(rows, *item, look=1) for item in known]
    tenants = {tenant for line in lines if line.reach for tenant in line.tenants}
    kin = [line for line in lines if line.reach or (rows.may_search and not tenants.isdisjoint(line.tenants))]
    if len(kin) != 1:
        kin = [_all_of(rows, line.database, all_of) for line in kin or lines]
    if family := [line for line in kin if line.reach]:
        # One of which nothing is there, and that is continued only, goes behind one of which something is.
        there = [line for line in family if line.is_there]
        moved = None if there else _with_moved_rows(rows, known)
        return moved or _whose(rows, there or family, all_of)
    lost = (item for item in known if item[0].damaged and not item[0].path)
    return _with_moved_rows(rows, known) or next(
        (database for database, newest in lost if not rows.empty and shares_tenant(rows, newest)), None
    )


def speaks_of(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the newest checkpoints know rows that are in the file, whatever id they give its database; or
    the newest one that there is none, and what is there, if anything, came later.
    """
    candidate = (KnownDatabase(""), checkpoints)
    return (
        any(rows.count(ends_of(item)) for item in checkpoints[-3:])
        or _with_moved_rows(rows, [candidate]) is not None
        or _begun_again(rows, checkpoints)
    )


def _begun_again(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the newest knows that nothing was left, and the file has nothing, or a first entry from later:
    by its own time, and by its number or one of the tenants that were known before.
    """
    if not checkpoints or checkpoints[-1].tenants:
        return False
    ends = rows.ends
    if not ends:
        return True
    seq, row = ends[0]
    at = integer(row.at.encode(errors="replace"))
    later = row.previous_hash == GENESIS and checkpoints[-1].is_before(at)
    behind = seq > max(item.through for item in checkpoints)
    return later and (behind or any(rows.has_tenant(name) for item in checkpoints for name in item.tenants))


def is_related(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether a file is what became of the rows that these know; rewritten from the first on perhaps, where
    half of the rows that the newest knows have their tenant and their time.
    """
    ends = {end for item in checkpoints for end in ends_of(item)}
    marks = {
        seq: (tenant, str(at))
        for item in checkpoints[-1:]
        for tenant, sealed in item.tenants.items()
        for seq, at in ((sealed.first_seq, sealed.first_at), (sealed.last_seq, sealed.head_at))
    }
    alike = sum((row.tenant, row.at) == marks[seq] for seq, row in rows.at(marks).items())
    return rows.count(ends) > 0 or 2 * alike >= len(marks) > 0 or speaks_of(rows, checkpoints)


def shares_tenant(rows: ChainRows, checkpoints: Sequence[Checkpoint]) -> bool:
    """Whether the file has a tenant that the newest checkpoint knows; or either has nothing at all."""
    return rows.empty or any(
        not checkpoint.tenants or any(map(rows.has_tenant, checkpoint.tenants))
        for checkpoint in checkpoints[-1:]
    )


def whereabouts(rows: ChainRows, database: str = "") -> KnownDatabase:
    """Where a database is (`Where.location`), and when its first migration ran.

    So another file in its place is told apart.
    """
    return KnownDatabase(database, *rows.where.location, rows.ledger())


def as_made(rows: ChainRows, *, unrelated: bool) -> Made:
    """What a new file is, so that what others put into it later is told apart."""
    ends = tuple((seq, row.hash) for seq, row in rows.ends)
    return Made(rows.ledger(), ends, unrelated)


def _is_as_made(rows: ChainRows, made: Made) -> bool:
    """Whether a file holds what it was made with, and more perhaps."""
    return rows.ledger() == made.ledger and (not made.ends or rows.count(made.ends) > 0)


def compare(rows: ChainRows, known: Sequence[Checkpoint], *, counting: bool = True) -> Continuation:
    """Looks up the last rows that the checkpoints know; says nothing of the rows between them. Those behind
    are new; they are counted if `counting`.
    """
    if not known:
        return Continuation()
    latest = known[-1]
    at_end = rows.at(sealed.last_seq for sealed in latest.tenants.values())
    found = {name: _hash_of(name, at_end.get(sealed.last_seq)) for name, sealed in latest.tenants.items()}
    parted = [name for name, sealed in latest.tenants.items() if found[name] != sealed.head]
    firsts = rows.firsts_of(parted)
    parted = [name for name in parted if not _was_pruned(firsts.get(name), latest.tenants[name])]
    lasts = rows.lasts_of([name for name in parted if found[name] is None])
    there = rows.at(seq for item in known for name in parted for seq, _ in _ends_within(item, name))
    divergences = []
    for name in parted:
        sealed, actual = latest.tenants[name], found[name]
        older = [item.tenants[name] for item in known[-2::-1] if name in item.tenants]
        there_too = (was for was in older if _hash_of(name, there.get(was.last_seq)) == was.head)
        agreed = next((was.last_seq for was in there_too), None)
        reach = (firsts[name][0], lasts[name]) if name in firsts and name in lasts else None
        behind = _lacks_behind(rows, name, sealed, known, reach) if actual is None else None
        divergences.append(Divergence(name, agreed, sealed.last_seq, sealed.head, actual, behind))
    is_older = bool(divergences) and all(item.lacks_behind is not None for item in divergences)
    if is_older:
        missing = min(item.seq for item in divergences)
        is_older = rows.numbered_through() < missing and not rows.behind(missing)
    new = rows.behind(latest.through) if counting else 0
    return Continuation(latest.number, latest.at, new, tuple(divergences), is_older)


def has_ends(rows: ChainRows, known: Checkpoint, also: Sequence[int]) -> bool:
    """Whether the last entries that a checkpoint knew are there; those with these numbers are looked up along
    with them.
    """
    rows.at([*(sealed.last_seq for sealed in known.tenants.values()), *also])
    return compare(rows, [known], counting=False).continues


def begins_alike(rows: ChainRows, known: Checkpoint, *, may_be_pruned: bool) -> bool:
    """Whether all chains begin as the checkpoint knew it; or later, not at genesis, if it `may_be_pruned`."""
    firsts = rows.firsts_of(known.tenants)
    there = rows.at(seq for seq, _ in firsts.values())

    def is_alike(name: str, sealed: SealedChain) -> bool:
        seq, previous = firsts.get(name, (LOWEST_SEQ, GENESIS))
        if may_be_pruned and begins_behind(seq, previous, sealed.first_seq):
            return True
        return seq == sealed.first_seq and _hash_of(name, there.get(seq)) == sealed.first_hash

    return all(is_alike(*pair) for pair in known.tenants.items())


def _lacks_behind(
    rows: ChainRows,
    tenant: str,
    sealed: SealedChain,
    known: Sequence[Checkpoint],
    reach: tuple[int, int] | None,
) -> int | None:
    """The tenant's last row (0: it has none), where it comes before the one last seen and the tenant has each
    row that was known up to there; else None. It `reach`es from its first row to its last.
    """
    if reach is None:
        return 0
    first, last = reach
    ends = {end for was in known for end in _ends_within(was, tenant) if first <= end[0] <= last}
    return last if last < sealed.last_seq and rows.count(ends, enough=len(ends)) >= len(ends) else None


def _hash_of(tenant: str, row: ChainRow | None) -> str | None:
    """The hash of a row, if it is the tenant's."""
    return row.hash if row is not None and row.tenant == tenant else None


def _was_pruned(first: tuple[int, str] | None, sealed: SealedChain) -> bool:
    """Whether a tenant's first row continues the one last seen: retention went by."""
    return first is not None and continues(*first, sealed.last_seq, sealed.head)


def ends_of(checkpoint: Checkpoint) -> Iterator[tuple[int, str]]:
    """The first and the last row of every tenant, by seq and hash."""
    for sealed in checkpoint.tenants.values():
        yield from _ends_of(sealed)


def _ends_within(checkpoint: Checkpoint, tenant: str) -> Sequence[tuple[int, str]]:
    """The same of one tenant, which it may not know."""
    sealed = checkpoint.tenants.get(tenant)
    return () if sealed is None else _ends_of(sealed)


def _ends_of(sealed: SealedChain) -> tuple[tuple[int, str], tuple[int, str]]:
    return (sealed.first_seq, sealed.first_hash), (sealed.last_seq, sealed.head)


@dataclass(frozen=True, slots=True)
class _Line:
    """What the checkpoints of one database, oldest first, know of the file.

    `reach` is, by tenant, the last row of those that they know that is there, or was pruned and is continued,
    by its seq, and the first checkpoint that knew it. By the hash it tells of every row before it.
    """

    database: KnownDatabase
    checkpoints: Sequence[Checkpoint]
    tenants: frozenset[str]
    reach: Mapping[str, tuple[int, Checkpoint]]
    is_there: bool
    """Whether any of its rows is there, or it is continued only."""

    @classmethod
    def of(
        cls, rows: ChainRows, database: KnownDatabase, checkpoints: Sequence[Checkpoint], *, look: int | None
    ) -> "_Line":
        """Looks for the rows of the newest `look` checkpoints, or of all."""
        first: dict[tuple[str, tuple[int, str]], Checkpoint] = {}
        for item in checkpoints:
            for tenant, chain in item.tenants.items():
                for end in _ends_of(chain):
                    first.setdefault((tenant, end), item)
        some = checkpoints[-look:] if look else checkpoints
        ends = {
            end: tenant for item in some for tenant, chain in item.tenants.items() for end in _ends_of(chain)
        }
        there = rows.at(seq for seq, _ in ends)
        reach: dict[str, tuple[int, Checkpoint]] = {}
        for end, tenant in sorted(ends.items()):
            if (row := there.get(end[0])) is not None and row.hash == end[1]:
                reach[tenant] = end[0], first[tenant, end]
        is_there = bool(reach)
        newest = checkpoints[-1].tenants if checkpoints else {}
        missing = [name for name, chain in newest.items() if reach.get(name, (None,))[0] != chain.last_seq]
        missing = missing if reach or rows.may_search else []
        for tenant, (seq, previous) in rows.firsts_of(missing).items():
            end = newest[tenant].last_seq, newest[tenant].head
            if continues(seq, previous, *end):  # retention went by
                reach[tenant] = end[0], first[tenant, end]
        tenants = frozenset(name for item in checkpoints for name in item.tenants)
        return cls(database, checkpoints, tenants, reach, is_there)

    @property
    def parted(self) -> Checkpoint | None:
        """With which a person said that it is another database than the one that it was a copy of."""
        begun = self.checkpoints[0]
        return begun if begun.reason == Reason.ANOTHER_DATABASE else None

    def tells_more(self, rows: ChainRows, other: "_Line") -> bool:
        """Whether it knows of rows that are there, or of a tenant that is, what the other cannot know."""
        mine, theirs = self.parted, other.parted
        further = {
            tenant: item
            for tenant, (seq, item) in self.reach.items()
            if seq > other.reached(tenant) and seq == item.tenants[tenant].last_seq
        }
        if theirs is None or (mine is not None and theirs.at <= mine.at):  # this one parted last, if any
            alone = {tenant for tenant, item in further.items() if item is not mine}
            begun = alone - other.tenants
        else:  # where one was pruned, it may begin within what both had
            alone = {tenant for tenant, item in further.items() if not may_be_past(item, theirs)}
            past = {name for item in self.checkpoints if may_be_past(item, theirs) for name in item.tenants}
            begun = past.union(self.reach) - other.tenants
        through = other.checkpoints[-1].through  # what begins behind it may have begun there
        return bool(alone & other.tenants) or any(
            first <= through or self.began(tenant) <= through
            for tenant, (first, _) in rows.firsts_of(begun).items()
        )

    def began(self, tenant: str) -> int:
        """The first number that the tenant had, whose rows are there; it may be pruned by now."""
        firsts = [item.tenants[tenant].first_seq for item in self.checkpoints if tenant in item.tenants]
        return min(firsts) if tenant in self.reach else HIGHEST_SEQ

    def reached(self, tenant: str) -> int:
        return self.reach[tenant][0] if tenant in self.reach else LOWEST_SEQ


def has_parted(line: Sequence[Checkpoint], other: Sequence[Checkpoint]) -> bool:
    """Whether a person, or an import of a part, said of one line, and not of the other since then, that it is
    another database.
    """
    begun = [item.at for item in line[:1] if item.reason == Reason.ANOTHER_DATABASE]
    since = [item.at for item in other[:1] if item.reason == Reason.ANOTHER_DATABASE]
    return bool(begun) and (not since or since <= begun)


def may_be_past(item: Checkpoint, parted: Checkpoint) -> bool:
    """Whether a database that `parted` from others may have been once what a checkpoint of theirs knew."""
    both = item.tenants.keys() & parted.tenants.keys()
    return item.at <= parted.at and all(
        was.last_seq < then.last_seq or (was.last_seq, was.head) == (then.last_seq, then.head)
        for was, then in ((item.tenants[name], parted.tenants[name]) for name in both)
    )


def _whose(
    rows: ChainRows, family: Sequence[_Line], all_of: Callable[[str], Sequence[Checkpoint]]
) -> KnownDatabase | None:
    """The database that the file is, of those that all know rows of it; see the rule."""

    def behind(line: _Line, other: _Line) -> bool:
        return other.tells_more(rows, line) and not line.tells_more(rows, other)

    last = [line for line in family if not any(behind(line, other) for other in family)] or family
    if len(last) == 1:
        return None if has_more(rows, all_of(last[0].database.id)) else last[0].database
    _, inode = rows.where.location
    fit = [line for line in last if compare(rows, line.checkpoints[-1:], counting=False).continues]

    def order(line: _Line) -> tuple[bool, bool, bool, bool, int]:
        alike = not any(other.tells_more(rows, line) for other in last)
        newest = is_all(rows, line.checkpoints[-1])
        moved = line in fit and line.database.file_id == inode  # a hint, of what the rows leave open
        exactly = newest or any(is_all(rows, item) for item in line.checkpoints[:-1])
        mixed = not alike and line not in fit
        return newest, moved, exactly, mixed, -(line.parted.at if line.parted else 0)

    found = max(last, key=order)
    seen_last = {line.database.path: line for line in reversed(fit)}  # of two in one place
    if is_all(rows, found.checkpoints[-1]):
        return found.database
    found = seen_last.get(found.database.path, found)
    other = next(line for line in [*seen_last.values(), *last] if line is not found)
    is_told = found.database.file_id == inode or any(is_all(rows, item) for item in found.checkpoints)
    if not is_told and (of := _copied_from(rows, [*seen_last.values()])):
        return of
    if len(seen_last) > 1 and not is_told:  # either of them may have become this
        doubt = doubts.either(found.database.path, other.database.path)
        return replace(found.database, doubt=doubt, undecided=True)
    return replace(found.database, doubt=doubts.may_be(other.database.path))


def _copied_from(rows: ChainRows, lines: Sequence[_Line]) -> KnownDatabase | None:
    """The one whose file, where it was seen, has all that is here; what nobody signed, too."""
    last = rows.last_of_each() if rows.may_search else {}
    there = [line.database for line in lines if last and rows.are_in(line.database.path, last)]
    return there[0] if len(there) == 1 else None


def has_more(rows: ChainRows, checkpoints: Sequence[Checkpoint], *, parts: bool = False) -> bool:
    """Whether a line that began with one tenant, as an import or another database if only `parts` are meant,
    is of a part alone of what the file is, a whole that was never seen: entries of others have numbers at
    which this one knew of none.
    """
    begun = [item for item in checkpoints if item.reason in NEW_LINE][-1:] or checkpoints[:1]
    if not (rows.may_search and begun) or len(begun[0].tenants) != 1:
        return False
    if parts and begun[0].reason not in (Reason.IMPORT, Reason.ANOTHER_DATABASE):
        return False
    is_part = compare(rows, begun, counting=False).continues
    return is_part and rows.has_others(begun[0].tenants, begun[0].through)


def is_all(rows: ChainRows, checkpoint: Checkpoint) -> bool:
    """Whether it knew just these entries, by their ends and, where it may be searched, their number."""
    ends = set(ends_of(checkpoint))
    if rows.count(ends, enough=len(ends)) < len(ends) or rows.behind(checkpoint.through):
        return False
    entries = sum(sealed.entries for sealed in checkpoint.tenants.values())
    return not rows.may_search or entries == rows.until(HIGHEST_SEQ)


def _with_moved_rows(rows: ChainRows, known: Sequence[DatabaseCheckpoints]) -> KnownDatabase | None:
    """The database whose known row lies under another seq, or was pruned and is continued; one pass.

    Of none that is not searched: it stays in its place, which tells it, too.
    """
    if not rows.may_search:
        return None
    owners: Mapping[str, KnownDatabase] = {
        value: database
        for database, checkpoints in known
        for checkpoint in checkpoints[-1:]
        for _, value in ends_of(checkpoint)
    }
    found = rows.with_any_hash(owners) if owners else None
    return None if found is None else owners.get(found[0]) or owners.get(found[1])
