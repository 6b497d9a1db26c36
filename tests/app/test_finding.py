"""How the program's own modules are found."""

import os
import py_compile
import subprocess
import sys
from pathlib import Path

from tests.fixtures.processes import uncounted

PROGRAM = """
import sys
from importlib.machinery import PathFinder
from app import finding
finding.find_own_modules()
from app import services
from app.services import sample
print(sample.SAYS, sample.where.__code__.co_filename == sample.__file__)
if not __debug__:
    sys.exit()
own = sys.meta_path[0]
def told(spec):
    place = spec.origin, spec.cached, spec.has_location, spec.submodule_search_locations
    return spec.name, spec.parent, *place
within = {"app.services": sys.modules["app"].__path__, "app.services.sample": services.__path__}
for name, path in within.items():
    found, loaded = own.find_spec(name, path), sys.modules[name].__spec__
    print(told(found) == told(PathFinder.find_spec(name, path)) == told(loaded))
    print(type(found.loader) is type(loaded.loader))
print(own.find_spec("app.missing", sys.modules["app"].__path__), own.find_spec("json.decoder", ["/"]))
print(sample.__loader__.get_code("app.services.sample").co_filename == sample.__file__)
"""


def said(folder: Path, *options: str) -> list[str]:
    """By this program's own `finding`, in a folder that has a module of that name."""
    environment = uncounted() | {"PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": ""}
    command = [sys.executable, *options, "-c", PROGRAM]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def made(folder: Path) -> Path:
    """`app.services.sample`, beside what finds it; the modules are compiled under other names."""
    services = folder / "app" / "services"
    services.mkdir(parents=True)
    finding = Path(__file__).parents[2] / "app" / "finding.py"
    (folder / "app" / "finding.py").write_bytes(finding.read_bytes())
    sample = services / "sample.py"
    sample.write_text("SAYS = 'first'\ndef where(): pass\n")
    for path in (folder / "app" / "__init__.py", services / "__init__.py", sample):
        path.touch()
        py_compile.compile(str(path), dfile="elsewhere.py", doraise=True)
    return sample


FOUND = ["True"] * 4


def test_a_module_that_is_compiled_is_found_as_python_finds_it(tmp_path: Path) -> None:
    made(tmp_path)
    assert said(tmp_path) == ["first True", *FOUND, "None None", "True"]


def test_a_source_that_was_changed_since_is_what_counts(tmp_path: Path) -> None:
    sample = made(tmp_path)
    sample.write_text("SAYS = 'later'\ndef where(): pass\n")
    os.utime(sample, (0, 0))  # of the same size
    assert said(tmp_path)[0] == "later True"


def test_other_ways_of_compiling_are_left_to_python(tmp_path: Path) -> None:
    """What `-O` leaves out stays out."""
    made(tmp_path).write_text("SAYS = 'first' if __debug__ else 'optimised'\ndef where(): pass\n")
    assert said(tmp_path, "-O") == ["optimised True"]
