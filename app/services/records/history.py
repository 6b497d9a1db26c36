"""What the audit chain says of one record: the entries that name it, the newest first, a page at a time."""

import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from typing import Any, Final

from peewee import SQL, BaseQuery, fn

from app.services.records.rows import Value, decoded, exactly, legible, shown
from app.services.records.tables import ACTOR, AUDIT_CHAIN, REDONE, UNDONE
from app.services.text import readable
from models.engine import Database, Rows
from models.errors import UndecodableText
from models.schema import Schema, StoredTable
from models.tables import AuditEntry

PAGE: Final = 20
"""Entries of a page."""

AT_ONCE: Final = 100_000
"""Numbers that one statement looks through: some 30 ms on a file."""

LOOKED_THROUGH: Final = 300_000
"""And all of a page, where reading costs nothing."""

CHARGED: Final = 10_000
"""And where each row that is read is charged."""

_PAYLOAD = 131_072
"""Characters read of a payload: more than the longest that names many."""
_DEEP = 12
_LONGEST = 40


@dataclass(frozen=True, slots=True)
class Named:
    """How entries name a record: by its id anywhere in a payload but as who acted, and by an address (of
    users, whom the platform's own entries name so) where they name no other id.
    """

    record_id: str
    email: str = ""

    @classmethod
    def of(cls, record_id: Value, email: str = "") -> "Named | None":
        """None for an id that no payload can have."""
        known = shown(record_id)
        return cls(str(known), email) if isinstance(known, str | int) and str(known) else None

    def texts(self) -> list[str]:
        """What a payload that names it contains, however its JSON was written."""
        forms = [
            json.dumps(name, ensure_ascii=way)
            for name in (self.record_id, self.email)
            if name
            for way in (False, True)
        ]
        if self.record_id.isascii() and self.record_id.isdigit():
            forms += [f":{self.record_id}", f": {self.record_id}"]
        return list(dict.fromkeys(forms))

    def is_in(self, payload: object) -> bool:
        """Whether a payload, as JSON gives it, is about the record."""
        if any(key != ACTOR and str(value) == self.record_id for key, value in _leaves(payload)):
            return True
        if not self.email or not isinstance(payload, dict):
            return False
        return payload.get("email") == self.email and payload.get("userId") in (None, "")


@dataclass(frozen=True, slots=True)
class PastEntry:
    """One entry that names a record: `what` it says beside that, in a few words."""

    seq: int
    tenant_id: str
    event_type: str
    actor: str
    what: str
    created_at: Any
    said: Any = field(default=None, repr=False, compare=False)
    """The payload as JSON gives it; None for what is no JSON."""


@dataclass(frozen=True, slots=True)
class Past:
    """The entries of a page. Those with numbers from `looked_to` on were looked at; None: all there are."""

    entries: tuple[PastEntry, ...]
    looked_to: int | None = None


def is_kept(schema: Schema) -> bool:
    """Whether the file has a chain that can be looked through by its numbers."""
    return _is_numbered(schema.stored.get(AUDIT_CHAIN.name))


def _is_numbered(stored: StoredTable | None) -> bool:
    wanted = {"seq", "event_type", "payload"}
    return stored is not None and stored.rowid == "seq" and wanted <= set(stored.names)


def newest_naming(stored: StoredTable | None, named: Sequence[Named], of: int, most: int) -> BaseQuery | None:
    """What finds the newest entries that name any of these records, at most so many, among the newest `of`:
    whoever reads it gives its rows to `entries_of`. None where the chain cannot be looked through by its
    numbers.
    """
    if stored is None or not _is_numbered(stored):
        return None
    newest = AuditEntry.alias()
    among = AuditEntry.seq > fn.COALESCE(newest.select(fn.MAX(newest.seq)), 0) - of
    query: BaseQuery = _asked(
        [exactly(cell) for cell in _cells(set(stored.names))], among & _names(*named), most
    )
    return query


def entries_of(rows: Rows, named: Named) -> list[PastEntry]:
    """Those of the rows of `newest_naming` that are about one of its records."""
    found = (_entry((row[0], *(legible(decoded(cell)) for cell in row[1:])), named) for row in rows)
    return [entry for entry in found if entry is not None]


def read_past(
    database: Database, schema: Schema, named: Named, before: int | None = None, *, most: int = LOOKED_THROUGH
) -> Past:
    """The newest entries with numbers below `before` (None: all) that name the record, at most `PAGE`, of
    `most` numbers; no statement looks through more than `AT_ONCE` of them.
    """
    there = set(schema.stored[AUDIT_CHAIN.name].names)
    ends = database.read_batch(
        [AuditEntry.select(fn.MIN(AuditEntry.seq)), AuditEntry.select(fn.MAX(AuditEntry.seq))]
    )
    (first,), (last,) = (rows[0] for rows in ends)
    if first is None:
        return Past(())
    above = last + 1 if before is None else min(before, last + 1)
    lowest, found = max(first, above - most), list[PastEntry]()
    while above > lowest and len(found) < PAGE:
        low, wanted = max(lowest, above - min(AT_ONCE, most)), PAGE - len(found)
        rows = _read(database, named, there, range(low, above), wanted)
        entries = (_entry(row, named) for row in rows)
        found += [entry for entry in entries if entry is not None]
        above = rows[-1][0] if len(rows) == wanted else low
    return Past(tuple(found), None if above <= first else above)


