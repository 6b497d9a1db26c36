"""How the window's modules are loaded."""

import subprocess
import sys

PROGRAM = """
import gc, linecache
from app import loading
loading.prepare()
import app.application, app.ui.shell.workspace
print(gc.isenabled(), any("tenant" in line for lines in linecache.cache.values() for line in lines[2]))
"""


def test_no_source_is_read_and_no_garbage_looked_for() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert done.stdout == "False False\n"
