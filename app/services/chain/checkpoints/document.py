"""One checkpoint as a signed document."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from hashlib import sha256
from typing import Any, TypeVar, get_origin

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from app.services.chain.verify.comparison import Known
from app.services.chain.verify.report import SealedChain
from app.services.errors import InvalidInput

FORMAT = "tenant-admin checkpoint 1"

Document = TypeVar("Document", "Checkpoint", SealedChain)


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What one database's chains were at a moment.

    `number` counts from 1 within the database; `previous` is the hash of the checkpoint before, or None.
    All rows up to seq `through` were seen; the digests cover those behind `after`. `rows_ever` counts the
    pruned ones too, as far as markers account for them. `key` is the public key, `signature` its Ed25519
    signature of everything else; both in hex.
    """

    database: str
    number: int
    at: int
    reason: str
    after: int
    through: int
    rows_ever: int
    tenants: Mapping[str, SealedChain]
    previous: str | None
    key: str
    signature: str = ""

    def to_json(self) -> dict[str, Any]:
        body = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            "format": FORMAT,
            **body,
            "tenants": {name: asdict(sealed) for name, sealed in self.tenants.items()},
        }

    @classmethod
    def from_json(cls, value: Any) -> "Checkpoint":
        """Raises `InvalidInput` for anything that is not a checkpoint; says nothing of its truth."""
        try:
            if value["format"] != FORMAT:
                raise ValueError
            tenants = {name: _checked(SealedChain, sealed) for name, sealed in value["tenants"].items()}
            found = _checked(cls, {name: item for name, item in value.items() if name != "format"})
            if bytes.fromhex(found.key + found.signature).hex() != found.key + found.signature:
                raise ValueError
            "".join(tenants).encode()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput("checkpoints", "The file holds something that is not a checkpoint.") from error
        return replace(found, tenants=tenants)

    @property
    def hash(self) -> str:
        """SHA-256 of the whole document; the next checkpoint names it."""
        return sha256(_canonical(self.to_json())).hexdigest()

    def signed(self, key: Ed25519PrivateKey) -> "Checkpoint":
        return replace(self, signature=key.sign(self._signed_bytes()).hex())

    def signature_holds(self) -> bool:
        """Whether the signature is that of the named key; whose key that is, is another question."""
        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), self._signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True

    def known(self) -> Known:
        return Known(self.number, self.at, self.after, self.through, self.tenants)

    def _signed_bytes(self) -> bytes:
        return _canonical({**self.to_json(), "signature": ""})


def _checked(kind: type[Document], value: Mapping[str, Any]) -> Document:
    """An object of that kind. Raises KeyError, TypeError or ValueError where a value does not fit."""
    for field in fields(kind):
        item = value[field.name]
        if isinstance(item, bool) or not isinstance(item, _plain(field.type)):
            raise TypeError(field.name)
        if isinstance(item, int) and not -(2**63) <= item < 2**63:
            raise ValueError(field.name)
        if isinstance(item, str):
            item.encode()  # a lone surrogate is no text
    return kind(**value)


def _plain(wanted: Any) -> Any:
    """The type without what stands in its brackets, as `isinstance` wants it."""
    return Mapping if get_origin(wanted) is Mapping else wanted


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
