"""What an override raises is told, and Qt's own method stands in: the program does not end of it."""

import importlib
import pkgutil
import sys
from collections.abc import Iterator
from threading import Thread
from types import FunctionType
from typing import Any

import pytest
from PySide6.QtCore import QAbstractTableModel, QSize, Qt
from PySide6.QtGui import QCloseEvent, QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QDialog, QLabel, QLineEdit, QPushButton, QTableView, QWidget
from pytestqt.qtbot import QtBot
from shiboken6 import Shiboken

import app
from app import overrides

overrides.guard()


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[BaseException]:
    heard: list[BaseException] = []
    monkeypatch.setattr(sys, "excepthook", lambda kind, error, trace: heard.append(error))
    return heard


@pytest.fixture
def gone(qtbot: QtBot) -> QLabel:
    """A label that Qt has deleted: C raises for whoever asks it, which PySide cannot keep on Python 3.11."""
    label = QLabel()
    Shiboken.delete(label)
    return label


class _Asking(QWidget):
    def __init__(self, gone: QLabel) -> None:
        super().__init__()
        self._gone = gone

    def hideEvent(self, event: QHideEvent) -> None:  # noqa: N802 - Qt's own name
        self._gone.text()

    def paintEvent(self, event: QPaintEvent) -> None:  # noqa: N802
        painter = QPainter(self)
        painter.drawText(0, 0, self._gone.text())

    def sizeHint(self) -> QSize:  # noqa: N802
        return QSize(len(self._gone.text()), 1)

    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        raise ValueError


def test_a_widget_that_asks_one_that_is_gone_lives_and_tells(
    qtbot: QtBot, told: list[BaseException], gone: QLabel
) -> None:
    widget = _Asking(gone)
    qtbot.addWidget(widget)
    widget.show()
    widget.grab()
    assert not widget.paintingActive()
    assert widget.sizeHint() == QWidget().sizeHint()
    assert widget.close() and not widget.isVisible()
    qtbot.waitUntil(lambda: len(told) == 4)
    assert sorted(type(error).__name__ for error in told) == ["RuntimeError"] * 3 + ["ValueError"]
    assert all(error.__traceback__ is not None for error in told)


class _Rows(QAbstractTableModel):
    def __init__(self, gone: QLabel) -> None:
        super().__init__()
        self._gone = gone

    def rowCount(self, parent: object = None) -> int:  # noqa: N802
        return 3

    def columnCount(self, parent: object = None) -> int:  # noqa: N802
        return 4

    def data(self, index: object, role: int = 0) -> object:
        return self._gone.text()


def test_what_each_cell_raises_is_told_once(qtbot: QtBot, told: list[BaseException], gone: QLabel) -> None:
    """Qt has no answer of its own there: the cells stay empty."""
    table = QTableView()
    qtbot.addWidget(table)
    model = _Rows(gone)
    table.setModel(model)
    table.grab()
    qtbot.waitUntil(lambda: bool(told))
    assert len(told) == 1
    assert model.index(0, 0).data() is None


class _Typed(QLineEdit):
    def keyPressEvent(self, event: QKeyEvent) -> None:  # noqa: N802
        super().keyPressEvent(event)
        raise ValueError

    def mousePressEvent(self, *events: QMouseEvent) -> None:  # noqa: N802
        raise KeyError


class _Kept(QDialog):
    def closeEvent(self, event: QCloseEvent) -> None:  # noqa: N802
        event.ignore()
        raise ValueError

    def reject(self) -> None:
        raise KeyError


def test_what_answers_nothing_is_left_where_it_stopped(qtbot: QtBot, told: list[BaseException]) -> None:
    """Neither is a letter typed twice, nor goes what was about to ask whether it may."""
    field, dialog = _Typed(), _Kept()
    for widget in (field, dialog):
        qtbot.addWidget(widget)
        widget.show()
    qtbot.keyClicks(field, "ab")
    qtbot.mouseClick(field, Qt.MouseButton.LeftButton)
    assert field.text() == "ab"
    assert not dialog.close()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    assert dialog.isVisible()
    qtbot.waitUntil(lambda: len(told) == 4)


def test_one_that_is_raised_off_the_interface_thread_keeps_no_later_one_from_being_told(
    qtbot: QtBot, told: list[BaseException], gone: QLabel
) -> None:
    overrides._teller.cache_clear()
    overrides.guard.cache_clear()
    overrides.guard()
    model = _Rows(gone)
    thread = Thread(target=model.data, args=(None,))
    thread.start()
    thread.join()
    qtbot.waitUntil(lambda: len(told) == 1)
    model.data(None)
    qtbot.waitUntil(lambda: len(told) == 2)


class _Leaving(QDialog):
    def reject(self) -> None:
        self.setProperty("left", True)
        super().reject()


def test_an_override_can_still_be_connected_to_a_signal_that_says_more(qtbot: QtBot) -> None:
    dialog = _Leaving()
    qtbot.addWidget(dialog)
    button = QPushButton(dialog)
    button.clicked.connect(dialog.reject)  # which gives a bool that it does not take
    dialog.show()
    button.click()
    assert dialog.property("left") and not dialog.isVisible()


def _derived(base: type) -> Iterator[type]:
    its: type
    for its in base.__subclasses__():
        yield its
        yield from _derived(its)


def test_every_override_of_the_program_is_guarded() -> None:
    for module in pkgutil.walk_packages(app.__path__, "app."):
        if module.name != "app.__main__":
            importlib.import_module(module.name)
    without = []
    count = 0
    for its in set(_derived(Shiboken.Object)):
        of_qt: list[Any] = [vars(base) for base in its.__mro__ if base.__module__.startswith("PySide6.")]
        for name, own in vars(its).items():
            if not its.__module__.startswith("app.") or name.startswith("_"):
                continue
            if isinstance(own, FunctionType) and any(name in base for base in of_qt):
                count += 1
                if not hasattr(own, "__wrapped__"):
                    without.append(f"{its.__module__}.{its.__qualname__}.{name}")
    assert count > 100
    assert without == []
