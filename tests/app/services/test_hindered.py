"""A lock, a full disk or kill -9 at any moment of all that writes: nothing is lost, nothing untrue is said.

TENANT_ADMIN_HINDERED is how often. What a killed process has written is there, in memory as on a disk.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.conftest import MEMORY, roomy

ROUNDS = int(os.environ.get("TENANT_ADMIN_HINDERED", "3"))


@pytest.fixture
def in_memory(tmp_path: Path) -> Iterator[Path]:
    with TemporaryDirectory(dir=MEMORY if roomy(1 << 28) else tmp_path) as folder:
        yield Path(folder)


@pytest.mark.slow
@pytest.mark.parametrize("how", ["lock", "full", "kill"])
def test_hindered_at_any_moment(in_memory: Path, how: str) -> None:
    command = [sys.executable, "-m", "tests.fixtures.hindered", how, str(in_memory), str(ROUNDS), "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *found, numbers = done.stdout.splitlines()
    assert (found, sum(map(int, numbers.split()))) == ([], ROUNDS)
