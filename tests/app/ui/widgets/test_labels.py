"""Labels never guess markup."""

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.ui.theme import Theme
from app.ui.widgets.labels import ElidedLabel, Label


def test_labels_never_guess_markup(qtbot: QtBot, theme: Theme) -> None:
    for label in (Label("<i>x</i>"), ElidedLabel("<i>x</i>")):
        qtbot.addWidget(label)
        assert label.text() == "<i>x</i>"
        assert label.textFormat() == Qt.TextFormat.PlainText


def test_elided_label_tells_the_rest(qtbot: QtBot, theme: Theme) -> None:
    label = ElidedLabel("a rather long sentence <x>")
    qtbot.addWidget(label)
    label.resize(60, 20)
    label.show()
    assert "a rather long sentence &lt;x&gt;" in label.toolTip()
    label.resize(600, 20)
    assert label.toolTip() == ""
