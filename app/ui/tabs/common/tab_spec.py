"""What one tab is about, in plain data: the frame reads it before the tab is built."""

from dataclasses import dataclass

from app.ui.widgets.filter_row import Pick


@dataclass(frozen=True, slots=True)
class TabSpec:
    """What one tab is about.

    `picks` are the columns with a pick list, `empty` a title and a sentence, `main` the column that takes
    the room the others leave, `hidden` those shown only when asked for.
    """

    table: str
    title: str
    icon: str
    hint: str
    noun: tuple[str, str]
    empty: tuple[str, str]
    picks: tuple[Pick, ...] = ()
    dates: bool = False
    main: str = ""
    hidden: tuple[str, ...] = ()
