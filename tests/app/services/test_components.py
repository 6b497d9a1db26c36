"""What the program is made of."""

import re
import tomllib
from pathlib import Path

from app.services.components import components

ROOT = Path(__file__).parents[3]


def test_every_library_below_the_interface_is_named() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    libraries = {re.split(r"[<>=!]", line, maxsplit=1)[0].lower() for line in project["dependencies"]}
    parts = components()
    assert libraries - {"pyside6-essentials"} <= {part.name.lower() for part in parts}
    assert all(part.version and part.licence for part in parts)
