"""The live databases that a person has named: a file for each in a folder of theirs, never with a token, and
which addresses one may be sent to.

And the token of one: in the system's keyring, in the environment, or asked for; never in a file.
"""

import json
import os
import re
import shlex
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, fields
from dataclasses import replace as dataclass_replace
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from app import paths
from app.services.keyring import SERVICE, Keyring, KeyringAbsent, KeyringProblem
from app.services.live import PREFIX, VARIABLE
from models.errors import (
    AlreadyThere,
    ConnectionChanged,
    ConnectionGone,
    InvalidInput,
    NotAllowed,
    TenantAdminError,
)

CLOUDFLARE: Final = "https://api.cloudflare.com/client/v4"
LOCAL: Final = "/cdn-cgi/local/explorer/api"
"""The path under which `wrangler dev` answers the same calls."""

COLOURS: Final = ("grey", "blue", "green", "yellow", "orange", "red", "purple")

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}", re.IGNORECASE)
_PART: Final = re.compile(r"[0-9a-z_-]{1,64}", re.IGNORECASE)
"""A database's id, as a part of an address."""
_ACCOUNT: Final = re.compile(r"[0-9a-f]{1,32}", re.IGNORECASE)
"""An account's id; a token, pasted there by mistake and longer, is no such, and is kept nowhere."""
ENVIRONMENT: Final = VARIABLE
_LIKE_TOKEN: Final = re.compile(r"(?=[\w-]*\d)(?=[\w-]*[a-z])(?=[\w-]*[A-Z])[\w-]{40,}", re.ASCII)
_FILE: Final = "d1-{}.json"
_LONG: Final = 16
"""Characters of a token that no name has by chance."""
_LARGEST: Final = 100_000
"""Bytes of such a file that are read, and so are kept."""


class NoSuchConnection(TenantAdminError):
    heading = "There is no such connection"
    sentence = "There is no connection d1:{what}; {why}."


class ConnectionExists(TenantAdminError):
    heading = "There is a connection of that name"
    sentence = "There is already a connection d1:{what}; choose another name, or remove that one first."


class ConnectionUnreadable(TenantAdminError):
    """`why` is the name of its file."""

    heading = "The connection cannot be read"
    sentence = "What is kept of the connection d1:{what} ({why}) cannot be read; remove it and add it again."


@dataclass(frozen=True, slots=True)
class NamedConnection:
    """One database of an account; or, where `account` is empty, of a `wrangler dev`, which needs no token.

    `database_id` is empty until one is chosen of what the API lists, and is not kept before. `base` is the
    API's address up to the account's own part (`api_address`); empty where `project` is the folder whose
    running `wrangler dev` is looked for each time. Raises `InvalidInput` for what is none.
    """

    name: str
    account: str
    database_id: str = ""
    database_name: str = ""
    base: str = CLOUDFLARE
    production: bool = False
    colour: str = "grey"
    project: str = ""

    def __post_init__(self) -> None:
        require_name(self.name)
        for field, value in (("name", self.name), ("url", self.base)):
            _refuse_token(field, value)
        if self.colour not in COLOURS:
            raise InvalidInput("colour", f"The colour is one of {', '.join(COLOURS)}.")
        if self.production and self.colour == default_colour(production=False):  # one that is no mark
            object.__setattr__(self, "colour", default_colour(production=True))
        if self.database_id and not _PART.fullmatch(self.database_id):
            raise InvalidInput("database", "A database's id has letters, digits and hyphens alone.")
        if not self.project:
            object.__setattr__(self, "base", _address(self.base, self.account))
        elif self.account or self.base:
            raise InvalidInput("project", "A project's own server has no account and no fixed address.")

    @property
    def place(self) -> str:
        return PREFIX + self.name

    @property
    def within(self) -> str:
        """What tells a `wrangler dev`'s database from another one's, which may have the same id, as long as
        nothing tells its file (`connecting.database`).
        """
        return self.project or self.base

    @property
    def identity(self) -> str:
        """That of its database, by which settings and secrets are kept."""
        from models.engine import identity_of  # noqa: PLC0415 - connections are listed before

        return identity_of(*self.whose)

    @property
    def whose(self) -> tuple[str, str]:
        """Whose database it is, and its id there, as `identity` has them in one."""
        return self.account or self.within, self.database_id

    @property
    def database(self) -> str:
        """What its account calls it, as far as that is known."""
        return self.database_name or self.database_id

    def by_wrangler(self, command: str, *options: str) -> str:
        """What does it in the database's project."""
        where = "--local" if self.is_local else "--remote"
        return " ".join(("npx wrangler d1", command, shlex.quote(self.database), where, *options))

    @property
    def back_by_wrangler(self) -> str | None:
        """The same back in time; a `wrangler dev` has nothing to go back to."""
        return (
            None
            if self.is_local
            else f"npx wrangler d1 time-travel restore {shlex.quote(self.database)} --timestamp=TIME"
        )

    def to_json(self) -> dict[str, Any]:
        """What `tenant-admin d1 list --json` says of it."""
        return {
            "name": self.name,
            "account": self.account or None,
            "databaseId": self.database_id,
            "databaseName": self.database_name,
            "base": self.base or None,
            "project": self.project or None,
            "production": self.production,
            "colour": self.colour,
        }

    @property
    def is_local(self) -> bool:
        """Whether it is of a `wrangler dev`, so that no token is needed."""
        return not self.account


