"""Many users at once: from pasted lines or a CSV file to those that may be created, and the lines that may
not with the reason, by the same rules as a single one. Nothing is written to a database here;
`users.create_many` does that.

Which of them a table's own rules would not take (a CHECK, a UNIQUE, NOT NULL, a foreign key) is found without
writing anything, so that a dry run tells it of each, and not the database of all at once. SQL is text there:
tables, columns and conditions are the file's own, which no model has.
"""

import codecs
import csv
import io
import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from app.services import text
from app.services.records import users
from app.services.records.images import STAMPS, Images
from app.services.records.rows import ID, Image
from app.services.records.tables import AUDIT_CHAIN, USERS, valid_beside
from app.services.records.typed import asks_for_number, in_type
from app.services.records.users import NewUser
from app.services.text import visible
from models.engine import Database, TriedRows, raw, sql_name
from models.errors import Cancelled, InvalidInput
from models.progress import UNWATCHED, Monitor, Stop, never
from models.schema import ForeignKey, StoredTable, StoredTables, read_stored
from models.status import SYSTEM_TENANT

_LONGEST: Final = 200
"""Characters of a rule or a value that a reason holds."""
_BROKEN: Final = re.compile(r"(UNIQUE|NOT NULL) constraint failed: (.+?)(?:: SQLITE_.*)?", re.DOTALL)
_Key = tuple[Any, ...]
_JSON: Final = frozenset({str, int, float})


def misfits(
    database: Database,
    table: str,
    rows: Iterable[Image],
    given: Collection[str],
    *,
    once: frozenset[str] = frozenset(),
    cancelled: Stop = never,
) -> dict[int, str]:
    """By the position of a row why the table would not take it; each is judged as if those before it were
    there. They have values in the columns `given`, and a new id; those of the columns `once` are known to be
    nobody else's together. What only writing tells stays untold: of a
    rule that is not worked out in time, or of a UNIQUE over a formula where the table is long or live. The
    caller holds a connection; raises the storage errors.
    """
    tables, _ = read_stored(database)
    stored = tables.get(table)
    if stored is None:
        return {}
    foreign = [*_parents(tables, table)]
    if not foreign and not database.may_refuse(table, given):
        return {}
    wanted = {name for _, key in foreign for name in key.columns}
    wanted |= {name for parent, key in foreign if parent.name == table for name in key.parent_columns}
    all_of_them = [*rows]
    tried = database.try_rows(table, all_of_them, wanted, cancelled) or TriedRows({}, {})
    values: Mapping[int, Image] = tried.stored or dict(enumerate(all_of_them))
    found = {at: _said(table, why) for at, why in tried.refused.items()}
    for key in tried.unique:
        columns = [name for name, _ in key]
        if ID not in columns and not once.issubset(columns):  # which is a new one
            of = _tuples(values, columns, found)
            for one in _looked_up(database, stored, key, [*of], there=True):
                found |= dict.fromkeys(of[one], _there_twice(columns))
    for parent, foreign_key in foreign:
        found |= _orphans(database, parent, foreign_key, values, found)
    return found


def without_tenants(database: Database, tenants: Sequence[str], chain: str) -> dict[str, str]:
    """Why some of these tenants can have no entry in the chain: its table refers to one that lacks them."""
    tables, _ = read_stored(database)
    found: dict[str, str] = {}
    for parent, key in _parents(tables, chain):
        if key.columns == ("tenant_id",):
            values: Mapping[int, Image] = {at: {"tenant_id": one} for at, one in enumerate(tenants)}
            missing = _orphans(database, parent, key, values, {})
            found |= {tenants[at]: why for at, why in missing.items()}
    return found


def _parents(tables: StoredTables, child: str) -> Iterator[tuple[StoredTable, ForeignKey]]:
    return ((parent, key) for parent in tables.values() for key in parent.referring if key.table == child)


