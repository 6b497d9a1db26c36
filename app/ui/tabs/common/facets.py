"""The values of a table's counted columns, to filter by: by pick lists, or by chips."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from app.services.records.list_query import ColumnChoice, ListedValue, ListQuery
from app.services.records.lists import CHOICES, Counts
from app.services.records.tables import Table, TableColumn
from app.ui.session.context import Context
from app.ui.tabs.common.declared import choice_label, several
from app.ui.theme import Theme
from app.ui.widgets.buttons import Choice
from app.ui.widgets.count_chips import FoldingChips
from app.ui.widgets.filter_row import FilterRow
from app.workers.runner import Task
from models.errors import TenantAdminError

OTHER = "other"
"""The key of the chip for values that are not known."""


class FacetChips(FoldingChips):
    """`FacetChips(theme, column, known, same)`: a toggle for each known value of a column, and one for all
    others; several may be chosen. What is not known by itself may be the `same` as what is.
    """

    def __init__(
        self,
        theme: Theme,
        column: TableColumn,
        known: Sequence[str],
        same: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        super().__init__(theme, column.label, several(column))
        self._known, self._same = known, same
        self._others: tuple[ListedValue, ...] = ()
        self._found: Counts | None = None
        self.offer(None)

    def know(self, known: Sequence[str]) -> None:
        if known != self._known:
            self._known = known
            self.offer(self._found)

    def chosen(self) -> tuple[ListedValue, ...]:
        """The values filtered by; none where it is any."""
        keys = self.keys()
        others = self._others if OTHER in keys else ()
        there = self._same if self._found is None else dict(self._found)
        same = (one for one, known in self._same.items() if known in keys and one in there)
        return (*(key for key in keys if key != OTHER), *(one for one in same if one not in keys), *others)

    def _of(self, value: ListedValue) -> str | None:
        """The known value that it is, or is the same as; None for others."""
        if not isinstance(value, str) or value in self._known:
            return value if isinstance(value, str) else None
        found = self._same.get(value)
        return found if found in self._known else None

    def restore(self, values: Sequence[ListedValue]) -> None:
        """Filters by these, without a signal."""
        others = [value for value in values if self._of(value) is None]
        self._others = tuple(dict.fromkeys((*self._others, *others)))
        self.set_keys(())
        self.offer(self._found)
        self.set_keys([*dict.fromkeys(filter(None, map(self._of, values))), *([OTHER] if others else [])])

    def choose(self, value: ListedValue) -> bool:
        """Filters by one of the known values; False where it is none of them."""
        if value not in self._known:
            return False
        self.set_key(str(value))
        self.changed.emit(self.key())
        return True

    def offer(self, found: Counts | None) -> None:
        """Shows how many there are of each; without counts while they are not known."""
        self._found, counts = found, dict(found or ())
        # One that was there stays: a chip that comes and goes moves those beside it.
        others = (value for value in counts if self._of(value) is None)
        self._others = tuple(dict.fromkeys((*self._others, *others)))
        chips = [Choice(None, "All", None if found is None else sum(counts.values()))]
        of = Counter[str | None]()
        for value, count in counts.items():
            of[self._of(value)] += count
        chips += [
            Choice(name, name.capitalize(), None if found is None else of[name]) for name in self._known
        ]
        if self._others:
            chips.append(Choice(OTHER, "Other", of[None]))
        before = self.keys()
        self.set_chips(chips)
        if self.keys() != before:
            self.changed.emit(self.key())


class Facets:
    """`Facets(context, filters, table)`: the values of a table's counted columns, to filter by.

    They are offered by the pick lists of a filter row, or by `chips`, by column.
    """

    def __init__(self, context: Context, filters: FilterRow, table: Table) -> None:
        self._context = context
        self._filters = filters
        self._table = table
        self.chips: dict[str, FacetChips] = {}
        self._values: defaultdict[str, dict[str, ListedValue]] = defaultdict(dict)
        self._always: dict[str, list[str]] = {}
        self._counting: Task | None = None
        self._awaited: dict[str, None] = {}
        self._due: dict[str, ListQuery] = {}
        """The queries of those that are counted when they are opened."""
        self._opening: set[str] = set()
        self._late = {
            column for column in filters.pickers if context.costs or table.column(column).is_derived
        }
        """The pick lists that are counted then: where each row that is read is charged, and where the value
        is within a text, which takes several times as long.
        """
        for column in self._late:
            filters.pickers[column].before = partial(self._count_before, column)

    def chosen(self) -> dict[str, tuple[ListedValue, ...]]:
        """The columns filtered by a value."""
        picks = self._filters.values().picks
        picked = {column: tuple(self._values[column].get(key, key) for key in keys) for column, keys in picks}
        return picked | {column: chips.chosen() for column, chips in self.chips.items() if chips.chosen()}

    def choose(self, column: str, value: ListedValue) -> bool:
        """Filters by a value; False where nothing offers it."""
        key = _key(value)
        if column in self.chips:
            return self.chips[column].choose(value)
        elif column in self._filters.pickers:
            self._values[column][key] = value
            picker = self._filters.pickers[column]
            if not picker.offers(key):
                picker.add_choices([Choice(key, choice_label(self._table, column, value))])
            values = self._filters.values()
            picks = {**dict(values.picks), column: (key,)}
            self._filters.set_values(replace(values, picks=tuple(picks.items())))
        else:
            return False
        return True

    def offered(self, column: str) -> tuple[ListedValue, ...]:
        """The values of a pick list, as far as they were counted."""
        return tuple(self._values[column].values())

    def restore(self, choices: Iterable[ColumnChoice]) -> list[ColumnChoice]:
        """Filters by these values and no others, without a signal; those of the columns that nothing offers
        are given back.
        """
        wanted = dict(choices)
        for column, chips in self.chips.items():
            chips.restore(wanted.pop(column, ()))
        for column, picker in self._filters.pickers.items():
            keys = {_key(value): value for value in wanted.pop(column, ())}
            self._values[column].update(keys)
            new = [key for key in keys if not picker.offers(key)]
            picker.add_choices([Choice(key, choice_label(self._table, column, keys[key])) for key in new])
            picker.set_keys(keys)
        return list(wanted.items())

    def always_offer(self, column: str, *values: ListedValue) -> None:
        """Offers these by the column's pick list, if there is one, before they are counted, and also where no
        row has them.
        """
        picker = self._filters.pickers.get(column)
        if picker is not None:
            self._always[column] = keys = [*map(_key, values)]
            self._values[column].update(zip(keys, values, strict=True))
            words = (choice_label(self._table, column, value) for value in values)
            picker.set_choices([*map(Choice, keys, words)])

    def expect(self, query: ListQuery, columns: Sequence[str]) -> None:
        """What a pick list offers that is counted late is counted by this query when it is opened, even
        before the query's rows have come or are agreed to.
        """
        self._due |= dict.fromkeys((one for one in columns if one in self._late), query)

    def count(self, query: ListQuery, columns: Sequence[str]) -> None:
        """Reads the values of columns that the query's other filters keep, and offers them.

        What an earlier call has not delivered yet is counted again with them. Where each row that is read is
        charged, those of a long list are not read, and those of a pick list as `expect` says.
        """
        self.expect(query, columns)
        columns = [one for one in columns if one not in self._late]
        if self._context.costs and query.as_added:
            columns = ()
        if not columns:
            return
        if self._counting is not None:
            self._counting.cancel()
        self._awaited |= dict.fromkeys(columns)
        self._counting = self._context.runner.read(
            self._context.lists.choices,
            query,
            tuple(self._awaited),
            on_done=self._offer,
            on_failed=lambda error: None,
        )

    def _count_before(self, column: str, show: Callable[[], None]) -> None:
        """Counts what a pick list offers, and then shows it; a person is asked before much is read. Who
        declines is shown what is known, if anything is, so that a choice can be taken back.
        """
        if column in self._opening:
            return  # its answer is on the way
        query = self._due.get(column)
        if query is None:
            show()
            return

        def counted(found: dict[str, Counts]) -> None:
            if self._due.get(column) == query:
                del self._due[column]
            self._offer(found)
            answered()

        def answered(error: TenantAdminError | None = None) -> None:
            self._opening.discard(column)
            if self._filters.isVisible():
                show()

        def count() -> None:
            self._opening.add(column)
            self._context.runner.read(
                self._context.lists.choices, query, (column,), on_done=counted, on_failed=answered
            )

        much = self._context.lists.reads_choices(self._context.rows_of(query.table, query.scope))
        is_empty = not (self._values[column] or self._filters.pickers[column].keys())
        self._context.when_agreed(much, count, self._filters, declined=(lambda: None) if is_empty else show)

    def _offer(self, found: dict[str, Counts]) -> None:
        for column, counts in found.items():
            self._awaited.pop(column, None)
            if column in self.chips:
                self.chips[column].offer(counts)
                continue
            self._values[column].update({_key(value): value for value, _ in counts})
            choices = [
                Choice(_key(value), choice_label(self._table, column, value), count)
                for value, count in counts
            ]
            picker = self._filters.pickers[column]
            kept = dict.fromkeys((*self._always.get(column, ()), *picker.keys()))
            for key in (key for key in kept if key not in {choice.key for choice in choices}):
                # No row has it any more, and it is filtered by all the same, or may be: in words.
                value = self._values[column].get(key, key)
                choices.append(Choice(key, choice_label(self._table, column, value), 0))
            # Of those that are offered alone nobody is told that they are all.
            are_all = len(counts) < CHOICES
            picker.set_choices(choices, sum(count for _, count in counts) if are_all else None)


def _key(value: ListedValue) -> str:
    """A text that tells values apart, of different types too."""
    return f"{type(value).__name__}:{value!s}"
