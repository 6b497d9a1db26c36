"""What every tab and dialog of one open file is given."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from app.services.files.describe import OpenedFile
from app.services.records.change import Change
from app.services.records.lists import Lists
from app.settings import Settings
from app.ui.shell.busy import Busy
from app.ui.shell.history import History
from app.ui.theme import Theme
from app.workers.runner import Runner, Task
from models.errors import TenantAdminError


@dataclass(frozen=True)
class Context:
    """One open file and the means to read it, to act on it and to show it. `clock` gives epoch seconds."""

    opened: OpenedFile
    lists: Lists
    runner: Runner
    history: History
    settings: Settings
    theme: Theme
    clock: Callable[[], int]
    busy: Busy

    @property
    def cannot_write(self) -> str | None:
        """Why nothing can be changed, as a sentence for a disabled action; None when it can."""
        if not self.opened.read_only:
            return None
        return f"The file is open read-only, because {self.opened.read_only_reason}."

    def act(
        self,
        function: Callable[..., Change],
        *args: Any,
        initiator: object = None,
        on_done: Callable[[Change], None] | None = None,
        on_failed: Callable[[TenantAdminError], None] | None = None,
        **kwargs: Any,
    ) -> Task:
        """Runs an administrative act as the current actor, now; `Runner.changed` tells everybody of it."""
        return self.runner.write(
            function,
            *args,
            actor=self.settings.actor,
            now=self.clock(),
            initiator=initiator,
            on_done=on_done,
            on_failed=on_failed,
            **kwargs,
        )
