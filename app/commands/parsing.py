"""What reads the command line; apart, as a window that opens one file does without."""

import argparse
from pathlib import Path
from typing import Any, NoReturn

from app.commands.common import EXIT_COULD_NOT_RUN, file_or_live
from app.services.text import visible


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one sentence, without the usage in front of it."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.register("type", Path, file_or_live)

    def error(self, message: str) -> NoReturn:
        self.exit(EXIT_COULD_NOT_RUN, f"{self.prog}: {visible(message)}; see {self.prog} --help\n")


def require_text(parser: Parser, options: argparse.Namespace) -> None:
    """Ends where an argument that is no path is no UTF-8, as nothing that a database holds is called."""
    for name, value in vars(options).items():
        for text in value if isinstance(value, list) else (value,):
            if isinstance(text, str) and not text.isascii():
                try:
                    text.encode()
                except UnicodeEncodeError:
                    parser.error(f"{name.replace('_', '-')} is not written in UTF-8; type it again")
