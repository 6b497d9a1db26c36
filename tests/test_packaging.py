"""The packaged program, built and run as a person would: nothing of this Python reaches it."""

import configparser
import csv
import json
import os
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import apsw
import pytest

from app import __version__
from app.services.records.list_query import ListQuery

ROOT = Path(__file__).parents[1]
PACKAGING = ROOT / "resources" / "packaging"
ON_LINUX = sys.platform.startswith("linux")
SIZE_AIM = 120  # MB of 1024 * 1024 bytes, as `du -m` counts
ROWS = 60_000  # enough that children are worth starting
UNNEEDED = ("Qml", "Quick", "WebEngine", "Pdf", "Designer", "Charts", "Graphs", "Multimedia", "3D", "tkinter")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that PyInstaller makes."""
    out = tmp_path_factory.mktemp("packaged")
    where = ("--distpath", out / "dist", "--workpath", out / "work")
    done = subprocess.run(
        [sys.executable, "-m", "PyInstaller", PACKAGING / "tenant-admin.spec", *where, "--log-level", "WARN"],
        cwd=out,
        env=os.environ | {"PYINSTALLER_CONFIG_DIR": str(out / "cache")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return out / "dist" / "tenant-admin"


@pytest.fixture
def demo(folder: Path, tmp_path: Path) -> Path:
    """A file with sample data, made by the packaged program itself."""
    path = tmp_path / "demo.sqlite"
    done = run(folder, "demo", path, "--rows", str(ROWS))
    assert done.returncode == 0, done.stderr
    return path


def run(
    folder: Path, *arguments: str | Path, told: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs the packaged program where nothing of the source tree or its Python can be found.

    `told` is its standard input.
    """
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV"))
    }
    program = folder / ("tenant-admin.exe" if os.name == "nt" else "tenant-admin")
    return subprocess.run(
        [program, *arguments],
        cwd=folder.parent,
        env=kept | environment,
        input=told,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=150,
        check=False,
    )


