"""The window ended from outside, as a real process: by its frame, Ctrl+C, the system, without a display."""

import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Collection
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from typing import TextIO

import apsw
import pytest
from PySide6.QtCore import QSettings

from tests.fixtures import chains
from tests.fixtures.dumping import write_dump
from tests.fixtures.processes import left_by, until, until_ended, until_open
from tests.fixtures.working import WORKS

ROUNDS = int(os.environ.get("TENANT_ADMIN_STRESS_ENDS", "3"))


def start(
    home: Path,
    path: Path,
    *arguments: str,
    work: str = "",
    out: TextIO | None = None,
    ignored: Collection[signal.Signals] = (),
    **more: str,
) -> "subprocess.Popen[str]":
    """The program with a file; with `work`, `tests.fixtures.working`, which tells `out` that it has begun.
    Some signals are `ignored`, as by nohup.
    """
    environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "TENANT_ADMIN_HOME": str(home), **more}
    program: list[str | Path] = ["tests.fixtures.working", path, work] if work else ["app", path]
    return subprocess.Popen(
        [sys.executable, "-m", *program, *arguments],
        env=environment,
        stdout=out,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=partial(heard, ignored),  # noqa: PLW1509 - it takes no lock
    )


def heard(ignored: Collection[signal.Signals] = ()) -> None:
    """In the child: what runs in the background ignores signals, and hands that on."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN if number in ignored else signal.SIG_DFL)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_closes_the_window(copy: Path, tmp_path: Path, name: str) -> None:
    home, kind = tmp_path / "home", signal.Signals[name]
    process = start(home, copy)
    until_open(process, home)
    process.send_signal(kind)
    said = until_ended(process)
    assert (process.returncode, said) == (128 + kind, "")
    assert "geometry" in (home / "settings.ini").read_text()
    assert {file.name for file in tmp_path.iterdir()} == {"home", copy.name}


@pytest.mark.slow
def test_what_ignores_the_signal_goes_on_ignoring_it(copy: Path, tmp_path: Path) -> None:
    home = tmp_path / "home"
    process = start(home, copy, ignored=[signal.SIGHUP])
    until_open(process, home)
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGTERM)
    until_ended(process)
    assert process.returncode == 128 + signal.SIGTERM


@pytest.mark.slow
@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_end_at_any_moment_leaves_nothing(copy: Path, tmp_path: Path, number: int) -> None:
    """TENANT_ADMIN_STRESS_ENDS says how often; the seed is the number of the test."""
    chance = random.Random(number)
    home, kind = tmp_path / "home", chance.choice([signal.SIGINT, signal.SIGTERM])
    process = start(home, copy)
    until_loaded = chance.uniform(0.02, 2.5)  # from before Python has read a line to long after the rows
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(until_loaded)
    process.send_signal(kind)
    said = until_ended(process)
    # Until the window stands there is nothing to put in order, and the signal itself ends the process.
    if said:  # Python itself was being loaded, which may also end with 1 then
        assert "KeyboardInterrupt" in said and "cli.py" not in said
    else:
        assert process.returncode in (128 + kind, -kind)
    assert not left_by(home)
    assert {file.name for file in tmp_path.iterdir()} <= {"home", copy.name}


@pytest.mark.slow
@pytest.mark.parametrize("number", range(ROUNDS))
def test_an_end_at_any_moment_of_work_leaves_nothing(copy: Path, tmp_path: Path, number: int) -> None:
    """By its close button, SIGTERM or Ctrl+C. What was being written is written or not begun."""
    chance = random.Random(number)
    home, scratch, told = tmp_path / "home", tmp_path / "scratch", tmp_path / "told"
    scratch.mkdir()
    write_dump(copy, tmp_path / "dump.sql")
    shutil.copy(copy, tmp_path / "earlier.sqlite")
    end, work = chance.choice(["close", "SIGINT", "SIGTERM"]), chance.choice(list(WORKS))
    after = chance.choice([0.0, chance.uniform(0, 0.1), chance.uniform(0, 2)])
    close = [str(round(after * 1000))] if end == "close" else []
    with told.open("w") as out:
        process = start(home, copy, *close, work=work, out=out, TMPDIR=str(scratch))
    if not close:
        until(process, lambda: "begun" in told.read_text())
        with suppress(subprocess.TimeoutExpired):
            process.wait(after)
        process.send_signal(signal.Signals[end])
    said = until_ended(process)
    said = re.sub(r"This plugin does not support .*\n", "", said)  # of Qt, without a display
    what = f"{end} {after:.3f} s after {work} had begun"
    assert (process.returncode, said) == (0 if close else 128 + signal.Signals[end], ""), what
    assert not left_by(home), what
    assert not list(scratch.iterdir()), what
    left = {file.name for file in tmp_path.iterdir() if not file.name.startswith("copy.before-restore.")}
    given = {"home", "scratch", "told", "dump.sql", "earlier.sqlite", copy.name}
    if work == "restoring":  # a connection that may only read leaves SQLite's own
        given |= {f"{name}{suffix}" for name in (copy.name, "earlier.sqlite") for suffix in ("-wal", "-shm")}
    assert left <= {*given, "out.csv", "out.sql", "imported.sqlite"}, what
    for database in tmp_path.glob("*.sqlite"):
        with closing(apsw.Connection(str(database))) as connection:
            assert connection.pragma("integrity_check") == "ok", what
            assert not chains.problems(connection), what
    kept = QSettings(str(home / "settings.ini"), QSettings.Format.IniFormat)
    assert kept.status() == QSettings.Status.NoError, what
    assert kept.contains("recent_files") or work == "opening", what
    assert not list(home.glob("settings.ini?*")), what  # no lock, and nothing half written


@pytest.mark.slow
@pytest.mark.parametrize("display", ["", ":4711", "no.such.host.invalid:0"])
def test_without_a_display_there_is_a_sentence(copy: Path, tmp_path: Path, display: str) -> None:
    process = start(tmp_path / "home", copy, QT_QPA_PLATFORM="", DISPLAY=display, WAYLAND_DISPLAY="")
    said = until_ended(process)
    assert process.returncode == 2
    assert said.startswith("tenant-admin: No display answers, so the window cannot be opened.")
    assert said.count("\n") == 1


@pytest.mark.slow
def test_a_platform_that_qt_does_not_have_is_a_sentence(copy: Path, tmp_path: Path) -> None:
    process = start(tmp_path / "home", copy, QT_QPA_PLATFORM="nonsense")
    said = until_ended(process)
    assert process.returncode == 2
    assert said.startswith("tenant-admin: QT_QPA_PLATFORM says “nonsense”, which Qt does not have here.")
    assert "offscreen" in said and said.count("\n") == 1
