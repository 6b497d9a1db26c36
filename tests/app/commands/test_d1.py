"""Connections to live databases by command, and other commands that are given one in place of a file."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import httpcore
import psutil
import pytest

from app import bugs, paths
from app.commands.common import used
from app.services.deliveries.signing import OldSecret, OldSecrets
from app.services.live.connections import ENVIRONMENT, Connections, NamedConnection
from app.services.live.dev_server import project_of
from app.services.records.webhooks import Secret
from app.workers.system_keyring import SystemKeyring
from models.d1.shared import Shared
from models.engine import Usage
from models.errors import InvalidInput
from tests.app.services.chain.verify.chains import ChainFile
from tests.d1.edge import ACCOUNT, TOKEN, Edge
from tests.fixtures.appending import append
from tests.fixtures.command import run
from tests.fixtures.keyrings import Desktop
from tests.fixtures.live import Live
from tests.fixtures.sample import sample
from tests.fixtures.stored import stored
from tests.fixtures.window import ask

ADD = ("d1", "add", "prod", "--account", ACCOUNT, "--production")
MORE = ", more where others write meanwhile"


@pytest.fixture
def desktop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desktop:
    monkeypatch.delenv(ENVIRONMENT, raising=False)
    return Desktop(tmp_path / "desktop", monkeypatch)


@pytest.fixture
def database(live: Live, database_path: Path) -> str:
    return live.ids[live.put(database_path, listed=True)]


def of_project(live: Live) -> Path:
    return project_of(live.state)


def assert_about(done: "subprocess.CompletedProcess[str]") -> None:
    """That it said, before it began, about how many rows it has read, and no fewer."""
    wrong = ", answers are lost, or, up to several times as many, where something is wrong"
    more = f"{MORE}(?:{wrong})?"
    told = rf"tenant-admin: this reads about ([\d,]+) rows of d1:prod{more}\n"
    said = re.fullmatch(told, done.stderr)
    read = re.search(r"requests, ([\d,]+) rows read, 0 written", done.stdout)
    assert said and read
    announced, charged = (int(one[1].replace(",", "")) for one in (said, read))
    assert charged <= announced < 1.5 * charged + 100, (announced, charged)


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_database_of_an_account_is_named_tested_and_forgotten(
    edge: Edge, database: str, desktop: Desktop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    added = run(*ADD, "--database", database, "--url", edge.base)
    assert (added.returncode, added.stderr) == (0, "")
    line, kept = added.stdout.splitlines()
    pattern = rf"d1:prod: DB\d+ \({database}\) of the account {ACCOUNT}, production; it answers in \d+ ms"
    assert re.fullmatch(pattern, line) and "kept in the system's keyring" in kept
    monkeypatch.delenv(ENVIRONMENT)
    assert re.fullmatch(pattern, run("d1", "test", "prod").stdout.strip())
    monkeypatch.setenv(ENVIRONMENT, "wrong-token")
    assert run("d1", "test", "prod", "--new-token").returncode == 2
    monkeypatch.delenv(ENVIRONMENT)
    assert run("d1", "test", "prod").returncode == 0, "that one was not kept"
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    renewed = run("d1", "test", "prod", "--new-token")
    assert "kept in the system's keyring" in renewed.stdout
    monkeypatch.delenv(ENVIRONMENT)
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    again = run("d1", "add", "second", "--account", ACCOUNT, "--database", database, "--url", edge.base)
    assert "d1:prod is the same database and marked as production: d1:second is, too" in again.stderr
    assert "production; it answers" in again.stdout
    connections = Connections()
    where = "--account", ACCOUNT, "--database", database, "--url", edge.base
    third = run("d1", "add", "third", *where, "--production")
    assert (third.returncode, "of the same database" in third.stderr) == (0, False), "it was so before"
    assert connections.named("second").production
    for name in ("second", "third"):
        assert run("d1", "remove", name).returncode == 0
    monkeypatch.delenv(ENVIRONMENT)
    (listed,) = json.loads(run("d1", "list", "--json").stdout)["connections"]
    assert (listed["databaseId"], listed["production"], listed["colour"]) == (database, True, "yellow")
    told = run("info", "d1:prod")
    assert (told.returncode, told.stderr) == (0, "")
    assert "d1:prod" in told.stdout and "can be written" in told.stdout
    found = json.loads(run("info", "d1:prod", "--json").stdout)
    assert (found["database"], found["schema"]["missingTables"]) == (database, [])
    listed_users = run("users", "list", "d1:prod", tmp_path / "users.csv")
    assert (listed_users.returncode, "0 users" in listed_users.stdout) == (0, True), listed_users.stderr
    refused = run("users", "add", "d1:prod", tmp_path / "users.csv")
    assert refused.returncode == 2 and "in the window, where it is unlocked first" in refused.stderr
    assert run("d1", "remove", "PROD").returncode == 0
    assert (desktop.kept, Connections().all()) == (0, ())
    assert "there are no connections" in run("d1", "list").stdout


@pytest.mark.wrangler
@pytest.mark.slow
def test_what_does_not_answer_is_not_added(
    edge: Edge, database: str, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    add = (*ADD, "--database", database, "--url", edge.base)
    missing = run(*add)
    assert missing.returncode == 2 and "d1:prod needs an API token" in missing.stderr
    monkeypatch.setenv(ENVIRONMENT, "wrong-token")
    refused = run(*add)
    assert refused.returncode == 2 and "Cloudflare refuses the token of d1:prod" in refused.stderr
    assert "wrong-token" not in refused.stderr
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    nowhere = run(*ADD, "--database", database, "--url", f"{edge.base}/accounts/{ACCOUNT}")
    assert nowhere.returncode == 2 and "the address, which ends before “/accounts”" in nowhere.stderr
    unknown = run(*ADD, "--database", "no-such", "--url", edge.base)
    listed = "No database no-such is listed there; choose one that is: DB (11111111-"
    assert unknown.returncode == 2 and listed in unknown.stderr
    pasted = run(*ADD, "--database", TOKEN, "--url", edge.base)
    assert pasted.returncode == 2 and "That is the API token" in pasted.stderr and TOKEN not in pasted.stderr
    several = run(*ADD, "--url", edge.base)
    assert several.returncode == 2 and "choose one of them: DB, " in several.stderr
    assert re.search(r"(?:, \S+){19} and \d+ more\.$", several.stderr), "not all that an account may have"
    clear = run(*ADD, "--database", database, "--url", "http://api.example.org/client/v4")
    assert clear.returncode == 2 and "must begin with https" in clear.stderr
    empty = run(*ADD, "--database", database, "--url", "")
    assert empty.returncode == 2 and "The address is none" in empty.stderr
    assert (Connections().all(), desktop.kept) == ((), 0)
    assert run(*add).returncode == 0
    again = run(*add)
    assert again.returncode == 2 and "already a connection d1:prod" in again.stderr


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.parametrize("meets", ["absent", "locked"])
def test_without_a_keyring_the_token_is_kept_nowhere(
    meets: str, edge: Edge, database: str, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = {"absent": "there is no system keyring", "locked": "the system's keyring is locked"}[meets]
    desktop.meets(meets)
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    added = run(*ADD, "--database", database, "--url", edge.base)
    assert (added.returncode, f"The token is not kept ({said})" in added.stderr) == (0, True)
    assert run("d1", "test", "prod").returncode == 0
    monkeypatch.delenv(ENVIRONMENT)
    missing = run("info", "d1:prod")
    assert missing.returncode == 2 and f"there is none at hand ({said})" in missing.stderr
    removed = run("d1", "remove", "d1:prod")
    assert removed.returncode == 0 and Connections().all() == ()
    assert ("may still be kept" in removed.stderr) == (meets == "locked")


@pytest.mark.wrangler
@pytest.mark.slow
def test_the_token_is_in_nothing_that_the_program_writes_or_prints(
    edge: Edge, database: str, desktop: Desktop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    said = []

    def told(*arguments: object) -> None:
        done = run(*arguments)
        said.extend([done.stdout, done.stderr])

    def bug(*arguments: object, **more: object) -> None:
        raise RuntimeError(f"Illegal header value {more}")

    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    told(*ADD, "--database", database, "--url", edge.base)
    for faults in ([], ["429 0"], ["page before"] * 9, ["cut"], ["reset before"], ["echo"] * 2):
        edge.read_faults = [*faults]
        told("info", "d1:prod", "--json")
        told("d1", "test", "prod")
    desktop.meets("a bug")
    told("d1", "test", "prod")
    monkeypatch.setenv(ENVIRONMENT, f"{TOKEN}\nX-Other: 1")
    told("d1", "test", "prod")
    desktop.meets("")
    told("migrate", "d1:prod")
    told("d1", "list", "--json")
    with monkeypatch.context() as patch:
        patch.setattr(httpcore.ConnectionPool, "stream", bug)
        told("d1", "test", "prod")
    assert "RuntimeError" in bugs.log_file().read_text()
    assert bugs.log_file().stat().st_mode & 0o777 == 0o600
    told("d1", "remove", "prod")
    written = [path for path in paths.state_dir().rglob("*") if path.is_file()]
    assert len(written) > 1
    assert edge.calls and "[token]" in "".join(said), "it was used, and repeated"
    for text in [*said, *(path.read_bytes().decode("latin-1") for path in written)]:
        assert TOKEN not in text


@pytest.mark.wrangler
@pytest.mark.slow
def test_at_a_terminal_the_token_is_asked_for_and_not_shown(
    edge: Edge, database: str, desktop: Desktop
) -> None:
    import pty

    ours, theirs = pty.openpty()
    words = [*ADD, "--database", database, "--url", edge.base]
    process = subprocess.Popen(
        [sys.executable, "-m", "app", *words],
        stdin=theirs, stdout=theirs, stderr=theirs,
        start_new_session=True, cwd=Path(paths.__file__).parents[1],
    )  # fmt: skip
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # as the end of a terminal reads on Linux
        while part := os.read(ours, 1000):
            seen += part
            if b"API token of d1:prod (it is not shown): " in part:
                os.write(ours, f"{TOKEN}\n".encode())
    os.close(ours)
    assert process.wait(30) == 0, seen
    assert b"kept in the system's keyring" in seen and TOKEN.encode() not in seen


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_database_that_wrangler_dev_holds_is_found_by_its_project(
    live: Live, database: str, desktop: Desktop
) -> None:
    project = of_project(live)
    several = run("d1", "add", "dev", "--project", project)
    assert several.returncode == 2 and "choose one of them: copy-0, " in several.stderr
    config = json.loads((project / "wrangler.jsonc").read_text())
    (name,) = [one["database_name"] for one in config["d1_databases"] if one["database_id"] == database]
    added = run("d1", "add", "dev", "--project", live.state, "--database", name)
    assert (added.returncode, added.stderr) == (0, "")
    assert added.stdout.startswith(
        f"d1:dev: {name} ({database}) of wrangler dev in {project}; it answers in "
    )
    assert Connections().named("dev").base == "", "its port is another one each time"
    assert run("d1", "add", "here", "--url", live.address, "--database", database).returncode == 0
    told = run("info", "d1:dev")
    assert (told.returncode, told.stderr) == (0, "") and f"D1 database {name} of wrangler dev" in told.stdout
    servers = [one for one in psutil.Process().children(recursive=True) if "workerd" in one.name()]
    for server in servers:
        server.suspend()
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("app.services.live.dev_server._SECONDS", 0.2)  # for each port that is silent
            silent = run("info", "d1:dev")
    finally:
        for server in servers:
            server.resume()
    assert servers and f"`wrangler dev` of {project} runs and does not answer" in silent.stderr
    refused = run("migrate", "d1:dev")
    assert refused.returncode == 2
    assert f"npx wrangler d1 migrations apply {name} --local" in refused.stderr


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.parametrize("fault", ["429 120", "page before"])
def test_a_run_of_retention_says_what_it_waits_for_and_ctrl_c_ends_it_then(
    edge: Edge, live: Live, copy: Path, monkeypatch: pytest.MonkeyPatch, fault: str
) -> None:
    """Its report is left to the next one."""
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    there = live.put(copy, listed=True)
    added = run(*ADD, "--database", live.ids[there], "--url", edge.base)
    assert added.returncode == 0, added.stderr
    edge.faults = ["", *[fault] * 99]
    command = [sys.executable, "-m", "app", "retention", "d1:prod"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    said = ""
    waits = "takes none from d1:prod until" if fault.startswith("429") else "it is tried again for 30 s"
    while waits not in said:
        said += (line := process.stderr.readline())
        assert line, said
    edge.read_faults, begun = [fault] * 99, time.monotonic()
    process.send_signal(signal.SIGINT)
    _, rest = process.communicate(timeout=60)
    assert (process.returncode, time.monotonic() - begun < 20) == (130, True), rest
    assert "nothing more is removed" in rest and "has no report of the whole run; the next run" in rest
    edge.faults, edge.read_faults = [], []
    if not fault.startswith("429"):  # the step that was not answered may still come through
        return
    Shared(paths.state_dir()).pause(ACCOUNT, time.time())
    again = run("retention", "d1:prod")
    assert again.returncode == 0, again.stderr
    (reports,) = ask(there, "SELECT count(*) FROM audit_chain WHERE event_type = 'retention_completed'")[0]
    assert reports == 1


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.matrix
@pytest.mark.parametrize("number", range(5))
@pytest.mark.parametrize(
    "command", ["info", "verify --whole", "checkpoint", "retention --dry-run", "export", "backup"]
)
def test_a_command_waits_for_what_its_first_calls_are_not_answered(
    edge: Edge, live: Live, copy: Path, monkeypatch: pytest.MonkeyPatch, *, command: str, number: int
) -> None:
    """By a limit as long as it lasts, by what stands between for half a minute; it says so."""
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    monkeypatch.setattr("models.d1.database._BACK_OFF", 0.01)
    connection = replace(live.connection(live.put(copy, listed=True)), account=ACCOUNT, base=edge.base)
    Connections().add(replace(connection, database_name=""))  # so that it is looked up
    name, *options = command.split()
    out = [copy.with_name("out.sqlite")] if name in ("export", "backup") else []
    limited, unanswered = "takes none from d1:prod until", "it is tried again for 30 s"
    for fault, said in ((["429 1"], limited), (["page before"] * 6, unanswered)):
        edge.read_faults = [""] * number + fault
        done = run(name, f"d1:{connection.name}", *out, *options)
        assert (done.returncode, done.stderr.count(said)) == (0, 1), done.stderr
        assert edge.read_faults == []
        for path in out:
            path.unlink()


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.parametrize("number", range(2))
def test_so_does_a_test_of_a_connection(
    edge: Edge, live: Live, copy: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    Connections().add(replace(live.connection(live.put(copy, listed=True)), account=ACCOUNT, base=edge.base))
    for fault, said in ((["429 1"], "takes none from"), (["page before"] * 6, "it is tried again for 30 s")):
        edge.read_faults = [""] * number + fault
        done = run("d1", "test", "prod")
        assert (done.returncode, done.stderr.count(said), edge.read_faults) == (0, 1, []), done.stderr
        took = re.search(r"it answers in ([\d,]+) ms", done.stdout)
        assert took is not None and int(took[1].replace(",", "")) < 1_000, "without that wait"


@pytest.mark.wrangler
@pytest.mark.parametrize(("number", "when"), [(0, "300"), (1, "300"), (0, "1"), (1, "1")])
def test_a_test_says_that_a_limit_does_not_end(
    edge: Edge, live: Live, copy: Path, monkeypatch: pytest.MonkeyPatch, *, number: int, when: str
) -> None:
    """One that is long at once, and those that come again and again after a while."""
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    monkeypatch.setattr("app.commands.d1._TEST_WAITS", 3.0)
    Connections().add(replace(live.connection(live.put(copy, listed=True)), account=ACCOUNT, base=edge.base))
    edge.read_faults, begun = [*[""] * number, *[f"429 {when}"] * 30], time.monotonic()
    done = run("d1", "test", "prod")
    assert (done.returncode, done.stdout) == (2, "")
    last = done.stderr.splitlines()[-1]
    assert re.search(r"takes none from d1:prod until \d\d:\d\d:\d\d UTC; nothing was changed\.$", last)
    assert time.monotonic() - begun < 15


HOUR, DAY = 3_600, 86_400
OFF = {
    3 * HOUR: "3 h ahead of",
    -3 * HOUR: "3 h behind",
    6 * DAY: "144 h ahead of",
    -6 * DAY: "144 h behind",
    60 * DAY: "1,440 h ahead of",
    5 * 60: "5 min ahead of",
}
"""By how many seconds this computer's clock is ahead of the database's, and how that is told."""


@pytest.fixture
def there(edge: Edge, live: Live, copy: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of `d1:prod`, behind the edge."""
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    file = live.put(copy, listed=True)
    Connections().add(replace(live.connection(file), account=ACCOUNT, base=edge.base))
    return file


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.parametrize("off", OFF)
def test_retention_removes_nothing_by_a_clock_that_is_another_than_the_databases(
    edge: Edge, there: Path, off: int
) -> None:
    edge.clock, before = -off, stored(there)
    dry, planned = (run("retention", "d1:prod", "--dry-run", *how) for how in ((), ("--json",)))
    counted = json.loads(planned.stdout)
    says, also_says = "This computer's clock says ", "; d1:prod's says "
    assert (dry.returncode, planned.returncode) == (1, 1), "nothing would go without more ado"
    assert counted["removed"]["audit_chain"] > 0 and counted["clockDoubt"].startswith(says)
    clocks = counted["clocks"]
    assert abs(clocks["computer"] - clocks["database"] - off) <= 2 and also_says in counted["clockDoubt"]
    line = next(one for one in dry.stdout.splitlines() if one.startswith("the clock is in doubt: "))
    assert also_says in line and line.endswith("What is old is counted by this computer's.")
    trusted = run("retention", "d1:prod", "--dry-run", "--trust-clock")
    assert trusted.returncode == 0 and "What is old is counted by this computer's." in trusted.stdout

    refused, as_json = (run("retention", "d1:prod", *how) for how in ((), ("--json",)))
    for one in (refused, as_json):
        assert one.returncode == 1 and one.stderr.count("clock says") == 1
        assert says in one.stderr and also_says in one.stderr
        assert "as the dates of its answers tell. Nothing was removed." in one.stderr
        assert "To confirm, add --trust-clock." in one.stderr and "h ahead of" not in one.stderr
    found = json.loads(as_json.stdout)
    assert set(found["removed"].values()) == {0} and also_says in found["clockDoubt"]
    assert "clocks" in found and "Nothing was removed." in found["stopped"]
    assert stored(there) == before

    nothing = run("retention", "d1:prod", "--days", "9999")
    assert nothing.returncode == 1 and nothing.stderr.endswith(". By that nothing is old.\n")
    assert stored(there) == before
    edge.clock = 0.0
    right = run("retention", "d1:prod", "--json")
    assert right.returncode == 0 and "clocks" not in json.loads(right.stdout), right.stderr


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_clock_that_is_another_than_the_databases_may_be_trusted(edge: Edge, there: Path) -> None:
    edge.clock = -6.0 * DAY
    stated = run("retention", "d1:prod", "--dry-run", "--now", int(time.time()))
    assert stated.returncode == 0 and "clock is in doubt" not in stated.stdout, (
        "a person's time is no clock's"
    )
    done = run("retention", "d1:prod", "--trust-clock", "--json")
    found = json.loads(done.stdout)
    assert done.returncode == 0 and found["removed"]["audit_chain"] > 0, done.stderr
    assert "clocks" in found and "stopped" not in found
    assert "This computer's clock is 144 h ahead of d1:prod's" in done.stderr
    assert "nothing was changed" not in done.stderr
    (payload,) = ask(there, "SELECT payload FROM audit_chain WHERE event_type = 'retention_completed'")[-1]
    assert json.loads(payload)["trustedClock"] is True


