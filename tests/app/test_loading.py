"""How Qt and the window's modules are loaded."""

import os
import subprocess
import sys
from pathlib import Path

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


def output(program: str) -> str:
    return subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout


def test_no_source_is_read_and_no_garbage_looked_for() -> None:
    assert output(PROGRAM) == "False False\n"


def test_a_wrong_call_of_qt_is_explained_as_ever() -> None:
    """PySide's explanations are loaded when one is asked; that they are deferred at all is held here, too."""
    deferred = "import sys; print(hasattr(sys.modules['shibokensupport.signature.parser'], '__getattr__'))\n"
    assert output(f"import PySide6.QtCore\n{deferred}") == "False\n"
    assert output(f"from app import loading; loading.prepare()\n{deferred}") == "True\n"
    explained = output(MISTAKES)
    assert "setObjectName(name: str, /)" in explained
    assert output(f"from app import loading; loading.prepare()\n{MISTAKES}") == explained


KINDS = """
import enum, os, sys
made = set()
new = enum.EnumType.__new__
def noting(kind, name, *rest, **options):
    made.add(name)
    return new(kind, name, *rest, **options)
enum.EnumType.__new__ = noting
from app import cli
from app.ui.shell.workspace import Workspace
def rows_are_there(workspace):
    print("EchoMode" in made, "WizardOption" in made, "StandardPixmap" in made, flush=True)
    os._exit(0)
Workspace._look_around = rows_are_there
cli.main([sys.argv[1]])
"""


def test_no_kind_of_widget_is_loaded_that_is_not_used(demo: Path, tmp_path: Path) -> None:
    """A call that returns an object Qt made itself can cost 35 ms: PySide loads all kinds it could be of."""
    environment = os.environ | {"TENANT_ADMIN_HOME": str(tmp_path)}
    arguments = [sys.executable, "-c", KINDS, str(demo)]
    done = subprocess.run(arguments, env=environment, capture_output=True, text=True, timeout=60, check=False)
    assert done.stdout == "True False False\n", done.stderr


LATER = (
    "apsw",
    "app.services.records",
    "app.services.files",
    "app.ui.tabs",
    "app.ui.widgets.dialogs",
    "models.tables",
)


def test_the_window_appears_before_tables_files_and_dialogs_are_loaded() -> None:
    loaded = output("import sys, app.application; print(*sys.modules)").split()
    assert not set(LATER) & set(loaded)
