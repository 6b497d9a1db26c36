"""Finding the platform's database in a file or folder: by its tables, never by its name.

Wrangler's own folder is looked through first (models/README.md, A wrangler project). What a project calls its
databases, whose files are named by a hash, stands at the end.
"""

import hashlib
import hmac
import json
import os
import re
import tomllib
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path
from typing import Any

from app import paths
from app.services.files import describe
from app.services.opened import part_of_platform, tenants
from app.services.text import counted, utc_time
from models.errors import CannotOpen, FileMissing, LogLeftBehind, StorageError
from models.files.at_path import JOURNAL, LOG, sibling
from models.files.atomic import UNFINISHED
from models.local import copies
from models.local.database import LocalDatabase
from models.local.file import CONFIGURATIONS, D1_DATABASES, METADATA, STATE, is_project
from models.schema import Schema, inspect, internal

_OLDER = STATE.parents[1] / STATE.name
"""Where wrangler's second version kept what its third has in `STATE` (models/README.md)."""

_SKIPPED = frozenset({"node_modules", ".git", ".venv", "venv", "__pycache__", "site-packages"})
_MAX_DEPTH = 8
_MAX_ENTRIES = 20_000
_MAX_FILES = 100
_NAMED_AT_MOST = 5


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that holds tables of the platform. `rows` counts them all; `modified_at` is epoch seconds.

    `name` is the `database_name` in wrangler's configuration; empty where none is known.
    """

    path: Path
    tables: tuple[str, ...]
    rows: int
    tenants: int
    modified_at: int
    name: str = ""

    @property
    def is_older(self) -> bool:
        """Whether it lies where only older versions of wrangler look."""
        return str(_OLDER) in str(self.path)

    @property
    def holds(self) -> str:
        """Which of the platform's two databases it is, by its tables (models/README.md)."""
        return part_of_platform(self.tables)


class SeveralDatabases(StorageError):
    """More than one file fits, or may fit; the person chooses one of `candidates`: those where wrangler looks
    now before those of older versions, and of each the most recently used first. `besides` is a sentence
    about files that may be meant as well, as they were copied without their logs; empty where there are none.
    """

    def __init__(
        self, folder: Path, candidates: tuple[Candidate, ...], without_log: Sequence[Path] = ()
    ) -> None:
        named = "; ".join(_described(item, folder) for item in candidates[:_NAMED_AT_MOST])
        more = f"; and {len(candidates) - _NAMED_AT_MOST} more" if len(candidates) > _NAMED_AT_MOST else ""
        which = "one of them" if len(candidates) > 1 else "it, if it is the right one"
        self.besides = ""
        if without_log:
            names = ", ".join(str(path.relative_to(folder)) for path in without_log[:_NAMED_AT_MOST])
            self.besides = (
                f"What {names} holds cannot be told: copied without the write-ahead log, it looks empty."
            )
        found = f"{folder} holds {counted(len(candidates), 'database')} of the platform"
        super().__init__(f"{found}; choose {which}: {named}{more}. {self.besides}".rstrip())
        self.candidates = candidates


class NoDatabase(StorageError):
    """No file fits. `others` are databases without the platform's tables; migrations can make them in one
    that holds no table yet.
    """

    def __init__(self, folder: Path, others: Mapping[Path, Schema]) -> None:
        new = [path for path, schema in others.items() if all(map(internal, schema.columns))]
        named = ", ".join(str(path.relative_to(folder)) for path in (new or [*others])[:_NAMED_AT_MOST])
        if new:
            found = (
                "no database with the platform's tables; apply the migrations to one that has no tables yet "
                f"({named}), or choose another folder."
            )
        elif others:
            found = f"no database of the platform, only of something else ({named}); choose another folder."
        else:
            found = (
                "no database; choose a wrangler project whose local D1 database has been used, or create a "
                "new database."
            )
        super().__init__(f"{folder} holds {found}")


def find_database(path: Path) -> Path:
    """The database file that `path` means: itself, or the one in the folder with the platform's tables.

    A wrangler configuration file stands for its folder. Those that wrangler keeps, in whichever folder for
    D1's state, come before others, and all before the copies that a migration or a restore keeps; among
    several of a kind a person chooses, and where another one has lost its log. The nearest 100 databases of
    at most 20,000 entries and 8 levels are looked at, those of wrangler's usual folder first, and no symbolic
    link to a folder is followed. Raises `FileMissing`, `CannotOpen`, `NoDatabase`, `SeveralDatabases`, and
    where none fits the error of a file that cannot be read.
    """
    if not is_project(path):
        return path
    folder = (path if paths.is_dir(path) else path.parent).absolute()
    seen: dict[Path, Candidate | Schema | StorageError | None] = {}
    for file in islice(chain(_files(folder / STATE), _files(folder)), _MAX_FILES):
        if file not in seen:
            try:
                seen[file] = _examine(file)
            except StorageError as error:
                seen[file] = error
    if candidates := [item for item in seen.values() if isinstance(item, Candidate)]:
        without_log = [file for file, item in seen.items() if isinstance(item, LogLeftBehind)]
        return _choose(folder, candidates, [file for file in without_log if _is_kept(folder, file)])
    for item in seen.values():
        if isinstance(item, StorageError):
            raise item
    others = {file: item for file, item in seen.items() if isinstance(item, Schema)}
    raise NoDatabase(folder, {file: schema for file, schema in others.items() if file.name != METADATA})


