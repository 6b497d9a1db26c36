"""The form that keeps users by the value of a column that only the file knows."""

from collections.abc import Callable
from functools import partial
from typing import Any

from PySide6.QtWidgets import QComboBox

from app.services.records.list_query import ListQuery, Value
from app.services.records.lists import Counts
from app.services.records.tables import USERS, Scope
from app.services.text import visible
from app.ui.session.context import Context
from app.ui.tabs.common import declared
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.widgets.form_dialog import FieldValue, FormDialog
from app.ui.widgets.formatting import first_line
from models.errors import TenantAdminError

_LONGEST = 60


class FilterByColumnDialog(FormDialog):
    """Offers the values that a column has, with their counts, and hands the one that is chosen to `use`."""

    holds_work = False

    def __init__(
        self,
        context: Context,
        scope: Scope,
        use: Callable[[str, Value], object],
        parent: RecordTab | None = None,
    ) -> None:
        sentence = "Keeps the users who have this value; a chip beside the filter takes it away again."
        super().__init__(context.theme, "Filter by another column", sentence, action="Filter", parent=parent)
        self._context, self._scope, self._use = context, scope, use
        self._values: list[Value] | None = None
        self.column, self.value = QComboBox(), QComboBox()
        self.column.addItems(USERS.others(context.opened.schema.stored[USERS.name]))
        self.add_field("column", "Column", self.column)
        self.add_field("value", "Value", self.value, self._check)
        self.column.currentTextChanged.connect(self._read)
        self.submitted.connect(self._filter)
        self.column.setFocus()
        self._read()

    def _read(self) -> None:
        self._values = None
        self.value.clear()
        name = self.column.currentText()

        def offer(found: dict[str, Counts]) -> None:
            if name != self.column.currentText():
                return
            self._values = [value for value, _ in found[name]]
            for value, count in found[name]:
                words = first_line(visible(declared.choice_label(USERS, name, value)), _LONGEST)
                self.value.addItem(f"{words} ({count:,})")
            self.set_problem("", "value")

        query, failed = ListQuery(USERS.name, self._scope), self._failed
        read = partial(self._context.runner.read, self._context.lists.choices, query, (name,))
        rows = self._context.rows_of(USERS.name, self._scope)
        self._context.when_agreed(rows, partial(read, on_done=offer, on_failed=failed), self)

    def _failed(self, error: TenantAdminError) -> None:
        self.show_error(error)

    def _check(self, value: FieldValue) -> str:
        return "" if self._values else "There is no value to filter by."

    def _filter(self) -> None:
        chosen: Any = (self._values or [])[self.value.currentIndex()]
        self.accept()
        self._use(self.column.currentText(), chosen)
