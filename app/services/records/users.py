"""A tenant's users: create, edit the e-mail, move to another tenant, set and invalidate passwords, delete;
each an entry in the tenant's audit chain.
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType
from typing import Any, Final

from peewee import OP, SQL, BaseQuery, Expression, ModelSelect, NodeList, Select, fn

from app.services import text
from app.services.chain.append import Check, Event, Listed
from app.services.records import writing
from app.services.records.applying import require_some, those_that_can
from app.services.records.change import FEW_ADDRESSES, Change
from app.services.records.images import Images
from app.services.records.rows import (
    Image,
    RawText,
    RowChange,
    StoredRow,
    Value,
    bytewise,
    decoded,
    exactly,
    in_parts,
    legible,
    shown,
)
from app.services.records.tables import USERS, TableColumn, undeclared
from app.services.records.typed import Typed, beginnings, can_be_typed, in_type, likely
from app.services.records.urls import without_urls, without_users
from app.services.secrets.forms import hides
from models.engine import Database, Limits, Rows
from models.errors import ChangedMeanwhile, InvalidInput, NotAllowed, Taken
from models.progress import UNWATCHED, Monitor
from models.schema import StoredTables, read_stored
from models.status import AuditEvent
from models.tables import User

_MOST_BOUND: Final = 1_000
"""Addresses that are bound one by one: of more the statement would take longer to write than to run."""
MOST_FOREIGN: Final = 50_000
"""Addresses of a tenant with letters beyond ASCII, up to which they are compared one by one."""


LONGEST_EMAIL, LONGEST_LOCAL = 254, 64
"""Characters of an address, and of what stands before its @ (RFC 5321, 4.5.3.1)."""

USERS_PER_EVENT: Final = 500
"""Users named in one audit entry, so that its payload stays far below what D1 takes (models/README.md)."""


_TOLD: Final = 60
"""Characters of such a column that the entry about a new user repeats."""

NewUser = tuple[str, str, Mapping[str, str] | None]
"""One of many that are to be created, whose values were found valid: tenant, address, and values of columns
that only the file knows. A plain tuple: of 100,000 objects of a class the collection of garbage is felt.
"""


def valid_email(value: str) -> str:
    """The address without surrounding space; nothing is looked up. Raises `InvalidInput`."""
    import email_validator  # noqa: PLC0415 - only what is typed is judged

    email_validator.SPECIAL_USE_DOMAIN_NAMES.clear()  # a network of one's own may have mail
    email = text.single_line("email", "The e-mail address", value, longest=LONGEST_EMAIL)
    try:
        email_validator.validate_email(email, check_deliverability=False, globally_deliverable=False)
    except email_validator.EmailNotValidError:
        raise InvalidInput(
            "email", f"“{email}” is not an e-mail address; it needs the form name@example.com."
        ) from None
    if "." not in email.rpartition("@")[2]:
        raise InvalidInput("email", f"“{email}” has no dot behind its @; it needs the form name@example.com.")
    return email


@writing.act
def create(
    images: Images,
    tenant_id: str,
    email: str,
    beside: Mapping[str, str] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Adds a user without a password; `beside` as `Images.new` has it. Raises `InvalidInput`."""
    tenant = text.tenant_id(tenant_id)
    images.chains = (tenant,)
    address = valid_email(email)
    row = images.new(USERS, {"tenant_id": tenant, "email": address, "password_hash": None}, now, beside)
    checks = _Addresses({row["id"]: tenant})
    return Change(
        summary=f"{_name(row)} created",
        rows=(row.added(),),
        events=(_event(AuditEvent.USER_CREATED, row, _others(images, beside), actor=actor),),
        inverse_events=(_event(AuditEvent.USER_DELETED, row, actor=actor),),
        checks=checks,
        inverse_checks=checks.of_what_was,
    )


