"""What one tab is about, in plain data: the frame reads it before the tab is built."""

from dataclasses import dataclass

from app.services.records.tables import Table
from app.ui.widgets.filter_row import Pick


@dataclass(frozen=True, slots=True)
class TabSpec:
    """What one tab is about: a declared table, and how a tab presents it.

    `empty` is a title and a sentence. `chips` are counted columns that the tab offers otherwise than by a
    pick list.
    """

    declared: Table
    icon: str
    empty: tuple[str, str]
    dates: bool = False
    chips: tuple[str, ...] = ()

    @property
    def table(self) -> str:
        return self.declared.name

    @property
    def title(self) -> str:
        return self.declared.title

    @property
    def noun(self) -> tuple[str, str]:
        return self.declared.noun

    @property
    def main(self) -> str:
        return self.declared.main

    @property
    def hidden(self) -> tuple[str, ...]:
        """The columns shown only when asked for."""
        return tuple(column.name for column in self.declared.listed if column.hidden)

    @property
    def picks(self) -> tuple[Pick, ...]:
        return tuple(
            Pick(column.name, column.label, f"Any {_inside(column.label)}")
            for column in self.declared.counted
            if column.name not in self.chips
        )

    @property
    def hint(self) -> str:
        return filter_hint(self.declared)


def filter_hint(table: Table) -> str:
    """ "Filter by name, URL or host…"."""
    *others, last = (_inside(column.label) for column in table.searched)
    return f"Filter by {' or '.join(filter(None, (', '.join(others), last)))}…"


def _inside(label: str) -> str:
    """A label inside a sentence; abbreviations stay as they are."""
    return label if label.isupper() else label[:1].lower() + label[1:]
