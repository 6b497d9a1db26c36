"""What the audit chain says of one record: the entries that name it, the newest first, a page at a time.

And what an entry says, in one line: who did what. The one place that knows the types. Who acted is named
without the host of an address; the payload has the whole. The records that it names by their ids are called
what they are called now.
"""

import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from operator import or_
from types import MappingProxyType
from typing import Any, Final

from peewee import SQL, BaseQuery, Column, fn
from peewee import Table as Source

from app.services.chain.rules import MARKER_EVENT
from app.services.records import notifications
from app.services.records.list_query import CELL_CHARACTERS
from app.services.records.rows import Value, decoded, exactly, legible, shown
from app.services.records.tables import ACTOR, AUDIT_CHAIN, NOTIFICATIONS, REDONE, UNDONE, Table
from app.services.text import counted, readable
from models.engine import Database, Rows
from models.errors import UndecodableText
from models.schema import Schema, StoredTable
from models.status import AuditEvent as Event
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


def _short(text: str, longest: int = _LONGEST) -> str:
    line = " ".join(text.split())
    return line if len(line) <= longest else f"{line[: longest - 1]}…"


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


_LONGEST_SHOWN: Final = 60
"""Characters of a name within the line."""

_ENDS: Final = 4
"""Characters of an id's beginning, and of its end."""

_CHANGED: Final = "changed "

_USER, _WEBHOOK, _RUN = ("email", "userId"), ("name", "url", "webhookId"), ("runId",)
_IDEA = ("ideaId",)
_TITLE = ("title",)


@dataclass(frozen=True, slots=True)
class _Template:
    """`did`, then the first field of `names` that is there, or as many of a `noun` as `count` says. `between`
    are two fields, before and after a change; `of` is one that says what it belongs to.
    """

    did: str
    names: tuple[str, ...] = ()
    noun: str = ""
    between: tuple[str, str] = ("", "")
    of: str = ""


_LINES: Final[Mapping[str, _Template]] = {
    Event.USER_CREATED: _Template("created user", _USER),
    Event.USER_UPDATED: _Template("changed user", _USER),
    Event.USER_DELETED: _Template("deleted user", _USER),
    Event.USER_RESTORED: _Template("brought back user", _USER),
    Event.USER_MOVED: _Template("moved user", _USER),
    Event.USERS_CREATED: _Template("created", noun="user"),
    Event.USERS_DELETED: _Template("deleted", noun="user"),
    Event.WEBHOOK_CREATED: _Template("created webhook", _WEBHOOK),
    Event.WEBHOOK_UPDATED: _Template("changed webhook", _WEBHOOK),
    Event.WEBHOOK_ACTIVATED: _Template("activated webhook", _WEBHOOK),
    Event.WEBHOOK_DEACTIVATED: _Template("deactivated webhook", _WEBHOOK),
    Event.WEBHOOK_DELETED: _Template("deleted webhook", _WEBHOOK),
    Event.WEBHOOK_RESTORED: _Template("brought back webhook", _WEBHOOK),
    Event.NOTIFICATIONS_CREATED: _Template("created notification", _TITLE),
    Event.NOTIFICATIONS_READ: _Template("marked as read", noun="notification"),
    Event.NOTIFICATIONS_UNREAD: _Template("marked as unread", noun="notification"),
    Event.NOTIFICATIONS_DELETED: _Template("deleted", noun="notification"),
    Event.NOTIFICATIONS_RESTORED: _Template("brought back", noun="notification"),
    Event.RUN_PAUSED: _Template("paused run", _RUN),
    Event.RUN_RESUMED: _Template("resumed run", _RUN),
    Event.RUN_COMPLETED: _Template("completed run", _RUN),
    Event.RUN_KILLED: _Template("killed run", _RUN),
    Event.RUN_CANCELLED: _Template("cancelled run", _RUN),
    Event.RUN_DELETED: _Template("deleted run", _RUN),
    Event.RUN_RESTORED: _Template("brought back run", _RUN),
    Event.RUN_CREATED: _Template("created run", _RUN),
    Event.RUN_REMOVED: _Template("took back run", _RUN),
    Event.IDEA_PARKED: _Template("parked idea", _IDEA),
    Event.IDEA_UPDATED: _Template("changed parked idea", _IDEA),
    Event.IDEA_PROMOTED: _Template("promoted an idea to run", _RUN),
    Event.IDEA_DELETED: _Template("deleted parked idea", _IDEA),
    Event.IDEA_RESTORED: _Template("brought back parked idea", _IDEA),
    Event.WORKFLOW_DISPATCHED: _Template("began", ("phase", "workflowInstanceId"), of="runId"),
    Event.WORKFLOW_COMPLETED: _Template("completed", ("phase", "workflowInstanceId"), of="runId"),
    Event.FILE_UPLOADED: _Template("uploaded", ("name", "fileId")),
    Event.SETTINGS_CHANGED: _Template("changed", ("setting",), between=("from", "to")),
    Event.RETENTION_REMOVED: _Template("removed by retention:"),
    Event.RETENTION_COMPLETED: _Template("completed retention:"),
    Event.RETENTION_FAILED: _Template("did not complete retention:"),
    Event.TENANT_ERASED: _Template("erased tenant", ("tenant",)),
    Event.DATABASE_RESTORED: _Template("restored the database from", ("source", "bookmark")),
    MARKER_EVENT: _Template("removed"),
}


