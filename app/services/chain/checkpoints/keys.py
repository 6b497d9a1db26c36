"""The signing key: in the keyring of the operating system, or in a file that only the user can read."""

import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol, TypeVar

from models.errors import StorageError
from models.local import atomic

if TYPE_CHECKING:  # slow to load, and only needed where something is signed
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

SERVICE: Final = "tenant-admin"
KEY_BYTES: Final = 32
"""Any 32 random bytes are an Ed25519 private key (RFC 8032, 5.1.5)."""

Answer = TypeVar("Answer")


class KeyPlace(StrEnum):
    KEYRING = "keyring"
    FILE = "file"

    @property
    def sentence(self) -> str:
        """What the interface says about it."""
        if self is KeyPlace.KEYRING:
            return "Checkpoints are signed with a key in the system's keyring."
        return (
            "No system keyring answers here, so checkpoints are signed with a key in a file that only you "
            "can read. That is weaker: every program that runs as you can read it. Keep exports elsewhere."
        )


class Keyring(Protocol):
    """What is needed of the `keyring` package, or of a backend of it."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SigningKey:
    private: "Ed25519PrivateKey"
    place: KeyPlace

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()

    def __repr__(self) -> str:
        return f"SigningKey({self.public}, {self.place})"


class KeyDamaged(StorageError):
    def __init__(self, where: str) -> None:
        super().__init__(
            f"The signing key in {where} cannot be read; no checkpoint was made. Restore it, or remove it: "
            "a new one is made then, and what was signed before still counts."
        )


def load_key(folder: Path, keyring: Keyring | None = None) -> SigningKey:
    """The key of this folder's checkpoints, made on first use.

    `keyring` is the system's own if None. A key file that is there is used: its checkpoints name it. Raises
    `KeyDamaged` and `OSError`.
    """
    keyring = keyring or _system_keyring()
    file = folder / "checkpoint-key"
    if file.exists():
        return _from_file(file)
    user = f"checkpoints {folder.absolute()}"
    stored = _ask(keyring, user)
    if stored:
        return SigningKey(_from_hex(stored, f"the system's keyring ({SERVICE}, {user})"), KeyPlace.KEYRING)
    secret = secrets.token_hex(KEY_BYTES)
    if keyring is not None and _put(keyring, user, secret):
        return SigningKey(_from_hex(secret, "the system's keyring"), KeyPlace.KEYRING)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with suppress(FileExistsError):  # another process was faster; its key is the one
        atomic.write(file, secret, only_if_new=True)
    return _from_file(file)


def _from_file(file: Path) -> SigningKey:
    return SigningKey(_from_hex(file.read_bytes().decode("ascii", "replace"), str(file)), KeyPlace.FILE)


def _from_hex(text: str, where: str) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise KeyDamaged(where) from error


def _system_keyring() -> Keyring | None:
    def load() -> Keyring:
        import keyring  # noqa: PLC0415 - slow, and only asked when something is to be signed

        return keyring.get_keyring()

    return _answer(load)


def _ask(keyring: Keyring | None, user: str) -> str | None:
    return None if keyring is None else _answer(lambda: keyring.get_password(SERVICE, user))


def _put(keyring: Keyring, user: str, secret: str) -> bool:
    """Whether the keyring really keeps it."""
    _answer(lambda: keyring.set_password(SERVICE, user, secret))
    return _ask(keyring, user) == secret


def _answer(question: Callable[[], Answer]) -> Answer | None:
    """What a keyring answers. A backend, and its configuration, may raise anything: that is no answer."""
    try:
        return question()
    except Exception:  # noqa: BLE001
        return None
