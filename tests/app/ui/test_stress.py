"""Random keys and clicks all over the window: no bug, no warning of Qt, no stall, and a closed one is freed.

`TENANT_ADMIN_STRESS` says how many acts, `TENANT_ADMIN_STRESS_SEED` which ones, `TENANT_ADMIN_STRESS_MS` the
longest stall that passes: 100 on a machine where nothing else runs. A failure tells the seed and the last
acts; `TENANT_ADMIN_STRESS_LOG` is a file that has them all even if the process dies.
"""

import gc
import os
import random
import shutil
import sys
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from types import FrameType, FunctionType, ModuleType
from weakref import ReferenceType, WeakSet, ref

import apsw
import pytest
from PySide6.QtCore import QObject, QPoint, QPointF, Qt, QUrl, Slot
from PySide6.QtGui import QDesktopServices, QKeySequence, QWheelEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLayout, QLayoutItem, QMenu, QMenuBar, QWidget
from pytestqt.exceptions import format_captured_exceptions
from pytestqt.qtbot import QtBot
from shiboken6 import getAllValidWrappers, isValid

from app.application import SWITCH_INTERVAL
from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.theme import Mode, Theme
from app.ui.widgets.later import later
from app.workers import runner
from app.workers.runner import finish
from tests.app.ui.conftest import AHEAD_MS
from tests.conftest import NOW
from tests.fixtures.heart import FELT_MS, Heart
from tests.fixtures.window import TABLES, ask

ACTS = int(os.environ.get("TENANT_ADMIN_STRESS", "100"))
SEED = int(os.environ.get("TENANT_ADMIN_STRESS_SEED", "1"))
STALL_MS = int(os.environ.get("TENANT_ADMIN_STRESS_MS", "5000"))

KEYS = (
    *(f"Ctrl+{place}" for place in range(1, 6)),
    *(
        "Down",
        "Down",
        "Up",
        "End",
        "Home",
        "PgDown",
        "Tab",
        "Tab",
        "Shift+Tab",
        "Return",
        "Space",
        "Del",
        "Esc",
    ),
    *(
        "Left",
        "Right",
        "F2",
        "F5",
        "F1",
        "Alt+F",
        "Shift+F10",
        "Shift+Down",
        "Shift+End",
        "V",
        "7",
        "Backspace",
    ),
    *(
        "Ctrl+A",
        "Ctrl+C",
        "Ctrl+V",
        "Ctrl+X",
        "Ctrl+F",
        "Ctrl+N",
        "Ctrl+E",
        "Ctrl+Z",
        "Ctrl+O",
        "Ctrl+W",
        "Ctrl+K",
    ),
    *(
        "Ctrl+I",
        "Ctrl+H",
        "Ctrl+T",
        "Ctrl+,",
        "Ctrl+Return",
        "Ctrl+Shift+Return",
        "Ctrl+Shift+N",
        "Ctrl+Shift+Z",
    ),
)
TEXTS = ("a", "acme-corp", "zoë@acme.example", "10", "https://a.example/x", "{}", "\u202e\u0000x", "x" * 3000)


def _press_and_let_go(target: QWidget, button: Qt.MouseButton, held: Qt.KeyboardModifier, at: QPoint) -> None:
    """As `QTest.mouseClick`, which lets go of a widget that is gone when a press has opened a menu, in whose
    loop other acts closed what it stood in.
    """
    QTest.mousePress(target, button, held, at)
    if isValid(target):
        QTest.mouseRelease(target, button, held, at)