@writing.act
def create_many(
    images: Images, wanted: Sequence[NewUser], monitor: Monitor = UNWATCHED, *, actor: str, now: int
) -> Change:
    """Adds users without passwords, all or none; an audit entry names up to 500 of a tenant's. Raises
    `InvalidInput`, where an address is there twice or taken by now, and `Cancelled`.
    """
    if len({(tenant, text.address(email)) for tenant, email, _ in wanted}) < len(wanted):
        raise InvalidInput("email", "An e-mail address is there twice; nothing was changed.")
    images.monitor = monitor
    images.chains = tuple(dict.fromkeys(tenant for tenant, *_ in wanted))
    rows = tuple(row.added() for row in images.followed(new_rows(images, wanted, now), len(wanted)))
    checks = _Addresses({row.record_id: one[0] for row, one in zip(rows, wanted, strict=True)})
    told = _of_many(images, rows, wanted, actor)
    return Change(
        summary=f"{text.counted(len(rows), 'user')} created",
        rows=rows,
        events=tuple(Event(tenant, AuditEvent.USERS_CREATED, payload) for tenant, payload in told),
        inverse_events=tuple(Event(tenant, AuditEvent.USERS_DELETED, payload) for tenant, payload in told),
        checks=checks,
        inverse_checks=checks.of_what_was,
    )


def new_rows(images: Images, wanted: Sequence[NewUser], now: int) -> Iterator[StoredRow]:
    """What many users are stored as, in their order."""
    values = ({"tenant_id": one[0], "email": one[1], "password_hash": None} for one in wanted)
    return images.new_ones(USERS, values, (beside or {} for *_, beside in wanted), now)


def _of_many(
    images: Images, rows: Sequence[RowChange], wanted: Sequence[NewUser], actor: str
) -> list[tuple[str, Mapping[str, Any]]]:
    """What the entries say of many, each with its tenant."""
    by_tenant: dict[str, list[int]] = {}
    for at, (tenant, *_) in enumerate(wanted):
        by_tenant.setdefault(tenant, []).append(at)

    def named(at: int) -> dict[str, Any]:
        _, email, beside = wanted[at]
        return {"userId": shown(rows[at].record_id), "email": email, **_others(images, beside)}

    return [
        (tenant, {"actor": actor, "count": len(part), "users": Listed.of([*map(named, part)])})
        for tenant, places in by_tenant.items()
        for part in in_parts(places, USERS_PER_EVENT)
    ]


