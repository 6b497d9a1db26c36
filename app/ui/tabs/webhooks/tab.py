"""Where a tenant's events are delivered to."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from app.itemmodels.columns import Column, Row
from app.itemmodels.roles import Tone
from app.services.records import webhook_urls, webhooks
from app.services.records.list_query import Value
from app.services.records.tables import WEBHOOK_DESTINATIONS
from app.services.records.webhooks import WebhookRecord
from app.ui.shell.actions import ActionSpec, Place
from app.ui.tabs.common import cells
from app.ui.tabs.common.record_acts import create_act, delete_act, edit_act, history_act
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.common.tab_spec import TabSpec
from app.ui.tabs.webhooks.dialog import WebhookDialog
from app.ui.theme.icons import Icon
from app.ui.widgets.chips import StatusChip
from app.ui.widgets.field_list import Field, FieldList
from app.ui.widgets.filter_row import Pick

_HOST = WEBHOOK_DESTINATIONS.names.index("hostname")
_URL = WEBHOOK_DESTINATIONS.names.index("url")


class WebhooksTab(RecordTab):
    """Webhook destinations: create, edit, switch on and off, delete."""

    spec = TabSpec(
        table="webhook_destinations",
        title="Webhooks",
        icon=Icon.WEBHOOK,
        hint="Filter by name, URL or host…",
        noun=("webhook", "webhooks"),
        empty=("No webhooks yet", "Create the first destination with “New webhook”."),
        picks=(Pick("active", "State", "Any state"), Pick("has_secret", "Secret", "Any secret")),
        main="url",
        hidden=("hostname", "has_secret"),
    )

    def columns(self) -> Sequence[Column]:
        return (
            cells.flag("active", "State", ("active", Icon.OK), ("inactive", Icon.PAUSED), tone=Tone.OK),
            cells.text("name", "Name"),
            # The URL names the host already; what differs is said where it is read.
            Column(
                "url",
                "URL",
                text=cells.text("url", "").text,
                tone=lambda value, row: None if _agrees(row) else Tone.BAD,
                icon=lambda value, row: None if _agrees(row) else Icon.WARNING,
                tooltip=lambda value, row: None if _agrees(row) else f"{row[_HOST]} is {_DISAGREES}",
            ),
            cells.text("hostname", "Host", dim=True),
            Column("events", "Events", text=_events, tooltip=lambda value, row: _all_events(value)),
            cells.flag("has_secret", "Secret", ("set", Icon.KEY), ("none", None)),
            cells.text("tenant_id", "Tenant", dim=True),
            cells.time("updated_at", "Updated", self.context),
        )

    def build_inspector(self) -> None:
        self._fields = FieldList(self.context.theme)
        self.inspector.add_widget(self._fields)
        self.inspector.add_stretch()

    def load(self) -> Callable[..., Any]:
        return webhooks.get

    def show_details(self, record: WebhookRecord) -> None:
        self.commands.show_button("activate", not record.active)
        self.commands.show_button("deactivate", record.active)
        theme = self.context.theme
        chips = [
            StatusChip(theme, "active", Tone.OK, Icon.OK)
            if record.active
            else StatusChip(theme, "inactive", Tone.NEUTRAL, Icon.PAUSED)
        ]
        if not record.host_agrees:
            chips.append(StatusChip(theme, "host differs", Tone.BAD, Icon.WARNING))
        self.inspector.set_header(record.name or record.hostname, f"webhook of {record.tenant_id}", chips)
        agrees = record.host_agrees
        self._fields.set_fields(
            [
                Field("URL", record.url),
                Field(
                    "Host",
                    record.hostname if agrees else f"{record.hostname} — {_DISAGREES}",
                    tone=Tone.NEUTRAL if agrees else Tone.BAD,
                    copy=record.hostname,
                ),
                Field("Events", _all_events(record.events), copy=record.events),
                Field("Secret", "•••••••• (set)" if record.has_secret else "none", can_copy=False),
                Field("Id", record.id, mono=True),
                Field("Tenant", record.tenant_id),
                *cells.time_fields(
                    self.context, ("Created", record.created_at), ("Updated", record.updated_at)
                ),
            ]
        )

    def add_acts(self) -> None:
        add = self.commands.add
        add(create_act(self, "New webhook", self._create))
        add(edit_act(self, "Edit", self._edit))
        for name, text, icon, active, key in (
            ("activate", "Activate", Icon.ACTIVATE, True, "A"),
            ("deactivate", "Deactivate", Icon.DEACTIVATE, False, "D"),
        ):
            add(
                ActionSpec(
                    name,
                    text,
                    icon,
                    partial(self._set_active, active),
                    partial(self._refuse_switch, active),
                    key,
                    place=Place.INSPECTOR,
                )
            )
        add(delete_act(self, webhooks.delete, "url"))
        add(history_act(self))

    def choice_label(self, column: str, value: Value) -> str:
        if column == "active":
            return "Active" if value else "Inactive"
        return "With a secret" if value else "Without a secret"

    def _create(self) -> None:
        WebhookDialog(self.context, tenant=self.scope.tenant_id, parent=self).open_once()

    def _edit(self, webhook: WebhookRecord) -> None:
        WebhookDialog(self.context, webhook=webhook, parent=self).open_once()

    def _set_active(self, active: bool) -> None:
        self.selection.with_ids(lambda ids: self.context.act(webhooks.set_active, ids, active))

    def _refuse_switch(self, active: bool) -> str | None:
        already = f"Already {'active' if active else 'inactive'}."
        return self.selection.refusal_to_set("active", active, already)


def _events(value: Any, row: Row) -> str:
    first, *others = _all_events(value).split(", ")
    return f"{first} + {len(others)}" if others else first


def _all_events(value: Any) -> str:
    if value == webhooks.ALL_EVENTS:
        return "all events"
    return ", ".join(part.strip() for part in str(value).split(","))


def _agrees(row: Row) -> bool:
    return webhook_urls.agrees(row[_URL], row[_HOST])


_DISAGREES = "not the URL's host, so the platform does not deliver to it"
