"""The tool bar: which database is open, which tenant is in sight, and the search."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from app.services.files.describe import OpenedFile

BUTTON = 32


class ToolBar(QToolBar):
    """`tenants` chooses the tenant that every tab, count, export and verification is scoped to."""

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

    def show_file(self, opened: OpenedFile | None) -> None:
        """Names what is open; None for nothing."""
        self.database_button.setText("Open a database" if opened is None else opened.place)
        self.database_button.setToolTip("" if opened is None else tooltip(str(opened.path)))
        self.tenants.setEnabled(opened is not None)
        self._search.setEnabled(opened is not None)

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
