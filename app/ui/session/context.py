"""What every tab and dialog of one open file is given: the means to read it, to act, to take back an act,
and to hear what other programs write.
"""

from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, cast

from PySide6.QtCore import QObject, Qt, QTimer, Signal, Slot
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QWidget
from shiboken6 import Shiboken

from app import paths
from app.services.chain.cautions import Agreed, Caution, EarlierState, WentBack
from app.services.chain.rules import Verdict
from app.services.opened import Opened
from app.services.records.change import Change
from app.services.records.lists import Lists
from app.services.records.tables import AUDIT_CHAIN, USERS, Scope
from app.services.text import counted, quoted
from app.settings import Settings
from app.ui.session.busy import Busy, Turns
from app.ui.session.lock import Lock, Pause, TokenWatch, Unsettled
from app.ui.session.sight import Sight
from app.ui.session.verdict import FileVerdict, gone_in_words, which_gone
from app.ui.theme import Theme
from app.workers.runner import Runner, Task
from models import errors
from models.engine import MOST_READ, Capability, Database, LostEntry, OwnEntry
from models.progress import Monitor
from models.schema import StoredTables, shape_of

if TYPE_CHECKING:
    from app.services.chain.verify.report import LostEnd
    from app.services.records.parts import ActPart

Displaced = errors.FileMoved | errors.LogMissing
"""Why the file in its place is not what is shown."""

_CANNOT = {
    Capability.BACKUP: "No copy can be saved of this database.",
    Capability.RESTORE: "Nothing can be put back into this database.",
    Capability.MIGRATE: "This database is migrated elsewhere.",
    Capability.TIME_TRAVEL: "A file has no Time Travel; restore it from a copy.",
}


AGES_MS = 15_000
"""After which words like "just now", which holds for a minute, are said again."""

KEPT_MS = 2_000
"""How soon it is seen that a connection was changed; each write looks by itself."""

MOST_WRITTEN = 1_000
"""Rows that are written where each is charged, and nobody is asked before."""

NOTHING_NOW = ", so nothing can be changed here now."
"""What is said behind why, for as long as that lasts."""

_FEW_OF = 5
"""Of how many users one is counted where those of a tenant may be few."""
ADDRESSES = "This shows whether another user has the same address."
"""What all users of a tenant are read for before one is written."""