def require_name(name: str) -> None:
    """Raises `InvalidInput` for a name that cannot be typed behind `d1:` as it is."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "name",
            "The name of a connection has up to 64 letters (a to z), digits, dots, hyphens and underscores, "
            "and begins with a letter or a digit.",
        )


def _refuse_token(field: str, value: str) -> None:
    """Raises `InvalidInput`, which repeats none of it, for what holds a token: it would be kept in a file."""
    known = os.environ.get(ENVIRONMENT, "").strip()
    if _LIKE_TOKEN.search(value) or (len(known) >= _LONG and known in value):
        what = "The address" if field == "url" else "The name"
        raise InvalidInput(field, f"{what} holds what looks like an API token; nothing was kept of it.")


def usable_name(text: str) -> str:
    """What a database's own name becomes as the name of a connection."""
    return re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("._-")[:64] or "database"


def _address(base: str, account: str) -> str:
    address = api_address(base)
    parts = urlsplit(address)
    if account:
        if not _ACCOUNT.fullmatch(account):
            said = "An account's id has at most 32 digits and letters from a to f; see the dashboard."
            raise InvalidInput("account", said)
    elif not is_loopback(parts.hostname or ""):
        raise InvalidInput("account", "The account is missing; its id is in the dashboard's address.")
    elif not parts.path:
        return address + LOCAL
    return address


def default_colour(*, production: bool) -> str:
    return "yellow" if production else "grey"


