"""A combo box of words of any length."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QPaintEvent
from PySide6.QtWidgets import QComboBox

AROUND = 40
"""What margins and the arrow of a combo box take beside its words."""


class ChoiceBox(QComboBox):
    """What is chosen ends in an ellipsis where it has no room."""

    def short_words(self) -> str:
        """What stands there where the words have no room, as far as that has some."""
        return self.currentText()

    def paintEvent(self, event: QPaintEvent) -> None:
        # Not by Qt's hint, which stays that of the words it was first shown with.
        if self.width() >= self.fontMetrics().horizontalAdvance(self.currentText()) + AROUND:
            super().paintEvent(event)
            return
        from PySide6.QtWidgets import QStyle, QStyleOptionComboBox, QStylePainter  # noqa: PLC0415 - 8 ms of a start

        painter, option = QStylePainter(self), QStyleOptionComboBox()
        self.initStyleOption(option)
        control, part = QStyle.ComplexControl.CC_ComboBox, QStyle.SubControl.SC_ComboBoxEditField
        room = self.style().subControlRect(control, option, part, self).width()
        right = Qt.TextElideMode.ElideRight
        option.currentText = self.fontMetrics().elidedText(self.short_words(), right, room)
        painter.drawComplexControl(control, option)
        painter.drawControl(QStyle.ControlElement.CE_ComboBoxLabel, option)
        painter.end()
