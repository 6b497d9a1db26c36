"""`python -m app`, `tenant-admin`, and where the packaged program starts."""

import sys
from os.path import exists

from app import end_when_interrupted


def main() -> int:
    """Runs one worker, a child of this program that loads nothing else, or the program itself."""
    end_when_interrupted()
    if sys.argv[1:2] == ["--worker"]:
        from app.workers.child import serve  # noqa: PLC0415

        return serve(*sys.argv[2:])
    if not sys.argv[1:] or exists(sys.argv[1]):  # noqa: PTH110 - no command; Path is loaded later
        import gc  # noqa: PLC0415

        from app import libraries  # noqa: PLC0415

        gc.disable()  # what is loaded stays; `loading` says more
        libraries.load_beside()
    from app import finding, seldom  # noqa: PLC0415 - beside it

    finding.find_own_modules()
    seldom.put_off()
    from app.cli import main as command_line  # noqa: PLC0415

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
