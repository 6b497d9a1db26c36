"""The system's keyring. It belongs to somebody else: it may ask a person first, or never answer."""

import queue
import threading
from collections.abc import Callable
from typing import Any

ANSWER_SECONDS = 10.0
"""How long one question waits; its thread is left behind then, and a prompt for a person stays open."""


class SystemKeyring:
    """What the `keyring` package finds on this system, asked with a limit of time.

    Raises what it raises, and `TimeoutError` where it is silent.
    """

    _has_answered = False
    """In this process: it is unlocked, then, or there is none."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds

    def is_open(self) -> bool:
        """Whether it has answered before. There is no question that surely asks no person, so none is put."""
        return SystemKeyring._has_answered

    def get_password(self, service: str, username: str) -> str | None:
        stored: str | None = self._ask(lambda backend: backend.get_password(service, username))
        return stored

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask(lambda backend: backend.set_password(service, username, password))

    def _ask(self, question: Callable[[Any], Any]) -> Any:
        answers: queue.SimpleQueue[tuple[Any, Exception | None]] = queue.SimpleQueue()

        def ask() -> None:
            try:
                import keyring  # noqa: PLC0415 - slow, and only asked when something is to be signed

                answers.put((question(keyring.get_keyring()), None))
            except SystemExit as error:  # not the keyring's to ask for
                answers.put(
                    (None, RuntimeError("the keyring ended its thread").with_traceback(error.__traceback__))
                )
            except Exception as error:  # noqa: BLE001 - a backend, and its configuration, may raise anything
                answers.put((None, error))

        threading.Thread(target=ask, name="keyring", daemon=True).start()
        try:
            answer, error = answers.get(timeout=self._seconds)
        except queue.Empty:
            raise TimeoutError from None
        if error is not None:
            raise error
        SystemKeyring._has_answered = True
        return answer
