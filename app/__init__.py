"""Tenant Admin: look after the tenants of a platform on Cloudflare D1."""

import sys

# What `signal` makes its names of, built in: `signal` itself takes a while to load.
from _signal import SIG_DFL, SIGINT, default_int_handler, getsignal, signal  # type: ignore[import-not-found]

__version__ = "0.1.0"
"""The only place of it, which pyproject.toml reads; its newest release in the AppStream metadata is equal."""


def end_when_interrupted() -> None:
    """Lets Ctrl+C just end this while the rest is loaded: there is nothing yet to be put in order."""
    if getsignal(SIGINT) is default_int_handler:
        signal(SIGINT, SIG_DFL)


if sys.argv[:1] == ["-m"]:  # of `python -m app`, which has yet to read `__main__`
    end_when_interrupted()