class Connections:
    """Those in `folder`, each in a file that only the person can read; a damaged one hides no other."""

    def __init__(self, folder: Path | None = None) -> None:
        self._folder = folder or paths.connections_dir()

    def all(self) -> tuple[NamedConnection, ...]:
        """Those that can be read, by name."""
        kept = self._as_kept()
        marked = {one.whose for one in kept if one.production}
        return tuple(_production(one) if one.whose in marked else one for one in kept)

    def marked(self, connection: NamedConnection) -> NamedConnection:
        """The same, as production where any that is kept to its database is: the database is so."""
        is_so = connection.production or any(one.production for one in self._same(connection))
        return _production(connection) if is_so else connection

    def production(self) -> frozenset[str]:
        """What those that are production are called."""
        return frozenset(one.place for one in self.all() if one.production)

    def has(self, place: str) -> bool:
        """Whether one is called so, as `d1:NAME`, that can be read or not."""
        try:
            return paths.exists(self.file(place.removeprefix(PREFIX)))
        except InvalidInput:
            return False

    def unreadable(self) -> tuple[str, ...]:
        """The names of the others."""
        return tuple(name for name in self._names() if self._read(name) is None)

    def named(self, name: str) -> NamedConnection:
        """Raises `NoSuchConnection`, `ConnectionUnreadable` and `InvalidInput` (no name at all)."""
        file = self.file(name)
        if not paths.exists(file):
            raise self._missing(name)
        found = self._read(name)
        if found is None:
            raise ConnectionUnreadable(name, file.name)
        return self.marked(found)

    def require_free(self, name: str) -> None:
        """Raises `ConnectionExists` and `InvalidInput`."""
        if paths.exists(self.file(name)):
            raise self._exists(name)

    def production_of(
        self, connection: NamedConnection, before: NamedConnection | None = None
    ) -> NamedConnection | None:
        """Another connection to the same database that is marked as production, where there is one; None
        where a person says with this one, which was so `before`, that the database is none.
        """
        if _takes_mark(connection, before):
            return None
        return next((one for one in self._same(connection, before) if one.production), None)

    def keep(self, connection: NamedConnection, before: NamedConnection | None = None) -> str:
        """Keeps it, in place of what it was `before`; says which others, to the same database, are production
        by that, or are no longer, as a sentence, or "". Raises as `add` and `remove` do.
        """
        others, takes = self._same(connection, before), _takes_mark(connection, before)
        marked = [one for one in others if one.production]
        was = before if before is not None and before.whose == connection.whose else None
        gives = connection.production and not (marked or (was is not None and was.production))
        is_named_so = before is not None and self.file(before.name) == self.file(connection.name)
        if before is not None and was is None:  # which leads elsewhere now
            self._hand_on(before)
        self.add(connection, replace=is_named_so)
        if before is not None and not is_named_so:
            with suppress(NoSuchConnection):
                self._take_away(before.name)
        for one in marked if takes else ():
            self.add(dataclass_replace(one, production=False), replace=True)
        if not others or not (takes or gives):
            return ""
        how = "production, too" if gives else "no longer marked as production, either"
        return f"{' and '.join(one.place for one in others)}, of the same database: {how}"

    def _as_kept(self) -> list[NamedConnection]:
        """Each as its own file says it."""
        found = (self._read(name) for name in self._names())
        return [one for one in found if one is not None]

    def _same(
        self, connection: NamedConnection, before: NamedConnection | None = None
    ) -> list[NamedConnection]:
        """The others to its database, each as its own file says it; none that is this one `before`."""
        own = {one.name.lower() for one in (connection, before) if one is not None}
        return [
            one for one in self._as_kept() if one.whose == connection.whose and one.name.lower() not in own
        ]

    def _hand_on(self, leaving: NamedConnection) -> None:
        """What is left of its database stays production."""
        left = self._same(leaving)
        if leaving.production and left and not any(one.production for one in left):
            self.add(dataclass_replace(left[0], production=True), replace=True)

    def add(self, connection: NamedConnection, *, replace: bool = False) -> None:
        """Keeps it. Raises `ConnectionExists` unless `replace`, `InvalidInput` and `CannotWrite`."""
        from models.files import atomic  # noqa: PLC0415 - takes SQLite along, and a list of them needs none

        if not connection.database_id:
            raise InvalidInput("database", "Choose a database first.")
        file = self.file(connection.name)
        kept = json.dumps(asdict(connection), indent=1) + "\n"
        if len(kept) > _LARGEST:
            said = (
                f"What it is called there is too long to be kept ({len(connection.database_name):,} letters)."
            )
            raise InvalidInput("database", f"{said} Nothing was added.")
        with atomic.expected_errors(file):
            paths.make_private(self._folder)
            atomic.sweep(self._folder, _FILE.format("*"))
            try:
                atomic.write(file, kept, only_if_new=not replace)
            except AlreadyThere:
                raise self._exists(connection.name) from None

    def remove(self, name: str) -> None:
        """Takes it away, also one that cannot be read; others to its database stay production. Raises
        `NoSuchConnection` and `NotAllowed`, and `CannotWrite`.
        """
        if (leaving := self._read(name)) is not None:
            self._hand_on(leaving)
        self._take_away(name)

    def _take_away(self, name: str) -> None:
        file = self.file(name)
        try:
            file.unlink()
        except FileNotFoundError:
            raise self._missing(name) from None
        except OSError as error:
            raise NotAllowed(
                f"{file} cannot be taken away ({error.strerror}); nothing was removed."
            ) from error

    def file(self, name: str) -> Path:
        """Where it is kept, be it there or not: the same for names that differ in case alone."""
        require_name(name)
        return self._folder / _FILE.format(name.lower())

    def _names(self) -> Iterator[str]:
        before, after = _FILE.split("{}")
        files = self._folder.glob(_FILE.format("*"))
        found = (file.name.removeprefix(before).removesuffix(after) for file in files)
        return iter(sorted(name for name in found if _NAME.fullmatch(name)))

    def _read(self, name: str) -> NamedConnection | None:
        with suppress(OSError, ValueError, TypeError, RecursionError, InvalidInput):
            values: dict[str, Any] = json.loads(paths.content(self.file(name), _LARGEST))
            known = {
                field.name: values[field.name] for field in fields(NamedConnection) if field.name in values
            }
            if all(isinstance(value, bool if key == "production" else str) for key, value in known.items()):
                found = NamedConnection(**known)
                return found if found.database_id and found.name.lower() == name.lower() else None
        return None

    def _exists(self, name: str) -> ConnectionExists:
        found = self._read(name)
        return ConnectionExists(found.name if found else name)

    def _missing(self, name: str) -> NoSuchConnection:
        there = ", ".join(one.place for one in self.all())
        return NoSuchConnection(name, f"there are {there}" if there else "add it by `tenant-admin d1 add`")


