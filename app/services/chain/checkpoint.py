"""A checkpoint: a signed statement about the chains of a file, and all of them that are known of one file.

The shape of it, and whether its signature holds. What is done with them is in `checkpoints`, and what they
say against a file in `verify`.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields, replace
from enum import StrEnum
from itertools import compress
from typing import TYPE_CHECKING, Any, Final, TypeVar, get_origin

from app.services.chain.rules import HIGHEST_SEQ, LOWEST_SEQ, SECONDS_LIMIT, Finding, seconds
from models.errors import InvalidInput

if TYPE_CHECKING:  # slow to load, and only needed where something is signed or a signature is checked
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FORMAT: Final = "tenant-admin checkpoint 1"


class Reason(StrEnum):
    """Why a checkpoint was made, as it is stored; a newer program may have others."""

    VERIFY = "verify"
    REQUEST = "request"
    RETENTION = "retention"
    IMPORT = "import"
    BEFORE_RESTORE = "before-restore"
    RESTORE = "restore"
    START_OVER = "start-over"
    ANOTHER_DATABASE = "another-database"


NEW_LINE: Final = frozenset({Reason.RESTORE, Reason.START_OVER, "anew", Reason.ANOTHER_DATABASE})
"""With these a person says that what the file holds now is right: what earlier ones say no longer counts.
"anew" is what `START_OVER` was called before, in checkpoints that are signed.
"""

Document = TypeVar("Document", "Checkpoint", "SealedChain")


@dataclass(frozen=True, slots=True)
class SealedChain:
    """What a checkpoint says of one tenant: its rows then, and the digest of those since the one before.

    `pruned_through` is the last seq that a prune marker accounted for, 0 if none.
    """

    first_seq: int
    last_seq: int
    entries: int
    head: str
    digest: str
    pruned_through: int
    first_hash: str
    first_at: int | None
    head_at: int | None


@dataclass(frozen=True, slots=True)
class Seal:
    """What a new checkpoint is made of: every chain through seq `through`, with digests behind `after`."""

    after: int
    through: int
    tenants: Mapping[str, SealedChain]


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

    @property
    def last_seq(self) -> int:
        """Its newest entry's number, which is below `through` where the numbers have begun again since."""
        return max((sealed.last_seq for sealed in self.tenants.values()), default=self.through)

    def to_json(self) -> dict[str, Any]:
        sealed = {name: _values(chain) for name, chain in self.tenants.items()}
        return {"format": FORMAT, **_values(self), "tenants": sealed}

    @classmethod
    def from_json(cls, value: Any) -> "Checkpoint":
        """Raises `InvalidInput` for anything that is not a checkpoint; says nothing of its truth."""
        try:
            if value["format"] != FORMAT:
                raise ValueError
            tenants = {name: _checked(SealedChain, sealed) for name, sealed in value["tenants"].items()}
            found = _checked(cls, {name: item for name, item in value.items() if name != "format"})
            if found.number < 1 or not 0 <= found.at < SECONDS_LIMIT:
                raise ValueError
            if bytes.fromhex(found.key + found.signature).hex() != found.key + found.signature:
                raise ValueError
            "".join(tenants).encode()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InvalidInput("checkpoints", "The file holds something that is not a checkpoint.") from error
        return replace(found, tenants=tenants)

    def is_before(self, first_at: int | None) -> bool:
        """Whether a chain whose first entry has this time began, by it, after the checkpoint was made."""
        return first_at is not None and seconds(first_at) >= self.at

    @property
    def hash(self) -> str:
        """SHA-256 of the whole document; the next checkpoint names it."""
        return hashlib.sha256(_canonical(self.to_json())).hexdigest()

    def signed(self, key: "Ed25519PrivateKey") -> "Checkpoint":
        return replace(self, signature=key.sign(self._signed_bytes()).hex())

    def signature_holds(self) -> bool:
        """Whether the signature is that of the named key; whose key that is, is another question."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - slow to load
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415

        try:
            key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(self.key))
            key.verify(bytes.fromhex(self.signature), self._signed_bytes())
        except (InvalidSignature, ValueError):
            return False
        return True

    def _signed_bytes(self) -> bytes:
        return _canonical({**self.to_json(), "signature": ""})


def _checked(kind: type[Document], value: Mapping[str, Any]) -> Document:
    """An object of that kind. Raises KeyError, TypeError or ValueError where a value does not fit."""
    for name, kinds in _KINDS[kind].items():
        item = value[name]
        if isinstance(item, bool) or not isinstance(item, kinds):
            raise TypeError(name)
        if isinstance(item, int) and not LOWEST_SEQ <= item <= HIGHEST_SEQ:
            raise ValueError(name)
        if isinstance(item, str):
            item.encode()  # a lone surrogate is no text
    return kind(**value)


def _kinds(kind: Any) -> dict[str, Any]:
    """What each field may be, by its name."""
    found = {wanted.name: wanted.type for wanted in fields(kind)}
    return {name: Mapping if get_origin(of) is Mapping else of for name, of in found.items()}


_KINDS: Final = {SealedChain: _kinds(SealedChain), Checkpoint: _kinds(Checkpoint)}
"""Found once: to take annotations apart costs more than to check the values."""


def _values(document: "Checkpoint | SealedChain") -> dict[str, Any]:
    """The fields as they are; `asdict` copies each of them, which takes ten times as long."""
    return {name: getattr(document, name) for name in _KINDS[type(document)]}


def _canonical(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def may_replace(item: Checkpoint, before: Iterable[Checkpoint], keys: frozenset[str] | None) -> bool:
    """Whether its key is one of `keys` (None are all), or the only one so far.

    Whoever signs with an unknown key may correct what they said themselves, and nobody else.
    """
    return keys is None or item.key in keys or all(other.key == item.key for other in before)


@dataclass(frozen=True, slots=True)
class Recognised:
    """What the store says of a file: whether it is taken for a database that is known; `copy_of` which place,
    where that has the original; whether it `goes_on` with another line than that of its place where a person
    says so; whether it is doubted, or undecided, which database it is.
    """

    is_known: bool = False
    copy_of: str | None = None
    goes_on: bool = False
    is_doubted: bool = False
    is_undecided: bool = False


UNKNOWN: Final = Recognised()


@dataclass(frozen=True, slots=True)
class CheckpointHistory:
    """The checkpoints of a file, oldest first, the starts its user adopted, and what is wrong with either.

    `adopted` maps a tenant to the seq and previous hash of the first row that a person accepted. `notes` are
    sentences about them that are no findings, `doubts` those of them that say which database the file is.
    What a checkpoint knows that is signed with none of `keys` is held against the rows, but proves none; None
    are all keys. Up to the number `counted` the file may have numbered entries that are gone: a person has
    said that it is right so. `superseded` are those from before that was said: they are no more held against
    the file, but what is exactly as one knew it is an earlier state. Where it is `undecided` which database
    the file is, nothing vouches for it: `keys` are none.
    """

    checkpoints: tuple[Checkpoint, ...] = ()
    adopted: Mapping[str, tuple[int, str]] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    notes: tuple[str, ...] = ()
    keys: frozenset[str] | None = None
    counted: int = 0
    superseded: tuple[Checkpoint, ...] = ()
    undecided: bool = False
    doubts: tuple[str, ...] = ()
    recognised: Recognised = UNKNOWN

    @property
    def latest(self) -> Checkpoint | None:
        return self.checkpoints[-1] if self.checkpoints else None

    @property
    def proving(self) -> Checkpoint | None:
        """The latest that is signed with a key that is known."""
        return next(filter(self.trusts, reversed(self.checkpoints)), None)

    def trusts(self, item: Checkpoint) -> bool:
        return self.keys is None or item.key in self.keys

    @property
    def voices(self) -> tuple[tuple[Checkpoint, ...], ...]:
        """All that are signed with known keys, and those of each other key: none speaks for another."""
        found: dict[str | None, list[Checkpoint]] = {}
        for item in self.checkpoints:
            found.setdefault(None if self.trusts(item) else item.key, []).append(item)
        return tuple(tuple(items) for items in found.values())

    @property
    def latests(self) -> list[Checkpoint]:
        """The latest of each voice."""
        return [voice[-1] for voice in self.voices]

    def replaces(self, position: int) -> bool:
        """Whether what the checkpoint at that position says may stand for what those before it say."""
        return may_replace(self.checkpoints[position], self.checkpoints[:position], self.keys)

    @property
    def older(self) -> list[Checkpoint]:
        """Those before the latest of which the file may be the state, newest first."""
        every = self.superseded + self.checkpoints
        able = (may_replace(item, every[:position], self.keys) for position, item in enumerate(every))
        return [*compress(every[:-1], able)][::-1]

    @property
    def baseline(self) -> int:
        """The position of the last one that covers everything: those before it say nothing more of rows."""
        whole = (position for position, item in enumerate(self.checkpoints) if item.after == 0)
        return max(filter(self.replaces, whole), default=0)

    @property
    def current(self) -> tuple[Checkpoint, ...]:
        """Those that say something the later ones do not: from the last one that covers everything."""
        return self.checkpoints[self.baseline :]

    @property
    def marks(self) -> list[tuple[int, str]]:
        """Where a scan notes a tenant's state: where each knew its end, and where the latest ends."""
        every = self.superseded + self.checkpoints
        known = (item for checkpoint in every for item in checkpoint.tenants.items())
        found = {(sealed.last_seq, tenant) for tenant, sealed in known}
        found |= {(end.through, tenant) for end in self.latests for tenant in end.tenants}
        return sorted(found)
