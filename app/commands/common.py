"""What several commands share."""

import argparse
import atexit
import json
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from app import paths
from app.services.live import PREFIX
from app.services.text import counted, tenant_name, visible
from models.errors import Cancelled, NeedsCopy, NotAllowed, TenantAdminError, UnfinishedChange
from models.progress import Stop

if TYPE_CHECKING:
    from app.services.chain.verify.report import Report
    from app.services.live.connections import NamedConnection, Tokens
    from app.services.opened import Opened
    from models.d1.client import Heard
    from models.d1.database import D1Database
    from models.engine import Database, Usage

EXIT_INTACT, EXIT_FINDINGS, EXIT_COULD_NOT_RUN = 0, 1, 2
EXIT_SIGNAL, SIGPIPE = 128, 13
"""To the first a shell adds a signal's number; Python hears of the other as `BrokenPipeError`."""

WARNINGS = 3
"""How many warnings of a kind are printed: there may be one for each entry, and none makes the verdict."""

UNRECORDED = "also when the database has no audit chain, so that it is recorded nowhere; refused otherwise"
"""What `--unrecorded` confirms."""


FLAGS = {
    "NeedsConfirmation": "--allow-majority",
    "ClockProblem": "--trust-clock",
    "NoCheckpoint": "--without-checkpoint",
    "NotRecorded": "--unrecorded",
    "NoBookmark": "--without-bookmark",
}
"""What confirms that which an error asks about."""


def asking(error: TenantAdminError, options: object) -> str:
    """What it says, and how a person confirms what it asks about, where the command can be told so."""
    flag = FLAGS.get(type(error).__name__, "")
    can_be_told = flag.removeprefix("--").replace("-", "_") in vars(options)
    return f"{error} To confirm, add {flag}." if can_be_told else str(error)


class OutputFailed(TenantAdminError):
    """Standard output takes nothing more; `why` is the system's word."""

    sentence = (
        "What this command says cannot be written ({why}). What it had done by then stays done; look at the "
        "file before you repeat it."
    )


@contextmanager
def standard_output() -> Iterator[None]:
    """Whoever prints within it hears `OutputFailed`, but `BrokenPipeError` where nobody reads any more."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        raise OutputFailed(why=error.strerror) from error


def say(text: str) -> None:
    """Prints one line of what may hold data, so that no character of it can act on the terminal."""
    with standard_output():
        print(visible(text))


def clock() -> int:
    """What a command goes by, in epoch seconds: asked when it is needed, as it may have waited until then."""
    return int(time.time())


def complain(text: str) -> None:
    """One line on standard error, in the program's name; where that takes none nobody can be told."""
    with suppress(OSError):
        print(f"tenant-admin: {visible(text)}", file=sys.stderr)


def print_json(value: Any) -> None:
    """Prints a document as ASCII, so that no character of it can act on a terminal."""
    with standard_output():
        print(json.dumps(value, indent=2))


def print_report(report: "Report", *, is_part: bool = False) -> None:
    """Each tenant's verdict, the findings, and the whole, or what was looked at of it, where it `is_part`."""
    from app.services.chain.headlines import headline  # noqa: PLC0415 - whoever has a report has loaded it
    from app.services.chain.rules import Verdict  # noqa: PLC0415 - the same

    for tenant in report.tenants:
        in_archive = tenant.anchor is not None and tenant.anchor.kind == "archive"
        archived = ", and the archive from the first on" if in_archive else ""
        entries = counted(tenant.entries, "entry", "entries")
        say(f"{tenant.verdict:<15} {tenant_name(tenant.tenant)}: {entries}{archived}")
    for note in report.notes:
        say(note)
    warnings = Counter[str]()
    for finding in report.findings:
        warnings[finding.code] += finding.is_warning
        if not finding.is_warning or warnings[finding.code] <= WARNINGS:
            say(f"{finding.code}: {finding.message}")
    for code, count in warnings.items():
        if count > WARNINGS:
            say(f"{code}: {count - WARNINGS:,} more like these")
    if report.found > len(report.findings):
        say(f"and {report.found - len(report.findings):,} more findings")
    found = f", {report.tally}" if report.tally else ""
    if report.verdict is Verdict.VERIFIED and report.not_covered_in_words:
        found += f", {report.not_covered_in_words}"
    verdict = f"{report.verdict}, end lost" if report.lost_end is not None else report.verdict
    # In the words of the window, which are of the whole.
    is_silent = is_part or (report.stands and not report.entries)
    words = "" if is_silent and not report.lacks_table else f" ({headline(report)})"
    say(f"{verdict}: {counted(report.entries, 'entry', 'entries')} in {report.seconds:.2f} s{found}{words}")


