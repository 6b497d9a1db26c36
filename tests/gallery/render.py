"""Shows a scene and paints it to a file."""

import re
import tempfile
from pathlib import Path

from PySide6.QtCore import QEventLoop, QTimer
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from app.ui.widgets.later import later
from tests.gallery.registry import Scene, Shot

_SETTLE_MS, _PATIENCE_MS = 20, 20_000

_LATE = 1
"""What the wait for a scene returns when it took too long."""

_SECONDS = re.compile(r"\b\d+(\.\d+)? m?s\b")
_FOLDER = re.compile(re.escape(tempfile.gettempdir()) + r"/[^\s.,]*")


def render(scene: Scene, theme: Theme, target: Path, quality: int = -1) -> None:
    """Paint `scene` to `target`, with Qt's `quality`: 100 is quick and large.

    Raises TimeoutError when it does not become ready within 20 seconds.
    """
    built = scene.build(theme)
    shot = Shot(built) if isinstance(built, QWidget) else built
    if scene.size is not None:
        shot.widget.resize(*scene.size)
    waiting = QEventLoop()
    late = False
    if shot.ready is not None:
        shot.ready.connect(waiting.quit)
    shot.widget.show()
    if shot.ready is not None:
        # Not the loop's own: the function that it calls holds the loop, and would take the timer along.
        patience = QTimer(singleShot=True, interval=_PATIENCE_MS)
        patience.timeout.connect(lambda: waiting.exit(_LATE))
        patience.start()
        late = waiting.exec() == _LATE
        patience.stop()
    if late:
        raise TimeoutError(f"The scene {scene.name} did not become ready.")
    _settle(shot.widget)
    if shot.then is not None:
        shot.then()
        _settle(shot.widget)
    _hide_what_passes(shot.widget)
    painted = shot.widget if shot.grab is None else shot.grab
    painted = painted if isinstance(painted, QWidget) else painted()
    painted.grab()  # only what was painted once knows how wide its lines are, and whether to scroll
    _settle(shot.widget)
    painted.grab().save(str(target), quality=quality)
    if shot.close is not None:
        shot.close()
    shot.widget.close()
    shot.widget.deleteLater()
    _settle(shot.widget)


def _hide_what_passes(shown: QWidget) -> None:
    """Puts words of its own in place of each temporary folder and of what a stop watch says."""
    for label in shown.findChildren(QLabel):
        said = _FOLDER.sub("/srv/foundation", _SECONDS.sub("0.31 s", label.text()))
        if said != label.text():
            label.setText(said)


def _settle(shown: QWidget) -> None:
    """Lets the last frame be laid out, once the window has read all that it shows."""
    for _ in range(_PATIENCE_MS // _SETTLE_MS):
        loop = QEventLoop()
        later(loop, _SETTLE_MS, loop.quit)
        loop.exec()
        context = shown.context if isinstance(shown, MainWindow) else None
        if context is None or not context.runner._running:
            break
