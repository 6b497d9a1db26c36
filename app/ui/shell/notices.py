"""What is said of a file around its rows: above the tabs what it forbids or lacks, from the start; at the
foot of the tab in sight all that comes while a person reads, so that nothing moves there.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QPushButton, QWidget

from app import paths
from app.services.chain.rules import BROKEN, HEADLINES, Verdict
from app.services.opened import whole_part
from app.services.records.change import Change
from app.services.text import counted, some_of
from app.ui.session.context import Context
from app.ui.session.lock import ANOTHER, what_became
from app.ui.session.outside import Displaced
from app.ui.session.verdict import gone_in_words
from app.ui.theme import Icon, Kind, Theme, Tone, set_property
from app.ui.widgets.banner import Banner
from app.ui.widgets.buttons import KEEPS, SHORT, push_button
from app.ui.widgets.formatting import MINUTE, relative_time
from app.ui.widgets.labels import in_row, set_tip
from app.ui.widgets.later import later
from app.ui.widgets.panes import margin_in
from models import errors
from models.engine import Capability, Database, Settled
from models.progress import Monitor
from models.schema import Schema, StoredTables, read_stored, shape_of

# What verifies is loaded on the job's thread.
if TYPE_CHECKING:
    from app.services.chain.checkpoints.identity import Continuation
    from app.services.chain.checkpoints.making import SignedReport
    from app.services.chain.verify.report import Report
    from app.services.files.importing import Imported
    from app.services.files.restoring import Restored

LISTED = 3
LOOK_AGAIN = 60.0
"""Seconds after which it is asked again whether a database continues what was seen, where none answered."""
LOOK_MS = 5_000
"""Between two looks at who has a file open that is read-only for that."""
_AROUND = {False: (12, 16, 12), True: (4, 16, 4)}
"""The margins above, at the right and below a notice, by whether the window is low."""


class Door(StrEnum):
    """What a person can do about what a file lacks or is, as a button says it."""

    WRITE = "Open for writing"
    MIGRATE = "Apply migrations…"
    RESTORE = "Restore from a copy…"
    SALVAGE = "Save what can be read…"
    REOPEN = "Open again"
    OTHER = "Open another…"
    CONNECT = "Connect to D1…"
    START_OVER = "Start over…"
    TIME_TRAVEL = "Time Travel…"


_SHORT = {
    Door.WRITE: "Write",
    Door.MIGRATE: "Migrate…",
    Door.RESTORE: "Restore…",
    Door.SALVAGE: "Save…",
    Door.REOPEN: "Reopen",
    Door.OTHER: "Another…",
    Door.CONNECT: "Connect…",
}
"""What it says where there is little room."""

Ask = Callable[[Door], object]
"""Has the window do it."""


_DIFFERS = "The schema differs"

UNREAD_MS = 600
"""How long nobody can have read what has just come, so that no click is for it."""


class Notice(QWidget):
    """A banner with room around it: above the tabs, from the start, or `below` them, in each. Whoever moves a
    widget to another parent has all within it styled again, so it is given its own at once.
    """

    steps_aside = False
    """Whether it may be hidden while what it says still holds, as where the tab in sight says it."""

    def __init__(self, theme: Theme, parent: QWidget | None = None, *, below: bool = False) -> None:
        super().__init__(parent)
        self._theme, self._is_new = theme, True
        self.banner = Banner(theme, parent=self)
        self._row = in_row(self.banner, within=self, margins=(16, *_AROUND[False]))
        if not below:
            self.banner.lowered.connect(lambda low: self._row.setContentsMargins(16, *_AROUND[low]))

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._is_new:  # a click may be meant for what stood in its place
            self._is_new = False
            self._hear_mouse(False)
            later(self, UNREAD_MS, partial(self._hear_mouse, True))

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        if self.isHidden():  # not with the tab that it stands in
            self._is_new = True
            if not self.steps_aside:
                self.banner.forget()

    def _hear_mouse(self, hears: bool) -> None:
        self.banner.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents, not hears)

    def stand_in(self, tab_height: int) -> None:
        """Stands at the foot of a tab of this height as its own parts would, whose margins are above."""
        self._row.setContentsMargins(16, 0, 16, margin_in(tab_height, 16))

    def add_button(
        self, words: str, act: Callable[[], object], kind: Kind = Kind.SECONDARY, *, short: str = ""
    ) -> QPushButton:
        """`short` is what it says where there is little room."""
        button = push_button(self._theme, words, act, kind=kind)
        if short:
            button.setAccessibleName(words)
            button.setProperty(SHORT, short)
            button.setProperty(KEEPS, True)
        self.banner.add_button(button, shrinks=bool(short))
        return button

    def add_door(self, door: Door, ask: Ask, kind: Kind = Kind.SECONDARY) -> QPushButton:
        return self.add_button(door.value, lambda: ask(door), kind, short=_SHORT.get(door, ""))


def of_opened(context: Context, ask: Ask) -> list[Notice]:
    """Why the file cannot be written and what it lacks, with buttons for what a person can do about it."""
    opened, found = context.opened, list[Notice]()
    if opened.schema.foreign:
        notice = Notice(context.theme)
        held = opened.schema.own_tables, "table"
        if not held[0]:
            held = opened.schema.views, "view"
        named = some_of(held[0], LISTED, noun=f"more {held[1]}")
        headline = "This is not a database of the platform"
        detail = "It belongs to another program. It is open read-only, and nothing here can change it."
        notice.banner.show_verdict(Tone.WARN, headline, f"— it holds {named}", detail)
        notice.add_door(Door.OTHER, ask, Kind.PRIMARY)
        return [notice]
    if (origin := context.settings.copy_of.get(opened.kept_by)) is not None:
        found.append(notice := Notice(context.theme))
        detail = f"That one cannot be opened where it is. What you change stays in this copy, {opened.path}."
        notice.banner.show_verdict(Tone.WARN, "This is a copy", f"— of {origin}", detail)
    if opened.read_only:
        found.append(ReadOnlyNotice(context, ask))
    missing = _missing(opened.schema)
    if missing:
        found.append(notice := Notice(context.theme))
        means = "Actions that need them are disabled, and say why; everything else works."
        means = opened.elsewhere.get(Capability.MIGRATE, means)
        door = to_what_lacks(context)
        part = "" if door is Door.MIGRATE else whole_part(opened.schema.columns)
        if part:  # as the platform makes it: nothing is to be put back
            headline = f"This is the platform's {part.lower()} database"
            notice.banner.show_verdict(Tone.NEUTRAL, headline, f"— {missing}", means)
        else:
            tables = len(opened.schema.missing_tables)  # said where a low window has no room for their names
            headline = f"The schema differs: {counted(tables, 'table')} missing" if tables else _DIFFERS
            rest = missing.removeprefix("missing tables: ")
            notice.banner.show_verdict(Tone.WARN, headline, f"— {rest}", means)
        if door is Door.MIGRATE:
            button = notice.add_door(door, ask, Kind.PRIMARY)
            cannot = context.lacks(Capability.MIGRATE)
            button.setEnabled(cannot is None)
            set_tip(button, cannot or "")
        elif door is Door.RESTORE and not part:
            notice.add_door(door, ask)
        notice.add_button("Dismiss", notice.hide)
    return found


def to_what_lacks(context: Context) -> Door:
    """What helps first where a table or a column is missing."""
    opened = context.opened
    if opened.schema.foreign:
        return Door.OTHER
    if opened.read_only:
        return Door.WRITE if opened.can_be_forced else Door.OTHER
    if opened.can_migrate:
        return Door.MIGRATE
    return Door.OTHER if opened.pending or context.lacks(Capability.RESTORE) else Door.RESTORE


def _missing(schema: Schema) -> str:
    """What the file lacks, in words; empty when every expected table and column is there."""
    parts = [f"missing tables: {', '.join(schema.missing_tables)}"] if schema.missing_tables else []
    parts += [f"{table} lacks {', '.join(columns)}" for table, columns in schema.missing_columns.items()]
    return "; ".join(parts)


class ReadOnlyNotice(Notice):
    """Why nothing can be changed, as it is now where a person may overrule it: who had the file open may have
    ended since. The context's `opened` says the same then.
    """

    def __init__(self, context: Context, ask: Ask) -> None:
        super().__init__(context.theme)
        self._context, self._is_asking = context, False
        self._say()
        if context.opened.can_be_forced:
            self.add_door(Door.WRITE, ask)
            timer = QTimer(self, interval=LOOK_MS)
            timer.timeout.connect(self._look)
            timer.start()

    def _say(self) -> None:
        opened = self._context.opened
        why = f"— because {opened.read_only_reason}. Nothing here can change the {opened.kind}."
        self.banner.show_verdict(Tone.WARN, "Read-only", why, icon=Icon.LOCK)

    def _look(self) -> None:
        file = self._context.opened.file
        if self._is_asking or file is None or not self.isVisible():
            return
        self._is_asking = True
        work = partial(_why_not_now, file)
        self._context.runner.job(work, on_done=self._hear, on_failed=lambda error: self._hear(None))

    def _hear(self, reason: str | None) -> None:
        self._is_asking = False
        if reason not in (None, self._context.opened.read_only_reason):
            self._context.opened = replace(self._context.opened, read_only_reason=reason)
            self._say()
            self._context.closed.emit()


def _why_not_now(file: Path, monitor: Monitor) -> str:
    from app.services.files.opening import why_not_now  # noqa: PLC0415 - few files are in use

    return why_not_now(file)


class UnsettledNotice(Notice):
    """That it is not known whether a change was saved, with a button that asks again; hidden while it is."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        self._unsettled = context.unsettled
        self.again_button = self.add_button("Check again", context.unsettled.ask, Kind.PRIMARY)
        context.unsettled.changed.connect(self._say)
        self.hide()

    def _say(self) -> None:
        error, is_asking = self._unsettled.error, self._unsettled.is_asking
        self.again_button.setEnabled(not is_asking)
        self.again_button.setText("Checking…" if is_asking else "Check again")
        self.setVisible(error is not None)
        if error is not None:
            act = error.called or error.act
            named = f"— {act}" if act else ""
            detail = str(error).removeprefix(f"{error.heading}: ")
            self.banner.show_verdict(Tone.BAD, error.heading, named, detail, Icon.WARNING_FILL)


