"""Whether the program's files were replaced beneath it, by real files."""

import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app import replaced
from app.workers.child import CannotStart, Children

NAME = "models_of_a_test"


@pytest.fixture
def loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A module's file, which is there since before the program began."""
    file = tmp_path / f"{NAME}.py"
    file.write_text("")
    monkeypatch.setattr(replaced, "STARTED", file.stat().st_ctime + 0.001)
    monkeypatch.setattr(replaced, "_OWN", (NAME,))
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module(NAME)
    yield file
    del sys.modules[NAME]


@pytest.mark.parametrize("way", ("another", "an older one", "gone"))
def test_files_that_were_replaced_or_went_are_noticed(loaded: Path, way: str) -> None:
    assert not replaced.is_replaced()
    if way == "gone":
        loaded.unlink()
    else:
        new = loaded.with_suffix(".new")
        new.write_text("more = 1")
        if way == "an older one":  # as packages keep the times of their files
            os.utime(new, (1, 1))
        new.replace(loaded)
    assert replaced.is_replaced()


def test_a_process_that_cannot_start_then_says_so(loaded: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", str(loaded.with_name("no python")))
    for is_other in (False, True):
        if is_other:
            loaded.unlink()
        with pytest.raises(CannotStart) as refused:
            Children("tests.fixtures.none", "export")
        assert ("was replaced while it runs" in str(refused.value)) is is_other
        assert "Close it and start it again." in str(refused.value) or not is_other
