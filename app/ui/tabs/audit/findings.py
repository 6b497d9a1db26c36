"""What a verification has found, as a table; a finding leads to its entry."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from app.itemmodels.columns import Tone
from app.services.chain.rules import Finding
from app.services.chain.verify.report import Report
from app.services.text import counted
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.fields import Cell, StaticColumn, StaticTable
from app.ui.widgets.labels import Label, Look

_COLUMNS = (
    StaticColumn("Finding"),
    StaticColumn("Entry", number=True),
    StaticColumn("Tenant"),
    StaticColumn("What"),
)


class FindingsPanel(QFrame):
    """Hidden while there are none. `chosen(seq)` when a finding that names an entry is selected."""

    chosen = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._theme = theme
        self._findings: tuple[Finding, ...] = ()
        self._archived: frozenset[Finding] = frozenset()
        self.table: StaticTable | None = None
        self._more = Label(look=Look.DIM)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)
        self._column.addWidget(self._more)
        self.hide()

    def show_findings(self, report: Report) -> None:
        """Lists them and goes to the first."""
        self.clear()
        self._findings = report.findings
        self._archived = _archived(report)
        if not report.findings:
            return
        table = StaticTable(
            self._theme,
            "Findings",
            _COLUMNS,
            [_row(finding, archived=finding in self._archived) for finding in report.findings],
            most=4,
            wide=3,
        )
        table.selection_changed.connect(self._choose)
        self._column.insertWidget(0, table)
        self.table = table
        hidden = report.found - len(report.findings)
        self._more.setText(f"and {counted(hidden, 'more finding')}")
        self._more.setVisible(hidden > 0)
        self.show()
        table.select_row(0)

    def clear(self) -> None:
        self._findings = ()
        if self.table is not None:
            self._column.removeWidget(self.table)
            self.table.hide()
            self.table.deleteLater()
            self.table = None
        self.hide()

    def _choose(self) -> None:
        if self.table is None or not self.table.currentIndex().isValid():
            return
        finding = self._findings[self.table.source_row(self.table.currentIndex().row())]
        if finding.seq is not None and finding not in self._archived:
            self.chosen.emit(finding.seq)


def _archived(report: Report) -> frozenset[Finding]:
    """The findings on entries that lie before all that the file has of their tenant."""
    starts = {tenant.tenant: tenant.first_seq for tenant in report.tenants}
    return frozenset(
        finding
        for finding in report.findings
        if finding.seq is not None
        and (start := starts.get(finding.tenant or "")) is not None
        and finding.seq < start
    )


def _row(finding: Finding, *, archived: bool) -> tuple[Cell, ...]:
    return (
        Cell(
            str(finding.code),
            tone=Tone.BAD if finding.is_error else Tone.WARN,
            icon=Icon.BAD if finding.is_error else Icon.WARNING,
        ),
        Cell(
            "" if finding.seq is None else f"{finding.seq:,}",
            order=finding.seq or 0,
            icon=Icon.ARCHIVE if archived else None,
            tip="This entry is no longer in the file." if archived else None,
        ),
        Cell(finding.tenant or ""),
        Cell(finding.message, tip=_in_full(finding)),
    )


def _in_full(finding: Finding) -> str:
    """The sentence, which a narrow window shortens, and what was looked for."""
    lines = [finding.message]
    if finding.expected is not None:
        lines.append(f"Expected: {finding.expected}")
    if finding.actual is not None:
        lines.append(f"Found: {finding.actual}")
    return "\n".join(lines)
