"""Widgets beside and below each other."""

from typing import TypeVar

from PySide6.QtWidgets import QBoxLayout, QFrame, QHBoxLayout, QLayout, QVBoxLayout, QWidget

AnyBox = TypeVar("AnyBox", bound=QBoxLayout)
Part = QWidget | QLayout | None | tuple[QWidget | QLayout, int]
"""With a number: its stretch. None: room that takes what is left."""

Margins = tuple[int, int, int, int]
"""Left, top, right, bottom, in pixels."""

NONE: Margins = (0, 0, 0, 0)


def in_row(
    *parts: Part, within: QWidget | None = None, margins: Margins = NONE, spacing: int = 8
) -> QHBoxLayout:
    """The parts from the left to the right, as the layout of `within` if it is given."""
    return _filled(QHBoxLayout(), parts, within, margins, spacing)


def in_column(
    *parts: Part, within: QWidget | None = None, margins: Margins = NONE, spacing: int = 8
) -> QVBoxLayout:
    """The parts from the top to the bottom, as the layout of `within` if it is given."""
    return _filled(QVBoxLayout(), parts, within, margins, spacing)


def _filled(
    box: AnyBox, parts: tuple[Part, ...], within: QWidget | None, margins: Margins, spacing: int
) -> AnyBox:
    if within is not None:
        within.setLayout(box)
    box.setContentsMargins(*margins)
    box.setSpacing(spacing)
    for part in parts:
        item, stretch = part if isinstance(part, tuple) else (part, 0)
        if item is None:
            box.addStretch(1)
        elif isinstance(item, QLayout):
            box.addLayout(item, stretch)
        else:
            box.addWidget(item, stretch)
    return box


def card() -> QFrame:
    """An empty panel with a rounded border."""
    frame = QFrame()
    frame.setProperty("card", True)
    return frame
