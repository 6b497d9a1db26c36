"""What is drawn to scale of a run's times, and what is folded."""

import pytest

from app.services.runs.run_timeline import PhaseLine, RunTimeline, Spent, TimeSpan
from app.ui.tabs.runs.timeline_view import TimeScale, ticks, time_scale
from models.status import DAY

START, MINUTE, HOUR = 1_790_000_400, 60, 3_600


def timeline(*lengths: int) -> RunTimeline:
    """Phases that follow each other, each as long as said, in seconds."""
    lines, at = [], START
    for number, length in enumerate(lengths):
        span = TimeSpan(Spent.APPROVED, at, at + length)
        lines.append(PhaseLine(f"phase-{number}", (), (span,), length, 0, is_current=False))
        at += length
    return RunTimeline(tuple(lines), (), START, at, goes_on=True, waits=False, done=0)


def folded(scale: TimeScale) -> list[str]:
    return [fold.words for fold in scale.folds]


@pytest.mark.parametrize(
    ("lengths", "words"),
    [
        ((10 * MINUTE, 5 * MINUTE, 20 * MINUTE), []),
        ((10 * MINUTE, 5 * MINUTE, 41 * HOUR), ["41 h"]),
        ((3 * DAY, 10 * MINUTE, 4 * DAY, HOUR, 2 * DAY), ["3 d", "4 d", "2 d"]),
        ((10 * MINUTE, 30 * MINUTE), []),
        ((0, 0, HOUR), []),
        ((HOUR,), []),
        ((0, 0), []),
    ],
    ids=["alike", "one", "three", "near", "of nothing", "alone", "no time"],
)
def test_what_is_far_longer_than_all_else_is_folded(lengths: tuple[int, ...], words: list[str]) -> None:
    found = time_scale(timeline(*lengths))
    assert folded(found) == words
    places = [found.place(START + sum(lengths[:number])) for number in range(len(lengths) + 1)]
    assert places == sorted(places) and places[0] == 0
    assert places[-1] == pytest.approx(1 if sum(lengths) else 0, abs=1e-9)
    assert found.place(START - DAY) == 0 and found.place(START + 400 * DAY) == pytest.approx(1)


def test_beside_a_long_wait_phases_are_in_scale_with_each_other() -> None:
    found = time_scale(timeline(10 * MINUTE, 30 * MINUTE, 90 * DAY))
    first, second = found.place(START + 10 * MINUTE), found.place(START + 40 * MINUTE)
    assert second == pytest.approx(4 * first) and second == pytest.approx(0.8)


def test_no_time_is_written_within_a_fold() -> None:
    found = time_scale(timeline(2 * HOUR, 30_000 * DAY, 2 * HOUR))
    (fold,) = found.folds
    written = ticks(found, utc=True)
    assert written[0] == (START, "2026-09-21 14:20")
    assert len(written) > 3 and not [at for at, _ in written if fold.began < at < fold.ended]
    assert ticks(time_scale(RunTimeline((), (), None, None, False, False, 0)), utc=True) == []
