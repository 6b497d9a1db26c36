"""The filters by values of a column, each a chip that takes them away again."""

import re
from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import QPoint, Qt, Signal
from PySide6.QtWidgets import QMenu, QPushButton, QSizePolicy, QWidget

from app.services.records.list_query import ColumnChoice, ListedValue
from app.services.records.tables import ColumnKind, Table
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.actions import give_letters
from app.ui.widgets.buttons import ElidedButton
from app.ui.widgets.labels import in_row

_LONGEST = 40
_FIGURES = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?")
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
    at = declared.epoch(value) if table.of_file(column).kind is ColumnKind.TIME else None
    if at is not None:
        words = formatting.absolute_time(at, context.settings.utc_times)
        # Others of that second may be stored otherwise, and are not kept.
        return words if value == at else f"{words} (stored as {formatting.plain(value)})"
    words = declared.choice_label(table, column, value)
    if isinstance(value, str) and not table.of_file(column).is_declared and _FIGURES.fullmatch(value):
        words = f"“{words}”"  # not the number, which may be there as well
    return visible(formatting.first_line(words, _LONGEST)) or formatting.EMPTY