def entries_of_many(wanted: Iterable[NewUser]) -> int:
    """How many entries `create_many` makes of them."""
    each = Counter(tenant for tenant, *_ in wanted).values()
    return sum(-(-rows // USERS_PER_EVENT) for rows in each)


def few_of(database: Database, tenant: str, most: int) -> int | None:
    """How many users a tenant has, where an index leads to them and they are no more than so many; at most
    so many rows are read for it, and one.
    """

    def ask(tables: StoredTables) -> list[BaseQuery]:
        if USERS.name not in tables or "tenant_id" not in tables[USERS.name].led_by:
            return []
        there = User.select(SQL("1")).where(Expression(bytewise(User.tenant_id), OP.EQ, tenant))
        return [Select([there.limit(most + 1)], [fn.COUNT(SQL("*"))]).tuples()]

    _, found = read_stored(database, ask)
    return next((int(rows) for ((rows,),) in found if rows <= most), None)


def taken(database: Database, wanted: Iterable[NewUser]) -> dict[tuple[str, str], str]:
    """Which of these addresses somebody has, by tenant and folded, as they are stored there."""
    folded: dict[str, set[str]] = {}
    for tenant, email, _ in wanted:
        folded.setdefault(tenant, set()).add(text.address(email))
    found: dict[tuple[str, str], str] = {}
    for tenant, addresses in folded.items():
        for rows in database.read_each(_looks(tenant, addresses, database.limits)):
            _require_comparable(rows, len(addresses))
            for _, stored in rows:
                email = bytes(stored).decode(errors="replace")
                if (address := text.address(email)) in addresses:
                    found[tenant, address] = email
    return found


def _of_tenant(whose: Any, tenant: str, but: Value) -> Any:
    """Users of a tenant: their ids, as `exactly` gives them, and their addresses by their bytes, since a text
    that is no UTF-8 cannot be fetched.
    """
    look = User.select(exactly(User.id), User.email.cast("BLOB"))
    look = look.where(Expression(bytewise(whose), OP.EQ, tenant))
    if but is not None:  # so that it finds nothing where there is nothing to judge
        look = look.where(Expression(User.id, OP.IS_NOT, shown(but)))
    return look


def _looks(tenant: str, addresses: Collection[str], limits: Limits, but: Value = None) -> list[ModelSelect]:
    """Finds the users of a tenant, but one, who may have one of these folded addresses. SQLite folds ASCII
    alone, so those with other letters are all found.
    """
    look = _of_tenant(User.tenant_id, tenant, but)
    plain = [address for address in addresses if address.isascii()]
    if len(plain) <= min(limits.parameters - 4, _MOST_BOUND):
        is_one = [fn.LOWER(User.email).in_(plain)]
    else:
        parts = in_parts(plain, limits.value_bytes // (LONGEST_EMAIL + len('", ')))
        listed = "(SELECT value FROM json_each(?))"
        is_one = [fn.LOWER(User.email).in_(SQL(listed, [json.dumps(part)])) for part in parts]
    # In one go with the first of them: each is through all of the tenant's users.
    is_one[0] = fn.GLOB("*[^ -~]*", User.email) | is_one[0]
    return [look.where(one).limit(MOST_FOREIGN + len(addresses) + 1).tuples() for one in is_one]


def _require_comparable(found: Rows, addresses: int) -> None:
    """Raises `NotAllowed` where more were found than can have one of so many addresses."""
    if len(found) > MOST_FOREIGN + addresses:
        raise NotAllowed(
            f"The tenant has more than {MOST_FOREIGN:,} e-mail addresses beyond ASCII, so "
            "whether this one is taken cannot be told; nothing was changed."
        )


@writing.act
def rename(
    images: Images, user_id: str, email: str, seen: str | None = None, *, actor: str, now: int
) -> Change:
    """Gives the user another e-mail address. Raises `NotFound`, `InvalidInput`, and `ChangedMeanwhile`
    where the one that was `seen` is another by now.
    """
    address = valid_email(email)
    row = images.row(USERS.name, user_id, "user")
    if seen is not None and text.readable(row["email"]) != seen:
        raise ChangedMeanwhile(f"the user ({USERS.column('email').label})")
    if address == row["email"]:
        raise InvalidInput("email", "This is already the user's e-mail address.")
    checks = _Addresses({user_id: row.tenant})

    def told(row: StoredRow, before: Image, after: Image) -> Event:
        changes = {"email": {"from": shown(before["email"]), "to": shown(after["email"])}}
        return _updated(row, changes, actor)

    summary = f"{_called(row)} is now {address}"
    change = writing.edited(images, summary, [(row, {"email": address})], told, now)
    return replace(change, checks=checks, inverse_checks=checks.of_what_was)


@writing.act
def set_others(
    images: Images,
    user_id: str,
    values: Mapping[str, str],
    seen: Mapping[str, Any] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """Gives columns that only the file knows other values, as they are typed: in the type that a column
    declares, and nothing (NULL) for an empty text where it may be so. Raises `NotFound`, `InvalidInput`,
    `NotAllowed`, `ChangedMeanwhile` where one is not as it was `seen`, and what the table's own rules raise
    when it is written.
    """
    row = images.row(USERS.name, user_id, "user")
    _require_others(row, values)
    shown_now = {name: _legible(row, name) for name in values}
    if hidden := [name for name, value in shown_now.items() if hides(value)]:
        raise NotAllowed(
            f"{', '.join(hidden)} holds a password hash, which is not edited here; nothing was changed."
        )
    differ = [name for name in values if name in seen and shown_now[name] != seen[name]]
    if differ:
        raise ChangedMeanwhile(f"the user ({', '.join(differ)})")
    typed = _typed(images, row, values)
    after = {name: value for name, value in typed.items() if not row.holds(name, value)}
    if not after:
        raise NotAllowed("Nothing was changed.")
    summary = f"{', '.join(after)} of {_called(row)} changed"
    return writing.edited(images, summary, [(row, after)], partial(_others_changed, actor=actor), now)


@writing.act
def set_others_of(
    images: Images,
    user_ids: Sequence[str],
    values: Mapping[str, str],
    shared: Mapping[str, Any] = MappingProxyType({}),
    *,
    actor: str,
    now: int,
) -> Change:
    """The same of several, each with an entry in its tenant's chain that says what changed of that one. Those
    who have these values already, or in their place what is not edited in a line, and those who are gone, are
    left alone, which it says. `shared` are values that all of them were seen to have. Raises as `set_others`
    does, and `NothingToDo`.
    """
    found = images.found(USERS.name, user_ids, "user", only=("tenant_id", "email", *values))
    _require_others(found[0], values)
    typed = _typed(images, found[0], values)
    others = [row for row in found if any(_legible(row, name) != one for name, one in shared.items())]
    if others:
        more = f" and {len(others) - 1:,} more" if others[1:] else ""
        raise ChangedMeanwhile(f"the user {_called(others[0])}{more}")
    after = [{name: one for name, one in typed.items() if not row.holds(name, one)} for row in found]
    changing = {row.identity: values for row, values in zip(found, after, strict=True)}

    def why_not(row: StoredRow) -> str | None:
        new = changing[row.identity]
        if not all(can_be_typed(row[name]) and not isinstance(row[name], RawText) for name in new):
            return "with what is not edited in a line"
        return None if new else "so already"

    rows, left = those_that_can(found, images.wanted, why_not, _called)
    require_some(rows, left, "All of those selected are so already.")
    given = [(row, changing[row.identity]) for row in rows]
    summary = ", ".join(name for name in typed if any(name in new for _, new in given))
    summary += f" of {writing.named(rows, 'user', _called)} changed"
    change = writing.edited(images, summary, given, partial(_others_changed, actor=actor), now)
    return replace(change, left=left.told)


def _require_others(row: StoredRow, names: Iterable[str]) -> None:
    editable = USERS.others(row.table)
    if unknown := [name for name in names if name not in editable]:
        raise NotAllowed(f"{', '.join(unknown)} cannot be edited here; nothing was changed.")


def _typed(images: Images, row: StoredRow, values: Mapping[str, str]) -> dict[str, Value]:
    """What such columns of the table hold where that was typed; an empty text is NULL where it may be so."""
    kinds, never_null = images.types(USERS.name), row.table.never_null
    return {
        name: in_type(name, kinds.get(name, ""), value) if value or name in never_null else None
        for name, value in values.items()
    }


def _legible(row: StoredRow, name: str) -> Any:
    return legible(_column(name).said(row[name]))


def _column(name: str) -> TableColumn:
    return undeclared(name, of_people=USERS.of_people)


def _others_changed(row: StoredRow, before: Image, after: Image, actor: str) -> Event:
    """The entry of columns that only the file has."""
    changes = {name: {"from": _said(name, before[name]), "to": _said(name, after[name])} for name in after}
    return _updated(row, changes, actor)


def _said(name: str, value: Value) -> Any:
    """Nobody knows what such a column holds, so nothing that may let anybody in."""
    column = _column(name)
    value = column.said(value)
    return shown(without_urls(value) if column.host_only else without_users(value))


def _others(images: Images, beside: Mapping[str, str] | None) -> dict[str, Any]:
    """What a new user was given in such columns, as they store it; the beginning of what is long."""
    given = {name: value for name, value in (beside or {}).items() if value}
    types = images.types(USERS.name) if given else {}
    found = {name: _said(name, in_type(name, types.get(name, ""), value)) for name, value in given.items()}
    cut = {name: said[:_TOLD] if isinstance(said, str) else said for name, said in found.items()}
    return {"columns": cut} if cut else {}


@writing.act
def move(images: Images, user_ids: Sequence[str], tenant_id: str, *, actor: str, now: int) -> Change:
    """Gives users to another tenant, with an entry in the chain of the one and of the other. What other
    tables hold of them stays as it is. Of several, those who are that tenant's, whose address somebody there
    has, or another one who is moved, and those who are gone, are left alone, which it says. Raises
    `NotFound`, `NothingToDo` where all are that tenant's, and `InvalidInput` where no address is free there.
    """
    tenant = text.tenant_id(tenant_id)
    found = images.found(USERS.name, user_ids, "user", only=("tenant_id", "email"))
    others = [row for row in found if row["tenant_id"] != tenant]
    there = _taken_there(images, tenant, others) if len(found) > 1 else frozenset()  # of one the check tells
    twice = {one for one, rows in Counter(map(_folded, others)).items() if rows > 1}

    def why_not(row: StoredRow) -> str | None:
        if row["tenant_id"] == tenant:
            return f"already of {tenant}"
        if _folded(row) in there:
            return f"{tenant} has a user with the address"
        return "another of them has the address" if _folded(row) in twice else None

    rows, left = those_that_can(found, images.wanted, why_not, _called)
    if others and not rows:
        raise InvalidInput("tenant_id", f"Nobody can be moved: {left.why}. Nothing was changed.")
    require_some(rows, left, f"Already of {tenant}.")
    left_behind = sorted({row.tenant for row in rows})
    own = (
        text.tenant_name(left_behind[0])
        if len(left_behind) == 1
        else text.counted(len(left_behind), "tenant")
    )
    what = f"{writing.named(rows, 'user', _name)} moved from {own} to {tenant}"
    checks = _Addresses({row["id"]: row.tenant for row in rows}, "tenant_id")
    return Change(
        summary=what,
        # With the address, which is what is checked there.
        rows=tuple(images.changed(row, {"tenant_id": tenant, "email": row["email"]}, now) for row in rows),
        events=tuple(event for row in rows for event in _moved(row, row.tenant, tenant, actor)),
        inverse_events=tuple(event for row in rows for event in _moved(row, tenant, row.tenant, actor)),
        checks=checks,
        inverse_checks=checks.of_what_was,
        left=left.told,
    )


def _folded(row: StoredRow) -> str:
    return text.address(str(row.shown("email")))


def _taken_there(images: Images, tenant: str, rows: Sequence[StoredRow]) -> frozenset[str]:
    """Which of these users' addresses, as they are compared, somebody has who is that tenant's."""
    addresses = {*map(_folded, rows)}
    answers = images.read(_looks(tenant, addresses, images.limits))
    for found in answers:
        _require_comparable(found, len(addresses))
    stored = (bytes(email).decode(errors="replace") for found in answers for _, email in found)
    return frozenset(map(text.address, stored)) & addresses


def _moved(row: StoredRow, before: str, after: str, actor: str) -> tuple[Event, Event]:
    changes = {"tenant_id": {"from": before, "to": after}}
    payload = {"actor": actor, "userId": row.shown("id"), "email": row.shown("email"), "changes": changes}
    return Event(before, AuditEvent.USER_MOVED, payload), Event(after, AuditEvent.USER_MOVED, payload)


@writing.act
def set_password(images: Images, user_id: str, typed: Typed, *, actor: str, now: int) -> Change:
    """Gives the user another password, or a first one. Raises `NotFound`, `ColumnMissing`, `InvalidInput`."""
    row = images.found(USERS.name, [user_id], "user", only=_OF_PASSWORDS)[0]
    word = "replaced" if row["password_hash"] else "set"
    summary = f"Password of {_called(row)} {word}"
    return _with_passwords(images, [row], typed.stored, summary, actor=actor, now=now)


@writing.act
def invalidate_passwords(images: Images, user_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Takes the passwords away, so that nobody can sign in by them; undoing brings them back. Those who have
    none, or are gone, are left alone, which it says. Raises `NothingToDo` where nobody has one, and
    `ColumnMissing`.
    """
    found = images.rows(USERS.name, user_ids, only=_OF_PASSWORDS)

    def why_not(row: StoredRow) -> str | None:
        return "without a password" if row["password_hash"] in (None, "") else None

    rows, left = those_that_can(found, images.wanted, why_not, _called)
    require_some(rows, left, "No password is stored.")
    summary = f"Password of {writing.named(rows, 'user', _called)} invalidated"
    return replace(_with_passwords(images, rows, None, summary, actor=actor, now=now), left=left.told)


@writing.act
def delete(images: Images, user_ids: Sequence[str], *, actor: str, now: int) -> Change:
    """Removes users, as `writing.deletion` does. Raises `NotFound` when none of them is left."""
    rows = images.found(USERS.name, user_ids, "user", go=True)
    checks = _Addresses({row["id"]: row.tenant for row in rows})
    kinds = AuditEvent.USER_DELETED, AuditEvent.USER_RESTORED
    what = writing.named(rows, "user", _name)
    return writing.deletion(
        images, rows, what, kinds, partial(_event, actor=actor), checks=checks.of_what_was
    )


_Wanted = dict[str, tuple[tuple[Value, bool], ...]]
"""Addresses, as they are compared, to the ids of the users who get (True) or had it."""


class _Addresses:
    """The checks that nobody else in the tenant has the address that a user is given.

    Two who had the same before an act may have it again after its undo: nothing has changed since.
    """

    def __init__(self, tenants: Mapping[Value, str], field: str = "email") -> None:
        """`tenants` says whose the users are, by their ids, where their rows do not; `field` which of a form
        is wrong otherwise.
        """
        self._tenants, self._field = tenants, field
        self._known: set[tuple[Value, Value]] = set()

    def of_what_was(self, rows: Sequence[RowChange], database: Database) -> list[Check]:
        """The same of a deletion, and of an undo, which give nobody an address that they never had: where
        each row that is read costs something, those alone that an index of addresses finds.
        """
        return self._checks(rows, database, also_given=database.costs)

    def __call__(self, rows: Sequence[RowChange], database: Database) -> list[Check]:
        """Looks for the addresses that these users have before and after, those of a tenant together.

        SQLite folds ASCII alone, so a tenant's other addresses are read and folded here; where each row that
        is read costs something, of a tenant in which nobody gets one those that an index finds.
        """
        return self._checks(rows, database, also_given=False)

    def _checks(self, rows: Sequence[RowChange], database: Database, *, also_given: bool) -> list[Check]:
        """`also_given`: an index will do for the addresses that somebody gets, too."""
        limits = database.limits
        wanted: dict[str, _Wanted] = {}
        stored: dict[str, set[str]] = {}
        users = [row for row in rows if row.table == USERS.name and row.record_id in self._tenants]
        for user in users:
            for gets, image in ((True, user.after), (False, user.before)):
                email, tenant = (image or {}).get("email"), (image or {}).get("tenant_id")
                if isinstance(email, str):
                    whose = tenant if isinstance(tenant, str) else self._tenants[user.record_id]
                    of_tenant = wanted.setdefault(whose, {})
                    folded = text.address(email)
                    of_tenant[folded] = (*of_tenant.get(folded, ()), (user.record_id, gets))
                    stored.setdefault(whose, set()).add(email)
        checks, few = [], sum(map(len, wanted.values())) <= FEW_ADDRESSES
        for tenant, addresses in wanted.items():
            judge = partial(self._judge, tenant, addresses)
            but = users[0].record_id if len(users) == 1 else None
            is_given = any(gets for users in addresses.values() for _, gets in users)
            if also_given or (database.costs and not is_given):
                spelt = sorted({one for address in stored[tenant] for one in likely(address)})
                parts = [*in_parts(spelt, limits.parameters - 6)]
                look = _of_tenant(NodeList([SQL("+"), User.tenant_id]), tenant, but)  # + : not by its index
                found = [User.email.in_(part) for part in parts]
                any_case = _in_any_case(addresses, database) if few and also_given else None
                if any_case is not None:
                    found[-1] |= any_case
                checks += [Check(look.where(one).tuples(), judge) for one in found]
            else:
                checks += [Check(look, judge) for look in _looks(tenant, [*addresses], limits, but)]
        return checks

    def _judge(self, tenant: str, addresses: _Wanted, found: Rows) -> None:
        if any(gets for users in addresses.values() for _, gets in users):
            _require_comparable(found, len(addresses))
        taken: dict[Value, str] = {}
        for other_id, stored in found:
            other = decoded(other_id)
            email = bytes(stored).decode(errors="replace")
            for user, gets in addresses.get(text.address(email), ()):
                if other != user and not gets:
                    self._known.add((user, other))
                elif other != user and (user, other) not in self._known:
                    whose = text.tenant_name(tenant)
                    taken[user] = f"{whose} already has a user with the e-mail address {email}"
        if taken:
            raise Taken(self._field, taken)


_BEGIN_SO: Final = """(
SELECT other.id FROM json_each(?) AS spelt CROSS JOIN main.users AS other
WHERE other.email >= spelt.value AND other.email < spelt.value || char(1114111)
AND (lower(other.email) IN (SELECT value FROM json_each(?)) OR other.email GLOB '*[^ -~]*'))"""


def _in_any_case(addresses: Collection[str], database: Database) -> Any:
    """Finds those who may have one of these folded addresses, however it is written, by an index of how they
    may begin. None where there is no index, or few letters to go by.
    """
    tables = database.tables_looked_at
    if tables is None or "email" not in tables[USERS.name].led_by:
        return None
    begin = {spelt for address in addresses for spelt in beginnings(address)}
    values = [json.dumps(sorted(begin)), json.dumps(sorted(addresses))]
    return User.id.in_(SQL(_BEGIN_SO, values)) if begin else None


_OF_PASSWORDS: Final = ("tenant_id", "email", "password_hash")


def _with_passwords(
    images: Images, rows: Sequence[StoredRow], stored: str | None, summary: str, *, actor: str, now: int
) -> Change:
    def told(row: StoredRow, before: Image, after: Image) -> Event:
        change = writing.secret_change(before["password_hash"], after["password_hash"])
        return _updated(row, {"password_hash": change}, actor)

    given = ((row, {"password_hash": stored}) for row in rows)
    return writing.edited(images, summary, given, told, now)


def _name(row: StoredRow) -> str:
    return f"User {_called(row)}"


def _called(row: StoredRow) -> str:
    """Its address, or its id where it has none."""
    return str(row.shown("email") or row.shown("id"))


def _event(
    kind: AuditEvent, row: StoredRow, along: Mapping[str, Any] = MappingProxyType({}), *, actor: str
) -> Event:
    payload = {"actor": actor, "userId": row.shown("id"), "email": row.shown("email")}
    return Event(row.tenant, kind, {**payload, **along})


def _updated(row: StoredRow, changes: Mapping[str, Any], actor: str) -> Event:
    """With the address, by which people know them, unless that is what changes."""
    email = {} if "email" in changes else {"email": row.shown("email")}
    payload = {"actor": actor, "userId": row.shown("id"), **email, "changes": changes}
    return Event(row.tenant, AuditEvent.USER_UPDATED, payload)
