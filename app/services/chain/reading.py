"""The rows of an audit chain read through the engine, without failing for what a row holds.

One entry judged (`inspect_entry`), entries as lines of JSON for evidence and archives (`chunks`), and whether
an index leads to every entry (README.md, INDEX): who reads through one that does not misses it. SQL is by
hand where the bytes and storage classes of a row are read, and where SQLite writes the JSON.

And which entry somebody means: by its number, or by its hash or the beginning of it.
"""

import json
import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final, TypeGuard

from peewee import BaseQuery

from app.services.chain import rules
from app.services.chain.entry import (
    JUDGED,
    RAW_COLUMNS,
    SIZE,
    USUAL_KINDS,
    Entry,
    believed_of,
    is_odd_time,
    is_text,
)
from app.services.chain.rules import HIGHEST_SEQ, MARKER_EVENT, TABLE, Marker, anchor, read_marker
from app.services.text import tenant_name
from models.engine import Database, Row, Rows, raw, sql_name
from models.errors import ColumnMissing, InvalidInput, NotFound, TableMissing, UnreadableFile
from models.schema import COUNTED, ENDS, count_tenants

# -------------------------------------------------------------------------------------------- entries judged

_SELECT: Final = f"SELECT {RAW_COLUMNS} FROM {rules.TABLE} WHERE "  # noqa: S608
_BESIDE: Final = f"""
(SELECT {{0}}((
  SELECT {{0}}(seq) FROM {rules.TABLE} WHERE tenant_id = own.name AND seq {{1}} ?1)) FROM (
  SELECT CAST(tenant_id AS TEXT) AS name FROM {rules.TABLE} WHERE seq = ?1
  UNION ALL SELECT CAST(tenant_id AS BLOB) FROM {rules.TABLE} WHERE seq = ?1
) AS own)
"""  # noqa: S608
"""A tenant's name stored as BLOB is that tenant's all the same, as a scan takes it."""

_LAST_BEFORE: Final = _BESIDE.format("max", "<")
_FIRST_BEHIND: Final = _BESIDE.format("min", ">")
_BEFORE: Final = f"{_SELECT} seq = {_LAST_BEFORE}"

_IS_MARKER: Final = "event_type IN (?1, CAST(?1 AS BLOB))"
_MARKERS: Final = f"""
SELECT seq FROM {rules.TABLE} WHERE tenant_id IN (?2, CAST(?2 AS BLOB)) AND {_IS_MARKER} ORDER BY seq
"""  # noqa: S608
_ALL_MARKERS: Final = f"""
SELECT CAST(tenant_id AS BLOB), seq FROM {rules.TABLE}
WHERE {_IS_MARKER} AND typeof(tenant_id) IN ('text', 'blob') ORDER BY seq
"""  # noqa: S608
"""A scan takes them by their bytes, too."""

_LAST: Final = f"SELECT CAST(max(seq) AS TEXT), typeof(max(seq)) FROM {rules.TABLE}"  # noqa: S608
_BEHIND: Final = f"SELECT count(*) FROM {rules.TABLE} WHERE seq > ?"  # noqa: S608
_UP_TO: Final = f"SELECT count(*) FROM {rules.TABLE} WHERE seq <= ?"  # noqa: S608
_HASH_OF: Final = f"SELECT CAST(hash AS TEXT) FROM {rules.TABLE} WHERE seq = ?"  # noqa: S608
_BEHIND_OF: Final = f"{_BEHIND} AND tenant_id = ?"
_BEHIND_FEW: Final = f"SELECT count(*) FROM (SELECT 1 FROM {rules.TABLE} WHERE seq > ? LIMIT ?)"  # noqa: S608


NEW_AT_MOST: Final = 1_001
"""New entries of a live database, each of which is charged, that are counted at most; so many are more than
a thousand.
"""


def entries_behind(database: Database, seq: int, tenant: str | None = None) -> int:
    """How many entries have a greater number, of all tenants or of this one."""
    asked = raw(_BEHIND, seq) if tenant is None else raw(_BEHIND_OF, seq, tenant)
    return int(database.scalar(asked))


def few_behind(database: Database, seq: int, most: int) -> int:
    """How many entries have a greater number, or `most` where they are more: no more of them are read."""
    return int(database.scalar(raw(_BEHIND_FEW, seq, most)))


