"""`python -m app`, `tenant-admin`, and where the packaged program starts."""

import sys

# What `signal` makes its names of, built in: `signal` itself takes a while to load.
from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]


def main() -> int:
    """Runs one worker, a child of this program that loads nothing else, or the program itself."""
    if getsignal(SIGINT) is default_int_handler:
        # While the rest is loaded Ctrl+C just ends this: there is nothing yet to be put in order.
        signal(SIGINT, SIG_DFL)
    if sys.argv[1:2] == ["--worker"]:
        from app.workers.child import serve  # noqa: PLC0415

        return serve(*sys.argv[2:])
    from app.cli import main as command_line  # noqa: PLC0415

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
