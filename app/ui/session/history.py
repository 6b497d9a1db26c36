"""What can be taken back of one open file, and done again."""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, Signal

from app.services.chain.cautions import Agreed, Caution
from app.services.records.change import Change
from app.services.text import counted, quoted
from app.ui.session.sight import Sight
from app.workers.runner import Runner
from models import errors
from models.engine import Database

if TYPE_CHECKING:
    from app.services.records.parts import ActPart

_FOUND = object()
"""Who announces what was found to be saved: none of those who go to what they have just done."""
_NOT_DONE = "Nothing was undone: the action just before it did not go through, as far as is known."
_GONE = "Nothing was done: that was undone or done again meanwhile, or its tenant was erased."

Acts = list[tuple[str, Change]]
Ask = Callable[[Change, Callable[[], None]], None]
"""Puts an act to the person before it is taken back or done again, and goes on where they agree."""


def _without_question(change: Change, go: Callable[[], None]) -> None:
    go()


def may_go_well(error: errors.TenantAdminError) -> bool:
    """Whether nothing was done, and the same may be done later."""
    return error.is_retriable and not error.is_undecided


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
        before = self._before(error)
        return "" if before is None else before[0]

    def _before(self, error: errors.TenantAdminError) -> tuple[str, Change] | None:
        """The latest on other records than all acts behind it: they would keep it from being undone, too."""
        refused, of = self._tried or (None, None)
        if error is not refused or not self._done or self._done[-1] is not of:
            return None
        later: list[Change] = []
        for act in reversed(self._done):
            ids = act[1].ids.items()
            if later and all(own.isdisjoint(one.ids.get(table, ())) for one in later for table, own in ids):
                return act
            later.append(act[1])
        return None

    def undo_before(self, error: errors.TenantAdminError, ask: Ask = _without_question) -> None:
        """Takes that one back; what was refused stays the next."""
        if (act := self._before(error)) is not None:
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
        if not may_go_well(error):
            if self._tried is not None and self._tried[1] is act:
                here[:] = [act, *(one for one in here if one is not act)]
            self._tried = error, act
            self.changed.emit()
        self._runner.failed.emit(error)


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