_LOOKS: Final = 150
_LOOKS_OF_A_TENANT: Final = 7
"""Rows that are looked up beside a chain, and of each of its tenants: their ends, and what a
checkpoint says of those.
"""


def looked_up(database: Database, entries: int) -> int:
    """No fewer rows than are looked up of the tenants of so many entries where each is charged: which
    database it is, what checkpoints say of it, a new one. The caller holds a connection.
    """
    tenants = 0
    with suppress(TableMissing, ColumnMissing):
        tenants = count_tenants(database, rules.TABLE)
    tenants = tenants or entries // 100
    return _LOOKS + _LOOKS_OF_A_TENANT * tenants


def end_of(database: Database, through: int, *, counts: bool) -> tuple[str | None, int | None]:
    """The stored hash of the entry with this number, None where it is not there, and, where it `counts` them,
    how many there are up to it. Where they are not counted that is a row.
    """
    asked = [raw(_HASH_OF, through), *([raw(_UP_TO, through)] if counts else [])]
    hashes, *found = database.read_batch(asked)
    return hashes[0][0] if hashes else None, int(found[0][0][0]) if found else None


def entry_and_last(database: Database, seq: int) -> tuple[str | None, int]:
    """The stored hash of the entry with this number, None where it is not there, and the highest number."""
    hashes, last = database.read_batch([raw(_HASH_OF, seq), raw(_LAST)])
    return hashes[0][0] if hashes else None, _last(last)


def last_entry(database: Database) -> int:
    """The highest number of an entry; 0 where there is none, or something else is stored."""
    return _last(database.rows(raw(_LAST)))


def behind_and_last(database: Database, seq: int) -> tuple[int, int]:
    """How many entries have a greater number, and the highest one, of one moment; where each is charged,
    no more than `NEW_AT_MOST` are counted.
    """
    behind = raw(_BEHIND_FEW, seq, NEW_AT_MOST) if database.costs else raw(_BEHIND, seq)
    ((count,),), last = database.read_batch([behind, raw(_LAST)])
    return int(count), _last(last)


def _last(found: Rows) -> int:
    number = _number(found)
    return number if isinstance(number, int) else 0


def last_numbers(database: Database, *more: BaseQuery) -> tuple[Any, Any, list[Rows]]:
    """How far AUTOINCREMENT has counted the entries, and the last number there is, both None where nothing
    counts; and the rows of what `more` is asked of the same moment.
    """
    try:
        counters, lasts, *found = database.read_batch([*number_queries(), *more])
    except TableMissing:  # that of the counters, or another one that is asked
        return None, None, database.read_batch(more)
    return *numbers_of(counters, lasts), found


def number_queries() -> list[BaseQuery]:
    """What tells both to `numbers_of`, of a database that has counters (`models.schema.COUNTERS`)."""
    return [raw(COUNTED, rules.TABLE), raw(_LAST)]


def numbers_of(counters: Rows, lasts: Rows) -> tuple[Any, Any]:
    """Whole numbers, unless something else is stored."""
    return _number(counters), _number(lasts)


def _number(rows: Rows) -> Any:
    found, kind = rows[0] if rows else (None, "null")
    return int(found) if kind == "integer" else found


class Link(StrEnum):
    OK = "ok"
    ACCEPTED = "accepted"
    BROKEN = "broken"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Inspection:
    """What is known of one row. `problems` are plain sentences, empty when all is well.

    `previous_seq` is the row that it continues, None at the start of the chain; then `anchor` says what
    proves the start, as `rules.anchor` does.
    """

    seq: int
    tenant: str
    hash_ok: bool
    recomputed: str
    link: Link
    previous_seq: int | None
    anchor: rules.Anchor | None
    problems: tuple[str, ...]

    @property
    def holds(self) -> bool:
        return self.hash_ok and self.link is not Link.BROKEN


