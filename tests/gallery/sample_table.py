"""A small constant table for pictures and tests of the table widgets."""

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from app.itemmodels.roles import Role, Tone

STATUSES = (
    ("running", Tone.ACCENT, "spinner"),
    ("paused", Tone.WARN, "pause-circle"),
    ("killed", Tone.BAD, "x-circle"),
    ("completed", Tone.OK, "check-circle"),
    ("deleted", None, "trash-simple"),
)
IDEAS = (
    "AI-powered code review tool",
    "Tutor matching for trades",
    "Invoice matching for clinics",
    "Cold-chain leasing",
)
COLUMNS = ("Status", "Idea", "Phase", "Score", "Revenue", "Hash", "Updated")
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class SampleTable(QAbstractTableModel):
    """`rows` constant rows of seven columns, with every role a delegate reads."""

    def __init__(self, rows: int = 60, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.rows = rows
        self.sorted_by: list[tuple[int, Qt.SortOrder]] = []

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return 0 if parent.isValid() else self.rows

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008, N802
        return len(COLUMNS)

    def headerData(  # noqa: N802
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        if orientation != Qt.Orientation.Horizontal:
            return None
        if role == Qt.ItemDataRole.DisplayRole:
            return COLUMNS[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return _RIGHT if section in (3, 4) else Qt.AlignmentFlag.AlignLeft
        if role == Role.MONOSPACE:
            return section == 5
        return section in (5, 6) if role == Role.DIM else None

    def data(
        self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        row, column = index.row(), index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self.word(row, column)
        if column == 0 and role == Role.TONE:
            return STATUSES[row // 4 % 5][1]
        if column == 0 and role == Role.ICON:
            return STATUSES[row // 4 % 5][2]
        if column == 5 and role == Role.WHOLE:
            return f"{row * 7919:064x}"
        return None

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Only remembers what was asked for."""
        self.sorted_by.append((column, order))

    def word(self, row: int, column: int) -> str:
        """What a cell shows."""
        return (
            STATUSES[row // 4 % 5][0],
            IDEAS[row % 4],
            ("kill-test", "strategy", "synthesis")[row % 3],
            str(60 + row * 7 % 40),
            f"${row * 16 % 100 / 10:.1f}M",
            "9f3c…a1e7",
            f"{row % 23 + 1} h ago",
        )[column]
