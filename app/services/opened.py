"""What is open, whatever answers to it: a file (`services.files`) or a live database (`services.live`)."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Final, Self

from app import paths
from app.services.text import counted
from models import engine, errors, progress, tables
from models.schema import TENANTS, Beside, Schema, StoredTables, find_tenants, inspect_with_tenants

if TYPE_CHECKING:
    from app.services.chain.where import Where
    from app.services.files.importing import Imported
    from app.services.files.restoring import Restored
    from models.local.migrations import MigrationStatus


ASKED = "that was asked for when it was opened"
FOREIGN = "it has none of the platform's tables and belongs to another program"

Which = Callable[[StoredTables], Mapping[str, str]]
"""Which rows of which tables are wanted, as conditions; of others none."""

_TENANT_TABLES = (
    *(
        model._meta.table_name
        for model in tables.TABLES
        if "tenant_id" in model._meta.fields or model is tables.PlanningRun  # which a gateway's belong to
    ),
    TENANTS,
)


class NotAFile(errors.TenantAdminError):
    heading = "This needs a file"
    sentence = "{what} is a live database, and this can be done with a file alone; nothing was changed."


@dataclass(frozen=True, slots=True)
class Mark:
    """How a database that others work with is marked, all the time: words, a colour's name, and whether it is
    production.
    """

    words: str
    colour: str
    is_production: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(ABC):
    """What can be read, and all that a person should know about it, as it was at one moment.

    `read_only_reason` reads after "because"; it is None exactly when it can be written. `can_be_forced` says
    that a person may overrule it. `imported` is what made it of a dump just now, and `restored` what a
    restore has just made of it. `rows` is None before they
    were counted (`with_counts`), `migrations` where the ledger is not read. `sizes` are how many rows a table
    has at most, of some. `last_run` is when retention last ran, as its chain tells, where that was read with
    the rest. The database holds no connection yet.
    """

    kind: ClassVar[str] = "file"
    """What it is, in a sentence about it."""
    uncounted: ClassVar[str] = "cannot be read"
    """Why a table's rows have no number."""

    database: engine.Database
    schema: Schema
    tenants: tuple[str, ...]
    read_only_reason: str | None
    can_be_forced: bool = False
    imported: "Imported | None" = None
    restored: "Restored | None" = None
    rows: Mapping[str, int | None] | None = None
    migrations: "MigrationStatus | None" = None
    sizes: Mapping[str, int] = field(default_factory=dict)
    last_run: int | None = None

    @property
    def place(self) -> str:
        return self.database.place

    @property
    def read_only(self) -> bool:
        return self.read_only_reason is not None

    @property
    def kept_by(self) -> errors.FileOrName:
        """By what settings of it are kept: another one for each database."""
        return self.file or self.database.identity

    @property
    def agreed_by(self) -> errors.FileOrName:
        """By what is kept what a person has agreed to: of a live database another one for each connection."""
        return self.file or f"{self.kept_by} {self.place}"

    @property
    @abstractmethod
    def whole_place(self) -> str:
        """Where exactly it is, for who wants to know more than `place`."""

    @property
    @abstractmethod
    def facts(self) -> tuple[str, ...]:
        """What it is just now, in a few words each."""

    def measured(self) -> tuple[tuple[str, ...], str] | None:
        """The same read again after a write, on a thread that may wait, and what else is to be told of it;
        None where `facts` knows by itself.
        """
        return None

    @property
    @abstractmethod
    def details(self) -> tuple[tuple[str, str, str], ...]:
        """What it is, in full: what each is called, as it is shown, and to be copied ("" for what is not)."""

    @abstractmethod
    def with_counts(self) -> Self:
        """As it is now, with its rows counted, as far as that costs nothing; the caller holds a connection.

        Raises the errors of reading.
        """

    @property
    def file(self) -> Path | None:
        """The file that it is; None for what is none."""
        return None

    @property
    def path(self) -> Path:
        """The same, for what a `Capability` that only files have leads to. Raises `NotAFile`."""
        if self.file is None:
            raise NotAFile(self.place)
        return self.file

    @property
    def mark(self) -> Mark | None:
        return None

    @property
    def unlocked_by(self) -> str | None:
        """What a person types to unlock its writes for a while; None where they are not locked."""
        return None

    @property
    def elsewhere(self) -> Mapping[engine.Capability, str]:
        """What its engine lacks, each with a sentence that says what does it instead."""
        return {}

    @property
    @abstractmethod
    def where(self) -> "Where":
        """What is verified, and checkpoints are kept of."""

    @property
    @abstractmethod
    def stem(self) -> str:
        """How what is made of it is called at first, before a suffix."""

    @property
    def folder(self) -> Path:
        """Where what is made of it is offered to be saved."""
        return paths.home() if self.file is None else self.file.parent

    @property
    def beside(self) -> Path:
        """What a kept copy of it is called after."""
        return self.folder / f"{self.stem}.sqlite" if self.file is None else self.file

    def interrupted(self) -> list[Path]:
        """The copies that were kept of it for what a killed program has begun, each told once."""
        from models.files.atomic import left_locked  # noqa: PLC0415 - rows show before

        return left_locked(self.beside)

    @abstractmethod
    def kept_copy(
        self, why: str, which: Which, *, now: int, monitor: progress.Monitor = progress.UNWATCHED
    ) -> AbstractContextManager[Path]:
        """A copy in `folder` of what it holds now, named for `why` it was made: of a file whole, of a live
        database of those rows alone, each of which is read. Nobody else is given its name until the block
        ends. The caller holds a connection. Raises `Cancelled` and the storage errors of both sides.
        """

    @property
    def pending(self) -> tuple[str, ...]:
        """The migrations that it lacks, as far as that can be told and they can be applied here."""
        return ()

    @property
    def can_migrate(self) -> bool:
        """Whether there is something to apply, and nothing of the schema speaks against it."""
        return False

    def to_json(self) -> dict[str, Any]:
        """What `tenant-admin info --json` says of tables that were counted."""
        schema = self.schema
        return {
            "tables": {name: {"rows": count} for name, count in (self.rows or {}).items()},
            "tenants": list(self.tenants),
            "schema": {
                "missingTables": list(schema.missing_tables),
                "missingColumns": {name: list(some) for name, some in schema.missing_columns.items()},
                "extraTables": list(schema.extra_tables),
                "extraColumns": {name: list(some) for name, some in schema.extra_columns.items()},
            },
        }

    def lines(self) -> list[str]:
        """The same for a person, line by line."""
        schema = self.schema
        columns = (("missing", schema.missing_columns), ("extra", schema.extra_columns))
        return [
            *(
                f"  {name}: {self.uncounted if count is None else counted(count, 'row')}"
                for name, count in (self.rows or {}).items()
            ),
            f"tenants ({len(self.tenants):,}): {', '.join(self.tenants) or 'none'}",
            *(f"missing table: {name}" for name in schema.missing_tables),
            *(
                f"{what} column: {table}.{name}"
                for what, differences in columns
                for table, names in differences.items()
                for name in names
            ),
            *(f"stands in for a table or changes one: {name}" for name in schema.impostors),
        ]


