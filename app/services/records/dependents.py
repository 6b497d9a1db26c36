"""What goes along when rows are deleted: rows of any table that refer to them by foreign keys.

SQLite would delete or alter such rows silently, and nothing could put them back. So they are read, named,
written as changes of their own, children first, and come back with an undo.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter

from app.services import text
from app.services.records.images import MOST, Images, require_key
from app.services.records.references import Fate, detached_by, fate_of
from app.services.records.rows import ID, RowChange, StoredRow, Value
from app.services.records.tables import AUDIT_CHAIN
from app.services.records.unaltered import addable, followed
from models.errors import NotAllowed, ReferredByEntries, StillReferred
from models.freeing import let_go

Identity = tuple[str, tuple[Value, ...]]


@dataclass(frozen=True, slots=True)
class Removal:
    """Rows that go, with all that goes or changes along: `rows` in the order in which they are written.

    `along` counts by table, for each row that was to go, what is `alsoDeleted` and `alsoChanged` with it.
    """

    rows: tuple[RowChange, ...]
    along: Mapping[Identity, Mapping[str, Counter[str]]]

    def of(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """How many rows of which tables go along with one of the rows, for its audit entry."""
        return {what: dict(counted) for what, counted in self.along.get(row.identity, {}).items()}

    def back(self, row: StoredRow) -> dict[str, dict[str, int]]:
        """The same for the entry that says that they are there again."""
        total = sum(self.along.get(row.identity, {}).values(), Counter())
        return {"alsoRestored": dict(total)} if total else {}

    def __str__(self) -> str:
        """For a summary: “, with 2 rows of operator_reviews”, or nothing."""
        said = ""
        for word, what in (("with", "alsoDeleted"), ("changing", "alsoChanged")):
            total = sum((found.get(what, Counter()) for found in self.along.values()), Counter())
            said += f", {word} {_rows(total)}" if total else ""
        return said


def removal(images: Images, rows: Sequence[StoredRow]) -> Removal:
    """What deleting `rows` takes, found out before anything is written.

    Raises `Refused` where SQLite cannot follow a foreign key, `StillReferred`, which counts the rows that may
    not lose what they refer to and names which of `rows` they keep (`ReferredByEntries` where audit
    entries are among them), and `NotAllowed` where what goes or changes along could not be put back: rows in
    a circle, that break the file's own rules, that refer to nothing, or are referred to by what would change,
    too many rows.
    """
    own_tables = dict.fromkeys(row.table.name for row in rows)
    images.require_compiled([ask(table) for ask in (followed, addable) for table in own_tables])
    doomed: dict[Identity, StoredRow] = {row.identity: row for row in rows}
    root: dict[Identity, Identity] = {identity: identity for identity in doomed}
    before: dict[Identity, set[Identity]] = {identity: set() for identity in doomed}
    altered: dict[Identity, tuple[StoredRow, dict[str, Value]]] = {}
    held: dict[Identity, set[Identity]] = {}  # by which of those that were to go
    led: dict[tuple[str, tuple[tuple[str, Value], ...]], list[tuple[StoredRow, Identity]]] = {}
    frontier = list(rows)
    while frontier:
        found = list(images.referring(frontier, MOST + 1))
        frontier = []
        for child, key, parent in found:
            require_key(child.table)
            identity = child.identity
            root.setdefault(identity, root[parent.identity])
            if identity != parent.identity:
                before[parent.identity].add(identity)
            match fate_of(key):
                case Fate.GOES:
                    if identity not in doomed:
                        doomed[identity] = child
                        before[identity] = set()
                        frontier.append(child)
                case Fate.CHANGES:
                    detached = detached_by(child.table, key)
                    if detached is None or any(images.referring_to(child, detached.keys(), 1)):
                        held.setdefault(identity, set()).add(root[parent.identity])
                        continue
                    altered.setdefault(identity, (child, {}))[1].update(detached)
                    to = tuple(zip(key.parent_columns, detached.values(), strict=True))
                    led.setdefault((parent.table.name, to), []).append((child, root[parent.identity]))
                case Fate.KEEPS:
                    held.setdefault(identity, set()).add(root[parent.identity])
        if len(doomed) - len(rows) + len(altered) > MOST:
            raise NotAllowed(
                f"More than {MOST:,} rows of other tables would go along; nothing was changed. "
                "Remove some of those first."
            )
    defaulted: list[tuple[Identity, Identity, set[Identity]]] = []
    for (table, to), children in led.items():
        names, values = zip(*to, strict=True)
        if None not in values:
            there = {row.identity for row in images.matching(table, names, [values])}
            # A default may lead to what goes as well, or to nothing.
            if there <= doomed.keys():
                ends = {root[one] for one in there}
                defaulted += [(child.identity, of, ends) for child, of in children]
    for identity, of, ends in defaulted:
        if not ends or of in ends:
            held.setdefault(identity, set()).add(of)
    kept = set().union(*(held[identity] for identity in held.keys() - doomed.keys()))
    for identity, of, ends in defaulted:  # what has to stay anyway may be referred to
        if ends.isdisjoint(kept):
            held.setdefault(identity, set()).add(of)
    if still := held.keys() - doomed.keys():
        keep = set().union(*(held[identity] for identity in still))
        ids = [row[ID] for row in rows if row.identity in keep]
        counted = Counter(table for table, _ in still)
        refusal = ReferredByEntries if AUDIT_CHAIN.name in counted else StillReferred
        raise refusal(_rows(counted), ids, len(rows))
    images.require_compiled([addable(table) for table in dict.fromkeys(table for table, _ in doomed)])
    images.refuse_unaddable([*({key: child for key, (child, _) in altered.items()} | doomed).values()])
    images.refuse_unalterable([change for identity, change in altered.items() if identity not in doomed])
    changes = [
        child.altered(values) for identity, (child, values) in altered.items() if identity not in doomed
    ]
    changes += [doomed[identity].removed() for identity in _children_first(before, doomed)]
    images.refuse_orphans(changes)
    own = {row.identity for row in rows}
    deleted = (identity for identity in doomed if identity not in own)
    changed = (identity for identity in altered if identity not in doomed)
    along: dict[Identity, dict[str, Counter[str]]] = {}
    for what, identities in (("alsoDeleted", deleted), ("alsoChanged", changed)):
        for identity in identities:
            along.setdefault(root[identity], {}).setdefault(what, Counter())[identity[0]] += 1
    let_go(root, before, doomed, altered, own)
    return Removal(tuple(changes), along)


def _rows(counted: Mapping[str, int]) -> str:
    """ "2 rows of answers and more than 10,000 rows of reviews"."""
    return " and ".join(
        f"{text.counted(count, 'row') if count <= MOST else f'more than {MOST:,} rows'} of {table}"
        for table, count in sorted(counted.items())
    )


def _children_first(
    before: dict[Identity, set[Identity]], doomed: dict[Identity, StoredRow]
) -> Sequence[Identity]:
    if not any(before.values()):
        return tuple(doomed)
    graph = {parent: children & doomed.keys() for parent, children in before.items()}
    try:
        return tuple(TopologicalSorter(graph).static_order())
    except CycleError as error:
        tables = " and ".join(sorted({table for table, _ in error.args[1]}))
        raise NotAllowed(
            f"Rows of {tables} refer to each other in a circle, so none of them can go first; "
            "nothing was changed."
        ) from None
