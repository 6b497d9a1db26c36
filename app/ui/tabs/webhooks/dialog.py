"""The form for a webhook destination, new or changed."""

from PySide6.QtWidgets import QCheckBox, QLineEdit, QWidget

from app.services import text
from app.services.records import webhooks
from app.services.records.record import Record
from app.services.records.webhooks import WebhookInput
from app.ui.shell.context import Context
from app.ui.widgets.form_dialog import FormDialog, checked


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
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(
            context.theme,
            "Edit webhook" if webhook else "New webhook",
            f"Destination of {webhook.text('tenant_id')}"
            if webhook
            else "Events are delivered by POST to this URL.",
            action="Save" if webhook else "Create webhook",
            parent=parent,
        )
        self._context = context
        self._webhook = webhook
        self._remove: QCheckBox | None = None
        if webhook is None:
            self.add_field("tenant_id", "Tenant", QLineEdit(tenant or ""), checked(text.tenant_id))
        self.add_field("name", "Name", QLineEdit(webhook.text("name") if webhook else ""))
        url = QLineEdit(webhook.text("url") if webhook else "")
        url.setPlaceholderText("https://hooks.example.com/path")
        self.add_field("url", "URL", url, checked(webhooks.valid_url), "https, or http on this computer")
        self.add_field(
            "events",
            "Events",
            QLineEdit(webhook.text("events") if webhook else webhooks.ALL_EVENTS),
            checked(webhooks.valid_events),
            f"* for all, or a comma list of: {', '.join(webhooks.EVENT_TYPES)}",
        )
        secret = QLineEdit()
        secret.setEchoMode(QLineEdit.EchoMode.Password)
        has_secret = webhook is not None and bool(webhook["has_secret"])
        hint = (
            "Leave empty to keep the stored one."
            if has_secret
            else "Signs every delivery; may be left empty."
        )
        self.add_field("secret", "Secret", secret, hint=hint)
        if has_secret:
            self._remove = QCheckBox("Remove the secret")
            self.add_field("remove_secret", "Remove the secret", self._remove)
            self._remove.toggled.connect(secret.setDisabled)
        active = QCheckBox("Active")
        active.setChecked(bool(webhook["active"]) if webhook else True)
        self.add_field("active", "Active", active)
        self.set_clean()
        (url if webhook is None and tenant else self.editor(next(iter(self.values())))).setFocus()
        self.submitted.connect(self._submit)

    def _submit(self) -> None:
        values = self.values()
        form = WebhookInput(
            name=str(values["name"]),
            url=str(values["url"]),
            events=str(values["events"]),
            active=bool(values["active"]),
            secret=self._secret(str(values["secret"])),
        )
        if self._webhook is None:
            self.write(self._context.act, webhooks.create, str(values["tenant_id"]), form)
        else:
            self.write(self._context.act, webhooks.update, self._webhook["id"], form)

    def _secret(self, typed: str) -> str | None:
        if self._remove is not None and self._remove.isChecked():
            return ""
        return typed or None
