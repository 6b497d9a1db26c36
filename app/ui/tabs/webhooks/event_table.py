"""Small tables of events that were sent or received: their columns and cells, written once."""

from collections.abc import Sequence
from typing import Final

from app.itemmodels.columns import Column, Tone
from app.services.deliveries.exchange import DeliveryOutcome, title_of
from app.ui.theme import Theme
from app.ui.theme.icons import Icon
from app.ui.widgets.formatting import absolute_time, relative_time, shortened
from app.ui.widgets.static_table import Cell, StaticColumn, StaticTable
from app.ui.widgets.waterfall import milliseconds

_COLUMNS: Final[dict[str, Column]] = {
    column.title: column
    for column in (
        StaticColumn("Result"),
        StaticColumn("Sent"),
        StaticColumn("Received"),
        StaticColumn("Event"),
        StaticColumn("Took", right=True),
        StaticColumn("Message id", dim=True, monospace=True),
        StaticColumn("Webhook", dim=True),
        StaticColumn("Signature"),
        StaticColumn("Size", right=True),
        StaticColumn("Answered", dim=True),
    )
}

_HEAD = len("msg_") + 2


def event_table(theme: Theme, name: str, titles: Sequence[str], *, most: int | None) -> StaticTable:
    """A table with these of the columns, in this order; that of the events takes the width that is left."""
    columns = [_COLUMNS[title] for title in titles]
    return StaticTable(theme, name, columns, most=most, wide=list(titles).index("Event"))


def looks_of(code: str, *, is_ok: bool) -> tuple[Tone, str]:
    """The colour and the icon of what came of a delivery, by the status or what stands in its place."""
    if is_ok:
        return Tone.OK, Icon.OK
    return (Tone.WARN, Icon.CANCELLED) if code == DeliveryOutcome.CANCELLED.value else (Tone.BAD, Icon.BAD)


def result(code: str, *, is_ok: bool, took_ms: int | None = None) -> Cell:
    """What stands for a status; its words are the tip, with what it took."""
    tone, icon = looks_of(code, is_ok=is_ok)
    took = "" if took_ms is None else f" · {milliseconds(took_ms / 1000)}"
    return Cell(code, tone=tone, icon=icon, tip=title_of(code) + took)


def sent(at: int, now: int, *, utc: bool) -> Cell:
    return Cell(relative_time(at, now), at, tip=absolute_time(at, utc))


def event(name: str, *, again: bool = False) -> Cell:
    return Cell(f"{name} · again" if again else name)


def message(name: str) -> Cell:
    """What names an event in its headers; nothing where it has none."""
    return Cell(shortened(name, _HEAD), tip=name or None, whole=name)


def took(took_ms: int) -> Cell:
    return Cell(milliseconds(took_ms / 1000), took_ms)