@pytest.mark.wrangler
@pytest.mark.slow
@pytest.mark.parametrize("off", OFF)
def test_a_verification_and_a_checkpoint_say_that_the_clock_is_another(
    edge: Edge, there: Path, off: int
) -> None:
    said = (
        f"This computer's clock is {OFF[off]} d1:prod's, as the dates of its answers tell: times are judged, "
    )
    said += "and checkpoints dated, by this computer's."
    edge.clock = -off
    signed, new, whole, quiet, as_json = (
        run(*words)
        for words in (
            ("checkpoint", "d1:prod"),
            ("verify", "d1:prod"),
            ("verify", "d1:prod", "--whole"),
            ("verify", "d1:prod", "--quiet"),
            ("verify", "d1:prod", "--json"),
        )
    )
    for done in (signed, new, whole, quiet, as_json):
        assert done.returncode == 0, done.stderr
    assert said in signed.stdout and "checkpoint 1: " in signed.stdout
    assert said in new.stdout and said in whole.stdout and said in quiet.stderr
    assert said in json.loads(as_json.stdout)["notes"]
    edge.clock = 0.0
    for words in (("checkpoint", "d1:prod"), ("verify", "d1:prod"), ("verify", "d1:prod", "--whole")):
        assert "clock" not in run(*words).stdout


