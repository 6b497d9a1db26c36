"""Programs that are killed while they act on a live database: the next start knows what has become of it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.d1.edge import Edge
from tests.fixtures.live import Live

pytestmark = [pytest.mark.wrangler, pytest.mark.slow]

KILLS = int(os.environ.get("TENANT_ADMIN_KILLS", "72")) // 6


def test_a_program_that_was_killed_leaves_nothing_unknown(
    edge: Edge, live: Live, file: Path, tmp_path: Path
) -> None:
    edge.delay, edge.chance = 0.05, 0.2
    command = [sys.executable, "-m", "tests.d1.killed", edge.base, live.ids[file], str(file)]
    done = subprocess.run(
        [*command, str(tmp_path / "home"), str(KILLS), "1"], check=True, capture_output=True, text=True
    )
    *problems, counts = done.stdout.splitlines()
    assert problems == []
    saved, not_saved, _ = map(int, counts.split())
    assert saved + not_saved >= KILLS // 2
