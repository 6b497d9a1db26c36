"""How a chain begins: the one rule of chains that an engine asks, too. `app/services/chain/rules.py`, which
has the others, gives it on. Imports nothing.
"""

from typing import Final

GENESIS: Final = "0" * 64
"""`previous_hash` of a tenant's first entry."""


def begins_behind(first_seq: int, first_previous: str, seq: int) -> bool:
    """Whether a chain that holds, and has this first entry, begins behind the entry `seq` by now and not at
    genesis: then that was removed with all before it, as retention and an erasure do, or as somebody has
    accepted, and is not lost.
    """
    return first_seq > seq and first_previous != GENESIS


BEGINS_BEHIND: Final = f"seq > {{seq}} AND previous_hash <> '{GENESIS}'"
"""The same of a first entry, in SQL."""
