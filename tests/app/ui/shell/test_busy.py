import threading

from pytestqt.qtbot import QtBot

from app.ui.shell.context import Context
from app.workers.runner import WentWrong
from models.errors import Cancelled, TenantAdminError
from models.progress import Progress, Stop


def test_a_bug_ends_what_the_status_bar_shows(context: Context, qtbot: QtBot) -> None:
    told: list[TenantAdminError] = []
    strip = context.busy._strip
    with qtbot.captureExceptions() as raised:
        context.busy.run(
            "Counting…", lambda progress, cancelled: 1 / 0, on_done=told.append, on_failed=told.append
        )
        assert not strip.isHidden() and strip.label.text() == "Counting…"
        qtbot.waitUntil(lambda: bool(told))
    assert strip.isHidden()
    assert [type(error) for error in told] == [WentWrong]
    assert [kind for kind, _, _ in raised] == [ZeroDivisionError]


def test_cancel_is_for_the_work_that_is_shown(context: Context, qtbot: QtBot) -> None:
    told: list[str] = []
    strip = context.busy._strip

    def until_cancelled(progress: Progress, cancelled: Stop) -> None:
        while not cancelled():
            threading.Event().wait(0.001)
        raise Cancelled

    for name in ("first", "second"):
        context.busy.run(
            name,
            until_cancelled,
            on_done=lambda result: None,
            on_failed=lambda error, name=name: told.append(name),  # type: ignore[misc]
        )
    assert strip.label.text() == "second"
    strip.cancelled.emit()
    qtbot.waitUntil(lambda: told == ["second"])
    assert strip.label.text() == "first" and not strip.isHidden()
    strip.cancelled.emit()
    qtbot.waitUntil(lambda: told == ["second", "first"])
    assert strip.isHidden()
