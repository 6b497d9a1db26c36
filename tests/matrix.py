"""Many like cases: all of them in CI, by default so few that everything occurs in one, or some of them.

`TENANT_ADMIN_EXHAUSTIVE` asks for all. Which are taken otherwise is the same each time.
"""

import os
from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any, Final, TypeVar

import pytest

EXHAUSTIVE: Final = os.environ.get("TENANT_ADMIN_EXHAUSTIVE", "0") not in ("", "0")

EACH: Final = 4
"""Of cases that are of one kind, one in so many is tried."""

ENGINES: Final = ("local", "plain", "d1")
"""What the fixtures of engines call them."""

Case = TypeVar("Case")
Values = Mapping[Any, Hashable]
"""What a case has of each dimension."""


def every(cases: Iterable[Case], each: int | None = None) -> list[Case]:
    """All where they are asked for; else the first of so many, or of tuples as many as `spread` needs."""
    given = list(cases)
    if EXHAUSTIVE:
        return given
    if each is not None:
        return given[::each]
    values: list[Values] = [{at: id(value) for at, value in enumerate(case)} for case in given]  # type: ignore[arg-type,var-annotated]
    return [given[place] for place in spread(values)]


def spread(cases: Sequence[Values]) -> list[int]:
    """The places of cases in which each value of each dimension occurs; most new ones are taken first."""
    missing = {value for case in cases for value in case.items()}
    chosen = list[int]()
    while missing:
        chosen.append(max(range(len(cases)), key=lambda place: len(missing & cases[place].items())))
        missing -= cases[chosen[-1]].items()
    return sorted(chosen)


def not_needed(items: Iterable[pytest.Item]) -> set[pytest.Item]:
    """What of these tests is for CI alone: of those with the marker `matrix` what `spread` leaves out. Where
    it says `each=4`, all but the first of each four, and but quick ones among slow ones. Of those on a live
    database that are tried on a file, too, all but the first of each four.
    """
    alike = dict[str, list[pytest.Function]]()
    for item in items:
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            alike.setdefault(item.nodeid.removesuffix(item.name) + item.originalname, []).append(item)
    found = set[pytest.Item]()
    for cases in alike.values():
        if (marker := cases[0].get_closest_marker("matrix")) is not None:
            found |= _beside(cases, marker.kwargs.get("each"))
        left = [case for case in cases if case not in found]
        on_files = [_values(case) for case in left if case.get_closest_marker("wrangler") is None]
        live = [case for case in left if case.get_closest_marker("wrangler") and _values(case) in on_files]
        found.update(case for place, case in enumerate(live) if place % EACH)
    return found


def _beside(cases: list[pytest.Function], each: int | None) -> set[pytest.Function]:
    if each is None:
        kept = {cases[place] for place in spread([_values(case) for case in cases])}
    else:
        slow = {case for case in cases if case.get_closest_marker("slow")}
        kept = {*cases[::each], *(set(cases) - slow if slow else ())}
    return set(cases) - kept


def _values(case: pytest.Function) -> dict[str, int]:
    """What a case has of each dimension but the engine. Pytest's own indices count the cases."""
    return {name: id(value) for name, value in case.callspec.params.items() if value not in ENGINES}
