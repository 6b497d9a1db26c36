"""The buttons of what a person may say of what was found."""

from collections.abc import Callable
from typing import Final

from PySide6.QtWidgets import QPushButton

from app.services.chain.checkpoints.doors import OPEN, Way
from app.ui.theme import Kind, Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.buttons import push_button
from app.ui.widgets.labels import set_tip

WORDS: Final = {
    Way.SIGN: ("Make one now", Icon.ADD, "Verify the database, and sign what it holds"),
    Way.START_OVER: ("Start over…", Icon.REFRESH, "Go by what the database holds now, whatever these say"),
    Way.ANOTHER_DATABASE: (
        "Another database…",
        Icon.DATABASE,
        "Leave these to the database that they are of: this is another one",
    ),
    Way.ACCEPT_STARTS: ("Accept this start…", Icon.CHECK, "Say that the chain begins where it should"),
    Way.ACCEPT_END: ("Accept this end…", Icon.CHECK, "Say that the chain ends where it should"),
}
"""Words, icon and tool tip of each."""


def way_button(theme: Theme, way: Way, act: Callable[[], object], kind: Kind = Kind.SECONDARY) -> QPushButton:
    words, icon, tip = WORDS[way]
    return push_button(theme, words, act, kind=kind, icon=icon, tip=tip)


def allow(button: QPushButton, way: Way, why: str, *, busy: bool = False) -> None:
    """Lets it be pressed where that way is open, and says else why it is not."""
    tip = WORDS[way][2]
    button.setEnabled(why == OPEN and not busy)
    set_tip(button, tip if why == OPEN else f"{tip}. {why}.")
