"""Chooses the tenant that every tab, count, export and verification is scoped to."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QWidget

from app.ui.theme import Theme
from app.ui.widgets.picker import Choice, Picker


class TenantSwitcher(Picker):
    """`TenantSwitcher(theme, parent=None)`: a searchable list with "All tenants" first, good for 10,000 of
    them.

    `set_tenants(names, counts=None)`; `tenant()` and `set_tenant(name)` (None is all);
    `tenant_changed(object)` carries str or None when the user chose.
    """

    tenant_changed = Signal(object)

    def __init__(self, theme: Theme, parent: QWidget | None = None) -> None:
        super().__init__(theme, "Tenant", "All tenants", search_hint="Search tenants", parent=parent)
        self.setMinimumWidth(190)
        self.picked.connect(self.tenant_changed)

    def set_tenants(self, names: Sequence[str], counts: Mapping[str, int] | None = None) -> None:
        """Offer these tenants, in this order, with how many rows each has when given."""
        known = counts or {}
        total = sum(known.values()) if known else None
        self.set_choices([Choice(name, name, known.get(name)) for name in names], total)

    def tenant(self) -> str | None:
        """The chosen tenant; None is all."""
        return self.key()

    def set_tenant(self, name: str | None) -> None:
        """Choose without emitting `tenant_changed`."""
        self.set_key(name)
