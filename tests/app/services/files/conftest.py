"""Small platforms' databases, and the dump of one as a text that tests change."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import apsw
import pytest

from app.services.files.importing import Imported, import_dump
from tests.fixtures.dumping import write_dump
from tests.fixtures.sample import sample


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of the artifacts of its runs, most of what a dump would hold, one in twenty is left."""
    path = sample(tmp_path_factory.mktemp("source") / "demo.sqlite", rows=120)
    with closing(apsw.Connection(str(path))) as connection:
        connection.execute("DELETE FROM planning_artifacts WHERE rowid % 20 > 0")
    return path


@pytest.fixture
def live(tmp_path: Path) -> Path:
    """The database of a platform, with 300 audit entries."""
    return sample(tmp_path / "foundation.sqlite", rows=300)


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Another one, with 200."""
    return sample(tmp_path / "earlier.sqlite", rows=200)


@pytest.fixture(scope="session")
def texts(source: Path) -> dict[str, str]:
    """The dump as each of the two programs writes it."""
    dump = source.with_suffix(".sql")
    return {
        "sqlite3": write_dump(source, dump).read_text(encoding="utf-8"),
        "d1": write_dump(source, dump, d1=True).read_text(encoding="utf-8"),
    }


@pytest.fixture
def target(tmp_path: Path) -> Path:
    folder = tmp_path / "made"
    folder.mkdir()
    return folder / "new.sqlite"


@pytest.fixture
def run(tmp_path: Path, target: Path) -> Callable[..., Imported]:
    """Imports a text; nothing may be left at the target or beside it when that fails."""

    def work(content: str | bytes, *, strict: bool = False) -> Imported:
        dump = tmp_path / "export.sql"
        dump.write_bytes(content.encode() if isinstance(content, str) else content)
        try:
            return import_dump(dump, target, strict=strict)
        except BaseException:
            assert list(target.parent.iterdir()) == []
            raise

    return work
