"""The one place that finds migrations/ and resources/, in a source tree, a wheel or a frozen program."""

import sys
from pathlib import Path


def _data_root() -> Path:
    frozen = getattr(sys, "_MEIPASS", None)
    if frozen is not None:
        return Path(frozen)
    package = Path(__file__).parent
    installed = package / "_data"
    return installed if installed.is_dir() else package.parent


def migrations_dir() -> Path:
    """The folder that holds 0000_initial.sql and its successors."""
    return _data_root() / "migrations"


def resources_dir() -> Path:
    """The folder that holds icons, themes, translations and packaging."""
    return _data_root() / "resources"