class Walk(QObject):
    """Does one act after the other, each from the event loop: also within a menu or dialog that holds up
    whoever opened it. `over` when all are done, or a bug ended it.
    """

    def __init__(self, folder: Path, theme: Theme, heart: Heart, raised: Sequence[object]) -> None:
        super().__init__()
        self._folder, self._theme, self._heart, self._raised = folder, theme, heart, raised
        self._chance, self._depth = random.Random(SEED), 0
        self.done, self.seen, self.memory = deque[str](maxlen=40), Counter[str](), dict[int, str]()
        self.number, self.over = 0, False
        self.windows, self._closed = WeakSet[MainWindow](), list[MainWindow]()
        self._collecting_since: float | None = None
        gc.callbacks.append(self._leave_out_windows)
        self._files = sorted(folder.glob("*.sqlite"))
        self.open_window()
        later(self, 0, self._next)

    def open_window(self) -> None:
        settings = Settings()
        settings.utc_times = True
        self.window = MainWindow(self._theme, settings, lambda: NOW)
        self.windows.add(self.window)
        self.window.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose, False)
        self.window.resize(1280, 800)
        self.window.files.open(self._files[0])
        self.window.show()
        self.window.activateWindow()

    def _leave_out_windows(self, phase: str, _: dict[str, int]) -> None:
        """Garbage of a window that was closed is none of the program's, which ends with it."""
        if phase == "start":
            self._collecting_since = time.thread_time() if len(self.windows) > 1 else None
        elif self._collecting_since is not None:
            self._heart.leave_out(time.thread_time() - self._collecting_since)

    def stop(self) -> None:
        gc.callbacks.remove(self._leave_out_windows)

    @Slot()
    def _next(self) -> None:
        if self.number >= ACTS or self._raised:
            self.over = True
            self._leave()
            return
        later(self, self._chance.choice((0, 0, 0, 1, 10, 30)), self._next)
        self._heart.beat()
        self.number += 1
        if self.number in (1000, 5000, ACTS):
            gc.collect()
            resident = int(Path("/proc/self/statm").read_text().split()[1]) * 4 // 1024
            # Beside what there was to see: a file with all of its tabs takes 15 MB more than none.
            self.memory[self.number] = f"{resident} with {len(QApplication.allWidgets())} widgets"
            self._heart.skip()
        self._depth += 1
        try:
            self._act()
        finally:
            self._depth -= 1

    def _act(self) -> None:
        if not self.window.isVisible():  # it was closed
            self._closed.append(self.window)
            self.open_window()
            self._heart.skip()  # as a start
        if self._depth == 1:  # else keys may still come to it
            for old in self._closed:
                old.deleteLater()
            self._closed.clear()
        self._looking_since = time.thread_time()
        front = self._front()
        self.seen[type(front).__name__] += 1
        if self.window.workspace is None and front is self.window and not self.window.files.is_opening:
            if self._chance.random() < 0.5:
                self._do("open a file", lambda: self.window.files.open(self._chance.choice(self._files)))
                return
        elif self.window.workspace is not None:
            self.seen[(*TABLES, "tenants")[self.window.workspace.position]] += 1
        acts = (self._key, self._click, self._write, self._beside)
        (act,) = self._chance.choices(acts, (40, 46, 6, 8))
        if isinstance(front, QFileDialog) or self._depth > 6:
            self._within_files(front)
        elif isinstance(front, QMenu | QMenuBar) and self._chance.random() < 0.7:
            self._entry(front)
        elif front is not self.window and self._chance.random() < 0.15:
            self._do("Esc", lambda: QTest.keyClick(front, Qt.Key.Key_Escape))
        else:
            act(front)

    def _front(self) -> QWidget:
        """What a person could act on; it has the keyboard, as window managers see to it."""
        front = QApplication.activePopupWidget() or QApplication.activeModalWidget() or self.window
        active = QApplication.activeWindow()
        if QApplication.activePopupWidget() is None and (active is None or not active.isVisible()):
            front.activateWindow()
        return front

    def _do(self, words: str, act: Callable[[], object]) -> None:
        self._heart.act = f"{self.number}: {words}"
        self.done.append(self._heart.act)
        if log := os.environ.get("TENANT_ADMIN_STRESS_LOG"):
            with Path(log).open("a") as out:
                out.write(self._heart.act + "\n")
        self._heart.leave_out(time.thread_time() - self._looking_since)
        act()

    def _key(self, front: QWidget) -> None:
        keys, target = self._chance.choice(KEYS), QApplication.focusWidget()
        if target is None or target.window() is not front.window():
            target = front
        handle = self.window.windowHandle()  # where a person's keys come; that of a dialog may go meanwhile
        of_window = front is self.window and handle is not None
        press = partial(QTest.keySequence, handle if of_window else target, QKeySequence(keys))
        self._do(f"{keys} on {_name(target)}", press)

    def _click(self, front: QWidget) -> None:
        seen = [one for one in front.findChildren(QWidget) if one.isVisible() and one.isEnabled()]
        seen = [one for one in seen if one.window() is front.window() and not one.size().isEmpty()]
        telling = [one for one in seen if one.focusPolicy() != Qt.FocusPolicy.NoFocus or one.actions()]
        target = self._chance.choice(telling if telling and self._chance.random() < 0.7 else seen or [front])
        if isinstance(target, QMenuBar):
            self._entry(target)
            return
        at = QPoint(self._chance.randrange(target.width()), self._chance.randrange(target.height()))
        held = Qt.KeyboardModifier.NoModifier
        if self._chance.random() < 0.1:
            held = self._chance.choice(
                (Qt.KeyboardModifier.ShiftModifier, Qt.KeyboardModifier.ControlModifier)
            )
        (way,) = self._chance.choices(("click", "right click", "double click", "wheel"), (70, 12, 12, 6))
        words = f"{way} on {_name(target)}"
        left, right = Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton
        if way == "double click":
            self._do(words, lambda: QTest.mouseDClick(target, left, held, at))
        elif way == "wheel":
            self._do(words, lambda: self._turn(target, at))
        else:
            button = right if way == "right click" else left
            self._do(words, partial(_press_and_let_go, target, button, held, at))

    def _turn(self, target: QWidget, at: QPoint) -> None:
        by, place = QPoint(0, self._chance.choice((-480, 480))), QPointF(at)
        none, phase = Qt.MouseButton.NoButton, Qt.ScrollPhase.NoScrollPhase
        event = QWheelEvent(
            place, QPointF(target.mapToGlobal(at)), by, by, none, Qt.KeyboardModifier.NoModifier, phase, False
        )
        QApplication.sendEvent(target, event)

    def _entry(self, menu: "QMenu | QMenuBar") -> None:
        entries = [one for one in menu.actions() if one.isVisible() and not one.isSeparator()]
        if entries:
            entry = self._chance.choice(entries)
            at = menu.actionGeometry(entry).center()
            self._do(
                f"entry {entry.text()!r}", lambda: QTest.mouseClick(menu, Qt.MouseButton.LeftButton, pos=at)
            )
        else:
            self._do("Esc on an empty menu", lambda: QTest.keyClick(menu, Qt.Key.Key_Escape))

    def _write(self, front: QWidget) -> None:
        text, target = self._chance.choice(TEXTS), QApplication.focusWidget() or front
        QApplication.clipboard().setText(text)
        self._do(
            f"{text[:20]!r} into {_name(target)}", lambda: QTest.keySequence(target, QKeySequence("Ctrl+V"))
        )

    def _beside(self, front: QWidget) -> None:
        """What happens to the window from outside."""
        chance = self._chance
        acts: dict[str, Callable[[], object]] = {
            "resize": lambda: self.window.resize(chance.randrange(900, 1700), chance.randrange(560, 1100)),
            "dark": lambda: self._theme.set_mode(Mode.DARK),
            "light": lambda: self._theme.set_mode(Mode.LIGHT),
            "somebody else writes": self._write_outside,
        }
        if front is self.window:
            workspace = self.window.workspace
            if workspace is not None:
                acts["a tab"] = lambda: workspace.tabs.setCurrentIndex(chance.randrange(5))
            acts |= {
                "close": self.window.close,
                "open": lambda: self.window.files.open(chance.choice(self._files)),
                "menu bar": lambda: self._entry(self.window.menuBar()),
            }
        words = chance.choice(list(acts))
        self._do(words, acts[words])

    def _write_outside(self) -> None:
        with suppress(apsw.BusyError):  # the window is writing
            ask(self._files[0], "UPDATE notifications SET read = ? WHERE id = 1", self._chance.randrange(2))
        self._heart.skip()

    def _within_files(self, front: QWidget) -> None:
        """A dialog for files could reach beyond the test; here it stays in its folder, and mostly chooses."""
        if not isinstance(front, QFileDialog):
            self._do("Esc, deep inside", lambda: QTest.keyClick(front, Qt.Key.Key_Escape))
            return
        front.setOption(QFileDialog.Option.ReadOnly)
        if not Path(front.directory().absolutePath()).is_relative_to(self._folder):
            front.setDirectory(str(self._folder))
        if self._chance.random() < 0.05:  # what was asked of the file before goes with it
            self._do(
                "another file opens meanwhile",
                lambda: self.window.files.open(self._chance.choice(self._files)),
            )
            return
        way = self._chance.choice(("Esc", "Return", "choose", "Down", "click"))
        target = QApplication.focusWidget() or front
        if way == "choose":
            name = self._chance.choice((*(file.name for file in self._files), "out.csv", "none", "dump.sql"))
            self._do(f"choose {name}", lambda: front.selectFile(name))
        elif way == "click":
            self._click(front)
        else:
            self._do(f"{way} in the file dialog", lambda: QTest.keySequence(target, QKeySequence(way)))

    def _leave(self) -> None:
        """Takes back what holds up its opener, and closes the window."""
        held = QApplication.activePopupWidget() or QApplication.activeModalWidget()
        if held is None:
            self.window.close()
        else:
            later(self, 0, self._leave)
            held.hide()