def inspect_entry(database: Database, seq: int, *, accepted: bool = False) -> Inspection:
    """Judges the row `seq`; it and the one before it are seen at one moment, the markers right behind.

    `accepted` says that a person accepted a start at this row. Raises `NotFound` and the storage errors.
    """
    encoding = database.encoding
    found, earlier = database.read_batch([raw(_SELECT + "seq = ?", seq), raw(_BEFORE, seq)])
    if not found:
        raise NotFound("audit entry")
    entry = Entry(found[0], encoding)
    before = Entry(earlier[0], encoding) if earlier else None
    proof: rules.Anchor | None = None
    findings, sentences = entry.findings(), []
    if before is not None:
        link = Link.OK if before.raw["hash"] == entry.raw["previous_hash"] else Link.BROKEN
        if link is Link.BROKEN:
            sentences.append(rules.broken_link(tenant_name(entry.tenant), seq))
    if before is None or entry.is_marker:
        ((markers, doubted),) = markers_of(database, encoding, [entry.tenant])
        findings += [one for one in doubted if one.seq == seq and one not in findings]
    if before is None:
        furthest = markers[-1] if markers else None
        start = seq, entry.text("previous_hash")
        proof = anchor(*start, furthest, start if accepted else None)
        link = Link.UNPROVEN if proof is None else Link.ACCEPTED if proof.kind == "adopted" else Link.OK
        if furthest is not None and rules.denied(*start, furthest):
            sentences.append(rules.denied_start(tenant_name(entry.tenant), furthest))
        elif proof is None:
            sentences.append(f"Nothing in the database proves what came before entry {seq:,}.")
    return Inspection(
        seq=seq,
        tenant=entry.tenant,
        hash_ok=entry.hash_holds(),
        recomputed=entry.recomputed(),
        link=link,
        previous_seq=None if before is None else before.seq,
        anchor=proof,
        problems=(*(finding.message for finding in findings), *sentences),
    )


def entry_beside(database: Database, seq: int, *, behind: bool) -> int | None:
    """The number of the same tenant's entry right behind, or before, the entry `seq`; None where none is."""
    found = database.scalar(raw(f"SELECT {_FIRST_BEHIND if behind else _LAST_BEFORE}", seq))
    return None if found is None else int(found)


def entries_where(where: str, *values: object) -> BaseQuery:
    """What gives the rows as stored, for `Entry`; `where` is a condition of ours, perhaps with an order."""
    return raw(_SELECT + where, *values)


def read_entries(database: Database, encoding: str, where: str, *values: object) -> list[Entry]:
    """The rows as stored, on their bytes; `where` as for `entries_where`."""
    return [Entry(row, encoding) for row in database.rows(entries_where(where, *values))]


def read_entries_each(
    database: Database, encoding: str, wanted: Sequence[tuple[Any, ...]]
) -> Iterator[list[Entry]]:
    """The same of several conditions, each with its values; with few calls where each takes its time."""
    for rows in database.read_each([raw(_SELECT + where, *values) for where, *values in wanted]):
        yield [Entry(row, encoding) for row in rows]


def marker_numbers(database: Database) -> dict[str, list[int]]:
    """The numbers of all prune markers, by tenant: asked tenant by tenant, each time all are read."""
    found = defaultdict[str, list[int]](list)
    for name, seq in database.rows(raw(_ALL_MARKERS, rules.MARKER_EVENT)):
        found[rules.named(bytes(name), database.encoding)].append(seq)
    return found


def markers_of(
    database: Database,
    encoding: str,
    tenants: Sequence[str],
    numbered: Mapping[str, Sequence[int]] | None = None,
) -> list[tuple[list[rules.Marker], list[rules.Finding]]]:
    """Of each tenant the prune markers that are believed, and an error of each that is not; those `numbered`,
    where they were read.

    Of a file they are read one by one: what calls itself a marker may be megabytes long.
    """
    if numbered is None:
        found = database.read_each([raw(_MARKERS, rules.MARKER_EVENT, tenant) for tenant in tenants])
        numbers: list[Sequence[int]] = [[seq for (seq,) in rows] for rows in found]
    else:
        numbers = [numbered.get(tenant, ()) for tenant in tenants]
    each = read_entries_each(database, encoding, [("seq = ?", seq) for seqs in numbers for seq in seqs])
    return [
        believed_of(tenant, (entry for _ in seqs for entry in next(each)))
        for tenant, seqs in zip(tenants, numbers, strict=True)
    ]


# ------------------------------------------------------------------------------------------ entries as lines

_CHUNK: Final = 1_000
"""Entries read at a time, at most: no read holds its snapshot, or the interpreter, for long."""

_CHUNK_BYTES: Final = 2_000_000
"""Bytes read at a time, at most, unless a single entry has more: some are megabytes long."""

_OBJECT: Final = ", ".join(f"'{name}', {name}" for name in rules.COLUMNS)
_QUICK: Final = f"CASE WHEN {USUAL_KINDS} THEN CAST(json_object({_OBJECT}) AS BLOB) END"
"""The line of a row whose columns have their usual types, as SQLite writes it; NULL for any other row."""


