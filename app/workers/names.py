"""The addresses of a name, asked for with a limit: whoever answers belongs to somebody else."""

import queue
import socket
import threading
import time
from contextlib import suppress
from typing import Final

from app.services.deliveries.sending import NoNetwork, NotResolved
from models.errors import Cancelled
from models.progress import Stop

_LOOK_SECONDS: Final = 0.05


def resolve(host: str, seconds: float, cancelled: Stop) -> tuple[str, ...]:
    """As `deliveries.sending.Resolve`. The thread that asks is left behind where no answer comes in time."""
    answers: queue.SimpleQueue[tuple[str, ...] | NotResolved] = queue.SimpleQueue()

    def ask() -> None:
        try:
            found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)
            answers.put(tuple(dict.fromkeys(str(one[4][0]) for one in found)))
        except (OSError, UnicodeError) as error:
            if isinstance(error, socket.gaierror) and error.errno == socket.EAI_AGAIN:
                answers.put(NoNetwork(f"{host} could not be looked up: no name server has answered."))
            else:
                answers.put(NotResolved(f"No host {host} is known to the network."))

    threading.Thread(target=ask, name="resolver", daemon=True).start()
    until = time.monotonic() + seconds
    while (left := until - time.monotonic()) > 0:
        if cancelled():
            raise Cancelled
        with suppress(queue.Empty):
            found = answers.get(timeout=min(_LOOK_SECONDS, left))
            if isinstance(found, NotResolved):
                raise found
            return found
    raise TimeoutError
