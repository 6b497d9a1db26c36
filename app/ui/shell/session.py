"""An open file: its threads, its undo history, its tabs and its retention, which begin and end together."""

from collections.abc import Callable
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QMainWindow

from app.services.files.describe import OpenedFile
from app.services.records.lists import Lists
from app.settings import Settings
from app.ui.shell.busy import Busy
from app.ui.shell.context import Context, History, Outside
from app.ui.shell.workspace import Workspace
from app.ui.theme import Theme
from app.ui.widgets.banner import BusyStrip
from app.workers.memory import tidy_as_it_goes
from app.workers.runner import Runner

if TYPE_CHECKING:
    from app.ui.shell.retention import Retention


class Session:
    """What stands for one file from its opening until `stop()`, after which nothing of it is delivered.

    The window imports this only when a file is opened: it brings the tabs and everything below them, which
    take longer to load than the window takes to appear.
    """

    def __init__(
        self,
        opened: OpenedFile,
        theme: Theme,
        settings: Settings,
        *,
        clock: Callable[[], int],
        strip: BusyStrip,
        say: Callable[[str], None],
        window: QMainWindow,
    ) -> None:
        tidy_as_it_goes()
        runner = Runner(opened.database, window)
        self.context = Context(
            opened=opened,
            lists=Lists(opened.schema),
            runner=runner,
            history=History(runner, clock, runner),
            settings=settings,
            theme=theme,
            clock=clock,
            busy=Busy(runner, strip, runner),
            outside=Outside(runner, opened.database, runner),
            say=say,
        )
        self.workspace = Workspace(self.context)
        self._window = window

    @cached_property
    def retention(self) -> "Retention":
        """Loaded when it is asked for first, which is after the tab in sight has its rows."""
        from app.ui.shell.retention import Retention  # noqa: PLC0415

        return Retention(self.context, self._window)

    def stop(self) -> None:
        """Ends what runs for the file and takes its widgets away."""
        if "retention" in vars(self):
            self.retention.stop()
            self.retention.deleteLater()
        self.workspace.stop()
        self.context.runner.stop()
        self.context.busy.stop()
        self.workspace.deleteLater()
        self.context.runner.deleteLater()  # and with it the history
