"""How Qt and the window's modules are loaded."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.fixtures.processes import uncounted
from tests.fixtures.sample import sample

PROGRAM = """
import gc, linecache
from app import loading
loading.prepare()
import app.application, app.ui.shell.workspace
print(gc.isenabled(), any("tenant" in line for lines in linecache.cache.values() for line in lines[2]))
"""
MISTAKES = """
from PySide6.QtCore import QObject, QPoint
for mistake in (lambda: QPoint("a"), lambda: QObject().setObjectName(3), lambda: print(QPoint.__doc__)):
    try:
        mistake()
    except TypeError as error:
        print(error)
"""


def output(program: str, **how: Any) -> str:
    return str(
        subprocess.run(
            [sys.executable, "-c", program], capture_output=True, text=True, check=True, **how
        ).stdout
    )


@pytest.mark.slow
def test_no_source_is_read_and_no_garbage_looked_for() -> None:
    assert output(PROGRAM) == "False False\n"


@pytest.mark.slow
def test_a_wrong_call_of_qt_is_explained_as_ever() -> None:
    """PySide's explanations are loaded when one is asked; that they are deferred at all is held here, too."""
    deferred = "import sys; print(hasattr(sys.modules['shibokensupport.signature.parser'], '__getattr__'))\n"
    assert output(f"import PySide6.QtCore\n{deferred}") == "False\n"
    assert output(f"from app import loading; loading.prepare()\n{deferred}") == "True\n"
    explained = output(MISTAKES)
    assert "setObjectName(name: str, /)" in explained
    assert output(f"from app import loading; loading.prepare()\n{MISTAKES}") == explained


BESIDE = """
import ctypes, os, sys, threading
from pathlib import Path
from app import libraries
libraries.start_new_thread = lambda run, given: run(*given)
libraries.load_beside()
maps = Path("/proc/self/maps").read_text()
print("libQt6Widgets" in maps, "libfontconfig" in maps, "PySide6" in sys.modules, flush=True)
together = threading.Barrier(3)
many = [threading.Thread(target=lambda: (bytearray(5_000), together.wait())) for _ in range(3)]
for one in many:
    one.start()
for one in many:
    one.join()
os.dup2(1, 2)
ctypes.CDLL(None).malloc_stats()
"""


def test_libraries_are_loaded_before_python_asks_for_what_is_in_them() -> None:
    loaded, *places = output(BESIDE).splitlines()
    assert loaded == "True True False"
    assert [line for line in places if line.startswith("Arena")] == ["Arena 0:"], "one for all threads"


IMPORTING = """
import sys
from app import libraries
called = []
libraries.start_new_thread = lambda *call: called.append(call)
libraries.load_beside()
there = set(sys.modules)
for run, given in called:
    run(*given)
print(len(called), set(sys.modules) - there)
"""


def test_the_thread_that_loads_libraries_imports_nothing_beside_the_program() -> None:
    """Python's imports are not safe for that: `importlib` in part imported has a second copy of itself."""
    assert output(IMPORTING) == f"{int(sys.platform == 'linux')} set()\n"


SELDOM = """
import sys
from app import seldom
seldom.put_off()
import inspect, textwrap
from inspect import isclass
print([name for name in ("ast", "dis", "tokenize") if name in sys.modules], isclass(int), isclass(3))
from textwrap import dedent
print(hasattr(textwrap, "__file__"), "re" in vars(textwrap), dedent(" a"))
print(textwrap is sys.modules["textwrap"])
import textwrap as real
print(textwrap.fill is real.fill, vars(textwrap)["fill"] is real.fill, hasattr(inspect, "nothing"))
from inspect import *
print(signature(isclass), isclass.__module__)
import peewee
from app import bugs
print(bugs.write("a bug"), bugs.log_file().read_text().endswith("a bug\\n"))
"""


