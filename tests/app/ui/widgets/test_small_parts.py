"""Banner, toast, busy strip, inspector, fields, labels."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QEnterEvent, QGuiApplication
from PySide6.QtWidgets import QApplication, QLineEdit, QPlainTextEdit, QWidget
from pytestqt.qtbot import QtBot

from app.itemmodels.columns import Tone
from app.ui.theme import Theme
from app.ui.widgets.banner import Banner, BusyStrip, Toast
from app.ui.widgets.buttons import StatusChip, push_button
from app.ui.widgets.fields import Field, FieldList
from app.ui.widgets.labels import ElidedLabel, Label
from app.ui.widgets.panes import Inspector


def test_banner_verdict_and_progress(qtbot: QtBot, theme: Theme) -> None:
    banner = Banner(theme)
    qtbot.addWidget(banner)
    again = push_button(theme, "Verify chain")
    banner.add_button(again)
    banner.show_verdict(Tone.BAD, "Tampered", "— 2 findings", "in 0.31 s")
    banner.show()
    assert banner.headline() == "Tampered — 2 findings"
    assert banner.accessibleName() == "Tampered — 2 findings"
    assert again.isVisible()
    banner.show_progress("Verifying", 10**12, 2 * 10**12, "1,000 rows/s")
    assert banner.is_busy()
    assert not again.isVisible()
    with qtbot.waitSignal(banner.cancelled, timeout=0):
        banner.cancel_button.click()
    assert not banner.cancel_button.isEnabled()
    banner.show_verdict(Tone.OK, "Chain intact")
    assert not banner.is_busy()
    banner.show_progress("Verifying", 0, 0)
    assert banner.cancel_button.isEnabled()


def test_toast_undoes_and_goes(qtbot: QtBot, theme: Theme) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    host.resize(600, 300)
    host.show()
    toast = Toast(theme, host)
    toast.show_message("3 users deleted", "Undo")
    assert toast.isVisible()
    assert host.rect().contains(toast.geometry())
    with qtbot.waitSignal(toast.acted, timeout=0):
        toast.action_button.click()
    assert not toast.isVisible()


def test_toast_waits_under_the_mouse(qtbot: QtBot, theme: Theme) -> None:
    host = QWidget()
    qtbot.addWidget(host)
    field = QLineEdit(host)
    host.show()
    toast = Toast(theme, host)
    toast.show_message("Copied", milliseconds=30)
    field.setFocus()
    QApplication.sendEvent(toast, QEnterEvent(QPointF(), QPointF(), QPointF()))
    with qtbot.assertNotEmitted(toast.acted, wait=120):
        pass
    assert toast.isVisible()
    toast.show_message("Copied", milliseconds=1)
    qtbot.waitUntil(lambda: not toast.isVisible())


def test_busy_strip(qtbot: QtBot, theme: Theme) -> None:
    strip = BusyStrip(theme)
    qtbot.addWidget(strip)
    assert strip.isHidden()
    strip.start("Exporting")
    strip.set_progress(50, 100, "900 rows/s")
    assert strip.label.text() == "Exporting · 900 rows/s"
    with qtbot.waitSignal(strip.cancelled, timeout=0):
        strip.cancel_button.click()
    strip.set_progress(60, 100, "900 rows/s")
    assert strip.label.text() == "Exporting · stopping…"
    strip.finish()
    assert strip.isHidden()


def test_inspector(qtbot: QtBot, theme: Theme) -> None:
    inspector = Inspector(theme)
    qtbot.addWidget(inspector)
    assert inspector.is_empty()
    first = StatusChip(theme, "running", Tone.ACCENT)
    inspector.set_header("A <b>run</b>\u202e", "acme", [first])
    inspector.show_record()
    assert inspector.title() == "A <b>run</b>\\u202e"
    assert not inspector.is_empty()
    with qtbot.waitSignal(first.destroyed):
        inspector.set_header("Another")


def test_fields_are_plain_and_copied_whole(qtbot: QtBot, theme: Theme) -> None:
    fields = FieldList(theme)
    qtbot.addWidget(fields)
    whole = "9f3c" + "0" * 56 + "a1e7"
    fields.set_fields(
        [Field("Hash", "9f3c…a1e7", mono=True, copy=whole), Field("Note", "<b>x</b>"), Field("Secret", "")]
    )
    assert fields.value("Note") == "<b>x</b>"
    assert fields.value("Secret") == "—"
    assert fields.copy_button("Secret") is None
    button = fields.copy_button("Hash")
    assert button is not None
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == whole


def test_a_long_value_opens_on_demand(qtbot: QtBot, theme: Theme) -> None:
    fields = FieldList(theme)
    qtbot.addWidget(fields)
    text = "line one\n" + "x" * 100_000
    fields.set_fields([Field("Note", text)])
    assert fields.value("Note") == "line one…"
    [show] = [b for b in fields.findChildren(type(push_button(theme, ""))) if b.text().startswith("Show all")]
    show.click()
    assert fields.findChildren(QPlainTextEdit)[0].toPlainText() == text


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
