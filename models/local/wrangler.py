"""How wrangler lays out a project on the disk, in names (models/README.md, A wrangler project)."""

from pathlib import Path

CONFIGURATIONS = frozenset({"wrangler.toml", "wrangler.json", "wrangler.jsonc"})
"""What its configuration may be called, in the folder of the project."""

_OWN = ".wrangler"

STATE = Path(_OWN, "state", "v3", "d1")
"""Where the local D1 databases of a project lie, in a folder for each kind of file."""

METADATA = "metadata.sqlite"
"""What lies beside the databases and is none of them."""

_DATABASES = "miniflare-D1DatabaseObject"


def belongs_to(path: Path) -> bool:
    """Whether wrangler may have it open, by where it lies."""
    return _OWN in path.parts


def is_database(path: Path) -> bool:
    """Whether it lies where workerd keeps D1 databases; that has the folder open, and not only the file."""
    return path.parent.name == _DATABASES
