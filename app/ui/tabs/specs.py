"""The tabs, in order, in plain data: the frame knows them before any of them is loaded."""

from app.services.records.tables import (
    AUDIT_CHAIN,
    NOTIFICATIONS,
    PLANNING_RUNS,
    USERS,
    WEBHOOK_DESTINATIONS,
)
from app.ui.tabs.common.declared import TabSpec
from app.ui.theme.icons import Icon

USERS_TAB = TabSpec(
    "app.ui.tabs.users.tab:UsersTab",
    USERS,
    Icon.USERS,
    ("No users yet", "Create the first one with “New user”."),
    dates=True,
)

AUDIT_TAB = TabSpec(
    "app.ui.tabs.audit.tab:AuditTab",
    AUDIT_CHAIN,
    Icon.AUDIT,
    ("No entries yet", "Every administrative act is recorded here."),
    dates=True,
)

WEBHOOKS_TAB = TabSpec(
    "app.ui.tabs.webhooks.tab:WebhooksTab",
    WEBHOOK_DESTINATIONS,
    Icon.WEBHOOK,
    ("No webhooks yet", "Create the first destination with “New webhook”."),
)

NOTIFICATIONS_TAB = TabSpec(
    "app.ui.tabs.notifications.tab:NotificationsTab",
    NOTIFICATIONS,
    Icon.BELL,
    ("No notifications", "What the platform has to say to its tenants will appear here."),
    dates=True,
)

RUNS_TAB = TabSpec(
    "app.ui.tabs.runs.tab:RunsTab",
    PLANNING_RUNS,
    Icon.RUNS,
    ("No planning runs", "Runs appear here when the platform starts to plan an idea."),
    dates=True,
    chips=("status",),
)

TABS = (USERS_TAB, AUDIT_TAB, WEBHOOKS_TAB, NOTIFICATIONS_TAB, RUNS_TAB)
