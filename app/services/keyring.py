"""What is needed of a system's keyring, and how it may be instead of answering."""

from typing import ClassVar, Final, Protocol

from models.errors import TenantAdminError

SERVICE: Final = "tenant-admin"


class Keyring(Protocol):
    """A system's keyring. Raises `KeyringAbsent`, `KeyringUnavailable`, `KeyringBroken`."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...

    def is_open(self) -> bool:
        """Whether it answers without asking a person first."""


class KeyringProblem(TenantAdminError):
    """How it is, to stand behind "because"; `remedy` is what a person can do, without a full stop."""

    remedy: ClassVar[str] = ""


class KeyringUnavailable(KeyringProblem):
    """It is there, but locked or silent, so what it holds is not to be done without."""

    sentence = "the system's keyring {what}"
    remedy = "Unlock it and try again"


class KeyringAbsent(KeyringProblem):
    """There is none on this system, so it holds nothing."""

    sentence = "there is no system keyring"


class KeyringBroken(KeyringProblem):
    """It cannot be asked: its configuration names none that works, say. That is not the same as absent."""

    sentence = "the system's keyring cannot be used ({what})"
    remedy = (
        "Correct PYTHON_KEYRING_BACKEND or keyringrc.cfg and try again; where they name "
        "keyring.backends.null.Keyring, there is none"
    )
