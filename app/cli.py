"""The command line. Qt is loaded only to open the window, so a server without a display can use the rest."""

import argparse
import signal
import sys
from collections.abc import Sequence
from errno import ENOSPC
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from types import ModuleType
from typing import NoReturn

from app import __version__
from app.commands.common import EXIT_COULD_NOT_RUN
from app.services.text import visible
from models.errors import TenantAdminError

COMMANDS = {
    "verify": "verify",
    "checkpoint": "checkpoint",
    "retention": "retention",
    "backup": "backup",
    "restore": "restore",
    "import": "import_dump",  # Python keeps the name itself
    "migrate": "migrate",
    "migrations": "migrations",
    "demo": "demo",
    "info": "info",
}
"""Each command's module of `app.commands`, whose docstring is the command's help."""

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
  tenant-admin verify demo.sqlite       check every audit chain (exit 0 intact, 1 findings, 2 could not run)
  tenant-admin checkpoint demo.sqlite --export checkpoints.json
                                        sign what the chains are now, and keep it elsewhere
  tenant-admin retention demo.sqlite --dry-run
                                        say what data retention would remove
  tenant-admin backup demo.sqlite copy.sqlite
                                        write a copy, also while the file is in use
  tenant-admin restore demo.sqlite copy.sqlite
                                        put back what the copy holds; the file as it was is kept
  tenant-admin import dump.sql new.sqlite
                                        make a file of what `wrangler d1 export` wrote
  tenant-admin migrate demo.sqlite      bring a file up to date, or create it

TENANT_ADMIN_HOME moves settings, logs and recent files to another folder.
"""


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_COULD_NOT_RUN, f"{self.prog}: {message}; see {self.prog} --help\n")


def main(argv: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit status; an expected failure is one sentence and status 2."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # whatever a terminal cannot show, it is shown as an escape
            stream.reconfigure(errors="backslashreplace")
    options = _options(arguments)
    if options.run is not _window:
        # As Ctrl+C: what is unfinished is cleared away.
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return int(options.run(options))
    except TenantAdminError as error:
        print(f"tenant-admin: {visible(str(error))}", file=sys.stderr)
    except KeyboardInterrupt:
        print("tenant-admin: cancelled", file=sys.stderr)
    except BrokenPipeError:
        sys.stderr.close()
    except OSError as error:
        what = visible(str(error.filename)) if error.filename else "A file"
        why = "there is no space left on its disk" if error.errno == ENOSPC else error.strerror
        print(f"tenant-admin: {what} cannot be used: {why}.", file=sys.stderr)
    except Exception as error:  # noqa: BLE001 - a bug: details to the log, a sentence to the person
        print(f"tenant-admin: {_report_bug(error)}", file=sys.stderr)
    return EXIT_COULD_NOT_RUN


def _report_bug(error: Exception) -> str:
    from app import bugs  # noqa: PLC0415 - only needed when something broke

    return bugs.record(error)


def _options(arguments: list[str]) -> argparse.Namespace:
    if arguments and arguments[0] in COMMANDS:
        name, rest = arguments[0], arguments[1:]
        command = _command(name)
        parser = _Parser(prog=f"tenant-admin {name}", description=command.__doc__)
        command.add_arguments(parser)
        parser.set_defaults(run=command.run)
        return parser.parse_args(rest)
    parser = _Parser(
        prog="tenant-admin",
        usage="tenant-admin [FILE or FOLDER]\n       tenant-admin COMMAND …",
        description=DESCRIPTION,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("path", nargs="?", type=Path, metavar="FILE or FOLDER", help="what to open")
    parser.add_argument("--version", action="version", version=f"tenant-admin {__version__}")
    parser.add_argument("--read-only", action="store_true", help="open so that nothing can be changed")
    parser.add_argument("--self-test", action="store_true", help=argparse.SUPPRESS)
    parser.set_defaults(run=_window)
    if {"-h", "--help"} & set(arguments):
        parser.epilog = f"commands (tenant-admin COMMAND --help says more):\n{_summaries()}\n\n{EXAMPLES}"
    return parser.parse_args(arguments)


def _command(name: str) -> ModuleType:
    """Loads a command, with no more than its arguments need."""
    return import_module(f"app.commands.{COMMANDS[name]}")


def _summaries() -> str:
    width = max(map(len, COMMANDS))
    return "\n".join(f"  {name:<{width}}  {_command(name).__doc__}" for name in COMMANDS)


def _window(options: argparse.Namespace) -> int:
    from app import loading  # noqa: PLC0415 - the only command that loads Qt

    loading.prepare()
    from app.application import run  # noqa: PLC0415

    return run(options.path, read_only=options.read_only, self_test=options.self_test)
