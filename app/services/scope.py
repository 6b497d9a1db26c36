"""The one place where a query is restricted to a tenant."""

from dataclasses import dataclass
from typing import Any

from peewee import Model


@dataclass(frozen=True, slots=True)
class Scope:
    """The tenant an administrator looks at, or all of them (None)."""

    tenant_id: str | None = None

    def applies_to(self, model: type[Model]) -> bool:
        """Whether rows of this table belong to a tenant; planning runs belong to the platform."""
        return "tenant_id" in model._meta.fields

    def restrict(self, query: Any, model: type[Model]) -> Any:
        """The query, limited to the tenant where the table has tenants."""
        if self.tenant_id is None or not self.applies_to(model):
            return query
        return query.where(model._meta.fields["tenant_id"] == self.tenant_id)


EVERYONE = Scope()