HASHES = """
import sys
from app import seldom
seldom.put_off()
seldom.hash_without_openssl()
from app import loading
loading.prepare()
from app.ui.shell import workspace
workspace._load_the_rest(None)
import hashlib, hmac
from hashlib import sha256
print("_hashlib" in sys.modules, sha256(b"abc").hexdigest()[:8], hashlib.sha256().name)
print(hmac.new(b"key", b"abc", sha256).hexdigest() == hmac.new(b"key", b"abc", "sha256").hexdigest())
print("_hashlib" in sys.modules, hashlib.blake2b(b"abc").hexdigest()[:8])
"""


@pytest.mark.slow
def test_a_window_hashes_a_few_entries_without_openssl() -> None:
    """Nor does anything that it loads by itself."""
    assert output(HASHES, env=uncounted()).splitlines() == ["False ba7816bf sha256", "True", "True ba80a53f"]


def test_a_command_loads_no_other_sqlite(tmp_path: Path) -> None:
    path = sample(tmp_path / "a.sqlite", rows=20)
    program = (
        "import sys; from app.__main__ import main; main(); print(sys.modules['sqlite3'], file=sys.stderr)"
    )
    command = [sys.executable, "-c", program, "info", str(path)]
    assert (
        subprocess.run(command, capture_output=True, text=True, check=True, env=uncounted()).stderr
        == "None\n"
    )


def test_modules_that_are_seldom_used_are_loaded_when_they_are() -> None:
    assert output(SELDOM, env=uncounted()).splitlines() == [
        "[] True False",
        "False False a",
        "False",
        "True True False",
        "(object) inspect",
        "True True",
    ]


KINDS = """
import enum, os, sys
made = set()
new = enum.EnumType.__new__
def noting(kind, name, *rest, **options):
    made.add(name)
    return new(kind, name, *rest, **options)
enum.EnumType.__new__ = noting
from app import seldom
seldom.put_off()
from app import cli
from app.ui.shell.workspace import Workspace
def rows_are_there(workspace):
    print("EchoMode" in made, "WizardOption" in made, "StandardPixmap" in made)
    acts = ("chain.append", "records.writing", "records.export")
    others = ("gettext", "platform", "random", "_decimal", "_hashlib", "_sqlite3")
    names = (*(f"app.services.{name}" for name in acts), *others)
    print([name for name in names if name in sys.modules], flush=True)
    os._exit(0)
Workspace._look_around = rows_are_there
cli.main([sys.argv[1]])
"""