class Context(QObject):
    """One open file and the means to read it, to act on it and to show it, from its opening until `stop()`.

    `clock` gives epoch seconds; `say(text)` shows a toast, `say(text, path)` one that leads to what was
    written; what is said `of_place` goes with its tab. `asks(Caution, agreed, refused)` when a person must
    say whether an act shall go on, which then calls one of the two. `damaged()` when reading has met damage,
    `closed()` when it is known that no act can be recorded, or why none can be is another reason by now;
    `undo_wanted()` when the last act is to be taken back from a dialog that stands beside the window.
    `delivered()` when something may have been sent to a webhook; `aged()` every few seconds, for words that
    tell how long ago something was. `tables_changed()` when others have made tables of ours otherwise, or
    taken them away.
    """

    asks = Signal(object, object, object, object)
    undo_wanted = Signal()
    damaged = Signal()
    closed = Signal()
    delivered = Signal()
    aged = Signal()
    tables_changed = Signal()

    def __init__(
        self,
        opened: Opened,
        theme: Theme,
        settings: Settings,
        *,
        clock: Callable[[], int],
        busy: Busy,
        say: Callable[..., None],
    ) -> None:
        super().__init__()
        self.opened, self.theme, self.settings = opened, theme, settings
        through = partial(_known_through, opened) if opened.database.costs else lambda: 0
        self.agreed = Agreed(asks=True, known_through=through)
        self.tenants: tuple[str, ...] = opened.tenants
        """Those that there are, as they were read last."""
        self.tables: StoredTables = opened.schema.stored
        """Those that there are, as they were looked at last."""
        self.erased: frozenset[str] = frozenset()
        """Those of them of which nothing but the marker of their erasure is left."""
        self.clock, self.busy, self.say = clock, busy, say
        self.lists = Lists(opened.schema, opened.sizes)
        self._listed: dict[tuple[str, Scope], tuple[int, int]] = {}
        """How many rows a list has as far as it was read and changed here, and what others had added to its
        table when it was read.
        """
        self.runner = Runner(opened.database, self)
        self.sight, self.turns = Sight(), Turns()
        self.runner.changed.connect(self._hear)
        self._again: tuple[errors.TenantAdminError, Callable[[], object]] | None = None
        self._never: str | None = None
        self.history = History(
            self.runner,
            clock,
            self,
            agreed=self.agreed,
            refused=self._refused,
            sight=self.sight,
            write=self._write,
        )
        self.outside = Outside(self.runner, opened.database, self)
        self.lock = Lock(opened.database, self, needed=opened.unlocked_by is not None)
        self.unsettled = Unsettled(self.runner, self)
        self.unsettled.saved.connect(self.history.found_saved)
        self.pause = Pause(self.runner, self)
        self.pause.changed.connect(self._ask_behind_pause)
        self.token = TokenWatch(self.runner, opened.database, self)
        opened.database.on_own = partial(_keep_own, opened)
        if opened.file is not None:  # a live one keeps what was sent by itself
            opened.database.on_sent = partial(_expect_own, opened)
        self.verdict = FileVerdict(
            self,
            lacks_table=lambda: self.without(AUDIT_CHAIN.name) is not None,
            saw_table=lambda: AUDIT_CHAIN.name in self.gone,
            awaits_search=opened.database.costs,  # nothing verifies it
        )
        self._told_lost: LostEnd | None = None
        self.verdict.changed.connect(self._look_at_verdict)
        self.outside.went_back.connect(self._went_back)
        self.lock.changed.connect(self.outside.look_why)
        busy.asking.connect(self.closed)
        self.outside.withdrawn.connect(self._withdrawn)
        self._ages = QTimer(self, interval=AGES_MS)
        self._ages.timeout.connect(self.aged)
        self._ages.start()

    def _ask_behind_pause(self) -> None:
        """What was written when the account took no calls may be saved, or not: also where a proxy had said
        so in the database's place, which is told as well.
        """
        if self.pause.error is None and self.can(Capability.SETTLES):
            self.unsettled.ask()

    def stop(self) -> None:
        """Ends what runs for the file; nothing of it is delivered after this."""
        self._ages.stop()
        self.outside.stop()
        self.runner.stop()
        self.busy.forget(self.runner)

    def _look_at_verdict(self) -> None:
        if self.verdict.found is Verdict.UNREADABLE:
            self.meet_damage()
        if (is_earlier := self.verdict.is_earlier) is not None:
            self.opened.database.is_earlier = is_earlier
        if is_earlier is False:
            self.lock.settle()
        told, lost = self._told_lost, None if self.verdict.is_broken else self.verdict.lost_end
        self._told_lost = lost
        if lost is None or (told is not None and lost.is_within(told)):
            return
        if self._lock_again(which_gone(lost.numbers)):
            self.say(f"{lost.in_words[:1].upper()}{lost.in_words[1:]}; writes are locked again")

    def _went_back(self, ends_at: int) -> None:
        """What was unlocked was another state; in this one whoever goes on is asked first."""
        entries = self.outside.lost_entries
        why = "An earlier state was brought back, or the end cut off"
        ends = f"the chain ends at entry {ends_at:,} now" if ends_at else "the chain has no entry any more"
        is_gone = AUDIT_CHAIN.name in self.gone
        words = f"The audit chain is gone: {self.without(AUDIT_CHAIN.name)}" if is_gone else f"{why}: {ends}"
        short = "the audit chain is gone" if is_gone else "the audit chain is in another state"
        if entries and not is_gone:
            short, last = which_gone([entry.number for entry in entries]), entries[-1]
            words = gone_in_words(entries)
            others = "others' entries stand behind it, or another line of entries in its place"
            words += f": {ends if ends_at < last.number else others}"
        words = words.removesuffix(".")
        if self._lock_again(short):
            words += "; writes are locked again"
        self.verdict.went_back(ends_at, self.clock(), entries)
        if entries and self.verdict.is_earlier is None:
            self.opened.database.is_earlier = True  # until something is known by verifying
        self.say(words)

    def _lock_again(self, why: str) -> bool:
        """Where something is found to be gone, whoever has found it: what was agreed to and unlocked was
        about another state. Whether writes were unlocked until now.
        """
        for caution in (EarlierState, WentBack):
            self.agreed.forget(caution(self.opened.database.place))
        return self.lock.needed and self.lock.lock_again(why)

    def job(
        self,
        text: str | Callable[[], str],
        work: Callable[[Monitor], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[errors.TenantAdminError], None] | None = None,
        **how: bool,
    ) -> Task:
        """Runs long work for this file and shows what it is until it has ended, as `Busy.run`. Whatever of it
        verifies keeps what it has found, which is looked up then.
        """

        def told(tell: Callable[[Any], None], what: Any) -> None:
            tell(what)
            self.verdict.may_be_another.emit()

        failed = partial(told, on_failed or self.runner.failed.emit)
        return self.busy.run(
            text, work, on_done=partial(told, on_done), on_failed=failed, runner=self.runner, **how
        )

    def _withdrawn(self, error: errors.ConnectionGone | None) -> None:
        """What was unlocked was a database by what the connection was then; also when it is that again."""
        if self.lock.needed:
            self.lock.lock()

    def ask_what_can_follow(self) -> None:
        """Whether an act can be recorded: else none is offered. Where rows are charged the act tells."""
        if self.costs:
            return

        def told(why: str | None) -> None:
            self._never = why
            if why is not None:
                self.closed.emit()

        self.runner.read(_never_follows, on_done=told, on_failed=lambda error: None)

    def ask_who_was_erased(self) -> None:
        """Not read of a live database unasked: an undo asks there whether its own entry is still there, and
        the page of tenants tells, where that is read.
        """
        if self.costs:
            return

        def told(found: frozenset[str]) -> None:
            self.erased = found
            self.history.forget(found)

        self.runner.read(_still_erased, on_done=told, on_failed=lambda error: None)

    def meet_damage(self) -> None:
        """Some of the file cannot be read: a person is told, and asked before the next act."""
        self.opened.database.damaged = True
        self.damaged.emit()

    @property
    def costs(self) -> bool:
        """Whether each row that is read costs something."""
        return self.opened.database.costs

    def charged(self, words: str) -> str:
        """The words, which say that something is charged, where it is: `wrangler dev` charges nobody."""
        return words if self.opened.database.charges else ""

    def is_much(self, rows: int) -> bool:
        """As `Database.is_much`."""
        return self.opened.database.is_much(rows)

    def when_agreed(
        self,
        rows: int,
        run: Callable[[], object],
        parent: QWidget,
        declined: Callable[[], object] = lambda: None,
        *,
        hint: str = "",
    ) -> None:
        """Runs what reads so many rows; where that is much, and each is charged, a person is asked first; a
        `hint` says what for.
        """
        if not self.is_much(rows):
            run()
            return
        from app.ui.session.lock import ask_to_read  # noqa: PLC0415 - rows show before

        charged = self.opened.database.charges
        much = errors.MuchToRead(self.opened.place, rows, "up to", charged=charged)
        asked = ask_to_read(self.theme, much, run, parent, hint=hint)
        asked.rejected.connect(declined)

    def when_compared(
        self,
        tenant: str,
        run: Callable[[], object],
        parent: QWidget,
        hold: Callable[[bool], object],
        *,
        times: int = 1,
    ) -> None:
        """Runs what compares an address with those of all of a tenant's users, so many times, which no index
        does; a person is asked first where that is much. How many these are is counted where it is not known,
        up to a fifth of all; `hold(True)` keeps the form as it is meanwhile, and `hold(False)` ends that.
        """
        from app.services.records.users import few_of  # noqa: PLC0415 - rows show before

        scope = Scope(tenant)

        def go() -> None:
            self.when_agreed(times * self.rows_of(USERS.name, scope), run, parent, hint=ADDRESSES)

        def told(found: int | None) -> None:
            if found is not None:
                self.know_rows(USERS.name, scope, found)
            if Shiboken.isValid(parent):
                hold(False)
                if had_focus is not None and Shiboken.isValid(had_focus):
                    had_focus.setFocus(Qt.FocusReason.OtherFocusReason)
                go()

        every = self.rows_of(USERS.name, scope)
        if (USERS.name, scope) in self._listed or not self.is_much(times * every):
            go()
        else:
            had_focus = parent.focusWidget()
            hold(True)
            few = min(MOST_READ // 2, every // _FEW_OF) // times
            self.runner.read(few_of, tenant, few, on_done=told, on_failed=lambda _: told(None))

    def is_dear(self, written: int, read: int) -> bool:
        """Whether an act that can be taken back is asked about for what it costs: where that is charged, and
        more is written, or read for it, than is done without a word.
        """
        return self.opened.database.charges and (written > MOST_WRITTEN or self.is_much(read))

    def price(self, written: int, *, read: int, going: int) -> str:
        """What an act that writes about so many rows takes, and reads so many at most for it, as a paragraph
        behind others; "" where nobody pays for that. Before several are `going` a bookmark is kept.
        """
        if not self.opened.database.charges:
            return ""
        kept = going > 1 and self.can(Capability.TIME_TRAVEL)
        rows = counted(written, "row")
        first = "A bookmark of what is there is kept first (File, Time Travel…). " if kept else ""
        return (
            f"\n\n{first}This takes about two requests, writes about {rows} of {self.opened.place} and reads "
            f"up to {read:,} again. All are charged, those of the audit chain and of indexes included."
        )

    def rows_of(self, table: str, scope: Scope) -> int:
        """How many rows a table has at most, as far as that is known; of a tenant, whose list was read, as
        many as that has, and as have come to the table since.
        """
        if (listed := self._listed.get((table, scope))) is None:
            return self.opened.sizes.get(table, 0)
        return listed[0] + self.opened.database.grown_by_others.get(table, 0) - listed[1]

    def know_rows(self, table: str, scope: Scope, rows: int) -> None:
        self._listed[table, scope] = rows, self.opened.database.grown_by_others.get(table, 0)

    def _hear(self, change: Change, initiator: object) -> None:
        self.sight.heard(change)
        for (table, scope), (rows, grown) in self._listed.items():
            self._listed[table, scope] = rows + change.coming(table), grown

    def can(self, capability: Capability) -> bool:
        return capability in self.opened.database.capabilities

    # Why something cannot be done, as a sentence for a disabled action; None when it can.

    def lacks(self, capability: Capability) -> str | None:
        return None if self.can(capability) else self.opened.elsewhere.get(capability) or _CANNOT[capability]

    @property
    def gone(self) -> frozenset[str]:
        """The tables that were there when it was opened, and are not any more."""
        return frozenset(self.opened.schema.stored.keys() - self.tables.keys())

    def know_tables(self, found: StoredTables) -> None:
        """Takes them as they are now. An audit chain that is gone has no end any more."""
        known, had = self.tables, self.gone
        self.tables = found
        if shape_of(known) != shape_of(found):
            self.tables_changed.emit()
        if AUDIT_CHAIN.name in self.gone - had:
            self.outside.went_back.emit(0)

    def without(self, table: str, *needs: str) -> str | None:
        """That the file lacks a table, or of it a column without which nothing can be written; None where
        nothing is missing.
        """
        columns, now = self.opened.schema.columns.get(table), self.tables.get(table)
        if columns is None or table in self.gone:
            return str(errors.TableMissing(table))
        there = columns if now is None else [name for name in columns if name in now.names]
        lacking = next((name for name in needs if name not in there), None)
        return None if lacking is None else str(errors.ColumnMissing(f"{table}.{lacking}"))

    @property
    def cannot_write(self) -> str | None:
        return self.cannot_agree or self.busy.asks

    @property
    def cannot_agree(self) -> str | None:
        """Why what a question is about cannot be done: the same, but that another question comes first."""
        if self.outside.error is not None:
            return f"{self.outside.error.heading}{NOTHING_NOW}"
        if self.outside.refusal is not None:
            return f"{self.outside.refusal.heading}{NOTHING_NOW}"
        if self.opened.read_only:
            return f"The {self.opened.kind} is open read-only, because {self.opened.read_only_reason}."
        if self._never is not None:
            return f"{self._never}, so no change could be recorded, and none can be made."
        if self.unsettled.error is not None:
            return "It is not known whether the last change was saved; check again before anything else."
        return "Writes are locked; unlock them first (File, Unlock writes…)." if self.lock.is_locked else None

    def act(
        self, function: Callable[..., Change], *args: Any, doing: str = "Writing…", **options: Any
    ) -> Task:
        """Runs an administrative act as the current actor, now; `Runner.changed` tells everybody of it.

        `options` are those of the act and of `Runner.write`; `doing` is what the status bar says where it
        takes long. The first act on a file without an audit chain
        waits for the person to say that it may go unrecorded, and so does each that takes a gateway's number.
        """
        failed = options.pop("on_failed", None)
        again = partial(self.act, function, *args, doing=doing, on_failed=failed, **options)
        told = partial(self._refused, again, failed)
        by: dict[str, Any] = {"actor": self.settings.actor, "now": self.clock(), "agreed": self.agreed}
        return self._write(doing, _carry_out, function, self.sight, *args, on_failed=told, **by, **options)

    def _write(
        self,
        doing: str,
        *args: Any,
        on_failed: Callable[[errors.TenantAdminError], None],
        on_done: Callable[[Any], None] | None = None,
        of: int = 0,
        **options: Any,
    ) -> Task:
        """Shows how far it is, of so many rows, where it takes long, unless a dialog does, or a wait for an
        answer is told.
        """
        write = partial(self.runner.write, *args, **options)
        if self.costs or not {"watching", "monitor"}.isdisjoint(options):
            return write(on_done=on_done, on_failed=on_failed)
        return self.busy.follow(doing, write, on_done=on_done, on_failed=on_failed, runner=self.runner, of=of)

    def _refused(
        self,
        again: Callable[[], object],
        failed: Callable[[errors.TenantAdminError], None] | None,
        error: errors.TenantAdminError,
    ) -> None:
        """Asks where a person must hear something first; it is done `again` once they have agreed, or where
        they try it again.
        """

        def agreed() -> None:
            if isinstance(error, Caution):
                self.agreed.add(error)
            again()

        unknown = self.unsettled.error
        if isinstance(error, errors.NotFound) and unknown is not None:
            error = errors.MayBeOwnDeletion(why=quoted(unknown.act) if unknown.act else "the last change")
        if isinstance(error, Caution):
            self.asks.emit(error, agreed, partial(failed, error) if failed else lambda: None, again)
        else:
            self._again = (error, again) if _may_go_well(error) else None
            (failed or self.runner.failed.emit)(error)

    def again(self, error: errors.TenantAdminError) -> Callable[[], object] | None:
        """Does once more what just failed with this; None where that would be of no use."""
        return self._again[1] if self._again is not None and self._again[0] is error else None


def _keep_own(opened: Opened, made: Sequence[OwnEntry]) -> None:
    """Remembers the entries of own acts: that they are gone is known then, whoever looks."""
    from app.services.chain.checkpoints.own_ends import OwnEnds  # noqa: PLC0415 - behind the first act

    OwnEnds(paths.checkpoints_dir()).keep(opened.where, made)


def _expect_own(opened: Opened, made: Sequence[tuple[str, str]], at: int, act: str) -> None:
    from app.services.chain.checkpoints.own_ends import OwnEnds  # noqa: PLC0415 - behind the first act

    OwnEnds(paths.checkpoints_dir()).expect(opened.where, made, at, act)


def _known_through(opened: Opened) -> int:
    """The last entry that checkpoints know of a live database, which others may have brought back."""
    from app.services.chain.checkpoints.store import CheckpointStore  # noqa: PLC0415 - behind the first rows

    with suppress(errors.TenantAdminError, OSError):  # of the store, which whoever verifies is told
        return CheckpointStore(paths.checkpoints_dir()).known_through(opened.where)
    return 0


def _may_go_well(error: errors.TenantAdminError) -> bool:
    """Whether nothing was done, and the same may be done later."""
    return error.is_retriable and not error.is_undecided


_FOUND = object()
"""Who announces what was found to be saved: none of those who go to what they have just done."""
_NOT_DONE = "Nothing was undone: the action just before it did not go through, as far as is known."
_GONE = "Nothing was done: that was undone or done again meanwhile, or its tenant was erased."

Acts = list[tuple[str, "Change"]]
Ask = Callable[["Change", Callable[[], None]], None]
"""Puts an act to the person before it is taken back or done again, and goes on where they agree."""


def _without_question(change: Change, go: Callable[[], None]) -> None:
    go()


class History(QObject):
    """What can be taken back of one open file, and done again: every change that `runner` announces.

    What it takes back, or does again, is a change like any other whose initiator it is. Where that is
    refused, because somebody has changed the record since, `Runner.failed` says so, and it can be tried
    again; the one before it, which is guarded by itself, is offered in its place (`before_refused`), and one
    that is refused twice in turn lets the older ones go first.
    `changed` when there is something else to undo, `begun` when a person has asked for it: the answer may
    take a while.
    `agreed` is what a person has agreed to, and `refused(again, failed, error)` asks them for more. `sight`
    hears what it writes; `write(doing, function, …)` is `Runner.write`, and says how far it is, `of` so many,
    where it takes long.
    """

    changed = Signal()
    begun = Signal()

    def __init__(
        self,
        runner: Runner,
        clock: Callable[[], int],
        parent: QObject | None = None,
        *,
        agreed: Agreed,
        refused: Callable[
            [Callable[[], object], Callable[[errors.TenantAdminError], None], errors.TenantAdminError], None
        ],
        sight: Sight,
        write: Callable[..., object] | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._write = write or (lambda doing, *args, of, **how: runner.write(*args, **how))
        self._clock, self._agreed, self._told, self._sight = clock, agreed, refused, sight
        self._pending = False
        # What is asked for meanwhile, in its order, and the act that was refused last, with why.
        self._waiting: deque[Callable[[], None]] = deque()
        self._tried: tuple[errors.TenantAdminError, tuple[str, Change]] | None = None
        self._rest: tuple[errors.TenantAdminError, Change, Callable[[Ask], None]] | None = None
        """What takes back the part of an act that nobody has changed since."""
        # What an act is called, and what was committed of it last, of which each direction is the inverse.
        self._done: Acts = []
        self._undone: Acts = []
        runner.changed.connect(self._remember)

    @property
    def next_undo(self) -> str:
        """What `undo` would take back; empty when there is nothing."""
        return self._done[-1][0] if self._done else ""

    @property
    def next_redo(self) -> str:
        return self._undone[-1][0] if self._undone else ""

    @property
    def ending(self) -> str:
        """What is lost where the file is closed to be written again, as a sentence; "" where nothing is."""
        if not self._done:
            return "What was undone cannot be done again afterwards." if self._undone else ""
        what = quoted(self.next_undo)
        if len(self._done) > 1:
            what = f"the {counted(len(self._done), 'act')} before it, {what} the last of them"
        return f"After this, {what} can no longer be undone."

    def undo(self, ask: Ask = _without_question) -> None:
        """Takes back the latest act, one that is running when it has ended; behind what was asked for before,
        unless that comes with a question or is refused. `ask(change, go)` may put it to the person first.
        """
        self._after_acts(partial(self._ask, ask, self._done, self._undone, "undone"))

    def redo(self, ask: Ask = _without_question) -> None:
        self._after_acts(partial(self._ask, ask, self._undone, self._done, "done again"))

    def _after_acts(self, revert: Callable[[], None]) -> None:
        """While an act is being written that one is meant, so that nothing is done where it fails."""
        self.begun.emit()
        is_next = self._runner.is_writing and not (self._pending or self._waiting)
        meant = self._runner.last_write if is_next else None

        def go() -> None:
            if meant is not None and meant.failed:
                self._not_begun(errors.NothingToDo(_NOT_DONE))
            else:
                revert()

        self._waiting.append(go)
        self._go_on()

    def _go_on(self) -> None:
        if self._waiting and not self._pending:
            self._pending = True
            self._runner.when_written(self._waiting.popleft(), self._not_begun)

    def _stop(self) -> None:
        """What was asked for behind it was meant for when it had been done."""
        self._pending = False
        self._waiting.clear()

    def _not_begun(self, error: errors.TenantAdminError) -> None:
        self._stop()
        self._runner.failed.emit(error)

    def _ask(
        self, ask: Ask, here: Acts, there: Acts, what: str, older: tuple[str, Change] | None = None
    ) -> None:
        """Of the latest act, or of an `older` one."""
        self._pending = False
        if not here:
            self._go_on()
            return
        act = older or here[-1]

        def go() -> None:
            # What was asked about is still the latest, or there.
            if not self._pending and any(one is act for one in (here if older else here[-1:])):
                self._revert(here, there, what, act)

        ask(act[1], go)
        if not self._pending:
            self._stop()

    def _revert(
        self, here: Acts, there: Acts, what: str, act: tuple[str, Change], part: "ActPart | None" = None
    ) -> None:
        """Of a part of it, the rest stays as it is."""
        self._pending = True
        text, change = act
        text = text if part is None else part.called(text)

        def took(inverse: Change) -> None:
            here[:] = [one for one in here if one is not act]
            if inverse.undoable:
                there.append((text, inverse))
            self.changed.emit()

        def take(inverse: Change) -> Change:
            named = replace(inverse, summary=_called(text, what))
            took(named)
            return named

        def if_there(go: Callable[[], None]) -> None:
            if any(one is act for one in here) and not self._pending:
                go()
            else:
                self._say_gone()

        def rest(part: "ActPart", ask: Ask) -> None:
            go = partial(self._revert, here, there, what, act, part)
            if_there(lambda: ask(part.change, partial(if_there, go)))

        def done(inverse: Change) -> None:
            self._pending = False
            took(inverse)
            self._go_on()

        def failed(error: errors.TenantAdminError) -> None:
            if isinstance(error, errors.MayBeIn) and error.may_be_in:
                error.take, error.called = take, _called(text, what)
            if isinstance(error, errors.ChangedSince) and error.part is not None:
                self._rest = error, change, partial(rest, error.part)
            self._refused(here, act, error)

        def again() -> None:
            if any(one is act for one in here):
                self._revert(here, there, what, act, part)

        self._write(
            f"{quoted(text)} is being {what}…",
            _revert,
            change,
            text,
            what,
            self._sight,
            now=self._clock(),
            agreed=self._agreed,
            part=part,
            initiator=self,
            of=len(change.rows) if len(change.rows) > 1 else 0,
            on_done=done,
            on_failed=partial(self._told, again, failed),
        )

    def found_saved(self, change: Any, error: errors.MayBeIn) -> None:
        """One whose answer was lost, and which is there: what it did, or took back, is as with any other."""
        if error.take is None:
            self._runner.announce(change, _FOUND)  # a person is elsewhere by now
        else:
            self._runner.announce(error.take(change), self)

    def before_refused(self, error: errors.TenantAdminError) -> str:
        """What an act is called that can be undone in the place of one whose undo failed with this; "" where
        there is none.
        """
        refused, of = self._tried or (None, None)
        is_next = error is refused and bool(self._done) and self._done[-1] is of
        return self._done[-2][0] if is_next and len(self._done) > 1 else ""

    def undo_before(self, error: errors.TenantAdminError, ask: Ask = _without_question) -> None:
        """Takes that one back; what was refused stays the next."""
        if self.before_refused(error):
            act = self._done[-2]
            self._after_acts(partial(self._ask, ask, self._done, self._undone, "undone", act))
        else:
            self._say_gone()

    def rest_of_refused(self, error: errors.TenantAdminError) -> str:
        """“Undo for the other 3”, of an act on many that failed with this because of some of them; "" where
        nothing could be taken back by itself.
        """
        if not isinstance(error, errors.ChangedSince) or self._rest is None or self._rest[0] is not error:
            return ""
        word = "Undo" if error.cannot == errors.ChangedSince.why else "Do again"
        return f"{word} for the other {'one' if error.others == 1 else f'{error.others:,}'}"

    def revert_rest(self, error: errors.TenantAdminError, ask: Ask = _without_question) -> None:
        """Does that; the records that others have changed stay as they are, and are not undone any more."""
        if self._rest is not None and self._rest[0] is error:
            revert = self._rest[2]
            self.begun.emit()
            self._runner.when_written(partial(revert, ask), self._not_begun)
        else:
            self._say_gone()

    def _say_gone(self) -> None:
        self._runner.failed.emit(errors.NothingToDo(_GONE))

    def forget(self, tenants: frozenset[str]) -> None:
        """Acts in the chains of these, which were erased, cannot be taken back: nothing is kept of them."""
        for acts in (self._done, self._undone):
            acts[:] = [act for act in acts if not act[1].chains & tenants]
        if self._rest is not None and self._rest[1].chains & tenants:
            self._rest = None
        self.changed.emit()

    def _remember(self, change: Change, initiator: object) -> None:
        if change.undoable and initiator is not self:
            self._done.append((change.summary, change))
            self._undone.clear()
            self.changed.emit()

    def _refused(self, here: Acts, act: tuple[str, Change], error: errors.TenantAdminError) -> None:
        self._stop()
        if isinstance(error, Caution):  # a person would not go on
            return
        if not _may_go_well(error):
            if self._tried is not None and self._tried[1] is act:
                here[:] = [act, *(one for one in here if one is not act)]
            self._tried = error, act
            self.changed.emit()
        self._runner.failed.emit(error)


# Rows show before any are written, so what writes is imported where it is used.


def _carry_out(
    database: Database, function: Callable[..., Change], sight: Sight, *args: Any, **how: Any
) -> Change:
    from app.services.records import writing  # noqa: PLC0415

    done = writing.carry_out(function, database, *args, **how)
    sight.written(done)
    return done


def _still_erased(database: Database) -> frozenset[str]:
    from app.services.records.belonging import still_erased  # noqa: PLC0415 - rows show before

    return still_erased(database)


def _never_follows(database: Database) -> str | None:
    from app.services.chain.append import never_follows  # noqa: PLC0415

    return never_follows(database)


def _revert(
    database: Database,
    change: Change,
    text: str,
    what: str,
    sight: Sight,
    *,
    now: int,
    agreed: Agreed,
    part: "ActPart | None" = None,
) -> Change:
    from app.services.records import writing  # noqa: PLC0415

    undone = writing.undo(database, change, now=now, agreed=agreed, act=quoted(text), what=what, part=part)
    done = replace(undone, summary=_called(text, what))
    sight.written(done)
    return done


def _called(text: str, what: str) -> str:
    """What took back, or did again, the act of that name."""
    return f"{quoted(text)} {what}"


class Outside(QObject):
    """Asks every `Database.look_seconds` from `start()` on, where the engine can tell, and where that costs
    something as long as the program is in front, or when it comes back: `written` when another program has
    written to the database, `displaced(Displaced)` when the file was moved or replaced or its log is gone,
    and with None when it is in its place again; `error` is which of them holds now. `went_back` when the
    audit chain ends at a lower number than it did, or another entry stands in the place of its last one, with
    the number of the last one now; `lost_entries`, while that is told, are those that are gone. While one
    question waits it asks no other unless somebody wants the answer; behind a long write they would pile up.

    `withdrawn(ConnectionGone)` when the connection by which a live database was opened is another or gone,
    which takes no request, and with None when it is as it was; `refusal` is which of them holds now.
    """

    written = Signal()
    withdrawn = Signal(object)
    displaced = Signal(object)
    went_back = Signal(object)

    def __init__(self, runner: Runner, database: Database, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._runner, self._database = runner, database
        self._can_tell = Capability.OUTSIDE_CHANGES in database.capabilities
        self._version: int | None = None
        self.error: Displaced | None = None
        self.lost_entries: tuple[LostEntry, ...] = ()
        self._asked, self._is_late = 0, False
        self._poll = QTimer(self, interval=int(database.look_seconds * 1000))
        self._poll.timeout.connect(self._due)
        self.refusal: errors.ConnectionGone | None = None
        self._kept = QTimer(self, interval=KEPT_MS)
        self._kept.timeout.connect(self._look_at_connection)

    def start(self) -> None:
        """What is written from now on is a change."""
        if self._database.withdrawn is not None:
            self._kept.start()
        if not self._can_tell:
            return
        self._poll.start()
        self._database.is_watched = True
        if not self._database.costs:
            self.look()
        else:
            self._version = 0  # the first rows tell the rest
            program = cast("QGuiApplication", QGuiApplication.instance())
            program.applicationStateChanged.connect(self._come_back)
            self._runner.failed_with.connect(self._hear)

    def _hear(self, error: errors.TenantAdminError) -> None:
        """What is missing now was there when the database was opened: others have changed its tables, or have
        brought it back to before.
        """
        if isinstance(
            error, errors.TableMissing | errors.ColumnMissing | errors.RowChanged | errors.BroughtBack
        ):
            self.look(everything=isinstance(error, errors.BroughtBack))
        elif isinstance(error, errors.WritesLocked):
            self.look_why()
        elif isinstance(error, errors.ConnectionGone):
            self._withdraw(error)

    @Slot()
    def look_why(self) -> None:
        """Where a reading has found an earlier state, and the engine has locked its writes."""
        if self._database.went_back is not None:
            self.look()

    def _look_at_connection(self) -> None:
        """One look at a time: while the readers wait for a slow database the others would pile up."""

        def look(database: Database) -> errors.ConnectionGone | None:
            return None if database.withdrawn is None else database.withdrawn()

        def told(error: errors.ConnectionGone | None) -> None:
            self._kept.start()
            self._withdraw(error)

        self._kept.stop()
        self._runner.read(look, on_done=told, on_failed=lambda error: self._kept.start())

    def _withdraw(self, error: errors.ConnectionGone | None) -> None:
        if str(error) != str(self.refusal):
            self.refusal = error
            self.withdrawn.emit(error)

    def _due(self) -> None:
        in_front = QGuiApplication.applicationState() is Qt.ApplicationState.ApplicationActive
        self._is_late = self._database.costs and not in_front
        if not self._is_late:
            self.look()

    @Slot(Qt.ApplicationState)
    def _come_back(self, state: Qt.ApplicationState) -> None:
        """Looks at once where that is due, and no sooner than usual after that."""
        if self._is_late and state is Qt.ApplicationState.ApplicationActive and self._poll.isActive():
            self._is_late = False
            self._poll.start()
            self.look()

    def stop(self) -> None:
        self._poll.stop()
        self._kept.stop()

    def look(self, then: Callable[[], object] | None = None, *, everything: bool = False) -> None:
        """Looks now; calls `then` when all that was written until now is known. Each look asks for some of
        the ends that were verified, one at `everything` for all.
        """
        if everything:
            self._database.looks_at_all = True
        elif then is None and self._asked:
            return
        then = then or (lambda: None)
        if not self._can_tell:
            then()
            return

        def told(version: int) -> None:
            self._displace(None)
            self._answer(then, version)

        def failed(error: errors.TenantAdminError) -> None:
            if isinstance(error, errors.FileMoved | errors.LogMissing):
                self._displace(error)
            self._answer(then, self._version)

        self._asked += 1
        # The writer's connection sees every other connection's commits, and not its own.
        look = partial(self._runner.write, lambda database: database.outside_changes(), only_looks=True)
        look(on_done=told, on_failed=failed)

    def _displace(self, error: Displaced | None) -> None:
        before, self.error = self.error, error
        if type(error) is not type(before):
            self.displaced.emit(error)

    def _answer(self, then: Callable[[], object], version: int | None) -> None:
        self._asked -= 1
        before, self._version = self._version, version
        if before is not None and version != before:
            self.written.emit()
        ends_at, self._database.went_back = self._database.went_back, None
        self.lost_entries, self._database.lost_entries = self._database.lost_entries, ()
        if ends_at is not None:
            self.went_back.emit(ends_at)
        self.lost_entries = ()
        then()
