"""Sample data as the command makes it."""

import shutil
from pathlib import Path

import pytest

from tests.fixtures.command import run


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """600 audit entries of three tenants, made now; not to be changed."""
    path = tmp_path_factory.mktemp("demo") / "demo.sqlite"
    done = run("demo", path, "--rows", 600, "--tenants", 3, "--seed", 7)
    assert (done.returncode, done.stderr) == (0, "")
    return path


@pytest.fixture
def copy(demo: Path, tmp_path: Path) -> Path:
    """A test's own copy of them."""
    return Path(shutil.copy(demo, tmp_path / "copy.sqlite"))