@pytest.mark.wrangler
@pytest.mark.slow
def test_retention_does_on_a_live_database_what_it_does_on_a_file(
    live: Live, copy: Path, tmp_path: Path
) -> None:
    there = live.put(copy, listed=True)
    Connections().add(live.connection(there))
    dry = run("retention", "d1:prod", "--dry-run", "--json")
    done, again = (run("retention", "d1:prod", "--json") for _ in range(2))
    as_file = run("retention", copy, "--json", home=tmp_path / "home")
    assert [one.returncode for one in (dry, done, as_file, again)] == [0] * 4, done.stderr
    removed = [json.loads(one.stdout)["removed"] for one in (dry, done, as_file, again)]
    assert "d1:prod has no Time Travel" in done.stderr and "noBookmark" in json.loads(done.stdout)
    assert (
        removed[0] == removed[1] == removed[2]
        and removed[1]["audit_chain"] > 0
        and not any(removed[3].values())
    )
    for one in (dry, done, again):
        least, most = re.findall(r"[\d,]{3,}", one.stderr)[:2]
        read = json.loads(one.stdout)["rowsRead"]
        assert 0.9 * int(least.replace(",", "")) <= read <= int(most.replace(",", ""))
    assert json.loads(done.stdout)["rowsWritten"] > 0 and json.loads(dry.stdout)["rowsWritten"] == 0
    assert run("verify", there).returncode == 0


