"""The values of a table's counted columns, to filter by: by pick lists, or by chips; and the filters by
values of any column, each a chip that takes them away again.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from types import MappingProxyType

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.services.records.list_query import ColumnChoice, ListedValue, ListQuery
from app.services.records.lists import CHOICES, Counts
from app.services.records.stored_times import epoch_of
from app.services.records.tables import ColumnKind, Table, TableColumn
from app.services.text import readable, visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.declared import choice_label, several
from app.ui.theme import Icon, Theme
from app.ui.widgets import formatting
from app.ui.widgets.actions import give_letters
from app.ui.widgets.buttons import Choice, ElidedButton
from app.ui.widgets.count_chips import FoldingChips
from app.ui.widgets.filter_row import FilterRow
from app.ui.widgets.labels import in_row
from app.workers.runner import Task
from models.errors import TenantAdminError
from models.patterns import compiled_later

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


_LONGEST = 40
_FIGURES = compiled_later(r"[+-]?[0-9]+(\.[0-9]+)?")
_NAMED = 3
"""Values of one column that its chip names."""
_READ = 180
"""A width at which a chip says what it keeps: its column, and how the value begins."""


class ExactFilters(QWidget):
    """`ExactFilters(context, table)`: a row of chips, hidden while it has none. They shorten themselves
    where there is little room.

    A click takes away the only value of a chip; of several, a menu says which, and it is there for one value,
    too, with the right button or the menu key. `changed()` when the person has changed what is kept;
    `more_wanted(column)` when they ask for another value of it.
    """

    changed = Signal()
    more_wanted = Signal(str)

    def __init__(self, context: Context, table: Table) -> None:
        super().__init__()
        self._context, self._table = context, table
        self._chosen: dict[str, tuple[tuple[ListedValue, ...], ElidedButton]] = {}
        self._row = in_row(within=self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.hide()

    def choices(self) -> Sequence[ColumnChoice]:
        """What a query keeps by them."""
        return [(column, values) for column, (values, _) in self._chosen.items()]

    def chips(self) -> list[QPushButton]:
        return [chip for _, chip in self._chosen.values()]

    def add(self, column: str, value: ListedValue) -> None:
        """Keeps the rows with this value, beside the filters there are, and those with others that the column
        is filtered by; of these alone the ones with this, where it is one of them.
        """
        kept = self.kept(column)
        self.keep(column, (value,) if value in kept else (*kept, value))
        self.changed.emit()

    def kept(self, column: str) -> tuple[ListedValue, ...]:
        """The values that a column is filtered by here."""
        return self._chosen[column][0] if column in self._chosen else ()

    def keep(self, column: str, values: Sequence[ListedValue]) -> None:
        """Keeps the rows with these values of a column, without a signal; where there are none, any."""
        if not values:
            self._drop(column)
            return
        chip = self._chosen[column][1] if column in self._chosen else self._add_chip(column)
        self._chosen[column] = tuple(values), chip
        words = self._said(column, values)
        chip.set_words(words)
        is_one = len(values) == 1
        chip.setAccessibleName(f"Take away the filter {words}" if is_one else f"Filter {words}: change it")
        self._take_room()
        self.show()

    def clear(self) -> bool:
        """Takes all of them away without a signal; whether there were any."""
        found = list(self._chosen)
        for column in found:
            self._drop(column)
        return bool(found)

    def menu(self, column: str) -> QMenu:
        """What can be done with the filter by a column."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        kept = self.kept(column)
        for value in kept:
            words = self.words(column, value).replace("&", "&&")
            menu.addAction(f"Without “{words}”", partial(self._take_away, column, value))
        menu.addSeparator()
        menu.addAction("Or another value…", lambda: self.more_wanted.emit(column))
        if len(kept) > 1:
            menu.addAction("Take this filter away", lambda: self._take_away(column, *kept))
        give_letters(menu)
        return menu

    def words(self, column: str, value: ListedValue) -> str:
        return value_words(self._context, self._table, column, value)

    def _said(self, column: str, values: Sequence[ListedValue]) -> str:
        """ "Type: run_killed or run_started"."""
        *words, last = (self.words(column, value) for value in values[:_NAMED])
        if (more := len(values) - _NAMED) > 0:
            words, last = [*words, last], f"{more:,} more"
        said = f"{', '.join(words)} or {last}" if words else last
        return f"{self._table.of_file(column).label}: {said}"

    def _add_chip(self, column: str) -> ElidedButton:
        chip = ElidedButton(self._context.theme, "", Icon.CLOSE)
        chip.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        chip.customContextMenuRequested.connect(lambda where: self._open_menu(column, where))
        chip.clicked.connect(lambda: self._click(column))
        self._row.addWidget(chip)
        chip.show()
        return chip

    def _click(self, column: str) -> None:
        kept = self.kept(column)
        if len(kept) == 1:
            self._take_away(column, *kept)
        else:
            self._open_menu(column, self._chosen[column][1].rect().bottomLeft())

    def _open_menu(self, column: str, where: QPoint) -> None:
        self.menu(column).popup(self._chosen[column][1].mapToGlobal(where))

    def _take_away(self, column: str, *values: ListedValue) -> None:
        self.keep(column, [one for one in self.kept(column) if one not in values])
        self.changed.emit()

    def _drop(self, column: str) -> None:
        if column in self._chosen:
            _, chip = self._chosen.pop(column)
            chip.hide()
            chip.deleteLater()
            self._row.removeWidget(chip)
            self._take_room()
        self.setVisible(bool(self._chosen))

    def _take_room(self) -> None:
        """As wide as the chips, or less: the text gives way first, and the pick lists last."""
        self.setMinimumWidth(self._row.minimumSize().width())
        self.setMaximumWidth(max(1, self._row.sizeHint().width()))


def value_words(context: Context, table: Table, column: str, value: ListedValue) -> str:
    """A value of a column as a filter by it says it."""
    at = epoch_of(value) if table.of_file(column).kind is ColumnKind.TIME else None
    if at is not None:
        words = formatting.absolute_time(at, context.settings.utc_times)
        # Others of that second may be stored otherwise, and are not kept.
        return words if value == at else f"{words} (stored as {readable(value)})"
    words = declared.choice_label(table, column, value)
    if isinstance(value, str) and not table.of_file(column).is_declared and _FIGURES.fullmatch(value):
        words = f"“{words}”"  # not the number, which may be there as well
    return visible(formatting.first_line(words, _LONGEST)) or formatting.EMPTY
