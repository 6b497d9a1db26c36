"""Free memory goes back to the system."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from app.workers import memory
from app.workers.memory import GarbageCollector

PIECE = 16_000


def resident() -> int:
    """Bytes of this process that are in memory."""
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.fixture
def collector() -> Iterator[GarbageCollector]:
    collector = GarbageCollector()
    yield collector
    collector.stop()


def test_what_is_free_between_pieces_in_use_goes_back_after_garbage(
    qtbot: QtBot, collector: GarbageCollector, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "GIVE_BACK_SECONDS", 0)
    collector._timer.start(10)
    pieces = [bytearray(b"x" * PIECE) for _ in range(2500)]
    kept = pieces[::50]
    del pieces
    held = resident() if sys.platform == "linux" else 0
    garbage = [[] for _ in range(2 * gc.get_threshold()[0])]  # type: ignore[var-annotated]
    if sys.platform == "linux":
        qtbot.waitUntil(lambda: resident() < held - 30_000_000)
    assert len(kept) == 50 and garbage
