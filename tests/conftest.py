"""Shared fixtures: everything a test keeps lives in its own tmp_path, and no display is needed."""

import gc
import os
import shutil
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pytestqt.qtbot import QtBot

from app import paths
from app.workers.system_keyring import SystemKeyring
from models.d1.shared import Shared
from models.engine import Database
from models.local.database import LocalDatabase
from models.local.migrations import create_database
from tests import matrix
from tests.fixtures.connected import connected
from tests.fixtures.keyrings import NO_KEYRING, Asked

if TYPE_CHECKING:
    from tests.d1.edge import Edge
    from tests.fixtures.live import Live

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Without bytecode each worker would prepare all test modules anew, and each child process the program.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

PATIENCE_MS = 60_000
"""How long a test waits for what never comes; what comes on a busy machine may take its time."""

for _wait in (QtBot.waitSignal, QtBot.waitSignals, QtBot.waitUntil):
    _wait.__kwdefaults__ = {**(_wait.__kwdefaults__ or {}), "timeout": PATIENCE_MS}

# A turn among the account's calls is waited for where that is what is tested.
Shared.__init__.__kwdefaults__ = {"per_second": 1e6, "burst": 1e6}
# Nothing here needs time to recover before it is asked again.
pytest.MonkeyPatch().setattr("models.d1.database._BACK_OFF", 0.02)

pytest.MonkeyPatch().setattr("app.workers.system_keyring.Children", Asked)

MEMORY = Path("/dev/shm")


def roomy(free: int) -> bool:
    """Whether tests may write to memory, with so many bytes free."""
    if not MEMORY.is_dir():
        return False
    memory = os.statvfs(MEMORY)
    has_room = memory.f_bavail * memory.f_frsize >= free
    return has_room and not memory.f_flag & (os.ST_RDONLY | os.ST_NOEXEC)


if roomy(2 << 30):
    # A third of the tests' time was the disk's. CI says where else, and needs no memory.
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """What `-n logical` means here: twice as many as there are processors, as two fifths of the tests' time
    are spent waiting for a child process, a socket or a limit.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(2, 2 * own)


NOW = 1_795_000_000
"""The moment the tests take place: 2026-11-18T11:06:40Z."""

MIGRATIONS = tuple(path.name for path in sorted(paths.migrations_dir().glob("*.sql")))


ON_REQUEST = {
    "packaging": "build and run the packaged program, too; needs binutils and, on Linux, Xvfb (see .ci/run)",
    "benchmark": "measure, too: only a quiet machine gives figures that mean anything",
}
"""Markers of tests that run only with the option of the same name."""


def pytest_addoption(parser: pytest.Parser) -> None:
    for name, meaning in ON_REQUEST.items():
        parser.addoption(f"--{name}", action="store_true", help=meaning)


@pytest.hookimpl(wrapper=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """Makes thousands of tests. Garbage is not looked for meanwhile, nor later among them, who all stay."""
    gc.disable()
    if session.config.args_source is pytest.Config.ArgsSource.TESTPATHS:
        _load_in_turn(session.config)
    done = yield
    gc.freeze()
    gc.enable()
    return done


def _load_in_turn(config: pytest.Config) -> None:
    """Loads all test modules, each worker beginning with another one. In a copy that has nothing yet each of
    them prepares a part, which takes longer than all else, and finds the others' done.
    """
    if (worker := getattr(config, "workerinput", None)) is None:
        return
    modules = sorted(path.relative_to(config.rootpath) for path in Path(__file__).parent.rglob("test_*.py"))
    first = int(worker["workerid"].removeprefix("gw")) * len(modules) // worker["workercount"]
    for path in modules[first:] + modules[:first]:
        with suppress(Exception):  # it is said by pytest, which tries again
            import_module(".".join(path.with_suffix("").parts))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    left_out = [name for name in ON_REQUEST if not config.getoption(f"--{name}")]
    deselected = {item for item in items if any(map(item.get_closest_marker, left_out))}
    # What somebody asks for by its name is not left out.
    if not matrix.EXHAUSTIVE and not config.option.keyword and not any("[" in one for one in config.args):
        deselected |= matrix.not_needed(items)
    config.hook.pytest_deselected(items=list(deselected))
    items[:] = [item for item in items if item not in deselected]
    # First, so that nobody waits for them at the end, and all on one worker, whose tests share a server.
    items.sort(key=lambda item: item.get_closest_marker("wrangler") is None)


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """What the tests' QApplication is made with."""
    from app.ui.theme import STYLE

    return ["tests", *STYLE]


