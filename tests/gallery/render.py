"""Shows a scene and paints it to a file, once nothing of it is still to come."""

import re
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import QEventLoop
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QLabel, QWidget

from app.ui.theme import Theme
from app.ui.widgets.later import later
from tests.fixtures.window import is_settled
from tests.gallery.registry import Scene, Shot

_TURN_MS, _PATIENCE_SECONDS = 10, 120

_SECONDS = re.compile(r"(?<![\d,])\b[\d,]+(\.\d+)? m?s\b")
_FOLDER = re.compile(re.escape(tempfile.gettempdir()) + r"/[^\s.,]*")


def render(
    scene: Scene,
    theme: Theme,
    target: Path,
    quality: int = -1,
    *,
    looks_right: Callable[[QImage], bool] = lambda image: True,
    patience: float = 0.0,
) -> float:
    """Paint `scene` to `target`, with Qt's `quality`: 100 is quick and large.

    A picture that does not look right is taken again for `patience` seconds at most. Returns how many of
    them it took. Raises TimeoutError when it is not ready, or still changes, after two minutes.
    """
    built = scene.build(theme)
    shot = Shot(built) if isinstance(built, QWidget) else built
    shown, answers = shot.widget, list[object]()
    if scene.size is not None:
        shown.resize(*scene.size)
    if shot.ready is not None:
        shot.ready.connect(lambda *_: answers.append(True))
    shown.show()
    _wait(scene, lambda: (shot.ready is None or bool(answers)) and is_settled(shown))
    if shot.then is not None:
        shot.then()
        _wait(scene, lambda: is_settled(shown))
    painted = shown if shot.grab is None else shot.grab
    painted = painted if isinstance(painted, QWidget) else painted()
    # Only what was painted once knows how wide its lines are, and whether to scroll.
    pictures = [QImage(), QImage()]

    def is_steady() -> bool:
        if not is_settled(shown):
            return False
        _hide_what_passes(shown)
        pictures[:] = pictures[1], painted.grab().toImage()
        return pictures[0] == pictures[1]

    _wait(scene, is_steady)
    begun = time.monotonic()
    waited = 0.0
    while waited < patience and not looks_right(pictures[1]):
        _wait(scene, is_steady)
        waited = time.monotonic() - begun
    pictures[1].save(str(target), quality=quality)
    if shot.close is not None:
        shot.close()
    shown.close()
    shown.deleteLater()
    _turn()
    return waited


def _wait(scene: Scene, condition: Callable[[], bool]) -> None:
    """Gives the event loop its turns, one at the least, until the condition holds."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    _turn()
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"The scene {scene.name} did not become ready.")
        _turn()


def _turn() -> None:
    loop = QEventLoop()
    later(loop, _TURN_MS, loop.quit)
    loop.exec()


def _hide_what_passes(shown: QWidget) -> None:
    """Puts words of its own in place of each temporary folder and of what a stop watch says."""
    for label in shown.findChildren(QLabel):
        said = _FOLDER.sub("/srv/foundation", _SECONDS.sub("0.31 s", label.text()))
        if said != label.text():
            label.setText(said)
