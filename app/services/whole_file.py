"""A small text file that is there whole or not at all, whatever happens while it is written."""

import os
from pathlib import Path
from tempfile import NamedTemporaryFile


def write(path: Path, text: str, *, only_if_new: bool = False) -> None:
    """Writes UTF-8 that only the owner can read, in place of what was there.

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
