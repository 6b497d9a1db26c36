"""A table of any length: it knows its exact row count and fetches the rows that are looked at."""

import sys
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QAbstractTableModel, QObject, Qt, QTimer, Signal

from app.itemmodels.columns import (
    AWAITED,
    DESCRIPTION,
    DISPLAY,
    HEARD,
    ROOT,
    STRUCK,
    TOOLTIP,
    Column,
    Index,
    Role,
    Row,
    Tone,
    header,
    plain,
    readers,
)
from app.itemmodels.pages import (
    PAGE,
    KeyRun,
    PageCache,
    Spliced,
    Still,
    changed_runs,
    common_ends,
    position_behind,
    runs_of,
)
from app.services.records.keys import joined
from app.services.records.list_query import Key
from app.services.records.lists import Keys, Listing, position
from app.services.records.rows import Value
from app.services.text import visible

Cancel = Callable[[], None]

PLACEHOLDER = "…"
GONE = "—"
GONE_TIP = "Deleted by another program; a refresh takes it out."
LEFT_TIP = "Another program has changed it, and it no longer matches the filter; a refresh takes it out."
AHEAD_MS = 30
"""How long a view stays where it is before what lies beside it is asked for, or what is on its way let go."""

_HORIZONTAL = Qt.Orientation.Horizontal
_STRANGE = (TypeError, ValueError, ArithmeticError, LookupError, AttributeError, OSError)
_MISSING: Any = object()
_OF_LEFT = {int(Role.TONE): Tone.NEUTRAL, TOOLTIP: LEFT_TIP, DESCRIPTION: LEFT_TIP}
"""What each cell answers of a row that the list has no more: it is pale, and says why."""
_OF_GONE = {int(Role.TONE): STRUCK, TOOLTIP: GONE_TIP, DESCRIPTION: GONE_TIP}
"""The same of one that has been deleted: what it was is shown as long as that is at hand."""


@dataclass(slots=True)
class _Request:
    """What is on its way: one page, or single rows again, whose page is None."""

    page: int | None
    keys: Keys
    cancel: Cancel | None = None