def summary(
    event_type: object, payload: object, known: Mapping[str, str] = MappingProxyType({})
) -> str | None:
    """The line; None for a type that is not known, or a payload without what its type tells. The payload may
    be cut as a list cuts it (`CELL_CHARACTERS`). `known` says what a record is called, by its id.
    """
    said = _fields(payload) if isinstance(payload, str) else {}
    done = _done(event_type, said, known)
    if done is None:
        return None
    actor = told(said)[0]
    return f"{actor.partition('@')[0]} {done}" if actor else sentence(done)


def done_to(record: Named, event_type: object, said: object) -> str | None:
    """The same of a payload as JSON gives it, without who did it, and without the record, who knows which."""
    return _done(event_type, said if isinstance(said, dict) else {}, about=record)


def sentence(words: str) -> str:
    """As it begins where nobody did it."""
    return words[0].upper() + words[1:]


def _done(
    event_type: object,
    said: Mapping[str, Any],
    known: Mapping[str, str] = MappingProxyType({}),
    *,
    about: Named | None = None,
) -> str | None:
    """What was done, without the name of the record that all is `about`."""
    line = _LINES.get(event_type) if isinstance(event_type, str) else None
    what = _what(line, said, str(event_type), known) if line is not None and said else None
    if line is None or what is None:
        return None
    if about is not None:
        ids = {str(said.get(key)) for key in (*line.names, line.of)}
        if {about.record_id, about.email} & ids or line.names == _TITLE or said.get("count") == 1:
            what = what.rpartition(" of ")[0] if line.of else ""
    _, changes = told(said)
    did, (renamed, old_and_new), fields = line.did, _renamed(said), said.get("changed")
    if isinstance(fields, list) and fields and did.startswith(_CHANGED):
        of_what = f" of {did.removeprefix(_CHANGED)}" if what else ""
        did = f"{_CHANGED}{', '.join(map(_in_short, fields[:4]))}{of_what}"
    if event_type == Event.USER_UPDATED and renamed:
        did, what, changes = "renamed user", old_and_new, ""
    for word, of in (("undid", said.get(UNDONE)), ("redid", said.get(REDONE))):
        if isinstance(of, str) and (taken := _LINES.get(of)) is not None:
            if (taken.names, taken.noun) != (line.names, line.noun):  # that was of something else
                what = f"({did} {what})" if what else ""
            did = f"{word} “{did if of == event_type else taken.did}”"
    if changes.startswith(MOVED):
        what, changes = f"{what} {changes.removeprefix(MOVED)}".strip(), ""
    words = " ".join(filter(None, (did, what)))
    return f"{words} ({changes})" if changes and line.names else words


def unnamed(event_type: object, payload: object) -> list[tuple[str, str]]:
    """The fields of the payload whose ids stand in the line, as it has no names for them."""
    line = _LINES.get(event_type) if isinstance(event_type, str) else None
    said = _fields(payload) if line is not None and isinstance(payload, str) else {}
    if line is None:
        return []
    first = next((key for key in line.names if said.get(key) not in (None, "")), "")
    ids = [(key, said.get(key)) for key in (first, line.of) if key.endswith("Id")]
    return [(key, value) for key, value in ids if isinstance(value, str) and value]


def _renamed(said: Mapping[str, Any]) -> tuple[bool, str]:
    """Whether an address is all that was changed, and both of them."""
    match said.get("changes"):
        case {"email": {"from": before, "to": after}, **others} if not others:
            return True, f"{_in_short(before)} → {_in_short(after)}"
    return False, ""


def actor_of(payload: object) -> str | None:
    """Who acted, whole; None where a payload names nobody."""
    actor = _fields(payload).get(ACTOR) if isinstance(payload, str) else None
    return actor if isinstance(actor, str) and actor else None


def _what(line: _Template, said: Mapping[str, Any], event_type: str, known: Mapping[str, str]) -> str | None:
    if event_type == MARKER_EVENT:
        return _marked(said)
    if line.did.endswith(":"):
        removed = said.get("removed")
        if not isinstance(removed, dict):
            return None
        rows = removed.values()
        return counted(sum(count for count in rows if isinstance(count, int)), "row")
    if line.noun:
        count = said.get("count")
        return counted(count, line.noun) if isinstance(count, int) else None
    if not line.names:
        return ""
    there = (key for key in line.names if said.get(key) not in (None, ""))
    name = next((_in_short(known.get(str(said[key])) or _named(key, said[key])) for key in there), None)
    if name is None:
        return None
    before, after = line.between
    if {before, after} <= said.keys():
        name += f": {_in_short(said[before])} → {_in_short(said[after])}"
    if line.of and said.get(line.of):
        name += f" of {_in_short(known.get(str(said[line.of])) or _named(line.of, said[line.of]))}"
    return name


