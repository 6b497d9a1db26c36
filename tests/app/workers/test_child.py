"""What two processes of the program tell each other."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from app import bugs
from app.bugs import BugElsewhere
from app.workers import child
from app.workers.child import WORKERS, Children
from models.errors import FileLocked, InvalidInput, TenantAdminError
from models.files.errors import translate
from models.progress import Monitor
from tests.fixtures.processes import left_by

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "error",
    [
        FileLocked(Path("a.sqlite"), "node (pid 7)"),
        InvalidInput("email", "That is no address."),
        child.ChildFailed("verification", "IOError: disk I/O error"),
    ],
)
def test_an_error_comes_back_as_it_was(error: TenantAdminError) -> None:
    found = child.error_of(json.loads(json.dumps(child.document(error))))
    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("kind", ["SomethingElse", "Path", translate.__name__])
def test_an_error_that_is_not_known_keeps_its_sentence(kind: str) -> None:
    found = child.error_of({"kind": kind, "sentence": "It is so.", "facts": {}})
    assert (type(found), str(found)) == (TenantAdminError, "It is so.")


@pytest.mark.slow
def test_a_bug_in_a_child_is_told_where_it_is_but_not_with_what() -> None:
    job = {"keys": None, "query": "a secret", "read_only": True}  # which is none
    with pytest.raises(BugElsewhere) as caught, Children("export", "export") as children:
        children.run([job], monitor=Monitor(lambda done, total: None, lambda: False))
    told = bugs.details(caught.value)
    assert "builtins.TypeError" in told and "export.py" in told and "child.py" in told
    assert "secret" not in told + str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_the_entry_point_runs_every_worker(worker: str) -> None:
    """As the packaged program starts them; it would open a window for what it does not know."""
    code = f"""
import runpy, sys
sys.argv = ["tenant-admin", "--worker", "{worker}"]
try:
    runpy.run_module("app", run_name="__main__")
except SystemExit as ended:
    loaded = ["{WORKERS[worker]}" in sys.modules, "app.cli" in sys.modules, "PySide6" in sys.modules]
    print(ended.code, *loaded, file=sys.stderr)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=os.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "0 True False False"
    assert json.loads(done.stdout) == {"begun": True}


@pytest.mark.slow
@pytest.mark.parametrize(("behind", "niceness"), [(True, child.BEHIND), (False, 0)])
def test_children_leave_the_processor_to_an_interface(behind: bool, niceness: int) -> None:
    with Children("scan", "verification", behind=behind) as children:
        (process,) = children._processes
        assert process.stdout is not None
        assert json.loads(process.stdout.readline()) == {"begun": True}
        assert os.getpriority(os.PRIO_PROCESS, process.pid) == max(os.nice(0), niceness)


@pytest.mark.slow
def test_no_child_outlives_its_block() -> None:
    with Children("scan", "verification", 2) as children:
        children.add()
        processes = list(children._processes)
        assert [process.poll() for process in processes] == [None, None, None]
        processes[0].send_signal(signal.SIGSTOP)  # which hears of nothing but being killed
    assert all(process.poll() is not None for process in processes)


@pytest.mark.matrix
@pytest.mark.slow
@pytest.mark.parametrize("listens", [False, True])
@pytest.mark.parametrize("worker", sorted(WORKERS))
def test_a_child_ends_when_its_caller_is_killed(worker: str, listens: bool, tmp_path: Path) -> None:
    """In the moment of being started, and while it waits for work."""
    caller = f"""
import os, signal
from app.workers.child import Children
children = Children("{worker}", "work", 3)
if {listens}:
    print(*(process.stdout.readline() for process in children._processes))
os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "TENANT_ADMIN_HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", caller], cwd=ROOT, env=environment, check=False)
    assert done.returncode == -signal.SIGKILL
    assert not left_by(tmp_path)
