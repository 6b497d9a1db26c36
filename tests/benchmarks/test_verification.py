"""Verification stays far below a plain loop, and a checkpoint's digest below half of it again."""

from pathlib import Path

import pytest

from tests.app.services.chain.verify.chains import ChainFile
from tests.benchmarks.verification import measure

pytestmark = pytest.mark.benchmark

ROWS = 120_000


def test_verification_beside_the_plain_loop(tmp_path: Path) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=ROWS // 40, tenants=40)
    chain.sql.close()
    found = measure(chain.path, ROWS, 2)
    # Processor time, since a busy machine stretches the rest; with all checks it stays below the loop's own.
    assert found["verify"][1] < found["plain"][1] * 1.4
    assert found["held"][1] < found["verify"][1] * 1.5
    assert max(size for _, _, size in found.values()) < 110  # two children and their parent