def _named(key: str, value: object) -> str:
    """An id without its middle, as lists have it: else the end of the line, what was done, has no room."""
    text = _in_short(value)
    is_id = key.endswith("Id") and isinstance(value, str) and len(value) > 2 * _ENDS + 1
    return f"{value[:_ENDS]}…{value[-_ENDS:]}" if is_id and isinstance(value, str) else text


def _marked(said: Mapping[str, Any]) -> str | None:
    count, last = said.get("count"), said.get("toSeq")
    if not (isinstance(count, int) and isinstance(last, int)):
        return None
    return f"{counted(count, 'entry', 'entries')}, the last of them {last:,}"


def _in_short(value: object) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return _short(text, _LONGEST_SHOWN)


def _fields(payload: str) -> dict[str, Any]:
    """The fields of an object; of one that was cut, those that stand in it whole."""
    try:
        whole = json.loads(payload)
    except (ValueError, RecursionError):
        return _beginning(payload) if len(payload) >= CELL_CHARACTERS else {}
    return whole if isinstance(whole, dict) else {}


def _beginning(payload: str) -> dict[str, Any]:
    found, decoder = dict[str, Any](), json.JSONDecoder()
    rest = payload.lstrip()
    try:
        while rest[:1] in ("{", ","):
            key, end = decoder.raw_decode(rest[1:].lstrip())
            rest = rest[1:].lstrip()[end:].lstrip()
            value, end = decoder.raw_decode(rest[1:].lstrip())
            rest = rest[1:].lstrip()[end:].lstrip()
            if rest:  # else it may have been cut, too
                found[str(key)] = value
    except (ValueError, RecursionError):
        pass
    return found


MOST: Final = 20
"""Records that are looked up of one payload, which may name a thousand."""

NAMES: Final[Mapping[str, Table]] = {
    **notifications.NAMES,
    "notificationId": NOTIFICATIONS,
    "notificationIds": NOTIFICATIONS,
}
"""Under which names payloads hold ids, or lists of them, and of which table."""

_DEEP_FOR_IDS: Final = 4
_LONGEST_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Mentioned:
    """A record that a payload names: its `title` is None where this database has it no more, and `tenant_id`
    where it has none.
    """

    table: Table
    id: str
    title: str | None = None
    tenant_id: str | None = None


@dataclass(frozen=True, slots=True)
class Mentions:
    """The first `MOST` records of a payload, in its order, and how many `more` it names."""

    records: tuple[Mentioned, ...] = ()
    more: int = 0


def mentioned(payload: str) -> Mentions:
    """What a payload names, of which nothing is known yet; nothing where it is no JSON."""
    try:
        found = list(dict.fromkeys(_ids(json.loads(payload))))
    except (ValueError, RecursionError):
        return Mentions()
    records = tuple(Mentioned(NAMES[name], record_id) for name, record_id in found)
    distinct = tuple(dict.fromkeys(records))
    return Mentions(distinct[:MOST], len(distinct[MOST:]))


def looked_up(database: Database, mentions: Mentions, schema: Schema) -> Mentions:
    """The same with what each is called, all of one moment; each that is there is one row that is read."""
    asked = [
        table
        for table in dict.fromkeys(record.table for record in mentions.records)
        if table.name in schema.stored and table.key.source in schema.stored[table.name].names
    ]
    there: dict[tuple[str, str], Mentioned] = {}
    found = database.read_batch([_query(table, mentions, schema) for table in asked]) if asked else []
    for table, rows in zip(asked, found, strict=True):
        for row in rows:
            key, tenant, *names = (None if cell is None else legible(decoded(cell)) for cell in row)
            title = next(filter(None, map(readable, names)), readable(key))[:_LONGEST_NAME]
            whose = None if tenant is None else readable(tenant)
            there[table.name, readable(key)] = Mentioned(table, readable(key), title, whose)
    known = (
        there.get((record.table.name, record.id)) or Mentioned(record.table, record.id)
        for record in mentions.records
    )
    return Mentions(tuple(known), mentions.more)


def _query(table: Table, mentions: Mentions, schema: Schema) -> Any:
    """Id, tenant and names of the records of a table, as far as the file has these columns."""
    names, source = schema.stored[table.name].names, Source(table.name)
    key = Column(source, table.key.source)
    wanted = ("tenant_id", *table.heading)
    cells = [exactly(Column(source, name) if name in names else None) for name in wanted]
    ids = [record.id for record in mentions.records if record.table is table]
    return source.select(exactly(key), *cells).where(key.in_(ids))


def _ids(value: object, depth: int = 0) -> Iterator[tuple[str, str]]:
    if depth > _DEEP_FOR_IDS:
        return
    if isinstance(value, list):
        for inner in value:
            yield from _ids(inner, depth + 1)
    elif isinstance(value, dict):
        for name, inner in value.items():
            if name in NAMES:
                several = inner if isinstance(inner, list) else [inner]
                yield from ((name, one) for one in several if isinstance(one, str) and one)
            else:
                yield from _ids(inner, depth + 1)
