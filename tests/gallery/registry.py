"""What there is to render.

A scene is a function from a Theme to a Shot (or just a widget); `@registry.scene(name)` registers it. A
module of scenes has `def register(registry: Registry) -> None` and is named in `scenes.py`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from PySide6.QtCore import SignalInstance
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme


@dataclass(frozen=True)
class Shot:
    """What is painted: `widget` is shown, `ready` (a signal) awaited when given, then `then()` is called,
    then
    `grab` (a widget, or what gives one then; else the widget) is painted, then `close()` is called.
    """

    widget: QWidget
    ready: SignalInstance | None = None
    then: Callable[[], object] | None = None
    grab: QWidget | Callable[[], QWidget] | None = None
    close: Callable[[], object] | None = None


Build = Callable[[Theme], QWidget | Shot]


@dataclass(frozen=True)
class Scene:
    """One picture: its file name, how to build it, how large it is; size None takes the widget's own."""

    name: str
    build: Build
    size: tuple[int, int] | None


class Registry:
    """The scenes, in the order they were added."""

    def __init__(self) -> None:
        self.scenes: list[Scene] = []

    def scene(self, name: str, size: tuple[int, int] | None = (1280, 800)) -> Callable[[Build], Build]:
        """Register the decorated function."""

        def add(build: Build) -> Build:
            assert all(scene.name != name for scene in self.scenes), f"{name} is there already"
            self.scenes.append(Scene(name, build, size))
            return build

        return add