def _is_kept(folder: Path, file: Path) -> bool:
    """Whether wrangler keeps it, and not somebody a copy beside it."""
    return STATE.name in file.relative_to(folder).parent.parts and not copies.is_copy(file)


def _choose(folder: Path, candidates: list[Candidate], without_log: list[Path]) -> Path:
    best = [item for item in candidates if not copies.is_copy(item.path)] or candidates
    best = [item for item in best if STATE.name in item.path.relative_to(folder).parent.parts] or best
    if len(best) > 1 or without_log:
        best = [replace(item, name=_name(item.path)) for item in best]
        best.sort(key=lambda item: (item.is_older, -item.modified_at, item.path))
        raise SeveralDatabases(folder, tuple(best), without_log)
    return best[0].path


def _name(path: Path) -> str:
    """What wrangler calls the database, by the configuration of the project that the file lies in."""
    within = next((parent for parent in path.parents if parent.name == STATE.parts[0]), None)
    return "" if within is None else names_in(within.parent).get(path.name, "")


def _files(folder: Path) -> Iterator[Path]:
    """Database files by their suffix, nearest first."""
    waiting = deque([(folder, 0)])
    seen = 0
    while waiting:
        current, depth = waiting.popleft()
        try:
            entries = sorted(os.scandir(current), key=lambda entry: entry.name)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            if depth == 0:
                raise CannotOpen(current) from error
            continue
        for entry in entries:
            seen += 1
            if seen > _MAX_ENTRIES:
                return
            if entry.is_dir(follow_symlinks=False):
                skipped = entry.name in _SKIPPED or entry.name.startswith(UNFINISHED)
                if depth < _MAX_DEPTH and not skipped:
                    waiting.append((Path(entry.path), depth + 1))
            elif entry.name.endswith(paths.DATABASE_SUFFIXES) and entry.is_file():
                yield Path(entry.path)


def _examine(file: Path) -> Candidate | Schema | None:
    """What the file holds of the platform, or what else; None of an empty one. Leaves nothing beside a file
    that nobody uses.
    """
    try:
        status = file.stat()
    except OSError:
        raise FileMissing(file) from None
    if status.st_size == 0:
        return None
    quiet = not any(sibling(file, suffix).exists() for suffix in (LOG, JOURNAL))
    database = LocalDatabase(file, read_only=True, immutable=quiet)
    with database.connection_context(), database.snapshot():
        schema = inspect(database)
        tables = schema.platform_tables
        if not tables:
            return schema
        counts = describe.rows(database, Schema({name: schema.columns[name] for name in tables}))
        rows = sum(count or 0 for count in counts.values())
        return Candidate(file, tables, rows, len(tenants(database)), int(status.st_mtime))


def _described(candidate: Candidate, folder: Path) -> str:
    named = f"{candidate.name}, " if candidate.name else ""
    return (
        f"{candidate.path.relative_to(folder)} ({named}{candidate.holds.lower()}, "
        f"tables: {len(candidate.tables)}, rows: {candidate.rows:,}, "
        f"tenants: {candidate.tenants:,}, changed {utc_time(candidate.modified_at)})"
    )


_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_LARGEST = 1_000_000


def names_in(project: Path) -> dict[str, str]:
    """`database_name` by the name of the file that wrangler keeps it in; none where nothing can be read."""
    found: dict[str, str] = {}
    for configuration in sorted(CONFIGURATIONS):
        for database in _configured(_configuration(project / configuration)):
            name = database.get("database_name")
            # Which of them wrangler takes for an id here depends on its version and on how it is started.
            for key in ("preview_database_id", "database_id", "binding"):
                if isinstance(name, str) and isinstance(known := database.get(key), str):
                    found[file_name(known)] = name
    return found


def _configuration(path: Path) -> Any:
    try:
        data = paths.content(path, _LARGEST + 1)
        if len(data) > _LARGEST:
            return None
        text = data.decode("utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        kept = r"\1"
        return json.loads(_TRAILING.sub(kept, _COMMENT.sub(kept, text)))
    except (OSError, ValueError, RecursionError):
        return None


def _configured(configuration: Any) -> Iterator[dict[str, Any]]:
    """Those of the configuration, and of each of its environments."""
    if not isinstance(configuration, dict):
        return
    environments = configuration.get("env")
    within = environments.values() if isinstance(environments, dict) else ()
    for part in (configuration, *within):
        databases = part.get("d1_databases") if isinstance(part, dict) else None
        yield from (one for one in databases or () if isinstance(one, dict))


def file_name(database_id: str) -> str:
    """How miniflare names a database's file, since it keeps D1 in a durable object (models/README.md)."""
    key = hashlib.sha256(D1_DATABASES.encode()).digest()
    first = hmac.digest(key, database_id.encode(), "sha256")[:16]
    return f"{(first + hmac.digest(key, first, 'sha256')[:16]).hex()}.sqlite"