def _production(connection: NamedConnection) -> NamedConnection:
    return connection if connection.production else dataclass_replace(connection, production=True)


def _takes_mark(connection: NamedConnection, before: NamedConnection | None) -> bool:
    """Whether a person says of a database that was production `before` that it is none any more."""
    is_same = before is not None and before.production and before.whose == connection.whose
    return is_same and not connection.production


class Kept:
    """Whether a connection is still kept as it was when its database was opened by it."""

    def __init__(self, connection: NamedConnection, connections: Connections) -> None:
        self._opened, self._connections = connection, connections

    def __call__(self) -> ConnectionGone | None:
        """What has become of it since; None where nothing has that matters to whoever writes by it."""
        opened = self._opened
        try:
            now = self._connections.named(opened.name)
        except NoSuchConnection:
            return ConnectionGone(opened.place)
        except (ConnectionUnreadable, InvalidInput):
            return ConnectionChanged(opened.place, "what is kept of it cannot be read any more")
        if (now.account, now.database_id) != (opened.account, opened.database_id):
            return ConnectionChanged(opened.place, "it leads to another database now")
        if (now.base, now.project) != (opened.base, opened.project):
            return ConnectionChanged(opened.place, "it has another address now")
        if now.production != opened.production:
            how = "is marked as production now" if now.production else "is no longer marked as production"
            return ConnectionChanged(opened.place, f"it {how}")
        return None


def api_address(url: str) -> str:
    """The API's address as calls begin with it; https, or on this computer. Raises `InvalidInput`."""
    url = url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        host = ""
    if not host or not url.isascii() or not url.isprintable() or " " in url:
        raise InvalidInput("url", "The address is none; it looks like https://api.example.org/client/v4.")
    if "@" in parts.netloc or parts.query or parts.fragment:
        raise InvalidInput("url", "The address holds more than host, port and path; leave out the rest.")
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(host)):
        raise InvalidInput(
            "url",
            "The address must begin with https://, since a token is sent there; or be of this computer.",
        )
    return url


