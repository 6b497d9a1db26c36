"""A table and an inspector share the width until somebody moves the handle."""

from PySide6.QtCore import QByteArray
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from app.ui.widgets.panes import GAP, MasterDetail


def shown(qtbot: QtBot, width: int, state: QByteArray | None = None) -> tuple[MasterDetail, list[QByteArray]]:
    kept: list[QByteArray] = []
    pair = MasterDetail(QWidget(), QWidget(), load=lambda: state or QByteArray(), save=kept.append)
    qtbot.addWidget(pair)
    pair.resize(width, 300)
    with qtbot.waitExposed(pair):
        pair.show()
    return pair, kept


def move_handle(pair: MasterDetail, place: int) -> None:
    pair.moveSplitter(place, 1)


def test_the_detail_gets_a_third_within_bounds(qtbot: QtBot) -> None:
    pair, kept = shown(qtbot, 1112)
    assert pair.sizes() == [1100 - 366, 366]
    pair.resize(1612, 300)
    assert pair.sizes() == [1200, 400]
    pair.resize(812, 300)
    assert pair.sizes() == [480, 320]
    pair.save_sizes()
    assert not kept, "nobody has arranged anything"


def test_what_was_moved_by_hand_stays_and_is_kept(qtbot: QtBot) -> None:
    pair, kept = shown(qtbot, 1012)
    move_handle(pair, 400)
    pair.share_width()
    assert pair.sizes() == [400, 1012 - GAP - 400]
    pair.save_sizes()
    again, _ = shown(qtbot, 1012, kept[0])
    assert again.sizes() == pair.sizes()
