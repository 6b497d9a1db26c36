"""Why a list shows no rows: there are none, the filters match none, or they cannot be read."""

from PySide6.QtCore import Signal

from app.services.errors import TableMissing, TenantAdminError
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.empty_state import EmptyState


class ListEmptyState(EmptyState):
    """`ListEmptyState(theme, icon, noun, empty)`; `empty` is a title and a sentence for a list without rows.

    `explain(filtered=…)` after the list was read, `explain_failure(error)` when it could not be.
    `clear_wanted()` when the person asks for all rows instead of those that the filters keep.
    """

    clear_wanted = Signal()

    def __init__(self, theme: Theme, icon: str, noun: str, empty: tuple[str, str]) -> None:
        self.clear_button = push_button(theme, "Clear filters", kind=Kind.SECONDARY, icon=Icon.CLOSE)
        super().__init__(theme, icon, "", "", (self.clear_button,))
        self.clear_button.hide()
        self._of_none, self._noun, self._words = icon, noun, empty
        self.clear_button.clicked.connect(self.clear_wanted)

    def explain(self, *, filtered: bool) -> None:
        """Says that there is nothing, or that nothing matches the filters."""
        if filtered:
            self.set(Icon.SEARCH, "No match", f"No {self._noun} matches these filters.")
        else:
            self.set(self._of_none, *self._words)
        self.clear_button.setVisible(filtered)

    def explain_failure(self, error: TenantAdminError) -> None:
        """Says why the rows cannot be shown."""
        title = "Not in this file" if isinstance(error, TableMissing) else "Cannot be shown"
        self.set(Icon.WARNING, title, str(error))
        self.clear_button.hide()
