"""Every scene of the gallery, by the modules that register them."""

from tests.gallery import dialog_scenes, widget_scenes
from tests.gallery.registry import Registry


def all_scenes() -> Registry:
    """A registry with every scene."""
    registry = Registry()
    for module in (widget_scenes, dialog_scenes):
        module.register(registry)
    return registry
