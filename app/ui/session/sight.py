"""What a person has seen of records before they act: the list shows it, and their own changes end it."""

from collections import deque
from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any
from weakref import WeakValueDictionary

if TYPE_CHECKING:
    from app.services.records.applying import Seen
    from app.services.records.change import Change

_Key = tuple[str, Any]


class InSight(dict[_Key, Mapping[str, Any]]):
    """A `Seen` that leaves out what the person's own changes have touched since it was taken."""

    def __init__(self, seen: "Seen") -> None:
        super().__init__(seen)
        self._changed: set[_Key] = set()

    def fill(self, read: "Seen") -> None:
        """Takes up what was read for the act of records that the list had not at hand."""
        for key, values in read.items():
            self.setdefault(key, values)
        self.leave_out(())

    def leave_out(self, changed: Collection[_Key]) -> None:
        self._changed.update(changed)
        for key in tuple(self._changed):  # another thread may add to them
            self.pop(key, None)


class Sight:
    """What was taken of one open file as long as somebody needs it. An act may be asked for while others are
    on their way, so the writer thread says what each has `written`, before the next one begins; the interface
    has `heard` of it when its lists know.
    """

    def __init__(self) -> None:
        self._taken: WeakValueDictionary[int, InSight] = WeakValueDictionary()
        self._unheard: deque[Change] = deque()

    def take(self, seen: "Seen") -> InSight:
        taken = InSight(seen)
        self._taken[id(taken)] = taken
        for change in tuple(self._unheard):
            taken.leave_out(_touched(change))
        return taken

    def written(self, change: "Change") -> None:
        self._unheard.append(change)
        there = [found for of in self._taken.valuerefs() if (found := of()) is not None]
        touched = _touched(change) if there else frozenset()
        for taken in there:
            taken.leave_out(touched)

    def heard(self, change: "Change") -> None:
        if any(change is one for one in self._unheard):
            while self._unheard.popleft() is not change:
                pass


def _touched(change: "Change") -> frozenset[_Key]:
    return frozenset((row.table, row.record_id) for row in change.rows)
