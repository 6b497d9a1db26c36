"""What this program is, what it is made of, and under which licences."""

import PySide6
from PySide6.QtCore import qVersion
from PySide6.QtWidgets import QWidget

from app.itemmodels.roles import Tone
from app.services.components import Component, components
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import copy_button
from app.ui.widgets.dialogs import Dialog
from app.ui.widgets.labels import Label, Look
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable

_COLUMNS = (StaticColumn("Component"), StaticColumn("Version", mono=True), StaticColumn("Licence", dim=True))


class AboutDialog(Dialog):
    """`AboutDialog(theme, version, parent=None)`; "Copy" puts all of it on the clipboard, for a report."""

    def __init__(self, theme: Theme, version: str, parent: QWidget | None = None) -> None:
        super().__init__(
            theme,
            "About Tenant Admin",
            f"Version {version}. MIT licence. Everything stays on this computer: the program sends nothing "
            "anywhere by itself.",
            icon=Icon.SHIELD_OK,
            tone=Tone.ACCENT,
            parent=parent,
        )
        self.setMinimumWidth(560)
        self._version = version
        self._parts = (
            *components(),
            Component("Qt", qVersion(), "LGPL 3"),
            Component("PySide6", PySide6.__version__, "LGPL 3"),
            Component("Phosphor Icons", "1.3", "MIT licence"),
        )
        rows = [(Cell(part.name), Cell(part.version or "—"), Cell(part.licence)) for part in self._parts]
        self.table = StaticTable(theme, "Components", _COLUMNS, rows, most=len(rows))
        self.add_widget(Label("Made with", Look.SECTION))
        self.add_widget(self.table)
        self.add_widget(
            Label(
                "Qt and PySide6 are used unchanged, as shared libraries that you may replace with your own.",
                Look.DIM,
                wrap=True,
            )
        )
        self.copy_button = copy_button(theme, "&Copy versions", self.text)
        self.set_close_button(left=[self.copy_button])

    def text(self) -> str:
        """A line for the program and each component."""
        lines = [f"{part.name} {part.version} ({part.licence})".replace("  ", " ") for part in self._parts]
        return "\n".join([f"Tenant Admin {self._version}", *lines])
