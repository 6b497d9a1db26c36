"""How a child process of this program is started.

A worker is a module `app.workers.<name>_child` whose `main()` serves what its standard input asks; the
packaged program starts itself again as `--<name>-worker` (`app.__main__`). Never imports Qt.
"""

import subprocess
import sys

_BOOT = (
    "import sys; sys.path[:] = sys.argv[1].split('\\n'); from app.workers.{worker}_child import main; main()"
)


def spawn(worker: str) -> "subprocess.Popen[bytes]":
    """A process of this program that runs `app.workers.<worker>_child`, its streams being pipes.

    Raises `OSError`.
    """
    if getattr(sys, "frozen", False):
        command = [sys.executable, f"--{worker}-worker"]
    else:
        # Nothing but Python and our own path: half of the time that a start takes otherwise.
        command = [sys.executable, "-I", "-S", "-c", _BOOT.format(worker=worker), "\n".join(sys.path)]
    return subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
    )
