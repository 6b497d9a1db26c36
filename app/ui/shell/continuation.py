"""Whether the file that was opened continues the one seen last, and what an imported one is, as a notice."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from app import paths
from app.itemmodels.columns import Tone
from app.services.text import counted
from app.ui.shell.context import Context
from app.ui.theme.icons import Icon
from app.ui.widgets.banner import Banner, Notice
from app.ui.widgets.buttons import push_button
from app.ui.widgets.formatting import grouped, relative_time
from models.progress import Progress, Stop

if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.files.importing import Verified

LISTED = 3


class ContinuationNotice(Notice):
    """Hidden until a known file turns out to be a newer copy or not to continue what was seen, or an imported
    one does not hold or stays without a checkpoint.
    """

    def __init__(self, context: Context) -> None:
        super().__init__(Banner(context.theme))
        self._context = context
        button = push_button(context.theme, "Dismiss")
        button.clicked.connect(self.hide)
        self.banner.add_button(button)
        self.hide()

    def look(self, *, imported: bool = False) -> None:
        """Compares in the background; says nothing of a file that is new here, or as it was.

        Of one that was just `imported` a checkpoint is made then, where its chains hold.
        """
        folder, path, now = paths.checkpoints_dir(), self._context.opened.path, self._context.clock()
        if "audit_chain" not in self._context.opened.schema.columns:
            return
        if not imported and not paths.exists(folder):
            return

        def work(progress: Progress, cancelled: Stop) -> Callable[[], None]:
            from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415
            from app.services.files.importing import verify_imported  # noqa: PLC0415
            from app.workers import scan_pool  # noqa: PLC0415

            store = CheckpointStore(folder)
            if not imported:
                return partial(self.show_continuation, store.continuation(path))
            verify = partial(scan_pool.verify, cancelled=cancelled)
            return partial(self.show_imported, verify_imported(path, store, verify, now=now))

        self._context.runner.job(work, on_done=lambda show: show())

    def show_imported(self, found: Verified) -> None:
        """Says how the file stands to the one seen last, and what is wrong with it."""
        from app.ui.tabs.audit.verdicts import HEADLINES  # noqa: PLC0415 - with what verifies

        continuation, report = found.continuation, found.report
        tone, headline, icon = HEADLINES[report.verdict]
        rest = f"— {counted(report.entries, 'entry', 'entries')} imported"
        rest += f", {counted(report.found, 'finding')}" if report.found else ""
        unsigned = found.problem if report.entries else None
        said = "" if unsigned is None else f"The file stays without a checkpoint. {unsigned}"
        if continuation is not None and continuation.divergences:
            self.show_continuation(continuation, "" if report.intact else f"{headline} {rest}.", said)
        elif not report.intact or said:
            if report.intact:
                tone, headline, icon = Tone.WARN, "No checkpoint was made of this file", Icon.WARNING_FILL
            self.banner.show_verdict(tone, headline, rest, said, icon)
            self.show()
        else:
            self.show_continuation(continuation)

    def show_continuation(self, found: Continuation | None, *more: str) -> None:
        """Says what was found, and `more` of a file that does not continue."""
        if found is None or not found.known:
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
                " ".join(part for part in (*more, f"{'; '.join(parts)}.") if part),
                Icon.SHIELD_BAD,
            )
            self.show()
        elif found.new_entries:
            self.banner.show_verdict(
                Tone.OK,
                "This file continues the one you saw last",
                f"— {counted(found.new_entries, 'new entry', 'new entries')} since {seen}",
                f"The head that checkpoint {found.checkpoint} knew is still in every chain.",
            )
            self.show()
