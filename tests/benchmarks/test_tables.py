"""The lists' figures on a small file, with bounds wide enough for a busy machine.

`BENCHMARK_ROWS=1000000` measures the real thing; `python -m tests.benchmarks.tables` prints it.
"""

import os
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication

from app.services.demo import create_demo
from tests.benchmarks import tables

pytestmark = pytest.mark.benchmark

ROWS = int(os.environ.get("BENCHMARK_ROWS", "20000"))


def test_lists_stay_near_their_floors(tmp_path: Path, qapp: QApplication) -> None:
    path = tmp_path / "demo.sqlite"
    create_demo(path, rows=ROWS, now=tables.NOW)
    theme = tables.themed(qapp)
    lines = [*tables.painting(path, theme, ROWS), *tables.stalls(path, theme), *tables.memory(path)]
    for line in lines:
        print(line)
    found = {(line.what, line.floor_name): line.ratio for line in lines}
    assert found["page, virtual model, Qt's own delegate", "QSqlTableModel, same view"] < 3
    assert found["any jump, nothing in between", "a page of the same"] < 3
    assert found["longest stall, keys by payload, scrolling", "25 ms"] < 10
    assert found["memory, jumping about (MB)", "constant text, same view"] < 2
