"""What the windows and commands of a person share of a live D1."""

import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest

from models.d1.shared import LONGEST_PAUSE, Sent, Shared
from models.errors import CannotWrite

PROOF = {"sql": "SELECT seq FROM audit_chain WHERE hash = ?1", "params": ["ab"]}
HOUR = 3_600.0


def test_all_take_from_the_same_calls(tmp_path: Path) -> None:
    window, command = (Shared(tmp_path, per_second=1 / HOUR, burst=3) for _ in range(2))
    assert [one.take("a") for one in (window, command, window)] == [(0.0, False)] * 3
    wait, paused = command.take("a")
    assert (0 < wait <= HOUR, paused) == (True, False)
    assert command.take("b") == (0.0, False)


def test_they_come_again_with_time(tmp_path: Path) -> None:
    shared = Shared(tmp_path, per_second=1e9, burst=1)
    assert [shared.take("a")[0] for _ in range(5)] == [0.0] * 5


def test_what_runs_in_the_background_leaves_some_to_a_person(tmp_path: Path) -> None:
    shared = Shared(tmp_path, per_second=1 / HOUR, burst=14)
    assert [shared.take("a", background=True)[0] for _ in range(2)] == [0.0, 0.0]
    assert shared.take("a", background=True)[0] > 0
    assert [shared.take("a")[0] for _ in range(12)] == [0.0] * 12
    assert shared.take("a")[0] > 0


def test_all_wait_where_the_account_takes_none(tmp_path: Path) -> None:
    window, command = Shared(tmp_path), Shared(tmp_path)
    assert window.take("a") == (0.0, False)
    command.pause("a", time.time() + HOUR)
    wait, paused = window.take("a")
    assert (LONGEST_PAUSE - 60 < wait <= LONGEST_PAUSE, paused) == (True, True)
    assert window.take("b") == (0.0, False)
    window.pause("a", time.time() - 1)
    assert not command.take("a")[1]


def test_a_clock_that_is_put_back_keeps_nobody_waiting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared, now = Shared(tmp_path), time.time()
    with monkeypatch.context() as later:
        later.setattr("time.time", lambda: now + HOUR)
        assert shared.take("a") == shared.take("b") == (0.0, False)
        shared.pause("b", now + HOUR + LONGEST_PAUSE)
    for _ in range(2):
        assert shared.take("a") == shared.take("b") == (0.0, False)


@pytest.mark.slow
def test_what_a_program_left_that_is_no_more_is_found_by_the_next(tmp_path: Path) -> None:
    """What a living one has sent is its own, until it does not know."""
    code = f"""
from pathlib import Path
from models.d1.shared import Shared
shared = Shared(Path({str(tmp_path)!r}))
shared.forget(shared.keep("prod", {{"sql": "SELECT 1"}}))
shared.keep("prod", {PROOF!r})
assert shared.left("prod") == []
"""
    subprocess.run([sys.executable, "-c", code], check=True)
    shared = Shared(tmp_path)
    (left,) = shared.left("prod")
    assert (left.proof, 0 <= left.age() < 60, shared.left("other")) == (PROOF, True, [])
    shared.forget(left)
    mine = shared.keep("prod", PROOF)
    assert shared.left("prod") == []
    shared.unknown(mine)
    assert [one.proof for one in Shared(tmp_path).left("prod")] == [PROOF]


def test_what_was_sent_before_the_computer_started_is_as_old_as_that_at_least() -> None:
    up = time.monotonic()
    assert up <= Sent(1, PROOF, "", up + HOUR).age() < up + 60
    assert HOUR <= Sent(1, PROOF, "", up - HOUR).age() < HOUR + 60


def test_a_bookmark_of_a_state_that_has_one_already_is_kept_with_both_reasons(tmp_path: Path) -> None:
    shared = Shared(tmp_path)
    for name, why in (("01", "kept by you"), ("02", "before"), ("01", "before"), ("01", "kept by you")):
        shared.keep_bookmark("place", name, why)
    kept = [(one.name, one.why) for one in shared.bookmarks("place")]
    assert kept == [("01", "before; kept by you"), ("02", "before")]


def test_without_a_folder_it_is_remembered_as_long_as_the_process_runs() -> None:
    shared, other = Shared(burst=1, per_second=1 / HOUR), Shared()
    assert (shared.take("a")[0], other.take("a")[0]) == (0.0, 0.0)
    assert shared.take("a")[0] > 0
    shared.unknown(shared.keep("prod", PROOF))
    assert [type(one) for one in shared.left("prod")] == [Sent]


def test_nobody_else_reads_it(tmp_path: Path) -> None:
    shared = Shared(tmp_path / "new")
    shared.take("a")
    assert all(not stat.S_IMODE(path.stat().st_mode) & 0o077 for path in (tmp_path / "new").iterdir())
    assert not stat.S_IMODE((tmp_path / "new").stat().st_mode) & 0o077


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(CannotWrite):
        Shared(tmp_path / "file" / "folder").keep("prod", PROOF)
