"""Every scene of the gallery, by the modules that register them."""

from dataclasses import replace

from tests.gallery import (
    asked_scenes,
    audit_scenes,
    dialog_scenes,
    live_scenes,
    search_scenes,
    state_scenes,
    tab_scenes,
    text_scenes,
    widget_scenes,
    window_scenes,
)
from tests.gallery.registry import Registry, Scene


def all_scenes() -> Registry:
    """A registry with every scene."""
    registry = Registry()
    for module in (
        window_scenes,
        tab_scenes,
        asked_scenes,
        text_scenes,
        audit_scenes,
        search_scenes,
        dialog_scenes,
        live_scenes,
        state_scenes,
        widget_scenes,
    ):
        module.register(registry)
    return registry


def on_screen(scene: Scene, room: tuple[int, int]) -> Scene:
    """The same where the screen has so much room: a window is no larger, and a dialog as it opens there."""
    if scene.size is None or scene.name.startswith("dialog-"):
        return replace(scene, size=None)
    (wide, high), (most_wide, most_high) = scene.size, room
    return replace(scene, size=(min(wide, most_wide), min(high, most_high)))
