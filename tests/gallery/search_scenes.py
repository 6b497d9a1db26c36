"""The global search over a window with sample data."""

import tempfile
from pathlib import Path

from PySide6.QtCore import Qt

from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.theme import Theme
from tests.conftest import NOW
from tests.fixtures.sample import sample
from tests.gallery.registry import Registry, Shot


def register(registry: Registry) -> None:
    """Add the search to `registry`."""
    registry.scene("search")(found)
    registry.scene("search-nothing")(nothing)


def found(theme: Theme) -> Shot:
    return _search(theme, "an")


def nothing(theme: Theme) -> Shot:
    return _search(theme, "unheard of")


def _search(theme: Theme, text: str) -> Shot:
    folder = tempfile.TemporaryDirectory()
    path = Path(folder.name) / "foundation-primary.sqlite"
    sample(path, rows=4_000, tenants=6)
    window = MainWindow(theme, Settings(Path(folder.name)), lambda: NOW + 300)

    def type_text() -> None:
        window.activateWindow()
        window.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        window.search.setText(text)

    window.opened.connect(type_text)
    window.files.open(path)
    return Shot(window, ready=window.search.answered, close=folder.cleanup)
