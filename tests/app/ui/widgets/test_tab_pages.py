"""What is painted of a page behind a tab, and when."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.labels import in_column, in_row
from app.ui.widgets.tab_pages import TabPages


class Painted(QWidget):
    times = 0

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        self.times += 1


def test_a_count_that_comes_above_the_rows_paints_none_of_them_again(qtbot: QtBot) -> None:
    pages, page, count, room, rows = TabPages(), QWidget(), QLabel("1 user"), Painted(), Painted()
    in_column(in_row(count, (room, 1)), (rows, 1), within=page)
    pages.addTab(page, "Users")
    pages.resize(600, 400)
    qtbot.addWidget(pages)
    with qtbot.waitExposed(pages):
        pages.show()
    qtbot.waitUntil(lambda: rows.times > 0)
    rows.times = room.times = 0
    count.setText("1,000,000 users")
    qtbot.waitUntil(lambda: room.times > 0)
    assert count.width() == count.sizeHint().width() and not rows.times


def test_a_page_leaves_its_room_to_tabs_and_to_what_is_in_the_corner(qtbot: QtBot) -> None:
    pages, corner = TabPages(), QLabel("Tenants")
    pages.addTab(QWidget(), "Users")
    pages.setCornerWidget(corner, Qt.Corner.TopRightCorner)
    pages.resize(600, 400)
    qtbot.addWidget(pages)
    with qtbot.waitExposed(pages):
        pages.show()
    pages.tabBar().setIconSize(QSize(64, 64))
    pages.setTabText(0, "All users")
    qtbot.waitUntil(lambda: pages.tabBar().width() >= pages.tabBar().sizeHint().width())
    corner.setText("Tenants of all kinds")
    qtbot.waitUntil(lambda: corner.width() >= corner.sizeHint().width())
    assert corner.geometry().right() <= pages.width()
