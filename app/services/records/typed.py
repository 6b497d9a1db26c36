"""What people type: values of columns that only the file knows, in the type that is declared; passwords; and
addresses.

A user's new password is stored as the platform's Workers can check it: by Web Crypto, which has PBKDF2 and no
Argon2, and in production refuses more than 100,000 iterations. So that is what is stored here:
PBKDF2-HMAC-SHA256 as a PHC string (github.com/P-H-C/phc-string-format),
`$pbkdf2-sha256$i=100000,l=32$SALT$HASH`, salt and hash in base64 without padding.

An e-mail address may be written in ways that are compared as one (`text.address`), as an index is asked.
Users may have the same, in whatever spelling, in one tenant or in several: SQLite folds ASCII alone, so what
may be the same is found by it, and compared here.
"""

import base64
import hashlib
import json
import math
import re
import secrets
import unicodedata
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import Final

from peewee import SQL, fn

from app.services import text
from app.services.records.rows import Value, decoded, exactly
from app.services.records.tables import Scope
from app.services.secrets.forms import MOST_ITERATIONS, hides
from app.services.sought import letters_by
from app.services.text import visible
from models.engine import Database
from models.errors import InvalidInput, NotAllowed
from models.tables import User

_WHOLE = re.compile(r"[+-]?[0-9]{1,19}")
_LEAST, _MOST = -(2**63), 2**63 - 1
_TEXTS = ("CHAR", "CLOB", "TEXT", "BLOB", "ANY")
"""What a declared type is named with that takes any text."""
_LONGEST = 1_000
"""Characters of a value that is edited in a line."""


def can_be_typed(value: object) -> bool:
    """Whether a stored value, as it is shown, can be edited in a line of text: whole, that is."""
    if hides(value):
        return False
    said = value if isinstance(value, str) else ""
    is_line = len(said) <= _LONGEST and text.visible(said) == said == said.strip()
    return is_line and not isinstance(value, bytes)


def in_type(name: str, kind: str, typed: str) -> Value:
    """The value as SQLite stores it in a column declared as `kind` (sqlite.org/datatype3.html, 3.1), so that
    it is known how it will be. A number is asked for where whole numbers or numbers are declared. Raises
    `InvalidInput`.
    """
    value = text.single_line(name, name, typed, longest=_LONGEST, required=False)
    kind = kind.upper()
    if "INT" in kind:
        if not _WHOLE.fullmatch(value) or not _LEAST <= int(value) <= _MOST:
            raise InvalidInput(name, f"{name} takes a whole number (it is declared {kind}).")
        return int(value)
    if not kind or any(word in kind for word in _TEXTS):
        return value
    number = _number(value)
    if asks_for_number(kind):
        if number is None:
            raise InvalidInput(name, f"{name} is declared {kind}: a number, such as 7.5.")
        return float(number)
    return value if number is None else number


def asks_for_number(kind: str) -> bool:
    """Whether `in_type` refuses what is no number in a column that is declared so."""
    kind = kind.upper()
    if "INT" in kind:
        return True
    return not any(word in kind for word in _TEXTS) and any(word in kind for word in ("REAL", "FLOA", "DOUB"))


def _number(value: str) -> int | float | None:
    """As a column of any number stores it: whole where it is."""
    if _WHOLE.fullmatch(value) and _LEAST <= int(value) <= _MOST:
        return int(value)
    try:
        found = float(value) if re.fullmatch(r"[0-9.eE+-]+", value) else math.nan
    except ValueError:
        return None
    if not math.isfinite(found):
        return None
    return int(found) if found.is_integer() and abs(found) < 2**53 else found


_SALT_BYTES, _HASH_BYTES = 16, 32

_BETWEEN: Final = re.compile(r"[\W_]")
"""Between the words of an address or a tenant."""
SHORTEST, LONGEST = 8, 256
"""Characters of a password; the first is NIST's least (SP 800-63B, 3.1.1.2)."""

_JUDGED: Final = 32
"""Characters whose strength is judged: of a longer one that takes seconds at worst, and no weak one is so."""

_LETTERS: Final = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
"""Without those that are read as others: l and 1 and I, O and 0."""
_GROUPS, _GROUP = 4, 5


@dataclass(frozen=True, slots=True)
class Strength:
    """How hard it is to guess, from 0 (at once) to 4, and why, or what to do, where zxcvbn tells."""

    score: int
    why: str

    @property
    def words(self) -> str:
        said = (
            "Guessed at once",
            "Easy to guess",
            "Not hard to guess",
            "Hard to guess",
            "Very hard to guess",
        )
        return f"{said[self.score]}. {self.why}".strip()

    @property
    def is_enough(self) -> bool:
        """Not, where a million guesses would do: those that a list of common passwords has."""
        return self.score > 1


class Typed:
    """A new password, and words that whoever guesses would try first: the address, the tenant. It tells
    nothing of itself, and what is stored of it is one text, however often that is asked for.
    """

    def __init__(self, password: str, about: tuple[str, ...] = ()) -> None:
        self._password, self._about = password, about

    @cached_property
    def strength(self) -> Strength:
        """Takes a third of a second at worst."""
        from zxcvbn import zxcvbn  # noqa: PLC0415 - 800 KB of words, which few need

        about = [part for one in self._about for part in one.casefold().split("@")]
        words = [word for part in about for word in (part, _BETWEEN.sub("", part), *_BETWEEN.split(part))]
        found = zxcvbn(self._password[:_JUDGED] or " ", user_inputs=[*filter(None, dict.fromkeys(words))])
        told = found["feedback"]
        return Strength(found["score"], told["warning"] or next(iter(told["suggestions"]), ""))

    @cached_property
    def stored(self) -> str:
        """What the column holds. Takes a tenth of a second. Raises `InvalidInput`."""
        valid_password(self._password)
        if not self.strength.is_enough:
            raise InvalidInput("password", "Take another one: so few guesses would find this.")
        salt = secrets.token_bytes(_SALT_BYTES)
        found = hashlib.pbkdf2_hmac("sha256", self._password.encode(), salt, MOST_ITERATIONS, _HASH_BYTES)
        return f"$pbkdf2-sha256$i={MOST_ITERATIONS},l={_HASH_BYTES}${_base64(salt)}${_base64(found)}"


def valid_password(password: str) -> str:
    """As it was typed, to the last space. Raises `InvalidInput`; how strong it is tells `Typed`."""
    if len(password) < SHORTEST:
        raise InvalidInput("password", f"A password has at least {SHORTEST} characters.")
    if len(password) > LONGEST:
        raise InvalidInput("password", f"The password is longer than {LONGEST} characters.")
    if visible(password) != password:
        raise InvalidInput("password", "The password holds characters that cannot be seen; type it again.")
    return password


def generated_password() -> str:
    """A new one that nobody guesses (117 bits), in groups that can be read out."""
    groups = ("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS))
    return "-".join(groups)


def _base64(value: bytes) -> str:
    return base64.b64encode(value).decode().rstrip("=")


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
    return len(part) == 1 or part in letters_by(text.folded)


def _forms_of(part: str) -> list[str]:
    """What is folded to a letter, or to several: each of them in its forms, or one for all (ß)."""
    folded_to = letters_by(text.folded)
    alone = [(one, *folded_to.get(one, ())) for one in part]
    also = folded_to.get(part, ()) if part[1:] else ()
    return [*dict.fromkeys((*("".join(each) for each in product(*alone)), *also))]


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
