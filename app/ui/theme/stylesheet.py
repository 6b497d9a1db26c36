"""The style sheet: `resources/themes/*.qss` with `{{name}}` filled in from tokens and drawn images."""

import re
from collections.abc import Mapping
from pathlib import Path

_PLACEHOLDER = re.compile(r"\{\{\s*([a-z_]+)\s*\}\}")


def read(folder: Path) -> str:
    """All `.qss` files of `folder`, by name, as one text."""
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(folder.glob("*.qss")))


def fill(template: str, values: Mapping[str, str]) -> str:
    """`template` with every `{{name}}` replaced; raises KeyError for a name that `values` lacks."""
    return _PLACEHOLDER.sub(lambda match: values[match.group(1)], template)