_OTHER: Final = "typeof({0}), CAST(iif(typeof({0}) = 'real', quote({0}), {0}) AS BLOB)"
"""The storage class and the bytes of another column: text of a number that reads back the same."""


def chunks(
    database: Database, *, tenant: str | None, first: int, last: int, by_index: bool = False, more: str = ""
) -> Iterator[list[Row]]:
    """The rows with `first <= seq <= last` in order, bounded in bytes: seq, line with its break, `more`.

    Columns that are none of the format's stand in the line under `others`.
    `more` are columns of SQL. `by_index` finds the rows of a tenant fast, which an index may hide. The SQL is
    by hand: SQLite writes the JSON of every ordinary row. Raises the storage errors.
    """
    whose = "" if tenant is None else f"AND {'' if by_index else '+'}tenant_id = ?"
    columns = f", {more}" if more else ""
    every = database.rows(raw("SELECT name FROM pragma_table_info(?)", rules.TABLE))
    others = [name for (name,) in every if name.lower() not in rules.COLUMNS]
    kept = "".join(f", {_OTHER.format(sql_name(name))}" for name in others)
    size_of = " + ".join((SIZE, *(f"ifnull(octet_length({sql_name(name)}), 0)" for name in others)))
    some = f"FROM {rules.TABLE} WHERE seq BETWEEN ? AND ? {whose} ORDER BY seq LIMIT ?"
    sql = f"SELECT seq, {_QUICK}{kept}{columns} {some}"
    sizes = f"SELECT total(size) FROM (SELECT {size_of} AS size {some})"  # noqa: S608
    values = () if tenant is None else (tenant,)
    encoding = database.encoding

    def read(start: int, limit: int) -> list[Row]:
        rows = database.rows(raw(sql, start, last, *values, limit))
        found = [
            (seq, line + b"\n" if _says_all(line, encoding) else _line(database, encoding, seq), *rest)
            for seq, line, *rest in rows
        ]
        return [_with_others(row, others, encoding) for row in found] if others else found

    def size(start: int, limit: int) -> float:
        return float(database.scalar(raw(sizes, start, last, *values, limit)))

    yield from bounded(read, size, first, last)


def bounded(
    read: Callable[[int, int], list[Row]],
    size: Callable[[int, int], float],
    first: int,
    last: int,
    *,
    most: int = _CHUNK,
) -> Iterator[list[Row]]:
    """The rows of `read(first, limit)` until `last`, in order of seq, which is their first column.

    Up to `most` at a time, and fewer where `size(first, limit)` says that these would be too many bytes.
    """
    limit = most
    while first <= last:
        limit = min(most, limit * 2)
        while limit > 1 and size(first, limit) > _CHUNK_BYTES:
            limit //= 2
        rows = read(first, limit)
        yield rows
        if len(rows) < limit:
            return
        first = rows[-1][0] + 1


def stored_bytes(value: Any) -> bytes:
    """The stored bytes of a column of a line, in the form that was hashed."""
    if isinstance(value, dict):
        return bytes.fromhex(value["hex"])
    return b"" if value is None else str(value).encode()


def _says_all(line: bytes | None, encoding: str) -> TypeGuard[bytes]:
    """Whether the line that SQLite wrote says all that the row holds."""
    return line is not None and encoding == "utf-8" and b"\\u0000" not in line and is_text(line)


def _line(database: Database, encoding: str, seq: int) -> bytes:
    """The line of any other row; of one that was removed meanwhile, its seq alone."""
    columns = {
        name: _time(entry) if name == "created_at" else _value(entry.kinds[name], entry.raw[name])
        for entry in read_entries(database, encoding, "seq = ?", seq)
        for name in JUDGED
    }
    return rules.compact_json({"seq": seq} | columns).encode() + b"\n"


def _with_others(row: Row, names: Sequence[str], encoding: str) -> Row:
    """The row of `chunks` with the columns of these names, which stand behind its line, in the line."""
    seq, line, *rest = row
    values = zip(names, rest[: 2 * len(names) : 2], rest[1 : 2 * len(names) : 2], strict=True)
    others = {
        name: _value(kind, stored if kind == "blob" else rules.utf_8(stored or b"", encoding))
        for name, kind, stored in values
    }
    more = rules.compact_json({"others": others})[1:].encode()
    return (seq, line.removesuffix(b"}\n") + b"," + more + b"\n", *rest[2 * len(names) :])


