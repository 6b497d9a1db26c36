"""The token of a connection: in the system's keyring, in the environment, or asked for; never in a file."""

import os
import re
from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Final

from app.services.keyring import SERVICE, Keyring, KeyringAbsent, KeyringProblem
from app.services.live.connections import ENVIRONMENT, Connections, NamedConnection
from models.errors import InvalidInput, TenantAdminError

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