def never_written(schema: Schema) -> str | None:
    """Why nothing may be written to a database with these tables, after "because"; None when it may."""
    if schema.impostors:
        return f"it holds {', '.join(schema.impostors)}, which could change what a write means"
    return FOREIGN if schema.foreign else None


def tenants(database: engine.Database, *, but: str = "") -> tuple[str, ...]:
    """Every tenant that users, audit entries, webhooks, notifications, runs or the platform's own table of
    them mention, in order; one of these tables may be left out (`but`).

    Text that is not well formed is shown with replacement characters. The caller holds a connection.
    """
    return _names(database, find_tenants(database, [name for name in _TENANT_TABLES if name != but]))


class Sizes(Mapping[str, int]):
    """How many rows each table has at most: those that it was found to have, and what came behind."""

    def __init__(self, database: engine.Database, found: Mapping[str, int]) -> None:
        self._database, self._found = database, found

    def __getitem__(self, table: str) -> int:
        came = self._database.grown.get(table, 0)
        return self._found[table] + came

    def __iter__(self) -> Iterator[str]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)


def look(
    database: engine.Database, *, as_expected: bool = False, beside: Beside | None = None
) -> tuple[dict[str, Any], engine.Rows]:
    """The schema, the tenants and the sizes of what is opened; the others are those of
    `inspect_with_tenants`.
    """
    how: dict[str, Any] = {"as_expected": as_expected, "beside": beside}
    schema, found, sizes, told = inspect_with_tenants(database, _TENANT_TABLES, **how)
    return {"schema": schema, "tenants": _names(database, found), "sizes": Sizes(database, sizes)}, told


def _names(database: engine.Database, found: engine.Rows) -> tuple[str, ...]:
    return tuple(sorted({name.decode(database.encoding, "replace") for name, _ in found}))


_NAMES: Final = dict(zip(tables.TABLES, tables.TABLE_NAMES, strict=True))
_USERS, _CHAIN, _RUNS = _NAMES[tables.User], _NAMES[tables.AuditEntry], _NAMES[tables.PlanningRun]

GATEWAY: Final = frozenset((_USERS, _CHAIN, _NAMES[tables.WebhookDestination], _NAMES[tables.Notification]))
PLANNING: Final = frozenset((_NAMES[tables.PlanningArtifact], _NAMES[tables.ParkedIdea]))
"""Tables that only one of the two has."""


def part_of_platform(names: Collection[str]) -> str:
    """Which of the two a database with these tables is: "Gateway", "Planning", "Gateway and planning"; or
    "Unknown" without any of them.
    """
    gateway, planning = (not one.isdisjoint(names) for one in (GATEWAY, PLANNING))
    if gateway and planning:
        return "Gateway and planning"
    return "Gateway" if gateway else "Planning" if _RUNS in names else "Unknown"


def whole_part(names: Collection[str]) -> str:
    """Which one of the two a database with these tables is by itself; empty where it is neither, or lacks
    what that one always has: a gateway may be without webhooks and notifications.
    """
    part = part_of_platform(names)
    needed = {"Gateway": {_USERS, _CHAIN}, "Planning": {*PLANNING}}.get(part)
    return part if needed is not None and needed <= set(names) else ""