class FoundNotice(Notice):
    """What has become of acts whose answers were lost: of those of an earlier run of the program, and of this
    window's that are not saved, as far as anything tells. It stays until it is dismissed, as nothing says it
    afterwards.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        self._told: list[tuple[str, Settled | None]] = []
        context.unsettled.became.connect(self._became)
        context.runner.changed.connect(self._hear)
        self.add_button("Dismiss", self._dismiss)
        self.hide()

    @Slot(object, str, bool)
    def _became(self, known: Settled | None, act: str, is_own: bool) -> None:
        if known is not None and known.saved and is_own:
            self._take_back(known.mark)
        else:
            self._told.append((act, known))
            self._say()

    @Slot(object, object)
    def _hear(self, change: Change, initiator: object) -> None:
        if self._told and isinstance(change, Change):
            self._take_back(change.mark)

    def _take_back(self, mark: str) -> None:
        """It has been done again since, to the same records."""
        left = [
            (act, known)
            for act, known in self._told
            if known is None or known.saved or not mark or known.mark != mark
        ]
        if len(left) < len(self._told):
            self._told = left
            self._say()

    def _say(self) -> None:
        told = [what_became(None if known is None else known.saved, act) for act, known in self._told]
        headline, rest = f"What became of {len(told):,} earlier acts", f"— {self._how_many()}"
        if len(told) == 1:  # where a low window has no room for more
            headline, rest, told = told[0].removesuffix("."), "", [_ANSWER_LOST]
        more = dict.fromkeys(known.beside for _, known in self._told if known is not None and known.beside)
        self.banner.show_verdict(Tone.WARN, headline, rest, " ".join([*told, *more]))
        self.setVisible(bool(self._told))

    def _how_many(self) -> str:
        known = [None if one is None else one.saved for _, one in self._told]
        counts = ((True, "saved"), (False, "not saved"), (None, "not known"))
        return ", ".join(f"{known.count(one)} {words}" for one, words in counts if one in known)

    def _dismiss(self) -> None:
        self._told.clear()
        self.hide()


class LostEntryNotice(Notice):
    """That the last entry which this window saw or made is not there any more, where no verdict goes on to
    name it; it stays until it is dismissed, as nothing says it afterwards.
    """

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        self._context = context
        context.outside.went_back.connect(self._went_back)
        self.add_button("Dismiss", self.hide)
        self.hide()

    @Slot(object)
    def _went_back(self, ends_at: int) -> None:
        verdict = self._context.verdict
        lost = None if verdict.is_broken else verdict.lost_end
        named = frozenset() if lost is None else {one.through for one in lost.each}
        left = [one for one in self._context.outside.lost_entries if one.number not in named]
        if not [one for one in left if lost is None or one.act]:
            return
        headline = gone_in_words(left)
        self.banner.show_verdict(Tone.WARN, headline, "", _GONE_BY, Icon.WARNING_FILL)
        self.show()


_GONE_BY = (
    "An earlier state was brought back by Time Travel, or somebody else has taken it away; what it records "
    "may be undone as well. Look at what is there before you go on."
)

_ANSWER_LOST = "Its answer was lost; the database has been asked since."


class InterruptedNotice(Notice):
    """That a program was killed in the middle of an erasure, and which copy it had made for it."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        self.add_button("Dismiss", self.hide)
        self.hide()
        look = context.opened.interrupted
        context.runner.job(lambda _: look(), on_done=self._say, on_failed=lambda error: None)

    def _say(self, copies: list[Path]) -> None:
        if copies:
            detail = (
                f"What was to go is in {some_of(list(map(str, copies)), LISTED)}. If the tenant is still "
                "here, nothing was erased: delete that copy. Otherwise delete it once nobody needs it any "
                "more."
            )
            self.banner.show_verdict(Tone.WARN, "An erasure was interrupted", "", detail, Icon.WARNING_FILL)
            self.show()