class VirtualTableModel(QAbstractTableModel):
    """`VirtualTableModel(columns, names, request_page)`.

    `names` are the list's columns in the order of a row, the record's id first. `request_page(keys)` is asked
    for the rows of these keys and answers later with `set_page(keys, rows)` or `page_failed(keys)`; it
    returns a function that cancels the request. One page is asked for at a time, the one looked at last
    first. One that was scrolled past is cancelled as soon as the view rests: on the way each would be, and
    nothing come. Pages beside the one in sight come when nothing else does.

    `sort_requested(name, descending)`: a header was clicked; the answer is another list.
    """

    sort_requested = Signal(str, bool)

    def __init__(
        self,
        columns: Sequence[Column],
        names: Sequence[str],
        request_page: Callable[[Keys], Cancel],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self.columns = tuple(columns)
        self._request_page = request_page
        self._keys: Keys = range(0)
        self._count = 0
        self.estimated = False
        """Whether only those of the keys that were asked for are known to have a row."""
        self._step = 1
        self.left: frozenset[Key] = frozenset()
        """The keys of rows that are shown though the list has them no more."""
        self._cache = PageCache()
        self._page = -1
        self._asked: _Request | None = None
        self._bug: Exception | None = None
        """What showing a row went wrong with: told once, for as long as this list is."""
        self._tell_soon = QTimer(self, singleShot=True, interval=0)
        self._tell_soon.timeout.connect(self._tell)
        positions = {name: position for position, name in enumerate(names)}
        self._places = [positions[column.of or column.name] for column in columns]
        self._readers = readers(self.columns, self._places)
        self._headers = [header(column) for column in self.columns]
        self.said_of_column: Callable[[int], str] = lambda section: ""
        """What a screen reader says of a column beside its title: whoever shows it knows."""
        self._ask_soon = QTimer(self, singleShot=True, interval=0)
        self._ask_soon.timeout.connect(self._ask)
        self._look_ahead = QTimer(self, singleShot=True, interval=AHEAD_MS)
        self._look_ahead.timeout.connect(self._want_neighbours)

    # The list

    def reset_to(self, listing: Listing) -> None:
        """Shows another list from its beginning."""
        self._learn(listing)
        self._reset(listing.keys, listing.total, listing.rows)

    def _learn(self, listing: Listing) -> None:
        self.estimated = listing.estimated
        if self.estimated:
            self._step = -1 if listing.keys[0] > listing.keys[-1] else 1

    def clear(self) -> None:
        """Shows nothing and asks for nothing, for instance because the file is being closed."""
        self._ask_soon.stop()
        self._look_ahead.stop()
        self._reset(range(0), 0)

    def _reset(self, keys: Keys, count: int, rows: Sequence[Row | None] = ()) -> None:
        self.beginResetModel()
        self._forget_request()
        self._cache.clear()
        self._bug = None
        self._keys, self._count, self.left = keys, count, frozenset()
        self._cache.put(keys[: len(rows)], rows)
        self.endResetModel()

    def reopen_to(self, listing: Listing) -> None:
        """The same list as it is now, whose keys may be estimated: of those what is known stays so."""
        was_estimated = self.estimated
        self._learn(listing)
        new, step = listing.keys, self._step
        if was_estimated and self.estimated:
            begin = position_behind(self._keys, new[0] - step, step)
            end = position_behind(self._keys, new[-1], step)
            if begin < end:
                self._forget_request()
                self._cache.expire()
                self._settle(end, self._count, range(0))
                before = new[: position_behind(new, self._keys[begin] - step, step)]
                self._settle(0, begin, before)
                self.repaint()
                return
        self.refresh_to(new)

    def hold_to(self, still: Still) -> None:
        """The same list as it is now, but for the rows in sight."""
        self._forget_request()
        self._cache.expire()
        sight = still.sight
        stop = still.start + len(sight)
        runs = [
            *_runs(self._keys[sight.stop :], still.keys[stop:], sight.stop, stop),
            *_runs(self._keys[: sight.start], still.keys[: still.start], 0, 0),
        ]
        self._turn_into(still.keys, runs)
        self.left = still.left
        self.repaint()

    def refresh_to(self, keys: Keys) -> None:
        """The same list as it is now, with all its keys.

        Rows that are still there stay selected and current; what is shown is fetched again.
        """
        self._forget_request()
        self.left = frozenset()
        if not self.complete and len(keys) == self._count and keys[: len(self._keys)] == self._keys:
            known, self._keys = len(self._keys), keys  # only the rest of the keys has come
            self.repaint(known)
            return
        runs = _runs(self._keys, keys, 0, 0)
        if not self.complete or (self._count and keys and runs == [(0, self._count, 0, len(keys))]):
            self.beginResetModel()
            self._cache.expire()
            self._keys, self._count = keys, len(keys)
            self.endResetModel()
            return
        self._cache.expire()
        self._turn_into(keys, runs)
        self.repaint()

    def reload(self) -> None:
        """Fetches again what is shown, when rows have changed but none came, went or moved."""
        self._forget_request()
        self._cache.expire()
        self.repaint()

    def keys_of(self, record_ids: Container[object]) -> list[Key]:
        """Those of the records that are at hand."""
        at_hand = dict(self._cache.items())
        return [key for key, row in at_hand.items() if row is not None and row[0] in record_ids]

    def reload_records(self, record_ids: Container[object]) -> None:
        """Fetches these records again, in place: they have changed, but none came, went or moved.

        Those that are not at hand are fetched when they are seen, as ever.
        """
        keys = self.keys_of(record_ids)
        if self._asked is not None or len(keys) > PAGE or self.estimated:
            self.reload()  # what is on its way may have been read before
        elif keys:
            self._request(None, keys)

    def repaint(self, first: int = 0, last: int | None = None) -> None:
        """Shows the same rows again, for instance when "2 min ago" has become 3."""
        end = self._count - 1 if last is None else last
        if first <= end:
            self.dataChanged.emit(self.index(first, 0), self.index(end, len(self.columns) - 1))

    # Pages

    def ask_for(self, first: int, last: int) -> bool:
        """Asks for the rows of a view at once, before they are painted; whether there is something to show.

        Rows whose keys are still to come count as shown: nothing can be asked for.
        """
        missing = [row for row in (first, last) if 0 <= row < len(self._keys) and not self._at_hand(row)]
        for row in missing:
            self._cache.want(row // PAGE)
        if missing:
            self._ask()
            self._look_ahead.start()
        return not missing

    def set_page(self, keys: Keys, rows: Sequence[Row | None], found: Keys | None = None) -> None:
        """The answer to `request_page(keys)`; one that nobody waits for any more is dropped.

        Of an estimated list the rows are those that there are from the first of these keys on, as many, or
        fewer to the list's end; `found` are their keys. A key in between that has none is left out.
        """
        if self._asked is None or self._asked.keys is not keys:
            return
        page, self._asked = self._asked.page, None
        if page is None:
            self._cache.put(keys, rows)
            self.repaint()
        else:
            if found is not None:
                self._settle_page(page, keys, found)
                keys = found
            self._cache.put_page(page, keys, rows)
            self.repaint(page * PAGE, page * PAGE + len(keys) - 1)
        self._ask()

    def page_failed(self, keys: Keys) -> None:
        """The rows cannot be had; they are asked for again when they are painted again."""
        if self._asked is not None and self._asked.keys is keys:
            if self._asked.page is not None:
                self._cache.forget(self._asked.page)
            self._asked = None
            self._ask()

    # Records

    def key(self, row: int) -> Key | None:
        """The row's key, or None while it is not known."""
        return self._keys[row] if 0 <= row < len(self._keys) else None

    def is_gone(self, row: int) -> bool:
        """Whether the record is known to be there no more, of a row that is still shown."""
        key = self.key(row)
        return key is not None and self._cache.known(key, _MISSING) is None

    def has_left(self, row: int) -> bool:
        """Whether the list has it no more, though the record is there."""
        return self.key(row) in self.left and not self.is_gone(row)

    def former(self, row: int) -> Row | None:
        """What a row that is gone was, in the list's order, as far as that was at hand."""
        key = self.key(row)
        return None if key is None else self._cache.former(key)

    def row_of_key(self, key: Key) -> int | None:
        return position(self._keys, key)

    @property
    def keys(self) -> Keys:
        """The keys of all rows, or of the first ones while the rest is on its way."""
        return self._keys

    @property
    def complete(self) -> bool:
        return len(self._keys) == self._count

    def record(self, row: int) -> Row | None:
        """The row's values in the list's order, or None when they are not at hand or gone."""
        key = self.key(row)
        if key is None:
            return None
        found: Row | None = self._cache.known(key, None)
        return found

    def at_hand(self) -> list[Row]:
        """Every row that was read and not let go since, in no order."""
        return [row for _, row in self._cache.items() if row is not None]

    def known_ids(self) -> dict[Key, Value]:
        """The ids of the records that were read and not let go since, by their rows' keys."""
        return {key: row[0] for key, row in self._cache.items() if row is not None}

    def others_in(self, keys: Keys, rows: Sequence[Row | None]) -> list[Key]:
        """Those of the keys that another record has in these rows than the list shows with them."""
        shown = ((key, row, self._cache.known(key, None)) for key, row in zip(keys, rows, strict=True))
        return [key for key, row, was in shown if row is not None and was is not None and row[0] != was[0]]

    def record_id(self, row: int) -> Value:
        """The record's id, or None when it is not at hand, gone or NULL."""
        found = self.record(row)
        return None if found is None else found[0]

    def column_of(self, name: str) -> int:
        """The number of the column that shows the list's column `name`. Raises `ValueError`."""
        return [column.name for column in self.columns].index(name)

    # Qt's questions

    def rowCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else self._count

    def columnCount(self, parent: Index = ROOT) -> int:
        return 0 if parent.isValid() else len(self.columns)

    def data(self, index: Index, role: int = DISPLAY) -> Any:
        answers = self._readers.get(role)
        if answers is None:
            return self._heard(index) if role == HEARD else None
        column, position = index.column(), index.row()
        if self.left and role in _OF_LEFT and self.has_left(position):
            return _OF_LEFT[role]
        reader = answers[column]
        if reader is None:
            return STRUCK if role == Role.TONE and self._cache.has_gone and self.is_gone(position) else None
        page = position // PAGE
        if page != self._page:
            self._enter(page)
        found = self._cache.get(self._keys[position], _MISSING) if position < len(self._keys) else _MISSING
        if found is _MISSING:
            found = self._miss(position, page)
        if found is None:
            found = self._cache.former(self._keys[position])
            if found is None or role in _OF_GONE:
                return _OF_GONE.get(role, GONE if role == DISPLAY else None)
        if found is _MISSING:
            return None if column else {DISPLAY: PLACEHOLDER, Role.TONE: AWAITED}.get(role)
        try:
            return reader(found)
        except _STRANGE:
            pass
        except Exception as error:  # noqa: BLE001 - else each repaint would raise it again, and the window be lost
            return self._broken(error, role)
        try:
            return plain(found[self._places[column]], found) if role == DISPLAY else None
        except Exception as error:  # noqa: BLE001
            return self._broken(error, role)

    def _heard(self, index: Index) -> str | None:
        """As it is painted, which cuts nothing and turns nothing round; None for what it displays."""
        shown = self.data(index)
        return heard if isinstance(shown, str) and (heard := visible(shown)) != shown else None

    def _broken(self, error: Exception, role: int) -> Any:
        """What to show of a row that cannot be shown; why is told when the view has been painted."""
        if self._bug is None:
            self._bug = error
            self._tell_soon.start()
        return GONE if role == DISPLAY else None

    def _tell(self) -> None:
        if self._bug is not None:
            sys.excepthook(type(self._bug), self._bug, self._bug.__traceback__)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = DISPLAY) -> Any:
        if orientation != _HORIZONTAL or not 0 <= section < len(self._headers):
            return None
        if role == DESCRIPTION:
            return self.said_of_column(section)
        return self._headers[section].get(role)

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Asks for the list in another order; the rows stay until it has come."""
        if 0 <= column < len(self.columns) and self.columns[column].sortable:
            self.sort_requested.emit(self.columns[column].name, order == Qt.SortOrder.DescendingOrder)

    # Fetching

    def _enter(self, page: int) -> None:
        self._page = page
        self._cache.touch(page)
        self._look_ahead.start()

    def _miss(self, position: int, page: int) -> Any:
        """What to show of a row that is not at hand: what it was, if that is known."""
        if position >= len(self._keys):
            return _MISSING
        self._cache.want(page)
        if not self._ask_soon.isActive():
            self._ask_soon.start()  # after the whole view has been painted
        return self._cache.known(self._keys[position], _MISSING)

    def _at_hand(self, row: int) -> bool:
        return self._cache.known(self._keys[row], _MISSING) is not _MISSING

    def _ask(self, *, rests: bool = False) -> None:
        if self._asked is not None:
            if not rests or self._asked.page is None or self._cache.wanted(self._asked.page):
                return
            self._forget_request()  # scrolled past
        page = self._cache.next_wanted()
        if page is None:
            return
        keys = self._keys[page * PAGE : (page + 1) * PAGE]
        if len(keys) < min(PAGE, self._count - page * PAGE):
            self._cache.forget(page)  # the rest of its keys is still to come
            return
        self._request(page, keys)

    def _request(self, page: int | None, keys: Keys) -> None:
        request = self._asked = _Request(page, keys)
        request.cancel = self._request_page(keys)

    def _forget_request(self) -> None:
        if self._asked is not None and self._asked.cancel is not None:
            self._asked.cancel()
        self._asked = None

    def _want_neighbours(self) -> None:
        if self._cache.next_wanted() is not None:
            self._ask(rests=True)
        elif self._asked is None:
            for page in (self._page - 1, self._page + 1):  # the last one wanted is fetched first
                if 0 <= page * PAGE < self._count:
                    self._cache.want(page)
            self._ask()

    # The list's rows

    def _settle_page(self, page: int, keys: Keys, found: Keys) -> None:
        begin = page * PAGE
        end = begin + len(keys)
        if len(found) < len(keys):
            end = self._count
        elif found[-1] != keys[-1]:
            end = position_behind(self._keys, found[-1], self._step, begin)
        if end - begin != len(found):
            self._cache.moved_behind(page)
        self._settle(begin, end, found)

    def _settle(self, begin: int, end: int, found: Keys) -> None:
        """The rows from `begin` to `end` have these keys, which may be fewer, or more."""
        runs = [*changed_runs(self._keys[begin:end], found, self._step)]
        if runs:
            keys = joined(self._keys[:begin], found, self._keys[end:])
            self._turn_into(keys, [tuple(begin + place for place in run) for run in runs])

    def _turn_into(self, keys: Keys, runs: Sequence[Sequence[int]]) -> None:
        """Takes over `keys`, which differ in these runs, the last one first. Qt hears of just the rows that
        come and go, so that a selection holds on to its records; in between, too, each row has its own key.
        """
        old = self._keys
        for first, last, start, end in runs:
            if first < last:
                self.beginRemoveRows(ROOT, first, last - 1)
                self._keys = Spliced(old, first, keys, end)
                self._count = len(self._keys)
                self.endRemoveRows()
            if start < end:
                self.beginInsertRows(ROOT, first, first + end - start - 1)
                self._keys = Spliced(old, first, keys, start)
                self._count = len(self._keys)
                self.endInsertRows()
        self._keys = keys


def _runs(old: Keys, new: Keys, row: int, place: int) -> list[KeyRun]:
    """Where these parts of two lists differ, which begin at this row of the one and place of the other."""
    before, after = common_ends(old, new)
    runs = runs_of(old[before : len(old) - after], new[before : len(new) - after])
    row, place = row + before, place + before
    return [(row + first, row + last, place + start, place + end) for first, last, start, end in runs]
