"""An export stays below 1.8 times what sqlite3's `.dump` takes, in little memory."""

from pathlib import Path

import pytest

from tests.benchmarks.exporting import measure

pytestmark = pytest.mark.benchmark

ROWS = 200_000


def test_an_export_beside_a_dump(tmp_path: Path) -> None:
    found = measure(tmp_path, ROWS, 3)
    # Processor time, since a busy machine stretches the rest; Python's start weighs more with so few rows.
    assert found["export"][1] < found[".dump"][1] * 2.4
    assert found["export"][2] < 42
