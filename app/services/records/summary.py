"""What an entry of the audit chain says, in one line: who did what. The one place that knows the types.

Who acted is named without the host of an address; the payload has the whole.

And the records that an entry's payload names by their ids, and what they are called now.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from peewee import Column
from peewee import Table as Source

from app.services.chain.rules import MARKER_EVENT
from app.services.records import notifications
from app.services.records.history import MOVED, Named, told
from app.services.records.list_query import CELL_CHARACTERS
from app.services.records.rows import decoded, exactly, legible
from app.services.records.tables import ACTOR, NOTIFICATIONS, REDONE, UNDONE, Table
from app.services.text import counted, readable
from models.engine import Database
from models.schema import Schema
from models.status import AuditEvent as Event

_LONGEST: Final = 60
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
        did = f"{_CHANGED}{', '.join(map(_short, fields[:4]))}{of_what}"
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
            return True, f"{_short(before)} → {_short(after)}"
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
    name = next((_short(known.get(str(said[key])) or _named(key, said[key])) for key in there), None)
    if name is None:
        return None
    before, after = line.between
    if {before, after} <= said.keys():
        name += f": {_short(said[before])} → {_short(said[after])}"
    if line.of and said.get(line.of):
        name += f" of {_short(known.get(str(said[line.of])) or _named(line.of, said[line.of]))}"
    return name


def _named(key: str, value: object) -> str:
    """An id without its middle, as lists have it: else the end of the line, what was done, has no room."""
    text = _short(value)
    is_id = key.endswith("Id") and isinstance(value, str) and len(value) > 2 * _ENDS + 1
    return f"{value[:_ENDS]}…{value[-_ENDS:]}" if is_id and isinstance(value, str) else text


def _marked(said: Mapping[str, Any]) -> str | None:
    count, last = said.get("count"), said.get("toSeq")
    if not (isinstance(count, int) and isinstance(last, int)):
        return None
    return f"{counted(count, 'entry', 'entries')}, the last of them {last:,}"


def _short(value: object) -> str:
    text = " ".join((value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)).split())
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


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

_DEEP: Final = 4
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
    if depth > _DEEP:
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
