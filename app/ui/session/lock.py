"""What a live database asks of a person: to unlock its writes, to check a lost answer, to wait."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtCore import QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

from app.services.text import counted, quoted
from app.ui.theme import Theme
from app.workers.runner import Runner
from models import errors
from models.engine import Database, Settled

if TYPE_CHECKING:
    from app.ui.widgets.dialogs import ConfirmDialog

T = TypeVar("T", bound=errors.TenantAdminError)

UNLOCKED_SECONDS = 900
"""For how long writes stay unlocked."""
ANOTHER = "Enter a token…"
"""Words of a button, wherever it is said that one is refused."""
_LOOK_MS = 2_000
"""How soon the window shows that they are locked; the engine knows it at once."""


class Lock(QObject):
    """Whether the writes of a database are locked; where a person `needs` to unlock them, they are at first.

    The engine itself refuses them then, whoever asks. `changed` when it is locked or unlocked.
    """

    changed = Signal()

    def __init__(self, database: Database, parent: QObject, *, needed: bool) -> None:
        super().__init__(parent)
        self._database, self.needed = database, needed
        self.why = ""
        """Why they were locked before their time, where they were."""
        self._ends = 0.0
        self._is_early = False
        self._timer = QTimer(self)
        self._timer.timeout.connect(self._look)
        if needed:
            database.writable_until = 0.0

    @property
    def is_locked(self) -> bool:
        return self.needed and time.time() >= self._database.writable_until

    @property
    def minutes_left(self) -> int:
        """For how many minutes, one at the least, writes stay unlocked; 0 where they are locked."""
        left = self._database.writable_until - time.time()
        return max(1, round(left / 60)) if self.needed and left > 0 else 0

    def unlock(self, seconds: int = UNLOCKED_SECONDS) -> None:
        """By the clock on the wall, which goes on while the computer sleeps; where that is set back, by the
        other one.
        """
        self._ends, self.why, self._is_early = time.monotonic() + seconds, "", False
        self._database.writable_until = time.time() + seconds
        self._timer.start(min(seconds * 1000, _LOOK_MS))
        self.changed.emit()

    def lock(self) -> None:
        """What has begun is written to its end; nothing is after it."""
        self._timer.stop()
        self._database.writable_until = 0.0
        self.changed.emit()

    def lock_again(self, why: str) -> bool:
        """Whether it was unlocked until now, for all that was told; the engine may have locked it before. Why
        it is locked is told anew where that was told before.
        """
        was_unlocked = self._timer.isActive() or self._is_early
        self._is_early = False
        if was_unlocked or self.why:
            self.why = why
        self.lock()
        return was_unlocked

    def settle(self) -> None:
        """What they were locked for is settled, as by whoever has accepted it."""
        if self.why:
            self.why = ""
            self.changed.emit()

    def _look(self) -> None:
        is_over = time.monotonic() >= self._ends
        if self.is_locked or is_over:
            self._is_early = not is_over
            self.lock()


def _within(error: BaseException, kind: type[T]) -> T | None:
    """The failure of that kind, also where it ended work that says so in words of its own."""
    return next((one for one in (error, error.__cause__) if isinstance(one, kind)), None)


_SAVED, _NOT_SAVED = "{} is saved.", "{} is not in the database; do it again."
_NOTHING_TELLS = "Nothing records whether {} is saved. What is shown was read again: look there."
_SOME_CHANGE = "The unconfirmed change"


def what_became(saved: bool | None, act: str) -> str:
    """Whether an act was saved, which was not known before, as a sentence; None where nothing tells that."""
    words = _NOTHING_TELLS if saved is None else _SAVED if saved else _NOT_SAVED
    return words.format(quoted(act) if act else _SOME_CHANGE)


class Unsettled(QObject):
    """That it is not known whether a change was saved: `error` says so, None where all is known.

    It hears of it by `Runner.failed_with`, asks by itself when it will be known at the latest, and when a
    write of this window has found it out (`Database.has_news`). `changed` when that is another,
    `settled(saved, act)` when a question has told whether the change was saved, None where nothing tells
    that, and which it was: as its summary says, or its last entry; `found` in its place where it was no act
    of this window: of an earlier run of the program, say. `saved(change, error)` before that, where it was
    one of this window, and is there. `outdated` when what is shown may lack another that is there.
    `became(Settled, act, own)` behind `settled` and `found`, with all that is known, or None.
    """

    changed = Signal()
    settled = Signal(object, str)
    found = Signal(object, str)
    became = Signal(object, str, bool)
    saved = Signal(object, object)
    outdated = Signal()

    def __init__(self, runner: Runner, parent: QObject) -> None:
        super().__init__(parent)
        self._runner = runner
        self.error: errors.OutcomeUnknown | None = None
        self.is_asking = False
        self._sent: list[errors.MayBeIn] = []
        """Of each act of this window that may be in, although no answer says so."""
        self._known = QTimer(self, singleShot=True)
        self._known.timeout.connect(self.ask)
        runner.changed.connect(self._look)
        runner.failed_with.connect(self._hear)

    def ask(self) -> None:
        """Asks the database, also for what an earlier run of the program has left open."""
        if not self.is_asking:
            self.is_asking = True
            self.changed.emit()
            self._runner.write(
                lambda database: database.settle(),
                only_looks=True,
                on_done=self._told,
                on_failed=self._not_told,
            )

    def _hear(self, error: errors.TenantAdminError) -> None:
        if (found := _within(error, errors.OutcomeUnknown)) is not None:
            if found.is_undecided:
                self._sent.append(found)
            elif self.error is not None:  # it is said of the same change
                found.act = self.error.act or found.act
            self.error = found
            if isinstance(found, errors.EarlierUnknown) and found.seconds is not None:
                self._known.start(round(found.seconds * 1000) + 500)
            self.changed.emit()
        elif (limited := _within(error, errors.MayBeIn)) is not None and limited.may_be_in:
            self._sent.append(limited)
        self._look()

    def _look(self, *_: object) -> None:
        if self._runner.has_news:
            self.ask()

    def _told(self, found: Settled | None) -> None:
        every = () if found is None else (*found.others, found)
        error, sent, self._sent = self.error, self._sent, []
        own: list[errors.MayBeIn | None] = []
        for one in every:
            own.append(next((each for each in sent if each.act == one.what), None))
            sent = [each for each in sent if each is not own[-1]]
        asked = [
            (each, each.made)
            for one, each in zip(every, own, strict=True)
            if one.saved and each is not None and each.made is not None
        ]
        end = partial(self._end, error, [*zip(every, own, strict=True)], sent)

        def made(database: Database) -> list[tuple[object, errors.MayBeIn]]:
            return [(made(database), error) for error, made in asked]

        if asked:  # the buttons wait for it, as an act in between would be undone first
            self._runner.read(made, on_done=end, on_failed=lambda _: end())
        else:
            end()

    def _end(
        self,
        error: errors.OutcomeUnknown | None,
        every: Sequence[tuple[Settled, errors.MayBeIn | None]],
        untold: Sequence[errors.MayBeIn],
        saved: Sequence[tuple[object, errors.MayBeIn]] = (),
    ) -> None:
        """What the `error` was about is known, but for what is `untold`; `saved` is what this window had sent
        of it, and is there.
        """
        self.is_asking = False
        if self.error is error:  # else another act's outcome has become unknown meanwhile
            self.error = None
            self._known.stop()
        self.changed.emit()
        for change, sent in saved:
            self.saved.emit(change, sent)
        for one, own in every:
            called = "" if own is None else own.called
            named = called or one.what or ("" if error is None else error.act)
            (self.found if own is None else self.settled).emit(one.saved, named)
            self.became.emit(
                one, named, isinstance(own, errors.OutcomeUnknown)
            )  # else it was said not to be done
        is_untold = error is not None and not every
        if error is not None and is_untold:
            self.settled.emit(None, error.act)
            self.became.emit(None, error.act, True)
        announced = [sent for _, sent in saved]
        if is_untold or any(one.saved and own not in announced for one, own in every):
            self.outdated.emit()
        answers = [*((one.saved, own) for one, own in every), *((None, own) for own in untold)]
        for answer, act in answers:
            if act is not None and act.told is not None:
                act.told(answer)
        if every:  # not before: a window that closes meanwhile tells nobody
            self._runner.read(lambda database: database.heard())

    def _not_told(self, error: errors.TenantAdminError) -> None:
        """That it is still not known was heard; anything else leaves it as it was."""
        self.is_asking = False
        self.changed.emit()


class Pause(QObject):
    """That the account takes no calls for a while: `error` says so. `changed` when that begins or ends."""

    changed = Signal()

    def __init__(self, runner: Runner, parent: QObject) -> None:
        super().__init__(parent)
        self.error: errors.RateLimited | None = None
        self._timer = QTimer(self, singleShot=True)
        self._timer.timeout.connect(self._end)
        runner.failed_with.connect(self._hear)

    def _hear(self, error: errors.TenantAdminError) -> None:
        if (found := _within(error, errors.RateLimited)) is not None:
            began, self.error = self.error is None, found
            self._timer.start(max(1_000, round((found.until - time.time()) * 1000) + 500))
            if began:
                self.changed.emit()

    def _end(self) -> None:
        self.error = None
        self.changed.emit()


class TokenWatch(QObject):
    """That the token of what is open is refused: `error` says so. `changed` when that begins or ends, which
    is looked for meanwhile: another program may have replaced it. `told` each time that work ended by it;
    `wanted` when a person is about to enter another.
    """

    changed = Signal()
    told = Signal(object)
    wanted = Signal()

    def __init__(self, runner: Runner, database: Database, parent: QObject) -> None:
        super().__init__(parent)
        self._database = database
        self.error: errors.TokenRefused | None = None
        self._timer = QTimer(self, interval=_LOOK_MS)
        self._timer.timeout.connect(self.look)
        runner.failed_with.connect(self._hear)

    def _hear(self, error: errors.TenantAdminError) -> None:
        found = _within(error, errors.TokenRefused)
        if found is None or not self._database.is_refused:  # it may be that of another database
            return
        began, self.error = self.error is None, found
        self._timer.start()
        if began:
            self.changed.emit()
        self.told.emit(found)

    def look(self) -> None:
        if self.error is not None and not self._database.is_refused:
            self._timer.stop()
            self.error = None
            self.changed.emit()


def ask_to_read(
    theme: Theme, much: errors.MuchToRead, agreed: Callable[[], object], parent: QWidget, *, hint: str = ""
) -> "ConfirmDialog":
    """Asks whether so much may be read where each row is charged; `hint` is how it could be less."""
    from app.ui.widgets.dialogs import ConfirmDialog  # noqa: PLC0415 - rows show before

    action = f"Read {counted(much.rows, 'row')}"
    sentence = f"{much} {hint}".strip()
    dialog = ConfirmDialog(theme, much.heading, sentence, action=action, danger=False, parent=parent)
    dialog.open_once(agreed)
    return dialog


def or_ask(
    theme: Theme,
    again: Callable[[int], object],
    parent: QWidget,
    failed: Callable[[errors.TenantAdminError], object],
) -> Callable[[errors.TenantAdminError], None]:
    """What hears how work ended: where a person has to agree to what is read they are asked, and it begins
    `again` then, up to so many rows; anything else has `failed`.
    """

    def heard(error: errors.TenantAdminError) -> None:
        if isinstance(error, errors.MuchToRead):
            ask_to_read(theme, error, partial(again, error.most), parent)
        else:
            failed(error)

    return heard
