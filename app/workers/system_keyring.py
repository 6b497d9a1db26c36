"""The system's keyring. It belongs to somebody else: it may ask a person first, never answer, or end the
process that asks, so that is a child: who asks, and the child.
"""

import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any, BinaryIO, Final

from app.workers.child import LOOK_SECONDS, Caller, Children, Job
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor, Waiting, ignore, under_way

START_SECONDS = 60.0
"""How long the child may take before it asks; a busy computer takes its time, and that is no silence."""

ANSWER_SECONDS = 10.0
"""How long one question waits; its child is left behind then, and a prompt for a person stays open."""

PROMPT_SECONDS = 300.0
"""How long the child left behind is given; it ends with this process, too."""

_NAMED_BY: Final = "PYTHON_KEYRING_BACKEND"
"""The variable of the `keyring` package that says which one is used; its file is heard of behind it."""


class SystemKeyring:
    """What the `keyring` package finds on this system, asked with a limit of time.

    Whoever waits for work that asks it is told so (`under_way`), and may end the wait or the work. Raises
    `KeyringAbsent`, `KeyringUnavailable` (locked, silent or waited for no longer), `KeyringBroken`, and
    `Cancelled` with the work.
    """

    _has_answered = False
    """In this process: it is unlocked, then."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds

    def is_open(self) -> bool:
        """Whether it has answered before. There is no question that surely asks no person, so none is put."""
        return SystemKeyring._has_answered

    def get_password(self, service: str, username: str) -> str | None:
        stored: str | None = self._ask("get_password", service, username)
        return stored

    def set_password(self, service: str, username: str, password: str) -> None:
        self._ask("set_password", service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        self._ask("delete_password", service, username)

    def _ask(self, method: str, *arguments: str) -> Any:
        answers: queue.SimpleQueue[Job] = queue.SimpleQueue()
        given_up = time.monotonic() + PROMPT_SECONDS

        def ask() -> None:
            try:
                with Children("keyring", "question to the keyring", behind=False) as child:
                    jobs = [{"method": method, "arguments": arguments}]
                    (answer,) = child.run(
                        jobs,
                        monitor=Monitor(ignore, lambda: time.monotonic() > given_up),
                        part=lambda *_: answers.put({}),  # it asks now
                    )
                    answers.put(answer)
            except TenantAdminError:
                answers.put(_broken("the process that asks it ended"))

        threading.Thread(target=ask, name="keyring", daemon=True).start()
        with _waits() as get:
            found = get(answers, START_SECONDS) or get(answers, self._seconds)
        if "problem" in found:
            from app.services import keyring  # noqa: PLC0415 - not for the child

            raise getattr(keyring, found["problem"])(*found["said"])
        SystemKeyring._has_answered = True
        return found["answer"]


@contextmanager
def _waits() -> Iterator[Callable[["queue.SimpleQueue[Job]", float], Job]]:
    """Says for as long as it lasts what is waited for, and gives what waits."""
    work, waiting = under_way.get(), Waiting("Waiting for the system's keyring", time.monotonic())

    def get(answers: "queue.SimpleQueue[Job]", seconds: float) -> Job:
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            if work is not None and work.cancelled:
                raise Cancelled
            if waiting.cancelled:
                return {"problem": "KeyringUnavailable", "said": ["was waited for no longer"]}
            with suppress(queue.Empty):
                return answers.get(timeout=min(LOOK_SECONDS, left))
        return {"problem": "KeyringUnavailable", "said": ["does not answer"]}

    if work is not None:
        work.waiting = waiting
    try:
        yield get
    finally:
        if work is not None:
            work.waiting = None


def work(job: Job, attached: BinaryIO, caller: Caller) -> Job:
    """Asks one question, in the child."""
    threading.Thread(target=_end_with, args=(attached,), daemon=True).start()
    if sys.platform != "darwin":  # gcc would look for what is Apple's, whose files stay if this is ended
        sys.modules["keyring.backends.macOS.api"] = None  # type: ignore[assignment]  # as Python has it
    try:
        import keyring  # noqa: PLC0415 - which may not even load
        from keyring.errors import InitError, KeyringLocked, NoKeyringError  # noqa: PLC0415
    except Exception as error:  # noqa: BLE001 - its configuration is read, too
        return _broken(type(error).__name__)
    caller.part("asked")
    try:
        answer = getattr(keyring.get_keyring(), job["method"])(*job["arguments"])
        if job["method"] != "get_password":
            return {"answer": None}
        return {"answer": answer} if isinstance(answer, str | None) else _broken("it gives no text")
    except NoKeyringError:
        return {"problem": "KeyringAbsent", "said": []}
    except (InitError, KeyringLocked):
        return {"problem": "KeyringUnavailable", "said": ["is locked"]}
    except Exception as error:  # noqa: BLE001 - a backend, and its configuration, may raise anything
        return _broken(type(error).__name__)


def _broken(why: str) -> Job:
    """A failure by its class in `app.services.keyring`, and what that is told."""
    named_by = _NAMED_BY if _NAMED_BY in os.environ else ""
    with suppress(Exception):  # its own, which may not even load
        if not named_by and "keyring" in sys.modules:
            from keyring.util.platform_ import config_root  # noqa: PLC0415

            file = config_root() / "keyringrc.cfg"
            named_by = str(file) if file.exists() else ""
    return {"problem": "KeyringBroken", "said": [why, named_by]}


def _end_with(caller: BinaryIO) -> None:
    """Ends this process when whoever asked is no more, whatever the keyring waits for."""
    caller.read(1)
    os._exit(0)
