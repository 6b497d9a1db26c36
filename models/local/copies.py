"""Copies of a database file, which only their owner can read."""

import os
import re
from datetime import UTC, datetime
from pathlib import Path

import apsw

from models.errors import CopyNotWritten
from models.local import atomic

_COPY = re.compile(r"\.before-.+\.\d{8}T\d{6}Z(-\d+)?$")


def take_name(folder: Path, path: Path, why: str, now: int) -> Path:
    """`<stem>.before-<why>.<UTC time><suffix>` in `folder`, numbered where that is taken, as an empty file.

    Raises `CopyNotWritten`.
    """
    moment = datetime.fromtimestamp(now, UTC).strftime("%Y%m%dT%H%M%SZ")
    stem = f"{path.stem}.before-{why}.{moment}"
    number = 1
    while True:
        copy = folder / f"{stem}{'' if number == 1 else f'-{number}'}{path.suffix}"
        try:
            os.close(os.open(copy, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        except FileExistsError:
            number += 1
        except OSError as error:
            raise CopyNotWritten(folder, str(error.strerror)) from error
        else:
            return copy


def is_copy(path: Path) -> bool:
    """Whether the name is one that `take_name` gives."""
    return _COPY.search(path.stem) is not None


def back_up(connection: apsw.Connection, copy: Path) -> None:
    """Writes all that the connection sees into `copy`, as one moment, in place of what is there.

    In one step, because a stepwise backup beside a busy writer never ends (models/README.md). A copy that was
    not finished never carries the name.
    """
    with atomic.replacing(copy) as building:
        # As a URI, which can say any name that a file system allows.
        flags = apsw.SQLITE_OPEN_READWRITE | apsw.SQLITE_OPEN_CREATE | apsw.SQLITE_OPEN_URI
        target = apsw.Connection(building.absolute().as_uri(), flags=flags)
        try:
            with target.backup("main", connection, "main") as backup:
                backup.step(-1)
        finally:
            target.close(False)
