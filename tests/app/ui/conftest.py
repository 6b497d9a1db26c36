"""One theme for all interface tests, light unless a test changes it."""

from collections.abc import Iterator

import pytest
from PySide6.QtWidgets import QApplication

from app.ui.theme import Mode, Theme


@pytest.fixture(scope="session")
def _session_theme(qapp: QApplication) -> Theme:
    theme = Theme(Mode.LIGHT)
    theme.apply(qapp)
    return theme


@pytest.fixture
def theme(_session_theme: Theme) -> Iterator[Theme]:
    """The theme in force on the application."""
    yield _session_theme
    _session_theme.set_mode(Mode.LIGHT)
