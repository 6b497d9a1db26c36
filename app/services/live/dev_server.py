"""A running `wrangler dev`: a lock on its file can stop it, and what goes through it by HTTP is safe."""

from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from app import paths
from app.services.files.find import file_name, names_in
from app.services.live.connections import LOCAL, NamedConnection, is_loopback, usable_name
from models.d1.client import Client, NotKnown, Refusal, TookTooLong
from models.d1.errors import NotReached
from models.errors import InvalidInput, RemoteError
from models.files.at_path import real_path
from models.local.file import CONFIGURATIONS
from models.local.in_use import users_of

_SECONDS = 2.0
"""How long a port may take to say what it is; only that of wrangler's is asked for anything else."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others listen on
_PROGRAMS = ("wrangler", "workerd")


class NoDevServer(NotReached):
    heading = "wrangler dev is not running"
    why = "none runs for it"
    sentence = (
        "There is no running `wrangler dev` of {what} that has this database; nothing was changed. "
        "Start it in that folder, or a newer wrangler, which can be asked for its databases; then try again."
    )


class SilentDevServer(NotReached):
    heading = "wrangler dev does not answer"
    why = "it does not answer"
    sentence = (
        "The `wrangler dev` of {what} runs and does not answer; nothing was changed. "
        "Try again, or end it and start it again in that folder."
    )


@dataclass(frozen=True, slots=True)
class DevServer:
    """`base` is the address of its API; `databases` what it calls them by their ids, their bindings."""

    base: str
    databases: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Offered(NamedConnection):
    """One to the database whose `file` a server was found to have open. It is not kept, so that a kept one
    may have its name; and the server's port is another each time.
    """

    file: str = ""

    @property
    def place(self) -> str:
        return f"wrangler dev: {self.name}"

    @property
    def within(self) -> str:
        return self.file


def project_of(path: Path) -> Path:
    """The wrangler project that a folder or file is or lies in. Raises `InvalidInput` where there is none."""
    path = paths.resolved(path)
    for folder in (path, *path.parents):
        if any(paths.exists(folder / name) for name in CONFIGURATIONS):
            return folder
    names = " or ".join(sorted(CONFIGURATIONS))
    raise InvalidInput("project", f"{path} is in no wrangler project: there is no {names} there or above.")


def named_by_project(connection: NamedConnection, ids: Collection[str]) -> dict[str, str]:
    """What the connection's project calls those of the databases that it names."""
    names = names_in(Path(connection.project)) if connection.project else {}
    known = {key: names.get(file_name(key)) for key in ids}
    known[connection.database_id] = known.get(connection.database_id) or connection.database_name
    return {key: name for key, name in known.items() if name and key in ids}


def running(project: Path, on_silence: Callable[[], object] = lambda: None) -> Iterator[DevServer]:
    """The servers of a project, the folder of a wrangler configuration. Waits for their answers;
    `on_silence` is called where one gives none.
    """
    project = real_path(project)
    return _servers(
        lambda processes: {pid for pid, one in processes.items() if _is_of(one, project)}, on_silence
    )


def serving(file: Path) -> Offered | None:
    """A connection to the database whose file a running `wrangler dev` has open; None where the
    system tells of none. Waits for its answer.
    """
    file = paths.resolved(file)
    users = users_of(file)
    # workerd has it open, which the one process started that listens for it, too.
    for server in _servers(lambda processes: {processes[pid].info["ppid"] for pid in users & {*processes}}):
        for database, binding in server.databases.items():
            if file_name(database) == file.name:
                with suppress(InvalidInput):
                    binding = names_in(project_of(file)).get(file.name, binding)  # noqa: PLW2901
                name = usable_name(binding)
                return Offered(name, "", database, binding, server.base, file=str(file))
    return None


def found_again(connection: NamedConnection) -> NamedConnection:
    """The connection; one that a file led to as that leads to it now, where it does."""
    return (serving(Path(connection.file)) or connection) if isinstance(connection, Offered) else connection


def address_of(connection: NamedConnection) -> str:
    """Where the server of the connection's project listens now. Raises `NoDevServer` and
    `SilentDevServer`.
    """
    missing: type[NotReached] = NoDevServer

    def silent() -> None:
        nonlocal missing
        missing = SilentDevServer

    for server in running(Path(connection.project), silent):
        if connection.database_id in {"", *server.databases}:
            return server.base
    raise missing(connection.project)


