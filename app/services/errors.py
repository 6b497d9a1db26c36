"""Every expected failure, as a sentence for a person; those of the file come from `models.errors`."""

from models.errors import (
    AlreadyExists,
    AlreadyThere,
    CannotOpen,
    ColumnMissing,
    CopyNotWritten,
    DamagedFile,
    DiskFailure,
    DiskFull,
    EmptyFile,
    EncryptedFile,
    FileLocked,
    FileMissing,
    FolderGiven,
    HeadMoved,
    NeedsCopy,
    NewerFormat,
    NotADatabase,
    ReadOnlyFile,
    Refused,
    RowChanged,
    SqlDump,
    StorageError,
    TableMissing,
    TenantAdminError,
    UnfinishedChange,
    translate,
)

__all__ = [
    "AlreadyExists",
    "AlreadyThere",
    "Cancelled",
    "CannotOpen",
    "ColumnMissing",
    "CopyNotWritten",
    "DamagedFile",
    "DiskFailure",
    "DiskFull",
    "EmptyFile",
    "EncryptedFile",
    "FileLocked",
    "FileMissing",
    "FolderGiven",
    "HeadMoved",
    "InvalidInput",
    "NeedsCopy",
    "NewerFormat",
    "NotADatabase",
    "NotAllowed",
    "NotFound",
    "ReadOnlyFile",
    "Refused",
    "RowChanged",
    "SqlDump",
    "StorageError",
    "TableMissing",
    "TenantAdminError",
    "UnfinishedChange",
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
