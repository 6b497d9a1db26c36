"""What is needed of a system's keyring, and how it may be instead of answering."""

from typing import Final, Protocol

from models.errors import TenantAdminError

SERVICE: Final = "tenant-admin"

_NONE: Final = "keyring.backends.null.Keyring"


class Keyring(Protocol):
    """A system's keyring. Raises `KeyringAbsent`, `KeyringUnavailable`, `KeyringBroken`."""

    def get_password(self, service: str, username: str) -> str | None: ...

    def set_password(self, service: str, username: str, password: str) -> None: ...

    def delete_password(self, service: str, username: str) -> None: ...

    def is_open(self) -> bool:
        """Whether it answers without asking a person first."""


class KeyringProblem(TenantAdminError):
    """How it is, to stand behind "because"; `remedy` is what a person can do, without a full stop."""

    remedy: str = ""


class KeyringUnavailable(KeyringProblem):
    """It is there, but locked or silent, so what it holds is not to be done without."""

    sentence = "the system's keyring {what}"
    remedy = "Unlock it and try again"


class KeyringAbsent(KeyringProblem):
    """There is none on this system, so it holds nothing."""

    sentence = "there is no system keyring"


class KeyringBroken(KeyringProblem):
    """It cannot be asked: its configuration names none that works, say. That is not the same as absent.

    `named_by` is the variable or file that says which one is used, empty where nothing does.
    """

    sentence = "the system's keyring cannot be used ({what})"

    def __init__(self, what: str = "", named_by: str = "") -> None:
        super().__init__(what)
        if named_by:
            self.remedy = f"Correct {named_by} and try again; where it names {_NONE}, there is none"
        else:
            self.remedy = f"Try again when it works; to do without it, set PYTHON_KEYRING_BACKEND to {_NONE}"
