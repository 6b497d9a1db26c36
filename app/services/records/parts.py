"""The part of an act on many that can be taken back by itself, where others have changed the rest."""

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from app.services.chain.append import Event, Listed
from app.services.records.applying import Left
from app.services.records.change import Change
from app.services.records.rows import Image, RowChange, Value, shown, storage_class
from app.services.records.tables import ACTOR, DECLARED
from app.services.records.urls import without_urls
from app.services.text import visible

_ID: Final = "Id"
_IDS: Final = "Ids"
_USERS: Final = "users"
"""How payloads name records: one by a key that ends so, many by a list of ids, or of users with theirs."""
_LONGEST: Final = 60
"""Characters of a name that is said."""
_ALONG: Final = "also"
"""How what they say of rows of other tables begins, which are of no record by themselves."""

_OF_WHOLE: Final = re.compile(r" \([0-9,]+ of ([0-9,]+)\)\Z")
"""How the name of a part ends."""

Told = tuple[str, Any]
"""An id as payloads give it, told from those that look alike by its storage class as well."""


def _told(record_id: Any) -> Told:
    return storage_class(record_id), record_id


@dataclass(frozen=True, slots=True)
class ActPart:
    """The records of an act, of so many, that are as it left them; the others are `left`."""

    change: Change = field(repr=False)
    left: Left
    of: int

    @property
    def count(self) -> int:
        return len(self.change.rows)

    def called(self, act: str) -> str:
        """What is a part already stays one of the whole act."""
        whole = _OF_WHOLE.search(act)
        act, of = (act, f"{self.of:,}") if whole is None else (act[: whole.start()], whole[1])
        return f"{act} ({self.count:,} of {of})"

    def beside(self, before: "ActPart | None") -> "ActPart":
        """The same of the whole act of which it is a part of the part `before`."""
        return self if before is None else replace(self, left=before.left.and_also(self.left), of=before.of)


def part_of(change: Change, kept: Collection[tuple[str, Value]]) -> Change | None:
    """What the act did to these records alone, by table and id, with the entries that tell of that. None
    where its entries do not tell one from the others (they give bytes, say, as a text that is another's id),
    or rows of other tables went along.
    """
    rows = tuple(row for row in change.rows if (row.table, row.record_id) in kept)
    if not 0 < len(rows) < len(change.rows) or len(change.by_table) > 1:
        return None
    names, every = ({_told(shown(row.record_id)) for row in some} for some in (rows, change.rows))
    if len(every) < len({row.record_id for row in change.rows}):
        return None
    done, back = (_those_of(events, names, every) for events in (change.events, change.inverse_events))
    if not done or not back:
        return None
    return replace(change, rows=rows, events=done, inverse_events=back, behind=None, left="")


def _those_of(events: Sequence[Event], kept: set[Told], every: set[Told]) -> tuple[Event, ...] | None:
    found: list[Event] = []
    for event in events:
        payload, named = event.payload, set(_named(event.payload))
        if not named or not named <= every or any(key.startswith(_ALONG) for key in payload):
            return None
        if named <= kept:
            found.append(event)
        elif named & kept:
            found.append(replace(event, payload=_narrowed(payload, kept)))
    return tuple(found)


def _named(payload: Mapping[str, Any]) -> Iterator[Told]:
    for key, value in payload.items():
        if key == _USERS:
            yield from (_told(one["userId"]) for one in value)
        elif key.endswith(_IDS):
            yield from map(_told, value)
        elif key.endswith(_ID) and key != ACTOR:
            yield _told(value)


def _narrowed(payload: Mapping[str, Any], kept: set[Told]) -> dict[str, Any]:
    """Of a payload that names many."""
    found = dict(payload)
    for key, value in payload.items():
        if key == _USERS:
            some = [one for one in value if _told(one["userId"]) in kept]
            found |= {key: Listed.of(some) if isinstance(value, Listed) else some, "count": len(some)}
        elif key.endswith(_IDS):
            some = [one for one in value if _told(one) in kept]
            found |= {key: some, "count": len(some)}
    return found


def names_in(change: Change) -> dict[Told, Mapping[str, Any]]:
    """What its entries say of single records, by their ids: a name, perhaps, of one that is gone."""
    found: dict[Told, Mapping[str, Any]] = {}
    for event in change.events:
        for one in event.payload.get(_USERS) or [event.payload]:
            ids = [*_named(one)]
            if len(ids) == 1:
                found[ids[0]] = one
    return found


def _called(row: RowChange, told: Mapping[Told, Mapping[str, Any]], image: Image | None) -> str:
    """What people call a record: what the act knew it by, or what it is called now; else its id."""
    heading = DECLARED[row.table].heading if row.table in DECLARED else ()
    for known in (row.before, row.after, told.get(_told(shown(row.record_id))), image):
        for column in heading:
            if name := " ".join(str(shown(without_urls((known or {}).get(column))) or "").split()):
                return _cut(name)
    return _cut(str(shown(row.record_id)))


def _cut(name: str) -> str:
    return visible(name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…")


def called_each(
    rows: Sequence[RowChange], told: Mapping[Told, Mapping[str, Any]], images: Sequence[Image | None]
) -> list[tuple[str, str]]:
    """What each of the records of an act is called, and its id where that does not say which it is: others
    of the act are called so, too; else "".
    """
    names = [_called(row, told, image) for row, image in zip(rows, images, strict=True)]
    shared = {name for name, count in Counter(names).items() if count > 1}
    ids = (_cut(str(shown(row.record_id))) for row in rows)
    return [
        (name, one if name in shared and one != name else "") for name, one in zip(names, ids, strict=True)
    ]
