"""Which checkpoints hold, the key that signs them, and exports that can be checked anywhere."""

import json
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Final

from app import paths
from app.services.chain.checkpoint import NEW_LINE, Checkpoint, may_replace
from app.services.chain.rules import HIGHEST_SEQ, Code, Finding
from app.services.keyring import SERVICE, Keyring, KeyringAbsent, KeyringBroken, KeyringProblem
from models.errors import AlreadyThere, InvalidInput, StorageError
from models.files import atomic
from models.files.at_path import require_file

if TYPE_CHECKING:  # slow to load, and only needed where something is signed or a signature is checked
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

EXPORT_FORMAT: Final = "tenant-admin checkpoints 1"

KEY_FILE: Final = "checkpoint-key"
KEY_BYTES: Final = 32
_LARGEST_KEY: Final = 1 << 12
"""Any 32 random bytes are an Ed25519 private key (RFC 8032, 5.1.5)."""

IN_KEYRING: Final = "Checkpoints are signed with a key in the system's keyring."
IN_FILE: Final = (
    "No system keyring answers here, so checkpoints are signed with a key in a file that only you "
    "can read. That is weaker: every program that runs as you can read it. Keep exports elsewhere."
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A checkpoint that cannot be read in `place`; its number where that can be."""

    number: int | None
    place: str = "the store"


Problem = tuple[str | None, str | None, str]
"""Expected, actual, sentence."""


def write_export(out: Path, checkpoints: Iterable[Checkpoint]) -> None:
    """Takes the place of an earlier export only when it is complete. Raises `atomic.expected_errors`."""
    value = {"format": EXPORT_FORMAT, "checkpoints": [item.to_json() for item in checkpoints]}
    with atomic.expected_errors(out):
        atomic.write(out, json.dumps(value, indent=1, sort_keys=True) + "\n")


def require_export_place(out: Path) -> None:
    """Raises `AlreadyThere` where something else than an earlier export would be replaced, and the errors of
    `atomic.require_place`.
    """
    atomic.require_place(out)
    if os.path.exists(out):  # noqa: PTH110 - Path.exists() may raise
        try:
            read_export(out)
        except InvalidInput:
            raise AlreadyThere(out) from None


def read_export(file: Path) -> list[Checkpoint]:
    """The checkpoints of an export, oldest first; nothing of them is believed yet.

    Raises the errors of `read_each`, and `InvalidInput` where one of them cannot be read.
    """
    found = read_each(file)
    if len(whole := readable(found)) < len(found):
        raise InvalidInput(
            "checkpoints",
            f"{file.name} holds something that is not a checkpoint, so nothing of it was taken; choose an "
            "export that is whole.",
        )
    return whole


def read_each(file: Path) -> list[Checkpoint | Unreadable]:
    """The same, with those that cannot be read where they belong: one takes nothing else with it.

    Raises the errors of `require_file`, and `InvalidInput` when the file is no export.
    """
    require_file(file)
    found: list[tuple[tuple[str, int], Checkpoint | Unreadable]] = []
    database, number = "", 0
    try:
        value = json.loads(file.read_bytes())
        if value["format"] != EXPORT_FORMAT:
            raise ValueError
        for written in value["checkpoints"]:
            item: Checkpoint | Unreadable
            try:
                item = Checkpoint.from_json(written)
                database, number = item.database, item.number
            except InvalidInput:
                said = written.get("number") if isinstance(written, dict) else None
                item = Unreadable(said if type(said) is int and 0 < said <= HIGHEST_SEQ else None, file.name)
            found.append(((database, item.number or number), item))
        if not readable(item for _, item in found):
            raise ValueError
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise InvalidInput(
            "checkpoints", f"{file.name} holds no exported checkpoints; choose another file."
        ) from error
    return [item for _, item in sorted(found, key=lambda one: one[0])]


def readable(found: Iterable[Checkpoint | Unreadable]) -> list[Checkpoint]:
    """Those that can be read."""
    return [item for item in found if isinstance(item, Checkpoint)]


def authentic(
    checkpoints: Sequence[Checkpoint | Unreadable],
    keys: frozenset[str],
    database: str | None,
    *,
    exported: bool = False,
) -> tuple[list[Checkpoint], list[Finding]]:
    """Those that hold, in order, and a SIGNATURE finding for each that does not or lacks the one before it.

    `keys` are the public keys that are known; a store without any knows that of its oldest checkpoint. In an
    export another key is a warning, KEY, and what is signed with it holds beside the rest. `database` is the
    one they must speak of, or None if that is not known. What is wrong with those before a new line is not
    held against it.
    """
    good: list[Checkpoint] = []
    findings: list[Finding] = []
    whole = readable(checkpoints)
    trusted = frozenset(item.key for item in whole if exported) | keys
    trusted = trusted or frozenset(item.key for item in whole[:1])
    wanted = database or next((item.database for item in whole if item.signature_holds()), None)
    before: Checkpoint | Unreadable | None = None
    before_holds = True
    for position, item in enumerate(checkpoints):
        problem = _problem(item, trusted, wanted)
        if isinstance(item, Checkpoint):
            problem = problem or _gap(item, before, before_holds)
            if problem is None:
                good.append(item)
                earlier = (other for other in checkpoints[:position] if isinstance(other, Checkpoint))
                if begins_line(item, earlier, keys if exported else trusted):
                    findings.clear()
        if problem is not None:
            findings.append(Finding(Code.SIGNATURE, None, None, *problem))
        before, before_holds = item, problem is None
    for key in dict.fromkeys(item.key for item in good if exported and item.key not in keys):
        sentence = (
            f"Checkpoints are signed with a key that is not known here, {key}; they are held against the "
            "entries, but prove nothing. If it is the right one, import them, or name it with --trust-key."
        )
        findings.append(Finding(Code.KEY, None, None, None, key, sentence))
    return good, findings


def begins_line(item: Checkpoint, before: Iterable[Checkpoint], keys: frozenset[str]) -> bool:
    """Whether what came before it no longer counts: one with an unknown key does not end what others know."""
    return item.reason in NEW_LINE and may_replace(item, before, keys)


def _problem(item: Checkpoint | Unreadable, trusted: frozenset[str], database: str | None) -> Problem | None:
    if isinstance(item, Unreadable):
        which = "A checkpoint" if item.number is None else f"Checkpoint {item.number}"
        sentence = f"{which} of this database cannot be read in {item.place}; the others were used."
        return None, None, sentence
    if not item.signature_holds():
        return None, item.signature[:16], f"Checkpoint {item.number} was changed after it was signed."
    if item.key not in trusted:
        sentence = f"Checkpoint {item.number} is signed with a key not known here; import it if you trust it."
        return None, item.key, sentence
    if item.database != database:
        return database, item.database, f"Checkpoint {item.number} was made of another database."
    return None


def _gap(item: Checkpoint, before: Checkpoint | Unreadable | None, before_holds: bool) -> Problem | None:
    """What is wrong with its place in the row; the hash of one that does not hold itself says nothing."""
    number, previous = 0, None
    if isinstance(before, Unreadable):
        number = item.number - 1 if before.number is None else before.number
    elif before is not None:
        number, previous = before.number, before.hash
    if item.number > number + 1:
        return previous, item.previous, f"Before checkpoint {item.number}, number {number + 1} is left out."
    if item.number <= number or (before_holds and item.previous != previous):
        return previous, item.previous, f"Checkpoint {item.number} does not follow from the one before it."
    return None


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`where` is the sentence that says where it is kept."""

    private: "Ed25519PrivateKey" = field(repr=False)
    where: str

    @property
    def public(self) -> str:
        return self.private.public_key().public_bytes_raw().hex()


class NotSigned(StorageError):
    """No checkpoint was made: what would be signed does not hold, or there is no key to sign with."""


class Disturbed(NotSigned):
    """Others took or changed entries while they were verified: what is there by now was not looked at."""


def load_key(folder: Path, keyring: Keyring | None) -> SigningKey:
    """The key of this folder's checkpoints, made on first use: in the keyring, or in a file there.

    `keyring` is None where there is none. A key file that is there is used: its checkpoints name it. Raises
    `NotSigned` where it is damaged or out of reach, and `OSError`.
    """
    file = folder / KEY_FILE
    if keyring is not None and not file.exists():
        user, stored = _user(folder), None
        with _within_reach():
            stored = keyring.get_password(SERVICE, user) or _put(keyring, user)
        if stored:
            return SigningKey(_private(stored, f"the system's keyring ({SERVICE}, {user})"), IN_KEYRING)
    if not file.exists():
        paths.make_private(folder)
        with suppress(AlreadyThere):  # another process was faster; its key is the one
            atomic.write(file, secrets.token_hex(KEY_BYTES), only_if_new=True)
    return SigningKey(_private(_only_ours(file), str(file)), IN_FILE)


def _only_ours(file: Path) -> str:
    """What a key's file holds, which others cannot read from now on. Raises `NotSigned`."""
    try:
        if file.stat().st_mode & 0o077:
            with suppress(OSError):  # somebody else's
                file.chmod(0o600)
        return paths.content(file, _LARGEST_KEY).decode("ascii", "replace")
    except OSError as error:
        raise _no_key(str(file), f" ({error.strerror})") from error


def _no_key(where: str, why: str = "") -> NotSigned:
    return NotSigned(
        f"The signing key in {where} cannot be read{why}; no checkpoint was made. Restore it, or remove it: "
        "a new one is made then, and what was signed before still counts."
    )


def require_key(folder: Path, keyring: Keyring | None) -> None:
    """Raises `NotSigned` where the key is out of reach; makes none."""
    if keyring is not None and not (folder / KEY_FILE).exists():
        with _within_reach():
            keyring.get_password(SERVICE, _user(folder))


def _user(folder: Path) -> str:
    return f"checkpoints {folder.absolute()}"


@contextmanager
def _within_reach() -> Iterator[None]:
    """A keyring that is not there is none that is out of reach."""
    try:
        yield
    except KeyringAbsent:
        pass
    except KeyringProblem as error:
        said = f"No checkpoint was made, because {error}, and the key that signs it may be there."
        raise NotSigned(f"{said} {error.remedy}.") from error


def _put(keyring: Keyring, user: str) -> str | None:
    """A new key in a keyring that has none; None where it does not take it, or keeps nothing."""
    secret = secrets.token_hex(KEY_BYTES)
    with suppress(KeyringBroken):
        keyring.set_password(SERVICE, user, secret)
        return secret if keyring.get_password(SERVICE, user) == secret else None
    return None


def _private(text: str, where: str) -> "Ed25519PrivateKey":
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415

    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(text.strip()))
    except ValueError as error:
        raise _no_key(where) from error
