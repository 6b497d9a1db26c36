"""A tab is built where it stays: Qt styles what is moved into another parent again, with what is in it."""

from collections.abc import Callable
from functools import partial

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QWidget
from pytestqt.qtbot import QtBot

from app.ui.session.context import Context
from app.ui.shell.workspace import load_tab
from app.ui.tabs.common.declared import TABS, TabSpec
from app.ui.tabs.runs import RunsTab
from app.ui.tabs.runs.parked import ParkedIdeasDialog

MANY = 50
"""A table has twenty widgets, an inspector seventy."""


class Moved(QObject):
    """What came into another parent, with how much was in it then."""

    def __init__(self) -> None:
        super().__init__()
        self.many = list[tuple[str, int]]()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802
        if event.type() == QEvent.Type.ParentChange and isinstance(watched, QWidget):
            self.many += [
                (type(watched).__name__, n) for n in [len(watched.findChildren(QWidget))] if n > MANY
            ]
        return False


def build(make: Callable[[], QWidget]) -> tuple[QWidget, list[tuple[str, int]]]:
    moved, app = Moved(), QApplication.instance()
    assert app is not None
    app.installEventFilter(moved)
    try:
        return make(), moved.many
    finally:
        app.removeEventFilter(moved)


@pytest.mark.parametrize("spec", TABS, ids=lambda spec: spec.table.name)
def test_nothing_large_is_moved(spec: TabSpec, context: Context, qtbot: QtBot) -> None:
    tab, moved = build(partial(load_tab(spec), context))
    qtbot.addWidget(tab)
    if isinstance(tab, RunsTab):
        for make in (tab._make_page, partial(ParkedIdeasDialog, context, tab)):
            moved += build(make)[1]
    assert moved == []
