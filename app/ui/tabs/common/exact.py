"""The filters by one value of a column, each a chip that takes it away again."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QPushButton, QSizePolicy, QWidget

from app.services.records.list_query import ColumnChoice, Value
from app.services.records.tables import ColumnKind, Table
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.theme.icons import Icon
from app.ui.widgets import formatting
from app.ui.widgets.buttons import ElidedButton
from app.ui.widgets.labels import in_row

_LONGEST = 40
_READ = 180
"""A width at which a chip says what it keeps: its column, and how the value begins."""


class ExactFilters(QWidget):
    """`ExactFilters(context, table)`: a row of chips, hidden while it has none. They shorten themselves
    where there is little room.

    `changed()` when a chip was added or taken away by the person.
    """

    changed = Signal()

    def __init__(self, context: Context, table: Table) -> None:
        super().__init__()
        self._context, self._table = context, table
        self._chosen: dict[str, tuple[Value, QPushButton]] = {}
        self._row = in_row(within=self)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.hide()

    def choices(self) -> Sequence[ColumnChoice]:
        """What a query keeps by them."""
        return [(column, (value,)) for column, (value, _) in self._chosen.items()]

    def chips(self) -> list[QPushButton]:
        return [chip for _, chip in self._chosen.values()]

    def add(self, column: str, value: Value) -> None:
        """Keeps the rows with this value, beside the filters there are; another of the column gives way."""
        self._drop(column)
        words = f"{self._table.of_file(column).label}: {self._words(column, value)}"
        chip = ElidedButton(self._context.theme, words, Icon.CLOSE)
        chip.setAccessibleName(f"Take away the filter {words}")
        chip.clicked.connect(lambda: self._take_away(column))
        self._chosen[column] = (value, chip)
        self._row.addWidget(chip)
        chip.show()
        self._take_room()
        self.show()
        self.changed.emit()

    def clear(self) -> bool:
        """Takes all of them away without a signal; whether there were any."""
        found = list(self._chosen)
        for column in found:
            self._drop(column)
        return bool(found)

    def _take_away(self, column: str) -> None:
        self._drop(column)
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

    def wanted_width(self) -> int:
        """That at which each of them says what it keeps."""
        chips = self.chips()
        words = sum(min(_READ, chip.sizeHint().width()) for chip in chips)
        return words + self._row.spacing() * (len(chips) - 1)

    def _words(self, column: str, value: Value) -> str:
        at = declared.epoch(value) if self._table.of_file(column).kind is ColumnKind.TIME else None
        if at is not None:
            words = formatting.absolute_time(at, self._context.settings.utc_times)
            # Others of that second may be stored otherwise, and are not kept.
            return words if value == at else f"{words} (stored as {formatting.plain(value)})"
        words = declared.choice_label(self._table, column, value)
        return visible(formatting.first_line(words, _LONGEST)) or "(empty)"
