"""Secrets that were replaced and are still taken for a while where a request is checked here: in the system's
keyring or, where there is none, for as long as a file is open; never in a file.
"""

import json
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from hashlib import sha256
from typing import Final

from app.services.keyring import SERVICE, Keyring, KeyringProblem
from app.services.records.webhooks import Secret

_NO_KEYRING: Final = "no keyring was asked"


@dataclass(frozen=True, slots=True)
class OldSecret:
    """One that was replaced, and until when it is taken, in epoch seconds; what is not in the keyring no
    longer than the file is open.
    """

    secret: Secret
    until: int
    in_keyring: bool = True


class OldSecrets:
    """Those of one database, by its webhooks' ids; `keyring` is None where none is to be asked. Its methods
    may wait for the keyring.
    """

    def __init__(self, database: str, keyring: Keyring | None) -> None:
        self._database, self._keyring = database, keyring
        self._kept: dict[str, OldSecret] = {}

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"

    def keep(self, webhook: str, old: OldSecret) -> str | None:
        """Keeps the one before the present one; why the keyring does not have it, as a sentence."""
        self._kept[webhook] = old
        why = _NO_KEYRING
        if self._keyring is not None:
            try:
                value = json.dumps({"secret": old.secret.value, "until": old.until})
                self._list(self._listed() | {webhook: old.until})  # first: nothing is kept that is not listed
                self._keyring.set_password(SERVICE, self._user(webhook), value)
                return None
            except KeyringProblem as error:
                why = str(error)
        self._kept[webhook] = replace(old, in_keyring=False)
        return f"The old secret is taken until this database is closed ({why})."

    def find(self, webhook: str, *, now: int) -> OldSecret | None:
        """The one that is still taken; one whose time is over is forgotten."""
        found = self._kept.get(webhook)
        if found is None and self._keyring is not None:
            with suppress(KeyringProblem, ValueError, TypeError, LookupError):
                stored = self._keyring.get_password(SERVICE, self._user(webhook))
                if stored is not None:
                    held = json.loads(stored)
                    found = OldSecret(Secret(str(held["secret"])), int(held["until"]))
        if found is None or found.until > now:
            return found
        self.forget(webhook)
        return None

    def forget(self, webhook: str) -> None:
        self._kept.pop(webhook, None)
        if self._keyring is not None:
            with suppress(KeyringProblem):
                self._delete(self._user(webhook))
                if webhook in (listed := self._listed()):
                    self._list({name: until for name, until in listed.items() if name != webhook})

    def forget_over(self, *, now: int) -> None:
        """Forgets those whose time is over, whether anybody asks for them or not."""
        for webhook, until in self._all().items():
            if until <= now:
                self.forget(webhook)

    def forget_gone(self, there: Collection[str]) -> None:
        """Forgets those of webhooks that are not `there` any more: all of them where the database goes."""
        for webhook in self._all():
            if webhook not in there:
                self.forget(webhook)

    def _all(self) -> dict[str, int]:
        """Until when each is taken, those of other starts as well."""
        with suppress(KeyringProblem):
            return self._listed() | {webhook: old.until for webhook, old in self._kept.items()}
        return {webhook: old.until for webhook, old in self._kept.items()}

    def _listed(self) -> dict[str, int]:
        """Those in the keyring, which itself names none."""
        if self._keyring is None:
            return {}
        with suppress(ValueError, TypeError, AttributeError):
            stored = json.loads(self._keyring.get_password(SERVICE, self._list_user) or "{}")
            return {str(webhook): int(until) for webhook, until in stored.items()}
        return {}

    def _list(self, listed: dict[str, int]) -> None:
        if self._keyring is not None and listed:
            self._keyring.set_password(SERVICE, self._list_user, json.dumps(listed))
        else:
            self._delete(self._list_user)

    def _delete(self, user: str) -> None:
        if self._keyring is not None and self._keyring.get_password(SERVICE, user) is not None:
            self._keyring.delete_password(SERVICE, user)

    @property
    def _list_user(self) -> str:
        return f"webhooks {sha256(self._database.encode(errors='surrogatepass')).hexdigest()[:32]}"

    def _user(self, webhook: str) -> str:
        """Of this webhook of this database alone; no name of it is in a keyring for others to list."""
        told = json.dumps([self._database, webhook]).encode()
        return f"webhook {sha256(told).hexdigest()[:32]}"
