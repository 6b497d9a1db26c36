"""How an e-mail address may be written that is compared as another (`text.address`), as an index is asked.

And users who have the same address, in whatever spelling: in one tenant, or in several. SQLite folds ASCII
alone, so what may be the same is found by it, and compared here by `text.address`.
"""

import json
import unicodedata
from collections.abc import Mapping
from itertools import product
from typing import Final

from peewee import SQL, fn

from app.services import text
from app.services.records.rows import Value, decoded, exactly
from app.services.records.tables import Scope
from app.services.sought import letters_by
from models.engine import Database
from models.errors import NotAllowed
from models.tables import User

_FIRST_LETTERS: Final = 5
"""Of an address that is looked for in any case, of which most are written in two ways."""
_FEWEST: Final = 3
"""With fewer at its beginning too many others begin so."""
_MOST_BEGINNINGS: Final = 64


def beginnings(address: str) -> set[str]:
    """How what is folded to an address may begin: its first letters in each form that is folded so, and what
    is between them, composed or not.
    """
    letters, at, spelt = 0, 0, [""]
    name, _, host = address.rpartition("@")
    address = f"{name}@" if "xn--" in host else address  # it may be there in its letters
    while at < len(address):
        part = next(
            one for one in (address[at : at + 3], address[at : at + 2], address[at]) if _is_whole(one)
        )
        forms = _forms_of(part)
        is_enough = letters >= _FEWEST and len(spelt) * len(forms) > _MOST_BEGINNINGS
        if not unicodedata.combining(part[0]) and (letters >= _FIRST_LETTERS or is_enough):
            break
        letters, at = letters + len(part) * part.isalpha(), at + len(part)
        spelt = [one + form for one in spelt for form in forms]
    every = {unicodedata.normalize(form, one) for one in spelt for form in ("NFC", "NFD")}
    return every if letters >= _FEWEST else set()


def _is_whole(part: str) -> bool:
    return len(part) == 1 or part in _folded_to()


def _forms_of(part: str) -> list[str]:
    """What is folded to a letter, or to several: each of them in its forms, or one for all (ß)."""
    alone = [(one, *_folded_to().get(one, ())) for one in part]
    also = _folded_to().get(part, ()) if part[1:] else ()
    return [*dict.fromkeys((*("".join(each) for each in product(*alone)), *also))]


def _folded_to() -> Mapping[str, list[str]]:
    return letters_by(text.folded)


def likely(address: str) -> set[str]:
    """How somebody else has it stored most likely."""
    local, at, host = address.partition("@")
    plain = {address, address.lower(), address.upper(), address.capitalize(), text.folded(address)}
    names = {local.upper(), local.title(), local.capitalize()}  # Ada.Lovelace, as names are written
    plain |= {
        address.title(),
        *(f"{name}{at}{end}" for name in names for end in (host, host.lower(), host.title())),
    }
    key = text.address(address)
    plain |= {key, text.host_in_unicode(key)}
    return {unicodedata.normalize(form, one) for one in plain for form in ("NFC", "NFD")}


MOST: Final = 20_000
"""Of those who are found, as many as a list is narrowed to."""
_MOST_READ: Final = 200_000


def duplicates(database: Database, scope: Scope, *, across: bool) -> tuple[Value, ...]:
    """The ids of users, of the tenant of `scope` or of all, whose address another user of their tenant has;
    with `across` one of another tenant. Raises `NotAllowed` where these are more than a list can be
    narrowed to, and the storage errors.
    """
    address = fn.LOWER(User.email)
    several = fn.COUNT(User.tenant_id.distinct()) if across else fn.COUNT(SQL("*"))
    groups = (address,) if across else (User.tenant_id, address)
    alike = User.select(*groups).group_by(*groups).having(several > 1)
    whose = address.in_(alike) if across else SQL("(tenant_id, lower(email))").in_(alike)
    beyond_ascii = fn.GLOB("*[^ -~]*", User.email)
    look = User.select(exactly(User.id), exactly(User.tenant_id), User.email.cast("BLOB"))
    look = look.where(fn.typeof(User.email) == "text").limit(_MOST_READ + 1).tuples()
    plain, others = database.read_batch([look.where(whose & ~beyond_ascii), look.where(beyond_ascii)])
    folded = {text.address(bytes(email).decode(errors="replace")) for *_, email in others}
    if spelt := sorted(one for one in folded if one.isascii()):  # ss for ß, xn-- for the host's letters
        listed = SQL("(SELECT value FROM json_each(?))", [json.dumps(spelt)])
        plain = [*plain, *database.rows(look.where(address.in_(listed) & ~beyond_ascii))]
    if len(plain) + len(others) > _MOST_READ:
        raise NotAllowed("These are too many to be compared; choose a tenant first.")
    users: dict[object, dict[str, str]] = {}
    for key, tenant, email in (*plain, *others):
        address_of = text.address(bytes(email).decode(errors="replace"))
        users.setdefault(address_of if across else (tenant, address_of), {})[key] = tenant
    wanted = None if scope.tenant_id is None else scope.tenant_id
    found = [
        decoded(key)
        for alike_ones in users.values()
        if len(set(alike_ones.values())) > 1 or (not across and len(alike_ones) > 1)
        for key, tenant in alike_ones.items()
        if wanted is None or decoded(tenant) == wanted
    ]
    if len(found) > MOST:
        raise NotAllowed(f"More than {MOST:,} users share an address; choose a tenant first.")
    return tuple(found)
