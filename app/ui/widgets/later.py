"""What is to happen once, a little later."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer


def later(owner: QObject, milliseconds: int, run: Callable[[], object]) -> None:
    """Calls `run` once after so many milliseconds, unless `owner` has gone by then.

    PySide does not hear of the end of the timer that `QTimer.singleShot` makes, and takes what Qt puts in its
    place in memory for it: objects lost their wrappers, and the program crashed.
    """
    timer = QTimer(owner, singleShot=True, interval=milliseconds)

    def fire() -> None:
        # What `run` holds must not go while the timer does: it may be the owner, who takes the timer along.
        timer.timeout.disconnect()
        timer.deleteLater()
        run()

    timer.timeout.connect(fire)
    timer.start()
