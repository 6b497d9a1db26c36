"""Migrations as files: their order, their text, the next one."""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from models.errors import StorageError
from models.local import statements

_NOT_IN_A_MIGRATION = frozenset(
    ("begin", "commit", "end", "rollback", "savepoint", "release", "attach", "detach", "vacuum")
)


class MigrationError(StorageError):
    """A migration cannot be read, written or applied; `str()` says which and what became of the file."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One `.sql` file, split into its statements."""

    name: str
    statements: tuple[str, ...]

    def creations(self) -> dict[str, str] | None:
        """Name to canonical text of everything it makes; None when it does anything but make things."""
        made = [statements.creates(statement) for statement in self.statements]
        found = {item[0]: item[1] for item in made if item is not None}
        return found if found and None not in made else None

    def refuse_transactions(self) -> None:
        """Raises `MigrationError` for a statement that cannot be part of the migration's own transaction."""
        for number, statement in enumerate(self.statements, 1):
            word = statements.canonical(statement).partition(" ")[0]
            if word in _NOT_IN_A_MIGRATION:
                raise MigrationError(
                    f"Migration {self.name} holds {word.upper()} (statement {number}), but every migration "
                    "already runs in a transaction of its own; nothing was changed. "
                    "Remove that statement from the migration."
                )


def read_folder(folder: Path) -> list[Migration]:
    """The folder's migrations in the order they run. Raises `MigrationError` when one cannot be read."""
    migrations = []
    for path in _files(folder):
        try:
            text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise MigrationError(
                f"Migration {path.name} cannot be read as text; nothing was changed."
            ) from error
        migrations.append(Migration(path.name, tuple(statements.split(text))))
    return migrations


def create(folder: Path, description: str, *, now: int) -> Path:
    """Writes the next numbered migration, named and headed as `wrangler d1 migrations create` does.

    Raises `MigrationError` when the description cannot be part of a file name.
    """
    slug = "_".join(description.split())
    if not re.fullmatch(r"[\w.-]+", slug):
        raise MigrationError(
            f"{description!r} cannot be part of a file name; describe the change with letters, digits, "
            "spaces, '-', '_' and '.' only."
        )
    numbers = [_number(path.name) for path in _files(folder)]
    number = f"{max((number for number in numbers if number is not None), default=0) + 1:04d}"
    path = folder / f"{number}_{slug}.sql"
    written = datetime.fromtimestamp(now, UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    try:
        with path.open("x", encoding="utf-8", newline="\n") as file:
            file.write(f"-- Migration number: {number} \t {written}\n")
    except OSError as error:
        raise MigrationError(f"{path.name} cannot be written in {folder}: {error.strerror}.") from error
    return path


def _files(folder: Path) -> list[Path]:
    """In wrangler's order: by leading number, those without one last, then by name in UTF-16 units."""
    try:
        found = [path for path in folder.iterdir() if path.is_file()]
    except OSError as error:
        raise MigrationError(f"The migrations folder {folder} cannot be read: {error.strerror}.") from error
    return sorted(
        (path for path in found if path.name.endswith(".sql") and not path.name.startswith(".")),
        key=lambda path: (
            _number(path.name) is None,
            _number(path.name) or 0,
            path.name.encode("utf-16-be", "surrogatepass"),
        ),
    )


def _number(name: str) -> int | None:
    match = re.match(r"\s*[+-]?\d+", name)
    return int(match.group()) if match else None
