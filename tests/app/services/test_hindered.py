"""A lock, a full disk or kill -9 at any moment of all that writes: nothing is lost, nothing untrue is said.

TENANT_ADMIN_KILLS is how often.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROUNDS = int(os.environ.get("TENANT_ADMIN_KILLS", "10"))


@pytest.mark.slow
@pytest.mark.parametrize("how", ["lock", "full", "kill"])
def test_hindered_at_any_moment(tmp_path: Path, how: str) -> None:
    command = [sys.executable, "-m", "tests.fixtures.hindered", how, str(tmp_path), str(ROUNDS), "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *found, numbers = done.stdout.splitlines()
    assert (found, sum(map(int, numbers.split()))) == ([], ROUNDS)