@pytest.mark.slow
def test_nothing_is_loaded_that_is_not_used_before_the_rows_are_there(demo: Path, tmp_path: Path) -> None:
    """A call that returns an object Qt made itself can cost 35 ms: PySide loads all kinds it could be of.
    What acts and exports need can cost 10 ms.
    """
    environment = uncounted() | {"TENANT_ADMIN_HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", KINDS, str(demo)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True False False\n[]\n", done.stderr


ENUMS = """
import enum, re
from app import loading
plain, waiting, made, entered = enum.EnumType._create_, enum._proto_member, [], []
loading.prepare()
quick = enum.EnumType._create_
def noting(cls, name, names, **options):
    made.append((cls, name, names, options | {"module": __name__}))
    return quick(cls, name, names, **made[-1][3])
def entering(value):
    entered.append(value)
    return waiting(value)
enum.EnumType._create_, enum._proto_member = noting, entering
from PySide6 import QtCore, QtGui, QtWidgets
for module in (QtCore, QtGui, QtWidgets):
    for name in dir(module):
        getattr(module, name)
by_python = len(entered)
made += [
    (enum.Enum, "Words", ["ONE", "TWO"], {"module": __name__}),
    (enum.Enum, "Taken", [("name", 1), ("value", 2)], {"module": __name__}),
    (enum.Enum, "Hidden", [("_a", 1), ("__b", 2)], {"module": __name__}),
    (enum.IntEnum, "Alias", [("ONE", 1), ("UN", 1)], {"module": __name__}),
    (enum.IntFlag, "Twice", [("A", 1), ("B", 1), ("C", 8)], {"module": __name__, "boundary": enum.STRICT}),
    (enum.Enum, "Named", [("A", 1)], {"module": __name__, "qualname": "Outer.Named"}),
    (enum.Enum, "Mixed", [("A", 1)], {"module": __name__, "type": int}),
    (enum.StrEnum, "Texts", [("A", "a")], {"module": __name__}),
    (enum.Flag, "Unsorted", [("B", 2), ("A", 1), ("AB", 3), ("NONE", 0)], {"module": __name__}),
]
def described(kind):
    members = [(name, repr(one), sorted(map(str, vars(one).items())))
        for name, one in kind.__members__.items()]
    tables = {name: repr(found) for name, found in vars(kind).items() if not callable(found)}
    text = repr((sorted(vars(kind)), tables, members, list(kind)))
    return re.sub("0x[0-9a-f]+", "", text)  # no addresses
def entered_at_once(cls, name, names, options):
    return type(vars(quick(cls, name, names, **options))["_member_map_"]) is dict
at_once = [name for cls, name, names, options in made if entered_at_once(cls, name, names, options)]
print(at_once)
other = [name for cls, name, names, options in made
    if described(quick(cls, name, names, **options)) != described(plain(cls, name, names, **options))]
print(len(made) > 500, by_python, other)
"""
IS_311 = sys.version_info[:2] == (3, 11)
"""Another Python makes its enums and dataclasses itself."""


@pytest.mark.slow
def test_enums_of_qt_are_as_python_makes_them_without_its_many_looks_at_each_member() -> None:
    at_once, last = output(ENUMS).splitlines()
    many, by_python, other = last.split(maxsplit=2)
    assert (many, by_python == "0", other) == ("True", IS_311, "[]")
    if IS_311:
        assert at_once == "['Words', 'Taken', 'Hidden', 'Named', 'Mixed', 'Texts']"


METHODS = """
import dataclasses
from app import loading
loading.prepare()
@dataclasses.dataclass(frozen=True, slots=True, order=True)
class Point:
    '''Where.'''
    x: int
    y: int = dataclasses.field(default=0, repr=False)
class Pixel(Point):
    pass
def compiled():
    return [name for name, found in vars(Point).items()
        if hasattr(found, "__code__") and found.__code__.co_filename == "<string>"]
print(compiled(), Pixel(1, y=2).y, compiled())
try:
    Point()
except TypeError as error:
    print(error)
try:
    Point(1).x = 2
except dataclasses.FrozenInstanceError as error:
    print(error)
print(Point(1), Point(1) == Point(1), Point(1) == 1, Point(1) < Point(2), {Point(1): 1}[Point(1)])
"""


def test_methods_of_a_dataclass_are_compiled_when_they_are_called() -> None:
    compiled, *behaviour = output(METHODS).splitlines()
    assert (compiled == "[] 2 ['__init__']") is IS_311
    missing = "Point.__init__() missing 1 required positional argument: 'x'"
    assert behaviour == [missing, "cannot assign to field 'x'", "Point(x=1) True False True 1"]


LATER = (
    "apsw",
    "app.services.records",
    "app.services.files",
    "app.ui.tabs",
    "app.ui.widgets.dialogs",
    "models.tables",
)


@pytest.mark.slow
def test_the_window_appears_before_tables_files_and_dialogs_are_loaded() -> None:
    loaded = output("import sys, app.application; print(*sys.modules)").split()
    assert not set(LATER) & set(loaded)


COMPILED = """
import gc
import app.application, app.ui.shell.workspace, app.ui.tabs.users
from models.patterns import compiled_later
later = [one for one in gc.get_objects() if type(one) is type(compiled_later(""))]
print(len(later) > 20, [one.pattern for one in later if len(vars(one)) > 2])
print(compiled_later("(a)B", 2).sub(r"\\1", "xABx"), compiled_later("a").fullmatch("ab"))
"""


@pytest.mark.slow
def test_no_pattern_is_compiled_that_nothing_has_asked_for() -> None:
    assert output(COMPILED).splitlines() == ["True []", "xAx None"]
