"""The command line. Qt is loaded only to open the window, so a server without a display can use the rest."""

import gc
import os
import signal
import sys
from collections.abc import Callable, Sequence
from errno import EACCES, EISDIR, ENOSPC, EPERM
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

from app import __version__
from app.commands import common
from models.errors import TenantAdminError

if TYPE_CHECKING:
    from argparse import Namespace

COMMANDS = {
    "verify": "verify.verify",
    "checkpoint": "verify.checkpoint",
    "prove": "verify.prove",
    "retention": "retention.retention",
    "backup": "files.backup",
    "restore": "files.restore",
    "import": "files.import_dump",  # Python keeps the name itself
    "export": "files.export",
    "migrate": "files.migrate",
    "migrations": "files.migrations",
    "demo": "files.demo",
    "info": "files.info",
    "tenants": "tenants.tenants",
    "users": "users.users",
    "runs": "runs.runs",
    "d1": "d1.d1",
}
"""Each command's module and function in `app.commands`."""

LIVE = frozenset(
    {"verify", "checkpoint", "prove", "retention", "backup", "export", "info", "tenants", "users", "runs"}
)
"""Those that take a live database (`d1:NAME`) for their file."""

DESCRIPTION = """\
Look after the tenants of a platform on Cloudflare D1: users, the audit chain, webhooks,
notifications and planning runs. Without a command the window opens.
"""

EXAMPLES = """\
examples:
  tenant-admin                          open the window
  tenant-admin foundation.sqlite        open a file in it
  tenant-admin ~/src/foundation         open the local D1 file of a wrangler project
  tenant-admin demo demo.sqlite         make a file with sample data
  tenant-admin verify demo.sqlite       check all chains (exit 0 nothing wrong, 1 findings, 2 could not run)
  tenant-admin checkpoint demo.sqlite --export checkpoints.json
                                        sign what the chains are now, and keep it elsewhere
  tenant-admin prove demo.sqlite 1200 proof/
                                        write the proof of one entry for somebody else
  tenant-admin retention demo.sqlite --dry-run
                                        say what data retention would remove
  tenant-admin backup demo.sqlite copy.sqlite
                                        write a copy, also while the file is in use
  tenant-admin restore demo.sqlite copy.sqlite
                                        put back what the copy holds; the file as it was is kept
  tenant-admin import dump.sql new.sqlite
                                        make a file of what `wrangler d1 export` wrote
  tenant-admin export demo.sqlite demo.sql
                                        write a file as SQL that `wrangler d1 execute` takes
  tenant-admin migrate demo.sqlite      bring a file up to date, or create it
  tenant-admin migrations create "add a column"
                                        write the next numbered migration
  tenant-admin tenants list demo.sqlite say how each tenant stands
  tenant-admin tenants export demo.sqlite acme-corp acme/
                                        write all that it has, and its chain as evidence
  tenant-admin tenants erase demo.sqlite acme-corp
                                        say what would go of it; --confirm acme-corp erases it
  tenant-admin users list demo.sqlite users.csv --tenant acme-corp
                                        write its users to a file
  tenant-admin users add demo.sqlite new.csv --dry-run
                                        say who would be created of a list, and which lines are wrong
  tenant-admin runs dossier demo.sqlite RUN run.html
                                        write all that is stored of a planning run as a document
  tenant-admin d1 add prod --account A --database foundation-primary --production
                                        name a live D1 database, which is d1:prod from then on
  tenant-admin info d1:prod             say what it holds

TENANT_ADMIN_HOME moves settings, logs and recent files to another folder.
"""


NOT_ALLOWED = "its permissions, or its folder's, do not allow it; check them, or choose another place"

