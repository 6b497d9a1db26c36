"""How a request is signed: as the platform does it, or as the Standard Webhooks say. And the secrets that
were replaced and are still taken for a while where a request is checked here.

The platform: `X-Webhook-Signature: sha256=` and the HMAC-SHA256 of the body in hex, with the secret's own
characters in UTF-8 as the key. Standard Webhooks (standardwebhooks.com, 1.0.0): `webhook-signature: v1,`
and in base64 that of `id.timestamp.body`, with what follows `whsec_` in base64 as the key.

Old secrets are in the system's keyring or, where there is none, kept for as long as a file is open; never
in a file.
"""

import base64
import binascii
import hashlib
import hmac
import json
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from typing import Final

from app.services.keyring import SERVICE, Keyring, KeyringProblem
from app.services.records.webhooks import Secret
from models.errors import InvalidInput

PREFIX: Final = "whsec_"
_KEY_BYTES: Final = range(24, 65)
"""How long a key is, as the Standard Webhooks say."""
PLATFORM: Final = "sha256="
"""What stands before the hex of a signature as the platform makes it."""
VERSION: Final = "v1,"
"""The same of the Standard Webhooks."""


class Signing(StrEnum):
    PLATFORM = "platform"
    STANDARD = "standard"


def platform_signature(secret: Secret, body: bytes) -> str:
    digest = hmac.new(secret.value.encode("utf-8", "surrogatepass"), body, hashlib.sha256).hexdigest()
    return PLATFORM + digest


def standard_key(secret: Secret) -> bytes:
    """Raises `InvalidInput`, which repeats none of it."""
    given = secret.value
    key = b""
    if given.startswith(PREFIX):
        try:
            figures = given.removeprefix(PREFIX).rstrip("=")
            key = base64.b64decode(figures + "=" * (-len(figures) % 4), validate=True)
        except (binascii.Error, ValueError):
            key = b""
    if len(key) not in _KEY_BYTES:
        raise InvalidInput(
            "signing",
            "The Standard Webhooks need a secret of their own form: whsec_ and 24 to 64 bytes in base64. "
            "This one is of another; rotate it, or sign as the platform does.",
        )
    return key


def standard_signature(secret: Secret, message_id: str, timestamp: int, body: str) -> str:
    """`v1,` and base64. Raises `InvalidInput`."""
    from standardwebhooks import Webhook  # noqa: PLC0415 - few sign so

    key = standard_key(secret)
    return Webhook(key).sign(message_id, datetime.fromtimestamp(timestamp, UTC), body)


def new_message_id() -> str:
    """What tells one delivery from every other; the same when it is sent once more."""
    return f"msg_{secrets.token_hex(13)}"


def signed_form(signature: str) -> str:
    """How a signature is made, without what it is: `sha256=…`."""
    form = next((one for one in (PLATFORM, VERSION) if signature.startswith(one)), "")
    return f"{form}…"


class SecretForm(StrEnum):
    """How a secret that is generated is written; 32 bytes of chance in each."""

    STANDARD = "whsec"
    HEX = "hex"


def generated(form: SecretForm) -> Secret:
    if form is SecretForm.HEX:
        return Secret(secrets.token_hex(32))
    return Secret(PREFIX + base64.b64encode(secrets.token_bytes(32)).decode())


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