@pytest.mark.wrangler
@pytest.mark.slow
def test_what_is_removed_of_a_live_copy_is_not_held_against_its_original(
    live: Live, copy: Path, tmp_path: Path
) -> None:
    there = live.put(copy, listed=True)
    Connections().add(live.connection(there))
    Connections().add(live.connection(live.put(there, listed=True), "staging"))
    append(there, "later", 1)  # so that the copy is an earlier state of it
    signed = run("checkpoint", "d1:prod")
    assert signed.returncode == 0, signed.stderr
    for first in (run("verify", "d1:staging"), run("backup", "d1:staging", tmp_path / "early.sqlite")):
        assert first.returncode == 0 and "CONSISTENT" in first.stdout
        assert "this is another one, made as a copy of it: it has checkpoints of its own" in first.stdout
    pruned = run("retention", "d1:staging", "--json")
    assert pruned.returncode == 0 and json.loads(pruned.stdout)["removed"]["audit_chain"] > 0
    home = tmp_path / "home.sqlite"
    assert run("backup", "d1:prod", home).returncode == 0
    for name in ("d1:prod", "d1:staging", home):
        whole = run("verify", name, "--whole")
        assert whole.returncode == 0 and "VERIFIED: " in whole.stdout, (name, whole.stdout)
    assert "Its entries are those of the database that was seen in d1:" in whole.stdout


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_file_that_was_made_of_a_live_copy_is_judged_as_that(
    live: Live, copy: Path, tmp_path: Path
) -> None:
    there = live.put(copy, listed=True)
    Connections().add(live.connection(there))
    Connections().add(live.connection(live.put(there, listed=True), "staging"))
    append(there, "later", 1)  # so that the copy is an earlier state of it
    assert run("checkpoint", "d1:prod").returncode == 0
    made = tmp_path / "made.sqlite"
    assert run("backup", "d1:staging", made).returncode == 0
    moved = made.rename(tmp_path / "moved.sqlite")
    for how in ((), ("--since-checkpoint",)):
        found = run("verify", moved, *how)
        assert found.returncode == 0 and "CONSISTENT" in found.stdout, "as it was when it was made"
        assert "this is another one, made as a copy of it" in found.stdout
    foreign = Path(shutil.copy(there, made))
    assert "VERIFIED: " in run("verify", foreign).stdout, "in its place, but another file"
    assert run("checkpoint", "d1:staging").returncode == 0
    assert "VERIFIED: " in run("verify", moved).stdout, "by the line that the copy has by now"


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_live_database_comes_home_as_a_file_and_as_sql(live: Live, tmp_path: Path) -> None:
    there = live.put(sample(tmp_path / "file.sqlite", rows=400), listed=True)
    Connections().add(live.connection(there))
    copy, sql, again = tmp_path / "copy.sqlite", tmp_path / "copy.sql", tmp_path / "again.sqlite"
    done = run("backup", "d1:prod", copy)
    assert done.returncode == 0
    assert_about(done)
    assert "row read" in done.stdout.replace("rows", "row") and "0 written" in done.stdout
    assert "CONSISTENT" in done.stdout
    assert stored(copy) == stored(there)
    assert run("backup", "d1:prod", copy).returncode == 2
    done = run("export", "d1:prod", sql)
    assert done.returncode == 0
    assert_about(done)
    assert run("import", sql, again).returncode == 0
    assert stored(again) == stored(there)
    assert run("export", "d1:prod", sql).returncode == 2
    assert run("export", "d1:prod", sql, "--force", "--table", "users").returncode == 0
    assert not list(tmp_path.glob(".tenant-admin-*"))