class PauseNotice(Notice):
    """That the account takes no calls for a while; hidden else."""

    def __init__(self, context: Context, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        self._pause = context.pause
        context.pause.changed.connect(self._say)
        self.hide()

    def _say(self) -> None:
        error = self._pause.error
        self.setVisible(error is not None)
        if error is not None:
            detail = f"{error} You see what was last read; it is read again by itself when that is over."
            self.banner.show_verdict(Tone.WARN, error.heading, f"— until {error.when}", detail, Icon.PAUSED)


class TokenNotice(Notice):
    """That the token of what is open is refused; hidden else."""

    def __init__(self, context: Context, parent: QWidget) -> None:
        super().__init__(context.theme, parent, below=True)
        self._token = context.token
        self.token_button = self.add_button(ANOTHER, context.token.wanted.emit, Kind.PRIMARY, short="Token…")
        context.token.changed.connect(self._say)
        self.hide()

    @Slot()
    def _say(self) -> None:
        error = self._token.error
        self.setVisible(error is not None)
        if error is not None:
            detail = f"{error} You see what was last read."
            self.banner.show_verdict(Tone.WARN, error.heading, "", detail, Icon.WARNING_FILL)


class DisplacedNotice(Notice):
    """That the file on the screen is not what is in its place any more; hidden while it is."""

    def __init__(self, theme: Theme, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent, below=True)
        self.other_button = self.add_door(Door.OTHER, ask)
        self.open_button = self.add_door(Door.REOPEN, ask, Kind.PRIMARY)
        self.restore_button = self.add_door(Door.RESTORE, ask, Kind.PRIMARY)

    def say(self, error: Displaced | None) -> None:
        self.setVisible(error is not None)
        if error is not None:
            rest = "— what is shown is what it held until then"
            self.banner.show_verdict(Tone.BAD, error.heading, rest, str(error), Icon.WARNING_FILL)
            is_empty = isinstance(error, errors.FileEmptied)  # where a copy is what helps
            self.open_button.setVisible(isinstance(error, errors.FileReplaced | errors.LogMissing))
            self.restore_button.setVisible(is_empty)
            set_property(self.open_button, "kind", (Kind.SECONDARY if is_empty else Kind.PRIMARY).value)
            self.other_button.setVisible(not isinstance(error, errors.LogMissing))


class ConnectionNotice(Notice):
    """That the connection of what is open is another by now, or gone; hidden while it is as it was."""

    def __init__(self, context: Context, ask: Ask, parent: QWidget) -> None:
        super().__init__(context.theme, parent, below=True)
        self.open_button = self.add_door(Door.REOPEN, ask, Kind.PRIMARY)
        self.connect_button = self.add_door(Door.CONNECT, ask, Kind.PRIMARY)
        context.outside.withdrawn.connect(self._say)
        self._say(context.outside.refusal)  # which may have been heard by now

    @Slot(object)
    def _say(self, error: errors.ConnectionGone | None) -> None:
        if error is not None:
            self.banner.show_verdict(
                Tone.WARN, error.heading, "— writes are locked", str(error), Icon.WARNING_FILL
            )
            is_there = isinstance(error, errors.ConnectionChanged)
            self.open_button.setVisible(is_there)
            self.connect_button.setVisible(not is_there)
        self.setVisible(error is not None)


class TablesNotice(Notice):
    """That another program has made other tables of those that the lists go by."""

    def __init__(self, context: Context, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(context.theme, parent, below=True)
        kind = context.opened.kind
        self._context, self._kind = context, kind
        self._say()
        self.add_door(Door.REOPEN, ask, Kind.PRIMARY)
        context.tables_changed.connect(self._say)

    @Slot()
    def _say(self) -> None:
        gone, kind = sorted(self._context.gone), self._kind
        are = "table is" if len(gone) == 1 else "tables are"
        which = f"The {are} gone: {some_of(gone, LISTED)}. " if gone else ""
        self.banner.show_verdict(
            Tone.WARN,
            f"Another program has changed the tables of this {kind}",
            "— lists and forms still go by those that were there when it was opened",
            f"{which}What is written is checked against the tables as they are. Open the {kind} again to see "
            "them.",
            Icon.WARNING_FILL,
        )


class TablesWatch(QObject):
    """Looks at the tables where others may have changed them: `told(whether they have)`."""

    told = Signal(bool)

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._context = context
        context.outside.written.connect(self._look)
        if context.costs:  # an act may be the first to hear of it
            context.runner.changed.connect(lambda *_: self._look())
            context.runner.failed.connect(lambda _: self._look())

    def _look(self) -> None:
        before = shape_of(self._context.opened.schema.stored)

        def read(database: Database) -> StoredTables:
            known = database.tables_looked_at
            return read_stored(database)[0] if known is None else known

        def tell(found: StoredTables) -> None:
            self._context.know_tables(found)
            self.told.emit(shape_of(found) != before)

        self._context.runner.read(read, on_done=tell, on_failed=lambda error: None)


class DamageNotice(Notice):
    """That parts of the file cannot be read."""

    def __init__(self, theme: Theme, ask: Ask, parent: QWidget | None = None) -> None:
        super().__init__(theme, parent, below=True)
        rest = "— what can be read of it is shown"
        detail = "Writing into it may damage more. Restore it from a copy, or save what can be read."
        self.banner.show_verdict(Tone.BAD, errors.DamagedFile.heading, rest, detail, Icon.WARNING_FILL)
        self.add_door(Door.SALVAGE, ask)
        self.add_door(Door.RESTORE, ask, Kind.PRIMARY)


_UNSIGNED = "unsigned"
"""Kept with what a restore came to, where no checkpoint could be made of it."""


def _last_kept(known: Path, path: Path) -> Path | None:
    """What the last restore of a file has kept, `known` or another; None where it is not there any more."""
    from app.services.files.restoring import newest_kept  # noqa: PLC0415 - rows show before it is loaded

    return newest_kept(path) or (known if known.exists() else None)


class RestoredNotice(Notice):
    """What a restore came to, and the way back, until a person has read it: also in a later start, as long as
    the file as it was is there. Where others have restored it since, the way back is that behind theirs.
    """

    def __init__(self, context: Context, ask: Callable[[Path], object], parent: QWidget) -> None:
        super().__init__(context.theme, parent, below=True)
        self._context, self._kept, self._ask = context, Path(), ask
        self.back_button = self.add_button("Way back…", self._go_back)
        self.add_button("Dismiss", self._dismiss)
        self.hide()
        place, memory = context.opened.kept_by, context.settings.restored
        if (restored := context.opened.restored) is not None:
            unsigned = (_UNSIGNED,) if restored.problem is not None else ()
            memory.set(place, (str(restored.kept), self._came_to(restored), *unsigned))
            self._say(restored.kept, self._came_to(restored), is_wrong=restored.problem is not None)
        else:
            self._look()
        context.outside.written.connect(self._look)

    @Slot()
    def _look(self) -> None:
        """Others may have restored the file since, or have taken away what was kept."""
        place, memory = self._context.opened.kept_by, self._context.settings.restored
        remembered = memory.get(place)
        if not remembered:
            return
        is_wrong = remembered[-1] == _UNSIGNED
        kept, made = Path(remembered[0]), " ".join(remembered[1 : len(remembered) - is_wrong])

        def found(last: Path | None) -> None:
            if memory.get(place) != remembered:  # dismissed, or of another restore by now
                return
            if last is None:
                self._dismiss()
            elif last != self._kept:  # else it is said
                is_known = last == kept
                self._say(last, made if is_known else "", is_wrong=is_wrong and is_known)

        look = partial(_last_kept, kept, self._context.opened.path)
        self._context.runner.job(lambda _: look(), on_done=found, on_failed=lambda error: None)

    @staticmethod
    def _came_to(restored: Restored) -> str:
        if restored.checkpoint is None:
            return restored.problem or ""
        return f"Checkpoint {restored.checkpoint:,} was made of what it held then."

    def _say(self, kept: Path, made: str, *, is_wrong: bool = False) -> None:
        self._kept = kept
        detail = f"The file as it was before: {kept}. {made}".rstrip()
        tone = Tone.WARN if is_wrong else Tone.NEUTRAL
        self.banner.show_verdict(tone, "Restored", "— from a copy", detail)
        self.show()

    def _go_back(self) -> None:
        self._ask(self._kept)

    def _dismiss(self) -> None:
        self._context.settings.restored.set(self._context.opened.kept_by, None)
        self.hide()


class BrokenNotice(Notice):
    """That the chains of the file do not hold, or end before what was verified; not in the audit tab, whose
    own banner says it.

    `show` leads there. What `continuation` has to say against such a file is said here, too.
    """

    steps_aside = True
    _tenant: str | None = None

    def __init__(
        self,
        context: Context,
        continuation: ContinuationNotice,
        show: Callable[[], object],
        parent: QWidget | None = None,
        *,
        beside: bool,
    ) -> None:
        super().__init__(context.theme, parent, below=True)
        self._context, self._beside, self._continuation = context, beside, continuation
        continuation.objected.connect(self.look)
        self.findings_button = self.add_button("Show findings", show, Kind.PRIMARY)
        context.verdict.changed.connect(self.look)
        self.look()

    def set_beside(self, beside: bool, tenant: str | None = None) -> None:
        """Whether another tab than that of the audit chain is in sight, and the `tenant` that is chosen."""
        self._beside, self._tenant = beside, tenant
        self.look()

    def look(self) -> None:
        verdict = self._context.verdict
        is_told = verdict.is_broken or (verdict.lost_end is not None and not self._continuation.is_older)
        if is_told:
            from app.ui.session import verdict_words  # noqa: PLC0415 - with what verifies

            now, utc = self._context.clock(), self._context.settings.utc_times
            tone, head, rest, detail, icon = verdict_words.of_all(verdict, now, utc, self._tenant)
            objection, outcome = self._continuation.objection, verdict.outcome
            if objection and outcome is not None and outcome.report.notes:  # what to do about it comes first
                detail = f"{detail}. {objection}"
            else:
                detail = " ".join(filter(None, (objection, detail)))
            self.banner.show_verdict(tone, head, rest, detail, icon)
            if self._continuation.objection or self._continuation.banner.tone() is Tone.OK:
                self._continuation.hide()
        elif verdict.is_new_line and self._continuation.is_older:
            self._continuation.dismiss()  # a person has said that it is right as it is
        elif self._continuation.is_older:  # in the audit tab its own banner says it, once it is known
            self._continuation.setVisible(self._beside or verdict.found is not Verdict.EARLIER)
        # Of a damaged file a notice of its own says it.
        damaged = verdict.found is Verdict.UNREADABLE
        if not is_told:
            self.banner.forget()
        self.findings_button.setText("Show findings" if verdict.is_broken else "Show the chain")
        self.setVisible(is_told and self._beside and not damaged)


def _signed_here() -> tuple[int, int]:
    """Which version of all checkpoints there is."""
    from app.services.chain.checkpoints.kept import version_of  # noqa: PLC0415 - behind the first rows
    from app.services.chain.checkpoints.tables import FILE  # noqa: PLC0415 - as above

    return version_of(paths.checkpoints_dir() / FILE)


class ContinuationNotice(Notice):
    """Hidden until a known file turns out not to continue what was seen, or there is something to say of one
    that was imported. That one continues is said in passing: it comes by itself while rows are read already,
    and the status bar goes on to say how many entries are new.

    `objection` is what it has to say against the file; it is for the notice of a broken one, where that is
    broken: `objected()` when there is one. `is_older` while that is what it says.
    """

    objected = Signal()
    steps_aside = True
    objection = ""
    is_older = False
    _has_looked = False
    _has_lost = False
    """Whether it lost an entry that this window saw or made: to whatever is new it does not continue."""

    def __init__(
        self,
        context: Context,
        show: Callable[[], object],
        parent: QWidget | None = None,
        *,
        ask: Ask = lambda door: None,
    ) -> None:
        super().__init__(context.theme, parent, below=True)
        self._context, self._show = context, show
        self.findings_button = self.add_button("Show findings", show)
        ways = [Door.START_OVER, *([Door.TIME_TRAVEL] if context.can(Capability.TIME_TRAVEL) else [])]
        self._ways = [self.add_door(door, ask) for door in ways]
        self._offer(False)
        self.add_button("Dismiss", self.dismiss)
        context.runner.changed.connect(self._hear)
        context.outside.written.connect(self._written)
        context.outside.went_back.connect(self._went_back)
        self._compared: tuple[int, int] | None = None
        """The version of the checkpoints that it was compared with."""
        self._last: int | None = None
        """The newest checkpoint of this database then, where that is known."""
        self._signed: Report | None = None
        context.verdict.changed.connect(self._note_own)
        context.verdict.changed.connect(self._name_way)
        context.verdict.changed.connect(self._look_where_it_came_forward)
        self._lacks = False
        """Whether something is known that is not there."""
        self._not_before = 0.0
        """When it is compared by itself again at the soonest, by `time.monotonic`."""
        context.lock.changed.connect(self._look_where_more_is_known)
        context.aged.connect(self._look_by_itself)
        self.hide()

    def _offer(self, is_older: bool) -> None:
        """The ways on from an earlier state, and forward again."""
        for way in (self.findings_button, *self._ways):
            way.setVisible(is_older)
        self._name_way()

    def _name_way(self) -> None:
        """What is found of an earlier state stands there once it is verified."""
        to_chain = self.is_older and self._context.verdict.found is not Verdict.EARLIER
        self.findings_button.setText("Show the chain" if to_chain else "Show findings")

    def dismiss(self) -> None:
        self.is_older = False
        self.hide()

    def _hear(self, change: Change, initiator: object) -> None:
        settings, place = self._context.settings, self._context.opened.kept_by
        if change.events and (seen := settings.seen_through.get(place)) is not None:
            settings.seen_through.set(place, seen + len(change.events))

    def _written(self) -> None:
        """What others write while it is open is shown at once."""
        if self.is_older:  # it may have come forward again
            self.look()
        elif self._has_looked:
            self._see()

    @Slot(object)
    def _went_back(self, ends_at: int) -> None:
        self._has_lost = self._has_lost or bool(self._context.outside.lost_entries)
        self.look()

    def _note_own(self) -> None:
        """What was signed here is of what was there."""
        known = self._context.verdict.outcome
        if known is not None and known.checkpoint is not None and known.report is not self._signed:
            self._signed, self._compared, self._has_lost = known.report, _signed_here(), False
            self._last = known.checkpoint

    def _look_where_it_came_forward(self) -> None:
        """A look says nothing while what was lost is still looked for, and a verification nothing of this."""
        verdict, lacked = self._context.verdict, self._lacks
        self._lacks = verdict.lost_end is not None or verdict.is_contradicted
        if lacked and not self._lacks and self.is_older:
            self.look()

    def _look_where_more_is_known(self) -> None:
        """Others may have signed a state that was gone again before the chain was looked at here."""
        verdict = self._context.verdict
        if self._compared is None or verdict.is_running or verdict.is_asked:
            return
        if self._compared != _signed_here():
            self.look(by_itself=True)

    def _look_by_itself(self) -> None:
        """Where each look is a request only in front, and not at once where none was answered."""
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        if (in_front or not self._context.costs) and time.monotonic() >= self._not_before:
            self._look_where_more_is_known()

    def _see(self) -> None:
        """What is in the file now is not new when it is opened again: a person did it here, or was shown.
        Of a live database, where to ask is a request, that is kept where something new was said.
        """
        self._has_looked = True
        if not self._context.costs:
            from app.services.chain.reading import last_entry  # noqa: PLC0415 - with what verifies

            self._context.runner.read(last_entry, on_done=self._keep_seen, on_failed=lambda error: None)

    def _keep_seen(self, last: int) -> None:
        self._context.settings.seen_through.set(self._context.opened.kept_by, last)

    def _say_new(self, found: Continuation) -> None:
        """Leaves out what was seen."""
        from app.services.chain.reading import behind_and_last  # noqa: PLC0415 - with what verifies

        settings, place = self._context.settings, self._context.opened.kept_by
        seen = settings.seen_through.get(place)
        if seen is None and found.copy_of is not None:  # what was seen of the one that it is a copy of
            seen = settings.seen_through.get(Path(found.copy_of))
            if not found.divergences and settings.copy_of.get(place) is None:  # which stands above it
                kind, name = self._context.opened.kind, Path(found.copy_of).name
                self._context.say(f"This {kind} is a copy of {name}, and counts as the same database")
        if not found.divergences and (self.is_older or self._context.verdict.is_contradicted):
            self.dismiss()
            self.objection = ""
            self._context.verdict.contradict(None)
            self._context.opened.database.is_earlier = bool(self._context.verdict.is_earlier)
        if not found.new_entries or found.divergences:
            self.show_continuation(found)
            self._see()
            return

        def count(told: tuple[int, int]) -> None:
            behind, last = told
            self._has_looked = True
            # Where there are fewer the others, behind the checkpoint, were seen.
            less = replace(found, new_entries=behind, seen_at=None)
            new = less if behind < found.new_entries else found
            self.show_continuation(new, in_passing=True)
            self._keep_seen(last)

        self._context.runner.read(behind_and_last, seen or 0, on_done=count, on_failed=lambda error: None)

    def look(self, imported: Imported | None = None, *, by_itself: bool = False) -> None:
        """Compares in the background; says nothing of a file that is new here, or as it was; `by_itself` also
        nothing of one that continues, or is not answered, and looks again a while later.

        Of one that was just `imported` a checkpoint is made then, where its chains hold.
        """
        is_foreign = self._context.opened.schema.foreign
        if is_foreign or (imported is not None and not imported.has_chain):
            return
        where, now = self._context.opened.where, self._context.clock()
        before, self._compared = self._compared, _signed_here()
        if imported is None and not paths.exists(paths.checkpoints_dir()):
            self._see()
            return

        def work(monitor: Monitor) -> Callable[[], None]:
            from app.services.files.importing import verify_imported  # noqa: PLC0415
            from app.workers.scan_pool import store_and_verifier  # noqa: PLC0415

            store, verify = store_and_verifier()
            if imported is None:
                last = store.last_here(where)
                if by_itself and last is not None and last == self._last:  # another database's is newer
                    return lambda: None
                found = store.continuation(where)
                is_said = found.divergences or self.is_older or not by_itself
                return partial(self._take, last, found if is_said else None)
            taken = verify_imported(imported, store, verify, now=now, monitor=monitor)
            return partial(self._take_imported, *taken, is_part=imported.tenant is not None)

        def failed(error: errors.TenantAdminError) -> None:
            if imported is None:
                self._compared, self._not_before = before or (0, 0), time.monotonic() + LOOK_AGAIN
            if by_itself:
                return
            if imported is not None or not isinstance(error, errors.RemoteError):
                self._context.runner.failed.emit(error)
            else:  # nobody has asked for it
                kind = self._context.opened.kind
                self._context.say(f"Whether this {kind} continues the one you saw last is not known. {error}")

        self._context.runner.job(work, on_done=lambda show: show(), on_failed=failed)

    def _take(self, last: int | None, found: Continuation | None) -> None:
        """What was `found`, unless that is nothing to be said, beside what was signed `last`. Of a live
        database what was verified behind its checkpoint may be gone, which is told by who looks for it.
        """
        self._last, verdict = last, self._context.verdict
        if found is None:
            return

        def say() -> None:
            if found.divergences or verdict.lost_end is None:
                self._say_new(found)

        if self._context.costs and not found.divergences:
            verdict.when_searched(say)
        else:
            self._say_new(found)

    def _take_imported(self, continuation: Continuation | None, made: SignedReport, *, is_part: bool) -> None:
        from app.ui.session.outcome import Outcome  # noqa: PLC0415 - with what verifies

        self.show_imported(continuation, made, is_part=is_part)
        self.findings_button.setVisible(self.is_older or bool(made.report.findings))
        at, by = self._context.clock(), self._context.settings.actor
        self._context.verdict.take(Outcome.of(made, at=at, by=by))

    def show_imported(
        self, continuation: Continuation | None, made: SignedReport, *, is_part: bool = False
    ) -> None:
        from app.ui.session.verdict_words import heading  # noqa: PLC0415 - with what verifies

        report = made.report
        tone, headline, icon = heading(report, is_signed=made.checkpoint is not None)
        rest = f"— {counted(report.entries, 'entry', 'entries')} imported"
        rest += f", {report.tally}" if report.tally else ""
        said = (made.why_not or "") if report.entries else ""
        if said and report.intact:
            said = f"It stays without a checkpoint. {said}"
        broken = report.verdict in BROKEN
        if continuation is not None and continuation.divergences:
            found = "" if report.intact or broken else f"{headline} {rest}."
            self.show_continuation(continuation, found, said)
        elif broken:
            self.objection = said
        elif not report.intact or said or (is_part and report.doubts):
            if report.intact:
                headline = (
                    "No checkpoint was made of this database" if said else "One tenant's part was imported"
                )
                tone, icon = Tone.WARN, Icon.WARNING_FILL
            self.banner.show_verdict(tone, headline, rest, said or " ".join(report.doubts), icon)
            self.show()
        else:
            self.show_continuation(continuation)

    def show_continuation(self, found: Continuation | None, *more: str, in_passing: bool = False) -> None:
        """Says what was found, and `more` of a file that does not continue; that it does `in_passing`."""
        if found is None or not found.known:
            return
        now, verdict = self._context.clock(), self._context.verdict
        seen = relative_time(found.seen_at or 0, now)
        if found.divergences:
            older = found.is_older
            compared = f"This {self._context.opened.kind} {found.how} the one you saw last"
            headline, rest_of_line = compared, f"— {seen}, checkpoint {found.checkpoint}"
            if older:  # as the verification calls it
                headline = HEADLINES[Verdict.EARLIER]
                rest_of_line = f"— older than the one you saw {seen}, checkpoint {found.checkpoint}"
            detail = " ".join(filter(None, (f"{found.where}.", *more)))
            tone, icon = (Tone.WARN, Icon.WARNING_FILL) if older else (Tone.BAD, Icon.SHIELD_BAD)
            self.banner.show_verdict(tone, headline, rest_of_line, detail, icon)
            self.is_older = older
            self._offer(older)
            self.show()
            if older:
                self._context.verdict.contradict(now)
            self.objection = f"{compared}: {detail}"
            self.objected.emit()
        elif found.new_entries and not (self._has_lost or verdict.is_broken or verdict.lost_end):
            from app.services.chain.reading import NEW_AT_MOST  # noqa: PLC0415 - with what verifies

            is_more = self._context.costs and found.new_entries >= NEW_AT_MOST
            new = counted(found.new_entries - is_more, "new entry", "new entries")
            is_of_now = found.seen_at is None or seen == relative_time(now, now)
            headline = f"This {self._context.opened.kind} continues the one you saw last"
            rest = f"— {'more than ' if is_more else ''}{new}{'' if is_of_now else f' since {seen}'}"
            went_back = self._context.settings.went_back_at.get(self._context.opened.kept_by) or 0
            if in_passing and 0 <= now - went_back < MINUTE:
                return  # that it was brought back is said just now
            if in_passing:
                self._context.say(f"{headline} {rest}", act=("Audit chain", self._show))
                return
            detail = f"Every chain still contains the last entry that checkpoint {found.checkpoint} recorded."
            self.banner.show_verdict(Tone.OK, headline, rest, detail)
            self._offer(False)
            self.show()
