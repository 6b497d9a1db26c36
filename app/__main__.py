"""`python -m app`, and where the packaged program starts."""

import sys


def main() -> int:
    """Runs one worker, a child of this program that loads nothing else, or the program itself."""
    match sys.argv[1:2]:
        case ["--scan-worker"]:
            from app.workers.scan_child import main as scan  # noqa: PLC0415

            return scan()
        case ["--export-worker"]:
            from app.workers.export_child import main as export  # noqa: PLC0415

            return export()
    from app.cli import main as command_line  # noqa: PLC0415

    return command_line()


if __name__ == "__main__":
    sys.exit(main())
