"""Time Travel of the live database that is open: its bookmarks, and the way back to one of them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QLineEdit, QWidget

from app.services.chain.checkpoint import Reason
from app.services.live import time_travel
from app.services.live.connecting import OpenedLive
from app.services.text import counted
from app.ui.session.context import Context
from app.ui.session.outcome import Outcome
from app.ui.shell.connecting import Connecting
from app.ui.theme import Icon, Kind, Theme
from app.ui.widgets.announcing import announce
from app.ui.widgets.banner import Toast
from app.ui.widgets.buttons import copy_button, push_button
from app.ui.widgets.dialogs import ConfirmDialog, Dialog, WaitDialog
from app.ui.widgets.formatting import absolute_time, relative_time, shortened, typed_time
from app.ui.widgets.labels import Label, Look, in_row
from app.ui.widgets.panes import Field, FieldList
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.workers.scan_pool import store_and_verifier
from models.engine import Database
from models.errors import RemoteError, TenantAdminError
from models.progress import Monitor
from models.status import DAY

if TYPE_CHECKING:
    from models.d1.shared import Bookmark

KEPT = "kept by you"
_AFTER = 680
"""The width at which a bookmark stands in one line."""
_BOOKMARKS = (StaticColumn("Why"), StaticColumn("Kept", dim=True), StaticColumn("Bookmark", monospace=True))


class TimeTravelDialog(Dialog):
    """The bookmarks that were kept of the open database, the newest first and chosen; another, or a time,
    can be entered.

    `keep_wanted` asks for the state of now to be kept, too; `return_wanted(text)` for the way back.
    """

    keep_wanted = Signal()
    return_wanted = Signal(str)

    def __init__(
        self, context: Context, now: Bookmark, kept: Sequence[Bookmark], parent: QWidget | None = None
    ) -> None:
        name = _live(context).name
        super().__init__(
            context.theme,
            f"Time Travel of {name}",
            "Cloudflare brings a database back to any moment of the last 30 days, or 7 on the free plan. A "
            "bookmark names such a moment. Retention takes one before it removes anything, and so does each "
            "way back before it begins.",
            icon=Icon.HISTORY,
            parent=parent,
        )
        self.setMinimumWidth(720)
        self._kept = tuple(kept)
        clock, utc = context.clock(), context.settings.utc_times
        rows = [
            (
                Cell(one.why),
                Cell(relative_time(int(one.at), clock), int(one.at), tip=absolute_time(int(one.at), utc)),
                Cell(shortened(one.name, 12, 12), tip=one.name, whole=one.name),
            )
            for one in self._kept
        ]
        self.table = StaticTable(context.theme, "Bookmarks", _BOOKMARKS, rows, most=6)
        self.table.setVisible(bool(rows))
        self.none = Label("No bookmark has been kept here yet.", Look.DIM)
        self.none.setVisible(not rows)
        self.line = QLineEdit()
        self.line.setAccessibleName("Bookmark or time")
        self.line.setPlaceholderText(f"A time such as {absolute_time(clock - DAY, utc)}, or a bookmark")
        self.now = FieldList(context.theme)
        self.now.set_fields([Field("As it is now", now.name, mono=True)])
        copy = copy_button(context.theme, "&Copy", lambda: self.line.text().strip())
        meant = QWidget()
        in_row((self.line, 1), copy, within=meant)
        for widget in (self.table, self.none, meant, self.now):
            self.add_widget(widget)
        cannot = context.cannot_agree
        self.locked = Label(cannot or "", Look.WARN, wrap=True)
        self.locked.setVisible(cannot is not None)
        self.add_widget(self.locked)
        self.keep_button = push_button(context.theme, "&Keep a bookmark of the current state", self._keep)
        self.return_button = self.set_answer("Go back…", self._return, Kind.DANGER, cancel="Close")
        self.add_apart(self.keep_button)
        for button in (self.cancel_button, self.keep_button):  # which Return in the line would press
            button.setAutoDefault(False)
        self._can_write, self._now, self._clock, self._utc = cannot is None, now.name, clock, utc
        self._place = context.opened.place
        self.line.textChanged.connect(self._update)
        self.line.textEdited.connect(self.table.clearSelection)  # so that a click on it takes it again
        self.table.selection_changed.connect(self._choose)
        self.table.select_row(0)
        self._update()
        self.line.setFocus()

    def _choose(self) -> None:
        if selected := self.table.selected_rows():
            self.line.setText(self._kept[self.table.source_row(selected[0])].name)

    def _update(self) -> None:
        self.locked.setVisible(not self._can_write)  # what was said of another text is over
        self.return_button.setEnabled(self._can_write and bool(self.line.text().strip()))

    def _keep(self) -> None:
        self.accept()
        self.keep_wanted.emit()

    def _return(self) -> None:
        text = self.line.text().strip()
        why = time_travel.why_no_bookmark(text, typed_time(text, self._utc), self._now, self._place)
        if why:
            self.locked.setText(why)
            self.locked.show()
            announce(self.locked, why)
            return
        self.accept()
        self.return_wanted.emit(self.line.text().strip())


class _Words:
    """What is said of work until it has ended: also what it reads, as soon as that is known."""

    def __init__(self, what: str) -> None:
        self._said = f"{what}…"
        self._what = what

    def cost(self, rows: int) -> None:
        """So many rows are read at most; called on the thread that does."""
        self._said = f"{self._what}, which reads up to {counted(rows, 'row')}…"

    def __call__(self) -> str:
        return self._said


class TimeTravel(QObject):
    """What is done with the bookmarks of the live database that is open. Before it is sent back, what is
    being written ends. Once it went back, `leaving()` closes what shows it, and it is opened again; what
    refuses it leaves all as it is. Where it may have gone back, writes are locked, and `unsure()` has all
    that is shown read again. `wanted()` asks for the bookmarks.
    """

    leaving = Signal()
    unsure = Signal()
    wanted = Signal()

    def __init__(self, connecting: Connecting, toast: Toast, window: QWidget) -> None:
        super().__init__(window)
        self._connecting, self._toast, self._window = connecting, toast, window

    def ask(self, context: Context) -> None:
        """Shows the bookmarks; says where the API has no Time Travel."""
        database = _live(context).database
        context.job(
            "Asking for the bookmarks…",
            lambda monitor: database.bookmarks(),
            on_done=lambda found: self._show(context, *found),
            asks=True,
        )

    def _show(self, context: Context, now: Bookmark, kept: Sequence[Bookmark]) -> None:
        dialog = TimeTravelDialog(context, now, kept, self._window)
        dialog.keep_wanted.connect(partial(self._keep, context))
        dialog.return_wanted.connect(partial(self._find, context))
        dialog.open_in_turn()

    def _keep(self, context: Context) -> None:
        database, by, at = _live(context).database, context.settings.actor, context.clock()
        words = _Words("Keeping a bookmark")

        def work(monitor: Monitor) -> time_travel.KeptBookmark:
            how: dict[str, Any] = {"why": KEPT, "clock": context.clock, "by": by, "on_cost": words.cost}
            return time_travel.keep_bookmark(database, *store_and_verifier(), monitor=monitor, **how)

        def done(kept: time_travel.KeptBookmark) -> None:
            _take(context, kept.covered, at)
            context.say(f"Kept: {kept.name} (File, Time Travel…). {kept.said}".rstrip(" ."))

        context.job(words, work, on_done=done)

    def _find(self, context: Context, text: str) -> None:
        """Asks which bookmark is meant where a time was entered."""
        database, utc = _live(context).database, context.settings.utc_times
        if (at := typed_time(text, utc)) is None:
            self._look(context, text, text)
            return
        context.job(
            "Finding the bookmark of that time…",
            lambda monitor: database.bookmark_at(at),
            on_done=partial(self._look, context, absolute_time(at, utc)),
            asks=True,
        )

    def _look(self, context: Context, then: str, bookmark: str) -> None:
        """What can be refused before the return is sent leaves all as it is shown; and what is there gets a
        checkpoint, by which the way back to it can be proven.
        """
        database, by, at = _live(context).database, context.settings.actor, context.clock()
        words = _Words("Checking whether it can go back")

        def work(monitor: Monitor) -> time_travel.Covered:
            database.before_going_back(bookmark)
            how: dict[str, Any] = {"clock": context.clock, "by": by, "reason": Reason.BEFORE_RESTORE}
            how["on_cost"] = words.cost
            return time_travel.cover_now(database, *store_and_verifier(), monitor=monitor, **how)

        def done(found: time_travel.Covered) -> None:
            _take(context, found, at)
            self._confirm(context, then, bookmark, found)

        context.job(words, work, on_done=done, asks=True)

    def _confirm(self, context: Context, then: str, bookmark: str, found: time_travel.Covered) -> None:
        opened, proven = _live(context), ""
        if found.checkpoint is not None:
            proven = (
                f"; checkpoint {found.checkpoint} knows its entries. Where some of them are missing then, "
                "that is an earlier state until you say that it is right (“Start over…” at Checkpoints…, in "
                "the audit tab)"
            )
        elif found.why_not is not None:
            proven = f". No checkpoint knows all its entries, to prove them later. {found.why_not}"
        ConfirmDialog(
            context.theme,
            f"Bring {opened.name} back?",
            f"{opened.whole_place}. Everything written to it since {then} is lost, whoever wrote it, in "
            "every table and in the audit chain. Whoever is using the database is interrupted. What was done "
            "before can no longer be undone with Ctrl+Z.\n\nThe way back is a bookmark of what is there now, "
            f"which is taken first and kept here{proven.rstrip('.')}.",
            action="Bring it back",
            typed=opened.name,
            parent=self._window,
        ).open_once(partial(self._go, context, then, bookmark))

    def _go(self, context: Context, then: str, bookmark: str) -> None:
        if (cannot := context.cannot_agree) is not None:  # locked since
            context.say(cannot)
            return
        opened, theme = _live(context), context.theme
        actor, now = context.settings.actor, context.clock()
        wait = WaitDialog(theme, f"Bringing {opened.name} back…", self._window, can_cancel=False)

        def work(database: Database) -> time_travel.Returned:
            return time_travel.go_back(
                opened.database, bookmark, store_and_verifier()[0], actor=actor, now=now
            )

        def done(returned: time_travel.Returned) -> None:
            context.settings.went_back_at.set(opened.kept_by, now)
            wait.done(WaitDialog.DialogCode.Accepted)
            said = f"{opened.name} is as it was at {then}; the way back is kept"
            to_know = returned.unrecorded or returned.caution  # no entry takes a number

            def tell(is_open: bool) -> None:
                if is_open:
                    self._toast.show_message(said, "Way back…", self.wanted.emit)
                if to_know or not is_open:
                    sentence = f"{said} (File, Time Travel…). {to_know or ''}".rstrip()
                    self._tell(theme, f"{opened.name} went back", sentence, returned.before)

            self._connecting.when_ended(tell)  # what is closed takes its toast with it
            self.leaving.emit()
            self._connecting.reopen(opened)

        def failed(error: TenantAdminError) -> None:
            wait.done(WaitDialog.DialogCode.Rejected)
            context.busy.runner.failed.emit(error)
            if isinstance(error, RemoteError) and error.is_undecided:
                context.lock.lock()  # until somebody has looked
                self.unsure.emit()

        wait.open_once()
        context.runner.write_alone(work, on_done=done, on_failed=failed)

    def _tell(self, theme: Theme, title: str, sentence: str, before: str) -> None:
        told = Dialog(theme, title, sentence, icon=Icon.INFO, parent=self._window)
        told.setMinimumWidth(_AFTER)
        fields = FieldList(theme)
        fields.set_fields([Field("Way back", before, mono=True)])
        told.add_widget(fields)
        told.set_close_button()
        told.open_once()


def _take(context: Context, found: time_travel.Covered, at: int) -> None:
    """Shows what was found where a checkpoint was to be made."""
    if found.attempt is not None and (made := found.attempt.signed) is not None:
        context.verdict.take(Outcome.of(made, at=at, by=context.settings.actor))


def _live(context: Context) -> OpenedLive:
    return cast(OpenedLive, context.opened)  # the act is refused for a file