@pytest.fixture(scope="session", autouse=True)
def _nobodys_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The same for fixtures that several tests share, which are made before a test has its own."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TENANT_ADMIN_HOME", str(tmp_path_factory.mktemp("home")))
        yield


@pytest.fixture(scope="session")
def _homes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A new, empty folder each time. Counted here: `mktemp` looks through all that are there, 4 ms a test."""
    folder = tmp_path_factory.mktemp("homes")

    def made(number: int) -> Path:
        home = folder / str(number)
        home.mkdir()
        return home

    return map(made, count())


@pytest.fixture(autouse=True)
def _own_home(_homes: Iterator[Path], monkeypatch: pytest.MonkeyPatch) -> None:
    """Settings, logs and keys of a test never meet those of the person who runs it, or of another test.

    The system has no keyring where a test says nothing else.
    """
    monkeypatch.setenv("TENANT_ADMIN_HOME", str(next(_homes)))
    monkeypatch.setenv("PYTHON_KEYRING_BACKEND", NO_KEYRING)
    monkeypatch.setattr(SystemKeyring, "_has_answered", False)


@pytest.fixture(scope="module")
def old_objects_apart() -> None:
    """For tests that wait until garbage is gone: each look is through what they made alone.

    A runner that ends after a great act gives all back to Python that was set apart, thousands of tests among
    it.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def _new_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("new") / "foundation.sqlite"
    create_database(path, paths.migrations_dir(), now=NOW)
    return path


@pytest.fixture
def served(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Path], Path]:
    """Copies a file to where the test may write to it; with a live `engine`, to where workerd serves it."""
    chosen = getattr(request.node, "callspec", None)
    if chosen is None or chosen.params.get("engine") != "d1":
        return lambda file: Path(shutil.copy(file, tmp_path / "foundation.sqlite"))
    live: Live = request.getfixturevalue("live")
    return live.put


@pytest.fixture
def database_path(_new_file: Path, served: Callable[[Path], Path]) -> Path:
    """A new, empty file with every migration applied."""
    return served(_new_file)


@pytest.fixture
def database(database_path: Path) -> Iterator[LocalDatabase]:
    """The new file, open for writing on the test's own thread."""
    with connected(database_path) as database:
        yield database


@pytest.fixture(params=["local", pytest.param("d1", marks=pytest.mark.wrangler)])
def engine(request: pytest.FixtureRequest, database_path: Path) -> Iterator[Database]:
    """The new file as what a portable service is given: itself, and by HTTP from `wrangler dev`.

    What has become of it is looked at through `database`, which is the file in both.
    """
    if request.param == "local":
        yield request.getfixturevalue("database")
        return
    live: Live = request.getfixturevalue("live")
    with (engine := live.open(database_path)).connection_context():
        yield engine


@pytest.fixture(scope="session")
def live(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator["Live"]:
    """A running `wrangler dev`; only tests that are marked so have it."""
    from tests.fixtures.live import serving

    if "not wrangler" in request.config.getoption("markexpr"):
        pytest.fail("What asks for `live` has the marker `wrangler`: the quick tests start none.")
    with serving(tmp_path_factory.mktemp("live") / "project") as server:
        yield server


@pytest.fixture(scope="module")
def _edge(live: "Live") -> Iterator["Edge"]:
    from tests.d1.edge import before

    with before(live.direct) as edge:
        yield edge


@pytest.fixture
def edge(_edge: "Edge") -> "Edge":
    """What stands before it and loses answers when it is told to."""
    _edge.be_as_new()
    return _edge