def _time(entry: Entry) -> Any:
    """As `_value`, but that text in a line is what a number or ISO 8601 says: any other is in hex."""
    kind, stored = entry.kinds["created_at"], entry.raw["created_at"]
    return _value("blob" if kind == "text" and not is_odd_time(kind, stored) else kind, stored)


def _value(kind: str, stored: bytes) -> Any:
    match kind:
        case "null":
            return None
        case "integer":
            return int(stored)
        case "real":
            return stored.decode()
    return stored.decode() if kind == "text" and is_text(stored) else {"hex": stored.hex()}


_INDEXES: Final = f"SELECT name FROM pragma_index_list('{rules.TABLE}') WHERE NOT partial"  # noqa: S608

_COUNT_BY: Final = f"""
SELECT (SELECT count(*) FROM main.{rules.TABLE} {{}} WHERE ?1 IS NOT NULL)
  - (SELECT count(*) FROM main.{rules.TABLE} NOT INDEXED WHERE seq > ?1)
"""  # noqa: S608
"""Of the entries up to a number: those behind it are few, and to compare each takes twice the time. Without
any condition SQLite counts by the smallest index, whatever it is told.
"""

Batch = Callable[[Sequence[tuple[Any, ...]]], Sequence[Rows | None]]
"""The rows of each query, which is SQL and its values; None where they cannot be read."""


def led_to(batch: Batch, through: int, entries: int | None = None) -> tuple[int, Mapping[str, int | None]]:
    """How many `entries` there are up to a number, counted where that is not given, and how many each index
    of all entries leads to; None of one that cannot be read, which says so to whoever reads it.
    """
    (found,) = batch([(_INDEXES,)])
    names = [str(name) for (name,) in found or ()]
    ways = [f"INDEXED BY {sql_name(name)}" for name in names]
    ways += ["NOT INDEXED"] if entries is None else []
    answers = batch([(_COUNT_BY.format(way), through) for way in ways])
    counts = [None if rows is None else int(rows[0][0]) for rows in answers]
    total = entries if entries is not None else counts.pop() or 0
    return total, dict(zip(names, counts, strict=True))


def misled(name: str, count: int, entries: int) -> str:
    """What is wrong with an index that leads to `count` of the `entries`."""
    return (
        f"The index {name} leads to {count:,} of {entries:,} entries, "
        "so whoever reads through it does not see what is there."
    )


def hidden_by_index(database: Database) -> str | None:
    """What is wrong with the first index that hides entries; None where none does, or where pages are
    damaged, which say so to whoever reads them.
    """
    with suppress(UnreadableFile):
        total, counts = led_to(
            lambda asked: database.read_batch([raw(*one) for one in asked]), rules.HIGHEST_SEQ
        )
        for name, count in counts.items():
            if count is not None and count != total:
                return misled(name, count, total)
    return None


FIELD: Final = "entry"
_SHORTEST: Final = 4
_LETTERS: Final = 64
_NAMED: Final = 3
_MOST_MARKERS: Final = 5_000
"""Of markers behind a number as many are asked at most: a tenant has one for each day on which some went."""

_NUMBER: Final = "typeof(seq) = 'integer'"
_THERE: Final = f"SELECT seq, CAST(tenant_id AS TEXT) FROM {TABLE} WHERE seq = ? AND {_NUMBER}"  # noqa: S608
_ENDS: Final = f"SELECT {ENDS.format(rowid='seq', table=TABLE)}"
_BEGINS: Final = f"""
SELECT seq, CAST(tenant_id AS TEXT) FROM {TABLE} WHERE hash >= ? AND hash < ? AND {_NUMBER}
LIMIT {_NAMED + 1}
"""  # noqa: S608
_TIMES: Final = f"SELECT created_at FROM {TABLE} WHERE seq IN (SELECT value FROM json_each(?))"  # noqa: S608
_MARKERS_BEHIND: Final = f"""
SELECT CAST(tenant_id AS TEXT), seq, created_at, CAST(payload AS BLOB) FROM {TABLE}
WHERE event_type = ? AND seq > ? ORDER BY seq LIMIT {_MOST_MARKERS}
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
    gone = (_went(number, row) for row in database.rows(raw(_MARKERS_BEHIND, MARKER_EVENT, number)))
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