def test_json_says_what_may_have_been_more() -> None:
    known = {"requests": 2, "rowsRead": 5, "rowsWritten": 1}
    assert used(Usage(calls=2, read=5, written=1)) == known
    assert used(Usage(calls=2, read=5, written=1, unread=1)) == {**known, "atLeast": ["rowsRead"]}
    assert used(Usage(calls=2, read=5, written=1, lost=1)) == {**known, "atLeast": ["rowsWritten"]}


def test_a_project_without_a_server_is_said(tmp_path: Path) -> None:
    refused = run("d1", "add", "dev", "--project", tmp_path)
    assert refused.returncode == 2 and "is in no wrangler project" in refused.stderr
    with pytest.raises(InvalidInput):
        project_of(tmp_path / "x")
    (tmp_path / "wrangler.jsonc").write_text("{}")
    refused = run("d1", "add", "dev", "--project", tmp_path)
    assert refused.returncode == 2 and f"no running `wrangler dev` of {tmp_path}" in refused.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("info", "d1:nope"), "no connection d1:nope"),
        (("info", "d1:"), "begins with a letter or a digit"),
        (("demo", "d1:prod"), "`tenant-admin demo` takes a file, and no live database; nothing was changed"),
        (("export", "x.sqlite", "d1:prod"), "`tenant-admin export` takes a file"),
        (("import", "x.sql", "d1:prod"), "wrangler d1 execute foundation --remote --file=x.sql"),
        (("import", "a b.sql", "d1:prod"), "wrangler d1 execute foundation --remote --file='a b.sql'"),
        (("migrate", "d1:prod"), "wrangler d1 migrations apply foundation --remote"),
        (("restore", "d1:prod", "c.sqlite"), "wrangler d1 time-travel restore foundation --timestamp=TIME"),
        (("restore", "d1:dev", "c.sqlite"), "nothing was changed. To load a copy into an empty database"),
    ],
)
def test_what_works_on_a_file_alone_names_what_does_it(arguments: tuple[str, ...], said: str) -> None:
    from app.services.live.connections import NamedConnection

    Connections().add(NamedConnection("prod", "0a", "1111", "foundation"))
    Connections().add(NamedConnection("dev", "", "1111", "foundation", "http://localhost:8787"))
    refused = run(*arguments)
    assert (refused.returncode, refused.stdout) == (2, "")
    assert said in refused.stderr


