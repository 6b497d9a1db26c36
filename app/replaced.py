"""Whether the program's files are others than those that it was started from: an upgrade beneath it."""

import os
import sys
import time
from collections.abc import Iterator
from typing import Final

# Loaded at the start, and it loads nothing more: what is not loaded yet may be the next version's.
STARTED: Final = time.time()
_OWN: Final = ("app", "models")

WHAT, WHY = (
    "Tenant Admin was replaced while running",
    "Its files are others than those it was started from, most likely by an upgrade, and do not fit what is "
    "loaded. Close Tenant Admin and start it again. The last action may have been done in part or not at "
    "all; look at what it was to change before you repeat it.",
)
"""What is said of it."""


def is_replaced() -> bool:
    """Whether a file that something was loaded from has been written since, or one of our own has gone."""
    return any(_is_other(file, own) for file, own in _loaded())


def _loaded() -> Iterator[tuple[str, bool]]:
    if hasattr(sys, "_MEIPASS"):  # one file for all: modules have names of files that nowhere are
        yield sys.executable, True
        return
    for name, module in list(sys.modules.items()):
        file = getattr(module, "__file__", None)
        if isinstance(file, str):
            yield file, name.split(".")[0] in _OWN


def _is_other(file: str, own: bool) -> bool:
    """By when it was written here, which a copy that keeps the times of its files does not hide."""
    try:
        return os.stat(file).st_ctime > STARTED  # noqa: PTH116 - `pathlib` would say no more
    except OSError:
        return own
