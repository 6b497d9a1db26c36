"""Whether the file that was opened continues the one seen last, as a notice."""

from app import paths
from app.itemmodels.roles import Tone
from app.ui.shell.context import Context
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import Banner, Notice
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import counted, grouped, relative_time
from app.workers.runner import Progress, Stop

LISTED = 3


class ContinuationNotice(Notice):
    """Hidden until a known file turns out to be a newer copy, or not to continue what was seen."""

    def __init__(self, context: Context) -> None:
        super().__init__(Banner(context.theme))
        self._context = context
        button = push_button(context.theme, "Dismiss")
        button.clicked.connect(self.hide)
        self.banner.add_button(button)
        self.hide()

    def look(self, *, imported: bool = False) -> None:
        """Compares in the background; says nothing of a file that is new here, or as it was.

        One that was just `imported` is witnessed then, where its chains hold (`integrity.md` 2).
        """
        folder, path, now = paths.checkpoints_dir(), self._context.opened.path, self._context.clock()
        if not folder.exists() and not imported:
            return

        def work(progress: Progress, cancelled: Stop) -> object:
            from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415 - brings cryptography
            from app.workers import witnessing  # noqa: PLC0415

            found = CheckpointStore(folder).continuation(path)
            if imported:
                witnessing.try_witness(path, folder, now=now, reason="import")
            return found

        self._context.runner.job(work, on_done=self.show_continuation, on_failed=lambda error: None)

    def show_continuation(self, found: object) -> None:
        """Says what was found: a `Continuation`."""
        from app.services.chain.checkpoints.store import Continuation  # noqa: PLC0415

        if not isinstance(found, Continuation) or not found.known:
            return
        seen = relative_time(found.seen_at or 0, self._context.clock())
        if found.divergences:
            parts = [
                f"{item.tenant} agrees through entry {grouped(item.agreed_seq)}, not at {grouped(item.seq)}"
                if item.agreed_seq is not None
                else f"{item.tenant} differs at entry {grouped(item.seq)}"
                for item in found.divergences[:LISTED]
            ]
            rest = len(found.divergences) - len(parts)
            if rest:
                parts.append(f"and {counted(rest, 'more tenant')}")
            self.banner.show_verdict(
                Tone.BAD,
                "This file does not continue the one you saw last",
                f"— {seen}, checkpoint {found.checkpoint}",
                "; ".join(parts),
                Icon.SHIELD_BAD,
            )
            self.show()
        elif found.new_entries:
            self.banner.show_verdict(
                Tone.OK,
                "This file continues the one you saw last",
                f"— {counted(found.new_entries, 'new entry', 'new entries')} since {seen}",
                f"The head that checkpoint {found.checkpoint} witnessed is still in every chain.",
            )
            self.show()
