"""The kinds of columns and fields that several tabs have in common."""

from collections.abc import Callable
from typing import Any

from app.itemmodels.columns import Column
from app.itemmodels.roles import Tone
from app.ui.shell.context import Context
from app.ui.widgets import formatting
from app.ui.widgets.field_list import Field

Word = tuple[str, str | None]
"""A word and the icon beside it."""


def text(name: str, title: str, *, dim: bool = False) -> Column:
    """Text on one line."""
    return Column(name, title, text=lambda value, row: formatting.first_line(str(value or "")), dim=dim)


def identifier(name: str, title: str) -> Column:
    """An id or a hash: shortened in the middle, whole when copied."""
    return Column(
        name,
        title,
        text=lambda value, row: formatting.shortened(str(value)),
        tooltip=lambda value, row: str(value),
        monospace=True,
        dim=True,
    )


def flag(name: str, title: str, yes: Word, no: Word, *, tone: Tone | None = None) -> Column:
    """Yes or no, as words with an icon."""
    return Column(
        name,
        title,
        text=lambda value, row: yes[0] if value else no[0],
        icon=lambda value, row: yes[1] if value else no[1],
        tone=lambda value, row: tone if value else None,
    )


def time(name: str, title: str, context: Context) -> Column:
    """How long ago; the moment itself in the tool tip."""
    return Column(
        name,
        title,
        text=lambda value, row: formatting.relative_time(value, context.clock()),
        tooltip=lambda value, row: formatting.absolute_time(value, context.settings.utc_times),
    )


def number(name: str, title: str, words: Callable[[Any], str] = lambda value: f"{value:,}") -> Column:
    """A number, at the right."""
    return Column(name, title, text=lambda value, row: "" if value is None else words(value), right=True)


def status(
    name: str,
    title: str,
    tones: Callable[[Any], Tone | None],
    icons: Callable[[Any], str | None],
    words: Callable[[Any], str] = str,
) -> Column:
    """A status: text, icon and colour together."""
    return Column(
        name,
        title,
        text=lambda value, row: words(value),
        tone=lambda value, row: tones(value),
        icon=lambda value, row: icons(value),
    )


def moment(context: Context, at: Any) -> str:
    """ "2 h ago · 2026-11-22 13:55:07 UTC"; whatever else is stored as it is."""
    if not isinstance(at, int):
        return str(at)
    absolute = formatting.absolute_time(at, context.settings.utc_times)
    return f"{absolute} · {formatting.relative_time(at, context.clock())}"


def time_fields(context: Context, *times: tuple[str, Any]) -> list[Field]:
    """A field for each moment; what is copied is the number stored."""
    return [Field(label, moment(context, at), copy=str(at)) for label, at in times if at is not None]
