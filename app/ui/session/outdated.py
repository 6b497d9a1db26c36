"""What outdates what was verified, as it is said."""

from typing import Final

RETENTION: Final = "Retention has removed entries"
OTHERS: Final = "Another program has written to the database"
AGAIN: Final = f"{OTHERS}, which is soon verified again by itself"
"""Mostly users and notifications, all day: nothing less is claimed until that has ended."""
STANDS: Final = f"{OTHERS} since; the last entry that was verified is there as it was"
"""So the verdict stands for when it was found; whether another entry was changed since is not known."""
