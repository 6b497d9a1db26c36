"""Which entry somebody means: by its number, or by its hash or the beginning of it."""

import json
import re
from collections.abc import Sequence
from typing import Any, Final

from app.services.chain.rules import HIGHEST_SEQ, MARKER_EVENT, TABLE, Marker, read_marker
from app.services.text import tenant_name
from models.engine import Database, Rows, raw
from models.errors import InvalidInput
from models.schema import ENDS

FIELD: Final = "entry"
_SHORTEST: Final = 4
_LETTERS: Final = 64
_NAMED: Final = 3
_MARKERS: Final = 5_000
"""Of markers behind a number as many are asked at most: a tenant has one for each day on which some went."""

_NUMBER: Final = "typeof(seq) = 'integer'"
_THERE: Final = f"SELECT seq, CAST(tenant_id AS TEXT) FROM {TABLE} WHERE seq = ? AND {_NUMBER}"  # noqa: S608
_ENDS: Final = f"SELECT {ENDS.format(rowid='seq', table=TABLE)}"
_BEGINS: Final = f"""
SELECT seq, CAST(tenant_id AS TEXT) FROM {TABLE} WHERE hash >= ? AND hash < ? AND {_NUMBER}
LIMIT {_NAMED + 1}
"""  # noqa: S608
_TIMES: Final = f"SELECT created_at FROM {TABLE} WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608
_BEHIND: Final = f"""
SELECT CAST(tenant_id AS TEXT), seq, created_at, CAST(payload AS BLOB) FROM {TABLE}
WHERE event_type = ? AND seq > ? ORDER BY seq LIMIT {_MARKERS}
"""  # noqa: S608


def meant(typed: str) -> int | str:
    """A number, grouped as a table shows it or not, or the beginning of a hash in lower case.

    Digits alone are a number, unless no entry can have it. Raises `InvalidInput` for all else.
    """
    text = "".join(typed.replace(",", "").split()).lower()
    if text.isascii() and text.isdecimal() and int(text) <= HIGHEST_SEQ:
        return int(text)
    if not re.fullmatch(f"[0-9a-f]{{{_SHORTEST},{_LETTERS}}}", text):
        hint = f"or a hash of {_LETTERS} digits and letters a to f, of which the first {_SHORTEST} may do"
        raise InvalidInput(FIELD, f"Type the number of an entry, such as 1,200, {hint}.")
    return text


def find_entry(database: Database, wanted: int | str) -> tuple[int, str]:
    """The number of the entry and its tenant. By a hash all entries are read, as nothing leads to it.

    Raises `InvalidInput` where none is meant, or more than one, with what is known of why.
    """
    if isinstance(wanted, int):
        there, ends = database.read_batch([raw(_THERE, wanted), raw(_ENDS)])
        for seq, tenant in there:
            return seq, str(tenant)
        raise InvalidInput(FIELD, _why_not(database, wanted, ends))
    found = list(database.rows(raw(_BEGINS, wanted, f"{wanted}g")))
    if len(found) == 1:
        return int(found[0][0]), str(found[0][1])
    if not found:
        raise InvalidInput(FIELD, "No entry's hash is or begins with this.")
    named = ", ".join(f"{seq:,}" for seq, _ in found[:_NAMED])
    more = " and others" if len(found) > _NAMED else ""
    several = f"The hashes of several entries begin with this: {named}{more}. Type more of it."
    raise InvalidInput(FIELD, several)


def times_of(database: Database, numbers: Sequence[int]) -> list[Any]:
    """The times of the entries that are there, as they are stored."""
    return [at for (at,) in database.rows(raw(_TIMES, json.dumps(numbers)))]


def _why_not(database: Database, number: int, ends: Rows) -> str:
    ((first, last),) = ends
    if first is None:
        return "The audit chain has no entries."
    if not (isinstance(first, int) and isinstance(last, int)):
        return f"There is no entry {number:,}: what this audit chain's entries have instead is no number."
    if number > last:
        return f"There is no entry {number:,}: the last is {last:,}."
    gone = (_went(number, row) for row in database.rows(raw(_BEHIND, MARKER_EVENT, number)))
    told = next(filter(None, gone), None)
    if told is not None:
        return f"Entry {number:,} is not there any more: {told}."
    return f"There is no entry {number:,}, and no marker tells of it; the first is {first:,}."


def _went(number: int, row: Any) -> str | None:
    tenant, seq, at, payload = row
    marker = read_marker(seq, at if isinstance(at, int) else None, bytes(payload or b""))
    if not isinstance(marker, Marker) or not marker.from_seq <= number <= marker.to_seq:
        return None
    which = f"entries from {marker.from_seq:,} to {marker.to_seq:,} of {tenant_name(str(tenant))}"
    return f"marker {seq:,} says that {which} were removed"