def test_a_file_may_be_called_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("migrate", "./d1:x").returncode == 0
    assert [path.name for path in tmp_path.iterdir()] == ["d1:x"]


def test_a_damaged_connection_is_named_and_can_be_removed(desktop: Desktop) -> None:
    connections = Connections()
    file = connections.file("prod")
    file.parent.mkdir()
    file.write_text("{")
    listed = run("d1", "list")
    assert listed.returncode == 0 and "`tenant-admin d1 remove prod` takes it away" in listed.stderr
    removed = run("d1", "remove", "prod")
    assert removed.returncode == 0 and "a token of it may still be" in removed.stderr
    assert not file.exists()


@pytest.mark.slow
def test_with_the_last_connection_to_a_database_its_old_secrets_go(desktop: Desktop) -> None:
    here, same = (NamedConnection(name, ACCOUNT, "0a1b-2c", "prod-db") for name in ("prod", "again"))
    for one in (here, same):
        Connections().add(one)
    OldSecrets(here.identity, SystemKeyring()).keep("wh_1", OldSecret(Secret("s3cret"), 2**40))
    OldSecrets("another", SystemKeyring()).keep("wh_1", OldSecret(Secret("s3cret"), 2**40))
    for name, kept in (("prod", 4), ("again", 2)):
        assert run("d1", "remove", name).returncode == 0
        assert desktop.kept == kept