def told(payload: object) -> tuple[str, str]:
    """Who acted, and what was done beside that, as far as a payload says it in a form that is ours or the
    platform's: changes with their values, else how many records it names; and the reason given.
    """
    if not isinstance(payload, dict):
        return "", ""
    actor = payload.get(ACTOR)
    changes = payload.get("changes")
    parts = []
    if isinstance(changes, dict):
        undone = isinstance(payload.get(UNDONE), str)
        parts = [_change(str(name), change, undone=undone) for name, change in changes.items()]
    elif isinstance(count := payload.get("count"), int) and count > 1:
        parts = [f"with {count - 1:,} more"]
    reason = payload.get("reason")
    why = [f"“{_short(reason)}”"] if isinstance(reason, str) and reason else []
    return _short(actor) if isinstance(actor, str) else "", ", ".join([*parts[:4], *why])


_WHOLE: Final = 1_000
"""Characters of a value that is told whole."""


def told_whole(payload: object) -> list[str]:
    """The changes with their whole values, as far as a person reads them, where `told` would cut one."""
    changes = payload.get("changes") if isinstance(payload, dict) else None
    found = []
    for name, change in changes.items() if isinstance(changes, dict) else ():
        if isinstance(change, dict) and {"from", "to"} <= change.keys():
            both = change["from"], change["to"]
            before, after = ("(none)" if one is None else readable(one)[:_WHOLE] for one in both)
            if max(len(before), len(after)) > _LONGEST:
                found.append(f"{name}: {before} → {after}")
    return found


MOVED: Final = "moved "
"""How a change of the tenant begins."""

_WORDS: Final = {"set", "replaced", "removed", "invalidated"}
"""What our entries say of a change whose values nobody is told."""
_UNDONE_WORDS: Final = {"set": "brought back", "replaced": "put back", "removed": "removed again"}
"""And where that takes another one back: nobody has chosen one."""


def _change(name: str, change: object, *, undone: bool) -> str:
    if isinstance(change, str) and change in _WORDS:
        word = _UNDONE_WORDS.get(change, change) if undone else change
        return f"{_short(name).removesuffix('_hash')} {word}"
    if name == "tenant_id" and isinstance(change, dict) and {"from", "to"} <= change.keys():
        return (
            f"{MOVED}to {_value(change['to'])} from {_value(change['from'])}"  # where to first: it may be cut
        )
    if not isinstance(change, dict) or not {"from", "to"} <= change.keys():
        return _short(name)
    before, after = (_value(change[key]) for key in ("from", "to"))
    return f"{_short(name)}: {before} → {after}"


def _value(value: object) -> str:
    return "(none)" if value is None else _short(readable(value)) or "(empty)"


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _leaves(value: object, key: str = "", depth: int = 0) -> Iterator[tuple[str, object]]:
    """The values of a payload that are neither lists nor objects, each with the name it stands under."""
    if depth > _DEEP:
        return
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _leaves(inner, name, depth + 1)
    elif isinstance(value, list):
        for inner in value:
            yield from _leaves(inner, key, depth + 1)
    else:
        yield key, value


def once_each(entries: Sequence[PastEntry]) -> list[PastEntry]:
    """Without the second of two entries that say the same of one change, in the chain of either tenant."""
    found: list[PastEntry] = []
    for entry in entries:
        before = found[-1] if found else None
        is_same = (
            before is not None
            and before.tenant_id != entry.tenant_id
            and (before.event_type, before.created_at) == (entry.event_type, entry.created_at)
            and before.said is not None
            and before.said == entry.said
        )
        if not is_same:
            found.append(entry)
    return found


class StillHolds:
    """Which entries of a record hold, asked of each of them, the newest first: none that has been undone, nor
    what has undone it.
    """

    def __init__(self) -> None:
        self._undone: list[object] = []

    def __call__(self, event: object, undone: object) -> bool:
        """`undone` is the kind of entry that this one takes back; None for one that is no undo."""
        if undone is not None:  # which may be of the same kind as what another one takes back
            self._undone.append(undone)
            return False
        is_undone = bool(self._undone) and event == self._undone[-1]
        if is_undone:
            self._undone.pop()
        return not is_undone


def _entry(row: tuple[Any, ...], named: Named) -> PastEntry | None:
    seq, tenant, event, payload, created = row
    try:
        said = json.loads(payload)
    except (ValueError, TypeError, RecursionError):
        said = None  # it has the record's name in it, whatever else it is
    if said is not None and not named.is_in(said):
        return None
    actor, what = told(said)
    for word, of in (("by an undo", UNDONE), ("done again", REDONE)):
        if isinstance(said, dict) and isinstance(said.get(of), str):
            what = ", ".join(filter(None, (what, word)))
    return PastEntry(seq, readable(tenant), readable(event), actor, what, created, said)


def _read(database: Database, named: Named, there: Collection[str], within: range, most: int) -> Rows:
    columns = _cells(there)
    # The last number there is has none behind it that could be bound.
    wanted = (AuditEntry.seq >= within.start) & (AuditEntry.seq <= within.stop - 1) & _names(named)
    try:
        return database.rows(_asked(columns, wanted, most))
    except UndecodableText:
        found = database.rows(_asked([exactly(cell) for cell in columns], wanted, most))
        return [(row[0], *(legible(decoded(cell)) for cell in row[1:])) for row in found]


def _cells(there: Collection[str]) -> list[Any]:
    columns = [
        getattr(AuditEntry, name) if name in there else SQL("NULL")
        for name in ("tenant_id", "event_type", "payload", "created_at")
    ]
    columns[2] = fn.SUBSTR(AuditEntry.payload, 1, _PAYLOAD)
    return columns


def _names(*named: Named) -> Any:
    texts = (text for one in named for text in one.texts())
    return reduce(or_, (fn.INSTR(AuditEntry.payload, text) > 0 for text in texts))


def _asked(cells: list[Any], wanted: Any, most: int) -> Any:
    return AuditEntry.select(AuditEntry.seq, *cells).where(wanted).order_by(AuditEntry.seq.desc()).limit(most)