def _orphans(
    database: Database,
    parent: StoredTable,
    key: ForeignKey,
    values: Mapping[int, Image],
    known: Mapping[int, str],
) -> dict[int, str]:
    """Those of the rows that refer to what the parent has not."""
    of = _tuples(values, key.columns, known)
    if parent.name == key.table:  # to one that comes with them, it may
        for one in _tuples(values, key.parent_columns, known):
            of.pop(one, None)
    by_index = [(name, "") for name in key.parent_columns]
    found: dict[int, str] = {}
    for one in _looked_up(database, parent, by_index, [*of], there=False):
        columns, parents = " and ".join(key.columns), " and ".join(key.parent_columns)
        said = ", ".join(_short(str(value)) for value in one)
        why = f"{columns} refers to {parent.name}, which has no {parents} “{said}”."
        found |= dict.fromkeys(of[one], why)
    return found


def _tuples(
    values: Mapping[int, Image], columns: Sequence[str], known: Mapping[int, str]
) -> dict[_Key, list[int]]:
    """The rows that have values in all of the columns, and are not found to be wrong already, by these."""
    found: dict[_Key, list[int]] = {}
    (name, *others) = columns
    for at, row in values.items():
        one = (row.get(name), *(row.get(other) for other in others)) if others else (row.get(name),)
        if None not in one and at not in known:
            found.setdefault(one, []).append(at)
    return {one: places for one, places in found.items() if _JSON.issuperset(map(type, one))}


def _looked_up(
    database: Database,
    table: StoredTable,
    key: Sequence[tuple[str, str]],
    wanted: Sequence[_Key],
    *,
    there: bool,
) -> Iterator[_Key]:
    """Those of the wanted values of these columns, compared by their collations, that a row of the table has,
    or that none has, where they are not to be `there`.
    """
    name = sql_name(table.name)
    same = " AND ".join(
        f"{name}.{sql_name(column)}{f' COLLATE {sql_name(collation)}' if collation else ''}"
        f" = json_extract(given.value, '$[{at}]')"
        for at, (column, collation) in enumerate(key)
    )
    exists = f"{'' if there else 'NOT '}EXISTS (SELECT 1 FROM {name} WHERE {same})"  # noqa: S608
    ask = f"SELECT given.key FROM json_each(?) AS given WHERE {exists}"  # noqa: S608
    parts = [*_parts(wanted, database.limits.value_bytes)]
    answers = database.read_each([raw(ask, text) for text, _ in parts])
    for (_, part), rows in zip(parts, answers, strict=True):
        yield from (part[place] for (place,) in rows)


def _parts(wanted: Sequence[_Key], most: int) -> Iterator[tuple[str, Sequence[_Key]]]:
    """The values as JSON, no more bytes in one than a database takes, each with those that it holds."""
    start = length = 0
    written: list[str] = []
    for one in wanted:
        text = json.dumps(one)
        if written and length + len(text) + 2 > most:
            yield f"[{','.join(written)}]", wanted[start : start + len(written)]
            start, length, written = start + len(written), 0, []
        written.append(text)
        length += len(text) + 1
    if written:
        yield f"[{','.join(written)}]", wanted[start:]


def _said(table: str, why: str) -> str:
    """What SQLite says of a row, for the person whose line it is."""
    found = _BROKEN.fullmatch(why)
    if found is None:
        return f"The table's own rules do not take it ({_short(why)})."
    columns = [one.strip().removeprefix(f"{table}.") for one in found[2].split(",")]
    if found[1] == "NOT NULL":
        return f"{_short(columns[0])} may not be empty."
    return _there_twice([f"value of {one}" if one.startswith("index '") else one for one in columns])


def _there_twice(columns: Sequence[str]) -> str:
    named = _short(" and ".join(columns))
    return f"A user, or a line before, has the same {named}, and the table takes it once."


def _short(said: str) -> str:
    line = visible(said)
    return line if len(line) <= _LONGEST else f"{line[:_LONGEST]}…"


