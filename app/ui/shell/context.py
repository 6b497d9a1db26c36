"""What every tab and dialog of one open file is given."""

from collections.abc import Callable
from typing import Any

from PySide6.QtCore import QObject

from app.services.files.describe import OpenedFile
from app.services.records.change import Change
from app.services.records.lists import Lists
from app.settings import Settings
from app.ui.shell.busy import Busy
from app.ui.shell.history import History
from app.ui.shell.outside import Outside
from app.ui.theme import Theme
from app.workers.runner import Runner, Task
from models.engine import Capability
from models.errors import TenantAdminError
from models.progress import Progress, Stop

_CANNOT = {
    Capability.CHILD_SCAN: "Child processes cannot read this database; verifying and exporting need them.",
    Capability.BACKUP: "No copy can be saved of this database.",
    Capability.RESTORE: "Nothing can be put back into this database.",
    Capability.MIGRATE: "This database is migrated elsewhere.",
}


class Context(QObject):
    """One open file and the means to read it, to act on it and to show it, from its opening until `stop()`.

    `clock` gives epoch seconds; `say(text)` shows a toast.
    """

    def __init__(
        self,
        opened: OpenedFile,
        theme: Theme,
        settings: Settings,
        *,
        clock: Callable[[], int],
        busy: Busy,
        say: Callable[[str], None],
    ) -> None:
        super().__init__()
        self.opened, self.theme, self.settings = opened, theme, settings
        self.clock, self.busy, self.say = clock, busy, say
        self.lists = Lists(opened.schema)
        self.runner = Runner(opened.database, self)
        self.history = History(self.runner, clock, self)
        self.outside = Outside(self.runner, opened.database, self)

    def stop(self) -> None:
        """Ends what runs for the file; nothing of it is delivered after this."""
        self.outside.stop()
        self.runner.stop()
        self.busy.forget(self.runner)

    def lacks(self, capability: Capability) -> str | None:
        """Why the open database cannot do this, as a sentence for a disabled action; None when it can."""
        return None if capability in self.opened.database.capabilities else _CANNOT[capability]

    @property
    def cannot_write(self) -> str | None:
        """Why nothing can be changed, as a sentence for a disabled action; None when it can."""
        if not self.opened.read_only:
            return None
        return f"The file is open read-only, because {self.opened.read_only_reason}."

    def act(self, function: Callable[..., Change], *args: Any, **options: Any) -> Task:
        """Runs an administrative act as the current actor, now; `Runner.changed` tells everybody of it.

        `options` are those of the act and of `Runner.write`.
        """
        return self.runner.write(function, *args, actor=self.settings.actor, now=self.clock(), **options)

    def job(
        self,
        text: str,
        work: Callable[[Progress, Stop], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[TenantAdminError], None] | None = None,
        can_cancel: bool = True,
    ) -> Task:
        """Runs long work for this file and shows `text` until it has ended, as `Busy.run` does."""
        return self.busy.run(
            text, work, on_done=on_done, on_failed=on_failed, can_cancel=can_cancel, runner=self.runner
        )
