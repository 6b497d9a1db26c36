"""Where a tenant's events are delivered to, and the form for a destination."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QLineEdit, QWidget

from app.itemmodels.columns import Column, Row
from app.services.deliveries.log import LAST
from app.services.deliveries.request import MEANINGS
from app.services.records import urls, webhooks
from app.services.records.change import Change
from app.services.records.list_query import ListQuery
from app.services.records.record import Record
from app.services.records.tables import RANK, WEBHOOK_DESTINATIONS, ColumnKind, flag, undeclared
from app.services.records.webhooks import WebhookInput
from app.services.secrets.forms import hides
from app.services.text import readable, some_of, visible
from app.ui.session.context import Context
from app.ui.tabs.common import acts, declared
from app.ui.tabs.common.declared import WEBHOOKS_TAB
from app.ui.tabs.common.form_fields import EventsField, TenantField
from app.ui.tabs.common.record_tab import RecordTab
from app.ui.tabs.webhooks.faring import WIDEST, Faring, ReadyViews, RecentDeliveries, view_words
from app.ui.theme import Icon, Tone
from app.ui.widgets.actions import ActionSpec
from app.ui.widgets.buttons import CheckBox, Chip
from app.ui.widgets.form_dialog import FormDialog, checked
from app.ui.widgets.formatting import EMPTY, first_line
from app.ui.widgets.labels import in_row, line_edit
from app.ui.widgets.panes import LOW
from app.ui.widgets.tab_pages import height_of
from models.status import WebhookEvent

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.services.deliveries.destination import Destination
    from app.services.deliveries.signing import OldSecrets
    from app.ui.tabs.webhooks.secrets import SecretField as SecretLine

_HOST = WEBHOOK_DESTINATIONS.names.index("hostname")
_URL = WEBHOOK_DESTINATIONS.names.index("url")
_NAME = WEBHOOK_DESTINATIONS.names.index("name")
_TENANT = WEBHOOK_DESTINATIONS.names.index("tenant_id")
_HAS_SECRET = WEBHOOK_DESTINATIONS.names.index("has_secret")
_UNSIGNED = (
    "Signs every delivery. Without one they go unsigned: nobody who receives can tell them from forged ones. "
    "What is generated is shown once it is stored."
)
_CHIPS: dict[bool, Chip] = {
    True: ("active", Tone.OK, Icon.OK),
    False: ("inactive", Tone.NEUTRAL, Icon.PAUSED),
}


class WebhooksTab(RecordTab):
    """Webhook destinations: create, edit, switch on and off, delete."""

    spec = WEBHOOKS_TAB
    called = "name"
    opens = "edit"
    recent: RecentDeliveries | None = None

    def special_columns(self) -> declared.Special:
        return {
            "active": {"icon": declared.either(Icon.OK, Icon.PAUSED), "tone": declared.either(Tone.OK)},
            # The URL names the host already; what differs is said where it is read.
            "url": {
                "text": lambda value, row: first_line(readable(value)).removeprefix("https://"),
                "middle": True,
                "tone": lambda value, row: Tone.BAD if _doubt(row) else None,
                "icon": lambda value, row: Icon.WARNING if _doubt(row) else None,
                "tooltip": lambda value, row: (doubt := _doubt(row)) and f"{row[_HOST]} — {doubt[1]}",
            },
            "hostname": {"dim": True},
            "events": {"text": _events, "tooltip": lambda value, row: _all_events(value)},
            "has_secret": {"icon": declared.either(Icon.KEY)},
        }

    def words_of_values(self) -> Mapping[str, Callable[[Any], str]]:
        return {"events": _all_events}

    @cached_property
    def faring(self) -> Faring:
        faring = Faring(self.context, self)
        faring.changed.connect(self._show_faring)
        return faring

    def shown_columns(self, columns: Sequence[Column]) -> Sequence[Column]:
        at = 1 + next(at for at, column in enumerate(columns) if column.name == "events")
        return (*columns[:at], self.faring.column(), *columns[at:])

    @property
    def gives_way(self) -> tuple[str, ...]:
        """When it was made and what it is for, which the inspector shows, go before how it fares; last whose
        it is, its state and its name, beside the URL. That does not depend on what was sent from here: no
        column moves when something is.
        """
        first = (name for name in super().gives_way if name not in ("tenant_id", "events"))
        return (*first, "created_at", "events", RANK, "tenant_id", "active", "name")

    def listen(self) -> None:
        super().listen()
        self.table.columns.set_widest(self.model.column_of(RANK), (WIDEST,), bars=LAST)
        self.table.columns.set_short(self.model.column_of("active"), ("inactive",))

    def top_widgets(self) -> Sequence[QWidget]:
        self.views = ReadyViews(self.context, self.filters_changed)
        self._line = QWidget()
        self._above = in_row(self.views, None, within=self._line)
        return (self._line,)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Where the tab is low the views stand among the pick lists."""
        super().resizeEvent(event)
        low = height_of(self) < LOW
        if low != self._line.isHidden():
            self._line.setHidden(low)
            self.views.stand_among(low)
            self.filters.share_with(self.views if low else None)
            if not low:
                self._above.insertWidget(0, self.views)

    def query(self) -> ListQuery:
        found, ids = super().query(), self.views.ids
        if found.sort == RANK:
            found = replace(found, ranks=self.faring.ranks())
        return found if ids is None else replace(found, choices=(*found.choices, ("id", ids)))

    def own_filter(self) -> str:
        return self.views.key() or ""

    def set_own_filter(self, key: str) -> None:
        self.views.restore(key)

    def own_words(self, key: str) -> str:
        return view_words(key)

    def read_beside(self, query: ListQuery) -> None:
        self.views.count(query.scope)
        self.faring.read()

    def look_again(self) -> None:
        """Once something may have been sent."""
        self.context.delivered.emit()
        self.faring.read()
        self.views.forget()
        self.views.count(self.scope)

    def _show_faring(self) -> None:
        shown = self.list.shown
        if shown is not None and shown.sort == RANK and shown.ranks != self.faring.ranks():
            self.reload()
        else:
            self.model.repaint()
        record = self.current.whole()
        if record is not None and self.list.selected_count() == 1:
            self._show_recent(record)

    def hear(self, change: Change, initiator: object) -> None:
        super().hear(change, initiator)
        if self.spec.table.name in change.tables:
            self.views.forget()
            if self.isVisibleTo(self.window()):
                self.views.count(self.scope)

    def reload(self) -> None:
        self.views.forget()
        super().reload()

    def set_filter_text(self, text: str) -> None:
        had_view = self.views.clear()
        super().set_filter_text(text)
        if had_view:
            self.filters_changed()

    def show_details(self, record: Record) -> None:
        active = flag(record["active"])
        self.commands.show_button("activate", active is not True)
        self.commands.show_button("deactivate", active is not False)
        chips: list[Chip] = [declared.chip(record, "active", _CHIPS)]
        host = record.text("hostname")
        doubt = urls.host_doubt(record.text("url"), host)
        if doubt:
            chips.append((doubt[0], Tone.BAD, Icon.WARNING))
        self.inspector.set_header(record.text("name") or host, f"webhook of {declared.whose(record)}", *chips)
        self.fields.set_fields(
            declared.fields(
                self.context,
                record,
                without=("active", "name"),
                hostname={"value": f"{host or EMPTY} — {doubt[1]}", "tone": Tone.BAD, "copy": host}
                if doubt
                else {},
                events=_events_field(record.text("events")),
                has_secret={"value": "•••••••• (set)"} if record["has_secret"] else {},
            )
        )
        self._show_recent(record)

    def _show_recent(self, record: Record) -> None:
        one = self.faring.of(record["tenant_id"], record["id"])
        if self.recent is None and one is not None:  # few have sent anything, and the tab shows before
            self.recent = RecentDeliveries(self.context, self.open_log)
            self.inspector.add_widget(self.recent.verdict, first=True)
            self.inspector.add_widget(self.recent)
        if self.recent is not None:
            self.recent.show_health(one, active=flag(record["active"]) is True)

    def add_acts(self) -> None:
        add = self.commands.add
        add(acts.create_act(self, self._create))
        add(acts.edit_act(self, lambda webhook: WebhookDialog(self.context, webhook=webhook, parent=self)))
        for word, icon, active in (("Activate", Icon.ACTIVATE, True), ("Deactivate", Icon.DEACTIVATE, False)):
            run = partial(self._set_active, active)
            refusal = partial(self.selection.refusal_to_set, "active", active)
            words = partial(acts.words_to_set, self, word, "active", active)
            add(acts.record_act(word.lower(), words, icon, run, refusal))
        refusal = partial(self.selection.refusal, single=True, writes=False)
        add(acts.record_act("send_event", "", Icon.SEND, self._send_event, refusal))
        add(
            acts.edit_act(
                self,
                lambda webhook: WebhookDialog(self.context, like=webhook, parent=self),
                name="duplicate",
                icon=Icon.COPY,
                in_menu=True,
            )
        )
        add(ActionSpec("reveal_secret", "Reveal secret…", Icon.REVEAL, self._reveal, self._no_secret))
        of_many = "Generate {} missing secrets"
        lacking = partial(acts.words_to_set, self, "Generate missing secret", "has_secret", True, of_many)
        have = partial(self.selection.refusal_to_set, "has_secret", True, "It has a secret.")
        add(ActionSpec("give_secrets", lacking, Icon.KEY, self._give_secrets, have))
        rotate = partial(self.selection.refusal, single=True)
        add(ActionSpec("rotate_secret", "Rotate secret…", Icon.REFRESH, self._rotate, rotate))
        add(ActionSpec("check_request", "Check a request…", Icon.SIGNATURE, self._check_request, refusal))
        add(ActionSpec("deliveries", "", Icon.LOG, self.open_log))
        lacks = partial(self.context.without, self.spec.table.name)
        who = "Who receives an event…"
        add(ActionSpec("event_receivers", who, Icon.SEARCH, self._open_receivers, lacks))
        add(ActionSpec("receiver", "Receiver on this computer…", Icon.RECEIVER, self._open_receiver))
        add(acts.delete_act(self, lambda: webhooks.delete, "url"))
        add(acts.history_act(self))
        self.commands.divide_before("edit", "reveal_secret", "check_request", "delete")

    def show_acts_of_many(self) -> None:
        for name in ("activate", "deactivate"):
            self.commands.show_button(name, True)

    def _create(self) -> None:
        WebhookDialog(self.context, tenant=self.scope.tenant_id, parent=self).open_once()

    def _with_destination(self, use: "Callable[[Destination], None]") -> None:
        """Reads the selected webhook for one delivery, its secret along with it."""
        from app.services.deliveries.destination import read_destination  # noqa: PLC0415 - rows show before

        read = partial(self.context.runner.read, read_destination, on_done=use)
        self.selection.with_ids(lambda ids, gone: read(ids[0]))

    def _send_event(self) -> None:
        from app.ui.tabs.webhooks.sending import SendEventDialog  # noqa: PLC0415 - rows show before

        def show(found: "Destination") -> None:
            SendEventDialog(self.context, found, self, delivered=self.look_again).open_once()

        self._with_destination(show)

    def _reveal(self) -> None:
        from app.ui.tabs.webhooks.secrets import reveal  # noqa: PLC0415 - rows show before

        def show(found: "Destination") -> None:
            dialog = reveal(self.context, found, self)
            if dialog is None:
                self.context.say("No secret is stored.")
            else:
                dialog.open_once()

        self._with_destination(show)

    def _rotate(self) -> None:
        from app.ui.tabs.webhooks.secrets import rotate_form  # noqa: PLC0415 - rows show before

        self._with_destination(
            lambda found: rotate_form(self.context, found, self.old_secrets, self).open_once()
        )

    def _check_request(self) -> None:
        from app.ui.tabs.webhooks.receiving import CheckRequestDialog  # noqa: PLC0415 - rows show before

        self._with_destination(
            lambda found: CheckRequestDialog(self.context, found, self.old_secrets, self).open_once()
        )

    def _open_receivers(self) -> None:
        """Of the tenant that is chosen, or of that of the webhook that is selected."""
        from app.ui.tabs.webhooks.sending import EventReceiversDialog  # noqa: PLC0415 - rows show before

        rows = self.selection.records() if self.list.selected_count() == 1 else []
        tenant = self.scope.tenant_id or (str(rows[0][_TENANT]) if rows else None)
        EventReceiversDialog(self.context, self.show_record, tenant=tenant, parent=self).open_once()

    def _open_receiver(self) -> None:
        """With the secret of the webhook that is selected, if one is. There is one, which comes forward."""
        from app.ui.tabs.webhooks.receiving import ReceiverDialog  # noqa: PLC0415 - rows show before

        if (there := self.findChild(ReceiverDialog)) is not None and there.isVisible():
            there.raise_()
            there.activateWindow()
            return

        def show(found: "Destination | None") -> None:
            name, secret = ("", None) if found is None else (found.title, found.secret)
            receiver = ReceiverDialog(self.context, name, secret, self)
            receiver.finished.connect(receiver.deleteLater)
            receiver.stand_beside()

        if self.selection.refusal(single=True, writes=False) is None:
            self._with_destination(show)
        else:
            show(None)

    @cached_property
    def old_secrets(self) -> "OldSecrets":
        """What was replaced and is still taken, for as long as the file is open."""
        from app.services.deliveries.signing import OldSecrets  # noqa: PLC0415 - rows show before
        from app.workers.system_keyring import SystemKeyring  # noqa: PLC0415 - the same

        return OldSecrets(str(self.context.opened.kept_by), SystemKeyring())

    def _no_secret(self) -> str | None:
        if (refusal := self.selection.refusal(single=True, writes=False)) is not None:
            return refusal
        has_one = any(row[_HAS_SECRET] for row in self.selection.records())
        return None if has_one else "No secret is stored for this webhook."

    def open_log(self, number: int = 0) -> None:
        """Of the webhook that is selected, or of all; at the delivery of this number, or at the newest."""
        from app.ui.tabs.webhooks.deliveries import DeliveriesDialog  # noqa: PLC0415 - rows show before

        rows = self.selection.records() if self.list.selected_count() == 1 else []
        chosen = rows[0] if rows and isinstance(rows[0][0], str) else None
        name = "" if chosen is None else str(chosen[_NAME] or chosen[_HOST])
        webhook = None if chosen is None else str(chosen[0])
        tenant = self.scope.tenant_id
        dialog = DeliveriesDialog(
            self.context,
            webhook=webhook,
            name=name,
            tenant=tenant,
            number=number,
            delivered=self.look_again,
            parent=self,
        )
        dialog.open_once()

    def _give_secrets(self) -> None:
        """To those without one; each is revealed where it is asked for."""
        from app.services.deliveries.signing import SecretForm, generated  # noqa: PLC0415 - rows show before

        acts.set_on_selected(
            self,
            webhooks.give_secrets,
            {"has_secret": True},
            given={"make": partial(generated, SecretForm.STANDARD)},
            verb="Generate the missing secret of {}",
            done="with a secret",
            entry_each=True,
        )

    def _set_active(self, active: bool) -> None:
        verb, done = ("Activate {}", "active") if active else ("Deactivate {}", "inactive")
        acts.set_on_selected(
            self, webhooks.set_active, {"active": active}, verb=verb, done=done, entry_each=True
        )