def file_behind(base: str, database_id: str) -> Path | None:
    """The file in which the `wrangler dev` that listens at that address has a database open, which it does
    from the first query on; None where the system does not tell of exactly one: of what stands between, say,
    or of another user's or container's.
    """
    import psutil  # noqa: PLC0415

    processes = _processes()
    listening = {pid for pid, process in processes.items() if any(_same(base, at) for at in _ports(process))}
    if len(listening) != 1:  # two that share a port, say
        return None
    (first,) = listening
    # workerd listens itself, or another one beside it, or the process that began it.
    around = {first, processes[first].info["ppid"]}
    found = set[Path]()
    for pid, process in processes.items():
        if pid == first or process.info["ppid"] in around:
            with suppress(psutil.Error, OSError):
                paths_open = (Path(one.path) for one in process.open_files())
                found |= {real_path(path) for path in paths_open if path.name == file_name(database_id)}
    return found.pop() if len(found) == 1 else None


def _same(base: str, other: str) -> bool:
    """Whether two addresses of this computer are one."""
    one, two = urlsplit(base), urlsplit(other)
    return one.port == two.port and one.hostname in {two.hostname, "localhost"}


def _servers(
    first: Callable[[Mapping[int, Any]], Collection[int]], on_silence: Callable[[], object] = lambda: None
) -> Iterator[DevServer]:
    """Those of the processes that are `first` among wrangler's, by their numbers, and of what they began."""
    processes = _processes()
    begun_by = {pid: process.info["ppid"] for pid, process in processes.items()}
    firsts = first(processes)
    groups: dict[int, list[Any]] = {}
    for pid, process in processes.items():
        line = [pid]
        while (parent := begun_by.get(line[-1])) in begun_by and parent not in line:
            line.append(parent)
        if found := [one for one in line if one in firsts]:
            groups.setdefault(found[-1], []).append(process)
    for group in groups.values():
        # wrangler's own port, which outlives a change of the worker, began first.
        ports = (port for process in sorted(group, key=_began) for port in _ports(process))
        answers = ((base, _listed(base, on_silence)) for base in ports)
        yield from islice((DevServer(base, found) for base, found in answers if found is not None), 1)


def _processes() -> dict[int, Any]:
    """wrangler's, by their numbers."""
    import psutil  # noqa: PLC0415 - takes longer to load than to ask

    return {
        process.pid: process
        for process in psutil.process_iter(["ppid", "cmdline"])
        if any(program in word for word in process.info["cmdline"] or () for program in _PROGRAMS)
    }


def _listed(base: str, on_silence: Callable[[], object]) -> dict[str, str] | None:
    """The databases' names by id, as wrangler's API has them; None of what is none, or gives no answer."""
    client = Client("wrangler dev", base, seconds=_SECONDS)
    try:
        found = client.databases()
        return {str(one["uuid"]): str(one.get("name") or "") for one in found}
    except TookTooLong:
        on_silence()
        return None
    except (NotKnown, Refusal, RemoteError, LookupError, TypeError, AttributeError):
        return None
    finally:
        client.close()


def _began(process: Any) -> float:
    import psutil  # noqa: PLC0415

    try:
        return float(process.create_time())
    except psutil.Error:  # it has just ended
        return 0.0


def _is_of(process: Any, project: Path) -> bool:
    """Whether it was started in the project's folder, or for its configuration."""
    import psutil  # noqa: PLC0415

    try:
        folder = Path(process.cwd())
    except (psutil.Error, OSError):
        return False
    if folder == project:
        return True
    named = (folder / word.rpartition("=")[2] for word in process.info["cmdline"])
    return any(
        (path.name in CONFIGURATIONS and real_path(path.parent) == project) or path == project
        for path in named
    )


def _ports(process: Any) -> Iterator[str]:
    """The addresses on this computer where it listens, with the path of the API."""
    import psutil  # noqa: PLC0415

    try:
        connections = process.net_connections("inet")
    except (psutil.Error, OSError):
        return
    for one in connections:
        if one.status == psutil.CONN_LISTEN:
            host = _EVERYWHERE.get(one.laddr.ip, one.laddr.ip)
            if is_loopback(host):
                yield f"http://{f'[{host}]' if ':' in host else host}:{one.laddr.port}{LOCAL}"
