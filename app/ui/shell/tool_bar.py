"""The window's tool bar: which database, whose data, the search over all of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QToolButton, QWidget

from app.settings import Settings
from app.ui.shell.actions import Actions
from app.ui.shell.global_search import GlobalSearch
from app.ui.shell.window_actions import OPENING
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.formatting import tooltip
from app.ui.widgets.picker import Choice, Picker

BUTTON = 32


class ToolBar(QToolBar):
    """`ToolBar(theme, settings, commands, search, open_recent)`.

    `tenants` chooses the tenant that every tab, count, export and verification is scoped to.
    `show_file(path)` names what is open, None for nothing.
    """

    def __init__(
        self,
        theme: Theme,
        settings: Settings,
        commands: Actions,
        search: GlobalSearch,
        open_recent: Callable[[Path], object],
    ) -> None:
        super().__init__("Main")
        self._settings = settings
        self._commands = commands
        self._search = search
        self._open_recent = open_recent
        self.setObjectName("main")
        self.setMovable(False)
        self.database_button = QToolButton()
        self.database_button.setProperty("framed", True)
        self.database_button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        self.database_button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.database_button.setFixedHeight(BUTTON)
        self.database_button.setAccessibleName("Database")
        theme.bind_icon(self.database_button, Icon.DATABASE, "accent")
        menu = QMenu(self.database_button)
        menu.aboutToShow.connect(lambda: self._fill_database_menu(menu))
        self.database_button.setMenu(menu)
        self.tenants = Picker(theme, "Tenant", "All tenants", search_hint="Search tenants")
        self.tenants.setMinimumWidth(190)
        spacer = QWidget()
        spacer.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        for widget in (self.database_button, self.tenants, spacer, search):
            self.addWidget(widget)
        for name in ("refresh", "preferences"):
            button = QToolButton()
            button.setProperty("framed", True)
            button.setDefaultAction(commands.action(name))
            button.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonIconOnly)
            button.setFixedSize(BUTTON, BUTTON)
            self.addWidget(button)

    def show_file(self, path: Path | None) -> None:
        """Names the file that is open."""
        self.database_button.setText("Open a database" if path is None else path.name)
        self.database_button.setToolTip("" if path is None else tooltip(str(path)))
        self.tenants.setEnabled(path is not None)
        self._search.setEnabled(path is not None)

    def offer_tenants(self, names: Sequence[str]) -> None:
        """Offers these tenants below all of them, in this order."""
        self.tenants.set_choices([Choice(name, name) for name in names])

    def _fill_database_menu(self, menu: QMenu) -> None:
        menu.clear()
        recent = self._settings.recent_files
        self._commands.fill(menu, (*OPENING, *([""] if recent else [])))
        for path in recent:
            action = menu.addAction(path.name.replace("&", "&&"))
            action.setToolTip(tooltip(str(path)))
            action.triggered.connect(partial(lambda path, _=False: self._open_recent(path), path))
        self._commands.fill(menu, ("", "close"))
