"""A running `wrangler dev`: a lock on its file can stop it, and what goes through it by HTTP is safe."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app import paths
from app.services.files import projects
from app.services.live.connections import Connection, usable_name
from models.d1.address import LOCAL, is_loopback
from models.d1.client import Client, NotKnown, Refusal
from models.d1.errors import NotReached, RemoteError
from models.errors import InvalidInput
from models.local.file import CONFIGURATIONS, STATE, users_of

_SECONDS = 2.0
"""How long a port may take to say what it is; only that of wrangler's is asked for anything else."""

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what others listen on
_PROGRAMS = ("wrangler", "workerd")


class NoDevServer(NotReached):
    heading = "wrangler dev is not running"
    why = "none runs for it"
    sentence = (
        "There is no running `wrangler dev` of {what} that has this database; nothing was changed. "
        "Start it in that folder, then try again."
    )


@dataclass(frozen=True, slots=True)
class DevServer:
    """`base` is the address of its API; `databases` their names by id; `processes` all that it runs."""

    base: str
    databases: Mapping[str, str]
    processes: frozenset[int]


def project_of(path: Path) -> Path:
    """The wrangler project that a folder or file is or lies in. Raises `InvalidInput` where there is none."""
    path = paths.resolved(path)
    for folder in (path, *path.parents):
        if any(paths.exists(folder / name) for name in CONFIGURATIONS):
            return folder
    names = " or ".join(sorted(CONFIGURATIONS))
    raise InvalidInput("project", f"{path} is in no wrangler project: there is no {names} there or above.")


def named_by_project(connection: Connection, ids: Collection[str]) -> dict[str, str]:
    """What the connection's project calls those of the databases that it names."""
    names = projects.names(Path(connection.project)) if connection.project else {}
    known = {key: names.get(projects.file_name(key)) for key in ids}
    known[connection.database_id] = known.get(connection.database_id) or connection.database_name
    return {key: name for key, name in known.items() if name and key in ids}


def running(project: Path) -> Iterator[DevServer]:
    """The servers of a project, the folder of a wrangler configuration. Waits for their answers."""
    for processes, ports in _candidates(project):
        for host, port in ports:
            base = f"http://{f'[{host}]' if ':' in host else host}:{port}{LOCAL}"
            found = _listed(base)
            if found is not None:
                yield DevServer(base, found, processes)
                break


def serving(file: Path) -> Connection | None:
    """A connection, not kept, to the database in a file that the running `wrangler dev` of its project has
    open; None where there is none. Waits for answers.
    """
    file = paths.resolved(file)
    try:
        project = project_of(file)
    except InvalidInput:
        return None
    users = users_of(file) - {os.getpid()}
    is_usual = file.parent.parent == project / STATE
    for server in running(project):
        for database, binding in server.databases.items():
            # The same name elsewhere, or a server whose state is elsewhere, is another database.
            is_served = users & server.processes or (is_usual and not users)
            if is_served and projects.file_name(database) == file.name:
                name = projects.names(project).get(file.name, binding)
                return Connection(usable_name(name), "", database, name, server.base)
    return None


def address_of(connection: Connection) -> str:
    """Where the server of the connection's project listens now. Raises `NoDevServer`."""
    for server in running(Path(connection.project)):
        if connection.database_id in {"", *server.databases}:
            return server.base
    raise NoDevServer(connection.project)


def _listed(base: str) -> dict[str, str] | None:
    """The databases' names by id, as wrangler's API has them; None of what is none."""
    client = Client("wrangler dev", base, seconds=_SECONDS)
    try:
        found = client.databases()
        return {str(one["uuid"]): str(one.get("name") or "") for one in found}
    except (NotKnown, Refusal, RemoteError, LookupError, TypeError, AttributeError):
        return None
    finally:
        client.close()


def _candidates(project: Path) -> list[tuple[frozenset[int], list[tuple[str, int]]]]:
    """Of each wrangler that was started for the project: its processes, and where on this computer they
    listen, those first that began first: wrangler's own port outlives a change of the worker.
    """
    import psutil  # noqa: PLC0415 - takes longer to load than to ask

    project = project.resolve()
    of_wrangler = {
        process.pid: process
        for process in psutil.process_iter(["ppid", "cmdline"])
        if any(program in word for word in process.info["cmdline"] or () for program in _PROGRAMS)
    }
    groups: dict[int, list[Any]] = {}
    for pid, process in of_wrangler.items():
        first = None
        for _ in of_wrangler:  # a number that was given twice could make a circle
            if pid not in of_wrangler:
                break
            if _is_of(of_wrangler[pid], project):
                first = pid
            pid = of_wrangler[pid].info["ppid"]  # noqa: PLW2901
        if first is not None:
            groups.setdefault(first, []).append(process)
    return [
        (
            frozenset(process.pid for process in group),
            [port for process in sorted(group, key=_began) for port in _ports(process)],
        )
        for group in groups.values()
    ]


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
        (path.name in CONFIGURATIONS and path.parent.resolve() == project) or path == project
        for path in named
    )


def _ports(process: Any) -> Iterator[tuple[str, int]]:
    import psutil  # noqa: PLC0415

    try:
        connections = process.net_connections("inet")
    except (psutil.Error, OSError):
        return
    for one in connections:
        if one.status == psutil.CONN_LISTEN:
            host = _EVERYWHERE.get(one.laddr.ip, one.laddr.ip)
            if is_loopback(host):
                yield host, one.laddr.port
