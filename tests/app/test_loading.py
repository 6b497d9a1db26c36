"""How Qt and the window's modules are loaded."""

import subprocess
import sys

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