def whole(value: str) -> int:
    """A whole number, as an argument."""
    try:
        return int(value)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{value!r} is no whole number") from None


def positive(value: str) -> int:
    number = whole(value)
    if number < 1:
        raise argparse.ArgumentTypeError("must be at least 1")
    return number


class _Signalled(KeyboardInterrupt):
    """Of a class of its own: where it leaves a text that `exec` runs, as dataclasses are made, Python
    remembers the other, and ends as by SIGINT whatever is returned then.
    """


def interrupted(number: int, _: object) -> NoReturn:
    """Handles a signal as Ctrl+C is: what is unfinished is cleared away."""
    raise _Signalled(number)


def ended_by(error: KeyboardInterrupt) -> int:
    """The exit status as shells report the signal."""
    return EXIT_SIGNAL + int(error.args[0] if error.args else signal.SIGINT)


@contextmanager
def asked_to_stop(*, finishing: bool = False) -> Iterator[Stop]:
    """Within it Ctrl+C and SIGTERM are what it gives tells of; the second one ends at once.

    `finishing` says that what has come to its end is told whatever comes: no signal ends the command then.

    What raises `Cancelled` for it ends as the signal would have ended it: `KeyboardInterrupt`. What a kind of
    it has to say, as that a part is kept, is said before.
    """
    stopped = 0

    def stop(number: int, _: object) -> None:
        nonlocal stopped
        stopped = number
        for kind in before:
            signal.signal(kind, interrupted)

    is_finished = False
    kinds = (signal.SIGINT, signal.SIGTERM)
    before = {kind: signal.getsignal(kind) for kind in kinds if signal.getsignal(kind) != signal.SIG_IGN}
    for kind in before:
        signal.signal(kind, stop)
    try:
        yield lambda: stopped > 0
        is_finished = finishing
    except Cancelled as error:
        if not stopped:
            raise
        if type(error) is not Cancelled:  # it says more than that
            complain(str(error))
        raise KeyboardInterrupt(stopped) from None
    finally:
        for kind, handler in before.items():
            signal.signal(kind, signal.SIG_IGN if is_finished else handler)


class LiveName(str):
    """A live database as an argument: `d1:NAME`, wherever a file may stand."""

    __slots__ = ()

    @property
    def name(self) -> str:
        return self.removeprefix(PREFIX)


def file_or_live(text: str) -> Path | LiveName:
    """What an argument means that names a file or folder. A file whose name begins with `d1:` can be given as
    `./d1:…`.
    """
    if text.startswith(PREFIX):
        return LiveName(text)
    if not text:  # pathlib would take it for the current folder
        raise argparse.ArgumentTypeError("the name is empty; perhaps a variable of the shell is not set")
    if text == "-":  # other programs' name of a pipe
        raise argparse.ArgumentTypeError("no pipe is read or written; name a file (one called “-” is ./-)")
    return Path(text)


def opened(
    given: Path | LiveName, *, read_only: bool = False, force_writable: bool = False, tells_clock: bool = True
) -> "Opened":
    """What an argument names, opened: a file, that of a project's folder, or a live database. What is only
    read is read by a copy where SQLite cannot read it in its folder, and what a program left in the middle of
    a change is put right first, as it is where it is verified. Before anything is written, it is told that a
    live database's clock is another, unless whoever opens it does: `tells_clock`.

    Raises the errors of `opening.open_path`, of `open_live` and of `connected`.
    """
    if isinstance(given, LiveName):
        from app.services.live.connecting import open_live  # noqa: PLC0415

        opened = open_live(*connected(given, read_only=read_only))
        if not read_only and tells_clock:
            tell_clock(opened.database)
        return opened
    from app.services.files import opening  # noqa: PLC0415

    try:
        return opening.open_path(given, read_only=read_only, force_writable=force_writable)
    except UnfinishedChange:
        if not read_only:
            raise
        opening.put_right(database_path(given))
        return opening.open_path(given, read_only=True)
    except NeedsCopy:
        if not read_only:
            raise
        stack = ExitStack()
        atexit.register(stack.close)
        return opening.open_by_copy(database_path(given), stack)


