"""Long work with its words, progress and cancel in the status bar, and what a write waits for.

And what a person asks for while rows for it are still being read, in the order in which it was asked.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QMenu, QSizePolicy, QWidget

from app.services.text import counted
from app.ui.theme import Theme
from app.ui.widgets.banner import LEAST_SAID, ProgressBar, WaitLine
from app.ui.widgets.buttons import give_menu, push_button
from app.ui.widgets.formatting import how_far, percent, time_left
from app.ui.widgets.labels import ElidedLabel, Look, in_row
from app.ui.widgets.later import later
from app.ui.widgets.tab_order import LentFocus
from app.workers.runner import Runner, Task
from models.engine import read_at_most
from models.errors import TenantAdminError
from models.progress import Monitor, Progress, Waiting, seldom

WAIT_SECONDS = 0.5
"""Whoever waits for longer is told for what."""

WAIT_LOOK_MS = 250

SOON_MS = 600
"""After which a write is shown: most are done by then."""


class ReadingText:
    """What a job does, as the status bar says it, with how many rows of a live database it reads once that is
    known, on whichever thread.
    """

    def __init__(self, doing: str) -> None:
        self.doing, self.rows = doing, 0

    def __call__(self) -> str:
        reads = f", which reads about {counted(self.rows, 'row')}" if self.rows else ""
        return f"{self.doing}{reads}…"

    def tell(self, rows: int) -> None:
        self.rows = rows

    def agreed(self, progress: Progress, most: int, place: str, rows: int, *, charged: bool = True) -> None:
        """Tells at once of what is to be read there. Raises `MuchToRead` where that is more than `most`."""
        read_at_most(most, rows, place, charged=charged)
        self.tell(rows)
        progress(0, rows)


_WIDE = 100
_BETWEEN = " · "
"""Pixels that tell how far something is."""


@dataclass(eq=False, slots=True)
class _UnderWay:
    """What is shown of one piece of work, and how a person ends it; `began` is by the monotonic clock. It is
    `of` so many that a person counts, where it measures itself in something else.
    """

    runner: Runner
    words: Callable[[], str]
    in_rows: bool
    end: Callable[[], object] | None
    began: float = field(default_factory=time.monotonic)
    task: Task | None = None
    is_over: bool = False
    is_ending: bool = False
    asks: bool = False
    of: int = 0
    done: int = 0
    total: int = 0

    def __str__(self) -> str:
        if self.is_ending:
            return f"{self.words()} · stopping…"
        if not self.total:
            return self.words()
        took = time.monotonic() - self.began
        if self.in_rows:
            return f"{self.words()} · {how_far(self.done, self.total, took, self.of)}"
        part, left = f"{percent(self.done, self.total)} of the work", time_left(self.done, self.total, took)
        return " · ".join(filter(None, (self.words(), part, left)))


class _Lead(ElidedLabel):
    """What it says last goes as a whole first: a part of a number is another one."""

    def shown(self) -> str:
        parts, room = self.text().split(_BETWEEN), self.contentsRect().width()
        for said in range(len(parts), 0, -1):
            words = _BETWEEN.join(parts[:said])
            if self.fontMetrics().horizontalAdvance(words) <= room:
                return words
        return self.fontMetrics().elidedText(parts[0], Qt.TextElideMode.ElideRight, room)


class Busy(QWidget):
    """Runs jobs, and shows the latest that is under way, if any; its button cancels what is shown. A menu has
    the others, and shows the one that is chosen.

    `shown()` when there is another one, or none; `ended()` when one of those is over, whatever came of it;
    `asking()` when what is to be asked is another, `asks`.
    """

    shown = Signal()
    ended = Signal()
    asking = Signal()
    _told = Signal(int, object, object)

    def __init__(self, theme: Theme, runner: Runner) -> None:
        super().__init__()
        self.runner = runner
        self._running: list[_UnderWay] = []
        self._asking: list[_UnderWay] = []
        self._written: dict[int, _UnderWay] = {}
        self._numbers = count()
        self.label = _Lead(look=Look.DIM, least=LEAST_SAID)
        self.label.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Preferred)
        self.bar = ProgressBar()
        self.bar.setFixedWidth(_WIDE)
        self.cancel_button = push_button(theme, "Cancel", self._cancel)
        self.others_button = push_button(theme, "1 more")
        give_menu(self.others_button, menu := QMenu(self.others_button))
        menu.setAccessibleName("Other work under way")
        menu.aboutToShow.connect(self._list_others)
        # The words come last: they change, and the buttons are not to move under the pointer.
        in_row(self.bar, self.cancel_button, self.others_button, self.label, None, within=self)
        self._lent = LentFocus(self)
        self._told.connect(self._hear, Qt.ConnectionType.QueuedConnection)
        self.hide()

    def run(
        self,
        text: str | Callable[[], str],
        work: Callable[[Monitor], Any],
        *,
        on_done: Callable[[Any], None],
        on_failed: Callable[[TenantAdminError], None] | None = None,
        can_cancel: bool = True,
        in_rows: bool = True,
        at_once: bool = True,
        asks: bool = False,
        runner: Runner | None = None,
    ) -> Task:
        """Starts `work(monitor)` and shows `text`, which may change, until it has ended; where that is not to
        be `at_once`, when it has taken a moment. Where it `asks` a person in the end, nothing is changed
        before: what they type for that question goes to the list that has the focus until then.

        `on_failed` is told of expected failures, `Cancelled` among them; without it `Runner.failed` says
        them. What `progress` counts is said in numbers where these are `in_rows`, else as a part of the work.
        It runs on the window's own runner unless another is given.
        """
        runs_on = runner or self.runner
        words = text if callable(text) else lambda: text
        shown = _UnderWay(runs_on, words, in_rows, None, asks=asks)
        start = partial(runs_on.job, work, on_progress=partial(self._advance, shown))
        job = self._begin(shown, start, on_done, on_failed or runs_on.failed.emit)
        if can_cancel:
            shown.end = job.cancel
        self._show(shown, at_once=at_once)
        if asks:
            self._asking.append(shown)
            self.asking.emit()
        return job

    @property
    def asks(self) -> str | None:
        """Why nothing else can be changed now, as a sentence: a question comes first."""
        words = self._asking[-1].words().rstrip("…") if self._asking else None
        return words and f"{words}: what you are asked then comes first, and nothing is changed before."

    def follow(
        self,
        text: str,
        write: Callable[..., Task],
        *,
        on_done: Callable[[Any], None] | None,
        on_failed: Callable[[TenantAdminError], None],
        runner: Runner,
        of: int = 0,
    ) -> Task:
        """Starts a write of `runner`, which takes who is `watching`, and shows it when it has taken a moment,
        as `of` so many rows, or as a part of the work.
        Where its button ends it, it fails with `Cancelled`, and nothing of it is left.
        """
        number, unwanted = next(self._numbers), set[int]()
        end = partial(unwanted.add, number)
        shown = self._written[number] = _UnderWay(runner, lambda: text, bool(of), end, of=of)
        monitor = Monitor(seldom(partial(self._told.emit, number)), lambda: bool(unwanted))
        start = partial(write, watching=monitor)
        task = self._begin(shown, start, on_done or (lambda _: None), on_failed)
        self._show(shown, at_once=False)
        return task

    @property
    def unfinished(self) -> list[str]:
        """What would come to nothing where the program ended now, the latest first."""
        return [str(one) for one in reversed(self._running) if one.end is not None and not one.is_ending]

    def forget(self, ended: Task | Runner) -> None:
        """Shows nothing more of a job, or of all that was under way on a runner that was stopped."""
        for one in (*self._running, *self._written.values()):
            if ended in (one.task, one.runner):
                self._drop(one)

    def give_way(self, waits: bool) -> None:
        """To the line that says what the job waits for: there is room for one of them, and for its Cancel."""
        task = self._running[-1].task if self._running else None
        is_its_own = bool(waits and task is not None and task.waiting is not None)
        for part in (self.label, self.bar):
            part.setHidden(is_its_own)

    def _begin(
        self,
        shown: _UnderWay,
        start: Callable[..., Task],
        on_done: Callable[[Any], None],
        on_failed: Callable[[TenantAdminError], None],
    ) -> Task:
        def finish(result: Any) -> None:
            self._drop(shown)
            on_done(result)

        def fail(error: TenantAdminError) -> None:
            self._drop(shown)
            on_failed(error)

        task = shown.task = start(on_done=finish, on_failed=fail)
        return task

    def _show(self, one: _UnderWay, *, at_once: bool) -> None:
        if at_once:
            self._add(one)
        else:
            later(self, SOON_MS, partial(self._add, one))

    def _add(self, one: _UnderWay) -> None:
        if not (one.is_over or (one.task is not None and one.task.cancelled)):
            self._running.append(one)
            self._show_latest()

    def _drop(self, one: _UnderWay) -> None:
        one.is_over = True
        if one in self._asking:
            self._asking.remove(one)
            self.asking.emit()
        self._written = {number: other for number, other in self._written.items() if other is not one}
        was_shown = self._running[-1:] == [one]
        self._running = [other for other in self._running if other is not one]
        if not self._running:
            self._lent.give_back()
            self.hide()
            self.shown.emit()
        elif was_shown:
            self._show_latest()
        else:
            self._count_others()
        self.ended.emit()

    def _hear(self, number: int, done: int, total: int) -> None:
        if (one := self._written.get(number)) is not None:
            self._advance(one, done, total)

    def _advance(self, one: _UnderWay, done: int, total: int) -> None:
        one.done, one.total = done, total
        if self._running[-1:] == [one]:
            self.bar.show_progress(done, total)
            self.label.setText(str(one))

    def _show_latest(self) -> None:
        latest = self._running[-1]
        text = latest.words()
        self.give_way(False)
        self.label.setText(str(latest))
        self.bar.setRange(0, 0)
        if latest.total:
            self.bar.show_progress(latest.done, latest.total)
        self.bar.setAccessibleName(text)
        self.cancel_button.setVisible(latest.end is not None)
        self.cancel_button.setEnabled(not latest.is_ending)
        self.cancel_button.setAccessibleName(f"Cancel: {text}")
        self._count_others()
        self.show()
        self.shown.emit()

    def _count_others(self) -> None:
        words = f"{len(self._running) - 1} more"
        self.others_button.setText(words)
        self.others_button.setAccessibleName(f"{words} under way")
        self.others_button.setHidden(len(self._running) == 1)

    def _list_others(self) -> None:
        menu = self.others_button.menu()
        menu.clear()
        for one in reversed(self._running[:-1]):
            menu.addAction(str(one).replace("&", "&&"), partial(self._choose, one))

    def _choose(self, one: _UnderWay) -> None:
        if not one.is_over:
            self._running = [*(other for other in self._running if other is not one), one]
            self._show_latest()

    def _cancel(self) -> None:
        latest = self._running[-1]
        self._lent.give_back()
        latest.is_ending = True
        self.cancel_button.setEnabled(False)
        self.label.setText(str(latest))
        if latest.end is not None:
            latest.end()


class Waits(QObject):
    """Says what is waited for, as `waiting()` has it, unless that is said elsewhere: in the dialog in front,
    where its own act may be what waits, or else in the `line` of the window. A person may end the wait there.
    """

    def __init__(self, waiting: Callable[[], Waiting | None], line: WaitLine, parent: QObject) -> None:
        super().__init__(parent)
        self._waiting, self._line = waiting, line
        timer = QTimer(self, interval=WAIT_LOOK_MS)
        timer.timeout.connect(self._look)
        timer.start()

    def _look(self) -> None:
        waiting = self._waiting()
        seconds = 0.0 if waiting is None else time.monotonic() - waiting.since
        if waiting is None or seconds < WAIT_SECONDS or waiting.is_said:
            return
        from app.ui.widgets.dialogs import Dialog  # noqa: PLC0415 - few wait

        front = QApplication.activeModalWidget()
        line = front.wait_line if isinstance(front, Dialog) and front.says_waits else self._line
        line.say(f"{waiting.what}: {seconds:.0f} s", partial(setattr, waiting, "cancelled", True))


@dataclass(eq=False)
class Turn:
    """What is done with what is still being read: None until it has come; and what has it read, where that
    waits for the turns before it. One that was `dropped` came to nothing.
    """

    go: Callable[[], object] | None = None
    begin: Callable[[], object] | None = None
    dropped: bool = False


class Turns:
    """Those of all tabs of one open file, whichever of several readers is the first to end."""

    def __init__(self) -> None:
        self._waiting: deque[Turn] = deque()

    def __bool__(self) -> bool:
        return bool(self._waiting)

    @property
    def last(self) -> Turn | None:
        return self._waiting[-1] if self._waiting else None

    def take(self) -> Turn:
        """The next one, which goes when it is given what to do and those before it have gone."""
        turn = Turn()
        self._waiting.append(turn)
        return turn

    def begin(self, turn: Turn, begin: Callable[[], object]) -> None:
        turn.begin = begin
        self._go_on()

    def give(self, turn: Turn, go: Callable[[], object]) -> None:
        turn.go = go
        self._go_on()

    def drop(self, turn: Turn, say: Callable[[], object] = lambda: None) -> None:
        """Nothing is done with it but to `say` so, in its turn."""
        turn.dropped = True
        self.give(turn, say)

    def _go_on(self) -> None:
        while self._waiting and (go := self._waiting[0].go) is not None:
            self._waiting.popleft()
            go()
        if self._waiting and (begin := self._waiting[0].begin) is not None:
            self._waiting[0].begin = None
            begin()
