"""The facets of a list: pick lists of a column's values, each with its count under the other filters."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace

from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import Counts
from app.ui.shell.context import Context
from app.ui.widgets.filter_row import FilterRow
from app.ui.widgets.picker import Choice
from app.workers.runner import Task


class Facets:
    """`Facets(context, filters, columns, label)`: the pick lists of `columns` in a filter row.

    `label(column, value)` gives the words for a value.
    """

    def __init__(
        self,
        context: Context,
        filters: FilterRow,
        columns: Iterable[str],
        label: Callable[[str, Value], str],
    ) -> None:
        self._context = context
        self._filters = filters
        self._label = label
        self._values: dict[str, dict[str, Value]] = {column: {} for column in columns}
        self._counting: Task | None = None
        self._awaited: dict[str, None] = {}

    def chosen(self) -> dict[str, tuple[Value, ...]]:
        """The columns filtered by a value."""
        picks = self._filters.values().picks
        return {column: (self._values[column].get(key, key),) for column, key in picks}

    def choose(self, column: str, value: Value) -> bool:
        """Filters by a value; False where no pick list offers it."""
        key = _key(value)
        if key not in self._values.get(column, {}):
            return False
        values = self._filters.values()
        picks = {**dict(values.picks), column: key}
        self._filters.set_values(replace(values, picks=tuple(picks.items())))
        return True

    def offer(self, column: str, found: Counts) -> None:
        """Fills a pick list."""
        self._values[column].update({_key(value): value for value, _ in found})
        choices = [Choice(_key(value), self._label(column, value), count) for value, count in found]
        self._filters.set_choices(column, choices, sum(count for _, count in found))

    def count(self, query: ListQuery, columns: Sequence[str], show: Callable[[str, Counts], None]) -> None:
        """Reads the values of columns that the query's other filters keep; `show(column, found)` gets them.

        What an earlier call has not delivered yet is counted again with them.
        """
        if not columns:
            return
        if self._counting is not None:
            self._counting.cancel()
        self._awaited |= dict.fromkeys(columns)

        def came(found: dict[str, Counts]) -> None:
            self._awaited.clear()
            for column, counts in found.items():
                show(column, counts)

        self._counting = self._context.runner.read(
            self._context.lists.choices,
            query,
            tuple(self._awaited),
            on_done=came,
            on_failed=lambda error: None,
        )


def _key(value: Value) -> str:
    """A text that tells values apart, of different types too."""
    return f"{type(value).__name__}:{value!s}"