def tell_clock(database: "Database") -> None:
    """Where what is recorded now would carry another time than it has there: a window asks before that."""
    from app.services.chain.cautions import clock_off  # noqa: PLC0415

    if (off := clock_off(database)) is not None:
        complain(off.happened)


BESIDE_SERVER = "also when a `wrangler dev` has the file open, which a lock can stop; refused otherwise"


def require_beside(path: Path, *, force: bool, nothing: str) -> None:
    """Raises `NotAllowed` where a `wrangler dev` has the file open, unless a person has said that it may be
    written all the same.
    """
    from app.services.files import opening  # noqa: PLC0415

    if not force and (why := opening.why_not_beside(path)) is not None:
        raise NotAllowed(
            f"{path.name} cannot be written, because {why}; nothing was {nothing}. Go through the "
            "server (tenant-admin d1 add NAME --project FOLDER, then d1:NAME), or end it; to go beside it, "
            "add --force."
        )


def used(usage: "Usage | None") -> "dict[str, int | list[str]]":
    """What a command has used of a live database, for its JSON; nothing of a file. `atLeast` names what may
    have been more, since an answer did not tell.
    """
    if usage is None:
        return {}
    unsure = [name for name, lost in (("rowsRead", usage.unread), ("rowsWritten", usage.lost)) if lost]
    told = {"requests": usage.calls, "rowsRead": usage.read, "rowsWritten": usage.written}
    return told | ({"atLeast": unsure} if unsure else {})


def say_before(
    place: str, usage: "Usage | None", rows: int, how_many: str = "about", *, or_where: str = ""
) -> None:
    """Says how much of a live database is read by a command, before it begins, and where it is more: no less
    than its `usage` says in the end, with what has told that, and as much again for what is looked at on the
    way.
    """
    rows += 0 if usage is None else 2 * usage.read
    if rows:
        complain(
            f"this reads {how_many} {counted(rows, 'row')} of {place}, more where others write meanwhile"
            + or_where
        )


def say_used(usage: "Usage | None") -> None:
    """The same for a person."""
    if usage is not None:
        say(str(usage))


def connected(live: LiveName, *, read_only: bool) -> "tuple[NamedConnection, D1Database]":
    """The live database that an argument names, looked up.

    Raises `NoSuchConnection`, `ConnectionUnreadable`, and as `connecting.database` does.
    """
    from app.services.live.connecting import database  # noqa: PLC0415
    from app.services.live.connections import Connections  # noqa: PLC0415

    connection = Connections().named(live.name)
    found = database(connection, tokens(), read_only=read_only, **heard(connection))
    found[1].on_crowd = lambda words: complain(f"{words}; that may take a while")
    return found


def heard(connection: "NamedConnection") -> "Heard":
    """What says that a live database has not answered for a while, and how many seconds it is waited for; and
    that it takes no call, or is asked again, for a time: the arguments that `Client` takes.
    """

    def silent(seconds: float) -> None:
        at_most = f"{seconds:.0f} s at most (Ctrl+C ends it)"
        complain(f"{connection.place} has not answered yet; it is waited for, {at_most}")

    return {"on_silence": silent, "on_pause": complain}


def tokens(*, with_keyring: bool = True) -> "Tokens":
    """Tokens for this command: of the keyring, the environment, and who sits at the terminal."""
    from app.services.live.connections import Tokens  # noqa: PLC0415
    from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415

    return Tokens(SystemKeyring() if with_keyring else None, _ask_token)


def _ask_token(connection: "NamedConnection") -> str | None:
    if not sys.stdin.isatty():
        return None
    from getpass import getpass  # noqa: PLC0415

    with suppress(EOFError):
        return getpass(f"API token of {connection.place} (it is not shown): ")
    return None


def database_path(path: Path) -> Path:
    """The database file that the argument means: itself, or the one in a project's folder.

    What killed programs have left beside it is cleared away.
    """
    from models.files.atomic import sweep_databases  # noqa: PLC0415
    from models.local.file import is_project  # noqa: PLC0415 - takes SQLite along, and a folder the models

    if is_project(path):
        from app.services.files.find import find_database  # noqa: PLC0415

        path = find_database(path)
    path = paths.resolved(path)
    sweep_databases(path)
    return path
