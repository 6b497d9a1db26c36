"""Every scene of the gallery, by the modules that register them."""

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
from tests.gallery.registry import Registry


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
