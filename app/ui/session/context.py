"""What every tab and dialog of one open file is given: the means to read it, to act and to show it."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
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
from app.ui.session.history import History, may_go_well
from app.ui.session.lock import Lock, Pause, TokenWatch, Unsettled
from app.ui.session.outside import Outside
from app.ui.session.sight import Sight
from app.ui.session.verdict import FileVerdict, gone_in_words, which_gone
from app.ui.theme import Theme
from app.workers.runner import Runner, Task
from models import errors
from models.engine import MOST_READ, Capability, Database, OwnEntry
from models.progress import Monitor
from models.schema import StoredTables, shape_of

if TYPE_CHECKING:
    from app.services.chain.verify.report import LostEnd

_CANNOT = {
    Capability.BACKUP: "No copy can be saved of this database.",
    Capability.RESTORE: "Nothing can be put back into this database.",
    Capability.MIGRATE: "This database is migrated elsewhere.",
    Capability.TIME_TRAVEL: "A file has no Time Travel; restore it from a copy.",
}


AGES_MS = 15_000
"""After which words like "just now", which holds for a minute, are said again."""

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
            self._again = (error, again) if may_go_well(error) else None
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
