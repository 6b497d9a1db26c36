"""kill -9 while files are made or migrated: what was to be made is there whole, or not at all.

A sixth of TENANT_ADMIN_KILLS is how often: each takes its time.
"""

import os
import subprocess
import sys
from pathlib import Path

import pytest

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "18")) // 6


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["import", "backup", "migrate"])
def test_killed_while_a_file_is_made_or_migrated(tmp_path: Path, kind: str) -> None:
    command = [sys.executable, "-m", "tests.fixtures.making", kind, str(tmp_path), str(KILLS), "1"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    *found, numbers = done.stdout.splitlines()
    assert (found, sum(map(int, numbers.split()))) == ([], KILLS)
