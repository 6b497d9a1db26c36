"""A small constant table for pictures and tests of the table widgets."""

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QStandardItem, QStandardItemModel

from app.itemmodels.columns import Role, Tone

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
_LEFT = Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
_RIGHT = Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter


class SampleTable(QStandardItemModel):
    """`rows` constant rows of seven columns, with every role a delegate reads."""

    def __init__(self, rows: int = 60, parent: QObject | None = None) -> None:
        super().__init__(0, len(COLUMNS), parent)
        self.sorted_by: list[tuple[int, Qt.SortOrder]] = []
        for column, title in enumerate(COLUMNS):
            self.setHorizontalHeaderItem(column, _header(column, title))
        for row in range(rows):
            self.appendRow([_cell(row, column) for column in range(len(COLUMNS))])

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Only remembers what was asked for."""
        self.sorted_by.append((column, order))


def _header(column: int, title: str) -> QStandardItem:
    item = QStandardItem(title)
    item.setTextAlignment(_RIGHT if column in (3, 4) else _LEFT)
    item.setData(column == 5, Role.MONOSPACE)
    item.setData(column in (5, 6), Role.DIM)
    return item


def _cell(row: int, column: int) -> QStandardItem:
    item = QStandardItem(_word(row, column))
    if column == 0:
        item.setData(STATUSES[row // 4 % 5][1], Role.TONE)
        item.setData(STATUSES[row // 4 % 5][2], Role.ICON)
    if column == 5:
        item.setData(f"{row * 7919:064x}", Role.WHOLE)
    return item


def _word(row: int, column: int) -> str:
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