@pytest.mark.wrangler
@pytest.mark.slow
def test_a_live_database_is_verified_and_signed(
    edge: Edge, live: Live, tmp_path: Path, desktop: Desktop, monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = ChainFile.build(tmp_path / "a.db", rows=50, tenants=2)
    chain.sql.close()
    there = live.put(chain.path, listed=True)
    monkeypatch.setenv(ENVIRONMENT, TOKEN)
    assert run(*ADD, "--database", live.ids[there], "--url", edge.base).returncode == 0
    first = run("verify", "d1:prod")
    assert first.returncode == 0
    assert_about(first)
    assert "CONSISTENT: 100 entries" in first.stdout
    signed = run("checkpoint", "d1:prod", "--export", str(tmp_path / "out.json"))
    assert signed.returncode == 0
    assert_about(signed)
    assert "checkpoint 1: 100 entries signed" in signed.stdout
    chain = ChainFile(there)
    chain.append("tenant-00")
    later = run("verify", "d1:prod")
    assert_about(later)
    assert "from checkpoint 1 on" in later.stdout and "CONSISTENT: 1 entry" in later.stdout
    found = json.loads(run("verify", "d1:prod", "--json").stdout)
    assert (found["sinceCheckpoint"], found["entries"], found["verdict"]) == (1, 1, "CONSISTENT")
    assert found["requests"] < 20 and found["rowsRead"] < 100
    whole = run("verify", "d1:prod", "--whole")
    assert_about(whole)
    assert "VERIFIED: 101 entries" in whole.stdout
    alone = run("verify", "d1:prod", "--tenant", "tenant-01")
    assert alone.stdout.startswith("VERIFIED        tenant-01: 50 entries")
    assert "this reads at most" in alone.stderr
    held = run("verify", "d1:prod", "--checkpoints", str(tmp_path / "out.json"))
    assert held.returncode == 0 and "VERIFIED: 101 entries" in held.stdout
    report = run("verify", "d1:prod", "--whole", "--report", str(tmp_path / "evidence"))
    assert report.returncode == 0 and (tmp_path / "evidence" / "report.html").exists()
    chain.run("UPDATE audit_chain SET payload = '{}' WHERE seq = 50")
    assert run("verify", "d1:prod").returncode == 0  # what lies before the checkpoint is in the whole alone
    broken = run("verify", "d1:prod", "--whole", "--quiet")
    assert (broken.returncode, broken.stdout) == (1, "")
    assert broken.stderr.startswith("d1:prod\n")
    assert "HASH: Entry 50 does not match" in broken.stderr
    assert run("checkpoint", "d1:prod").returncode == 1
    store = paths.checkpoints_dir() / "checkpoints.sqlite"
    kept = store.read_bytes()
    store.write_bytes(b"garbage" * 2_000)
    for how in ((), ("--since-checkpoint",), ("--whole",), ("--quiet",)):
        unread = run("verify", "d1:prod", *how)
        told = unread.stdout + unread.stderr
        assert (unread.returncode, "HASH: Entry 50" in told) == (1, True), told
        assert "checkpoints.sqlite cannot be read" in unread.stderr
        assert told.count("this reads about") == 1
    store.write_bytes(kept)
    edge.read_faults = ["lost before", "page before"]  # of the list, which comes first
    assert run("d1", "test", "prod").returncode == 0
    edge.read_faults = ["reset before"] * 40
    lost = run("verify", "d1:prod", "--whole")
    assert lost.returncode == 2 and "did not answer as it should" in lost.stderr
