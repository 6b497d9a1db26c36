"""A file that is there whole or not at all, whatever happens while it is written, in place of another."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile, mkstemp

from app.services.new_file import expected_errors


def write(path: Path, text: str, *, only_if_new: bool = False) -> None:
    """Writes a small text as UTF-8 that only the owner can read, in place of what was there.

    With `only_if_new` raises `FileExistsError` when something is there. Raises `OSError`.
    """
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        temporary = Path(file.name)
        try:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
            if only_if_new:
                os.link(temporary, path)
        except BaseException:
            temporary.unlink()
            raise
    if only_if_new:
        temporary.unlink()
    else:
        temporary.replace(path)


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives a name beside `path` to write under, which only the owner can read.

    When the block ends, the file takes the place of what was at `path`; when it fails, nothing is left of it.
    Raises the storage errors of what happens to the file.
    """
    with expected_errors(path):
        handle, name = mkstemp(prefix=f".{path.name}.", dir=path.parent)
        os.close(handle)
        building = Path(name)
        try:
            yield building
            building.replace(path)
        except BaseException:
            building.unlink(missing_ok=True)
            raise
