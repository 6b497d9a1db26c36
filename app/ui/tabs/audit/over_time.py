"""What the audit chain's tab shows of its entries over time: their days, or the hours of a few of these."""

from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from app.services.chain.reading import times_of
from app.services.records.list_query import ListQuery
from app.services.records.stored_times import epoch_of
from app.ui.session.outcome import Outcome
from app.ui.tabs.audit.timeline import DAYS_SHOWN, Found, Timeline, days_of, moments_of, range_of
from app.ui.widgets.filter_row import DateRange, Span
from app.ui.widgets.later import later
from app.workers.runner import Task
from models.engine import Database
from models.errors import TenantAdminError
from models.status import DAY

if TYPE_CHECKING:
    from app.ui.tabs.common.record_tab import RecordTab

_FIRST_DAY = date(1970, 1, 1).toordinal()
_READ_FOR_DAYS = 3


class OverTime:
    """`OverTime(tab)` has the `timeline`. Days or hours that are picked there are what the filter keeps."""

    def __init__(self, tab: "RecordTab") -> None:
        self._tab, self._context = tab, tab.context
        self._reading: Task | None = None
        self._marking: Task | None = None
        self._without: ListQuery | None = None
        """The list whose days were too many to be read, as far as its rows were known."""
        self._days_of: DateRange | None = None
        """The dates that are kept, where they are few and the days are shown all the same."""
        self.timeline = Timeline(self._context.theme)
        self.timeline.picked.connect(self._pick_days)
        self.timeline.hours_picked.connect(self._pick_hours)
        self.timeline.days_wanted.connect(self._show_days)
        self.timeline.moved.connect(self._move_days)

    def read(self, query: ListQuery, outcome: Outcome | None) -> None:
        """Shows those of the list. All days stay in sight, so that from one of them a person goes on to the
        next; of a few that are kept their hours, until the days are wanted.
        """
        dates, utc = self._tab.filters.values().dates, self._context.settings.utc_times
        if dates != self._days_of:
            self._days_of = None
        few = days_of(dates, self._context.clock(), utc) if self._days_of is None else None
        self.timeline.set_kept(query.since, query.until, utc=utc)
        query = replace(query, since=None, until=None)
        if self._reading is not None:
            self._reading.cancel()
        self.mark(outcome)
        rows = self._context.rows_of(query.table, query.scope)
        is_dear = self._context.is_much(_READ_FOR_DAYS * rows)
        self._without = query if is_dear else None
        if query.as_added or is_dear:
            self.timeline.set_unread()
            return
        lists, run = self._context.lists, self._context.runner.read
        if few is None:
            show: Callable[[Any], None] = partial(self._show_days_of, query, utc)
            read = partial(run, lists.per_day, query, None if utc else local_day)
        else:
            moments = moments_of(*few, utc)
            show = partial(self.timeline.set_hours, moments, utc=utc)
            read = partial(run, lists.between, query, moments)
        self._reading = read(on_done=show, on_failed=self._failed)

    def _show_days_of(self, query: ListQuery, utc: bool, days: Sequence[tuple[int, int]]) -> None:
        """Shows them; where all is of a single day, its hours."""
        if len(days) != 1 or not 0 <= days[0][0] < DAYS_SHOWN:
            self.timeline.set_days(days)
            return
        day = date.fromordinal(_FIRST_DAY + days[0][0])
        moments = moments_of(day, day, utc)
        show = partial(self.timeline.set_hours, moments, utc=utc, has_others=False)
        read = partial(self._context.runner.read, self._context.lists.between, query, moments)
        self._reading = read(on_done=show, on_failed=self._failed)

    def count_few(self, total: int, again: Callable[[ListQuery], object]) -> None:
        """How many the rows of a tenant are is known when they are listed: then they may be read `again`."""
        query = self._without
        if query is not None and not (query.filtered or self._context.is_much(_READ_FOR_DAYS * total)):
            self._without = None
            later(self._tab, 0, lambda: again(query))  # when the tab has been told, too

    def mark(self, outcome: Outcome | None) -> None:
        """Shows on which days, and in which hours, the entries in scope are with which something is wrong."""
        utc, tenant = self._context.settings.utc_times, self._tab.scope.tenant_id
        findings = () if outcome is None else outcome.report.findings
        numbers, bad = set[int](), set[int]()
        for one in findings:
            if one.seq and tenant in (None, one.tenant):
                numbers.add(one.seq)
                bad.update((one.seq,) if one.is_error else ())
        if self._marking is not None:
            self._marking.cancel()
            self._marking = None

        def read_times(database: Database) -> tuple[list[Any], list[Any]]:
            found = times_of(database, sorted(numbers))
            return found, found if bad == numbers else times_of(database, sorted(bad)) if bad else []

        def at(times: list[Any]) -> Found:
            found = [at for at in map(epoch_of, times) if at]
            return Found(Counter(at // DAY if utc else local_day(at) for at in found), found)

        def told(times: tuple[list[Any], list[Any]]) -> None:
            self.timeline.set_findings(*map(at, times))

        if numbers:
            read = self._context.runner.read
            self._marking = read(read_times, on_done=told, on_failed=lambda error: None)
        else:
            self.timeline.set_findings(Found(), Found())

    def _failed(self, error: TenantAdminError) -> None:
        self.timeline.set_days(())

    def _pick_days(self, first: date, last: date) -> None:
        self._keep(DateRange(Span.CUSTOM, first, last))

    def _pick_hours(self, since: int, until: int) -> None:
        self._keep(range_of(since, until, self._context.settings.utc_times))

    def _keep(self, dates: DateRange) -> None:
        self._days_of = None
        before = self._tab.filters.values()
        self._tab.filters.set_values(replace(before, dates=dates))
        if before.dates == dates:  # the days were shown, and one of them is wanted again
            self._read_again()

    def _show_days(self) -> None:
        self._days_of = self._tab.filters.values().dates
        self._read_again()

    def _read_again(self) -> None:
        self._tab.read_beside(self._tab.query())

    def _move_days(self, by: int) -> None:
        """To as many days before those whose hours are shown, or after them."""
        now, utc = self._context.clock(), self._context.settings.utc_times
        found = days_of(self._tab.filters.values().dates, now, utc)
        if found is not None:
            first, last = found
            step = timedelta(days=by * ((last - first).days + 1))
            with suppress(OverflowError):
                self._pick_days(first + step, last + step)


def local_day(at: int) -> int:
    """Days since 1970 here, whatever the offset from UTC was then."""
    return datetime.fromtimestamp(at).toordinal() - _FIRST_DAY
