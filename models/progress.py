"""How long work says how far it is, and hears that it is not wanted any more."""

from collections.abc import Callable

Progress = Callable[[int, int], None]
"""Told how much is done, of how much in all."""

Stop = Callable[[], bool]
"""Asked from time to time whether to stop."""


def ignore(done: int, total: int) -> None:
    """The progress of work that nobody watches."""


def never() -> bool:
    """The wish to stop of somebody who waits to the end."""
    return False
