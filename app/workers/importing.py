"""Makes a database of an SQL dump in a child process, for the limit on its memory is a whole process's: who
asks, and the child.

Never imports Qt.
"""

import shutil
from pathlib import Path
from typing import Any, BinaryIO

from app.services.files.importing import Imported, build_here
from app.workers.child import Caller, Children, Job, Orphaned
from models.files.atomic import expected_errors
from models.progress import Monitor


def build(dump: Path, building: Path, target: Path, monitor: Monitor) -> Imported:
    """As `build_here`; raises those of `Children`, too, and what has no class there by its sentence alone."""
    job = {"dump": str(dump), "building": str(building), "target": str(target)}
    with Children("import", "import") as children:
        (made,) = children.run([job], monitor=monitor)
    return Imported.of(made)


def work(job: Job, attached: BinaryIO, caller: Caller) -> dict[str, Any]:
    """In the child: fills the file `building`; gives what `Imported` is made of."""
    dump, building, target = (Path(job[name]) for name in ("dump", "building", "target"))
    try:
        with expected_errors(target):
            return build_here(dump, building, target, Monitor(caller.progress)).document()
    except Orphaned:
        shutil.rmtree(building.parent)  # nobody else is left to do so
        raise
