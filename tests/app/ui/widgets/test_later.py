from functools import partial

from PySide6.QtCore import QObject, QTimer
from pytestqt.qtbot import QtBot
from shiboken6 import isValid

from app.ui.widgets.later import later


def test_it_is_called_once_and_leaves_no_timer(qtbot: QtBot) -> None:
    owner, called = QObject(), list[int]()
    later(owner, 1, lambda: called.append(1))
    (timer,) = owner.findChildren(QTimer)
    with qtbot.waitSignal(timer.destroyed):
        assert not called
    assert called == [1] and not owner.findChildren(QTimer)
    assert not isValid(timer)  # which PySide knows of


def test_nothing_is_called_when_the_owner_has_gone(qtbot: QtBot) -> None:
    owner, other, called = QObject(), QObject(), list[str]()
    later(owner, 0, lambda: called.append("gone"))
    later(other, 1, lambda: called.append("there"))
    del owner
    qtbot.waitUntil(lambda: bool(called))
    assert called == ["there"]


def test_the_owner_may_go_with_what_was_called(qtbot: QtBot) -> None:
    """Nobody else holds it; it went while its timer did, and took that along a second time."""
    gone = list[int]()
    for number in range(50):
        owner = QObject()
        owner.destroyed.connect(lambda _, number=number: gone.append(number))
        later(owner, 0, partial(owner.setObjectName, "called"))
        del owner
    qtbot.waitUntil(lambda: len(gone) == 50)
