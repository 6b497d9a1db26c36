"""What runs for long, as the status bar shows it."""

import threading

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLineEdit, QWidget
from pytestqt.qtbot import QtBot

from app.ui.session.context import Context
from app.workers.runner import WentWrong
from models.errors import Cancelled, TenantAdminError
from models.progress import Monitor


def until_cancelled(monitor: Monitor) -> None:
    while not monitor.cancelled():
        threading.Event().wait(0.001)
    raise Cancelled


def test_a_bug_ends_what_the_status_bar_shows(context: Context, qtbot: QtBot) -> None:
    told: list[TenantAdminError] = []
    busy = context.busy
    with qtbot.captureExceptions() as raised:
        context.job("Counting…", lambda monitor: 1 / 0, on_done=told.append, on_failed=told.append)
        assert not busy.isHidden() and busy.label.text() == "Counting…"
        qtbot.waitUntil(lambda: bool(told))
    assert busy.isHidden()
    assert [type(error) for error in told] == [WentWrong]
    assert [kind for kind, _, _ in raised] == [ZeroDivisionError]


def test_cancel_is_for_the_work_that_is_shown(context: Context, qtbot: QtBot) -> None:
    told: list[str] = []
    busy = context.busy

    for name in ("first", "second"):
        context.job(
            name,
            until_cancelled,
            on_done=lambda result: None,
            on_failed=lambda error, name=name: told.append(name),  # type: ignore[misc]
        )
    assert busy.label.text() == "second"
    busy.cancel_button.click()
    assert busy.label.text() == "second · stopping…"
    qtbot.waitUntil(lambda: told == ["second"])
    assert busy.label.text() == "first" and not busy.isHidden()
    busy.cancel_button.click()
    qtbot.waitUntil(lambda: told == ["second", "first"])
    assert busy.isHidden()


def test_each_of_several_can_be_chosen_and_cancelled(context: Context, qtbot: QtBot) -> None:
    told: list[str] = []
    busy = context.busy

    def counted(monitor: Monitor, done: int) -> None:
        monitor.progress(done, 100)
        until_cancelled(monitor)

    for number, name in enumerate(("first", "second & last", "third")):
        context.job(
            name,
            lambda monitor, number=number: counted(monitor, number),  # type: ignore[misc]
            on_done=lambda result: None,
            on_failed=lambda error, name=name: told.append(name),  # type: ignore[misc]
            in_rows=False,
        )
        assert busy.others_button.isHidden() == (number == 0)
    assert busy.others_button.text() == "2 more"
    qtbot.waitUntil(lambda: busy.label.text().startswith("third · 2.0 %"))
    menu = busy.others_button.menu()

    def listed() -> list[str]:
        menu.aboutToShow.emit()
        return [action.text().partition(" of the work")[0] for action in menu.actions()]

    qtbot.waitUntil(lambda: listed() == ["second && last · 1.0 %", "first · 0 %"])
    menu.actions()[1].trigger()
    assert busy.label.text().startswith("first · 0 %")
    busy.cancel_button.click()
    assert len(listed()) == 2
    third, second = menu.actions()
    assert third.text().startswith("third · 2.0 %")
    third.trigger()
    assert busy.cancel_button.isEnabled() and busy.others_button.accessibleName() == "2 more under way"
    qtbot.waitUntil(lambda: told == ["first"])
    assert busy.others_button.text() == "1 more" and busy.label.text().startswith("third")
    second.trigger()
    busy.cancel_button.click()
    qtbot.waitUntil(lambda: told == ["first", "second & last"])
    assert busy.others_button.isHidden()
    busy.cancel_button.click()
    qtbot.waitUntil(busy.isHidden)


def test_cancel_leaves_the_keys_where_they_were(context: Context, qtbot: QtBot) -> None:
    whole, busy = QWidget(), context.busy
    qtbot.addWidget(whole)
    field = QLineEdit(whole)
    busy.setParent(whole)
    busy.move(0, 40)
    with qtbot.waitExposed(whole):
        whole.show()
        whole.activateWindow()
    field.setFocus()
    for by_key in (True, False):
        context.job("Saving", until_cancelled, on_done=lambda _: None, on_failed=lambda _: None)
        busy.cancel_button.setFocus()
        qtbot.waitUntil(busy.cancel_button.hasFocus)
        if by_key:
            qtbot.keyClick(busy.cancel_button, Qt.Key.Key_Space)
        else:
            qtbot.mouseClick(busy.cancel_button, Qt.MouseButton.LeftButton)
        assert field.hasFocus(), "Escape and the arrows work at once"
        qtbot.waitUntil(busy.isHidden)
    busy.setParent(None)


def test_progress_is_said_of_what_is_shown(context: Context, qtbot: QtBot) -> None:
    busy, go_on = context.busy, threading.Event()

    def work(monitor: Monitor) -> None:
        monitor.progress(1_500, 3_000)
        go_on.wait(60)

    context.job("Exporting", work, on_done=lambda result: None)
    qtbot.waitUntil(lambda: busy.label.text().startswith("Exporting · 1,500 of 3,000 · "))
    assert busy.label.text().endswith("/s")
    assert busy.bar.value() == 50
    go_on.set()
    qtbot.waitUntil(busy.isHidden)


def test_what_the_window_does_is_shown_when_a_file_has_closed(context: Context, qtbot: QtBot) -> None:
    busy, go_on = context.busy, threading.Event()
    busy.run("Importing", lambda monitor: go_on.wait(60), on_done=lambda result: None)
    context.job("Exporting", until_cancelled, on_done=lambda result: None)
    assert busy.label.text() == "Exporting"
    context.stop()
    assert busy.label.text() == "Importing" and not busy.isHidden()
    go_on.set()
    qtbot.waitUntil(busy.isHidden)


def test_cancel_is_no_wider_than_its_word(context: Context, qtbot: QtBot) -> None:
    busy = context.busy
    context.job("Exporting…", until_cancelled, on_done=lambda result: None, on_failed=lambda error: None)
    busy.resize(1200, 26)
    qtbot.addWidget(busy)
    busy.show()
    assert busy.cancel_button.width() <= busy.cancel_button.sizeHint().width()
    busy.cancel_button.click()
    qtbot.waitUntil(busy.isHidden)


def test_what_has_no_room_goes_as_a_whole(context: Context, qtbot: QtBot) -> None:
    label = context.busy.label
    qtbot.addWidget(label)
    label.setParent(None)
    label.setText("Exporting to foundation.sqlite · 61,250 of 184,220 · 87,700,000/s")
    label.show()
    advance, said = label.fontMetrics().horizontalAdvance, set[str]()
    for width in range(advance(label.text()) + 9, 40, -3):
        label.resize(width, 20)
        said.add(label.shown())
    whole = {
        "Exporting to foundation.sqlite · 61,250 of 184,220 · 87,700,000/s",
        "Exporting to foundation.sqlite · 61,250 of 184,220",
        "Exporting to foundation.sqlite",
    }
    assert whole <= said and all(" · " not in words for words in said - whole)
    assert label.toolTip() and label.text().endswith("87,700,000/s")
