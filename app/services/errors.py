"""Every expected failure, as a sentence for a person; those of the file come from `models.errors`."""

from models.errors import (
    AlreadyExists,
    CannotOpen,
    DamagedFile,
    DiskFull,
    FileLocked,
    FileMissing,
    HeadMoved,
    NotADatabase,
    ReadOnlyFile,
    RowChanged,
    StorageError,
    TableMissing,
    TenantAdminError,
    translate,
)

__all__ = [
    "AlreadyExists",
    "Cancelled",
    "CannotOpen",
    "DamagedFile",
    "DiskFull",
    "FileLocked",
    "FileMissing",
    "HeadMoved",
    "InvalidInput",
    "NotADatabase",
    "NotAllowed",
    "NotFound",
    "ReadOnlyFile",
    "RowChanged",
    "StorageError",
    "TableMissing",
    "TenantAdminError",
    "translate",
]


class InvalidInput(TenantAdminError):
    """Something typed cannot be stored as it is. `field` names what to correct."""

    def __init__(self, field: str, sentence: str) -> None:
        super().__init__(sentence)
        self.field = field


class NotFound(TenantAdminError):
    def __init__(self, what: str) -> None:
        super().__init__(f"The {what} is no longer there; it may have been deleted by somebody else.")


class NotAllowed(TenantAdminError):
    """The action does not apply to the record as it stands."""


class Cancelled(TenantAdminError):
    def __init__(self) -> None:
        super().__init__("Cancelled; nothing more was done.")
