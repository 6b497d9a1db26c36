"""How long work says how far it is, hears that it is not wanted any more, and waits for others."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how much is done, of how much in all."""

Stop = Callable[[], bool]
"""Asked from time to time whether to stop."""


PATIENCE = 5.0
"""Seconds that another writer of the same file is waited for."""


def ignore(done: int, total: int) -> None:
    """The progress of work that nobody watches."""


def never() -> bool:
    """The wish to stop of somebody who waits to the end."""
    return False
