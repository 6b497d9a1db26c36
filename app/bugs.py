"""What happens to an error that nobody expected: it is written down, and a sentence says so."""

import logging
import logging.handlers
import os
import traceback
from io import TextIOWrapper
from pathlib import Path

from app import paths


class BugElsewhere(Exception):
    """An error that nobody expected in another process; `said` is what `details` says of it there."""

    def __init__(self, said: str) -> None:
        super().__init__("in another process")
        self.said = said


def log_file() -> Path:
    """The log, in the per-user folder (`TENANT_ADMIN_HOME` moves it)."""
    return paths.state_dir() / "logs" / "tenant-admin.log"


def details(error: BaseException) -> str:
    """Where the error happened: code lines only, no values, so nothing secret can be in it.

    The message of an unexpected error may quote data, so only its type is given.
    """
    frames = traceback.extract_tb(error.__traceback__)
    lines = [f"{frame.filename}:{frame.lineno} in {frame.name}" for frame in frames]
    elsewhere = [error.said] if isinstance(error, BugElsewhere) else []
    return "\n".join([f"{type(error).__module__}.{type(error).__qualname__}", *lines, *elsewhere])


def record(error: BaseException) -> str:
    """Writes the details to the log and returns a sentence for the person."""
    what = f"Something unexpected went wrong ({type(error).__name__})"
    if write(details(error)):
        return f"{what}; the details are in {log_file()}."
    return f"{what}, and no log could be written."


def write(text: str) -> bool:
    """Adds it to the log, with the time; whether that could be done."""
    path = log_file()
    try:
        paths.make_private(path.parent)
        handler = _Strict(path, maxBytes=1_000_000, backupCount=2, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
        handler.emit(logging.LogRecord("bug", logging.ERROR, "", 0, text, None, None))
        handler.close()
    except OSError:
        return False
    return True


class _Strict(logging.handlers.RotatingFileHandler):
    """Says that it could not write, where logging's own way is a traceback on standard error. What it makes
    its owner alone may read.
    """

    def _open(self) -> TextIOWrapper:
        if not os.path.exists(self.baseFilename):  # noqa: PTH110 - Path.exists() may raise
            os.close(os.open(self.baseFilename, os.O_CREAT | os.O_WRONLY, 0o600))
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's own name
        raise  # noqa: PLE0704 - called while the error is being handled