WHY = {
    ENOSPC: "there is no space left on its disk; free some and try again",
    EACCES: NOT_ALLOWED,
    EPERM: NOT_ALLOWED,
    EISDIR: "it is a folder; name a file in it",
}
"""What the system's own word leaves open."""


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; an expected failure is one sentence and status 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # whatever a terminal cannot show, it is shown as an escape
            stream.reconfigure(errors="backslashreplace")
    options = _options(arguments)
    try:
        if options.run is not _window:
            gc.enable()  # a file is called as a command is, and the window's start was prepared
            # SIGTERM as Ctrl+C: what is unfinished is cleared away.
            for kind in (signal.SIGINT, signal.SIGTERM):
                if signal.getsignal(kind) == signal.SIG_DFL:
                    signal.signal(kind, common.interrupted)
        status = int(options.run(options))
        with common.standard_output():
            print(end="", flush=True)
    except common.OutputFailed as error:
        common.complain(str(error))
        _print_nothing_more()
    except TenantAdminError as error:
        common.complain(common.asking(error, options))
    except KeyboardInterrupt as error:
        common.complain("cancelled")
        return common.ended_by(error)
    except BrokenPipeError:
        _print_nothing_more()
        return common.EXIT_SIGNAL + common.SIGPIPE
    except OSError as error:
        why = WHY.get(error.errno or 0, error.strerror)
        common.complain(f"{error.filename or 'A file'} cannot be used: {why}.")
    except Exception as error:  # noqa: BLE001 - a bug: details to the log, a sentence to the person
        from app import bugs  # noqa: PLC0415 - only needed when something broke

        common.complain(bugs.record(error))
    else:
        return status
    return common.EXIT_COULD_NOT_RUN


def _print_nothing_more() -> None:
    """What waits to be printed would fail once more when Python ends, which then says so in its own words."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())


def _options(arguments: list[str]) -> "Namespace | SimpleNamespace":
    if len(arguments) < 2 and all(one and one[0] != "-" and one not in COMMANDS for one in arguments):
        # What most starts ask for: the parser, with what it loads, takes 5 ms of one.
        path = common.file_or_live(arguments[0]) if arguments else None
        return SimpleNamespace(run=_window, path=path, read_only=False, self_test=False)
    import argparse  # noqa: PLC0415

    from app.commands.parsing import Parser, require_text  # noqa: PLC0415

    if arguments and arguments[0] in COMMANDS:
        run, add_arguments = _command(arguments[0])
        parser = Parser(prog=f"tenant-admin {arguments[0]}", description=run.__doc__)
        add_arguments(parser)
        parser.set_defaults(run=run)
        options = parser.parse_args(arguments[1:])
        require_text(parser, options)
        if any(isinstance(value, common.LiveName) for value in vars(options).values()):
            from app.commands.live import in_place_of  # noqa: PLC0415

            options.run = in_place_of(arguments[0], options, run if arguments[0] in LIVE else None)
        return options
    parser = Parser(
        prog="tenant-admin",
        usage="tenant-admin [FILE, FOLDER or d1:NAME]\n       tenant-admin COMMAND …",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path, metavar="FILE, FOLDER or d1:NAME", help="what to open")
    parser.add_argument("--version", action="version", version=f"tenant-admin {__version__}")
    parser.add_argument("--read-only", action="store_true", help="open so that nothing can be changed")
    parser.add_argument("--self-test", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_window)
    if {"-h", "--help"} & set(arguments):
        parser.epilog = f"commands (tenant-admin COMMAND --help says more):\n{_summaries()}\n\n{EXAMPLES}"
    return parser.parse_args(arguments)


def _command(name: str) -> tuple[Callable[..., int], Callable[..., None]]:
    """Loads a command, with no more than its arguments need: itself, and what adds those to a parser."""
    module, _, function = COMMANDS[name].partition(".")
    found = vars(import_module(f"app.commands.{module}"))
    return found[function], found[f"{function}_arguments"]


def _summaries() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(f"  {name:<{width}}  {_command(name)[0].__doc__}" for name in COMMANDS)


def _window(options: "Namespace | SimpleNamespace") -> int:
    from app.loading import require_display  # noqa: PLC0415

    require_display()
    from app import loading, seldom  # noqa: PLC0415 - the only command that loads Qt

    seldom.hash_without_openssl()
    loading.prepare()
    from app.application import run  # noqa: PLC0415

    return run(options.path, read_only=options.read_only, self_test=options.self_test)
