"""An import stays below what the `sqlite3` program takes to restore the same dump, in little memory."""

from pathlib import Path

import pytest

from tests.benchmarks.importing import measure

pytestmark = pytest.mark.benchmark

ROWS = 40_000


def test_an_import_beside_a_restore(tmp_path: Path) -> None:
    found = measure(tmp_path, ROWS, 2)
    # Processor time, since a busy machine stretches the rest; Python's start weighs much with so few rows.
    assert found["import"][1] < found["sqlite3"][1] * 1.6
    assert found["import, d1"][1] < found["sqlite3, d1"][1] * 1.6
    assert max(found["import"][2], found["import, d1"][2]) < 40
