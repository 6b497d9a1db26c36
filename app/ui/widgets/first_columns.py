"""A header that takes up how the first of its columns were arranged where there were no others."""

from PySide6.QtCore import QByteArray, Qt
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QHeaderView


def arrange_first(header: QHeaderView, state: QByteArray, count: int) -> bool:
    """Arranges the first columns as the state of so many says, and hides the others; whether it is one.

    Qt takes such a state, but keeps the wrong length then, and does not take what it saves after that.
    """
    like = QHeaderView(Qt.Orientation.Horizontal)
    like.setModel(QStandardItemModel(0, count, like))
    if not like.restoreState(state):
        return False
    for place, column in enumerate(map(like.logicalIndex, range(count))):
        header.moveSection(header.visualIndex(column), place)
        header.setSectionHidden(column, like.isSectionHidden(column))
        if not like.isSectionHidden(column):
            header.resizeSection(column, like.sectionSize(column))
    stretches = header.stretchLastSection()
    header.setStretchLastSection(False)  # else Qt counts hidden columns' widths for a while
    for column in range(count, header.count()):
        header.setSectionHidden(column, True)
    header.setStretchLastSection(stretches)
    return True
