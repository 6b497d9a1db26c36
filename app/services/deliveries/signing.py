"""How a request is signed: as the platform does it, or as the Standard Webhooks say.

The platform: `X-Webhook-Signature: sha256=` and the HMAC-SHA256 of the body in hex, with the secret's own
characters in UTF-8 as the key. Standard Webhooks (standardwebhooks.com, 1.0.0): `webhook-signature: v1,` and
in base64 that of `id.timestamp.body`, with what follows `whsec_` in base64 as the key.
"""

import base64
import binascii
import hashlib
import hmac
import secrets
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

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