def _name(widget: QWidget) -> str:
    return f"{type(widget).__name__} {widget.accessibleName()[:40]!r}"


def _held_by(weak: ReferenceType[MainWindow]) -> str:
    """What leads to a window and is referred to by more than the collector of garbage knows of, as by Qt, a
    thread that runs or a function that is under way; and the way from there. It keeps nothing itself.
    """
    if (window := weak()) is None:
        return "let go of since"
    gc.collect()
    there = {id(one): one for one in gc.get_objects()}
    counted, holders = Counter[int](), defaultdict[int, list[int]](list)
    for one in there.values():
        for two in gc.get_referents(one):
            counted[id(two)] += 1
            if not isinstance(one, FrameType | ModuleType):
                holders[id(two)].append(id(one))
    way = {id(window): ""}
    todo, words = deque[object]([window]), [f"{'living' if isValid(window) else 'ended'} window"]
    del window
    while todo and len(words) < 20 and len(way) < 99_999:
        one = todo.popleft()
        which = f" {one.__qualname__}" if isinstance(one, FunctionType) else ""
        said = f"{type(one).__module__}.{type(one).__qualname__}{which} > {way[id(one)]}"
        if (more := sys.getrefcount(one) - counted[id(one)] - 3) > 0:  # ours: `there`, `one`, the argument
            words.append(f"{more} of {said}")
        for holder in holders[id(one)]:
            if holder not in way:
                way[holder] = said[:400]
                todo.append(there[holder])
    return " | ".join(words)


