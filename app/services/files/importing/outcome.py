"""What an import made, as frozen dataclasses."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Dangling:
    """So many rows of `table` refer to a row of `parent` which is not there."""

    table: str
    parent: str
    rows: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import made.

    `rows` counts by table, the ledger and SQLite's own tables left out. `statements` counts what was run.
    `violations` are all rows whose foreign key points nowhere, `dangling` says of which tables.
    """

    path: Path
    rows: Mapping[str, int]
    statements: int
    violations: int
    dangling: tuple[Dangling, ...]
    seconds: float
