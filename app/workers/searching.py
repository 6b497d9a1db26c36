"""Looks through the texts of runs, in a child process that keeps what it has read: to read and fold all of
them, and to search them, would hold up the interface. Never imports Qt.

What a live database has of them is read into a temporary file first, which is what the child knows.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import fields
from pathlib import Path
from typing import Any, BinaryIO, Final

from app.services.chain.verify.source import readable
from app.services.files.exporting import ALL
from app.services.records.list_query import as_json, from_json
from app.services.records.tables import EVERYONE, PLANNING_ARTIFACTS, PLANNING_RUNS, Scope
from app.services.runs.run_search import MOST, RunTexts, TextOf, TextPlace, TextPlaces, Within, require_words
from app.workers.child import Caller, Children, Job
from models.engine import Database
from models.errors import Cancelled
from models.files.atomic import in_passing
from models.local.database import LocalDatabase
from models.local.text_store import TextStore
from models.progress import Monitor, Stop

_AT_ONCE: Final = 0.1
"""Seconds after which it is asked again whether the search is to go on."""
_READ: Final = (PLANNING_RUNS.name, PLANNING_ARTIFACTS.name)
FETCHED_PASSES: Final = 2
"""How often each row of a live database is read, so that all of them are of one moment."""


class TextSearch:
    """The texts of all runs of a file, or of a tenant's, as they were read. Used by one thread at a time."""

    def __init__(self, of: Path | Database, scope: Scope = EVERYONE, *, read_only: bool = False) -> None:
        """Of a file, or of a live database. Raises `CannotStart`, and the errors of `readable`."""
        self._stack, self._live = ExitStack(), None
        if isinstance(of, Path):
            place = readable(of, self._stack)
        else:
            self._live = of
            place = Path(self._stack.enter_context(in_passing()), "texts")
        self._where: Job = {"database": str(place), "read_only": read_only, "tenant": scope.tenant_id}
        self._children = self._stack.enter_context(Children("search", "search"))
        self.count = 0

    def read(self, monitor: Monitor, before: Callable[[int], object] = lambda rows: None) -> None:
        """Reads them, once; nothing is left of it where that fails. `before` is told about how many rows of a
        live database are read, before they are; what it raises ends it. Raises the storage errors, and those
        of `read_whole` and `Children.run`.
        """
        try:
            if self._live is not None:
                self._fetch(self._live, monitor, before)
            (self.count,) = self._children.run([{"read": self._where}], monitor=monitor)
        except BaseException:
            self.close()
            raise

    def first(self, text: str, within: Within, cancelled: Stop) -> TextPlaces:
        """Where it stands: of each text the first place, until there are `MOST`. Raises as
        `RunTexts.search` does, and as `Children.run`.
        """
        require_words(text)
        return self._go_on(text, within, TextPlaces(), lambda found: found.wants > 0, cancelled)

    def rest(self, text: str, within: Within, found: TextPlaces, cancelled: Stop) -> TextPlaces:
        """The same with all that have it counted."""
        return self._go_on(text, within, found, lambda found: True, cancelled)

    def close(self) -> None:
        """Ends the child, whatever it does."""
        self._stack.close()

    def _fetch(self, database: Database, monitor: Monitor, before: Callable[[int], object]) -> None:
        from app.services.live.fetching import read_whole  # noqa: PLC0415 - not for a child

        copy = Path(self._where["database"])
        with database.connection_context():
            wanted = lambda stored: {name: ALL for name in _READ if name in stored}  # noqa: E731
            read_whole(database, copy, wanted=wanted, before=before, monitor=monitor)

    def _go_on(
        self,
        text: str,
        within: Within,
        found: TextPlaces,
        wanted: Callable[[TextPlaces], bool],
        cancelled: Stop,
    ) -> TextPlaces:
        while not found.is_all and wanted(found):
            if cancelled():
                raise Cancelled
            job = {
                "search": text,
                "within": within.value,
                "shown": MOST - found.wants,
                "after": found.after,
                "last": found.last,
            }
            # Each answer is waited for: it takes a tenth of a second, and what is not read would stand before
            # the next one.
            (answer,) = self._children.run([job | self._where], monitor=Monitor())
            places = tuple(_place_of(one) for one in answer.pop("places"))
            found = found.and_then(TextPlaces(places, **answer))
        return found


def read_texts(database: Database, scope: Scope, monitor: Monitor) -> RunTexts:
    """The texts, in this process. Raises as `RunTexts.read` does; nothing is left of it then."""
    texts = RunTexts(TextStore(), scope)
    try:
        with database.connection_context(), database.cancellable(monitor.cancelled):
            texts.read(database, monitor)
    except BaseException:
        texts.close()
        raise
    return texts


# What runs in the child

_kept: list[RunTexts] = []
"""What was read last."""


def work(job: Job, attached: BinaryIO, caller: Caller) -> Any:
    """Reads the texts and gives their number, or looks through the next pieces of what was read."""
    where = job.get("read", job)
    with _database(where) as database:
        if "read" in job:
            _kept[:] = [read_texts(database, Scope(where["tenant"]), Monitor(caller.progress))]
            return _kept[0].count
        wanted, within = require_words(job["search"]), Within(job["within"])
        before = TextPlaces((_NOWHERE,) * job["shown"], after=job["after"], last=job["last"])
        found, until = TextPlaces(), time.monotonic() + _AT_ONCE
        while True:
            part = _kept[0].look(database, wanted, before, within)
            before, found = before.and_then(part), found.and_then(part)
            if before.is_all or time.monotonic() > until:
                break
    return {
        "places": [
            {"of": _document(place.of), "before": place.before, "found": place.found, "after": place.after}
            for place in found.places
        ],
        "total": found.total,
        "after": found.after,
        "last": found.last,
    }


_NOWHERE = TextPlace(TextOf(None, "", ""), "", "", "")


@contextmanager
def _database(where: Job) -> Iterator[LocalDatabase]:
    database = LocalDatabase(Path(where["database"]), read_only=where["read_only"])
    with database.connection_context(), database.own_errors():
        yield database


def _document(of: TextOf) -> dict[str, Any]:
    return {one.name: as_json(getattr(of, one.name)) for one in fields(of)}


def _place_of(document: Mapping[str, Any]) -> TextPlace:
    """The place that the child has written down."""
    of = TextOf(**{name: from_json(value) for name, value in document["of"].items()})
    return TextPlace(of, document["before"], document["found"], document["after"])
