"""What a wrangler project calls its local databases, whose files are named by a hash."""

import hashlib
import hmac
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from models.local.file import CONFIGURATIONS, D1_DATABASES

_COMMENT = re.compile(r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/', re.DOTALL)
_TRAILING = re.compile(r'("(?:\\.|[^"\\])*")|,(?=\s*[}\]])')
_LARGEST = 1_000_000


def names(project: Path) -> dict[str, str]:
    """`database_name` by the name of the file that wrangler keeps it in; none where nothing can be read."""
    found: dict[str, str] = {}
    for configuration in sorted(CONFIGURATIONS):
        for database in _databases(_read(project / configuration)):
            name = database.get("database_name")
            # Which of them wrangler takes for an id here depends on its version and on how it is started.
            for key in ("preview_database_id", "database_id", "binding"):
                if isinstance(name, str) and isinstance(known := database.get(key), str):
                    found[file_name(known)] = name
    return found


def _read(path: Path) -> Any:
    try:
        if path.stat().st_size > _LARGEST:
            return None
        text = path.read_text("utf-8")
        if path.suffix == ".toml":
            return tomllib.loads(text)
        kept = r"\1"
        return json.loads(_TRAILING.sub(kept, _COMMENT.sub(kept, text)))
    except (OSError, ValueError, RecursionError):
        return None


def _databases(configuration: Any) -> Iterator[dict[str, Any]]:
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
