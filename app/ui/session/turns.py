"""What a person asks for while rows for it are still being read, in the order in which it was asked."""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(eq=False)
class Turn:
    """What is done with what is still being read: None until it has come; and what has it read, where that
    waits for the turns before it. One that was `dropped` came to nothing.
    """

    go: Callable[[], object] | None = None
    begin: Callable[[], object] | None = None
    dropped: bool = False


class Turns:
    """Those of all tabs of one open file, whichever of several readers is the first to end."""

    def __init__(self) -> None:
        self._waiting: deque[Turn] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def last(self) -> Turn | None:
        return self._waiting[-1] if self._waiting else None

    def take(self) -> Turn:
        """The next one, which goes when it is given what to do and those before it have gone."""
        turn = Turn()
        self._waiting.append(turn)
        return turn

    def begin(self, turn: Turn, begin: Callable[[], object]) -> None:
        turn.begin = begin
        self._go_on()

    def give(self, turn: Turn, go: Callable[[], object]) -> None:
        turn.go = go
        self._go_on()

    def drop(self, turn: Turn, say: Callable[[], object] = lambda: None) -> None:
        """Nothing is done with it but to `say` so, in its turn."""
        turn.dropped = True
        self.give(turn, say)

    def _go_on(self) -> None:
        while self._waiting and (go := self._waiting[0].go) is not None:
            self._waiting.popleft()
            go()
        if self._waiting and (begin := self._waiting[0].begin) is not None:
            self._waiting[0].begin = None
            begin()