LARGEST: Final = 64_000_000
"""Bytes of a file that is read."""
_MARKS: Final = (
    (codecs.BOM_UTF32_LE, "utf-32"),  # begins as UTF-16 does
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)

EMAIL, TENANT = "email", "tenant_id"
_KNOWN_AS: Final = {
    EMAIL: ("email", "emailaddress", "mail", "address", "login", "username"),
    TENANT: ("tenantid", "tenant", "organisation", "organization", "org", "company", "customer"),
}
_DELIMITERS: Final = ",;\t|"
_SEPARATOR: Final = re.compile(r'"?sep=([,;\t|])"?[ \t]*(?=[\r\n])', re.IGNORECASE)
"""What spreadsheets write above the head line where the cells are not parted as they expect it."""
LONGEST: Final = 250_000
"""Characters of a record, which is parsed in one go that holds up all else: about 30 ms for so many."""
MOST_CELLS: Final = 2_000
"""Of a line: no table has more columns."""
csv.field_size_limit(LONGEST)
_NAMED: Final = 20
_OFTEN: Final = 500
"""Lines between two words of progress."""


@dataclass(frozen=True, slots=True)
class Sheet:
    """Lines cut into cells: what stands over the columns, where a head line says it, and the number of the
    line in the text that each row begins in. `spaced` are cells as they were, by line and column, where space
    was cut from around them.
    """

    head: tuple[str, ...]
    rows: list[tuple[str, ...]] = field(repr=False)
    lines: list[int] = field(repr=False)
    delimiter: str = ","
    has_head: bool = False
    spaced: Mapping[tuple[int, int], str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class WantedUser:
    """Which column of a sheet holds what, by the names of the file's columns; `tenant` is that of all lines
    where none holds it. Tenants that are not `there` are created where that is wanted (`new_tenants`); of
    some it is known that they were `erased`.
    """

    columns: Mapping[str, int]
    tenant: str = ""
    there: frozenset[str] = frozenset()
    new_tenants: bool = False
    erased: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Bad:
    """A line that makes no user: its number, why, and its cells."""

    line: int
    why: str
    cells: Sequence[str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class Judged:
    """What a dry run has found: who would be created, each of which line, and what is wrong with the others.
    `places` has all lines in their order: of each its place among the good ones, or `~place` of a bad one.
    """

    good: tuple[NewUser, ...] = field(repr=False)
    bad: tuple[Bad, ...] = field(repr=False)
    new_tenants: tuple[str, ...] = ()
    good_lines: tuple[int, ...] = field(default=(), repr=False)
    places: tuple[int, ...] = field(default=(), repr=False)

    def bad_lines(self, sheet: Sheet) -> str:
        """A CSV of the lines that are wrong, each with its number and why; what a spreadsheet would run has
        an apostrophe in front, which is taken off again when the file comes back.
        """
        written = io.StringIO()
        writer = csv.writer(written, lineterminator="\r\n")
        writer.writerow(["line", "why", *map(text.cell, sheet.head)])
        writer.writerows([one.line, text.cell(one.why), *map(text.cell, one.cells)] for one in self.bad)
        return written.getvalue()


def read_text(path: Path) -> str:
    """The text of a file: UTF-8, or another UTF where its mark says so. Raises `InvalidInput`."""
    try:
        with path.open("rb") as stream:
            found = stream.read(LARGEST + 1)
    except OSError as error:
        raise InvalidInput("lines", f"{path.name} cannot be read: {error.strerror}.") from None
    if len(found) > LARGEST:
        raise InvalidInput(
            "lines", f"{path.name} is larger than {text.byte_size(LARGEST)}; cut it into parts."
        )
    encoding = next((name for mark, name in _MARKS if found.startswith(mark)), "utf-8-sig")
    start = found[:1024]
    is_other = encoding == "utf-8-sig" and start.count(0) * 5 > len(start)  # UTF-16 that does not say so
    try:
        if not is_other:
            return found.decode(encoding)
    except UnicodeDecodeError:
        pass
    raise InvalidInput("lines", f"{path.name} is no text in UTF-8; save it as “CSV UTF-8”.")


def cut(lines: str, monitor: Monitor = UNWATCHED) -> Sheet:
    """The lines as a sheet: what parts their cells is told by the first of them, and a line without any “@”
    at the top is its head. A single line of nothing but addresses, as a mail has them, is a line for each.
    Raises `InvalidInput`, `Cancelled`.
    """
    lines = lines.removeprefix("\ufeff")
    first = next((line for line in _lines_of(lines) if line.strip()), "")  # not all of 60 MB
    delimiter = max(_DELIMITERS, key=first.count) if any(one in first for one in _DELIMITERS) else ","
    if (told := _SEPARATOR.match(lines)) is not None:
        delimiter, lines = told[1], lines[told.end() :]
    only = lines.strip()
    is_one = len(only) > LONGEST and not any(one in only for one in '\n\r"')
    source = _Records(_in_parts(only, delimiter) if is_one else _lines_of(lines))
    reader = csv.reader(source, delimiter=delimiter, strict=True)
    rows: list[tuple[str, ...]] = []
    numbers: list[int] = []
    spaced: dict[tuple[int, int], str] = {}
    begun = 1
    try:
        for row in reader:
            source.taken = 0
            line, begun = begun, reader.line_num + 1
            cells = [cell.strip() for cell in row]
            if any(cells):
                rows.append(tuple(map(text.uncell, cells)))
                if cells != row:
                    spaced |= {(line, at): cell for at, cell in enumerate(row) if cell != cells[at]}
                numbers.append(line)
                if len(rows) % _OFTEN == 0 and monitor.cancelled():
                    raise Cancelled
    except csv.Error:
        raise InvalidInput(
            "lines", f"Line {begun:,} is not CSV; does a quotation mark lack its other?"
        ) from None
    if (is_one or len(rows) == 1) and all("@" in cell for row in rows for cell in row if cell):
        rows = [(cell,) for row in rows for cell in row if cell]
        numbers = numbers[:1] * len(rows)
    elif is_one:
        raise InvalidInput("lines", _too_long(1))
    has_head = bool(rows) and not any("@" in cell for cell in rows[0])
    width = max(map(len, rows), default=0)
    if width > MOST_CELLS:
        at = next(line for line, row in zip(numbers, rows, strict=True) if len(row) > MOST_CELLS)
        raise InvalidInput(
            "lines", f"Line {at:,} has more than {MOST_CELLS:,} cells; is this a list of users?"
        )
    head = rows[0] if has_head else ()
    names = [*head, *(f"Column {number + 1}" for number in range(len(head), width))]
    start = int(has_head)
    return Sheet(tuple(names), rows[start:], numbers[start:], delimiter, has_head, spaced)


class _Records:
    """Lines for a reader of CSV, no more of a record than is parsed in a moment; `taken` so far."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines, self.taken = lines, 0

    def __iter__(self) -> Iterator[str]:
        begun = 1
        for number, line in enumerate(self._lines, 1):
            if not self.taken:
                begun = number
            self.taken += len(line)
            if self.taken > LONGEST:
                raise InvalidInput("lines", _too_long(begun, is_open=number > begun))
            yield line


def _too_long(begun: int, *, is_open: bool = False) -> str:
    why = "does a quotation mark lack its other?" if is_open else "is this a list of users?"
    return f"What begins in line {begun:,} is longer than {LONGEST:,} characters; {why}"


def _lines_of(text: str) -> Iterator[str]:
    """As they are cut for CSV, each with what ends it, and what is longer than a record may be in pieces.
    `io.StringIO` would take four times the text first.
    """
    start, feed, back, end = 0, -1, -1, len(text)
    while start < end:
        if feed < start:
            feed = text.find("\n", start) % (end + 1)  # the end, where there is none
        if back < start:
            back = text.find("\r", start) % (end + 1)
        after = min(1 + (feed if back + 1 == feed else min(feed, back)), start + LONGEST + 1)
        yield text[start:after]
        start = after


def _in_parts(line: str, delimiter: str) -> Iterator[str]:
    """A long line without quotation marks, cut between its cells."""
    start = 0
    while len(line) - start > LONGEST:
        end = line.rfind(delimiter, start, start + LONGEST // 2)
        if end < 0:
            break  # a single cell
        yield line[start:end]
        start = end + 1
    yield line[start:]


def fillable(stored: StoredTable) -> tuple[str, ...]:
    """The columns of a file's users that a sheet may fill: address and tenant, and those that only the file
    knows, but for secrets.
    """
    return (EMAIL, TENANT, *USERS.others(stored))


def told(
    sheet: Sheet, names: Sequence[str], said: Sequence[str], there: Collection[str] = ()
) -> dict[str, int]:
    """The same as `guessed`, but for what a person has said, as `name=head`. Raises `InvalidInput`."""
    found, heads = guessed(sheet, names, there), [*map(_bare, sheet.head)]
    for one in said:
        name, _, head = one.partition("=")
        name = TENANT if _bare(name) in _KNOWN_AS[TENANT] else name.strip()
        if name not in names:
            there = text.some_of(names, _NAMED, shown=text.visible)
            raise InvalidInput("column", f"--column {text.visible(one)}: what can be filled is {there}.")
        if _bare(head) not in heads:
            there = text.some_of(sheet.head, _NAMED, shown=text.visible)
            raise InvalidInput("column", f"--column {text.visible(one)}: the list has the columns {there}.")
        at = heads.index(_bare(head))
        found = {known: place for known, place in found.items() if place != at} | {name: at}
    if EMAIL not in found:
        raise InvalidInput("column", f"No column is left for the addresses: say it by --column {EMAIL}=….")
    return found


def guessed(sheet: Sheet, names: Sequence[str], there: Collection[str] = ()) -> dict[str, int]:
    """Which column holds what, by the head line; without one, or where it does not say, addresses are where
    the first line has an “@”, and tenants in the only column of which each line has the name of one that is
    `there`.
    """
    plain = [*map(_bare, sheet.head)]
    found: dict[str, int] = {}
    for name in names:
        wanted = (_bare(name), *_KNOWN_AS.get(name, ()))
        at = next((plain.index(one) for one in wanted if one in plain), None) if sheet.has_head else None
        if at is not None and at not in found.values():
            found[name] = at
    if EMAIL not in found:
        cells = sheet.rows[0] if sheet.rows else ()
        at = next((at for at, cell in enumerate(cells) if "@" in cell), 0)
        found = {EMAIL: at, **{name: other for name, other in found.items() if other != at}}
    if TENANT in names and TENANT not in found:
        known = {text.folded(one.strip()) for one in there}
        left = [at for at in range(len(sheet.head)) if at not in found.values()]
        fitting = [at for at in left if _all_known(sheet, at, known)]
        if len(fitting) == 1:  # of several nobody knows which is meant
            found[TENANT] = fitting[0]
    return found


def _all_known(sheet: Sheet, at: int, known: Collection[str]) -> bool:
    """Whether each cell of a column is one of these names, folded."""
    seen = set[str]()
    for cells in sheet.rows:
        if (cell := _cell(cells, at)) not in seen:
            if text.folded(cell) not in known:
                return False
            seen.add(cell)
    return bool(seen)


def unknown_head(sheet: Sheet, names: Sequence[str]) -> str:
    """What a first line says that was taken for a head, because it has no “@”, and names no column that is
    known: it may be a user's with a slip in the address. "" of any other.
    """
    known = {one for name in names for one in (_bare(name), *_KNOWN_AS.get(name, ()))}
    if not sheet.has_head or not known.isdisjoint(map(_bare, sheet.head)):
        return ""
    return sheet.delimiter.join(sheet.head)


def _bare(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


def not_taken(sheet: Sheet, columns: Mapping[str, int]) -> list[str]:
    """What stands over the columns of which nothing is taken."""
    taken = set(columns.values())
    return [name for at, name in enumerate(sheet.head) if name and at not in taken] if sheet.has_head else []


def judge(
    database: Database,
    sheet: Sheet,
    wanted: WantedUser,
    asked: Sequence[str],
    monitor: Monitor = UNWATCHED,
    *,
    now: int,
) -> Judged:
    """Looks at each line as “New user” would, within the sheet and against the database, its own rules and
    foreign keys included; `asked` are columns that no new user may leave empty. Raises `Cancelled`, and the
    storage errors.
    """
    bad: list[Bad] = []
    good: list[tuple[int, NewUser]] = []
    first: dict[tuple[str, str], int] = {}
    email_of, tenant_of = _Emails(), _Tenants(wanted)
    beside = {name: at for name, at in wanted.columns.items() if name not in (EMAIL, TENANT)}
    types = Images(database).types(USERS.name) if beside or asked else {}
    numbers = {name: kind for name, kind in types.items() if asks_for_number(kind)}
    total = 2 * len(sheet.rows)

    for position, (cells, line) in enumerate(zip(sheet.rows, sheet.lines, strict=True)):
        if position % _OFTEN == 0:
            monitor.check()
            monitor.progress(position, total)
        try:
            email = email_of(_cell(cells, wanted.columns.get(EMAIL)))
            at = wanted.columns.get(TENANT)
            whole = None if at is None else sheet.spaced.get((line, at))  # a tenant may be called so
            given = wanted.tenant if at is None else _cell(cells, at)
            tenant = whole if whole is not None and whole in wanted.there else tenant_of(given)
            more = _beside(cells, beside, asked, numbers)
        except InvalidInput as error:
            bad.append(Bad(line, str(error), cells))
            continue
        known = first.setdefault((tenant, text.address(email)), line)
        if known != line:
            bad.append(Bad(line, f"Line {known:,} has the same address in {tenant}.", cells))
            continue
        good.append((position, (tenant, email, more)))
    taken = users.taken(database, (one for _, one in good))
    left: list[tuple[int, NewUser]] = []
    barred = without_tenants(database, [*dict.fromkeys(one[0] for _, one in good)], AUDIT_CHAIN.name)
    for position, one in good:
        tenant, email, _ = one
        there = taken.get((tenant, text.address(email)))
        why = f"{tenant} already has a user with the e-mail address {there}." if there is not None else ""
        if why := why or barred.get(tenant, ""):
            bad.append(Bad(sheet.lines[position], why, sheet.rows[position]))
        else:
            left.append((position, one))
    monitor.progress(len(sheet.rows), total)
    good, left = left, []
    refused = _refused(database, [one for _, one in good], monitor, now)
    for place, (position, one) in enumerate(good):
        if place in refused:
            bad.append(Bad(sheet.lines[position], refused[place], sheet.rows[position]))
        else:
            left.append((position, one))
    monitor.progress(total, total)
    users_left = tuple(one for _, one in left)
    new = dict.fromkeys(tenant for tenant, *_ in users_left if tenant not in wanted.there)
    bad.sort(key=lambda one: one.line)
    lines = tuple(sheet.lines[position] for position, _ in left)
    places = sorted([*range(-len(bad), len(lines))], key=lambda at: lines[at] if at >= 0 else bad[~at].line)
    return Judged(users_left, tuple(bad), tuple(new), lines, tuple(places))


def _refused(database: Database, good: Sequence[NewUser], monitor: Monitor, now: int) -> dict[int, str]:
    """Why the table itself would not take some of them, by their places."""
    if not good:
        return {}
    given = {EMAIL, TENANT, *STAMPS}.union(*{frozenset(beside) for *_, beside in good if beside})
    images = (row.image for row in users.new_rows(Images(database), good, now))
    found = misfits(
        database, USERS.name, images, given, once=frozenset({EMAIL, TENANT}), cancelled=monitor.cancelled
    )
    monitor.check()
    return found


def _cell(cells: Sequence[str], at: int | None) -> str:
    return cells[at] if at is not None and at < len(cells) else ""


def _beside(
    cells: Sequence[str], columns: Mapping[str, int], asked: Sequence[str], numbers: Mapping[str, str]
) -> dict[str, str] | None:
    """What a line has for other columns; `numbers` are declared as these types."""
    found = {name: cell for name, at in columns.items() if (cell := _cell(cells, at))}
    for name in asked:
        found.setdefault(name, "")
    valid = {name: valid_beside(name, value) for name, value in found.items()}
    for name, value in valid.items():
        if name in numbers:
            in_type(name, numbers[name], value)
    return valid or None


class _Emails:
    """`users.valid_email`, with the same answer for less: most of its work is about the host, of which there
    are few, and what stands before it is as a rule plain.
    """

    _PLAIN: Final = re.compile(r"([A-Za-z0-9_+-]{1,64}(?:\.[A-Za-z0-9_+-]+)*)@([A-Za-z0-9.-]+)")

    def __init__(self) -> None:
        self._hosts: dict[str, bool] = {}

    def __call__(self, value: str) -> str:
        found = self._PLAIN.fullmatch(value)
        if found is None or len(value) > users.LONGEST_EMAIL or len(found[1]) > users.LONGEST_LOCAL:
            return users.valid_email(value)
        host = found[2]
        if host not in self._hosts:
            try:
                users.valid_email(f"x@{host}")
                self._hosts[host] = True
            except InvalidInput:
                self._hosts[host] = False
        return value if self._hosts[host] else users.valid_email(value)


class _Tenants:
    """Whose a user is to be, looked at once for each name."""

    def __init__(self, wanted: WantedUser) -> None:
        self._wanted = wanted
        self._found: dict[str, str | InvalidInput] = {}
        self._there: dict[str, list[str]] = {}
        for one in sorted(wanted.there):
            self._there.setdefault(text.folded(one.strip()), []).append(one)
        self._new: dict[str, str] = {}

    def __call__(self, value: str) -> str:
        if value not in self._found:
            try:
                self._found[value] = self._judged(value)
            except InvalidInput as error:
                self._found[value] = error
        found = self._found[value]
        if isinstance(found, InvalidInput):
            raise InvalidInput(TENANT, str(found))
        return found

    def _judged(self, value: str) -> str:
        tenant = text.tenant_id(value)
        if tenant in self._wanted.there:
            return tenant
        if tenant == SYSTEM_TENANT:
            raise InvalidInput(TENANT, f"{tenant} is the chain of the whole database and has no users.")
        others = self._there.get(text.folded(tenant), [])
        same = [one for one in others if _is_same(one.strip(), tenant)]
        if len(same) == 1:  # as it is stored: composed otherwise, or with a space that no cell has
            return same[0]
        if others:
            raise InvalidInput(TENANT, f"There is no tenant {tenant}, but {' and '.join(others)}.")
        if not self._wanted.new_tenants:
            if tenant in self._wanted.erased:
                raise InvalidInput(TENANT, f"The tenant {tenant} was erased.")
            raise InvalidInput(TENANT, f"There is no tenant {tenant} yet.")
        first = self._new.setdefault(text.folded(tenant), tenant)
        if not _is_same(first, tenant):
            raise InvalidInput(TENANT, f"A line before has this new tenant as {first}.")
        return first


def _is_same(one: str, other: str) -> bool:
    """Whether nobody can tell one from the other: both composed, they are the same."""
    return text.composed(one) == text.composed(other)