def _events(value: Any, row: Row) -> str:
    if not str(value or "").strip(" ,"):
        return "none"
    first, *others = _all_events(value).split(", ")
    return f"{first} + {len(others)}" if others else first


def _events_field(events: str) -> dict[str, Any]:
    """What is mistyped is never delivered, and nobody hears of it: so it is told here."""
    names = [name for part in events.split(",") if (name := part.strip())]
    odd = [visible(one) for one in dict.fromkeys(names) if one not in {webhooks.ALL_EVENTS, *WebhookEvent}]
    shown = {"value": _all_events(events), "copy": events}
    if not odd:
        return shown
    told = f"{shown['value']} — the platform is not known to send {some_of(odd, 3)}"
    return shown | {"value": told, "tone": Tone.WARN}


def _all_events(value: Any) -> str:
    if value == webhooks.ALL_EVENTS:
        return "all events"
    if not str(value or "").strip(" ,"):
        return "none, so it delivers nothing"
    return ", ".join(part.strip() for part in str(value).split(","))


def _doubt(row: Row) -> tuple[str, str] | None:
    return urls.host_doubt(row[_URL], row[_HOST])


_URL_HINT = "https, or http on this computer"


class WebhookDialog(FormDialog):
    """Asks for what a destination needs. The stored host always becomes the URL's own.

    A secret that is stored is never shown: an empty field keeps it, "Remove the secret" takes it away.
    """

    def __init__(
        self,
        context: Context,
        *,
        tenant: str | None = None,
        webhook: Record | None = None,
        like: Record | None = None,
        parent: QWidget | None = None,
    ) -> None:
        title, sentence, action = "New webhook", "Events are delivered by POST to this URL.", "Create webhook"
        if like is not None:
            title = "Duplicate webhook"
            sentence = (
                f"Like {like.text('name') or like.text('hostname')} of {declared.whose(like)}, and for "
                "another tenant. Its secret is not taken along: tenants must not be able to sign for each "
                "other."
            )
        if webhook is not None:
            title, sentence, action = "Edit webhook", f"Webhook of {declared.whose(webhook)}", "Save"
        super().__init__(context.theme, title, sentence, action=action, parent=parent)
        self._context = context
        self._webhook = webhook
        self._seen = None if webhook is None else webhooks.as_seen(webhook.values)
        if webhook is None:
            own = None if like is None else like["tenant_id"]
            tenants = TenantField([one for one in context.tenants if one != own], tenant, context.erased)
            self.add_field("tenant_id", "Tenant", tenants, tenants.check)
        first = webhook or like
        name = line_edit(first.text("name") if first else "")
        self.add_field("name", "Name", name, beside=webhook is None)
        stored_url = webhook.text("url") if webhook else None
        url = line_edit(first.text("url") if first else "")
        url.setPlaceholderText("https://hooks.example.com/path")
        check_url = checked(urls.valid_url, stored_url)
        self.add_field("url", "URL", url, check_url, _URL_HINT)
        url.textChanged.connect(self._hint_of_address)
        stored_events = first.text("events") if first else webhooks.ALL_EVENTS
        events = EventsField(MEANINGS, webhooks.ALL_EVENTS, stored_events)
        valid = checked(webhooks.valid_events, stored_events)
        self.add_field("events", "Events", events, lambda value: valid(value) or events.check(value))
        self._secret: SecretLine | None = None
        if webhook is not None and webhook["has_secret"]:
            secret = QLineEdit(echoMode=QLineEdit.EchoMode.Password)
            self.add_field("secret", "Secret", secret, hint="Leave empty to keep the stored one.")
            remove = CheckBox("Remove the secret")
            remove.toggled.connect(secret.setDisabled)
            self.add_field("remove_secret", "Remove the secret", remove)
        else:
            from app.ui.tabs.webhooks.secrets import SecretField  # noqa: PLC0415 - rows show before

            self._secret = SecretField(context)
            self.add_field("secret", "Secret", self._secret, hint=_UNSIGNED)
        stored = context.opened.schema.stored.get(WEBHOOK_DESTINATIONS.name)
        if webhook is None and stored is not None:
            beside = {} if like is None else like.unknown
            known = {
                name: value
                for name, value in beside.items()
                if undeclared(name).kind is not ColumnKind.PRESENCE and not hides(value)
            }
            self.add_asked(WEBHOOK_DESTINATIONS.asks_for(stored), known)
        active = CheckBox("Active")
        active.setChecked(first is None or flag(first["active"]) is True)
        self.add_field("active", "Active", active)
        (url if webhook is None and tenant else self.editor(next(iter(self.values())))).setFocus()
        self.submitted.connect(self._submit)
        self.accepted.connect(self._show_secret)

    def _hint_of_address(self, url: str) -> None:
        """What a test event would not be sent to is said at once; what the platform does nobody knows."""
        from app.services.deliveries.destination import address_doubt  # noqa: PLC0415 - rows show before

        doubt = address_doubt(url)
        self.set_hint(_URL_HINT if doubt is None else f"{doubt}: a test event is not sent there.", "url")

    def _show_secret(self) -> None:
        """What was generated, once it is stored: whoever receives must be given it."""
        made = None if self._secret is None else self._secret.made
        if made is not None:
            from app.ui.tabs.webhooks.secrets import show_new  # noqa: PLC0415 - rows show before

            values = self.values()
            title = str(values["name"]) or urls.valid_url(str(values["url"]))[1]
            show_new(self._context, title, made, self.parentWidget())

    def _submit(self) -> None:
        values = self.values()
        if self._seen is not None:  # what was not edited stays, to the last character
            values |= {name: getattr(self._seen, name) for name in webhooks.SHOWN - self.edited()}
        form = WebhookInput(
            name=str(values["name"]),
            url=str(values["url"]),
            events=str(values["events"]),
            active=bool(values["active"]),
            secret="" if values.get("remove_secret") else str(values["secret"]) or None,
        )
        if self._webhook is None:
            self.write(self._context.act, webhooks.create, str(values["tenant_id"]), form, self.asked())
        else:
            self.write(self._context.act, webhooks.update, self._webhook["id"], form, self._seen)
