"""The form that keeps rows by the values of a column that no pick list offers."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtWidgets import QWidget

from app.services.records.list_query import ListedValue, ListQuery
from app.services.records.lists import Counts
from app.services.records.tables import DECLARED
from app.ui.session.context import Context
from app.ui.tabs.common.facets import value_words
from app.ui.widgets.choice_box import ChoiceBox
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from models.errors import TenantAdminError

ANOTHER_COLUMN, ANOTHER_VALUE = "Filter by another column", "Or another value"


class FilterByColumnDialog(FormDialog):
    """Offers the values that one of the `columns` has under the query's other filters, with their counts but
    for those that it keeps already, and hands the column and the value that is chosen to `use`.
    """

    holds_work = False

    def __init__(
        self,
        context: Context,
        query: ListQuery,
        columns: Sequence[str],
        use: Callable[[str, ListedValue], object],
        parent: QWidget | None = None,
    ) -> None:
        self._context, self._names, self._use = context, [*columns], use
        self._query = replace(query, sort=None, descending=False, as_added=False)
        self._table, is_another = DECLARED[query.table], columns[0] in dict(query.choices)
        also = ", too" if is_another else ""
        noun = self._table.noun[1]
        sentence = f"Keeps the {noun} with this value{also}; a chip beside the filter takes it away again."
        title = ANOTHER_VALUE if is_another else ANOTHER_COLUMN
        super().__init__(context.theme, title, sentence, action="Filter", parent=parent)
        self._values: list[ListedValue] | None = None
        self.column, self.value = ChoiceBox(), ChoiceBox()
        self.column.addItems([self._table.of_file(name).label for name in columns])
        self.add_field("column", "Column", self.column)
        self.add_field("value", "Value", self.value, self._check)
        self.column.currentIndexChanged.connect(self._read)
        self.column.setEnabled(len(self._names) > 1 or not is_another)
        self.submitted.connect(self._filter)
        (self.column if self.column.isEnabled() else self.value).setFocus()
        self._read()

    def _name(self) -> str:
        return self._names[self.column.currentIndex()]

    def _read(self) -> None:
        self._values = None
        self.value.clear()
        name, context = self._name(), self._context
        kept = dict(self._query.choices).get(name, ())

        def offer(found: dict[str, Counts]) -> None:
            if name != self._name():
                return
            column = self._table.of_file(name)
            # What is not shown is not kept in settings either, as filters are.
            shown = [(value, count) for value, count in found[name] if column.said(value) == value]
            others = [(value, count) for value, count in shown if value not in kept]
            self._values = [value for value, _ in others]
            for value, count in others:
                self.value.addItem(f"{value_words(context, self._table, name, value)} ({count:,})")
            self.set_problem("", "value")

        read = partial(context.runner.read, context.lists.choices, self._query, (name,))
        rows = context.rows_of(self._table.name, self._query.scope)
        context.when_agreed(rows, partial(read, on_done=offer, on_failed=self._failed), self)

    def _failed(self, error: TenantAdminError) -> None:
        self.show_error(error)

    def _check(self, value: FieldValue) -> str:
        return "" if self._values else "There is no value to filter by."

    def _filter(self) -> None:
        chosen = (self._values or [])[self.value.currentIndex()]
        self.accept()
        self._use(self._name(), chosen)