def is_loopback(host: str) -> bool:
    """Whether it names this computer, so that nothing sent there goes over a network."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


_TOKEN: Final = re.compile(r"[\x21-\x7e]{1,4096}")


class TokenMissing(TenantAdminError):
    heading = "The token is missing"
    why = "none was entered"
    sentence = (
        "{what} needs an API token that may read and edit D1, and there is none at hand ({why}). "
        "Enter one, or set CLOUDFLARE_API_TOKEN."
    )


def sound(token: str) -> str:
    """The token without what was copied around it. Raises `InvalidInput`, which repeats none of it."""
    token = token.strip()
    if not _TOKEN.fullmatch(token):
        raise InvalidInput(
            "token", "That is no API token: it is one line of letters, digits and signs. Copy it again."
        )
    return token


class Tokens:
    """Tokens by their connection. `keyring` is None where none is to be asked.

    `ask(connection)` gives what a person enters, or None. It is called on the thread that needs the token.
    """

    def __init__(
        self,
        keyring: Keyring | None,
        ask: Callable[[NamedConnection], str | None] = lambda connection: None,
        connections: Connections | None = None,
    ) -> None:
        self._keyring, self._ask = keyring, ask
        self._connections = connections or Connections()
        self._entered: dict[str, str] = {}
        self._untried: set[str] = set()

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def of(self, connection: NamedConnection) -> str | None:
        """The token; None where none is needed. Raises `TokenMissing`, and `InvalidInput` for what is none.

        One that was entered comes first, then the keyring's, then that of the environment; one that was asked
        for lasts as long as this object does.
        """
        if connection.is_local:
            return None
        user = self._user(connection)
        if user in self._entered:
            return self._entered[user]
        kept, why = self._kept(user)
        if found := kept or os.environ.get(ENVIRONMENT):
            return sound(found)
        if entered := self._ask(connection):
            self._entered[user] = sound(entered)
            return self._entered[user]
        raise TokenMissing(connection.place, why)

    def another(self, connection: NamedConnection, refused: Collection[str]) -> str | None:
        """The one that was entered or put into the keyring since, where none of those that were `refused` is
        that; None else. Nobody is asked for one, and that of the environment takes the place of none.
        """
        if connection.is_local:
            return None
        user = self._user(connection)
        if (entered := self._entered.get(user)) is not None and entered not in refused:
            return entered
        found, _ = self._kept(user)
        with suppress(InvalidInput):
            if found and (token := sound(found)) not in refused:
                self.drop(connection)  # it was replaced in the keyring since
                return token
        return None

    def _kept(self, user: str) -> tuple[str | None, str | None]:
        """The keyring's, and why it has none."""
        if self._keyring is None:
            return None, None
        try:
            return self._keyring.get_password(SERVICE, user), "the system's keyring has none"
        except KeyringProblem as error:
            return None, str(error)

    def enter(self, connection: NamedConnection, token: str) -> None:
        """Takes it for as long as this object lasts, or until it is refused; raises `InvalidInput`."""
        user = self._user(connection)
        self._entered[user] = sound(token)
        self._untried.add(user)

    def was_entered(self, connection: NamedConnection) -> bool:
        """Whether one was, and not kept yet."""
        return self._user(connection) in self._untried

    def drop(self, connection: NamedConnection) -> None:
        """Forgets one that was entered, as it was refused."""
        user = self._user(connection)
        self._entered.pop(user, None)
        self._untried.discard(user)

    def keep_tried(self, connection: NamedConnection) -> str | None:
        """Keeps one that was entered, as it was taken; why it could not be, as `keep` says it. None of that
        where it was forgotten meanwhile.
        """
        token = self._entered.get(self._user(connection))
        return None if token is None else self.keep(connection, token)

    def keep(self, connection: NamedConnection, token: str) -> str | None:
        """Keeps it in the keyring; else for as long as this object lasts, and why is returned, as a sentence.

        Raises `InvalidInput` for what is none.
        """
        user, token = self._user(connection), sound(token)
        self._entered[user] = token
        self._untried.discard(user)
        why = "no keyring was asked"
        if self._keyring is not None:
            try:
                self._keyring.set_password(SERVICE, user, token)
                if user not in self._entered:  # forgotten, while the keyring was slow
                    self._keyring.delete_password(SERVICE, user)
                    return None
                if self._keyring.get_password(SERVICE, user) == token:
                    return None
                why = "the system's keyring keeps nothing"
            except KeyringProblem as error:
                why = str(error)
        return f"The token is not kept ({why}); it is asked for each time, or taken from {ENVIRONMENT}."

    def forget(self, connection: NamedConnection) -> str | None:
        """Takes it out of the keyring; why that could not be done, as a sentence, or None."""
        user = self._user(connection)
        self.drop(connection)
        if self._keyring is None or connection.is_local:
            return None
        try:
            if self._keyring.get_password(SERVICE, user) is not None:
                self._keyring.delete_password(SERVICE, user)
        except KeyringAbsent:
            return None
        except KeyringProblem as error:
            return f"A token of {connection.place} may still be kept: {error}."
        return None

    def _user(self, connection: NamedConnection) -> str:
        """With the address: who can change a connection's file cannot have its token sent elsewhere."""
        file = self._connections.file(connection.name).absolute()
        return f"d1 {connection.account} {connection.base} {file}"
