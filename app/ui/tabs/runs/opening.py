"""Opens a run of the tab, and makes the page for it before anybody asks."""

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject
from PySide6.QtWidgets import QWidget

from app.itemmodels.columns import Row
from app.ui.widgets.later import later

if TYPE_CHECKING:
    from app.services.runs.run_search import TextPlace
    from app.ui.tabs.runs.page import RunPage

_PAGE = "app.ui.tabs.runs.page"
IDLE_MS = 400
"""After a record has been shown first: a person reads it."""


class RunOpener(QObject):
    """`make()` gives the page; it is made when one is opened first, or in steps while a person reads."""

    def __init__(self, owner: QWidget, make: Callable[[], "RunPage"]) -> None:
        super().__init__(owner)
        self._make = make
        self._asked = self._stopped = False
        self.page: RunPage | None = None

    @property
    def is_open(self) -> bool:
        return self.page is not None and not self.page.isHidden()

    def told(self, row: Row) -> str | None:
        """What the list beside the page shows of a run with its idea; None while there is none."""
        return self.page.neighbours.told(row) if self.page is not None and self.is_open else None

    def shows_other(self, run_id: object) -> bool:
        """Whether the page is open with what was read of another run than this."""
        story = self.page.story if self.page is not None and self.is_open else None
        return story is not None and story.run["id"] != run_id

    def open(self, phase: str = "", sought: "TextPlace | None" = None) -> None:
        """The current run, and what a phase of it produced; of that the place that was `sought`."""
        self._made().open(phase, sought)

    def prepare(self) -> None:
        """Makes the page soon; asked as often as one likes."""
        if not self._asked:
            self._asked = True
            later(self, IDLE_MS, self._import)

    def stop(self) -> None:
        """Makes none ahead any more: its file is closed."""
        self._stopped = True

    def _made(self) -> "RunPage":
        if self.page is None:
            self.page = self._make()
        return self.page

    def _import(self) -> None:
        if not self._stopped:
            import_module(_PAGE)
            later(self, 0, self._build)

    def _build(self) -> None:
        if not self._stopped:
            later(self, 0, self._made().prepare)