@contextmanager
def display() -> Iterator[str]:
    """A real X server without a screen; it chooses a free display and says which."""
    reading, writing = os.pipe()
    server = subprocess.Popen(
        ["Xvfb", "-displayfd", str(writing), "-screen", "0", "1440x900x24", "-nolisten", "tcp"],
        pass_fds=[writing],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        os.close(writing)
        with os.fdopen(reading) as answer:
            yield f":{int(answer.readline())}"
    finally:
        server.terminate()
        server.wait(10)


@pytest.mark.packaging
@pytest.mark.timeout(900)
class TestBuilt:
    def test_it_knows_its_version(self, folder: Path) -> None:
        done = run(folder, "--version")
        assert (done.returncode, done.stdout.strip()) == (0, f"tenant-admin {__version__}")

    def test_it_is_small_and_whole(self, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
        files = [path for path in folder.rglob("*") if path.is_file() and not path.is_symlink()]
        size = sum(path.stat().st_size for path in files) / 1024**2
        with capsys.disabled():
            print(f"\nThe packaged program: {size:.1f} MB in {len(files)} files.")
        assert size <= SIZE_AIM
        assert [path for path in folder.rglob("*") if path.is_symlink() and not path.exists()] == []
        names = [path.name for path in folder.rglob("*")]
        assert [name for name in names if any(word in name for word in UNNEEDED)] == []
        for part in (
            "migrations/0000_initial.sql",
            "resources/icons/tenant-admin.svg",
            "LICENSE",
            "README.md",
        ):
            assert (folder / "_internal" / part).is_file()

    def test_it_verifies_with_its_own_children(self, folder: Path, demo: Path) -> None:
        done = run(folder, "verify", demo, "--json")
        assert done.returncode == 0, done.stdout + done.stderr
        report = json.loads(done.stdout)
        assert (report["verdict"], report["entries"], report["findings"]) == ("CONSISTENT", ROWS, [])

        connection = apsw.Connection(str(demo))
        connection.execute("UPDATE audit_chain SET payload = '{}' WHERE seq = 15000")
        connection.close()
        done = run(folder, "verify", demo, "--json")
        assert done.returncode == 1, done.stdout + done.stderr
        assert [(found["code"], found["seq"]) for found in json.loads(done.stdout)["findings"]] == [
            ("HASH", 15000)
        ]

    def test_it_exports_with_its_own_child(self, folder: Path, demo: Path, tmp_path: Path) -> None:
        job = {
            "database": str(demo),
            "read_only": True,
            "query": ListQuery("audit_chain").document(),
            "form": "csv",
            "keys": None,
            "most": None,
            "building": str(tmp_path / "out.csv"),
            "target": str(tmp_path / "out.csv"),
        }
        done = run(folder, "--worker", "export", told=json.dumps(job) + "\n")
        said = [json.loads(line) for line in done.stdout.splitlines()]
        assert (said[0], said[-1]) == ({"begun": True}, {"result": ROWS})
        with (tmp_path / "out.csv").open(newline="") as stream:
            assert sum(1 for _ in csv.reader(stream)) == ROWS + 1

    def test_it_says_what_a_file_holds_and_migrates_a_new_one(
        self, folder: Path, demo: Path, tmp_path: Path
    ) -> None:
        done = run(folder, "info", demo, "--json")
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)["tables"]["audit_chain"]["rows"] == ROWS
        done = run(folder, "migrate", tmp_path / "new.sqlite")
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "new.sqlite").is_file()

    def test_a_mistake_is_a_sentence(self, folder: Path, tmp_path: Path) -> None:
        done = run(folder, "verify", tmp_path / "nowhere.sqlite")
        assert done.returncode == 2
        assert "nowhere.sqlite" in done.stderr
        assert "Traceback" not in done.stdout + done.stderr

    def test_the_window_offscreen(self, folder: Path, demo: Path) -> None:
        self._look_around(run(folder, demo, "--self-test", QT_QPA_PLATFORM="offscreen"))

    if ON_LINUX:

        def test_the_window_on_a_real_x_server(self, folder: Path, demo: Path) -> None:
            with display() as name:
                self._look_around(run(folder, demo, "--self-test", QT_QPA_PLATFORM="xcb", DISPLAY=name))

    def _look_around(self, done: subprocess.CompletedProcess[str]) -> None:
        """The program opened the file, visited every tab, verified, and said so."""
        log = Path(os.environ["TENANT_ADMIN_HOME"]) / "logs" / "tenant-admin.log"
        details = log.read_text(encoding="utf-8") if log.is_file() else ""
        assert done.returncode == 0, done.stdout + done.stderr + details
        said = json.loads(done.stdout.splitlines()[-1])
        assert (said["ok"], said["verdict"], said["problem"]) == (True, "CONSISTENT", None)
        assert len(said["tabs"]) == 5
        assert all(rows > 0 for rows in said["tabs"].values()), said
        assert "Traceback" not in done.stderr


class TestDescriptions:
    """What desktops read about the program; no build is needed to check these."""

    def test_the_desktop_entry_starts_our_program_with_our_icon(self) -> None:
        entry = configparser.ConfigParser(interpolation=None)
        entry.optionxform = str  # type: ignore[assignment,method-assign]
        entry.read(PACKAGING / "tenant-admin.desktop", encoding="utf-8")
        said = entry["Desktop Entry"]
        scripts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["scripts"]
        assert said["Exec"].split()[0] in scripts
        assert (ROOT / "resources" / "icons" / f"{said['Icon']}.svg").is_file()

    def test_the_version_is_written_once_and_its_release_is_noted(self) -> None:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
        assert "version" not in project and project["dynamic"] == ["version"]
        (path,) = PACKAGING.glob("*.metainfo.xml")
        component = ET.parse(path).getroot()
        assert component.findtext("id") == path.name.removesuffix(".metainfo.xml")
        assert component.findtext("launchable") == "tenant-admin.desktop"
        assert component.findtext("project_license") == "MIT"
        newest = component.find("releases/release")
        assert newest is not None
        assert newest.get("version") == __version__
        assert newest.findtext("description/p"), "what is new in it"

    @pytest.mark.matrix(each=4)
    @pytest.mark.parametrize("size", [16, 24, 32, 48, 64, 128, 256, 512])
    def test_the_icon_comes_in_every_size(self, size: int) -> None:
        data = (ROOT / "resources" / "icons" / f"tenant-admin-{size}.png").read_bytes()
        assert data[:8] == b"\x89PNG\r\n\x1a\n"
        assert (int.from_bytes(data[16:20]), int.from_bytes(data[20:24])) == (size, size)
