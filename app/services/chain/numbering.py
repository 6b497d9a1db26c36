"""Whether an entry of ours would take a number that the platform's gateway gives next: it numbers the entries
of each tenant itself, one behind that tenant's last, and is refused where that number is taken.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Final

from peewee import BaseQuery

from app.services.chain.entry import cut
from app.services.chain.reading import last_numbers, number_queries, numbers_of
from app.services.chain.rules import GENESIS, MARKER_EVENT, TABLE, counter_is_ahead, is_readable, named
from app.services.text import counted, quoted
from models.engine import Database, Rows, raw
from models.status import SYSTEM_TENANT

NEWEST: Final = 1_000
"""Entries at the table's end that tell how others number them."""

OURS: Final = "substr(payload, 1, 9) = '{\"actor\":'"
"""The condition of entries that this program has made, its markers aside."""

_LAST: Final = f"SELECT CAST(tenant_id AS BLOB) FROM {TABLE} ORDER BY seq DESC LIMIT 1"  # noqa: S608
_NUMBERED: Final = f"""
WITH newest AS MATERIALIZED (
  SELECT tenant_id, seq, event_type <> ? AND NOT {OURS} AS of_others,
    iif(previous_hash = '{GENESIS}', 0, seq - 1) AS at_first
  FROM {TABLE} ORDER BY seq DESC LIMIT ?
)
SELECT CAST(tenant_id AS BLOB), max(of_others),
  max(of_others AND seq - 1 <> coalesce((SELECT max(seq) FROM {TABLE} AS before
    WHERE before.tenant_id = newest.tenant_id AND before.seq < newest.seq), at_first))
  OR max(of_others) AND EXISTS (SELECT 1 FROM {TABLE} WHERE previous_hash = '{GENESIS}' AND seq <> 1
    AND seq = (SELECT min(seq) FROM {TABLE} AS first WHERE first.tenant_id = newest.tenant_id)) AS is_apart
FROM newest GROUP BY tenant_id
"""  # noqa: S608
"""Of each tenant, whether others make its entries, and whether one of theirs is not one behind the last, or
its first not 1, which may be older than the newest.

Ours, markers among them, take the table's next number anywhere.
"""

_ALSO: Final = f"""
SELECT 1 FROM {TABLE} WHERE (tenant_id < ? OR tenant_id > ?) AND event_type <> ? AND NOT {OURS} LIMIT 1
"""  # noqa: S608
"""Finds an entry that others have made of another tenant, however old."""

_CAUTION: Final = (
    "The platform's gateway seems to number the audit entries of this database itself, tenant by tenant. An "
    "entry of ours takes the number that the gateway gives next to {owners}; what it writes there is then "
    "refused, each time. To let it go on, change something of {one} here afterwards: its next number is then "
    "the one behind the entry of that change{last}."
)
_NAMED: Final = 20


def numbering_queries() -> list[BaseQuery]:
    """What tells it all to `Numbering`, of a database that has counters, to be asked with something else."""
    return [*number_queries(), raw(_LAST), raw(_NUMBERED, MARKER_EVENT, NEWEST)]


class Numbering:
    """How others number the entries of a database: read when it is first asked for, once, unless the
    `answers` to `numbering_queries` are there already.

    The caller holds a connection. Raises the storage errors.
    """

    def __init__(self, database: Database, answers: Sequence[Rows] = ()) -> None:
        self._database, self._answers = database, answers

    @cached_property
    def _tenants(self) -> Rows:
        return self._database.rows(raw(_NUMBERED, MARKER_EVENT, NEWEST))

    @property
    def _by_tenant(self) -> bool:
        return not any(is_apart for _, _, is_apart in self._tenants)

    @property
    def is_another_way(self) -> bool:
        """Whether the newest entries of others are known not to be numbered so, and nobody need be asked."""
        return "_tenants" in vars(self) and not self._by_tenant

    @property
    def told_in(self) -> str:
        """The chain in which it is told what was done to the whole database: that of the tenant whose entries
        the gateway numbers itself, where it is the only one, or else of `system`.

        Entries of ours in its chain take no number that the gateway gives next: it goes on behind them.
        """
        theirs = [name for name, of_others, _ in self._tenants if of_others and self._by_tenant]
        if len(theirs) == 1:
            tenant = self._named(theirs[0])
            if is_readable(tenant) and not self._database.rows(raw(_ALSO, tenant, tenant, MARKER_EVENT)):
                return tenant
        return SYSTEM_TENANT

    def caution(self, tenants: Sequence[str]) -> str | None:
        """What a person should know before entries are made in the chains of `tenants`, in that order.

        None where that is nothing.
        """
        if self._answers:
            counter, last = numbers_of(*self._answers[:2])
            owner, *answers = self._answers[2:]
        else:  # where each call takes its time all is asked at once, and nothing twice
            asks = self._database.costs and "_tenants" not in vars(self)
            also = [raw(_NUMBERED, MARKER_EVENT, NEWEST)] if asks else []
            counter, last, (owner, *answers) = last_numbers(self._database, raw(_LAST), *also)
        if answers:
            self._tenants = answers[0]
        before = [] if counter_is_ahead(counter, last) else owner
        order = [*(self._named(name) for (name,) in before), *tenants]
        passed = [one for one in dict.fromkeys(order) if one != order[-1]]  # each by the one behind it
        if not (passed or answers):
            return None
        if not self._by_tenant:
            return None
        numbered = {self._named(name) for name, of_others, _ in self._tenants if of_others}
        owners = [quoted(cut(tenant)) for tenant in passed if tenant in numbered]
        if not owners:
            return None
        if not owners[1:]:
            return _CAUTION.format(owners=owners[0], one=owners[0], last="")
        if more := len(owners[_NAMED:]):
            owners[_NAMED:] = [counted(more, "more tenant")]
        several = f"{', '.join(owners[:-1])} and {owners[-1]}"
        alone = ", and free for the one that is changed last alone"
        return _CAUTION.format(owners=several, one="one of them", last=alone)

    def _named(self, tenant: bytes) -> str:
        return named(tenant, self._database.encoding)