@pytest.fixture
def folder(
    demo_path: Path, database_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Path]:
    """Files to open: of sample data, a new one, one of another program and one that is none."""
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr("app.ui.shell.workspace.AHEAD_MS", AHEAD_MS)  # as in the program
    ask(tmp_path / "other.sqlite", "CREATE TABLE cookies (id INTEGER PRIMARY KEY)")
    (tmp_path / "text.sqlite").write_text("no database")
    shutil.copy(demo_path, tmp_path / "copy.sqlite")
    demo_path.rename(tmp_path / "a.sqlite")
    yield tmp_path


class Sink(QObject):
    """Takes what would be given to other programs."""

    @Slot(QUrl)
    def take(self, url: QUrl) -> None: ...


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_random_acts(qtbot: QtBot, theme: Theme, folder: Path) -> None:
    sink = Sink()
    for scheme in ("file", "https", "http", "mailto"):
        QDesktopServices.setUrlHandler(scheme, sink, "take")  # type: ignore[arg-type]  # the stubs err
    heart, interval = Heart(), sys.getswitchinterval()
    sys.setswitchinterval(SWITCH_INTERVAL)  # as in the program
    with qtbot.captureExceptions() as raised:
        walk = Walk(folder, theme, heart, raised)
        try:
            qtbot.waitUntil(lambda: walk.over and not walk.window.isVisible(), timeout=1_000 * 7200)
        finally:
            heart.stop()
            walk.stop()
            sys.setswitchinterval(interval)
            for scheme in ("file", "https", "http", "mailto"):
                QDesktopServices.unsetUrlHandler(scheme)
            last = f"seed {SEED}, {walk.number} acts, the last: {'; '.join(walk.done)}"
            for paused, act in heart.pauses[:15]:
                print(f"{paused:.0f} ms in {act}")
            print(f"{len(heart.pauses)} pauses over {FELT_MS} ms; MB {walk.memory}; seen {dict(walk.seen)}")
    assert not raised, f"{last}\n{format_captured_exceptions(raised)}"
    # Qt ends these unheard, and PySide takes what comes in their place for them.
    items = [one for one in getAllValidWrappers() if isinstance(one, QLayoutItem)]
    assert not [one for one in items if not isinstance(one, QLayout)]
    # Closed files leave nothing set apart, and what was before the walk may hide no garbage of it.
    finish()
    qtbot.waitUntil(lambda: not runner._set_apart)
    gc.unfreeze()
    try:
        qtbot.waitUntil(lambda: gc.collect() >= 0 and len(walk.windows) <= 1)
    except qtbot.TimeoutError:
        running = [*runner._ending, *runner._left_behind, *threading.enumerate()]
        closed = [ref(one) for one in walk.windows if one is not walk.window]
        held = list(map(_held_by, closed))
        pytest.fail(f"held: {held}; running: {running}; {last}")
    longest = heart.pauses[0] if heart.pauses else (0.0, "")
    assert longest[0] < STALL_MS, f"{longest} {last}"
