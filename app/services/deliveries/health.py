"""How webhooks fare: what came of the last deliveries that were sent to each of them from here. What the
platform itself delivers cannot be seen.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from app.services.deliveries.log import DeliveryLog, DeliverySummary

LAST: Final = 20
"""Deliveries to each that are looked at."""


class Fares(StrEnum):
    """The worst first."""

    FAILING = "failing"
    """The last delivery failed."""
    UNEVEN = "uneven"
    """The last went well, and one before it did not."""
    WELL = "well"


@dataclass(frozen=True, slots=True)
class Health:
    """Of one webhook its last deliveries, oldest first: one at least, and `LAST` at most."""

    attempts: tuple[DeliverySummary, ...]

    @property
    def last(self) -> DeliverySummary:
        return self.attempts[-1]

    @property
    def well(self) -> int:
        """How many of them went well."""
        return sum(one.is_ok for one in self.attempts)

    @property
    def fares(self) -> Fares:
        if not self.last.is_ok:
            return Fares.FAILING
        return Fares.WELL if self.well == len(self.attempts) else Fares.UNEVEN

    @property
    def failures(self) -> tuple[DeliverySummary, ...]:
        """Those at the end that failed, one after the other."""
        start = max((place for place, one in enumerate(self.attempts, 1) if one.is_ok), default=0)
        return self.attempts[start:]

    @property
    def words(self) -> str:
        """`15 of 20`, and what stands in the place of a status where the last one failed."""
        words = f"{self.well} of {len(self.attempts)}"
        return words if self.last.is_ok else f"{words} · {self.last.code}"

    @property
    def sentence(self) -> str:
        """The same as a sentence."""
        whole, failed = len(self.attempts), len(self.failures)
        if whole in (failed, self.well):
            which = "The last delivery" if whole == 1 else f"The last {whole} deliveries all"
            return f"{which} {'failed' if failed else 'went well'}."
        if not failed:
            return f"{self.well} of the last {whole} deliveries went well."
        earlier = whole - failed
        words = "The last delivery failed" if failed == 1 else f"The last {failed} deliveries failed"
        if earlier > self.well:
            return f"{words}; before that {earlier - self.well} of {earlier}."
        return f"{words}; the {'one' if earlier == 1 else earlier} before went well."


def known(log: DeliveryLog, database: str, tenant: str | None = None) -> Mapping[tuple[str, str], Health]:
    """By tenant and webhook, of all of which a delivery tells something; of one tenant's, or of all.
    `database` is `Opened.kept_by`. Raises `LogUnreadable`.
    """
    found: defaultdict[tuple[str, str], list[DeliverySummary]] = defaultdict(list)
    for one in log.last(database, tenant, LAST):
        found[one.tenant, one.webhook].append(one)
    return {key: Health(tuple(attempts)) for key, attempts in found.items()}


def failing(found: Mapping[tuple[str, str], Health]) -> frozenset[str]:
    """The ids of the webhooks to which what was sent last has failed."""
    return frozenset(webhook for (_, webhook), one in found.items() if one.fares is Fares.FAILING)
