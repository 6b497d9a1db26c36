"""What the program is made of, with versions and licences, below the interface."""

import platform
from dataclasses import dataclass
from functools import cache
from importlib import metadata

import peewee

from models.local.database import APSW_VERSION, SQLITE_VERSION


@dataclass(frozen=True, slots=True)
class Component:
    """Something that the program uses. `version` is empty where nobody can tell."""

    name: str
    version: str
    licence: str


@cache
def components() -> tuple[Component, ...]:
    """The language, the database engine and the libraries over it."""
    return (
        Component("Python", platform.python_version(), "PSF licence"),
        Component("SQLite", SQLITE_VERSION, "Public domain"),
        Component("APSW", APSW_VERSION, "Any OSI licence"),
        Component("Peewee", str(vars(peewee)["__version__"]), "MIT licence"),
        Component("cryptography", _installed("cryptography"), "Apache 2.0 or BSD licence"),
        Component("jeepney", _installed("jeepney"), "MIT licence"),
        Component("keyring", _installed("keyring"), "MIT licence"),
        Component("email-validator", _installed("email-validator"), "Unlicense"),
        Component("httpcore", _installed("httpcore"), "BSD-3-Clause licence"),
        Component("idna", _installed("idna"), "BSD-3-Clause licence"),
        Component("platformdirs", _installed("platformdirs"), "MIT licence"),
        Component("psutil", _installed("psutil"), "BSD licence"),
        Component("standardwebhooks", _installed("standardwebhooks"), "MIT licence"),
        Component("zxcvbn", _installed("zxcvbn"), "MIT licence"),
    )


def _installed(distribution: str) -> str:
    """The version of an installed distribution; empty where it left no metadata, as in a packaged program."""
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
