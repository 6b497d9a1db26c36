"""How many rows in sight are still blank while a person scrolls: a part of `tests.benchmarks.live`."""

import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEventLoop, QTimer

from app import application
from app.settings import Settings
from app.ui.shell.window import MainWindow
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.theme import Mode, Theme
from models.d1.database import D1Database
from models.d1.shared import Shared

_TICK_MS: Final = 16
_PATIENCE_S: Final = 60.0

WAYS: Final = {
    "a screen every 100 ms": lambda tick, page, end: min(end, page * (tick * _TICK_MS // 100)),
    "a drag to the end in 2 s": lambda tick, page, end: min(end, end * tick * _TICK_MS // 2_000),
}
"""Where the scroll bar is at each tick, by the rows of a screen and its own end."""
_SECONDS: Final = 3.0


def blank(
    place: Path | str, prepare: Callable[[MainWindow], object] = lambda window: None
) -> Iterator[tuple[str, float, float, float, float]]:
    """Of each way to scroll the users: the percentage of rows that were blank when they were in sight, and of
    moments at which other rows were in sight than at the bar; for how many seconds the rows in sight were
    those of an earlier place of the bar, at most, and behind its end.
    """
    theme = Theme(Mode.LIGHT)
    theme.apply(application._application())
    window = MainWindow(theme, Settings(), lambda: int(time.time()))
    window.resize(1280, 800)
    window.show()
    prepare(window)
    opened: list[object] = []
    window.opened.connect(opened.append)
    window.open(place)
    _until(lambda: bool(opened))
    assert window.context is not None and window.workspace is not None
    if isinstance(database := window.context.opened.database, D1Database):
        database.client.shared = Shared(per_second=1e9, burst=1e9)
    tab = window.workspace.current()
    _until(lambda: tab.model.rowCount() > 0 and not any(_in_sight(tab)))
    for name, where in WAYS.items():
        yield name, *_scroll(tab, where)
    window.close()


def _scroll(tab: RecordTab, where: Callable[[int, int, int], int]) -> tuple[float, float, float, float]:
    """From the top; the percentage of rows that were blank at each tick, and of ticks aside from the bar; by
    how many seconds what was in sight then lagged behind, at most, and how long behind the bar's end.
    """
    bar = tab.table.verticalScrollBar()
    bar.setValue(0)
    _until(lambda: not any(_in_sight(tab)))
    seen: list[bool] = []
    aside: list[bool] = []
    lags, passed = [0.0], list[tuple[float, int]]()
    ended = 0.0
    begun = time.perf_counter()

    def step() -> bool:
        nonlocal ended
        now = time.perf_counter() - begun
        tick = int(now * 1000 / _TICK_MS)
        seen.extend(_in_sight(tab))  # what was shown until now: nothing comes in the moment that it moves
        held = tab.table.held_at
        aside.append(held is not None)
        if held is not None:
            lags.append(now - max((at for at, value in passed if value <= held), default=0.0))
        place = where(tick, bar.pageStep(), bar.maximum())
        if not passed or passed[-1][1] != place:
            ended = now
        bar.setValue(place)
        passed.append((now, place))
        return now > _SECONDS

    _until(step)
    last = max((at for (at, _), is_aside in zip(passed, aside, strict=True) if is_aside), default=0.0)
    return 100 * sum(seen) / len(seen), 100 * sum(aside) / len(aside), max(lags), max(0.0, last - ended)


def _in_sight(tab: RecordTab) -> list[bool]:
    """Of each row in sight whether it is blank."""
    table = tab.table
    last = table.rowAt(table.viewport().height() - 1)
    rows = range(max(0, table.rowAt(0)), (tab.model.rowCount() if last < 0 else last) + 1)
    return [tab.model.record(row) is None for row in rows if row < tab.model.rowCount()]


def _until(done: Callable[[], bool]) -> None:
    loop, begun = QEventLoop(), time.perf_counter()
    timer = QTimer(interval=_TICK_MS)

    def look() -> None:
        if done():
            loop.quit()
        elif time.perf_counter() - begun > _PATIENCE_S:
            raise TimeoutError

    timer.timeout.connect(look)
    timer.start()
    loop.exec()
