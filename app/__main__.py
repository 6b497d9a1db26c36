"""`python -m app`, and where the packaged program starts."""

import sys


def main() -> int:
    """Runs one scan worker, or the program itself."""
    if sys.argv[1:2] == ["--scan-worker"]:  # a child of the verification, which loads nothing else
        from app.workers.scan_child import main as scan  # noqa: PLC0415

        return scan()
    from app.cli import main as command_line  # noqa: PLC0415

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
