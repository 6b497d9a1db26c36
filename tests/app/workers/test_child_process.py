"""What two processes of the program tell each other."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from app import bugs
from app.bugs import BugElsewhere
from app.services.errors import FileLocked, InvalidInput, TenantAdminError
from app.workers import child_errors
from app.workers.child_process import Child
from models.local.errors import translate

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    "error",
    [FileLocked(Path("a.sqlite"), "node (pid 7)"), InvalidInput("email", "That is no address.")],
)
def test_an_error_comes_back_as_it_was(error: TenantAdminError) -> None:
    found = child_errors.error_of(json.loads(json.dumps(child_errors.document(error))))
    assert (type(found), str(found), vars(found)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("kind", ["SomethingElse", "Path", translate.__name__])
def test_an_error_that_is_not_known_keeps_its_sentence(kind: str) -> None:
    found = child_errors.error_of({"kind": kind, "sentence": "It is so.", "facts": {}})
    assert (type(found), str(found)) == (TenantAdminError, "It is so.")


def test_a_bug_in_a_child_is_told_where_it_is_but_not_with_what() -> None:
    job = {"keys": None, "database": "a secret", "read_only": True}  # which lacks the rest
    with pytest.raises(BugElsewhere) as caught, Child("export", "export") as child:
        child.run(job, progress=lambda done, total: None, cancelled=lambda: False)
    told = bugs.details(caught.value)
    assert "builtins.KeyError" in told and "export_child.py" in told and "child_process.py" in told
    assert "secret" not in told + str(caught.value)


@pytest.mark.parametrize("module", sorted((ROOT / "app" / "workers").glob("*_child.py")))
def test_the_entry_point_knows_every_worker(module: Path) -> None:
    """As the packaged program starts them; it would open a window for what it does not know."""
    worker = module.stem.removesuffix("_child")
    code = f"""
import runpy, sys
sys.argv = ["tenant-admin", "--{worker}-worker"]
try:
    runpy.run_module("app", run_name="__main__")
except SystemExit as ended:
    print(ended.code, "app.workers.{module.stem}" in sys.modules, "app.cli" in sys.modules, file=sys.stderr)
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
    assert done.stderr.strip() == "0 True False"
