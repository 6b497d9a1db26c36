"""What a restore would put in place of what a file holds, and the person's agreement."""

from PySide6.QtWidgets import QCheckBox, QWidget

from app.itemmodels.columns import Tone
from app.services.files.restoring import Offer, Standing
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.fields import Cell, StaticColumn, StaticTable
from app.ui.widgets.formatting import counted, grouped
from app.ui.widgets.labels import Label, Look

NAMES = {
    "users": "Users",
    "audit_chain": "Audit entries",
    "webhook_destinations": "Webhooks",
    "notifications": "Notifications",
    "planning_runs": "Planning runs",
    "planning_artifacts": "Artifacts",
    "planning_parked_ideas": "Parked ideas",
}
"""The platform's own tables; others are shown by their names."""

_COLUMNS = (
    StaticColumn("What"),
    StaticColumn("Now", number=True),
    StaticColumn("In the copy", number=True),
    StaticColumn("Change", number=True, dim=True),
)

_LOOKS = {Standing.OTHER: Look.WARN, Standing.CONTRADICTED: Look.BAD}


class RestoreDialog(Dialog):
    """`RestoreDialog(theme, offer, file_name, folder, parent=None)`; accepted is the person's agreement.

    Where the copy's own chain does not hold, nothing can be pressed before the person has said that it is
    meant. Cancel has the focus.
    """

    def __init__(
        self, theme: Theme, offer: Offer, file_name: str, folder: str, parent: QWidget | None = None
    ) -> None:
        prepared = offer.prepared
        super().__init__(
            theme,
            f"Restore {file_name}?",
            f"What it holds is replaced by what {prepared.source.name} holds. The file as it is now is kept "
            f"beside it, in {folder}, and can be restored in the same way.",
            icon=Icon.WARNING_FILL,
            tone=Tone.BAD,
            parent=parent,
        )
        self.setMinimumWidth(560)
        tables = [table for table in NAMES if table in prepared.after or prepared.before.get(table)]
        tables += [table for table in prepared.after if table not in NAMES]
        rows = [_row(table, prepared.before.get(table), prepared.after.get(table)) for table in tables]
        self.tables = StaticTable(theme, "What changes", _COLUMNS, rows, most=9)
        self.add_widget(self.tables)
        report = offer.report
        held = f"{counted(report.entries, 'entry', 'entries')} of {counted(len(report.tenants), 'tenant')}"
        self.chain = Label(
            f"The audit chain of the copy holds: {held}."
            if offer.holds
            else f"The audit chain of the copy does not hold: {counted(report.found, 'finding')} in {held}.",
            Look.OK if offer.holds else Look.BAD,
            wrap=True,
        )
        self.add_widget(self.chain)
        if offer.known is not None:
            look = _LOOKS.get(offer.known, Look.DIM)
            self.add_widget(Label(offer.standing or offer.known, look, wrap=True))
        self.agreement = QCheckBox("I mean this, although its audit chain does not hold", self)
        self.agreement.setVisible(not offer.holds)
        if not offer.holds:
            self.add_widget(self.agreement)
        self.agreement.toggled.connect(self._update)
        self._holds = offer.holds
        self.cancel_button = push_button(theme, "Cancel")
        self.restore_button = push_button(theme, "Restore", kind=Kind.DANGER)
        self.cancel_button.clicked.connect(self.reject)
        self.restore_button.clicked.connect(self.accept)
        self.set_buttons([self.cancel_button, self.restore_button])
        self.cancel_button.setDefault(True)
        self.cancel_button.setFocus()
        self._update()

    def _update(self) -> None:
        ready = self._holds or self.agreement.isChecked()
        self.restore_button.setEnabled(ready)
        self.restore_button.setToolTip("" if ready else "Tick the box above first.")


def _row(table: str, before: int | None, after: int | None) -> tuple[Cell, ...]:
    name = Cell(NAMES.get(table, table))
    if before is None or after is None:
        return name, _count(before), _count(after), Cell("")
    change = after - before
    said = f"{'+' if change > 0 else '−'}{grouped(abs(change))}" if change else "same"
    return name, _count(before), _count(after), Cell(said, change, Tone.WARN if change < 0 else None)


def _count(number: int | None) -> Cell:
    return Cell("not readable", -1, Tone.WARN) if number is None else Cell(grouped(number), number)
